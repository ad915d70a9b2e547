//! The vectors of specs/memory.md 2, as tables.

extern crate std;

use std::string::String;
use std::vec::Vec;
use std::{format, vec};

use super::debug::Flags;
use super::tests::{LARGE, machine};
use super::*;
use crate::mem::{FRAME_SIZE, MEM};

/// A cache of a kind.
fn cache_of(mem: &mut Mem, size: u32, align: u32, flags: Flags) -> Ref<KmemCache> {
    let options = Options {
        align,
        flags,
        ..Options::default()
    };
    kmem_cache_create_with(mem, "c", size, options).unwrap()
}

fn objects(mem: &mut Mem, cache: Ref<KmemCache>, count: usize) -> Vec<Ref<Object>> {
    (0..count)
        .map(|_| kmem_cache_alloc(mem, cache, Gfp::KERNEL).unwrap())
        .collect()
}

/// 2.2, "Test vectors": what a slab holds, in how many colours, and where its descriptor is.
#[test]
fn slabs_of_slab() {
    // Size, alignment; objects, order, colours, off-slab.
    let vectors = [
        (32, 64, (32, 112, 0, 0, false)),
        (64, 64, (64, 59, 0, 0, false)),
        (96, 8, (96, 40, 0, 0, false)),
        (128, 64, (128, 30, 0, 1, false)),
        (192, 64, (192, 20, 0, 2, false)),
        (256, 64, (256, 15, 0, 2, false)),
        (512, 64, (512, 8, 0, 0, true)),
        (1024, 64, (1024, 4, 0, 0, true)),
        (2048, 64, (2048, 2, 0, 0, true)),
        (4096, 64, (4096, 1, 0, 0, true)),
        // Much is left over, so the descriptor moves back into the slab.
        (1000, 8, (1000, 4, 0, 0, false)),
        // A larger order, which only machines of more than 32 MB try.
        (1600, 8, (1600, 5, 1, 1, false)),
        (3000, 8, (3000, 2, 1, 33, false)),
        (9000, 8, (9000, 1, 2, 114, false)),
    ];
    let mut mem = machine(Allocator::Slab, LARGE);
    for (size, align, expected) in vectors {
        let (_, _, expected_order, ..) = expected;
        if cfg!(miri) && expected_order > 0 {
            continue;
        }
        // Cache lines are asked for as Linux does: a line, halved while the object fits into half.
        let (align, flags) = match align {
            64 => (8, Flags::HWCACHE_ALIGN),
            align => (align, Flags::default()),
        };
        let cache = cache_of(&mut mem, size, align, flags);
        let KmemCache {
            size: stride,
            objects,
            order,
            queues,
            ..
        } = mem[cache];
        let off_slab = !queues.slabp_cache.is_null();
        let found = (stride, objects, order, queues.colour, off_slab);
        assert_eq!(found, expected, "size {size}");
        check(&mem).unwrap();
        kmem_cache_destroy(&mut mem, cache).unwrap();
    }
}

/// 2.2, "Order choice": memory above 32 MB allows order 1, and caches that give memory back take the
/// first order that holds an object.
#[test]
fn orders_of_slab() {
    for (header, size, flags, order) in [
        ("mem=64M", 1600, Flags::default(), 1),
        ("mem=32M", 1600, Flags::default(), 0),
        ("mem=64M", 1600, Flags::RECLAIM_ACCOUNT, 0),
        ("mem=64M", 5000, Flags::RECLAIM_ACCOUNT, 1),
        ("mem=16M", 5000, Flags::default(), 1),
        ("mem=16M", 9000, Flags::default(), 2),
    ] {
        let mut mem = machine(Allocator::Slab, header);
        let cache = cache_of(&mut mem, size, 8, flags);
        assert_eq!(mem[cache].order, order, "{header} {size} {flags}");
    }
}

