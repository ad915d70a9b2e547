//! Memory that would be given back, and a little for what would be lost.

use glass::*;

pub struct Ops;

/// An hour.
const MUCH_WORK_MS: u64 = 3_600_000;
impl OomPolicy for Ops {
    fn badness(&self, task: &Candidate) -> u64 {
        let mut points = u64::from(task.rss).max(1) * 4;
        if task.is_privileged != 0 {
            points = points / 4 * 3;
        }
        if task.cpu_ms > MUCH_WORK_MS {
            points /= 2;
        }
        match task.oom_adj {
            adj @ 0.. => points << adj,
            adj => (points >> -adj).max(1),
        }
    }
}
