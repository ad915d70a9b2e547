//! Lines in, console text out. Every line is followed by `Kernel::check`.

extern crate std;


use std::string::String;
use std::vec::Vec;

use crate::Kernel;
use crate::machine::{Machine, MachineConfig};
use crate::mem::Ram;

#[derive(Default)]
struct Console(Vec<u8>);

impl Machine for Console {
    fn console_write(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }
}

struct Lab {
    kernel: Kernel,
    console: Console,
}

impl Lab {
    fn new(header: &str) -> Lab {
        let config = MachineConfig::parse(header).expect("a good header");
        let ram = Ram::new(config.frames).expect("memory for the test");
        let kernel = Kernel::boot(ram, &config).expect("the machine boots");
        kernel.check().expect("sound after boot");
        let console = Console::default();
        Lab { kernel, console }
    }

    /// Runs a line; returns its status and what it printed.
    #[track_caller]
    fn bytes(&mut self, line: &[u8]) -> (u8, String) {
        let status = self.kernel.run_line(&mut self.console, line);
        if let Err(violation) = self.kernel.check() {
            panic!("after {:?}: {violation}", String::from_utf8_lossy(line));
        }
        let text = core::mem::take(&mut self.console.0);
        (status, String::from_utf8(text).expect("text"))
    }

    #[track_caller]
    fn run(&mut self, line: &str) -> String {
        self.bytes(line.as_bytes()).1
    }
}

/// Runs lines on a small machine and compares all they print.
#[track_caller]
fn check(lines: &str, expected: &str) {
    let mut lab = Lab::new("mem=4M cpus=2");
    let printed: String = lines.lines().map(|line| lab.run(line)).collect();
    assert_eq!(printed, expected, "{lines}");
}

#[test]
fn smoke() {
    let mut lab = Lab::new("mem=4M cpus=2 nodes=2");
    for line in [
        "help",
        "help radix",
        "help mkdir",
        "ls -la /",
        "ls /proc /sys",
        "cat /proc/meminfo /proc/buddyinfo /proc/slabinfo",
        "cat /proc/zoneinfo /proc/version /proc/mounts /proc/filesystems /proc/self/fail-nth",
        "cat /sys/devices/system/node/node1/cpulist /sys/devices/system/node/node0/meminfo /sys/devices/system/cpu/online",
        "mkdir /a; echo hello world > /a/b; cat /a/b; ls -l /a; echo $?; cd a; pwd; cat < b",
        "radix create t; radix fill t 0 100; radix tag_set t 3 0; radix tag_set t 70 1; radix show t; radix stat t; radix insert t 5000 7; radix show t",
        "pages alloc 3; pages free 5; taskset -pc 1 $$",
        "cat /sys/kernel/debug/tracing/trace > /t; ls -l /t; echo 0 > /sys/kernel/debug/tracing/trace",
        "cat /sys/kernel/debug/tracing/trace; foo",
    ] {
        std::println!("# {line}\n{}", lab.run(line));
    }
}

#[test]
fn a_log_of_the_tree() {
    check("radix create t\nradix insert t 0 1\nradix lookup t 0", "0\n1\n");
}
