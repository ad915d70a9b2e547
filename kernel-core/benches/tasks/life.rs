//! Tasks come, run programs, wake and go; containers are made, joined, read and removed.

use std::hint::black_box;

use kernel_core::Kernel;
use kernel_core::container::{self, attach_task};
use kernel_core::fs;
use kernel_core::mem::{MEM, Ref};
use kernel_core::task::program::{Args, exec};
use kernel_core::task::{INTERRUPTIBLE, TASK, Task, fork, sched};

use super::header;
use benches::{Contest, Contestant, Random, Round};
use performance::crowd::{self, kernel, stage};

/// Pages that the parent of `fork, 16 pages` has written.
const PAGES: u32 = 16;
/// Children of the shell, at most.
const SOME: usize = 50_000;
/// Children that have an address space or a program, at most.
const HEAVY: usize = 5_000;

const LIFE: [&str; 8] = [
    "fork",
    "exit, wait",
    "fork 16 pages",
    "  its exit",
    "exec",
    "wakeup",
    "stat file",
    "Kernel::check",
];

/// How tasks live among `count` others, who sleep.
fn live(round: &mut Round<'_>, count: usize, recording: bool) {
    let mut kernel = kernel(&header(count));
    kernel.mem.set_recording(recording);
    let tasks: Vec<Ref<Task>> = (0..count).map(|_| stage(&mut kernel.mem)).collect();
    let mem = &mut kernel.mem;
    // Once before: what is measured then is not the first touch of the machine's memory.
    let mut children = Vec::with_capacity(count);
    let some = count.min(SOME);
    for measured in [false, true] {
        let fork_all = || {
            for _ in 0..some {
                children.push(crowd::fork_runnable(mem));
            }
        };
        play(round, measured, "fork", some, fork_all);
        let init = mem[TASK].init;
        let end = || {
            children
                .drain(..)
                .for_each(|child| crowd::end(mem, init, child))
        };
        play(round, measured, "exit, wait", some, end);
    }
    let heavy = count.min(HEAVY);
    let parent = crowd::program(mem, "/bin/true");
    crowd::give_pages(mem, parent, PAGES);
    for measured in [false, true] {
        let fork_all = || {
            for _ in 0..heavy {
                let child = fork::do_fork(mem, parent, fork::FORK).expect("room for a child");
                children.push(child);
            }
        };
        play(round, measured, "fork 16 pages", heavy, fork_all);
        let end = || {
            for child in children.drain(..) {
                crowd::end(mem, parent, child);
            }
        };
        play(round, measured, "  its exit", heavy, end);
    }
    let args = Args::of(&["true"]).expect("room for a word");
    for measured in [false, true] {
        children.extend((0..heavy).map(|_| crowd::bare(mem)));
        let exec_all = || {
            for &child in &children {
                exec(mem, child, "/bin/true", &args).expect("a program");
            }
        };
        play(round, measured, "exec", heavy, exec_all);
        let init = mem[TASK].init;
        children
            .drain(..)
            .for_each(|child| crowd::end(mem, init, child));
    }
    let mut order = tasks.clone();
    Random(7).shuffle(&mut order);
    for measured in [false, true] {
        let wake = || {
            for &task in &order {
                assert!(sched::wake_up_process(mem, task));
            }
        };
        play(round, measured, "wakeup", count, wake);
        for &task in &order {
            mem[task].state = INTERRUPTIBLE;
            sched::deactivate(mem, task);
        }
    }
    let paths: Vec<String> = tasks
        .iter()
        .map(|&task| format!("/proc/{}/stat", mem[task].pid))
        .collect();
    let mut buffer = [0; 4096];
    round.measure("stat file", count, || {
        for path in &paths {
            black_box(crowd::read(mem, path, &mut buffer));
        }
    });
    round.measure("Kernel::check", count, || {
        kernel.check().expect("sound");
    });
}

/// Does it, and measures it if that is asked for.
fn play(
    round: &mut Round<'_>,
    measured: bool,
    operation: &str,
    count: usize,
    mut work: impl FnMut(),
) {
    match measured {
        true => round.measure(operation, count, work),
        false => work(),
    }
}

/// How tasks live among 1,000, 10,000 and 100,000 others.
pub fn contest() -> Contest<'static> {
    let crowd =
        |name, count, recording| Contestant::new(name, move |round| live(round, count, recording));
    Contest {
        name: "life",
        operations: &LIFE,
        contestants: vec![
            crowd("1000 tasks", 1_000, true),
            crowd("10000 tasks", 10_000, true),
            crowd("100000 tasks", 100_000, true),
            crowd("100000, not recording", 100_000, false),
        ],
    }
}

