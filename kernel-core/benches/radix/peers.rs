//! The structures that are compared, behind one trait.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::BuildHasher;

use hashbrown::HashMap;
use kernel_core::Kernel;
use kernel_core::machine::MachineConfig;
use kernel_core::mem::{FRAME_SIZE, Gfp, Ram, Ref};
use kernel_core::radix_tree::{self, RADIX_TREE, RadixTreeNode, RadixTreeRoot, Tag};
use kernel_core::slab::{self, Constructor};

use super::BATCH;

/// A map from 64-bit keys to numbered items. Whatever changes it tells whether it did.
pub trait Tree: Sized {
    /// Its name in the tables.
    const NAME: &'static str;
    /// Whether items can be tagged.
    const TAGS: bool = true;
    /// Whether items can be read in batches, in the order of their keys.
    const GANGS: bool = true;
    /// Whether that also works in bearable time when keys are far apart.
    const SPARSE_GANGS: bool = true;

    /// An empty one.
    fn new() -> Self;
    /// An empty one for the next round.
    fn renew(self) -> Self {
        Self::new()
    }
    /// Makes whatever an owner of `_count` items would have already.
    fn prepare(&mut self, _count: usize) {}
    fn insert(&mut self, key: u64, item: u32) -> bool;
    fn lookup(&self, key: u64) -> Option<u32>;
    fn delete(&mut self, key: u64) -> bool;
    fn tag_set(&mut self, _key: u64) -> bool {
        false
    }
    fn tag_clear(&mut self, _key: u64) -> bool {
        false
    }
    /// Reads a batch from the key `first` on: how many items there were, and the key behind the
    /// last. `keys[i]` is the key of item i + 1: an item knows its key, as a page knows its index.
    fn gang(&self, _first: u64, _items: &mut [u32; BATCH], _keys: &[u64]) -> (usize, u64) {
        (0, 0)
    }
    /// The same for tagged items.
    fn gang_tagged(&self, _first: u64, _items: &mut [u32; BATCH], _keys: &[u64]) -> (usize, u64) {
        (0, 0)
    }
}

/// Ours, in a kernel of its own that lives through all rounds: its memory, like a real machine's,
/// has been touched before.
pub struct Glass {
    kernel: Kernel,
    root: Ref<RadixTreeRoot>,
}

impl Glass {
    /// Bytes in nodes, in the slab objects that hold them, and in the pages under those.
    pub fn bytes(&self) -> [u64; 3] {
        let mem = &self.kernel.mem;
        let cache = mem[RADIX_TREE].node_cache;
        let counts = slab::counts(mem, cache);
        let nodes = u64::from(counts.active_objects);
        [
            nodes * size_of::<RadixTreeNode>() as u64,
            nodes * u64::from(mem[cache].size),
            (u64::from(counts.slabs) << mem[cache].order) * FRAME_SIZE as u64,
        ]
    }
}

/// The key behind the last item of a batch.
fn behind(items: &[u32], keys: &[u64]) -> u64 {
    items.last().map_or(0, |&item| keys[item as usize - 1] + 1)
}

impl Tree for Glass {
    const NAME: &'static str = "Glass Kernel";

    fn new() -> Glass {
        let config = MachineConfig::parse("mem=1G").expect("a machine");
        let ram = Ram::new(config.frames).expect("1 GiB of address space");
        let mut kernel = Kernel::boot(ram, &config).expect("a kernel");
        let mem = &mut kernel.mem;
        let size = size_of::<RadixTreeRoot>() as u32;
        let cache = slab::kmem_cache_create(mem, "bench_root", size, 8, Constructor::None);
        let root = slab::kmem_cache_alloc(mem, cache.expect("a cache"), Gfp::KERNEL);
        let root = root.expect("a root");
        mem[root] = radix_tree::init(Gfp::KERNEL);
        Glass { kernel, root }
    }

    fn renew(self) -> Glass {
        self
    }

    #[inline(always)]
    fn insert(&mut self, key: u64, item: u32) -> bool {
        radix_tree::insert(&mut self.kernel.mem, self.root, key, item).is_ok()
    }

