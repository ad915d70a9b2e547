//! Groups: the cpu subsystem's side of the scheduler.
//!
//! A group has an entity and a queue on each CPU. It takes part in its parent's queue with its
//! shares, as a task does with its weight, whenever one of its tasks is runnable there.

use bytemuck::Zeroable;

use super::{
    CfsRq, NICE_0_LOAD, ROOT_GROUP, SCHED, SchedEntity, TaskGroup, fair, groups_head, tasks,
};
use crate::errno::Errno;
use crate::mem::{Gfp, MEM, Mem, Ref};
use crate::slab::{kmem_cache_alloc, kmem_cache_free};
use crate::task::Task;

/// Fewer shares than this become this many.
pub const SHARES_MIN: u32 = 2;
/// More shares than this become this many.
pub const SHARES_MAX: u32 = 1 << 18;

/// Makes a group without tasks in `parent`, with 1024 shares.
///
/// # Errors
/// `ENOMEM`, and nothing has changed.
pub fn sched_create_group(mem: &mut Mem, parent: Ref<TaskGroup>) -> Result<Ref<TaskGroup>, Errno> {
    let cache = mem[SCHED].group_cache;
    let group: Ref<TaskGroup> = kmem_cache_alloc(mem, cache, Gfp::KERNEL)?;
    mem[group] = TaskGroup {
        shares: NICE_0_LOAD,
        parent,
        ..TaskGroup::zeroed()
    };
    for cpu in 0..mem[MEM].nr_cpus {
        if let Err(errno) = add_cpu(mem, group, cpu) {
            free_group(mem, group);
            return Err(errno);
        }
    }
    mem.list_add_tail(group.cast(), groups_head());
    mem[SCHED].nr_groups += 1;
    Ok(group)
}

/// Gives a group its entity and its queue on a CPU.
fn add_cpu(mem: &mut Mem, group: Ref<TaskGroup>, cpu: u32) -> Result<(), Errno> {
    let index = cpu as usize;
    let cache = mem[SCHED].cfs_rq_cache;
    let cfs_rq: Ref<CfsRq> = kmem_cache_alloc(mem, cache, Gfp::KERNEL)?;
    mem[group].cfs_rq[index] = cfs_rq;
    let min_vruntime = mem[SCHED].latency;
    mem[cfs_rq] = CfsRq {
        min_vruntime,
        group,
        cpu,
        ..CfsRq::zeroed()
    };
    let cache = mem[SCHED].entity_cache;
    let se: Ref<SchedEntity> = kmem_cache_alloc(mem, cache, Gfp::KERNEL)?;
    mem[group].se[index] = se;
    let above = &mem[mem[group].parent];
    let (parent, queue) = (above.se[index], above.cfs_rq[index]);
    let depth = match parent.is_null() {
        true => 0,
        false => mem[parent].depth + 1,
    };
    mem[se] = SchedEntity {
        weight: NICE_0_LOAD,
        parent,
        cfs_rq: queue,
        my_q: cfs_rq,
        depth,
        ..SchedEntity::zeroed()
    };
    Ok(())
}

/// Frees a group that is in no list, as far as it was made.
fn free_group(mem: &mut Mem, group: Ref<TaskGroup>) {
    let TaskGroup { se, cfs_rq, .. } = mem[group];
    let (entities, queues) = (mem[SCHED].entity_cache, mem[SCHED].cfs_rq_cache);
    for se in se.into_iter().filter(|se| !se.is_null()) {
        kmem_cache_free(mem, entities, se);
    }
    for cfs_rq in cfs_rq.into_iter().filter(|cfs_rq| !cfs_rq.is_null()) {
        kmem_cache_free(mem, queues, cfs_rq);
    }
    let cache = mem[SCHED].group_cache;
    kmem_cache_free(mem, cache, group);
}

/// Ends a group that has neither tasks nor groups in it.
pub fn sched_destroy_group(mem: &mut Mem, group: Ref<TaskGroup>) {
    debug_assert!(group != ROOT_GROUP && mem[group].load == 0);
    mem.list_del(group.cast());
    mem[SCHED].nr_groups -= 1;
    free_group(mem, group);
}

/// Gives a group another number of shares, cut to [`SHARES_MIN`] to [`SHARES_MAX`].
///
/// # Errors
/// `EINVAL` for the root group: there is nobody it could share with.
pub fn sched_group_set_shares(
    mem: &mut Mem,
    group: Ref<TaskGroup>,
    shares: u64,
) -> Result<(), Errno> {
    if group == ROOT_GROUP {
        return Err(Errno::EINVAL);
    }
    let shares = shares.clamp(u64::from(SHARES_MIN), u64::from(SHARES_MAX)) as u32;
    mem[group].shares = shares;
    for cpu in 0..mem[MEM].nr_cpus as usize {
        let se = mem[group].se[cpu];
        fair::reweight_entity(mem, se, shares);
    }
    Ok(())
}

/// Puts a task into another group, whether it runs, waits or sleeps. It will be as far ahead of or
/// behind the others there as it was.
pub fn sched_move_task(mem: &mut Mem, task: Ref<Task>, group: Ref<TaskGroup>) {
    if tasks::task_group(mem, task) != group || mem[task].se.cfs_rq.is_null() {
        tasks::change_group(mem, task, group);
    }
}
