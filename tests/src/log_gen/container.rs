//! Lines about containers: hierarchies that come and go, groups that tasks move between, and what
//! every file of every subsystem takes and refuses.

use super::Writer;

const MOUNTS: [&str; 4] = ["/m0", "/m1", "/m2", "/m3"];
/// What a hierarchy may have.
const SETS: [&str; 20] = [
    "cpu",
    "cpu,cpuacct",
    "cpuacct",
    "memory",
    "memory,pids",
    "pids",
    "pids,debug",
    "oom",
    "memory,oom",
    "freezer",
    "freezer,devices",
    "devices",
    "cpuset",
    "cpuset,noprefix",
    "all",
    "debug,release_agent=/bin/true",
    "cpuset,cpu,memory",
    "net",
    "cpu,,memory",
    "noprefix",
];
const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "tasks"];
/// Containers that a log remembers; of more, the oldest are forgotten.
const REMEMBERED: usize = 12;

/// Hierarchies that fit beside each other, for a log's beginning.
const BESIDE: [[&str; 3]; 6] = [
    ["cpu,cpuacct", "memory,pids", "freezer,devices"],
    ["cpu", "memory", "pids,debug"],
    ["cpuset", "cpu,memory", "freezer"],
    ["cpuset,noprefix", "cpuacct,pids", "memory,devices"],
    ["pids", "debug,freezer", "cpu"],
    ["all", "all", "cpu"],
];

/// The containers that a log has made, or tried to: their paths.
#[derive(Debug)]
pub(super) struct Groups(Vec<String>);

impl Default for Groups {
    fn default() -> Groups {
        Groups(vec!["/m0".to_string(), "/m1".to_string()])
    }
}

impl Groups {
    fn remember(&mut self, path: String) {
        if self.0.len() == REMEMBERED {
            self.0.remove(0);
        }
        self.0.push(path);
    }
}

/// Files with their subsystems, and what makes sense to write to them.
const FILES: [(&str, &str, &[&str]); 33] = [
    ("", "notify_on_release", &["0", "1", "1", "x"]),
    (
        "",
        "release_agent",
        &["/bin/true", "/agent", "", "/nothing"],
    ),
    ("", "releasable", &["1"]),
    ("cpuacct", "cpuacct.usage", &["0", "1"]),
    ("cpuacct", "cpuacct.usage_percpu", &["0"]),
    ("cpuset", "cpus", &["0", "0-1", "1", "", "0-7", "1-0", "x"]),
    ("cpuset", "mems", &["0", "0-1", "1", "", "3"]),
    ("cpuset", "cpuset.cpus", &["0", "0-1", "1", "", "0-7", "2"]),
    ("cpuset", "cpuset.mems", &["0", "0-1", "1", "", "3"]),
    ("cpuset", "cpu_exclusive", &["0", "1"]),
    ("cpuset", "cpuset.cpu_exclusive", &["0", "1"]),
    ("cpuset", "mem_exclusive", &["0", "1"]),
    ("cpuset", "cpuset.mem_exclusive", &["0", "1"]),
    ("cpuset", "memory_migrate", &["0", "1"]),
    ("cpuset", "cpuset.memory_migrate", &["0", "1"]),
    ("cpuset", "sched_load_balance", &["0", "1"]),
    ("cpuset", "cpuset.memory_pressure", &["1"]),
    ("cpuset", "cpuset.memory_spread_page", &["0", "1"]),
    ("cpuset", "memory_spread_slab", &["1"]),
    ("cpuset", "memory_pressure_enabled", &["0", "1"]),
    ("memory", "memory.usage_in_bytes", &["0"]),
    ("memory", "memory.max_usage_in_bytes", &["0"]),
    ("memory", "memory.failcnt", &["0", "1"]),
    ("memory", "memory.stat", &["0"]),
    ("memory", "memory.force_empty", &["1", ""]),
    (
        "devices",
        "devices.deny",
        &["a", "c 1:3 w", "c 1:5 rwm", "b 8:0 rw"],
    ),
    ("devices", "devices.list", &["a"]),
    (
        "oom",
        "oom.priority",
        &["0", "1", "256", "18446744073709551615", "-1"],
    ),
    ("oom", "oom.delay", &["0", "100", "60000", "60001"]),
    ("pids", "pids.max", &["max", "3", "1", "0", "12", "-1"]),
    ("pids", "pids.current", &["1"]),
    ("debug", "debug.taskcount", &["1"]),
    ("debug", "debug.current_css_set_refcount", &["1"]),
];

