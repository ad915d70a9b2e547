//! The console's line editor: from keys to lines, with an echo for any terminal.
//!
//! A terminal on a serial line sends bytes and shows bytes; somebody has to make lines of the one
//! and an echo of the other. To move left, the editor sends backspaces; to move right, it sends the
//! characters again. No other control sequence is needed, so the echo suits the plainest terminal,
//! and reads well when the input is a pipe. It knows which characters take two columns or none. It
//! does not know how wide the terminal is: where a line wraps, backspace stops at the border, as it
//! does on real ones.
//!
//! | key | does |
//! |---|---|
//! | left, right, `^B`, `^F`; with Ctrl by words | moves the cursor |
//! | Home, End, `^A`, `^E` | moves to the line's start or end |
//! | backspace, Delete, `^D` | deletes a character |
//! | `^W`, `^U`, `^K` | deletes a word, or all before or behind the cursor |
//! | up, down, `^P`, `^N` | recalls earlier lines |
//! | Tab | completes a word |
//! | `^L` | clears the screen |
//! | `^C` | gives the line up |
//!
//! The editor does no input or output: bytes go in one by one, the echo is appended to a vector,
//! and what needs an answer comes out as an [`Event`].

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use labs::protocol::{WORD_ENDS, goes_on};

/// The longest line, in characters. More are swallowed up to the newline, and then
/// [`Event::TooLong`] reports the line.
pub const LINE_MAX: usize = 64 << 10;

/// How many lines can be recalled.
const HISTORY_MAX: usize = 200;

/// The longest line that can be recalled, in characters.
const HISTORY_LINE_MAX: usize = 4 << 10;

/// The terminal's bell: a key that has nothing to do.
const BELL: u8 = 0x07;

/// What separates words.
const SPACE: Glyph = Glyph::Char(' ');

/// What a key led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A line was entered. It may hold any bytes but newlines.
    Line(Vec<u8>),
    /// A line longer than [`LINE_MAX`] was entered; it is lost.
    TooLong,
    /// The line was given up; a new prompt is due.
    Interrupt,
    /// The word before the cursor should be completed: these bytes stand before the cursor. See
    /// [`LineEditor::complete`].
    Complete(Vec<u8>),
    /// The screen was cleared; prompt and line are to be shown again, see [`LineEditor::show`].
    Redraw,
}

/// A key that was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Up,
    Down,
    Delete,
    Unknown,
}

/// How far an escape sequence has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Escape {
    /// No sequence is being received.
    #[default]
    None,
    /// ESC came.
    Started,
    /// `ESC O` came: one more byte names the key.
    Single,
    /// `ESC [` came: numbers follow, then a byte that names the key.
    Control {
        /// The first number.
        first: u8,
        /// The number after the last semicolon.
        last: u8,
    },
}

/// One character of a line, or a byte that belongs to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Glyph {
    Char(char),
    Byte(u8),
}

impl Glyph {
    /// The character that a terminal is sent for it.
    fn shown(self) -> char {
        match self {
            Glyph::Char(character) => character,
            Glyph::Byte(_) => char::REPLACEMENT_CHARACTER,
        }
    }

    /// Appends the bytes that it was typed as.
    fn write(self, out: &mut Vec<u8>) {
        match self {
            Glyph::Char(character) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes())
            }
            Glyph::Byte(byte) => out.push(byte),
        }
    }
}

/// A line being edited, and the lines before it.
#[derive(Debug, Default)]
pub struct LineEditor {
    text: Vec<Glyph>,
    /// Where the next character goes.
    cursor: usize,
    /// The line is too long; bytes are swallowed.
    overflown: bool,
    /// The beginning of a character of several bytes.
    partial: Vec<u8>,
    escape: Escape,
    /// The byte before was a carriage return: a newline now belongs to it.
    after_return: bool,
    history: VecDeque<Vec<Glyph>>,
    /// Which line of the history is shown; its length means the line being typed.
    recalled: usize,
    /// The line being typed, while a line of the history is shown.
    draft: Vec<Glyph>,
}

