//! Open files: what `open` makes and a descriptor leads to.
//!
//! Between a descriptor and an inode stands the open file (`struct file`): where the next byte is
//! read, and how it was opened. Whoever forks or calls `dup` gets another descriptor of the *same* open
//! file, so they share the place; whoever opens the name again gets a place of his own. An open file
//! counts its descriptors and ends with the last.
//!
//! The rules of refusal, and their order, are those of specs/containers_async_proc.md 6.4.

use core::fmt;
use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::attr::{self, MAY_READ, MAY_WRITE};
use super::dentry::{self, Dentry, is_dir};
use super::inode::{BLOCK, CHARACTER, FIFO, Inode, REGULAR};
use super::namei::{self, Last, walk};
use super::{FS, FsData, device, file_system, names, pipe, shrink};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{ListHead, MEM, Mem, Ref};
use crate::slab;
use crate::task::Capability;

/// Open to be read.
pub const O_RDONLY: u32 = 0;
/// Open to be written.
pub const O_WRONLY: u32 = 1;
/// Open for both.
pub const O_RDWR: u32 = 2;
/// The bits of these three.
pub const O_ACCMODE: u32 = 3;
/// Make the file if there is none.
pub const O_CREAT: u32 = 0o100;
/// With [`O_CREAT`]: only if there is none.
pub const O_EXCL: u32 = 0o200;
/// Empty the file.
pub const O_TRUNC: u32 = 0o1000;
/// Each write goes behind the end.
pub const O_APPEND: u32 = 0o2000;
/// Rather fail with `EAGAIN` than wait.
pub const O_NONBLOCK: u32 = 0o4000;
/// Only if it is a directory.
pub const O_DIRECTORY: u32 = 0o200_000;

/// What a shell opens for `>`.
pub const OVERWRITE: u32 = O_WRONLY | O_CREAT | O_TRUNC;
/// What a shell opens for `>>`.
pub const APPEND: u32 = O_WRONLY | O_CREAT | O_APPEND;

/// An open file (`struct file`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct File {
    /// Where the next byte is read or written. Generated files count records instead.
    pub position: u64,
    /// What was opened; it holds a reference.
    pub dentry: Ref<Dentry>,
    /// `O_*` as it was opened.
    pub flags: u32,
    /// Link in [`FsData::files`].
    list: ListHead,
    /// Descriptors that lead to it, and others who hold it.
    pub count: u32,
    /// What its file system keeps for it; see `FileSystem::open`.
    pub private: Ref<u64>,
    /// 1 if the console keeps it open (`dcache open`).
    kept: u32,
    _pad: u32,
}

describe!(
    File,
    "filp",
    [
        position,
        dentry,
        flags: Kind::Named(show_flags),
        list,
        count,
        private,
        kept,
        _pad: Kind::Padding,
    ]
);

/// Prints how a file was opened.
fn show_flags(flags: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let flags = flags as u32;
    f.write_str(match flags & O_ACCMODE {
        O_RDONLY => "O_RDONLY",
        O_WRONLY => "O_WRONLY",
        _ => "O_RDWR",
    })?;
    for (flag, name) in [
        (O_CREAT, "O_CREAT"),
        (O_EXCL, "O_EXCL"),
        (O_TRUNC, "O_TRUNC"),
        (O_APPEND, "O_APPEND"),
        (O_NONBLOCK, "O_NONBLOCK"),
        (O_DIRECTORY, "O_DIRECTORY"),
    ] {
        if flags & flag != 0 {
            write!(f, "|{name}")?;
        }
    }
    Ok(())
}

impl File {
    /// Whether it was opened to be read.
    pub fn is_readable(&self) -> bool {
        self.flags & O_ACCMODE != O_WRONLY
    }

    /// Whether the console keeps it open.
    pub(super) fn is_kept(&self) -> bool {
        self.kept != 0
    }

