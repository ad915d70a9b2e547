//! Checks of callbacks that a student has written: of a cache, of a subsystem of containers, or of a file
//! in `/proc`.
//!
//! Such a check is a *trial*: console lines that run on a fresh machine with the student's callbacks
//! loaded, what must not happen meanwhile, and what must come of a line at the end. Each trial asks
//! about one thing, so that a mistake is told once, by the check that names it. When the callbacks
//! break the kernel's structures the trial ends there and then, for whatever comes after would walk
//! over them.
//!
//! What runs the callbacks, and how it keeps them in, is the crate `insmod`'s.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use insmod::Compiler;
use insmod::{Code, Fault, Finding};
use kernel_core::Kernel;
use kernel_core::machine::{Machine, MachineConfig};
use kernel_core::mem::{MEM, Ram};

use crate::check::outcome;
use crate::grade::Refusal;
use crate::lab::{Check, Expect, Lab, Test, Verdict};
use crate::log::{self, Heading};

/// Where a machine prints.
#[derive(Default)]
struct Console(Vec<u8>);

impl Machine for Console {
    fn console_write(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }
}

/// What a student's callbacks did on a machine of their own.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What the machine printed, line by line, each with its status.
    pub lines: Vec<(Vec<u8>, u8)>,
    /// What the callbacks did wrong, the first of each kind.
    pub findings: Vec<Finding>,
    /// Of these, the one after which they were not called any more, and no lines were run.
    pub end: Option<Finding>,
}

/// Makes callbacks of a file's text. A process does so once for a text.
///
/// # Errors
/// Why it cannot.
pub fn code_of(compiler: &Compiler, source: &[u8]) -> Result<Code, Refusal> {
    static KNOWN: Mutex<Option<HashMap<Vec<u8>, Code>>> = Mutex::new(None);
    let known = |source: &[u8]| {
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().and_then(|known| known.get(source).cloned())
    };
    if let Some(code) = known(source) {
        return Ok(code);
    }
    let code = insmod::build(compiler, source);
    let code = code.map_err(|refusal| Refusal::Ops(refusal.to_string()))?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    // A server meets many; the newest are enough.
    if known.len() >= 64 {
        known.clear();
    }
    known.insert(source.to_owned(), code.clone());
    Ok(code)
}

/// Runs lines on a machine with these callbacks, and then `last`, until something ends it.
///
/// # Errors
/// A sentence, when there is no such machine or the lines take too many steps.
pub fn run(
    code: &Code,
    machine: &MachineConfig,
    lines: &[impl AsRef<[u8]>],
    last: Option<&str>,
    steps_max: u64,
) -> Result<Outcome, String> {
    let ram = Ram::new(machine.ram_frames()).ok_or("there is no memory for the machine")?;
    let (module, findings) = code.load();
    let mut kernel = Kernel::boot_with(ram, machine, Some(module))
        .map_err(|error| format!("the machine '{machine}' does not boot: {error:?}"))?;
    let mut done = Outcome::default();
    let lines = lines.iter().map(AsRef::as_ref);
    for line in lines.chain(last.map(str::as_bytes)) {
        if findings.is_final() || kernel.is_off() {
            break;
        }
        let mut console = Console::default();
        // What callbacks leave behind is checked at once; but nobody is sure of strangers.
        let ran = catch_unwind(AssertUnwindSafe(|| kernel.run_line(&mut console, line)));
        let Ok(status) = ran else {
            let line = String::from_utf8_lossy(line);
            let text = format!("the kernel panicked in `{line}`, after what callbacks had done");
            findings.end(Fault::Wild, text);
            break;
        };
        done.lines.push((console.0, status));
        if !findings.is_final() {
            findings.audit(&kernel.mem, false);
        }
        if findings.is_empty()
            && let Err(broken) = kernel.check()
        {
            findings.add(Fault::Wild, format!("the kernel is broken: {broken}"));
        }
        if kernel.mem[MEM].steps > steps_max {
            return Err(format!(
                "the trial takes more than {steps_max} kernel steps"
            ));
        }
    }
    done.findings = findings.list();
    done.end = findings.the_end();
    Ok(done)
}

/// Runs a log with these callbacks.
///
/// # Errors
/// A sentence, when it is no log.
pub fn run_log(code: &Code, log: &[u8]) -> Result<Outcome, String> {
    let log = log::parse(log);
    let machine = Heading::parse(log.header)?.machine;
    run(code, &machine, &log.lines, None, u64::MAX)
}

/// What the checks of callbacks find, in the lab's order. The lab's numbers are in place.
pub fn judge(lab: &Lab, code: &Code) -> Vec<Verdict> {
    let trials = lab.checks.iter().filter_map(|check| match &check.test {
        Test::Ops {
            lines,
            faults,
            run,
            expect,
        } => Some(judge_one(lab, code, check, (lines, faults, run, expect))),
        _ => None,
    });
    trials.collect()
}

fn judge_one(
    lab: &Lab,
    code: &Code,
    check: &Check,
    (lines, faults, last, expect): (&[String], &[String], &str, &Expect),
) -> Verdict {
    let mut verdict = Verdict {
        id: check.id.clone(),
        passed: false,
        expected: format!("in the trial, from `{last}`: {expect}"),
        actual: String::new(),
        step: None,
        why: String::new(),
    };
    let machine = match MachineConfig::parse(&lab.machine) {
        Ok(machine) => machine,
        Err(error) => {
            verdict.actual = error.to_string();
            return verdict;
        }
    };
    let done = match run(code, &machine, lines, Some(last), lab.steps_max) {
        Ok(done) => done,
        Err(error) => {
            verdict.actual = error;
            return verdict;
        }
    };
    let own = |finding: &&Finding| faults.iter().any(|name| *name == finding.fault.name());
    if let Some(finding) = done.findings.iter().find(own) {
        verdict.expected = check.title.clone();
        verdict.actual = finding.text.clone();
        return verdict;
    }
    if let Some(end) = done.end {
        verdict.actual = format!("not found out, for the trial ended early: {}", end.text);
        return verdict;
    }
    let (text, status) = done.lines.last().cloned().unwrap_or_default();
    let judged = expect.judge(&text, status);
    verdict.passed = judged.is_ok();
    verdict.actual = judged.err().unwrap_or_else(|| outcome(&text, status));
    verdict
}
