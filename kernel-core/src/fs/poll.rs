//! Asking a file what would not have to wait (`poll`).
//!
//! Whoever serves several matters at once, or wants to be told when something happens, cannot sit in
//! `read`. So a file says three things: what can be done with it at once, where whoever asked is to
//! sleep if that is nothing, and whether one sleeper is enough for one piece of news. Ordinary files are
//! always ready. For `/dev/mem_notify` and a container's `oom.notify` asking *is* being told: the
//! same open file is not ready again before there is more news.

use super::file::File;
use super::inode::{BLOCK, CHARACTER, FIFO};
use super::{device, file_system, inode_of, pipe};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};
use crate::task::wait::WaitQueue;

/// There is something to read, or to be told.
pub const POLLIN: u32 = 1;
/// There is room to write.
pub const POLLOUT: u32 = 4;
/// Nobody will ever read what is written.
pub const POLLERR: u32 = 8;
/// Nobody will ever write again.
pub const POLLHUP: u32 = 16;

/// What a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polled {
    /// `POLL*` bits.
    pub events: u32,
    /// Where to sleep until there are others; NULL if there never will be.
    pub queue: Ref<WaitQueue>,
    /// Whether one sleeper is woken for one piece of news.
    pub exclusive: bool,
}

impl Polled {
    /// Always ready for everything.
    pub const READY: Polled = Polled {
        events: POLLIN | POLLOUT,
        queue: Ref::NULL,
        exclusive: false,
    };
}

/// Asks an open file; of reading and writing it tells what the file was opened for.
///
/// # Errors
/// What the file system says: `ENODEV` for a container that is gone.
pub fn poll(mem: &mut Mem, file: Ref<File>) -> Result<Polled, Errno> {
    let inode = inode_of(mem, file);
    let mut polled = match mem[inode].kind() {
        FIFO => pipe::poll(mem, file),
        CHARACTER | BLOCK => device::poll(mem, file)?,
        _ => file_system(mem, inode).poll(mem, file)?,
    };
    if !mem[file].is_readable() {
        polled.events &= !(POLLIN | POLLHUP);
    }
    if !mem[file].is_writable() {
        polled.events &= !(POLLOUT | POLLERR);
    }
    Ok(polled)
}
