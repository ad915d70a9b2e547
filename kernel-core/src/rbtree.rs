//! Red-black trees through the objects themselves: sorted, balanced, without memory of their own.
//!
//! An object embeds an [`RbNode`]; whoever owns the tree keeps an [`RbRoot`] and says which of two
//! objects stands first, as with Linux's `rbtree.h`. The scheduler keeps its tasks in one by virtual
//! runtime, the clock its timers by expiry.
//!
//! Four rules keep a tree of n objects at most 2 log2(n + 1) high: a node is red or black; the root
//! is black; a red node has no red child; and every way down from a node to where nothing is passes
//! equally many black nodes. Inserting adds a red node at the bottom, erasing takes one out, and both
//! then repair the one rule that may be broken by recolouring upwards and at most three rotations.

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::mem::{Mem, Ref};

/// An object's place in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RbNode {
    /// NULL at the root.
    pub parent: Ref<RbNode>,
    /// Objects before this one.
    pub left: Ref<RbNode>,
    /// Objects behind this one.
    pub right: Ref<RbNode>,
    /// 0 red, 1 black.
    pub color: u32,
}

describe!(
    RbNode,
    "rb_node",
    [parent, left, right, color: Kind::Named(show_color)]
);

/// A tree; all zeroes is an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RbRoot {
    /// The topmost object.
    pub node: Ref<RbNode>,
    /// The first in order, kept at hand.
    pub leftmost: Ref<RbNode>,
    /// The last in order, kept at hand: most objects that come go behind it.
    pub rightmost: Ref<RbNode>,
}

describe!(RbRoot, "rb_root", [node, leftmost, rightmost]);

/// In [`RbNode::color`].
pub const RED: u32 = 0;
/// In [`RbNode::color`].
pub const BLACK: u32 = 1;

fn show_color(color: u64, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
    f.write_str(if color == u64::from(RED) {
        "red"
    } else {
        "black"
    })
}

/// The first object in order, or NULL.
#[inline]
pub fn first(mem: &Mem, root: Ref<RbRoot>) -> Ref<RbNode> {
    mem[root].leftmost
}

/// The last object in order, or NULL.
#[inline]
pub fn last(mem: &Mem, root: Ref<RbRoot>) -> Ref<RbNode> {
    mem[root].rightmost
}

/// The object behind the first one, or NULL.
///
/// Nothing hangs to the first one's left, so what hangs to its right is a red node without children,
/// or the ways down would pass different numbers of black ones.
#[inline]
pub fn second(mem: &Mem, root: Ref<RbRoot>) -> Ref<RbNode> {
    let first = mem[root].leftmost;
    match first.is_null() {
        true => first,
        false => inward(mem[first].right, mem[first].parent),
    }
}

/// Whoever stands beside an object at an end of the order: below it, or else above it.
#[inline]
fn inward(below: Ref<RbNode>, above: Ref<RbNode>) -> Ref<RbNode> {
    if below.is_null() { above } else { below }
}

/// The object behind `node` in order, or NULL.
pub fn next(mem: &Mem, node: Ref<RbNode>) -> Ref<RbNode> {
    let mut at = mem[node].right;
    if !at.is_null() {
        while !mem[at].left.is_null() {
            at = mem[at].left;
        }
        return at;
    }
    let mut below = node;
    at = mem[node].parent;
    while !at.is_null() && mem[at].right == below {
        below = at;
        at = mem[at].parent;
    }
    at
}

/// Puts `node` into the tree, behind those that are equal to it. `before(mem, a, b)` says whether
/// `a` stands before `b`.
#[inline]
pub fn insert(
    mem: &mut Mem,
    root: Ref<RbRoot>,
    node: Ref<RbNode>,
    before: impl Fn(&Mem, Ref<RbNode>, Ref<RbNode>) -> bool,
) {
    let RbRoot {
        node: mut at,
        rightmost,
        ..
    } = mem[root];
    let mut parent = Ref::NULL;
    let mut goes_left = true;
    let mut is_first = true;
    // Mostly it comes last, and nobody else has to be asked.
    let is_last = !rightmost.is_null() && !before(mem, node, rightmost);
    if is_last {
        (parent, goes_left, is_first, at) = (rightmost, false, false, Ref::NULL);
    }
    while !at.is_null() {
        parent = at;
        goes_left = before(mem, node, at);
        is_first &= goes_left;
        at = if goes_left {
            mem[at].left
        } else {
            mem[at].right
        };
    }
    mem[node] = RbNode {
        parent,
        left: Ref::NULL,
        right: Ref::NULL,
        color: RED,
    };
    if parent.is_null() {
        mem[root].node = node;
    } else if goes_left {
        mem[parent].left = node;
    } else {
        mem[parent].right = node;
    }
    if is_first {
        mem[root].leftmost = node;
    }
    if is_last || rightmost.is_null() {
        mem[root].rightmost = node;
    }
    repair_red(mem, root, node);
}

