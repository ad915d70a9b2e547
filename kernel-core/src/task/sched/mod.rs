//! The scheduler: CFS as in 2.6.24 (specs/containers_async_proc.md 4.1), over virtual CPUs.
//!
//! Every runnable task ought to run at once, each at a part of the CPU's speed that is its *weight*
//! over the sum of all weights. A CPU runs one at a time, so each task's clock of *virtual* runtime
//! tells how far it has come: it advances by the time the task had, divided by its weight. Who has
//! come least runs next. A red-black tree keeps the waiting ones in that order.
//!
//! A container of the cpu subsystem is a *group*: on each CPU it has a queue of its own, and an
//! entity that stands for it in the queue above, weighed by the group's shares. Picking a task means
//! picking the least entity, and then the least one of its queue, down to a task.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | the objects, boot |
//! | `fair.rs` | virtual runtime: weights, slices, placing, picking |
//! | `tasks.rs` | tasks: waking, sleeping, switching, nice, affinity |
//! | `group.rs` | groups and their shares |
//! | `balance.rs` | which CPU a task is on |
//! | `run.rs` | letting time pass |
//! | `proc.rs` | `/proc/stat` and its like |
//! | `check.rs` | the invariants |

mod balance;
mod check;
mod fair;
mod group;
pub mod proc;
mod run;
#[cfg(all(test, feature = "host-ram"))]
mod share_tests;
mod tasks;
#[cfg(all(test, feature = "host-ram"))]
mod tests;

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::{CACHE_LINE, TASK, Task, alloc_task, tasks_head};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{ListHead, MAX_CPUS, MEM, Mem, Ref, layout};
use crate::rbtree::{RbNode, RbRoot};
use crate::slab::{self, KmemCache};

pub(crate) use check::check;
pub use fair::{NICE_0_LOAD, WEIGHTS, sched_period, sched_slice, weight_of};
pub use group::{
    SHARES_MAX, SHARES_MIN, sched_create_group, sched_destroy_group, sched_group_set_shares,
    sched_move_task,
};
pub use run::{Outcome, Run, Runner, burn, run_for, run_with};
pub use tasks::{
    NORMAL, deactivate, need_resched, sched_fork, set_cpus_allowed, set_user_nice, task_dead,
    task_group, try_to_wake_up, wake_up_new_task, wake_up_process,
};

/// What the scheduler weighs: a task, or a group of them on one CPU (`sched_entity`). A task's stands
/// first in the task.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct SchedEntity {
    /// Place in the queue's tree, while it is runnable and does not run.
    pub run_node: RbNode,
    /// CPU time, divided by its weight: who has least runs next. Nanoseconds of nice 0.
    pub vruntime: u64,
    /// When what it has run was last charged.
    pub exec_start: u64,
    /// CPU time it had, in nanoseconds.
    pub sum_exec_runtime: u64,
    /// The same when it was last picked.
    pub prev_sum_exec_runtime: u64,
    /// Since when it waits for its CPU.
    pub wait_start: u64,
    /// A group's: virtual runtime that it had on other CPUs, to be added to its own; see `fair.rs`.
    pub remote: u64,
    /// How much of that was added since it last ran here.
    pub remote_sum: u64,
    /// Link in [`Rq::tasks`]: a runnable task's.
    pub group_node: ListHead,
    /// Its weight: 1024 for nice 0, a group's shares.
    pub weight: u32,
    /// 1 while it is runnable.
    pub on_rq: u32,
    /// The group's entity that it is in; NULL at the top.
    pub parent: Ref<SchedEntity>,
    /// The queue that it is on when runnable.
    pub cfs_rq: Ref<CfsRq>,
    /// The queue that it owns: a group's entity; NULL for a task.
    pub my_q: Ref<CfsRq>,
    /// Groups above it.
    pub depth: u32,
    /// 1 while it sleeps and counts for the load average.
    pub counts: u32,
    /// A task's: from which CPU time on what it weighs when memory runs out may be another, in units of
    /// 2^[`DUE_SHIFT`](crate::oom::weights::DUE_SHIFT) nanoseconds. It stands here because a context switch
    /// reads this line anyway.
    pub weight_due: u32,
}

