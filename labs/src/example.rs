//! Examples: short sessions that are interesting at once, one or more for every system.
//!
//! An example is a log in `labs/examples/` that anybody can run (`cargo xtask run`). Behind its
//! heading it has three comments: a title, a sentence, and words that say to which system it belongs and
//! where its end is best looked at:
//!
//! ```text
//! mem=4M
//! # Objects on a page
//! # A cache of 120-byte objects: who has which place of a slab, and what is taken next.
//! # system=slab pane=slab cache=skb
//! kmem create skb 120
//! ```
//!
//! The page fetches all of them in one file when it is first asked for; there the comments are gone,
//! so that every step of the session does something. The page's module has none of this reading.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::lab::{from_bytes, to_bytes};
use crate::log::{self, Heading, is_lab_id};

/// The file's name, in the folder of the labs.
pub const FILE: &str = "examples.bin";

/// A system of the kernel, as examples and the glossary are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum System {
    /// Radix trees.
    Radix,
    /// Zones, frames, the buddy allocator.
    Memory,
    /// Slab allocators.
    Slab,
    /// Reclaim and the swap device.
    Swap,
    /// Files, paths, the dentry cache.
    Files,
    /// Tasks, programs, address spaces.
    Tasks,
    /// The scheduler and time.
    Scheduler,
    /// Process containers.
    Containers,
    /// The OOM killer.
    Oom,
    /// Events, logs, sessions.
    Trace,
}

impl System {
    /// All systems, in the order in which lists show them.
    pub const ALL: [System; 10] = [
        System::Radix,
        System::Memory,
        System::Slab,
        System::Swap,
        System::Files,
        System::Tasks,
        System::Scheduler,
        System::Containers,
        System::Oom,
        System::Trace,
    ];

    /// Its word in the files.
    pub fn name(self) -> &'static str {
        match self {
            System::Radix => "radix",
            System::Memory => "memory",
            System::Slab => "slab",
            System::Swap => "swap",
            System::Files => "files",
            System::Tasks => "tasks",
            System::Scheduler => "scheduler",
            System::Containers => "containers",
            System::Oom => "oom",
            System::Trace => "trace",
        }
    }

    /// The system of this word.
    pub fn from_name(name: &str) -> Option<System> {
        System::ALL.into_iter().find(|system| system.name() == name)
    }
}

/// An example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Its name in addresses: the file's, without its end.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What is to be seen, in a sentence or two.
    pub says: String,
    /// What it is about.
    pub system: System,
    /// The pane that shows it, by the name of its tab.
    pub pane: String,
    /// The slab cache that is to be open in that pane; empty: none.
    pub cache: String,
    /// The lines, counted from 1, that are meant to fail.
    pub fails: Vec<u32>,
    /// The machine, as a log's heading has it.
    pub machine: String,
    /// The console lines.
    pub lines: Vec<String>,
}

