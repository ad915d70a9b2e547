//! The kernel's memory: a region of real RAM that one machine after the other gets.

use alloc::format;
use alloc::string::String;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};

use boot::memory_map::{PAGE, Plan, Region};
use kernel_core::mem::Ram;
use labs::{Memory, guest};

/// Whether no [`Ram`] is made of the region at present.
static FREE: AtomicBool = AtomicBool::new(false);

/// The region from which kernels get their frames.
///
/// Invariant: while [`FREE`] is set, the region is this value's alone. Frames whose dirty byte is
/// zero are zero.
pub struct Frames {
    pool: Region,
    dirty: Region,
    /// How many frames there are, without the one that stands behind the last.
    frames: u32,
    /// How many frames the machine before had.
    used: u32,
}

impl Frames {
    /// Takes charge of the plan's frames.
    ///
    /// # Safety
    /// `plan.pool` and `plan.dirty` are mapped, writable, and used by nobody else ever after; this
    /// is called once.
    pub unsafe fn new(plan: &Plan) -> Frames {
        let frames = Frames {
            pool: plan.pool,
            dirty: plan.dirty,
            frames: plan.frames,
            used: 0,
        };
        FREE.store(true, Ordering::Release);
        frames
    }

    /// Zeroes what the machine before has written.
    fn wipe(&mut self) {
        for frame in 0..=u64::from(self.used) {
            let dirty = (self.dirty.start + frame) as *mut u8;
            let bytes = (self.pool.start + frame * PAGE) as *mut [u8; PAGE as usize];
            // SAFETY: called while the region is ours alone; both addresses lie in it, since no
            // machine got more frames than there are.
            unsafe {
                if dirty.read() != 0 {
                    bytes.write([0; PAGE as usize]);
                    dirty.write(0);
                }
            }
        }
    }
}

impl Memory for Frames {
    fn admits(&self, frames: u32) -> Result<(), String> {
        if frames <= self.frames {
            return Ok(());
        }
        let (asked, there) = (frames.div_ceil(256), self.frames / 256);
        let needed = guest::memory_mib(asked);
        Err(format!(
            "the machine asks for {asked} MiB of memory and this guest has room for {there} MiB: \
             start QEMU with -m {needed}M"
        ))
    }

    fn take(&mut self, frames: u32, old: Option<Ram>) -> Result<Ram, String> {
        self.admits(frames)?;
        drop(old);
        if !FREE.swap(false, Ordering::AcqRel) {
            return Err("another machine has the memory".into());
        }
        self.wipe();
        self.used = frames;
        let address =
            |region: Region| NonNull::new(region.start as *mut u8).ok_or("memory at address 0");
        let (base, dirty) = (address(self.pool)?, address(self.dirty)?);
        // SAFETY: nobody else has the region, as `FREE` was set, until the `Ram` is dropped, when
        // it is set again. The region holds so many frames and one more, by `admits`; frames not
        // written are zero as QEMU made them, and the others were just wiped.
        Ok(unsafe { Ram::from_raw(base, dirty, frames, |_| FREE.store(true, Ordering::Release)) })
    }
}
