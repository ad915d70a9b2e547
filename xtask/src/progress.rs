//! Tells a waiting person what is being done.
//!
//! One line a stage, with the time since the command began. What the stage's programs print of
//! their own (cargo's progress, apt's) stands between the lines.

use std::time::{Duration, Instant};

/// The stages of one command.
#[derive(Debug)]
pub struct Progress {
    began: Instant,
}

impl Progress {
    /// Begins to count.
    pub fn start() -> Progress {
        Progress {
            began: Instant::now(),
        }
    }

    /// Announces what comes next.
    pub fn stage(&self, what: &str) {
        eprintln!("[{}] {what}", clock(self.began.elapsed()));
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// A duration as minutes and seconds of one width: ` 1:02.3`.
pub fn clock(time: Duration) -> String {
    let tenths = time.as_millis() / 100;
    format!(
        "{:>2}:{:02}.{}",
        tenths / 600,
        tenths / 10 % 60,
        tenths % 10
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_line_up() {
        assert_eq!(clock(Duration::from_millis(99)), " 0:00.0");
        assert_eq!(clock(Duration::from_millis(62_399)), " 1:02.3");
        assert_eq!(clock(Duration::from_secs(24 * 60)), "24:00.0");
    }
}
