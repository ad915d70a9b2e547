//! Slab defragmentation by *get* and *kick* (Christoph Lameter, 2007; specs/memory.md 3).
//!
//! A slab can go only when its last object does, and after some time most slabs hold a few old
//! objects each. So the allocator asks the objects' owner to part with them. The owner installs two
//! callbacks, [`CacheOps`]: *get* pins the objects of a slab while the allocator holds it still,
//! *kick* then frees or moves them, at leisure. Whatever kick leaves is put back, and the slab
//! with it: failure is normal and changes nothing.
//!
//! Only SLUB does it, as in the patches; on the other allocators everything here does nothing.

use super::slub::{self, MIN_PARTIAL, OBJECTS_MAX};
use super::{Allocator, KmemCache, Object, SLAB, allocator, kfree, kmalloc};
use crate::errno::Errno;
use crate::mem::{Gfp, ListHead, MEM, Mem, Page, PageFlag, Ref, UNIT};
use crate::trace::{TRACE, Tracepoint};

/// Partial slabs of a node that defragmentation leaves alone.
pub const MAX_PARTIAL: u32 = 10;

/// Above this share of objects in use, in percent, later versions of the patches leave a slab alone.
pub const DEFRAG_RATIO: u32 = 30;

/// What the owner of a cache's objects does for defragmentation.
///
/// The cache must have a constructor, since `get` may see objects that were allocated and not yet
/// written to.
pub trait CacheOps: Sync {
    /// Its name at the console.
    fn name(&self) -> &'static str;

    /// Pins each of `objects`, all of which are allocated, or sets an entry to NULL that it will not
    /// touch. What it returns is given to [`CacheOps::kick`].
    ///
    /// The slab is locked meanwhile: nothing here may allocate or free, and nothing may sleep.
    fn get(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &mut [Ref<Object>]) -> u32;

    /// Frees or moves the objects that `get` has pinned, as far as it can, and lets go of all of
    /// them. Entries that are NULL are skipped. It may allocate and free.
    fn kick(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &[Ref<Object>], private: u32);

    /// Whether `kick` moves objects rather than drops them: then no more slabs are vacated at a time
    /// than the others have room for.
    fn moves(&self) -> bool {
        true
    }
}

/// Installs the callbacks of number `ops` (see [`crate::cache_ops`]) on a cache.
///
/// # Errors
/// `EINVAL` if the cache has no constructor, or there are no such callbacks.
pub fn kmem_cache_setup_defrag(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    ops: u32,
) -> Result<(), Errno> {
    if !mem[cache].has_constructor() || crate::cache_ops::get(ops).is_none() {
        return Err(Errno::EINVAL);
    }
    mem[cache].ops = ops;
    Ok(())
}

/// Whether a slab with so many objects in use is worth vacating: less than a quarter in use, as in
/// the article, or less than the cache's ratio if it has one.
pub(super) fn is_sparse(cache: &KmemCache, inuse: u32) -> bool {
    let KmemCache {
        objects,
        defrag_ratio,
        ..
    } = *cache;
    match defrag_ratio {
        0 => inuse <= objects / 4,
        ratio => inuse * 100 < ratio * objects,
    }
}

/// Why a slab is not vacated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Refusal {
    /// Only SLUB vacates.
    OtherAllocator = 1,
    /// The page is free.
    FreePage = 2,
    /// The page is no slab's.
    NoSlab = 3,
    /// A CPU allocates from the slab.
    Frozen = 4,
    /// Nothing is in use.
    Empty = 5,
    /// The cache has no callbacks.
    NoCallbacks = 6,
    /// There is no memory for the list of objects.
    NoMemory = 7,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Refusal; 7] = [
        Refusal::OtherAllocator,
        Refusal::FreePage,
        Refusal::NoSlab,
        Refusal::Frozen,
        Refusal::Empty,
        Refusal::NoCallbacks,
        Refusal::NoMemory,
    ];
}

/// Tries to empty the slab of `page`. Returns whether it is empty, and so its pages are free or
/// wait for the next objects.
pub fn kmem_cache_vacate(mem: &mut Mem, page: Ref<Page>) -> bool {
    match try_vacate(mem, page) {
        Ok(left) => left == 0,
        Err(why) => {
            let cache = super::cache_of(mem, page).unwrap_or(Ref::NULL);
            let args = [cache.unit(), mem.frame_of(page), why as u32];
            mem.trace(Tracepoint::KmemCacheVacateRefused, args.map(u64::from));
            false
        }
    }
}

