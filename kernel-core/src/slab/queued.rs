//! SLAB: the queued allocator (2.6.24, specs/memory.md 2.2).
//!
//! Free objects wait in arrays: one for each CPU, one that a node's CPUs share, and *alien* arrays
//! for objects that were freed far from home. Behind the arrays stand the slabs, on three lists of
//! their node: partial, full, free. A slab is described by a [`Slab`], which lies at its beginning
//! (*on-slab*) or, for objects of 512 bytes and more, in a general cache (*off-slab*); its free
//! objects are chained by index in a table behind the descriptor, so nothing is written into them.
//! Where a slab leaves bytes over, successive slabs begin at different *colours*, so that their
//! objects do not compete for the same cache lines.
//!
//! Linux's has a second half that is compiled in to find bugs (`CONFIG_DEBUG_SLAB`: red words around
//! each object, poison). Here SLUB alone does that, and better; this one stays as fast as it was meant.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::debug::Flags;
use super::sieve::Sieve;
use super::{KmemCache, Object, SLAB, construct, is_slab_of, kmalloc, kmem_cache_free};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{
    FRAME_SIZE, Gfp, ListHead, MAX_CPUS, MAX_NODES, MAX_ORDER, MEM, Mem, Page, PageFlag, Ref, UNIT,
};

/// Bytes of a line of the processor's cache.
pub const LINE: u32 = 64;
/// Objects from this size on have their slab's descriptor elsewhere.
const OFF_SLAB_SIZE: u32 = FRAME_SIZE as u32 / 8;
/// Ends a slab's chain of free objects.
const BUFCTL_END: u32 = u32::MAX;
/// Objects that a refill takes at most into an array that was not used lately.
const BATCH_UNTOUCHED: u32 = 16;
/// Objects that an array may hold at most: what fits into the largest general cache.
pub const LIMIT_MAX: i32 = (kmalloc::SLAB_MAX as i32 - 16) / 4;
/// Objects that an alien array holds.
const ALIEN_LIMIT: u32 = 12;
/// What the shared array holds, in batches.
const SHARED_BATCHES: u32 = 8;

/// A cache's arrays and lists.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Queues {
    /// Each CPU's array; NULL before the general caches can hold one.
    pub cpu: [Ref<ArrayCache>; MAX_CPUS],
    /// The slabs of each NUMA node.
    pub node: [Node; MAX_NODES],
    /// Objects that a CPU's array holds.
    pub limit: u32,
    /// Objects that move between array and slabs at a time.
    pub batchcount: u32,
    /// What the shared array holds, in batches; 0 without one.
    pub shared: u32,
    /// Bytes that the descriptor and its table take, aligned to the objects.
    pub slab_size: u32,
    /// Different beginnings that a slab's spare bytes allow.
    pub colour: u32,
    /// Bytes from one to the next.
    pub colour_off: u32,
    /// The cache of off-slab descriptors; NULL where they are on-slab.
    pub slabp_cache: Ref<KmemCache>,
    _pad: u32,
}

describe!(
    Queues,
    "queues",
    [
        cpu,
        node,
        limit,
        batchcount,
        shared,
        slab_size,
        colour,
        colour_off,
        slabp_cache,
        _pad: Kind::Padding,
    ]
);

/// The slabs of one node (`kmem_list3`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Node {
    /// Slabs with free objects and objects in use, linked through `Slab::list`.
    pub partial: ListHead,
    /// Slabs without free objects.
    pub full: ListHead,
    /// Slabs without objects in use.
    pub free: ListHead,
    /// Free objects in all of them.
    pub free_objects: u32,
    /// More free objects than these, and an empty slab is given back at once.
    pub free_limit: u32,
    /// The next slab's colour.
    pub colour_next: u32,
    /// A free slab was used since the last reaping.
    pub free_touched: u32,
    /// The array that the node's CPUs share.
    pub shared: Ref<ArrayCache>,
    /// Of each other node, objects that were freed here.
    pub alien: [Ref<ArrayCache>; MAX_NODES],
    _pad: u32,
}

describe!(
    Node,
    "kmem_list3",
    [
        partial,
        full,
        free,
        free_objects,
        free_limit,
        colour_next,
        free_touched,
        shared,
        alien,
        _pad: Kind::Padding,
    ]
);

/// A stack of free objects. They follow it, 4 bytes each.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct ArrayCache {
    /// Objects in it.
    pub avail: u32,
    /// Objects that it holds.
    pub limit: u32,
    /// Objects that move at a time.
    pub batchcount: u32,
    /// It was used since the last reaping.
    pub touched: u32,
}

describe!(
    ArrayCache,
    "array_cache",
    [avail, limit, batchcount, touched]
);

/// A slab's descriptor. It takes 48 bytes, as on 64-bit Linux, so that the numbers of objects to a
/// slab are those of the specification.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Slab {
    /// Link in one of the node's lists.
    pub list: ListHead,
    /// Where the objects begin.
    pub s_mem: Ref<Object>,
    /// Objects in use, those in arrays included.
    pub inuse: u32,
    /// Index of the first free object, or `BUFCTL_END`.
    pub free: u32,
    /// The node whose memory it is.
    pub nodeid: u32,
    /// Bytes before the descriptor, or before the objects if it is off-slab.
    pub colouroff: u32,
    _pad: [u32; 5],
}

