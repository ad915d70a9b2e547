//! The radix tree: keys 0 to n in random order go in, are looked up, and go out.

use std::hint::black_box;

use kernel_core::Kernel;
use kernel_core::mem::{Gfp, Ref};
use kernel_core::radix_tree::{self, RadixTreeRoot, Tag};
use kernel_core::slab::{self, Constructor};

use crate::{Measured, Random, Workload, crowd};

const SIZES: &[u32] = &[10_000, 100_000, 1_000_000];
const GATED: u32 = 10_000;

/// Items that a batch holds.
const BATCH: usize = 16;
/// Every so manieth key is tagged.
const TAGGED: usize = 16;

pub const INSERT: Workload = Workload {
    name: "radix.insert",
    what: "an item goes into a radix tree under a key, the keys in random order; size: keys",
    sizes: SIZES,
    gated: GATED,
    growth: 0.0,
    make: |size| Tree::boxed(size, Work::Insert),
};

pub const LOOKUP: Workload = Workload {
    name: "radix.lookup",
    what: "a radix tree is asked for a key's item, in random order; size: keys",
    sizes: SIZES,
    gated: GATED,
    growth: 0.0,
    make: |size| Tree::boxed(size, Work::Lookup),
};

pub const DELETE: Workload = Workload {
    name: "radix.delete",
    what: "an item is taken out of a radix tree, in random order; size: keys",
    sizes: SIZES,
    gated: GATED,
    growth: 0.0,
    make: |size| Tree::boxed(size, Work::Delete),
};

pub const GANG_TAGGED: Workload = Workload {
    name: "radix.gang_tagged",
    what: "of all items a sixteenth is tagged, and read in batches of 16, an item of these; size: keys",
    sizes: SIZES,
    gated: GATED,
    growth: 0.0,
    make: |size| Tree::boxed(size, Work::GangTagged),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Insert,
    Lookup,
    Delete,
    GangTagged,
}

struct Tree {
    kernel: Kernel,
    root: Ref<RadixTreeRoot>,
    work: Work,
    /// In the order in which they go in and out; key number i is that of item i + 1.
    keys: Vec<u64>,
    /// In the order in which they are asked for.
    asked: Vec<u64>,
    is_full: bool,
}

impl Tree {
    fn boxed(size: u32, work: Work) -> Box<dyn Measured> {
        let mut kernel = crowd::kernel("mem=64M");
        let mem = &mut kernel.mem;
        let bytes = size_of::<RadixTreeRoot>() as u32;
        let cache = slab::kmem_cache_create(mem, "bench_root", bytes, 8, Constructor::None);
        let root = slab::kmem_cache_alloc(mem, cache.expect("a cache"), Gfp::KERNEL);
        let root = root.expect("a root");
        mem[root] = radix_tree::init(Gfp::KERNEL);
        let mut keys: Vec<u64> = (0..u64::from(size)).collect();
        let mut random = Random(u64::from(size));
        random.shuffle(&mut keys);
        let mut asked = keys.clone();
        random.shuffle(&mut asked);
        let mut tree = Tree {
            kernel,
            root,
            work,
            keys,
            asked,
            is_full: false,
        };
        if work == Work::GangTagged {
            tree.fill();
            for &key in tree.asked.iter().step_by(TAGGED) {
                let tagged = radix_tree::tag_set(&mut tree.kernel.mem, tree.root, key, Tag::Zero);
                tagged.expect("it is in the tree");
            }
        }
        Box::new(tree)
    }

    fn fill(&mut self) {
        for (item, &key) in (1..).zip(&self.keys) {
            radix_tree::insert(&mut self.kernel.mem, self.root, key, item).expect("room");
        }
        self.is_full = true;
    }

    fn empty(&mut self) {
        for &key in &self.asked {
            let item = radix_tree::delete(&mut self.kernel.mem, self.root, key);
            assert!(item.is_some(), "key {key} was there");
        }
        self.is_full = false;
    }

    /// Reads the tagged items in batches, and returns how many there were.
    fn gang(&self) -> u64 {
        let (mut done, mut first) = (0, 0);
        let mut items = [0; BATCH];
        loop {
            let mem = &self.kernel.mem;
            let found = radix_tree::gang_lookup_tag(mem, self.root, &mut items, first, Tag::Zero);
            done += found as u64;
            if found < BATCH {
                return done;
            }
            first = self.keys[items[found - 1] as usize - 1] + 1;
        }
    }
}

impl Measured for Tree {
    fn prepare(&mut self) {
        let is_full = self.work != Work::Insert;
        if is_full && !self.is_full {
            self.fill();
        } else if !is_full && self.is_full {
            self.empty();
        }
    }

    fn run(&mut self) -> u64 {
        match self.work {
            Work::Insert => self.fill(),
            Work::Delete => self.empty(),
            Work::Lookup => {
                for &key in &self.asked {
                    black_box(radix_tree::lookup(&self.kernel.mem, self.root, key));
                }
            }
            Work::GangTagged => return self.gang(),
        }
        self.keys.len() as u64
    }
}
