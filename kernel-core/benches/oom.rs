//! Choosing whom the OOM killer ends: one whole selection among 1,000 to 1,000,000 tasks.
//!
//! | column | the tasks |
//! |---|---|
//! | flat | the shell's children, of random sizes, ages, CPU times, nice levels, capabilities and `oom_adj` |
//! | families | likewise, but each is the child of one of the sixteen before it: families are deep |
//! | threads | likewise flat; processes of four threads |
//! | rising | each a little larger than the one before, so that each is the worst so far |
//! | equal | all the same: the first has to be found |
//! | working | as flat, but each has run since the last tick, for up to a minute, and was charged for it |
//!
//! Above, our selection; below, the same choice by asking each task in turn as 2.6.28 does, with our
//! objects. Both choose the same task, which is looked at each time. The last column is what the table of
//! weights takes for a task, in bytes.
//!
//! `cargo xtask bench oom` runs it; `--rounds N` repeats more.

use std::hint::black_box;

use benches::{
    Goal, Random, Row, Standing, Table, median, number_argument, region, write, write_standings,
};
use kernel_core::Kernel;
use kernel_core::machine::MachineConfig;
use kernel_core::mem::{FRAME_SIZE, Gfp, MEM, Mem, Ram, Ref};
use kernel_core::oom::{self, OomControl, Selection, badness, weights};
use kernel_core::task::{self, TASK, Task, fork, mm, pid};

/// A crowd of tasks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Crowd {
    Flat,
    Families,
    Threads,
    Rising,
    Equal,
    Working,
}

const CROWDS: [(&str, Crowd); 6] = [
    ("flat", Crowd::Flat),
    ("families", Crowd::Families),
    ("threads", Crowd::Threads),
    ("rising", Crowd::Rising),
    ("equal", Crowd::Equal),
    ("working", Crowd::Working),
];

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

/// A machine with so many tasks.
fn kernel(crowd: Crowd, count: usize) -> Kernel {
    let mut config = MachineConfig::parse("mem=64M").expect("a header");
    // More than a header may ask for: 1,600 bytes a task.
    config.frames = config.frames.max((count * 1600 / FRAME_SIZE) as u32);
    let ram = Ram::new(config.frames).expect("memory");
    let mut kernel = Kernel::boot(ram, &config).expect("boots");
    let mem = &mut kernel.mem;
    mem[TASK].pids.pid_max = pid::PID_MAX_LIMIT;
    mem[TASK].max_threads = u32::MAX;
    mem[MEM].steps_left = u32::MAX;
    mem[TASK].now = 100 * DAY;
    let mut random = Random(count as u64);
    let mut recent = [mem[TASK].init; 16];
    let mut made = 0;
    while made < count {
        let parent = match crowd {
            Crowd::Families => recent[random.below(recent.len())],
            _ => mem[TASK].init,
        };
        let child = fork::stage(mem, parent, fork::FORK).expect("room for a task");
        dress(mem, child, crowd, made, count, &mut random);
        let place = random.below(recent.len());
        recent[place] = child;
        made += 1;
        if crowd == Crowd::Threads {
            for _ in 1..4 {
                fork::stage(mem, child, fork::THREAD).expect("room for a thread");
                made += 1;
            }
        }
    }
    if crowd == Crowd::Working {
        let tasks: Vec<Ref<Task>> = pid::tasks_from(mem, task::FIRST_PID).collect();
        for task in tasks {
            mem[task].utime += random.below(60) as u64 * SECOND;
            // As the scheduler does after each run.
            weights::note_time(mem, task);
        }
    }
    kernel.check().expect("sound");
    kernel
}

/// Gives a task what it is weighed by.
fn dress(
    mem: &mut Mem,
    task: Ref<Task>,
    crowd: Crowd,
    number: usize,
    count: usize,
    random: &mut Random,
) {
    let pages = match crowd {
        Crowd::Rising => 1000 + (number * 500_000 / count) as u32,
        Crowd::Equal => 1000,
        _ => return performance::dress(mem, task, random),
    };
    mm::stage_task(mem, task, pages, pages / 2).expect("room for its memory");
    mem[task].cred.effective = 0;
    weights::refresh(mem, task);
}

