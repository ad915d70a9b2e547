//! What the scheduler shows in `/proc`, in the formats of 2.6.24 (specs/containers_async_proc.md 5.3):
//! `stat`, `uptime`, `loadavg`, `schedstat`, `<pid>/sched`, and what may be tuned in `sys/kernel`.

use core::fmt::{self, Write};

use super::run::FIXED_1;
use super::{
    MEM, Mem, Ref, Rq, SCHED, TASK, Task, nr_running, nr_switches, nr_uninterruptible, rq,
};
use crate::errno::Errno;
use crate::task::time::{self, NSEC_PER_SEC, to_user_hz};

/// When the machine was switched on, in seconds since 1970: there is no clock to look at, so it is the day
/// of the tenth version of the containers patch.
pub const BTIME: u64 = 1_180_483_200;
/// Interrupt lines.
const NR_IRQS: u32 = 16;

/// `/proc/stat`: where the CPUs' time went, in hundredths of a second, and what the kernel has counted.
///
/// # Errors
/// Those of `out`.
pub fn stat(mem: &Mem, out: &mut dyn Write) -> fmt::Result {
    let cpus = mem[MEM].nr_cpus;
    let times = |rq: &Rq| [rq.user_time, rq.nice_time, rq.system_time, rq.idle_time];
    let mut sum = [0; 4];
    for cpu in 0..cpus {
        for (sum, time) in sum.iter_mut().zip(times(&mem[rq(cpu)])) {
            *sum += time;
        }
    }
    write!(out, "cpu ")?;
    show_times(sum, out)?;
    for cpu in 0..cpus {
        write!(out, "cpu{cpu}")?;
        show_times(times(&mem[rq(cpu)]), out)?;
    }
    let ticks = mem[SCHED].ticks;
    write!(out, "intr {ticks} {ticks}")?;
    for _ in 1..NR_IRQS {
        write!(out, " 0")?;
    }
    writeln!(out, "\nctxt {}", nr_switches(mem))?;
    writeln!(out, "btime {BTIME}")?;
    writeln!(out, "processes {}", mem[TASK].total_forks)?;
    writeln!(out, "procs_running {}", nr_running(mem))?;
    writeln!(out, "procs_blocked {}", nr_uninterruptible(mem))
}

/// User, nice, system, idle; iowait, irq, softirq, steal and guest are none.
fn show_times(times: [u64; 4], out: &mut dyn Write) -> fmt::Result {
    for time in times {
        write!(out, " {}", to_user_hz(time))?;
    }
    writeln!(out, " 0 0 0 0 0")
}

/// `/proc/uptime`: seconds since boot, and how many of them CPU 0 was idle.
///
/// # Errors
/// Those of `out`.
pub fn uptime(mem: &Mem, out: &mut dyn Write) -> fmt::Result {
    let [up, idle] = [time::now(mem), mem[rq(0)].idle_time].map(to_user_hz);
    writeln!(
        out,
        "{}.{:02} {}.{:02}",
        up / 100,
        up % 100,
        idle / 100,
        idle % 100
    )
}

/// `/proc/loadavg`: the averages, runnable of all tasks, and the number given last.
///
/// # Errors
/// Those of `out`.
pub fn loadavg(mem: &Mem, out: &mut dyn Write) -> fmt::Result {
    for load in mem[SCHED].avenrun {
        let load = load + FIXED_1 / 200;
        let hundredths = (load % FIXED_1) * 100 / FIXED_1;
        write!(out, "{}.{hundredths:02} ", load / FIXED_1)?;
    }
    let data = &mem[TASK];
    writeln!(
        out,
        "{}/{} {}",
        nr_running(mem),
        data.nr_threads,
        data.pids.last_pid
    )
}

