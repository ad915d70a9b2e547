//! Tries a lab before a student does.
//!
//! A check that holds at once teaches nothing, one that no solution meets is worse, and a handout
//! whose lines do not run is worst. So a lab is graded in both directions, and its handout is read
//! from top to bottom as a student would, for one variant of its numbers.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Authored;
use crate::grade::{Grade, Limits, Submission, grade};
use crate::lab::{Block, Lab, Question, Test};
use crate::protocol::{Host, LineReport, Request, Response};
use crate::{HostMemory, Session, ops};

/// The status from which on a line did not do what it says: it was used wrongly, or there is no
/// such command. Status 1 is how the kernel refuses, which a handout may well show.
const STATUS_WRONG: u8 = 2;

/// What is wrong with a lab for the students of a variant; nothing, if all is well.
pub fn try_lab(authored: &Authored, variant: u32) -> Vec<String> {
    let mut problems = Vec::new();
    let lab = authored.lab.instance(variant);
    try_start(authored, &lab, variant, &mut problems);
    try_solution(authored, &lab, variant, &mut problems);
    try_callbacks(authored, &lab, &mut problems);
    read_handout(&lab, &mut problems);
    problems
}

/// The starter fails every check of callbacks but those that are marked, the solution none.
fn try_callbacks(authored: &Authored, lab: &Lab, problems: &mut Vec<String>) {
    let Some(callbacks) = &authored.ops else {
        return;
    };
    let compiler = insmod::Compiler::find();
    for (file, source, passes) in [
        ("ops.rs", &callbacks.starter, false),
        ("solution.rs", &callbacks.solution, true),
    ] {
        let code = match ops::code_of(&compiler, source.as_bytes()) {
            Ok(code) => code,
            Err(refusal) => {
                problems.push(format!("{file}: {refusal}"));
                continue;
            }
        };
        for verdict in ops::judge(lab, &code) {
            let id = &verdict.id;
            if verdict.passed != (passes || authored.holds_at_start.contains(id)) {
                let does = if verdict.passed { "passes" } else { "fails" };
                problems.push(format!(
                    "{file} {does} the check '{id}': expected {}; got {}",
                    verdict.expected, verdict.actual
                ));
            }
        }
    }
}

/// The log of a student who ran `lines`.
pub fn log_of(lab: &Lab, variant: u32, lines: &[String]) -> Vec<u8> {
    let mut log = format!("lab={} {}\n", lab.tag(variant), lab.machine);
    for line in lab.instance(variant).scenario.iter().chain(lines) {
        log += line;
        log.push('\n');
    }
    log.into_bytes()
}

fn graded(lab: &Lab, variant: u32, lines: &[String]) -> Result<Grade, String> {
    let submission = Submission {
        log: &log_of(lab, variant, lines),
        variant,
        claimed: None,
    };
    grade(&mut session(), lab, submission, Limits::default()).map_err(|refusal| refusal.to_string())
}

fn session() -> Session {
    Session::new(Host::Native, Box::new(HostMemory))
}

/// Before the student has done anything, no check holds but those that are marked.
fn try_start(authored: &Authored, lab: &Lab, variant: u32, problems: &mut Vec<String>) {
    let grade = match graded(&authored.lab, variant, &[]) {
        Ok(grade) => grade,
        Err(refusal) => {
            problems.push(format!("the scenario cannot be graded: {refusal}"));
            return;
        }
    };
    for (check, verdict) in lab.checks.iter().zip(&grade.verdicts) {
        if let Test::Ops { .. } = check.test {
            continue;
        }
        let id = &check.id;
        match (verdict.passed, authored.holds_at_start.contains(id)) {
            (true, false) => problems.push(format!(
                "the check '{id}' holds before the student has done anything: ask for more, or \
                 say `holds_at_start = true`"
            )),
            (false, true) => problems.push(format!(
                "the check '{id}' says `holds_at_start = true`, and does not: expected {}, got {}",
                verdict.expected, verdict.actual
            )),
            _ => {}
        }
    }
    if grade.score == grade.max {
        problems.push("all checks hold before the student has done anything".to_string());
    }
}

