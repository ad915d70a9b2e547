//! SLUB's debugging: red zones, poison, user tracking (2.6.24, specs/memory.md 2.3).
//!
//! A cache with debugging gives every object a frame of known bytes, and looks at them whenever the
//! object changes hands:
//!
//! | bytes | while free | while in use |
//! |---|---|---|
//! | the object | `6b .. 6b a5` (poison) | the user's |
//! | red zone behind it | `bb` | `cc` |
//! | link to the next free object | the link | the link, meaningless |
//! | two tracks: who allocated, who freed | kept | kept |
//! | padding | `5a` | `5a` |
//!
//! What differs was written by somebody who had no business there. The kernel says so in its log,
//! puts things right as far as it can, and goes on. CPUs keep no chains of such a cache: every object
//! passes through here.

use core::fmt;
use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::queued::LINE;
use super::slub::{self, get_link, set_link, valid_object};
use super::{KmemCache, Object};
use crate::btf::{Described, Kind, describe};
use crate::mem::{FRAME_SIZE, MEM, Mem, Page, PageFlag, Ref, UNIT};
use crate::trace::TRACE;

/// A byte of a free object.
pub const POISON_FREE: u8 = 0x6b;
/// A byte of an object that was allocated and not yet written, and of padding.
pub const POISON_INUSE: u8 = 0x5a;
/// The last byte of a free object.
pub const POISON_END: u8 = 0xa5;
/// A byte of the red zone behind a free object.
pub const RED_INACTIVE: u8 = 0xbb;
/// A byte of the red zone behind an object in use.
pub const RED_ACTIVE: u8 = 0xcc;

/// What kind of cache it is (`SLAB_*`), and what it is watched for: `slub_debug=FZPUT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(transparent)]
pub struct Flags(pub u32);

impl Described for Flags {
    const KIND: Kind = Kind::Hex;
}

impl Flags {
    /// `F`: check that what is freed may be.
    pub const FREE: Flags = Flags(0x100);
    /// `Z`: put a red zone behind each object.
    pub const RED_ZONE: Flags = Flags(0x400);
    /// `P`: poison free objects.
    pub const POISON: Flags = Flags(0x800);
    /// `U`: remember who allocated and who freed.
    pub const STORE_USER: Flags = Flags(0x1_0000);
    /// `T`: log every allocation and release.
    pub const TRACE: Flags = Flags(0x20_0000);
    /// Objects larger than half a line of the processor's cache begin at one.
    pub const HWCACHE_ALIGN: Flags = Flags(0x2000);
    /// The slabs are memory that old DMA controllers reach.
    pub const CACHE_DMA: Flags = Flags(0x4000);
    /// The objects are given back when memory is short.
    pub const RECLAIM_ACCOUNT: Flags = Flags(0x2_0000);
    /// Objects may be looked at while they are free, until a grace period has passed.
    pub const DESTROY_BY_RCU: Flags = Flags(0x8_0000);

    /// Caches with one of these are never merged (`SLUB_NEVER_MERGE`).
    pub const NEVER_MERGE: Flags = Flags(
        Self::RED_ZONE.0
            | Self::POISON.0
            | Self::STORE_USER.0
            | Self::TRACE.0
            | Self::DESTROY_BY_RCU.0,
    );
    /// Caches that differ in these are not merged (`SLUB_MERGE_SAME`).
    pub const MERGE_SAME: Flags = Flags(Self::FREE.0 | Self::RECLAIM_ACCOUNT.0 | Self::CACHE_DMA.0);
    /// Not a kind, and not shown: what becomes of its objects is told (see [`crate::trace`]). It stands
    /// here because who gives an object back reads this word anyway.
    pub(super) const EVENTS: Flags = Flags(0x8000_0000);
    /// Nothing but giving the object back is to be done if none of these is set.
    pub(super) const HOOKS: Flags = Flags(Self::WATCHING.0 | Self::EVENTS.0);
    /// All that watch.
    const WATCHING: Flags = Flags(Self::DEFAULT.0 | Self::TRACE.0);

    /// What `slub_debug` without letters means.
    pub const DEFAULT: Flags =
        Flags(Self::FREE.0 | Self::RED_ZONE.0 | Self::POISON.0 | Self::STORE_USER.0);

