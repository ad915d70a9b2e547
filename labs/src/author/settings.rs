//! `lab.toml`: all of a lab that is not prose.

use core::ops::Range;
use std::path::Path;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::machine::MachineConfig;
use serde::Deserialize;
use toml::Spanned;

use super::problem::{line_at, line_with};
use super::{Authored, Problems, handout};
use crate::lab::{Check, Difficulty, Expect, Lab, Test, Variable};
use crate::log::is_lab_id;

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    title: String,
    summary: String,
    topic: String,
    order: u32,
    minutes: u32,
    #[serde(default)]
    difficulty: Difficulty,
    #[serde(default)]
    requires: Vec<String>,
    machine: Spanned<String>,
    steps_max: u64,
    #[serde(default)]
    varies: Vec<Varying>,
    #[serde(default)]
    checks: Vec<Checked>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Varying {
    name: Spanned<String>,
    from: u64,
    to: u64,
    #[serde(default = "one")]
    step: u64,
}

fn one() -> u64 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Checked {
    id: Spanned<String>,
    title: String,
    points: u32,
    /// A line to run at the end.
    run: Option<String>,
    /// How a line of the student's begins that should have printed something.
    printed: Option<String>,
    /// The name of a trial of the student's callbacks.
    ops: Option<String>,
    /// What they must not do in it.
    #[serde(default)]
    faults: Vec<String>,
    text: Option<String>,
    contains: Option<String>,
    status: Option<u8>,
    number: Option<Number>,
    #[serde(default)]
    hints: Vec<Spanned<String>>,
    #[serde(default)]
    holds_at_start: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    #[serde(default)]
    after: String,
    from: Bound,
    to: Bound,
}

/// A number, or a text that comes to one when a student's numbers stand in it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Bound {
    Number(u64),
    Text(String),
}

impl Bound {
    fn text(self) -> String {
        match self {
            Bound::Number(number) => number.to_string(),
            Bound::Text(text) => text,
        }
    }
}

/// Where in the file things are told.
struct Teller<'a> {
    file: &'a Path,
    text: &'a str,
    problems: &'a mut Problems,
}

impl Teller<'_> {
    fn tell(&mut self, span: &Range<usize>, message: impl Into<String>) {
        let line = line_at(self.text, span);
        self.problems.add(self.file, line, message);
    }

    /// About the line that sets `key` at the top of the file.
    fn tell_key(&mut self, key: &str, message: impl Into<String>) {
        let is_it = |line: &str| {
            line.strip_prefix(key)
                .is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        let found = self.text.lines().position(is_it);
        let line = found.map_or(0, |at| at + 1);
        self.problems.add(self.file, line, message);
    }
}

/// Reads the file. `None` if it cannot be read at all; what else is wrong is told as well.
pub(super) fn read(file: &Path, text: &str, problems: &mut Problems) -> Option<Authored> {
    let parsed: File = match toml::from_str(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let line = error.span().map_or(0, |span| line_at(text, &span));
            problems.add(file, line, String::from(error.message()));
            return None;
        }
    };
    let teller = &mut Teller {
        file,
        text,
        problems,
    };
    for (key, value) in [
        ("title", &parsed.title),
        ("summary", &parsed.summary),
        ("topic", &parsed.topic),
    ] {
        if value.trim().is_empty() {
            teller.tell_key(key, format!("`{key}` is empty: the catalogue shows it"));
        }
        if value.contains("{{") {
            teller.tell_key(
                key,
                format!("`{key}` is the same for all students: no braces"),
            );
        }
    }
    for (key, value) in [
        ("version", u64::from(parsed.version)),
        ("minutes", u64::from(parsed.minutes)),
        ("steps_max", parsed.steps_max),
    ] {
        if value == 0 {
            teller.tell_key(key, format!("`{key}` is 0: it is at least 1"));
        }
    }
    let machine = machine(&parsed.machine, teller);
    let varies = parsed.varies.into_iter().map(|raw| variable(raw, teller));
    let varies: Vec<Variable> = varies.collect();
    check_variables(&varies, teller);
    if parsed.checks.is_empty() {
        teller
            .problems
            .add(file, 0, "no [[checks]]: a lab without any cannot be graded");
    }
    let mut checks = Vec::new();
    let mut holds_at_start = Vec::new();
    for raw in parsed.checks {
        let span = raw.id.span();
        let (holds, check) = (raw.holds_at_start, check(raw, teller));
        if checks.iter().any(|other: &Check| other.id == check.id) {
            teller.tell(&span, format!("two checks are called '{}'", check.id));
        }
        if holds {
            holds_at_start.push(check.id.clone());
        }
        checks.push(check);
    }
    let lab = Lab {
        version: parsed.version,
        title: parsed.title,
        summary: parsed.summary,
        topic: parsed.topic,
        order: parsed.order,
        minutes: parsed.minutes,
        difficulty: parsed.difficulty,
        requires: parsed.requires,
        machine,
        steps_max: parsed.steps_max,
        varies,
        checks,
        ..Lab::default()
    };
    Some(Authored {
        lab,
        solution: Vec::new(),
        holds_at_start,
        ops: None,
    })
}

