//! Our page allocator beside two crates and Linux's, our slab allocator beside the C library's, and
//! what an event costs.
//!
//! Pages: all of a gigabyte is allocated page by page, freed in the reverse order, allocated, freed
//! in random order, allocated; then, with half of it in use, pages come and go at random, one by
//! one or in blocks of one to eight. Ours is measured with the recording of its events on and off;
//! the hash chain over them it always extends.
//!
//! `cargo xtask bench buddy` runs it; `--rounds N` repeats more.

use std::cell::RefCell;
use std::hint::black_box;

use bitmap_allocator::{BitAlloc, BitAlloc1M};
use buddy_system_allocator::FrameAllocator;
use kernel_core::Kernel;
use kernel_core::machine::MachineConfig;
use kernel_core::mem::{Gfp, Mem, Page, Ram, Ref};
use kernel_core::slab::{self, Constructor, Object};
use kernel_core::trace::Tracepoint;

use benches::{
    Contest, Contestant, Goal, Random, Round, Standing, Table, apart, number_argument, write,
    write_standings,
};

/// Frames of a gigabyte.
const FRAMES: u32 = 1 << 18;
/// Pairs in the measurements that free and allocate.
const PAIRS: usize = 100_000;
/// What is allocated when instructions are counted, which is slow and needs no repetition.
const FRAMES_COUNTED: usize = 1 << 15;

const PAGE_OPERATIONS: [&str; 8] = [
    "alloc0_seq",
    "free0_lifo",
    "free0_rand",
    "alloc0_after_rand",
    "pair0",
    "churn0_50pct",
    "churn_mix0-3_50pct",
    "pair_order3",
];

/// Recorded on a machine of this class; Linux is the kernel's own C in a process.
const PAGES_RECORDED: [(&str, [f64; 8]); 3] = [
    (
        "Linux 2.6.28 buddy + per-CPU lists",
        [17.9, 16.2, 85.0, 17.1, 9.1, 86.8, 50.6, 23.1],
    ),
    (
        "buddy_system_allocator",
        [24.4, 10.6, 243.8, 25.6, 383.2, 20.5, 54.1, 324.0],
    ),
    (
        "bitmap-allocator",
        [6.7, 3.0, 3.4, 6.5, 16.8, 18.9, 9170.4, 89.5],
    ),
];

/// A page allocator. Blocks are named by their first frame.
trait Pages {
    const NAME: &'static str;
    /// Whether it can be asked for blocks without patience.
    const QUICK_BLOCKS: bool = true;
    fn new() -> Self;
    /// A block of 2^`order` frames.
    fn alloc(&mut self, order: u32) -> Option<u32>;
    fn free(&mut self, block: u32, order: u32);
    /// Frames that could be allocated now.
    fn available(&self) -> u32;
}

fn kernel() -> Kernel {
    // Booting takes valgrind a while.
    let header = if apart().is_some() {
        "mem=256M"
    } else {
        "mem=1G"
    };
    let config = MachineConfig::parse(header).expect("a machine");
    let ram = Ram::new(config.frames).expect("address space");
    Kernel::boot(ram, &config).expect("a kernel")
}

/// Ours, with or without its events recorded.
struct Glass<const RECORDING: u32>(Kernel);

impl<const RECORDING: u32> Pages for Glass<RECORDING> {
    const NAME: &'static str = if RECORDING == 0 {
        "Glass Kernel, not recording"
    } else {
        "Glass Kernel"
    };

    fn new() -> Self {
        let mut kernel = kernel();
        kernel.mem.set_recording(RECORDING != 0);
        Glass(kernel)
    }

    #[inline(always)]
    fn alloc(&mut self, order: u32) -> Option<u32> {
        let page = self.0.mem.alloc_pages(Gfp::KERNEL, order, None).ok()?;
        // A caller keeps the handle of the page's descriptor.
        Some(page.unit())
    }

    #[inline(always)]
    fn free(&mut self, block: u32, _: u32) {
        self.0.mem.put_page(Ref::<Page>::new(block));
    }

    fn available(&self) -> u32 {
        self.0.mem.free_frames()
    }
}

/// `buddy_system_allocator`, whose free lists are ordered sets.
struct Buddy(FrameAllocator);

impl Pages for Buddy {
    const NAME: &'static str = "buddy_system_allocator";

    fn new() -> Buddy {
        let mut frames = FrameAllocator::new();
        frames.add_frame(0, FRAMES as usize);
        Buddy(frames)
    }

