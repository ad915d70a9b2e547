//! The machine's description: the first line of every log.

use core::fmt;

use crate::mem::{FRAME_SIZE, MAX_CPUS, MAX_NODES};
use crate::slab::Allocator;
use crate::slab::debug::Flags;
use crate::slab::slub::{BootOptions, OBJECTS_MAX, ORDER_MAX, Prefix};

/// A machine, as its header describes it: `mem=64M nodes=2 cpus=2 hz=1000 slab=slub seed=1`.
///
/// `Display` prints the canonical header: every key, and of SLUB's options those that were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineConfig {
    /// Frames of memory; 1 MiB to 1 GiB.
    pub frames: u32,
    /// NUMA nodes, 1 to 4.
    pub nodes: u32,
    /// CPUs, 1 to 8.
    pub cpus: u32,
    /// Timer ticks a second, 1 to 10,000.
    pub hz: u32,
    /// Which allocator serves the kernel's objects.
    pub slab: Allocator,
    /// Seed of whatever in the kernel is random.
    pub seed: u64,
    /// What is asked of SLUB; the other allocators take no notice.
    pub slub: BootOptions,
    /// Frames of the swap device, which lies behind the memory; 0 is none, at most 1 GiB.
    pub swap: u32,
    /// Whether the kernel emits events, which its chain is made of. `trace=off` is for measuring what they
    /// cost: what such a machine did cannot be compared, nor graded.
    pub traced: bool,
}

/// Why a header is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigError<'a> {
    /// A word is not `key=value`.
    NotAPair(&'a str),
    /// There is no such key.
    UnknownKey(&'a str),
    /// A key occurs twice.
    Repeated(&'a str),
    /// The value is no number, or outside the bounds.
    BadValue {
        /// The key.
        key: &'a str,
        /// Its value.
        value: &'a str,
        /// What may stand there.
        expected: &'static str,
    },
}

impl fmt::Display for ConfigError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("machine header: ")?;
        match self {
            ConfigError::NotAPair(word) => write!(f, "'{}' is not key=value", Shortened(word)),
            ConfigError::UnknownKey(key) => write!(
                f,
                "no key '{}'; the keys are mem, nodes, cpus, hz, slab, seed, swap, trace, and SLUB's \
                 slub_debug, slub_nomerge, slub_min_order, slub_max_order and slub_min_objects",
                Shortened(key)
            ),
            ConfigError::Repeated(key) => write!(f, "key '{key}' stands twice"),
            ConfigError::BadValue {
                key,
                value,
                expected,
            } => {
                write!(f, "{key}={}: expected {expected}", Shortened(value))
            }
        }
    }
}

/// A word of a message, cut to a length that a line can hold.
struct Shortened<'a>(&'a str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(40) {
            Some((end, _)) => write!(f, "{}...", &self.0[..end]),
            None => f.write_str(self.0),
        }
    }
}

const KEYS: [&str; 13] = [
    "mem",
    "nodes",
    "cpus",
    "hz",
    "slab",
    "seed",
    "swap",
    "trace",
    "slub_min_order",
    "slub_max_order",
    "slub_min_objects",
    DEBUG,
    NOMERGE,
];
/// Stands alone, or with a value.
const DEBUG: &str = "slub_debug";
/// Stands alone.
const NOMERGE: &str = "slub_nomerge";
const FRAMES_MIN: u64 = (1 << 20) / FRAME_SIZE as u64;
const FRAMES_MAX: u64 = (1 << 30) / FRAME_SIZE as u64;

impl Default for MachineConfig {
    fn default() -> Self {
        MachineConfig {
            frames: (64 << 20) / FRAME_SIZE as u32,
            nodes: 1,
            cpus: 1,
            hz: 1000,
            slab: Allocator::Slub,
            seed: 1,
            slub: BootOptions::default(),
            swap: 0,
            traced: true,
        }
    }
}

impl MachineConfig {
    /// Frames that the host provides: the memory, and the swap device behind it.
    pub fn ram_frames(&self) -> u32 {
        self.frames + self.swap
    }

    /// Whether a log's first line is a header: its first word begins with one of the keys and `=`, or
    /// is a key that needs no value.
    pub fn is_header(line: &str) -> bool {
        let word = line.split_ascii_whitespace().next().unwrap_or("");
        match word.split_once('=') {
            Some((key, _)) => KEYS.contains(&key),
            None => stands_alone(word),
        }
    }

