//! Lines about slab caches.
//!
//! Most of what they name exists: caches by the names that earlier lines gave them, objects by the
//! addresses that the log's own kernel has printed. So objects are freed twice, written over while
//! they are free, moved while somebody lists them; and they are freed properly, which takes an
//! allocator further than any nonsense.

use kernel_core::mem::{FRAME_SIZE, PAGE_OFFSET};

use super::Writer;

/// Addresses that a log remembers of each kind; of more, some are forgotten.
const REMEMBERED: usize = 400;

/// What is known of a log's caches and objects.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Objects that were printed and not freed since.
    live: Vec<u64>,
    /// Objects that were freed; somebody else may have them by now.
    gone: Vec<u64>,
    /// Caches that were made and not ended since.
    caches: Vec<&'static str>,
    /// The cache that the line just written is to make, or to end.
    made: Option<&'static str>,
    ended: Option<&'static str>,
}

/// The caches that lines make. Few names, so that most lines find one.
const OWN: [&str; 6] = [
    "a",
    "b",
    "c",
    "movable",
    "watched",
    "a-name.of-31-bytes-the-longest.",
];
/// Caches of the kernel's own, of whichever allocator; some kernels lack some.
const KERNELS: [&str; 12] = [
    "kmem_cache",
    "kmem_handle",
    "dentry",
    "inode_cache",
    "radix_tree_node",
    "vfsmount",
    "kmalloc-64",
    "kmalloc-2048",
    "size-32",
    "size-512",
    "size-128(DMA)",
    "nothing",
];
const SIZES: [u64; 20] = [
    1, 8, 24, 32, 60, 64, 96, 100, 120, 192, 256, 300, 512, 700, 1024, 2048, 3000, 4096, 5000, 9000,
];
const DEBUG: [&str; 9] = ["FZPU", "FZP", "F", "Z", "P", "U", "FZPUT", "fp", "-"];

impl Heard {
    /// Takes in what a line printed: an address that stands alone is an object's, and `0` is success.
    pub(super) fn listen(&mut self, answer: &str) {
        let (made, ended) = (self.made.take(), self.ended.take());
        if answer.lines().any(|line| line == "0") {
            self.caches.retain(|&cache| Some(cache) != ended);
            self.caches.extend(made);
        }
        for line in answer.lines().filter(|line| line.len() == 16) {
            let address = u64::from_str_radix(line, 16).unwrap_or(0);
            if address >= PAGE_OFFSET && !self.live.contains(&address) {
                self.gone.retain(|&gone| gone != address);
                remember(&mut self.live, address);
            }
        }
    }
}

fn remember(addresses: &mut Vec<u64>, address: u64) {
    if addresses.len() == REMEMBERED {
        addresses.swap_remove(address as usize / 8 % REMEMBERED);
    }
    addresses.push(address);
}

impl Writer {
    /// A command about caches and objects.
    pub(super) fn slab(&mut self) -> String {
        match self.random.below(72) {
            63..=65 => self.sys_slab(),
            66..=68 => self.tree(),
            0..=5 => self.create(),
            6..=8 => self.movement(),
            9..=20 => self.alloc(),
            21..=32 => self.free(),
            33 | 34 => {
                let percent = *self
                    .random
                    .pick(&[0, 10, 50, 80, 80, 90, 90, 95, 95, 100, 101]);
                format!("kmem scatter {} {percent}", self.own())
            }
            35 => {
                let question = *self.random.pick(&["list", "stat", "show"]);
                format!("kmem {question} {}", self.any_cache())
            }
            36..=38 => format!("kmem shrink {}", self.any_cache()),
            39..=41 => format!("kmem vacate {}", self.frame()),
            42 | 43 if self.random.one_in(2) => "kmem defrag".to_string(),
            42 | 43 => format!("kmem defrag {}", self.under(self.nodes, 5)),
            44 => {
                let length = self.under(200, 5000);
                format!("kmem dump {} {length}", self.address())
            }
            45..=50 => self.poke(),
            51 | 52 => format!("kmem validate {}", self.own()),
            53 => format!("kmem fail {} {}", self.any_cache(), self.under(6, 40)),
            54 => {
                let which = *self.random.pick(&["", "", " shared", " shared", " all"]);
                format!("kmem reap{which}")
            }
            55 => {
                let name = self.own();
                self.heard.ended = Some(name);
                format!("kmem destroy {name}")
            }
            56 | 57 => "slabtop".to_string(),
            58 => self.random.pick(&["dmesg", "dmesg -c"]).to_string(),
            59 | 60 => "cat /proc/slabinfo".to_string(),
            61 | 62 => self.tune(),
            _ => format!("kmem {} {} {}", self.word(), self.own(), self.word()),
        }
    }

    /// Objects that are many, then few and far between, and then moved together.
    fn movement(&mut self) -> String {
        let (name, count) = (self.own(), 100 + self.random.below(3000));
        let percent = 70 + self.random.below(30);
        let last = match self.random.below(3) {
            0 => "kmem defrag".to_string(),
            1 => format!("kmem vacate {name}:{}", self.random.below(20)),
            _ => format!("kmem shrink {name}"),
        };
        format!("kmem alloc {name} {count}; kmem scatter {name} {percent}; {last}")
    }

