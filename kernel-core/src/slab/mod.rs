//! Objects smaller than a page: the `kmem_cache` interface, and three allocators behind it.
//!
//! A cache hands out objects of one size. It gets pages from the page allocator, cuts them into
//! objects, and remembers the free ones. Every kernel object lives in such a cache, the caches'
//! own descriptors included (`kmem_cache`, the first cache, describes itself).
//!
//! Which allocator does the work is chosen when the machine boots (`slab=slab|slub|slob`):
//!
//! - [`slub`] keeps no queues: a CPU owns a slab, and the free objects are chained through
//!   themselves;
//! - [`queued`] is SLAB: arrays of free objects for each CPU and node, over slabs that carry a
//!   descriptor of their own;
//! - [`slob`] has no slabs at all: one ring of free blocks, for machines with very little memory.
//!
//! What they share is here: creating, finding and naming caches, the general caches behind
//! [`kmalloc()`], the events.

pub mod alias;
#[cfg(test)]
mod alias_tests;
pub mod conn;
#[cfg(test)]
mod conn_tests;
pub mod debug;
pub mod defrag;
pub mod failslab;
pub mod kmalloc;
pub mod play;
pub mod queued;
mod sieve;
pub mod slob;
pub mod slub;
#[cfg(test)]
mod spec_tests;
#[cfg(test)]
pub(crate) mod tests;
pub mod watch;

use core::fmt::Write;
use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{
    Gfp, ListHead, MAX_CPUS, MAX_NODES, MEM, Mem, MemData, Page, PageFlag, Ref, UNIT, layout,
};
use crate::trace::Tracepoint;

pub use kmalloc::{kfree, kmalloc};

/// The longest name of a cache, in bytes.
pub const NAME_MAX: usize = 31;

/// The largest object, in bytes.
pub const SIZE_MAX: u32 = 1 << 20;

/// The static data of this module.
pub const SLAB: Ref<SlabData> = Ref::of_frame(layout::SLAB);

/// The caches.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct SlabData {
    /// All caches, linked through `KmemCache::list` in the order of their creation.
    pub caches: ListHead,
    /// The cache of caches. It has to exist before there is a cache to allocate it from, so it
    /// lives right here.
    pub kmem_cache: KmemCache,
    /// An [`Allocator`].
    allocator: u32,
    /// What debugging has found since boot.
    pub bugs: u32,
    /// The cache whose allocations are counted until one fails; see [`failslab`].
    pub(crate) failing: Ref<KmemCache>,
    pub(crate) fail_count: u32,
    /// The cache one of whose slabs is locked, while a `get` runs.
    pub(crate) locked: Ref<KmemCache>,
    /// The cache of [`play::Handle`].
    pub(crate) handle_cache: Ref<KmemCache>,
    /// The console's objects.
    pub(crate) handles: ListHead,
    /// Further names of caches, linked through `Alias::list` in the order of their making.
    pub(crate) aliases: ListHead,
    /// The cache of [`alias::Alias`].
    pub(crate) alias_cache: Ref<KmemCache>,
    /// What the machine's header asks of SLUB.
    pub(crate) slub: slub::Parameters,
    /// The general caches, by size.
    pub(crate) general: [Ref<KmemCache>; kmalloc::CLASSES_MAX],
    /// SLOB's ring.
    pub(crate) slob: slob::Ring,
    /// The table of connections; see [`conn`].
    pub(crate) conns: Ref<conn::Table>,
    _pad: u32,
}

/// Which allocator serves the kernel's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum Allocator {
    /// The unqueued one (2.6.22 and later).
    #[default]
    Slub = 0,
    /// The queued one (all of 2.6).
    Slab = 1,
    /// The small one (2.6.16 to 2.6.21).
    Slob = 2,
}

impl Allocator {
    /// All of them.
    pub const ALL: [Allocator; 3] = [Allocator::Slab, Allocator::Slub, Allocator::Slob];

    /// The name as the machine's header spells it.
    pub fn name(self) -> &'static str {
        match self {
            Allocator::Slub => "slub",
            Allocator::Slab => "slab",
            Allocator::Slob => "slob",
        }
    }

    /// The allocator of that name.
    pub fn from_name(name: &str) -> Option<Allocator> {
        Allocator::ALL
            .into_iter()
            .find(|allocator| allocator.name() == name)
    }
}

