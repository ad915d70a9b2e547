//! How tasks end, and how their parents learn of it.
//!
//! An ending task gives back all it has but its descriptor and its number: those stay, with its status
//! and times, until its parent has asked. Until then it is a *zombie*. Only the first thread of a
//! process becomes one, and not before the last thread has ended; other threads go at once.
//!
//! Children of an ended process become init's. Init is the console's shell, which knows nothing of
//! them; so adopted ones are released the moment they end, as init's endless `wait` would.
//!
//! Rules: 2.6.24's `kernel/exit.c`, without tracers. Missing: signals to process groups that become
//! orphans.

use core::mem::offset_of;

use super::wait::{self, WaitQueue};
use super::{
    EXIT_DEAD, EXIT_ZOMBIE, INTERRUPTIBLE, PF_EXITING, RUNNING, STOPPED, SignalStruct, TASK,
    TASK_DEAD, Task, Tif, UNINTERRUPTIBLE, children, fork, pid, sched,
    signal::{self, GROUP_EXIT, STOP_CONTINUED, STOP_STOPPED, Signal},
    time, user,
};
use crate::container;
use crate::errno::Errno;
use crate::fs;
use crate::mem::{Mem, Ref};
use crate::oom::weights;
use crate::trace::Tracepoint;

/// In the options of [`do_wait`]: don't wait if no child has changed yet.
pub const WNOHANG: u32 = 1;
/// Tell of children that are stopped, too.
pub const WUNTRACED: u32 = 2;
/// Tell of children that were continued, too.
pub const WCONTINUED: u32 = 8;

/// A status: ended with `code`.
pub const fn exited(code: u8) -> u32 {
    (code as u32) << 8
}

/// A status: stopped by a signal.
const fn stopped(signal: u32) -> u32 {
    signal << 8 | 0x7f
}

/// A status: continued.
pub const CONTINUED: u32 = 0xffff;

/// How a status reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It ended by itself.
    Exited(u8),
    /// A signal ended it.
    Killed(u32),
    /// A signal stopped it.
    Stopped(u32),
    /// It goes on.
    Continued,
}

impl Status {
    /// Takes a status apart (`WIFEXITED` and its kin).
    pub fn of(status: u32) -> Status {
        match status {
            CONTINUED => Status::Continued,
            _ if status & 0x7f == 0 => Status::Exited((status >> 8) as u8),
            _ if status & 0x7f == 0x7f => Status::Stopped(status >> 8 & 0xff),
            _ => Status::Killed(status & 0x7f),
        }
    }

    /// What a shell puts into `$?`.
    pub fn shell(self) -> u8 {
        match self {
            Status::Exited(code) => code,
            Status::Killed(signal) | Status::Stopped(signal) => 128 + signal as u8,
            Status::Continued => 0,
        }
    }
}

/// Ends a task's whole process with a status (`do_group_exit`): the other threads get `SIGKILL`. If
/// the process ends already, that status stays.
pub fn do_group_exit(mem: &mut Mem, task: Ref<Task>, code: u32) {
    let signal = mem[task].signal;
    if mem[signal].flags & GROUP_EXIT == 0 {
        mem[signal].flags = GROUP_EXIT;
        mem[signal].group_exit_code = code;
        signal::for_each_thread(mem, signal, |mem, thread| {
            if thread != task && mem[thread].exit_state == 0 {
                mem[thread].pending |= Signal::Kill.bit();
                signal::wake(mem, thread, true);
            }
        });
    }
    let code = mem[signal].group_exit_code;
    do_exit(mem, task, code);
}

