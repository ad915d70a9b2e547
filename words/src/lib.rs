//! The texts of the page, in every language that it speaks.
//!
//! They stand in `texts/`, a folder for each language and a file for each area of the page. Each is a
//! function here, `words::header::labs()`, so that a text nobody wrote, a value nobody passes and a
//! language that lags behind end the build (`source.rs`). What is put into a text is the function's
//! arguments; a text that counts takes its number first.
//!
//! English is in the program, each text where it is said, so that a part of the page that is loaded later brings
//! its own. Any other language is a file, [`GERMAN`] here, that is fetched when somebody wants it. What is spoken is
//! a setting of the thread: a page has one, and tests in several do not disturb each other.

use std::cell::Cell;
use std::fmt::{Display, Write};

#[cfg(test)]
mod source;

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// The file of all texts in German: what [`speak`] takes.
pub const GERMAN: &str = include_str!(concat!(env!("OUT_DIR"), "/words.de.txt"));

/// The name of that file, in the folder of the page.
pub const GERMAN_NAME: &str = "words.de.txt";

/// A language that the page speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English, which is always there.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 2] = [Language::English, Language::German];

    /// The language's code, as HTML has it.
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::German => "de",
        }
    }

    /// The language of this code.
    pub fn from_code(code: &str) -> Option<Language> {
        Language::ALL
            .into_iter()
            .find(|language| language.code() == code)
    }

    /// What those who speak it call it.
    pub fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::German => "Deutsch",
        }
    }

    /// The next one round.
    pub fn next(self) -> Language {
        match self {
            Language::English => Language::German,
            Language::German => Language::English,
        }
    }
}

/// What was to be spoken is not the file of this program's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misfit;

thread_local! {
    static SPOKEN: Cell<Language> = const { Cell::new(Language::English) };
    /// The texts in German, once they were given.
    static TEXTS: Cell<&'static [&'static str]> = const { Cell::new(&[]) };
}

/// The language that is spoken.
pub fn language() -> Language {
    SPOKEN.get()
}

/// Whether `language` can be spoken without its file.
pub fn knows(language: Language) -> bool {
    language == Language::English || !TEXTS.get().is_empty()
}

/// Speaks `language` from now on. Its texts are read from `file`, unless it [is known](knows); they
/// stay in memory as long as the program runs.
pub fn speak(language: Language, file: &str) -> Result<(), Misfit> {
    if !knows(language) {
        TEXTS.set(parse(language, file).ok_or(Misfit)?);
    }
    SPOKEN.set(language);
    Ok(())
}

/// Reads a language's file: a heading, then a text a line.
fn parse(language: Language, file: &str) -> Option<&'static [&'static str]> {
    let mut lines = file.lines();
    let mut heading = lines.next()?.split(' ');
    let is_ours = heading.next() == Some("words")
        && heading.next() == Some(language.code())
        && heading.next() == Some(FINGERPRINT)
        && lines.count() == COUNT;
    let read = || String::leak(file.to_string()).lines().skip(1).collect();
    is_ours.then(|| &*Vec::leak(read()))
}

/// The text at `at`, whose English is `english`.
fn say(at: usize, english: &'static str) -> &'static str {
    match SPOKEN.get() {
        Language::English => english,
        Language::German => TEXTS.get().get(at).copied().unwrap_or(english),
    }
}

/// A text with values in the place of `{0}`, `{1}` and so on.
fn fill(at: usize, english: &'static str, values: &[&dyn Display]) -> String {
    let mut rest = say(at, english);
    let mut text = String::new();
    while let Some((words, behind)) = rest.split_once('{') {
        text.push_str(words);
        let (place, behind) = behind.split_once('}').unwrap_or((behind, ""));
        let value = place
            .parse()
            .ok()
            .and_then(|place: usize| values.get(place));
        if let Some(value) = value {
            // A string takes everything.
            let _ = write!(text, "{value}");
        }
        rest = behind;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_is_spoken_without_being_asked() {
        assert_eq!(language(), Language::English);
        assert_eq!(
            (say(0, "labs"), fill(0, "{1} of {0}", &[&4, &"x"]).as_str()),
            ("labs", "x of 4")
        );
    }

    #[test]
    fn german_is_spoken_once_its_file_is_here() {
        assert!(!knows(Language::German));
        assert_eq!(speak(Language::German, GERMAN), Ok(()));
        assert_eq!(language(), Language::German);
        let first = GERMAN.lines().nth(1).expect("there is a text");
        assert_eq!(say(0, "whatever"), first);
        assert_eq!(speak(Language::English, ""), Ok(()));
        assert_eq!(say(0, "whatever"), "whatever");
        assert_eq!(speak(Language::German, ""), Ok(()), "it is known by now");
        assert_eq!(say(0, "whatever"), first);
    }

    #[test]
    fn the_file_of_another_build_is_refused() {
        let other = GERMAN.replacen(FINGERPRINT, "0123456789abcdef", 1);
        let short = GERMAN
            .trim_end()
            .rsplit_once('\n')
            .expect("there are lines")
            .0;
        for file in ["", "<!doctype html>", other.as_str(), short] {
            assert_eq!(speak(Language::German, file), Err(Misfit));
            assert_eq!(language(), Language::English);
        }
    }

    #[test]
    fn languages_go_by_their_codes() {
        for language in Language::ALL {
            assert_eq!(Language::from_code(language.code()), Some(language));
            assert_ne!(language.next(), language);
        }
        assert_eq!(Language::from_code("fr"), None);
    }
}
