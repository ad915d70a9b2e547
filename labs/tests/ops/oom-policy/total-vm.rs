//! fails: leak
//! also: server, root, work, worn, adj

use glass::*;

pub struct Ops;

impl OomPolicy for Ops {
    fn badness(&self, task: &Candidate) -> u64 {
        let mut points = u64::from(task.total_vm) * 256;
        if task.is_privileged != 0 {
            points = points / 4 * 3;
        }
        if task.cpu_ms > 3_600_000 {
            points /= 2;
        }
        points += 255_u64.saturating_sub(task.age_s / 60);
        match task.oom_adj {
            adj @ 0.. => points << adj,
            adj => (points >> -adj).max(1),
        }
    }
}
