//! Which CPU a task is on.
//!
//! A task begins on the CPU with the fewest tasks, wakes where it slept or where nobody is, and a CPU
//! that runs out of tasks takes one from another. Besides, every [`INTERVAL`] each CPU compares its
//! *load* with the others' and takes tasks from the one with most. Load is what a CPU owes: the
//! weights of its tasks, and of a group that part of its shares that its tasks here are of all its
//! tasks. So a group with much to run does not count more than its shares, however many tasks it has.
//!
//! A task is taken if that makes the difference smaller. In every fourth turn the difference may also
//! be as large as before, the other way round: so three tasks on two CPUs change places, and each has
//! two thirds of a CPU in the end.
//!
//! Loads alone would leave a group of few tasks alone on a CPU, where it has more than its shares, as
//! long as what anybody else could bring is more than what is missing. So where a CPU owes too little, a
//! group that has nobody there comes with one task of several; and a group that has tasks elsewhere
//! keeps its last one where without it others would have more than their shares. With it two groups
//! of 90 and 10 shares are within 1 % of them over ten seconds, whatever tasks they have, on up to six
//! CPUs, and within 1.2 % on eight. (2.6.24 gave each its full weight on every CPU: ten busy tasks of the
//! one and a single one of the other came to 99:1 on eight CPUs.)
//!
//! CPUs take their turns one after another, and everything is done in a fixed order, so that the same
//! log gives the same moves.

use core::mem::offset_of;

use super::{CfsRq, ROOT_GROUP, Rq, TaskGroup, fair, groups_head, online, rq, tasks};
use crate::mem::{ListHead, MAX_CPUS, MEM, Mem, Ref};
use crate::task::{RUNNING, Task};

/// Nanoseconds between two of a CPU's turns.
const INTERVAL: u64 = 64_000_000;
/// In every so many turns a task may be taken although that makes no difference.
const ROTATE: u64 = 4;
/// Tasks that a turn looks at, at most.
const LOOKS: u32 = 64;
/// Tasks that a turn takes, at most.
const MOVES: u32 = 32;
/// Loads are counted in this part of a weight, so that a group of many tasks is not lost.
const SCALE: u32 = 10;

/// When a CPU has its first turn: they are spread over the interval.
pub(super) fn first(cpu: u32, cpus: u32) -> u64 {
    INTERVAL * u64::from(cpu + 1) / u64::from(cpus)
}

/// The CPUs that a task may be on, a bit each.
fn allowed(mem: &Mem, task: Ref<Task>) -> u32 {
    match mem[task].cpus_allowed & online(mem) {
        // Those it was bound to are gone.
        0 => online(mem),
        allowed => allowed,
    }
}

/// All CPUs from `first` on, then those before it.
fn cpus_from(mem: &Mem, first: u32) -> impl Iterator<Item = u32> + use<> {
    let cpus = mem[MEM].nr_cpus;
    (first..cpus).chain(0..first.min(cpus))
}

/// The CPU of `mask` with the fewest tasks; among equals `first` or those behind it.
fn emptiest(mem: &Mem, mask: u32, first: u32) -> u32 {
    let allowed = cpus_from(mem, first).filter(|cpu| mask >> cpu & 1 != 0);
    allowed
        .min_by_key(|&cpu| mem[rq(cpu)].nr_running)
        .unwrap_or(0)
}

/// Where a new task begins.
pub(super) fn select_fork(mem: &Mem, task: Ref<Task>) -> u32 {
    emptiest(mem, allowed(mem, task), mem[task].cpu)
}

/// Where a task wakes: on the CPU where it ran last unless another is idle.
pub(super) fn select_wake(mem: &Mem, task: Ref<Task>) -> u32 {
    let (mask, last) = (allowed(mem, task), mem[task].cpu);
    let is_idle = |cpu: &u32| mask >> cpu & 1 != 0 && mem[rq(*cpu)].nr_running == 0;
    match cpus_from(mem, last).find(is_idle) {
        Some(cpu) => cpu,
        None if mask >> last & 1 != 0 => last,
        None => emptiest(mem, mask, last),
    }
}

/// Puts a task that was taken off its queue onto another CPU's.
pub(super) fn arrive(mem: &mut Mem, task: Ref<Task>, cpu: u32, reason: [u64; 2]) {
    let from = mem[task].cpu;
    tasks::migrated(mem, task, cpu, reason);
    let group = tasks::task_group(mem, task);
    tasks::set_task_rq(mem, task, group, cpu);
    tasks::enqueue_task(mem, task, false, from);
    let rq = rq(cpu);
    mem[rq].nr_pulled += 1;
    let Rq { curr, idle, .. } = mem[rq];
    if curr == idle || fair::check_preempt(mem, task, curr).preempts {
        mem[rq].need_resched = 1;
    }
}

