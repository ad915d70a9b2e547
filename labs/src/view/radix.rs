//! A radix tree as its nodes.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// A whole tree, without the items (those come node by node, see [`RadixNodeView`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RadixView {
    /// The tree's name at the console.
    pub name: String,
    /// Levels of nodes; 0 for an empty tree.
    pub height: u32,
    /// Items in the tree.
    pub items: u64,
    /// The nodes in breadth-first order, so that the root comes first and a parent before its
    /// children.
    pub nodes: Vec<RadixNode>,
    /// Key of the last lookup, insert, delete or tag operation on this tree, if there was one.
    pub last_key: Option<u64>,
    /// The path that key takes: indices into `nodes`, root first. It ends early where the tree
    /// does.
    pub path: Vec<u32>,
    /// The item at `last_key`; 0 if there is none.
    pub last_item: u32,
}

/// One node of a tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RadixNode {
    /// The node's handle, in units of 8 bytes of kernel memory.
    pub node: u32,
    /// Index of the parent in [`RadixView::nodes`]; the root's is its own, 0.
    pub parent: u32,
    /// Which slot of the parent leads here; 0 for the root.
    pub parent_slot: u8,
    /// Distance from the leaves; a leaf's is 0.
    pub level: u8,
    /// The lowest key that this node covers.
    pub first_key: u64,
    /// Bit *i* is set when slot *i* is in use.
    pub present: u64,
    /// Bit *i* of `tags[t]` is set when slot *i* carries tag *t* (or leads to an item that does).
    pub tags: [u64; 2],
}

/// One node with the content of its slots.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RadixNodeView {
    /// The node's handle.
    pub node: u32,
    /// Its address as the kernel prints it, `ffff880000012345`.
    pub address: String,
    /// Its 64 slots: items in a leaf, handles of nodes above; 0 is an empty slot.
    pub slots: Vec<u32>,
    /// Bit *i* is set when slot *i* is in use.
    pub present: u64,
    /// The tags of the slots.
    pub tags: [u64; 2],
}