describe!(
    SlabData,
    "slab_data",
    [
        caches,
        kmem_cache,
        allocator: Kind::Named(|allocator, f| {
            let mut all = Allocator::ALL.iter();
            let known = all.find(|known| **known as u64 == allocator);
            f.write_str(known.map_or("?", |known| known.name()))
        }),
        bugs,
        failing,
        fail_count,
        locked,
        handle_cache,
        handles,
        aliases,
        alias_cache,
        slub,
        general,
        slob,
        conns,
        _pad: Kind::Padding,
    ]
);

/// How a new object is initialised, once, when its slab is made. A freed object has to be returned
/// in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Constructor {
    /// Not at all.
    None = 0,
    /// With zeroes.
    Zero = 1,
}

/// A cache of objects of one size.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct KmemCache {
    /// Link in [`SlabData::caches`].
    pub list: ListHead,
    name: [u8; NAME_MAX + 1],
    /// Bytes that a user asked for.
    pub object_size: u32,
    /// Bytes from one object to the next: the object, what the allocator adds, alignment.
    pub size: u32,
    /// SLUB: where in a free object the link to the next one stands.
    pub offset: u32,
    /// A slab has 2^`order` pages.
    pub order: u32,
    /// Objects to a slab; 0 where there are no slabs.
    pub objects: u32,
    ctor: u32,
    /// Slabs that the cache owns.
    pub nr_slabs: u32,
    /// Objects begin at multiples of so many bytes.
    pub align: u32,
    /// SLOB: objects in use. The other allocators can count them.
    pub(crate) nr_objects: u32,
    /// SLUB: where the metadata behind an object begins; up to there reaches its red zone.
    pub inuse: u32,
    /// SLUB: what the cache is watched for.
    pub flags: debug::Flags,
    /// SLUB: callbacks for defragmentation; see [`crate::cache_ops`].
    pub ops: u32,
    /// SLUB: slabs with less than so many percent in use are vacated; 0: a quarter, as in the
    /// article.
    pub defrag_ratio: u32,
    /// Whether `kmem create` made the cache; [`MISTREATED`] if links of free objects were written over
    /// since.
    console: u32,
    /// Names under which the cache was created, or [`alias::NEVER_MERGED`].
    pub(crate) refcount: u32,
    /// SLUB: how readily a CPU takes slabs of other nodes, in parts of 1024; see
    /// [`slub::REMOTE_RATIO`].
    pub remote_node_defrag_ratio: u32,
    /// SLUB: what each CPU allocates from.
    pub(crate) cpu: [slub::CacheCpu; MAX_CPUS],
    /// SLUB: the slabs that no CPU owns and that have free objects, by NUMA node.
    pub(crate) node: [slub::CacheNode; MAX_NODES],
    /// SLAB: arrays and lists.
    pub queues: queued::Queues,
}

describe!(
    KmemCache,
    "kmem_cache",
    [
        list,
        name: Kind::Text,
        object_size,
        size,
        offset,
        order,
        objects,
        ctor: Kind::Named(|ctor, f| f.write_str(if ctor == Constructor::None as u64 {
            "none"
        } else {
            "zero"
        })),
        nr_slabs,
        align,
        nr_objects,
        inuse,
        flags: Kind::Named(|flags, f| debug::Flags(flags as u32).show_all(f)),
        ops,
        defrag_ratio,
        console,
        refcount: Kind::Named(|count, f| match count as u32 {
            alias::NEVER_MERGED => f.write_str("never merged"),
            count => write!(f, "{count}"),
        }),
        remote_node_defrag_ratio,
        cpu,
        node,
        queues,
    ]
);

/// In [`KmemCache::console`]: somebody has written over the link of a free object.
const MISTREATED: u32 = 2;

/// What an untyped object is seen as: its first word.
pub type Object = u64;

impl KmemCache {
    /// The cache's name.
    pub fn name(&self) -> &str {
        text_of(&self.name)
    }

    /// The name of the cache at `cache`, if there is one.
    pub fn name_at(mem: &Mem, cache: Ref<KmemCache>) -> Option<&str> {
        caches(mem)
            .find(|&other| other == cache)
            .map(|cache| mem[cache].name())
    }

    /// Whether `kmem create` made it: its objects are the console's to do with as it likes.
    pub fn is_console(&self) -> bool {
        self.console != 0
    }

