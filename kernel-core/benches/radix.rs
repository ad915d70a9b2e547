//! Our radix tree beside Linux's, `BTreeMap`, hashbrown and the `xarray` crate.
//!
//! Every structure goes through the same life: all keys in, looked up in three ways, tagged, read in
//! batches, out, in, and out in another order. One round of every structure follows the other, and
//! the table shows medians over the rounds. Linux's figures can't be measured here; they were
//! recorded on a machine of this class, and the peers, which were recorded there too, tell how this
//! machine compares.
//!
//! | column | what is done |
//! |---|---|
//! | insert | every key, in the workload's order |
//! | lookup in order, shuffled | every key, in that order or another |
//! | lookup_dep | shuffled, each key known only when the item before has been read |
//! | miss | as many keys that are absent |
//! | tag_set, tag_clear | tag 0 of every item |
//! | gang16 | all items in batches of 16, an item |
//! | gangtag_1pct16 | the tagged items in batches of 16 when 1 % are, an item found |
//! | delete in order, shuffled | every key |
//!
//! `cargo xtask bench radix` runs it; `--full` adds larger workloads, `--rounds N` repeats more.

#[path = "radix/peers.rs"]
mod peers;
#[path = "radix/recorded.rs"]
mod recorded;

use std::hint::black_box;

use benches::{
    Contest, Contestant, Goal, Random, Round, Row, Standing, Table, apart, compact, geometric_mean,
    has_argument, number_argument, run_apart, write, write_standings,
};
use peers::{BTree, Fold, Fx, Glass, Tree};

/// What is measured.
const OPERATIONS: [&str; 11] = [
    "insert",
    "lookup in order",
    "lookup shuffled",
    "lookup_dep",
    "miss",
    "tag_set",
    "tag_clear",
    "gang16",
    "gangtag_1pct16",
    "delete in order",
    "delete shuffled",
];

/// The workload whose instructions are counted.
const COUNTED: (&str, usize) = ("shuf", 100_000);

/// Items that a batch holds.
const BATCH: usize = 16;

/// Keys, and orders to use them in. Key number i is that of item i + 1.
struct Workload {
    name: &'static str,
    keys: Vec<u64>,
    shuffled: Vec<u64>,
    absent: Vec<u64>,
}

impl Workload {
    fn new(name: &'static str, count: usize) -> Workload {
        let mut random = Random(count as u64);
        let (mut keys, absent): (Vec<u64>, Vec<u64>) = if name == "rand32" {
            // An odd multiplier permutes the 32-bit numbers, so no key comes twice.
            let key = |number: u64| u64::from((number as u32).wrapping_mul(0x9e37_79b1));
            let number = |n: usize| key((n as u64) ^ (n as u64) << 17);
            let mut all: Vec<u64> = (0..2 * count).map(number).collect();
            random.shuffle(&mut all);
            let absent = all.split_off(count);
            (all, absent)
        } else {
            let count = count as u64;
            ((0..count).collect(), (count..2 * count).collect())
        };
        if name != "seq" {
            random.shuffle(&mut keys);
        }
        let mut shuffled = keys.clone();
        random.shuffle(&mut shuffled);
        Workload {
            name,
            keys,
            shuffled,
            absent,
        }
    }

    fn title(&self) -> String {
        format!("{}, {} keys", self.name, grouped(self.keys.len()))
    }
}

fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One life of a tree, which has to be empty and is left empty.
fn play<T: Tree>(tree: &mut T, workload: &Workload, round: &mut Round<'_>) {
    let Workload {
        name,
        keys,
        shuffled,
        absent,
    } = workload;
    let total = keys.len();
    let few = &shuffled[..total / 100];
    // Known to be 0 by nobody but us.
    let zero = black_box(0_u64);
    let gangs = T::GANGS && (T::SPARSE_GANGS || *name != "rand32");
    let mut measure = |operation, expected: usize, work: &mut dyn FnMut() -> usize| {
        let mut done = 0;
        round.measure(operation, expected.max(1), || done = work());
        assert_eq!(done, expected, "{} did not {operation} all", T::NAME);
    };
    measure("insert", total, &mut || insert_all(tree, keys));
    measure("lookup in order", total, &mut || lookup_all(tree, keys));
    measure("lookup shuffled", total, &mut || lookup_all(tree, shuffled));
    measure("lookup_dep", total, &mut || {
        lookup_dependent(tree, shuffled, zero)
    });
    measure("miss", total, &mut || total - lookup_all(tree, absent));
    if T::TAGS {
        measure("tag_set", total, &mut || tag_all(tree, keys));
        measure("tag_clear", total, &mut || untag_all(tree, keys));
    }
    if gangs {
        measure("gang16", total, &mut || gang_all(tree, keys));
    }
    if gangs && T::TAGS {
        tag_all(tree, few);
        measure("gangtag_1pct16", few.len(), &mut || gang_tagged(tree, keys));
        untag_all(tree, few);
    }
    measure("delete in order", total, &mut || delete_all(tree, keys));
    insert_all(tree, keys);
    measure("delete shuffled", total, &mut || delete_all(tree, shuffled));
}

#[inline(never)]
fn insert_all<T: Tree>(tree: &mut T, keys: &[u64]) -> usize {
    let mut done = 0;
    for (item, &key) in (1..).zip(keys) {
        done += usize::from(tree.insert(key, item));
    }
    done
}

#[inline(never)]
fn lookup_all<T: Tree>(tree: &mut T, keys: &[u64]) -> usize {
    let mut done = 0;
    for &key in keys {
        done += usize::from(tree.lookup(key).is_some());
    }
    done
}

#[inline(never)]
fn lookup_dependent<T: Tree>(tree: &mut T, keys: &[u64], zero: u64) -> usize {
    let (mut done, mut last) = (0, 0);
    for &key in keys {
        if let Some(item) = tree.lookup(key + (last & zero)) {
            last = u64::from(item);
            done += 1;
        }
    }
    done
}

#[inline(never)]
fn tag_all<T: Tree>(tree: &mut T, keys: &[u64]) -> usize {
    let mut done = 0;
    for &key in keys {
        done += usize::from(tree.tag_set(key));
    }
    done
}

#[inline(never)]
fn untag_all<T: Tree>(tree: &mut T, keys: &[u64]) -> usize {
    let mut done = 0;
    for &key in keys {
        done += usize::from(tree.tag_clear(key));
    }
    done
}

#[inline(never)]
fn gang_all<T: Tree>(tree: &mut T, keys: &[u64]) -> usize {
    let (mut done, mut first) = (0, 0);
    let mut items = [0; BATCH];
    loop {
        let (found, next) = tree.gang(first, &mut items, keys);
        done += found;
        black_box(&items);
        if found < BATCH {
            return done;
        }
        first = next;
    }
}

#[inline(never)]
fn gang_tagged<T: Tree>(tree: &mut T, keys: &[u64]) -> usize {
    let (mut done, mut first) = (0, 0);
    let mut items = [0; BATCH];
    loop {
        let (found, next) = tree.gang_tagged(first, &mut items, keys);
        done += found;
        black_box(&items);
        if found < BATCH {
            return done;
        }
        first = next;
    }
}

#[inline(never)]
fn delete_all<T: Tree>(tree: &mut T, keys: &[u64]) -> usize {
    let mut done = 0;
    for &key in keys {
        done += usize::from(tree.delete(key));
    }
    done
}

/// Everyone, for one workload.
fn contest(workload: &Workload) -> Contest<'_> {
    fn contestant<T: Tree + 'static>(workload: &Workload) -> Contestant<'_> {
        let mut kept: Option<T> = None;
        Contestant::new(T::NAME, move |round| {
            let mut tree = kept.take().map_or_else(T::new, T::renew);
            tree.prepare(workload.keys.len());
            play(&mut tree, workload, round);
            kept = Some(tree);
        })
    }
    Contest {
        name: workload.name,
        operations: &OPERATIONS,
        contestants: vec![
            contestant::<Glass>(workload),
            contestant::<BTree>(workload),
            contestant::<Fold>(workload),
            contestant::<Fx>(workload),
            #[cfg(feature = "xarray")]
            contestant::<peers::Xarray>(workload),
        ],
    }
}