/// Moves a runnable task to another CPU, also a running one: it stops there first.
pub(super) fn move_task(mem: &mut Mem, task: Ref<Task>, cpu: u32, reason: [u64; 2]) {
    let from = rq(mem[task].cpu);
    tasks::dequeue_task(mem, task);
    if mem[from].curr == task {
        fair::put_prev_task(mem, task);
        tasks::leave(mem, from, RUNNING);
        mem[task].nivcsw += 1;
    }
    arrive(mem, task, cpu, reason);
}

/// A CPU has nothing to run: it takes a waiting task from the one with most, or else from any.
pub(super) fn idle(mem: &mut Mem, cpu: u32) {
    if mem[MEM].nr_cpus == 1 {
        return;
    }
    let others = online(mem) & !(1 << cpu);
    let mut untried = others;
    while untried != 0 {
        let most = cpus_from(mem, cpu)
            .filter(|cpu| untried >> cpu & 1 != 0)
            .max_by_key(|&cpu| mem[rq(cpu)].nr_running)
            .unwrap_or(0);
        if mem[rq(most)].nr_running < 2 {
            return;
        }
        untried &= !(1 << most);
        let mut looks = LOOKS;
        while let Some(task) = next_candidate(mem, most, &mut looks) {
            if mem[rq(most)].curr != task && mem[task].cpus_allowed >> cpu & 1 != 0 {
                move_task(mem, task, cpu, [0, 0]);
                return;
            }
        }
    }
}

/// The task that has been on a CPU's queue longest. It is put last, so that the next look is at another.
fn next_candidate(mem: &mut Mem, cpu: u32, looks: &mut u32) -> Option<Ref<Task>> {
    *looks = looks.checked_sub(1)?;
    let head: Ref<ListHead> = rq(cpu).byte_add(offset_of!(Rq, tasks));
    let link = mem[head].prev;
    if link == head || *looks + mem[rq(cpu)].nr_running < LOOKS {
        return None;
    }
    mem.list_del(link);
    mem.list_add(link, head);
    Some(tasks::task_of_link(link))
}

/// The load of each CPU, in [`SCALE`]d weights. Leaves in each group's queues what they come to.
fn loads(mem: &mut Mem) -> [u64; MAX_CPUS] {
    let cpus = mem[MEM].nr_cpus as usize;
    let reset = |mem: &mut Mem, group: Ref<TaskGroup>| {
        for cpu in 0..cpus {
            let cfs_rq = mem[group].cfs_rq[cpu];
            let queue = &mut mem[cfs_rq];
            queue.h_load = queue.load << SCALE;
        }
    };
    reset(mem, ROOT_GROUP);
    let head = groups_head();
    let mut link = mem[head].next;
    while link != head {
        if mem[link.cast::<TaskGroup>()].load > 0 {
            reset(mem, link.cast());
        }
        link = mem[link].next;
    }
    // A group stands behind the one it is in, so backwards each is reckoned before its parent.
    let mut link = mem[head].prev;
    while link != head {
        let group: Ref<TaskGroup> = link.cast();
        link = mem[link].prev;
        let TaskGroup {
            shares,
            parent,
            load,
            cfs_rq: queues,
            se,
            ..
        } = mem[group];
        if load == 0 {
            continue;
        }
        let sum: u64 = queues[..cpus].iter().map(|&queue| mem[queue].h_load).sum();
        for cpu in 0..cpus {
            if mem[se[cpu]].on_rq == 0 {
                continue;
            }
            let shares = u64::from(shares) << SCALE;
            let part = u128::from(shares) * u128::from(mem[queues[cpu]].h_load);
            let part = (part / u128::from(sum.max(1))) as u64;
            let above: Ref<CfsRq> = mem[parent].cfs_rq[cpu];
            let above = &mut mem[above];
            above.h_load = (above.h_load + part).saturating_sub(shares);
        }
    }
    let mut loads = [0; MAX_CPUS];
    for (cpu, load) in loads[..cpus].iter_mut().enumerate() {
        *load = mem[rq(cpu as u32)].cfs.h_load;
    }
    loads
}

