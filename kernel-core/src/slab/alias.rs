//! Merging: one cache under several names (SLUB, 2.6.22; specs/memory.md 2.3).
//!
//! Two caches whose objects need the same room may as well share their slabs: half-filled pages of
//! two become full pages of one. So creating a cache looks for one that will do, and if it finds
//! one, makes a name for it, an [`Alias`], and takes a reference. The objects cannot be told apart
//! from then on; who looks at the memory sees one cache, and so do `/proc/slabinfo` and `slabtop`.
//!
//! What must stay apart does: caches that are watched, that have a constructor, or callbacks for
//! defragmentation. And so do this kernel's own caches, whose `refcount` is [`NEVER_MERGED`] as that of
//! Linux's `kmem_cache_node`: their objects are typed by the name of their cache, which is how an
//! inspector knows a dentry from 96 bytes of something else; and a student who makes a cache of 64
//! bytes should find her objects in it, and not among the kernel's scratch memory. So merging is
//! between those who asked for it ([`super::Options::merges`]): the caches that `kmem create` makes.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::debug::Flags;
use super::{Allocator, KmemCache, NAME_MAX, Options, SLAB, SlabData, allocator, text_of};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{Gfp, ListHead, Mem, Ref, UNIT};

/// In [`KmemCache::refcount`]: this cache is shared with nobody (-1 in Linux).
pub const NEVER_MERGED: u32 = u32::MAX;

/// A further name of a cache.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Alias {
    /// Link in the list of all aliases.
    pub list: ListHead,
    name: [u8; NAME_MAX + 1],
    /// The cache.
    pub cache: Ref<KmemCache>,
    _pad: u32,
}

describe!(
    Alias,
    "kmem_cache_alias",
    [list, name: Kind::Text, cache, _pad: Kind::Padding]
);

impl Alias {
    /// The name.
    pub fn name(&self) -> &str {
        text_of(&self.name)
    }
}

/// Head of the list of aliases.
fn head() -> Ref<ListHead> {
    SLAB.byte_add(offset_of!(SlabData, aliases))
}

/// Makes the list; whoever looks for a cache looks there.
pub(super) fn init(mem: &mut Mem) {
    mem.list_init(head());
}

pub(super) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    // The other allocators share nothing.
    if allocator(mem) == Allocator::Slub {
        let size = size_of::<Alias>() as u32;
        let ctor = super::Constructor::None;
        let cache = super::kmem_cache_create(mem, Alias::TYPE.name, size, UNIT as u32, ctor)?;
        mem[SLAB].alias_cache = cache;
    }
    Ok(())
}

/// All aliases in the order of their making.
pub fn aliases(mem: &Mem) -> impl Iterator<Item = Ref<Alias>> + '_ {
    mem.list_iter(head()).map(|link| link.cast())
}

/// The alias of that name.
pub fn find(mem: &Mem, name: &str) -> Option<Ref<Alias>> {
    aliases(mem).find(|&alias| mem[alias].name() == name)
}

/// Where a cache's or an alias's name stands, zeroes behind it.
pub type NameRef = Ref<[u8; NAME_MAX + 1]>;

/// All names of all caches.
pub fn names(mem: &Mem) -> impl Iterator<Item = NameRef> + '_ {
    let first = super::caches(mem).map(|cache| cache.byte_add(offset_of!(KmemCache, name)));
    first.chain(aliases(mem).map(|alias| alias.byte_add(offset_of!(Alias, name))))
}

/// A name's text.
pub fn text(mem: &Mem, name: NameRef) -> &str {
    text_of(&mem[name])
}

/// A cache that would serve as well as a new one of `size` bytes (`find_mergeable`): its objects are
/// large enough, by less than a word too large, aligned as wanted, and of the same kind.
pub(super) fn find_mergeable(mem: &Mem, size: u32, options: &Options) -> Option<Ref<KmemCache>> {
    let may_merge = options.merges
        && allocator(mem) == Allocator::Slub
        && mem[SLAB].slub.nomerge == 0
        && options.ctor == super::Constructor::None
        && options.ops == 0
        && !options.flags.intersects(Flags::NEVER_MERGE);
    if !may_merge {
        return None;
    }
    let word = UNIT as u32;
    let align = options.flags.alignment(size, options.align);
    let wanted = size.next_multiple_of(word).next_multiple_of(align);
    super::caches(mem).find(|&cache| {
        let KmemCache {
            size,
            flags,
            refcount,
            ops,
            ..
        } = mem[cache];
        let is_free_to_merge = refcount != NEVER_MERGED
            && ops == 0
            && !mem[cache].has_constructor()
            && !flags.intersects(Flags::NEVER_MERGE);
        is_free_to_merge
            && wanted <= size
            && size - wanted < word
            && size.is_multiple_of(align)
            && flags.masked(Flags::MERGE_SAME) == options.flags.masked(Flags::MERGE_SAME)
    })
}

/// Makes `name` a name of `cache`, whose objects are to hold `size` bytes from now on.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn add(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    name: &str,
    size: u32,
) -> Result<(), Errno> {
    let alias_cache = mem[SLAB].alias_cache;
    let alias: Ref<Alias> = super::kmem_cache_zalloc(mem, alias_cache, Gfp::KERNEL)?;
    mem[alias].name[..name.len()].copy_from_slice(name.as_bytes());
    mem[alias].cache = cache;
    mem.list_add_tail(alias.cast(), head());
    let descriptor = &mut mem[cache];
    descriptor.refcount += 1;
    descriptor.object_size = descriptor.object_size.max(size);
    descriptor.inuse = descriptor.inuse.max(size.next_multiple_of(UNIT as u32));
    Ok(())
}

/// Ends an alias, and its reference to the cache.
pub fn remove(mem: &mut Mem, alias: Ref<Alias>) {
    let cache = mem[alias].cache;
    mem[cache].refcount -= 1;
    mem.list_del(alias.cast());
    let alias_cache = mem[SLAB].alias_cache;
    super::kmem_cache_free(mem, alias_cache, alias);
}

/// Gives a cache that has more than one name up under its first; the oldest alias becomes the first
/// then. (In 2.6.24 the first name stayed behind, if need be that of a module that was gone.)
pub(super) fn drop_first_name(mem: &mut Mem, cache: Ref<KmemCache>) {
    let oldest = aliases(mem).find(|&alias| mem[alias].cache == cache);
    if let Some(alias) = oldest {
        mem[cache].name = mem[alias].name;
        remove(mem, alias);
    }
}

/// Checks the aliases: each leads to a cache, no name stands twice, and every reference has a name.
pub(super) fn check(mem: &Mem) -> Result<(), &'static str> {
    if !mem.list_is_sound(head(), mem.frames() * 64) {
        return Err("slab: the list of aliases is broken");
    }
    for cache in super::caches(mem) {
        let KmemCache { refcount, .. } = mem[cache];
        let names = aliases(mem).filter(|&alias| mem[alias].cache == cache);
        let counted = 1 + names.count() as u32;
        if refcount != counted && (refcount != NEVER_MERGED || counted > 1) {
            return Err("slab: a cache's references differ from its names");
        }
    }
    for alias in aliases(mem) {
        let Alias { cache, .. } = mem[alias];
        if super::caches(mem).all(|known| known != cache) {
            return Err("slab: an alias's cache is gone");
        }
        let name = mem[alias].name();
        let others = aliases(mem).filter(|&other| mem[other].name() == name);
        if others.count() > 1 || super::caches(mem).any(|cache| mem[cache].name() == name) {
            return Err("slab: two caches have the same name");
        }
    }
    Ok(())
}
