//! The invariants of the file system.

use super::dentry::{self, Dentry, NAME_MAX, children, children_head, is_dir, subtree};
use super::filemap::{DIRTY, page_tree};
use super::inode::{self, FIFO, Inode, REGULAR, inodes};
use super::mount::{Mount, trees_and_mounts};
use super::{FS, File, fdtable, files, pipe};
use crate::mem::{FRAME_SIZE, Mem, PageFlag, Ref};
use crate::radix_tree::{self, TagState};
use crate::slab;
use crate::task::{self, Files, Task};
use crate::trace::mix;

/// What the walk has found.
#[derive(Default)]
struct Census {
    dentries: u32,
    hashed: u32,
    unused: u32,
    /// References to dentries that somebody outside of the tree must explain: a sum of fingerprints.
    held: u64,
    mounts: u32,
    pipes: u32,
    pages: u32,
    dirty: u32,
}

/// Checks links, reference counts, names, link counts and the page cache, between two console
/// lines.
///
/// # Errors
/// A sentence that names the first violation.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    let data = &mem[FS];
    if !mem.list_is_sound(FS.cast(), mem.frames()) {
        return Err("fs: the list of mounts is broken");
    }
    if !mem.list_is_sound(super::file::files_head(), mem.frames() * 512) {
        return Err("fs: the list of open files is broken");
    }
    check_files(mem)?;
    let hashed = data.dentry_table.count(mem, data.nr_dentry);
    let hashed = hashed.ok_or("fs: a hash chain of dentries is broken")?;
    let mut census = Census::default();
    for mount in trees_and_mounts(mem) {
        census.mounts += 1;
        check_mount(mem, mount, &mut census)?;
    }
    check_orphans(mem, &mut census)?;
    let mut holders = 0_u64;
    for_each_holder(mem, &mut |dentry: Ref<Dentry>| {
        holders = holders.wrapping_add(fingerprint(dentry.unit()));
    });
    if census.held != holders {
        return Err("fs: a dentry's count differs from the number of its holders");
    }
    inode::check(mem)?;
    let mut ends = 0;
    for inode in inodes(mem) {
        check_pages(mem, inode, &mut census)?;
        ends += pipe::check(mem, inode)?;
        census.pipes += u32::from(!mem[inode].pipe.is_null());
    }
    let ends_open = files(mem).filter(|&file| mem[super::inode_of(mem, file)].kind() == FIFO);
    let ends_open = ends_open
        .map(|file| u32::from(mem[file].is_readable()) + u32::from(mem[file].is_writable()));
    if ends != ends_open.sum::<u32>() {
        return Err("fs: pipes have more or fewer ends than are open");
    }
    check_writers(mem)?;
    if data.nr_dentry != census.dentries || data.nr_unused != census.unused {
        return Err("fs: the dentry cache has lost count");
    }
    dentry::check_lru(mem)?;
    if hashed != census.hashed {
        return Err("fs: the hash table of dentries holds others than those that are hashed");
    }
    for (cache, expected) in [
        (data.dentry_cache, census.dentries),
        (data.inode_cache, data.nr_inodes),
        (data.mount_cache, census.mounts),
        (data.file_cache, data.nr_files),
        (data.pipe_cache, census.pipes),
    ] {
        if slab::counts(mem, cache).active_objects != expected {
            return Err("fs: objects in use differ from those that the tree leads to");
        }
    }
    if data.nr_file_pages != census.pages || data.nr_dirty != census.dirty {
        return Err("fs: the page cache's counters differ from its trees");
    }
    let marked = (0..mem.frames())
        .filter(|&frame| mem[mem.page(frame)].is(PageFlag::PageCache))
        .count();
    if marked as u32 != census.pages {
        return Err("fs: a page of the page cache belongs to no file");
    }
    Ok(())
}

/// A word for an object, so that sums of such words are equal only for the same objects. So references
/// are compared with counts in one pass over each, without a place to note anything.
fn fingerprint(unit: u32) -> u64 {
    mix(0, u64::from(unit))
}

