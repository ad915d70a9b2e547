//! Containers come, go and are renamed (specs 1.5, 1.6).

use core::fmt::{self, Write};
use core::mem::offset_of;

use super::{
    CONTAINER, CgLink, Container, Hierarchy, RELEASABLE, REMOVED, css_set, files, is_removed,
    release, subsys, zalloc,
};
use crate::errno::Errno;
use crate::fs::{self, Dentry};
use crate::mem::{ListHead, Mem, Ref};
use crate::slab::kmem_cache_free;
use crate::task::Task;
use crate::trace::Tracepoint;

/// Containers that may stand in each other, below the topmost one.
const DEPTH_MAX: usize = 64;

/// Head of a container's list of children.
pub(super) fn children_head(container: Ref<Container>) -> Ref<ListHead> {
    container.byte_add(offset_of!(Container, children))
}

/// The containers in a container, the newest first.
pub fn children(mem: &Mem, container: Ref<Container>) -> impl Iterator<Item = Ref<Container>> + '_ {
    mem.list_iter(children_head(container))
        .map(|link| link.cast())
}

/// The tasks in a container, threads included; those of containers in it are not among them.
pub fn tasks(mem: &Mem, container: Ref<Container>) -> impl Iterator<Item = Ref<Task>> + '_ {
    // The dummy hierarchy has no links, but also no container that not everybody is in.
    let is_dummy = mem[container].root == mem[CONTAINER].dummy;
    let all = is_dummy.then(|| css_set::sets(mem)).into_iter().flatten();
    let linked = css_set::links_of_container(mem, container).map(|link| mem[link].set);
    all.chain(linked)
        .flat_map(move |set| mem.list_iter(css_set::tasks_head(set)))
        .map(css_set::task_of)
}

/// How many those are, by the counts of their sets: nobody is looked at. For hierarchies that are
/// mounted.
pub fn task_count(mem: &Mem, container: Ref<Container>) -> u32 {
    let first = mem[CONTAINER].init_css_set;
    css_set::links_of_container(mem, container)
        // The first set has a reference for ever.
        .map(|link| mem[mem[link].set].refcount - u32::from(mem[link].set == first))
        .sum()
}

/// Does something to each task in a container; it may not move tasks.
pub(super) fn for_each_task(
    mem: &mut Mem,
    container: Ref<Container>,
    mut action: impl FnMut(&mut Mem, Ref<Task>),
) {
    let sets = css_set::sets_of_head(container);
    let mut link = mem[sets].next;
    while link != sets {
        let tasks = css_set::tasks_head(mem[link.cast::<CgLink>()].set);
        let mut at = mem[tasks].next;
        while at != tasks {
            action(mem, css_set::task_of(at));
            at = mem[at].next;
        }
        link = mem[link].next;
    }
}

/// All containers of a hierarchy, parents before children.
pub(super) fn descendants(
    mem: &Mem,
    top: Ref<Container>,
) -> impl Iterator<Item = Ref<Container>> + '_ {
    core::iter::successors(Some(top), move |&at| {
        if let Some(child) = children(mem, at).next() {
            return Some(child);
        }
        let mut at = at;
        while at != top {
            let Container {
                sibling, parent, ..
            } = mem[at];
            if sibling.next != children_head(parent) {
                return Some(sibling.next.cast());
            }
            at = parent;
        }
        None
    })
}

/// A container that nothing leads to yet.
pub(super) fn alloc(
    mem: &mut Mem,
    root: Ref<Hierarchy>,
    parent: Ref<Container>,
) -> Result<Ref<Container>, Errno> {
    let cache = mem[CONTAINER].container_cache;
    let container: Ref<Container> = zalloc(mem, cache)?;
    mem[CONTAINER].last_container += 1;
    mem[CONTAINER].nr_containers += 1;
    mem[container].id = mem[CONTAINER].last_container;
    mem[container].root = root;
    mem[container].parent = parent;
    mem.list_init(children_head(container));
    mem.list_init(container.byte_add(offset_of!(Container, css_sets)));
    mem[root].number_of_containers += 1;
    Ok(container)
}

/// Frees a container that nothing leads to any more.
pub(super) fn free(mem: &mut Mem, container: Ref<Container>) {
    release::forget(mem, container);
    let root = mem[container].root;
    mem[root].number_of_containers -= 1;
    mem[CONTAINER].nr_containers -= 1;
    let cache = mem[CONTAINER].container_cache;
    kmem_cache_free(mem, cache, container);
}

/// Prints a container's path below its hierarchy's root: `/`, `/guests/g1`.
///
/// # Errors
/// Those of `out`.
pub fn path(mem: &Mem, container: Ref<Container>, out: &mut dyn Write) -> fmt::Result {
    let mut way = [Ref::NULL; DEPTH_MAX];
    let mut depth = 0;
    let mut at = container;
    while !mem[at].parent.is_null() && depth < DEPTH_MAX {
        way[depth] = at;
        depth += 1;
        at = mem[at].parent;
    }
    if depth == 0 {
        return out.write_char('/');
    }
    for &at in way[..depth].iter().rev() {
        write!(out, "/{}", mem[mem[at].dentry].name())?;
    }
    Ok(())
}

