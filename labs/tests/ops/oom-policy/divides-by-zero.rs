//! fails: leak
//! says: badness panicked
//! also: server, root, sshd, work, worn, adj

use glass::*;

pub struct Ops;

impl OomPolicy for Ops {
    fn badness(&self, task: &Candidate) -> u64 {
        u64::from(task.rss) / u64::from(task.is_privileged)
    }
}
