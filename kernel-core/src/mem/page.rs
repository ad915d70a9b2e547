//! One descriptor for each frame: Linux's `struct page`.

use core::fmt;
use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::{ListHead, Mem, Ref};
use crate::btf::{Kind, describe};
use crate::container::memory::MemCgroup;

/// The largest block that the buddy allocator handles is 2^10 frames.
pub const MAX_ORDER: usize = 11;

/// What the kernel knows of one frame. All descriptors stand side by side in `mem_map`.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Page {
    /// Link in a free list, a slab's partial list, ...
    pub lru: ListHead,
    /// `PG_*` bits, and above them the zone's number.
    flags: u32,
    /// References; 0 is a free page.
    pub count: u32,
    /// Order of the block that begins here: of a free block in the buddy lists, of a slab, or of an
    /// allocation.
    pub order: u16,
    /// Slab: objects in use. Page table: entries in use.
    pub inuse: u16,
    /// Slab: the first free object. Page cache: index in the file. Anonymous memory: number of the user
    /// page that it came for. Page table: its place in the directory.
    pub freelist: u32,
    /// Slab: its `kmem_cache`. Page cache: the inode. Page table: its `mm_struct`. Anonymous memory: the
    /// `mem_cgroup` that pays for it.
    pub mapping: u32,
    /// Slab: objects that it holds room for. Anonymous memory with a copy on the swap device: the lower
    /// half of its slot. Page cache: that of the `mem_cgroup` that pays for it.
    pub objects: u16,
    /// The upper half of either.
    slot_high: u16,
}

describe!(
    Page,
    "page",
    [
        lru,
        flags: Kind::Named(show_flags),
        count,
        order,
        inuse,
        freelist: Kind::Varies,
        mapping: Kind::Pointer,
        objects,
        slot_high,
    ]
);

/// A page's flags. Each says what the frame is used for; without one it is simply allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum PageFlag {
    /// Never managed: kernel data and page descriptors.
    Reserved = 1 << 0,
    /// First frame of a free block in the buddy lists.
    Buddy = 1 << 1,
    /// Belongs to a slab.
    Slab = 1 << 3,
    /// The slab belongs to a CPU, which allocates from it without the lists.
    Frozen = 1 << 4,
    /// Holds a page of a file.
    PageCache = 1 << 5,
    /// A further frame of a block whose descriptor is the first frame's.
    Tail = 1 << 6,
    /// Blocks of SLOB's ring lie in it.
    Slob = 1 << 7,
    /// First frame of a block that one large object has for itself.
    Large = 1 << 8,
    /// A program's memory: zeroes or a copy, not a file's.
    Anon = 1 << 9,
    /// A page table of an address space, or its directory.
    PageTable = 1 << 10,
    /// On one of its zone's lists of pages that can be reclaimed.
    Lru = 1 << 11,
    /// On one of those for pages in use.
    Active = 1 << 12,
    /// On the list of those that cannot be reclaimed.
    Unevictable = 1 << 13,
    /// Used since somebody looked.
    Referenced = 1 << 14,
    /// It has a slot on the swap device.
    SwapCache = 1 << 15,
    /// Written since it was read from there.
    Dirty = 1 << 16,
}

/// Flags that tell what reclaim knows of a page, not what it is used for.
const STATE: u32 = PageFlag::Lru as u32
    | PageFlag::Active as u32
    | PageFlag::Unevictable as u32
    | PageFlag::Referenced as u32
    | PageFlag::SwapCache as u32
    | PageFlag::Dirty as u32;
const ZONE_SHIFT: u32 = 24;
/// Flags that tell what a page is used for.
const USE: u32 = ((1 << ZONE_SHIFT) - 1) & !STATE;

/// Prints a descriptor's flags: `slab|frozen zone 1`.
fn show_flags(flags: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const NAMES: [(PageFlag, &str); 15] = [
        (PageFlag::Reserved, "reserved"),
        (PageFlag::Buddy, "buddy"),
        (PageFlag::Slab, "slab"),
        (PageFlag::Frozen, "frozen"),
        (PageFlag::PageCache, "page_cache"),
        (PageFlag::Tail, "tail"),
        (PageFlag::Slob, "slob"),
        (PageFlag::Large, "large"),
        (PageFlag::Anon, "anon"),
        (PageFlag::PageTable, "page_table"),
        (PageFlag::Active, "active"),
        (PageFlag::Unevictable, "unevictable"),
        (PageFlag::Referenced, "referenced"),
        (PageFlag::SwapCache, "swapcache"),
        (PageFlag::Dirty, "dirty"),
    ];
    let mut bar = "";
    for (flag, name) in NAMES {
        if flags & flag as u64 != 0 {
            write!(f, "{bar}{name}")?;
            bar = "|";
        }
    }
    let space = if bar.is_empty() { "" } else { " " };
    write!(f, "{space}zone {}", flags >> ZONE_SHIFT)
}

impl Page {
    /// Whether `flag` is set.
    #[inline(always)]
    pub fn is(&self, flag: PageFlag) -> bool {
        self.flags & flag as u32 != 0
    }

