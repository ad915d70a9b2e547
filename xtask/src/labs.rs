//! The labs: packed for the page, tried, and used to grade.
//!
//! All of it is the work of the `lab` program, which contains a kernel; this module makes that
//! program and then calls it, or becomes it.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use lexopt::prelude::*;

use crate::progress::Progress;
use crate::stop::Stop;
use crate::{paths, process};

/// What `grade --help` adds.
pub const GRADE_DETAILS: &str = "
Replays LOG (a file, or - for standard input) on a kernel of its own and prints the grade. The
status is 0 when it is graded, 1 when it is refused, with the reason on standard error.
  --ops FILE       the student's callbacks, where the lab asks for some
  --student NAME   whose numbers the log must have been made with (default: any)
  --variant N      the same, as the number that a log's heading shows
  --claimed N      refuse the log unless it is worth that many points
  --format F       text (default), json, gradescope, exercism (whose status is always 0)
                   or classroom50
  --about FILE     for classroom50: a JSON object with its fields that are no grade";

/// What `lab --help` adds.
pub const LAB_DETAILS: &str = "
`lab check` tries every lab of labs/catalogue, or the one named: the empty start must fail, the
solution must pass, the handout's lines must run and its questions have answers.
labs/catalogue/README.md says how to write one.
  --variants N     for how many students' numbers (default 16)
`lab new NAME` makes a lab to begin with, which passes the check (docs/write-a-lab.md).
  --title TITLE    what it is called in the catalogue
`lab start LAB` writes the file of callbacks that a lab asks for, as students begin with it
(default: ops.rs), and `lab try LAB` runs its checks of them.
  --ops FILE       the callbacks (default: ops.rs)
  --student NAME   whose numbers (or --variant N)";

