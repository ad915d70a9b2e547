//! Caches that are no pages: whoever keeps objects that could be made again registers a shrinker, and is
//! asked in proportion to how hard pages are looked for (`register_shrinker`, `shrink_slab`).

use super::RECLAIM;
use crate::fs;
use crate::mem::{Gfp, Mem};
use crate::oom::lowmem::LowMemoryKiller;
use crate::trace::Tracepoint;

/// A cache that can give objects back.
pub trait Shrinker: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// What an object costs to make again, in reads of a disk (`seeks`); 2 for most.
    fn seeks(&self, mem: &Mem) -> u32;

    /// Objects that it could give back.
    fn count(&self, mem: &Mem, gfp: Gfp) -> u32;

    /// Looks at `count` of them. Returns how many pages that may have freed, by its own estimate.
    fn scan(&self, mem: &mut Mem, count: u32, gfp: Gfp) -> u32;
}

/// What an object costs that nobody has said anything about.
pub const DEFAULT_SEEKS: u32 = 2;
/// Objects that are looked at at a time (`SHRINK_BATCH`).
const BATCH: u32 = 128;

/// All of them, in the order in which they are asked. There are at most as many as
/// [`super::ReclaimData::shrinker_owes`] has room for.
pub static SHRINKERS: &[&dyn Shrinker] = &[&Names, &Inodes, &LowMemoryKiller];

/// Unused names.
struct Names;

impl Shrinker for Names {
    fn name(&self) -> &'static str {
        "dcache"
    }

    fn seeks(&self, _: &Mem) -> u32 {
        DEFAULT_SEEKS
    }

    fn count(&self, mem: &Mem, _: Gfp) -> u32 {
        fs::unused_dentries(mem)
    }

    fn scan(&self, mem: &mut Mem, count: u32, _: Gfp) -> u32 {
        fs::prune_dentries(mem, count)
    }
}

/// Unused inodes, and the pages of their files.
struct Inodes;

impl Shrinker for Inodes {
    fn name(&self) -> &'static str {
        "icache"
    }

    fn seeks(&self, _: &Mem) -> u32 {
        DEFAULT_SEEKS
    }

    fn count(&self, mem: &Mem, _: Gfp) -> u32 {
        fs::unused_inodes(mem)
    }

    fn scan(&self, mem: &mut Mem, count: u32, _: Gfp) -> u32 {
        fs::prune_inodes(mem, count)
    }
}

/// Asks all shrinkers: for the same part of their objects as `scanned` is of `lru_pages`, weighed by what
/// they cost; for all of them at priority 0. Returns how many pages that freed.
pub(super) fn shrink_slab(
    mem: &mut Mem,
    scanned: u32,
    lru_pages: u32,
    gfp: Gfp,
    priority: u32,
) -> u32 {
    let before = mem.free_frames();
    for (number, shrinker) in SHRINKERS.iter().enumerate() {
        let objects = shrinker.count(mem, gfp);
        let part = u64::from(scanned.max(1)) * 4 / u64::from(shrinker.seeks(mem).max(1))
            * u64::from(objects)
            / (u64::from(lru_pages) + 1);
        let owed = mem[RECLAIM].shrinker_owes.get(number).copied();
        let part = part.min(u64::from(objects)) as u32;
        // Never twice as many as there are.
        let mut total = owed.unwrap_or(0).saturating_add(part);
        total = total.min(objects.saturating_mul(2));
        if priority == 0 {
            total = total.max(objects);
        }
        let mut freed = 0;
        let asked = total;
        while total >= BATCH || (priority == 0 && total > 0) {
            let count = total.min(BATCH);
            freed += shrinker.scan(mem, count, gfp);
            total -= count;
            if mem.charge(1).is_err() {
                break;
            }
        }
        if let Some(owes) = mem[RECLAIM].shrinker_owes.get_mut(number) {
            *owes = total;
        }
        if asked > total {
            let event = [number as u32, scanned, asked - total, freed];
            mem.trace(Tracepoint::ShrinkSlab, event.map(u64::from));
        }
    }
    mem.free_frames().saturating_sub(before)
}
