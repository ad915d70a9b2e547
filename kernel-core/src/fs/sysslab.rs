//! `/sys/slab`: SLUB's caches, one directory each, with the files of 2.6.22 to 2.6.24.
//!
//! There are 26 files to a cache. As objects in memory, a dentry and an inode each, those of the
//! kernel's first twenty caches alone would take 120 KiB, an eighth of the smallest machine's memory,
//! and booting would take 1,600 steps more than its 130. So they are a [`Family`]: nothing but
//! `/sys/slab` itself is there before somebody looks for it, and what was looked at goes again with
//! the dentry cache's unused rest.
//!
//! A cache with several names is found under each. Linux has links there; here they are directories,
//! which show the same cache: `aliases` counts its further names.
//!
//! What differs from 2.6.24: sizes and flags are those of this kernel's objects; a *location* in
//! `alloc_calls` is the console line that allocated, where Linux prints a function, since the shell is
//! all that runs; an age counts events. `defrag_ratio` is the defragmentation patches': 0, as every
//! cache begins, means that slabs with up to a quarter of their objects in use are sparse, the rule of
//! the first patches, and a number from 1 to 99 that those are with less than so many percent in use,
//! the rule of the later ones, whose default was 30. What 2.6.24 called so is
//! `remote_node_defrag_ratio` since: how often, in percent, a CPU without partial slabs on its own
//! node takes one of another node's.

use core::fmt::Write;

use super::END;
use super::generated::{Entry, Family, Shown, Stop, file, parse_number};
use super::sysfs::write_list;
use crate::errno::Errno;
use crate::mem::{MEM, Mem, Ref};
use crate::slab::debug::{self, Flags};
use crate::slab::{self, Allocator, KmemCache, alias, slub};

/// The caches. There are none of these files on the other allocators, as in Linux.
pub(super) const CACHES: Family = Family {
    directory: "slab",
    is_there: |mem| slab::allocator(mem) == Allocator::Slub,
    find: |mem, _, name| slab::find(mem, name).map(|cache| cache.unit()),
    list,
    files: &FILES,
    inner: &[],
    owner: None,
    link: None,
    leaf: None,
};

