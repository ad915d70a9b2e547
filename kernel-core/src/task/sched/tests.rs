//! The spec's numbers, shares measured over virtual seconds, and random loads with `check`.

extern crate std;

use std::vec::Vec;

use super::fair::to_virtual;
use super::*;
use crate::Kernel;
use crate::machine::MachineConfig;
use crate::mem::Ram;
use crate::oom::weights;
use crate::task::{INTERRUPTIBLE, RUNNING, TASK, UNINTERRUPTIBLE, exit, fork, time, wait};
use crate::testing::Random;
use crate::trace::{TRACE, Tracepoint};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;

fn kernel(header: &str) -> Kernel {
    let config = MachineConfig::parse(header).unwrap();
    let mut kernel = Kernel::boot(Ram::new(config.frames).unwrap(), &config).unwrap();
    kernel.mem[MEM].steps_left = u32::MAX;
    kernel
}

/// A task that only burns time, of that nice level.
fn spin(mem: &mut Mem, nice: i32) -> Ref<Task> {
    spin_in(mem, ROOT_GROUP, nice)
}

fn spin_in(mem: &mut Mem, group: Ref<TaskGroup>, nice: i32) -> Ref<Task> {
    let init = mem[TASK].init;
    let task = fork::copy_process(mem, init, 17).unwrap();
    mem[task].static_prio = (120 + nice) as u32;
    weights::refresh_traits(mem, task);
    sched_move_task(mem, task, group);
    wake_up_new_task(mem, task);
    task
}

/// Lets time pass, with all tasks burning theirs.
fn pass(kernel: &mut Kernel, ns: u64) {
    let mut left = ns;
    while left > 0 {
        kernel.mem[MEM].steps_left = u32::MAX;
        let part = left.min(SECOND);
        let passed = run_with(&mut kernel.mem, part, &mut |_| false, &mut burn).unwrap();
        assert_eq!(passed, part);
        left -= part;
        kernel.check().unwrap();
    }
}

/// CPU time of some tasks, as a part of `total`, in tenths of a percent.
fn part(mem: &Mem, tasks: &[Ref<Task>], total: u64) -> u64 {
    let sum: u64 = tasks.iter().map(|&task| mem[task].utime).sum();
    (sum * 1000 + total / 2) / total
}

#[track_caller]
fn assert_close(got: u64, wanted: u64, tolerance: u64, what: &str) {
    assert!(
        got.abs_diff(wanted) <= tolerance,
        "{what}: {got} per mille instead of {wanted}"
    );
}

#[test]
fn periods_and_slices_are_the_specs() {
    let mut kernel = kernel("cpus=1");
    let mem = &mut kernel.mem;
    assert_eq!(sched_period(mem, 1), 20 * MS);
    assert_eq!(sched_period(mem, 5), 20 * MS);
    assert_eq!(sched_period(mem, 8), 32 * MS);
    let tasks = [0, 5].map(|nice| spin(mem, nice));
    let cfs_rq = mem[ROOT_GROUP].cfs_rq[0];
    let slices = tasks.map(|task| sched_slice(mem, cfs_rq, task.cast()));
    assert_eq!(slices, [15_069_904, 4_930_095]);
    assert_eq!(to_virtual(MS, 1024), 1_000_000);
    assert_eq!(to_virtual(MS, 335), 3_056_716);
    for _ in 0..7 {
        spin(mem, 0);
    }
    set_user_nice(mem, tasks[1], 0);
    let other = spin(mem, 0);
    task_dead(mem, other);
    task_dead(mem, tasks[0]);
    assert_eq!(sched_slice(mem, cfs_rq, tasks[1].cast()), 4 * MS);
    assert_eq!(
        (weight_of(100), weight_of(120), weight_of(139)),
        (88761, 1024, 15)
    );
}

#[test]
fn more_cpus_make_longer_periods() {
    for (cpus, period) in [(1, 20), (2, 40), (3, 40), (4, 60), (8, 80)] {
        let kernel = kernel(&std::format!("cpus={cpus}"));
        assert_eq!(sched_period(&kernel.mem, 5), period * MS);
    }
}

