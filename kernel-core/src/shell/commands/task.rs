//! `taskset`: which CPU the shell runs on.

use core::fmt::Write;

use super::{Outcome, Stop, parse_number};
use crate::mem::MEM;
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::words::Words;

/// The only task: the shell.
const SHELL_PID: u64 = 1;

pub(super) fn taskset(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (options, first) = super::options(words, "pc")?;
    let (cpu, pid) = match words.len() - first {
        1 => (None, words.get(first)),
        2 => (words.get(first), words.get(first + 1)),
        _ => return Err(Stop::Usage),
    };
    let (0b11, Some(pid)) = (options, pid) else {
        return Err(Stop::Usage);
    };
    let Some(pid) = parse_number(pid).filter(|&pid| pid <= i32::MAX as u64) else {
        context.error(format_args!(
            "taskset: invalid PID argument: '{}'",
            Shortened(pid)
        ));
        return Ok(1);
    };
    if pid != SHELL_PID {
        context.error(format_args!(
            "taskset: failed to get pid {pid}'s affinity: No such process"
        ));
        return Ok(1);
    }
    let current = context.mem[MEM].cpu;
    writeln!(context, "pid {pid}'s current affinity list: {current}")?;
    let Some(cpu) = cpu else {
        return Ok(0);
    };
    let Some(cpu) = parse_number(cpu) else {
        context.error(format_args!(
            "taskset: failed to parse CPU list: {}",
            Shortened(cpu)
        ));
        return Ok(1);
    };
    match context.mem.set_cpu(u32::try_from(cpu).unwrap_or(u32::MAX)) {
        Ok(()) => {
            writeln!(context, "pid {pid}'s new affinity list: {cpu}")?;
            Ok(0)
        }
        Err(errno) => {
            context.error(format_args!(
                "taskset: failed to set pid {pid}'s affinity: {}",
                errno.sentence()
            ));
            Ok(1)
        }
    }
}
