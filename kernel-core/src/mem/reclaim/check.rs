//! The invariants of reclaim and swap.

use super::swap::{SWAP, SwapInfo, slot_of};
use super::{Lru, RECLAIM};
use crate::mem::{Mem, Page, PageFlag, Ref, Zone};
use crate::task::mm::{self, VM_ACCOUNT};

/// Checks that each page of somebody's memory or a file is on the list that its flags name, once; that
/// slots and pages of the swap cache refer to each other, and that as many entries lead to slots as slots
/// say; that watermarks lie in their order, and promises are those of all areas.
///
/// # Errors
/// A sentence that names the first violation.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    check_lists(mem)?;
    check_swap(mem)?;
    let data = &mem[RECLAIM];
    if data.depth != 0 || data.fs_depth != 0 || data.can_wait != 0 {
        return Err("reclaim: somebody frees memory for ever");
    }
    let areas = mm::mms(mem).flat_map(|mm| mm::areas(mem, mm));
    let accounted = areas.filter(|&vma| mem[vma].has(VM_ACCOUNT));
    if accounted.map(|vma| mem[vma].pages()).sum::<u32>() != data.committed {
        return Err("reclaim: what was promised is not what areas were promised");
    }
    Ok(())
}

fn check_lists(mem: &Mem) -> Result<(), &'static str> {
    let mut listed = 0;
    for zone in mem.zones() {
        let Zone {
            pages_min,
            pages_low,
            pages_high,
            ..
        } = mem[zone];
        if pages_min > pages_low || pages_low > pages_high {
            return Err("reclaim: watermarks are not in their order");
        }
        for lru in Lru::ALL {
            let head = lru.head(zone);
            if !mem.list_is_sound(head, mem[zone].nr_lru[lru as usize]) {
                return Err("reclaim: a list of pages is broken");
            }
            let mut count = 0;
            for link in mem.list_iter(head) {
                let page: Ref<Page> = link.cast();
                let descriptor = &mem[page];
                if !descriptor.is(PageFlag::Lru) || Lru::of(descriptor) != lru {
                    return Err("reclaim: a page is on a list that it should not be on");
                }
                if mem.zone(descriptor.zone()) != zone || descriptor.count == 0 {
                    return Err("reclaim: a free page, or another zone's, is on a list");
                }
                count += 1;
            }
            if count != mem[zone].nr_lru[lru as usize] {
                return Err("reclaim: a list of pages has lost count");
            }
            listed += count;
        }
    }
    let mut marked = 0;
    for frame in 0..mem.frames() {
        let page = &mem[mem.page(frame)];
        let belongs = page.is(PageFlag::Anon) || page.is(PageFlag::PageCache);
        if belongs != page.is(PageFlag::Lru) {
            return Err(
                "reclaim: a page that could be reclaimed is on no list, or one that could not is",
            );
        }
        marked += u32::from(belongs);
    }
    match marked == listed {
        true => Ok(()),
        false => Err("reclaim: a page is on a list twice, or on none"),
    }
}

fn check_swap(mem: &Mem) -> Result<(), &'static str> {
    let SwapInfo {
        pages,
        map_pages,
        is_on,
        free,
        cached,
        entries,
        ..
    } = mem[SWAP];
    let (mut used, mut in_cache, mut counted) = (0, 0, 0);
    for slot in map_pages..pages {
        let at = mem[slot_of(mem, slot)];
        used += u32::from(at.is_used());
        counted += at.count;
        if at.frame != 0 {
            in_cache += 1;
            let page = &mem[mem.page(at.frame)];
            let is_it = page.is_only(PageFlag::Anon) && page.is(PageFlag::SwapCache);
            if at.frame >= mem.frames() || !is_it || page.swap_slot() != slot {
                return Err("swap: a slot's page in the swap cache is another's");
            }
        }
    }
    let told = mm::mms(mem).map(|mm| mem[mm].swap_ents).sum::<u32>();
    if counted != entries || counted != told {
        return Err("swap: slots are not counted by the entries that lead to them");
    }
    let marked = (0..mem.frames())
        .filter(|&frame| mem[mem.page(frame)].is(PageFlag::SwapCache))
        .count() as u32;
    if in_cache != cached || marked != cached {
        return Err("swap: the swap cache has lost count");
    }
    match is_on {
        0 if used == 0 && free == 0 => Ok(()),
        1 if used + free == pages - map_pages => Ok(()),
        _ => Err("swap: free slots are miscounted"),
    }
}
