//! A radix tree, from its nodes.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::Kernel;
use kernel_core::mem::{Mem, Ref};
use kernel_core::radix_tree::{self, MAP_SHIFT, MAP_SIZE, RadixTreeNode};
use kernel_core::shell;

use super::object::Map;
use crate::view::{RadixNode, RadixNodeView, RadixView};

/// Nodes that a view may have: more would not fit into a message.
const NODES_MAX: usize = 1 << 18;

/// The tree of that name, or the one used last if the name is empty.
///
/// # Errors
/// When the tree is larger than a view may be.
pub(crate) fn radix(kernel: &Kernel, name: &str) -> Result<Option<RadixView>, String> {
    let mem = &kernel.mem;
    let tree = if name.is_empty() {
        shell::current_tree(mem)
    } else {
        shell::find_tree(mem, name)
    };
    let Some(tree) = tree else { return Ok(None) };
    let root = shell::NamedTree::root_of(tree);
    let last_key = (mem[tree].has_last_key != 0).then_some(mem[tree].last_key);
    let mut view = RadixView {
        name: mem[tree].name().to_string(),
        height: mem[root].height,
        last_key,
        last_item: last_key
            .and_then(|key| radix_tree::lookup(mem, root, key))
            .unwrap_or(0),
        ..RadixView::default()
    };
    collect_nodes(mem, mem[root].rnode, mem[root].height, &mut view);
    if view.nodes.len() > NODES_MAX {
        let name = &view.name;
        return Err(format!(
            "tree {name} has more than {NODES_MAX} nodes, too many for a view"
        ));
    }
    if let Some(key) = last_key {
        view.path = path(&view, key);
    }
    Ok(Some(view))
}

/// Adds the nodes level by level, until there are too many.
fn collect_nodes(mem: &Mem, top: Ref<RadixTreeNode>, height: u32, view: &mut RadixView) {
    if top.is_null() {
        return;
    }
    view.nodes.push(seen(mem, top, 0, 0, height - 1, 0));
    let mut at = 0;
    while let Some(&RadixNode {
        node,
        level,
        first_key,
        present,
        ..
    }) = view.nodes.get(at)
        && view.nodes.len() <= NODES_MAX
    {
        if level == 0 {
            view.items += u64::from(present.count_ones());
        } else {
            for slot in (0..MAP_SIZE).filter(|slot| present >> slot & 1 != 0) {
                let child = mem[Ref::<RadixTreeNode>::new(node)].child(slot);
                let key = first_key | (slot as u64) << (u32::from(level) * MAP_SHIFT);
                view.nodes.push(seen(
                    mem,
                    child,
                    at as u32,
                    slot as u8,
                    u32::from(level) - 1,
                    key,
                ));
            }
        }
        at += 1;
    }
}

fn seen(
    mem: &Mem,
    node: Ref<RadixTreeNode>,
    parent: u32,
    parent_slot: u8,
    level: u32,
    first_key: u64,
) -> RadixNode {
    let RadixTreeNode { present, tags, .. } = mem[node];
    RadixNode {
        node: node.unit(),
        parent,
        parent_slot,
        level: level as u8,
        first_key,
        present,
        tags,
    }
}

/// Indices of the nodes on the way to `key`.
fn path(view: &RadixView, key: u64) -> Vec<u32> {
    let covers = |node: &RadixNode| {
        let bits = (u32::from(node.level) + 1) * MAP_SHIFT;
        bits >= u64::BITS || key >> bits == node.first_key >> bits
    };
    // Breadth-first order puts the nodes that cover one key in the order of the path.
    (0..)
        .zip(&view.nodes)
        .filter(|(_, node)| covers(node))
        .map(|(index, _)| index)
        .collect()
}

/// One node's slots, if there is a node.
pub(crate) fn radix_node(kernel: &Kernel, node: u32) -> Option<RadixNodeView> {
    let mem = &kernel.mem;
    let r: Ref<RadixTreeNode> = Ref::new(node);
    if r.is_null() || r.frame() >= mem.frames() {
        return None;
    }
    let begins = Map::new(mem).begins(node, RadixTreeNode::TYPE.name)?;
    if begins != node {
        return None;
    }
    let RadixTreeNode {
        present,
        tags,
        slots,
    } = mem[r];
    Some(RadixNodeView {
        node,
        address: format!("{r}"),
        slots: slots.to_vec(),
        present,
        tags,
    })
}
