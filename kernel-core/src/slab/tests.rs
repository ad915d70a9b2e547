//! The three allocators under random load: objects keep what was written into them, nothing
//! overlaps, every invariant holds after every step, and all memory comes back.

extern crate std;

use std::string::String;
use std::vec::Vec;
use std::{format, println};

use super::play::Handle;
use super::*;
use crate::machine::MachineConfig;
use crate::mem::{MEM, Ram};
use crate::testing::Random;
use crate::trace::{TRACE, Tracepoint};

/// A machine with room for everything. Miri would spend its time on the page descriptors.
pub(super) const LARGE: &str = if cfg!(miri) { "mem=4M" } else { "mem=64M" };

/// Memory with an allocator and nothing else.
pub(super) fn machine(allocator: Allocator, header: &str) -> Mem {
    let config = MachineConfig::parse(header).unwrap();
    let mut mem = Mem::boot(Ram::new(config.frames).unwrap(), &config);
    boot_with(&mut mem, allocator, &config.slub).unwrap();
    crate::printk::shown(&mut mem);
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
            3 => mem.set_fail_nth(random.below(4) as u32),
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
    mem.set_fail_nth(0);
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
    // What scratch memory leaves behind is not the sessions' doing.
    let left = mem.free_frames() + crate::testing::general_pages(&mem);
    let mut fresh = machine(allocator, header);
    let all: Vec<_> = super::caches(&fresh).collect();
    for _ in 0..2 {
        for &cache in &all {
            kmem_cache_shrink(&mut fresh, cache);
        }
    }
    let had = fresh.free_frames() + crate::testing::general_pages(&fresh);
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
    let headers = [
        "mem=4M",
        "mem=8M nodes=2 cpus=3",
        "mem=16M nodes=4 cpus=8",
        "mem=8M cpus=2 slub_debug",
        "mem=16M nodes=2 slub_debug=F slub_min_order=2 slub_min_objects=16",
    ];
    // Miri takes a thousand times as long for a step.
    let (seeds, steps) = if cfg!(miri) { (1, 25) } else { (25, 400) };
    for seed in 0..seeds {
        for allocator in Allocator::ALL {
            let header = headers[seed as usize % headers.len()];
            if let Err(what) = session(allocator, header, seed, steps) {
                println!("{} on {header}, seed {seed}", allocator.name());
                // The shortest session that shows it.
                let steps =
                    (1..=steps).find(|&steps| session(allocator, header, seed, steps).is_err());
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
        let mut mem = machine(allocator, LARGE);
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

/// specs/memory.md 2.3: 64-byte objects, how far apart they are and where the link stands.
#[test]
fn watched_objects_are_laid_out_as_specified() {
    let check = |flags: &str, ctor, size: u32, offset: u32, inuse: u32| {
        let mut mem = machine(Allocator::Slub, "mem=4M");
        let flags = debug::Flags::from_letters(flags).unwrap();
        let options = Options {
            ctor,
            flags,
            ..Options::default()
        };
        let cache = kmem_cache_create_with(&mut mem, "c", 64, options).unwrap();
        let KmemCache {
            size: found,
            offset: link,
            inuse: end,
            ..
        } = mem[cache];
        assert_eq!((found, link, end), (size, offset, inuse), "{flags}");
    };
    check("-", Constructor::None, 64, 0, 64);
    check("-", Constructor::Zero, 72, 64, 64);
    check("Z", Constructor::None, 80, 0, 72);
    check("FZP", Constructor::None, 88, 72, 72);
    check("FZPU", Constructor::None, 136, 72, 72);
}

/// A watched cache with objects in use, for somebody to break.
struct Watched {
    mem: Mem,
    cache: Ref<KmemCache>,
    objects: Vec<Ref<Object>>,
}

impl Watched {
    fn new(size: u32, flags: &str) -> Watched {
        let mut mem = machine(Allocator::Slub, "mem=4M");
        let flags = debug::Flags::from_letters(flags).unwrap();
        let options = Options {
            flags,
            ..Options::default()
        };
        let cache = kmem_cache_create_with(&mut mem, "c", size, options).unwrap();
        let objects = (0..6)
            .map(|_| kmem_cache_alloc(&mut mem, cache, Gfp::KERNEL).unwrap())
            .collect();
        Watched {
            mem,
            cache,
            objects,
        }
    }

    fn poke(&mut self, object: Ref<Object>, offset: u32, value: u8) {
        let at: Ref<[u8; 8]> = Ref::new(object.unit() + offset / 8);
        self.mem[at][offset as usize % 8] = value;
    }

    fn free(&mut self, object: Ref<Object>) {
        kmem_cache_free(&mut self.mem, self.cache, object);
    }

    fn log(&self) -> String {
        let mut bytes = std::vec![0; crate::printk::CAPACITY];
        let since_boot = self.mem[crate::printk::LOG].shown.max(self.mem.log_start());
        let length = self.mem.read_log(since_boot, &mut bytes);
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }
}

/// Breaks something, and expects the log to name it.
#[track_caller]
fn finds(reason: &str, size: u32, flags: &str, wreck: impl FnOnce(&mut Watched)) {
    let mut watched = Watched::new(size, flags);
    wreck(&mut watched);
    let log = watched.log();
    let wanted = format!("BUG c: {reason}");
    assert!(log.contains(&wanted), "{reason}: the log says\n{log}");
    // It is mended: whoever comes next finds nothing, and the kernel is sound.
    check(&watched.mem).unwrap();
    debug::validate(&mut watched.mem, watched.cache);
    let found = watched.mem[SLAB].bugs;
    assert_eq!(debug::validate(&mut watched.mem, watched.cache), 0);
    assert_eq!(watched.mem[SLAB].bugs, found);
    for _ in 0..100 {
        kmem_cache_alloc::<Object>(&mut watched.mem, watched.cache, Gfp::KERNEL).unwrap();
    }
    check(&watched.mem).unwrap();
}

#[test]
fn every_kind_of_corruption_is_named() {
    // One byte too far, found when the object is freed.
    finds("Redzone overwritten", 60, "FZPU", |it| {
        let object = it.objects[2];
        it.poke(object, 60, 0x41);
        it.free(object);
    });
    // The same where the object fills its words.
    finds("Redzone overwritten", 64, "FZPU", |it| {
        let object = it.objects[2];
        it.poke(object, 64, 0);
        it.free(object);
    });
    // Behind a free object, found when it is given out again.
    finds("Redzone overwritten", 64, "FZPU", |it| {
        let object = it.objects[5];
        it.free(object);
        it.poke(object, 65, 0);
        kmem_cache_alloc::<Object>(&mut it.mem, it.cache, Gfp::KERNEL).unwrap();
    });
    // Use after free: the first byte, and the last.
    finds("Poison overwritten", 64, "FZPU", |it| {
        let object = it.objects[5];
        it.free(object);
        it.poke(object, 0, 1);
        kmem_cache_alloc::<Object>(&mut it.mem, it.cache, Gfp::KERNEL).unwrap();
    });
    finds("Poison overwritten", 64, "FZPU", |it| {
        let object = it.objects[5];
        it.free(object);
        it.poke(object, 63, 0x6b);
        kmem_cache_alloc::<Object>(&mut it.mem, it.cache, Gfp::KERNEL).unwrap();
    });
    // Far beyond the end.
    finds("Object padding overwritten", 64, "FZPU", |it| {
        let object = it.objects[1];
        it.poke(object, 130, 9);
        it.free(object);
    });
    // Between the object and the next word, where there is no red zone.
    finds("Alignment padding overwritten", 60, "FP", |it| {
        let object = it.objects[1];
        it.poke(object, 61, 9);
        it.free(object);
    });
    // Behind the last object of a slab.
    finds("Padding overwritten", 64, "FZPU", |it| {
        let KmemCache { size, objects, .. } = it.mem[it.cache];
        let start: Ref<Object> = Ref::of_frame(it.objects[0].frame());
        it.poke(start, size * objects + 1, 9);
        it.free(it.objects[0]);
    });
    finds("Object already free", 64, "FZPU", |it| {
        it.free(it.objects[3]);
        it.free(it.objects[3]);
    });
    finds("Object already free", 64, "F", |it| {
        it.free(it.objects[3]);
        it.free(it.objects[3]);
    });
    // An address inside an object.
    finds("Invalid object pointer", 64, "FZPU", |it| {
        it.free(it.objects[3].offset(1));
    });
    // Of a page that is no slab.
    finds("Attempt to free object", 64, "FZPU", |it| {
        let page = it.mem.alloc_page(Gfp::KERNEL).unwrap();
        let frame = it.mem.frame_of(page);
        it.free(Ref::of_frame(frame));
        it.mem.put_page(page);
    });
    // Of another cache.
    finds("page slab pointer corrupt", 64, "FZPU", |it| {
        let other = kmalloc(&mut it.mem, 64, Gfp::KERNEL).unwrap();
        it.free(other);
    });
    // The link of a free object.
    finds("Freepointer corrupt", 64, "FZP", |it| {
        it.free(it.objects[4]);
        it.free(it.objects[5]);
        it.poke(it.objects[5], 72, 0x13);
        kmem_cache_alloc::<Object>(&mut it.mem, it.cache, Gfp::KERNEL).unwrap();
    });
    // The same further down the chain, found when something else is freed.
    finds("Freechain corrupt", 64, "FZP", |it| {
        it.free(it.objects[4]);
        it.free(it.objects[5]);
        it.poke(it.objects[5], 73, 0x77);
        it.free(it.objects[0]);
    });
    // The slab's count.
    finds("Wrong object count", 64, "FZP", |it| {
        let page = it.mem.head_page(it.objects[0]);
        it.mem[page].inuse -= 1;
        it.free(it.objects[0]);
    });
    finds("inuse 999 > max", 64, "FZP", |it| {
        let page = it.mem.head_page(it.objects[0]);
        let inuse = it.mem[page].inuse;
        it.mem[page].inuse = 999;
        it.free(it.objects[0]);
        it.mem[page].inuse = inuse;
    });
    // A free object that the head of the chain does not lead to.
    finds("Freepointer corrupt", 64, "FZP", |it| {
        let page = it.mem.head_page(it.objects[0]);
        it.mem[page].freelist = it.objects[0].unit() + 1;
        it.free(it.objects[1]);
    });
}

/// What the log says of an overrun, word for word.
#[test]
fn a_report_reads_as_the_kernels() {
    let mut it = Watched::new(8, "FZPU");
    let object = it.objects[1];
    it.mem[object] = u64::from_le_bytes(*b"1019.005");
    it.poke(object, 8, 0);
    it.free(object);
    let start = object.address();
    let expected = format!(
        "\
=============================================================================
BUG c: Redzone overwritten
-----------------------------------------------------------------------------

INFO: 0x{0:016x}-0x{0:016x}. First byte 0x0 instead of 0xcc
INFO: Allocated in line 0 age=",
        start + 8
    );
    let log = it.log();
    assert!(log.starts_with(&expected), "{log}");
    assert!(log.contains("  Object 0x"), "{log}");
    assert!(log.contains(" 31 30 31 39 2e 30 30 35"), "{log}");
    assert!(log.contains(" 1019.005\n"), "{log}");
    assert!(log.contains(" Redzone 0x"), "{log}");
    assert!(log.contains("FIX c: Restoring Redzone 0x"), "{log}");
    assert!(log.ends_with(" not freed\n\n"), "{log}");
}

/// A machine with a cache of 128-byte objects, `count` of them, of which a random tenth is left.
fn scattered(ops: &str, count: u32, seed: u64) -> (Mem, Ref<KmemCache>) {
    let mut mem = machine(Allocator::Slub, LARGE);
    let cache = kmem_cache_create(&mut mem, "c", 120, 8, Constructor::Zero).unwrap();
    let ops = crate::cache_ops::by_name(ops).unwrap();
    defrag::kmem_cache_setup_defrag(&mut mem, cache, ops).unwrap();
    let mut random = Random(seed);
    let mut handles: Vec<Ref<play::Handle>> = (0..count)
        .map(|number| {
            let handle = play::alloc(&mut mem, cache, Gfp::KERNEL).unwrap();
            let object = mem[handle].object;
            mem[object.offset(1)] = u64::from(number);
            handle
        })
        .collect();
    for _ in 0..count / 10 * 9 {
        let victim = handles.swap_remove(random.below(handles.len() as u64) as usize);
        play::free_owned(&mut mem, victim);
    }
    (mem, cache)
}

/// What the objects hold, by owner.
fn contents(mem: &Mem) -> Vec<u64> {
    play::handles(mem)
        .map(|handle| mem[mem[handle].object.offset(1)])
        .collect()
}

#[test]
fn movable_objects_give_their_pages_back() {
    let (mut mem, cache) = scattered("movable", if cfg!(miri) { 3200 } else { 100_000 }, 3);
    let before = contents(&mem);
    let minimum = counts(&mem, cache)
        .active_objects
        .div_ceil(mem[cache].objects);
    let held = mem[cache].nr_slabs;
    assert!(
        held > 9 * minimum,
        "{held} slabs of {minimum}: not scattered"
    );
    // Nothing of order 5 is left, not even after the CPUs' own pages have come back ...
    mem.drain_all_pages();
    while mem.alloc_pages(Gfp::KERNEL, 5, None).is_ok() {}
    let start = std::time::Instant::now();
    let freed = defrag::kmem_cache_defrag(&mut mem, None);
    println!("{held} slabs, {freed} pages freed in {:?}", start.elapsed());
    check(&mem).unwrap();
    mem.check_buddy().unwrap();
    assert_eq!(
        contents(&mem),
        before,
        "an object lost its content on the way"
    );
    let held = mem[cache].nr_slabs;
    assert!(
        held * 100 <= minimum * 105,
        "{held} slabs are held, {minimum} would do"
    );
    // ... and now there is.
    mem.drain_all_pages();
    mem.alloc_pages(Gfp::KERNEL, 5, None).unwrap();
}

/// An object that was given out twice is found, whichever allocator did it.
#[test]
fn an_object_with_two_owners_is_found() {
    for allocator in Allocator::ALL {
        let mut mem = machine(allocator, "mem=4M");
        let cache = kmem_cache_create(&mut mem, "c", 64, 8, Constructor::None).unwrap();
        mem[cache].set_console();
        let [first, second] = [(); 2].map(|_| play::alloc(&mut mem, cache, Gfp::KERNEL).unwrap());
        check(&mem).unwrap();
        // As if the allocator had given out the first one twice.
        let Handle { object, .. } = mem[second];
        kmem_cache_free(&mut mem, cache, object);
        mem[second].object = mem[first].object;
        assert_eq!(
            check(&mem),
            Err("kmem: a cache's objects in use have more handles than they are")
        );
    }
}

/// Whatever the allocators write is among the frames that the next checkpoint copies, although their
/// fast paths look before they mark a frame.
#[test]
fn what_is_written_is_marked() {
    for allocator in Allocator::ALL {
        let mut mem = machine(allocator, "mem=4M");
        let mut random = Random(7);
        let cache = kmem_cache_create(&mut mem, "c", 128, 8, Constructor::None).unwrap();
        let mut live: Vec<Ref<Object>> = Vec::new();
        for round in 0..if cfg!(miri) { 3 } else { 60 } {
            let before: Vec<[u8; 4096]> = (0..mem.frames()).map(|at| *mem.frame(at)).collect();
            mem.ram_mut().clean();
            for _ in 0..1 + random.below(100) {
                if live.is_empty() || random.below(100) < 50 + round % 7 {
                    live.push(kmem_cache_alloc(&mut mem, cache, Gfp::KERNEL).unwrap());
                } else {
                    let victim = live.swap_remove(random.below(live.len() as u64) as usize);
                    kmem_cache_free(&mut mem, cache, victim);
                }
            }
            let marked: Vec<u32> = mem.ram().dirty_frames().collect();
            for (frame, before) in (0..).zip(&before) {
                assert!(
                    marked.contains(&frame) || mem.frame(frame) == before,
                    "{} wrote to frame {frame} and did not mark it",
                    allocator.name()
                );
            }
        }
    }
}

#[test]
fn pinned_objects_stay_where_they_are() {
    let (mut mem, cache) = scattered("pinned", if cfg!(miri) { 600 } else { 20_000 }, 4);
    let places: Vec<_> = play::handles(&mem)
        .map(|handle| mem[handle].object)
        .collect();
    let held = mem[cache].nr_slabs;
    kmem_cache_shrink(&mut mem, cache);
    check(&mem).unwrap();
    let after: Vec<_> = play::handles(&mem)
        .map(|handle| mem[handle].object)
        .collect();
    assert_eq!(places, after);
    // Only what was empty has gone.
    assert!(mem[cache].nr_slabs <= held);
    assert!(mem[cache].nr_slabs > held / 2);
}

/// Whatever fails on the way, everything stays valid.
#[test]
fn defragmentation_may_fail_anywhere() {
    let (step, count) = if cfg!(miri) { (20, 300) } else { (1, 2000) };
    for fail_nth in (1..60).step_by(step) {
        let (mut mem, cache) = scattered("movable", count, u64::from(fail_nth));
        let before = contents(&mem);
        mem.set_fail_nth(fail_nth);
        kmem_cache_shrink(&mut mem, cache);
        check(&mem).unwrap();
        mem.check_buddy().unwrap();
        assert_eq!(contents(&mem), before);
    }
}

#[test]
fn a_get_that_calls_the_allocator_is_caught() {
    let (mut mem, cache) = scattered("naughty", 2000, 1);
    kmem_cache_shrink(&mut mem, cache);
    assert!(mem[SLAB].bugs > 0);
    let mut bytes = [0; 4096];
    let length = mem.read_log(mem.log_start(), &mut bytes);
    let log = String::from_utf8_lossy(&bytes[..length]);
    assert!(
        log.contains("BUG c: slab function called from get(), which holds the slab's lock"),
        "{log}"
    );
    check(&mem).unwrap();
}

#[test]
fn vacating_answers_one_or_zero() {
    let (mut mem, cache) = scattered("movable", 2000, 5);
    let first = play::handles(&mem).next().unwrap();
    let page = mem.head_page(mem[first].object);
    kmem_cache_shrink(&mut mem, cache);
    let page = if is_slab_of(&mem, page, cache) {
        page
    } else {
        mem.head_page(mem[first].object)
    };
    assert!(defrag::kmem_cache_vacate(&mut mem, page));
    check(&mem).unwrap();
    // Of what is no slab, or has no callbacks, nothing can be moved.
    let other = kmalloc(&mut mem, 64, Gfp::KERNEL).unwrap();
    let page = mem.head_page(other);
    assert!(!defrag::kmem_cache_vacate(&mut mem, page));
    let null = mem.page(0);
    assert!(!defrag::kmem_cache_vacate(&mut mem, null));
    check(&mem).unwrap();
}

/// The fields of the events of one kind since event `from`.
fn told(mem: &Mem, from: u64, tracepoint: Tracepoint) -> Vec<Vec<u64>> {
    let events = (from..mem[TRACE].events).filter_map(|number| mem.event(number));
    events
        .filter(|event| event.tracepoint == tracepoint)
        .map(|event| event.args().to_vec())
        .collect()
}

#[test]
fn defragmentation_tells_what_it_decides() {
    let (mut mem, cache) = scattered("movable", 2000, 7);
    let (slabs, partial) = {
        let counts = counts(&mem, cache);
        (counts.slabs, counts.partial)
    };
    let objects = u64::from(mem[cache].objects);
    mem.set_recording(true);
    let from = mem[TRACE].events;
    defrag::kmem_cache_defrag(&mut mem, None);
    let of_cache = |tracepoint| -> Vec<Vec<u64>> {
        let mut events = told(&mem, from, tracepoint);
        events.retain(|args| args[0] == u64::from(cache.unit()));
        events
    };
    let begin = of_cache(Tracepoint::KmemCacheDefragBegin);
    let end = of_cache(Tracepoint::KmemCacheDefragEnd);
    assert_eq!((begin.len(), end.len()), (1, 1));
    assert_eq!(
        begin[0][2..5],
        [slabs, partial, defrag::MAX_PARTIAL].map(u64::from)
    );
    assert_eq!(end[0][2], u64::from(mem[cache].nr_slabs));

    // The room that was counted decides how many are taken, the fullest last.
    let choices = of_cache(Tracepoint::KmemCacheDefrag);
    let taken: Vec<_> = choices.iter().filter(|args| args[5] == 1).collect();
    assert!(taken.is_sorted_by_key(|args| args[2]) && taken.len() > 10);
    let moving: u64 = taken.iter().map(|args| args[2]).sum();
    let room: u64 = taken.iter().map(|args| objects - args[2]).sum();
    assert!(moving <= begin[0][5] - room);

    // Each object of a slab taken is answered for, then moved.
    let vacated = of_cache(Tracepoint::KmemCacheVacate);
    let answers = of_cache(Tracepoint::KmemCacheGet);
    let moves = of_cache(Tracepoint::KmemCacheMove);
    assert_eq!(vacated.len(), taken.len());
    assert_eq!(moves.len() as u64, moving);
    for (args, answer) in vacated.iter().zip(&answers) {
        assert_eq!(args[1], answer[1]);
        assert_eq!(args[2], u64::from(answer[3].count_ones()));
        assert_eq!((answer[2], answer[3]), (0, answer[4]));
        for number in (0..64).filter(|number| answer[3] >> number & 1 == 1) {
            let at = args[1] * 512 + number * u64::from(mem[cache].size) / 8;
            assert!(moves.iter().any(|moved| moved[1] == at));
        }
    }
    // A second time there is nothing to do, and that is told as well.
    let from = mem[TRACE].events;
    defrag::kmem_cache_defrag(&mut mem, None);
    let begin = told(&mem, from, Tracepoint::KmemCacheDefragBegin);
    assert!(!begin.is_empty() && begin.iter().all(|args| args[3] <= args[4]));
    assert_eq!(
        told(&mem, from, Tracepoint::KmemCacheDefragEnd),
        [[0; 0]; 0]
    );
}

#[test]
fn every_refusal_to_vacate_is_told() {
    use defrag::Refusal;
    #[track_caller]
    fn refused(mem: &mut Mem, page: Ref<Page>, why: Refusal) {
        mem.set_recording(true);
        let from = mem[TRACE].events;
        assert!(!defrag::kmem_cache_vacate(mem, page));
        let events = told(mem, from, Tracepoint::KmemCacheVacateRefused);
        let pfn = u64::from(mem.frame_of(page));
        assert_eq!(events.len(), 1);
        assert_eq!(events[0][1..], [pfn, why as u64]);
        check(mem).unwrap();
    }
    let mut slab = machine(Allocator::Slab, "mem=4M");
    let page = slab.page(500);
    refused(&mut slab, page, Refusal::OtherAllocator);

    let (mut mem, cache) = scattered("movable", 2000, 5);
    let page = mem.alloc_pages(Gfp::KERNEL, 0, None).unwrap();
    refused(&mut mem, page, Refusal::NoSlab);
    mem.put_page(page);
    refused(&mut mem, page, Refusal::FreePage);
    let own = mem[cache].cpu[0].page;
    refused(&mut mem, own, Refusal::Frozen);
    let other = kmalloc(&mut mem, 64, Gfp::KERNEL).unwrap();
    let page = mem.head_page(other);
    let general = cache_of(&mem, page).unwrap();
    slub::shrink(&mut mem, general);
    refused(&mut mem, page, Refusal::NoCallbacks);
    // What a CPU lets go of stays on the partial list, though it is empty, if that is short.
    kmem_cache_shrink(&mut mem, cache);
    let all: Vec<_> = play::handles(&mem).collect();
    for handle in all {
        play::free_owned(&mut mem, handle);
    }
    kmem_cache_shrink(&mut mem, cache);
    let handle = play::alloc(&mut mem, cache, Gfp::KERNEL).unwrap();
    let page = mem.head_page(mem[handle].object);
    play::free_owned(&mut mem, handle);
    slub::deactivate(&mut mem, cache, 0);
    refused(&mut mem, page, Refusal::Empty);

    let (mut mem, cache) = scattered("movable", 2000, 5);
    let first = play::handles(&mem).next().unwrap();
    let page = mem.head_page(mem[first].object);
    mem.set_fail_nth(1);
    let _ = cache;
    refused(&mut mem, page, Refusal::NoMemory);
}
