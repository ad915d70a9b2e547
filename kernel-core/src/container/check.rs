//! The invariants: every task in exactly one container of each hierarchy, counts, links, trees.

use super::css_set::{self, sets};
use super::{
    CONTAINER, CgLink, Container, CssSet, Hierarchy, REMOVED, children, files, hierarchies,
    hierarchy, nr_subsystems, release, subsys, tree,
};
use crate::fs;
use crate::mem::{Mem, Ref};
use crate::slab;
use crate::task::{self, PF_EXITING, Task};

/// Checks hierarchies, containers, sets and tasks against each other.
///
/// # Errors
/// A sentence that names the first violation.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    let data = &mem[CONTAINER];
    let limit = mem.frames() * 64;
    if !mem.list_is_sound(CONTAINER.cast(), limit) {
        return Err("container: the list of hierarchies is broken");
    }
    if !mem.list_is_sound(css_set::sets_head(), limit) {
        return Err("container: the list of sets is broken");
    }
    if hierarchies(mem).count() as u32 != data.nr_hierarchies {
        return Err("container: hierarchies have lost count");
    }
    let mut containers = check_hierarchy(mem, data.dummy)?;
    let mut links = 0;
    let mut bits = mem[data.dummy].subsys_bits;
    for root in hierarchies(mem) {
        containers += check_hierarchy(mem, root)?;
        if !hierarchy::is_mountable(mem[root].flavour) || mem[root].subsys_bits == 0 {
            return Err("container: a hierarchy without subsystems is mounted");
        }
        if bits & mem[root].subsys_bits != 0 {
            return Err("container: a subsystem is bound twice");
        }
        bits |= mem[root].subsys_bits;
        for container in tree::descendants(mem, mem[root].top) {
            links += css_set::links_of_container(mem, container).count() as u32;
        }
    }
    if bits.count_ones() as usize != nr_subsystems(mem) {
        return Err("container: a subsystem is bound to no hierarchy");
    }
    let mut tasks = 0;
    let mut set_links = 0;
    let mut count = 0;
    for set in sets(mem) {
        tasks += check_set(mem, set)?;
        set_links += mem[set].nr_links;
        count += 1;
    }
    let in_table = data.table.count(mem, count);
    if count != data.nr_sets || in_table != Some(count) {
        return Err("container: the table of sets has lost count");
    }
    if links != set_links || links != data.nr_links {
        return Err("container: links between sets and containers have lost count");
    }
    let mut alive = 0;
    for task in task::pid::tasks_from(mem, 1) {
        alive += check_task(mem, task)?;
    }
    if alive != tasks {
        return Err("container: a set lists a task that does not exist");
    }
    if !mem.list_is_sound(release::head(), limit) {
        return Err("container: the list of containers that were left is broken");
    }
    if release::waiting(mem).any(|container| mem[container].flags & REMOVED != 0) {
        return Err("container: a container that is gone waits for its agent");
    }
    for (cache, expected) in [
        (data.container_cache, containers),
        (data.hierarchy_cache, data.nr_hierarchies + 1),
        (data.set_cache, count),
        (data.link_cache, links),
    ] {
        if slab::counts(mem, cache).active_objects != expected {
            return Err("container: objects in use differ from those that hierarchies lead to");
        }
    }
    if containers != data.nr_containers {
        return Err("container: containers have lost count");
    }
    for number in 0..nr_subsystems(mem) {
        let (root, subsystem) = match subsys::subsystem(number) {
            Some(subsystem) => (data.roots[number], subsystem),
            None => return Err("container: there is no such subsystem"),
        };
        for container in tree::descendants(mem, mem[root].top) {
            subsystem.check(mem, container)?;
        }
    }
    Ok(())
}

/// Checks one hierarchy's tree; returns how many containers it has.
fn check_hierarchy(mem: &Mem, root: Ref<Hierarchy>) -> Result<u32, &'static str> {
    let Hierarchy {
        top,
        mount,
        number_of_containers,
        subsys_bits,
        ..
    } = mem[root];
    let is_dummy = root == mem[CONTAINER].dummy;
    if is_dummy != mount.is_null() || !mem[top].parent.is_null() {
        return Err("container: a hierarchy has no tree");
    }
    let mut bits = 0;
    for number in mem[root].subsystems() {
        if bits >> number & 1 != 0 || mem[CONTAINER].roots[number] != root {
            return Err("container: a subsystem does not know its hierarchy");
        }
        bits |= 1 << number;
    }
    if bits != subsys_bits {
        return Err("container: a hierarchy's order of subsystems is wrong");
    }
    let mut count = 0;
    for container in tree::descendants(mem, top) {
        count += 1;
        check_container(mem, root, container)?;
    }
    match count == number_of_containers {
        true => Ok(count),
        false => Err("container: a hierarchy has lost count of its containers"),
    }
}

