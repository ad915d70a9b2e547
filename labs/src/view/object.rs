//! One kernel object: what it is, its fields, and its bytes from the frame itself.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Table, View, address, headings};

/// An object of the kernel, or a stretch of a page that no object claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectView {
    /// Where it begins, in units of 8 bytes.
    pub at: u32,
    /// Its length in bytes.
    pub size: u32,
    /// Its type as the kernel's source names it, or what the page is used for.
    pub name: String,
    /// The slab cache that it is from; empty if it is from none.
    pub cache: String,
    /// Whether it is in use.
    pub state: ObjectState,
    /// The number of the frame that it begins in.
    pub pfn: u32,
    /// Its fields in the order of their offsets; none where the type is not known.
    pub fields: Vec<FieldView>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Whether an object is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectState {
    /// It was allocated.
    Allocated,
    /// It was given back; its bytes are what is left.
    Free,
    /// It is part of the kernel for good.
    Static,
}

/// A field of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldView {
    /// Its name as the kernel's source has it; elements of an array are `slots[5]`.
    pub name: String,
    /// Its offset in the object, in bytes.
    pub offset: u32,
    /// Its length in bytes.
    pub size: u32,
    /// Its value as a debugger would print it.
    pub value: String,
    /// The object that it points to, in units of 8 bytes; `None` if it is no pointer, or NULL.
    pub points_to: Option<u32>,
}

impl ObjectState {
    fn word(self) -> &'static str {
        match self {
            ObjectState::Allocated => words::objects::state_in_use(),
            ObjectState::Free => words::objects::state_free(),
            ObjectState::Static => words::objects::state_static(),
        }
    }
}

impl View for ObjectView {
    fn table(&self) -> Table {
        let rows = self.fields.iter().map(|field| {
            [
                format!("+{:#x}", field.offset),
                field.size.to_string(),
                field.name.clone(),
                field.value.clone(),
            ]
            .into()
        });
        Table {
            caption: self.sentence(),
            columns: headings([
                words::objects::column_offset(),
                words::objects::column_bytes(),
                words::objects::column_field(),
                words::objects::column_value(),
            ]),
            rows: rows.collect(),
        }
    }

    fn sentence(&self) -> String {
        let mut text = words::objects::sentence(
            &self.name,
            address(self.at),
            self.size,
            self.state.word(),
            self.pfn,
        );
        if !self.cache.is_empty() && self.cache != self.name {
            text.push_str(&words::objects::from_cache(&self.cache));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_reads_as_a_sentence_and_a_table() {
        let field = FieldView {
            name: "present".into(),
            offset: 8,
            size: 8,
            value: "0x5".into(),
            points_to: None,
        };
        let view = ObjectView {
            at: 512,
            size: 288,
            name: "radix_tree_node".into(),
            cache: "radix_tree_node".into(),
            state: ObjectState::Allocated,
            pfn: 1,
            fields: [field].into(),
            bytes: Vec::new(),
        };
        assert_eq!(
            view.sentence(),
            "radix_tree_node at ffff880000001000, 288 bytes, in use, in frame 1"
        );
        assert_eq!(view.table().rows, [["+0x8", "8", "present", "0x5"]]);
    }
}
