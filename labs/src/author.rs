//! Makes labs out of the folders that teachers write.
//!
//! A folder is text: `lab.toml`, `handout.md`, `scenario.sh`, `solution.sh`. Whoever writes it is no
//! programmer of ours, so every mistake is told with its file, its line and what to do, and all of
//! them at once. What comes out is data ([`Lab`]) that needs no parser, no Markdown and no
//! sanitiser where it is shown. `labs/catalogue/README.md` describes the format.
//!
//! `settings.rs` reads `lab.toml`, `handout.rs` reads Markdown, `trial.rs` runs a lab in both
//! directions: the empty start must fail, the solution must pass. `skeleton.rs` makes a lab to begin with.
//! `shelf.rs` reads what stands beside the labs: examples and the glossary.

pub mod demo;
mod handout;
mod problem;
mod settings;
mod shelf;
mod skeleton;
mod trial;

use std::fs;
use std::path::Path;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::lab::{Fault, Lab, Numbers, Test, Variable, fill};
use crate::log::is_lab_id;
pub use problem::{Problem, Problems};
pub use shelf::{read_examples, read_glossary};
pub use skeleton::new_lab;
pub use trial::{answers, log_of, try_lab};

/// Variants with which every text of a lab is filled in once, to see whether that goes well.
const VARIANTS_TRIED: u32 = 64;

/// A lab and what only its author's tools use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authored {
    /// The lab.
    pub lab: Lab,
    /// The lines that solve it, numbers still open. They are no part of what students load.
    pub solution: Vec<String>,
    /// Names of the checks that hold before the student has done anything.
    pub holds_at_start: Vec<String>,
    /// The callbacks that the student writes, if the lab asks for them.
    pub ops: Option<Ops>,
}

/// Callbacks that a lab asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ops {
    /// The file that students begin with.
    pub starter: String,
    /// One that passes every check. Students never get it.
    pub solution: String,
}

impl Authored {
    /// The lines that solve a student's lab.
    pub fn solution(&self, variant: u32) -> Vec<String> {
        let numbers = Numbers::draw(&self.lab.varies, variant);
        let lines = self.solution.iter();
        lines
            .map(|line| fill(line, &numbers).unwrap_or_else(|_| line.clone()))
            .collect()
    }
}

/// Reads all labs of a catalogue, a folder of folders, in the order in which students meet them.
///
/// # Errors
/// All that is wrong with any of them.
pub fn read_catalogue(dir: &Path) -> Result<Vec<Authored>, Problems> {
    let mut problems = Problems::default();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            problems.add(dir, 0, format!("can't read this folder: {error}"));
            return Err(problems);
        }
    };
    let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    let mut labs = Vec::new();
    for folder in &folders {
        match read_lab(folder) {
            Ok(lab) => labs.push(lab),
            Err(more) => problems.extend(more),
        }
    }
    if folders.is_empty() {
        problems.add(dir, 0, "there is no lab here: make a folder for one");
    }
    labs.sort_by(|one, other| (one.lab.order, &one.lab.id).cmp(&(other.lab.order, &other.lab.id)));
    // What is required but unreadable has been told already.
    if problems.is_empty() {
        check_order(dir, &labs, &mut problems);
    }
    problems.or(labs)
}

/// Requirements name labs that come before.
fn check_order(dir: &Path, labs: &[Authored], problems: &mut Problems) {
    for (at, Authored { lab, .. }) in labs.iter().enumerate() {
        for required in &lab.requires {
            let file = dir.join(&lab.id).join("lab.toml");
            let is = |other: &Authored| other.lab.id == *required;
            if labs[..at].iter().any(is) {
                continue;
            }
            let why = if labs.iter().any(is) {
                "does not come before this one: lower its `order`, or raise this one's"
            } else {
                "does not exist: `requires` names folders beside this one"
            };
            problems.add(&file, 0, format!("the required lab '{required}' {why}"));
        }
    }
}

