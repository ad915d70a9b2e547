//! Mounts: file systems grafted onto directories.

use bytemuck::{Pod, Zeroable};

use super::dentry::{self, Dentry, is_dir};
use super::inode::{self, DIRECTORY};
use super::{FILE_SYSTEMS, FS, namei, show_file_system};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{ListHead, Mem, Ref};
use crate::slab;

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
}

/// All mounts in the order in which they were made, `/` first.
pub(super) fn mounts(mem: &Mem) -> impl Iterator<Item = Ref<Mount>> + '_ {
    mem.list_iter(FS.cast()).map(|link| link.cast())
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
    mem[mount].source[..source.len()].copy_from_slice(source.as_bytes());
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
    mem.list_add_tail(mount.cast(), FS.cast());
    if !at.is_null() {
        mem[at].mounted = mount;
        mem[mount].mountpoint = dentry::get(mem, at);
    }
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

/// Mounts the file system called `kind` on the directory at `path`, upon what may be mounted there
/// already.
///
/// # Errors
/// `EINVAL` for a source of more than 32 bytes or with blanks in it, `ENODEV` if there is no such
/// file system; those of the walk, `ENOTDIR`; `EBUSY` for `/`, and where the same file system is
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
    if !is_dir(mem, at) {
        return Err(Errno::ENOTDIR);
    }
    let named = |file_system: &&dyn super::FileSystem| file_system.name() == kind;
    let number = FILE_SYSTEMS.iter().position(named).ok_or(Errno::ENODEV)? as u32;
    let there = mem[mem[at].inode].mount;
    let is_root = mem[at].parent.is_null();
    if is_root && (mem[there].file_system == number || mem[there].mountpoint.is_null()) {
        return Err(Errno::EBUSY);
    }
    dentry::get(mem, at);
    let result = graft(mem, number, at, source, options);
    dentry::put(mem, at);
    result
}

/// Takes off what is mounted on the directory at `path`.
///
/// # Errors
/// Those of the walk; `EINVAL` if nothing is mounted there; `EBUSY` for `/`, and while somebody uses
/// the file system: an open file, the working directory, another mount.
pub fn umount(mem: &mut Mem, path: &str) -> Result<(), Errno> {
    let root = namei::walk(mem, path)?;
    if !mem[root].parent.is_null() {
        return Err(Errno::EINVAL);
    }
    let mount = mem[mem[root].inode].mount;
    let mountpoint = mem[mount].mountpoint;
    if mountpoint.is_null() {
        return Err(Errno::EBUSY);
    }
    dentry::sweep(mem, root);
    if dentry::subtree(mem, root).any(|at| dentry::is_held(mem, at)) {
        return Err(Errno::EBUSY);
    }
    mem.list_del(mount.cast());
    mem[mountpoint].mounted = Ref::NULL;
    dentry::put(mem, mountpoint);
    free(mem, mount);
    Ok(())
}
