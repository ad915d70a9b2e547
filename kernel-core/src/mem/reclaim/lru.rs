//! The lists of pages that can be reclaimed: 2.6.28's four a zone, and one for those that cannot.
//!
//! A page is on a list from the moment it is somebody's memory or a file's until it is free. Anonymous
//! pages begin as active, pages of files as inactive: a file that is read once should not push out what
//! is used all the time.

use core::mem::offset_of;

use crate::mem::{ListHead, Mem, Page, PageFlag, Ref, Zone};

/// A list of a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Lru {
    /// Anonymous memory that was not used lately.
    InactiveAnon = 0,
    /// Anonymous memory in use.
    ActiveAnon = 1,
    /// Pages of files that were not used lately.
    InactiveFile = 2,
    /// Pages of files in use.
    ActiveFile = 3,
    /// Pages that cannot be had again from anywhere: files that are only in memory.
    Unevictable = 4,
}

impl Lru {
    /// Lists a zone.
    pub const COUNT: usize = 5;
    /// All of them, in the order of their numbers.
    pub const ALL: [Lru; Lru::COUNT] = [
        Lru::InactiveAnon,
        Lru::ActiveAnon,
        Lru::InactiveFile,
        Lru::ActiveFile,
        Lru::Unevictable,
    ];

    /// Its name in `/proc/vmstat` and `/proc/zoneinfo`, without `nr_` in front.
    pub fn name(self) -> &'static str {
        [
            "inactive_anon",
            "active_anon",
            "inactive_file",
            "active_file",
            "unevictable",
        ][self as usize]
    }

    /// The list that a page is on, or would be.
    pub fn of(page: &Page) -> Lru {
        let (active, anon) = (page.is(PageFlag::Active), page.is(PageFlag::Anon));
        match (page.is(PageFlag::Unevictable), active, anon) {
            (true, ..) => Lru::Unevictable,
            (_, false, true) => Lru::InactiveAnon,
            (_, true, true) => Lru::ActiveAnon,
            (_, false, false) => Lru::InactiveFile,
            (_, true, false) => Lru::ActiveFile,
        }
    }

    /// Its head in a zone.
    pub fn head(self, zone: Ref<Zone>) -> Ref<ListHead> {
        zone.byte_add(offset_of!(Zone, lru) + self as usize * size_of::<ListHead>())
    }
}

impl Mem {
    /// Puts a page at the front of the list that its flags name.
    pub(crate) fn lru_add(&mut self, page: Ref<Page>) {
        self[page].set(PageFlag::Lru);
        let (lru, zone) = (Lru::of(&self[page]), self.zone(self[page].zone()));
        self.list_add(page.cast(), lru.head(zone));
        self[zone].nr_lru[lru as usize] += 1;
    }

    /// Takes a page off its list, if it is on one.
    pub(crate) fn lru_del(&mut self, page: Ref<Page>) {
        if !self[page].is(PageFlag::Lru) {
            return;
        }
        let (lru, zone) = (Lru::of(&self[page]), self.zone(self[page].zone()));
        self.list_del(page.cast());
        self[zone].nr_lru[lru as usize] -= 1;
        self[page].clear(PageFlag::Lru);
    }

    /// The same for one that becomes free: reclaim forgets what it knew of it.
    pub(crate) fn lru_forget(&mut self, page: Ref<Page>) {
        self.lru_del(page);
        for flag in [
            PageFlag::Active,
            PageFlag::Unevictable,
            PageFlag::Referenced,
            PageFlag::Dirty,
        ] {
            self[page].clear(flag);
        }
    }

    /// A page is used: the first time it is noted, the second time it becomes active
    /// (`mark_page_accessed`).
    pub(crate) fn mark_accessed(&mut self, page: Ref<Page>) {
        let descriptor = &mut self[page];
        if !descriptor.is(PageFlag::Referenced) {
            descriptor.set(PageFlag::Referenced);
        } else if !descriptor.is(PageFlag::Active)
            && !descriptor.is(PageFlag::Unevictable)
            && descriptor.is(PageFlag::Lru)
        {
            self.lru_del(page);
            self[page].set(PageFlag::Active);
            self[page].clear(PageFlag::Referenced);
            self.lru_add(page);
        }
    }

    /// Pages on a list, in all zones.
    pub fn nr_lru(&self, lru: Lru) -> u32 {
        self.zones()
            .map(|zone| self[zone].nr_lru[lru as usize])
            .sum()
    }

    /// Pages that can be reclaimed, in a zone.
    pub(crate) fn lru_pages(&self, zone: Ref<Zone>) -> u32 {
        self[zone].nr_lru[..Lru::Unevictable as usize].iter().sum()
    }
}