#[test]
fn a_child_begins_a_slice_behind_and_runs_before_its_parent() {
    let mut kernel = kernel("cpus=1");
    let mem = &mut kernel.mem;
    let [first, _] = [0, 0].map(|nice| spin(mem, nice));
    let mut child = Ref::NULL;
    let mut before = [0; 2];
    let mut runner = |mem: &mut Mem, task: Ref<Task>, budget: u64| {
        let mut used = budget;
        if task == first && child.is_null() && mem[TASK].now >= 3 * MS {
            used = 1000;
            before = [mem[task].se.vruntime, mem[rq(0)].cfs.min_vruntime];
            child = fork::do_fork(mem, task, 17).unwrap();
            // The parent has the child's place, and is to give way.
            let [parents, min] = before;
            // Three of equal weight: 20 ms * 1024 / 3072.
            assert_eq!(mem[task].se.vruntime, min + 6_666_666);
            assert_eq!(mem[child].se.vruntime, parents);
            assert!(need_resched(mem));
        }
        burn(mem, task, used)
    };
    run_with(mem, 30 * MS, &mut |_| false, &mut runner).unwrap();
    assert!(!child.is_null());
    assert!(mem[child].utime > 0);
    kernel.check().unwrap();
}

/// The tunable of spec 4.1: without it, parent and child keep the places that they have.
#[test]
fn a_child_waits_for_its_parent_if_it_is_told_to() {
    use proc::{Tunable, set_tunable};
    let mut kernel = kernel("cpus=1");
    let mem = &mut kernel.mem;
    set_tunable(mem, Tunable::ChildRunsFirst, 0).unwrap();
    let [first, _] = [0, 0].map(|nice| spin(mem, nice));
    let mut child = Ref::NULL;
    let mut runner = |mem: &mut Mem, task: Ref<Task>, budget: u64| {
        if task == first && child.is_null() && mem[TASK].now >= 3 * MS {
            let [own, min] = [mem[task].se.vruntime, mem[rq(0)].cfs.min_vruntime];
            child = fork::do_fork(mem, task, 17).unwrap();
            assert_eq!(mem[task].se.vruntime, own);
            assert_eq!(mem[child].se.vruntime, min + 6_666_666);
        }
        burn(mem, task, budget)
    };
    run_with(mem, 30 * MS, &mut |_| false, &mut runner).unwrap();
    assert!(!child.is_null());
    kernel.check().unwrap();
}

/// Spec 4.3: who lets others run although preemption is off is told on, and goes on.
#[test]
fn scheduling_while_atomic_is_a_bug() {
    let mut lab = crate::testing::Lab::new("mem=2M");
    assert_eq!(
        lab.run("radix preload; sleep 1ms; sleep 1ms"),
        "BUG: scheduling while atomic: sh/0x00000001/1\n\
         BUG: scheduling while atomic: sh/0x00000001/1\n"
    );
    assert_eq!(lab.run("radix preload_end; sleep 1ms"), "");
}

#[test]
fn a_sleeper_gets_credit_but_never_goes_back() {
    let mut kernel = kernel("cpus=1");
    let tasks = [0, 0, 0].map(|nice| spin(&mut kernel.mem, nice));
    pass(&mut kernel, 300 * MS);
    let mem = &mut kernel.mem;
    let sleeper = *tasks.iter().find(|&&task| curr(mem, 0) != task).unwrap();
    mem[sleeper].state = INTERRUPTIBLE;
    deactivate(mem, sleeper);
    let old = mem[sleeper].se.vruntime;
    // Slept briefly: it stays where it was.
    assert!(wake_up_process(mem, sleeper));
    assert_eq!(mem[sleeper].se.vruntime, old);
    mem[sleeper].state = INTERRUPTIBLE;
    deactivate(mem, sleeper);
    pass(&mut kernel, 500 * MS);
    let mem = &mut kernel.mem;
    let running = curr(mem, 0);
    mem[rq(0)].need_resched = 0;
    assert!(wake_up_process(mem, sleeper));
    let min = mem[rq(0)].cfs.min_vruntime;
    assert_eq!(mem[sleeper].se.vruntime, min - 20 * MS);
    // It is at least 20 ms behind the running one, and the granularity is 10.
    assert!(mem[running].se.vruntime >= min);
    assert_eq!(mem[rq(0)].need_resched, 1);
    assert!(!wake_up_process(mem, sleeper));
    kernel.check().unwrap();
}

