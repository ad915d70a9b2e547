//! A policy of the OOM killer.

use super::*;

/// A process, as it is when memory has run out. A page has 4096 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Candidate {
    /// CPU time that it had, in milliseconds.
    pub cpu_ms: u64,
    /// Seconds since it was started.
    pub age_s: u64,
    /// What 2.6.28 would say.
    pub badness: u64,
    /// Its number.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// Pages of its address space, whether or not there is anything in them.
    pub total_vm: u32,
    /// Pages that it has in memory.
    pub rss: u32,
    /// Children with memory of their own.
    pub children: u32,
    /// Pages of their address spaces together.
    pub children_vm: u32,
    /// Page faults that it made: pages that it has asked for so far.
    pub faults: u32,
    /// Its nice level, -20 to 19.
    pub nice: i32,
    /// What its administrator said: -16 to 15. Whoever has -17 is not asked about.
    pub oom_adj: i32,
    /// 1 if it may administer the system or drive hardware, or both.
    pub is_privileged: u32,
    /// 1 if it may use memory where a page is missing.
    pub is_near: u32,
    _pad: u32,
    comm: [u8; 16],
}

impl Candidate {
    /// Its name: the first 15 bytes of its program's.
    pub fn name(&self) -> &str {
        let end = self.comm.iter().position(|&byte| byte == 0);
        core::str::from_utf8(&self.comm[..end.unwrap_or(15)]).unwrap_or("?")
    }
}

/// Whom the OOM killer ends.
pub trait OomPolicy {
    /// How much a process deserves it. The highest number dies, of equal ones the oldest process, and
    /// nobody with 0. If all have 0 the kernel panics.
    ///
    /// The chosen one's first child with memory of its own dies in its place, if it has any: that is the
    /// killer's rule, and not up to a policy.
    fn badness(&self, task: &Candidate) -> u64;
}

static mut CANDIDATE: Candidate = Candidate {
    cpu_ms: 0,
    age_s: 0,
    badness: 0,
    pid: 0,
    uid: 0,
    total_vm: 0,
    rss: 0,
    children: 0,
    children_vm: 0,
    faults: 0,
    nice: 0,
    oom_adj: 0,
    is_privileged: 0,
    is_near: 0,
    _pad: 0,
    comm: [0; 16],
};

/// Where the kernel puts the candidate.
pub(super) fn buffer() -> usize {
    (&raw const CANDIDATE) as usize
}

/// There is one callback, and all that it is told is in the buffer.
pub(super) fn dispatch(_: &mut Mem, _: u32, _: u32, _: u32, _: u64) -> u64 {
    // SAFETY: the kernel has written it, and calls once, in one thread.
    let candidate = unsafe { CANDIDATE };
    OomPolicy::badness(&crate::ops::Ops, &candidate)
}
