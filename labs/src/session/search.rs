//! Searches backwards: who last wrote an object, and when did something become true.
//!
//! Who wrote an object is read off the checkpoints as far as they go: where none of its frames was
//! copied, nothing wrote to it, and the whole stretch is passed over. Within a stretch the lines are
//! run, and the bytes compared after each. What became true is asked by probing a line after every
//! step, see `walk.rs`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::{ControlFlow, RangeInclusive};

use kernel_core::mem::{FRAME_SIZE, UNIT, UNITS_PER_FRAME};

use super::live::{Live, check_line};
use crate::check::contains;
use crate::protocol::Goal;

/// Bytes that an object may have to be searched for: more than a slab of the highest order.
const OBJECT_MAX: u32 = 8 << 20;

/// Where a search stands, as [`crate::protocol::Response::Searched`] says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub found: Option<u32>,
    pub reached: u32,
}

impl Found {
    fn at(step: u32) -> Found {
        Found {
            found: Some(step),
            reached: step.saturating_sub(1),
        }
    }

    fn nothing_after(reached: u32) -> Found {
        Found {
            found: None,
            reached,
        }
    }
}

/// A stretch of memory that is searched for.
struct Object {
    /// Its first byte.
    first: usize,
    bytes: usize,
}

impl Object {
    fn frames(&self) -> RangeInclusive<u32> {
        let last = (self.first + self.bytes - 1) / FRAME_SIZE;
        (self.first / FRAME_SIZE) as u32..=last as u32
    }

    /// What it holds in a memory of these frames; `None`: zeroes.
    fn read<'a>(&self, frame: impl Fn(u32) -> Option<&'a [u8; FRAME_SIZE]>) -> Vec<u8> {
        let mut content = Vec::with_capacity(self.bytes);
        for number in self.frames() {
            let start = number as usize * FRAME_SIZE;
            let from = self.first.max(start) - start;
            let to = (self.first + self.bytes - start).min(FRAME_SIZE);
            match frame(number) {
                Some(frame) => content.extend_from_slice(&frame[from..to]),
                None => content.resize(content.len() + to - from, 0),
            }
        }
        content
    }
}

impl Live {
    /// Searches for a step up to `before`, for about `budget` kernel steps. The kernel stands where
    /// it stood afterwards.
    ///
    /// # Errors
    /// A sentence for a person: there is no such object or line.
    pub fn search(&mut self, goal: &Goal, before: u32, budget: u64) -> Result<Found, String> {
        let (here, before) = (self.step(), before.min(self.end()));
        let found = match goal {
            Goal::Changed { object, bytes } => {
                let object = self.object(*object, *bytes)?;
                self.last_change(&object, before, budget)
            }
            Goal::Became { line, prints } => {
                check_line(line)?;
                self.became_true(line, prints, before, budget)
            }
        };
        self.seek(here);
        Ok(found)
    }

    fn object(&self, at: u32, bytes: u32) -> Result<Object, String> {
        let units = bytes.div_ceil(UNIT as u32);
        let end = at.checked_add(units);
        let inside = end.is_some_and(|end| end <= self.kernel.mem.frames() * UNITS_PER_FRAME);
        if bytes == 0 || bytes > OBJECT_MAX || !inside {
            return Err(format!("there is no object of {bytes} bytes at {at:#x}"));
        }
        Ok(Object {
            first: at as usize * UNIT,
            bytes: bytes as usize,
        })
    }

    /// The last step up to `before` whose line changed the object; 0 if only the boot wrote it.
    fn last_change(&mut self, object: &Object, before: u32, budget: u64) -> Found {
        let deadline = self.spent.saturating_add(budget);
        let mut low = self.checkpoints.before(before);
        let mut high = before;
        loop {
            if let Some(step) = self.change_between(object, low, high) {
                return Found::at(step);
            }
            high = low;
            // A checkpoint that was merged meanwhile is none any more; its lines are run again then.
            if self.checkpoints.before(high) == high {
                let copied = object
                    .frames()
                    .filter_map(|frame| self.checkpoints.last_copy(frame, high));
                high = copied.max().unwrap_or(0);
            }
            if high == 0 {
                let boot = object.read(|frame| self.checkpoints.content(frame, 0));
                return Found {
                    found: boot.iter().any(|&byte| byte != 0).then_some(0),
                    reached: 0,
                };
            }
            if self.spent >= deadline && high < before {
                return Found::nothing_after(high);
            }
            low = self.checkpoints.before(high - 1);
        }
    }

    /// The last step after `low` and up to `high` whose line changed the object.
    fn change_between(&mut self, object: &Object, low: u32, high: u32) -> Option<u32> {
        self.seek(low);
        let mut last = None;
        let mut content = self.read(object);
        while self.step() < high {
            self.seek(self.step() + 1);
            let now = self.read(object);
            if now != content {
                last = Some(self.step());
                content = now;
            }
        }
        last
    }

    fn read(&self, object: &Object) -> Vec<u8> {
        let ram = self.kernel.mem.ram();
        object.read(|frame| Some(ram.frame(frame)))
    }

    /// The last step up to `before` after which the line succeeds and before which it did not; 0 if
    /// it did from the boot on.
    fn became_true(&mut self, line: &[u8], prints: &[u8], before: u32, budget: u64) -> Found {
        let mut later = false;
        let mut found = None;
        let reached = self.walk_back(
            before,
            0,
            budget,
            &mut |live| live.succeeds(line, prints),
            &mut |step, held| {
                if later && !held {
                    found = Some(step + 1);
                } else if held && step == 0 {
                    found = Some(0);
                }
                later = held;
                match found {
                    Some(_) => ControlFlow::Break(()),
                    None => ControlFlow::Continue(()),
                }
            },
        );
        match found {
            Some(step) => Found::at(step),
            None => Found::nothing_after(reached),
        }
    }

    /// Whether a line succeeds here and prints what it should.
    fn succeeds(&mut self, line: &[u8], prints: &[u8]) -> bool {
        self.probe(line)
            .is_ok_and(|report| report.status == 0 && contains(&report.text, prints))
    }
}