/// The solution passes every check, whether the student has run the handout's lines before or not.
fn try_solution(authored: &Authored, lab: &Lab, variant: u32, problems: &mut Vec<String>) {
    let solution = authored.solution(variant);
    let mut found = Vec::new();
    acts(&lab.handout, &mut found);
    let handout = found.iter().flat_map(|act| match act {
        Act::Run(lines) => lines,
        Act::Answer(_) => &[][..],
    });
    let read: Vec<String> = handout.chain(&solution).cloned().collect();
    for (when, lines) in [("", &solution), (", after the handout's lines,", &read)] {
        match graded(&authored.lab, variant, lines) {
            Ok(grade) => {
                let pairs = lab.checks.iter().zip(&grade.verdicts);
                let logged = pairs.filter(|(check, _)| !matches!(check.test, Test::Ops { .. }));
                problems.extend(logged.filter(|(_, verdict)| !verdict.passed).map(
                    |(check, verdict)| {
                        format!(
                            "the solution{when} fails the check '{}': expected {}; got {}; step \
                             {}: {}",
                            check.id,
                            verdict.expected,
                            verdict.actual,
                            verdict.step.unwrap_or(0),
                            verdict.why
                        )
                    },
                ));
            }
            Err(refusal) => {
                problems.push(format!("the solution{when} cannot be graded: {refusal}"));
            }
        }
    }
}

/// What a student meets in a handout, in its order.
enum Act<'a> {
    Run(&'a [String]),
    Answer(&'a Question),
}

fn acts<'a>(blocks: &'a [Block], found: &mut Vec<Act<'a>>) {
    for block in blocks {
        match block {
            Block::Commands(lines) => found.push(Act::Run(lines)),
            Block::Predict(question) => found.push(Act::Answer(question)),
            Block::Quote(blocks) => acts(blocks, found),
            Block::List(_, items) => items.iter().for_each(|item| acts(item, found)),
            _ => {}
        }
    }
}

/// The answers to the questions of a handout, each with its question's name, if all blocks before
/// it have run.
pub fn answers(lab: &Lab, variant: u32) -> Vec<(String, String)> {
    read_handout(&lab.instance(variant), &mut Vec::new())
}

/// Reads a handout from top to bottom: every line runs, every question has an answer where it is
/// asked. Returns the answers.
fn read_handout(lab: &Lab, problems: &mut Vec<String>) -> Vec<(String, String)> {
    let mut answers = Vec::new();
    let mut session = session();
    let header = lab.machine.clone();
    if let Response::Error { message } = session.handle(Request::Open { header }) {
        problems.push(format!("the machine does not boot: {message}"));
        return answers;
    }
    let mut found = Vec::from([Act::Run(&lab.scenario)]);
    acts(&lab.handout, &mut found);
    for act in found {
        match act {
            Act::Run(lines) => {
                for line in lines {
                    let lines = Vec::from([line.clone().into_bytes()]);
                    let wrong = match session.handle(Request::Run { lines }) {
                        Response::Ran { lines, .. } => lines.first().and_then(complaint),
                        Response::Error { message } => Some(message),
                        _ => None,
                    };
                    problems.extend(wrong.map(|wrong| format!("the line `{line}`: {wrong}")));
                }
            }
            Act::Answer(question) => match answer(&mut session, question) {
                Ok(answer) => answers.push((question.id.clone(), answer)),
                Err(wrong) => problems.push(format!("the question '{}': {wrong}", question.id)),
            },
        }
    }
    answers
}

/// Asks the kernel as it is.
///
/// # Errors
/// Why there is no answer.
fn answer(session: &mut Session, question: &Question) -> Result<String, String> {
    let line = question.run.clone().into_bytes();
    let report = match session.handle(Request::Probe { line }) {
        Response::Probed(report) => report,
        Response::Error { message } => return Err(message),
        _ => return Err("the session did not answer".to_string()),
    };
    if let Some(wrong) = complaint(&report) {
        return Err(format!("`{}`: {wrong}", question.run));
    }
    let text = String::from_utf8_lossy(&report.text);
    match question.answer(&text) {
        "" => Err(format!(
            "no answer in what `{}` prints: {}",
            question.run,
            text.trim()
        )),
        answer if answer.contains('\n') => Err(format!(
            "an answer is one line; `{}` prints more, so say the word `after` which it comes: {}",
            question.run,
            text.trim()
        )),
        answer => Ok(answer.to_string()),
    }
}

/// What is wrong with a line, judging by what came of it.
fn complaint(report: &LineReport) -> Option<String> {
    (report.status >= STATUS_WRONG).then(|| {
        let text = String::from_utf8_lossy(&report.text);
        format!("status {}: {}", report.status, text.trim())
    })
}