/// Takes `node` out of the tree and clears it.
pub fn erase(mem: &mut Mem, root: Ref<RbRoot>, node: Ref<RbNode>) {
    let RbNode {
        parent,
        left,
        right,
        mut color,
    } = mem[node];
    let RbRoot {
        leftmost,
        rightmost,
        ..
    } = mem[root];
    if leftmost == node {
        mem[root].leftmost = inward(right, parent);
    }
    if rightmost == node {
        mem[root].rightmost = inward(left, parent);
    }
    // What comes into an emptied place, and above it; it may be NULL.
    let child;
    let mut above;
    if left.is_null() || right.is_null() {
        child = if left.is_null() { right } else { left };
        above = parent;
        replace(mem, root, parent, node, child);
    } else {
        // The object behind it has nothing to its left, and takes its place.
        let heir = next(mem, node);
        child = mem[heir].right;
        above = mem[heir].parent;
        let heir_color = mem[heir].color;
        if above == node {
            above = heir;
        } else {
            replace(mem, root, above, heir, child);
            mem[heir].right = right;
            mem[right].parent = heir;
        }
        mem[heir].left = left;
        mem[left].parent = heir;
        mem[heir].color = color;
        replace(mem, root, parent, node, heir);
        color = heir_color;
    }
    mem[node] = RbNode::zeroed();
    if color == BLACK {
        repair_black(mem, root, child, above);
    }
}

/// Puts `new`, which may be NULL, where `old` hangs below `parent`.
#[inline]
fn replace(
    mem: &mut Mem,
    root: Ref<RbRoot>,
    parent: Ref<RbNode>,
    old: Ref<RbNode>,
    new: Ref<RbNode>,
) {
    if parent.is_null() {
        mem[root].node = new;
    } else if mem[parent].left == old {
        mem[parent].left = new;
    } else {
        mem[parent].right = new;
    }
    if !new.is_null() {
        mem[new].parent = parent;
    }
}

/// Lifts `at`'s right child over it, or its left one; the order stays.
fn rotate(mem: &mut Mem, root: Ref<RbRoot>, at: Ref<RbNode>, to_left: bool) {
    let parent = mem[at].parent;
    let (child, inner);
    if to_left {
        child = mem[at].right;
        inner = mem[child].left;
        mem[at].right = inner;
        mem[child].left = at;
    } else {
        child = mem[at].left;
        inner = mem[child].right;
        mem[at].left = inner;
        mem[child].right = at;
    }
    if !inner.is_null() {
        mem[inner].parent = at;
    }
    replace(mem, root, parent, at, child);
    mem[at].parent = child;
}

/// Whether there is a red node; where nothing is, is black.
#[inline]
fn is_red(mem: &Mem, node: Ref<RbNode>) -> bool {
    !node.is_null() && mem[node].color == RED
}

/// After an insertion: `node` is red, and so may be its parent.
fn repair_red(mem: &mut Mem, root: Ref<RbRoot>, mut node: Ref<RbNode>) {
    loop {
        let mut parent = mem[node].parent;
        if parent.is_null() {
            mem[node].color = BLACK;
            return;
        }
        if mem[parent].color == BLACK {
            return;
        }
        // A red node is not the root, so there is one above it.
        let above = mem[parent].parent;
        let parent_is_left = mem[above].left == parent;
        let uncle = match parent_is_left {
            true => mem[above].right,
            false => mem[above].left,
        };
        if is_red(mem, uncle) {
            mem[parent].color = BLACK;
            mem[uncle].color = BLACK;
            mem[above].color = RED;
            node = above;
            continue;
        }
        let node_is_left = mem[parent].left == node;
        if node_is_left != parent_is_left {
            rotate(mem, root, parent, parent_is_left);
            parent = node;
        }
        mem[parent].color = BLACK;
        mem[above].color = RED;
        rotate(mem, root, above, !parent_is_left);
        return;
    }
}