    const LETTERS: [(char, Flags); 5] = [
        ('F', Self::FREE),
        ('Z', Self::RED_ZONE),
        ('P', Self::POISON),
        ('U', Self::STORE_USER),
        ('T', Self::TRACE),
    ];

    /// The kinds of caches, named as their files in `/sys/slab`.
    const KINDS: [(&str, Flags); 4] = [
        ("hwcache_align", Self::HWCACHE_ALIGN),
        ("cache_dma", Self::CACHE_DMA),
        ("reclaim_account", Self::RECLAIM_ACCOUNT),
        ("destroy_by_rcu", Self::DESTROY_BY_RCU),
    ];

    /// Prints what watches, and the kinds of the cache behind it.
    pub(super) fn show_all(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        for (name, flag) in Self::KINDS {
            if self.contains(flag) {
                write!(f, " {name}")?;
            }
        }
        Ok(())
    }

    /// The kind of cache of that name.
    pub fn kind(name: &str) -> Option<Flags> {
        let mut kinds = Self::KINDS.into_iter();
        kinds
            .find(|(known, _)| *known == name)
            .map(|(_, flag)| flag)
    }

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is set.
    pub const fn intersects(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    /// Those of `other` that are set.
    pub const fn masked(self, other: Flags) -> Flags {
        Flags(self.0 & other.0)
    }

    /// These and `other`.
    pub const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// Whether the cache is watched at all.
    pub const fn any(self) -> bool {
        self.intersects(Self::WATCHING)
    }

    /// These without `other`.
    pub const fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }

    /// Without what watches.
    pub const fn unwatched(self) -> Flags {
        Flags(self.0 & !Self::WATCHING.0)
    }

    /// The alignment of objects of `size` bytes for which `align` is asked
    /// (`calculate_alignment`).
    pub fn alignment(self, size: u32, align: u32) -> u32 {
        let align = align.max(UNIT as u32);
        if self.contains(Self::HWCACHE_ALIGN) && size > LINE / 2 {
            align.max(LINE)
        } else {
            align
        }
    }

    /// What watches, of letters such as `FZP`, in either case; `-` is nothing.
    pub fn from_letters(letters: &str) -> Option<Flags> {
        if letters == "-" {
            return Some(Flags(0));
        }
        let mut flags = Flags(0);
        for letter in letters.chars() {
            let known = Self::LETTERS.iter();
            let (_, flag) = known
                .clone()
                .find(|(known, _)| *known == letter.to_ascii_uppercase())?;
            flags.0 |= flag.0;
        }
        Some(flags)
    }
}

impl fmt::Display for Flags {
    /// What watches, as letters; `-` is nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (letter, flag) in Self::LETTERS {
            if self.contains(flag) {
                write!(f, "{letter}")?;
            }
        }
        if !self.any() {
            f.write_str("-")?;
        }
        Ok(())
    }
}

/// Who did something to an object last. The kernel's callers have no addresses; what names them is
/// the console line.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Track {
    /// The console line; 0 is boot.
    pub step: u32,
    /// The CPU.
    pub cpu: u32,
    /// The process.
    pub pid: u32,
    /// Whether this was filled in.
    set: u32,
    /// The event number when it happened.
    pub when: u64,
}

describe!(Track, "track", [step, cpu, pid, set, when]);

const _: () = assert!(size_of::<Track>() == 24);

/// Lays out an object of a watched cache, or of one with a constructor (`calculate_sizes`).
pub(super) fn calculate_sizes(cache: &mut KmemCache) {
    let word = UNIT as u32;
    let flags = cache.flags;
    let align = flags.alignment(cache.object_size, cache.align);
    let mut size = cache.object_size.next_multiple_of(word);
    // A red zone needs a byte at least.
    if flags.contains(Flags::RED_ZONE) && size == cache.object_size {
        size += word;
    }
    cache.inuse = size;
    // What has to stay as it is while the object is free moves the link behind it; so does the red
    // zone of an object smaller than a link (Linux found that out in 5.13).
    let link_hits_red_zone = flags.contains(Flags::RED_ZONE) && cache.object_size < word;
    if flags.intersects(Flags::POISON.with(Flags::DESTROY_BY_RCU))
        || cache.has_constructor()
        || link_hits_red_zone
    {
        cache.offset = size;
        size += word;
    } else {
        cache.offset = 0;
    }
    if flags.contains(Flags::STORE_USER) {
        size += 2 * size_of::<Track>() as u32;
    }
    // Somebody who writes beyond the metadata hits padding, not the next object.
    if flags.contains(Flags::RED_ZONE) {
        size += word;
    }
    cache.size = size.next_multiple_of(align);
}

