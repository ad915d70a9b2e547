//! Numbers of tasks.
//!
//! A number is given again only when the numbers behind it are used up, so that one which somebody
//! remembers rarely leads to another task. A table leads from a number to its task; it comes in pages,
//! one for each 1024 numbers, when they are first needed, and so also gives the tasks in order. (2.6
//! has a bitmap to find free numbers and a hash table to find tasks; with short pointers one table
//! does both.) The pages beyond the first quarter of a million numbers have a table of their own.

use bytemuck::{Pod, Zeroable};

use super::{TASK, Task};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Gfp, Mem, PageFlag, Ref};

/// Tasks of one page of the table; NULL is a free number.
type Leaf = [Ref<Task>; LEAF];
/// Numbers that a page covers.
const LEAF: usize = FRAME_SIZE / size_of::<Ref<Task>>();
/// Pages that the table itself leads to.
const NEAR: usize = 256;
/// Pages behind those, which a frame of their own leads to.
type Far = [Ref<Leaf>; LEAF];
/// Pages at most.
const LEAVES: usize = NEAR + LEAF;

/// `kernel.pid_max` may be so large.
pub const PID_MAX_LIMIT: u32 = (LEAF * LEAVES) as u32;
/// `kernel.pid_max` unless somebody writes to it: numbers are below.
pub const PID_MAX_DEFAULT: u32 = 32768;
/// Behind the largest number the search goes on here, past those that daemons have since boot.
pub const RESERVED_PIDS: u32 = 300;

/// Which numbers are in use, and by whom.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct PidTable {
    leaves: [Ref<Leaf>; NEAR],
    /// Numbers in use, by page; those of far pages stand in the pages' descriptors.
    used: [u16; NEAR],
    /// Numbers are below this.
    pub pid_max: u32,
    /// The number given last.
    pub last_pid: u32,
    /// Leads to the pages behind the first [`NEAR`]; NULL while there are none.
    far: Ref<Far>,
    _pad: u32,
}

describe!(
    PidTable,
    "pid_table",
    [leaves, used, pid_max, last_pid, far, _pad: Kind::Padding]
);

fn place(pid: u32) -> (usize, usize) {
    (pid as usize / LEAF, pid as usize % LEAF)
}

/// The next number that is given is `pid`, if it is free.
pub(super) fn begin_at(mem: &mut Mem, pid: u32) {
    mem[TASK].pids.last_pid = pid - 1;
}

/// Page number `leaf`; NULL if it did not come yet.
#[inline]
fn leaf_at(mem: &Mem, leaf: usize) -> Ref<Leaf> {
    let table = &mem[TASK].pids;
    match table.leaves.get(leaf) {
        Some(&near) => near,
        None if table.far.is_null() => Ref::NULL,
        None => *mem[table.far].get(leaf - NEAR).unwrap_or(&Ref::NULL),
    }
}

/// Numbers in use in page number `leaf`.
fn used(mem: &Mem, leaf: usize) -> usize {
    match (mem[TASK].pids.used.get(leaf), leaf_at(mem, leaf)) {
        (Some(&used), _) => usize::from(used),
        (None, page) if page.is_null() => 0,
        (None, page) => mem[mem.page(page.frame())].mapping as usize,
    }
}

fn set_used(mem: &mut Mem, leaf: usize, used: usize) {
    let page = leaf_at(mem, leaf);
    match mem[TASK].pids.used.get_mut(leaf) {
        Some(near) => *near = used as u16,
        None => {
            let page = mem.page(page.frame());
            mem[page].mapping = used as u32;
        }
    }
}

/// A frame of NULLs for the table.
fn new_frame<T: Pod>(mem: &mut Mem) -> Result<Ref<T>, Errno> {
    let page = mem.alloc_page(Gfp::KERNEL)?;
    mem[page].set(PageFlag::Reserved);
    let frame = mem.frame_of(page);
    mem.frame_mut(frame).fill(0);
    Ok(Ref::of_frame(frame))
}

