//! Physical memory, from the page descriptors.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use kernel_core::Kernel;
use kernel_core::mem::{MEM, Mem, PageFlag};

use crate::view::{FrameKind, MemoryView, ZoneView};

/// Zones, free areas and the state of every frame.
pub(crate) fn memory(kernel: &Kernel) -> MemoryView {
    let mem = &kernel.mem;
    let zones = (0..).zip(mem.zones()).map(|(number, zone)| {
        let descriptor = &mem[zone];
        ZoneView {
            node: descriptor.node,
            name: descriptor.name().to_string(),
            start: descriptor.start,
            frames: descriptor.spanned,
            free: descriptor.free,
            free_blocks: descriptor
                .free_area
                .iter()
                .map(|area| area.nr_free)
                .collect(),
            per_cpu: (0..mem[MEM].nr_cpus)
                .map(|cpu| mem[mem.per_cpu_pages(number, cpu)].count)
                .collect(),
        }
    });
    MemoryView {
        frames_total: mem.frames(),
        frames_free: mem.free_frames(),
        zones: zones.collect(),
        frames: frame_codes(mem),
    }
}

/// What each frame is used for. A block's first descriptor speaks for all its frames.
fn frame_codes(mem: &Mem) -> Vec<u8> {
    let mut codes = vec![FrameKind::Allocated.code(); mem.frames() as usize];
    let mut frame = 0;
    while frame < mem.frames() {
        let page = &mem[mem.page(frame)];
        let (kind, frames) = if page.is(PageFlag::Reserved) {
            (FrameKind::Reserved, 1)
        } else if page.is(PageFlag::Buddy) {
            (
                FrameKind::Free {
                    order: page.order as u8,
                },
                1 << page.order,
            )
        } else if page.count == 0 {
            // Free, but in no block: it waits on a CPU's list.
            (FrameKind::PerCpu, 1)
        } else {
            let of_objects = [PageFlag::Slab, PageFlag::Slob, PageFlag::Large];
            let kind = if of_objects.into_iter().any(|flag| page.is(flag)) {
                FrameKind::Slab
            } else if page.is(PageFlag::PageCache) {
                FrameKind::PageCache
            } else {
                FrameKind::Allocated
            };
            (kind, 1 << page.order)
        };
        let end = (frame + frames).min(mem.frames());
        codes[frame as usize..end as usize].fill(kind.code());
        frame = end;
    }
    codes
}
