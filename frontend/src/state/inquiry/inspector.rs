//! The inspector: one object, its fields and its bytes, and what a step changed in them.

use std::rc::Rc;

use labs::view::ObjectView;

/// How many objects the way back remembers.
const TRAIL_MAX: usize = 100;

/// The object that is taken apart, and those that led to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inspector {
    /// The addresses that were asked for, in units of 8 bytes, the present one last.
    trail: Vec<u32>,
    /// The object, as it was last seen.
    pub view: Option<Rc<ObjectView>>,
    /// The step at which it was seen.
    pub step: u32,
    /// The same object as it was at another step, shown before this one.
    pub before: Option<(u32, Rc<ObjectView>)>,
    /// Why nothing is known of it.
    pub error: Option<Rc<str>>,
}

impl Inspector {
    /// The address that is asked about.
    pub fn asked(&self) -> Option<u32> {
        self.trail.last().copied()
    }

    /// There is an object to go back to.
    pub fn has_way_back(&self) -> bool {
        self.trail.len() > 1
    }

    /// Goes on to the object at `at`.
    pub(super) fn open(&mut self, at: u32) {
        if self.asked() == Some(at) {
            return;
        }
        if self.trail.len() == TRAIL_MAX {
            self.trail.remove(0);
        }
        self.trail.push(at);
        self.forget();
    }

    /// Goes back to the object before.
    pub(super) fn back(&mut self) {
        if self.has_way_back() {
            self.trail.pop();
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.view = None;
        self.before = None;
        self.error = None;
    }

    /// Takes what the kernel says of the object at `at` after `step`.
    pub(super) fn seen(&mut self, at: u32, step: u32, view: Result<ObjectView, String>) {
        if self.asked() != Some(at) {
            // An answer about an object that was left meanwhile.
            return;
        }
        let last = self.view.take();
        match view {
            Ok(view) => {
                if let Some(last) = last.filter(|_| step != self.step) {
                    self.before = Some((self.step, last));
                }
                let is_same = |(_, before): &(u32, Rc<ObjectView>)| {
                    (before.at, before.size) == (view.at, view.size)
                };
                self.before = self.before.take().filter(is_same);
                self.view = Some(Rc::new(view));
                self.error = None;
            }
            Err(error) => {
                self.before = None;
                self.error = Some(error.into());
            }
        }
        self.step = step;
    }

    /// Which of the object's bytes differ from those that were shown before; empty if none do.
    pub fn changed_bytes(&self) -> Vec<bool> {
        let (Some(view), Some((_, before))) = (&self.view, &self.before) else {
            return Vec::new();
        };
        let pairs = view.bytes.iter().zip(&before.bytes);
        let changed: Vec<bool> = pairs.map(|(now, then)| now != then).collect();
        if changed.contains(&true) {
            changed
        } else {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labs::view::ObjectState;

    fn object(at: u32, bytes: &[u8]) -> ObjectView {
        ObjectView {
            at,
            size: bytes.len() as u32,
            name: "thing".into(),
            cache: String::new(),
            state: ObjectState::Allocated,
            pfn: 0,
            fields: Vec::new(),
            bytes: bytes.into(),
        }
    }

    #[test]
    fn a_step_marks_the_bytes_that_it_changed() {
        let mut inspector = Inspector::default();
        inspector.open(8);
        inspector.seen(8, 1, Ok(object(8, &[1, 2, 3])));
        assert!(inspector.changed_bytes().is_empty());
        inspector.seen(8, 2, Ok(object(8, &[1, 9, 3])));
        assert_eq!(inspector.changed_bytes(), [false, true, false]);
        // Seen again at the same step, it has still changed since the one before.
        inspector.seen(8, 2, Ok(object(8, &[1, 9, 3])));
        assert_eq!(inspector.changed_bytes(), [false, true, false]);
        inspector.seen(8, 3, Ok(object(8, &[1, 9, 3])));
        assert!(inspector.changed_bytes().is_empty());
        // Another object at the same address is not compared.
        inspector.seen(8, 4, Ok(object(8, &[1, 9, 3, 4])));
        assert!(inspector.before.is_none());
    }

    #[test]
    fn one_goes_on_and_back() {
        let mut inspector = Inspector::default();
        inspector.back();
        inspector.open(8);
        inspector.seen(8, 1, Ok(object(8, &[1])));
        inspector.open(8);
        assert!(inspector.view.is_some() && !inspector.has_way_back());
        inspector.open(16);
        assert!(inspector.view.is_none());
        inspector.seen(8, 1, Ok(object(8, &[1])));
        assert!(inspector.view.is_none(), "an answer that came too late");
        inspector.seen(16, 1, Err("no such frame".into()));
        assert_eq!(inspector.error.as_deref(), Some("no such frame"));
        inspector.back();
        assert_eq!((inspector.asked(), &inspector.error), (Some(8), &None));
    }
}
