//! Killing: a child rather than its parent, whoever shares the memory as well, never init
//! (specs/memory.md 4.3; `oom_kill_process` and its kin of 2.6.28).
//!
//! A victim gets SIGKILL, and [`Tif::MemDie`], with which its last allocations may take the reserves. It
//! then ends as any task does, when it runs next: its memory comes back there. A task that cannot wait for
//! that has it end at once ([`let_it_die`]).

use core::mem::offset_of;

use super::{OOM, OomControl, policy, report, weights};
use crate::mem::{Mem, Ref};
use crate::task::mm::Mm;
use crate::task::signal::{self, Signal};
use crate::task::{
    PF_EXITING, PF_FROZEN, TASK, Task, Tif, account, children_head, current, get_task, pid,
    processes, put_task, threads,
};
use crate::trace::Tracepoint;

use super::badness::OOM_DISABLE;

/// Why a task was marked: the number in [`Tracepoint::MarkVictim`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Why {
    /// It was chosen.
    Chosen = 0,
    /// It is a child of the chosen one.
    Child = 1,
    /// It shares the memory of a task that was killed.
    SharesMemory = 2,
    /// A low-memory killer took it.
    LowMemory = 3,
}

/// Why a task that was to be killed is not: the number in [`Tracepoint::OomKillRefused`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Refused {
    /// It has no memory of its own (any more).
    NoMm = 0,
    /// Its `oom_adj`, or that of somebody who shares its memory, is -17.
    Disabled = 1,
    /// It is init.
    Init = 2,
    /// The policy protects it, or somebody who shares its memory.
    Protected = 3,
}

/// Kills the chosen task or, if it has any, one of its children (`oom_kill_process`). Returns whether
/// somebody is dying now.
pub fn oom_kill_process(
    mem: &mut Mem,
    chosen: Ref<Task>,
    control: &OomControl,
    points: u64,
    message: &str,
) -> bool {
    report::dump_header(mem, control);
    // It frees its memory anyway; let it do so soon.
    if mem[chosen].flags & PF_EXITING != 0 {
        mark(mem, chosen, chosen, points, Why::Chosen, false);
        return true;
    }
    let own = mem[chosen];
    mem.printk(format_args!(
        "{message}: kill process {} ({}) score {points} or a child",
        own.pid,
        own.comm()
    ));
    // In the order of their making, whatever their scores.
    let head = children_head(chosen);
    let mut at = mem[head].next;
    while at != head {
        let child: Ref<Task> = at.byte_sub(offset_of!(Task, sibling));
        if mem[child].mm != own.mm && oom_kill_task(mem, child, chosen, points, Why::Child) {
            return true;
        }
        // Who was refused is where it was.
        at = mem[at].next;
    }
    oom_kill_task(mem, chosen, chosen, points, Why::Chosen)
}

/// Kills a task and everybody who lives in its address space, unless one of them may not be killed
/// (`oom_kill_task`). Returns whether it did.
fn oom_kill_task(mem: &mut Mem, task: Ref<Task>, chosen: Ref<Task>, points: u64, why: Why) -> bool {
    let Task { mm, tgid, .. } = mem[task];
    let refused = if mm.is_null() {
        Some(Refused::NoMm)
    } else if users(mem, mm, task).any(|user| mem[user].oom_adj == OOM_DISABLE) {
        Some(Refused::Disabled)
    } else if users(mem, mm, task).any(|user| policy::selected(mem).protects(mem, user)) {
        Some(Refused::Protected)
    } else {
        None
    };
    if let Some(refused) = refused {
        return refuse(mem, task, chosen, refused);
    }
    // Who ends takes the address space along, and perhaps a number that is looked for here.
    let shares = mem[mm].users > live_threads(mem, task);
    mark(mem, task, chosen, points, why, true);
    if shares {
        let mut from = 1;
        loop {
            let next = pid::tasks_from(mem, from).find(|&other| mem[other].mm == mm);
            let Some(other) = next else {
                break;
            };
            from = mem[other].pid + 1;
            if mem[other].tgid != tgid {
                tell(mem, other, chosen, points, Why::SharesMemory);
                signal::send_sig(mem, Signal::Kill, other);
            }
        }
    }
    true
}

