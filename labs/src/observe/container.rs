//! The hierarchies of containers, from the kernel's own objects.
//!
//! There may be ten thousand containers and more tasks. So of each hierarchy some containers are
//! shown, from a number on, and of the tasks some from each container; a task that is shown is shown in
//! every hierarchy. The counts are true whatever is left out.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use kernel_core::Kernel;
use kernel_core::container::{
    self, CONTAINER, CPU, CPUACCT, CPUSET, Container, DEVICES, FLAVOUR_CONTAINER, FREEZER,
    Hierarchy, MEMORY, NOTIFY_ON_RELEASE, OOM, PIDS, RELEASABLE, SUBSYSTEMS, children, hierarchies,
    is_root, subsystem_name, task_container, task_count,
};
use kernel_core::fs::{self, PATH_MAX};
use kernel_core::mem::{FRAME_SIZE, Mem, Ref};
use kernel_core::task::{TASK, account, current, find_task_by_pid};

use crate::view::{ContainerView, ContainersView, HierarchyView, Meter, Reading, TaskDot, Unit};

/// Containers of a hierarchy that a view shows at most.
const CONTAINERS_MAX: u32 = 1024;
/// Groups of the `oom` controller that a decision names at most.
const GROUPS_MAX: usize = 100;
/// Dots of tasks in all hierarchies together.
const DOTS_MAX: usize = 2000;
/// Tasks of a container that are shown: a few of each first, then more where there is room.
const TASKS_SHOWN: [usize; 2] = [8, 200];

/// All hierarchies, each with `max` containers at most: those of hierarchy `hierarchy` from number
/// `from` on, the others' from the first.
pub(crate) fn containers(kernel: &Kernel, hierarchy: u32, from: u32, max: u32) -> ContainersView {
    let mem = &kernel.mem;
    let mut roots: Vec<Ref<Hierarchy>> = hierarchies(mem).collect();
    roots.reverse();
    let max = max.min(CONTAINERS_MAX) as usize;
    let mut views = Vec::new();
    let mut shown = Vec::new();
    for &root in &roots {
        let count = mem[root].number_of_containers;
        let from = if mem[root].id == hierarchy { from } else { 0 };
        let from = from.min(count.saturating_sub(1));
        let listed = list(mem, mem[root].top, from as usize, max);
        views.push(hierarchy_view(mem, root, from, &listed));
        shown.extend(listed.into_iter().map(|(container, _)| container));
    }
    let dummy = mem[mem[CONTAINER].dummy].subsys_bits;
    let unbound = (0..SUBSYSTEMS.len()).filter(|number| dummy >> number & 1 != 0);
    ContainersView {
        hierarchies: views,
        unbound: unbound.map(|it| subsystem_name(it).to_string()).collect(),
        tasks: dots(mem, &roots, &shown),
        tasks_total: mem[TASK].nr_threads,
        shell: mem[current(mem)].pid,
    }
}

/// Containers below `top` with their depths, each followed by those in it, the oldest first; `max` of
/// them from number `from` on.
fn list(mem: &Mem, top: Ref<Container>, from: usize, max: usize) -> Vec<(Ref<Container>, u32)> {
    let mut listed = Vec::new();
    let mut number = 0;
    // The kernel lists the newest first, so the oldest comes off the stack first.
    let mut rest = vec![(top, 0)];
    while let Some((container, depth)) = rest.pop() {
        if listed.len() == max {
            break;
        }
        if number >= from {
            listed.push((container, depth));
        }
        number += 1;
        rest.extend(children(mem, container).map(|child| (child, depth + 1)));
    }
    listed
}

fn hierarchy_view(
    mem: &Mem,
    root: Ref<Hierarchy>,
    before: u32,
    listed: &[(Ref<Container>, u32)],
) -> HierarchyView {
    let Hierarchy {
        id,
        flavour,
        top,
        number_of_containers,
        ..
    } = mem[root];
    let mut agent = String::new();
    // A string takes everything.
    let _ = container::write_release_agent(mem, top, &mut agent);
    let mut shares = Shares::default();
    // The way to the container at hand, by depth: places in the list.
    let mut way: Vec<Option<u32>> = Vec::new();
    let views = (0..).zip(listed).map(|(place, &(container, depth))| {
        let depth_now = depth as usize;
        way.resize(depth_now, None);
        let parent = depth_now.checked_sub(1).and_then(|above| way[above]);
        way.push(Some(place));
        let flags = mem[container].flags;
        ContainerView {
            id: mem[container].id,
            at: container.unit(),
            path: path(mem, container),
            depth,
            parent,
            notify_on_release: flags & NOTIFY_ON_RELEASE != 0,
            releasable: flags & RELEASABLE != 0,
            tasks: task_count(mem, container),
            meters: meters(mem, root, container, &mut shares),
        }
    });
    let containers: Vec<ContainerView> = views.collect();
    HierarchyView {
        id,
        at: root.unit(),
        mounts: mounts(mem, root),
        file_system: match flavour {
            FLAVOUR_CONTAINER => "container",
            _ => "cgroup",
        }
        .to_string(),
        subsystems: names(mem, root),
        release_agent: agent,
        before,
        after: (number_of_containers - before).saturating_sub(containers.len() as u32),
        containers,
    }
}

