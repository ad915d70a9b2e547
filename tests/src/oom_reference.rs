//! Whom an OOM killer of 2.6.28 ends, written straight from the specification.
//!
//! The kernel's killer is optimised: it bounds scores before it works them out, and stops looking where
//! it can. This one only reads well. It knows plain structs, no kernel, and was written from
//! specs/memory.md 4.1 to 4.3 alone, sentence by sentence; the random task sets of
//! [`crate::oom_sets`] hold the two against each other.

/// `oom_adj` of a task that may not be killed.
pub const OOM_DISABLE: i32 = -17;

/// Nanoseconds of a second.
pub const SECOND: u64 = 1_000_000_000;

/// A task: a thread of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its number.
    pub pid: u32,
    /// The number of its process, which is that of the process's first thread.
    pub tgid: u32,
    /// The process whose child it is.
    pub parent: u32,
    /// Its name.
    pub comm: String,
    /// Its address space, as a place in [`World::total_vm`]; a kernel thread and a zombie have none.
    pub mm: Option<usize>,
    /// User time, in nanoseconds.
    pub utime: u64,
    /// System time, in nanoseconds.
    pub stime: u64,
    /// When it began, in nanoseconds of the monotonic clock; staged tasks may be older than that.
    pub start: i64,
    /// -20 to 19.
    pub nice: i32,
    /// `CAP_SYS_ADMIN` or `CAP_SYS_RESOURCE`.
    pub is_superuser: bool,
    /// `CAP_SYS_RAWIO`.
    pub has_hardware: bool,
    /// NUMA nodes that its cpuset allows, a bit each.
    pub nodes: u32,
    /// -17 to 15.
    pub oom_adj: i32,
    /// `PF_SWAPOFF`: it is taking a swap device away.
    pub is_in_swapoff: bool,
    /// `PF_EXITING`.
    pub is_exiting: bool,
    /// `TIF_MEMDIE`.
    pub is_dying: bool,
}

/// All tasks of a machine, and what the rules know besides.
#[derive(Debug, Clone)]
pub struct World {
    /// Ticks a second: 100, 250 or 1000, the ones whose shift the specification tells.
    pub hz: u32,
    /// The monotonic clock, in nanoseconds.
    pub now: u64,
    /// Who asks for memory, or reads `/proc/<pid>/oom_score`.
    pub current: u32,
    /// In the order of iteration: the processes as they came, each with its threads.
    pub tasks: Vec<Task>,
    /// The size of each address space, in pages.
    pub total_vm: Vec<u64>,
}

/// What `select_bad_process` returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selected {
    /// Somebody is dying already.
    Abort,
    /// There is nobody.
    Nobody,
    /// A task, by its number, and its score.
    Task(u32, u64),
}

/// What becomes of the selected one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Killed {
    /// The one that gets `TIF_MEMDIE`: a child, or the task itself; `None` if nobody may be killed.
    pub victim: Option<u32>,
    /// Tasks of other processes that share its memory and get SIGKILL too.
    pub sharers: Vec<u32>,
}

/// The largest integer whose square is at most `of`, by trying bit after bit.
fn isqrt(of: u64) -> u64 {
    let mut root = 0;
    for bit in (0..32).rev() {
        let larger: u64 = root | 1 << bit;
        if larger * larger <= of {
            root = larger;
        }
    }
    root
}

impl World {
    /// How far eight seconds' worth of ticks is shifted out (4.1, rule 5).
    fn shift_hz(&self) -> u32 {
        match self.hz {
            100 => 7,
            250 => 8,
            1000 => 10,
            other => panic!("the specification tells no SHIFT_HZ for {other}"),
        }
    }

    fn jiffies(&self, ns: u64) -> u64 {
        ns / (SECOND / u64::from(self.hz))
    }

    /// Whole seconds of the monotonic clock.
    fn seconds(ns: i64) -> i64 {
        ns.div_euclid(SECOND as i64)
    }

