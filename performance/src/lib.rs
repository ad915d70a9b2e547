//! The work that is measured, apart from how it is measured.
//!
//! A time means something beside another one only if both are of the same work. So what the kernel is
//! asked to do, at which sizes and in which order stands here once, and whoever measures runs it: the
//! benchmarks in a process, callgrind, which counts instructions, and the page in the visitor's browser.
//! Nothing here knows of clocks, files or threads, and every choice comes from a [`Random`] with a fixed
//! seed.
//!
//! | file | whose work |
//! |---|---|
//! | `radix.rs` | the radix tree's |
//! | `pages.rs` | the page allocator's |
//! | `objects.rs` | the three slab allocators' |
//! | `paths.rs` | path walks through the dentry cache |
//! | `containers.rs` | a task goes into another container |
//! | `life.rs` | a task is forked and ends |
//! | `switch.rs` | a CPU goes on with another task |
//! | `victim.rs` | whom the OOM killer chooses |
//! | `events.rs` | trace events, recorded and not |
//! | `session.rs` | a log runs; a session goes to another step |
//! | `crowd.rs` | not work: kernels with many tasks and containers |
//! | `recorded.rs` | not work: how results are kept |
//! | `offer.rs` | not work: what a page can ask for |
//! | `rounds.rs` | not work: how long work takes, by any clock |
//!
//! `kernel-core/benches` puts the kernel's structures beside their peers, and reuses from here what both
//! need; its `workloads` measures all of this at every size.

mod containers;
pub mod crowd;
mod events;
mod life;
mod objects;
pub mod offer;
mod pages;
mod paths;
mod radix;
mod random;
pub mod recorded;
pub mod rounds;
mod session;
mod switch;
mod victim;

pub use random::Random;
pub use session::lines as session_lines;
pub use victim::dress;

/// Work that can be measured at several sizes.
pub struct Workload {
    /// Whose work and which, `radix.insert`.
    pub name: &'static str,
    /// What one operation is, and what the size counts: a sentence.
    pub what: &'static str,
    /// At which sizes it is measured: three or more, the smallest first.
    pub sizes: &'static [u32],
    /// The size whose instructions are counted on every run of the tests: it takes valgrind a moment.
    pub gated: u32,
    /// What an operation may cost as the size grows: size to this power. 0 is a constant cost.
    pub growth: f64,
    /// Makes everything that the work needs, at that size.
    pub make: fn(u32) -> Box<dyn Measured>,
}

/// Something that does its work again and again.
pub trait Measured {
    /// Puts the start back, which is not measured. Called before each [`Measured::run`].
    fn prepare(&mut self);

    /// Does the work, and returns how many operations it was: the same number each time.
    fn run(&mut self) -> u64;
}

/// All of it.
pub static WORKLOADS: &[Workload] = &[
    radix::INSERT,
    radix::LOOKUP,
    radix::DELETE,
    radix::GANG_TAGGED,
    pages::ORDER_0,
    pages::MIXED,
    objects::SLUB_ALLOC,
    objects::SLUB_FREE,
    objects::SLUB_PAIR,
    objects::SLAB_ALLOC,
    objects::SLAB_FREE,
    objects::SLAB_PAIR,
    objects::SLOB_ALLOC,
    objects::SLOB_FREE,
    objects::SLOB_PAIR,
    paths::HIT,
    paths::DEEP,
    containers::ATTACH,
    life::FORK,
    life::FORK_PAGES,
    switch::SWITCH,
    victim::SELECT,
    events::RECORDED,
    events::NOT_RECORDED,
    session::REPLAY,
    session::BACK,
    session::JUMP,
];

/// The workload of that name.
pub fn find(name: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|workload| workload.name == name)
}

/// The exponent with which costs grow: the slope of the line that fits the logarithms of `(size, cost)`
/// best, by least squares. `None` with fewer than three points, or where one is not positive.
pub fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 3
        || points
            .iter()
            .any(|&(size, cost)| size <= 0.0 || cost <= 0.0)
    {
        return None;
    }
    let logs: Vec<(f64, f64)> = points
        .iter()
        .map(|&(size, cost)| (size.ln(), cost.ln()))
        .collect();
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / logs.len() as f64;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let slope: f64 = logs.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let spread: f64 = logs.iter().map(|point| (point.0 - x).powi(2)).sum();
    (spread > 0.0).then(|| slope / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_does_the_same_again() {
        for workload in WORKLOADS {
            let mut work = (workload.make)(workload.sizes[0]);
            let mut counts = [0; 3];
            for count in &mut counts {
                work.prepare();
                *count = work.run();
            }
            assert!(counts[0] > 0, "{}", workload.name);
            assert_eq!(counts, [counts[0]; 3], "{}", workload.name);
        }
    }

    #[test]
    fn sizes_rise_and_names_differ() {
        for (number, workload) in WORKLOADS.iter().enumerate() {
            let Workload {
                name, sizes, gated, ..
            } = workload;
            assert!(sizes.len() >= 3 && sizes.is_sorted(), "{name}");
            assert!(*gated <= sizes[1], "{name}: it would take valgrind long");
            let others = &WORKLOADS[number + 1..];
            assert!(
                others.iter().all(|other| other.name != *name),
                "{name} twice"
            );
        }
    }

    #[test]
    fn an_exponent_is_found_back() {
        for power in [0.0, 0.5, 1.0, 2.0] {
            let points = [10.0, 100.0, 1e3, 1e4].map(|size: f64| (size, 7.0 * size.powf(power)));
            let found = exponent(&points).expect("four points");
            assert!((found - power).abs() < 1e-9, "{found} for {power}");
        }
        assert_eq!(exponent(&[(1.0, 1.0), (2.0, 2.0)]), None);
        assert_eq!(exponent(&[(1.0, 1.0), (2.0, 0.0), (3.0, 1.0)]), None);
    }
}
