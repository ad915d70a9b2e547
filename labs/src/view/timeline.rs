//! Who ran when: the CPUs' time during one step of the log, and how it was shared.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::sched::{duration, milliseconds};
use super::{Table, View, headings};

/// Who ran on each CPU during a step of the log, in a window of its time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineView {
    /// The step.
    pub step: u32,
    /// When it began, in nanoseconds since boot.
    pub begin_ns: u64,
    /// When it ended.
    pub end_ns: u64,
    /// Where the window begins.
    pub from_ns: u64,
    /// Where it ends.
    pub to_ns: u64,
    /// CPUs of the machine.
    pub cpus: u32,
    /// Context switches of the whole step.
    pub switches: u64,
    /// When so many turns had been noted that no more were: `end_ns` but for very busy steps. Sums
    /// go on to the end.
    pub noted_ns: u64,
    /// All that ran, waited or woke during the step, in the order of their appearance. Of very many
    /// tasks the last entry stands for those that came late; its number is 0.
    pub tasks: Vec<TimelineTask>,
    /// The groups that they were in, with those above, parents before children.
    pub groups: Vec<TimelineGroup>,
    /// The turns in the window, CPU by CPU, in the order of time; none if there are too many.
    pub spans: Vec<Span>,
    /// Wake-ups in the window, in the order of time; none if there are too many.
    pub wakes: Vec<Wake>,
    /// If there are too many turns: into how many columns of equal length the window is cut.
    pub columns: u32,
    /// What the tasks had of each column.
    pub merged: Vec<Merged>,
}

/// A task of a timeline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineTask {
    /// Handle of its `task_struct`, in units of 8 bytes; something else may be there by now.
    pub at: u32,
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub comm: String,
    /// The group that it was in, by its place in the list.
    pub group: u32,
    /// The weight of its nice level.
    pub weight: u32,
    /// CPU time that it had during the step, in nanoseconds.
    pub ran_ns: u64,
    /// Time that it was runnable and did not run, in nanoseconds.
    pub waited_ns: u64,
    /// How often it was put on a CPU.
    pub turns: u32,
    /// It may not run on every CPU.
    pub is_tied: bool,
}

/// A group of a timeline: a container of the cpu subsystem.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineGroup {
    /// The container's path in its hierarchy.
    pub path: String,
    /// Its shares, when it was first seen.
    pub shares: u32,
    /// The group above, by its place in the list; `None` for the root group.
    pub parent: Option<u32>,
    /// CPU time that its own tasks had, those of groups in it aside, in nanoseconds.
    pub ran_ns: u64,
}

/// A turn: a task on a CPU, from one context switch to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// CPU.
    pub cpu: u32,
    /// The task, by its place in the list.
    pub task: u32,
    /// When it began, in nanoseconds since boot.
    pub start_ns: u64,
    /// When it ended.
    pub end_ns: u64,
    /// By how much the next in its queue had come further when it was picked, in nanoseconds of
    /// virtual time; 0 if there was no other, or if it ran since before the step.
    pub lead_ns: u64,
    /// Why it ended.
    pub ended: Ended,
}

/// Why a turn ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// It did not end in this step.
    #[default]
    NotYet,
    /// It, or its group, had run its slice.
    SliceOver {
        /// How long it had run, in nanoseconds.
        ran_ns: u64,
        /// How long it might run.
        slice_ns: u64,
    },
    /// A task that woke pushed it aside.
    PushedAside {
        /// Number of the task that woke.
        by: u32,
        /// By how much that was behind, in nanoseconds of virtual time.
        behind_ns: u64,
        /// By how much it had to be.
        granularity_ns: u64,
    },
    /// A new task came.
    NewTask {
        /// Its number.
        pid: u32,
    },
    /// A task came from another CPU.
    Arrival {
        /// Its number.
        pid: u32,
    },
    /// It gave the CPU away itself.
    Yielded,
    /// It sleeps: for what, as a number of `task::wait::Why`.
    Slept {
        /// That number; 0 if that is not known.
        why: u32,
    },
    /// A signal stopped it.
    Stopped,
    /// It ended.
    Exited,
    /// It was taken to another CPU.
    Moved {
        /// Which.
        cpu: u32,
    },
    /// It was asked to give way for another reason: its nice level was changed, for instance.
    GaveWay,
}

/// A task became runnable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    /// The CPU on whose queue it is put.
    pub cpu: u32,
    /// The task, by its place in the list.
    pub task: u32,
    /// When, in nanoseconds since boot.
    pub at_ns: u64,
    /// It takes the CPU from whoever runs there.
    pub preempts: bool,
    /// It is new.
    pub is_new: bool,
}