/// 2.2, "Array limits": limit, batchcount, shared factor, by size and number of CPUs.
#[test]
fn arrays_of_slab() {
    for (size, cpus, expected) in [
        (8, 1, [120, 60, 0]),
        (256, 2, [120, 60, 8]),
        (264, 2, [54, 27, 8]),
        (1024, 1, [54, 27, 0]),
        (1032, 2, [24, 12, 8]),
        (4096, 2, [24, 12, 8]),
        (4104, 2, [8, 4, 0]),
        (131_072, 2, [8, 4, 0]),
        (131_080, 2, [1, 1, 0]),
    ] {
        let mut mem = machine(Allocator::Slab, &format!("{LARGE} cpus={cpus}"));
        let cache = cache_of(&mut mem, size, 8, Flags::default());
        let queues = mem[cache].queues;
        let found = [queues.limit, queues.batchcount, queues.shared];
        assert_eq!(found, expected, "size {size}, {cpus} CPUs");
        // "free_limit = (1 + cpus on node) * batchcount + num"
        let free_limit = (1 + cpus) * queues.batchcount + mem[cache].objects;
        assert_eq!(queues.node[0].free_limit, free_limit);
        if queues.shared > 0 {
            let shared = mem[queues.node[0].shared];
            assert_eq!(shared.limit, queues.shared * queues.batchcount);
        }
    }
    // Nodes count their own CPUs.
    let mut mem = machine(Allocator::Slab, &format!("{LARGE} cpus=3 nodes=2"));
    let cache = cache_of(&mut mem, 64, 8, Flags::default());
    let limits = mem[cache].queues.node.map(|node| node.free_limit);
    let objects = mem[cache].objects;
    assert_eq!(limits[..2], [3 * 60 + objects, 2 * 60 + objects]);
}

/// 2.2, "Alloc": what a refill takes, and from where.
#[test]
fn refills_of_slab() {
    let mut mem = machine(Allocator::Slab, "mem=4M cpus=2");
    let cache = cache_of(&mut mem, 64, 64, Flags::default());
    let array = mem[cache].queues.cpu[0];
    let shared = mem[cache].queues.node[0].shared;
    // "limited to 16 if the array was not touched recently and batchcount > 16"
    let first = objects(&mut mem, cache, 1)[0];
    assert_eq!((mem[array].avail, mem[array].touched), (15, 1));
    // Touched: a whole batch, which a slab of 59 does not have left; the next slab has.
    let more = objects(&mut mem, cache, 16);
    assert_eq!(mem[array].avail, 59 - 16 - 1);
    // What the array cannot hold goes to the shared array, oldest first ...
    kmem_cache_free(&mut mem, cache, first);
    for &object in &more {
        kmem_cache_free(&mut mem, cache, object);
    }
    let many = objects(&mut mem, cache, 300);
    for &object in &many {
        kmem_cache_free(&mut mem, cache, object);
    }
    assert!(mem[shared].avail > 60, "{}", mem[shared].avail);
    // ... and comes back from there before any slab is asked, the last one in first.
    let waiting = mem[array].avail as usize;
    let _ = objects(&mut mem, cache, waiting);
    let (before, last) = (mem[shared].avail, queued::newest(&mem, shared).unwrap());
    assert_eq!(objects(&mut mem, cache, 1)[0], last);
    assert_eq!(mem[shared].avail, before - 60);
    check(&mem).unwrap();
}

/// 2.2, "Free": an empty slab stays while its node has few free objects.
#[test]
fn empty_slabs_of_slab() {
    let mut mem = machine(Allocator::Slab, "mem=4M");
    let cache = cache_of(&mut mem, 2048, 64, Flags::default());
    // limit 24, batchcount 12, two objects to a slab: free_limit 26.
    assert_eq!(mem[cache].queues.node[0].free_limit, 26);
    let all = objects(&mut mem, cache, 200);
    for object in all {
        kmem_cache_free(&mut mem, cache, object);
        let node = mem[cache].queues.node[0];
        assert!(node.free_objects <= 26, "{} objects", node.free_objects);
        check(&mem).unwrap();
    }
    let [full, partial, free] = queued::count_slabs(&mem, cache);
    assert_eq!(free, 13);
    // The others are full as far as their slabs know: their objects wait in the CPU's array.
    assert_eq!((full + partial) * 2, mem[mem[cache].queues.cpu[0]].avail);
}