/// Reads the folder of one lab; its name is the lab's.
///
/// # Errors
/// All that is wrong with it.
pub fn read_lab(folder: &Path) -> Result<Authored, Problems> {
    let mut problems = Problems::default();
    let name = folder.file_name().and_then(|name| name.to_str());
    let id = name.unwrap_or_default();
    if !is_lab_id(id) {
        problems.add(
            folder,
            0,
            "a lab's folder is named with small letters, digits and hyphens, 64 at most",
        );
        return Err(problems);
    }
    let mut read = |file: &str| {
        let path = folder.join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| {
            problems.add(&path, 0, format!("can't read this file: {error}"));
            String::new()
        })
    };
    let sources =
        ["lab.toml", "handout.md", "scenario.sh", "solution.sh"].map(|file| (file, read(file)));
    if !problems.is_empty() {
        return Err(problems);
    }
    let [(_, settings), (_, handout), (_, scenario), (_, solution)] = &sources;

    let file = folder.join("lab.toml");
    let Some(mut authored) = settings::read(&file, settings, &mut problems) else {
        return Err(problems);
    };
    authored.lab.id = id.into();
    authored.lab.handout = handout::read(&folder.join("handout.md"), handout, &mut problems);
    authored.lab.scenario = script(scenario);
    authored.solution = script(solution);
    read_trials(folder, &mut authored, &mut problems);
    check_questions(
        &folder.join("handout.md"),
        handout,
        &authored.lab,
        &mut problems,
    );
    for (file, text) in &sources {
        check_numbers(
            &folder.join(file),
            text,
            &authored.lab.varies,
            &mut problems,
        );
    }
    problems.or(authored)
}

/// Reads the trials of a lab that asks for callbacks, and the callbacks.
fn read_trials(folder: &Path, authored: &mut Authored, problems: &mut Problems) {
    let mut read = |file: &Path| {
        fs::read_to_string(file).unwrap_or_else(|error| {
            problems.add(file, 0, format!("can't read this file: {error}"));
            String::new()
        })
    };
    let mut trials = Vec::new();
    for check in &mut authored.lab.checks {
        if let Test::Ops { lines, .. } = &mut check.test {
            let file = folder.join("trials").join(format!("{}.sh", lines.concat()));
            let text = read(&file);
            *lines = script(&text);
            trials.push((file, text));
        }
    }
    if !trials.is_empty() {
        authored.ops = Some(Ops {
            starter: read(&folder.join("ops.rs")),
            solution: read(&folder.join("solution.rs")),
        });
    }
    for (file, text) in trials {
        check_numbers(&file, &text, &authored.lab.varies, problems);
    }
}

/// The lines of a script that do something: no blank ones, no comments.
fn script(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let kept = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    kept.map(String::from).collect()
}

/// Questions have names of their own: progress is kept under them.
fn check_questions(file: &Path, text: &str, lab: &Lab, problems: &mut Problems) {
    let questions = lab.questions();
    for (at, question) in questions.iter().enumerate() {
        if questions[..at].iter().any(|other| other.id == question.id) {
            let line = problem::line_with(text, &format!("\"{}\"", question.id));
            let message = format!("two questions are called '{}': rename one", question.id);
            problems.add(file, line, message);
        }
    }
}

/// Whatever stands between braces can be worked out, whoever the student is.
fn check_numbers(file: &Path, text: &str, variables: &[Variable], problems: &mut Problems) {
    let ends = |end: fn(&Variable) -> u64| {
        let pinned = variables.iter().map(|variable| Variable {
            from: end(variable),
            to: end(variable),
            ..variable.clone()
        });
        Numbers::draw(&pinned.collect::<Vec<_>>(), 0)
    };
    let mut tried = Vec::from([ends(|variable| variable.from), ends(|variable| variable.to)]);
    tried.extend((0..VARIANTS_TRIED).map(|variant| Numbers::draw(variables, variant)));
    for (number, line) in (1..).zip(text.lines()) {
        let Some(fault) = tried.iter().find_map(|numbers| fill(line, numbers).err()) else {
            continue;
        };
        let message = match fault {
            Fault::Syntax(piece) => format!(
                "'{piece}' is no expression: between {{{{ and }}}}, on one line, stand names, \
                 numbers and operators, as in {{{{key / 64}}}} or {{{{key:x}}}}"
            ),
            Fault::Unknown(name) => {
                format!("there is no number '{name}': declare it in lab.toml, under [[varies]]")
            }
            Fault::Range(piece) => format!(
                "'{piece}' goes below 0, beyond 64 bits, or divides by 0 for some student: \
                 narrow the range of its numbers"
            ),
        };
        problems.add(file, number, message);
    }
}

#[cfg(test)]
mod tests;
