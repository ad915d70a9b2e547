//! What the Tab key offers.

use super::commands::{COMMANDS, subcommands};
use super::lexer::{Lexer, Token};
use super::{trees, variables};
use crate::fs;
use crate::mem::Mem;
use crate::slab;

/// Offers each word that may stand in place of the line's last word: commands, subcommands, names
/// of trees, variables, paths. Candidates come in order; a directory's path ends with a slash.
pub fn complete(mem: &Mem, line: &str, offer: &mut dyn FnMut(&str)) {
    let last = line.rfind([' ', '\t', ';', '&', '|', '<', '>']);
    let (before, word) = line.split_at(last.map_or(0, |at| at + 1));
    // The words of the last command before the one to complete.
    let mut command = [""; 2];
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
        (_, 0, _) => COMMANDS.iter().for_each(|command| matching(command.name)),
        (_, 1, ["help", _]) => COMMANDS.iter().for_each(|command| matching(command.name)),
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
        (_, _, ["radix" | "kmem" | "pages" | "help" | "read" | "taskset", _]) => {}
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
