//! The page allocator: a buddy system with per-CPU lists of single pages in front of it.
//!
//! Free memory is kept as blocks of 2^order frames, aligned to their size. A request takes the
//! smallest block that fits and halves it until it has the right order; a freed block joins its
//! buddy, the other half of the next larger block, for as long as that buddy is free and whole.
//! Most requests are for one page, so each CPU keeps a small stack of them for every zone and talks
//! to the buddy lists in batches.
//!
//! Neighbours: [`super::zone`] says where a request may be served, `slab` lives on these pages.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::reclaim::Floor;
use super::zone::{Zone, free_list};
use super::{Gfp, ListHead, MAX_ORDER, MEM, Mem, MemData, Page, PageFlag, Ref};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::trace::Tracepoint;

/// Room on a CPU's list of free pages of one zone.
const PCP_MAX: usize = 6 * BATCH_MAX;
/// Pages that move at a time between a CPU's list and the buddy lists, at most.
const BATCH_MAX: usize = 32;

/// One CPU's free pages of one zone: a stack of frame numbers, so that neither push nor pop reads a
/// page that is not touched anyway.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct PerCpuPages {
    /// Frames on the stack.
    pub count: u32,
    /// At this many a batch goes back to the buddy lists.
    pub high: u32,
    /// Frames moved at a time.
    pub batch: u32,
    /// At this many there is something to do besides: `high`, or 0 where every page that comes back is
    /// told of.
    pub limit: u32,
    /// The stack; the last of `count` entries is the hottest page.
    pub frames: [u32; PCP_MAX],
}

describe!(
    PerCpuPages,
    "per_cpu_pages",
    [count, high, batch, limit, frames: Kind::Frame]
);

/// What an allocation asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    /// The node to begin with.
    pub node: u32,
    /// Nodes that count, a bit each.
    pub nodes: u32,
    /// How.
    pub gfp: Gfp,
    /// 2^`order` frames.
    pub order: u32,
}

/// The per-CPU batch for a zone of `present` frames: about a four-thousandth of it, 1 to 32 frames,
/// and a power of two, so that a batch is mostly one block of the buddy lists.
fn batch_size(present: u32) -> u32 {
    let batch = (present / 1024 / 4).clamp(1, BATCH_MAX as u32);
    1 << batch.ilog2()
}

impl Mem {
    /// The list of single free pages that `cpu` keeps of zone number `zone`.
    #[inline(always)]
    pub fn per_cpu_pages(&self, zone: u32, cpu: u32) -> Ref<PerCpuPages> {
        self[MEM]
            .per_cpu_pages
            .offset(zone * super::MAX_CPUS as u32 + cpu)
    }

    pub(super) fn per_cpu_pages_init(&mut self, at: Ref<PerCpuPages>) {
        self[MEM].per_cpu_pages = at;
        for zone in 0..self[MEM].nr_zones {
            let batch = batch_size(self[self.zone(zone)].present);
            for cpu in 0..self[MEM].nr_cpus {
                let list = self.per_cpu_pages(zone, cpu);
                self[list].batch = batch;
                let high = (6 * batch).min(PCP_MAX as u32);
                self[list].high = high;
                self[list].limit = if self.is_traced() { 0 } else { high };
            }
        }
    }

    /// Allocates a block of 2^`order` frames near the current CPU, or nearest to `node` if one is
    /// named, and returns its first frame's descriptor.
    ///
    /// # Errors
    /// `EINVAL` for an order above 10, `ENOMEM` when no zone that `gfp` allows has such a block.
    #[inline(always)]
    pub fn alloc_pages(
        &mut self,
        gfp: Gfp,
        order: u32,
        node: Option<u32>,
    ) -> Result<Ref<Page>, Errno> {
        match node {
            None if order == 0 => self.alloc_page(gfp),
            _ => self.alloc_block(gfp, order, node),
        }
    }

