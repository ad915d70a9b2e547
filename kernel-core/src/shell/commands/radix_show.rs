//! `radix show`: a tree as lines of text.
//!
//! One line a node, indented by its depth: the slot of its parent that leads to it, the keys that it
//! covers, and a map of its 64 slots. Under a leaf stand its items. What is too much is counted.

use core::fmt::Write;

use super::radix::{measure, root_to_read};
use super::subcommands::{Arguments, errno};
use super::{Outcome, Stop};
use crate::mem::Ref;
use crate::radix_tree::{self, MAP_SHIFT, MAP_SIZE, MAX_HEIGHT, RadixTreeNode};
use crate::shell::context::Context;

/// Nodes that are drawn; the rest is counted.
const NODES_MAX: u64 = 100;
/// Items that are written under a leaf; the rest is counted.
const ITEMS_MAX: u32 = 8;

/// Where the drawing is in one level: a node, the key it begins with, the next slot to look at.
#[derive(Clone, Copy)]
struct Level {
    node: Ref<RadixTreeNode>,
    first_key: u64,
    slot: usize,
}

pub(super) fn show(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let root = errno!(context, root_to_read(context.mem, arguments, None));
    let rnode = context.mem[root].rnode;
    let radix_tree::Stat {
        height,
        nodes,
        items,
    } = measure(context, root)?;
    let name = arguments.get(0);
    writeln!(
        context,
        "{name}: height {height} nodes {nodes} items {items}"
    )?;
    let mut stack = [Level {
        node: rnode,
        first_key: 0,
        slot: 0,
    }; MAX_HEIGHT];
    if rnode.is_null() {
        return Ok(0);
    }
    let height = height as usize;
    let mut depth = 0;
    let mut drawn = 1;
    draw_node(context, &stack[..1], height)?;
    loop {
        let Level {
            node,
            first_key,
            slot,
        } = stack[depth];
        let level = height - 1 - depth;
        let next = (slot..MAP_SIZE).find(|&slot| context.mem[node].present >> slot & 1 != 0);
        match next {
            Some(slot) if level > 0 => {
                stack[depth].slot = slot + 1;
                if drawn == NODES_MAX {
                    break;
                }
                let shift = level as u32 * MAP_SHIFT;
                depth += 1;
                stack[depth] = Level {
                    node: context.mem[node].child(slot),
                    first_key: first_key | (slot as u64) << shift,
                    slot: 0,
                };
                drawn += 1;
                draw_node(context, &stack[..=depth], height)?;
                context.mem.charge(1).map_err(|_| Stop::Interrupted)?;
            }
            _ if depth == 0 => break,
            _ => depth -= 1,
        }
    }
    if drawn < nodes {
        writeln!(context, "... {} more nodes", nodes - drawn)?;
    }
    writeln!(
        context,
        ". empty   # used   0 1 tagged   2 tagged with both"
    )?;
    Ok(0)
}

/// Draws the lines that lead down to the last node of `path`.
fn draw_branches(
    context: &mut Context<'_>,
    path: &[Level],
    ending: [&str; 2],
) -> core::fmt::Result {
    let above = &path[..path.len() - 1];
    for (depth, level) in above.iter().enumerate() {
        // Slots behind the one that the path takes: `slot` is one further already.
        let more = level.slot < MAP_SIZE && context.mem[level.node].present >> level.slot != 0;
        let branch = match (depth + 1 == above.len(), more) {
            (false, true) => "│  ",
            (false, false) => "   ",
            (true, more) => ending[usize::from(!more)],
        };
        context.write_str(branch)?;
    }
    Ok(())
}

fn draw_node(context: &mut Context<'_>, path: &[Level], height: usize) -> core::fmt::Result {
    let depth = path.len() - 1;
    let level = height - 1 - depth;
    let Level {
        node, first_key, ..
    } = path[depth];
    draw_branches(context, path, ["├─ ", "└─ "])?;
    if depth > 0 {
        write!(context, "{:2} ", path[depth - 1].slot - 1)?;
    }
    let last_key = first_key | radix_tree::max_key(level as u32 + 1);
    write!(context, "keys {first_key}-{last_key} ")?;
    let descriptor = context.mem[node];
    for slot in 0..MAP_SIZE {
        let bit = |map: u64| map >> slot & 1 != 0;
        let mark = match (bit(descriptor.tags[0]), bit(descriptor.tags[1])) {
            (true, true) => '2',
            (true, false) => '0',
            (false, true) => '1',
            _ if bit(descriptor.present) => '#',
            _ => '.',
        };
        context.write_char(mark)?;
    }
    writeln!(context)?;
    if level > 0 {
        return Ok(());
    }
    draw_branches(context, path, ["│  ", "   "])?;
    let mut space = if depth > 0 { "   " } else { "" };
    let slots = (0..MAP_SIZE).filter(|&slot| descriptor.present >> slot & 1 != 0);
    for slot in slots.take(ITEMS_MAX as usize) {
        let key = first_key | slot as u64;
        write!(context, "{space}{key}={}", descriptor.slots[slot])?;
        space = " ";
    }
    let count = descriptor.count();
    if count > ITEMS_MAX {
        write!(context, " ... {} more", count - ITEMS_MAX)?;
    }
    writeln!(context)
}
