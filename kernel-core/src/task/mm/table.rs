//! Page tables: what a process has.
//!
//! An entry is the word that an i386 would read: the frame's number in the upper twenty bits, and bits
//! that say what may be done. Tables are frames of their own, marked so; a table's descriptor says whose
//! it is (`mapping`), where it hangs (`freelist`: its place in the directory, or 1024 for the directory
//! itself) and how many entries are in use (`inuse`). With the last one it goes.

use bytemuck::Zeroable;

use super::{MM, Mm, PAGE_SIZE, VM_SHARED, Vma, areas, mms, swap};
use crate::errno::Errno;
use crate::fs::{self, Inode};
use crate::mem::{FRAME_SIZE, Gfp, Mem, Page, PageFlag, Ref, reclaim};

/// Entries of a table.
pub const TABLE_ENTRIES: usize = FRAME_SIZE / 4;
/// Addresses that a table translates.
const TABLE_SPAN: u32 = PAGE_SIZE * TABLE_ENTRIES as u32;
/// In the descriptor of a directory, where a table has its place in it.
const DIRECTORY: u32 = TABLE_ENTRIES as u32;

type Table = [u32; TABLE_ENTRIES];

/// An entry of a page table, with the bits of i386. Zero leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pte(pub u32);

impl Pte {
    /// It leads to a page.
    pub const PRESENT: u32 = 1;
    /// The page may be written.
    pub const RW: u32 = 2;
    /// User programs may use it.
    pub const USER: u32 = 4;
    /// It was used.
    pub const ACCESSED: u32 = 0x20;
    /// It was written through this entry.
    pub const DIRTY: u32 = 0x40;

    /// An entry that leads to a frame.
    pub(super) fn new(frame: u32, bits: u32) -> Pte {
        Pte(frame << 12 | Pte::PRESENT | Pte::USER | bits)
    }

    /// Whether it leads to a page.
    pub fn is_present(self) -> bool {
        self.has(Pte::PRESENT)
    }

    /// An entry that leads to a slot of the swap device.
    pub(super) fn swapped(slot: u32) -> Pte {
        Pte(slot << 8)
    }

    /// Whether it leads to a slot of the swap device.
    pub fn is_swap(self) -> bool {
        self.0 != 0 && !self.is_present()
    }

    /// That slot.
    pub fn slot(self) -> u32 {
        self.0 >> 8
    }

    /// Whether a bit is set.
    pub fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// The frame that it leads to.
    pub fn frame(self) -> u32 {
        self.0 >> 12
    }

    pub(super) fn with(self, bits: u32) -> Pte {
        Pte(self.0 | bits)
    }

    pub(super) fn without(self, bits: u32) -> Pte {
        Pte(self.0 & !bits)
    }
}

fn table_in(frame: u32) -> Ref<Table> {
    Ref::of_frame(frame)
}

/// Places in directory and table.
fn place(address: u32) -> (usize, usize) {
    let page = (address / PAGE_SIZE) as usize;
    (page / TABLE_ENTRIES, page % TABLE_ENTRIES)
}

/// The frame of the table that translates `address`; 0 if there is none.
fn table_of(mem: &Mem, mm: Ref<Mm>, address: u32) -> u32 {
    match mem[mm].pgd {
        0 => 0,
        pgd => Pte(mem[table_in(pgd)][place(address).0]).frame(),
    }
}

/// The entry for `address`; it may lead nowhere.
#[inline]
pub fn entry(mem: &Mem, mm: Ref<Mm>, address: u32) -> Pte {
    match table_of(mem, mm, address) {
        0 => Pte(0),
        table => Pte(mem[table_in(table)][place(address).1]),
    }
}

/// The frame in which `address` is found without a fault, by a program that uses it: the entry
/// remembers that.
pub fn access(mem: &mut Mem, mm: Ref<Mm>, address: u32, write: bool) -> Option<u32> {
    let pte = entry(mem, mm, address);
    if !pte.is_present() || write && !pte.has(Pte::RW) {
        return None;
    }
    let used = pte.with(Pte::ACCESSED | if write { Pte::DIRTY } else { 0 });
    if used != pte {
        change(mem, mm, address, used);
    }
    Some(pte.frame())
}

/// The frame in which `address` is found without a fault.
pub fn translate(mem: &Mem, mm: Ref<Mm>, address: u32, write: bool) -> Option<u32> {
    let pte = entry(mem, mm, address);
    let usable = pte.is_present() && (!write || pte.has(Pte::RW));
    usable.then(|| pte.frame())
}

/// The frames of an address space's tables: the directory, then the others by address.
pub fn tables(mem: &Mem, mm: Ref<Mm>) -> impl Iterator<Item = u32> + '_ {
    let pgd = Some(mem[mm].pgd).filter(|&pgd| pgd != 0);
    let others = pgd.into_iter().flat_map(|pgd| &mem[table_in(pgd)]);
    let others = others.map(|&word| Pte(word)).filter(|pte| pte.is_present());
    pgd.into_iter().chain(others.map(Pte::frame))
}

