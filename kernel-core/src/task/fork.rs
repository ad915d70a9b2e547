//! How tasks come: `fork`, `clone`, kernel threads.
//!
//! A new task is a copy of the one that makes it. What both go on sharing, the caller chooses by
//! clone flags; the rest is copied, piece by piece, and any piece may have no room, or may be
//! forbidden. So [`copy_process`] keeps to one rule: a child owns exactly what its descriptor leads to.
//! Undoing a fork that failed half-way is then to give back what is there, and until the last step
//! nobody else can see the child.
//!
//! The order is 2.6.24's: limits before anything is copied; the containers learn of the child first
//! (it is in those of its parent), and again when nothing can fail any more, just before it becomes
//! visible.
//!
//! Departures: handlers are shared by threads only (there is no `sighand_struct` of its own, so
//! `CLONE_SIGHAND` needs `CLONE_THREAD`), children hang on the *process* that made them, that is on its
//! first thread, and a full table of numbers answers `EAGAIN`, as before 2.6.23.

use core::mem::offset_of;

use bytemuck::Zeroable;

use super::{
    EXIT_ZOMBIE, INTERRUPTIBLE, PF_EXITING, PF_FORKNOEXEC, PF_FROZEN, PF_SIGNALED, RUNNING,
    SignalStruct, TASK, Task, Tif, cred::Capability, pid, sched, signal, tasks_head, user,
    wait::Why,
};
use crate::container;
use crate::errno::Errno;
use crate::fs;
use crate::mem::{ListHead, Mem, Ref};
use crate::oom::weights;
use crate::trace::Tracepoint;

/// In a clone flag word: the signal that the parent gets at the child's end.
pub const CSIGNAL: u32 = 0xff;
/// Both live in one address space.
pub const CLONE_VM: u32 = 0x100;
/// Both use one table of open files.
pub const CLONE_FILES: u32 = 0x400;
/// Both have the same handlers of signals.
pub const CLONE_SIGHAND: u32 = 0x800;
/// The child's parent is the caller's.
pub const CLONE_PARENT: u32 = 0x8000;
/// The child is a thread of the caller's process.
pub const CLONE_THREAD: u32 = 0x1_0000;

/// Ours: the child gets neither memory nor program, because it is staged, or executes a program at once
/// (as after `vfork`).
pub const BARE: u32 = 1 << 31;

/// What `fork` asks for: a copy of everything, and `SIGCHLD` at the end.
pub const FORK: u32 = signal::Signal::Chld as u32;
/// What a thread library asks for.
pub const THREAD: u32 = CLONE_VM | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

/// Which rule refused a fork, in its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Rule {
    /// The flags contradict each other (`EINVAL`).
    Flags = 0,
    /// The user has as many processes as `RLIMIT_NPROC` allows (`EAGAIN`).
    UserLimit = 1,
    /// There are as many tasks as `threads-max` allows (`EAGAIN`).
    ThreadsMax = 2,
    /// All numbers below `pid_max` are in use (`EAGAIN`).
    Pids = 3,
    /// A container allows no more tasks.
    Container = 4,
    /// No memory (`ENOMEM`).
    Memory = 5,
}

/// Why there is no child: the error, the rule, what was counted and its limit.
struct Refusal {
    errno: Errno,
    rule: Rule,
    count: u32,
    limit: u32,
}

impl From<Errno> for Refusal {
    /// What a piece's copying said, mostly `ENOMEM`.
    fn from(errno: Errno) -> Refusal {
        let rule = match errno {
            Errno::ENOMEM => Rule::Memory,
            _ => Rule::Container,
        };
        Refusal {
            errno,
            rule,
            count: 0,
            limit: 0,
        }
    }
}

/// Makes a child of `parent` and lets it run (`do_fork`).
///
/// # Errors
/// Those of [`copy_process`].
pub fn do_fork(mem: &mut Mem, parent: Ref<Task>, flags: u32) -> Result<Ref<Task>, Errno> {
    let child = copy_process(mem, parent, flags)?;
    sched::wake_up_new_task(mem, child);
    Ok(child)
}

