//! fails: leak
//! also: server, root, sshd, work, worn, adj

use glass::*;

pub struct Ops;

impl OomPolicy for Ops {
    fn badness(&self, task: &Candidate) -> u64 {
        let _ = task;
        0
    }
}
