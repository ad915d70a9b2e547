//! The tasks, as `ps` and `top` list them.

mod one;
mod space;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::Kernel;
use kernel_core::mem::{Mem, Ref};
use kernel_core::task::account::{self, Usage};
use kernel_core::task::sched::proc::loadavg;
use kernel_core::task::{self, PF_EXITING, PF_FROZEN, TASK, Task, Tif};

use crate::view::task::{
    EXITING, FROZEN, KERNEL, MEMDIE, STAGED, TASKS_MAX, TaskOrder, TaskRow, TasksView, permille,
};

pub(crate) use one::task;

/// A window of the tasks in an order.
pub(crate) fn tasks(
    kernel: &Kernel,
    order: TaskOrder,
    is_descending: bool,
    from: u32,
    max: u32,
) -> TasksView {
    let mem = &kernel.mem;
    let mut states = [0; 4];
    let mut processes = 0;
    for process in task::processes(mem) {
        processes += 1;
        let place = match account::state_letter(mem, process) {
            'R' => 0,
            'T' => 2,
            'Z' => 3,
            _ => 1,
        };
        states[place] += 1;
    }
    let threads = mem[TASK].nr_threads;
    let all = if order == TaskOrder::Tree {
        threads
    } else {
        processes
    };
    let from = from.min(all);
    let max = max.min(TASKS_MAX) as usize;
    let mut rows = Vec::new();
    if max > 0 && order == TaskOrder::Tree {
        let mut number = 0;
        in_tree(mem, &mut |task, depth, rails| {
            if number >= from {
                rows.push(TaskRow {
                    depth,
                    rails,
                    ..row(mem, task)
                });
            }
            number += 1;
            rows.len() < max
        });
    } else if max > 0 {
        let mut keys: Vec<(u128, u32)> = task::processes(mem)
            .map(|process| {
                let key = key(mem, process, order);
                (if is_descending { !key } else { key }, mem[process].pid)
            })
            .collect();
        keys.sort_unstable();
        let window = keys.iter().skip(from as usize).take(max);
        let tasks = window.filter_map(|(_, pid)| task::find_task_by_pid(mem, *pid));
        rows = tasks.map(|task| row(mem, task)).collect();
    }
    TasksView {
        now: mem[TASK].now,
        load: load(mem),
        threads,
        processes,
        states,
        before: from,
        after: (all - from).saturating_sub(rows.len() as u32),
        rows,
    }
}

/// The load averages.
fn load(mem: &Mem) -> String {
    let mut text = String::new();
    // Nothing fails that is written to a text. Behind the averages stand numbers of tasks.
    let _ = loadavg(mem, &mut text);
    let mut words = text.split(' ');
    let averages: Vec<&str> = words.by_ref().take(3).collect();
    averages.join(" ")
}

/// What tasks are put in order by: the smaller stands in front.
fn key(mem: &Mem, task: Ref<Task>, order: TaskOrder) -> u128 {
    let own = &mem[task];
    let time = || Usage::of_process(mem, task).time();
    let key = match order {
        TaskOrder::Tree | TaskOrder::Pid => own.pid.into(),
        TaskOrder::User => own.cred.euid.into(),
        TaskOrder::State => account::state_letter(mem, task).into(),
        TaskOrder::Nice => own.static_prio.into(),
        TaskOrder::Cpu => permille(time(), account::start_time(mem, task), mem[TASK].now),
        TaskOrder::Time => time(),
        TaskOrder::Size => account::pages(mem, task)[0].into(),
        TaskOrder::Resident => account::pages(mem, task)[1].into(),
        TaskOrder::Threads => mem[own.signal].count.into(),
        TaskOrder::Name => {
            let bytes = own.comm().bytes();
            let name = bytes.fold(0_u128, |name, byte| name << 8 | u128::from(byte));
            let missing = task::COMM_MAX - own.comm().len();
            return name << (8 * missing);
        }
    };
    key.into()
}

/// Goes over all tasks as a tree, init first; `visit` is told each task's depth and rails
/// ([`TaskRow::rails`]), and says whether to go on.
fn in_tree(mem: &Mem, visit: &mut dyn FnMut(Ref<Task>, u32, u64) -> bool) {
    // Those to come, the next one at the end.
    let mut waiting = Vec::from([(mem[TASK].init, 0_u32, 0_u64)]);
    let bit = |depth: u32| 1_u64.checked_shl(depth).unwrap_or(0);
    while let Some((task, depth, rails)) = waiting.pop() {
        if !visit(task, depth, rails) {
            return;
        }
        if !mem[task].is_leader() {
            continue;
        }
        let first = waiting.len();
        let signal = mem[task].signal;
        let further = task::threads(mem, signal).filter(|thread| *thread != task);
        for below in further.chain(task::children(mem, task)) {
            waiting.push((below, depth + 1, rails | bit(depth + 1)));
        }
        // Behind the last one nothing follows below this task.
        if let Some(last) = waiting.get_mut(first..).and_then(|new| new.last_mut()) {
            last.2 = rails;
        }
        waiting[first..].reverse();
    }
}

/// What the list says of a task.
fn row(mem: &Mem, task: Ref<Task>) -> TaskRow {
    let own = &mem[task];
    let usage = match own.is_leader() {
        true => Usage::of_process(mem, task),
        false => Usage::of_task(mem, task),
    };
    let [vsz, rss] = account::pages(mem, task);
    let marks = [
        (own.is_kernel_thread(), KERNEL),
        (own.has(Tif::Staged), STAGED),
        (own.flags & PF_EXITING != 0, EXITING),
        (own.flags & PF_FROZEN != 0, FROZEN),
        (own.has(Tif::MemDie), MEMDIE),
    ];
    TaskRow {
        at: task.unit(),
        pid: own.pid,
        tgid: own.tgid,
        ppid: parent(mem, task).map_or(0, |parent| mem[parent].pid),
        comm: own.comm().to_string(),
        state: account::state_letter(mem, task),
        uid: own.cred.euid,
        nice: own.nice(),
        cpu: own.cpu,
        utime: usage.utime,
        stime: usage.stime,
        start: account::start_time(mem, task),
        vsz,
        rss,
        threads: mem[own.signal].count,
        oom_adj: own.oom_adj,
        marks: marks
            .iter()
            .fold(0, |marks, (holds, mark)| marks | (mark * u8::from(*holds))),
        depth: 0,
        rails: 0,
    }
}

/// Who waits for a task; nobody does for init.
fn parent(mem: &Mem, task: Ref<Task>) -> Option<Ref<Task>> {
    (mem[task].tgid != 1).then_some(mem[task].parent)
}

#[cfg(all(test, feature = "host-ram"))]
mod tests;
