//! Shares and weights are kept, whatever the mix: measured over ten virtual seconds.
//!
//! What a group is to have is its part by shares, but no more than a CPU for each of its tasks; what
//! one cannot use the other has.

extern crate std;

use std::vec::Vec;

use super::*;
use crate::Kernel;
use crate::machine::MachineConfig;
use crate::mem::Ram;
use crate::oom::weights;
use crate::task::fork;
use crate::testing::Random;

const SECOND: u64 = 1_000_000_000;
const TIME: u64 = 10 * SECOND;

fn kernel(cpus: u32) -> Kernel {
    let config = MachineConfig::parse(&std::format!("mem=32M cpus={cpus}")).unwrap();
    Kernel::boot(Ram::new(config.frames).unwrap(), &config).unwrap()
}

/// A task that only burns time.
fn spin(mem: &mut Mem, group: Ref<TaskGroup>, nice: i32) -> Ref<Task> {
    mem[MEM].steps_left = u32::MAX;
    let init = mem[TASK].init;
    let task = fork::copy_process(mem, init, fork::FORK).unwrap();
    mem[task].static_prio = (120 + nice) as u32;
    weights::refresh_traits(mem, task);
    sched_move_task(mem, task, group);
    wake_up_new_task(mem, task);
    task
}

/// Lets [`TIME`] pass.
fn pass(kernel: &mut Kernel) {
    for _ in 0..10 {
        kernel.mem[MEM].steps_left = u32::MAX;
        run_with(&mut kernel.mem, TIME / 10, &mut |_| false, &mut burn).unwrap();
    }
    kernel.check().unwrap();
}

/// CPUs that some tasks had, on an average.
fn had(mem: &Mem, tasks: &[Ref<Task>]) -> f64 {
    let used: u64 = tasks.iter().map(|&task| mem[task].utime).sum();
    used as f64 / TIME as f64
}

/// Tasks of two groups, of 90 and 10 shares, on a machine.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Mix {
    cpus: u32,
    ninety: u32,
    ten: u32,
}

impl Mix {
    /// What the larger group is to have, in CPUs.
    fn wanted(self) -> f64 {
        let [cpus, ninety, ten] = [self.cpus, self.ninety, self.ten].map(f64::from);
        let least = (cpus - ten).max(0.0);
        (cpus * 0.9).min(ninety).max(least.min(ninety))
    }

    /// How far they may be from it, in percent of the machine; see `balance.rs`.
    fn limit(self) -> f64 {
        if self.cpus > 6 { 1.2 } else { 1.0 }
    }

    /// How far the groups were from what they are to have, in percent of the machine.
    fn deviation(self) -> f64 {
        let mut kernel = kernel(self.cpus);
        let mem = &mut kernel.mem;
        let tasks = [(9216, self.ninety), (1024, self.ten)].map(|(shares, count)| -> Vec<_> {
            let group = sched_create_group(mem, ROOT_GROUP).unwrap();
            sched_group_set_shares(mem, group, shares).unwrap();
            (0..count).map(|_| spin(mem, group, 0)).collect()
        });
        pass(&mut kernel);
        let [ninety, ten] = tasks.map(|tasks| had(&kernel.mem, &tasks));
        let [cpus, all] = [self.cpus, self.ninety + self.ten].map(f64::from);
        let ten_wanted = cpus.min(all) - self.wanted();
        (ninety - self.wanted()).abs().max((ten - ten_wanted).abs()) / cpus * 100.0
    }

    /// Mixes with less of something.
    fn smaller(self) -> impl Iterator<Item = Mix> {
        let less = |number: u32| [number / 2, number - 1].into_iter().filter(|&n| n > 0);
        let cpus = less(self.cpus).map(move |cpus| Mix { cpus, ..self });
        let ninety = less(self.ninety).map(move |ninety| Mix { ninety, ..self });
        let ten = less(self.ten).map(move |ten| Mix { ten, ..self });
        cpus.chain(ninety).chain(ten)
    }
}

