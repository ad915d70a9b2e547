//! What differs between two steps.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Table, View, address, headings};

/// The difference between the kernel after one step and after a later one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesView {
    /// The earlier step.
    pub from: u32,
    /// The later one.
    pub to: u32,
    /// The frames whose bytes differ, in the order of their numbers.
    pub frames: Vec<u32>,
    /// The objects that differ, in the order of their addresses.
    pub objects: Vec<ObjectChange>,
    /// Objects that are not listed, because there are too many.
    pub omitted: u32,
}

/// An object that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectChange {
    /// Where it begins, in units of 8 bytes.
    pub at: u32,
    /// Its length in bytes.
    pub size: u32,
    /// Its type, or what its page is used for.
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// How many of its bytes differ.
    pub bytes: u32,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// It was allocated.
    Allocated,
    /// It was freed.
    Freed,
    /// It holds something else.
    Written,
}

impl Change {
    /// The change as a word that no language changes.
    pub fn word(self) -> &'static str {
        match self {
            Change::Allocated => "allocated",
            Change::Freed => "freed",
            Change::Written => "written",
        }
    }

    /// The change in the language that is spoken.
    fn told(self) -> &'static str {
        match self {
            Change::Allocated => words::objects::allocated(),
            Change::Freed => words::objects::freed(),
            Change::Written => words::objects::written(),
        }
    }
}

impl View for ChangesView {
    fn table(&self) -> Table {
        let rows = self.objects.iter().map(|object| {
            [
                address(object.at),
                object.name.clone(),
                object.change.told().to_string(),
                object.bytes.to_string(),
            ]
            .into()
        });
        Table {
            caption: self.sentence(),
            columns: headings([
                words::objects::column_object(),
                words::objects::column_type(),
                words::objects::column_change(),
                words::objects::column_differ(),
            ]),
            rows: rows.collect(),
        }
    }

    fn sentence(&self) -> String {
        let count = |change| {
            self.objects
                .iter()
                .filter(|object| object.change == change)
                .count()
        };
        let mut text = words::objects::changes(
            self.from,
            self.to,
            words::objects::frames(self.frames.len() as u64),
            words::objects::objects(count(Change::Allocated) as u64),
            count(Change::Freed),
            count(Change::Written),
        );
        if self.omitted != 0 {
            text.push_str(&words::objects::omitted(self.omitted));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_read_as_a_sentence_and_a_table() {
        let object = |at, change| ObjectChange {
            at,
            size: 288,
            name: "radix_tree_node".into(),
            change,
            bytes: 9,
        };
        let view = ChangesView {
            from: 3,
            to: 4,
            frames: [7, 9].into(),
            objects: [
                object(512, Change::Allocated),
                object(1024, Change::Written),
            ]
            .into(),
            omitted: 0,
        };
        assert_eq!(
            view.sentence(),
            "from step 3 to step 4: 2 frames changed; 1 object allocated, 0 freed, 1 written"
        );
        assert_eq!(
            view.table().rows[0],
            ["ffff880000001000", "radix_tree_node", "allocated", "9"]
        );
    }
}
