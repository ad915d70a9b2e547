//! The teacher's tool. `cargo xtask lab` and `cargo xtask grade` build it and become it.
//!
//! | command | what it does |
//! |---|---|
//! | `lab check DIR [ID] [--variants N]` | tries the labs of a catalogue, or one, in both directions |
//! | `lab new DIR ID [--title TITLE]` | makes a lab to begin with, which passes `check` |
//! | `lab demo DIR OUT` | writes what a class of eight might hand in, for a server to grade |
//! | `lab grade DIR ID LOG [--ops FILE] [...]` | grades a log by replaying it; `-` is standard input |
//! | `lab try DIR ID --ops FILE [...]` | tries a student's callbacks, and shows what came of it |
//! | `lab start DIR ID [FILE]` | writes the file that a lab's callbacks begin with |
//! | `lab run --ops FILE LOG` | runs a log with a student's callbacks, and prints what it prints |
//! | `lab pack DIR OUT [--beside ROOT]` | writes the catalogue as the files that the page loads, and those of `ROOT/labs` beside it: examples, glossary, commands; `OUT` is replaced |
//!
//! The status is 0 when all is well, 1 when a lab does not pass or a log is refused, 2 when the
//! command cannot be carried out.

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use insmod::{Code, Compiler};
use labs::author::{self, Authored};
use labs::formats::{self, Assignment, Graded};
use labs::grade::{Limits, Refusal, Submission, grade, grade_with};
use labs::lab::{CATALOGUE, Entry, Lab, file_name, to_bytes, variant_of};
use labs::log::{self, Heading};
use labs::protocol::Host;
use labs::{HostMemory, Session, example, glossary, ops};
use lexopt::prelude::*;

type Outcome = Result<ExitCode, Box<dyn Error>>;

/// Variants that `check` tries unless told otherwise.
const VARIANTS: u32 = 16;