    /// The task of that number.
    ///
    /// # Panics
    /// If there is none.
    pub fn task(&self, pid: u32) -> &Task {
        let found = self.tasks.iter().find(|task| task.pid == pid);
        found.unwrap_or_else(|| panic!("there is no task {pid}"))
    }

    /// The children of a process, the oldest first: processes, not threads (rule 4).
    pub fn children(&self, task: &Task) -> impl Iterator<Item = &Task> {
        let of = (task.pid == task.tgid).then_some(task.pid);
        let leaders = self.tasks.iter().filter(|child| child.pid == child.tgid);
        leaders.filter(move |child| Some(child.parent) == of && child.pid != child.parent)
    }

    /// A task's score (4.1). The numbers are the specification's.
    pub fn badness(&self, task: &Task) -> u64 {
        // 1
        let Some(mm) = task.mm else {
            return 0;
        };
        // 2
        let mut points = self.total_vm[mm];
        // 3
        if task.is_in_swapoff {
            return u64::MAX;
        }
        // 4
        for child in self.children(task) {
            if let Some(own) = child.mm
                && own != mm
            {
                points += self.total_vm[own] / 2 + 1;
            }
        }
        // 5: the sum is in jiffies; here both are counted more finely, so it is cut once.
        let cpu_time = self.jiffies(task.utime + task.stime) >> (self.shift_hz() + 3);
        let run_time = Self::seconds(self.now as i64) - Self::seconds(task.start);
        let run_time = if run_time < 0 {
            0
        } else {
            run_time as u64 >> 10
        };
        // 6
        points /= isqrt(cpu_time).max(1);
        // 7
        points /= isqrt(isqrt(run_time)).max(1);
        // 8
        if task.nice > 0 {
            points *= 2;
        }
        // 9
        if task.is_superuser {
            points /= 4;
        }
        // 10
        if task.has_hardware {
            points /= 4;
        }
        // 11
        if task.nodes & self.task(self.current).nodes == 0 {
            points /= 8;
        }
        // 12
        if task.oom_adj > 0 {
            if points == 0 {
                points = 1;
            }
            points <<= task.oom_adj;
        }
        if task.oom_adj < 0 {
            points >>= -task.oom_adj;
        }
        points
    }

    /// Who is the worst (4.2), for a machine that is out of memory as a whole. `refused` are those that
    /// were chosen just now and could not be killed: 2.6.28 would choose them again, for ever, so here
    /// the rules go on without them.
    pub fn select(&self, refused: &[u32]) -> Selected {
        let mut chosen = None;
        for task in &self.tasks {
            if task.mm.is_none() {
                continue;
            }
            if task.pid == 1 {
                continue;
            }
            if task.is_dying {
                return Selected::Abort;
            }
            if task.is_exiting {
                if task.pid != self.current {
                    return Selected::Abort;
                }
                chosen = Some((task.pid, u64::MAX));
                continue;
            }
            if task.oom_adj == OOM_DISABLE || refused.contains(&task.pid) {
                continue;
            }
            let points = self.badness(task);
            match chosen {
                Some((_, best)) if points <= best => {}
                _ => chosen = Some((task.pid, points)),
            }
        }
        match chosen {
            Some((pid, points)) => Selected::Task(pid, points),
            None => Selected::Nobody,
        }
    }

    /// Whom the choice of `pid` kills (4.3, `oom_kill_process`).
    pub fn kill(&self, pid: u32) -> Killed {
        let task = self.task(pid);
        if task.is_exiting {
            return Killed {
                victim: Some(pid),
                sharers: Vec::new(),
            };
        }
        let mut children = self.children(task).filter(|child| child.mm != task.mm);
        let killed = children.find_map(|child| self.kill_task(child));
        killed.or_else(|| self.kill_task(task)).unwrap_or_default()
    }

    /// `oom_kill_task`: nobody dies if anybody who shares the memory may not.
    fn kill_task(&self, task: &Task) -> Option<Killed> {
        task.mm?;
        let mut sharers = self.tasks.iter().filter(|other| other.mm == task.mm);
        if sharers.any(|other| other.oom_adj == OOM_DISABLE) {
            return None;
        }
        if task.pid == 1 {
            return None;
        }
        let others = self.tasks.iter().filter(|other| other.mm == task.mm);
        let others = others.filter(|other| other.tgid != task.tgid);
        Some(Killed {
            victim: Some(task.pid),
            sharers: others.map(|other| other.pid).collect(),
        })
    }

