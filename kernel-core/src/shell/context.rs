//! What a command sees of the world: memory, input, output.

use core::fmt::{self, Write};

use crate::errno::Errno;
use crate::fs::{self, File};
use crate::machine::Machine;
use crate::mem::{FRAME_SIZE, Mem, Ref};

/// Printing so many bytes is one step of the line's budget: a line prints 8 MiB at most, which
/// leaves room in the message that carries it.
const BYTES_PER_STEP: usize = 2;

/// Memory and the console, and where a command's input and output go. Printing with `write!` goes
/// to the output; it collects there, so that a short text reaches a file in one `write`.
pub(super) struct Context<'a> {
    /// The kernel.
    pub mem: &'a mut Mem,
    machine: &'a mut dyn Machine,
    /// Where input comes from; the console has none.
    pub input: Option<Ref<File>>,
    /// Where output goes, if not to the console.
    pub output: Option<Ref<File>>,
    error: Option<Errno>,
    filled: usize,
    buffer: [u8; FRAME_SIZE],
}

impl<'a> Context<'a> {
    pub(super) fn new(mem: &'a mut Mem, machine: &'a mut dyn Machine) -> Context<'a> {
        Context {
            mem,
            machine,
            input: None,
            output: None,
            error: None,
            filled: 0,
            buffer: [0; FRAME_SIZE],
        }
    }

    /// Prints a line to the console, wherever output goes.
    pub(super) fn error(&mut self, message: fmt::Arguments<'_>) {
        if self.output.is_none() {
            // What was printed before stays before it; an error of that shows up later.
            let _ = self.flush();
        }
        let _ = writeln!(Console(self.machine), "{message}");
    }

    /// Sends on what was printed. Data goes out before the steps for it are counted, so a line that
    /// runs out of steps has printed what it did.
    pub(super) fn flush(&mut self) -> fmt::Result {
        let Context {
            mem,
            machine,
            output,
            filled,
            buffer,
            ..
        } = self;
        let mut bytes = &buffer[..core::mem::take(filled)];
        if bytes.is_empty() {
            return Ok(());
        }
        let steps = (bytes.len() / BYTES_PER_STEP + 1) as u32;
        let mut result = Ok(());
        match *output {
            None => machine.console_write(bytes),
            Some(file) => {
                while result.is_ok() && !bytes.is_empty() {
                    result = fs::write(mem, file, bytes).map(|written| bytes = &bytes[written..]);
                }
            }
        }
        if let Err(errno) = result.and_then(|()| mem.charge(steps)) {
            self.error.get_or_insert(errno);
            return Err(fmt::Error);
        }
        Ok(())
    }

    /// Prints bytes that may be no text.
    pub(super) fn write_bytes(&mut self, mut bytes: &[u8]) -> fmt::Result {
        while !bytes.is_empty() {
            if self.filled == FRAME_SIZE {
                self.flush()?;
            }
            let length = bytes.len().min(FRAME_SIZE - self.filled);
            let (now, later) = bytes.split_at(length);
            self.buffer[self.filled..self.filled + length].copy_from_slice(now);
            self.filled += length;
            bytes = later;
        }
        Ok(())
    }

    /// Ends a command's output; tells what went wrong with it.
    pub(super) fn finish(&mut self) -> Result<(), Errno> {
        // Its failure is in `error`.
        let _ = self.flush();
        self.error.take().map_or(Ok(()), Err)
    }
}

impl Write for Context<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write_bytes(text.as_bytes())
    }
}

/// The console as a place for text.
struct Console<'a>(&'a mut dyn Machine);

impl Write for Console<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.console_write(text.as_bytes());
        Ok(())
    }
}
