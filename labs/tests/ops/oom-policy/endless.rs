//! fails: leak
//! says: did not end
//! also: server, root, sshd, work, worn, adj

use glass::*;

pub struct Ops;

impl OomPolicy for Ops {
    fn badness(&self, task: &Candidate) -> u64 {
        let mut points = 0_u64;
        while points != u64::from(task.rss) * 2 + 1 {
            points = points.wrapping_add(2);
        }
        points
    }
}
