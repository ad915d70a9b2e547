//! Letting time pass.
//!
//! Time comes in stretches, each up to the next thing that happens at a known time: a timer tick, an
//! alarm, the end. In a stretch the CPUs have their turns one after another, each with a clock of its
//! own, and run whoever is to run; then all clocks agree again. What one CPU does another sees in the
//! same stretch if its number is higher, and in the next if it is lower. When nobody wants to run,
//! the ticks in between are left out, so sleeping costs next to nothing.

use super::{Rq, SCHED, balance, fair, rq, tasks};
use crate::container::freezer;
use crate::errno::Errno;
use crate::mem::{MEM, Mem, Ref, reclaim};
use crate::oom::{self, weights};
use crate::task::signal::{self, Delivered};
use crate::task::wait::{self, Why};
use crate::task::{INTERRUPTIBLE, RUNNING, TASK, Task, Tif, get_task, program, put_task, time};

/// Nanoseconds between two looks at the load.
pub(super) const LOAD_FREQ: u64 = 5_000_000_000;
/// What the load averages over 1, 5 and 15 minutes keep of their old value, in 2048ths.
const DECAY: [u64; 3] = [1884, 2014, 2037];
/// One, in a load average.
pub(super) const FIXED_1: u64 = 2048;

/// How a task used its CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Time that it took, in nanoseconds; at least 1 is charged. The task's `utime` and `stime` have it
    /// already. It may exceed what it was given by the length of an instruction.
    pub used_ns: u64,
    /// Why it ended.
    pub outcome: Outcome,
}

/// Why a task's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its time is over, or somebody else is to run.
    Again,
    /// It sleeps.
    Blocked,
    /// It gave the CPU away.
    Yield,
    /// It has ended.
    Exited,
}

/// Runs a task for about so many nanoseconds.
pub type Runner<'a> = &'a mut dyn FnMut(&mut Mem, Ref<Task>, u64) -> Run;

/// Runs a task's program. A thread of the kernel has none; what it has to do is done elsewhere, and it
/// sleeps again. A staged task was woken because it was frozen: it takes its signals, and sleeps on.
fn run_task(mem: &mut Mem, task: Ref<Task>, budget_ns: u64) -> Run {
    if !mem[task].program.is_null() {
        return program::run(mem, task, budget_ns);
    }
    let delivered = match mem[task].is_kernel_thread() {
        true => Delivered::Nothing,
        false if mem[task].has(Tif::Staged) => signal::deliver(mem, task),
        false => return burn(mem, task, budget_ns),
    };
    let outcome = match delivered {
        Delivered::Exited => Outcome::Exited,
        Delivered::Stopped => Outcome::Blocked,
        Delivered::Nothing | Delivered::Handler(_) => {
            wait::sleep(mem, INTERRUPTIBLE, Why::Nothing);
            Outcome::Blocked
        }
    };
    Run {
        used_ns: 0,
        outcome,
    }
}

/// Runs a task that takes all the time it is given, whatever its program: a stand-in for measurements.
pub fn burn(mem: &mut Mem, task: Ref<Task>, budget_ns: u64) -> Run {
    mem[task].utime += budget_ns;
    Run {
        used_ns: budget_ns,
        outcome: Outcome::Again,
    }
}

/// Lets `ns` nanoseconds pass while the shell sleeps, or less: `tick` is called after each stretch, and
/// stops it by returning true. Returns how many have passed.
///
/// # Errors
/// `EINTR` when the line has used up its steps, or the kernel has panicked.
pub fn run_for(
    mem: &mut Mem,
    ns: u64,
    tick: &mut dyn FnMut(&mut Mem) -> bool,
) -> Result<u64, Errno> {
    run_with(mem, ns, tick, &mut run_task)
}

/// The same with tasks that do what `runner` says.
///
/// # Errors
/// As [`run_for`].
pub fn run_with(
    mem: &mut Mem,
    ns: u64,
    tick: &mut dyn FnMut(&mut Mem) -> bool,
    runner: Runner<'_>,
) -> Result<u64, Errno> {
    let init = mem[TASK].init;
    let (cpu, shell, preempt_count) = (mem[MEM].cpu, mem[MEM].current, mem[MEM].preempt_count);
    if preempt_count > 0 {
        let task = mem[shell];
        let (comm, pid) = (task.comm(), task.pid);
        mem.printk(format_args!(
            "BUG: scheduling while atomic: {comm}/0x{preempt_count:08x}/{pid}"
        ));
    }
    mem[MEM].preempt_count = 0;
    mem[init].state = INTERRUPTIBLE;
    let begin = mem[TASK].now;
    let until = begin.saturating_add(ns);
    let mut result = Ok(());
    let mut stops = false;
    while result.is_ok() && !stops && mem[TASK].now < until {
        result = stretch(mem, until, runner);
        stops = tick(mem);
    }
    mem[init].state = RUNNING;
    mem[MEM].current = shell;
    // The CPU exists, and nothing forbids to go there.
    let _ = mem.set_cpu(cpu);
    mem[MEM].preempt_count = preempt_count;
    let passed = mem[TASK].now - begin;
    result.map(|()| passed)
}

