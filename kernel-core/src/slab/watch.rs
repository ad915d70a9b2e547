//! What one may know of a cache's slabs by looking at them.
//!
//! Whoever draws a cache wants what the allocators keep to themselves: lists, chains, arrays. It is
//! told here, for SLUB and SLAB alike. (SLOB has no slabs; its free blocks are told by
//! [`free_blocks`](super::slob::free_blocks).) Nothing is written, and memory that somebody has
//! ruined is told as far as it makes sense: a chain ends where it leads astray.

use core::mem::offset_of;

use super::queued::{self, ArrayCache, Node};
use super::{Allocator, KmemCache, Object, allocator, debug, first_object, is_slab_of, slub};
use crate::mem::{MAX_CPUS, MEM, Mem, Page, PageFlag, Ref, UNIT};

pub use debug::{Part, damage, is_padding_damaged, layout, track};

/// Where a slab is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// SLUB: this CPU owns it.
    Cpu(u32),
    /// Partial slabs of its node.
    Partial,
    /// Full slabs; SLUB has no list of them.
    Full,
    /// SLAB: empty slabs of its node. SLUB: empty, but on the list of partial ones.
    Free,
}

/// A slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slab {
    /// The head of its pages.
    pub page: Ref<Page>,
    /// The node on whose lists it is.
    pub node: u32,
    /// Where it is kept.
    pub list: List,
    /// Where its objects begin.
    pub first: Ref<Object>,
    /// Of the bytes before, how many are its colour.
    pub colour: u32,
}

/// What a CPU allocates from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queue {
    /// SLUB: the slab that it owns.
    pub page: Option<Ref<Page>>,
    /// SLAB: objects that its array holds.
    pub limit: u32,
    /// SLAB: objects that move at a time.
    pub batchcount: u32,
    /// SLAB: it was used since the last reaping.
    pub touched: bool,
}

/// An array of free objects that the CPUs of a node share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Array {
    /// Objects of the node.
    Shared,
    /// Objects of other nodes.
    Alien,
}

/// The heads of a cache's slabs in the order of their addresses. It looks at each frame's descriptor,
/// since full slabs are on no list with SLUB.
pub fn slabs(mem: &Mem, cache: Ref<KmemCache>) -> impl Iterator<Item = Ref<Page>> + '_ {
    let pages = (0..mem.frames()).map(|frame| mem.page(frame));
    pages.filter(move |&page| is_slab_of(mem, page, cache))
}

/// What is known of the slab of `page`.
pub fn slab(mem: &Mem, cache: Ref<KmemCache>, page: Ref<Page>) -> Slab {
    let first = first_object(mem, page);
    let objects = mem[page].objects;
    let listed = |in_use: u32| match in_use {
        0 => List::Free,
        count if count == u32::from(objects) => List::Full,
        _ => List::Partial,
    };
    if allocator(mem) == Allocator::Slab {
        let queued::Slab {
            inuse,
            nodeid,
            colouroff,
            ..
        } = mem[queued::slab_of(mem, first)];
        return Slab {
            page,
            node: nodeid,
            list: listed(inuse),
            first,
            colour: colouroff,
        };
    }
    let owner = mem[cache].cpu.iter().position(|cpu| cpu.page == page);
    Slab {
        page,
        node: slub::page_node(mem, page),
        list: match owner {
            Some(cpu) => List::Cpu(cpu as u32),
            None => listed(mem[page].inuse.into()),
        },
        first,
        colour: 0,
    }
}

/// The objects of a slab's own chain of free ones, the next one first, each by its number in the
/// slab.
pub fn each_free(mem: &Mem, cache: Ref<KmemCache>, page: Ref<Page>, visit: &mut dyn FnMut(u32)) {
    if allocator(mem) == Allocator::Slab {
        let slab = queued::slab_of(mem, first_object(mem, page));
        return queued::each_free(mem, cache, slab, visit);
    }
    let first: Ref<Object> = Ref::of_frame(mem.frame_of(page));
    let size = mem[cache].size;
    let mut visit =
        |object: Ref<Object>| visit((object.unit() - first.unit()) * UNIT as u32 / size);
    slub::each_free(mem, cache, page, Ref::new(mem[page].freelist), &mut visit);
}

