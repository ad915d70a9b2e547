//! Zones and NUMA nodes: which frames an allocation may come from, and in which order.
//!
//! Memory is shared out evenly among 1-4 nodes. As on x86_64, the first 16 MiB form node 0's zone
//! `DMA`; everything else is `Normal`. An allocation on a CPU tries that CPU's node first, then the
//! other nodes in turn, and within a node `Normal` before `DMA`, so that the scarce zone goes last.

use bytemuck::{Pod, Zeroable};

use super::reclaim::Lru;
use super::{FRAME_SIZE, Gfp, ListHead, MAX_ORDER, MEM, Mem, Ref};
use crate::btf::{Kind, describe};

/// NUMA nodes that a machine may have.
pub const MAX_NODES: usize = 4;
/// CPUs that a machine may have.
pub const MAX_CPUS: usize = 8;
/// A DMA zone for node 0 and a Normal zone for each.
pub const MAX_ZONES: usize = MAX_NODES + 1;

/// Frames below this limit can be reached by ISA DMA.
const DMA_FRAMES: u32 = (16 << 20) / FRAME_SIZE as u32;

/// The free blocks of one order.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct FreeArea {
    /// Blocks, linked through `Page::lru`; the block freed last is first.
    pub list: ListHead,
    /// How many there are.
    pub nr_free: u32,
    _pad: u32,
}

describe!(FreeArea, "free_area", [list, nr_free, _pad: Kind::Padding]);

/// A run of frames with its own free lists.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Zone {
    /// First frame.
    pub start: u32,
    /// Number of frames.
    pub spanned: u32,
    /// Frames that the allocator manages: all but the kernel's own.
    pub present: u32,
    /// Free frames in `free_area`.
    pub free: u32,
    /// NUMA node.
    pub node: u32,
    /// 1 for `DMA`, 0 for `Normal`.
    pub is_dma: u32,
    /// Free blocks by order.
    pub free_area: [FreeArea; MAX_ORDER],
    /// Below this many free frames only those may allocate who free memory: `pages_min`.
    pub pages_min: u32,
    /// Below this many `kswapd` is woken: `pages_low`.
    pub pages_low: u32,
    /// At this many `kswapd` sleeps again: `pages_high`.
    pub pages_high: u32,
    /// Frames kept from allocations that could do with `Normal` memory (`lowmem_reserve`).
    pub lowmem_reserve: u32,
    /// Pages that can be reclaimed, the most recently added first; see [`super::reclaim::Lru`].
    pub lru: [ListHead; Lru::COUNT],
    /// How many are on each list.
    pub nr_lru: [u32; Lru::COUNT],
    /// Pages looked at since one was freed: a zone that was scanned six times over is given up for a
    /// while (`all_unreclaimable`).
    pub pages_scanned: u32,
    /// Pages looked at lately, anonymous ones and those of files (`recent_scanned`).
    pub recent_scanned: [u32; 2],
    /// Of these, pages that were found in use (`recent_rotated`).
    pub recent_rotated: [u32; 2],
}

// In whole units, since zones stand side by side.
const _: () = assert!(size_of::<Zone>() == 296);

describe!(
    Zone,
    "zone",
    [
        start: Kind::Frame,
        spanned,
        present,
        free,
        node,
        is_dma,
        free_area,
        pages_min,
        pages_low,
        pages_high,
        lowmem_reserve,
        lru,
        nr_lru,
        pages_scanned,
        recent_scanned,
        recent_rotated,
    ]
);

impl Zone {
    /// The zone's name in `/proc/buddyinfo`.
    pub fn name(&self) -> &'static str {
        if self.is_dma == 1 { "DMA" } else { "Normal" }
    }

    /// Whether `frame` lies in the zone.
    #[inline(always)]
    pub fn contains(&self, frame: u32) -> bool {
        frame.wrapping_sub(self.start) < self.spanned
    }
}

/// The zones that allocations on one node try, in order.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct ZoneList {
    /// How many entries count.
    pub len: u32,
    /// Zone numbers.
    pub zones: [u32; MAX_ZONES],
}

describe!(ZoneList, "zonelist", [len, zones]);

impl Mem {
    /// Zone number `zone`.
    #[inline(always)]
    pub fn zone(&self, zone: u32) -> Ref<Zone> {
        self[MEM].zones.offset(zone)
    }

    /// All zones in address order.
    pub fn zones(&self) -> impl Iterator<Item = Ref<Zone>> + '_ {
        (0..self[MEM].nr_zones).map(|zone| self.zone(zone))
    }

    /// The node that a CPU belongs to: CPUs are shared out in runs, like memory.
    pub fn cpu_to_node(&self, cpu: u32) -> u32 {
        cpu * self[MEM].nr_nodes / self[MEM].nr_cpus
    }

    /// Whether a zone may serve an allocation.
    #[inline(always)]
    pub(super) fn zone_allows(&self, zone: u32, gfp: Gfp) -> bool {
        !gfp.contains(Gfp::DMA) || self[self.zone(zone)].is_dma == 1
    }

    /// Describes the zones of a machine of `nodes` nodes and the order in which they are tried.
    pub(super) fn zones_init(&mut self, zones: Ref<Zone>, nodes: u32) {
        self[MEM].zones = zones;
        let frames = self.frames();
        let mut count = 0;
        for node in 0..nodes {
            let start = (u64::from(frames) * u64::from(node) / u64::from(nodes)) as u32;
            let end = (u64::from(frames) * u64::from(node + 1) / u64::from(nodes)) as u32;
            // Blocks of the largest order never straddle a border, whatever the machine's size,
            // because buddies are found by frame number and checked against their zone.
            let dma_end = if node == 0 {
                end.min(DMA_FRAMES)
            } else {
                start
            };
            for (from, to, is_dma) in [(start, dma_end, 1), (dma_end, end, 0)] {
                if from < to {
                    let zone = zones.offset(count);
                    self[zone].start = from;
                    self[zone].spanned = to - from;
                    self[zone].node = node;
                    self[zone].is_dma = is_dma;
                    for order in 0..MAX_ORDER {
                        self.list_init(free_list(zone, order));
                    }
                    for lru in Lru::ALL {
                        self.list_init(lru.head(zone));
                    }
                    count += 1;
                }
            }
        }
        self[MEM].nr_zones = count;
        for node in 0..nodes {
            let mut list = ZoneList::zeroed();
            for hop in 0..nodes {
                for zone in (0..count).rev() {
                    if self[zones.offset(zone)].node == (node + hop) % nodes {
                        list.zones[list.len as usize] = zone;
                        list.len += 1;
                    }
                }
            }
            self[MEM].zonelists[node as usize] = list;
        }
    }
}

/// Head of a zone's list of free blocks of `order`.
#[inline(always)]
pub(super) fn free_list(zone: Ref<Zone>, order: usize) -> Ref<ListHead> {
    zone.byte_add(core::mem::offset_of!(Zone, free_area) + order * size_of::<FreeArea>())
}
