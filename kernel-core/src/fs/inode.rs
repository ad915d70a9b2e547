//! Inodes, and the inode cache.
//!
//! An inode is a file or a directory, whatever its name. Most file systems here live in memory: their
//! inodes go with their last dentry. An inode that its file system can make again (`HASHED`) stays
//! when nobody uses it any more, on the list of unused inodes, to be found by its number; from there
//! [`prune`] frees the one that was left unused longest.

use core::fmt;
use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::dentry::Dentry;
use super::hash::{HashNode, HashTable, hash};
use super::mount::Mount;
use super::pipe::Pipe;
use super::{FS, FsData, attr, filemap};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{Gfp, ListHead, Mem, Ref};
use crate::radix_tree::{self, RadixTreeRoot};
use crate::slab;
use crate::trace::Tracepoint;

/// Mode bits of a directory.
pub const DIRECTORY: u32 = 0o040_000;
/// Mode bits of a file.
pub const REGULAR: u32 = 0o100_000;
/// Mode bits of a symbolic link.
pub const LINK: u32 = 0o120_000;
/// Mode bits of a device that is read and written byte by byte.
pub const CHARACTER: u32 = 0o020_000;
/// Mode bits of a device of blocks.
pub const BLOCK: u32 = 0o060_000;
/// Mode bits of a pipe with a name.
pub const FIFO: u32 = 0o010_000;
/// The bits of an inode's mode that say what it is.
pub const TYPE_MASK: u32 = 0o170_000;

/// In [`Inode::state`]: found by its number; its file system can make it again.
const HASHED: u32 = 1;

/// A file or directory.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Inode {
    /// The page cache: frame numbers by index in the file (`address_space.page_tree`).
    pub pages: RadixTreeRoot,
    /// Link in the list of inodes in use, or of unused ones.
    pub(super) list: ListHead,
    /// Place in the hash table of inodes.
    node: HashNode,
    /// The mount, and so the file system, that it belongs to.
    pub mount: Ref<Mount>,
    /// Number, unique in its mount.
    pub ino: u32,
    /// Type and permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Of a device: its major number times 2^20, plus its minor number.
    pub rdev: u32,
    /// Files that are open to write it; below 0: programs that run it, so that nobody may.
    pub write_count: i32,
    /// References: by its dentry, and by whoever is about to free it. 0 is unused.
    pub count: u32,
    /// Names; for a directory 2, and 1 more for each directory in it.
    pub nlink: u32,
    /// Bytes.
    pub size: u32,
    /// Pages in the page cache.
    pub nr_pages: u32,
    /// Its dentry; NULL if that was dropped.
    pub alias: Ref<Dentry>,
    state: u32,
    /// For a generated file: its row in the file system's table, and a number for its functions.
    pub(super) entry: [u32; 2],
    /// What flows through it while it is open, if it is a pipe.
    pub pipe: Ref<Pipe>,
}

describe!(
    Inode,
    "inode_cache",
    [
        pages,
        list,
        node,
        mount,
        ino,
        mode: Kind::Named(show_mode),
        uid,
        gid,
        rdev,
        write_count,
        count,
        nlink,
        size,
        nr_pages,
        alias,
        state: Kind::Named(|state, f| f.write_str(if state == 0 { "0" } else { "hashed" })),
        entry,
        pipe,
    ]
);

/// Prints type and permission bits: `directory 755`.
fn show_mode(mode: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match mode as u32 & TYPE_MASK {
        DIRECTORY => f.write_str("directory ")?,
        REGULAR => f.write_str("file ")?,
        LINK => f.write_str("link ")?,
        CHARACTER => f.write_str("character device ")?,
        BLOCK => f.write_str("block device ")?,
        FIFO => f.write_str("fifo ")?,
        _ => {}
    }
    write!(f, "{:o}", mode & !u64::from(TYPE_MASK))
}

