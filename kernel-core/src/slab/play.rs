//! Caches to play with: what `kmem create` makes and `kmem alloc` fills.
//!
//! Each object that the console allocates has an owner, a [`Handle`], so that the console's objects
//! can be listed, freed in any order, and moved: the callbacks of a *movable* cache re-point the
//! handle, those of a *pinned* one never let go.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::debug::Flags;
use super::defrag::CacheOps;
use super::{KmemCache, Object, SLAB, SlabData, kmem_cache_alloc, kmem_cache_free};
use crate::btf::describe;
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Gfp, ListHead, Mem, Ref, UNIT};

/// The owner of one object.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Handle {
    /// Link in the list of all handles, in the order of their making.
    pub list: ListHead,
    /// The object.
    pub object: Ref<Object>,
    /// The cache that it is from.
    pub cache: Ref<KmemCache>,
}

describe!(Handle, "kmem_handle", [list, object, cache]);

/// Head of the list of handles.
fn head() -> Ref<ListHead> {
    SLAB.byte_add(offset_of!(SlabData, handles))
}

pub(super) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    mem.list_init(head());
    let size = size_of::<Handle>() as u32;
    let cache = super::kmem_cache_create(mem, "kmem_handle", size, 8, super::Constructor::Zero)?;
    let ops = crate::cache_ops::by_name("kmem_handle").unwrap_or(0);
    super::defrag::kmem_cache_setup_defrag(mem, cache, ops)?;
    mem[SLAB].handle_cache = cache;
    Ok(())
}

/// All handles in the order of their making.
pub fn handles(mem: &Mem) -> impl Iterator<Item = Ref<Handle>> + '_ {
    mem.list_iter(head()).map(|link| link.cast())
}

/// Whether the console has objects of a cache.
pub(crate) fn owns(mem: &Mem, cache: Ref<KmemCache>) -> bool {
    handles(mem).any(|handle| mem[handle].cache == cache)
}

/// The handle that follows in the order of their making, for walks that change memory on the way.
pub fn next_handle(mem: &Mem, handle: Ref<Handle>) -> Option<Ref<Handle>> {
    let next = mem[handle].list.next;
    (next != head()).then(|| next.cast())
}

/// Writes bytes over an object of the console's, `offset` bytes behind `at`, and beyond it, over the
/// next ones, as long as they are in use as well. In a watched cache, where the kernel finds it out,
/// they may also go up to the next object whatever that is, or over a free one.
///
/// # Errors
/// `EPERM` for memory that is not the console's to write to: a kernel that is not watched would
/// follow the link that a free object holds, wherever it leads then.
pub(crate) fn poke(mem: &mut Mem, at: Ref<Object>, offset: u32, bytes: &[u8]) -> Result<(), Errno> {
    let Some(place) = super::place_at(mem, at) else {
        return poke_padding(mem, at, offset, bytes);
    };
    let descriptor = mem[place.cache];
    let watched = descriptor.flags.contains(Flags::POISON);
    let from = (at.unit() - place.object.unit()) * UNIT as u32 + offset;
    let to = from + bytes.len() as u32;
    let is_used = |unit: u32| {
        let there = super::place_at(mem, Ref::new(place.object.unit() + unit));
        there.is_some_and(|there| there.in_use && there.cache == place.cache)
    };
    let units = from / UNIT as u32..to.div_ceil(UNIT as u32);
    let may_write = descriptor.is_console()
        && if is_movable(mem, place.cache) {
            // The first word leads to the object's owner, and is the kernel's.
            place.in_use && from >= UNIT as u32 && to <= descriptor.object_size
        } else {
            watched && to <= descriptor.size || units.into_iter().all(is_used)
        };
    if !may_write {
        return Err(Errno::EPERM);
    }
    let link = descriptor.offset..descriptor.offset + UNIT as u32;
    if !place.in_use && from < link.end && to > link.start {
        mem[place.cache].set_mistreated();
    }
    write(mem, place.object, from, bytes);
    Ok(())
}

fn write(mem: &mut Mem, object: Ref<Object>, from: u32, bytes: &[u8]) {
    for (offset, &byte) in (from..).zip(bytes) {
        let unit = object.unit() + offset / UNIT as u32;
        mem[Ref::<[u8; UNIT]>::new(unit)][offset as usize % UNIT] = byte;
    }
}