    /// Says so.
    pub(crate) fn set_console(&mut self) {
        self.console = 1;
    }

    /// Names under which it was created, or [`alias::NEVER_MERGED`].
    pub fn refcount(&self) -> u32 {
        self.refcount
    }

    /// What its constructor is called.
    pub fn constructor(&self) -> &'static str {
        match self.has_constructor() {
            true => "zero",
            false => "none",
        }
    }

    /// Whether links of free objects were written over. Debugging finds those that lead nowhere; one
    /// that leads to an object in use makes a free object of it, and nobody can know better.
    pub(crate) fn is_mistreated(&self) -> bool {
        self.console == MISTREATED
    }

    pub(crate) fn set_mistreated(&mut self) {
        self.console = MISTREATED;
    }

    /// Whether new objects are constructed.
    pub fn has_constructor(&self) -> bool {
        self.ctor != Constructor::None as u32
    }
}

/// A name, with zeroes behind it.
fn text_of(name: &[u8; NAME_MAX + 1]) -> &str {
    let length = name.iter().position(|&byte| byte == 0).unwrap_or(NAME_MAX);
    core::str::from_utf8(&name[..length]).unwrap_or("?")
}

/// Which allocator this kernel runs on.
#[inline]
pub fn allocator(mem: &Mem) -> Allocator {
    match mem[SLAB].allocator {
        1 => Allocator::Slab,
        2 => Allocator::Slob,
        _ => Allocator::Slub,
    }
}

/// Sets up the cache of caches and the general caches, as a header without options asks for.
#[cfg(test)]
pub(crate) fn boot(mem: &mut Mem, allocator: Allocator) -> Result<(), Errno> {
    boot_with(mem, allocator, &slub::BootOptions::default())
}

/// The same with options.
pub(crate) fn boot_with(
    mem: &mut Mem,
    allocator: Allocator,
    options: &slub::BootOptions,
) -> Result<(), Errno> {
    mem[SLAB].allocator = allocator as u32;
    mem[SLAB].slub = options.parameters();
    mem.list_init(SLAB.cast());
    slob::boot(mem);
    alias::init(mem);
    let cache = kmem_cache(mem);
    let size = size_of::<KmemCache>() as u32;
    describe(mem, cache, "kmem_cache", size, &Options::default())?;
    kmalloc::boot(mem)?;
    match allocator {
        Allocator::Slab => queued::enable_arrays(mem)?,
        Allocator::Slub => slub::announce(mem),
        Allocator::Slob => {}
    }
    alias::boot(mem)?;
    play::boot(mem)
}

/// The cache of caches.
fn kmem_cache(_: &Mem) -> Ref<KmemCache> {
    SLAB.byte_add(offset_of!(SlabData, kmem_cache))
}

/// Creates a cache of objects of `size` bytes, aligned to `align` (at least 8, a power of two).
///
/// # Errors
/// `EINVAL` for an empty or too long name, an object of no bytes (on SLAB, of less than a word) or of
/// more than [`SIZE_MAX`], or an odd alignment; `EEXIST` for a name in use; `ENOMEM`.
pub fn kmem_cache_create(
    mem: &mut Mem,
    name: &str,
    size: u32,
    align: u32,
    ctor: Constructor,
) -> Result<Ref<KmemCache>, Errno> {
    let options = Options {
        align,
        ctor,
        ..Options::default()
    };
    kmem_cache_create_with(mem, name, size, options)
}

/// What a cache may be besides its name and size.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Objects begin at multiples of so many bytes: a power of two, at most a page.
    pub align: u32,
    /// How objects begin.
    pub ctor: Constructor,
    /// What kind of cache it is, and what it is watched for. Only SLUB watches; the other allocators
    /// take no notice of that.
    pub flags: debug::Flags,
    /// Its callbacks for defragmentation; see [`crate::cache_ops`].
    pub ops: u32,
    /// See [`KmemCache::defrag_ratio`].
    pub defrag_ratio: u32,
    /// Whether the cache may share its slabs with others that say so; see [`alias`].
    pub merges: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            align: UNIT as u32,
            ctor: Constructor::None,
            flags: debug::Flags::default(),
            ops: 0,
            defrag_ratio: 0,
            merges: false,
        }
    }
}

