//! The lines typed before, for the arrow keys.

/// Lines typed before, and which of them the input shows.
#[derive(Debug, Default)]
pub struct History {
    lines: Vec<String>,
    /// The line shown; `lines.len()` is the one being written.
    at: usize,
    /// The line that was being written when the walk back began.
    draft: String,
}

impl History {
    /// Remembers a line that was sent. The same line twice in a row counts once.
    pub fn push(&mut self, line: &str) {
        if self.lines.last().is_none_or(|last| last != line) {
            self.lines.push(line.to_string());
        }
        self.at = self.lines.len();
        self.draft.clear();
    }

    /// The line before the one shown; `current` is what the input holds.
    pub fn back(&mut self, current: &str) -> Option<&str> {
        let before = self.at.checked_sub(1)?;
        if self.at == self.lines.len() {
            self.draft = current.to_string();
        }
        self.at = before;
        Some(&self.lines[before])
    }

    /// The line after the one shown, at last the one that was being written.
    pub fn forward(&mut self) -> Option<&str> {
        if self.at == self.lines.len() {
            return None;
        }
        self.at += 1;
        Some(self.lines.get(self.at).unwrap_or(&self.draft))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_back_and_forth_and_keeps_the_draft() {
        let mut history = History::default();
        assert_eq!(history.back("x"), None);
        for line in ["a", "b", "b"] {
            history.push(line);
        }
        assert_eq!(history.back("dra"), Some("b"));
        assert_eq!(history.back("b"), Some("a"));
        assert_eq!(history.back("a"), None);
        assert_eq!(history.forward(), Some("b"));
        assert_eq!(history.forward(), Some("dra"));
        assert_eq!(history.forward(), None);
        history.push("c");
        assert_eq!(history.back(""), Some("c"));
    }
}
