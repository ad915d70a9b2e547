//! `cpuset`: which CPUs and which memory nodes a container's tasks may use (specs 1.14).
//!
//! A new set is empty, so that nobody can join before somebody has said what there is: that is the
//! error every user of cpusets meets first (`ENOSPC`). A set is a part of its parent's; an *exclusive*
//! one shares nothing with its siblings. The topmost one has all there is, and cannot be changed.
//!
//! `memory_migrate`, `sched_load_balance` and the two `memory_spread` flags are kept and shown; what they
//! ask for this kernel does not do yet. As in 2.6.24 a change of `cpus` reaches the tasks at once (the
//! patches of May 2007 waited until a task was attached again).

use core::fmt::{self, Write};

use bytemuck::{Pod, Zeroable};

use super::files::Place;
use super::subsys::{CPUSET, free_state, new_state, state};
use super::{
    Callback, Callbacks, Cftype, Container, ContainerSubsystem, Css, children, files, is_root, tree,
};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{MAX_CPUS, MAX_NODES, MEM, Mem, Ref};
use crate::oom::weights;
use crate::task::{TASK, Task, sched, time::NSEC_PER_SEC};

/// The subsystem.
pub(super) struct CpusetSubsystem;

/// What it keeps for a container (`struct cpuset`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Cpuset {
    /// The container.
    pub css: Css,
    /// CPUs, a bit each.
    pub cpus: u32,
    /// Memory nodes, a bit each.
    pub mems: u32,
    /// [`Flag`]s.
    pub flags: u32,
    /// Events of memory pressure since the rate was last worked out, in thousandths.
    pressure_count: u32,
    /// Their rate a second, in thousandths.
    pressure: u32,
    /// When that was, in seconds since boot.
    pressure_time: u32,
}

describe!(
    Cpuset,
    "cpuset",
    [
        css,
        cpus: Kind::Hex,
        mems: Kind::Hex,
        flags: Kind::Hex,
        pressure_count,
        pressure,
        pressure_time,
    ]
);

/// A set's properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Flag {
    /// Siblings share none of its CPUs.
    CpuExclusive = 1,
    /// Siblings share none of its nodes.
    MemExclusive = 2,
    /// Pages move along when nodes change.
    MemoryMigrate = 4,
    /// The scheduler balances its tasks over its CPUs.
    SchedLoadBalance = 8,
    /// Pages of files are spread over its nodes.
    SpreadPage = 16,
    /// So are slabs.
    SpreadSlab = 32,
    /// In the topmost set: pressure is counted at all.
    PressureEnabled = 64,
}

impl Cpuset {
    /// Whether a flag is set.
    pub fn has(&self, flag: Flag) -> bool {
        self.flags & flag as u32 != 0
    }

    /// Whether it is a part of `other`, as a child must be of its parent.
    fn is_part_of(&self, other: &Cpuset) -> bool {
        let exclusive = Flag::CpuExclusive as u32 | Flag::MemExclusive as u32;
        self.cpus & !other.cpus == 0
            && self.mems & !other.mems == 0
            && self.flags & exclusive & !other.flags == 0
    }
}

/// A container's set.
fn set_of(mem: &Mem, container: Ref<Container>) -> Ref<Cpuset> {
    state(mem, container, CPUSET)
}

fn online_cpus(mem: &Mem) -> u32 {
    (1 << mem[MEM].nr_cpus) - 1
}

fn online_nodes(mem: &Mem) -> u32 {
    (1 << mem[MEM].nr_nodes) - 1
}

