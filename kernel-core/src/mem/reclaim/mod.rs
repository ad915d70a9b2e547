//! Reclaim: where a page comes from when there is none (2.6.28's `vmscan.c` and what calls it).
//!
//! Free memory is wasted memory, so a kernel fills it: with pages of files that may be wanted again, with
//! names and inodes, with whatever programs touch. Then every new page has to be somebody else's old one.
//! Three *watermarks* a zone say how hard to look for it. Below `low` a daemon is woken that frees pages
//! beside everybody else's work; below `min` whoever allocates has to free some itself; and what is left
//! then belongs to those who free memory by running. Whose page it is that goes is decided by two lists
//! for anonymous memory and two for files: what was not used while it passed along the *inactive* list
//! goes, what was used goes back to the *active* one.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | the objects |
//! | `watermark.rs` | the marks of a zone, and whether an allocation may go below |
//! | `lru.rs` | the lists |
//! | `scan.rs` | which pages of a zone go: second chance, anonymous against file, priorities |
//! | `slow.rs` | an allocation that finds no page: reclaim, wait, kill |
//! | `daemon.rs` | `kswapd` |
//! | `shrinker.rs` | caches that are no pages: names and inodes |
//! | `swap.rs` | the swap device: slots, and who uses them |
//! | `device.rs` | `swapon`, `swapoff` |
//! | `commit.rs` | promises: how much memory may be promised that is not there |
//! | `sysctl.rs` | `/proc/sys/vm`, `/proc/swaps`, `/proc/vmstat` |
//! | `check.rs` | the invariants |
//!
//! Neighbours: [`super::buddy`](super) calls when its lists are empty; `task::mm` finds the entries that
//! lead to a page (`rmap.rs`) and brings pages back (`swap.rs`); `fs::filemap` gives pages of files back;
//! [`crate::oom`] is what remains when nothing else does.

mod check;
mod commit;
mod daemon;
mod device;
mod lru;
mod scan;
mod shrinker;
mod slow;
pub mod swap;
pub(crate) mod sysctl;
#[cfg(test)]
mod tests;
mod watermark;

pub(crate) use check::check;
pub use commit::commit_limit;
pub(crate) use commit::{promise, take_back};
pub use daemon::{kswapd, wake_kswapd};
pub use device::{DEVICE, swapoff, swapon};
pub use lru::Lru;
pub use scan::{ScanControl, try_to_free_memcg, try_to_free_pages};
pub use shrinker::{SHRINKERS, Shrinker};
pub use slow::{
    WithFs, can_wait, console_reclaim, may_wait, stop_waiting, wait_for, wait_for_memory,
};
pub use swap::{SwapInfo, SwapSlot};
pub use watermark::Floor;

use bytemuck::{Pod, Zeroable};

use super::{MEM, Mem, Ref};
use crate::btf::{Kind, describe};

/// The static data of this module: in the frame of the memory system's.
pub const RECLAIM: Ref<ReclaimData> = Ref::new(MEM.unit() + 1024 / 8);
const _: () = assert!(size_of::<ReclaimData>() <= 1024);

/// Pages that reclaim wants to free at a time (`SWAP_CLUSTER_MAX`).
pub const SWAP_CLUSTER_MAX: u32 = 32;
/// How gently reclaim begins: a list's 4096th part (`DEF_PRIORITY`).
pub const DEF_PRIORITY: u32 = 12;

/// What reclaim knows besides the zones.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct ReclaimData {
    /// Kilobytes that the `min` watermarks keep free, all zones together.
    pub min_free_kbytes: u32,
    /// How readily anonymous memory is swapped out, 0 to 100.
    pub swappiness: u32,
    /// Promises: 0 is a guess, 1 never refuses, 2 keeps to a limit.
    pub overcommit_memory: u32,
    /// Part of memory, in per cent, that may be promised in mode 2 besides the swap device.
    pub overcommit_ratio: u32,
    /// Pages promised to processes that must be had if they are written to (`vm_committed_space`).
    pub committed: u32,
    /// 1 while a program makes a call, or faults: it can wait and try again.
    pub can_wait: u32,
    /// Depth of reclaim: whoever frees memory may use the reserves and frees nothing to do so
    /// (`PF_MEMALLOC`).
    pub depth: u32,
    /// Depth of places where names and inodes may be given back (`__GFP_FS`).
    pub fs_depth: u32,
    /// Nodes whose `kswapd` is awake, a bit each.
    pub kswapd: u32,
    /// The largest order that somebody woke it for.
    pub kswapd_order: u32,
    /// What shrinkers owe from calls that were too small to do it.
    pub shrinker_owes: [u32; 4],
    /// Pages that reclaim has looked at, by the daemon and by whoever needed a page.
    pub scanned: [u64; 2],
    /// Pages that reclaim has freed, likewise.
    pub stolen: [u64; 2],
    /// Pages put back from inactive to active lists.
    pub activated: u64,
    /// Pages moved from active to inactive lists.
    pub deactivated: u64,
    /// Allocations that had to free pages themselves.
    pub stalls: u64,
    /// Times that the killer was asked.
    pub ooms: u64,
    /// Until then others try again in vain: somebody was killed for memory and has not ended.
    pub next_try: u64,
    /// The swap device.
    pub swap: SwapInfo,
}

describe!(
    ReclaimData,
    "reclaim_data",
    [
        min_free_kbytes,
        swappiness,
        overcommit_memory,
        overcommit_ratio,
        committed,
        can_wait,
        depth,
        fs_depth,
        kswapd: Kind::Hex,
        kswapd_order,
        shrinker_owes,
        scanned,
        stolen,
        activated,
        deactivated,
        stalls,
        ooms,
        next_try,
        swap,
    ]
);

/// Sets the marks, once the zones are there.
pub(super) fn boot(mem: &mut Mem, swap_pages: u32) {
    swap::boot(mem, swap_pages);
    mem[RECLAIM].swappiness = 60;
    mem[RECLAIM].overcommit_ratio = 50;
    watermark::init(mem);
}
