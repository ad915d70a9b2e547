//! What each task weighs, side by side: the table that makes choosing among a million tasks one pass.
//!
//! Asking a task for its score touches its descriptor, its address space and its children's, a handful of
//! places far apart, and most of the time a processor waits for them. So what a score is made of stands
//! here once more, 16 bytes a task in the order of the tasks: the pages that count (its own, and its
//! children's share), when it began, and a few bits for the rest. Whoever changes one of these says so
//! here, where its hands are on the task anyway: pages when an area comes or goes, the rest when somebody
//! is reniced or writes to `oom_adj`.
//!
//! CPU time grows all the time, but its root changes after eight seconds at the earliest. So a task carries,
//! in the line that a context switch reads anyway, the CPU time at which it next will, and the scheduler
//! compares. Only a root above 255 (six days of CPU time) is not told: then a score made of what stands here
//! is too large, a *bound*. `select.rs` looks for the highest bound, and asks only that task itself.
//!
//! The first [`FIRST`] tasks stand in the rest of the tracer's frame, which every machine has; more come in
//! frames of their own. A chunk keeps the order when a task goes, and has a hole then; chunks that are
//! hardly used are joined. A thread that comes late, when other processes were made meanwhile, stands
//! behind them although its process is before them: it is marked, for whoever compares equals.

use bytemuck::{Pod, Zeroable};

use super::badness::{self, OOM_DISABLE};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Gfp, Mem, PageFlag, Ref, layout};
use crate::task::cred::Capability;
use crate::task::mm::Mm;
use crate::task::{
    PF_EXITING, PF_SWAPOFF, TASK, Task, Tif, children, current, pid, processes, threads,
};
use crate::trace::TraceData;

/// What a task weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Weight {
    /// Pages of its address space and its children's share, the lower bits.
    pages: u32,
    /// Their upper bits.
    pages_high: u8,
    /// The root of its CPU time, or 255.
    cpu_root: u8,
    /// [`Weight::OUT`] and others, the nodes that it may use, and in the lower bits `oom_adj` + 17.
    pub(super) traits: u16,
    /// The second since boot in which it began.
    pub(super) start: i32,
    /// Whose it is; NULL is a hole.
    pub(super) task: Ref<Task>,
}

describe!(
    Weight,
    "oom_weight",
    [pages, pages_high, cpu_root, traits: Kind::Hex, start, task]
);

const _: () = assert!(size_of::<Weight>() == 16);

/// [`SchedEntity::weight_due`](crate::task::sched::SchedEntity::weight_due) counts half milliseconds, or
/// so: 32 bits of them are 26 days.
pub const DUE_SHIFT: u32 = 19;

/// In front of a chunk's weights.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Chunk {
    /// The next one; NULL behind the last.
    pub(super) next: Ref<Chunk>,
    previous: Ref<Chunk>,
    /// Places in use, holes included.
    length: u16,
    /// Of these, tasks.
    live: u16,
    /// Its place among the others grows with this.
    order: u32,
}

describe!(Chunk, "oom_chunk", [next, previous, length, live, order]);

const _: () = assert!(size_of::<Chunk>() == 16);

/// Weights in the first chunk.
pub const FIRST: usize = (FRAME_SIZE - FIRST_AT) / size_of::<Weight>() - 1;
/// Weights in each of the others.
pub const REST: usize = FRAME_SIZE / size_of::<Weight>() - 1;
/// Where the first chunk stands in the tracer's frame.
const FIRST_AT: usize = 64;
const _: () = assert!(size_of::<TraceData>() <= FIRST_AT);

/// The first chunk.
pub const CHUNKS: Ref<Chunk> =
    Ref::new(Ref::<Chunk>::of_frame(layout::TRACE).unit() + FIRST_AT as u32 / 8);

impl Weight {
    const ADJ: u16 = 0x3f;
    const NODES_SHIFT: u32 = 6;
    /// It is nice.
    const NICE: u16 = 1 << 10;
    /// It may administer, or exceed limits.
    const SUPERUSER: u16 = 1 << 11;
    /// It drives hardware.
    const RAW_IO: u16 = 1 << 12;
    /// It is init, or has no memory of its own.
    pub(super) const OUT: u16 = 1 << 13;
    /// It is dying, or something else about it is unusual: it has to be looked at.
    pub(super) const LOOK: u16 = 1 << 14;
    /// A thread that stands behind processes that came later.
    pub(super) const LATE: u16 = 1 << 15;