/// Checks the references of tables of descriptors and of open files.
fn check_files(mem: &Mem) -> Result<(), &'static str> {
    let (mut count, mut said, mut found) = (0, 0_u64, 0_u64);
    for file in files(mem) {
        let File {
            count: references, ..
        } = mem[file];
        if references == 0 {
            return Err("fs: an open file that nobody holds");
        }
        count += 1;
        said = said.wrapping_add(fingerprint(file.unit()).wrapping_mul(references.into()));
        if mem[file].is_kept() {
            found = found.wrapping_add(fingerprint(file.unit()));
        }
    }
    if mem[FS].nr_files != count {
        return Err("fs: the list of open files has lost count");
    }
    let (mut tables, mut tasks) = (0_u64, 0_u64);
    for table in fdtable::tables(mem) {
        let Files { count, fd, .. } = mem[table];
        tables = tables.wrapping_add(fingerprint(table.unit()).wrapping_mul(count.into()));
        for file in fd.into_iter().filter(|file| !file.is_null()) {
            found = found.wrapping_add(fingerprint(file.unit()));
        }
    }
    for task in task::pid::tasks_from(mem, 0) {
        let Task { files, .. } = mem[task];
        if !files.is_null() {
            tasks = tasks.wrapping_add(fingerprint(files.unit()));
        }
    }
    if tables != tasks {
        return Err("fs: a table of descriptors has more or fewer users than it says");
    }
    if said != found {
        return Err("fs: a file was left open");
    }
    Ok(())
}

/// Checks that inodes know how many write to them.
fn check_writers(mem: &Mem) -> Result<(), &'static str> {
    let mut writers = 0_u64;
    for file in files(mem).filter(|&file| mem[file].is_writable()) {
        let inode = super::inode_of(mem, file);
        if mem[inode].kind() == REGULAR {
            writers = writers.wrapping_add(fingerprint(inode.unit()));
        }
    }
    let mut said = 0_u64;
    for inode in inodes(mem) {
        let count = mem[inode].write_count.max(0) as u64;
        said = said.wrapping_add(fingerprint(inode.unit()).wrapping_mul(count));
    }
    match said == writers {
        true => Ok(()),
        false => Err("fs: an inode has more or fewer writers than it says"),
    }
}

/// Checks one mount and what hangs below its root.
fn check_mount(mem: &Mem, mount: Ref<Mount>, census: &mut Census) -> Result<(), &'static str> {
    let Mount {
        root,
        mountpoint,
        shows,
        private,
        ..
    } = mem[mount];
    let owner = if shows.is_null() { mount } else { shows };
    if !mem[root].parent.is_null() || mem[mem[root].inode].mount != owner {
        return Err("fs: a mount's root is not its own");
    }
    // A file system that tells its trees apart may keep one that is mounted nowhere.
    let may_float = private != 0 && shows.is_null();
    if mountpoint.is_null() != (root == mem[FS].root) && !(mountpoint.is_null() && may_float) {
        return Err("fs: a mount other than / has no mount point");
    }
    if !mountpoint.is_null() && mem[mountpoint].mounted != mount {
        return Err("fs: a mount point does not know what is mounted there");
    }
    if owner != mount {
        return match mem[owner].mountpoint.is_null() {
            true => Err("fs: a tree's owner is mounted nowhere, and another shows it"),
            false => Ok(()),
        };
    }
    for at in subtree(mem, root) {
        check_dentry(mem, at, census)?;
        if !mem[at].is_negative() && mem[mem[at].inode].mount != mount {
            return Err("fs: a directory holds another mount's inode");
        }
    }
    Ok(())
}

/// Names every dentry that is held from outside of the tree, as often as it is: by working directories,
/// open files, areas that show a file, and orphans that hold the directory they were in.
fn for_each_holder(mem: &Mem, holds: &mut dyn FnMut(Ref<Dentry>)) {
    for task in task::pid::tasks_from(mem, 0) {
        let Task { pwd, .. } = mem[task];
        if !pwd.is_null() {
            holds(pwd);
        }
    }
    for file in files(mem) {
        holds(mem[file].dentry);
    }
    for orphan in orphans(mem) {
        holds(mem[orphan].parent);
    }
    for mapped in task::mm::held_dentries(mem) {
        holds(mapped);
    }
}

fn orphans(mem: &Mem) -> impl Iterator<Item = Ref<Dentry>> + '_ {
    mem.list_iter(dentry::orphans()).map(dentry::of_lru)
}

/// Checks what was removed while somebody holds it.
fn check_orphans(mem: &Mem, census: &mut Census) -> Result<(), &'static str> {
    if !mem.list_is_sound(dentry::orphans(), mem[FS].nr_dentry) {
        return Err("fs: the list of orphans is broken");
    }
    for at in orphans(mem) {
        if !mem[at].is_dead() {
            return Err("fs: an orphan has a directory");
        }
        check_dentry(mem, at, census)?;
    }
    Ok(())
}

