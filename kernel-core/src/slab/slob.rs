//! SLOB: one ring of free blocks (2.6.16 to 2.6.21, specs/memory.md 2.4).
//!
//! Memory is counted in units of 8 bytes, the size of a block's header `{units, next}`. Free blocks
//! stand in a circular list in the order of their addresses. An allocation walks the ring from
//! where the last one ended (so it is next-fit, whatever the original's first lines say), cuts what
//! it needs off the front of the first block that is large enough, and takes a page when the whole
//! ring has none. Freeing finds the block's place and joins it with its neighbours. Caches are names
//! for sizes: objects of all caches lie side by side.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::{KmemCache, Object, SLAB, SlabData, construct};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Gfp, Mem, PageFlag, Ref, UNIT, UNITS_PER_FRAME};

/// A free block, or the header in front of one that `kmalloc` gave out.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Block {
    /// Its length in units, this header included.
    pub units: u32,
    /// The next free block; the ring's first comes after the last.
    pub next: Ref<Block>,
}

describe!(Block, "slob_block", [units, next]);

/// Whole pages that [`kmalloc`] gave out.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct BigBlock {
    pages: Ref<Object>,
    next: Ref<BigBlock>,
}

const UNITS_OF_BIG: u32 = (size_of::<BigBlock>() / UNIT) as u32;

/// The ring.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Ring {
    /// A block of one unit that is never taken and closes the ring (`arena`). It lies below all
    /// pages.
    pub arena: Block,
    /// The block behind which the next search begins (`slobfree`).
    pub free: Ref<Block>,
    big: Ref<BigBlock>,
    /// Pages that the ring holds.
    pub pages: u32,
    _pad: u32,
}

describe!(
    Ring,
    "slob_ring",
    [arena, free, big, pages, _pad: Kind::Padding]
);

const UNITS_PER_PAGE: u32 = UNITS_PER_FRAME;

/// The sentinel.
pub const ARENA: Ref<Block> = SLAB.byte_add(offset_of!(SlabData, slob) + offset_of!(Ring, arena));

fn ring(mem: &mut Mem) -> &mut Ring {
    &mut mem[SLAB].slob
}

pub(super) fn boot(mem: &mut Mem) {
    *ring(mem) = Ring {
        arena: Block {
            units: 1,
            next: ARENA,
        },
        free: ARENA,
        ..Ring::zeroed()
    };
}

/// A cache is a size here.
pub(super) fn set_up(cache: &mut KmemCache) {
    cache.size = cache.object_size.next_multiple_of(UNIT as u32);
}

/// Takes so many units aligned to `align` bytes, a power of two, out of the ring.
fn alloc(mem: &mut Mem, units: u32, align: u32, gfp: Gfp) -> Result<Ref<Object>, Errno> {
    // Who walks the ring must not divide at every block.
    let mask = (align / UNIT as u32).max(1) - 1;
    let mut prev = mem[SLAB].slob.free;
    loop {
        let block = mem[prev].next;
        let Block {
            units: length,
            next,
        } = mem[block];
        let start = (block.unit() + mask) & !mask;
        let lead = start - block.unit();
        if block != ARENA && length >= units + lead {
            let mut block = block;
            if lead > 0 {
                // The part before the boundary stays free.
                let aligned: Ref<Block> = Ref::new(start);
                mem[aligned] = Block {
                    units: length - lead,
                    next,
                };
                mem[block] = Block {
                    units: lead,
                    next: aligned,
                };
                prev = block;
                block = aligned;
            }
            let Block {
                units: length,
                next,
            } = mem[block];
            if length == units {
                mem[prev].next = next;
            } else {
                let rest: Ref<Block> = Ref::new(block.unit() + units);
                mem[rest] = Block {
                    units: length - units,
                    next,
                };
                mem[prev].next = rest;
            }
            ring(mem).free = prev;
            return Ok(block.cast());
        }
        if block == mem[SLAB].slob.free {
            // Once round. A page more, which joins what is free beside it.
            let page = mem.alloc_pages(gfp, 0, None)?;
            mem[page].set(PageFlag::Slob);
            ring(mem).pages += 1;
            let frame = mem.frame_of(page);
            free(mem, Ref::of_frame(frame), UNITS_PER_PAGE);
            prev = mem[SLAB].slob.free;
            continue;
        }
        prev = block;
    }
}

/// Puts `units` units at `object` back into the ring.
fn free(mem: &mut Mem, object: Ref<Object>, units: u32) {
    let block: Ref<Block> = object.cast();
    let at = block.unit();
    let mut before = mem[SLAB].slob.free;
    loop {
        let next = mem[before].next;
        let is_between = before.unit() < at && at < next.unit();
        // The ring closes here: the block is behind the last one, or before the first.
        let is_at_turn = before.unit() >= next.unit() && (at > before.unit() || at < next.unit());
        if is_between || is_at_turn {
            break;
        }
        before = next;
    }
    let mut new = Block {
        units,
        next: mem[before].next,
    };
    if at + units == new.next.unit() {
        let Block { units, next } = mem[new.next];
        new.units += units;
        new.next = next;
    }
    if before.unit() + mem[before].units == at {
        mem[before].units += new.units;
        mem[before].next = new.next;
    } else {
        mem[block] = new;
        mem[before].next = block;
    }
    ring(mem).free = before;
}

