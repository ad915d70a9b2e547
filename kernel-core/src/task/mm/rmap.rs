//! From a page to the entries that lead to it.
//!
//! Nothing in a page's descriptor leads there, but what does lead somewhere is enough: a page of anonymous
//! memory has the number of its user page, which `fork` does not change, so it stands at the same address
//! in all address spaces that have it; a page of a file has its inode and index, and areas know what they
//! show. So all address spaces are asked until as many entries are found as the page has references.

use super::table::{self, Pte};
use super::{MM, Mm, PAGE_SIZE, areas};
use crate::fs::Inode;
use crate::mem::reclaim::swap;
use crate::mem::{ListHead, Mem, Page, PageFlag, Ref};
use crate::trace::Tracepoint;

/// What is done to an entry: its address space, address and the entry itself.
type Action<'a> = dyn FnMut(&mut Mem, Ref<Mm>, u32, Pte) + 'a;

/// Calls `action` for each entry that leads to a page. It may change the entry, or take it away.
fn for_each_entry(mem: &mut Mem, page: Ref<Page>, action: &mut Action<'_>) {
    let mut left = mem[page].mapcount();
    let frame = mem.frame_of(page);
    let is_anon = mem[page].is(PageFlag::Anon);
    let head: Ref<ListHead> = MM.cast();
    let mut link = mem[head].next;
    while left > 0 && link != head {
        let mm: Ref<Mm> = link.byte_sub(core::mem::offset_of!(Mm, list));
        link = mem[link].next;
        let _ = mem.charge(1);
        if is_anon {
            let address = mem[page].freelist * PAGE_SIZE;
            let pte = table::entry(mem, mm, address);
            if pte.is_present() && pte.frame() == frame {
                left -= 1;
                action(mem, mm, address, pte);
            }
            continue;
        }
        let mut after = 0;
        while left > 0
            && let Some((address, pte)) = next_file_entry(mem, mm, page, after)
        {
            after = address + 1;
            left -= 1;
            action(mem, mm, address, pte);
        }
    }
}

/// The first entry of an address space from an address on that leads to a page of a file.
fn next_file_entry(mem: &Mem, mm: Ref<Mm>, page: Ref<Page>, from: u32) -> Option<(u32, Pte)> {
    let Page {
        mapping, freelist, ..
    } = mem[page];
    let inode: Ref<Inode> = Ref::new(mapping);
    areas(mem, mm).find_map(|vma| {
        let area = &mem[vma];
        if area.file.is_null() || mem[area.file].inode != inode {
            return None;
        }
        let number = freelist.checked_sub(area.pgoff)?;
        let address = area.start + number.checked_mul(PAGE_SIZE)?;
        if number >= area.pages() || address < from {
            return None;
        }
        let pte = table::entry(mem, mm, address);
        let is_it = pte.is_present() && pte.frame() == mem.frame_of(page);
        is_it.then_some((address, pte))
    })
}

/// Whether a page was used through any entry since this was asked last (`page_referenced`).
pub fn referenced(mem: &mut Mem, page: Ref<Page>) -> bool {
    let mut used = false;
    for_each_entry(mem, page, &mut |mem, mm, address, pte| {
        if pte.has(Pte::ACCESSED) {
            used = true;
            table::change(mem, mm, address, pte.without(Pte::ACCESSED));
        }
    });
    used
}

/// Takes a page of a file away from whoever has it mapped; a fault brings it back.
pub fn unmap_file(mem: &mut Mem, page: Ref<Page>) {
    for_each_entry(mem, page, &mut |mem, mm, address, pte| {
        table::clear(mem, mm, address, pte);
    });
}

/// Moves a page to the swap device: `Some` if it has a place there, with whether the page is free now. One
/// that somebody is about to use stays where it is.
pub fn swap_out(mem: &mut Mem, page: Ref<Page>) -> Option<bool> {
    let mut entries = 0;
    for_each_entry(mem, page, &mut |_, _, _, _| entries += 1);
    if entries != mem[page].mapcount() {
        return Some(false);
    }
    if !mem[page].is(PageFlag::SwapCache) && !swap::add_to_swap(mem, page) {
        return None;
    }
    let slot = mem[page].swap_slot();
    for_each_entry(mem, page, &mut |mem, mm, address, pte| {
        if pte.has(Pte::DIRTY) {
            mem[page].set(PageFlag::Dirty);
        }
        table::change(mem, mm, address, Pte::swapped(slot));
        swap::get_slot(mem, slot);
        mem[mm].swap_ents += 1;
        mem[mm].anon_rss -= 1;
        mem[page].count -= 1;
    });
    let is_dirty = mem[page].is(PageFlag::Dirty);
    if is_dirty {
        swap::write_page(mem, page);
    }
    let address = mem[page].freelist * PAGE_SIZE;
    let event = [
        mem.frame_of(page),
        slot,
        entries,
        u32::from(is_dirty),
        address,
    ];
    mem.trace(Tracepoint::SwapOut, event.map(u64::from));
    drop_from_cache(mem, page);
    Some(true)
}

/// Takes a page out of the swap cache, and frees it if nobody has it mapped.
pub(crate) fn drop_from_cache(mem: &mut Mem, page: Ref<Page>) {
    let is_mapped = mem[page].mapcount() > 0;
    mem[page].count += 1;
    swap::leave_cache(mem, page);
    if is_mapped {
        mem[page].count -= 1;
    } else {
        super::fault::forget_anon(mem, page);
        mem.put_page(page);
    }
}
