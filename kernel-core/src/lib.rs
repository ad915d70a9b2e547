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
