//! Programs: small text files that the kernel runs, a system call a line.
//!
//! A lab about processes needs processes that do something: allocate, fork, sleep, write. Machine code
//! would hide what they do, so a program here is a text that can be read aloud, and its calls are the
//! kernel's own:
//!
//! ```text
//! # hog SIZE: takes memory and keeps it.
//! size = $1 else 16M
//! memory = mmap $size
//! if $memory < 0
//!     print "no room for $size bytes: $error"
//!     exit 1
//! end
//! touch $memory $size
//! pause
//! ```
//!
//! # The language
//!
//! A line is one statement; what follows a `#` at the beginning of a word is a comment. Words are
//! separated by blanks, also operators; a text with blanks stands in `"quotes"`.
//!
//! | line | meaning |
//! |---|---|
//! | `NAME = VALUE` | sets a variable |
//! | `CALL ARGUMENT...` | makes a call |
//! | `NAME = CALL ARGUMENT...` | makes a call and keeps its result |
//! | `if VALUE`, `else if VALUE`, `else`, `end` | a value other than 0 is true |
//! | `while VALUE` ... `end` | a loop |
//! | `repeat VALUE` ... `end` | a loop that runs so many times |
//! | `forever` ... `end` | a loop that only `break` or `exit` leaves |
//! | `break`, `continue` | leave the innermost loop; begin its next round |
//! | `on SIGNAL` ... `end` | from now on the lines up to `end` run when the signal comes |
//!
//! A *value* is an operand, or operands with `*` `/` `%`, `+` `-`, `==` `!=` `<` `<=` `>` `>=`, `and`,
//! `or` between them, which bind in that order; `not` before a condition turns it round. The argument of
//! a call is one operand. Two texts can be compared with `==` and `!=`.
//!
//! | operand | meaning |
//! |---|---|
//! | `42`, `0x2a`, `64M`, `10ms`, `-ENOMEM` | a number; `K M G` are bytes, `ns us ms s min h` nanoseconds |
//! | `$NAME` | a variable: a number of 64 bits |
//! | `$1` ... `$9`, `$#`, `$*` | arguments, how many there are, all of them |
//! | `$1 else VALUE` | the argument, or the other value if it was not given |
//! | `$?` | the result of the last call: a negative error number if it failed |
//! | `$error` | what that error means, as a text |
//! | `$$` | the number of the process |
//! | `$signal` | in `on`: the signal's number |
//! | `$status` | what the child ended with that `wait` told of: its exit status, or 128 and a signal |
//! | `$line` | the text that `getline` has read; as an argument of `exec` it falls into words |
//!
//! Variables are a task's registers: `fork` copies them, threads each have their own. What threads
//! share, and what `fork` copies page by page, is memory: `mmap`, `poke` and `peek`.
//!
//! The calls stand in [`CALLS`], with their costs. A line takes [`LINE_NS`] of user time. A call that
//! has to wait is made anew when its task is woken; a signal that is handled meanwhile ends it with
//! `-EINTR`. A program ends with its last line, with status 0.
//!
//! # How it is run
//!
//! `exec` compiles a text to an [`Image`] that all who run it share, or refuses it and says in the
//! kernel's log which line is wrong. A [`Process`] is what one task has in hand: place and variables.
//! [`run()`] goes on with it for a piece of virtual time. Arguments lie at the top of the stack, and the
//! text is mapped from its file, so both are seen in `/proc/<pid>/maps`.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | the objects; what `fork`, `exec` and `exit` do with them |
//! | `calls.rs` | the table of calls |
//! | `words.rs`, `compile.rs`, `code.rs` | from a text to code |
//! | `run.rs` | the machine that runs it |
//! | `syscalls.rs` | the calls |
//! | `glue.rs` | those that need more than one of the kernel's functions |
//! | `exec.rs` | `exec` |
//! | `bin.rs`, `bin/` | the programs of `/bin` |

pub mod bin;
#[cfg(test)]
mod call_tests;
pub mod calls;
mod code;
mod compile;
mod exec;
mod glue;
mod run;
#[cfg(test)]
mod shell_tests;
mod syscalls;
#[cfg(test)]
mod tests;
mod words;

pub use calls::{CALLS, Call, DOES, LINE_NS};
pub use compile::{Compiled, Error, Fault, VARIABLES_MAX, compile};
pub use exec::{Args, exec};
pub use run::run;

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::mm::{self, Mm};
use super::{TASK, Task, TaskData};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::fs;
use crate::mem::{FRAME_SIZE, Gfp, ListHead, Mem, Ref};
use crate::slab::{self, KmemCache, kfree, kmalloc, kmem_cache_free};
use crate::trace::mix;

