//! The kernel's own invariants, checked where no host is in the way.
//!
//! Parity checks a kernel at the end of a log. Here `Kernel::check` looks after every line, and every
//! allocation that a command makes is made to fail once.

use tests::invariants::{self, Plan};
use tests::log_gen::Subject;

/// A kernel that is checked after every line.
struct Watched {
    kernel: tests::watched::Watched,
    /// What has happened, for the message when something breaks.
    history: Vec<String>,
}

impl Watched {
    #[track_caller]
    fn boot(header: &str) -> Watched {
        let mut watched = Watched {
            kernel: tests::watched::Watched::boot(header).expect("a good header"),
            history: vec![header.to_string()],
        };
        watched.check();
        watched
    }

    /// Runs a line, checks everything, and returns what was printed.
    #[track_caller]
    fn run(&mut self, line: &[u8]) -> String {
        self.history.push(line.escape_ascii().to_string());
        match self.kernel.run(line) {
            Ok(text) => {
                self.check();
                text
            }
            Err(panic) => self.broken(&panic),
        }
    }

    #[track_caller]
    fn check(&mut self) {
        if let Err(broken) = self.kernel.check() {
            self.broken(&broken);
        }
    }

    #[track_caller]
    fn broken(&self, what: &str) -> ! {
        panic!("{what}, after\n{}", self.history.join("\n"));
    }
}

/// The seeds are fixed, so that a failure here fails everywhere; `cargo xtask invariants` tries
/// others.
#[test]
fn every_invariant_holds_after_every_line_of_random_logs() {
    let allocators = Subject::by_name("all").expect("there are allocators");
    let mut lines_run = 0;
    for subject in [
        vec![Subject::Kernel, Subject::Tasks, Subject::Pressure],
        allocators,
    ]
    .concat()
    {
        let report = invariants::run(Plan {
            logs: 75,
            seed: 1_000,
            subject,
            threads: 2,
        });
        println!("{report}");
        assert!(report.is_clean(), "{report}");
        lines_run += report.lines;
    }
    assert!(lines_run > 16_000, "only {lines_run} lines were run");
}

/// Fails the first, the second, ... allocation of a command until it makes no more; every time the
/// kernel must be sound, and the command must succeed when it is given again.
#[track_caller]
fn fail_every_allocation(header: &str, before: &[&str], command: &str, done: &[&str]) -> u32 {
    for nth in 1..500 {
        let mut watched = Watched::boot(header);
        for line in before {
            watched.run(line.as_bytes());
        }
        watched.run(format!("echo {nth} > /proc/self/fail-nth").as_bytes());
        let first = watched.run(command.as_bytes());
        let left = watched.run(b"cat /proc/self/fail-nth");
        watched.run(b"echo 0 > /proc/self/fail-nth");
        let again = watched.run(command.as_bytes());
        let is_done = |text: &str| done.iter().any(|end| text.trim_end().ends_with(end));
        assert!(
            is_done(&again),
            "{command} says {again:?} after allocation {nth} failed and it said {first:?}"
        );
        if left.trim() != "0" {
            assert!(
                is_done(&first),
                "{command} says {first:?} though nothing failed"
            );
            return nth - 1;
        }
    }
    panic!("{command} makes more allocations than anyone can fail");
}

#[test]
fn any_allocation_may_fail() {
    let tree = &["radix create t"][..];
    let low = &[
        "radix create t",
        "radix insert t 0 1",
        "radix tag_set t 0 1",
    ];
    for (header, before, command, done, least) in [
        (
            "mem=4M",
            tree,
            "radix insert t 0 5",
            &["0", "-EEXIST"][..],
            1,
        ),
        (
            "mem=4M",
            tree,
            "radix insert t 18446744073709551615 5",
            &["0", "-EEXIST"],
            11,
        ),
        (
            "mem=4M",
            low,
            "radix insert t 18446744073709551615 5",
            &["0", "-EEXIST"],
            20,
        ),
        (
            "mem=4M nodes=2 cpus=2",
            low,
            "radix insert t 5000 5",
            &["0", "-EEXIST"],
            3,
        ),
        (
            "mem=4M",
            low,
            "radix fill t 0 200 65; radix stat t",
            &["items 200"],
            50,
        ),
        (
            "mem=4M",
            &[],
            "radix create t; radix stat t",
            &["height 0 nodes 0 items 0"],
            1,
        ),
        (
            "mem=4M cpus=2",
            &[],
            "radix preload && radix preload_end; echo $?",
            &["0"],
            1,
        ),
        ("mem=4M", &[], "mkdir -p /a/b/c/d; ls /a/b/c", &["d"], 1),
        (
            "mem=4M",
            &[],
            "cat /proc/slabinfo > /f; echo x > /f; cat /f",
            &["x"],
            1,
        ),
        ("mem=4M", &[], "pages alloc 3; echo $?", &["0"], 1),
        ("mem=4M", &[], "NAME=value; echo $NAME", &["value"], 0),
    ] {
        let allocations = fail_every_allocation(header, before, command, done);
        assert!(
            allocations >= least,
            "{command} makes only {allocations} allocations"
        );
    }
}

