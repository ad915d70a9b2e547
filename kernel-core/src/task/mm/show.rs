//! What `/proc/<pid>/maps` and `smaps` tell of an area.

use core::fmt::{self, Write};

use super::table::{self, Pte};
use super::{Mm, PAGE_SIZE, VM_EXEC, VM_GROWSDOWN, VM_READ, VM_SHARED, VM_WRITE, Vma};
use crate::fs::{self, PATH_MAX};
use crate::mem::{Mem, PageFlag, Ref};
use crate::task::{Task, program};

/// Counts the bytes that it passes on.
struct Counted<'a> {
    out: &'a mut dyn Write,
    length: usize,
}

impl Write for Counted<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.length += text.len();
        self.out.write_str(text)
    }
}

/// Where the name begins in a line of `maps`: behind 25 columns and six for each byte of a pointer.
const NAME_COLUMN: usize = 25 + 6 * 4;

/// Prints an area as a line of `/proc/<pid>/maps`: addresses, rights, place in the file, device, inode,
/// and what it is.
///
/// # Errors
/// Those of `out`.
pub fn show_map(mem: &Mem, vma: Ref<Vma>, out: &mut dyn Write) -> fmt::Result {
    let area = &mem[vma];
    let mut out = Counted { out, length: 0 };
    write!(out, "{:08x}-{:08x} ", area.start, area.end)?;
    for (flag, letter) in [(VM_READ, 'r'), (VM_WRITE, 'w'), (VM_EXEC, 'x')] {
        out.write_char(if area.has(flag) { letter } else { '-' })?;
    }
    out.write_char(if area.has(VM_SHARED) { 's' } else { 'p' })?;
    let ino = match area.file.is_null() || mem[area.file].is_negative() {
        true => 0,
        false => mem[mem[area.file].inode].ino,
    };
    let offset = area.pgoff.wrapping_mul(PAGE_SIZE);
    // Nothing here is on a device.
    write!(out, " {offset:08x} 00:00 {ino} ")?;
    let pad = NAME_COLUMN.saturating_sub(out.length).max(1);
    let Mm {
        start_brk,
        brk,
        start_stack,
        ..
    } = mem[area.mm];
    if !area.file.is_null() {
        let mut buffer = [0; PATH_MAX];
        // As d_path says it of a file whose name is gone.
        let (path, mark) = match fs::full_path(mem, area.file, &mut buffer) {
            Ok(path) => (path, ""),
            Err(_) => (mem[area.file].name(), " (deleted)"),
        };
        write!(out, "{:pad$}{path}{mark}", "")?;
    } else if area.start <= brk && area.end > start_brk && start_brk != 0 {
        write!(out, "{:pad$}[heap]", "")?;
    } else if area.start < start_stack && area.end >= start_stack {
        write!(out, "{:pad$}[stack]", "")?;
    }
    out.write_char('\n')
}

/// Prints an area as `/proc/<pid>/smaps` does: its line of `maps`, then what of it is in memory. A page
/// is shared if more than one entry leads to it.
///
/// # Errors
/// Those of `out`.
pub fn show_smap(mem: &Mem, vma: Ref<Vma>, out: &mut dyn Write) -> fmt::Result {
    show_map(mem, vma, out)?;
    let Vma { mm, start, end, .. } = mem[vma];
    // Shared and clean, shared and dirty, private and clean, private and dirty.
    let mut pages = [0_u32; 4];
    let mut referenced = 0;
    let mut at = start;
    while let Some((address, pte)) = table::next_present(mem, mm, at, end) {
        at = address + PAGE_SIZE;
        let page = &mem[mem.page(pte.frame())];
        let is_anon = page.is(PageFlag::Anon);
        let mappers = page.mapcount();
        let is_private = usize::from(mappers < 2);
        // What has no file cannot be had again: it counts as written.
        let is_dirty = usize::from(is_anon || pte.has(Pte::DIRTY));
        pages[2 * is_private + is_dirty] += 1;
        referenced += u32::from(pte.has(Pte::ACCESSED));
    }
    let size = mem[vma].pages();
    let rss = pages.iter().sum();
    for (label, count) in [
        ("Size:", size),
        ("Rss:", rss),
        ("Shared_Clean:", pages[0]),
        ("Shared_Dirty:", pages[1]),
        ("Private_Clean:", pages[2]),
        ("Private_Dirty:", pages[3]),
        ("Referenced:", referenced),
    ] {
        writeln!(out, "{label:<15} {:8} kB", u64::from(count) * 4)?;
    }
    Ok(())
}

