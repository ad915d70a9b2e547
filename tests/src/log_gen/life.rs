//! Lines about tasks: programs that run and wait, jobs, signals, priorities, users, pipes.
//!
//! Numbers of tasks are heard when they are printed, so most lines name a task that is there, or was
//! a moment ago. Time passes often, and seldom long: a kernel in which nothing happens finds nothing.

use super::Writer;

/// Numbers of tasks that a log remembers; of more, the oldest are forgotten.
const REMEMBERED: usize = 40;

/// Programs with arguments that end soon, or are ended by the terminal's patience.
const QUICK: [&str; 24] = [
    "spin 3ms",
    "spin 30ms",
    "/bin/sleep 20ms",
    "memhog 300K 5ms",
    "memhog 3M 30ms",
    "cow 128K",
    "cow",
    "segv",
    "threads 3 2ms",
    "threads 12 1ms",
    "server 3 1ms",
    "writer /d/file 5",
    "writer /proc/fortune 4",
    "reader /f 2",
    "reader /proc/meminfo 2",
    "/bin/cat /proc/self/status",
    "/bin/cat /proc/self/maps",
    "/bin/echo one two",
    "/bin/true",
    "/bin/false",
    "sh /f",
    "sh /proc/self/cmdline",
    "/p0 3",
    "/p1 9 x",
];
/// Programs that go on until somebody ends them.
const LASTING: [&str; 10] = [
    "spin",
    "memhog 2M",
    "memhog 90K",
    "stubborn",
    "server 1000 2ms",
    "yes",
    "yes to",
    "/bin/sleep 5s",
    "reader /fifo 3",
    "writer /fifo 9",
];
const SIGNALS: [&str; 18] = [
    "KILL", "9", "TERM", "15", "INT", "HUP", "STOP", "CONT", "TSTP", "CHLD", "USR1", "ALRM",
    "SEGV", "PIPE", "0", "31", "32", "SIGQUIT",
];
const DURATIONS: [&str; 12] = [
    "0", "1ns", "1ms", "4ms", "10ms", "20ms", "50ms", "100ms", "300ms", "1", "1.5s", "11",
];
/// Files of a task's directory.
const FILES: [&str; 22] = [
    "cgroup",
    "cmdline",
    "container",
    "cpuset",
    "cwd",
    "environ",
    "fail-nth",
    "limits",
    "maps",
    "oom_adj",
    "oom_score",
    "sched",
    "smaps",
    "stat",
    "statm",
    "status",
    "wchan",
    "fd",
    "task",
    "fd/0",
    "nothing",
    "task/1/stat",
];
/// Files that tell of all tasks.
const OVERALL: [&str; 12] = [
    "stat",
    "uptime",
    "loadavg",
    "schedstat",
    "meminfo",
    "slabinfo",
    "fortune",
    "cgroups",
    "containers",
    "sys/kernel/pid_max",
    "sys/kernel/threads-max",
    "mounts",
];
const DEVICES: [&str; 5] = ["null", "zero", "full", "console", "tty"];
const TUNABLES: [&str; 7] = [
    "sched_latency_ns",
    "sched_min_granularity_ns",
    "sched_wakeup_granularity_ns",
    "sched_child_runs_first",
    "sched_compat_yield",
    "pid_max",
    "threads-max",
];

/// The tasks that a log has heard of.
#[derive(Debug, Default)]
pub(super) struct Pids(Vec<u64>);

impl Pids {
    /// Takes in what a line printed: `100`, `100-104`, `[1] 100`.
    pub(super) fn listen(&mut self, answer: &str) {
        for line in answer.lines().take(20) {
            let number = match line.strip_prefix('[') {
                Some(job) => job.split_once("] ").map_or("", |(_, number)| number),
                None => line,
            };
            let mut ends = number.splitn(2, '-').map_while(|end| end.parse().ok());
            let Some(first) = ends.next().filter(|&pid: &u64| (2..1 << 22).contains(&pid)) else {
                continue;
            };
            for pid in [Some(first), ends.next()].into_iter().flatten() {
                if self.0.len() == REMEMBERED {
                    self.0.remove(0);
                }
                self.0.push(pid);
            }
        }
    }
}

