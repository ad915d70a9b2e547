//! What no single crate can test: three hosts side by side, the page in a real browser, the booted
//! guest, the server over real sockets and the command line.
//!
//! The library is the harness and is used by `cargo xtask parity` and `cargo xtask run` as well;
//! the tests themselves are in `tests/tests/`, the golden logs in `tests/logs/`. The harness drives
//! each host from outside, through the same messages as the page does ([`labs::protocol`]), and
//! knows nothing of the kernel's inside; only what writes random logs, what asks for a kernel's
//! invariants after every line and what stages sets of tasks hold a kernel themselves ([`watched`]).
//!
//! Nothing here builds anything. [`Settings`] finds what was built, and what is missing fails the
//! test with the command that makes it.

pub mod cdp;
pub mod child;
pub mod host;
pub mod invariants;
pub mod link;
pub mod log_gen;
pub mod oom_reference;
pub mod oom_sets;
pub mod page;
pub mod parity;
pub mod pattern;
pub mod picture;
pub mod places;
mod random;
pub mod server;
mod settings;
pub mod shared;
pub mod shrink;
pub mod site;
pub mod travel;
pub mod watched;

pub use random::Random;
pub use settings::Settings;
