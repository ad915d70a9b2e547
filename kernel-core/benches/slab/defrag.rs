//! What is held after most objects are gone, and what defragmentation makes of it.
//!
//! Objects are allocated and a random 90 % of them freed. What is left lies scattered over nearly all
//! pages. Ours then vacates slabs by *get* and *kick*; the general allocators can't move what they have
//! given out, so theirs is what it is.

use benches::{Random, Table, count_instructions, region, run_apart};
use kernel_core::mem::{Gfp, Page, Ref};
use kernel_core::slab::defrag::{kmem_cache_defrag, kmem_cache_setup_defrag};
use kernel_core::slab::{self, Constructor, KmemCache, Object, play};
use kernel_core::{Kernel, cache_ops};

use super::peers::{self, Objects, SIZE};

/// Of so many objects one is left.
const LEFT: usize = 10;
/// Of so many objects that are left one has an owner that never lets go of it.
const PINNED: usize = 1000;
/// The order of the block that there is none of before.
const ORDER: u32 = 5;

/// What is measured of ours.
const FIGURES: [&str; 7] = [
    "held",
    "defragmented",
    "pages freed",
    "ms",
    "ns/object",
    "ns/slab",
    "order-5 blocks",
];

/// Slabs of a cache over the slabs that its objects need.
fn held(kernel: &Kernel, cache: Ref<KmemCache>) -> f64 {
    let counts = slab::counts(&kernel.mem, cache);
    let needed = counts.active_objects.div_ceil(kernel.mem[cache].objects);
    f64::from(counts.slabs) / f64::from(needed)
}

/// A cache of objects that their owner can move, or never lets go of.
fn new_cache(kernel: &mut Kernel, ops: &str) -> Ref<KmemCache> {
    let mem = &mut kernel.mem;
    let cache = slab::kmem_cache_create(mem, ops, SIZE as u32, 8, Constructor::Zero);
    let cache = cache.expect("a cache");
    let ops = cache_ops::by_name(ops).expect("callbacks");
    kmem_cache_setup_defrag(mem, cache, ops).expect("a constructor");
    cache
}

/// What the objects hold in their second word, in the order of their owners.
fn contents(kernel: &Kernel, cache: Ref<KmemCache>) -> Vec<(Ref<Object>, u64)> {
    let mem = &kernel.mem;
    play::handles(mem)
        .filter(|&handle| mem[handle].cache == cache)
        .map(|handle| (mem[handle].object, mem[mem[handle].object.offset(1)]))
        .collect()
}

/// Frees a random 90 % of `owners`.
fn scatter(kernel: &mut Kernel, mut owners: Vec<Ref<play::Handle>>) {
    Random(3).shuffle(&mut owners);
    for &owner in &owners[owners.len() / LEFT..] {
        play::free_owned(&mut kernel.mem, owner);
    }
}

fn fill(kernel: &mut Kernel, cache: Ref<KmemCache>, count: usize) -> Vec<Ref<play::Handle>> {
    let mem = &mut kernel.mem;
    (0..count as u64)
        .map(|number| {
            let owner = play::alloc(mem, cache, Gfp::KERNEL).expect("memory");
            let object = mem[owner].object;
            mem[object.offset(1)] = number;
            owner
        })
        .collect()
}

/// Blocks of the order, as many as there are.
fn take_blocks(kernel: &mut Kernel) -> Vec<Ref<Page>> {
    kernel.mem.drain_all_pages();
    let mut blocks = Vec::new();
    while let Ok(block) = kernel.mem.alloc_pages(Gfp::KERNEL, ORDER, None) {
        blocks.push(block);
    }
    blocks
}

/// One defragmentation of a cache that had `count` objects; prints [`FIGURES`].
///
/// # Panics
/// If anything is not as it should be: an object's content or a pinned object's place changed, an
/// invariant is broken, or there was a large block before.
fn play_ours(count: usize) {
    let megabytes = 4 * count * SIZE / (1 << 20) + 32;
    let mut kernel = peers::Cache::new(&format!("mem={megabytes}M slab=slub")).kernel;
    let movable = new_cache(&mut kernel, "movable");
    let pinned = new_cache(&mut kernel, "pinned");
    // Some of the movable cache's own objects have no owner who would let go of them.
    let mut stuck: Vec<Ref<Object>> = Vec::new();
    let mut owners = Vec::new();
    while owners.len() < count {
        owners.append(&mut fill(&mut kernel, movable, PINNED * LEFT));
        let mem = &mut kernel.mem;
        stuck.push(slab::kmem_cache_alloc(mem, movable, Gfp::KERNEL).expect("memory"));
    }
    let guarded = fill(&mut kernel, pinned, count / 100);
    scatter(&mut kernel, owners);
    scatter(&mut kernel, guarded);
    for &object in &stuck {
        kernel.mem[object.offset(1)] = object.address();
    }
    let hogs = take_blocks(&mut kernel);
    assert!(!hogs.is_empty(), "the machine is larger than the objects");

    let values = |kernel: &Kernel| -> Vec<u64> {
        let all = contents(kernel, movable);
        all.into_iter().map(|(_, value)| value).collect()
    };
    let (before, guarded) = (values(&kernel), contents(&kernel, pinned));
    let (slabs, scattered) = (kernel.mem[movable].nr_slabs, held(&kernel, movable));
    let mut freed = 0;
    let nanoseconds = region(&mut || freed = kmem_cache_defrag(&mut kernel.mem, None));
    assert_eq!(
        before,
        values(&kernel),
        "a moved object keeps what is in it"
    );
    assert_eq!(guarded, contents(&kernel, pinned), "what is pinned stays");
    for &object in &stuck {
        assert_eq!(kernel.mem[object.offset(1)], object.address(), "stays");
        let place = slab::place_at(&kernel.mem, object);
        assert!(place.is_some_and(|place| place.in_use && place.object == object));
    }
    let blocks = take_blocks(&mut kernel);
    let figures = [
        scattered,
        held(&kernel, movable),
        f64::from(freed),
        nanoseconds / 1e6,
        nanoseconds / before.len() as f64,
        nanoseconds / f64::from(slabs),
        blocks.len() as f64,
    ];
    for block in hogs.into_iter().chain(blocks) {
        kernel.mem.put_page(block);
    }
    kernel.check().expect("a sound kernel");
    println!("{}", figures.map(|figure| figure.to_string()).join(" "));
}

