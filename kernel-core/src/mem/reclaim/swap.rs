//! The swap device: slots for pages, and who refers to them.
//!
//! The device is memory of the machine that no zone has: the frames behind its own. It is divided into
//! slots of a page. Its first frames hold the *map*, a [`SwapSlot`] for each slot, so that turning it on
//! needs no memory; a slot is the number of its page on the device, as everywhere in Linux, and 0 is none.
//!
//! An entry of a page table that leads to a slot counts there, as one that leads to a page counts in the
//! page. While a page that came back is in memory and somebody else still refers to its slot, or its content
//! has not changed, it stays in the *swap cache*: the slot knows the page, the page its slot. So whoever
//! comes next finds it, and a page that nobody has written to need not be written again.

use bytemuck::{Pod, Zeroable};

use super::{RECLAIM, ReclaimData};
use crate::btf::{Kind, describe};
use crate::mem::{FRAME_SIZE, Mem, Page, PageFlag, Ref};

/// What is known of a slot.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct SwapSlot {
    /// Entries that lead to it.
    pub count: u32,
    /// Frame of the page in memory that has its content, or newer; 0 is none.
    pub frame: u32,
}

describe!(SwapSlot, "swap_slot", [count, frame: Kind::Frame]);

impl SwapSlot {
    /// Whether somebody needs it.
    pub fn is_used(&self) -> bool {
        self.count != 0 || self.frame != 0
    }
}

/// The machine's swap device (`swap_info_struct`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct SwapInfo {
    /// Its pages, the map included; 0 if the machine has none.
    pub pages: u32,
    /// Pages that the map takes: the first slots are behind them.
    pub map_pages: u32,
    /// Whether it is in use: pages are, or may be, on it.
    pub is_on: u32,
    /// Whether pages may be put on it: not while it is being turned off.
    pub is_writable: u32,
    /// Slots that nobody needs.
    pub free: u32,
    /// Where to look for one.
    pub next: u32,
    /// Pages in the swap cache.
    pub cached: u32,
    /// Entries of page tables that lead to slots.
    pub entries: u32,
    /// Pages read from it since boot.
    pub pages_in: u64,
    /// Pages written to it since boot.
    pub pages_out: u64,
}

describe!(
    SwapInfo,
    "swap_info_struct",
    [
        pages,
        map_pages,
        is_on,
        is_writable,
        free,
        next,
        cached,
        entries,
        pages_in,
        pages_out
    ]
);

impl SwapInfo {
    /// Slots that it has.
    pub fn slots(&self) -> u32 {
        self.pages - self.map_pages
    }
}

/// Where [`SwapInfo`] lies.
pub(super) const SWAP: Ref<SwapInfo> =
    Ref::new(RECLAIM.unit() + (core::mem::offset_of!(ReclaimData, swap) / 8) as u32);

/// Lays out the map, which is zero as the machine's memory is.
pub(super) fn boot(mem: &mut Mem, pages: u32) {
    let bytes = pages as usize * size_of::<SwapSlot>();
    mem[SWAP].pages = pages;
    mem[SWAP].map_pages = bytes.div_ceil(FRAME_SIZE) as u32;
}

/// The map's entry for a slot.
pub fn slot_of(mem: &Mem, slot: u32) -> Ref<SwapSlot> {
    Ref::of_frame(mem.frames()).offset(slot)
}

/// The frame of the device that has a slot's content.
pub fn device_frame(mem: &Mem, slot: u32) -> u32 {
    mem.frames() + slot
}

/// Whether pages may be put on the device and there is room for one.
pub fn has_room(mem: &Mem) -> bool {
    let SwapInfo {
        is_writable, free, ..
    } = mem[SWAP];
    is_writable != 0 && free > 0
}

/// Whether more than half of the slots are used: then a page that came back gives its slot up
/// (`vm_swap_full`).
pub(crate) fn is_crowded(mem: &Mem) -> bool {
    let swap = &mem[SWAP];
    swap.is_writable == 0 || swap.free * 2 < swap.slots()
}

