//! The three allocators under random load: objects keep what was written into them, nothing
//! overlaps, every invariant holds after every step, and all memory comes back.

extern crate std;

use std::string::String;
use std::vec::Vec;
use std::{format, println};

use super::*;
use crate::machine::MachineConfig;
use crate::mem::{MEM, Ram};
use crate::testing::Random;

/// Memory with an allocator and nothing else.
fn machine(allocator: Allocator, header: &str) -> Mem {
    let config = MachineConfig::parse(header).unwrap();
    let mut mem = Mem::boot(Ram::new(config.frames).unwrap(), &config);
    boot(&mut mem, allocator).unwrap();
    check(&mem).unwrap();
    mem
}

/// An object in use, and what is in it.
struct Live {
    /// `None`: from `kmalloc`.
    cache: Option<Ref<KmemCache>>,
    object: Ref<Object>,
    words: u32,
    pattern: u64,
}

impl Live {
    fn fill(&self, mem: &mut Mem) {
        for word in 0..self.words {
            mem[self.object.offset(word)] = self.pattern ^ u64::from(word);
        }
    }

    fn is_whole(&self, mem: &Mem) -> bool {
        (0..self.words).all(|word| mem[self.object.offset(word)] == self.pattern ^ u64::from(word))
    }
}

/// One random session; the error names what went wrong.
fn session(allocator: Allocator, header: &str, seed: u64, steps: u32) -> Result<(), String> {
    let mut random = Random(seed);
    let mut mem = machine(allocator, header);
    let mut caches = Vec::new();
    let sizes = [8, 24, 64, 100, 256, 288, 512, 700, 1024, 3000, 4096, 9000];
    for (number, size) in sizes.into_iter().enumerate() {
        let ctor = if random.below(2) == 0 {
            Constructor::Zero
        } else {
            Constructor::None
        };
        let align = 8 << random.below(4);
        let name = format!("cache{number}");
        match kmem_cache_create(&mut mem, &name, size, align, ctor) {
            Ok(cache) => caches.push(cache),
            Err(errno) => assert_eq!(errno, Errno::ENOMEM),
        }
    }
    let mut live: Vec<Live> = Vec::new();
    let mut growing = true;
    for step in 0..steps {
        let fail = |what: &str| Err(format!("step {step}: {what}"));
        if random.below(40) == 0 {
            growing = !growing;
        }
        match random.below(20) {
            0 => {
                let cpu = random.below(u64::from(mem[MEM].nr_cpus)) as u32;
                mem.set_cpu(cpu).unwrap();
            }
            1 if allocator == Allocator::Slab => queued::reap(&mut mem, random.below(2) == 0),
            2 if !caches.is_empty() => {
                let cache = caches[random.below(caches.len() as u64) as usize];
                kmem_cache_shrink(&mut mem, cache);
            }
            3 => mem[MEM].fail_nth = random.below(4) as u32,
            choice => {
                if !live.is_empty() && random.below(3) == u64::from(growing) {
                    let victim = live.swap_remove(random.below(live.len() as u64) as usize);
                    if !victim.is_whole(&mem) {
                        return fail("an object lost what was written into it");
                    }
                    match victim.cache {
                        Some(cache) => {
                            if mem[cache].has_constructor() {
                                for word in 0..victim.words {
                                    mem[victim.object.offset(word)] = 0;
                                }
                            }
                            kmem_cache_free(&mut mem, cache, victim.object);
                        }
                        None => kfree(&mut mem, victim.object),
                    }
                } else {
                    let from_cache = choice < 14 && !caches.is_empty();
                    let (cache, size) = if from_cache {
                        let cache = caches[random.below(caches.len() as u64) as usize];
                        (Some(cache), mem[cache].object_size)
                    } else {
                        (None, random.below(12_000) as u32 >> random.below(10))
                    };
                    let object = match cache {
                        Some(cache) => kmem_cache_alloc(&mut mem, cache, Gfp::KERNEL),
                        None => kmalloc(&mut mem, size, Gfp::KERNEL),
                    };
                    let Ok(object) = object else { continue };
                    if object == kmalloc::ZERO_SIZE_PTR {
                        continue;
                    }
                    let new = Live {
                        cache,
                        object,
                        words: size / 8,
                        pattern: random.next(),
                    };
                    if let Some(cache) = cache {
                        let is_zero = (0..new.words).all(|word| mem[object.offset(word)] == 0);
                        if mem[cache].has_constructor() && !is_zero {
                            return fail("a constructed object is not as constructed");
                        }
                        if !(object.unit() * 8).is_multiple_of(mem[cache].align) {
                            return fail("an object is not aligned");
                        }
                    }
                    new.fill(&mut mem);
                    live.push(new);
                }
            }
        }
        if let Err(what) = check(&mem).and_then(|()| mem.check_buddy()) {
            return fail(what);
        }
        for &cache in &caches {
            let expected = live.iter().filter(|live| live.cache == Some(cache)).count();
            if counts(&mem, cache).active_objects as usize != expected {
                return fail("a cache counts other objects than are in use");
            }
        }
    }
    mem[MEM].fail_nth = 0;
    if let Some(lost) = live.iter().find(|live| !live.is_whole(&mem)) {
        return Err(format!("{} lost what was written into it", lost.object));
    }
    for victim in live {
        match victim.cache {
            Some(cache) => kmem_cache_free(&mut mem, cache, victim.object),
            None => kfree(&mut mem, victim.object),
        }
    }
    for cache in caches {
        kmem_cache_destroy(&mut mem, cache).map_err(|errno| format!("destroy: {errno}"))?;
        check(&mem)?;
    }
    // The general caches and that of descriptors keep what they are used to.
    let all: Vec<_> = super::caches(&mem).collect();
    for _ in 0..2 {
        for &cache in &all {
            kmem_cache_shrink(&mut mem, cache);
        }
    }
    check(&mem)?;
    mem.check_buddy()?;
    let mut fresh = machine(allocator, header);
    let all: Vec<_> = super::caches(&fresh).collect();
    for _ in 0..2 {
        for &cache in &all {
            kmem_cache_shrink(&mut fresh, cache);
        }
    }
    let (left, had) = (mem.free_frames(), fresh.free_frames());
    if left == had {
        Ok(())
    } else {
        Err(format!(
            "{left} frames are free in the end, {had} were after boot"
        ))
    }
}

