//! The scheduler's run queues: who runs on each CPU, and who waits in its red-black trees.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Table, View, headings};

/// The run queues of all CPUs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchedView {
    /// Nanoseconds since boot.
    pub now_ns: u64,
    /// In which time everybody of a queue is to run once, in nanoseconds (`sched_latency_ns`).
    pub latency_ns: u64,
    /// How far behind a woken task has to be to push the running one aside, in nanoseconds
    /// (`sched_wakeup_granularity_ns`).
    pub wakeup_ns: u64,
    /// One a CPU, in their order.
    pub cpus: Vec<RunQueueView>,
    /// The groups of the cpu subsystem, parents before children; the root group is the first.
    pub groups: Vec<GroupView>,
    /// Groups that `groups` has no room for.
    pub groups_left_out: u32,
}

/// A group of the scheduler: a container of the cpu subsystem.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// Handle of the `task_group`, in units of 8 bytes.
    pub at: u32,
    /// The container's path in its hierarchy.
    pub path: String,
    /// Its part, against those of the groups beside it.
    pub shares: u32,
    /// The group that it is in, by its place in the list; `None` for the root group.
    pub parent: Option<u32>,
    /// Sum of the weights of what is runnable in it, on all CPUs.
    pub load: u64,
}

/// A CPU's run queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunQueueView {
    /// CPU.
    pub cpu: u32,
    /// Handle of the `rq`, in units of 8 bytes.
    pub at: u32,
    /// The CPU's time, in nanoseconds since boot.
    pub clock_ns: u64,
    /// Runnable tasks, those of groups and the running one included.
    pub nr_running: u32,
    /// Context switches since boot.
    pub switches: u64,
    /// Time that tasks ran programs, those of a positive nice level included, in nanoseconds.
    pub user_ns: u64,
    /// Time that tasks ran in the kernel, in nanoseconds.
    pub system_ns: u64,
    /// Time that nobody wanted to run, in nanoseconds.
    pub idle_ns: u64,
    /// The running task is to give way.
    pub need_resched: bool,
    /// The root group's queue, then those of the groups that have somebody runnable here.
    pub queues: Vec<QueueView>,
}

/// A queue on one CPU: the CPU's own, or a group's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueView {
    /// Handle of the `cfs_rq`, in units of 8 bytes.
    pub at: u32,
    /// The path of the group whose queue it is; `/` for the root group.
    pub path: String,
    /// The queue above it, by its place in the list; `None` for the CPU's own.
    pub above: Option<u32>,
    /// Sum of the weights of all that is runnable in it.
    pub load: u64,
    /// Where those who come begin; never runs backwards. Nanoseconds of virtual time.
    pub min_vruntime: u64,
    /// The entity that runs, or whose task does; it is not in the tree.
    pub running: Option<EntityView>,
    /// The tree's topmost node, by its place in the list.
    pub root: Option<u32>,
    /// The tree's nodes in their order: who has come least is the first, and next.
    pub nodes: Vec<EntityView>,
    /// Nodes of the tree that the list has no room for; all have come further than most of the list.
    pub left_out: u32,
}

/// A task or a group in a queue (`sched_entity`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityView {
    /// Its handle, in units of 8 bytes: the task's, or that of the group's entity here.
    pub at: u32,
    /// The task's number; 0 for a group.
    pub pid: u32,
    /// `101 (spin)` for a task, the container's path for a group.
    pub label: String,
    /// 1024 for nice 0; a group's shares.
    pub weight: u32,
    /// How far it has come, in nanoseconds of virtual time.
    pub vruntime: u64,
    /// CPU time that it had in all, in nanoseconds.
    pub had_ns: u64,
    /// What of that it had in this turn, or in its last one.
    pub turn_ns: u64,
    /// How long it may run at a time as things stand, in nanoseconds.
    pub slice_ns: u64,
    /// Red rather than black.
    pub is_red: bool,
    /// The node above it, by its place in the list.
    pub parent: Option<u32>,
    /// The node to its left below.
    pub left: Option<u32>,
    /// The node to its right below.
    pub right: Option<u32>,
    /// A group's own queue, by its place in the CPU's list.
    pub queue: Option<u32>,
}