/// The machine in its full form.
fn machine(raw: &Spanned<String>, teller: &mut Teller<'_>) -> String {
    match MachineConfig::parse(raw.get_ref()) {
        Ok(machine) => machine.to_string(),
        Err(error) => {
            teller.tell(&raw.span(), error.to_string());
            String::new()
        }
    }
}

fn variable(raw: Varying, teller: &mut Teller<'_>) -> Variable {
    let name = raw.name.get_ref();
    let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let span = raw.name.span();
    if !is_name {
        teller.tell(
            &span,
            format!("'{name}': a number's name is small letters, digits and _, a letter first"),
        );
    }
    if raw.from > raw.to || raw.step == 0 {
        teller.tell(
            &span,
            format!("'{name}' has no values: `from` is at most `to`, `step` at least 1"),
        );
    }
    Variable {
        name: name.clone(),
        from: raw.from,
        to: raw.to,
        step: raw.step,
    }
}

/// Names are unique, and there are values enough for all to differ.
fn check_variables(variables: &[Variable], teller: &mut Teller<'_>) {
    for (at, variable) in variables.iter().enumerate() {
        let name = &variable.name;
        let line = format!("\"{name}\"");
        let mut tell = |message: String| {
            let line = line_with(teller.text, &line);
            teller.problems.add(teller.file, line, message);
        };
        if variables[..at].iter().any(|other| other.name == *name) {
            tell(format!("two numbers are called '{name}'"));
        }
        if variable.count() <= at as u64 {
            tell(format!(
                "'{name}' has {} values and {at} numbers come before it: widen its range, for \
                 all numbers of a student differ",
                variable.count()
            ));
        }
    }
}

fn is_fault(name: &str) -> bool {
    let mut known = insmod::Fault::ALL.iter();
    known.any(|(_, known)| *known == name)
}

fn check(raw: Checked, teller: &mut Teller<'_>) -> Check {
    let span = raw.id.span();
    let id = raw.id.into_inner();
    if !is_lab_id(&id) {
        teller.tell(
            &span,
            format!("'{id}': a check's name is small letters, digits and hyphens"),
        );
    }
    if raw.points == 0 {
        teller.tell(&span, format!("'{id}' is worth nothing: give it points"));
    }
    if raw.title.trim().is_empty() {
        teller.tell(&span, format!("'{id}' needs a title: what should be so?"));
    }
    if raw.hints.is_empty() {
        teller.tell(&span, format!("'{id}' has no hints: give at least one"));
    }
    if let Some(Number {
        from: Bound::Number(from),
        to: Bound::Number(to),
        ..
    }) = &raw.number
        && from > to
    {
        teller.tell(
            &span,
            format!("'{id}' admits no number: `from` is at most `to`"),
        );
    }
    let expectations = [
        raw.text.map(Expect::Text),
        raw.contains.map(Expect::Contains),
        raw.status.map(Expect::Status),
        raw.number.map(|Number { after, from, to }| Expect::Number {
            after,
            from: from.text(),
            to: to.text(),
        }),
    ];
    let mut expectations = expectations.into_iter().flatten();
    let expect = match (expectations.next(), expectations.next()) {
        (Some(expect), None) => expect,
        _ => {
            teller.tell(
                &span,
                format!("'{id}' needs one of `text`, `contains`, `status` and `number`"),
            );
            Expect::Status(0)
        }
    };
    if let Some(name) = raw.faults.iter().find(|name| !is_fault(name)) {
        let known: Vec<&str> = insmod::Fault::ALL.iter().map(|(_, name)| *name).collect();
        let known = known.join(", ");
        teller.tell(
            &span,
            format!("'{id}': there is no fault '{name}'; there is {known}"),
        );
    }
    let test = match (raw.run, raw.printed, raw.ops) {
        (Some(run), None, None) => Test::Final { run, expect },
        (None, Some(line), None) => Test::Printed { line, expect },
        // The script is read later; until then its name stands in its place.
        (Some(run), None, Some(trial)) => Test::Ops {
            lines: [trial].into(),
            faults: raw.faults,
            run,
            expect,
        },
        _ => {
            teller.tell(
                &span,
                format!(
                    "'{id}' needs either `run`, a line to run at the end, or `printed`, how a \
                     line of the student's begins; with `ops`, a trial, it needs `run`"
                ),
            );
            Test::Final {
                run: String::new(),
                expect,
            }
        }
    };
    if matches!(&test, Test::Printed { line, .. } if line.trim().is_empty()) {
        teller.tell(
            &span,
            format!("'{id}': `printed` is empty, and anyone can `echo` anything: name a command"),
        );
    }
    let hints = raw.hints.iter().map(|hint| {
        let first_line = line_at(teller.text, &hint.span());
        handout::read_line(teller.file, first_line, hint.get_ref(), teller.problems)
    });
    Check {
        id,
        title: raw.title,
        points: raw.points,
        test,
        hints: hints.collect(),
    }
}
