//! `jobs`, `fg`, `bg`, `wait`, `sleep`: what runs beside the shell, and letting time pass.

use super::{Outcome, Stop};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::words::Words;
use crate::shell::{STATUS_NOT_FOUND, STATUS_USAGE, jobs, programs, units};
use crate::task::exit::{self, Status, Which};
use crate::task::signal::{self, Signal};
use crate::task::{self, TASK};

/// `jobs`: what runs in the background, and what ended there.
pub(in crate::shell) fn jobs(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() > 1 {
        return Err(Stop::Usage);
    }
    jobs::ask(context.mem);
    jobs::list(context, false)?;
    Ok(0)
}

/// The job that `fg` and `bg` are about, the last without any, going on from now. Says so if there is
/// none.
fn resumed(
    context: &mut Context<'_>,
    words: &Words,
    command: &str,
) -> Result<Option<Ref<jobs::Job>>, Stop> {
    if words.len() > 2 {
        return Err(Stop::Usage);
    }
    jobs::ask(context.mem);
    let word = words.get(1).unwrap_or("%+");
    let Some(job) = jobs::parse(context.mem, word) else {
        context.error(format_args!("{command}: {}: no such job", Shortened(word)));
        return Ok(None);
    };
    if context.mem[job].ended().is_some() {
        context.error(format_args!("{command}: job has terminated"));
        return Ok(None);
    }
    let (init, group) = (context.mem[TASK].init, -(context.mem[job].pid as i32));
    // A job that runs is told to go on as well, which does nothing to it.
    let sent = signal::kill(
        context.mem,
        init,
        group,
        Some(Signal::Cont),
        &mut signal::settle,
    );
    debug_assert!(sent.is_ok());
    jobs::ask(context.mem);
    Ok(Some(job))
}

/// `bg [%JOB]`: a stopped job goes on beside the shell.
pub(in crate::shell) fn bg(context: &mut Context<'_>, words: &Words) -> Outcome {
    let Some(job) = resumed(context, words, "bg")? else {
        return Ok(1);
    };
    jobs::announce(context, job, true)?;
    Ok(0)
}

/// `fg [%JOB]`: a job goes on while the shell waits for it.
pub(in crate::shell) fn fg(context: &mut Context<'_>, words: &Words) -> Outcome {
    let Some(job) = resumed(context, words, "fg")? else {
        return Ok(1);
    };
    jobs::announce(context, job, false)?;
    Ok(programs::resume(context, job))
}

/// `sleep DURATION`: nothing but time passes.
pub(in crate::shell) fn sleep(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (Some(word), 2) = (words.get(1), words.len()) else {
        return Err(Stop::Usage);
    };
    // The clock has 63 bits for some three hundred years.
    let now = context.mem[TASK].now;
    let fits = |duration: &u64| now.saturating_add(*duration) < 1 << 63;
    let Some(duration) = units::duration(word).filter(fits) else {
        context.error(format_args!(
            "sleep: invalid time interval '{}'",
            Shortened(word)
        ));
        return Ok(STATUS_USAGE);
    };
    match context.pass_time(duration, &mut |_| false) {
        Ok(_) => Ok(0),
        Err(_) => Err(Stop::Interrupted),
    }
}

/// Whom `wait` waits for.
#[derive(Clone, Copy)]
enum Goal {
    /// All jobs.
    Jobs,
    /// A job, until it has ended.
    Job(u32),
    /// A child that is no job.
    Child(u32),
}

/// `wait [PID|%JOB]...`: until they have ended; without any, until no job runs.
pub(in crate::shell) fn wait(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() == 1 {
        return wait_for(context, Goal::Jobs).map(|_| 0);
    }
    let mut status = 0;
    for word in words.iter_from(1) {
        let job = jobs::parse(context.mem, word);
        let pid = match job {
            Some(job) => Some(context.mem[job].pid),
            None => word.parse().ok(),
        };
        let Some(pid) = pid else {
            context.error(format_args!(
                "wait: {}: not a number or job",
                Shortened(word)
            ));
            return Ok(STATUS_USAGE);
        };
        let init = context.mem[TASK].init;
        let is_child = task::find_task_by_pid(context.mem, pid)
            .is_some_and(|task| context.mem[task].parent == init && pid > 1);
        let goal = match jobs::find(context.mem, pid) {
            Some(_) => Goal::Job(pid),
            None if is_child => Goal::Child(pid),
            None => {
                context.error(format_args!("wait: pid {pid} is not a child of this shell"));
                status = STATUS_NOT_FOUND;
                continue;
            }
        };
        status = wait_for(context, goal)?;
    }
    Ok(status)
}

fn wait_for(context: &mut Context<'_>, goal: Goal) -> Outcome {
    let mut status = None;
    let mut is_reached = |mem: &mut Mem| {
        status = look(mem, goal);
        status.is_some()
    };
    if !is_reached(context.mem) {
        match context.pass_time_until(&mut is_reached) {
            Ok(()) => {}
            Err(Errno::EDEADLK) => {
                context.error(format_args!(
                    "wait: that would be for ever: nothing runs, and no alarm is set"
                ));
                return Ok(1);
            }
            Err(_) => return Err(Stop::Interrupted),
        }
    }
    Ok(status.unwrap_or(0))
}

/// The status that `wait` gives, if what it waits for has come.
fn look(mem: &mut Mem, goal: Goal) -> Option<u8> {
    match goal {
        Goal::Jobs => {
            jobs::ask(mem);
            let mut all = jobs::jobs(mem);
            all.all(|job| mem[job].status().is_some()).then_some(0)
        }
        Goal::Job(pid) => {
            jobs::ask(mem);
            let job = jobs::find(mem, pid)?;
            let status = mem[job].status()?;
            if mem[job].ended().is_some() {
                jobs::remove(mem, job);
            }
            Some(status.shell())
        }
        Goal::Child(pid) => {
            let init = mem[TASK].init;
            match exit::do_wait(mem, init, Which::Pid(pid), 0) {
                Ok(Some(waited)) => Some(Status::of(waited.status).shell()),
                Ok(None) => None,
                // Somebody else has asked.
                Err(_) => Some(STATUS_NOT_FOUND),
            }
        }
    }
}