fn trace(mem: &mut Mem, tracepoint: Tracepoint, args: [u32; 3], result: Result<(), Errno>) {
    let ret = result.err().map_or(0, |errno| -(errno as i64));
    let [root, container, parent] = args.map(u64::from);
    mem.trace(tracepoint, [root, container, parent, ret as u64]);
}

/// Makes a container in the one whose directory is `dir`, and its directory.
///
/// `notify_on_release` is not inherited: 2.6.24 documents that it is, and forgets to.
///
/// # Errors
/// What a subsystem's `create` says; `ENOMEM`; `EINVAL` 64 levels below the hierarchy's root. Nothing is
/// left behind then.
pub(super) fn mkdir(
    mem: &mut Mem,
    dir: Ref<Dentry>,
    name: &str,
    mode: u32,
) -> Result<Ref<Dentry>, Errno> {
    let parent = files::container_of(mem, dir).ok_or(Errno::ENOENT)?;
    let root = mem[parent].root;
    let depth = core::iter::successors(Some(parent), |&at| {
        Some(mem[at].parent).filter(|parent| !parent.is_null())
    });
    if depth.count() >= DEPTH_MAX {
        return Err(Errno::EINVAL);
    }
    let container = alloc(mem, root, parent)?;
    mem.list_add(container.cast(), children_head(parent));
    let made =
        create_states(mem, container).and_then(|()| fs::make_directory(mem, dir, name, mode));
    let args = [mem[root].id, mem[container].id, mem[parent].id];
    trace(mem, Tracepoint::CgroupMkdir, args, made.map(|_| ()));
    match made {
        Ok(dentry) => {
            mem[container].dentry = dentry;
            files::set_container(mem, dentry, container);
            files::populate(mem, container);
            Ok(dentry)
        }
        Err(errno) => {
            destroy_states(mem, container);
            mem.list_del(container.cast());
            free(mem, container);
            Err(errno)
        }
    }
}

/// Has every subsystem make its state.
fn create_states(mem: &mut Mem, container: Ref<Container>) -> Result<(), Errno> {
    for number in mem[mem[container].root].subsystems() {
        let css = subsys::create(mem, number, container)?;
        mem[container].subsys[number] = css;
    }
    Ok(())
}

/// Has every subsystem that made a state free it.
fn destroy_states(mem: &mut Mem, container: Ref<Container>) {
    for number in mem[mem[container].root].subsystems() {
        if !mem[container].subsys[number].is_null() {
            subsys::destroy(mem, number, container);
        }
    }
}

/// Whether tasks or containers are in it.
fn is_busy(mem: &Mem, container: Ref<Container>) -> bool {
    mem[container].count > 0 || !mem.list_is_empty(children_head(container))
}

/// Whether a subsystem holds a reference.
pub(super) fn is_pinned(mem: &Mem, container: Ref<Container>) -> bool {
    let states = mem[container].subsys;
    states
        .iter()
        .any(|&css| !css.is_null() && mem[css].refcnt > 0)
}

/// Removes a container and its directory, whose files go with it. As in 2.6.24 the subsystems'
/// `destroy` is called before the directory goes.
///
/// # Errors
/// `EBUSY` while there are tasks or containers in it, or a subsystem holds it; what a subsystem's
/// `pre_destroy` says.
pub(super) fn rmdir(mem: &mut Mem, dentry: Ref<Dentry>) -> Result<(), Errno> {
    let container = files::container_of(mem, dentry).ok_or(Errno::EPERM)?;
    let Container { parent, root, .. } = mem[container];
    let args = [mem[root].id, mem[container].id, mem[parent].id];
    let result = may_go(mem, container);
    trace(mem, Tracepoint::CgroupRmdir, args, result);
    result?;
    for number in mem[root].subsystems() {
        subsys::destroy(mem, number, container);
    }
    mem[container].flags |= REMOVED;
    mem.list_del(container.cast());
    files::clear(mem, dentry);
    files::set_container(mem, dentry, Ref::NULL);
    fs::remove_entry(mem, dentry);
    free(mem, container);
    mem[parent].flags |= RELEASABLE;
    release::check_for_release(mem, parent);
    Ok(())
}

fn may_go(mem: &mut Mem, container: Ref<Container>) -> Result<(), Errno> {
    if is_busy(mem, container) {
        return Err(Errno::EBUSY);
    }
    for number in mem[mem[container].root].subsystems() {
        subsys::pre_destroy(mem, number, container)?;
    }
    match is_busy(mem, container) || is_pinned(mem, container) {
        true => Err(Errno::EBUSY),
        false => Ok(()),
    }
}

/// Whether a container can still be used by those who hold one of its files open.
///
/// # Errors
/// `ENODEV`.
pub(super) fn alive(mem: &Mem, container: Option<Ref<Container>>) -> Result<Ref<Container>, Errno> {
    container
        .filter(|&container| !is_removed(mem, container))
        .ok_or(Errno::ENODEV)
}
