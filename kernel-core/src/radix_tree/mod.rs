//! Radix trees: items found by a 64-bit key, as the kernel of 2.6.16 keeps them.
//!
//! Every level of the tree consumes six bits of the key, so a node has 64 slots. The tree is only
//! as high as its largest key demands; a file of 64 pages is one node. Items can carry two *tags*,
//! and a tag on an item shows in every node above it, so that the dirty pages among a million clean
//! ones are found without looking at the rest.
//!
//! The rules are those of 2.6.16 (specs/memory.md 1): the smallest tree has height 1, a node goes
//! when its last item does, the height shrinks when only slot 0 of the root is in use. There is no
//! locking, and no function that destroys a tree: delete its items and its memory is free.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | roots, nodes, insert, lookup, delete, height |
//! | `tags.rs` | tags and how they travel up and down |
//! | `gang.rs` | many items at once, in key order |
//! | `preload.rs` | nodes set aside so that an insertion cannot fail |
//! | `check.rs` | the invariants |
//!
//! ```
//! # use kernel_core::Kernel;
//! # use kernel_core::machine::{Machine, MachineConfig};
//! # use kernel_core::mem::Ram;
//! # use kernel_core::shell::{NamedTree, find_tree};
//! # struct Silence;
//! # impl Machine for Silence {
//! #     fn console_write(&mut self, _: &[u8]) {}
//! # }
//! # let config = MachineConfig::default();
//! # let ram = Ram::new(config.ram_frames()).expect("memory");
//! # let mut kernel = Kernel::boot(ram, &config).expect("it boots");
//! use kernel_core::Errno;
//! use kernel_core::radix_tree::{self, Tag, TagState};
//!
//! // A root lies in the kernel's memory, in a tree of the console's here.
//! kernel.run_line(&mut Silence, b"radix create pages");
//! let mem = &mut kernel.mem;
//! let root = NamedTree::root_of(find_tree(mem, "pages").expect("it was made"));
//!
//! radix_tree::insert(mem, root, 4242, 7)?;
//! assert_eq!(radix_tree::insert(mem, root, 4242, 8), Err(Errno::EEXIST));
//! assert_eq!(radix_tree::lookup(mem, root, 4242), Some(7));
//!
//! radix_tree::tag_set(mem, root, 4242, Tag::Zero)?;
//! assert_eq!(radix_tree::tag_get(mem, root, 4242, Tag::Zero), TagState::Tagged);
//!
//! // Items without their keys, in the order of these, from one on.
//! let mut items = [0; 8];
//! assert_eq!(radix_tree::gang_lookup(mem, root, &mut items, 100), 1);
//! assert_eq!(items[0], 7);
//!
//! assert_eq!(radix_tree::delete(mem, root, 4242), Some(7));
//! assert_eq!(radix_tree::stat(mem, root).nodes, 0);
//! # Ok::<(), Errno>(())
//! ```
//!
//! Two things differ from Linux's node, neither visible from outside: slots hold 32-bit handles,
//! which halves the memory, and instead of counting its used slots a node keeps a bit for each
//! (`present`), which makes finding the next item the same operation as finding the next tagged one.

mod check;
mod gang;
mod preload;
mod tags;
#[cfg(test)]
mod tests;

pub use check::{Stat, check, stat};
pub use gang::{gang_lookup, gang_lookup_tag};
pub use preload::{PRELOAD_NODES, all_preloaded, preload, preload_end, preloaded};
pub use tags::{Tag, TagState, tag_clear, tag_get, tag_set, tagged};

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{Gfp, MAX_CPUS, Mem, Ref, layout};
use crate::slab::{self, Constructor, KmemCache};
use crate::trace::Tracepoint;

/// Bits of the key that a level consumes.
pub const MAP_SHIFT: u32 = 6;
/// Slots in a node.
pub const MAP_SIZE: usize = 1 << MAP_SHIFT;
/// Levels that a 64-bit key can need.
pub const MAX_HEIGHT: usize = 64_usize.div_ceil(MAP_SHIFT as usize);

/// The static data of this module.
pub const RADIX_TREE: Ref<RadixData> = Ref::of_frame(layout::RADIX_TREE);

/// The cache of nodes, and nodes set aside.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct RadixData {
    /// `radix_tree_node`.
    pub node_cache: Ref<KmemCache>,
    _pad: u32,
    preloads: [preload::Pool; MAX_CPUS],
}