/// Gives a page a slot and puts it into the swap cache, to be written (`add_to_swap`). `false` if there is
/// no room.
pub(crate) fn add_to_swap(mem: &mut Mem, page: Ref<Page>) -> bool {
    if !has_room(mem) {
        return false;
    }
    let SwapInfo {
        pages,
        map_pages,
        next,
        ..
    } = mem[SWAP];
    let from = next.clamp(map_pages, pages);
    let mut slots = (from..pages).chain(map_pages..from);
    let Some(slot) = slots.find(|&slot| !mem[slot_of(mem, slot)].is_used()) else {
        return false;
    };
    mem[SWAP].next = slot + 1;
    mem[SWAP].free -= 1;
    enter_cache(mem, page, slot);
    mem[page].set(PageFlag::Dirty);
    true
}

/// Puts a page into the swap cache, which holds a reference to it.
pub(crate) fn enter_cache(mem: &mut Mem, page: Ref<Page>, slot: u32) {
    let at = slot_of(mem, slot);
    mem[at].frame = mem.frame_of(page);
    let descriptor = &mut mem[page];
    descriptor.set(PageFlag::SwapCache);
    descriptor.set_swap_slot(slot);
    descriptor.count += 1;
    mem[SWAP].cached += 1;
}

/// Takes a page out of the swap cache; the slot goes with it if no entry leads there. The reference that
/// the cache had is gone: it must not have been the last one.
pub(crate) fn leave_cache(mem: &mut Mem, page: Ref<Page>) {
    let slot = mem[page].swap_slot();
    let at = slot_of(mem, slot);
    mem[at].frame = 0;
    let descriptor = &mut mem[page];
    descriptor.clear(PageFlag::SwapCache);
    descriptor.clear(PageFlag::Dirty);
    descriptor.set_swap_slot(0);
    descriptor.count -= 1;
    mem[SWAP].cached -= 1;
    if mem[at].count == 0 {
        mem[SWAP].free += 1;
    }
}

/// The page in memory that has a slot's content.
pub(crate) fn cached_page(mem: &Mem, slot: u32) -> Option<Ref<Page>> {
    match mem[slot_of(mem, slot)].frame {
        0 => None,
        frame => Some(mem.page(frame)),
    }
}

/// One more entry leads to a slot (`swap_duplicate`).
pub(crate) fn get_slot(mem: &mut Mem, slot: u32) {
    let at = slot_of(mem, slot);
    mem[at].count += 1;
    mem[SWAP].entries += 1;
}

/// One entry less does (`swap_free`). A page that only the swap cache has then is the caller's to free.
pub(crate) fn put_slot(mem: &mut Mem, slot: u32) {
    let at = slot_of(mem, slot);
    mem[at].count -= 1;
    mem[SWAP].entries -= 1;
    if !mem[at].is_used() {
        mem[SWAP].free += 1;
    }
}

/// Writes a page to its slot.
pub(crate) fn write_page(mem: &mut Mem, page: Ref<Page>) {
    let (from, to) = (mem.frame_of(page), device_frame(mem, mem[page].swap_slot()));
    mem.copy_frame(from, to);
    mem[page].clear(PageFlag::Dirty);
    mem[SWAP].pages_out += 1;
}

/// Reads a slot into a page.
pub(crate) fn read_page(mem: &mut Mem, slot: u32, page: Ref<Page>) {
    let (from, to) = (device_frame(mem, slot), mem.frame_of(page));
    mem.copy_frame(from, to);
    mem[SWAP].pages_in += 1;
}

/// Pages of the device that are in use, and free; both 0 while it is off.
pub fn totals(mem: &Mem) -> [u32; 2] {
    let swap = &mem[SWAP];
    match swap.is_on {
        0 => [0, 0],
        _ => [swap.slots(), swap.free],
    }
}
