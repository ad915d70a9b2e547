//! Address spaces against a model, and what they leave behind.

extern crate std;

use std::collections::BTreeMap;
use std::println;
use std::vec::Vec;

use super::*;
use crate::Kernel;
use crate::machine::MachineConfig;
use crate::mem::{MEM, Ram};
use crate::oom::weights;
use crate::task::fork;
use crate::testing::Random;

fn kernel(header: &str) -> Kernel {
    let config = MachineConfig::parse(header).expect("a good header");
    let ram = Ram::new(config.ram_frames()).expect("memory for the test");
    Kernel::boot(ram, &config).expect("the machine boots")
}

/// A task with an empty address space.
fn task_in(mem: &mut Mem, mm: Ref<Mm>) -> Ref<Task> {
    // Somebody who is left from before, if there is one.
    let idle = crate::task::processes(mem)
        .find(|&task| mem[task].pid >= crate::task::FIRST_PID && mem[task].mm.is_null());
    if let Some(idle) = idle {
        mem[idle].mm = mm;
        weights::mm_changed(mem, idle, 0);
        return idle;
    }
    let shell = mem[TASK].init;
    let task = fork::copy_process(mem, shell, fork::FORK).expect("a task");
    mem[task].mm = mm;
    weights::mm_changed(mem, task, 0);
    task
}

/// What a page of an address space should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    /// Memory of its own, with this byte at its beginning.
    Own(u8),
    /// Shared memory of that name.
    Shared(usize),
    /// A page of the file, which nobody has written to here.
    File(u32),
}

type Model = BTreeMap<u32, Page>;

const PAGES: u64 = 24;
const BASE: u32 = 0x4000_0000;

fn at(page: u64) -> u32 {
    BASE + page as u32 * PAGE_SIZE
}

