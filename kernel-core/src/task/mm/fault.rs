//! Page faults: how promises are kept.
//!
//! A program touches an address whose entry does not allow it. The kernel looks for the area: if there is
//! none, or it forbids this, the program has made a mistake (SIGSEGV). Else it gets its page:
//!
//! - memory without a file: a page of zeroes (demand zero);
//! - a file: the page of the page cache that everybody shares, which only a shared area may write to;
//! - a private page that is written while others have it: a copy (copy-on-write), or the page itself if
//!   nobody else has it any more.

use super::table::{self, Pte};
use super::{
    MM, Mm, PAGE_SIZE, STACK_MAX, TASK_SIZE, VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_READ, VM_WRITE,
    Vma, area, set_total_vm, swap,
};
use crate::container::memory;
use crate::errno::Errno;
use crate::fs;
use crate::mem::{FRAME_SIZE, Gfp, MEM, Mem, Page, PageFlag, Ref, reclaim};
use crate::task;
use crate::trace::Tracepoint;

/// What a fault brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Fault {
    /// Nothing: the entry was good.
    Spurious = 0,
    /// A page of zeroes.
    Zero = 1,
    /// A page of a file.
    File = 2,
    /// A page of a file that had to be read first.
    Major = 3,
    /// A copy of a page that others have too.
    Copy = 4,
    /// The right to write to a page that nobody else has any more.
    Reuse = 5,
    /// A page from the swap device.
    Swap = 6,
    /// A page that was to go there, but is still in memory, or was fetched for somebody else.
    SwapCache = 7,
}

/// Gives `mm` the page at `address`, to be read, or to be written.
///
/// # Errors
/// `EFAULT` if nothing is promised there, or not this: SIGSEGV. `EIO` behind the end of a mapped file:
/// SIGBUS. `ENOMEM`. Then nothing has changed.
pub fn handle_mm_fault(
    mem: &mut Mem,
    mm: Ref<Mm>,
    address: u32,
    write: bool,
) -> Result<Fault, Errno> {
    let address = address / PAGE_SIZE * PAGE_SIZE;
    let vma = find_or_grow(mem, mm, address)?;
    let Vma { flags, .. } = mem[vma];
    let needed = if write { VM_WRITE } else { VM_READ | VM_EXEC };
    if flags & needed == 0 {
        return Err(Errno::EFAULT);
    }
    let pte = table::entry(mem, mm, address);
    let (fault, from) = if pte.is_swap() {
        let fault = swap::swap_in(mem, vma, address, pte)?;
        if write {
            // It may be others' as well.
            let pte = table::entry(mem, mm, address);
            write_protected(mem, vma, address, pte)?;
        }
        (fault, 0)
    } else if !pte.is_present() {
        let fault = match mem[vma].file.is_null() {
            true => anonymous_page(mem, vma, address)?,
            false => file_page(mem, vma, address, write)?,
        };
        (fault, 0)
    } else if !write || pte.has(Pte::RW) {
        (Fault::Spurious, 0)
    } else {
        (write_protected(mem, vma, address, pte)?, pte.frame())
    };
    mem[mm].note_peaks();
    mem[MM].faults += 1;
    count_for_task(mem, mm, fault);
    let frame = table::entry(mem, mm, address).frame();
    let args = [
        mm.unit(),
        address,
        u32::from(write),
        fault as u32,
        frame,
        from,
    ];
    mem.trace(Tracepoint::PageFault, args.map(u64::from));
    if fault == Fault::Swap {
        swap::wait_for_device(mem)?;
    }
    Ok(fault)
}

/// The area that holds `address`, or the stack above it, grown down to it (`expand_stack`).
fn find_or_grow(mem: &mut Mem, mm: Ref<Mm>, address: u32) -> Result<Ref<Vma>, Errno> {
    if address >= TASK_SIZE {
        return Err(Errno::EFAULT);
    }
    let vma = area::find_vma(mem, mm, address).ok_or(Errno::EFAULT)?;
    let Vma { start, end, .. } = mem[vma];
    if start <= address {
        return Ok(vma);
    }
    if !mem[vma].has(VM_GROWSDOWN) || end - address > STACK_MAX {
        return Err(Errno::EFAULT);
    }
    // A page is left between the stack and what is below it.
    let below = area::previous(mem, vma).map_or(0, |below| mem[below].end);
    if address - below < PAGE_SIZE {
        return Err(Errno::EFAULT);
    }
    if mem[vma].has(VM_ACCOUNT) {
        reclaim::promise(mem, mm, (start - address) / PAGE_SIZE)?;
    }
    mem[vma].start = address;
    let pages = mem[mm].total_vm + (start - address) / PAGE_SIZE;
    set_total_vm(mem, mm, pages);
    Ok(vma)
}

