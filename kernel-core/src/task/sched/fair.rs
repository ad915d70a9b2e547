//! Virtual runtime: weights, slices, placing, picking (specs/containers_async_proc.md 4.1).
//!
//! Everything here is about one queue and its entities, be they tasks or groups.
//!
//! 2.6.24 gives a group its full weight on each CPU, so a group with tasks on two CPUs gets more than
//! its share of both together. Here what a group had on one CPU is charged to its entities on all
//! others as well: they advance as one, and the group gets its shares of the machine. The others take
//! note when they next look at the group (`settle`): their trees are sorted by what an entity has at
//! *least*, so it is enough to sort in the rest when it becomes the first. A group that has much
//! elsewhere still runs here: [`REMOTE_MAX`] bounds how long it is held back.

use super::{CfsRq, SCHED, SchedEntity, rq};
use crate::container::cpuacct;
use crate::mem::{MEM, Mem, Ref};
use crate::rbtree::{self, RbNode};
use crate::task::Task;
use crate::trace::Tracepoint;

/// The weight of nice 0.
pub const NICE_0_LOAD: u32 = 1024;

/// Weights of nice -20 to 19. A step is a tenth of the CPU between two tasks, so a factor of 1.25.
pub const WEIGHTS: [u32; 40] = [
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904,
    3906, 3121, 2501, 1991, 1586, 1277, 1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87,
    70, 56, 45, 36, 29, 23, 18, 15,
];

/// `SCHED_BATCH`: a task that asks for no credit when it wakes.
pub const SCHED_BATCH: u32 = 3;

/// Other CPUs' charges count until they are so many times what the entity had here when it last ran,
/// or might have had.
const REMOTE_MAX: u64 = 64;

/// So many tasks take turns without leaving the processor's caches.
const IN_CACHE: u32 = 2000;

/// The weight of a static priority, 100 to 139.
pub fn weight_of(static_prio: u32) -> u32 {
    let level = static_prio.saturating_sub(100) as usize;
    WEIGHTS[level.min(WEIGHTS.len() - 1)]
}

/// Virtual time of an entity of this weight that ran `delta` nanoseconds.
#[inline]
pub(super) fn to_virtual(delta: u64, weight: u32) -> u64 {
    match weight {
        NICE_0_LOAD => delta,
        weight => delta * u64::from(NICE_0_LOAD) / u64::from(weight.max(1)),
    }
}

/// In which time so many entities are each to run once, in nanoseconds.
pub fn sched_period(mem: &Mem, nr_running: u32) -> u64 {
    let data = &mem[SCHED];
    let (nr, nr_latency) = (u64::from(nr_running), u64::from(data.nr_latency));
    match nr <= nr_latency {
        true => data.latency,
        false => data.latency * nr / nr_latency,
    }
}

/// An entity's part of that time, by its weight, in nanoseconds.
pub fn sched_slice(mem: &Mem, cfs_rq: Ref<CfsRq>, se: Ref<SchedEntity>) -> u64 {
    let CfsRq {
        nr_running, load, ..
    } = mem[cfs_rq];
    sched_period(mem, nr_running) * u64::from(mem[se].weight) / load.max(1)
}

/// The same in virtual time for an entity that is not on the queue yet; it is equal for all.
fn sched_vslice_add(mem: &Mem, cfs_rq: Ref<CfsRq>, se: Ref<SchedEntity>) -> u64 {
    let CfsRq {
        nr_running, load, ..
    } = mem[cfs_rq];
    let load = load + u64::from(mem[se].weight);
    sched_period(mem, nr_running + 1) * u64::from(NICE_0_LOAD) / load.max(1)
}

/// Whether virtual time `a` lies before `b`.
#[inline(always)]
pub(super) fn is_before(a: u64, b: u64) -> bool {
    (a.wrapping_sub(b) as i64) < 0
}

/// The later of two virtual times.
#[inline]
fn later(a: u64, b: u64) -> u64 {
    if is_before(a, b) { b } else { a }
}

/// The order of a queue's tree. An entity's place in it stands first in the entity.
#[inline(always)]
pub(super) fn before(mem: &Mem, a: Ref<RbNode>, b: Ref<RbNode>) -> bool {
    let (a, b): (Ref<SchedEntity>, Ref<SchedEntity>) = (a.cast(), b.cast());
    is_before(mem[a].vruntime, mem[b].vruntime)
}

