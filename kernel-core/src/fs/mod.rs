//! The file system: how everything the kernel offers gets a name.
//!
//! The kernel has no calls of its own for radix trees, containers or traces. What a user may see or
//! change is a file, so one small set of operations (`mkdir`, `open`, `read`, `write`, ...) reaches
//! all of it. This layer, the VFS, knows names, directories, mounts and open files; what a file
//! *is* each file system says through one trait, `FileSystem`.
//!
//! Most file systems here live in memory only. Their directory entries are pinned in the dentry cache,
//! so that the cache *is* the directory, as in Linux's ramfs. Others make their entries when they are
//! looked up, and again after they were dropped.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | what a file system is, and which there are |
//! | `namei.rs` | from a path to a dentry |
//! | `names.rs` | making, removing and moving names |
//! | `attr.rs` | owners and permissions |
//! | `file.rs` | open files |
//! | `fdtable.rs` | the descriptors of tasks |
//! | `pipe.rs`, `device.rs` | files that are no bytes on a disk |
//! | `sleep.rs` | waiting for such a file |
//! | `poll.rs` | asking whether one would have to |
//! | `dentry.rs` | names, and the cache of them |
//! | `inode.rs` | files and directories, and the cache of them |
//! | `hash.rs` | the hash tables of both |
//! | `shrink.rs` | giving back what they hold; their part in slab defragmentation |
//! | `mount.rs` | file systems grafted onto directories |
//! | `filemap.rs` | the page cache: file content by index in a radix tree |
//! | `mmap.rs` | its pages in address spaces |
//! | `ramfs.rs` | `/`: files of pages |
//! | `srcfs.rs` | a tree of source files that are made when they are read |
//! | `binfs.rs` | `/bin`: the kernel's own programs |
//! | `generated.rs` | files whose content is made when they are read |
//! | `proc_module.rs`, `fortune.rs` | `/proc` entries of modules, and one such module |
//! | `proc_pid.rs` | what is in `/proc/<pid>` |
//! | `procfs.rs`, `sysfs.rs`, `sysslab.rs`, `sysmodule.rs` | what is in `/proc`, `/sys`, `/sys/slab` and `/sys/module` |
//! | `check.rs` | the invariants |
//!
//! A name has at most [`NAME_MAX`] bytes, not 255, because a dentry holds it inline.

pub mod attr;
mod binfs;
mod check;
mod dentry;
pub mod device;
mod fdtable;
mod file;
#[cfg(test)]
mod file_tests;
mod filemap;
pub mod fortune;
mod generated;
mod hash;
mod inode;
mod mmap;
mod mount;
mod namei;
mod names;
pub mod pipe;
mod poll;
pub mod proc_module;
mod proc_pid;
mod proc_vm;
mod procfs;
mod ramfs;
pub(crate) mod shrink;
pub(crate) mod sleep;
mod srcfs;
mod sysfs;
mod sysmodule;
mod sysslab;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vfs_tests;

pub use attr::{MAY_EXEC, MAY_READ, MAY_WRITE, chmod, chown, permission};
pub(crate) use check::{check, page_tree_nodes};
pub use dentry::{Dentry, NAME_MAX, children, is_dir};
pub(crate) use fdtable::table_made;
pub use fdtable::{
    close_on_exec, console_files, copy_files, descriptors, dup, dup2, exit_files, fd_close, fd_get,
    fd_install, put_files, share_files,
};
pub use file::{
    APPEND, File, O_ACCMODE, O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR,
    O_TRUNC, O_WRONLY, OVERWRITE, allow_write_access, close, close_kept, deny_write_access, files,
    get_file, is_same, keep_open, kept_open, lseek, open, open_dentry, read, write,
};
pub(crate) use filemap::{drop_page, is_dirty as is_page_dirty};
pub use hash::{Buckets, HashNode, HashTable};
pub use inode::{BLOCK, CHARACTER, DIRECTORY, FIFO, Inode, LINK, REGULAR, TYPE_MASK, inodes};
pub use mmap::{can_map, page_for_map, set_page_dirty};
pub use mount::{Mount, mount, mounts, remount, umount};
pub use namei::{
    LINK_MAX, LinkText, PATH_MAX, cached, full_path, is_link, link_text, mounted_root, parent_of,
    readlink, resolve, walk, walk_to_link,
};
pub use names::{mkdir, mknod, rename, rmdir, set_umask, symlink, unlink};
pub use pipe::{PIPE_BUF, Pipe, pipe};
pub use poll::{POLLERR, POLLHUP, POLLIN, POLLOUT, Polled, poll};
pub(crate) use proc_pid::task_files;
pub(crate) use shrink::{
    alloc as alloc_object, prune_dentries, prune_inodes, unused_dentries, unused_inodes,
    with_memory,
};

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::container;
use crate::errno::Errno;
use crate::mem::{ListHead, Mem, Page, Ref, layout};
use crate::radix_tree::RadixTreeRoot;
use crate::slab::debug::Flags;
use crate::slab::{self, Constructor, KmemCache, Options};
use crate::task;
use crate::text::Text;

