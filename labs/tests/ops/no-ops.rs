//! Has no callbacks.
//!
//! refused: Ops

use glass::*;

pub struct Oops;

fn f(_: &Mem) {}
