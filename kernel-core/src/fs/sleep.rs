//! Waiting for a file: what a read or write does that cannot go on.
//!
//! There are no kernel stacks, so a system call that has to wait ends with `ERESTARTSYS`: its task was
//! put to sleep and will make the same call again when it is woken. The console's shell cannot sleep,
//! since a line is run to its end; it gets `EAGAIN`, as does whoever opened the file with `O_NONBLOCK`, and
//! tries again when time has passed.

use super::file::O_NONBLOCK;
use crate::errno::Errno;
use crate::mem::{Mem, Ref};
use crate::task::signal::{self, Signal};
use crate::task::wait::{self, WaitQueue, Why};
use crate::task::{self, INTERRUPTIBLE, TASK};

/// Puts the running task to sleep at `queue`, if it may sleep, and says what its call is to return.
pub(super) fn wait_for(mem: &mut Mem, queue: Ref<WaitQueue>, why: Why, flags: u32) -> Errno {
    let current = task::current(mem);
    if flags & O_NONBLOCK != 0 || current == mem[TASK].init {
        return Errno::EAGAIN;
    }
    wait::sleep_on(mem, queue, INTERRUPTIBLE, false, why);
    Errno::ERESTARTSYS
}

/// Wakes all who wait at `queue`.
pub(crate) fn wake(mem: &mut Mem, queue: Ref<WaitQueue>) {
    wait::wake_up_all(mem, queue);
}

/// Tells the running task by a signal that nobody will ever read what it writes.
pub(super) fn broken_pipe(mem: &mut Mem) {
    let current = task::current(mem);
    signal::send_sig(mem, Signal::Pipe, current);
}