impl Inode {
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.mode & TYPE_MASK == DIRECTORY
    }

    /// What it is: one of the type bits.
    pub fn kind(&self) -> u32 {
        self.mode & TYPE_MASK
    }

    /// Major and minor number of a device.
    pub fn device(&self) -> (u32, u32) {
        (self.rdev >> 20, self.rdev & 0xf_ffff)
    }

    /// Whether its file system can make it again, so that it may be dropped.
    pub fn is_hashed(&self) -> bool {
        self.state & HASHED != 0
    }
}

/// Head of the list of inodes in use.
pub(super) fn in_use() -> Ref<ListHead> {
    FS.byte_add(offset_of!(FsData, inode_in_use))
}

/// Head of the list of unused inodes, the one that became so last in front.
pub(super) fn unused() -> Ref<ListHead> {
    FS.byte_add(offset_of!(FsData, inode_unused))
}

fn link(inode: Ref<Inode>) -> Ref<ListHead> {
    inode.byte_add(offset_of!(Inode, list))
}

pub(super) fn of_link(link: Ref<ListHead>) -> Ref<Inode> {
    link.byte_sub(offset_of!(Inode, list))
}

fn node(inode: Ref<Inode>) -> Ref<HashNode> {
    inode.byte_add(offset_of!(Inode, node))
}

/// Empties lists and table.
pub(super) fn boot(mem: &mut Mem, table: HashTable) {
    mem.list_init(in_use());
    mem.list_init(unused());
    mem[FS].inode_table = table;
}

/// All inodes: those in use, then the unused ones.
pub fn inodes(mem: &Mem) -> impl Iterator<Item = Ref<Inode>> + '_ {
    mem.list_iter(in_use())
        .chain(mem.list_iter(unused()))
        .map(of_link)
}

/// Makes an inode with one reference and the mount's next number. It belongs to the running task's
/// user.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn new(mem: &mut Mem, mount: Ref<Mount>, mode: u32) -> Result<Ref<Inode>, Errno> {
    let cache = mem[FS].inode_cache;
    let inode: Ref<Inode> = super::shrink::alloc(mem, cache)?;
    let ino = mem[mount].next_ino;
    mem[mount].next_ino = ino.wrapping_add(1);
    let cred = attr::credentials(mem);
    mem[inode] = Inode {
        mount,
        ino,
        mode,
        uid: cred.fsuid,
        gid: cred.fsgid,
        count: 1,
        nlink: if mode & TYPE_MASK == DIRECTORY { 2 } else { 1 },
        pages: radix_tree::init(Gfp::ATOMIC),
        ..Inode::zeroed()
    };
    mem.list_add(link(inode), in_use());
    mem[FS].nr_inodes += 1;
    Ok(inode)
}

/// The inode of that number if it is in the cache, with a reference more.
pub(super) fn find_and_get(mem: &mut Mem, mount: Ref<Mount>, ino: u32) -> Option<Ref<Inode>> {
    let hash = hash(mount.unit(), &ino.to_le_bytes());
    let inode = mem[FS].inode_table.find(mem, hash).find_map(|node| {
        let inode: Ref<Inode> = node.byte_sub(offset_of!(Inode, node));
        (mem[inode].mount == mount && mem[inode].ino == ino).then_some(inode)
    })?;
    get(mem, inode);
    Some(inode)
}

/// Numbers an inode that can be made again, and makes it known by its number (`insert_inode_hash`).
pub(super) fn hash_as(mem: &mut Mem, inode: Ref<Inode>, ino: u32) {
    mem[inode].ino = ino;
    mem[inode].state |= HASHED;
    let hash = hash(mem[inode].mount.unit(), &ino.to_le_bytes());
    let table = mem[FS].inode_table;
    table.insert(mem, node(inode), hash);
}

/// Takes a reference (`__iget`).
pub(super) fn get(mem: &mut Mem, inode: Ref<Inode>) {
    if mem[inode].count == 0 {
        mem.list_del(link(inode));
        mem.list_add(link(inode), in_use());
        mem[FS].nr_inodes_unused -= 1;
    }
    mem[inode].count += 1;
}

