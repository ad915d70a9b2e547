//! Seeing every event, not only the last ones.
//!
//! The ring keeps the last [`CAPACITY`](super::CAPACITY) events, and one console line can emit a
//! million. Whoever wants them all, to write a trace file, hands the kernel a [`Tap`], which is called
//! often enough to read each event before it is overwritten. The tap is no part of the kernel's
//! state: it lies outside of its frames, and a kernel with one does exactly what it does without.
//!
//! The allocators emit most events and must not pay for this: one more call in them would cost
//! registers on every path, tap or not. So they don't look for a tap. Everything around them does: a
//! step of a command ([`Mem::charge`]), any event that is not an allocator's, each page of a file
//! that is emptied. In between there are a few dozen allocations at most.

extern crate alloc;

use alloc::boxed::Box;
use core::any::Any;
use core::fmt;

use crate::mem::Mem;

/// Reads events before they are overwritten.
pub trait Tap: Any + Send {
    /// There may be new events, all of them in the ring still.
    fn catch_up(&mut self, mem: &Mem);
}

/// The place for a tap.
#[derive(Default)]
pub(crate) struct TapSlot(Option<Box<dyn Tap>>);

impl fmt::Debug for TapSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "a tap" } else { "no tap" })
    }
}

impl Mem {
    /// Puts a tap in, or takes it out, and returns the one that was there.
    pub fn set_tap(&mut self, tap: Option<Box<dyn Tap>>) -> Option<Box<dyn Tap>> {
        core::mem::replace(&mut self.tap.0, tap)
    }

    /// Lets the tap, if there is one, read the ring.
    #[inline]
    pub(crate) fn serve_tap(&mut self) {
        if self.tap.0.is_some() {
            self.call_tap();
        }
    }

    #[cold]
    #[inline(never)]
    fn call_tap(&mut self) {
        // It sees the kernel, so it is no part of it meanwhile.
        let tap = self.tap.0.take();
        self.tap.0 = tap.map(|mut tap| {
            tap.catch_up(self);
            tap
        });
    }
}
