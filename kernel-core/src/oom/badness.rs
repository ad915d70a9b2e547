//! A task's score: how much its end would give back, and how much would be lost with it
//! (specs/memory.md 4.1; `badness` of 2.6.28).
//!
//! Whoever is large is worth killing; whoever has worked for long, or runs for a long time, has done
//! something useful, so its score is divided; whoever asked for low priority matters less, root's and
//! those who drive hardware matter more. Last, `oom_adj` shifts the score by as many bits. All divisions
//! cut, and so do the roots: little time changes nothing.
//!
//! One function computes the score and tells each step to whoever listens: what is killed by and what is
//! shown are the same.

use super::OomControl;
use crate::mem::{Mem, Ref};
use crate::task::cred::Capability;
use crate::task::time::NSEC_PER_SEC;
use crate::task::{PF_SWAPOFF, TASK, Task, children};

/// `oom_adj` that forbids killing. A score knows nothing of it; selection and killing do.
pub const OOM_DISABLE: i32 = -17;
/// The smallest other `oom_adj`.
pub const OOM_ADJUST_MIN: i32 = -16;
/// The largest.
pub const OOM_ADJUST_MAX: i32 = 15;

/// What may change a score, in the order in which it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum FactorRule {
    /// The pages of its address space are the score to begin with (2); the operand.
    TotalVm = 0,
    /// It switches swap off, which can't go on without memory (3): the largest score there is.
    Swapoff = 1,
    /// Half of each child's pages and one more, if the child has memory of its own (4). The operand is
    /// the number of such children.
    Children = 2,
    /// Divided by the root of its CPU time in units of 8 to 10 seconds (5, 6).
    CpuTime = 3,
    /// Divided by the fourth root of its age in units of 1024 seconds (5, 7).
    RunTime = 4,
    /// Doubled if it is nice (8).
    Nice = 5,
    /// A quarter for whoever may administer or exceed limits (9).
    Superuser = 6,
    /// Another quarter for whoever drives hardware (10).
    RawIo = 7,
    /// An eighth if its memory is elsewhere (11). The operand is the set of nodes that it may use.
    Nodes = 8,
    /// Shifted by `oom_adj` (12), which the operand is: to the left, then by at least 1, or to the right.
    OomAdj = 9,
}

/// One step of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factor {
    /// By which rule.
    pub rule: FactorRule,
    /// The score before.
    pub before: u64,
    /// And after.
    pub after: u64,
    /// With what: a divisor, a factor, or what the rule says. A negative number is sign-extended.
    pub operand: u64,
}

/// Steps that a score takes at most.
pub const FACTORS_MAX: usize = 10;

/// A score with its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    /// The score.
    pub points: u64,
    /// Room for the steps; see [`Explained::factors`].
    steps: [Factor; FACTORS_MAX],
    length: usize,
}

impl Explained {
    /// The steps that apply to the task, in their order. One with equal scores before and after was cut
    /// off, or divided by 1.
    pub fn factors(&self) -> &[Factor] {
        &self.steps[..self.length]
    }
}

/// Seconds since boot: what `badness` takes as `uptime`.
pub fn uptime(mem: &Mem) -> u64 {
    mem[TASK].now / NSEC_PER_SEC
}

/// A task's score at `uptime` seconds since boot, if a page is missing on `nodes`, a bit each.
pub fn badness(mem: &Mem, task: Ref<Task>, uptime: u64, nodes: u32) -> u64 {
    weigh(mem, task, uptime, nodes, |_| {})
}

/// A task's score now, with its steps, as a decision about `control` sees it.
pub fn explain(mem: &Mem, task: Ref<Task>, control: &OomControl) -> Explained {
    let none = Factor {
        rule: FactorRule::TotalVm,
        before: 0,
        after: 0,
        operand: 0,
    };
    let mut explained = Explained {
        points: 0,
        steps: [none; FACTORS_MAX],
        length: 0,
    };
    explained.points = weigh(mem, task, uptime(mem), control.nodes, |factor| {
        explained.steps[explained.length] = factor;
        explained.length += 1;
    });
    explained
}

/// A score that is being worked out.
struct Score<F> {
    points: u64,
    tell: F,
}

impl<F: FnMut(Factor)> Score<F> {
    fn becomes(&mut self, rule: FactorRule, operand: u64, after: u64) {
        let before = core::mem::replace(&mut self.points, after);
        (self.tell)(Factor {
            rule,
            before,
            after,
            operand,
        });
    }

