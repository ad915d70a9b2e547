//! Telling somebody that a container was left (specs 1.10).
//!
//! A container that asks for it (`notify_on_release`) is noticed when its last task has moved or ended
//! and no container is in it, and stands on a list then, once, the newest in front. From there a
//! worker takes them and runs the hierarchy's release agent for each: a program, with the container's
//! path below the hierarchy's root as its argument. What it does about it, mostly `rmdir`, is its own
//! business; if somebody has joined meanwhile that fails, and all is well.

use core::fmt;
use core::mem::offset_of;

use super::hierarchy::{self, AGENT_MAX};
use super::{CONTAINER, Container, ContainerData, NOTIFY_ON_RELEASE, RELEASABLE, is_removed, tree};
use crate::mem::{ListHead, Mem, Ref};
use crate::trace::Tracepoint;

pub(super) fn head() -> Ref<ListHead> {
    CONTAINER.byte_add(offset_of!(ContainerData, release_list))
}

fn link(container: Ref<Container>) -> Ref<ListHead> {
    container.byte_add(offset_of!(Container, release_list))
}

/// What an event says about a container's release.
#[derive(Clone, Copy)]
enum Stage {
    /// It was put on the list.
    Queued = 0,
    /// The worker took it.
    Taken = 1,
}

fn trace(mem: &mut Mem, container: Ref<Container>, stage: Stage) {
    let Container { root, id, .. } = mem[container];
    let args = [mem[root].id, id, stage as u32];
    mem.trace(Tracepoint::CgroupRelease, args.map(u64::from));
}

/// Puts a container on the list if nobody uses it any more and it is to be told.
pub(super) fn check_for_release(mem: &mut Mem, container: Ref<Container>) {
    let Container { flags, count, .. } = mem[container];
    let wanted = NOTIFY_ON_RELEASE | RELEASABLE;
    let is_left = count == 0
        && flags & wanted == wanted
        && !is_removed(mem, container)
        && mem.list_is_empty(tree::children_head(container))
        && !tree::is_pinned(mem, container);
    if is_left && mem[link(container)].next.is_null() {
        mem.list_add(link(container), head());
        trace(mem, container, Stage::Queued);
    }
}

/// Takes a container that is about to go off the list.
pub(super) fn forget(mem: &mut Mem, container: Ref<Container>) {
    if !mem[link(container)].next.is_null() {
        mem.list_del(link(container));
    }
}

/// Takes the next container off the list, for whoever runs its agent.
pub fn next_released(mem: &mut Mem) -> Option<Ref<Container>> {
    let first = mem[head()].next;
    if first == head() {
        return None;
    }
    let container: Ref<Container> = first.byte_sub(offset_of!(Container, release_list));
    forget(mem, container);
    trace(mem, container, Stage::Taken);
    Some(container)
}

/// Prints the path of the agent of a container's hierarchy; nothing if it has none.
///
/// # Errors
/// Those of `out`.
pub fn write_release_agent(
    mem: &Mem,
    container: Ref<Container>,
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    let mut buffer = [0; AGENT_MAX];
    out.write_str(hierarchy::agent(mem, mem[container].root, &mut buffer))
}

/// Containers on the list, the newest first.
pub(super) fn waiting(mem: &Mem) -> impl Iterator<Item = Ref<Container>> + '_ {
    mem.list_iter(head())
        .map(|link| link.byte_sub(offset_of!(Container, release_list)))
}
