//! Signals: how one task interrupts, stops or ends another.
//!
//! A signal has two halves. *Sending* (`send`) leaves a bit in the receiver's mask, for one thread or
//! for the whole process, unless nobody would notice; picks a thread that can take it, and wakes it.
//! *Delivering* ([`deliver`]) is done by the receiver itself when it runs next: it takes the lowest
//! waiting signal that it does not block, and ignores it, calls the program's handler, stops, or ends.
//! So a task in an uninterruptible sleep (`D`) or in a freezer dies only after it was woken.
//!
//! A signal that would end the process is spread at once: every thread gets `SIGKILL`, so that none
//! runs on. `SIGCONT` acts when it is *sent*, because a stopped process delivers nothing. Stop signals
//! and `SIGCONT` cancel each other. Process 1 gets only what it has a handler for.
//!
//! A staged task ([`Tif::Staged`]) never runs, so it delivers at once whatever it may. The console's
//! `kill` has all its receivers do so ([`settle`]): a command takes no time, and what it brings about
//! is there when it ends.
//!
//! Rules: 2.6.24's `kernel/signal.c`, as far as there are no tracers, queued information or core
//! dumps. Handlers and masks are `program`'s; who may send to whom is `kill.rs`'s.

use core::mem::offset_of;

use super::{
    INTERRUPTIBLE, PF_EXITING, PF_SIGNALED, STOPPED, SignalStruct, Task, Tif, current, exit, sched,
    threads, wait,
};
use crate::mem::{ListHead, Mem, Ref};
use crate::trace::Tracepoint;

pub use super::kill::{check_permission, kill, settle};

/// In [`SignalStruct::flags`]: all threads are to end (`SIGNAL_GROUP_EXIT`).
pub const GROUP_EXIT: u32 = 1;
/// It is stopped.
pub const STOP_STOPPED: u32 = 2;
/// It was continued, and its parent has not asked yet.
pub const STOP_CONTINUED: u32 = 4;

macro_rules! signals {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal, $default:ident, $says:literal;)*) => {
        /// The signals of x86.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Signal {
            $($(#[$doc])* #[doc = $says] $variant = $number,)*
        }

        impl Signal {
            /// All of them by number.
            pub const ALL: &'static [Signal] = &[$(Signal::$variant,)*];

            /// Its name without `SIG`.
            pub fn name(self) -> &'static str {
                match self { $(Signal::$variant => $name,)* }
            }

            /// What a shell says of a process that it ended.
            pub fn sentence(self) -> &'static str {
                match self { $(Signal::$variant => $says,)* }
            }

            /// What it does to a process that did not choose.
            pub fn default_action(self) -> Action {
                match self { $(Signal::$variant => Action::$default,)* }
            }
        }
    };
}

signals! {
    Hup = 1, "HUP", Terminate, "Hangup";
    Int = 2, "INT", Terminate, "Interrupt";
    Quit = 3, "QUIT", Terminate, "Quit";
    Ill = 4, "ILL", Terminate, "Illegal instruction";
    Trap = 5, "TRAP", Terminate, "Trace/breakpoint trap";
    Abrt = 6, "ABRT", Terminate, "Aborted";
    Bus = 7, "BUS", Terminate, "Bus error";
    Fpe = 8, "FPE", Terminate, "Floating point exception";
    Kill = 9, "KILL", Terminate, "Killed";
    Usr1 = 10, "USR1", Terminate, "User defined signal 1";
    Segv = 11, "SEGV", Terminate, "Segmentation fault";
    Usr2 = 12, "USR2", Terminate, "User defined signal 2";
    Pipe = 13, "PIPE", Terminate, "Broken pipe";
    Alrm = 14, "ALRM", Terminate, "Alarm clock";
    Term = 15, "TERM", Terminate, "Terminated";
    Stkflt = 16, "STKFLT", Terminate, "Stack fault";
    Chld = 17, "CHLD", Ignore, "Child exited";
    Cont = 18, "CONT", Ignore, "Continued";
    Stop = 19, "STOP", Stop, "Stopped (signal)";
    Tstp = 20, "TSTP", Stop, "Stopped";
    Ttin = 21, "TTIN", Stop, "Stopped (tty input)";
    Ttou = 22, "TTOU", Stop, "Stopped (tty output)";
    Urg = 23, "URG", Ignore, "Urgent I/O condition";
    Xcpu = 24, "XCPU", Terminate, "CPU time limit exceeded";
    Xfsz = 25, "XFSZ", Terminate, "File size limit exceeded";
    Vtalrm = 26, "VTALRM", Terminate, "Virtual timer expired";
    Prof = 27, "PROF", Terminate, "Profiling timer expired";
    Winch = 28, "WINCH", Ignore, "Window changed";
    Io = 29, "IO", Terminate, "I/O possible";
    Pwr = 30, "PWR", Terminate, "Power failure";
    Sys = 31, "SYS", Terminate, "Bad system call";
}

