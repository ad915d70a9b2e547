//! The lines in the kernel's log (specs/memory.md 4.6).

use core::fmt::{self, Write};

use super::{OOM, OomControl};
use crate::container::{cpuset, memory};
use crate::fs;
use crate::mem::{MEM, Mem, Ref};
use crate::task::{TASK, Task, current, processes, time::NSEC_PER_SEC};

/// Reports within [`INTERVAL`] that the log takes (`printk_ratelimit_burst`).
const BURST: u32 = 10;
/// In nanoseconds (`printk_ratelimit`).
const INTERVAL: u64 = 5 * NSEC_PER_SEC;

/// Whether the log takes one more report (`printk_ratelimit`).
fn ratelimit(mem: &mut Mem) -> bool {
    let now = mem[TASK].now;
    let data = &mut mem[OOM];
    if data.reports == 0 || now > data.reports_since + INTERVAL {
        let missed = core::mem::take(&mut data.missed);
        data.reports = 0;
        data.reports_since = now;
        if missed > 0 {
            mem.printk(format_args!("__ratelimit: {missed} callbacks suppressed"));
        }
    }
    let data = &mut mem[OOM];
    let takes = data.reports < BURST;
    match takes {
        true => data.reports += 1,
        false => data.missed += 1,
    }
    takes
}

/// A list of nodes or CPUs as the kernel writes one, without a newline.
struct List(u32);

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        cpuset::write_bits(f, self.0)
    }
}

/// Who asked for what (`dump_header`), and, if that is wished for, all tasks.
pub(super) fn dump_header(mem: &mut Mem, control: &OomControl) {
    if !ratelimit(mem) {
        return;
    }
    let asker = mem[current(mem)];
    mem.printk(format_args!(
        "{} invoked oom-killer: gfp_mask={:#x}, order={}, oomkilladj={}",
        asker.comm(),
        control.gfp.0,
        control.order,
        asker.oom_adj
    ));
    let nodes = List(asker.mems_allowed & ((1 << mem[MEM].nr_nodes) - 1));
    let mut set = fs::Name::EMPTY;
    // The last part of the path, as a directory is named.
    let container = cpuset::container_of(mem, current(mem));
    let _ = set.write_str(match mem[container].parent.is_null() {
        true => "/",
        false => mem[mem[container].dentry].name(),
    });
    mem.printk(format_args!(
        "{} cpuset={} mems_allowed={nodes}",
        asker.comm(),
        set.text()
    ));
    if mem[OOM].oom_dump_tasks != 0 {
        dump_tasks(mem, control);
    }
}

/// All processes with memory, those of the container if one is meant (`dump_tasks`).
fn dump_tasks(mem: &mut Mem, control: &OomControl) {
    mem.printk(format_args!(
        "[ pid ]   uid  tgid total_vm      rss cpu oom_adj name"
    ));
    let first = processes(mem).next();
    let mut next = first;
    while let Some(task) = next {
        dump_task(mem, control, task);
        next = crate::task::next_process(mem, task);
    }
}

fn dump_task(mem: &mut Mem, control: &OomControl, task: Ref<Task>) {
    let own = mem[task];
    let is_meant = control.memcg.is_null() || memory::is_charged_to(mem, task, control.memcg);
    if own.mm.is_null() || !is_meant {
        return;
    }
    let mm = mem[own.mm];
    mem.printk(format_args!(
        "[{:5}] {:5} {:5} {:8} {:8} {:3}     {:3} {}",
        own.pid,
        own.cred.uid,
        own.tgid,
        mm.total_vm,
        mm.rss(),
        own.cpu,
        own.oom_adj,
        own.comm()
    ));
}