    #[inline(always)]
    fn alloc(&mut self, order: u32) -> Option<u32> {
        self.0.alloc(1 << order).map(|frame| frame as u32)
    }

    #[inline(always)]
    fn free(&mut self, block: u32, order: u32) {
        self.0.dealloc(block as usize, 1 << order);
    }

    fn available(&self) -> u32 {
        FRAMES
    }
}

/// `bitmap-allocator`, a tree of bitmaps.
struct Bitmap(Box<BitAlloc1M>);

impl Pages for Bitmap {
    const NAME: &'static str = "bitmap-allocator";
    // It looks for a block from the first frame on, every time.
    const QUICK_BLOCKS: bool = false;

    fn new() -> Bitmap {
        let mut bits = Box::new(BitAlloc1M::DEFAULT);
        bits.insert(0..FRAMES as usize);
        Bitmap(bits)
    }

    #[inline(always)]
    fn alloc(&mut self, order: u32) -> Option<u32> {
        let first = if order == 0 {
            self.0.alloc()
        } else {
            self.0.alloc_contiguous(None, 1 << order, order as usize)
        };
        first.map(|frame| frame as u32)
    }

    #[inline(always)]
    fn free(&mut self, block: u32, order: u32) {
        if order == 0 {
            self.0.dealloc(block as usize);
        } else {
            self.0.dealloc_contiguous(block as usize, 1 << order);
        }
    }

    fn available(&self) -> u32 {
        FRAMES
    }
}

#[inline(never)]
fn alloc_all<P: Pages>(pages: &mut P, blocks: &mut Vec<u32>, count: usize) {
    for _ in 0..count {
        blocks.extend(pages.alloc(0));
    }
}

#[inline(never)]
fn free_all<P: Pages>(pages: &mut P, blocks: &[u32]) {
    for &block in blocks {
        pages.free(block, 0);
    }
}

#[inline(never)]
fn pairs<P: Pages>(pages: &mut P, order: u32) {
    for _ in 0..PAIRS {
        if let Some(block) = pages.alloc(order) {
            pages.free(black_box(block), order);
        }
    }
}

/// Frees the block at each of `places` and allocates one for it, of the order given there.
#[inline(never)]
fn churn<P: Pages>(pages: &mut P, blocks: &mut [(u32, u32)], places: &[(u32, u32)]) {
    for &(place, order) in places {
        let (old, old_order) = blocks[place as usize];
        pages.free(old, old_order);
        if let Some(block) = pages.alloc(order) {
            blocks[place as usize] = (block, order);
        }
    }
}

fn play_pages<P: Pages>(pages: &mut P, round: &mut Round<'_>) {
    let available = pages.available() as usize;
    let count = if apart().is_some() {
        available.min(FRAMES_COUNTED)
    } else {
        available
    };
    let mut random = Random(1);
    let mut blocks = Vec::with_capacity(count);
    round.measure("alloc0_seq", count, || alloc_all(pages, &mut blocks, count));
    assert_eq!(blocks.len(), count);
    blocks.reverse();
    round.measure("free0_lifo", count, || free_all(pages, &blocks));
    blocks.clear();
    alloc_all(pages, &mut blocks, count);
    random.shuffle(&mut blocks);
    round.measure("free0_rand", count, || free_all(pages, &blocks));
    blocks.clear();
    round.measure("alloc0_after_rand", count, || {
        alloc_all(pages, &mut blocks, count);
    });
    // Half of the memory in use, in no order.
    random.shuffle(&mut blocks);
    for block in blocks.split_off(count / 2) {
        pages.free(block, 0);
    }
    round.measure("pair0", PAIRS, || pairs(pages, 0));
    let places = |random: &mut Random, orders: usize, blocks: usize| -> Vec<(u32, u32)> {
        (0..PAIRS)
            .map(|_| (random.below(blocks) as u32, random.below(orders) as u32))
            .collect()
    };
    let mut used: Vec<(u32, u32)> = blocks.iter().map(|&block| (block, 0)).collect();
    let single = places(&mut random, 1, used.len());
    round.measure("churn0_50pct", PAIRS, || churn(pages, &mut used, &single));
    for (block, order) in used.drain(..) {
        pages.free(block, order);
    }
    if P::QUICK_BLOCKS {
        let mut held = 0;
        while held < count / 2 {
            let order = random.below(4) as u32;
            used.extend(pages.alloc(order).map(|block| (block, order)));
            held += 1 << order;
        }
        let mixed = places(&mut random, 4, used.len());
        round.measure("churn_mix0-3_50pct", PAIRS, || {
            churn(pages, &mut used, &mixed);
        });
        for (block, order) in used.drain(..) {
            pages.free(block, order);
        }
    }
    round.measure("pair_order3", PAIRS, || pairs(pages, 3));
}

