//! Kernels with many tasks, in many containers of four hierarchies, and what happens to these.
//!
//! # Panics
//! If a machine can't boot or has too little room: a slip in whoever measures. This holds for every
//! function here.

use std::collections::BTreeMap;

use std::cell::Cell;

use kernel_core::Kernel;
use kernel_core::container::{self, Container};
use kernel_core::fs;
use kernel_core::machine::MachineConfig;
use kernel_core::mem::{MEM, Mem, Ram, Ref};
use kernel_core::task::program::{Args, exec};
use kernel_core::task::sched::{self, Outcome, Run};
use kernel_core::task::{INTERRUPTIBLE, TASK, Task, exit, fork, mm, pid};

use crate::Random;

/// Nanoseconds of a millisecond.
pub const MS: u64 = 1_000_000;

/// Where the hierarchies are mounted, and which subsystems they are for.
pub const HIERARCHIES: [(&str, &str); 4] = [
    ("/cpu", "cpu"),
    ("/acct", "cpuacct"),
    ("/pids", "pids,debug"),
    ("/freezer", "freezer"),
];
/// In so many containers of each hierarchy the others stand.
const OUTER: usize = 50;

/// A kernel that allows as many tasks as there are numbers.
pub fn kernel(header: &str) -> Kernel {
    boot(&MachineConfig::parse(header).expect("a header"))
}

thread_local! {
    static TRACED: Cell<bool> = const { Cell::new(true) };
}

/// Says whether the machines that this thread makes from now on emit events. What they cost is told by the
/// difference.
pub fn set_traced(on: bool) {
    TRACED.set(on);
}

/// What the header of such a machine says of it.
pub(crate) fn trace_key() -> &'static str {
    if TRACED.get() { "" } else { " trace=off" }
}

/// The same of a machine that a header may not be able to describe.
pub fn boot(config: &MachineConfig) -> Kernel {
    let config = &MachineConfig {
        traced: config.traced && TRACED.get(),
        ..*config
    };
    let ram = Ram::new(config.frames).expect("memory");
    let mut kernel = Kernel::boot(ram, config).expect("boots");
    kernel.mem[TASK].pids.pid_max = pid::PID_MAX_LIMIT;
    kernel.mem[TASK].max_threads = u32::MAX;
    kernel.mem[MEM].steps_left = u32::MAX;
    kernel
}

/// The machine for `count` tasks in a tenth as many containers.
pub fn header(count: usize) -> String {
    let megabytes = 32 + count / 250;
    format!("mem={megabytes}M cpus=1")
}

/// A task without a program that sleeps.
pub fn stage(mem: &mut Mem) -> Ref<Task> {
    let init = mem[TASK].init;
    fork::stage(mem, init, fork::FORK).expect("room for a task")
}

/// A task that wants to run.
pub fn fork_runnable(mem: &mut Mem) -> Ref<Task> {
    let init = mem[TASK].init;
    fork::do_fork(mem, init, fork::FORK).expect("room for a task")
}

/// The directories that `count` containers will have.
pub fn directories(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| {
            let (top, _) = HIERARCHIES[number % HIERARCHIES.len()];
            let number = number / HIERARCHIES.len();
            match number < OUTER {
                true => format!("{top}/{number}"),
                false => format!("{top}/{}/{number}", number % OUTER),
            }
        })
        .collect()
}

/// Mounts the hierarchies.
pub fn mount(mem: &mut Mem) {
    for (dir, options) in HIERARCHIES {
        fs::mkdir(mem, dir, 0o755).expect("room for a directory");
        fs::mount(mem, "bench", dir, "cgroup", options).expect("a hierarchy");
    }
}

/// Makes the containers of those directories.
pub fn mkdir_all(mem: &mut Mem, paths: &[String]) {
    for path in paths {
        mem[MEM].steps_left = u32::MAX;
        fs::mkdir(mem, path, 0o755).expect("room for a container");
    }
}

/// Finds the containers of those directories.
pub fn find(mem: &Mem, paths: &[String]) -> Vec<Ref<Container>> {
    let mut found = BTreeMap::new();
    for root in container::hierarchies(mem) {
        let (top, _) = HIERARCHIES[(mem[root].id as usize - 1) % HIERARCHIES.len()];
        let mut open = vec![mem[root].top];
        while let Some(at) = open.pop() {
            let mut path = String::new();
            container::path(mem, at, &mut path).expect("a string takes all");
            found.insert(format!("{top}{path}"), at);
            open.extend(container::children(mem, at));
        }
    }
    paths.iter().map(|path| found[path]).collect()
}

