//! Our allocators beside the general ones of user space: 128-byte objects, a million of them.
//!
//! Everyone goes through the same life, each round in a process of its own, one contestant after the
//! other, and the table shows medians over the rounds. An object's first word is written when it is
//! allocated, as its user would.
//!
//! | column | what is done, an object |
//! |---|---|
//! | first alloc | all of them, in memory that was never used: mostly the host's page faults |
//! | random free | all of them, in random order |
//! | alloc | all of them again: the steady state |
//! | fifo free | all of them, the oldest first |
//! | lifo free | all of them, the youngest first |
//! | churn | a random one freed, another allocated in its stead, all in use otherwise |
//! | refill | half of them allocated, after a random half was freed |
//!
//! Ours is measured as the kernel uses it, with an event on each call that extends the hash chain and
//! is recorded; then with the recording switched off (`tracing_on`); and the events alone.
//!
//! Our machine of a million objects lies in the host's huge pages, as `Ram::new` asks for them; the
//! general allocators run as their crates build them and with their defaults.
//!
//! Then defragmentation: see [`defrag`]. Last, how each cost grows with the number of objects,
//! and instructions.
//!
//! `cargo xtask bench slab` runs it; `--rounds N` repeats more.

#[path = "slab/defrag.rs"]
mod defrag;
#[path = "slab/peers.rs"]
mod peers;

use kernel_core::Kernel;
use kernel_core::trace::Tracepoint;

use benches::{
    Contest, Contestant, Goal, Random, Round, Row, Standing, Table, apart, exponents,
    number_argument, write, write_standings,
};
use peers::{Cache, Objects, SIZE, glibc};

const OPERATIONS: [&str; 7] = [
    "first alloc",
    "random free",
    "alloc",
    "fifo free",
    "lifo free",
    "churn",
    "refill",
];

/// Live objects.
const COUNTS: [(&str, usize); 3] = [
    ("slab 10000", 10_000),
    ("slab 100000", 100_000),
    ("slab 1000000", 1_000_000),
];
/// The contest whose instructions are counted.
const COUNTED: usize = 1;
/// More objects than this would take SLOB, which looks through its ring, hours.
const SLOB_MAX: usize = 10_000;

/// Allocates as many objects as `held` has room for.
#[inline(never)]
fn alloc_all<O: Objects>(objects: &mut O, held: &mut Vec<O::Handle>) {
    for number in held.len()..held.capacity() {
        let object = objects.alloc(number as u64);
        held.push(object);
    }
}

#[inline(never)]
fn free_all<O: Objects>(objects: &mut O, held: impl Iterator<Item = O::Handle>) {
    for object in held {
        objects.free(object);
    }
}

#[inline(never)]
fn churn<O: Objects>(objects: &mut O, held: &mut [O::Handle], places: &[u32]) {
    for &place in places {
        objects.free(held[place as usize]);
        held[place as usize] = objects.alloc(u64::from(place));
    }
}

fn play<O: Objects>(objects: &mut O, round: &mut Round<'_>, count: usize) {
    let mut random = Random(2);
    let mut held = Vec::with_capacity(count);
    round.measure("first alloc", count, || alloc_all(objects, &mut held));
    // All of it once more, so that what is measured then is not how objects came to lie there first.
    random.shuffle(&mut held);
    free_all(objects, held.drain(..));
    alloc_all(objects, &mut held);
    random.shuffle(&mut held);
    round.measure("random free", count, || free_all(objects, held.drain(..)));
    round.measure("alloc", count, || alloc_all(objects, &mut held));
    round.measure("fifo free", count, || free_all(objects, held.drain(..)));
    alloc_all(objects, &mut held);
    round.measure("lifo free", count, || {
        free_all(objects, held.drain(..).rev());
    });
    alloc_all(objects, &mut held);
    let places: Vec<u32> = (0..count).map(|_| random.below(count) as u32).collect();
    round.measure("churn", count, || churn(objects, &mut held, &places));
    random.shuffle(&mut held);
    free_all(objects, held.drain(count / 2..));
    round.measure("refill", count / 2, || alloc_all(objects, &mut held));
    for &object in &held {
        std::hint::black_box(objects.word(object));
    }
    free_all(objects, held.drain(..));
}

fn header(allocator: &str, count: usize) -> String {
    // Twice what the objects take, and the kernel's own.
    let megabytes = 2 * count * SIZE / (1 << 20) + 32;
    format!("mem={megabytes}M slab={allocator}")
}

/// The events of a life and nothing else.
struct Events {
    kernel: Kernel,
    next: u32,
}

impl Objects for Events {
    type Handle = u32;

    #[inline(always)]
    fn alloc(&mut self, word: u64) -> u32 {
        self.next += 16;
        let size = SIZE as u64;
        let args = [1, u64::from(self.next), size, size, 208];
        self.kernel.mem.trace(Tracepoint::KmemCacheAlloc, args);
        self.next + word as u32 % 2
    }

    #[inline(always)]
    fn free(&mut self, object: u32) {
        let args = [1, u64::from(object)];
        self.kernel.mem.trace(Tracepoint::KmemCacheFree, args);
    }

    fn word(&self, object: u32) -> u64 {
        u64::from(object)
    }

    fn address(&self, object: u32) -> u64 {
        u64::from(object)
    }
}

