//! `kswapd`: frees pages before somebody has to wait for one.
//!
//! An allocation that finds all its zones below `low` wakes the daemon of its node, which frees pages
//! until each zone is at `high` again. It works at timer ticks, beside whoever runs: it is no task here,
//! and takes no CPU time, as on a machine with a CPU to spare.

use super::{DEF_PRIORITY, Floor, RECLAIM, ScanControl, scan, shrinker};
use crate::mem::{Gfp, MEM, Mem, Ref};
use crate::oom::listeners;
use crate::trace::Tracepoint;

/// Wakes the daemons of nodes, a bit each, for a block of `order` (`wakeup_kswapd`).
pub fn wake_kswapd(mem: &mut Mem, nodes: u32, order: u32) {
    let asleep = nodes & !mem[RECLAIM].kswapd;
    for number in 0..mem[MEM].nr_zones {
        let zone = mem.zone(number);
        let node = mem[zone].node;
        let is_low = !mem.watermark_ok(zone, order, Gfp::DMA, Floor::Low);
        if is_low && asleep & !mem[RECLAIM].kswapd & 1 << node != 0 {
            mem[RECLAIM].kswapd |= 1 << node;
            let event = [u64::from(node), u64::from(order), u64::from(mem[zone].free)];
            mem.trace(Tracepoint::KswapdWake, event);
        }
    }
    let order = order.max(mem[RECLAIM].kswapd_order);
    mem[RECLAIM].kswapd_order = order;
}

/// Lets the daemons that are awake work, each until its node is well, or nothing more can be had
/// (`balance_pgdat`). Called at timer ticks.
pub fn kswapd(mem: &mut Mem) {
    while mem[RECLAIM].kswapd != 0 {
        let node = mem[RECLAIM].kswapd.trailing_zeros();
        balance(mem, node);
        mem[RECLAIM].kswapd &= !(1 << node);
    }
    mem[RECLAIM].kswapd_order = 0;
}

fn balance(mem: &mut Mem, node: u32) {
    let order = mem[RECLAIM].kswapd_order;
    let control = ScanControl {
        gfp: Gfp::KERNEL,
        order,
        nodes: 1 << node,
        memcg: Ref::NULL,
        is_daemon: true,
        only_files: false,
    };
    mem[RECLAIM].depth += 1;
    for priority in (0..=DEF_PRIORITY).rev() {
        let mut is_well = true;
        for number in 0..mem[MEM].nr_zones {
            let zone = mem.zone(number);
            if mem[zone].node != node {
                continue;
            }
            if mem.watermark_ok(zone, order, Gfp::DMA, Floor::High) {
                listeners::calm(mem, number);
                continue;
            }
            is_well = false;
            let lru_pages = mem.lru_pages(zone);
            let (scanned, _) = scan::shrink_zone(mem, zone, priority, &control);
            shrinker::shrink_slab(mem, scanned, lru_pages, control.gfp, priority);
            // What was freed waits on a CPU's list, out of reach of the zone's marks.
            mem.drain_all_pages();
        }
        if is_well || mem.charge(1).is_err() {
            break;
        }
    }
    mem[RECLAIM].depth -= 1;
}
