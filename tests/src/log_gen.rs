//! Random logs: sessions that no sensible person would type.
//!
//! A log must reach deep into the kernel, so most of its lines are commands that make sense on what
//! the lines before have made: keys that were inserted come back in lookups and deletes, pages that
//! may have been allocated are freed. The rest is what parsers and limits trip over: missing and
//! superfluous words, numbers beyond every range, open quotes, bytes that are no text, long lines,
//! allocations that are made to fail.
//!
//! Addresses cannot be guessed, so the writer runs each line on a kernel of its own and remembers
//! what that printed. A log depends on its seed, its subject and the kernel that this was built with,
//! and on nothing else; those are enough to report a mismatch.

mod container;
mod life;
mod pressure;
mod program;
mod slab;
mod tree;

use kernel_core::slab::Allocator;

use crate::Random;
use crate::watched::Watched;
use container::Groups;
use life::Pids;
use slab::Heard;

/// A log as its lines; the first is a machine header in most of them.
pub type Lines = Vec<Vec<u8>>;

/// What most of a log's lines are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The whole kernel: every second log is mostly about tasks, the others about radix trees first.
    Kernel,
    /// Tasks, programs and containers.
    Tasks,
    /// Memory that gets scarce.
    Pressure,
    /// Slab caches, served by this allocator.
    Slab(Allocator),
}

impl Subject {
    /// The subject as the command line names it: an allocator's name, or `kernel`.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Kernel => "kernel",
            Subject::Tasks => "tasks",
            Subject::Pressure => "pressure",
            Subject::Slab(allocator) => allocator.name(),
        }
    }

    /// Behind `3 logs`, what they are about, unless it is everything.
    pub(crate) fn suffix(self) -> String {
        match self {
            Subject::Kernel => String::new(),
            _ => format!(" about {}", self.name()),
        }
    }

    /// The subjects that `name` means: one, or `all`, which is every allocator.
    pub fn by_name(name: &str) -> Option<Vec<Subject>> {
        let all = Allocator::ALL.map(Subject::Slab);
        match name {
            "kernel" => Some(vec![Subject::Kernel]),
            "tasks" => Some(vec![Subject::Tasks]),
            "pressure" => Some(vec![Subject::Pressure]),
            "all" => Some(all.to_vec()),
            name => Allocator::from_name(name).map(|one| vec![Subject::Slab(one)]),
        }
    }
}

/// The log about the whole kernel that belongs to `seed`.
pub fn generate(seed: u64) -> Lines {
    generate_about(Subject::Kernel, seed)
}

/// The log about `subject` that belongs to `seed`.
pub fn generate_about(subject: Subject, seed: u64) -> Lines {
    Writer::new(subject, seed).write()
}

/// The bytes of a log file with these lines.
pub fn join(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut log = lines.join(&b'\n');
    if !lines.is_empty() {
        log.push(b'\n');
    }
    log
}

/// How the keys of one log are spread.
#[derive(Debug, Clone, Copy)]
enum Keys {
    /// 0, 1, 2, ...: a file read from its start.
    Dense,
    /// Runs of neighbours in a few far places.
    Clustered,
    /// Anything, with a liking for both sides of powers of two.
    Wild,
}

struct Writer {
    random: Random,
    subject: Subject,
    /// Whether most lines are about tasks and containers.
    lives: bool,
    /// The kernel that runs the lines as they are written; `None` once it is off, or has panicked.
    kernel: Option<Watched>,
    heard: Heard,
    pids: Pids,
    groups: Groups,
    /// Subsystems of the hierarchies that the log begins with.
    sets: Vec<&'static str>,
    keys: Keys,
    /// Where the runs of [`Keys::Clustered`] begin.
    bases: Vec<u64>,
    /// Keys that earlier lines inserted, whether or not that succeeded.
    inserted: Vec<u64>,
    paths: Vec<String>,
    /// How many frames the machine has, about.
    frames: u64,
    /// How many NUMA nodes.
    nodes: u64,
}

/// Kernel steps after which a line about tasks is a long one: somebody waits for what never comes, or
/// very much runs. A guest takes ten seconds for the longest. A log ends before such a line, seldom
/// with it.
const LONG_LINE: u64 = 300_000;

