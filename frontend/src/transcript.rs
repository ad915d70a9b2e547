//! What the console shows: the lines of the log with their output, and the page's remarks.
//!
//! Output can be long, so the page shows the last [`ROWS_SHOWN`] rows around the step that it is
//! at, and of one line no more than a screen can use. The log itself keeps everything.

use std::ops::Range;
use std::rc::Rc;

use labs::protocol::LineReport;

/// How many rows of output the console keeps in the page.
pub const ROWS_SHOWN: usize = 2000;

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
            typed.push_str(&format!(" … ({} bytes)", line.len()));
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
            printed.insert_str(0, &format!("… ({start} bytes of output are not shown)\n"));
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

/// `1 line`, `2 lines`.
pub fn lines(count: usize) -> String {
    format!("{count} line{}", if count == 1 { "" } else { "s" })
}

/// The part of the transcript that is drawn: entries from `start` on and around `step`,
/// `rows_max` screen rows at most.
pub fn window(entries: &[Entry], start: usize, step: u32, rows_max: usize) -> Range<usize> {
    let rows = |entry: &Entry| match entry {
        Entry::Line { line, .. } => line.rows,
        Entry::Note { .. } => 1,
    };
    let is_future = |entry: &Entry| matches!(entry, Entry::Line { step: at, .. } if *at > step);
    let is_past = |entry: &Entry| matches!(entry, Entry::Line { step: at, .. } if *at <= step);
    let start = start.min(entries.len());
    // Where the present is: everything before the first line of the future.
    let past = entries[start..]
        .iter()
        .rposition(is_past)
        .map_or(start, |at| start + at + 1);
    let now = entries[past..]
        .iter()
        .position(is_future)
        .map_or(entries.len(), |at| past + at);
    let (mut begin, mut end) = (now, now);
    let mut left = rows_max;
    while end < entries.len() && left > rows_max / 2 {
        left = left.saturating_sub(rows(&entries[end]));
        end += 1;
    }
    while begin > start && left > 0 {
        begin -= 1;
        left = left.saturating_sub(rows(&entries[begin]));
    }
    begin..end
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let entries: Vec<Entry> = (1..=100).map(entry).collect();
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
}
