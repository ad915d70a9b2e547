//! What a program may ask of the kernel, and what it costs: the table that the manual prints.
//!
//! Costs are virtual time, about those of a machine of the era; on top come those of page faults and of
//! what is copied ([`FAULT_NS`], [`COPY_NS`]). They are system time, but for the calls that only compute.

use crate::task::time::NSEC_PER_SEC;

/// User time of a line of a program, whatever it computes.
pub const LINE_NS: u32 = 500;
/// System time of a page fault, on top of the call or line that causes it.
pub const FAULT_NS: u32 = 1_500;
/// System time of a page that is copied, read or written.
pub const COPY_NS: u32 = 500;

/// What kind of value an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// A length of time; a number without a unit that stands there itself is seconds.
    Duration,
    /// A text: a path, a word.
    Text,
    /// A signal by its name, or a number.
    Signal,
    /// A word of a list; see [`MODES`].
    Mode,
    /// The name of a variable, which the call sets.
    Variable,
    /// Any number of texts.
    Texts,
}

/// A call.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Its name.
    pub name: &'static str,
    /// Its arguments as a manual names them; those in brackets may be left out.
    pub usage: &'static str,
    /// The kinds of the arguments.
    pub kinds: &'static [Kind],
    /// Arguments that must be there.
    pub required: u8,
    /// Time that it takes, in nanoseconds.
    pub cost_ns: u32,
}

/// The words that an argument of [`Kind::Mode`] may be, each with its number.
pub const MODES: &[(&str, u32)] = &[
    ("read", 0),
    ("write", 1),
    ("append", 2),
    ("both", 3),
    ("shared", 4),
    ("private", 5),
];

