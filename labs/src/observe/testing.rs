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
    let config = MachineConfig::parse("mem=16M nodes=2 cpus=2").unwrap();
    let mut kernel = Kernel::boot(Ram::new(config.frames).unwrap(), &config).unwrap();
    for line in lines {
        assert_eq!(kernel.run_line(&mut Silence, line.as_bytes()), 0, "{line}");
    }
    kernel
}