const CONTAINERS: [&str; 9] = [
    "mkdir",
    "attach first",
    "attach later",
    "attach to one",
    "echo PID",
    "read a line",
    "fork",
    "rmdir",
    "Kernel::check",
];

/// `count` tasks and a tenth as many containers.
fn contain(round: &mut Round<'_>, count: usize, recording: bool) {
    let mut kernel = kernel(&header(count));
    kernel.mem.set_recording(recording);
    let tasks: Vec<Ref<Task>> = (0..count).map(|_| stage(&mut kernel.mem)).collect();
    let mem = &mut kernel.mem;
    let boxes = count / 10;
    let paths = crowd::directories(boxes);
    crowd::mount(mem);
    round.measure("mkdir", boxes, || crowd::mkdir_all(mem, &paths));
    let containers = crowd::find(mem, &paths);
    let mut random = Random(5);
    // The first has a task leave the topmost container of a hierarchy; later ones mostly another.
    for operation in ["attach first", "", "", "", "attach later"] {
        let mut order = tasks.clone();
        random.shuffle(&mut order);
        let moves: Vec<_> = order
            .iter()
            .map(|&task| (task, containers[random.below(boxes)]))
            .collect();
        let attach = || {
            for &(task, container) in &moves {
                attach_task(mem, container, task).expect("nobody refuses");
            }
        };
        play(round, !operation.is_empty(), operation, count, attach);
    }
    let some = count.min(10_000);
    round.measure("attach to one", some, || {
        for &task in &tasks[..some] {
            attach_task(mem, containers[0], task).expect("nobody refuses");
        }
    });
    // What `echo PID > tasks` does to each.
    let mut order: Vec<(String, String)> = tasks[..some]
        .iter()
        .map(|&task| {
            let path = format!("{}/tasks", paths[random.below(boxes)]);
            (path, format!("{}\n", mem[task].pid))
        })
        .collect();
    random.shuffle(&mut order);
    round.measure("echo PID", some, || {
        for (path, line) in &order {
            mem[MEM].steps_left = u32::MAX;
            let file = fs::open(mem, path, fs::O_WRONLY, 0).expect("a tasks file");
            fs::write(mem, file, line.as_bytes()).expect("nobody refuses");
            fs::close(mem, file);
        }
    });
    for &task in &tasks[..some] {
        attach_task(mem, containers[0], task).expect("nobody refuses");
    }
    let lines = container::tasks(mem, containers[0]).count();
    let path = format!("{}/tasks", paths[0]);
    let mut buffer = [0; 4096];
    round.measure("read a line", lines, || {
        assert!(crowd::read(mem, &path, &mut buffer) >= 2 * lines);
    });
    let mut children = Vec::with_capacity(some);
    round.measure("fork", some, || {
        for &parent in &tasks[count - some..] {
            children.push(fork::do_fork(mem, parent, fork::FORK).expect("room for a child"));
        }
    });
    round.measure("Kernel::check", count + some, || {
        kernel.check().expect("sound");
    });
    empty(&mut kernel, &children, &tasks);
    let mem = &mut kernel.mem;
    round.measure("rmdir", boxes, || {
        for path in paths.iter().rev() {
            mem[MEM].steps_left = u32::MAX;
            fs::rmdir(mem, path).expect("it is empty");
        }
    });
}

/// Puts all tasks back into the topmost containers.
fn empty(kernel: &mut Kernel, children: &[Ref<Task>], tasks: &[Ref<Task>]) {
    let mem = &mut kernel.mem;
    let tops: Vec<_> = container::hierarchies(mem)
        .map(|root| mem[root].top)
        .collect();
    for &task in children.iter().chain(tasks) {
        for &top in &tops {
            attach_task(mem, top, task).expect("nobody refuses");
        }
    }
}

/// Tasks of 1,000 to 100,000, in containers of 100 to 10,000.
pub fn containers() -> Contest<'static> {
    let crowd = |name, count, recording| {
        Contestant::new(name, move |round| contain(round, count, recording))
    };
    Contest {
        name: "containers",
        operations: &CONTAINERS,
        contestants: vec![
            crowd("1000 tasks in 100", 1_000, true),
            crowd("10000 tasks in 1000", 10_000, true),
            crowd("100000 tasks in 10000", 100_000, true),
            crowd("the same, not recording", 100_000, false),
        ],
    }
}
