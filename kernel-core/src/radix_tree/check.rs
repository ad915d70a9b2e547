//! The invariants of a tree, and its measures.

use super::{MAP_SHIFT, MAP_SIZE, MAX_HEIGHT, RADIX_TREE, RadixTreeNode, RadixTreeRoot};
use crate::mem::{Mem, Page, PageFlag, Ref};

/// Measures of a tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stat {
    /// Levels.
    pub height: u32,
    /// Nodes.
    pub nodes: u64,
    /// Items.
    pub items: u64,
}

/// A walk over all nodes, parents before children, that needs no heap: one position a level.
struct Walk {
    stack: [(Ref<RadixTreeNode>, usize); MAX_HEIGHT],
    depth: usize,
    height: usize,
}

impl Walk {
    fn new(mem: &Mem, root: Ref<RadixTreeRoot>) -> Walk {
        let RadixTreeRoot { height, rnode, .. } = mem[root];
        let mut stack = [(Ref::NULL, 0); MAX_HEIGHT];
        stack[0] = (rnode, 0);
        Walk {
            stack,
            depth: usize::from(!rnode.is_null()),
            height: height as usize,
        }
    }

    /// The next node and its distance from the leaves, once on the way down.
    fn next(&mut self, mem: &Mem) -> Option<(Ref<RadixTreeNode>, u32)> {
        while self.depth > 0 {
            let level = self.depth - 1;
            let (node, slot) = self.stack[level];
            if slot == 0 {
                self.stack[level].1 = 1;
                return Some((node, (self.height - self.depth) as u32));
            }
            let leaf = self.depth == self.height;
            let next = (slot - 1..MAP_SIZE).find(|&slot| !leaf && mem[node].slots[slot] != 0);
            match next {
                Some(slot) => {
                    self.stack[level].1 = slot + 2;
                    self.stack[self.depth] = (mem[node].child(slot), 0);
                    self.depth += 1;
                }
                None => self.depth -= 1,
            }
        }
        None
    }
}

/// Measures a tree by walking it.
pub fn stat(mem: &Mem, root: Ref<RadixTreeRoot>) -> Stat {
    let mut stat = Stat {
        height: mem[root].height,
        ..Stat::default()
    };
    let mut walk = Walk::new(mem, root);
    while let Some((node, level)) = walk.next(mem) {
        stat.nodes += 1;
        if level == 0 {
            stat.items += u64::from(mem[node].count());
        }
    }
    stat
}

/// Checks a tree's invariants (specs/memory.md 1.7).
///
/// # Errors
/// A sentence that names the first violation.
pub fn check(mem: &Mem, root: Ref<RadixTreeRoot>) -> Result<(), &'static str> {
    let RadixTreeRoot {
        height,
        rnode,
        stale,
        ..
    } = mem[root];
    let mut derived = mem[root];
    derived.set_height(height);
    if (derived.max_key, derived.top_shift) != (mem[root].max_key, mem[root].top_shift) {
        return Err("radix tree: what is derived from the height is not what the height says");
    }
    if height as usize > MAX_HEIGHT {
        return Err("radix tree: higher than a 64-bit key demands");
    }
    if rnode.is_null() {
        // A failed first insertion may leave the height behind.
        return if height == 0 || stale != 0 {
            Ok(())
        } else {
            Err("radix tree: empty but high")
        };
    }
    if height == 0 {
        return Err("radix tree: a node but no height");
    }
    let cache = mem[RADIX_TREE].node_cache;
    let mut walk = Walk::new(mem, root);
    while let Some((node, level)) = walk.next(mem) {
        let page: Ref<Page> = mem.head_page(node);
        // SLOB's pages belong to no cache.
        let is_object = mem[page].is(PageFlag::Slob)
            || mem[page].is(PageFlag::Slab) && mem[page].mapping == cache.unit();
        if node.frame() >= mem.frames() || !is_object {
            return Err("radix tree: a node is not an object of radix_tree_node");
        }
        let descriptor = &mem[node];
        if descriptor.present == 0 && stale == 0 {
            return Err("radix tree: an empty node is linked");
        }
        for slot in 0..MAP_SIZE {
            let used = descriptor.slots[slot] != 0;
            if used != (descriptor.present >> slot & 1 != 0) {
                return Err("radix tree: the map of used slots is wrong");
            }
            for tag in 0..descriptor.tags.len() {
                let set = descriptor.tags[tag] >> slot & 1 != 0;
                if set && !used {
                    return Err("radix tree: a tag over an empty slot");
                }
                if level > 0 && used && set != (mem[descriptor.child(slot)].tags[tag] != 0) {
                    return Err("radix tree: a node's tag differs from what is below it");
                }
            }
        }
        // Every key bit above the tree's height must be zero, so the top node of the highest tree
        // uses only the slots that 64 bits leave it.
        if level as usize + 1 == MAX_HEIGHT && descriptor.present >> (1 << (64 % MAP_SHIFT)) != 0 {
            return Err("radix tree: a key of more than 64 bits");
        }
    }
    Ok(())
}