/// The files of a cache's directory, in the order of their names. Their number is the cache.
static FILES: [Entry; 26] = [
    file(
        "aliases",
        |mem, cache, _, out| number(out, aliases(mem, cache)),
        None,
    ),
    file(
        "align",
        |mem, cache, _, out| number(out, at(mem, cache).align),
        None,
    ),
    file(
        "alloc_calls",
        |mem, cache, at, out| calls(mem, cache, at, false, out),
        None,
    ),
    file(
        "cache_dma",
        |mem, cache, _, out| flag(mem, cache, Flags::CACHE_DMA, out),
        None,
    ),
    file(
        "cpu_slabs",
        |mem, cache, _, out| slabs(mem, cache, slub::Count::CPU, out),
        None,
    ),
    file("ctor", ctor, None),
    file(
        "defrag_ratio",
        |mem, cache, _, out| number(out, at(mem, cache).defrag_ratio),
        Some(|mem, cache, bytes| {
            if let Some(ratio) = ratio(bytes)? {
                mem[of(cache)].defrag_ratio = ratio;
            }
            Ok(())
        }),
    ),
    file(
        "destroy_by_rcu",
        |mem, cache, _, out| flag(mem, cache, Flags::DESTROY_BY_RCU, out),
        None,
    ),
    file(
        "free_calls",
        |mem, cache, at, out| calls(mem, cache, at, true, out),
        None,
    ),
    file(
        "hwcache_align",
        |mem, cache, _, out| flag(mem, cache, Flags::HWCACHE_ALIGN, out),
        None,
    ),
    file(
        "object_size",
        |mem, cache, _, out| number(out, at(mem, cache).object_size),
        None,
    ),
    file(
        "objects",
        |mem, cache, _, out| slabs(mem, cache, slub::Count::OBJECTS, out),
        None,
    ),
    file(
        "objs_per_slab",
        |mem, cache, _, out| number(out, at(mem, cache).objects),
        None,
    ),
    file(
        "order",
        |mem, cache, _, out| number(out, at(mem, cache).order),
        None,
    ),
    file(
        "partial",
        |mem, cache, _, out| slabs(mem, cache, slub::Count::PARTIAL, out),
        None,
    ),
    file(
        "poison",
        |mem, cache, _, out| flag(mem, cache, Flags::POISON, out),
        Some(|mem, cache, bytes| set_layout(mem, cache, Flags::POISON, bytes)),
    ),
    file(
        "reclaim_account",
        |mem, cache, _, out| flag(mem, cache, Flags::RECLAIM_ACCOUNT, out),
        Some(|mem, cache, bytes| set(mem, cache, Flags::RECLAIM_ACCOUNT, bytes)),
    ),
    file(
        "red_zone",
        |mem, cache, _, out| flag(mem, cache, Flags::RED_ZONE, out),
        Some(|mem, cache, bytes| set_layout(mem, cache, Flags::RED_ZONE, bytes)),
    ),
    file(
        "remote_node_defrag_ratio",
        |mem, cache, _, out| number(out, at(mem, cache).remote_node_defrag_ratio / 10),
        Some(|mem, cache, bytes| {
            if let Some(ratio) = ratio(bytes)? {
                mem[of(cache)].remote_node_defrag_ratio = ratio * 10;
            }
            Ok(())
        }),
    ),
    file(
        "sanity_checks",
        |mem, cache, _, out| flag(mem, cache, Flags::FREE, out),
        Some(|mem, cache, bytes| set(mem, cache, Flags::FREE, bytes)),
    ),
    file("shrink", nothing, Some(shrink)),
    file(
        "slab_size",
        |mem, cache, _, out| number(out, at(mem, cache).size),
        None,
    ),
    file(
        "slabs",
        |mem, cache, _, out| slabs(mem, cache, slub::Count::SLABS, out),
        None,
    ),
    file(
        "store_user",
        |mem, cache, _, out| flag(mem, cache, Flags::STORE_USER, out),
        Some(|mem, cache, bytes| set_layout(mem, cache, Flags::STORE_USER, bytes)),
    ),
    file(
        "trace",
        |mem, cache, _, out| flag(mem, cache, Flags::TRACE, out),
        Some(|mem, cache, bytes| set(mem, cache, Flags::TRACE, bytes)),
    ),
    file("validate", nothing, Some(validate)),
];

/// The cache that a number stands for.
fn of(cache: u32) -> Ref<KmemCache> {
    Ref::new(cache)
}

fn at(mem: &Mem, cache: u32) -> &KmemCache {
    &mem[of(cache)]
}

/// Prints the name at a position, which is where its bytes lie, or 0 for the first, and finds the one
/// that comes next in order.
fn list(mem: &Mem, _: u32, position: u64, out: &mut dyn Write) -> Option<u64> {
    let next_after = |before: &str| {
        alias::names(mem)
            .filter(|&name| alias::text(mem, name) > before)
            .min_by_key(|&name| alias::text(mem, name))
    };
    let name = match position {
        END => None,
        0 => next_after(""),
        unit => Some(Ref::new(unit as u32)),
    };
    let text = alias::text(mem, name?);
    out.write_str(text).ok()?;
    Some(next_after(text).map_or(END, |next| u64::from(next.unit())))
}

fn number(out: &mut dyn Write, number: u32) -> Shown {
    writeln!(out, "{number}")?;
    Ok(None)
}

fn flag(mem: &Mem, cache: u32, flag: Flags, out: &mut dyn Write) -> Shown {
    number(out, u32::from(at(mem, cache).flags.contains(flag)))
}

fn nothing(_: &Mem, _: u32, _: u64, _: &mut dyn Write) -> Shown {
    Ok(None)
}

/// Further names; what is never merged has none.
fn aliases(mem: &Mem, cache: u32) -> u32 {
    match at(mem, cache).refcount() {
        alias::NEVER_MERGED => 0,
        names => names - 1,
    }
}

/// Empty without a constructor.
fn ctor(mem: &Mem, cache: u32, _: u64, out: &mut dyn Write) -> Shown {
    let cache = at(mem, cache);
    if cache.has_constructor() {
        writeln!(out, "{}", cache.constructor())?;
    }
    Ok(None)
}