/// Drops a reference (`iput`). After the last one the inode stays if it can be found again and still
/// has a name, and goes if not.
pub(super) fn put(mem: &mut Mem, inode: Ref<Inode>) {
    mem[inode].count -= 1;
    if mem[inode].count > 0 {
        return;
    }
    if mem[inode].is_hashed() {
        mem.list_del(link(inode));
        mem.list_add(link(inode), unused());
        mem[FS].nr_inodes_unused += 1;
    } else {
        free(mem, inode);
    }
}

/// Frees an inode that nobody uses.
pub(super) fn free(mem: &mut Mem, inode: Ref<Inode>) {
    filemap::truncate(mem, inode);
    if mem[inode].is_hashed() {
        mem[FS].nr_inodes_unused -= 1;
        let table = mem[FS].inode_table;
        table.remove(mem, node(inode));
    }
    mem.list_del(link(inode));
    mem[FS].nr_inodes -= 1;
    // As its constructor made it.
    mem[inode] = Inode::zeroed();
    let cache = mem[FS].inode_cache;
    slab::kmem_cache_free(mem, cache, inode);
}

/// Frees unused inodes, those that were left longest first, and their pages with them; looks at
/// `count` at most and returns how many went (`prune_icache`).
pub(super) fn prune(mem: &mut Mem, count: u32) -> u32 {
    let before = mem[FS].nr_inodes;
    for _ in 0..count {
        let last = mem[unused()].prev;
        if last == unused() {
            break;
        }
        // Work that whoever needs the memory pays for.
        let _ = mem.charge(1);
        free(mem, of_link(last));
    }
    let freed = before - mem[FS].nr_inodes;
    let left = mem[FS].nr_inodes_unused;
    mem.trace(Tracepoint::PruneIcache, [count, freed, left].map(u64::from));
    freed
}

/// Frees a mount's unused inodes (`invalidate_inodes`).
pub(super) fn invalidate(mem: &mut Mem, mount: Ref<Mount>) {
    let mut at = mem[unused()].next;
    while at != unused() {
        let inode = of_link(at);
        at = mem[at].next;
        if mem[inode].mount == mount {
            mem.serve_tap();
            free(mem, inode);
        }
    }
}

/// Checks lists, hash table and counters.
pub(super) fn check(mem: &Mem) -> Result<(), &'static str> {
    let data = &mem[FS];
    let in_table = data.inode_table.count(mem, data.nr_inodes);
    let in_table = in_table.ok_or("fs: a hash chain of inodes is broken")?;
    let mut hashed = 0;
    for (head, is_unused, count) in [
        (in_use(), false, data.nr_inodes - data.nr_inodes_unused),
        (unused(), true, data.nr_inodes_unused),
    ] {
        if !mem.list_is_sound(head, mem.frames() * 64) {
            return Err("fs: a list of inodes is broken");
        }
        if mem.list_iter(head).count() as u32 != count {
            return Err("fs: the inode cache has lost count");
        }
        for at in mem.list_iter(head).map(of_link) {
            let inode = &mem[at];
            if inode.count != u32::from(!inode.alias.is_null()) || (inode.count == 0) != is_unused {
                return Err("fs: an inode's count differs from the number of its names");
            }
            if !inode.alias.is_null() && mem[inode.alias].inode != at {
                return Err("fs: an inode's dentry is not its own");
            }
            if inode.is_hashed() {
                hashed += 1;
                let key = hash(inode.mount.unit(), &inode.ino.to_le_bytes());
                let mut found = data.inode_table.find(mem, key);
                if !found.any(|other| other == node(at)) {
                    return Err("fs: an inode is not where its number leads");
                }
            } else if is_unused {
                return Err("fs: an inode that nobody finds again was kept");
            }
        }
    }
    if in_table != hashed {
        return Err("fs: the hash table of inodes holds others than those that are hashed");
    }
    Ok(())
}