/// Makes a child that is staged: it sleeps, and runs nothing. Signals reach it all the same.
///
/// # Errors
/// Those of [`copy_process`].
pub fn stage(mem: &mut Mem, parent: Ref<Task>, flags: u32) -> Result<Ref<Task>, Errno> {
    let bare = if flags & CLONE_VM == 0 { BARE } else { 0 };
    let child = copy_process(mem, parent, flags | bare)?;
    mem[child].thread_flags |= Tif::Staged as u32;
    mem[child].state = INTERRUPTIBLE;
    mem[child].wait.why = Why::Pause as u32;
    mem[child].flags &= !PF_FORKNOEXEC;
    if flags & CLONE_THREAD == 0 {
        signal::flush_handlers(mem, child);
    }
    Ok(child)
}

/// Makes one of the kernel's own threads, asleep, as a child of `kthreadd`.
///
/// # Errors
/// Those of [`copy_process`].
pub fn kernel_thread(mem: &mut Mem, name: &str) -> Result<Ref<Task>, Errno> {
    let kthreadd = mem[TASK].kthreadd;
    let task = copy_process(mem, kthreadd, FORK)?;
    mem[task].set_comm(name);
    mem[task].state = INTERRUPTIBLE;
    mem[task].flags &= !PF_FORKNOEXEC;
    Ok(task)
}

/// Makes a child of `parent` that can be seen, and woken, but does not run yet.
///
/// # Errors
/// In this order: `EINVAL` for flags that contradict each other; `ENOMEM`; `EAGAIN` for the limits
/// of the user, of all tasks, of a container, or if there is no free number. Nothing has changed then.
pub fn copy_process(mem: &mut Mem, parent: Ref<Task>, flags: u32) -> Result<Ref<Task>, Errno> {
    let made = try_copy(mem, parent, flags);
    match made {
        Ok(child) => {
            mem[TASK].total_forks += 1;
            if mem.is_traced() {
                let (threads, forks) = (mem[TASK].nr_threads, mem[TASK].total_forks);
                let (from, to) = (mem[parent].pid, mem[child].pid);
                let event = [from, to, flags, threads].map(u64::from);
                let [from, to, flags, threads] = event;
                mem.emit(
                    Tracepoint::SchedProcessFork,
                    [from, to, flags, threads, forks],
                );
            }
            Ok(child)
        }
        Err(refusal) => {
            let ret = -(refusal.errno as i64);
            let event = [
                u64::from(mem[parent].pid),
                u64::from(mem[parent].cred.uid),
                ret as u64,
                refusal.rule as u64,
                u64::from(refusal.count),
                u64::from(refusal.limit),
            ];
            mem.trace(Tracepoint::SchedForkRefused, event);
            Err(refusal.errno)
        }
    }
}

fn try_copy(mem: &mut Mem, parent: Ref<Task>, flags: u32) -> Result<Ref<Task>, Refusal> {
    let is_thread = flags & CLONE_THREAD != 0;
    let shares_handlers = flags & CLONE_SIGHAND != 0;
    // A thread shares handlers, and who shares handlers shares memory (2.6), and is a thread (ours).
    if is_thread != shares_handlers || (shares_handlers && flags & CLONE_VM == 0) {
        return Err(Refusal {
            errno: Errno::EINVAL,
            rule: Rule::Flags,
            count: flags,
            limit: 0,
        });
    }
    let child = dup_task(mem, parent)?;
    let copied = check_limits(mem, parent).and_then(|()| copy_pieces(mem, parent, child, flags));
    match copied {
        Ok(()) => {
            make_visible(mem, parent, child, flags);
            Ok(child)
        }
        Err(refusal) => {
            undo(mem, child);
            Err(refusal)
        }
    }
}

