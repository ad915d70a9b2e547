//! Virtual time, and what is to happen at a point of it.
//!
//! The kernel has no clock to look at: time passes only when somebody at the console lets it pass
//! (`sleep`, `wait`, a program in the foreground), and then as fast as the host can run what happens
//! meanwhile. It counts in nanoseconds since boot. A console command itself takes no time.
//!
//! Each task has an alarm clock. Those that are set stand in a red-black tree in the order in which
//! they are due, as 2.6.16's high-resolution timers do: not a tick later than asked for, but exactly
//! then. When an alarm goes off its task is woken, and what it wanted the alarm for it finds out
//! itself: [`Timer::armed`] is 0 then.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::{TASK, Task, sched};
use crate::btf::{Kind, describe};
use crate::mem::{Mem, Ref};
use crate::rbtree::{self, RbNode, RbRoot};

/// Nanoseconds in a second.
pub const NSEC_PER_SEC: u64 = 1_000_000_000;
/// `/proc` counts CPU time in so many parts of a second.
pub const USER_HZ: u64 = 100;

/// A task's alarm clock.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Timer {
    /// Place in the tree of timers, by [`Timer::expires`]; see [`crate::rbtree`].
    pub node: RbNode,
    /// 1 while it is in the tree.
    pub armed: u32,
    _pad: u32,
    /// When it is due, in nanoseconds since boot.
    pub expires: u64,
}

describe!(Timer, "hrtimer", [node, armed, _pad: Kind::Padding, expires]);

/// Nanoseconds between two timer ticks.
pub fn tick_ns(mem: &Mem) -> u64 {
    NSEC_PER_SEC / u64::from(mem[TASK].hz)
}

/// Nanoseconds since boot. While a task runs, this is its CPU's time.
#[inline]
pub fn now(mem: &Mem) -> u64 {
    mem[TASK].now
}

/// Nanoseconds as `/proc` counts CPU time.
pub fn to_user_hz(ns: u64) -> u64 {
    ns / (NSEC_PER_SEC / USER_HZ)
}

fn timers() -> Ref<RbRoot> {
    sched::SCHED.byte_add(offset_of!(sched::SchedData, timers))
}

fn node_of(task: Ref<Task>) -> Ref<RbNode> {
    task.byte_add(offset_of!(Task, timer) + offset_of!(Timer, node))
}

fn task_of(node: Ref<RbNode>) -> Ref<Task> {
    node.byte_sub(offset_of!(Task, timer) + offset_of!(Timer, node))
}

fn before(mem: &Mem, a: Ref<RbNode>, b: Ref<RbNode>) -> bool {
    mem[task_of(a)].timer.expires < mem[task_of(b)].timer.expires
}

/// Sets a task's alarm clock to `expires` nanoseconds since boot; an earlier setting is forgotten.
/// An alarm that is due already goes off as soon as time passes.
pub fn timer_arm(mem: &mut Mem, task: Ref<Task>, expires: u64) {
    timer_cancel(mem, task);
    mem[task].timer.expires = expires;
    mem[task].timer.armed = 1;
    rbtree::insert(mem, timers(), node_of(task), before);
}

/// Switches a task's alarm clock off. Returns whether it was set.
pub fn timer_cancel(mem: &mut Mem, task: Ref<Task>) -> bool {
    let was_armed = mem[task].timer.armed != 0;
    if was_armed {
        rbtree::erase(mem, timers(), node_of(task));
        mem[task].timer.armed = 0;
    }
    was_armed
}

/// When the next alarm goes off.
pub(crate) fn next_expiry(mem: &Mem) -> Option<u64> {
    let first = rbtree::first(mem, timers());
    (!first.is_null()).then(|| mem[task_of(first)].timer.expires)
}

/// Wakes those whose alarm is due at `now`, the earliest first.
pub(super) fn run_timers(mem: &mut Mem, now: u64) {
    loop {
        let first = rbtree::first(mem, timers());
        if first.is_null() {
            return;
        }
        let task = task_of(first);
        if mem[task].timer.expires > now {
            return;
        }
        timer_cancel(mem, task);
        sched::try_to_wake_up(mem, task, sched::NORMAL);
    }
}

/// Checks the tree of alarms and returns how many are set.
///
/// # Errors
/// A sentence that names the first violation.
pub(super) fn check(mem: &Mem) -> Result<u32, &'static str> {
    rbtree::check(mem, timers(), mem[TASK].nr_threads, before)
}
