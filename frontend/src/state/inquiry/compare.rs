//! Two sessions side by side: where do they part, and in which event?
//!
//! The other log runs on a second kernel in this browser, batch by batch, and is held against the
//! reports of this session. At the first step that differs it stops; both kernels are brought to
//! that step, and their events of it are compared in turn.
//!
//! A *twin* is the same log on a machine with another allocator. The two part soon, of course; what
//! counts is how their caches stand. So the twin's kernel runs on, takes every line that this session
//! takes, and follows it through time.

use std::rc::Rc;

use labs::log::{self, Heading};
use labs::protocol::{LineReport, PROTOCOL_VERSION, Request, Response, View, ViewRequest};
use labs::view::{EventRow, EventsView, SlabView};
use words::inquiry as say;

use super::super::{Effect, State, batch};
use super::{Effect as Own, Second};

/// How many events of a step are compared. The number tells these requests from the events pane's.
pub(crate) const EVENTS_COMPARED: u32 = 4096;

/// A comparison with another log.
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    /// The other machine.
    pub header: String,
    /// The other log's lines.
    pub lines: Vec<Vec<u8>>,
    /// What those of them did that have run.
    pub reports: Vec<LineReport>,
    /// Events that the other machine emitted at boot, and the chain over them.
    boot: (u64, u64),
    /// How far it is.
    pub phase: Phase,
    /// The events of the step that differs, here and there.
    events: [Option<Rc<EventsView>>; 2],
    /// The other session is this one, on another allocator.
    pub twin: Option<Twin>,
}

/// What a twin is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Twin {
    /// The other allocator.
    pub allocator: String,
    /// The other kernel's caches, and the step at which they are so.
    pub slab: Option<(u32, Rc<SlabView>)>,
    /// The step that the other kernel shows.
    step: u32,
    /// It has not answered yet.
    is_busy: bool,
}

/// How far a comparison is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// The other kernel is starting or running.
    Running,
    /// Both did the same at every step.
    Same,
    /// They part at this step, and in this.
    Parted(u32, Part),
    /// The comparison did not come to an end, and why.
    Failed(Rc<str>),
}

/// What differs first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The lines differ.
    Line,
    /// The same line prints another text.
    Text,
    /// The same line ends with another status.
    Status,
    /// The same line does the same as far as one can read, by other events.
    Events,
    /// This session ends before the other.
    EndsHere,
    /// The other session ends before this one.
    EndsThere,
}

impl Part {
    /// The difference in words.
    pub fn words(self) -> &'static str {
        match self {
            Part::Line => say::part_line(),
            Part::Text => say::part_text(),
            Part::Status => say::part_status(),
            Part::Events => say::part_events(),
            Part::EndsHere => say::part_ends_here(),
            Part::EndsThere => say::part_ends_there(),
        }
    }
}

impl Compare {
    /// The first event that differs at the step where the sessions part, here and there; `None`
    /// while the events are on their way, or when all of them are the same.
    pub fn event(&self) -> Option<[Option<&EventRow>; 2]> {
        let [Some(ours), Some(theirs)] = &self.events else {
            return None;
        };
        // Where the lines differ, the event that tells of the line does too, and says nothing new.
        let skips = self.phase == Phase::Parted(self.parted()?, Part::Line);
        // A twin's step need not be the one that is shown, so there may be later events as well.
        let step = self.parted()?;
        let counts =
            |event: &&EventRow| event.step == step && !(skips && event.name == "console:line");
        let mut ours = ours.events.iter().filter(counts);
        let mut theirs = theirs.events.iter().filter(counts);
        let same = |a: &EventRow, b: &EventRow| (&a.name, &a.fields) == (&b.name, &b.fields);
        let events = loop {
            match [ours.next(), theirs.next()] {
                [Some(a), Some(b)] if same(a, b) => {}
                events => break events,
            }
        };
        (events != [None, None]).then_some(events)
    }