/// The first entry of `from..to` that leads to a page in memory, with its address. Both are at pages.
pub fn next_present(mem: &Mem, mm: Ref<Mm>, from: u32, to: u32) -> Option<(u32, Pte)> {
    next_with(mem, mm, from, to, Pte::PRESENT)
}

/// The first one that leads anywhere.
pub fn next_entry(mem: &Mem, mm: Ref<Mm>, from: u32, to: u32) -> Option<(u32, Pte)> {
    next_with(mem, mm, from, to, u32::MAX)
}

/// The first one with any of these bits.
fn next_with(mem: &Mem, mm: Ref<Mm>, from: u32, to: u32, bits: u32) -> Option<(u32, Pte)> {
    let mut at = from;
    while at < to {
        let table = table_of(mem, mm, at);
        let span_end = (at / TABLE_SPAN + 1).saturating_mul(TABLE_SPAN);
        if table == 0 {
            at = span_end;
            continue;
        }
        let end = span_end.min(to);
        let first = place(at).1;
        let count = ((end - at) / PAGE_SIZE) as usize;
        let rest = &mem[table_in(table)][first..first + count];
        if let Some(skipped) = rest.iter().position(|&word| word & bits != 0) {
            let address = at + skipped as u32 * PAGE_SIZE;
            return Some((address, Pte(rest[skipped])));
        }
        at = end;
    }
    None
}

/// Makes a table of `mm` that hangs at `at`.
fn new_table(mem: &mut Mem, mm: Ref<Mm>, at: u32) -> Result<u32, Errno> {
    let page = fs::with_memory(mem, |mem| mem.alloc_page(Gfp::KERNEL))?;
    let frame = mem.frame_of(page);
    mem[table_in(frame)] = Table::zeroed();
    let descriptor = &mut mem[page];
    descriptor.set(PageFlag::PageTable);
    descriptor.mapping = mm.unit();
    descriptor.freelist = at;
    descriptor.inuse = 0;
    mem[mm].nr_ptes += 1;
    mem[MM].nr_tables += 1;
    Ok(frame)
}

fn free_table(mem: &mut Mem, mm: Ref<Mm>, frame: u32) {
    let page = mem.page(frame);
    let descriptor = &mut mem[page];
    descriptor.clear(PageFlag::PageTable);
    descriptor.mapping = 0;
    descriptor.freelist = 0;
    mem.put_page(page);
    mem[mm].nr_ptes -= 1;
    mem[MM].nr_tables -= 1;
}

/// Frees a table if nothing is in it, and then the directory likewise.
fn free_if_empty(mem: &mut Mem, mm: Ref<Mm>, frame: u32) {
    let page = mem.page(frame);
    let Page {
        inuse, freelist, ..
    } = mem[page];
    if inuse > 0 {
        return;
    }
    free_table(mem, mm, frame);
    if freelist == DIRECTORY {
        mem[mm].pgd = 0;
        return;
    }
    let pgd = mem[mm].pgd;
    mem[table_in(pgd)][freelist as usize] = 0;
    let page = mem.page(pgd);
    mem[page].inuse -= 1;
    free_if_empty(mem, mm, pgd);
}

/// Stores an entry for a page where there is none, and makes the tables that it needs.
///
/// # Errors
/// `ENOMEM`; then nothing was made.
pub(super) fn set(mem: &mut Mem, mm: Ref<Mm>, address: u32, pte: Pte) -> Result<(), Errno> {
    let (in_directory, in_table) = place(address);
    if mem[mm].pgd == 0 {
        mem[mm].pgd = new_table(mem, mm, DIRECTORY)?;
    }
    let pgd = mem[mm].pgd;
    let mut table = table_of(mem, mm, address);
    if table == 0 {
        table = match new_table(mem, mm, in_directory as u32) {
            Ok(table) => table,
            Err(errno) => {
                free_if_empty(mem, mm, pgd);
                return Err(errno);
            }
        };
        mem[table_in(pgd)][in_directory] = Pte::new(table, Pte::RW).0;
        let page = mem.page(pgd);
        mem[page].inuse += 1;
    }
    mem[table_in(table)][in_table] = pte.0;
    let page = mem.page(table);
    mem[page].inuse += 1;
    Ok(())
}

/// Changes an entry that leads to a page.
pub(super) fn change(mem: &mut Mem, mm: Ref<Mm>, address: u32, pte: Pte) {
    let table = table_of(mem, mm, address);
    mem[table_in(table)][place(address).1] = pte.0;
}

