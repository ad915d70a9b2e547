//! What a check makes of a line's outcome.
//!
//! Pure text: whether something is as expected, and in which words to say what was expected and
//! what came. The session runs the lines ([`crate::protocol::Request::Check`]).

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::lab::Expect;

/// Lines of text that a verdict repeats.
const SHOWN_LINES: usize = 20;
/// Characters of text that a verdict repeats.
const SHOWN_CHARS: usize = 1200;

impl Expect {
    /// Judges what a line printed, and its exit status.
    ///
    /// # Errors
    /// What came instead, in words.
    pub fn judge(&self, text: &[u8], status: u8) -> Result<(), String> {
        let holds = match self {
            Expect::Status(wanted) => *wanted == status,
            Expect::Text(wanted) => trimmed(&String::from_utf8_lossy(text)) == trimmed(wanted),
            Expect::Contains(wanted) => {
                let text = trimmed(&String::from_utf8_lossy(text));
                contains(text.as_bytes(), trimmed(wanted).as_bytes())
            }
            Expect::Number { after, from, to } => word_after(&String::from_utf8_lossy(text), after)
                .and_then(number)
                .is_some_and(|found| is_between(found, from, to)),
        };
        if holds {
            Ok(())
        } else {
            Err(outcome(text, status))
        }
    }
}

/// What is expected, in words.
impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expect::Status(status) => write!(f, "status {status}"),
            Expect::Text(text) => match trimmed(text).as_str() {
                "" => f.write_str("no text"),
                text => f.write_str(&cut(text)),
            },
            Expect::Contains(text) => write!(f, "a text with {}", cut(&trimmed(text))),
            Expect::Number { after, from, to } => {
                if from == to {
                    write!(f, "the number {from}")?;
                } else {
                    write!(f, "a number from {from} to {to}")?;
                }
                match after.as_str() {
                    "" => f.write_str(" as the first word"),
                    after => write!(f, " after the word {after}"),
                }
            }
        }
    }
}

/// Whether a line that was typed is one that a check of printed text means: it begins with the
/// words `wanted`, and it is a single command that prints to the console. What
/// `radix stat t; echo height 3` prints says nothing about `t`.
pub fn is_meant(typed: &[u8], wanted: &str) -> bool {
    let typed = typed.trim_ascii_start();
    let Some(rest) = typed.strip_prefix(wanted.trim().as_bytes()) else {
        return false;
    };
    let is_whole_word = wanted.is_empty() || rest.first().is_none_or(u8::is_ascii_whitespace);
    is_whole_word && !rest.iter().any(|byte| b";&|<>".contains(byte))
}

/// What a line came to, in words, cut to a screenful.
pub fn outcome(text: &[u8], status: u8) -> String {
    let text = trimmed(&String::from_utf8_lossy(text));
    let text = if text.is_empty() {
        Cow::Borrowed("no text")
    } else {
        cut(&text)
    };
    match status {
        0 => text.into_owned(),
        status => format!("{text}\nstatus {status}"),
    }
}

/// Whether `part` occurs in `text`. (The standard library's search is faster, and five times as much
/// code; this one runs in the page.)
pub(crate) fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// The word behind the first place where the words of `after` stand in a row; the first word if there
/// are none.
pub(crate) fn word_after<'a>(text: &'a str, after: &str) -> Option<&'a str> {
    let mut words = text.split_whitespace();
    loop {
        let mut ahead = words.clone();
        if after
            .split_whitespace()
            .all(|word| ahead.next() == Some(word))
        {
            return ahead.next();
        }
        words.next()?;
    }
}

/// Whether a number lies within bounds; what is no number bounds nothing in.
fn is_between(found: u64, from: &str, to: &str) -> bool {
    number(from).is_some_and(|from| from <= found) && number(to).is_some_and(|to| found <= to)
}

/// A number as the kernel prints numbers.
fn number(word: &str) -> Option<u64> {
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// A text without the blanks and newlines that never count: those at the end of a line, and empty
/// lines at the end.
fn trimmed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.trim_end().lines().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(line.trim_end());
    }
    out
}

