//! `/proc` entries of modules: two callbacks, one to read and one to write.
//!
//! What a module needs to show something in `/proc` is a [`Module`] and a row in `procfs.rs`. Its
//! `read_proc` fills a page; what of that page is meant, it says in one of three ways ([`Start`]). This
//! interface of 2.6 is older than the records of `generated.rs`, and its callbacks can get it wrong
//! in many ways, so the reader looks after them as Linux does (specs/containers_async_proc.md 5.1).

use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Mem};

/// Bytes that a `read_proc` is asked for at most.
const COUNT_MAX: usize = FRAME_SIZE - 1024;

/// What of the page a `read_proc` means (`*start`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The page holds the file from its beginning on; the reader passes over what was read before.
    WholeFile,
    /// The data begins with the page, and the file's position moves on by so many units.
    Units(u32),
    /// The data for the position asked for begins here in the page.
    At(usize),
}

/// What a `read_proc` answers.
#[derive(Debug, Clone, Copy)]
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

/// Fills a page for a reader at an offset who wants so many bytes, 3072 at most.
pub type ReadProc = fn(&mut Mem, &mut [u8; FRAME_SIZE], u64, usize) -> Result<Answer, Errno>;
/// Takes what was written at once and returns how much of it was taken; the offset means nothing.
pub type WriteProc = fn(&mut Mem, &[u8]) -> Result<usize, Errno>;

/// An entry that a module makes (`create_proc_entry`).
pub struct Module {
    /// Its permission bits.
    pub mode: u32,
    /// Without it there is nothing to read.
    pub read_proc: Option<ReadProc>,
    /// Without it writing is refused.
    pub write_proc: Option<WriteProc>,
}

/// Reads an entry (`proc_file_read`).
///
/// # Errors
/// The callback's, if nothing was read before it.
pub(super) fn read(
    mem: &mut Mem,
    module: &Module,
    position: &mut u64,
    buffer: &mut [u8],
) -> Result<usize, Errno> {
    let Some(read_proc) = module.read_proc else {
        return Ok(0);
    };
    let mut page = [0; FRAME_SIZE];
    let mut done = 0;
    let mut is_end = false;
    while done < buffer.len() && !is_end {
        let count = (buffer.len() - done).min(COUNT_MAX);
        let answer = match read_proc(mem, &mut page, *position, count) {
            Ok(answer) => answer,
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        };
        is_end = answer.is_end;
        if answer.length == 0 {
            break;
        }
        let begin = match answer.start {
            Start::WholeFile => usize::try_from(*position).unwrap_or(usize::MAX),
            Start::Units(_) => 0,
            Start::At(begin) => begin,
        };
        let end = match answer.start {
            Start::At(begin) => begin.saturating_add(answer.length),
            _ => answer.length,
        };
        if end > FRAME_SIZE {
            mem.printk(format_args!("proc_file_read: Apparent buffer overflow!"));
        }
        let Some(data) = page.get(begin..end.min(FRAME_SIZE)) else {
            break;
        };
        let data = &data[..data.len().min(count)];
        if data.is_empty() {
            break;
        }
        buffer[done..done + data.len()].copy_from_slice(data);
        done += data.len();
        *position += match answer.start {
            Start::Units(units) => u64::from(units),
            _ => data.len() as u64,
        };
    }
    Ok(done)
}

/// Writes to an entry (`proc_file_write`).
///
/// # Errors
/// `EIO` if nobody takes it; the callback's.
pub(super) fn write(mem: &mut Mem, module: &Module, bytes: &[u8]) -> Result<usize, Errno> {
    module.write_proc.ok_or(Errno::EIO)?(mem, bytes)
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    use super::*;
    use crate::Kernel;
    use crate::machine::MachineConfig;
    use crate::mem::Ram;

    fn module(read_proc: ReadProc) -> Module {
        Module {
            mode: 0o644,
            read_proc: Some(read_proc),
            write_proc: None,
        }
    }

    fn kernel() -> Kernel {
        let config = MachineConfig::parse("mem=1M").unwrap();
        Kernel::boot(Ram::new(config.frames).unwrap(), &config).unwrap()
    }

    /// Answers with `length` bytes in the page, which are numbered.
    fn numbered(page: &mut [u8; FRAME_SIZE]) {
        for (index, byte) in page.iter_mut().enumerate() {
            *byte = index as u8;
        }
    }

    #[test]
    fn the_three_ways_of_a_read_proc() {
        let mut kernel = kernel();
        let mem = &mut kernel.mem;
        let mut buffer = [0xff; 8];
        // The whole file, in pieces; the end is found by asking behind it.
        let whole = module(|_, page, _, _| {
            numbered(page);
            Ok(Answer {
                length: 11,
                start: Start::WholeFile,
                is_end: false,
            })
        });
        let mut position = 0;
        assert_eq!(read(mem, &whole, &mut position, &mut buffer), Ok(8));
        assert_eq!(read(mem, &whole, &mut position, &mut buffer), Ok(3));
        assert_eq!(buffer[..3], [8, 9, 10]);
        assert_eq!(read(mem, &whole, &mut position, &mut buffer), Ok(0));
        assert_eq!(position, 11);
        // A record of two bytes a unit.
        let units = module(|_, page, offset, count| {
            assert!(count >= 2);
            page[..2].copy_from_slice(&[offset as u8, b'\n']);
            Ok(Answer {
                length: if offset < 3 { 2 } else { 0 },
                start: Start::Units(1),
                is_end: false,
            })
        });
        let mut position = 0;
        assert_eq!(read(mem, &units, &mut position, &mut buffer), Ok(6));
        assert_eq!(buffer[..6], [0, b'\n', 1, b'\n', 2, b'\n']);
        assert_eq!(position, 3);
        // Somewhere in the page, and never more than 3072 bytes at once.
        let at = module(|_, page, offset, count| {
            assert!(count <= 3072);
            numbered(page);
            Ok(Answer {
                length: count,
                start: Start::At(100),
                is_end: offset >= 3072,
            })
        });
        let mut large = [0; 8192];
        let mut position = 0;
        assert_eq!(read(mem, &at, &mut position, &mut large), Ok(6144));
        assert_eq!(large[3072], 100);
        let log = mem[crate::printk::LOG].written;
        // One that writes behind its page is told, and cut.
        let wild = module(|_, _, offset, _| {
            Ok(Answer {
                length: 5000,
                start: Start::WholeFile,
                is_end: offset > 0,
            })
        });
        let mut position = 0;
        assert_eq!(read(mem, &wild, &mut position, &mut large), Ok(4096));
        assert!(mem[crate::printk::LOG].written > log);
        let mut position = u64::MAX - 1;
        assert_eq!(read(mem, &wild, &mut position, &mut large), Ok(0));
        // An error counts only if nothing came before it.
        let fails = module(|_, _, offset, _| match offset {
            0 => Ok(Answer {
                length: 4,
                start: Start::At(0),
                is_end: false,
            }),
            _ => Err(Errno::EIO),
        });
        assert_eq!(read(mem, &fails, &mut 0, &mut buffer), Ok(4));
        assert_eq!(read(mem, &fails, &mut 4, &mut buffer), Err(Errno::EIO));
        assert_eq!(write(mem, &fails, b"x"), Err(Errno::EIO));
    }
}
