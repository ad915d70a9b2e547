//! Whether checks hold, and where to look if they do not.
//!
//! A check of the final state is a line that is probed after the log's last step. If it does not
//! hold, it is probed after the steps before as well: the step after which it last held was followed
//! by the one that broke it. All checks that failed walk back together. A check of what was printed
//! needs the student's lines run once more, since a session does not keep their text. A check that asks
//! another machine is left to `elsewhere.rs`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::ControlFlow;

use super::elsewhere;
use super::live::Live;
use crate::check::{is_meant, outcome};
use crate::lab::{Check, Expect, Test, Verdict};
use crate::protocol::LineReport;

/// What looking for the steps that broke checks may cost, in kernel steps. It is the same on every
/// host, so that a verdict is too.
const BUDGET: u64 = 1_000_000;

/// What a session finds of callbacks, which it does not run.
const NO_CALLBACKS: &str = "not here: `cargo xtask lab try` runs your callbacks";

/// What is known of a check.
struct Finding {
    held: bool,
    /// What came.
    actual: String,
    /// Where to look and why, if it does not hold and this is known already.
    blame: Option<(u32, String)>,
}

impl Finding {
    /// What `expect` makes of a line's outcome.
    fn of(expect: &Expect, report: &LineReport) -> Finding {
        let judged = expect.judge(&report.text, report.status);
        Finding {
            held: judged.is_ok(),
            actual: judged
                .err()
                .unwrap_or_else(|| outcome(&report.text, report.status)),
            blame: None,
        }
    }

    /// A check that does not hold.
    fn miss(actual: String) -> Finding {
        Finding {
            held: false,
            actual,
            blame: None,
        }
    }
}

impl Live {
    /// What each check finds at the log's end; the lines up to `scenario` are not the student's.
    /// The kernel stands where it stood.
    pub fn check(&mut self, checks: &[Check], scenario: u32) -> Vec<Verdict> {
        let (here, end) = (self.step(), self.end());
        let scenario = scenario.min(end);
        let mut findings = self.check_printed(checks, scenario);
        self.seek(end);
        for (check, finding) in checks.iter().zip(&mut findings) {
            match &check.test {
                Test::Final { run, expect } if elsewhere::split(run).is_none() => {
                    *finding = self.check_here(run, expect);
                }
                Test::Ops { .. } => *finding = Finding::miss(NO_CALLBACKS.to_string()),
                _ => {}
            }
        }
        self.find_breaks(checks, scenario, &mut findings);
        self.seek(here);
        let verdicts = checks.iter().zip(findings);
        verdicts
            .map(|(check, finding)| self.verdict(check, scenario, finding))
            .collect()
    }

    /// Probes a line here and judges it.
    fn check_here(&mut self, run: &str, expect: &Expect) -> Finding {
        match self.probe(run.as_bytes()) {
            Ok(report) => Finding::of(expect, &report),
            Err(message) => Finding::miss(message),
        }
    }

    /// Runs the student's lines for the checks of what they print; the others are left open.
    fn check_printed(&mut self, checks: &[Check], scenario: u32) -> Vec<Finding> {
        let unseen = |_| Finding::miss("no such line was run".to_string());
        let mut findings: Vec<Finding> = checks.iter().map(unseen).collect();
        let open = |(check, finding): (&Check, &Finding)| {
            matches!(check.test, Test::Printed { .. }) && !finding.held
        };
        self.seek(scenario);
        while checks.iter().zip(&findings).any(open) {
            let Some(report) = self.advance() else {
                break;
            };
            let step = self.step();
            let typed = &self.lines[step as usize - 1].bytes;
            for (check, finding) in checks.iter().zip(&mut findings) {
                match &check.test {
                    Test::Printed { line, expect } if !finding.held && is_meant(typed, line) => {
                        *finding = Finding::of(expect, &report);
                        let why = "this is the last such line, and something else came of it";
                        finding.blame = Some((step, why.to_string()));
                    }
                    _ => {}
                }
            }
        }
        for (check, finding) in checks.iter().zip(&mut findings) {
            let any = matches!(&check.test, Test::Printed { line, .. } if line.is_empty());
            if any && !finding.held {
                // The last line of all is no more to blame than another.
                *finding = Finding::miss("no line printed that".to_string());
            }
        }
        findings
    }

    /// Finds the steps that broke the final checks that do not hold.
    fn find_breaks(&mut self, checks: &[Check], scenario: u32, findings: &mut [Finding]) {
        let end = self.end();
        let open: Vec<(usize, &str, &Expect)> = (0..)
            .zip(checks)
            .filter(|(index, _)| !findings[*index].held)
            .filter_map(|(index, check)| match &check.test {
                Test::Final { run, expect } if elsewhere::split(run).is_none() => {
                    Some((index, run.as_str(), expect))
                }
                _ => None,
            })
            .collect();
        if open.is_empty() || end == scenario {
            return;
        }
        self.walk_back(
            end - 1,
            scenario,
            BUDGET,
            &mut |live| -> Vec<bool> {
                open.iter()
                    .map(|&(_, run, expect)| live.check_here(run, expect).held)
                    .collect()
            },
            &mut |step, held| {
                let mut unknown = false;
                for ((index, ..), held) in open.iter().zip(held) {
                    let blame = &mut findings[*index].blame;
                    if held && blame.is_none() {
                        let why = format!("it held after step {step}, and no more after this one");
                        *blame = Some((step + 1, why));
                    }
                    unknown |= blame.is_none();
                }
                if unknown {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            },
        );
    }

    fn verdict(&self, check: &Check, scenario: u32, finding: Finding) -> Verdict {
        let expected = match &check.test {
            Test::Final { run, expect } => format!("from `{run}`: {expect}"),
            Test::Printed { line, expect } if line.is_empty() => format!("from any line: {expect}"),
            Test::Printed { line, expect } => {
                format!("from a line that begins with `{line}`: {expect}")
            }
            Test::Ops { .. } => check.title.clone(),
        };
        if let Test::Ops { .. } = &check.test {
            // No step of the log is to blame.
            return Verdict {
                id: check.id.clone(),
                passed: false,
                expected,
                actual: finding.actual,
                step: None,
                why: String::new(),
            };
        }
        let blame = if finding.held {
            None
        } else {
            finding.blame.or_else(|| Some(self.blame(scenario)))
        };
        Verdict {
            id: check.id.clone(),
            passed: finding.held,
            expected,
            actual: finding.actual,
            step: blame.as_ref().map(|(step, _)| *step),
            why: blame.map(|(_, why)| why).unwrap_or_default(),
        }
    }

    /// Where to look when nothing is known of a check but that it does not hold.
    fn blame(&self, scenario: u32) -> (u32, String) {
        let end = self.end();
        let mut own = (scenario + 1..).zip(&self.lines[scenario as usize..]);
        if let Some((step, line)) = own.find(|(_, line)| line.status != 0) {
            let status = line.status;
            return (step, format!("the first line that failed: status {status}"));
        }
        let why = if end == scenario {
            "no line was run yet"
        } else {
            "no line broke it: something is still to be done"
        };
        (end, why.to_string())
    }
}
