//! `priority` and `priority_cpuset`: the order that the groups of the `oom` subsystem give
//! (specs/memory.md 5.2; Nikanth Karthikesan, January 2009), and its cure.
//!
//! A task of the highest `oom.priority` dies; of several the one with the highest score, so `oom_adj`
//! counts among them. Priority 0 is never chosen: if nobody has another, nobody may be killed.
//!
//! The objection of cpusets' users: priority knows nothing of nodes. If the nodes of cpuset B are
//! exhausted, a task of high priority in cpuset A dies, although nothing that this frees may be used
//! in B. `priority_cpuset` looks only at those who may have memory where it is missing, and says in
//! its event ([`Tracepoint::OomPriority`]) whom the other would have chosen.

use super::ask::{self, Asked};
use super::policy::{self, OomPolicy};
use super::{OOM, OomControl, Selection, Skipped, badness, select};
use crate::container::oom;
use crate::mem::{Mem, Ref};
use crate::task::Task;
use crate::trace::Tracepoint;

/// Both policies.
pub(super) struct Priority {
    /// Whether tasks on other nodes are passed over.
    pub by_nodes: bool,
}

/// Whether a task may have memory on a node of the failed allocation's.
pub fn shares_nodes(mem: &Mem, control: &OomControl, task: Ref<Task>) -> bool {
    mem[task].mems_allowed & control.nodes != 0
}

/// What a look at all tasks has found.
#[derive(Default)]
struct Found {
    /// The highest priority.
    priority: u64,
    /// Candidates that have it.
    tied: u32,
    /// Tasks that are no candidates because theirs is 0.
    excluded: u32,
    /// Those that are none because of their nodes.
    elsewhere: u32,
    /// Those that are none for other reasons.
    skipped: u32,
    /// Candidates of any priority.
    candidates: u32,
}

impl Priority {
    /// Why a task is no candidate, whatever others have.
    fn passes_over(&self, mem: &Mem, control: &OomControl, task: Ref<Task>) -> Option<Skipped> {
        if self.by_nodes && !shares_nodes(mem, control, task) {
            Some(Skipped::OtherNodes)
        } else if oom::priority(mem, task) == 0 {
            Some(Skipped::PriorityZero)
        } else {
            None
        }
    }

    /// Why a task is no candidate for any reason of its own.
    fn alone(&self, mem: &Mem, control: &OomControl, task: Ref<Task>) -> Option<Skipped> {
        select::skipped(mem, control, task).or_else(|| self.passes_over(mem, control, task))
    }

    fn search(&self, mem: &Mem, control: &OomControl) -> (Selection, Found) {
        let uptime = badness::uptime(mem);
        let mut found = Found::default();
        let mut best = Selection::None;
        for task in ask::tasks(mem) {
            match ask::ask(mem, control, task) {
                Asked::No(_) => {
                    found.skipped += 1;
                    continue;
                }
                Asked::Dying => return (Selection::Abort(task), found),
                Asked::Leaving => {
                    best = Selection::Victim(task, u64::MAX);
                    (found.priority, found.tied) = (u64::MAX, 1);
                    continue;
                }
                Asked::Yes => {}
            }
            match self.passes_over(mem, control, task) {
                Some(Skipped::OtherNodes) => found.elsewhere += 1,
                Some(_) => found.excluded += 1,
                None => {
                    found.candidates += 1;
                    let priority = oom::priority(mem, task);
                    if priority < found.priority {
                        continue;
                    }
                    let points = badness::badness(mem, task, uptime, control.nodes);
                    let is_better = match best {
                        Selection::Victim(_, most) => points > most || priority > found.priority,
                        _ => true,
                    };
                    if priority > found.priority {
                        (found.priority, found.tied) = (priority, 0);
                    }
                    found.tied += 1;
                    if is_better {
                        best = Selection::Victim(task, points);
                    }
                }
            }
        }
        (best, found)
    }
}

/// The number of who was chosen; 0 is nobody.
fn pid(mem: &Mem, selection: Selection) -> u64 {
    match selection {
        Selection::Victim(task, _) | Selection::Abort(task) => u64::from(mem[task].pid),
        Selection::None => 0,
    }
}

impl OomPolicy for Priority {
    fn name(&self) -> &'static str {
        match self.by_nodes {
            true => policy::PRIORITY_CPUSET_NAME,
            false => policy::PRIORITY_NAME,
        }
    }

    fn select(&self, mem: &mut Mem, control: &OomControl) -> Selection {
        let (selection, found) = self.search(mem, control);
        let unfiltered = match self.by_nodes {
            true => Priority { by_nodes: false }.search(mem, control).0,
            false => selection,
        };
        let Found {
            tied,
            excluded,
            elsewhere,
            ..
        } = found;
        mem[OOM].candidates = found.candidates;
        mem[OOM].skipped = found.skipped + excluded + elsewhere;
        let [tied, excluded, elsewhere] = [tied, excluded, elsewhere].map(u64::from);
        let (chosen, other) = (pid(mem, selection), pid(mem, unfiltered));
        let event = [found.priority, tied, excluded, elsewhere, chosen, other];
        mem.trace(Tracepoint::OomPriority, event);
        selection
    }

    /// The highest priority of a candidate.
    fn bar(&self, mem: &Mem, control: &OomControl) -> u64 {
        let candidates = ask::tasks(mem).filter(|&task| self.alone(mem, control, task).is_none());
        let highest = candidates.map(|task| oom::priority(mem, task)).max();
        highest.unwrap_or(0)
    }

    fn skips(&self, mem: &Mem, control: &OomControl, bar: u64, task: Ref<Task>) -> Option<Skipped> {
        let is_lower = oom::priority(mem, task) < bar;
        self.alone(mem, control, task)
            .or(is_lower.then_some(Skipped::LowerPriority))
    }

    /// Priority 0 is a promise: it holds for children of the chosen one too.
    fn protects(&self, mem: &Mem, task: Ref<Task>) -> bool {
        oom::priority(mem, task) == 0
    }
}
