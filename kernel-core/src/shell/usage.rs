//! Usage lines, and which words may come next in one.
//!
//! A command says how it is called once, in the line that `help` shows: `kill [-SIGNAL] PID|%JOB... |
//! kill -l`. The Tab key reads the same line, so it offers what help promises, and nothing has to be
//! said twice. Words in capitals stand for others, and what they are called says of which kind
//! ([`Kind::of`]); what stands in brackets may be left out, `...` may come again, `|` between blanks
//! separates whole forms and within a word its alternatives. A `;` ends what is read.
//!
//! A line is taken apart into [`Item`]s each time it is wanted: it is short, and Tab is pressed by people.
//! Which of them may come next is a set of places, a bit each, that every word moves on.

/// What stands at a place of a usage line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item<'a> {
    /// A word with its alternatives; it may come again.
    Word { text: &'a str, repeats: bool },
    /// A group begins that may be left out; it ends at this place.
    Open { close: u8 },
    /// The group ends. Those beside it may come in any order: the first of them begins at `run`.
    Close { run: u8 },
    /// A form ends.
    End,
}

/// Items of a line. The longest has some twenty.
const ITEMS_MAX: usize = 48;

/// A usage line, and how far the words so far lead in it.
pub(super) struct Usage<'a> {
    items: [Item<'a>; ITEMS_MAX],
    len: usize,
    /// The places where the next word may stand, a bit each.
    at: u64,
    /// The places that a word has stood at.
    used: u64,
}

impl<'a> Usage<'a> {
    /// Takes a line apart. A form may begin with the command's name. What is too long for the table
    /// is left out.
    pub fn new(line: &'a str, command: &str) -> Usage<'a> {
        let mut usage = Usage {
            items: [Item::End; ITEMS_MAX],
            len: 0,
            at: 0,
            used: 0,
        };
        let line = line.split(';').next().unwrap_or("");
        let line = line.split(" < ").next().unwrap_or("");
        for form in line.split(" | ") {
            let rest = form.strip_prefix(command).unwrap_or(form);
            let is_named = rest.is_empty() || rest.starts_with(' ');
            usage.at |= bit(usage.len);
            usage.sequence(if is_named { rest } else { form });
            usage.push(Item::End);
        }
        usage.spread();
        usage
    }

    fn push(&mut self, item: Item<'a>) {
        if let Some(slot) = self.items.get_mut(self.len) {
            *slot = item;
            self.len += 1;
        }
    }

    /// Takes words and groups apart.
    fn sequence(&mut self, text: &'a str) {
        let mut rest = text;
        let mut run = None;
        while let Some((token, behind)) = next_token(rest) {
            rest = behind;
            let (token, repeats) = match token.strip_suffix("...") {
                Some(token) => (token, true),
                None => (token, false),
            };
            let Some(inner) = group(token) else {
                run = None;
                self.push(Item::Word {
                    text: token.trim_end_matches(','),
                    repeats,
                });
                continue;
            };
            let open = self.len;
            let run = *run.get_or_insert(open);
            self.push(Item::Open { close: 0 });
            self.sequence(inner);
            let close = self.len as u8;
            self.push(Item::Close { run: run as u8 });
            if let Some(slot) = self.items.get_mut(open) {
                *slot = Item::Open { close };
            }
        }
    }

    /// Adds the places that are reached without a word.
    fn spread(&mut self) {
        loop {
            let before = self.at;
            for (place, item) in self.items[..self.len].iter().enumerate() {
                if self.at & bit(place) != 0 {
                    self.at |= match *item {
                        Item::Open { close } => bit(place + 1) | bit(usize::from(close)),
                        Item::Close { run } => bit(place + 1) | bit(usize::from(run)),
                        Item::Word { .. } | Item::End => 0,
                    };
                }
            }
            if self.at == before {
                return;
            }
        }
    }

    /// Goes on behind a word.
    pub fn step(&mut self, word: &str) {
        let mut next = 0;
        for (place, item) in self.items[..self.len].iter().enumerate() {
            if let Item::Word { text, repeats } = *item
                && self.at & bit(place) != 0
                && alternatives(text).any(|alternative| alternative.takes(word))
            {
                next |= bit(place + 1) | if repeats { bit(place) } else { 0 };
                self.used |= bit(place);
            }
        }
        self.at = next;
        self.spread();
    }

    /// What the next word may be, in the order of the line. An option that was given is not told again.
    pub fn next(&self) -> impl Iterator<Item = Alternative<'a>> {
        let places = self.items[..self.len].iter().enumerate();
        let here = places.filter(|(place, _)| self.at & bit(*place) != 0);
        here.filter_map(|(place, item)| match *item {
            Item::Word { text, repeats } => {
                let is_used = !repeats && self.used & bit(place) != 0;
                Some(alternatives(text).filter(move |it| !is_used || it.stands_for().is_some()))
            }
            _ => None,
        })
        .flatten()
    }

