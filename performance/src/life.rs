//! A task is forked, ends, and is waited for, among many others who sleep.

use kernel_core::Kernel;
use kernel_core::mem::{Mem, Ref};
use kernel_core::task::{TASK, Task, fork};

use crate::{Measured, Workload, crowd};

/// Lives in one measurement.
const LIVES: u32 = 1_000;
/// Pages that a parent has written.
const PAGES: u32 = 16;

pub const FORK: Workload = Workload {
    name: "task.fork_exit",
    what: "the shell forks, the child ends, and the shell waits for it; size: other tasks",
    sizes: &[1_000, 10_000, 100_000],
    gated: 1_000,
    growth: 0.0,
    make: |size| Box::new(Lives::new(size, |mem| mem[TASK].init)),
};

pub const FORK_PAGES: Workload = Workload {
    name: "task.fork_exit_pages",
    what: "the same of a process with a program and 16 pages, which both share then; size: other tasks",
    sizes: &[1_000, 10_000, 100_000],
    gated: 1_000,
    growth: 0.0,
    make: |size| {
        Box::new(Lives::new(size, |mem| {
            let parent = crowd::program(mem, "/bin/true");
            crowd::give_pages(mem, parent, PAGES);
            parent
        }))
    },
};

struct Lives {
    kernel: Kernel,
    parent: Ref<Task>,
}

impl Lives {
    fn new(size: u32, parent: fn(&mut Mem) -> Ref<Task>) -> Lives {
        let mut kernel = crowd::kernel(&crowd::header(size as usize));
        let mem = &mut kernel.mem;
        for _ in 0..size {
            crowd::stage(mem);
        }
        let parent = parent(mem);
        Lives { kernel, parent }
    }
}

impl Measured for Lives {
    fn prepare(&mut self) {}

    fn run(&mut self) -> u64 {
        let mem = &mut self.kernel.mem;
        for _ in 0..LIVES {
            let child = fork::do_fork(mem, self.parent, fork::FORK).expect("room for a child");
            crowd::end(mem, self.parent, child);
        }
        u64::from(LIVES)
    }
}
