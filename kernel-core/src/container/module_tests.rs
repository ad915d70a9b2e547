//! Tests of the slots for modules: a subsystem that counts as `pids` does, and a file in `/proc`.

extern crate std;

use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use super::module::{ModuleCss, state_of, task_container};
use super::{Callback, Container, MODULE, nr_subsystems, subsystem_name};
use crate::Kernel;
use crate::errno::Errno;
use crate::fs::fortune;
use crate::fs::proc_module::{Answer, Start};
use crate::machine::{Machine, MachineConfig};
use crate::mem::{FRAME_SIZE, Mem, Ram, Ref};
use crate::module::{Kind, Module};
use crate::task::Task;
use crate::trace::{TRACE, Tracepoint};

/// Counts tasks, in words 0; word 1 is the limit below which `mkdir` is refused.
struct Counter;

fn css(mem: &Mem, container: Ref<Container>) -> Ref<ModuleCss> {
    state_of(mem, container).expect("a container of ours")
}

fn add(mem: &mut Mem, mut at: Ref<Container>, change: i64) {
    while !at.is_null() {
        let css = css(mem, at);
        let count = &mut mem[css].state[0];
        *count = count.strict_add_signed(change);
        at = mem[at].parent;
    }
}

impl Module for Counter {
    fn kind(&self) -> Kind {
        Kind::Subsystem
    }

    fn file(&mut self, _: &mut Mem, row: usize) -> Option<&str> {
        ["current", "closed"].get(row).copied()
    }

    fn create(&mut self, mem: &mut Mem, container: Ref<Container>) -> Result<(), Errno> {
        let own = css(mem, container);
        assert_eq!(mem[own].state, [0; 4]);
        let parent = mem[container].parent;
        let is_closed = !parent.is_null() && mem[css(mem, parent)].state[1] != 0;
        if is_closed { Err(Errno::EPERM) } else { Ok(()) }
    }

    fn can_attach(&mut self, mem: &mut Mem, at: Ref<Container>, _: Ref<Task>) -> Result<(), Errno> {
        let css = css(mem, at);
        if mem[css].state[1] > 1 {
            Err(Errno::EAGAIN)
        } else {
            Ok(())
        }
    }

    fn attach(&mut self, mem: &mut Mem, new: Ref<Container>, old: Ref<Container>, _: Ref<Task>) {
        add(mem, new, 1);
        add(mem, old, -1);
    }

    fn fork(&mut self, mem: &mut Mem, child: Ref<Task>) {
        let container = task_container(mem, child);
        add(mem, container, 1);
    }

    fn exit(&mut self, mem: &mut Mem, task: Ref<Task>) {
        let container = task_container(mem, task);
        add(mem, container, -1);
    }

    fn read_u64(&mut self, mem: &mut Mem, row: usize, container: Ref<Container>) -> u64 {
        mem[css(mem, container)].state[row]
    }

    fn write_u64(
        &mut self,
        mem: &mut Mem,
        row: usize,
        container: Ref<Container>,
        number: u64,
    ) -> Result<(), Errno> {
        if row == 0 {
            return Err(Errno::EINVAL);
        }
        let css = css(mem, container);
        mem[css].state[row] = number;
        Ok(())
    }
}

#[derive(Default)]
struct Console(Vec<u8>);

impl Machine for Console {
    fn console_write(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }
}

fn boot(module: Option<Box<dyn Module>>) -> Kernel {
    let config = MachineConfig::parse("mem=2M slab=slob").expect("it is a machine");
    let ram = Ram::new(config.frames).expect("there is memory");
    let kernel = Kernel::boot_with(ram, &config, module).expect("it boots");
    assert_eq!(kernel.check(), Ok(()));
    kernel
}

#[track_caller]
fn run(kernel: &mut Kernel, line: &str) -> String {
    let mut console = Console::default();
    kernel.run_line(&mut console, line.as_bytes());
    assert_eq!(kernel.check(), Ok(()), "{line}");
    String::from_utf8(console.0).expect("it is text")
}

#[test]
fn a_kernel_without_a_module_has_no_slot() {
    let mut kernel = boot(None);
    assert_eq!(nr_subsystems(&kernel.mem), MODULE);
    assert!(!run(&mut kernel, "cat /proc/cgroups").contains(subsystem_name(MODULE)));
    let said = run(
        &mut kernel,
        "mkdir /c; mount -t container -o tasklimit none /c",
    );
    assert!(said.contains("No such file"), "{said}");
    // Callbacks of another kind open none either.
    struct Slab;
    impl Module for Slab {
        fn kind(&self) -> Kind {
            Kind::Slab
        }
    }
    let other = boot(Some(Box::new(Slab)));
    assert_eq!(other.frames_hash(), boot(None).frames_hash());
    assert_eq!(other.chain(), boot(None).chain());
}

