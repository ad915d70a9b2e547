//! No text of the page stands anywhere but in `texts/`.
//!
//! Reads the page's source as text and looks for string literals that somebody would read: those in `html!`,
//! those of attributes that are read out or shown, those of several words, those that become a value that is
//! shown. What is no language, though it looks like it (a command of the kernel's, a selector), is in
//! `allowed.txt`, a line each: the file, a space, the literal as it is written. A line that is needed no more
//! is an error as well.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Attributes whose values are read by people.
const READ: &[&str] = &[
    "title",
    "aria-label",
    "aria-description",
    "aria-roledescription",
    "aria-valuetext",
    "placeholder",
    "alt",
    "label",
];

/// What stands before literals that are for machines: attributes, and calls.
const FOR_MACHINES: &[&str] = &[
    "class=",
    "class={",
    "classes!(",
    "id=",
    "id={",
    "d=",
    "d={",
    "viewBox=",
    "points=",
    "transform=",
    "style=",
    "rel=",
    "media=",
    "expect(",
    "panic!(",
    "unreachable!(",
    "assert!(",
    "query_selector(",
    "query_selector_all(",
    "closest(",
    "focus(",
    "focus_in_place(",
    "set_font(",
    "matches(",
];

/// A string literal in a source.
struct Literal<'a> {
    line: usize,
    /// As it is written, between the quotation marks.
    text: &'a str,
    /// The source before it and behind it, without space.
    before: &'a str,
    behind: &'a str,
}

/// All string literals of a source, up to its tests; those in comments and attributes are left out.
fn literals(source: &str) -> Vec<Literal<'_>> {
    let source = match source.find("#[cfg(test)]\nmod ") {
        Some(tests)
            if source[tests..]
                .lines()
                .nth(1)
                .is_some_and(|line| line.ends_with('{')) =>
        {
            &source[..tests]
        }
        _ => source,
    };
    let (mut found, mut at) = (Vec::new(), 0);
    // Brackets that are open within an attribute.
    let mut depth = 0;
    while let Some(next) = source[at..].chars().next() {
        let rest = &source[at..];
        let hashes = rest
            .bytes()
            .skip(1)
            .take_while(|byte| *byte == b'#')
            .count();
        let is_raw =
            next == 'r' && rest[1 + hashes..].starts_with('"') && !ends_in_word(&source[..at]);
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if is_raw {
            let start = at + hashes + 2;
            let end = format!("\"{}", "#".repeat(hashes));
            let length = source[start..].find(&end).unwrap_or(source.len() - start);
            if depth == 0 {
                found.push(literal(source, at, start, start + length, end.len()));
            }
            at = start + length + end.len();
        } else if next == '"' {
            let start = at + 1;
            let mut length = 0;
            let bytes = &source.as_bytes()[start..];
            while length < bytes.len() && bytes[length] != b'"' {
                length += if bytes[length] == b'\\' { 2 } else { 1 };
            }
            if depth == 0 {
                found.push(literal(source, at, start, start + length, 1));
            }
            at = start + length + 1;
        } else if next == '\'' {
            at += char_length(rest);
        } else {
            match next {
                '#' if rest.starts_with("#[") || rest.starts_with("#![") => depth += 1,
                '[' if depth > 0 && !source[..at].ends_with(['#', '!']) => depth += 1,
                ']' if depth > 0 => depth -= 1,
                _ => {}
            }
            at += next.len_utf8();
        }
    }
    found
}

/// How long the character is that `rest` begins with, or the quotation mark of a lifetime.
fn char_length(rest: &str) -> usize {
    let mut chars = rest[1..].char_indices();
    let escaped = matches!(chars.next(), Some((_, '\\')));
    let end = match escaped {
        true => rest[3..].find('\'').map(|at| at + 4),
        false => chars
            .next()
            .filter(|(_, end)| *end == '\'')
            .map(|(at, _)| at + 2),
    };
    end.unwrap_or(1)
}

fn ends_in_word(source: &str) -> bool {
    source.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn literal(source: &str, at: usize, start: usize, end: usize, mark: usize) -> Literal<'_> {
    Literal {
        line: source[..at].lines().count().max(1),
        text: &source[start..end],
        before: source[..at].trim_end(),
        behind: source.get(end + mark..).unwrap_or_default().trim_start(),
    }
}