/// The first of those that wait.
#[inline]
fn leftmost(mem: &Mem, cfs_rq: Ref<CfsRq>) -> Ref<SchedEntity> {
    mem[cfs_rq].tasks_timeline.leftmost.cast()
}

/// Charges the running entity of a queue for what it had since it was last charged.
pub(super) fn update_curr(mem: &mut Mem, cfs_rq: Ref<CfsRq>) {
    let CfsRq {
        curr,
        cpu,
        min_vruntime,
        tasks_timeline,
        ..
    } = mem[cfs_rq];
    if curr.is_null() {
        return;
    }
    let now = mem[rq(cpu)].clock;
    let se = &mut mem[curr];
    let delta = now.saturating_sub(se.exec_start);
    if delta == 0 {
        return;
    }
    se.exec_start = now;
    se.sum_exec_runtime += delta;
    let weighted = to_virtual(delta, se.weight);
    se.vruntime = se.vruntime.wrapping_add(weighted);
    if se.remote > 0 {
        settle(mem, curr);
    }
    let SchedEntity { vruntime, my_q, .. } = mem[curr];
    if my_q.is_null() {
        cpuacct::charge(mem, super::task_of(mem, curr), cpu, delta);
    }
    let first: Ref<SchedEntity> = tasks_timeline.leftmost.cast();
    let least = match first.is_null() {
        true => vruntime,
        false => {
            let waits = mem[first].vruntime;
            if is_before(waits, vruntime) {
                waits
            } else {
                vruntime
            }
        }
    };
    mem[cfs_rq].min_vruntime = later(min_vruntime, least);
    if !my_q.is_null() && mem[MEM].nr_cpus > 1 {
        charge_elsewhere(mem, my_q, cpu, weighted);
    }
}

/// Charges a group's entities on all CPUs but this one.
fn charge_elsewhere(mem: &mut Mem, my_q: Ref<CfsRq>, cpu: u32, weighted: u64) {
    let group = mem[my_q].group;
    for other in (0..mem[MEM].nr_cpus).filter(|&other| other != cpu) {
        let se = mem[group].se[other as usize];
        let se = &mut mem[se];
        if se.on_rq != 0 {
            se.remote += weighted;
        }
    }
}

/// What of other CPUs' charges is to be added to an entity's own.
fn owes(se: &SchedEntity, granularity: u64) -> u64 {
    // Who was pushed aside at once is not to count as if it had nothing.
    let had = se.sum_exec_runtime - se.prev_sum_exec_runtime;
    let had = to_virtual(had.max(granularity), se.weight);
    let room = (had * REMOTE_MAX).saturating_sub(se.remote_sum);
    se.remote.min(room)
}

/// Adds to an entity that is in no tree what was charged elsewhere. Returns whether it was anything.
fn settle(mem: &mut Mem, se: Ref<SchedEntity>) -> bool {
    let granularity = mem[SCHED].min_granularity;
    let se = &mut mem[se];
    if se.remote == 0 {
        return false;
    }
    let added = owes(se, granularity);
    se.remote = 0;
    se.remote_sum += added;
    se.vruntime = se.vruntime.wrapping_add(added);
    added > 0
}

/// Puts an entity into the tree.
fn tree_insert(mem: &mut Mem, cfs_rq: Ref<CfsRq>, se: Ref<SchedEntity>) {
    settle(mem, se);
    rbtree::insert(mem, cfs_rq.cast(), se.cast(), before);
}

/// Gives an entity that comes its place: new tasks begin behind the others, by what they would have
/// had; a task that slept before them, but never before where it was.
pub(super) fn place_entity(mem: &mut Mem, cfs_rq: Ref<CfsRq>, se: Ref<SchedEntity>, is_new: bool) {
    let mut vruntime = mem[cfs_rq].min_vruntime;
    if is_new {
        vruntime = vruntime.wrapping_add(sched_vslice_add(mem, cfs_rq, se));
    } else {
        let is_task = mem[se].my_q.is_null();
        if is_task && mem[se.cast::<Task>()].policy != SCHED_BATCH {
            vruntime = vruntime.wrapping_sub(mem[SCHED].latency);
        }
        vruntime = later(mem[se].vruntime, vruntime);
    }
    mem[se].vruntime = vruntime;
}

