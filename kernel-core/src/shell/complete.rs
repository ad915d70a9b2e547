//! What the Tab key offers.

use super::commands::{COMMANDS, spawn, subcommands};
use super::lexer::{Lexer, Token};
use super::{trees, variables};
use crate::container::{SUBSYSTEMS, subsystem_name};
use crate::fs;
use crate::mem::Mem;
use crate::slab;
use crate::task::program::bin::PROGRAMS;
use crate::task::{self, signal::Signal};

/// Offers each word that may stand in place of the line's last word: commands, programs, subcommands,
/// names of trees, numbers of tasks, variables, paths. Candidates of a kind come in order; a directory's
/// path ends with a slash.
pub fn complete(mem: &Mem, line: &str, offer: &mut dyn FnMut(&str)) {
    let last = line.rfind([' ', '\t', ';', '&', '|', '<', '>']);
    let (before, word) = line.split_at(last.map_or(0, |at| at + 1));
    // The first words of the last command, and the one before that to complete.
    let mut command = [""; 2];
    let mut previous = "";
    let mut words = 0;
    let mut names_file = false;
    let mut lexer = Lexer::new(before);
    loop {
        match lexer.next() {
            Ok(None) => break,
            Ok(Some(Token::Operator(operator))) => {
                names_file = operator.is_redirection();
                if !names_file {
                    words = 0;
                }
            }
            Ok(Some(Token::Word(_))) if names_file => names_file = false,
            Ok(Some(Token::Word(word))) => {
                if let Some(slot) = command.get_mut(words) {
                    *slot = word;
                }
                previous = word;
                words += 1;
            }
            // An open quote or the like: nothing to offer.
            Err(_) => return,
        }
    }
    let mut matching = |candidate: &str| {
        if candidate.starts_with(word) {
            offer(candidate);
        }
    };
    if let Some(prefix) = word.strip_prefix('$') {
        return variable_names(mem, prefix, offer);
    }
    match (names_file, words, command) {
        (true, ..) => paths(mem, word, offer),
        (_, 0, _) if word.contains('/') => paths(mem, word, offer),
        (_, 0, _) => {
            let is_own = |name: &str| COMMANDS.iter().any(|command| command.name == name);
            COMMANDS.iter().for_each(|command| matching(command.name));
            let programs = PROGRAMS.iter().map(|(name, _)| *name);
            programs.filter(|name| !is_own(name)).for_each(matching);
        }
        (_, 1, ["help" | "man", _]) => {
            COMMANDS.iter().for_each(|command| matching(command.name));
            matching("syscalls");
        }
        (_, 1, ["spawn", _]) if !word.contains('/') => {
            PROGRAMS.iter().for_each(|(name, _)| matching(name));
        }
        (_, _, ["spawn", _]) if !line.contains(" -- ") => {
            for (key, _) in spawn::KEYS {
                if let Some(candidate) = Candidate::of(&[key, "="]) {
                    matching(candidate.text());
                }
            }
        }
        (_, 1, ["kill", _]) if word.starts_with('-') => {
            for sig in Signal::ALL {
                if let Some(candidate) = Candidate::of(&["-", sig.name()]) {
                    matching(candidate.text());
                }
            }
        }
        (_, _, ["kill" | "renice" | "taskset" | "wait", _]) => numbers_of_tasks(mem, word, offer),
        (_, _, ["ps", _]) if previous == "-p" => numbers_of_tasks(mem, word, offer),
        (_, _, ["mount", _]) if previous == "-t" => fs::file_systems().for_each(matching),
        (_, _, ["mount", _]) if previous == "-o" => {
            // A list: its last word.
            let (before, last) = word
                .rfind(',')
                .map_or(("", word), |at| word.split_at(at + 1));
            let names = (0..SUBSYSTEMS.len()).map(subsystem_name);
            for name in names.filter(|name| name.starts_with(last)) {
                if let Some(candidate) = Candidate::of(&[before, name]) {
                    offer(candidate.text());
                }
            }
        }
        (_, 1, [family, _]) if subcommands::of(family).is_some() => {
            for subcommand in subcommands::of(family).into_iter().flatten() {
                matching(subcommand.name);
            }
        }
        (_, 2, ["kmem", subcommand]) if !matches!(subcommand, "create" | "defrag" | "reap") => {
            slab::caches(mem).for_each(|cache| matching(mem[cache].name()));
            slab::alias::aliases(mem).for_each(|alias| matching(mem[alias].name()));
        }
        (_, 2, ["radix", subcommand])
            if !matches!(subcommand, "create" | "preload" | "preload_end") =>
        {
            trees::trees(mem).for_each(|tree| matching(mem[tree].name()));
        }
        (_, 2, ["radix", "create"]) => {}
        (_, 1, ["pages", _]) => ["alloc", "drain", "free"].into_iter().for_each(matching),
        (_, _, ["radix" | "kmem" | "pages" | "help" | "man" | "read", _]) => {}
        _ => paths(mem, word, offer),
    }
}