/// The limits that are looked at before anything is copied.
fn check_limits(mem: &Mem, parent: Ref<Task>) -> Result<(), Refusal> {
    let task = &mem[parent];
    let refuse = |rule, count, limit| {
        Err(Refusal {
            errno: Errno::EAGAIN,
            rule,
            count,
            limit,
        })
    };
    let processes = user::find(mem, task.cred.uid).map_or(0, |user| mem[user].processes);
    let limit = mem[task.signal].rlim_nproc;
    let is_exempt = task.cred.has(Capability::SysAdmin)
        || task.cred.has(Capability::SysResource)
        || task.cred.uid == 0;
    if processes >= limit && !is_exempt {
        return refuse(Rule::UserLimit, processes, limit);
    }
    let threads = mem[TASK].nr_threads;
    if threads >= mem[TASK].max_threads {
        return refuse(Rule::ThreadsMax, threads, mem[TASK].max_threads);
    }
    Ok(())
}

/// A copy of the descriptor that leads to nothing and is on no list (`dup_task_struct`).
fn dup_task(mem: &mut Mem, parent: Ref<Task>) -> Result<Ref<Task>, Errno> {
    let child = super::alloc_task(mem)?;
    let children = mem[child].children;
    let from = mem[parent];
    let fresh = Task {
        children,
        usage: 1,
        cred: from.cred,
        start_time: mem[TASK].now,
        flags: from.flags & !(PF_EXITING | PF_SIGNALED | PF_FROZEN) | PF_FORKNOEXEC,
        blocked: from.blocked,
        umask: from.umask,
        cpu: from.cpu,
        cpus_allowed: from.cpus_allowed,
        mems_allowed: from.mems_allowed,
        policy: from.policy,
        static_prio: from.static_prio,
        oom_adj: from.oom_adj,
        state: RUNNING,
        comm: from.comm,
        ..Task::zeroed()
    };
    mem[child] = fresh;
    sched::sched_fork(mem, parent, child);
    Ok(child)
}

/// Everything that may fail, in 2.6.24's order.
fn copy_pieces(
    mem: &mut Mem,
    parent: Ref<Task>,
    child: Ref<Task>,
    flags: u32,
) -> Result<(), Refusal> {
    let uid = mem[parent].cred.uid;
    mem[child].user = user::charge(mem, uid)?;
    container::fork(mem, parent, child);
    mem[child].files = copy_files(mem, parent, flags)?;
    let pwd = mem[parent].pwd;
    mem[child].pwd = fs::get(mem, pwd);
    mem[child].signal = copy_signal(mem, parent, flags)?;
    if flags & BARE == 0 {
        let mm = copy_mm(mem, parent, flags)?;
        mem[child].mm = mm;
        if !mm.is_null() && flags & CLONE_VM == 0 {
            mem[mm].owner = child;
        }
        super::program::fork_process(mem, parent, child)?;
    }
    pid::alloc(mem, child).map_err(|errno| match errno {
        Errno::EAGAIN => Refusal {
            errno,
            rule: Rule::Pids,
            count: mem[TASK].nr_threads,
            limit: mem[TASK].pids.pid_max,
        },
        errno => errno.into(),
    })?;
    weights::enter(mem, child, flags & CLONE_THREAD != 0)?;
    // From here on nothing fails but what a subsystem of containers refuses.
    container::can_fork(mem, child)?;
    Ok(())
}

fn copy_files(mem: &mut Mem, parent: Ref<Task>, flags: u32) -> Result<Ref<super::Files>, Errno> {
    let files = mem[parent].files;
    if files.is_null() {
        Ok(files)
    } else if flags & CLONE_FILES != 0 {
        Ok(fs::share_files(mem, files))
    } else {
        fs::copy_files(mem, files)
    }
}

fn copy_signal(mem: &mut Mem, parent: Ref<Task>, flags: u32) -> Result<Ref<SignalStruct>, Errno> {
    let from = mem[parent].signal;
    if flags & CLONE_THREAD != 0 {
        mem[from].count += 1;
        mem[from].live += 1;
        return Ok(from);
    }
    let signal = super::alloc_signal(mem)?;
    let SignalStruct {
        ignored,
        caught,
        pgrp,
        session,
        rlim_nproc,
        ..
    } = mem[from];
    let own = &mut mem[signal];
    (own.ignored, own.caught) = (ignored, caught);
    (own.pgrp, own.session, own.rlim_nproc) = (pgrp, session, rlim_nproc);
    (own.count, own.live) = (1, 1);
    Ok(signal)
}

