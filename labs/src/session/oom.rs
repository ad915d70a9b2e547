//! Why the OOM killer chose whom it chose, during a step.
//!
//! The kernel tells as an event that memory ran out, and another one what its policy said, before
//! anything is done about it. So the step's line is run again, as a trial that is taken back, with a
//! [`Watcher`] that looks at all tasks in that moment, as the policy did, and then at what becomes of
//! those that are killed. What would happen next is told the same way: the trial is `oom trigger` then.

mod policies;
mod rerun;
mod toll;
mod what_if;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::container::memory;
use kernel_core::mem::{Gfp, Mem, Ref};
use kernel_core::oom::policy::{POLICIES, PRIORITY_CPUSET_NAME};
use kernel_core::oom::{Constraint, OOM, OomControl, has_panicked};
use kernel_core::task::{current, find_task_by_pid, time};
use kernel_core::trace::{Event, TRACE, Tap, Tracepoint};

use super::live::Live;
use super::news;
use crate::observe::{self, LowMemory};
use crate::protocol::LineReport;
use crate::view::oom::{
    OomBrief, OomConstraint, OomDecision, OomKill, OomKillWhy, OomMemory, OomMoment, OomMomentKind,
    OomRefused, OomVerdict, OomView,
};

/// Decisions of a step that are listed.
const LISTED_MAX: usize = 1000;
/// Candidates of a view, and tasks that were passed over, at most.
const TASKS_MAX: u32 = 1024;

/// Moments before a decision that are told.
const MOMENTS_MAX: usize = 20;
/// No decision of a line has this number: none is told in full.
const NONE: u32 = u32::MAX;

/// Gathers the decisions.
struct Watcher {
    /// Number of the next event to read.
    next: u64,
    /// The decision that is to be told in full, as a place in the list, and which part of it.
    wanted: u32,
    from: u32,
    max: u32,
    /// Memory when the line began.
    before: OomMemory,
    /// What the latest decision is about.
    asked: Option<Asked>,
    /// Whom priorities would choose if nodes did not count; 0 for nobody.
    unfiltered: u32,
    /// What a low-memory killer has found.
    low: Option<LowMemory>,
    /// What has happened since the latest decision that may lead to the next one.
    warnings: Vec<OomMoment>,
    view: OomView,
    /// The address spaces of the killed ones of the shown decision that are still there.
    leaving: Vec<u32>,
}

/// What a decision is about.
struct Asked {
    control: OomControl,
    policy: usize,
    /// The policy has spoken.
    is_decided: bool,
}

impl Tap for Watcher {
    fn catch_up(&mut self, mem: &Mem) {
        for event in news(mem, &mut self.next) {
            self.see(mem, &event);
        }
    }
}

impl Watcher {
    fn new(mem: &Mem, wanted: u32, from: u32, max: u32) -> Watcher {
        Watcher {
            next: mem[TRACE].events,
            wanted,
            from,
            max: max.min(TASKS_MAX),
            before: observe::oom_memory(mem),
            asked: None,
            unfiltered: 0,
            low: None,
            warnings: Vec::new(),
            view: OomView::default(),
            leaving: Vec::new(),
        }
    }

    /// Whether the latest decision is the one that is told in full.
    fn is_shown(&self) -> bool {
        self.view.decisions.len() as u64 == u64::from(self.wanted) + 1 && self.view.omitted == 0
    }

