//! An address space, read from its areas and its page tables.

use alloc::string::String;
use alloc::vec::Vec;

use kernel_core::mem::{Mem, PageFlag, Ref};
use kernel_core::task::mm::{
    self, Mm, PAGE_SIZE, Pte, VM_SHARED, Vma, entry, next_present, show_map,
};

use super::one::kin;
use crate::view::task::{AreaRow, MmView, PageKind, PageRow, TableRow};

/// Pages that one view shows at most.
const PAGES_MAX: usize = 2048;
/// Other address spaces that are named: as many as there are bits.
const SHARERS_MAX: usize = 32;
/// Entries of others that are looked at to find who shares pages.
const LOOKS_MAX: usize = 1 << 20;

/// An address space, with used entries of its tables from the address `from` on.
pub(super) fn mm(mem: &Mem, mm: Ref<Mm>, from: u32) -> Option<MmView> {
    if mm.is_null() {
        return None;
    }
    let own = &mem[mm];
    let mut view = MmView {
        at: mm.unit(),
        users: own.users,
        pgd: own.pgd,
        total: own.total_vm,
        anon: own.anon_rss,
        file: own.file_rss,
        staged: own.staged_rss,
        heap: [own.start_brk, own.brk],
        tables: tables(mem, own.pgd),
        ..MmView::default()
    };
    for vma in mm::areas(mem, mm) {
        let mut area = area(mem, vma);
        let mut at = area.start;
        while let Some((address, pte)) = next_present(mem, mm, at, area.end) {
            at = address + PAGE_SIZE;
            area.present += 1;
            if address < from {
                view.before += 1;
            } else if view.pages.len() < PAGES_MAX {
                view.pages.push(page(mem, &mem[vma], address, pte));
            } else {
                view.after += 1;
            }
        }
        view.areas.push(area);
    }
    find_sharers(mem, mm, &mut view);
    Some(view)
}

/// The used entries of a directory.
fn tables(mem: &Mem, pgd: u32) -> Vec<TableRow> {
    if pgd == 0 {
        return Vec::new();
    }
    let words = mem.frame(pgd).chunks_exact(4);
    let words = words.map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
    let used = (0..)
        .zip(words.map(Pte))
        .filter(|(_, pte)| pte.is_present());
    used.map(|(index, pte)| TableRow {
        index,
        frame: pte.frame(),
        used: mem[mem.page(pte.frame())].inuse.into(),
    })
    .collect()
}

/// An area; its rights and its name are those of its line in `/proc/<pid>/maps`.
fn area(mem: &Mem, vma: Ref<Vma>) -> AreaRow {
    let mut line = String::new();
    // Nothing fails that is written to a text.
    let _ = show_map(mem, vma, &mut line);
    let mut words = line.trim_end().splitn(6, ' ');
    AreaRow {
        at: vma.unit(),
        start: mem[vma].start,
        end: mem[vma].end,
        rights: words.nth(1).unwrap_or_default().into(),
        // Behind the rights stand offset, device, inode; then blanks.
        name: words.nth(3).unwrap_or_default().trim_start().into(),
        present: 0,
    }
}

/// A used entry of a table.
fn page(mem: &Mem, vma: &Vma, address: u32, pte: Pte) -> PageRow {
    let page = &mem[mem.page(pte.frame())];
    let is_anon = page.is(PageFlag::Anon);
    let mapped = page.mapcount();
    PageRow {
        number: address / PAGE_SIZE,
        pte: pte.0,
        mapped,
        kind: match (is_anon, vma.has(VM_SHARED)) {
            (false, _) => PageKind::File,
            (true, true) => PageKind::Shared,
            (true, false) if mapped > 1 => PageKind::CopyOnWrite,
            (true, false) => PageKind::Private,
        },
        others: 0,
    }
}

/// Finds who else has the view's pages at the same addresses, as it is after a `fork`. Nothing leads
/// from a page to the entries for it, so the other address spaces are looked through.
fn find_sharers(mem: &Mem, mm: Ref<Mm>, view: &mut MmView) {
    let mut looks = 0;
    for other in mm::mms(mem).filter(|other| *other != mm) {
        let bit = view.sharers.len();
        if bit == SHARERS_MAX || looks > LOOKS_MAX {
            return;
        }
        let owner = mem[other].owner;
        if owner.is_null() {
            continue;
        }
        let mut count = 0;
        for page in view.pages.iter_mut().filter(|page| page.mapped > 1) {
            looks += 1;
            let theirs = entry(mem, other, page.address());
            if theirs.is_present() && theirs.frame() == page.frame() {
                page.others |= 1 << bit;
                count += 1;
            }
        }
        if count > 0 {
            view.sharers.push((kin(mem, owner), count));
        }
    }
}
