//! Where the life of tasks meets the parts that others build. Each function goes when its own stands.

use super::Task;
use super::mm::Mm;
use crate::errno::Errno;
use crate::mem::{Mem, Ref};

pub(crate) fn dup_mm(_: &mut Mem, _: Ref<Mm>) -> Result<Ref<Mm>, Errno> {
    Err(Errno::ENOSYS)
}

pub(crate) fn mmput(_: &mut Mem, _: Ref<Mm>) {}

pub(crate) fn fork_process(_: &mut Mem, _: Ref<Task>, _: Ref<Task>) -> Result<(), Errno> {
    Ok(())
}

pub(crate) fn exit_process(_: &mut Mem, _: Ref<Task>) {}

pub(crate) fn exec(
    _: &mut Mem,
    _: Ref<Task>,
    _: &str,
    _: &mut dyn Iterator<Item = &str>,
) -> Result<(), Errno> {
    Err(Errno::ENOEXEC)
}

pub(crate) fn stage_mm(_: &mut Mem, _: Ref<Task>, _: u32, _: u32) -> Result<(), Errno> {
    Ok(())
}

pub(crate) fn command_line(_: &Mem, _: Ref<Task>, _: &mut [u8]) -> usize {
    0
}