/// A number of slabs or objects, and how it is shared among the nodes: `12 N0=8 N1=4`.
fn slabs(mem: &Mem, cache: u32, what: slub::Count, out: &mut dyn Write) -> Shown {
    let by_node = slub::count(mem, of(cache), what);
    write!(out, "{}", by_node.iter().sum::<u32>())?;
    for (node, count) in by_node.iter().enumerate().filter(|(_, count)| **count > 0) {
        write!(out, " N{node}={count}")?;
    }
    writeln!(out)?;
    Ok(None)
}

/// Locations that a file shows at most: as many as fill the page of text that sysfs gives a file in
/// Linux.
const LOCATIONS_MAX: u64 = 64;
/// In a position the number of locations shown stands above the next one's key.
const SHOWN_SHIFT: u32 = 40;

/// Who allocated the objects in use, or freed them last before that: a record a console line.
fn calls(mem: &Mem, cache: u32, position: u64, freed: bool, out: &mut dyn Write) -> Shown {
    if !at(mem, cache).flags.contains(Flags::STORE_USER) {
        return Err(Stop::Errno(Errno::ENOSYS));
    }
    let (shown, key) = (position >> SHOWN_SHIFT, position & ((1 << SHOWN_SHIFT) - 1));
    let Some((location, next)) = debug::next_location(mem, of(cache), freed, key.max(1)) else {
        writeln!(out, "No data")?;
        return Ok(None);
    };
    let debug::Location {
        line,
        count,
        ages: [youngest, all, oldest],
        cpus,
        nodes,
    } = location;
    write!(out, "{count:7} ")?;
    match line {
        Some(line) => write!(out, "line {line}")?,
        None => out.write_str("<not-available>")?,
    }
    if youngest == oldest {
        write!(out, " age={youngest}")?;
    } else {
        let mean = all / u64::from(count);
        write!(out, " age={youngest}/{mean}/{oldest}")?;
    }
    // The shell is the only process there is.
    write!(out, " pid={}", u32::from(line.is_some()))?;
    let bits = |mask: u32| (0..32).filter(move |bit| mask >> bit & 1 != 0);
    if mem[MEM].nr_cpus > 1 && cpus != 0 {
        out.write_str(" cpus=")?;
        write_list(out, bits(cpus))?;
    }
    if mem[MEM].nr_nodes > 1 && nodes != 0 {
        out.write_str(" nodes=")?;
        write_list(out, bits(nodes))?;
    }
    writeln!(out)?;
    let next = next.filter(|_| shown + 1 < LOCATIONS_MAX);
    Ok(next.map(|key| (shown + 1) << SHOWN_SHIFT | key))
}

/// A number below 100; `None` for a larger one, which is taken and has no effect, as in Linux.
fn ratio(bytes: &[u8]) -> Result<Option<u32>, Errno> {
    let ratio = parse_number(bytes, u32::MAX)?;
    Ok((ratio < 100).then_some(ratio))
}

/// Whether `1` was written: Linux looks at nothing but the first byte.
fn is_one(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'1')
}

/// Sets or clears a flag on which no object's layout depends.
fn set(mem: &mut Mem, cache: u32, flag: Flags, bytes: &[u8]) -> Result<(), Errno> {
    slub::set_flag(mem, of(cache), flag, is_one(bytes));
    Ok(())
}

/// Sets or clears a flag that changes the objects' layout: only while there are none.
fn set_layout(mem: &mut Mem, cache: u32, flag: Flags, bytes: &[u8]) -> Result<(), Errno> {
    if at(mem, cache).nr_slabs > 0 {
        return Err(Errno::EBUSY);
    }
    slub::set_flag(mem, of(cache), flag, is_one(bytes));
    Ok(())
}

fn shrink(mem: &mut Mem, cache: u32, bytes: &[u8]) -> Result<(), Errno> {
    if !is_one(bytes) {
        return Err(Errno::EINVAL);
    }
    slab::kmem_cache_shrink(mem, of(cache));
    Ok(())
}

/// What is found is told in the kernel's log.
fn validate(mem: &mut Mem, cache: u32, bytes: &[u8]) -> Result<(), Errno> {
    if !is_one(bytes) {
        return Err(Errno::EINVAL);
    }
    debug::validate(mem, of(cache));
    Ok(())
}
