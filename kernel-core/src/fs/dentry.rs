//! Dentries, inodes and mounts: names, links and reference counts.
//!
//! An *inode* is a file or a directory; a *dentry* is its name in a directory. A *mount* grafts the
//! root of a file system onto a directory. Children hang on their directory's list in the order of
//! their names, which makes a listing sorted and a name unique by construction.
//!
//! A dentry's count is the number of those who hold it: the tree itself (1 while it is linked),
//! each child, a mount upon it, open files, and the working directory. A removed dentry lives on
//! until the last holder lets go.

use core::fmt;

use bytemuck::{Pod, Zeroable};

use super::{FS, filemap};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{Gfp, ListHead, Mem, Ref};
use crate::radix_tree::{self, RadixTreeRoot};
use crate::slab;
use crate::trace::Tracepoint;

/// The longest name, in bytes.
pub const NAME_MAX: usize = 63;

/// Mode bits of a directory.
pub(super) const DIRECTORY: u32 = 0o040_000;
/// Mode bits of a file.
pub(super) const REGULAR: u32 = 0o100_000;
const TYPE_MASK: u32 = 0o170_000;

/// A name in a directory.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Dentry {
    /// Link in the directory's `children`; NULL once removed, and for a mount's root.
    pub(super) sibling: ListHead,
    /// A directory's content, sorted by name.
    pub(super) children: ListHead,
    /// The directory; NULL for a mount's root.
    pub parent: Ref<Dentry>,
    /// The file or directory.
    pub inode: Ref<Inode>,
    /// What is mounted on this directory.
    pub mounted: Ref<Mount>,
    /// References; see the module.
    pub count: u32,
    name_len: u8,
    name: [u8; NAME_MAX],
}

const _: () = assert!(size_of::<Dentry>() == 96);

describe!(
    Dentry,
    "dentry",
    [
        sibling,
        children,
        parent,
        inode,
        mounted,
        count,
        name_len,
        name: Kind::Text,
    ]
);

/// A file or directory.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Inode {
    /// The page cache: frame numbers by index in the file (`address_space.page_tree`).
    pub pages: RadixTreeRoot,
    /// The mount, and so the file system, that it belongs to.
    pub mount: Ref<Mount>,
    /// Number, unique in its mount.
    pub ino: u32,
    /// Type and permission bits.
    pub mode: u32,
    /// References by dentries.
    pub count: u32,
    /// Names; for a directory 2, and 1 more for each directory in it.
    pub nlink: u32,
    /// Bytes.
    pub size: u32,
    /// Pages in the page cache.
    pub nr_pages: u32,
    /// For a generated file: its row in the file system's table, and a number for its functions.
    pub(super) entry: [u32; 2],
    _pad: u32,
}

describe!(
    Inode,
    "inode_cache",
    [
        pages,
        mount,
        ino,
        mode: Kind::Named(show_mode),
        count,
        nlink,
        size,
        nr_pages,
        entry,
        _pad: Kind::Padding,
    ]
);

/// Prints type and permission bits: `directory 755`.
fn show_mode(mode: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match mode as u32 & TYPE_MASK {
        DIRECTORY => f.write_str("directory ")?,
        REGULAR => f.write_str("file ")?,
        _ => {}
    }
    write!(f, "{:o}", mode & !u64::from(TYPE_MASK))
}

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
}

describe!(
    Mount,
    "mnt_cache",
    [
        list,
        root,
        mountpoint,
        file_system: Kind::Named(super::show_file_system),
        next_ino,
    ]
);

impl Dentry {
    /// The name; empty for a mount's root.
    pub fn name(&self) -> &str {
        let length = usize::from(self.name_len).min(NAME_MAX);
        core::str::from_utf8(&self.name[..length]).unwrap_or("?")
    }

    /// Whether it was removed from its directory while somebody held it.
    pub(super) fn is_dead(&self) -> bool {
        !self.parent.is_null() && self.sibling.next.is_null()
    }
}

/// Whether `dentry` is a directory.
pub(super) fn is_dir(mem: &Mem, dentry: Ref<Dentry>) -> bool {
    mem[mem[dentry].inode].mode & TYPE_MASK == DIRECTORY
}

/// Head of a directory's list.
pub(super) fn children_head(dir: Ref<Dentry>) -> Ref<ListHead> {
    dir.byte_add(core::mem::offset_of!(Dentry, children))
}

/// What a directory holds, sorted by name.
pub fn children(mem: &Mem, dir: Ref<Dentry>) -> impl Iterator<Item = Ref<Dentry>> + '_ {
    mem.list_iter(children_head(dir)).map(|link| link.cast())
}

/// The first of a directory's children.
pub fn first_child(mem: &Mem, dir: Ref<Dentry>) -> Option<Ref<Dentry>> {
    children(mem, dir).next()
}

/// The child that follows in its directory, for walks that change memory on the way.
pub fn next_sibling(mem: &Mem, child: Ref<Dentry>) -> Option<Ref<Dentry>> {
    let Dentry {
        sibling, parent, ..
    } = mem[child];
    let last = sibling.next.is_null() || sibling.next == children_head(parent);
    (!last).then_some(sibling.next.cast())
}

/// The child of that name, or the link before which it would stand.
pub(super) fn find(mem: &Mem, dir: Ref<Dentry>, name: &str) -> Result<Ref<Dentry>, Ref<ListHead>> {
    for child in children(mem, dir) {
        match mem[child].name().cmp(name) {
            core::cmp::Ordering::Less => {}
            core::cmp::Ordering::Equal => return Ok(child),
            core::cmp::Ordering::Greater => return Err(child.cast()),
        }
    }
    Err(children_head(dir))
}