/// What a task had of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// CPU.
    pub cpu: u32,
    /// The column's number.
    pub column: u32,
    /// The task, by its place in the list; `u32::MAX` for all that had too little to be told apart.
    pub task: u32,
    /// Nanoseconds.
    pub ns: u64,
}

/// What somebody had of the time that all tasks had, and what they should have had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// CPU time, in nanoseconds.
    pub ns: u64,
    /// CPU time by weights, in nanoseconds; see [`TimelineView::shares`].
    pub ideal_ns: u64,
}

/// `part` of `all` in thousandths, rounded.
pub fn permille(part: u64, all: u64) -> u64 {
    let all = u128::from(all.max(1));
    ((u128::from(part) * 1000 + all / 2) / all) as u64
}

/// `90.0 %`.
fn percent(part: u64, all: u64) -> String {
    let permille = permille(part, all);
    format!("{}.{} %", permille / 10, permille % 10)
}

/// A group or a task, by its place in its list.
enum Who {
    Group(usize),
    Task(usize),
}

/// Somebody who takes part in a division of CPU time.
struct Claim {
    who: Who,
    weight: u64,
    /// No more than this is of use.
    most: u64,
    got: u64,
}

/// Divides `whole` by weights. What somebody has no use for goes to the others.
fn divide(mut whole: u64, claims: &mut [Claim]) {
    let mut open: Vec<usize> = (0..claims.len()).collect();
    while !open.is_empty() {
        let weights: u64 = open.iter().map(|it| claims[*it].weight).sum();
        let part = |claim: &Claim| {
            (u128::from(whole) * u128::from(claim.weight) / u128::from(weights.max(1))) as u64
        };
        let sated: Vec<usize> = open
            .iter()
            .copied()
            .filter(|it| claims[*it].most <= part(&claims[*it]))
            .collect();
        if sated.is_empty() {
            for it in open {
                claims[it].got = part(&claims[it]);
            }
            return;
        }
        let mut left = whole;
        for it in &sated {
            claims[*it].got = claims[*it].most;
            left -= claims[*it].most;
        }
        whole = left;
        open.retain(|it| !sated.contains(it));
    }
}

impl Span {
    /// A turn that begins.
    pub(crate) fn begin(cpu: u32, task: u32, start_ns: u64) -> Span {
        Span {
            cpu,
            task,
            start_ns,
            end_ns: start_ns,
            lead_ns: 0,
            ended: Ended::NotYet,
        }
    }
}

impl TimelineView {
    /// What each group had with all that is in it, and each task; and what they would have had if
    /// CPU time were divided by weights alone: among the groups and tasks of a group, top down,
    /// nobody more than the time that they were runnable, and what somebody has no use for to the
    /// others. It does not know which task may run on which CPU.
    pub fn shares(&self) -> (Vec<Share>, Vec<Share>) {
        let length = self.end_ns.saturating_sub(self.begin_ns);
        let mut groups = vec![Share::default(); self.groups.len()];
        let mut tasks: Vec<Share> = self
            .tasks
            .iter()
            .map(|task| Share {
                ns: task.ran_ns,
                ideal_ns: 0,
            })
            .collect();
        // What is of use to a group, from the leaves up.
        let mut wanted = vec![0u64; self.groups.len()];
        for task in &self.tasks {
            if let Some(wanted) = wanted.get_mut(task.group as usize) {
                *wanted += self.wanted(task);
            }
        }
        for (number, group) in self.groups.iter().enumerate().rev() {
            groups[number].ns += group.ran_ns;
            wanted[number] = wanted[number].min(length * u64::from(self.cpus));
            if let Some(parent) = group.parent.map(|it| it as usize).filter(|it| *it < number) {
                groups[parent].ns += groups[number].ns;
                wanted[parent] += wanted[number];
            }
        }
        // What they should have had, from the root down.
        if let (Some(root), Some(wanted)) = (groups.first_mut(), wanted.first()) {
            root.ideal_ns = *wanted;
        }
        let mut claims: Vec<Vec<Claim>> = Vec::new();
        claims.resize_with(self.groups.len(), Vec::new);
        for (place, group) in self.groups.iter().enumerate() {
            if let Some(parent) = group.parent.map(|it| it as usize).filter(|it| *it < place) {
                claims[parent].push(Claim {
                    who: Who::Group(place),
                    weight: group.shares.into(),
                    most: wanted[place],
                    got: 0,
                });
            }
        }
        for (place, task) in self.tasks.iter().enumerate() {
            if let Some(claims) = claims.get_mut(task.group as usize) {
                claims.push(Claim {
                    who: Who::Task(place),
                    weight: task.weight.into(),
                    most: self.wanted(task),
                    got: 0,
                });
            }
        }
        for (number, mut claims) in claims.into_iter().enumerate() {
            divide(groups[number].ideal_ns, &mut claims);
            for claim in claims {
                match claim.who {
                    Who::Group(place) => groups[place].ideal_ns = claim.got,
                    Who::Task(place) => tasks[place].ideal_ns = claim.got,
                }
            }
        }
        (groups, tasks)
    }

