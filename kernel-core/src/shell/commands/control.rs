//! `true`, `false`, `help`, `exit`.

use core::fmt::Write;

use super::{COMMANDS, Outcome, Stop, subcommands};
use crate::shell::SHELL;
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::words::Words;
use crate::task::program::CALLS;

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

/// What the language can do, for `help`.
const LANGUAGE: &str = "\
Lines: COMMAND; COMMAND    COMMAND && COMMAND    COMMAND || COMMAND    # comment
Files: > FILE  >> FILE  < FILE      Variables: NAME=value  $NAME  ${NAME}  $?  $$
Quotes: 'as it is'  \"with $NAME\"  \\c      There are no wildcards, pipes or loops.
Programs: NAME of /bin, or a path; & behind it leaves it running. man syscalls: how to write one
State: /proc/meminfo  /proc/buddyinfo  /proc/slabinfo  /sys/kernel/debug/tracing/trace
Tasks: ps  top  /proc/PID/stat  /proc/PID/container      Containers: mount -t container, /proc/containers
Memory runs out: /proc/sys/vm/oom_policy  oom_victim  panic_on_oom    /dev/mem_notify    mount -t cgroup -o oom
What if? oom compare badness,priority,notify runs the lines so far again under other policies.
Failure: echo N > /proc/self/fail-nth makes the N-th allocation from then on fail.
";

pub(super) fn help(context: &mut Context<'_>, words: &Words) -> Outcome {
    match (words.get(1), words.len()) {
        (None, _) => {
            for command in COMMANDS {
                writeln!(context, "{:<9} {}", command.name, command.help)?;
            }
            writeln!(
                context,
                "help COMMAND says more.\n\n{}",
                LANGUAGE.trim_end()
            )?;
            Ok(0)
        }
        (Some("syscalls"), 2) => syscalls(context),
        (Some(name), 2) => {
            let Some(command) = super::find(name) else {
                context.error(format_args!(
                    "help: there is no command '{}'",
                    Shortened(name)
                ));
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

/// How programs are written, for `man syscalls`; the calls follow.
const PROGRAM: &str = "\
A program is a text file that may be executed (chmod 755), a statement a line, # comments:
  NAME = VALUE                    VALUE: operands with * / %  + -  == != < <= > >=  not and or
  CALL ARGUMENT...                OPERAND: 42 64M 10ms -ENOENT $NAME $1 $# $* \"text\"
  NAME = CALL ARGUMENT...         $1 else VALUE: if it is called without
  if VALUE, else if, else, end    $?: what the last call said, $error: as a sentence
  while VALUE, end; forever, end  $$: its number, $status: how its child ended
  repeat VALUE, end               $line: what getline has read
  break, continue                 on SIGNAL, end: runs when the signal comes
Calls; one that fails says a negative error number. cat /bin/server shows some in use:
";

fn syscalls(context: &mut Context<'_>) -> Outcome {
    context.write_str(PROGRAM)?;
    for call in CALLS {
        let space = if call.usage.is_empty() { "" } else { " " };
        writeln!(
            context,
            "  {}{space}{}\n      {}",
            call.name, call.usage, call.does
        )?;
    }
    Ok(0)
}
