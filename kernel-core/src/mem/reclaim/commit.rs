//! Promises: how much memory may be promised that is not there (`__vm_enough_memory`).
//!
//! A process that maps memory may never touch it. So the kernel guesses (mode 0) and refuses only what
//! could not be had even if everything that can be freed were; never refuses (1); or keeps to a limit (2)
//! that the swap device and a part of memory make, in which case nobody has to be killed for memory that
//! was promised, and much of it is never used. What counts are areas that a process may write to and that
//! are its own: those are marked [`VM_ACCOUNT`](crate::task::mm::VM_ACCOUNT).

use super::{Lru, RECLAIM, swap};
use crate::errno::Errno;
use crate::fs::FS;
use crate::mem::{MEM, Mem, Ref, Zone};
use crate::slab;
use crate::task;
use crate::task::cred::Capability;
use crate::task::mm::Mm;

/// Pages that may be promised in mode 2 (`CommitLimit`).
pub fn commit_limit(mem: &Mem) -> u32 {
    let part = u64::from(mem[MEM].managed) * u64::from(mem[RECLAIM].overcommit_ratio) / 100;
    let [total, _] = swap::totals(mem);
    u32::try_from(part)
        .unwrap_or(u32::MAX)
        .saturating_add(total)
}

/// Frames that stay free in any case (`totalreserve_pages`).
fn reserved(mem: &Mem) -> u32 {
    let of = |zone: &Zone| (zone.lowmem_reserve + zone.pages_high).min(zone.present);
    mem.zones().map(|zone| of(&mem[zone])).sum()
}

/// Promises `pages` pages to an address space.
///
/// # Errors
/// `ENOMEM` if the mode forbids it.
pub(crate) fn promise(mem: &mut Mem, mm: Ref<Mm>, pages: u32) -> Result<(), Errno> {
    let committed = mem[RECLAIM].committed.saturating_add(pages);
    let is_root = mem[task::current(mem)].cred.has(Capability::SysAdmin);
    let ours = match mm.is_null() {
        true => 0,
        false => mem[mm].total_vm,
    };
    match is_enough(mem, pages, committed, is_root, ours) {
        true => {
            mem[RECLAIM].committed = committed;
            Ok(())
        }
        false => Err(Errno::ENOMEM),
    }
}

/// Takes a promise back.
pub(crate) fn take_back(mem: &mut Mem, pages: u32) {
    mem[RECLAIM].committed -= pages;
}

/// Whether `pages` more may be promised, `committed` with them, of which the process has `ours`.
fn is_enough(mem: &Mem, pages: u32, committed: u32, is_root: bool, ours: u32) -> bool {
    // All but root leave a part.
    let less = |pages: u32, part: u32| if is_root { pages } else { pages - pages / part };
    let [_, swap_free] = swap::totals(mem);
    match mem[RECLAIM].overcommit_memory {
        1 => true,
        0 => {
            // What can be freed: pages of files, what is free on the device, caches.
            let unevictable = mem.nr_lru(Lru::Unevictable).min(mem[FS].nr_file_pages);
            let [_, reclaimable] = slab::frames(mem);
            let free = mem[FS].nr_file_pages - unevictable + swap_free + reclaimable;
            let free = less(free, 32);
            if free > pages {
                return true;
            }
            // It takes longer to count what is free altogether.
            let rest = mem.free_frames().saturating_sub(reserved(mem));
            free.saturating_add(less(rest, 32)) > pages
        }
        _ => {
            // Some is kept for root, and some from whoever has most.
            let part = u64::from(mem[MEM].managed) * u64::from(mem[RECLAIM].overcommit_ratio) / 100;
            let part = less(u32::try_from(part).unwrap_or(u32::MAX), 32);
            let [total, _] = swap::totals(mem);
            let allowed = part.saturating_add(total).saturating_sub(ours / 32);
            committed < allowed
        }
    }
}

/// Whether promises could be kept without the swap device; asked before it is turned off.
pub(super) fn without_swap(mem: &Mem) -> Result<(), Errno> {
    if mem[RECLAIM].overcommit_memory != 2 {
        return Ok(());
    }
    let [total, _] = swap::totals(mem);
    match mem[RECLAIM].committed <= commit_limit(mem) - total {
        true => Ok(()),
        false => Err(Errno::ENOMEM),
    }
}