    /// One page near the current CPU; see [`Mem::alloc_pages`].
    ///
    /// # Errors
    /// `ENOMEM`.
    #[inline]
    pub fn alloc_page(&mut self, gfp: Gfp) -> Result<Ref<Page>, Errno> {
        // One word tells of events and of faults.
        let hooks = self[MEM].hooks;
        match hooks {
            0 => self.alloc_single::<false>(gfp),
            MemData::EVENTS => self.alloc_single::<true>(gfp),
            _ => self.alloc_counted(gfp),
        }
    }

    /// The same while allocations are counted, to fail one.
    #[cold]
    #[inline(never)]
    fn alloc_counted(&mut self, gfp: Gfp) -> Result<Ref<Page>, Errno> {
        if self.should_fail() {
            return Err(Errno::ENOMEM);
        }
        match self.is_traced() {
            true => self.alloc_single::<true>(gfp),
            false => self.alloc_single::<false>(gfp),
        }
    }

    /// A page off the CPU's stack, which is told of or not.
    #[inline(always)]
    fn alloc_single<const TOLD: bool>(&mut self, gfp: Gfp) -> Result<Ref<Page>, Errno> {
        if !gfp.contains(Gfp::DMA) {
            // Mostly the CPU has a page of its favourite zone at hand.
            if let Some(frame) = self.pop_single(self[MEM].local_pages) {
                let page = self.prepare_block(frame, 0, gfp);
                if TOLD {
                    self.tell_alloc(frame, 0, gfp);
                }
                return Ok(page);
            }
        }
        self.alloc_from(self[MEM].node, gfp, 0)
    }

    /// What is no single page of the current node.
    #[inline(never)]
    fn alloc_block(&mut self, gfp: Gfp, order: u32, node: Option<u32>) -> Result<Ref<Page>, Errno> {
        if order as usize >= MAX_ORDER {
            return Err(Errno::EINVAL);
        }
        if self.should_fail() {
            return Err(Errno::ENOMEM);
        }
        self.alloc_from(node.unwrap_or(self[MEM].node), gfp, order)
    }

    /// One page from one of `nodes`, a bit each, as near to the current CPU as that allows.
    ///
    /// # Errors
    /// As [`Mem::alloc_page`].
    pub fn alloc_page_on(&mut self, gfp: Gfp, nodes: u32) -> Result<Ref<Page>, Errno> {
        if self.should_fail() {
            return Err(Errno::ENOMEM);
        }
        let request = Request {
            node: self[MEM].node,
            nodes,
            gfp,
            order: 0,
        };
        self.alloc_request(request)
    }

    /// Tries the zones of a node's list in order.
    #[inline(never)]
    fn alloc_from(&mut self, node: u32, gfp: Gfp, order: u32) -> Result<Ref<Page>, Errno> {
        self.alloc_request(Request {
            node,
            nodes: u32::MAX,
            gfp,
            order,
        })
    }

    fn alloc_request(&mut self, request: Request) -> Result<Ref<Page>, Errno> {
        let floor = match self.may_use_reserves() {
            true => Floor::None,
            false => Floor::Low,
        };
        match self.take_page(request, floor) {
            Some(page) => Ok(page),
            None => self.alloc_slow(request),
        }
    }

    /// Takes what is asked for from the first zone that stays above `floor`. What waits on a CPU's list
    /// has left the zone already.
    pub(super) fn take_page(&mut self, request: Request, floor: Floor) -> Option<Ref<Page>> {
        let Request {
            node,
            nodes,
            gfp,
            order,
        } = request;
        let list = self[MEM].zonelists[node as usize % super::MAX_NODES];
        for &number in list.zones.iter().take(list.len as usize) {
            let zone = self.zone(number);
            if !self.zone_allows(number, gfp) || nodes >> self[zone].node & 1 == 0 {
                continue;
            }
            let is_ok = |mem: &Mem| mem.watermark_ok(zone, order, gfp, floor);
            let frame = if order == 0 {
                let stack = self.per_cpu_pages(number, self[MEM].cpu);
                if self[stack].count == 0 && is_ok(self) {
                    self.refill(stack, number);
                }
                self.pop_single(stack)
            } else if is_ok(self) {
                self.take_block(zone, order)
            } else {
                None
            };
            if let Some(frame) = frame {
                let page = self.prepare_block(frame, order, gfp);
                if self.is_traced() {
                    self.tell_alloc_apart(frame, order, gfp);
                }
                return Some(page);
            }
        }
        None
    }