describe!(
    RadixData,
    "radix_data",
    [node_cache, _pad: Kind::Padding, preloads]
);

/// A tree. Its owner embeds or allocates one.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct RadixTreeRoot {
    /// Levels of nodes; 0 for a tree that never held an item or lost its last one.
    pub height: u32,
    /// How nodes are allocated.
    pub gfp: Gfp,
    /// The top node, NULL if there are no items.
    pub rnode: Ref<RadixTreeNode>,
    /// Not zero once an insertion failed half-way: it may have left empty nodes behind, as in
    /// 2.6.16, and then `check` forgives them.
    stale: u16,
    /// Where the top node's bits of a key begin.
    top_shift: u16,
    /// [`max_key`] of the height, at hand for every operation.
    max_key: u64,
}

const _: () = assert!(size_of::<RadixTreeRoot>() == 24);

describe!(
    RadixTreeRoot,
    "radix_tree_root",
    [height, gfp, rnode, stale, top_shift, max_key: Kind::Hex]
);

impl RadixTreeRoot {
    fn set_height(&mut self, height: u32) {
        self.height = height;
        self.max_key = max_key(height);
        self.top_shift = (height.saturating_sub(1) * MAP_SHIFT) as u16;
    }
}

/// A node: 64 slots, and for each a bit in every map.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct RadixTreeNode {
    /// Slots in use.
    pub present: u64,
    /// Slots that carry tag 0 and tag 1. Above the leaves: that lead to an item which does.
    pub tags: [u64; Tag::COUNT],
    /// Items in a leaf, handles of nodes above; 0 is empty.
    pub slots: [u32; MAP_SIZE],
}

const _: () = assert!(size_of::<RadixTreeNode>() == 280);

describe!(
    RadixTreeNode,
    "radix_tree_node",
    [present: Kind::Hex, tags: Kind::Hex, slots: Kind::Varies]
);

impl RadixTreeNode {
    /// Used slots (Linux's `count`).
    pub fn count(&self) -> u32 {
        self.present.count_ones()
    }

    /// The child in `slot`.
    #[inline(always)]
    pub fn child(&self, slot: usize) -> Ref<RadixTreeNode> {
        Ref::new(self.slots[slot])
    }
}

/// Where an item is stored: a slot of a leaf. The item may be changed through it, never emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The leaf.
    pub node: Ref<RadixTreeNode>,
    /// 0 to 63.
    pub index: usize,
}

impl Slot {
    /// The item in the slot, 0 for none.
    pub fn get(self, mem: &Mem) -> u32 {
        mem[self.node].slots[self.index]
    }

    /// The address of the slot as the kernel prints it.
    pub fn address(self) -> u64 {
        self.node.address() + (core::mem::offset_of!(RadixTreeNode, slots) + 4 * self.index) as u64
    }
}

/// Creates the cache of nodes.
pub(crate) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    let size = size_of::<RadixTreeNode>() as u32;
    let cache = slab::kmem_cache_create(mem, "radix_tree_node", size, 8, Constructor::Zero)?;
    mem[RADIX_TREE].node_cache = cache;
    Ok(())
}

/// An empty tree whose nodes are allocated with `gfp` (`INIT_RADIX_TREE`).
pub fn init(gfp: Gfp) -> RadixTreeRoot {
    RadixTreeRoot {
        gfp,
        ..RadixTreeRoot::zeroed()
    }
}

/// The largest key that fits a tree of that height: 64^height - 1.
#[inline(always)]
pub fn max_key(height: u32) -> u64 {
    match height {
        0 => 0,
        height if height as usize >= MAX_HEIGHT => u64::MAX,
        height => (1 << (height * MAP_SHIFT)) - 1,
    }
}

/// The slot that `key` takes in a node whose level consumes the bits from `shift` up.
#[inline(always)]
fn slot_of(key: u64, shift: u32) -> usize {
    (key >> shift) as usize % MAP_SIZE
}

