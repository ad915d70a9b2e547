//! My `/proc/fortune`.
//!
//!     cargo xtask lab try proc-fortune --ops ops.rs
//!
//! `glass` is the kernel as a module sees it: `Mem`, `Ref`, `Page`, `Errno`, ... Nothing else can be
//! used, and no `unsafe`. `mem[cookie_pot()]` is the pot, 4096 bytes; `mem[fortune()].cookie_index` and
//! `.next_fortune` are two numbers that last; `printk!("{}", n)` writes a line into the kernel's log.

use glass::*;

pub struct Ops;

impl ProcFile for Ops {
    /// Somebody reads: put the next fortune into `page`, and a newline behind it.
    ///
    /// The kernel asks again, with the number of bytes that it got so far as `offset`, until it is told
    /// that nothing follows. What is returned says how many bytes of the page are meant:
    ///
    ///     Ok(Answer { length: 12, start: Start::WholeFile, is_end: true })
    fn read_proc(
        &self,
        mem: &mut Mem,
        page: &mut Page,
        offset: u64,
        count: usize,
    ) -> Result<Answer, Errno> {
        let _ = (mem, page, offset, count);
        Ok(Answer::END)
    }

    /// Somebody has written `bytes`: append them to the pot, and say how many you took. Or refuse:
    ///
    ///     Err(Errno::ENOSPC)
    fn write_proc(&self, mem: &mut Mem, bytes: &[u8]) -> Result<usize, Errno> {
        let _ = mem;
        Ok(bytes.len())
    }
}
