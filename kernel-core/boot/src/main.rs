//! The Glass Kernel on a bare x86_64 machine.
//!
//! This image is the whole software of a computer: from the processor's first 64-bit instruction to
//! the prompt of the kernel's console, with nothing underneath. The kernel core is the one that
//! also runs in the page and on the server; here its frames are real RAM, and what it asks of the
//! machine is answered by the code in `metal/`, which holds everything unsafe about that. It is
//! made for QEMU, without a boot loader: QEMU itself puts the image into memory and jumps to it.
//!
//! ```text
//! cargo build --profile boot -p boot --features image     # gives target/boot/boot
//! cargo xtask boot mem=64M cpus=2                         # builds and starts it
//! ```
//!
//! # From power-on to prompt
//!
//! 1. `entry`: 32-bit code turns on paging, 64-bit mode and SSE.
//! 2. `gdt` and `interrupts`: from here on, a fault is a readable report on the console instead of
//!    a silent reset. `stacks` says why every trap has a stack of its own.
//! 3. `start_info`: the command line and the memory map, which [`boot::memory_map`] divides
//!    between the kernel's frames and the heap.
//! 4. `paging`: the final page tables. Text is not writable, data not executable, page 0 and a page
//!    below each stack not there.
//! 5. `heap` for the outer layers; `frames` for the kernel.
//! 6. A [`labs::Session`] boots the machine that the command line describes, and [`boot::host`]
//!    connects it with two ports: `serial`, the console with its [line
//!    editor](boot::line_editor), and `port`, where programs speak [`labs::protocol`].
//!
//! Then it sleeps until a byte arrives. There are no threads, no timers and no second processor:
//! the CPUs of the machine header are the kernel core's own affair.
//!
//! # The machine's two sides
//!
//! [`labs::guest`] knows how to start QEMU so that the image finds what it needs, and by which
//! exit statuses it ends. `-append` takes a machine header (`mem=64M nodes=2 cpus=2 ...`), and
//! `selftest=NAME` for the tests in `metal/self_test.rs`.
//!
//! # How it is built
//!
//! For the host's own target, x86_64 Linux, because that needs no second toolchain: no standard
//! library, no C start-up files, a linker script of our own (`pvh.ld`), and the panic strategy of
//! the `boot` profile. What precompiled `core` expects of an operating system is in `runtime`. Only
//! the feature `image` makes an image; without it, this binary is an ordinary program that says so.
//! All that needs no metal is in the library beside it, under test.

#![cfg_attr(feature = "image", no_std, no_main)]

#[cfg(feature = "image")]
extern crate alloc;

#[cfg(feature = "image")]
mod metal;

/// Says how to get the image; this build is not it.
#[cfg(not(feature = "image"))]
fn main() {
    eprintln!(
        "this is not the image: build it with `cargo build --profile boot -p boot --features image`"
    );
    std::process::exit(2);
}
