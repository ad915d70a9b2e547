//! What is wrong with a lab's folder, told to its author.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use std::path::{Path, PathBuf};

/// A mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, or the folder if it is about no file.
    pub file: PathBuf,
    /// The line, from 1; 0 when it is about the whole file.
    pub line: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        write!(f, " {}", self.message)
    }
}

/// All mistakes that were found, in the order of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, file: &Path, line: usize, message: impl Into<String>) {
        let problem = Problem {
            file: file.to_path_buf(),
            line,
            message: message.into(),
        };
        // An opening and a closing HTML tag are one mistake to whoever reads this.
        if self.0.last() != Some(&problem) {
            self.0.push(problem);
        }
    }

    pub(super) fn extend(&mut self, more: Problems) {
        self.0.extend(more.0);
    }

    /// `value`, if nothing is wrong.
    pub(super) fn or<T>(self, value: T) -> Result<T, Problems> {
        if self.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            let newline = if at > 0 { "\n" } else { "" };
            write!(f, "{newline}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The line, from 1, on which a span of a text begins.
pub(super) fn line_at(text: &str, span: &Range<usize>) -> usize {
    let before = text.get(..span.start).unwrap_or(text);
    1 + before.bytes().filter(|&byte| byte == b'\n').count()
}

/// The last line, from 1, in which `piece` stands; 0 if it stands in none.
pub(super) fn line_with(text: &str, piece: &str) -> usize {
    text.rfind(piece).map_or(0, |at| line_at(text, &(at..at)))
}