impl LineEditor {
    /// An editor with an empty line and no history.
    pub fn new() -> LineEditor {
        LineEditor::default()
    }

    /// Takes one byte from the terminal; appends what to show to `out`.
    pub fn push(&mut self, byte: u8, out: &mut Vec<u8>) -> Option<Event> {
        let after_return = core::mem::take(&mut self.after_return);
        if self.escape != Escape::None {
            if let Some(key) = self.continue_escape(byte) {
                self.press(key, out);
            }
            return None;
        }
        if byte >= 0x80 {
            self.collect(byte, out);
            return None;
        }
        self.give_up_partial(out);
        match byte {
            b'\n' if after_return => {}
            b'\r' | b'\n' => {
                self.after_return = byte == b'\r';
                return Some(self.enter(out));
            }
            0x1b => self.escape = Escape::Started,
            0x01 => self.press(Key::Home, out),
            0x02 => self.press(Key::Left, out),
            0x04 => self.press(Key::Delete, out),
            0x05 => self.press(Key::End, out),
            0x06 => self.press(Key::Right, out),
            0x0e => self.press(Key::Down, out),
            0x10 => self.press(Key::Up, out),
            0x03 => {
                out.extend_from_slice(b"^C\r\n");
                self.reset();
                return Some(Event::Interrupt);
            }
            0x08 | 0x7f => self.delete_back_to(self.cursor.saturating_sub(1), out),
            b'\t' => return Some(Event::Complete(bytes(&self.text[..self.cursor]))),
            0x0b => self.delete_forward_to(self.text.len(), out),
            0x0c => {
                out.extend_from_slice(b"\x1b[H\x1b[2J");
                return Some(Event::Redraw);
            }
            0x15 => {
                self.overflown = false;
                self.delete_back_to(0, out);
            }
            0x17 => self.delete_back_to(self.word_left(), out),
            0x20..0x7f => self.insert(&[Glyph::Char(byte.into())], out),
            _ => out.push(BELL),
        }
        None
    }

    /// Shows the line as it is, with the cursor in its place: after a new prompt.
    pub fn show(&self, out: &mut Vec<u8>) {
        show(&self.text, out);
        back(columns(&self.text[self.cursor..]), out);
    }

    /// Replaces the word before the cursor by what all of `words` begin with, or rings the bell. If
    /// that changes nothing and there are several, lists them; true means that prompt and line are
    /// to be shown again.
    pub fn complete(&mut self, words: &[String], out: &mut Vec<u8>) -> bool {
        let Some(first) = words.first() else {
            out.push(BELL);
            return false;
        };
        let before = &self.text[..self.cursor];
        let start = before
            .iter()
            .rposition(|glyph| matches!(glyph, Glyph::Char(c) if WORD_ENDS.contains(c)))
            .map_or(0, |at| at + 1);
        let typed = bytes(&before[start..]);
        let mut common = first.as_str();
        for word in words {
            let same = common
                .char_indices()
                .zip(word.chars())
                .find(|((_, a), b)| a != b);
            let end = same.map_or(common.len().min(word.len()), |((at, _), _)| at);
            common = &common[..end];
        }
        if words.len() > 1 && common.as_bytes() == typed {
            out.extend_from_slice(b"\r\n");
            for word in words {
                out.extend_from_slice(word.as_bytes());
                out.extend_from_slice(b"  ");
            }
            out.extend_from_slice(b"\r\n");
            return true;
        }
        let common = String::from(common);
        if common.as_bytes() != typed {
            let glyphs: Vec<Glyph> = common.chars().map(Glyph::Char).collect();
            // What is typed already stays; the rest follows.
            let same = glyphs
                .iter()
                .zip(&self.text[start..self.cursor])
                .take_while(|(a, b)| a == b)
                .count();
            if start + same < self.cursor {
                self.delete_back_to(start + same, out);
            }
            self.insert(&glyphs[same..], out);
        }
        if words.len() == 1 && !goes_on(&common) && !common.ends_with(' ') {
            self.insert(&[SPACE], out);
        }
        false
    }

