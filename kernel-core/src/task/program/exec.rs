//! `exec`: a task goes on as another program.
//!
//! Everything that may fail comes first, in a new address space; the old one goes when nothing can fail
//! any more. So a refused `exec` changes nothing.

use super::{PROGRAM_MAX, PROGRAMS, Process, get_image, put_image};
use crate::errno::Errno;
use crate::fs::{self, Dentry, is_dir};
use crate::mem::{MEM, Mem, Ref};
use crate::oom::weights;
use crate::slab::kmem_cache_free;
use crate::task::mm::{
    self, Mm, PAGE_SIZE, TASK_SIZE, TEXT_START, VM_DENYWRITE, VM_EXEC, VM_GROWSDOWN, VM_READ,
    VM_WRITE,
};
use crate::task::signal::{self, Signal};
use crate::task::{PF_FORKNOEXEC, PF_SIGNALED, Task, exit};
use crate::trace::{Tracepoint, mix};
use bytemuck::Zeroable;

/// Bytes of all arguments.
const ARGS_MAX: usize = 3072;

/// A program's arguments, its own name first: texts, each ended by a zero byte.
#[derive(Debug, Clone)]
pub struct Args {
    bytes: [u8; ARGS_MAX],
    length: usize,
    count: u32,
}

impl Default for Args {
    fn default() -> Args {
        Args {
            bytes: [0; ARGS_MAX],
            length: 0,
            count: 0,
        }
    }
}

impl Args {
    /// Some arguments, the program's name first.
    ///
    /// # Errors
    /// Those of [`Args::push`].
    pub fn of(texts: &[&str]) -> Result<Args, Errno> {
        let mut args = Args::default();
        texts.iter().try_for_each(|text| args.push(text))?;
        Ok(args)
    }

    /// All that come, the program's name first.
    ///
    /// # Errors
    /// Those of [`Args::push`].
    pub fn collect(texts: &mut dyn Iterator<Item = &str>) -> Result<Args, Errno> {
        let mut args = Args::default();
        for text in texts {
            args.push(text)?;
        }
        Ok(args)
    }

    /// Adds one; it is cut at a zero byte.
    ///
    /// # Errors
    /// `E2BIG` if it has no room.
    pub fn push(&mut self, text: &str) -> Result<(), Errno> {
        let text = text.split('\0').next().unwrap_or("");
        let end = self.length + text.len();
        // Its end is a zero.
        let room = self.bytes.get_mut(self.length..=end).ok_or(Errno::E2BIG)?;
        room[..text.len()].copy_from_slice(text.as_bytes());
        self.length = end + 1;
        self.count += 1;
        Ok(())
    }
}

/// Has a task go on as the program at `path`, from its first line.
///
/// # Errors
/// Those of the walk; `EACCES` for what is no file or may not be executed; `ENOEXEC` for a file that is
/// no program, after the kernel's log was told which line is wrong; `ETXTBSY` while somebody writes to
/// it; `E2BIG`; `ENOMEM`. Then the task goes on as before. If it goes on as the other program, it is
/// the only one: its process's other threads end. In Linux any thread may do that, and gets the first
/// one's number; here only the first one may, others get `EAGAIN` while they are not alone.
pub fn exec(mem: &mut Mem, task: Ref<Task>, path: &str, args: &Args) -> Result<(), Errno> {
    if mem[mem[task].signal].live > 1 && !mem[task].is_leader() {
        return Err(Errno::EAGAIN);
    }
    // Paths and rights are the task's, even if the console starts it.
    let before = core::mem::replace(&mut mem[MEM].current, task);
    let done = exec_current(mem, task, path, args);
    mem[MEM].current = before;
    done
}

fn exec_current(mem: &mut Mem, task: Ref<Task>, path: &str, args: &Args) -> Result<(), Errno> {
    let dentry = fs::walk(mem, path)?;
    if is_dir(mem, dentry) || !fs::can_map(mem, dentry) {
        return Err(Errno::EACCES);
    }
    let inode = mem[dentry].inode;
    fs::attr::permission(mem, inode, fs::attr::MAY_EXEC)?;
    // It stays while memory is looked for.
    fs::get(mem, dentry);
    let done = exec_dentry(mem, task, path, dentry, args);
    fs::put(mem, dentry);
    done
}

