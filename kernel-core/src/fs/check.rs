//! The invariants of the file system.

use super::dentry::{
    Dentry, Inode, Mount, children, children_head, first_child, is_dir, mounts, next_sibling,
};
use super::filemap::{DIRTY, page_tree};
use super::{FS, NAME_MAX};
use crate::mem::{FRAME_SIZE, Mem, PageFlag, Ref};
use crate::radix_tree::{self, TagState};
use crate::slab;

/// What the walk has found.
#[derive(Default)]
struct Census {
    dentries: u32,
    mounts: u32,
    pages: u32,
    dirty: u32,
}

/// Checks links, reference counts, names, link counts and the page cache, between two console
/// lines: no file is open then.
///
/// # Errors
/// A sentence that names the first violation.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    let data = &mem[FS];
    if !mem.list_is_sound(FS.cast(), mem.frames()) {
        return Err("fs: the list of mounts is broken");
    }
    if data.nr_files != 0 {
        return Err("fs: a file was left open");
    }
    let mut census = Census::default();
    for mount in mounts(mem) {
        census.mounts += 1;
        check_mount(mem, mount, &mut census)?;
    }
    // The working directory may have been removed, and its parents with it.
    let mut at = data.pwd;
    while mem[at].is_dead() {
        check_dentry(mem, at, &mut census)?;
        at = mem[at].parent;
    }
    for (cache, expected) in [
        (data.dentry_cache, census.dentries),
        (data.inode_cache, census.dentries),
        (data.mount_cache, census.mounts),
        (data.file_cache, 0),
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

/// Checks one mount and what hangs below its root.
fn check_mount(mem: &Mem, mount: Ref<Mount>, census: &mut Census) -> Result<(), &'static str> {
    let Mount {
        root, mountpoint, ..
    } = mem[mount];
    if !mem[root].parent.is_null() || mem[mem[root].inode].mount != mount {
        return Err("fs: a mount's root is not its own");
    }
    if mountpoint.is_null() != (root == mem[FS].root) {
        return Err("fs: a mount other than / has no mount point");
    }
    if !mountpoint.is_null() && mem[mountpoint].mounted != mount {
        return Err("fs: a mount point does not know what is mounted there");
    }
    for at in dentries(mem, root) {
        check_dentry(mem, at, census)?;
        if mem[mem[at].inode].mount != mount {
            return Err("fs: a directory holds another mount's inode");
        }
    }
    Ok(())
}

/// What hangs below `root`, parents before children.
fn dentries(mem: &Mem, root: Ref<Dentry>) -> impl Iterator<Item = Ref<Dentry>> + '_ {
    core::iter::successors(Some(root), move |&at| {
        if let Some(child) = first_child(mem, at) {
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

/// Nodes of all inodes' trees.
pub(crate) fn page_tree_nodes(mem: &Mem) -> u64 {
    mounts(mem)
        .flat_map(|mount| dentries(mem, mem[mount].root))
        .map(|dentry| radix_tree::stat(mem, page_tree(mem[dentry].inode)).nodes)
        .sum()
}

fn check_dentry(mem: &Mem, at: Ref<Dentry>, census: &mut Census) -> Result<(), &'static str> {
    census.dentries += 1;
    let dentry = &mem[at];
    if !mem.list_is_sound(children_head(at), mem.frames() * 64) {
        return Err("fs: a directory's list is broken");
    }
    let mut holders = u32::from(!dentry.is_dead())
        + u32::from(!dentry.mounted.is_null())
        + u32::from(mem[FS].pwd == at);
    let mut directories = 0;
    let mut before = "";
    for child in children(mem, at) {
        holders += 1;
        directories += u32::from(is_dir(mem, child));
        if mem[child].parent != at {
            return Err("fs: a child does not know its directory");
        }
        let name = mem[child].name();
        if name <= before {
            return Err("fs: a directory's names are not in order");
        }
        before = name;
        if name.len() > NAME_MAX || name.contains(['/', '\0']) || matches!(name, "." | "..") {
            return Err("fs: a name that no path can spell");
        }
    }
    // Removed directories on the way to the working directory hold their parents.
    let mut dead = mem[FS].pwd;
    while mem[dead].is_dead() {
        holders += u32::from(mem[dead].parent == at);
        dead = mem[dead].parent;
    }
    if dentry.count != holders {
        return Err("fs: a dentry's count differs from the number of its holders");
    }
    let inode = &mem[dentry.inode];
    if inode.count != 1 {
        return Err("fs: an inode's count differs from the number of its names");
    }
    let nlink = match (dentry.is_dead(), is_dir(mem, at)) {
        (true, _) => 0,
        (false, true) => 2 + directories,
        (false, false) => 1,
    };
    if inode.nlink != nlink {
        return Err("fs: an inode's link count is wrong");
    }
    if !is_dir(mem, at) && (directories > 0 || holders > 1) {
        return Err("fs: a file is used as a directory");
    }
    check_pages(mem, dentry.inode, census)
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
            || page.count != 1
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