#[test]
fn who_wakes_preempts_by_more_than_the_granularity() {
    let mut kernel = kernel("cpus=1");
    let mem = &mut kernel.mem;
    let [runs, sleeps] = [0, 0].map(|nice| spin(mem, nice));
    run_with(mem, MS, &mut |_| false, &mut burn).unwrap();
    let (runs, sleeps) = match curr(mem, 0) == runs {
        true => (runs, sleeps),
        false => (sleeps, runs),
    };
    for (nice, behind, preempts) in [
        (0, 10 * MS, 0),
        (0, 10 * MS + 1, 1),
        // For a heavy task ten milliseconds are less virtual time, for a light one more.
        (-5, 10 * MS * 1024 / 3121, 0),
        (-5, 10 * MS * 1024 / 3121 + 1, 1),
        (5, 10 * MS * 1024 / 335, 0),
        (5, 10 * MS * 1024 / 335 + 1, 1),
    ] {
        set_user_nice(mem, runs, nice);
        mem[sleeps].state = INTERRUPTIBLE;
        deactivate(mem, sleeps);
        let vruntime = mem[runs].se.vruntime + SECOND;
        mem[runs].se.vruntime = vruntime;
        mem[rq(0)].cfs.min_vruntime = vruntime - behind;
        mem[sleeps].se.vruntime = vruntime - behind;
        mem[rq(0)].need_resched = 0;
        assert!(wake_up_process(mem, sleeps));
        assert_eq!(mem[rq(0)].need_resched, preempts, "nice {nice}, {behind}");
    }
    // A batch task asks for no credit and pushes nobody aside.
    mem[sleeps].state = INTERRUPTIBLE;
    deactivate(mem, sleeps);
    mem[sleeps].policy = super::fair::SCHED_BATCH;
    mem[sleeps].se.vruntime = 0;
    mem[rq(0)].need_resched = 0;
    assert!(wake_up_process(mem, sleeps));
    assert_eq!(mem[sleeps].se.vruntime, mem[rq(0)].cfs.min_vruntime);
    assert_eq!(mem[rq(0)].need_resched, 0);
}

#[test]
fn yielding_charges_time_and_nothing_else() {
    let mut kernel = kernel("cpus=1");
    let mem = &mut kernel.mem;
    let tasks = [0, 0].map(|nice| spin(mem, nice));
    let yielder = tasks[0];
    let mut runs = 0;
    let mut runner = |mem: &mut Mem, task: Ref<Task>, budget: u64| match task == yielder {
        true => {
            runs += 1;
            mem[task].stime += 1000;
            Run {
                used_ns: 1000,
                outcome: Outcome::Yield,
            }
        }
        false => burn(mem, task, budget),
    };
    mem[MEM].steps_left = u32::MAX;
    run_with(mem, SECOND, &mut |_| false, &mut runner).unwrap();
    // It is picked again and again as long as it has come least, so it loses nothing.
    let [yielder, other] = tasks.map(|task| mem[task].utime + mem[task].stime);
    assert!(runs > 100_000);
    assert_eq!(mem[tasks[0]].utime, 0);
    assert_close(yielder * 1000 / SECOND, 500, 20, "yielder");
    assert_eq!(yielder + other, SECOND);
    assert_eq!(mem[rq(0)].yld_count, runs);
    kernel.check().unwrap();
}

#[test]
fn tasks_run_in_turns_of_a_slice() {
    let mut kernel = kernel("cpus=1 hz=1000");
    let mem = &mut kernel.mem;
    let tasks = [0, 0].map(|nice| spin(mem, nice));
    let first = mem[TRACE].events;
    run_with(mem, 100 * MS, &mut |_| false, &mut burn).unwrap();
    // Each slice is 10 ms, noticed by the tick after it.
    let switches: Vec<u64> = (first..mem[TRACE].events)
        .filter_map(|number| mem.event(number))
        .filter(|event| event.tracepoint == Tracepoint::SchedSwitch)
        .map(|event| event.args()[5])
        .collect();
    assert_eq!(switches[..4], [0, 11 * MS, 22 * MS, 33 * MS]);
    assert_eq!(mem[tasks[0]].utime + mem[tasks[1]].utime, 100 * MS);
    assert_eq!(
        mem[tasks[0]].nivcsw + mem[tasks[1]].nivcsw + 1,
        mem[rq(0)].nr_switches as u32
    );
}

