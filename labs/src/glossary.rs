//! The words of our systems, and the console's commands, as the page fetches them.
//!
//! The glossary is written in `labs/glossary.toml`; the commands are the shell's own table, read when the
//! page is built. Both are searched, so both are files of their own that a first visit does not load.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::example::System;
use crate::lab::{from_bytes, to_bytes};

/// The glossary's file, in the folder of the labs.
pub const TERMS: &str = "glossary.bin";
/// The commands' file, there.
pub const COMMANDS: &str = "commands.bin";

/// A word, and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// Its name in addresses: small letters, digits and hyphens.
    pub id: String,
    /// The word.
    pub name: String,
    /// What it belongs to.
    pub system: System,
    /// What it means, in one to three sentences.
    pub says: String,
    /// Where it appears in the source.
    pub places: Vec<Place>,
    /// Other terms, by [`Term::id`].
    pub see: Vec<String>,
}

/// A place in the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, from the repository's root.
    pub file: String,
    /// What is there: a function, a type, a constant.
    pub item: String,
}

/// A command of the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What is typed: `cat`, `radix insert`.
    pub name: String,
    /// The words behind it.
    pub words: String,
    /// What it does, in a line.
    pub says: String,
}

/// All commands of the console, those of families among them.
pub fn commands() -> Vec<Command> {
    let mut commands = Vec::new();
    for (name, words, says) in kernel_core::shell::commands() {
        // A family's own line only says that there is one.
        let mut members = kernel_core::shell::subcommands(name).peekable();
        let is_family = members.peek().is_some();
        commands.extend(members.map(|(member, words, says)| Command {
            name: [name, " ", member].concat(),
            words: words.into(),
            says: says.into(),
        }));
        // The words begin with the name.
        let words = words.strip_prefix(name).unwrap_or(words).trim_start();
        commands.push(Command {
            name: name.into(),
            words: if is_family {
                String::new()
            } else {
                words.into()
            },
            says: says.into(),
        });
    }
    commands
}

/// Writes terms as the file that the page fetches.
pub fn pack_terms(terms: &[Term]) -> Vec<u8> {
    to_bytes(&terms)
}

/// Writes commands likewise.
pub fn pack_commands(commands: &[Command]) -> Vec<u8> {
    to_bytes(&commands)
}

/// Reads the glossary's file.
///
/// # Errors
/// A sentence for a person.
pub fn unpack_terms(bytes: &[u8]) -> Result<Vec<Term>, String> {
    from_bytes(bytes)
}

/// Reads the commands' file.
///
/// # Errors
/// A sentence for a person.
pub fn unpack_commands(bytes: &[u8]) -> Result<Vec<Command>, String> {
    from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_those_of_the_shell() {
        let commands = commands();
        let find = |name: &str| commands.iter().find(|command| command.name == name);
        assert!(find("cat").is_some_and(|cat| cat.says.contains("print files")));
        let insert = find("radix insert").expect("a family's");
        assert_eq!(insert.words, "T KEY ITEM");
        assert!(commands.len() > 70, "{}", commands.len());
        let all_speak = commands.iter().all(|command| !command.says.is_empty());
        assert!(all_speak);
        assert_eq!(unpack_commands(&pack_commands(&commands)), Ok(commands));
    }
}
