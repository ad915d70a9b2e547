//! The heap of the outer layers: sessions, views, messages. The kernel core uses none.

use core::sync::atomic::{AtomicBool, Ordering};

use boot::memory_map::Region;
use talc::TalcLock;
use talc::lock_api::{GuardSend, RawMutex};
use talc::source::Manual;

#[global_allocator]
static HEAP: TalcLock<OneProcessor, Manual> = TalcLock::new(Manual);

/// Gives the heap its memory.
///
/// # Safety
/// `region` is mapped, writable, and used by nobody else ever after.
pub unsafe fn give(region: Region) {
    // SAFETY: the caller's promise.
    let end = unsafe {
        HEAP.lock()
            .claim(region.start as *mut u8, region.size() as usize)
    };
    assert!(
        end.is_some(),
        "a heap of {} bytes is too small to use",
        region.size()
    );
}

/// The lock of a machine with one processor whose interrupt handlers don't allocate: it is never
/// found taken.
struct OneProcessor(AtomicBool);

// SAFETY: `try_lock` succeeds only for the one that turns the flag on, until it is turned off.
unsafe impl RawMutex for OneProcessor {
    const INIT: OneProcessor = OneProcessor(AtomicBool::new(false));
    type GuardMarker = GuardSend;

    fn lock(&self) {
        assert!(self.try_lock(), "the heap is used from within itself");
    }

    fn try_lock(&self) -> bool {
        !self.0.swap(true, Ordering::Acquire)
    }

    unsafe fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }
}