    fn see(&mut self, mem: &Mem, event: &Event) {
        let mut args = [0; 6];
        args[..event.args().len()].copy_from_slice(event.args());
        match event.tracepoint {
            Tracepoint::OomInvoke => {
                self.invoke(mem, event.number, args);
                self.happen(mem, OomMomentKind::Asked, || observe::sentence(mem, event));
            }
            Tracepoint::OomPriority => self.unfiltered = args[5] as u32,
            Tracepoint::OomSelect => self.select(mem, args),
            Tracepoint::MemNotify if args[1] == 1 => self.warn(mem, event, OomMomentKind::Told),
            Tracepoint::OomNotify => {
                let kind = match args[2] {
                    2 => OomMomentKind::TimeUp,
                    _ => OomMomentKind::Told,
                };
                self.warn(mem, event, kind);
            }
            Tracepoint::LowmemShrink => {
                self.warn(mem, event, OomMomentKind::Low);
                let [min_adj, threshold, free, file, ..] = args.map(|arg| arg as u32);
                self.low = Some(LowMemory {
                    min_adj: min_adj as i32,
                    threshold,
                    free,
                    file,
                });
            }
            Tracepoint::KmemCacheFree if !self.leaving.is_empty() => self.free(mem, args[1] as u32),
            Tracepoint::MarkVictim => {
                self.mark(mem, event.number, args);
                self.happen(mem, OomMomentKind::Killed, || observe::sentence(mem, event));
            }
            Tracepoint::OomKillRefused if self.is_shown() => {
                let task = observe::oom_task_of(mem, args[0] as u32);
                let why = observe::oom_refusal(args[2]).to_string();
                self.view.decision.refused.push(OomRefused { task, why });
            }
            _ => {}
        }
    }

    /// Somebody is told, or might be. Of the same thing again and again the last time counts.
    fn warn(&mut self, mem: &Mem, event: &Event, kind: OomMomentKind) {
        if self.wanted == NONE {
            return;
        }
        let is_again = self.warnings.last().is_some_and(|last| last.kind == kind);
        if is_again && kind == OomMomentKind::Low || self.warnings.len() == MOMENTS_MAX {
            self.warnings.pop();
        }
        self.warnings.push(OomMoment {
            at_ns: time::now(mem),
            kind,
            text: observe::sentence(mem, event),
        });
    }

    /// Something happens with the decision that is told in full.
    fn happen(&mut self, mem: &Mem, kind: OomMomentKind, text: impl FnOnce() -> String) {
        if self.is_shown() && self.view.decision.moments.len() < 2 * MOMENTS_MAX {
            self.view.decision.moments.push(OomMoment {
                at_ns: time::now(mem),
                kind,
                text: text(),
            });
        }
    }

