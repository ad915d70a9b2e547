//! The terminal: what programs print, on its way to the console.
//!
//! A program runs while the console waits, and whoever watches the console sees its text when the
//! console looks. In between it lies in a ring of bytes in the kernel's own frames. A writer who finds
//! the ring full sleeps until the console has shown some of it; nothing is ever lost.
//!
//! The console reads lines, not programs: to them the terminal has nothing to read.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use crate::btf::describe;
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Mem, Ref, layout};
use crate::task::wait::{self, WaitQueue};

/// The static data of this module.
pub const TTY: Ref<Tty> = Ref::of_frame(layout::TTY);

/// Bytes that the ring holds.
pub const CAPACITY: usize = layout::TTY_FRAMES as usize * FRAME_SIZE - size_of::<Tty>();

/// How far the terminal has come. The ring follows it.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Tty {
    /// Bytes written since boot.
    pub written: u64,
    /// Of these, bytes that the console has shown.
    pub shown: u64,
    /// Writers who wait for room.
    pub writers: WaitQueue,
}

describe!(Tty, "tty_struct", [written, shown, writers]);

/// One word of the ring.
type Word = [u8; 8];

fn word_at(position: u64) -> (Ref<Word>, usize) {
    let place = (position % CAPACITY as u64) as usize;
    let words: Ref<Word> = TTY.byte_add(size_of::<Tty>());
    (words.offset((place / 8) as u32), place % 8)
}

/// Where writers wait.
pub(crate) fn writers() -> Ref<WaitQueue> {
    TTY.byte_add(offset_of!(Tty, writers))
}

/// Sets the terminal up.
pub(crate) fn boot(mem: &mut Mem) {
    WaitQueue::init(mem, writers());
}

/// Bytes for which there is room.
pub fn room(mem: &Mem) -> usize {
    let Tty { written, shown, .. } = mem[TTY];
    CAPACITY - (written - shown) as usize
}

/// Puts as many bytes as there is room for into the ring, and returns how many.
///
/// # Errors
/// `EAGAIN` if there is no room at all.
pub fn write(mem: &mut Mem, bytes: &[u8]) -> Result<usize, Errno> {
    let length = bytes.len().min(room(mem));
    if length == 0 && !bytes.is_empty() {
        return Err(Errno::EAGAIN);
    }
    for &byte in &bytes[..length] {
        let (word, place) = word_at(mem[TTY].written);
        mem[word][place] = byte;
        mem[TTY].written += 1;
    }
    Ok(length)
}

/// Whether there is something that the console has not shown.
pub fn is_pending(mem: &Mem) -> bool {
    mem[TTY].written != mem[TTY].shown
}

/// Gives the console what it has not shown yet, piece by piece, and wakes those who wait for room.
pub fn drain(mem: &mut Mem, show: &mut dyn FnMut(&[u8])) {
    if !is_pending(mem) {
        return;
    }
    let mut buffer = [0; 256];
    while is_pending(mem) {
        let Tty { written, shown, .. } = mem[TTY];
        let count = ((written - shown) as usize).min(buffer.len());
        for (at, byte) in (shown..).zip(&mut buffer[..count]) {
            let (word, place) = word_at(at);
            *byte = mem[word][place];
        }
        show(&buffer[..count]);
        mem[TTY].shown += count as u64;
    }
    wait::wake_up_all(mem, writers());
}

/// Checks the ring's own numbers.
///
/// # Errors
/// A sentence that names the violation.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    let Tty { written, shown, .. } = mem[TTY];
    if shown > written || written - shown > CAPACITY as u64 {
        return Err("tty: the ring holds more than it can");
    }
    Ok(())
}
