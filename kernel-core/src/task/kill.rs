//! Who may send signals, and to whom: the system call `kill`, and what the console's command adds.

use super::signal::{
    GROUP_EXIT, Signal, UNSTOPPABLE, deliver, for_each_thread, group_send_sig, signal_pending,
};
use super::{INTERRUPTIBLE, PF_EXITING, RUNNING, Task, cred::Capability, find_task_by_pid, pid};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};

/// Has a process deliver at once what waits for its threads, as if each had run for no time: for the
/// console, whose commands take none. Those in an uninterruptible sleep or a freezer have to wait, and
/// handlers run when time passes.
pub fn settle(mem: &mut Mem, task: Ref<Task>) {
    let signal = mem[task].signal;
    for_each_thread(mem, signal, |mem, thread| {
        let Task { state, flags, .. } = mem[thread];
        let delivers = matches!(state, RUNNING | INTERRUPTIBLE) && flags & PF_EXITING == 0;
        let waiting = mem[thread].pending | mem[signal].shared_pending;
        let waiting = waiting & !(mem[thread].blocked & !UNSTOPPABLE);
        // A handler needs the program.
        let handled = waiting & mem[signal].caught & !UNSTOPPABLE;
        let ends = mem[signal].flags & GROUP_EXIT != 0;
        if delivers && signal_pending(mem, thread) && (ends || handled == 0) {
            deliver(mem, thread);
        }
    });
}

/// Whether `sender` may send a signal to `task`'s process (`check_kill_permission`).
///
/// # Errors
/// `EPERM`.
pub fn check_permission(
    mem: &Mem,
    sender: Ref<Task>,
    sig: Option<Signal>,
    task: Ref<Task>,
) -> Result<(), Errno> {
    let (from, to) = (&mem[sender].cred, &mem[task].cred);
    let session = |task: Ref<Task>| mem[mem[task].signal].session;
    let continues = sig == Some(Signal::Cont) && session(sender) == session(task);
    let is_same_user = [from.euid, from.uid]
        .iter()
        .any(|user| [to.suid, to.uid].contains(user));
    match continues || is_same_user || from.has(Capability::Kill) {
        true => Ok(()),
        false => Err(Errno::EPERM),
    }
}

/// The system call `kill`: sends to the process `pid`; to the sender's process group for 0; to all but
/// init and the sender for -1; to the process group `-pid` for others. Without a signal it only
/// checks. `each` is called for those it was sent to.
///
/// # Errors
/// `ESRCH` if there is no such process, `EPERM` if it may be sent to none of them.
pub fn kill(
    mem: &mut Mem,
    sender: Ref<Task>,
    pid: i32,
    sig: Option<Signal>,
    each: &mut dyn FnMut(&mut Mem, Ref<Task>),
) -> Result<(), Errno> {
    if pid > 0 {
        let task = find_task_by_pid(mem, pid as u32).ok_or(Errno::ESRCH)?;
        check_permission(mem, sender, sig, task)?;
        return send_to(mem, sig, task, each);
    }
    let group = match pid {
        0 => mem[mem[sender].signal].pgrp,
        _ => pid.unsigned_abs(),
    };
    let own = mem[sender].group_leader;
    let mut result = Err(Errno::ESRCH);
    // By number, because whoever ends may take others along.
    let mut from = 1;
    loop {
        let next = pid::tasks_from(mem, from).next();
        let Some(task) = next else {
            return result;
        };
        from = mem[task].pid + 1;
        let meant = match pid {
            -1 => mem[task].tgid > 1 && task != own,
            _ => mem[mem[task].signal].pgrp == group,
        };
        if !meant || !mem[task].is_leader() || mem[task].is_kernel_thread() {
            continue;
        }
        match check_permission(mem, sender, sig, task) {
            Ok(()) => {
                result = Ok(());
                send_to(mem, sig, task, each)?;
            }
            // Among all, those that one may not signal don't count.
            Err(errno) if pid != -1 && result.is_err() => result = Err(errno),
            Err(_) => {}
        }
    }
}

fn send_to(
    mem: &mut Mem,
    sig: Option<Signal>,
    task: Ref<Task>,
    each: &mut dyn FnMut(&mut Mem, Ref<Task>),
) -> Result<(), Errno> {
    let Some(sig) = sig else {
        return Ok(());
    };
    super::get_task(mem, task);
    group_send_sig(mem, sig, task);
    // It may be gone by now.
    if !mem[task].signal.is_null() {
        each(mem, task);
    }
    super::put_task(mem, task);
    Ok(())
}