/// Lets time pass up to the next thing that happens, or `until`, and does what is due then.
fn stretch(mem: &mut Mem, until: u64, runner: Runner<'_>) -> Result<(), Errno> {
    let cpus = mem[MEM].nr_cpus;
    let begin = mem[TASK].now;
    let is_idle = (0..cpus).all(|cpu| {
        let Rq {
            nr_running,
            need_resched,
            ..
        } = mem[rq(cpu)];
        nr_running == 0 && need_resched == 0
    });
    let mut end = until;
    if let Some(expiry) = time::next_expiry(mem) {
        end = end.min(expiry.max(begin));
    }
    if !is_idle {
        end = end.min(mem[SCHED].next_tick);
    }
    for cpu in 0..cpus {
        if mem[rq(cpu)].clock < end {
            let result = run_cpu(mem, cpu, end, runner);
            if result.is_err() {
                // Whoever comes back finds some CPUs ahead of others, no more.
                mem[TASK].now = begin;
                return result;
            }
        }
    }
    mem[TASK].now = end;
    time::run_timers(mem, end);
    average_load(mem, end);
    if end >= mem[SCHED].next_tick {
        let tick = time::tick_ns(mem);
        let data = &mut mem[SCHED];
        data.ticks += 1;
        data.next_tick += ((end - data.next_tick) / tick + 1) * tick;
        for cpu in 0..cpus {
            let Rq { curr, idle, .. } = mem[rq(cpu)];
            mem.set_cpu(cpu)?;
            if curr != idle {
                fair::task_tick(mem, curr);
            }
            balance::tick(mem, cpu, end);
        }
        reclaim::kswapd(mem);
    }
    mem.charge(1)
}

/// Runs a CPU up to `end`.
fn run_cpu(mem: &mut Mem, cpu: u32, end: u64, runner: Runner<'_>) -> Result<(), Errno> {
    let rq = rq(cpu);
    mem.set_cpu(cpu)?;
    loop {
        let Rq {
            curr,
            idle,
            need_resched,
            ..
        } = mem[rq];
        if need_resched != 0 || curr == idle {
            tasks::schedule(mem, cpu);
        }
        let Rq {
            curr, idle, clock, ..
        } = mem[rq];
        if clock >= end {
            return Ok(());
        }
        if curr == idle {
            let queue = &mut mem[rq];
            queue.idle_time += end - clock;
            queue.clock = end;
            return Ok(());
        }
        mem[MEM].current = curr;
        mem[TASK].now = clock;
        // It may end and be forgotten before it can be charged.
        get_task(mem, curr);
        let system_before = mem[curr].stime;
        let Run { used_ns, outcome } = match freezer::try_to_freeze(mem, curr) {
            true => Run {
                used_ns: 0,
                outcome: Outcome::Blocked,
            },
            false => runner(mem, curr, end - clock),
        };
        let system = mem[curr].stime - system_before;
        account(mem, cpu, curr, used_ns.max(1), system);
        put_task(mem, curr);
        if oom::has_panicked(mem) {
            return Err(Errno::EINTR);
        }
        match outcome {
            Outcome::Again => {}
            Outcome::Blocked | Outcome::Exited => tasks::schedule(mem, cpu),
            Outcome::Yield => tasks::yield_task(mem, cpu),
        }
        mem.charge(1)?;
    }
}

/// Counts time that a task took, and how much of it in the kernel, for its CPU.
fn account(mem: &mut Mem, cpu: u32, task: Ref<Task>, used: u64, system: u64) {
    let system = system.min(used);
    let user = used - system;
    let own = &mem[task];
    let is_nice = own.nice() > 0;
    let weighs_less = (own.utime + own.stime) >> weights::DUE_SHIFT >= own.se.weight_due.into();
    let rq = &mut mem[rq(cpu)];
    rq.clock += used;
    rq.system_time += system;
    match is_nice {
        true => rq.nice_time += user,
        false => rq.user_time += user,
    }
    if weighs_less {
        weights::note_time(mem, task);
    }
}

/// Takes the load averages, every five seconds.
fn average_load(mem: &mut Mem, now: u64) {
    if now < mem[SCHED].next_load {
        return;
    }
    // The shell waits for time to pass.
    let queued: u32 = (0..mem[MEM].nr_cpus)
        .map(|cpu| mem[rq(cpu)].nr_running)
        .sum();
    let active = u64::from(queued.wrapping_add(super::nr_uninterruptible(mem))) * FIXED_1;
    let data = &mut mem[SCHED];
    let periods = (now - data.next_load) / LOAD_FREQ + 1;
    data.next_load += periods * LOAD_FREQ;
    for (load, decay) in data.avenrun.iter_mut().zip(DECAY) {
        // Sooner or later it stays as it is, however long an idle machine sleeps.
        for _ in 0..periods {
            let next = (*load * decay + active * (FIXED_1 - decay)) >> 11;
            if next == *load {
                break;
            }
            *load = next;
        }
    }
}