/// What a delivered signal does; the number in its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Action {
    /// Nothing.
    Ignore = 0,
    /// The process ends.
    Terminate = 1,
    /// The process stops.
    Stop = 2,
    /// The program's handler runs.
    Handle = 3,
}

/// What became of a signal that was sent; the number in its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Sent {
    /// It waits for its receiver, who was woken if that helps.
    Delivered = 0,
    /// The receiver ignores it.
    Ignored = 1,
    /// Such a signal waits already: two are one.
    AlreadyPending = 2,
}

/// What delivering came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// Nothing to do: the task goes on.
    Nothing,
    /// The program has a handler for this signal, and is to run it.
    Handler(Signal),
    /// The task is stopped: its state is not `RUNNING` any more.
    Stopped,
    /// The task has ended. Its descriptor may be gone, unless the caller holds it (`get_task`).
    Exited,
}

const fn mask_of(signals: &[Signal]) -> u32 {
    let mut mask = 0;
    let mut index = 0;
    while index < signals.len() {
        mask |= signals[index].bit();
        index += 1;
    }
    mask
}

/// Signals that stop.
const STOP_SIGNALS: u32 = mask_of(&[Signal::Stop, Signal::Tstp, Signal::Ttin, Signal::Ttou]);
/// Signals that no program can handle, block or ignore.
pub const UNSTOPPABLE: u32 = mask_of(&[Signal::Kill, Signal::Stop]);

impl Signal {
    /// Its bit in a mask.
    pub const fn bit(self) -> u32 {
        1 << (self as u32 - 1)
    }

    /// The signal of that number.
    pub fn from_number(number: u32) -> Option<Signal> {
        Signal::ALL.get(number.checked_sub(1)? as usize).copied()
    }

    /// The signal of that name, `TERM` or `SIGTERM` in any case, or number.
    pub fn parse(text: &str) -> Option<Signal> {
        if let Ok(number) = text.parse() {
            return Signal::from_number(number);
        }
        let has_prefix = text
            .get(..3)
            .is_some_and(|sig| sig.eq_ignore_ascii_case("SIG"));
        let name = if has_prefix { &text[3..] } else { text };
        let mut all = Signal::ALL.iter().copied();
        all.find(|signal| signal.name().eq_ignore_ascii_case(name))
    }
}

/// What a signal would do to a process.
fn action(mem: &Mem, signal: Ref<SignalStruct>, sig: Signal) -> Action {
    let SignalStruct {
        ignored, caught, ..
    } = mem[signal];
    let can_choose = sig.bit() & UNSTOPPABLE == 0;
    if can_choose && caught & sig.bit() != 0 {
        Action::Handle
    } else if can_choose && ignored & sig.bit() != 0 {
        Action::Ignore
    } else {
        sig.default_action()
    }
}

/// Whether a task is process 1 or one of the kernel's own threads, which no default action touches.
fn is_immune(mem: &Mem, task: Ref<Task>) -> bool {
    mem[task].tgid == 1 || mem[task].is_kernel_thread()
}

/// Sends a signal to one thread (`send_sig`).
pub fn send_sig(mem: &mut Mem, sig: Signal, task: Ref<Task>) -> Sent {
    send(mem, sig, task, false)
}

