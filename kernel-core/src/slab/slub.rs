//! SLUB: the unqueued allocator (2.6.22 to 2.6.24, specs/memory.md 2.3).
//!
//! A slab is a block of pages cut into objects from its first byte on; all bookkeeping is in the
//! slab's [`Page`]. Free objects are chained through a word of their own, from `Page::freelist`.
//! Each CPU owns one *frozen* slab whose free objects it has taken over as a private chain, so that
//! allocating is one pop. Slabs with free objects that no CPU owns wait on their node's partial
//! list; full slabs are on no list at all, and are found again when one of their objects is freed.
//! (Linux lists them where users are tracked, to report on them; we go through the page descriptors.)
//!
//! How the allocator is set up is for the machine's header to say ([`BootOptions`]), how a cache is for
//! `/sys/slab`; caches of the same shape may be one ([`super::alias`]); those that are watched
//! ([`super::debug`]) take the slow ways only.

use core::mem::offset_of;
use core::ops::RangeInclusive;

use bytemuck::{Pod, Zeroable};

use super::debug::Flags;
use super::{Allocator, KmemCache, NAME_MAX, Object, SLAB, debug, is_slab_of};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{
    FRAME_SIZE, Gfp, ListHead, MAX_CPUS, MAX_NODES, MAX_ORDER, MEM, Mem, Page, PageFlag, Ref, UNIT,
    Zone,
};
use crate::trace::TRACE;

/// Empty slabs that a node's partial list keeps when a CPU lets go of its slab.
pub(super) const MIN_PARTIAL: u32 = 5;
/// How often, in parts of 1024, a CPU whose node has no partial slab takes another node's instead of
/// new pages. `/sys/slab/*/remote_node_defrag_ratio` counts in parts of 100.
pub const REMOTE_RATIO: u32 = 100;
/// Objects that a slab should hold at least, where the order permits.
const MIN_OBJECTS: u32 = 4;
/// Orders above this are used only for objects that need them.
const SLUB_MAX_ORDER: u32 = 1;
/// Objects that a slab holds at most: 8-byte ones on one page. A slab of a larger order would have
/// no use for more, and [`super::defrag`] keeps a list of a slab's objects on the stack.
pub const OBJECTS_MAX: u32 = 512;
/// The largest order of a slab.
pub const ORDER_MAX: u32 = MAX_ORDER as u32 - 1;

/// What a machine's header may ask of SLUB, as Linux's command line; what is absent has its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BootOptions {
    /// `slub_debug=FZPUT`: what caches are watched for.
    pub debug: Option<Flags>,
    /// `slub_debug=FZPUT,prefix`: watch only caches whose names begin so.
    pub debug_prefix: Prefix,
    /// `slub_nomerge`: every cache has slabs of its own.
    pub nomerge: bool,
    /// `slub_min_order=`: no slab has a smaller order, 0 to [`ORDER_MAX`].
    pub min_order: Option<u32>,
    /// `slub_max_order=`: a larger order only for objects that need it, 0 to [`ORDER_MAX`].
    pub max_order: Option<u32>,
    /// `slub_min_objects=`: objects that a slab should hold at least, 1 to [`OBJECTS_MAX`].
    pub min_objects: Option<u32>,
}

/// How the names of some caches begin; empty for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(transparent)]
pub struct Prefix([u8; NAME_MAX + 1]);

impl Prefix {
    /// The prefix `text`, if a cache's name can be so long.
    pub fn of(text: &str) -> Option<Prefix> {
        let mut prefix = Prefix::default();
        let place = prefix.0[..NAME_MAX].get_mut(..text.len())?;
        place.copy_from_slice(text.as_bytes());
        Some(prefix)
    }

    /// Its text.
    pub fn text(&self) -> &str {
        super::text_of(&self.0)
    }
}

impl BootOptions {
    /// What the kernel keeps of them.
    pub(super) fn parameters(&self) -> Parameters {
        Parameters {
            min_order: self.min_order.unwrap_or(0),
            max_order: self.max_order.unwrap_or(SLUB_MAX_ORDER),
            min_objects: self.min_objects.unwrap_or(MIN_OBJECTS),
            debug: self.debug.unwrap_or_default(),
            debug_prefix: self.debug_prefix.0,
            nomerge: u32::from(self.nomerge),
        }
    }
}

/// How this kernel's SLUB was started (`slub_min_order` and others).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Parameters {
    /// No slab has a smaller order.
    pub min_order: u32,
    /// A larger order is only for objects that need it.
    pub max_order: u32,
    /// Objects that a slab should hold at least, where the order permits.
    pub min_objects: u32,
    /// What all caches are watched for, or those whose names begin with the prefix.
    pub debug: Flags,
    /// The prefix, zeroes behind it.
    debug_prefix: [u8; NAME_MAX + 1],
    /// Every cache has slabs of its own.
    pub nomerge: u32,
}