/// Whether free objects are poisoned: not those that a constructor has set up, or that may still be
/// looked at.
pub(crate) fn poisons(cache: &KmemCache) -> bool {
    cache.flags.contains(Flags::POISON)
        && !cache.flags.contains(Flags::DESTROY_BY_RCU)
        && !cache.has_constructor()
}

/// Where the tracks are, or would be.
fn tracks_at(cache: &KmemCache) -> u32 {
    let relocated = cache.offset != 0;
    cache.inuse + if relocated { UNIT as u32 } else { 0 }
}

fn track_of(cache: &KmemCache, object: Ref<Object>, free: bool) -> Ref<Track> {
    let at = tracks_at(cache) as usize + usize::from(free) * size_of::<Track>();
    object.byte_add(at)
}

/// Where the last padding begins.
fn padding_at(cache: &KmemCache) -> u32 {
    let tracks = 2 * size_of::<Track>() as u32;
    let has_tracks = cache.flags.contains(Flags::STORE_USER);
    tracks_at(cache) + if has_tracks { tracks } else { 0 }
}

/// Bytes of kernel memory one by one.
fn byte(mem: &Mem, object: Ref<Object>, offset: u32) -> u8 {
    let at = object.unit() + offset / UNIT as u32;
    mem[Ref::<[u8; UNIT]>::new(at)][offset as usize % UNIT]
}

fn fill(mem: &mut Mem, object: Ref<Object>, from: u32, to: u32, value: u8) {
    for offset in from..to {
        let at = object.unit() + offset / UNIT as u32;
        mem[Ref::<[u8; UNIT]>::new(at)][offset as usize % UNIT] = value;
    }
}

/// The first and the last byte of a range that is not `value`.
fn differs(mem: &Mem, object: Ref<Object>, from: u32, to: u32, value: u8) -> Option<(u32, u32)> {
    let mut wrong = (from..to).filter(|&offset| byte(mem, object, offset) != value);
    let first = wrong.next()?;
    Some((first, wrong.next_back().unwrap_or(first)))
}

/// Gives an object the bytes of one in use, or of a free one.
fn init_object(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>, active: bool) {
    let descriptor = mem[cache];
    let end = descriptor.object_size;
    if poisons(&descriptor) {
        fill(mem, object, 0, end - 1, POISON_FREE);
        fill(mem, object, end - 1, end, POISON_END);
    }
    if descriptor.flags.contains(Flags::RED_ZONE) {
        let red = if active { RED_ACTIVE } else { RED_INACTIVE };
        fill(mem, object, end, descriptor.inuse, red);
    }
}

/// Prepares a new slab's objects and what lies behind them.
pub(super) fn set_up_slab(mem: &mut Mem, cache: Ref<KmemCache>, page: Ref<Page>) {
    let descriptor = mem[cache];
    let first: Ref<Object> = Ref::of_frame(mem.frame_of(page));
    let bytes = (FRAME_SIZE as u32) << descriptor.order;
    for index in 0..descriptor.objects {
        let object: Ref<Object> = first.byte_add((index * descriptor.size) as usize);
        if descriptor.flags.contains(Flags::POISON) {
            fill(
                mem,
                object,
                descriptor.object_size,
                descriptor.inuse,
                POISON_INUSE,
            );
        }
        fill(
            mem,
            object,
            padding_at(&descriptor),
            descriptor.size,
            POISON_INUSE,
        );
        init_object(mem, cache, object, false);
        if descriptor.flags.contains(Flags::STORE_USER) {
            mem[track_of(&descriptor, object, false)] = Track::zeroed();
            mem[track_of(&descriptor, object, true)] = Track::zeroed();
        }
    }
    fill(
        mem,
        first,
        descriptor.objects * descriptor.size,
        bytes,
        POISON_INUSE,
    );
}

/// The objects in use that one console line allocated, or freed before they were given out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// The line; 0 is boot. `None` for objects that were not freed yet.
    pub line: Option<u32>,
    /// How many there are.
    pub count: u32,
    /// Events since then: the least, all together, the most.
    pub ages: [u64; 3],
    /// CPUs on which it happened, a bit each.
    pub cpus: u32,
    /// Nodes that the objects lie on, a bit each.
    pub nodes: u32,
}

