//! The scheduler: CFS as in 2.6.24 (specs/containers_async_proc.md 4.1), over virtual CPUs.

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::mem::{ListHead, MAX_CPUS, Ref};
use crate::rbtree::{RbNode, RbRoot};
use crate::task::Task;

/// What the scheduler weighs: a task, or a group of them on one CPU (`sched_entity`).
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
    /// Which it is part of: the task, or the group.
    pub _pad: u32,
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
        weight,
        on_rq,
        parent,
        cfs_rq,
        my_q,
        _pad: Kind::Padding,
    ]
);

/// A queue of entities on one CPU: the CPU's own, or a group's (`cfs_rq`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct CfsRq {
    /// The runnable entities but the running one, by virtual runtime.
    pub tasks_timeline: RbRoot,
    /// Never runs backwards; where those who come begin.
    pub min_vruntime: u64,
    /// The running entity; it is not in the tree.
    pub curr: Ref<SchedEntity>,
    /// The group whose queue it is.
    pub group: Ref<TaskGroup>,
    /// Runnable entities, the running one included.
    pub nr_running: u32,
    /// CPU.
    pub cpu: u32,
    /// Sum of their weights.
    pub load: u64,
}

describe!(
    CfsRq,
    "cfs_rq",
    [
        tasks_timeline,
        min_vruntime,
        curr,
        group,
        nr_running,
        cpu,
        load
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
    /// Its entity on each CPU; NULL for the root group.
    pub se: [Ref<SchedEntity>; MAX_CPUS],
    /// Its queue on each CPU.
    pub cfs_rq: [Ref<CfsRq>; MAX_CPUS],
}

describe!(TaskGroup, "task_group", [list, shares, parent, se, cfs_rq]);

/// A CPU's run queue (`struct rq`). They stand side by side in [`crate::mem::layout::SCHED`].
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Rq {
    /// The root group's queue.
    pub cfs: CfsRq,
    /// The CPU's time, in nanoseconds since boot.
    pub clock: u64,
    /// Time that the idle task had.
    pub idle_time: u64,
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
    /// Sleeping tasks that count for the load average.
    pub nr_uninterruptible: u32,
    /// CPU.
    pub cpu: u32,
}

describe!(
    Rq,
    "rq",
    [
        cfs,
        clock,
        idle_time,
        nr_switches,
        curr,
        idle,
        nr_running,
        need_resched,
        nr_uninterruptible,
        cpu,
    ]
);