describe!(
    Parameters,
    "slub",
    [
        min_order,
        max_order,
        min_objects,
        debug,
        debug_prefix: Kind::Text,
        nomerge,
    ]
);

/// The flags of a new cache: its own, and what the machine's header says of caches of that name
/// (`kmem_cache_flags`). Only SLUB watches.
pub(super) fn cache_flags(mem: &Mem, name: &str, flags: Flags) -> Flags {
    if super::allocator(mem) != Allocator::Slub {
        return flags.unwatched();
    }
    let Parameters {
        debug,
        ref debug_prefix,
        ..
    } = mem[SLAB].slub;
    if name.starts_with(super::text_of(debug_prefix)) {
        flags.with(debug)
    } else {
        flags
    }
}

/// The line with which SLUB reports for duty.
pub(super) fn announce(mem: &mut Mem) {
    let Parameters {
        min_order,
        max_order,
        min_objects,
        ..
    } = mem[SLAB].slub;
    let (cpus, nodes) = (mem[MEM].nr_cpus, mem[MEM].nr_nodes);
    mem.printk(format_args!(
        "SLUB: Genslabs={}, HWalign={}, Order={min_order}-{max_order}, MinObjects={min_objects}, \
         CPUs={cpus}, Nodes={nodes}",
        super::kmalloc::SLUB_SIZES.len(),
        super::queued::LINE,
    ));
}

/// What one CPU allocates from.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct CacheCpu {
    /// The slab that the CPU owns.
    pub page: Ref<Page>,
    /// Its free objects, taken off the slab.
    pub freelist: Ref<Object>,
}

describe!(CacheCpu, "kmem_cache_cpu", [page, freelist]);

/// The slabs of one node that no CPU owns.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct CacheNode {
    /// Slabs with free objects, linked through `Page::lru`.
    pub partial: ListHead,
    /// How many there are.
    pub nr_partial: u32,
    _pad: u32,
}

describe!(
    CacheNode,
    "kmem_cache_node",
    [partial, nr_partial, _pad: Kind::Padding]
);

/// The word of a free object that leads to the next one: a `Ref<Object>` in its lower half, stored
/// as one.
type FreeLink = u64;

/// A bit for each object of a slab.
pub(super) type FreeMap = [u64; OBJECTS_MAX as usize / 64];

/// Lays out an object and its slab: where the free link stands, the stride, the order.
pub(super) fn calculate_sizes(cache: &mut KmemCache, parameters: &Parameters) {
    super::debug::calculate_sizes(cache);
    cache.order = calculate_order(cache.size, parameters);
    cache.objects = (((FRAME_SIZE as u32) << cache.order) / cache.size).min(OBJECTS_MAX);
}

/// The smallest order that holds enough objects and wastes little.
fn calculate_order(size: u32, parameters: &Parameters) -> u32 {
    let Parameters {
        min_order,
        max_order,
        mut min_objects,
        ..
    } = *parameters;
    while min_objects > 1 {
        for fraction in [8, 4] {
            if let Some(order) = slab_order(size, min_objects, min_order..=max_order, fraction) {
                return order;
            }
        }
        min_objects /= 2;
    }
    slab_order(size, 1, min_order..=max_order, 1)
        .or_else(|| slab_order(size, 1, min_order..=ORDER_MAX, 1))
        .unwrap_or(ORDER_MAX)
}

/// The first of these orders whose slab holds `min_objects` and wastes at most one part in
/// `fraction`.
fn slab_order(
    size: u32,
    min_objects: u32,
    orders: RangeInclusive<u32>,
    fraction: u32,
) -> Option<u32> {
    let bytes_of = |order: u32| (FRAME_SIZE as u32) << order;
    let bits = 32 - (min_objects * size - 1).leading_zeros();
    let mut start = bits
        .saturating_sub(FRAME_SIZE.trailing_zeros())
        .max(*orders.start());
    // More objects than a slab may hold would only be wasted.
    while start > 0 && bytes_of(start) / size > OBJECTS_MAX {
        start -= 1;
    }
    (start..=*orders.end()).find(|&order| {
        let bytes = bytes_of(order);
        bytes >= min_objects * size && bytes % size <= bytes / fraction
    })
}

pub(super) fn node_of(cache: Ref<KmemCache>, node: u32) -> Ref<CacheNode> {
    cache.byte_add(offset_of!(KmemCache, node) + node as usize * size_of::<CacheNode>())
}

pub(super) fn init_nodes(mem: &mut Mem, cache: Ref<KmemCache>) {
    for node in 0..MAX_NODES as u32 {
        mem.list_init(node_of(cache, node).cast());
    }
}

#[inline(always)]
fn link(cache: &KmemCache, object: Ref<Object>) -> Ref<FreeLink> {
    object.byte_add(cache.offset as usize)
}

