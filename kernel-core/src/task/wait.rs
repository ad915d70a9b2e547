//! Wait queues: where tasks sleep until something happens (specs/containers_async_proc.md 4.5).
//!
//! Whoever may sleep puts an entry into the queue *before* it looks at the condition once more, so
//! that no wake-up is lost in between. Entries that are not exclusive stand in front, the newest
//! first, and are all woken; exclusive ones stand behind in the order of their coming, and a wake-up
//! stops after the first of them.
//!
//! A task sleeps in one queue at a time, so its entry lies in the task itself. Whatever wakes it, its
//! queue, a signal or an alarm, also takes it out of the queue: a task that runs is in none.
//!
//! There are no kernel stacks, so nothing waits *inside* a system call. A call that has to wait puts
//! the current task to sleep with [`sleep_on`] and returns; when the task is woken the call is made
//! again from the start, looks at its condition, and perhaps sleeps once more. That is 2.6's
//! `prepare_to_wait`, test, `schedule`, loop, with the loop outside.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::{Task, sched};
use crate::btf::{Kind, describe};
use crate::mem::{ListHead, Mem, Ref};

/// A queue of sleeping tasks (`wait_queue_head_t`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct WaitQueue {
    /// The entries, linked through [`WaitEntry::link`].
    pub tasks: ListHead,
}

describe!(WaitQueue, "wait_queue_head", [tasks]);

/// A task's place in a queue (`wait_queue_t`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct WaitEntry {
    /// Link in the queue; NULL while the task waits for nothing.
    pub link: ListHead,
    /// 1 if only one such task is to be woken (`WQ_FLAG_EXCLUSIVE`).
    pub exclusive: u32,
    /// What it waits for, to be shown as `wchan`; see [`Why`].
    pub why: u32,
}

describe!(WaitEntry, "wait_queue", [link, exclusive, why: Kind::Named(show_why)]);

/// What a task waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Why {
    /// Nothing.
    Nothing = 0,
    /// For time to pass.
    Sleep = 1,
    /// For a child to change.
    Child = 2,
    /// For a signal.
    Pause = 3,
    /// For a reader or writer at the other end.
    Pipe = 4,
    /// For room on the terminal.
    Tty = 5,
    /// For its container to thaw.
    Frozen = 6,
    /// For work: a kernel thread.
    Work = 7,
    /// For memory.
    Memory = 8,
    /// For a file to be ready.
    Poll = 9,
}

impl Why {
    /// What a task is shown to wait in, as `/proc/<pid>/wchan` names kernel functions.
    pub fn wchan(number: u32) -> &'static str {
        match number {
            0 => "0",
            1 => "hrtimer_nanosleep",
            2 => "do_wait",
            3 => "sys_pause",
            4 => "pipe_wait",
            5 => "n_tty_write",
            6 => "refrigerator",
            7 => "kthreadd",
            8 => "congestion_wait",
            9 => "do_sys_poll",
            _ => "?",
        }
    }
}

fn show_why(why: u64, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
    f.write_str(Why::wchan(why as u32))
}

impl WaitQueue {
    /// Makes `queue` empty.
    pub fn init(mem: &mut Mem, queue: Ref<WaitQueue>) {
        mem.list_init(queue.cast());
    }
}

/// The task of an entry.
fn task_of(link: Ref<ListHead>) -> Ref<Task> {
    link.byte_sub(offset_of!(Task, wait) + offset_of!(WaitEntry, link))
}

/// A task's place in a queue.
fn link_of(task: Ref<Task>) -> Ref<ListHead> {
    task.byte_add(offset_of!(Task, wait) + offset_of!(WaitEntry, link))
}

/// Whether a task is in a wait queue.
pub fn is_waiting(mem: &Mem, task: Ref<Task>) -> bool {
    !mem[task].wait.link.next.is_null()
}

/// The tasks that sleep in a queue, in the order in which they would be woken.
pub fn sleepers(mem: &Mem, queue: Ref<WaitQueue>) -> impl Iterator<Item = Ref<Task>> + '_ {
    mem.list_iter(queue.cast()).map(task_of)
}

/// Puts the current task to sleep in a queue (`prepare_to_wait`): it stops running at its next
/// `schedule`. `state` is [`super::INTERRUPTIBLE`] or [`super::UNINTERRUPTIBLE`]; a wake-up wakes
/// one exclusive sleeper only.
pub fn sleep_on(mem: &mut Mem, queue: Ref<WaitQueue>, state: u32, exclusive: bool, why: Why) {
    let task = super::current(mem);
    finish_wait(mem, task);
    let link = link_of(task);
    if exclusive {
        mem.list_add_tail(link, queue.cast());
    } else {
        mem.list_add(link, queue.cast());
    }
    let task = &mut mem[task];
    task.wait.exclusive = u32::from(exclusive);
    task.wait.why = why as u32;
    // In this order: who wakes the queue from here on finds a sleeper.
    task.state = state;
}

/// Puts the current task to sleep without a queue, until its alarm, a signal or somebody who knows it
/// wakes it.
pub fn sleep(mem: &mut Mem, state: u32, why: Why) {
    let task = super::current(mem);
    finish_wait(mem, task);
    let task = &mut mem[task];
    task.wait.why = why as u32;
    task.state = state;
}

/// Takes a task out of the queue that it is in, if it is in one.
#[inline]
pub fn finish_wait(mem: &mut Mem, task: Ref<Task>) {
    if is_waiting(mem, task) {
        mem.list_del(link_of(task));
    }
    mem[task].wait.exclusive = 0;
    mem[task].wait.why = Why::Nothing as u32;
}

/// Wakes the sleepers of a queue: those that are not exclusive, until `nr` exclusive ones have been
/// woken; 0 is all. Returns how many were.
pub fn wake_up_nr(mem: &mut Mem, queue: Ref<WaitQueue>, nr: u32) -> u32 {
    let (mut woken, mut exclusive_left) = (0, nr);
    let head: Ref<ListHead> = queue.cast();
    let mut link = mem[head].next;
    while link != head {
        let next = mem[link].next;
        let task = task_of(link);
        let exclusive = mem[task].wait.exclusive != 0;
        if sched::try_to_wake_up(mem, task, sched::NORMAL) {
            woken += 1;
            if exclusive {
                exclusive_left = exclusive_left.wrapping_sub(1);
                if exclusive_left == 0 {
                    break;
                }
            }
        }
        link = next;
    }
    woken
}

/// Wakes all sleepers that are not exclusive and `nr` exclusive ones; returns how many in all.
pub fn wake_up(mem: &mut Mem, queue: Ref<WaitQueue>, nr: u32) -> u32 {
    wake_up_nr(mem, queue, nr.max(1))
}

/// Wakes everybody; returns how many there were.
pub fn wake_up_all(mem: &mut Mem, queue: Ref<WaitQueue>) -> u32 {
    wake_up_nr(mem, queue, 0)
}
