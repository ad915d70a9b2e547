//! Random task sets, and what the kernel's OOM killer makes of them.
//!
//! A set is a few families of tasks with everything that a score depends on: sizes, children, threads,
//! tasks that share their memory, CPU and run times on both sides of the thresholds, nice levels,
//! capabilities, nodes, `oom_adj`. It is staged in a kernel by console lines; then the kernel's scores
//! and victims are held against those of [`crate::oom_reference`]. What a set comes to is worked out
//! here from what was asked for: the kernel is never asked what it has staged.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | what a set is made of, and random ones |
//! | `stage.rs` | putting one into a kernel, and into the reference's world |
//! | `compare.rs` | holding the two against each other, many times |

mod compare;
mod stage;

pub use compare::{Difference, Plan, Report, run};

use crate::Random;
use crate::oom_reference::{OOM_DISABLE, SECOND};

/// The machine that a set is staged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    hz: u32,
    nodes: u32,
    /// Nodes of the shell's cpuset, who asks for the memory; `None` if it is in none.
    shell_nodes: Option<u32>,
    /// How long the machine has been up, in milliseconds.
    uptime_ms: u64,
}

/// A process to be staged. What is `None` it inherits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Staged {
    /// Stands for it in [`Staged::parent`].
    id: u32,
    /// Whose child it is; the shell's if that one is not there.
    parent: Option<u32>,
    /// It lives in its parent's memory.
    is_sharer: bool,
    is_zombie: bool,
    pages: u32,
    utime: u64,
    stime: u64,
    /// In milliseconds.
    age: u64,
    nice: Option<i32>,
    /// A user other than root, without capabilities.
    uid: Option<u32>,
    caps: Option<&'static str>,
    nodes: Option<u32>,
    oom_adj: Option<i32>,
    threads: u32,
    /// What the last thread's `oom_adj` is set to.
    thread_adj: Option<i32>,
}

/// The powers that count, as `spawn caps=` takes them.
const CAPS: [&str; 8] = [
    "none",
    "all",
    "sys_admin",
    "sys_resource",
    "sys_rawio",
    "sys_admin,sys_resource",
    "sys_rawio,sys_admin",
    "kill,sys_nice",
];

impl Setting {
    /// A random machine.
    fn random(random: &mut Random) -> Setting {
        let nodes = 1 + random.below(4) as u32;
        let subset = 1 + random.below((1 << nodes) - 1) as u32;
        Setting {
            hz: *random.pick(&[100, 250, 1000, 1000]),
            nodes,
            shell_nodes: random.one_in(2).then_some(subset),
            uptime_ms: random.below(3000),
        }
    }
}

/// A time around a threshold of the CPU time's root, or anywhere.
fn cpu_time(random: &mut Random, hz: u32) -> u64 {
    let jiffy = SECOND / u64::from(hz);
    let unit = jiffy
        << if hz == 100 {
            10
        } else if hz == 250 {
            11
        } else {
            13
        };
    match random.below(4) {
        0 => 0,
        1 => random.below(5000) * jiffy + random.below(jiffy),
        2 => {
            let root = 1 + random.below(60);
            (unit * root * root)
                .saturating_add_signed([-1, 0, 1, -(jiffy as i64)][random.below(4) as usize])
        }
        _ => random.below(30 * 86_400) * SECOND + random.below(SECOND),
    }
}

/// A process's age in milliseconds, around a threshold of the run time's root, or anywhere.
fn age(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => 0,
        1 => random.below(20_000_000),
        2 => {
            let root = 1 + random.below(8);
            let threshold = root.pow(4) * 1024 * 1000;
            (threshold + random.below(4000)).saturating_sub(2000)
        }
        _ => random.below(2 * 365 * 86_400 * 1000),
    }
}

fn pages(random: &mut Random) -> u32 {
    let most = *random.pick(&[2, 20, 1000, 30_000, 500_000]);
    random.below(most) as u32
}

/// A random set for a machine.
pub fn generate(random: &mut Random, setting: &Setting) -> Vec<Staged> {
    let mut set: Vec<Staged> = Vec::new();
    for id in 0..1 + random.below(12) as u32 {
        // Whoever has ended has no children.
        let parents: Vec<u32> = set
            .iter()
            .filter(|it| !it.is_zombie)
            .map(|it| it.id)
            .collect();
        let parent = (!parents.is_empty() && !random.one_in(3)).then(|| *random.pick(&parents));
        let is_sharer = parent.is_some() && random.one_in(6);
        let is_zombie = parent.is_some() && !is_sharer && random.one_in(10);
        let adj = |random: &mut Random| match random.below(4) {
            0 => OOM_DISABLE,
            _ => random.below(33) as i32 - 17,
        };
        let mut task = Staged {
            id,
            parent,
            is_sharer,
            is_zombie,
            oom_adj: random.one_in(4).then(|| adj(random)),
            threads: 1,
            ..Staged::default()
        };
        if !is_sharer {
            task.pages = pages(random);
            task.utime = cpu_time(random, setting.hz);
            // Together they are what counts.
            if random.one_in(2) {
                task.stime = random.below(task.utime + 1);
                task.utime -= task.stime;
            }
            task.age = age(random);
            task.nice = random.one_in(3).then(|| random.below(40) as i32 - 20);
            task.uid = random.one_in(3).then(|| 1 + random.below(3) as u32);
            task.caps = random.one_in(3).then(|| *random.pick(&CAPS));
            let nodes = 1 + random.below((1 << setting.nodes) - 1) as u32;
            task.nodes = random.one_in(3).then_some(nodes);
        }
        if !is_zombie && !is_sharer && random.one_in(5) {
            task.threads = 2 + random.below(3) as u32;
            task.thread_adj = random.one_in(2).then(|| adj(random));
        }
        set.push(task);
    }
    set
}
