//! Physical memory: zones, free areas, and what each frame is used for.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// Physical memory as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryView {
    /// Frames of 4096 bytes that the machine has.
    pub frames_total: u32,
    /// Frames that could be allocated now, per-CPU lists included.
    pub frames_free: u32,
    /// The zones in address order.
    pub zones: Vec<ZoneView>,
    /// One byte a frame, in frame order; see [`FrameKind::from_code`].
    pub frames: Vec<u8>,
}

/// One zone of one node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneView {
    /// The NUMA node.
    pub node: u32,
    /// `DMA` or `Normal`.
    pub name: String,
    /// First frame.
    pub start: u32,
    /// Number of frames.
    pub frames: u32,
    /// Free frames in the buddy lists.
    pub free: u32,
    /// Free blocks of each order, 0 to 10, as `/proc/buddyinfo` prints them.
    pub free_blocks: Vec<u32>,
    /// Frames waiting on each CPU's page list.
    pub per_cpu: Vec<u32>,
}

/// What a frame is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// Never handed to the allocator: the kernel's own data and page descriptors.
    Reserved,
    /// In a free block of this order.
    Free {
        /// 0 to 10.
        order: u8,
    },
    /// On a CPU's list of single free pages.
    PerCpu,
    /// Holds slab objects.
    Slab,
    /// Holds a page of a file.
    PageCache,
    /// Allocated for something else.
    Allocated,
}

impl FrameKind {
    /// The kind that a byte of [`MemoryView::frames`] stands for.
    pub fn from_code(code: u8) -> FrameKind {
        match code {
            0 => FrameKind::Reserved,
            1 => FrameKind::PerCpu,
            2 => FrameKind::Slab,
            3 => FrameKind::PageCache,
            4 => FrameKind::Allocated,
            free => FrameKind::Free { order: free.saturating_sub(16) },
        }
    }

    /// The byte that stands for this kind.
    pub fn code(self) -> u8 {
        match self {
            FrameKind::Reserved => 0,
            FrameKind::PerCpu => 1,
            FrameKind::Slab => 2,
            FrameKind::PageCache => 3,
            FrameKind::Allocated => 4,
            FrameKind::Free { order } => 16 + order,
        }
    }

    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            FrameKind::Reserved => "reserved",
            FrameKind::Free { .. } => "free",
            FrameKind::PerCpu => "per-CPU list",
            FrameKind::Slab => "slab",
            FrameKind::PageCache => "page cache",
            FrameKind::Allocated => "allocated",
        }
    }
}
