//! Finding things by name: labs, examples, commands, views, terms.
//!
//! A query is words; each must be found in a thing's name or in what is said of it. A word is found
//! where another begins with it, or, if it is not too short, where another would but for one letter too
//! many, too few, exchanged or swapped. A name counts more than what is said, and an exact word more than
//! one that was mistyped.

/// What can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Where it leads.
    pub goal: Goal,
    /// Its name.
    pub name: String,
    /// What is said of it, in a line.
    pub says: String,
}

/// Where a thing leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// A pane, by the name of its tab.
    Pane(crate::choices::Pane),
    /// A lab, by name.
    Lab(String),
    /// An example, by name.
    Example(String),
    /// A command of the console.
    Command(String),
    /// A term of the glossary, by its name in addresses.
    Term(String),
    /// The tour.
    Tour,
    /// The list of labs.
    Labs,
    /// The examples.
    Playground,
    /// The whole glossary.
    Glossary,
}

impl Goal {
    /// What kind of thing leads there.
    pub fn kind(&self) -> Kind {
        match self {
            Goal::Pane(_) => Kind::View,
            Goal::Lab(_) | Goal::Labs => Kind::Lab,
            Goal::Example(_) | Goal::Playground => Kind::Example,
            Goal::Command(_) => Kind::Command,
            Goal::Term(_) | Goal::Glossary => Kind::Term,
            Goal::Tour => Kind::Tour,
        }
    }
}

/// Kinds of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A pane.
    View,
    /// The tour.
    Tour,
    /// Labs.
    Lab,
    /// Examples.
    Example,
    /// Commands.
    Command,
    /// Words.
    Term,
}

/// How many things are shown.
pub const SHOWN: usize = 24;

/// Words at least so long are found although one letter is wrong.
const FORGIVEN_FROM: usize = 4;

/// The things that a query finds, the best first; an empty query finds none.
pub fn find<'a>(query: &str, things: impl Iterator<Item = &'a Thing>) -> Vec<&'a Thing> {
    let query = query.to_ascii_lowercase();
    let words: Vec<&str> = words(&query).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<((u32, usize, Kind), &Thing)> = things
        .filter_map(|thing| {
            let cost = cost(&words, thing)?;
            Some(((cost, thing.name.len(), thing.goal.kind()), thing))
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.name.cmp(&other.1.name)));
    found.truncate(SHOWN);
    found.into_iter().map(|(_, thing)| thing).collect()
}

/// How far a thing is from what was meant; `None` if a word is not found.
fn cost(query: &[&str], thing: &Thing) -> Option<u32> {
    let name = thing.name.to_ascii_lowercase();
    let says = thing.says.to_ascii_lowercase();
    let mut total = 0;
    for (at, word) in query.iter().enumerate() {
        let in_name = words(&name).enumerate().filter_map(|(place, other)| {
            // The beginning of a name counts more than its end.
            Some(distance(word, other)? * 4 + u32::from(place != at))
        });
        let in_text = words(&says).filter_map(|other| Some(distance(word, other)? * 4 + 20));
        total += in_name.chain(in_text).min()?;
    }
    Some(total)
}

/// The words of a text, of which only ASCII's letters are told from other signs: everyone would load the
/// tables for the rest. What joins a name, as in `oom_adj` or `cpu.shares`, separates them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let pieces = text.split(|letter: char| letter.is_ascii() && !letter.is_ascii_alphanumeric());
    pieces.filter(|word| !word.is_empty())
}

/// 0 if they are the same, 1 if `word` begins with what was typed, 2 if it nearly does.
fn distance(typed: &str, word: &str) -> Option<u32> {
    if typed == word {
        Some(0)
    } else if word.starts_with(typed) {
        Some(1)
    } else if typed.chars().count() >= FORGIVEN_FROM && nearly_begins(typed, word) {
        Some(2)
    } else {
        None
    }
}

