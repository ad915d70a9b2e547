//! A line of a program into words, and words into numbers.

use crate::errno::Errno;

/// A word of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    /// Without the quotes.
    pub text: &'a str,
    /// Whether it stood in quotes.
    pub quoted: bool,
}

impl<'a> Token<'a> {
    pub(super) const NONE: Token<'static> = Token {
        text: "",
        quoted: false,
    };

    /// The word as part of the language; a text in quotes is none.
    pub(super) fn word(&self) -> &'a str {
        if self.quoted { "" } else { self.text }
    }
}

/// The words of a line, up to a comment.
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(line: &'a str) -> Tokens<'a> {
        Tokens { rest: line }
    }
}

impl<'a> Iterator for Tokens<'a> {
    /// A word, or what follows a quote that is not closed.
    type Item = Result<Token<'a>, &'a str>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.trim_ascii_start();
        if rest.is_empty() || rest.starts_with('#') {
            return None;
        }
        if let Some(body) = rest.strip_prefix('"') {
            let Some(end) = body.find('"') else {
                self.rest = "";
                return Some(Err(body));
            };
            self.rest = &body[end + 1..];
            let text = &body[..end];
            return Some(Ok(Token { text, quoted: true }));
        }
        let end = rest.bytes().position(|byte| byte.is_ascii_whitespace());
        let (text, rest) = rest.split_at(end.unwrap_or(rest.len()));
        self.rest = rest;
        let quoted = false;
        Some(Ok(Token { text, quoted }))
    }
}

/// Whether a word can be a variable's name.
pub(super) fn is_name(word: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins = word
        .bytes()
        .next()
        .is_some_and(|byte| !byte.is_ascii_digit());
    let is_taken = matches!(word, "signal" | "status" | "line" | "error");
    begins && word.bytes().all(is_part) && !is_taken
}

/// Digits, and what a number with this unit is multiplied by.
const UNITS: [(&str, i64); 10] = [
    ("", 1),
    ("K", 1 << 10),
    ("M", 1 << 20),
    ("G", 1 << 30),
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Numbers reach as far as an instruction has room.
const NUMBER_MAX: i64 = 1 << 54;

/// The number that a word means: `64M`, `10ms`, `0x1f`, `-3`, `-ENOMEM`.
pub(super) fn number(word: &str) -> Option<i64> {
    let (word, sign) = match word.strip_prefix('-') {
        Some(rest) => (rest, -1),
        None => (word, 1),
    };
    if let Some(digits) = word.strip_prefix("0x") {
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = i64::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        return (number < NUMBER_MAX).then_some(sign * number);
    }
    if word.starts_with('E') {
        let errno = (1..=133).filter_map(Errno::from_number);
        let mut errno = errno.filter(|errno| errno.name() == word);
        return errno.next().map(|errno| sign * errno as i64);
    }
    let end = word.bytes().position(|byte| !byte.is_ascii_digit());
    let (digits, unit) = word.split_at(end.unwrap_or(word.len()));
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let number = digits.parse::<i64>().ok()?.checked_mul(*factor)?;
    (number < NUMBER_MAX).then_some(sign * number)
}

/// The number of a word that has no unit.
pub(super) fn unit_less(word: &str) -> Option<i64> {
    let is_plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    number(word).filter(|&number| is_plain && number <= NUMBER_MAX / 1_000_000_000)
}
