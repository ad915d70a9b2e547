//! `radix`: trees by hand, one result a line.

use core::fmt::Write;

use super::subcommands::{self, Arguments, Told, errno, subcommands, told};
use super::{Outcome, Stop, print_result};
use crate::errno::Errno;
use crate::fs;
use crate::mem::{Gfp, MEM, Mem, Ref};
use crate::radix_tree::{self, RadixTreeNode, RadixTreeRoot, Tag};
use crate::shell::context::Context;
use crate::shell::trees::{self, NamedTree};
use crate::shell::words::Words;
use crate::shell::{STATUS_USAGE, find_tree};
use crate::trace::Tracepoint;

subcommands! {
    "create", "NAME [gfp=MASK]", 1..=2, create, "make a tree; MASK is GFP_ATOMIC or GFP_KERNEL";
    "insert", "T KEY ITEM", 3..=3, insert, "store an item where there is none";
    "lookup", "T KEY", 2..=2, lookup, "print the item";
    "lookup_slot", "T KEY", 2..=2, lookup_slot, "print the slot's address and the item";
    "path", "T KEY", 2..=2, path, "print the slots on the way to an item, from the top";
    "walk", "T SLOT...", 2..=12, walk, "print the item that these slots lead to";
    "delete", "T KEY", 2..=2, delete, "remove the item and print it";
    "tag_set", "T KEY TAG", 3..=3, tag_set, "tag an item with 0 or 1";
    "tag_clear", "T KEY TAG", 3..=3, tag_clear, "remove a tag from an item";
    "tag_get", "T KEY TAG", 3..=3, tag_get, "1 tagged, -1 not tagged, 0 no item";
    "tagged", "T TAG", 2..=2, tagged, "whether any item has the tag";
    "gang_lookup", "T FIRST MAX", 3..=3, gang_lookup, "items from a key on, in order";
    "gang_lookup_tag", "T FIRST MAX TAG", 4..=4, gang_lookup, "items that have a tag";
    "preload", "", 0..=0, preload, "set nodes aside and disable preemption";
    "preload_end", "", 0..=0, preload_end, "enable preemption again";
    "pool", "", 0..=0, pool, "print how many nodes are set aside on each CPU";
    "fill", "T FIRST COUNT [STRIDE]", 3..=4, fill, "insert items 1, 2, ... and print how many";
    "stat", "T", 1..=1, stat, "measure a tree";
    "show", "T", 1..=1, super::radix_show::show, "draw a tree";
}

pub(super) fn radix(context: &mut Context<'_>, words: &Words) -> Outcome {
    subcommands::run(context, words, "radix", SUBCOMMANDS)
}

/// Reads a key, an item or a count; says so if it is none.
fn parse(
    context: &mut Context<'_>,
    arguments: &Arguments<'_>,
    index: usize,
    what: &str,
    max: u64,
) -> Result<u64, Told> {
    arguments.number(context, index, what, max)
}

/// Finds the tree that the first argument names, and makes it the current one.
fn tree(mem: &mut Mem, arguments: &Arguments<'_>) -> Result<Ref<NamedTree>, Errno> {
    trees::use_tree(mem, arguments.get(0))
}

/// The tree's root, with the key remembered.
fn root_for(
    mem: &mut Mem,
    arguments: &Arguments<'_>,
    key: u64,
) -> Result<Ref<RadixTreeRoot>, Errno> {
    let tree = tree(mem, arguments)?;
    trees::remember_key(mem, tree, key);
    Ok(NamedTree::root_of(tree))
}

/// The root to look at: a named tree's, with the key remembered if there is one, or, if the name
/// has a slash, that of a file's pages. No tree is called so.
pub(super) fn root_to_read(
    mem: &mut Mem,
    arguments: &Arguments<'_>,
    key: Option<u64>,
) -> Result<Ref<RadixTreeRoot>, Errno> {
    let name = arguments.get(0);
    if name.contains('/') {
        return fs::file_pages(mem, name);
    }
    match key {
        Some(key) => root_for(mem, arguments, key),
        None => tree(mem, arguments).map(NamedTree::root_of),
    }
}

/// Prints an item or `NULL`.
fn print_item(context: &mut Context<'_>, item: Option<u32>) -> Outcome {
    match item {
        Some(item) => {
            writeln!(context, "{item}")?;
            Ok(0)
        }
        None => {
            writeln!(context, "NULL")?;
            Ok(1)
        }
    }
}

