//! The kernel's log: what it says to whoever looks after the machine.
//!
//! [`Mem::printk`] writes a line into a ring of bytes in the kernel's own frames, as the kernel's
//! `log_buf` does. `dmesg` prints the ring; what is new since the last console line appears on the
//! console as well, behind the line that caused it.

use core::fmt::{self, Write};

use bytemuck::{Pod, Zeroable};

use crate::btf::describe;
use crate::mem::{FRAME_SIZE, Mem, Ref, layout};

/// Bytes that the ring holds.
pub const CAPACITY: usize = layout::LOG_FRAMES as usize * FRAME_SIZE - size_of::<LogHead>();

/// The static data of this module.
pub const LOG: Ref<LogHead> = Ref::of_frame(layout::LOG);

/// How far the log has come. The ring follows it.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct LogHead {
    /// Bytes written since boot.
    pub written: u64,
    /// Of these, bytes that the console has shown.
    pub shown: u64,
    /// Of these, bytes that `dmesg -c` has cleared away.
    pub cleared: u64,
}

describe!(LogHead, "log_buf", [written, shown, cleared]);

/// One word of the ring.
type Word = [u8; 8];

fn word_at(position: u64) -> (Ref<Word>, usize) {
    let place = (position % CAPACITY as u64) as usize;
    let words: Ref<Word> = LOG.byte_add(size_of::<LogHead>());
    (words.offset((place / 8) as u32), place % 8)
}

struct Writer<'a>(&'a mut Mem);

impl Write for Writer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            let (word, place) = word_at(self.0[LOG].written);
            self.0[word][place] = byte;
            self.0[LOG].written += 1;
        }
        Ok(())
    }
}

impl Mem {
    /// Writes a line into the kernel's log.
    pub fn printk(&mut self, line: fmt::Arguments<'_>) {
        // The writer never fails; a `Display` that does ends its line early.
        let _ = writeln!(Writer(self), "{line}");
    }

    /// The first byte of the log that the ring still holds, and that was not cleared away.
    pub fn log_start(&self) -> u64 {
        let LogHead {
            written, cleared, ..
        } = self[LOG];
        cleared.max(written.saturating_sub(CAPACITY as u64))
    }

    /// Copies log bytes from `position` on into `buffer`; returns how many.
    pub fn read_log(&self, position: u64, buffer: &mut [u8]) -> usize {
        let left = self[LOG].written.saturating_sub(position);
        let count = (buffer.len() as u64).min(left) as usize;
        for (at, byte) in (position..).zip(&mut buffer[..count]) {
            let (word, place) = word_at(at);
            *byte = self[word][place];
        }
        count
    }
}

/// Notes that the console has shown all there is.
pub(crate) fn shown(mem: &mut Mem) {
    mem[LOG].shown = mem[LOG].written;
}

/// Checks the log's own numbers.
///
/// # Errors
/// A sentence that names the violation.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    let LogHead {
        written,
        shown,
        cleared,
    } = mem[LOG];
    if shown > written || cleared > written {
        return Err("printk: more was shown than written");
    }
    Ok(())
}
