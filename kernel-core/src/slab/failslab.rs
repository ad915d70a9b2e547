//! Injected failures of one cache's allocations, as Linux's failslab makes them.
//!
//! The allocators' fast path looks at one word only, the count of `/proc/self/fail-nth`. While a
//! cache is armed that word holds a value that counts nothing but leads here.

use super::{KmemCache, SLAB};
use crate::mem::{MEM, Mem, Ref};

/// In [`crate::mem::MemData::fail_nth`]: no allocation is counted, but a cache is armed.
pub const ARMED: u32 = u32::MAX;

/// Makes the `count`-th allocation from `cache`, from now on, fail; 0 calls it off. One cache is
/// armed at a time.
pub fn arm(mem: &mut Mem, cache: Ref<KmemCache>, count: u32) {
    mem[SLAB].failing = if count == 0 { Ref::NULL } else { cache };
    mem[SLAB].fail_count = count;
    let counts = mem[MEM].fail_nth != 0 && mem[MEM].fail_nth != ARMED;
    if !counts {
        mem.set_fail_nth(if count == 0 { 0 } else { ARMED });
    }
}

/// Whether this allocation is the one: from `cache`, or of pages if that is NULL.
pub(crate) fn should_fail(mem: &mut Mem, cache: Ref<KmemCache>) -> bool {
    if mem[SLAB].failing.is_null() || mem[SLAB].failing != cache {
        return false;
    }
    mem[SLAB].fail_count -= 1;
    let fails = mem[SLAB].fail_count == 0;
    if fails {
        mem[SLAB].failing = Ref::NULL;
    }
    fails
}

/// Whether a cache is armed.
pub(crate) fn is_armed(mem: &Mem) -> bool {
    !mem[SLAB].failing.is_null()
}
