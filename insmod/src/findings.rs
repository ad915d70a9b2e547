//! What the callbacks of a kernel did wrong.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Fault, Finding};

/// What the callbacks of a kernel did wrong so far.
#[derive(Debug, Clone, Default)]
pub struct Findings(Arc<Mutex<Found>>);

#[derive(Debug, Default)]
struct Found {
    list: Vec<Finding>,
    /// What ended it.
    end: Option<Finding>,
}

impl Findings {
    fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first of each kind, in the order of their happening.
    pub fn list(&self) -> Vec<Finding> {
        self.lock().list.clone()
    }

    /// Notes something.
    pub fn add(&self, fault: Fault, text: String) {
        if fault.is_final() {
            return self.end(fault, text);
        }
        self.note(Finding { fault, text });
    }

    /// Notes something after which nothing more can be done.
    pub fn end(&self, fault: Fault, text: String) {
        let finding = Finding { fault, text };
        self.note(finding.clone());
        self.lock().end.get_or_insert(finding);
    }

    fn note(&self, finding: Finding) {
        let list = &mut self.lock().list;
        if list.iter().all(|known| known.fault != finding.fault) {
            list.push(finding);
        }
    }

    /// What ended it: the callbacks are not called any more, and whoever runs the kernel had better
    /// stop, for its structures may be broken.
    pub fn the_end(&self) -> Option<Finding> {
        self.lock().end.clone()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lock().list.is_empty()
    }

    /// Whether there is an end; see [`Findings::the_end`].
    pub fn is_final(&self) -> bool {
        self.lock().end.is_some()
    }
}
