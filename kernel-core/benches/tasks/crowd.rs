//! A kernel with many tasks, in many containers of four hierarchies.

use kernel_core::Kernel;
use kernel_core::container::{self, Container};
use kernel_core::fs;
use kernel_core::machine::MachineConfig;
use kernel_core::mem::{MEM, Mem, Ram, Ref};
use kernel_core::task::{TASK, Task, fork, pid};

use benches::Random;

/// Where the hierarchies are mounted, and which subsystems they are for.
const HIERARCHIES: [(&str, &str); 4] = [
    ("/cpu", "cpu"),
    ("/acct", "cpuacct"),
    ("/pids", "pids,debug"),
    ("/freezer", "freezer"),
];
/// In so many containers of each hierarchy the others stand.
const OUTER: usize = 50;

/// A kernel that allows as many tasks as there are numbers.
pub fn kernel(header: &str) -> Kernel {
    let config = MachineConfig::parse(header).expect("a header");
    let ram = Ram::new(config.frames).expect("memory");
    let mut kernel = Kernel::boot(ram, &config).expect("boots");
    kernel.mem[TASK].pids.pid_max = pid::PID_MAX_LIMIT;
    kernel.mem[TASK].max_threads = u32::MAX;
    kernel.mem[MEM].steps_left = u32::MAX;
    kernel
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
    let mut found = std::collections::HashMap::new();
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

/// Puts each task into a container of each hierarchy, at random.
pub fn scatter(mem: &mut Mem, tasks: &[Ref<Task>], containers: &[Ref<Container>]) {
    let mut random = Random(4);
    let turns = HIERARCHIES.len();
    for &task in tasks {
        for hierarchy in 0..turns {
            let at = random.below(containers.len() / turns) * turns + hierarchy;
            container::attach_task(mem, containers[at], task).expect("nobody refuses");
        }
    }
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
