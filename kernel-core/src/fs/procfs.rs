//! `/proc`: the kernel's state as text, in the formats of 2.6.16 to 2.6.24.
//!
//! A new file is a row of [`FILES`] and the function it names.

use core::fmt::{self, Write};

use super::generated::{self, Entry, Generated, Shown, Stop, file, module, parse_number};
use super::{FS, Mount, fortune, mount, namei, proc_vm, shrink};
use crate::container;
use crate::errno::Errno;
use crate::mem::reclaim::sysctl::Knob;
use crate::mem::{MEM, Mem, Ref, reclaim};
use crate::oom::sysctl::{self, Switch};
use crate::oom::victim;
use crate::slab::{self, Allocator, KmemCache, queued};
use crate::task::sched::proc::{self as sched, Tunable};
use crate::task::{TASK, pid};

/// The file system of `/proc`.
pub(super) static PROCFS: Generated = Generated {
    name: "proc",
    files: &FILES,
    populate,
    families: &super::proc_pid::FAMILIES,
};

/// What is in `/proc`. A file's functions are given the number of its row.
static FILES: [Entry; 38] = [
    file("buddyinfo", buddyinfo, None),
    file("cgroups", containers, None),
    // As the patches of May 2007 called it.
    file("containers", containers, None),
    file("filesystems", filesystems, None),
    module("fortune", &fortune::FORTUNE),
    file("loadavg", loadavg, None),
    file("meminfo", proc_vm::meminfo, None),
    file("mounts", mounts, None),
    file("schedstat", schedstat, None),
    file("slabinfo", slabinfo, Some(set_slabinfo)),
    file("stat", stat, None),
    file("swaps", proc_vm::swaps, None),
    file("sys/fs/dentry-state", dentry_state, None),
    file("sys/fs/file-max", file_max, None),
    file("sys/fs/file-nr", file_nr, None),
    file("sys/fs/inode-nr", inode_nr, None),
    file("sys/fs/inode-state", inode_state, None),
    file("sys/kernel/pid_max", pid_max, Some(set_pid_max)),
    tunable("sys/kernel/sched_child_runs_first"),
    tunable("sys/kernel/sched_compat_yield"),
    tunable("sys/kernel/sched_latency_ns"),
    tunable("sys/kernel/sched_min_granularity_ns"),
    tunable("sys/kernel/sched_wakeup_granularity_ns"),
    file("sys/kernel/threads-max", threads_max, Some(set_threads_max)),
    file("sys/vm/drop_caches", drop_caches, Some(set_drop_caches)),
    knob("sys/vm/min_free_kbytes"),
    oom_switch("sys/vm/oom_dump_tasks"),
    oom_switch("sys/vm/oom_kill_allocating_task"),
    file("sys/vm/oom_policy", oom_policy, Some(set_oom_policy)),
    file("sys/vm/oom_victim", oom_victim, Some(set_oom_victim)),
    knob("sys/vm/overcommit_memory"),
    knob("sys/vm/overcommit_ratio"),
    oom_switch("sys/vm/panic_on_oom"),
    knob("sys/vm/swappiness"),
    file("uptime", uptime, None),
    file("version", version, None),
    file("vmstat", proc_vm::vmstat, None),
    file("zoneinfo", proc_vm::zoneinfo, None),
];

/// Makes the files.
fn populate(mem: &mut Mem, mount: Ref<Mount>) -> Result<(), Errno> {
    // Linux numbers what is in /proc from here.
    mem[mount].next_ino = 0xf000_0000;
    for (row, entry) in (0..).zip(&FILES) {
        generated::add(mem, mount, "", entry, [row, row])?;
    }
    Ok(())
}

/// A record a zone.
fn buddyinfo(mem: &Mem, _: u32, position: u64, out: &mut dyn Write) -> Shown {
    let zone = &mem[mem.zone(position as u32)];
    write!(out, "Node {}, zone {:>8} ", zone.node, zone.name())?;
    for area in &zone.free_area {
        write!(out, "{:6} ", area.nr_free)?;
    }
    writeln!(out)?;
    next_zone(mem, position)
}

pub(super) fn next_zone(mem: &Mem, position: u64) -> Shown {
    let next = position + 1;
    Ok((next < u64::from(mem[MEM].nr_zones)).then_some(next))
}