/// Bytes that the process has in memory.
fn resident() -> Option<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096.0)
}

/// What is measured of a general allocator.
const HOLDINGS: [&str; 3] = ["pages with objects", "memory", "bytes/object"];

/// Prints [`HOLDINGS`]: 4 kB pages that have an object at its beginning, and by how much the process has
/// grown, over what the objects that are left need; then what an object took when all were there.
fn play_peer<O: Objects>(mut objects: O, count: usize) {
    let mut held = vec![None; count];
    let before = resident();
    for (number, place) in held.iter_mut().enumerate() {
        *place = Some(objects.alloc(number as u64));
    }
    let full = resident();
    Random(3).shuffle(&mut held);
    for object in held.split_off(count / LEFT).into_iter().flatten() {
        objects.free(object);
    }
    let after = resident();
    let left = held.iter().flatten();
    let mut pages: Vec<u64> = left.map(|&object| objects.address(object) >> 12).collect();
    pages.sort_unstable();
    pages.dedup();
    let needed = (held.len() * SIZE) as f64;
    let growth = |now: Option<f64>| {
        now.zip(before)
            .map_or(f64::NAN, |(now, before)| now - before)
    };
    println!(
        "{} {} {}",
        pages.len() as f64 * 4096.0 / needed,
        growth(after) / needed,
        growth(full) / count as f64
    );
}

/// Plays with so many objects.
type Play = fn(usize);

/// The general allocators by name.
const PEERS: &[(&str, Play)] = &[
    ("glibc", |count| play_peer(peers::glibc(), count)),
    #[cfg(feature = "allocators")]
    ("mimalloc", |count| play_peer(peers::mimalloc(), count)),
    #[cfg(feature = "allocators")]
    ("jemalloc", |count| play_peer(peers::jemalloc(), count)),
    #[cfg(feature = "allocators")]
    ("snmalloc", |count| play_peer(peers::snmalloc(), count)),
    #[cfg(feature = "allocators")]
    ("talc", |count| play_peer(peers::talc(), count)),
];

/// Does what a process of its own was started for, if it is one of these.
pub fn play(what: &str) {
    let mut words = what.split('/');
    if words.next() != Some("defrag") {
        return;
    }
    let (Some(who), Some(count)) = (words.next(), words.next()) else {
        return;
    };
    let Ok(count) = count.parse() else { return };
    match PEERS.iter().find(|(name, _)| *name == who) {
        Some((_, play)) => play(count),
        None => play_ours(count),
    }
}

/// What a process of its own prints for it.
fn figures(who: &str, count: usize) -> Vec<Option<f64>> {
    let printed = run_apart(&format!("defrag/{who}/{count}")).unwrap_or_default();
    let words = printed.split_whitespace();
    words.map(|word| word.parse().ok()).collect()
}

/// The column of [`FIGURES`] that tells what is held in the end.
pub const DEFRAGMENTED: usize = 1;
/// The column of [`FIGURES`] that tells what an object costs.
pub const NANOSECONDS: usize = 4;

/// Instructions an object that is left, of one defragmentation.
pub fn instructions(count: usize) -> Option<f64> {
    let (totals, _) = count_instructions(&format!("defrag/ours/{count}"))?;
    Some(totals.first()? * LEFT as f64 / count as f64)
}

/// The tables: ours for each count, everyone's holdings at the largest; and ours as numbers.
pub fn tables(counts: &[usize], rounds: usize) -> (Vec<Table>, Vec<Vec<Option<f64>>>) {
    let mut ours = Table::new(
        format!("Defragmentation after a random 90 % of the objects is freed, medians of {rounds}"),
        &FIGURES,
    );
    let mut rows = Vec::new();
    for &count in counts {
        eprintln!("defrag: {count} objects");
        let samples: Vec<_> = (0..rounds.max(1)).map(|_| figures("ours", count)).collect();
        let middle = |column: usize| {
            let column: Vec<f64> = samples.iter().filter_map(|row| *row.get(column)?).collect();
            benches::median(&column)
        };
        let row: Vec<_> = (0..FIGURES.len()).map(middle).collect();
        ours.row(format!("{count} objects"), row.clone());
        rows.push(row);
    }
    ours.note(
        "held, defragmented: slabs over the slabs that the objects need. Of the order-5 blocks there \
         is none before. One call of kmem_cache_defrag.",
    );
    let count = counts.last().copied().unwrap_or(0);
    let mut theirs = Table::new(
        format!("Held after a random 90 % of {count} objects is freed, over what is needed"),
        &HOLDINGS,
    );
    for (name, _) in PEERS {
        theirs.row(*name, figures(name, count));
    }
    (vec![ours, theirs], rows)
}
