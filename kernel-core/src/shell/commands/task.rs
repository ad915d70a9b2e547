//! `taskset`: on which CPUs a task may run.

use core::fmt::Write;

use super::{Outcome, Stop, parse_number};
use crate::container::cpuset;
use crate::errno::Errno;
use crate::mem::{MEM, Mem, Ref};
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::words::Words;
use crate::task::{self, Capability, TASK, Task, sched};

pub(super) fn taskset(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (options, first) = super::options(words, "pc")?;
    let (list, pid) = match words.len() - first {
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
    let Some(task) = task::find_task_by_pid(context.mem, pid as u32) else {
        context.error(format_args!(
            "taskset: failed to get pid {pid}'s affinity: {}",
            Errno::ESRCH.sentence()
        ));
        return Ok(1);
    };
    show(context, pid, "current", task)?;
    let Some(list) = list else {
        return Ok(0);
    };
    let mask = match cpuset::parse_list(list.as_bytes(), u32::BITS) {
        Ok(mask) if !list.is_empty() => mask,
        // No machine has such a CPU.
        Err(Errno::ERANGE) => 0,
        _ => {
            context.error(format_args!(
                "taskset: failed to parse CPU list: {}",
                Shortened(list)
            ));
            return Ok(1);
        }
    };
    match set_affinity(context.mem, task, mask) {
        Ok(()) => {
            show(context, pid, "new", task)?;
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

/// Prints on which CPUs a task may run; of the shell, which runs, on which it does.
fn show(context: &mut Context<'_>, pid: u64, which: &str, task: Ref<Task>) -> Result<(), Stop> {
    write!(context, "pid {pid}'s {which} affinity list: ")?;
    let mem = &context.mem;
    let mask = match task == mem[TASK].init {
        true => 1 << mem[MEM].cpu,
        false => mem[task].cpus_allowed & sched::online(mem),
    };
    Ok(cpuset::write_list(context, mask)?)
}

/// Lets a task run on these CPUs, as far as its cpuset has them (`sched_setaffinity`).
///
/// # Errors
/// `EPERM` for others' tasks without `CAP_SYS_NICE`, and those of [`sched::set_cpus_allowed`].
fn set_affinity(mem: &mut Mem, task: Ref<Task>, mask: u32) -> Result<(), Errno> {
    let (own, cred) = (&mem[task::current(mem)].cred, &mem[task].cred);
    let is_own = [cred.euid, cred.uid].contains(&own.euid);
    if !is_own && !own.has(Capability::SysNice) {
        return Err(Errno::EPERM);
    }
    let mask = mask & cpuset::cpus_allowed(mem, task);
    sched::set_cpus_allowed(mem, task, mask)
}
