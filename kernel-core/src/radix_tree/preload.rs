//! Nodes set aside, so that the next insertion cannot fail for want of memory.
//!
//! An insertion under a spinlock may not sleep, and an atomic allocation may fail. So the caller
//! fills this CPU's pool first, while it may still sleep. From then on preemption is disabled, since
//! another CPU has another pool, until [`preload_end`]. A tree falls back on the pool only if its
//! own mask forbids sleeping: one that may sleep gets no guarantee.

use bytemuck::{Pod, Zeroable};

use super::{RADIX_TREE, RadixTreeNode};
use crate::btf::describe;
use crate::errno::Errno;
use crate::mem::{Gfp, MAX_CPUS, MEM, Mem, Ref};
use crate::slab;
use crate::trace::Tracepoint;

/// Nodes that a full pool holds: one for each level of the highest tree, and one to spare (2.6.16's
/// `RADIX_TREE_MAX_PATH`).
pub const PRELOAD_NODES: usize = 12;

/// One CPU's pool.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Pool {
    pub(super) nr: u32,
    pub(super) nodes: [Ref<RadixTreeNode>; PRELOAD_NODES],
}

describe!(Pool, "radix_tree_preload", [nr, nodes]);

/// Fills this CPU's pool and disables preemption.
///
/// # Errors
/// `ENOMEM`; then preemption is as it was. What the pool got it keeps.
pub fn preload(mem: &mut Mem, gfp: Gfp) -> Result<(), Errno> {
    let cpu = mem[MEM].cpu as usize % MAX_CPUS;
    let cache = mem[RADIX_TREE].node_cache;
    let mut result = Ok(());
    while result.is_ok() && (mem[RADIX_TREE].preloads[cpu].nr as usize) < PRELOAD_NODES {
        result = slab::kmem_cache_alloc(mem, cache, gfp).map(|node| {
            let pool = &mut mem[RADIX_TREE].preloads[cpu];
            pool.nodes[pool.nr as usize] = node;
            pool.nr += 1;
        });
    }
    if result.is_ok() {
        mem.preempt_disable();
    }
    let ret = result.err().map_or(0, |errno| -(errno as i64));
    let nodes = u64::from(mem[RADIX_TREE].preloads[cpu].nr);
    mem.trace(
        Tracepoint::RadixTreePreload,
        [cpu as u64, nodes, ret as u64],
    );
    result
}

/// Enables preemption again. The pool keeps its nodes.
///
/// # Errors
/// `EINVAL` if preemption is not disabled.
pub fn preload_end(mem: &mut Mem) -> Result<(), Errno> {
    if mem[MEM].preempt_count == 0 {
        return Err(Errno::EINVAL);
    }
    mem.preempt_enable();
    Ok(())
}

/// Takes a node from this CPU's pool.
pub(super) fn take(mem: &mut Mem) -> Option<Ref<RadixTreeNode>> {
    let cpu = mem[MEM].cpu as usize % MAX_CPUS;
    let pool = &mut mem[RADIX_TREE].preloads[cpu];
    let top = pool.nr.checked_sub(1)?;
    pool.nr = top;
    let node = pool.nodes[top as usize];
    pool.nodes[top as usize] = Ref::NULL;
    Some(node)
}

/// Nodes in the pool of `cpu`.
pub fn preloaded(mem: &Mem, cpu: usize) -> u32 {
    mem[RADIX_TREE].preloads[cpu].nr
}

/// The nodes in all pools.
pub fn all_preloaded(mem: &Mem) -> impl Iterator<Item = Ref<RadixTreeNode>> {
    let pools = mem[RADIX_TREE].preloads.into_iter();
    pools.flat_map(|pool| pool.nodes.into_iter().take(pool.nr as usize))
}
