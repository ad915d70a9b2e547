//! The console's command language.
//!
//! Everything that happens to a kernel is a console line, and this module runs it. The language is
//! a small part of the Bourne shell's: words and quotes, variables, `;`, `&&`, `||`, `&`, redirections
//! and comments. A command is a function (`commands/`) that the shell calls, or a program of the file
//! system that a child of the shell runs. There is no globbing.
//!
//! Commands take no time. It passes while the shell waits: for a program in the foreground, in `wait`
//! and in `sleep`. What ended meanwhile in the background is told at the end of the line.
//!
//! A line is checked as a whole before any of it runs: a line that is too long, is not text, or
//! breaks the grammar changes nothing and has status 2. A command that ran has status 0, or 1 if
//! the kernel refused, or 2 if it was called wrongly.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | the shell's data, and a line from its bytes to its status |
//! | `lexer.rs` | a line into words and operators |
//! | `words.rs` | quotes and variables in a word |
//! | `variables.rs` | where variables are kept |
//! | `exec.rs` | lists of commands, redirections |
//! | `programs.rs` | programs in the foreground and in the background |
//! | `jobs.rs` | what runs in the background, and what became of it |
//! | `context.rs` | what a command sees: memory, input, output |
//! | `units.rs` | durations, sizes and lists as they are typed |
//! | `trees.rs` | radix trees with names |
//! | `usage.rs` | usage lines, and what may come next in one |
//! | `complete.rs` | what the Tab key offers |
//! | `nearest.rs` | what somebody meant who mistyped a name |
//! | `commands/` | the commands |
//! | `manual/` | what `man` shows |

mod agents;
mod commands;
mod complete;
mod context;
mod exec;
#[cfg(test)]
mod job_tests;
mod jobs;
mod lexer;
#[cfg(test)]
mod life_tests;
pub mod manual;
mod nearest;
mod programs;
#[cfg(test)]
mod tests;
mod trees;
mod units;
mod usage;
mod variables;
mod words;

pub use complete::{WORD_ENDS, complete};
pub use jobs::Job;
pub use trees::{NamedTree, current_tree, find_tree, trees};

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::btf::describe;
use crate::errno::Errno;
use crate::machine::Machine;
use crate::mem::{ListHead, Mem, PageFlag, Ref, layout};
use crate::oom;
use crate::printk::LOG;
use crate::slab::KmemCache;
use crate::tty;
use context::Context;

/// All commands: the name, how it is used, what it does in a line.
pub fn commands() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let all = commands::COMMANDS.iter();
    all.map(|command| (command.name, command.usage, command.help))
}

/// The members of a command that is a family, such as `radix`; likewise.
pub fn subcommands(
    family: &str,
) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let members = commands::subcommands::of(family).unwrap_or_default();
    members.iter().map(|it| (it.name, it.words, it.help))
}

/// The longest console line, in bytes.
pub const LINE_MAX: usize = 4096;

/// Status of a line or command that was written wrongly.
const STATUS_USAGE: u8 = 2;
/// Status of a program that cannot be run.
const STATUS_NOT_EXECUTABLE: u8 = 126;
/// Status of a command that does not exist.
const STATUS_NOT_FOUND: u8 = 127;

/// The static data of this module.
pub const SHELL: Ref<ShellData> = Ref::of_frame(layout::SHELL);

/// What the shell keeps from one line to the next.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct ShellData {
    /// The named radix trees, in the order of their creation.
    pub trees: ListHead,
    /// The blocks that `pages alloc` has handed out, linked through `Page::lru`.
    pub pages: ListHead,
    /// What runs in the background, and what ended there and was not told yet, by number.
    jobs: ListHead,
    job_cache: Ref<KmemCache>,
    /// Number of the task that was put into the background last, `$!`; 0 if none was.
    last_job: u32,
    tree_cache: Ref<KmemCache>,
    current_tree: Ref<NamedTree>,
    /// Status of the last command, `$?`.
    pub status: u32,
    /// Whether the machine was powered off.
    off: u32,
    variables: variables::Variables,
}

const _: () = assert!(size_of::<ShellData>() <= crate::mem::FRAME_SIZE);

describe!(
    ShellData,
    "shell_data",
    [
        trees,
        pages,
        jobs,
        job_cache,
        last_job,
        tree_cache,
        current_tree,
        status,
        off,
        variables
    ]
);

/// A word as a message shows it, which may be any user's: short, and without control characters.
pub(crate) fn shortened(word: &str) -> impl fmt::Display + '_ {
    lexer::Shortened(word)
}

/// Head of the list of named trees.
fn trees_head() -> Ref<ListHead> {
    SHELL.byte_add(core::mem::offset_of!(ShellData, trees))
}

/// Head of the list of pages that `pages alloc` has handed out.
fn pages_head() -> Ref<ListHead> {
    SHELL.byte_add(core::mem::offset_of!(ShellData, pages))
}