    #[inline(always)]
    fn lookup(&self, key: u64) -> Option<u32> {
        radix_tree::lookup(&self.kernel.mem, self.root, key)
    }

    #[inline(always)]
    fn delete(&mut self, key: u64) -> bool {
        radix_tree::delete(&mut self.kernel.mem, self.root, key).is_some()
    }

    #[inline(always)]
    fn tag_set(&mut self, key: u64) -> bool {
        radix_tree::tag_set(&mut self.kernel.mem, self.root, key, Tag::Zero).is_ok()
    }

    #[inline(always)]
    fn tag_clear(&mut self, key: u64) -> bool {
        radix_tree::tag_clear(&mut self.kernel.mem, self.root, key, Tag::Zero).is_some()
    }

    #[inline(always)]
    fn gang(&self, first: u64, items: &mut [u32; BATCH], keys: &[u64]) -> (usize, u64) {
        let found = radix_tree::gang_lookup(&self.kernel.mem, self.root, items, first);
        (found, behind(&items[..found], keys))
    }

    #[inline(always)]
    fn gang_tagged(&self, first: u64, items: &mut [u32; BATCH], keys: &[u64]) -> (usize, u64) {
        let mem = &self.kernel.mem;
        let found = radix_tree::gang_lookup_tag(mem, self.root, items, first, Tag::Zero);
        (found, behind(&items[..found], keys))
    }
}

/// The standard library's B-tree; a second one keeps the tagged keys.
pub struct BTree {
    items: BTreeMap<u64, u32>,
    tagged: BTreeSet<u64>,
}

impl Tree for BTree {
    const NAME: &'static str = "BTreeMap";

    fn new() -> BTree {
        BTree {
            items: BTreeMap::new(),
            tagged: BTreeSet::new(),
        }
    }

    #[inline(always)]
    fn insert(&mut self, key: u64, item: u32) -> bool {
        self.items.insert(key, item).is_none()
    }

    #[inline(always)]
    fn lookup(&self, key: u64) -> Option<u32> {
        self.items.get(&key).copied()
    }

    #[inline(always)]
    fn delete(&mut self, key: u64) -> bool {
        self.items.remove(&key).is_some()
    }

    #[inline(always)]
    fn tag_set(&mut self, key: u64) -> bool {
        self.items.contains_key(&key) && self.tagged.insert(key)
    }

    #[inline(always)]
    fn tag_clear(&mut self, key: u64) -> bool {
        self.tagged.remove(&key)
    }

    #[inline(always)]
    fn gang(&self, first: u64, items: &mut [u32; BATCH], _: &[u64]) -> (usize, u64) {
        let (mut found, mut next) = (0, first);
        for ((&key, &item), place) in self.items.range(first..).zip(items) {
            *place = item;
            next = key + 1;
            found += 1;
        }
        (found, next)
    }

    #[inline(always)]
    fn gang_tagged(&self, first: u64, items: &mut [u32; BATCH], _: &[u64]) -> (usize, u64) {
        let (mut found, mut next) = (0, first);
        for (&key, place) in self.tagged.range(first..).zip(items) {
            *place = self.items[&key];
            next = key + 1;
            found += 1;
        }
        (found, next)
    }
}

/// hashbrown with one of two hash functions. It knows no order, so it reads no batches.
pub struct Hash<S>(HashMap<u64, u32, S>);

/// With foldhash, its default.
pub type Fold = Hash<foldhash::fast::FixedState>;
/// With the Rust compiler's own.
pub type Fx = Hash<rustc_hash::FxBuildHasher>;

/// What a hasher is called.
pub trait Named: BuildHasher + Default {
    /// The whole row's name.
    const NAME: &'static str;
}

impl Named for foldhash::fast::FixedState {
    const NAME: &'static str = "hashbrown, foldhash";
}

impl Named for rustc_hash::FxBuildHasher {
    const NAME: &'static str = "hashbrown, fxhash";
}