const TREES: [&str; 4] = ["t", "cache", "a-long-name_with.marks", "T2"];
const COMMANDS: [&str; 26] = [
    "radix", "pages", "taskset", "echo", "cat", "ls", "mkdir", "rmdir", "rm", "cd", "touch",
    "help", "true", "false", "pwd", "exec", "X=1", "kmem", "slabtop", "dmesg", "mount", "umount",
    "find", "stat", "read", "dcache",
];
const GENERATED_FILES: [&str; 24] = [
    "/proc/meminfo",
    "/proc/buddyinfo",
    "/proc/slabinfo",
    "/proc/zoneinfo",
    "/proc/version",
    "/proc/mounts",
    "/proc/filesystems",
    "/proc/self/fail-nth",
    "/sys/kernel/debug/tracing/trace",
    "/sys/kernel/debug/tracing/tracing_on",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/node/online",
    "/sys/devices/system/node/node0/meminfo",
    "/sys/devices/system/node/node1/cpulist",
    "/sys/devices/system/node/node3/meminfo",
    "/proc/../proc/./meminfo",
    "/proc/self",
    "/proc//buddyinfo",
    "/proc/nothing",
    "/proc/slabinfo/x",
    "/proc/sys/fs/dentry-state",
    "/proc/sys/fs/inode-nr",
    "/proc/sys/fs/inode-state",
    "/proc/sys/vm/drop_caches",
];

impl Writer {
    fn new(subject: Subject, seed: u64) -> Writer {
        let mut random = Random::new(seed);
        let keys = *random.pick(&[Keys::Dense, Keys::Clustered, Keys::Wild]);
        let bases = (0..3).map(|_| random.bits() >> random.below(64)).collect();
        let paths = ["/f", "d", "/d/e", "d/file", "../x", "/tmp"]
            .map(str::to_string)
            .to_vec();
        Writer {
            random,
            subject,
            lives: matches!(subject, Subject::Tasks | Subject::Pressure)
                || subject == Subject::Kernel && seed % 2 == 1,
            kernel: None,
            heard: Heard::default(),
            pids: Pids::default(),
            groups: Groups::default(),
            sets: Vec::new(),
            keys,
            bases,
            inserted: vec![0],
            paths,
            frames: 4096,
            nodes: 1,
        }
    }

    fn write(&mut self) -> Lines {
        let mut lines = Vec::new();
        // About an allocator, the header is what matters.
        let has_header = self.subject != Subject::Kernel || !self.random.one_in(8);
        let header = if has_header {
            self.header()
        } else {
            String::new()
        };
        self.kernel = Watched::boot(&header);
        if has_header {
            lines.push(header.into_bytes());
        }
        let (tree, slab) = match self.subject {
            Subject::Kernel => (10, false),
            Subject::Tasks | Subject::Pressure => (1, false),
            Subject::Slab(_) => (2, true),
        };
        if !self.random.one_in(tree) {
            self.add(&mut lines, b"radix create t".to_vec());
        }
        if self.subject == Subject::Pressure {
            for line in self.scarce_beginning() {
                self.add(&mut lines, line.into_bytes());
            }
        } else if self.lives && !self.random.one_in(6) {
            for line in self.beginning() {
                self.add(&mut lines, line.into_bytes());
            }
        }
        if slab {
            for _ in 0..1 + self.random.below(4) {
                let line = self.create().into_bytes();
                self.add(&mut lines, line);
            }
        }
        let length = match self.random.below(10) {
            0 => self.random.below(4),
            1 => 200 + self.random.below(200),
            _ => 10 + self.random.below(90),
        };
        for _ in 0..length {
            let line = self.line().into_bytes();
            let line = if self.random.one_in(60) {
                self.garble(line)
            } else {
                line
            };
            let begin = self.steps();
            self.add(&mut lines, line);
            if self.lives && self.steps().saturating_sub(begin) > LONG_LINE {
                if !self.random.one_in(24) {
                    lines.pop();
                }
                break;
            }
        }
        lines
    }

    /// Steps that the lines took so far; 0 once the kernel is gone.
    fn steps(&self) -> u64 {
        self.kernel.as_ref().map_or(0, Watched::steps)
    }