/// Creates a cache with options; see [`kmem_cache_create`]. Where the options allow it, that may be
/// an existing cache under one more name.
///
/// # Errors
/// As there; `EINVAL` also for callbacks without a constructor.
pub fn kmem_cache_create_with(
    mem: &mut Mem,
    name: &str,
    size: u32,
    mut options: Options,
) -> Result<Ref<KmemCache>, Errno> {
    options.align = options.align.max(UNIT as u32);
    if name.is_empty()
        || name.len() > NAME_MAX
        || size < size_min(mem)
        || size > SIZE_MAX
        || !options.align.is_power_of_two()
        || options.align > 4096
        || options.ops != 0 && options.ctor == Constructor::None
    {
        return Err(Errno::EINVAL);
    }
    if find(mem, name).is_some() {
        return Err(Errno::EEXIST);
    }
    options.flags = slub::cache_flags(mem, name, options.flags);
    if let Some(cache) = alias::find_mergeable(mem, size, &options) {
        alias::add(mem, cache, name, size)?;
        return Ok(cache);
    }
    let cache = kmem_cache_alloc::<KmemCache>(mem, kmem_cache(mem), Gfp::KERNEL)?;
    mem[cache] = KmemCache::zeroed();
    if let Err(errno) = describe(mem, cache, name, size, &options) {
        let caches = kmem_cache(mem);
        kmem_cache_free(mem, caches, cache);
        return Err(errno);
    }
    Ok(cache)
}

/// The smallest object.
fn size_min(mem: &Mem) -> u32 {
    match allocator(mem) {
        Allocator::Slab => UNIT as u32,
        _ => 1,
    }
}

/// Fills in a cache's descriptor, which is zeroed, and puts it on the list.
fn describe(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    name: &str,
    size: u32,
    options: &Options,
) -> Result<(), Errno> {
    let mut flags = slub::cache_flags(mem, name, options.flags);
    if mem.is_traced() {
        flags = flags.with(debug::Flags::EVENTS);
    }
    let descriptor = &mut mem[cache];
    descriptor.name[..name.len()].copy_from_slice(name.as_bytes());
    descriptor.object_size = size;
    descriptor.align = options.align;
    descriptor.ctor = options.ctor as u32;
    descriptor.flags = flags;
    descriptor.ops = options.ops;
    descriptor.defrag_ratio = options.defrag_ratio;
    descriptor.remote_node_defrag_ratio = slub::REMOTE_RATIO;
    descriptor.refcount = match options.merges {
        true => 1,
        false => alias::NEVER_MERGED,
    };
    match allocator(mem) {
        Allocator::Slub => {
            let parameters = mem[SLAB].slub;
            slub::calculate_sizes(&mut mem[cache], &parameters);
            slub::init_nodes(mem, cache);
        }
        Allocator::Slab => queued::set_up(mem, cache)?,
        Allocator::Slob => slob::set_up(&mut mem[cache]),
    }
    mem.list_add_tail(cache.cast(), SLAB.cast());
    Ok(())
}

/// Ends a cache that has no objects left. One with further names loses only its first.
///
/// # Errors
/// `EBUSY` while objects are in use; the cache stays then.
pub fn kmem_cache_destroy(mem: &mut Mem, cache: Ref<KmemCache>) -> Result<(), Errno> {
    if (2..alias::NEVER_MERGED).contains(&mem[cache].refcount) {
        alias::drop_first_name(mem, cache);
        return Ok(());
    }
    if counts(mem, cache).active_objects > 0 {
        if allocator(mem) == Allocator::Slab {
            let name = Name::of(format_args!("{}", mem[cache].name()));
            mem.printk(format_args!(
                "slab error in kmem_cache_destroy(): cache `{}': Can't free all objects",
                name.text()
            ));
        }
        return Err(Errno::EBUSY);
    }
    kmem_cache_shrink(mem, cache);
    if allocator(mem) == Allocator::Slab {
        queued::tear_down(mem, cache);
    }
    mem.list_del(cache.cast());
    let caches = kmem_cache(mem);
    kmem_cache_free(mem, caches, cache);
    Ok(())
}

/// Gives back every page that holds no object in use. Returns whether no slab is left.
pub fn kmem_cache_shrink(mem: &mut Mem, cache: Ref<KmemCache>) -> bool {
    match allocator(mem) {
        Allocator::Slub => slub::shrink(mem, cache),
        Allocator::Slab => queued::shrink(mem, cache),
        Allocator::Slob => slob::trim(mem),
    }
    mem[cache].nr_slabs == 0
}

