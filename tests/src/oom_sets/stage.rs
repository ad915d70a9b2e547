//! Putting a set into a kernel, and into the reference's world.

use std::fmt::Write;

use super::{Setting, Staged};
use crate::oom_reference::{Task, World};
use crate::watched::Watched;

impl Setting {
    /// A machine, and what goes before every set.
    pub(super) fn boot(&self) -> Result<Watched, String> {
        let header = format!("mem=16M nodes={} hz={} seed=1", self.nodes, self.hz);
        let mut kernel = Watched::boot(&header).ok_or("no machine boots")?;
        run(&mut kernel, &format!("sleep {}ms", self.uptime_ms))?;
        if let Some(nodes) = self.shell_nodes {
            run(
                &mut kernel,
                &format!(
                    "mkdir /c; mount -t cgroup -o cpuset cpuset /c; mkdir /c/s; echo 0 > /c/s/cpuset.cpus; \
                     echo {} > /c/s/cpuset.mems; echo $$ > /c/s/tasks",
                    list(nodes)
                ),
            )?;
        }
        Ok(kernel)
    }
}

/// A list of nodes as files take it.
fn list(mask: u32) -> String {
    let numbers = (0..32).filter(|node| mask >> node & 1 != 0);
    let numbers: Vec<String> = numbers.map(|node: u32| node.to_string()).collect();
    numbers.join(",")
}

/// Runs a line that must say nothing.
pub(super) fn run(kernel: &mut Watched, line: &str) -> Result<(), String> {
    match kernel.run(line.as_bytes())?.as_str() {
        "" => Ok(()),
        text => Err(format!("{line}: {text}")),
    }
}

impl Staged {
    /// The line that stages it; `spawn` of a task in its parent's memory there is none.
    pub(super) fn line(&self, parent: u32) -> String {
        let mut line = format!(
            "spawn t{} ppid={parent} vm={}k rss=0 utime={}ns stime={}ns age={}.{:03}s threads={}",
            self.id,
            u64::from(self.pages) * 4,
            self.utime,
            self.stime,
            self.age / 1000,
            self.age % 1000,
            self.threads
        );
        let mut key = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(line, " {name}={value}");
            }
        };
        key("nice", self.nice.map(|it| it.to_string()));
        key("uid", self.uid.map(|it| it.to_string()));
        key("caps", self.caps.map(str::to_string));
        key("mems", self.nodes.map(list));
        key("oom_adj", self.oom_adj.map(|it| it.to_string()));
        if self.is_zombie {
            key("state", Some("Z".to_string()));
            line = line.replace(" threads=1", "");
        }
        line
    }

    fn is_superuser(&self) -> Option<bool> {
        let named = |caps: &str| {
            caps == "all" || caps.contains("sys_admin") || caps.contains("sys_resource")
        };
        self.caps.map(named).or(self.uid.map(|_| false))
    }

    fn has_hardware(&self) -> Option<bool> {
        let named = |caps: &str| caps == "all" || caps.contains("sys_rawio");
        self.caps.map(named).or(self.uid.map(|_| false))
    }
}

/// Stages a set, and works out what the reference has to see of it.
pub(super) fn stage(
    kernel: &mut Watched,
    setting: &Setting,
    set: &[Staged],
) -> Result<World, String> {
    let now = kernel.now_ns();
    let shell = Task {
        pid: 1,
        tgid: 1,
        parent: 1,
        comm: "sh".to_string(),
        mm: None,
        utime: 0,
        stime: 0,
        start: 0,
        nice: 0,
        is_superuser: true,
        has_hardware: true,
        nodes: setting.shell_nodes.unwrap_or(u32::MAX),
        oom_adj: 0,
        is_in_swapoff: false,
        is_exiting: false,
        is_dying: false,
    };
    let kthreadd = Task {
        pid: 2,
        tgid: 2,
        comm: "kthreadd".to_string(),
        ..shell.clone()
    };
    let mut world = World {
        hz: setting.hz,
        now,
        current: 1,
        tasks: vec![shell, kthreadd],
        total_vm: Vec::new(),
    };
    let mut pids: Vec<(u32, u32)> = Vec::new();
    for staged in set {
        let found = pids.iter().find(|(id, _)| Some(*id) == staged.parent);
        let parent = found.map_or(1, |found| found.1);
        let from = world.task(parent).clone();
        let is_sharer = staged.is_sharer && from.mm.is_some();
        let pid = match is_sharer {
            true => kernel.stage_sharer(parent)?,
            false => {
                let line = staged.line(parent);
                let text = kernel.run(line.as_bytes())?;
                let number = text.trim().parse();
                number.map_err(|_| format!("{line}: {text}"))?
            }
        };
        if is_sharer && let Some(adj) = staged.oom_adj {
            run(kernel, &format!("echo {adj} > /proc/{pid}/oom_adj"))?;
        }
        pids.push((staged.id, pid));
        let age_ns = staged.age as i64 * 1_000_000;
        if !is_sharer {
            world.total_vm.push(u64::from(staged.pages));
        }
        let leader = Task {
            pid,
            tgid: pid,
            parent,
            comm: match is_sharer {
                true => from.comm.clone(),
                false => format!("t{}", staged.id),
            },
            mm: match (is_sharer, staged.is_zombie) {
                (true, _) => from.mm,
                (_, true) => None,
                _ => Some(world.total_vm.len() - 1),
            },
            utime: staged.utime,
            stime: staged.stime,
            start: now as i64 - age_ns,
            nice: staged.nice.unwrap_or(from.nice),
            is_superuser: staged.is_superuser().unwrap_or(from.is_superuser),
            has_hardware: staged.has_hardware().unwrap_or(from.has_hardware),
            nodes: staged.nodes.unwrap_or(from.nodes),
            oom_adj: staged.oom_adj.unwrap_or(from.oom_adj),
            ..from
        };
        world.tasks.push(leader.clone());
        if staged.threads > 1 && !is_sharer {
            let listed = kernel.run(format!("ls /proc/{pid}/task").as_bytes())?;
            let mut threads: Vec<u32> = listed
                .split_whitespace()
                .filter_map(|word| word.parse().ok())
                .collect();
            threads.retain(|&thread| thread != pid);
            threads.sort_unstable();
            if threads.len() as u32 != staged.threads - 1 {
                return Err(format!("process {pid} has the threads {threads:?}"));
            }
            for &thread in &threads {
                world.tasks.push(Task {
                    pid: thread,
                    utime: 0,
                    stime: 0,
                    start: now as i64,
                    ..leader.clone()
                });
            }
            let last = threads.last().copied().zip(staged.thread_adj);
            if let Some((thread, adj)) = last {
                run(
                    kernel,
                    &format!("echo {adj} > /proc/{pid}/task/{thread}/oom_adj"),
                )?;
                let task = world.tasks.last_mut().expect("a thread");
                task.oom_adj = adj;
            }
        }
    }
    Ok(world)
}