macro_rules! calls {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $usage:literal, [$($kind:ident),*], $required:literal, $us:literal us, $does:literal;)*) => {
        /// The calls by number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "the table beside them says what they do")]
        pub enum Nr {
            $($(#[$doc])* $variant,)*
        }

        impl Nr {
            /// All of them.
            pub const ALL: &'static [Nr] = &[$(Nr::$variant,)*];
        }

        /// All calls, in the order of their numbers.
        pub const CALLS: &[Call] = &[$(Call {
            name: $name,
            usage: $usage,
            kinds: &[$(Kind::$kind),*],
            required: $required,
            cost_ns: $us * 1000,
        },)*];

        /// What each call does, and what its result is, in the order of their numbers: for the manual.
        pub static DOES: &[&str] = &[$($does,)*];
    };
}

calls! {
    Fork = "fork", "", [], 0, 60 us,
        "makes a copy of this process; 0 in the copy, here the copy's number";
    Clone = "clone", "", [], 0, 20 us,
        "makes a thread of this process, which shares its memory and files but has variables of its own; 0 in the thread, here its number";
    Exec = "exec", "PATH [ARGUMENT...]", [Texts], 1, 150 us,
        "goes on as another program, which is in /bin if there is no slash in its name; no result if that works";
    Exit = "exit", "[STATUS]", [Number], 0, 30 us,
        "ends the process and all its threads";
    ExitThread = "exit_thread", "", [], 0, 20 us,
        "ends this thread only";
    Wait = "wait", "[PID]", [Number], 0, 5 us,
        "waits until a child ends, any or that one; its number. $status is what it ended with";
    Kill = "kill", "PID [SIGNAL]", [Number, Signal], 1, 3 us,
        "sends a signal, TERM if none is named";
    Getpid = "getpid", "", [], 0, 1 us,
        "the number of this process";
    Getppid = "getppid", "", [], 0, 1 us,
        "the number of its parent";
    Gettid = "gettid", "", [], 0, 1 us,
        "the number of this thread";
    Getuid = "getuid", "", [], 0, 1 us,
        "the number of its user";
    Setuid = "setuid", "UID", [Number], 1, 2 us,
        "becomes another user; root for good";
    Nice = "nice", "STEP", [Number], 1, 2 us,
        "takes less of the CPU, or with a negative step more; the new nice value";
    Spin = "spin", "DURATION", [Duration], 1, 0 us,
        "computes: takes user time, and nothing else";
    Sleep = "sleep", "DURATION", [Duration], 1, 2 us,
        "lets time pass";
    Pause = "pause", "", [], 0, 2 us,
        "sleeps until a signal comes; -EINTR";
    Yield = "yield", "", [], 0, 1 us,
        "lets others run";
    Alarm = "alarm", "DURATION", [Duration], 1, 2 us,
        "sends itself ALRM when so much time has passed; 0s calls it off";
    Time = "time", "", [], 0, 1 us,
        "nanoseconds since boot";
    Random = "random", "BELOW", [Number], 1, 1 us,
        "a number from 0 on that is below another; each process draws its own";
    Ignore = "ignore", "SIGNAL", [Signal], 1, 2 us,
        "pays no attention to a signal from now on";
    Default = "default", "SIGNAL", [Signal], 1, 2 us,
        "has a signal do again what it does to most";
    Open = "open", "PATH [read|write|append|both]", [Text, Mode], 1, 8 us,
        "opens a file, to read it if nothing else is said; its descriptor. write empties the file, and write and append make it if need be";
    Close = "close", "FD", [Number], 1, 2 us,
        "closes a descriptor";
    Read = "read", "FD ADDRESS LENGTH", [Number, Number, Number], 3, 3 us,
        "reads into memory, a page at most; how many bytes there were, 0 at the end";
    Write = "write", "FD ADDRESS LENGTH", [Number, Number, Number], 3, 3 us,
        "writes from memory, a page at most; how many bytes were taken";
    Getline = "getline", "FD", [Number], 1, 4 us,
        "reads a line into $line; its length with the end of the line, 0 at the end";
    Print = "print", "TEXT...", [Texts], 0, 5 us,
        "writes a line of texts to descriptor 1";
    Say = "say", "FD TEXT...", [Number, Texts], 1, 5 us,
        "writes a line of texts to a descriptor";
    Pipe = "pipe", "VARIABLE VARIABLE", [Variable, Variable], 2, 10 us,
        "makes a pipe; the variables are set to the descriptors of the end to read from and the end to write to";
    Dup = "dup", "FD [NEW]", [Number, Number], 1, 2 us,
        "makes another descriptor of the same open file, the lowest that is free or that one";
    Poll = "poll", "FD [DURATION]", [Number, Duration], 1, 3 us,
        "waits until something can be done with a file, for so long at most; 1 there is something to read or to be told, 4 room to write, 8 nobody reads, 16 nobody writes any more, together; 0 the time is up";
    Seek = "seek", "FD POSITION", [Number, Number], 2, 2 us,
        "goes on reading or writing at a place in the file";
    Mkdir = "mkdir", "PATH", [Text], 1, 15 us,
        "makes a directory";
    Rmdir = "rmdir", "PATH", [Text], 1, 15 us,
        "removes an empty directory";
    Unlink = "unlink", "PATH", [Text], 1, 12 us,
        "removes a file";
    Chdir = "chdir", "PATH", [Text], 1, 5 us,
        "changes the working directory";
    Mmap = "mmap", "LENGTH [private|shared] [FD]", [Number, Mode, Number], 1, 6 us,
        "gets memory, of zeroes or of a file's content; its address. No page is taken before it is touched";
    Munmap = "munmap", "ADDRESS LENGTH", [Number, Number], 2, 6 us,
        "gives memory back";
    Brk = "brk", "[ADDRESS]", [Number], 0, 4 us,
        "moves the end of the heap; where it is then";
    Touch = "touch", "ADDRESS LENGTH", [Number, Number], 2, 0 us,
        "writes a byte to each page of a range";
    Look = "look", "ADDRESS LENGTH", [Number, Number], 2, 0 us,
        "reads a byte of each page of a range";
    Peek = "peek", "ADDRESS", [Number], 1, 0 us,
        "the number that is stored at an address";
    Poke = "poke", "ADDRESS NUMBER", [Number, Number], 2, 0 us,
        "stores a number at an address";
    Shift = "shift", "", [], 0, 0 us,
        "forgets $1: $2 becomes $1, and so on";
}

/// Seconds to nanoseconds, for durations without a unit.
pub(super) const SECOND: i64 = NSEC_PER_SEC as i64;

/// The call of that name.
pub fn find(name: &str) -> Option<Nr> {
    let at = CALLS.iter().position(|call| call.name == name)?;
    Nr::ALL.get(at).copied()
}

impl Nr {
    /// Its row of the table.
    pub fn call(self) -> &'static Call {
        &CALLS[self as usize]
    }

    /// The call of that number.
    pub fn from_number(number: u8) -> Option<Nr> {
        Nr::ALL.get(usize::from(number)).copied()
    }
}
