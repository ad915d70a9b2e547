//! What the console shows: the lines of the log with their output, and the page's remarks.
//!
//! Output can be long, so of one line the page shows no more than a screen can use, and of all of
//! them only a part is in the page: see [`Drawn`]. The log itself keeps everything.

use std::ops::Range;
use std::rc::Rc;

use labs::protocol::LineReport;
use words::console as say;

/// How many rows of output the console keeps in the page at most.
pub const ROWS_SHOWN: usize = 2000;

/// How many rows around the present it draws to begin with, and adds when one scrolls on.
const ROWS_DRAWN: usize = 120;

/// How many entries before and after the present are drawn at least, where there are any.
const MARGIN: usize = 10;

/// How many bytes of one line's output the console shows, the last ones.
pub const PRINTED_SHOWN: usize = 256 << 10;

/// How many bytes of a typed line the console shows, the first ones.
pub const TYPED_SHOWN: usize = 400;

/// A line of the log and what it did.
#[derive(Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The line as it was typed.
    pub line: Vec<u8>,
    /// What the first host that ran it reported.
    pub report: LineReport,
    /// The line as the console shows it: text, and not without end.
    pub typed: String,
    /// The output as the console shows it, without its last newline.
    pub printed: String,
    /// Screen rows that it takes, the line's own included.
    pub rows: usize,
}

impl LogLine {
    /// A line with what the console shows of it.
    pub fn new(line: Vec<u8>, report: LineReport) -> LogLine {
        let mut typed = String::from_utf8_lossy(&line[..line.len().min(TYPED_SHOWN)]).into_owned();
        if line.len() > TYPED_SHOWN {
            typed.push_str(&say::typed_bytes(line.len()));
        }
        let text = report.text.strip_suffix(b"\n").unwrap_or(&report.text);
        let mut start = text.len().saturating_sub(PRINTED_SHOWN);
        let mut rows = 1;
        for (at, _) in text
            .iter()
            .enumerate()
            .skip(start)
            .rev()
            .filter(|(_, byte)| **byte == b'\n')
        {
            rows += 1;
            if rows > ROWS_SHOWN {
                start = at + 1;
                break;
            }
        }
        let mut printed = String::from_utf8_lossy(&text[start..]).into_owned();
        if start > 0 {
            printed.insert_str(0, &(say::printed_bytes(start) + "\n"));
        }
        let rows = if text.is_empty() { 1 } else { 1 + rows };
        LogLine {
            line,
            report,
            typed,
            printed,
            rows,
        }
    }
}

/// What the console shows, from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A line of the log with its output.
    Line {
        /// Its step, from 1.
        step: u32,
        /// The line and its report.
        line: Rc<LogLine>,
    },
    /// A remark of the page, not of the kernel.
    Note {
        /// The remark.
        text: Rc<str>,
        /// Whether something went wrong.
        is_error: bool,
    },
}

impl Entry {
    /// Screen rows that it takes.
    fn rows(&self) -> usize {
        match self {
            Entry::Line { line, .. } => line.rows,
            Entry::Note { .. } => 1,
        }
    }
}

/// Which entries of the transcript are in the page.
///
/// Drawing is what a step costs most, so the part that is drawn is small, and stays as it is while
/// the present is well inside of it: then a step back changes two entries. It grows where one
/// scrolls to its end.
#[derive(Debug, Default)]
pub struct Drawn {
    range: Range<usize>,
    /// How many entries there were.
    count: usize,
}

impl Drawn {
    /// The entries to draw, none of them before `start`, when `step` is shown.
    pub fn follow(&mut self, entries: &[Entry], start: usize, step: u32) -> Range<usize> {
        let start = start.min(entries.len());
        let was_at_end = self.range.end == self.count;
        let is_cut = entries.len() < self.count;
        self.count = entries.len();
        let now = present(entries, start, step);
        let mut range = self.range.start.max(start)..self.range.end;
        if was_at_end && range.end < entries.len() {
            range.end = entries.len();
            let rows: usize = entries[range.clone()].iter().map(Entry::rows).sum();
            if rows > 4 * ROWS_DRAWN {
                range = 0..0;
            }
        }
        let before = now.saturating_sub(range.start);
        let after = range.end.saturating_sub(now);
        let is_inside = (range.start..=range.end).contains(&now)
            && (before >= MARGIN || range.start == start)
            && (after >= MARGIN || range.end == entries.len());
        if is_cut || range.is_empty() || !is_inside {
            range = window(entries, start, step, ROWS_DRAWN);
        }
        self.range = range.clone();
        range
    }

    /// The entries that are drawn.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// One has scrolled to the beginning (`back`) or to the end of what is drawn: more of it is
    /// drawn there, and less elsewhere if that becomes too much. Returns whether anything changed.
    pub fn extend(&mut self, entries: &[Entry], start: usize, back: bool) -> bool {
        let Range { start: begin, end } = self.range;
        let (mut first, mut last) = (begin, end.min(entries.len()));
        let rows = |range: Range<usize>| entries[range].iter().map(Entry::rows).sum::<usize>();
        let mut left = ROWS_DRAWN;
        while back && first > start && left > 0 {
            first -= 1;
            left = left.saturating_sub(entries[first].rows());
        }
        while !back && last < entries.len() && left > 0 {
            left = left.saturating_sub(entries[last].rows());
            last += 1;
        }
        while last - first > 1 && rows(first..last) > ROWS_SHOWN {
            match back {
                true => last -= 1,
                false => first += 1,
            }
        }
        self.range = first..last;
        self.range != (begin..end)
    }
}

