//! Tasks: who runs, what they own, how they come and go.
//!
//! A task is a thread of control. A process is a group of tasks that share a [`SignalStruct`], and
//! mostly an address space and open files. All of it are kernel objects in slab caches; a task is
//! found by its number, and hangs on its parent's list of children.
//!
//! The machine boots with `init=/bin/sh`: process 1 is the console's shell, which adopts orphans and
//! cannot be killed. Process 2 is `kthreadd`, the parent of the kernel's own threads; their numbers
//! are below [`FIRST_PID`].
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | the objects, the lists, who is current |
//! | `pid.rs` | numbers |
//! | `cred.rs` | users and capabilities |
//! | `user.rs` | how many tasks each user has |
//! | `account.rs` | what a process has used, as `/proc` and `ps` tell it |
//! | `fork.rs` | how tasks come |
//! | `exit.rs` | how they end, zombies, waiting for them |
//! | `signal.rs` | signals: sending and delivering |
//! | `kill.rs` | who may send signals, and to whom |
//! | `wait.rs` | wait queues |
//! | `time.rs` | virtual time, timers |
//! | `sched/` | who runs when |
//! | `mm/` | address spaces |
//! | `program/` | programs, and how they are run |

pub mod account;
pub mod cred;
pub mod exit;
pub mod fork;
mod kill;
#[cfg(all(test, feature = "host-ram"))]
mod life_tests;
pub mod mm;
pub mod pid;
pub mod program;
pub mod sched;
pub mod signal;
pub mod time;
pub mod user;
pub mod wait;

use core::fmt;
use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::container::CssSet;
use crate::errno::Errno;
use crate::fs::{self, Dentry, File};
use crate::mem::{Gfp, ListHead, MEM, Mem, Ref, layout};
use crate::oom::weights::{self, Weight};
use crate::slab::{self, KmemCache, kmem_cache_alloc, kmem_cache_free};

pub use cred::{Capability, Cred};
use mm::Mm;
use sched::SchedEntity;
use time::Timer;
use user::User;
use wait::{WaitEntry, WaitQueue};

/// The static data of this module.
pub const TASK: Ref<TaskData> = Ref::of_frame(layout::TASK);

/// The longest name of a task, in bytes.
pub const COMM_MAX: usize = 15;
/// Files that a process may have open.
pub const NR_OPEN: usize = 16;
/// The first number that `fork` gives; those below are for the kernel's own threads.
pub const FIRST_PID: u32 = 100;

/// Bytes that a processor's cache fetches at once.
const CACHE_LINE: u32 = 64;

