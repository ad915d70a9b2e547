//! Files whose content is made when they are read: all of `/proc` and `/sys`.
//!
//! Such a file is a row of a table: a path, what it shows, what happens to text written to it. As
//! with Linux's `seq_file`, content comes in *records* (a line, or a few), numbered by whoever
//! shows them, and a read returns as many whole records as fit. So a reader may take its time, and
//! nothing is kept in between but a number.

use core::fmt::{self, Write};

use super::FileSystem;
use super::dentry::{self, Dentry, Inode, Mount};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};

/// Shows the record at a position and says where the next one is, `None` behind the last. The
/// number before it is the file's own (a node's number, say). A record has at most 4096 bytes.
pub(super) type Show = fn(&Mem, u32, u64, &mut dyn Write) -> Shown;

/// Takes what was written at once.
pub(super) type Store = fn(&mut Mem, u32, &[u8]) -> Result<(), Errno>;

/// A generated file.
pub(super) struct Entry {
    /// Where it stands below the root of its file system. Directories are made as needed.
    pub path: &'static str,
    /// What reading it shows.
    pub show: Show,
    /// What writing to it does; without it writing is refused.
    pub store: Option<Store>,
}

/// What a [`Show`] returns.
pub(super) type Shown = Result<Option<u64>, fmt::Error>;

/// A row that shows, and takes what `store` takes.
pub(super) const fn file(path: &'static str, show: Show, store: Option<Store>) -> Entry {
    Entry { path, show, store }
}

/// The position behind the last record.
const END: u64 = u64::MAX;

/// Makes the file of row `row`, at `path` in `directory` below `mount`, and the directories on the
/// way. Its functions will be given `number`.
pub(super) fn add(
    mem: &mut Mem,
    mount: Ref<Mount>,
    directory: &str,
    path: &str,
    writable: bool,
    [row, number]: [u32; 2],
) -> Result<(), Errno> {
    let mut at: Ref<Dentry> = mem[mount].root;
    let (directories, name) = path.rsplit_once('/').unwrap_or(("", path));
    let components = directory.split('/').chain(directories.split('/'));
    for component in components.filter(|name| !name.is_empty()) {
        at = match dentry::find(mem, at, component) {
            Ok(found) => found,
            Err(_) => dentry::create(mem, at, component, dentry::DIRECTORY | 0o555)?,
        };
    }
    let permissions = if writable { 0o644 } else { 0o444 };
    let file = dentry::create(mem, at, name, dentry::REGULAR | permissions)?;
    let inode = mem[file].inode;
    mem[inode].entry = [row, number];
    Ok(())
}

/// A file system of generated files.
pub(super) struct Generated {
    /// Its name in `/proc/filesystems`.
    pub name: &'static str,
    /// Its files.
    pub files: &'static [Entry],
}

impl Generated {
    /// The row of the table that an inode stands for, and the file's number.
    fn entry(&self, mem: &Mem, inode: Ref<Inode>) -> Result<(&'static Entry, u32), Errno> {
        let [row, number] = mem[inode].entry;
        let entry = self.files.get(row as usize).ok_or(Errno::EIO)?;
        Ok((entry, number))
    }
}

impl FileSystem for Generated {
    fn name(&self) -> &'static str {
        self.name
    }

    /// Reads whole records from `position` on.
    fn read(
        &self,
        mem: &mut Mem,
        inode: Ref<Inode>,
        position: &mut u64,
        buffer: &mut [u8],
    ) -> Result<usize, Errno> {
        let (entry, number) = self.entry(mem, inode)?;
        let mut record = Record { buffer, filled: 0 };
        while *position != END {
            let before = record.filled;
            match (entry.show)(mem, number, *position, &mut record) {
                Ok(next) => *position = next.unwrap_or(END),
                // What fits no longer waits for the next read.
                Err(_) if before > 0 => return Ok(before),
                Err(_) => return Err(Errno::EINVAL),
            }
        }
        Ok(record.filled)
    }

    /// Gives written bytes to the file.
    fn write(
        &self,
        mem: &mut Mem,
        inode: Ref<Inode>,
        _: &mut u64,
        bytes: &[u8],
    ) -> Result<usize, Errno> {
        let (entry, number) = self.entry(mem, inode)?;
        // As in 2.6.24, where a file without a write_proc answers so.
        let store = entry.store.ok_or(Errno::EIO)?;
        store(mem, number, bytes)?;
        Ok(bytes.len())
    }
}

/// Text that must fit a reader's buffer.
struct Record<'a> {
    buffer: &'a mut [u8],
    filled: usize,
}

impl Write for Record<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.filled + text.len();
        let room = self.buffer.get_mut(self.filled..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.filled = end;
        Ok(())
    }
}

/// The number in written text, blanks and newline around it forgiven.
///
/// # Errors
/// `EINVAL` if it is none, or exceeds `max`.
pub(super) fn parse_number(bytes: &[u8], max: u32) -> Result<u32, Errno> {
    let text = core::str::from_utf8(bytes.trim_ascii()).map_err(|_| Errno::EINVAL)?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Errno::EINVAL);
    }
    let number = text.parse().map_err(|_| Errno::EINVAL)?;
    if number > max {
        return Err(Errno::EINVAL);
    }
    Ok(number)
}
