//! Running a line and taking it back.

use alloc::string::String;

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
        let (mut report, questions) = self.execute_asking(log::without_returns(line));
        self.checkpoints.end_trial(self.kernel.mem.ram_mut(), trial);
        self.answer(questions, self.step(), &mut report);
        Ok(report)
    }
}
