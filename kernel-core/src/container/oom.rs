//! `oom`: in which order tasks die when memory runs out (specs/memory.md 5.2; Nikanth Karthikesan,
//! January 2009), and who is told before (5.4; David Rientjes' notifier).
//!
//! A group has a number, `oom.priority`: the killer takes a task of the highest one, and none of those
//! with 0. A new group starts with 1, whatever its parent has; children of a task are where it is, so
//! they have its priority. Binding the subsystem to a hierarchy selects the policy `priority`, unbinding it
//! the kernel's own; `/proc/sys/vm/oom_policy` may select another at any time.
//!
//! Whoever opens `oom.notify` and polls it is woken when a task of the group, or of one below it that
//! nobody listens for, gets no page; he has `oom.delay` milliseconds before anybody is killed for it
//! ([`crate::oom::listeners`]). The prototypes' names of these files are not known; these are ours.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::subsys::{OOM, free_state, new_state, state};
use super::{
    CONTAINER, Callback, Callbacks, Cftype, Container, ContainerSubsystem, Css, files, is_root,
    parse_u64, task_css,
};
use crate::btf::describe;
use crate::errno::Errno;
use crate::mem::{Mem, Ref};
use crate::oom::listeners::Grace;
use crate::oom::policy;
use crate::task::Task;
use crate::task::wait::{self, WaitQueue};

/// The subsystem.
pub(super) struct OomSubsystem;

/// What it keeps for a container (`struct oom_cgroup`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct OomCgroup {
    /// The container.
    pub css: Css,
    /// The higher, the earlier its tasks are killed; 0 is never.
    pub priority: u64,
    /// Who waits for [`OomCgroup::events`] to change.
    pub listeners: WaitQueue,
    /// How often its tasks ran out of memory while somebody listened.
    pub events: u32,
    /// Milliseconds that listeners have before somebody is killed.
    pub delay_ms: u32,
    /// How much of it is left.
    pub grace: Grace,
}

describe!(
    OomCgroup,
    "oom_cgroup",
    [css, priority, listeners, events, delay_ms, grace]
);

/// The priority of a new group.
pub const DEFAULT_PRIORITY: u64 = 1;
/// Time that listeners of a new group have, in milliseconds.
pub const DEFAULT_DELAY_MS: u32 = 100;
/// More than that nobody may have: a minute.
pub const DELAY_MAX_MS: u32 = 60_000;

/// What the subsystem keeps for a container.
pub fn oom_of(mem: &Mem, container: Ref<Container>) -> Ref<OomCgroup> {
    state(mem, container, OOM)
}

/// What it keeps for the container that a task is in.
pub fn oom_of_task(mem: &Mem, task: Ref<Task>) -> Ref<OomCgroup> {
    task_css(mem, task, OOM).cast()
}

/// A task's `oom.priority`.
#[inline]
pub fn priority(mem: &Mem, task: Ref<Task>) -> u64 {
    mem[oom_of_task(mem, task)].priority
}

/// Where those sleep who wait for a group's events.
pub fn listeners(group: Ref<OomCgroup>) -> Ref<WaitQueue> {
    group.byte_add(offset_of!(OomCgroup, listeners))
}

/// Whether somebody has a container's `oom.notify` open.
pub fn has_listeners(mem: &Mem, container: Ref<Container>) -> bool {
    files::is_open(mem, container, OOM, NOTIFY_ROW)
}

impl ContainerSubsystem for OomSubsystem {
    fn name(&self) -> &'static str {
        "oom"
    }

    fn callbacks(&self) -> Callbacks {
        Callbacks::ALWAYS.with(Callback::Bind)
    }

    fn files(&self) -> &'static [Cftype] {
        &FILES
    }

    fn create(&self, mem: &mut Mem, _: Ref<Container>) -> Result<Ref<Css>, Errno> {
        let group: Ref<OomCgroup> = new_state(mem)?;
        mem[group].priority = DEFAULT_PRIORITY;
        mem[group].delay_ms = DEFAULT_DELAY_MS;
        WaitQueue::init(mem, listeners(group));
        Ok(group.cast())
    }

    /// A hierarchy with priorities is there to be followed. Who waits here finds other files, or none.
    fn bind(&self, mem: &mut Mem, top: Ref<Container>) {
        let is_dummy = mem[top].root == mem[CONTAINER].dummy;
        let name = match is_dummy {
            true => policy::BADNESS_NAME,
            false => policy::PRIORITY_NAME,
        };
        policy::select_named(mem, name);
        wait::wake_up_all(mem, listeners(oom_of(mem, top)));
    }

    /// Who still waits finds that the group is gone.
    fn destroy(&self, mem: &mut Mem, container: Ref<Container>) {
        wait::wake_up_all(mem, listeners(oom_of(mem, container)));
        free_state(mem, container, OOM);
    }

    fn check(&self, mem: &Mem, container: Ref<Container>) -> Result<(), &'static str> {
        let group = oom_of(mem, container);
        let OomCgroup {
            delay_ms,
            grace,
            events,
            ..
        } = mem[group];
        if !mem.list_is_sound(listeners(group).cast(), mem.frames() * 64) {
            return Err("oom: a group's list of listeners is broken");
        }
        if delay_ms > DELAY_MAX_MS || (events == 0 && grace.notices > 0) {
            return Err("oom: a group waits for nobody");
        }
        let is_hidden = is_root(mem, container) && mem[container].dentry.is_null();
        match is_hidden && wait::sleepers(mem, listeners(group)).next().is_some() {
            true => Err("oom: somebody waits for a group that nobody can open"),
            false => Ok(()),
        }
    }
}

/// The row of `notify` in [`FILES`].
const NOTIFY_ROW: u32 = 1;

static FILES: [Cftype; 3] = [
    Cftype::new(
        "priority",
        Some(|mem, container, out| {
            let priority = mem[oom_of(mem, container)].priority;
            writeln!(out, "{priority}")
        }),
        Some(|mem, container, bytes| {
            let priority = parse_u64(bytes)?;
            let group = oom_of(mem, container);
            mem[group].priority = priority;
            Ok(())
        }),
    ),
    Cftype::new(
        "notify",
        Some(|mem, container, out| {
            let events = mem[oom_of(mem, container)].events;
            writeln!(out, "{events}")
        }),
        None,
    )
    .pollable(|mem, container| {
        let group = oom_of(mem, container);
        (listeners(group), mem[group].events)
    }),
    Cftype::new(
        "delay",
        Some(|mem, container, out| {
            let delay = mem[oom_of(mem, container)].delay_ms;
            writeln!(out, "{delay}")
        }),
        Some(|mem, container, bytes| {
            let delay = u32::try_from(parse_u64(bytes)?).map_err(|_| Errno::EINVAL)?;
            if delay > DELAY_MAX_MS {
                return Err(Errno::EINVAL);
            }
            let group = oom_of(mem, container);
            mem[group].delay_ms = delay;
            Ok(())
        }),
    ),
];