/// The same for each command about caches, on each allocator.
#[test]
fn any_allocation_of_a_cache_may_fail() {
    let one = &["kmem create c 100 ctor"][..];
    let few = &["kmem create c 64 ops=movable", "kmem alloc c 70 > /f"][..];
    let sparse = &[
        "kmem create c 64 ops=movable",
        "kmem alloc c 800",
        "kmem scatter c 85",
    ][..];
    let watched = &[
        "kmem create c 60 debug=FZPU",
        "kmem alloc c 40 > /f",
        "kmem free c:3",
    ][..];
    // What is done before, the command, how its answer ends, and the least it allocates on SLUB.
    let commands = [
        (&[][..], "kmem create c 100 ctor", &["0", "-EEXIST"][..], 1),
        (&[], "kmem create c 5000", &["0", "-EEXIST"], 1),
        (one, "kmem alloc c 65", &["65 objects"], 131),
        (watched, "kmem alloc c 65", &["65 objects"], 131),
        (
            few,
            "kmem free c:9 c:9; kmem alloc c 9 > /g; echo $?",
            &["0"],
            18,
        ),
        (sparse, "kmem shrink c; echo done", &["done"], 2),
        (sparse, "kmem defrag; echo done", &["done"], 2),
        (few, "kmem vacate c:0; echo done", &["done"], 50),
        (
            few,
            "kmem reap shared; kmem scatter c 50; echo done",
            &["done"],
            0,
        ),
        (one, "kmem destroy c", &["0", "-ENOENT"], 0),
        (one, "echo c 16 8 4 > /proc/slabinfo; echo $?", &["0"], 0),
        (watched, "kmem validate c; slabtop > /g; echo $?", &["0"], 1),
    ];
    for allocator in Subject::by_name("all").expect("there are allocators") {
        let mut most = 0;
        for (before, command, done, least) in commands {
            let name = allocator.name();
            let header = format!("mem=2M nodes=2 cpus=2 slab={name}");
            let allocations = fail_every_allocation(&header, before, command, done);
            assert!(
                name != "slub" || allocations >= least,
                "{command} makes only {allocations} allocations"
            );
            most += allocations;
        }
        println!(
            "{}: {most} allocations failed, one at a time",
            allocator.name()
        );
    }
}

/// Memory that runs out for good is refused politely, and all of it comes back.
#[test]
fn all_memory_comes_back() {
    let mut watched = Watched::boot("mem=1M");
    watched.run(b"radix create t");
    watched.run(b"radix insert t 0 1");
    watched.run(b"radix delete t 0");
    watched.run(b"pages drain");
    let before = free_frames(&watched.run(b"cat /proc/buddyinfo"));
    let mut key = 1_u64;
    while !watched
        .run(format!("radix insert t {key} 1").as_bytes())
        .contains("-ENOMEM")
    {
        key = key.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
        assert!(watched.history.len() < 10_000, "memory never runs out");
    }
    // The kernel still answers, and what is freed can be used again.
    assert_eq!(watched.run(b"echo alive"), "alive\n");
    for line in watched.history.clone() {
        if let Some(key) = line
            .strip_prefix("radix insert t ")
            .and_then(|rest| rest.split(' ').next())
        {
            watched.run(format!("radix delete t {key}").as_bytes());
        }
    }
    // The insert that was refused may have left the beginning of its path behind, as the
    // specification says (specs/memory.md 1); a delete clears it away once there is an item.
    watched.run(format!("radix insert t {key} 1; radix delete t {key}").as_bytes());
    assert_eq!(watched.run(b"radix stat t"), "height 0 nodes 0 items 0\n");
    watched.run(b"pages drain");
    // A cache keeps some empty slabs, on a list or as a CPU's own; everything else is free again.
    let after = free_frames(&watched.run(b"cat /proc/buddyinfo"));
    assert!(
        after + 6 >= before,
        "{before} frames were free, now {after}"
    );
}

/// The sum over `/proc/buddyinfo`.
fn free_frames(buddyinfo: &str) -> u64 {
    let zones = buddyinfo.lines().map(|line| {
        let counts = line.split_whitespace().skip(4);
        counts
            .zip(0..)
            .map(|(count, order)| count.parse::<u64>().unwrap_or(0) << order)
            .sum::<u64>()
    });
    zones.sum()
}