/// Sets up the shell.
pub(crate) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    mem.list_init(trees_head());
    mem.list_init(pages_head());
    jobs::boot(mem)?;
    trees::boot(mem)
}

/// Whether the machine was powered off, or the kernel has panicked.
pub(crate) fn is_off(mem: &Mem) -> bool {
    mem[SHELL].off != 0 || oom::has_panicked(mem)
}

/// Runs one console line and returns its status: that of its last command.
pub(crate) fn run_line(mem: &mut Mem, machine: &mut dyn Machine, line: &[u8]) -> u8 {
    let status = run_text(mem, machine, line);
    show_terminal(mem, machine);
    jobs::report(mem, machine);
    show_log(mem, machine);
    status
}

/// Shows what programs have printed: while time passes, and at the end of a line.
fn show_terminal(mem: &mut Mem, machine: &mut dyn Machine) {
    tty::drain(mem, &mut |text| machine.console_write(text));
}

/// Shows what the kernel's log has gained.
fn show_log(mem: &mut Mem, machine: &mut dyn Machine) {
    let mut buffer = [0; 256];
    let mut position = mem[LOG].shown.max(mem.log_start());
    loop {
        let count = mem.read_log(position, &mut buffer);
        if count == 0 {
            break;
        }
        machine.console_write(&buffer[..count]);
        position += count as u64;
    }
    if mem[LOG].shown != position {
        mem[LOG].shown = position;
    }
}

fn run_text(mem: &mut Mem, machine: &mut dyn Machine, line: &[u8]) -> u8 {
    let mut context = Context::new(mem, machine);
    if is_off(context.mem) {
        context.error(match oom::has_panicked(context.mem) {
            true => format_args!("sh: the machine has halted: kernel panic"),
            false => format_args!("sh: the machine is off"),
        });
        return 1;
    }
    let status = match text_of(line) {
        Ok(text) => match exec::check(text) {
            Ok(()) => return exec::run(&mut context, text),
            Err(error) => {
                context.error(format_args!("sh: {error}"));
                STATUS_USAGE
            }
        },
        Err(error) => {
            context.error(format_args!("sh: {error}"));
            STATUS_USAGE
        }
    };
    context.mem[SHELL].status = u32::from(status);
    status
}

/// Why a line is no text.
enum BadText {
    TooLong(usize),
    NotUtf8(usize),
    Control { character: char, at: usize },
}

impl fmt::Display for BadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            BadText::TooLong(length) => {
                write!(f, "line too long ({length} bytes; the limit is {LINE_MAX})")
            }
            BadText::NotUtf8(at) => write!(f, "not valid UTF-8 at byte {at}"),
            BadText::Control { character, at } => {
                let code = u32::from(character);
                write!(f, "control character U+{code:04X} at byte {at}")
            }
        }
    }
}

/// The line as text without control characters.
fn text_of(line: &[u8]) -> Result<&str, BadText> {
    if line.len() > LINE_MAX {
        return Err(BadText::TooLong(line.len()));
    }
    let text = core::str::from_utf8(line).map_err(|error| BadText::NotUtf8(error.valid_up_to()))?;
    let control = |&(_, c): &(usize, char)| c.is_control() && c != '\t';
    match text.char_indices().find(control) {
        Some((at, character)) => Err(BadText::Control { character, at }),
        None => Ok(text),
    }
}

/// Checks the shell's variables, trees and pages; and, as the last of all, that every page in use
/// has an owner.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    variables::check(mem)?;
    trees::check(mem)?;
    jobs::check(mem)?;
    if !mem.list_is_sound(pages_head(), mem.frames()) {
        return Err("shell: the list of allocated pages is broken");
    }
    let mut listed: i64 = 0;
    for link in mem.list_iter(pages_head()) {
        listed += 1;
        let page = &mem[commands::pages::page_of(link)];
        let marked = page.mapping == commands::pages::OWNER;
        if !marked || page.count != 1 || page.is(PageFlag::Slab) || page.is(PageFlag::PageCache) {
            return Err("shell: a page on the list is not one that was handed out");
        }
    }
    for frame in 0..mem.frames() {
        let page = &mem[mem.page(frame)];
        let listed_page = page.mapping == commands::pages::OWNER;
        listed -= i64::from(listed_page);
        let owned = [
            PageFlag::Reserved,
            PageFlag::Slab,
            PageFlag::PageCache,
            PageFlag::Slob,
            PageFlag::Large,
            PageFlag::Anon,
            PageFlag::PageTable,
        ]
        .into_iter()
        .any(|flag| page.is(flag));
        if page.count > 0 && !owned && !listed_page {
            return Err("shell: a page in use belongs to nobody");
        }
    }
    if listed != 0 {
        return Err("shell: a page that was handed out is not on the list");
    }
    Ok(())
}