/// Whether somebody would read it.
fn is_read(literal: &Literal<'_>) -> bool {
    let words = without_values(literal.text);
    // A key, or a path of an icon, has no word.
    let letters: Vec<char> = words.chars().collect();
    let is_word = |two: &[char]| two[0].is_alphabetic() && two[1].is_lowercase();
    if !letters.windows(2).any(is_word) {
        return false;
    }
    let Literal { before, behind, .. } = literal;
    let opened = before.strip_suffix('{').unwrap_or(before).trim_end();
    let is_attribute = opened.strip_suffix('=').is_some_and(|it| {
        READ.iter().any(|name| {
            it.strip_suffix(name)
                .is_some_and(|it| !ends_in_word(it) && !it.ends_with('-'))
        })
    });
    if is_attribute {
        return true;
    }
    if FOR_MACHINES.iter().any(|machine| before.ends_with(machine)) {
        return false;
    }
    let is_element = before.ends_with('{') && behind.starts_with('}');
    let is_value = [".into()", ".to_string()", ".to_owned()"]
        .iter()
        .any(|it| behind.starts_with(it));
    is_element || is_value || words.trim().contains([' ', '\n']) || is_sentence_piece(&words)
}

/// ` of`, `: no`: what is put beside something else.
fn is_sentence_piece(words: &str) -> bool {
    words.starts_with(' ') || words.ends_with(' ')
}

/// A literal without its placeholders and escapes.
fn without_values(text: &str) -> String {
    let (mut words, mut is_value, mut is_escaped) = (String::new(), false, false);
    for c in text.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '{' => is_value = true,
            '}' => is_value = false,
            c if !is_value => words.push(c),
            _ => {}
        }
    }
    words
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The sources under a folder, those of tests left out, each with its path from there.
fn sources(folder: &Path, from: &Path, found: &mut Vec<(String, String)>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if name == "tests" {
            continue;
        }
        if path.is_dir() {
            sources(&path, from, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("it is text");
            let path = path
                .strip_prefix(from)
                .expect("it is below")
                .display()
                .to_string();
            found.push((path, text));
        }
    }
}

#[test]
fn no_text_of_the_page_stands_in_its_source() {
    let page = folder("../frontend/src");
    let mut files = Vec::new();
    sources(&page, &page, &mut files);
    assert!(files.len() > 50, "the page is somewhere else");
    let allowed = fs::read_to_string(folder("tests/allowed.txt")).expect("the list is there");
    let allowed: BTreeSet<&str> = allowed.lines().filter(|line| !line.is_empty()).collect();
    let (mut left, mut used) = (Vec::new(), BTreeSet::new());
    for (path, source) in &files {
        for literal in literals(source).iter().filter(|literal| is_read(literal)) {
            let entry = format!(
                "{path} {}",
                literal
                    .text
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
            );
            if let Some(entry) = allowed.get(entry.as_str()) {
                used.insert(*entry);
            } else {
                left.push(format!("{path}:{}: {:?}", literal.line, literal.text));
            }
        }
    }
    assert!(
        left.is_empty(),
        "these belong to words/texts, or, if they are no language, to words/tests/allowed.txt:\n{}",
        left.join("\n")
    );
    let stale: Vec<_> = allowed.difference(&used).collect();
    assert!(
        stale.is_empty(),
        "words/tests/allowed.txt has what is not there: {stale:#?}"
    );
}

#[test]
fn what_is_read_is_told_from_what_is_not() {
    let read = |source: &str| -> Vec<String> {
        let all = literals(source);
        let read = all.iter().filter(|literal| is_read(literal));
        read.map(|literal| literal.text.to_string()).collect()
    };
    for (source, expected) in [
        ("html! { <p>{ \"text\" }</p> }", vec!["text"]),
        (
            "html! { <p title=\"tip\" class=\"a b\" data-x=\"y\" /> }",
            vec!["tip"],
        ),
        (
            "html! { <p aria-label={\"tip\"} subtitle=\"y\" data-label=\"z\" /> }",
            vec!["tip"],
        ),
        ("title={format!(\"step {n}\")}", vec!["step {n}"]),
        ("let a = \"two words\"; let b = \"one\";", vec!["two words"]),
        ("Err(\"gone\".to_string())", vec!["gone"]),
        (
            "format!(\"{n} lines\"); format!(\"pane-{n}\"); format!(\"{a} {b}\")",
            vec!["{n} lines"],
        ),
        ("// \"a comment here\"\n/// \"and here\"\n", vec![]),
        (
            "#[expect(dead_code, reason = \"it is so\")] fn a() { b(\"two words\") }",
            vec!["two words"],
        ),
        (
            "let c = '\"'; let d = '\\''; fn e<'a>(f: &'a str) { g(\"two words\") }",
            vec!["two words"],
        ),
        ("r#\"raw \"words\"\"#", vec!["raw \"words\""]),
        ("it.expect(\"never fails here\")", vec![]),
        ("\"\\n \\t \"", vec![]),
        (
            "a(\"two words\")\n#[cfg(test)]\nmod tests {\n b(\"two words\") }",
            vec!["two words"],
        ),
        (
            "#[cfg(test)]\nmod tests;\na(\"two words\")",
            vec!["two words"],
        ),
    ] {
        assert_eq!(read(source), expected, "{source}");
    }
}
