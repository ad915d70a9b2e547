//! The input log as text: a heading, then one console line a step.
//!
//! The log *is* the session: a script, a permalink, a submission. Its first line is a heading if
//! its first word is a pair whose key [`Heading`] knows; otherwise the default machine runs the
//! log and every line is a console line. A blank line is a step that does nothing. `\r\n` counts
//! as `\n`.
//!
//! A heading describes the machine, and may say more, each part in a word of its own:
//!
//! ```text
//! glass=1 lab=radix-keys@1/42 boot=5bd0... events=120 chain=77ac... mem=64M nodes=1 ...
//! ```
//!
//! - `glass=1` is the format's version; a heading without it is of version 1, which came before
//!   versions were written. A log of a later version is refused, never guessed at.
//! - `lab=ID@VERSION/VARIANT` names the lab that the log was made for.
//! - `boot`, `events` and `chain` are the log's seal: the hash chain after boot, and the count of
//!   events and the chain at the log's end. A kernel with the same `boot` that runs the same lines
//!   must arrive at the same end, so whoever edits the lines by hand breaks the seal. It proves
//!   nothing to a grader, who replays anyway; it tells an accident from a submission.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use kernel_core::machine::MachineConfig;
use serde::{Deserialize, Serialize};

/// The version of the format that is written.
pub const VERSION: u32 = 1;

/// Keys of a heading that are not the machine's.
const KEYS: [&str; 5] = ["glass", "lab", "boot", "events", "chain"];

/// A log taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log<'a> {
    /// The heading, empty if the log has none.
    pub header: &'a str,
    /// The console lines.
    pub lines: Vec<&'a [u8]>,
}

/// What a log's first line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The lab that the log is for.
    pub lab: Option<LabTag>,
    /// Where the log ended when it was written.
    pub seal: Option<Seal>,
    /// The machine.
    pub machine: MachineConfig,
}

/// Which lab, in which version and variant, a log was made for: `radix-keys@1/42`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabTag {
    /// The lab's name.
    pub id: String,
    /// The lab's version.
    pub version: u32,
    /// The seed from which the lab's numbers were drawn; see [`crate::lab::variant_of`].
    pub variant: u32,
}

/// What a log came to on the kernel that it was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The hash chain after boot. Another one means another kernel, or another machine.
    pub boot: u64,
    /// Trace events after the last line.
    pub events: u64,
    /// The hash chain after the last line.
    pub chain: u64,
}

impl Heading {
    /// A heading that describes a machine and says nothing more.
    pub fn of(machine: MachineConfig) -> Heading {
        Heading {
            lab: None,
            seal: None,
            machine,
        }
    }

    /// Whether a log's first line is a heading.
    pub fn is_heading(line: &str) -> bool {
        let key = line
            .split_ascii_whitespace()
            .next()
            .and_then(|word| word.split_once('='))
            .map(|(key, _)| key);
        key.is_some_and(|key| KEYS.contains(&key)) || MachineConfig::is_header(line)
    }

    /// Reads a heading. An empty one means the default machine.
    ///
    /// # Errors
    /// A sentence for a person.
    pub fn parse(line: &str) -> Result<Heading, String> {
        let mut own: [Option<&str>; KEYS.len()] = [None; KEYS.len()];
        let mut machine = String::new();
        for word in line.split_ascii_whitespace() {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            match KEYS.iter().position(|&known| known == key) {
                Some(at) => {
                    if own[at].replace(value).is_some() {
                        return Err(format!("heading: key '{key}' stands twice"));
                    }
                }
                None => {
                    machine.push_str(word);
                    machine.push(' ');
                }
            }
        }
        let [version, lab, boot, events, chain] = own;
        if let Some(version) = version {
            let known = version.parse().is_ok_and(|version: u32| version == VERSION);
            if !known {
                let version = shortened(version);
                return Err(format!(
                    "the log is of format version '{version}'; this kernel reads {VERSION}"
                ));
            }
        }
        let seal = match (boot, events, chain) {
            (None, None, None) => None,
            (Some(boot), Some(events), Some(chain)) => Some(
                parse_seal(boot, events, chain)
                    .ok_or("heading: boot and chain are 16 hexadecimal digits, events a number")?,
            ),
            _ => return Err("heading: boot, events and chain go together".to_string()),
        };
        Ok(Heading {
            lab: lab.map(LabTag::parse).transpose()?,
            seal,
            machine: MachineConfig::parse(&machine).map_err(|error| error.to_string())?,
        })
    }
}

impl fmt::Display for Heading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "glass={VERSION} ")?;
        if let Some(lab) = &self.lab {
            write!(f, "lab={lab} ")?;
        }
        if let Some(Seal {
            boot,
            events,
            chain,
        }) = self.seal
        {
            write!(f, "boot={boot:016x} events={events} chain={chain:016x} ")?;
        }
        write!(f, "{}", self.machine)
    }
}