/// A thread of control (`struct task_struct`). What a context switch touches stands first: with many
/// tasks it is in no cache, and each line costs more than the switch itself.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Task {
    /// What the scheduler knows of it.
    pub se: SchedEntity,
    /// User time, in nanoseconds.
    pub utime: u64,
    /// System time, in nanoseconds.
    pub stime: u64,
    /// References: one until it is released, one for each [`get_task`].
    pub usage: u32,
    /// [`RUNNING`], [`INTERRUPTIBLE`], ...
    pub state: u32,
    /// Number of the task.
    pub pid: u32,
    /// CPU that it runs on, or ran on last.
    pub cpu: u32,
    /// CPUs that it may run on, a bit each.
    pub cpus_allowed: u32,
    /// 100 to 139; 120 is nice 0.
    pub static_prio: u32,
    /// `SCHED_NORMAL` 0, `SCHED_BATCH` 3.
    pub policy: u32,
    /// [`PF_KTHREAD`] and others.
    pub flags: u32,
    /// Times that it gave the CPU away.
    pub nvcsw: u32,
    /// Times that the CPU was taken away.
    pub nivcsw: u32,
    /// `PF_*`-like bits of whoever needs one: `TIF_MEMDIE`, `TIF_FREEZE`; see [`Tif`].
    pub thread_flags: u32,
    /// In which containers it is.
    pub css_set: Ref<CssSet>,
    /// What it runs; NULL for the kernel's own threads and the shell.
    pub program: Ref<program::Process>,
    /// What its process shares about signals.
    pub signal: Ref<SignalStruct>,
    /// Its address space; NULL for the kernel's own threads.
    pub mm: Ref<Mm>,
    /// Its open files; NULL once they are closed.
    pub files: Ref<Files>,
    /// Its alarm clock.
    pub timer: Timer,
    /// Link in [`TaskData::tasks`]: processes, that is thread-group leaders.
    pub tasks: ListHead,
    /// Link in [`SignalStruct::threads`].
    pub thread_group: ListHead,
    /// Its children, the oldest first.
    pub children: ListHead,
    /// Link in the parent's `children`.
    pub sibling: ListHead,
    /// Link in [`CssSet::tasks`].
    pub cg_list: ListHead,
    /// Where it sleeps.
    pub wait: WaitEntry,
    /// Users and capabilities.
    pub cred: Cred,
    /// When it began, in nanoseconds since boot; as a signed number it may lie before.
    pub start_time: u64,
    /// Who waits for it: the process that made it, or init.
    pub parent: Ref<Task>,
    /// The first thread of its process.
    pub group_leader: Ref<Task>,
    /// Its working directory; it holds a reference.
    pub pwd: Ref<Dentry>,
    /// The account on which it counts as a process.
    pub user: Ref<User>,
    /// Number of its process: that of the first thread.
    pub tgid: u32,
    /// 0, [`EXIT_ZOMBIE`] or [`EXIT_DEAD`].
    pub exit_state: u32,
    /// Status for the parent: the exit status times 256, or the number of a signal.
    pub exit_code: u32,
    /// Signal that its parent gets at its end; 0 for threads.
    pub exit_signal: u32,
    /// Signals that wait for this very task, a bit each: signal 1 is bit 0.
    pub pending: u32,
    /// Signals that it does not want now.
    pub blocked: u32,
    /// Permission bits that new files don't get.
    pub umask: u32,
    /// NUMA nodes that its memory may come from, a bit each.
    pub mems_allowed: u32,
    /// How readily it is killed when memory runs out: -17 never, -16 to 15.
    pub oom_adj: i32,
    /// Page faults without waiting for a disk.
    pub min_flt: u32,
    /// Page faults that waited.
    pub maj_flt: u32,
    /// Depth of disabled preemption.
    pub preempt_count: u32,
    /// What it weighs when memory runs out.
    pub weight: Ref<Weight>,
    _pad: u32,
    /// Name: the first 15 bytes of its program's.
    comm: [u8; COMM_MAX + 1],
}

describe!(
    Task,
    "task_struct",
    [
        se,
        utime, stime, usage,
        state: Kind::Named(show_state),
        pid, cpu,
        cpus_allowed: Kind::Hex,
        static_prio, policy,
        flags: Kind::Hex,
        nvcsw, nivcsw,
        thread_flags: Kind::Hex,
        css_set, program, signal, mm, files,
        timer, tasks, thread_group, children, sibling, cg_list, wait, cred,
        start_time, parent, group_leader, pwd, user,
        tgid,
        exit_state: Kind::Named(show_state),
        exit_code,
        exit_signal,
        pending: Kind::Hex,
        blocked: Kind::Hex,
        umask,
        mems_allowed: Kind::Hex,
        oom_adj,
        min_flt, maj_flt,
        preempt_count,
        weight,
        _pad: Kind::Padding,
        comm: Kind::Text,
    ]
);

/// It runs or wants to.
pub const RUNNING: u32 = 0;
/// It sleeps; a signal wakes it.
pub const INTERRUPTIBLE: u32 = 1;
/// It sleeps, and signals have to wait.
pub const UNINTERRUPTIBLE: u32 = 2;
/// A signal has stopped it.
pub const STOPPED: u32 = 4;
/// It has ended, and its parent has not asked yet.
pub const EXIT_ZOMBIE: u32 = 16;
/// It has ended for good.
pub const EXIT_DEAD: u32 = 32;
/// It will never run again.
pub const TASK_DEAD: u32 = 64;

/// Names of states, as `/proc/<pid>/status` prints them.
pub fn state_name(state: u32) -> &'static str {
    match state {
        RUNNING => "R (running)",
        INTERRUPTIBLE => "S (sleeping)",
        UNINTERRUPTIBLE => "D (disk sleep)",
        STOPPED => "T (stopped)",
        8 => "T (tracing stop)",
        EXIT_ZOMBIE => "Z (zombie)",
        _ => "X (dead)",
    }
}

