//! The chain of those who want to be told before anybody is killed (`oom_notify_list`).

use super::OomControl;
use crate::mem::Mem;

/// Tells everybody on the chain that memory is out; returns the pages that they freed. With any, nobody is
/// killed this time (specs/memory.md 4.4, step 1).
pub fn notify(_: &mut Mem, _: &OomControl) -> u64 {
    0
}
