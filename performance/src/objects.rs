//! The slab allocators: objects of 128 bytes, allocated, freed in random order, and coming and going.

use kernel_core::Kernel;
use kernel_core::mem::{Gfp, Ref};
use kernel_core::slab::{self, Constructor, KmemCache, Object};

use crate::{Measured, Random, Workload, crowd};

/// Bytes of an object.
const BYTES: u32 = 128;

const SIZES: &[u32] = &[10_000, 100_000, 1_000_000];
/// SLOB looks through its pages for room, so that a million objects would take it hours.
const SLOB_SIZES: &[u32] = &[100, 1_000, 10_000];
const GATED: u32 = 10_000;
const SLOB_GATED: u32 = 1_000;

const ALLOC: &str = "an object of 128 bytes is allocated, where others were freed in random order; \
                     size: objects";
const FREE: &str = "an object of 128 bytes is freed, in random order; size: objects";
const PAIR: &str =
    "a random object of 128 bytes is freed and another one allocated; size: objects in use";

macro_rules! workloads {
    ($($constant:ident = $name:literal, $what:ident, $allocator:literal, $work:expr, $sizes:ident, $gated:ident, $growth:literal;)*) => {
        $(pub const $constant: Workload = Workload {
            name: $name,
            what: $what,
            sizes: $sizes,
            gated: $gated,
            growth: $growth,
            make: |size| Objects::boxed($allocator, size, $work),
        };)*
    };
}

workloads! {
    SLUB_ALLOC = "slub.alloc", ALLOC, "slub", Work::Alloc, SIZES, GATED, 0.0;
    SLUB_FREE = "slub.free", FREE, "slub", Work::Free, SIZES, GATED, 0.0;
    SLUB_PAIR = "slub.pair", PAIR, "slub", Work::Pair, SIZES, GATED, 0.0;
    SLAB_ALLOC = "slab.alloc", ALLOC, "slab", Work::Alloc, SIZES, GATED, 0.0;
    SLAB_FREE = "slab.free", FREE, "slab", Work::Free, SIZES, GATED, 0.0;
    SLAB_PAIR = "slab.pair", PAIR, "slab", Work::Pair, SIZES, GATED, 0.0;
    SLOB_ALLOC = "slob.alloc", ALLOC, "slob", Work::Alloc, SLOB_SIZES, SLOB_GATED, 1.0;
    SLOB_FREE = "slob.free", FREE, "slob", Work::Free, SLOB_SIZES, SLOB_GATED, 1.0;
    SLOB_PAIR = "slob.pair", PAIR, "slob", Work::Pair, SLOB_SIZES, SLOB_GATED, 1.0;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Alloc,
    Free,
    Pair,
}

struct Objects {
    kernel: Kernel,
    cache: Ref<KmemCache>,
    work: Work,
    /// Those in use.
    held: Vec<Ref<Object>>,
    /// Which one goes next.
    places: Vec<u32>,
    size: u32,
}

impl Objects {
    fn boxed(allocator: &str, size: u32, work: Work) -> Box<dyn Measured> {
        // What the objects take and half as much, and the kernel's own.
        let megabytes = 16 + size / 1000 * BYTES * 3 / 2 / 1000;
        let mut kernel = crowd::kernel(&format!("mem={megabytes}M slab={allocator}"));
        let cache = slab::kmem_cache_create(&mut kernel.mem, "bench", BYTES, 8, Constructor::None);
        let mut random = Random(2);
        let places = (0..size)
            .map(|_| random.below(size as usize) as u32)
            .collect();
        let mut objects = Objects {
            kernel,
            cache: cache.expect("a cache"),
            work,
            held: Vec::with_capacity(size as usize),
            places,
            size,
        };
        objects.alloc();
        Box::new(objects)
    }

    fn alloc(&mut self) {
        let mem = &mut self.kernel.mem;
        for number in self.held.len()..self.size as usize {
            let object = slab::kmem_cache_alloc(mem, self.cache, Gfp::KERNEL).expect("memory");
            // Whoever allocates an object writes to it.
            mem[object] = number as u64;
            self.held.push(object);
        }
    }

    fn free(&mut self) {
        for object in self.held.drain(..) {
            slab::kmem_cache_free(&mut self.kernel.mem, self.cache, object);
        }
    }

    fn pair(&mut self) {
        let mem = &mut self.kernel.mem;
        for &place in &self.places {
            let held = &mut self.held[place as usize];
            slab::kmem_cache_free(mem, self.cache, *held);
            let object = slab::kmem_cache_alloc(mem, self.cache, Gfp::KERNEL).expect("memory");
            mem[object] = u64::from(place);
            *held = object;
        }
    }
}

impl Measured for Objects {
    fn prepare(&mut self) {
        self.alloc();
        // Where they lie is their handles' order, so that every start is the same one.
        self.held.sort_unstable_by_key(|object| object.unit());
        Random(3).shuffle(&mut self.held);
        if self.work == Work::Alloc {
            self.free();
        }
    }

    fn run(&mut self) -> u64 {
        match self.work {
            Work::Alloc => self.alloc(),
            Work::Free => self.free(),
            Work::Pair => self.pair(),
        }
        u64::from(self.size)
    }
}
