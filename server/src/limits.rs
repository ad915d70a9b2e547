//! What one client, and all clients together, may use.
//!
//! A class shares one server, so everything that a client can ask for more of is counted:
//! sessions, guests, machine memory, kernel steps and idle time. A [`Pool`] holds so many units of
//! something; whoever takes some gets a [`Lease`] and gives them back by dropping it, on every way
//! out, panics included.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Native sessions at a time.
    pub sessions: u64,
    /// QEMU guests at a time.
    pub guests: u64,
    /// A connection on which no request arrives for so long is closed.
    pub quiet: Duration,
    /// A session that asked nothing for so long is ended.
    pub idle: Duration,
    /// A guest that owes an answer for so long is killed. A client that does not take an answer
    /// for so long is cut off.
    pub answer: Duration,
    /// Largest `mem=` of one machine, in bytes.
    pub machine_bytes: u64,
    /// Sum of `mem=` over all machines, in bytes.
    pub total_bytes: u64,
    /// Kernel steps that one request to run lines may take before it answers with what it has.
    pub steps: u64,
    /// Kernel steps that the replay of one log may take.
    pub replay_steps: u64,
    /// Sessions that are live at a time.
    pub live_sessions: u64,
    /// Those who follow live sessions, all together.
    pub followers: u64,
    /// A live session that nobody publishes for so long is over.
    pub live_away: Duration,
    /// At least so long lies between two messages of a publisher.
    pub news_every: Duration,
    /// Submissions that are graded at a time.
    pub graders: usize,
    /// Submissions that may wait to be graded.
    pub grading_queue: usize,
    /// Submissions and links that may be on their way at a time.
    pub uploads: u64,
    /// Bytes that all links together may have.
    pub link_bytes: u64,
    /// Bytes that the logs of all submissions together may have.
    pub submission_bytes: u64,
    /// Submissions that a student may have for a lab.
    pub attempts: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            sessions: 64,
            guests: 4,
            quiet: Duration::from_secs(60),
            idle: Duration::from_secs(30 * 60),
            answer: Duration::from_secs(120),
            machine_bytes: 256 << 20,
            total_bytes: 4 << 30,
            steps: 1_000_000,
            replay_steps: 100_000_000,
            live_sessions: 16,
            followers: 2000,
            live_away: Duration::from_secs(5 * 60),
            news_every: Duration::from_millis(20),
            graders: std::thread::available_parallelism().map_or(1, NonZero::get),
            grading_queue: 64,
            uploads: 32,
            link_bytes: 1 << 30,
            submission_bytes: 4 << 30,
            attempts: 1000,
        }
    }
}

/// So many units of something, shared by all clients.
#[derive(Debug)]
pub struct Pool {
    capacity: u64,
    used: AtomicU64,
}

impl Pool {
    /// A pool of `capacity` free units.
    pub fn new(capacity: u64) -> Arc<Pool> {
        Arc::new(Pool {
            capacity,
            used: AtomicU64::new(0),
        })
    }

    /// How many units there are.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// How many units are taken.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes `amount` units until the lease is dropped; `None` when fewer are free.
    pub fn take(self: &Arc<Pool>, amount: u64) -> Option<Lease> {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(amount)
                    .filter(|used| *used <= self.capacity)
            })
            .ok()
            .map(|_| Lease {
                pool: Arc::clone(self),
                amount,
            })
    }
}

/// Units taken from a [`Pool`].
#[derive(Debug)]
pub struct Lease {
    pool: Arc<Pool>,
    amount: u64,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.used.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

/// One session's share of the memory that all machines may have together.
///
/// What counts is `mem=`; a session's checkpoints, log and messages are bounded by themselves. It
/// grows with the largest machine that the session booted and is given back with the session:
/// a refused boot leaves the earlier machine running, so shrinking early would undercount.
#[derive(Debug)]
pub struct MemoryShare {
    pool: Arc<Pool>,
    machine_max: u64,
    leases: Vec<Lease>,
    held: u64,
}

impl MemoryShare {
    /// An empty share; one machine may have at most `machine_max` bytes.
    pub fn new(pool: Arc<Pool>, machine_max: u64) -> MemoryShare {
        MemoryShare {
            pool,
            machine_max,
            leases: Vec::new(),
            held: 0,
        }
    }

    /// Whether the session has no machine yet.
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Makes room for a machine of `bytes`.
    ///
    /// # Errors
    /// A sentence for the client, when the machine is too large or the others have it all.
    pub fn make_room(&mut self, bytes: u64) -> Result<(), String> {
        if bytes > self.machine_max {
            let (asked, max) = (Size(bytes), Size(self.machine_max));
            return Err(format!(
                "a machine with mem={asked}; this server allows at most {max}"
            ));
        }
        let more = bytes.saturating_sub(self.held);
        if more > 0 {
            let lease = self.pool.take(more).ok_or_else(|| {
                let (used, capacity) = (Size(self.pool.used()), Size(self.pool.capacity()));
                let asked = Size(more);
                format!("no room for {asked} more: machines use {used} of this server's {capacity}")
            })?;
            self.leases.push(lease);
            self.held = bytes;
        }
        Ok(())
    }
}

/// A number of bytes as the machine header spells it: `64M`, `1536K`, `100`.
#[derive(Debug, Clone, Copy)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => write!(f, "0"),
            bytes if bytes % (1 << 30) == 0 => write!(f, "{}G", bytes >> 30),
            bytes if bytes % (1 << 20) == 0 => write!(f, "{}M", bytes >> 20),
            bytes if bytes % (1 << 10) == 0 => write!(f, "{}K", bytes >> 10),
            bytes => write!(f, "{bytes}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_gives_out_what_it_has_and_takes_it_back() {
        let pool = Pool::new(3);
        let two = pool.take(2).expect("3 are free");
        assert!(pool.take(2).is_none());
        let one = pool.take(1).expect("1 is free");
        assert!(pool.take(u64::MAX).is_none());
        drop(two);
        assert_eq!(pool.used(), 1);
        drop(one);
        assert_eq!(pool.used(), 0);
    }

    #[test]
    fn a_share_counts_its_largest_machine_once() {
        let pool = Pool::new(100);
        let mut share = MemoryShare::new(Arc::clone(&pool), 80);
        share.make_room(30).expect("100 are free");
        share.make_room(20).expect("30 are held");
        share.make_room(70).expect("70 more are free");
        assert_eq!(pool.used(), 70);
        assert!(
            share
                .make_room(81)
                .expect_err("over the limit")
                .contains("mem=81")
        );
        let mut other = MemoryShare::new(Arc::clone(&pool), 80);
        assert!(
            other
                .make_room(31)
                .expect_err("30 are free")
                .contains("70 of")
        );
        drop(share);
        other.make_room(31).expect("100 are free");
        drop(other);
        assert_eq!(pool.used(), 0);
    }

    #[test]
    fn sizes_read_as_the_header_writes_them() {
        for text in ["0", "100", "3K", "64M", "1536K", "4G"] {
            let bytes = crate::config::parse_size(text).expect(text);
            assert_eq!(Size(bytes).to_string(), text);
        }
    }
}