    /// Reads one more byte of an escape sequence; returns the key when it is whole.
    fn continue_escape(&mut self, byte: u8) -> Option<Key> {
        let (escape, key) = match (self.escape, byte) {
            (Escape::Started, b'[') => (Escape::Control { first: 0, last: 0 }, None),
            (Escape::Started, b'O') => (Escape::Single, None),
            (Escape::Started, b'b') => (Escape::None, Some(Key::WordLeft)),
            (Escape::Started, b'f') => (Escape::None, Some(Key::WordRight)),
            (Escape::Control { first, last }, b'0'..=b'9') => {
                let last_now = last.saturating_mul(10).saturating_add(byte - b'0');
                // Until the first semicolon, both are the first number.
                let first = if first == last { last_now } else { first };
                (
                    Escape::Control {
                        first,
                        last: last_now,
                    },
                    None,
                )
            }
            (Escape::Control { first, .. }, b';') => (
                Escape::Control {
                    first: first.max(1),
                    last: 0,
                },
                None,
            ),
            (Escape::Control { .. }, 0x20..0x40) => (self.escape, None),
            (Escape::Control { first, last }, _) => {
                let by_words = last == 5 || last == 3;
                let key = match (byte, first) {
                    (b'D', _) if by_words => Key::WordLeft,
                    (b'C', _) if by_words => Key::WordRight,
                    (b'~', 1 | 7) => Key::Home,
                    (b'~', 4 | 8) => Key::End,
                    (b'~', 3) => Key::Delete,
                    _ => letter(byte),
                };
                (Escape::None, Some(key))
            }
            (Escape::Single, _) => (Escape::None, Some(letter(byte))),
            _ => (Escape::None, Some(Key::Unknown)),
        };
        self.escape = escape;
        key
    }

    fn press(&mut self, key: Key, out: &mut Vec<u8>) {
        let to = match key {
            Key::Left => self.cursor.saturating_sub(1),
            Key::Right => self.text.len().min(self.cursor + 1),
            Key::WordLeft => self.word_left(),
            Key::WordRight => self.word_right(),
            Key::Home => 0,
            Key::End => self.text.len(),
            Key::Delete => {
                return self.delete_forward_to(self.text.len().min(self.cursor + 1), out);
            }
            Key::Up if self.recalled > 0 => return self.recall(self.recalled - 1, out),
            Key::Down if self.recalled < self.history.len() => {
                return self.recall(self.recalled + 1, out);
            }
            Key::Up | Key::Down | Key::Unknown => self.cursor,
        };
        if to == self.cursor {
            out.push(BELL);
        }
        self.move_to(to, out);
    }

    /// Ends the line and hands it out.
    fn enter(&mut self, out: &mut Vec<u8>) -> Event {
        out.extend_from_slice(b"\r\n");
        if self.overflown {
            self.reset();
            return Event::TooLong;
        }
        let line = core::mem::take(&mut self.text);
        self.reset();
        let worth_keeping = !line.is_empty() && line.len() <= HISTORY_LINE_MAX;
        if worth_keeping && self.history.back() != Some(&line) {
            if self.history.len() == HISTORY_MAX {
                self.history.pop_front();
            }
            self.history.push_back(line.clone());
        }
        self.recalled = self.history.len();
        Event::Line(bytes(&line))
    }

    /// Forgets the line, not the history.
    fn reset(&mut self) {
        self.text.clear();
        self.cursor = 0;
        self.overflown = false;
        self.partial.clear();
        self.recalled = self.history.len();
        self.draft.clear();
    }

    /// Shows another line of the history, or the one being typed.
    fn recall(&mut self, index: usize, out: &mut Vec<u8>) {
        if self.recalled == self.history.len() {
            self.draft = self.text.clone();
        }
        if !self.text.is_empty() {
            self.move_to(self.text.len(), out);
            self.delete_back_to(0, out);
        }
        self.recalled = index;
        let line = self.history.get(index).unwrap_or(&self.draft).clone();
        self.insert(&line, out);
    }

