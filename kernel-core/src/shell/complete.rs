//! What the Tab key offers.

use super::commands::manual::TOPICS;
use super::commands::{self, COMMANDS, spawn, subcommands};
use super::lexer::{Lexer, Token};
use super::usage::{Kind, Usage};
use super::{jobs, trees, variables};
use crate::container::{SUBSYSTEMS, subsystem_name};
use crate::fs;
use crate::mem::Mem;
use crate::oom::policy;
use crate::slab;
use crate::task::program::bin::PROGRAMS;
use crate::task::{self, signal::Signal};

/// What ends a word, as far as the Tab key is concerned: whoever shows a candidate puts it in the place of
/// what stands behind the last of these.
pub const WORD_ENDS: [char; 7] = [' ', '\t', ';', '&', '|', '<', '>'];

/// Offers each word that may stand in place of the line's last word: commands and programs; behind a
/// command what its usage line says (`shell::usage`): subcommands, options, names of trees and
/// caches, numbers of tasks, paths; variables. Candidates of a kind come in order. One that ends with a
/// slash, `=` or `:` is a beginning, and goes on.
pub fn complete(mem: &Mem, line: &str, offer: &mut dyn FnMut(&str)) {
    let last = line.rfind(WORD_ENDS);
    let (before, word) = line.split_at(last.map_or(0, |at| at + 1));
    // What the last command's usage says of the word to complete; `None` if it has none.
    let mut usage = None;
    let mut command = "";
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
                match (words, &mut usage) {
                    (0, _) => {
                        command = word;
                        usage = commands::find(word).map(|it| Usage::new(it.usage, it.name));
                    }
                    (1, _) if subcommands::of(command).is_some() => {
                        let family = subcommands::of(command).unwrap_or(&[]);
                        let found = family.iter().find(|it| it.name == word);
                        usage = Some(Usage::new(found.map_or("", |it| it.words), ""));
                    }
                    (_, Some(usage)) => usage.step(word),
                    (_, None) => {}
                }
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
    match (names_file, words, usage) {
        (true, ..) => paths(mem, word, offer),
        (_, 0, _) if word.contains('/') => paths(mem, word, offer),
        (_, 0, _) => {
            let is_own = |name: &str| commands::find(name).is_some();
            COMMANDS.iter().for_each(|command| matching(command.name));
            let programs = PROGRAMS.iter().map(|(name, _)| *name);
            programs.filter(|name| !is_own(name)).for_each(matching);
        }
        (_, 1, Some(_)) if subcommands::of(command).is_some() => {
            let family = subcommands::of(command).unwrap_or(&[]);
            family.iter().for_each(|it| matching(it.name));
        }
        (_, _, Some(usage)) => by_usage(mem, &usage, word, offer),
        // A program: whatever it takes, a path is the most likely.
        (_, _, None) => paths(mem, word, offer),
    }
}

/// Kinds and words that are kept apart, so that none is offered twice.
const OFFERS_MAX: usize = 24;

/// Offers what a usage line says may stand in place of `word`.
fn by_usage(mem: &Mem, usage: &Usage<'_>, word: &str, offer: &mut dyn FnMut(&str)) {
    let mut offered = [""; OFFERS_MAX];
    let mut count = 0;
    for alternative in usage.next() {
        if offered[..count].contains(&alternative.text) {
            continue;
        }
        if let Some(slot) = offered.get_mut(count) {
            *slot = alternative.text;
            count += 1;
        }
        let (plain, name) = (alternative.plain(), alternative.stands_for());
        // A word as it is, the beginning of `KEY=`, and what may be followed by more in brackets.
        let as_it_is =
            |name: &str| name.starts_with('[') || plain.ends_with('=') && word.len() < plain.len();
        if let Some(name) = name.filter(|name| !as_it_is(name)) {
            if let Some(rest) = word.strip_prefix(plain) {
                values(mem, Kind::of(name), [plain, rest], offer);
            }
            continue;
        }
        // Options are offered to whoever has typed their beginning, or nothing would stand out.
        let is_asked_for = !word.is_empty() || !plain.starts_with('-');
        if is_asked_for && !plain.is_empty() && plain.starts_with(word) {
            offer(plain);
        }
    }
}

/// Offers what is of a kind and begins like the word, behind what stands before it.
fn values(mem: &Mem, kind: Kind, [plain, word]: [&str; 2], offer: &mut dyn FnMut(&str)) {
    // Of a list, the last one.
    let at = word.rfind(',').filter(|_| kind.is_list());
    let (before, last) = word.split_at(at.map_or(0, |at| at + 1));
    let mut with_end = |name: &str, end: &str| {
        if name.starts_with(last)
            && let Some(candidate) = Candidate::of(&[plain, before, name, end])
        {
            offer(candidate.text());
        }
    };
    let mut each = |name: &str| with_end(name, "");
    match kind {
        Kind::Free => {}
        Kind::Path => paths(mem, word, offer),
        // What looks at a tree looks at a file's as well.
        Kind::Tree | Kind::Program if word.contains('/') => paths(mem, word, offer),
        Kind::Tree => trees::trees(mem).for_each(|tree| each(mem[tree].name())),
        Kind::Cache | Kind::Object => {
            let end = if kind == Kind::Object { ":" } else { "" };
            slab::caches(mem).for_each(|cache| with_end(mem[cache].name(), end));
            slab::alias::aliases(mem).for_each(|alias| with_end(mem[alias].name(), end));
        }
        Kind::Pid => {
            let leaders = task::pid::tasks_from(mem, 1).filter(|&task| mem[task].is_leader());
            for pid in leaders.map(|task| mem[task].pid).take(TASKS_MAX) {
                each(decimal(pid, &mut [0; 10]));
            }
        }
        Kind::Job => jobs::jobs(mem).for_each(|job| each(decimal(mem[job].number, &mut [0; 10]))),
        Kind::Signal => Signal::ALL.iter().for_each(|sig| each(sig.name())),
        Kind::Command => COMMANDS.iter().for_each(|command| each(command.name)),
        Kind::Page => {
            COMMANDS.iter().for_each(|command| each(command.name));
            TOPICS.iter().for_each(|(topic, _)| each(topic));
        }
        Kind::Program => PROGRAMS.iter().for_each(|(name, _)| each(name)),
        Kind::FileSystem => fs::file_systems().for_each(each),
        Kind::Subsystem => (0..SUBSYSTEMS.len()).for_each(|nr| each(subsystem_name(nr))),
        Kind::Policy => policy::policies(mem).for_each(|(_, policy)| each(policy.name())),
        Kind::Key => spawn::KEYS.iter().for_each(|(key, _)| with_end(key, "=")),
        Kind::Words(words) => words.iter().for_each(|word| each(word)),
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