/// Pages of all caches, and those of them whose objects can be given back.
pub fn frames(mem: &Mem) -> [u32; 2] {
    // SLOB's objects share the pages of its ring.
    let mut frames = [mem[SLAB].slob.pages, 0];
    for cache in caches(mem) {
        let own = mem[cache].nr_slabs << mem[cache].order;
        frames[0] += own;
        if mem[cache].flags.contains(debug::Flags::RECLAIM_ACCOUNT) {
            frames[1] += own;
        }
    }
    frames
}

/// All caches in the order of their creation.
pub fn caches(mem: &Mem) -> impl Iterator<Item = Ref<KmemCache>> + '_ {
    mem.list_iter(SLAB.cast()).map(|link| link.cast())
}

/// The cache of that name, be it its first or another.
pub fn find(mem: &Mem, name: &str) -> Option<Ref<KmemCache>> {
    caches(mem)
        .find(|&cache| mem[cache].name() == name)
        .or_else(|| alias::find(mem, name).map(|alias| mem[alias].cache))
}

/// Allocates an object. Its bytes are what the constructor, or the last user, left there.
///
/// # Errors
/// `ENOMEM`.
#[inline(always)]
pub fn kmem_cache_alloc<T: Pod>(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    gfp: Gfp,
) -> Result<Ref<T>, Errno> {
    alloc(mem, cache, gfp).map(Ref::cast)
}

/// [`kmem_cache_alloc`] for all types. What it does not do itself it leaves to a function that ends
/// the work, so it has nothing to save for later: that is a third of its cost.
#[cfg_attr(target_family = "wasm", inline(never))]
#[cfg_attr(not(target_family = "wasm"), inline(always))]
fn alloc(mem: &mut Mem, cache: Ref<KmemCache>, gfp: Gfp) -> Result<Ref<Object>, Errno> {
    // Only SLUB gives a CPU a chain to pop from; the others go the slow way from there. One word tells
    // of events and of faults, so a machine that tells nothing does not even ask whether it does.
    match mem[MEM].hooks {
        0 => match slub::pop(mem, cache) {
            Some(object) => Ok(object),
            None => alloc_slow::<false>(mem, cache, gfp),
        },
        MemData::EVENTS => match slub::pop(mem, cache) {
            Some(object) => {
                tell_alloc(mem, cache, object, gfp);
                Ok(object)
            }
            None => alloc_slow::<true>(mem, cache, gfp),
        },
        _ if mem.is_traced() => alloc_slow::<true>(mem, cache, gfp),
        _ => alloc_slow::<false>(mem, cache, gfp),
    }
}

#[inline(always)]
fn tell_alloc(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>, gfp: Gfp) {
    let KmemCache {
        object_size, size, ..
    } = mem[cache];
    let args = [cache.unit(), object.unit(), object_size, size, gfp.0];
    mem.emit(Tracepoint::KmemCacheAlloc, args.map(u64::from));
}

/// Whether it tells is compiled in: a word to keep until the end would be a twentieth of what SLOB does.
#[inline(never)]
fn alloc_slow<const IS_TOLD: bool>(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    gfp: Gfp,
) -> Result<Ref<Object>, Errno> {
    if mem.should_fail_in(cache) {
        return Err(Errno::ENOMEM);
    }
    let object = match slub::pop(mem, cache) {
        Some(object) => object,
        None => match allocator(mem) {
            Allocator::Slub => slub::alloc_slow(mem, cache, gfp)?,
            Allocator::Slab => queued::alloc(mem, cache, gfp)?,
            Allocator::Slob => slob::cache_alloc(mem, cache, gfp)?,
        },
    };
    if IS_TOLD {
        tell_alloc(mem, cache, object, gfp);
    }
    Ok(object)
}

/// Allocates an object and zeroes it.
///
/// # Errors
/// `ENOMEM`.
pub fn kmem_cache_zalloc<T: Pod>(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    gfp: Gfp,
) -> Result<Ref<T>, Errno> {
    let object = kmem_cache_alloc(mem, cache, gfp)?;
    mem[object] = T::zeroed();
    Ok(object)
}

/// Gives an object back to its cache.
///
/// # Panics
/// If `object` does not lie in a slab of `cache`: a bug of the caller.
#[inline(always)]
pub fn kmem_cache_free<T: Pod>(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<T>) {
    free(mem, cache, object.cast());
}