    fn divide(&mut self, rule: FactorRule, divisor: u64) {
        if divisor != 0 {
            self.becomes(rule, divisor, self.points / divisor);
        }
    }
}

/// Works a score out, in the order of the specification, and tells each step that applies.
#[inline(always)]
fn weigh(mem: &Mem, task: Ref<Task>, uptime: u64, nodes: u32, tell: impl FnMut(Factor)) -> u64 {
    let Task {
        mm,
        flags,
        cred,
        mems_allowed,
        oom_adj,
        ..
    } = mem[task];
    if mm.is_null() {
        return 0;
    }
    let mut score = Score { points: 0, tell };
    let pages = u64::from(mem[mm].total_vm);
    score.becomes(FactorRule::TotalVm, pages, pages);
    if flags & PF_SWAPOFF != 0 {
        score.becomes(FactorRule::Swapoff, 0, u64::MAX);
        return u64::MAX;
    }
    let mut count = 0;
    let mut share = 0;
    for child in children(mem, task) {
        let other = mem[child].mm;
        if !other.is_null() && other != mm {
            count += 1;
            share += child_share(mem[other].total_vm);
        }
    }
    if count > 0 {
        score.becomes(FactorRule::Children, count, score.points + share);
    }
    score.divide(FactorRule::CpuTime, cpu_root(mem, task));
    score.divide(FactorRule::RunTime, run_root(mem, task, uptime));
    if mem[task].nice() > 0 {
        score.becomes(FactorRule::Nice, 2, score.points * 2);
    }
    if cred.has(Capability::SysAdmin) || cred.has(Capability::SysResource) {
        score.divide(FactorRule::Superuser, 4);
    }
    if cred.has(Capability::SysRawio) {
        score.divide(FactorRule::RawIo, 4);
    }
    if mems_allowed & nodes == 0 {
        score.becomes(FactorRule::Nodes, mems_allowed.into(), score.points / 8);
    }
    if oom_adj != 0 {
        let operand = i64::from(oom_adj) as u64;
        score.becomes(FactorRule::OomAdj, operand, shift(score.points, oom_adj));
    }
    score.points
}

/// What a child with so many pages adds to its parent's score.
pub(super) fn child_share(total_vm: u32) -> u64 {
    u64::from(total_vm / 2) + 1
}

/// A score shifted by an `oom_adj`.
pub(super) fn shift(points: u64, oom_adj: i32) -> u64 {
    match oom_adj {
        0 => points,
        1.. => points.max(1) << oom_adj,
        _ => points >> -oom_adj,
    }
}

/// The root of a task's CPU time, which its score is divided by; 0 if it is not.
pub(super) fn cpu_root(mem: &Mem, task: Ref<Task>) -> u64 {
    let Task { utime, stime, .. } = mem[task];
    ((utime + stime) / cpu_unit(mem)).isqrt()
}

/// The nanoseconds in a unit of CPU time, some eight seconds: `1 << (SHIFT_HZ + 3)` jiffies.
pub(super) fn cpu_unit(mem: &Mem) -> u64 {
    let hz = mem[TASK].hz;
    (NSEC_PER_SEC / u64::from(hz)) << (shift_hz(hz) + 3)
}

/// The fourth root of a task's age, which its score is divided by; 0 if it is not.
pub(super) fn run_root(mem: &Mem, task: Ref<Task>, uptime: u64) -> u64 {
    run_root_since(start_second(mem, task), uptime)
}

/// The same of one that began in that second.
pub(super) fn run_root_since(start: i64, uptime: u64) -> u64 {
    let age = (uptime as i64).saturating_sub(start).max(0) as u64;
    (age >> 10).isqrt().isqrt()
}

/// The second since boot in which a task began. A staged one may have begun before.
pub(super) fn start_second(mem: &Mem, task: Ref<Task>) -> i64 {
    (mem[task].start_time as i64).div_euclid(NSEC_PER_SEC as i64)
}

/// The power of two that stands for `HZ` where dividing is too dear (`SHIFT_HZ`): 7 for 100, 8 for 250,
/// 10 for 1000.
fn shift_hz(hz: u32) -> u32 {
    (hz * 4 / 3).max(1).ilog2()
}
