//! Pipes: a page of bytes between those who write and those who read.
//!
//! A reader of an empty pipe sleeps until somebody writes, a writer to a full one until somebody reads.
//! When the last writer has closed his end, readers come to the end of the file; when the last reader
//! has, writers get `EPIPE` and the signal SIGPIPE, since nobody will ever read. Up to [`PIPE_BUF`] bytes
//! are written as a whole or not at all.
//!
//! A pipe's inode belongs to `pipefs`, which is mounted nowhere, and has never a name that leads to it. A
//! *FIFO* is a pipe that has a name in a file system; the pipe itself is there only while somebody has
//! it open. Opening one end of a FIFO does not wait for the other, as Linux does: the first read or write
//! waits for it instead, which comes to the same for whoever reads or writes.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::dentry;
use super::file::{self, File, O_NONBLOCK, O_RDONLY, O_WRONLY};
use super::inode::{self, FIFO, Inode};
use super::poll::{POLLERR, POLLHUP, POLLIN, POLLOUT, Polled};
use super::{FS, FileSystem, Mount, inode_of, sleep};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Gfp, Mem, PageFlag, Ref};
use crate::slab;
use crate::task::wait::{WaitQueue, Why};

/// Bytes that a pipe holds, and that are written as a whole.
pub const PIPE_BUF: usize = FRAME_SIZE;

/// What flows from writers to readers (`pipe_inode_info`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Pipe {
    /// Readers and writers who wait.
    pub wait: WaitQueue,
    /// The frame that holds the bytes.
    pub frame: u32,
    /// Where in it the first byte is.
    pub start: u32,
    /// How many there are.
    pub length: u32,
    /// Open files that read.
    pub readers: u32,
    /// Open files that write.
    pub writers: u32,
    /// How often a reader came.
    pub r_counter: u32,
    /// How often a writer came.
    pub w_counter: u32,
    _pad: u32,
}

describe!(
    Pipe,
    "pipe_inode_info",
    [
        wait,
        frame: Kind::Frame,
        start,
        length,
        readers,
        writers,
        r_counter,
        w_counter,
        _pad: Kind::Padding,
    ]
);

/// The file system of pipes without names.
pub(super) struct Pipefs;

impl FileSystem for Pipefs {
    fn name(&self) -> &'static str {
        "pipefs"
    }

    /// It cannot be mounted, and has no directory to show.
    fn find_super(&self, _: &mut Mem, _: &str) -> Result<Ref<Mount>, Errno> {
        Err(Errno::EINVAL)
    }

    fn read(&self, _: &mut Mem, _: Ref<File>, _: &mut u64, _: &mut [u8]) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }

    fn write(&self, _: &mut Mem, _: Ref<File>, _: &mut u64, _: &[u8]) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }
}

/// Makes a pipe and returns its ends: an open file to read and one to write, each with a reference.
///
/// # Errors
/// `ENFILE`, `ENOMEM`.
pub fn pipe(mem: &mut Mem) -> Result<[Ref<File>; 2], Errno> {
    let mount = mem[FS].pipe_mount;
    let inode = inode::new(mem, mount, FIFO | 0o600)?;
    let root = mem[mount].root;
    let mut name = super::Name::EMPTY;
    // It fits.
    let _ = core::fmt::Write::write_fmt(&mut name, format_args!("pipe:[{}]", mem[inode].ino));
    let dentry = match dentry::alloc(mem, root, name.text(), inode) {
        Ok(dentry) => dentry,
        Err(errno) => {
            inode::put(mem, inode);
            return Err(errno);
        }
    };
    // No directory will ever lead to it.
    mem[inode].nlink = 0;
    dentry::orphan(mem, dentry);
    let ends = file::open_as(mem, dentry, O_RDONLY).and_then(|reader| {
        let writer = file::open_as(mem, dentry, O_WRONLY);
        let writer = writer.inspect_err(|_| file::close(mem, reader))?;
        Ok([reader, writer])
    });
    dentry::put(mem, dentry);
    ends
}