/// [`kmem_cache_free`] for all types; see [`alloc`].
#[cfg_attr(target_family = "wasm", inline(never))]
#[cfg_attr(not(target_family = "wasm"), inline(always))]
fn free(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>) {
    mem.prefetch(object);
    let flags = mem[cache].flags;
    if !flags.intersects(debug::Flags::HOOKS) {
        if !slub::put(mem, cache, object) && !slub::push(mem, cache, object) {
            free_slow::<false>(mem, cache, object);
        }
    } else if !flags.any() && (slub::put(mem, cache, object) || slub::push(mem, cache, object)) {
        tell_free(mem, cache, object);
    } else if flags.contains(debug::Flags::EVENTS) {
        free_slow::<true>(mem, cache, object);
    } else {
        free_slow::<false>(mem, cache, object);
    }
}

#[inline(always)]
fn tell_free(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>) {
    let args = [cache.unit(), object.unit()];
    mem.emit(Tracepoint::KmemCacheFree, args.map(u64::from));
}

/// What is to be told of is told before it is done.
#[inline(never)]
fn free_slow<const IS_TOLD: bool>(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>) {
    if IS_TOLD {
        tell_free(mem, cache, object);
    }
    let page = mem.head_page(object);
    if mem[SLAB].allocator == Allocator::Slob as u32 {
        return slob::cache_free(mem, cache, object);
    }
    if mem[cache].flags.any() {
        return slub::free_watched(mem, cache, page, object);
    }
    assert!(
        is_slab_of(mem, page, cache),
        "kmem_cache_free of an object of another cache"
    );
    match allocator(mem) {
        Allocator::Slab => queued::free(mem, cache, object),
        _ => slub::free_slow(mem, cache, page, object),
    }
}

/// Objects of a cache as `/proc/slabinfo` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheCounts {
    /// Objects in use.
    pub active_objects: u32,
    /// Objects that the slabs hold room for.
    pub total_objects: u32,
    /// Slabs.
    pub slabs: u32,
    /// Slabs that are neither full nor empty, as far as the allocator lists them.
    pub partial: u32,
}

/// Counts a cache's objects exactly: those that wait in a CPU's chain or array are not in use.
pub fn counts(mem: &Mem, cache: Ref<KmemCache>) -> CacheCounts {
    let KmemCache {
        objects,
        nr_slabs,
        nr_objects,
        ..
    } = mem[cache];
    let (free, partial) = match allocator(mem) {
        Allocator::Slub => slub::count_free(mem, cache),
        Allocator::Slab => queued::count_free(mem, cache),
        Allocator::Slob => {
            return CacheCounts {
                active_objects: nr_objects,
                total_objects: nr_objects,
                ..CacheCounts::default()
            };
        }
    };
    let total_objects = objects * nr_slabs;
    CacheCounts {
        active_objects: total_objects - free,
        total_objects,
        slabs: nr_slabs,
        partial,
    }
}

/// A place in a slab that holds an object or waits for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The cache.
    pub cache: Ref<KmemCache>,
    /// Where the object begins. It takes [`KmemCache::size`] bytes.
    pub object: Ref<Object>,
    /// Whether it is allocated.
    pub in_use: bool,
}

/// The place that holds the address `at`, which may be any; `None` if no slab has it, or only the
/// end of one, which is too short for an object.
pub fn place_at(mem: &Mem, at: Ref<Object>) -> Option<Place> {
    if at.frame() >= mem.frames() {
        return None;
    }
    let page = mem.head_page(at);
    let cache: Ref<KmemCache> = Ref::new(mem[page].mapping);
    if !is_slab_of(mem, page, cache) {
        return None;
    }
    let KmemCache { size, objects, .. } = mem[cache];
    let first = first_object(mem, page);
    let index = at.unit().checked_sub(first.unit())? * UNIT as u32 / size;
    let object = first.byte_add((index * size) as usize);
    (index < objects).then(|| Place {
        cache,
        object,
        in_use: match allocator(mem) {
            Allocator::Slab => !queued::is_free(mem, cache, page, object),
            _ => !slub::is_free(mem, cache, page, object),
        },
    })
}