/// Writes behind the last object of a watched slab.
fn poke_padding(mem: &mut Mem, at: Ref<Object>, offset: u32, bytes: &[u8]) -> Result<(), Errno> {
    let page = mem.head_page(at);
    let cache = super::cache_of(mem, page).ok_or(Errno::EPERM)?;
    let KmemCache { flags, order, .. } = mem[cache];
    let behind = (at.frame() - mem.frame_of(page)) * FRAME_SIZE as u32
        + at.unit() * UNIT as u32 % FRAME_SIZE as u32
        + offset
        + bytes.len() as u32;
    if !mem[cache].is_console()
        || !flags.contains(Flags::POISON)
        || behind > (FRAME_SIZE as u32) << order
    {
        return Err(Errno::EPERM);
    }
    write(mem, at, offset, bytes);
    Ok(())
}

/// Allocates an object of `cache` for the console, and its owner, to which the first word of a
/// movable one leads.
///
/// # Errors
/// `ENOMEM`.
pub fn alloc(mem: &mut Mem, cache: Ref<KmemCache>, gfp: Gfp) -> Result<Ref<Handle>, Errno> {
    let handle_cache = mem[SLAB].handle_cache;
    let handle: Ref<Handle> = kmem_cache_alloc(mem, handle_cache, gfp)?;
    let object: Ref<Object> = match kmem_cache_alloc(mem, cache, gfp) {
        Ok(object) => object,
        Err(errno) => {
            kmem_cache_free(mem, handle_cache, handle);
            return Err(errno);
        }
    };
    mem[handle] = Handle {
        object,
        cache,
        ..Handle::zeroed()
    };
    mem.list_add_tail(handle.cast(), head());
    if is_movable(mem, cache) {
        mem[object] = u64::from(handle.unit());
    }
    Ok(handle)
}

/// Frees an object that the console allocated; `None` if it has none at that address.
pub fn free(mem: &mut Mem, object: Ref<Object>) -> Option<()> {
    let handle = handles(mem).find(|&handle| mem[handle].object == object)?;
    free_owned(mem, handle);
    Some(())
}

/// Frees the object of a handle, and the handle.
pub fn free_owned(mem: &mut Mem, handle: Ref<Handle>) {
    let Handle { cache, object, .. } = mem[handle];
    mem.list_del(handle.cast());
    mem[handle] = Handle::zeroed();
    let handle_cache = mem[SLAB].handle_cache;
    kmem_cache_free(mem, handle_cache, handle);
    restore(mem, cache, object);
    kmem_cache_free(mem, cache, object);
}

/// A constructed object goes back as the constructor made it.
fn restore(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>) {
    if mem[cache].has_constructor() {
        super::construct(mem, cache, object);
    }
}

fn is_movable(mem: &Mem, cache: Ref<KmemCache>) -> bool {
    mem[cache].ops != 0
        && crate::cache_ops::get(mem[cache].ops).is_some_and(|ops| ops.name() == "movable")
}

/// The handle of an object of a movable cache; NULL while it is being made.
fn owner(mem: &Mem, object: Ref<Object>) -> Ref<Handle> {
    Ref::new(mem[object] as u32)
}

/// Objects that their owner can move: it copies them and points to the copy.
pub struct Movable;

impl CacheOps for Movable {
    fn name(&self) -> &'static str {
        "movable"
    }

    /// An object whose owner does not point back is being made or freed, and is left alone.
    fn get(&self, mem: &mut Mem, _: Ref<KmemCache>, objects: &mut [Ref<Object>]) -> u32 {
        for object in objects {
            let handle = owner(mem, *object);
            if handle.is_null() || mem[handle].object != *object {
                *object = Ref::NULL;
            }
        }
        0
    }

    fn kick(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &[Ref<Object>], _: u32) {
        for &object in objects.iter().filter(|object| !object.is_null()) {
            let Ok(copy) = kmem_cache_alloc::<Object>(mem, cache, Gfp::KERNEL) else {
                return;
            };
            super::copy_object(mem, cache, object, copy);
            let handle = owner(mem, object);
            mem[handle].object = copy;
            super::defrag::moved(mem, cache, object, copy);
            restore(mem, cache, object);
            kmem_cache_free(mem, cache, object);
        }
    }
}

