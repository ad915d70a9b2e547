//! Dentries: names in directories, and the cache of them.
//!
//! A dentry says which inode a name in a directory leads to; one without an inode, a *negative*
//! dentry, that the name leads nowhere. Who looks a name up finds its dentry by the hash of directory
//! and name, however many there are; only if there is none the file system is asked.
//!
//! A dentry's count is the number of those who hold it: each child, a mount upon it, open files, the
//! working directory, and for file systems that live in memory the file system itself (such a dentry
//! is *pinned*, the cache *is* the directory). A dentry that nobody holds is *unused*: it stays, but
//! on a list, the one that was used last in front, and [`prune`] frees from its end.
//!
//! A directory's children hang on its list: the pinned ones first, in the order of their names, which
//! makes a listing sorted; behind them what else is cached. A removed dentry that somebody holds is an
//! *orphan*; it goes with its last holder.

use core::fmt;
use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::attr::S_ISGID;
use super::hash::{HashNode, HashTable, hash};
use super::inode::{self, DIRECTORY, Inode, TYPE_MASK};
use super::mount::Mount;
use super::{FS, FsData};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{ListHead, Mem, Ref};
use crate::slab;
use crate::trace::Tracepoint;

/// The longest name, in bytes.
pub const NAME_MAX: usize = 63;

/// A name in a directory.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Dentry {
    /// Link in the directory's `children`; NULL once removed, and for a mount's root.
    pub(super) sibling: ListHead,
    /// A directory's dentries, the pinned ones first.
    pub(super) children: ListHead,
    /// Link in the list of unused dentries, or of those that were removed and are held; NULL for one that
    /// is held and can be found.
    lru: ListHead,
    /// Place in the hash table of dentries.
    pub(super) node: HashNode,
    /// The directory; NULL for a mount's root.
    pub parent: Ref<Dentry>,
    /// The file or directory; NULL if the name leads nowhere.
    pub inode: Ref<Inode>,
    /// What is mounted on this directory.
    pub mounted: Ref<Mount>,
    /// References; see the module.
    pub count: u32,
    flags: u32,
    name_len: u8,
    name: [u8; NAME_MAX],
}

// Thirty-two to a page, with the free list's link behind the constructed object.
const _: () = assert!(size_of::<Dentry>() <= 120);

describe!(
    Dentry,
    "dentry",
    [
        sibling,
        children,
        lru,
        node,
        parent,
        inode,
        mounted,
        count,
        flags: Kind::Named(show_flags),
        name_len,
        name: Kind::Text,
    ]
);

/// In a dentry's flags: the file system holds it, since it could not make it again.
const PINNED: u32 = 1;
/// It can be found in the hash table.
const HASHED: u32 = 2;
/// Its file system is to be asked whether it is still right (`d_revalidate`).
const VOLATILE: u32 = 4;
/// It was used again since it was made, or since pruning saw it last (`DCACHE_REFERENCED`).
const REFERENCED: u32 = 8;

fn show_flags(flags: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut bar = "";
    for (bit, name) in (0..).zip(["pinned", "hashed", "volatile", "referenced"]) {
        if flags >> bit & 1 != 0 {
            write!(f, "{bar}{name}")?;
            bar = "|";
        }
    }
    f.write_str(if bar.is_empty() { "0" } else { "" })
}

impl Dentry {
    /// The name; empty for a mount's root.
    pub fn name(&self) -> &str {
        core::str::from_utf8(self.bytes()).unwrap_or("?")
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.name[..usize::from(self.name_len).min(NAME_MAX)]
    }

    /// Whether its name leads nowhere.
    pub fn is_negative(&self) -> bool {
        self.inode.is_null()
    }

    /// Whether its file system holds it.
    pub fn is_pinned(&self) -> bool {
        self.flags & PINNED != 0
    }

    /// Whether it can be found by its name.
    pub fn is_hashed(&self) -> bool {
        self.flags & HASHED != 0
    }