impl ContainerSubsystem for CpusetSubsystem {
    fn name(&self) -> &'static str {
        "cpuset"
    }

    fn callbacks(&self) -> Callbacks {
        Callbacks::ALWAYS
            .with(Callback::CanAttach)
            .with(Callback::Attach)
            .with(Callback::PostClone)
    }

    fn has_own_prefix(&self) -> bool {
        false
    }

    fn files(&self) -> &'static [Cftype] {
        &FILES
    }

    fn create(&self, mem: &mut Mem, container: Ref<Container>) -> Result<Ref<Css>, Errno> {
        let set: Ref<Cpuset> = new_state(mem)?;
        let mut flags = Flag::SchedLoadBalance as u32;
        match mem[container].parent {
            parent if parent.is_null() => {
                mem[set].cpus = online_cpus(mem);
                mem[set].mems = online_nodes(mem);
                flags |= Flag::CpuExclusive as u32 | Flag::MemExclusive as u32;
            }
            parent => {
                let spread = Flag::SpreadPage as u32 | Flag::SpreadSlab as u32;
                flags |= mem[set_of(mem, parent)].flags & spread;
            }
        }
        mem[set].flags = flags;
        Ok(set.cast())
    }

    fn destroy(&self, mem: &mut Mem, container: Ref<Container>) {
        free_state(mem, container, CPUSET);
    }

    fn can_attach(
        &self,
        mem: &mut Mem,
        container: Ref<Container>,
        _: Ref<Task>,
    ) -> Result<(), Errno> {
        let Cpuset { cpus, mems, .. } = mem[set_of(mem, container)];
        match cpus == 0 || mems == 0 {
            true => Err(Errno::ENOSPC),
            false => Ok(()),
        }
    }

    fn attach(&self, mem: &mut Mem, new: Ref<Container>, _: Ref<Container>, task: Ref<Task>) {
        let Cpuset { cpus, mems, .. } = mem[set_of(mem, new)];
        set_cpus(mem, task, cpus);
        mem[task].mems_allowed = mems;
        weights::refresh_traits(mem, task);
    }

    /// A container that a task was given has what its parent has, unless a sibling wants some of that for
    /// itself.
    fn post_clone(&self, mem: &mut Mem, container: Ref<Container>) {
        let parent = mem[container].parent;
        let exclusive = Flag::CpuExclusive as u32 | Flag::MemExclusive as u32;
        if children(mem, parent).any(|child| mem[set_of(mem, child)].flags & exclusive != 0) {
            return;
        }
        let Cpuset { cpus, mems, .. } = mem[set_of(mem, parent)];
        let set = set_of(mem, container);
        mem[set].cpus = cpus;
        mem[set].mems = mems;
    }

    fn check(&self, mem: &Mem, container: Ref<Container>) -> Result<(), &'static str> {
        let set = &mem[set_of(mem, container)];
        if set.cpus & !online_cpus(mem) != 0 || set.mems & !online_nodes(mem) != 0 {
            return Err("cpuset: a set has CPUs or nodes that do not exist");
        }
        let is_used = mem[container].count > 0 && tree::tasks(mem, container).next().is_some();
        if is_used && (set.cpus == 0 || set.mems == 0) {
            return Err("cpuset: tasks are in a set without CPUs or nodes");
        }
        let parent = mem[container].parent;
        if !parent.is_null() && !set.is_part_of(&mem[set_of(mem, parent)]) {
            return Err("cpuset: a set is no part of its parent's");
        }
        Ok(())
    }
}

/// Says on which CPUs a task may run.
fn set_cpus(mem: &mut Mem, task: Ref<Task>, cpus: u32) {
    // The shell may be bound to its CPU at this moment; that is no reason to refuse.
    let _ = sched::set_cpus_allowed(mem, task, cpus);
}

static FILES: [Cftype; 10] = [
    Cftype::new(
        "cpus",
        Some(|mem, container, out| {
            let cpus = mem[set_of(mem, container)].cpus;
            write_list(out, cpus)
        }),
        Some(|mem, container, bytes| write_mask(mem, container, bytes, Mask::Cpus)),
    ),
    Cftype::new(
        "mems",
        Some(|mem, container, out| {
            let mems = mem[set_of(mem, container)].mems;
            write_list(out, mems)
        }),
        Some(|mem, container, bytes| write_mask(mem, container, bytes, Mask::Mems)),
    ),
    Cftype::new(
        "cpu_exclusive",
        Some(|mem, container, out| read_flag(mem, container, out, Flag::CpuExclusive)),
        Some(|mem, container, bytes| write_flag(mem, container, bytes, Flag::CpuExclusive)),
    ),
    Cftype::new(
        "mem_exclusive",
        Some(|mem, container, out| read_flag(mem, container, out, Flag::MemExclusive)),
        Some(|mem, container, bytes| write_flag(mem, container, bytes, Flag::MemExclusive)),
    ),
    Cftype::new(
        "memory_migrate",
        Some(|mem, container, out| read_flag(mem, container, out, Flag::MemoryMigrate)),
        Some(|mem, container, bytes| write_flag(mem, container, bytes, Flag::MemoryMigrate)),
    ),
    Cftype::new(
        "sched_load_balance",
        Some(|mem, container, out| read_flag(mem, container, out, Flag::SchedLoadBalance)),
        Some(|mem, container, bytes| write_flag(mem, container, bytes, Flag::SchedLoadBalance)),
    ),
    Cftype::new(
        "memory_pressure",
        Some(|mem, container, out| {
            let set = set_of(mem, container);
            update_pressure(mem, set);
            writeln!(out, "{}", mem[set].pressure)
        }),
        Some(|_, _, _| Err(Errno::EACCES)),
    ),
    Cftype::new(
        "memory_spread_page",
        Some(|mem, container, out| read_flag(mem, container, out, Flag::SpreadPage)),
        Some(|mem, container, bytes| write_flag(mem, container, bytes, Flag::SpreadPage)),
    ),
    Cftype::new(
        "memory_spread_slab",
        Some(|mem, container, out| read_flag(mem, container, out, Flag::SpreadSlab)),
        Some(|mem, container, bytes| write_flag(mem, container, bytes, Flag::SpreadSlab)),
    ),
    Cftype::new(
        "memory_pressure_enabled",
        Some(|mem, container, out| read_flag(mem, container, out, Flag::PressureEnabled)),
        Some(|mem, container, bytes| {
            set_flag(
                mem,
                container,
                Flag::PressureEnabled,
                files::parse_flag(bytes),
            );
            Ok(())
        }),
    )
    .only(Place::Top),
];