    /// Adds a line, and runs it to hear what it prints.
    fn add(&mut self, lines: &mut Lines, line: Vec<u8>) {
        if let Some(kernel) = &mut self.kernel {
            match kernel.run(&line) {
                Ok(answer) if !kernel.is_off() => {
                    self.heard.listen(&answer);
                    self.pids.listen(&answer);
                }
                // Whoever replays the log finds out about a panic.
                _ => self.kernel = None,
            }
        }
        lines.push(line);
    }

    fn header(&mut self) -> String {
        if self.random.one_in(if self.subject == Subject::Kernel {
            40
        } else {
            400
        }) {
            let absurd = [
                "mem=0",
                "nodes=0",
                "nodes=9 mem=4M",
                "cpus=-1",
                "mem=12Q",
                "mem=",
                "seed=x",
            ];
            return self.random.pick(&absurd).to_string();
        }
        if self.subject == Subject::Pressure {
            return self.scarce_machine().join(" ");
        }
        let mut words = Vec::new();
        // Of an allocator, a small machine shows as much, and is checked sooner.
        let sizes = if self.subject == Subject::Kernel || self.random.one_in(12) {
            5
        } else {
            3
        };
        let mem = 1 << self.random.below(sizes);
        self.frames = mem << 8;
        words.push(if self.random.one_in(3) {
            format!("mem={}K", mem << 10)
        } else {
            format!("mem={mem}M")
        });
        // A node needs room for its descriptors: 1 MB is enough for one only.
        self.nodes = 1 + self.random.below(4.min(mem));
        words.push(format!("nodes={}", self.nodes));
        words.push(format!("cpus={}", 1 + self.random.below(8)));
        if self.random.one_in(3) {
            words.push(format!("hz={}", self.random.pick(&[100, 250, 1000])));
        }
        if self.random.one_in(3) {
            words.push(self.slub_option());
        }
        match self.subject {
            Subject::Slab(allocator) => words.push(format!("slab={}", allocator.name())),
            _ if self.random.one_in(2) => {
                let allocator = *self.random.pick(&Allocator::ALL);
                words.push(format!("slab={}", allocator.name()));
            }
            _ => {}
        }
        if self.random.one_in(2) {
            words.push(format!("seed={}", self.random.bits() >> 32));
        }
        words.join(" ")
    }

    /// An option that SLUB takes at boot, and the others ignore.
    fn slub_option(&mut self) -> String {
        match self.random.below(8) {
            0 => "slub_nomerge".to_string(),
            1 => format!("slub_min_order={}", self.under(3, 12)),
            2 => format!("slub_max_order={}", self.under(4, 12)),
            3 => format!("slub_min_objects={}", 1 + self.under(20, 600)),
            _ => {
                let letters = *self
                    .random
                    .pick(&["", "=FZPU", "=FZP", "=F", "=Z", "=U", "=-"]);
                let prefix = *self.random.pick(&["", "", ",c", ",kmalloc", ",dentry"]);
                let mark = if letters.is_empty() && !prefix.is_empty() {
                    "="
                } else {
                    ""
                };
                format!("slub_debug{letters}{mark}{prefix}")
            }
        }
    }

    fn line(&mut self) -> String {
        match self.random.below(24) {
            0 => format!("{} && {}", self.command(), self.command()),
            1 => format!("{} || {}", self.command(), self.command()),
            2 => format!("{}; {}; echo $?", self.command(), self.command()),
            3 => {
                let arrow = *self.random.pick(&[">", ">>", "> ", ">> "]);
                format!("{} {arrow}{}", self.command(), self.path())
            }
            4 => format!("{} # {}", self.command(), self.word()),
            _ => self.command(),
        }
    }