    /// Whether it is kept though nobody holds it.
    pub fn is_unused(&self) -> bool {
        self.count == 0 && !self.lru.next.is_null()
    }

    /// Whether it is on the list of unused ones or of orphans.
    pub(super) fn is_listed(&self) -> bool {
        !self.lru.next.is_null()
    }

    /// Whether pruning will spare it once.
    pub fn is_referenced(&self) -> bool {
        self.flags & REFERENCED != 0
    }

    /// Whether its file system has a say in whether it is still right.
    pub(super) fn is_volatile(&self) -> bool {
        self.flags & VOLATILE != 0
    }

    /// Whether it was removed from its directory while somebody held it.
    pub(super) fn is_dead(&self) -> bool {
        !self.parent.is_null() && self.sibling.next.is_null()
    }
}

/// Whether `dentry` is a directory.
pub fn is_dir(mem: &Mem, dentry: Ref<Dentry>) -> bool {
    let inode = mem[dentry].inode;
    !inode.is_null() && mem[inode].is_dir()
}

/// Head of a directory's list.
pub(super) fn children_head(dir: Ref<Dentry>) -> Ref<ListHead> {
    dir.byte_add(offset_of!(Dentry, children))
}

/// The dentries of a directory that are in the cache, negative ones included.
pub fn children(mem: &Mem, dir: Ref<Dentry>) -> impl Iterator<Item = Ref<Dentry>> + '_ {
    mem.list_iter(children_head(dir)).map(|link| link.cast())
}

/// What the file system holds of a directory, sorted by name.
pub(super) fn pinned(mem: &Mem, dir: Ref<Dentry>) -> impl Iterator<Item = Ref<Dentry>> + '_ {
    children(mem, dir).take_while(|&child| mem[child].is_pinned())
}

/// The child that follows in its directory, for walks that change memory on the way.
pub(super) fn next_sibling(mem: &Mem, child: Ref<Dentry>) -> Option<Ref<Dentry>> {
    let Dentry {
        sibling, parent, ..
    } = mem[child];
    let last = sibling.next.is_null() || sibling.next == children_head(parent);
    (!last).then_some(sibling.next.cast())
}

/// What hangs below `root`, itself included, parents before children.
pub(super) fn subtree(mem: &Mem, root: Ref<Dentry>) -> impl Iterator<Item = Ref<Dentry>> + '_ {
    core::iter::successors(Some(root), move |&at| {
        if let Some(child) = children(mem, at).next() {
            return Some(child);
        }
        // Up until there is a next sibling.
        let mut at = at;
        while at != root {
            if let Some(sibling) = next_sibling(mem, at) {
                return Some(sibling);
            }
            at = mem[at].parent;
        }
        None
    })
}

/// Head of the list of dentries that were removed while somebody holds them.
pub(super) fn orphans() -> Ref<ListHead> {
    FS.byte_add(offset_of!(FsData, dentry_orphans))
}

/// Lists a dentry that no directory leads to any more, or never will, but that somebody holds.
pub(super) fn orphan(mem: &mut Mem, dentry: Ref<Dentry>) {
    mem.list_add_tail(lru(dentry), orphans());
}

/// The dentry of a link in that list, or in that of unused ones.
pub(super) fn of_lru(link: Ref<ListHead>) -> Ref<Dentry> {
    link.byte_sub(offset_of!(Dentry, lru))
}

/// Head of the list of unused dentries.
fn unused() -> Ref<ListHead> {
    FS.byte_add(offset_of!(FsData, dentry_unused))
}

fn lru(dentry: Ref<Dentry>) -> Ref<ListHead> {
    dentry.byte_add(offset_of!(Dentry, lru))
}

fn node(dentry: Ref<Dentry>) -> Ref<HashNode> {
    dentry.byte_add(offset_of!(Dentry, node))
}

