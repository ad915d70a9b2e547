//! `kill` and `renice`.

use core::fmt::Write;

use super::{Outcome, Stop};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::words::Words;
use crate::shell::{STATUS_USAGE, jobs};
use crate::task::cred::Capability;
use crate::task::signal::{self, Signal};
use crate::task::{self, Task, sched};

/// Signals that `kill -l` prints in a line.
const PER_LINE: usize = 8;

/// `kill [-SIG] PID|%JOB...`.
pub(in crate::shell) fn kill(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (sig, first) = match words.get(1) {
        None => return Err(Stop::Usage),
        Some("-l") => return list(context),
        Some("-s" | "-n") => (words.get(2).ok_or(Stop::Usage)?, 3),
        Some("--") => ("TERM", 2),
        Some(word) => match word.strip_prefix('-') {
            Some(sig) => (sig, if words.get(2) == Some("--") { 3 } else { 2 }),
            None => ("TERM", 1),
        },
    };
    let sig = match (sig, Signal::parse(sig)) {
        // Only whether one may.
        ("0", _) => None,
        (_, Some(sig)) => Some(sig),
        (word, None) => {
            context.error(format_args!(
                "kill: {}: invalid signal specification",
                Shortened(word)
            ));
            return Ok(1);
        }
    };
    if words.len() <= first {
        return Err(Stop::Usage);
    }
    let mut status = 0;
    for word in words.iter_from(first) {
        let pid = match jobs::parse(context.mem, word) {
            // A job is all of its process group.
            Some(job) => Some(-(context.mem[job].pid as i32)),
            None => word.parse().ok(),
        };
        let Some(pid) = pid.filter(|&pid| pid != i32::MIN) else {
            context.error(format_args!(
                "kill: {}: no such job or process",
                Shortened(word)
            ));
            status = 1;
            continue;
        };
        let sender = task::current(context.mem);
        if let Err(errno) = signal::kill(context.mem, sender, pid, sig, &mut signal::settle) {
            context.error(format_args!("kill: ({pid}) - {}", errno.sentence()));
            status = 1;
        }
    }
    Ok(status)
}

fn list(context: &mut Context<'_>) -> Outcome {
    for row in Signal::ALL.chunks(PER_LINE) {
        let mut space = "";
        for &sig in row {
            write!(context, "{space}{:2} {:<7}", sig as u32, sig.name())?;
            space = " ";
        }
        writeln!(context)?;
    }
    Ok(0)
}

/// Whether the shell may give a task that nice level (`set_one_prio`).
fn may_renice(mem: &Mem, task: Ref<Task>, nice: i32) -> Result<(), Errno> {
    let own = &mem[task::current(mem)].cred;
    let others = &mem[task].cred;
    if own.has(Capability::SysNice) {
        return Ok(());
    }
    if others.uid != own.euid && others.euid != own.euid {
        return Err(Errno::EPERM);
    }
    match nice < mem[task].nice() {
        true => Err(Errno::EACCES),
        false => Ok(()),
    }
}

/// `renice PRIORITY [-p] PID... [-u USER...]`.
pub(in crate::shell) fn renice(context: &mut Context<'_>, words: &Words) -> Outcome {
    let first = if words.get(1) == Some("-n") { 2 } else { 1 };
    let nice = words.get(first).ok_or(Stop::Usage)?;
    let Ok(nice) = nice.parse::<i32>() else {
        context.error(format_args!("renice: {}: bad value", Shortened(nice)));
        return Ok(STATUS_USAGE);
    };
    let nice = nice.clamp(-20, 19);
    if words.len() <= first + 1 {
        return Err(Stop::Usage);
    }
    let (mut status, mut of_user) = (0, false);
    for word in words.iter_from(first + 1) {
        match word {
            "-p" => of_user = false,
            "-u" => of_user = true,
            _ => match word.parse::<u32>() {
                Ok(number) => status |= renice_some(context, number, of_user, nice)?,
                Err(_) => {
                    context.error(format_args!("renice: {}: bad value", Shortened(word)));
                    status = 1;
                }
            },
        }
    }
    Ok(status)
}

/// Gives the task of that number, or all of that user, another nice level, and says so.
fn renice_some(context: &mut Context<'_>, number: u32, of_user: bool, nice: i32) -> Outcome {
    let mut old = None;
    let mut result = Ok(());
    let mut from = if of_user { 1 } else { number };
    loop {
        let next = task::pid::tasks_from(context.mem, from).next();
        let Some(task) = next else { break };
        let Task { pid, cred, .. } = context.mem[task];
        if !of_user && pid != number {
            break;
        }
        from = pid + 1;
        if !of_user || cred.uid == number {
            let before = context.mem[task].nice();
            old = Some(old.map_or(before, |old: i32| old.min(before)));
            match may_renice(context.mem, task, nice) {
                Ok(()) => sched::set_user_nice(context.mem, task, nice),
                Err(errno) => result = Err(errno),
            }
        }
        if !of_user {
            break;
        }
    }
    let Some(old) = old else {
        context.error(format_args!(
            "renice: {number}: getpriority: {}",
            Errno::ESRCH.sentence()
        ));
        return Ok(1);
    };
    match result {
        Ok(()) => {
            writeln!(context, "{number}: old priority {old}, new priority {nice}")?;
            Ok(0)
        }
        Err(errno) => {
            context.error(format_args!(
                "renice: {number}: setpriority: {}",
                errno.sentence()
            ));
            Ok(1)
        }
    }
}