/// Ends a task (`do_exit`). Afterwards it is a zombie or gone: the descriptor stays only for those who
/// hold it ([`super::get_task`]). Process 1 does not end.
pub fn do_exit(mem: &mut Mem, task: Ref<Task>, code: u32) {
    if mem[task].flags & PF_EXITING != 0 || task == mem[TASK].init {
        return;
    }
    mem[task].flags |= PF_EXITING;
    weights::refresh_traits(mem, task);
    mem[task].exit_code = code;
    let signal = mem[task].signal;
    mem[signal].live -= 1;
    let live = mem[signal].live;
    if mem.is_traced() {
        let event = [mem[task].pid, mem[task].tgid, code, live].map(u64::from);
        mem.emit(Tracepoint::SchedProcessExit, event);
    }
    wait::finish_wait(mem, task);
    time::timer_cancel(mem, task);
    if !mem[task].program.is_null() {
        super::program::exit_process(mem, task);
    }
    update_mm_owner(mem, task);
    fork::release_mm(mem, task);
    fs::exit_files(mem, task);
    fork::release_fs(mem, task);
    container::exit(mem, task);
    sched::task_dead(mem, task);
    mem[task].state = TASK_DEAD;
    mem[task].thread_flags &= !(Tif::SigPending as u32);
    mem[task].pending = 0;
    let leader = mem[task].group_leader;
    super::get_task(mem, leader);
    if live == 0 {
        forget_children(mem, leader);
    } else if mem[signal].shared_pending != 0 {
        // What it was woken for, another thread takes.
        signal::for_each_thread(mem, signal, |mem, thread| {
            if mem[thread].exit_state == 0 && mem[thread].flags & PF_EXITING == 0 {
                signal::retarget(mem, thread);
            }
        });
    }
    if task == leader {
        mem[task].exit_state = EXIT_ZOMBIE;
    } else {
        mem[task].exit_state = EXIT_DEAD;
        release_task(mem, task);
    }
    // The last to end tells of the process, be it the first thread or another.
    if live == 0 {
        end_process(mem, leader);
    }
    super::put_task(mem, leader);
}

/// Another task answers for an address space that outlives its owner (`mm_update_next_owner`).
fn update_mm_owner(mem: &mut Mem, task: Ref<Task>) {
    let mm = mem[task].mm;
    if mm.is_null() || mem[mm].owner != task || mem[mm].users == 1 {
        return;
    }
    let lives = |&other: &Ref<Task>| {
        let Task {
            mm: others, flags, ..
        } = mem[other];
        others == mm && other != task && flags & PF_EXITING == 0
    };
    let thread = super::threads(mem, mem[task].signal).find(lives);
    let next = thread.or_else(|| pid::tasks_from(mem, 1).find(lives));
    mem[mm].owner = next.unwrap_or(mem[TASK].init);
}

/// All threads have ended: the parent is told, and the process goes or stays as a zombie.
fn end_process(mem: &mut Mem, leader: Ref<Task>) {
    let parent = mem[leader].parent;
    let is_adopted = mem[leader].has(Tif::Adopted);
    let parents = mem[mem[parent].signal];
    let chld = Signal::Chld.bit();
    // A parent that ignores SIGCHLD, rather than not caring, wants no zombies.
    let ignores = parents.ignored & chld != 0 && mem[leader].exit_signal == Signal::Chld as u32;
    if let Some(sig) = Signal::from_number(mem[leader].exit_signal).filter(|_| !is_adopted) {
        signal::group_send_sig(mem, sig, parent);
    }
    wake_waiters(mem, parent);
    if is_adopted || ignores {
        mem[leader].exit_state = EXIT_DEAD;
        release_task(mem, leader);
    }
}

/// Tells a process's parent that it has stopped, or goes on (`do_notify_parent_cldstop`).
pub(super) fn notify_stopped(mem: &mut Mem, leader: Ref<Task>) {
    let parent = mem[leader].parent;
    if parent != leader {
        signal::group_send_sig(mem, Signal::Chld, parent);
        wake_waiters(mem, parent);
    }
}

fn wake_waiters(mem: &mut Mem, parent: Ref<Task>) {
    let queue = wait_chldexit(mem, parent);
    wait::wake_up_all(mem, queue);
}

/// Where those sleep who wait for a process's children.
pub fn wait_chldexit(mem: &Mem, parent: Ref<Task>) -> Ref<WaitQueue> {
    let signal = mem[parent].signal;
    signal.byte_add(offset_of!(SignalStruct, wait_chldexit))
}