    fn command(&mut self) -> String {
        if matches!(self.subject, Subject::Slab(_)) && !self.random.one_in(5) {
            return self.slab();
        }
        if self.subject == Subject::Pressure && !self.random.one_in(8) {
            return self.scarce();
        }
        if self.lives && !self.random.one_in(8) {
            return match self.random.below(5) {
                0 | 1 => self.container(),
                _ => self.life(),
            };
        }
        match self.random.below(48) {
            40..=43 => self.slab(),
            44..=47 => self.tree(),
            0..=21 => self.radix(),
            22..=24 => self.files(),
            25 | 26 => format!("cat {}", self.random.pick(&GENERATED_FILES)),
            27 => {
                let file = *self.random.pick(&GENERATED_FILES);
                format!("echo {} > {file}", self.word())
            }
            28 => format!("echo {} {}", self.word(), self.word()),
            29 => format!("echo {} > /proc/self/fail-nth", 1 + self.random.below(6)),
            30..=32 => self.pages(),
            33 => format!("taskset -pc {} $$", self.under(4, 12)),
            34 => {
                let settings = [
                    "NAME=t",
                    "NAME=",
                    "K='1 2'",
                    "echo $NAME$K",
                    "radix stat $NAME",
                    "cat < /f",
                ];
                self.random.pick(&settings).to_string()
            }
            35 => self.simple(),
            36 => {
                let on = *self.random.pick(&["0", "1", "2", ""]);
                format!("echo {on} > /sys/kernel/debug/tracing/tracing_on")
            }
            37 => "cat /sys/kernel/debug/tracing/trace".to_string(),
            38 => self.nonsense(),
            39.. => {
                // Any command with any words: most are wrong.
                let mut line = self.random.pick(&COMMANDS).to_string();
                for _ in 0..self.random.below(5) {
                    line = format!("{line} {}", self.word());
                }
                line
            }
        }
    }

    /// A command without arguments, or none.
    fn simple(&mut self) -> String {
        if self.random.one_in(20) {
            return self.random.pick(&["exit", "poweroff"]).to_string();
        }
        let lines = [
            "true",
            "false",
            "pwd",
            "help",
            "help radix",
            "",
            "   ",
            "#",
            "echo $$ $?",
            "ls /",
            "ls -al",
        ];
        self.random.pick(&lines).to_string()
    }

    fn pages(&mut self) -> String {
        match self.random.below(8) {
            0..=2 => format!("pages alloc {}", self.under(5, 13)),
            3 => {
                let mask =
                    *self
                        .random
                        .pick(&["GFP_DMA", "GFP_ATOMIC", "GFP_KERNEL|GFP_DMA", "GFP_"]);
                format!(
                    "pages alloc {} 'gfp={mask}' node={}",
                    self.under(3, 12),
                    self.under(2, 6)
                )
            }
            4 => "pages drain".to_string(),
            _ => {
                // Which frames are there to be freed is not known here, so many are tried.
                let stride = 1 << self.random.below(5);
                let first = self.random.below(self.frames + 9);
                let tries = (0..8).map(|index| format!("pages free {}", first + index * stride));
                tries.collect::<Vec<_>>().join("; ")
            }
        }
    }

    fn radix(&mut self) -> String {
        let tree = if self.random.one_in(8) {
            *self.random.pick(&TREES)
        } else {
            "t"
        };
        let tag = if self.random.one_in(20) {
            self.random.below(5)
        } else {
            self.random.below(2)
        };
        let most = *self.random.pick(&[0, 1, 2, 5, 16, 64, 100, 1000]);
        match self.random.below(32) {
            0 if self.random.one_in(4) => format!("radix create {tree} gfp=GFP_KERNEL"),
            0 => format!("radix create {tree}"),
            1..=9 => {
                let key = self.key();
                self.inserted.push(key);
                let item = match self.random.below(30) {
                    0 => 0,
                    1 => u64::from(u32::MAX) + self.random.below(2),
                    _ => 1 + self.random.below(100_000),
                };
                format!("radix insert {tree} {} {item}", self.number(key))
            }
            10 | 11 => format!("radix lookup {tree} {}", self.known_key()),
            12 => {
                let key = self.known_key();
                match self.inserted.len() % 3 {
                    0 => format!("radix lookup_slot {tree} {key}"),
                    1 => format!("radix path {tree} {key}"),
                    _ => format!("radix walk {tree} {} {}", self.inserted.len() % 64, key),
                }
            }
            13..=16 => {
                let index = self.random.below(self.inserted.len() as u64) as usize;
                // The first one stays, so that there is always a known key.
                let key = if index > 0 && !self.random.one_in(4) {
                    self.inserted.swap_remove(index)
                } else {
                    self.inserted[index]
                };
                format!("radix delete {tree} {}", self.number(key))
            }
            17..=19 => format!("radix tag_set {tree} {} {tag}", self.known_key()),
            20 | 21 => format!("radix tag_clear {tree} {} {tag}", self.known_key()),
            22 => format!("radix tag_get {tree} {} {tag}", self.known_key()),
            23 => format!("radix tagged {tree} {tag}"),
            24 => format!("radix gang_lookup {tree} {} {most}", self.known_key()),
            25 => format!(
                "radix gang_lookup_tag {tree} {} {most} {tag}",
                self.known_key()
            ),
            26 => "radix preload".to_string(),
            27 if self.inserted.len().is_multiple_of(3) => {
                "radix pool; radix preload_end".to_string()
            }
            27 => "radix preload_end".to_string(),
            28 if self.inserted.len().is_multiple_of(3) => format!("radix show {}", self.path()),
            28 => format!("radix stat {tree}"),
            29 => format!("radix show {tree}"),
            30 => {
                let (first, count) = (self.key(), 1 + self.random.below(200));
                self.inserted.push(first);
                let stride = *self
                    .random
                    .pick(&["", " 64", " 4097", " 0", " 0x1000000000"]);
                format!("radix fill {tree} {} {count}{stride}", self.number(first))
            }
            _ => format!("radix {} {tree} {}", self.word(), self.word()),
        }
    }

