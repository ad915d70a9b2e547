//! The file system: how everything the kernel offers gets a name.
//!
//! The kernel has no calls of its own for radix trees, containers or traces. What a user may see or
//! change is a file, so one small set of operations (`mkdir`, `open`, `read`, `write`, ...) reaches
//! all of it. This layer, the VFS, knows names, directories, mounts and open files; what a file
//! *is* each file system says through one trait, `FileSystem`.
//!
//! All file systems here live in memory. Their directory entries are pinned in the dentry cache,
//! so that the cache *is* the directory, as in Linux's ramfs.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | the operations, and the order in which they refuse |
//! | `dentry.rs` | dentries, inodes, mounts: names, links and reference counts |
//! | `namei.rs` | from a path to a dentry |
//! | `filemap.rs` | the page cache: file content by index in a radix tree |
//! | `ramfs.rs` | `/`: files of pages |
//! | `generated.rs` | files whose content is made when they are read |
//! | `procfs.rs`, `sysfs.rs` | what is in `/proc` and `/sys` |
//! | `check.rs` | the invariants |
//!
//! A name has at most [`NAME_MAX`] bytes, not 255, because a dentry holds it inline.

mod check;
mod dentry;
mod filemap;
mod generated;
mod namei;
mod procfs;
mod ramfs;
mod sysfs;

pub(crate) use check::{check, page_tree_nodes};
pub use dentry::{Dentry, Inode, Mount, NAME_MAX, children, first_child, next_sibling};
pub use namei::{PATH_MAX, full_path, mounted_root, parent_of, resolve};

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{Gfp, ListHead, Mem, Ref, layout};
use crate::radix_tree::RadixTreeRoot;
use crate::slab::{self, Constructor, KmemCache};
use namei::Last;

/// The static data of this module.
pub const FS: Ref<FsData> = Ref::of_frame(layout::FS);

/// The page cache of the file at `path`: frames by index in the file.
///
/// # Errors
/// `EISDIR` for a directory, and those of [`resolve`].
pub fn file_pages(mem: &Mem, path: &str) -> Result<Ref<RadixTreeRoot>, Errno> {
    let dentry = resolve(mem, path)?;
    if dentry::is_dir(mem, dentry) {
        return Err(Errno::EISDIR);
    }
    Ok(filemap::page_tree(mem[dentry].inode))
}

/// Caches, mounts, and where the shell stands.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct FsData {
    /// All mounts in the order in which they were made; the first is `/`.
    pub mounts: ListHead,
    dentry_cache: Ref<KmemCache>,
    inode_cache: Ref<KmemCache>,
    mount_cache: Ref<KmemCache>,
    file_cache: Ref<KmemCache>,
    /// The root directory.
    pub root: Ref<Dentry>,
    /// The working directory of the only task there is, the shell. It holds a reference.
    pub pwd: Ref<Dentry>,
    /// Open files.
    pub nr_files: u32,
    /// Pages in the page cache.
    pub nr_file_pages: u32,
    /// Those that carry the DIRTY tag.
    pub nr_dirty: u32,
    _pad: u32,
    /// Events before this one were cleared from `trace`.
    trace_start: u64,
}

describe!(
    FsData,
    "fs_data",
    [
        mounts,
        dentry_cache,
        inode_cache,
        mount_cache,
        file_cache,
        root,
        pwd,
        nr_files,
        nr_file_pages,
        nr_dirty,
        _pad: Kind::Padding,
        trace_start,
    ]
);

/// What a file system does in its own way. The defaults refuse as the VFS does for a file system
/// that lacks the operation.
///
/// The VFS has checked the arguments: `dir` is a live directory, `name` is valid and free (or, for
/// removals, taken by the right kind of object, which nothing is mounted on).
pub(crate) trait FileSystem: Sync {
    /// Its name in `/proc/filesystems` and `/proc/mounts`.
    fn name(&self) -> &'static str;

    /// Makes a directory.
    fn mkdir(&self, _: &mut Mem, _dir: Ref<Dentry>, _name: &str) -> Result<Ref<Dentry>, Errno> {
        Err(Errno::EPERM)
    }

