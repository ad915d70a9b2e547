//! Where programs meet the rest of the kernel: calls that need more than one of its functions.

use crate::errno::Errno;
use crate::fs::{self, File};
use crate::mem::{Mem, Ref};
use crate::oom::weights;
use crate::task::exit::{self, Status, Which};
use crate::task::signal::{self, Signal};
use crate::task::wait::{self, Why};
use crate::task::{Capability, Cred, INTERRUPTIBLE, PF_SIGNALED, Task, sched, user};

pub(super) const DEFAULT: u32 = 0;
pub(super) const IGNORE: u32 = 1;
pub(super) const CATCH: u32 = 2;

/// What a process does with a signal from now on.
pub(super) fn set_disposition(mem: &mut Mem, task: Ref<Task>, signal: u32, choice: u32) {
    let bit = 1 << (signal.max(1) - 1) & !signal::UNSTOPPABLE;
    let shared = mem[task].signal;
    mem[shared].caught &= !bit;
    mem[shared].ignored &= !bit;
    match choice {
        CATCH => mem[shared].caught |= bit,
        IGNORE => mem[shared].ignored |= bit,
        _ => {}
    }
}

/// Looks for a child that has ended: its number, and the status as a shell shows it.
pub(super) fn do_wait(
    mem: &mut Mem,
    task: Ref<Task>,
    pid: i32,
) -> Result<Option<(u32, u32)>, Errno> {
    let which = Which::of(mem, task, pid);
    let waited = exit::do_wait(mem, task, which, 0)?;
    Ok(waited.map(|child| (child.pid, u32::from(Status::of(child.status).shell()))))
}

pub(super) fn sleep_for_child(mem: &mut Mem, task: Ref<Task>) {
    let queue = exit::wait_chldexit(mem, task);
    wait::sleep_on(mem, queue, INTERRUPTIBLE, false, Why::Child);
}

pub(super) fn kill(mem: &mut Mem, task: Ref<Task>, pid: i32, number: i64) -> Result<(), Errno> {
    let signal = match u32::try_from(number).ok() {
        Some(0) => None,
        number => Some(number.and_then(Signal::from_number).ok_or(Errno::EINVAL)?),
    };
    signal::kill(mem, task, pid, signal, &mut |_, _| {})
}

/// Sends a signal for something that the task itself has done. True if its program handles it; else the
/// task has ended.
pub(super) fn force_sig(mem: &mut Mem, task: Ref<Task>, sig: Signal) -> bool {
    let shared = mem[task].signal;
    if mem[shared].caught & !mem[task].blocked & !signal::UNSTOPPABLE & sig.bit() != 0 {
        signal::send_sig(mem, sig, task);
        return true;
    }
    mem[task].flags |= PF_SIGNALED;
    exit::do_group_exit(mem, task, sig as u32);
    false
}

/// Makes a pipe; the descriptors of its ends, the one to read from first.
pub(super) fn pipe(mem: &mut Mem, task: Ref<Task>) -> Result<[u32; 2], Errno> {
    let [read, write] = fs::pipe(mem)?;
    let ends = fs::fd_install(mem, task, read).and_then(|reader| {
        let writer = fs::fd_install(mem, task, write).inspect_err(|_| {
            // The descriptor was made just now.
            let files = mem[task].files;
            mem[files].fd[reader as usize] = Ref::NULL;
        })?;
        Ok([reader, writer])
    });
    if ends.is_err() {
        fs::close(mem, read);
        fs::close(mem, write);
    }
    ends
}

pub(super) fn seek(mem: &mut Mem, file: Ref<File>, position: u64) -> Result<(), Errno> {
    let inode = mem[mem[file].dentry].inode;
    if mem[inode].kind() == fs::FIFO {
        return Err(Errno::ESPIPE);
    }
    mem[file].position = position;
    Ok(())
}

pub(super) fn setuid(mem: &mut Mem, task: Ref<Task>, uid: u32) -> Result<(), Errno> {
    let cred = mem[task].cred;
    if cred.has(Capability::Setuid) {
        user::switch(mem, task, uid)?;
        mem[task].cred = Cred::of_user(uid);
        weights::refresh_traits(mem, task);
        Ok(())
    } else if uid == cred.uid || uid == cred.suid {
        mem[task].cred.euid = uid;
        mem[task].cred.fsuid = uid;
        Ok(())
    } else {
        Err(Errno::EPERM)
    }
}

pub(super) fn nice(mem: &mut Mem, task: Ref<Task>, step: i32) -> Result<i32, Errno> {
    if step < 0 && !mem[task].cred.has(Capability::SysNice) {
        return Err(Errno::EPERM);
    }
    let nice = (mem[task].nice() + step).clamp(-20, 19);
    sched::set_user_nice(mem, task, nice);
    Ok(nice)
}