    /// Whether the words so far are a whole call.
    #[cfg(test)]
    pub fn is_whole(&self) -> bool {
        let ends =
            |(place, item): (usize, &Item<'_>)| *item == Item::End && self.at & bit(place) != 0;
        self.items[..self.len].iter().enumerate().any(ends)
    }

    /// Whether the line fits into the table.
    #[cfg(test)]
    pub fn fits(&self) -> bool {
        self.len < ITEMS_MAX
    }
}

/// The bit of a place; of none that the table does not have.
fn bit(place: usize) -> u64 {
    if place < ITEMS_MAX { 1 << place } else { 0 }
}

/// The first word or group of a text, and what follows it.
fn next_token(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let mut depth = 0_i32;
    let end = text.find(|c| {
        depth += match c {
            '[' => 1,
            ']' => -1,
            _ => 0,
        };
        c == ' ' && depth == 0
    });
    (!text.is_empty()).then(|| text.split_at(end.unwrap_or(text.len())))
}

/// What stands in brackets, if a token is one such group.
fn group(token: &str) -> Option<&str> {
    let inner = token.strip_prefix('[')?.strip_suffix(']')?;
    // `[UID][:GID]` are two, glued together: a word.
    (!inner.contains("][")).then_some(inner)
}

/// One of the words that may stand at a place: a plain one, a beginning with a word in capitals behind
/// it (`gfp=MASK`), or such a word alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Alternative<'a> {
    /// It as the usage has it.
    pub text: &'a str,
    /// How many bytes of it are to be typed as they are.
    plain: usize,
}

fn alternatives(text: &str) -> impl Iterator<Item = Alternative<'_>> {
    text.split('|').map(|text| {
        let is_open = |c: char| c.is_ascii_uppercase() || c == '[';
        let plain = text.find(is_open).unwrap_or(text.len());
        Alternative { text, plain }
    })
}

impl<'a> Alternative<'a> {
    /// What is to be typed as it is.
    pub fn plain(self) -> &'a str {
        &self.text[..self.plain]
    }

    /// The word in capitals that stands for others.
    pub fn stands_for(self) -> Option<&'a str> {
        (self.plain < self.text.len()).then(|| &self.text[self.plain..])
    }

    /// Whether a typed word may be meant.
    fn takes(self, word: &str) -> bool {
        let option = word.strip_prefix('-').unwrap_or("");
        let is_option = option.starts_with(|c: char| c.is_ascii_alphabetic()) || option == "-";
        match (self.plain(), self.stands_for()) {
            // Letters of options may be given one by one.
            (plain, None) if is_option => {
                let known = plain.strip_prefix('-').unwrap_or("");
                plain == word || option != "-" && option.chars().all(|c| known.contains(c))
            }
            (plain, None) => plain == word,
            ("", Some(_)) => !is_option,
            (plain, Some(_)) => word.starts_with(plain),
        }
    }
}

/// Of which kind are the words that a word in capitals stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A path, or a name that is there.
    Path,
    /// A radix tree's name.
    Tree,
    /// A slab cache's name.
    Cache,
    /// An object of a slab cache.
    Object,
    /// A task's number.
    Pid,
    /// A job's number.
    Job,
    /// A signal's name.
    Signal,
    /// A command's name.
    Command,
    /// A page of the manual.
    Page,
    /// A program of `/bin`.
    Program,
    /// A type of file systems.
    FileSystem,
    /// Subsystems of containers.
    Subsystem,
    /// Policies of the OOM killer.
    Policy,
    /// What `spawn` sets of a task.
    Key,
    /// One of these words.
    Words(&'static [&'static str]),
    /// Whatever one likes: a number, a new name.
    Free,
}

impl Kind {
    /// The kind of what is called so.
    pub fn of(name: &str) -> Kind {
        // Of a list, one of it.
        match name.split(',').next().unwrap_or("") {
            "FILE" | "PATH" | "DIRECTORY" | "TARGET" | "LINK" | "SOURCE" | "DEVICE"
            | "ARGUMENT" => Kind::Path,
            "T" => Kind::Tree,
            "CACHE" => Kind::Cache,
            "ADDRESS" => Kind::Object,
            "PID" => Kind::Pid,
            "JOB" => Kind::Job,
            "SIGNAL" => Kind::Signal,
            "COMMAND" => Kind::Command,
            "PAGE" => Kind::Page,
            "PROGRAM" => Kind::Program,
            "TYPE" => Kind::FileSystem,
            "OPTIONS" => Kind::Subsystem,
            "POLICY" => Kind::Policy,
            "KEY=VALUE" => Kind::Key,
            "MASK" => Kind::Words(&["GFP_ATOMIC", "GFP_DMA", "GFP_KERNEL"]),
            "OPS" => Kind::Words(&["movable", "naughty", "pinned"]),
            "KIND" => Kind::Words(&[
                "cache_dma",
                "destroy_by_rcu",
                "hwcache_align",
                "reclaim_account",
            ]),
            _ => Kind::Free,
        }
    }

    /// Whether several may stand behind each other, with commas.
    pub fn is_list(self) -> bool {
        matches!(self, Kind::Subsystem | Kind::Policy)
    }
}