/// 2.2, "Reaper": (limit + 4) / 5 objects of an array that was not touched, half of it if it has
/// fewer; of the free slabs (free_limit + 5 * num - 1) / (5 * num), unless they were touched.
#[test]
fn reaping_of_slab() {
    let mut mem = machine(Allocator::Slab, "mem=4M");
    let cache = cache_of(&mut mem, 64, 64, Flags::default());
    let array = mem[cache].queues.cpu[0];
    let all = objects(&mut mem, cache, 600);
    for object in all {
        kmem_cache_free(&mut mem, cache, object);
    }
    let mut avail = mem[array].avail;
    assert!(avail > 60);
    // Touched: only the mark goes.
    queued::reap(&mut mem, false);
    assert_eq!((mem[array].avail, mem[array].touched), (avail, 0));
    // A fifth of 120 each time, then halves, rounded up.
    while avail > 0 {
        let expected = if avail < 24 {
            avail - avail.div_ceil(2)
        } else {
            avail - 24
        };
        queued::reap(&mut mem, false);
        avail = mem[array].avail;
        assert_eq!(avail, expected);
        check(&mem).unwrap();
    }
    // free_limit 2 * 60 + 59 = 179: (179 + 294) / 295 = 1 slab at a time.
    let [_, _, before] = queued::count_slabs(&mem, cache);
    assert!(before >= 3);
    queued::reap(&mut mem, true);
    let touched = queued::count_slabs(&mem, cache)[2];
    queued::reap(&mut mem, true);
    assert_eq!(queued::count_slabs(&mem, cache)[2], touched - 1);
    assert!(touched == before || touched == before - 1);
    // shrink: everything goes, and says so.
    assert!(kmem_cache_shrink(&mut mem, cache));
    assert_eq!(queued::count_slabs(&mem, cache), [0; 3]);
}

/// 2.2: "name required, size >= word, duplicate name refused"; destroying what is not empty.
#[test]
fn what_slab_refuses() {
    let mut mem = machine(Allocator::Slab, "mem=4M");
    let mut create =
        |name: &str, size| kmem_cache_create(&mut mem, name, size, 8, Constructor::None);
    assert_eq!(create("", 8), Err(Errno::EINVAL));
    assert_eq!(create("c", 7), Err(Errno::EINVAL));
    let cache = create("c", 8).unwrap();
    assert_eq!(create("c", 8), Err(Errno::EEXIST));
    let object = objects(&mut mem, cache, 1)[0];
    assert_eq!(kmem_cache_destroy(&mut mem, cache), Err(Errno::EBUSY));
    let expected = "slab error in kmem_cache_destroy(): cache `c': Can't free all objects\n";
    assert_eq!(log(&mem), expected);
    kmem_cache_free(&mut mem, cache, object);
    assert_eq!(kmem_cache_destroy(&mut mem, cache), Ok(()));
}

/// What the log gained since boot.
fn log(mem: &Mem) -> String {
    let mut bytes = vec![0; crate::printk::CAPACITY];
    let length = mem.read_log(mem[crate::printk::LOG].shown, &mut bytes);
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

/// 2.2 and 2.3: the general caches, by name; with SLOB there are none.
#[test]
fn general_caches() {
    let names = |allocator| -> Vec<String> {
        let mem = machine(allocator, "mem=4M");
        let general = |name: &&str| name.starts_with("size-") || name.starts_with("kmalloc-");
        let names = caches(&mem).map(|cache| mem[cache].name());
        names.filter(general).map(String::from).collect()
    };
    let slub = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048];
    assert_eq!(
        names(Allocator::Slub),
        slub.map(|size| format!("kmalloc-{size}"))
    );
    let slab = [
        32, 64, 128, 192, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131_072,
    ];
    let both = |size| [format!("size-{size}"), format!("size-{size}(DMA)")];
    assert_eq!(names(Allocator::Slab), slab.map(both).concat());
    assert!(names(Allocator::Slob).is_empty());
}

