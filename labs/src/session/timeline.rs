//! Who ran when during a step.
//!
//! The kernel tells each context switch as an event, far more of them than its ring keeps. So the
//! step's line is run again, as a trial that is taken back, with a [`Recorder`] that sees every
//! event when it happens, and so can look at the tasks themselves: what a task waits for stands in
//! the task. What it notes is kept until another step is asked for: a student who zooms in and out
//! asks for many windows of the same step.

use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use kernel_core::mem::{MEM, Mem, Ref};
use kernel_core::task::sched::{
    self, NICE_0_LOAD, ROOT_GROUP, Rq, TaskGroup, rq, task_group, weight_of,
};
use kernel_core::task::{RUNNING, STOPPED, TASK_DEAD, Task, find_task_by_pid, time};
use kernel_core::trace::{Event, TRACE, Tap, Tracepoint};

use super::live::Live;
use super::news;
use crate::observe::Paths;
use crate::view::{Ended, Merged, Span, TimelineGroup, TimelineTask, TimelineView, Wake};

/// Turns that are noted of a step, and as many wake-ups; 10 MB at most.
const NOTED_MAX: usize = 1 << 17;
/// Tasks that are told apart: a fork bomb makes many.
const TASKS_MAX: usize = 2000;
/// Turns of a window that a view tells one by one, and wake-ups.
const SPANS_MAX: usize = 4000;
/// Columns that a window is cut into when there are more.
const COLUMNS: u32 = 400;
/// Tasks of a column that are told apart.
const COLUMN_TASKS: usize = 8;

/// A step as it was recorded.
#[derive(Default)]
pub(super) struct Recording {
    /// The hash chain after the step: it stands for the log so far.
    chain: u64,
    /// The step, with its tasks and groups; what it says of a window is to be filled in.
    view: TimelineView,
    /// All turns, in the order of their ends.
    spans: Vec<Span>,
    /// All wake-ups, in the order of time.
    wakes: Vec<Wake>,
}

/// A CPU, as the recorder knows it.
struct Lane {
    /// The turn that goes on, and the group that it is charged to.
    open: Option<(Span, u32)>,
    /// Why it may end soon, and how often the CPU had looked for whom to run by then: the reason
    /// holds for the next time only.
    cause: Option<(Ended, u32)>,
    /// How often tasks had given the CPU away themselves when the turn began.
    yields: u32,
}

/// Notes who runs.
struct Recorder {
    /// Number of the next event to read.
    next: u64,
    paths: Paths,
    lanes: Vec<Lane>,
    /// Tasks by their numbers, as places in the list.
    known: BTreeMap<u32, u32>,
    /// Groups by their handles, as places in the list.
    known_groups: BTreeMap<u32, u32>,
    recording: Recording,
}

impl Tap for Recorder {
    fn catch_up(&mut self, mem: &Mem) {
        for event in news(mem, &mut self.next) {
            self.see(mem, &event);
        }
    }
}

impl Recorder {
    /// Begins where the kernel stands.
    fn new(mem: &Mem) -> Recorder {
        let cpus = mem[MEM].nr_cpus;
        let begin_ns = time::now(mem);
        let mut recorder = Recorder {
            next: mem[TRACE].events,
            paths: Paths::new(mem),
            lanes: Vec::new(),
            known: BTreeMap::new(),
            known_groups: BTreeMap::new(),
            recording: Recording {
                chain: 0,
                view: TimelineView {
                    begin_ns,
                    cpus,
                    ..TimelineView::default()
                },
                spans: Vec::new(),
                wakes: Vec::new(),
            },
        };
        recorder.group(mem, ROOT_GROUP);
        for cpu in 0..cpus {
            let Rq {
                curr,
                idle,
                clock,
                yld_count,
                ..
            } = mem[rq(cpu)];
            let open = (curr != idle).then(|| {
                let (task, group) = recorder.task(mem, curr);
                (Span::begin(cpu, task, clock), group)
            });
            recorder.lanes.push(Lane {
                open,
                cause: None,
                yields: yld_count,
            });
        }
        recorder
    }

