//! The invariants of address spaces.

use super::table::{self, Pte, TABLE_ENTRIES};
use super::{MM, Mm, MmData, PAGE_SIZE, TASK_SIZE, Vma, areas, mms};
use crate::mem::reclaim::RECLAIM;
use crate::mem::{Mem, Page, PageFlag, Ref};
use crate::task::pid;
use crate::trace::mix;

/// What all tables together say.
#[derive(Default)]
struct Census {
    mms: u32,
    vmas: u32,
    tables: u32,
    /// Entries for anonymous pages, and a sum that tells for which.
    anon: u32,
    anon_sum: u64,
    /// Entries for pages of files.
    mapped: u32,
    mapped_sum: u64,
    users: u32,
}

/// Checks areas, tables, and that every page is counted as often as entries lead to it.
///
/// # Errors
/// A sentence that names the first violation.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    let data = &mem[MM];
    if !mem.list_is_sound(MM.cast(), mem.frames() * 64) {
        return Err("mm: the list of address spaces is broken");
    }
    let mut census = Census::default();
    for mm in mms(mem) {
        census.mms += 1;
        census.users += mem[mm].users;
        check_areas(mem, mm, &mut census)?;
        check_tables(mem, mm, &mut census)?;
    }
    let living = pid::tasks_from(mem, 0).filter(|&task| !mem[task].mm.is_null());
    if census.users != living.count() as u32 {
        return Err("mm: the users of address spaces are not the tasks that live in them");
    }
    let MmData {
        nr_mms,
        nr_vmas,
        nr_anon,
        nr_tables,
        nr_mapped,
        ..
    } = *data;
    let told = [nr_mms, nr_vmas, nr_tables, nr_mapped];
    if told != [census.mms, census.vmas, census.tables, census.mapped] {
        return Err("mm: address spaces, areas, tables or mapped pages were miscounted");
    }
    check_pages(mem, &census, nr_anon)
}

fn check_areas(mem: &Mem, mm: Ref<Mm>, census: &mut Census) -> Result<(), &'static str> {
    if mem[mm].users == 0 {
        return Err("mm: nobody lives in an address space");
    }
    if !mem.list_is_sound(mm.cast(), mem[mm].map_count) {
        return Err("mm: a list of areas is broken");
    }
    let mut end = 0;
    let (mut count, mut pages) = (0, 0);
    for vma in areas(mem, mm) {
        let area = &mem[vma];
        if area.mm != mm || area.start < end || area.start >= area.end || area.end > TASK_SIZE {
            return Err("mm: areas overlap, are empty or leave user memory");
        }
        if !(area.start | area.end).is_multiple_of(PAGE_SIZE) {
            return Err("mm: an area does not begin and end at pages");
        }
        end = area.end;
        count += 1;
        pages += area.pages();
    }
    if count != mem[mm].map_count || pages != mem[mm].total_vm {
        return Err("mm: an address space has lost count of its areas");
    }
    census.vmas += count;
    Ok(())
}

fn check_tables(mem: &Mem, mm: Ref<Mm>, census: &mut Census) -> Result<(), &'static str> {
    let mut tables = 0;
    for (index, frame) in (0..).zip(table::tables(mem, mm)) {
        tables += 1;
        if frame >= mem.frames() {
            return Err("mm: a page table is outside of memory");
        }
        let Page {
            mapping,
            freelist,
            inuse,
            count,
            ..
        } = mem[mem.page(frame)];
        let in_use = mem[Ref::<[u32; TABLE_ENTRIES]>::of_frame(frame)];
        let in_use = in_use.iter().filter(|&&word| word != 0).count();
        if !mem[mem.page(frame)].is_only(PageFlag::PageTable) || mapping != mm.unit() || count != 1
        {
            return Err("mm: a page table is not marked as one of its address space");
        }
        if in_use == 0 || usize::from(inuse) != in_use {
            return Err("mm: a page table is empty or has lost count");
        }
        if (freelist == TABLE_ENTRIES as u32) != (index == 0) {
            return Err("mm: a page table does not know its place");
        }
    }
    if tables != mem[mm].nr_ptes {
        return Err("mm: an address space has lost count of its tables");
    }
    census.tables += tables;
    check_entries(mem, mm, census)
}