/// The task of that number.
#[inline]
pub fn find(mem: &Mem, pid: u32) -> Option<Ref<Task>> {
    let (leaf, index) = place(pid);
    let leaf = leaf_at(mem, leaf);
    if leaf.is_null() {
        return None;
    }
    Some(mem[leaf][index]).filter(|task| !task.is_null())
}

/// The first number of `from..to` that is in use, or the first that is free.
fn next(mem: &Mem, from: u32, to: u32, in_use: bool) -> Option<u32> {
    let mut pid = from;
    while pid < to {
        let (leaf, index) = place(pid);
        if in_use && leaf >= NEAR && mem[TASK].pids.far.is_null() {
            return None;
        }
        // Whole pages of the other kind are passed over.
        let has_some = match in_use {
            true => used(mem, leaf) > 0,
            false => used(mem, leaf) < LEAF,
        };
        if !has_some {
            pid += (LEAF - index) as u32;
            continue;
        }
        let page = leaf_at(mem, leaf);
        if page.is_null() {
            return Some(pid);
        }
        let mut rest = mem[page][index..].iter();
        match rest.position(|task| task.is_null() != in_use) {
            Some(more) => return Some(pid + more as u32).filter(|&pid| pid < to),
            None => pid += (LEAF - index) as u32,
        }
    }
    None
}

/// Gives a task the next free number behind the last one (`alloc_pid`).
///
/// # Errors
/// `EAGAIN` if all are in use, `ENOMEM`.
pub(crate) fn alloc(mem: &mut Mem, task: Ref<Task>) -> Result<u32, Errno> {
    let PidTable {
        pid_max, last_pid, ..
    } = mem[TASK].pids;
    let pid = next(mem, last_pid + 1, pid_max, false)
        .or_else(|| next(mem, RESERVED_PIDS, pid_max.min(last_pid + 1), false))
        .ok_or(Errno::EAGAIN)?;
    attach(mem, task, pid)?;
    mem[TASK].pids.last_pid = pid;
    Ok(pid)
}

/// Makes `task` known by the free number `pid`.
pub(super) fn attach(mem: &mut Mem, task: Ref<Task>, pid: u32) -> Result<(), Errno> {
    let (leaf, index) = place(pid);
    let mut page = leaf_at(mem, leaf);
    if page.is_null() {
        if leaf >= NEAR && mem[TASK].pids.far.is_null() {
            let far = new_frame(mem)?;
            mem[TASK].pids.far = far;
        }
        page = new_frame(mem)?;
        let far = mem[TASK].pids.far;
        match mem[TASK].pids.leaves.get_mut(leaf) {
            Some(near) => *near = page,
            None => mem[far][leaf - NEAR] = page,
        }
    }
    mem[page][index] = task;
    let count = used(mem, leaf);
    set_used(mem, leaf, count + 1);
    mem[task].pid = pid;
    Ok(())
}

/// Gives a task's number back. Pages of the table stay.
pub(crate) fn free(mem: &mut Mem, task: Ref<Task>) {
    let (leaf, index) = place(mem[task].pid);
    let page = leaf_at(mem, leaf);
    mem[page][index] = Ref::NULL;
    let count = used(mem, leaf);
    set_used(mem, leaf, count - 1);
}

/// Tasks by number from `first` on, in order.
pub fn tasks_from(mem: &Mem, first: u32) -> impl Iterator<Item = Ref<Task>> + '_ {
    let mut from = first;
    core::iter::from_fn(move || {
        let pid = next(mem, from, PID_MAX_LIMIT, true)?;
        from = pid + 1;
        find(mem, pid)
    })
}

/// Checks the table's counts.
pub(super) fn check(mem: &Mem) -> Result<(), &'static str> {
    let mut count = 0;
    for leaf in 0..LEAVES {
        let page = leaf_at(mem, leaf);
        let found = match page.is_null() {
            true => 0,
            false => mem[page].iter().filter(|task| !task.is_null()).count(),
        };
        if found != used(mem, leaf) {
            return Err("task: a page of the table of numbers has lost count");
        }
        count += found as u32;
    }
    if count != mem[TASK].nr_threads {
        return Err("task: numbers are in use that lead to no task");
    }
    Ok(())
}
