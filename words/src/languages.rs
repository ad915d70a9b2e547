//! The languages beside English: which is spoken, and its texts, which come as a file.
//!
//! What is spoken is a setting of the thread: a page has one, and tests in several do not disturb each other.

use std::cell::Cell;

use crate::{COUNT, FINGERPRINT};

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
pub(crate) fn say(at: usize, english: &'static str) -> &'static str {
    match SPOKEN.get() {
        Language::English => english,
        Language::German => TEXTS.get().get(at).copied().unwrap_or(english),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GERMAN, fill};

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
