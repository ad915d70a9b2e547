//! Tasks and their CPUs: waking, sleeping, switching, nice levels, affinity.

use super::fair::{self, Pick, is_before};
use super::{CfsRq, ROOT_GROUP, Rq, SCHED, SchedEntity, TaskGroup, balance, online, rq};
use crate::errno::Errno;
use crate::mem::{MEM, Mem, Ref};
use crate::oom::weights;
use crate::task::{
    INTERRUPTIBLE, RUNNING, STOPPED, TASK, TASK_DEAD, Task, UNINTERRUPTIBLE, current, time, wait,
};
use crate::trace::Tracepoint;
use bytemuck::Zeroable;
use core::mem::offset_of;

/// States from which whatever a task waits for wakes it; a stopped one has to be continued.
pub const NORMAL: u32 = INTERRUPTIBLE | UNINTERRUPTIBLE;
/// States from which [`wake_up_process`] wakes.
const ALL: u32 = NORMAL | STOPPED | 8;

/// A task's link in [`Rq::tasks`].
pub(super) fn link_of(task: Ref<Task>) -> Ref<crate::mem::ListHead> {
    task.byte_add(offset_of!(SchedEntity, group_node))
}

/// The task of such a link.
pub(super) fn task_of_link(link: Ref<crate::mem::ListHead>) -> Ref<Task> {
    link.byte_sub(offset_of!(SchedEntity, group_node))
}

/// The group that a task is in.
pub fn task_group(mem: &Mem, task: Ref<Task>) -> Ref<TaskGroup> {
    let cfs_rq = mem[task].se.cfs_rq;
    match cfs_rq.is_null() {
        true => ROOT_GROUP,
        false => mem[cfs_rq].group,
    }
}

/// The run queue of a task's CPU.
fn rq_of(mem: &Mem, task: Ref<Task>) -> Ref<Rq> {
    rq(mem[task].cpu)
}

/// Whether the running task is to give way: a program stops between two instructions then.
#[inline]
pub fn need_resched(mem: &Mem) -> bool {
    mem[rq(mem[MEM].cpu)].need_resched != 0
}

/// Makes a task runnable, and its groups where they were not. `wakes` if it has slept; `from` is the
/// CPU where it was before.
pub(super) fn enqueue_task(mem: &mut Mem, task: Ref<Task>, wakes: bool, from: u32) {
    let rq = rq_of(mem, task);
    let mut se: Ref<SchedEntity> = task.cast();
    while !se.is_null() && mem[se].on_rq == 0 {
        let SchedEntity { cfs_rq, parent, .. } = mem[se];
        fair::update_curr(mem, cfs_rq);
        if se != task.cast() {
            // A group that comes with its first task wakes.
            fair::place_group(mem, cfs_rq, se, wakes, from);
        } else if wakes {
            fair::place_entity(mem, cfs_rq, se, false);
        }
        fair::enqueue_entity(mem, cfs_rq, se);
        se = parent;
    }
    mem.list_add(link_of(task), rq.byte_add(offset_of!(Rq, tasks)));
    mem[rq].nr_running += 1;
    let clock = mem[rq].clock;
    mem[task].se.wait_start = clock;
}

/// Makes a task not runnable, and the groups that have no other.
pub(super) fn dequeue_task(mem: &mut Mem, task: Ref<Task>) {
    let rq = rq_of(mem, task);
    let mut se: Ref<SchedEntity> = task.cast();
    while !se.is_null() {
        let SchedEntity { cfs_rq, parent, .. } = mem[se];
        fair::dequeue_entity(mem, cfs_rq, se);
        if mem[cfs_rq].nr_running > 0 {
            break;
        }
        se = parent;
    }
    mem.list_del(link_of(task));
    mem[rq].nr_running -= 1;
}

/// Puts a task that is on no queue into a group and onto a CPU, where it will be as far ahead of or
/// behind the others as it was.
pub(super) fn set_task_rq(mem: &mut Mem, task: Ref<Task>, group: Ref<TaskGroup>, cpu: u32) {
    let old = mem[task].se.cfs_rq;
    let new = mem[group].cfs_rq[cpu as usize];
    let parent = mem[group].se[cpu as usize];
    let depth = match parent.is_null() {
        true => 0,
        false => mem[parent].depth + 1,
    };
    let mut vruntime = mem[task].se.vruntime;
    if !old.is_null() && old != new {
        let (from, to) = (mem[old].min_vruntime, mem[new].min_vruntime);
        // More credit than a sleeper gets is lost anyway.
        let floor = from.wrapping_sub(mem[SCHED].latency);
        if is_before(vruntime, floor) {
            vruntime = floor;
        }
        vruntime = vruntime.wrapping_sub(from).wrapping_add(to);
    }
    let task = &mut mem[task];
    task.se.vruntime = vruntime;
    task.se.cfs_rq = new;
    task.se.parent = parent;
    task.se.depth = depth;
    task.cpu = cpu;
}