    /// Makes an empty file.
    fn create(&self, _: &mut Mem, _dir: Ref<Dentry>, _name: &str) -> Result<Ref<Dentry>, Errno> {
        Err(Errno::EACCES)
    }

    /// Removes a directory.
    fn rmdir(&self, _: &mut Mem, _dentry: Ref<Dentry>) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Removes a file.
    fn unlink(&self, _: &mut Mem, _dentry: Ref<Dentry>) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Empties a file that is opened to be overwritten. Generated files accept that and ignore it.
    fn truncate(&self, _: &mut Mem, _inode: Ref<Inode>) {}

    /// Copies bytes from `position` on to `buffer`, moves `position` behind them and returns how
    /// many there were; 0 is the end.
    fn read(
        &self,
        mem: &mut Mem,
        inode: Ref<Inode>,
        position: &mut u64,
        buffer: &mut [u8],
    ) -> Result<usize, Errno>;

    /// Writes bytes at `position`, moves it behind them and returns how many were taken.
    fn write(
        &self,
        mem: &mut Mem,
        inode: Ref<Inode>,
        position: &mut u64,
        bytes: &[u8],
    ) -> Result<usize, Errno>;
}

/// The file systems; a [`Mount`] names its one by the index.
static FILE_SYSTEMS: [&dyn FileSystem; 3] = [&ramfs::Ramfs, &procfs::PROCFS, &sysfs::SYSFS];
const RAMFS: u32 = 0;
const PROCFS: u32 = 1;
const SYSFS: u32 = 2;

/// Prints the name of a file system, given its index.
fn show_file_system(index: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match FILE_SYSTEMS.get(index as usize) {
        Some(file_system) => f.write_str(file_system.name()),
        None => write!(f, "{index}"),
    }
}

/// The file system that `inode` belongs to.
fn file_system(mem: &Mem, inode: Ref<Inode>) -> &'static dyn FileSystem {
    FILE_SYSTEMS[mem[mem[inode].mount].file_system as usize % FILE_SYSTEMS.len()]
}

/// Mounts `/`, `/proc` and `/sys`.
pub(crate) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    mem.list_init(FS.cast());
    mem[FS].dentry_cache = create_cache::<Dentry>(mem, "dentry")?;
    mem[FS].inode_cache = create_cache::<Inode>(mem, "inode_cache")?;
    mem[FS].mount_cache = create_cache::<Mount>(mem, "mnt_cache")?;
    mem[FS].file_cache = create_cache::<File>(mem, "filp")?;
    let root = dentry::mount(mem, RAMFS, Ref::NULL)?;
    mem[FS].root = mem[root].root;
    mem[FS].pwd = dentry::get(mem, mem[root].root);
    for (path, file_system, populate) in [
        ("proc", PROCFS, procfs::populate as fn(&mut Mem, _) -> _),
        ("sys", SYSFS, sysfs::populate),
    ] {
        let root = mem[FS].root;
        let at = dentry::create(mem, root, path, dentry::DIRECTORY | 0o755)?;
        let mount = dentry::mount(mem, file_system, at)?;
        populate(mem, mount)?;
    }
    Ok(())
}

fn create_cache<T>(mem: &mut Mem, name: &str) -> Result<Ref<KmemCache>, Errno> {
    slab::kmem_cache_create(mem, name, size_of::<T>() as u32, 8, Constructor::None)
}

/// The working directory.
pub fn pwd(mem: &Mem) -> Ref<Dentry> {
    mem[FS].pwd
}

/// Changes the working directory.
///
/// # Errors
/// Those of [`resolve`], and `ENOTDIR`.
pub fn chdir(mem: &mut Mem, path: &str) -> Result<(), Errno> {
    let dentry = resolve(mem, path)?;
    if !dentry::is_dir(mem, dentry) {
        return Err(Errno::ENOTDIR);
    }
    let old = core::mem::replace(&mut mem[FS].pwd, dentry);
    dentry::get(mem, dentry);
    dentry::put(mem, old);
    Ok(())
}