impl Writer {
    /// A command about tasks.
    pub(super) fn life(&mut self) -> String {
        match self.random.below(64) {
            0..=9 => self.spawn(),
            10..=17 => format!("{} &", self.program()),
            18..=21 => self.quick(),
            22..=29 => {
                // A guest takes a second for what a process does in fifty milliseconds.
                let all = match self.random.below(200) {
                    0 => 12,
                    1..=8 => 11,
                    _ => 8,
                };
                format!("sleep {}", self.random.pick(&DURATIONS[..all]))
            }
            30 => {
                let whom = self.whom();
                // Whoever waits for one that does not end uses up all steps of the line.
                format!("kill -9 {whom}; wait {whom}")
            }
            31 => {
                let first = match self.random.below(30) {
                    0 => "",
                    _ => "kill -9 -1; ",
                };
                format!(
                    "{first}{}",
                    self.random.pick(&["wait", "wait $!", "wait %1"])
                )
            }
            32 => "jobs".to_string(),
            33..=38 => format!("kill -{} {}", self.random.pick(&SIGNALS), self.whom()),
            39 => match self.random.below(6) {
                0 => "kill -9 -1; sleep 1ms".to_string(),
                1 => format!("kill -CONT -1; kill {}", self.word()),
                _ => format!("kill -{} -{}", self.random.pick(&SIGNALS), self.pid()),
            },
            40 => {
                let nice = self.random.below(44) as i64 - 22;
                let of = *self.random.pick(&["", "-p ", "-u ", "-n "]);
                format!("renice {nice} {of}{}", self.pid())
            }
            41 | 42 => {
                let cpus = *self.random.pick(&["", "0", "1", "0-1", "0,2", "3", "7-9"]);
                format!("taskset -pc {cpus} {}", self.pid())
            }
            43 | 44 => {
                let list = ["ps", "ps aux", "ps -ef", "ps -L", "top", "ps -efL"];
                self.random.pick(&list).to_string()
            }
            45..=48 => format!("cat /proc/{}/{}", self.pid(), self.random.pick(&FILES)),
            49 => {
                let adj = self.random.below(36) as i64 - 19;
                format!("echo {adj} > /proc/{}/oom_adj", self.pid())
            }
            50 => format!("ls -l /proc/{}/{}", self.pid(), self.random.pick(&FILES)),
            51 | 52 => format!("cat /proc/{}", self.random.pick(&OVERALL)),
            53 => {
                let value = match self.random.below(3) {
                    0 => self.under(300, 1 << 34),
                    1 => 1_000_000 * self.random.below(40),
                    _ => self.random.below(2),
                };
                let file = self.random.pick(&TUNABLES);
                format!("echo {value} > /proc/sys/kernel/{file}")
            }
            54..=57 => self.users(),
            58 => self.bomb(),
            59 => {
                let nth = 1 + self.random.below(40);
                let then = match self.random.below(3) {
                    0 => self.spawn(),
                    1 => format!("{} &", self.program()),
                    _ => self.quick(),
                };
                format!("echo {nth} > /proc/self/fail-nth; {then}")
            }
            60 => "mkfifo /fifo; reader /fifo 1 & writer /fifo 3".to_string(),
            61 => format!("echo {} > /proc/fortune; cat /proc/fortune", self.word()),
            _ => {
                let path = *self.random.pick(&["/p0", "/p1"]);
                self.written(path)
            }
        }
    }

    /// A task by its number, mostly one that was there.
    pub(super) fn pid(&mut self) -> String {
        match self.random.below(10) {
            0 => self.random.pick(&["$$", "1", "0", "self", "2"]).to_string(),
            1 => (99 + self.random.below(40)).to_string(),
            2 => "$!".to_string(),
            3 => self.number(self.frames),
            _ if self.pids.0.is_empty() => "100".to_string(),
            _ => self.random.pick(&self.pids.0).to_string(),
        }
    }

    /// A task or a job.
    fn whom(&mut self) -> String {
        match self.random.below(4) {
            0 => {
                let job = *self
                    .random
                    .pick(&["%1", "%2", "%3", "%+", "%-", "%%", "%9"]);
                job.to_string()
            }
            _ => self.pid(),
        }
    }

    fn quick(&mut self) -> String {
        self.random.pick(&QUICK).to_string()
    }

    fn program(&mut self) -> String {
        let program = match self.random.below(2) {
            0 => self.quick(),
            _ => self.random.pick(&LASTING).to_string(),
        };
        match self.random.below(6) {
            0 => format!("{program} > /d/file"),
            1 => format!("{program} > /dev/null"),
            2 => format!(
                "{program} < {}",
                self.random.pick(&["/f", "/fifo", "/dev/zero"])
            ),
            _ => program,
        }
    }