/// Sets up what the scheduler knows of a new task: it is in its parent's group, on the parent's CPU if
/// it may be there, and has not run. NULL as the parent stands for nobody: the root group.
pub fn sched_fork(mem: &mut Mem, parent: Ref<Task>, child: Ref<Task>) {
    let group = match parent.is_null() {
        true => ROOT_GROUP,
        false => task_group(mem, parent),
    };
    let task = &mut mem[child];
    task.se = SchedEntity::zeroed();
    task.se.weight = fair::weight_of(task.static_prio);
    let (cpu, allowed) = (task.cpu, task.cpus_allowed & online(mem));
    let cpu = match allowed >> cpu & 1 == 0 && allowed != 0 {
        true => allowed.trailing_zeros(),
        false => cpu,
    };
    set_task_rq(mem, child, group, cpu);
}

/// Lets a new task run for the first time. It begins behind those that are there; if its parent runs
/// on the same queue and stands before it, they change places.
pub fn wake_up_new_task(mem: &mut Mem, task: Ref<Task>) {
    let parent = current(mem);
    if mem[task].se.cfs_rq.is_null() {
        sched_fork(mem, parent, task);
    }
    mem[task].se.weight = fair::weight_of(mem[task].static_prio);
    mem[task].state = RUNNING;
    let cpu = balance::select_fork(mem, task);
    let group = task_group(mem, task);
    set_task_rq(mem, task, group, cpu);
    let rq = rq(cpu);
    let cfs_rq = mem[task].se.cfs_rq;
    fair::update_curr(mem, cfs_rq);
    fair::place_entity(mem, cfs_rq, task.cast(), true);
    let placed = mem[task].se.vruntime;
    let curr = mem[cfs_rq].curr;
    // While the console runs, nobody is running but the shell, which is on no queue.
    let parent_runs_here = curr == parent.cast() && mem[MEM].cpu == cpu;
    let mut swapped = false;
    if parent_runs_here && mem[SCHED].child_runs_first != 0 {
        let parents = mem[curr].vruntime;
        if is_before(parents, placed) {
            mem[curr].vruntime = placed;
            mem[task].se.vruntime = parents;
            swapped = true;
        }
    }
    enqueue_task(mem, task, false, cpu);
    mem[rq].need_resched = 1;
    if mem.is_traced() {
        let pid = u64::from(mem[task].pid);
        let min_vruntime = mem[cfs_rq].min_vruntime;
        let vruntime = mem[task].se.vruntime;
        mem.trace(
            Tracepoint::SchedWakeupNew,
            [
                pid,
                u64::from(cpu),
                vruntime,
                min_vruntime,
                placed,
                u64::from(swapped),
            ],
        );
    }
}

/// Wakes a task that sleeps in one of `states` (a bit each). Returns whether it did: waking a task that
/// is awake is harmless.
pub fn try_to_wake_up(mem: &mut Mem, task: Ref<Task>, states: u32) -> bool {
    let Task {
        state,
        exit_state,
        se,
        cpu: old_cpu,
        ..
    } = mem[task];
    if state & states == 0 || exit_state != 0 {
        return false;
    }
    wait::finish_wait(mem, task);
    mem[task].state = RUNNING;
    // It was about to sleep and has not been switched out yet; or it is the shell, which is on no
    // queue, but waits for this.
    if se.on_rq != 0 || task == mem[TASK].init {
        return true;
    }
    if se.cfs_rq.is_null() {
        sched_fork(mem, Ref::NULL, task);
    }
    let cpu = balance::select_wake(mem, task);
    if cpu != old_cpu {
        migrated(mem, task, cpu, [0, 0]);
        let group = task_group(mem, task);
        set_task_rq(mem, task, group, cpu);
    }
    let rq = rq(cpu);
    if mem[task].se.counts != 0 {
        mem[task].se.counts = 0;
        mem[rq].nr_uninterruptible = mem[rq].nr_uninterruptible.wrapping_sub(1);
    }
    mem[rq].ttwu_count += 1;
    mem[rq].ttwu_local += u32::from(cpu == old_cpu);
    enqueue_task(mem, task, true, old_cpu);
    let Rq { curr, idle, .. } = mem[rq];
    let pid = u64::from(mem[task].pid);
    let vruntime = mem[task].se.vruntime;
    let mut event = [pid, u64::from(cpu), vruntime, 0, 0, 1];
    let preempts = curr == idle || {
        let decision = fair::check_preempt(mem, task, curr);
        event[2] = decision.woken;
        event[3] = decision.curr;
        event[4] = decision.granularity;
        event[5] = u64::from(decision.preempts);
        decision.preempts
    };
    if preempts {
        mem[rq].need_resched = 1;
    }
    mem.trace(Tracepoint::SchedWakeup, event);
    true
}

