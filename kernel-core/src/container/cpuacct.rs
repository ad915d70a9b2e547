//! `cpuacct`: counts the CPU time of a container's tasks, and limits nothing.
//!
//! As since 2.6.30 a container's time counts in those above it as well, so that a server's *guests* show
//! what all their guests have used.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::subsys::{CPUACCT, free_state, new_state, state};
use super::{Callbacks, Cftype, Container, ContainerSubsystem, Css, CssSet, parse_u64, task_css};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{MAX_CPUS, MEM, Mem, Ref};
use crate::task::Task;

/// The subsystem.
pub(super) struct CpuacctSubsystem;

/// What it keeps for a container (`struct cpuacct`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Cpuacct {
    /// The container.
    pub css: Css,
    /// That of the container above, which counts the same time; NULL for the topmost.
    pub parent: Ref<Cpuacct>,
    _pad: u32,
    /// Time on each CPU, in nanoseconds.
    pub usage: [u64; MAX_CPUS],
}

describe!(
    Cpuacct,
    "cpuacct",
    [css, parent, _pad: Kind::Padding, usage]
);

fn cpuacct_of(mem: &Mem, container: Ref<Container>) -> Ref<Cpuacct> {
    state(mem, container, CPUACCT)
}

/// A task has run for `ns` nanoseconds on a CPU.
pub fn charge(mem: &mut Mem, task: Ref<Task>, cpu: u32, ns: u64) {
    let mut at: Ref<Cpuacct> = task_css(mem, task, CPUACCT).cast();
    while !at.is_null() {
        let cpuacct = &mut mem[at];
        cpuacct.usage[cpu as usize] += ns;
        at = cpuacct.parent;
    }
}

/// A task will run soon, and is to be charged then.
pub fn expect(mem: &Mem, task: Ref<Task>) {
    let set = mem[task].css_set;
    mem.prefetch(set.byte_add::<Ref<Css>>(offset_of!(CssSet, subsys)));
}

/// The same when what [`expect`] has asked for is there.
pub fn expect_charge(mem: &Mem, task: Ref<Task>) {
    let cpuacct: Ref<Cpuacct> = task_css(mem, task, CPUACCT).cast();
    mem.prefetch(cpuacct);
}

impl ContainerSubsystem for CpuacctSubsystem {
    fn name(&self) -> &'static str {
        "cpuacct"
    }

    fn callbacks(&self) -> Callbacks {
        Callbacks::ALWAYS
    }

    fn files(&self) -> &'static [Cftype] {
        &FILES
    }

    fn create(&self, mem: &mut Mem, container: Ref<Container>) -> Result<Ref<Css>, Errno> {
        let cpuacct: Ref<Cpuacct> = new_state(mem)?;
        let parent = mem[container].parent;
        if !parent.is_null() {
            mem[cpuacct].parent = cpuacct_of(mem, parent);
        }
        Ok(cpuacct.cast())
    }

    fn destroy(&self, mem: &mut Mem, container: Ref<Container>) {
        free_state(mem, container, CPUACCT);
    }
}

static FILES: [Cftype; 2] = [
    Cftype::new(
        "usage",
        Some(|mem, container, out| {
            let usage: u64 = mem[cpuacct_of(mem, container)].usage.iter().sum();
            writeln!(out, "{usage}")
        }),
        // Nothing but 0 can be written: it begins anew.
        Some(|mem, container, bytes| {
            if parse_u64(bytes)? != 0 {
                return Err(Errno::EINVAL);
            }
            let cpuacct = cpuacct_of(mem, container);
            mem[cpuacct].usage = [0; MAX_CPUS];
            Ok(())
        }),
    ),
    Cftype::new(
        "usage_percpu",
        Some(|mem, container, out| {
            let usage = mem[cpuacct_of(mem, container)].usage;
            let cpus = mem[MEM].nr_cpus as usize;
            for usage in &usage[..cpus] {
                write!(out, "{usage} ")?;
            }
            out.write_char('\n')
        }),
        None,
    ),
];