/// Init adopts the children of a process that ends (`forget_original_parent`).
fn forget_children(mem: &mut Mem, leader: Ref<Task>) {
    let init = mem[TASK].init;
    loop {
        let first = children(mem, leader).next();
        let Some(child) = first else {
            break;
        };
        reparent(mem, child, init);
        mem[child].thread_flags |= Tif::Adopted as u32;
        mem[child].exit_signal = Signal::Chld as u32;
        // It may have ended before, unnoticed.
        if mem[child].exit_state == EXIT_ZOMBIE && mem[mem[child].signal].live == 0 {
            mem[child].exit_state = EXIT_DEAD;
            release_task(mem, child);
        }
    }
}

/// Gives a process another parent.
pub(super) fn reparent(mem: &mut Mem, child: Ref<Task>, parent: Ref<Task>) {
    let old = mem[child].parent;
    let loss = weights::share(mem, child);
    weights::parent_gains(mem, child, 0, loss);
    mem.list_del(fork::sibling(child));
    let signal = mem[child].signal;
    signal::for_each_thread(mem, signal, |mem, thread| mem[thread].parent = parent);
    fork::link_child(mem, child);
    if mem.is_traced() {
        let event = [mem[child].pid, mem[old].pid, mem[parent].pid].map(u64::from);
        mem.trace(Tracepoint::SchedReparent, event);
    }
}

/// Gives back a dead task's number and takes it off all lists (`release_task`). What it used stays on
/// its process's accounts.
fn release_task(mem: &mut Mem, task: Ref<Task>) {
    if mem.is_traced() {
        let event = [mem[task].pid, mem[mem[task].parent].pid].map(u64::from);
        mem.emit(Tracepoint::SchedProcessFree, event);
    }
    let signal = mem[task].signal;
    if mem[task].is_leader() {
        mem.list_del(fork::sibling(task));
        mem.list_del(task.byte_add(offset_of!(Task, tasks)));
    } else {
        let Task {
            utime,
            stime,
            min_flt,
            maj_flt,
            ..
        } = mem[task];
        let shared = &mut mem[signal];
        shared.utime += utime;
        shared.stime += stime;
        shared.min_flt = shared.min_flt.wrapping_add(min_flt);
        shared.maj_flt = shared.maj_flt.wrapping_add(maj_flt);
    }
    mem.list_del(task.byte_add(offset_of!(Task, thread_group)));
    pid::free(mem, task);
    weights::leave(mem, task);
    mem[TASK].nr_threads -= 1;
    let user = core::mem::replace(&mut mem[task].user, Ref::NULL);
    user::uncharge(mem, user);
    mem[task].signal = Ref::NULL;
    fork::put_signal(mem, signal);
    super::put_task(mem, task);
}

/// Which children somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Any of them.
    Any,
    /// The one of that number.
    Pid(u32),
    /// Those of that process group.
    Group(u32),
}

impl Which {
    /// As `waitpid` takes it: a number, 0 for the caller's group, -1 for any, or minus a group.
    pub fn of(mem: &Mem, task: Ref<Task>, pid: i32) -> Which {
        match pid {
            -1 => Which::Any,
            0 => Which::Group(mem[mem[task].signal].pgrp),
            1.. => Which::Pid(pid as u32),
            _ => Which::Group(pid.unsigned_abs()),
        }
    }

    fn is(self, mem: &Mem, child: Ref<Task>) -> bool {
        match self {
            Which::Any => true,
            Which::Pid(pid) => mem[child].pid == pid,
            Which::Group(pgrp) => mem[mem[child].signal].pgrp == pgrp,
        }
    }
}

/// A child that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waited {
    /// Its number.
    pub pid: u32,
    /// What happened; see [`Status::of`].
    pub status: u32,
}

