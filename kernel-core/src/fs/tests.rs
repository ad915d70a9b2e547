//! The dentry and inode caches, by console lines. Every line is followed by `Kernel::check`.

extern crate std;

use std::string::String;
use std::vec::Vec;
use std::{format, println};

use super::{FS, dentry, inode};
use crate::Kernel;
use crate::slab;
use crate::testing::{Lab, Random, check};

impl Lab {
    /// Dentries and unused dentries, inodes and unused inodes.
    fn counts(&self) -> [u32; 4] {
        let data = &self.kernel.mem[FS];
        let (dentries, inodes) = (data.nr_dentry, data.nr_inodes);
        [dentries, data.nr_unused, inodes, data.nr_inodes_unused]
    }

    /// Slabs and objects in use of a cache.
    fn slabs(&self, name: &str) -> (u32, u32) {
        let mem = &self.kernel.mem;
        let cache = slab::find(mem, name).expect("a cache of the kernel");
        let counts = slab::counts(mem, cache);
        (counts.slabs, counts.active_objects)
    }
}

/// What `dcache show` prints without addresses.
fn facts(shown: &str) -> String {
    let words = shown.split_whitespace();
    let kept: Vec<&str> = words.filter(|word| !word.starts_with("ffff")).collect();
    kept.join(" ")
}

#[test]
fn a_missing_name_is_remembered_until_it_is_made() {
    let mut lab = Lab::new("mem=4M");
    let [dentries, unused, inodes, _] = lab.counts();
    assert_eq!(lab.run("dcache show /a"), "-ENOENT\n");
    lab.run("cat /a");
    assert_eq!(lab.counts(), [dentries + 1, unused + 1, inodes, 0]);
    let negative = "dentry count 0 negative unused parent";
    assert_eq!(facts(&lab.run("dcache show /a")), negative);
    lab.run("touch /a");
    assert_eq!(lab.counts(), [dentries + 1, unused, inodes + 1, 0]);
    let positive = "dentry count 1 pinned parent inode ino 12 count 1 pages 0";
    assert_eq!(facts(&lab.run("dcache show /a")), positive);
    lab.run("rm /a");
    assert_eq!(lab.counts(), [dentries + 1, unused + 1, inodes, 0]);
    let again = "dentry count 0 negative unused referenced parent";
    assert_eq!(facts(&lab.run("dcache show /a")), again);
    // An open file keeps its dentry, so the name needs another one.
    lab.run("echo x > /b; dcache open / b 1; touch /b0; dcache open / b 1; rm /b0; ls /b0");
    assert_eq!(
        facts(&lab.run("dcache show /b0")),
        "dentry count 0 negative unused parent"
    );
    lab.run("dcache close");
    // A directory goes with what says that names in it are free.
    lab.run("mkdir /d; ls /d/none /d/nothing; rmdir /d; echo 2 > /proc/sys/vm/drop_caches; rm /b");
    assert_eq!(lab.counts(), [dentries + 1, unused + 1, inodes, 0]);
}

