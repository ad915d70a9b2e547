//! Where a task is in all hierarchies at once.
//!
//! A task has one pointer, to a [`CssSet`]; that has a pointer to each subsystem's state. So a subsystem
//! finds its state for a task in two steps, a fork copies one pointer, and a move stores one. Sets never
//! change; tasks with the same pointers share one, which is found by a hash of the pointers.
//!
//! A container knows its sets and a set its containers through [`CgLink`]s, one for each pair: the way
//! from a container to its tasks. The dummy hierarchy has no links; nobody asks for its tasks.

use core::mem::offset_of;

use bytemuck::Zeroable;

use super::{
    CONTAINER, CgLink, Container, ContainerData, CssSet, FIRST_BUCKETS, Hierarchy,
    NOTIFY_ON_RELEASE, RELEASABLE, SUBSYS_MAX, release, zalloc,
};
use crate::errno::Errno;
use crate::fs::{Buckets, HashNode, HashTable};
use crate::mem::{Gfp, ListHead, Mem, Ref};
use crate::slab::{self, kmem_cache_free};
use crate::task::Task;
use crate::trace::{Tracepoint, mix};

/// Pointers to the states that a set's tasks have.
type States = [Ref<super::Css>; SUBSYS_MAX];

/// Chains that the table has at most: what the largest allocation holds.
const BUCKETS_MAX: u32 = slab::SIZE_MAX / size_of::<Ref<HashNode>>() as u32;

pub(super) fn sets_head() -> Ref<ListHead> {
    CONTAINER.byte_add(offset_of!(ContainerData, css_sets))
}

/// All sets, the first one in front.
pub(super) fn sets(mem: &Mem) -> impl Iterator<Item = Ref<CssSet>> + '_ {
    mem.list_iter(sets_head()).map(|link| link.cast())
}

/// Head of a set's list of tasks.
pub(super) fn tasks_head(set: Ref<CssSet>) -> Ref<ListHead> {
    set.byte_add(offset_of!(CssSet, tasks))
}

/// Head of a set's list of links.
pub(super) fn links_head(set: Ref<CssSet>) -> Ref<ListHead> {
    set.byte_add(offset_of!(CssSet, cg_links))
}

/// Head of a container's list of links.
pub(super) fn sets_of_head(container: Ref<Container>) -> Ref<ListHead> {
    container.byte_add(offset_of!(Container, css_sets))
}

/// A set's links.
pub(super) fn links_of_set(mem: &Mem, set: Ref<CssSet>) -> impl Iterator<Item = Ref<CgLink>> + '_ {
    mem.list_iter(links_head(set))
        .map(|link| link.byte_sub(offset_of!(CgLink, set_list)))
}

/// A container's links.
pub(super) fn links_of_container(
    mem: &Mem,
    container: Ref<Container>,
) -> impl Iterator<Item = Ref<CgLink>> + '_ {
    mem.list_iter(sets_of_head(container))
        .map(|link| link.cast())
}

/// The task whose place in a set's list this is.
pub(super) fn task_of(link: Ref<ListHead>) -> Ref<Task> {
    link.byte_sub(offset_of!(Task, cg_list))
}

/// The set whose place in the table this is.
pub(super) fn of_node(node: Ref<HashNode>) -> Ref<CssSet> {
    node.byte_sub(offset_of!(CssSet, node))
}

fn node(set: Ref<CssSet>) -> Ref<HashNode> {
    set.byte_add(offset_of!(CssSet, node))
}

pub(super) fn hash(states: &States) -> u32 {
    let words = states.chunks_exact(2);
    let hash = words.fold(0, |hash, pair| {
        mix(
            hash,
            u64::from(pair[0].unit()) << 32 | u64::from(pair[1].unit()),
        )
    });
    (hash >> 32) as u32
}

/// Makes the first set: all the topmost containers. It stays for ever.
pub(super) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    let top = mem[mem[CONTAINER].dummy].top;
    let states = mem[top].subsys;
    let set = alloc(mem, states)?;
    mem[CONTAINER].init_css_set = set;
    Ok(())
}

/// A set with one reference, without links.
fn alloc(mem: &mut Mem, states: States) -> Result<Ref<CssSet>, Errno> {
    let cache = mem[CONTAINER].set_cache;
    let set: Ref<CssSet> = zalloc(mem, cache)?;
    mem[set].subsys = states;
    mem[set].refcount = 1;
    mem.list_init(tasks_head(set));
    mem.list_init(links_head(set));
    mem.list_add_tail(set.cast(), sets_head());
    mem[CONTAINER].nr_sets += 1;
    grow(mem);
    let table = mem[CONTAINER].table;
    table.insert(mem, node(set), hash(&states));
    Ok(set)
}

/// Doubles the table when there are more sets than chains; without memory for it chains grow longer.
fn grow(mem: &mut Mem) {
    let old = mem[CONTAINER].table;
    let buckets = old.buckets * 2;
    if mem[CONTAINER].nr_sets <= old.buckets || buckets > BUCKETS_MAX {
        return;
    }
    let bytes = buckets * size_of::<Ref<HashNode>>() as u32;
    let Ok(first) = slab::kmalloc(mem, bytes, Gfp::KERNEL) else {
        return;
    };
    let first: Ref<Buckets> = first.cast();
    for pair in 0..buckets / 2 {
        mem[first.offset(pair)] = Buckets::zeroed();
    }
    let table = HashTable::new(first, buckets);
    for bucket in 0..old.buckets {
        loop {
            let next = old.chain(mem, bucket).next();
            let Some(node) = next else {
                break;
            };
            let hash = mem[node].hash;
            old.remove(mem, node);
            table.insert(mem, node, hash);
        }
    }
    mem[CONTAINER].table = table;
    if old.buckets as usize > FIRST_BUCKETS {
        slab::kfree(mem, old.first().cast());
    }
}

