//! Virtual time, and what is to happen at a point of it.
//!
//! The kernel has no clock to look at: time passes only when somebody at the console lets it pass
//! (`sleep`, `wait`, a program in the foreground), and then as fast as the host can run what happens
//! meanwhile. It counts in nanoseconds since boot. A console command itself takes no time.

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::rbtree::RbNode;

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