    pub(super) fn create(&mut self) -> String {
        let name = if self.random.one_in(6) {
            self.own()
        } else {
            *self.random.pick(&OWN)
        };
        self.heard.made = Some(name).filter(|name| !self.heard.caches.contains(name));
        let size = match self.random.below(8) {
            0 => self.under(20_000, 3 << 20),
            _ => *self.random.pick(&SIZES),
        };
        let mut line = format!("kmem create {name} {size}");
        if self.random.one_in(4) {
            let align = *self.random.pick(&[0, 8, 16, 64, 128, 4096, 24]);
            line += &format!(" align={align}");
        }
        match self.random.below(4) {
            0 => line += " ctor",
            1 => line += " ops=movable",
            2 if self.random.one_in(3) => line += " ops=pinned",
            2 if self.random.one_in(4) => line += " ops=naughty",
            _ => {}
        }
        if self.random.one_in(2) {
            line += &format!(" debug={}", self.random.pick(&DEBUG));
        }
        if self.random.one_in(6) {
            let kinds = [
                "hwcache_align",
                "cache_dma",
                "reclaim_account",
                "destroy_by_rcu",
            ];
            line += &format!(" {}", self.random.pick(&kinds));
        }
        if self.random.one_in(5) {
            line += &format!(" ratio={}", self.under(100, 120));
        }
        line
    }

    fn alloc(&mut self) -> String {
        let name = self.own();
        let count = match self.random.below(60) {
            0..=14 => return format!("kmem alloc {name}"),
            // As many as are printed, so that they are known.
            15..=54 => 1 + self.random.below(64),
            55..=57 => self.random.below(600),
            58 => self.random.below(9000),
            _ if self.random.one_in(4) => 1 << 20,
            _ => 0,
        };
        format!("kmem alloc {name} {count}")
    }

    fn free(&mut self) -> String {
        let mut line = "kmem free".to_string();
        if self.random.one_in(20) {
            line += &format!(" from={}", self.own());
        }
        for _ in 0..1 + self.random.below(12) {
            if self.heard.live.is_empty() || self.random.one_in(40) {
                line += &format!(" {}", self.address());
                continue;
            }
            let index = self.random.below(self.heard.live.len() as u64) as usize;
            let address = self.heard.live.swap_remove(index);
            remember(&mut self.heard.gone, address);
            line += &format!(" {}", spelled(address));
        }
        line
    }

    /// Writes over an object, in front of it or behind it.
    fn poke(&mut self) -> String {
        let within = *self.random.pick(&[8, 72, 200, 700]);
        let offset = self.random.below(within);
        let mut line = match self.known() {
            Some(address) => format!("kmem poke {}", spelled(address + offset)),
            None => format!("kmem poke {}", self.address()),
        };
        for _ in 0..1 + self.random.below(9) {
            line += &format!(" {}", self.under(256, 300));
        }
        line
    }

    /// A line for `/proc/slabinfo`, with the numbers of SLAB's arrays.
    fn tune(&mut self) -> String {
        let (limit, batch) = (self.under(200, 40_000), self.under(100, 300));
        let shared = self.under(9, 400);
        let name = self.any_cache();
        match self.random.below(12) {
            0 => format!("echo {name} {limit} > /proc/slabinfo"),
            1 => format!("echo {name} {} {batch} -1 > /proc/slabinfo", self.word()),
            _ => format!("echo {name} {limit} {batch} {shared} > /proc/slabinfo"),
        }
    }

    /// A cache of the log's own, most often one that there is.
    fn own(&mut self) -> &'static str {
        if self.heard.caches.is_empty() || self.random.one_in(20) {
            return self.random.pick::<&str>(&OWN);
        }
        self.random.pick::<&str>(&self.heard.caches)
    }

    pub(super) fn any_cache(&mut self) -> String {
        if self.random.one_in(3) {
            return self.random.pick(&KERNELS).to_string();
        }
        self.own().to_string()
    }

    /// An address that was printed once.
    fn known(&mut self) -> Option<u64> {
        let Heard { live, gone, .. } = &self.heard;
        let from = if gone.is_empty() || !live.is_empty() && !self.random.one_in(3) {
            live
        } else {
            gone
        };
        (!from.is_empty()).then(|| *self.random.pick(from))
    }

    /// An address, known or not, as a word of a line.
    fn address(&mut self) -> String {
        let memory = self.frames * FRAME_SIZE as u64;
        let somewhere = PAGE_OFFSET + self.random.below(memory);
        let address = match self.random.below(16) {
            0 => somewhere,
            1 => somewhere / 8 * 8,
            2 => PAGE_OFFSET + self.random.below(memory / FRAME_SIZE as u64) * FRAME_SIZE as u64,
            3 => PAGE_OFFSET,
            4 => PAGE_OFFSET + memory,
            5 => return self.word(),
            6 => self.known().unwrap_or(somewhere) + self.random.below(100),
            7..=9 => {
                let number = self.under(9, 200);
                let behind = *self
                    .random
                    .pick(&["", "", "+8", "+60", "+64", "+0x48", "+9999"]);
                return format!("{}:{number}{behind}", self.any_cache());
            }
            _ => self.known().unwrap_or(somewhere),
        };
        if self.random.one_in(8) {
            return format!("0x{address:X}");
        }
        spelled(address)
    }

    /// A page frame's number, most often of an object's page.
    fn frame(&mut self) -> u64 {
        match self.known() {
            Some(address) if !self.random.one_in(4) => (address - PAGE_OFFSET) / FRAME_SIZE as u64,
            _ => {
                let frames = self.frames;
                self.under(frames, frames + 2)
            }
        }
    }
}

/// An address as the kernel prints it.
fn spelled(address: u64) -> String {
    format!("{address:016x}")
}