/// Prints numbers as the kernel lists them: `0-3,7`, and a newline.
///
/// # Errors
/// Those of `out`.
pub fn write_list(out: &mut dyn Write, bits: u32) -> fmt::Result {
    write_bits(out, bits)?;
    out.write_char('\n')
}

/// The same without the newline.
pub(crate) fn write_bits(out: &mut dyn Write, bits: u32) -> fmt::Result {
    let mut comma = "";
    let mut rest = bits;
    while rest != 0 {
        let first = rest.trailing_zeros();
        let length = (rest >> first).trailing_ones();
        write!(out, "{comma}{first}")?;
        if length > 1 {
            write!(out, "-{}", first + length - 1)?;
        }
        rest &= u32::MAX.checked_shl(first + length).unwrap_or(0);
        comma = ",";
    }
    Ok(())
}

/// Reads such a list, as `bitmap_parselist` does.
///
/// # Errors
/// `EINVAL` for anything else, `ERANGE` for a number of `limit` or more.
pub(crate) fn parse_list(text: &[u8], limit: u32) -> Result<u32, Errno> {
    let mut at = 0;
    let number = |at: &mut usize| {
        let digits = text[*at..].iter().take_while(|byte| byte.is_ascii_digit());
        let mut value = None;
        for digit in digits {
            let next = value.unwrap_or(0u32).saturating_mul(10);
            value = Some(next.saturating_add(u32::from(digit - b'0')));
            *at += 1;
        }
        value.ok_or(Errno::EINVAL)
    };
    let mut bits = 0;
    while at < text.len() {
        let first = number(&mut at)?;
        let mut last = first;
        if text.get(at) == Some(&b'-') {
            at += 1;
            last = number(&mut at)?;
        }
        if first > last {
            return Err(Errno::EINVAL);
        }
        if last >= limit {
            return Err(Errno::ERANGE);
        }
        for number in first..=last {
            bits |= 1 << number;
        }
        if text.get(at) == Some(&b',') {
            at += 1;
        }
    }
    Ok(bits)
}

/// Which of a set's masks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mask {
    Cpus,
    Mems,
}

/// Text of this length or more is too long: 100 bytes and 6 a CPU or node.
const LIST_MAX: usize = 100
    + 6 * if MAX_CPUS > MAX_NODES {
        MAX_CPUS
    } else {
        MAX_NODES
    };

fn write_mask(
    mem: &mut Mem,
    container: Ref<Container>,
    bytes: &[u8],
    mask: Mask,
) -> Result<(), Errno> {
    if bytes.len() > LIST_MAX {
        return Err(Errno::E2BIG);
    }
    if is_root(mem, container) {
        return Err(Errno::EACCES);
    }
    let text = bytes.trim_ascii();
    let set = set_of(mem, container);
    let mut trial = mem[set];
    match mask {
        Mask::Cpus => trial.cpus = parse_list(text, MAX_CPUS as u32)? & online_cpus(mem),
        Mask::Mems => trial.mems = parse_list(text, MAX_NODES as u32)? & online_nodes(mem),
    }
    validate(mem, container, &trial)?;
    mem[set] = trial;
    tree::for_each_task(mem, container, |mem, task| match mask {
        Mask::Cpus => set_cpus(mem, task, trial.cpus),
        Mask::Mems => {
            mem[task].mems_allowed = trial.mems;
            weights::refresh_traits(mem, task);
        }
    });
    Ok(())
}

