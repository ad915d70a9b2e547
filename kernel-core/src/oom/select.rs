//! Looking for the worst task (specs/memory.md 4.2; `select_bad_process` of 2.6.28).
//!
//! Every thread of every process is asked, in the order of the list of processes: has it memory of its
//! own, is it init, is it one of those that the container's limit is about? One that is dying already,
//! with the right to use the reserves, ends the search: it frees more than nothing, and soon. Among the
//! rest the highest score wins, and of equal ones the first. The first candidate is chosen whatever its
//! score: somebody has to go.

use super::badness::{self, OOM_DISABLE};
use super::{OOM, OomControl, Selection, Skipped};
use crate::container::memory;
use crate::mem::{Mem, Ref};
use crate::task::{PF_EXITING, TASK, Task, Tif, current, processes, threads};

/// Why a task is no candidate whatever its score; the order of the questions is 2.6.28's, but for the
/// last, which comes behind those for somebody who is dying.
pub fn skipped(mem: &Mem, control: &OomControl, task: Ref<Task>) -> Option<Skipped> {
    not_asked(mem, control, task).or_else(|| spared(mem, task))
}

/// The questions behind them.
pub(super) fn spared(mem: &Mem, task: Ref<Task>) -> Option<Skipped> {
    if mem[task].oom_adj == OOM_DISABLE {
        Some(Skipped::Disabled)
    } else if mem[task].has(Tif::OomRefused) {
        Some(Skipped::Refused)
    } else {
        None
    }
}

/// The questions before those for somebody who is dying.
pub(super) fn not_asked(mem: &Mem, control: &OomControl, task: Ref<Task>) -> Option<Skipped> {
    if mem[task].mm.is_null() {
        Some(Skipped::NoMm)
    } else if mem[task].tgid == mem[mem[TASK].init].tgid {
        Some(Skipped::Init)
    } else if !control.memcg.is_null() && !memory::is_charged_to(mem, task, control.memcg) {
        Some(Skipped::NotMember)
    } else {
        None
    }
}

/// Chooses the task with the highest score.
pub fn select_bad_process(mem: &mut Mem, control: &OomControl) -> Selection {
    let mut counts = [0; 2];
    let selection = search(mem, control, &mut counts);
    [mem[OOM].candidates, mem[OOM].skipped] = counts;
    selection
}

fn search(mem: &Mem, control: &OomControl, counts: &mut [u32; 2]) -> Selection {
    let uptime = badness::uptime(mem);
    let mut best = Selection::None;
    for task in processes(mem).flat_map(|leader| threads(mem, mem[leader].signal)) {
        if not_asked(mem, control, task).is_some() {
            counts[1] += 1;
            continue;
        }
        if mem[task].has(Tif::MemDie) {
            return Selection::Abort(task);
        }
        if mem[task].flags & PF_EXITING != 0 {
            if task != current(mem) {
                return Selection::Abort(task);
            }
            best = Selection::Victim(task, u64::MAX);
        }
        if spared(mem, task).is_some() {
            counts[1] += 1;
            continue;
        }
        counts[0] += 1;
        let points = badness::badness(mem, task, uptime, control.nodes);
        let wins = match best {
            Selection::Victim(_, most) => points > most,
            _ => true,
        };
        if wins {
            best = Selection::Victim(task, points);
        }
    }
    best
}