fn show_state(state: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(state_name(state as u32))
}

/// It is on its way out (`PF_EXITING`).
pub const PF_EXITING: u32 = 0x4;
/// It was forked and has not called `exec` yet.
pub const PF_FORKNOEXEC: u32 = 0x40;
/// It was ended by a signal.
pub const PF_SIGNALED: u32 = 0x400;
/// It is frozen.
pub const PF_FROZEN: u32 = 0x1_0000;
/// It switches swap off.
pub const PF_SWAPOFF: u32 = 0x8_0000;
/// One of the kernel's own threads.
pub const PF_KTHREAD: u32 = 0x20_0000;

/// Bits of [`Task::thread_flags`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Tif {
    /// A signal waits.
    SigPending = 1 << 2,
    /// It is dying to free memory, and may use the reserves.
    MemDie = 1 << 16,
    /// It shall freeze.
    Freeze = 1 << 19,
    /// It was chosen to be killed and could not be; only while another is looked for.
    OomRefused = 1 << 29,
    /// Init has it from a parent that ended, and reaps it at once.
    Adopted = 1 << 30,
    /// It is staged: a sleeper that runs nothing (`spawn` without a program).
    Staged = 1 << 31,
}

/// What the threads of a process share about signals and its end (`signal_struct` and
/// `sighand_struct`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct SignalStruct {
    /// Its threads, the first one in front.
    pub threads: ListHead,
    /// Tasks that wait for children of this process.
    pub wait_chldexit: WaitQueue,
    /// References.
    pub count: u32,
    /// Threads that are alive.
    pub live: u32,
    /// Signals that wait for any of its threads.
    pub shared_pending: u32,
    /// Signals that it ignores.
    pub ignored: u32,
    /// Signals that its program handles.
    pub caught: u32,
    /// [`signal::GROUP_EXIT`], [`signal::STOP_STOPPED`], [`signal::STOP_CONTINUED`].
    pub flags: u32,
    /// Status with which they end; while it is stopped, the signal that did it, until its parent has
    /// asked.
    pub group_exit_code: u32,
    /// Process group.
    pub pgrp: u32,
    /// Session.
    pub session: u32,
    /// Processes that its user may have (`RLIMIT_NPROC`); `u32::MAX` is no limit.
    pub rlim_nproc: u32,
    /// User time of threads and children that have ended, in nanoseconds.
    pub cutime: u64,
    /// System time likewise.
    pub cstime: u64,
    /// User time of threads that have ended.
    pub utime: u64,
    /// System time of threads that have ended.
    pub stime: u64,
    /// Page faults of threads that have ended, without waiting for a disk.
    pub min_flt: u32,
    /// Those that waited.
    pub maj_flt: u32,
    /// Page faults of children that have ended and were waited for.
    pub cmin_flt: u32,
    /// Those that waited.
    pub cmaj_flt: u32,
}

describe!(
    SignalStruct,
    "signal_cache",
    [
        threads,
        wait_chldexit,
        count,
        live,
        shared_pending: Kind::Hex,
        ignored: Kind::Hex,
        caught: Kind::Hex,
        flags,
        group_exit_code,
        pgrp,
        session,
        rlim_nproc,
        cutime,
        cstime,
        utime,
        stime,
        min_flt,
        maj_flt,
        cmin_flt,
        cmaj_flt,
    ]
);

/// The open files of a process (`files_struct`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Files {
    /// Link in the list of all tables.
    pub(crate) list: ListHead,
    /// Tasks that share it.
    pub count: u32,
    /// Descriptors that are closed by `exec`, a bit each.
    pub close_on_exec: u32,
    /// The files, by descriptor; NULL is free.
    pub fd: [Ref<File>; NR_OPEN],
}

describe!(Files, "files_cache", [list, count, close_on_exec: Kind::Hex, fd]);

