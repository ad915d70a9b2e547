//! The Glass Kernel's core: an operating-system kernel that you can see through.
//!
//! The same source runs booted on x86_64, in a browser tab, and in an ordinary process. A
//! [`Kernel`] is a value that owns everything: no globals, no clock, no heap. What it knows lies in
//! its own frames of physical memory ([`mem`]), reached through 32-bit kernel pointers in safe
//! Rust; what it does it tells as events ([`trace`]); what happens to it enters as console lines
//! ([`shell`]). Equal logs give equal bytes on every host.
//!
//! | module | idea |
//! |---|---|
//! | [`mem`] | frames, kernel pointers, zones, the page allocator |
//! | [`trace`] | events and their hash chain |
//! | [`printk`] | the kernel's log |
//! | [`slab`], [`cache_ops`] | caches of objects, and what moves them |
//! | [`radix_tree`] | items by key, with tags |
//! | [`fs`] | the file system: `/`, `/proc`, `/sys` |
//! | [`oom`] | whom to end when memory runs out |
//! | [`shell`] | the console's command language |
//! | [`tty`] | what programs print, on its way to the console |
//! | [`machine`] | what the kernel asks of the machine under it |
//! | [`module`] | code that a host brings: a student's |
//! | [`btf`], [`objects`] | what the bytes of memory mean, for whoever looks from outside |
//!
//! A machine boots in a line, and another runs on it:
//!
//! ```
//! use kernel_core::Kernel;
//! use kernel_core::machine::{Machine, MachineConfig};
//! use kernel_core::mem::Ram;
//!
//! /// A console that keeps what is printed.
//! struct Console(Vec<u8>);
//!
//! impl Machine for Console {
//!     fn console_write(&mut self, text: &[u8]) {
//!         self.0.extend_from_slice(text);
//!     }
//! }
//!
//! let config = MachineConfig::parse("mem=4M cpus=2").expect("a machine");
//! let ram = Ram::new(config.ram_frames()).expect("4 MB");
//! let mut kernel = Kernel::boot(ram, &config).expect("it boots");
//! let mut console = Console(Vec::new());
//!
//! let status = kernel.run_line(&mut console, b"radix create t; radix insert t 64 5; radix stat t");
//! assert_eq!(status, 0);
//! assert_eq!(console.0, b"0\nheight 2 nodes 2 items 1\n");
//!
//! // The same lines on the same machine have the same history, wherever that is.
//! let chain = kernel.chain();
//! let ram = Ram::new(config.ram_frames()).expect("4 MB");
//! let mut twin = Kernel::boot(ram, &config).expect("it boots");
//! twin.run_line(&mut console, b"radix create t; radix insert t 64 5; radix stat t");
//! assert_eq!(twin.chain(), chain);
//! ```
//!
//! Dependencies point one way: mem < slab < radix_tree < fs < shell < kernel.

#![no_std]

pub mod btf;
pub mod cache_ops;
pub mod container;
pub mod errno;
pub mod fs;
mod kernel;
pub mod machine;
pub mod mem;
pub mod module;
pub mod objects;
pub mod oom;
pub mod printk;
pub mod radix_tree;
pub mod rbtree;
pub mod shell;
pub mod slab;
pub mod task;
#[cfg(test)]
mod testing;
mod text;
pub mod trace;
pub mod tty;

pub use errno::Errno;
pub use kernel::{BootError, Kernel, LINE_STEPS};