    /// Whether one of these bits is set.
    #[inline(always)]
    pub(super) fn is(&self, bits: u16) -> bool {
        self.traits & bits != 0
    }

    /// Its `oom_adj`.
    #[inline(always)]
    pub(super) fn oom_adj(&self) -> i32 {
        i32::from(self.traits & Weight::ADJ) + OOM_DISABLE
    }

    /// The pages that count.
    #[inline(always)]
    pub(super) fn pages(&self) -> u64 {
        u64::from(self.pages) | u64::from(self.pages_high) << 32
    }

    fn set_pages(&mut self, pages: u64) {
        self.pages = pages as u32;
        self.pages_high = (pages >> 32) as u8;
    }

    /// What its CPU time divides the score by, at least.
    #[inline(always)]
    pub(super) fn cpu_root(&self) -> u64 {
        u64::from(self.cpu_root).max(1)
    }

    fn is_elsewhere(&self, nodes: u32) -> bool {
        u32::from(self.traits) >> Weight::NODES_SHIFT & 0xf & nodes == 0
    }

    /// By how many bits all but the divisions by time and `oom_adj` shift the score, if nothing were cut
    /// off.
    fn shift(&self, nodes: u32) -> i8 {
        let bits = |trait_: u16, by: i8| if self.is(trait_) { by } else { 0 };
        let elsewhere = if self.is_elsewhere(nodes) { -3 } else { 0 };
        bits(Weight::NICE, 1) + bits(Weight::SUPERUSER, -2) + bits(Weight::RAW_IO, -2) + elsewhere
    }

    /// The score, with these divisors: that of `badness`, if they are its.
    #[inline(always)]
    pub(super) fn score(&self, cpu_root: u64, run_root: u64, nodes: u32) -> u64 {
        let mut points = self.pages();
        if cpu_root > 1 || run_root > 1 {
            points = points / cpu_root.max(1) / run_root.max(1);
        }
        if self.is(Weight::NICE) {
            points *= 2;
        }
        if self.is(Weight::SUPERUSER) {
            points /= 4;
        }
        if self.is(Weight::RAW_IO) {
            points /= 4;
        }
        if self.is_elsewhere(nodes) {
            points /= 8;
        }
        badness::shift(points, self.oom_adj())
    }
}

/// For a page that is missing on certain nodes: by how many bits the score of a task with certain traits
/// is shifted, at their place from the nodes on.
pub(super) struct Shifts([i8; 128]);

impl Shifts {
    pub(super) fn new(nodes: u32) -> Shifts {
        Shifts(core::array::from_fn(|traits| {
            let weight = Weight {
                traits: (traits as u16) << Weight::NODES_SHIFT,
                ..Weight::zeroed()
            };
            weight.shift(nodes)
        }))
    }

    /// A task's pages, shifted by these and by its `oom_adj`.
    #[inline(always)]
    pub(super) fn undivided(&self, weight: &Weight) -> u64 {
        let traits = usize::from(weight.traits >> Weight::NODES_SHIFT) % self.0.len();
        let shift = i32::from(self.0[traits]) + weight.oom_adj();
        weight.pages() << shift.max(0) >> (-shift).max(0)
    }
}

/// The places of a chunk that are in use.
#[inline(always)]
pub(super) fn weights(mem: &Mem, chunk: Ref<Chunk>) -> &[Weight] {
    let length = usize::from(mem[chunk].length);
    let first = chunk.offset(1);
    match chunk == CHUNKS {
        true => &mem[first.cast::<[Weight; FIRST]>()][..length],
        false => &mem[first.cast::<[Weight; REST]>()][..length],
    }
}

/// A place in a chunk.
pub(super) fn slot(chunk: Ref<Chunk>, index: usize) -> Ref<Weight> {
    chunk.offset(1).cast::<Weight>().offset(index as u32)
}

fn capacity(chunk: Ref<Chunk>) -> usize {
    if chunk == CHUNKS { FIRST } else { REST }
}

/// The chunk of a place.
fn chunk_of(slot: Ref<Weight>) -> Ref<Chunk> {
    match slot.frame() {
        layout::TRACE => CHUNKS,
        frame => Ref::of_frame(frame),
    }
}

/// All chunks in their order.
fn chunks(mem: &Mem) -> impl Iterator<Item = Ref<Chunk>> + '_ {
    core::iter::successors(Some(CHUNKS), |&chunk| {
        Some(mem[chunk].next).filter(|next| !next.is_null())
    })
}