/// Sends a signal to a thread's whole process (`group_send_sig_info`).
pub fn group_send_sig(mem: &mut Mem, sig: Signal, task: Ref<Task>) -> Sent {
    send(mem, sig, task, true)
}

/// Whether a task has a signal to deliver (`signal_pending`).
#[inline]
pub fn signal_pending(mem: &Mem, task: Ref<Task>) -> bool {
    mem[task].has(Tif::SigPending)
}

/// Leaves a signal with a thread, or with its process, and wakes who takes it.
fn send(mem: &mut Mem, sig: Signal, task: Ref<Task>, group: bool) -> Sent {
    // A staged one may end while it is told.
    super::get_task(mem, task);
    prepare(mem, sig, task);
    let mut chosen = Ref::NULL;
    let sent = match mem[task].signal.is_null() {
        true => Sent::Ignored,
        false => queue(mem, sig, task, group, &mut chosen),
    };
    if mem.is_traced() {
        let pid = |task: Ref<Task>| match task.is_null() {
            true => 0,
            false => u64::from(mem[task].pid),
        };
        let event = [
            sig as u64,
            pid(task),
            pid(current(mem)),
            u64::from(group),
            sent as u64,
            pid(chosen),
        ];
        mem.trace(Tracepoint::SignalGenerate, event);
    }
    if !chosen.is_null() {
        complete(mem, sig, chosen);
    }
    super::put_task(mem, task);
    sent
}

/// Sets a signal's bit, unless nobody would notice, and finds who takes it.
fn queue(mem: &mut Mem, sig: Signal, task: Ref<Task>, group: bool, chosen: &mut Ref<Task>) -> Sent {
    let signal = mem[task].signal;
    let action = action(mem, signal, sig);
    let is_blocked = mem[task].blocked & sig.bit() != 0;
    let is_lost = is_immune(mem, task) && action != Action::Handle;
    let is_dead = match group {
        true => mem[signal].live == 0,
        false => mem[task].exit_state != 0,
    };
    if is_dead || is_lost || (action == Action::Ignore && !is_blocked) {
        return Sent::Ignored;
    }
    let pending = match group {
        true => &mut mem[signal].shared_pending,
        false => &mut mem[task].pending,
    };
    if *pending & sig.bit() != 0 {
        return Sent::AlreadyPending;
    }
    *pending |= sig.bit();
    *chosen = choose(mem, sig, task, group);
    Sent::Delivered
}

/// What stop signals and `SIGCONT` do when they are sent (`handle_stop_signal`): each takes the other
/// back, and `SIGCONT` lets a stopped process go on even if it is blocked or ignored.
fn prepare(mem: &mut Mem, sig: Signal, task: Ref<Task>) {
    let signal = mem[task].signal;
    if mem[signal].flags & GROUP_EXIT != 0 {
        return;
    }
    if sig.bit() & STOP_SIGNALS != 0 {
        forget(mem, signal, Signal::Cont.bit());
    } else if sig == Signal::Cont {
        forget(mem, signal, STOP_SIGNALS);
        let was_stopped = mem[signal].flags & STOP_STOPPED != 0;
        if was_stopped {
            mem[signal].flags = STOP_CONTINUED;
            mem[signal].group_exit_code = 0;
            for_each_thread(mem, signal, resume);
            let leader = mem[task].group_leader;
            exit::notify_stopped(mem, leader);
        }
    } else if sig == Signal::Kill {
        mem[signal].flags &= !(STOP_STOPPED | STOP_CONTINUED);
    }
}

/// Takes waiting signals back from a process and its threads.
fn forget(mem: &mut Mem, signal: Ref<SignalStruct>, mask: u32) {
    mem[signal].shared_pending &= !mask;
    for_each_thread(mem, signal, |mem, thread| mem[thread].pending &= !mask);
}