    /// A task as a teacher stages it, with any of the keys.
    fn spawn(&mut self) -> String {
        let mut is_program = self.random.one_in(2);
        let name = match is_program {
            true => *self
                .random
                .pick(&["spin", "memhog", "server", "/p0", "/p1", "cow", "yes"]),
            false => *self.random.pick(&["mail", "web", "a", "db", "/x/y", "é"]),
        };
        is_program |= self.random.one_in(12);
        let mut line = format!("spawn {name}");
        for _ in 0..self.random.below(4) {
            let key = match self.random.below(19) {
                0 => format!("uid={}", self.under(4, 1 << 33)),
                1 => format!("gid={}", self.under(4, 1 << 33)),
                2 => format!("nice={}", self.random.below(42) as i64 - 21),
                3 => format!("vm={}K", self.under(4000, 1 << 23)),
                4 => format!("rss={}K", self.under(300, 1 << 14)),
                5 => format!("utime={}", self.random.pick(&DURATIONS)),
                6 => format!("stime={}s", self.under(300, 1 << 40)),
                7 => format!("age={}h", self.under(99, 1 << 40)),
                8 => {
                    let caps = [
                        "all",
                        "none",
                        "sys_admin,kill",
                        "CAP_NET_RAW",
                        "0x1f",
                        "nosuch",
                    ];
                    format!("caps={}", self.random.pick(&caps))
                }
                9 => format!("oom_adj={}", self.random.below(36) as i64 - 18),
                10 => format!("mems={}", self.random.pick(&["0", "1", "0-1", "9", ""])),
                11 => format!("cpus={}", self.random.pick(&["0", "1", "0-1", "2,3", "8"])),
                12 => format!("ppid={}", self.pid()),
                13 => format!("pgrp={}", self.pid()),
                14 => format!("nproc={}", self.under(30, 1 << 33)),
                15 => format!("policy={}", self.random.pick(&["normal", "batch", "fifo"])),
                16 if !is_program => format!("threads={}", self.under(6, 1001)),
                17 => format!("count={}", self.under(12, 300)),
                18 if !is_program => {
                    format!("state={}", self.random.pick(&["S", "D", "T", "Z", "R"]))
                }
                _ => continue,
            };
            line = format!("{line} {key}");
        }
        match is_program && self.random.one_in(2) {
            true => format!(
                "{line} -- {}",
                self.random.pick(&["20ms", "64K 9ms", "5 2ms", "x"])
            ),
            false => line,
        }
    }

    /// Owners, modes, users, links, pipes and devices.
    fn users(&mut self) -> String {
        let path = self.path();
        match self.random.below(16) {
            0 | 1 => format!("su {}", self.random.below(4)),
            2..=4 => "su".to_string(),
            5 => format!("su {}; {}; su", 1 + self.random.below(3), self.command()),
            6 => {
                let mode = *self
                    .random
                    .pick(&["0", "644", "755", "777", "1777", "u+w,go-r", "+x"]);
                format!("chmod {mode} {path}")
            }
            7 => {
                let owner = *self.random.pick(&["1", "0:0", "2:3", ":1", "-1"]);
                format!("chown {owner} {path}")
            }
            8 => format!("umask {}", self.random.pick(&["", "0", "022", "077", "9"])),
            9 => "id; pwd; umask".to_string(),
            10 => format!("ln -s {path} /d/link; readlink /d/link; cat /d/link"),
            11 => format!("mv {path} {}", self.path()),
            12 => format!("kill -9 -1; mkfifo {path}; cat {path}; echo x > {path}"),
            13 => {
                let numbers = *self
                    .random
                    .pick(&["c 1 3", "c 1 5", "c 1 7", "b 8 0", "p", "c 9 9"]);
                format!("kill -9 -1; mknod {path} {numbers}; echo x > {path}; ls -l {path}")
            }
            14 => format!("echo {} > /dev/{}", self.word(), self.random.pick(&DEVICES)),
            _ => format!("stat {path} /dev/{}", self.random.pick(&DEVICES)),
        }
    }

    /// Copies that make copies, within a limit.
    fn bomb(&mut self) -> String {
        let most = 2 + self.under(30, 200);
        match self.random.below(3) {
            0 => format!("spawn forkbomb uid=7 nproc={most}; sleep 50ms; kill -9 -1"),
            1 => format!(
                "echo {} > /proc/sys/kernel/threads-max; forkbomb & sleep 30ms; kill -9 -1",
                most + 8
            ),
            _ => format!(
                "spawn forkbomb uid={} nproc={most} nice=5",
                3 + self.random.below(3)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_tasks_are_heard() {
        let mut pids = Pids::default();
        pids.listen("100\nhello\n[1] 101\n102-105\n0\n1\n[2]+  Done   x\n-ENOMEM\n");
        assert_eq!(pids.0, [100, 101, 102, 105]);
    }
}