#[test]
fn a_source_tree_is_made_when_it_is_read() {
    let mut lab = Lab::new("mem=4M");
    lab.run("mkdir -p /usr/src; mount -t srcfs -o dirs=12,files=3 none /usr/src");
    let before = lab.counts();
    assert_eq!(
        lab.run("ls /usr/src; ls /usr/src/dir11"),
        "dir0\ndir1\ndir10\ndir11\ndir2\ndir3\ndir4\ndir5\ndir6\ndir7\ndir8\ndir9\n\
         file0\nfile1\nfile2\n"
    );
    // Only the directory was looked up: names alone make no inodes.
    assert_eq!(lab.counts()[0], before[0] + 1);
    let text = lab.run("cat /usr/src/dir11/file2");
    assert!(text.starts_with("int dir11_file2_0(void);   "), "{text}");
    let size = text.len();
    assert!(
        lab.run("stat /usr/src/dir11/file2")
            .contains(&format!("Size: {size} "))
    );
    assert_eq!(
        lab.run("find /usr/src -name *le2").lines().count(),
        12,
        "a file2 in each directory"
    );
    assert_eq!(lab.counts()[2], before[2] + 12 + 36);
    let pages = lab.kernel.mem[FS].nr_file_pages;
    assert_eq!(pages as usize, size.div_ceil(4096));
    lab.run("echo 1 > /proc/sys/vm/drop_caches");
    assert_eq!(lab.kernel.mem[FS].nr_file_pages, 0);
    assert_eq!(lab.run("cat /usr/src/dir11/file2"), text);
    lab.run("echo 2 > /proc/sys/vm/drop_caches");
    assert_eq!(lab.counts(), [before[0], 0, before[2], 0]);
    assert_eq!(lab.run("cd /usr/src/dir11; cat file2"), text);
    // What is written to stays.
    lab.run("echo x > /f; echo 3 > /proc/sys/vm/drop_caches");
    assert_eq!(lab.run("cat /f /proc/sys/vm/drop_caches"), "x\n3\n");
    for (line, message) in [
        ("echo x > file2", "sh: file2: Read-only file system\n"),
        ("echo x > new", "sh: new: Read-only file system\n"),
        ("echo x > .", "sh: .: Is a directory\n"),
        (
            "mkdir a",
            "mkdir: cannot create directory 'a': Read-only file system\n",
        ),
        (
            "mkdir file1",
            "mkdir: cannot create directory 'file1': File exists\n",
        ),
        (
            "rm file1",
            "rm: cannot remove 'file1': Read-only file system\n",
        ),
        (
            "rm file3",
            "rm: cannot remove 'file3': No such file or directory\n",
        ),
        ("cat file01", "cat: file01: No such file or directory\n"),
        ("cat file", "cat: file: No such file or directory\n"),
        (
            "rmdir ../dir3",
            "rmdir: failed to remove '../dir3': Read-only file system\n",
        ),
    ] {
        assert_eq!(lab.run(line), message);
    }
}

#[test]
fn mounts_come_and_go() {
    check(
        "mkdir /m; touch /f\n\
         mount -t srcfs -o dirs=2,files=2 src /m; cat /proc/mounts; mount -t srcfs none /m\n\
         mount -t ext9 none /m; mount -t srcfs none /f; mount -t srcfs none /none; mount -t srcfs none /\n\
         mkdir /e; mount -t srcfs -o dirs=0 none /e; mount -t srcfs -o x none /e; mount -t ramfs -o x none /e\n\
         umount /e; umount /f; umount /; umount /none\n\
         cd /m/dir1; umount /m; cd /; dcache open /m/dir0 file 1; umount /m; dcache close; umount /m; ls /m",
        "rootfs / rootfs rw 0 0\nproc /proc proc rw 0 0\nsysfs /sys sysfs rw 0 0\nbinfs /bin binfs ro 0 0\n\
         src /m srcfs ro,dirs=2,files=2 0 0\n\
         mount: /m: Device or resource busy\n\
         mount: unknown filesystem type 'ext9'\nmount: /f: Not a directory\n\
         mount: /none: No such file or directory\nmount: /: Device or resource busy\n\
         mount: /e: Invalid argument\nmount: /e: Invalid argument\nmount: /e: Invalid argument\n\
         umount: /e: not mounted\numount: /f: not mounted\numount: /: device is busy\n\
         umount: /none: No such file or directory\n\
         umount: /m: device is busy\n1 found, 0 missing\numount: /m: device is busy\n1 closed\n",
    );
    // One upon another; the topmost is seen and goes first.
    check(
        "mkdir /m; mount -t ramfs none /m; mkdir /m/a; mount -t srcfs none /m; cd /m/dir0; pwd; cd /\n\
         umount /m; ls /m; echo x > /m/a/f; mount -t srcfs -o dirs=1 none /m/a; umount /m\n\
         umount /m/a; ls /m/a; umount /m; ls /m; umount /m",
        "/m/dir0\na\numount: /m: device is busy\nf\numount: /m: not mounted\n",
    );
}

