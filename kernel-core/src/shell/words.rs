//! Words as commands see them: quotes removed, variables replaced.

use core::fmt::{self, Write};

use super::lexer::is_name_char;
use super::{LINE_MAX, SHELL, variables};
use crate::mem::Mem;

/// Bytes of all words of one command, variables replaced.
pub(super) const TEXT_MAX: usize = LINE_MAX;

/// The words of a command. One buffer and where each word ends: no heap.
pub(super) struct Words {
    text: [u8; TEXT_MAX],
    used: usize,
    ends: [u16; TEXT_MAX / 2 + 1],
    count: usize,
}

/// The words of a command became too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a command with its variables replaced is too long (the limit is {TEXT_MAX} bytes)"
        )
    }
}

impl Words {
    pub(super) fn new() -> Words {
        Words {
            text: [0; TEXT_MAX],
            used: 0,
            ends: [0; TEXT_MAX / 2 + 1],
            count: 0,
        }
    }

    /// How many words there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The word at `index`, counted from 0.
    pub(super) fn get(&self, index: usize) -> Option<&str> {
        if index >= self.count {
            return None;
        }
        let start = match index {
            0 => 0,
            _ => usize::from(self.ends[index - 1]),
        };
        let end = usize::from(self.ends[index]);
        core::str::from_utf8(&self.text[start..end]).ok()
    }

    /// The words from `first` on.
    pub(super) fn iter_from(&self, first: usize) -> impl Iterator<Item = &str> + Clone {
        (first..self.count).filter_map(|index| self.get(index))
    }

    fn push_str(&mut self, text: &str) -> Result<(), TooLong> {
        let end = self.used + text.len();
        let room = self.text.get_mut(self.used..end).ok_or(TooLong)?;
        room.copy_from_slice(text.as_bytes());
        self.used = end;
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), TooLong> {
        *self.ends.get_mut(self.count).ok_or(TooLong)? = self.used as u16;
        self.count += 1;
        Ok(())
    }

    /// Appends a word as typed. An unquoted variable may become several words, or none; with
    /// `split` off it becomes exactly one.
    pub(super) fn expand(&mut self, mem: &Mem, word: &str, split: bool) -> Result<(), TooLong> {
        let mut rest = word;
        let mut in_double_quotes = false;
        let mut begun = !split;
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            match c {
                '\'' if !in_double_quotes => {
                    let (quoted, after) = after.split_once('\'').unwrap_or((after, ""));
                    self.push_str(quoted)?;
                    begun = true;
                    rest = after;
                }
                '"' => {
                    in_double_quotes = !in_double_quotes;
                    begun = true;
                    rest = after;
                }
                '\\' => {
                    let next = after.chars().next().unwrap_or('\\');
                    let length = next.len_utf8().min(after.len());
                    if in_double_quotes && !matches!(next, '$' | '"' | '\\' | '`') {
                        self.push_str("\\")?;
                    }
                    self.push_str(&after[..length])?;
                    begun = true;
                    rest = &after[length..];
                }
                '$' => {
                    let (name, after) = variable(after);
                    rest = after;
                    if name.is_empty() {
                        self.push_str("$")?;
                        begun = true;
                    } else {
                        let splits = split && !in_double_quotes;
                        let value = Value { mem, name };
                        let mut field = Fields {
                            words: self,
                            begun: &mut begun,
                            splits,
                        };
                        write!(field, "{value}").map_err(|_| TooLong)?;
                    }
                }
                _ => {
                    self.push_str(&rest[..c.len_utf8()])?;
                    begun = true;
                    rest = after;
                }
            }
        }
        if begun { self.end_word() } else { Ok(()) }
    }
}

/// Splits what follows a `$` into a variable's name and the rest. The name is empty if the `$`
/// stands for itself.
fn variable(text: &str) -> (&str, &str) {
    if let Some((name, rest)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        return (name, rest);
    }
    let length = match text.chars().next() {
        Some('$' | '?' | '!' | '0'..='9') => 1,
        _ => text.find(|c| !is_name_char(c)).unwrap_or(text.len()),
    };
    text.split_at(length)
}

/// A variable's value. One that was never set is empty; so are `$0` to `$9`.
struct Value<'a> {
    mem: &'a Mem,
    name: &'a str,
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            "?" => write!(f, "{}", self.mem[SHELL].status),
            // The shell is process 1.
            "$" => f.write_str("1"),
            "!" => match self.mem[SHELL].last_job {
                0 => Ok(()),
                pid => write!(f, "{pid}"),
            },
            name => f.write_str(variables::get(self.mem, name).unwrap_or("")),
        }
    }
}

/// Takes a variable's value into the words, where blanks may end a word.
struct Fields<'a> {
    words: &'a mut Words,
    begun: &'a mut bool,
    splits: bool,
}

impl Write for Fields<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !self.splits {
            return self.words.push_str(text).map_err(|_| fmt::Error);
        }
        for (index, piece) in text.split([' ', '\t']).enumerate() {
            if index > 0 && core::mem::take(self.begun) {
                self.words.end_word().map_err(|_| fmt::Error)?;
            }
            *self.begun |= !piece.is_empty();
            self.words.push_str(piece).map_err(|_| fmt::Error)?;
        }
        Ok(())
    }
}