/// Where a queue is in virtual time: whoever runs there, or would run next. What that one had on other
/// CPUs counts, or whoever comes would lose what it has waited for.
fn position(mem: &Mem, cfs_rq: Ref<CfsRq>) -> u64 {
    let CfsRq {
        curr, min_vruntime, ..
    } = mem[cfs_rq];
    let first = leftmost(mem, cfs_rq);
    if !curr.is_null() && mem[curr].on_rq != 0 {
        mem[curr].vruntime
    } else if !first.is_null() {
        let owed = owes(&mem[first], mem[SCHED].min_granularity);
        mem[first].vruntime.wrapping_add(owed)
    } else {
        min_vruntime
    }
}

/// Gives a group's entity that comes with a task from CPU `from` its place: as far ahead of or behind
/// the others as the group's entity there is, so that what the group had there is not forgotten. A
/// group that has slept has no claim to what it missed.
pub(super) fn place_group(
    mem: &mut Mem,
    cfs_rq: Ref<CfsRq>,
    se: Ref<SchedEntity>,
    wakes: bool,
    from: u32,
) {
    place_entity(mem, cfs_rq, se, false);
    if from == mem[cfs_rq].cpu {
        return;
    }
    let group = mem[mem[se].my_q].group;
    let there = &mem[mem[group].se[from as usize]];
    let had = there.vruntime.wrapping_add(there.remote);
    let ahead = had.wrapping_sub(position(mem, there.cfs_rq)) as i64;
    let latency = mem[SCHED].latency as i64;
    let ahead = ahead.max(if wakes { 0 } else { -latency });
    let place = position(mem, cfs_rq).wrapping_add(ahead as u64);
    mem[se].vruntime = later(place, mem[cfs_rq].min_vruntime.wrapping_sub(latency as u64));
}

/// Makes an entity runnable.
pub(super) fn enqueue_entity(mem: &mut Mem, cfs_rq: Ref<CfsRq>, se: Ref<SchedEntity>) {
    let entity = &mut mem[se];
    entity.on_rq = 1;
    let weight = u64::from(entity.weight);
    let queue = &mut mem[cfs_rq];
    queue.load += weight;
    queue.nr_running += 1;
    let (group, curr) = (queue.group, queue.curr);
    mem[group].load += weight;
    if curr != se {
        tree_insert(mem, cfs_rq, se);
    }
}

/// Makes an entity not runnable. The running one stays the running one.
pub(super) fn dequeue_entity(mem: &mut Mem, cfs_rq: Ref<CfsRq>, se: Ref<SchedEntity>) {
    update_curr(mem, cfs_rq);
    if mem[cfs_rq].curr != se {
        rbtree::erase(mem, cfs_rq.cast(), se.cast());
    }
    let entity = &mut mem[se];
    entity.on_rq = 0;
    entity.remote = 0;
    let weight = u64::from(entity.weight);
    let queue = &mut mem[cfs_rq];
    queue.load -= weight;
    queue.nr_running -= 1;
    let group = queue.group;
    mem[group].load -= weight;
}

/// Gives an entity another weight, runnable or not.
pub(super) fn reweight_entity(mem: &mut Mem, se: Ref<SchedEntity>, weight: u32) {
    let SchedEntity { cfs_rq, on_rq, .. } = mem[se];
    if on_rq != 0 {
        // What it had until now it had with its old weight.
        update_curr(mem, cfs_rq);
        let (old, new) = (u64::from(mem[se].weight), u64::from(weight));
        let queue = &mut mem[cfs_rq];
        queue.load = queue.load - old + new;
        let group = queue.group;
        mem[group].load = mem[group].load - old + new;
    }
    mem[se].weight = weight;
}

/// The first of a queue that is not empty, with what other CPUs have charged it sorted in.
fn pick_next_entity(mem: &mut Mem, cfs_rq: Ref<CfsRq>) -> Ref<SchedEntity> {
    loop {
        let se = leftmost(mem, cfs_rq);
        if mem[se].remote == 0 {
            return se;
        }
        rbtree::erase(mem, cfs_rq.cast(), se.cast());
        let moved = settle(mem, se);
        rbtree::insert(mem, cfs_rq.cast(), se.cast(), before);
        if !moved {
            // Held back long enough. Others may be equal, and stand before it.
            return leftmost(mem, cfs_rq);
        }
    }
}

