//! What the tests of views share.

use kernel_core::Kernel;
use kernel_core::machine::{Machine, MachineConfig};
use kernel_core::mem::Ram;

/// A console that nobody reads.
pub(super) struct Silence;

impl Machine for Silence {
    fn console_write(&mut self, _: &[u8]) {}
}

/// A kernel on two nodes and two CPUs that has run these lines, all of which succeed.
pub(super) fn kernel(lines: &[&str]) -> Kernel {
    kernel_on("slub", lines)
}

/// The same on an allocator of one's choice.
pub(super) fn kernel_on(allocator: &str, lines: &[&str]) -> Kernel {
    kernel_of(
        &alloc::format!("mem=16M nodes=2 cpus=2 slab={allocator}"),
        lines,
    )
}

/// The same on a machine of one's choice.
pub(super) fn kernel_of(header: &str, lines: &[&str]) -> Kernel {
    let config = MachineConfig::parse(header).unwrap();
    let mut kernel = Kernel::boot(Ram::new(config.frames).unwrap(), &config).unwrap();
    for line in lines {
        assert_eq!(kernel.run_line(&mut Silence, line.as_bytes()), 0, "{line}");
    }
    kernel
}