/// Does something to each thread of a process, which may end it, and others with it. It may be done
/// to one twice then.
pub(crate) fn for_each_thread(
    mem: &mut Mem,
    signal: Ref<SignalStruct>,
    mut action: impl FnMut(&mut Mem, Ref<Task>),
) {
    // The last thread would take the list's head along; a reference keeps it.
    mem[signal].count += 1;
    let head: Ref<ListHead> = signal.cast();
    let mut at = mem[head].next;
    while at != head {
        let thread: Ref<Task> = at.byte_sub(offset_of!(Task, thread_group));
        super::get_task(mem, thread);
        let next = mem[at].next;
        let after = (next != head).then(|| {
            let after = next.byte_sub(offset_of!(Task, thread_group));
            super::get_task(mem, after)
        });
        action(mem, thread);
        // If the next one has left meanwhile, the walk begins anew.
        at = match mem[next].next.is_null() {
            true => mem[head].next,
            false => next,
        };
        super::put_task(mem, thread);
        if let Some(after) = after {
            super::put_task(mem, after);
        }
    }
    super::fork::put_signal(mem, signal);
}

/// The thread that takes a signal: the one it was sent to if that one can, else the first that can
/// (`wants_signal`). NULL if all block it: it waits then.
fn choose(mem: &Mem, sig: Signal, task: Ref<Task>, group: bool) -> Ref<Task> {
    let wants = |&thread: &Ref<Task>| {
        let Task {
            blocked,
            flags,
            state,
            ..
        } = mem[thread];
        let is_kill = sig == Signal::Kill;
        flags & PF_EXITING == 0 && (is_kill || (blocked & sig.bit() == 0 && state != STOPPED))
    };
    if wants(&task) {
        task
    } else if group {
        let found = threads(mem, mem[task].signal).find(wants);
        found.unwrap_or(Ref::NULL)
    } else {
        Ref::NULL
    }
}

/// Wakes the receiver of a signal; if it ends the process, all its threads.
fn complete(mem: &mut Mem, sig: Signal, chosen: Ref<Task>) {
    let signal = mem[chosen].signal;
    let is_fatal = action(mem, signal, sig) == Action::Terminate && !is_immune(mem, chosen);
    if is_fatal && mem[signal].flags & GROUP_EXIT == 0 {
        mem[signal].flags = GROUP_EXIT;
        mem[signal].group_exit_code = sig as u32;
        for_each_thread(mem, signal, |mem, thread| {
            mem[thread].pending |= Signal::Kill.bit();
            wake(mem, thread, true);
        });
    } else {
        wake(mem, chosen, sig == Signal::Kill);
    }
}

/// Tells a thread that a signal waits, and wakes it if it sleeps lightly, or, with `resume`, is
/// stopped (`signal_wake_up`).
pub(super) fn wake(mem: &mut Mem, thread: Ref<Task>, resume: bool) {
    if mem[thread].exit_state != 0 {
        return;
    }
    mem[thread].thread_flags |= Tif::SigPending as u32;
    let state = mem[thread].state;
    if mem[thread].has(Tif::Staged) {
        if state == INTERRUPTIBLE || (resume && state == STOPPED) {
            deliver(mem, thread);
        }
    } else if state == INTERRUPTIBLE || (resume && state == STOPPED) {
        sched::wake_up_process(mem, thread);
    }
}

/// Lets a stopped thread go on: a program with what it did, a staged one with its sleep. What came
/// meanwhile it delivers then.
fn resume(mem: &mut Mem, thread: Ref<Task>) {
    if mem[thread].state != STOPPED {
        return;
    }
    if mem[thread].has(Tif::Staged) {
        mem[thread].state = INTERRUPTIBLE;
    } else {
        sched::wake_up_process(mem, thread);
    }
    retarget(mem, thread);
}

/// Has a thread look for what waits, because others don't take it any more.
pub(super) fn retarget(mem: &mut Mem, thread: Ref<Task>) {
    recalc(mem, thread);
    if signal_pending(mem, thread) {
        wake(mem, thread, false);
    }
}

/// Takes the next signal that a task delivers: its own before its process's, the lowest number
/// first.
fn dequeue(mem: &mut Mem, task: Ref<Task>) -> Option<Signal> {
    let signal = mem[task].signal;
    let blocked = mem[task].blocked & !UNSTOPPABLE;
    let own = mem[task].pending & !blocked;
    let shared = mem[signal].shared_pending & !blocked;
    let (mask, pending) = match own {
        0 => (shared, &mut mem[signal].shared_pending),
        _ => (own, &mut mem[task].pending),
    };
    let bit = mask & mask.wrapping_neg();
    *pending &= !bit;
    Signal::from_number(mask.trailing_zeros() + 1)
}