fn check_container(
    mem: &Mem,
    root: Ref<Hierarchy>,
    at: Ref<Container>,
) -> Result<(), &'static str> {
    let limit = mem.frames() * 64;
    let container = &mem[at];
    if container.root != root || container.flags & REMOVED != 0 {
        return Err("container: a container is in a hierarchy that is not its own");
    }
    if !mem.list_is_sound(tree::children_head(at), limit)
        || !mem.list_is_sound(css_set::sets_of_head(at), limit)
    {
        return Err("container: a container's list is broken");
    }
    for (number, &css) in container.subsys.iter().enumerate() {
        let is_bound = mem[root].subsys_bits >> number & 1 != 0;
        if is_bound == css.is_null() {
            return Err("container: a container lacks a state, or has one too many");
        }
        if is_bound && mem[css].container != at {
            return Err("container: a state belongs to another container");
        }
    }
    let links = css_set::links_of_container(mem, at);
    if links.count() as u32 != container.count {
        return Err("container: a container has lost count of its sets");
    }
    if container.dentry.is_null() {
        return match root == mem[CONTAINER].dummy {
            true => Ok(()),
            false => Err("container: a container has no directory"),
        };
    }
    if files::container_of(mem, container.dentry) != Some(at) {
        return Err("container: a directory shows another container");
    }
    // The tree of directories is the tree of containers.
    let mut directories = 0;
    for entry in fs::entries(mem, container.dentry) {
        if fs::is_dir(mem, entry) {
            directories += 1;
            if !files::container_of(mem, entry).is_some_and(|child| mem[child].parent == at) {
                return Err("container: a directory is no container's, or stands elsewhere");
            }
        }
    }
    for child in children(mem, at) {
        if mem[child].parent != at || mem[mem[child].dentry].parent != container.dentry {
            return Err("container: a container stands elsewhere than its directory");
        }
    }
    match directories == children(mem, at).count() {
        true => Ok(()),
        false => Err("container: a container has no directory"),
    }
}

/// Checks one set; returns how many tasks it lists.
fn check_set(mem: &Mem, at: Ref<CssSet>) -> Result<u32, &'static str> {
    let limit = mem.frames() * 64;
    let set = &mem[at];
    if !mem.list_is_sound(css_set::tasks_head(at), limit)
        || !mem.list_is_sound(css_set::links_head(at), limit)
    {
        return Err("container: a set's list is broken");
    }
    let mut twins = mem[CONTAINER].table.find(mem, css_set::hash(&set.subsys));
    let twins = twins.by_ref().filter(|&node| {
        let other: Ref<CssSet> = css_set::of_node(node);
        mem[other].subsys == set.subsys
    });
    if twins.count() != 1 {
        return Err("container: a set is not unique, or is not found");
    }
    for number in 0..nr_subsystems(mem) {
        let css = set.subsys[number];
        let container = match css.is_null() {
            true => return Err("container: a set lacks a state"),
            false => mem[css].container,
        };
        if mem[container].subsys[number] != css {
            return Err("container: a set has a state that is gone");
        }
        let root = mem[CONTAINER].roots[number];
        if mem[container].root != root {
            return Err("container: a set has a state of another hierarchy");
        }
        let linked = |link: Ref<CgLink>| mem[link].container == container;
        if root != mem[CONTAINER].dummy && !css_set::links_of_set(mem, at).any(linked) {
            return Err("container: a set is not linked with its container");
        }
    }
    let links = css_set::links_of_set(mem, at);
    if set.nr_links != mem[CONTAINER].nr_hierarchies || links.count() as u32 != set.nr_links {
        return Err("container: a set is not in one container of each hierarchy");
    }
    let mut tasks = 0;
    for link in mem.list_iter(css_set::tasks_head(at)) {
        let task = css_set::task_of(link);
        tasks += 1;
        if mem[task].css_set != at || task::find_task_by_pid(mem, mem[task].pid) != Some(task) {
            return Err("container: a set lists a task that is elsewhere");
        }
    }
    let for_ever = u32::from(at == mem[CONTAINER].init_css_set);
    match set.refcount == tasks + for_ever {
        true => Ok(tasks),
        false => Err("container: a set's count differs from the number of its tasks"),
    }
}

/// Checks one task; returns 1 if its set lists it.
fn check_task(mem: &Mem, task: Ref<Task>) -> Result<u32, &'static str> {
    let Task {
        css_set,
        cg_list,
        flags,
        ..
    } = mem[task];
    if css_set.is_null() {
        return Err("container: a task is in no container");
    }
    if !cg_list.next.is_null() {
        return Ok(1);
    }
    match flags & PF_EXITING != 0 && css_set == mem[CONTAINER].init_css_set {
        true => Ok(0),
        false => Err("container: a task that lives is not listed in its containers"),
    }
}
