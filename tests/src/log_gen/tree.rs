//! Lines about the tree of files and the caches over it: mounts, lookups, pruning.

use super::Writer;

/// Directories that lines mount on and look into. The first ones are made on the way.
const DIRECTORIES: [&str; 8] = [
    "/s",
    "/m",
    "/d",
    "/",
    "/tmp",
    "/sys/slab",
    "/s/dir0",
    "/s/dir11",
];
const KINDS: [&str; 7] = [
    "srcfs", "srcfs", "srcfs", "ramfs", "proc", "sysfs", "nothing",
];
/// Files of a cache in `/sys/slab`.
const FILES: [&str; 27] = [
    "aliases",
    "align",
    "alloc_calls",
    "cache_dma",
    "cpu_slabs",
    "ctor",
    "defrag_ratio",
    "destroy_by_rcu",
    "free_calls",
    "hwcache_align",
    "object_size",
    "objects",
    "objs_per_slab",
    "order",
    "partial",
    "poison",
    "reclaim_account",
    "red_zone",
    "sanity_checks",
    "shrink",
    "slab_size",
    "slabs",
    "store_user",
    "total_objects",
    "trace",
    "validate",
    "nothing",
];

impl Writer {
    /// A command that looks names up, or lets them go again.
    pub(super) fn tree(&mut self) -> String {
        let directory = *self.random.pick(&DIRECTORIES);
        match self.random.below(20) {
            0..=3 => {
                let kind = *self.random.pick(&KINDS);
                let options = match self.random.below(4) {
                    0 => String::new(),
                    1 => "-o dirs=0 ".to_string(),
                    _ => {
                        let (dirs, files) = (1 + self.under(30, 9000), 1 + self.under(90, 9000));
                        format!("-o dirs={dirs},files={files} ")
                    }
                };
                format!("mkdir -p {directory}; mount -t {kind} {options}none {directory}")
            }
            4 => format!("umount {directory}"),
            5..=8 => {
                let (what, count) = (
                    *self.random.pick(&["lookup", "lookup", "open"]),
                    self.under(300, 20_000),
                );
                let prefix = *self.random.pick(&["file", "file", "dir", "x"]);
                let step = *self.random.pick(&["", " 7", " 100"]);
                format!("dcache {what} {directory} {prefix} {count}{step}")
            }
            9 => "dcache close".to_string(),
            10 | 11 => format!("dcache prune {}", self.under(300, 100_000)),
            12 => format!("dcache show {directory}/file{}", self.under(40, 10_000)),
            13 => {
                let pattern = *self.random.pick(&["", " -name '*1*'", " -name file3"]);
                format!("find {directory}{pattern} > /f")
            }
            14 => format!("stat {directory} {}", self.path()),
            15 | 16 => format!("echo {} > /proc/sys/vm/drop_caches", self.under(4, 9)),
            17 => format!("cat {directory}/file{} > /tmp", self.under(9, 99)),
            18 => format!("ls -al {directory}"),
            _ => {
                let file = *self.random.pick(&[
                    "fs/dentry-state",
                    "fs/inode-nr",
                    "fs/inode-state",
                    "vm/drop_caches",
                ]);
                format!("cat /proc/sys/{file}")
            }
        }
    }

    /// A file of a cache's directory, read or written.
    pub(super) fn sys_slab(&mut self) -> String {
        let (cache, file) = (self.any_cache(), *self.random.pick(&FILES));
        match self.random.below(3) {
            0 => {
                let (file, value) = (
                    *self
                        .random
                        .pick(&["shrink", "validate", "defrag_ratio", file]),
                    self.under(2, 120),
                );
                format!("echo {value} > /sys/slab/{cache}/{file}")
            }
            1 => format!("ls /sys/slab/{cache}"),
            _ => format!("cat /sys/slab/{cache}/{file}"),
        }
    }
}