    /// What the log says of it (4.6), without the rate-limited report before.
    pub fn log_lines(&self, chosen: u32, points: u64, killed: &Killed) -> Vec<String> {
        let kill = |pid: u32| format!("{pid} ({})", self.task(pid).comm);
        let first = format!(
            "Out of memory: kill process {} score {points} or a child",
            kill(chosen)
        );
        let second = killed
            .victim
            .map(|pid| format!("Killed process {}", kill(pid)));
        std::iter::once(first).chain(second).collect()
    }

    /// What is left when the killed ones have ended: their processes have no memory any more, and their
    /// children are init's.
    pub fn bury(&mut self, killed: &Killed) {
        let dead: Vec<u32> = killed
            .victim
            .iter()
            .chain(&killed.sharers)
            .copied()
            .collect();
        let processes: Vec<u32> = dead.iter().map(|&pid| self.task(pid).tgid).collect();
        for task in &mut self.tasks {
            if processes.contains(&task.tgid) {
                task.mm = None;
            }
            if processes.contains(&task.parent) {
                task.parent = 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400 * SECOND;

    fn task(pid: u32, mm: usize) -> Task {
        Task {
            pid,
            tgid: pid,
            parent: 1,
            comm: format!("t{pid}"),
            mm: Some(mm),
            utime: 0,
            stime: 0,
            start: (10 * DAY) as i64,
            nice: 0,
            is_superuser: false,
            has_hardware: false,
            nodes: 1,
            oom_adj: 0,
            is_in_swapoff: false,
            is_exiting: false,
            is_dying: false,
        }
    }

    /// Init without memory, and tasks 100, 101, ... of these sizes, each in an address space of its own.
    fn world(sizes: &[u64]) -> World {
        let init = Task {
            mm: None,
            ..task(1, 0)
        };
        let others = (0..sizes.len()).map(|place| task(100 + place as u32, place));
        World {
            hz: 1000,
            now: 10 * DAY,
            current: 1,
            tasks: std::iter::once(init).chain(others).collect(),
            total_vm: sizes.to_vec(),
        }
    }

    /// The score of task 100 once it was changed.
    fn score(mut world: World, change: impl FnOnce(&mut Task)) -> u64 {
        change(&mut world.tasks[1]);
        world.badness(&world.tasks[1])
    }

    #[test]
    fn the_vectors_of_the_specification() {
        let one = || world(&[25_600]);
        let family = || {
            let mut world = world(&[25_600, 1000, 1001]);
            world.tasks[2].parent = 100;
            world.tasks[3].parent = 100;
            world
        };
        assert_eq!(score(one(), |_| {}), 25_600);
        assert_eq!(score(family(), |_| {}), 26_602);
        // HZ=1000: a jiffy is a millisecond.
        assert_eq!(score(one(), |it| it.utime = 100 * SECOND), 8533);
        let old = |it: &mut Task| {
            it.utime = 300 * SECOND;
            it.stime = 100 * SECOND;
            it.start -= DAY as i64;
        };
        assert_eq!(score(one(), old), 1422);
        let root = |it: &mut Task| {
            old(it);
            it.is_superuser = true;
            it.has_hardware = true;
        };
        assert_eq!(score(one(), root), 88);
        let small = |it: &mut Task| {
            it.is_superuser = true;
            it.has_hardware = true;
            it.oom_adj = 3;
        };
        assert_eq!(score(world(&[10]), small), 8);
        assert_eq!(score(one(), |it| it.oom_adj = OOM_DISABLE), 0);
        let elsewhere = |it: &mut Task| {
            it.nice = 5;
            it.nodes = 2;
        };
        assert_eq!(score(one(), elsewhere), 6400);
    }

    #[test]
    fn what_the_vectors_leave_out() {
        assert_eq!(score(world(&[7]), |it| it.mm = None), 0);
        assert_eq!(score(world(&[7]), |it| it.is_in_swapoff = true), u64::MAX);
        // Begun in the future.
        assert_eq!(score(world(&[7]), |it| it.start += DAY as i64), 7);
        // Section 10: small values have no effect.
        for (hz, none, some) in [
            (1000, 32_767, 32_768),
            (250, 32_767, 32_768),
            (100, 40_959, 40_960),
        ] {
            let of = |ms: u64| {
                let mut world = world(&[1000]);
                world.hz = hz;
                score(world, |it| it.utime = ms * 1_000_000)
            };
            assert_eq!(
                (of(none / 4), of(none), of(some)),
                (1000, 1000, 500),
                "HZ={hz}"
            );
        }
        let aged = |seconds: i64| score(world(&[1000]), |it| it.start -= seconds * SECOND as i64);
        assert_eq!((aged(16 * 1024 - 1), aged(16 * 1024)), (1000, 500));
        // A child that shares the memory does not count, nor does a grandchild.
        let mut three = world(&[100, 1000, 4000]);
        three.tasks[2].parent = 100;
        three.tasks[2].mm = Some(0);
        three.tasks[3].parent = 101;
        assert_eq!(three.badness(three.task(100)), 100);
        assert_eq!(isqrt(u64::MAX), u32::MAX as u64);
        assert_eq!(
            (0..10).map(isqrt).collect::<Vec<_>>(),
            [0, 1, 1, 1, 2, 2, 2, 2, 2, 3]
        );
    }

    #[test]
    fn selection_takes_the_first_of_the_worst() {
        let three = world(&[10, 20, 20]);
        assert_eq!(three.select(&[]), Selected::Task(101, 20));
        let mut zero = world(&[0, 0]);
        assert_eq!(
            zero.select(&[]),
            Selected::Task(100, 0),
            "the first one, though its score is 0"
        );
        zero.tasks[1].oom_adj = OOM_DISABLE;
        assert_eq!(zero.select(&[]), Selected::Task(101, 0));
        zero.tasks[2].oom_adj = OOM_DISABLE;
        assert_eq!(zero.select(&[]), Selected::Nobody);
        // Asked for before the test for -17.
        zero.tasks[2].is_dying = true;
        assert_eq!(zero.select(&[]), Selected::Abort);
        let mut exiting = world(&[10, 20]);
        exiting.tasks[1].is_exiting = true;
        assert_eq!(exiting.select(&[]), Selected::Abort);
        exiting.current = 100;
        assert_eq!(exiting.select(&[]), Selected::Task(100, u64::MAX));
    }

    #[test]
    fn children_die_first_and_sharers_too() {
        let mut family = world(&[100, 5, 6, 50]);
        family.tasks[2].parent = 100;
        family.tasks[3].parent = 100;
        let only = |pid| Killed {
            victim: Some(pid),
            sharers: Vec::new(),
        };
        assert_eq!(
            family.kill(100),
            only(101),
            "the first child, not the largest"
        );
        family.tasks[2].oom_adj = OOM_DISABLE;
        assert_eq!(family.kill(100), only(102));
        family.tasks[3].mm = None;
        assert_eq!(family.kill(100), only(100));
        // Somebody who shares the memory may not be killed, so nobody may.
        family.tasks[4].mm = Some(0);
        let both = Killed {
            victim: Some(100),
            sharers: vec![103],
        };
        assert_eq!(family.kill(100), both);
        assert_eq!(
            family.log_lines(100, 104, &both),
            [
                "Out of memory: kill process 100 (t100) score 104 or a child",
                "Killed process 100 (t100)"
            ]
        );
        let mut after = family.clone();
        after.bury(&both);
        assert_eq!((after.task(103).mm, after.task(102).parent), (None, 1));
        assert_eq!(after.select(&[]), Selected::Nobody);
        family.tasks[4].oom_adj = OOM_DISABLE;
        assert_eq!(family.kill(100), Killed::default());
    }
}