/// A result as a tracepoint's field: 0, or the errno's negative value.
fn ret<T>(result: Result<T, Errno>) -> u64 {
    result.map_or_else(|errno| -(errno as i64) as u64, |_| 0)
}

fn create(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let mut gfp = Gfp::ATOMIC;
    if arguments.len() == 2 {
        let mask = arguments.get(1).strip_prefix("gfp=");
        gfp = match mask.and_then(super::pages::parse_gfp) {
            Some(gfp) => gfp,
            None => {
                context.error(format_args!(
                    "radix: usage: radix create NAME [gfp=GFP_KERNEL|GFP_ATOMIC]"
                ));
                return Ok(STATUS_USAGE);
            }
        };
    }
    errno!(context, trees::create(context.mem, arguments.get(0), gfp));
    Ok(0)
}

fn insert(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let key = told!(parse(context, arguments, 1, "KEY", u64::MAX));
    let item = told!(parse(context, arguments, 2, "ITEM", u32::MAX.into())) as u32;
    let root = errno!(context, root_for(context.mem, arguments, key));
    let result = insert_one(context.mem, root, key, item);
    print_result(context, result)
}

fn insert_one(mem: &mut Mem, root: Ref<RadixTreeRoot>, key: u64, item: u32) -> Result<(), Errno> {
    let result = radix_tree::insert(mem, root, key, item);
    let args = [root.unit().into(), key, item.into(), ret(result)];
    mem.trace(Tracepoint::RadixTreeInsert, args);
    result
}

fn lookup(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let key = told!(parse(context, arguments, 1, "KEY", u64::MAX));
    let root = errno!(context, root_to_read(context.mem, arguments, Some(key)));
    let item = radix_tree::lookup(context.mem, root, key);
    print_item(context, item)
}

fn lookup_slot(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let key = told!(parse(context, arguments, 1, "KEY", u64::MAX));
    let root = errno!(context, root_to_read(context.mem, arguments, Some(key)));
    let Some(slot) = radix_tree::lookup_slot(context.mem, root, key) else {
        return print_item(context, None);
    };
    let item = slot.get(context.mem);
    write!(context, "{:016x} ", slot.address())?;
    // The slot is there, so this is a success even if it is empty.
    print_item(context, (item != 0).then_some(item))?;
    Ok(0)
}

/// Walks as a lookup does, and says where. Where the walk ends early it says `NULL`.
fn path(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let key = told!(parse(context, arguments, 1, "KEY", u64::MAX));
    let root = errno!(context, root_to_read(context.mem, arguments, Some(key)));
    let RadixTreeRoot {
        height, mut rnode, ..
    } = context.mem[root];
    if key > radix_tree::max_key(height) {
        rnode = Ref::NULL;
    }
    let mut space = "";
    for level in (0..height).rev() {
        if rnode.is_null() {
            break;
        }
        let slot = (key >> (level * radix_tree::MAP_SHIFT)) as usize % radix_tree::MAP_SIZE;
        write!(context, "{space}{slot}")?;
        space = " ";
        // What a leaf leads to is the item; like a node it is not zero if it is there.
        rnode = context.mem[rnode].child(slot);
    }
    if rnode.is_null() {
        context.write_str(space)?;
        return print_item(context, None);
    }
    writeln!(context)?;
    Ok(0)
}

/// The way back from [`path`]: as many slots as there are levels lead to one item.
fn walk(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let mut slots = [0; radix_tree::MAX_HEIGHT];
    let count = arguments.len() - 1;
    for (index, slot) in slots[..count].iter_mut().enumerate() {
        let max = radix_tree::MAP_SIZE as u64 - 1;
        *slot = told!(parse(context, arguments, index + 1, "SLOT", max)) as usize;
    }
    let root = errno!(context, root_to_read(context.mem, arguments, None));
    let RadixTreeRoot {
        height, mut rnode, ..
    } = context.mem[root];
    if height as usize != count {
        return print_item(context, None);
    }
    for &slot in &slots[..count] {
        if rnode.is_null() {
            break;
        }
        rnode = context.mem[rnode].child(slot);
    }
    let item = rnode.unit();
    print_item(context, (item != 0).then_some(item))
}