/// The place of a track among others: 1 for one that was not filled in, else its line and 2.
fn key_of(track: &Track) -> u64 {
    match track.set {
        0 => 1,
        _ => u64::from(track.step) + 2,
    }
}

/// Gathers the objects in use whose track of allocation, or of release, has the least key from `key`
/// on, in a cache that tracks users (`list_locations`); and that key's successor, if there are more.
pub fn next_location(
    mem: &Mem,
    cache: Ref<KmemCache>,
    freed: bool,
    key: u64,
) -> Option<(Location, Option<u64>)> {
    let descriptor = &mem[cache];
    let tracks = || {
        let slabs = (0..mem.frames()).filter(|&frame| {
            let page = mem.page(frame);
            super::is_slab_of(mem, page, cache) && mem[page].inuse > 0
        });
        slabs.flat_map(move |frame| {
            let page = mem.page(frame);
            let first: Ref<Object> = Ref::of_frame(frame);
            // No CPU has a chain of its own of a watched cache.
            let free = slub::free_map(mem, cache, page);
            (0..descriptor.objects)
                .filter(move |&index| free[index as usize / 64] >> (index % 64) & 1 == 0)
                .map(move |index| first.byte_add((index * descriptor.size) as usize))
                .map(move |object| (page, mem[track_of(descriptor, object, freed)]))
        })
    };
    let (mut least, mut is_last) = (u64::MAX, true);
    for (_, track) in tracks() {
        let other = key_of(&track);
        if other >= key {
            is_last &= least == u64::MAX || other == least;
            least = least.min(other);
        }
    }
    if least == u64::MAX {
        return None;
    }
    let mut location = Location {
        line: least.checked_sub(2).map(|line| line as u32),
        count: 0,
        ages: [u64::MAX, 0, 0],
        cpus: 0,
        nodes: 0,
    };
    for (page, track) in tracks().filter(|(_, track)| key_of(track) == least) {
        let age = mem[TRACE].events.saturating_sub(track.when);
        let [youngest, all, oldest] = location.ages;
        location.ages = [youngest.min(age), all + age, oldest.max(age)];
        location.count += 1;
        if track.set != 0 {
            location.cpus |= 1 << (track.cpu % 32);
        }
        location.nodes |= 1 << (slub::page_node(mem, page) % 32);
    }
    Some((location, (!is_last).then_some(least + 1)))
}

/// A pointer as the log prints it, which knows no name for NULL.
fn pointer(object: Ref<Object>) -> u64 {
    if object.is_null() {
        0
    } else {
        object.address()
    }
}

/// An address as the log prints it.
fn address(object: Ref<Object>, offset: u32) -> u64 {
    object.address() + u64::from(offset)
}

/// The head of a report: what is wrong with which cache.
fn bug(mem: &mut Mem, cache: Ref<KmemCache>, reason: fmt::Arguments<'_>) {
    let name = Text::of(mem[cache].name());
    mem[super::SLAB].bugs += 1;
    mem.printk(format_args!("{:=<77}", ""));
    mem.printk(format_args!("BUG {name}: {reason}"));
    mem.printk(format_args!("{:-<77}\n", ""));
}

fn fix(mem: &mut Mem, cache: Ref<KmemCache>, what: fmt::Arguments<'_>) {
    let name = Text::of(mem[cache].name());
    mem.printk(format_args!("FIX {name}: {what}\n"));
}

/// A cache's name, out of the memory that is to be written to.
struct Text([u8; super::NAME_MAX], usize);

impl Text {
    fn of(text: &str) -> Text {
        let mut bytes = [0; super::NAME_MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Text(bytes, text.len())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.0[..self.1]).unwrap_or("?"))
    }
}

/// What the log tells of a slab.
fn print_page(mem: &mut Mem, page: Ref<Page>) {
    let Page {
        objects,
        inuse,
        freelist,
        ..
    } = mem[page];
    let start: Ref<Object> = Ref::of_frame(mem.frame_of(page));
    mem.printk(format_args!(
        "INFO: Slab 0x{start} objects={objects} used={inuse} fp=0x{:016x}",
        pointer(Ref::new(freelist))
    ));
}