/// Links a set with a container.
fn link(mem: &mut Mem, set: Ref<CssSet>, container: Ref<Container>) -> Result<(), Errno> {
    let cache = mem[CONTAINER].link_cache;
    let link: Ref<CgLink> = zalloc(mem, cache)?;
    mem[link].set = set;
    mem[link].container = container;
    mem.list_add(link.cast(), sets_of_head(container));
    mem.list_add_tail(link.byte_add(offset_of!(CgLink, set_list)), links_head(set));
    mem[container].count += 1;
    mem[set].nr_links += 1;
    mem[CONTAINER].nr_links += 1;
    Ok(())
}

fn unlink(mem: &mut Mem, link: Ref<CgLink>) {
    let CgLink { set, container, .. } = mem[link];
    mem.list_del(link.cast());
    mem.list_del(link.byte_add(offset_of!(CgLink, set_list)));
    mem[container].count -= 1;
    mem[set].nr_links -= 1;
    mem[CONTAINER].nr_links -= 1;
    let cache = mem[CONTAINER].link_cache;
    kmem_cache_free(mem, cache, link);
}

/// Links a new hierarchy's topmost container with every set, so that all tasks are in it at once.
///
/// # Errors
/// `ENOMEM`; nothing has changed then.
pub(super) fn link_all(mem: &mut Mem, top: Ref<Container>) -> Result<(), Errno> {
    let mut at = mem[sets_head()].next;
    while at != sets_head() {
        if let Err(errno) = link(mem, at.cast(), top) {
            unlink_all(mem, top);
            return Err(errno);
        }
        at = mem[at].next;
    }
    Ok(())
}

/// Ends what [`link_all`] began.
pub(super) fn unlink_all(mem: &mut Mem, top: Ref<Container>) {
    while !mem.list_is_empty(sets_of_head(top)) {
        let link = mem[sets_of_head(top)].next.cast();
        unlink(mem, link);
    }
}

/// The set that differs from `old` in being in `container`, with a reference more. It may have to be
/// made.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn find_or_make(
    mem: &mut Mem,
    old: Ref<CssSet>,
    container: Ref<Container>,
) -> Result<Ref<CssSet>, Errno> {
    let mut states = mem[old].subsys;
    for number in mem[mem[container].root].subsystems() {
        states[number] = mem[container].subsys[number];
    }
    let table = mem[CONTAINER].table;
    let found = table
        .find(mem, hash(&states))
        .map(of_node)
        .find(|&set| mem[set].subsys == states);
    if let Some(set) = found {
        mem[set].refcount += 1;
        return Ok(set);
    }
    let set = alloc(mem, states)?;
    let mut at = mem[hierarchies_head()].next;
    while at != hierarchies_head() {
        let root: Ref<Hierarchy> = at.cast();
        let state = mem[root].subsystems().next().map(|number| states[number]);
        let there = state.map_or(mem[root].top, |state| mem[state].container);
        if let Err(errno) = link(mem, set, there) {
            mem[set].refcount = 0;
            free(mem, set);
            return Err(errno);
        }
        at = mem[at].next;
    }
    let links = u64::from(mem[set].nr_links);
    mem.trace(Tracepoint::CgroupCssSet, [u64::from(set.unit()), links]);
    Ok(set)
}

fn hierarchies_head() -> Ref<ListHead> {
    CONTAINER.byte_add(offset_of!(ContainerData, hierarchies))
}

/// Takes a reference.
pub(super) fn get(mem: &mut Mem, set: Ref<CssSet>) {
    mem[set].refcount += 1;
}

/// Drops a reference. With the last one the set goes, and containers that only it was in are left; a
/// task's end makes them releasable.
pub(super) fn put(mem: &mut Mem, set: Ref<CssSet>, by_exit: bool) {
    mem[set].refcount -= 1;
    if mem[set].refcount > 0 {
        return;
    }
    // Each link stands between two others of its container, which are anywhere.
    for link in links_of_set(mem, set) {
        let ListHead { next, prev } = mem[link].container_list;
        mem.prefetch(next);
        mem.prefetch(prev);
    }
    // Those to be told of are looked at when the links are gone.
    while !mem.list_is_empty(links_head(set)) {
        let link: Ref<CgLink> = mem[links_head(set)]
            .next
            .byte_sub(offset_of!(CgLink, set_list));
        let container = mem[link].container;
        unlink(mem, link);
        if mem[container].count == 0 && mem[container].flags & NOTIFY_ON_RELEASE != 0 {
            if by_exit {
                mem[container].flags |= RELEASABLE;
            }
            release::check_for_release(mem, container);
        }
    }
    free(mem, set);
}

fn free(mem: &mut Mem, set: Ref<CssSet>) {
    while !mem.list_is_empty(links_head(set)) {
        let link = mem[links_head(set)]
            .next
            .byte_sub(offset_of!(CgLink, set_list));
        unlink(mem, link);
    }
    let table = mem[CONTAINER].table;
    table.remove(mem, node(set));
    mem.list_del(set.cast());
    mem[CONTAINER].nr_sets -= 1;
    let cache = mem[CONTAINER].set_cache;
    kmem_cache_free(mem, cache, set);
}