#[test]
fn what_was_used_again_is_spared_once() {
    let mut lab = Lab::new("mem=16M");
    lab.run("mkdir /m; mount -t srcfs -o dirs=1,files=100000 none /m");
    let [dentries, _, inodes, _] = lab.counts();
    assert_eq!(
        lab.run("dcache lookup /m/dir0 file 1000"),
        "1000 found, 0 missing\n"
    );
    assert_eq!(
        lab.run("dcache lookup /m/dir0 file 1000 10"),
        "100 found, 0 missing\n"
    );
    assert_eq!(
        lab.run("dcache lookup /m/dir0 none 500"),
        "0 found, 500 missing\n"
    );
    assert_eq!(lab.counts(), [dentries + 1501, 1500, inodes + 1001, 0]);
    let state = lab.run("cat /proc/sys/fs/dentry-state");
    assert_eq!(state, format!("{}\t1500\t45\t0\t0\t0\n", dentries + 1501));
    let meminfo = lab.run("cat /proc/meminfo");
    let reclaimable = ["dentry", "inode_cache"].map(|cache| lab.slabs(cache).0 * 4);
    let line = format!("SReclaimable: {:8} kB\n", reclaimable.iter().sum::<u32>());
    assert!(meminfo.contains(&line), "{line}{meminfo}");
    assert_eq!(
        lab.run("dcache prune 1000"),
        "900 dentries and 900 inodes freed\n"
    );
    // Negative ones came later, and the others were put before them.
    assert_eq!(
        lab.run("dcache prune 500"),
        "500 dentries and 0 inodes freed\n"
    );
    let state = lab.run("cat /proc/sys/fs/inode-nr /proc/sys/fs/inode-state");
    let count = inodes + 101;
    assert_eq!(state, format!("{count}\t0\n{count}\t0\t0\t0\t0\t0\t0\n"));
    assert_eq!(
        lab.run("dcache prune 1000"),
        "101 dentries and 101 inodes freed\n"
    );
    assert_eq!(lab.counts(), [dentries, 0, inodes, 0]);
}

/// One in ten is left, on all pages; then one in ten of the pages.
#[test]
fn defragmentation_brings_scattered_caches_together() {
    let mut lab = Lab::new("mem=32M");
    lab.run("mkdir /m; mount -t srcfs -o dirs=1,files=100000 none /m");
    lab.run("dcache lookup /m/dir0 file 20000");
    lab.run("dcache lookup /m/dir0 file 20000 10; dcache prune 20000");
    // Some of what is left is in use.
    lab.run("dcache open /m/dir0 file 20000 1000");
    for cache in ["dentry", "inode_cache"] {
        let (before, objects) = lab.slabs(cache);
        let kernel = &lab.kernel;
        let found = slab::find(&kernel.mem, cache).expect("a cache");
        let minimum = objects.div_ceil(kernel.mem[found].objects);
        assert!(
            before > 9 * minimum,
            "{cache}: {before} slabs for {objects} objects"
        );
        lab.run(&format!("kmem shrink {cache}"));
        let (after, objects) = lab.slabs(cache);
        let minimum = objects.div_ceil(lab.kernel.mem[found].objects);
        println!("{cache}: {before} slabs, then {after} of {minimum}, {objects} objects");
        // The ten that are left alone, and one for each file in use.
        assert!(
            after <= 3 * minimum + 30,
            "{cache}: {after} slabs for {objects} objects"
        );
    }
    assert_eq!(lab.run("dcache close"), "20 closed\n");
    assert!(
        lab.run("cat /m/dir0/file1000")
            .starts_with("int dir0_file1000_0(void);")
    );
}

#[test]
fn what_is_in_use_stays() {
    let mut lab = Lab::new("mem=8M");
    lab.run("mkdir /m; mount -t srcfs -o dirs=300,files=4 none /m; find /m -name x");
    lab.run("cd /m/dir7; dcache open /m/dir8 file 1; mount -t ramfs none /m/dir9; touch /m/dir9/f");
    lab.run("dcache prune 3000; dcache prune 10");
    let mem = &lab.kernel.mem;
    let pages: Vec<u32> = (0..mem.frames())
        .filter(|&f| {
            let page = mem.page(f);
            slab::cache_of(mem, page).is_some_and(|cache| mem[cache].ops != 0)
        })
        .collect();
    assert!(!pages.is_empty());
    for page in pages {
        lab.run(&format!("kmem vacate {page}"));
    }
    assert_eq!(
        lab.run("pwd; ls; ls /m/dir9; dcache close; ls /m/dir8"),
        "/m/dir7\nfile0\nfile1\nfile2\nfile3\nf\n1 closed\nfile0\nfile1\nfile2\nfile3\n"
    );
}