/// The handles themselves: whoever leads to one is known, so they can be moved like the objects.
pub struct Handles;

impl CacheOps for Handles {
    fn name(&self) -> &'static str {
        "kmem_handle"
    }

    fn get(&self, mem: &mut Mem, _: Ref<KmemCache>, objects: &mut [Ref<Object>]) -> u32 {
        for object in objects {
            // One that is on no list yet is being made.
            if mem[object.cast::<Handle>()].list.next.is_null() {
                *object = Ref::NULL;
            }
        }
        0
    }

    fn kick(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &[Ref<Object>], _: u32) {
        for &object in objects.iter().filter(|object| !object.is_null()) {
            let old: Ref<Handle> = object.cast();
            let Ok(new) = kmem_cache_alloc::<Handle>(mem, cache, Gfp::KERNEL) else {
                return;
            };
            mem[new] = mem[old];
            let ListHead { next, prev } = mem[old].list;
            mem[next].prev = new.cast();
            mem[prev].next = new.cast();
            let Handle {
                object, cache: of, ..
            } = mem[old];
            if is_movable(mem, of) {
                mem[object] = u64::from(new.unit());
            }
            mem[old] = Handle::zeroed();
            super::defrag::moved(mem, cache, old.cast(), new.cast());
            kmem_cache_free(mem, cache, old);
        }
    }
}

/// Objects that never go: others hold their addresses.
pub struct Pinned;

impl CacheOps for Pinned {
    fn name(&self) -> &'static str {
        "pinned"
    }

    fn get(&self, _: &mut Mem, _: Ref<KmemCache>, objects: &mut [Ref<Object>]) -> u32 {
        objects.fill(Ref::NULL);
        0
    }

    fn kick(&self, _: &mut Mem, _: Ref<KmemCache>, _: &[Ref<Object>], _: u32) {}
}

/// What breaks the contract: its `get` allocates, while the slab is locked. The kernel says so, and
/// nothing is allocated; for the lesson, and for whoever wants to see it caught.
pub struct Naughty;

impl CacheOps for Naughty {
    fn name(&self) -> &'static str {
        "naughty"
    }

    fn get(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &mut [Ref<Object>]) -> u32 {
        let refused = kmem_cache_alloc::<Object>(mem, cache, Gfp::KERNEL).is_err();
        objects.fill(Ref::NULL);
        u32::from(refused)
    }

    fn kick(&self, _: &mut Mem, _: Ref<KmemCache>, _: &[Ref<Object>], _: u32) {}
}

/// Checks the handles: each owns an object in use of its cache, and no two the same one.
pub(super) fn check(mem: &Mem) -> Result<(), &'static str> {
    if !mem.list_is_sound(head(), mem.frames() * 512) {
        return Err("kmem: the list of handles is broken");
    }
    for handle in handles(mem) {
        let Handle { object, cache, .. } = mem[handle];
        if super::caches(mem).all(|known| known != cache) {
            return Err("kmem: an object's cache is gone");
        }
        if super::allocator(mem) == super::Allocator::Slob {
            continue;
        }
        if mem[cache].is_mistreated() {
            // A link that was written over may lead to an object in use.
            continue;
        }
        let place = super::place_at(mem, object);
        if !place
            .is_some_and(|place| place.in_use && place.cache == cache && place.object == object)
        {
            return Err("kmem: a handle's object is not in use");
        }
        if is_movable(mem, cache) && owner(mem, object) != handle {
            return Err("kmem: a movable object does not lead to its owner");
        }
    }
    // So an object that was given out twice shows by the owners' number. Of those in use some may
    // have none: what debugging did not let go.
    for cache in super::caches(mem) {
        if !mem[cache].is_console() || mem[cache].is_mistreated() {
            continue;
        }
        let owned = handles(mem).filter(|&handle| mem[handle].cache == cache);
        if owned.count() > super::counts(mem, cache).active_objects as usize {
            return Err("kmem: a cache's objects in use have more handles than they are");
        }
    }
    Ok(())
}