impl Writer {
    /// What most logs about tasks begin with: places, programs, hierarchies with a container each.
    pub(super) fn beginning(&mut self) -> Vec<String> {
        let mut lines = vec![
            "mkdir /m0 /m1 /m2 /m3 /d; mkfifo /fifo; touch /f /d/file".to_string(),
            "echo 'rmdir $1' > /agent; chmod 755 /agent".to_string(),
            self.written("/p0"),
            self.written("/p1"),
        ];
        let sets = *self.random.pick(&BESIDE);
        self.sets = sets.to_vec();
        for (mount, set) in MOUNTS.iter().zip(sets) {
            if self.random.one_in(4) {
                continue;
            }
            let kind = *self.random.pick(&["container", "cgroup"]);
            lines.push(format!("mount -t {kind} -o {set} x {mount}"));
            for name in ["a", "b"] {
                lines.push(format!("mkdir {mount}/{name}"));
                self.groups.remember(format!("{mount}/{name}"));
            }
            lines.push(format!("cat {mount}/tasks"));
        }
        lines
    }

    /// A container, mostly one that is there.
    pub(super) fn group(&mut self) -> String {
        match self.random.below(8) {
            0 => self.random.pick(&MOUNTS).to_string(),
            1 => format!("{}/{}", self.random.pick(&MOUNTS), self.random.pick(&NAMES)),
            _ => self.random.pick(&self.groups.0).clone(),
        }
    }

    /// A control file, mostly one that is there, and what may be written to it.
    fn control(&mut self) -> (String, &'static str) {
        let group = self.group();
        // Which subsystems are there is known of the log's beginning.
        let number = MOUNTS.iter().position(|mount| group.starts_with(mount));
        let set = number.and_then(|number| self.sets.get(number)).copied();
        let fits = |owner: &str| set.is_none_or(|set| set == "all" || set.contains(owner));
        let files: Vec<_> = FILES.iter().filter(|(owner, ..)| fits(owner)).collect();
        let (_, file, values) = **self.random.pick(&files);
        (format!("{group}/{file}"), *self.random.pick(values))
    }

    /// A command about containers.
    pub(super) fn container(&mut self) -> String {
        let mount = *self.random.pick(&MOUNTS);
        let group = self.group();
        match self.random.below(56) {
            0..=2 => {
                let kind = *self
                    .random
                    .pick(&["container", "cgroup", "cgroup", "cpuset"]);
                let set = match self.random.below(8) {
                    0 => String::new(),
                    _ => format!("-o {} ", self.random.pick(&SETS)),
                };
                format!("mkdir -p {mount}; mount -t {kind} {set}x {mount}")
            }
            3 => format!("umount {mount}"),
            4 => format!("mount -o remount,{} {mount}", self.random.pick(&SETS)),
            5..=10 => {
                let path = format!("{group}/{}", self.random.pick(&NAMES));
                self.groups.remember(path.clone());
                format!("mkdir {path}")
            }
            11..=13 => format!("rmdir {group}"),
            14 => format!("mv {group} {}/{}", self.group(), self.random.pick(&NAMES)),
            15..=27 => {
                let pid = match self.random.below(4) {
                    0 => "0".to_string(),
                    1 => "$$".to_string(),
                    _ => self.pid(),
                };
                format!("echo {pid} > {group}/tasks")
            }
            28 => format!("echo {} > {group}/tasks", self.word()),
            29 | 30 => format!("cat {group}/tasks {mount}/tasks"),
            31..=41 => {
                let (file, value) = self.control();
                format!("echo {value} > {file}; cat {file}")
            }
            42 => format!("ls {group}; ls -l {group}/tasks"),
            43 => format!("cat /proc/{}/cgroup /proc/cgroups", self.pid()),
            44 => format!("rm {group}/tasks; touch {group}/x"),
            // What lets a task into a fresh cpuset.
            45..=47 => {
                let dot = *self.random.pick(&["", "cpuset."]);
                format!(
                    "echo 0 > {group}/{dot}cpus; echo 0 > {group}/{dot}mems; echo $$ > {group}/tasks"
                )
            }
            48 | 49 => {
                let nth = 1 + self.random.below(30);
                let pid = self.pid();
                let then = match self.random.below(4) {
                    0 => format!("mkdir {group}/c"),
                    1 | 2 => format!("echo {pid} > {group}/tasks"),
                    _ => format!("mount -t cgroup -o pids x {mount}"),
                };
                format!("echo {nth} > /proc/self/fail-nth; {then}")
            }
            50 | 51 => {
                format!("echo /agent > {mount}/release_agent; echo 1 > {group}/notify_on_release")
            }
            52 | 53 => {
                // Somebody who works in it, and then is alone.
                let program =
                    *self
                        .random
                        .pick(&["spin 20ms", "forkbomb", "memhog 2M", "server 9 1ms"]);
                format!("echo $$ > {group}/tasks; {program} & echo 0 > {mount}/tasks; sleep 30ms")
            }
            54 => format!("chown 1 {group}/tasks; chmod 600 {group}/tasks"),
            _ => format!("cd {group}; cat tasks; cd /"),
        }
    }
}
