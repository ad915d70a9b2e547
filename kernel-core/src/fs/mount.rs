//! Mounts: file systems grafted onto directories.
//!
//! A mount mostly is a tree of its own. A file system may also have a tree shown at a second place, as
//! containers do whose subsystems are mounted twice; and a tree may outlive its mount. One mount always
//! owns the tree (it is what inodes name as theirs); the others only show it, and when the owner is
//! unmounted it takes the place of one of them. From a shared tree's root `..` leads to its owner's
//! place, since a directory does not know by which way one came (Linux passes a mount along with every
//! dentry for that).

use bytemuck::{Pod, Zeroable};

use super::dentry::{self, Dentry, is_dir};
use super::inode::{self, DIRECTORY};
use super::namei::{self, Last};
use super::{FILE_SYSTEMS, FS, attr, show_file_system};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{ListHead, Mem, Ref};
use crate::slab;
use crate::task::Capability;

/// The longest name of what is mounted, in bytes.
const SOURCE_MAX: usize = 32;

/// A file system grafted onto a directory.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Mount {
    /// Link in [`super::FsData::mounts`].
    pub(super) list: ListHead,
    /// The file system's root directory.
    pub root: Ref<Dentry>,
    /// Where it is mounted; NULL for `/`.
    pub mountpoint: Ref<Dentry>,
    /// Which file system.
    pub(super) file_system: u32,
    /// Number of the next inode.
    pub(super) next_ino: u32,
    /// What the file system was told with `-o`.
    pub(super) options: [u32; 2],
    /// The mount whose tree this one shows; NULL for one with a tree of its own.
    pub shows: Ref<Mount>,
    /// The file system's own.
    pub private: u32,
    source: [u8; SOURCE_MAX],
}

describe!(
    Mount,
    "mnt_cache",
    [
        list,
        root,
        mountpoint,
        file_system: Kind::Named(show_file_system),
        next_ino,
        options,
        shows,
        private,
        source: Kind::Text,
    ]
);

impl Mount {
    /// What was mounted: a device, or a word for none.
    pub fn source(&self) -> &str {
        let length = self.source.iter().position(|&byte| byte == 0);
        let name = &self.source[..length.unwrap_or(SOURCE_MAX)];
        core::str::from_utf8(name).unwrap_or("?")
    }

    fn set_source(&mut self, source: &str) {
        self.source = [0; SOURCE_MAX];
        self.source[..source.len()].copy_from_slice(source.as_bytes());
    }
}

/// All mounts in the order in which they were made, `/` first.
pub fn mounts(mem: &Mem) -> impl Iterator<Item = Ref<Mount>> + '_ {
    let root = mem[FS].root;
    let is_mounted = move |&at: &Ref<Mount>| !mem[at].mountpoint.is_null() || mem[at].root == root;
    // At boot `/` is mounted before it is the root.
    trees_and_mounts(mem).filter(move |at| root.is_null() || is_mounted(at))
}

/// The same with trees that are mounted nowhere and were kept.
pub(super) fn trees_and_mounts(mem: &Mem) -> impl Iterator<Item = Ref<Mount>> + '_ {
    mem.list_iter(FS.cast()).map(|link| link.cast())
}

/// Hangs a mount onto a directory, or none if that is NULL.
fn attach(mem: &mut Mem, mount: Ref<Mount>, at: Ref<Dentry>) {
    mem.list_add_tail(mount.cast(), FS.cast());
    if !at.is_null() {
        mem[at].mounted = mount;
        mem[mount].mountpoint = dentry::get(mem, at);
    }
}

/// The opposite.
fn detach(mem: &mut Mem, mount: Ref<Mount>) {
    mem.list_del(mount.cast());
    let mountpoint = core::mem::replace(&mut mem[mount].mountpoint, Ref::NULL);
    mem[mountpoint].mounted = Ref::NULL;
    dentry::put(mem, mountpoint);
}