/// The static data of this module.
pub const FS: Ref<FsData> = Ref::of_frame(layout::FS);

/// The page cache of the file at `path`, as far as that is cached: frames by index in the file.
///
/// # Errors
/// `EISDIR` for a directory, and those of [`resolve`].
pub fn file_pages(mem: &Mem, path: &str) -> Result<Ref<RadixTreeRoot>, Errno> {
    let dentry = resolve(mem, path)?;
    if is_dir(mem, dentry) {
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
    /// Dentries that nobody holds, the one used last in front.
    pub dentry_unused: ListHead,
    /// Dentries that were removed while somebody holds them.
    pub dentry_orphans: ListHead,
    /// Inodes that have a name in the cache.
    pub inode_in_use: ListHead,
    /// Inodes that nobody uses but that can be found again.
    pub inode_unused: ListHead,
    /// Open files.
    pub files: ListHead,
    /// Tables of descriptors.
    pub tables: ListHead,
    /// Dentries by directory and name.
    pub dentry_table: HashTable,
    /// Inodes by mount and number.
    pub inode_table: HashTable,
    dentry_cache: Ref<KmemCache>,
    inode_cache: Ref<KmemCache>,
    mount_cache: Ref<KmemCache>,
    file_cache: Ref<KmemCache>,
    pipe_cache: Ref<KmemCache>,
    /// Where the inodes of pipes without names are.
    pipe_mount: Ref<Mount>,
    /// The root directory.
    pub root: Ref<Dentry>,
    /// Open files.
    pub nr_files: u32,
    /// Pages in the page cache.
    pub nr_file_pages: u32,
    /// Those that carry the DIRTY tag.
    pub nr_dirty: u32,
    /// Dentries.
    pub nr_dentry: u32,
    /// Those that nobody holds.
    pub nr_unused: u32,
    /// Inodes.
    pub nr_inodes: u32,
    /// Those that nobody uses.
    pub nr_inodes_unused: u32,
    /// What was written to `drop_caches` last.
    drop_caches: u32,
    /// Frame of the fortune cookies' pot.
    cookie_pot: u32,
    /// Where the next cookie is written.
    cookie_index: u32,
    /// Where the next one is read.
    next_fortune: u32,
    /// Events before this one were cleared from `trace`.
    trace_start: u64,
}

describe!(
    FsData,
    "fs_data",
    [
        mounts,
        dentry_unused,
        dentry_orphans,
        inode_in_use,
        inode_unused,
        files,
        tables,
        dentry_table,
        inode_table,
        dentry_cache,
        inode_cache,
        mount_cache,
        file_cache,
        pipe_cache,
        pipe_mount,
        root,
        nr_files,
        nr_file_pages,
        nr_dirty,
        nr_dentry,
        nr_unused,
        nr_inodes,
        nr_inodes_unused,
        drop_caches,
        cookie_pot: Kind::Frame,
        cookie_index,
        next_fortune,
        trace_start,
    ]
);

/// What a file system does in its own way. The defaults refuse as the VFS does for a file system
/// that lacks the operation.
///
/// The VFS has checked the arguments and the rights of the task: `dir` is a live directory, `name` is valid and free (or, for
/// removals, taken by the right kind of object, which nothing is mounted on).
pub(crate) trait FileSystem: Sync {
    /// Its name in `/proc/filesystems` and `/proc/mounts`.
    fn name(&self) -> &'static str;

    /// Sets up the root directory of a new mount, as `options` (of `mount -o`) say.
    fn fill_super(&self, _: &mut Mem, _: Ref<Mount>, options: &str) -> Result<(), Errno> {
        match options {
            "" => Ok(()),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Prints a mount's options for `/proc/mounts`, each behind a comma.
    fn show_options(&self, _: &Mem, _: Ref<Mount>, _: &mut dyn fmt::Write) -> fmt::Result {
        Ok(())
    }

    /// The tree that a mount with these options is to show, if it stands already (`sget`): mounted
    /// elsewhere, or kept by [`FileSystem::kill_super`]. NULL asks for a new one.
    fn find_super(&self, _: &mut Mem, _options: &str) -> Result<Ref<Mount>, Errno> {
        Ok(Ref::NULL)
    }

    /// A tree is mounted nowhere any more: whether it is to go. Nobody uses it.
    fn kill_super(&self, _: &mut Mem, _: Ref<Mount>) -> bool {
        true
    }

    /// Changes a mounted tree's options.
    fn remount(&self, _: &mut Mem, _: Ref<Mount>, _options: &str) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    /// Whether nothing can be written, made or removed.
    fn is_read_only(&self) -> bool {
        false
    }

    /// A file was opened, with its dentry and way of access set. What the file system keeps for it goes
    /// into [`File::private`].
    fn open(&self, _: &mut Mem, _: Ref<File>) -> Result<(), Errno> {
        Ok(())
    }

    /// An open file is closed.
    fn release(&self, _: &mut Mem, _: Ref<File>) {}

    /// What can be done with an open file without waiting.
    fn poll(&self, _: &mut Mem, _: Ref<File>) -> Result<Polled, Errno> {
        Ok(Polled::READY)
    }

    /// Whether the position of an open file is a number of bytes, so that one may go to any.
    fn counts_bytes(&self) -> bool {
        false
    }

    /// Finds a name of a directory that the dentry cache does not know: the inode with a reference,
    /// or NULL if there is no such name and the cache is to remember that. `ENOENT` has it forget.
    ///
    /// A file system that pins its dentries has nothing to find.
    fn lookup(&self, _: &mut Mem, _dir: Ref<Dentry>, _name: &str) -> Result<Ref<Inode>, Errno> {
        Ok(Ref::NULL)
    }

    /// Whether what [`FileSystem::lookup`] answers may turn wrong by itself, so that
    /// [`FileSystem::is_valid`] is asked each time (`d_revalidate`).
    fn is_volatile(&self) -> bool {
        false
    }

    /// Whose an inode is: user and group.
    fn owner(&self, mem: &Mem, inode: Ref<Inode>) -> [u32; 2] {
        [mem[inode].uid, mem[inode].gid]
    }

    /// Whether a dentry in the cache, perhaps a negative one, still says the truth.
    fn is_valid(&self, _: &Mem, _dentry: Ref<Dentry>) -> bool {
        true
    }

    /// Gives the name at `position` of a directory (0 is the first) to `name`, which is empty, and
    /// returns the next position; `None` behind the last name. Names come in order. No dentry or
    /// inode is made.
    fn readdir(&self, mem: &Mem, dir: Ref<Dentry>, position: u64, name: &mut Name) -> Option<u64> {
        dcache_readdir(mem, dir, position, name)
    }

    /// Makes a directory.
    fn mkdir(
        &self,
        _: &mut Mem,
        _dir: Ref<Dentry>,
        _name: &str,
        _mode: u32,
    ) -> Result<Ref<Dentry>, Errno> {
        Err(Errno::EPERM)
    }

    /// Makes an empty file.
    fn create(
        &self,
        _: &mut Mem,
        _dir: Ref<Dentry>,
        _name: &str,
        _mode: u32,
    ) -> Result<Ref<Dentry>, Errno> {
        Err(Errno::EACCES)
    }

    /// Makes a FIFO or a device node. Whoever calls gives that its number.
    fn mknod(
        &self,
        _: &mut Mem,
        _dir: Ref<Dentry>,
        _name: &str,
        _mode: u32,
    ) -> Result<Ref<Dentry>, Errno> {
        Err(Errno::EPERM)
    }

    /// Makes a symbolic link.
    fn symlink(
        &self,
        _: &mut Mem,
        _dir: Ref<Dentry>,
        _name: &str,
        _text: &str,
    ) -> Result<Ref<Dentry>, Errno> {
        Err(Errno::EPERM)
    }

    /// Prints the text of a symbolic link; by default that is the first page's.
    fn readlink(
        &self,
        mem: &Mem,
        inode: Ref<Inode>,
        out: &mut dyn fmt::Write,
    ) -> Result<(), Errno> {
        let text = filemap::first_text(mem, inode).ok_or(Errno::EIO)?;
        out.write_str(text).map_err(|_| Errno::ENAMETOOLONG)
    }

    /// Moves an object to another name, and perhaps another directory of the same mount, in the place of
    /// `target`, if that is there: of the same kind, and nothing is mounted on either.
    fn rename(
        &self,
        _: &mut Mem,
        _old: Ref<Dentry>,
        _dir: Ref<Dentry>,
        _name: &str,
        _target: Option<Ref<Dentry>>,
    ) -> Result<(), Errno> {
        Err(Errno::EPERM)
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

    /// Whether its files have pages that address spaces can show.
    fn can_map(&self) -> bool {
        false
    }

    /// The page of a file with that index, which lies before the file's end; it comes into the page
    /// cache if need be. No reference is taken.
    fn page(&self, _: &mut Mem, _: Ref<Inode>, _index: u32) -> Result<Ref<Page>, Errno> {
        Err(Errno::ENODEV)
    }

    /// Copies bytes from `position` on to `buffer`, moves `position` behind them and returns how
    /// many there were; 0 is the end.
    fn read(
        &self,
        mem: &mut Mem,
        file: Ref<File>,
        position: &mut u64,
        buffer: &mut [u8],
    ) -> Result<usize, Errno>;

    /// Writes bytes at `position`, moves it behind them and returns how many were taken.
    fn write(
        &self,
        mem: &mut Mem,
        file: Ref<File>,
        position: &mut u64,
        bytes: &[u8],
    ) -> Result<usize, Errno>;
}

/// The file systems; a [`Mount`] names its one by the index.
static FILE_SYSTEMS: [&dyn FileSystem; 10] = [
    &ramfs::Ramfs("rootfs"),
    &procfs::PROCFS,
    &sysfs::SYSFS,
    &ramfs::Ramfs("ramfs"),
    &srcfs::Srcfs,
    &container::CONTAINER_FS,
    &container::CGROUP,
    &container::CPUSET_FS,
    &pipe::Pipefs,
    &binfs::Binfs,
];
const ROOTFS: u32 = 0;
const PROCFS: u32 = 1;
const SYSFS: u32 = 2;
const PIPEFS: u32 = 8;
const BINFS: u32 = 9;

/// The names of those that a student may want to mount.
pub(crate) fn file_systems() -> impl Iterator<Item = &'static str> {
    FILE_SYSTEMS[1..8]
        .iter()
        .map(|file_system| file_system.name())
}

/// Prints the name of a file system, given its index.
fn show_file_system(index: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match FILE_SYSTEMS.get(index as usize) {
        Some(file_system) => f.write_str(file_system.name()),
        None => write!(f, "{index}"),
    }
}

/// What an open file shows.
fn inode_of(mem: &Mem, file: Ref<File>) -> Ref<Inode> {
    mem[mem[file].dentry].inode
}

/// The file system that `inode` belongs to.
fn file_system(mem: &Mem, inode: Ref<Inode>) -> &'static dyn FileSystem {
    FILE_SYSTEMS[mem[mem[inode].mount].file_system as usize % FILE_SYSTEMS.len()]
}

/// Whether a dentry that its file system has a say in still says the truth.
#[inline(never)]
fn is_valid(mem: &Mem, dir: Ref<Dentry>, dentry: Ref<Dentry>) -> bool {
    file_system(mem, mem[dir].inode).is_valid(mem, dentry)
}

/// The name of a directory's entry.
pub type Name = Text<NAME_MAX>;

/// Behind the last name of a directory.
const END: u64 = u64::MAX;

/// Makes a directory for a file system outside of this module, which pins it.
pub(crate) fn make_directory(
    mem: &mut Mem,
    dir: Ref<Dentry>,
    name: &str,
    mode: u32,
) -> Result<Ref<Dentry>, Errno> {
    dentry::create(mem, dir, name, inode::DIRECTORY | mode)
}

/// Makes a file likewise.
pub(crate) fn make_file(
    mem: &mut Mem,
    dir: Ref<Dentry>,
    name: &str,
    mode: u32,
) -> Result<Ref<Dentry>, Errno> {
    dentry::create(mem, dir, name, inode::REGULAR | mode)
}

/// Gives an entry of a pinned directory a name that is free, in the same directory or another.
pub(crate) fn rename_entry(mem: &mut Mem, dentry: Ref<Dentry>, dir: Ref<Dentry>, name: &str) {
    dentry::rename(mem, dentry, dir, name);
}

/// Takes a file or an empty directory that was made so out of its directory.
pub(crate) fn remove_entry(mem: &mut Mem, dentry: Ref<Dentry>) {
    dentry::remove(mem, dentry);
}

/// What its file system holds of a directory, sorted by name.
pub(crate) fn entries(mem: &Mem, dir: Ref<Dentry>) -> impl Iterator<Item = Ref<Dentry>> + '_ {
    dentry::pinned(mem, dir)
}

/// The numbers that a file system keeps in an inode.
pub(crate) fn numbers_of(mem: &Mem, inode: Ref<Inode>) -> [u32; 2] {
    mem[inode].entry
}

/// Sets them.
pub(crate) fn set_numbers(mem: &mut Mem, inode: Ref<Inode>, numbers: [u32; 2]) {
    mem[inode].entry = numbers;
}

/// Reads a directory of which everything is pinned in the dentry cache. A position is the place of
/// the next dentry.
fn dcache_readdir(mem: &Mem, dir: Ref<Dentry>, position: u64, name: &mut Name) -> Option<u64> {
    let at = match position {
        END => None,
        0 => children(mem, dir).next(),
        unit => Some(Ref::new(unit as u32)),
    };
    // What was looked up stands among them, and comes and goes.
    let pinned = |at: Option<Ref<Dentry>>| {
        core::iter::successors(at, |&at| dentry::next_sibling(mem, at))
            .find(|&at| mem[at].is_pinned())
    };
    let at = pinned(at)?;
    // It fits: dentries have the same room.
    let _ = fmt::Write::write_str(name, mem[at].name());
    let next = pinned(dentry::next_sibling(mem, at));
    Some(next.map_or(END, |next| u64::from(next.unit())))
}

/// The name at `position` of a directory, and the next position; see `FileSystem::readdir`.
pub fn readdir(mem: &Mem, dir: Ref<Dentry>, position: u64) -> Option<(Name, u64)> {
    let mut name = Name::EMPTY;
    let next = file_system(mem, mem[dir].inode).readdir(mem, dir, position, &mut name)?;
    Some((name, next))
}

/// The dentry of a name in a directory, mounts followed, a link not.
///
/// # Errors
/// `ENOTDIR`, `EACCES`, `ENOENT`, `ENAMETOOLONG`, `ENOMEM`.
pub fn lookup(mem: &mut Mem, dir: Ref<Dentry>, name: &str) -> Result<Ref<Dentry>, Errno> {
    if !is_dir(mem, dir) {
        return Err(Errno::ENOTDIR);
    }
    permission(mem, mem[dir].inode, MAY_EXEC)?;
    let found = namei::lookup(mem, dir, name)?.ok_or(Errno::ENOENT)?;
    Ok(mounted_root(mem, found))
}

/// Whether the running task may list a directory.
///
/// # Errors
/// `EACCES`.
pub fn may_list(mem: &Mem, dir: Ref<Dentry>) -> Result<(), Errno> {
    permission(mem, mem[dir].inode, MAY_READ)
}

/// Takes a reference to a dentry, so that it stays while memory changes.
pub fn get(mem: &mut Mem, dentry: Ref<Dentry>) -> Ref<Dentry> {
    dentry::get(mem, dentry)
}

/// Drops a reference that [`get`] took.
pub fn put(mem: &mut Mem, dentry: Ref<Dentry>) {
    dentry::put(mem, dentry);
}

/// Looks at `count` unused dentries and then at as many unused inodes, and frees those that were not
/// used again meanwhile, as memory reclaim does. Returns how many went of each.
pub fn prune(mem: &mut Mem, count: u32) -> [u32; 2] {
    [dentry::prune(mem, count), inode::prune(mem, count)]
}

/// Mounts `/`, `/bin`, `/proc` and `/sys`.
pub(crate) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    mem.list_init(FS.cast());
    mem.list_init(file::files_head());
    mem.list_init(fdtable::tables_head());
    let first = Ref::of_frame(layout::hash_tables(mem.frames()));
    let dentries = HashTable::new(first, 2 * mem.frames());
    dentry::boot(mem, dentries);
    inode::boot(mem, HashTable::new(dentries.end(), mem.frames()));
    mem[FS].dentry_cache = create_cache::<Dentry>(mem, Dentry::TYPE.name)?;
    mem[FS].inode_cache = create_cache::<Inode>(mem, Inode::TYPE.name)?;
    mem[FS].mount_cache = create_cache::<Mount>(mem, "mnt_cache")?;
    mem[FS].file_cache = create_cache::<File>(mem, "filp")?;
    mem[FS].pipe_cache = create_cache::<Pipe>(mem, Pipe::TYPE.name)?;
    mount::graft(mem, ROOTFS, Ref::NULL, "rootfs", "")?;
    let root = mem[mount::mounts(mem).next().ok_or(Errno::EIO)?].root;
    mem[FS].root = root;
    for (path, file_system) in [("proc", PROCFS), ("sys", SYSFS), ("bin", BINFS)] {
        let at = dentry::create(mem, root, path, inode::DIRECTORY | 0o755)?;
        let name = FILE_SYSTEMS[file_system as usize].name();
        mount::graft(mem, file_system, at, name, "")?;
    }
    device::boot(mem)?;
    fortune::load(mem)?;
    mount::graft(mem, PIPEFS, Ref::NULL, "pipefs", "")?;
    // Mounted nowhere: the last one made.
    let pipes = mount::trees_and_mounts(mem).last().ok_or(Errno::EIO)?;
    mem[pipes].private = 1;
    mem[FS].pipe_mount = pipes;
    Ok(())
}

