//! Another line in the past, and everything after it again.
//!
//! An edit is no new thing to a kernel: it goes back to before the line and runs the new lines, as
//! if they had been typed there. What is new is that the page compares: the lines after the edit ran
//! before, so the first that reports something else is where the edit begins to matter. The lines
//! that an edit drops are kept, so that it can be taken back.

use std::rc::Rc;

use labs::protocol::Request;
use words::inquiry as say;

use super::super::{Effect, Replay, State, Work};
use crate::choices::Link;
use crate::transcript::LogLine;

/// How many edits can be taken back.
const UNDO_MAX: usize = 20;

/// What to do with the past. Steps count from 1, like the lines of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Put a line before the line of this step.
    Insert(u32, Vec<u8>),
    /// Put another line in the place of this step's.
    Change(u32, Vec<u8>),
    /// Take this step's line out.
    Delete(u32),
}

impl Edit {
    /// The step that is edited.
    pub fn step(&self) -> u32 {
        match self {
            Edit::Insert(step, _) | Edit::Change(step, _) | Edit::Delete(step) => *step,
        }
    }
}

/// Lines that an edit dropped.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dropped {
    /// How many lines stand before them.
    base: usize,
    lines: Vec<Rc<LogLine>>,
}

/// An edit that was made, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewrite {
    /// What was done; `None` when an edit was taken back.
    pub edit: Option<Edit>,
    /// How many lines stand before the edit.
    base: usize,
    /// The lines as they were, from `base` on.
    old: Vec<Rc<LogLine>>,
    /// Events that had been emitted before them.
    old_events: u64,
    /// How many lines have to run.
    pub lines: usize,
    /// How many of them have.
    pub done: usize,
    /// The first step after the edit that did something else than before, and what that is.
    pub differs: Option<(u32, &'static str)>,
}

impl Rewrite {
    /// All lines have run.
    pub fn is_done(&self) -> bool {
        self.done >= self.lines
    }

    /// The line that did before what the line of `step` does now: its place in `old`.
    fn counterpart(&self, step: usize) -> Option<usize> {
        let place = step.checked_sub(self.base + 1)?;
        match self.edit.as_ref()? {
            Edit::Insert(..) => place.checked_sub(1),
            // The edited line itself is meant to do something else.
            Edit::Change(..) => (place > 0).then_some(place),
            Edit::Delete(..) => Some(place + 1),
        }
    }

    /// Takes the line of `step`, which has just run; `events_before` had been emitted before it.
    fn ran(&mut self, step: usize, line: &LogLine, events_before: u64) {
        self.done += 1;
        let Some(place) = self.counterpart(step) else {
            return;
        };
        let Some(old) = self.old.get(place).filter(|_| self.differs.is_none()) else {
            return;
        };
        let events_then = match place.checked_sub(1) {
            Some(before) => self.old[before].report.events,
            None => self.old_events,
        };
        let (new, old) = (&line.report, &old.report);
        let what = if new.text != old.text {
            say::prints_other()
        } else if new.status != old.status {
            say::ends_other()
        } else if new.events.wrapping_sub(events_before) != old.events.wrapping_sub(events_then) {
            say::emits_other()
        } else {
            return;
        };
        self.differs = Some((step as u32, what));
    }
}

impl super::Inquiry {
    /// Of the lines that an edit set running, only this many more will run.
    pub(crate) fn cut_short(&mut self, more: usize) {
        if let Some(rewrite) = self.rewrite.as_mut().filter(|rewrite| !rewrite.is_done()) {
            let rewrite = Rc::make_mut(rewrite);
            rewrite.lines = rewrite.lines.min(rewrite.done + more);
        }
    }
}

impl State {
    /// Whether lines of the past can be changed now.
    pub fn can_edit(&self) -> bool {
        self.link == Link::Live
            && !self.is_running()
            && self.replaying().is_none()
            && self.takes_no_lines().is_none()
    }

    pub(super) fn edit(&mut self, edit: Edit, effects: &mut Vec<Effect>) {
        let Some(base) = (edit.step() as usize).checked_sub(1) else {
            return;
        };
        if base >= self.log.len() || !self.can_edit() {
            return;
        }
        let later = |from: usize| self.log[from..].iter().map(|line| line.line.clone());
        let lines: Vec<Vec<u8>> = match &edit {
            Edit::Insert(_, line) => [line.clone()].into_iter().chain(later(base)).collect(),
            Edit::Change(_, line) => [line.clone()].into_iter().chain(later(base + 1)).collect(),
            Edit::Delete(_) => later(base + 1).collect(),
        };
        let dropped = self.log[base..].to_vec();
        if self.inquiry.undo.len() == UNDO_MAX {
            self.inquiry.undo.remove(0);
        }
        self.inquiry.undo.push(Dropped {
            base,
            lines: dropped.clone(),
        });
        self.rewrite_from(base, Some(edit), dropped, lines, effects);
    }

    pub(super) fn undo(&mut self, effects: &mut Vec<Effect>) {
        if !self.can_edit() {
            return;
        }
        let Some(dropped) = self.inquiry.undo.pop() else {
            return;
        };
        self.oom.asked.adopted = None;
        // The log may have become shorter by other means; what is left then gets the lines.
        let base = dropped.base.min(self.log.len());
        let lines = dropped.lines.iter().map(|line| line.line.clone()).collect();
        self.rewrite_from(base, None, Vec::new(), lines, effects);
    }

    /// Runs `lines` in place of all after the first `base` lines.
    fn rewrite_from(
        &mut self,
        base: usize,
        edit: Option<Edit>,
        old: Vec<Rc<LogLine>>,
        lines: Vec<Vec<u8>>,
        effects: &mut Vec<Effect>,
    ) {
        self.inquiry.play.pause();
        let old_events = self.events_after(base);
        self.inquiry.rewrite = Some(Rc::new(Rewrite {
            edit,
            base,
            old,
            old_events,
            lines: lines.len(),
            done: 0,
            differs: None,
        }));
        if lines.is_empty() {
            // A kernel drops its later lines when others run in their place, and here there are
            // none: a fresh one runs what is left.
            let lost = self.log[base..].to_vec();
            self.library_cut(base, &lost);
            self.forget_after(base);
            self.replay = Some(Replay {
                done: 0,
                then: base as u32,
                diverged: false,
            });
            self.work = Some(Work::Opening);
            effects.push(Effect::Send(Request::Open {
                header: self.header.clone(),
            }));
            return;
        }
        self.seek_to = (self.kernel.step as usize != base).then_some(base as u32);
        self.pending = lines.into();
    }

    /// The line of `step` has run for the first time.
    pub(crate) fn line_ran(&mut self, step: usize) {
        if let Some(search) = &mut self.inquiry.search {
            Rc::make_mut(search).stop(say::log_changed());
        }
        self.oom.asked.log_changed();
        let Some(rewrite) = &mut self.inquiry.rewrite else {
            return;
        };
        if rewrite.is_done() {
            self.oom.asked.adopted = None;
            return;
        }
        let line = &self.log[step - 1];
        let events_before = match step.checked_sub(2) {
            Some(before) => self.log[before].report.events,
            None => rewrite.old_events,
        };
        let rewrite = Rc::make_mut(rewrite);
        rewrite.ran(step, line, events_before);
        if rewrite.is_done()
            && let Some(edit) = &rewrite.edit
        {
            // Back to where the student is.
            let step = edit.step();
            let shown = self.oom.asked.adopted_at(step).unwrap_or(step);
            self.seek_to = Some(shown.min(self.log.len() as u32));
        }
    }
}
