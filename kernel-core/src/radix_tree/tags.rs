//! Tags: marks on items that every node above them knows of.

use super::{Path, RadixTreeRoot, Slot, item_slot};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};

/// One of the two tags. Linux takes any integer and corrupts memory from 2 on; here such a tag
/// cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Tag 0, the page cache's DIRTY.
    Zero = 0,
    /// Tag 1, the page cache's WRITEBACK.
    One = 1,
}

impl Tag {
    /// How many tags there are.
    pub const COUNT: usize = 2;
    /// Both.
    pub const ALL: [Tag; Tag::COUNT] = [Tag::Zero, Tag::One];

    /// The tag of that number.
    ///
    /// # Errors
    /// `EINVAL` for 2 and more.
    pub fn new(number: u64) -> Result<Tag, Errno> {
        match number {
            0 => Ok(Tag::Zero),
            1 => Ok(Tag::One),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// What [`tag_get`] says of a key; the values are 2.6.16's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagState {
    /// There is no item.
    Absent = 0,
    /// The item has the tag.
    Tagged = 1,
    /// The item has not got the tag.
    Untagged = -1,
}

/// Tags the item under `key` and returns it.
///
/// # Errors
/// `ENOENT` if there is no item; nothing is changed then.
#[inline]
pub fn tag_set(mem: &mut Mem, root: Ref<RadixTreeRoot>, key: u64, tag: Tag) -> Result<u32, Errno> {
    let Slot { node, index } = item_slot(mem, root, key).ok_or(Errno::ENOENT)?;
    let leaf = &mut mem[node];
    let item = leaf.slots[index];
    let map = leaf.tags[tag as usize];
    leaf.tags[tag as usize] = map | 1 << index;
    if map == 0 {
        // The first item of its leaf to have the tag: the nodes above have yet to learn of it.
        set_downwards(mem, root, key, tag);
    }
    Ok(item)
}

#[cold]
#[inline(never)]
fn set_downwards(mem: &mut Mem, root: Ref<RadixTreeRoot>, key: u64, tag: Tag) {
    for Slot { node, index } in Path::to_leaf(mem, root, key).downwards() {
        mem[node].tags[tag as usize] |= 1 << index;
    }
}

/// Removes a tag from the item under `key` and returns the item, tagged or not; `None` if there is
/// no item.
#[inline]
pub fn tag_clear(mem: &mut Mem, root: Ref<RadixTreeRoot>, key: u64, tag: Tag) -> Option<u32> {
    let Slot { node, index } = item_slot(mem, root, key)?;
    let leaf = &mut mem[node];
    let item = leaf.slots[index];
    let map = leaf.tags[tag as usize];
    let rest = map & !(1 << index);
    if rest != 0 || map == 0 {
        leaf.tags[tag as usize] = rest;
    } else {
        // The last one of its leaf.
        let path = Path::to_leaf(mem, root, key);
        clear_upwards(mem, &path, tag);
    }
    Some(item)
}

/// Clears a tag along a path for as long as no other slot has it.
#[cold]
#[inline(never)]
pub(super) fn clear_upwards(mem: &mut Mem, path: &Path, tag: Tag) {
    for Slot { node, index } in path.upwards() {
        let map = &mut mem[node].tags[tag as usize];
        if *map >> index & 1 == 0 {
            break;
        }
        *map &= !(1 << index);
        if *map != 0 {
            break;
        }
    }
}

/// Whether the item under `key` has the tag.
#[inline]
pub fn tag_get(mem: &Mem, root: Ref<RadixTreeRoot>, key: u64, tag: Tag) -> TagState {
    match item_slot(mem, root, key) {
        None => TagState::Absent,
        Some(Slot { node, index }) if mem[node].tags[tag as usize] >> index & 1 != 0 => {
            TagState::Tagged
        }
        Some(_) => TagState::Untagged,
    }
}

/// Whether any item of the tree has the tag: whether the top node knows of one.
#[inline]
pub fn tagged(mem: &Mem, root: Ref<RadixTreeRoot>, tag: Tag) -> bool {
    let rnode = mem[root].rnode;
    !rnode.is_null() && mem[rnode].tags[tag as usize] != 0
}