/// After an erasure: the ways down through `node`, which may be NULL below `parent`, have one black
/// node too few.
fn repair_black(mem: &mut Mem, root: Ref<RbRoot>, mut node: Ref<RbNode>, mut parent: Ref<RbNode>) {
    while !parent.is_null() && !is_red(mem, node) {
        let is_left = mem[parent].left == node;
        let sibling_of = |mem: &Mem, parent: Ref<RbNode>| match is_left {
            true => mem[parent].right,
            false => mem[parent].left,
        };
        let mut sibling = sibling_of(mem, parent);
        if is_red(mem, sibling) {
            mem[sibling].color = BLACK;
            mem[parent].color = RED;
            rotate(mem, root, parent, is_left);
            sibling = sibling_of(mem, parent);
        }
        let (near, far) = match is_left {
            true => (mem[sibling].left, mem[sibling].right),
            false => (mem[sibling].right, mem[sibling].left),
        };
        if !is_red(mem, near) && !is_red(mem, far) {
            mem[sibling].color = RED;
            node = parent;
            parent = mem[node].parent;
            continue;
        }
        if !is_red(mem, far) {
            mem[near].color = BLACK;
            mem[sibling].color = RED;
            rotate(mem, root, sibling, !is_left);
            sibling = near;
        }
        mem[sibling].color = mem[parent].color;
        mem[parent].color = BLACK;
        let far = match is_left {
            true => mem[sibling].right,
            false => mem[sibling].left,
        };
        mem[far].color = BLACK;
        rotate(mem, root, parent, is_left);
        return;
    }
    if !node.is_null() {
        mem[node].color = BLACK;
    }
}

