//! A file in `/proc`.

use super::*;

/// Bytes of a page.
pub const PAGE_SIZE: usize = 4096;

/// A page of memory.
pub type Page = [u8; PAGE_SIZE];

/// The module's static variables. (Your own `static`s do not last: each call finds them as they were
/// compiled.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Fortune {
    /// Where in the pot the next fortune is written.
    pub cookie_index: u32,
    /// Where in the pot the next one is read.
    pub next_fortune: u32,
}

impl Object for Page {}
impl Object for Fortune {}

/// What of its page a `read_proc` means (`*start`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The page holds the file from its beginning on; the kernel passes over what was read before.
    WholeFile,
    /// The data begins with the page, and the file's position moves on by so many units.
    Units(u32),
    /// The data for the position asked for begins here in the page.
    At(usize),
}

/// What a `read_proc` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Bytes, counted as `start` says; 0 is the end.
    pub length: usize,
    /// What of the page is meant.
    pub start: Start,
    /// Whether nothing follows (`*eof`).
    pub is_end: bool,
}

impl Answer {
    /// Nothing more.
    pub const END: Answer = Answer {
        length: 0,
        start: Start::WholeFile,
        is_end: true,
    };
}

/// What a file in `/proc` does.
pub trait ProcFile {
    /// Fills `page` for a reader at `offset` who wants `count` bytes, 3072 at most. The kernel asks again,
    /// with a larger offset, until there is nothing more.
    ///
    /// # Errors
    /// Whatever `read` is to fail with.
    fn read_proc(
        &self,
        mem: &mut Mem,
        page: &mut Page,
        offset: u64,
        count: usize,
    ) -> Result<Answer, Errno>;

    /// Takes what was written at once, and returns how many bytes of it were taken.
    ///
    /// # Errors
    /// Whatever `write` is to fail with.
    fn write_proc(&self, mem: &mut Mem, bytes: &[u8]) -> Result<usize, Errno>;
}

/// The page of fortunes. It is all zeroes when the module is loaded.
pub fn cookie_pot() -> Ref<Page> {
    // SAFETY: only one thread runs here, and these are written before it starts.
    Ref(unsafe { POT }, PhantomData)
}

/// The module's static variables, both 0 when it is loaded: `mem[fortune()].cookie_index`.
pub fn fortune() -> Ref<Fortune> {
    // SAFETY: as above.
    Ref(unsafe { FORTUNE }, PhantomData)
}

static mut POT: u32 = 0;
static mut FORTUNE: u32 = 0;

/// Bytes of a write that are passed on at once.
const WRITE_MAX: usize = 4 * PAGE_SIZE;

/// What passes between kernel and module: the page or what is written, and an answer.
#[repr(C)]
struct Buffer {
    bytes: [u8; WRITE_MAX],
    /// Length, which kind of start, its number, whether it is the end.
    answer: [u32; 4],
}

static mut BUFFER: Buffer = Buffer {
    bytes: [0; WRITE_MAX],
    answer: [0; 4],
};

/// Where the kernel finds it.
pub(super) fn buffer() -> usize {
    (&raw const BUFFER) as usize
}

/// `read_proc` is 0: `c` is the offset, the count stands in the answer's place. `write_proc` is 1: `c` is
/// the length. `a` and `b` are the pot and the variables. Returns the error's number.
pub(super) fn dispatch(mem: &mut Mem, what: u32, a: u32, b: u32, c: u64) -> u64 {
    let ops = &crate::ops::Ops;
    // SAFETY: the kernel calls once, in one thread.
    let buffer = unsafe {
        POT = a;
        FORTUNE = b;
        let buffer = &raw mut BUFFER;
        &mut *buffer
    };
    let answer = match what {
        0 => {
            let count = buffer.answer[0] as usize;
            let Some(page) = buffer.bytes.first_chunk_mut() else {
                return 0;
            };
            ProcFile::read_proc(ops, mem, page, c, count)
        }
        _ => {
            let taken = ProcFile::write_proc(ops, mem, &buffer.bytes[..c as usize]);
            taken.map(|length| Answer {
                length,
                ..Answer::END
            })
        }
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(errno) => return errno as u64,
    };
    let (kind, number) = match answer.start {
        Start::WholeFile => (0, 0),
        Start::Units(units) => (1, units),
        Start::At(place) => (2, place as u32),
    };
    buffer.answer = [answer.length as u32, kind, number, answer.is_end.into()];
    0
}