    /// The step at which the sessions part, if that is known.
    pub fn parted(&self) -> Option<u32> {
        match self.phase {
            Phase::Parted(step, _) => Some(step),
            _ => None,
        }
    }

    /// Events of the step that came before those which are compared, because there are too many.
    pub fn events_left_out(&self) -> u64 {
        let lost = |events: &Option<Rc<EventsView>>| events.as_ref().map_or(0, |it| it.lost);
        self.events.iter().map(lost).max().unwrap_or(0)
    }

    pub(super) fn our_kernel_fell(&mut self) {
        if self.phase == Phase::Running {
            self.phase = Phase::Failed(say::kernel_went().into());
        }
    }

    fn events_before(&self, step: u32) -> u64 {
        let report = (step as usize)
            .checked_sub(2)
            .and_then(|at| self.reports.get(at));
        report.map_or(self.boot.0, |report| report.events)
    }
}

/// What differs between the same line's reports.
fn part_of(ours: &LineReport, theirs: &LineReport, same_boot: bool) -> Option<Part> {
    if ours.text != theirs.text {
        Some(Part::Text)
    } else if ours.status != theirs.status {
        Some(Part::Status)
    } else if same_boot && ours.chain != theirs.chain {
        Some(Part::Events)
    } else {
        None
    }
}

impl State {
    pub(super) fn compare(&mut self, bytes: &[u8], effects: &mut Vec<Effect>) {
        let parsed = log::parse(bytes);
        let (header, phase) = match Heading::parse(parsed.header) {
            Ok(heading) => (heading.machine.to_string(), Phase::Running),
            Err(error) => (String::new(), Phase::Failed(error.into())),
        };
        self.inquiry.tab = Some(super::Tab::Compare);
        if phase == Phase::Running {
            effects.push(Effect::Inquiry(Own::OpenSecond));
        }
        self.inquiry.compare = Some(Rc::new(Compare {
            header,
            lines: parsed.lines.into_iter().map(<[u8]>::to_vec).collect(),
            reports: Vec::new(),
            boot: (0, 0),
            phase,
            events: [None, None],
            twin: None,
        }));
    }

    /// Runs this session's log on a machine with another allocator as well.
    pub(super) fn compare_twin(&mut self, allocator: String, effects: &mut Vec<Effect>) {
        let header = with_allocator(&self.header, &allocator);
        self.inquiry.tab = Some(super::Tab::Compare);
        self.stale.past = true;
        effects.push(Effect::Inquiry(Own::OpenSecond));
        self.inquiry.compare = Some(Rc::new(Compare {
            header,
            lines: Vec::new(),
            reports: Vec::new(),
            boot: (0, 0),
            phase: Phase::Running,
            events: [None, None],
            twin: Some(Twin {
                allocator,
                slab: None,
                step: 0,
                is_busy: true,
            }),
        }));
    }