/// Counts a fault for the task that makes it.
fn count_for_task(mem: &mut Mem, mm: Ref<Mm>, fault: Fault) {
    let current = task::current(mem);
    if mem[current].mm != mm {
        return;
    }
    match fault {
        Fault::Major | Fault::Swap => mem[current].maj_flt += 1,
        Fault::Copy => {
            mem[current].min_flt += 1;
            mem[MM].copies += 1;
        }
        _ => mem[current].min_flt += 1,
    }
}

/// A page for `mm`, not zeroed, that is charged to whoever pays for it.
pub(super) fn alloc_anon(mem: &mut Mem, mm: Ref<Mm>, address: u32) -> Result<Ref<Page>, Errno> {
    let page = fs::with_memory(mem, alloc_on_allowed_node)?;
    mem[page].set(PageFlag::Anon);
    mem[page].freelist = address / PAGE_SIZE;
    mem[page].mapping = 0;
    // Whoever pays for this address space may have enough.
    if let Err(errno) = memory::charge(mem, mm, page) {
        mem[page].clear(PageFlag::Anon);
        mem[page].freelist = 0;
        mem.put_page(page);
        return Err(errno);
    }
    mem[MM].nr_anon += 1;
    mem[page].set(PageFlag::Active);
    mem.lru_add(page);
    Ok(page)
}

/// A page from a node that the current task may use, as near to it as that allows.
fn alloc_on_allowed_node(mem: &mut Mem) -> Result<Ref<Page>, Errno> {
    let all = (1 << mem[MEM].nr_nodes) - 1;
    let current = task::current(mem);
    match mem[current].mems_allowed & all {
        nodes if nodes == all => mem.alloc_page(Gfp::KERNEL),
        nodes => mem.alloc_page_on(Gfp::KERNEL, nodes),
    }
}

/// Ends a page's life as somebody's memory; the last reference is the caller's to drop.
pub(super) fn forget_anon(mem: &mut Mem, page: Ref<Page>) {
    memory::uncharge(mem, page);
    mem.lru_forget(page);
    let descriptor = &mut mem[page];
    descriptor.clear(PageFlag::Anon);
    descriptor.freelist = 0;
    mem[MM].nr_anon -= 1;
}

/// Enters a new anonymous page, or frees it if there is no memory for the tables.
fn enter_anon(mem: &mut Mem, vma: Ref<Vma>, address: u32, page: Ref<Page>) -> Result<(), Errno> {
    let Vma { mm, flags, .. } = mem[vma];
    let rw = if flags & VM_WRITE != 0 { Pte::RW } else { 0 };
    let frame = mem.frame_of(page);
    if let Err(errno) = table::set(mem, mm, address, Pte::new(frame, rw | Pte::ACCESSED)) {
        forget_anon(mem, page);
        mem.put_page(page);
        return Err(errno);
    }
    mem[mm].anon_rss += 1;
    Ok(())
}

/// Demand zero (`do_anonymous_page`).
fn anonymous_page(mem: &mut Mem, vma: Ref<Vma>, address: u32) -> Result<Fault, Errno> {
    let page = alloc_anon(mem, mem[vma].mm, address)?;
    let frame = mem.frame_of(page);
    mem.frame_mut(frame).fill(0);
    enter_anon(mem, vma, address, page)?;
    Ok(Fault::Zero)
}

/// A page of a file (`do_no_page`): to be read it is the page cache's own; to be written that, too, in a
/// shared area, and a copy of it in a private one.
fn file_page(mem: &mut Mem, vma: Ref<Vma>, address: u32, write: bool) -> Result<Fault, Errno> {
    let Vma {
        mm, file, flags, ..
    } = mem[vma];
    let inode = mem[file].inode;
    let index = mem[vma].index(address);
    let (page, was_read) = fs::page_for_map(mem, inode, index)?;
    let frame = mem.frame_of(page);
    if write && mem[vma].is_private() {
        // It stays while memory is looked for.
        mem[page].count += 1;
        let copied = copy_to_anon(mem, vma, address, frame);
        mem.put_page(page);
        copied?;
        return Ok(if was_read { Fault::Major } else { Fault::Copy });
    }
    let rw = if write { Pte::RW | Pte::DIRTY } else { 0 };
    mem[page].count += 1;
    if let Err(errno) = table::set(mem, mm, address, Pte::new(frame, rw | Pte::ACCESSED)) {
        mem.put_page(page);
        return Err(errno);
    }
    mem[mm].file_rss += 1;
    mem[MM].nr_mapped += 1;
    if write {
        debug_assert!(flags & VM_WRITE != 0);
        fs::set_page_dirty(mem, inode, index);
    }
    Ok(if was_read { Fault::Major } else { Fault::File })
}