#[test]
fn random_sessions_leave_everything_sound() {
    let headers = ["mem=4M", "mem=8M nodes=2 cpus=3", "mem=16M nodes=4 cpus=8"];
    for seed in 0..24 {
        for allocator in Allocator::ALL {
            let header = headers[seed as usize % headers.len()];
            if let Err(what) = session(allocator, header, seed, 400) {
                println!("{} on {header}, seed {seed}", allocator.name());
                // The shortest session that shows it.
                let steps =
                    (1..=400).find(|&steps| session(allocator, header, seed, steps).is_err());
                panic!("{what}; shown by {steps:?} steps");
            }
        }
    }
}

/// specs/memory.md 2.2: what `/proc/slabinfo` says of a cache's slabs, on a machine of 64 MB.
#[test]
fn slabs_hold_as_many_objects_as_specified() {
    let vectors = [
        (Allocator::Slab, 32, 112),
        (Allocator::Slab, 64, 59),
        (Allocator::Slab, 128, 30),
        (Allocator::Slab, 512, 8),
        (Allocator::Slab, 2048, 2),
        (Allocator::Slub, 256, 16),
        (Allocator::Slub, 552, 7),
        (Allocator::Slub, 2048, 4),
    ];
    for (allocator, size, objects) in vectors {
        let mut mem = machine(allocator, "mem=64M");
        let align = if allocator == Allocator::Slab {
            size.min(64)
        } else {
            8
        };
        let cache = kmem_cache_create(&mut mem, "c", size, align, Constructor::None).unwrap();
        let per_page = mem[cache].objects >> mem[cache].order;
        let expected = if allocator == Allocator::Slub && size == 2048 {
            2
        } else {
            objects
        };
        assert_eq!(per_page, expected, "{} {size}", allocator.name());
    }
}