/// Maps, unmaps, writes, reads and forks at random, in a machine with little memory, and compares what is
/// read with what it should be.
#[test]
fn address_spaces_hold_what_was_written() {
    for seed in 0..24 {
        println!("seed {seed}");
        let mut random = Random(seed);
        let mut kernel = kernel("mem=2M nodes=2");
        let mem = &mut kernel.mem;
        let path = "/file";
        let file = fs::open(mem, path, fs::OVERWRITE, 0o644).expect("a file");
        let mut file_bytes = Vec::new();
        for page in 0..8_u8 {
            let content = [page + 100; FRAME_SIZE];
            assert_eq!(fs::write(mem, file, &content), Ok(FRAME_SIZE));
            file_bytes.push(page + 100);
        }
        fs::close(mem, file);
        let dentry = fs::walk(mem, path).expect("the file");
        let first = mm_alloc(mem).expect("memory");
        task_in(mem, first);
        let mut spaces: Vec<(Ref<Mm>, Model)> = std::vec![(first, Model::new())];
        let mut shared: Vec<u8> = Vec::new();
        for _ in 0..400 {
            let mem = &mut kernel.mem;
            let which = random.below(spaces.len() as u64) as usize;
            let mm = spaces[which].0;
            let (page, count) = (random.below(PAGES), 1 + random.below(6));
            let count = count.min(PAGES - page);
            let range = page as u32..(page + count) as u32;
            let length = count as u32 * PAGE_SIZE;
            let rw = VM_READ | VM_WRITE;
            match random.below(12) {
                0 | 1 => {
                    do_mmap(mem, mm, at(page), length, rw, None).expect("room");
                    spaces[which]
                        .1
                        .extend(range.map(|page| (page, Page::Own(0))));
                }
                2 => {
                    let flags = rw | VM_SHARED;
                    do_mmap(mem, mm, at(page), length, flags, None).expect("room");
                    for page in range {
                        spaces[which].1.insert(page, Page::Shared(shared.len()));
                        shared.push(0);
                    }
                }
                3 | 4 => {
                    let offset = random.below(4) as u32;
                    let is_shared = random.below(2) == 0;
                    let flags = if is_shared { rw | VM_SHARED } else { rw };
                    let file = Some((dentry, offset));
                    do_mmap(mem, mm, at(page), length, flags, file).expect("room");
                    for (index, page) in (offset..).zip(range) {
                        spaces[which].1.insert(page, Page::File(index));
                        if is_shared {
                            // A shared page of a file is the file's.
                            spaces[which].1.insert(page, Page::File(index | 0x100));
                        }
                    }
                }
                5 => {
                    do_munmap(mem, mm, at(page), length).expect("a good range");
                    for page in range {
                        spaces[which].1.remove(&page);
                    }
                }
                6 if spaces.len() < 5 => match dup_mm(mem, mm) {
                    Ok(copy) => {
                        task_in(mem, copy);
                        let model = spaces[which].1.clone();
                        spaces.push((copy, model));
                    }
                    Err(errno) => assert_eq!(errno, Errno::ENOMEM),
                },
                7 if spaces.len() > 1 => {
                    let (gone, _) = spaces.swap_remove(which);
                    let task = crate::task::processes(mem).find(|&task| mem[task].mm == gone);
                    let task = task.expect("its task");
                    mem[task].mm = Ref::NULL;
                    weights::mm_changed(mem, task, 0);
                    mmput(mem, gone);
                }
                8..=10 => {
                    let byte = random.next() as u8;
                    let expected = spaces[which].1.get(&(page as u32)).copied();
                    let done = write_user(mem, mm, at(page), &[byte]);
                    match (done, expected) {
                        (Err(Errno::ENOMEM), _) => {}
                        (done, None) => assert_eq!(done, Err(Errno::EFAULT)),
                        (done, Some(Page::File(index))) if index & 0xff >= 8 => {
                            assert_eq!(done, Err(Errno::EIO));
                        }
                        (done, Some(Page::Shared(name))) => {
                            assert_eq!(done, Ok(()));
                            shared[name] = byte;
                        }
                        (done, Some(Page::File(index))) if index & 0x100 != 0 => {
                            assert_eq!(done, Ok(()));
                            file_bytes[(index & 0xff) as usize] = byte;
                        }
                        (done, Some(_)) => {
                            assert_eq!(done, Ok(()));
                            spaces[which].1.insert(page as u32, Page::Own(byte));
                        }
                    }
                }
                _ => {
                    let expected = match spaces[which].1.get(&(page as u32)) {
                        None => Err(Errno::EFAULT),
                        Some(Page::Own(byte)) => Ok(*byte),
                        Some(Page::Shared(name)) => Ok(shared[*name]),
                        Some(Page::File(index)) => match file_bytes.get((index & 0xff) as usize) {
                            Some(byte) => Ok(*byte),
                            None => Err(Errno::EIO),
                        },
                    };
                    let mut byte = [0];
                    let done = read_user(mem, mm, at(page), &mut byte).map(|()| byte[0]);
                    if done != Err(Errno::ENOMEM) {
                        assert_eq!(done, expected, "page {page}");
                    }
                }
            }
            if let Err(violation) = kernel.check() {
                panic!("seed {seed}: {violation}");
            }
        }
        // With the last address space everything is gone.
        let mem = &mut kernel.mem;
        for (mm, _) in spaces {
            let task = crate::task::processes(mem).find(|&task| mem[task].mm == mm);
            let task = task.expect("its task");
            mem[task].mm = Ref::NULL;
            weights::mm_changed(mem, task, 0);
            mmput(mem, mm);
        }
        let MmData {
            nr_mms,
            nr_vmas,
            nr_anon,
            nr_tables,
            nr_mapped,
            ..
        } = mem[MM];
        assert_eq!([nr_mms, nr_vmas, nr_anon, nr_tables, nr_mapped], [0; 5]);
        kernel.check().expect("nothing is left");
    }
}

/// Whatever allocation fails on the way, a fork or a fault changes nothing then.
#[test]
fn no_memory_undoes_everything() {
    let mut kernel = kernel("mem=4M");
    let mm = mm_alloc(&mut kernel.mem).expect("memory");
    task_in(&mut kernel.mem, mm);
    let mem = &mut kernel.mem;
    for page in [0, 1, 2000] {
        let rw = VM_READ | VM_WRITE;
        do_mmap(mem, mm, BASE + page * PAGE_SIZE, PAGE_SIZE, rw, None).expect("room");
        write_user(mem, mm, BASE + page * PAGE_SIZE, &[1]).expect("memory");
    }
    let mut failed = 0;
    for nth in 1.. {
        kernel.mem.set_fail_nth(nth);
        let copy = dup_mm(&mut kernel.mem, mm);
        let left = kernel.mem[MEM].fail_nth;
        kernel.mem.set_fail_nth(0);
        if let Ok(copy) = copy {
            assert_ne!(left, 0);
            mmput(&mut kernel.mem, copy);
            break;
        }
        failed += 1;
        assert_eq!(copy, Err(Errno::ENOMEM));
        kernel.check().expect("nothing is left of it");
        assert_eq!(kernel.mem[MM].nr_mms, 1);
    }
    // The space itself, areas, tables.
    assert!(failed >= 5, "{failed}");
    for (address, faults) in [(BASE + 4 * PAGE_SIZE, 1), (BASE + (9 << 22), 2)] {
        let mem = &mut kernel.mem;
        do_mmap(mem, mm, address, PAGE_SIZE, VM_READ | VM_WRITE, None).expect("room");
        for nth in 1..=faults {
            kernel.mem.set_fail_nth(nth);
            let done = handle_mm_fault(&mut kernel.mem, mm, address, true);
            assert_eq!(done, Err(Errno::ENOMEM), "allocation {nth}");
            kernel.check().expect("nothing is left of it");
        }
        kernel.mem.set_fail_nth(0);
        let done = handle_mm_fault(&mut kernel.mem, mm, address, true);
        assert_eq!(done, Ok(Fault::Zero));
    }
}

