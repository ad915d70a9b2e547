//! How long work takes, by a clock that may be coarse.
//!
//! A browser's clock goes in steps of a tenth of a millisecond, which is more than some work takes. But
//! where in a step the work begins is chance, so the error of one look at the clock is as often too much
//! as too little, and in the sum over a round it all but vanishes.

use crate::Measured;

/// How often work is done in a round at most, should the clock stand.
const RUNS_MAX: u32 = 1_000_000;

/// How often work is done before it is measured.
const WARM_UP: u32 = 2;

/// Does the work without measuring it.
pub fn warm_up(work: &mut dyn Measured) {
    for _ in 0..WARM_UP {
        work.prepare();
        work.run();
    }
}

/// Does the work again and again until it has taken `least_ms` milliseconds; returns nanoseconds an
/// operation. `now` tells milliseconds since whenever.
pub fn round(work: &mut dyn Measured, least_ms: f64, now: &mut dyn FnMut() -> f64) -> f64 {
    let (mut spent, mut done) = (0.0, 0);
    for _ in 0..RUNS_MAX {
        work.prepare();
        let start = now();
        done += work.run();
        spent += now() - start;
        if spent >= least_ms {
            break;
        }
    }
    spent * 1e6 / done.max(1) as f64
}

/// The value in the middle; of an even number the mean of the two. `None` if there is none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    match values.len() % 2 {
        0 => Some((values[middle - 1] + upper) / 2.0),
        _ => Some(upper),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Work of ten operations that takes 0.35 ms by a clock which shows tenths.
    struct Slow<'a>(&'a std::cell::Cell<f64>);

    impl Measured for Slow<'_> {
        fn prepare(&mut self) {
            self.0.set(self.0.get() + 0.0371);
        }

        fn run(&mut self) -> u64 {
            self.0.set(self.0.get() + 0.35);
            10
        }
    }

    #[test]
    fn a_coarse_clock_is_no_matter() {
        let time = std::cell::Cell::new(0.0);
        let mut coarse = || (time.get() * 10.0_f64).floor() / 10.0;
        let cost = round(&mut Slow(&time), 100.0, &mut coarse);
        assert!((cost - 35_000.0).abs() < 700.0, "{cost}");
    }

    #[test]
    fn a_clock_that_stands_ends_nothing() {
        struct Nothing;
        impl Measured for Nothing {
            fn prepare(&mut self) {}
            fn run(&mut self) -> u64 {
                0
            }
        }
        assert_eq!(round(&mut Nothing, 1.0, &mut || 7.0), 0.0);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