fn delete(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let key = told!(parse(context, arguments, 1, "KEY", u64::MAX));
    let root = errno!(context, root_for(context.mem, arguments, key));
    let item = radix_tree::delete(context.mem, root, key);
    let args = [root.unit().into(), key, item.unwrap_or(0).into()];
    context.mem.trace(Tracepoint::RadixTreeDelete, args);
    print_item(context, item)
}

fn tag_set(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let key = told!(parse(context, arguments, 1, "KEY", u64::MAX));
    let tag = told!(parse(context, arguments, 2, "TAG", u64::MAX));
    let root = errno!(context, root_for(context.mem, arguments, key));
    let tag = errno!(context, Tag::new(tag));
    let result = radix_tree::tag_set(context.mem, root, key, tag);
    let args = [root.unit().into(), key, tag as u64, ret(result)];
    context.mem.trace(Tracepoint::RadixTreeTagSet, args);
    let item = errno!(context, result);
    print_item(context, Some(item))
}

fn tag_clear(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let key = told!(parse(context, arguments, 1, "KEY", u64::MAX));
    let tag = told!(parse(context, arguments, 2, "TAG", u64::MAX));
    let root = errno!(context, root_for(context.mem, arguments, key));
    let tag = errno!(context, Tag::new(tag));
    let item = radix_tree::tag_clear(context.mem, root, key, tag);
    let args = [
        root.unit().into(),
        key,
        tag as u64,
        item.unwrap_or(0).into(),
    ];
    context.mem.trace(Tracepoint::RadixTreeTagClear, args);
    print_item(context, item)
}

fn tag_get(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let key = told!(parse(context, arguments, 1, "KEY", u64::MAX));
    let tag = told!(parse(context, arguments, 2, "TAG", u64::MAX));
    let root = errno!(context, root_to_read(context.mem, arguments, Some(key)));
    let tag = errno!(context, Tag::new(tag));
    let state = radix_tree::tag_get(context.mem, root, key, tag) as i32;
    writeln!(context, "{state}")?;
    Ok(0)
}

fn tagged(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let tag = told!(parse(context, arguments, 1, "TAG", u64::MAX));
    let root = errno!(context, root_to_read(context.mem, arguments, None));
    let tag = errno!(context, Tag::new(tag));
    let tagged = radix_tree::tagged(context.mem, root, tag);
    writeln!(context, "{}", u8::from(tagged))?;
    Ok(0)
}

/// Items of a leaf, which is how many are looked up at a time: results come without their keys, so
/// only a leaf's end tells where to go on.
const CHUNK: usize = radix_tree::MAP_SIZE;

/// Both gang lookups; the fourth argument is the tag.
fn gang_lookup(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let mut key = told!(parse(context, arguments, 1, "FIRST", u64::MAX));
    let mut left = told!(parse(context, arguments, 2, "MAX", u32::MAX.into()));
    let tag = match arguments.len() {
        4 => Some(told!(parse(context, arguments, 3, "TAG", u64::MAX))),
        _ => None,
    };
    let root = errno!(context, root_to_read(context.mem, arguments, None));
    let tag = match tag {
        Some(tag) => Some(errno!(context, Tag::new(tag))),
        None => None,
    };
    let mut space = "";
    while left > 0 {
        let Some((first, in_leaf)) = next_items(context.mem, root, key, tag) else {
            break;
        };
        let mut items = [0; CHUNK];
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(in_leaf);
        let room = &mut items[..wanted];
        let found = match tag {
            Some(tag) => radix_tree::gang_lookup_tag(context.mem, root, room, first, tag),
            None => radix_tree::gang_lookup(context.mem, root, room, first),
        };
        for item in &items[..found] {
            write!(context, "{space}{item}")?;
            space = " ";
        }
        context.mem.charge(1).map_err(|_| Stop::Interrupted)?;
        left -= found as u64;
        match (first | (CHUNK as u64 - 1)).checked_add(1) {
            Some(next) => key = next,
            None => break,
        }
    }
    writeln!(context)?;
    Ok(0)
}