#[test]
fn a_cache_that_has_all_memory_feeds_on_itself() {
    for header in ["mem=1M", "mem=2M slab=slab", "mem=2M slab=slob"] {
        let mut lab = Lab::new(header);
        assert_eq!(
            lab.run("dcache lookup / nothing 100000"),
            "0 found, 100000 missing\n",
            "{header}"
        );
        lab.run("mkdir /m; mount -t srcfs -o dirs=100,files=1000 none /m");
        assert_eq!(lab.run("find /m -name x"), "", "{header}");
        assert_eq!(lab.run("ls -l /m/dir99").lines().count(), 1000);
        lab.run("echo 2 > /proc/sys/vm/drop_caches");
        assert_eq!(lab.counts()[1], 0);
        assert_eq!(lab.run("umount /m; ls /m"), "");
    }
}

#[test]
fn chains_are_short() {
    let mut lab = Lab::new("mem=64M");
    lab.run("mkdir /m; mount -t srcfs -o dirs=300,files=300 none /m; find /m -name x");
    lab.run("dcache lookup / x 10000; dcache lookup /m nothing 10000");
    let mem = &lab.kernel.mem;
    let objects = mem[FS].nr_dentry;
    assert!(objects > 110_000);
    for (table, most) in [(mem[FS].dentry_table, 20), (mem[FS].inode_table, 24)] {
        let lengths = (0..table.buckets).map(|bucket| table.chain(mem, bucket).count());
        let lengths: Vec<usize> = lengths.collect();
        let longest = *lengths.iter().max().expect("there are buckets");
        // Steps that a look-up of each object takes, against as many as even chains would cost.
        let cost: usize = lengths.iter().map(|length| length * (length + 1) / 2).sum();
        let count: usize = lengths.iter().sum();
        let load = count as f64 / f64::from(table.buckets);
        let even = count as f64 * (1.0 + load / 2.0);
        println!("{count} in {} chains: longest {longest}", table.buckets);
        assert!(longest <= most, "{longest}");
        assert!(cost as f64 <= even * 1.05, "{cost} {even}");
    }
}

/// Lines that a random session is made of.
const LINES: &[&str] = &[
    "touch /a",
    "rm /a",
    "mkdir /d",
    "mkdir /d/e",
    "rmdir /d",
    "rmdir /d/e",
    "echo x > /d/f",
    "rm /d/f",
    "cat /d/f",
    "cat /none",
    "cd /d/e",
    "cd /",
    "cd /m/dir2",
    "cat file3",
    "cat /m/dir1/file2",
    "ls -l /m",
    "ls -l /m/dir3",
    "find /m -name x",
    "find / -name f*",
    "mkdir /m; mount -t srcfs -o dirs=5,files=40 none /m",
    "umount /m",
    "mount -t ramfs none /d; touch /d/f",
    "umount /d",
    "dcache lookup /m/dir1 file 50",
    "dcache lookup /m/dir4 file 50 7",
    "dcache lookup / none 100",
    "dcache open /m/dir1 file 40 9",
    "dcache open /d f 1",
    "dcache close",
    "dcache prune 20",
    "dcache prune 200",
    "echo 1 > /proc/sys/vm/drop_caches",
    "echo 2 > /proc/sys/vm/drop_caches",
    "kmem shrink dentry",
    "kmem shrink inode_cache",
    "kmem defrag",
];

#[test]
fn random_sessions_keep_all_invariants() {
    for (seed, header) in (0..12).zip(
        [
            "mem=2M nodes=2 cpus=2",
            "mem=1M slab=slab",
            "mem=1M slab=slob",
        ]
        .iter()
        .cycle(),
    ) {
        println!("seed {seed}");
        let mut lab = Lab::new(header);
        let mut random = Random(seed);
        for _ in 0..150 {
            if random.below(4) == 0 {
                let count = random.below(12) + 1;
                lab.run(&format!("echo {count} > /proc/self/fail-nth"));
            }
            if random.below(8) == 0 {
                let frame = random.below(lab.kernel.mem.frames().into());
                lab.run(&format!("kmem vacate {frame}"));
            }
            let line = LINES[random.below(LINES.len() as u64) as usize];
            lab.run(line);
        }
        lab.run("echo 0 > /proc/self/fail-nth");
        lab.run("cd /; dcache close; umount /d; umount /m; echo 3 > /proc/sys/vm/drop_caches");
        assert_eq!(lab.counts()[1], 0);
    }
}