    /// Takes a byte of a character of several; inserts it when it is whole.
    fn collect(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.partial.push(byte);
        match core::str::from_utf8(&self.partial) {
            Ok(text) => {
                let character = text.chars().next().map(Glyph::Char);
                self.partial.clear();
                self.insert(character.as_slice(), out);
            }
            Err(error) if error.error_len().is_none() => {}
            Err(_) => {
                // What came before was no character; this byte may begin one.
                self.partial.pop();
                if self.partial.is_empty() {
                    self.insert(&[Glyph::Byte(byte)], out);
                } else {
                    self.give_up_partial(out);
                    self.collect(byte, out);
                }
            }
        }
    }

    /// Inserts the bytes of an unfinished character as they are.
    fn give_up_partial(&mut self, out: &mut Vec<u8>) {
        for byte in core::mem::take(&mut self.partial) {
            self.insert(&[Glyph::Byte(byte)], out);
        }
    }

    fn insert(&mut self, glyphs: &[Glyph], out: &mut Vec<u8>) {
        if self.overflown {
            return;
        }
        if self.text.len() + glyphs.len() > LINE_MAX {
            self.overflown = true;
            out.push(BELL);
            return;
        }
        show(glyphs, out);
        self.text
            .splice(self.cursor..self.cursor, glyphs.iter().copied());
        self.cursor += glyphs.len();
        let rest = show(&self.text[self.cursor..], out);
        back(rest, out);
    }

    fn move_to(&mut self, to: usize, out: &mut Vec<u8>) {
        if to < self.cursor {
            back(columns(&self.text[to..self.cursor]), out);
        } else {
            show(&self.text[self.cursor..to], out);
        }
        self.cursor = to;
    }

    fn delete_back_to(&mut self, start: usize, out: &mut Vec<u8>) {
        let end = self.cursor;
        self.move_to(start, out);
        self.delete_forward_to(end, out);
    }

    fn delete_forward_to(&mut self, end: usize, out: &mut Vec<u8>) {
        if end == self.cursor {
            out.push(BELL);
            return;
        }
        let gone = columns(&self.text[self.cursor..end]);
        self.text.drain(self.cursor..end);
        let rest = show(&self.text[self.cursor..], out);
        out.resize(out.len() + gone, b' ');
        back(rest + gone, out);
    }

    /// Where the word before the cursor starts.
    fn word_left(&self) -> usize {
        let before = &self.text[..self.cursor];
        let end = before
            .iter()
            .rposition(|&glyph| glyph != SPACE)
            .map_or(0, |at| at + 1);
        before[..end]
            .iter()
            .rposition(|&glyph| glyph == SPACE)
            .map_or(0, |at| at + 1)
    }

    /// Where the word behind the cursor ends.
    fn word_right(&self) -> usize {
        let behind = &self.text[self.cursor..];
        let spaces = behind.iter().take_while(|&&glyph| glyph == SPACE).count();
        let word = behind[spaces..]
            .iter()
            .take_while(|&&glyph| glyph != SPACE)
            .count();
        self.cursor + spaces + word
    }
}

/// The key that ends an escape sequence with this letter.
fn letter(byte: u8) -> Key {
    match byte {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        _ => Key::Unknown,
    }
}

/// How many columns a terminal gives a character: a rough version of Unicode's tables.
fn width(character: char) -> usize {
    match u32::from(character) {
        0x0300..=0x036f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe30..=0xfe6f | 0xff01..=0xff60 | 0xffe0..=0xffe6 => 2,
        0x1f300..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f900..=0x1faff | 0x2_0000..=0x3_fffd => 2,
        _ => 1,
    }
}

fn columns(glyphs: &[Glyph]) -> usize {
    glyphs.iter().map(|glyph| width(glyph.shown())).sum()
}

/// Appends what a terminal is sent for `glyphs`; returns how many columns they take.
fn show(glyphs: &[Glyph], out: &mut Vec<u8>) -> usize {
    for glyph in glyphs {
        Glyph::Char(glyph.shown()).write(out);
    }
    columns(glyphs)
}

