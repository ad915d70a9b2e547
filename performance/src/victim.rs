//! Whom the OOM killer chooses: one whole selection among many tasks.

use std::hint::black_box;

use kernel_core::Kernel;
use kernel_core::mem::{Gfp, Mem, Ref};
use kernel_core::oom::{self, OomControl, Selection};
use kernel_core::task::{TASK, Task, fork, mm, sched};

use crate::{Measured, Random, Workload, crowd};

/// Nanoseconds.
const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

pub const SELECT: Workload = Workload {
    name: "oom.select",
    what: "the OOM killer chooses among all tasks; size: tasks, the shell's children of random sizes",
    sizes: &[1_000, 10_000, 100_000],
    gated: 1_000,
    growth: 1.0,
    make: |size| {
        let mut kernel = crowd::kernel(&crowd::header(size as usize));
        let mem = &mut kernel.mem;
        mem[TASK].now = 100 * DAY;
        let init = mem[TASK].init;
        let mut random = Random(u64::from(size));
        for _ in 0..size {
            let task = fork::stage(mem, init, fork::FORK).expect("room for a task");
            dress(mem, task, &mut random);
        }
        let control = OomControl::new(mem, Gfp::KERNEL, 0);
        let times = (100_000 / size).clamp(1, 100);
        Box::new(Selections {
            kernel,
            control,
            times,
        })
    },
};

/// Gives a task a random part of everything that it is weighed by: memory, CPU time, age, capabilities,
/// `oom_adj` and nice level. Most tasks are small.
///
/// # Panics
/// If there is no room for its memory's descriptor: a slip in whoever measures.
pub fn dress(mem: &mut Mem, task: Ref<Task>, random: &mut Random) {
    let pages = 100 << random.below(10) | random.below(100) as u32;
    mm::stage_task(mem, task, pages, pages / 2).expect("room for its memory");
    mem[task].cred.effective = 0;
    mem[task].utime = (random.below(1000) * random.below(1000)) as u64 * SECOND / 100;
    mem[task].start_time = mem[TASK].now - random.below(100 * 86_400) as u64 * SECOND;
    if random.below(10) == 0 {
        mem[task].cred.effective = u64::from(u32::MAX);
    }
    if random.below(20) == 0 {
        mem[task].oom_adj = random.below(19) as i32 - 17;
    }
    if random.below(10) == 0 {
        sched::set_user_nice(mem, task, 5);
    }
    oom::weights::refresh(mem, task);
}

struct Selections {
    kernel: Kernel,
    control: OomControl,
    times: u32,
}

impl Measured for Selections {
    fn prepare(&mut self) {}

    fn run(&mut self) -> u64 {
        for _ in 0..self.times {
            let selection = oom::select_bad_process(&mut self.kernel.mem, &self.control);
            assert!(matches!(black_box(selection), Selection::Victim(..)));
        }
        u64::from(self.times)
    }
}