/// Looks for a child that has changed (`do_wait`, without the sleep): `None` if there are children but
/// none has. Whoever wants to wait sleeps on [`wait_chldexit`] then and asks again. A child that has
/// ended is released by it.
///
/// # Errors
/// `ECHILD` if no child is meant, `EINVAL` for unknown options.
pub fn do_wait(
    mem: &mut Mem,
    task: Ref<Task>,
    which: Which,
    options: u32,
) -> Result<Option<Waited>, Errno> {
    if options & !(WNOHANG | WUNTRACED | WCONTINUED) != 0 {
        return Err(Errno::EINVAL);
    }
    let leader = mem[task].group_leader;
    let mut has_child = false;
    let mut found = None;
    if let Which::Pid(pid) = which {
        // No need to look at the others.
        let child = super::find_task_by_pid(mem, pid);
        let child = child.filter(|&child| mem[child].parent == leader && mem[child].is_leader());
        let child = child
            .filter(|&child| child != leader)
            .ok_or(Errno::ECHILD)?;
        has_child = true;
        found = change(mem, child, options).map(|what| (child, what));
    } else {
        for child in children(mem, leader).filter(|&child| which.is(mem, child)) {
            has_child = true;
            if let Some(what) = change(mem, child, options) {
                found = Some((child, what));
                break;
            }
        }
    }
    let Some((child, (what, status))) = found else {
        return if has_child {
            Ok(None)
        } else {
            Err(Errno::ECHILD)
        };
    };
    let pid = mem[child].pid;
    if mem.is_traced() {
        let event = [mem[task].pid, pid, status, what as u32].map(u64::from);
        mem.emit(Tracepoint::SchedProcessWait, event);
    }
    let signal = mem[child].signal;
    match what {
        What::Ended => reap(mem, leader, child),
        What::Stopped => mem[signal].group_exit_code = 0,
        What::Continued => mem[signal].flags &= !STOP_CONTINUED,
    }
    Ok(Some(Waited { pid, status }))
}

/// Looks at all children once, and tells of each that has changed; those that have ended are released.
/// For a parent with many, who would otherwise look through them all for each.
pub fn wait_all(
    mem: &mut Mem,
    task: Ref<Task>,
    options: u32,
    each: &mut dyn FnMut(&mut Mem, Waited),
) {
    let leader = mem[task].group_leader;
    let head = super::children_head(leader);
    let mut at = mem[head].next;
    while at != head {
        let child: Ref<Task> = at.byte_sub(offset_of!(Task, sibling));
        at = mem[at].next;
        if change(mem, child, options).is_none() {
            continue;
        }
        let pid = mem[child].pid;
        if let Ok(Some(waited)) = do_wait(mem, leader, Which::Pid(pid), options) {
            each(mem, waited);
        }
    }
}

/// What a parent can be told of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Ended = 0,
    Stopped = 1,
    Continued = 2,
}

/// What has happened to a child that its parent asks for.
fn change(mem: &Mem, child: Ref<Task>, options: u32) -> Option<(What, u32)> {
    let SignalStruct {
        flags,
        group_exit_code,
        live,
        ..
    } = mem[mem[child].signal];
    if mem[child].exit_state == EXIT_ZOMBIE {
        // A process that was ended as a whole has that status, whatever its first thread said.
        let status = match flags & GROUP_EXIT {
            0 => mem[child].exit_code,
            _ => group_exit_code,
        };
        return (live == 0).then_some((What::Ended, status));
    }
    if flags & STOP_STOPPED != 0 && group_exit_code != 0 && options & WUNTRACED != 0 {
        return Some((What::Stopped, stopped(group_exit_code)));
    }
    if flags & STOP_CONTINUED != 0 && options & WCONTINUED != 0 {
        return Some((What::Continued, CONTINUED));
    }
    None
}

