//! Release agents: what the kernel runs when a container was left (specs/containers_async_proc.md 1.10).
//!
//! In Linux a kernel thread does this some time later; here it is done when a command has ended, and
//! between two ticks while time passes. The agent is a program with the container's path below its
//! hierarchy's root as its argument. It runs as root and outside of all containers, and nobody waits for
//! it. Linux tells nobody if it cannot be run; here the kernel's log says so.

use super::programs::{self, Path};
use crate::container::{self, Container};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};
use crate::task::{PF_KTHREAD, TASK, Tif, fork, sched};

/// Runs the agents of the containers that were left, the one that was left last first.
pub(super) fn run(mem: &mut Mem) {
    while let Some(container) = container::next_released(mem) {
        let mut agent = Path::default();
        let written = container::write_release_agent(mem, container, &mut agent);
        if written.is_err() || agent.text().is_empty() {
            continue;
        }
        if let Err(errno) = start(mem, container, &agent) {
            let path = super::shortened(agent.text());
            mem.printk(format_args!("release agent {path}: {}", errno.sentence()));
        }
    }
}

fn start(mem: &mut Mem, container: Ref<Container>, agent: &Path) -> Result<(), Errno> {
    let mut path = Path::default();
    container::path(mem, container, &mut path).map_err(|_| Errno::ENAMETOOLONG)?;
    let kthreadd = mem[TASK].kthreadd;
    let child = fork::copy_process(mem, kthreadd, fork::FORK | fork::BARE)?;
    mem[child].flags &= !PF_KTHREAD;
    mem[child].thread_flags |= Tif::Adopted as u32;
    let mut words = [agent.text(), path.text()].into_iter();
    match programs::prepare(mem, child, agent.text(), &mut words, [None; 2]) {
        Ok(()) => {
            sched::wake_up_new_task(mem, child);
            Ok(())
        }
        Err(errno) => {
            programs::abandon(mem, child);
            Err(errno)
        }
    }
}