    /// Who asked for the memory was to be killed, and could not be: nothing was decided.
    fn forget_vain(&mut self, mem: &Mem) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        let last = self.view.decisions.last();
        let is_vain = last.is_some_and(|last| last.killed.is_empty());
        if is_vain && !asked.is_decided && !has_panicked(mem) && self.view.omitted == 0 {
            self.view.decisions.pop();
        }
    }

    /// A decision begins.
    fn begin(&mut self, mem: &Mem, event: u64) {
        if self.view.decisions.len() == LISTED_MAX {
            self.view.omitted += 1;
            return;
        }
        self.view.decisions.push(OomBrief {
            event,
            at_ns: time::now(mem),
            ..OomBrief::default()
        });
        let warnings = core::mem::take(&mut self.warnings);
        if self.is_shown() {
            self.leaving.clear();
            self.view.decision = OomDecision {
                before: self.before,
                during: observe::oom_memory(mem),
                moments: warnings,
                groups: observe::oom_groups(mem),
                ..OomDecision::default()
            };
        }
    }

    fn invoke(&mut self, mem: &Mem, event: u64, args: [u64; 6]) {
        let [pid, gfp, order, constraint, nodes, policy] = args.map(|arg| arg as u32);
        let asker = find_task_by_pid(mem, pid).unwrap_or(current(mem));
        let (constraint, in_words) = match constraint {
            1 => (Constraint::Cpuset, OomConstraint::Cpuset),
            2 => (Constraint::MemoryPolicy, OomConstraint::MemoryPolicy),
            3 => (Constraint::Memcg, OomConstraint::Container),
            _ => (Constraint::None, OomConstraint::Machine),
        };
        let memcg = match constraint {
            Constraint::Memcg => memory::payer(mem, asker),
            _ => Ref::NULL,
        };
        let control = OomControl {
            gfp: Gfp(gfp),
            order,
            nodes,
            constraint,
            memcg,
        };
        self.forget_vain(mem);
        self.asked = Some(Asked {
            control,
            policy: policy as usize,
            is_decided: false,
        });
        self.begin(mem, event);
        if self.is_shown() {
            let decision = &mut self.view.decision;
            decision.asker = observe::oom_task(mem, asker);
            decision.gfp = Gfp(gfp).to_string();
            (decision.order, decision.nodes) = (order, nodes);
            decision.constraint = in_words;
            if !memcg.is_null() {
                decision.container = observe::container_dir(mem, mem[memcg].css.container);
            }
            decision.policy = POLICIES
                .get(policy as usize)
                .map_or("?", |policy| policy.name())
                .to_string();
        }
    }

    fn select(&mut self, mem: &Mem, args: [u64; 6]) {
        let [_, verdict, pid, points, ..] = args;
        let (pid, is_shown) = (pid as u32, self.is_shown());
        let (Some(asked), Some(brief)) = (&mut self.asked, self.view.decisions.last_mut()) else {
            return;
        };
        asked.is_decided = true;
        if self.view.omitted > 0 {
            return;
        }
        brief.verdict = match verdict {
            1 => OomVerdict::Wait,
            2 => OomVerdict::Kill,
            _ => OomVerdict::Nobody,
        };
        brief.chosen = match pid {
            0 => Default::default(),
            pid => observe::oom_task_of(mem, pid),
        };
        brief.points = points;
        if let Some(policy) = POLICIES.get(asked.policy)
            && is_shown
        {
            let decision = &mut self.view.decision;
            let (from, max) = (self.from, self.max);
            observe::weigh(mem, *policy, &asked.control, pid, from, max, decision);
            decision.rule = observe::oom_rule(mem, decision, brief);
            if policy.name() == PRIORITY_CPUSET_NAME && self.unfiltered != pid {
                let other = observe::oom_task_of(mem, self.unfiltered).words();
                let words = ["; without a look at the nodes it would have been ", &other];
                decision.rule.push_str(&words.concat());
            }
        }
        if brief.verdict == OomVerdict::Wait {
            self.forget_waiting();
        }
    }

    /// Waiting for somebody who was killed just before, or for whom one waits already, is no news.
    fn forget_waiting(&mut self) {
        if let [.., before, last] = self.view.decisions.as_slice() {
            let is_same = before.verdict == OomVerdict::Wait && before.chosen == last.chosen;
            if is_same || before.killed.iter().any(|kill| kill.task == last.chosen) {
                self.view.decisions.pop();
            }
        }
    }

    fn mark(&mut self, mem: &Mem, event: u64, args: [u64; 6]) {
        let [pid, _, why, points, pages, swapped] = args.map(|arg| arg as u32);
        let task = observe::oom_task_of(mem, pid);
        // A low-memory killer decides without being asked.
        if why == 3 {
            self.forget_vain(mem);
            self.begin(mem, event);
            if let (Some(low), true) = (self.low, self.is_shown()) {
                let (from, max) = (self.from, self.max);
                let decision = &mut self.view.decision;
                decision.asker = observe::oom_task(mem, current(mem));
                observe::weigh_low_memory(mem, low, pid, from, max, decision);
            }
        }
        let is_undecided = self.asked.as_ref().is_some_and(|asked| !asked.is_decided);
        if self.is_shown() {
            let mm = find_task_by_pid(mem, pid).map_or(Ref::NULL, |task| mem[task].mm);
            if !mm.is_null() && !self.leaving.contains(&mm.unit()) {
                self.leaving.push(mm.unit());
            }
            let decision = &mut self.view.decision;
            decision.is_over = self.leaving.is_empty();
            if is_undecided && why == 0 {
                decision.rule =
                    "it had asked for the memory itself: no policy was asked".to_string();
            }
        }
        if let Some(brief) = self.view.decisions.last_mut()
            && self.view.omitted == 0
        {
            if why == 3 || is_undecided && why == 0 {
                brief.verdict = OomVerdict::Kill;
                brief.chosen = task.clone();
                brief.points = u64::from(if why == 3 { pages } else { points });
            }
            brief.killed.push(OomKill {
                task,
                why: match why {
                    0 => OomKillWhy::Chosen,
                    1 => OomKillWhy::Child,
                    2 => OomKillWhy::Shares,
                    _ => OomKillWhy::LowMemory,
                },
                pages,
                swapped,
            });
        }
    }

    /// An object was freed: perhaps the last of what the killed ones had.
    fn free(&mut self, mem: &Mem, object: u32) {
        self.leaving.retain(|&mm| mm != object);
        if self.leaving.is_empty() {
            self.view.decision.is_over = true;
            self.view.decision.after = observe::oom_memory(mem);
            self.view.decision.moments.push(OomMoment {
                at_ns: time::now(mem),
                kind: OomMomentKind::Left,
                text: "Whoever was killed has left its memory".to_string(),
            });
        }
    }

    /// The line has run.
    fn finish(mut self, mem: &Mem, step: u32) -> OomView {
        self.forget_vain(mem);
        if !self.view.decision.is_over {
            self.view.decision.after = observe::oom_memory(mem);
        }
        self.view.step = step;
        self.view.shown = self.wanted;
        self.view
    }
}