fn main() -> ExitCode {
    let mut arguments = lexopt::Parser::from_env();
    let done = match command(&mut arguments) {
        Ok(command) => match command.as_str() {
            "check" => check(arguments),
            "new" => new(arguments),
            "demo" => demo(arguments),
            "grade" => grade_log(arguments),
            "try" => try_ops(arguments),
            "start" => start(arguments),
            "run" => run_log(arguments),
            "pack" => pack(arguments),
            _ => {
                let known = "check, new, demo, grade, try, start, run, pack";
                Err(format!("there is no command `{command}`; there is {known}").into())
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

/// Makes a lab to begin with.
fn new(mut arguments: lexopt::Parser) -> Outcome {
    let (mut words, mut title) = (Vec::new(), "A new lab".to_string());
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("title") => title = arguments.value()?.string()?,
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let [dir, id] = words.as_slice() else {
        return Err("usage: lab new DIR ID [--title TITLE]".into());
    };
    let folder = author::new_lab(Path::new(dir), id, &title)?;
    println!("{}: a small lab, which passes", folder.display());
    println!("  cargo xtask lab check {id}    tries it; do so after each change");
    println!("  cargo xtask serve             shows it in the page, among the labs");
    println!("docs/write-a-lab.md leads on from here.");
    Ok(ExitCode::SUCCESS)
}

/// Writes what a class might hand in.
fn demo(mut arguments: lexopt::Parser) -> Outcome {
    let mut words = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(word) => words.push(word),
            other => return Err(other.unexpected().into()),
        }
    }
    let [dir, out] = words.as_slice() else {
        return Err("usage: lab demo DIR OUT".into());
    };
    let labs = author::read_catalogue(Path::new(dir))?;
    fs::write(out, author::demo::to_lines(&author::demo::class(&labs)))?;
    Ok(ExitCode::SUCCESS)
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
    let mut ops = None;
    let mut format = "text".to_string();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("student") => student = Some(arguments.value()?.string()?),
            Long("variant") => variant = Some(arguments.value()?.parse::<u32>()?),
            Long("claimed") => claimed = Some(arguments.value()?.parse::<u32>()?),
            Long("format") => format = arguments.value()?.string()?,
            Long("about") => about = Some(arguments.value()?),
            Long("ops") => ops = Some(arguments.value()?),
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
    let authored = find(&labs, id)?;
    let lab = &authored.lab;
    let log = read_log(Path::new(file))?;
    // If nobody says whose log it is, it may have any numbers.
    let variant = variant_from(id, variant, student)?;
    let variant = variant.unwrap_or_else(|| variant_named(&log).unwrap_or(0));
    let code = match (ops, &authored.ops) {
        (None, None) => None,
        (Some(_), None) => return Err(format!("the lab '{id}' asks for no callbacks").into()),
        (None, Some(_)) => {
            eprintln!("no callbacks came along (--ops FILE), so none of their checks is passed");
            None
        }
        (Some(file), Some(_)) => Some(read_code(Path::new(&file), false)?),
    };
    let submission = Submission {
        log: &log,
        variant,
        claimed,
    };
    let mut session = Session::new(Host::Native, Box::new(HostMemory));
    let graded: Graded = match &code {
        None => grade(&mut session, lab, submission, Limits::default()),
        Some(Err(refusal)) => Err(refusal.clone()),
        Some(Ok(code)) => {
            let mut judge = |lab: &Lab| ops::judge(lab, code);
            grade_with(&mut session, lab, submission, Limits::default(), &mut judge)
        }
    };
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

/// Whose numbers are meant, if that was said.
fn variant_from(
    id: &str,
    variant: Option<u32>,
    student: Option<String>,
) -> Result<Option<u32>, String> {
    match (variant, student) {
        (Some(_), Some(_)) => Err("--student or --variant, not both".to_string()),
        (variant, None) => Ok(variant),
        (None, Some(student)) => Ok(Some(variant_of(id, &student))),
    }
}

/// A file of callbacks, or why they cannot be run; messages for a terminal may be coloured.
fn read_code(file: &Path, colour: bool) -> Result<Result<Code, Refusal>, Box<dyn Error>> {
    let source =
        fs::read(file).map_err(|error| format!("can't read {}: {error}", file.display()))?;
    let compiler = Compiler {
        colour,
        ..Compiler::find()
    };
    Ok(ops::code_of(&compiler, &source))
}

/// Tries a student's callbacks and shows what was expected beside what came.
fn try_ops(mut arguments: lexopt::Parser) -> Outcome {
    let mut words = Vec::new();
    let (mut variant, mut student, mut file) = (None, None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("student") => student = Some(arguments.value()?.string()?),
            Long("variant") => variant = Some(arguments.value()?.parse::<u32>()?),
            Long("ops") => file = Some(arguments.value()?),
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let ([dir, id], Some(file)) = (words.as_slice(), file) else {
        return Err("usage: lab try DIR ID --ops FILE [--student NAME | --variant N]".into());
    };
    let labs = author::read_catalogue(Path::new(dir))?;
    let authored = find(&labs, id)?;
    if authored.ops.is_none() {
        return Err(format!("the lab '{id}' asks for no callbacks").into());
    }
    let variant = variant_from(id, variant, student)?.unwrap_or(0);
    let colour = io::stderr().is_terminal();
    let code = match read_code(Path::new(&file), colour)? {
        Ok(code) => code,
        Err(refusal) => {
            eprintln!("{refusal}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let lab = authored.lab.instance(variant);
    let verdicts = ops::judge(&lab, &code);
    let mut text = String::new();
    for verdict in &verdicts {
        let check = lab.checks.iter().find(|check| check.id == verdict.id);
        let title = check.map_or("", |check| check.title.as_str());
        let mark = if verdict.passed { "ok  " } else { "FAIL" };
        text += &format!("{mark}  {title}\n");
        if !verdict.passed {
            text += &format!("      expected  {}\n", indented(&verdict.expected));
            text += &format!("      actual    {}\n", indented(&verdict.actual));
        }
    }
    let passed = verdicts.iter().filter(|verdict| verdict.passed).count();
    let count = verdicts.len();
    text += &format!("\n{passed} of {count} checks of your callbacks hold\n");
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(if passed == count {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A text of several lines, as it stands behind a word.
fn indented(text: &str) -> String {
    text.replace('\n', "\n                ")
}

/// Writes the file that a lab's callbacks begin with; never over one that is there.
fn start(mut arguments: lexopt::Parser) -> Outcome {
    let mut words = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let (dir, id, file) = match words.as_slice() {
        [dir, id] => (dir, id, "ops.rs"),
        [dir, id, file] => (dir, id, file.as_str()),
        _ => return Err("usage: lab start DIR ID [FILE]".into()),
    };
    let labs = author::read_catalogue(Path::new(dir))?;
    let ops = find(&labs, id)?.ops.as_ref();
    let starter = &ops
        .ok_or_else(|| format!("the lab '{id}' asks for no callbacks"))?
        .starter;
    let created = fs::File::create_new(file);
    let written = created.and_then(|mut created| created.write_all(starter.as_bytes()));
    written.map_err(|error| format!("can't write {file}: {error}"))?;
    eprintln!("{file} is yours now; `cargo xtask lab try {id} --ops {file}` tries it");
    Ok(ExitCode::SUCCESS)
}

/// Runs a log with a student's callbacks: its text to standard output, what they did wrong to
/// standard error.
fn run_log(mut arguments: lexopt::Parser) -> Outcome {
    let (mut file, mut log) = (None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("ops") => file = Some(arguments.value()?),
            Value(word) if log.is_none() => log = Some(word),
            other => return Err(other.unexpected().into()),
        }
    }
    let (Some(file), Some(log)) = (file, log) else {
        return Err("usage: lab run --ops FILE LOG".into());
    };
    let colour = io::stderr().is_terminal();
    let code = match read_code(Path::new(&file), colour)? {
        Ok(code) => code,
        Err(refusal) => {
            eprintln!("{refusal}");
            return Ok(ExitCode::from(2));
        }
    };
    let done = ops::run_log(&code, &read_log(Path::new(&log))?)?;
    let text: Vec<u8> = done
        .lines
        .iter()
        .flat_map(|(text, _)| text)
        .copied()
        .collect();
    io::stdout().lock().write_all(&text)?;
    for finding in &done.findings {
        eprintln!("{}", finding.text);
    }
    let status = done.lines.last().map_or(0, |(_, status)| *status);
    Ok(match done.findings.is_empty() {
        true => ExitCode::from(status),
        false => ExitCode::FAILURE,
    })
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
    let (mut words, mut root) = (Vec::new(), None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("beside") => root = Some(PathBuf::from(arguments.value()?)),
            Value(word) => words.push(word),
            other => return Err(other.unexpected().into()),
        }
    }
    let [dir, out] = words.as_slice() else {
        return Err("usage: lab pack DIR OUT [--beside ROOT]".into());
    };
    let (dir, out) = (Path::new(dir), Path::new(out));
    let labs = author::read_catalogue(dir)?;
    let mut beside = Vec::new();
    if let Some(root) = root {
        let examples = author::read_examples(&root.join("labs/examples"))?;
        let terms = author::read_glossary(&root.join("labs/glossary.toml"), &root)?;
        beside.push((example::FILE, example::pack(&examples)));
        beside.push((glossary::TERMS, glossary::pack_terms(&terms)));
        let commands = glossary::commands();
        beside.push((glossary::COMMANDS, glossary::pack_commands(&commands)));
    }
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
    for (name, bytes) in beside {
        fs::write(out.join(name), bytes)?;
    }
    Ok(ExitCode::SUCCESS)
}
