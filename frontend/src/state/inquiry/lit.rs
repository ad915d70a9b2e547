//! What the pictures light up: stretches of memory that an answer is about.
//!
//! The pictures differ in what they draw (a node, a frame, a cache), the answers in what they name
//! (an event's touches, a change, an object). Between them are addresses.

use labs::view::{Change, ChangesView, ObjectView, Touch};

/// Handles to a frame: handles count units of 8 bytes.
const UNITS_PER_FRAME: u32 = 4096 / 8;

/// Stretches of memory, and the frames that they lie in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lit {
    /// The stretches, in the order of their addresses.
    marks: Vec<Mark>,
    /// The frames, in the order of their numbers, each once.
    frames: Vec<u32>,
    /// The types of the objects, each once.
    names: Vec<String>,
}

/// A stretch of memory that is lit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Where it begins, in units of 8 bytes.
    pub at: u32,
    /// Where it ends, in units of 8 bytes; at least one unit after its beginning.
    pub end: u32,
    /// What became of it; `None` if it is only spoken of.
    pub change: Option<Change>,
}

impl Mark {
    fn new(at: u32, bytes: u32, change: Option<Change>) -> Mark {
        let end = at.saturating_add(bytes.div_ceil(8).max(1));
        Mark { at, end, change }
    }
}

impl Lit {
    /// Lights what an event touched.
    pub fn of_touches(touches: &[Touch]) -> Lit {
        let marks = touches
            .iter()
            .map(|touch| Mark::new(touch.at, touch.bytes, None));
        Lit::new(marks.collect(), &[], Vec::new())
    }

    /// Lights what differs between two steps.
    pub fn of_changes(changes: &ChangesView) -> Lit {
        let marks = changes.objects.iter().map(|object| {
            let change = Some(object.change);
            Mark::new(object.at, object.size, change)
        });
        let names = changes.objects.iter().map(|object| object.name.clone());
        Lit::new(marks.collect(), &changes.frames, names.collect())
    }

    /// Lights one object.
    pub fn of_object(object: &ObjectView) -> Lit {
        let mark = Mark::new(object.at, object.size, None);
        let names = vec![object.name.clone(), object.cache.clone()];
        Lit::new(vec![mark], &[], names)
    }

    fn new(mut marks: Vec<Mark>, frames: &[u32], mut names: Vec<String>) -> Lit {
        marks.sort_unstable_by_key(|mark| (mark.at, mark.end));
        let of_marks = marks
            .iter()
            .flat_map(|mark| mark.at / UNITS_PER_FRAME..=(mark.end - 1) / UNITS_PER_FRAME);
        let mut frames: Vec<u32> = frames.iter().copied().chain(of_marks).collect();
        frames.sort_unstable();
        frames.dedup();
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        names.dedup();
        Lit {
            marks,
            frames,
            names,
        }
    }

    /// Nothing is lit.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The mark of the object that begins at the handle `at`.
    pub fn mark_of(&self, at: u32) -> Option<Mark> {
        let after = self.marks.partition_point(|mark| mark.at <= at);
        // Marks may overlap: a whole page and an object in it.
        let mut before = self.marks[..after].iter().rev().take(4);
        before.find(|mark| at < mark.end).copied()
    }

    /// The frames that are lit, in the order of their numbers.
    pub fn frames(&self) -> &[u32] {
        &self.frames
    }

    /// Whether an object of this type, or from the cache of this name, is lit.
    pub fn has_name(&self, name: &str) -> bool {
        self.names
            .binary_search_by(|known| known.as_str().cmp(name))
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labs::view::ObjectChange;

    #[test]
    fn marks_are_found_by_what_they_cover() {
        let lit = Lit::of_touches(&[
            Touch {
                at: 600,
                bytes: 288,
            },
            Touch { at: 512, bytes: 1 },
            Touch {
                at: 1000,
                bytes: 4096,
            },
        ]);
        assert_eq!(lit.mark_of(512).map(|mark| mark.end), Some(513));
        assert_eq!(lit.mark_of(513), None);
        assert_eq!(lit.mark_of(635).map(|mark| mark.at), Some(600));
        assert_eq!(lit.mark_of(636), None);
        assert_eq!(lit.frames(), [1, 2]);
        assert!(!lit.is_empty() && Lit::default().is_empty());
    }

    #[test]
    fn changes_light_frames_that_no_object_claims() {
        let object = ObjectChange {
            at: 512,
            size: 288,
            name: "radix_tree_node".into(),
            change: Change::Freed,
            bytes: 3,
        };
        let changes = ChangesView {
            frames: vec![9, 1],
            objects: vec![object],
            ..ChangesView::default()
        };
        let lit = Lit::of_changes(&changes);
        assert_eq!(lit.frames(), [1, 9]);
        assert_eq!(
            lit.mark_of(512).and_then(|mark| mark.change),
            Some(Change::Freed)
        );
        assert!(lit.has_name("radix_tree_node") && !lit.has_name("dentry"));
    }
}