/// What a CPU allocates from.
pub fn queue(mem: &Mem, cache: Ref<KmemCache>, cpu: u32) -> Queue {
    let array = mem[cache].queues.cpu[cpu as usize % MAX_CPUS];
    if allocator(mem) != Allocator::Slab || array.is_null() {
        return Queue {
            page: Some(mem[cache].cpu[cpu as usize % MAX_CPUS].page).filter(|page| !page.is_null()),
            ..Queue::default()
        };
    }
    let ArrayCache {
        limit,
        batchcount,
        touched,
        ..
    } = mem[array];
    Queue {
        page: None,
        limit,
        batchcount,
        touched: touched != 0,
    }
}

/// The free objects that a CPU keeps, the next one first.
pub fn each_of_cpu(mem: &Mem, cache: Ref<KmemCache>, cpu: u32, visit: &mut dyn FnMut(Ref<Object>)) {
    let cpu = cpu as usize % MAX_CPUS;
    if allocator(mem) == Allocator::Slab {
        return queued::each_in(mem, mem[cache].queues.cpu[cpu], visit);
    }
    let slub::CacheCpu { page, freelist } = mem[cache].cpu[cpu];
    if !page.is_null() {
        slub::each_free(mem, cache, page, freelist, visit);
    }
}

/// SLAB: the free objects in arrays of a node, the next one first.
pub fn each_of_node(
    mem: &Mem,
    cache: Ref<KmemCache>,
    node: u32,
    array: Array,
    visit: &mut dyn FnMut(Ref<Object>),
) {
    if allocator(mem) != Allocator::Slab {
        return;
    }
    let Node { shared, alien, .. } = mem[queued::node_of(cache, node)];
    match array {
        Array::Shared => queued::each_in(mem, shared, visit),
        Array::Alien => {
            for array in alien {
                queued::each_in(mem, array, visit);
            }
        }
    }
}

/// The slabs of one of a node's lists, from its head on; [`List::Cpu`] is no list.
pub fn each_listed(
    mem: &Mem,
    cache: Ref<KmemCache>,
    node: u32,
    list: List,
    visit: &mut dyn FnMut(Ref<Page>),
) {
    if allocator(mem) != Allocator::Slab {
        if list == List::Partial {
            for link in mem.list_iter(slub::node_of(cache, node).cast()) {
                visit(super::page_of(link));
            }
        }
        return;
    }
    let offset = match list {
        List::Cpu(_) => return,
        List::Partial => offset_of!(Node, partial),
        List::Full => offset_of!(Node, full),
        List::Free => offset_of!(Node, free),
    };
    let head = queued::list_of(queued::node_of(cache, node), offset);
    for link in mem.list_iter(head) {
        visit(queued::page_of_slab(mem, link.cast()));
    }
}

/// SLAB: the colour of a node's next slab.
pub fn colour_next(mem: &Mem, cache: Ref<KmemCache>, node: u32) -> u32 {
    mem[queued::node_of(cache, node)].colour_next
}

/// Free objects that CPUs and nodes keep for themselves.
pub fn kept(mem: &Mem, cache: Ref<KmemCache>) -> u32 {
    let mut count = 0;
    for cpu in 0..mem[MEM].nr_cpus {
        each_of_cpu(mem, cache, cpu, &mut |_| count += 1);
    }
    for node in 0..mem[MEM].nr_nodes {
        for array in [Array::Shared, Array::Alien] {
            each_of_node(mem, cache, node, array, &mut |_| count += 1);
        }
    }
    count
}

/// SLAB: where a slab's descriptor begins, in units, if it is on the slab.
pub fn descriptor(mem: &Mem, page: Ref<Page>) -> Option<u32> {
    let at: Ref<queued::Slab> = Ref::new(mem[page].freelist);
    let is_on_slab = allocator(mem) == Allocator::Slab && mem.head_page(at) == page;
    is_on_slab.then_some(at.unit())
}

/// The pages of SLOB's ring in the order of their addresses.
pub fn ring_pages(mem: &Mem) -> impl Iterator<Item = Ref<Page>> + '_ {
    let pages = (0..mem.frames()).map(|frame| mem.page(frame));
    pages.filter(|&page| mem[page].is(PageFlag::Slob))
}

/// The node whose memory a page is.
pub fn node_of(mem: &Mem, page: Ref<Page>) -> u32 {
    slub::page_node(mem, page)
}
