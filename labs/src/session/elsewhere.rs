//! The same lines on another machine.
//!
//! What a log comes to depends on its machine, and so a lab may ask what the student's own lines
//! would have come to on another one: `on slab=slob: kmem stat t`. The session boots that machine in
//! place of its own, runs the log up to the present step, then the line; and then it runs everything
//! once more on its own machine. A kernel is its log, so nothing was lost on the way.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::machine::MachineConfig;

use super::Session;
use super::live::check_line;
use crate::check::outcome;
use crate::lab::{Check, Test, Verdict};
use crate::log::Heading;
use crate::protocol::LineReport;

/// Takes `on KEY=VALUE ...: LINE` apart: what the other machine has for itself, and the line.
/// `None`: the line is for the machine that there is.
pub(super) fn split(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("on ")?.split_once(": ")
}

impl Session {
    /// Runs a line where the log so far has run on the machine that differs in these words. This
    /// session's kernel is what it was afterwards.
    ///
    /// # Errors
    /// A sentence for a person: there is no such machine, or it needs other memory or more steps.
    fn probe_elsewhere(&mut self, words: &str, line: &str) -> Result<LineReport, String> {
        check_line(line.as_bytes())?;
        let live = self.live()?;
        live.check_on()?;
        let (own, step) = (live.heading().clone(), live.step());
        let other = differing(&own.machine, words)?;
        let lines: Vec<Vec<u8>> = live.lines.iter().map(|line| line.bytes.clone()).collect();

        let report = self.run_elsewhere(Heading::of(other), &lines[..step as usize], line);
        self.open(own)?;
        let live = self.live()?;
        live.run(lines, u64::MAX, usize::MAX, |_, _, _, _| {});
        live.seek(step);
        report
    }

    /// Boots the other machine, runs the log there, and the line.
    fn run_elsewhere(
        &mut self,
        heading: Heading,
        log: &[Vec<u8>],
        line: &str,
    ) -> Result<LineReport, String> {
        let limit = self.replay_limit;
        self.open(heading)?;
        let live = self.live()?;
        if live
            .run(log.to_vec(), limit, usize::MAX, |_, _, _, _| {})
            .len()
            < log.len()
        {
            return Err(format!("this log does not end on '{}'", live.header()));
        }
        live.probe(line.as_bytes())
    }

    /// A line that leaves no trace, here or elsewhere.
    ///
    /// # Errors
    /// As for `Live::probe`.
    pub(super) fn probe(&mut self, line: &[u8]) -> Result<LineReport, String> {
        match core::str::from_utf8(line).ok().and_then(split) {
            Some((words, line)) => self.probe_elsewhere(words, line),
            None => self.live()?.probe(line),
        }
    }

    /// What each check finds; see `Live::check`, which leaves open those that ask elsewhere.
    pub(super) fn check(
        &mut self,
        checks: &[Check],
        scenario: u32,
    ) -> Result<Vec<Verdict>, String> {
        let live = self.live()?;
        let (here, end) = (live.step(), live.end());
        let mut verdicts = live.check(checks, scenario);
        for (check, verdict) in checks.iter().zip(&mut verdicts) {
            let Test::Final { run, expect } = &check.test else {
                continue;
            };
            let Some((words, line)) = split(run) else {
                continue;
            };
            self.live()?.seek(end);
            let (passed, actual) = match self.probe_elsewhere(words, line) {
                Ok(report) => (
                    expect.judge(&report.text, report.status).is_ok(),
                    outcome(&report.text, report.status),
                ),
                Err(message) => (false, message),
            };
            verdict.passed = passed;
            verdict.actual = actual;
            verdict.step = (!passed).then_some(end);
            verdict.why = match passed {
                true => String::new(),
                false => "your lines, on that machine, come to something else".to_string(),
            };
        }
        self.live()?.seek(here);
        Ok(verdicts)
    }
}

/// The machine that differs from `own` in `words`.
fn differing(own: &MachineConfig, words: &str) -> Result<MachineConfig, String> {
    let key = |word: &str| word.split('=').next().map(String::from);
    let own_header = own.to_string();
    let kept = own_header.split(' ').filter(|word| {
        let mut changed = words.split_ascii_whitespace();
        changed.all(|other| key(other) != key(word))
    });
    let header: Vec<&str> = kept.chain(words.split_ascii_whitespace()).collect();
    let other = MachineConfig::parse(&header.join(" ")).map_err(|error| error.to_string())?;
    if other.ram_frames() != own.ram_frames() {
        return Err("another machine has to have as much memory".to_string());
    }
    Ok(other)
}