describe!(
    Slab,
    "slab",
    [
        list,
        s_mem,
        inuse,
        free,
        nodeid,
        colouroff,
        _pad: Kind::Padding,
    ]
);

const _: () = assert!(size_of::<Slab>() == 48);
const _: () = assert!(offset_of!(Slab, list) == 0);

/// Two entries of a table; memory is addressed in units of 8 bytes.
type Pair = [u32; 2];

fn entry(mem: &Mem, table: Ref<Pair>, index: u32) -> u32 {
    mem[table.offset(index / 2)][index as usize % 2]
}

fn set_entry(mem: &mut Mem, table: Ref<Pair>, index: u32, value: u32) {
    mem[table.offset(index / 2)][index as usize % 2] = value;
}

fn objects_of(array: Ref<ArrayCache>) -> Ref<Pair> {
    array.byte_add(size_of::<ArrayCache>())
}

fn bufctl_of(slab: Ref<Slab>) -> Ref<Pair> {
    slab.byte_add(size_of::<Slab>())
}

pub(super) fn node_of(cache: Ref<KmemCache>, node: u32) -> Ref<Node> {
    let at = offset_of!(KmemCache, queues) + offset_of!(Queues, node);
    cache.byte_add(at + node as usize * size_of::<Node>())
}

pub(super) fn list_of(node: Ref<Node>, offset: usize) -> Ref<ListHead> {
    node.byte_add(offset)
}

/// How a slab of 2^order pages would be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fit {
    /// Objects.
    objects: u32,
    /// Bytes left over.
    left_over: u32,
}

/// Bytes of a descriptor with its table.
fn management(objects: u32, align: u32) -> u32 {
    (size_of::<Slab>() as u32 + 4 * objects).next_multiple_of(align)
}

/// The objects that fit into a slab (`cache_estimate`).
fn estimate(order: u32, size: u32, align: u32, off_slab: bool) -> Fit {
    let bytes = (FRAME_SIZE as u32) << order;
    if off_slab {
        let objects = bytes / size;
        return Fit {
            objects,
            left_over: bytes - objects * size,
        };
    }
    let mut objects = (bytes - size_of::<Slab>() as u32) / (size + 4);
    if management(objects, align) + objects * size > bytes {
        objects -= 1;
    }
    Fit {
        objects,
        left_over: bytes - objects * size - management(objects, align),
    }
}

/// The alignment to cache lines of objects of so many bytes: a line, or the smallest part of one that
/// holds an object.
fn line_of(size: u32) -> u32 {
    let mut line = LINE;
    while size <= line / 2 {
        line /= 2;
    }
    line
}

/// The order of a cache's slabs, and what fits; `None` if an object exceeds the largest slab.
fn calculate_order(
    size: u32,
    align: u32,
    off_slab: bool,
    reclaim: bool,
    frames: u32,
) -> Option<(u32, Fit)> {
    // With much memory around, larger slabs do no harm.
    let break_order = u32::from(frames > (32 << 20) / FRAME_SIZE as u32);
    let mut chosen = None;
    for order in 0..MAX_ORDER as u32 {
        let fit = estimate(order, size, align, off_slab);
        if fit.objects == 0 {
            continue;
        }
        if off_slab && fit.objects > (size - size_of::<Slab>() as u32) / 4 && chosen.is_some() {
            break;
        }
        chosen = Some((order, fit));
        // Whatever gives memory back when it is short should not need large blocks then.
        if reclaim || order >= break_order || fit.left_over * 8 <= (FRAME_SIZE as u32) << order {
            break;
        }
    }
    chosen
}

/// Objects that a CPU's array holds, by size (`enable_cpucache`).
fn array_limit(size: u32) -> u32 {
    match size {
        131_073.. => 1,
        4097.. => 8,
        1025.. => 24,
        257.. => 54,
        _ => 120,
    }
}

