//! The teacher's tool. `cargo xtask lab` and `cargo xtask grade` build it and become it.
//!
//! | command | what it does |
//! |---|---|
//! | `lab check DIR [ID] [--variants N]` | tries the labs of a catalogue, or one, in both directions |
//! | `lab grade DIR ID LOG [...]` | grades a log by replaying it; `-` is standard input |
//! | `lab pack DIR OUT` | writes the catalogue as the files that the page loads; `OUT` is replaced |
//!
//! The status is 0 when all is well, 1 when a lab does not pass or a log is refused, 2 when the
//! command cannot be carried out.

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use labs::author::{self, Authored};
use labs::formats::{self, Assignment, Graded};
use labs::grade::{Limits, Submission, grade};
use labs::lab::{CATALOGUE, Entry, file_name, to_bytes, variant_of};
use labs::log::{self, Heading};
use labs::protocol::Host;
use labs::{HostMemory, Session};
use lexopt::prelude::*;

type Outcome = Result<ExitCode, Box<dyn Error>>;

/// Variants that `check` tries unless told otherwise.
const VARIANTS: u32 = 16;

fn main() -> ExitCode {
    let mut arguments = lexopt::Parser::from_env();
    let done = match command(&mut arguments) {
        Ok(command) => match command.as_str() {
            "check" => check(arguments),
            "grade" => grade_log(arguments),
            "pack" => pack(arguments),
            _ => {
                Err(format!("there is no command `{command}`; there is check, grade, pack").into())
            }
        },
        Err(error) => Err(error),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(2)
    })
}

fn command(arguments: &mut lexopt::Parser) -> Result<String, Box<dyn Error>> {
    match arguments.next()? {
        Some(Value(command)) => Ok(command.string()?),
        _ => Err("which command? check, grade or pack".into()),
    }
}

