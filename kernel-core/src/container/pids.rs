//! `pids`: how many tasks there may be in a container and those below it.
//!
//! Kernels of the era have no such limit; this one is 4.3's. A fork that would exceed the limit of the
//! container, or of one above it, is refused with `EAGAIN`. Joining is never refused, so there may be more
//! tasks than the limit says; they then have no children until others have gone. The topmost container has
//! no limit.

use bytemuck::{Pod, Zeroable};

use super::files::Place;
use super::subsys::{PIDS, free_state, new_state, state};
use super::{
    Callback, Callbacks, Cftype, Container, ContainerSubsystem, Css, children, parse_u64, tree,
};
use crate::btf::describe;
use crate::errno::Errno;
use crate::mem::{Mem, Ref};
use crate::task::Task;
use crate::trace::Tracepoint;

/// The subsystem.
pub(super) struct PidsSubsystem;

/// What it keeps for a container.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Pids {
    /// The container.
    pub css: Css,
    /// Tasks in it and in those below.
    pub current: u32,
    /// At most so many, or [`NO_LIMIT`].
    pub max: u32,
}

describe!(Pids, "pids_cgroup", [css, current, max]);

/// No limit.
pub const NO_LIMIT: u32 = u32::MAX;

fn pids_of(mem: &Mem, container: Ref<Container>) -> Ref<Pids> {
    state(mem, container, PIDS)
}

/// A container and those above it.
fn upwards(mem: &Mem, container: Ref<Container>) -> impl Iterator<Item = Ref<Container>> + '_ {
    core::iter::successors(Some(container), |&at| {
        Some(mem[at].parent).filter(|parent| !parent.is_null())
    })
}

/// Counts a task more in a container and those above it, or one less.
fn count(mem: &mut Mem, container: Ref<Container>, more: bool) {
    let mut at = container;
    while !at.is_null() {
        let pids = pids_of(mem, at);
        match more {
            true => mem[pids].current += 1,
            false => mem[pids].current -= 1,
        }
        at = mem[at].parent;
    }
}

/// The container that a task is in.
fn container_of(mem: &Mem, task: Ref<Task>) -> Ref<Container> {
    mem[super::task_css(mem, task, PIDS)].container
}

impl ContainerSubsystem for PidsSubsystem {
    fn name(&self) -> &'static str {
        "pids"
    }

    fn callbacks(&self) -> Callbacks {
        Callbacks::ALWAYS
            .with(Callback::Attach)
            .with(Callback::CanFork)
            .with(Callback::Fork)
            .with(Callback::Exit)
    }

    fn files(&self) -> &'static [Cftype] {
        &FILES
    }

    fn create(&self, mem: &mut Mem, _: Ref<Container>) -> Result<Ref<Css>, Errno> {
        let pids: Ref<Pids> = new_state(mem)?;
        mem[pids].max = NO_LIMIT;
        Ok(pids.cast())
    }

    fn destroy(&self, mem: &mut Mem, container: Ref<Container>) {
        free_state(mem, container, PIDS);
    }

    fn attach(&self, mem: &mut Mem, new: Ref<Container>, old: Ref<Container>, _: Ref<Task>) {
        count(mem, new, true);
        count(mem, old, false);
    }

    fn can_fork(&self, mem: &mut Mem, child: Ref<Task>) -> Result<(), Errno> {
        let full = upwards(mem, container_of(mem, child)).find(|&at| {
            let Pids { current, max, .. } = mem[pids_of(mem, at)];
            current >= max
        });
        let Some(full) = full else {
            return Ok(());
        };
        let Pids { current, max, .. } = mem[pids_of(mem, full)];
        let args = [PIDS as u32, mem[full].id, mem[child].pid, 1, current, max];
        mem.trace(Tracepoint::CgroupLimit, args.map(u64::from));
        Err(Errno::EAGAIN)
    }

    fn fork(&self, mem: &mut Mem, child: Ref<Task>) {
        let container = container_of(mem, child);
        count(mem, container, true);
    }

    fn exit(&self, mem: &mut Mem, task: Ref<Task>) {
        let container = container_of(mem, task);
        count(mem, container, false);
    }

    fn check(&self, mem: &Mem, container: Ref<Container>) -> Result<(), &'static str> {
        let below: u32 = children(mem, container)
            .map(|child| mem[pids_of(mem, child)].current)
            .sum();
        let here = tree::tasks(mem, container).count() as u32;
        match mem[pids_of(mem, container)].current == below + here {
            true => Ok(()),
            false => Err("pids: a container has lost count of its tasks"),
        }
    }
}

static FILES: [Cftype; 2] = [
    Cftype::new(
        "current",
        Some(|mem, container, out| {
            let current = mem[pids_of(mem, container)].current;
            writeln!(out, "{current}")
        }),
        None,
    ),
    Cftype::new(
        "max",
        Some(
            |mem, container, out| match mem[pids_of(mem, container)].max {
                NO_LIMIT => out.write_str("max\n"),
                max => writeln!(out, "{max}"),
            },
        ),
        Some(|mem, container, bytes| {
            let max = match bytes.trim_ascii() {
                b"max" => NO_LIMIT,
                _ => u32::try_from(parse_u64(bytes)?).map_err(|_| Errno::EINVAL)?,
            };
            let pids = pids_of(mem, container);
            mem[pids].max = max;
            Ok(())
        }),
    )
    .only(Place::BelowTop),
];