fn print_track(mem: &mut Mem, what: &str, track: Ref<Track>) {
    let Track {
        step,
        cpu,
        pid,
        set,
        when,
    } = mem[track];
    if set != 0 {
        let age = mem[TRACE].events.saturating_sub(when);
        mem.printk(format_args!(
            "INFO: {what} in line {step} age={age} cpu={cpu} pid={pid}"
        ));
    }
}

/// Bytes as the log dumps them, 16 a row with their text.
fn print_section(mem: &mut Mem, label: &str, object: Ref<Object>, from: u32, to: u32) {
    let mut at = from;
    while at < to {
        let end = (at + 16).min(to);
        let mut row = [0; 16];
        for (place, offset) in row.iter_mut().zip(at..end) {
            *place = byte(mem, object, offset);
        }
        let row = Row(row, (end - at) as usize);
        mem.printk(format_args!(
            "{label:>8} 0x{:016x}: {row}",
            address(object, at)
        ));
        at = end;
    }
}

struct Row([u8; 16], usize);

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in 0..16 {
            match self.0[..self.1].get(place) {
                Some(byte) => write!(f, " {byte:02x}")?,
                None => f.write_str("   ")?,
            }
        }
        f.write_str(" ")?;
        for &byte in &self.0[..self.1] {
            let shown = if (b' '..=b'~').contains(&byte) {
                byte as char
            } else {
                '.'
            };
            write!(f, "{shown}")?;
        }
        Ok(())
    }
}

/// What the log tells of an object: who had it, and its bytes (`print_trailer`).
fn print_object(mem: &mut Mem, cache: Ref<KmemCache>, page: Ref<Page>, object: Ref<Object>) {
    let descriptor = mem[cache];
    let first: Ref<Object> = Ref::of_frame(mem.frame_of(page));
    let offset = (object.unit() - first.unit()) * UNIT as u32;
    if descriptor.flags.contains(Flags::STORE_USER) {
        print_track(mem, "Allocated", track_of(&descriptor, object, false));
        print_track(mem, "Freed", track_of(&descriptor, object, true));
    }
    print_page(mem, page);
    let link = get_link(mem, cache, object);
    mem.printk(format_args!(
        "INFO: Object 0x{object} @offset={offset} fp=0x{:016x}\n",
        pointer(link)
    ));
    if offset >= 16 {
        let before: Ref<Object> = object.byte_sub(16);
        print_section(mem, "Bytes b4", before, 0, 16);
    }
    print_section(mem, "Object", object, 0, descriptor.object_size.min(128));
    if descriptor.flags.contains(Flags::RED_ZONE) {
        print_section(
            mem,
            "Redzone",
            object,
            descriptor.object_size,
            descriptor.inuse,
        );
    }
    let padding = padding_at(&descriptor);
    print_section(mem, "Padding", object, padding, descriptor.size);
    mem.printk(format_args!(""));
}

/// Checks that a range is `value` throughout; reports and restores it if not.
fn check_bytes(
    mem: &mut Mem,
    at: At,
    what: &str,
    (from, to): (u32, u32),
    value: u8,
) -> Result<(), Broken> {
    let At {
        cache,
        page,
        object,
    } = at;
    let Some((first, last)) = differs(mem, object, from, to, value) else {
        return Ok(());
    };
    let found = byte(mem, object, first);
    bug(mem, cache, format_args!("{what} overwritten"));
    mem.printk(format_args!(
        "INFO: 0x{:016x}-0x{:016x}. First byte 0x{found:x} instead of 0x{value:x}",
        address(object, first),
        address(object, last)
    ));
    print_object(mem, cache, page, object);
    fix(
        mem,
        cache,
        format_args!(
            "Restoring {what} 0x{:016x}-0x{:016x}=0x{value:x}",
            address(object, first),
            address(object, last)
        ),
    );
    fill(mem, object, first, last + 1, value);
    Err(Broken)
}

/// Something was wrong; it was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// Which object of which slab of which cache.
#[derive(Clone, Copy)]
struct At {
    cache: Ref<KmemCache>,
    page: Ref<Page>,
    object: Ref<Object>,
}

/// Whether a range holds what it should.
type Checked = Result<(), Broken>;

/// Bytes of an object's place that should all be the same.
#[derive(Clone, Copy)]
struct Expected {
    what: &'static str,
    from: u32,
    to: u32,
    value: u8,
}