/// Something that decides who runs next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason {
    /// The queue that it is about, by its place in the CPU's list.
    pub queue: usize,
    /// The handle of the entity that it is about; 0 if it is about none.
    pub at: u32,
    /// What was decided, and why.
    pub text: String,
}

/// A point of time, in nanoseconds, as `3.200 ms`: exact to the microsecond however late.
pub(super) fn milliseconds(ns: u64) -> String {
    format!("{}.{:03} ms", ns / 1_000_000, ns / 1000 % 1000)
}

/// A length of time, in nanoseconds, as `3.200 ms`; from ten seconds on as `12.345 s`.
pub fn duration(ns: u64) -> String {
    match ns {
        ..10_000_000_000 => milliseconds(ns),
        _ => format!("{}.{:03} s", ns / 1_000_000_000, ns / 1_000_000 % 1000),
    }
}

/// How much further `a` has come than `b`; negative if it is behind. Virtual times may wrap.
pub fn ahead(a: u64, b: u64) -> i64 {
    a.wrapping_sub(b) as i64
}

impl EntityView {
    /// `101 (spin)`, or `group /guests`.
    pub fn name(&self) -> String {
        match self.pid {
            0 => words::sched::group(&self.label),
            _ => self.label.clone(),
        }
    }
}

impl QueueView {
    /// The node or the running entity of this handle.
    pub fn entity(&self, at: u32) -> Option<&EntityView> {
        let all = self.nodes.iter().chain(&self.running);
        let mut found = all.filter(|entity| entity.at == at);
        found.next()
    }

    /// What is known of an entity of this queue, in words.
    pub fn words(&self, entity: &EntityView) -> String {
        let place = self.nodes.iter().position(|node| node.at == entity.at);
        let state = match place {
            None if entity.pid == 0 => words::sched::state_group_runs().to_string(),
            None => words::sched::state_runs().to_string(),
            Some(0) => words::sched::state_first().to_string(),
            Some(before) => words::sched::state_waits(before),
        };
        let mut text = words::sched::entity(entity.name(), state, duration(entity.vruntime));
        if let Some(running) = self.running.as_ref().filter(|it| it.at != entity.at) {
            let ahead = ahead(entity.vruntime, running.vruntime);
            let apart = duration(ahead.unsigned_abs());
            text.push_str(&match ahead < 0 {
                true => words::sched::entity_behind(apart, running.name()),
                false => words::sched::entity_ahead(apart, running.name()),
            });
        }
        let slice = duration(entity.slice_ns);
        text.push_str(&words::sched::entity_weight(
            entity.weight,
            self.load,
            slice,
        ));
        if place.is_some() {
            text.push_str(if entity.is_red {
                words::sched::entity_red()
            } else {
                words::sched::entity_black()
            });
        } else {
            let turn = duration(entity.turn_ns);
            text.push_str(&words::sched::entity_turn(turn));
        }
        text
    }

    /// Who waits in it, in words: `3 wait`.
    fn waiting(&self) -> u64 {
        self.nodes.len() as u64 + u64::from(self.left_out)
    }
}

impl RunQueueView {
    /// The task that runs here; `None` while the CPU is idle.
    pub fn running(&self) -> Option<&EntityView> {
        let mut entity = self.queues.first()?.running.as_ref()?;
        while let Some(queue) = entity.queue {
            entity = self.queues.get(queue as usize)?.running.as_ref()?;
        }
        Some(entity)
    }

