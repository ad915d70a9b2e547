//! Giving back what the dentry and inode caches hold.
//!
//! Unused dentries and inodes are kept for as long as memory lasts. They go when somebody writes to
//! `/proc/sys/vm/drop_caches`, when an allocation of these caches themselves finds no memory, and
//! when slab defragmentation wants a page of theirs: *get* takes a reference to each object on it,
//! *kick* then drops what nobody else holds (specs/memory.md 3.5). What is in use stays: open files,
//! the working directory, mount points, and directories of which something is in the cache.

use bytemuck::Pod;

use super::dentry::{self, Dentry};
use super::inode::{self, Inode};
use super::{FS, filemap};
use crate::errno::Errno;
use crate::mem::{Gfp, MEM, Mem, Ref, reclaim};
use crate::slab::defrag::CacheOps;
use crate::slab::{self, KmemCache, Object, failslab};

/// Objects that an allocation without memory has looked at in a row.
const SHRINK_BATCH: u32 = 128;

/// Allocates an object for a file system; see [`with_memory`].
///
/// # Errors
/// `ENOMEM`.
pub(crate) fn alloc<T: Pod>(mem: &mut Mem, cache: Ref<KmemCache>) -> Result<Ref<T>, Errno> {
    let object = with_memory(mem, |mem| {
        slab::kmem_cache_alloc::<Object>(mem, cache, Gfp::KERNEL)
    });
    object.map(Ref::cast)
}

/// Tries an allocation until it succeeds. In between some of what is unused here goes, until nothing
/// is left of that.
///
/// # Errors
/// `ENOMEM`.
pub(crate) fn with_memory<T>(
    mem: &mut Mem,
    mut attempt: impl FnMut(&mut Mem) -> Result<T, Errno>,
) -> Result<T, Errno> {
    let pending = |mem: &Mem| (mem[MEM].fail_nth != 0, failslab::is_armed(mem));
    let before = pending(mem);
    loop {
        let result = reclaim::WithFs::run(mem, &mut attempt);
        // Whoever can wait tries again later, and a failure that was injected is meant to be seen.
        let is_final = !matches!(result, Err(Errno::ENOMEM)) || pending(mem) != before;
        if is_final || (shrink_some(mem) == 0 && !reclaim::console_reclaim(mem)) {
            return result;
        }
    }
}

/// Names that are cached and in use by nobody.
pub(crate) fn unused_dentries(mem: &Mem) -> u32 {
    mem[FS].nr_unused
}

/// Looks at `count` of them; returns how many were freed.
pub(crate) fn prune_dentries(mem: &mut Mem, count: u32) -> u32 {
    dentry::prune(mem, count)
}

/// Inodes in use by nobody.
pub(crate) fn unused_inodes(mem: &Mem) -> u32 {
    mem[FS].nr_inodes_unused
}

/// Frees `count` of them, and the pages of their files; returns how many.
pub(crate) fn prune_inodes(mem: &mut Mem, count: u32) -> u32 {
    inode::prune(mem, count)
}

/// Frees some of what was unused longest; 0 only if nothing is unused.
fn shrink_some(mem: &mut Mem) -> u32 {
    loop {
        let freed = dentry::prune(mem, SHRINK_BATCH) + inode::prune(mem, SHRINK_BATCH);
        if freed > 0 || mem[FS].nr_unused == 0 {
            return freed;
        }
    }
}

/// What `/proc/sys/vm/drop_caches` asks for: 1 is the page cache, 2 dentries and inodes, 3 both.
pub(super) fn drop_caches(mem: &mut Mem, what: u32) {
    if what & 1 != 0 {
        for list in [inode::in_use(), inode::unused()] {
            let mut at = mem[list].next;
            while at != list {
                filemap::invalidate(mem, inode::of_link(at));
                at = mem[at].next;
            }
        }
    }
    if what & 2 != 0 {
        // Directories become unused when what is in them has gone.
        while mem[FS].nr_unused + mem[FS].nr_inodes_unused > 0 {
            let unused = mem[FS].nr_unused;
            dentry::prune(mem, unused);
            let unused = mem[FS].nr_inodes_unused;
            inode::prune(mem, unused);
        }
    }
}

/// The objects of a slab that `get` has left to `kick`.
fn pinned<T>(objects: &[Ref<Object>]) -> impl Iterator<Item = Ref<T>> {
    let pinned = objects.iter().filter(|object| !object.is_null());
    pinned.map(|object| object.cast())
}

/// Takes a reference to each object for which `get` does; sets the others to NULL.
fn pin<T>(mem: &mut Mem, objects: &mut [Ref<Object>], get: fn(&mut Mem, Ref<T>) -> bool) -> u32 {
    for object in objects {
        if !get(mem, object.cast()) {
            *object = Ref::NULL;
        }
    }
    0
}

/// The callbacks of the dentry cache.
pub(crate) struct Dentries;

impl CacheOps for Dentries {
    fn name(&self) -> &'static str {
        Dentry::TYPE.name
    }

    fn get(&self, mem: &mut Mem, _: Ref<KmemCache>, objects: &mut [Ref<Object>]) -> u32 {
        pin(mem, objects, |mem, dentry: Ref<Dentry>| {
            let may_drop = dentry::may_drop(mem, dentry);
            if may_drop {
                dentry::get(mem, dentry);
            }
            may_drop
        })
    }

    fn moves(&self) -> bool {
        false
    }

    fn kick(&self, mem: &mut Mem, _: Ref<KmemCache>, objects: &[Ref<Object>], _: u32) {
        for dentry in pinned(objects) {
            dentry::put_and_drop(mem, dentry);
        }
    }
}

/// The callbacks of the inode cache.
pub(crate) struct Inodes;

impl CacheOps for Inodes {
    fn name(&self) -> &'static str {
        Inode::TYPE.name
    }

    fn get(&self, mem: &mut Mem, _: Ref<KmemCache>, objects: &mut [Ref<Object>]) -> u32 {
        pin(mem, objects, |mem, inode: Ref<Inode>| {
            // One that is being made, or that its file system could not make again, is not hashed.
            let may_drop = mem[inode].is_hashed();
            if may_drop {
                inode::get(mem, inode);
            }
            may_drop
        })
    }

    fn moves(&self) -> bool {
        false
    }

    /// First the pages and names of each inode go, then those inodes that nobody holds any more.
    fn kick(&self, mem: &mut Mem, _: Ref<KmemCache>, objects: &[Ref<Object>], _: u32) {
        for inode in pinned::<Inode>(objects) {
            filemap::invalidate(mem, inode);
            let Inode { alias, .. } = mem[inode];
            if !alias.is_null() && dentry::may_drop(mem, alias) {
                dentry::get(mem, alias);
                dentry::put_and_drop(mem, alias);
            }
        }
        for inode in pinned(objects) {
            inode::put(mem, inode);
            if mem[inode].count == 0 {
                inode::free(mem, inode);
            }
        }
    }
}