describe!(
    SchedEntity,
    "sched_entity",
    [
        run_node,
        vruntime,
        exec_start,
        sum_exec_runtime,
        prev_sum_exec_runtime,
        wait_start,
        remote,
        remote_sum,
        group_node,
        weight,
        on_rq,
        parent,
        cfs_rq,
        my_q,
        depth,
        counts,
        weight_due,
    ]
);

/// A queue of entities on one CPU: the CPU's own, or a group's (`cfs_rq`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct CfsRq {
    /// The runnable entities but the running one, by virtual runtime.
    pub tasks_timeline: RbRoot,
    /// The running entity; it is not in the tree.
    pub curr: Ref<SchedEntity>,
    /// Never runs backwards; where those who come begin.
    pub min_vruntime: u64,
    /// The group whose queue it is.
    pub group: Ref<TaskGroup>,
    /// CPU.
    pub cpu: u32,
    /// Sum of the weights of its runnable entities, the running one included.
    pub load: u64,
    /// The same when loads were last balanced, but a group's entity counts as what its tasks here are
    /// of all its tasks; in 1024ths. See `balance.rs`.
    pub h_load: u64,
    /// Runnable entities, the running one included.
    pub nr_running: u32,
    _pad: u32,
}

describe!(
    CfsRq,
    "cfs_rq",
    [
        tasks_timeline,
        curr,
        min_vruntime,
        group,
        cpu,
        load,
        h_load,
        nr_running,
        _pad: Kind::Padding,
    ]
);

/// Tasks that share a part of the CPUs (`task_group`): a container of the cpu subsystem.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct TaskGroup {
    /// Link in the list of groups.
    pub list: ListHead,
    /// Its part, against those of other groups; 1024 unless it was written to.
    pub shares: u32,
    /// NULL for the root group.
    pub parent: Ref<TaskGroup>,
    /// Sum of the loads of its queues on all CPUs.
    pub load: u64,
    /// Its entity on each CPU; NULL for the root group.
    pub se: [Ref<SchedEntity>; MAX_CPUS],
    /// Its queue on each CPU.
    pub cfs_rq: [Ref<CfsRq>; MAX_CPUS],
}

describe!(
    TaskGroup,
    "task_group",
    [list, shares, parent, load, se, cfs_rq]
);

/// A CPU's run queue (`struct rq`). They stand side by side in [`crate::mem::layout::SCHED`].
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Rq {
    /// The root group's queue.
    pub cfs: CfsRq,
    /// Its runnable tasks, those of groups included, the newest first.
    pub tasks: ListHead,
    /// The CPU's time, in nanoseconds since boot.
    pub clock: u64,
    /// Time that tasks ran programs.
    pub user_time: u64,
    /// The same of tasks with a positive nice level.
    pub nice_time: u64,
    /// Time that tasks ran in the kernel.
    pub system_time: u64,
    /// Time that the idle task had.
    pub idle_time: u64,
    /// Time that tasks waited for this CPU.
    pub run_delay: u64,
    /// When it next compares its load with others'.
    pub next_balance: u64,
    /// Context switches.
    pub nr_switches: u64,
    /// Who runs; the CPU's idle task if nobody else wants to.
    pub curr: Ref<Task>,
    /// The CPU's idle task, `swapper`, pid 0.
    pub idle: Ref<Task>,
    /// Runnable tasks, those of groups included.
    pub nr_running: u32,
    /// 1 if `curr` is to give way (`TIF_NEED_RESCHED`).
    pub need_resched: u32,
    /// Tasks that sleep here and count for the load average. Who wakes on another CPU is subtracted
    /// there, so only the sum over all CPUs means something; it wraps.
    pub nr_uninterruptible: u32,
    /// CPU.
    pub cpu: u32,
    /// Calls of `sched_yield`.
    pub yld_count: u32,
    /// Times that it looked for whom to run.
    pub sched_count: u32,
    /// Times that it found nobody.
    pub sched_goidle: u32,
    /// Tasks that were woken here.
    pub ttwu_count: u32,
    /// Those of them who had run here before.
    pub ttwu_local: u32,
    /// Number of the task that ran last, which may be gone.
    pub last_pid: u32,
    /// Tasks that came from other CPUs.
    pub nr_pulled: u32,
    /// Its state, if it left before the next was picked.
    pub last_state: u32,
}