fn pages_contest() -> Contest<'static> {
    fn contestant<P: Pages + 'static>() -> Contestant<'static> {
        let mut kept: Option<P> = None;
        Contestant::new(P::NAME, move |round| {
            play_pages(kept.get_or_insert_with(P::new), round);
        })
    }
    Contest {
        name: "pages",
        operations: &PAGE_OPERATIONS,
        contestants: vec![
            contestant::<Glass<1>>(),
            contestant::<Glass<0>>(),
            contestant::<Buddy>(),
            contestant::<Bitmap>(),
        ],
    }
}

/// Live objects in the measurements of the slab allocator.
const OBJECTS: usize = 100_000;
/// Objects that are allocated and freed together.
const BATCH: usize = 32;

const SLAB_OPERATIONS: [&str; 7] = [
    "first alloc",
    "lifo free",
    "lifo alloc",
    "random free",
    "alloc after",
    "pair",
    "batch of 32",
];

/// An allocator of objects of one size.
trait Objects {
    type Object;
    fn alloc(&mut self) -> Self::Object;
    fn free(&mut self, object: Self::Object);
}

/// A cache of ours.
struct Cache<'a> {
    kernel: &'a RefCell<Option<Kernel>>,
    size: u32,
}

impl Cache<'_> {
    /// Plays a round in a cache for objects of that size, which is made the first time.
    fn play(&self, round: &mut Round<'_>) {
        let mut kernel = self.kernel.borrow_mut();
        let mem = &mut kernel.get_or_insert_with(self::kernel).mem;
        let name = format!("bench-{}", self.size);
        let cache = match slab::find(mem, &name) {
            Some(cache) => cache,
            None => slab::kmem_cache_create(mem, &name, self.size, 8, Constructor::None)
                .expect("a cache"),
        };
        play_objects(&mut Slub { mem, cache }, round);
    }
}

struct Slub<'a> {
    mem: &'a mut Mem,
    cache: Ref<slab::KmemCache>,
}

impl Objects for Slub<'_> {
    type Object = Ref<Object>;

    #[inline(always)]
    fn alloc(&mut self) -> Ref<Object> {
        slab::kmem_cache_alloc(self.mem, self.cache, Gfp::KERNEL).expect("memory")
    }

    #[inline(always)]
    fn free(&mut self, object: Ref<Object>) {
        slab::kmem_cache_free(self.mem, self.cache, object);
    }
}

/// The C library's `malloc`.
struct Malloc(usize);

impl Objects for Malloc {
    type Object = Vec<u8>;

    #[inline(always)]
    fn alloc(&mut self) -> Vec<u8> {
        Vec::with_capacity(self.0)
    }

    #[inline(always)]
    fn free(&mut self, object: Vec<u8>) {
        drop(black_box(object));
    }
}

fn play_objects<O: Objects>(objects: &mut O, round: &mut Round<'_>) {
    let mut random = Random(2);
    let mut held = Vec::with_capacity(OBJECTS);
    let alloc = |objects: &mut O, held: &mut Vec<O::Object>| {
        for _ in 0..OBJECTS {
            held.push(objects.alloc());
        }
    };
    let free = |objects: &mut O, held: &mut Vec<O::Object>| {
        while let Some(object) = held.pop() {
            objects.free(object);
        }
    };
    round.measure("first alloc", OBJECTS, || alloc(objects, &mut held));
    round.measure("lifo free", OBJECTS, || free(objects, &mut held));
    round.measure("lifo alloc", OBJECTS, || alloc(objects, &mut held));
    random.shuffle(&mut held);
    round.measure("random free", OBJECTS, || free(objects, &mut held));
    round.measure("alloc after", OBJECTS, || alloc(objects, &mut held));
    free(objects, &mut held);
    round.measure("pair", PAIRS, || {
        for _ in 0..PAIRS {
            let object = objects.alloc();
            objects.free(black_box(object));
        }
    });
    round.measure("batch of 32", PAIRS, || {
        for _ in 0..PAIRS / BATCH {
            for _ in 0..BATCH {
                held.push(objects.alloc());
            }
            free(objects, &mut held);
        }
    });
}