    /// Whether it was opened to be written.
    pub fn is_writable(&self) -> bool {
        self.flags & O_ACCMODE != O_RDONLY
    }
}

/// Head of the list of open files.
pub(super) fn files_head() -> Ref<ListHead> {
    FS.byte_add(offset_of!(FsData, files))
}

/// All open files.
pub fn files(mem: &Mem) -> impl Iterator<Item = Ref<File>> + '_ {
    let links = mem.list_iter(files_head());
    links.map(|link| link.byte_sub(offset_of!(File, list)))
}

/// Opens the file at `path`, with one reference. A new one gets the permission bits `mode`, without
/// those of the task's umask.
///
/// # Errors
/// Those of the walk; with [`O_CREAT`] `EEXIST` if it shall be new, and `EACCES` where the file
/// system makes no files; `EISDIR` for a directory that is to be written or made; `ENOTDIR` if it shall
/// be a directory; `EROFS`; `EACCES`; `ENXIO` for a device without a driver; `ETXTBSY` for a program that
/// runs; what the file system says; `ENFILE`, `ENOMEM`.
pub fn open(mem: &mut Mem, path: &str, flags: u32, mode: u32) -> Result<Ref<File>, Errno> {
    // The file first, as in Linux: whatever fails then, nothing was made or emptied in vain.
    let file = new_file(mem, flags)?;
    let opened = find_or_create(mem, path, flags, mode).and_then(|dentry| {
        mem[file].dentry = dentry::get(mem, dentry);
        let inode = mem[dentry].inode;
        opened(mem, file, inode)?;
        if flags & O_TRUNC != 0 && mem[inode].kind() == REGULAR {
            file_system(mem, inode).truncate(mem, inode);
        }
        Ok(())
    });
    opened.map(|()| file).inspect_err(|_| free(mem, file))
}

/// Opens the file of a dentry to be read.
///
/// # Errors
/// What the file system says, `ENFILE`, `ENOMEM`.
pub fn open_dentry(mem: &mut Mem, dentry: Ref<Dentry>) -> Result<Ref<File>, Errno> {
    open_as(mem, dentry, O_RDONLY)
}

/// Opens the file of a dentry without asking for rights.
///
/// # Errors
/// Those of [`open_dentry`].
pub(crate) fn open_as(mem: &mut Mem, dentry: Ref<Dentry>, flags: u32) -> Result<Ref<File>, Errno> {
    let file = new_file(mem, flags)?;
    mem[file].dentry = dentry::get(mem, dentry);
    let inode = mem[dentry].inode;
    let opened = opened(mem, file, inode);
    opened.map(|()| file).inspect_err(|_| free(mem, file))
}

/// Tells whoever a file belongs to that it was opened.
fn opened(mem: &mut Mem, file: Ref<File>, inode: Ref<Inode>) -> Result<(), Errno> {
    match mem[inode].kind() {
        FIFO => return pipe::open(mem, file, inode),
        CHARACTER | BLOCK => return device::open(mem, file, inode),
        _ => {}
    }
    if mem[file].is_writable() && mem[inode].write_count < 0 {
        return Err(Errno::ETXTBSY);
    }
    file_system(mem, inode).open(mem, file)?;
    mem[inode].write_count += i32::from(mem[file].is_writable());
    Ok(())
}

/// Keeps everybody from writing to a file, since it is about to be run (`deny_write_access`).
///
/// # Errors
/// `ETXTBSY` if somebody has it open to write.
pub fn deny_write_access(mem: &mut Mem, inode: Ref<Inode>) -> Result<(), Errno> {
    if mem[inode].write_count > 0 {
        return Err(Errno::ETXTBSY);
    }
    mem[inode].write_count -= 1;
    Ok(())
}

/// Takes one [`deny_write_access`] back.
pub fn allow_write_access(mem: &mut Mem, inode: Ref<Inode>) {
    mem[inode].write_count += 1;
}