    pub(super) fn second(&mut self, event: Second, effects: &mut Vec<Effect>) {
        let Some(compare) = &mut self.inquiry.compare else {
            return;
        };
        let compare = Rc::make_mut(compare);
        if let Some(twin) = &mut compare.twin {
            twin.is_busy = false;
        }
        let failed = match event {
            Second::Ready => {
                let header = compare.header.clone();
                return effects.push(second(Request::Open { header }));
            }
            Second::Failed(reason) => reason,
            Second::Answered(_, Response::Error { message }) => message,
            Second::Answered(_, Response::Opened { version, .. })
                if version != PROTOCOL_VERSION =>
            {
                say::other_protocol(version)
            }
            Second::Answered(_, Response::Opened { header, state, .. }) => {
                compare.header = header;
                compare.boot = (state.events, state.chain);
                return self.compare_on(effects);
            }
            Second::Answered(Request::Run { lines: asked }, Response::Ran { lines, state }) => {
                if let Some(twin) = &mut compare.twin {
                    twin.step = state.step;
                    twin.slab = None;
                    let ran = asked.into_iter().take(lines.len());
                    compare.lines.extend(ran);
                }
                compare.reports.extend(lines);
                return self.compare_on(effects);
            }
            Second::Answered(_, Response::State(state)) => {
                if let Some(twin) = &mut compare.twin {
                    twin.step = state.step;
                    self.twin_on(effects);
                }
                return;
            }
            Second::Answered(_, Response::View(Some(View::Slab(view)))) => {
                if let Some(twin) = &mut compare.twin {
                    twin.slab = Some((twin.step, Rc::new(view)));
                    self.twin_on(effects);
                }
                return;
            }
            Second::Answered(_, Response::View(Some(View::Events(view)))) => {
                compare.events[1] = Some(Rc::new(view));
                if compare.twin.is_some() {
                    return self.twin_on(effects);
                }
                // It has said all that was wanted of it.
                return effects.push(Effect::Inquiry(Own::CloseSecond));
            }
            Second::Answered(..) => return,
        };
        if compare.phase == Phase::Running || compare.twin.is_some() {
            compare.phase = Phase::Failed(failed.into());
        }
        effects.push(Effect::Inquiry(Own::CloseSecond));
    }

    /// The twin's kernel has nothing to do: gives it what comes next, so that it keeps up with this
    /// session's log and with the step that is shown.
    pub(crate) fn twin_on(&mut self, effects: &mut Vec<Effect>) {
        let Some(compare) = &mut self.inquiry.compare else {
            return;
        };
        let idle = compare.twin.as_ref().filter(|twin| !twin.is_busy);
        if idle.is_none() || matches!(compare.phase, Phase::Failed(_)) || self.replay.is_some() {
            return;
        }
        let compare = Rc::make_mut(compare);
        let Some(twin) = &mut compare.twin else {
            return;
        };
        if with_allocator(&self.header, &twin.allocator) != compare.header {
            compare.phase = Phase::Failed(say::other_opened().into());
            return effects.push(Effect::Inquiry(Own::CloseSecond));
        }
        // What this session has dropped, the twin drops too.
        let pairs = self.log.iter().zip(&compare.lines);
        let common = pairs.take_while(|(ours, line)| ours.line == **line).count();
        compare.lines.truncate(common);
        compare.reports.truncate(common);
        let parted = match compare.phase {
            Phase::Parted(step, _) if step as usize <= common => Some(step),
            _ => None,
        };
        let next = if common < self.log.len() {
            compare.phase = Phase::Running;
            if twin.step as usize == common {
                let later = self.log[common..].iter().map(|line| line.line.as_slice());
                Request::Run {
                    lines: batch(later),
                }
            } else {
                Request::Seek {
                    step: common as u32,
                }
            }
        } else if let Some(step) = parted.filter(|_| compare.events[1].is_none()) {
            if twin.step == step {
                Request::View(ViewRequest::Events {
                    since: compare.events_before(step),
                    max: EVENTS_COMPARED,
                })
            } else {
                Request::Seek { step }
            }
        } else if twin.step != self.kernel.step {
            Request::Seek {
                step: self.kernel.step,
            }
        } else if twin.slab.as_ref().map(|(step, _)| *step) != Some(twin.step) {
            Request::View(ViewRequest::Slab)
        } else {
            return;
        };
        if let Some(twin) = &mut compare.twin {
            twin.is_busy = true;
        }
        effects.push(second(next));
    }

