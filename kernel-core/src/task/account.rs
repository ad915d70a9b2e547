//! What a task has used, as `/proc`, `ps` and `top` tell it.

use super::{EXIT_ZOMBIE, INTERRUPTIBLE, RUNNING, STOPPED, TASK, Task, UNINTERRUPTIBLE, threads};
use crate::mem::{Mem, Ref};

/// Times and faults of a task, or of all threads of a process, those included that have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// User time in nanoseconds.
    pub utime: u64,
    /// System time in nanoseconds.
    pub stime: u64,
    /// Page faults without waiting for a disk.
    pub min_flt: u64,
    /// Those that waited.
    pub maj_flt: u64,
}

impl Usage {
    /// Of one task.
    pub fn of_task(mem: &Mem, task: Ref<Task>) -> Usage {
        let task = &mem[task];
        Usage {
            utime: task.utime,
            stime: task.stime,
            min_flt: task.min_flt.into(),
            maj_flt: task.maj_flt.into(),
        }
    }

    /// Of a task's whole process.
    pub fn of_process(mem: &Mem, task: Ref<Task>) -> Usage {
        let signal = mem[task].signal;
        let ended = &mem[signal];
        let mut usage = Usage {
            utime: ended.utime,
            stime: ended.stime,
            min_flt: ended.min_flt.into(),
            maj_flt: ended.maj_flt.into(),
        };
        for thread in threads(mem, signal) {
            let own = Usage::of_task(mem, thread);
            usage.utime += own.utime;
            usage.stime += own.stime;
            usage.min_flt += own.min_flt;
            usage.maj_flt += own.maj_flt;
        }
        usage
    }

    /// Both times.
    pub fn time(&self) -> u64 {
        self.utime + self.stime
    }
}

/// The letter of a task's state: that of its exit, if it has ended.
pub fn state_letter(mem: &Mem, task: Ref<Task>) -> char {
    let Task {
        state, exit_state, ..
    } = mem[task];
    match (exit_state, state) {
        (EXIT_ZOMBIE, _) => 'Z',
        (0, RUNNING) => 'R',
        (0, INTERRUPTIBLE) => 'S',
        (0, UNINTERRUPTIBLE) => 'D',
        (0, STOPPED) => 'T',
        _ => 'X',
    }
}

/// Pages of a task's address space, and how many of them are in memory.
pub fn pages(mem: &Mem, task: Ref<Task>) -> [u32; 2] {
    let mm = mem[task].mm;
    if mm.is_null() {
        return [0; 2];
    }
    let mm = &mem[mm];
    [mm.total_vm, mm.anon_rss + mm.file_rss + mm.staged_rss]
}

/// Nanoseconds since a task began. A staged one may have begun before the machine.
pub fn age(mem: &Mem, task: Ref<Task>) -> u64 {
    mem[TASK].now.wrapping_sub(mem[task].start_time)
}

/// Nanoseconds since boot at which a task began, below 0 if it was staged so.
pub fn start_time(mem: &Mem, task: Ref<Task>) -> i64 {
    mem[task].start_time as i64
}
