//! An address space: its areas, its two levels of page tables, and the pages that they lead to.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Kin, pages};

/// An address space (`mm_struct`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MmView {
    /// Where it is, in units of 8 bytes.
    pub at: u32,
    /// Tasks that live in it.
    pub users: u32,
    /// The frame of its page directory; 0 while nothing was touched.
    pub pgd: u32,
    /// Pages that its areas span.
    pub total: u32,
    /// Pages of its own in memory.
    pub anon: u32,
    /// Pages of files in memory.
    pub file: u32,
    /// Pages that are staged: counted, but not there.
    pub staged: u32,
    /// Where the heap begins and ends.
    pub heap: [u32; 2],
    /// The areas in the order of their addresses.
    pub areas: Vec<AreaRow>,
    /// The used entries of the directory.
    pub tables: Vec<TableRow>,
    /// Used entries of tables that lie before those that are here.
    pub before: u32,
    /// Those behind them.
    pub after: u32,
    /// Used entries of tables, in the order of their addresses.
    pub pages: Vec<PageRow>,
    /// Other address spaces with some of these pages, each by the task that answers for it, with how
    /// many.
    pub sharers: Vec<(Kin, u32)>,
}

/// A range of addresses (`vm_area_struct`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaRow {
    /// Where it is, in units of 8 bytes.
    pub at: u32,
    /// Its first address.
    pub start: u32,
    /// The first address behind it.
    pub end: u32,
    /// `rwxp` as `/proc/<pid>/maps` prints them.
    pub rights: String,
    /// What it is: a path, `[heap]`, `[stack]`, or nothing.
    pub name: String,
    /// Its pages that are in memory.
    pub present: u32,
}

impl AreaRow {
    /// Pages that it spans.
    pub fn pages(&self) -> u32 {
        (self.end - self.start) / 4096
    }

    /// Whether what one writes in it others see.
    pub fn is_shared(&self) -> bool {
        self.rights.ends_with('s')
    }

    /// What it is, in words.
    pub fn what(&self) -> &str {
        match (&*self.name, self.is_shared()) {
            ("", true) => words::tasks::shared_memory(),
            ("", false) => words::tasks::memory(),
            (name, _) => name,
        }
    }
}

/// A used entry of the page directory, and the table that it leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRow {
    /// Its place in the directory, 0 to 1023.
    pub index: u32,
    /// The frame of the table.
    pub frame: u32,
    /// How many entries of the table are used.
    pub used: u32,
}

/// Whose a page is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PageKind {
    /// It belongs to this address space alone.
    #[default]
    Private,
    /// It is shared until somebody writes to it: who does gets a copy.
    CopyOnWrite,
    /// It is shared, and what one writes all see.
    Shared,
    /// It is the page cache's: a page of a file.
    File,
}

impl PageKind {
    /// All of them.
    pub const ALL: [PageKind; 4] = [
        PageKind::Private,
        PageKind::CopyOnWrite,
        PageKind::Shared,
        PageKind::File,
    ];

    /// What it is called.
    pub fn word(self) -> &'static str {
        match self {
            PageKind::Private => words::tasks::page_private(),
            PageKind::CopyOnWrite => words::tasks::page_cow(),
            PageKind::Shared => words::tasks::page_shared(),
            PageKind::File => words::tasks::page_file(),
        }
    }
}

/// A used entry of a page table, and the page that it leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRow {
    /// The upper twenty bits of the address.
    pub number: u32,
    /// The entry, as an i386 would read it.
    pub pte: u32,
    /// How many entries of all address spaces lead to the page.
    pub mapped: u32,
    /// Whose it is.
    pub kind: PageKind,
    /// Which of [`MmView::sharers`] have it at the same address, a bit each.
    pub others: u32,
}

/// The bits of an entry, with the letters that stand for them here, and words.
const BITS: [(u32, char, words::Say); 5] = [
    (1, 'P', words::tasks::bit_present),
    (2, 'W', words::tasks::bit_writable),
    (4, 'U', words::tasks::bit_user),
    (0x20, 'A', words::tasks::bit_accessed),
    (0x40, 'D', words::tasks::bit_dirty),
];

impl PageRow {
    /// Its first address.
    pub fn address(&self) -> u32 {
        self.number << 12
    }

    /// The frame that the entry leads to.
    pub fn frame(&self) -> u32 {
        self.pte >> 12
    }

    /// Whether it may be written as it stands.
    pub fn is_writable(&self) -> bool {
        self.pte & 2 != 0
    }

    /// Whether it was written through this entry.
    pub fn is_dirty(&self) -> bool {
        self.pte & 0x40 != 0
    }

    /// The entry's bits as letters, `-` for those that are not set.
    pub fn letters(&self) -> String {
        let letters = BITS.iter();
        letters
            .map(|(bit, letter, _)| if self.pte & bit != 0 { *letter } else { '-' })
            .collect()
    }

    /// The entry's set bits in words.
    pub fn bits(&self) -> impl Iterator<Item = &'static str> + use<> {
        let pte = self.pte;
        let set = BITS.iter().filter(move |(bit, ..)| pte & bit != 0);
        set.map(|(_, _, word)| word())
    }

    /// Whose the page is and what may be done with it, in words.
    pub fn sentence(&self) -> String {
        let mut text = words::tasks::page_sentence(
            format_args!("{:08x}", self.address()),
            self.frame(),
            self.kind.word(),
        );
        match (self.kind, self.mapped) {
            (PageKind::Private, _) if !self.is_writable() => {
                text.push_str(words::tasks::page_read_only())
            }
            (PageKind::Private, _) => {}
            (_, count) => text.push_str(&words::tasks::page_mapped(count)),
        }
        if self.is_dirty() {
            text.push_str(words::tasks::page_dirty());
        }
        text
    }
}

impl MmView {
    /// The area that holds an address.
    pub fn area(&self, address: u32) -> Option<&AreaRow> {
        let mut areas = self.areas.iter();
        areas.find(|area| area.start <= address && address < area.end)
    }

    /// The entry for an address, if it is used and here.
    pub fn page(&self, address: u32) -> Option<&PageRow> {
        let number = address >> 12;
        let place = self.pages.binary_search_by_key(&number, |row| row.number);
        Some(&self.pages[place.ok()?])
    }

    /// The directory's entry for an address, if it is used.
    pub fn table(&self, address: u32) -> Option<&TableRow> {
        self.tables.iter().find(|row| row.index == address >> 22)
    }

    /// The tasks that have this page at the same address.
    pub fn sharers_of(&self, page: &PageRow) -> impl Iterator<Item = &Kin> + use<'_> {
        let bits = page.others;
        let sharers = self.sharers.iter().enumerate();
        sharers
            .filter(move |(place, _)| bits >> place & 1 != 0)
            .map(|(_, (kin, _))| kin)
    }

    /// How many of the pages that are here are of a kind.
    pub fn count(&self, kind: PageKind) -> usize {
        self.pages.iter().filter(|page| page.kind == kind).count()
    }

    /// It in words.
    pub fn sentence(&self) -> String {
        let mut text = words::tasks::areas(
            self.areas.len(),
            pages(self.total),
            pages(self.anon + self.file),
        );
        if self.staged > 0 {
            text.push_str(&words::tasks::areas_staged(pages(self.staged)));
        }
        let shared = self.count(PageKind::CopyOnWrite);
        if shared > 0 {
            text.push_str(&words::tasks::areas_shared(shared));
        }
        text
    }
}