/// Empties list and table.
pub(super) fn boot(mem: &mut Mem, table: HashTable) {
    mem.list_init(unused());
    mem.list_init(orphans());
    mem[FS].dentry_table = table;
}

/// The dentry of that name, if it is in the cache. It may be negative.
#[inline]
pub(super) fn find(mem: &Mem, dir: Ref<Dentry>, name: &str) -> Option<Ref<Dentry>> {
    let hash = hash(dir.unit(), name.as_bytes());
    let mut nodes = mem[FS].dentry_table.find(mem, hash);
    nodes.find_map(|node| {
        let at: Ref<Dentry> = node.byte_sub(offset_of!(Dentry, node));
        let dentry = &mem[at];
        (dentry.parent == dir && dentry.bytes() == name.as_bytes()).then_some(at)
    })
}

/// Takes a reference (`dget`).
pub(super) fn get(mem: &mut Mem, dentry: Ref<Dentry>) -> Ref<Dentry> {
    if mem[dentry].count == 0 {
        leave_lru(mem, dentry);
    }
    mem[dentry].count += 1;
    dentry
}

fn leave_lru(mem: &mut Mem, dentry: Ref<Dentry>) {
    mem.list_del(lru(dentry));
    mem[FS].nr_unused -= 1;
}

fn enter_lru(mem: &mut Mem, dentry: Ref<Dentry>) {
    mem.list_add(lru(dentry), unused());
    mem[FS].nr_unused += 1;
}

/// Notes that a dentry was found and used.
#[inline]
pub(super) fn touch(mem: &mut Mem, dentry: Ref<Dentry>) {
    let Dentry { count, flags, .. } = mem[dentry];
    if count == 0 && flags & REFERENCED == 0 {
        mem[dentry].flags |= REFERENCED;
    }
}

/// Drops a reference (`dput`). After the last one a dentry that can be found stays, unused; another
/// goes, and with it its hold on its directory.
pub(super) fn put(mem: &mut Mem, mut dentry: Ref<Dentry>) {
    while !dentry.is_null() {
        mem[dentry].count -= 1;
        if mem[dentry].count > 0 {
            return;
        }
        if mem[dentry].is_hashed() {
            mem[dentry].flags |= REFERENCED;
            return enter_lru(mem, dentry);
        }
        dentry = kill(mem, dentry);
    }
}

/// Frees an unused dentry.
fn drop_unused(mem: &mut Mem, dentry: Ref<Dentry>) {
    leave_lru(mem, dentry);
    let parent = kill(mem, dentry);
    put(mem, parent);
}

/// Frees a dentry that nobody holds and returns the directory whose reference it had (`d_kill`).
fn kill(mem: &mut Mem, dentry: Ref<Dentry>) -> Ref<Dentry> {
    unhash(mem, dentry);
    if !mem[dentry].lru.next.is_null() {
        mem.list_del(lru(dentry));
    }
    if !mem[dentry].sibling.next.is_null() {
        mem.list_del(dentry.cast());
    }
    drop_inode(mem, dentry);
    let parent = mem[dentry].parent;
    // As its constructor made it.
    mem[dentry] = Dentry::zeroed();
    let cache = mem[FS].dentry_cache;
    slab::kmem_cache_free(mem, cache, dentry);
    mem[FS].nr_dentry -= 1;
    parent
}

fn unhash(mem: &mut Mem, dentry: Ref<Dentry>) {
    if mem[dentry].is_hashed() {
        mem[dentry].flags &= !HASHED;
        let table = mem[FS].dentry_table;
        table.remove(mem, node(dentry));
    }
}

/// Makes a dentry negative (`dentry_iput`).
fn drop_inode(mem: &mut Mem, dentry: Ref<Dentry>) {
    let inode = core::mem::replace(&mut mem[dentry].inode, Ref::NULL);
    if !inode.is_null() {
        mem[inode].alias = Ref::NULL;
        inode::put(mem, inode);
    }
}

