//! The texts of the page, in every language that it speaks.
//!
//! They stand in `texts/`, a folder for each language and a file for each area of the page. Each is a
//! function here, `words::header::labs()`, so that a text nobody wrote, a value nobody passes and a
//! language that lags behind end the build (`source.rs`). What is put into a text is the function's
//! arguments; a text that counts takes its number first.
//!
//! English is in the program, each text where it is said, so that a part of the page that is loaded later brings
//! its own. Any other language is a file, [`GERMAN`] here, that is fetched when somebody wants it.
//!
//! Without the feature `languages` only English is spoken, and nothing is needed but `alloc`: so hosts that show
//! nothing may use what makes texts for the page.

#![cfg_attr(not(feature = "languages"), no_std)]

extern crate alloc;

use alloc::string::String;
use core::fmt::{Display, Write};

#[cfg(feature = "languages")]
mod languages;
#[cfg(test)]
mod source;

#[cfg(feature = "languages")]
use languages::say;
#[cfg(feature = "languages")]
pub use languages::{Language, Misfit, knows, language, speak, told};

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// A text that takes nothing, as tables hold it: which words it is depends on the language.
pub type Say = fn() -> &'static str;

/// The file of all texts in German.
pub const GERMAN: &str = include_str!(concat!(env!("OUT_DIR"), "/words.de.txt"));

/// The name of that file, in the folder of the page.
pub const GERMAN_NAME: &str = "words.de.txt";

/// The text at `at`, whose English is `english`.
#[cfg(not(feature = "languages"))]
fn say(_at: usize, english: &'static str) -> &'static str {
    english
}

/// A sentence that a kernel tells: without `languages` it is told in English.
#[cfg(not(feature = "languages"))]
pub fn told(sentence: &str) -> String {
    String::from(sentence)
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
