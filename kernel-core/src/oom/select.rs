//! Looking for the worst task (specs/memory.md 4.2; `select_bad_process` of 2.6.28).
//!
//! Every thread of every process is asked, in the order of the list of processes: has it memory of its
//! own, is it init, is it one of those that the container's limit is about? One that is dying already,
//! with the right to use the reserves, ends the search: it frees more than nothing, and soon. Among the
//! rest the highest score wins, and of equal ones the first. The first candidate is chosen whatever its
//! score: somebody has to go.
//!
//! 2.6.28 works every score out, which touches half a dozen places a task. Here what a score is made of
//! stands side by side ([`super::weights`]), so one pass over that finds the highest bound, and one task
//! is asked: if its score is its bound, nobody can have more. If it is not, since it has had more CPU time
//! than the table tells (six days), a second pass asks those whose bound is higher than that score. No
//! task is asked twice.

use super::badness::{self, OOM_DISABLE};
use super::weights::{self, CHUNKS, Shifts, Weight};
use super::{OOM, OomControl, Selection, Skipped};
use crate::container::memory;
use crate::mem::{Mem, Ref};
use crate::task::{PF_EXITING, TASK, Task, Tif, current, processes, threads};

/// Why a task is no candidate whatever its score; the order of the questions is 2.6.28's, but for the
/// last, which comes behind those for somebody who is dying.
pub fn skipped(mem: &Mem, control: &OomControl, task: Ref<Task>) -> Option<Skipped> {
    not_asked(mem, control, task).or_else(|| spared(mem, task))
}

/// The questions behind those for somebody who is dying.
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
    let mut counts = Counts::default();
    // Whoever runs is charged when it stops.
    weights::note_time(mem, current(mem));
    let selection = match control.memcg.is_null() {
        true => by_weight(mem, control, &mut counts),
        false => one_by_one(mem, control, &mut counts),
    };
    mem[OOM].candidates = counts.candidates;
    mem[OOM].skipped = counts.skipped;
    selection
}

/// How many tasks were compared, and how many passed over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    candidates: u32,
    skipped: u32,
}

/// What a task is in a search.
enum Asked {
    Skipped,
    /// It ends the search.
    Dying,
    /// With its score.
    Candidate(u64),
}

/// Asks one task everything.
fn ask(mem: &Mem, control: &OomControl, task: Ref<Task>, uptime: u64) -> Asked {
    if not_asked(mem, control, task).is_some() {
        Asked::Skipped
    } else if mem[task].has(Tif::MemDie) {
        Asked::Dying
    } else if mem[task].flags & PF_EXITING != 0 {
        // It frees its memory anyway, if it gets the chance to.
        match task == current(mem) {
            true => Asked::Candidate(u64::MAX),
            false => Asked::Dying,
        }
    } else if spared(mem, task).is_some() {
        Asked::Skipped
    } else {
        Asked::Candidate(badness::badness(mem, task, uptime, control.nodes))
    }
}

/// As 2.6.28 does it.
pub(super) fn one_by_one(mem: &Mem, control: &OomControl, counts: &mut Counts) -> Selection {
    let uptime = badness::uptime(mem);
    let mut best = Selection::None;
    for task in processes(mem).flat_map(|leader| threads(mem, mem[leader].signal)) {
        match ask(mem, control, task, uptime) {
            Asked::Skipped => counts.skipped += 1,
            Asked::Dying => return Selection::Abort(task),
            Asked::Candidate(points) => {
                counts.candidates += 1;
                match best {
                    Selection::Victim(_, most) if points <= most => {}
                    _ => best = Selection::Victim(task, points),
                }
            }
        }
    }
    best
}

/// The best so far; NULL is nobody.
#[derive(Clone, Copy)]
struct Best {
    task: Ref<Task>,
    points: u64,
}

impl Best {
    const NOBODY: Best = Best {
        task: Ref::NULL,
        points: 0,
    };

    /// Takes another one instead that has more points, or as many and comes first. Returns whether it did.
    fn consider(&mut self, mem: &Mem, other: Best) -> bool {
        let wins = self.task.is_null()
            || other.points > self.points
            || other.points == self.points && weights::comes_before(mem, other.task, self.task);
        if wins {
            *self = other;
        }
        wins
    }
}

/// What an age divides a score by, at least: of one of 2^n to 2^(n+1) units of 1024 seconds, by n.
const ROOTS: [u8; 32] = {
    let mut roots = [1; 32];
    let mut bits = 0;
    while bits < roots.len() {
        roots[bits] = (1_u64 << bits).isqrt().isqrt() as u8;
        bits += 1;
    }
    roots
};

/// By the table of weights.
pub(super) fn by_weight(mem: &Mem, control: &OomControl, counts: &mut Counts) -> Selection {
    let search = Search {
        mem,
        nodes: control.nodes,
        shifts: Shifts::new(control.nodes),
        uptime: badness::uptime(mem),
    };
    let (highest, mut best) = match search.highest_bound(control, counts) {
        Ok(found) => found,
        Err(dying) => return Selection::Abort(dying),
    };
    if !highest.task.is_null() {
        let asked = Best {
            points: search.badness(highest.task),
            ..highest
        };
        best.consider(mem, asked);
        if asked.points < highest.points {
            search.ask_higher(&mut best, asked.task);
        }
    }
    match best.task.is_null() {
        true => Selection::None,
        false => Selection::Victim(best.task, best.points),
    }
}