/// Lays out an object, its slab and its arrays.
///
/// # Errors
/// `EINVAL` for objects that no slab holds, `ENOMEM`.
pub(super) fn set_up(mem: &mut Mem, cache: Ref<KmemCache>) -> Result<(), Errno> {
    let KmemCache {
        object_size,
        mut align,
        flags,
        ..
    } = mem[cache];
    if flags.contains(Flags::HWCACHE_ALIGN) {
        align = align.max(line_of(object_size));
    }
    let size = object_size.next_multiple_of(align);
    // The first caches come before those that could hold a descriptor.
    let is_early = kmalloc::general_cache(mem, 1, Gfp::KERNEL).is_none();
    let wants_off = size >= OFF_SLAB_SIZE && !is_early;
    let frames = mem.frames();
    let reclaim = flags.contains(Flags::RECLAIM_ACCOUNT);
    let (order, mut fit) =
        calculate_order(size, align, wants_off, reclaim, frames).ok_or(Errno::EINVAL)?;
    let table = management(fit.objects, align);
    // Where the descriptor fits into what is left over, it costs nothing there.
    let off_slab = wants_off && fit.left_over < table;
    if wants_off && !off_slab {
        fit.left_over -= table;
    }
    let slabp_cache = if off_slab {
        let bytes = size_of::<Slab>() as u32 + 4 * fit.objects;
        kmalloc::general_cache(mem, bytes, Gfp::KERNEL).ok_or(Errno::ENOMEM)?
    } else {
        Ref::NULL
    };
    let colour_off = LINE.max(align);
    let descriptor = &mut mem[cache];
    descriptor.size = size;
    descriptor.order = order;
    descriptor.objects = fit.objects;
    descriptor.queues.slab_size = if off_slab { 0 } else { table };
    descriptor.queues.colour_off = colour_off;
    descriptor.queues.colour = fit.left_over / colour_off;
    descriptor.queues.slabp_cache = slabp_cache;
    for node in 0..MAX_NODES as u32 {
        let node = node_of(cache, node);
        for list in [
            offset_of!(Node, partial),
            offset_of!(Node, full),
            offset_of!(Node, free),
        ] {
            mem.list_init(list_of(node, list));
        }
        mem[node].free_limit = fit.objects;
    }
    // The arrays lie in general caches, which get theirs when all of them are there.
    if kmalloc::general_cache(mem, kmalloc::SLAB_MAX, Gfp::DMA).is_some() {
        enable(mem, cache)?;
    }
    Ok(())
}

/// Gives every cache that has none its arrays.
pub(super) fn enable_arrays(mem: &mut Mem) -> Result<(), Errno> {
    let mut link = mem[SLAB].caches.next;
    while link != SLAB.cast() {
        let cache: Ref<KmemCache> = link.cast();
        if mem[cache].queues.cpu[0].is_null() {
            enable(mem, cache)?;
        }
        link = mem[link].next;
    }
    Ok(())
}

/// Gives a cache its arrays.
fn enable(mem: &mut Mem, cache: Ref<KmemCache>) -> Result<(), Errno> {
    let size = mem[cache].size;
    let limit = array_limit(size);
    let shared = if size as usize <= FRAME_SIZE && mem[MEM].nr_cpus > 1 {
        SHARED_BATCHES
    } else {
        0
    };
    let result = tune(mem, cache, limit, limit.div_ceil(2), shared);
    if result.is_err() {
        tear_down(mem, cache);
    }
    result
}

/// Replaces a cache's arrays by such of other sizes (`do_tune_cpucache`). What the old ones hold
/// goes back to the slabs.
///
/// # Errors
/// `ENOMEM`; some of the arrays may be new then.
pub fn tune(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    limit: u32,
    batchcount: u32,
    shared: u32,
) -> Result<(), Errno> {
    for cpu in 0..mem[MEM].nr_cpus as usize {
        let array = new_array(mem, limit, batchcount)?;
        let old = core::mem::replace(&mut mem[cache].queues.cpu[cpu], array);
        retire(mem, cache, old);
    }
    let nodes = mem[MEM].nr_nodes;
    for here in 0..nodes {
        let node = node_of(cache, here);
        let array = if shared > 0 {
            new_array(mem, shared * batchcount, u32::MAX)?
        } else {
            Ref::NULL
        };
        let old = core::mem::replace(&mut mem[node].shared, array);
        retire(mem, cache, old);
        for there in (0..nodes).filter(|&there| there != here) {
            if mem[node].alien[there as usize].is_null() {
                mem[node].alien[there as usize] = new_array(mem, ALIEN_LIMIT, u32::MAX)?;
            }
        }
        let cpus = (0..mem[MEM].nr_cpus).filter(|&cpu| mem.cpu_to_node(cpu) == here);
        let free_limit = (1 + cpus.count() as u32) * batchcount + mem[cache].objects;
        mem[node].free_limit = free_limit;
    }
    let queues = &mut mem[cache].queues;
    (queues.limit, queues.batchcount, queues.shared) = (limit, batchcount, shared);
    Ok(())
}

fn new_array(mem: &mut Mem, limit: u32, batchcount: u32) -> Result<Ref<ArrayCache>, Errno> {
    let bytes = size_of::<ArrayCache>() as u32 + 4 * limit;
    let array: Ref<ArrayCache> = kmalloc(mem, bytes, Gfp::KERNEL)?.cast();
    mem[array] = ArrayCache {
        avail: 0,
        limit,
        batchcount,
        touched: 0,
    };
    Ok(array)
}

/// Empties an array into the slabs and gives it up.
fn retire(mem: &mut Mem, cache: Ref<KmemCache>, array: Ref<ArrayCache>) {
    if !array.is_null() {
        drain(mem, cache, array, u32::MAX);
        super::kfree(mem, array.cast());
    }
}

/// Gives up all arrays of a cache that is to end.
pub(super) fn tear_down(mem: &mut Mem, cache: Ref<KmemCache>) {
    for cpu in 0..MAX_CPUS {
        let array = core::mem::replace(&mut mem[cache].queues.cpu[cpu], Ref::NULL);
        retire(mem, cache, array);
    }
    for node in 0..MAX_NODES as u32 {
        let node = node_of(cache, node);
        let shared = core::mem::replace(&mut mem[node].shared, Ref::NULL);
        retire(mem, cache, shared);
        let aliens = core::mem::replace(&mut mem[node].alien, [Ref::NULL; MAX_NODES]);
        for alien in aliens {
            retire(mem, cache, alien);
        }
    }
}