/// Where the objects of the slab that begins with `page` begin.
pub fn first_object(mem: &Mem, page: Ref<Page>) -> Ref<Object> {
    match allocator(mem) {
        Allocator::Slab => queued::first_object(mem, page),
        _ => Ref::of_frame(mem.frame_of(page)),
    }
}

/// A block of pages for one large object.
fn alloc_large(mem: &mut Mem, order: u32, gfp: Gfp) -> Result<Ref<Object>, Errno> {
    // An order that there is not is as good as no memory.
    let page = mem
        .alloc_pages(gfp, order, None)
        .map_err(|_| Errno::ENOMEM)?;
    mem[page].set(PageFlag::Large);
    Ok(Ref::of_frame(mem.frame_of(page)))
}

fn free_large(mem: &mut Mem, object: Ref<Object>) {
    let page = mem.head_page(object);
    mem[page].clear(PageFlag::Large);
    mem.put_page(page);
}

/// Puts a new object into the state that the constructor promises.
fn construct(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>) {
    let KmemCache { object_size, .. } = mem[cache];
    if !mem[cache].has_constructor() {
        return;
    }
    let words = object_size / UNIT as u32;
    for word in 0..words {
        mem[object.offset(word)] = 0;
    }
    // Behind the last byte may begin a red zone.
    let rest = object_size as usize % UNIT;
    if rest > 0 {
        mem[object.cast::<[u8; UNIT]>().offset(words)][..rest].fill(0);
    }
}

/// Copies what is in one object of a cache to another.
fn copy_object(mem: &mut Mem, cache: Ref<KmemCache>, from: Ref<Object>, to: Ref<Object>) {
    let KmemCache { object_size, .. } = mem[cache];
    let words = object_size / UNIT as u32;
    for word in 0..words {
        mem[to.offset(word)] = mem[from.offset(word)];
    }
    let rest = object_size as usize % UNIT;
    if rest > 0 {
        let [from, to] = [from, to].map(|object| object.cast::<[u8; UNIT]>().offset(words));
        let last = mem[from];
        mem[to][..rest].copy_from_slice(&last[..rest]);
    }
}

/// The page whose `lru` is `link`.
fn page_of(link: Ref<ListHead>) -> Ref<Page> {
    link.byte_sub(offset_of!(Page, lru))
}

/// The cache of which `page` is the head of a slab.
pub fn cache_of(mem: &Mem, page: Ref<Page>) -> Option<Ref<KmemCache>> {
    let cache: Ref<KmemCache> = Ref::new(mem[page].mapping);
    is_slab_of(mem, page, cache).then_some(cache)
}

/// Whether `page` is the head of one of this cache's slabs.
fn is_slab_of(mem: &Mem, page: Ref<Page>, cache: Ref<KmemCache>) -> bool {
    mem[page].is(PageFlag::Slab) && mem[page].mapping == cache.unit()
}

/// A name that is put together, such as `size-128(DMA)`.
#[derive(Default)]
pub(crate) struct Name {
    bytes: [u8; NAME_MAX],
    length: usize,
}

impl Name {
    /// The name that is written so.
    pub(crate) fn of(arguments: core::fmt::Arguments<'_>) -> Name {
        let mut name = Name::default();
        // A cache's name fits.
        let _ = name.write_fmt(arguments);
        name
    }

    /// Its text.
    pub(crate) fn text(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.length]).unwrap_or("?")
    }
}

impl Write for Name {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let end = self.length + text.len();
        let space = self
            .bytes
            .get_mut(self.length..end)
            .ok_or(core::fmt::Error)?;
        space.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Checks the invariants of every cache.
///
/// # Errors
/// A sentence that names the first violation.
pub fn check(mem: &Mem) -> Result<(), &'static str> {
    if !mem.list_is_sound(SLAB.cast(), mem.frames()) {
        return Err("slab: the list of caches is broken");
    }
    play::check(mem)?;
    alias::check(mem)?;
    conn::check(mem)?;
    if caches(mem).any(|cache| mem[cache].flags.contains(debug::Flags::EVENTS) != mem.is_traced()) {
        return Err("slab: what becomes of a cache's objects is told, or is not, as it should not");
    }
    if allocator(mem) == Allocator::Slob {
        return slob::check(mem);
    }
    for cache in caches(mem) {
        match allocator(mem) {
            Allocator::Slab => queued::check(mem, cache)?,
            _ => slub::check(mem, cache)?,
        }
    }
    Ok(())
}
