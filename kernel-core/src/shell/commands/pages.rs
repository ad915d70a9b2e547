//! `pages`: the page allocator by hand.
//!
//! Only blocks that `pages alloc` has handed out can be given back. They stand on a list of the
//! shell's, and their `mapping` says so: no command frees the kernel's own pages.

use core::fmt::Write;
use core::mem::offset_of;

use super::{Outcome, Stop, number, print_result};
use crate::errno::Errno;
use crate::mem::{Gfp, ListHead, MEM, Mem, Page, PageFlag, Ref};
use crate::shell::context::Context;
use crate::shell::words::Words;
use crate::shell::{STATUS_USAGE, pages_head};

/// In `Page::mapping` of a block that was handed out: the shell's own place, where nothing else
/// that owns a page can be.
pub(in crate::shell) const OWNER: u32 = crate::shell::SHELL.unit();

/// The page whose `lru` is `link`.
pub(in crate::shell) fn page_of(link: Ref<ListHead>) -> Ref<Page> {
    link.byte_sub(offset_of!(Page, lru))
}

pub(super) fn pages(context: &mut Context<'_>, words: &Words) -> Outcome {
    match (words.get(1), words.len()) {
        (Some("alloc"), 3..) => alloc(context, words),
        (Some("free"), 3) => {
            let word = words.get(2).ok_or(Stop::Usage)?;
            let Some(frame) = number(context, "pages", "PFN", word, u32::MAX.into()) else {
                return Ok(STATUS_USAGE);
            };
            let result = free(context.mem, frame as u32);
            print_result(context, result)
        }
        (Some("drain"), 2) => {
            context.mem.drain_all_pages();
            Ok(0)
        }
        _ => Err(Stop::Usage),
    }
}

fn alloc(context: &mut Context<'_>, words: &Words) -> Outcome {
    let order = words.get(2).ok_or(Stop::Usage)?;
    let Some(order) = number(context, "pages", "ORDER", order, u32::MAX.into()) else {
        return Ok(STATUS_USAGE);
    };
    let (mut gfp, mut node) = (Gfp::KERNEL, None);
    for word in words.iter_from(3) {
        match word.split_once('=') {
            Some(("gfp", mask)) => gfp = parse_gfp(mask).ok_or(Stop::Usage)?,
            Some(("node", value)) => {
                let Some(value) = number(context, "pages", "node", value, u32::MAX.into()) else {
                    return Ok(STATUS_USAGE);
                };
                node = Some(value as u32);
            }
            _ => return Err(Stop::Usage),
        }
    }
    match take(context.mem, gfp, order as u32, node) {
        Ok(page) => {
            let frame = context.mem.frame_of(page);
            writeln!(context, "pfn {frame} {}", Ref::<()>::of_frame(frame))?;
            Ok(0)
        }
        Err(errno) => print_result(context, Err(errno)),
    }
}

/// The mask that a word such as `GFP_DMA|GFP_ATOMIC` names.
pub(in crate::shell) fn parse_gfp(words: &str) -> Option<Gfp> {
    let mut gfp = Gfp(0);
    for word in words.split('|') {
        gfp = gfp.with(match word {
            "GFP_KERNEL" => Gfp::KERNEL,
            "GFP_ATOMIC" => Gfp::ATOMIC,
            "GFP_DMA" => Gfp::DMA,
            _ => return None,
        });
    }
    Some(gfp)
}

fn take(mem: &mut Mem, gfp: Gfp, order: u32, node: Option<u32>) -> Result<Ref<Page>, Errno> {
    if node.is_some_and(|node| node >= mem[MEM].nr_nodes) {
        return Err(Errno::EINVAL);
    }
    let page = mem.alloc_pages(gfp, order, node)?;
    mem[page].mapping = OWNER;
    mem.list_add_tail(page.byte_add(offset_of!(Page, lru)), pages_head());
    Ok(page)
}

fn free(mem: &mut Mem, frame: u32) -> Result<(), Errno> {
    if frame >= mem.frames() {
        return Err(Errno::EINVAL);
    }
    let page = mem.page(frame);
    if mem[page].mapping != OWNER || mem[page].is(PageFlag::Slab) {
        return Err(Errno::EINVAL);
    }
    mem.list_del(page.byte_add(offset_of!(Page, lru)));
    mem[page].mapping = 0;
    mem.put_page(page);
    Ok(())
}