/// What the kernel knows of tasks as a whole.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct TaskData {
    /// All processes in the order of their making, init first (`init_task.tasks`).
    pub tasks: ListHead,
    /// Tasks by number.
    pub pids: pid::PidTable,
    /// Nanoseconds since boot.
    pub now: u64,
    /// Forks since boot.
    pub total_forks: u64,
    /// Tasks, threads included; idle ones are not counted.
    pub nr_threads: u32,
    /// At most so many.
    pub max_threads: u32,
    /// Process 1.
    pub init: Ref<Task>,
    /// Process 2.
    pub kthreadd: Ref<Task>,
    task_cache: Ref<KmemCache>,
    signal_cache: Ref<KmemCache>,
    files_cache: Ref<KmemCache>,
    user_cache: Ref<KmemCache>,
    /// Timer ticks a second.
    pub hz: u32,
    /// The process group in the foreground of the console: the shell's, or that of what it runs.
    pub tty_pgrp: u32,
    /// Users who have tasks, by a few bits of their number.
    pub users: [Ref<User>; user::BUCKETS],
    /// What is known of address spaces.
    pub mm: mm::MmData,
    /// What is known of programs.
    pub programs: program::ProgramData,
}

describe!(
    TaskData,
    "task_data",
    [
        tasks,
        pids,
        now,
        total_forks,
        nr_threads,
        max_threads,
        init,
        kthreadd,
        task_cache,
        signal_cache,
        files_cache,
        user_cache,
        hz,
        tty_pgrp,
        users,
        mm,
        programs,
    ]
);

impl Task {
    /// Its name.
    pub fn comm(&self) -> &str {
        let length = self.comm.iter().position(|&byte| byte == 0);
        core::str::from_utf8(&self.comm[..length.unwrap_or(COMM_MAX)]).unwrap_or("?")
    }

    /// Gives it a name, cut to [`COMM_MAX`] bytes.
    pub fn set_comm(&mut self, name: &str) {
        let end = (0..=name.len().min(COMM_MAX))
            .rev()
            .find(|&end| name.is_char_boundary(end))
            .unwrap_or(0);
        self.comm = [0; COMM_MAX + 1];
        self.comm[..end].copy_from_slice(&name.as_bytes()[..end]);
    }

    /// -20 to 19.
    pub fn nice(&self) -> i32 {
        self.static_prio as i32 - 120
    }

    /// Whether it is one of the kernel's own threads.
    pub fn is_kernel_thread(&self) -> bool {
        self.flags & PF_KTHREAD != 0
    }

    /// Whether it is the first thread of its process.
    pub fn is_leader(&self) -> bool {
        self.pid == self.tgid
    }

    /// Whether a bit of [`Task::thread_flags`] is set.
    pub fn has(&self, flag: Tif) -> bool {
        self.thread_flags & flag as u32 != 0
    }
}

/// Head of the list of processes.
fn tasks_head() -> Ref<ListHead> {
    TASK.byte_add(offset_of!(TaskData, tasks))
}

/// The task that runs on this CPU: the shell at the console, or whom the scheduler has picked.
#[inline]
pub fn current(mem: &Mem) -> Ref<Task> {
    mem[MEM].current
}

/// The task of that number.
pub fn find_task_by_pid(mem: &Mem, pid: u32) -> Option<Ref<Task>> {
    pid::find(mem, pid)
}

/// All processes in the order of their making, init first (`for_each_process`).
pub fn processes(mem: &Mem) -> impl Iterator<Item = Ref<Task>> + '_ {
    mem.list_iter(tasks_head())
        .map(|link| link.byte_sub(offset_of!(Task, tasks)))
}

/// The process behind one in that list, for whoever changes things on the way.
pub(crate) fn next_process(mem: &Mem, process: Ref<Task>) -> Option<Ref<Task>> {
    let link = mem[process].tasks.next;
    (link != tasks_head()).then(|| link.byte_sub(offset_of!(Task, tasks)))
}

/// The threads of a process, the first one in front.
pub fn threads(mem: &Mem, signal: Ref<SignalStruct>) -> impl Iterator<Item = Ref<Task>> + '_ {
    mem.list_iter(signal.cast())
        .map(|link| link.byte_sub(offset_of!(Task, thread_group)))
}

/// The thread behind one in its process, for whoever changes things on the way.
pub(crate) fn next_thread(mem: &Mem, thread: Ref<Task>) -> Option<Ref<Task>> {
    let link = mem[thread].thread_group.next;
    let head: Ref<ListHead> = mem[thread].signal.cast();
    (link != head).then(|| link.byte_sub(offset_of!(Task, thread_group)))
}