/// The last chunk.
fn last(mem: &Mem) -> Ref<Chunk> {
    match mem[CHUNKS].previous {
        only if only.is_null() => CHUNKS,
        last => last,
    }
}

/// Notes the last chunk, where the first one keeps it.
fn set_last(mem: &mut Mem, chunk: Ref<Chunk>) {
    mem[CHUNKS].previous = if chunk == CHUNKS { Ref::NULL } else { chunk };
}

/// Gives a task that is being made its place, behind all others.
///
/// # Errors
/// `ENOMEM`.
pub(crate) fn enter(mem: &mut Mem, task: Ref<Task>, is_thread: bool) -> Result<(), Errno> {
    let mut chunk = last(mem);
    let is_late = is_thread && {
        let before = weights(mem, chunk).last();
        before.is_none_or(|weight| mem[weight.task].signal != mem[task].signal)
    };
    if usize::from(mem[chunk].length) == capacity(chunk) {
        let page = mem.alloc_page(Gfp::KERNEL)?;
        mem[page].set(PageFlag::Reserved);
        let new: Ref<Chunk> = Ref::of_frame(mem.frame_of(page));
        mem[new] = Chunk {
            previous: chunk,
            order: mem[chunk].order.wrapping_add(1),
            ..Chunk::zeroed()
        };
        mem[chunk].next = new;
        set_last(mem, new);
        chunk = new;
    }
    let index = usize::from(mem[chunk].length);
    mem[chunk].length += 1;
    mem[chunk].live += 1;
    let place = slot(chunk, index);
    mem[place] = Weight {
        task,
        traits: if is_late { Weight::LATE } else { 0 },
        ..Weight::zeroed()
    };
    mem[task].weight = place;
    refresh(mem, task);
    Ok(())
}

/// Takes a task that goes out of the table.
pub(crate) fn leave(mem: &mut Mem, task: Ref<Task>) {
    let place = core::mem::replace(&mut mem[task].weight, Ref::NULL);
    if place.is_null() {
        return;
    }
    let chunk = chunk_of(place);
    mem[place] = Weight {
        traits: Weight::OUT,
        ..Weight::zeroed()
    };
    mem[chunk].live -= 1;
    // The last place in use is nobody's hole.
    let in_use = weights(mem, chunk)
        .iter()
        .rposition(|weight| !weight.task.is_null());
    mem[chunk].length = in_use.map_or(0, |last| last as u16 + 1);
    let previous = mem[chunk].previous;
    if chunk != CHUNKS && mem[previous].live + mem[chunk].live <= REST as u16 / 2 {
        join(mem, previous, chunk);
    } else if !mem[chunk].next.is_null() {
        let next = mem[chunk].next;
        if mem[chunk].live + mem[next].live <= REST as u16 / 2 {
            join(mem, chunk, next);
        }
    }
}

/// Moves what is in a chunk into the one before it, which has room, and frees its frame.
fn join(mem: &mut Mem, into: Ref<Chunk>, from: Ref<Chunk>) {
    let mut length = 0;
    for chunk in [into, from] {
        for index in 0..usize::from(mem[chunk].length) {
            let weight = mem[slot(chunk, index)];
            if weight.task.is_null() {
                continue;
            }
            // It stands at its place or before.
            let place = slot(into, length);
            mem[place] = weight;
            mem[weight.task].weight = place;
            length += 1;
        }
    }
    mem[into].length = length as u16;
    mem[into].live = length as u16;
    let next = mem[from].next;
    mem[into].next = next;
    match next.is_null() {
        true => set_last(mem, into),
        false => mem[next].previous = into,
    }
    let page = mem.page(from.frame());
    mem[page].clear(PageFlag::Reserved);
    mem.put_page(page);
}

/// Writes down anew what a task weighs, after its fields were changed.
pub fn refresh(mem: &mut Mem, task: Ref<Task>) {
    let place = mem[task].weight;
    if place.is_null() {
        return;
    }
    let fresh = weigh(mem, task);
    let late = mem[place].traits & Weight::LATE;
    mem[place] = Weight {
        traits: fresh.traits | late,
        ..fresh
    };
    set_due(mem, task, fresh.cpu_root);
}