fn try_vacate(mem: &mut Mem, page: Ref<Page>) -> Result<u32, Refusal> {
    if allocator(mem) != Allocator::Slub {
        return Err(Refusal::OtherAllocator);
    }
    if mem[page].count == 0 {
        return Err(Refusal::FreePage);
    }
    let cache = super::cache_of(mem, page).ok_or(Refusal::NoSlab)?;
    if mem[page].is(PageFlag::Frozen) {
        return Err(Refusal::Frozen);
    }
    if mem[page].inuse == 0 {
        return Err(Refusal::Empty);
    }
    if crate::cache_ops::get(mem[cache].ops).is_none() {
        return Err(Refusal::NoCallbacks);
    }
    let vector = new_vector(mem, cache).map_err(|_| Refusal::NoMemory)?;
    slub::unlist(mem, cache, page);
    mem[page].set(PageFlag::Frozen);
    let left = vacate(mem, cache, page);
    kfree(mem, vector);
    Ok(left)
}

/// The vector of a slab's objects, in kernel memory as the patches have it: without it there is no
/// vacating. The callbacks see a copy.
fn new_vector(mem: &mut Mem, cache: Ref<KmemCache>) -> Result<Ref<Object>, Errno> {
    let bytes = mem[cache].objects * UNIT as u32;
    kmalloc(mem, bytes, Gfp::KERNEL)
}

/// Empties a slab that is frozen and on no list, as far as its owner lets go; returns how many
/// objects are left. The slab is where it belongs then.
fn vacate(mem: &mut Mem, cache: Ref<KmemCache>, page: Ref<Page>) -> u32 {
    let KmemCache { objects, size, .. } = mem[cache];
    let first: Ref<Object> = Ref::of_frame(mem.frame_of(page));
    let mut vector = [Ref::NULL; OBJECTS_MAX as usize];
    let mut used = 0;
    let free = slub::free_map(mem, cache, page);
    for index in 0..objects.min(OBJECTS_MAX) {
        if free[index as usize / 64] >> (index % 64) & 1 == 0 {
            vector[used] = first.byte_add((index * size) as usize);
            used += 1;
        }
    }
    let pfn = u64::from(mem.frame_of(page));
    let mut pinned = 0;
    if let Some(ops) = crate::cache_ops::get(mem[cache].ops).filter(|_| used > 0) {
        let listed = vector;
        let vector = &mut vector[..used];
        let private = locked(mem, cache, |mem| ops.get(mem, cache, vector));
        pinned = vector.iter().filter(|object| !object.is_null()).count() as u64;
        trace_answer(mem, cache, &listed[..used], vector, private);
        ops.kick(mem, cache, vector, private);
    }
    let left = u32::from(mem[page].inuse);
    mem.trace(
        Tracepoint::KmemCacheVacate,
        [
            u64::from(cache.unit()),
            pfn,
            used as u64,
            pinned,
            u64::from(left),
        ],
    );
    slub::thaw(mem, cache, page, pinned > 0);
    left
}

/// Tells what `get` answered about `objects`: `answers` has those that it pinned, and NULL for the
/// others.
fn trace_answer(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    objects: &[Ref<Object>],
    answers: &[Ref<Object>],
    private: u32,
) {
    let pfn = objects[0].frame() >> mem[cache].order << mem[cache].order;
    let start = Ref::<Object>::of_frame(pfn).unit();
    let size = mem[cache].size;
    let place = |object: &Ref<Object>| (object.unit() - start) * UNIT as u32 / size;
    let mut pairs = objects.iter().zip(answers).peekable();
    while let Some((object, _)) = pairs.peek() {
        let first = place(object) / 64 * 64;
        let (mut used, mut pinned) = (0, 0);
        while let Some((object, answer)) = pairs.next_if(|(object, _)| place(object) < first + 64) {
            let bit = 1 << (place(object) - first);
            used |= bit;
            pinned |= if answer.is_null() { 0 } else { bit };
        }
        let [cache, pfn, first, private] = [cache.unit(), pfn, first, private].map(u64::from);
        mem.trace(
            Tracepoint::KmemCacheGet,
            [cache, pfn, first, used, pinned, private],
        );
    }
}