/// A task's children, the oldest first.
pub fn children(mem: &Mem, task: Ref<Task>) -> impl Iterator<Item = Ref<Task>> + '_ {
    mem.list_iter(children_head(task))
        .map(|link| link.byte_sub(offset_of!(Task, sibling)))
}

/// Head of a task's list of children.
pub fn children_head(task: Ref<Task>) -> Ref<ListHead> {
    task.byte_add(offset_of!(Task, children))
}

/// Sets up tasks 0 (one a CPU), 1 and 2. The file system stands already.
///
/// # Errors
/// `ENOMEM`.
pub(crate) fn boot(mem: &mut Mem, hz: u32) -> Result<(), Errno> {
    mem.list_init(tasks_head());
    mem[TASK].hz = hz;
    // As 2.6: no more kernel stacks than an eighth of memory would hold.
    mem[TASK].max_threads = (mem[MEM].managed / 16).max(20);
    mem[TASK].pids.pid_max = pid::PID_MAX_DEFAULT;
    for (name, size, align, slot) in [
        (Task::TYPE.name, size_of::<Task>(), CACHE_LINE, 0),
        (SignalStruct::TYPE.name, size_of::<SignalStruct>(), 8, 1),
        (Files::TYPE.name, size_of::<Files>(), 8, 2),
        (User::TYPE.name, size_of::<User>(), 8, 3),
    ] {
        let ctor = slab::Constructor::None;
        let cache = slab::kmem_cache_create(mem, name, size as u32, align, ctor)?;
        match slot {
            0 => mem[TASK].task_cache = cache,
            1 => mem[TASK].signal_cache = cache,
            2 => mem[TASK].files_cache = cache,
            _ => mem[TASK].user_cache = cache,
        }
    }
    for (pid, comm) in [(1, "sh"), (2, "kthreadd")] {
        let task = alloc_task(mem)?;
        let pwd = mem[fs::FS].root;
        mem[task].pwd = fs::get(mem, pwd);
        mem[task].umask = 0o022;
        mem[task].cred = Cred::of_user(0);
        mem[task].cpus_allowed = u32::MAX;
        mem[task].mems_allowed = u32::MAX;
        mem[task].static_prio = 120;
        mem[task].set_comm(comm);
        let signal = alloc_signal(mem)?;
        mem[signal].count = 1;
        mem[signal].live = 1;
        mem[signal].pgrp = pid;
        mem[signal].session = pid;
        mem[signal].rlim_nproc = mem[TASK].max_threads / 2;
        mem[task].signal = signal;
        mem[task].user = user::charge(mem, 0)?;
        mem.list_add_tail(task.byte_add(offset_of!(Task, thread_group)), signal.cast());
        mem[task].group_leader = task;
        pid::attach(mem, task, pid)?;
        weights::enter(mem, task, false)?;
        mem[task].tgid = pid;
        mem.list_add_tail(task.byte_add(offset_of!(Task, tasks)), tasks_head());
        mem[TASK].nr_threads += 1;
        if pid == 1 {
            mem[task].parent = task;
            // The shell wants to know of its children's ends; what it does not handle is lost on init.
            mem[signal].caught = signal::Signal::Chld.bit();
            mem[TASK].init = task;
            weights::refresh(mem, task);
            mem[TASK].tty_pgrp = pid;
            mem[MEM].current = task;
        } else {
            let init = mem[TASK].init;
            mem[task].parent = init;
            mem[task].flags = PF_KTHREAD;
            mem[signal].ignored = u32::MAX;
            (mem[signal].pgrp, mem[signal].session) = (0, 0);
            mem[task].state = INTERRUPTIBLE;
            mem.list_add_tail(
                task.byte_add(offset_of!(Task, sibling)),
                children_head(init),
            );
            mem[TASK].kthreadd = task;
        }
    }
    pid::begin_at(mem, FIRST_PID);
    mm::boot(mem)?;
    program::boot(mem)?;
    sched::boot(mem)
}

