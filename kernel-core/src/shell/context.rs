//! What a command sees of the world: memory, input, output.

use core::fmt::{self, Write};

use crate::errno::Errno;
use crate::fs::{self, File};
use crate::machine::{Machine, Manual};
use crate::mem::{FRAME_SIZE, MEM, Mem, Ref};
use crate::task::{sched, time};
use crate::tty;

/// Printing so many bytes is one step of the line's budget: a line prints 8 MiB at most, which
/// leaves room in the message that carries it.
const BYTES_PER_STEP: usize = 2;

/// Memory and the console, and where a command's input and output go. Printing with `write!` goes
/// to the output; it collects there, so that a short text reaches a file in one `write`.
pub(super) struct Context<'a> {
    /// The kernel.
    pub mem: &'a mut Mem,
    machine: &'a mut dyn Machine,
    /// Where input comes from; the console has none.
    pub input: Option<Ref<File>>,
    /// Where output goes, if not to the console.
    pub output: Option<Ref<File>>,
    error: Option<Errno>,
    filled: usize,
    buffer: [u8; FRAME_SIZE],
}

impl<'a> Context<'a> {
    pub(super) fn new(mem: &'a mut Mem, machine: &'a mut dyn Machine) -> Context<'a> {
        Context {
            mem,
            machine,
            input: None,
            output: None,
            error: None,
            filled: 0,
            buffer: [0; FRAME_SIZE],
        }
    }

    /// Prints a line to the console, wherever output goes.
    pub(super) fn error(&mut self, message: fmt::Arguments<'_>) {
        if self.output.is_none() {
            // What was printed before stays before it; an error of that shows up later.
            let _ = self.flush();
        }
        let _ = writeln!(Console(self.machine), "{message}");
    }

    /// Asks what the log would have come to under other policies; see [`Machine::compare_policies`].
    pub(super) fn compare_policies(&mut self, policies: &str) -> bool {
        self.machine.compare_policies(policies)
    }

    /// Has a part of the manual shown; see [`Machine::show_manual`].
    pub(super) fn show_manual(&mut self, wanted: Manual<'_>) -> bool {
        self.machine.show_manual(wanted)
    }

    /// Sends on what was printed. Data goes out before the steps for it are counted, so a line that
    /// runs out of steps has printed what it did.
    pub(super) fn flush(&mut self) -> fmt::Result {
        let Context {
            mem,
            machine,
            output,
            filled,
            buffer,
            ..
        } = self;
        let mut bytes = &buffer[..core::mem::take(filled)];
        if bytes.is_empty() {
            return Ok(());
        }
        let steps = (bytes.len() / BYTES_PER_STEP + 1) as u32;
        let mut result = Ok(());
        match *output {
            None => machine.console_write(bytes),
            Some(file) => {
                while result.is_ok() && !bytes.is_empty() {
                    result = fs::write(mem, file, bytes).map(|written| bytes = &bytes[written..]);
                    // The terminal has no room, but it is the console's own.
                    if result == Err(Errno::EAGAIN) && tty::is_pending(mem) {
                        tty::drain(mem, &mut |text| machine.console_write(text));
                        result = mem.charge(steps);
                    } else if result == Err(Errno::EAGAIN) {
                        let write = &mut |mem: &mut Mem| fs::write(mem, file, bytes);
                        let written = when_ready(mem, *machine, file, write);
                        result = written.map(|written| bytes = &bytes[written..]);
                    }
                }
            }
        }
        if let Err(errno) = result.and_then(|()| mem.charge(steps)) {
            self.error.get_or_insert(errno);
            return Err(fmt::Error);
        }
        Ok(())
    }

    /// Prints bytes that may be no text.
    pub(super) fn write_bytes(&mut self, mut bytes: &[u8]) -> fmt::Result {
        while !bytes.is_empty() {
            if self.filled == FRAME_SIZE {
                self.flush()?;
            }
            let length = bytes.len().min(FRAME_SIZE - self.filled);
            let (now, later) = bytes.split_at(length);
            self.buffer[self.filled..self.filled + length].copy_from_slice(now);
            self.filled += length;
            bytes = later;
        }
        Ok(())
    }

    /// Lets time pass, `ns` nanoseconds or until `until` says so after a tick, and shows what programs
    /// print meanwhile. Returns how long it was.
    ///
    /// # Errors
    /// `EINTR` if the line's steps are used up.
    pub(super) fn pass_time(
        &mut self,
        ns: u64,
        until: &mut dyn FnMut(&mut Mem) -> bool,
    ) -> Result<u64, Errno> {
        // What was printed before stays before it; its failure is in `error`.
        let _ = self.flush();
        pass_time(self.mem, self.machine, ns, until)
    }

    /// Lets time pass until `until` says so, as long as anything can happen by itself: a task that runs,
    /// an alarm.
    ///
    /// # Errors
    /// `EINTR` if the line's steps are used up, `EDEADLK` if everybody sleeps for ever.
    pub(super) fn pass_time_until(
        &mut self,
        until: &mut dyn FnMut(&mut Mem) -> bool,
    ) -> Result<(), Errno> {
        let _ = self.flush();
        pass_time_until(self.mem, self.machine, until)
    }

    /// Reads from a file; at a pipe it waits for somebody to write.
    ///
    /// # Errors
    /// The file's; of a pipe `EAGAIN` if nobody ever would write, `EINTR` if the line's steps are used up.
    pub(super) fn read(&mut self, file: Ref<File>, buffer: &mut [u8]) -> Result<usize, Errno> {
        let result = fs::read(self.mem, file, buffer);
        if result != Err(Errno::EAGAIN) {
            return result;
        }
        // What was printed before stays before what others print meanwhile.
        let _ = self.flush();
        let read = &mut |mem: &mut Mem| fs::read(mem, file, buffer);
        when_ready(self.mem, self.machine, file, read)
    }

    /// Ends a command's output; tells what went wrong with it.
    pub(super) fn finish(&mut self) -> Result<(), Errno> {
        // Its failure is in `error`.
        let _ = self.flush();
        self.error.take().map_or(Ok(()), Err)
    }
}

