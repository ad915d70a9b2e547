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

pub(crate) fn show_area(
    _: &Mem,
    _: Ref<Mm>,
    _: u64,
    _: bool,
    _: &mut dyn core::fmt::Write,
) -> Result<Option<u64>, core::fmt::Error> {
    Ok(None)
}

pub(crate) fn places(_: &Mem, _: Ref<Task>) -> [u32; 5] {
    [0; 5]
}

pub(crate) fn statm(_: &Mem, _: Ref<Mm>) -> [u32; 3] {
    [0; 3]
}

pub(crate) fn status_memory(mem: &Mem, mm: Ref<Mm>) -> [(&'static str, u64); 10] {
    let pages = |count: u32| u64::from(count) * 4;
    let own = &mem[mm];
    let rss = own.anon_rss + own.file_rss + own.staged_rss;
    [
        ("VmPeak", pages(own.hiwater_vm.max(own.total_vm))),
        ("VmSize", pages(own.total_vm)),
        ("VmLck", 0),
        ("VmHWM", pages(own.hiwater_rss.max(rss))),
        ("VmRSS", pages(rss)),
        ("VmData", 0),
        ("VmStk", 0),
        ("VmExe", 0),
        ("VmLib", 0),
        ("VmPTE", pages(own.nr_ptes)),
    ]
}