/// Bytes that a program's text may have.
pub const PROGRAM_MAX: usize = FRAME_SIZE;
/// Signals that a program may handle: 1 to 31.
const SIGNALS: usize = 32;

/// A compiled program, shared by all who run it.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Image {
    /// Link in [`ProgramData::images`].
    pub list: ListHead,
    /// Hash of the text, by which it is found.
    pub hash: u64,
    /// The code's words.
    pub code: Ref<u64>,
    /// The text.
    pub text: Ref<u64>,
    /// How many words the code has.
    pub words: u32,
    /// How many bytes the text has.
    pub length: u32,
    /// Processes that run it.
    pub users: u32,
    /// How many variables it has.
    pub variables: u32,
    /// Where their names stand in the text, and how long they are in the upper bytes.
    pub names: [u32; VARIABLES_MAX],
}

describe!(
    Image,
    "program_image",
    [
        list, hash: Kind::Hex, code, text, words, length, users, variables, names: Kind::Hex,
    ]
);

/// What a task that runs a program has in hand: place, variables.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Process {
    /// The compiled text, shared by all who run it.
    pub image: Ref<Image>,
    /// The next word of the code.
    pub ip: u32,
    /// The line that runs, from 1.
    pub line: u32,
    /// Arguments behind the program's name.
    pub argc: u32,
    /// Of these, how many `shift` has passed over.
    pub shifted: u32,
    /// What the child ended with that was waited for last.
    pub status: u32,
    /// User time that is owed for what was done, in nanoseconds.
    pub owed_user: u64,
    /// System time likewise.
    pub owed_system: u64,
    /// `$?`: the result of the last call.
    pub last: i64,
    /// Where the call that runs is to end, in nanoseconds since boot; 0 if no such call runs.
    pub deadline: u64,
    /// Bytes that the call that runs has done.
    pub progress: u64,
    /// When the alarm goes off, in nanoseconds since boot; 0 is never.
    pub alarm: u64,
    /// Where its random numbers are.
    pub seed: u64,
    /// Number of the signal that is handled; 0 is none.
    pub signal: u32,
    /// 1 while a call waits; 2 if a signal was handled meanwhile.
    pub waiting: u32,
    /// What the handler will go back to.
    pub saved: Saved,
    /// Where the handlers begin, by signal; 0 is none.
    pub handlers: [u16; SIGNALS],
    /// The variables.
    pub variables: [i64; VARIABLES_MAX],
}

describe!(
    Process,
    "process",
    [
        image, ip, line, argc, shifted, status, owed_user, owed_system, last, deadline, progress,
        alarm, seed: Kind::Hex, signal, waiting, saved, handlers, variables,
    ]
);

/// What a program goes back to when it has handled a signal.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Saved {
    /// [`Process::ip`].
    pub ip: u32,
    /// [`Process::waiting`].
    pub waiting: u32,
    /// [`Process::last`].
    pub last: i64,
    /// [`Process::owed_user`].
    pub owed_user: u64,
    /// [`Process::deadline`].
    pub deadline: u64,
    /// [`Process::progress`].
    pub progress: u64,
}

describe!(
    Saved,
    "saved_context",
    [ip, waiting, last, owed_user, deadline, progress]
);

/// What the kernel knows of programs.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct ProgramData {
    /// Images in use.
    pub images: ListHead,
    image_cache: Ref<KmemCache>,
    process_cache: Ref<KmemCache>,
    /// Images.
    pub nr_images: u32,
    /// Processes that run a program.
    pub nr_processes: u32,
}

describe!(
    ProgramData,
    "program_data",
    [images, image_cache, process_cache, nr_images, nr_processes]
);

/// The static data of this module.
pub const PROGRAMS: Ref<ProgramData> =
    Ref::new(TASK.unit() + (offset_of!(TaskData, programs) / 8) as u32);
const _: () = assert!(offset_of!(TaskData, programs).is_multiple_of(8));

/// Makes the caches.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    mem.list_init(PROGRAMS.cast());
    let ctor = slab::Constructor::None;
    let size = size_of::<Image>() as u32;
    mem[PROGRAMS].image_cache = slab::kmem_cache_create(mem, Image::TYPE.name, size, 8, ctor)?;
    let size = size_of::<Process>() as u32;
    mem[PROGRAMS].process_cache = slab::kmem_cache_create(mem, Process::TYPE.name, size, 8, ctor)?;
    Ok(())
}

/// The images in use, the newest first.
pub fn images(mem: &Mem) -> impl Iterator<Item = Ref<Image>> + '_ {
    mem.list_iter(PROGRAMS.cast()).map(Ref::cast)
}

