//! What a context switch costs: charging the task that ran, putting it back into the tree, picking
//! the next one, the event. Every task yields after a millisecond, so each run is a switch, and each
//! goes from the one end of the tree to the other.
//!
//! `cargo bench -p benches --bench sched [TASKS]` runs it.

use std::time::Instant;

use kernel_core::Kernel;
use kernel_core::machine::MachineConfig;
use kernel_core::mem::{MEM, Mem, Ram, Ref};
use kernel_core::task::sched::{self, Outcome, ROOT_GROUP, Run, TaskGroup};
use kernel_core::task::{TASK, Task, fork};

fn kernel(cpus: u32) -> Kernel {
    let header = format!("mem=1G cpus={cpus} hz=1");
    let config = MachineConfig::parse(&header).expect("a header");
    let ram = Ram::new(config.frames).expect("a gigabyte");
    let mut kernel = Kernel::boot(ram, &config).expect("boots");
    kernel.mem[TASK].pids.pid_max = 1 << 18;
    kernel.mem[TASK].max_threads = 1 << 18;
    kernel
}

fn fork(mem: &mut Mem, group: Ref<TaskGroup>) -> Ref<Task> {
    let init = mem[TASK].init;
    let task = fork::copy_process(mem, init, 17).expect("room for a task");
    sched::sched_move_task(mem, task, group);
    sched::wake_up_new_task(mem, task);
    task
}

/// Runs for `switches` milliseconds on each CPU and prints what one takes.
fn measure(what: &str, kernel: &mut Kernel, switches: u64) {
    let mem = &mut kernel.mem;
    let mut best = f64::MAX;
    for _ in 0..300 {
        mem[MEM].steps_left = u32::MAX;
        let before = sched::nr_switches(mem);
        let begin = Instant::now();
        sched::run_with(
            mem,
            switches * 1_000_000,
            &mut |_| false,
            &mut |mem, task, _| {
                mem[task].utime += 1_000_000;
                Run {
                    used_ns: 1_000_000,
                    outcome: Outcome::Yield,
                }
            },
        )
        .expect("enough steps");
        let took = begin.elapsed().as_nanos() as f64;
        best = best.min(took / (sched::nr_switches(mem) - before) as f64);
    }
    println!("{what:<44} {best:7.1} ns a switch");
    kernel.check().expect("sound");
}

fn main() {
    let tasks = std::env::args()
        .find_map(|word| word.parse().ok())
        .unwrap_or(100_000u32);
    for count in [2, 1000, tasks] {
        let mut kernel = kernel(1);
        for _ in 0..count {
            fork(&mut kernel.mem, ROOT_GROUP);
        }
        measure(&format!("{count} tasks"), &mut kernel, 3000);
    }
    let mut kernel = kernel(1);
    for _ in 0..tasks / 10 {
        let group = sched::sched_create_group(&mut kernel.mem, ROOT_GROUP).expect("room");
        for _ in 0..10 {
            fork(&mut kernel.mem, group);
        }
    }
    measure(
        &format!("{tasks} tasks in {} groups", tasks / 10),
        &mut kernel,
        300_000,
    );
}
