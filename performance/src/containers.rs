//! A task goes into another container.

use kernel_core::Kernel;
use kernel_core::container::{Container, attach_task};
use kernel_core::mem::Ref;
use kernel_core::task::Task;

use crate::{Measured, Random, Workload, crowd};

/// Moves in one measurement.
const MOVES: usize = 2_000;

pub const ATTACH: Workload = Workload {
    name: "container.attach",
    what: "a random task goes into a random container of four hierarchies; size: tasks, ten a container",
    sizes: &[1_000, 10_000, 100_000],
    gated: 1_000,
    growth: 0.0,
    make: |size| {
        let size = size as usize;
        let mut kernel = crowd::kernel(&crowd::header(size));
        let mem = &mut kernel.mem;
        let tasks: Vec<_> = (0..size).map(|_| crowd::stage(mem)).collect();
        let containers = crowd::containers(mem, size / 10);
        crowd::scatter(mem, &tasks, &containers);
        // Everybody once, at most: whoever moves comes from where it was scattered to.
        let mut order: Vec<usize> = (0..size).collect();
        let mut random = Random(5);
        random.shuffle(&mut order);
        let turns = crowd::HIERARCHIES.len();
        let homes = crowd::homes(size, containers.len());
        let moves = order.into_iter().take(MOVES).map(|number| {
            let to = random.below(containers.len());
            let from = homes[number][to % turns];
            (tasks[number], containers[from], containers[to])
        });
        let moves = moves.collect();
        Box::new(Moves {
            kernel,
            moves,
            is_moved: false,
        })
    },
};

struct Moves {
    kernel: Kernel,
    /// Who, from where and where to.
    moves: Vec<(Ref<Task>, Ref<Container>, Ref<Container>)>,
    is_moved: bool,
}

impl Measured for Moves {
    fn prepare(&mut self) {
        if self.is_moved {
            for &(task, from, _) in self.moves.iter().rev() {
                attach_task(&mut self.kernel.mem, from, task).expect("nobody refuses");
            }
        }
        self.is_moved = false;
    }

    fn run(&mut self) -> u64 {
        for &(task, _, to) in &self.moves {
            attach_task(&mut self.kernel.mem, to, task).expect("nobody refuses");
        }
        self.is_moved = true;
        self.moves.len() as u64
    }
}
