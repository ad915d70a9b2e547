//! Wait queues: where tasks sleep until something happens (specs/containers_async_proc.md 4.5).
//!
//! Whoever may sleep puts an entry into the queue *before* it looks at the condition once more, so
//! that no wake-up is lost in between. Entries that are not exclusive stand in front, the newest
//! first, and are all woken; exclusive ones stand behind in the order of their coming, and a wake-up
//! stops after the first of them.
//!
//! A task sleeps in one queue at a time, so its entry lies in the task itself.

use bytemuck::{Pod, Zeroable};

use crate::btf::describe;
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

describe!(WaitEntry, "wait_queue", [link, exclusive, why]);

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
}

impl WaitQueue {
    /// Makes `queue` empty.
    pub fn init(mem: &mut Mem, queue: Ref<WaitQueue>) {
        mem.list_init(queue.cast());
    }
}
