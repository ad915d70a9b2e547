//! The OOM killer: whom to end when a page cannot be had (specs/memory.md 4; 2.6.28, and where that
//! is said 2.6.29).
//!
//! An allocation has tried everything: the free lists, reclaim, the last look at the high watermark.
//! Then [`out_of_memory`] asks those who want to be told first; finds out whether one process's limits
//! are at fault (its cpuset, its memory policy) or the whole machine; has the selected [`OomPolicy`]
//! choose a task; and kills it, or one of its children. The victim gets [`Tif::MemDie`], so that it may
//! use the reserves on its way out.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | the objects, and what happens in which order |
//! | `badness.rs` | a task's score, factor by factor |
//! | `select.rs` | the worst task in one pass: upper bounds first, exact scores where they matter |
//! | `kill.rs` | children first, whoever shares the memory too |
//! | `report.rs` | the lines in the kernel's log |
//! | `policy.rs` | who is chosen by which rule: the trait and its table |
//! | `sysctl.rs` | `/proc/sys/vm/{panic_on_oom,oom_kill_allocating_task,oom_dump_tasks,oom_policy}` |
//!
//! Neighbours: `mem::reclaim` calls; `task::signal` kills; `container::{memory, cpuset, oom}` limit.
//! The events say what was decided; whoever wants every candidate's factors asks [`badness::explain`]
//! while a tap sees [`Tracepoint::OomSelect`](crate::trace::Tracepoint::OomSelect): the tasks are then
//! as the decision saw them.

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::container::memory::MemCgroup;
use crate::mem::{Gfp, MEM, MemData, Ref};
use crate::task::Task;

/// The static data of this module: in the frame of the memory system's.
pub const OOM: Ref<OomData> = Ref::new(MEM.unit() + 2048 / 8);
const _: () = assert!(size_of::<MemData>() <= 1024 && size_of::<OomData>() <= 1024);

/// Switches and counters.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct OomData {
    /// 0 kill; 1 panic if the whole machine is out of memory; 2 panic in any case.
    pub panic_on_oom: u32,
    /// Kill whoever asked for the page, without looking for the worst.
    pub oom_kill_allocating_task: u32,
    /// List all tasks in the log before killing.
    pub oom_dump_tasks: u32,
    /// Number of the policy in [`policy::POLICIES`].
    pub policy: u32,
    /// Decisions since boot.
    pub decisions: u32,
    /// Tasks killed since boot.
    pub kills: u32,
    /// The name that `/proc/sys/vm/oom_victim` holds, ended by a zero; empty is off.
    pub victim: [u8; 16],
}

describe!(
    OomData,
    "oom_data",
    [
        panic_on_oom,
        oom_kill_allocating_task,
        oom_dump_tasks,
        policy,
        decisions,
        kills,
        victim: Kind::Text,
    ]
);

/// Why there is no page (2.6.28's `enum oom_constraint`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Constraint {
    /// The whole machine has none.
    None = 0,
    /// The nodes of the task's cpuset have none.
    Cpuset = 1,
    /// The nodes of its memory policy have none.
    MemoryPolicy = 2,
    /// Its container has reached its limit.
    Memcg = 3,
}

/// What is asked for, and may not be had.
#[derive(Debug, Clone, Copy)]
pub struct OomControl {
    /// How.
    pub gfp: Gfp,
    /// 2^`order` frames.
    pub order: u32,
    /// Nodes that the allocation may use, a bit each.
    pub nodes: u32,
    /// Whose limit.
    pub constraint: Constraint,
    /// The container whose limit it is; NULL if it is none's.
    pub memcg: Ref<MemCgroup>,
}

/// What a policy answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Somebody is dying already: wait for what that frees.
    Abort(Ref<Task>),
    /// Nobody may be killed.
    None,
    /// This one, with its score.
    Victim(Ref<Task>, u64),
}

/// Why a task is no candidate, in the order of the questions (specs/memory.md 4.2; the last ones are
/// policies' own).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Skipped {
    /// It has no memory of its own: a thread of the kernel, a zombie.
    NoMm = 0,
    /// It is the first process.
    Init = 1,
    /// It is not in the container whose limit was reached.
    NotMember = 2,
    /// Its `oom_adj` is -17.
    Disabled = 3,
    /// Its container's `oom.priority` is 0.
    PriorityZero = 4,
    /// Others have a higher `oom.priority`.
    LowerPriority = 5,
    /// None of its memory is where a page is missing.
    OtherNodes = 6,
    /// It has another name than `oom_victim`.
    OtherName = 7,
    /// Its `oom_adj` is below the threshold that was reached.
    BelowThreshold = 8,
}