/// Which general cache serves how many bytes; `-` is the page allocator, `ENOMEM` nobody.
#[test]
fn classes_of_kmalloc() {
    let vectors = [
        (Allocator::Slub, 1, "kmalloc-8"),
        (Allocator::Slub, 9, "kmalloc-16"),
        (Allocator::Slub, 65, "kmalloc-96"),
        (Allocator::Slub, 97, "kmalloc-128"),
        (Allocator::Slub, 129, "kmalloc-192"),
        (Allocator::Slub, 193, "kmalloc-256"),
        (Allocator::Slub, 2048, "kmalloc-2048"),
        (Allocator::Slub, 2049, "-"),
        (Allocator::Slab, 1, "size-32"),
        (Allocator::Slab, 65, "size-128"),
        (Allocator::Slab, 129, "size-192"),
        (Allocator::Slab, 2049, "size-4096"),
        (Allocator::Slab, 131_072, "size-131072"),
        (Allocator::Slab, 131_073, "ENOMEM"),
    ];
    for (allocator, size, expected) in vectors {
        let mut mem = machine(allocator, "mem=4M");
        let found = match kmalloc(&mut mem, size, Gfp::KERNEL) {
            Err(_) => String::from("ENOMEM"),
            Ok(object) => {
                let cache = cache_of_object(&mem, object);
                cache.map_or(String::from("-"), |cache| mem[cache].name().into())
            }
        };
        assert_eq!(found, expected, "{} {size}", allocator.name());
    }
    for allocator in Allocator::ALL {
        let mut mem = machine(allocator, "mem=4M");
        let nothing = kmalloc(&mut mem, 0, Gfp::KERNEL).unwrap();
        assert_eq!(nothing, kmalloc::ZERO_SIZE_PTR);
        kfree(&mut mem, nothing);
        kfree(&mut mem, Ref::NULL);
    }
}

fn cache_of_object(mem: &Mem, object: Ref<Object>) -> Option<Ref<KmemCache>> {
    super::cache_of(mem, mem.head_page(object))
}

/// Memory for DMA lies below 16 MB, whatever lies above is fuller.
#[test]
fn memory_for_dma() {
    let limit = (16 << 20) / FRAME_SIZE as u32;
    for (allocator, name) in [
        (Allocator::Slab, "size-64(DMA)"),
        (Allocator::Slub, "kmalloc_dma-64"),
    ] {
        let mut mem = machine(allocator, "mem=20M");
        let far = kmalloc(&mut mem, 64, Gfp::KERNEL).unwrap();
        assert!(far.frame() >= limit);
        let near = kmalloc(&mut mem, 64, Gfp::KERNEL.with(Gfp::DMA)).unwrap();
        assert!(near.frame() < limit);
        let cache = cache_of_object(&mem, near).unwrap();
        assert_eq!(mem[cache].name(), name);
        // Whoever asks again gets the same cache; a cache may ask for it itself.
        let again = kmalloc(&mut mem, 60, Gfp::KERNEL.with(Gfp::DMA)).unwrap();
        assert_eq!(cache_of_object(&mem, again), Some(cache));
        let own = cache_of(&mut mem, 100, 8, Flags::CACHE_DMA);
        assert!(objects(&mut mem, own, 1)[0].frame() < limit);
        check(&mem).unwrap();
    }
}

/// 2.3, "Alignment": a line for objects of more than half of one.
#[test]
fn alignment_of_slub() {
    for (size, align, flags, stride) in [
        (32, 8, Flags::HWCACHE_ALIGN, 32),
        (33, 8, Flags::HWCACHE_ALIGN, 64),
        (100, 8, Flags::HWCACHE_ALIGN, 128),
        (100, 256, Flags::HWCACHE_ALIGN, 256),
        (100, 8, Flags::default(), 104),
        (100, 16, Flags::default(), 112),
        (1, 8, Flags::default(), 8),
        // The link stays out of an object that may be looked at while it is free.
        (64, 8, Flags::DESTROY_BY_RCU, 72),
    ] {
        let mut mem = machine(Allocator::Slub, "mem=4M");
        let cache = cache_of(&mut mem, size, align, flags);
        assert_eq!(mem[cache].size, stride, "{size} {align} {flags:?}");
    }
}