    /// How long a task was runnable; no more than it can use.
    fn wanted(&self, task: &TimelineTask) -> u64 {
        let length = self.end_ns.saturating_sub(self.begin_ns);
        (task.ran_ns + task.waited_ns).min(length)
    }

    /// CPU time that all tasks had.
    pub fn busy_ns(&self) -> u64 {
        self.tasks.iter().map(|task| task.ran_ns).sum()
    }

    /// Some task may not run everywhere, so the ideal cannot be reached perhaps.
    pub fn is_tied(&self) -> bool {
        self.tasks.iter().any(|task| task.is_tied)
    }

    /// `101 (spin)`.
    pub fn name(&self, task: u32) -> String {
        match self.tasks.get(task as usize) {
            Some(task) if task.pid > 0 => format!("{} ({})", task.pid, task.comm),
            _ => words::sched::others().to_string(),
        }
    }

    /// `101 (spin)`, if the task is known by its number.
    fn name_of_pid(&self, pid: u32) -> String {
        let place = self.tasks.iter().position(|task| task.pid == pid);
        match place {
            Some(place) => self.name(place as u32),
            None => pid.to_string(),
        }
    }

    /// A point of time in the step: `12.000 ms`.
    pub fn time(&self, at_ns: u64) -> String {
        milliseconds(at_ns.saturating_sub(self.begin_ns))
    }

    /// Why a turn ended, in words that go on a sentence.
    pub fn ended(&self, span: &Span) -> String {
        match span.ended {
            Ended::NotYet => words::sched::not_yet().to_string(),
            Ended::SliceOver { ran_ns, slice_ns } => {
                words::sched::slice_over(duration(ran_ns), duration(slice_ns))
            }
            Ended::PushedAside {
                by,
                behind_ns,
                granularity_ns,
            } => words::sched::pushed_aside(
                self.name_of_pid(by),
                duration(behind_ns),
                duration(granularity_ns),
            ),
            Ended::NewTask { pid } => words::sched::new_task(self.name_of_pid(pid)),
            Ended::Arrival { pid } => words::sched::arrival(self.name_of_pid(pid)),
            Ended::Yielded => words::sched::yielded().to_string(),
            Ended::Slept { why } => words::sched::slept(match why {
                1 => words::sched::slept_time(),
                2 => words::sched::slept_child(),
                3 => words::sched::slept_signal(),
                4 => words::sched::slept_pipe(),
                5 => words::sched::slept_terminal(),
                6 => words::sched::slept_frozen(),
                7 => words::sched::slept_work(),
                8 => words::sched::slept_memory(),
                _ => words::sched::slept_something(),
            }),
            Ended::Stopped => words::sched::stopped().to_string(),
            Ended::Exited => words::sched::exited().to_string(),
            Ended::Moved { cpu } => words::sched::moved(cpu),
            Ended::GaveWay => words::sched::gave_way().to_string(),
        }
    }

    /// A turn as a sentence.
    pub fn sentence_of(&self, span: &Span) -> String {
        let mut text = words::sched::turn(
            span.cpu,
            self.time(span.start_ns),
            self.time(span.end_ns),
            self.name(span.task),
            duration(span.end_ns - span.start_ns),
            self.ended(span),
        );
        if span.lead_ns > 0 {
            let lead = duration(span.lead_ns);
            text.push_str(&words::sched::turn_lead(lead));
        }
        text
    }
}

impl View for TimelineView {
    /// One row a turn; where there are too many, one row a task.
    fn table(&self) -> Table {
        let caption = self.sentence();
        if self.spans.is_empty() {
            let busy = self.busy_ns();
            let (_, shares) = self.shares();
            let rows = self.tasks.iter().zip(shares).zip(0..);
            return Table {
                caption,
                columns: headings([
                    words::sched::column_task(),
                    words::sched::column_container(),
                    words::sched::column_ran(),
                    words::sched::column_share(),
                    words::sched::column_by_weights(),
                    words::sched::column_turns(),
                ]),
                rows: rows
                    .map(|((task, share), number)| {
                        let group = self.groups.get(task.group as usize);
                        [
                            self.name(number),
                            group.map_or(String::new(), |group| group.path.clone()),
                            duration(task.ran_ns),
                            percent(share.ns, busy),
                            percent(share.ideal_ns, busy),
                            task.turns.to_string(),
                        ]
                        .into()
                    })
                    .collect(),
            };
        }
        Table {
            caption,
            columns: headings([
                words::sched::column_cpu(),
                words::sched::column_start(),
                words::sched::column_end(),
                words::sched::column_task(),
                words::sched::column_why(),
            ]),
            rows: self
                .spans
                .iter()
                .map(|span| {
                    [
                        span.cpu.to_string(),
                        self.time(span.start_ns),
                        self.time(span.end_ns),
                        self.name(span.task),
                        self.ended(span),
                    ]
                    .into()
                })
                .collect(),
        }
    }