/// Mounts a file system on the directory `at`, or as the root of everything if that is NULL.
pub(super) fn graft(
    mem: &mut Mem,
    file_system: u32,
    at: Ref<Dentry>,
    source: &str,
    options: &str,
) -> Result<(), Errno> {
    let cache = mem[FS].mount_cache;
    let mount: Ref<Mount> = super::shrink::alloc(mem, cache)?;
    mem[mount] = Mount::zeroed();
    mem[mount].file_system = file_system;
    mem[mount].next_ino = 1;
    mem[mount].set_source(source);
    let made = inode::new(mem, mount, DIRECTORY | 0o755).and_then(|inode| {
        dentry::alloc(mem, Ref::NULL, "", inode).inspect_err(|_| inode::put(mem, inode))
    });
    let root = match made {
        Ok(root) => root,
        Err(errno) => {
            slab::kmem_cache_free(mem, cache, mount);
            return Err(errno);
        }
    };
    mem[mount].root = root;
    let file_system = FILE_SYSTEMS[file_system as usize % FILE_SYSTEMS.len()];
    if let Err(errno) = file_system.fill_super(mem, mount, options) {
        free(mem, mount);
        return Err(errno);
    }
    attach(mem, mount, at);
    Ok(())
}

/// Mounts a tree that stands already.
fn graft_again(
    mem: &mut Mem,
    tree: Ref<Mount>,
    at: Ref<Dentry>,
    source: &str,
) -> Result<(), Errno> {
    if mem[tree].mountpoint.is_null() {
        mem.list_del(tree.cast());
        mem[tree].set_source(source);
        attach(mem, tree, at);
        return Ok(());
    }
    let cache = mem[FS].mount_cache;
    let mount: Ref<Mount> = super::shrink::alloc(mem, cache)?;
    mem[mount] = Mount {
        list: ListHead::zeroed(),
        mountpoint: Ref::NULL,
        shows: tree,
        ..mem[tree]
    };
    mem[mount].set_source(source);
    attach(mem, mount, at);
    Ok(())
}

/// Frees a file system's objects.
fn free(mem: &mut Mem, mount: Ref<Mount>) {
    let Mount { root, .. } = mem[mount];
    dentry::free_tree(mem, root);
    inode::invalidate(mem, mount);
    let cache = mem[FS].mount_cache;
    slab::kmem_cache_free(mem, cache, mount);
}

/// Whether the running task may mount and unmount.
///
/// # Errors
/// `EPERM`.
fn may_mount(mem: &Mem) -> Result<(), Errno> {
    match attr::capable(mem, Capability::SysAdmin) {
        true => Ok(()),
        false => Err(Errno::EPERM),
    }
}

/// Mounts the file system called `kind` on the directory at `path`, upon what may be mounted there
/// already.
///
/// # Errors
/// `EINVAL` for a source of more than 32 bytes or with blanks in it, `ENODEV` if there is no such
/// file system; those of the walk; `EPERM` without `CAP_SYS_ADMIN`; `ENOTDIR`; `EBUSY` for `/`, and where the same file system is
/// mounted already; what the file system says of its options; `ENOMEM`.
pub fn mount(
    mem: &mut Mem,
    source: &str,
    path: &str,
    kind: &str,
    options: &str,
) -> Result<(), Errno> {
    if source.is_empty() || source.len() > SOURCE_MAX || source.contains(char::is_whitespace) {
        return Err(Errno::EINVAL);
    }
    let at = namei::walk(mem, path)?;
    may_mount(mem)?;
    if !is_dir(mem, at) {
        return Err(Errno::ENOTDIR);
    }
    let named = |file_system: &&dyn super::FileSystem| file_system.name() == kind;
    let number = FILE_SYSTEMS.iter().position(named).ok_or(Errno::ENODEV)? as u32;
    let file_system = FILE_SYSTEMS[number as usize];
    let there = mem[mem[at].inode].mount;
    let is_root = mem[at].parent.is_null();
    // A root that may be shown at several places would carry the mount to all of them, and two such
    // trees on each other's roots would lead in a circle.
    if is_root && (mem[there].mountpoint.is_null() || mem[there].private != 0) {
        return Err(Errno::EBUSY);
    }
    dentry::get(mem, at);
    let result = match file_system.find_super(mem, options) {
        Ok(tree) if tree.is_null() => {
            // One file system of a kind is enough at a place.
            match is_root && mem[there].file_system == number {
                true => Err(Errno::EBUSY),
                false => graft(mem, number, at, source, options),
            }
        }
        Ok(tree) if tree == there => Err(Errno::EBUSY),
        Ok(tree) => graft_again(mem, tree, at, source),
        Err(errno) => Err(errno),
    };
    dentry::put(mem, at);
    result
}

