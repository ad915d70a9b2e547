//! Tags: marks on items that every node above them knows of.

use super::{Path, RadixTreeRoot, Slot, slot_of};
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
    let path = Path::to_item(mem, root, key).ok_or(Errno::ENOENT)?;
    for Slot { node, index } in path.upwards() {
        let map = &mut mem[node].tags[tag as usize];
        let known = *map != 0;
        *map |= 1 << index;
        if known {
            // Another item below this node has the tag, so the nodes above know already.
            break;
        }
    }
    Ok(path.leaf().get(mem))
}

/// Removes a tag from the item under `key` and returns the item, tagged or not; `None` if there is
/// no item.
#[inline]
pub fn tag_clear(mem: &mut Mem, root: Ref<RadixTreeRoot>, key: u64, tag: Tag) -> Option<u32> {
    let path = Path::to_item(mem, root, key)?;
    clear(mem, &path, tag);
    Some(path.leaf().get(mem))
}

#[inline(always)]
fn clear(mem: &mut Mem, path: &Path, tag: Tag) {
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

/// Removes all tags from the item at the end of `path`, which is about to be deleted.
#[inline(always)]
pub(super) fn clear_all(mem: &mut Mem, path: &Path) {
    let Slot { node, index } = path.leaf();
    let [zero, one] = mem[node].tags;
    if (zero | one) >> index & 1 != 0 {
        clear(mem, path, Tag::Zero);
        clear(mem, path, Tag::One);
    }
}

/// Whether the item under `key` has the tag.
#[inline]
pub fn tag_get(mem: &Mem, root: Ref<RadixTreeRoot>, key: u64, tag: Tag) -> TagState {
    match super::lookup_slot(mem, root, key) {
        Some(slot) if slot.get(mem) != 0 => {
            if mem[slot.node].tags[tag as usize] >> slot_of(key, 0) & 1 != 0 {
                TagState::Tagged
            } else {
                TagState::Untagged
            }
        }
        _ => TagState::Absent,
    }
}

/// Whether any item of the tree has the tag: whether the top node knows of one.
#[inline]
pub fn tagged(mem: &Mem, root: Ref<RadixTreeRoot>, tag: Tag) -> bool {
    let rnode = mem[root].rnode;
    !rnode.is_null() && mem[rnode].tags[tag as usize] != 0
}
