//! The teacher's tool: `lab pack DIR OUT`.
//!
//! `DIR` is a catalogue, a folder of labs; see `labs/catalogue/README.md`.
//!
//! | command | what it does |
//! |---|---|
//! | `lab pack DIR OUT` | writes the catalogue as the files that the page loads; `OUT` is replaced |

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use labs::author;
use labs::lab::{CATALOGUE, Entry, file_name, to_bytes};
use lexopt::prelude::*;

type Outcome = Result<ExitCode, Box<dyn Error>>;

fn main() -> ExitCode {
    dispatch().unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(2)
    })
}

fn dispatch() -> Outcome {
    let mut arguments = lexopt::Parser::from_env();
    let command = match arguments.next()? {
        Some(Value(command)) => command.string()?,
        _ => return Err("which command? pack".into()),
    };
    let mut words = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    match (command.as_str(), words.as_slice()) {
        ("pack", [dir, out]) => pack(Path::new(dir), Path::new(out)),
        ("pack", _) => Err("usage: lab pack DIR OUT".into()),
        _ => Err(format!("there is no command `{command}`").into()),
    }
}

/// Writes the files that the page loads.
fn pack(dir: &Path, out: &Path) -> Outcome {
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