#[inline(always)]
fn cpu_index(mem: &Mem) -> usize {
    mem[MEM].cpu as usize % MAX_CPUS
}

/// What a CPU allocates from.
#[inline(always)]
fn cpu_of(cache: Ref<KmemCache>, cpu: usize) -> Ref<CacheCpu> {
    cache.byte_add(offset_of!(KmemCache, cpu) + cpu * size_of::<CacheCpu>())
}

/// Pops an object off the CPU's chain, if there is one.
#[inline(always)]
pub(super) fn pop(mem: &mut Mem, cache: Ref<KmemCache>) -> Option<Ref<Object>> {
    let cpu = cpu_index(mem);
    let descriptor = &mem[cache];
    let object = descriptor.cpu[cpu].freelist;
    if object.is_null() {
        return None;
    }
    let next = Ref::new(mem[link(descriptor, object)] as u32);
    mem.hot(cpu_of(cache, cpu)).freelist = next;
    Some(object)
}

/// Finds the CPU a slab with free objects: its own again, a partial one near, or a new one.
pub(super) fn alloc_slow(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    gfp: Gfp,
) -> Result<Ref<Object>, Errno> {
    if mem[cache].flags.any() {
        return alloc_watched(mem, cache, gfp);
    }
    let cpu = cpu_index(mem);
    let own = mem[cache].cpu[cpu].page;
    let page = if own.is_null() || mem[own].freelist == 0 || page_node(mem, own) != mem[MEM].node {
        if !own.is_null() {
            deactivate(mem, cache, cpu);
        }
        match take_partial(mem, cache) {
            Some(page) => {
                expect(mem, cache, page);
                page
            }
            None => new_slab(mem, cache, gfp)?,
        }
    } else {
        own
    };
    let freelist: Ref<Object> = Ref::new(mem[page].freelist);
    mem[page].set(PageFlag::Frozen);
    mem[page].freelist = 0;
    mem[page].inuse = mem[page].objects;
    let next = get_link(mem, cache, freelist);
    mem[cache].cpu[cpu] = CacheCpu {
        page,
        freelist: next,
    };
    Ok(freelist)
}

/// Asks for the links of a slab's objects all at once, if most of them are free: in the chain each leads
/// only to the next.
fn expect(mem: &Mem, cache: Ref<KmemCache>, page: Ref<Page>) {
    let KmemCache { size, offset, .. } = mem[cache];
    let Page { inuse, objects, .. } = mem[page];
    if inuse > objects / 2 {
        return;
    }
    let first: Ref<Object> = Ref::of_frame(mem.frame_of(page));
    for index in 0..u32::from(objects) {
        mem.prefetch(first.byte_add::<Object>((index * size + offset) as usize));
    }
}

/// One object of a watched cache, looked at before it is given out. No CPU owns a slab of such a
/// cache: those with free objects are all on the partial lists.
fn alloc_watched(mem: &mut Mem, cache: Ref<KmemCache>, gfp: Gfp) -> Result<Ref<Object>, Errno> {
    loop {
        let page = match take_partial(mem, cache) {
            Some(page) => page,
            None => new_slab(mem, cache, gfp)?,
        };
        let object: Ref<Object> = Ref::new(mem[page].freelist);
        if !debug::alloc_processing(mem, cache, page, object) {
            // The slab counts as full from now on, and is on no list.
            continue;
        }
        mem[page].freelist = get_link(mem, cache, object).unit();
        mem[page].inuse += 1;
        if mem[page].freelist != 0 {
            add_partial(mem, cache, page, true);
        }
        debug::given_out(mem, cache, object);
        return Ok(object);
    }
}

/// Gives an object of a watched cache back, if it may be.
pub(super) fn free_watched(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    page: Ref<Page>,
    object: Ref<Object>,
) {
    if debug::free_processing(mem, cache, page, object) {
        free_slow(mem, cache, page, object);
    }
}

/// Whether an object of the slab `page` begins at `object`.
pub(super) fn valid_object(
    mem: &Mem,
    cache: Ref<KmemCache>,
    page: Ref<Page>,
    object: Ref<Object>,
) -> bool {
    let KmemCache { size, objects, .. } = mem[cache];
    let first: Ref<Object> = Ref::of_frame(mem.frame_of(page));
    let offset = object.unit().checked_sub(first.unit());
    offset.is_some_and(|units| {
        let bytes = u64::from(units) * UNIT as u64;
        bytes < u64::from(objects * size) && bytes.is_multiple_of(u64::from(size))
    })
}

