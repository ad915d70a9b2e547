//! Many items at once, in key order.

use super::{MAP_SHIFT, MAP_SIZE, RadixTreeNode, RadixTreeRoot, Tag, slot_of};
use crate::mem::{Mem, Ref};

/// Copies to `results` the items from key `first` on, and returns how many there were: fewer than
/// fit only at the end of the tree.
#[inline]
pub fn gang_lookup(mem: &Mem, root: Ref<RadixTreeRoot>, results: &mut [u32], first: u64) -> usize {
    collect(mem, root, results, first, |node| node.present)
}

/// The same for items that carry `tag`.
#[inline]
pub fn gang_lookup_tag(
    mem: &Mem,
    root: Ref<RadixTreeRoot>,
    results: &mut [u32],
    first: u64,
    tag: Tag,
) -> usize {
    collect(mem, root, results, first, |node| node.tags[tag as usize])
}

/// Walks the slots that `map` shows, leaf by leaf.
#[inline(always)]
fn collect(
    mem: &Mem,
    root: Ref<RadixTreeRoot>,
    results: &mut [u32],
    first: u64,
    map: impl Fn(&RadixTreeNode) -> u64,
) -> usize {
    let RadixTreeRoot {
        rnode,
        max_key,
        top_shift,
        ..
    } = mem[root];
    let mut found = 0;
    let mut key = first;
    if rnode.is_null() || key > max_key {
        return 0;
    }
    while found < results.len() {
        // Down to the leaf that holds the next item, which may be right of `key`.
        let mut node = rnode;
        let mut shift = u32::from(top_shift);
        let leaf = loop {
            let slot = slot_of(key, shift);
            let rest = map(&mem[node]) >> slot;
            if rest == 0 {
                break None;
            }
            let skipped = rest.trailing_zeros();
            if skipped > 0 {
                // All keys below the slot that is in use come before its first one.
                key = ((key >> shift) + u64::from(skipped)) << shift;
            }
            if shift == 0 {
                break Some(node);
            }
            node = mem[node].child(slot_of(key, shift));
            shift -= MAP_SHIFT;
        };
        let covered = match leaf {
            Some(leaf) => {
                let leaf = &mem[leaf];
                let slot = slot_of(key, 0);
                let mut rest = map(leaf) >> slot << slot;
                while rest != 0 && found < results.len() {
                    results[found] = leaf.slots[rest.trailing_zeros() as usize % MAP_SIZE];
                    found += 1;
                    rest &= rest - 1;
                }
                MAP_SHIFT
            }
            // Nothing right of `key` in this node: go on behind it.
            None => shift + MAP_SHIFT,
        };
        let next = if covered < u64::BITS {
            (key | ((1 << covered) - 1)).checked_add(1)
        } else {
            None
        };
        match next {
            Some(next) if next <= max_key => key = next,
            _ => break,
        }
    }
    found
}
