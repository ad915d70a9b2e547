//! Areas: what a process may use (`mm/mmap.c`).
//!
//! An address space is a sorted list of areas that don't overlap. Mapping puts one in, into the first gap
//! that is large enough, or makes a neighbour of the same kind longer; unmapping cuts them. None of it
//! brings a page: that is left to the first touch.

use super::table;
use super::{
    MM, Mm, PAGE_SIZE, TASK_SIZE, VM_ACCOUNT, VM_DENYWRITE, VM_GROWSDOWN, VM_READ, VM_SHARED,
    VM_WRITE, Vma, areas, set_total_vm,
};
use crate::errno::Errno;
use crate::fs::{self, Dentry};
use crate::mem::{ListHead, Mem, Ref, reclaim};
use crate::oom::weights;
use crate::slab::kmem_cache_free;
use crate::task::Task;
use crate::trace::Tracepoint;

/// Where `mmap` begins to look for a gap (`TASK_UNMAPPED_BASE` of i386).
pub const TASK_UNMAPPED_BASE: u32 = TASK_SIZE / 3;
/// Areas that an address space may have (`sysctl_max_map_count`).
const MAP_COUNT_MAX: u32 = 65536;

/// `length` in whole pages.
///
/// # Errors
/// `EINVAL` for nothing, `ENOMEM` for more than there are addresses.
fn page_align(length: u32) -> Result<u32, Errno> {
    match length {
        0 => Err(Errno::EINVAL),
        1..=TASK_SIZE => Ok(length.div_ceil(PAGE_SIZE) * PAGE_SIZE),
        _ => Err(Errno::ENOMEM),
    }
}

/// The first area that ends behind `address`: the one that holds it, or the next one.
pub fn find_vma(mem: &Mem, mm: Ref<Mm>, address: u32) -> Option<Ref<Vma>> {
    areas(mem, mm).find(|&vma| mem[vma].end > address)
}

/// The area before one, if there is one.
pub(super) fn previous(mem: &Mem, vma: Ref<Vma>) -> Option<Ref<Vma>> {
    let mm = mem[vma].mm;
    let link = mem[vma].list.prev;
    (link != mm.cast()).then(|| link.cast())
}

/// The lowest gap of `length` bytes from [`TASK_UNMAPPED_BASE`] on (`arch_get_unmapped_area`).
fn find_gap(mem: &Mem, mm: Ref<Mm>, length: u32) -> Result<u32, Errno> {
    let mut start = TASK_UNMAPPED_BASE;
    for vma in areas(mem, mm) {
        let Vma {
            start: next, end, ..
        } = mem[vma];
        if end > start {
            if next >= start && next - start >= length {
                break;
            }
            start = end;
        }
    }
    match TASK_SIZE - start >= length {
        true => Ok(start),
        false => Err(Errno::ENOMEM),
    }
}

/// Maps `length` bytes, rounded up to pages, and returns where: the file `file` from page `pgoff` on,
/// or memory that is zero. `at` is the place if it is not 0; what is mapped there goes (`MAP_FIXED`).
///
/// # Errors
/// `EINVAL` for no length, or a place that is not at a page; `ENOMEM` if there is no room for it, or
/// there are too many areas; `ENODEV` for what has no pages to map: a directory, a file of `/proc`.
pub fn do_mmap(
    mem: &mut Mem,
    mm: Ref<Mm>,
    at: u32,
    length: u32,
    flags: u32,
    file: Option<(Ref<Dentry>, u32)>,
) -> Result<u32, Errno> {
    map(mem, mm, at, length, flags, file, true)
}

/// Whether an area may come to take as many pages as it spans, besides those of the page cache
/// (`accountable_mapping`).
fn is_accountable(flags: u32, has_file: bool) -> bool {
    flags & VM_WRITE != 0 && (flags & VM_SHARED == 0 || !has_file)
}

/// Maps; what is `promised` has to be had if it is touched.
fn map(
    mem: &mut Mem,
    mm: Ref<Mm>,
    at: u32,
    length: u32,
    flags: u32,
    file: Option<(Ref<Dentry>, u32)>,
    promised: bool,
) -> Result<u32, Errno> {
    let length = page_align(length)?;
    if let Some((dentry, _)) = file
        && !fs::can_map(mem, dentry)
    {
        return Err(Errno::ENODEV);
    }
    if mem[mm].map_count >= MAP_COUNT_MAX {
        return Err(Errno::ENOMEM);
    }
    let start = match at {
        0 => find_gap(mem, mm, length)?,
        _ if !at.is_multiple_of(PAGE_SIZE) => return Err(Errno::EINVAL),
        _ if at >= TASK_SIZE || TASK_SIZE - at < length => return Err(Errno::ENOMEM),
        _ => {
            do_munmap(mem, mm, at, length)?;
            at
        }
    };
    let mut account = 0;
    if promised && is_accountable(flags, file.is_some()) {
        account = VM_ACCOUNT;
        reclaim::promise(mem, mm, length / PAGE_SIZE)?;
    }
    let vma = Vma {
        start,
        end: start + length,
        flags: flags | account,
        file: file.map_or(Ref::NULL, |(dentry, _)| dentry),
        pgoff: file.map_or(0, |(_, pgoff)| pgoff),
        list: ListHead {
            next: Ref::NULL,
            prev: Ref::NULL,
        },
        mm,
    };
    if let Err(errno) = insert(mem, vma) {
        take_back(mem, &vma);
        return Err(errno);
    }
    let args = [mm.unit(), start, length, flags];
    mem.trace(Tracepoint::MmMap, args.map(u64::from));
    Ok(start)
}

