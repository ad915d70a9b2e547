//! A CPU goes on with another task: the one that ran is charged and put back, the next one is picked.

use kernel_core::Kernel;
use kernel_core::task::sched::{self, ROOT_GROUP};

use crate::{Measured, Workload, crowd};

/// Switches in one measurement, about.
const SWITCHES: usize = 10_000;

pub const SWITCH: Workload = Workload {
    name: "sched.switch",
    what: "a task yields after a millisecond and another one runs; size: runnable tasks, ten in a group",
    sizes: &[100, 1_000, 10_000, 100_000],
    gated: 1_000,
    growth: 0.0,
    make: |size| {
        // A second lies between two ticks, which are not what is measured.
        let mut kernel = crowd::kernel(&format!("{} hz=1", crowd::header(size as usize)));
        let mem = &mut kernel.mem;
        let tasks: Vec<_> = (0..size).map(|_| crowd::fork_runnable(mem)).collect();
        for ten in tasks.chunks(10) {
            let group = sched::sched_create_group(mem, ROOT_GROUP).expect("room");
            for &task in ten {
                sched::sched_move_task(mem, task, group);
            }
        }
        // Everybody has run.
        crowd::switch(mem, 2 * size as usize, &mut |_| crowd::MS);
        Box::new(Switches { kernel, done: None })
    },
};

struct Switches {
    kernel: Kernel,
    done: Option<u64>,
}

impl Measured for Switches {
    fn prepare(&mut self) {}

    fn run(&mut self) -> u64 {
        let done = crowd::switch(&mut self.kernel.mem, SWITCHES, &mut |_| crowd::MS);
        assert!(
            done.abs_diff(SWITCHES as u64) < SWITCHES as u64 / 50,
            "{done} switches"
        );
        // One more or less, as the time of the last one falls.
        *self.done.get_or_insert(done)
    }
}
