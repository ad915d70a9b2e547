//! SLOB's ring as blocks.
//!
//! The ring itself is a list of what is free. Where one used block ends and the next begins only
//! those know who use them, so they are asked: caches, the console's handles, files, trees. What none
//! of them owns up to is told as one block, up to the next that is known or the end of its page.

use alloc::vec;
use alloc::vec::Vec;

use kernel_core::fs;
use kernel_core::mem::{Mem, Ref, UNIT, UNITS_PER_FRAME};
use kernel_core::radix_tree::{self, MAP_SIZE, RadixTreeRoot};
use kernel_core::shell::{self, NamedTree};
use kernel_core::slab::{self, KmemCache, play, slob};

/// A block of the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// Where it begins, in units.
    pub at: u32,
    /// Its length in units.
    pub units: u32,
    /// Whether it is free.
    pub is_free: bool,
    /// The cache that it was given out for, if that is known.
    pub cache: Option<Ref<KmemCache>>,
}

impl Block {
    fn end(&self) -> u32 {
        self.at + self.units
    }
}

/// Blocks on their way into order: those that begin in each frame, in order. (A sort would take more
/// code than it is worth.)
struct Blocks(Vec<Vec<Block>>);

impl Blocks {
    fn push(&mut self, block: Block) {
        if let Some(frame) = self.0.get_mut((block.at / UNITS_PER_FRAME) as usize)
            && let Err(place) = frame.binary_search_by_key(&block.at, |other| other.at)
        {
            frame.insert(place, block);
        }
    }

    fn add(&mut self, mem: &Mem, cache: Option<Ref<KmemCache>>, at: u32) {
        if let Some(cache) = cache {
            self.push(Block {
                at,
                units: mem[cache].size / UNIT as u32,
                is_free: false,
                cache: Some(cache),
            });
        }
    }

    fn add_nodes(&mut self, mem: &Mem, root: Ref<RadixTreeRoot>) {
        let RadixTreeRoot { height, rnode, .. } = mem[root];
        let cache = slab::find(mem, "radix_tree_node");
        let mut nodes = vec![(rnode, height)];
        while let Some((node, height)) = nodes.pop() {
            if node.is_null() || height == 0 {
                continue;
            }
            self.add(mem, cache, node.unit());
            if height > 1 {
                let present = mem[node].present;
                let used = (0..MAP_SIZE).filter(|slot| present >> slot & 1 != 0);
                nodes.extend(used.map(|slot| (mem[node].child(slot), height - 1)));
            }
        }
    }
}

/// The blocks that are known, in the order of their addresses.
pub(super) struct Ring(Vec<Block>);

impl Ring {
    /// Asks everybody.
    pub fn read(mem: &Mem) -> Ring {
        let mut ring = Blocks(vec![Vec::new(); mem.frames() as usize]);
        for (block, content) in slob::free_blocks(mem) {
            ring.push(Block {
                at: block.unit(),
                units: content.units,
                is_free: true,
                cache: None,
            });
        }
        let named = |name| slab::find(mem, name);
        for cache in slab::caches(mem) {
            ring.add(mem, named("kmem_cache"), cache.unit());
        }
        for handle in play::handles(mem) {
            ring.add(mem, named("kmem_handle"), handle.unit());
            ring.add(mem, Some(mem[handle].cache), mem[handle].object.unit());
        }
        for tree in shell::trees(mem) {
            ring.add(mem, named("radix_tree_root"), tree.unit());
            ring.add_nodes(mem, NamedTree::root_of(tree));
        }
        for node in radix_tree::all_preloaded(mem) {
            ring.add(mem, named("radix_tree_node"), node.unit());
        }
        let mut dentries: Vec<_> = fs::resolve(mem, "/").into_iter().collect();
        while let Some(dentry) = dentries.pop() {
            ring.add(mem, named("dentry"), dentry.unit());
            let inode = mem[dentry].inode;
            if !inode.is_null() {
                ring.add(mem, named("inode_cache"), inode.unit());
                ring.add(mem, named("mnt_cache"), mem[inode].mount.unit());
                // An inode begins with its tree.
                ring.add_nodes(mem, inode.cast());
            }
            for child in fs::children(mem, dentry) {
                let root = fs::mounted_root(mem, child);
                dentries.push(child);
                if root != child {
                    dentries.push(root);
                }
            }
        }
        Ring(ring.0.concat())
    }

    /// The block that holds the address `at`.
    pub fn block_at(&self, at: u32) -> Block {
        let next = self.0.partition_point(|block| block.at <= at);
        let before = next.checked_sub(1).map(|before| self.0[before]);
        if let Some(block) = before.filter(|block| at < block.end()) {
            return block;
        }
        let page = at / UNITS_PER_FRAME * UNITS_PER_FRAME;
        let start = before.map_or(page, |block| block.end().max(page));
        let end = self.0.get(next).map_or(u32::MAX, |block| block.at);
        Block {
            at: start,
            units: end.min(page + UNITS_PER_FRAME) - start,
            is_free: false,
            cache: None,
        }
    }

    /// The blocks of a page; what reaches beyond it is cut off.
    pub fn blocks_of(&self, frame: u32) -> Vec<Block> {
        let (mut at, end) = (frame * UNITS_PER_FRAME, (frame + 1) * UNITS_PER_FRAME);
        let mut blocks = Vec::new();
        while at < end {
            let block = self.block_at(at);
            let block_end = block.end().min(end);
            blocks.push(Block {
                at,
                units: block_end - at,
                ..block
            });
            at = block_end;
        }
        blocks
    }
}