/// What an object in use, or a free one, should be framed by; ranges may be empty.
fn expected(cache: &KmemCache, active: bool) -> [Expected; 4] {
    let KmemCache {
        object_size, inuse, ..
    } = *cache;
    let range = |what, from, to, value, is_wanted| Expected {
        what,
        from,
        to: if is_wanted { to } else { from },
        value,
    };
    let has_poison = cache.flags.contains(Flags::POISON);
    let is_poisoned = !active && poisons(cache);
    let last = object_size - 1;
    let behind = if cache.flags.contains(Flags::RED_ZONE) {
        let red = if active { RED_ACTIVE } else { RED_INACTIVE };
        range("Redzone", object_size, inuse, red, true)
    } else {
        let what = "Alignment padding";
        range(what, object_size, inuse, POISON_INUSE, has_poison)
    };
    [
        behind,
        range("Poison", 0, last, POISON_FREE, is_poisoned),
        range("Poison", last, object_size, POISON_END, is_poisoned),
        range(
            "Object padding",
            padding_at(cache),
            cache.size,
            POISON_INUSE,
            has_poison,
        ),
    ]
}

/// Whether the word behind an object should be a link, which leads to another object or nowhere.
fn has_bad_link(mem: &Mem, at: At, active: bool) -> bool {
    if mem[at.cache].offset == 0 && active {
        // The link is part of the object, and the user's.
        return false;
    }
    let link = get_link(mem, at.cache, at.object);
    !link.is_null() && !valid_object(mem, at.cache, at.page, link)
}

/// Checks everything about an object that should be in use, or free (`check_object`).
fn check_object(mem: &mut Mem, at: At, active: bool) -> Checked {
    for expected in expected(&mem[at.cache], active) {
        let Expected {
            what,
            from,
            to,
            value,
        } = expected;
        check_bytes(mem, at, what, (from, to), value)?;
    }
    if has_bad_link(mem, at, active) {
        bug(mem, at.cache, format_args!("Freepointer corrupt"));
        print_object(mem, at.cache, at.page, at.object);
        // The rest of the chain is lost; the objects stay in use for ever.
        set_link(mem, at.cache, at.object, Ref::NULL);
        return Err(Broken);
    }
    Ok(())
}

/// Checks a slab's counts and the bytes behind its last object (`check_slab`).
fn check_slab(mem: &mut Mem, cache: Ref<KmemCache>, page: Ref<Page>) -> Checked {
    let KmemCache {
        objects,
        size,
        order,
        flags,
        ..
    } = mem[cache];
    if u32::from(mem[page].inuse) > objects {
        let inuse = mem[page].inuse;
        bug(mem, cache, format_args!("inuse {inuse} > max {objects}"));
        print_page(mem, page);
        return Err(Broken);
    }
    if flags.contains(Flags::POISON) {
        let first: Ref<Object> = Ref::of_frame(mem.frame_of(page));
        let (from, to) = (objects * size, (FRAME_SIZE as u32) << order);
        if let Some((first_wrong, last)) = differs(mem, first, from, to, POISON_INUSE) {
            bug(
                mem,
                cache,
                format_args!(
                    "Padding overwritten. 0x{:016x}-0x{:016x}",
                    address(first, first_wrong),
                    address(first, last)
                ),
            );
            print_page(mem, page);
            print_section(mem, "Padding", first, from, to.min(from + 128));
            fix(
                mem,
                cache,
                format_args!(
                    "Restoring slab padding 0x{:016x}-0x{:016x}=0x{POISON_INUSE:x}",
                    address(first, first_wrong),
                    address(first, last)
                ),
            );
            fill(mem, first, from, to, POISON_INUSE);
        }
    }
    Ok(())
}

