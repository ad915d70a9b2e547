//! Reads the texts as people write them, holds the languages against each other, and makes of them
//! what the page needs: functions, and a file for each language but English.
//!
//! `texts/LANGUAGE/AREA.toml` has a text a line, `key = "text with {placeholders}"`, or two for a text
//! that counts, `key = { one = "{n} step", other = "{n} steps" }`. More of TOML is not understood, and
//! said so. English tells which texts there are and what is put into them; a language that lacks one,
//! has one more, or puts other things into it does not build.
//!
//! `texts/told.txt` has sentences that come to the page from kernels ([`read_told`]).
//!
//! The build script contains this module; the library does so for its tests only.

use std::collections::BTreeMap;
use std::fmt::Write;

/// An area's texts, by key.
pub type Area = BTreeMap<String, Text>;

/// A language's texts, by area.
pub type Texts = BTreeMap<String, Area>;

/// A text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Always the same words.
    Plain(String),
    /// Words that depend on a number, `n`.
    Counted {
        /// For one.
        one: String,
        /// For any other number.
        other: String,
    },
}

impl Text {
    /// The forms of the text, in the order in which they stand in tables.
    fn forms(&self) -> Vec<&str> {
        match self {
            Text::Plain(text) => vec![text],
            Text::Counted { one, other } => vec![one, other],
        }
    }

    /// What is put into the text, in the order of first appearance; a counted text's number is the
    /// first.
    fn arguments(&self) -> Result<Vec<&str>, String> {
        let mut arguments = match self {
            Text::Plain(_) => vec![],
            Text::Counted { .. } => vec![NUMBER],
        };
        for form in self.forms() {
            for piece in pieces(form)? {
                if let Piece::Argument(name) = piece
                    && !arguments.contains(&name)
                {
                    arguments.push(name);
                }
            }
        }
        Ok(arguments)
    }
}

/// The placeholder of the number that a counted text depends on.
const NUMBER: &str = "n";

/// More than a digit counts.
const ARGUMENTS_MAX: usize = 10;

/// Names that no function can have.
const RESERVED: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Reads an area of a language; an error names the line.
pub fn read(source: &str) -> Result<Area, String> {
    let mut area = Area::new();
    for (number, line) in (1..).zip(source.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, text) = entry(line).map_err(|reason| format!("line {number}: {reason}"))?;
        if area.insert(key.clone(), text).is_some() {
            return Err(format!("line {number}: `{key}` is there already"));
        }
    }
    Ok(area)
}

fn entry(line: &str) -> Result<(String, Text), String> {
    let (key, rest) = line.split_once('=').ok_or("a line is `key = \"text\"`")?;
    let (key, rest) = (key.trim(), rest.trim());
    if !is_name(key) || RESERVED.contains(&key) {
        return Err(format!("`{key}` can't be the name of a function"));
    }
    let text = match rest.strip_prefix('{') {
        Some(rest) => {
            let (one, rest) = form("one", rest)?;
            let rest = rest
                .strip_prefix(',')
                .ok_or("`one` is followed by `, other`")?;
            let (other, rest) = form("other", rest)?;
            let text = Text::Counted { one, other };
            (text, rest.strip_prefix('}').ok_or("`}` is missing")?)
        }
        None => {
            let (text, rest) = quoted(rest)?;
            (Text::Plain(text), rest)
        }
    };
    match text {
        (text, "") => Ok((key.to_string(), text)),
        (_, rest) => Err(format!("`{rest}` behind the text")),
    }
}

/// Reads `NAME = "text"` and returns the rest.
fn form<'a>(name: &str, source: &'a str) -> Result<(String, &'a str), String> {
    let rest = source.trim_start().strip_prefix(name);
    let rest = rest.and_then(|rest| rest.trim_start().strip_prefix('='));
    let rest = rest.ok_or_else(|| format!("`{name} = \"text\"` is missing"))?;
    let (text, rest) = quoted(rest.trim_start())?;
    Ok((text, rest.trim_start()))
}