/// The subsystems of a hierarchy in the order of callbacks.
pub(crate) fn names(mem: &Mem, root: Ref<Hierarchy>) -> Vec<String> {
    let bound = mem[root].subsystems();
    bound.map(|it| subsystem_name(it).to_string()).collect()
}

/// A container's path below its hierarchy's root.
fn path(mem: &Mem, container: Ref<Container>) -> String {
    let mut path = String::new();
    // A string takes everything.
    let _ = container::path(mem, container, &mut path);
    path
}

/// Where a hierarchy is mounted.
fn mounts(mem: &Mem, root: Ref<Hierarchy>) -> Vec<String> {
    let dir = mem[mem[root].top].dentry;
    let mut paths = Vec::new();
    for mount in fs::mounts(mem).filter(|&mount| mem[mount].root == dir && !dir.is_null()) {
        let mut buffer = [0; PATH_MAX];
        let at = mem[mount].mountpoint;
        if let Ok(path) = fs::full_path(mem, at, &mut buffer) {
            paths.push(path.to_string());
        }
    }
    paths
}

/// The directory of a container, as one would name it at the console; its path and what it is for
/// where its hierarchy is mounted nowhere. A container that has no directory yet is named after the one
/// that it is in.
pub(crate) fn dir(mem: &Mem, container: Ref<Container>) -> String {
    let Container {
        root,
        parent,
        dentry,
        ..
    } = mem[container];
    if root == mem[CONTAINER].dummy {
        return "(not mounted)".to_string();
    }
    if dentry.is_null() && !parent.is_null() {
        return dir(mem, parent) + "/…";
    }
    let mount = mounts(mem, root).into_iter().next().unwrap_or_default();
    match path(mem, container).as_str() {
        "/" if !mount.is_empty() => mount,
        path => [mount.trim_end_matches('/'), path].concat(),
    }
}

/// The groups of the `oom` controller with their priorities, the first of them; none while it is not mounted.
pub(crate) fn oom_groups(mem: &Mem) -> Vec<(String, u64)> {
    let root = container::root_of(mem, OOM);
    if root == mem[CONTAINER].dummy || mounts(mem, root).is_empty() {
        return Vec::new();
    }
    let listed = list(mem, mem[root].top, 0, GROUPS_MAX).into_iter();
    let listed = listed.map(|(group, _)| {
        (
            dir(mem, group),
            mem[container::oom::oom_of(mem, group)].priority,
        )
    });
    listed.collect()
}

/// The container of that number.
pub(crate) fn find(mem: &Mem, id: u32) -> Option<Ref<Container>> {
    let dummy = mem[CONTAINER].dummy;
    let mut rest: Vec<Ref<Container>> = hierarchies(mem)
        .chain([dummy])
        .map(|root| mem[root].top)
        .collect();
    while let Some(container) = rest.pop() {
        if mem[container].id == id {
            return Some(container);
        }
        rest.extend(children(mem, container));
    }
    None
}

/// What the containers in each container have of its CPU time together.
#[derive(Default)]
struct Shares(BTreeMap<u32, u64>);

impl Shares {
    fn of(mem: &Mem, container: Ref<Container>) -> u64 {
        let cpu: Ref<container::cpu::CpuCgroup> = mem[container].subsys[CPU].cast();
        mem[mem[cpu].group].shares.into()
    }

    /// Those of a container and of its siblings.
    fn beside(&mut self, mem: &Mem, container: Ref<Container>) -> u64 {
        let parent = mem[container].parent;
        let all = || {
            children(mem, parent)
                .map(|child| Shares::of(mem, child))
                .sum()
        };
        *self.0.entry(parent.unit()).or_insert_with(all)
    }
}