fn filesystems(_: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    for file_system in super::FILE_SYSTEMS {
        writeln!(out, "nodev\t{}", file_system.name())?;
    }
    Ok(None)
}

/// A header, then a record a subsystem.
fn containers(mem: &Mem, _: u32, position: u64, out: &mut dyn Write) -> Shown {
    Ok(container::proc::show_subsystems(mem, position, out)?)
}

fn loadavg(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    sched::loadavg(mem, out)?;
    Ok(None)
}

fn schedstat(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    sched::schedstat(mem, out)?;
    Ok(None)
}

fn stat(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    sched::stat(mem, out)?;
    Ok(None)
}

fn uptime(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    sched::uptime(mem, out)?;
    Ok(None)
}

/// What the scheduler lets be tuned.
static TUNABLES: [(&str, Tunable); 5] = [
    ("sys/kernel/sched_child_runs_first", Tunable::ChildRunsFirst),
    ("sys/kernel/sched_compat_yield", Tunable::CompatYield),
    ("sys/kernel/sched_latency_ns", Tunable::Latency),
    (
        "sys/kernel/sched_min_granularity_ns",
        Tunable::MinGranularity,
    ),
    (
        "sys/kernel/sched_wakeup_granularity_ns",
        Tunable::WakeupGranularity,
    ),
];

/// A file with one of them.
const fn tunable(path: &'static str) -> Entry {
    file(path, show_tunable, Some(set_tunable))
}

/// The tunable of a row of [`FILES`].
fn tunable_of(row: u32) -> Result<Tunable, Errno> {
    let path = FILES[row as usize].path;
    let found = TUNABLES.iter().find(|(name, _)| *name == path);
    found.map(|&(_, which)| which).ok_or(Errno::EIO)
}

fn show_tunable(mem: &Mem, row: u32, _: u64, out: &mut dyn Write) -> Shown {
    let which = tunable_of(row).map_err(Stop::Errno)?;
    writeln!(out, "{}", sched::tunable(mem, which))?;
    Ok(None)
}

fn set_tunable(mem: &mut Mem, row: u32, bytes: &[u8]) -> Result<(), Errno> {
    let value = parse_number(bytes, u32::MAX)?;
    sched::set_tunable(mem, tunable_of(row)?, u64::from(value))
}

/// A word of a line of words: what would end it stands there as an octal number (`mangle`).
struct Mangled<'a>(&'a str);

impl fmt::Display for Mangled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            ' ' | '\t' | '\n' | '\\' => write!(f, "\\{:03o}", u32::from(c)),
            c => f.write_char(c),
        })
    }
}

/// A record a mount.
fn mounts(mem: &Mem, _: u32, position: u64, out: &mut dyn Write) -> Shown {
    let mut mounts = mount::mounts(mem).skip(position as usize);
    let Some(mount) = mounts.next() else {
        return Ok(None);
    };
    let file_system = super::file_system(mem, mem[mem[mount].root].inode);
    let mut buffer = [0; namei::PATH_MAX];
    let at = match mem[mount].mountpoint {
        place if place.is_null() => mem[mount].root,
        place => place,
    };
    let path = namei::full_path(mem, at, &mut buffer).map_err(|_| fmt::Error)?;
    let source = mem[mount].source();
    let access = if file_system.is_read_only() {
        "ro"
    } else {
        "rw"
    };
    let (source, path) = (Mangled(source), Mangled(path));
    write!(out, "{source} {path} {} {access}", file_system.name())?;
    file_system.show_options(mem, mount, out)?;
    writeln!(out, " 0 0")?;
    Ok(mounts.next().map(|_| position + 1))
}

/// Numbers in a line, as files below `/proc/sys` hold them.
fn write_vector(out: &mut dyn Write, numbers: &[u32]) -> Shown {
    let mut tab = "";
    for number in numbers {
        write!(out, "{tab}{number}")?;
        tab = "\t";
    }
    writeln!(out)?;
    Ok(None)
}

/// Seconds after which 2.2 let unused dentries go; later kernels only print the number.
const AGE_LIMIT: u32 = 45;

/// `nr_dentry nr_unused age_limit want_pages 0 0`.
fn dentry_state(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    let numbers = [mem[FS].nr_dentry, mem[FS].nr_unused, AGE_LIMIT, 0, 0, 0];
    write_vector(out, &numbers)
}