impl Example {
    /// Reads a file of this name.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(name: &str, text: &str) -> Result<Example, String> {
        if !is_lab_id(name) {
            return Err("an example is named with small letters, digits and hyphens".into());
        }
        let parsed = log::parse(text.as_bytes());
        let machine = Heading::parse(parsed.header)?.machine;
        if parsed.header.is_empty() {
            return Err("the first line describes the machine, such as mem=16M".into());
        }
        let mut lines = text.lines().skip(1);
        let mut comment = |what: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix("# "));
            let line = line.map(str::trim).filter(|line| !line.is_empty());
            line.ok_or_else(|| format!("behind the heading stands a comment with {what}"))
        };
        let title = comment("the title")?.to_owned();
        let says = comment("a sentence")?.to_owned();
        let words = comment("system=NAME pane=NAME")?;
        let (mut system, mut pane, mut cache) = (None, "", "");
        let mut fails = Vec::new();
        for word in words.split_ascii_whitespace() {
            match word.split_once('=') {
                Some(("system", value)) => {
                    system = Some(
                        System::from_name(value)
                            .ok_or_else(|| format!("there is no system '{value}'"))?,
                    );
                }
                Some(("pane", value)) => pane = value,
                Some(("cache", value)) => cache = value,
                Some(("fails", value)) => {
                    for number in value.split(',') {
                        let number = number.parse();
                        fails.push(number.map_err(|_| format!("fails={value}: numbers of lines"))?);
                    }
                }
                _ => {
                    return Err(format!(
                        "'{word}' is none of system=, pane=, cache=, fails="
                    ));
                }
            }
        }
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        let is_line = |line: &String| !line.trim().is_empty() && !line.starts_with('#');
        if lines.is_empty() || !lines.iter().all(is_line) {
            return Err("below the comments stand console lines, and nothing else".into());
        }
        if let Some(line) = fails.iter().find(|line| **line as usize > lines.len()) {
            return Err(format!("fails={line}: there are {} lines", lines.len()));
        }
        Ok(Example {
            name: name.to_owned(),
            title,
            says,
            system: system.ok_or("the third comment says system=NAME")?,
            pane: pane.to_owned(),
            cache: cache.to_owned(),
            fails,
            machine: format!("{machine}"),
            lines,
        })
    }

    /// The session as a log.
    pub fn log(&self) -> Vec<u8> {
        let mut log = self.machine.clone().into_bytes();
        for line in &self.lines {
            log.push(b'\n');
            log.extend(line.as_bytes());
        }
        log.push(b'\n');
        log
    }
}

/// Writes examples as the file that the page fetches.
pub fn pack(examples: &[Example]) -> Vec<u8> {
    to_bytes(&examples)
}

/// Reads that file.
///
/// # Errors
/// A sentence for a person.
pub fn unpack(bytes: &[u8]) -> Result<Vec<Example>, String> {
    from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "mem=4M\n# Title\n# A sentence.\n# system=slab pane=slab cache=c fails=2\n\
        kmem create c 64\nfalse\n";

    #[test]
    fn an_example_is_read_packed_and_made_a_log() {
        let example = Example::parse("slab-x", TEXT).unwrap();
        assert_eq!(
            (example.title.as_str(), example.says.as_str()),
            ("Title", "A sentence.")
        );
        assert_eq!(
            (example.system, example.pane.as_str()),
            (System::Slab, "slab")
        );
        assert_eq!(
            (example.cache.as_str(), &example.fails[..]),
            ("c", &[2][..])
        );
        let log = example.log();
        let log = log::parse(&log);
        assert_eq!(log.lines, [&b"kmem create c 64"[..], b"false"]);
        assert!(Heading::parse(log.header).is_ok(), "{}", log.header);
        assert_eq!(
            unpack(&pack(core::slice::from_ref(&example))),
            Ok([example].to_vec())
        );
    }

    #[test]
    fn what_is_wrong_with_an_example_is_said() {
        let wrong =
            |from: &str, to: &str| Example::parse("x", &TEXT.replace(from, to)).unwrap_err();
        assert!(wrong("mem=4M", "mem=4Q").contains("mem"));
        assert!(wrong("mem=4M\n", "").contains("machine"));
        assert!(wrong("# Title\n", "").contains("system"));
        assert!(wrong("# A sentence.\n", "#\n").contains("a sentence"));
        assert!(wrong("system=slab", "system=moon").contains("'moon'"));
        assert!(wrong("cache=c", "colour=red").contains("'colour=red'"));
        assert!(wrong("fails=2", "fails=3").contains("2 lines"));
        assert!(wrong("fails=2", "fails=x").contains("numbers"));
        assert!(wrong("false", "# comment").contains("nothing else"));
        assert!(wrong("kmem create c 64\nfalse\n", "").contains("console lines"));
        assert!(Example::parse("Radix!", TEXT).is_err());
    }
}