    /// Reads a header. Keys that are absent have the default machine's values.
    ///
    /// # Errors
    /// The first word that is wrong, and why.
    pub fn parse(header: &str) -> Result<MachineConfig, ConfigError<'_>> {
        let mut config = MachineConfig::default();
        let mut seen = [false; KEYS.len()];
        for word in header.split_ascii_whitespace() {
            let (key, value) = match word.split_once('=') {
                Some(pair) => pair,
                None if stands_alone(word) => (word, ""),
                None => return Err(ConfigError::NotAPair(word)),
            };
            let index = KEYS
                .iter()
                .position(|&known| known == key)
                .ok_or(ConfigError::UnknownKey(key))?;
            if core::mem::replace(&mut seen[index], true) {
                return Err(ConfigError::Repeated(key));
            }
            let bad = |expected| ConfigError::BadValue {
                key,
                value,
                expected,
            };
            let within = |low: u32, high: u32, expected| {
                value
                    .parse()
                    .ok()
                    .filter(|number| (low..=high).contains(number))
                    .ok_or(bad(expected))
            };
            match key {
                "mem" => {
                    config.frames = parse_frames(value)
                        .ok_or(bad("a multiple of 4K from 1M to 1G, such as 64M"))?;
                }
                "swap" => {
                    config.swap = match value {
                        "0" => 0,
                        _ => parse_frames(value)
                            .ok_or(bad("0 or a multiple of 4K from 1M to 1G, such as 16M"))?,
                    };
                }
                "trace" => {
                    config.traced = match value {
                        "on" => true,
                        "off" => false,
                        _ => return Err(bad("on or off")),
                    };
                }
                "nodes" => config.nodes = within(1, MAX_NODES as u32, "1 to 4")?,
                "cpus" => config.cpus = within(1, MAX_CPUS as u32, "1 to 8")?,
                "hz" => config.hz = within(1, 10_000, "1 to 10000")?,
                "seed" => config.seed = value.parse().map_err(|_| bad("a number below 2^64"))?,
                DEBUG => {
                    (config.slub.debug, config.slub.debug_prefix) =
                        parse_debug(value).ok_or(bad(
                            "letters of FZPUT or -, and perhaps a comma and how names of caches begin",
                        ))?;
                }
                NOMERGE => {
                    if word != NOMERGE {
                        return Err(bad("nothing behind the key"));
                    }
                    config.slub.nomerge = true;
                }
                "slub_min_order" => config.slub.min_order = Some(within(0, ORDER_MAX, "0 to 10")?),
                "slub_max_order" => config.slub.max_order = Some(within(0, ORDER_MAX, "0 to 10")?),
                "slub_min_objects" => {
                    config.slub.min_objects = Some(within(1, OBJECTS_MAX, "1 to 512")?);
                }
                _ => config.slab = Allocator::from_name(value).ok_or(bad("slab, slub or slob"))?,
            }
        }
        Ok(config)
    }
}

/// Whether a word is a whole option.
fn stands_alone(word: &str) -> bool {
    word == DEBUG || word == NOMERGE
}

/// Letters, which mean all but tracing if there are none, and behind a comma how the names of the
/// caches begin that are meant.
fn parse_debug(value: &str) -> Option<(Option<Flags>, Prefix)> {
    let (letters, prefix) = match value.split_once(',') {
        Some((letters, prefix)) => (letters, Prefix::of(prefix).filter(|_| !prefix.is_empty())?),
        None => (value, Prefix::default()),
    };
    let flags = match letters {
        "" => Flags::DEFAULT,
        letters => Flags::from_letters(letters)?,
    };
    Some((Some(flags), prefix))
}

/// Frames in a size such as `65536K`, `64M` or `1G`.
fn parse_frames(size: &str) -> Option<u32> {
    let digits = size.trim_end_matches(['K', 'M', 'G']);
    let shift = match &size[digits.len()..] {
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "" => 0,
        _ => return None,
    };
    let bytes = digits.parse::<u64>().ok()?.checked_mul(1 << shift)?;
    let frames = bytes / FRAME_SIZE as u64;
    let valid = bytes % FRAME_SIZE as u64 == 0 && (FRAMES_MIN..=FRAMES_MAX).contains(&frames);
    valid.then_some(frames as u32)
}

/// Writes a size as [`parse_frames`] reads it.
fn write_size(frames: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match u64::from(frames) * 4 {
        kib if kib % 1024 == 0 => write!(f, "{}M", kib / 1024),
        kib => write!(f, "{kib}K"),
    }
}

