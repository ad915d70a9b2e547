//! Watermarks: how much of a zone has to stay free, and for whom.
//!
//! `min` is the zone's share of `min_free_kbytes`, which grows with the square root of memory: large
//! machines need more, but not in proportion. `low` and `high` lie a quarter and a half above it.

use super::RECLAIM;
use crate::mem::{Gfp, MEM, Mem, Ref, Zone};

/// Bounds of what is computed for `min_free_kbytes`.
const MIN_FREE_KBYTES: (u32, u32) = (128, 65536);
/// `Normal` memory lets this part of itself be kept free of its allocations in `DMA`
/// (`sysctl_lowmem_reserve_ratio`).
const LOWMEM_RESERVE_RATIO: u32 = 256;

/// How far down an allocation may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Floor {
    /// To the last page.
    None,
    /// To `min`; less for whoever cannot wait.
    Min,
    /// To `low`.
    Low,
    /// To `high`: the last look before somebody is killed.
    High,
}

/// Computes `min_free_kbytes` and the marks (`init_per_zone_pages_min`).
pub(super) fn init(mem: &mut Mem) {
    let kilobytes = u64::from(mem[MEM].managed) * 4;
    let (least, most) = MIN_FREE_KBYTES;
    mem[RECLAIM].min_free_kbytes = ((kilobytes * 16).isqrt() as u32).clamp(least, most);
    set_marks(mem);
    for number in 0..mem[MEM].nr_zones {
        let zone = mem.zone(number);
        let Zone { node, is_dma, .. } = mem[zone];
        if is_dma == 1 {
            let normal = mem
                .zones()
                .find(|&other| mem[other].node == node && mem[other].is_dma == 0);
            let present = normal.map_or(0, |normal| mem[normal].present);
            mem[zone].lowmem_reserve = present / LOWMEM_RESERVE_RATIO;
        }
    }
}

/// Shares `min_free_kbytes` out among the zones (`setup_per_zone_pages_min`).
pub(super) fn set_marks(mem: &mut Mem) {
    let pages_min = u64::from(mem[RECLAIM].min_free_kbytes / 4);
    let managed = u64::from(mem[MEM].managed).max(1);
    for number in 0..mem[MEM].nr_zones {
        let zone = mem.zone(number);
        let share = (pages_min * u64::from(mem[zone].present) / managed) as u32;
        let zone = &mut mem[zone];
        zone.pages_min = share;
        zone.pages_low = share + share / 4;
        zone.pages_high = share + share / 2;
    }
}

impl Mem {
    /// Whether a zone has 2^`order` frames for an allocation that leaves it above `floor`: as many free
    /// frames, and enough of them in blocks that are large enough (`zone_watermark_ok`).
    pub(crate) fn watermark_ok(&self, zone: Ref<Zone>, order: u32, gfp: Gfp, floor: Floor) -> bool {
        let zone = &self[zone];
        let mut mark = match floor {
            Floor::None => return true,
            Floor::Min => {
                let mut mark = zone.pages_min;
                if gfp.contains(Gfp::HIGH) {
                    mark -= mark / 2;
                }
                if !gfp.contains(Gfp::WAIT) {
                    mark -= mark / 4;
                }
                mark
            }
            Floor::Low => zone.pages_low,
            Floor::High => zone.pages_high,
        };
        let reserve = match gfp.contains(Gfp::DMA) {
            true => 0,
            false => zone.lowmem_reserve,
        };
        // What is left after this allocation, and one more.
        let Some(mut free) = (zone.free + 1).checked_sub(1 << order) else {
            return false;
        };
        if free <= mark + reserve {
            return false;
        }
        for (smaller, area) in zone.free_area.iter().take(order as usize).enumerate() {
            free = free.saturating_sub(area.nr_free << smaller);
            mark /= 2;
            if free <= mark {
                return false;
            }
        }
        true
    }
}
