//! The trace as a file that other tools read.
//!
//! The kernel's ring keeps the last thousand events and a session may have had millions, so a file
//! is written from a replay: an [`Export`] is the [`Tap`] that the replaying kernel fills, and it
//! turns each event into the file's bytes at once. Files are cut into pieces between any two events,
//! and a piece depends on nothing but the log and the number it begins with, so a session keeps
//! nothing from one piece to the next.
//!
//! All three formats tell the same. Each console line is a slice, on the track of the CPU that it
//! began on, named by its text; each event is an instant on the track of its CPU, with its fields;
//! events that were not recorded (`tracing_on`) are counted where they are missing. The kernel has no
//! clock, so **time is virtual: an event's number since boot, in microseconds**. Equal logs give equal
//! files.
//!
//! | file | idea |
//! |---|---|
//! | `ftrace.rs` | the text that ftrace prints |
//! | `chrome.rs` | Chrome's JSON |
//! | `perfetto.rs` | Perfetto's packets |
//! | `proto.rs` | writing protocol buffers |

mod chrome;
mod ftrace;
mod perfetto;
mod proto;

use alloc::string::String;
use alloc::vec::Vec;

use kernel_core::machine::MachineConfig;
use kernel_core::mem::Mem;
use kernel_core::trace::{Event, TRACE, Tap};

use crate::protocol::TraceFormat;

/// Bytes after which a piece ends.
const PIECE: usize = 1 << 20;

/// Characters of a console line that its slice is named by.
const NAME_SHOWN: usize = 200;

/// What every file says of its time.
const CLOCK: &str = "virtual: the kernel has no clock, each event takes a microsecond";

/// A piece of a file in the making.
pub(crate) struct Export {
    format: TraceFormat,
    out: Vec<u8>,
    /// Number of the next event to write.
    next: u64,
    /// Events before `next` that were not recorded and are not told of yet.
    lost: u64,
    /// The CPU on which the present line began.
    cpu: u8,
    /// The present line is none: the machine boots.
    is_boot: bool,
    is_full: bool,
}

/// A slice of a CPU's time.
#[derive(Debug, Clone, Copy)]
struct Slice<'a> {
    /// Its name: the console line as far as it is shown, or what happens at boot.
    name: &'a str,
    /// When it begins, in microseconds.
    at: u64,
    /// On which CPU.
    cpu: u8,
    /// It is no line.
    is_boot: bool,
}

impl Export {
    /// A piece that begins with event number `next`.
    pub fn new(format: TraceFormat, next: u64) -> Export {
        Export {
            format,
            out: Vec::new(),
            next,
            lost: 0,
            cpu: 0,
            is_boot: false,
            is_full: false,
        }
    }

    /// Writes what comes before the first event of a file.
    pub fn head(&mut self, machine: &MachineConfig) {
        let out = &mut self.out;
        match self.format {
            TraceFormat::Perfetto => perfetto::head(out, machine, self.next),
            TraceFormat::Chrome => chrome::head(out, machine),
            TraceFormat::Ftrace => ftrace::head(out, machine),
        }
    }

    /// Writes what comes after the last event of a file.
    pub fn tail(&mut self) {
        if self.format == TraceFormat::Chrome {
            chrome::tail(&mut self.out);
        }
    }

    /// Begins or goes on with a line; `line` is `None` for what happens at boot, `first` the number of
    /// its first event.
    pub fn begin(&mut self, line: Option<&[u8]>, first: u64, cpu: u32) {
        self.cpu = cpu as u8;
        self.is_boot = line.is_none();
        if self.next != first {
            return; // The slice began in an earlier piece.
        }
        let name = line.map_or_else(|| "boot".into(), shown);
        let slice = Slice {
            name: &name,
            at: first,
            cpu: self.cpu,
            is_boot: self.is_boot,
        };
        let out = &mut self.out;
        match self.format {
            TraceFormat::Perfetto => perfetto::begin(out, slice),
            TraceFormat::Chrome => chrome::begin(out, slice),
            TraceFormat::Ftrace => ftrace::begin(out, slice),
        }
    }

    /// Writes the events before number `until`, as far as `mem` still has them and the piece has
    /// room.
    pub fn take(&mut self, mem: &Mem, until: u64) {
        while self.next < until && !self.is_full {
            match mem.event(self.next) {
                Some(event) => {
                    self.tell_lost();
                    self.event(mem, &event);
                }
                None => self.lost += 1,
            }
            self.next += 1;
            self.is_full = self.out.len() >= PIECE;
        }
    }

    fn event(&mut self, mem: &Mem, event: &Event) {
        let out = &mut self.out;
        match self.format {
            TraceFormat::Perfetto => perfetto::event(out, mem, event),
            TraceFormat::Chrome => chrome::event(out, mem, event),
            TraceFormat::Ftrace => ftrace::event(out, mem, event),
        }
    }

    /// Tells of events that were not recorded, if there were some just before the next one.
    fn tell_lost(&mut self) {
        if self.lost == 0 {
            return;
        }
        let (out, at) = (&mut self.out, self.next);
        match self.format {
            TraceFormat::Perfetto => perfetto::lost(out, self.lost, at, self.cpu),
            TraceFormat::Chrome => chrome::lost(out, self.lost, at, self.cpu),
            TraceFormat::Ftrace => ftrace::lost(out, self.lost, self.cpu),
        }
        self.lost = 0;
    }

    /// Ends a line whose last event was the one before number `end`, and says whether it could: a
    /// piece that is full may have stopped short of it.
    pub fn end(&mut self, end: u64) -> bool {
        if self.next < end {
            return false;
        }
        self.tell_lost();
        let out = &mut self.out;
        match self.format {
            TraceFormat::Perfetto => perfetto::end(out, end, self.cpu),
            TraceFormat::Chrome => chrome::end(out, end, self.cpu),
            TraceFormat::Ftrace => ftrace::end(out, end, self.cpu, self.is_boot),
        }
        true
    }

    /// Whether the piece is as long as it should be. It tells of one event at least.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// The piece, and the number of the next piece's first event.
    pub fn finish(self) -> (Vec<u8>, u64) {
        (self.out, self.next)
    }
}

impl Tap for Export {
    fn catch_up(&mut self, mem: &Mem) {
        let until = mem[TRACE].events;
        self.take(mem, until);
    }
}

/// A console line as a name: its first characters, without control characters.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut name: String = text
        .chars()
        .take(NAME_SHOWN)
        .map(|character| match character {
            control if control.is_control() => char::REPLACEMENT_CHARACTER,
            other => other,
        })
        .collect();
    if text.chars().nth(NAME_SHOWN).is_some() {
        name.push('…');
    }
    if name.trim().is_empty() {
        name = "(blank line)".into();
    }
    name
}