    /// Drops a reference to a block; the last one gives its frames back.
    ///
    /// # Panics
    /// If the block is free already: a bug of the caller.
    #[inline]
    pub fn put_page(&mut self, page: Ref<Page>) {
        let descriptor = &mut self[page];
        assert!(descriptor.count > 0, "put_page of a free page");
        descriptor.count -= 1;
        if descriptor.count == 0 {
            self.free_pages(page);
        }
    }

    #[inline]
    fn free_pages(&mut self, page: Ref<Page>) {
        let frame = self.frame_of(page);
        let Page { order, .. } = self[page];
        let zone = self[page].zone();
        if order == 0 {
            let stack = self.per_cpu_pages(zone, self[MEM].cpu);
            let pages = &mut self[stack];
            if let Some(top) = pages.frames.get_mut(pages.count as usize) {
                *top = frame;
            }
            pages.count += 1;
            let PerCpuPages { count, limit, .. } = *pages;
            if count >= limit {
                if limit == 0 {
                    self.tell_free(frame, 0);
                }
                if count >= self[stack].high {
                    self.drain(stack, zone);
                }
            }
        } else {
            if self.is_traced() {
                self.tell_free_apart(frame, order);
            }
            for tail in frame + 1..frame + (1 << order) {
                let tail = self.page(tail);
                self[tail].clear(PageFlag::Tail);
                self[tail].freelist = 0;
            }
            self.give_block(self.zone(zone), frame, u32::from(order));
        }
    }

    /// Marks a block as allocated, with one reference.
    #[inline(always)]
    fn prepare_block(&mut self, frame: u32, order: u32, gfp: Gfp) -> Ref<Page> {
        let page = self.page(frame);
        let descriptor = &mut self[page];
        descriptor.count = 1;
        descriptor.order = order as u16;
        if order > 0 {
            for tail in 1..1 << order {
                let page = self.page(frame + tail);
                self[page].set(PageFlag::Tail);
                self[page].freelist = tail;
            }
        }
        if gfp.contains(Gfp::ZERO) {
            for frame in frame..frame + (1 << order) {
                self.frame_mut(frame).fill(0);
            }
        }
        page
    }

    #[inline(always)]
    fn tell_alloc(&mut self, frame: u32, order: u32, gfp: Gfp) {
        let args = [frame, order, gfp.0].map(u64::from);
        self.emit(Tracepoint::MmPageAlloc, args);
    }

    /// The same where it would only be in the way of others.
    #[inline(never)]
    fn tell_alloc_apart(&mut self, frame: u32, order: u32, gfp: Gfp) {
        self.tell_alloc(frame, order, gfp);
    }

    #[inline(never)]
    fn tell_free_apart(&mut self, frame: u32, order: u16) {
        self.tell_free(frame, order);
    }

    #[inline(always)]
    fn tell_free(&mut self, frame: u32, order: u16) {
        self.emit(Tracepoint::MmPageFree, [u64::from(frame), u64::from(order)]);
    }

    /// Pops a page off a CPU's stack.
    #[inline(always)]
    fn pop_single(&mut self, stack: Ref<PerCpuPages>) -> Option<u32> {
        let pages = &mut self[stack];
        let top = pages.count.checked_sub(1)?;
        pages.count = top;
        pages.frames.get(top as usize).copied()
    }

