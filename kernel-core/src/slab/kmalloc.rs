//! Memory of any size: [`kmalloc`] and [`kfree`] over general caches.
//!
//! SLAB names them `size-N` and keeps a second set for old DMA controllers; SLUB's are `kmalloc-N`,
//! and what exceeds half a page goes straight to the page allocator (2.6.24). SLOB needs none: a
//! header in front of the block says how long it is.

use super::{Allocator, Constructor, KmemCache, Name, Object, SLAB, allocator, queued, slob};
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Gfp, Mem, PageFlag, Ref, UNIT};

/// Sizes that SLAB has general caches of (line 64, specs/memory.md 2.2).
const SLAB_SIZES: [u32; 14] = [
    32, 64, 128, 192, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, SLAB_MAX,
];
/// The largest of them.
pub(super) const SLAB_MAX: u32 = 128 << 10;
/// Sizes that SLUB has general caches of (2.6.24, specs/memory.md 2.3).
const SLUB_SIZES: [u32; 11] = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048];

/// General caches that there may be: SLAB's, each with one for DMA.
pub(super) const CLASSES_MAX: usize = 2 * SLAB_SIZES.len();

/// What `kmalloc` of no bytes returns: a place that nothing may be written to.
pub const ZERO_SIZE_PTR: Ref<Object> = Ref::new(2);

/// Creates the general caches.
pub(super) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    match allocator(mem) {
        Allocator::Slub => {
            for (class, size) in SLUB_SIZES.into_iter().enumerate() {
                let name = Name::of(format_args!("kmalloc-{size}"));
                let align = if size.is_power_of_two() {
                    size
                } else {
                    UNIT as u32
                };
                create(mem, class, name.text(), size, align)?;
            }
        }
        Allocator::Slab => {
            for (class, size) in SLAB_SIZES.into_iter().enumerate() {
                let name = Name::of(format_args!("size-{size}"));
                create(mem, 2 * class, name.text(), size, queued::LINE.min(size))?;
                let name = Name::of(format_args!("size-{size}(DMA)"));
                create(
                    mem,
                    2 * class + 1,
                    name.text(),
                    size,
                    queued::LINE.min(size),
                )?;
            }
        }
        Allocator::Slob => {}
    }
    Ok(())
}

fn create(mem: &mut Mem, class: usize, name: &str, size: u32, align: u32) -> Result<(), Errno> {
    let align = align.min(FRAME_SIZE as u32);
    let cache = super::kmem_cache_create(mem, name, size, align, Constructor::None)?;
    mem[SLAB].general[class] = cache;
    Ok(())
}

/// The general cache from which `kmalloc` serves `size` bytes, if a cache does.
pub fn general_cache(mem: &Mem, size: u32, gfp: Gfp) -> Option<Ref<KmemCache>> {
    let class = match allocator(mem) {
        Allocator::Slub if size > FRAME_SIZE as u32 / 2 => return None,
        Allocator::Slub => SLUB_SIZES.iter().position(|&class| size <= class)?,
        Allocator::Slab => {
            let class = SLAB_SIZES.iter().position(|&class| size <= class)?;
            2 * class + usize::from(gfp.contains(Gfp::DMA))
        }
        Allocator::Slob => return None,
    };
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