fn push(mem: &mut Mem, array: Ref<ArrayCache>, object: Ref<Object>) {
    let avail = mem[array].avail;
    set_entry(mem, objects_of(array), avail, object.unit());
    mem[array].avail = avail + 1;
}

fn pop(mem: &mut Mem, array: Ref<ArrayCache>) -> Option<Ref<Object>> {
    let avail = mem[array].avail.checked_sub(1)?;
    mem[array].avail = avail;
    Some(Ref::new(entry(mem, objects_of(array), avail)))
}

/// Allocates an object. Two call it, who tells of it and who does not.
#[cfg_attr(not(target_family = "wasm"), inline(always))]
pub(super) fn alloc(mem: &mut Mem, cache: Ref<KmemCache>, gfp: Gfp) -> Result<Ref<Object>, Errno> {
    let cpu = mem[MEM].cpu as usize % MAX_CPUS;
    let array = mem[cache].queues.cpu[cpu];
    if array.is_null() {
        // Before there are arrays: straight from the slabs.
        return match take(mem, cache) {
            Some(object) => Ok(object),
            None => {
                grow(mem, cache, gfp)?;
                take(mem, cache).ok_or(Errno::ENOMEM)
            }
        };
    }
    if mem[array].avail == 0 && !refill(mem, cache, array) {
        grow(mem, cache, gfp)?;
        refill(mem, cache, array);
    }
    mem[array].touched = 1;
    pop(mem, array).ok_or(Errno::ENOMEM)
}

/// Moves a batch into a CPU's array; says whether there is anything in it now.
fn refill(mem: &mut Mem, cache: Ref<KmemCache>, array: Ref<ArrayCache>) -> bool {
    let ArrayCache {
        batchcount,
        touched,
        ..
    } = mem[array];
    let batch = if touched == 0 {
        batchcount.min(BATCH_UNTOUCHED)
    } else {
        batchcount
    };
    let shared = mem[node_of(cache, mem[MEM].node)].shared;
    if !shared.is_null() && mem[shared].avail > 0 {
        transfer(mem, shared, array, batch);
        mem[shared].touched = 1;
        return true;
    }
    for _ in 0..batch {
        let Some(object) = take(mem, cache) else {
            break;
        };
        push(mem, array, object);
    }
    mem[array].avail > 0
}

/// The object of an array that is used next.
#[cfg(test)]
pub(super) fn newest(mem: &Mem, array: Ref<ArrayCache>) -> Option<Ref<Object>> {
    let last = mem[array].avail.checked_sub(1)?;
    Some(Ref::new(entry(mem, objects_of(array), last)))
}

/// Moves up to `count` objects from the end of one array to that of another, in the order in which
/// they are (`transfer_objects`): what was freed last is used first again.
fn transfer(mem: &mut Mem, from: Ref<ArrayCache>, to: Ref<ArrayCache>, count: u32) {
    let left = mem[from].avail - count.min(mem[from].avail);
    for index in left..mem[from].avail {
        let object = entry(mem, objects_of(from), index);
        push(mem, to, Ref::new(object));
    }
    mem[from].avail = left;
}

/// Takes one object off this node's slabs, partial ones first; then off the other nodes'.
fn take(mem: &mut Mem, cache: Ref<KmemCache>) -> Option<Ref<Object>> {
    let (here, nodes) = (mem[MEM].node, mem[MEM].nr_nodes);
    // A CPU's array holds what is near; what is far is only taken when nothing can be had here.
    let node = node_of(cache, here % nodes);
    let partial = list_of(node, offset_of!(Node, partial));
    let free = list_of(node, offset_of!(Node, free));
    let slab: Ref<Slab> = if !mem.list_is_empty(partial) {
        mem[partial].next.cast()
    } else if !mem.list_is_empty(free) {
        mem[node].free_touched = 1;
        mem[free].next.cast()
    } else {
        return None;
    };
    let Slab { free: index, .. } = mem[slab];
    let size = mem[cache].size;
    let object = mem[slab].s_mem.byte_add((index * size) as usize);
    let next = entry(mem, bufctl_of(slab), index);
    mem[slab].free = next;
    mem[slab].inuse += 1;
    mem[node].free_objects -= 1;
    mem.list_del(slab.cast());
    if next == BUFCTL_END {
        mem.list_add(slab.cast(), list_of(node, offset_of!(Node, full)));
    } else {
        mem.list_add(slab.cast(), partial);
    }
    Some(object)
}