/// A piece of memory that holds a text, as bytes.
fn bytes_of(mem: &Mem, text: Ref<u64>, length: u32) -> &[u8] {
    let bytes: &[u8; PROGRAM_MAX] = &mem[text.cast()];
    &bytes[..length as usize]
}

/// An image's text.
pub fn text_of(mem: &Mem, image: Ref<Image>) -> &str {
    let Image { text, length, .. } = mem[image];
    core::str::from_utf8(bytes_of(mem, text, length)).unwrap_or("")
}

/// The line of its program that a task runs, and its number from 1.
pub fn current_line(mem: &Mem, task: Ref<Task>) -> Option<(u32, &str)> {
    let process = Some(mem[task].program).filter(|process| !process.is_null())?;
    let Process { image, line, .. } = mem[process];
    let text = text_of(mem, image)
        .lines()
        .nth(line.checked_sub(1)? as usize)?;
    Some((line, text.trim()))
}

/// Where that line begins in the program's text, in bytes.
pub fn line_offset(mem: &Mem, task: Ref<Task>) -> u32 {
    let process = mem[task].program;
    if process.is_null() {
        return 0;
    }
    let Process { image, line, .. } = mem[process];
    let before = line.saturating_sub(1) as usize;
    let lines = text_of(mem, image).split_inclusive('\n').take(before);
    lines.map(|line| line.len() as u32).sum()
}

/// The variables of a task's program, with their names. Counters of `repeat` have none.
pub fn variables(mem: &Mem, task: Ref<Task>) -> impl Iterator<Item = (&str, i64)> + '_ {
    let process = Some(mem[task].program).filter(|process| !process.is_null());
    let process = process.map(|process| &mem[process]);
    process.into_iter().flat_map(move |process| {
        let image = &mem[process.image];
        let names = image.names.iter().take(image.variables as usize);
        names
            .zip(process.variables)
            .filter_map(move |(&name, value)| {
                let (at, length) = ((name & 0xffff) as usize, (name >> 16) as usize);
                let name = text_of(mem, process.image).get(at..at + length)?;
                (!name.is_empty()).then_some((name, value))
            })
    })
}

/// Copies what a task was called with, texts each ended by a zero byte, and returns how long that is; 0
/// if nothing is left of it.
pub fn command_line(mem: &Mem, task: Ref<Task>, buffer: &mut [u8]) -> usize {
    let mm = mem[task].mm;
    if mm.is_null() || mem[task].program.is_null() {
        return 0;
    }
    let Mm {
        arg_start, arg_end, ..
    } = mem[mm];
    // They lie in one page.
    let Some(frame) = mm::content(mem, mm, arg_start) else {
        return 0;
    };
    let from = arg_start as usize % FRAME_SIZE;
    let length = buffer.len().min((arg_end - arg_start) as usize);
    let text = &mem.frame(frame)[from..][..length.min(FRAME_SIZE - from)];
    buffer[..text.len()].copy_from_slice(text);
    text.len()
}

/// The image of a text, made if nobody runs it, with one user more.
///
/// # Errors
/// `ENOMEM`; `ENOEXEC` for a bad program, after the kernel's log was told what is wrong with it.
fn get_image(mem: &mut Mem, path: &str, text: &[u8]) -> Result<Ref<Image>, Errno> {
    let hash = text
        .iter()
        .fold(0, |hash, &byte| mix(hash, u64::from(byte)));
    let found = images(mem).find(|&image| {
        let Image {
            hash: known,
            text: other,
            length,
            ..
        } = mem[image];
        known == hash && bytes_of(mem, other, length) == text
    });
    if let Some(image) = found {
        mem[image].users += 1;
        return Ok(image);
    }
    let not_text = Error {
        line: 1,
        fault: Fault::NotText,
        word: "",
    };
    let compiled = core::str::from_utf8(text).map_err(|_| not_text);
    let compiled = compiled.and_then(|text| match text.contains('\0') {
        true => Err(not_text),
        false => compile(text),
    });
    match compiled {
        Ok(compiled) => new_image(mem, text, hash, &compiled),
        Err(error) => {
            let path = crate::shell::shortened(path);
            mem.printk(format_args!("exec: {path}: {error}"));
            Err(Errno::ENOEXEC)
        }
    }
}