/// Notes whether a task has anything to deliver, after its masks have changed
/// (`recalc_sigpending`).
pub fn recalc(mem: &mut Mem, task: Ref<Task>) {
    let signal = mem[task].signal;
    let waiting = mem[task].pending | mem[signal].shared_pending;
    let waiting = waiting & !(mem[task].blocked & !UNSTOPPABLE);
    let stops = mem[signal].flags & STOP_STOPPED != 0 && mem[task].state != STOPPED;
    if waiting != 0 || stops {
        mem[task].thread_flags |= Tif::SigPending as u32;
    } else {
        mem[task].thread_flags &= !(Tif::SigPending as u32);
    }
}

/// Delivers what waits for a task, until one signal matters (`get_signal_to_deliver`). Whoever runs
/// a task calls it before it goes on with the program, and after each system call.
pub fn deliver(mem: &mut Mem, task: Ref<Task>) -> Delivered {
    if !signal_pending(mem, task) || mem[task].flags & PF_EXITING != 0 {
        return Delivered::Nothing;
    }
    let signal = mem[task].signal;
    loop {
        if mem[signal].flags & GROUP_EXIT != 0 && !is_immune(mem, task) {
            let sig = mem[signal].group_exit_code & 0x7f;
            tell(mem, sig, task, Action::Terminate);
            mem[task].flags |= PF_SIGNALED;
            exit::do_group_exit(mem, task, sig);
            return Delivered::Exited;
        }
        if mem[signal].flags & STOP_STOPPED != 0 {
            park(mem, task);
            return Delivered::Stopped;
        }
        let Some(sig) = dequeue(mem, task) else {
            recalc(mem, task);
            return Delivered::Nothing;
        };
        let action = match action(mem, signal, sig) {
            Action::Terminate | Action::Stop if is_immune(mem, task) => Action::Ignore,
            action => action,
        };
        tell(mem, sig as u32, task, action);
        match action {
            Action::Ignore => {}
            Action::Handle => {
                recalc(mem, task);
                return Delivered::Handler(sig);
            }
            Action::Stop => {
                stop(mem, task, sig);
                return Delivered::Stopped;
            }
            Action::Terminate => {
                mem[task].flags |= PF_SIGNALED;
                exit::do_group_exit(mem, task, sig as u32);
                return Delivered::Exited;
            }
        }
    }
}

fn tell(mem: &mut Mem, sig: u32, task: Ref<Task>, action: Action) {
    if mem.is_traced() {
        let event = [sig.into(), mem[task].pid.into(), action as u64];
        mem.emit(Tracepoint::SignalDeliver, event);
    }
}

/// Stops a task's whole process (`do_signal_stop`): those who sleep lightly stop where they are, the
/// others when they run next.
fn stop(mem: &mut Mem, task: Ref<Task>, sig: Signal) {
    let signal = mem[task].signal;
    mem[signal].flags = STOP_STOPPED;
    mem[signal].group_exit_code = sig as u32;
    for_each_thread(mem, signal, |mem, thread| {
        if mem[thread].exit_state != 0 || mem[thread].flags & PF_EXITING != 0 {
            return;
        }
        if thread == task || mem[thread].state == INTERRUPTIBLE {
            park(mem, thread);
        } else {
            mem[thread].thread_flags |= Tif::SigPending as u32;
        }
    });
    let leader = mem[task].group_leader;
    exit::notify_stopped(mem, leader);
}

/// A task stops here. What it slept for no longer wakes it; it will look again when it goes on.
fn park(mem: &mut Mem, task: Ref<Task>) {
    wait::finish_wait(mem, task);
    mem[task].state = STOPPED;
    sched::deactivate(mem, task);
    recalc(mem, task);
}

/// Forgets handlers, as `exec` does: what was handled gets its default action again
/// (`flush_signal_handlers`).
pub fn flush_handlers(mem: &mut Mem, task: Ref<Task>) {
    let signal = mem[task].signal;
    mem[signal].caught = 0;
}