/// 2.3, "Alloc" and "Free": a CPU takes a slab's whole chain; slabs go to the tail of the partial
/// list when their first object is freed, to its head when a CPU lets go of them; empty ones stay
/// only then, and only five.
#[test]
fn lists_of_slub() {
    let mut mem = machine(Allocator::Slub, "mem=4M");
    let cache = cache_of(&mut mem, 512, 8, Flags::default());
    let all = objects(&mut mem, cache, 8 * 8);
    let page = |mem: &Mem, slab: usize| mem.head_page(all[slab * 8]);
    let partial = |mem: &Mem| slub::nr_partial(mem, cache, 0);
    let own = page(&mem, 7);
    assert_eq!((mem[own].inuse, mem[own].freelist), (8, 0));
    assert_eq!(partial(&mem), 0);
    // Full slabs are on no list; the first object that comes back lists them, at the end.
    kmem_cache_free(&mut mem, cache, all[0]);
    kmem_cache_free(&mut mem, cache, all[8]);
    assert_eq!(partial(&mem), 2);
    assert_eq!(slub::last_partial(&mem, cache, 0), Some(page(&mem, 1)));
    // The last object that comes back frees the slab at once, however few there are.
    for &object in &all[1..8] {
        kmem_cache_free(&mut mem, cache, object);
    }
    assert_eq!((partial(&mem), mem[cache].nr_slabs), (1, 7));
    // The CPU's slab stays the CPU's, even empty.
    for &object in &all[56..] {
        kmem_cache_free(&mut mem, cache, object);
    }
    assert_eq!((partial(&mem), mem[cache].nr_slabs), (1, 7));
    check(&mem).unwrap();
    // Let go of, it stays as one of five.
    slub::set_flag(&mut mem, cache, Flags::FREE, false);
    assert_eq!((partial(&mem), mem[cache].nr_slabs), (2, 7));
    assert_eq!(slub::last_partial(&mem, cache, 0), Some(own));
    check(&mem).unwrap();
}

/// 2.3, "get partial": another node's slabs are taken now and then, as `remote_node_defrag_ratio`
/// says, and only while that node keeps five.
#[test]
fn slabs_of_other_nodes() {
    for (ratio, least, most) in [(0, 0, 0), (100, 1, 70), (1023, 200, 200)] {
        let mut mem = machine(Allocator::Slub, "mem=16M nodes=2 cpus=2");
        let cache = cache_of(&mut mem, 4096, 8, Flags::default());
        mem[cache].remote_node_defrag_ratio = ratio;
        // Two objects to a slab: half of node 0's come back.
        let all = objects(&mut mem, cache, 420);
        for object in all.into_iter().step_by(2) {
            kmem_cache_free(&mut mem, cache, object);
        }
        let listed = slub::nr_partial(&mem, cache, 0);
        assert!(listed >= 205);
        mem.set_cpu(1).unwrap();
        let mut taken = 0;
        for _ in 0..200 {
            let before = slub::nr_partial(&mem, cache, 0);
            let _ = objects(&mut mem, cache, 1);
            taken += before - slub::nr_partial(&mem, cache, 0);
        }
        assert!(
            (least..=most).contains(&taken),
            "ratio {ratio}: {taken} taken"
        );
        assert!(slub::nr_partial(&mem, cache, 0) >= slub::MIN_PARTIAL);
        check(&mem).unwrap();
    }
}

/// 2.4, 2.6.16: units of a header each; small blocks carry one, larger ones than a page less a header
/// have pages and a record; caches' objects carry none.
#[test]
fn blocks_of_slob() {
    let ring = |mem: &Mem| {
        slob::free_blocks(mem)
            .map(|(_, block)| block.units)
            .sum::<u32>()
    };
    // Units that are gone from the ring, and whether the block has pages of its own.
    for (size, units, own_pages) in [
        (1, 2, false),
        (8, 2, false),
        (9, 3, false),
        (100, 14, false),
        (4087, 512, false),
        // The record of pages, order, next.
        (4088, 1, true),
        (4096, 1, true),
        (9000, 1, true),
    ] {
        let mut mem = machine(Allocator::Slob, "mem=4M");
        let (before, pages) = (ring(&mem), mem[SLAB].slob.pages);
        let free = mem.free_frames();
        let block = kmalloc(&mut mem, size, Gfp::KERNEL).unwrap();
        let taken = before + (mem[SLAB].slob.pages - pages) * 512 - ring(&mem);
        assert_eq!(taken, units, "kmalloc({size})");
        assert_eq!(
            block.unit().is_multiple_of(512),
            own_pages,
            "kmalloc({size})"
        );
        kfree(&mut mem, block);
        slob::trim(&mut mem);
        check(&mem).unwrap();
        assert!(mem.free_frames() >= free);
    }
    for (size, align, units) in [(8, 8, 1), (100, 8, 13), (100, 64, 13), (4000, 8, 500)] {
        let mut mem = machine(Allocator::Slob, "mem=4M");
        let cache = cache_of(&mut mem, size, align, Flags::default());
        let (before, pages) = (ring(&mem), mem[SLAB].slob.pages);
        let object = objects(&mut mem, cache, 1)[0];
        let taken = before + (mem[SLAB].slob.pages - pages) * 512 - ring(&mem);
        assert_eq!(taken, units, "an object of {size}");
        assert!((object.unit() * 8).is_multiple_of(align));
        check(&mem).unwrap();
    }
}