fn copy_mm(mem: &mut Mem, parent: Ref<Task>, flags: u32) -> Result<Ref<super::mm::Mm>, Errno> {
    let mm = mem[parent].mm;
    if mm.is_null() {
        return Ok(mm);
    }
    if flags & CLONE_VM != 0 {
        mem[mm].users += 1;
        return Ok(mm);
    }
    super::mm::dup_mm(mem, mm)
}

/// Puts a complete child where others find it. Nothing can fail.
fn make_visible(mem: &mut Mem, parent: Ref<Task>, child: Ref<Task>, flags: u32) {
    let signal = mem[child].signal;
    let leader = mem[parent].group_leader;
    container::fork_callbacks(mem, child);
    if flags & CLONE_THREAD != 0 {
        mem[child].group_leader = leader;
        mem[child].tgid = mem[leader].tgid;
        mem[child].parent = mem[leader].parent;
        // A thread that comes while its process ends or stops does the same.
        if mem[signal].flags & (signal::GROUP_EXIT | signal::STOP_STOPPED) != 0 {
            mem[child].thread_flags |= Tif::SigPending as u32;
        }
    } else {
        mem[child].group_leader = child;
        mem[child].tgid = mem[child].pid;
        mem[child].exit_signal = flags & CSIGNAL;
        mem[child].parent = match flags & CLONE_PARENT {
            0 => leader,
            _ => mem[leader].parent,
        };
        link_child(mem, child);
        mem.list_add_tail(child.byte_add(offset_of!(Task, tasks)), tasks_head());
    }
    mem.list_add_tail(
        child.byte_add(offset_of!(Task, thread_group)),
        signal.cast(),
    );
    mem[TASK].nr_threads += 1;
    container::post_fork(mem, child);
}

/// Puts a process behind its parent's other children.
pub(super) fn link_child(mem: &mut Mem, child: Ref<Task>) {
    let parent = mem[child].parent;
    mem.list_add_tail(sibling(child), super::children_head(parent));
    let gain = weights::share(mem, child);
    weights::parent_gains(mem, child, gain, 0);
}

/// A process's link in the list of its parent's children.
pub(super) fn sibling(task: Ref<Task>) -> Ref<ListHead> {
    task.byte_add(offset_of!(Task, sibling))
}

/// Gives back what a child that nobody has seen leads to, in the opposite order.
fn undo(mem: &mut Mem, child: Ref<Task>) {
    debug_assert!(mem[child].exit_state != EXIT_ZOMBIE);
    weights::leave(mem, child);
    if mem[child].pid != 0 {
        pid::free(mem, child);
    }
    if !mem[child].program.is_null() {
        super::program::exit_process(mem, child);
    }
    release_mm(mem, child);
    let signal = mem[child].signal;
    if !signal.is_null() {
        mem[signal].live -= 1;
        put_signal(mem, signal);
    }
    release_fs(mem, child);
    fs::exit_files(mem, child);
    if !mem[child].css_set.is_null() {
        container::fork_failed(mem, child);
    }
    let user = mem[child].user;
    if !user.is_null() {
        user::uncharge(mem, user);
    }
    super::put_task(mem, child);
}

/// Drops a task's use of its address space (`exit_mm`).
pub(super) fn release_mm(mem: &mut Mem, task: Ref<Task>) {
    super::mm::exit_mm(mem, task);
}

/// Lets a task's working directory go (`exit_fs`).
pub(super) fn release_fs(mem: &mut Mem, task: Ref<Task>) {
    let pwd = core::mem::replace(&mut mem[task].pwd, Ref::NULL);
    if !pwd.is_null() {
        fs::put(mem, pwd);
    }
}

/// Drops a reference to what a process shares; the last one frees it.
pub(super) fn put_signal(mem: &mut Mem, signal: Ref<SignalStruct>) {
    mem[signal].count -= 1;
    if mem[signal].count == 0 {
        super::free_signal(mem, signal);
    }
}
