//! `/sys`: the trace, the machine's nodes and CPUs; [`sysslab`] adds SLUB's caches, [`sysmodule`] the
//! parameters of drivers.
//!
//! The trace is ftrace's (`/sys/kernel/debug/tracing`). Its lines read
//! `COMM-PID [CPU] FLAGS SECONDS.MICROS: event_name: field=value ...`. This kernel has no clock, so
//! the seconds are the number of the console line and the microseconds the event's number: times
//! never run backwards within a million events, and equal logs show equal times.

use core::fmt::Write;

use super::generated::{self, Entry, Generated, Shown, file, parse_number};
use super::{FS, Mount, sysmodule, sysslab};
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, MEM, Mem, Ref};
use crate::trace::{CAPACITY, TRACE};

/// The file system of `/sys`.
pub(super) static SYSFS: Generated = Generated {
    name: "sysfs",
    files: &FILES,
    populate,
    families: &[sysslab::CACHES, sysmodule::MODULES, sysmodule::PARAMETERS],
};

/// Rows that exist once.
const ONCE: usize = 4;

/// What is in `/sys`; the rows from [`ONCE`] on stand in each node's directory.
static FILES: [Entry; 6] = [
    file("kernel/debug/tracing/trace", trace, Some(clear_trace)),
    file(
        "kernel/debug/tracing/tracing_on",
        tracing_on,
        Some(set_tracing_on),
    ),
    file("devices/system/cpu/online", cpus_online, None),
    file("devices/system/node/online", nodes_online, None),
    file("cpulist", node_cpus, None),
    file("meminfo", node_meminfo, None),
];

/// Where a node's files are.
const NODES: [&str; 4] = [
    "devices/system/node/node0",
    "devices/system/node/node1",
    "devices/system/node/node2",
    "devices/system/node/node3",
];

/// Makes the files.
fn populate(mem: &mut Mem, mount: Ref<Mount>) -> Result<(), Errno> {
    for (row, entry) in (0..).zip(&FILES[..ONCE]) {
        generated::add(mem, mount, "", entry, [row, 0])?;
    }
    for (node, directory) in (0..mem[MEM].nr_nodes).zip(NODES) {
        for (row, entry) in (ONCE as u32..).zip(&FILES[ONCE..]) {
            let numbers = [row, node];
            generated::add(mem, mount, directory, entry, numbers)?;
        }
    }
    Ok(())
}

/// A header at 0; the event of number n at n + 1.
fn trace(mem: &Mem, _: u32, position: u64, out: &mut dyn Write) -> Shown {
    let events = mem[TRACE].events;
    let oldest = mem[FS].trace_start.max(events.saturating_sub(CAPACITY));
    let next = |from: u64| {
        (from.max(oldest)..events)
            .find(|&number| mem.event(number).is_some())
            .map(|number| number + 1)
    };
    let Some(number) = position.checked_sub(1) else {
        writeln!(out, "# tracer: nop\n#")?;
        writeln!(
            out,
            "#           TASK-PID   CPU#  ||||   TIMESTAMP  FUNCTION"
        )?;
        writeln!(out, "#              | |       |   ||||      |         |")?;
        return Ok(next(0));
    };
    if let Some(event) = mem.event(number) {
        let (task, pid) = if event.step == 0 {
            ("swapper", 0)
        } else {
            ("sh", 1)
        };
        let name = event.tracepoint.name();
        let name = name.split_once(':').map_or(name, |(_, name)| name);
        writeln!(
            out,
            "{task:>16}-{pid:<5} [{:03}] .... {:>5}.{:06}: {name}: {}",
            event.cpu,
            event.step,
            event.number % 1_000_000,
            event.fields(mem),
        )?;
    }
    Ok(next(number + 1))
}

/// Whatever is written to `trace` empties it.
fn clear_trace(mem: &mut Mem, _: u32, _: &[u8]) -> Result<(), Errno> {
    mem[FS].trace_start = mem[TRACE].events;
    Ok(())
}

fn tracing_on(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    writeln!(out, "{}", mem[TRACE].recording)?;
    Ok(None)
}

/// Any number but 0 switches the recording on.
///
/// # Errors
/// `EINVAL` for what is no number, and on a machine that emits no events.
fn set_tracing_on(mem: &mut Mem, _: u32, bytes: &[u8]) -> Result<(), Errno> {
    let number = parse_number(bytes, u32::MAX)?;
    if number != 0 && !mem.is_traced() {
        return Err(Errno::EINVAL);
    }
    mem.set_recording(number != 0);
    Ok(())
}

/// Numbers as the kernel lists them: `0-3`.
pub(super) fn write_list(
    out: &mut dyn Write,
    mut numbers: impl Iterator<Item = u32>,
) -> core::fmt::Result {
    let mut comma = "";
    let mut next = numbers.next();
    while let Some(first) = next {
        let mut last = first;
        next = numbers.next();
        while next == Some(last + 1) {
            last += 1;
            next = numbers.next();
        }
        write!(out, "{comma}{first}")?;
        if last > first {
            write!(out, "-{last}")?;
        }
        comma = ",";
    }
    Ok(())
}

/// A line with such numbers.
fn list_line(out: &mut dyn Write, numbers: impl Iterator<Item = u32>) -> Shown {
    write_list(out, numbers)?;
    writeln!(out)?;
    Ok(None)
}

fn cpus_online(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    list_line(out, 0..mem[MEM].nr_cpus)
}

fn nodes_online(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    list_line(out, 0..mem[MEM].nr_nodes)
}

fn node_cpus(mem: &Mem, node: u32, _: u64, out: &mut dyn Write) -> Shown {
    let cpus = (0..mem[MEM].nr_cpus).filter(|&cpu| mem.cpu_to_node(cpu) == node);
    list_line(out, cpus)
}

/// The node's part of `/proc/meminfo`. Pages on per-CPU lists count as free.
fn node_meminfo(mem: &Mem, node: u32, _: u64, out: &mut dyn Write) -> Shown {
    let (mut total, mut free) = (0, 0);
    for (number, zone) in (0..).zip(mem.zones()) {
        if mem[zone].node == node {
            total += mem[zone].present;
            free += mem[zone].free;
            for cpu in 0..mem[MEM].nr_cpus {
                free += mem[mem.per_cpu_pages(number, cpu)].count;
            }
        }
    }
    let lines = [
        ("MemTotal:", total),
        ("MemFree:", free),
        ("MemUsed:", total - free),
    ];
    for (label, frames) in lines {
        let kilobytes = u64::from(frames) * (FRAME_SIZE as u64 / 1024);
        writeln!(out, "Node {node} {label:<13} {kilobytes:8} kB")?;
    }
    Ok(None)
}
