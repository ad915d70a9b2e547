//! The scheduler's invariants.

use super::fair::before;
use super::{
    CfsRq, ROOT_GROUP, Rq, SCHED, SchedEntity, TaskGroup, groups, groups_head, online, rq, tasks,
};
use crate::mem::{MEM, Mem, Ref};
use crate::rbtree;
use crate::task::{RUNNING, TASK, Task, pid, time, wait};
use core::mem::offset_of;

/// Checks run queues, groups, alarms and where tasks wait.
///
/// # Errors
/// A sentence that names the first violation.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    let nr_groups = mem[SCHED].nr_groups;
    if !mem.list_is_sound(groups_head(), nr_groups) {
        return Err("sched: the list of groups is broken");
    }
    if groups(mem).count() as u32 != nr_groups {
        return Err("sched: groups have lost count");
    }
    let mut queued = 0;
    for cpu in 0..mem[MEM].nr_cpus {
        queued += check_rq(mem, cpu)?;
    }
    check_group(mem, ROOT_GROUP)?;
    for group in groups(mem) {
        check_group(mem, group)?;
    }
    let (mut runnable, mut armed) = (0, 0);
    for task in pid::tasks_from(mem, 0) {
        let Task {
            se,
            cpu,
            cpus_allowed,
            timer,
            exit_state,
            state,
            ..
        } = mem[task];
        armed += timer.armed;
        runnable += se.on_rq;
        if exit_state != 0 && (se.on_rq != 0 || timer.armed != 0 || wait::is_waiting(mem, task)) {
            return Err("sched: a task that has ended is on a queue");
        }
        if se.on_rq == 0 {
            continue;
        }
        let is_curr = mem[rq(cpu)].curr == task;
        if state == RUNNING && wait::is_waiting(mem, task) {
            return Err("sched: a task that is awake is in a wait queue");
        }
        if !is_curr && state != RUNNING {
            return Err("sched: a sleeping task is on a run queue");
        }
        if !is_curr && cpus_allowed & online(mem) != 0 && cpus_allowed >> cpu & 1 == 0 {
            return Err("sched: a task is on a CPU where it may not be");
        }
    }
    if runnable != queued {
        return Err("sched: run queues hold tasks that have no number");
    }
    if time::check(mem)? != armed {
        return Err("sched: an alarm is set and not in the tree, or the other way round");
    }
    Ok(())
}

/// Checks a CPU's run queue and returns how many tasks are on it.
fn check_rq(mem: &Mem, cpu: u32) -> Result<u32, &'static str> {
    let rq = rq(cpu);
    let Rq {
        curr,
        idle,
        nr_running,
        ..
    } = mem[rq];
    let head = rq.byte_add(offset_of!(Rq, tasks));
    if !mem.list_is_sound(head, nr_running) {
        return Err("sched: a list of runnable tasks is broken");
    }
    let mut found = 0;
    for link in mem.list_iter(head) {
        let task = tasks::task_of_link(link);
        found += 1;
        if mem[task].se.on_rq == 0 || mem[task].cpu != cpu {
            return Err("sched: a list of runnable tasks holds another");
        }
        check_place(mem, task)?;
    }
    if found != nr_running {
        return Err("sched: a run queue has lost count of its tasks");
    }
    if curr != idle && mem[curr].cpu != cpu {
        return Err("sched: a CPU runs a task of another");
    }
    // The running task is the running entity of its queue, and so are the groups above it.
    let mut se: Ref<SchedEntity> = match curr == idle {
        true => Ref::NULL,
        false => curr.cast(),
    };
    while !se.is_null() {
        if mem[mem[se].cfs_rq].curr != se {
            return Err("sched: what runs is not its queue's running entity");
        }
        se = mem[se].parent;
    }
    if curr == idle && !mem[rq].cfs.curr.is_null() {
        return Err("sched: an idle CPU has a running entity");
    }
    Ok(found)
}

/// Checks that a runnable task's entities lead up to its CPU's queue.
fn check_place(mem: &Mem, task: Ref<Task>) -> Result<(), &'static str> {
    let cpu = mem[task].cpu;
    let mut se: Ref<SchedEntity> = task.cast();
    loop {
        let SchedEntity {
            on_rq,
            parent,
            cfs_rq,
            depth,
            ..
        } = mem[se];
        if on_rq == 0 || mem[cfs_rq].cpu != cpu {
            return Err("sched: a runnable task is in a group that is not on its queue");
        }
        if parent.is_null() {
            return match depth == 0 && cfs_rq == rq(cpu).cast() {
                true => Ok(()),
                false => Err("sched: a topmost entity is not on its CPU's queue"),
            };
        }
        if mem[parent].my_q != cfs_rq || mem[parent].depth + 1 != depth {
            return Err("sched: an entity is not on its group's queue");
        }
        se = parent;
    }
}

/// Checks a group's queues and entities on all CPUs.
fn check_group(mem: &Mem, group: Ref<TaskGroup>) -> Result<(), &'static str> {
    let limit = mem[TASK].nr_threads + mem[SCHED].nr_groups;
    let mut load = 0;
    for cpu in 0..mem[MEM].nr_cpus as usize {
        let TaskGroup {
            shares, se, cfs_rq, ..
        } = mem[group];
        let (se, queue) = (se[cpu], cfs_rq[cpu]);
        let CfsRq {
            curr, nr_running, ..
        } = mem[queue];
        if mem[queue].group != group || mem[queue].cpu != cpu as u32 {
            return Err("sched: a queue is another group's or CPU's");
        }
        if !se.is_null() {
            if mem[se].my_q != queue || mem[se].weight != shares {
                return Err("sched: a group's entity has another queue or weight");
            }
            if (mem[se].on_rq != 0) != (nr_running > 0) {
                return Err("sched: a group is runnable without tasks, or the other way round");
            }
        }
        let waiting = rbtree::check(mem, queue.cast(), limit, before)?;
        let runs = !curr.is_null() && mem[curr].on_rq != 0;
        if waiting + u32::from(runs) != nr_running {
            return Err("sched: a queue has lost count of its entities");
        }
        let mut sum = match runs {
            true => u64::from(mem[curr].weight),
            false => 0,
        };
        let mut node = rbtree::first(mem, queue.cast());
        while !node.is_null() {
            let entity: Ref<SchedEntity> = node.cast();
            if mem[entity].on_rq == 0 || mem[entity].cfs_rq != queue {
                return Err("sched: a queue holds an entity that is not runnable there");
            }
            sum += u64::from(mem[entity].weight);
            node = rbtree::next(mem, node);
        }
        if sum != mem[queue].load {
            return Err("sched: a queue's load is not the sum of its weights");
        }
        load += sum;
    }
    match load == mem[group].load {
        true => Ok(()),
        false => Err("sched: a group's load is not the sum of its queues' loads"),
    }
}