/// Whether `dentry` is a directory.
pub fn is_dir(mem: &Mem, dentry: Ref<Dentry>) -> bool {
    dentry::is_dir(mem, dentry)
}

/// Makes a directory.
///
/// # Errors
/// Those of the walk to its parent, then in this order: `EEXIST`; `ENOENT` if the parent was
/// removed; what the file system says (`EPERM` where it has no directories to make, `ENOMEM`).
pub fn mkdir(mem: &mut Mem, path: &str) -> Result<(), Errno> {
    let (dir, last) = namei::parent(mem, path)?;
    let Last::Name { name, .. } = last else {
        return Err(Errno::EEXIST);
    };
    let dir_inode = mem[dir].inode;
    match namei::lookup(mem, dir, name)? {
        Some(_) => Err(Errno::EEXIST),
        None => file_system(mem, dir_inode)
            .mkdir(mem, dir, name)
            .map(|_| ()),
    }
}

/// Removes an empty directory.
///
/// # Errors
/// `EINVAL` for `.`, `ENOTEMPTY` for `..`, `EBUSY` for `/`; then in this order `ENOENT`, `ENOTDIR`,
/// `EBUSY` if something is mounted there, `EPERM` where the file system removes nothing,
/// `ENOTEMPTY`.
pub fn rmdir(mem: &mut Mem, path: &str) -> Result<(), Errno> {
    let (dir, last) = namei::parent(mem, path)?;
    let name = match last {
        Last::Name { name, .. } => name,
        Last::Dot => return Err(Errno::EINVAL),
        Last::DotDot => return Err(Errno::ENOTEMPTY),
        Last::Root => return Err(Errno::EBUSY),
    };
    let dentry = namei::lookup(mem, dir, name)?.ok_or(Errno::ENOENT)?;
    if !dentry::is_dir(mem, dentry) {
        return Err(Errno::ENOTDIR);
    }
    if !mem[dentry].mounted.is_null() {
        return Err(Errno::EBUSY);
    }
    file_system(mem, mem[dentry].inode).rmdir(mem, dentry)
}

/// Removes a file. Whoever has it open keeps its content until it is closed.
///
/// # Errors
/// `ENOENT`, `EISDIR`, `ENOTDIR` for a file's name with a slash behind it, `EPERM` where the file
/// system removes nothing.
pub fn unlink(mem: &mut Mem, path: &str) -> Result<(), Errno> {
    let (dir, last) = namei::parent(mem, path)?;
    let Last::Name { name, slash } = last else {
        return Err(Errno::EISDIR);
    };
    let dentry = namei::lookup(mem, dir, name)?.ok_or(Errno::ENOENT)?;
    if dentry::is_dir(mem, dentry) {
        return Err(Errno::EISDIR);
    }
    if slash {
        return Err(Errno::ENOTDIR);
    }
    file_system(mem, mem[dentry].inode).unlink(mem, dentry)
}

/// An open file (`struct file`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct File {
    /// Where the next byte is read or written. Generated files count records instead.
    pub position: u64,
    /// What was opened; it holds a reference.
    pub dentry: Ref<Dentry>,
    /// [`Access`] as a number.
    flags: u32,
}

describe!(
    File,
    "filp",
    [position, dentry, flags: Kind::Named(show_access)]
);

