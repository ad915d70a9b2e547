//! Watermarks by the spec's numbers, and memory under pressure against a model of what it holds.

extern crate std;

use std::collections::BTreeMap;

use std::vec::Vec;
use std::{format, println};

use super::*;
use crate::errno::Errno;
use crate::mem::Zone;
use crate::oom::weights;
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
}

/// A task with an address space of its own, which nobody kills.
fn task_in(mem: &mut Mem, mm: Ref<Mm>) -> Ref<task::Task> {
    let shell = mem[TASK].init;
    // Somebody who is left from before, if there is one.
    let idle = task::processes(mem)
        .find(|&task| mem[task].pid >= task::FIRST_PID && mem[task].mm.is_null());
    let task = match idle {
        Some(idle) => idle,
        None => fork::copy_process(mem, shell, fork::FORK).expect("a task"),
    };
    mem[task].mm = mm;
    mem[task].oom_adj = -17;
    mem[mm].owner = task;
    weights::mm_changed(mem, task, 0);
    task
}

/// Ends its address space.
fn leave(mem: &mut Mem, task: Ref<task::Task>, mm: Ref<Mm>) {
    mem[task].mm = Ref::NULL;
    weights::mm_changed(mem, task, 0);
    mm::mmput(mem, mm);
}

/// What an address space should hold, by page: the byte at its beginning, or the name of a shared one.
#[derive(Debug, Clone, Copy)]
enum Content {
    Own(u8),
    Shared(usize),
}

const BASE: u32 = 0x4000_0000;
const PAGES: u64 = 600;

/// Maps, writes, reads, forks, unmaps and ends at random, with much more memory than there is, while pages
/// are reclaimed at random times and the swap device comes and goes; what is read is compared with what was
/// written, and every invariant checked.
#[test]
fn swapped_memory_holds_what_was_written() {
    for seed in 0..6 {
        println!("seed {seed}");
        let mut random = Random(seed);
        let mut lab = Lab::new("mem=2M nodes=2 swap=8M");
        lab.kernel.mem[RECLAIM].overcommit_memory = 1;
        swapon(&mut lab.kernel.mem).expect("a device");
        let mem = &mut lab.kernel.mem;
        let first = mm::mm_alloc(mem).expect("memory");
        let mut spaces = std::vec![(task_in(mem, first), first, BTreeMap::<u32, Content>::new())];
        let mut shared: Vec<u8> = Vec::new();
        for round in 0..6000 {
            let mem = &mut lab.kernel.mem;
            mem[MEM].steps_left = u32::MAX;
            let which = random.below(spaces.len() as u64) as usize;
            let mm = spaces[which].1;
            let page = random.below(PAGES) as u32;
            let at = BASE + page * PAGE_SIZE;
            match random.below(100) {
                0..3 => {
                    let count = 1 + random.below(60) as u32;
                    let count = count.min(PAGES as u32 - page);
                    let is_shared = random.below(4) == 0;
                    let flags = VM_READ | VM_WRITE | if is_shared { VM_SHARED } else { 0 };
                    mm::do_mmap(mem, mm, at, count * PAGE_SIZE, flags, None).expect("room");
                    for page in page..page + count {
                        let content = match is_shared {
                            true => {
                                shared.push(0);
                                Content::Shared(shared.len() - 1)
                            }
                            false => Content::Own(0),
                        };
                        spaces[which].2.insert(page, content);
                    }
                }
                3 => {
                    let count = 1 + random.below(20) as u32;
                    mm::do_munmap(mem, mm, at, count * PAGE_SIZE).expect("a good range");
                    spaces[which]
                        .2
                        .retain(|known, _| !(page..page + count).contains(known));
                }
                4 if spaces.len() < 5 => match mm::dup_mm(mem, mm) {
                    Ok(copy) => {
                        let model = spaces[which].2.clone();
                        spaces.push((task_in(mem, copy), copy, model));
                    }
                    Err(errno) => assert_eq!(errno, Errno::ENOMEM),
                },
                5 if spaces.len() > 1 => {
                    let (task, mm, _) = spaces.swap_remove(which);
                    leave(mem, task, mm);
                }
                6..9 => {
                    let control = ScanControl {
                        gfp: crate::mem::Gfp::KERNEL,
                        order: 0,
                        nodes: 1 + random.below(3) as u32,
                        memcg: Ref::NULL,
                        is_daemon: random.below(2) == 0,
                        only_files: false,
                    };
                    try_to_free_pages(mem, &control);
                }
                9 if round % 7 == 0 => match swapoff(mem) {
                    Ok(()) => {
                        swapon(mem).expect("it was on");
                    }
                    Err(errno) => assert_eq!(errno, Errno::ENOMEM),
                },
                10..55 => {
                    let byte = random.next() as u8;
                    let known = spaces[which].2.get(&page).copied();
                    match (mm::write_user(mem, mm, at, &[byte]), known) {
                        (Err(Errno::ENOMEM), _) => {}
                        (done, None) => assert_eq!(done, Err(Errno::EFAULT)),
                        (done, Some(Content::Shared(name))) => {
                            assert_eq!(done, Ok(()));
                            shared[name] = byte;
                        }
                        (done, Some(Content::Own(_))) => {
                            assert_eq!(done, Ok(()));
                            spaces[which].2.insert(page, Content::Own(byte));
                        }
                    }
                }
                _ => {
                    let known = spaces[which].2.get(&page).map(|known| match *known {
                        Content::Own(byte) => byte,
                        Content::Shared(name) => shared[name],
                    });
                    let mut byte = [0];
                    match (mm::read_user(mem, mm, at, &mut byte), known) {
                        (Err(Errno::ENOMEM), _) => {}
                        (done, None) => assert_eq!(done, Err(Errno::EFAULT)),
                        (done, Some(known)) => {
                            assert_eq!(
                                (done, byte[0]),
                                (Ok(()), known),
                                "page {page}, round {round}"
                            );
                        }
                    }
                }
            }
            if round % 8 == 0
                && let Err(violation) = lab.kernel.check()
            {
                panic!("seed {seed}, round {round}: {violation}");
            }
        }
        let mem = &mut lab.kernel.mem;
        let SwapInfo {
            pages_in,
            pages_out,
            ..
        } = mem[RECLAIM].swap;
        assert!(
            pages_in > 100 && pages_out > 100,
            "{pages_in} in, {pages_out} out"
        );
        for (task, mm, _) in spaces {
            leave(mem, task, mm);
        }
        let SwapInfo {
            entries, cached, ..
        } = mem[RECLAIM].swap;
        assert_eq!([entries, cached, mem[mm::MM].nr_anon], [0; 3]);
        swapoff(mem).expect("nothing is on it");
        lab.kernel.check().expect("nothing is left");
    }
}
/// A bomb that memory stops keeps asking for more; whoever finds that somebody else has just tried in vain
/// waits for that, so that the machine has time for others.
#[test]
fn a_bomb_without_memory_leaves_time() {
    let mut lab = Lab::new("mem=16M cpus=2");
    lab.run("echo 100000 > /proc/sys/kernel/threads-max; forkbomb &");
    lab.run("sleep 200ms");
    let before = lab.kernel.mem[MEM].steps;
    lab.run("sleep 100ms");
    let steps = lab.kernel.mem[MEM].steps - before;
    assert!(steps < 200_000, "{steps} steps");
    assert!(lab.kernel.mem[RECLAIM].ooms > 50);
    let text = lab.run("/bin/echo alive");
    assert!(text.contains("alive"), "{text}");
}