/// Files that may be open.
fn file_max(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    write_vector(out, &[super::file::files_max(mem)])
}

/// Files that are open, free ones that are kept (none, as since 2.6), and those that may be.
fn file_nr(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    write_vector(out, &[mem[FS].nr_files, 0, super::file::files_max(mem)])
}

/// `nr_inodes nr_unused`.
fn inode_nr(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    write_vector(out, &[mem[FS].nr_inodes, mem[FS].nr_inodes_unused])
}

/// `nr_inodes nr_unused preshrink 0 0 0 0`.
fn inode_state(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    let (all, unused) = (mem[FS].nr_inodes, mem[FS].nr_inodes_unused);
    write_vector(out, &[all, unused, 0, 0, 0, 0, 0])
}

/// What was written last.
fn drop_caches(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    write_vector(out, &[mem[FS].drop_caches])
}

fn set_drop_caches(mem: &mut Mem, _: u32, bytes: &[u8]) -> Result<(), Errno> {
    let what = parse_number(bytes, i32::MAX as u32)?;
    mem[FS].drop_caches = what;
    shrink::drop_caches(mem, what);
    Ok(())
}

/// A file with a number that tunes memory.
const fn knob(path: &'static str) -> Entry {
    file(path, show_knob, Some(set_knob))
}

/// The knob of a row of [`FILES`].
fn knob_of(row: u32) -> Knob {
    match FILES[row as usize].path {
        "sys/vm/min_free_kbytes" => Knob::MinFreeKbytes,
        "sys/vm/overcommit_memory" => Knob::OvercommitMemory,
        "sys/vm/overcommit_ratio" => Knob::OvercommitRatio,
        _ => Knob::Swappiness,
    }
}

fn show_knob(mem: &Mem, row: u32, _: u64, out: &mut dyn Write) -> Shown {
    write_vector(out, &[reclaim::sysctl::get(mem, knob_of(row))])
}

fn set_knob(mem: &mut Mem, row: u32, bytes: &[u8]) -> Result<(), Errno> {
    let value = parse_number(bytes, u32::MAX)?;
    reclaim::sysctl::set(mem, knob_of(row), value)
}

/// A file with a number that the OOM killer heeds.
const fn oom_switch(path: &'static str) -> Entry {
    file(path, show_oom_switch, Some(set_oom_switch))
}

/// The switch of a row of [`FILES`].
fn oom_switch_of(row: u32) -> Switch {
    match FILES[row as usize].path {
        "sys/vm/panic_on_oom" => Switch::Panic,
        "sys/vm/oom_dump_tasks" => Switch::DumpTasks,
        _ => Switch::KillAllocating,
    }
}

fn show_oom_switch(mem: &Mem, row: u32, _: u64, out: &mut dyn Write) -> Shown {
    write_vector(out, &[sysctl::get(mem, oom_switch_of(row))])
}

fn set_oom_switch(mem: &mut Mem, row: u32, bytes: &[u8]) -> Result<(), Errno> {
    let value = parse_number(bytes, i32::MAX as u32)?;
    sysctl::set(mem, oom_switch_of(row), value);
    Ok(())
}

fn oom_policy(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    sysctl::show_policy(mem, out)?;
    Ok(None)
}

fn set_oom_policy(mem: &mut Mem, _: u32, bytes: &[u8]) -> Result<(), Errno> {
    sysctl::set_policy(mem, bytes)
}

/// A name; an empty line if there is none.
fn oom_victim(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    let name = core::str::from_utf8(victim::name(mem)).unwrap_or("?");
    writeln!(out, "{name}")?;
    Ok(None)
}

fn set_oom_victim(mem: &mut Mem, _: u32, bytes: &[u8]) -> Result<(), Errno> {
    victim::set_name(mem, bytes);
    Ok(())
}

/// Numbers of tasks are below.
fn pid_max(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    write_vector(out, &[mem[TASK].pids.pid_max])
}

/// 2.6.24 takes what is above its reserved numbers and no more than its table can hold.
fn set_pid_max(mem: &mut Mem, _: u32, bytes: &[u8]) -> Result<(), Errno> {
    let number = parse_number(bytes, pid::PID_MAX_LIMIT)?;
    if number <= pid::RESERVED_PIDS {
        return Err(Errno::EINVAL);
    }
    mem[TASK].pids.pid_max = number;
    Ok(())
}