/// Wakes a task, whatever it sleeps for, and a stopped one too. Returns whether it did.
pub fn wake_up_process(mem: &mut Mem, task: Ref<Task>) -> bool {
    try_to_wake_up(mem, task, ALL)
}

/// Says that a task goes to another CPU; `reason` is how much more load its CPU has than the other, and
/// how much of it is the task's: both 0 if it does not go for that.
pub(super) fn migrated(mem: &mut Mem, task: Ref<Task>, to: u32, reason: [u64; 2]) {
    let Task {
        pid,
        static_prio,
        cpu,
        ..
    } = mem[task];
    let [imbalance, load] = reason;
    mem.trace(
        Tracepoint::SchedMigrateTask,
        [
            u64::from(pid),
            u64::from(static_prio),
            u64::from(cpu),
            u64::from(to),
            imbalance,
            load,
        ],
    );
}

/// Takes a task that shall not run off its queue, if it is on one: its state has been set before. The
/// running one leaves at the next `schedule`.
pub fn deactivate(mem: &mut Mem, task: Ref<Task>) {
    if mem[task].se.on_rq == 0 {
        return;
    }
    let rq = rq_of(mem, task);
    if mem[rq].curr == task {
        mem[rq].need_resched = 1;
    } else {
        sleeps(mem, task);
    }
}

/// Takes a runnable task off its queue because it sleeps.
fn sleeps(mem: &mut Mem, task: Ref<Task>) {
    dequeue_task(mem, task);
    if mem[task].state & UNINTERRUPTIBLE != 0 {
        let rq = rq_of(mem, task);
        mem[task].se.counts = 1;
        mem[rq].nr_uninterruptible = mem[rq].nr_uninterruptible.wrapping_add(1);
    }
}

/// Makes a CPU run another task, or the same again: whoever has come least.
pub(super) fn schedule(mem: &mut Mem, cpu: u32) {
    let rq = rq(cpu);
    let Rq {
        curr: prev,
        idle,
        last_pid,
        last_state,
        clock,
        ..
    } = mem[rq];
    mem[rq].need_resched = 0;
    mem[rq].sched_count += 1;
    let mut voluntary = false;
    // A task that is dead, or was moved, has left already.
    let prev_state = match prev == idle {
        true => last_state,
        false => mem[prev].state,
    };
    mem[rq].last_state = RUNNING;
    if prev != idle {
        let Task {
            cpus_allowed,
            state,
            ..
        } = mem[prev];
        voluntary = state != RUNNING;
        let must_leave = cpus_allowed >> cpu & 1 == 0;
        if voluntary {
            sleeps(mem, prev);
        } else if must_leave {
            dequeue_task(mem, prev);
        }
        fair::put_prev_task(mem, prev);
        // Others who look at this CPU meanwhile shall not take it for the running one.
        mem[rq].curr = idle;
        if must_leave && !voluntary {
            let to = balance::select_wake(mem, prev);
            balance::arrive(mem, prev, to, [0, 0]);
        } else {
            mem[prev].se.wait_start = clock;
        }
    }
    if mem[rq].nr_running == 0 {
        balance::idle(mem, cpu);
    }
    let (next, vruntime, second) = match mem[rq].nr_running {
        0 => (idle, 0, 0),
        _ => {
            let cfs: Ref<CfsRq> = rq.cast();
            let Pick {
                task,
                vruntime,
                second,
            } = fair::pick_next_task(mem, cfs, clock);
            (task, vruntime, second)
        }
    };
    mem[rq].curr = next;
    mem[rq].need_resched = 0;
    let pid = mem[next].pid;
    if next != idle {
        let waited = clock.saturating_sub(mem[next].se.wait_start);
        mem[rq].run_delay += waited;
    }
    if next == prev && pid == last_pid {
        return;
    }
    if next == idle {
        mem[rq].sched_goidle += 1;
    }
    if prev != idle {
        let prev = &mut mem[prev];
        if voluntary {
            prev.nvcsw += 1;
        } else {
            prev.nivcsw += 1;
        }
    }
    mem[rq].nr_switches += 1;
    mem[rq].last_pid = pid;
    if mem.is_traced() {
        let [last_pid, prev_state, pid] = [last_pid, prev_state, pid].map(u64::from);
        tell_switch(mem, [last_pid, prev_state, pid, vruntime, second, clock]);
    }
}

