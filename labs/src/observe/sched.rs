//! The run queues, read from the kernel's own trees.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use kernel_core::Kernel;
use kernel_core::container::cpu::CpuCgroup;
use kernel_core::container::{self, Container};
use kernel_core::mem::{MEM, Mem, Ref};
use kernel_core::rbtree::{self, RED, RbNode};
use kernel_core::task::sched::{
    CfsRq, ROOT_GROUP, Rq, SCHED, SchedEntity, TaskGroup, rq, sched_slice, task_of,
};
use kernel_core::task::time;

use crate::view::{EntityView, GroupView, QueueView, RunQueueView, SchedView};

/// Nodes of a CPU's trees that a view shows at most, ancestors of the last one aside.
const NODES_MAX: usize = 500;
/// Nodes of one tree, so that a long one leaves room for others.
const TREE_MAX: usize = 300;
/// Queues of a CPU.
const QUEUES_MAX: usize = 64;
/// Groups that a view lists at most.
const GROUPS_MAX: usize = 256;
/// Containers that are looked at to find the paths of groups.
const CONTAINERS_MAX: usize = 20_000;

/// The run queues of all CPUs.
pub(crate) fn sched(kernel: &Kernel) -> SchedView {
    let mem = &kernel.mem;
    let paths = Paths::new(mem);
    let groups = paths.listed(mem);
    SchedView {
        now_ns: time::now(mem),
        latency_ns: mem[SCHED].latency,
        wakeup_ns: mem[SCHED].wakeup_granularity,
        cpus: (0..mem[MEM].nr_cpus)
            .map(|cpu| run_queue(mem, &paths, cpu))
            .collect(),
        groups_left_out: (mem[SCHED].nr_groups + 1).saturating_sub(groups.len() as u32),
        groups,
    }
}

/// `101 (spin)`.
pub(crate) fn task_label(mem: &Mem, task: Ref<kernel_core::task::Task>) -> String {
    format!("{} ({})", mem[task].pid, mem[task].comm())
}

/// The containers of the scheduler's groups. A group does not know its container.
pub(crate) struct Paths {
    /// Groups with their containers, parents before children.
    listed: Vec<(Ref<TaskGroup>, Ref<Container>)>,
    /// Their places in that list, by the groups' handles.
    sorted: Vec<(u32, usize)>,
}

impl Paths {
    pub fn new(mem: &Mem) -> Paths {
        let top = mem[container::root_of(mem, container::CPU)].top;
        let mut listed: Vec<(Ref<TaskGroup>, Ref<Container>)> = Vec::new();
        let mut todo = Vec::from([top]);
        while let Some(container) = todo.pop() {
            let css = mem[container].subsys[container::CPU];
            let is_known = !css.is_null() && listed.len() < CONTAINERS_MAX;
            if is_known {
                listed.push((mem[css.cast::<CpuCgroup>()].group, container));
                let first = todo.len();
                todo.extend(container::children(mem, container));
                todo[first..].reverse();
            }
        }
        let mut sorted: Vec<(u32, usize)> = listed.iter().map(|it| it.0.unit()).zip(0..).collect();
        sorted.sort_unstable();
        Paths { listed, sorted }
    }

    fn place(&self, group: Ref<TaskGroup>) -> Option<usize> {
        let place = self.sorted.binary_search_by_key(&group.unit(), |it| it.0);
        place.ok().map(|place| self.sorted[place].1)
    }

    /// Whether the group had a container when this was made.
    pub fn knows(&self, group: Ref<TaskGroup>) -> bool {
        self.place(group).is_some()
    }

    /// The path of a group's container.
    pub fn of(&self, mem: &Mem, group: Ref<TaskGroup>) -> String {
        let mut path = String::new();
        match self.place(group) {
            // A string takes whatever is written to it.
            Some(place) => drop(container::path(mem, self.listed[place].1, &mut path)),
            None if group == ROOT_GROUP => path.push('/'),
            None => path.push('?'),
        }
        path
    }

    fn listed(&self, mem: &Mem) -> Vec<GroupView> {
        let shown = self.listed.iter().take(GROUPS_MAX);
        shown
            .map(|(group, _)| GroupView {
                at: group.unit(),
                path: self.of(mem, *group),
                shares: mem[*group].shares,
                // Parents come first, so a group that is listed has a listed parent.
                parent: self.place(mem[*group].parent).map(|place| place as u32),
                load: mem[*group].load,
            })
            .collect()
    }
}

