//! The page allocator: pages one by one, and blocks of several sizes.

use kernel_core::Kernel;
use kernel_core::mem::{Gfp, Page, Ref};

use crate::{Measured, Random, Workload, crowd};

/// Frames; as many more are the machine's.
const SIZES: &[u32] = &[512, 4_096, 32_768];
const GATED: u32 = 4_096;
/// Blocks that come and go in one measurement.
const PAIRS: u32 = 10_000;
/// Blocks of 1, 2, 4 and 8 pages.
const ORDERS: usize = 4;

pub const ORDER_0: Workload = Workload {
    name: "buddy.order0",
    what: "a page is allocated, and later freed, in random order; size: pages in use at most",
    sizes: SIZES,
    gated: GATED,
    growth: 0.0,
    make: |size| {
        let kernel = kernel(size);
        let random = Random(1);
        let pages = Vec::with_capacity(size as usize);
        Box::new(Single {
            kernel,
            random,
            pages,
            size,
        })
    },
};

pub const MIXED: Workload = Workload {
    name: "buddy.mixed",
    what: "a random block of 1 to 8 pages is freed, and another of 1 to 8 allocated; size: pages in use",
    sizes: SIZES,
    gated: GATED,
    growth: 0.0,
    make: |size| Box::new(Mixed::new(size)),
};

fn kernel(size: u32) -> Kernel {
    crowd::kernel(&format!("mem={}M", 16 + 2 * size / 256))
}

/// Every page is allocated, then freed.
struct Single {
    kernel: Kernel,
    random: Random,
    pages: Vec<Ref<Page>>,
    size: u32,
}

impl Measured for Single {
    fn prepare(&mut self) {
        self.random = Random(1);
    }

    fn run(&mut self) -> u64 {
        let mem = &mut self.kernel.mem;
        for _ in 0..self.size {
            self.pages
                .push(mem.alloc_pages(Gfp::KERNEL, 0, None).expect("a page"));
        }
        // The order costs a few instructions a page as well, the same ones everywhere.
        while !self.pages.is_empty() {
            let place = self.random.below(self.pages.len());
            mem.put_page(self.pages.swap_remove(place));
        }
        u64::from(self.size)
    }
}

/// Half of the memory is in use, in blocks that come and go.
struct Mixed {
    kernel: Kernel,
    blocks: Vec<Ref<Page>>,
    /// Which block goes, and how large the next one is.
    changes: Vec<(u32, u32)>,
    size: u32,
}

impl Mixed {
    fn new(size: u32) -> Mixed {
        let mut mixed = Mixed {
            kernel: kernel(size),
            blocks: Vec::new(),
            changes: Vec::new(),
            size,
        };
        mixed.fill();
        let mut random = Random(2);
        mixed.changes = (0..PAIRS)
            .map(|_| {
                (
                    random.below(mixed.blocks.len()) as u32,
                    random.below(ORDERS) as u32,
                )
            })
            .collect();
        mixed
    }

    fn fill(&mut self) {
        let mem = &mut self.kernel.mem;
        let mut random = Random(3);
        let mut held = 0;
        while held < self.size {
            let order = random.below(ORDERS) as u32;
            self.blocks
                .push(mem.alloc_pages(Gfp::KERNEL, order, None).expect("a block"));
            held += 1 << order;
        }
    }
}

impl Measured for Mixed {
    fn prepare(&mut self) {
        for block in self.blocks.drain(..) {
            self.kernel.mem.put_page(block);
        }
        self.fill();
    }

    fn run(&mut self) -> u64 {
        let mem = &mut self.kernel.mem;
        for &(place, order) in &self.changes {
            let place = place as usize;
            mem.put_page(self.blocks[place]);
            self.blocks[place] = mem.alloc_pages(Gfp::KERNEL, order, None).expect("a block");
        }
        u64::from(PAIRS)
    }
}
