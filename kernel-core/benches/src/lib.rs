//! What the benchmarks share: a region that is timed or counted, medians, tables.
//!
//! A benchmark is a program without a harness. It runs every structure in turn for several rounds,
//! so that a busy machine slows all of them, and takes medians. Times on a shared machine still
//! move by tens of per cent; instruction counts do not, so each benchmark also runs itself under
//! valgrind's callgrind and prints instructions beside nanoseconds. No time is a test; the counts of
//! `gates` are.

mod callgrind;
mod contest;
pub mod gate;
mod record;
mod report;
mod standing;

pub use callgrind::count as count_instructions;
pub use contest::{
    Contest, Contestant, Round, Row, apart, argument, has_argument, number_argument, run_apart,
};
pub use performance::Random;
pub use record::{machine, update_record};
pub use report::{Table, compact, exponents, geometric_mean, output_folder, write};
pub use standing::{Goal, Standing, write_standings};

use std::hint::black_box;
use std::time::Instant;

/// Runs `work` and returns the nanoseconds it took. Under callgrind nothing but this region counts.
///
/// On a busy machine others run in between; where the host tells what this thread had of a CPU, it is
/// that which counts.
#[inline(never)]
pub fn region(work: &mut dyn FnMut()) -> f64 {
    let (before, start) = (cpu_time(), Instant::now());
    counted_region(work);
    let took = start.elapsed().as_nanos() as f64;
    match (before, cpu_time()) {
        (Some(before), Some(after)) if after > before => took.min((after - before) as f64),
        _ => took,
    }
}

/// CPU time of this thread, in nanoseconds, as Linux counts it: exact when the thread has just been off
/// the CPU.
fn cpu_time() -> Option<u64> {
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// The function that callgrind is told to count.
#[inline(never)]
fn counted_region(work: &mut dyn FnMut()) {
    work();
    black_box(());
}

/// The middle of some measurements, `None` if there are none.
pub fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
