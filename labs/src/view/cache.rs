//! One slab cache from within: its slabs, each as its objects, and who holds which free ones.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::CacheView;

/// A cache as its slabs. On SLOB, which has no slabs, the pages of the ring that its objects share
/// with those of all other caches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheSlabsView {
    /// The allocator: `slab`, `slub` or `slob`.
    pub allocator: String,
    /// The cache.
    pub cache: CacheView,
    /// What the bytes of an object's place are for, from its first to its last.
    pub layout: Vec<Segment>,
    /// What each CPU allocates from, by CPU; none on SLOB.
    pub cpus: Vec<CpuView>,
    /// The lists of each NUMA node, by node; none on SLOB.
    pub nodes: Vec<NodeView>,
    /// Slabs in the order of their addresses.
    pub slabs: Vec<SlabPage>,
    /// How many slabs come before the first of `slabs`.
    pub before: u32,
    /// How many come behind the last.
    pub after: u32,
}

/// Bytes of an object's place that serve one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Where it begins, in bytes from the place's beginning.
    pub from: u32,
    /// Where it ends, exclusive.
    pub to: u32,
    /// What for.
    pub kind: SegmentKind,
}

/// What bytes of an object's place are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SegmentKind {
    /// What the user asked for. Free, it may hold poison.
    Object,
    /// Bytes that nobody may write to.
    RedZone,
    /// Where a free object names the next one, if that is not in the object itself.
    FreePointer,
    /// Who allocated it last.
    Allocated,
    /// Who freed it last.
    Freed,
    /// SLOB: how many bytes there are.
    Header,
    /// Nothing: alignment.
    Padding,
}

/// What one CPU allocates from without asking anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuView {
    /// SLUB: the frame where the slab begins that the CPU owns, if it owns one.
    pub slab: Option<u32>,
    /// Free objects, the one that is allocated next first, in units of 8 bytes: SLUB's chain of its
    /// own, SLAB's array.
    pub free: Vec<u32>,
    /// SLAB: how many objects the array takes; else 0.
    pub limit: u32,
    /// SLAB: how many come and go at once; else 0.
    pub batchcount: u32,
    /// SLAB: whether the array was used since the reaper came by.
    pub touched: bool,
}

/// A NUMA node's lists of slabs, each named by its first frame, in the order of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    /// Slabs with free objects and used ones.
    pub partial: Vec<u32>,
    /// Slabs without free objects, where the allocator lists them.
    pub full: Vec<u32>,
    /// SLAB: slabs without used objects.
    pub free: Vec<u32>,
    /// SLAB: free objects that the node's CPUs share, the next one first.
    pub shared: Vec<u32>,
    /// SLAB: the colour of the next slab.
    pub colour_next: u32,
}

/// One slab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlabPage {
    /// Its first frame.
    pub frame: u32,
    /// Its NUMA node.
    pub node: u32,
    /// Where the allocator keeps it.
    pub list: SlabList,
    /// Bytes before the first object: SLAB's colour, and its descriptor if that is on the slab.
    pub offset: u32,
    /// Of these, how many are the colour.
    pub colour: u32,
    /// Places in the order of their addresses. On SLOB the blocks of the ring's page, free ones and
    /// the used ones between them, whose borders SLOB itself does not know.
    pub places: Vec<PlaceView>,
    /// The slab's own chain of free objects, the next one first, as numbers into `places`. The chain
    /// of the CPU that owns the slab is in [`CpuView::free`].
    pub chain: Vec<u16>,
}

/// Where an allocator keeps a slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SlabList {
    /// SLUB: a CPU owns it.
    Cpu(u32),
    /// On its node's list of partial slabs.
    Partial,
    /// Full, whether listed or not.
    Full,
    /// SLAB: on its node's list of free slabs.
    Free,
    /// SLOB: in the ring.
    Ring,
}

/// A place for an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceView {
    /// Where it begins, in units of 8 bytes.
    pub at: u32,
    /// Bytes.
    pub bytes: u32,
    /// Who has it.
    pub state: PlaceState,
    /// What debugging would say of it, in the kernel's words: `Redzone overwritten`, ...; empty if
    /// nothing, or if the cache is not watched.
    pub damage: String,
}

/// Who has an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlaceState {
    /// A user.
    InUse,
    /// The slab: it is free.
    Free,
    /// A CPU's chain or array, or a node's shared array: it is free, but not everybody's.
    Kept,
}

/// One run of defragmentation: what a step of the log did to one cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefragView {
    /// The step whose line ran.
    pub step: u32,
    /// The cache before it.
    pub before: CacheSlabsView,
    /// The cache after it.
    pub after: CacheSlabsView,
    /// Slabs that were looked at, in order: chosen, or the one at which choosing ended.
    pub choices: Vec<DefragChoice>,
    /// Slabs that were vacated or tried, in order.
    pub vacated: Vec<Vacated>,
}

/// Why a slab was chosen, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefragChoice {
    /// Number of the event that tells it.
    pub event: u64,
    /// The slab's first frame.
    pub frame: u32,
    /// Objects in use.
    pub in_use: u32,
    /// Objects that it has room for.
    pub objects: u32,
    /// Whether it was chosen.
    pub chosen: bool,
    /// Why, as a sentence.
    pub because: String,
}

/// What became of a slab that was to be vacated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vacated {
    /// Number of the event that tells it.
    pub event: u64,
    /// The slab's first frame.
    pub frame: u32,
    /// Objects that `get` was asked to pin, in units of 8 bytes.
    pub objects: u32,
    /// Those that it did pin.
    pub pinned: u32,
    /// Objects left after `kick`; 0: the slab is empty.
    pub left: u32,
    /// What `kick` did, in order: an object's old place and, if it was moved, its new one.
    pub moves: Vec<(u32, Option<u32>)>,
}

/// How badly a cache is fragmented: pages held for each page that its objects need, in hundredths.
/// 100 is the best there is; 0 if nothing is in use.
pub fn fragmentation(cache: &CacheView) -> u32 {
    let needed = u64::from(cache.active_objects).div_ceil(u64::from(cache.objects_per_slab.max(1)));
    match needed {
        0 => 0,
        needed => (u64::from(cache.slabs) * 100 / needed) as u32,
    }
}