/// Prints an area as a record of `/proc/<pid>/maps`, or of `smaps`: the first that ends behind the address
/// `position`. Returns the position of the next one.
///
/// # Errors
/// Those of `out`.
pub fn show_area(
    mem: &Mem,
    mm: Ref<Mm>,
    position: u64,
    whole: bool,
    out: &mut dyn Write,
) -> Result<Option<u64>, fmt::Error> {
    let Ok(address) = u32::try_from(position) else {
        return Ok(None);
    };
    if mm.is_null() {
        return Ok(None);
    }
    let Some(vma) = super::find_vma(mem, mm, address) else {
        return Ok(None);
    };
    match whole {
        true => show_smap(mem, vma, out)?,
        false => show_map(mem, vma, out)?,
    }
    let Vma { end, .. } = mem[vma];
    let next = super::find_vma(mem, mm, end);
    Ok(next.map(|_| u64::from(end)))
}

/// Where a task's text begins and ends, its stack begins, and its stack and instruction pointers are, as
/// `/proc/<pid>/stat` tells them. A program's next instruction is the line that it runs.
pub fn places(mem: &Mem, task: Ref<Task>) -> [u32; 5] {
    let mm = mem[task].mm;
    if mm.is_null() || mem[task].program.is_null() {
        return [0; 5];
    }
    let Mm {
        start_code,
        end_code,
        start_stack,
        arg_start,
        ..
    } = mem[mm];
    let ip = start_code + program::line_offset(mem, task);
    [start_code, end_code, start_stack, arg_start, ip]
}

/// Pages of an address space that lie in all areas of a kind.
fn pages_of(mem: &Mem, mm: Ref<Mm>, is_meant: impl Fn(&Vma) -> bool) -> u32 {
    let all = super::areas(mem, mm).map(|vma| &mem[vma]);
    all.filter(|vma| is_meant(vma)).map(Vma::pages).sum()
}

/// Pages of files in memory, pages of text, and pages of data and stack, as `/proc/<pid>/statm` tells
/// them.
pub fn statm(mem: &Mem, mm: Ref<Mm>) -> [u32; 3] {
    if mm.is_null() {
        return [0; 3];
    }
    let text = pages_of(mem, mm, |vma| vma.has(VM_EXEC));
    let data = pages_of(mem, mm, |vma| vma.file.is_null());
    [mem[mm].file_rss, text, data]
}

/// What `/proc/<pid>/status` tells of an address space, in kilobytes.
pub fn status_memory(mem: &Mem, mm: Ref<Mm>) -> [(&'static str, u64); 10] {
    let kilobytes = |pages: u32| u64::from(pages) * u64::from(PAGE_SIZE / 1024);
    let own = &mem[mm];
    let [_, text, data] = statm(mem, mm);
    let stack = pages_of(mem, mm, |vma| vma.has(VM_GROWSDOWN));
    [
        ("VmPeak", kilobytes(own.hiwater_vm.max(own.total_vm))),
        ("VmSize", kilobytes(own.total_vm)),
        // Nothing here can be locked in memory, and nothing leaves it.
        ("VmLck", 0),
        ("VmHWM", kilobytes(own.hiwater_rss.max(own.rss()))),
        ("VmRSS", kilobytes(own.rss())),
        ("VmData", kilobytes(data - stack)),
        ("VmStk", kilobytes(stack)),
        ("VmExe", kilobytes(text)),
        // Programs need no libraries.
        ("VmLib", 0),
        ("VmPTE", kilobytes(own.nr_ptes)),
    ]
}