/// So many files may be open at once, but for the administrator's.
pub(super) fn files_max(mem: &Mem) -> u32 {
    // A tenth of memory's kilobytes, as 2.6 reckons.
    (mem[MEM].managed / 10 * 4).max(256)
}

fn new_file(mem: &mut Mem, flags: u32) -> Result<Ref<File>, Errno> {
    if mem[FS].nr_files >= files_max(mem) && !attr::capable(mem, Capability::SysAdmin) {
        return Err(Errno::ENFILE);
    }
    let cache = mem[FS].file_cache;
    let file: Ref<File> = shrink::alloc(mem, cache)?;
    mem[file] = File {
        flags,
        count: 1,
        ..File::zeroed()
    };
    mem.list_add_tail(file.byte_add(offset_of!(File, list)), files_head());
    mem[FS].nr_files += 1;
    Ok(file)
}

/// Frees an open file that its file system knows nothing of (any more).
fn free(mem: &mut Mem, file: Ref<File>) {
    let File { dentry, .. } = mem[file];
    mem.list_del(file.byte_add(offset_of!(File, list)));
    let cache = mem[FS].file_cache;
    slab::kmem_cache_free(mem, cache, file);
    mem[FS].nr_files -= 1;
    if !dentry.is_null() {
        dentry::put(mem, dentry);
    }
}

/// The dentry that `open` is about.
fn find_or_create(mem: &mut Mem, path: &str, flags: u32, mode: u32) -> Result<Ref<Dentry>, Errno> {
    let is_written = flags & O_ACCMODE != O_RDONLY || flags & O_TRUNC != 0;
    let dentry = if flags & O_CREAT == 0 {
        walk(mem, path)?
    } else {
        let (dir, last) = namei::parent(mem, path)?;
        let Last::Name { name, slash } = last else {
            return Err(Errno::EISDIR);
        };
        let found = namei::lookup(mem, dir, name)?;
        if slash {
            return Err(Errno::EISDIR);
        }
        let Some(found) = found else {
            return names::create(mem, dir, name, mode);
        };
        if flags & O_EXCL != 0 {
            return Err(Errno::EEXIST);
        }
        let found = match namei::is_link(mem, found) {
            true => walk(mem, path)?,
            false => namei::mounted_root(mem, found),
        };
        if is_dir(mem, found) {
            return Err(Errno::EISDIR);
        }
        found
    };
    let is_dir = is_dir(mem, dentry);
    if flags & O_DIRECTORY != 0 && !is_dir {
        return Err(Errno::ENOTDIR);
    }
    if is_written && is_dir {
        return Err(Errno::EISDIR);
    }
    let reads = if flags & O_ACCMODE != O_WRONLY {
        MAY_READ
    } else {
        0
    };
    let writes = if is_written { MAY_WRITE } else { 0 };
    attr::permission(mem, mem[dentry].inode, reads | writes)?;
    Ok(dentry)
}

/// Takes a reference (`fget`).
pub fn get_file(mem: &mut Mem, file: Ref<File>) -> Ref<File> {
    mem[file].count += 1;
    file
}

/// Drops a reference (`fput`); the last one closes the file.
pub fn close(mem: &mut Mem, file: Ref<File>) {
    mem[file].count -= 1;
    if mem[file].count > 0 {
        return;
    }
    let inode = mem[mem[file].dentry].inode;
    match mem[inode].kind() {
        FIFO => pipe::release(mem, file, inode),
        CHARACTER | BLOCK => device::release(mem, file, inode),
        _ => {
            mem[inode].write_count -= i32::from(mem[file].is_writable());
            file_system(mem, inode).release(mem, file);
        }
    }
    free(mem, file);
}

/// Keeps a file open beyond the console line that opened it.
pub fn keep_open(mem: &mut Mem, file: Ref<File>) {
    mem[file].kept = 1;
}

/// Files that are kept open, in the order of their opening.
pub fn kept_open(mem: &Mem) -> impl Iterator<Item = Ref<File>> + '_ {
    files(mem).filter(|&file| mem[file].is_kept())
}