    fn files(&mut self) -> String {
        let path = self.path();
        let count = self.under(200, 100_000);
        match self.random.below(24) {
            12 => format!("stat {path}"),
            13 => format!("find {path} -name '*e?'"),
            14 | 15 => {
                let kind =
                    *self
                        .random
                        .pick(&["srcfs", "srcfs -o dirs=3,files=50", "ramfs", "proc"]);
                format!("mount -t {kind} {} {path}", self.word())
            }
            16 => format!("umount {path}"),
            17 => format!("find /src -name 'f*1?'; dcache lookup /src/dir1 file {count} 7"),
            18 => {
                let prefix = *self.random.pick(&["file", "none", "b"]);
                format!("dcache lookup {path} {prefix} {count}")
            }
            19 => format!("dcache open /src/dir2 file {count} 9; cd /src/dir1"),
            20 => format!("dcache close; dcache show {path}"),
            21 => format!("dcache prune {count}"),
            22 => format!("echo {} > /proc/sys/vm/drop_caches", self.random.below(4)),
            23 => {
                let cache = *self.random.pick(&["dentry", "inode_cache"]);
                format!("mkdir /src; mount -t srcfs x /src; ls -l /src/dir2; kmem shrink {cache}")
            }
            0 => format!("mkdir {path}"),
            1 => format!("mkdir -p {path}/m/n"),
            2 => format!("rmdir {path}"),
            3 => format!("rm {path}"),
            4 => format!("touch {path}"),
            5 | 6 => format!("cat {path}"),
            7 | 8 => format!("ls {path}"),
            9 => format!("cd {path}"),
            10 => format!("echo {} > {path}", self.word()),
            _ => format!("echo {} >> {path}; cat {path}", self.word()),
        }
    }

    fn path(&mut self) -> String {
        if self.random.one_in(4) {
            let parent = self.random.pick(&self.paths).clone();
            let name = self
                .random
                .pick(&["a", "b", ".", "..", "", "é", "name with spaces"]);
            let path = format!("{parent}/{name}");
            self.paths.push(path.clone());
            if path.contains(' ') {
                format!("'{path}'")
            } else {
                path
            }
        } else {
            self.random.pick(&self.paths).clone()
        }
    }

    /// A number under `usual`, but now and then any under `extreme`.
    fn under(&mut self, usual: u64, extreme: u64) -> u64 {
        let bound = if self.random.one_in(6) {
            extreme
        } else {
            usual
        };
        self.random.below(bound)
    }

    /// A new key in this log's way.
    fn key(&mut self) -> u64 {
        match self.keys {
            Keys::Dense => self.inserted.len() as u64 + self.random.below(3),
            Keys::Clustered => {
                let base = *self.random.pick(&self.bases);
                base.wrapping_add(self.random.below(100))
            }
            Keys::Wild => match self.random.below(3) {
                0 => self.random.bits() >> self.random.below(64),
                1 => (1 << self.random.below(64)) - self.random.below(2),
                _ => u64::MAX - self.random.below(70),
            },
        }
    }