    fn sentence(&self) -> String {
        let length = duration(self.end_ns - self.begin_ns);
        let mut text = words::sched::passed(self.switches, self.step, length);
        let busy = self.busy_ns();
        let (groups, tasks) = self.shares();
        // Who shared it: groups if there are any, else tasks.
        let is_inside = |it: &&(&TimelineGroup, &Share)| it.0.parent.is_some() && it.1.ns > 0;
        let groups: Vec<_> = self.groups.iter().zip(&groups).collect();
        let mut parts: Vec<(u64, String)> = groups
            .iter()
            .filter(is_inside)
            .map(|(group, share)| (share.ns, group.path.clone()))
            .collect();
        let outside = self.groups.first().map_or(0, |root| root.ran_ns);
        if !parts.is_empty() && outside > 0 {
            parts.push((outside, words::sched::outside().to_string()));
        }
        if parts.is_empty() {
            let named = tasks.iter().zip(0..).filter(|(share, _)| share.ns > 0);
            parts = named
                .map(|(share, task)| (share.ns, self.name(task)))
                .collect();
        }
        parts.sort_by_key(|part| core::cmp::Reverse(part.0));
        for (number, (ns, name)) in parts.iter().take(3).enumerate() {
            text.push_str(if number == 0 { ": " } else { ", " });
            text.push_str(&format!("{name} {}", percent(*ns, busy)));
        }
        if parts.len() > 3 {
            let left = parts.len() as u64 - 3;
            text.push_str(&words::sched::and_others(left));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(pid: u32, group: u32, weight: u32, ran_ns: u64, waited_ns: u64) -> TimelineTask {
        TimelineTask {
            pid,
            comm: "spin".into(),
            group,
            weight,
            ran_ns,
            waited_ns,
            ..TimelineTask::default()
        }
    }

    fn group(path: &str, shares: u32, parent: Option<u32>) -> TimelineGroup {
        TimelineGroup {
            path: path.into(),
            shares,
            parent,
            ran_ns: 0,
        }
    }

    fn view(cpus: u32, groups: Vec<TimelineGroup>, tasks: Vec<TimelineTask>) -> TimelineView {
        TimelineView {
            end_ns: 1000,
            cpus,
            groups,
            tasks,
            ..TimelineView::default()
        }
    }

    fn ideals(shares: &[Share]) -> Vec<u64> {
        shares.iter().map(|share| share.ideal_ns).collect()
    }

    #[test]
    fn the_ideal_divides_by_weights() {
        let root = Vec::from([group("/", 1024, None)]);
        // Three of equal weight and one of half of it, on two CPUs.
        let tasks = [1024, 1024, 1024, 512].map(|weight| task(1, 0, weight, 0, 1000));
        let (_, tasks) = view(2, root.clone(), tasks.into()).shares();
        assert_eq!(ideals(&tasks), [571, 571, 571, 285]);
        // A heavy one cannot use more than a CPU.
        let tasks = [88761, 1024, 1024].map(|weight| task(1, 0, weight, 0, 1000));
        let (_, tasks) = view(2, root.clone(), tasks.into()).shares();
        assert_eq!(ideals(&tasks), [1000, 500, 500]);
        // Who sleeps leaves the others more.
        let tasks = [task(1, 0, 1024, 100, 0), task(2, 0, 1024, 0, 1000)];
        let (_, tasks) = view(1, root, tasks.into()).shares();
        assert_eq!(ideals(&tasks), [100, 900]);
    }

    #[test]
    fn groups_share_before_their_tasks_do() {
        let groups = [
            group("/", 1024, None),
            group("/guests", 90, Some(0)),
            group("/system", 10, Some(0)),
            group("/guests/web", 1024, Some(1)),
        ];
        let tasks = [
            task(1, 1, 1024, 0, 1000),
            task(2, 3, 1024, 0, 1000),
            task(3, 2, 1024, 0, 1000),
            task(4, 2, 1024, 0, 1000),
        ];
        let view = view(1, groups.into(), tasks.into());
        let (groups, tasks) = view.shares();
        assert_eq!(ideals(&groups), [1000, 900, 100, 450]);
        assert_eq!(ideals(&tasks), [450, 450, 50, 50]);
    }

    #[test]
    fn parts_are_rounded() {
        assert_eq!(permille(2, 3), 667);
        assert_eq!(permille(0, 0), 0);
        assert_eq!(percent(9, 10), "90.0 %");
    }
}
