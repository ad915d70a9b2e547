//! What the OOM killer would have decided if one thing had been otherwise.
//!
//! The change is a console line more, such as `renice 10 104`, put before a line of the log. From there on
//! the log runs once more, every line under the eyes of a watcher; what was decided in the log itself is
//! known from the steps in which memory ran out. Both lists are held against each other: the first pair
//! that differs is the answer, and is told in full on both sides. Two decisions are the same if they fall
//! at the same step, say the same and end the same tasks; a score alone may differ.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::NONE;
use super::rerun::RERUN_STEPS;
use crate::log;
use crate::protocol::WhatIf;
use crate::session::live::{Live, check_line};
use crate::view::oom::{OomEnd, OomMark, OomSide, OomView, OomWhatIfView};

/// Decisions that are compared.
const COMPARED_MAX: usize = 1000;
/// Candidates of a decision that is told in full.
const CANDIDATES: u32 = 10;

/// The decisions of one side, and which one of its line each is.
#[derive(Default)]
struct Side {
    marks: Vec<OomMark>,
    /// The line that it fell in, counted from the first that ran anew, and its number there.
    places: Vec<(u32, u32)>,
}

impl Side {
    /// Takes the decisions of a line. Says whether there is room for more.
    fn take(&mut self, line: u32, step: u32, view: OomView) -> bool {
        for (number, brief) in (0..).zip(view.decisions) {
            if self.marks.len() == COMPARED_MAX {
                return false;
            }
            self.marks.push(OomMark { step, brief });
            self.places.push((line, number));
        }
        view.omitted == 0
    }
}

impl Live {
    /// The first decision that would have been another one. The kernel stands where it stood afterwards.
    ///
    /// # Errors
    /// A sentence for a person: there is no such step, or the line fails there.
    pub fn oom_what_if(&mut self, what_if: &WhatIf) -> Result<OomWhatIfView, String> {
        let WhatIf { before, .. } = *what_if;
        check_line(&what_if.line)?;
        let line = log::without_returns(&what_if.line);
        let (here, end) = (self.step(), self.end());
        if !(1..=end).contains(&before) {
            return Err(format!(
                "the log has {end} lines; a change stands before one of them, not before line {before}"
            ));
        }
        let run = self.tried(before - 1, |live| live.run_changed(line, before));
        self.seek(here);
        let (reached, ended, there) = run?;
        // Where there was not room for all, those of the log that were not reached are not compared.
        let compared = if ended == OomEnd::Spent { reached } else { end };
        let here_too = self.run_as_it_was(before, compared);

        let same = here_too.marks.iter().zip(&there.marks);
        let same = same.take_while(|(one, other)| one.is_same(other)).count();
        let is_different = same < here_too.marks.len().max(there.marks.len());
        let asked = |mark: &OomMark, place: &(u32, u32)| {
            mark.step == what_if.step && place.1 == what_if.decision
        };
        let told = match is_different {
            true => same,
            // Not the change's own decision: that has no counterpart.
            false => {
                let mut all = here_too.marks.iter().zip(&here_too.places);
                all.position(|(mark, place)| asked(mark, place))
                    .unwrap_or(0)
            }
        };
        let was = here_too.marks.get(told).map(|mark| mark.step);
        let was = was.and_then(|step| {
            let number = here_too.places[told].1;
            self.oom(Some(step), number, 0, CANDIDATES)
        });
        let would = there.marks.get(told).map(|mark| mark.step);
        let would = would.map(|step| {
            let place = there.places[told];
            self.tried(before - 1, |live| {
                live.tell_changed(line, before, step, place)
            })
        });
        self.seek(here);
        Ok(OomWhatIfView {
            line: String::from_utf8_lossy(line).into_owned(),
            before,
            steps: end,
            reached,
            ended,
            same: same as u32,
            is_different,
            was: OomSide {
                marks: here_too.marks,
                told: was,
            },
            would: OomSide {
                marks: there.marks,
                told: would,
            },
        })
    }

    /// The line of a place: 0 is the change, 1 the line before which it stands.
    fn changed_line(&self, change: &[u8], before: u32, place: u32) -> Vec<u8> {
        match place.checked_sub(1) {
            None => change.to_vec(),
            Some(later) => {
                let index = before - 1 + later;
                self.lines[index as usize].bytes.clone()
            }
        }
    }

    /// Runs the change and all lines behind it: the last step that ran, why no other one did, and what was
    /// decided.
    fn run_changed(&mut self, change: &[u8], before: u32) -> Result<(u32, OomEnd, Side), String> {
        let deadline = self.spent.saturating_add(RERUN_STEPS);
        let mut side = Side::default();
        let mut has_room = true;
        for place in 0..=self.end() - before + 1 {
            let reached = before + place - 1;
            if self.kernel.is_off() {
                return Ok((reached - 1, OomEnd::Off, side));
            }
            if place > 0 && (self.spent >= deadline || !has_room) {
                return Ok((reached - 1, OomEnd::Spent, side));
            }
            let line = self.changed_line(change, before, place);
            let (view, report) = self.watch_oom(&line, 0, NONE, 0, 0);
            if place == 0 && report.status != 0 {
                let said = String::from_utf8_lossy(&report.text).trim().to_string();
                let line = String::from_utf8_lossy(change);
                return Err(format!("before line {before}, `{line}` fails: {said}"));
            }
            has_room = side.take(place, reached.max(before), view);
        }
        Ok((self.end(), OomEnd::Log, side))
    }

    /// What was decided from line `before` to line `reached` of the log.
    fn run_as_it_was(&mut self, before: u32, reached: u32) -> Side {
        let here = self.step();
        let mut side = Side::default();
        let steps: Vec<u32> = self.oom_steps(before, reached).collect();
        for step in steps {
            let line = self.lines[step as usize - 1].bytes.clone();
            let (view, _) = self.tried(step - 1, |live| live.watch_oom(&line, step, NONE, 0, 0));
            if !side.take(step - before + 1, step, view) {
                break;
            }
        }
        self.seek(here);
        side
    }

    /// A decision after the change, in full.
    fn tell_changed(
        &mut self,
        change: &[u8],
        before: u32,
        step: u32,
        (line, number): (u32, u32),
    ) -> OomView {
        for place in 0..line {
            let line = self.changed_line(change, before, place);
            self.execute(&line);
        }
        let bytes = self.changed_line(change, before, line);
        self.watch_oom(&bytes, step, number, 0, CANDIDATES).0
    }
}
