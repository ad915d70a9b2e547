//! What a task and a container take of memory.

use kernel_core::mem::{FRAME_SIZE, Mem};
use kernel_core::slab;
use kernel_core::task::fork;
use kernel_core::task::program::{Args, exec};

use benches::{Row, Table};
use performance::crowd::{self, kernel, stage};

/// Caches, in bytes that their slabs take, and pages of all memory that are not free.
struct Use {
    caches: Vec<(String, f64)>,
    pages: f64,
}

fn measure(mem: &mut Mem) -> Use {
    mem.drain_all_pages();
    let caches = slab::caches(mem)
        .map(|cache| {
            let counts = slab::counts(mem, cache);
            let bytes = counts.active_objects * mem[cache].size;
            (mem[cache].name().to_string(), f64::from(bytes))
        })
        .collect();
    Use {
        caches,
        pages: f64::from(mem.frames() - mem.free_frames()),
    }
}

/// What `count` things take each, by caches; and altogether, with what slabs have left over and pages
/// that are in no slab.
fn each(before: &Use, after: &Use, count: usize) -> (Vec<(String, f64)>, f64) {
    let of = |name: &str| {
        let mut there = before.caches.iter();
        there
            .find(|(other, _)| other == name)
            .map_or(0.0, |(_, bytes)| *bytes)
    };
    let caches = after.caches.iter().filter_map(|(name, bytes)| {
        let more = (bytes - of(name)) / count as f64;
        (more >= 0.5).then(|| (name.clone(), more))
    });
    let pages = (after.pages - before.pages) * FRAME_SIZE as f64 / count as f64;
    (caches.collect(), pages)
}

/// What there is to weigh: a name, and how to make so many of it.
type Weighed = (&'static str, fn(&mut Mem, usize));

const KINDS: [Weighed; 5] = [
    ("staged task", |mem, count| {
        for _ in 0..count {
            stage(mem);
        }
    }),
    ("forked task", |mem, count| {
        let parent = program(mem);
        for _ in 0..count {
            fork::do_fork(mem, parent, fork::FORK).expect("room for a child");
        }
    }),
    ("thread", |mem, count| {
        let parent = program(mem);
        for _ in 0..count {
            fork::do_fork(mem, parent, fork::THREAD).expect("room for a thread");
        }
    }),
    ("program", |mem, count| {
        for _ in 0..count {
            program(mem);
        }
    }),
    ("container", |mem, count| {
        crowd::mkdir_all(mem, &crowd::directories(count));
    }),
];

/// The place of `container`.
const CONTAINER: usize = KINDS.len() - 1;

fn program(mem: &mut Mem) -> kernel_core::mem::Ref<kernel_core::task::Task> {
    let task = stage(mem);
    let args = Args::of(&["true"]).expect("room for a word");
    exec(mem, task, "/bin/true", &args).expect("a program");
    task
}

/// Bytes a task and a container.
pub fn table() -> Table {
    const COUNT: usize = 4_000;
    let mut rows: Vec<(String, Row)> = Vec::new();
    let mut whole: Row = Vec::new();
    for (column, (_, make)) in KINDS.iter().enumerate() {
        let mut kernel = kernel("mem=512M cpus=2");
        let mem = &mut kernel.mem;
        crowd::mount(mem);
        if column < CONTAINER {
            // The first of a kind brings what all of them share.
            make(mem, 1);
        }
        let before = measure(mem);
        make(mem, COUNT);
        let (caches, pages) = each(&before, &measure(mem), COUNT);
        for (name, bytes) in caches {
            let at = rows.iter().position(|(other, _)| *other == name);
            let at = at.unwrap_or_else(|| {
                rows.push((name, vec![None; KINDS.len()]));
                rows.len() - 1
            });
            rows[at].1[column] = Some(bytes);
        }
        whole.push(Some(pages));
    }
    let columns = KINDS.map(|(name, _)| name);
    let mut table = Table::new("Memory: bytes each, of a kernel with two CPUs", &columns);
    let sums: Row = (0..KINDS.len())
        .map(|column| Some(rows.iter().filter_map(|(_, row)| row[column]).sum()))
        .collect();
    for (name, row) in rows {
        table.row(name, row);
    }
    table.row("objects, sum", sums);
    table.row("pages of memory", whole);
    table.note(
        "`pages of memory` is what free memory lost by it: the objects, what their slabs have left over, \
         page tables, stacks and the table of numbers. A container's directory and its files are dentries \
         and inodes.",
    );
    table
}