/// The part of the transcript that is drawn: entries from `start` on and around `step`,
/// `rows_max` screen rows at most.
pub fn window(entries: &[Entry], start: usize, step: u32, rows_max: usize) -> Range<usize> {
    let start = start.min(entries.len());
    let now = present(entries, start, step);
    let (mut begin, mut end) = (now, now);
    let mut left = rows_max;
    while end < entries.len() && left > rows_max / 2 {
        left = left.saturating_sub(entries[end].rows());
        end += 1;
    }
    while begin > start && left > 0 {
        begin -= 1;
        left = left.saturating_sub(entries[begin].rows());
    }
    begin..end
}

/// Where the present is: everything before the first line of the future.
fn present(entries: &[Entry], start: usize, step: u32) -> usize {
    let is_future = |entry: &Entry| matches!(entry, Entry::Line { step: at, .. } if *at > step);
    let is_past = |entry: &Entry| matches!(entry, Entry::Line { step: at, .. } if *at <= step);
    let past = entries[start..]
        .iter()
        .rposition(is_past)
        .map_or(start, |at| start + at + 1);
    entries[past..]
        .iter()
        .position(is_future)
        .map_or(entries.len(), |at| past + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many steps, each with a row of output.
    fn entries(count: u32) -> Vec<Entry> {
        let report = LineReport {
            text: b"0\n".to_vec(),
            status: 0,
            events: 0,
            chain: 0,
        };
        let line = Rc::new(LogLine::new(b"a".to_vec(), report));
        let entry = |step| Entry::Line {
            step,
            line: line.clone(),
        };
        (1..=count).map(entry).collect()
    }

    #[test]
    fn long_output_keeps_its_end() {
        let text: String = (0..5000).map(|n| format!("{n}\n")).collect();
        let report = LineReport {
            text: text.into(),
            status: 0,
            events: 0,
            chain: 0,
        };
        let line = LogLine::new(b"cat".to_vec(), report);
        assert!(line.printed.ends_with("\n4998\n4999"));
        assert!(line.printed.contains("not shown"));
        assert!(line.rows <= ROWS_SHOWN + 2, "{}", line.rows);
        let odd = LineReport {
            text: b"\xff\xfe\n".to_vec(),
            status: 0,
            events: 0,
            chain: 0,
        };
        assert_eq!(
            LogLine::new(b"\xff".to_vec(), odd).printed,
            "\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn the_window_surrounds_the_present() {
        let entries = entries(100);
        let entries = entries.as_slice();
        assert_eq!(window(entries, 0, 100, 2000), 0..100);
        assert_eq!(window(entries, 0, 100, 20), 90..100);
        assert_eq!(window(entries, 95, 100, 20), 95..100);
        let around = window(entries, 0, 50, 20);
        assert!(around.contains(&49) && around.contains(&50), "{around:?}");
        assert!(around.len() <= 11);
        assert_eq!(window(entries, 100, 100, 20), 100..100);
        assert_eq!(window(&[], 5, 0, 20), 0..0);
    }

    #[test]
    fn what_is_drawn_stays_while_the_present_is_inside() {
        let entries = entries(1000);
        let mut drawn = Drawn::default();
        let end = drawn.follow(&entries, 0, 1000);
        assert_eq!(end, 940..1000);
        assert_eq!(drawn.follow(&entries, 0, 970), end);
        let middle = drawn.follow(&entries, 0, 500);
        assert!(middle.contains(&500) && middle.len() < 70, "{middle:?}");
        assert_eq!(drawn.follow(&entries, 0, 510), middle);
        assert_eq!(drawn.follow(&entries, 0, 0), 0..30);
        // Lines that are added at the end are drawn, if the end is.
        let mut drawn = Drawn::default();
        assert_eq!(drawn.follow(&entries[..20], 0, 20), 0..20);
        assert_eq!(drawn.follow(&entries[..25], 0, 25), 0..25);
        assert_eq!(drawn.follow(&entries, 0, 1000), 940..1000);
        // Lines that were dropped are not.
        assert_eq!(drawn.follow(&entries[..950], 0, 950), 890..950);
        assert_eq!(drawn.follow(&[], 0, 0), 0..0);
    }

    #[test]
    fn scrolling_on_draws_more_but_not_without_end() {
        let entries = entries(5000);
        let mut drawn = Drawn::default();
        drawn.follow(&entries, 10, 5000);
        assert!(drawn.extend(&entries, 10, true));
        assert_eq!(drawn.range, 4880..5000);
        assert!(!drawn.extend(&entries, 10, false));
        while drawn.extend(&entries, 10, true) {
            assert!(drawn.range.len() * 2 <= ROWS_SHOWN);
        }
        assert_eq!(drawn.range, 10..1010);
        assert!(drawn.extend(&entries, 10, false));
        assert_eq!(drawn.range, 70..1070);
    }
}