/// Stores `item` under `key`. An item is any number but 0.
///
/// # Errors
/// `EEXIST` if there is an item already, which stays; `ENOMEM`, after which every item is where it
/// was, though the tree may be higher or have gained empty nodes; `EINVAL` for the item 0.
#[inline]
pub fn insert(mem: &mut Mem, root: Ref<RadixTreeRoot>, key: u64, item: u32) -> Result<(), Errno> {
    if item == 0 {
        return Err(Errno::EINVAL);
    }
    let RadixTreeRoot {
        rnode: mut node,
        max_key,
        top_shift,
        ..
    } = mem[root];
    let mut shift = u32::from(top_shift);
    if node.is_null() || key > max_key {
        node = make_room(mem, root, key)?;
        shift = u32::from(mem[root].top_shift);
    }
    while shift > 0 {
        let slot = slot_of(key, shift);
        let mut child = mem[node].child(slot);
        if child.is_null() {
            child = add_child(mem, root, node, slot)?;
        }
        node = child;
        shift -= MAP_SHIFT;
    }
    let slot = slot_of(key, 0);
    let leaf = &mut mem[node];
    if leaf.slots[slot] != 0 {
        return Err(Errno::EEXIST);
    }
    leaf.slots[slot] = item;
    leaf.present |= 1 << slot;
    Ok(())
}

/// Puts a new node into an empty slot.
#[cold]
#[inline(never)]
fn add_child(
    mem: &mut Mem,
    root: Ref<RadixTreeRoot>,
    parent: Ref<RadixTreeNode>,
    slot: usize,
) -> Result<Ref<RadixTreeNode>, Errno> {
    let child = node_alloc(mem, root)?;
    let parent = &mut mem[parent];
    parent.slots[slot] = child.unit();
    parent.present |= 1 << slot;
    Ok(child)
}

/// Makes the tree high enough for `key` and returns its top node, allocating the first one if the
/// tree is empty.
#[cold]
#[inline(never)]
fn make_room(
    mem: &mut Mem,
    root: Ref<RadixTreeRoot>,
    key: u64,
) -> Result<Ref<RadixTreeNode>, Errno> {
    let mut height = mem[root].height.max(1);
    while key > max_key(height) {
        height += 1;
    }
    if mem[root].rnode.is_null() {
        // Nothing to keep: the levels come into being with the path to the first item.
        mem[root].set_height(height);
        mem[root].rnode = node_alloc(mem, root)?;
    }
    while mem[root].height < height {
        let below = mem[root].rnode;
        let top = node_alloc(mem, root)?;
        let tags = mem[below].tags;
        let node = &mut mem[top];
        node.slots[0] = below.unit();
        node.present = 1;
        node.tags = tags.map(|tag| u64::from(tag != 0));
        let tree = &mut mem[root];
        tree.rnode = top;
        tree.set_height(tree.height + 1);
        let args = [root.unit(), tree.height].map(u64::from);
        mem.trace(Tracepoint::RadixTreeExtend, args);
    }
    Ok(mem[root].rnode)
}

/// A zeroed node: from the cache, or, for trees whose owner may not sleep, from this CPU's pool.
fn node_alloc(mem: &mut Mem, root: Ref<RadixTreeRoot>) -> Result<Ref<RadixTreeNode>, Errno> {
    let gfp = mem[root].gfp;
    let cache = mem[RADIX_TREE].node_cache;
    let node = match slab::kmem_cache_alloc(mem, cache, gfp) {
        Err(_) if !gfp.contains(Gfp::WAIT) => preload::take(mem).ok_or(Errno::ENOMEM),
        result => result,
    };
    if node.is_err() {
        mem[root].stale = 1;
    }
    node
}

/// Frees a node, which has to be all zero.
fn node_free(mem: &mut Mem, node: Ref<RadixTreeNode>) {
    let cache = mem[RADIX_TREE].node_cache;
    slab::kmem_cache_free(mem, cache, node);
}

/// The item under `key`.
#[inline]
pub fn lookup(mem: &Mem, root: Ref<RadixTreeRoot>, key: u64) -> Option<u32> {
    let slot = lookup_slot(mem, root, key)?;
    let item = slot.get(mem);
    (item != 0).then_some(item)
}

/// The slot that `key` takes, if its leaf exists. As in 2.6.16 the slot may be empty.
#[inline]
pub fn lookup_slot(mem: &Mem, root: Ref<RadixTreeRoot>, key: u64) -> Option<Slot> {
    let RadixTreeRoot {
        rnode: mut node,
        max_key,
        top_shift,
        ..
    } = mem[root];
    if node.is_null() || key > max_key {
        return None;
    }
    let mut shift = u32::from(top_shift);
    while shift > 0 {
        node = mem[node].child(slot_of(key, shift));
        if node.is_null() {
            return None;
        }
        shift -= MAP_SHIFT;
    }
    Some(Slot {
        node,
        index: slot_of(key, 0),
    })
}

