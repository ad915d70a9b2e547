//! Merging, tried out.

extern crate std;

use std::format;

use super::tests::machine;
use super::*;

/// A cache that asks to be merged.
fn mergeable(size: u32, flags: &str) -> (u32, Options) {
    let flags = debug::Flags::from_letters(flags).unwrap();
    let options = Options {
        flags,
        merges: true,
        ..Options::default()
    };
    (size, options)
}

/// specs/memory.md 2.3, "Merging": which two caches become one.
#[test]
fn caches_are_merged_as_specified() {
    let aligned = |size: u32, align: u32| {
        let (size, options) = mergeable(size, "-");
        (size, Options { align, ..options })
    };
    let constructed = |size: u32| {
        let (size, options) = mergeable(size, "-");
        let ctor = Constructor::Zero;
        (size, Options { ctor, ..options })
    };
    let kind = |size: u32, flags: debug::Flags| {
        let (size, options) = mergeable(size, "-");
        (size, Options { flags, ..options })
    };
    use debug::Flags;
    let vectors = [
        // The same, or less than a word smaller.
        ("mem=1M", mergeable(64, "-"), mergeable(64, "-"), true),
        ("mem=1M", mergeable(64, "-"), mergeable(57, "-"), true),
        ("mem=1M", mergeable(60, "-"), mergeable(64, "-"), true),
        ("mem=1M", mergeable(64, "-"), mergeable(56, "-"), false),
        ("mem=1M", mergeable(56, "-"), mergeable(64, "-"), false),
        // The first one's size is a multiple of the alignment that the second wants.
        ("mem=1M", mergeable(64, "-"), aligned(64, 64), true),
        ("mem=1M", mergeable(96, "-"), aligned(96, 64), false),
        ("mem=1M", aligned(96, 64), mergeable(128, "-"), true),
        ("mem=1M", aligned(96, 64), mergeable(96, "-"), false),
        (
            "mem=1M",
            mergeable(64, "-"),
            kind(40, Flags::HWCACHE_ALIGN),
            true,
        ),
        (
            "mem=1M",
            mergeable(64, "-"),
            kind(32, Flags::HWCACHE_ALIGN),
            false,
        ),
        // The same checks, the same pages.
        ("mem=1M", mergeable(64, "F"), mergeable(64, "F"), true),
        ("mem=1M", mergeable(64, "F"), mergeable(64, "-"), false),
        (
            "mem=1M",
            kind(64, Flags::CACHE_DMA),
            kind(64, Flags::CACHE_DMA),
            true,
        ),
        (
            "mem=1M",
            kind(64, Flags::CACHE_DMA),
            mergeable(64, "-"),
            false,
        ),
        (
            "mem=1M",
            mergeable(64, "-"),
            kind(64, Flags::RECLAIM_ACCOUNT),
            false,
        ),
        // Never, on either side.
        ("mem=1M", mergeable(64, "Z"), mergeable(64, "Z"), false),
        ("mem=1M", mergeable(64, "P"), mergeable(64, "P"), false),
        ("mem=1M", mergeable(64, "U"), mergeable(64, "U"), false),
        ("mem=1M", mergeable(64, "T"), mergeable(64, "T"), false),
        (
            "mem=1M",
            kind(64, Flags::DESTROY_BY_RCU),
            kind(64, Flags::DESTROY_BY_RCU),
            false,
        ),
        ("mem=1M", constructed(64), constructed(64), false),
        ("mem=1M", mergeable(64, "-"), constructed(56), false),
        (
            "mem=1M",
            (64, Options::default()),
            mergeable(64, "-"),
            false,
        ),
        (
            "mem=1M",
            mergeable(64, "-"),
            (64, Options::default()),
            false,
        ),
        // Nor if the header says so, or watches.
        (
            "slub_nomerge",
            mergeable(64, "-"),
            mergeable(64, "-"),
            false,
        ),
        ("slub_debug", mergeable(64, "-"), mergeable(64, "-"), false),
        ("slub_debug=F", mergeable(64, "-"), mergeable(64, "-"), true),
        ("slub_debug=-", mergeable(64, "-"), mergeable(64, "-"), true),
        (
            "slub_debug=,b",
            mergeable(64, "-"),
            mergeable(64, "-"),
            false,
        ),
        (
            "slub_debug=,c",
            mergeable(64, "-"),
            mergeable(64, "-"),
            true,
        ),
    ];
    for (header, (first, options), (second, others), merged) in vectors {
        let mut mem = machine(Allocator::Slub, header);
        let a = kmem_cache_create_with(&mut mem, "a", first, options).unwrap();
        let b = kmem_cache_create_with(&mut mem, "b", second, others).unwrap();
        let what = format!("{header}: {first} {options:?}, {second} {others:?}");
        assert_eq!(a == b, merged, "{what}");
        assert_eq!(find(&mem, "b"), Some(b));
        if merged {
            let KmemCache {
                object_size,
                inuse,
                refcount,
                ..
            } = mem[a];
            assert_eq!(object_size, first.max(second), "{what}");
            assert_eq!(inuse, object_size.next_multiple_of(8), "{what}");
            assert_eq!(refcount, 2, "{what}");
        }
        check(&mem).unwrap();
    }
    // The other allocators share nothing.
    for allocator in [Allocator::Slab, Allocator::Slob] {
        let mut mem = machine(allocator, "mem=1M");
        let [a, b] = ["a", "b"].map(|name| {
            let (size, options) = mergeable(64, "-");
            kmem_cache_create_with(&mut mem, name, size, options).unwrap()
        });
        assert!(a != b);
        check(&mem).unwrap();
    }
}

/// A cache ends with its last name, and not before.
#[test]
fn every_name_holds_a_reference() {
    let mut mem = machine(Allocator::Slub, "mem=1M");
    let before = caches(&mem).count();
    let (size, options) = mergeable(64, "-");
    let [a, b, c] =
        ["a", "b", "c"].map(|name| kmem_cache_create_with(&mut mem, name, size, options).unwrap());
    assert_eq!((a, b), (b, c));
    assert_eq!(caches(&mem).count(), before + 1);
    // A name is a name, whoever bears it.
    for name in ["a", "b", "c"] {
        let again = kmem_cache_create_with(&mut mem, name, 999, options);
        assert_eq!(again, Err(Errno::EEXIST));
    }
    let object: Ref<Object> = kmem_cache_alloc(&mut mem, b, Gfp::KERNEL).unwrap();
    // The first name goes; the oldest of the others takes its place.
    assert_eq!(kmem_cache_destroy(&mut mem, a), Ok(()));
    assert_eq!((mem[b].name(), find(&mem, "a")), ("b", None));
    check(&mem).unwrap();
    let alias = alias::find(&mem, "c").unwrap();
    alias::remove(&mut mem, alias);
    assert_eq!((mem[b].refcount, find(&mem, "c")), (1, None));
    check(&mem).unwrap();
    assert_eq!(kmem_cache_destroy(&mut mem, b), Err(Errno::EBUSY));
    kmem_cache_free(&mut mem, b, object);
    assert_eq!(kmem_cache_destroy(&mut mem, b), Ok(()));
    assert_eq!(caches(&mem).count(), before);
    check(&mem).unwrap();
    // Without memory for the name there is no alias, and nothing has changed.
    let a = kmem_cache_create_with(&mut mem, "a", size, options).unwrap();
    mem.set_fail_nth(1);
    let b = kmem_cache_create_with(&mut mem, "b", size, options);
    assert_eq!(b, Err(Errno::ENOMEM));
    assert_eq!((mem[a].refcount, find(&mem, "b")), (1, None));
    check(&mem).unwrap();
}
