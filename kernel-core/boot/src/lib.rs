//! What the image decides without touching metal.
//!
//! The binary of this package runs where no test harness does. So all of its logic that is not
//! about registers lives here, where `cargo test -p boot` reaches it: the line editor of the
//! console, the reading of `-append`, the division of memory, the wording of exception
//! reports, and [`host`], which connects a [`labs::Session`] with its two serial ports.

#![no_std]

extern crate alloc;

pub mod command_line;
pub mod exception;
pub mod host;
pub mod line_editor;
pub mod memory_map;