/// Whether an object is on its slab's chain. A chain that leads astray is cut, and objects that it
/// lost are left in use (`on_freelist`).
fn on_freelist(mem: &mut Mem, cache: Ref<KmemCache>, page: Ref<Page>, search: Ref<Object>) -> bool {
    let objects = mem[cache].objects;
    let mut free: Ref<Object> = Ref::new(mem[page].freelist);
    let mut before: Ref<Object> = Ref::NULL;
    let mut length = 0;
    while !free.is_null() && length < objects {
        if free == search {
            return true;
        }
        if !valid_object(mem, cache, page, free) {
            if before.is_null() {
                bug(mem, cache, format_args!("Freepointer corrupt"));
                print_page(mem, page);
                mem[page].freelist = 0;
                mem[page].inuse = objects as u16;
                // It counts as full now, and full slabs are on no list.
                slub::unlist(mem, cache, page);
                fix(mem, cache, format_args!("Freelist cleared"));
                return false;
            }
            bug(mem, cache, format_args!("Freechain corrupt"));
            print_object(mem, cache, page, before);
            set_link(mem, cache, before, Ref::NULL);
            break;
        }
        before = free;
        free = get_link(mem, cache, free);
        length += 1;
    }
    let counted = objects - length.min(objects);
    if u32::from(mem[page].inuse) != counted {
        let inuse = mem[page].inuse;
        bug(
            mem,
            cache,
            format_args!("Wrong object count. Counter is {inuse} but counted were {counted}"),
        );
        print_page(mem, page);
        mem[page].inuse = counted as u16;
        fix(mem, cache, format_args!("Object count adjusted."));
    }
    search.is_null()
}

/// Looks at a free object that is to be given out. Says no if its slab cannot be trusted: all its
/// objects count as used then.
pub(super) fn alloc_processing(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    page: Ref<Page>,
    object: Ref<Object>,
) -> bool {
    let at = At {
        cache,
        page,
        object,
    };
    let sound = check_slab(mem, cache, page).is_ok()
        && (!object.is_null() && on_freelist(mem, cache, page, object) || {
            bug(mem, cache, format_args!("Object already allocated"));
            print_page(mem, page);
            false
        })
        && check_object(mem, at, false).is_ok();
    if !sound {
        // Better to lose a slab than to give out what somebody else writes to.
        fix(mem, cache, format_args!("Marking all objects used"));
        mem[page].inuse = mem[page].objects;
        mem[page].freelist = 0;
        return false;
    }
    true
}

/// Marks an object as given out.
pub(super) fn given_out(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>) {
    set_track(mem, cache, object, false);
    init_object(mem, cache, object, true);
    trace(mem, cache, object, "alloc");
}

fn set_track(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>, free: bool) {
    let descriptor = mem[cache];
    if descriptor.flags.contains(Flags::STORE_USER) {
        let track = Track {
            step: mem[TRACE].step,
            cpu: mem[MEM].cpu,
            pid: 1,
            set: 1,
            when: mem[TRACE].events,
        };
        mem[track_of(&descriptor, object, free)] = track;
    }
}

fn trace(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>, what: &str) {
    if mem[cache].flags.contains(Flags::TRACE) {
        let name = Text::of(mem[cache].name());
        let page = mem.head_page(object);
        let (inuse, link) = (mem[page].inuse, mem[page].freelist);
        mem.printk(format_args!(
            "TRACE {name} {what} 0x{object} inuse={inuse} fp=0x{:016x}",
            pointer(Ref::new(link))
        ));
    }
}

/// Looks at an object that is to be freed. Says no if it must not be: it stays as it is then.
pub(super) fn free_processing(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    page: Ref<Page>,
    object: Ref<Object>,
) -> bool {
    let at = At {
        cache,
        page,
        object,
    };
    let sound = may_be_freed(mem, at) && check_object(mem, at, true).is_ok();
    if !sound {
        fix(mem, cache, format_args!("Object at 0x{object} not freed"));
        return false;
    }
    set_track(mem, cache, object, true);
    trace(mem, cache, object, "free");
    init_object(mem, cache, object, false);
    true
}

fn may_be_freed(mem: &mut Mem, at: At) -> bool {
    let At {
        cache,
        page,
        object,
    } = at;
    if !mem[page].is(PageFlag::Slab) {
        bug(
            mem,
            cache,
            format_args!("Attempt to free object(0x{object}) outside of slab"),
        );
        return false;
    }
    if mem[page].mapping != cache.unit() {
        bug(mem, cache, format_args!("page slab pointer corrupt."));
        print_page(mem, page);
        return false;
    }
    if check_slab(mem, cache, page).is_err() {
        return false;
    }
    if !valid_object(mem, cache, page, object) {
        bug(
            mem,
            cache,
            format_args!("Invalid object pointer 0x{object}"),
        );
        print_page(mem, page);
        return false;
    }
    if on_freelist(mem, cache, page, object) {
        bug(mem, cache, format_args!("Object already free"));
        print_object(mem, cache, page, object);
        return false;
    }
    if mem[page].inuse == 0 {
        // A chain that bites its tail was counted as if every object were on it.
        bug(mem, cache, format_args!("Freechain corrupt"));
        print_page(mem, page);
        return false;
    }
    true
}

