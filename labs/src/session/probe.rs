//! Running a line and taking it back.

use alloc::boxed::Box;
use alloc::string::String;
use core::any::Any;

use kernel_core::trace::Tap;

use super::live::{Live, check_line};
use crate::log;
use crate::protocol::LineReport;

impl Live {
    /// Runs a line on the kernel as it stands, and takes it back to the last byte. It does exactly
    /// what it would do if it were run for good.
    ///
    /// The report fits into a message: what a line prints is limited as its steps are.
    ///
    /// # Errors
    /// A sentence for a person: the machine is off, or the line is none.
    pub fn probe(&mut self, line: &[u8]) -> Result<LineReport, String> {
        check_line(line)?;
        self.check_on()?;
        let trial = self.checkpoints.begin_trial(self.kernel.mem.ram());
        let report = self.execute(log::without_returns(line));
        self.checkpoints.end_trial(self.kernel.mem.ram_mut(), trial);
        Ok(report)
    }

    /// Runs the log's line number `line` (from 0) where the kernel stands, and takes it back. `tap`
    /// sees every event meanwhile; `look` sees the kernel afterwards, before it is taken back.
    pub(super) fn rerun<T: Tap, R>(
        &mut self,
        line: u32,
        tap: T,
        look: impl FnOnce(&Live, &mut T) -> R,
    ) -> (Box<T>, R) {
        let trial = self.checkpoints.begin_trial(self.kernel.mem.ram());
        self.kernel.mem.set_tap(Some(Box::new(tap)));
        let bytes = core::mem::take(&mut self.lines[line as usize].bytes);
        self.execute(&bytes);
        self.lines[line as usize].bytes = bytes;
        let tap: Box<dyn Any> = self.kernel.mem.set_tap(None).expect("a tap stays in");
        let mut tap: Box<T> = tap.downcast().expect("the tap that was put in");
        tap.catch_up(&self.kernel.mem);
        let seen = look(self, &mut tap);
        self.checkpoints.end_trial(self.kernel.mem.ram_mut(), trial);
        (tap, seen)
    }
}