impl LabTag {
    fn parse(word: &str) -> Result<LabTag, String> {
        let parts = word.split_once('@').and_then(|(id, rest)| {
            rest.split_once('/')
                .map(|(version, seed)| (id, version, seed))
        });
        let tag = parts.and_then(|(id, version, variant)| {
            Some(LabTag {
                id: Some(id).filter(|id| is_lab_id(id))?.to_string(),
                version: version.parse().ok()?,
                variant: variant.parse().ok()?,
            })
        });
        let word = shortened(word);
        tag.ok_or_else(|| format!("heading: lab={word}: expected NAME@VERSION/VARIANT"))
    }
}

impl fmt::Display for LabTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}/{}", self.id, self.version, self.variant)
    }
}

/// Whether a lab may be called so: small letters, digits and hyphens, 64 bytes at most, since the
/// name is part of file names and addresses.
pub fn is_lab_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&id.len()) && id.bytes().all(allowed) && !id.starts_with('-')
}

fn parse_seal(boot: &str, events: &str, chain: &str) -> Option<Seal> {
    let hash = |digits: &str| {
        (digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .then(|| u64::from_str_radix(digits, 16).ok())?
    };
    Some(Seal {
        boot: hash(boot)?,
        events: events.parse().ok()?,
        chain: hash(chain)?,
    })
}

/// A word of a message, cut to a length that a line can hold.
fn shortened(word: &str) -> &str {
    let end = word.char_indices().nth(80).map_or(word.len(), |(at, _)| at);
    &word[..end]
}

/// Takes a log apart. Any bytes are a log.
pub fn parse(log: &[u8]) -> Log<'_> {
    let mut lines: Vec<&[u8]> = log
        .split(|&byte| byte == b'\n')
        .map(without_returns)
        .collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let header = lines
        .first()
        .and_then(|line| core::str::from_utf8(line).ok())
        .filter(|line| Heading::is_heading(line))
        .unwrap_or("");
    if !header.is_empty() {
        lines.remove(0);
    }
    Log { header, lines }
}

/// A line without the carriage returns at its end, which are another system's way to end it.
pub fn without_returns(mut line: &[u8]) -> &[u8] {
    while let Some(rest) = line.strip_suffix(b"\r") {
        line = rest;
    }
    line
}

/// Writes a log.
pub fn write<'a>(heading: &Heading, lines: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut log = heading.to_string().into_bytes();
    log.push(b'\n');
    for line in lines {
        log.extend_from_slice(line);
        log.push(b'\n');
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(log: &str, header: &str, lines: &[&str]) {
        let parsed = parse(log.as_bytes());
        assert_eq!(parsed.header, header);
        assert_eq!(
            parsed.lines,
            lines.iter().map(|line| line.as_bytes()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn logs_with_and_without_header() {
        check("", "", &[]);
        check("mem=1M\n", "mem=1M", &[]);
        check(
            "mem=1M cpus=2\necho a\n\necho b",
            "mem=1M cpus=2",
            &["echo a", "", "echo b"],
        );
        check("glass=1\necho a", "glass=1", &["echo a"]);
        check("echo mem=1M\r\nx=1\r\r\n", "", &["echo mem=1M", "x=1"]);
        check("\n\n", "", &["", ""]);
    }

    #[test]
    fn a_written_log_reads_the_same() {
        let heading = Heading::of(MachineConfig::default());
        let log = write(&heading, [b"a".as_slice(), b"", b"\xff"].into_iter());
        let parsed = parse(&log);
        assert_eq!(Heading::parse(parsed.header), Ok(heading));
        assert_eq!(parsed.lines, [b"a".as_slice(), b"", b"\xff"]);
    }

    #[test]
    fn a_heading_says_lab_and_seal() {
        let text = "glass=1 lab=radix-keys@3/42 boot=00000000000000aa events=7 \
                    chain=ffffffffffffffff mem=1M nodes=1 cpus=1 hz=1000 slab=slub seed=1";
        let heading = Heading::parse(text).unwrap();
        assert_eq!(heading.to_string(), text);
        let lab = heading.lab.unwrap();
        assert_eq!(
            (lab.id.as_str(), lab.version, lab.variant),
            ("radix-keys", 3, 42)
        );
        assert_eq!(heading.seal.unwrap().boot, 0xaa);
        assert_eq!(heading.machine.frames, 256);
    }

    #[test]
    fn headings_that_say_nonsense_are_refused() {
        let error = |line| Heading::parse(line).unwrap_err();
        assert!(error("glass=2 mem=1M").contains("version '2'"));
        assert!(error("glass= mem=1M").contains("version ''"));
        assert!(error("glass=1 glass=1").contains("twice"));
        assert!(error("boot=0 mem=1M").contains("go together"));
        assert!(error("boot=zz events=1 chain=0000000000000000").contains("hexadecimal"));
        assert!(error("lab=x mem=1M").contains("NAME@VERSION/VARIANT"));
        assert!(error("lab=../x@1/1").contains("NAME@VERSION/VARIANT"));
        assert!(error("mem=1M lba=x@1/1").contains("lba"));
    }
}
