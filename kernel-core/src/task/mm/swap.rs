//! Pages that are elsewhere: entries that lead to the swap device, and how pages come back
//! (`do_swap_page`).
//!
//! An entry that is not present but not zero either names a slot. A fault on it brings the page back, from
//! the swap cache if it is still in memory, else from the device, which takes [`READ_NS`]: the program
//! sleeps that long and then makes its access again, finding the page where it belongs.

use super::table::{self, Pte};
use super::{Fault, Mm, PAGE_SIZE, TASK_SIZE, Vma, areas, fault, mms};
use crate::errno::Errno;
use crate::mem::reclaim::{self, swap};
use crate::mem::{Mem, Page, PageFlag, Ref};
use crate::trace::Tracepoint;

/// Time that reading a page from the device takes: a disk of the era has to move its arm.
pub const READ_NS: u64 = 5_000_000;

/// Brings the page back that an entry names. Returns what that took.
///
/// # Errors
/// `ENOMEM`, and `ERESTARTSYS` if memory is waited for; then nothing has changed.
pub(super) fn swap_in(
    mem: &mut Mem,
    vma: Ref<Vma>,
    address: u32,
    pte: Pte,
) -> Result<Fault, Errno> {
    let Vma { mm, .. } = mem[vma];
    let slot = pte.slot();
    let (page, fault) = match swap::cached_page(mem, slot) {
        Some(page) => (page, Fault::SwapCache),
        None => {
            let page = fault::alloc_anon(mem, mm, address)?;
            swap::read_page(mem, slot, page);
            swap::enter_cache(mem, page, slot);
            // The reference that it was made with is the entry's.
            mem[page].count -= 1;
            (page, Fault::Swap)
        }
    };
    let frame = mem.frame_of(page);
    let event = [
        mm.unit(),
        address,
        slot,
        frame,
        u32::from(fault == Fault::SwapCache),
    ];
    mem.trace(Tracepoint::SwapIn, event.map(u64::from));
    mem[page].count += 1;
    table::change(mem, mm, address, Pte::new(frame, Pte::ACCESSED));
    mem[mm].swap_ents -= 1;
    mem[mm].anon_rss += 1;
    swap::put_slot(mem, slot);
    if swap::is_crowded(mem) {
        give_up_slot(mem, page);
    }
    Ok(fault)
}

/// Takes a page that came back out of the swap cache if nobody else refers to its slot.
pub(super) fn give_up_slot(mem: &mut Mem, page: Ref<Page>) -> bool {
    if !mem[page].is(PageFlag::SwapCache) {
        return true;
    }
    let slot = mem[page].swap_slot();
    let nobody = mem[swap::slot_of(mem, slot)].count == 0;
    if nobody {
        swap::leave_cache(mem, page);
    }
    nobody
}

/// An entry that names a slot goes. A page that only the swap cache had then goes as well.
pub(super) fn forget(mem: &mut Mem, mm: Ref<Mm>, slot: u32) {
    mem[mm].swap_ents -= 1;
    swap::put_slot(mem, slot);
    if let Some(page) = swap::cached_page(mem, slot) {
        free_if_cached_only(mem, page);
    }
}

/// Frees a page that nobody has but the swap cache, and whose slot nobody wants.
pub(super) fn free_if_cached_only(mem: &mut Mem, page: Ref<Page>) {
    let slot = mem[page].swap_slot();
    if mem[page].count == 1 && mem[swap::slot_of(mem, slot)].count == 0 {
        mem[page].count += 1;
        swap::leave_cache(mem, page);
        fault::forget_anon(mem, page);
        mem.put_page(page);
    }
}

/// Brings all pages of all processes back (`unuse_process`).
///
/// # Errors
/// `ENOMEM`; then those that have come back stay in memory. `EINTR` when the line has used up its steps.
pub(crate) fn unuse_all(mem: &mut Mem) -> Result<(), Errno> {
    // Nobody comes or goes meanwhile but those who are killed for a page.
    loop {
        let Some(mm) = mms(mem).find(|&mm| mem[mm].swap_ents > 0) else {
            return Ok(());
        };
        let found = next_swapped(mem, mm, 0);
        let Some((address, pte)) = found else {
            return Err(Errno::EIO);
        };
        let vma = areas(mem, mm).find(|&vma| mem[vma].end > address);
        let vma = vma.ok_or(Errno::EIO)?;
        mem.charge(1)?;
        // It may be killed for the page that it is given.
        super::mmget(mem, mm);
        let done = swap_in(mem, vma, address, pte);
        super::mmput(mem, mm);
        done?;
    }
}

/// The first entry from an address on that names a slot.
fn next_swapped(mem: &Mem, mm: Ref<Mm>, from: u32) -> Option<(u32, Pte)> {
    let mut at = from;
    while let Some((address, pte)) = table::next_entry(mem, mm, at, TASK_SIZE) {
        if pte.is_swap() {
            return Some((address, pte));
        }
        at = address + PAGE_SIZE;
    }
    None
}

/// The frame that has the content of an address, in memory or on the device: for whoever looks without
/// being the program.
pub fn content(mem: &Mem, mm: Ref<Mm>, address: u32) -> Option<u32> {
    let pte = table::entry(mem, mm, address);
    if pte.is_present() {
        return Some(pte.frame());
    }
    if !pte.is_swap() {
        return None;
    }
    let slot = pte.slot();
    let cached = swap::cached_page(mem, slot).map(|page| mem.frame_of(page));
    Some(cached.unwrap_or(swap::device_frame(mem, slot)))
}

/// Waits until the device has read a page, if the current task can.
pub(super) fn wait_for_device(mem: &mut Mem) -> Result<(), Errno> {
    match reclaim::can_wait(mem) {
        true => Err(reclaim::wait_for(mem, READ_NS)),
        false => Ok(()),
    }
}
