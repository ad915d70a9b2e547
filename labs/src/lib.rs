//! Sessions: a kernel, its log and checkpoints, seen through views and driven by a protocol.
//!
//! Everything outside the kernel that all three hosts share lives here: the page's worker, the
//! server, the boot image, the grader and the tests each own a [`Session`] and pass it
//! [`protocol::Request`]s. Needs a heap, but neither an operating system nor a browser.

#![no_std]

extern crate alloc;
#[cfg(any(feature = "author", feature = "formats", feature = "ops"))]
extern crate std;

#[cfg(feature = "author")]
pub mod author;
pub mod check;
mod checkpoint;
pub mod compare;
pub mod example;
mod export;
pub mod follow;
#[cfg(feature = "formats")]
pub mod formats;
pub mod glossary;
pub mod grade;
pub mod guest;
pub mod lab;
pub mod log;
mod observe;
#[cfg(feature = "ops")]
pub mod ops;
pub mod protocol;
mod session;
pub mod view;

#[cfg(feature = "host-ram")]
pub use session::HostMemory;
pub use session::{LOG_MAX, Memory, Session};