    /// Fills an empty stack with a batch, the lowest frame of each block on top. Takes the smallest
    /// free blocks first, whole where they fit.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, stack: Ref<PerCpuPages>, zone: u32) {
        let zone = self.zone(zone);
        let mut missing = self[stack].batch;
        while missing > 0 {
            let Some(order) = self.smallest_free(zone, 0) else {
                break;
            };
            let order = (order as u32).min(missing.ilog2());
            let Some(first) = self.take_block(zone, order) else {
                break;
            };
            missing -= 1 << order;
            let pages = &mut self[stack];
            for frame in (first..first + (1 << order)).rev() {
                pages.frames[pages.count as usize] = frame;
                pages.count += 1;
            }
        }
    }

    /// Returns the coldest batch to the buddy lists. Neighbours that were freed one after the other
    /// are joined here already, which spares the lists most of the work.
    #[cold]
    #[inline(never)]
    fn drain(&mut self, stack: Ref<PerCpuPages>, zone: u32) {
        let zone = self.zone(zone);
        // There is something to be had again.
        self[zone].pages_scanned = 0;
        // A block is its first frame with the order in the four bits below.
        let mut joined = [0; BATCH_MAX];
        let mut depth = 0;
        let pages = &mut self[stack];
        let batch = pages.batch.min(pages.count) as usize;
        for &frame in &pages.frames[..batch] {
            let mut block = frame << 4;
            while depth > 0 && joined[depth - 1] == block ^ 16 << (block & 15) {
                depth -= 1;
                block = (block & joined[depth]) + 1;
            }
            joined[depth] = block;
            depth += 1;
        }
        pages.frames.copy_within(batch..pages.count as usize, 0);
        pages.count -= batch as u32;
        for &block in &joined[..depth] {
            self.give_block(zone, block >> 4, block & 15);
        }
    }

    /// Returns every page on per-CPU lists to the buddy lists (`drain_all_pages`).
    pub fn drain_all_pages(&mut self) {
        for zone in 0..self[MEM].nr_zones {
            for cpu in 0..self[MEM].nr_cpus {
                let list = self.per_cpu_pages(zone, cpu);
                while self[list].count > 0 {
                    self.drain(list, zone);
                }
            }
        }
    }

    /// The smallest order from `order` up that has a free block.
    fn smallest_free(&self, zone: Ref<Zone>, order: usize) -> Option<usize> {
        (order..MAX_ORDER).find(|&order| self[zone].free_area[order].nr_free > 0)
    }

    /// Takes a free block of `order` out of the buddy lists, halving a larger one if need be.
    fn take_block(&mut self, zone: Ref<Zone>, order: u32) -> Option<u32> {
        let from = self.smallest_free(zone, order as usize)?;
        let link = self[free_list(zone, from)].next;
        let page: Ref<Page> = link.byte_sub(offset_of!(Page, lru));
        self.list_del(link);
        self[page].clear(PageFlag::Buddy);
        let frame = self.frame_of(page);
        for half in (order as usize..from).rev() {
            // The upper half stays free; the lower one is halved again or handed out.
            self.push_block(zone, frame + (1 << half), half);
        }
        let zone = &mut self[zone];
        zone.free_area[from].nr_free -= 1;
        zone.free -= 1 << order;
        Some(frame)
    }

    /// Puts a block back and joins it with its free buddies. `Zone::free` grows by the block.
    pub(super) fn give_block(&mut self, zone: Ref<Zone>, mut frame: u32, order: u32) {
        let mut at = order as usize;
        self[zone].free += 1 << order;
        while at + 1 < MAX_ORDER {
            let buddy = frame ^ (1 << at);
            if !self[zone].contains(buddy) {
                break;
            }
            let page = self.page(buddy);
            if !self[page].is(PageFlag::Buddy) || usize::from(self[page].order) != at {
                break;
            }
            self.list_del(page.byte_add(offset_of!(Page, lru)));
            self[page].clear(PageFlag::Buddy);
            self[zone].free_area[at].nr_free -= 1;
            frame &= buddy;
            at += 1;
        }
        self.push_block(zone, frame, at);
    }

    fn push_block(&mut self, zone: Ref<Zone>, frame: u32, order: usize) {
        let page = self.page(frame);
        self[page].set(PageFlag::Buddy);
        self[page].order = order as u16;
        let link: Ref<ListHead> = page.byte_add(offset_of!(Page, lru));
        self.list_add(link, free_list(zone, order));
        self[zone].free_area[order].nr_free += 1;
    }

    /// Frames that could be allocated now, per-CPU lists included.
    pub fn free_frames(&self) -> u32 {
        let in_lists: u32 = self.zones().map(|zone| self[zone].free).sum();
        let waiting: u32 = (0..self[MEM].nr_zones)
            .flat_map(|zone| (0..self[MEM].nr_cpus).map(move |cpu| (zone, cpu)))
            .map(|(zone, cpu)| self[self.per_cpu_pages(zone, cpu)].count)
            .sum();
        in_lists + waiting
    }

    /// The frames that lie in no free block, in order. Those that wait on a CPU's list are among them.
    pub(crate) fn frames_outside_free_blocks(&self) -> impl Iterator<Item = u32> + '_ {
        let mut next = 0;
        core::iter::from_fn(move || {
            while next < self.frames() {
                let (frame, page) = (next, &self[self.page(next)]);
                if !page.is(PageFlag::Buddy) {
                    next += 1;
                    return Some(frame);
                }
                // The check of the blocks finds an order that there is not.
                next += 1 << usize::from(page.order).min(MAX_ORDER);
            }
            None
        })
    }

    /// Checks the allocator's invariants: lists linked both ways, counts right, every free frame in
    /// exactly one block or stack, blocks aligned and inside their zone, no two free buddies apart.
    ///
    /// # Errors
    /// A sentence that names the first violation.
    pub fn check_buddy(&self) -> Result<(), &'static str> {
        let mut free_total = 0;
        for (number, zone) in (0..).zip(self.zones()) {
            let mut free = 0;
            for order in 0..MAX_ORDER {
                let head = free_list(zone, order);
                if !self.list_is_sound(head, self.frames()) {
                    return Err("buddy: a free list is broken");
                }
                let mut count = 0;
                for link in self.list_iter(head) {
                    let page: Ref<Page> = link.byte_sub(offset_of!(Page, lru));
                    let frame = self.frame_of(page);
                    let descriptor = &self[page];
                    if !descriptor.is(PageFlag::Buddy) || usize::from(descriptor.order) != order {
                        return Err(
                            "buddy: a block on a free list is not marked free with its order",
                        );
                    }
                    if descriptor.count != 0 {
                        return Err("buddy: a free block has references");
                    }
                    if !frame.is_multiple_of(1 << order) {
                        return Err("buddy: a free block is not aligned to its size");
                    }
                    if !self[zone].contains(frame) || !self[zone].contains(frame + (1 << order) - 1)
                    {
                        return Err("buddy: a free block leaves its zone");
                    }
                    for inside in frame + 1..frame + (1 << order) {
                        if self[self.page(inside)].is(PageFlag::Buddy) {
                            return Err("buddy: a frame is in two free blocks");
                        }
                    }
                    let buddy = frame ^ (1 << order);
                    if order + 1 < MAX_ORDER && self[zone].contains(buddy) {
                        let buddy = &self[self.page(buddy)];
                        if buddy.is(PageFlag::Buddy) && usize::from(buddy.order) == order {
                            return Err("buddy: two free buddies were not joined");
                        }
                    }
                    count += 1;
                    free += 1 << order;
                }
                if count != self[zone].free_area[order].nr_free {
                    return Err("buddy: nr_free differs from the list's length");
                }
            }
            if free != self[zone].free {
                return Err("buddy: the zone's free count differs from its lists");
            }
            free_total += free;
            for cpu in 0..self[MEM].nr_cpus {
                let stack = &self[self.per_cpu_pages(number, cpu)];
                if stack.limit != if self.is_traced() { 0 } else { stack.high } {
                    return Err(
                        "buddy: pages that come back are told of, or are not, as they should not",
                    );
                }
                for &frame in &stack.frames[..stack.count as usize] {
                    let page = &self[self.page(frame)];
                    if page.count != 0 || page.is(PageFlag::Buddy) || page.zone() != number {
                        return Err(
                            "buddy: a page on a per-CPU list is in use, in a block, or of another zone",
                        );
                    }
                }
                free_total += stack.count;
            }
        }
        // A frame is free if nobody refers to it. So the lists must hold them all.
        let unused = (0..self.frames())
            .map(|frame| &self[self.page(frame)])
            .filter(|page| page.count == 0 && !page.is(PageFlag::Tail))
            .count() as u32;
        if unused != free_total {
            return Err("buddy: frames without references differ from frames on the lists");
        }
        Ok(())
    }
}