/// Stores another item in an occupied slot.
///
/// # Errors
/// `EINVAL` for the item 0 or an empty slot.
pub fn replace_slot(mem: &mut Mem, slot: Slot, item: u32) -> Result<(), Errno> {
    if item == 0 || slot.get(mem) == 0 {
        return Err(Errno::EINVAL);
    }
    mem[slot.node].slots[slot.index] = item;
    Ok(())
}

/// The leaf's slot of an item that is there.
#[inline(always)]
fn item_slot(mem: &Mem, root: Ref<RadixTreeRoot>, key: u64) -> Option<Slot> {
    lookup_slot(mem, root, key).filter(|slot| slot.get(mem) != 0)
}

/// The nodes from the top one to the leaf of a key whose leaf exists, with the slots it takes.
struct Path {
    nodes: [Ref<RadixTreeNode>; MAX_HEIGHT],
    len: usize,
    key: u64,
}

impl Path {
    fn to_leaf(mem: &Mem, root: Ref<RadixTreeRoot>, key: u64) -> Path {
        let RadixTreeRoot {
            height,
            mut rnode,
            top_shift,
            ..
        } = mem[root];
        let mut shift = u32::from(top_shift);
        let mut path = Path {
            nodes: [Ref::NULL; MAX_HEIGHT],
            len: height as usize,
            key,
        };
        for node in &mut path.nodes[..height as usize] {
            *node = rnode;
            rnode = mem[rnode].child(slot_of(key, shift));
            shift = shift.saturating_sub(MAP_SHIFT);
        }
        path
    }

    /// From the leaf upwards.
    fn upwards(&self) -> impl Iterator<Item = Slot> + '_ {
        let nodes = self.nodes[..self.len].iter().rev();
        (0..).zip(nodes).map(|(level, &node)| Slot {
            node,
            index: slot_of(self.key, level * MAP_SHIFT),
        })
    }

    /// From the top node down.
    fn downwards(&self) -> impl Iterator<Item = Slot> + '_ {
        let levels = (0..self.len as u32).rev();
        levels.zip(&self.nodes).map(|(level, &node)| Slot {
            node,
            index: slot_of(self.key, level * MAP_SHIFT),
        })
    }
}

/// Removes the item under `key` and returns it. Nodes that become empty are freed, and a tree that
/// its remaining keys do not need loses levels.
#[inline]
pub fn delete(mem: &mut Mem, root: Ref<RadixTreeRoot>, key: u64) -> Option<u32> {
    let Slot { node, index } = item_slot(mem, root, key)?;
    let leaf = &mut mem[node];
    let item = leaf.slots[index];
    let rest = leaf.present & !(1 << index);
    // Mostly the leaf keeps other items and the item has no tags; then nothing above it changes.
    if rest != 0 && (leaf.tags[0] | leaf.tags[1]) >> index & 1 == 0 {
        leaf.slots[index] = 0;
        leaf.present = rest;
    } else {
        delete_upwards(mem, root, key);
    }
    Some(item)
}

/// Removes an item whose tags or nodes have to go as well.
#[cold]
#[inline(never)]
fn delete_upwards(mem: &mut Mem, root: Ref<RadixTreeRoot>, key: u64) {
    let path = Path::to_leaf(mem, root, key);
    for tag in Tag::ALL {
        tags::clear_upwards(mem, &path, tag);
    }
    for Slot { node, index } in path.upwards() {
        let descriptor = &mut mem[node];
        descriptor.slots[index] = 0;
        descriptor.present &= !(1 << index);
        if descriptor.present != 0 {
            if descriptor.present == 1 && node == mem[root].rnode {
                shrink(mem, root);
            }
            return;
        }
        node_free(mem, node);
    }
    mem[root] = init(mem[root].gfp);
}

/// Drops top nodes that only lead to their slot 0.
#[cold]
fn shrink(mem: &mut Mem, root: Ref<RadixTreeRoot>) {
    while mem[root].height > 1 && mem[mem[root].rnode].present == 1 {
        let top = mem[root].rnode;
        let tree = &mut mem[root];
        tree.set_height(tree.height - 1);
        let args = [root.unit(), tree.height].map(u64::from);
        mem[root].rnode = mem[top].child(0);
        let node = &mut mem[top];
        node.slots[0] = 0;
        node.present = 0;
        node.tags = [0; Tag::COUNT];
        node_free(mem, top);
        mem.trace(Tracepoint::RadixTreeShrink, args);
    }
}
