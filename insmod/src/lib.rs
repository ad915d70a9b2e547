//! Loads a student's callbacks into a kernel.
//!
//! A lab asks for some functions in one file of Rust: *get* and *kick* for a cache, a subsystem of
//! containers, what a file in `/proc` does, or whom the OOM killer ends ([`Kind`]). Whoever grades it runs
//! a stranger's program, so the file goes through three doors, each of which would be enough:
//!
//! 1. [`scan()`]: no word of it may reach out of the file while it is compiled (`include_str!`,
//!    `env!`, `mod`, `extern`, ...), and none says `unsafe`. What the compiler reads nevertheless is
//!    looked up in its own list of files.
//! 2. [`compile()`]: it becomes a WebAssembly module, whose only imports are a handful of calls of the
//!    kernel, such as `kmem_cache_alloc`. The compiler runs with an empty environment, and with
//!    limits of processor time and memory.
//! 3. [`Code::load`]: an interpreter runs the module, with fuel instead of a clock. It sees the
//!    kernel's memory through a window, frame by frame; what it writes there is compared with what was
//!    there, and only what a callback may write to reaches the kernel. So it cannot forge what it is
//!    graded by.
//!
//! What it does wrong is a [`Finding`]. One after which the kernel's structures may be broken ends the
//! callbacks' influence, so that the kernel never walks over what they left.
//!
//! The kernel knows nothing of all this but [`kernel_core::module::Module`]. A new kind is a file in
//! `glass/`, one in `run/`, and a row in `scan.rs`.

mod compile;
mod findings;
mod run;
mod scan;

use std::fmt;
use std::path::Path;

pub use compile::{Compiler, compile};
pub use findings::Findings;
pub use kernel_core::module::Kind;
pub use run::{Code, FUEL};
pub use scan::{kind_of, scan};

/// Bytes that a file may have.
pub const SOURCE_MAX: usize = 64 << 10;

/// Why a file is no module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It says something that no callback needs: the line, counted from 1, and a sentence.
    Forbidden(u32, String),
    /// It does not compile: what the compiler says.
    Errors(String),
    /// It cannot be compiled here: no compiler, no memory, too long.
    Unfit(String),
}

impl Refusal {
    /// A short fixed name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Forbidden(..) => "ops-forbidden",
            Refusal::Errors(_) => "ops-errors",
            Refusal::Unfit(_) => "ops-unfit",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Forbidden(line, sentence) => write!(f, "ops.rs:{line}: {sentence}"),
            Refusal::Errors(text) => write!(f, "ops.rs does not compile:\n{}", text.trim_end()),
            Refusal::Unfit(sentence) => f.write_str(sentence),
        }
    }
}

impl std::error::Error for Refusal {}

/// What callbacks did wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which kind of thing.
    pub fault: Fault,
    /// What exactly, in a sentence.
    pub text: String,
}

/// The kinds of things that callbacks do wrong. [`Fault::Panic`], [`Fault::Endless`] and [`Fault::Wild`] are
/// found out whatever kind they are of, the others in those of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// They panicked.
    Panic,
    /// They did not end.
    Endless,
    /// `get` called the allocator.
    SlabCall,
    /// `get` left an entry that it has not pinned, or took a reference of one that it gave up.
    Pin,
    /// A connection that was dying, or not yet opened, was touched.
    Dying,
    /// A connection's references are not as many as there are who have one.
    References,
    /// What others hold was moved or freed.
    Holder,
    /// An owner does not lead to its connection.
    Owner,
    /// The neighbours in the list do not lead to their connection.
    List,
    /// A connection does not carry what it did.
    Content,
    /// An object was not freed, or is not as its constructor made it.
    Lost,
    /// They wrote to memory, or freed an object, that is not theirs.
    Wild,
}

impl Fault {
    /// All of them, with their names in `lab.toml`.
    pub const ALL: [(Fault, &str); 12] = [
        (Fault::Panic, "panic"),
        (Fault::Endless, "endless"),
        (Fault::SlabCall, "slab-call"),
        (Fault::Pin, "pin"),
        (Fault::Dying, "dying"),
        (Fault::References, "references"),
        (Fault::Holder, "holder"),
        (Fault::Owner, "owner"),
        (Fault::List, "list"),
        (Fault::Content, "content"),
        (Fault::Lost, "lost"),
        (Fault::Wild, "wild"),
    ];

    /// Whether the kernel's structures may be broken after it. What is not final is only wrong: a
    /// reference too many, say.
    pub fn is_final(self) -> bool {
        !matches!(self, Fault::References | Fault::Content | Fault::Lost)
    }

    /// Its name in `lab.toml`.
    pub fn name(self) -> &'static str {
        let known = Fault::ALL.iter().find(|(fault, _)| *fault == self);
        known.map_or("", |(_, name)| name)
    }
}

/// Reads a file of callbacks and makes a module of it.
///
/// # Errors
/// [`Refusal`].
pub fn read(compiler: &Compiler, file: &Path) -> Result<Code, Refusal> {
    let source = std::fs::read(file)
        .map_err(|error| Refusal::Unfit(format!("can't read {}: {error}", file.display())))?;
    build(compiler, &source)
}

/// Makes a module of the text of a file of callbacks.
///
/// # Errors
/// [`Refusal`].
pub fn build(compiler: &Compiler, source: &[u8]) -> Result<Code, Refusal> {
    if source.len() > SOURCE_MAX {
        let length = source.len();
        return Err(Refusal::Unfit(format!(
            "a file of {length} bytes; it may have {SOURCE_MAX}"
        )));
    }
    let source = std::str::from_utf8(source)
        .map_err(|_| Refusal::Unfit("the file is no UTF-8 text".to_string()))?;
    scan(source)?;
    let kind = kind_of(source);
    Code::new(&compile(compiler, source, kind)?, kind)
}
