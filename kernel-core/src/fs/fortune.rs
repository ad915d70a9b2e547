//! `/proc/fortune`: a dispenser of fortune cookies, after M. Tim Jones's module of 2006.
//!
//! What is written goes into a pot of one page; each reader gets the next cookie, round and round. The
//! original measures the pot one byte too long, so that a cookie can be written over its end; here the
//! pot ends where its page does. All else is as it was (specs/containers_async_proc.md 5.2): the last
//! byte written turns into the cookie's end, which `echo -n` has to pay for; reading an empty pot gives
//! an empty line, and moves the reader on by one.
//!
//! A module that a host has loaded ([`crate::module`]) takes the place of both callbacks. The pot and its
//! two numbers are its as well.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::proc_module::{Answer, Module};
use super::{FS, FsData, shrink};
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Gfp, Mem, PageFlag, Ref};
use crate::module::Kind;

/// The numbers of the dispenser, as they stand in the kernel's memory. Both count bytes of the pot.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Fortune {
    /// Where the next cookie is written.
    pub cookie_index: u32,
    /// Where the next one is read.
    pub next_fortune: u32,
}

const _: () = {
    assert!(offset_of!(FsData, cookie_index) % 8 == 0);
    assert!(offset_of!(FsData, next_fortune) == offset_of!(FsData, cookie_index) + 4);
};

/// Steps that a call of a module's callback takes, so that a file without an end does not take an hour.
const MODULE_STEPS: u32 = 1000;

/// Where the numbers are.
pub const NUMBERS: Ref<Fortune> = FS.byte_add(offset_of!(FsData, cookie_index));

/// The frame that is the pot.
pub fn pot(mem: &Mem) -> u32 {
    mem[FS].cookie_pot
}

/// The entry.
pub(super) static FORTUNE: Module = Module {
    mode: 0o644,
    read_proc: Some(read_proc),
    write_proc: Some(write_proc),
};

/// Fills the pot with nothing (`module_init`).
///
/// # Errors
/// `ENOMEM`.
pub(super) fn load(mem: &mut Mem) -> Result<(), Errno> {
    let pot = shrink::with_memory(mem, |mem| mem.alloc_page(Gfp::KERNEL.with(Gfp::ZERO)))?;
    mem[pot].set(PageFlag::Reserved);
    mem[FS].cookie_pot = mem.frame_of(pot);
    mem.printk(format_args!("fortune: Module loaded."));
    Ok(())
}

/// The next cookie.
fn read_proc(
    mem: &mut Mem,
    page: &mut [u8; FRAME_SIZE],
    offset: u64,
    count: usize,
) -> Result<Answer, Errno> {
    if mem.has_module(Kind::ProcFile) {
        mem.charge(MODULE_STEPS)?;
        let answer = mem.ask_module(|module, mem| module.read_proc(mem, page, offset, count));
        return answer.unwrap_or(Ok(Answer::END));
    }
    let mut answer = Answer::END;
    // Whoever asks for more has his cookie.
    if offset > 0 {
        return Ok(answer);
    }
    if mem[FS].next_fortune >= mem[FS].cookie_index {
        mem[FS].next_fortune = 0;
    }
    let next = mem[FS].next_fortune as usize;
    let pot = mem.frame(mem[FS].cookie_pot);
    let cookie = pot[next..].split(|&byte| byte == 0).next().unwrap_or(&[]);
    page[..cookie.len()].copy_from_slice(cookie);
    page[cookie.len()] = b'\n';
    answer.length = cookie.len() + 1;
    mem[FS].next_fortune += answer.length as u32;
    Ok(answer)
}

/// One cookie more.
fn write_proc(mem: &mut Mem, bytes: &[u8]) -> Result<usize, Errno> {
    if mem.has_module(Kind::ProcFile) {
        mem.charge(MODULE_STEPS)?;
        let taken = mem.ask_module(|module, mem| module.write_proc(mem, bytes));
        return taken.unwrap_or(Err(Errno::EIO));
    }
    let begin = mem[FS].cookie_index as usize;
    if bytes.len() > FRAME_SIZE - begin {
        mem.printk(format_args!("fortune: cookie pot is full!"));
        return Err(Errno::ENOSPC);
    }
    let Some(last) = bytes.len().checked_sub(1) else {
        return Ok(0);
    };
    let pot = mem.frame_mut(mem[FS].cookie_pot);
    let cookie = &mut pot[begin..begin + bytes.len()];
    cookie.copy_from_slice(bytes);
    cookie[last] = 0;
    mem[FS].cookie_index += bytes.len() as u32;
    Ok(bytes.len())
}