/// Prints how a file was opened.
fn show_access(flags: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(match flags as u32 {
        flags if flags == Access::Read as u32 => "O_RDONLY",
        flags if flags == Access::Overwrite as u32 => "O_WRONLY|O_CREAT|O_TRUNC",
        _ => "O_WRONLY|O_CREAT|O_APPEND",
    })
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Access {
    /// To read it; it must exist (`O_RDONLY`).
    Read = 0,
    /// To overwrite it; it comes into being if need be (`O_WRONLY|O_CREAT|O_TRUNC`).
    Overwrite = 1,
    /// To write behind its end; likewise (`O_WRONLY|O_CREAT|O_APPEND`).
    Append = 2,
}

/// Opens a file. Directories can be opened to be read, but reading one is refused.
///
/// # Errors
/// Those of the walk; for writing `EISDIR`, and `EACCES` where the file system makes no files;
/// `ENOMEM`.
pub fn open(mem: &mut Mem, path: &str, access: Access) -> Result<Ref<File>, Errno> {
    // The file first, as in Linux: whatever fails then, nothing was made or emptied in vain.
    let cache = mem[FS].file_cache;
    let file: Ref<File> = slab::kmem_cache_zalloc(mem, cache, Gfp::KERNEL)?;
    let opened = match access {
        Access::Read => resolve(mem, path),
        Access::Overwrite | Access::Append => resolve_or_create(mem, path),
    };
    let dentry = match opened {
        Ok(dentry) => dentry,
        Err(errno) => {
            slab::kmem_cache_free(mem, cache, file);
            return Err(errno);
        }
    };
    if access == Access::Overwrite {
        let inode = mem[dentry].inode;
        file_system(mem, inode).truncate(mem, inode);
    }
    mem[file].dentry = dentry::get(mem, dentry);
    mem[file].flags = access as u32;
    mem[FS].nr_files += 1;
    Ok(file)
}

fn resolve_or_create(mem: &mut Mem, path: &str) -> Result<Ref<Dentry>, Errno> {
    let (dir, last) = namei::parent(mem, path)?;
    let Last::Name { name, slash } = last else {
        return Err(Errno::EISDIR);
    };
    let dentry = namei::lookup(mem, dir, name)?;
    if slash || dentry.is_some_and(|dentry| dentry::is_dir(mem, dentry)) {
        return Err(Errno::EISDIR);
    }
    match dentry {
        Some(dentry) => Ok(dentry),
        None => {
            let dir_inode = mem[dir].inode;
            file_system(mem, dir_inode).create(mem, dir, name)
        }
    }
}

/// Closes a file.
pub fn close(mem: &mut Mem, file: Ref<File>) {
    let dentry = mem[file].dentry;
    let cache = mem[FS].file_cache;
    slab::kmem_cache_free(mem, cache, file);
    mem[FS].nr_files -= 1;
    dentry::put(mem, dentry);
}

/// Whether two open files are the same file, with content that can be written.
pub fn is_same(mem: &Mem, one: Ref<File>, other: Ref<File>) -> bool {
    let inode = mem[mem[one].dentry].inode;
    inode == mem[mem[other].dentry].inode && mem[inode].nr_pages > 0
}

/// Reads from where the last read ended, and returns how many bytes there were; 0 is the end.
///
/// # Errors
/// `EBADF` if the file is open for writing, `EISDIR`.
pub fn read(mem: &mut Mem, file: Ref<File>, buffer: &mut [u8]) -> Result<usize, Errno> {
    let File {
        mut position,
        dentry,
        flags,
    } = mem[file];
    if flags != Access::Read as u32 {
        return Err(Errno::EBADF);
    }
    if dentry::is_dir(mem, dentry) {
        return Err(Errno::EISDIR);
    }
    let inode = mem[dentry].inode;
    let read = file_system(mem, inode).read(mem, inode, &mut position, buffer)?;
    mem[file].position = position;
    Ok(read)
}

/// Writes where the last write ended, or at the file's end if it is open for appending, and returns
/// how many bytes were taken: fewer than given only if memory ran out on the way.
///
/// # Errors
/// `EBADF` if the file is open for reading; what the file system says.
pub fn write(mem: &mut Mem, file: Ref<File>, bytes: &[u8]) -> Result<usize, Errno> {
    let File {
        mut position,
        dentry,
        flags,
    } = mem[file];
    if flags == Access::Read as u32 {
        return Err(Errno::EBADF);
    }
    let inode = mem[dentry].inode;
    if flags == Access::Append as u32 {
        position = u64::from(mem[inode].size);
    }
    let written = file_system(mem, inode).write(mem, inode, &mut position, bytes)?;
    mem[file].position = position;
    Ok(written)
}