/// Makes an entity the running one of its queue.
fn set_next_entity(mem: &mut Mem, cfs_rq: Ref<CfsRq>, se: Ref<SchedEntity>, clock: u64) {
    if mem[se].on_rq != 0 {
        rbtree::erase(mem, cfs_rq.cast(), se.cast());
    }
    let entity = &mut mem[se];
    entity.exec_start = clock;
    entity.prev_sum_exec_runtime = entity.sum_exec_runtime;
    entity.remote_sum = 0;
    mem[cfs_rq].curr = se;
}

/// Makes a runnable task that is in no tree the running one, with the groups above it.
pub(super) fn set_curr_task(mem: &mut Mem, task: Ref<Task>) {
    let clock = mem[rq(mem[task].cpu)].clock;
    let mut se: Ref<SchedEntity> = task.cast();
    while !se.is_null() {
        let SchedEntity { cfs_rq, parent, .. } = mem[se];
        set_next_entity(mem, cfs_rq, se, clock);
        se = parent;
    }
}

/// Ends the run of a task and of the groups above it.
pub(super) fn put_prev_task(mem: &mut Mem, task: Ref<Task>) {
    let mut se: Ref<SchedEntity> = task.cast();
    while !se.is_null() {
        let SchedEntity {
            cfs_rq,
            parent,
            on_rq,
            ..
        } = mem[se];
        if on_rq != 0 {
            update_curr(mem, cfs_rq);
            tree_insert(mem, cfs_rq, se);
        }
        mem[cfs_rq].curr = Ref::NULL;
        se = parent;
    }
}

/// Puts the running entity of a queue behind all others.
pub(super) fn put_last(mem: &mut Mem, cfs_rq: Ref<CfsRq>) {
    let last: Ref<SchedEntity> = rbtree::last(mem, cfs_rq.cast()).cast();
    let curr = mem[cfs_rq].curr;
    if !last.is_null() && !curr.is_null() {
        let behind = mem[last].vruntime.wrapping_add(1);
        let vruntime = later(mem[curr].vruntime, behind);
        mem[curr].vruntime = vruntime;
    }
}

/// Whom was picked, and what decided.
pub(super) struct Pick {
    pub task: Ref<Task>,
    /// The virtual runtime of its entity in the last queue.
    pub vruntime: u64,
    /// That of whoever would have been next there; 0 if nobody.
    pub second: u64,
}

/// Picks the task that has come least, group by group, and makes it the running one. There is one.
#[inline(always)]
pub(super) fn pick_next_task(mem: &mut Mem, mut cfs_rq: Ref<CfsRq>, clock: u64) -> Pick {
    let top = cfs_rq;
    loop {
        let se = pick_next_entity(mem, cfs_rq);
        set_next_entity(mem, cfs_rq, se, clock);
        let SchedEntity {
            vruntime,
            my_q,
            weight,
            ..
        } = mem[se];
        let second = leftmost(mem, cfs_rq);
        let second = match second.is_null() {
            true => 0,
            false => mem[second].vruntime,
        };
        if my_q.is_null() {
            if Mem::PREFETCHES && mem[rq(mem[top].cpu)].nr_running > IN_CACHE {
                look_ahead(mem, top);
            }
            return Pick {
                task: se.cast(),
                vruntime,
                second,
            };
        }
        let group = u64::from(mem[my_q].group.unit());
        let load = mem[cfs_rq].load;
        mem.trace(
            Tracepoint::SchedPickGroup,
            [group, vruntime, second, u64::from(weight), load],
        );
        cfs_rq = my_q;
    }
}

/// The task that would be picked from an entity's queue on, and its queue; NULL if there is none.
fn first_task(mem: &Mem, mut se: Ref<SchedEntity>) -> (Ref<Task>, Ref<CfsRq>) {
    while !se.is_null() && !mem[se].my_q.is_null() {
        se = leftmost(mem, mem[se].my_q);
    }
    match se.is_null() {
        true => (Ref::NULL, Ref::NULL),
        false => (se.cast(), mem[se].cfs_rq),
    }
}