/// Takes a reference.
pub(super) fn get(mem: &mut Mem, dentry: Ref<Dentry>) -> Ref<Dentry> {
    mem[dentry].count += 1;
    dentry
}

/// Drops a reference. The last one frees the dentry and drops its hold on the directory.
pub(super) fn put(mem: &mut Mem, mut dentry: Ref<Dentry>) {
    while !dentry.is_null() {
        mem[dentry].count -= 1;
        if mem[dentry].count > 0 {
            return;
        }
        let Dentry { parent, inode, .. } = mem[dentry];
        let cache = mem[FS].dentry_cache;
        slab::kmem_cache_free(mem, cache, dentry);
        put_inode(mem, inode);
        dentry = parent;
    }
}

fn put_inode(mem: &mut Mem, inode: Ref<Inode>) {
    mem[inode].count -= 1;
    if mem[inode].count == 0 {
        filemap::truncate(mem, inode);
        let cache = mem[FS].inode_cache;
        slab::kmem_cache_free(mem, cache, inode);
    }
}

/// A dentry and its inode, linked nowhere yet, with one reference. Changes nothing if it fails.
fn alloc(mem: &mut Mem, mount: Ref<Mount>, name: &str, mode: u32) -> Result<Ref<Dentry>, Errno> {
    debug_assert!(name.len() <= NAME_MAX);
    let (inode_cache, dentry_cache) = (mem[FS].inode_cache, mem[FS].dentry_cache);
    let inode: Ref<Inode> = slab::kmem_cache_alloc(mem, inode_cache, Gfp::KERNEL)?;
    let dentry: Ref<Dentry> = match slab::kmem_cache_zalloc(mem, dentry_cache, Gfp::KERNEL) {
        Ok(dentry) => dentry,
        Err(errno) => {
            slab::kmem_cache_free(mem, inode_cache, inode);
            return Err(errno);
        }
    };
    let ino = mem[mount].next_ino;
    mem[mount].next_ino = ino.wrapping_add(1);
    mem[inode] = Inode {
        mount,
        ino,
        mode,
        count: 1,
        nlink: if mode & TYPE_MASK == DIRECTORY { 2 } else { 1 },
        pages: radix_tree::init(Gfp::ATOMIC),
        ..Inode::zeroed()
    };
    let descriptor = &mut mem[dentry];
    descriptor.inode = inode;
    descriptor.count = 1;
    descriptor.name_len = name.len() as u8;
    descriptor.name[..name.len()].copy_from_slice(name.as_bytes());
    mem.list_init(children_head(dentry));
    Ok(dentry)
}

/// Puts a new object into a directory under a name that is free.
pub(super) fn create(
    mem: &mut Mem,
    dir: Ref<Dentry>,
    name: &str,
    mode: u32,
) -> Result<Ref<Dentry>, Errno> {
    let next = match find(mem, dir, name) {
        Ok(_) => return Err(Errno::EEXIST),
        Err(next) => next,
    };
    let parent_inode = mem[dir].inode;
    let dentry = alloc(mem, mem[parent_inode].mount, name, mode)?;
    mem.list_add_tail(dentry.cast(), next);
    mem[dentry].parent = get(mem, dir);
    if mode & TYPE_MASK == DIRECTORY {
        mem[parent_inode].nlink += 1;
    }
    let args = [mem[mem[dentry].inode].ino, mem[parent_inode].ino, mode];
    mem.trace(Tracepoint::FsCreate, args.map(u64::from));
    Ok(dentry)
}

/// Takes an object out of its directory. It goes when its last holder lets go.
pub(super) fn remove(mem: &mut Mem, dentry: Ref<Dentry>) {
    let Dentry { parent, inode, .. } = mem[dentry];
    let parent_inode = mem[parent].inode;
    if is_dir(mem, dentry) {
        mem[parent_inode].nlink -= 1;
    }
    mem[inode].nlink = 0;
    let args = [mem[inode].ino, mem[parent_inode].ino];
    mem.trace(Tracepoint::FsRemove, args.map(u64::from));
    mem.list_del(dentry.cast());
    put(mem, dentry);
}

/// Mounts a file system on the directory `at`, or as the root of everything if that is NULL.
pub(super) fn mount(mem: &mut Mem, file_system: u32, at: Ref<Dentry>) -> Result<Ref<Mount>, Errno> {
    let cache = mem[FS].mount_cache;
    let mount: Ref<Mount> = slab::kmem_cache_zalloc(mem, cache, Gfp::KERNEL)?;
    mem[mount].file_system = file_system;
    mem[mount].next_ino = 1;
    match alloc(mem, mount, "", DIRECTORY | 0o755) {
        Ok(root) => mem[mount].root = root,
        Err(errno) => {
            slab::kmem_cache_free(mem, cache, mount);
            return Err(errno);
        }
    }
    mem.list_add_tail(mount.cast(), FS.cast());
    if !at.is_null() {
        mem[at].mounted = mount;
        mem[mount].mountpoint = get(mem, at);
    }
    Ok(mount)
}

/// All mounts, `/` first.
pub(super) fn mounts(mem: &Mem) -> impl Iterator<Item = Ref<Mount>> + '_ {
    mem.list_iter(FS.cast()).map(|link| link.cast())
}