#[test]
fn nice_levels_have_their_weights() {
    for levels in [
        &[0, 5][..],
        &[-5, 0, 5],
        &[-20, -19, 0],
        &[10, 15, 19],
        &[0, 1, 2, 3, 4],
        &[19, 19, 18],
    ] {
        let mut kernel = kernel("cpus=1");
        let tasks: Vec<_> = levels
            .iter()
            .map(|&nice| spin(&mut kernel.mem, nice))
            .collect();
        pass(&mut kernel, 10 * SECOND);
        let weights = levels.iter().map(|nice| WEIGHTS[(nice + 20) as usize]);
        let sum: u32 = weights.clone().sum();
        for (task, weight) in tasks.iter().zip(weights) {
            let wanted = u64::from(weight) * 1000 / u64::from(sum);
            let got = part(&kernel.mem, &[*task], 10 * SECOND);
            assert_close(got, wanted, 10, &std::format!("{levels:?}"));
        }
    }
}

#[test]
fn alarms_go_off_to_the_nanosecond_and_in_order() {
    let mut kernel = kernel("cpus=2 hz=100");
    let mem = &mut kernel.mem;
    let tasks = [0, 0, 0].map(|nice| spin(mem, nice));
    let mut woken = Vec::new();
    for (task, at) in tasks.into_iter().zip([3_333_333, 25 * MS, 3_333_444]) {
        mem[task].state = UNINTERRUPTIBLE;
        deactivate(mem, task);
        time::timer_arm(mem, task, at);
    }
    assert_eq!(nr_uninterruptible(mem), 3);
    kernel.check().unwrap();
    let mem = &mut kernel.mem;
    let mut runner = |mem: &mut Mem, task: Ref<Task>, _: u64| {
        woken.push((task, mem[TASK].now));
        mem[task].utime += 10;
        mem[task].state = INTERRUPTIBLE;
        Run {
            used_ns: 10,
            outcome: Outcome::Blocked,
        }
    };
    run_with(mem, SECOND, &mut |_| false, &mut runner).unwrap();
    let [a, b, c] = tasks;
    assert_eq!(woken, [(a, 3_333_333), (c, 3_333_444), (b, 25 * MS)]);
    assert_eq!(nr_uninterruptible(mem), 0);
    assert_eq!(mem[TASK].now, SECOND);
    let idle: u64 = (0..2).map(|cpu| mem[rq(cpu)].idle_time).sum();
    assert_eq!(idle, 2 * SECOND - 30);
    // Nobody wants to run, so an hour takes a few steps.
    let steps = mem[MEM].steps;
    run_for(mem, 3600 * SECOND, &mut |_| false).unwrap();
    assert!(mem[MEM].steps - steps < 10);
    kernel.check().unwrap();
}

#[test]
fn wait_queues_wake_the_newest_first_and_one_exclusive() {
    let mut kernel = kernel("cpus=1");
    let mem = &mut kernel.mem;
    let init = mem[TASK].init;
    let tasks: Vec<_> = (0..5).map(|_| spin(mem, 0)).collect();
    let queue: Ref<wait::WaitQueue> = mem[init]
        .signal
        .byte_add(offset_of!(crate::task::SignalStruct, wait_chldexit));
    let sleep = |mem: &mut Mem, index: usize, exclusive: bool| {
        mem[MEM].current = tasks[index];
        wait::sleep_on(mem, queue, INTERRUPTIBLE, exclusive, wait::Why::Child);
        deactivate(mem, tasks[index]);
        mem[MEM].current = init;
    };
    // 0 and 1 are exclusive, 2, 3 and 4 are not.
    for index in 0..5 {
        sleep(mem, index, index < 2);
    }
    let order = |mem: &Mem| -> Vec<usize> {
        let at = |task| tasks.iter().position(|&other| other == task).unwrap();
        wait::sleepers(mem, queue).map(at).collect()
    };
    assert_eq!(order(mem), [4, 3, 2, 0, 1]);
    assert_eq!(wait::wake_up(mem, queue, 1), 4);
    assert_eq!(order(mem), [1]);
    sleep(mem, 0, true);
    sleep(mem, 3, false);
    assert_eq!(order(mem), [3, 1, 0]);
    // Somebody else wakes one: it is in the queue no more.
    assert!(wake_up_process(mem, tasks[1]));
    assert_eq!(order(mem), [3, 0]);
    assert_eq!(wait::wake_up_all(mem, queue), 2);
    assert_eq!(order(mem), []);
    assert_eq!(wait::wake_up_all(mem, queue), 0);
    // A stopped task is not woken by what it waited for.
    sleep(mem, 2, false);
    mem[tasks[2]].state = crate::task::STOPPED;
    assert_eq!(wait::wake_up_all(mem, queue), 0);
    wait::finish_wait(mem, tasks[2]);
    assert!(wake_up_process(mem, tasks[2]));
    kernel.check().unwrap();
}