fn slab_contest(kernel: &RefCell<Option<Kernel>>) -> Contest<'_> {
    let cache = |name, size| {
        let cache = Cache { kernel, size };
        Contestant::new(name, move |round| cache.play(round))
    };
    let malloc =
        |name, size| Contestant::new(name, move |round| play_objects(&mut Malloc(size), round));
    Contest {
        name: "slab",
        operations: &SLAB_OPERATIONS,
        contestants: vec![
            cache("32 bytes, Glass Kernel", 32),
            malloc("32 bytes, malloc", 32),
            cache("192 bytes, Glass Kernel", 192),
            malloc("192 bytes, malloc", 192),
            cache("1024 bytes, Glass Kernel", 1024),
            malloc("1024 bytes, malloc", 1024),
        ],
    }
}

fn trace_contest() -> Contest<'static> {
    fn contestant(name: &'static str, recording: u32) -> Contestant<'static> {
        let mut kept = None;
        Contestant::new(name, move |round| {
            let mem = &mut kept.get_or_insert_with(kernel).mem;
            mem.set_recording(recording != 0);
            round.measure("2 fields", PAIRS, || {
                for number in 0..PAIRS as u64 {
                    mem.trace(Tracepoint::MmPageFree, [number, 0]);
                }
            });
            round.measure("5 fields", PAIRS, || {
                for number in 0..PAIRS as u64 {
                    mem.trace(Tracepoint::KmemCacheAlloc, [1, number, 192, 192, 208]);
                }
            });
        })
    }
    Contest {
        name: "trace",
        operations: &["2 fields", "5 fields"],
        contestants: vec![contestant("recording", 1), contestant("not recording", 0)],
    }
}

fn main() {
    let kernel = RefCell::new(None);
    let mut pages = pages_contest();
    let mut slab = slab_contest(&kernel);
    let mut trace = trace_contest();
    if apart().is_some() {
        let _ = pages.was_counted() || slab.was_counted() || trace.was_counted();
        return;
    }
    let rounds = number_argument("--rounds").unwrap_or(11);
    let mut tables = Vec::new();
    let mut show = |table: Table| {
        println!("{}", table.text());
        tables.push(table.json());
    };

    let rows = pages.times(rounds);
    let title = format!("Pages of 1 GiB: nanoseconds, median of {rounds} rounds");
    let mut table = pages.table(&title, &rows);
    for (number, (name, recorded)) in PAGES_RECORDED.iter().enumerate() {
        let recorded = recorded.map(Some);
        table.row(format!("{name} (recorded)"), recorded.to_vec());
        if number == 0 {
            table.ratio("  ours / that", &rows[0].1, &recorded);
        }
    }
    show(table);
    let mut standings = Vec::new();
    for (number, operation) in PAGE_OPERATIONS.iter().enumerate() {
        let standing = Standing::new(format!("buddy: {operation}"), "ns", rows[0].1[number]);
        let (name, recorded) = PAGES_RECORDED[0];
        let standing = standing.beside(format!("{name}, recorded"), Some(recorded[number]));
        standings.push(standing.goal(match *operation {
            "alloc0_seq" | "free0_lifo" => Goal::RatioAtMost(0.5),
            _ => Goal::None,
        }));
        let standing = Standing::new(format!("buddy: {operation}"), "ns", rows[0].1[number]);
        let (name, row) = &rows[2];
        standings.push(standing.beside(format!("{name}, now"), row[number]));
    }
    write_standings("buddy", &standings);
    let title = "Pages: instructions (callgrind)";
    show(pages.table(title, &pages.instructions()));

    let title = format!("Objects, {OBJECTS} live: nanoseconds, median of {rounds} rounds");
    let rows = slab.times(rounds);
    show(slab.table(&title, &rows));
    let title = "Objects: instructions (callgrind)";
    show(slab.table(title, &slab.instructions()));

    let title = format!("An event: nanoseconds, median of {rounds} rounds");
    let rows = trace.times(rounds);
    show(trace.table(&title, &rows));
    let title = "An event: instructions (callgrind)";
    show(trace.table(title, &trace.instructions()));
    write("buddy.json", &format!("[{}]\n", tables.join(",\n")));
}