/// See [`Context::pass_time`].
fn pass_time(
    mem: &mut Mem,
    machine: &mut dyn Machine,
    ns: u64,
    until: &mut dyn FnMut(&mut Mem) -> bool,
) -> Result<u64, Errno> {
    let passed = sched::run_for(mem, ns, &mut |mem| {
        tty::drain(mem, &mut |text| machine.console_write(text));
        super::agents::run(mem);
        until(mem)
    });
    tty::drain(mem, &mut |text| machine.console_write(text));
    passed
}

/// See [`Context::pass_time_until`].
fn pass_time_until(
    mem: &mut Mem,
    machine: &mut dyn Machine,
    until: &mut dyn FnMut(&mut Mem) -> bool,
) -> Result<(), Errno> {
    let mut sleeps_for_ever = is_nothing_ahead(mem);
    if !sleeps_for_ever {
        pass_time(mem, machine, u64::MAX, &mut |mem| {
            if until(mem) {
                return true;
            }
            sleeps_for_ever = is_nothing_ahead(mem);
            sleeps_for_ever
        })?;
    }
    match sleeps_for_ever {
        true => Err(Errno::EDEADLK),
        false => Ok(()),
    }
}

/// Does what a pipe has refused with `EAGAIN` as soon as it no longer does, as long as anything can
/// happen by itself. The shell is no task that could sleep at the pipe, so it looks after each tick.
fn when_ready(
    mem: &mut Mem,
    machine: &mut dyn Machine,
    file: Ref<File>,
    action: &mut dyn FnMut(&mut Mem) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let mut result = Err(Errno::EAGAIN);
    let inode = mem[mem[file].dentry].inode;
    if mem[inode].kind() != fs::FIFO {
        return result;
    }
    let shell = mem[MEM].current;
    let passed = pass_time_until(mem, machine, &mut |mem| {
        let other = core::mem::replace(&mut mem[MEM].current, shell);
        result = action(mem);
        mem[MEM].current = other;
        result != Err(Errno::EAGAIN)
    });
    match passed {
        Err(Errno::EINTR) => Err(Errno::EINTR),
        _ => result,
    }
}

/// Whether nobody runs, and no alarm is set that would change that.
fn is_nothing_ahead(mem: &Mem) -> bool {
    let is_idle = |cpu| mem[sched::rq(cpu)].nr_running == 0;
    (0..mem[MEM].nr_cpus).all(is_idle) && time::next_expiry(mem).is_none()
}

impl Write for Context<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write_bytes(text.as_bytes())
    }
}

/// The console as a place for text.
struct Console<'a>(&'a mut dyn Machine);

impl Write for Console<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.console_write(text.as_bytes());
        Ok(())
    }
}