    /// Whether `flag` tells what the page is used for, and no other does.
    #[inline(always)]
    pub fn is_only(&self, flag: PageFlag) -> bool {
        self.flags & USE == flag as u32
    }

    /// Entries of page tables that lead to a page of somebody's memory (`page_mapcount`): its references
    /// but that of the page cache, or of the swap cache.
    pub fn mapcount(&self) -> u32 {
        let cached = self.is(PageFlag::PageCache) || self.is(PageFlag::SwapCache);
        self.count - u32::from(cached)
    }

    /// Its slot on the swap device, if [`PageFlag::SwapCache`] is set.
    pub fn swap_slot(&self) -> u32 {
        u32::from(self.slot_high) << 16 | u32::from(self.objects)
    }

    /// Notes its slot; 0 is none.
    pub(crate) fn set_swap_slot(&mut self, slot: u32) {
        (self.objects, self.slot_high) = (slot as u16, (slot >> 16) as u16);
    }

    /// The container that pays for a page of somebody's memory or of a file; NULL is nobody.
    pub fn payer(&self) -> Ref<MemCgroup> {
        match self.is(PageFlag::PageCache) {
            true => Ref::new(u32::from(self.slot_high) << 16 | u32::from(self.objects)),
            false if self.is(PageFlag::Anon) => Ref::new(self.mapping),
            false => Ref::NULL,
        }
    }

    /// Notes who pays; the flag that tells what kind of page it is has to be set.
    pub(crate) fn set_payer(&mut self, payer: Ref<MemCgroup>) {
        let unit = payer.unit();
        match self.is(PageFlag::PageCache) {
            true => (self.objects, self.slot_high) = (unit as u16, (unit >> 16) as u16),
            false => self.mapping = unit,
        }
    }

    /// Sets `flag`.
    #[inline(always)]
    pub fn set(&mut self, flag: PageFlag) {
        self.flags |= flag as u32;
    }

    /// Clears `flag`.
    #[inline(always)]
    pub fn clear(&mut self, flag: PageFlag) {
        self.flags &= !(flag as u32);
    }

    /// Number of the zone that the frame lies in.
    #[inline(always)]
    pub fn zone(&self) -> u32 {
        self.flags >> ZONE_SHIFT
    }

    /// Files the frame under a zone.
    pub(super) fn set_zone(&mut self, zone: u32) {
        self.flags = zone << ZONE_SHIFT | self.flags & ((1 << ZONE_SHIFT) - 1);
    }
}

const _: () = assert!(size_of::<Page>() == 32);

/// `Page::order`, `Page::inuse` and `Page::freelist` as the one word that they share, which is read and
/// written at once where objects come back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlabWord(u64);

/// A descriptor seen as words.
type Words = [u64; size_of::<Page>() / super::UNIT];
/// The place of [`SlabWord`] among them.
const WORD: usize = offset_of!(Page, order) / super::UNIT;
const _: () = assert!(offset_of!(Page, order) == 16 && offset_of!(Page, inuse) == 18);
const _: () = assert!(offset_of!(Page, freelist) == 20 && cfg!(target_endian = "little"));

impl SlabWord {
    /// `Page::inuse`.
    #[inline(always)]
    pub(crate) fn inuse(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// `Page::freelist`.
    #[inline(always)]
    pub(crate) fn freelist(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

const UNITS_PER_PAGE_DESCRIPTOR: u32 = (size_of::<Page>() / super::UNIT) as u32;

impl Mem {
    /// The descriptor of frame `frame`.
    #[inline(always)]
    pub fn page(&self, frame: u32) -> Ref<Page> {
        super::MEM_MAP.offset(frame)
    }

    /// The frame that a descriptor describes.
    #[inline(always)]
    pub fn frame_of(&self, page: Ref<Page>) -> u32 {
        (page.unit() - super::MEM_MAP.unit()) / UNITS_PER_PAGE_DESCRIPTOR
    }

    /// What a slab's descriptor counts and where its free objects begin.
    #[inline(always)]
    pub(crate) fn slab_word(&self, page: Ref<Page>) -> SlabWord {
        SlabWord(self[page.cast::<Words>()][WORD])
    }

    /// Notes that of a slab with objects in use, which was as `word` says, one came back and is the first
    /// free one now.
    #[inline(always)]
    pub(crate) fn return_object(&mut self, page: Ref<Page>, word: SlabWord, object: u32) {
        let counts = (word.0 as u32).wrapping_sub(1 << 16);
        self.hot(page.cast::<Words>())[WORD] = u64::from(object) << 32 | u64::from(counts);
    }

    /// The descriptor of the block or slab that `r` lies in (`virt_to_head_page`).
    #[inline(always)]
    pub fn head_page<T>(&self, r: Ref<T>) -> Ref<Page> {
        let mut frame = r.frame();
        // A tail's `freelist` holds the distance to its head.
        let page = &self[self.page(frame)];
        if page.is(PageFlag::Tail) {
            frame -= page.freelist;
        }
        self.page(frame)
    }
}
