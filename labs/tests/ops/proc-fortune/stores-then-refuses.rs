//! Moves on, and refuses then.
//!
//! fails: enospc

use glass::*;

pub struct Ops;

impl ProcFile for Ops {
    fn read_proc(
        &self,
        mem: &mut Mem,
        page: &mut Page,
        offset: u64,
        _count: usize,
    ) -> Result<Answer, Errno> {
        // Whoever asks for more has their fortune.
        if offset > 0 {
            return Ok(Answer::END);
        }
        let Fortune {
            cookie_index,
            next_fortune,
        } = mem[fortune()];
        let begin = if next_fortune < cookie_index { next_fortune } else { 0 };
        let rest = &mem[cookie_pot()][begin as usize..cookie_index as usize];
        let text = rest.split(|&byte| byte == 0).next().unwrap_or(&[]);
        let length = text.len();
        page[..length].copy_from_slice(text);
        page[length] = b'\n';
        // Of an empty pot nothing was taken.
        if cookie_index > 0 {
            mem[fortune()].next_fortune = begin + length as u32 + 1;
        }
        Ok(Answer {
            length: length + 1,
            start: Start::WholeFile,
            is_end: true,
        })
    }

    fn write_proc(&self, mem: &mut Mem, bytes: &[u8]) -> Result<usize, Errno> {
        let begin = mem[fortune()].cookie_index as usize;
        if bytes.len() > PAGE_SIZE - begin {
            mem[fortune()].cookie_index = PAGE_SIZE as u32;
            return Err(Errno::ENOSPC);
        }
        let Some((_newline, text)) = bytes.split_last() else {
            return Ok(0);
        };
        let pot = &mut mem[cookie_pot()];
        pot[begin..][..text.len()].copy_from_slice(text);
        pot[begin + text.len()] = 0;
        mem[fortune()].cookie_index += bytes.len() as u32;
        Ok(bytes.len())
    }
}
