//! Texts of which some words cannot be known beforehand.
//!
//! Where an object lies depends on everything that was allocated before it, so a text that was
//! written from the specification cannot say. It can say that there is an address, and that it is the
//! same as above.

use std::collections::HashMap;

/// Hexadecimal numbers by the letter that a pattern calls them.
pub type Bound = HashMap<char, String>;

/// Whether `text` is `pattern`, in which a `*` stands for some hexadecimal digits, and `<a>`, with any
/// letter, for the same digits wherever it stands.
pub fn matches(pattern: &str, text: &str, bound: &mut Bound) -> bool {
    let mut rest = text;
    let mut pattern = pattern.chars();
    while let Some(c) = pattern.next() {
        let mut ahead = pattern.clone();
        let name = match (c, ahead.next(), ahead.next()) {
            ('*', ..) => None,
            ('<', Some(name), Some('>')) if name.is_ascii_lowercase() => {
                pattern = ahead;
                Some(name)
            }
            _ => match rest.strip_prefix(c) {
                Some(behind) => {
                    rest = behind;
                    continue;
                }
                None => return false,
            },
        };
        // Digits that the pattern names itself, behind the unknown ones, are not among those.
        let known = pattern.clone().take_while(char::is_ascii_hexdigit).count();
        let digits = rest.chars().take_while(char::is_ascii_hexdigit).count();
        let Some(unknown) = digits.checked_sub(known).filter(|&unknown| unknown > 0) else {
            return false;
        };
        let (number, behind) = rest.split_at(unknown);
        let is_same =
            name.is_none_or(|name| bound.entry(name).or_insert(number.to_string()) == number);
        if !is_same {
            return false;
        }
        rest = behind;
    }
    rest.is_empty()
}

/// Finds the first line in which `text` is not what `pattern` says; `None` if it is. A line of three
/// dots in the pattern stands for any lines.
pub fn first_difference(pattern: &str, text: &str) -> Option<String> {
    let mut bound = Bound::new();
    let mut lines = (1..).zip(text.lines()).peekable();
    let mut skips = false;
    for expected in pattern.lines() {
        if expected == "..." {
            skips = true;
            continue;
        }
        loop {
            let Some((number, line)) = lines.next() else {
                return Some(format!("the text ends before {expected:?}"));
            };
            if matches(expected, line, &mut bound) {
                break;
            }
            if !skips {
                return Some(format!(
                    "line {number} of the text is {line:?}, not {expected:?}"
                ));
            }
        }
        skips = false;
    }
    let (number, line) = lines.next().filter(|_| !skips)?;
    Some(format!("line {number} of the text, {line:?}, is too much"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_digits_match_and_are_remembered() {
        let matches = |pattern, text| matches(pattern, text, &mut Bound::new());
        assert!(matches("0x*-0x*=0xcc", "0x88e9-0x88ea=0xcc"));
        assert!(!matches("0x*-0x*=0xcc", "0x88e9-0x88ea=0xbb"));
        assert!(matches("<a> <b> <a>", "12 34 12"));
        assert!(!matches("<a> <b> <a>", "12 34 13"));
        assert!(matches("ffff88*bc0", "ffff880000031bc0"));
        assert!(!matches("ffff88*bc0", "ffff880000031bc8"));
        assert!(!matches("*", "") && !matches("*", "x") && !matches("a", "ab"));
        assert!(matches("# name <active_objs>", "# name <active_objs>"));
    }

    #[test]
    fn dots_stand_for_any_lines() {
        assert_eq!(first_difference("a\n...\nz\n", "a\nb\nc\nz\n"), None);
        assert_eq!(first_difference("a\n...\n", "a\nb\n"), None);
        assert!(first_difference("a\n", "a\nb\n").is_some());
        assert!(first_difference("a\n...\nz\n", "a\nb\n").is_some());
        assert!(first_difference("a\nb\n", "a\nc\n").is_some());
    }
}