    /// Holds the reports that there are against this session's, and asks for more.
    fn compare_on(&mut self, effects: &mut Vec<Effect>) {
        let Some(compare) = &mut self.inquiry.compare else {
            return;
        };
        let compare = Rc::make_mut(compare);
        // Machines that boot otherwise never meet again in their chains; what they print may be equal.
        let same_boot = self.boot.is_some_and(|boot| boot.boot == compare.boot.1);
        let boot_events = self.boot.map_or(0, |boot| boot.events);
        let differing = self.log.iter().zip(&compare.lines).zip(&compare.reports);
        let differing = differing
            .zip(1u32..)
            .find_map(|(((ours, line), theirs), step)| {
                if ours.line != *line {
                    return Some((step, Part::Line));
                }
                let mut part = part_of(&ours.report, theirs, same_boot);
                if compare.twin.is_some() && part.is_none() {
                    // Other chains from the boot on, but the same number of events, mostly.
                    let before = (step as usize).checked_sub(2);
                    let before = before.map_or(boot_events, |at| self.log[at].report.events);
                    let here = ours.report.events - before;
                    let there = theirs.events - compare.events_before(step);
                    part = (here != there).then_some(Part::Events);
                }
                part.map(|part| (step, part))
            });
        if compare.twin.is_some() {
            // The first difference stays the first, whatever runs later.
            let phase = match differing {
                Some((step, part)) => Phase::Parted(step, part),
                None if compare.reports.len() < self.log.len() => Phase::Running,
                None => Phase::Same,
            };
            if phase != compare.phase {
                compare.phase = phase;
                compare.events = [None, None];
            }
            if !self.is_busy() {
                self.ask_for_our_events(effects);
            }
            return self.twin_on(effects);
        }
        let ran = compare.reports.len();
        let end = (ran.min(self.log.len()) + 1) as u32;
        let parted = differing.or(if ran > self.log.len() {
            Some((end, Part::EndsHere))
        } else if ran == compare.lines.len() && ran < self.log.len() {
            Some((end, Part::EndsThere))
        } else {
            None
        });
        match parted {
            Some((step, part)) => {
                compare.phase = Phase::Parted(step, part);
                effects.push(second(Request::Seek { step }));
                effects.push(second(Request::View(ViewRequest::Events {
                    since: compare.events_before(step),
                    max: EVENTS_COMPARED,
                })));
                self.seek(step);
                // It may be shown already; then no answer will come to wait for.
                if !self.is_busy() {
                    self.ask_for_our_events(effects);
                }
            }
            None if ran == compare.lines.len() => {
                compare.phase = Phase::Same;
                effects.push(Effect::Inquiry(Own::CloseSecond));
            }
            None => {
                let lines = batch(compare.lines[ran..].iter().map(Vec::as_slice));
                effects.push(second(Request::Run { lines }));
            }
        }
    }

    /// Everything was answered: asks for this session's events of the step where it parts from the
    /// other, once it is shown.
    pub(crate) fn ask_for_our_events(&mut self, effects: &mut Vec<Effect>) {
        let Some(compare) = &self.inquiry.compare else {
            return;
        };
        let Phase::Parted(step, _) = compare.phase else {
            return;
        };
        let is_there = match compare.twin {
            Some(_) => self.kernel.step >= step && self.log.len() >= step as usize,
            None => self.kernel.step == step,
        };
        if compare.events[0].is_none() && is_there {
            effects.push(Effect::Send(Request::View(ViewRequest::Events {
                since: self.events_after(step as usize - 1),
                max: EVENTS_COMPARED,
            })));
        }
    }

    pub(super) fn our_events(&mut self, view: EventsView) {
        if let Some(compare) = &mut self.inquiry.compare {
            // Of a twin's step the first events are wanted; those that are too far back come once the
            // step is shown.
            let is_early = compare.twin.is_some() && compare.parted() != Some(self.kernel.step);
            if view.lost == 0 || !is_early {
                Rc::make_mut(compare).events[0] = Some(Rc::new(view));
            }
        }
    }
}

/// A machine's header with another allocator in it.
fn with_allocator(header: &str, allocator: &str) -> String {
    let words = header.split(' ').map(|word| match word.split_once('=') {
        Some(("slab", _)) => ["slab=", allocator].concat(),
        _ => word.to_string(),
    });
    words.collect::<Vec<String>>().join(" ")
}

fn second(request: Request) -> Effect {
    Effect::Inquiry(Own::SendSecond(request))
}