/// Whether a container's set may become `trial` (`validate_change`).
///
/// # Errors
/// In this order: `EBUSY` if a child would no longer be a part of it; `EACCES` if it would be no part of
/// its parent's; `EINVAL` if it would share with a sibling what one of them has for itself; `ENOSPC` if
/// there are tasks in it and it would have no CPUs or no nodes.
fn validate(mem: &Mem, container: Ref<Container>, trial: &Cpuset) -> Result<(), Errno> {
    let mut below = children(mem, container);
    if below.any(|child| !mem[set_of(mem, child)].is_part_of(trial)) {
        return Err(Errno::EBUSY);
    }
    if is_root(mem, container) {
        return Ok(());
    }
    let parent = mem[container].parent;
    if !trial.is_part_of(&mem[set_of(mem, parent)]) {
        return Err(Errno::EACCES);
    }
    for sibling in children(mem, parent).filter(|&sibling| sibling != container) {
        let other = &mem[set_of(mem, sibling)];
        let clash = |flag, common: u32| (trial.has(flag) || other.has(flag)) && common != 0;
        if clash(Flag::CpuExclusive, trial.cpus & other.cpus)
            || clash(Flag::MemExclusive, trial.mems & other.mems)
        {
            return Err(Errno::EINVAL);
        }
    }
    let is_used = tree::tasks(mem, container).next().is_some();
    match is_used && (trial.cpus == 0 || trial.mems == 0) {
        true => Err(Errno::ENOSPC),
        false => Ok(()),
    }
}

fn read_flag(mem: &Mem, container: Ref<Container>, out: &mut dyn Write, flag: Flag) -> fmt::Result {
    let is_set = mem[set_of(mem, container)].has(flag);
    writeln!(out, "{}", u32::from(is_set))
}

fn set_flag(mem: &mut Mem, container: Ref<Container>, flag: Flag, on: bool) {
    let set = set_of(mem, container);
    match on {
        true => mem[set].flags |= flag as u32,
        false => mem[set].flags &= !(flag as u32),
    }
}

fn write_flag(
    mem: &mut Mem,
    container: Ref<Container>,
    bytes: &[u8],
    flag: Flag,
) -> Result<(), Errno> {
    let on = files::parse_flag(bytes);
    let mut trial = mem[set_of(mem, container)];
    match on {
        true => trial.flags |= flag as u32,
        false => trial.flags &= !(flag as u32),
    }
    validate(mem, container, &trial)?;
    set_flag(mem, container, flag, on);
    Ok(())
}

/// Seconds that a rate is carried forward at most.
const PRESSURE_TICKS_MAX: u32 = 99;
/// What is left of a rate after a second, in thousandths: half of it after ten.
const PRESSURE_DECAY: u32 = 933;
/// An event counts so much.
const PRESSURE_SCALE: u32 = 1000;
/// No more than so much counts in a second.
const PRESSURE_COUNT_MAX: u32 = 1_000_000;

/// Brings a set's rate up to date (`fmeter_update`).
fn update_pressure(mem: &mut Mem, set: Ref<Cpuset>) {
    let now = (mem[TASK].now / NSEC_PER_SEC) as u32;
    let set = &mut mem[set];
    let ticks = now.saturating_sub(set.pressure_time);
    if ticks == 0 {
        return;
    }
    for _ in 0..ticks.min(PRESSURE_TICKS_MAX) {
        set.pressure = (u64::from(set.pressure) * u64::from(PRESSURE_DECAY) / 1000) as u32;
    }
    set.pressure_time = now;
    let fresh = u64::from(1000 - PRESSURE_DECAY) * u64::from(set.pressure_count);
    set.pressure += (fresh / 1000) as u32;
    set.pressure_count = 0;
}

/// A task had to look for memory itself: its set is under pressure
/// (`cpuset_memory_pressure_bump`). Whoever reclaims calls this.
pub fn memory_pressure_bump(mem: &mut Mem, task: Ref<Task>) {
    let set: Ref<Cpuset> = super::task_css(mem, task, CPUSET).cast();
    let top = mem[super::root_of(mem, CPUSET)].top;
    if !mem[set_of(mem, top)].has(Flag::PressureEnabled) {
        return;
    }
    update_pressure(mem, set);
    let count = mem[set].pressure_count + PRESSURE_SCALE;
    mem[set].pressure_count = count.min(PRESSURE_COUNT_MAX);
}

/// The CPUs that a task's set lets it have, a bit each (`cpuset_cpus_allowed`).
pub(crate) fn cpus_allowed(mem: &Mem, task: Ref<Task>) -> u32 {
    let set: Ref<Cpuset> = super::task_css(mem, task, CPUSET).cast();
    match mem[set].cpus & online_cpus(mem) {
        0 => online_cpus(mem),
        cpus => cpus,
    }
}

/// The container of a task's set.
pub(crate) fn container_of(mem: &Mem, task: Ref<Task>) -> Ref<Container> {
    mem[super::task_css(mem, task, CPUSET)].container
}

/// Prints the path of a task's set: `/proc/<pid>/cpuset`.
pub(crate) fn show_path(mem: &Mem, task: Ref<Task>, out: &mut dyn Write) -> fmt::Result {
    tree::path(mem, container_of(mem, task), out)?;
    out.write_char('\n')
}