/// Opens an end of the pipe of `inode`; the first to come makes it.
///
/// # Errors
/// `ENXIO` for a writer who does not want to wait while nobody reads; `ENOMEM`.
pub(super) fn open(mem: &mut Mem, file: Ref<File>, inode: Ref<Inode>) -> Result<(), Errno> {
    let File { flags, .. } = mem[file];
    let [reads, writes] = [mem[file].is_readable(), mem[file].is_writable()];
    let mut pipe = mem[inode].pipe;
    let readers = if pipe.is_null() { 0 } else { mem[pipe].readers };
    let has_name = mem[inode].mount != mem[FS].pipe_mount;
    if has_name && !reads && flags & O_NONBLOCK != 0 && readers == 0 {
        return Err(Errno::ENXIO);
    }
    if pipe.is_null() {
        pipe = make(mem)?;
        mem[inode].pipe = pipe;
    }
    // Of the others it only counts who comes from now on.
    mem[file].position = match reads {
        true => mem[pipe].w_counter,
        false => mem[pipe].r_counter,
    }
    .into();
    mem[pipe].readers += u32::from(reads);
    mem[pipe].r_counter += u32::from(reads);
    mem[pipe].writers += u32::from(writes);
    mem[pipe].w_counter += u32::from(writes);
    let others = match reads {
        true => mem[pipe].writers,
        false => mem[pipe].readers,
    };
    if others > 0 {
        // Who is there already was met.
        mem[file].position = u64::MAX;
    }
    wake(mem, pipe);
    Ok(())
}

fn make(mem: &mut Mem) -> Result<Ref<Pipe>, Errno> {
    let cache = mem[FS].pipe_cache;
    let pipe: Ref<Pipe> = super::shrink::alloc(mem, cache)?;
    let page = super::shrink::with_memory(mem, |mem| mem.alloc_page(Gfp::KERNEL));
    let page = match page {
        Ok(page) => page,
        Err(errno) => {
            slab::kmem_cache_free(mem, cache, pipe);
            return Err(errno);
        }
    };
    mem[page].set(PageFlag::Reserved);
    mem[pipe] = Pipe {
        frame: mem.frame_of(page),
        ..Pipe::zeroed()
    };
    WaitQueue::init(mem, queue(pipe));
    Ok(pipe)
}

/// Where those wait who wait at a pipe.
fn queue(pipe: Ref<Pipe>) -> Ref<WaitQueue> {
    pipe.byte_add(offset_of!(Pipe, wait))
}

fn wake(mem: &mut Mem, pipe: Ref<Pipe>) {
    sleep::wake(mem, queue(pipe));
}

/// Closes an end. The pipe goes with its last end, and what was left in it.
pub(super) fn release(mem: &mut Mem, file: Ref<File>, inode: Ref<Inode>) {
    let pipe = mem[inode].pipe;
    mem[pipe].readers -= u32::from(mem[file].is_readable());
    mem[pipe].writers -= u32::from(mem[file].is_writable());
    wake(mem, pipe);
    let Pipe {
        readers,
        writers,
        frame,
        ..
    } = mem[pipe];
    if readers + writers > 0 {
        return;
    }
    mem[inode].pipe = Ref::NULL;
    let page = mem.page(frame);
    mem[page].clear(PageFlag::Reserved);
    mem.put_page(page);
    let cache = mem[FS].pipe_cache;
    slab::kmem_cache_free(mem, cache, pipe);
}

/// Whether the other side of an open end has been there: so far as `counter` tells, somebody came since
/// it was opened.
fn has_met(mem: &Mem, file: Ref<File>, counter: u32) -> bool {
    mem[file].position != u64::from(counter)
}