/// Nodes of all inodes' trees.
pub(crate) fn page_tree_nodes(mem: &Mem) -> u64 {
    inodes(mem)
        .map(|inode| radix_tree::stat(mem, page_tree(inode)).nodes)
        .sum()
}

fn check_dentry(mem: &Mem, at: Ref<Dentry>, census: &mut Census) -> Result<(), &'static str> {
    census.dentries += 1;
    let dentry = &mem[at];
    if !mem.list_is_sound(children_head(at), mem.frames() * 64) {
        return Err("fs: a directory's list is broken");
    }
    let is_root = dentry.parent.is_null();
    let mut holders =
        u32::from(dentry.is_pinned() || is_root) + u32::from(!dentry.mounted.is_null());
    let mut directories = 0;
    let mut before = "";
    let mut pinned_end = false;
    for child in children(mem, at) {
        holders += 1;
        let child = &mem[child];
        if child.parent != at {
            return Err("fs: a child does not know its directory");
        }
        let name = child.name();
        if name.len() > NAME_MAX || name.contains(['/', '\0']) || matches!(name, "" | "." | "..") {
            return Err("fs: a name that no path can spell");
        }
        pinned_end |= !child.is_pinned();
        if child.is_pinned() {
            directories += u32::from(!child.is_negative() && mem[child.inode].is_dir());
            if pinned_end || name <= before {
                return Err("fs: a directory's names are not in order");
            }
            before = name;
        }
    }
    if dentry.count < holders {
        return Err("fs: a dentry's count differs from the number of its holders");
    }
    let held = u64::from(dentry.count - holders);
    census.held = census
        .held
        .wrapping_add(fingerprint(at.unit()).wrapping_mul(held));
    census.hashed += u32::from(dentry.is_hashed());
    census.unused += u32::from(dentry.is_unused());
    if dentry.is_hashed() == (is_root || dentry.is_dead()) {
        return Err("fs: a dentry is in the hash table, or not, and should be otherwise");
    }
    if dentry.is_hashed() && dentry::find(mem, dentry.parent, dentry.name()) != Some(at) {
        return Err("fs: a dentry is not where its name leads");
    }
    if dentry.is_listed() != (dentry.count == 0 || dentry.is_dead()) {
        return Err("fs: an unused dentry is not on the list of unused ones");
    }
    if dentry.is_negative() {
        let is_free = dentry.count == 0 && !dentry.is_pinned() && dentry.mounted.is_null();
        return match is_free {
            true => Ok(()),
            false => Err("fs: a negative dentry is used as a file"),
        };
    }
    let inode = &mem[dentry.inode];
    if inode.alias != at {
        return Err("fs: an inode does not know its dentry");
    }
    let nlink = match (dentry.is_dead(), is_dir(mem, at)) {
        (true, _) => 0,
        (false, true) => 2 + directories,
        (false, false) => 1,
    };
    // What can be made again counts links that are not in the cache.
    if inode.nlink != nlink && !inode.is_hashed() {
        return Err("fs: an inode's link count is wrong");
    }
    if !is_dir(mem, at) && (!mem.list_is_empty(children_head(at)) || !dentry.mounted.is_null()) {
        return Err("fs: a file is used as a directory");
    }
    Ok(())
}

/// Every page in an inode's tree knows inode and index, and none lies behind the file's end.
fn check_pages(mem: &Mem, inode: Ref<Inode>, census: &mut Census) -> Result<(), &'static str> {
    let tree = page_tree(inode);
    radix_tree::check(mem, tree)?;
    let mut pages = 0;
    for index in 0..mem[inode].size.div_ceil(FRAME_SIZE as u32) {
        let Some(frame) = radix_tree::lookup(mem, tree, u64::from(index)) else {
            continue;
        };
        let page = &mem[mem.page(frame)];
        if !page.is(PageFlag::PageCache)
            || page.count == 0
            || page.mapping != inode.unit()
            || page.freelist != index
        {
            return Err("fs: a file's page does not know its place");
        }
        pages += 1;
        let tag = radix_tree::tag_get(mem, tree, u64::from(index), DIRTY);
        census.dirty += u32::from(tag == TagState::Tagged);
    }
    if pages != mem[inode].nr_pages || u64::from(pages) != radix_tree::stat(mem, tree).items {
        return Err("fs: a file has pages behind its end, or has lost count");
    }
    census.pages += pages;
    Ok(())
}