/// Gives back the pages that are free as a whole. The original tries one a second.
pub(super) fn trim(mem: &mut Mem) {
    let mut prev = ARENA;
    loop {
        let block = mem[prev].next;
        if block == ARENA {
            return;
        }
        let Block { units, next } = mem[block];
        let end = block.unit() + units;
        let first = block.unit().next_multiple_of(UNITS_PER_PAGE);
        if first + UNITS_PER_PAGE > end {
            prev = block;
            continue;
        }
        // What lies behind the page stays, as a block of its own; so does what lies before.
        let behind = first + UNITS_PER_PAGE;
        let mut rest = next;
        if behind < end {
            rest = Ref::new(behind);
            mem[rest] = Block {
                units: end - behind,
                next,
            };
        }
        if first > block.unit() {
            mem[block] = Block {
                units: first - block.unit(),
                next: rest,
            };
        } else {
            mem[prev].next = rest;
        }
        // Where the search went on may be gone.
        ring(mem).free = ARENA;
        ring(mem).pages -= 1;
        let page = mem.page(first / UNITS_PER_PAGE);
        mem[page].clear(PageFlag::Slob);
        mem.put_page(page);
    }
}

/// Whether an object of this size has pages of its own.
fn is_big(size: u32) -> bool {
    size as usize >= FRAME_SIZE
}

fn order_of(size: u32) -> u32 {
    let pages = size.div_ceil(FRAME_SIZE as u32).next_power_of_two();
    pages.trailing_zeros()
}

/// An object of a cache. Its constructor runs each time: nothing keeps a free object as it was.
pub(super) fn cache_alloc(
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    gfp: Gfp,
) -> Result<Ref<Object>, Errno> {
    let KmemCache { size, align, .. } = mem[cache];
    let object = if is_big(size) {
        super::alloc_large(mem, order_of(size), gfp)?
    } else {
        alloc(mem, size / UNIT as u32, align, gfp)?
    };
    construct(mem, cache, object);
    mem[cache].nr_objects += 1;
    Ok(object)
}

/// Takes an object back.
#[inline(always)]
pub(super) fn cache_free(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Object>) {
    let size = mem[cache].size;
    if is_big(size) {
        super::free_large(mem, object);
    } else {
        free(mem, object, size / UNIT as u32);
    }
    mem[cache].nr_objects -= 1;
}

/// A block with its length in front, or whole pages and a record of them.
pub(super) fn kmalloc(mem: &mut Mem, size: u32, gfp: Gfp) -> Result<Ref<Object>, Errno> {
    let header = size_of::<Block>() as u32;
    if size < FRAME_SIZE as u32 - header {
        let units = size.div_ceil(UNIT as u32) + 1;
        let block: Ref<Block> = alloc(mem, units, UNIT as u32, gfp)?.cast();
        mem[block] = Block {
            units,
            next: Ref::NULL,
        };
        return Ok(block.byte_add(header as usize));
    }
    let record: Ref<BigBlock> = alloc(mem, UNITS_OF_BIG, UNIT as u32, gfp)?.cast();
    match super::alloc_large(mem, order_of(size), gfp) {
        Ok(pages) => {
            let next = mem[SLAB].slob.big;
            mem[record] = BigBlock { pages, next };
            ring(mem).big = record;
            Ok(pages)
        }
        Err(errno) => {
            free(mem, record.cast(), UNITS_OF_BIG);
            Err(errno)
        }
    }
}

pub(super) fn kfree(mem: &mut Mem, object: Ref<Object>) {
    if object.unit().is_multiple_of(UNITS_PER_PAGE) {
        let mut prev: Ref<BigBlock> = Ref::NULL;
        let mut record = mem[SLAB].slob.big;
        while !record.is_null() {
            let BigBlock { pages, next } = mem[record];
            if pages == object {
                if prev.is_null() {
                    ring(mem).big = next;
                } else {
                    mem[prev].next = next;
                }
                super::free_large(mem, object);
                return free(mem, record.cast(), UNITS_OF_BIG);
            }
            (prev, record) = (record, next);
        }
    }
    let header: Ref<Block> = object.byte_sub(size_of::<Block>());
    let units = mem[header].units;
    free(mem, header.cast(), units);
}

/// The free blocks in the order of their addresses.
pub fn free_blocks(mem: &Mem) -> impl Iterator<Item = (Ref<Block>, Block)> + '_ {
    let mut at = ARENA;
    core::iter::from_fn(move || {
        at = mem[at].next;
        (at != ARENA).then(|| (at, mem[at]))
    })
}

/// Checks the ring: ordered, joined where it can be, inside SLOB's own pages, closed.
pub(super) fn check(mem: &Mem) -> Result<(), &'static str> {
    let Ring { free, pages, .. } = mem[SLAB].slob;
    let (mut at, mut end, mut seen_free) = (ARENA, 0, free == ARENA);
    loop {
        let next = mem[at].next;
        if next == ARENA {
            break;
        }
        if next.unit() <= at.unit() || next.frame() >= mem.frames() {
            return Err("slob: the ring is not in the order of addresses");
        }
        let Block { units, .. } = mem[next];
        let last = next.unit() + units - 1;
        if units == 0 || last / UNITS_PER_PAGE >= mem.frames() {
            return Err("slob: a free block has an impossible length");
        }
        if next.unit() == end {
            return Err("slob: two free blocks touch and were not joined");
        }
        for frame in next.frame()..=last / UNITS_PER_PAGE {
            if !mem[mem.page(frame)].is(PageFlag::Slob) {
                return Err("slob: a free block lies outside the ring's pages");
            }
        }
        end = next.unit() + units;
        seen_free |= next == free;
        at = next;
    }
    if !seen_free {
        return Err("slob: the search would begin outside the ring");
    }
    let found = (0..mem.frames())
        .filter(|&frame| mem[mem.page(frame)].is(PageFlag::Slob))
        .count();
    if found as u32 != pages {
        return Err("slob: the ring's pages differ from their count");
    }
    Ok(())
}