/// Decisions since boot, tasks killed, and the end by `panic_on_oom`: it grows when memory runs out.
pub(super) fn count(mem: &Mem) -> u32 {
    mem[OOM].decisions + mem[OOM].kills + u32::from(has_panicked(mem))
}

impl Live {
    /// A decision of `step`, or of the latest step before it in which memory ran out; of `None`, what would
    /// happen if it ran out now. The last decision if there are fewer; `None` if there is none. The kernel
    /// stands where it stood afterwards.
    pub fn oom(&mut self, step: Option<u32>, wanted: u32, from: u32, max: u32) -> Option<OomView> {
        let here = self.step();
        let (step, line) = match step {
            None if self.kernel.is_off() => return None,
            None => (0, b"oom trigger".to_vec()),
            Some(step) => {
                let step = self.last_oom(step)?;
                self.seek(step - 1);
                (step, self.lines[step as usize - 1].bytes.clone())
            }
        };
        let stands = self.step();
        let mut watched = |wanted: u32| {
            self.tried(stands, |live| {
                live.watch_oom(&line, step, wanted, from, max).0
            })
        };
        let mut view = watched(wanted);
        let count = view.decisions.len() as u32;
        if count > 0 && wanted >= count {
            view = watched(count - 1);
        }
        self.seek(here);
        (!view.decisions.is_empty()).then_some(view)
    }

    /// Runs a line and tells the decisions in it, that of number `wanted` in full. It is not taken back.
    fn watch_oom(
        &mut self,
        line: &[u8],
        step: u32,
        wanted: u32,
        from: u32,
        max: u32,
    ) -> (OomView, LineReport) {
        // Switched off by `tracing_on` perhaps.
        self.kernel.mem.set_recording(true);
        let watcher = Watcher::new(&self.kernel.mem, wanted, from, max);
        let (watcher, report) = self.execute_tapped(line, watcher);
        (watcher.finish(&self.kernel.mem, step), report)
    }

    /// The latest step up to `step` in which memory ran out.
    fn last_oom(&self, step: u32) -> Option<u32> {
        self.oom_steps(1, step.min(self.end())).next_back()
    }

    /// The steps of a stretch of the log in which memory ran out.
    fn oom_steps(&self, from: u32, to: u32) -> impl DoubleEndedIterator<Item = u32> + use<'_> {
        let ooms = |step: u32| match step.checked_sub(1) {
            Some(index) => self.lines[index as usize].ooms,
            None => 0,
        };
        let steps = from.max(1)..=to;
        steps.filter(move |&step| ooms(step) > ooms(step - 1))
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests;