/// A task without anything: all zeroes, its lists empty.
///
/// # Errors
/// `ENOMEM`.
pub(crate) fn alloc_task(mem: &mut Mem) -> Result<Ref<Task>, Errno> {
    let cache = mem[TASK].task_cache;
    let task: Ref<Task> = kmem_cache_alloc(mem, cache, Gfp::KERNEL)?;
    mem[task] = Task::zeroed();
    mem[task].usage = 1;
    mem.list_init(children_head(task));
    Ok(task)
}

/// Takes a reference to a task, so that its descriptor stays when it is released
/// (`get_task_struct`).
pub fn get_task(mem: &mut Mem, task: Ref<Task>) -> Ref<Task> {
    mem[task].usage += 1;
    task
}

/// Drops a reference; the last one frees the descriptor.
pub fn put_task(mem: &mut Mem, task: Ref<Task>) {
    mem[task].usage -= 1;
    if mem[task].usage == 0 {
        free_task(mem, task);
    }
}

/// Frees a task that nothing leads to any more.
pub(crate) fn free_task(mem: &mut Mem, task: Ref<Task>) {
    let cache = mem[TASK].task_cache;
    kmem_cache_free(mem, cache, task);
}

/// What a process shares, all zeroes, its lists empty.
///
/// # Errors
/// `ENOMEM`.
pub(crate) fn alloc_signal(mem: &mut Mem) -> Result<Ref<SignalStruct>, Errno> {
    let cache = mem[TASK].signal_cache;
    let signal: Ref<SignalStruct> = kmem_cache_alloc(mem, cache, Gfp::KERNEL)?;
    mem[signal] = SignalStruct::zeroed();
    mem.list_init(signal.cast());
    WaitQueue::init(
        mem,
        signal.byte_add(offset_of!(SignalStruct, wait_chldexit)),
    );
    Ok(signal)
}

/// Frees what a process shared.
pub(crate) fn free_signal(mem: &mut Mem, signal: Ref<SignalStruct>) {
    let cache = mem[TASK].signal_cache;
    kmem_cache_free(mem, cache, signal);
}

/// Room for open files, none yet, with one user.
///
/// # Errors
/// `ENOMEM`.
pub(crate) fn alloc_files(mem: &mut Mem) -> Result<Ref<Files>, Errno> {
    let cache = mem[TASK].files_cache;
    let files: Ref<Files> = kmem_cache_alloc(mem, cache, Gfp::KERNEL)?;
    mem[files] = Files::zeroed();
    mem[files].count = 1;
    fs::table_made(mem, files);
    Ok(files)
}

/// Frees a table without open files.
pub(crate) fn free_files(mem: &mut Mem, files: Ref<Files>) {
    mem.list_del(files.cast());
    let cache = mem[TASK].files_cache;
    kmem_cache_free(mem, cache, files);
}

/// Checks lists, numbers and counts.
///
/// # Errors
/// A sentence that names the first violation.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    if !mem.list_is_sound(tasks_head(), mem[TASK].nr_threads) {
        return Err("task: the list of processes is broken");
    }
    let mut threads_found = 0;
    for leader in processes(mem) {
        if !mem[leader].is_leader() || mem[leader].group_leader != leader {
            return Err("task: the list of processes holds a thread");
        }
        if !mem.list_is_sound(mem[leader].signal.cast(), mem[TASK].nr_threads) {
            return Err("task: a list of threads is broken");
        }
        for task in threads(mem, mem[leader].signal) {
            threads_found += 1;
            if mem[task].tgid != mem[leader].tgid || mem[task].group_leader != leader {
                return Err("task: a thread is in another process than it says");
            }
            if find_task_by_pid(mem, mem[task].pid) != Some(task) {
                return Err("task: a task is not found by its number");
            }
            exit::check_task(mem, task)?;
        }
        exit::check_process(mem, leader)?;
        if !mem.list_is_sound(children_head(leader), mem[TASK].nr_threads) {
            return Err("task: a list of children is broken");
        }
        for child in children(mem, leader) {
            if mem[child].parent != leader {
                return Err("task: a child has another parent");
            }
        }
    }
    if threads_found != mem[TASK].nr_threads {
        return Err("task: the number of tasks differs from what the lists hold");
    }
    user::check(mem)?;
    weights::check(mem)?;
    pid::check(mem)?;
    mm::check(mem)?;
    program::check(mem)?;
    sched::check(mem)
}
