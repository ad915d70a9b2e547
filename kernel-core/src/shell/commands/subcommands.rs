//! Commands that are families: `radix insert`, `kmem alloc`.

use super::{Outcome, Stop, number};
use crate::shell::STATUS_USAGE;
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::nearest::nearest;
use crate::shell::words::Words;

/// A member of a family.
pub(in crate::shell) struct Subcommand {
    /// What is typed.
    pub name: &'static str,
    /// The words behind it.
    pub words: &'static str,
    /// What it does, in a line.
    pub help: &'static str,
    /// How many words it takes, at least and at most.
    pub arguments: (usize, usize),
    /// What runs it.
    pub(super) run: fn(&mut Context<'_>, &Arguments<'_>) -> Outcome,
}

/// A table of subcommands: a name, its words, how many they are, the function, a line of help.
macro_rules! subcommands {
    ($($name:literal, $words:literal, $least:literal..=$most:literal,
       $run:path, $help:literal;)*) => {
        /// All subcommands.
        pub(in crate::shell) static SUBCOMMANDS: &[$crate::shell::commands::subcommands::Subcommand] =
            &[$($crate::shell::commands::subcommands::Subcommand {
                name: $name, words: $words, help: $help, arguments: ($least, $most), run: $run,
            },)*];
    };
}
pub(super) use subcommands;

/// The words behind a subcommand.
pub(in crate::shell) struct Arguments<'a> {
    /// The family's name.
    pub command: &'static str,
    words: &'a Words,
}

impl<'a> Arguments<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.words.len() - 2
    }

    /// The argument at `index`, counted from 0; its presence was checked.
    pub fn get(&self, index: usize) -> &'a str {
        self.words.get(index + 2).unwrap_or("")
    }

    /// The arguments from `index` on.
    pub fn iter_from(&self, index: usize) -> impl Iterator<Item = &'a str> {
        self.words.iter_from(index + 2)
    }

    /// Reads the number at `index`; says so if it is none.
    pub fn number(
        &self,
        context: &mut Context<'_>,
        index: usize,
        what: &str,
        max: u64,
    ) -> Result<u64, Told> {
        number(context, self.command, what, self.get(index), max).ok_or(Told)
    }
}

/// A call is wrong in a way that was told; the status is 2.
pub(in crate::shell) struct Told;

/// Turns a call that was told to be wrong into its status.
macro_rules! told {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err($crate::shell::commands::subcommands::Told) => {
                return Ok($crate::shell::STATUS_USAGE);
            }
        }
    };
}
pub(super) use told;

/// Ends the command with a printed errno if there is one.
macro_rules! errno {
    ($context:expr, $result:expr) => {
        match $result {
            Ok(value) => value,
            Err(errno) => {
                return $crate::shell::commands::print_result($context, Err(errno));
            }
        }
    };
}
pub(super) use errno;

/// Finds the subcommand that is meant and runs it.
pub(super) fn run(
    context: &mut Context<'_>,
    words: &Words,
    command: &'static str,
    table: &[Subcommand],
) -> Outcome {
    let name = words.get(1).ok_or(Stop::Usage)?;
    let Some(subcommand) = table.iter().find(|subcommand| subcommand.name == name) else {
        let names = table.iter().map(|subcommand| subcommand.name);
        let meant = nearest(name, names).ok_or(Stop::Usage)?;
        let name = Shortened(name);
        context.error(format_args!(
            "{command}: there is no '{name}'; did you mean {meant}?"
        ));
        return Ok(STATUS_USAGE);
    };
    let arguments = Arguments { command, words };
    let (least, most) = subcommand.arguments;
    if !(least..=most).contains(&arguments.len()) {
        context.error(format_args!(
            "{command}: usage: {command} {name} {}",
            subcommand.words
        ));
        return Ok(STATUS_USAGE);
    }
    (subcommand.run)(context, &arguments)
}

/// The subcommands of a command, if it is a family.
pub(in crate::shell) fn of(command: &str) -> Option<&'static [Subcommand]> {
    match command {
        "dcache" => Some(super::dcache::SUBCOMMANDS),
        "radix" => Some(super::radix::SUBCOMMANDS),
        "conn" => Some(super::conn::SUBCOMMANDS),
        "oom" => Some(super::oom::SUBCOMMANDS),
        "kmem" => Some(super::kmem::SUBCOMMANDS),
        _ => None,
    }
}