/// Makes a new slab of the next colour (`cache_grow`).
fn grow(mem: &mut Mem, cache: Ref<KmemCache>, gfp: Gfp) -> Result<(), Errno> {
    let KmemCache {
        order,
        objects,
        size,
        flags,
        queues,
        ..
    } = mem[cache];
    let here = mem[MEM].node;
    let page_gfp = if flags.contains(Flags::CACHE_DMA) {
        gfp.with(Gfp::DMA)
    } else {
        gfp
    };
    let page = mem.alloc_pages(page_gfp, order, None)?;
    let start: Ref<Object> = Ref::of_frame(mem.frame_of(page));
    let home = super::slub::page_node(mem, page);
    let node = node_of(cache, home);
    let colour = mem[node].colour_next;
    let colouroff = colour * queues.colour_off;
    let (slab, s_mem): (Ref<Slab>, Ref<Object>) = if queues.slabp_cache.is_null() {
        let slab = start.byte_add(colouroff as usize);
        (slab, slab.byte_add(queues.slab_size as usize))
    } else {
        match super::kmem_cache_alloc(mem, queues.slabp_cache, gfp) {
            Ok(slab) => (slab, start.byte_add(colouroff as usize)),
            Err(errno) => {
                mem.put_page(page);
                return Err(errno);
            }
        }
    };
    mem[node].colour_next = if colour + 1 < queues.colour {
        colour + 1
    } else {
        0
    };
    mem[slab] = Slab {
        s_mem,
        nodeid: home,
        colouroff,
        ..Slab::zeroed()
    };
    for index in 0..objects {
        construct(mem, cache, s_mem.byte_add((index * size) as usize));
        let next = if index + 1 < objects {
            index + 1
        } else {
            BUFCTL_END
        };
        set_entry(mem, bufctl_of(slab), index, next);
    }
    let descriptor = &mut mem[page];
    descriptor.set(PageFlag::Slab);
    descriptor.mapping = cache.unit();
    descriptor.freelist = slab.unit();
    descriptor.objects = objects as u16;
    mem[cache].nr_slabs += 1;
    mem[node].free_objects += objects;
    mem.list_add_tail(slab.cast(), list_of(node, offset_of!(Node, free)));
    if home == here {
        Ok(())
    } else {
        // The zone list led to another node: its slab serves that node's CPUs.
        adopt(mem, cache, slab, node)
    }
}

/// Serves this CPU from a slab of another node, which the page allocator fell back to.
fn adopt(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    slab: Ref<Slab>,
    home: Ref<Node>,
) -> Result<(), Errno> {
    let node = node_of(cache, mem[MEM].node);
    let objects = mem[cache].objects;
    mem[home].free_objects -= objects;
    mem[node].free_objects += objects;
    mem[slab].nodeid = mem[MEM].node;
    mem.list_del(slab.cast());
    mem.list_add_tail(slab.cast(), list_of(node, offset_of!(Node, free)));
    Ok(())
}

pub(super) fn slab_of(mem: &Mem, object: Ref<Object>) -> Ref<Slab> {
    Ref::new(mem[mem.head_page(object)].freelist)
}

/// Gives an object back: into the CPU's array, which lets its oldest go when it is full.
#[cfg_attr(not(target_family = "wasm"), inline(always))]
pub(super) fn free(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>) {
    let cpu = mem[MEM].cpu as usize % MAX_CPUS;
    let here = mem[MEM].node;
    let array = mem[cache].queues.cpu[cpu];
    if array.is_null() {
        return put(mem, cache, object);
    }
    let home = mem[slab_of(mem, object)].nodeid;
    let alien = mem[node_of(cache, here)].alien[home as usize % MAX_NODES];
    if home != here && !alien.is_null() {
        if mem[alien].avail == mem[alien].limit {
            drain(mem, cache, alien, u32::MAX);
        }
        return push(mem, alien, object);
    }
    if mem[array].avail == mem[array].limit {
        flush(mem, cache, array);
    }
    push(mem, array, object);
}

/// Makes room in a CPU's array: its oldest batch goes to the shared array, or to the slabs.
fn flush(mem: &mut Mem, cache: Ref<KmemCache>, array: Ref<ArrayCache>) {
    let batch = mem[array].batchcount.min(mem[array].avail);
    let shared = mem[node_of(cache, mem[MEM].node)].shared;
    if !shared.is_null() {
        let room = mem[shared].limit - mem[shared].avail;
        if room > 0 {
            let count = batch.min(room);
            for index in 0..count {
                let object = entry(mem, objects_of(array), index);
                push(mem, shared, Ref::new(object));
            }
            return close_up(mem, array, count);
        }
    }
    drain(mem, cache, array, batch);
}

/// Puts an array's oldest objects, `count` at most, back into their slabs.
fn drain(mem: &mut Mem, cache: Ref<KmemCache>, array: Ref<ArrayCache>, count: u32) {
    let count = count.min(mem[array].avail);
    for index in 0..count {
        let object = Ref::new(entry(mem, objects_of(array), index));
        put(mem, cache, object);
    }
    close_up(mem, array, count);
}

/// Moves an array's objects down over the first `count`, which have left.
fn close_up(mem: &mut Mem, array: Ref<ArrayCache>, count: u32) {
    let left = mem[array].avail - count;
    for index in 0..left {
        let object = entry(mem, objects_of(array), index + count);
        set_entry(mem, objects_of(array), index, object);
    }
    mem[array].avail = left;
}

