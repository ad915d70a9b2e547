//! A static that gets its value at run time, once: for tables that the processor keeps using.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering};

/// Room for one value.
///
/// Invariant: whoever turned `taken` from false to true is the only one ever to write `value`,
/// and does so before anybody gets a reference to it.
pub struct Once<T> {
    taken: AtomicBool,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: by the invariant there is one writer, who gives out shared references only afterwards.
unsafe impl<T: Send + Sync> Sync for Once<T> {}

impl<T> Once<T> {
    /// Room without a value yet.
    pub const fn new() -> Once<T> {
        Once {
            taken: AtomicBool::new(false),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Puts the value in its place for ever. Panics the second time.
    pub fn set(&'static self, value: T) -> &'static T {
        assert!(
            !self.taken.swap(true, Ordering::AcqRel),
            "a table is set up twice"
        );
        // SAFETY: the swap let us pass, and nobody else ever; see the invariant.
        unsafe { (*self.value.get()).write(value) }
    }
}