/// Whether `word` begins with `typed` once one letter is put right.
fn nearly_begins(typed: &str, word: &str) -> bool {
    let typed: Vec<char> = typed.chars().collect();
    let word: Vec<char> = word.chars().collect();
    let same = typed.iter().zip(&word).take_while(|(a, b)| a == b).count();
    let (typed, word) = (&typed[same..], &word[same..]);
    let begins = |from: usize, at: usize| match (typed.get(from..), word.get(at..)) {
        (Some(typed), Some(word)) => word.starts_with(typed),
        _ => false,
    };
    let is_swapped = match (typed, word) {
        ([a, b, ..], [c, d, ..]) => a == d && b == c,
        _ => false,
    };
    // Exchanged, one too many, one too few, two swapped.
    begins(1, 1) || begins(1, 0) || begins(0, 1) || is_swapped && begins(2, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(name: &str, says: &str, goal: Goal) -> Thing {
        Thing {
            goal,
            name: name.into(),
            says: says.into(),
        }
    }

    fn things() -> Vec<Thing> {
        let term = |name: &str, says: &str| thing(name, says, Goal::Term(name.into()));
        vec![
            term("freelist", "A chain through the free objects of a slab."),
            term("slab", "Pages cut into objects."),
            term("slab cache", "All slabs of one kind."),
            term("oom_adj", "By how many bits a score is shifted."),
            term("vruntime", "How long a task has run, by weight."),
            thing(
                "radix insert",
                "store an item",
                Goal::Command("radix insert".into()),
            ),
            thing("slab", "The pane", Goal::Pane(crate::choices::Pane::Slab)),
        ]
    }

    fn names(query: &str) -> Vec<String> {
        let things = things();
        let found = find(query, things.iter());
        found.into_iter().map(|thing| thing.name.clone()).collect()
    }

    #[test]
    fn names_come_before_what_is_said() {
        assert_eq!(names("slab"), ["slab", "slab", "slab cache", "freelist"]);
        let things = things();
        assert_eq!(find("slab", things.iter())[0].goal.kind(), Kind::View);
        assert_eq!(names("insert"), ["radix insert"]);
        assert_eq!(names("radix ins"), ["radix insert"]);
        assert_eq!(names("adj"), ["oom_adj"]);
        assert_eq!(names("free objects"), ["freelist"]);
        assert_eq!(names("radix task"), Vec::<String>::new());
        assert_eq!(names(""), Vec::<String>::new());
        assert_eq!(names(" . "), Vec::<String>::new());
    }

    #[test]
    fn one_wrong_letter_is_forgiven() {
        for typed in [
            "freelist",
            "frelist",
            "freeelist",
            "fteelist",
            "ferelist",
            "FreeLits",
        ] {
            assert_eq!(names(typed), ["freelist"], "{typed}");
        }
        for typed in ["vruntiem", "vrumtime", "vrntime", "vrun"] {
            assert_eq!(names(typed), ["vruntime"], "{typed}");
        }
        for typed in ["frexlisd", "listfree", "xyz", "zlab x"] {
            assert!(names(typed).is_empty(), "{typed}: {:?}", names(typed));
        }
        // Three letters are too few to be wrong.
        assert!(names("smt").is_empty());
        assert_eq!(names("slba")[0], "slab");
    }

    /// Any one mistake in any word of four letters or more finds it again.
    #[test]
    fn any_single_mistake_is_forgiven() {
        let word = "watermark";
        let mut typed: Vec<String> = Vec::new();
        for at in 0..word.len() {
            typed.push([&word[..at], &word[at + 1..]].concat());
            typed.push([&word[..at], "q", &word[at..]].concat());
            typed.push([&word[..at], "q", &word[at + 1..]].concat());
            if at + 1 < word.len() {
                let (one, other) = (&word[at..=at], &word[at + 1..at + 2]);
                typed.push([&word[..at], other, one, &word[at + 2..]].concat());
            }
        }
        for typed in typed {
            assert!(distance(&typed, word).is_some(), "{typed}");
        }
        assert_eq!(distance("qaterqark", word), None);
    }
}