/// The command `grade`.
pub fn grade(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let (mut words, mut options): (Vec<OsString>, Vec<OsString>) = Default::default();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(word) if words.len() < 2 => words.push(word),
            Long(name @ ("student" | "variant" | "claimed" | "format" | "about" | "ops")) => {
                options.push(format!("--{name}").into());
                options.push(arguments.value()?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let [lab, log] = words.as_slice() else {
        return Err(Stop::Usage("grade which LAB and which LOG?".to_string()));
    };
    let mut program = lab_program()?;
    program.arg("grade").args(options);
    // After `--`, because a log may be called anything.
    program.arg("--").arg(catalogue()).arg(lab).arg(log);
    Err(process::become_program(&mut program))
}

/// The command `lab`.
pub fn lab(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    match arguments.next()? {
        Some(Value(verb)) if verb == "check" => {}
        Some(Value(verb)) if verb == "try" => return try_callbacks(arguments),
        Some(Value(verb)) if verb == "start" => return start(arguments),
        Some(Value(verb)) if verb == "new" => return new(arguments),
        Some(other) => return Err(other.unexpected().into()),
        None => {
            return Err(Stop::Usage(
                "what about the labs? `lab check` tries them".to_string(),
            ));
        }
    }
    let (mut lab, mut variants) = (None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(word) if lab.is_none() => lab = Some(word),
            Long("variants") => variants = Some(arguments.value()?.parse::<u32>()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let mut program = lab_program()?;
    program.arg("check").arg(catalogue()).args(lab);
    if let Some(variants) = variants {
        program.arg("--variants").arg(variants.to_string());
    }
    Err(process::become_program(&mut program))
}

/// The command `lab new`.
fn new(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let (mut name, mut title) = (None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(word) if name.is_none() => name = Some(word),
            Long("title") => title = Some(arguments.value()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let name = name.ok_or_else(|| Stop::Usage("what is the new lab's NAME?".to_string()))?;
    let mut program = lab_program()?;
    program.arg("new");
    if let Some(title) = title {
        program.arg("--title").arg(title);
    }
    program.arg("--").arg(catalogue()).arg(name);
    Err(process::become_program(&mut program))
}

/// The command `lab try`.
fn try_callbacks(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let (mut lab, mut options) = (None, Vec::<OsString>::new());
    let mut file: OsString = "ops.rs".into();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(word) if lab.is_none() => lab = Some(word),
            Long("ops") => file = arguments.value()?,
            Long(name @ ("student" | "variant")) => {
                options.push(format!("--{name}").into());
                options.push(arguments.value()?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let lab = lab.ok_or_else(|| Stop::Usage("try the callbacks of which LAB?".to_string()))?;
    let mut program = lab_program()?;
    program.arg("try").args(options).arg("--ops").arg(file);
    program.arg("--").arg(catalogue()).arg(lab);
    Err(process::become_program(&mut program))
}

/// The command `lab start`.
fn start(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let mut words = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(word) if words.len() < 2 => words.push(word),
            other => return Err(other.unexpected().into()),
        }
    }
    if words.is_empty() {
        return Err(Stop::Usage("start which LAB?".to_string()));
    }
    let mut program = lab_program()?;
    program.args(["start", "--"]).arg(catalogue()).args(words);
    Err(process::become_program(&mut program))
}

/// Runs a log with a student's callbacks: `run --ops FILE LOG`.
pub fn run(callbacks: OsString, log: OsString) -> Result<(), Stop> {
    let mut program = lab_program()?;
    program.args(["run", "--ops"]).arg(callbacks);
    program.arg("--").arg(log);
    Err(process::become_program(&mut program))
}

/// Packs the catalogue for the page and returns the folder whose content goes into the page.
pub fn pack(progress: &Progress) -> Result<PathBuf, Stop> {
    progress.stage("packing the labs");
    let packed = paths::target().join("packed");
    let mut lab = process::program(build_lab()?);
    lab.arg("pack").arg(catalogue()).arg(packed.join("labs"));
    lab.arg("--beside").arg(paths::workspace());
    process::run(&mut lab)?;
    Ok(packed)
}

/// Makes what a demo class hands in, and returns the file.
pub fn demo(progress: &Progress) -> Result<PathBuf, Stop> {
    progress.stage("making a class to look at");
    let file = paths::target().join("demo-class.jsonl");
    let mut lab = process::program(build_lab()?);
    process::run(lab.arg("demo").arg(catalogue()).arg(&file))?;
    Ok(file)
}

/// The folder of all labs.
fn catalogue() -> PathBuf {
    paths::workspace().join("labs/catalogue")
}

/// The `lab` program, up to date. It works in the folder that the user is in.
fn lab_program() -> Result<Command, Stop> {
    let here = env::current_dir();
    let here =
        here.map_err(|error| Stop::Failed(format!("can't tell the current folder: {error}")))?;
    let mut lab = process::program(build_lab()?);
    lab.current_dir(here);
    Ok(lab)
}

/// Builds the `lab` program and returns its path.
pub fn build_lab() -> Result<PathBuf, Stop> {
    let lab = paths::target().join("debug").join("lab");
    let mut build = process::cargo_call("build -p labs --features author --bin lab");
    // The first build is worth watching; later ones would only say that there is nothing to do.
    if lab.exists() {
        build.arg("--quiet");
    }
    process::run(&mut build).map(|()| lab)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_command_line_is_refused_before_anything_is_built() {
        let refused = |command: fn(lexopt::Parser) -> Result<(), Stop>, line: &str| {
            let arguments = lexopt::Parser::from_args(line.split_whitespace());
            matches!(command(arguments), Err(Stop::Usage(_)))
        };
        for line in [
            "",
            "radix-keys",
            "radix-keys log more",
            "radix-keys log --speed 3",
        ] {
            assert!(refused(grade, line), "{line}");
        }
        for line in [
            "",
            "trial",
            "check a b",
            "check --variants x",
            "try",
            "try a b",
            "start",
            "start a b c",
            "new",
            "new a b",
        ] {
            assert!(refused(lab, line), "{line}");
        }
    }
}