/// The tasks that live in an address space, `task` among them: its threads, and, if these are not all,
/// whoever else.
fn users(mem: &Mem, mm: Ref<Mm>, task: Ref<Task>) -> impl Iterator<Item = Ref<Task>> + '_ {
    let own = threads(mem, mem[task].signal);
    let others = (mem[mm].users > live_threads(mem, task)).then(|| pid::tasks_from(mem, 1));
    let all = own.chain(others.into_iter().flatten());
    all.filter(move |&user| mem[user].mm == mm)
}

/// Threads of a task's process that live in its address space.
fn live_threads(mem: &Mem, task: Ref<Task>) -> u32 {
    let Task { mm, signal, .. } = mem[task];
    let count = threads(mem, signal).filter(|&thread| mem[thread].mm == mm);
    count.count() as u32
}

fn refuse(mem: &mut Mem, task: Ref<Task>, chosen: Ref<Task>, why: Refused) -> bool {
    let event = [mem[task].pid, mem[chosen].pid, why as u32];
    mem.trace(Tracepoint::OomKillRefused, event.map(u64::from));
    false
}

/// Marks a victim and sends it SIGKILL (`__oom_kill_task`). (2.6.28 also gives it a longer slice of time,
/// which only `SCHED_RR` would notice.)
fn mark(mem: &mut Mem, task: Ref<Task>, chosen: Ref<Task>, points: u64, why: Why, verbose: bool) {
    if mem[task].tgid == mem[mem[TASK].init].tgid {
        mem.printk(format_args!("tried to kill init!"));
        refuse(mem, task, chosen, Refused::Init);
        return;
    }
    if mem[task].mm.is_null() {
        mem.printk(format_args!("tried to kill an mm-less task!"));
        refuse(mem, task, chosen, Refused::NoMm);
        return;
    }
    if verbose {
        let own = mem[task];
        mem.printk(format_args!("Killed process {} ({})", own.pid, own.comm()));
    }
    mem[OOM].kills += 1;
    tell(mem, task, chosen, points, why);
    mem[task].thread_flags |= Tif::MemDie as u32;
    weights::refresh_traits(mem, task);
    signal::send_sig(mem, Signal::Kill, task);
}

/// Says who is killed, and what it has in memory: a moment later it may be gone.
fn tell(mem: &mut Mem, task: Ref<Task>, chosen: Ref<Task>, points: u64, why: Why) {
    let [_, rss] = account::pages(mem, task);
    let mm = mem[task].mm;
    let swapped = match mm.is_null() {
        true => 0,
        false => mem[mm].swap_ents,
    };
    let event = [
        mem[task].pid.into(),
        mem[chosen].pid.into(),
        why as u64,
        points,
        rss.into(),
        swapped.into(),
    ];
    mem.trace(Tracepoint::MarkVictim, event);
}

/// Has those who are marked end at once, as if each had run for no time: for a task that needs memory and
/// cannot wait for them. Frozen ones go on waiting, and so does the task that asks. Returns whether
/// anybody has ended.
pub fn let_it_die(mem: &mut Mem) -> bool {
    let own = current(mem);
    let mut ended = false;
    loop {
        let dies = |&task: &Ref<Task>| {
            let Task { flags, mm, .. } = mem[task];
            let may_end = flags & (PF_EXITING | PF_FROZEN) == 0 && task != own;
            mem[task].has(Tif::MemDie) && may_end && !mm.is_null()
        };
        let next = processes(mem)
            .flat_map(|leader| threads(mem, mem[leader].signal))
            .find(dies);
        let Some(task) = next else {
            return ended;
        };
        get_task(mem, task);
        signal::deliver(mem, task);
        let has_ended = mem[task].flags & PF_EXITING != 0;
        let signal = mem[task].signal;
        if has_ended && !signal.is_null() {
            // The other threads share its memory, which comes back with the last.
            signal::for_each_thread(mem, signal, |mem, thread| {
                if thread != own && mem[thread].flags & (PF_EXITING | PF_FROZEN) == 0 {
                    signal::deliver(mem, thread);
                }
            });
        }
        put_task(mem, task);
        ended |= has_ended;
        if !has_ended {
            return ended;
        }
    }
}

/// Whether the running task may take the reserves below all watermarks: it is dying, and gives back more
/// than it takes (`TIF_MEMDIE`; `__GFP_NOMEMALLOC` is the caller's to look at).
pub fn may_use_reserves(mem: &Mem) -> bool {
    mem[current(mem)].has(Tif::MemDie)
}