#[test]
fn groups_share_as_they_are_told() {
    for (header, tasks_a, tasks_b) in [
        ("cpus=1", 1, 1),
        ("cpus=1", 1, 5),
        ("cpus=1", 7, 1),
        ("cpus=1", 3, 20),
        ("cpus=2", 2, 1),
        ("cpus=2", 2, 2),
        ("cpus=2", 3, 1),
        ("cpus=2", 2, 9),
        ("cpus=2", 5, 3),
        ("cpus=4", 4, 1),
        ("cpus=4", 7, 2),
        ("cpus=4", 5, 40),
        ("cpus=8", 15, 1),
        ("cpus=8", 8, 8),
    ] {
        let mut kernel = kernel(header);
        let mem = &mut kernel.mem;
        let groups = [9216, 1024].map(|shares| {
            let group = sched_create_group(mem, ROOT_GROUP).unwrap();
            sched_group_set_shares(mem, group, shares).unwrap();
            group
        });
        let a: Vec<_> = (0..tasks_a).map(|_| spin_in(mem, groups[0], 0)).collect();
        let b: Vec<_> = (0..tasks_b).map(|_| spin_in(mem, groups[1], 0)).collect();
        pass(&mut kernel, 10 * SECOND);
        let total = 10 * SECOND * u64::from(kernel.mem[MEM].nr_cpus);
        let [got_a, got_b] = [&a, &b].map(|tasks| part(&kernel.mem, tasks, total));
        std::println!("{header} {tasks_a}:{tasks_b}: {got_a} {got_b}");
        let what = std::format!("{header} {tasks_a}:{tasks_b}");
        assert_close(got_a, 900, 10, &what);
        assert_close(got_b, 100, 10, &what);
    }
}

