//! The languages beside English: which is spoken, and its texts, which come as a file.
//!
//! What is spoken is a setting of the thread: a page has one, and tests in several do not disturb each other.

use std::cell::Cell;

use crate::{COUNT, FINGERPRINT, TOLD};

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

/// Reads a language's file: a heading, then a text a line, then a line for each sentence of kernels: English, a
/// tab, the language.
fn parse(language: Language, file: &str) -> Option<&'static [&'static str]> {
    let mut lines = file.lines();
    let mut heading = lines.next()?.split(' ');
    let is_ours = heading.next() == Some("words")
        && heading.next() == Some(language.code())
        && heading.next() == Some(FINGERPRINT)
        && lines.count() == COUNT + TOLD;
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

/// A sentence that a kernel tells in English, wherever it runs, in the language that is spoken. What
/// is not known is left as it is.
pub fn told(sentence: &str) -> String {
    let known = match SPOKEN.get() {
        Language::English => None,
        Language::German => known(sentence),
    };
    known.unwrap_or_else(|| sentence.to_string())
}

/// The sentence in the language that is spoken, if it is known: by the pattern that has most of it.
fn known(sentence: &str) -> Option<String> {
    let lines = TEXTS.get().get(COUNT..)?.iter();
    let pairs = lines.filter_map(|line| line.split_once('\t'));
    let found = pairs.filter_map(|(pattern, text)| {
        let values = values(pattern, sentence)?;
        let taken: usize = values.iter().map(|(_, value)| value.len()).sum();
        Some((taken, text, values))
    });
    let (_, mut rest, values) = found.min_by_key(|it| it.0)?;
    let mut told = String::new();
    while let Some((words, behind)) = rest.split_once('{') {
        told.push_str(words);
        let (name, behind) = behind.split_once('}').unwrap_or((behind, ""));
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            // It is a phrase, perhaps, and shorter than what it is part of.
            told.push_str(&self::told(value));
        }
        rest = behind;
    }
    told.push_str(rest);
    Some(told)
}

/// What stands in a sentence for a pattern's placeholders, each with its name; `None` if it is not made so.
fn values<'a>(pattern: &'a str, sentence: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let mut values = Vec::new();
    let Some((words, mut pattern)) = pattern.split_once('{') else {
        return (pattern == sentence).then_some(values);
    };
    let mut sentence = sentence.strip_prefix(words)?;
    loop {
        let (name, behind) = pattern.split_once('}')?;
        let (value, rest) = match behind.split_once('{') {
            Some((words, next)) => {
                pattern = next;
                sentence.split_once(words)?
            }
            None => (sentence.strip_suffix(behind)?, ""),
        };
        if value.is_empty() {
            return None;
        }
        values.push((name, value));
        if !behind.contains('{') {
            return Some(values);
        }
        sentence = rest;
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
    fn what_kernels_tell_is_put_into_other_words() {
        let event =
            "CPU 0 takes the 8 frames 304 to 311 from the page allocator; GFP_ATOMIC may not wait";
        assert_eq!(told(event), event);
        assert_eq!(speak(Language::German, GERMAN), Ok(()));
        for (english, german) in [
            (
                event,
                "CPU 0 holt die 8 Rahmen 304 bis 311 vom Seitenallokator; GFP_ATOMIC darf nicht warten",
            ),
            (
                "Item 8 does not go into tree t under key 5: there is one already (EEXIST)",
                "Eintrag 8 kommt nicht unter Schlüssel 5 in Baum t: dort ist schon einer (EEXIST)",
            ),
            // The longest pattern counts: an object of no known cache is not one called object.
            (
                "CPU 1 gets no memory for an object; GFP_KERNEL may wait",
                "CPU 1 bekommt keinen Speicher für ein Objekt; GFP_KERNEL darf warten",
            ),
            ("nobody knows this", "nobody knows this"),
            ("", ""),
        ] {
            assert_eq!(told(english), german);
        }
    }

    #[test]
    fn patterns_give_values() {
        assert_eq!(
            values("{a} of {b}!", "1 of 2!"),
            Some(vec![("a", "1"), ("b", "2")])
        );
        assert_eq!(values("no", "no"), Some(Vec::new()));
        for sentence in ["1 of 2", " of 2!", "1 of !", "1", ""] {
            assert_eq!(values("{a} of {b}!", sentence), None, "{sentence}");
        }
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
