//! Work that threads share, one numbered piece after the other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// What all threads write to.
#[derive(Debug)]
pub struct Shared<R>(Mutex<R>);

impl<R> Shared<R> {
    /// The report, for a moment. A thread that has panicked meanwhile is told of by its own panic.
    pub fn lock(&self) -> MutexGuard<'_, R> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls `work` with the numbers from 0 on, in as many threads, until it returns false in each, and
/// returns the report.
pub fn in_threads<R: Send>(
    threads: usize,
    report: R,
    work: impl Fn(u64, &Shared<R>) -> bool + Sync,
) -> R {
    let next = AtomicU64::new(0);
    let report = Shared(Mutex::new(report));
    let (next, shared, work) = (&next, &report, &work);
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(move || while work(next.fetch_add(1, Ordering::Relaxed), shared) {});
        }
    });
    report
        .0
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_is_done_once() {
        let mut done = in_threads(3, Vec::new(), |index, done| {
            if index < 100 {
                done.lock().push(index);
            }
            index < 100
        });
        done.sort_unstable();
        assert_eq!(done, (0..100).collect::<Vec<u64>>());
    }
}