/// Out of the way of a kernel that tells nothing.
#[inline(never)]
fn tell_switch(mem: &mut Mem, event: [u64; 6]) {
    mem.emit(Tracepoint::SchedSwitch, event);
}

/// The running task gives the CPU away, if anybody else wants it: it is charged, and stands where that
/// puts it; or behind all others, with `sched_compat_yield`.
#[inline(always)]
pub(super) fn yield_task(mem: &mut Mem, cpu: u32) {
    let rq = rq(cpu);
    let cfs_rq = mem[mem[rq].curr].se.cfs_rq;
    fair::update_curr(mem, cfs_rq);
    if mem[SCHED].compat_yield != 0 {
        fair::put_last(mem, cfs_rq);
    }
    mem[rq].yld_count += 1;
    mem[rq].need_resched = 1;
}

/// A task ends: it leaves its queue at once and will not be on one again. Its alarm and its wait are
/// over.
pub fn task_dead(mem: &mut Mem, task: Ref<Task>) {
    wait::finish_wait(mem, task);
    time::timer_cancel(mem, task);
    if mem[task].se.counts != 0 {
        let rq = rq_of(mem, task);
        mem[task].se.counts = 0;
        mem[rq].nr_uninterruptible = mem[rq].nr_uninterruptible.wrapping_sub(1);
    }
    if mem[task].se.on_rq == 0 {
        return;
    }
    let rq = rq_of(mem, task);
    dequeue_task(mem, task);
    if mem[rq].curr == task {
        fair::put_prev_task(mem, task);
        leave(mem, rq, TASK_DEAD);
    }
}

/// The running task of a CPU, which has been put, has left in this state; somebody is to be picked.
pub(super) fn leave(mem: &mut Mem, rq: Ref<Rq>, state: u32) {
    let rq = &mut mem[rq];
    rq.curr = rq.idle;
    rq.last_state = state;
    rq.need_resched = 1;
}

/// Gives a task another nice level, cut to -20 to 19.
pub fn set_user_nice(mem: &mut Mem, task: Ref<Task>, nice: i32) {
    let old = mem[task].nice();
    let nice = nice.clamp(-20, 19);
    mem[task].static_prio = (120 + nice) as u32;
    weights::refresh_traits(mem, task);
    let weight = fair::weight_of(mem[task].static_prio);
    fair::reweight_entity(mem, task.cast(), weight);
    // Who got less may have had too much; who got more may have waited long enough.
    if mem[task].se.on_rq != 0 && nice != old {
        let rq = rq_of(mem, task);
        if nice < old || mem[rq].curr == task {
            mem[rq].need_resched = 1;
        }
    }
}

/// Says on which CPUs a task may run, a bit each. If it is on another it goes at once, or as soon as it
/// stops running there.
///
/// # Errors
/// `EINVAL` if the machine has none of them, `EBUSY` if the shell would have to leave its CPU and may
/// not.
pub fn set_cpus_allowed(mem: &mut Mem, task: Ref<Task>, mask: u32) -> Result<(), Errno> {
    let allowed = mask & online(mem);
    if allowed == 0 {
        return Err(Errno::EINVAL);
    }
    let cpu = mem[task].cpu;
    if task == mem[TASK].init {
        let cpu = if current(mem) == task {
            mem[MEM].cpu
        } else {
            cpu
        };
        let to = match allowed >> cpu & 1 == 0 {
            true => allowed.trailing_zeros(),
            false => cpu,
        };
        if current(mem) == task {
            mem.set_cpu(to)?;
        }
        mem[task].cpu = to;
    }
    mem[task].cpus_allowed = mask;
    if allowed >> cpu & 1 != 0 || mem[task].se.on_rq == 0 {
        return Ok(());
    }
    let rq = rq(cpu);
    if mem[rq].curr == task {
        mem[rq].need_resched = 1;
    } else {
        let to = balance::select_wake(mem, task);
        balance::move_task(mem, task, to, [0, 0]);
    }
    Ok(())
}

/// Puts a task into another group, running or not (`sched_move_task`).
pub(super) fn change_group(mem: &mut Mem, task: Ref<Task>, to: Ref<TaskGroup>) {
    if mem[task].se.cfs_rq.is_null() {
        sched_fork(mem, Ref::NULL, task);
    }
    let Task { se, cpu, .. } = mem[task];
    let runs = se.on_rq != 0 && mem[rq(cpu)].curr == task;
    if se.on_rq != 0 {
        dequeue_task(mem, task);
    }
    if runs {
        fair::put_prev_task(mem, task);
    }
    set_task_rq(mem, task, to, cpu);
    if runs {
        fair::set_curr_task(mem, task);
    }
    if se.on_rq != 0 {
        enqueue_task(mem, task, false, cpu);
    }
}