/// Puts an object back into its slab, and the slab where it belongs then (`free_block`).
fn put(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>) {
    let slab = slab_of(mem, object);
    let KmemCache { size, objects, .. } = mem[cache];
    let Slab {
        s_mem,
        nodeid,
        free: head,
        ..
    } = mem[slab];
    let node = node_of(cache, nodeid);
    let index = (object.unit() - s_mem.unit()) * UNIT as u32 / size;
    set_entry(mem, bufctl_of(slab), index, head);
    mem[slab].free = index;
    mem[slab].inuse -= 1;
    mem[node].free_objects += 1;
    mem.list_del(slab.cast());
    if mem[slab].inuse > 0 {
        mem.list_add_tail(slab.cast(), list_of(node, offset_of!(Node, partial)));
    } else if mem[node].free_objects > mem[node].free_limit {
        mem[node].free_objects -= objects;
        destroy_slab(mem, cache, slab);
    } else {
        mem.list_add(slab.cast(), list_of(node, offset_of!(Node, free)));
    }
}

/// Gives an empty slab's pages back. It is on no list any more.
fn destroy_slab(mem: &mut Mem, cache: Ref<KmemCache>, slab: Ref<Slab>) {
    let page = page_of_slab(mem, slab);
    let descriptor = &mut mem[page];
    descriptor.clear(PageFlag::Slab);
    descriptor.mapping = 0;
    descriptor.freelist = 0;
    descriptor.objects = 0;
    mem[cache].nr_slabs -= 1;
    mem.put_page(page);
    let slabp_cache = mem[cache].queues.slabp_cache;
    if !slabp_cache.is_null() {
        kmem_cache_free(mem, slabp_cache, slab);
    }
}

/// Destroys up to `count` of a node's empty slabs, the longest unused first.
fn drain_free_list(mem: &mut Mem, cache: Ref<KmemCache>, node: Ref<Node>, count: u32) -> u32 {
    let list = list_of(node, offset_of!(Node, free));
    let mut freed = 0;
    while freed < count && !mem.list_is_empty(list) {
        let slab: Ref<Slab> = mem[list].prev.cast();
        mem.list_del(slab.cast());
        mem[node].free_objects -= mem[cache].objects;
        destroy_slab(mem, cache, slab);
        freed += 1;
    }
    freed
}

/// Empties all arrays and gives back all empty slabs.
pub(super) fn shrink(mem: &mut Mem, cache: Ref<KmemCache>) {
    for cpu in 0..MAX_CPUS {
        let array = mem[cache].queues.cpu[cpu];
        if !array.is_null() {
            drain(mem, cache, array, u32::MAX);
        }
    }
    for node in 0..mem[MEM].nr_nodes {
        let node = node_of(cache, node);
        let Node { shared, alien, .. } = mem[node];
        for array in alien.into_iter().chain([shared]) {
            if !array.is_null() {
                drain(mem, cache, array, u32::MAX);
            }
        }
    }
    for node in 0..mem[MEM].nr_nodes {
        drain_free_list(mem, cache, node_of(cache, node), u32::MAX);
    }
}

/// What the reaper does on the running CPU every two seconds (`cache_reap`); every second time it
/// looks at what the node's CPUs share, too.
pub fn reap(mem: &mut Mem, looks_at_shared: bool) {
    let mut link = mem[SLAB].caches.next;
    while link != SLAB.cast() {
        reap_cache(mem, link.cast(), looks_at_shared);
        link = mem[link].next;
    }
}

fn reap_cache(mem: &mut Mem, cache: Ref<KmemCache>, looks_at_shared: bool) {
    let (cpu, here) = (mem[MEM].cpu as usize % MAX_CPUS, mem[MEM].node);
    let node = node_of(cache, here);
    for alien in mem[node].alien {
        if !alien.is_null() {
            drain(mem, cache, alien, u32::MAX);
        }
    }
    drain_if_untouched(mem, cache, mem[cache].queues.cpu[cpu]);
    if !looks_at_shared {
        return;
    }
    drain_if_untouched(mem, cache, mem[node].shared);
    if mem[node].free_touched != 0 {
        mem[node].free_touched = 0;
    } else {
        let objects = mem[cache].objects;
        let count = mem[node].free_limit.div_ceil(5 * objects);
        drain_free_list(mem, cache, node, count);
    }
}

/// Lets a fifth of an array go that was not used since the last time.
fn drain_if_untouched(mem: &mut Mem, cache: Ref<KmemCache>, array: Ref<ArrayCache>) {
    if array.is_null() || mem[array].avail == 0 {
        return;
    }
    if mem[array].touched != 0 {
        mem[array].touched = 0;
        return;
    }
    let ArrayCache { avail, limit, .. } = mem[array];
    let fifth = limit.div_ceil(5);
    let count = if fifth > avail {
        avail.div_ceil(2)
    } else {
        fifth
    };
    drain(mem, cache, array, count);
}

/// All arrays of a cache.
fn arrays(mem: &Mem, cache: Ref<KmemCache>) -> impl Iterator<Item = Ref<ArrayCache>> {
    let Queues { cpu, node, .. } = mem[cache].queues;
    let of_nodes = node
        .into_iter()
        .flat_map(|node| node.alien.into_iter().chain([node.shared]));
    cpu.into_iter()
        .chain(of_nodes)
        .filter(|array| !array.is_null())
}