/// Makes a cache; one whose objects defragmentation may drop has callbacks of its name.
fn create_cache<T>(mem: &mut Mem, name: &str) -> Result<Ref<KmemCache>, Errno> {
    let ops = crate::cache_ops::by_name(name);
    let options = Options {
        ctor: match ops {
            Some(_) => Constructor::Zero,
            None => Constructor::None,
        },
        ops: ops.unwrap_or(0),
        flags: match ops {
            Some(_) => Flags::RECLAIM_ACCOUNT,
            None => Flags::default(),
        },
        ..Options::default()
    };
    slab::kmem_cache_create_with(mem, name, size_of::<T>() as u32, options)
}

/// The running task's working directory.
pub fn pwd(mem: &Mem) -> Ref<Dentry> {
    mem[task::current(mem)].pwd
}

/// Changes the working directory.
///
/// # Errors
/// Those of [`walk`], `ENOTDIR`, `EACCES`.
pub fn chdir(mem: &mut Mem, path: &str) -> Result<(), Errno> {
    let dentry = walk(mem, path)?;
    if !is_dir(mem, dentry) {
        return Err(Errno::ENOTDIR);
    }
    permission(mem, mem[dentry].inode, MAY_EXEC)?;
    dentry::get(mem, dentry);
    let current = task::current(mem);
    let old = core::mem::replace(&mut mem[current].pwd, dentry);
    dentry::put(mem, old);
    Ok(())
}

/// Whether `at` is `above` or below it, in the same tree.
fn is_below(mem: &Mem, at: Ref<Dentry>, above: Ref<Dentry>) -> bool {
    let mut dirs = core::iter::successors(Some(at), |&at| {
        Some(mem[at].parent).filter(|parent| !parent.is_null())
    });
    dirs.any(|dir| dir == above)
}
