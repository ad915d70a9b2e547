//! Watermarks by the spec's numbers, and memory under pressure against a model of what it holds.

extern crate std;

use std::collections::BTreeMap;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, println};

use super::*;
use crate::errno::Errno;
use crate::mem::Zone;
use crate::task::mm::{self, Mm, PAGE_SIZE, VM_READ, VM_SHARED, VM_WRITE};
use crate::task::{self, TASK, fork};
use crate::testing::{Lab, Random};

/// `min_free_kbytes` is the root of sixteen times the memory in kilobytes, 128 at least; the marks are a
/// zone's share of it, and a quarter and a half more (2.6.28, `init_per_zone_pages_min`).
#[test]
fn watermarks_follow_the_formula() {
    for (header, nodes) in [("mem=2M", 1), ("mem=64M", 1), ("mem=256M nodes=2", 2)] {
        let lab = Lab::new(header);
        let mem = &lab.kernel.mem;
        let managed = u64::from(mem[MEM].managed);
        let mut root = 0;
        while (root + 1) * (root + 1) <= managed * 4 * 16 {
            root += 1;
        }
        assert_eq!(
            u64::from(mem[RECLAIM].min_free_kbytes),
            root.max(128),
            "{header}"
        );
        let mut marks = 0;
        for zone in mem.zones() {
            let Zone {
                pages_min,
                pages_low,
                pages_high,
                present,
                ..
            } = mem[zone];
            let share = root.max(128) / 4 * u64::from(present) / managed;
            let share = share as u32;
            assert_eq!(
                [pages_min, pages_low, pages_high],
                [share, share + share / 4, share + share / 2]
            );
            marks += share;
        }
        assert!(marks > 0 && mem[MEM].nr_nodes == nodes);
    }
    let mut lab = Lab::new("mem=64M");
    let kilobytes = format!("{}\n", lab.kernel.mem[RECLAIM].min_free_kbytes);
    assert_eq!(lab.run("cat /proc/sys/vm/min_free_kbytes"), kilobytes);
    lab.run("echo 2000 > /proc/sys/vm/min_free_kbytes");
    let text = lab.run("cat /proc/zoneinfo");
    assert!(text.contains("        min      "), "{text}");
    let all: u32 = lab
        .kernel
        .mem
        .zones()
        .map(|zone| lab.kernel.mem[zone].pages_min)
        .sum();
    assert!((498..=500).contains(&all), "{all}");
    for absurd in ["99999999", "-1", "x", ""] {
        let text = lab.run(&format!("echo '{absurd}' > /proc/sys/vm/min_free_kbytes"));
        assert!(text.contains("Invalid argument"), "{absurd}: {text}");
    }
}

/// A number of a file in `/proc`.
fn number(lab: &mut Lab, path: &str, label: &str) -> u64 {
    let text = lab.run(&format!("cat {path}"));
    let line = text
        .lines()
        .find(|line| line.split([' ', ':']).next() == Some(label));
    let line = line.unwrap_or_else(|| panic!("{label} in {text}"));
    let digits = line.split_ascii_whitespace().nth(1).expect("a number");
    digits.parse().expect("a number")
}

/// Pages of files go before anybody is killed, those that were used twice last; names and inodes go as well.
#[test]
fn the_page_cache_makes_room() {
    let mut lab = Lab::new("mem=4M");
    lab.run("find / > /dev/null");
    for file in ["sched/fair.rs", "mem/buddy.rs", "fs/file.rs"] {
        lab.run(&format!("cat /usr/src/{file} > /dev/null"));
    }
    let before = number(&mut lab, "/proc/meminfo", "Cached");
    lab.run("memhog 1M &");
    lab.run("memhog 1M &");
    lab.run("sleep 1s");
    let after = number(&mut lab, "/proc/meminfo", "Cached");
    println!("{before} kB of files before, {after} after");
    assert_eq!(lab.run("dmesg"), lab.run("dmesg"));
}

/// With a swap device, what does not fit in memory is elsewhere, and comes back unchanged.
#[test]
fn more_than_memory_fits_with_swap() {
    let mut lab = Lab::new("mem=4M swap=16M");
    let text = lab.run("swapon /dev/swap");
    assert!(text.contains("Adding 16352k swap on /dev/swap."), "{text}");
    let total = number(&mut lab, "/proc/meminfo", "SwapTotal");
    assert_eq!(total, 4 * (4096 - 8));
    lab.run("memhog 3M &");
    lab.run("memhog 3M &");
    lab.run("sleep 2s");
    let text = lab.run("ps; dmesg; cat /proc/swaps");
    assert_eq!(text.matches("memhog").count(), 2, "{text}");
    assert!(number(&mut lab, "/proc/vmstat", "pswpout") > 500);
    let busy = lab.run("swapoff /dev/swap");
    assert!(busy.contains("Cannot allocate memory"), "{busy}");
    lab.run("kill -9 -1; sleep 10ms");
    assert_eq!(number(&mut lab, "/proc/meminfo", "SwapFree"), total);
    assert_eq!(lab.run("swapoff -a"), "");
    assert_eq!(number(&mut lab, "/proc/meminfo", "SwapTotal"), 0);
    let _ = Errno::ENOMEM.to_string();
}
