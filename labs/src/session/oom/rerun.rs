//! Lines that run once more, in another way than they did.
//!
//! What would have happened needs no second kernel: the session goes back, runs the other lines where it
//! stands, and takes them back to the last byte, as it does with a single line that is probed.

use crate::session::live::Live;

/// Kernel steps that one question may take on, each line counting some more. It is a number of the
/// session's, not of its host's, so that an answer is the same on every host.
pub(super) const RERUN_STEPS: u64 = 100_000_000;

impl Live {
    /// Does something from `step` on, and takes it back: log, checkpoints and kernel are what they were,
    /// and the kernel stands at `step`. No step is gone to meanwhile.
    pub(super) fn tried<T>(&mut self, step: u32, deed: impl FnOnce(&mut Live) -> T) -> T {
        self.seek(step);
        let trial = self.checkpoints.begin_trial(self.kernel.mem.ram());
        let done = deed(self);
        self.checkpoints.end_trial(self.kernel.mem.ram_mut(), trial);
        done
    }
}