/// The first partial slab of this node, or, now and then, of the nodes after it (`get_partial`).
///
/// A slab of another node saves a page and costs every access to its objects; so how often one is
/// taken is up to [`KmemCache::remote_node_defrag_ratio`]. Linux draws lots with the cycle counter,
/// we with the history so far.
fn take_partial(mem: &mut Mem, cache: Ref<KmemCache>) -> Option<Ref<Page>> {
    let (here, nodes) = (mem[MEM].node, mem[MEM].nr_nodes);
    let ratio = u64::from(mem[cache].remote_node_defrag_ratio);
    let goes_far = ratio > 0 && mem[TRACE].chain % 1024 <= ratio;
    for hop in 0..if goes_far { nodes } else { 1 } {
        let node = node_of(cache, (here + hop) % nodes);
        // Another node's last slabs are left to it.
        if mem[node].nr_partial > if hop == 0 { 0 } else { MIN_PARTIAL } {
            let page: Ref<Page> = mem[node].partial.next.byte_sub(offset_of!(Page, lru));
            remove_partial(mem, cache, page);
            return Some(page);
        }
    }
    None
}

/// Cuts new pages into objects, chained in address order.
fn new_slab(mem: &mut Mem, cache: Ref<KmemCache>, gfp: Gfp) -> Result<Ref<Page>, Errno> {
    let KmemCache {
        order,
        objects,
        size,
        flags,
        offset,
        ..
    } = mem[cache];
    let gfp = if flags.contains(Flags::CACHE_DMA) {
        gfp.with(Gfp::DMA)
    } else {
        gfp
    };
    let page = mem.alloc_pages(gfp, order, None)?;
    let first: Ref<Object> = Ref::of_frame(mem.frame_of(page));
    if mem[cache].has_constructor() {
        for index in 0..objects {
            super::construct(mem, cache, first.byte_add((index * size) as usize));
        }
    }
    if order == 0 {
        // All of it lies in one frame, which is looked up once.
        let links: &mut [FreeLink; FRAME_SIZE / UNIT] = &mut mem[first.cast()];
        let stride = size as usize / UNIT;
        let mut at = offset as usize / UNIT;
        let mut next = first.unit();
        for _ in 1..objects {
            next += stride as u32;
            links[at % (FRAME_SIZE / UNIT)] = u64::from(next);
            at += stride;
        }
    } else {
        for index in 1..objects {
            let object = first.byte_add(((index - 1) * size) as usize);
            set_link(mem, cache, object, first.byte_add((index * size) as usize));
        }
    }
    let last = first.byte_add(((objects - 1) * size) as usize);
    set_link(mem, cache, last, Ref::NULL);
    if flags.any() {
        debug::set_up_slab(mem, cache, page);
    }
    let descriptor = &mut mem[page];
    descriptor.set(PageFlag::Slab);
    descriptor.mapping = cache.unit();
    descriptor.objects = objects as u16;
    descriptor.inuse = 0;
    descriptor.freelist = first.unit();
    mem[cache].nr_slabs += 1;
    Ok(page)
}

#[inline(always)]
pub(super) fn get_link(mem: &Mem, cache: Ref<KmemCache>, object: Ref<Object>) -> Ref<Object> {
    Ref::new(mem[link(&mem[cache], object)] as u32)
}

#[inline(always)]
pub(super) fn set_link(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    object: Ref<Object>,
    next: Ref<Object>,
) {
    let at = link(&mem[cache], object);
    *mem.hot(at) = u64::from(next.unit());
}

/// Pushes an object onto the CPU's own chain, if its slab is the CPU's.
#[inline(always)]
pub(super) fn push(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>) -> bool {
    let page = mem.head_page(object);
    let cpu = cpu_index(mem);
    let CacheCpu {
        page: own,
        freelist,
    } = mem[cache].cpu[cpu];
    let is_own = page == own;
    if is_own {
        set_link(mem, cache, object, freelist);
        mem.hot(cpu_of(cache, cpu)).freelist = object;
    }
    is_own
}

/// Gives an object back to its slab where nothing else changes, as mostly: no CPU owns the slab, and
/// it has both free objects and others in use, so it stays on its list. Returns whether it was so.
///
/// SLAB's slabs, whose `Page::inuse` is 0, never are. The cache must not be watched.
#[inline(always)]
pub(super) fn put(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>) -> bool {
    // The page itself, not the slab's first: a tail is no plain slab, and goes the other way.
    let page = mem.page(object.frame());
    let descriptor = &mem[page];
    let word = mem.slab_word(page);
    let is_so = descriptor.is_only(PageFlag::Slab)
        && descriptor.mapping == cache.unit()
        && word.inuse() > 1
        && word.freelist() != 0;
    if is_so {
        set_link(mem, cache, object, Ref::new(word.freelist()));
        mem.return_object(page, word, object.unit());
    }
    is_so
}