/// A file that gets shorter takes its pages along, copies stay.
#[test]
fn a_truncated_file_leaves_address_spaces() {
    let mut kernel = kernel("mem=4M");
    let mem = &mut kernel.mem;
    let file = fs::open(mem, "/f", fs::OVERWRITE, 0o644).expect("a file");
    fs::write(mem, file, &[7; 2 * FRAME_SIZE]).expect("room");
    fs::close(mem, file);
    let dentry = fs::walk(mem, "/f").expect("the file");
    let mm = mm_alloc(mem).expect("memory");
    task_in(mem, mm);
    do_mmap(
        mem,
        mm,
        BASE,
        2 * PAGE_SIZE,
        VM_READ | VM_WRITE,
        Some((dentry, 0)),
    )
    .expect("room");
    let mut byte = [0];
    read_user(mem, mm, BASE, &mut byte).expect("the file's page");
    write_user(mem, mm, BASE + PAGE_SIZE, &[8]).expect("a copy");
    assert_eq!((mem[mm].file_rss, mem[mm].anon_rss), (1, 1));
    let file = fs::open(mem, "/f", fs::OVERWRITE, 0o644).expect("a file");
    fs::close(mem, file);
    assert_eq!((mem[mm].file_rss, mem[mm].anon_rss), (0, 1));
    assert_eq!(read_user(mem, mm, BASE, &mut byte), Err(Errno::EIO));
    assert_eq!(read_user(mem, mm, BASE + PAGE_SIZE, &mut byte), Ok(()));
    assert_eq!(byte, [8]);
    kernel.check().expect("sound");
}

/// The heap grows and shrinks, and meets what is in its way; areas join and are cut.
#[test]
fn brk_and_neighbours() {
    let mut kernel = kernel("mem=4M");
    let mem = &mut kernel.mem;
    let mm = mm_alloc(mem).expect("memory");
    task_in(mem, mm);
    (mem[mm].start_brk, mem[mm].brk) = (0x0900_0000, 0x0900_0000);
    assert_eq!(do_brk(mem, mm, 0), Ok(0x0900_0000));
    assert_eq!(do_brk(mem, mm, 0x0900_1001), Ok(0x0900_1001));
    assert_eq!((mem[mm].map_count, mem[mm].total_vm), (1, 2));
    assert_eq!(do_brk(mem, mm, 0x0900_5000), Ok(0x0900_5000));
    assert_eq!((mem[mm].map_count, mem[mm].total_vm), (1, 5));
    assert_eq!(do_brk(mem, mm, 0x0800_0000), Err(Errno::ENOMEM));
    let rw = VM_READ | VM_WRITE;
    do_mmap(mem, mm, 0x0900_8000, PAGE_SIZE, VM_READ, None).expect("room");
    assert_eq!(do_brk(mem, mm, 0x0900_9000), Err(Errno::ENOMEM));
    assert_eq!(do_brk(mem, mm, 0x0900_2000), Ok(0x0900_2000));
    do_munmap(mem, mm, 0x0900_8000, PAGE_SIZE).expect("a good range");
    assert_eq!(do_brk(mem, mm, 0x0900_0000), Ok(0x0900_0000));
    assert_eq!((mem[mm].map_count, mem[mm].total_vm), (0, 0));
    let one = do_mmap(mem, mm, 0, PAGE_SIZE, rw, None).expect("room");
    let two = do_mmap(mem, mm, 0, 3 * PAGE_SIZE, rw, None).expect("room");
    assert_eq!(
        (one, two),
        (TASK_UNMAPPED_BASE, TASK_UNMAPPED_BASE + PAGE_SIZE)
    );
    assert_eq!(mem[mm].map_count, 1);
    do_munmap(mem, mm, two, PAGE_SIZE).expect("a good range");
    assert_eq!((mem[mm].map_count, mem[mm].total_vm), (2, 3));
    for (start, length) in [(1, 4096), (TASK_UNMAPPED_BASE, 0), (0xc000_0000, 4096)] {
        assert_eq!(do_munmap(mem, mm, start, length), Err(Errno::EINVAL));
    }
    assert_eq!(do_mmap(mem, mm, 0, u32::MAX, rw, None), Err(Errno::ENOMEM));
    assert_eq!(do_mmap(mem, mm, 0, 0, rw, None), Err(Errno::EINVAL));
    kernel.check().expect("sound");
}
