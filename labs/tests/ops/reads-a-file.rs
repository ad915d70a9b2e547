//! Wants to show a file of the grader.
//!
//! refused: ops.rs:7: `include_str`

use glass::*;

const SECRET: &str = include_str!("/etc/passwd");

pub struct Ops;