describe!(
    Rq,
    "rq",
    [
        cfs,
        tasks,
        clock,
        user_time,
        nice_time,
        system_time,
        idle_time,
        run_delay,
        next_balance,
        nr_switches,
        curr,
        idle,
        nr_running,
        need_resched,
        nr_uninterruptible,
        cpu,
        yld_count,
        sched_count,
        sched_goidle,
        ttwu_count,
        ttwu_local,
        last_pid,
        nr_pulled,
        last_state,
    ]
);

/// What the scheduler knows besides the run queues; it stands behind them.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct SchedData {
    /// The group of everybody who is in no other.
    pub root: TaskGroup,
    /// All other groups, the oldest first.
    pub groups: ListHead,
    /// Tasks' alarms by their time; see [`super::time`].
    pub timers: RbRoot,
    /// Groups, the root group not counted.
    pub nr_groups: u32,
    /// In which time everybody is to run once, in nanoseconds (`sched_latency_ns`).
    pub latency: u64,
    /// How long one should run at least (`sched_min_granularity_ns`).
    pub min_granularity: u64,
    /// How far behind a woken task has to be to push the running one aside
    /// (`sched_wakeup_granularity_ns`).
    pub wakeup_granularity: u64,
    /// When the next timer tick is due.
    pub next_tick: u64,
    /// When the load averages are next taken.
    pub next_load: u64,
    /// Load averages over 1, 5 and 15 minutes, in 2048ths.
    pub avenrun: [u64; 3],
    group_cache: Ref<KmemCache>,
    entity_cache: Ref<KmemCache>,
    cfs_rq_cache: Ref<KmemCache>,
    /// So many entities share `latency`; more of them take longer.
    pub nr_latency: u32,
    /// 1 if a child runs before its parent (`sched_child_runs_first`).
    pub child_runs_first: u32,
    /// 1 if a task that yields goes behind all others of its queue (`sched_compat_yield`).
    pub compat_yield: u32,
    /// Timer ticks so far; those at which all CPUs were idle are left out.
    pub ticks: u64,
}

describe!(
    SchedData,
    "sched_data",
    [
        root,
        groups,
        timers,
        nr_groups,
        latency,
        min_granularity,
        wakeup_granularity,
        next_tick,
        next_load,
        avenrun,
        group_cache,
        entity_cache,
        cfs_rq_cache,
        nr_latency,
        child_runs_first,
        compat_yield,
        ticks,
    ]
);

const _: () = {
    assert!(offset_of!(Task, se) == 0);
    assert!(offset_of!(Rq, cfs) == 0);
    let size = MAX_CPUS * size_of::<Rq>() + size_of::<SchedData>();
    assert!(size <= crate::mem::FRAME_SIZE);
};

/// The run queue of CPU 0; the others follow.
const RQS: Ref<Rq> = Ref::of_frame(layout::SCHED);
/// The static data of this module.
pub const SCHED: Ref<SchedData> = RQS.offset(MAX_CPUS as u32).cast();
/// The group of everybody who is in no other (`init_task_group`).
pub const ROOT_GROUP: Ref<TaskGroup> = SCHED.byte_add(offset_of!(SchedData, root));

/// The run queue of a CPU.
#[inline(always)]
pub fn rq(cpu: u32) -> Ref<Rq> {
    RQS.offset(cpu)
}

/// Whom a CPU runs: its idle task if nobody wants to.
pub fn curr(mem: &Mem, cpu: u32) -> Ref<Task> {
    mem[rq(cpu)].curr
}

/// Head of the list of groups but the root group.
fn groups_head() -> Ref<ListHead> {
    SCHED.byte_add(offset_of!(SchedData, groups))
}

/// All groups but the root group, the oldest first.
pub fn groups(mem: &Mem) -> impl Iterator<Item = Ref<TaskGroup>> + '_ {
    mem.list_iter(groups_head()).map(Ref::cast)
}

/// The runnable tasks of a CPU, those of groups and the running one included, the newest first.
pub fn tasks_of(mem: &Mem, cpu: u32) -> impl Iterator<Item = Ref<Task>> + '_ {
    let head = rq(cpu).byte_add(offset_of!(Rq, tasks));
    mem.list_iter(head).map(tasks::task_of_link)
}

