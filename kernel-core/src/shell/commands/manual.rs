//! `man` and `apropos`.
//!
//! The kernel knows which pages there are; what stands in them is shown by whoever keeps its console, as
//! long texts are no part of what a line does. See [`crate::shell::manual`].

use super::{COMMANDS, Outcome, Stop};
use crate::machine::Manual;
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::nearest::nearest;
use crate::shell::words::Words;
use crate::task::program::bin::PROGRAMS;

/// Pages that are about no command, and what they are about.
pub(in crate::shell) const TOPICS: &[(&str, &str)] = &[
    ("intro", "the files in which the kernel's state stands"),
    ("shell", "how lines are written"),
    (
        "syscalls",
        "how programs are written, and what they may ask",
    ),
];

/// `man PAGE`, `man -k WORD`.
pub(super) fn man(context: &mut Context<'_>, words: &Words) -> Outcome {
    match (words.get(1), words.get(2), words.len()) {
        (Some("-k"), Some(word), 3) => show(context, "man", Manual::About(word)),
        (Some(name), None, 2) if !name.starts_with('-') => {
            if is_page(name) {
                return show(context, "man", Manual::Page(name));
            }
            let is_program = PROGRAMS.iter().any(|(program, _)| *program == name);
            let (meant, name) = (nearest_page(name), Shortened(name));
            match meant {
                _ if is_program => context.error(format_args!(
                    "man: there is no page '{name}'; cat /bin/{name} shows the program"
                )),
                Some(meant) => context.error(format_args!(
                    "man: there is no page '{name}'; did you mean {meant}?"
                )),
                None => context.error(format_args!("man: there is no page '{name}'")),
            }
            Ok(1)
        }
        _ => Err(Stop::Usage),
    }
}

/// `apropos WORD`.
pub(super) fn apropos(context: &mut Context<'_>, words: &Words) -> Outcome {
    match (words.get(1), words.len()) {
        (Some(word), 2) => show(context, "apropos", Manual::About(word)),
        _ => Err(Stop::Usage),
    }
}

/// All pages, in two orders.
fn names() -> impl Iterator<Item = &'static str> {
    let commands = COMMANDS.iter().map(|command| command.name);
    commands.chain(TOPICS.iter().map(|(topic, _)| *topic))
}

fn is_page(name: &str) -> bool {
    names().any(|page| page == name)
}

/// The page that was meant by a name that is none.
pub(super) fn nearest_page(name: &str) -> Option<&'static str> {
    nearest(name, names())
}

/// Has what is wanted shown. What the kernel does does not depend on whether somebody shows it.
fn show(context: &mut Context<'_>, command: &str, wanted: Manual<'_>) -> Outcome {
    if context.output.is_some() {
        context.error(format_args!(
            "{command}: pages are shown at the console only"
        ));
        return Ok(1);
    }
    // What was printed before stays before it; its failure is told at the command's end.
    let _ = context.flush();
    if !context.show_manual(wanted) {
        context.error(format_args!(
            "{command}: nobody shows it here: a line has to say `{command}` in plain letters, and for few pages"
        ));
    }
    Ok(0)
}