#[test]
fn random_loads_keep_every_invariant() {
    let seed = 0x5c4e_d01d;
    std::println!("seed {seed:#x}");
    let mut random = Random(seed);
    for cpus in [1, 2, 3, 8] {
        let mut kernel = kernel(&std::format!("cpus={cpus} hz=250"));
        let mut groups: Vec<Ref<TaskGroup>> = std::vec![ROOT_GROUP];
        let mut tasks: Vec<Ref<Task>> = Vec::new();
        for _ in 0..600 {
            let mem = &mut kernel.mem;
            mem[MEM].steps_left = u32::MAX;
            let task = match tasks.is_empty() {
                true => Ref::NULL,
                false => tasks[random.below(tasks.len() as u64) as usize],
            };
            let group = groups[random.below(groups.len() as u64) as usize];
            match random.below(14) {
                0 | 1 if tasks.len() < 60 => {
                    let nice = random.below(40) as i32 - 20;
                    tasks.push(spin_in(mem, group, nice));
                }
                2 if groups.len() < 12 => {
                    groups.push(sched_create_group(mem, group).unwrap());
                }
                3 if groups.len() > 1 && group != ROOT_GROUP => {
                    let used = groups.iter().any(|&other| mem[other].parent == group)
                        || tasks.iter().any(|&task| task_group(mem, task) == group);
                    if !used {
                        sched_destroy_group(mem, group);
                        groups.retain(|&other| other != group);
                    }
                }
                4 if group != ROOT_GROUP => {
                    let shares = random.below(5000);
                    sched_group_set_shares(mem, group, shares).unwrap();
                }
                5 if !task.is_null() => sched_move_task(mem, task, group),
                6 if !task.is_null() => set_user_nice(mem, task, random.below(50) as i32 - 25),
                7 if !task.is_null() => {
                    let mask = random.below(256) as u32;
                    let allowed = mask & online(mem) != 0;
                    assert_eq!(set_cpus_allowed(mem, task, mask).is_ok(), allowed);
                }
                8 if !task.is_null() && mem[task].state == RUNNING => {
                    mem[task].state = match random.below(2) {
                        0 => INTERRUPTIBLE,
                        _ => UNINTERRUPTIBLE,
                    };
                    deactivate(mem, task);
                    if random.below(2) == 0 {
                        let at = mem[TASK].now + random.below(50 * MS);
                        time::timer_arm(mem, task, at);
                    }
                }
                9 if !task.is_null() => {
                    wake_up_process(mem, task);
                }
                10 if !task.is_null() => {
                    exit::do_exit(mem, task, 0);
                    let init = mem[TASK].init;
                    while matches!(
                        exit::do_wait(mem, init, exit::Which::Any, exit::WNOHANG),
                        Ok(Some(_))
                    ) {}
                    tasks.retain(|&other| other != task);
                }
                _ => {
                    // Some sleep, yield or end their run early by themselves.
                    let mut inner = Random(random.next());
                    let mut runner = |mem: &mut Mem, task: Ref<Task>, budget: u64| {
                        let used_ns = inner.below(budget + budget / 8) + 1;
                        let outcome = match inner.below(20) {
                            0 => {
                                mem[task].state = INTERRUPTIBLE;
                                let at = mem[TASK].now + inner.below(20 * MS);
                                time::timer_arm(mem, task, at);
                                Outcome::Blocked
                            }
                            1 => Outcome::Yield,
                            _ => Outcome::Again,
                        };
                        mem[task].stime += used_ns / 3;
                        mem[task].utime += used_ns - used_ns / 3;
                        Run { used_ns, outcome }
                    };
                    let ns = random.below(300 * MS);
                    run_with(mem, ns, &mut |_| false, &mut runner).unwrap();
                    let busy: u64 = (0..cpus)
                        .map(|cpu| {
                            let rq = &mem[rq(cpu)];
                            assert!(rq.clock >= mem[TASK].now);
                            let sum = rq.user_time + rq.nice_time + rq.system_time + rq.idle_time;
                            assert_eq!(sum, rq.clock);
                            sum
                        })
                        .sum();
                    assert!(busy >= mem[TASK].now * u64::from(cpus));
                }
            }
            kernel.check().unwrap();
        }
    }
}

/// A file's text.
fn cat(
    show: fn(&Mem, &mut dyn core::fmt::Write) -> core::fmt::Result,
    mem: &Mem,
) -> std::string::String {
    let mut text = std::string::String::new();
    show(mem, &mut text).unwrap();
    text
}