fn main() {
    if let Some(what) = apart() {
        if !print_memory(&what) {
            contest(&Workload::new(COUNTED.0, COUNTED.1)).was_counted();
        }
        return;
    }
    let rounds = number_argument("--rounds").unwrap_or(7);
    let mut workloads = vec![
        ("seq", 100_000),
        ("shuf", 100_000),
        ("rand32", 100_000),
        ("seq", 1_000_000),
        ("shuf", 1_000_000),
    ];
    if has_argument("--full") {
        workloads.extend([("rand32", 1_000_000), ("shuf", 10_000_000)]);
    }
    if has_argument("--instructions") {
        workloads.clear();
    }
    let mut tables = Vec::new();
    let mut show = |table: Table| {
        println!("{}", table.text());
        tables.push(table.json());
    };
    let mut standings = Vec::new();
    for (name, count) in workloads {
        show(times(&Workload::new(name, count), rounds, &mut standings));
    }
    show(instructions(&mut standings));
    show(bytes(&mut standings));
    write("radix.json", &format!("[{}]\n", tables.join(",\n")));
    write_standings("radix", &standings);
}

/// The workload whose times stand for all.
const HEADLINE: (&str, usize) = ("shuf", 1_000_000);

/// How the times of the headline's workload stand: beside Linux's, and beside the fastest in this run.
fn standings(rows: &[(&'static str, Row)], linux: &[Option<f64>]) -> Vec<Standing> {
    let (_, ours) = &rows[0];
    let mut standings = Vec::new();
    for (number, operation) in OPERATIONS.iter().enumerate() {
        let name = format!("radix: {operation}, 1e6 shuffled keys");
        let standing = Standing::new(name, "ns", ours[number]);
        let standing = standing.beside("Linux 2.6.28, recorded", linux[number]);
        standings.push(standing.goal(Goal::RatioAtMost(1.0)));
    }
    for operation in ["insert", "lookup shuffled", "delete shuffled"] {
        let number = OPERATIONS.iter().position(|name| *name == operation);
        let number = number.expect("an operation");
        let peers = rows[1..].iter();
        let figures = peers.filter_map(|(name, row)| Some((*name, row[number]?)));
        let fastest = figures.min_by(|a, b| a.1.total_cmp(&b.1));
        let standing = Standing::new(
            format!("radix: {operation}, 1e6 shuffled keys"),
            "ns",
            ours[number],
        );
        let (name, figure) = fastest.unzip();
        standings.push(standing.beside(format!("{}, now", name.unwrap_or("nobody")), figure));
    }
    standings
}

/// Plays the rounds of one workload.
fn times(workload: &Workload, rounds: usize, stand: &mut Vec<Standing>) -> Table {
    let mut contest = contest(workload);
    let rows = contest.times(rounds);
    let title = format!(
        "{}: nanoseconds an operation, median of {rounds} rounds",
        workload.title()
    );
    let mut table = contest.table(&title, &rows);
    let recorded = |name: &str| recorded::times(name, workload.name, workload.keys.len());
    for name in [recorded::LINUX_O2, recorded::LINUX_O3] {
        if let Some(linux) = recorded(name) {
            table.row(format!("{name} (recorded)"), linux.to_vec());
            table.ratio("  ours / that", &rows[0].1, &linux);
        }
    }
    if (workload.name, workload.keys.len()) == HEADLINE
        && let Some(linux) = recorded(recorded::LINUX_O2)
    {
        stand.extend(standings(&rows, &linux));
    }
    // Insertion into a heap that grows depends on the operating system most; lookups do not.
    let speed = |(name, row): &(&str, Row)| {
        let then = recorded(name)?;
        Some((row[1]? / then[1]?, row[2]? / then[2]?))
    };
    let speeds: Vec<f64> = rows
        .iter()
        .filter_map(speed)
        .flat_map(|(in_order, shuffled)| [in_order, shuffled])
        .collect();
    if let Some(speed) = geometric_mean(&speeds) {
        table.note(format!(
            "The peers' lookups now take {} times what they took on the recording machine.",
            compact(speed)
        ));
    }
    table
}

/// Counts instructions.
fn instructions(stand: &mut Vec<Standing>) -> Table {
    let workload = Workload::new(COUNTED.0, COUNTED.1);
    let contest = contest(&workload);
    let rows = contest.instructions();
    let title = format!(
        "{}: instructions an operation (callgrind)",
        workload.title()
    );
    let mut table = contest.table(&title, &rows);
    for (name, [insert, lookup], hit) in recorded::INSTRUCTIONS {
        let mut cells = vec![None; OPERATIONS.len()];
        (cells[0], cells[2], cells[8]) = (Some(insert), Some(lookup), hit);
        table.row(format!("{name} (recorded)"), cells.clone());
        if name == recorded::LINUX_O2 {
            table.ratio("  ours / that", &rows[0].1, &cells);
            for (number, figure) in [(0, insert), (2, lookup)] {
                let name = format!("radix: {}, 1e5 shuffled keys", OPERATIONS[number]);
                let standing = Standing::new(name, "instr.", rows[0].1[number]);
                let standing = standing.beside("Linux 2.6.28, recorded", Some(figure));
                stand.push(standing.goal(Goal::RatioAtMost(1.0)));
            }
        }
    }
    table
}

/// Bytes an entry, the item itself not counted.
fn bytes(stand: &mut Vec<Standing>) -> Table {
    let workloads = [("shuf", 100_000), ("shuf", 1_000_000), ("rand32", 100_000)];
    let titles = workloads.map(|(name, count)| format!("{name} {}", grouped(count)));
    let mut table = Table::new("Bytes an entry", &titles.each_ref().map(String::as_str));
    let mut figures = [const { Vec::new() }; 3];
    for (name, count) in workloads {
        let mut tree = Glass::new();
        insert_all(&mut tree, &Workload::new(name, count).keys);
        for (row, bytes) in figures.iter_mut().zip(tree.bytes()) {
            row.push(Some(bytes as f64 / count as f64));
        }
    }
    let bytes = figures[1].first().copied().flatten();
    let standing = Standing::new("radix: bytes an entry, dense keys", "B", bytes);
    let linux = recorded::BYTES
        .iter()
        .find(|(name, _)| *name == recorded::LINUX_O2);
    let linux = linux.and_then(|(_, cells)| cells[0]);
    let standing = standing.beside("Linux 2.6.28, recorded", linux);
    stand.push(standing.goal(Goal::AtMost(4.6)));
    for (what, row) in ["nodes", "slab objects", "pages held"].iter().zip(figures) {
        table.row(format!("{}: {what}", Glass::NAME), row);
    }
    for (peer, _) in PEERS {
        let cells = workloads.map(|(name, count)| {
            let growth = run_apart(&format!("memory/{peer}/{name}/{count}"))?;
            Some(growth.trim().parse::<f64>().ok()? / count as f64)
        });
        table.row(format!("{peer}: memory of the process"), cells.to_vec());
    }
    for (name, cells) in recorded::BYTES {
        table.row(format!("{name} (recorded)"), cells.to_vec());
    }
    table
}

/// Bytes that taking in a workload costs.
type Growth = fn(&Workload) -> f64;

/// Those whose memory comes from this process's heap.
const PEERS: &[(&str, Growth)] = &[
    (BTree::NAME, growth::<BTree>),
    (Fold::NAME, growth::<Fold>),
    (Fx::NAME, growth::<Fx>),
    #[cfg(feature = "xarray")]
    (peers::Xarray::NAME, growth::<peers::Xarray>),
];

/// Bytes by which the process grows when a peer takes all keys in.
fn growth<T: Tree>(workload: &Workload) -> f64 {
    let mut tree = T::new();
    tree.prepare(workload.keys.len());
    let before = peers::resident();
    insert_all(&mut tree, &workload.keys);
    peers::resident() - before
}

/// Prints the growth for `memory/<peer>/<workload>/<keys>`, and says whether it was asked for that.
fn print_memory(what: &str) -> bool {
    let mut words = what.split('/');
    let asked = words.next() == Some("memory");
    if let (true, Some(peer), Some(name), Some(count)) =
        (asked, words.next(), words.next(), words.next())
    {
        let known = ["shuf", "rand32"].into_iter().find(|known| *known == name);
        let growth = PEERS.iter().find(|known| known.0 == peer);
        if let (Some(name), Some((_, growth)), Ok(count)) = (known, growth, count.parse()) {
            println!("{}", growth(&Workload::new(name, count)));
        }
    }
    asked
}
