//! Divides the machine's memory: who gets which part.
//!
//! Everything lies in the one stretch of RAM that holds the image, above it, in this order: the
//! page tables, the frames that the kernel core manages, its map of dirty frames, a page left out
//! to catch strays, and the heap of the outer layers. The kernel's frames come low because
//! firmware works at the top of RAM and leaves its litter there, while frames must start as zeros.

use core::fmt;

/// Bytes in a page.
pub const PAGE: u64 = 4096;

/// Bytes that one large page maps.
pub const LARGE_PAGE: u64 = 2 << 20;

/// The heap gets half of the memory, but no more than this.
pub const HEAP_MAX: u64 = 256 << 20;

/// The least memory above the image that is worth starting with.
pub const LEAST: u64 = 16 << 20;

/// Some memory: the bytes from `start` up to, not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// The first byte's address.
    pub start: u64,
    /// The address behind the last byte.
    pub end: u64,
}

impl Region {
    /// How many bytes it holds.
    pub fn size(self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// Who gets which part of memory. All regions start and end on page borders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// For page tables: enough to map the other regions.
    pub tables: Region,
    /// For the frames of kernels, with one frame more than [`Plan::frames`] as a border.
    pub pool: Region,
    /// How many frames a kernel can have.
    pub frames: u32,
    /// One byte for each frame, and for the border.
    pub dirty: Region,
    /// For the heap of the outer layers.
    pub heap: Region,
}

/// Why memory can't be divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapError {
    /// No entry of the memory map covers the image.
    ImageOutsideRam {
        /// Where the image ends.
        image_end: u64,
    },
    /// There is too little above the image.
    TooSmall {
        /// How many bytes there are.
        bytes: u64,
    },
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            MapError::ImageOutsideRam { image_end } => {
                write!(
                    f,
                    "the loader's memory map has no RAM at the image's end, {image_end:#x}"
                )
            }
            MapError::TooSmall { bytes } => write!(
                f,
                "the machine has {} KiB of RAM above the image and needs {} KiB: start QEMU with \
                 a larger -m",
                bytes >> 10,
                LEAST >> 10
            ),
        }
    }
}

/// Divides the RAM above `image_end` among all who need some.
///
/// # Errors
/// If the map has no RAM there, or too little.
pub fn divide(usable: impl Iterator<Item = Region>, image_end: u64) -> Result<Plan, MapError> {
    let mut ram = None;
    for region in usable {
        if region.start <= image_end && image_end < region.end {
            ram = Some(Region {
                start: image_end.next_multiple_of(PAGE),
                end: region.end / PAGE * PAGE,
            });
        }
    }
    let ram = ram.ok_or(MapError::ImageOutsideRam { image_end })?;
    if ram.size() < LEAST {
        return Err(MapError::TooSmall { bytes: ram.size() });
    }

    // One table maps 1 GiB by large pages. Two levels lie above; each of the six borders of regions
    // may need a table of small pages, and the registers of two devices need three tables.
    let tables_end = ram.start + (ram.end / (512 * LARGE_PAGE) + 1 + 2 + 6 + 3) * PAGE;
    let heap_size = (ram.size() / 2).min(HEAP_MAX) / PAGE * PAGE;
    let heap = Region {
        start: ram.end - heap_size,
        end: ram.end,
    };

    // What is left between holds the frames, the border, their dirty bytes and the page left out.
    // They begin close to the image, where QEMU has got memory from its host already, a huge page
    // at a time.
    let pool_start = tables_end;
    let left = heap.start - pool_start - PAGE;
    let frames_and_border = (left - PAGE) / (PAGE + 1);
    let frames = u32::try_from(frames_and_border - 1).unwrap_or(u32::MAX - 1);
    let pool = Region {
        start: pool_start,
        end: pool_start + (u64::from(frames) + 1) * PAGE,
    };
    let dirty_size = (u64::from(frames) + 1).next_multiple_of(PAGE);
    let dirty = Region {
        start: pool.end,
        end: pool.end + dirty_size,
    };
    Ok(Plan {
        tables: Region {
            start: ram.start,
            end: tables_end,
        },
        pool,
        frames,
        dirty,
        heap,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn plan(usable: &[(u64, u64)], image_end: u64) -> Result<Plan, MapError> {
        divide(
            usable.iter().map(|&(start, end)| Region { start, end }),
            image_end,
        )
    }

    #[test]
    fn regions_are_in_order_aligned_and_inside_the_ram() {
        for mib in [
            18, 32, 33, 63, 64, 100, 128, 256, 260, 512, 1000, 1284, 3072,
        ] {
            let end = mib * MIB;
            let image_end = MIB + 0x4_d000;
            let plan = plan(&[(0, 0x9_fc00), (MIB, end)], image_end).expect("enough memory");
            let order = [plan.tables, plan.pool, plan.dirty, plan.heap];
            assert!(image_end <= plan.tables.start, "{mib} MiB: {plan:x?}");
            for pair in order.windows(2) {
                assert!(pair[0].end <= pair[1].start, "{mib} MiB: {plan:x?}");
            }
            for region in order {
                assert!(region.start < region.end, "{mib} MiB: {plan:x?}");
                assert_eq!(
                    (region.start % PAGE, region.end % PAGE),
                    (0, 0),
                    "{mib} MiB: {plan:x?}"
                );
            }
            assert!(
                plan.dirty.end < plan.heap.start,
                "{mib} MiB: no page left out: {plan:x?}"
            );
            assert_eq!(plan.heap.end, end);
            assert_eq!(plan.pool.size(), (u64::from(plan.frames) + 1) * PAGE);
            assert!(plan.dirty.size() > u64::from(plan.frames));
        }
    }

    #[test]
    fn a_guest_made_for_a_machine_holds_it() {
        for mem_mib in [1, 16, 64, 128, 256, 512, 1024] {
            let memory_mib = labs::guest::memory_mib(mem_mib);
            let plan = plan(&[(MIB, u64::from(memory_mib) * MIB)], 3 * MIB).expect("enough memory");
            assert!(
                plan.frames >= mem_mib * 256,
                "mem={mem_mib}M in {memory_mib} MiB: {plan:x?}"
            );
        }
    }

    #[test]
    fn the_map_may_be_in_any_order_and_have_odd_borders() {
        let high_first =
            plan(&[(4096 * MIB, 5000 * MIB), (MIB, 64 * MIB + 77)], MIB + 5).expect("enough");
        assert_eq!(high_first.heap.end, 64 * MIB);
        assert_eq!(high_first.tables.start, MIB + PAGE);
    }

    #[test]
    fn too_little_memory_is_an_error() {
        assert_eq!(
            plan(&[(MIB, 9 * MIB)], 2 * MIB),
            Err(MapError::TooSmall { bytes: 7 * MIB })
        );
        assert_eq!(
            plan(&[(4 * MIB, 9 * MIB)], 2 * MIB),
            Err(MapError::ImageOutsideRam { image_end: 2 * MIB })
        );
        assert_eq!(
            plan(&[], 2 * MIB),
            Err(MapError::ImageOutsideRam { image_end: 2 * MIB })
        );
    }
}