/// Closes a file that was kept open.
pub fn close_kept(mem: &mut Mem, file: Ref<File>) {
    mem[file].kept = 0;
    close(mem, file);
}

/// Whether two open files are the same file, with content that can be written.
pub fn is_same(mem: &Mem, one: Ref<File>, other: Ref<File>) -> bool {
    let inode = mem[mem[one].dentry].inode;
    inode == mem[mem[other].dentry].inode && mem[inode].nr_pages > 0
}

/// Reads from where the last read ended, and returns how many bytes there were; 0 is the end.
///
/// # Errors
/// `EBADF` if the file is not open to be read, `EISDIR`; what the file system says. `ERESTARTSYS` if
/// the current task was put to sleep; it is to call again when it is woken.
pub fn read(mem: &mut Mem, file: Ref<File>, buffer: &mut [u8]) -> Result<usize, Errno> {
    let File {
        mut position,
        dentry,
        ..
    } = mem[file];
    if !mem[file].is_readable() {
        return Err(Errno::EBADF);
    }
    if is_dir(mem, dentry) {
        return Err(Errno::EISDIR);
    }
    let inode = mem[dentry].inode;
    match mem[inode].kind() {
        FIFO => return pipe::read(mem, file, buffer),
        CHARACTER | BLOCK => return device::read(mem, file, buffer),
        _ => {}
    }
    let read = file_system(mem, inode).read(mem, file, &mut position, buffer)?;
    mem[file].position = position;
    Ok(read)
}

/// Writes where the last write ended, or at the file's end if it is open for appending, and returns
/// how many bytes were taken: fewer than given only if room or memory ran out on the way.
///
/// # Errors
/// `EBADF` if the file is not open to be written; what the file system says. `ERESTARTSYS` as for
/// [`read`].
pub fn write(mem: &mut Mem, file: Ref<File>, bytes: &[u8]) -> Result<usize, Errno> {
    let File {
        mut position,
        dentry,
        flags,
        ..
    } = mem[file];
    if !mem[file].is_writable() {
        return Err(Errno::EBADF);
    }
    let inode = mem[dentry].inode;
    match mem[inode].kind() {
        FIFO => return pipe::write(mem, file, bytes),
        CHARACTER | BLOCK => return device::write(mem, file, bytes),
        _ => {}
    }
    if flags & O_APPEND != 0 {
        position = u64::from(mem[inode].size);
    }
    let written = file_system(mem, inode).write(mem, file, &mut position, bytes)?;
    mem[file].position = position;
    Ok(written)
}

/// Moves the place of the next byte: `whence` 0 counts from the beginning, 1 from the place, 2 from the
/// end. Returns the new place.
///
/// # Errors
/// `ESPIPE` for a pipe or the terminal; `EINVAL` for a place before the beginning, another `whence`, or,
/// of a generated file, whose places are records, anything but its beginning; `EOVERFLOW`.
pub fn lseek(mem: &mut Mem, file: Ref<File>, offset: i64, whence: u32) -> Result<u64, Errno> {
    let File {
        position, dentry, ..
    } = mem[file];
    let inode = mem[dentry].inode;
    let base = match (mem[inode].kind(), whence) {
        (FIFO | CHARACTER | BLOCK, _) => return Err(Errno::ESPIPE),
        (_, 0) => 0,
        (_, 1) => position as i64,
        (_, 2) => i64::from(mem[inode].size),
        _ => return Err(Errno::EINVAL),
    };
    let to = base.checked_add(offset).ok_or(Errno::EOVERFLOW)?;
    let to = u64::try_from(to).map_err(|_| Errno::EINVAL)?;
    let counts_bytes = file_system(mem, inode).counts_bytes();
    if !counts_bytes && to != 0 && to != position {
        return Err(Errno::EINVAL);
    }
    mem[file].position = to;
    Ok(to)
}