#[test]
fn proc_files_have_the_formats_of_the_era() {
    let mut kernel = kernel("cpus=2");
    let mem = &mut kernel.mem;
    assert_eq!(cat(proc::uptime, mem), "0.00 0.00\n");
    assert_eq!(cat(proc::loadavg, mem), "0.00 0.00 0.00 1/2 99\n");
    let tasks = [0, 0, 10].map(|nice| spin(mem, nice));
    set_cpus_allowed(mem, tasks[0], 1).unwrap();
    for task in &tasks[1..] {
        set_cpus_allowed(mem, *task, 2).unwrap();
    }
    let mut runner = |mem: &mut Mem, task: Ref<Task>, budget: u64| {
        mem[task].utime += budget - budget / 4;
        mem[task].stime += budget / 4;
        Run {
            used_ns: budget,
            outcome: Outcome::Again,
        }
    };
    run_with(mem, 60 * SECOND, &mut |_| false, &mut runner).unwrap();
    // Three tasks for twelve looks: 3 * (1 - (1884 / 2048)^12) and so on.
    assert_eq!(cat(proc::loadavg, mem), "1.90 0.54 0.18 4/5 102\n");
    mem[MEM].steps_left = u32::MAX;
    for task in tasks {
        mem[task].state = INTERRUPTIBLE;
        deactivate(mem, task);
    }
    run_with(mem, 40 * SECOND, &mut |_| false, &mut burn).unwrap();
    assert_eq!(cat(proc::uptime, mem), "100.00 40.00\n");
    let text = cat(proc::stat, mem);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], "cpu0 4500 0 1500 4000 0 0 0 0 0");
    let numbers = |line: &str| -> Vec<u64> {
        line.split(' ')
            .filter_map(|word| word.parse().ok())
            .collect()
    };
    let [all, one] = [lines[0], lines[2]].map(numbers);
    assert!(lines[0].starts_with("cpu  "));
    assert_eq!(all.len(), 9);
    // Nice 10 has a tenth of its CPU: 110 / 1134.
    assert_close(one[1], 436, 9, "nice");
    assert_eq!(one.iter().sum::<u64>(), 9999);
    assert_eq!(all[3], 8000);
    // Two more than those of the busy minute: at the first everybody goes to sleep, the other ends it.
    let zeroes = lines[3].strip_prefix("intr 60002 60002").unwrap();
    assert_eq!(zeroes, " 0".repeat(15));
    assert_eq!(lines[4], std::format!("ctxt {}", nr_switches(mem)));
    assert_eq!(
        lines[5..],
        [
            "btime 1180483200",
            "processes 3",
            "procs_running 1",
            "procs_blocked 0"
        ]
    );
    let schedstat = cat(proc::schedstat, mem);
    assert!(schedstat.starts_with("version 14\ntimestamp 100000\ncpu0 0 0 0 0 0 "));
    let waited: Vec<u64> = schedstat
        .lines()
        .map(|line| numbers(line).pop().unwrap_or(0))
        .collect();
    assert_eq!(
        waited[2..],
        [mem[rq(0)].nr_switches, mem[rq(1)].nr_switches]
    );
    let mut sched = std::string::String::new();
    proc::task_sched(mem, tasks[0], &mut sched).unwrap();
    let lines: Vec<&str> = sched.lines().collect();
    assert_eq!(lines[0], "sh (100, #threads: 1)");
    assert_eq!(lines[1], "-".repeat(57));
    assert_eq!(
        lines[4],
        "se.sum_exec_runtime                :         60000.000000"
    );
    assert_eq!(
        lines[8],
        "se.load.weight                     :                 1024"
    );
    assert_eq!(
        lines[10],
        "prio                               :                  120"
    );
}

#[test]
fn tunables_are_kept_within_bounds() {
    use proc::{Tunable, set_tunable, tunable};
    let mut kernel = kernel("cpus=1");
    let mem = &mut kernel.mem;
    assert_eq!(tunable(mem, Tunable::Latency), 20 * MS);
    for bad in [0, 99_999, SECOND + 1] {
        assert!(set_tunable(mem, Tunable::Latency, bad).is_err());
        assert!(set_tunable(mem, Tunable::MinGranularity, bad).is_err());
    }
    assert!(set_tunable(mem, Tunable::WakeupGranularity, 0).is_ok());
    set_tunable(mem, Tunable::Latency, 30 * MS).unwrap();
    // Eight of 4 ms fit into 30, rounded up.
    assert_eq!(sched_period(mem, 8), 30 * MS);
    assert_eq!(sched_period(mem, 16), 60 * MS);
    set_tunable(mem, Tunable::CompatYield, 1).unwrap();
    let tasks = [0, 0, 0].map(|nice| spin(mem, nice));
    pass(&mut kernel, 100 * MS);
    let mem = &mut kernel.mem;
    super::tasks::yield_task(mem, 0);
    let yielder = curr(mem, 0);
    let others = tasks.iter().filter(|&&task| task != yielder);
    let most = others.map(|&task| mem[task].se.vruntime).max().unwrap();
    assert_eq!(mem[yielder].se.vruntime, most + 1);
}

#[test]
fn three_tasks_on_two_cpus_have_two_thirds_each() {
    let mut kernel = kernel("cpus=2");
    let tasks = [0, 0, 0].map(|nice| spin(&mut kernel.mem, nice));
    pass(&mut kernel, 10 * SECOND);
    for task in tasks {
        assert_close(
            part(&kernel.mem, &[task], 10 * SECOND),
            667,
            20,
            "a third of two",
        );
    }
}

