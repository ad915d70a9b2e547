//! What `/proc` tells of memory: `meminfo`, `vmstat`, `zoneinfo`, `swaps`, in 2.6.28's formats.

use core::fmt::Write;

use super::FS;
use super::generated::Shown;
use super::procfs::next_zone;
use crate::mem::reclaim::{self, DEVICE, Lru, RECLAIM};
use crate::mem::{FRAME_SIZE, MEM, Mem};
use crate::oom::listeners;
use crate::slab;
use crate::task::mm::MM;

/// Kilobytes in so many frames.
fn kilobytes(frames: u32) -> u64 {
    u64::from(frames) * (FRAME_SIZE as u64 / 1024)
}

/// Those of 2.6.28's lines that say something about this kernel, in its order.
pub(super) fn meminfo(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    let [slab_frames, reclaimable] = slab::frames(mem);
    let [
        inactive_anon,
        active_anon,
        inactive_file,
        active_file,
        unevictable,
    ] = Lru::ALL.map(|lru| mem.nr_lru(lru));
    let [swap_total, swap_free] = reclaim::swap::totals(mem);
    for (label, frames) in [
        ("MemTotal:", mem[MEM].managed),
        ("MemFree:", mem.free_frames()),
        ("Cached:", mem[FS].nr_file_pages),
        ("SwapCached:", mem[RECLAIM].swap.cached),
        ("Active:", active_anon + active_file),
        ("Inactive:", inactive_anon + inactive_file),
        ("Active(anon):", active_anon),
        ("Inactive(anon):", inactive_anon),
        ("Active(file):", active_file),
        ("Inactive(file):", inactive_file),
        ("Unevictable:", unevictable),
        ("SwapTotal:", swap_total),
        ("SwapFree:", swap_free),
        ("Dirty:", mem[FS].nr_dirty),
        ("AnonPages:", mem[MM].nr_anon),
        ("Mapped:", mem[MM].nr_mapped),
        ("Slab:", slab_frames),
        ("SReclaimable:", reclaimable),
        ("SUnreclaim:", slab_frames - reclaimable),
        ("PageTables:", mem[MM].nr_tables),
        ("CommitLimit:", reclaim::commit_limit(mem)),
        ("Committed_AS:", mem[RECLAIM].committed),
    ] {
        writeln!(out, "{label:<14}{:8} kB", kilobytes(frames))?;
    }
    Ok(None)
}

/// Those of 2.6.28's counters that this kernel keeps. Zones are not told apart.
pub(super) fn vmstat(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    writeln!(out, "nr_free_pages {}", mem.free_frames())?;
    for lru in Lru::ALL {
        writeln!(out, "nr_{} {}", lru.name(), mem.nr_lru(lru))?;
    }
    let data = &mem[RECLAIM];
    for (name, count) in [
        ("nr_anon_pages", mem[MM].nr_anon.into()),
        ("nr_mapped", mem[MM].nr_mapped.into()),
        ("nr_file_pages", mem[FS].nr_file_pages.into()),
        ("nr_dirty", mem[FS].nr_dirty.into()),
        ("nr_page_table_pages", mem[MM].nr_tables.into()),
        ("pswpin", data.swap.pages_in),
        ("pswpout", data.swap.pages_out),
        ("pgactivate", data.activated),
        ("pgdeactivate", data.deactivated),
        ("pgfault", mem[MM].faults),
        ("pgsteal", data.stolen[0] + data.stolen[1]),
        ("pgscan_kswapd", data.scanned[0]),
        ("pgscan_direct", data.scanned[1]),
        ("kswapd_steal", data.stolen[0]),
        ("allocstall", data.stalls),
    ] {
        writeln!(out, "{name} {count}")?;
    }
    Ok(None)
}

/// A record a zone: 2.6.28's file without the counters that this kernel does not keep.
pub(super) fn zoneinfo(mem: &Mem, _: u32, position: u64, out: &mut dyn Write) -> Shown {
    let number = position as u32;
    let zone = &mem[mem.zone(number)];
    writeln!(out, "Node {}, zone {:>8}", zone.node, zone.name())?;
    writeln!(out, "  pages free     {}", zone.free)?;
    writeln!(out, "        min      {}", zone.pages_min)?;
    writeln!(out, "        low      {}", zone.pages_low)?;
    writeln!(out, "        high     {}", zone.pages_high)?;
    writeln!(out, "        scanned  {}", zone.pages_scanned)?;
    writeln!(out, "        spanned  {}", zone.spanned)?;
    writeln!(out, "        present  {}", zone.present)?;
    writeln!(out, "    {:<12} {}", "nr_free_pages", zone.free)?;
    for lru in Lru::ALL {
        let count = zone.nr_lru[lru as usize];
        writeln!(out, "    nr_{:<12} {count}", lru.name())?;
    }
    // What requests that could do with zone 0 or 1 must leave: this machine has DMA and Normal.
    writeln!(out, "        protection: (0, {})", zone.lowmem_reserve)?;
    writeln!(out, "  pagesets")?;
    for cpu in 0..mem[MEM].nr_cpus {
        let pages = &mem[mem.per_cpu_pages(number, cpu)];
        writeln!(out, "    cpu: {cpu} pcp: 0")?;
        writeln!(out, "              count: {}", pages.count)?;
        writeln!(out, "              high:  {}", pages.high)?;
        writeln!(out, "              batch: {}", pages.batch)?;
    }
    let tried_in_vain = zone.pages_scanned >= mem.lru_pages(mem.zone(number)) * 6;
    let given_up = tried_in_vain && zone.pages_scanned > 0;
    writeln!(out, "  all_unreclaimable: {}", u32::from(given_up))?;
    let status = listeners::status(mem, number);
    writeln!(out, "  mem_notify_status: {status}")?;
    writeln!(out, "  start_pfn:         {}", zone.start)?;
    next_zone(mem, position)
}

/// The swap device, if it is on.
pub(super) fn swaps(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    writeln!(out, "Filename\t\t\t\tType\t\tSize\tUsed\tPriority")?;
    let [total, free] = reclaim::swap::totals(mem);
    if mem[RECLAIM].swap.is_on != 0 {
        let (total, used) = (kilobytes(total), kilobytes(total - free));
        writeln!(out, "{DEVICE:<39} partition\t{total}\t{used}\t-1")?;
    }
    Ok(None)
}
