//! The specification's vectors (memory.md 4.1), and the rules of choosing and killing.

extern crate std;

use super::badness;
use crate::mem::Ref;
use crate::task::{self, Task};
use crate::testing::Lab;

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
