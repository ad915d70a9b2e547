//! What trace events cost: instructions and nanoseconds with them, without, and in a kernel that never
//! had any.
//!
//! Three kernels do the same work. In the first the trace points are compiled to nothing (the feature
//! `untraced`, which takes a build of its own). The second has them, and its header says `trace=off`. The
//! third emits its events, hashes and records them. `off` must not take more than 2 % more instructions
//! than `none`, and an event not more than 30 ns.
//!
//! The second table is of single events, each kind by itself. There the kernel does not know while it is
//! compiled which event comes, so it costs two or three instructions more than at its own place.
//!
//! `cargo xtask bench trace` builds and runs all of it: first this program with `untraced`, which writes its
//! counts to a file (`--write`), then without, which reads them (`--beside`).

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::{env, fs};

use benches::{
    Goal, Standing, Table, apart, count_instructions, median, number_argument, output_folder,
    region, write, write_standings,
};
use kernel_core::Kernel;
use kernel_core::machine::{Machine, MachineConfig};
use kernel_core::mem::{MEM, Mem, Ram};
use kernel_core::trace::Tracepoint;
use performance::{Measured, WORKLOADS, crowd};

/// The work whose cost without a trace is judged.
const WORK: [&str; 16] = [
    "slub.alloc",
    "slub.free",
    "slub.pair",
    "slab.alloc",
    "slab.free",
    "slab.pair",
    "slob.alloc",
    "slob.free",
    "slob.pair",
    "buddy.order0",
    "radix.insert",
    "radix.delete",
    "path.hit",
    "task.fork_exit",
    "sched.switch",
    "container.attach",
];
/// The logs that the tests keep, one after the other.
const LOGS: &str = "tests/logs";
/// Such a log makes a hundred thousand tasks: too long for valgrind.
const LONG: &str = "tasks-100000";
/// Events of a kind in one measurement.
const EVENTS: u64 = 10_000;

/// Which kernel.
#[derive(Clone, Copy, PartialEq)]
enum Trace {
    /// With events, if it has any.
    On,
    Off,
}

/// A console that nobody reads.
struct Silent;

impl Machine for Silent {
    fn console_write(&mut self, text: &[u8]) {
        black_box(text);
    }
}

/// Logs with their machines.
struct Logs {
    texts: Vec<Vec<u8>>,
    traced: bool,
}

impl Logs {
    fn read(traced: bool) -> Logs {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(LOGS);
        let entries = fs::read_dir(folder).expect("the logs").flatten();
        let mut files: Vec<PathBuf> = entries
            .filter(|entry| entry.file_name() != LONG)
            .map(|entry| entry.path().join("input.log"))
            .filter(|file| file.is_file())
            .collect();
        files.sort();
        let texts = files.iter().map(|file| fs::read(file).expect("a log"));
        Logs {
            texts: texts.collect(),
            traced,
        }
    }
}

impl Measured for Logs {
    fn prepare(&mut self) {}

    fn run(&mut self) -> u64 {
        let mut count = 0;
        for text in &self.texts {
            let mut lines = text.split(|&byte| byte == b'\n').peekable();
            let first = core::str::from_utf8(lines.peek().expect("a line")).unwrap_or("");
            let mut config = MachineConfig::default();
            if MachineConfig::is_header(first) {
                config = MachineConfig::parse(first).expect("a header");
                lines.next();
            }
            config.traced = self.traced;
            let ram = Ram::new(config.ram_frames()).expect("memory");
            let mut kernel = Kernel::boot(ram, &config).expect("boots");
            for line in lines.filter(|line| !line.is_empty()) {
                if !kernel.is_off() {
                    kernel.run_line(&mut Silent, line);
                    count += 1;
                }
            }
        }
        count
    }
}

/// The work of that name.
fn work(name: &str, trace: Trace) -> Box<dyn Measured> {
    crowd::set_traced(trace == Trace::On);
    if name == LOGS {
        return Box::new(Logs::read(trace == Trace::On));
    }
    let workload = performance::find(name).unwrap_or_else(|| {
        let known: Vec<&str> = WORKLOADS.iter().map(|known| known.name).collect();
        panic!("there is no work {name}; there is {}", known.join(", "))
    });
    (workload.make)(workload.gated)
}

/// Instructions an operation of some work, by callgrind.
fn instructions(name: &str, trace: Trace) -> Option<f64> {
    let word = if trace == Trace::On { "on" } else { "off" };
    let (counts, text) = count_instructions(&format!("{name} {word}"))?;
    let operations: f64 = text.trim().parse().ok()?;
    Some(counts.first()? / operations)
}