    /// The place of a group in the list.
    fn group(&mut self, mem: &Mem, group: Ref<TaskGroup>) -> u32 {
        if let Some(place) = self.known_groups.get(&group.unit()) {
            return *place;
        }
        let parent = match mem[group].parent {
            parent if parent.is_null() => None,
            parent => Some(self.group(mem, parent)),
        };
        if !self.paths.knows(group) {
            // It was made during the step.
            self.paths = Paths::new(mem);
        }
        let groups = &mut self.recording.view.groups;
        let place = groups.len() as u32;
        groups.push(TimelineGroup {
            path: self.paths.of(mem, group),
            shares: mem[group].shares,
            parent,
            ran_ns: 0,
        });
        self.known_groups.insert(group.unit(), place);
        place
    }

    /// The places of a task and of its group in their lists; what is known of the task is renewed.
    fn task(&mut self, mem: &Mem, task: Ref<Task>) -> (u32, u32) {
        let group = self.group(mem, task_group(mem, task));
        let Task {
            pid,
            static_prio,
            cpus_allowed,
            ..
        } = mem[task];
        let tasks = &mut self.recording.view.tasks;
        let place = match self.known.get(&pid) {
            Some(place) => *place,
            None if tasks.len() > TASKS_MAX => return (TASKS_MAX as u32, group),
            None => {
                tasks.push(TimelineTask::default());
                let place = tasks.len() as u32 - 1;
                if tasks.len() > TASKS_MAX {
                    // This one stands for all that are to come.
                    tasks[TASKS_MAX].weight = NICE_0_LOAD;
                    tasks[TASKS_MAX].group = group;
                    return (place, group);
                }
                self.known.insert(pid, place);
                place
            }
        };
        let known = &mut tasks[place as usize];
        let comm = mem[task].comm();
        if known.comm != comm {
            known.comm = comm.to_string();
        }
        let online = sched::online(mem);
        known.at = task.unit();
        known.pid = pid;
        known.group = group;
        known.weight = weight_of(static_prio);
        known.is_tied = cpus_allowed & online != online;
        (place, group)
    }

    fn see(&mut self, mem: &Mem, event: &Event) {
        let mut args = [0; 6];
        args[..event.args().len()].copy_from_slice(event.args());
        let [pid, second, ..] = args.map(|arg| arg as u32);
        match event.tracepoint {
            Tracepoint::SchedSwitch => self.switch(mem, u32::from(event.cpu), &args),
            Tracepoint::SchedSliceEnd => {
                let [_, ran_ns, slice_ns, ..] = args;
                let cause = Ended::SliceOver { ran_ns, slice_ns };
                self.cause(mem, u32::from(event.cpu), cause);
            }
            Tracepoint::SchedWakeup => {
                let [_, _, woken, curr, granularity_ns, preempts] = args;
                self.wake(mem, pid, second, preempts != 0, false);
                if preempts != 0 {
                    let cause = Ended::PushedAside {
                        by: pid,
                        behind_ns: curr.wrapping_sub(woken),
                        granularity_ns,
                    };
                    self.cause(mem, second, cause);
                }
            }
            Tracepoint::SchedWakeupNew => {
                self.wake(mem, pid, second, false, true);
                self.cause(mem, second, Ended::NewTask { pid });
            }
            Tracepoint::SchedMigrateTask => {
                let [from, to] = [args[2] as u32, args[3] as u32];
                let place = self.known.get(&pid).copied();
                let open = self.lanes.get(from as usize).and_then(|lane| lane.open);
                if place.is_some() && open.map(|open| open.0.task) == place {
                    self.cause(mem, from, Ended::Moved { cpu: to });
                }
                self.cause(mem, to, Ended::Arrival { pid });
            }
            _ => {}
        }
    }

    /// Notes why the running task of a CPU may have to go: the first reason stands. But a new task and
    /// one that comes from elsewhere are weak reasons, for others to replace.
    fn cause(&mut self, mem: &Mem, cpu: u32, cause: Ended) {
        let Some(lane) = self.lanes.get_mut(cpu as usize) else {
            return;
        };
        let looks = mem[rq(cpu)].sched_count;
        let is_weak = |it: &Ended| matches!(it, Ended::NewTask { .. } | Ended::Arrival { .. });
        let stands = lane.cause.filter(|known| known.1 == looks);
        if stands.is_none_or(|known| is_weak(&known.0) && !is_weak(&cause)) {
            lane.cause = Some((cause, looks));
        }
    }