fn contest(name: &'static str, count: usize) -> Contest<'static> {
    let ours = |name, allocator: &'static str, recording| {
        Contestant::new(name, move |round| {
            let mut cache = Cache::new(&header(allocator, count));
            cache.kernel.mem.set_recording(recording);
            play(&mut cache, round, count);
        })
    };
    let mut contestants = vec![
        ours("SLUB", "slub", true),
        ours("SLUB, not recording", "slub", false),
        Contestant::new("  of it the events", move |round| {
            let kernel = Cache::new(&header("slub", count)).kernel;
            play(&mut Events { kernel, next: 0 }, round, count);
        }),
        ours("SLAB", "slab", true),
    ];
    if count <= SLOB_MAX {
        contestants.push(ours("SLOB", "slob", true));
    }
    let mut peers = general(count);
    contestants.append(&mut peers);
    Contest {
        name,
        operations: &OPERATIONS,
        contestants,
    }
}

/// The general allocators.
fn general(count: usize) -> Vec<Contestant<'static>> {
    fn peer<O: Objects + 'static>(
        name: &'static str,
        count: usize,
        new: fn() -> O,
    ) -> Contestant<'static> {
        Contestant::new(name, move |round| play(&mut new(), round, count))
    }
    vec![
        peer("glibc", count, glibc),
        #[cfg(feature = "allocators")]
        peer("mimalloc", count, peers::mimalloc),
        #[cfg(feature = "allocators")]
        peer("jemalloc", count, peers::jemalloc),
        #[cfg(feature = "allocators")]
        peer("snmalloc", count, peers::snmalloc),
        #[cfg(feature = "allocators")]
        peer("talc", count, peers::talc),
    ]
}

/// The least cost of each operation among the general allocators.
fn fastest(rows: &[(&'static str, Row)], general: usize) -> Row {
    let peers = &rows[rows.len() - general..];
    let least = |operation: usize| {
        let costs = peers.iter().filter_map(|(_, row)| row[operation]);
        costs.min_by(f64::total_cmp)
    };
    (0..OPERATIONS.len()).map(least).collect()
}

/// How SLUB stands beside the fastest general allocator, operation by operation.
fn stand(rows: &[(&'static str, Row)], general: usize) -> Vec<Standing> {
    let peers = &rows[rows.len() - general..];
    let of = |number: usize| {
        let figures = peers
            .iter()
            .filter_map(|(name, row)| Some((*name, row[number]?)));
        let fastest = figures.min_by(|a, b| a.1.total_cmp(&b.1));
        let name = format!("slab: {}, 1e6 objects (SLUB)", OPERATIONS[number]);
        let standing = Standing::new(name, "ns", rows[0].1[number]);
        let (name, figure) = fastest.unzip();
        let standing = standing.beside(format!("{}, now", name.unwrap_or("nobody")), figure);
        standing.goal(match OPERATIONS[number] {
            "random free" | "alloc" => Goal::RatioAtMost(1.0),
            _ => Goal::None,
        })
    };
    (0..OPERATIONS.len()).map(of).collect()
}

fn main() {
    let mut contests: Vec<Contest<'_>> = COUNTS
        .iter()
        .map(|&(name, count)| contest(name, count))
        .collect();
    if let Some(what) = apart() {
        if !contests.iter_mut().any(Contest::was_counted) {
            defrag::play(&what);
        }
        return;
    }
    let rounds = number_argument("--rounds").unwrap_or(7);
    let general = general(0).len();
    let mut tables = Vec::new();
    let mut show = |table: Table| {
        println!("{}", table.text());
        tables.push(table.json());
    };
    let counts = COUNTS.map(|(_, count)| count);
    let mut ours: Vec<Row> = Vec::new();
    let mut standings = Vec::new();
    for (contest, count) in contests.iter().zip(counts) {
        let rows = contest.times_apart(rounds);
        let title =
            format!("{count} objects of {SIZE} bytes: nanoseconds, median of {rounds} rounds");
        let mut table = contest.table(&title, &rows);
        table.ratio(
            "SLUB / fastest general",
            &rows[0].1,
            &fastest(&rows, general),
        );
        ours.push(rows[0].1.clone());
        show(table);
        // The largest stands for all.
        standings = stand(&rows, general);
    }
    let (defrag_tables, defragmented) = defrag::tables(&counts, rounds.min(5));
    defrag_tables.into_iter().for_each(&mut show);
    let held = defragmented
        .last()
        .and_then(|row| *row.get(defrag::DEFRAGMENTED)?);
    let standing = Standing::new("slab: pages held over pages needed, 90 % freed", "", held);
    standings.push(standing.goal(Goal::AtMost(1.05)));
    write_standings("slab", &standings);

    let contest = &contests[COUNTED];
    let title = format!("{} objects: instructions (callgrind)", counts[COUNTED]);
    let rows = contest.instructions();
    let mut table = contest.table(&title, &rows);
    table.ratio(
        "SLUB / fewest general",
        &rows[0].1,
        &fastest(&rows, general),
    );
    show(table);

    let columns: Vec<&str> = OPERATIONS.into_iter().chain(["defragmentation"]).collect();
    let mut table = Table::new(
        "SLUB from 10^4 to 10^6 objects: exponents of growth",
        &columns,
    );
    for (row, figures) in ours.iter_mut().zip(defragmented) {
        row.push(figures.get(defrag::NANOSECONDS).copied().flatten());
    }
    table.row("nanoseconds", exponents(&counts, &ours));
    let counted: Vec<Row> = contests
        .iter()
        .zip(counts)
        .map(|(contest, count)| {
            let mut row = contest.instructions_of("SLUB");
            row.push(defrag::instructions(count));
            row
        })
        .collect();
    table.row("instructions", exponents(&counts, &counted));
    table.note(
        "Of all objects together: 1 is linear. Nanoseconds also grow where the objects no longer fit \
         the processor's caches.",
    );
    show(table);
    write("slab.json", &format!("[{}]\n", tables.join(",\n")));
}