/// The choice as 2.6.28 makes it, but for those who are dying: there are none.
fn ask_everybody(mem: &Mem, control: &OomControl) -> Option<(Ref<Task>, u64)> {
    let uptime = badness::uptime(mem);
    let mut best = None;
    for leader in task::processes(mem) {
        for task in task::threads(mem, mem[leader].signal) {
            if oom::skipped(mem, control, task).is_some() {
                continue;
            }
            let points = badness::badness(mem, task, uptime, control.nodes);
            if best.is_none_or(|(_, most)| points > most) {
                best = Some((task, points));
            }
        }
    }
    best
}

/// Microseconds of one selection, by our way and by asking everybody, and bytes a task.
fn measure(crowd: Crowd, count: usize, rounds: usize) -> [f64; 3] {
    let mut kernel = kernel(crowd, count);
    let mem = &mut kernel.mem;
    let control = OomControl::new(mem, Gfp::KERNEL, 0);
    let repeat = (100_000 / count).clamp(1, 100);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        let mut selection = Selection::None;
        let took = region(&mut || {
            for _ in 0..repeat {
                selection = black_box(oom::select_bad_process(mem, &control));
            }
        });
        times[0].push(took / 1000.0 / repeat as f64);
        let mut asked = None;
        let took = region(&mut || {
            for _ in 0..repeat {
                asked = black_box(ask_everybody(mem, &control));
            }
        });
        times[1].push(took / 1000.0 / repeat as f64);
        let asked = asked.map(|(task, points)| Selection::Victim(task, points));
        assert_eq!(Some(selection), asked, "both choose the same");
    }
    let bytes = f64::from(weights::frames(mem)) * FRAME_SIZE as f64 / count as f64;
    [
        median(&times[0]).expect("rounds"),
        median(&times[1]).expect("rounds"),
        bytes,
    ]
}

fn main() {
    let rounds = number_argument("--rounds").unwrap_or(9);
    let names: Vec<&str> = CROWDS.iter().map(|(name, _)| *name).collect();
    let columns: Vec<&str> = names.iter().copied().chain(["limit", "2.6.28"]).collect();
    let title = format!("One selection: microseconds, median of {rounds} rounds");
    let mut table = Table::new(title, &columns);
    let mut asking = Table::new("The same by asking every task: microseconds", &names);
    let mut standings = Vec::new();
    let mut memory = Table::new(
        "The table of weights: bytes a task, in frames of its own",
        &names,
    );
    // Limits of issue 6; 2.6.28's own loop on this class of machine, in flat families.
    for (count, limit, linux) in [
        (1_000, Some(20.0), 68.0),
        (10_000, None, 870.0),
        (100_000, None, 16_000.0),
        (1_000_000, Some(10_000.0), 157_000.0),
    ] {
        let mut rows: [Row; 3] = Default::default();
        for (_, crowd) in CROWDS {
            let figures = measure(
                crowd,
                count,
                if count > 100_000 {
                    rounds.min(5)
                } else {
                    rounds
                },
            );
            for (row, figure) in rows.iter_mut().zip(figures) {
                row.push(Some(figure));
            }
        }
        let [mut ours, asked, bytes] = rows;
        let worst = ours.iter().flatten().copied().reduce(f64::max);
        let standing = Standing::new(
            format!("oom: selection, {count} tasks, worst crowd"),
            "us",
            worst,
        );
        let standing = standing.beside("2.6.28, recorded", Some(linux));
        standings.push(standing.goal(limit.map_or(Goal::None, Goal::AtMost)));
        ours.extend([limit, Some(linux)]);
        table.row(format!("{count} tasks"), ours);
        asking.row(format!("{count} tasks"), asked);
        memory.row(format!("{count} tasks"), bytes);
    }
    table.note("2.6.28: its loop in C, flat families; deep ones take 73, 1190, 35000 and 489000.");
    let tables = [table, asking, memory];
    for table in &tables {
        println!("{}", table.text());
    }
    let json: Vec<String> = tables.iter().map(Table::json).collect();
    write_standings("oom", &standings);
    write("oom.json", &format!("[{}]\n", json.join(",\n")));
}
