//! The manual: what `man` and `apropos` show.
//!
//! What a command is called with stands in its table (`shell::commands`), which `help` and the Tab key
//! read too. Here is the rest: why, examples, errors, neighbours. It is long, it changes nothing, and most
//! visitors never ask for it; so the kernel itself does not print it, but has whoever keeps the console do
//! so ([`Machine::show_manual`](crate::machine::Machine::show_manual)), who may fetch it then.
//!
//! | file | pages |
//! |---|---|
//! | `files.rs` | files, directories, owners, mounts |
//! | `tasks.rs` | tasks, jobs, time |
//! | `memory.rs` | pages, slabs, trees, swap, the OOM killer |
//! | `shell.rs` | the shell, and what is no command |

mod files;
mod memory;
mod shell;
mod tasks;
#[cfg(test)]
mod tests;

use core::fmt::{self, Write};

use super::commands::manual::TOPICS;
use super::commands::{self, COMMANDS, spawn, subcommands};
use crate::machine::Manual;
use crate::task::program::{CALLS, DOES};

/// A page. Name, synopsis and subcommands come from the commands' tables.
struct Page {
    name: &'static str,
    /// What it is about: paragraphs, each a line.
    about: &'static str,
    /// Lines that can be typed one after the other, and what is to be seen.
    examples: &'static [(&'static str, &'static str)],
    /// What is said when it fails, and why that is.
    errors: &'static [(&'static str, &'static str)],
    /// Pages that go on from here.
    see_also: &'static [&'static str],
}

/// A page: name, text, examples, errors, see also.
macro_rules! page {
    ($name:literal, $about:literal, [$($line:literal => $what:literal),* $(,)?],
     [$($error:literal => $why:literal),* $(,)?], [$($other:literal),* $(,)?] $(,)?) => {
        Page {
            name: $name,
            about: $about,
            examples: &[$(($line, $what)),*],
            errors: &[$(($error, $why)),*],
            see_also: &[$($other),*],
        }
    };
}
use page;

/// Columns of a page.
const WIDTH: usize = 78;

/// Columns that text stands in from the left.
const INDENT: usize = 4;

fn pages() -> impl Iterator<Item = &'static Page> {
    let groups = [files::PAGES, tasks::PAGES, memory::PAGES, shell::PAGES];
    groups.into_iter().flatten()
}

/// What a page is about, in a line.
fn summary(name: &str) -> &'static str {
    let topic = TOPICS.iter().find(|(topic, _)| *topic == name);
    let topic = topic.map(|&(_, summary)| summary);
    topic
        .or_else(|| commands::find(name).map(|command| command.help))
        .unwrap_or("")
}

/// Writes what somebody wants of the manual.
///
/// # Errors
/// Those of `out`.
pub fn write(wanted: Manual<'_>, out: &mut dyn Write) -> fmt::Result {
    match wanted {
        Manual::Page(name) => match pages().find(|page| page.name == name) {
            Some(page) => write_page(page, out),
            None => writeln!(out, "man: there is no page '{name}'"),
        },
        Manual::About(word) => write_list(word, out),
    }
}