    fn wake(&mut self, mem: &Mem, pid: u32, cpu: u32, preempts: bool, is_new: bool) {
        let Some(task) = find_task_by_pid(mem, pid) else {
            return;
        };
        let (task, _) = self.task(mem, task);
        let wakes = &mut self.recording.wakes;
        if wakes.len() < NOTED_MAX {
            wakes.push(Wake {
                cpu,
                task,
                at_ns: time::now(mem),
                preempts,
                is_new,
            });
        }
    }

    /// A CPU goes from one task to another.
    fn switch(&mut self, mem: &Mem, cpu: u32, args: &[u64; 6]) {
        let [last_pid, last_state, pid, vruntime, second, clock] = *args;
        let Rq {
            curr,
            yld_count,
            sched_count,
            ..
        } = mem[rq(cpu)];
        self.recording.view.switches += 1;
        let Some(lane) = self.lanes.get_mut(cpu as usize) else {
            return;
        };
        let open = lane.open.take();
        let cause = lane.cause.take().filter(|cause| cause.1 + 1 == sched_count);
        let cause = cause.map(|cause| cause.0);
        let has_yielded = yld_count != lane.yields;
        lane.yields = yld_count;
        if let Some(open) = open {
            let last = find_task_by_pid(mem, last_pid as u32);
            let why = last.map_or(0, |task| mem[task].wait.why);
            let ended = match (last_state as u32, cause) {
                (RUNNING, Some(cause)) if !has_yielded => cause,
                (RUNNING, _) if has_yielded => Ended::Yielded,
                (RUNNING, _) => Ended::GaveWay,
                (STOPPED, _) => Ended::Stopped,
                (TASK_DEAD, _) => Ended::Exited,
                _ => Ended::Slept { why },
            };
            self.close(open, clock, ended);
        }
        if pid != 0 {
            let (task, group) = self.task(mem, curr);
            let wait_start = mem[curr].se.wait_start;
            let view = &mut self.recording.view;
            let known = &mut view.tasks[task as usize];
            known.turns += 1;
            known.waited_ns += clock.saturating_sub(wait_start.max(view.begin_ns));
            let lead = second.wrapping_sub(vruntime) as i64;
            let span = Span {
                lead_ns: if second == 0 { 0 } else { lead.max(0) as u64 },
                ..Span::begin(cpu, task, clock)
            };
            self.lanes[cpu as usize].open = Some((span, group));
        }
    }

    /// Ends a turn.
    fn close(&mut self, (mut span, group): (Span, u32), clock: u64, ended: Ended) {
        span.end_ns = clock.max(span.start_ns);
        span.ended = ended;
        let ns = span.end_ns - span.start_ns;
        let Recording { view, spans, .. } = &mut self.recording;
        view.tasks[span.task as usize].ran_ns += ns;
        view.groups[group as usize].ran_ns += ns;
        if spans.len() < NOTED_MAX {
            spans.push(span);
            view.noted_ns = view.noted_ns.max(span.end_ns);
        }
    }

    /// The line has run.
    fn finish(mut self, mem: &Mem) -> Recording {
        for cpu in 0..self.lanes.len() {
            if let Some(open) = self.lanes[cpu].open.take() {
                let clock = mem[rq(cpu as u32)].clock;
                self.close(open, clock, Ended::NotYet);
            }
        }
        let end_ns = time::now(mem);
        // Who waits still has waited, too.
        for cpu in 0..mem[MEM].nr_cpus {
            let Rq { curr, .. } = mem[rq(cpu)];
            for task in sched::tasks_of(mem, cpu).filter(|task| *task != curr) {
                let (place, _) = self.task(mem, task);
                let since = mem[task].se.wait_start;
                let view = &mut self.recording.view;
                let waited = end_ns.saturating_sub(since.max(view.begin_ns));
                view.tasks[place as usize].waited_ns += waited;
            }
        }
        let Recording { view, spans, .. } = &mut self.recording;
        view.end_ns = end_ns;
        if spans.len() < NOTED_MAX {
            view.noted_ns = end_ns;
        }
        self.recording
    }
}