/// Gives an object back to its slab.
pub(super) fn free_slow(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    page: Ref<Page>,
    object: Ref<Object>,
) {
    let prior: Ref<Object> = Ref::new(mem[page].freelist);
    set_link(mem, cache, object, prior);
    mem[page].freelist = object.unit();
    mem[page].inuse -= 1;
    if mem[page].is(PageFlag::Frozen) {
        // Some CPU owns it and will look here when its chain is used up.
    } else if mem[page].inuse == 0 {
        if !prior.is_null() {
            remove_partial(mem, cache, page);
        }
        discard(mem, cache, page);
    } else if prior.is_null() {
        add_partial(mem, cache, page, false);
    }
}

/// Takes the slab away from a CPU and puts it where its free objects say.
pub(super) fn deactivate(mem: &mut Mem, cache: Ref<KmemCache>, cpu: usize) {
    let CacheCpu { page, mut freelist } = mem[cache].cpu[cpu];
    mem[cache].cpu[cpu] = CacheCpu::zeroed();
    while !freelist.is_null() {
        let next = get_link(mem, cache, freelist);
        let head: Ref<Object> = Ref::new(mem[page].freelist);
        set_link(mem, cache, freelist, head);
        mem[page].freelist = freelist.unit();
        mem[page].inuse -= 1;
        freelist = next;
    }
    mem[page].clear(PageFlag::Frozen);
    if mem[page].inuse == 0 {
        if mem[node_of(cache, page_node(mem, page))].nr_partial < MIN_PARTIAL {
            add_partial(mem, cache, page, false);
        } else {
            discard(mem, cache, page);
        }
    } else if mem[page].freelist != 0 {
        add_partial(mem, cache, page, true);
    }
}

pub(super) fn page_node(mem: &Mem, page: Ref<Page>) -> u32 {
    let zone: Ref<Zone> = mem.zone(mem[page].zone());
    mem[zone].node
}

fn add_partial(mem: &mut Mem, cache: Ref<KmemCache>, page: Ref<Page>, at_head: bool) {
    let node = node_of(cache, page_node(mem, page));
    mem[node].nr_partial += 1;
    let lru = page.byte_add(offset_of!(Page, lru));
    if at_head {
        mem.list_add(lru, node.cast())
    } else {
        mem.list_add_tail(lru, node.cast())
    }
}

fn remove_partial(mem: &mut Mem, cache: Ref<KmemCache>, page: Ref<Page>) {
    let node = node_of(cache, page_node(mem, page));
    mem[node].nr_partial -= 1;
    mem.list_del(page.byte_add(offset_of!(Page, lru)));
}

/// Takes a slab off its partial list, if it is on it.
pub(super) fn unlist(mem: &mut Mem, cache: Ref<KmemCache>, page: Ref<Page>) {
    if !mem[page].lru.next.is_null() {
        remove_partial(mem, cache, page);
    }
}

/// Gives an empty slab's pages back.
pub(super) fn discard(mem: &mut Mem, cache: Ref<KmemCache>, page: Ref<Page>) {
    let descriptor = &mut mem[page];
    descriptor.clear(PageFlag::Slab);
    descriptor.mapping = 0;
    descriptor.freelist = 0;
    descriptor.objects = 0;
    mem[cache].nr_slabs -= 1;
    mem.put_page(page);
}

/// Lets every CPU go of its slab.
fn flush_all(mem: &mut Mem, cache: Ref<KmemCache>) {
    for cpu in 0..MAX_CPUS {
        if !mem[cache].cpu[cpu].page.is_null() {
            deactivate(mem, cache, cpu);
        }
    }
}

/// Sets or clears a flag of a cache. One on which the layout of objects depends may change only while
/// there are no slabs.
pub fn set_flag(mem: &mut Mem, cache: Ref<KmemCache>, flag: Flags, is_set: bool) {
    // Whatever is watched passes by no CPU's own chain.
    flush_all(mem, cache);
    let parameters = mem[SLAB].slub;
    let descriptor = &mut mem[cache];
    descriptor.flags = if is_set {
        descriptor.flags.with(flag)
    } else {
        descriptor.flags.without(flag)
    };
    if descriptor.nr_slabs == 0 {
        calculate_sizes(descriptor, &parameters);
    }
}

/// What [`count`] counts: bits, as `SO_FULL` and others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(u32);

impl Count {
    /// Slabs that CPUs own.
    pub const CPU: Count = Count(1);
    /// Slabs on partial lists.
    pub const PARTIAL: Count = Count(2);
    /// Slabs on no list, all of whose objects are in use.
    const FULL: Count = Count(4);
    /// Slabs.
    pub const SLABS: Count = Count(Self::CPU.0 | Self::PARTIAL.0 | Self::FULL.0);
    /// Objects that the slabs have given out, those in CPUs' chains included.
    pub const OBJECTS: Count = Count(Self::SLABS.0 | 8);

