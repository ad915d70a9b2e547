//! Programs: small text files that the kernel runs, a system call a line.

use bytemuck::{Pod, Zeroable};

use crate::btf::describe;
use crate::mem::Ref;

/// What a task that runs a program has in hand: place, variables.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Process {
    /// The compiled text, shared by all who run it.
    pub image: Ref<u64>,
    /// The next instruction.
    pub ip: u32,
}

describe!(Process, "process", [image, ip]);
