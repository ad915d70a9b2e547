//! The trace of some steps, written from a replay of the log.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::Any;

use kernel_core::mem::MEM;

use super::live::Live;
use crate::export::Export;
use crate::protocol::TraceFormat;

impl Live {
    /// A piece of the file that tells of the steps `from` to `to`, and what to resume from for the
    /// next one. A piece ends early once its replay has cost `budget`; it tells of one step at least
    /// then, or of a part of one. Afterwards the kernel stands where it stood.
    ///
    /// # Errors
    /// `resume` is none of this file's events.
    pub fn trace(
        &mut self,
        format: TraceFormat,
        from: u32,
        to: u32,
        resume: Option<u64>,
        budget: u64,
    ) -> Result<(Vec<u8>, Option<u64>), String> {
        let to = to.min(self.end());
        let from = from.min(to);
        let (first, end) = (self.first_event(from), self.first_event(to + 1));
        let start = resume.unwrap_or(first);
        if !(first..end).contains(&start) {
            return Err(format!(
                "the trace of steps {from} to {to} has the events {first} to {end}, not {start}"
            ));
        }
        let here = self.step();
        let mut export = Box::new(Export::new(format, start));
        if resume.is_none() {
            export.head(self.machine());
        }
        let spent_before = self.spent;
        let mut step = self.step_of(start);
        let is_whole = loop {
            let is_told;
            (export, is_told) = self.trace_step(export, step);
            if !is_told {
                break false;
            }
            if step == to {
                break true;
            }
            if export.is_full() || self.spent - spent_before >= budget {
                break false;
            }
            step += 1;
        };
        if is_whole {
            export.tail();
        }
        self.seek(here);
        let (bytes, next) = export.finish();
        Ok((bytes, (!is_whole).then_some(next)))
    }

    /// Replays one step into `export`, and says whether all of the step had room.
    fn trace_step(&mut self, mut export: Box<Export>, step: u32) -> (Box<Export>, bool) {
        let end = self.first_event(step + 1);
        self.seek(step.saturating_sub(1));
        let cpu = self.kernel.mem[MEM].cpu;
        let line = step
            .checked_sub(1)
            .map(|index| self.lines[index as usize].bytes.as_slice());
        export.begin(line, self.first_event(step), cpu);
        if step > 0 {
            self.kernel.mem.set_tap(Some(export));
            self.advance();
            let tap: Box<dyn Any> = self.kernel.mem.set_tap(None).expect("a tap stays in");
            export = tap.downcast().expect("the tap that was put in");
        }
        export.take(&self.kernel.mem, end);
        let is_told = export.end(end);
        (export, is_told)
    }
}