/// What a task is of its CPU's load, after [`loads`].
fn load_of(mem: &Mem, task: Ref<Task>) -> u64 {
    let mut load = u64::from(mem[task].se.weight) << SCALE;
    let mut group = tasks::task_group(mem, task);
    let cpus = mem[MEM].nr_cpus as usize;
    while group != ROOT_GROUP {
        let TaskGroup {
            shares,
            parent,
            cfs_rq: queues,
            ..
        } = mem[group];
        let sum: u64 = queues[..cpus].iter().map(|&queue| mem[queue].h_load).sum();
        let part = u128::from(load) * (u128::from(shares) << SCALE);
        load = (part / u128::from(sum.max(1))) as u64;
        group = parent;
    }
    load
}

/// A CPU's turn: takes tasks from those that have more load, beginning with the one that has most.
pub(super) fn tick(mem: &mut Mem, cpu: u32, now: u64) {
    if mem[MEM].nr_cpus == 1 || now < mem[rq(cpu)].next_balance {
        return;
    }
    let missed = (now - mem[rq(cpu)].next_balance) / INTERVAL;
    mem[rq(cpu)].next_balance += (missed + 1) * INTERVAL;
    // A tie is broken in every fourth turn.
    let turn = now / INTERVAL;
    let slack = u64::from(turn.is_multiple_of(ROTATE));
    let loads = loads(mem);
    let mine = loads[cpu as usize];
    let fair = loads.iter().sum::<u64>() / u64::from(mem[MEM].nr_cpus);
    let mut untried = online(mem) & !(1 << cpu);
    while untried != 0 {
        let busiest = cpus_from(mem, cpu)
            .filter(|other| untried >> other & 1 != 0)
            .max_by_key(|&other| (loads[other as usize], MAX_CPUS as u32 - other))
            .unwrap_or(0);
        untried &= !(1 << busiest);
        let more = loads[busiest as usize];
        let gap = Gap {
            difference: more.saturating_sub(mine),
            spare: more.saturating_sub(fair),
            missing: fair.saturating_sub(mine),
            slack,
        };
        if more <= mine || take_from(mem, cpu, busiest, gap) > 0 {
            return;
        }
    }
}

/// How the loads of two CPUs differ, in [`SCALE`]d weights.
struct Gap {
    /// How much more the other has.
    difference: u64,
    /// How much more the other has than it ought to.
    spare: u64,
    /// How much less this one has than it ought to.
    missing: u64,
    /// 1 if a task of exactly `difference` is taken.
    slack: u64,
}

/// Runnable tasks and groups of a task's topmost group on its own CPU and on another; `None` if it is
/// in the root group.
fn companions(mem: &Mem, task: Ref<Task>, cpu: u32) -> Option<[u32; 2]> {
    let mut se = mem[task].se.parent;
    if se.is_null() {
        return None;
    }
    while !mem[se].parent.is_null() {
        se = mem[se].parent;
    }
    let my_q = mem[se].my_q;
    let group = mem[my_q].group;
    let there = mem[group].cfs_rq[cpu as usize];
    Some([my_q, there].map(|queue| mem[queue].nr_running))
}

/// Whether a task of that load goes to another CPU.
fn goes(mem: &Mem, task: Ref<Task>, cpu: u32, load: u64, gap: &Gap) -> bool {
    if load == 0 {
        return false;
    }
    match companions(mem, task, cpu) {
        // A group that has tasks on both keeps one here, where others would have more than their
        // shares without it.
        Some([1, there]) if there > 0 && gap.slack == 0 && load > gap.spare => false,
        // One comes where its group has nobody, and others have more than their shares.
        Some([here, 0]) if here > 1 && gap.missing > 0 => true,
        _ => load < gap.difference + gap.slack,
    }
}

/// Takes tasks from another CPU until it has no more load than this one. Returns how many were.
fn take_from(mem: &mut Mem, cpu: u32, from: u32, mut gap: Gap) -> u32 {
    let (mut looks, mut moves) = (LOOKS, 0);
    while mem[rq(from)].nr_running > 1 && moves < MOVES && gap.difference > 0 {
        let Some(task) = next_candidate(mem, from, &mut looks) else {
            break;
        };
        if mem[task].cpus_allowed >> cpu & 1 == 0 {
            continue;
        }
        let load = load_of(mem, task);
        if !goes(mem, task, cpu, load, &gap) {
            continue;
        }
        move_task(mem, task, cpu, [gap.difference >> SCALE, load >> SCALE]);
        moves += 1;
        gap.difference = gap.difference.saturating_sub(2 * load);
        gap.spare = gap.spare.saturating_sub(load);
        gap.missing = gap.missing.saturating_sub(load);
    }
    moves
}