fn run_queue(mem: &Mem, paths: &Paths, cpu: u32) -> RunQueueView {
    let at = rq(cpu);
    let Rq {
        clock,
        nr_running,
        nr_switches,
        user_time,
        nice_time,
        system_time,
        idle_time,
        need_resched,
        ..
    } = mem[at];
    let mut room = NODES_MAX;
    let mut queues = Vec::from([queue(mem, paths, at.cast(), None, &mut room)]);
    // The queues of groups follow in the order in which their groups stand in the queues above.
    let mut number = 0;
    while number < queues.len() {
        let places = queues[number].nodes.len();
        for place in 0..=places {
            if queues.len() == QUEUES_MAX {
                break;
            }
            let entity = match place.checked_sub(1) {
                None => queues[number].running.as_ref(),
                Some(place) => queues[number].nodes.get(place),
            };
            let Some(below) = entity
                .filter(|entity| entity.pid == 0)
                .map(|entity| mem[Ref::<SchedEntity>::new(entity.at)].my_q)
            else {
                continue;
            };
            let place_below = Some(queues.len() as u32);
            queues.push(queue(mem, paths, below, Some(number as u32), &mut room));
            let entity = match place.checked_sub(1) {
                None => queues[number].running.as_mut(),
                Some(place) => queues[number].nodes.get_mut(place),
            };
            if let Some(entity) = entity {
                entity.queue = place_below;
            }
        }
        number += 1;
    }
    RunQueueView {
        cpu,
        at: at.unit(),
        clock_ns: clock,
        nr_running,
        switches: nr_switches,
        user_ns: user_time + nice_time,
        system_ns: system_time,
        idle_ns: idle_time,
        need_resched: need_resched != 0,
        queues,
    }
}

/// One queue: its running entity, and the nodes nearest to its tree's left end.
fn queue(
    mem: &Mem,
    paths: &Paths,
    at: Ref<CfsRq>,
    above: Option<u32>,
    room: &mut usize,
) -> QueueView {
    let CfsRq {
        tasks_timeline,
        min_vruntime,
        curr,
        group,
        nr_running,
        load,
        ..
    } = mem[at];
    let mut shown: Vec<Ref<RbNode>> = Vec::new();
    let mut node = tasks_timeline.leftmost;
    while !node.is_null() && shown.len() < TREE_MAX.min(*room) {
        shown.push(node);
        node = rbtree::next(mem, node);
    }
    *room -= shown.len();
    // Those above the shown ones that stand behind them all: they hang together, the nearest first.
    if let Some(mut last) = shown.last().copied() {
        loop {
            let above = mem[last].parent;
            if above.is_null() {
                break;
            }
            if mem[above].left == last {
                shown.push(above);
            }
            last = above;
        }
    }
    let mut places: Vec<(u32, u32)> = shown.iter().map(|it| it.unit()).zip(0..).collect();
    places.sort_unstable();
    let place = |node: Ref<RbNode>| {
        let found = places.binary_search_by_key(&node.unit(), |it| it.0);
        found.ok().map(|found| places[found].1)
    };
    let nodes: Vec<EntityView> = shown
        .iter()
        .map(|&node| EntityView {
            is_red: mem[node].color == RED,
            parent: place(mem[node].parent),
            left: place(mem[node].left),
            right: place(mem[node].right),
            ..entity(mem, paths, at, node.cast())
        })
        .collect();
    let is_curr_counted = !curr.is_null() && mem[curr].on_rq != 0;
    let in_tree = nr_running.saturating_sub(u32::from(is_curr_counted));
    QueueView {
        at: at.unit(),
        path: paths.of(mem, group),
        above,
        load,
        min_vruntime,
        running: (!curr.is_null()).then(|| entity(mem, paths, at, curr)),
        root: place(tasks_timeline.node),
        left_out: in_tree.saturating_sub(nodes.len() as u32),
        nodes,
    }
}

