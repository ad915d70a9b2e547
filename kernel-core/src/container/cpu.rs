//! `cpu`: how a container's tasks share the CPUs with others (specs 1.14, 4.1).
//!
//! A container is a group of the scheduler. It gets CPU time in proportion to its shares, as tasks do in
//! proportion to the weights of their nice levels, however many tasks are in it; what a group gets its
//! tasks and groups share among themselves. The article's example, guests with 90 and the system with 10
//! of a hundred shares, is two `echo`es.

use bytemuck::{Pod, Zeroable};

use super::subsys::{CPU, free_state, new_state, state};
use super::{Callback, Callbacks, Cftype, Container, ContainerSubsystem, Css, is_root, parse_u64};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};
use crate::task::Task;
use crate::task::sched::{self, TaskGroup};

/// The subsystem.
pub(super) struct CpuSubsystem;

/// What it keeps for a container.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct CpuCgroup {
    /// The container.
    pub css: Css,
    /// The scheduler's group.
    pub group: Ref<TaskGroup>,
    _pad: u32,
}

describe!(CpuCgroup, "cpu_cgroup", [css, group, _pad: Kind::Padding]);

/// A container's group.
fn group_of(mem: &Mem, container: Ref<Container>) -> Ref<TaskGroup> {
    mem[state::<CpuCgroup>(mem, container, CPU)].group
}

impl ContainerSubsystem for CpuSubsystem {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn callbacks(&self) -> Callbacks {
        Callbacks::ALWAYS
            .with(Callback::Attach)
            .with(Callback::Exit)
    }

    fn files(&self) -> &'static [Cftype] {
        &FILES
    }

    fn create(&self, mem: &mut Mem, container: Ref<Container>) -> Result<Ref<Css>, Errno> {
        let cpu: Ref<CpuCgroup> = new_state(mem)?;
        let group = match mem[container].parent {
            parent if parent.is_null() => Ok(sched::ROOT_GROUP),
            parent => {
                let above = group_of(mem, parent);
                sched::sched_create_group(mem, above)
            }
        };
        match group {
            Ok(group) => {
                mem[cpu].group = group;
                Ok(cpu.cast())
            }
            Err(errno) => {
                crate::slab::kfree(mem, cpu.cast());
                Err(errno)
            }
        }
    }

    fn destroy(&self, mem: &mut Mem, container: Ref<Container>) {
        let group = group_of(mem, container);
        sched::sched_destroy_group(mem, group);
        free_state(mem, container, CPU);
    }

    fn attach(&self, mem: &mut Mem, new: Ref<Container>, _: Ref<Container>, task: Ref<Task>) {
        let group = group_of(mem, new);
        sched::sched_move_task(mem, task, group);
    }

    /// Who is dead holds no group.
    fn exit(&self, mem: &mut Mem, task: Ref<Task>) {
        sched::sched_move_task(mem, task, sched::ROOT_GROUP);
    }

    fn check(&self, mem: &Mem, container: Ref<Container>) -> Result<(), &'static str> {
        match is_root(mem, container) == (group_of(mem, container) == sched::ROOT_GROUP) {
            true => Ok(()),
            false => Err("cpu: a container has the group of all tasks"),
        }
    }
}

static FILES: [Cftype; 1] = [Cftype::new(
    "shares",
    Some(|mem, container, out| {
        let shares = mem[group_of(mem, container)].shares;
        writeln!(out, "{shares}")
    }),
    Some(|mem, container, bytes| {
        let shares = parse_u64(bytes)?;
        let group = group_of(mem, container);
        sched::sched_group_set_shares(mem, group, shares)
    }),
)];