/// What an area was promised counts no more.
fn take_back(mem: &mut Mem, vma: &Vma) {
    if vma.has(VM_ACCOUNT) {
        reclaim::take_back(mem, vma.pages());
    }
}

/// Shows memory without a page to back it, which nobody promises, and counts `rss` pages of it as if they were there: how
/// `spawn` stages a large process on a small machine.
///
/// # Errors
/// Those of [`do_mmap`].
pub fn stage(mem: &mut Mem, mm: Ref<Mm>, pages: u32, rss: u32) -> Result<(), Errno> {
    if pages > 0 {
        let length = pages.checked_mul(PAGE_SIZE).ok_or(Errno::ENOMEM)?;
        map(mem, mm, 0, length, VM_READ | VM_WRITE, None, false)?;
    }
    mem[mm].staged_rss = rss;
    mem[mm].note_peaks();
    Ok(())
}

/// Makes a task's memory span `pages`, of which `rss` count as there; one without an address space gets
/// one.
///
/// # Errors
/// Those of [`do_mmap`].
pub fn stage_task(mem: &mut Mem, task: Ref<Task>, pages: u32, rss: u32) -> Result<(), Errno> {
    let mut mm = mem[task].mm;
    let is_new = mm.is_null();
    if is_new {
        mm = super::mm_alloc(mem)?;
        mem[mm].owner = task;
    }
    let more = pages.saturating_sub(mem[mm].total_vm);
    let Mm {
        anon_rss, file_rss, ..
    } = mem[mm];
    let staged = stage(mem, mm, more, rss.saturating_sub(anon_rss + file_rss));
    match (staged, is_new) {
        (Ok(()), true) => {
            mem[task].mm = mm;
            weights::mm_changed(mem, task, 0);
        }
        (Err(_), true) => super::mmput(mem, mm),
        _ => {}
    }
    staged
}

/// Puts an area into its gap, or makes the neighbours longer.
fn insert(mem: &mut Mem, vma: Vma) -> Result<(), Errno> {
    let Vma { mm, start, end, .. } = vma;
    let next = find_vma(mem, mm, start);
    let next_link: Ref<ListHead> = next.map_or(mm.cast(), |next| next.cast());
    let before = mem[next_link].prev;
    let before: Option<Ref<Vma>> = (before != mm.cast()).then(|| before.cast());
    // Only memory of zeroes is joined: there is one kind of it.
    let joins = |mem: &Mem, other: Ref<Vma>| {
        let Vma { file, flags, .. } = mem[other];
        let plain = flags & (VM_GROWSDOWN | VM_SHARED) == 0;
        plain && flags == vma.flags && file.is_null() && vma.file.is_null()
    };
    let below = before.filter(|&below| mem[below].end == start && joins(mem, below));
    let above = next.filter(|&above| mem[above].start == end && joins(mem, above));
    match (below, above) {
        (Some(below), Some(above)) => {
            mem[below].end = mem[above].end;
            // Its pages stay: they are below's now.
            forget(mem, above);
        }
        (Some(below), None) => mem[below].end = end,
        (None, Some(above)) => mem[above].start = start,
        (None, None) => {
            new_before(mem, vma, next_link)?;
        }
    }
    let pages = mem[mm].total_vm + (end - start) / PAGE_SIZE;
    set_total_vm(mem, mm, pages);
    mem[mm].note_peaks();
    Ok(())
}

/// Makes an area in front of a link of its list, with a reference to its file.
fn new_before(mem: &mut Mem, vma: Vma, next: Ref<ListHead>) -> Result<Ref<Vma>, Errno> {
    let cache = mem[MM].vma_cache;
    let new: Ref<Vma> = fs::alloc_object(mem, cache)?;
    if vma.has(VM_DENYWRITE) {
        let inode = mem[vma.file].inode;
        if let Err(errno) = fs::deny_write_access(mem, inode) {
            kmem_cache_free(mem, cache, new);
            return Err(errno);
        }
    }
    mem[new] = vma;
    mem.list_add_tail(new.cast(), next);
    mem[vma.mm].map_count += 1;
    mem[MM].nr_vmas += 1;
    if !vma.file.is_null() {
        fs::get(mem, vma.file);
    }
    Ok(new)
}

