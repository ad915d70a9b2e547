//! The questions that every policy asks of a task, in 2.6.28's order (specs/memory.md 4.2), and whom it
//! asks.

use super::select::{not_asked, spared};
use super::{OomControl, Skipped};
use crate::mem::{Mem, Ref};
use crate::task::{PF_EXITING, Task, Tif, current, processes, threads};

/// What a task answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It is no candidate.
    No(Skipped),
    /// It is dying, and others are to wait for what that frees.
    Dying,
    /// It is the one that asks for memory, and on its way out: it is to go on with that.
    Leaving,
    /// It is a candidate.
    Yes,
}

/// Asks a task.
pub(super) fn ask(mem: &Mem, control: &OomControl, task: Ref<Task>) -> Asked {
    if let Some(why) = not_asked(mem, control, task) {
        return Asked::No(why);
    }
    let is_leaving = mem[task].flags & PF_EXITING != 0;
    if mem[task].has(Tif::MemDie) || (is_leaving && task != current(mem)) {
        Asked::Dying
    } else if is_leaving {
        Asked::Leaving
    } else {
        spared(mem, task).map_or(Asked::Yes, Asked::No)
    }
}

/// Every thread of every process, in the order in which they are asked.
pub(super) fn tasks(mem: &Mem) -> impl Iterator<Item = Ref<Task>> + '_ {
    processes(mem).flat_map(|leader| threads(mem, mem[leader].signal))
}
