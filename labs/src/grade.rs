//! Grades: a pure function of a submission, the student's variant and the lab's version.
//!
//! A submission is a log. The grader replays it on a kernel of its own and trusts nothing that the
//! client says: a score that comes along must be what the replay gives, a seal must not be broken,
//! and the log must be of this lab, in this version, with this student's numbers. Limits are counted
//! in kernel steps and frames, never in seconds, so that a grade is the same on every machine.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::lab::Verdict;
use crate::log::LabTag;

/// A grade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grade {
    /// The lab, its version, and the variant that was graded.
    pub lab: LabTag,
    /// Points reached.
    pub score: u32,
    /// Points that could be reached.
    pub max: u32,
    /// Lines in the submission.
    pub steps: u32,
    /// Trace events after the last line.
    pub events: u64,
    /// The hash chain after the last line.
    pub chain: u64,
    /// What each check found, in the lab's order.
    pub verdicts: Vec<Verdict>,
}

/// Why a submission is not graded. Its text is a sentence for the student.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The log cannot be read, is too long, or takes too many steps.
    Unfit(String),
    /// The log says that it is for another lab.
    OtherLab {
        /// What the log names.
        named: String,
        /// The lab that it was submitted to.
        wanted: String,
    },
    /// The log was made with another version of the lab.
    OtherVersion {
        /// The log's.
        named: u32,
        /// The present one.
        wanted: u32,
    },
    /// The log was made with another student's numbers.
    OtherVariant {
        /// The log's.
        named: u32,
        /// The student's.
        wanted: u32,
    },
    /// The machine is not the lab's.
    OtherMachine {
        /// The log's.
        named: String,
        /// The lab's.
        wanted: String,
    },
    /// The log does not begin with the lab's scenario.
    OtherScenario {
        /// The first line that differs, from 1.
        step: u32,
        /// What stands there.
        found: String,
        /// What should.
        wanted: String,
    },
    /// The lines do not lead to the end that the log claims: it was edited after it ran.
    BrokenSeal {
        /// Events and chain that the log claims.
        claimed: (u64, u64),
        /// Events and chain of the replay.
        found: (u64, u64),
    },
    /// The score that came along is not what the replay gives.
    ForgedScore {
        /// The score that came along.
        claimed: u32,
        /// The replay's.
        found: u32,
    },
}

impl Refusal {
    /// A short fixed name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Unfit(_) => "unfit",
            Refusal::OtherLab { .. } => "other-lab",
            Refusal::OtherVersion { .. } => "other-version",
            Refusal::OtherVariant { .. } => "other-variant",
            Refusal::OtherMachine { .. } => "other-machine",
            Refusal::OtherScenario { .. } => "other-scenario",
            Refusal::BrokenSeal { .. } => "broken-seal",
            Refusal::ForgedScore { .. } => "forged-score",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unfit(reason) => f.write_str(reason),
            Refusal::OtherLab { named, wanted } => {
                write!(f, "this log is for the lab '{named}', not for '{wanted}'")
            }
            Refusal::OtherVersion { named, wanted } => write!(
                f,
                "this log was made with version {named} of the lab; it is now at version {wanted}: \
                 open the lab again and run the log there"
            ),
            Refusal::OtherVariant { named, wanted } => write!(
                f,
                "this log was made with the numbers of variant {named}; this student's are those \
                 of variant {wanted}"
            ),
            Refusal::OtherMachine { named, wanted } => {
                write!(
                    f,
                    "this log ran on the machine '{named}'; the lab's is '{wanted}'"
                )
            }
            Refusal::OtherScenario {
                step,
                found,
                wanted,
            } => write!(
                f,
                "the log does not begin with the lab's scenario: line {step} is '{found}', the \
                 lab's is '{wanted}'"
            ),
            Refusal::BrokenSeal { claimed, found } => write!(
                f,
                "the log was edited after it ran: it claims {} events and the chain {:016x}, its \
                 lines give {} and {:016x}",
                claimed.0, claimed.1, found.0, found.1
            ),
            Refusal::ForgedScore { claimed, found } => write!(
                f,
                "the submission claims {claimed} points; the replay gives {found}"
            ),
        }
    }
}