#[test]
fn tasks_go_only_where_they_may() {
    let mut kernel = kernel("cpus=4");
    let tasks: Vec<_> = (0..6).map(|_| spin(&mut kernel.mem, 0)).collect();
    pass(&mut kernel, 500 * MS);
    // Waiting, running and sleeping ones.
    for (index, &task) in tasks.iter().enumerate() {
        let mem = &mut kernel.mem;
        if index == 5 {
            mem[task].state = INTERRUPTIBLE;
            deactivate(mem, task);
        }
        assert_eq!(set_cpus_allowed(mem, task, 0xf0), Err(Errno::EINVAL));
        set_cpus_allowed(mem, task, 0b1000).unwrap();
        kernel.check().unwrap();
    }
    let mem = &mut kernel.mem;
    wake_up_process(mem, tasks[5]);
    let before: Vec<u64> = tasks.iter().map(|&task| mem[task].utime).collect();
    pass(&mut kernel, 6 * SECOND);
    let mem = &kernel.mem;
    for (&task, before) in tasks.iter().zip(before) {
        assert_eq!(mem[task].cpu, 3);
        assert_close(
            (mem[task].utime - before) * 1000 / (6 * SECOND),
            167,
            10,
            "a sixth",
        );
    }
}

#[test]
fn a_cpu_without_tasks_takes_one() {
    let mut kernel = kernel("cpus=2");
    let mem = &mut kernel.mem;
    let tasks: Vec<_> = (0..4).map(|_| spin(mem, 0)).collect();
    for &task in &tasks {
        set_cpus_allowed(mem, task, 1).unwrap();
    }
    pass(&mut kernel, 100 * MS);
    let idle = kernel.mem[rq(1)].idle_time;
    assert!(idle >= 99 * MS);
    for &task in &tasks {
        set_cpus_allowed(&mut kernel.mem, task, 3).unwrap();
    }
    pass(&mut kernel, 900 * MS);
    let mem = &kernel.mem;
    assert_eq!(mem[rq(1)].idle_time, idle);
    assert_eq!([0, 1].map(|cpu| mem[rq(cpu)].nr_running), [2, 2]);
}

#[test]
fn a_guest_in_a_group_in_a_group_has_its_part_of_it() {
    for cpus in [1, 2] {
        let mut kernel = kernel(&std::format!("cpus={cpus}"));
        let mem = &mut kernel.mem;
        // Guests 90 %, of which the second guest has twice as much as the first; system 10 %.
        let make = |mem: &mut Mem, parent, shares| {
            let group = sched_create_group(mem, parent).unwrap();
            sched_group_set_shares(mem, group, shares).unwrap();
            group
        };
        let guests = make(mem, ROOT_GROUP, 9216);
        let system = make(mem, ROOT_GROUP, 1024);
        let one = make(mem, guests, 1024);
        let two = make(mem, guests, 2048);
        let tasks = [(one, 4), (two, 3), (system, 5)].map(|(group, count)| -> Vec<_> {
            (0..count).map(|_| spin_in(mem, group, 0)).collect()
        });
        pass(&mut kernel, 10 * SECOND);
        let total = 10 * SECOND * cpus;
        for (tasks, wanted) in tasks.iter().zip([300, 600, 100]) {
            assert_close(part(&kernel.mem, tasks, total), wanted, 10, "nested");
        }
    }
}

#[test]
fn a_failed_allocation_leaves_no_group() {
    let mut kernel = kernel("cpus=3");
    let mut failures = 0;
    for nth in 1.. {
        let mem = &mut kernel.mem;
        let groups = mem[SCHED].nr_groups;
        mem.set_fail_nth(nth);
        let made = sched_create_group(mem, ROOT_GROUP);
        mem.set_fail_nth(0);
        assert_eq!(mem[SCHED].nr_groups, groups + u32::from(made.is_ok()));
        kernel.check().unwrap();
        let Err(errno) = made else {
            break;
        };
        assert_eq!(errno, Errno::ENOMEM);
        failures += 1;
    }
    // A group, and a queue and an entity on each CPU.
    assert!(failures >= 7);
}

#[test]
fn a_line_that_runs_out_of_steps_stops_time_cleanly() {
    let mut kernel = kernel("cpus=3");
    for steps in [1, 2, 5, 20, 1000] {
        let mem = &mut kernel.mem;
        spin(mem, 0);
        mem[MEM].steps_left = steps;
        let now = mem[TASK].now;
        let result = run_with(mem, 10 * SECOND, &mut |_| false, &mut burn);
        assert_eq!(result, Err(Errno::EINTR));
        assert!(mem[TASK].now >= now);
        assert_eq!(mem[MEM].current, mem[TASK].init);
        kernel.check().unwrap();
    }
    pass(&mut kernel, SECOND);
}