impl<S: Named> Tree for Hash<S> {
    const NAME: &'static str = <S as Named>::NAME;
    const TAGS: bool = false;
    const GANGS: bool = false;

    fn new() -> Self {
        Hash(HashMap::with_hasher(S::default()))
    }

    #[inline(always)]
    fn insert(&mut self, key: u64, item: u32) -> bool {
        self.0.insert(key, item).is_none()
    }

    #[inline(always)]
    fn lookup(&self, key: u64) -> Option<u32> {
        self.0.get(&key).copied()
    }

    #[inline(always)]
    fn delete(&mut self, key: u64) -> bool {
        self.0.remove(&key).is_some()
    }
}

/// The `xarray` crate. Its items are pointers: boxes made beforehand, which no operation opens.
#[cfg(feature = "xarray")]
#[expect(
    clippy::vec_box,
    reason = "the array holds pointers to items that stay where they are"
)]
pub struct Xarray {
    array: xarray::XArray<Box<u32>, xarray::XMark>,
    outside: Vec<Box<u32>>,
}

#[cfg(feature = "xarray")]
impl Tree for Xarray {
    const NAME: &'static str = "xarray crate";
    // It goes from key to key, not from item to item.
    const SPARSE_GANGS: bool = false;

    fn new() -> Xarray {
        Xarray {
            array: xarray::XArray::new(),
            outside: Vec::new(),
        }
    }

    fn renew(self) -> Xarray {
        Xarray {
            array: xarray::XArray::new(),
            ..self
        }
    }

    fn prepare(&mut self, count: usize) {
        let missing = count - self.outside.len();
        self.outside.extend((0..missing).map(|_| Box::new(1)));
    }

    #[inline(always)]
    fn insert(&mut self, key: u64, _: u32) -> bool {
        let item = self.outside.pop().expect("a box");
        self.array.store(key, item).is_none()
    }

    #[inline(always)]
    fn lookup(&self, key: u64) -> Option<u32> {
        let item = self.array.load(key)?;
        Some(std::ptr::from_ref::<u32>(&item) as usize as u32)
    }

    #[inline(always)]
    fn delete(&mut self, key: u64) -> bool {
        let item = self.array.remove(key);
        let removed = item.is_some();
        self.outside.extend(item);
        removed
    }

    #[inline(always)]
    fn tag_set(&mut self, key: u64) -> bool {
        let mut cursor = self.array.cursor_mut(key);
        cursor.set_mark(xarray::XMark::Mark0).is_ok()
    }

    #[inline(always)]
    fn tag_clear(&mut self, key: u64) -> bool {
        let mut cursor = self.array.cursor_mut(key);
        cursor.unset_mark(xarray::XMark::Mark0).is_ok()
    }

    #[inline(always)]
    fn gang(&self, first: u64, items: &mut [u32; BATCH], keys: &[u64]) -> (usize, u64) {
        let (mut found, mut next) = (0, first);
        let range = self.array.range(first..keys.len() as u64);
        for ((key, item), place) in range.zip(items) {
            *place = std::ptr::from_ref::<u32>(&item) as usize as u32;
            next = key + 1;
            found += 1;
        }
        (found, next)
    }

    #[inline(always)]
    fn gang_tagged(&self, first: u64, items: &mut [u32; BATCH], keys: &[u64]) -> (usize, u64) {
        let mut found = 0;
        let mut cursor = self.array.cursor(first);
        while found < BATCH && cursor.index() < keys.len() as u64 {
            if cursor.is_marked(xarray::XMark::Mark0)
                && let Some(item) = cursor.load()
            {
                items[found] = std::ptr::from_ref::<u32>(&item) as usize as u32;
                found += 1;
            }
            cursor.next();
        }
        (found, cursor.index())
    }
}

/// Bytes of memory that this process occupies.
pub fn resident() -> f64 {
    let pages = fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split(' ').nth(1)?.parse::<u32>().ok());
    f64::from(pages.unwrap_or(0)) * FRAME_SIZE as f64
}
