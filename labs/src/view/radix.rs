//! A radix tree as its nodes.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Table, View, address, headings};

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

/// Key bits that one level consumes.
const BITS_PER_LEVEL: u32 = 6;

impl RadixNode {
    /// The highest key that this node covers.
    pub fn last_key(&self) -> u64 {
        let bits = BITS_PER_LEVEL * (u32::from(self.level) + 1);
        match 1u64.checked_shl(bits) {
            Some(keys) => self.first_key.saturating_add(keys - 1),
            None => u64::MAX,
        }
    }

    /// The slot that leads from this node towards `key`.
    pub fn slot_of(&self, key: u64) -> u8 {
        let shift = BITS_PER_LEVEL * u32::from(self.level);
        (key.checked_shr(shift).unwrap_or(0) & 63) as u8
    }

    /// How many of the 64 slots are in use.
    pub fn count(&self) -> u32 {
        self.present.count_ones()
    }

    /// The node in a sentence.
    pub fn sentence(&self) -> String {
        let mut text = words::radix::node_sentence(
            address(self.node),
            self.level,
            self.first_key,
            self.last_key(),
            self.count(),
        );
        for (tag, slots) in self
            .tags
            .iter()
            .enumerate()
            .filter(|(_, slots)| **slots != 0)
        {
            text.push_str(&words::radix::tag_on_slots(slots.count_ones().into(), tag));
        }
        text
    }
}

impl View for RadixView {
    fn table(&self) -> Table {
        let rows = self.nodes.iter().enumerate().map(|(index, node)| {
            let parent = if index == 0 {
                words::radix::root().to_string()
            } else {
                node.parent_slot.to_string()
            };
            let on_path = self.path.contains(&(index as u32));
            [
                address(node.node),
                node.level.to_string(),
                parent,
                format!("{}-{}", node.first_key, node.last_key()),
                node.count().to_string(),
                node.tags[0].count_ones().to_string(),
                node.tags[1].count_ones().to_string(),
                if on_path {
                    words::radix::yes().to_string()
                } else {
                    String::new()
                },
            ]
            .into()
        });
        Table {
            caption: self.sentence(),
            columns: headings([
                words::radix::column_node(),
                words::radix::column_level(),
                words::radix::column_parent(),
                words::radix::column_keys(),
                words::radix::column_used(),
                &words::radix::column_tag(0),
                &words::radix::column_tag(1),
                words::radix::column_path(),
            ]),
            rows: rows.collect(),
        }
    }

    fn sentence(&self) -> String {
        let mut text = words::radix::sentence(
            &self.name,
            self.height,
            words::radix::nodes(self.nodes.len() as u64),
            words::radix::items(self.items),
        );
        if let Some(key) = self.last_key {
            let steps = self.path.len() as u64;
            text.push_str(&match self.last_item {
                0 => words::radix::last_key_none(steps, key),
                item => words::radix::last_key_item(steps, key, item),
            });
        }
        text
    }
}

impl View for RadixNodeView {
    fn table(&self) -> Table {
        let rows = (0..64)
            .filter(|slot| self.present >> slot & 1 == 1)
            .map(|slot| {
                let mark = |tag: usize| (self.tags[tag] >> slot & 1).to_string();
                let content = self.slots.get(slot).copied().unwrap_or(0).to_string();
                [slot.to_string(), content, mark(0), mark(1)].into()
            });
        Table {
            caption: self.sentence(),
            columns: headings([
                words::radix::column_slot(),
                words::radix::column_content(),
                &words::radix::column_tag(0),
                &words::radix::column_tag(1),
            ]),
            rows: rows.collect(),
        }
    }

    fn sentence(&self) -> String {
        words::radix::node_slots(&self.address, self.present.count_ones())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(level: u8, first_key: u64) -> RadixNode {
        RadixNode {
            node: 2,
            level,
            first_key,
            present: 0b101,
            tags: [0b1, 0],
            ..Default::default()
        }
    }

    #[test]
    fn a_node_knows_its_keys() {
        assert_eq!(node(0, 64).last_key(), 127);
        assert_eq!(node(1, 4096).last_key(), 8191);
        assert_eq!(node(9, 0).last_key(), (1 << 60) - 1);
        // The top node of a tree of height 11 has slots for 66 bits; keys have 64.
        assert_eq!(node(10, 0).last_key(), u64::MAX);
        assert_eq!(node(9, 15 << 60).last_key(), u64::MAX);
        assert_eq!(node(1, 4096).slot_of(4096 + 64 * 5 + 3), 5);
        assert_eq!(node(10, 0).slot_of(u64::MAX), 15);
    }

    #[test]
    fn a_tree_reads_as_a_sentence_and_a_table() {
        let mut tree = RadixView {
            name: "t".into(),
            height: 2,
            items: 1,
            ..Default::default()
        };
        tree.nodes = [node(1, 0), node(0, 64)].into();
        assert_eq!(tree.sentence(), "radix tree t: height 2, 2 nodes, 1 item");
        tree.last_key = Some(70);
        tree.path = [0, 1].into();
        assert_eq!(
            tree.sentence(),
            "radix tree t: height 2, 2 nodes, 1 item; last key 70: no item, path of 2 nodes"
        );
        let table = tree.table();
        assert_eq!(
            table.rows[0][..4],
            ["ffff880000000010", "1", "root", "0-4095"]
        );
        assert_eq!(table.rows[1][2..], ["0", "64-127", "2", "1", "0", "yes"]);
        assert!(
            table
                .rows
                .iter()
                .all(|row| row.len() == table.columns.len())
        );
    }

    #[test]
    fn a_node_lists_the_slots_in_use() {
        let mut view = RadixNodeView {
            address: address(2),
            present: 0b101,
            ..Default::default()
        };
        view.tags = [0b100, 0b1];
        view.slots = (10..74).collect();
        assert_eq!(
            view.table().rows,
            [["0", "10", "0", "1"], ["2", "12", "1", "0"]]
        );
        assert_eq!(view.sentence(), "node ffff880000000010: 2 of 64 slots used");
        assert_eq!(
            node(0, 64).sentence(),
            "node ffff880000000010, level 0, keys 64 to 127, 2 of 64 slots used, tag 0 on 1 slot"
        );
    }
}