/// Reads a text in quotation marks and returns the rest.
fn quoted(source: &str) -> Result<(String, &str), String> {
    let rest = source.strip_prefix('"').ok_or("a text begins with `\"`")?;
    let (mut text, mut chars) = (String::new(), rest.chars());
    loop {
        match chars.next().ok_or("a text ends with `\"`")? {
            '"' => return Ok((text, chars.as_str())),
            '\\' => match chars.next() {
                Some(escaped @ ('"' | '\\')) => text.push(escaped),
                _ => return Err("only `\\\"` and `\\\\` are escaped".to_string()),
            },
            // A text is a line of the language's file.
            control if control.is_control() => return Err("a text is one line".to_string()),
            plain => text.push(plain),
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Reads sentences that come from outside, each followed by what it is in another language; an error names
/// the line.
pub fn read_told(source: &str) -> Result<Vec<(String, String)>, String> {
    let mut told: Vec<(String, String)> = Vec::new();
    let mut open: Option<&str> = None;
    for (number, line) in (1..).zip(source.lines()) {
        let here = |reason: &str| format!("line {number}: {reason}");
        let text = line.trim();
        if text.is_empty() || line.starts_with('#') {
            continue;
        }
        match (open.take(), line.starts_with(' ')) {
            (None, false) => open = Some(text),
            (None, true) => return Err(here("nothing stands above it")),
            (Some(_), false) => return Err(here("what stands above it is not translated")),
            (Some(english), true) => {
                let pattern = pieces(english).map_err(|reason| here(&reason))?;
                // What differs must end somewhere.
                let is_open = |pair: &[Piece<'_>]| {
                    matches!(
                        pair,
                        [Piece::Argument(_), Piece::Words(""), Piece::Argument(_)]
                    )
                };
                if pattern.windows(3).any(is_open) {
                    return Err(here("nothing stands between two placeholders"));
                }
                let plain = |text: &str| Text::Plain(text.to_string());
                fits(&plain(english), &plain(text)).map_err(|reason| here(&reason))?;
                if told.iter().any(|(known, _)| known == english) {
                    return Err(here("this is there already"));
                }
                told.push((english.to_string(), text.to_string()));
            }
        }
    }
    match open {
        None => Ok(told),
        Some(english) => Err(format!("\"{english}\" is not translated")),
    }
}

/// A piece of a text.
enum Piece<'a> {
    Words(&'a str),
    Argument(&'a str),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(['{', '}']) {
        let name = rest[at..]
            .strip_prefix('{')
            .and_then(|it| it.split_once('}'));
        match name {
            Some((name, behind)) if is_name(name) => {
                pieces.push(Piece::Words(&rest[..at]));
                pieces.push(Piece::Argument(name));
                rest = behind;
            }
            _ => return Err(format!("a brace that is no placeholder in \"{text}\"")),
        }
    }
    pieces.push(Piece::Words(rest));
    Ok(pieces)
}

/// Everything in which `other`, the language of the name `language`, departs from English.
pub fn compare(english: &Texts, other: &Texts, language: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let nothing = Area::new();
    for (name, area) in english {
        let theirs = other.get(name).unwrap_or(&nothing);
        for (key, text) in area {
            match theirs.get(key) {
                None => wrong.push(format!("{language}/{name}.toml lacks `{key}`")),
                Some(their) => {
                    if let Err(reason) = fits(text, their) {
                        wrong.push(format!("{language}/{name}.toml, `{key}`: {reason}"));
                    }
                }
            }
        }
    }
    for (name, area) in other {
        let ours = english.get(name).unwrap_or(&nothing);
        let unknown = area.keys().filter(|key| !ours.contains_key(*key));
        wrong.extend(
            unknown.map(|key| format!("{language}/{name}.toml has `{key}`, English has not")),
        );
    }
    wrong
}

/// Whether `their` text can stand in the place of `ours`.
fn fits(ours: &Text, their: &Text) -> Result<(), String> {
    let mut expected = ours.arguments()?;
    let mut found = their.arguments()?;
    if matches!(ours, Text::Plain(_)) != matches!(their, Text::Plain(_)) {
        return Err("one of both counts, the other does not".to_string());
    }
    expected.sort_unstable();
    found.sort_unstable();
    if expected == found {
        Ok(())
    } else {
        Err(format!("English is given {expected:?}, this {found:?}"))
    }
}

/// What the page needs.
pub struct Made {
    /// The functions, in modules.
    pub rust: String,
    /// A file for each other language, in the order of `others`.
    pub files: Vec<String>,
}

/// Makes functions of English, and files of `others`, which [`compare`] found nothing wrong with.
pub fn make(english: &Texts, others: &[(&str, &Texts)]) -> Result<Made, String> {
    let mut rust = String::new();
    let mut files = vec![String::new(); others.len()];
    // FNV-1a over all that a file's order and placeholders depend on.
    let mut fingerprint = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    for (name, area) in english {
        if !is_name(name) || RESERVED.contains(&name.as_str()) {
            return Err(format!("`{name}` can't be the name of a module"));
        }
        writeln!(rust, "/// The texts of `{name}.toml`.\npub mod {name} {{").expect(STRINGS);
        for (key, text) in area {
            let here = |reason| format!("en/{name}.toml, `{key}`: {reason}");
            let arguments = text.arguments().map_err(here)?;
            if arguments.len() > ARGUMENTS_MAX {
                return Err(here(format!("more than {ARGUMENTS_MAX} placeholders")));
            }
            let forms: Result<Vec<String>, String> = text
                .forms()
                .into_iter()
                .map(|form| numbered(form, &arguments))
                .collect();
            let forms = forms.map_err(here)?;
            rust += &function(key, text, &arguments, &forms, at);
            for byte in format!("{name}.{key}={forms:?}").bytes() {
                fingerprint = (fingerprint ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            for (file, (_, texts)) in files.iter_mut().zip(others) {
                let their = texts.get(name).and_then(|area| area.get(key));
                for form in their.map(Text::forms).unwrap_or_default() {
                    *file += &numbered(form, &arguments)?;
                    file.push('\n');
                }
            }
            at += forms.len();
        }
        rust += "}\n";
    }
    for (file, (language, _)) in files.iter_mut().zip(others) {
        *file = format!("words {language} {fingerprint:016x}\n{file}");
    }
    writeln!(
        rust,
        "/// How many texts a language has, forms counted.\n#[cfg(feature = \"languages\")]\nconst COUNT: usize = {at};\n\
         /// What the first line of a language's file ends with.\n\
         #[cfg(feature = \"languages\")]\nconst FINGERPRINT: &str = \"{fingerprint:016x}\";"
    )
    .expect(STRINGS);
    Ok(Made { rust, files })
}

const STRINGS: &str = "a string takes what is written to it";

/// The text with its placeholders as the places of their values.
fn numbered(text: &str, arguments: &[&str]) -> Result<String, String> {
    let pieces = pieces(text)?.into_iter().map(|piece| match piece {
        Piece::Words(words) => words.to_string(),
        Piece::Argument(name) => {
            let place = arguments.iter().position(|argument| *argument == name);
            format!("{{{}}}", place.unwrap_or(ARGUMENTS_MAX))
        }
    });
    Ok(pieces.collect())
}

/// The function that says a text whose first form stands at `at`.
fn function(key: &str, text: &Text, arguments: &[&str], forms: &[String], at: usize) -> String {
    let doc: String = text
        .forms()
        .into_iter()
        .map(|form| format!("{form}\n"))
        .collect();
    let doc = format!("#[doc = {:?}]\n", format!("```text\n{doc}```"));
    let values: Vec<String> = arguments.iter().map(|name| format!("&{name}")).collect();
    let values = values.join(", ");
    let parameters = |names: &[&str]| {
        let parameters = names
            .iter()
            .map(|name| format!("{name}: impl ::core::fmt::Display"));
        parameters.collect::<Vec<_>>().join(", ")
    };
    match forms {
        [one, other] => {
            let rest = parameters(&arguments[1..]);
            format!(
                "{doc}pub fn {key}({NUMBER}: u64, {rest}) -> ::alloc::string::String {{ \
                 let (at, text) = if {NUMBER} == 1 {{ ({at}, {one:?}) }} else {{ ({}, {other:?}) }}; \
                 super::fill(at, text, &[{values}]) }}\n",
                at + 1
            )
        }
        [text] if arguments.is_empty() => {
            format!("{doc}pub fn {key}() -> &'static str {{ super::say({at}, {text:?}) }}\n")
        }
        forms => {
            let text = forms.concat();
            let parameters = parameters(arguments);
            format!(
                "{doc}pub fn {key}({parameters}) -> ::alloc::string::String {{ \
                 super::fill({at}, {text:?}, &[{values}]) }}\n"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Texts {
        Texts::from([(
            "here".to_string(),
            read(source).expect("the source is right"),
        )])
    }

    fn differences(english: &str, german: &str) -> Vec<String> {
        compare(&texts(english), &texts(german), "de")
    }

    #[test]
    fn a_text_is_read_as_it_is_written() {
        let area = read(
            "# about\n\na = \"say \\\"x\\\" \\\\ {b}\"\nn = { one = \"{n} ö\", other = \"{n} öö\" }\n",
        );
        let expected = [
            ("a".to_string(), Text::Plain("say \"x\" \\ {b}".to_string())),
            (
                "n".to_string(),
                Text::Counted {
                    one: "{n} ö".to_string(),
                    other: "{n} öö".to_string(),
                },
            ),
        ];
        assert_eq!(area, Ok(Area::from(expected)));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for (source, reason) in [
            ("a", "line 1: a line is `key = \"text\"`"),
            ("A = \"x\"", "line 1: `A` can't be the name of a function"),
            (
                "type = \"x\"",
                "line 1: `type` can't be the name of a function",
            ),
            ("a = x", "line 1: a text begins with `\"`"),
            ("a = \"x", "line 1: a text ends with `\"`"),
            ("a = \"x\\n\"", "line 1: only `\\\"` and `\\\\` are escaped"),
            ("a = \"x\" y", "line 1: ` y` behind the text"),
            ("a = \"x\"\n\na = \"y\"", "line 3: `a` is there already"),
            (
                "a = { one = \"x\" }",
                "line 1: `one` is followed by `, other`",
            ),
            (
                "a = { other = \"x\" }",
                "line 1: `one = \"text\"` is missing",
            ),
        ] {
            assert_eq!(read(source), Err(reason.to_string()), "{source}");
        }
    }

    #[test]
    fn languages_that_agree_are_right() {
        let english = "a = \"{x} of {y}\"\nn = { one = \"a step\", other = \"{n} steps to {z}\" }";
        let german =
            "n = { one = \"ein Schritt\", other = \"{n} Schritte zu {z}\" }\na = \"von {y} {x}\"";
        assert_eq!(differences(english, german), Vec::<String>::new());
    }

    #[test]
    fn a_missing_key_is_an_error() {
        assert_eq!(
            differences("a = \"x\"\nb = \"y\"", "a = \"x\""),
            ["de/here.toml lacks `b`"]
        );
        assert_eq!(
            compare(&texts("a = \"x\""), &Texts::new(), "de"),
            ["de/here.toml lacks `a`"]
        );
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        assert_eq!(
            differences("a = \"x\"", "a = \"x\"\nb = \"y\""),
            ["de/here.toml has `b`, English has not"]
        );
    }

    #[test]
    fn a_placeholder_that_differs_is_an_error() {
        for (english, german) in [
            ("a = \"{x}\"", "a = \"x\""),
            ("a = \"{x}\"", "a = \"{y}\""),
            ("a = \"x\"", "a = \"{x}\""),
            ("a = \"x\"", "a = { one = \"x\", other = \"x\" }"),
            (
                "a = { one = \"{n}\", other = \"{n} {x}\" }",
                "a = { one = \"{n}\", other = \"{n}\" }",
            ),
        ] {
            let wrong = differences(english, german);
            assert_eq!(wrong.len(), 1, "{english} and {german}: {wrong:?}");
            assert!(wrong[0].starts_with("de/here.toml, `a`: "), "{wrong:?}");
        }
    }

    #[test]
    fn a_brace_that_is_no_placeholder_is_an_error() {
        for text in ["{", "}", "{0}", "{X}", "{a b}", "{a"] {
            assert!(
                make(&texts(&format!("a = \"{text}\"")), &[]).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_told_comes_in_pairs() {
        let source = "# about\n\n{a} of {b}\n  {b}: {a}\nno\n  nein\n";
        let pair = |one: &str, other: &str| (one.to_string(), other.to_string());
        let expected = vec![pair("{a} of {b}", "{b}: {a}"), pair("no", "nein")];
        assert_eq!(read_told(source), Ok(expected));
        for (source, reason) in [
            ("  nein", "line 1: nothing stands above it"),
            (
                "no\nyes\n  ja",
                "line 2: what stands above it is not translated",
            ),
            ("no", "\"no\" is not translated"),
            (
                "{a}{b}\n  {a}{b}",
                "line 2: nothing stands between two placeholders",
            ),
            ("no\n  nein\nno\n  nee", "line 4: this is there already"),
            (
                "{a}.\n  {b}.",
                "line 2: English is given [\"a\"], this [\"b\"]",
            ),
        ] {
            assert_eq!(read_told(source), Err(reason.to_string()), "{source}");
        }
    }

    #[test]
    fn values_stand_where_the_language_wants_them() {
        let english =
            texts("a = \"{x} of {y}\"\nb = \"B\"\nn = { one = \"1\", other = \"{n} {x}\" }");
        let german =
            texts("a = \"von {y}: {x}\"\nb = \"Ö\"\nn = { one = \"eins {x}\", other = \"{n}\" }");
        let made = make(&english, &[("de", &german)]).expect("both are right");
        let (first, rest) = made.files[0].split_once('\n').expect("there are lines");
        assert_eq!(rest, "von {1}: {0}\nÖ\neins {1}\n{0}\n");
        assert_eq!(first.len(), "words de 0123456789abcdef".len());
        assert!(
            made.rust.contains("fill(0, \"{0} of {1}\", &[&x, &y])"),
            "{}",
            made.rust
        );
        assert!(made.rust.contains("say(1, \"B\")"), "{}", made.rust);
        assert!(made.rust.contains("COUNT: usize = 4"), "{}", made.rust);
    }

    #[test]
    fn another_english_text_makes_another_fingerprint() {
        let first = |source: &str| {
            let texts = texts(source);
            let made = make(&texts, &[("de", &texts)]).expect("it is right");
            made.files[0].lines().next().map(str::to_string)
        };
        assert_eq!(first("a = \"x\""), first("a = \"x\""));
        assert_ne!(first("a = \"x\""), first("a = \"y\""));
        assert_ne!(first("a = \"x\""), first("b = \"x\""));
    }
}