/// Gives a dentry its inode, whose reference it takes over.
fn set_inode(mem: &mut Mem, dentry: Ref<Dentry>, inode: Ref<Inode>) {
    mem[dentry].inode = inode;
    if !inode.is_null() {
        mem[inode].alias = dentry;
    }
}

/// A dentry with one reference that nothing leads to yet. It takes over the reference to `inode`, if
/// it succeeds, and holds `parent`.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn alloc(
    mem: &mut Mem,
    parent: Ref<Dentry>,
    name: &str,
    inode: Ref<Inode>,
) -> Result<Ref<Dentry>, Errno> {
    debug_assert!(name.len() <= NAME_MAX);
    let cache = mem[FS].dentry_cache;
    let dentry: Ref<Dentry> = super::shrink::alloc(mem, cache)?;
    let descriptor = &mut mem[dentry];
    descriptor.count = 1;
    descriptor.name_len = name.len() as u8;
    descriptor.name[..name.len()].copy_from_slice(name.as_bytes());
    mem.list_init(children_head(dentry));
    if !parent.is_null() {
        mem[dentry].parent = get(mem, parent);
    }
    set_inode(mem, dentry, inode);
    mem[FS].nr_dentry += 1;
    Ok(dentry)
}

/// Makes a dentry found by its name.
fn insert(mem: &mut Mem, dentry: Ref<Dentry>) {
    let Dentry { parent, .. } = mem[dentry];
    let hash = hash(parent.unit(), mem[dentry].bytes());
    mem[dentry].flags |= HASHED;
    let table = mem[FS].dentry_table;
    table.insert(mem, node(dentry), hash);
}

/// Puts what the file system has answered into the cache, unused: the inode that a name leads to,
/// whose reference it takes over, or NULL.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn remember(
    mem: &mut Mem,
    dir: Ref<Dentry>,
    name: &str,
    inode: Ref<Inode>,
    is_volatile: bool,
) -> Result<Ref<Dentry>, Errno> {
    let dentry = alloc(mem, dir, name, inode)?;
    mem.list_add_tail(dentry.cast(), children_head(dir));
    insert(mem, dentry);
    let descriptor = &mut mem[dentry];
    descriptor.count = 0;
    descriptor.flags |= if is_volatile { VOLATILE } else { 0 };
    enter_lru(mem, dentry);
    Ok(dentry)
}

/// Puts a new object into a directory under a name that is free: its file system holds it. A
/// negative dentry of that name turns positive.
///
/// # Errors
/// `EEXIST`, `ENOMEM`.
pub(super) fn create(
    mem: &mut Mem,
    dir: Ref<Dentry>,
    name: &str,
    mode: u32,
) -> Result<Ref<Dentry>, Errno> {
    let parent_inode = mem[dir].inode;
    let inode = inode::new(mem, mem[parent_inode].mount, mode)?;
    let Inode {
        gid, mode: above, ..
    } = mem[parent_inode];
    if above & S_ISGID != 0 {
        mem[inode].gid = gid;
        if mode & TYPE_MASK == DIRECTORY {
            mem[inode].mode |= S_ISGID;
        }
    }
    let dentry = match find(mem, dir, name) {
        Some(dentry) if mem[dentry].is_negative() => {
            get(mem, dentry);
            mem.list_del(dentry.cast());
            set_inode(mem, dentry, inode);
            Ok(dentry)
        }
        Some(_) => Err(Errno::EEXIST),
        None => alloc(mem, dir, name, inode),
    };
    let dentry = match dentry {
        Ok(dentry) => dentry,
        Err(errno) => {
            inode::put(mem, inode);
            return Err(errno);
        }
    };
    enlist(mem, dir, dentry);
    mem[dentry].flags = mem[dentry].flags & !REFERENCED | PINNED;
    if !mem[dentry].is_hashed() {
        insert(mem, dentry);
    }
    if mode & TYPE_MASK == DIRECTORY {
        mem[parent_inode].nlink += 1;
    }
    let args = [mem[inode].ino, mem[parent_inode].ino, mode];
    mem.trace(Tracepoint::FsCreate, args.map(u64::from));
    Ok(dentry)
}

