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
//! | `weights.rs` | what scores are made of, side by side: 16 bytes a task |
//! | `kill.rs` | children first, whoever shares the memory too |
//! | `report.rs` | the lines in the kernel's log |
//! | `policy.rs` | who is chosen by which rule: the trait and its table |
//! | `ask.rs` | the questions that all rules ask of a task |
//! | `victim.rs`, `priority.rs` | rules that others proposed: by name, by container |
//! | `listeners.rs` | programs that are told before anybody is killed |
//! | `lowmem.rs` | Android's killer, which comes earlier |
//! | `module.rs` | a rule that somebody else writes |
//! | `sysctl.rs` | `/proc/sys/vm/{panic_on_oom,oom_kill_allocating_task,oom_dump_tasks,oom_policy}` |
//!
//! Neighbours: `mem::reclaim` calls; `task::signal` kills; `container::{memory, cpuset, oom}` limit.
//! The events say what was decided; whoever wants every candidate's factors asks [`badness::explain`]
//! while a tap sees [`Tracepoint::OomSelect`]: the tasks are then
//! as the decision saw them.

mod ask;
pub mod badness;
mod kill;
pub mod listeners;
pub mod lowmem;
pub mod module;
mod notify;
pub mod policy;
#[cfg(all(test, feature = "host-ram"))]
mod policy_tests;
mod priority;
mod report;
mod select;
pub(crate) mod sysctl;
#[cfg(all(test, feature = "host-ram"))]
mod tests;
pub mod victim;
pub mod weights;

pub use kill::{Refused, Why, let_it_die, may_use_reserves, oom_kill_process};
pub use policy::OomPolicy;
pub use select::{select_bad_process, skipped};

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::container::memory::MemCgroup;
use crate::mem::{Gfp, MEM, Mem, MemData, Ref};
use crate::task::{Task, Tif, current, pid};
use crate::trace::Tracepoint;

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
    /// Tasks that the last decision compared.
    pub candidates: u32,
    /// Tasks that it passed over.
    pub skipped: u32,
    /// When the log last began to count reports, in nanoseconds since boot.
    pub reports_since: u64,
    /// Reports since then.
    pub reports: u32,
    /// Of these, those that the log did not take.
    pub missed: u32,
    /// Whether the kernel has panicked: the machine has halted.
    pub panicked: u32,
    _pad: u32,
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
        candidates,
        skipped,
        reports_since,
        reports,
        missed,
        panicked,
        _pad: Kind::Padding,
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
    /// Nodes that the allocation may use, a bit each: those of its zone list, or, if the caller has
    /// narrowed them already, those of these that its cpuset allows. A decision sees the latter.
    pub nodes: u32,
    /// Whose limit; [`out_of_memory`] finds it out unless it is given.
    pub constraint: Constraint,
    /// The container whose limit it is; NULL if it is none's.
    pub memcg: Ref<MemCgroup>,
}

impl OomControl {
    /// An allocation that may use any node.
    pub fn new(mem: &Mem, gfp: Gfp, order: u32) -> OomControl {
        OomControl {
            gfp,
            order,
            nodes: online_nodes(mem),
            constraint: Constraint::None,
            memcg: Ref::NULL,
        }
    }
}

/// What came of a call for memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Outcome {
    /// Whoever wanted to be told has freed so many pages: try again.
    Freed(u64),
    /// Somebody was killed: wait for what that frees.
    Killed,
    /// Somebody is dying already, or was told and has time to help: wait likewise.
    Waits,
    /// Nobody could be killed, and the rules say to leave it at that.
    Nobody,
    /// The machine has halted.
    Panicked,
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
    /// It was chosen just now, and could not be killed: whoever shares its memory has -17.
    Refused = 9,
}

fn online_nodes(mem: &Mem) -> u32 {
    (1 << mem[MEM].nr_nodes) - 1
}

/// Nodes that the running task may use.
pub(crate) fn allowed_nodes(mem: &Mem) -> u32 {
    mem[current(mem)].mems_allowed & online_nodes(mem)
}

/// What the allocation is bounded by (`constrained_alloc`): a node of its zone list that its cpuset does
/// not allow; or a list that leaves nodes out; or nothing.
fn constrain(mem: &Mem, control: &mut OomControl) {
    let (online, allowed) = (online_nodes(mem), allowed_nodes(mem));
    let is_narrowed = control.nodes == allowed && allowed != online;
    if control.constraint == Constraint::None {
        control.constraint = match control.nodes & online {
            nodes if is_narrowed || nodes & !allowed != 0 => Constraint::Cpuset,
            nodes if nodes != online => Constraint::MemoryPolicy,
            _ => Constraint::None,
        };
    }
    control.nodes = allowed;
}