/// Takes what is in the pipe, as much as has room.
///
/// # Errors
/// `EAGAIN` and `ERESTARTSYS` while it is empty and somebody may write; see [`sleep::wait_for`].
pub(super) fn read(mem: &mut Mem, file: Ref<File>, buffer: &mut [u8]) -> Result<usize, Errno> {
    let pipe = mem[inode_of(mem, file)].pipe;
    let Pipe {
        frame,
        start,
        length,
        writers,
        w_counter,
        ..
    } = mem[pipe];
    if buffer.is_empty() {
        return Ok(0);
    }
    if length == 0 {
        if writers == 0 && has_met(mem, file, w_counter) {
            return Ok(0);
        }
        let flags = mem[file].flags;
        return Err(sleep::wait_for(mem, queue(pipe), Why::Pipe, flags));
    }
    let count = buffer.len().min(length as usize);
    let bytes = mem.frame(frame);
    for (index, byte) in buffer[..count].iter_mut().enumerate() {
        *byte = bytes[(start as usize + index) % PIPE_BUF];
    }
    let descriptor = &mut mem[pipe];
    descriptor.start = (start + count as u32) % PIPE_BUF as u32;
    descriptor.length -= count as u32;
    wake(mem, pipe);
    Ok(count)
}

/// Puts bytes into the pipe: all of them, or, of more than [`PIPE_BUF`], as many as have room.
///
/// # Errors
/// `EPIPE`, with a signal, if nobody reads; `EAGAIN` and `ERESTARTSYS` while there is no room.
pub(super) fn write(mem: &mut Mem, file: Ref<File>, bytes: &[u8]) -> Result<usize, Errno> {
    let pipe = mem[inode_of(mem, file)].pipe;
    let Pipe {
        frame,
        start,
        length,
        readers,
        r_counter,
        ..
    } = mem[pipe];
    if bytes.is_empty() {
        return Ok(0);
    }
    if readers == 0 && has_met(mem, file, r_counter) {
        sleep::broken_pipe(mem);
        return Err(Errno::EPIPE);
    }
    let room = PIPE_BUF - length as usize;
    let has_room = room >= bytes.len() || room > 0 && bytes.len() > PIPE_BUF;
    if readers == 0 || !has_room {
        let flags = mem[file].flags;
        return Err(sleep::wait_for(mem, queue(pipe), Why::Pipe, flags));
    }
    let count = bytes.len().min(room);
    let end = (start + length) as usize;
    let target = mem.frame_mut(frame);
    for (index, &byte) in bytes[..count].iter().enumerate() {
        target[(end + index) % PIPE_BUF] = byte;
    }
    mem[pipe].length += count as u32;
    wake(mem, pipe);
    Ok(count)
}

/// What can be done with an open end without waiting.
pub(super) fn poll(mem: &Mem, file: Ref<File>) -> Polled {
    let pipe = mem[inode_of(mem, file)].pipe;
    let Pipe {
        length,
        readers,
        writers,
        r_counter,
        w_counter,
        ..
    } = mem[pipe];
    let mut events = 0;
    if length > 0 {
        events |= POLLIN;
    }
    if readers > 0 && length == 0 {
        // As much as is written as a whole.
        events |= POLLOUT;
    }
    if writers == 0 && has_met(mem, file, w_counter) {
        events |= POLLHUP;
    }
    if readers == 0 && has_met(mem, file, r_counter) {
        events |= POLLERR;
    }
    Polled {
        events,
        queue: queue(pipe),
        exclusive: false,
    }
}

/// Checks the pipe of an inode, and counts its ends.
pub(super) fn check(mem: &Mem, inode: Ref<Inode>) -> Result<u32, &'static str> {
    let pipe = mem[inode].pipe;
    if pipe.is_null() {
        return Ok(0);
    }
    let Pipe {
        frame,
        start,
        length,
        readers,
        writers,
        ..
    } = mem[pipe];
    if mem[inode].kind() != FIFO || readers + writers == 0 {
        return Err("fs: a pipe that nobody has open");
    }
    if length as usize > PIPE_BUF || start as usize >= PIPE_BUF || frame >= mem.frames() {
        return Err("fs: a pipe holds more than it can");
    }
    Ok(readers + writers)
}
