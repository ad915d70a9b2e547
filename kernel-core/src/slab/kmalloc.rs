//! Memory of any size: [`kmalloc`] and [`kfree`] over general caches.
//!
//! SLAB names them `size-N` and keeps a second set for old DMA controllers; SLUB's are `kmalloc-N`,
//! and what exceeds half a page goes straight to the page allocator (2.6.24). SLOB needs none: a
//! header in front of the block says how long it is.

use super::debug::Flags;
use super::{Allocator, KmemCache, Name, Object, Options, SLAB, allocator, queued, slob};
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Gfp, Mem, PageFlag, Ref, UNIT};

/// Sizes that SLAB has general caches of (line 64, specs/memory.md 2.2).
const SLAB_SIZES: [u32; 14] = [
    32, 64, 128, 192, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, SLAB_MAX,
];
/// The largest of them.
pub(super) const SLAB_MAX: u32 = 128 << 10;
/// Sizes that SLUB has general caches of (2.6.24, specs/memory.md 2.3).
pub(super) const SLUB_SIZES: [u32; 11] = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048];

/// General caches that there may be: SLAB's, each with one for DMA.
pub(super) const CLASSES_MAX: usize = 2 * SLAB_SIZES.len();

/// What `kmalloc` of no bytes returns: a place that nothing may be written to.
pub const ZERO_SIZE_PTR: Ref<Object> = Ref::new(2);

/// Creates the general caches.
pub(super) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    match allocator(mem) {
        Allocator::Slub => {
            for class in 0..SLUB_SIZES.len() {
                create(mem, class, Gfp::KERNEL)?;
            }
        }
        Allocator::Slab => {
            for class in 0..SLAB_SIZES.len() {
                create(mem, class, Gfp::KERNEL)?;
                create(mem, class, Gfp::DMA)?;
            }
        }
        Allocator::Slob => {}
    }
    Ok(())
}

/// Creates the general cache of a size, for DMA or not.
fn create(mem: &mut Mem, class: usize, gfp: Gfp) -> Result<(), Errno> {
    let is_dma = gfp.contains(Gfp::DMA);
    let (size, align, name) = match allocator(mem) {
        Allocator::Slab => {
            let size = SLAB_SIZES[class];
            let dma = if is_dma { "(DMA)" } else { "" };
            let name = Name::of(format_args!("size-{size}{dma}"));
            (size, queued::LINE.min(size), name)
        }
        _ => {
            let size = SLUB_SIZES[class];
            let dma = if is_dma { "_dma" } else { "" };
            (
                size,
                UNIT as u32,
                Name::of(format_args!("kmalloc{dma}-{size}")),
            )
        }
    };
    let flags = if is_dma {
        Flags::CACHE_DMA
    } else {
        Flags::default()
    };
    let options = Options {
        align,
        flags,
        ..Options::default()
    };
    let cache = super::kmem_cache_create_with(mem, name.text(), size, options)?;
    mem[SLAB].general[2 * class + usize::from(is_dma)] = cache;
    Ok(())
}

/// The number of the size class from which `kmalloc` serves `size` bytes, if a cache does.
fn class_of(mem: &Mem, size: u32) -> Option<usize> {
    let sizes: &[u32] = match allocator(mem) {
        // What exceeds half a page is the page allocator's.
        Allocator::Slub => &SLUB_SIZES,
        Allocator::Slab => &SLAB_SIZES,
        Allocator::Slob => &[],
    };
    sizes.iter().position(|&class| size <= class)
}

/// The general cache from which `kmalloc` serves `size` bytes, if there is one.
pub fn general_cache(mem: &Mem, size: u32, gfp: Gfp) -> Option<Ref<KmemCache>> {
    let class = 2 * class_of(mem, size)? + usize::from(gfp.contains(Gfp::DMA));
    Some(mem[SLAB].general[class]).filter(|cache| !cache.is_null())
}

/// Allocates `size` bytes, aligned to 8.
///
/// # Errors
/// `ENOMEM`; also for more than the allocator handles (128 KiB with SLAB, 4 MiB else).
pub fn kmalloc(mem: &mut Mem, size: u32, gfp: Gfp) -> Result<Ref<Object>, Errno> {
    if size == 0 {
        return Ok(ZERO_SIZE_PTR);
    }
    if let Some(cache) = general_cache(mem, size, gfp) {
        return super::kmem_cache_alloc(mem, cache, gfp);
    }
    match allocator(mem) {
        Allocator::Slub => {
            // The caches for DMA are made when somebody asks for them.
            if let Some(class) = class_of(mem, size) {
                create(mem, class, gfp)?;
                return kmalloc(mem, size, gfp);
            }
            let order = size.div_ceil(FRAME_SIZE as u32).next_power_of_two();
            super::alloc_large(mem, order.trailing_zeros(), gfp)
        }
        Allocator::Slab => Err(Errno::ENOMEM),
        Allocator::Slob => slob::kmalloc(mem, size, gfp),
    }
}

/// Gives back what [`kmalloc`] returned. NULL and [`ZERO_SIZE_PTR`] are taken, too.
pub fn kfree(mem: &mut Mem, object: Ref<Object>) {
    if object.is_null() || object == ZERO_SIZE_PTR {
        return;
    }
    if allocator(mem) == Allocator::Slob {
        return slob::kfree(mem, object);
    }
    let page = mem.head_page(object);
    if mem[page].is(PageFlag::Slab) {
        let cache = Ref::new(mem[page].mapping);
        super::kmem_cache_free(mem, cache, object);
    } else {
        super::free_large(mem, object);
    }
}