/// What a container's control files say that is worth seeing at a glance.
fn meters(
    mem: &Mem,
    root: Ref<Hierarchy>,
    container: Ref<Container>,
    shares: &mut Shares,
) -> Vec<Meter> {
    let mut meters = Vec::new();
    let is_top = is_root(mem, container);
    for number in mem[root].subsystems() {
        let prefix = container::file_prefix(mem, root, number);
        let mut add = |file: &str, reading| {
            let file = match prefix {
                "" => file.to_string(),
                prefix => [prefix, ".", file].concat(),
            };
            meters.push(Meter { file, reading });
        };
        let count = |value: u64, of, unit| Reading::Number { value, of, unit };
        let css = mem[container].subsys[number];
        match number {
            CPU => {
                let of = (!is_top).then(|| shares.beside(mem, container));
                add(
                    "shares",
                    count(Shares::of(mem, container), of, Unit::Shares),
                );
            }
            CPUACCT => {
                let usage = |container: Ref<Container>| {
                    let css: Ref<container::cpuacct::Cpuacct> =
                        mem[container].subsys[CPUACCT].cast();
                    mem[css].usage.iter().sum::<u64>()
                };
                let all = (!is_top).then(|| usage(mem[root].top));
                // Either may have been reset.
                let of = all.filter(|&all| all >= usage(container));
                add("usage", count(usage(container), of, Unit::Nanoseconds));
            }
            MEMORY => {
                let css: Ref<container::memory::MemCgroup> = css.cast();
                let memory = &mem[css];
                let limit = Some(memory.limit).filter(|&it| it != container::memory::NO_LIMIT);
                let usage = u64::from(memory.usage) * FRAME_SIZE as u64;
                add("usage_in_bytes", count(usage, limit, Unit::Bytes));
                add("failcnt", count(memory.failcnt.into(), None, Unit::Times));
            }
            PIDS => {
                let css: Ref<container::pids::Pids> = css.cast();
                let pids = &mem[css];
                let max = Some(pids.max).filter(|&it| it != container::pids::NO_LIMIT);
                let max = max.map(u64::from);
                add("current", count(pids.current.into(), max, Unit::Tasks));
            }
            OOM => {
                let css: Ref<container::oom::OomCgroup> = css.cast();
                add("priority", Reading::Text(mem[css].priority.to_string()));
                add("notify", count(mem[css].events.into(), None, Unit::Times));
            }
            CPUSET => {
                let css: Ref<container::cpuset::Cpuset> = css.cast();
                add("cpus", Reading::Text(numbers(mem[css].cpus)));
                add("mems", Reading::Text(numbers(mem[css].mems)));
            }
            FREEZER if !is_top => {
                let css: Ref<container::freezer::Freezer> = css.cast();
                let state = container::freezer::state_name(mem[css].state);
                add("state", Reading::Text(state.to_string()));
            }
            DEVICES => {
                let mut list = String::new();
                // A string takes everything.
                let _ = container::devices::write_list(mem, container, &mut list);
                let list = list.trim_end().replace('\n', ", ");
                add("list", Reading::Text(list));
            }
            _ => {}
        }
    }
    meters
}

/// A set of numbers as the kernel lists them.
fn numbers(bits: u32) -> String {
    let mut list = String::new();
    // A string takes everything.
    let _ = container::cpuset::write_list(&mut list, bits);
    list.truncate(list.trim_end().len());
    list
}

/// Some tasks of each container that is shown, and where they are in all hierarchies.
fn dots(mem: &Mem, roots: &[Ref<Hierarchy>], shown: &[Ref<Container>]) -> Vec<TaskDot> {
    let room = DOTS_MAX / roots.len().max(1);
    let mut pids = BTreeSet::new();
    for most in TASKS_SHOWN {
        for &container in shown {
            for task in container::tasks(mem, container).take(most) {
                if pids.len() < room {
                    pids.insert(mem[task].pid);
                }
            }
        }
    }
    let tasks = pids
        .into_iter()
        .filter_map(|pid| find_task_by_pid(mem, pid));
    tasks
        .map(|task| TaskDot {
            pid: mem[task].pid,
            at: task.unit(),
            comm: mem[task].comm().to_string(),
            state: account::state_letter(mem, task),
            containers: roots
                .iter()
                .map(|&root| mem[task_container(mem, task, root)].id)
                .collect(),
        })
        .collect()
}

#[cfg(all(test, feature = "host-ram"))]
mod tests;