/// Checks every object of a cache now (`/sys/slab/*/validate`); returns how many are broken.
pub fn validate(mem: &mut Mem, cache: Ref<KmemCache>) -> u32 {
    let before = mem[super::SLAB].bugs;
    let KmemCache { objects, size, .. } = mem[cache];
    for frame in 0..mem.frames() {
        let page = mem.page(frame);
        if !super::is_slab_of(mem, page, cache) {
            continue;
        }
        if check_slab(mem, cache, page).is_err() {
            continue;
        }
        on_freelist(mem, cache, page, Ref::NULL);
        for index in 0..objects {
            let first: Ref<Object> = Ref::of_frame(frame);
            let object = first.byte_add((index * size) as usize);
            let active = !slub::is_free(mem, cache, page, object);
            let at = At {
                cache,
                page,
                object,
            };
            // It is reported and mended there.
            let _ = check_object(mem, at, active);
        }
    }
    mem[super::SLAB].bugs - before
}

/// What a check would say of an object that should be in use, or free: `Redzone`, `Freepointer`.
/// Nothing is written, logged or mended. `None` also where the cache is not watched.
pub fn damage(
    mem: &Mem,
    cache: Ref<KmemCache>,
    object: Ref<Object>,
    active: bool,
) -> Option<&'static str> {
    let descriptor = &mem[cache];
    if !descriptor.flags.any() {
        return None;
    }
    let is_broken = |expected: &Expected| {
        let Expected {
            from, to, value, ..
        } = *expected;
        differs(mem, object, from, to, value).is_some()
    };
    let broken = expected(descriptor, active).into_iter().find(is_broken);
    let at = At {
        cache,
        page: mem.head_page(object),
        object,
    };
    broken
        .map(|expected| expected.what)
        .or_else(|| has_bad_link(mem, at, active).then_some("Freepointer"))
}

/// Whether the bytes behind a watched slab's last object were overwritten.
pub fn is_padding_damaged(mem: &Mem, cache: Ref<KmemCache>, page: Ref<Page>) -> bool {
    let KmemCache {
        objects,
        size,
        order,
        flags,
        ..
    } = mem[cache];
    let first: Ref<Object> = Ref::of_frame(mem.frame_of(page));
    let (from, to) = (objects * size, (FRAME_SIZE as u32) << order);
    flags.contains(Flags::POISON) && differs(mem, first, from, to, POISON_INUSE).is_some()
}

/// Who allocated an object last, or who freed it, if that is remembered.
pub fn track(mem: &Mem, cache: Ref<KmemCache>, object: Ref<Object>, free: bool) -> Option<Track> {
    let descriptor = &mem[cache];
    if !descriptor.flags.contains(Flags::STORE_USER) {
        return None;
    }
    Some(mem[track_of(descriptor, object, free)]).filter(|track| track.set != 0)
}

/// What bytes of an object's place are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What the user asked for.
    Object,
    /// The red zone.
    RedZone,
    /// The link to the next free object, if it is not in the object.
    FreePointer,
    /// Who allocated it.
    Allocated,
    /// Who freed it.
    Freed,
    /// Nothing.
    Padding,
}

/// The parts of an object's place in their order, and where each ends; one that ends where it begins
/// is not there.
pub fn layout(cache: &KmemCache) -> [(Part, u32); 6] {
    let KmemCache {
        object_size,
        size,
        inuse,
        flags,
        ..
    } = *cache;
    let has_tracks = flags.contains(Flags::STORE_USER);
    let behind = match flags.contains(Flags::RED_ZONE) {
        true => Part::RedZone,
        false => Part::Padding,
    };
    // The other allocators put nothing behind an object.
    let tracks = tracks_at(cache).max(object_size);
    let track = if has_tracks {
        size_of::<Track>() as u32
    } else {
        0
    };
    [
        (Part::Object, object_size),
        (behind, inuse.max(object_size)),
        (Part::FreePointer, tracks),
        (Part::Allocated, tracks + track),
        (Part::Freed, tracks + 2 * track),
        (Part::Padding, size),
    ]
}

const _: () = assert!(offset_of!(Track, when).is_multiple_of(UNIT));
