//! Random logs about memory that gets scarce: small machines, most with a swap device, and programs that
//! take more than there is.
//!
//! Who is killed, and when, depends on everything that came before; what must hold is that the kernel frees
//! memory, kills by its rules or panics when it is told to, and never hangs.

use super::Writer;

impl Writer {
    /// A header's words: memory for a few small programs, and perhaps a swap device.
    pub(super) fn scarce_machine(&mut self) -> Vec<String> {
        let mem = 2 + self.random.below(4);
        self.frames = mem << 8;
        self.nodes = 1 + self.random.below(2.min(mem));
        let mut words = vec![
            format!("mem={mem}M"),
            format!("nodes={}", self.nodes),
            format!("cpus={}", 1 + self.random.below(3)),
        ];
        if !self.random.one_in(4) {
            words.push(format!("swap={}M", 1 + self.random.below(6)));
        }
        words
    }

    /// What most such logs begin with.
    pub(super) fn scarce_beginning(&mut self) -> Vec<String> {
        let mut lines = vec!["swapon /dev/swap".to_string()];
        if !self.random.one_in(3) {
            lines.push("echo 1 > /proc/sys/vm/overcommit_memory".to_string());
        }
        if self.random.one_in(2) {
            lines.push("mkdir /m; mount -t cgroup -o memory memory /m; mkdir /m/a".to_string());
            let limit = 100 + self.random.below(900);
            lines.push(format!("echo {limit}K > /m/a/memory.limit_in_bytes"));
        }
        lines
    }

    /// A command about memory.
    pub(super) fn scarce(&mut self) -> String {
        let size = match self.random.below(4) {
            0 => self.random.below(64),
            1 | 2 => 64 + self.random.below(1000),
            _ => self.random.below(6000),
        };
        let time = ["1ms", "20ms", "300ms", "5s", ""];
        let time = *self.random.pick(&time);
        let nice = self.random.below(6);
        match self.random.below(26) {
            0..=6 => format!("memhog {size}K {time} &"),
            7 | 8 => format!(
                "spawn memhog oom_adj={} nice={nice} -- {size}K {time}",
                *self.random.pick(&[-17, -16, -3, 0, 0, 2, 15])
            ),
            9 => format!("cow {}K &", size % 700),
            10 => format!("sleep {}ms", 1 + self.random.below(60)),
            11 | 12 => format!("sleep {}ms", 100 + self.random.below(900)),
            13 => self
                .random
                .pick(&[
                    "kill -9 -1",
                    "kill -9 $!",
                    "kill -STOP $!",
                    "kill -CONT -1",
                    "wait $!",
                ])
                .to_string(),
            14 => self
                .random
                .pick(&[
                    "swapoff /dev/swap",
                    "swapon -a",
                    "swapon",
                    "swapoff -a",
                    "swapon /nowhere",
                ])
                .to_string(),
            15 => {
                let (file, most) = *self.random.pick(&[
                    ("overcommit_memory", 3),
                    ("overcommit_ratio", 200),
                    ("swappiness", 102),
                    ("min_free_kbytes", 900),
                    ("oom_kill_allocating_task", 2),
                    ("oom_dump_tasks", 2),
                    ("drop_caches", 4),
                ]);
                format!("echo {} > /proc/sys/vm/{file}", self.random.below(most))
            }
            16 if self.random.one_in(9) => {
                format!("echo {} > /proc/sys/vm/panic_on_oom", self.random.below(3))
            }
            17 => {
                let policy = [
                    "badness",
                    "priority",
                    "notify",
                    "lowmemorykiller",
                    "oom_victim",
                ];
                format!(
                    "echo {} > /proc/sys/vm/oom_policy",
                    self.random.pick(&policy)
                )
            }
            18 | 19 => {
                let files = [
                    "meminfo",
                    "vmstat",
                    "zoneinfo",
                    "swaps",
                    "buddyinfo",
                    "self/status",
                ];
                format!("cat /proc/{}", self.random.pick(&files))
            }
            20 => self
                .random
                .pick(&[
                    "find / > /dev/null",
                    "ps",
                    "top",
                    "dmesg",
                    "slabtop",
                    "jobs",
                ])
                .to_string(),
            21 => format!("echo $$ > /m/{}tasks", self.random.pick(&["", "a/"])),
            22 => format!("echo {size}K > /m/a/memory.limit_in_bytes"),
            23 => "oom trigger".to_string(),
            24 => "cat /usr/src/*.rs > /dev/null".to_string(),
            _ => {
                let pages = 1 + self.random.below(64);
                format!("echo text > /f; cat /f /f > /g; pages alloc {}", pages % 4)
            }
        }
    }
}
