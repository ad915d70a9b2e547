//! What stands beside the labs: the examples and the glossary, read for the page.

use std::fs;
use std::path::Path;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use toml::Spanned;

use super::Problems;
use super::problem::line_at;
use crate::example::{Example, System};
use crate::glossary::{Place, Term};
use crate::log::is_lab_id;

/// Reads all examples of a folder, by system and then by name.
///
/// # Errors
/// All that is wrong with any of them.
pub fn read_examples(dir: &Path) -> Result<Vec<Example>, Problems> {
    let mut problems = Problems::default();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            problems.add(dir, 0, format!("can't read this folder: {error}"));
            return Err(problems);
        }
    };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "log"));
    files.sort();
    let mut examples = Vec::new();
    for file in &files {
        let name = file.file_stem().and_then(|name| name.to_str());
        let read = fs::read_to_string(file)
            .map_err(|error| format!("can't read this file: {error}"))
            .and_then(|text| Example::parse(name.unwrap_or_default(), &text));
        match read {
            Ok(example) => examples.push(example),
            Err(message) => problems.add(file, 0, message),
        }
    }
    if files.is_empty() {
        problems.add(dir, 0, "there is no example here: a file that ends in .log");
    }
    examples.sort_by(|one, other| (one.system, &one.name).cmp(&(other.system, &other.name)));
    problems.or(examples)
}

/// The glossary as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    terms: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Spanned<String>,
    /// Its name in addresses, where the one that is made of `name` is taken.
    id: Option<String>,
    system: String,
    says: String,
    #[serde(rename = "where", default)]
    places: Vec<String>,
    #[serde(default)]
    see: Vec<String>,
}

/// Reads the glossary; `root` is the repository's root, in which the places are looked for. In the order
/// of the names.
///
/// # Errors
/// All that is wrong with it.
pub fn read_glossary(file: &Path, root: &Path) -> Result<Vec<Term>, Problems> {
    let mut problems = Problems::default();
    let read = fs::read_to_string(file);
    let text =
        read.map_err(|error| problems.add(file, 0, format!("can't read this file: {error}")));
    let Ok(text) = text else {
        return Err(problems);
    };
    let written = match toml::from_str::<File>(&text) {
        Ok(File { terms }) => terms,
        Err(error) => {
            let line = error.span().map_or(0, |span| line_at(&text, &span));
            problems.add(file, line, error.message());
            return Err(problems);
        }
    };
    let names: Vec<(String, String)> = (written.iter())
        .map(|term| {
            let name = term.name.get_ref().clone();
            let id = term.id.clone().unwrap_or_else(|| id_of(&name));
            (name, id)
        })
        .collect();
    let mut terms = Vec::new();
    for (at, term) in written.into_iter().enumerate() {
        let (name, id) = &names[at];
        let line = line_at(&text, &term.name.span());
        let mut tell = |message: String| problems.add(file, line, format!("'{name}': {message}"));
        if names[..at].iter().any(|(_, other)| other == id) {
            tell(format!(
                "two terms are '{id}' in addresses: give one another `id`"
            ));
        }
        if !is_lab_id(id) {
            tell("an `id` is small letters, digits and hyphens".into());
        }
        if term.says.trim().is_empty() {
            tell("it says nothing".into());
        }
        let system = System::from_name(&term.system);
        if system.is_none() {
            tell(format!("there is no system '{}'", term.system));
        }
        let mut see = Vec::new();
        for other in &term.see {
            match names.iter().find(|(known, _)| known == other) {
                Some((_, id)) => see.push(id.clone()),
                None => tell(format!("it says to see '{other}', which is no term here")),
            }
        }
        let mut places = Vec::new();
        for place in &term.places {
            match find_place(root, place) {
                Ok(place) => places.push(place),
                Err(message) => tell(message),
            }
        }
        terms.push(Term {
            id: id.clone(),
            name: name.clone(),
            system: system.unwrap_or(System::Trace),
            says: term.says,
            places,
            see,
        });
    }
    terms.sort_by_cached_key(|term| (term.name.to_lowercase(), term.id.clone()));
    problems.or(terms)
}

/// A term's name in addresses: letters and digits in small, hyphens for whatever else.
fn id_of(name: &str) -> String {
    let small = name.to_lowercase();
    let words = small.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// Takes `FILE#ITEM` apart, if the file is there and defines the item.
fn find_place(root: &Path, place: &str) -> Result<Place, String> {
    let (file, item) = place
        .split_once('#')
        .ok_or_else(|| format!("the place '{place}' is not FILE#ITEM"))?;
    let text = fs::read_to_string(root.join(file))
        .map_err(|error| format!("the place {file}: {error}"))?;
    if !text.lines().any(|line| defines(line, item)) {
        return Err(format!("{file} does not define '{item}'"));
    }
    Ok(Place {
        file: file.into(),
        item: item.into(),
    })
}

/// Whether a line of source defines something of this name: a keyword or the beginning of a field or
/// variant stands before it.
fn defines(line: &str, item: &str) -> bool {
    const KEYWORDS: [&str; 9] = [
        "fn", "struct", "enum", "trait", "const", "static", "type", "mod", "union",
    ];
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    if line.trim_start().starts_with("//") {
        return false;
    }
    let mut words = line
        .split(|letter| !is_word(letter))
        .filter(|word| !word.is_empty());
    let mut before = words.next();
    if before == Some(item) {
        // An enum's variant, or a field.
        return line.trim_start().starts_with(item) && !line.trim_start().ends_with(';');
    }
    words.any(|word| {
        let is_it = word == item
            && before.is_some_and(|before| KEYWORDS.contains(&before) || before == "pub");
        before = Some(word);
        is_it
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_told_from_uses() {
        for line in [
            "pub fn pop(&mut self) -> Option<u32> {",
            "    pub(super) const fn pop() {}",
            "struct pop;",
            "    pub pop: u32,",
            "    pop: u32,",
            "    pop,",
        ] {
            assert!(defines(line, "pop"), "{line}");
        }
        for line in [
            "// fn pop",
            "/// pop: takes one",
            "let x = pop();",
            "    pop();",
            "fn popular() {}",
            "fn take(pop: u32) {",
        ] {
            assert!(!defines(line, "pop"), "{line}");
        }
    }

    #[test]
    fn names_become_words_of_addresses() {
        assert_eq!(id_of("get and kick"), "get-and-kick");
        assert_eq!(id_of("cpu.shares"), "cpu-shares");
        assert_eq!(id_of("/dev/mem_notify"), "dev-mem-notify");
    }
}