/// Free objects, those in arrays included, and partial slabs.
pub(super) fn count_free(mem: &Mem, cache: Ref<KmemCache>) -> (u32, u32) {
    let mut free: u32 = arrays(mem, cache).map(|array| mem[array].avail).sum();
    let mut partial = 0;
    for node in 0..mem[MEM].nr_nodes {
        let node = node_of(cache, node);
        free += mem[node].free_objects;
        partial += mem
            .list_iter(list_of(node, offset_of!(Node, partial)))
            .count() as u32;
    }
    (free, partial)
}

/// Objects that a cache's slabs have given out, those in arrays included.
pub fn given_out(mem: &Mem, cache: Ref<KmemCache>) -> u32 {
    let KmemCache {
        objects, nr_slabs, ..
    } = mem[cache];
    let free: u32 = (0..mem[MEM].nr_nodes)
        .map(|node| mem[node_of(cache, node)].free_objects)
        .sum();
    objects * nr_slabs - free
}

/// Objects in a cache's shared arrays.
pub fn shared_available(mem: &Mem, cache: Ref<KmemCache>) -> u32 {
    (0..mem[MEM].nr_nodes)
        .map(|node| mem[node_of(cache, node)].shared)
        .filter(|shared| !shared.is_null())
        .map(|shared| mem[shared].avail)
        .sum()
}

/// The slabs of a cache: full, partial, free, as `/proc/slabinfo` counts them.
pub fn count_slabs(mem: &Mem, cache: Ref<KmemCache>) -> [u32; 3] {
    [
        offset_of!(Node, full),
        offset_of!(Node, partial),
        offset_of!(Node, free),
    ]
    .map(|list| {
        (0..mem[MEM].nr_nodes)
            .map(|node| mem.list_iter(list_of(node_of(cache, node), list)).count() as u32)
            .sum()
    })
}

/// Checks one cache: slabs on the right lists, chains whole, arrays within their limits and full of
/// objects that are in use as far as their slabs know, each once.
pub(super) fn check(mem: &Mem, cache: Ref<KmemCache>) -> Result<(), &'static str> {
    let KmemCache {
        objects, nr_slabs, ..
    } = mem[cache];
    let (mut slabs, mut in_use) = (0, 0);
    for number in 0..mem[MEM].nr_nodes {
        let node = node_of(cache, number);
        let mut free_objects = 0;
        for list in [
            offset_of!(Node, full),
            offset_of!(Node, partial),
            offset_of!(Node, free),
        ] {
            let head = list_of(node, list);
            if !mem.list_is_sound(head, mem.frames()) {
                return Err("slab: a list of slabs is broken");
            }
            for link in mem.list_iter(head) {
                let slab: Ref<Slab> = link.cast();
                let Slab { inuse, nodeid, .. } = mem[slab];
                let page = mem.head_page(mem[slab].s_mem);
                if !is_slab_of(mem, page, cache)
                    || mem[page].freelist != slab.unit()
                    || nodeid != number
                {
                    return Err("slab: a slab does not belong on its list");
                }
                let free = chain_length(mem, cache, slab);
                if free != objects.checked_sub(inuse) {
                    return Err("slab: a slab's free objects differ from its count");
                }
                let right_list = match inuse {
                    0 => offset_of!(Node, free),
                    inuse if inuse == objects => offset_of!(Node, full),
                    _ => offset_of!(Node, partial),
                };
                if list != right_list {
                    return Err("slab: a slab is on the wrong list for its objects");
                }
                free_objects += objects - inuse;
                in_use += inuse;
                slabs += 1;
            }
        }
        if free_objects != mem[node].free_objects {
            return Err("slab: free_objects differs from the slabs'");
        }
    }
    let pages = mem
        .frames_outside_free_blocks()
        .filter(|&frame| is_slab_of(mem, mem.page(frame), cache));
    if slabs != nr_slabs || pages.count() as u32 != nr_slabs {
        return Err("slab: a slab is on no list");
    }
    let mut waiting = 0;
    let mut seen = Sieve::new();
    for array in arrays(mem, cache) {
        let ArrayCache { avail, limit, .. } = mem[array];
        if avail > limit {
            return Err("slab: an array holds more than its limit");
        }
        waiting += avail;
        for index in 0..avail {
            let object: Ref<Object> = Ref::new(entry(mem, objects_of(array), index));
            if object.is_null() || object.frame() >= mem.frames() {
                return Err("slab: an array holds what is no object");
            }
            let page = mem.head_page(object);
            if !is_slab_of(mem, page, cache) {
                return Err("slab: an array holds an object of another cache");
            }
            // Most are new; the others are looked for.
            let twice = seen.add(object.unit()) && waits_before(mem, cache, object, array, index);
            if twice {
                return Err("slab: an object waits twice in a cache's arrays");
            }
        }
    }
    if waiting > in_use {
        return Err("slab: more objects wait in arrays than the slabs have given out");
    }
    Ok(())
}

/// Whether an object waits in an array of its cache before the place `index` of `array`, in the order
/// in which [`arrays`] tells them.
fn waits_before(
    mem: &Mem,
    cache: Ref<KmemCache>,
    object: Ref<Object>,
    array: Ref<ArrayCache>,
    index: u32,
) -> bool {
    let has = |array, end| (0..end).any(|at| entry(mem, objects_of(array), at) == object.unit());
    arrays(mem, cache)
        .take_while(|&other| other != array)
        .any(|other| has(other, mem[other].avail))
        || has(array, index)
}