fn check_entries(mem: &Mem, mm: Ref<Mm>, census: &mut Census) -> Result<(), &'static str> {
    let (mut anon, mut file, mut swapped) = (0, 0, 0);
    let mut next = 0;
    // Addresses come in order, and so do areas.
    let mut all = areas(mem, mm);
    let mut area = all.next();
    while let Some((address, pte)) = table::next_entry(mem, mm, next, TASK_SIZE) {
        next = address + PAGE_SIZE;
        while let Some(vma) = area.filter(|&vma| mem[vma].end <= address) {
            let _ = vma;
            area = all.next();
        }
        let vma = area.filter(|&vma| mem[vma].start <= address);
        let vma = vma.ok_or("mm: a page lies outside of all areas")?;
        if pte.is_swap() {
            let swap = &mem[RECLAIM].swap;
            if !(swap.map_pages..swap.pages).contains(&pte.slot()) || swap.is_on == 0 {
                return Err("mm: an entry leads to a slot that there is not");
            }
            swapped += 1;
            continue;
        }
        check_entry(mem, vma, address, pte)?;
        let frame = u64::from(pte.frame());
        if mem[mem.page(pte.frame())].is(PageFlag::Anon) {
            anon += 1;
            census.anon_sum = census.anon_sum.wrapping_add(mix(1, frame));
        } else {
            file += 1;
            census.mapped_sum = census.mapped_sum.wrapping_add(mix(1, frame));
        }
    }
    if swapped != mem[mm].swap_ents {
        return Err("mm: an address space has lost count of what is swapped out");
    }
    if anon != mem[mm].anon_rss || file != mem[mm].file_rss {
        return Err("mm: an address space has lost count of its pages");
    }
    census.anon += anon;
    census.mapped += file;
    Ok(())
}

fn check_entry(mem: &Mem, vma: Ref<Vma>, address: u32, pte: Pte) -> Result<(), &'static str> {
    if !pte.is_present() || pte.frame() >= mem.frames() {
        return Err("mm: an entry leads nowhere");
    }
    let area = &mem[vma];
    let page = &mem[mem.page(pte.frame())];
    if pte.has(Pte::RW) && !area.has(super::VM_WRITE) {
        return Err("mm: a page can be written that its area protects");
    }
    if page.is_only(PageFlag::Anon) {
        let is_shared = page.mapcount() > 1;
        if pte.has(Pte::RW) && is_shared && area.is_private() {
            return Err("mm: a private page that others have can be written");
        }
        return Ok(());
    }
    if !page.is_only(PageFlag::PageCache) || area.file.is_null() {
        return Err("mm: an entry leads to a page that is nobody's memory");
    }
    if page.mapping != mem[area.file].inode.unit() || page.freelist != area.index(address) {
        return Err("mm: an entry leads to another page of the file than its area says");
    }
    if pte.has(Pte::RW) && area.is_private() {
        return Err("mm: a file's page can be written through a private area");
    }
    Ok(())
}

/// Compares what the entries say with what the pages do. The sums stand for the lists of frames: there is
/// no memory here to note each of them.
fn check_pages(mem: &Mem, census: &Census, nr_anon: u32) -> Result<(), &'static str> {
    let (mut pages, mut tables) = (0, 0);
    let (mut anon, mut anon_sum) = (0, 0_u64);
    let (mut mapped, mut mapped_sum) = (0, 0_u64);
    for frame in 0..mem.frames() {
        let page = &mem[mem.page(frame)];
        let name = mix(1, u64::from(frame));
        if page.is(PageFlag::Anon) {
            pages += 1;
            anon += page.mapcount();
            anon_sum = anon_sum.wrapping_add(name.wrapping_mul(u64::from(page.mapcount())));
        }
        if page.is(PageFlag::PageCache) {
            let extra = page.count.saturating_sub(1);
            mapped += extra;
            mapped_sum = mapped_sum.wrapping_add(name.wrapping_mul(u64::from(extra)));
        }
        tables += u32::from(page.is(PageFlag::PageTable));
    }
    if tables != census.tables {
        return Err("mm: a page table belongs to no address space");
    }
    if pages != nr_anon || anon != census.anon || anon_sum != census.anon_sum {
        return Err("mm: an anonymous page is not counted by the entries that lead to it");
    }
    if mapped != census.mapped || mapped_sum != census.mapped_sum {
        return Err("mm: a file's page is not counted by the entries that lead to it");
    }
    Ok(())
}
