//! Sentences about memory that gets scarce: whose pages go, and where they go to.

use alloc::string::{String, ToString};

use kernel_core::mem::reclaim::{Lru, SHRINKERS};
use kernel_core::trace::{Event, Tracepoint};

use super::plural;

/// The sentence that fits the event; see [`super::oom::template`].
pub(super) fn template(event: &Event) -> &'static str {
    let arg = |index: usize| event.args().get(index).copied().unwrap_or(0);
    match event.tracepoint {
        Tracepoint::KswapdWake => "kswapd of node {0} is woken: a zone has only {frames2} free",
        Tracepoint::DirectReclaimBegin => "Task {0} has to free memory before it gets a page",
        Tracepoint::DirectReclaimEnd => "Task {0} has freed {pages1}",
        Tracepoint::VmscanLruShrink => match arg(1) & 1 {
            0 => {
                "{pages2} from the end of node {0}'s {lru1} list are looked at, at priority {4}: {3} go"
            }
            _ => "{pages2} from the end of node {0}'s {lru1} list become inactive",
        },
        Tracepoint::ShrinkSlab => {
            "After {pages1}, {2} objects of {shrinker0} are looked at: {3} go"
        }
        Tracepoint::SwapOut if arg(3) == 1 => {
            "The page of frame {0}, which {spaces2} had, is written to slot {1} of the swap device"
        }
        Tracepoint::SwapOut => {
            "The page of frame {0}, which {spaces2} had, goes: it still is in slot {1} of the swap device"
        }
        Tracepoint::SwapIn if arg(4) == 1 => {
            "The page of slot {2} is still in memory, in frame {3}, when {address1} is used"
        }
        Tracepoint::SwapIn => {
            "The page of slot {2} is read from the swap device into frame {3}, since {address1} is used"
        }
        _ => "{name}",
    }
}

/// What a template's word stands for; `None` for words that are not about this.
pub(super) fn word(event: &Event, word: &str) -> Option<String> {
    let (kind, field) = word.split_at_checked(word.len().checked_sub(1)?)?;
    let value = *event.args().get(field.parse::<usize>().ok()?)?;
    let name = match kind {
        "frames" => return Some(plural(value, "frame")),
        "spaces" => return Some(plural(value, "address space")),
        "lru" => Lru::ALL.get(value as usize).map(|lru| lru.name()),
        "shrinker" => SHRINKERS.get(value as usize).map(|known| known.name()),
        _ => return None,
    };
    Some(name.unwrap_or("?").to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    /// An event with its fields, and its sentence.
    pub(in crate::observe::explain) fn cases() -> Vec<(Tracepoint, [u64; 6], &'static str)> {
        use Tracepoint::*;
        vec![
            (
                KswapdWake,
                [0, 0, 40, 0, 0, 0],
                "kswapd of node 0 is woken: a zone has only 40 frames free",
            ),
            (
                DirectReclaimBegin,
                [100, 0, 0xd0, 0, 0, 0],
                "Task 100 has to free memory before it gets a page",
            ),
            (
                DirectReclaimEnd,
                [100, 1, 0, 0, 0, 0],
                "Task 100 has freed 1 page",
            ),
            (
                VmscanLruShrink,
                [1, 2, 32, 30, 5, 0],
                "32 pages from the end of node 1's inactive_file list are looked at, at priority 5: 30 go",
            ),
            (
                VmscanLruShrink,
                [0, 1, 32, 0, 5, 0],
                "32 pages from the end of node 0's active_anon list become inactive",
            ),
            (
                ShrinkSlab,
                [0, 64, 128, 100, 0, 0],
                "After 64 pages, 128 objects of dcache are looked at: 100 go",
            ),
            (
                SwapOut,
                [300, 8, 2, 1, 0x4000_0000, 0],
                "The page of frame 300, which 2 address spaces had, is written to slot 8 of the swap device",
            ),
            (
                SwapOut,
                [300, 8, 1, 0, 0x4000_0000, 0],
                "The page of frame 300, which 1 address space had, goes: it still is in slot 8 of the swap device",
            ),
            (
                SwapIn,
                [4096, 0x4000_0000, 8, 301, 0, 0],
                "The page of slot 8 is read from the swap device into frame 301, since 40000000 is used",
            ),
            (
                SwapIn,
                [4096, 0x4000_0000, 8, 301, 1, 0],
                "The page of slot 8 is still in memory, in frame 301, when 40000000 is used",
            ),
        ]
    }
}