/// Tries labs and says what is wrong with them.
fn check(mut arguments: lexopt::Parser) -> Outcome {
    let (mut words, mut variants) = (Vec::new(), VARIANTS);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("variants") => variants = arguments.value()?.parse()?,
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let (dir, id) = match words.as_slice() {
        [dir] => (dir, None),
        [dir, id] => (dir, Some(id)),
        _ => return Err("usage: lab check DIR [ID] [--variants N]".into()),
    };
    let labs = match author::read_catalogue(Path::new(dir)) {
        Ok(labs) => labs,
        Err(problems) => {
            println!("{problems}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let chosen: Vec<&Authored> = match id {
        Some(id) => vec![find(&labs, id)?],
        None => labs.iter().collect(),
    };
    let mut all_well = true;
    for authored in chosen {
        let id = &authored.lab.id;
        let told = (0..variants).find_map(|number| {
            // Any student's variant does; these are a student's of a name that nobody has.
            let variant = variant_of(id, &number.to_string());
            let problems = author::try_lab(authored, variant);
            (!problems.is_empty()).then_some((variant, problems))
        });
        match told {
            Some((variant, problems)) => {
                all_well = false;
                println!("{id}, for the students of variant {variant}:");
                problems.iter().for_each(|problem| println!("  {problem}"));
            }
            None => println!(
                "{id}: the empty start fails and the solution passes, {} checks and {} questions, \
                 for {variants} variants",
                authored.lab.checks.len(),
                authored.lab.questions().len()
            ),
        }
    }
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The lab of that name.
fn find<'a>(labs: &'a [Authored], id: &str) -> Result<&'a Authored, String> {
    labs.iter()
        .find(|authored| authored.lab.id == id)
        .ok_or_else(|| {
            let known: Vec<&str> = labs
                .iter()
                .map(|authored| authored.lab.id.as_str())
                .collect();
            format!("there is no lab '{id}'; there is {}", known.join(", "))
        })
}

/// Grades a log.
fn grade_log(mut arguments: lexopt::Parser) -> Outcome {
    let mut words = Vec::new();
    let (mut variant, mut student, mut claimed, mut about) = (None, None, None, None);
    let mut format = "text".to_string();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("student") => student = Some(arguments.value()?.string()?),
            Long("variant") => variant = Some(arguments.value()?.parse::<u32>()?),
            Long("claimed") => claimed = Some(arguments.value()?.parse::<u32>()?),
            Long("format") => format = arguments.value()?.string()?,
            Long("about") => about = Some(arguments.value()?),
            Value(word) => words.push(word),
            other => return Err(other.unexpected().into()),
        }
    }
    let [dir, id, file] = words.as_slice() else {
        return Err("usage: lab grade DIR ID LOG [--student NAME | --variant N] ...".into());
    };
    let about = match (format.as_str(), about) {
        ("text" | "json" | "gradescope" | "exercism", None) => None,
        ("classroom50", Some(file)) => Some(read_assignment(Path::new(&file))?),
        ("classroom50", None) => {
            return Err("classroom50 wants --about FILE, which says what is no grade".into());
        }
        (_, Some(_)) => return Err("--about goes with --format classroom50".into()),
        _ => {
            let known = "text, json, gradescope, exercism, classroom50";
            return Err(format!("there is no format '{format}'; there is {known}").into());
        }
    };
    let id = id.to_str().ok_or("a lab's name is plain letters")?;
    let labs = author::read_catalogue(Path::new(dir))?;
    let lab = &find(&labs, id)?.lab;
    let log = read_log(Path::new(file))?;
    let variant = match (variant, student) {
        (Some(_), Some(_)) => return Err("--student or --variant, not both".into()),
        (Some(variant), None) => variant,
        (None, Some(student)) => variant_of(id, &student),
        // Nobody said whose log it is: it may have any numbers.
        (None, None) => variant_named(&log).unwrap_or(0),
    };
    let submission = Submission {
        log: &log,
        variant,
        claimed,
    };
    let mut session = Session::new(Host::Native, Box::new(HostMemory));
    let graded: Graded = grade(&mut session, lab, submission, Limits::default());
    let text = match format.as_str() {
        "json" => pretty(&formats::json(lab, &graded)),
        "gradescope" => pretty(&formats::gradescope(lab, &graded)),
        "exercism" => pretty(&formats::exercism(lab, &graded)),
        _ => match (&about, &graded) {
            (Some(about), _) => pretty(&formats::classroom50(lab, &graded, about)?),
            (None, Ok(grade)) => formats::text(lab, grade),
            (None, Err(_)) => String::new(),
        },
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    match &graded {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(refusal) => {
            eprintln!("refused ({}): {refusal}", refusal.code());
            // Exercism's runner fails only if there is no file.
            let is_served = format == "exercism";
            Ok(if is_served {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
    }
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn read_assignment(file: &Path) -> Result<Assignment, Box<dyn Error>> {
    let text = fs::read(file).map_err(|error| format!("can't read {}: {error}", file.display()))?;
    let about = serde_json::from_slice(&text);
    Ok(about.map_err(|error| format!("{}: {error}", file.display()))?)
}

fn read_log(file: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut log = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().read_to_end(&mut log)
    } else {
        fs::File::open(file).and_then(|mut file| file.read_to_end(&mut log))
    };
    read.map_err(|error| format!("can't read {}: {error}", file.display()))?;
    Ok(log)
}

/// The variant that a log says it was made with.
fn variant_named(log: &[u8]) -> Option<u32> {
    let heading = Heading::parse(log::parse(log).header).ok()?;
    heading.lab.map(|lab| lab.variant)
}

/// Writes the files that the page loads.
fn pack(mut arguments: lexopt::Parser) -> Outcome {
    let mut words = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(word) => words.push(word),
            other => return Err(other.unexpected().into()),
        }
    }
    let [dir, out] = words.as_slice() else {
        return Err("usage: lab pack DIR OUT".into());
    };
    let (dir, out) = (Path::new(dir), Path::new(out));
    let labs = author::read_catalogue(dir)?;
    let entries: Vec<Entry> = labs.iter().map(|authored| authored.lab.entry()).collect();
    if out.exists() {
        fs::remove_dir_all(out)?;
    }
    fs::create_dir_all(out)?;
    fs::write(out.join(CATALOGUE), to_bytes(&entries))?;
    for authored in &labs {
        let lab = &authored.lab;
        fs::write(out.join(file_name(&lab.id)), to_bytes(lab))?;
    }
    Ok(ExitCode::SUCCESS)
}
