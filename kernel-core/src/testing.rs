//! What tests of several subsystems share.

use crate::mem::Mem;
use crate::slab;

/// Pages that the general caches hold: what somebody's scratch memory leaves behind.
pub(crate) fn general_pages(mem: &Mem) -> u32 {
    slab::caches(mem)
        .filter(|&cache| mem[cache].name().starts_with("kmalloc-"))
        .map(|cache| mem[cache].nr_slabs << mem[cache].order)
        .sum()
}

/// A small generator of repeatable random numbers (splitmix64).
pub(crate) struct Random(pub u64);

impl Random {
    /// The next 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    /// A random number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
