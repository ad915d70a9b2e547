//! Makes a failing log as short as possible.
//!
//! The classical delta debugging: leave out large pieces first, then smaller and smaller ones, for
//! as long as what remains still fails. A log of a hundred lines comes down to the few that matter
//! in some dozens of runs.

use std::fmt;

use crate::log_gen::Lines;

/// A random log that showed something, and what is left of it. As text it is the head of the report
/// of what that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk {
    /// The log's seed.
    pub seed: u64,
    /// How many lines the log had before it was shrunk.
    pub lines_before: usize,
    /// The shortest log found that still shows it.
    pub lines: Lines,
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Shrunk {
            seed,
            lines_before,
            lines,
        } = self;
        writeln!(
            f,
            "seed {seed}, {} of its {lines_before} lines:",
            lines.len()
        )?;
        for line in lines {
            writeln!(f, "    {}", line.escape_ascii())?;
        }
        Ok(())
    }
}

/// So many of what a report counts: `1 violation`, `0 mismatches`.
pub(crate) fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// The shortest list found, by leaving lines out of `lines`, for which `fails` is still true.
/// Calls `fails` at most `attempts` times. `lines` itself is taken to fail.
pub fn shrink<T: Clone>(lines: &[T], attempts: u32, mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut kept = lines.to_vec();
    let mut left = attempts;
    let mut piece = kept.len().div_ceil(2).max(1);
    loop {
        let before = kept.len();
        // From the end: later lines depend on earlier ones more often than the other way round.
        let mut end = kept.len();
        while end > 0 {
            let start = end.saturating_sub(piece);
            let mut without = kept[..start].to_vec();
            without.extend_from_slice(&kept[end..]);
            if left == 0 {
                return kept;
            }
            left -= 1;
            if fails(&without) {
                kept = without;
            }
            end = start;
        }
        // Single lines are tried until none can go.
        if piece == 1 && kept.len() == before {
            return kept;
        }
        piece = (piece / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_that_matter_remain() {
        let lines: Vec<u32> = (0..100).collect();
        let mut runs = 0;
        let minimal = shrink(&lines, 1000, |some| {
            runs += 1;
            some.contains(&17) && some.contains(&63) && some.contains(&64)
        });
        assert_eq!(minimal, [17, 63, 64]);
        assert!(runs < 150, "{runs} runs");
    }

    #[test]
    fn attempts_are_limited() {
        let lines: Vec<u32> = (0..1000).collect();
        let mut runs = 0;
        let shorter = shrink(&lines, 20, |some| {
            runs += 1;
            some.contains(&999)
        });
        assert_eq!(runs, 20);
        assert!(shorter.contains(&999) && shorter.len() < 1000);
    }

    #[test]
    fn what_always_fails_shrinks_to_nothing() {
        assert_eq!(shrink(&[1, 2, 3], 100, |_| true), [0; 0]);
    }
}