/// The bytes that `glyphs` were typed as.
fn bytes(glyphs: &[Glyph]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(glyphs.len());
    for glyph in glyphs {
        glyph.write(&mut bytes);
    }
    bytes
}

/// Moves the terminal's cursor to the left.
fn back(columns: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + columns, 0x08);
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::{format, vec};

    use super::*;

    /// A terminal of one endless line, to see what the echo comes to.
    #[derive(Default)]
    struct Screen {
        cells: Vec<char>,
        column: usize,
        bells: usize,
    }

    impl Screen {
        fn print(&mut self, bytes: &[u8]) {
            for character in core::str::from_utf8(bytes)
                .expect("the echo is UTF-8")
                .chars()
            {
                match character {
                    '\u{8}' => self.column = self.column.checked_sub(1).expect("left of the line"),
                    '\r' => self.column = 0,
                    '\n' => self.cells.clear(),
                    '\u{7}' => self.bells += 1,
                    _ => {
                        // The second column of a wide character holds a mark.
                        for cell in [character, '\u{1}'].into_iter().take(width(character)) {
                            self.cells
                                .resize(self.cells.len().max(self.column + 1), ' ');
                            self.cells[self.column] = cell;
                            self.column += 1;
                        }
                    }
                }
            }
        }

        fn text(&self) -> String {
            let text: String = self.cells.iter().filter(|&&cell| cell != '\u{1}').collect();
            text.trim_end().to_string()
        }
    }

    /// Types `keys` and returns the lines that were entered, the editor and the screen.
    fn typed(keys: &[u8]) -> (Vec<Event>, LineEditor, Screen) {
        let (mut editor, mut screen, mut events) = (LineEditor::new(), Screen::default(), vec![]);
        for &byte in keys {
            let mut out = vec![];
            events.extend(editor.push(byte, &mut out));
            screen.print(&out);
            // Whatever was typed, the screen shows the line, and the cursor where it is.
            let shown = editor.text.iter().map(|glyph| glyph.shown());
            let text: String = shown.filter(|&character| width(character) > 0).collect();
            assert_eq!(screen.text(), text.trim_end());
            assert_eq!(screen.column, columns(&editor.text[..editor.cursor]));
        }
        (events, editor, screen)
    }

    /// Types `keys` and Enter; the line entered last must be `line`.
    #[track_caller]
    fn check(keys: &str, line: &str) {
        let (events, ..) = typed(format!("{keys}\r").as_bytes());
        assert_eq!(events.last(), Some(&Event::Line(line.into())));
    }

    #[test]
    fn plain_lines() {
        check("", "");
        check("ls /proc", "ls /proc");
        let (events, ..) = typed(b"a\rb\nc\r\nd\n\n");
        let lines = ["a", "b", "c", "d", ""].map(|line| Event::Line(line.into()));
        assert_eq!(events, lines);
    }

    #[test]
    fn keys_that_delete() {
        check("abc\x7f\x7fd", "ad");
        check("\x7fabc\x08", "ab");
        check("one two  \x17three", "one three");
        check("one two\x17\x17\x17x", "x");
        check("one two\x15three", "three");
        check("one\x1b[D\x1b[D\x1b[3~", "oe");
        check("one\x01\x04\x04", "e");
        check("one two\x01\x1b[1;5C\x0b", "one");
    }

    #[test]
    fn keys_that_move() {
        check("ac\x1b[Db", "abc");
        check("bc\x01a\x05d", "abcd");
        check("bc\x1b[Ha\x1b[Fd", "abcd");
        check("bc\x1bOHa\x1bOFd", "abcd");
        check("bc\x1b[1~a\x1b[4~d", "abcd");
        check("two three\x1bb\x1bbone \x1bf!", "one two! three");
        check("ab\x02\x02\x02x\x06\x06\x06y", "xaby");
    }

    #[test]
    fn characters_of_several_bytes_and_columns() {
        check("héé\x7fllo", "héllo");
        check("漢字\x1b[Dx", "漢x字");
        check("a🙂b\x02\x7f\x7fc", "cb");
        check("e\u{301}x\x02y", "e\u{301}yx");
        check("ü\x01\x1b[C\x04v", "üv");
    }

    #[test]
    fn bytes_that_are_no_characters_are_kept() {
        let (events, ..) = typed(b"a\xff\xc3b\xe2\x82\r");
        assert_eq!(events, [Event::Line(b"a\xff\xc3b\xe2\x82".to_vec())]);
        let (events, ..) = typed(b"a\xff\xfe\x7fb\xc3\xc3\xa4\r");
        assert_eq!(events, [Event::Line(b"a\xffb\xc3\xc3\xa4".to_vec())]);
    }

    #[test]
    fn history() {
        check("one\rtwo\r\x1b[A\x1b[A!", "one!");
        check("one\rtwo\r\x1b[A\x1b[A\x1b[B!", "two!");
        check("one\rtwo\rdra\x1b[A\x1b[A\x1b[B\x1b[Bft", "draft");
        check("one\rone\rtwo\r\x10\x10\x10\x10", "one");
        check("one\r\r\x10", "one");
        let (_, _, screen) = typed(b"one\r\x10\x10\x10\x0e\x0e");
        assert_eq!(screen.bells, 3);
    }

    #[test]
    fn giving_up() {
        let (events, _, screen) = typed(b"abc\x1b[D\x03");
        assert_eq!(events, [Event::Interrupt]);
        assert_eq!(screen.text(), "");
        check("abc\x03def", "def");
    }

    #[test]
    fn too_long_a_line_is_reported_and_forgotten() {
        let mut keys = vec![b'x'; LINE_MAX + 10];
        keys.extend_from_slice(b"\rls\r");
        let (mut editor, mut out) = (LineEditor::new(), vec![]);
        let events: Vec<Event> = keys
            .iter()
            .filter_map(|&key| editor.push(key, &mut out))
            .collect();
        assert_eq!(events, [Event::TooLong, Event::Line("ls".into())]);
        assert_eq!(out.iter().filter(|&&byte| byte == BELL).count(), 1);
    }

    #[test]
    fn unknown_keys_change_nothing() {
        check("a\x1b[15~\x1b[2;9R\x1bz\x00\x1fb", "ab");
        check("a\x1b[999999999999Ab", "ab");
    }

    #[test]
    fn completion() {
        fn check(keys: &str, words: &[&str], line: &str, again: bool) {
            let (events, mut editor, _) = typed(keys.as_bytes());
            assert_eq!(
                events,
                [Event::Complete(keys.trim_end_matches('\t').into())]
            );
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            let mut out = vec![];
            assert_eq!(editor.complete(&words, &mut out), again);
            assert_eq!(bytes(&editor.text), line.as_bytes());
        }
        check("radix lo\t", &["lookup"], "radix lookup ", false);
        check(
            "radix l\t",
            &["lookup", "lookup_slot"],
            "radix lookup",
            false,
        );
        check(
            "radix lookup\t",
            &["lookup", "lookup_slot"],
            "radix lookup",
            true,
        );
        check("cat /pr\t", &["/proc/"], "cat /proc/", false);
        check("true;ra\t", &["radix"], "true;radix ", false);
        check("spawn spin ni\t", &["nice="], "spawn spin nice=", false);
        check("xyz\t", &[], "xyz", false);
        check("ü\t", &["üb", "üß"], "ü", true);
        check("x\t", &["other"], "other ", false);
    }

    #[test]
    fn any_bytes_at_all() {
        // A small generator of pseudo-random keys, mostly those that do something.
        let keys = b"ab \x7f\x17\x15\x0b\x01\x05\x02\x06\x10\x0e\x04\x1b[ABCDH;5~O\r\n\x03\
            \xc3\xa4\xe6\xbc\xa2\xf0\x9f\x99\x82\xff";
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) as usize
        };
        for _ in 0..200 {
            let typed_keys: Vec<u8> = (0..next() % 60)
                .map(|_| keys[next() % keys.len()])
                .collect();
            typed(&typed_keys);
        }
    }
}
