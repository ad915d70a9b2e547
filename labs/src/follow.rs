//! Following a live session: what its page tells, and what everybody else learns from that.
//!
//! A teacher runs lines, and a thousand students want to see what becomes of them. A session is its log, and
//! a log gives the same kernel everywhere, so nobody need be sent a picture: each student's own kernel
//! runs the lines again, and she can look at every view of it. What travels is therefore only what
//! changed in the log and which step is shown, a few dozen bytes a line, the same bytes for all.
//!
//! The page that shares publishes [`News`] over a WebSocket, one binary message each, `postcard` as in
//! [`crate::protocol`]; the server hands the very bytes on to the followers. It keeps one [`Shown`] of
//! the session, which says to late comers, and to those who could not keep up, where it stands. So the
//! publisher's and the followers' end are the same type, and [`Shown::apply`] is the meaning of a message.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::log::Heading;

/// The version of these messages, raised when one changes its meaning or layout.
pub const FOLLOW_VERSION: u32 = 1;

/// The longest log that can be followed, in bytes, newlines included.
pub const LIVE_LOG_MAX: usize = 1 << 20;

/// The longest message, in bytes: a whole log, a length for each of its lines, and the rest.
pub const NEWS_MAX: usize = 3 << 20;

/// About how many bytes of lines one message of [`Shown::parts`] holds; a longer line goes alone.
const PART_BYTES: usize = 32 << 10;

/// The longest heading that is taken.
const HEADER_MAX: usize = 4096;

/// What happened to a live session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// This is the session from its beginning; forget what was before. Each publisher begins with it, and so
    /// does what a follower gets.
    Whole {
        /// [`FOLLOW_VERSION`] of whoever wrote this.
        version: u32,
        /// The log's heading, without its seal.
        header: String,
        /// Console lines, without their newlines.
        lines: Vec<Vec<u8>>,
        /// Where the session stands.
        at: At,
    },
    /// The log's lines from `keep` on are dropped, `lines` come in their place, and this step is shown. Lines
    /// that ran keep the whole log; a jump in time brings no lines.
    Change {
        /// How many lines stay.
        keep: u32,
        /// The lines after them.
        lines: Vec<Vec<u8>>,
        /// Where the session stands.
        at: At,
    },
    /// Nobody publishes the session just now; it may go on.
    Away,
    /// The session is over.
    Ended {
        /// Why, as a sentence for a person.
        why: String,
    },
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct At {
    /// The step that is shown: how many lines of the log have run.
    pub step: u32,
    /// The kernel's hash chain at that step, where the publisher knows it. Whoever ran the same lines and has
    /// another one runs another kernel.
    pub chain: Option<u64>,
}

/// What the server tells a publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// So many follow now.
    Followers(u32),
}

/// The names of a live session, as the server gives them out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Whoever has it may follow.
    pub id: String,
    /// Whoever has it as well may publish: the first message of a publisher.
    pub key: String,
}

/// A live session as it stands: its log, and the step that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// The log's heading.
    pub header: String,
    /// Its lines.
    pub lines: Vec<Vec<u8>>,
    /// Where it stands.
    pub at: At,
    bytes: usize,
}

/// What lines take in a log.
fn bytes_of(lines: &[Vec<u8>]) -> usize {
    lines.iter().map(|line| line.len() + 1).sum()
}

/// Refuses lines that no log can hold.
fn check(lines: &[Vec<u8>]) -> Result<(), String> {
    if lines.iter().any(|line| line.contains(&b'\n')) {
        return Err("a console line holds no newline".to_string());
    }
    Ok(())
}

impl Shown {
    /// How many bytes the log's lines take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes in what happened. [`News::Away`] and [`News::Ended`] change nothing here.
    ///
    /// # Errors
    /// A sentence, if the news do not fit what is known or make too long a log; nothing changes then.
    pub fn apply(&mut self, news: &News) -> Result<(), String> {
        let (keep, lines, at) = match news {
            News::Whole { version, .. } if *version != FOLLOW_VERSION => {
                return Err(format!(
                    "the live session is of version {version}, this is {FOLLOW_VERSION}: reload the page"
                ));
            }
            News::Whole {
                header, lines, at, ..
            } => {
                if header.len() > HEADER_MAX {
                    return Err("the heading is too long".to_string());
                }
                Heading::parse(header)?;
                (0, lines, at)
            }
            News::Change { keep, lines, at } => (*keep as usize, lines, at),
            News::Away | News::Ended { .. } => return Ok(()),
        };
        let Some(dropped) = self.lines.get(keep..) else {
            let known = self.lines.len();
            return Err(format!("{keep} lines are to stay, where there are {known}"));
        };
        let bytes = self.bytes - bytes_of(dropped) + bytes_of(lines);
        let last = keep + lines.len();
        if at.step as usize > last {
            return Err(format!("step {} of {last} is shown", at.step));
        }
        if bytes > LIVE_LOG_MAX {
            return Err(format!(
                "the log has {bytes} bytes; one of at most {LIVE_LOG_MAX} can be followed"
            ));
        }
        check(lines)?;
        if let News::Whole { header, .. } = news {
            self.header.clone_from(header);
        }
        self.lines.truncate(keep);
        self.lines.extend_from_slice(lines);
        (self.at, self.bytes) = (*at, bytes);
        Ok(())
    }

