//! Objects smaller than a page: the `kmem_cache` interface.
//!
//! A cache hands out objects of one size. It gets pages from the page allocator, cuts them into
//! objects, and remembers the free ones. Every kernel object lives in such a cache, the caches'
//! own descriptors included (`kmem_cache`, the first cache, describes itself).
//!
//! The allocator behind the interface is [`slub`]; SLAB and SLOB will join it. What is common is
//! here: creating, finding and naming caches, object sizes, the events.

pub mod slub;

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{Gfp, ListHead, MAX_CPUS, MAX_NODES, Mem, Page, PageFlag, Ref, UNIT, layout};
use crate::trace::Tracepoint;

/// The longest name of a cache, in bytes.
pub const NAME_MAX: usize = 31;

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
}

describe!(SlabData, "slab_data", [caches, kmem_cache]);

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
    /// Where in a free object the link to the next one stands.
    pub offset: u32,
    /// A slab has 2^`order` pages.
    pub order: u32,
    /// Objects to a slab.
    pub objects: u32,
    ctor: u32,
    /// Slabs that the cache owns.
    pub nr_slabs: u32,
    _pad: u32,
    /// What each CPU allocates from.
    pub(crate) cpu: [slub::CacheCpu; MAX_CPUS],
    /// The slabs that no CPU owns and that have free objects, by NUMA node.
    pub(crate) node: [slub::CacheNode; MAX_NODES],
}

const _: () = assert!(size_of::<KmemCache>() == 200);

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
        _pad: Kind::Padding,
        cpu,
        node,
    ]
);

/// What an untyped object is seen as: its first word.
pub type Object = u64;

impl KmemCache {
    /// The cache's name.
    pub fn name(&self) -> &str {
        let length = self
            .name
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(NAME_MAX);
        core::str::from_utf8(&self.name[..length]).unwrap_or("?")
    }

    /// The name of the cache at `cache`, if there is one.
    pub fn name_at(mem: &Mem, cache: Ref<KmemCache>) -> Option<&str> {
        caches(mem)
            .find(|&other| other == cache)
            .map(|cache| mem[cache].name())
    }
}

/// Sets up the cache of caches.
pub(crate) fn boot(mem: &mut Mem) {
    mem.list_init(SLAB.cast());
    let cache = kmem_cache(mem);
    describe(
        mem,
        cache,
        "kmem_cache",
        size_of::<KmemCache>() as u32,
        UNIT as u32,
        Constructor::None,
    );
}

/// The cache of caches.
fn kmem_cache(_: &Mem) -> Ref<KmemCache> {
    SLAB.byte_add(core::mem::offset_of!(SlabData, kmem_cache))
}

/// Creates a cache of objects of `size` bytes, aligned to `align` (at least 8, a power of two).
///
/// # Errors
/// `EINVAL` for an empty or too long name, an object of no bytes or more than a slab of 2^10 pages
/// can hold, or an odd alignment; `EEXIST` for a name in use; `ENOMEM`.
pub fn kmem_cache_create(
    mem: &mut Mem,
    name: &str,
    size: u32,
    align: u32,
    ctor: Constructor,
) -> Result<Ref<KmemCache>, Errno> {
    let align = align.max(UNIT as u32);
    let limit = 1 << 20;
    if name.is_empty()
        || name.len() > NAME_MAX
        || size == 0
        || size > limit
        || !align.is_power_of_two()
        || align > 4096
    {
        return Err(Errno::EINVAL);
    }
    if find(mem, name).is_some() {
        return Err(Errno::EEXIST);
    }
    let cache = kmem_cache_alloc::<KmemCache>(mem, kmem_cache(mem), Gfp::KERNEL)?;
    mem[cache] = KmemCache::zeroed();
    describe(mem, cache, name, size, align, ctor);
    Ok(cache)
}

fn describe(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    name: &str,
    size: u32,
    align: u32,
    ctor: Constructor,
) {
    let descriptor = &mut mem[cache];
    descriptor.name[..name.len()].copy_from_slice(name.as_bytes());
    descriptor.object_size = size;
    descriptor.ctor = ctor as u32;
    slub::calculate_sizes(descriptor, align);
    slub::init_nodes(mem, cache);
    mem.list_add_tail(cache.cast(), SLAB.cast());
}

/// All caches in the order of their creation.
pub fn caches(mem: &Mem) -> impl Iterator<Item = Ref<KmemCache>> + '_ {
    mem.list_iter(SLAB.cast()).map(|link| link.cast())
}

/// The cache of that name.
pub fn find(mem: &Mem, name: &str) -> Option<Ref<KmemCache>> {
    caches(mem).find(|&cache| mem[cache].name() == name)
}

/// Allocates an object. Its bytes are what the constructor, or the last user, left there.
///
/// # Errors
/// `ENOMEM`.
#[inline]
pub fn kmem_cache_alloc<T: Pod>(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    gfp: Gfp,
) -> Result<Ref<T>, Errno> {
    if mem.should_fail() {
        return Err(Errno::ENOMEM);
    }
    let object = slub::alloc(mem, cache, gfp)?;
    let KmemCache {
        object_size, size, ..
    } = mem[cache];
    let args = [cache.unit(), object.unit(), object_size, size, gfp.0];
    mem.trace(Tracepoint::KmemCacheAlloc, args.map(u64::from));
    Ok(object.cast())
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
#[inline]
pub fn kmem_cache_free<T: Pod>(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<T>) {
    mem.trace(
        Tracepoint::KmemCacheFree,
        [cache.unit(), object.unit()].map(u64::from),
    );
    slub::free(mem, cache, object.cast());
}

/// Objects of a cache as `/proc/slabinfo` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheCounts {
    /// Objects in use.
    pub active_objects: u32,
    /// Objects that the slabs hold room for.
    pub total_objects: u32,
    /// Slabs.
    pub slabs: u32,
    /// Slabs on the partial lists.
    pub partial: u32,
}

/// Counts a cache's objects exactly: those that wait on a CPU's freelist are not in use.
pub fn counts(mem: &Mem, cache: Ref<KmemCache>) -> CacheCounts {
    let KmemCache {
        objects, nr_slabs, ..
    } = mem[cache];
    let (free, partial) = slub::count_free(mem, cache);
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
    let first: Ref<Object> = Ref::of_frame(mem.frame_of(page));
    let index = (at.unit() - first.unit()) * UNIT as u32 / size;
    let object = first.byte_add((index * size) as usize);
    (index < objects).then(|| Place {
        cache,
        object,
        in_use: !slub::is_free(mem, cache, page, object),
    })
}

/// Whether `page` is the head of one of this cache's slabs.
fn is_slab_of(mem: &Mem, page: Ref<Page>, cache: Ref<KmemCache>) -> bool {
    mem[page].is(PageFlag::Slab) && mem[page].mapping == cache.unit()
}

/// Checks the invariants of every cache.
///
/// # Errors
/// A sentence that names the first violation.
pub fn check(mem: &Mem) -> Result<(), &'static str> {
    if !mem.list_is_sound(SLAB.cast(), mem.frames()) {
        return Err("slab: the list of caches is broken");
    }
    for cache in caches(mem) {
        slub::check(mem, cache)?;
    }
    Ok(())
}