/// `/proc/schedstat`, version 14. Of a CPU: three kinds of yields that this scheduler does not tell
/// apart, yields; a number that is no longer counted, calls of `schedule`, those that found nobody;
/// wake-ups, those on the same CPU; time that tasks ran, time that they waited, and turns.
///
/// # Errors
/// Those of `out`.
pub fn schedstat(mem: &Mem, out: &mut dyn Write) -> fmt::Result {
    let jiffies = time::now(mem) / time::tick_ns(mem);
    writeln!(out, "version 14\ntimestamp {jiffies}")?;
    for cpu in 0..mem[MEM].nr_cpus {
        let rq = &mem[rq(cpu)];
        let ran = rq.user_time + rq.nice_time + rq.system_time;
        writeln!(
            out,
            "cpu{cpu} 0 0 0 {} 0 {} {} {} {} {ran} {} {}",
            rq.yld_count,
            rq.sched_count,
            rq.sched_goidle,
            rq.ttwu_count,
            rq.ttwu_local,
            rq.run_delay,
            rq.nr_switches,
        )?;
    }
    Ok(())
}

/// `/proc/<pid>/sched`: what the scheduler knows of a task. Times are in milliseconds.
///
/// # Errors
/// Those of `out`.
pub fn task_sched(mem: &Mem, task: Ref<Task>, out: &mut dyn Write) -> fmt::Result {
    let t = &mem[task];
    let threads = match t.signal.is_null() {
        true => 0,
        false => mem[t.signal].live,
    };
    writeln!(out, "{} ({}, #threads: {threads})", t.comm(), t.pid)?;
    writeln!(out, "{:->57}", "")?;
    for (name, ns) in [
        ("se.exec_start", t.se.exec_start),
        ("se.vruntime", t.se.vruntime),
        ("se.sum_exec_runtime", t.se.sum_exec_runtime),
    ] {
        writeln!(
            out,
            "{name:<35}:{:14}.{:06}",
            ns / 1_000_000,
            ns % 1_000_000
        )?;
    }
    for (name, number) in [
        ("nr_switches", t.nvcsw + t.nivcsw),
        ("nr_voluntary_switches", t.nvcsw),
        ("nr_involuntary_switches", t.nivcsw),
        ("se.load.weight", t.se.weight),
        ("policy", t.policy),
        ("prio", t.static_prio),
    ] {
        writeln!(out, "{name:<35}:{number:21}")?;
    }
    Ok(())
}

/// What may be tuned, in `/proc/sys/kernel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tunable {
    /// `sched_latency_ns`: in which time everybody is to run once.
    Latency,
    /// `sched_min_granularity_ns`: how long one should run at least.
    MinGranularity,
    /// `sched_wakeup_granularity_ns`: how far behind a woken task has to be to preempt.
    WakeupGranularity,
    /// `sched_child_runs_first`: 1 or 0.
    ChildRunsFirst,
    /// `sched_compat_yield`: 1 if who yields goes behind all others.
    CompatYield,
}

/// The value of a tunable.
pub fn tunable(mem: &Mem, which: Tunable) -> u64 {
    let data = &mem[SCHED];
    match which {
        Tunable::Latency => data.latency,
        Tunable::MinGranularity => data.min_granularity,
        Tunable::WakeupGranularity => data.wakeup_granularity,
        Tunable::ChildRunsFirst => u64::from(data.child_runs_first),
        Tunable::CompatYield => u64::from(data.compat_yield),
    }
}

/// Sets a tunable. The latency and the least time also say how many tasks share the latency before
/// it grows.
///
/// # Errors
/// `EINVAL` if a time is not between 100 microseconds (0 for wake-ups) and a second.
pub fn set_tunable(mem: &mut Mem, which: Tunable, value: u64) -> Result<(), Errno> {
    let least = match which {
        Tunable::Latency | Tunable::MinGranularity => 100_000,
        _ => 0,
    };
    if !(least..=NSEC_PER_SEC).contains(&value) {
        return Err(Errno::EINVAL);
    }
    let data = &mut mem[SCHED];
    match which {
        Tunable::Latency => data.latency = value,
        Tunable::MinGranularity => data.min_granularity = value,
        Tunable::WakeupGranularity => data.wakeup_granularity = value,
        Tunable::ChildRunsFirst => data.child_runs_first = u32::from(value != 0),
        Tunable::CompatYield => data.compat_yield = u32::from(value != 0),
    }
    data.nr_latency = data.latency.div_ceil(data.min_granularity) as u32;
    Ok(())
}