/// Takes a zombie's times over to its parent's accounts and releases it (`wait_task_zombie`).
fn reap(mem: &mut Mem, parent: Ref<Task>, child: Ref<Task>) {
    let ended = mem[mem[child].signal];
    let Task {
        utime,
        stime,
        min_flt,
        maj_flt,
        ..
    } = mem[child];
    let parent = mem[parent].signal;
    let account = &mut mem[parent];
    account.cutime += utime + ended.utime + ended.cutime;
    account.cstime += stime + ended.stime + ended.cstime;
    account.cmin_flt = account
        .cmin_flt
        .wrapping_add(min_flt)
        .wrapping_add(ended.min_flt)
        .wrapping_add(ended.cmin_flt);
    account.cmaj_flt = account
        .cmaj_flt
        .wrapping_add(maj_flt)
        .wrapping_add(ended.maj_flt)
        .wrapping_add(ended.cmaj_flt);
    mem[child].exit_state = EXIT_DEAD;
    release_task(mem, child);
}

/// Checks what a task's state promises.
pub(super) fn check_task(mem: &Mem, task: Ref<Task>) -> Result<(), &'static str> {
    let Task {
        state,
        exit_state,
        flags,
        thread_flags,
        mm,
        files,
        pwd,
        program,
        ..
    } = mem[task];
    let is_exiting = flags & PF_EXITING != 0;
    if exit_state == EXIT_ZOMBIE {
        if state != TASK_DEAD || !is_exiting || !mem[task].is_leader() {
            return Err("task: a zombie is not dead");
        }
        if !(mm.is_null() && files.is_null() && pwd.is_null() && program.is_null()) {
            return Err("task: a zombie has something");
        }
        return Ok(());
    }
    if exit_state != 0 || is_exiting {
        return Err("task: a dead task was not released");
    }
    if !matches!(state, RUNNING | INTERRUPTIBLE | UNINTERRUPTIBLE | STOPPED) {
        return Err("task: a task is in no state");
    }
    if pwd.is_null() {
        return Err("task: a task is nowhere");
    }
    let signal = &mem[mem[task].signal];
    let waiting = mem[task].pending | signal.shared_pending;
    let deliverable = waiting & !mem[task].blocked;
    let is_told = thread_flags & Tif::SigPending as u32 != 0;
    if deliverable != 0 && !is_told && signal.live == 1 && state != STOPPED {
        return Err("task: a signal waits and the task does not know");
    }
    if state == STOPPED && signal.flags & STOP_STOPPED == 0 {
        return Err("task: a task stays stopped while its process goes on");
    }
    if thread_flags & Tif::Staged as u32 != 0 && !program.is_null() {
        return Err("task: a staged task runs a program");
    }
    Ok(())
}

/// Checks what a process shares: how many hold it, and how many of them live.
pub(super) fn check_process(mem: &Mem, leader: Ref<Task>) -> Result<(), &'static str> {
    let signal = &mem[mem[leader].signal];
    let mut all = 0;
    let mut live = 0;
    for thread in super::threads(mem, mem[leader].signal) {
        all += 1;
        live += u32::from(mem[thread].exit_state == 0);
        if mem[thread].signal != mem[leader].signal {
            return Err("task: a thread is on another process's list");
        }
        if !mem[thread].is_leader() && !mem.list_is_empty(super::children_head(thread)) {
            return Err("task: a thread has children of its own");
        }
    }
    if signal.count != all || signal.live != live {
        return Err("task: a process has lost count of its threads");
    }
    if live == 0 && !mem.list_is_empty(super::children_head(leader)) {
        return Err("task: a dead process has children");
    }
    if live > 0 && signal.flags & GROUP_EXIT != 0 {
        let waits = super::threads(mem, mem[leader].signal)
            .any(|thread| mem[thread].exit_state == 0 && mem[thread].pending != 0);
        if !waits {
            return Err("task: a process that shall end goes on");
        }
    }
    let parent = mem[leader].parent;
    let is_init = leader == mem[TASK].init;
    if (parent == leader) != is_init || !mem[parent].is_leader() {
        return Err("task: a process has no parent");
    }
    if mem[leader].exit_state == EXIT_ZOMBIE && live == 0 && mem[leader].has(Tif::Adopted) {
        return Err("task: an adopted zombie was not reaped");
    }
    Ok(())
}