/// An entity, whatever its place.
fn entity(mem: &Mem, paths: &Paths, queue: Ref<CfsRq>, at: Ref<SchedEntity>) -> EntityView {
    let SchedEntity {
        vruntime,
        sum_exec_runtime,
        prev_sum_exec_runtime,
        weight,
        my_q,
        ..
    } = mem[at];
    let task = task_of(mem, at);
    let (pid, label) = match task.is_null() {
        true => (0, paths.of(mem, mem[my_q].group)),
        false => (mem[task].pid, task_label(mem, task)),
    };
    EntityView {
        at: at.unit(),
        pid,
        label,
        weight,
        vruntime,
        had_ns: sum_exec_runtime,
        turn_ns: sum_exec_runtime - prev_sum_exec_runtime,
        slice_ns: sched_slice(mem, queue, at),
        ..EntityView::default()
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    use super::*;
    use crate::observe::testing::{kernel, kernel_of};
    use crate::view::{View, ahead};

    /// Every tree is one: links match, the order is that of virtual runtime, no red node has a red
    /// child.
    #[track_caller]
    fn check(view: &SchedView) {
        for queue in view.cpus.iter().flat_map(|cpu| &cpu.queues) {
            let nodes = &queue.nodes;
            for pair in nodes.windows(2) {
                assert!(ahead(pair[1].vruntime, pair[0].vruntime) >= 0, "{queue:?}");
            }
            assert_eq!(queue.root.is_some(), !nodes.is_empty());
            for (number, node) in (0..).zip(nodes) {
                match node.parent {
                    None => assert_eq!(queue.root, Some(number)),
                    Some(parent) => {
                        let parent = &nodes[parent as usize];
                        assert!([parent.left, parent.right].contains(&Some(number)));
                        assert!(!(parent.is_red && node.is_red));
                    }
                }
                assert!(node.left.is_none_or(|left| left < number));
                assert!(node.right.is_none_or(|right| right > number));
            }
        }
    }

    #[test]
    fn a_tree_is_in_the_order_of_virtual_runtime() {
        let kernel = kernel(&[
            "spawn spin; spawn spin; spawn spin nice=5; spawn spin; spawn spin",
            "spawn spin; spawn spin; spawn spin; spawn spin; spawn spin",
            "sleep 0.333",
        ]);
        let view = sched(&kernel);
        check(&view);
        assert_eq!(view.cpus.len(), 2);
        let waiting: usize = view.cpus.iter().map(|cpu| cpu.queues[0].nodes.len()).sum();
        assert_eq!(waiting, 8, "ten tasks on two CPUs");
        let cpu = &view.cpus[0];
        assert_eq!(cpu.nr_running, cpu.queues[0].nodes.len() as u32 + 1);
        assert_eq!(cpu.user_ns + cpu.system_ns + cpu.idle_ns, cpu.clock_ns);
        let running = cpu.running().expect("somebody runs");
        let (reasons, next) = cpu.why();
        assert_eq!(reasons.len(), 2, "{reasons:?}");
        let next = next.expect("somebody is next");
        let sentence = view.sentence();
        assert!(
            sentence.starts_with(&format!("CPU 0 runs {}", running.label)),
            "{sentence}"
        );
        if next.at != running.at {
            assert_eq!(next, &cpu.queues[0].nodes[0]);
            assert!(sentence.contains(&format!("next is {}", next.label)));
        }
        assert_eq!(view.table().rows.len(), 10);
    }

    #[test]
    fn groups_have_trees_of_their_own() {
        let kernel = kernel(&[
            "mkdir /c; mount -t container -o cpu cpu /c; mkdir /c/guests /c/system /c/guests/web",
            "echo 90 > /c/guests/cpu.shares; echo 10 > /c/system/cpu.shares",
            "spawn spin; spawn spin; spawn spin; spawn spin; spawn spin; spawn spin",
            "echo 100 > /c/guests/tasks; echo 101 > /c/guests/tasks",
            "echo 102 > /c/guests/web/tasks; echo 103 > /c/guests/web/tasks",
            "echo 104 > /c/system/tasks; echo 105 > /c/system/tasks",
            "sleep 1",
        ]);
        let view = sched(&kernel);
        check(&view);
        let paths: Vec<&str> = view.groups.iter().map(|group| &*group.path).collect();
        assert_eq!(paths.len(), 4, "{paths:?}");
        for (path, shares, parent) in [
            ("/", 1024, None),
            ("/guests", 90, Some("/")),
            ("/guests/web", 1024, Some("/guests")),
            ("/system", 10, Some("/")),
        ] {
            let group = view.groups.iter().find(|group| group.path == path);
            let group = group.unwrap_or_else(|| panic!("no {path} in {paths:?}"));
            assert_eq!(group.shares, shares);
            let above = group.parent.map(|parent| paths[parent as usize]);
            assert_eq!(above, parent);
        }
        for cpu in &view.cpus {
            for (number, queue) in cpu.queues.iter().enumerate().skip(1) {
                let above = &cpu.queues[queue.above.unwrap() as usize];
                let entity = above.nodes.iter().chain(&above.running);
                let entity = entity.filter(|it| it.queue == Some(number as u32));
                let labels: Vec<&str> = entity.map(|it| &*it.label).collect();
                assert_eq!(labels, [&*queue.path]);
            }
            let running = cpu.running().expect("somebody runs");
            assert!(running.pid > 0);
            assert!(cpu.why().0.len() >= 2, "{:?}", cpu.why());
        }
        let queues = view.cpus.iter().flat_map(|cpu| &cpu.queues);
        let has = |path: &str| queues.clone().any(|queue| queue.path == path);
        assert!(has("/guests") && has("/guests/web") && has("/system"));
    }

    #[test]
    fn a_long_tree_is_cut_at_its_far_end() {
        let mut lines = Vec::from(["spawn spin; spawn spin; spawn spin; spawn spin"; 175]);
        lines.push("sleep 0.05");
        let view = sched(&kernel_of("mem=128M nodes=1 cpus=2", &lines));
        check(&view);
        for cpu in &view.cpus {
            let queue = &cpu.queues[0];
            assert!(queue.nodes.len() >= TREE_MAX && queue.nodes.len() < TREE_MAX + 24);
            let all = queue.nodes.len() as u32 + queue.left_out + 1;
            assert_eq!(all, cpu.nr_running);
        }
    }

    #[test]
    fn an_idle_machine_says_so() {
        let view = sched(&kernel(&[]));
        assert_eq!(view.sentence(), "CPU 0 is idle. CPU 1 is idle");
        assert_eq!(view.table().rows.len(), 0);
        let (reasons, next) = view.cpus[0].why();
        assert!(next.is_none() && reasons[0].text.contains("idles"));
    }
}
