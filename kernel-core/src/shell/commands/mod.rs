//! The commands: a table, and one file a group.
//!
//! A command gets the words of its line, itself first, prints with `write!` and returns its status.

pub(in crate::shell) mod conn;
mod control;
mod dcache;
mod files;
mod find;
mod jobs;
mod kill;
mod kmem;
pub(in crate::shell) mod manual;
mod mount;
mod oom;
mod owners;
pub(super) mod pages;
mod ps;
mod radix;
mod radix_show;
pub(in crate::shell) mod spawn;
pub(in crate::shell) mod subcommands;
mod swap;
mod task;
mod text;

use core::fmt;

use super::context::Context;
use super::words::Words;
use crate::errno::Errno;

/// Why a command ended without a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Its words were wrong; the shell prints how it is used.
    Usage,
    /// Its output failed, or its steps are used up. The shell knows which.
    Interrupted,
}

impl From<fmt::Error> for Stop {
    fn from(_: fmt::Error) -> Stop {
        Stop::Interrupted
    }
}

/// What a command returns: its status.
pub(super) type Outcome = Result<u8, Stop>;

/// A command of the shell.
pub(super) struct Command {
    /// What is typed.
    pub name: &'static str,
    /// Its words, as `help` shows them.
    pub usage: &'static str,
    /// What it does, in a line.
    pub help: &'static str,
    /// The command.
    pub run: fn(&mut Context<'_>, &Words) -> Outcome,
}

macro_rules! commands {
    ($($name:literal, $usage:literal, $help:literal, $run:path;)*) => {
        /// All commands in the order of their names.
        pub(super) static COMMANDS: &[Command] = &[
            $(Command { name: $name, usage: $usage, help: $help, run: $run },)*
        ];
    };
}

commands! {
    "apropos", "apropos WORD", "say which pages of the manual tell of something", manual::apropos;
    "bg", "bg [%JOB]", "have a stopped job go on in the background", jobs::bg;
    "cat", "cat [FILE]...", "print files, or the input that < gives", text::cat;
    "cd", "cd [DIRECTORY]", "change the working directory; / without a name", files::cd;
    "chmod", "chmod MODE FILE...", "change permission bits: 644, or u+w,go-r", owners::chmod;
    "chown", "chown [UID][:GID] FILE...", "change owner and group", owners::chown;
    "conn", "conn SUBCOMMAND ...; see help conn", "open and close connections", conn::conn;
    "dcache", "dcache SUBCOMMAND ...; see help dcache", "fill and prune the dentry cache",
        dcache::dcache;
    "dmesg", "dmesg [-c]", "print the kernel's log; -c clears it away then", kmem::dmesg;
    "echo", "echo [-n] [WORD]...", "print words; -n leaves out the newline", text::echo;
    "exit", "exit", "switch the machine off", control::exit;
    "false", "false", "do nothing, with status 1", control::fails;
    "fg", "fg [%JOB]", "have a job go on in the foreground, and wait for it", jobs::fg;
    "find", "find PATH [-name PATTERN]", "print what is below a directory", find::find;
    "help", "help [COMMAND]", "list the commands, or say how one is called", control::help;
    "id", "id", "print who one is", owners::id;
    "jobs", "jobs", "show what runs in the background", jobs::jobs;
    "kill", "kill [-SIGNAL] PID|%JOB... | kill -l", "send tasks a signal, TERM if none is named",
        kill::kill;
    "kmem", "kmem SUBCOMMAND ...; see help kmem", "make and use slab caches", kmem::kmem;
    "ln", "ln -s TEXT NAME", "make a symbolic link", owners::ln;
    "ls", "ls [-al] [PATH]...", "list directories; -a with . and .., -l in full", files::ls;
    "man", "man PAGE | man -k WORD", "show a page of the manual: a command's, intro, shell, syscalls; -k finds pages",
        manual::man;
    "mkdir", "mkdir [-p] DIRECTORY...", "make directories; -p with those above", files::mkdir;
    "mkfifo", "mkfifo NAME...", "make pipes with names", owners::mkfifo;
    "mknod", "mknod NAME p | mknod NAME c|b MAJOR MINOR", "make a pipe or device node",
        owners::mknod;
    "mount", "mount [-t TYPE [-o OPTIONS] SOURCE DIRECTORY] | mount -o remount[,OPTIONS] DIRECTORY",
        "graft a file system onto a directory, or give it other options",
        mount::mount;
    "mv", "mv [-T] FILE... TARGET", "give files another name, or move them into a directory",
        owners::mv;
    "oom", "oom SUBCOMMAND ...; see help oom", "call the OOM killer", oom::oom;
    "pages", "pages alloc ORDER [gfp=MASK] [node=N] | pages free PFN | pages drain",
        "ask the page allocator for a block of 2^ORDER pages, give one back", pages::pages;
    "poweroff", "poweroff", "switch the machine off", control::exit;
    "ps", "ps [aux] [-ef] [-L] [-p PID]", "show tasks: those of this terminal, all with their CPU and memory, all with their parents",
        ps::ps;
    "pwd", "pwd", "print the working directory", files::pwd;
    "radix", "radix SUBCOMMAND ...; see help radix", "make and change radix trees", radix::radix;
    "read", "read NAME... < FILE", "put the words of a file's first line into variables", text::read;
    "readlink", "readlink LINK", "print the text of a symbolic link", owners::readlink;
    "renice", "renice PRIORITY [-p] PID... [-u USER]...", "give tasks another nice level, -20 to 19",
        kill::renice;
    "rm", "rm FILE...", "remove files", files::rm;
    "rmdir", "rmdir DIRECTORY...", "remove empty directories", files::rmdir;
    "slabtop", "slabtop", "show the slab caches, those with the most memory first", kmem::slabtop;
    "sleep", "sleep DURATION", "let time pass, such as 10, 1.5s, 20ms, 2h", jobs::sleep;
    "spawn", "spawn PROGRAM|NAME [KEY=VALUE]... [-- ARGUMENT...]; man spawn lists the keys",
        "make a task that runs a program of /bin, or a staged one that sleeps; print its number", spawn::spawn;
    "stat", "stat FILE...", "print the facts of files", find::stat;
    "su", "su [UID]", "become another user, or root", owners::su;
    "swapoff", "swapoff DEVICE|-a", "bring back what is on the swap device, and use it no more", swap::swapoff;
    "swapon", "swapon [-s|-a|DEVICE]", "list swap devices, or use one: /dev/swap", swap::swapon;
    "taskset", "taskset -pc [CPUS] PID", "show or choose the CPUs that a task may run on", task::taskset;
    "top", "top", "show the tasks that use the CPUs most", ps::top;
    "touch", "touch FILE...", "make empty files", files::touch;
    "true", "true", "do nothing, with status 0", control::succeeds;
    "umask", "umask [MODE]", "print or set the permission bits that new files don't get",
        owners::umask;
    "umount", "umount DIRECTORY", "take a file system off a directory", mount::umount;
    "wait", "wait [PID|%JOB]...", "let time pass until they have ended; all jobs without any", jobs::wait;
}

/// The command of that name.
pub(super) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// The words of a command behind its options, which are letters of `allowed` behind a `-`. Returns
/// which of them were given, a bit each, and the index of the first other word.
fn options(words: &Words, allowed: &str) -> Result<(u32, usize), Stop> {
    let mut given = 0;
    let mut index = 1;
    while let Some(letters) = words.get(index).and_then(|word| word.strip_prefix('-')) {
        if letters.is_empty() {
            break;
        }
        index += 1;
        if letters == "-" {
            break;
        }
        for letter in letters.chars() {
            given |= 1 << allowed.find(letter).ok_or(Stop::Usage)?;
        }
    }
    Ok((given, index))
}

/// A number as the console writes one: decimal, or hexadecimal behind `0x`.
fn parse_number(word: &str) -> Option<u64> {
    let (digits, radix) = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (word, 10),
    };
    // from_str_radix would take a sign.
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// A number that a command cannot do without, from 0 to `max`; says so if it is none.
fn number(
    context: &mut Context<'_>,
    command: &str,
    what: &str,
    word: &str,
    max: u64,
) -> Option<u64> {
    let number = parse_number(word).filter(|&number| number <= max);
    if number.is_none() {
        context.error(format_args!(
            "{command}: {what} '{}' is not a number from 0 to {max}",
            super::lexer::Shortened(word)
        ));
    }
    number
}

/// Prints what a kernel function returned, `0` or the errno, and makes a status of it.
fn print_result(context: &mut Context<'_>, result: Result<(), Errno>) -> Outcome {
    use fmt::Write;
    match result {
        Ok(()) => {
            writeln!(context, "0")?;
            Ok(0)
        }
        Err(errno) => {
            writeln!(context, "{errno}")?;
            Ok(1)
        }
    }
}