/// The same without its pages, where these have not changed.
pub(crate) fn refresh_traits(mem: &mut Mem, task: Ref<Task>) {
    let place = mem[task].weight;
    if !place.is_null() {
        let late = mem[place].traits & Weight::LATE;
        mem[place].traits = traits(mem, task) | late;
    }
}

/// What a task weighs.
fn weigh(mem: &Mem, task: Ref<Task>) -> Weight {
    let mut weight = Weight {
        cpu_root: cpu_root(mem, task),
        traits: traits(mem, task),
        start: badness::start_second(mem, task).clamp(i32::MIN.into(), i32::MAX.into()) as i32,
        task,
        ..Weight::zeroed()
    };
    let mm = mem[task].mm;
    if !mm.is_null() {
        let shares = children(mem, task).map(|child| share(mem, child));
        weight.set_pages(u64::from(mem[mm].total_vm) + shares.sum::<u64>());
    }
    weight
}

fn cpu_root(mem: &Mem, task: Ref<Task>) -> u8 {
    badness::cpu_root(mem, task).min(255) as u8
}

fn traits(mem: &Mem, task: Ref<Task>) -> u16 {
    let Task {
        mm,
        signal,
        flags,
        thread_flags,
        oom_adj,
        mems_allowed,
        ..
    } = mem[task];
    let cred = &mem[task].cred;
    let is_superuser = cred.has(Capability::SysAdmin) || cred.has(Capability::SysResource);
    let init = mem[TASK].init;
    let is_init = !init.is_null() && signal == mem[init].signal;
    let unusual = Tif::MemDie as u32 | Tif::OomRefused as u32;
    let looks = flags & (PF_EXITING | PF_SWAPOFF) != 0 || thread_flags & unusual != 0;
    let mut traits = (oom_adj - OOM_DISABLE) as u16 & Weight::ADJ;
    traits |= ((mems_allowed & 0xf) << Weight::NODES_SHIFT) as u16;
    for (holds, bit) in [
        (mem[task].nice() > 0, Weight::NICE),
        (is_superuser, Weight::SUPERUSER),
        (cred.has(Capability::SysRawio), Weight::RAW_IO),
        (mm.is_null() || is_init, Weight::OUT),
        (looks, Weight::LOOK),
    ] {
        traits |= if holds { bit } else { 0 };
    }
    traits
}

/// Writes a task's CPU time down, after it was charged: the scheduler does where it is due.
#[cold]
pub fn note_time(mem: &mut Mem, task: Ref<Task>) {
    let place = mem[task].weight;
    if !place.is_null() {
        let root = cpu_root(mem, task);
        mem[place].cpu_root = root;
        set_due(mem, task, root);
    }
}

/// Notes when a task's root of CPU time will be another: at the next square of units, or never, if
/// that is not told.
fn set_due(mem: &mut Mem, task: Ref<Task>, root: u8) {
    let next = u64::from(root) + 1;
    let due = match root {
        u8::MAX => u32::MAX.into(),
        _ => (next * next * badness::cpu_unit(mem)) >> DUE_SHIFT,
    };
    mem[task].se.weight_due = due.min(u32::MAX.into()) as u32;
}

/// What a task adds to its parent's score: nothing for a thread, or if it has no memory of its own.
pub(crate) fn share(mem: &Mem, child: Ref<Task>) -> u64 {
    let Task { mm, parent, .. } = mem[child];
    if mm.is_null() || parent.is_null() || parent == child || !mem[child].is_leader() {
        return 0;
    }
    match mem[parent].mm {
        others if others.is_null() || others == mm => 0,
        _ => badness::child_share(mem[mm].total_vm),
    }
}

/// A task's parent has a child more, or less, or one of another size: what it adds, and what it did.
pub(crate) fn parent_gains(mem: &mut Mem, child: Ref<Task>, after: u64, before: u64) {
    let parent = mem[child].parent;
    if after == before || parent.is_null() {
        return;
    }
    let place = mem[parent].weight;
    if !place.is_null() && !mem[parent].mm.is_null() {
        let pages = mem[place].pages() + after - before;
        mem[place].set_pages(pages);
    }
}

/// A task has another address space, or none any more; `before` is what it added to its parent's score.
pub(crate) fn mm_changed(mem: &mut Mem, task: Ref<Task>, before: u64) {
    refresh(mem, task);
    let after = share(mem, task);
    parent_gains(mem, task, after, before);
}