/// Successive slabs begin at successive colours, and then at the first again.
#[test]
fn colours_follow_each_other() {
    let mut mem = machine(Allocator::Slab, "mem=4M");
    let cache = kmem_cache_create(&mut mem, "c", 256, 64, Constructor::None).unwrap();
    assert_eq!((mem[cache].objects, mem[cache].queues.colour), (15, 2));
    let mut offsets = Vec::new();
    for _ in 0..4 {
        let objects: Vec<Ref<Object>> = (0..15)
            .map(|_| kmem_cache_alloc(&mut mem, cache, Gfp::KERNEL).unwrap())
            .collect();
        let lowest = objects.iter().map(|object| object.unit()).min().unwrap();
        let slab = queued::first_object(&mem, mem.head_page(objects[0]));
        assert!(lowest >= slab.unit());
        offsets.push(mem[Ref::<queued::Slab>::new(mem[mem.head_page(slab)].freelist)].colouroff);
    }
    assert_eq!(offsets.len(), 4);
    assert!(offsets.contains(&0) && offsets.contains(&64), "{offsets:?}");
}

/// A full array lets its oldest batch go, in order.
#[test]
fn arrays_are_stacks_that_let_the_oldest_go() {
    let mut mem = machine(Allocator::Slab, "mem=4M");
    let cache = kmem_cache_create(&mut mem, "c", 64, 64, Constructor::None).unwrap();
    let array = mem[cache].queues.cpu[0];
    assert_eq!((mem[array].limit, mem[array].batchcount), (120, 60));
    let objects: Vec<Ref<Object>> = (0..200)
        .map(|_| kmem_cache_alloc(&mut mem, cache, Gfp::KERNEL).unwrap())
        .collect();
    kmem_cache_shrink(&mut mem, cache);
    assert_eq!(mem[array].avail, 0);
    for &object in &objects[..120] {
        kmem_cache_free(&mut mem, cache, object);
    }
    assert_eq!(mem[array].avail, 120);
    kmem_cache_free(&mut mem, cache, objects[120]);
    assert_eq!(mem[array].avail, 61);
    // Last in, first out.
    let again: Ref<Object> = kmem_cache_alloc(&mut mem, cache, Gfp::KERNEL).unwrap();
    assert_eq!(again, objects[120]);
    let again: Ref<Object> = kmem_cache_alloc(&mut mem, cache, Gfp::KERNEL).unwrap();
    assert_eq!(again, objects[119]);
}

/// SLOB goes on where it stopped, cuts from the front, and joins what is freed.
#[test]
fn slob_is_next_fit_and_joins_neighbours() {
    let mut mem = machine(Allocator::Slob, "mem=4M");
    slob::trim(&mut mem);
    let a = kmalloc(&mut mem, 100, Gfp::KERNEL).unwrap();
    let b = kmalloc(&mut mem, 100, Gfp::KERNEL).unwrap();
    let c = kmalloc(&mut mem, 100, Gfp::KERNEL).unwrap();
    // A header of a unit in front of 13 units of 8 bytes.
    assert_eq!((b.unit() - a.unit(), c.unit() - b.unit()), (14, 14));
    let blocks = slob::free_blocks(&mem).count();
    kfree(&mut mem, b);
    assert_eq!(slob::free_blocks(&mem).count(), blocks + 1);
    // The block freed last is where the next search begins ...
    let d = kmalloc(&mut mem, 50, Gfp::KERNEL).unwrap();
    assert_eq!(d, b);
    // ... and what does not fit there goes on behind, as does what comes after it: next-fit.
    let e = kmalloc(&mut mem, 100, Gfp::KERNEL).unwrap();
    let f = kmalloc(&mut mem, 8, Gfp::KERNEL).unwrap();
    assert!(e.unit() > c.unit() && f.unit() > e.unit());
    kfree(&mut mem, e);
    kfree(&mut mem, f);
    kfree(&mut mem, a);
    kfree(&mut mem, c);
    kfree(&mut mem, d);
    check(&mem).unwrap();
    kfree(&mut mem, Ref::NULL);
    kfree(&mut mem, kmalloc::ZERO_SIZE_PTR);
}