/// Checks links, colours and order of a tree and returns how many objects it has, which may be
/// `limit` at most. `before` as for [`insert`].
///
/// # Errors
/// A sentence that names the first violation.
pub fn check(
    mem: &Mem,
    root: Ref<RbRoot>,
    limit: u32,
    before: impl Fn(&Mem, Ref<RbNode>, Ref<RbNode>) -> bool,
) -> Result<u32, &'static str> {
    let RbRoot {
        node: top,
        leftmost,
        rightmost,
    } = mem[root];
    if top.is_null() {
        return match leftmost.is_null() && rightmost.is_null() {
            true => Ok(0),
            false => Err("rbtree: an empty tree has a first object"),
        };
    }
    if mem[top].color != BLACK || !mem[top].parent.is_null() {
        return Err("rbtree: the topmost object is red, or not topmost");
    }
    // In order and without recursion: each node is entered from above, from its left, and from its
    // right. Black nodes are counted on the way down and up.
    let (mut count, mut blacks, mut blacks_below) = (0, 0, None);
    let (mut at, mut from) = (top, Ref::NULL);
    let mut last: Ref<RbNode> = Ref::NULL;
    while !at.is_null() {
        let RbNode {
            parent,
            left,
            right,
            color,
        } = mem[at];
        if from == parent {
            count += 1;
            if count > limit {
                return Err("rbtree: more objects than there can be");
            }
            blacks += color & 1;
            for child in [left, right] {
                if child.is_null() {
                    if *blacks_below.get_or_insert(blacks) != blacks {
                        return Err("rbtree: a way down has more black nodes than another");
                    }
                } else if mem[child].parent != at {
                    return Err("rbtree: a child has another parent");
                } else if color == RED && mem[child].color == RED {
                    return Err("rbtree: a red node below a red one");
                }
            }
        }
        let comes_from_left = from == left && !left.is_null();
        let comes_from_right = from == right && !right.is_null();
        if !comes_from_left && !comes_from_right && !left.is_null() {
            (from, at) = (at, left);
            continue;
        }
        if !comes_from_right {
            match last.is_null() {
                true if at != leftmost => return Err("rbtree: another object is first"),
                false if before(mem, at, last) => return Err("rbtree: objects out of order"),
                _ => last = at,
            }
            if !right.is_null() {
                (from, at) = (at, right);
                continue;
            }
        }
        blacks -= color & 1;
        (from, at) = (at, parent);
    }
    if last != rightmost {
        return Err("rbtree: another object is last");
    }
    Ok(count)
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    extern crate std;
    use super::*;
    use crate::Kernel;
    use crate::machine::MachineConfig;
    use crate::mem::{Gfp, Ram};
    use crate::testing::Random;
    use std::vec::Vec;

    /// A tree's root and objects, side by side in a block of pages: a node, then its key.
    fn object(base: Ref<RbRoot>, index: u32) -> Ref<RbNode> {
        base.byte_add(16 + 24 * index as usize)
    }

    fn key(mem: &Mem, node: Ref<RbNode>) -> u64 {
        mem[node.byte_add::<u64>(16)]
    }

    fn before(mem: &Mem, a: Ref<RbNode>, b: Ref<RbNode>) -> bool {
        key(mem, a) < key(mem, b)
    }

    #[test]
    fn agrees_with_a_sorted_vector() {
        let config = MachineConfig::parse("mem=16M").unwrap();
        let mut kernel = Kernel::boot(Ram::new(config.frames).unwrap(), &config).unwrap();
        let mem = &mut kernel.mem;
        let pages = mem.alloc_pages(Gfp::KERNEL, 2, None).unwrap();
        let root: Ref<RbRoot> = Ref::of_frame(mem.frame_of(pages));
        mem[root] = RbRoot::zeroed();
        let count = 500;
        for index in 0..count {
            mem[object(root, index)] = RbNode::zeroed();
        }
        let mut random = Random(0x5eed);
        // What is in the tree, in order; few keys, so that many are equal.
        let mut model: Vec<(u64, u32)> = Vec::new();
        let mut height_max = 0;
        for round in 0..20_000u64 {
            let index = random.below(u64::from(count)) as u32;
            let node = object(root, index);
            // Fills, then empties, by turns.
            let grows = round / 2_000 % 2 == 0;
            match model.iter().position(|&(_, there)| there == index) {
                Some(at) if !grows || random.below(4) == 0 => {
                    model.remove(at);
                    erase(mem, root, node);
                }
                None if grows || random.below(4) == 0 => {
                    let value = random.below(100);
                    mem[node.byte_add::<u64>(16)] = value;
                    let at = model.partition_point(|&(key, _)| key <= value);
                    model.insert(at, (value, index));
                    insert(mem, root, node, before);
                }
                _ => continue,
            }
            assert_eq!(check(mem, root, count, before), Ok(model.len() as u32));
            let mut at = first(mem, root);
            for &(_, index) in &model {
                assert_eq!(at, object(root, index));
                at = next(mem, at);
            }
            assert!(at.is_null());
            let behind = model.get(1).map(|&(_, index)| object(root, index));
            assert_eq!(second(mem, root), behind.unwrap_or(Ref::NULL));
            let end = model.last().map(|&(_, index)| object(root, index));
            assert_eq!(last(mem, root), end.unwrap_or(Ref::NULL));
            let height = model.iter().map(|&(_, index)| {
                let up = |&node: &Ref<RbNode>| Some(mem[node].parent).filter(|n| !n.is_null());
                core::iter::successors(Some(object(root, index)), up).count()
            });
            height_max = height_max.max(height.max().unwrap_or(0));
        }
        assert!((9..=18).contains(&height_max), "{height_max}");
    }

    #[test]
    fn check_sees_what_is_wrong() {
        let config = MachineConfig::parse("mem=16M").unwrap();
        let mut kernel = Kernel::boot(Ram::new(config.frames).unwrap(), &config).unwrap();
        let mem = &mut kernel.mem;
        let page = mem.alloc_page(Gfp::KERNEL).unwrap();
        let root: Ref<RbRoot> = Ref::of_frame(mem.frame_of(page));
        mem[root] = RbRoot::zeroed();
        for index in 0..7 {
            let node = object(root, index);
            mem[node.byte_add::<u64>(16)] = u64::from(index);
            insert(mem, root, node, before);
        }
        assert_eq!(check(mem, root, 7, before), Ok(7));
        assert!(check(mem, root, 6, before).is_err());
        let node = object(root, 3);
        mem[node.byte_add::<u64>(16)] = 9;
        assert_eq!(
            check(mem, root, 7, before),
            Err("rbtree: objects out of order")
        );
        mem[node.byte_add::<u64>(16)] = 3;
        mem[root].leftmost = node;
        assert_eq!(
            check(mem, root, 7, before),
            Err("rbtree: another object is first")
        );
        mem[root].leftmost = object(root, 0);
        let leaf = object(root, 0);
        mem[leaf].color ^= 1;
        assert!(check(mem, root, 7, before).is_err());
        mem[leaf].color ^= 1;
        assert_eq!(check(mem, root, 7, before), Ok(7));
    }
}