/// Tells that a `kick` has moved an object, which nobody but it can know.
pub fn moved(mem: &mut Mem, cache: Ref<KmemCache>, from: Ref<Object>, to: Ref<Object>) {
    let args = [cache.unit(), from.unit(), to.unit()];
    mem.trace(Tracepoint::KmemCacheMove, args.map(u64::from));
}

/// Runs `get`, and finds out if it breaks its contract: a slab call from inside it would wait for
/// the lock that is held.
fn locked(mem: &mut Mem, cache: Ref<KmemCache>, get: impl FnOnce(&mut Mem) -> u32) -> u32 {
    // Injected failures are set aside; every allocation is to be caught.
    let fail_nth = mem[MEM].fail_nth;
    mem.set_fail_nth(u32::MAX);
    let events = mem[TRACE].events;
    mem[SLAB].locked = cache;
    let private = get(mem);
    mem[SLAB].locked = Ref::NULL;
    mem.set_fail_nth(fail_nth);
    // Freeing and whatever else the allocators do is told by events; pinning is not.
    if mem[TRACE].events != events {
        complain(mem, cache);
    }
    private
}

/// Says that a slab call came from where none may.
fn complain(mem: &mut Mem, cache: Ref<KmemCache>) {
    mem[SLAB].bugs += 1;
    let mut name = [0; super::NAME_MAX];
    let length = mem[cache].name().len();
    name[..length].copy_from_slice(mem[cache].name().as_bytes());
    let name = core::str::from_utf8(&name[..length]).unwrap_or("?");
    mem.printk(format_args!(
        "BUG {name}: slab function called from get(), which holds the slab's lock"
    ));
}

/// Whether an allocation comes from inside a `get`, where none may; says so. It is to fail then.
pub(crate) fn is_locked(mem: &mut Mem) -> bool {
    let cache = mem[SLAB].locked;
    if !cache.is_null() {
        complain(mem, cache);
    }
    !cache.is_null()
}

/// Sorts a node's partial slabs, the fullest first, gives back the empty ones, and vacates sparse
/// ones while there are more than [`MAX_PARTIAL`]. Returns the slabs that are gone.
pub(super) fn shrink_node(mem: &mut Mem, cache: Ref<KmemCache>, node: u32) -> Result<u32, Errno> {
    let before = mem[cache].nr_slabs;
    sort(mem, cache, node)?;
    if trace_begin(mem, cache, node, before) {
        // The sparse ones leave the list first, so that nothing is moved into them; but no more of
        // them than the others have room for, since a new slab would be one in the way again.
        let objects = mem[cache].objects;
        let moves = crate::cache_ops::get(mem[cache].ops).is_some_and(|ops| ops.moves());
        let mut room = slub::partial_room(mem, cache, node);
        let mut moving = 0;
        let mut queue: Ref<ListHead> = Ref::NULL;
        let vector = new_vector(mem, cache)?;
        while slub::nr_partial(mem, cache, node) > MAX_PARTIAL {
            let Some(page) = slub::last_partial(mem, cache, node) else {
                break;
            };
            let inuse = u32::from(mem[page].inuse);
            let choice = if !is_sparse(&mem[cache], inuse) {
                Choice::TooFull
            } else if moves && moving + inuse + (objects - inuse) > room {
                Choice::NoRoom
            } else {
                Choice::Taken
            };
            trace_choice(mem, cache, page, choice);
            if choice != Choice::Taken {
                break;
            }
            moving += inuse;
            room -= objects - inuse;
            slub::unlist(mem, cache, page);
            mem[page].set(PageFlag::Frozen);
            // A chain through the links that the list has just left free.
            mem[page].lru.prev = queue;
            queue = slub::lru_of(page);
        }
        while !queue.is_null() {
            let page = super::page_of(queue);
            queue = core::mem::replace(&mut mem[page].lru.prev, Ref::NULL);
            vacate(mem, cache, page);
        }
        kfree(mem, vector);
        trace_end(mem, cache, node);
    }
    Ok(before.saturating_sub(mem[cache].nr_slabs))
}

