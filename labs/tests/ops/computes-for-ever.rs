//! Keeps the compiler busy.
//!
//! refused: ops.rs:

pub struct Ops;

pub const ANSWER: u32 = {
    let mut answer = 0;
    while answer < u32::MAX - 1 {
        answer += 1;
    }
    answer
};

pub static SHOWN: u32 = ANSWER;