/// A cache says what it is on every allocator, and `mem` is whole in the end.
#[test]
fn kinds_of_caches_work_everywhere() {
    let kinds = [
        Flags::HWCACHE_ALIGN,
        Flags::CACHE_DMA,
        Flags::RECLAIM_ACCOUNT,
        Flags::DESTROY_BY_RCU,
    ];
    for allocator in Allocator::ALL {
        for flags in kinds {
            let mut mem = machine(allocator, "mem=4M cpus=2");
            let cache = cache_of(&mut mem, 40, 8, flags.with(Flags::DEFAULT));
            // Only SLUB watches.
            assert_eq!(mem[cache].flags.any(), allocator == Allocator::Slub);
            assert!(mem[cache].flags.contains(flags));
            let all = objects(&mut mem, cache, 300);
            check(&mem).unwrap();
            for object in all {
                kmem_cache_free(&mut mem, cache, object);
            }
            kmem_cache_destroy(&mut mem, cache).unwrap();
            check(&mem).unwrap();
            assert_eq!(mem[SLAB].bugs, 0);
            assert_eq!(mem[MEM].fail_nth, 0);
        }
    }
}

/// Objects whose size is no multiple of a word are constructed, moved and freed to the last byte, and
/// not one further.
#[test]
fn odd_objects_end_where_they_end() {
    for size in 9..=17 {
        let mut mem = machine(Allocator::Slub, "mem=4M");
        let options = Options {
            ctor: Constructor::Zero,
            flags: Flags::DEFAULT,
            ops: crate::cache_ops::by_name("movable").unwrap(),
            ..Options::default()
        };
        let cache = kmem_cache_create_with(&mut mem, "c", size, options).unwrap();
        mem[cache].set_console();
        let handles: Vec<_> = (0..200)
            .map(|_| play::alloc(&mut mem, cache, Gfp::KERNEL).unwrap())
            .collect();
        let handle = handles[0];
        let last = |mem: &Mem| {
            let word = mem[handle].object.offset((size - 1) / 8);
            mem[Ref::<[u8; 8]>::new(word.unit())][(size as usize - 1) % 8]
        };
        let object = mem[handle].object;
        play::poke(&mut mem, object, size - 1, &[0x77]).unwrap();
        // Away from there, with its last byte.
        let page = mem.head_page(object);
        assert!(defrag::kmem_cache_vacate(&mut mem, page), "size {size}");
        assert!(mem[handle].object != object);
        assert_eq!(last(&mem), 0x77, "size {size}");
        for handle in handles {
            play::free_owned(&mut mem, handle);
        }
        assert_eq!(mem[SLAB].bugs, 0, "size {size}: {}", log(&mem));
        check(&mem).unwrap();
    }
}

/// 3.1: a slab is vacated with up to a quarter of its objects in use (May 2007), or with less than so
/// many percent (V11).
#[test]
fn sparse_slabs() {
    for (objects, ratio, most) in [
        (32, 0, 8),
        (30, 0, 7),
        (7, 0, 1),
        (3, 0, 0),
        (32, 30, 9),
        (30, 30, 8),
        (10, 30, 2),
        (7, 30, 2),
        (32, 99, 31),
        (32, 1, 0),
    ] {
        let cache = KmemCache {
            objects,
            defrag_ratio: ratio,
            ..KmemCache::zeroed()
        };
        let sparse: Vec<u32> = (0..=objects)
            .filter(|&inuse| defrag::is_sparse(&cache, inuse))
            .collect();
        let expected: Vec<u32> = (0..=most).collect();
        assert_eq!(sparse, expected, "{objects} objects, ratio {ratio}");
    }
}
