//! The slab caches, and one of them from within.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::mem::{Mem, Ref};
use kernel_core::slab::{self, KmemCache};
use kernel_core::{Kernel, cache_ops};

use crate::view::{CacheSlabsView, CacheView, SlabView};

/// The slab caches.
pub(crate) fn slab(kernel: &Kernel) -> SlabView {
    let mem = &kernel.mem;
    SlabView {
        allocator: slab::allocator(mem).name().to_string(),
        bugs: mem[slab::SLAB].bugs,
        caches: slab::caches(mem).map(|cache| numbers(mem, cache)).collect(),
    }
}

/// What is known of a cache without looking into its slabs.
fn numbers(mem: &Mem, cache: Ref<KmemCache>) -> CacheView {
    let counts = slab::counts(mem, cache);
    let descriptor = &mem[cache];
    let flags = descriptor.flags;
    CacheView {
        name: descriptor.name().to_string(),
        at: cache.unit(),
        object_size: descriptor.object_size,
        size: descriptor.size,
        objects_per_slab: descriptor.objects,
        pages_per_slab: 1 << descriptor.order,
        active_objects: counts.active_objects,
        total_objects: counts.total_objects,
        slabs: counts.slabs,
        partial: counts.partial,
        kept: 0,
        align: descriptor.align,
        flags: if flags.any() {
            flags.to_string()
        } else {
            String::new()
        },
        ops: cache_ops::get(descriptor.ops).map_or(String::new(), |ops| ops.name().to_string()),
        defrag_ratio: descriptor.defrag_ratio,
        has_constructor: descriptor.has_constructor(),
        is_console: descriptor.is_console(),
        aliases: Vec::new(),
    }
}

/// A cache from within: at most `max` of its slabs, from number `from` on.
pub(crate) fn cache(kernel: &Kernel, name: &str, _from: u32, _max: u32) -> Option<CacheSlabsView> {
    let mem = &kernel.mem;
    let cache = slab::find(mem, name)?;
    Some(CacheSlabsView {
        allocator: slab::allocator(mem).name().to_string(),
        cache: numbers(mem, cache),
        ..CacheSlabsView::default()
    })
}