/// Whether `at` is in the tree that `mount` owns, or in one that is mounted below it.
fn is_below(mem: &Mem, mut at: Ref<Dentry>, mount: Ref<Mount>) -> bool {
    while !at.is_null() {
        let owner = mem[mem[at].inode].mount;
        if owner == mount {
            return true;
        }
        at = mem[owner].mountpoint;
    }
    false
}

/// What is mounted at `path`, the topmost if several are.
fn mount_at(mem: &mut Mem, path: &str) -> Result<Ref<Mount>, Errno> {
    let root = namei::walk(mem, path)?;
    if !mem[root].parent.is_null() {
        return Err(Errno::EINVAL);
    }
    let mut mount = mem[mem[root].inode].mount;
    // Which of a tree's mounts it is only the directory beneath knows.
    if let (dir, Last::Name { name, .. }) = namei::parent(mem, path)? {
        let mut at = namei::lookup(mem, dir, name)?.ok_or(Errno::ENOENT)?;
        while !mem[at].mounted.is_null() {
            mount = mem[at].mounted;
            at = mem[mount].root;
        }
    }
    Ok(mount)
}

/// Changes the options of what is mounted on the directory at `path`.
///
/// # Errors
/// Those of the walk; `EINVAL` if nothing is mounted there; `EPERM` without `CAP_SYS_ADMIN`; what the file system says.
pub fn remount(mem: &mut Mem, path: &str, options: &str) -> Result<(), Errno> {
    let mount = mount_at(mem, path)?;
    may_mount(mem)?;
    let tree = mem[mem[mem[mount].root].inode].mount;
    super::file_system(mem, mem[mem[tree].root].inode).remount(mem, tree, options)
}

/// Takes off what is mounted on the directory at `path`.
///
/// # Errors
/// Those of the walk; `EINVAL` if nothing is mounted there; `EPERM` without `CAP_SYS_ADMIN`; `EBUSY` for `/`, and while somebody uses
/// the file system: an open file, the working directory, another mount.
pub fn umount(mem: &mut Mem, path: &str) -> Result<(), Errno> {
    let mount = mount_at(mem, path)?;
    may_mount(mem)?;
    let Mount {
        root,
        mountpoint,
        shows,
        ..
    } = mem[mount];
    if mountpoint.is_null() {
        return Err(Errno::EBUSY);
    }
    let cache = mem[FS].mount_cache;
    if !shows.is_null() {
        detach(mem, mount);
        slab::kmem_cache_free(mem, cache, mount);
        return Ok(());
    }
    let heir = mounts(mem)
        .find(|&other| mem[other].shows == mount && !is_below(mem, mem[other].mountpoint, mount));
    if let Some(heir) = heir {
        // The tree is still shown there, so its owner moves there.
        detach(mem, mount);
        let place = mem[heir].mountpoint;
        mem[mount].source = mem[heir].source;
        mem.list_add_tail(mount.cast(), heir.cast());
        mem.list_del(heir.cast());
        mem[mount].mountpoint = place;
        mem[place].mounted = mount;
        slab::kmem_cache_free(mem, cache, heir);
        return Ok(());
    }
    dentry::sweep(mem, root);
    if dentry::subtree(mem, root).any(|at| dentry::is_held(mem, at)) {
        return Err(Errno::EBUSY);
    }
    detach(mem, mount);
    match super::file_system(mem, mem[root].inode).kill_super(mem, mount) {
        true => free(mem, mount),
        false => attach(mem, mount, Ref::NULL),
    }
    Ok(())
}