    /// The session from its beginning, as messages of some `PART_BYTES` each.
    pub fn parts(&self) -> Vec<News> {
        let mut parts = Vec::new();
        let mut from = 0;
        loop {
            let mut bytes = 0;
            let fits = self.lines[from..].iter().take_while(|line| {
                bytes += line.len() + 1;
                bytes <= PART_BYTES
            });
            let to = (from + fits.count().max(1)).min(self.lines.len());
            let lines = self.lines[from..to].to_vec();
            // Before the last part, the step that is shown need not be there yet.
            let at = if to == self.lines.len() {
                self.at
            } else {
                At {
                    step: to as u32,
                    chain: None,
                }
            };
            parts.push(if from == 0 {
                News::Whole {
                    version: FOLLOW_VERSION,
                    header: self.header.clone(),
                    lines,
                    at,
                }
            } else {
                News::Change {
                    keep: from as u32,
                    lines,
                    at,
                }
            });
            from = to;
            if from == self.lines.len() {
                return parts;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::protocol::{decode, encode};

    fn at(step: u32) -> At {
        At { step, chain: None }
    }

    fn whole(lines: &[&str], step: u32) -> News {
        News::Whole {
            version: FOLLOW_VERSION,
            header: "mem=8M".to_string(),
            lines: lines.iter().map(|line| line.as_bytes().to_vec()).collect(),
            at: at(step),
        }
    }

    fn change(keep: u32, lines: &[&str], step: u32) -> News {
        News::Change {
            keep,
            lines: lines.iter().map(|line| line.as_bytes().to_vec()).collect(),
            at: at(step),
        }
    }

    #[test]
    fn lines_run_jumps_and_edits_of_the_past_are_all_changes() {
        let mut shown = Shown::default();
        for (news, lines, step) in [
            (whole(&["a", "b"], 2), "a b", 2),
            (change(2, &["c"], 3), "a b c", 3),
            (change(3, &[], 1), "a b c", 1),
            (change(1, &["x", ""], 3), "a x ", 3),
            (change(3, &[], 3), "a x ", 3),
            (News::Away, "a x ", 3),
            (whole(&[], 0), "", 0),
        ] {
            shown.apply(&news).expect("it fits");
            assert_eq!(shown.lines.join(&b' '), lines.as_bytes());
            assert_eq!(shown.at, at(step));
            assert_eq!(shown.bytes(), bytes_of(&shown.lines));
        }
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut shown = Shown::default();
        shown.apply(&whole(&["a", "b"], 1)).expect("it fits");
        let before = shown.clone();
        let long = "x".repeat(LIVE_LOG_MAX - 4);
        for (news, reason) in [
            (change(3, &[], 0), "3 lines are to stay, where there are 2"),
            (change(u32::MAX, &["c"], 0), "where there are 2"),
            (change(2, &["c"], 4), "step 4 of 3"),
            (change(2, &["c\nd"], 3), "newline"),
            (change(2, &[&long], 3), "can be followed"),
            (
                News::Whole {
                    version: 9,
                    header: String::new(),
                    lines: vec![],
                    at: at(0),
                },
                "version 9",
            ),
            (
                News::Whole {
                    version: FOLLOW_VERSION,
                    header: "mem=lots".to_string(),
                    lines: vec![],
                    at: at(0),
                },
                "lots",
            ),
        ] {
            let why = shown.apply(&news).expect_err("it does not fit");
            assert!(why.contains(reason), "{why}");
            assert_eq!(shown, before);
        }
        shown
            .apply(&change(2, &[&long[..long.len() - 1]], 0))
            .expect("the longest log");
        assert_eq!(shown.bytes(), LIVE_LOG_MAX);
    }

    #[test]
    fn parts_make_the_whole_and_are_short() {
        let mut shown = Shown::default();
        let lines: Vec<String> = (0..40)
            .map(|n| "y".repeat([1, 0, 30_000, 40_000][n % 4]))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        for lines in [&lines[..], &lines[..1], &[]] {
            shown
                .apply(&whole(lines, lines.len() as u32 / 2))
                .expect("it fits");
            let mut copy = Shown::default();
            copy.apply(&whole(&["of another session"], 1))
                .expect("it fits");
            for part in shown.parts() {
                let bytes = encode(&part);
                assert!(bytes.len() < 40_000 + 100, "{}", bytes.len());
                copy.apply(&decode(&bytes).expect("a message"))
                    .expect("it fits");
            }
            assert_eq!(copy, shown);
        }
    }
}