/// Puts a dentry on a directory's list: names in order, and what is only cached behind them all.
fn enlist(mem: &mut Mem, dir: Ref<Dentry>, dentry: Ref<Dentry>) {
    let Dentry { name, name_len, .. } = mem[dentry];
    let name = &name[..usize::from(name_len)];
    let behind =
        children(mem, dir).find(|&other| !mem[other].is_pinned() || mem[other].bytes() > name);
    let behind = behind.map_or(children_head(dir), |dentry| dentry.cast());
    mem.list_add_tail(dentry.cast(), behind);
}

/// Moves a pinned dentry to a name that is free, and to another directory perhaps (`d_move`).
pub(super) fn rename(mem: &mut Mem, dentry: Ref<Dentry>, dir: Ref<Dentry>, name: &str) {
    // What says that the name is free.
    if let Some(negative) = find(mem, dir, name) {
        drop_unused(mem, negative);
    }
    let Dentry { parent, inode, .. } = mem[dentry];
    unhash(mem, dentry);
    mem.list_del(dentry.cast());
    if mem[inode].is_dir() {
        let [from, to] = [mem[parent].inode, mem[dir].inode];
        mem[from].nlink -= 1;
        mem[to].nlink += 1;
    }
    let descriptor = &mut mem[dentry];
    descriptor.parent = dir;
    descriptor.name = [0; NAME_MAX];
    descriptor.name_len = name.len() as u8;
    descriptor.name[..name.len()].copy_from_slice(name.as_bytes());
    get(mem, dir);
    enlist(mem, dir, dentry);
    insert(mem, dentry);
    let args = [parent, dir].map(|dir| mem[mem[dir].inode].ino);
    let args = [mem[inode].ino, args[0], args[1]];
    mem.trace(Tracepoint::FsRename, args.map(u64::from));
    put(mem, parent);
}

/// Takes an object out of its directory. If nobody else holds a file's dentry, it stays and says that
/// the name is free; else it goes when its last holder lets go (`d_delete`).
pub(super) fn remove(mem: &mut Mem, dentry: Ref<Dentry>) {
    let Dentry { parent, inode, .. } = mem[dentry];
    let parent_inode = mem[parent].inode;
    let is_dir = mem[inode].is_dir();
    if is_dir {
        mem[parent_inode].nlink -= 1;
        // Whatever says that names in it are free.
        sweep(mem, dentry);
    }
    mem[inode].nlink = 0;
    let args = [mem[inode].ino, mem[parent_inode].ino];
    mem.trace(Tracepoint::FsRemove, args.map(u64::from));
    mem.list_del(dentry.cast());
    mem[dentry].flags &= !PINNED;
    if mem[dentry].count == 1 && !is_dir {
        drop_inode(mem, dentry);
        mem.list_add_tail(dentry.cast(), children_head(parent));
    } else {
        unhash(mem, dentry);
        orphan(mem, dentry);
    }
    put(mem, dentry);
}

/// The dentry at which a walk below `root` begins that sees children before their directories.
fn deepest(mem: &Mem, mut at: Ref<Dentry>) -> Ref<Dentry> {
    while let Some(child) = children(mem, at).next() {
        at = child;
    }
    at
}

/// Does something to whatever is below `root`, children first. It may free what it is given.
fn for_each_below(mem: &mut Mem, root: Ref<Dentry>, action: fn(&mut Mem, Ref<Dentry>)) {
    let mut at = deepest(mem, root);
    while at != root {
        let next = match next_sibling(mem, at) {
            Some(sibling) => deepest(mem, sibling),
            None => mem[at].parent,
        };
        mem.serve_tap();
        action(mem, at);
        at = next;
    }
}

