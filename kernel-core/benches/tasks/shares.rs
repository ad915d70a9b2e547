//! How exactly the CPUs are shared: no times, but virtual time, which is the same on every host.

use kernel_core::mem::{MEM, Mem, Ref};
use kernel_core::task::sched::{self, ROOT_GROUP, TaskGroup, WEIGHTS, burn};
use kernel_core::task::{TASK, Task, fork};

use benches::Table;
use performance::crowd::kernel;

const SECOND: u64 = 1_000_000_000;
/// For how long each mix runs.
const TIME: u64 = 10 * SECOND;
/// Tasks in the group of 90 shares, and in that of 10.
const MIXES: [(usize, usize); 9] = [
    (1, 1),
    (1, 9),
    (9, 1),
    (2, 3),
    (4, 4),
    (7, 2),
    (5, 40),
    (100, 1),
    (37, 91),
];
/// CPUs of the machines.
const CPUS: [(&str, usize); 4] = [("1 CPU", 1), ("2 CPUs", 2), ("4 CPUs", 4), ("8 CPUs", 8)];

fn spin(mem: &mut Mem, group: Ref<TaskGroup>, nice: i32) -> Ref<Task> {
    let init = mem[TASK].init;
    let task = fork::copy_process(mem, init, fork::FORK).expect("room for a task");
    mem[task].static_prio = (120 + nice) as u32;
    sched::sched_move_task(mem, task, group);
    sched::wake_up_new_task(mem, task);
    task
}

fn pass(mem: &mut Mem) {
    for _ in 0..10 {
        mem[MEM].steps_left = u32::MAX;
        sched::run_with(mem, TIME / 10, &mut |_| false, &mut burn).expect("enough steps");
    }
}

fn used(mem: &Mem, tasks: &[Ref<Task>]) -> f64 {
    tasks.iter().map(|&task| mem[task].utime as f64).sum()
}

/// What groups of those shares are to have, each at most a CPU a task, in CPUs.
fn ideal(groups: &[(f64, usize)], cpus: usize) -> Vec<f64> {
    let mut has: Vec<Option<f64>> = vec![None; groups.len()];
    loop {
        let taken: f64 = has.iter().flatten().sum();
        let open = || (0..groups.len()).filter(|&at| has[at].is_none());
        let shares: f64 = open().map(|at| groups[at].0).sum();
        let part = |at: usize| (cpus as f64 - taken) * groups[at].0 / shares;
        let full = open().find(|&at| part(at) >= groups[at].1 as f64);
        match full {
            Some(at) => has[at] = Some(groups[at].1 as f64),
            None => {
                let parts: Vec<f64> = (0..groups.len())
                    .map(|at| has[at].unwrap_or_else(|| part(at)))
                    .collect();
                return parts;
            }
        }
    }
}

/// Two groups, 90:10.
pub fn groups() -> Table {
    let columns = CPUS.map(|(name, _)| name);
    let title = "Shares 90:10 over 10 virtual seconds: percent of the machine that the 90 had, and the \
                 deviation in points from what they should have";
    let mut table = Table::new(title, &columns);
    let mut worst = 0f64;
    for (ninety, ten) in MIXES {
        let (mut measured, mut deviation) = (Vec::new(), Vec::new());
        for (_, cpus) in CPUS {
            let mut kernel = kernel(&format!("mem=64M cpus={cpus}"));
            let mem = &mut kernel.mem;
            let [a, b] = [(9216, ninety), (1024, ten)].map(|(shares, count)| -> Vec<_> {
                let group = sched::sched_create_group(mem, ROOT_GROUP).expect("room");
                sched::sched_group_set_shares(mem, group, shares).expect("no root group");
                (0..count).map(|_| spin(mem, group, 0)).collect()
            });
            pass(mem);
            let all = TIME as f64 * cpus as f64;
            let got = [&a, &b].map(|tasks| used(mem, tasks) / all * 100.0);
            let wanted = ideal(&[(90.0, ninety), (10.0, ten)], cpus);
            let off = [0, 1].map(|at| got[at] - wanted[at] / cpus as f64 * 100.0);
            let off = if off[0].abs() > off[1].abs() {
                off[0]
            } else {
                off[1]
            };
            worst = worst.max(off.abs());
            measured.push(Some(got[0]));
            deviation.push(Some(off));
            kernel.check().expect("sound");
        }
        table.row(format!("{ninety}:{ten} tasks"), measured);
        table.row("  deviation", deviation);
    }
    table.note(format!(
        "The largest deviation is {worst:.2} points. A group with fewer tasks than its part of the CPUs has a \
         CPU for each, and the others have the rest: 90 % of four CPUs cannot be used by one task."
    ));
    table
}

/// Two tasks on one CPU, nice 0 and each level; all 40 levels at once.
pub fn nice() -> Table {
    let mut table = Table::new(
        "Nice levels over 10 virtual seconds on one CPU: percent that a task had beside one of nice 0, and \
         its part of all 40 levels at once",
        &["beside 0", "wanted", "off", "of all", "wanted", "off"],
    );
    let mut all = kernel("mem=64M cpus=1");
    let levels: Vec<i32> = (-20..20).collect();
    let tasks: Vec<_> = levels
        .iter()
        .map(|&nice| spin(&mut all.mem, ROOT_GROUP, nice))
        .collect();
    pass(&mut all.mem);
    let weight = |nice: i32| f64::from(WEIGHTS[(nice + 20) as usize]);
    let sum: f64 = levels.iter().map(|&nice| weight(nice)).sum();
    let mut worst = 0f64;
    for (&nice, &task) in levels.iter().zip(&tasks) {
        let mut pair = kernel("mem=64M cpus=1");
        let mem = &mut pair.mem;
        let [one, _] = [nice, 0].map(|nice| spin(mem, ROOT_GROUP, nice));
        pass(mem);
        let time = TIME as f64 / 100.0;
        let beside = mem[one].utime as f64 / time;
        let beside_wanted = 100.0 * weight(nice) / (weight(nice) + weight(0));
        let part = all.mem[task].utime as f64 / time;
        let part_wanted = 100.0 * weight(nice) / sum;
        let off = [beside - beside_wanted, part - part_wanted];
        worst = worst.max(off[0].abs()).max(off[1].abs());
        let cells = [beside, beside_wanted, off[0], part, part_wanted, off[1]];
        table.row(format!("nice {nice}"), cells.map(Some).to_vec());
    }
    table.note(format!("The largest deviation is {worst:.2} points."));
    table
}