/// Gives an area a copy of a page, at an address that has no entry.
fn copy_to_anon(mem: &mut Mem, vma: Ref<Vma>, address: u32, from: u32) -> Result<(), Errno> {
    let page = alloc_anon(mem, mem[vma].mm, address)?;
    let to = mem.frame_of(page);
    mem.copy_frame(from, to);
    enter_anon(mem, vma, address, page)
}

/// A write to a page that is there but must not be written (`do_wp_page`).
fn write_protected(mem: &mut Mem, vma: Ref<Vma>, address: u32, pte: Pte) -> Result<Fault, Errno> {
    let mm = mem[vma].mm;
    let page = mem.page(pte.frame());
    let is_anon = mem[page].is(PageFlag::Anon);
    let writable = pte.with(Pte::RW | Pte::DIRTY);
    let is_shared = !mem[vma].is_private();
    if is_anon && (is_shared || mem[page].mapcount() == 1 && swap::give_up_slot(mem, page)) {
        table::change(mem, mm, address, writable);
        return Ok(Fault::Reuse);
    }
    if !is_anon && !mem[vma].is_private() {
        let (inode, index) = (mem[mem[vma].file].inode, mem[vma].index(address));
        fs::set_page_dirty(mem, inode, index);
        table::change(mem, mm, address, writable);
        return Ok(Fault::Reuse);
    }
    // It stays while memory is looked for.
    mem[page].count += 1;
    let copy = alloc_anon(mem, mm, address);
    mem[page].count -= 1;
    let copy = copy?;
    let to = mem.frame_of(copy);
    mem.copy_frame(pte.frame(), to);
    let bits = Pte::RW | Pte::DIRTY | Pte::ACCESSED;
    table::change(mem, mm, address, Pte::new(to, bits));
    table::put(mem, mm, pte.frame());
    mem[mm].anon_rss += 1;
    Ok(Fault::Copy)
}

/// The part of a page that a piece of user memory covers: address, place in the page, length.
fn pieces(address: u32, length: usize) -> impl Iterator<Item = (u32, usize, usize)> {
    let mut done = 0;
    core::iter::from_fn(move || {
        // An address that wraps around leads to no area.
        let at = address.wrapping_add(done as u32);
        let within = at as usize % FRAME_SIZE;
        let piece = (length - done).min(FRAME_SIZE - within);
        done += piece;
        (piece > 0).then_some((at, within, piece))
    })
}

/// Copies user memory (`copy_from_user`); pages come as they are touched.
///
/// # Errors
/// Those of [`handle_mm_fault`].
pub fn read_user(mem: &mut Mem, mm: Ref<Mm>, address: u32, buffer: &mut [u8]) -> Result<(), Errno> {
    let mut done = 0;
    for (at, within, length) in pieces(address, buffer.len()) {
        let frame = reach(mem, mm, at, false)?;
        let bytes = &mem.frame(frame)[within..within + length];
        buffer[done..done + length].copy_from_slice(bytes);
        done += length;
    }
    Ok(())
}

/// Copies to user memory (`copy_to_user`).
///
/// # Errors
/// Those of [`handle_mm_fault`]; what comes before the fault was copied.
pub fn write_user(mem: &mut Mem, mm: Ref<Mm>, address: u32, bytes: &[u8]) -> Result<(), Errno> {
    let mut done = 0;
    for (at, within, length) in pieces(address, bytes.len()) {
        let frame = reach(mem, mm, at, true)?;
        let target = &mut mem.frame_mut(frame)[within..within + length];
        target.copy_from_slice(&bytes[done..done + length]);
        done += length;
    }
    Ok(())
}

/// The frame of an address, by a fault if need be.
fn reach(mem: &mut Mem, mm: Ref<Mm>, address: u32, write: bool) -> Result<u32, Errno> {
    if let Some(frame) = table::access(mem, mm, address, write) {
        return Ok(frame);
    }
    handle_mm_fault(mem, mm, address, write)?;
    table::access(mem, mm, address, write).ok_or(Errno::EFAULT)
}