/// What becomes of a slab that defragmentation looks at; anything but `Taken` ends the choosing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    TooFull = 0,
    Taken = 1,
    NoRoom = 2,
}

/// Whether a node's partial slabs of a cache that can be defragmented are so many that it is worth
/// it. Tells the numbers that decide.
fn trace_begin(mem: &mut Mem, cache: Ref<KmemCache>, node: u32, slabs: u32) -> bool {
    let partial = slub::nr_partial(mem, cache, node);
    if partial == 0 || crate::cache_ops::get(mem[cache].ops).is_none() {
        return false;
    }
    let room = slub::partial_room(mem, cache, node);
    let args = [cache.unit(), node, slabs, partial, MAX_PARTIAL, room];
    mem.trace(Tracepoint::KmemCacheDefragBegin, args.map(u64::from));
    partial > MAX_PARTIAL
}

/// Tells what is left when a node is done.
fn trace_end(mem: &mut Mem, cache: Ref<KmemCache>, node: u32) {
    let partial = slub::nr_partial(mem, cache, node);
    let args = [cache.unit(), node, mem[cache].nr_slabs, partial];
    mem.trace(Tracepoint::KmemCacheDefragEnd, args.map(u64::from));
}

/// Tells why a slab was chosen, or where the choosing ended.
fn trace_choice(mem: &mut Mem, cache: Ref<KmemCache>, page: Ref<Page>, choice: Choice) {
    let KmemCache {
        objects,
        defrag_ratio,
        ..
    } = mem[cache];
    let args = [
        cache.unit(),
        mem.frame_of(page),
        u32::from(mem[page].inuse),
        objects,
        defrag_ratio,
        choice as u32,
    ];
    mem.trace(Tracepoint::KmemCacheDefrag, args.map(u64::from));
}

/// Sorts the partial list by objects in use, the fullest first; empty slabs go.
fn sort(mem: &mut Mem, cache: Ref<KmemCache>, node: u32) -> Result<(), Errno> {
    if slub::nr_partial(mem, cache, node) == 0 {
        return Ok(());
    }
    let buckets_len = mem[cache].objects;
    let heads = kmalloc(mem, buckets_len * size_of::<ListHead>() as u32, Gfp::KERNEL)?;
    let bucket = |inuse: u32| heads.cast::<ListHead>().offset(inuse);
    for inuse in 0..buckets_len {
        mem.list_init(bucket(inuse));
    }
    while let Some(page) = slub::last_partial(mem, cache, node) {
        slub::unlist(mem, cache, page);
        if mem[page].inuse == 0 {
            slub::discard(mem, cache, page);
        } else {
            let inuse = u32::from(mem[page].inuse).min(buckets_len - 1);
            mem.list_add(slub::lru_of(page), bucket(inuse));
        }
    }
    for inuse in (0..buckets_len).rev() {
        while !mem.list_is_empty(bucket(inuse)) {
            let link = mem[bucket(inuse)].next;
            mem.list_del(link);
            slub::relist(mem, cache, super::page_of(link));
        }
    }
    kfree(mem, heads);
    Ok(())
}

/// Defragments every cache that can be, on one node or on all. Returns the pages that were freed.
pub fn kmem_cache_defrag(mem: &mut Mem, node: Option<u32>) -> u32 {
    if allocator(mem) != Allocator::Slub {
        return 0;
    }
    let mut freed = 0;
    let mut link = mem[SLAB].caches.next;
    while link != SLAB.cast() {
        let cache: Ref<KmemCache> = link.cast();
        link = mem[link].next;
        if crate::cache_ops::get(mem[cache].ops).is_none() {
            continue;
        }
        for here in 0..mem[MEM].nr_nodes {
            if node.is_some_and(|node| node != here) {
                continue;
            }
            if slub::nr_partial(mem, cache, here) > MAX_PARTIAL {
                // Without memory for the lists there is no defragmentation, and no harm.
                let slabs = shrink_node(mem, cache, here).unwrap_or(0);
                freed += slabs << mem[cache].order;
            } else {
                let slabs = mem[cache].nr_slabs;
                trace_begin(mem, cache, here, slabs);
            }
        }
    }
    freed
}

const _: () = assert!(MIN_PARTIAL < MAX_PARTIAL);