/// Takes an area off its list and frees it; pages and `total_vm` are the caller's.
fn forget(mem: &mut Mem, vma: Ref<Vma>) {
    let Vma { mm, file, .. } = mem[vma];
    if mem[vma].has(VM_DENYWRITE) {
        let inode = mem[file].inode;
        fs::allow_write_access(mem, inode);
    }
    mem.list_del(vma.cast());
    mem[mm].map_count -= 1;
    mem[MM].nr_vmas -= 1;
    let cache = mem[MM].vma_cache;
    kmem_cache_free(mem, cache, vma);
    if !file.is_null() {
        fs::put(mem, file);
    }
}

/// Frees an area that has no pages any more.
pub(super) fn free(mem: &mut Mem, vma: Ref<Vma>) {
    let Vma { mm, .. } = mem[vma];
    let pages = mem[mm].total_vm - mem[vma].pages();
    set_total_vm(mem, mm, pages);
    let area = mem[vma];
    take_back(mem, &area);
    forget(mem, vma);
}

/// Copies an area to the end of another address space.
pub(super) fn copy(mem: &mut Mem, vma: Ref<Vma>, to: Ref<Mm>) -> Result<(), Errno> {
    let copy = Vma { mm: to, ..mem[vma] };
    let pages = copy.pages();
    if copy.has(VM_ACCOUNT) {
        reclaim::promise(mem, to, pages)?;
    }
    if let Err(errno) = new_before(mem, copy, to.cast()) {
        take_back(mem, &copy);
        return Err(errno);
    }
    let pages = mem[to].total_vm + pages;
    set_total_vm(mem, to, pages);
    Ok(())
}

/// Cuts an area in two at `at`, which lies within it.
fn split(mem: &mut Mem, vma: Ref<Vma>, at: u32) -> Result<(), Errno> {
    let upper = Vma {
        start: at,
        pgoff: match mem[vma].file.is_null() {
            true => 0,
            false => mem[vma].index(at),
        },
        ..mem[vma]
    };
    let next = mem[vma].list.next;
    new_before(mem, upper, next)?;
    mem[vma].end = at;
    Ok(())
}

/// Takes the areas of a range away, and their pages. An area that reaches beyond it is cut.
///
/// # Errors
/// `EINVAL` for a range that is empty, does not begin at a page, or leaves user memory; `ENOMEM` if an
/// area cannot be cut.
pub fn do_munmap(mem: &mut Mem, mm: Ref<Mm>, start: u32, length: u32) -> Result<(), Errno> {
    let length = page_align(length).map_err(|_| Errno::EINVAL)?;
    if !start.is_multiple_of(PAGE_SIZE) || start >= TASK_SIZE || TASK_SIZE - start < length {
        return Err(Errno::EINVAL);
    }
    let end = start + length;
    // What may fail comes first: at most two cuts.
    for at in [start, end] {
        if let Some(vma) = find_vma(mem, mm, at).filter(|&vma| mem[vma].start < at) {
            if mem[mm].map_count >= MAP_COUNT_MAX {
                return Err(Errno::ENOMEM);
            }
            split(mem, vma, at)?;
        }
    }
    let before = mem[mm].rss();
    while let Some(vma) = find_vma(mem, mm, start).filter(|&vma| mem[vma].start < end) {
        let Vma { start, end, .. } = mem[vma];
        table::zap(mem, mm, start, end);
        free(mem, vma);
    }
    let freed = before - mem[mm].rss();
    let args = [mm.unit(), start, length, freed];
    mem.trace(Tracepoint::MmUnmap, args.map(u64::from));
    Ok(())
}

/// Moves the end of the heap, to `brk` if that is possible, and says where it is then (`sys_brk`). 0
/// asks where it is.
///
/// # Errors
/// `ENOMEM` if `brk` lies before the heap, or something is in its way.
pub fn do_brk(mem: &mut Mem, mm: Ref<Mm>, brk: u32) -> Result<u32, Errno> {
    let Mm {
        start_brk,
        brk: old,
        ..
    } = mem[mm];
    if brk == 0 {
        return Ok(old);
    }
    if brk < start_brk || brk >= TASK_SIZE {
        return Err(Errno::ENOMEM);
    }
    let round = |address: u32| address.div_ceil(PAGE_SIZE) * PAGE_SIZE;
    let (from, to) = (round(old), round(brk));
    if to < from {
        do_munmap(mem, mm, to, from - to)?;
    } else if to > from {
        if find_vma(mem, mm, from).is_some_and(|vma| mem[vma].start < to) {
            return Err(Errno::ENOMEM);
        }
        do_mmap(mem, mm, from, to - from, VM_READ | VM_WRITE, None)?;
    }
    mem[mm].brk = brk;
    Ok(brk)
}