/// The least mix, on the way down from `mix`, that is off by more than `limit`.
fn shrink(mut mix: Mix, limit: f64) -> Mix {
    while let Some(smaller) = mix.smaller().find(|mix| mix.deviation() > limit) {
        mix = smaller;
    }
    mix
}

#[test]
fn shares_are_within_one_percent_for_any_mix_of_tasks() {
    let seed = 0x90_10;
    std::println!("seed {seed:#x}");
    let mut random = Random(seed);
    let mut worst = 0f64;
    for _ in 0..60 {
        let cpus = [1, 2, 3, 4, 6, 8][random.below(6) as usize];
        // As often few as many.
        let count = |random: &mut Random| {
            let most = [4, 12, 60][random.below(3) as usize];
            1 + random.below(most) as u32
        };
        let (ninety, ten) = (count(&mut random), count(&mut random));
        let mix = Mix { cpus, ninety, ten };
        let deviation = mix.deviation();
        worst = worst.max(deviation);
        let limit = mix.limit();
        if deviation > limit {
            let least = shrink(mix, limit);
            panic!("{mix:?} is off by {deviation:.2} %; so is {least:?}");
        }
    }
    std::println!("off by {worst:.2} % at most");
}

/// Those that were off before others were charged for what they had elsewhere, and kept a task where
/// they are.
#[test]
fn few_tasks_on_many_cpus_have_their_shares() {
    for (cpus, ninety, ten) in [
        (4, 5, 1),
        (6, 6, 1),
        (6, 10, 1),
        (8, 8, 1),
        (8, 8, 9),
        (8, 10, 1),
        (8, 20, 1),
    ] {
        let mix = Mix { cpus, ninety, ten };
        let deviation = mix.deviation();
        assert!(
            deviation <= mix.limit(),
            "{mix:?} is off by {deviation:.2} %"
        );
    }
}

/// Looks at all mixes of few tasks and some of many, and prints what is off most.
#[test]
#[ignore = "takes half a minute"]
fn survey_of_mixes() {
    for cpus in [1, 2, 3, 4, 6, 8] {
        let (mut count, mut worst) = (0, 0f64);
        for ninety in (1..=12).chain([15, 20, 30, 40]) {
            for ten in (1..=12).chain([15, 20, 30, 40]) {
                let mix = Mix { cpus, ninety, ten };
                let deviation = mix.deviation();
                worst = worst.max(deviation);
                count += u32::from(deviation > mix.limit());
                if deviation > 0.8 {
                    std::println!("{mix:?}: {deviation:.2} % off");
                }
            }
        }
        std::println!("{cpus} CPUs: {worst:.2} % at most");
        assert_eq!(count, 0, "{cpus} CPUs");
    }
}

#[test]
fn nice_levels_are_within_one_percent_of_the_weights() {
    let seed = 0x2624;
    let mut random = Random(seed);
    // Each level beside nice 0, then levels at random, also many.
    let pairs = (-20..20).map(|nice| std::vec![nice, 0]);
    let mut mixes: Vec<Vec<i32>> = pairs.collect();
    for _ in 0..25 {
        let count = 2 + random.below(20);
        mixes.push((0..count).map(|_| random.below(40) as i32 - 20).collect());
    }
    for levels in mixes {
        let mut kernel = kernel(1);
        let tasks: Vec<_> = levels
            .iter()
            .map(|&nice| spin(&mut kernel.mem, ROOT_GROUP, nice))
            .collect();
        pass(&mut kernel);
        let weight = |nice: i32| f64::from(WEIGHTS[(nice + 20) as usize]);
        let sum: f64 = levels.iter().map(|&nice| weight(nice)).sum();
        for (&nice, &task) in levels.iter().zip(&tasks) {
            let off = (had(&kernel.mem, &[task]) - weight(nice) / sum) * 100.0;
            assert!(
                off.abs() <= 1.0,
                "seed {seed:#x}: nice {nice} of {levels:?} is off by {off:.2} %"
            );
        }
    }
}