/// Asks for what the next switches will touch. Among many tasks each has long left the processor's
/// caches when its turn comes, and to wait for its lines one after another takes longer than
/// everything else in a switch.
///
/// What a task leads to can be asked for once the task is there. So a task is asked for three switches
/// before its own, its neighbours in the tree two before, and theirs at the last.
fn look_ahead(mem: &Mem, mut cfs_rq: Ref<CfsRq>) {
    // Where everybody is in the group that runs, the next are in there too.
    while leftmost(mem, cfs_rq).is_null() {
        let curr = mem[cfs_rq].curr;
        if curr.is_null() || mem[curr].my_q.is_null() {
            return;
        }
        cfs_rq = mem[curr].my_q;
    }
    let mut node = mem[cfs_rq].tasks_timeline.leftmost;
    for switches in 1..=3 {
        let (task, queue) = first_task(mem, node.cast());
        if task.is_null() {
            return;
        }
        let rightmost = mem[queue].tasks_timeline.rightmost;
        match switches {
            1 => {
                let above = mem[task].se.run_node.parent;
                if !above.is_null() {
                    mem.prefetch(mem[above].right);
                }
                let above = mem[rightmost].parent;
                if !above.is_null() {
                    mem.prefetch(mem[above].left);
                }
                cpuacct::expect_charge(mem, task);
            }
            2 => {
                mem.prefetch(mem[task].se.run_node.parent);
                mem.prefetch(mem[rightmost].parent);
                cpuacct::expect(mem, task);
            }
            _ => {
                for line in 0..3 {
                    mem.prefetch(task.byte_add::<[u64; 8]>(64 * line));
                }
                mem.prefetch(rightmost);
            }
        }
        node = rbtree::next(mem, node);
        if node.is_null() {
            return;
        }
    }
}

/// Charges the running task and the groups above it, and asks it to give way if one of them has
/// had its slice.
pub(super) fn task_tick(mem: &mut Mem, task: Ref<Task>) {
    let mut se: Ref<SchedEntity> = task.cast();
    while !se.is_null() {
        let SchedEntity { cfs_rq, parent, .. } = mem[se];
        update_curr(mem, cfs_rq);
        let nr_running = mem[cfs_rq].nr_running;
        if nr_running > 1 {
            let ran = mem[se].sum_exec_runtime - mem[se].prev_sum_exec_runtime;
            let slice = sched_slice(mem, cfs_rq, se);
            if ran > slice {
                let pid = u64::from(mem[task].pid);
                let SchedEntity { weight, .. } = mem[se];
                let load = mem[cfs_rq].load;
                mem.trace(
                    Tracepoint::SchedSliceEnd,
                    [
                        pid,
                        ran,
                        slice,
                        u64::from(weight),
                        load,
                        u64::from(nr_running),
                    ],
                );
                let rq = rq(mem[cfs_rq].cpu);
                mem[rq].need_resched = 1;
            }
        }
        se = parent;
    }
}

/// The entities of two tasks of one CPU in the queue that they have in common.
fn in_common(
    mem: &Mem,
    mut a: Ref<SchedEntity>,
    mut b: Ref<SchedEntity>,
) -> (Ref<SchedEntity>, Ref<SchedEntity>) {
    while mem[a].cfs_rq != mem[b].cfs_rq {
        let (depth_a, depth_b) = (mem[a].depth, mem[b].depth);
        if depth_a >= depth_b {
            a = mem[a].parent;
        }
        if depth_b >= depth_a {
            b = mem[b].parent;
        }
    }
    (a, b)
}

/// Whether a task that was woken pushes the running one aside, and what decided.
pub(super) struct Preemption {
    pub preempts: bool,
    /// Virtual runtime of the woken one, or of its group.
    pub woken: u64,
    /// That of the running one.
    pub curr: u64,
    /// How far apart they have to be.
    pub granularity: u64,
}

/// Decides whether a woken task pushes the running one aside: it has to be behind by more than the
/// granularity, which for a heavy running task is less of *virtual* time.
pub(super) fn check_preempt(mem: &mut Mem, woken: Ref<Task>, curr: Ref<Task>) -> Preemption {
    update_curr(mem, mem[curr].se.cfs_rq);
    let (se, pse) = in_common(mem, curr.cast(), woken.cast());
    if se != curr.cast() {
        update_curr(mem, mem[se].cfs_rq);
    }
    let granularity = to_virtual(mem[SCHED].wakeup_granularity, mem[se].weight);
    let (curr_v, woken_v) = (mem[se].vruntime, mem[pse].vruntime);
    let is_batch = mem[woken].policy == SCHED_BATCH;
    Preemption {
        preempts: !is_batch && se != pse && is_before(woken_v.wrapping_add(granularity), curr_v),
        woken: woken_v,
        curr: curr_v,
        granularity,
    }
}
