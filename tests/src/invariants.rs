//! The kernel's own invariants, after every line of random logs.
//!
//! Parity checks a kernel at the end of a log, on every host. Here kernels in this process are
//! checked after each line, which finds what a later line would have covered up, and says which
//! line it was.

use std::fmt;

use labs::log;

use crate::log_gen::{self, Lines, Subject};
use crate::shared::in_threads;
use crate::shrink::{self, Shrunk, counted};
use crate::watched::Watched;

/// How many runs a violation may cost while its log is shrunk.
const SHRINK_ATTEMPTS: u32 = 2_000;

/// How many violations are looked into before the rest is left alone.
const VIOLATIONS_MAX: usize = 5;

/// Which logs are to be run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many.
    pub logs: u64,
    /// The first log's seed; the others' follow it one by one.
    pub seed: u64,
    /// What they are about.
    pub subject: Subject,
    /// How many are run at once.
    pub threads: usize,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// What was asked for.
    pub plan: Plan,
    /// Logs whose machine booted. The others had a header that describes none.
    pub logs: u64,
    /// Lines that were run, with a check after each.
    pub lines: u64,
    /// What did not hold; nothing, one hopes.
    pub violations: Vec<Violation>,
}

/// A log after whose last line an invariant does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The shortest log found that violates something.
    pub log: Shrunk,
    /// What its last line breaks.
    pub broken: String,
}

/// How far a log went.
struct Walk {
    /// Lines that were run, the one that broke something included.
    steps: u64,
    broken: Option<String>,
}

/// Runs a log and checks everything after each line; `None` if no machine boots.
fn walk(lines: &[Vec<u8>]) -> Option<Walk> {
    let log = log_gen::join(lines);
    let log = log::parse(&log);
    let mut kernel = Watched::boot(log.header)?;
    let mut broken = kernel.check().err();
    let mut steps = 0;
    for line in log.lines {
        if broken.is_some() || kernel.is_off() {
            break;
        }
        steps += 1;
        broken = kernel.run(line).err().or_else(|| kernel.check().err());
    }
    Some(Walk { steps, broken })
}

/// Shrinks a log that breaks something.
fn investigate(seed: u64, lines: &Lines) -> Violation {
    let breaks = |lines: &[Vec<u8>]| walk(lines).and_then(|walk| walk.broken);
    let shortest = shrink::shrink(lines, SHRINK_ATTEMPTS, |some| breaks(some).is_some());
    Violation {
        broken: breaks(&shortest).unwrap_or_default(),
        log: Shrunk {
            seed,
            lines_before: lines.len(),
            lines: shortest,
        },
    }
}

/// Runs as many random logs as the plan says, a check after every line.
pub fn run(plan: Plan) -> Report {
    let (logs, seed, subject) = (plan.logs, plan.seed, plan.subject);
    let report = Report {
        plan,
        logs: 0,
        lines: 0,
        violations: Vec::new(),
    };
    in_threads(plan.threads, report, |index, report| {
        if index >= logs || report.lock().violations.len() >= VIOLATIONS_MAX {
            return false;
        }
        let seed = seed.wrapping_add(index);
        let lines = log_gen::generate_about(subject, seed);
        if let Some(walk) = walk(&lines) {
            let violation = walk.broken.map(|_| investigate(seed, &lines));
            let mut report = report.lock();
            report.logs += 1;
            report.lines += walk.steps;
            report.violations.extend(violation);
        }
        true
    })
}

impl Report {
    /// True when every invariant held after every line.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for violation in &self.violations {
            writeln!(f, "{violation}")?;
        }
        write!(
            f,
            "invariants: {} logs{}, {} lines with a check after each, {}, seed {}",
            self.logs,
            self.plan.subject.suffix(),
            self.lines,
            counted(self.violations.len(), "violation", "violations"),
            self.plan.seed
        )
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "violation: {}after the last: {}", self.log, self.broken)
    }
}
