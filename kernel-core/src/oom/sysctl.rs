//! The switches in `/proc/sys/vm`.

use core::fmt::{self, Write};

use super::{OOM, policy};
use crate::errno::Errno;
use crate::mem::Mem;

/// Switches that are numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Switch {
    /// `panic_on_oom`.
    Panic,
    /// `oom_kill_allocating_task`.
    KillAllocating,
    /// `oom_dump_tasks`.
    DumpTasks,
}

/// What a switch says.
pub(crate) fn get(mem: &Mem, switch: Switch) -> u32 {
    let data = &mem[OOM];
    match switch {
        Switch::Panic => data.panic_on_oom,
        Switch::KillAllocating => data.oom_kill_allocating_task,
        Switch::DumpTasks => data.oom_dump_tasks,
    }
}

/// Sets a switch. 2.6.28 takes any number: of `panic_on_oom` 2 has a meaning of its own, and all others
/// but 0 mean 1.
pub(crate) fn set(mem: &mut Mem, switch: Switch, value: u32) {
    let data = &mut mem[OOM];
    *match switch {
        Switch::Panic => &mut data.panic_on_oom,
        Switch::KillAllocating => &mut data.oom_kill_allocating_task,
        Switch::DumpTasks => &mut data.oom_dump_tasks,
    } = value;
}

/// `/proc/sys/vm/oom_policy`: all policies, the selected one in brackets.
pub(crate) fn show_policy(mem: &Mem, out: &mut dyn Write) -> fmt::Result {
    policy::show(mem, out)
}

/// Selects a policy by its name.
///
/// # Errors
/// `EINVAL` if there is none of that name.
pub(crate) fn set_policy(mem: &mut Mem, bytes: &[u8]) -> Result<(), Errno> {
    let name = core::str::from_utf8(bytes.trim_ascii()).map_err(|_| Errno::EINVAL)?;
    let number = policy::find(mem, name).ok_or(Errno::EINVAL)?;
    policy::set(mem, number)
}