#[test]
fn a_subsystem_counts_as_one_of_our_own_does() {
    let mut kernel = boot(Some(Box::new(Counter)));
    let k = &mut kernel;
    assert!(run(k, "cat /proc/cgroups").ends_with("\ntasklimit\t0\t1\n"));
    run(
        k,
        "mkdir /c; mount -t container -o pids,tasklimit none /c; mkdir /c/a /c/a/b /c/d",
    );
    let counts = "cat /c/pids.current /c/a/pids.current /c/a/b/pids.current /c/d/pids.current";
    let same = |k: &mut Kernel| {
        let (theirs, ours) = (run(k, counts), run(k, &counts.replace("pids", "tasklimit")));
        assert_eq!(theirs, ours);
        ours
    };
    assert_eq!(same(k), "2\n0\n0\n0\n");
    run(k, "echo $$ > /c/a/b/tasks; sleep 100 &");
    run(k, "sleep 100 &");
    assert_eq!(same(k), "4\n3\n3\n0\n");
    run(k, "echo $$ > /c/d/tasks; false &");
    run(k, "kill -KILL %1; sleep 1");
    same(k);
    // Its files refuse what is no number, or what it refuses itself.
    for (line, sentence) in [
        ("echo x > /c/a/tasklimit.closed", "Invalid argument"),
        ("echo 1 > /c/a/tasklimit.current", "Invalid argument"),
        (
            "echo 1 > /c/d/tasklimit.closed; mkdir /c/d/e",
            "Operation not permitted",
        ),
        (
            "echo 2 > /c/a/tasklimit.closed; echo 0 > /c/a/tasks",
            "temporarily unavailable",
        ),
    ] {
        let said = run(k, line);
        assert!(said.contains(sentence), "{line}: {said}");
    }
    same(k);
    run(k, "rmdir /c/a/b");
    // With nothing in the slot any more, its callbacks do nothing.
    k.mem.load_module(None);
    run(
        k,
        "true; mkdir /c/d/e; cat /c/d/tasklimit.closed; echo 1 > /c/d/tasklimit.closed",
    );
}

#[test]
fn a_module_is_asked_before_others_refuse() {
    let mut kernel = boot(Some(Box::new(Counter)));
    let k = &mut kernel;
    run(
        k,
        "mkdir /c; mount -t container -o pids,tasklimit none /c; mkdir /c/a",
    );
    run(k, "echo 1 > /c/a/pids.max; echo $$ > /c/a/tasks");
    let first = k.mem[TRACE].events;
    run(k, "sleep 1 &");
    let events = (first..k.mem[TRACE].events).filter_map(|number| k.mem.event(number));
    let calls = events.filter(|event| event.tracepoint == Tracepoint::CgroupCallback);
    let calls: Vec<(&str, &str)> = calls
        .map(|event| {
            let [callback, number, ..] = event.args() else {
                return ("", "");
            };
            (
                Callback::name_of(*callback),
                subsystem_name(*number as usize),
            )
        })
        .collect();
    assert_eq!(calls, [("can_fork", "tasklimit"), ("can_fork", "pids")]);
    assert_eq!(run(k, "cat /c/a/tasklimit.current"), "1\n");
}

/// A file that says how often it was read, and takes three bytes of what is written.
struct Echo(u64);

impl Module for Echo {
    fn kind(&self) -> Kind {
        Kind::ProcFile
    }

    fn read_proc(
        &mut self,
        _: &mut Mem,
        page: &mut [u8; FRAME_SIZE],
        offset: u64,
        _: usize,
    ) -> Result<Answer, Errno> {
        self.0 += 1;
        page[..2].copy_from_slice(b"ok");
        match offset {
            0 => Ok(Answer {
                length: 2,
                start: Start::At(0),
                is_end: false,
            }),
            _ => Ok(Answer::END),
        }
    }

    fn write_proc(&mut self, mem: &mut Mem, bytes: &[u8]) -> Result<usize, Errno> {
        let pot = fortune::pot(mem);
        let length = bytes.len().min(3);
        mem.frame_mut(pot)[..length].copy_from_slice(&bytes[..length]);
        mem[fortune::NUMBERS].cookie_index += length as u32;
        match bytes {
            b"no\n" => Err(Errno::ENOSPC),
            _ => Ok(length),
        }
    }
}

#[test]
fn a_module_takes_the_place_of_the_dispenser() {
    let mut kernel = boot(Some(Box::new(Echo(0))));
    let k = &mut kernel;
    assert_eq!(run(k, "cat /proc/fortune"), "ok");
    assert_eq!(run(k, "echo abcdefg > /proc/fortune"), "");
    assert_eq!(k.mem[fortune::NUMBERS].cookie_index, 8);
    assert_eq!(&k.mem.frame(fortune::pot(&k.mem))[..4], b"g\nf\0");
    let said = run(k, "echo no > /proc/fortune");
    assert!(said.contains("No space left"), "{said}");
}
