//! Where the life of tasks meets the parts that others build. Each function goes when its own stands.

use super::Task;
use super::mm::Mm;
use crate::container;
use crate::errno::Errno;
use crate::mem::{Mem, Ref};

pub(super) fn dup_mm(_: &mut Mem, _: Ref<Mm>) -> Result<Ref<Mm>, Errno> {
    Err(Errno::ENOSYS)
}

pub(super) fn mmput(_: &mut Mem, _: Ref<Mm>) {}

pub(super) fn fork_process(_: &mut Mem, _: Ref<Task>, _: Ref<Task>) -> Result<(), Errno> {
    Ok(())
}

pub(super) fn exit_process(_: &mut Mem, _: Ref<Task>) {}

pub(super) fn container_fork(
    mem: &mut Mem,
    parent: Ref<Task>,
    child: Ref<Task>,
) -> Result<(), Errno> {
    container::fork(mem, parent, child);
    Ok(())
}

pub(super) fn container_can_fork(mem: &mut Mem, child: Ref<Task>) -> Result<(), Errno> {
    container::can_fork(mem, child)
}

pub(super) fn container_undo_fork(mem: &mut Mem, child: Ref<Task>) {
    container::fork_failed(mem, child);
}

pub(super) fn container_fork_callbacks(mem: &mut Mem, child: Ref<Task>) {
    container::fork_callbacks(mem, child);
}

pub(super) fn container_post_fork(mem: &mut Mem, child: Ref<Task>) {
    container::post_fork(mem, child);
}

pub(super) fn container_exit(mem: &mut Mem, task: Ref<Task>) {
    container::exit(mem, task);
}