/// As much of a text as is worth showing.
fn cut(text: &str) -> Cow<'_, str> {
    let lines = text.match_indices('\n').nth(SHOWN_LINES - 1);
    let chars = text.char_indices().nth(SHOWN_CHARS);
    let ends = [lines.map(|(at, _)| at), chars.map(|(at, _)| at)];
    match ends.into_iter().flatten().min() {
        Some(end) => format!("{} ... ({} bytes)", &text[..end], text.len()).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[track_caller]
    fn holds(expect: &Expect, text: &str, status: u8) {
        assert_eq!(
            expect.judge(text.as_bytes(), status),
            Ok(()),
            "{expect}: {text:?}"
        );
    }

    #[track_caller]
    fn fails(expect: &Expect, text: &str, status: u8, actual: &str) {
        let judged = expect.judge(text.as_bytes(), status);
        assert_eq!(judged, Err(actual.to_string()), "{expect}: {text:?}");
    }

    #[test]
    fn only_a_plain_line_of_these_words_is_meant() {
        let meant = |typed: &str| is_meant(typed.as_bytes(), "radix stat t");
        assert!(meant("radix stat t") && meant("  radix stat t  # so"));
        for other in ["", "radix stat", "radix stat tt", "echo radix stat t"] {
            assert!(!meant(other), "{other}");
        }
        for forged in ["; echo 3", " && echo 3", "|| echo 3", " > /f", " < /f"] {
            assert!(!meant(&format!("radix stat t{forged}")), "{forged}");
        }
        assert!(is_meant(b"anything", "") && !is_meant(b"any; thing", ""));
    }

    #[test]
    fn texts_count_without_what_trails() {
        let expect = Expect::Text("a b\n c".into());
        holds(&expect, "a b  \n c\r\n\n\n", 0);
        holds(&expect, "a b\n c", 1);
        fails(&expect, "a b\nc", 0, "a b\nc");
        fails(&expect, "\na b\n c", 2, "\na b\n c\nstatus 2");
        holds(&Expect::Text(" \n".into()), "\n\n", 0);
        fails(&Expect::Text("x".into()), "  \n", 0, "no text");
    }

    #[test]
    fn parts_of_texts() {
        let expect = Expect::Contains("Dirty: 3\nx".into());
        holds(&expect, "The Dirty: 3  \nx y\n", 0);
        fails(&expect, "dirty: 3\nx", 1, "dirty: 3\nx\nstatus 1");
        holds(&Expect::Contains("\n".into()), "anything", 0);
    }

    #[test]
    fn statuses_count_without_text() {
        holds(&Expect::Status(1), "anything", 1);
        fails(&Expect::Status(1), "anything", 0, "anything");
        fails(&Expect::Status(0), "", 127, "no text\nstatus 127");
    }

    #[test]
    fn numbers_within_bounds() {
        let expect = |after: &str, from: u64, to: u64| Expect::Number {
            after: after.into(),
            from: from.to_string(),
            to: to.to_string(),
        };
        let height = expect("height", 2, 3);
        holds(&height, "height 2 nodes 9\n", 0);
        holds(&height, "a height\n0x3", 0);
        for text in [
            "height 4",
            "height",
            "height two 2",
            "heights 2",
            "",
            "height -2",
            "height 4 height 2",
        ] {
            assert!(height.judge(text.as_bytes(), 0).is_err(), "{text:?}");
        }
        let killed = expect("Killed process", 7, 7);
        holds(&killed, "kill process 9\nKilled 9\nKilled process 7 (x)", 0);
        assert!(killed.judge(b"process Killed 7 Killed", 0).is_err());
        holds(&expect("", 7, 7), " 7\n", 0);
        fails(&expect("", 7, 7), "x 7", 0, "x 7");
        let open = Expect::Number {
            after: "".into(),
            from: "{{n}}".into(),
            to: "9".into(),
        };
        fails(&open, "7", 0, "7");
        holds(&expect("", 0, u64::MAX), "18446744073709551615", 0);
        assert_eq!(
            height.to_string(),
            "a number from 2 to 3 after the word height"
        );
        assert_eq!(
            expect("", 7, 7).to_string(),
            "the number 7 as the first word"
        );
    }

    #[test]
    fn long_texts_are_cut() {
        let lines = "x\n".repeat(100);
        let shown = outcome(lines.as_bytes(), 0);
        assert_eq!(shown.matches('x').count(), SHOWN_LINES);
        assert!(shown.ends_with("... (199 bytes)"), "{shown}");
        let wide = "é".repeat(5000);
        assert!(Expect::Text(wide).to_string().len() < 2 * SHOWN_CHARS + 40);
    }
}