/// What a pass over the table needs.
struct Search<'a> {
    mem: &'a Mem,
    nodes: u32,
    shifts: Shifts,
    uptime: u64,
}

impl Search<'_> {
    fn badness(&self, task: Ref<Task>) -> u64 {
        badness::badness(self.mem, task, self.uptime, self.nodes)
    }

    /// All weights in their order.
    fn for_each<E>(&self, mut each: impl FnMut(&Weight) -> Result<(), E>) -> Result<(), E> {
        let mut chunk = CHUNKS;
        while !chunk.is_null() {
            weights::weights(self.mem, chunk)
                .iter()
                .try_for_each(&mut each)?;
            chunk = self.mem[chunk].next;
        }
        Ok(())
    }

    /// What a task's age divides its score by, at least.
    #[inline(always)]
    fn run_root(&self, weight: &Weight) -> u64 {
        let age = self.uptime as i64 - i64::from(weight.start);
        let units = (age.max(0) >> 10).min(u32::MAX.into()) as u32;
        u64::from(ROOTS[(units | 1).ilog2() as usize])
    }

    /// The bound of a candidate's score, if it is `least` or more.
    #[inline(always)]
    fn bound(&self, weight: &Weight, least: u64) -> Option<u64> {
        // Multiplied out, nothing is divided for those who are far from it. What is shifted to the left
        // is 1 at least before.
        let undivided = self.shifts.undivided(weight);
        let is_less = |enough: u64| {
            undivided < enough && (weight.oom_adj() <= 0 || 1 << weight.oom_adj() < least)
        };
        let cpu_root = weight.cpu_root();
        // Neither root has more than 8 bits, so below this nothing overflows: whether a product does costs
        // WebAssembly four multiplications. Who is passed by for less is far from `least`, too.
        let enough = least.min(u64::MAX >> 16) * cpu_root;
        if is_less(enough) || is_less(enough * self.run_root(weight)) {
            return None;
        }
        // Of the young it is known.
        let run_root = match self.run_root(weight) {
            1 => 1,
            _ => badness::run_root_since(weight.start.into(), self.uptime),
        };
        let bound = weight.score(cpu_root, run_root, self.nodes);
        (bound >= least).then_some(bound)
    }

    /// The first of those with the highest bound, and the best of those that had to be asked because
    /// something about them is unusual.
    ///
    /// # Errors
    /// Who is dying already.
    fn highest_bound(
        &self,
        control: &OomControl,
        counts: &mut Counts,
    ) -> Result<(Best, Best), Ref<Task>> {
        let mut highest = Best::NOBODY;
        let mut asked = Best::NOBODY;
        self.for_each(|weight| {
            if weight.is(Weight::OUT | Weight::LOOK) {
                if weight.task.is_null() {
                    return Ok(());
                }
                if weight.is(Weight::OUT) {
                    counts.skipped += 1;
                    return Ok(());
                }
                match ask(self.mem, control, weight.task, self.uptime) {
                    Asked::Skipped => counts.skipped += 1,
                    Asked::Dying => return Err(weight.task),
                    Asked::Candidate(points) => {
                        counts.candidates += 1;
                        let task = weight.task;
                        asked.consider(self.mem, Best { task, points });
                    }
                }
                return Ok(());
            }
            if weight.oom_adj() == OOM_DISABLE {
                counts.skipped += 1;
                return Ok(());
            }
            counts.candidates += 1;
            // Who comes later has to have more; but one that stands too far behind may come first.
            let is_first = highest.task.is_null();
            let more = u64::from(!is_first && !weight.is(Weight::LATE));
            if let Some(points) = self.bound(weight, highest.points + more) {
                let task = weight.task;
                highest.consider(self.mem, Best { task, points });
            }
            Ok(())
        })?;
        Ok((highest, asked))
    }

    /// Asks everybody whose bound is higher than the best score, or as high if it may come before that;
    /// but not `asked`, which was.
    fn ask_higher(&self, best: &mut Best, asked: Ref<Task>) {
        let mut is_behind = false;
        let _ = self.for_each(|weight| {
            let is_candidate = !weight.is(Weight::OUT | Weight::LOOK);
            if is_candidate && weight.oom_adj() != OOM_DISABLE && weight.task != asked {
                let more = u64::from(is_behind && !weight.is(Weight::LATE));
                let least = best.points.saturating_add(more);
                if self.bound(weight, least).is_some() {
                    let (task, points) = (weight.task, self.badness(weight.task));
                    best.consider(self.mem, Best { task, points });
                }
            }
            is_behind |= weight.task == best.task;
            Ok::<(), ()>(())
        });
    }
}