fn new_image(
    mem: &mut Mem,
    text: &[u8],
    hash: u64,
    compiled: &Compiled<'_>,
) -> Result<Ref<Image>, Errno> {
    let cache = mem[PROGRAMS].image_cache;
    let image: Ref<Image> = fs::alloc_object(mem, cache)?;
    mem[image] = Image::zeroed();
    let code = &compiled.words[..compiled.length];
    let made = store(mem, code.len(), |at| code[at]).and_then(|code| {
        mem[image].code = code;
        store(mem, text.len().div_ceil(8), |at| {
            let mut word = [0; 8];
            let bytes = &text[at * 8..text.len().min(at * 8 + 8)];
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(word)
        })
    });
    let made = made.map(|text| mem[image].text = text);
    if let Err(errno) = made {
        free_image(mem, image);
        return Err(errno);
    }
    let mut names = [0; VARIABLES_MAX];
    let mut variables = 0;
    for (slot, name) in names.iter_mut().zip(compiled.variables) {
        if name.is_empty() {
            break;
        }
        variables += 1;
        // A counter's name is no part of the text.
        let at = (name.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
        if at < text.len() {
            *slot = (name.len() << 16 | at) as u32;
        }
    }
    let new = &mut mem[image];
    (new.hash, new.users) = (hash, 1);
    (new.words, new.length) = (code.len() as u32, text.len() as u32);
    (new.names, new.variables) = (names, variables);
    mem.list_add(image.cast(), PROGRAMS.cast());
    mem[PROGRAMS].nr_images += 1;
    Ok(image)
}

/// Puts words into memory of their own.
fn store(mem: &mut Mem, count: usize, word: impl Fn(usize) -> u64) -> Result<Ref<u64>, Errno> {
    // A text without a byte still has a place.
    let bytes = count.max(1) as u32 * 8;
    let place = fs::with_memory(mem, |mem| kmalloc(mem, bytes, Gfp::KERNEL))?;
    for at in 0..count {
        mem[place.offset(at as u32)] = word(at);
    }
    Ok(place)
}

fn free_image(mem: &mut Mem, image: Ref<Image>) {
    let Image { code, text, .. } = mem[image];
    kfree(mem, code);
    kfree(mem, text);
    let cache = mem[PROGRAMS].image_cache;
    kmem_cache_free(mem, cache, image);
}

/// A process less runs an image; the last one frees it.
fn put_image(mem: &mut Mem, image: Ref<Image>) {
    mem[image].users -= 1;
    if mem[image].users == 0 {
        mem.list_del(image.cast());
        mem[PROGRAMS].nr_images -= 1;
        free_image(mem, image);
    }
}

fn alloc_process(mem: &mut Mem) -> Result<Ref<Process>, Errno> {
    let cache = mem[PROGRAMS].process_cache;
    let process: Ref<Process> = fs::alloc_object(mem, cache)?;
    mem[PROGRAMS].nr_processes += 1;
    Ok(process)
}

/// Has `child` go on where `parent` is, with 0 as the result of the call that made it. The child of a
/// task without a program gets none.
///
/// # Errors
/// `ENOMEM`.
pub fn fork_process(mem: &mut Mem, parent: Ref<Task>, child: Ref<Task>) -> Result<(), Errno> {
    let from = mem[parent].program;
    if from.is_null() {
        return Ok(());
    }
    let process = alloc_process(mem)?;
    mem[process] = Process {
        last: 0,
        owed_user: 0,
        owed_system: 0,
        alarm: 0,
        // Each draws numbers of its own.
        seed: mix(mem[from].seed, mem[TASK].total_forks + 1),
        ..mem[from]
    };
    let image = mem[process].image;
    mem[image].users += 1;
    mem[child].program = process;
    Ok(())
}

/// Takes a task's program away: it ends.
pub fn exit_process(mem: &mut Mem, task: Ref<Task>) {
    let process = core::mem::replace(&mut mem[task].program, Ref::NULL);
    if process.is_null() {
        return;
    }
    let image = mem[process].image;
    put_image(mem, image);
    let cache = mem[PROGRAMS].process_cache;
    kmem_cache_free(mem, cache, process);
    mem[PROGRAMS].nr_processes -= 1;
}

/// Checks that images and processes know each other.
///
/// # Errors
/// A sentence that names the first violation.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    if !mem.list_is_sound(PROGRAMS.cast(), mem[PROGRAMS].nr_images) {
        return Err("program: the list of images is broken");
    }
    let (mut users, mut count) = (0, 0);
    for image in images(mem) {
        count += 1;
        users += mem[image].users;
        if mem[image].users == 0 {
            return Err("program: nobody runs an image");
        }
    }
    let mut processes = 0;
    for task in super::pid::tasks_from(mem, 0) {
        let process = mem[task].program;
        if process.is_null() {
            continue;
        }
        processes += 1;
        let Process { image, ip, .. } = mem[process];
        if ip >= mem[image].words {
            return Err("program: a process is outside of its program");
        }
    }
    if processes != mem[PROGRAMS].nr_processes || users != processes {
        return Err("program: images and the processes that run them don't agree");
    }
    if count != mem[PROGRAMS].nr_images {
        return Err("program: images were miscounted");
    }
    Ok(())
}