/// The key of the first item from `key` on (of those with a tag), and how many items its leaf holds
/// from there.
pub(super) fn next_items(
    mem: &Mem,
    root: Ref<RadixTreeRoot>,
    mut key: u64,
    tag: Option<Tag>,
) -> Option<(u64, usize)> {
    let RadixTreeRoot { height, rnode, .. } = mem[root];
    let used = |node: Ref<RadixTreeNode>| match tag {
        Some(tag) => mem[node].tags[tag as usize],
        None => mem[node].present,
    };
    'from_top: while !rnode.is_null() && key <= radix_tree::max_key(height) {
        let mut node = rnode;
        for level in (0..height).rev() {
            let shift = level * radix_tree::MAP_SHIFT;
            let slot = (key >> shift) as u32 % radix_tree::MAP_SIZE as u32;
            let rest = used(node) >> slot;
            if rest == 0 {
                // Nothing here: on behind this node, if keys go on there.
                let behind = 1u64.checked_shl(shift + radix_tree::MAP_SHIFT)?;
                key = (key | (behind - 1)).checked_add(1)?;
                continue 'from_top;
            }
            let skipped = rest.trailing_zeros();
            if skipped > 0 {
                key = ((key >> shift) + u64::from(skipped)) << shift;
            }
            if level == 0 {
                return Some((key, (rest >> skipped).count_ones() as usize));
            }
            node = mem[node].child((slot + skipped) as usize);
        }
        break;
    }
    None
}

fn preload(context: &mut Context<'_>, _: &Arguments<'_>) -> Outcome {
    errno!(context, radix_tree::preload(context.mem, Gfp::KERNEL));
    Ok(0)
}

fn preload_end(context: &mut Context<'_>, _: &Arguments<'_>) -> Outcome {
    errno!(context, radix_tree::preload_end(context.mem));
    Ok(0)
}

fn pool(context: &mut Context<'_>, _: &Arguments<'_>) -> Outcome {
    for cpu in 0..context.mem[MEM].nr_cpus {
        let nodes = radix_tree::preloaded(context.mem, cpu as usize);
        writeln!(context, "cpu{cpu} {nodes}")?;
    }
    Ok(0)
}

/// Inserts items 1, 2, ... at `FIRST`, `FIRST + STRIDE`, ... Keys that are taken keep their items.
fn fill(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let mut key = told!(parse(context, arguments, 1, "FIRST", u64::MAX));
    let count = told!(parse(context, arguments, 2, "COUNT", u32::MAX.into())) as u32;
    let stride = match arguments.len() {
        4 => told!(parse(context, arguments, 3, "STRIDE", u64::MAX)),
        _ => 1,
    };
    let tree = errno!(context, tree(context.mem, arguments));
    let root = NamedTree::root_of(tree);
    let mut inserted = 0;
    let mut failure = None;
    for item in 1..=count {
        if context.mem.charge(1).is_err() {
            break;
        }
        trees::remember_key(context.mem, tree, key);
        match insert_one(context.mem, root, key, item) {
            Ok(()) => inserted += 1,
            Err(Errno::EEXIST) => {}
            Err(errno) => {
                failure = Some(errno.sentence());
                break;
            }
        }
        match key.checked_add(stride) {
            Some(next) => key = next,
            None if item < count => {
                failure = Some("the next key exceeds 64 bits");
                break;
            }
            None => {}
        }
    }
    writeln!(context, "{inserted}")?;
    match failure {
        Some(why) => {
            context.error(format_args!("radix: fill stopped at key {key}: {why}"));
            Ok(1)
        }
        None => Ok(0),
    }
}

fn stat(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let name = arguments.get(0);
    let root = if name.contains('/') {
        fs::file_pages(context.mem, name)
    } else {
        // Measuring does not change what the picture shows.
        find_tree(context.mem, name)
            .map(NamedTree::root_of)
            .ok_or(Errno::ENOENT)
    };
    let root = errno!(context, root);
    let radix_tree::Stat {
        height,
        nodes,
        items,
    } = measure(context, root)?;
    writeln!(context, "height {height} nodes {nodes} items {items}")?;
    Ok(0)
}

/// Measures a tree, which takes a step a node.
pub(super) fn measure(
    context: &mut Context<'_>,
    root: Ref<RadixTreeRoot>,
) -> Result<radix_tree::Stat, Stop> {
    let stat = radix_tree::stat(context.mem, root);
    let steps = u32::try_from(stat.nodes).unwrap_or(u32::MAX);
    context.mem.charge(steps).map_err(|_| Stop::Interrupted)?;
    Ok(stat)
}
