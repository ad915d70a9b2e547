//! The kernel as a value.

extern crate alloc;

use alloc::boxed::Box;

use crate::errno::Errno;
use crate::machine::{Machine, MachineConfig};
use crate::mem::{MEM, Mem, Ram, layout};
use crate::module::Module;
use crate::oom::{self, listeners};
use crate::trace::{TRACE, Tracepoint, mix};
use crate::{container, fs, printk, radix_tree, shell, slab, task};

/// Steps that one console line may take; see [`Mem::charge`].
pub const LINE_STEPS: u32 = 4_000_000;

/// A kernel: physical memory, and everything in it.
#[derive(Debug)]
pub struct Kernel {
    /// Its memory, through which all its objects are reached.
    pub mem: Mem,
}

/// Why a machine cannot boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootError {
    /// The memory has another size than the header says.
    WrongSize {
        /// Frames that the header asks for.
        wanted: u32,
        /// Frames that there are.
        got: u32,
    },
    /// The memory is too small for the kernel's first objects.
    OutOfMemory(Errno),
}

impl Kernel {
    /// Boots the machine in zeroed memory.
    ///
    /// # Errors
    /// [`BootError`].
    pub fn boot(ram: Ram, config: &MachineConfig) -> Result<Kernel, BootError> {
        Kernel::boot_with(ram, config, None)
    }

    /// Boots the machine with a module from the first moment on; see [`crate::module`].
    ///
    /// # Errors
    /// [`BootError`].
    pub fn boot_with(
        ram: Ram,
        config: &MachineConfig,
        module: Option<Box<dyn Module>>,
    ) -> Result<Kernel, BootError> {
        if ram.frames() != config.ram_frames() {
            return Err(BootError::WrongSize {
                wanted: config.ram_frames(),
                got: ram.frames(),
            });
        }
        let mut mem = Mem::boot(ram, config);
        mem.load_module(module);
        if mem.is_traced() {
            mem[TRACE].chain = mix(0, config.seed);
        }
        mem.set_recording(true);
        crate::tty::boot(&mut mem);
        listeners::boot(&mut mem);
        slab::boot_with(&mut mem, config.slab, &config.slub)
            .and_then(|()| radix_tree::boot(&mut mem))
            .and_then(|()| fs::boot(&mut mem))
            .and_then(|()| task::boot(&mut mem, config.hz))
            .and_then(|()| container::boot(&mut mem))
            .and_then(|()| shell::boot(&mut mem))
            .map_err(BootError::OutOfMemory)?;
        oom::policy::boot(&mut mem);
        // The console shows what is new since boot; what is older, `dmesg` tells.
        printk::shown(&mut mem);
        Ok(Kernel { mem })
    }

    /// Runs one console line and returns its exit status.
    pub fn run_line(&mut self, machine: &mut dyn Machine, line: &[u8]) -> u8 {
        self.mem[TRACE].step += 1;
        self.mem.restamp();
        self.mem[MEM].steps_left = LINE_STEPS;
        let step = u64::from(self.mem[TRACE].step);
        let hash = line
            .iter()
            .fold(0, |hash, &byte| mix(hash, u64::from(byte)));
        self.mem
            .trace(Tracepoint::ConsoleLine, [step, line.len() as u64, hash]);
        shell::run_line(&mut self.mem, machine, line)
    }

    /// Whether the machine was powered off. It runs no further lines.
    pub fn is_off(&self) -> bool {
        shell::is_off(&self.mem)
    }

    /// Events since boot.
    pub fn events(&self) -> u64 {
        self.mem[TRACE].events
    }

    /// Whether events are emitted: not on a machine with `trace=off`, which has no chain.
    pub fn is_traced(&self) -> bool {
        self.mem.is_traced()
    }

    /// The hash chain over all events since boot; 0 where [`Kernel::is_traced`] says that there is none.
    pub fn chain(&self) -> u64 {
        self.mem[TRACE].chain
    }

    /// Lines run since boot.
    pub fn step(&self) -> u32 {
        self.mem[TRACE].step
    }

    /// A hash of every byte of memory.
    pub fn frames_hash(&self) -> u64 {
        let ram = self.mem.ram();
        ram.touched_frames()
            .filter(|&frame| ram.frame(frame).iter().any(|&byte| byte != 0))
            .fold(0, |hash, frame| {
                let words = ram.frame(frame).chunks_exact(8);
                words.fold(mix(hash, u64::from(frame)), |hash, word| {
                    mix(
                        hash,
                        word.iter()
                            .rev()
                            .fold(0, |word, &byte| word << 8 | u64::from(byte)),
                    )
                })
            })
    }

    /// Verifies every invariant of every subsystem.
    ///
    /// # Errors
    /// A sentence that names the first violation.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.mem.frame(layout::NULL).iter().any(|&byte| byte != 0) {
            return Err("memory: something was written through a NULL pointer");
        }
        self.mem.check_buddy()?;
        crate::trace::check(&self.mem)?;
        crate::mem::reclaim::check(&self.mem)?;
        printk::check(&self.mem)?;
        slab::check(&self.mem)?;
        crate::tty::check(&self.mem)?;
        fs::check(&self.mem)?;
        task::check(&self.mem)?;
        container::check(&self.mem)?;
        listeners::check(&self.mem)?;
        shell::check(&self.mem)
    }
}