fn exec_dentry(
    mem: &mut Mem,
    task: Ref<Task>,
    path: &str,
    dentry: Ref<Dentry>,
    args: &Args,
) -> Result<(), Errno> {
    let mut text = [0; PROGRAM_MAX + 1];
    let length = read_text(mem, dentry, &mut text)?;
    if length > PROGRAM_MAX {
        let path = crate::shell::shortened(path);
        mem.printk(format_args!(
            "exec: {path}: a program has {PROGRAM_MAX} bytes at most"
        ));
        return Err(Errno::ENOEXEC);
    }
    let image = get_image(mem, path, &text[..length])?;
    let mut process = mem[task].program;
    let is_new = process.is_null();
    if is_new {
        process = super::alloc_process(mem).inspect_err(|_| put_image(mem, image))?;
    }
    let made = new_space(mem, task, dentry, length as u32, args);
    let new = match made {
        Ok(new) => new,
        Err(errno) => {
            put_image(mem, image);
            if is_new {
                let cache = mem[PROGRAMS].process_cache;
                kmem_cache_free(mem, cache, process);
                mem[PROGRAMS].nr_processes -= 1;
            }
            return Err(errno);
        }
    };
    // From here on nothing fails.
    end_others(mem, task);
    if !is_new {
        let old = mem[process].image;
        put_image(mem, old);
    }
    let pid = mem[task].pid;
    mem[process] = Process {
        image,
        argc: args.count.saturating_sub(1),
        owed_system: if is_new { 0 } else { mem[process].owed_system },
        seed: mix(u64::from(pid), mem[image].hash),
        ..Process::zeroed()
    };
    mem[task].program = process;
    mm::exit_mm(mem, task);
    mem[task].mm = new;
    weights::mm_changed(mem, task, 0);
    mem[task].flags &= !PF_FORKNOEXEC;
    let name = path.rsplit('/').next().unwrap_or(path);
    mem[task].set_comm(name);
    signal::flush_handlers(mem, task);
    fs::close_on_exec(mem, task);
    let ino = mem[mem[dentry].inode].ino;
    let event = [u64::from(pid), u64::from(ino), u64::from(new.unit())];
    mem.trace(Tracepoint::SchedProcessExec, event);
    Ok(())
}

/// Ends the other threads of a process (`de_thread`).
fn end_others(mem: &mut Mem, task: Ref<Task>) {
    let signal = mem[task].signal;
    signal::for_each_thread(mem, signal, |mem, thread| {
        if thread != task && mem[thread].exit_state == 0 {
            mem[thread].flags |= PF_SIGNALED;
            exit::do_exit(mem, thread, Signal::Kill as u32);
        }
    });
}

/// Reads a program's text; returns its length, which may exceed what a program may have by one.
fn read_text(
    mem: &mut Mem,
    dentry: Ref<Dentry>,
    text: &mut [u8; PROGRAM_MAX + 1],
) -> Result<usize, Errno> {
    let file = fs::open_dentry(mem, dentry)?;
    let mut length = 0;
    let read = loop {
        match fs::read(mem, file, &mut text[length..]) {
            Ok(0) => break Ok(length),
            Ok(count) => length += count,
            Err(errno) => break Err(errno),
        }
    };
    fs::close(mem, file);
    read
}

/// An address space with the text, and the arguments at the top of the stack.
fn new_space(
    mem: &mut Mem,
    task: Ref<Task>,
    dentry: Ref<Dentry>,
    length: u32,
    args: &Args,
) -> Result<Ref<Mm>, Errno> {
    let space = mm::mm_alloc(mem)?;
    // It pays for the first pages already.
    mem[space].owner = task;
    let filled = fill_space(mem, space, dentry, length, args);
    if filled.is_err() {
        mm::mmput(mem, space);
    }
    filled.map(|()| space)
}

fn fill_space(
    mem: &mut Mem,
    space: Ref<Mm>,
    dentry: Ref<Dentry>,
    length: u32,
    args: &Args,
) -> Result<(), Errno> {
    let stack = VM_READ | VM_WRITE | VM_GROWSDOWN;
    mm::do_mmap(mem, space, TASK_SIZE - PAGE_SIZE, PAGE_SIZE, stack, None)?;
    mem[space].start_stack = TASK_SIZE;
    mem[space].arg_end = TASK_SIZE;
    mem[space].arg_start = TASK_SIZE - args.length as u32;
    let start = mem[space].arg_start;
    mm::write_user(mem, space, start, &args.bytes[..args.length])?;
    let mut end = TEXT_START;
    if length > 0 {
        let text = VM_READ | VM_EXEC | VM_DENYWRITE;
        mm::do_mmap(mem, space, TEXT_START, length, text, Some((dentry, 0)))?;
        mm::handle_mm_fault(mem, space, TEXT_START, false)?;
        end += length;
    }
    let heap = end.div_ceil(PAGE_SIZE) * PAGE_SIZE;
    let space = &mut mem[space];
    (space.start_code, space.end_code) = (TEXT_START, end);
    (space.start_brk, space.brk) = (heap, heap);
    Ok(())
}