/// There are no more tasks at a time, threads included.
fn threads_max(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    write_vector(out, &[mem[TASK].max_threads])
}

fn set_threads_max(mem: &mut Mem, _: u32, bytes: &[u8]) -> Result<(), Errno> {
    mem[TASK].max_threads = parse_number(bytes, i32::MAX as u32)?;
    Ok(())
}

/// A header, then a record a cache.
fn slabinfo(mem: &Mem, _: u32, position: u64, out: &mut dyn Write) -> Shown {
    let mut caches = slab::caches(mem).skip(position as usize);
    if position == 0 {
        writeln!(out, "slabinfo - version: 2.1")?;
        writeln!(
            out,
            "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> \
             : tunables <limit> <batchcount> <sharedfactor> \
             : slabdata <active_slabs> <num_slabs> <sharedavail>"
        )?;
    }
    let Some(cache) = caches.next() else {
        return Ok(None);
    };
    let info = slab_line(mem, cache);
    let descriptor: &KmemCache = &mem[cache];
    write!(
        out,
        "{:<17} {:6} {:6} {:6} {:4} {:4}",
        descriptor.name(),
        info.active_objects,
        info.total_objects,
        descriptor.size,
        descriptor.objects,
        1 << descriptor.order,
    )?;
    let [limit, batchcount, shared] = info.tunables;
    write!(out, " : tunables {limit:4} {batchcount:4} {shared:4}")?;
    let [active, all, available] = info.slabs;
    writeln!(out, " : slabdata {active:6} {all:6} {available:6}")?;
    Ok(caches.next().map(|_| position + 1))
}

/// What a line of `/proc/slabinfo` says besides the sizes.
struct SlabLine {
    active_objects: u32,
    total_objects: u32,
    /// Limit, batchcount, sharedfactor; all 0 without arrays.
    tunables: [u32; 3],
    /// Active slabs, all slabs, objects in shared arrays.
    slabs: [u32; 3],
}

fn slab_line(mem: &Mem, cache: Ref<KmemCache>) -> SlabLine {
    let counts = slab::counts(mem, cache);
    if slab::allocator(mem) != Allocator::Slab {
        return SlabLine {
            active_objects: counts.active_objects,
            total_objects: counts.total_objects,
            tunables: [0; 3],
            slabs: [counts.slabs, counts.slabs, 0],
        };
    }
    // SLAB counts what waits in arrays as active: its slabs have given it out.
    let [full, partial, free] = queued::count_slabs(mem, cache);
    let queues = &mem[cache].queues;
    SlabLine {
        active_objects: queued::given_out(mem, cache),
        total_objects: counts.total_objects,
        tunables: [queues.limit, queues.batchcount, queues.shared],
        slabs: [
            full + partial,
            full + partial + free,
            queued::shared_available(mem, cache),
        ],
    }
}

/// Tunes a cache's arrays: `name limit batchcount shared`. Values out of range change nothing, as
/// in 2.6.24.
fn set_slabinfo(mem: &mut Mem, _: u32, bytes: &[u8]) -> Result<(), Errno> {
    if bytes.len() > 128 {
        return Err(Errno::EINVAL);
    }
    let text = core::str::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
    let mut words = text.split_ascii_whitespace();
    let cache = words
        .next()
        .and_then(|name| slab::find(mem, name))
        .ok_or(Errno::EINVAL)?;
    let mut number = || words.next()?.parse::<i32>().ok();
    let (Some(limit), Some(batch), Some(shared)) = (number(), number(), number()) else {
        return Err(Errno::EINVAL);
    };
    let is_sensible = limit >= 1 && batch >= 1 && batch <= limit && shared >= 0;
    // An array has to fit into the largest general cache.
    let fits = limit <= queued::LIMIT_MAX
        && i64::from(shared) * i64::from(batch) <= i64::from(queued::LIMIT_MAX);
    if !is_sensible || slab::allocator(mem) != Allocator::Slab {
        return Ok(());
    }
    if !fits {
        return Err(Errno::ENOMEM);
    }
    queued::tune(mem, cache, limit as u32, batch as u32, shared as u32)
}

fn version(_: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    writeln!(
        out,
        "Glass Kernel version {} (after Linux 2.6.16)",
        env!("CARGO_PKG_VERSION")
    )?;
    Ok(None)
}
