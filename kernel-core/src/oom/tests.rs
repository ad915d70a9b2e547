//! The specification's vectors (memory.md 4.1), and the rules of choosing and killing.

extern crate std;

use std::format;
use std::string::String;

use super::select::{self, Counts};
use super::{OomControl, Selection, badness, weights};
use crate::mem::{Gfp, Ref};
use crate::task::{self, Task, Tif, fork, pid};
use crate::testing::{Lab, Random};

/// A machine with two nodes.
fn lab() -> Lab {
    Lab::new("mem=8M nodes=2 cpus=1 hz=1000")
}

fn task_of(lab: &Lab, pid: u32) -> Ref<Task> {
    task::find_task_by_pid(&lab.kernel.mem, pid).expect("it lives")
}

/// The score of the staged task that `spawn t` with these keys makes, on the shell's nodes.
#[track_caller]
fn score(keys: &str) -> u64 {
    let mut lab = lab();
    let pid = lab.run(&std::format!("spawn t caps=none rss=0 {keys}"));
    let task = task_of(&lab, pid.trim().parse().expect("a number"));
    badness::badness(&lab.kernel.mem, task, badness::uptime(&lab.kernel.mem), 1)
}

#[test]
fn scores_are_those_of_the_specification() {
    for (keys, points) in [
        ("vm=100M", 25600),
        ("vm=100M utime=100s", 8533),
        ("vm=100M utime=400s age=86400s", 1422),
        ("vm=100M stime=400s age=86400s caps=sys_admin,sys_rawio", 88),
        ("vm=40k caps=sys_admin,sys_rawio oom_adj=3", 8),
        ("vm=100M oom_adj=-17", 0),
        ("vm=100M nice=5 mems=1", 6400),
    ] {
        assert_eq!(score(keys), points, "{keys}");
    }
}

#[test]
fn children_count_half_and_one_page() {
    let mut lab = lab();
    lab.run("spawn parent vm=100M rss=0 caps=none");
    lab.run("spawn one vm=4000k rss=0 ppid=100; spawn two vm=4004k rss=0 ppid=100");
    assert_eq!(lab.run("cat /proc/100/oom_score"), "26602\n");
}

#[test]
fn a_child_dies_before_its_parent() {
    let mut lab = lab();
    lab.run("spawn small; spawn parent vm=100M rss=0; spawn child ppid=101; spawn other ppid=101");
    assert_eq!(
        lab.run("oom trigger"),
        "sh invoked oom-killer: gfp_mask=0xd0, order=0, oomkilladj=0\n\
         sh cpuset=/ mems_allowed=0-1\n\
         Out of memory: kill process 101 (parent) score 1628 or a child\n\
         Killed process 102 (child)\n"
    );
    assert!(lab.run("cat /proc/102/status").contains("State:\tZ"));
    assert!(lab.run("cat /proc/103/status").contains("State:\tS"));
}

#[test]
fn a_panic_halts_the_machine() {
    let mut lab = lab();
    lab.run("spawn victim; echo 2 > /proc/sys/vm/panic_on_oom");
    assert_eq!(
        lab.run("oom trigger; echo never"),
        "Kernel panic - not syncing: out of memory. Compulsory panic_on_oom is selected.\n"
    );
    assert_eq!(
        lab.run("echo never"),
        "sh: the machine has halted: kernel panic\n"
    );
    assert!(lab.kernel.is_off());
}

#[test]
fn the_steps_of_a_score_lead_to_it() {
    let mut lab = lab();
    lab.run("spawn t vm=100M nice=5 utime=100s age=1d caps=sys_admin mems=1 oom_adj=2");
    lab.run("spawn child ppid=100 vm=4000k");
    let mem = &lab.kernel.mem;
    let (task, mut control) = (task_of(&lab, 100), OomControl::new(mem, Gfp::KERNEL, 0));
    control.nodes = 1;
    let explained = badness::explain(mem, task, &control);
    let steps: std::vec::Vec<_> = explained
        .factors()
        .iter()
        .map(|factor| (factor.rule as u32, factor.operand, factor.after))
        .collect();
    // Pages, child, CPU time, age, nice, capabilities, nodes, oom_adj: 4.1, rules 2 to 12.
    let expected = [
        (0, 25600, 25600),
        (2, 1, 26101),
        (3, 3, 8700),
        (4, 3, 2900),
        (5, 2, 5800),
        (6, 4, 1450),
        (8, 2, 181),
        (9, 2, 724),
    ];
    assert_eq!(steps, expected);
    assert_eq!(explained.points, 724);
    let points = badness::badness(mem, task, badness::uptime(mem), 1);
    assert_eq!(points, explained.points);
}

#[test]
fn who_shares_the_memory_dies_too() {
    let mut lab = lab();
    lab.run("spawn one vm=100M rss=1M");
    let task = task_of(&lab, 100);
    for flags in [fork::CLONE_VM | fork::FORK, fork::THREAD] {
        fork::stage(&mut lab.kernel.mem, task, flags).expect("room");
    }
    lab.kernel.check().expect("sound");
    // One of them may not be killed: none is, and nobody is left.
    lab.run("echo -17 > /proc/101/oom_adj; spawn two");
    assert!(
        lab.run("oom trigger")
            .ends_with("Killed process 103 (two)\n")
    );
    lab.run("echo 0 > /proc/101/oom_adj");
    assert!(
        lab.run("oom trigger")
            .ends_with("Killed process 100 (one)\n")
    );
    assert!(!lab.run("ps -ef").contains(" one"));
}