/// Makes `count` containers in the four hierarchies, by turns.
pub fn containers(mem: &mut Mem, count: usize) -> Vec<Ref<Container>> {
    mount(mem);
    let paths = directories(count);
    mkdir_all(mem, &paths);
    find(mem, &paths)
}

/// For each of `tasks` tasks the places of the containers, a hierarchy each, that [`scatter`] puts it
/// into.
pub fn homes(tasks: usize, containers: usize) -> Vec<[usize; HIERARCHIES.len()]> {
    const TURNS: usize = HIERARCHIES.len();
    let mut random = Random(4);
    (0..tasks)
        .map(|_| {
            std::array::from_fn(|hierarchy| random.below(containers / TURNS) * TURNS + hierarchy)
        })
        .collect()
}

/// Puts each task into a container of each hierarchy, at random.
pub fn scatter(mem: &mut Mem, tasks: &[Ref<Task>], containers: &[Ref<Container>]) {
    for (&task, homes) in tasks.iter().zip(homes(tasks.len(), containers.len())) {
        for home in homes {
            container::attach_task(mem, containers[home], task).expect("nobody refuses");
        }
    }
}

/// A task that sleeps, and has neither memory nor program yet.
pub fn bare(mem: &mut Mem) -> Ref<Task> {
    let init = mem[TASK].init;
    let task = fork::copy_process(mem, init, fork::FORK | fork::BARE).expect("room for a task");
    mem[task].state = INTERRUPTIBLE;
    task
}

/// A task that sleeps, and has a program.
pub fn program(mem: &mut Mem, path: &str) -> Ref<Task> {
    let task = bare(mem);
    let args = Args::of(&[path]).expect("room for a word");
    exec(mem, task, path, &args).expect("a program");
    task
}

/// Writes to so many new pages of a task's memory.
pub fn give_pages(mem: &mut Mem, task: Ref<Task>, pages: u32) {
    let space = mem[task].mm;
    let length = pages * mm::PAGE_SIZE;
    let flags = mm::VM_READ | mm::VM_WRITE;
    let start = mm::do_mmap(mem, space, 0, length, flags, None).expect("room for an area");
    for page in 0..pages {
        let address = start + page * mm::PAGE_SIZE;
        mm::write_user(mem, space, address, &[1]).expect("room for a page");
    }
}

/// A task ends, and its parent asks for its status.
pub fn end(mem: &mut Mem, parent: Ref<Task>, task: Ref<Task>) {
    exit::do_exit(mem, task, 0);
    let which = exit::Which::Pid(mem[task].pid);
    let waited = exit::do_wait(mem, parent, which, exit::WNOHANG);
    assert!(matches!(waited, Ok(Some(_))), "it has ended");
}

/// Has the CPU switch about `switches` times, if runs of `used` nanoseconds take a millisecond on
/// average; returns how often it did.
pub fn switch(mem: &mut Mem, switches: usize, used: &mut dyn FnMut(Ref<Task>) -> u64) -> u64 {
    mem[MEM].steps_left = u32::MAX;
    let before = sched::nr_switches(mem);
    let mut runner = |mem: &mut Mem, task: Ref<Task>, _: u64| {
        let used_ns = used(task);
        mem[task].utime += used_ns;
        let outcome = Outcome::Yield;
        Run { used_ns, outcome }
    };
    let time = switches as u64 * MS;
    sched::run_with(mem, time, &mut |_| false, &mut runner).expect("enough steps");
    sched::nr_switches(mem) - before
}

/// Reads a file as `cat` does, a page at a time, and returns its bytes.
pub fn read(mem: &mut Mem, path: &str, buffer: &mut [u8; 4096]) -> usize {
    mem[MEM].steps_left = u32::MAX;
    let file = fs::open(mem, path, fs::O_RDONLY, 0).expect("a file");
    let mut bytes = 0;
    loop {
        match fs::read(mem, file, buffer).expect("it can be read") {
            0 => break,
            count => bytes += count,
        }
    }
    fs::close(mem, file);
    bytes
}