impl Recording {
    /// What is to be shown of a window, which is cut to the step.
    fn window(&self, from_ns: u64, to_ns: u64) -> TimelineView {
        let known = &self.view;
        let from_ns = from_ns.clamp(known.begin_ns, known.end_ns.saturating_sub(1));
        let to_ns = to_ns.clamp(from_ns + 1, known.end_ns.max(from_ns + 1));
        let is_inside = |span: &&Span| {
            span.start_ns < to_ns
                && (span.end_ns > from_ns
                    || span.end_ns == span.start_ns && span.start_ns >= from_ns)
        };
        let inside = || self.spans.iter().filter(is_inside);
        let mut view = TimelineView {
            from_ns,
            to_ns,
            ..known.clone()
        };
        if inside().take(SPANS_MAX + 1).count() <= SPANS_MAX {
            view.spans = inside().copied().collect();
            view.spans.sort_by_key(|span| (span.cpu, span.start_ns));
        } else {
            view.columns = COLUMNS;
            view.merged = merged(inside(), from_ns, to_ns, view.cpus);
        }
        let wakes = self.wakes.iter();
        let wakes = wakes.filter(|wake| (from_ns..to_ns).contains(&wake.at_ns));
        view.wakes = wakes.take(SPANS_MAX + 1).copied().collect();
        if view.wakes.len() > SPANS_MAX {
            view.wakes = Vec::new();
        }
        view
    }
}

/// What the tasks had of each column of a window.
fn merged<'a>(
    spans: impl Iterator<Item = &'a Span>,
    from_ns: u64,
    to_ns: u64,
    cpus: u32,
) -> Vec<Merged> {
    let length = to_ns - from_ns;
    let edge = |column: u32| {
        from_ns + (u128::from(length) * u128::from(column) / u128::from(COLUMNS)) as u64
    };
    let column_at = |at_ns: u64| {
        let column = u128::from(at_ns - from_ns) * u128::from(COLUMNS) / u128::from(length);
        (column as u32).min(COLUMNS - 1)
    };
    let mut columns: Vec<Vec<(u32, u64)>> = vec![Vec::new(); (cpus * COLUMNS) as usize];
    for span in spans {
        let (start, end) = (span.start_ns.max(from_ns), span.end_ns.min(to_ns));
        if start >= end {
            continue;
        }
        for column in column_at(start)..=column_at(end - 1) {
            let ns = end
                .min(edge(column + 1))
                .saturating_sub(start.max(edge(column)));
            let parts = &mut columns[(span.cpu * COLUMNS + column) as usize];
            match parts.iter_mut().find(|part| part.0 == span.task) {
                Some(part) => part.1 += ns,
                None => parts.push((span.task, ns)),
            }
        }
    }
    let mut merged = Vec::new();
    for (number, parts) in (0..).zip(&mut columns) {
        parts.sort_unstable_by_key(|part| core::cmp::Reverse(part.1));
        let few = parts.len().min(COLUMN_TASKS);
        let rest: u64 = parts[few..].iter().map(|part| part.1).sum();
        parts.truncate(few);
        // The same task always at the same height.
        parts.sort_unstable();
        if rest > 0 {
            parts.push((u32::MAX, rest));
        }
        merged.extend(parts.iter().filter(|part| part.1 > 0).map(|part| Merged {
            cpu: number / COLUMNS,
            column: number % COLUMNS,
            task: part.0,
            ns: part.1,
        }));
    }
    merged
}