/// Both searches find the same.
#[track_caller]
fn compare(lab: &Lab, about: &str) {
    let mem = &lab.kernel.mem;
    let mut control = OomControl::new(mem, Gfp::KERNEL, 0);
    for nodes in 1..=3 {
        control.nodes = nodes;
        let (mut plain, mut quick) = (Counts::default(), Counts::default());
        let expected = select::one_by_one(mem, &control, &mut plain);
        assert_eq!(
            select::by_weight(mem, &control, &mut quick),
            expected,
            "{about}"
        );
        // Late threads of the dying are met later.
        if !matches!(expected, Selection::Abort(_)) {
            assert_eq!(quick, plain, "{about}");
        }
    }
}

/// A random task that lives, and is no init.
fn any_task(lab: &Lab, random: &mut Random) -> Option<Ref<Task>> {
    let mem = &lab.kernel.mem;
    let count = pid::tasks_from(mem, 100).count() as u64;
    let place = random.below(count.max(1)) as usize;
    pid::tasks_from(mem, 100).nth(place)
}

#[test]
fn the_table_finds_whom_asking_everybody_finds() {
    for seed in 0..12 {
        let mut random = Random(seed);
        let mut lab = Lab::new("mem=16M nodes=2 cpus=2 hz=250");
        for step in 0..250 {
            let about = format!("seed {seed}, step {step}");
            let task = any_task(&lab, &mut random);
            let victim = task.map_or(100, |task| lab.kernel.mem[task].tgid);
            let number = random.below(1 << 20);
            let mut pick = |of: &[&str]| String::from(of[random.below(of.len() as u64) as usize]);
            let line = match number % 16 {
                0..8 => {
                    let keys = [
                        pick(&["", "vm=4k", "vm=40M", "vm=41M", "vm=2G", "vm=3000k rss=0"]),
                        pick(&[
                            "",
                            "nice=5",
                            "caps=none",
                            "caps=sys_admin",
                            "caps=sys_rawio",
                        ]),
                        pick(&["", "age=1s", "age=100h", "age=10000h", "age=90000d"]),
                        pick(&["", "utime=40s", "stime=3000s", "utime=99999h"]),
                        pick(&[
                            "",
                            "",
                            "oom_adj=-17",
                            "oom_adj=-3",
                            "oom_adj=1",
                            "oom_adj=15",
                        ]),
                        pick(&[
                            "",
                            "",
                            "mems=0",
                            "mems=1",
                            "threads=3",
                            "count=30",
                            "state=Z",
                        ]),
                    ];
                    format!("spawn t {} ppid={victim}", keys.join(" "))
                }
                8 => format!("kill -9 {victim}"),
                9 => format!("renice {} -p {victim}", number as i32 % 20),
                10 => format!("echo {} > /proc/{victim}/oom_adj", number as i32 % 16),
                11 => String::from("sleep 10s"),
                12 => String::from("memhog 1M &"),
                13 => String::from("oom trigger"),
                14 => format!("kill -9 {victim} {}", victim + 1),
                _ => String::from("ps"),
            };
            lab.run(&line);
            let mem = &mut lab.kernel.mem;
            let is_staged =
                |&task: &Ref<Task>| mem[task].has(Tif::Staged) && !mem[task].mm.is_null();
            let late = task
                .filter(|task| pid::tasks_from(mem, 1).any(|other| other == *task))
                .filter(is_staged);
            if let Some(task) = late.filter(|_| number.is_multiple_of(5)) {
                // A thread of an old process; memory that others share; CPU time.
                let random_time = 10_000_000_000 << (number % 18);
                let _ = match number % 3 {
                    0 => fork::stage(mem, task, fork::THREAD),
                    1 => fork::stage(mem, task, fork::CLONE_VM),
                    _ => {
                        mem[task].utime += random_time;
                        weights::note_time(mem, task);
                        Ok(task)
                    }
                };
                lab.kernel
                    .check()
                    .unwrap_or_else(|violation| panic!("{about}: {violation}"));
            }
            compare(&lab, &about);
            // Somebody is dying, and is told of but gone on the next line.
            if let Some(task) = any_task(&lab, &mut random).filter(|_| number.is_multiple_of(7)) {
                let mem = &mut lab.kernel.mem;
                let before = mem[task].thread_flags;
                for flag in [Tif::MemDie, Tif::OomRefused] {
                    let mem = &mut lab.kernel.mem;
                    mem[task].thread_flags |= flag as u32;
                    weights::refresh_traits(mem, task);
                    compare(&lab, &about);
                    let mem = &mut lab.kernel.mem;
                    mem[task].thread_flags = before;
                    weights::refresh_traits(mem, task);
                }
            }
        }
    }
}
