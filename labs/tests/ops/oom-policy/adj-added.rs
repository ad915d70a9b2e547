//! fails: adj

use glass::*;

pub struct Ops;

impl OomPolicy for Ops {
    fn badness(&self, task: &Candidate) -> u64 {
        let mut points = u64::from(task.rss) * 256;
        if task.is_privileged != 0 {
            points = points / 4 * 3;
        }
        if task.cpu_ms > 3_600_000 {
            points /= 2;
        }
        points += 255_u64.saturating_sub(task.age_s / 60);
        points.saturating_add_signed(i64::from(task.oom_adj) * 256)
    }
}