/// What runs under callgrind: work once, or an event of each kind.
fn run_apart(what: &str) {
    let (name, word) = what.split_once(' ').expect("work, and on or off");
    let trace = if word == "on" { Trace::On } else { Trace::Off };
    if name == "events" {
        let mut kernel = kernel(trace);
        for &tracepoint in Tracepoint::ALL {
            region(&mut || emit(&mut kernel.mem, tracepoint));
        }
        return;
    }
    let mut work = work(name, trace);
    work.prepare();
    let mut operations = 0;
    region(&mut || operations = work.run());
    println!("{operations}");
}

fn kernel(trace: Trace) -> Kernel {
    crowd::set_traced(trace == Trace::On);
    let mut kernel = crowd::kernel("mem=16M");
    kernel.mem[MEM].steps_left = u32::MAX;
    kernel
}

/// Emits events of a kind, with as many fields as it has.
#[inline(never)]
fn emit(mem: &mut Mem, tracepoint: Tracepoint) {
    for number in 0..EVENTS {
        let args = black_box([number, 1, 192, 192, 208, 3]);
        let [a, b, c, d, e, f] = args;
        match tracepoint.fields().len() {
            1 => mem.trace(tracepoint, [a]),
            2 => mem.trace(tracepoint, [a, b]),
            3 => mem.trace(tracepoint, [a, b, c]),
            4 => mem.trace(tracepoint, [a, b, c, d]),
            5 => mem.trace(tracepoint, [a, b, c, d, e]),
            _ => mem.trace(tracepoint, [a, b, c, d, e, f]),
        }
    }
}

/// What single events cost, and how many nanoseconds the slowest kind takes.
fn events(rounds: usize) -> (Table, Option<f64>) {
    let columns = [
        "fields",
        "instructions off",
        "instructions on",
        "ns off",
        "ns on",
        "limit",
    ];
    let mut table = Table::new("One event", &columns);
    let counts = ["events off", "events on"].map(count_instructions);
    let mut kernels = [Trace::Off, Trace::On].map(kernel);
    let mut slowest = None;
    for (number, &tracepoint) in Tracepoint::ALL.iter().enumerate() {
        let mut row = vec![Some(tracepoint.fields().len() as f64)];
        for count in &counts {
            let count = count.as_ref().and_then(|(counts, _)| counts.get(number));
            row.push(count.map(|count| count / EVENTS as f64));
        }
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for (kernel, times) in kernels.iter_mut().zip(&mut times) {
                let took = region(&mut || emit(&mut kernel.mem, tracepoint));
                times.push(took / EVENTS as f64);
            }
        }
        let times = times.map(|times| median(&times));
        if times[1] > slowest {
            slowest = times[1];
        }
        row.extend(times);
        row.push(Some(30.0));
        table.row(tracepoint.name(), row);
    }
    (table, slowest)
}

/// The argument behind `name`.
fn argument(name: &str) -> Option<PathBuf> {
    let mut arguments = env::args_os().skip_while(|argument| argument != name);
    arguments.nth(1).map(PathBuf::from)
}

fn main() {
    if let Some(what) = apart() {
        return run_apart(&what);
    }
    let names = || WORK.into_iter().chain([LOGS]);
    if let Some(file) = argument("--write") {
        let counts = names().filter_map(|name| Some((name, instructions(name, Trace::On)?)));
        let lines: String = counts
            .map(|(name, count)| format!("{name} {count}\n"))
            .collect();
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, lines).expect("a file");
        return;
    }
    let beside = argument("--beside").map(|file| fs::read_to_string(file).expect("counts"));
    let untraced = |name: &str| {
        let line = beside
            .as_ref()?
            .lines()
            .find_map(|line| line.strip_prefix(name))?;
        line.trim().parse::<f64>().ok()
    };
    let columns = ["none", "off", "on", "off %", "limit %", "on %"];
    let mut table = Table::new(
        "Instructions an operation, with and without a trace",
        &columns,
    );
    let mut standings = Vec::new();
    for name in names() {
        let none = untraced(name);
        let [off, on] = [Trace::Off, Trace::On].map(|trace| instructions(name, trace));
        let percent = |count: Option<f64>| Some((count? / none? - 1.0) * 100.0);
        table.row(
            name,
            vec![none, off, on, percent(off), Some(2.0), percent(on)],
        );
        let standing = Standing::new(format!("trace off: {name}"), "% more", percent(off));
        standings.push(standing.goal(Goal::AtMost(2.0)));
    }
    table.note("none: a kernel that was compiled without trace points; off: trace=off.");
    let (events, slowest) = events(number_argument("--rounds").unwrap_or(5));
    standings
        .push(Standing::new("trace on: slowest event", "ns", slowest).goal(Goal::AtMost(30.0)));
    write_standings("trace", &standings);
    let tables = [table, events];
    for table in &tables {
        println!("{}", table.text());
    }
    let json: Vec<String> = tables.iter().map(Table::json).collect();
    write("trace.json", &format!("[{}]\n", json.join(",\n")));
    let _ = fs::remove_dir_all(output_folder().join("callgrind"));
}