/// The CPUs of the machine, a bit each.
pub fn online(mem: &Mem) -> u32 {
    (1 << mem[MEM].nr_cpus) - 1
}

/// The task of an entity, or NULL if it is a group's.
#[inline]
pub fn task_of(mem: &Mem, se: Ref<SchedEntity>) -> Ref<Task> {
    match mem[se].my_q.is_null() {
        true => se.cast(),
        false => Ref::NULL,
    }
}

/// Runnable tasks on all CPUs; the shell counts while it runs a command.
pub fn nr_running(mem: &Mem) -> u32 {
    let queued: u32 = (0..mem[MEM].nr_cpus)
        .map(|cpu| mem[rq(cpu)].nr_running)
        .sum();
    queued + u32::from(mem[MEM].current == mem[TASK].init)
}

/// Tasks in uninterruptible sleep.
pub fn nr_uninterruptible(mem: &Mem) -> u32 {
    (0..mem[MEM].nr_cpus).fold(0, |sum, cpu| {
        sum.wrapping_add(mem[rq(cpu)].nr_uninterruptible)
    })
}

/// Context switches since boot.
pub fn nr_switches(mem: &Mem) -> u64 {
    (0..mem[MEM].nr_cpus)
        .map(|cpu| mem[rq(cpu)].nr_switches)
        .sum()
}

/// Sets up run queues and idle tasks. Tasks 1 and 2 stand already, and are on no queue.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    mem.list_init(groups_head());
    for (name, size, align, slot) in [
        (TaskGroup::TYPE.name, size_of::<TaskGroup>(), 8, 0),
        (
            SchedEntity::TYPE.name,
            size_of::<SchedEntity>(),
            CACHE_LINE,
            1,
        ),
        (CfsRq::TYPE.name, size_of::<CfsRq>(), CACHE_LINE, 2),
    ] {
        let ctor = slab::Constructor::None;
        let cache = slab::kmem_cache_create(mem, name, size as u32, align, ctor)?;
        match slot {
            0 => mem[SCHED].group_cache = cache,
            1 => mem[SCHED].entity_cache = cache,
            _ => mem[SCHED].cfs_rq_cache = cache,
        }
    }
    // More CPUs, more to share: everybody runs a little longer.
    let cpus = mem[MEM].nr_cpus;
    let factor = u64::from(1 + cpus.ilog2());
    let tick = super::time::tick_ns(mem);
    let data = &mut mem[SCHED];
    data.latency = 20_000_000 * factor;
    data.min_granularity = 4_000_000 * factor;
    data.wakeup_granularity = 10_000_000 * factor;
    data.nr_latency = 5;
    data.child_runs_first = 1;
    data.next_tick = tick;
    data.next_load = run::LOAD_FREQ;
    data.root.shares = NICE_0_LOAD;
    // A sleeper's credit must not lead below zero.
    let start = data.latency;
    for cpu in 0..cpus {
        let rq = rq(cpu);
        let idle = alloc_task(mem)?;
        mem[idle].set_comm("swapper");
        mem[idle].flags = super::PF_KTHREAD;
        mem[idle].cpu = cpu;
        mem[idle].cpus_allowed = 1 << cpu;
        mem[idle].static_prio = 139;
        mem[idle].se.cfs_rq = rq.cast();
        mem.list_init(rq.byte_add(offset_of!(Rq, tasks)));
        let run_queue = &mut mem[rq];
        run_queue.cpu = cpu;
        run_queue.cfs.cpu = cpu;
        run_queue.cfs.group = ROOT_GROUP;
        run_queue.cfs.min_vruntime = start;
        run_queue.idle = idle;
        run_queue.curr = idle;
        run_queue.next_balance = balance::first(cpu, cpus);
        mem[SCHED].root.cfs_rq[cpu as usize] = rq.cast();
    }
    let head = tasks_head();
    let mut link = mem[head].next;
    while link != head {
        let task: Ref<Task> = link.byte_sub(offset_of!(Task, tasks));
        sched_fork(mem, Ref::NULL, task);
        link = mem[link].next;
    }
    Ok(())
}