impl fmt::Display for MachineConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mem=")?;
        write_size(self.frames, f)?;
        let MachineConfig {
            nodes,
            cpus,
            hz,
            slab,
            seed,
            slub,
            ..
        } = self;
        write!(
            f,
            " nodes={nodes} cpus={cpus} hz={hz} slab={} seed={seed}",
            slab.name()
        )?;
        if self.swap != 0 {
            f.write_str(" swap=")?;
            write_size(self.swap, f)?;
        }
        if !self.traced {
            f.write_str(" trace=off")?;
        }
        for (key, number) in [
            ("slub_min_order", slub.min_order),
            ("slub_max_order", slub.max_order),
            ("slub_min_objects", slub.min_objects),
        ] {
            if let Some(number) = number {
                write!(f, " {key}={number}")?;
            }
        }
        if let Some(flags) = slub.debug {
            write!(f, " {DEBUG}={flags}")?;
            let prefix = slub.debug_prefix.text();
            if !prefix.is_empty() {
                write!(f, ",{prefix}")?;
            }
        }
        if slub.nomerge {
            write!(f, " {NOMERGE}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[track_caller]
    fn check(header: &str, expected: &str) {
        let got = match MachineConfig::parse(header) {
            Ok(config) => config.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn headers_are_completed() {
        check("", "mem=64M nodes=1 cpus=1 hz=1000 slab=slub seed=1");
        check(
            "mem=1024K cpus=8 seed=18446744073709551615",
            "mem=1M nodes=1 cpus=8 hz=1000 slab=slub seed=18446744073709551615",
        );
        check(
            "mem=1028K",
            "mem=1028K nodes=1 cpus=1 hz=1000 slab=slub seed=1",
        );
    }

    #[test]
    fn options_of_slub_are_kept_if_given() {
        const REST: &str = "mem=64M nodes=1 cpus=1 hz=1000 slab=slub seed=1";
        let vectors = [
            ("slub_debug", " slub_debug=FZPU"),
            ("slub_debug=", " slub_debug=FZPU"),
            ("slub_debug=zf", " slub_debug=FZ"),
            ("slub_debug=-", " slub_debug=-"),
            ("slub_debug=,dentry", " slub_debug=FZPU,dentry"),
            ("slub_debug=T,kmalloc-", " slub_debug=T,kmalloc-"),
            (
                "slub_nomerge slub_max_order=3 slub_min_order=0 slub_min_objects=8",
                " slub_min_order=0 slub_max_order=3 slub_min_objects=8 slub_nomerge",
            ),
        ];
        for (given, kept) in vectors {
            let canonical = std::format!("{REST}{kept}");
            check(given, &canonical);
            check(&canonical, &canonical);
        }
    }

    #[test]
    fn absurd_options_of_slub_are_refused() {
        let letters =
            "expected letters of FZPUT or -, and perhaps a comma and how names of caches begin";
        for value in [
            "Q",
            "FZ-",
            "F,",
            "F,a-name-that-is-longer-than-a-cache-can-have",
        ] {
            let header = std::format!("slub_debug={value}");
            let shown = Shortened(value);
            check(
                &header,
                &std::format!("machine header: slub_debug={shown}: {letters}"),
            );
        }
        for (header, sentence) in [
            (
                "slub_nomerge=1",
                "slub_nomerge=1: expected nothing behind the key",
            ),
            (
                "slub_nomerge=",
                "slub_nomerge=: expected nothing behind the key",
            ),
            ("slub_min_order=11", "slub_min_order=11: expected 0 to 10"),
            ("slub_max_order=-1", "slub_max_order=-1: expected 0 to 10"),
            (
                "slub_min_objects=0",
                "slub_min_objects=0: expected 1 to 512",
            ),
            ("slub_min_objects", "'slub_min_objects' is not key=value"),
            ("slub_debug slub_debug=F", "key 'slub_debug' stands twice"),
        ] {
            check(header, &std::format!("machine header: {sentence}"));
        }
    }

    #[test]
    fn absurd_headers_are_refused() {
        check(
            "mem=4T",
            "machine header: mem=4T: expected a multiple of 4K from 1M to 1G, such as 64M",
        );
        check(
            "mem=MM",
            "machine header: mem=MM: expected a multiple of 4K from 1M to 1G, such as 64M",
        );
        check(
            "mem=99999999999999999999G",
            "machine header: mem=99999999999999999999G: expected a multiple of 4K from 1M to 1G, such as 64M",
        );
        check("nodes=0", "machine header: nodes=0: expected 1 to 4");
        check("cpus=-1", "machine header: cpus=-1: expected 1 to 8");
        check(
            "slab=slop",
            "machine header: slab=slop: expected slab, slub or slob",
        );
        check("seed=1 seed=1", "machine header: key 'seed' stands twice");
        check(
            "mem=1M colour=red",
            "machine header: no key 'colour'; the keys are mem, nodes, cpus, hz, slab, seed, swap, \
             trace, and SLUB's slub_debug, slub_nomerge, slub_min_order, slub_max_order and slub_min_objects",
        );
        check("mem=1M please", "machine header: 'please' is not key=value");
    }

    #[test]
    fn only_keys_make_a_header() {
        assert!(MachineConfig::is_header("mem=1M"));
        assert!(MachineConfig::is_header("  seed=1 x"));
        assert!(MachineConfig::is_header("slub_debug"));
        assert!(MachineConfig::is_header("slub_debug=- mem=1M"));
        assert!(!MachineConfig::is_header("slub_min_order 1"));
        assert!(!MachineConfig::is_header("x=1"));
        assert!(!MachineConfig::is_header("mkdir /a"));
        assert!(!MachineConfig::is_header(""));
    }
}
