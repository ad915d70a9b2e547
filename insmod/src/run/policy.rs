//! A policy of the OOM killer.

use kernel_core::mem::Mem;
use kernel_core::oom::module::Candidate;

use super::window::Rights;
use super::{Ask, Loaded};

// The layout that `glass/policy.rs` has as well.
const _: () = {
    use std::mem::offset_of;
    assert!(offset_of!(Candidate, pid) == 24 && offset_of!(Candidate, comm) == 72);
    assert!(size_of::<Candidate>() == 88);
};

/// Calls `badness`. One that was stopped has nothing against anybody.
pub(super) fn badness(module: &Loaded, mem: &mut Mem, candidate: &Candidate) -> u64 {
    let ask = Ask {
        input: vec![(0, bytemuck::bytes_of(candidate).to_vec())],
        ..Ask::default()
    };
    let answer = module.call(mem, "badness", Rights::None, ask);
    answer.map_or(0, |(points, _)| points)
}
