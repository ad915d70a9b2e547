//! Sessions: a kernel, its log and checkpoints, seen through views and driven by a protocol.
//!
//! Everything outside the kernel that all three hosts share lives here: the page's worker, the
//! server, the boot image, the grader and the tests each own a [`Session`] and pass it
//! [`protocol::Request`]s. Needs a heap, but neither an operating system nor a browser.
//!
//! ```
//! # #[cfg(feature = "host-ram")] {
//! use labs::protocol::{Host, Request, Response};
//! use labs::{HostMemory, Session};
//!
//! let mut session = Session::new(Host::Native, Box::new(HostMemory));
//! let mut run = |line: &str| {
//!     let lines = vec![line.as_bytes().to_vec()];
//!     match session.handle(Request::Run { lines }) {
//!         Response::Ran { lines, .. } => String::from_utf8_lossy(&lines[0].text).into_owned(),
//!         other => panic!("{other:?}"),
//!     }
//! };
//! assert_eq!(run("radix create t; radix insert t 5 105; radix lookup t 5"), "0\n105\n");
//! run("radix delete t 5");
//!
//! // Back to before the last line: the item is there again.
//! session.handle(Request::Seek { step: 1 });
//! let line = b"radix lookup t 5".to_vec();
//! match session.handle(Request::Probe { line }) {
//!     Response::Probed(report) => assert_eq!(report.text, b"105\n"),
//!     other => panic!("{other:?}"),
//! }
//! # }
//! ```

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