/// Frees what is unused below `root` (`shrink_dcache_parent`).
pub(super) fn sweep(mem: &mut Mem, root: Ref<Dentry>) {
    for_each_below(mem, root, |mem, at| {
        if mem[at].is_unused() {
            drop_unused(mem, at);
        }
    });
}

/// Frees a whole tree that only its file system holds (`d_genocide`).
pub(super) fn free_tree(mem: &mut Mem, root: Ref<Dentry>) {
    for_each_below(mem, root, |mem, at| {
        if mem[at].is_unused() {
            leave_lru(mem, at);
        }
        let parent = kill(mem, at);
        mem[parent].count -= 1;
    });
    kill(mem, root);
}

/// Whether somebody besides its file system and its children holds `dentry`.
pub(super) fn is_held(mem: &Mem, dentry: Ref<Dentry>) -> bool {
    let Dentry { count, parent, .. } = mem[dentry];
    let by_file_system = mem[dentry].is_pinned() || parent.is_null();
    count as usize > usize::from(by_file_system) + children(mem, dentry).count()
}

/// Frees a dentry that its file system no longer answers for, with what is unused below it. Returns
/// whether it is gone: somebody may hold it (`d_invalidate`).
pub(super) fn invalidate(mem: &mut Mem, dentry: Ref<Dentry>) -> bool {
    sweep(mem, dentry);
    let is_unused = mem[dentry].is_unused();
    if is_unused {
        drop_unused(mem, dentry);
    }
    is_unused
}

/// Looks at `count` unused dentries at most, those that were left longest first, and frees those that
/// were not used again meanwhile; the others get a second chance. Returns how many were freed
/// (`prune_dcache`).
pub(super) fn prune(mem: &mut Mem, count: u32) -> u32 {
    let before = mem[FS].nr_dentry;
    let mut spared = 0;
    for _ in 0..count {
        let last = mem[unused()].prev;
        if last == unused() {
            break;
        }
        // Work that whoever needs the memory pays for.
        let _ = mem.charge(1);
        let dentry: Ref<Dentry> = last.byte_sub(offset_of!(Dentry, lru));
        if mem[dentry].is_referenced() {
            mem[dentry].flags &= !REFERENCED;
            mem.list_del(last);
            mem.list_add(last, unused());
            spared += 1;
        } else {
            drop_unused(mem, dentry);
        }
    }
    let freed = before - mem[FS].nr_dentry;
    let left = mem[FS].nr_unused;
    mem.trace(
        Tracepoint::PruneDcache,
        [count, spared, freed, left].map(u64::from),
    );
    freed
}

/// Whether defragmentation may take hold of a dentry: one that is being made, or that its file
/// system holds, is none of its business.
pub(super) fn may_drop(mem: &Mem, dentry: Ref<Dentry>) -> bool {
    let descriptor = &mem[dentry];
    descriptor.is_hashed() && !descriptor.is_pinned()
}

/// Drops the reference of defragmentation, and the dentry if that was the only one.
pub(super) fn put_and_drop(mem: &mut Mem, dentry: Ref<Dentry>) {
    let only = mem[dentry].count == 1;
    put(mem, dentry);
    if only {
        drop_unused(mem, dentry);
    }
}

/// Checks the list of unused dentries.
pub(super) fn check_lru(mem: &Mem) -> Result<(), &'static str> {
    if !mem.list_is_sound(unused(), mem.frames() * 64) {
        return Err("fs: the list of unused dentries is broken");
    }
    let mut count = 0;
    for link in mem.list_iter(unused()) {
        let dentry: Ref<Dentry> = link.byte_sub(offset_of!(Dentry, lru));
        if mem[dentry].count != 0 || !mem[dentry].is_hashed() {
            return Err("fs: a dentry on the list of unused ones is in use");
        }
        count += 1;
    }
    if count != mem[FS].nr_unused {
        return Err("fs: the list of unused dentries has lost count");
    }
    Ok(())
}