fn write_page(page: &Page, out: &mut dyn Write) -> fmt::Result {
    let name = page.name;
    out.write_str("NAME\n")?;
    wrapped(&[name, "-", summary(name)], INDENT, out)?;
    if let Some(command) = commands::find(name) {
        out.write_str("\nSYNOPSIS\n")?;
        for form in command.usage.split(" | ") {
            let is_whole = form.starts_with(name);
            let (before, space) = if is_whole { ("", "") } else { (name, " ") };
            writeln!(out, "    {before}{space}{form}")?;
        }
    }
    if let Some(family) = subcommands::of(name) {
        out.write_str("\nSUBCOMMANDS\n")?;
        for member in family {
            let space = if member.words.is_empty() { "" } else { " " };
            writeln!(out, "    {}{space}{}", member.name, member.words)?;
            wrapped(&[member.help], INDENT * 2, out)?;
        }
    }
    out.write_str("\nDESCRIPTION\n")?;
    for (at, paragraph) in page.about.split('\n').enumerate() {
        if at > 0 {
            out.write_str("\n")?;
        }
        wrapped(&[paragraph], INDENT, out)?;
    }
    match name {
        "syscalls" => write_calls(out)?,
        "spawn" => write_keys(out)?,
        _ => {}
    }
    if !page.examples.is_empty() {
        out.write_str("\nEXAMPLES\n")?;
    }
    for (line, what) in page.examples {
        writeln!(out, "    # {line}")?;
        wrapped(&[what], INDENT * 2, out)?;
    }
    if !page.errors.is_empty() {
        out.write_str("\nERRORS\n")?;
    }
    for (error, why) in page.errors {
        writeln!(out, "    {error}")?;
        wrapped(&[why], INDENT * 2, out)?;
    }
    if !page.see_also.is_empty() {
        out.write_str("\nSEE ALSO\n    ")?;
    }
    for (at, other) in page.see_also.iter().enumerate() {
        write!(out, "{}{other}", if at > 0 { ", " } else { "" })?;
    }
    out.write_str(if page.see_also.is_empty() { "" } else { "\n" })
}

/// The calls of programs, from their table.
fn write_calls(out: &mut dyn Write) -> fmt::Result {
    out.write_str("\nCALLS\n")?;
    for (call, does) in CALLS.iter().zip(DOES) {
        let space = if call.usage.is_empty() { "" } else { " " };
        writeln!(out, "    {}{space}{}", call.name, call.usage)?;
        wrapped(&[does], INDENT * 2, out)?;
    }
    Ok(())
}

/// The keys of `spawn`, from their table.
fn write_keys(out: &mut dyn Write) -> fmt::Result {
    out.write_str("\nKEYS\n")?;
    for (key, takes) in spawn::KEYS {
        writeln!(out, "    {key:<9} {takes}")?;
    }
    Ok(())
}

/// Writes texts one behind the other, in lines that begin and end at a column.
fn wrapped(texts: &[&str], indent: usize, out: &mut dyn Write) -> fmt::Result {
    let mut column = 0;
    let words = texts.iter().flat_map(|text| text.split(' '));
    for word in words.filter(|word| !word.is_empty()) {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            out.write_str("\n")?;
            column = 0;
        }
        match column {
            0 => write!(out, "{:indent$}{word}", "")?,
            _ => write!(out, " {word}")?,
        }
        column += if column == 0 {
            indent + width
        } else {
            1 + width
        };
    }
    out.write_str(if column > 0 { "\n" } else { "" })
}

/// Lists the pages and subcommands that tell of something.
fn write_list(word: &str, out: &mut dyn Write) -> fmt::Result {
    let mut found = false;
    let all = COMMANDS.iter().map(|command| command.name);
    for name in all.chain(TOPICS.iter().map(|(topic, _)| *topic)) {
        let page = pages().find(|page| page.name == name);
        let texts = [name, summary(name), page.map_or("", |page| page.about)];
        let examples = page.map_or(&[][..], |page| page.examples);
        let mut all = texts.iter().chain(examples.iter().map(|(line, _)| line));
        if all.any(|text| holds(text, word)) {
            writeln!(out, "{name:<10} {}", summary(name))?;
            found = true;
        }
        for member in subcommands::of(name).into_iter().flatten() {
            if holds(member.name, word) || holds(member.help, word) {
                writeln!(out, "{name} {} - {}", member.name, member.help)?;
                found = true;
            }
        }
    }
    match found {
        true => Ok(()),
        false => writeln!(out, "{word}: nothing in the manual tells of it"),
    }
}

/// Whether a word stands in a text, in capitals or not.
fn holds(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    text.windows(word.len().max(1))
        .any(|window| window.eq_ignore_ascii_case(word))
}