/// An address space has another size.
pub(crate) fn mm_resized(mem: &mut Mem, mm: Ref<Mm>, before: u32) {
    let Mm {
        users,
        owner,
        total_vm,
        ..
    } = mem[mm];
    if users == 0 || before == total_vm {
        return;
    }
    let mut found = 0;
    let answers = !owner.is_null() && !mem[owner].signal.is_null();
    if answers && mem[owner].mm == mm {
        if users == 1 {
            return task_resized(mem, owner, before, total_vm);
        }
        let mut next = threads(mem, mem[owner].signal).next();
        while let Some(thread) = next {
            if mem[thread].mm == mm {
                found += 1;
                task_resized(mem, thread, before, total_vm);
            }
            next = crate::task::next_thread(mem, thread);
        }
    }
    // One that is being made is nobody's yet.
    if found == users || (users == 1 && answers) {
        return;
    }
    let signal = match found {
        0 => Ref::NULL,
        _ => mem[owner].signal,
    };
    let mut from = 1;
    loop {
        let next = pid::tasks_from(mem, from).find(|&task| mem[task].mm == mm);
        let Some(task) = next else {
            return;
        };
        from = mem[task].pid + 1;
        if mem[task].signal != signal {
            task_resized(mem, task, before, total_vm);
        }
    }
}

fn task_resized(mem: &mut Mem, task: Ref<Task>, before: u32, after: u32) {
    let place = mem[task].weight;
    if place.is_null() {
        return;
    }
    let pages = mem[place].pages() + u64::from(after) - u64::from(before);
    mem[place].set_pages(pages);
    if share(mem, task) != 0 {
        let (after, before) = (badness::child_share(after), badness::child_share(before));
        parent_gains(mem, task, after, before);
    }
}

/// Whether `a` comes before `b` in the order of the processes and their threads.
pub(super) fn comes_before(mem: &Mem, a: Ref<Task>, b: Ref<Task>) -> bool {
    let place = |task: Ref<Task>| {
        let slot = mem[task].weight;
        (mem[chunk_of(slot)].order, slot.unit())
    };
    let leader = |task: Ref<Task>| place(mem[task].group_leader);
    (leader(a), place(a)) < (leader(b), place(b))
}

/// Frames that the table takes besides the first chunk's.
pub fn frames(mem: &Mem) -> u32 {
    chunks(mem).count() as u32 - 1
}

/// Checks that every task weighs what stands in the table, in the right order.
///
/// # Errors
/// A sentence that names the first violation.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    let mut count = 0;
    let mut before: Ref<Chunk> = Ref::NULL;
    for chunk in chunks(mem) {
        let Chunk {
            previous,
            live,
            order,
            ..
        } = mem[chunk];
        if !before.is_null() && (previous != before || order <= mem[before].order) {
            return Err("oom: the chunks of weights are out of order");
        }
        let all = weights(mem, chunk);
        let tasks = all.iter().filter(|weight| !weight.task.is_null()).count();
        if tasks != usize::from(live) || all.last().is_some_and(|last| last.task.is_null()) {
            return Err("oom: a chunk of weights has lost count");
        }
        count += tasks as u32;
        before = chunk;
        if count > mem[TASK].nr_threads {
            break;
        }
    }
    if before != last(mem) || count != mem[TASK].nr_threads {
        return Err("oom: there are more or fewer weights than tasks");
    }
    let mut previous: Ref<Task> = Ref::NULL;
    for task in processes(mem).flat_map(|leader| threads(mem, mem[leader].signal)) {
        let place = mem[task].weight;
        if place.is_null() || mem[place].task != task {
            return Err("oom: a task has no weight");
        }
        let (kept, fresh) = (mem[place], weigh(mem, task));
        if kept.traits & !Weight::LATE != fresh.traits || kept.start != fresh.start {
            return Err("oom: a task's weight tells other things of it than it does");
        }
        if kept.pages() != fresh.pages() {
            return Err("oom: a task weighs more or fewer pages than it has");
        }
        // One that runs right now is charged when it stops.
        let is_behind = task == current(mem) && kept.cpu_root < fresh.cpu_root;
        if kept.cpu_root != fresh.cpu_root && !is_behind {
            return Err("oom: a task's weight tells of other CPU time than the task has");
        }
        if !kept.is(Weight::LATE) {
            if !previous.is_null() && !comes_before(mem, previous, task) {
                return Err("oom: weights are in another order than tasks");
            }
            previous = task;
        }
    }
    Ok(())
}