impl Live {
    /// Who ran when in a window of `step`, or of the latest step before it in which time passed;
    /// `None` if there is none. The kernel stands where it stood afterwards.
    pub fn timeline(&mut self, step: u32, from_ns: u64, to_ns: u64) -> Option<TimelineView> {
        let step = self.passing(step)?;
        let chain = self.lines[step as usize - 1].chain;
        let is_known = self.recording.as_ref().is_some_and(|it| it.chain == chain);
        if !is_known {
            let here = self.step();
            self.seek(step - 1);
            let recorder = Recorder::new(&self.kernel.mem);
            // One at a time.
            self.recording = None;
            let trial = self.checkpoints.begin_trial(self.kernel.mem.ram());
            // Switched off by `tracing_on` perhaps; this is taken back as well.
            self.kernel.mem.set_recording(true);
            let recorder = self.run_tapped(step - 1, recorder);
            let mut recording = recorder.finish(&self.kernel.mem);
            self.checkpoints.end_trial(self.kernel.mem.ram_mut(), trial);
            recording.chain = chain;
            recording.view.step = step;
            self.recording = Some(recording);
            self.seek(here);
        }
        let recording = self.recording.as_ref()?;
        Some(recording.window(from_ns, to_ns))
    }

    /// The latest step up to `step` in which time passed.
    fn passing(&self, step: u32) -> Option<u32> {
        let now = |step: u32| match step.checked_sub(1) {
            Some(index) => self.lines[index as usize].now_ns,
            None => 0,
        };
        (1..=step.min(self.end()))
            .rev()
            .find(|step| now(*step) > now(step - 1))
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    use alloc::boxed::Box;

    use super::*;
    use crate::protocol::{Host, Request, Response, View as Answer, ViewRequest};
    use crate::session::{HostMemory, Session};
    use crate::view::{Share, View, permille};

    const SECOND: u64 = 1_000_000_000;

    struct Lab(Session);

    impl Lab {
        #[track_caller]
        fn new(header: &str, lines: &[&str]) -> Lab {
            let mut lab = Lab(Session::new(Host::Native, Box::new(HostMemory)));
            let header = header.to_string();
            lab.0.handle(Request::Open { header });
            lab.run(lines);
            lab
        }

        #[track_caller]
        fn run(&mut self, lines: &[&str]) {
            let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
            match self.0.handle(Request::Run { lines }) {
                Response::Ran { lines, .. } => {
                    for line in lines {
                        assert_eq!(line.status, 0, "{:?}", core::str::from_utf8(&line.text));
                    }
                }
                other => panic!("{other:?}"),
            }
        }

        #[track_caller]
        fn window(&mut self, step: u32, from_ns: u64, to_ns: u64) -> Option<TimelineView> {
            let request = ViewRequest::Timeline {
                step,
                from_ns,
                to_ns,
            };
            match self.0.handle(Request::View(request)) {
                Response::View(Some(Answer::Timeline(view))) => Some(*view),
                Response::View(None) => None,
                other => panic!("{other:?}"),
            }
        }

        #[track_caller]
        fn all(&mut self, step: u32) -> TimelineView {
            let view = self.window(step, 0, u64::MAX);
            let view = view.expect("time passed");
            check(&view);
            view
        }

        /// The CPU time of a task, from the kernel itself.
        #[track_caller]
        fn had(&mut self, step: u32, pid: u32) -> u64 {
            self.0.handle(Request::Seek { step });
            let kernel = &self.0.live().unwrap().kernel;
            let task = find_task_by_pid(&kernel.mem, pid);
            task.map_or(0, |task| kernel.mem[task].se.sum_exec_runtime)
        }
    }

    /// No CPU runs two at once, and the turns of a task are what its sum says.
    #[track_caller]
    fn check(view: &TimelineView) {
        if view.columns > 0 {
            let sum: u64 = view.merged.iter().map(|part| part.ns).sum();
            assert_eq!(sum, view.busy_ns());
            return;
        }
        for pair in view.spans.windows(2) {
            assert!(
                pair[0].cpu < pair[1].cpu || pair[0].end_ns <= pair[1].start_ns,
                "{pair:?}"
            );
        }
        for (number, task) in (0..).zip(&view.tasks) {
            let own = view.spans.iter().filter(|span| span.task == number);
            let sum: u64 = own.map(|span| span.end_ns - span.start_ns).sum();
            assert_eq!(sum, task.ran_ns, "{task:?}");
        }
    }

    fn named<'a>(view: &TimelineView, shares: &'a [Share], path: &str) -> &'a Share {
        let place = view.groups.iter().position(|group| group.path == path);
        &shares[place.expect("a group of that path")]
    }

    #[test]
    fn turns_add_up_to_what_the_kernel_charged() {
        let mut lab = Lab::new(
            "mem=16M cpus=2",
            &[
                "spawn spin; spawn spin nice=5; spawn server -- 9999 1ms; spawn spin",
                "sleep 0.25",
                "spawn spin nice=-5; spawn server -- 9999",
                "sleep 2",
            ],
        );
        let view = lab.all(4);
        assert_eq!((view.step, view.end_ns - view.begin_ns), (4, 2 * SECOND));
        assert!(
            view.switches > 100 && view.columns == 0,
            "{}",
            view.sentence()
        );
        for task in &view.tasks {
            let pid = task.pid;
            let had = lab.had(4, pid) - lab.had(3, pid);
            assert_eq!(task.ran_ns, had, "{task:?}");
        }
        // The kernel stands where it stood, and the step before tells of itself.
        assert_eq!(lab.all(3).step, 2);
        assert_eq!(lab.all(2).end_ns, SECOND / 4);
        assert!(lab.window(1, 0, u64::MAX).is_none(), "no time had passed");
        // Everybody's turns end for a reason.
        let has = |wanted: fn(&Ended) -> bool| view.spans.iter().any(|it| wanted(&it.ended));
        assert!(has(|it| matches!(it, Ended::SliceOver { .. })));
        let of_no_reason = view.spans.iter().filter(|it| it.ended == Ended::GaveWay);
        assert!(of_no_reason.count() * 20 < view.spans.len());
        let sentence = view.sentence_of(&view.spans[1]);
        assert!(sentence.starts_with("CPU 0, "), "{sentence}");
        assert_eq!(view.table().rows.len(), view.spans.len());
    }

    #[test]
    fn two_groups_share_as_their_shares_say() {
        let mut lab = Lab::new(
            "mem=16M cpus=2",
            &[
                "mkdir /c; mount -t container -o cpu cpu /c; mkdir /c/guests /c/system",
                "echo 90 > /c/guests/cpu.shares; echo 10 > /c/system/cpu.shares",
                "spawn spin; spawn spin; spawn spin; spawn spin; spawn spin",
                "echo 100 > /c/guests/tasks; echo 101 > /c/guests/tasks",
                "echo 102 > /c/system/tasks; echo 103 > /c/system/tasks; echo 104 > /c/system/tasks",
                "sleep 10",
            ],
        );
        let view = lab.all(6);
        let (groups, tasks) = view.shares();
        let busy = view.busy_ns();
        assert_eq!(busy, 20 * SECOND, "two CPUs are never idle");
        for (path, ideal) in [("/guests", 900), ("/system", 100), ("/", 1000)] {
            let share = named(&view, &groups, path);
            assert_eq!(permille(share.ideal_ns, busy), ideal, "{path}");
            let measured = permille(share.ns, busy);
            assert!(measured.abs_diff(ideal) <= 10, "{path}: {measured}");
        }
        assert_eq!(tasks.iter().map(|share| share.ns).sum::<u64>(), busy);
        let sentence = view.sentence();
        assert!(
            sentence.contains("/guests 9") && sentence.contains("/system "),
            "{sentence}"
        );
    }

    #[test]
    fn reasons_are_the_kernels_own() {
        let mut lab = Lab::new(
            "mem=16M cpus=1",
            &[
                "echo forever > /napper; echo spin 1ms >> /napper",
                "echo sleep 30ms >> /napper; echo end >> /napper",
                "chmod 755 /napper; spawn spin; spawn /napper; spawn spin -- 50ms",
                "sleep 1",
            ],
        );
        let view = lab.all(4);
        let napper = view.tasks.iter().find(|task| task.comm == "napper");
        let napper = napper.expect("it ran").pid;
        let ended = |wanted: fn(&Ended) -> bool| {
            let all = view.spans.iter().filter(|it| wanted(&it.ended));
            all.count()
        };
        assert!(ended(|it| matches!(it, Ended::Slept { why: 1 })) > 10);
        assert_eq!(ended(|it| matches!(it, Ended::Exited)), 1);
        let pushed = view.spans.iter().filter(|it| {
            matches!(it.ended, Ended::PushedAside { by, behind_ns, granularity_ns }
                if by == napper && behind_ns > granularity_ns)
        });
        assert!(pushed.count() > 10, "{:?}", view.spans);
        assert!(view.wakes.iter().filter(|wake| wake.preempts).count() > 10);
    }

    #[test]
    fn a_busy_step_is_told_in_columns_and_its_windows_in_turns() {
        let mut lab = Lab::new(
            "mem=16M cpus=2 hz=1000",
            &[
                "echo 2000000 > /proc/sys/kernel/sched_latency_ns",
                "echo 200000 > /proc/sys/kernel/sched_min_granularity_ns",
                "spawn spin; spawn spin; spawn spin; spawn spin; spawn spin; spawn spin",
                "sleep 10",
            ],
        );
        let view = lab.all(4);
        assert!(view.switches > 6000, "{}", view.switches);
        assert_eq!((view.columns, view.spans.len()), (COLUMNS, 0));
        let full = view.end_ns / u64::from(COLUMNS);
        for column in 0..COLUMNS {
            for cpu in 0..2 {
                let parts = view.merged.iter();
                let parts = parts.filter(|it| (it.cpu, it.column) == (cpu, column));
                assert_eq!(parts.map(|it| it.ns).sum::<u64>(), full);
            }
        }
        // A tenth of it, turn by turn; the sums are those of the whole step.
        let part = lab.window(4, 3 * SECOND, 4 * SECOND).unwrap();
        assert_eq!(part.columns, 0);
        assert_eq!(part.tasks, view.tasks);
        assert!(part.spans.len() > 600, "{}", part.spans.len());
        let outside = |span: &&Span| span.end_ns < 3 * SECOND || span.start_ns > 4 * SECOND;
        assert_eq!(part.spans.iter().find(outside), None);
        // Windows that make no sense are cut to the step.
        let odd = lab.window(4, 99 * SECOND, SECOND).unwrap();
        assert!(odd.from_ns < odd.to_ns && odd.to_ns <= view.end_ns);
        // A line that takes the place of the last one is another step.
        lab.0.handle(Request::Seek { step: 3 });
        lab.run(&["sleep 1"]);
        assert_eq!(lab.all(4).end_ns, SECOND);
    }

    #[test]
    fn a_crowd_is_told_as_a_few_and_the_rest() {
        let mut lab = Lab::new(
            "mem=16M cpus=2",
            &[
                "echo n = 0 > /crowd; echo 'while $n < 2200' >> /crowd; echo child = fork >> /crowd",
                "echo 'if $child == 0' >> /crowd; echo exit >> /crowd; echo end >> /crowd",
                "echo 'wait $child' >> /crowd; echo 'n = $n + 1' >> /crowd; echo end >> /crowd",
                "chmod 755 /crowd; /crowd",
            ],
        );
        let view = lab.all(4);
        assert_eq!(view.tasks.len(), TASKS_MAX + 1);
        assert_eq!(view.name(TASKS_MAX as u32), "others");
        let (groups, tasks) = view.shares();
        assert_eq!(
            groups[0].ns,
            tasks.iter().map(|share| share.ns).sum::<u64>()
        );
    }

    #[test]
    fn turns_are_told_though_tracing_is_off() {
        let mut lab = Lab::new(
            "mem=16M cpus=1",
            &[
                "echo 0 > /sys/kernel/debug/tracing/tracing_on; spawn spin; spawn spin",
                "sleep 1",
            ],
        );
        let view = lab.all(2);
        assert!(view.switches > 10, "{}", view.sentence());
        assert_eq!(view.busy_ns(), SECOND);
        let kernel = &lab.0.live().unwrap().kernel;
        assert_eq!(kernel.mem[TRACE].recording, 0, "it is off as before");
    }
}