/// Whichever allocation fails, nothing is lost and nothing breaks.
#[test]
fn every_allocation_may_fail() {
    for line in [
        "mkdir /new",
        "touch /new",
        "cat /none",
        "mount -t srcfs none /x",
        "mount -t ramfs none /x",
        "mount -t proc none /x",
        "cat /m/dir1/file1",
        "ls -l /m/dir2",
        "find /m -name x",
        "dcache open /m/dir3 file 40",
        "kmem shrink dentry",
    ] {
        let mut succeeded = false;
        for nth in 1..200 {
            let mut lab = Lab::new("mem=2M");
            lab.run("mkdir /x /m; mount -t srcfs -o dirs=4,files=20 none /m");
            lab.run(&format!("echo {nth} > /proc/self/fail-nth"));
            lab.run(line);
            succeeded = lab.run("cat /proc/self/fail-nth") != "0\n";
            lab.run("echo 0 > /proc/self/fail-nth; dcache close; umount /x; umount /m");
            if succeeded {
                break;
            }
        }
        assert!(succeeded, "{line} allocates for ever");
    }
}

#[test]
fn corruption_is_found() {
    type Spoil = fn(&mut Kernel);
    let spoil: [(&str, Spoil); 8] = [
        (
            "fs: a dentry's count differs from the number of its holders",
            |kernel| {
                let root = kernel.mem[FS].root;
                kernel.mem[root].count += 1;
            },
        ),
        ("fs: the list of unused dentries has lost count", |kernel| {
            // Nobody misses it in the tree.
            kernel.mem[FS].nr_unused += 1;
        }),
        (
            "fs: an unused dentry is not on the list of unused ones",
            |kernel| {
                let at = super::cached(&kernel.mem, "/none").expect("it is cached");
                kernel.mem[at].count += 1;
            },
        ),
        (
            "fs: an inode's count differs from the number of its names",
            |kernel| {
                let root = kernel.mem[FS].root;
                let inode = kernel.mem[root].inode;
                inode::get(&mut kernel.mem, inode);
            },
        ),
        ("fs: a directory's names are not in order", |kernel| {
            let proc = super::cached(&kernel.mem, "/proc").expect("it is cached");
            let mem = &mut kernel.mem;
            let head = dentry::children_head(mem[FS].root);
            mem.list_del(proc.cast());
            mem.list_add_tail(proc.cast(), head);
        }),
        ("fs: a hash chain of dentries is broken", |kernel| {
            // A chain that leads back into itself.
            let at = super::cached(&kernel.mem, "/none").expect("it is cached");
            let link: crate::mem::Ref<[crate::mem::Ref<()>; 2]> =
                at.byte_add(core::mem::offset_of!(super::Dentry, node));
            kernel.mem[link][0] = link.cast();
        }),
        ("fs: a dentry is not where its name leads", |kernel| {
            let at = super::cached(&kernel.mem, "/none").expect("it is cached");
            let table = kernel.mem[FS].dentry_table;
            table.remove(
                &mut kernel.mem,
                at.byte_add(core::mem::offset_of!(super::Dentry, node)),
            );
        }),
        ("fs: an inode's link count is wrong", |kernel| {
            let proc = super::cached(&kernel.mem, "/proc").expect("it is cached");
            kernel.mem[proc].inode = crate::mem::Ref::NULL;
        }),
    ];
    for (message, action) in spoil {
        let mut lab = Lab::new("mem=2M");
        lab.run("cat /none");
        action(&mut lab.kernel);
        let found = lab.kernel.check().expect_err("it is broken");
        let lost_count = found == "fs: the dentry cache has lost count";
        assert!(
            found == message || lost_count && message.contains("lost count"),
            "{found}"
        );
    }
}