/// Text for a candidate that has to be put together; what does not fit is not offered.
struct Candidate {
    text: [u8; fs::PATH_MAX],
    length: usize,
}

impl Candidate {
    /// The parts one behind the other.
    fn of(parts: &[&str]) -> Option<Candidate> {
        let mut candidate = Candidate {
            text: [0; fs::PATH_MAX],
            length: 0,
        };
        for part in parts {
            let end = candidate.length + part.len();
            let room = candidate.text.get_mut(candidate.length..end)?;
            room.copy_from_slice(part.as_bytes());
            candidate.length = end;
        }
        Some(candidate)
    }

    fn text(&self) -> &str {
        core::str::from_utf8(&self.text[..self.length]).unwrap_or("")
    }
}

fn variable_names(mem: &Mem, prefix: &str, offer: &mut dyn FnMut(&str)) {
    for name in variables::names(mem).filter(|name| name.starts_with(prefix)) {
        if let Some(candidate) = Candidate::of(&["$", name]) {
            offer(candidate.text());
        }
    }
}

/// The numbers of living processes that begin like the word.
fn numbers_of_tasks(mem: &Mem, word: &str, offer: &mut dyn FnMut(&str)) {
    let leaders = task::pid::tasks_from(mem, 1).filter(|&task| mem[task].is_leader());
    for pid in leaders.map(|task| mem[task].pid).take(TASKS_MAX) {
        let mut digits = [0; 10];
        let text = decimal(pid, &mut digits);
        if text.starts_with(word) {
            offer(text);
        }
    }
}

/// Processes that are looked at for numbers to offer.
const TASKS_MAX: usize = 1000;

/// A number in decimal digits.
fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &str {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    core::str::from_utf8(&digits[at..]).unwrap_or("")
}

fn paths(mem: &Mem, word: &str, offer: &mut dyn FnMut(&str)) {
    let (directory, prefix) = match word.rfind('/') {
        Some(at) => word.split_at(at + 1),
        None => ("", word),
    };
    let resolved = match directory {
        "" => Ok(fs::pwd(mem)),
        directory => fs::resolve(mem, directory),
    };
    let Ok(resolved) = resolved else {
        // A task's directory is made when somebody looks for it, and here nobody may.
        let name = directory.strip_prefix("/proc/").unwrap_or("");
        let files = fs::task_files(mem, name.trim_end_matches('/'));
        for name in files.filter(|name| name.starts_with(prefix)) {
            if let Some(candidate) = Candidate::of(&[directory, name]) {
                offer(candidate.text());
            }
        }
        return;
    };
    if !fs::is_dir(mem, resolved) {
        return;
    }
    let mut position = 0;
    while let Some((entry, next)) = fs::readdir(mem, resolved, position) {
        position = next;
        let name = entry.text();
        // A name that would need quotes is left to be typed.
        let plain = !name.contains(|c: char| c == ' ' || "\t;&|<>()'\"\\`$#".contains(c));
        if plain && name.starts_with(prefix) {
            // As far as the dentry cache knows: looking must not change memory.
            let is_dir = Candidate::of(&[directory, name])
                .and_then(|path| fs::resolve(mem, path.text()).ok())
                .is_some_and(|dentry| fs::is_dir(mem, dentry));
            let slash = if is_dir { "/" } else { "" };
            if let Some(candidate) = Candidate::of(&[directory, name, slash]) {
                offer(candidate.text());
            }
        }
    }
}
