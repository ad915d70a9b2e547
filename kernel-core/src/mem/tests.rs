//! The page allocator: against its invariants after every step, and at its borders.

extern crate std;

use std::vec::Vec;

use super::*;
use crate::testing::Random;

/// What a fresh frame holds. Whole frames are compared: Miri would take minutes for their bytes.
const ZEROES: [u8; FRAME_SIZE] = [0; FRAME_SIZE];

fn boot(header: &str) -> Mem {
    let config = MachineConfig::parse(header).unwrap();
    Mem::boot(Ram::new(config.frames).unwrap(), &config)
}

/// Free blocks by order, over all zones.
fn free_blocks(mem: &Mem) -> [u32; MAX_ORDER] {
    let mut total = [0; MAX_ORDER];
    for zone in mem.zones() {
        for (total, area) in total.iter_mut().zip(&mem[zone].free_area) {
            *total += area.nr_free;
        }
    }
    total
}

#[test]
fn zones_follow_nodes_and_the_dma_limit() {
    let shape = |header| {
        let mem = boot(header);
        mem.zones()
            .map(|zone| {
                (
                    mem[zone].node,
                    mem[zone].name(),
                    mem[zone].start,
                    mem[zone].spanned,
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        shape("mem=64M"),
        [(0, "DMA", 0, 4096), (0, "Normal", 4096, 12288)]
    );
    assert_eq!(
        shape("mem=64M nodes=2"),
        [
            (0, "DMA", 0, 4096),
            (0, "Normal", 4096, 4096),
            (1, "Normal", 8192, 8192)
        ]
    );
    assert_eq!(
        shape("mem=1M nodes=4"),
        [
            (0, "DMA", 0, 64),
            (1, "Normal", 64, 64),
            (2, "Normal", 128, 64),
            (3, "Normal", 192, 64)
        ]
    );
}

/// Halving a block gives one free block of each order below; joining gives the whole back.
#[test]
fn blocks_split_and_coalesce() {
    let mut mem = boot("mem=20M");
    let before = free_blocks(&mem);
    let page = mem.alloc_pages(Gfp::KERNEL, 3, None).unwrap();
    let mut split = before;
    // Nothing between order 3 and 10 was free in the zone, so the last whole block was halved.
    split[10] -= 1;
    for blocks in &mut split[3..10] {
        *blocks += 1;
    }
    assert_eq!(free_blocks(&mem), split);
    mem.check_buddy().unwrap();
    mem.put_page(page);
    assert_eq!(free_blocks(&mem), before);
    mem.check_buddy().unwrap();
}

#[test]
fn orders_and_zones_are_respected() {
    let mut mem = boot("mem=64M nodes=2 cpus=2");
    assert_eq!(mem.alloc_pages(Gfp::KERNEL, 11, None), Err(Errno::EINVAL));
    let frame = |mem: &mut Mem, gfp, order, node| {
        let page = mem.alloc_pages(gfp, order, node).unwrap();
        mem.frame_of(page)
    };
    assert!(
        (4096..8192).contains(&frame(&mut mem, Gfp::KERNEL, 0, None)),
        "the CPU's node, not DMA"
    );
    assert!(frame(&mut mem, Gfp::DMA, 0, None) < 4096);
    assert!(frame(&mut mem, Gfp::KERNEL, 0, Some(1)) >= 8192);
    mem.set_cpu(1).unwrap();
    assert!(
        frame(&mut mem, Gfp::KERNEL, 0, None) >= 8192,
        "CPU 1 belongs to node 1"
    );
    let largest = frame(&mut mem, Gfp::KERNEL, 10, None);
    assert_eq!(largest % 1024, 0);
    assert_eq!(mem.set_cpu(2), Err(Errno::EINVAL));
    if cfg!(miri) {
        // Taking page after page would last for hours.
        return;
    }
    // When a node is used up the next one serves, and DMA comes last.
    let mut last = 0;
    while let Ok(page) = mem.alloc_page(Gfp::KERNEL) {
        last = mem.frame_of(page);
    }
    assert!(last < 4096);
    assert_eq!(mem.alloc_page(Gfp::ATOMIC), Err(Errno::ENOMEM));
}

#[test]
fn a_zeroed_page_is_zero() {
    let mut mem = boot("mem=1M");
    let page = mem.alloc_page(Gfp::KERNEL).unwrap();
    let frame = mem.frame_of(page);
    mem.frame_mut(frame).fill(0xff);
    mem.put_page(page);
    let page = mem.alloc_page(Gfp::KERNEL.with(Gfp::ZERO)).unwrap();
    assert_eq!(mem.frame_of(page), frame, "the hottest page is reused");
    assert_eq!(*mem.frame(frame), ZEROES);
}

#[test]
#[should_panic(expected = "free page")]
fn a_double_free_is_caught() {
    let mut mem = boot("mem=1M");
    let page = mem.alloc_page(Gfp::KERNEL).unwrap();
    mem.put_page(page);
    mem.put_page(page);
}

#[test]
fn the_chosen_allocation_fails() {
    let mut mem = boot("mem=1M");
    mem.set_fail_nth(2);
    assert!(mem.alloc_page(Gfp::KERNEL).is_ok());
    assert_eq!(mem.alloc_page(Gfp::KERNEL), Err(Errno::ENOMEM));
    assert!(mem.alloc_page(Gfp::KERNEL).is_ok());
    assert_eq!(
        mem[crate::trace::TRACE].events,
        3,
        "the failure is an event as well"
    );
}

/// Allocates and frees at random on every CPU, checks everything after each step, and ends with the
/// free lists that it began with.
#[test]
fn any_history_ends_where_it_began() {
    for (seed, header) in [
        (1, "mem=1M"),
        (2, "mem=3M nodes=3 cpus=3"),
        (3, "mem=20M nodes=2 cpus=8"),
        (4, "mem=1044K nodes=4 cpus=4"),
    ] {
        let mut mem = boot(header);
        let before = free_blocks(&mem);
        let mut source = Random(seed);
        let mut random = |below: u64| source.below(below);
        let mut held: Vec<Ref<Page>> = Vec::new();
        // Miri takes a thousand times as long for a step.
        for step in 0..if cfg!(miri) { 30 } else { 1500 } {
            mem.set_cpu(random(u64::from(mem[MEM].nr_cpus)) as u32)
                .unwrap();
            // Phases of growth and of decline, so that memory runs out now and then.
            if random(10) < if step / 300 % 2 == 0 { 8 } else { 3 } {
                let order = if random(3) == 0 { random(6) as u32 } else { 0 };
                let gfp = [Gfp::KERNEL, Gfp::ATOMIC, Gfp::DMA][random(3) as usize];
                if let Ok(page) = mem.alloc_pages(gfp, order, None) {
                    assert!(!held.contains(&page));
                    held.push(page);
                }
            } else if !held.is_empty() {
                let page = held.swap_remove(random(held.len() as u64) as usize);
                mem.put_page(page);
            }
            if step % 10 == 0 {
                mem.check_buddy()
                    .unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error}"));
            }
        }
        for page in held {
            mem.put_page(page);
        }
        mem.drain_all_pages();
        mem.check_buddy().unwrap();
        assert_eq!(free_blocks(&mem), before, "seed {seed}");
        assert_eq!(mem.free_frames(), mem[MEM].managed);
    }
}

/// The memory knows what was written since it was last asked, also across a frame's border.
#[test]
fn writes_leave_traces() {
    let mut mem = boot("mem=1M");
    mem.ram_mut().clean();
    assert_eq!(mem.ram().dirty_frames().count(), 0);
    let across: Ref<[u64; 4]> = Ref::new(100 * UNITS_PER_FRAME - 2);
    mem[across] = [1; 4];
    assert_eq!(mem.ram().dirty_frames().collect::<Vec<_>>(), [99, 100]);
    let mut ram = mem.into_ram();
    ram.power_cycle();
    assert_eq!(ram.touched_frames().count(), 0);
    assert!((0..ram.frames()).all(|frame| *ram.frame(frame) == ZEROES));
}

/// The last frames count as well where they are no whole run of those that are looked at together.
#[test]
fn writes_to_the_last_frames_leave_traces() {
    let mut mem = boot("mem=1036K");
    let frames = mem.frames();
    assert_eq!(frames % 32, 3);
    mem.ram_mut().clean();
    let marked = [0, 31, 32, frames - 4, frames - 1];
    for frame in marked {
        // Whoever may write to a frame makes it dirty.
        mem.ram_mut().frame_mut(frame);
    }
    assert_eq!(mem.ram().dirty_frames().collect::<Vec<_>>(), marked);
    mem.ram_mut().clean();
    assert_eq!(mem.ram().dirty_frames().count(), 0);
    assert!(mem.ram().touched_frames().any(|frame| frame == frames - 1));
}

/// A smaller machine in the memory of a larger one, and back: always zeroed.
#[test]
fn memory_is_refitted() {
    let mut ram = boot("mem=2M").into_ram();
    assert!(!ram.refit(513));
    assert!(
        ram.touched_frames().count() > 0,
        "a refusal changes nothing"
    );
    for frames in [300, 512, 1] {
        assert!(ram.refit(frames));
        assert_eq!(ram.frames(), frames);
        for frame in 0..frames {
            assert_eq!(*ram.frame(frame), ZEROES);
            ram.frame_mut(frame).fill(1);
        }
    }
}

#[test]
#[should_panic(expected = "outside physical memory")]
fn a_wild_pointer_is_caught() {
    let mem = boot("mem=1M");
    let wild: Ref<u64> = Ref::new(256 * UNITS_PER_FRAME);
    let _ = mem[wild];
}