    /// What decides who runs next here, step by step, and who that is.
    pub fn why(&self) -> (Vec<Reason>, Option<&EntityView>) {
        let mut reasons = Vec::new();
        let mut at = 0;
        while let Some(queue) = self.queues.get(at) {
            let mut reason = Reason {
                queue: at,
                ..Reason::default()
            };
            let (next, text) = match (&queue.running, queue.nodes.first()) {
                (None, None) => (None, words::sched::why_idle().to_string()),
                (Some(running), None) => (
                    Some(running),
                    words::sched::why_goes_on(&queue.path, running.name()),
                ),
                (None, Some(first)) => (
                    Some(first),
                    words::sched::why_leftmost(
                        queue.waiting(),
                        &queue.path,
                        first.name(),
                        duration(first.vruntime),
                    ),
                ),
                (Some(running), Some(first)) => {
                    let behind = ahead(running.vruntime, first.vruntime);
                    let apart = duration(behind.unsigned_abs());
                    let (running_name, name, path) = (running.name(), first.name(), &queue.path);
                    if behind >= 0 {
                        let text = words::sched::why_behind(name, path, apart, running_name);
                        (Some(first), text)
                    } else {
                        let text = words::sched::why_not_yet(name, path, running_name, apart);
                        (Some(running), text)
                    }
                }
            };
            reason.text = text;
            reason.at = next.map_or(0, |entity| entity.at);
            reasons.push(reason);
            let Some(next) = next else {
                return (reasons, None);
            };
            match next.queue {
                Some(below) if below as usize > at => at = below as usize,
                _ => {
                    reasons.push(Reason {
                        queue: at,
                        at: next.at,
                        text: words::sched::why_so(
                            next.name(),
                            duration(next.slice_ns),
                            next.weight,
                            queue.load,
                        ),
                    });
                    return (reasons, Some(next));
                }
            }
        }
        (reasons, None)
    }

    /// `CPU 0 runs 101 (spin); next is 102 (spin), which is 3.200 ms behind`.
    fn sentence(&self) -> String {
        let Some(running) = self.running() else {
            return match self.why().1 {
                Some(next) => words::sched::cpu_will_run(self.cpu, next.name()),
                None => words::sched::cpu_idle(self.cpu),
            };
        };
        let mut text = words::sched::cpu_runs(self.cpu, running.name());
        match self.why().1 {
            Some(next) if next.at != running.at => {
                text.push_str(&words::sched::cpu_next(next.name()));
                let is_beside = self.queues.iter().any(|queue| {
                    queue.entity(next.at).is_some() && queue.entity(running.at).is_some()
                });
                if is_beside {
                    let behind = ahead(running.vruntime, next.vruntime).unsigned_abs();
                    text.push_str(&words::sched::cpu_next_behind(duration(behind)));
                }
            }
            _ => text.push_str(match self.nr_running {
                0 | 1 => words::sched::cpu_alone(),
                _ => words::sched::cpu_still(),
            }),
        }
        text
    }
}

impl View for SchedView {
    /// One row an entity: on each CPU, queue by queue, who runs, then who waits, the next first.
    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for cpu in &self.cpus {
            for queue in &cpu.queues {
                let node = |place: Option<u32>| {
                    let node = place.and_then(|place| queue.nodes.get(place as usize));
                    node.map_or(String::new(), |node| node.label.clone())
                };
                let runs = || String::from(words::sched::state_runs());
                let running = queue.running.iter().map(|it| (runs(), it));
                let waiting = queue.nodes.iter().zip(1..).map(|(it, number)| {
                    let place = match it.is_red {
                        true => words::sched::red(number),
                        false => words::sched::black(number),
                    };
                    (place, it)
                });
                for (place, entity) in running.chain(waiting) {
                    rows.push(
                        [
                            cpu.cpu.to_string(),
                            queue.path.clone(),
                            place,
                            entity.name(),
                            duration(entity.vruntime),
                            entity.weight.to_string(),
                            duration(entity.slice_ns),
                            duration(entity.had_ns),
                            node(entity.parent),
                            node(entity.left),
                            node(entity.right),
                        ]
                        .into(),
                    );
                }
            }
        }
        Table {
            caption: self.sentence(),
            columns: headings([
                words::sched::column_cpu(),
                words::sched::column_queue(),
                words::sched::column_place(),
                words::sched::column_who(),
                words::sched::column_vruntime(),
                words::sched::column_weight(),
                words::sched::column_slice(),
                words::sched::column_time(),
                words::sched::column_below(),
                words::sched::column_left(),
                words::sched::column_right(),
            ]),
            rows,
        }
    }

    fn sentence(&self) -> String {
        let mut text = String::new();
        for cpu in &self.cpus {
            if !text.is_empty() {
                text.push_str(". ");
            }
            text.push_str(&cpu.sentence());
        }
        text
    }
}