    /// A key that was inserted, or one near it, as a number on the line.
    fn known_key(&mut self) -> String {
        let key = match self.random.below(12) {
            0 => self.key(),
            1 => self.random.pick(&self.inserted).wrapping_add(1),
            2 => 0,
            _ => *self.random.pick(&self.inserted),
        };
        self.number(key)
    }

    fn number(&mut self, number: u64) -> String {
        match self.random.below(40) {
            0 => format!("{number:#x}"),
            1 => format!("0x{number:X}"),
            2 => format!("00{number}"),
            3 => format!(
                "{number}{}",
                self.random.pick(&["x", "-", "000000000000000000000", ".0"])
            ),
            4 => format!("-{number}"),
            5 => "18446744073709551616".to_string(),
            _ => number.to_string(),
        }
    }

    fn word(&mut self) -> String {
        let words = [
            "0",
            "1",
            "-1",
            "t",
            "0x",
            "\"two words\"",
            "'$$'",
            "\"$?\"",
            "$$",
            "$?",
            "$nothing",
            "a\\ b",
            "''",
            "-pc",
            "-",
            "--help",
            ">",
            ">>",
            "<",
            "*",
            "~",
            "/proc",
            "4294967296",
            "\"open",
            "'open",
            "\\",
            "&",
            "|",
            ";",
            "&&",
            "(",
            "`ls`",
            "${x}",
            "é",
            "show",
            "insert",
            "lookup",
        ];
        self.random.pick(&words).to_string()
    }

    fn nonsense(&mut self) -> String {
        match self.random.below(5) {
            0 => "x".repeat(1 << self.random.below(15)),
            1 => format!("echo {}", "long ".repeat(1 << self.random.below(12))),
            2 => ";&|<>\"'\\$#"
                .chars()
                .cycle()
                .skip(self.random.below(10) as usize)
                .step_by(1 + self.random.below(9) as usize)
                .take(1 + self.random.below(12) as usize)
                .collect(),
            3 => "true;".repeat(1 + self.random.below(300) as usize),
            _ => format!("{} {} {}", self.word(), self.word(), self.word()),
        }
    }

    /// Puts a few bytes into a line that have no business there.
    fn garble(&mut self, mut line: Vec<u8>) -> Vec<u8> {
        for _ in 0..1 + self.random.below(4) {
            let at = self.random.below(line.len() as u64 + 1) as usize;
            let byte = match self.random.below(3) {
                0 => self.random.below(32) as u8,
                1 => 0x7f + self.random.below(129) as u8,
                _ => self.random.below(256) as u8,
            };
            // A newline would make two lines of one; everything else stays in its line.
            line.insert(at, if byte == b'\n' { 0 } else { byte });
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_one_log() {
        assert_eq!(generate(5), generate(5));
        assert_ne!(generate(5), generate(6));
        assert_ne!(
            generate(5),
            generate_about(Subject::Slab(Allocator::Slub), 5)
        );
    }

    #[test]
    fn a_few_hundred_logs_hold_every_kind_of_line() {
        let logs: Vec<u8> = (0..300).flat_map(|seed| join(&generate(seed))).collect();
        let text = String::from_utf8_lossy(&logs);
        for command in [
            "create",
            "insert",
            "lookup",
            "lookup_slot",
            "path",
            "walk",
            "delete",
            "tag_set",
            "tag_clear",
            "tag_get",
            "tagged",
            "gang_lookup",
            "gang_lookup_tag",
            "preload",
            "preload_end",
            "stat",
            "show",
            "fill",
            "pool",
        ] {
            assert!(
                text.contains(&format!("\nradix {command}")),
                "no radix {command}"
            );
        }
        for line in [
            "taskset -pc ",
            "pages alloc ",
            "pages free ",
            "mkdir ",
            "echo ",
            "cat /proc/",
        ] {
            assert!(text.contains(&format!("\n{line}")), "no {line}");
        }
        assert!(
            text.contains("> /proc/self/fail-nth")
                && text.contains(" && ")
                && text.contains("nodes=4")
        );
        assert!(
            std::str::from_utf8(&logs).is_err(),
            "no bytes that are not UTF-8"
        );
        assert!(
            logs.split(|byte| *byte == b'\n')
                .any(|line| line.len() > 10_000),
            "no long line"
        );
    }
}