/// Takes an entry away, and the page with it if this was the last entry for it.
pub(super) fn clear(mem: &mut Mem, mm: Ref<Mm>, address: u32, pte: Pte) {
    change(mem, mm, address, Pte(0));
    let table = table_of(mem, mm, address);
    let page = mem.page(table);
    mem[page].inuse -= 1;
    free_if_empty(mem, mm, table);
    if pte.is_swap() {
        swap::forget(mem, mm, pte.slot());
        return;
    }
    let target = mem.page(pte.frame());
    if pte.has(Pte::DIRTY) && mem[target].is(PageFlag::SwapCache) {
        mem[target].set(PageFlag::Dirty);
    }
    put(mem, mm, pte.frame());
}

/// Drops an entry's reference to its page, and counts it off.
pub(super) fn put(mem: &mut Mem, mm: Ref<Mm>, frame: u32) {
    let page = mem.page(frame);
    if mem[page].is(PageFlag::Anon) {
        mem[mm].anon_rss -= 1;
        if mem[page].is(PageFlag::SwapCache) {
            mem.put_page(page);
            swap::free_if_cached_only(mem, page);
            return;
        }
        if mem[page].count == 1 {
            super::fault::forget_anon(mem, page);
        }
    } else {
        mem[mm].file_rss -= 1;
        mem[MM].nr_mapped -= 1;
    }
    mem.put_page(page);
}

/// Drops a reference that was taken while something was done to a page that has others.
fn put_extra(mem: &mut Mem, page: Ref<Page>) {
    mem[page].count -= 1;
}

/// Takes the pages of a range away.
pub(super) fn zap(mem: &mut Mem, mm: Ref<Mm>, start: u32, end: u32) {
    let mut at = start;
    while let Some((address, pte)) = next_entry(mem, mm, at, end) {
        clear(mem, mm, address, pte);
        // Each page is an event or two, and an area may be larger than the ring of events.
        mem.serve_tap();
        at = address + PAGE_SIZE;
    }
}

/// Shares the anonymous pages of an area with the copy of it in `to`; returns how many. Private ones can
/// be written in neither from now on. A shared area without a file gets all its pages first: from now on
/// nobody could tell both about a new one.
pub(super) fn copy(mem: &mut Mem, vma: Ref<Vma>, to: Ref<Mm>) -> Result<u32, Errno> {
    let Vma { mm, start, end, .. } = mem[vma];
    let is_shared = mem[vma].has(VM_SHARED);
    if is_shared && mem[vma].file.is_null() {
        for address in (start..end).step_by(PAGE_SIZE as usize) {
            if entry(mem, mm, address) == Pte(0) {
                super::handle_mm_fault(mem, mm, address, true)?;
            }
        }
    }
    let mut at = start;
    let mut shared = 0;
    while let Some((address, pte)) = next_entry(mem, mm, at, end) {
        at = address + PAGE_SIZE;
        if pte.is_swap() {
            // What leads there is alike in both, and may change while the copy gets a table.
            reclaim::swap::get_slot(mem, pte.slot());
            if let Err(errno) = set(mem, to, address, pte) {
                reclaim::swap::put_slot(mem, pte.slot());
                return Err(errno);
            }
            mem[to].swap_ents += 1;
            shared += 1;
            continue;
        }
        let page = mem.page(pte.frame());
        if !mem[page].is(PageFlag::Anon) {
            continue;
        }
        let copy = match is_shared {
            true => pte,
            false => pte.without(Pte::RW),
        };
        // It stays while memory is looked for.
        mem[page].count += 1;
        if let Err(errno) = set(mem, to, address, copy) {
            put_extra(mem, page);
            return Err(errno);
        }
        if copy != pte {
            change(mem, mm, address, copy);
        }
        mem[to].anon_rss += 1;
        shared += 1;
    }
    Ok(shared)
}

/// Takes a page of a file away from whoever has it mapped, because the file gets shorter
/// (`unmap_mapping_range`). Copies that were made of it stay.
pub(crate) fn unmap_file_page(mem: &mut Mem, inode: Ref<Inode>, index: u32, page: Ref<Page>) {
    let frame = mem.frame_of(page);
    while mem[page].count > 1 {
        let Some((mm, address, pte)) = find_mapping(mem, inode, index, frame) else {
            return;
        };
        clear(mem, mm, address, pte);
    }
}

/// An entry that leads to this page of a file. Nothing leads from pages to entries here: it is looked
/// for in all areas.
fn find_mapping(
    mem: &Mem,
    inode: Ref<Inode>,
    index: u32,
    frame: u32,
) -> Option<(Ref<Mm>, u32, Pte)> {
    for vma in mms(mem).flat_map(|mm| areas(mem, mm)) {
        let Vma {
            mm,
            start,
            file,
            pgoff,
            ..
        } = mem[vma];
        if file.is_null() || mem[file].inode != inode {
            continue;
        }
        let Some(number) = index.checked_sub(pgoff) else {
            continue;
        };
        if number >= mem[vma].pages() {
            continue;
        }
        let address = start + number * PAGE_SIZE;
        let pte = entry(mem, mm, address);
        if pte.is_present() && pte.frame() == frame {
            return Some((mm, address, pte));
        }
    }
    None
}
