//! `true`, `false`, `help`, `exit`.

use core::fmt::Write;

use super::{COMMANDS, Outcome, Stop, manual, subcommands};
use crate::shell::SHELL;
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::words::Words;

pub(super) fn succeeds(_: &mut Context<'_>, _: &Words) -> Outcome {
    Ok(0)
}

pub(super) fn fails(_: &mut Context<'_>, _: &Words) -> Outcome {
    Ok(1)
}

pub(super) fn exit(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() > 1 {
        return Err(Stop::Usage);
    }
    context.mem[SHELL].off = 1;
    Ok(0)
}

/// Where to go on, for `help`.
const MORE: &str = "
help COMMAND says how it is called, man COMMAND all about it, man -k WORD who tells of something.
man shell: how lines are written. man intro: where the kernel's state stands. man syscalls: programs
of one's own; ls /bin lists those that there are. The Tab key offers what may come next.
";

pub(super) fn help(context: &mut Context<'_>, words: &Words) -> Outcome {
    match (words.get(1), words.len()) {
        (None, _) => {
            for command in COMMANDS {
                writeln!(context, "{:<9} {}", command.name, command.help)?;
            }
            context.write_str(MORE)?;
            Ok(0)
        }
        (Some(name), 2) => {
            let Some(command) = super::find(name) else {
                let is_topic = manual::TOPICS.iter().any(|(topic, _)| *topic == name);
                let (meant, name) = (manual::nearest_page(name), Shortened(name));
                match meant {
                    _ if is_topic => context.error(format_args!(
                        "help: '{name}' is no command; man {name} tells of it"
                    )),
                    Some(meant) => context.error(format_args!(
                        "help: there is no command '{name}'; did you mean {meant}?"
                    )),
                    None => context.error(format_args!("help: there is no command '{name}'")),
                }
                return Ok(1);
            };
            writeln!(context, "{}: {}", command.name, command.help)?;
            if let Some(family) = subcommands::of(command.name) {
                for subcommand in family {
                    let (name, words) = (subcommand.name, subcommand.words);
                    // A usage that is too long for its column has a line of its own.
                    let width = 36_usize.saturating_sub(name.len());
                    write!(context, "  {} {name} {words:<width$}", command.name)?;
                    if words.len() > width {
                        write!(context, "\n{:1$}", "", 40 + command.name.len())?;
                    }
                    writeln!(context, " {}", subcommand.help)?;
                }
                let more = match command.name {
                    "radix" => {
                        "What only looks at T takes a file's path as well: its pages are a tree.\n"
                    }
                    "kmem" => {
                        "An ADDRESS is one as printed, or NAME:N, the N-th object that list prints, \
                         from 0; +BYTES may follow.\n"
                    }
                    _ => "",
                };
                context.write_str(more)?;
            } else {
                writeln!(context, "usage: {}", command.usage)?;
            }
            Ok(0)
        }
        _ => Err(Stop::Usage),
    }
}
