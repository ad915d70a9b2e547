//! Radix trees with names, for the `radix` command and whoever draws them.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::{SHELL, trees_head};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::fs;
use crate::mem::{Gfp, ListHead, MAX_CPUS, Mem, Ref};
use crate::radix_tree::{self, RADIX_TREE, RadixTreeRoot};
use crate::slab::{self, Constructor};

/// The longest name of a tree, in bytes.
pub(super) const TREE_NAME_MAX: usize = 31;

/// A radix tree that can be named at the console. As in Linux there is no function that destroys a
/// tree, so there is none that destroys this.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct NamedTree {
    /// Link in [`super::ShellData::trees`].
    pub(super) list: ListHead,
    /// The key that a command on this tree named last.
    pub last_key: u64,
    /// The tree.
    pub root: RadixTreeRoot,
    /// 1 if a command has named a key yet.
    pub has_last_key: u32,
    _pad: u32,
    name: [u8; TREE_NAME_MAX + 1],
}

const _: () = assert!(size_of::<NamedTree>() == 56 + size_of::<RadixTreeRoot>());

// Called as its cache is, in which a tree's name surrounds its root.
describe!(
    NamedTree,
    "radix_tree_root",
    [
        list,
        last_key,
        root,
        has_last_key,
        _pad: Kind::Padding,
        name: Kind::Text,
    ]
);

impl NamedTree {
    /// The tree's name.
    pub fn name(&self) -> &str {
        let end = self.name.iter().position(|&byte| byte == 0);
        core::str::from_utf8(&self.name[..end.unwrap_or(TREE_NAME_MAX)]).unwrap_or("?")
    }

    /// The root inside a named tree.
    pub fn root_of(tree: Ref<NamedTree>) -> Ref<RadixTreeRoot> {
        tree.byte_add(offset_of!(NamedTree, root))
    }
}

/// Creates the cache of named trees.
pub(super) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    let size = size_of::<NamedTree>() as u32;
    let cache = slab::kmem_cache_create(mem, "radix_tree_root", size, 8, Constructor::None)?;
    mem[SHELL].tree_cache = cache;
    Ok(())
}

/// All named trees in the order of their creation.
pub fn trees(mem: &Mem) -> impl Iterator<Item = Ref<NamedTree>> + '_ {
    mem.list_iter(trees_head()).map(|link| link.cast())
}

/// The tree of that name.
pub fn find_tree(mem: &Mem, name: &str) -> Option<Ref<NamedTree>> {
    trees(mem).find(|&tree| mem[tree].name() == name)
}

/// The tree that a command used last.
pub fn current_tree(mem: &Mem) -> Option<Ref<NamedTree>> {
    let tree = mem[SHELL].current_tree;
    (!tree.is_null()).then_some(tree)
}

/// Whether `name` may name a tree.
fn is_tree_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    !name.is_empty() && name.len() <= TREE_NAME_MAX && name.bytes().all(allowed)
}

/// Makes an empty tree, which becomes the current one.
///
/// # Errors
/// `EINVAL` for a name that is empty, too long, or holds other characters than letters, digits and
/// `_.-`; `EEXIST`; `ENOMEM`.
pub(super) fn create(mem: &mut Mem, name: &str, gfp: Gfp) -> Result<(), Errno> {
    if !is_tree_name(name) {
        return Err(Errno::EINVAL);
    }
    if find_tree(mem, name).is_some() {
        return Err(Errno::EEXIST);
    }
    let cache = mem[SHELL].tree_cache;
    let tree: Ref<NamedTree> = slab::kmem_cache_zalloc(mem, cache, Gfp::KERNEL)?;
    mem[tree].root = radix_tree::init(gfp);
    mem[tree].name[..name.len()].copy_from_slice(name.as_bytes());
    mem.list_add_tail(tree.cast(), trees_head());
    mem[SHELL].current_tree = tree;
    Ok(())
}

/// Finds a tree for a command, which makes it the current one.
///
/// # Errors
/// `ENOENT`.
pub(super) fn use_tree(mem: &mut Mem, name: &str) -> Result<Ref<NamedTree>, Errno> {
    let tree = find_tree(mem, name).ok_or(Errno::ENOENT)?;
    mem[SHELL].current_tree = tree;
    Ok(tree)
}

/// Remembers the key that a command names.
pub(super) fn remember_key(mem: &mut Mem, tree: Ref<NamedTree>, key: u64) {
    mem[tree].last_key = key;
    mem[tree].has_last_key = 1;
}

/// Checks the list, the names, and every tree; and that no tree node was lost, for all trees that
/// there are belong to a name, a file, or a CPU's pool.
pub(super) fn check(mem: &Mem) -> Result<(), &'static str> {
    if !mem.list_is_sound(trees_head(), mem.frames() * 64) {
        return Err("shell: the list of trees is broken");
    }
    let mut count = 0;
    let mut nodes = fs::page_tree_nodes(mem);
    for tree in trees(mem) {
        count += 1;
        nodes += radix_tree::stat(mem, NamedTree::root_of(tree)).nodes;
        if !is_tree_name(mem[tree].name()) {
            return Err("shell: a tree's name is none");
        }
        radix_tree::check(mem, NamedTree::root_of(tree))?;
    }
    let current = mem[SHELL].current_tree;
    if !current.is_null() && !trees(mem).any(|tree| tree == current) {
        return Err("shell: the current tree does not exist");
    }
    if slab::counts(mem, mem[SHELL].tree_cache).active_objects != count {
        return Err("shell: a tree is on no list");
    }
    let pools = (0..MAX_CPUS).map(|cpu| u64::from(radix_tree::preloaded(mem, cpu)));
    nodes += pools.sum::<u64>();
    let active = slab::counts(mem, mem[RADIX_TREE].node_cache).active_objects;
    if u64::from(active) != nodes {
        return Err("shell: a radix tree node belongs to no tree and no pool");
    }
    Ok(())
}
