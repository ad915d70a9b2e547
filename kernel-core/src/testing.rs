//! What tests of several subsystems share.

extern crate std;

use std::string::String;
use std::vec::Vec;

use crate::Kernel;
use crate::machine::{Machine, MachineConfig};
use crate::mem::{Mem, Ram};
use crate::slab;

/// Pages that the general caches hold: what somebody's scratch memory leaves behind.
pub(crate) fn general_pages(mem: &Mem) -> u32 {
    slab::caches(mem)
        .filter(|&cache| mem[cache].name().starts_with("kmalloc-"))
        .map(|cache| mem[cache].nr_slabs << mem[cache].order)
        .sum()
}

/// A small generator of repeatable random numbers (splitmix64).
pub(crate) struct Random(pub u64);

impl Random {
    /// The next 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    /// A random number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Keeps what is printed.
#[derive(Default)]
pub(crate) struct Console(Vec<u8>);

impl Machine for Console {
    fn console_write(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }
}

/// A kernel and its console.
pub(crate) struct Lab {
    pub kernel: Kernel,
    pub console: Console,
}

impl Lab {
    /// A machine that has booted.
    #[track_caller]
    pub fn new(header: &str) -> Lab {
        let config = MachineConfig::parse(header).expect("a good header");
        let ram = Ram::new(config.ram_frames()).expect("memory for the test");
        let kernel = Kernel::boot(ram, &config).expect("the machine boots");
        kernel.check().expect("sound after boot");
        let console = Console::default();
        Lab { kernel, console }
    }

    /// Runs a line and looks at every invariant; returns its status and what it printed.
    #[track_caller]
    pub fn bytes(&mut self, line: &[u8]) -> (u8, String) {
        let status = self.kernel.run_line(&mut self.console, line);
        if let Err(violation) = self.kernel.check() {
            panic!("after {:?}: {violation}", String::from_utf8_lossy(line));
        }
        let text = core::mem::take(&mut self.console.0);
        (status, String::from_utf8(text).expect("text"))
    }

    /// Runs a line; returns what it printed.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> String {
        self.bytes(line.as_bytes()).1
    }
}

/// Runs lines on a small machine and compares all they print.
#[track_caller]
pub(crate) fn check(lines: &str, expected: &str) {
    let mut lab = Lab::new("mem=4M cpus=2");
    let printed: String = lines.split('\n').map(|line| lab.run(line)).collect();
    assert_eq!(printed, expected, "{lines}");
}
