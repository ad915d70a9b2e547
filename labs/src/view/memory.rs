//! Physical memory: zones, free areas, and what each frame is used for.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Table, View};

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
    /// Holds objects: of a slab, of SLOB's ring, or a single large one.
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
            free => FrameKind::Free {
                order: free.saturating_sub(16),
            },
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
            FrameKind::Reserved => words::memory::kind_reserved(),
            FrameKind::Free { .. } => words::memory::kind_free(),
            FrameKind::PerCpu => words::memory::kind_per_cpu(),
            FrameKind::Slab => words::memory::kind_slab(),
            FrameKind::PageCache => words::memory::kind_page_cache(),
            FrameKind::Allocated => words::memory::kind_allocated(),
        }
    }
}

impl ZoneView {
    /// `node 0, zone DMA`.
    pub fn title(&self) -> String {
        words::memory::zone_title(self.node, &self.name)
    }
}

impl MemoryView {
    /// How many frames of `frames` are of each kind, in the order of their codes; free ones last.
    pub fn census(frames: &[u8]) -> [u32; 6] {
        let mut counts = [0; 6];
        for &code in frames {
            counts[usize::from(code).min(5)] += 1;
        }
        counts
    }
}

impl View for MemoryView {
    /// One row a zone, with its free blocks of every order.
    fn table(&self) -> Table {
        let orders = self
            .zones
            .iter()
            .map(|zone| zone.free_blocks.len())
            .max()
            .unwrap_or(0);
        let named = [
            words::memory::column_zone(),
            words::memory::column_first(),
            words::memory::column_frames(),
            words::memory::column_free(),
            words::memory::column_cpu_lists(),
            words::memory::column_slab(),
            words::memory::column_other(),
        ];
        let columns = named.iter().map(|name| name.to_string());
        let columns = columns.chain((0..orders).map(words::memory::column_order));
        let rows = self.zones.iter().map(|zone| {
            let first = (zone.start as usize).min(self.frames.len());
            let last = (first + zone.frames as usize).min(self.frames.len());
            let [reserved, _, slab, cache, allocated, _] = Self::census(&self.frames[first..last]);
            let numbers = [
                zone.start,
                zone.frames,
                zone.free,
                zone.per_cpu.iter().sum(),
                slab,
                reserved + cache + allocated,
            ];
            let blocks = (0..orders).map(|order| zone.free_blocks.get(order).copied().unwrap_or(0));
            let numbers = numbers
                .into_iter()
                .chain(blocks)
                .map(|number| number.to_string());
            [zone.title()].into_iter().chain(numbers).collect()
        });
        Table {
            caption: self.sentence(),
            columns: columns.collect(),
            rows: rows.collect(),
        }
    }

    fn sentence(&self) -> String {
        words::memory::sentence(
            self.frames_free,
            words::memory::frames_of(self.frames_total.into()),
            words::memory::zones(self.zones.len() as u64),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_name_kinds() {
        for code in (0..5).chain(16..27) {
            assert_eq!(FrameKind::from_code(code).code(), code);
        }
    }

    #[test]
    fn each_zone_is_a_row_with_its_own_frames() {
        let zone = |name: &str, start, per_cpu| ZoneView {
            name: name.into(),
            start,
            frames: 4,
            free: 1,
            free_blocks: [1, 0].into(),
            per_cpu,
            ..Default::default()
        };
        let view = MemoryView {
            frames_total: 8,
            frames_free: 3,
            zones: [
                zone("DMA", 0, [0, 1].into()),
                zone("Normal", 4, [0, 0].into()),
            ]
            .into(),
            frames: [0, 2, 1, 16, 2, 2, 3, 16].into(),
        };
        assert_eq!(
            view.sentence(),
            "physical memory: 3 of 8 frames free in 2 zones"
        );
        let table = view.table();
        assert_eq!(table.columns[7..], ["order 0", "order 1"]);
        assert_eq!(
            table.rows[0],
            ["node 0, zone DMA", "0", "4", "1", "1", "1", "1", "1", "0"]
        );
        assert_eq!(
            table.rows[1],
            [
                "node 0, zone Normal",
                "4",
                "4",
                "1",
                "0",
                "2",
                "1",
                "1",
                "0"
            ]
        );
    }

    #[test]
    fn a_zone_beyond_the_frames_is_counted_as_empty() {
        let zone = ZoneView {
            start: 9,
            frames: 4,
            ..Default::default()
        };
        let view = MemoryView {
            zones: [zone].into(),
            frames: [0].into(),
            ..Default::default()
        };
        assert_eq!(view.table().rows[0][5..], ["0", "0"]);
    }
}