/// No page can be had: finds somebody whose end gives some back (specs/memory.md 4.4). The caller sleeps
/// for a tick then, unless it is dying itself, and tries again.
pub fn out_of_memory(mem: &mut Mem, control: &OomControl) -> Outcome {
    match notify::notify(mem, control) {
        0 => {}
        freed => return Outcome::Freed(freed),
    }
    if listeners::chance(mem, control) {
        return Outcome::Waits;
    }
    if mem[OOM].panic_on_oom == 2 {
        return panic(mem, "out of memory. Compulsory panic_on_oom is selected.");
    }
    let mut control = *control;
    constrain(mem, &mut control);
    invoke(mem, &control);
    let asker = current(mem);
    let kill_asker =
        |mem: &mut Mem, message| match oom_kill_process(mem, asker, &control, 0, message) {
            true => Outcome::Killed,
            false => Outcome::Nobody,
        };
    if control.constraint == Constraint::MemoryPolicy {
        return kill_asker(mem, "No available memory (MPOL_BIND)");
    }
    if control.constraint == Constraint::None && mem[OOM].panic_on_oom != 0 {
        return panic(mem, "out of memory. panic_on_oom is selected");
    }
    if mem[OOM].oom_kill_allocating_task != 0 {
        // 2.6.28 leaves it at that even if the task may not be killed.
        return kill_asker(mem, "Out of memory (oom_kill_allocating_task)");
    }
    kill_worst(mem, &control, "Out of memory", Ref::NULL)
}

/// A container has reached its limit, and nothing could be reclaimed: one of its tasks goes
/// (`mem_cgroup_out_of_memory`, 4.5). Neither notifiers nor `panic_on_oom` are asked.
pub fn mem_cgroup_out_of_memory(mem: &mut Mem, memcg: Ref<MemCgroup>, gfp: Gfp) -> Outcome {
    let control = OomControl {
        constraint: Constraint::Memcg,
        nodes: allowed_nodes(mem),
        memcg,
        ..OomControl::new(mem, gfp, 0)
    };
    if listeners::chance(mem, &control) {
        return Outcome::Waits;
    }
    invoke(mem, &control);
    // Whoever exceeds the limit, if nobody else is there.
    let asker = current(mem);
    kill_worst(mem, &control, "Memory cgroup out of memory", asker)
}

fn invoke(mem: &mut Mem, control: &OomControl) {
    let event = [
        mem[current(mem)].pid,
        control.gfp.0,
        control.order,
        control.constraint as u32,
        control.nodes,
        mem[OOM].policy,
    ];
    mem.trace(Tracepoint::OomInvoke, event.map(u64::from));
}

/// Has the policy choose until somebody could be killed. `instead` is who goes if nobody is found; with
/// none the kernel panics.
fn kill_worst(mem: &mut Mem, control: &OomControl, message: &str, instead: Ref<Task>) -> Outcome {
    let mut has_refused = false;
    let outcome = loop {
        let selection = policy::selected(mem).select(mem, control);
        mem[OOM].decisions += 1;
        let (verdict, task, points) = match selection {
            Selection::None => (0, Ref::NULL, 0),
            Selection::Abort(task) => (1, task, 0),
            Selection::Victim(task, points) => (2, task, points),
        };
        let pid = if task.is_null() { 0 } else { mem[task].pid };
        let OomData {
            decisions,
            candidates,
            skipped,
            ..
        } = mem[OOM];
        let [decisions, pid, candidates, skipped] =
            [decisions, pid, candidates, skipped].map(u64::from);
        let event = [decisions, verdict, pid, points, candidates, skipped];
        mem.trace(Tracepoint::OomSelect, event);
        let (victim, points) = match selection {
            Selection::Abort(_) => break Outcome::Waits,
            Selection::Victim(task, points) => (task, points),
            Selection::None if !instead.is_null() => (instead, 0),
            Selection::None => break panic(mem, "Out of memory and no killable processes..."),
        };
        if oom_kill_process(mem, victim, control, points, message) {
            break Outcome::Killed;
        }
        if victim == instead {
            break Outcome::Nobody;
        }
        // 2.6.28 would choose it again, for ever.
        mem[victim].thread_flags |= Tif::OomRefused as u32;
        weights::refresh_traits(mem, victim);
        has_refused = true;
    };
    if has_refused {
        let mut next = pid::tasks_from(mem, 1).next();
        while let Some(task) = next {
            if mem[task].has(Tif::OomRefused) {
                mem[task].thread_flags &= !(Tif::OomRefused as u32);
                weights::refresh_traits(mem, task);
            }
            next = pid::tasks_from(mem, mem[task].pid + 1).next();
        }
    }
    outcome
}

/// The kernel gives up: it says so, and the machine halts. (Linux's messages end with a newline of their
/// own, which leaves an empty line in its log; ours doesn't.)
fn panic(mem: &mut Mem, message: &str) -> Outcome {
    mem.printk(format_args!("Kernel panic - not syncing: {message}"));
    mem[OOM].panicked = 1;
    Outcome::Panicked
}

/// Whether the kernel has panicked: nothing runs any more.
pub fn has_panicked(mem: &Mem) -> bool {
    mem[OOM].panicked != 0
}