/// Where the objects of the slab of this page begin.
pub(super) fn first_object(mem: &Mem, page: Ref<Page>) -> Ref<Object> {
    mem[Ref::<Slab>::new(mem[page].freelist)].s_mem
}

/// Whether an object of a slab is free: in the slab's chain, or waiting in an array.
pub(super) fn is_free(
    mem: &Mem,
    cache: Ref<KmemCache>,
    page: Ref<Page>,
    object: Ref<Object>,
) -> bool {
    let slab: Ref<Slab> = Ref::new(mem[page].freelist);
    let KmemCache { size, objects, .. } = mem[cache];
    let index = (object.unit() - mem[slab].s_mem.unit()) * UNIT as u32 / size;
    let mut at = mem[slab].free;
    for _ in 0..objects {
        if at == index {
            return true;
        }
        if at >= objects {
            break;
        }
        at = entry(mem, bufctl_of(slab), at);
    }
    arrays(mem, cache).any(|array| {
        (0..mem[array].avail).any(|at| entry(mem, objects_of(array), at) == object.unit())
    })
}

/// The objects of a slab's chain of free ones, each by its index.
pub(super) fn each_free(
    mem: &Mem,
    cache: Ref<KmemCache>,
    slab: Ref<Slab>,
    visit: &mut dyn FnMut(u32),
) {
    let objects = mem[cache].objects;
    let mut at = mem[slab].free;
    for _ in 0..objects {
        if at >= objects {
            break;
        }
        visit(at);
        at = entry(mem, bufctl_of(slab), at);
    }
}

/// The objects of an array, the next one first.
pub(super) fn each_in(mem: &Mem, array: Ref<ArrayCache>, visit: &mut dyn FnMut(Ref<Object>)) {
    if array.is_null() {
        return;
    }
    let ArrayCache { avail, limit, .. } = mem[array];
    for at in (0..avail.min(limit)).rev() {
        visit(Ref::new(entry(mem, objects_of(array), at)));
    }
}

/// Length of a slab's chain of free objects; `None` if it leaves the slab or does not end.
fn chain_length(mem: &Mem, cache: Ref<KmemCache>, slab: Ref<Slab>) -> Option<u32> {
    let objects = mem[cache].objects;
    let (mut at, mut length) = (mem[slab].free, 0);
    while at != BUFCTL_END {
        if at >= objects || length == objects {
            return None;
        }
        at = entry(mem, bufctl_of(slab), at);
        length += 1;
    }
    Some(length)
}

/// The page of a slab, through one of its objects.
pub fn page_of_slab(mem: &Mem, slab: Ref<Slab>) -> Ref<Page> {
    mem.head_page(mem[slab].s_mem)
}

#[cfg(test)]
mod tests {
    use super::super::tests::machine;
    use super::super::{Allocator, Constructor, kmem_cache_alloc, kmem_cache_create};
    use super::*;

    /// specs/memory.md 2.2: size, alignment, objects to a slab, order, colours.
    #[test]
    fn slabs_of_the_specification() {
        let check = |size: u32, align: u32, objects: u32, colours: Option<u32>| {
            let wants_off = size >= OFF_SLAB_SIZE;
            let (order, fit) = calculate_order(size, align, wants_off, false, 4096).unwrap();
            assert_eq!((order, fit.objects), (0, objects), "size {size}");
            if let Some(colours) = colours {
                assert_eq!(fit.left_over / LINE.max(align), colours, "size {size}");
            }
        };
        check(32, 32, 112, None);
        check(64, 64, 59, None);
        check(96, 8, 40, None);
        check(128, 64, 30, Some(1));
        check(192, 64, 20, Some(2));
        check(256, 64, 15, Some(2));
        check(512, 64, 8, None);
        check(1024, 64, 4, None);
        check(2048, 64, 2, None);
        check(4096, 64, 1, None);
    }

    /// An object that would be handed out twice is found, whichever array it waits in again.
    #[test]
    fn an_object_that_waits_twice_is_found() {
        let mut mem = machine(Allocator::Slab, "mem=4M cpus=2");
        let cache = kmem_cache_create(&mut mem, "c", 64, 8, Constructor::None).unwrap();
        let objects = [(); 3].map(|_| kmem_cache_alloc(&mut mem, cache, Gfp::KERNEL).unwrap());
        for object in objects {
            free(&mut mem, cache, object);
        }
        let [here, there, ..] = mem[cache].queues.cpu;
        check(&mem, cache).unwrap();
        for array in [here, there] {
            let before = mem[array].avail;
            push(&mut mem, array, objects[1]);
            let found = check(&mem, cache);
            assert_eq!(
                found,
                Err("slab: an object waits twice in a cache's arrays")
            );
            mem[array].avail = before;
            check(&mem, cache).unwrap();
        }
    }

    #[test]
    fn arrays_of_the_specification() {
        let limits = [131_073, 131_072, 4096, 1025, 1024, 257, 256, 8].map(array_limit);
        assert_eq!(limits, [1, 8, 24, 24, 54, 54, 120, 120]);
    }
}
