//! A file in `/proc`.

use kernel_core::errno::Errno;
use kernel_core::fs::fortune::{self, Fortune};
use kernel_core::fs::proc_module::{Answer, Start};
use kernel_core::mem::{FRAME_SIZE, Mem, Ref, UNIT};

use super::window::Rights;
use super::{Ask, Loaded, subsystem};

// The layout that `glass/proc.rs` has as well.
const _: () = {
    use std::mem::offset_of;
    assert!(offset_of!(Fortune, cookie_index) == 0 && offset_of!(Fortune, next_fortune) == 4);
    assert!(size_of::<Fortune>() == 8);
};

/// Bytes of a write that are passed on at once. Whoever wrote more is told that so much was taken.
const WRITE_MAX: usize = 4 * FRAME_SIZE;

/// Bytes of an answer, behind the place for what is read or written.
const ANSWER: usize = 16;

/// The callbacks, by their numbers.
const READ_PROC: u32 = 0;
const WRITE_PROC: u32 = 1;

/// Calls `read_proc`, which fills `page`.
pub(super) fn read_proc(
    module: &Loaded,
    mem: &mut Mem,
    page: &mut [u8; FRAME_SIZE],
    offset: u64,
    count: usize,
) -> Result<Answer, Errno> {
    let count = (count as u32).to_le_bytes().to_vec();
    let input = vec![(0, page.to_vec()), (WRITE_MAX, count)];
    let answer = call(module, mem, READ_PROC, offset, input)?;
    let Some((bytes, [length, kind, number, is_end])) = answer else {
        return Ok(Answer::END);
    };
    page.copy_from_slice(&bytes[..FRAME_SIZE]);
    Ok(Answer {
        length: length as usize,
        start: match kind {
            1 => Start::Units(number),
            2 => Start::At(number as usize),
            _ => Start::WholeFile,
        },
        is_end: is_end != 0,
    })
}

/// Calls `write_proc`.
pub(super) fn write_proc(module: &Loaded, mem: &mut Mem, bytes: &[u8]) -> Result<usize, Errno> {
    let bytes = &bytes[..bytes.len().min(WRITE_MAX)];
    let length = bytes.len();
    let input = vec![(0, bytes.to_vec())];
    let answer = call(module, mem, WRITE_PROC, length as u64, input)?;
    // One that was stopped has taken all, so that nobody tries again.
    let taken = answer.map_or(length, |(_, [taken, ..])| taken as usize);
    Ok(taken.min(length))
}

/// Calls one of them. Returns its buffer and its answer, unless it was stopped.
type Answered = Option<(Vec<u8>, [u32; 4])>;

fn call(
    module: &Loaded,
    mem: &mut Mem,
    what: u32,
    c: u64,
    input: Vec<(usize, Vec<u8>)>,
) -> Result<Answered, Errno> {
    let pot: Ref<[u8; FRAME_SIZE]> = Ref::of_frame(fortune::pot(mem));
    let ask = Ask {
        what,
        a: pot.unit(),
        b: fortune::NUMBERS.unit(),
        c,
        input,
        output: WRITE_MAX + ANSWER,
    };
    let name = if what == READ_PROC {
        "read_proc"
    } else {
        "write_proc"
    };
    let Some((code, buffer)) = module.call(mem, name, Rights::ProcFile, ask) else {
        return Ok(None);
    };
    subsystem::result(code)?;
    let mut answer = [0; 4];
    for (number, bytes) in answer.iter_mut().zip(buffer[WRITE_MAX..].chunks_exact(4)) {
        *number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    Ok(Some((buffer, answer)))
}

/// Whether a callback may write to the four bytes at `at`: to the pot and to its numbers.
///
/// # Errors
/// What is there, in words.
pub(super) fn may_write(mem: &Mem, at: usize) -> Result<(), String> {
    let frame = (at / FRAME_SIZE) as u32;
    let numbers = fortune::NUMBERS.unit() as usize * UNIT;
    if frame == fortune::pot(mem) || (numbers..numbers + size_of::<Fortune>()).contains(&at) {
        return Ok(());
    }
    Err(match frame.checked_sub(1) == Some(fortune::pot(mem)) {
        true => "behind the pot".to_string(),
        false => "neither the pot nor one of its numbers".to_string(),
    })
}
