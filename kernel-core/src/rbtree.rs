//! Red-black trees through the objects themselves: sorted, balanced, without memory of their own.
//!
//! An object embeds an [`RbNode`]; whoever owns the tree keeps an [`RbRoot`] and decides the order by
//! walking down himself, as with Linux's `rbtree.h`. The scheduler keeps its tasks in one by virtual
//! runtime, the clock its timers by expiry.

use bytemuck::{Pod, Zeroable};

use crate::btf::describe;
use crate::mem::Ref;

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

describe!(RbNode, "rb_node", [parent, left, right, color]);

/// A tree; all zeroes is an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RbRoot {
    /// The topmost object.
    pub node: Ref<RbNode>,
    /// The first in order, kept at hand.
    pub leftmost: Ref<RbNode>,
}

describe!(RbRoot, "rb_root", [node, leftmost]);