    fn has(self, other: Count) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Counts a cache's slabs or objects by NUMA node (`slab_objects`).
pub fn count(mem: &Mem, cache: Ref<KmemCache>, what: Count) -> [u32; MAX_NODES] {
    let mut by_node = [0; MAX_NODES];
    for frame in 0..mem.frames() {
        let page = mem.page(frame);
        if !is_slab_of(mem, page, cache) {
            continue;
        }
        let kind = if mem[page].is(PageFlag::Frozen) {
            Count::CPU
        } else if mem[page].lru.next.is_null() {
            Count::FULL
        } else {
            Count::PARTIAL
        };
        if what.has(kind) {
            let amount = if what == Count::OBJECTS {
                u32::from(mem[page].inuse)
            } else {
                1
            };
            by_node[page_node(mem, page) as usize % MAX_NODES] += amount;
        }
    }
    by_node
}

/// Lets every CPU go of its slab, then shrinks each node's list.
pub(super) fn shrink(mem: &mut Mem, cache: Ref<KmemCache>) {
    flush_all(mem, cache);
    for node in 0..mem[MEM].nr_nodes {
        if super::defrag::shrink_node(mem, cache, node).is_err() {
            discard_empty(mem, cache, node);
        }
    }
}

/// Gives a node's empty slabs back; where there is no memory to do more.
fn discard_empty(mem: &mut Mem, cache: Ref<KmemCache>, node: u32) {
    let head: Ref<ListHead> = node_of(cache, node).cast();
    let mut at = mem[head].next;
    while at != head {
        let page = super::page_of(at);
        at = mem[at].next;
        if mem[page].inuse == 0 {
            remove_partial(mem, cache, page);
            discard(mem, cache, page);
        }
    }
}

/// Slabs on a node's partial list.
pub(super) fn nr_partial(mem: &Mem, cache: Ref<KmemCache>, node: u32) -> u32 {
    mem[node_of(cache, node)].nr_partial
}

/// Free objects of a node's partial slabs.
pub(super) fn partial_room(mem: &Mem, cache: Ref<KmemCache>, node: u32) -> u32 {
    mem.list_iter(node_of(cache, node).cast())
        .map(|link| &mem[super::page_of(link)])
        .map(|page| u32::from(page.objects.saturating_sub(page.inuse)))
        .sum()
}

/// The last slab of a node's partial list.
pub(super) fn last_partial(mem: &Mem, cache: Ref<KmemCache>, node: u32) -> Option<Ref<Page>> {
    let head: Ref<ListHead> = node_of(cache, node).cast();
    let last = mem[head].prev;
    (last != head).then(|| super::page_of(last))
}

/// A page's link.
pub(super) fn lru_of(page: Ref<Page>) -> Ref<ListHead> {
    page.byte_add(offset_of!(Page, lru))
}

/// Puts a slab at the end of its node's partial list.
pub(super) fn relist(mem: &mut Mem, cache: Ref<KmemCache>, page: Ref<Page>) {
    add_partial(mem, cache, page, false);
}

/// Ends the vacating of a slab: chains what is free in the order of addresses, and puts the slab
/// where it belongs. Those that were kicked at are the first to be filled again.
pub(super) fn thaw(mem: &mut Mem, cache: Ref<KmemCache>, page: Ref<Page>, kicked: bool) {
    if mem[page].inuse > 0 {
        rethread(mem, cache, page);
    }
    mem[page].clear(PageFlag::Frozen);
    let node = node_of(cache, page_node(mem, page));
    if mem[page].inuse == 0 {
        if mem[node].nr_partial < MIN_PARTIAL {
            add_partial(mem, cache, page, false);
        } else {
            discard(mem, cache, page);
        }
    } else if mem[page].freelist != 0 {
        add_partial(mem, cache, page, kicked);
    }
}

/// Chains a slab's free objects in the order of their addresses.
fn rethread(mem: &mut Mem, cache: Ref<KmemCache>, page: Ref<Page>) {
    let KmemCache { objects, size, .. } = mem[cache];
    let first: Ref<Object> = Ref::of_frame(mem.frame_of(page));
    let free = free_map(mem, cache, page);
    let mut next: Ref<Object> = Ref::NULL;
    for index in (0..objects.min(OBJECTS_MAX)).rev() {
        if free[index as usize / 64] >> (index % 64) & 1 != 0 {
            let object = first.byte_add((index * size) as usize);
            set_link(mem, cache, object, next);
            next = object;
        }
    }
    mem[page].freelist = next.unit();
}

/// Which objects of a slab are on its chain, a bit for each.
pub(super) fn free_map(mem: &Mem, cache: Ref<KmemCache>, page: Ref<Page>) -> FreeMap {
    let KmemCache { size, objects, .. } = mem[cache];
    let first: Ref<Object> = Ref::of_frame(mem.frame_of(page));
    // A chain leads to and fro, and each link is known only when the one before has come from memory.
    // Read in the order of addresses they come all at once.
    let mut links = [0; OBJECTS_MAX as usize];
    for (index, link) in (0..objects).zip(&mut links) {
        *link = get_link(mem, cache, first.byte_add((index * size) as usize)).unit();
    }
    let mut map = [0; OBJECTS_MAX as usize / 64];
    let mut at: Ref<Object> = Ref::new(mem[page].freelist);
    for _ in 0..objects {
        if at.is_null() || !valid_object(mem, cache, page, at) {
            break;
        }
        let index = ((at.unit() - first.unit()) * UNIT as u32 / size) as usize;
        map[index / 64] |= 1 << (index % 64);
        at = Ref::new(links[index]);
    }
    map
}

/// The objects of a chain in the slab `page`, as far as they are such.
pub(super) fn each_free(
    mem: &Mem,
    cache: Ref<KmemCache>,
    page: Ref<Page>,
    mut object: Ref<Object>,
    visit: &mut dyn FnMut(Ref<Object>),
) {
    for _ in 0..mem[cache].objects {
        if object.is_null() || !valid_object(mem, cache, page, object) {
            break;
        }
        visit(object);
        object = get_link(mem, cache, object);
    }
}

/// Length of a chain of free objects, which must stay inside the slab `page`; `None` if it does
/// not, or does not end.
fn chain_length(
    mem: &Mem,
    cache: Ref<KmemCache>,
    page: Ref<Page>,
    mut object: Ref<Object>,
) -> Option<u32> {
    let mut length = 0;
    while !object.is_null() {
        if !valid_object(mem, cache, page, object) || length == mem[cache].objects {
            return None;
        }
        length += 1;
        object = get_link(mem, cache, object);
    }
    Some(length)
}

/// Whether an object of the slab `page` is on the slab's chain, or on that of the CPU that owns it.
pub(super) fn is_free(
    mem: &Mem,
    cache: Ref<KmemCache>,
    page: Ref<Page>,
    object: Ref<Object>,
) -> bool {
    let owner = mem[cache].cpu.iter().find(|cpu| cpu.page == page);
    let chains = [
        Ref::new(mem[page].freelist),
        owner.map_or(Ref::NULL, |cpu| cpu.freelist),
    ];
    chains.into_iter().any(|mut free| {
        // A sound chain has no more links than the slab has objects.
        for _ in 0..mem[cache].objects {
            if free == object || !valid_object(mem, cache, page, free) {
                break;
            }
            free = get_link(mem, cache, free);
        }
        free == object
    })
}

/// The free object of a slab that is given out next: the first of the owning CPU's chain, else of the
/// slab's own. `None` also where other allocators keep no such chains.
pub fn first_free(mem: &Mem, cache: Ref<KmemCache>, page: Ref<Page>) -> Option<Ref<Object>> {
    if super::allocator(mem) != super::Allocator::Slub {
        return None;
    }
    let owner = mem[cache].cpu.iter().find(|cpu| cpu.page == page);
    let kept = owner.map(|cpu| cpu.freelist).filter(|free| !free.is_null());
    let free = kept.unwrap_or(Ref::new(mem[page].freelist));
    valid_object(mem, cache, page, free).then_some(free)
}

/// The free object of a slab that is given out after the free object `object`.
pub fn next_free(
    mem: &Mem,
    cache: Ref<KmemCache>,
    page: Ref<Page>,
    object: Ref<Object>,
) -> Option<Ref<Object>> {
    let next = get_link(mem, cache, object);
    valid_object(mem, cache, page, next).then_some(next)
}

/// Free objects of a cache, and how many slabs are partial.
pub(super) fn count_free(mem: &Mem, cache: Ref<KmemCache>) -> (u32, u32) {
    let (mut free, mut partial) = (0, 0);
    for node in 0..mem[MEM].nr_nodes {
        let node = node_of(cache, node);
        partial += mem[node].nr_partial;
        for lru in mem.list_iter(node.cast()) {
            let page = &mem[lru.byte_sub::<Page>(offset_of!(Page, lru))];
            free += u32::from(page.objects - page.inuse);
        }
    }
    for CacheCpu { page, freelist } in mem[cache].cpu {
        if !page.is_null() {
            free += chain_length(mem, cache, page, freelist).unwrap_or(0);
            free += u32::from(mem[page].objects - mem[page].inuse);
        }
    }
    (free, partial)
}

/// Checks one cache: lists linked, counts right, chains inside their slabs, every slab found.
pub(super) fn check(mem: &Mem, cache: Ref<KmemCache>) -> Result<(), &'static str> {
    let mut listed = 0;
    for node in 0..mem[MEM].nr_nodes {
        let head = node_of(cache, node);
        if !mem.list_is_sound(head.cast(), mem.frames()) {
            return Err("slab: a partial list is broken");
        }
        let mut count = 0;
        for lru in mem.list_iter(head.cast()) {
            let page: Ref<Page> = lru.byte_sub(offset_of!(Page, lru));
            if !is_slab_of(mem, page, cache)
                || mem[page].is(PageFlag::Frozen)
                || page_node(mem, page) != node
            {
                return Err("slab: a page on a partial list does not belong there");
            }
            let free = chain_length(mem, cache, page, Ref::new(mem[page].freelist));
            let counted = mem[page].objects.checked_sub(mem[page].inuse);
            let is_sound = free == counted.map(u32::from) && free != Some(0);
            if !is_sound && !mem[cache].is_mistreated() {
                return Err("slab: a partial slab's free objects differ from its count");
            }
            count += 1;
        }
        if count != mem[head].nr_partial {
            return Err("slab: nr_partial differs from the list's length");
        }
        listed += count;
    }
    for CacheCpu { page, freelist } in mem[cache].cpu {
        if page.is_null() {
            if !freelist.is_null() {
                return Err("slab: a CPU has free objects but no slab");
            }
            continue;
        }
        if !is_slab_of(mem, page, cache) || !mem[page].is(PageFlag::Frozen) {
            return Err("slab: a CPU's slab is not frozen, or not the cache's");
        }
        let returned = chain_length(mem, cache, page, Ref::new(mem[page].freelist));
        if chain_length(mem, cache, page, freelist).is_none()
            || returned != Some(u32::from(mem[page].objects - mem[page].inuse))
        {
            return Err("slab: a CPU slab's chain is broken");
        }
        listed += 1;
    }
    let (mut slabs, mut full) = (0, 0);
    for frame in mem.frames_outside_free_blocks() {
        let page = mem.page(frame);
        if is_slab_of(mem, page, cache) {
            slabs += 1;
            let Page {
                inuse,
                objects,
                freelist,
                lru,
                ..
            } = mem[page];
            // A chain that was cut ends before all objects are in use.
            let whole = match mem[cache].is_mistreated() {
                true => lru.next.is_null(),
                false => inuse == objects && freelist == 0,
            };
            full += u32::from(whole && !mem[page].is(PageFlag::Frozen));
        }
    }
    if slabs != mem[cache].nr_slabs || slabs != listed + full {
        return Err("slab: a slab is on no list and not full");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{BootOptions, FRAME_SIZE, OBJECTS_MAX, ORDER_MAX, calculate_order};

    /// Order and objects of a slab.
    fn slab_of(size: u32, options: BootOptions) -> (u32, u32) {
        let order = calculate_order(size, &options.parameters());
        (order, ((FRAME_SIZE as u32) << order) / size)
    }

    /// specs/memory.md 2.3: size, order, objects.
    #[test]
    fn orders_of_the_specification() {
        let vectors = [
            (32, 0, 128),
            (96, 0, 42),
            (192, 0, 21),
            (256, 0, 16),
            (552, 0, 7),
            (700, 1, 11),
            (1024, 0, 4),
            (1352, 1, 6),
            (2048, 1, 4),
            (3000, 0, 1),
            (4096, 1, 2),
            (5000, 1, 1),
            (8192, 1, 1),
            (9000, 2, 1),
        ];
        for (size, order, objects) in vectors {
            let found = slab_of(size, BootOptions::default());
            assert_eq!(found, (order, objects), "size {size}");
        }
        assert_eq!(slab_of(1 << 22, BootOptions::default()).0, ORDER_MAX);
    }

    /// What the machine's header asks for, of 2.6.24's rules: size, order, objects.
    #[test]
    fn orders_follow_the_header() {
        let min_order = |order| BootOptions {
            min_order: Some(order),
            ..BootOptions::default()
        };
        let max_order = |order| BootOptions {
            max_order: Some(order),
            ..BootOptions::default()
        };
        let min_objects = |objects| BootOptions {
            min_objects: Some(objects),
            ..BootOptions::default()
        };
        let vectors = [
            (256, min_order(1), 1, 32),
            // Above the largest order to be used, one object must do; the order stays.
            (256, min_order(3), 3, 128),
            // A slab never holds more than 512.
            (8, min_order(3), 0, 512),
            (64, min_order(ORDER_MAX), 3, 512),
            (2048, max_order(0), 0, 2),
            (2048, max_order(3), 1, 4),
            (4096, max_order(3), 2, 4),
            (700, min_objects(8), 1, 11),
            (2048, min_objects(16), 1, 4),
            (256, min_objects(32), 1, 32),
            (8, min_objects(OBJECTS_MAX), 0, 512),
        ];
        for (size, options, order, objects) in vectors {
            let found = slab_of(size, options);
            assert_eq!(found, (order, objects), "size {size}, {options:?}");
        }
    }
}
