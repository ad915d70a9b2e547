//! The control files of a container's directory (specs 1.4).
//!
//! A file is a row: of [`CORE`], or of its subsystem's [`Cftype`]s. The inode keeps which row, the
//! directory's inode which container; a removed directory keeps none, and whoever still holds one of
//! its files open gets `ENODEV`. One write is one command, whatever the position.

use core::fmt::{self, Write};

use super::hierarchy::{self, AGENT_MAX};
use super::{
    Container, FLAVOUR_CGROUP, Hierarchy, NOPREFIX, NOTIFY_ON_RELEASE, RELEASABLE, attach_task,
    subsys, subsystem_name, tree,
};
use crate::errno::Errno;
use crate::fs::{self, Dentry, Inode, Name};
use crate::mem::{Gfp, Mem, Ref};
use crate::slab;
use crate::task::wait::WaitQueue;
use crate::task::{self, PF_EXITING, Task};

/// Shows a file's content.
pub type Read = fn(&mut Mem, Ref<Container>, &mut dyn Write) -> fmt::Result;

/// Takes what was written at once.
pub type Store = fn(&mut Mem, Ref<Container>, &[u8]) -> Result<(), Errno>;

/// Where to wait for something to happen to a container, and how often it has.
pub type Poll = fn(&Mem, Ref<Container>) -> (Ref<WaitQueue>, u32);

/// A control file (`struct cftype`).
#[derive(Clone, Copy)]
pub struct Cftype {
    /// Its name without the subsystem's.
    pub name: &'static str,
    /// What reading it shows; without it reading is `EINVAL`.
    pub read: Option<Read>,
    /// What writing to it does; without it writing is `EINVAL`.
    pub write: Option<Store>,
    /// In which containers it is.
    pub place: Place,
    /// What `poll` waits for; without it a file is always ready.
    pub poll: Option<Poll>,
}

/// In which containers a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In all of them.
    Everywhere,
    /// In topmost ones only.
    Top,
    /// In all but topmost ones.
    BelowTop,
}

impl Cftype {
    /// A file of every container.
    pub const fn new(name: &'static str, read: Option<Read>, write: Option<Store>) -> Cftype {
        Cftype {
            name,
            read,
            write,
            place: Place::Everywhere,
            poll: None,
        }
    }

    /// The same, and one can wait for it.
    pub const fn pollable(self, poll: Poll) -> Cftype {
        Cftype {
            poll: Some(poll),
            ..self
        }
    }

    /// The same in some containers only.
    pub const fn only(self, place: Place) -> Cftype {
        Cftype { place, ..self }
    }
}

/// The files that every hierarchy has, without prefix.
static CORE: [Cftype; 4] = [
    // What reading it shows was noted when it was opened.
    Cftype::new("tasks", None, Some(write_tasks)),
    Cftype::new(
        "notify_on_release",
        Some(|mem, container, out| {
            let flags = mem[container].flags;
            writeln!(out, "{}", u32::from(flags & NOTIFY_ON_RELEASE != 0))
        }),
        Some(write_notify_on_release),
    ),
    Cftype::new(
        "releasable",
        Some(|mem, container, out| {
            let flags = mem[container].flags;
            writeln!(out, "{}", u32::from(flags & RELEASABLE != 0))
        }),
        None,
    ),
    Cftype::new("release_agent", Some(read_agent), Some(write_agent)).only(Place::Top),
];

/// In an inode's first number: the subsystem, counted from 1, above the row; 0 is the core.
const SUBSYSTEM_SHIFT: u32 = 8;

/// The container whose directory `dir` is; `None` once it was removed.
pub(super) fn container_of(mem: &Mem, dir: Ref<Dentry>) -> Option<Ref<Container>> {
    let [unit, _] = fs::numbers_of(mem, mem[dir].inode);
    Some(Ref::new(unit)).filter(|container: &Ref<Container>| !container.is_null())
}

/// Notes a directory's container.
pub(super) fn set_container(mem: &mut Mem, dir: Ref<Dentry>, container: Ref<Container>) {
    let inode = mem[dir].inode;
    fs::set_numbers(mem, inode, [container.unit(), 0]);
}

/// Makes all files of a container's directory: the core's, then each subsystem's. What fails is left
/// out, as in Linux.
pub(super) fn populate(mem: &mut Mem, container: Ref<Container>) {
    let _ = add_rows(mem, container, "", 0, &CORE);
    for number in mem[mem[container].root].subsystems() {
        subsys::populate(mem, number, container);
    }
}

/// What the names of a subsystem's files begin with in a hierarchy, before the dot; empty for nothing
/// and no dot.
pub fn file_prefix(mem: &Mem, root: Ref<Hierarchy>, number: usize) -> &'static str {
    let root = &mem[root];
    let is_bare = match root.flavour {
        FLAVOUR_CGROUP => root.flags & NOPREFIX != 0,
        // In May 2007 the core adds no prefix; but all subsystems except cpuset have one themselves.
        _ => subsys::subsystem(number).is_some_and(|subsystem| !subsystem.has_own_prefix()),
    };
    if is_bare { "" } else { subsystem_name(number) }
}

/// Makes a subsystem's files.
///
/// # Errors
/// `ENOMEM`; `EEXIST` where two subsystems without prefix have files of one name.
pub(super) fn add_all(
    mem: &mut Mem,
    container: Ref<Container>,
    number: usize,
    rows: &[Cftype],
) -> Result<(), Errno> {
    let prefix = file_prefix(mem, mem[container].root, number);
    add_rows(mem, container, prefix, number as u32 + 1, rows)
}

/// Makes the file of a subsystem's row `row` under a name that the row does not have.
///
/// # Errors
/// As [`add_all`]; `ENAMETOOLONG`.
pub(super) fn add_named(
    mem: &mut Mem,
    container: Ref<Container>,
    number: usize,
    row: u32,
    name: &str,
) -> Result<(), Errno> {
    let prefix = file_prefix(mem, mem[container].root, number);
    add_row(mem, container, prefix, [number as u32 + 1, row], name)
}

fn add_rows(
    mem: &mut Mem,
    container: Ref<Container>,
    prefix: &str,
    owner: u32,
    rows: &[Cftype],
) -> Result<(), Errno> {
    let parent = mem[container].parent;
    for (row, file) in (0..).zip(rows) {
        let is_there = match file.place {
            Place::Everywhere => true,
            Place::Top => parent.is_null(),
            Place::BelowTop => !parent.is_null(),
        };
        if !is_there {
            continue;
        }
        add_row(mem, container, prefix, [owner, row], file.name)?;
    }
    Ok(())
}

fn add_row(
    mem: &mut Mem,
    container: Ref<Container>,
    prefix: &str,
    [owner, row]: [u32; 2],
    name: &str,
) -> Result<(), Errno> {
    let mut full = Name::EMPTY;
    let dot = if prefix.is_empty() { "" } else { "." };
    write!(full, "{prefix}{dot}{name}").map_err(|_| Errno::ENAMETOOLONG)?;
    let dir = mem[container].dentry;
    // As in 2.6.24 whatever the file can do; what it cannot it refuses when asked.
    let made = fs::make_file(mem, dir, full.text(), 0o644)?;
    let inode = mem[made].inode;
    fs::set_numbers(mem, inode, [owner << SUBSYSTEM_SHIFT | row, 0]);
    Ok(())
}

/// Takes all files out of a directory; directories stay.
pub(super) fn clear(mem: &mut Mem, dir: Ref<Dentry>) {
    loop {
        let mut entries = fs::entries(mem, dir);
        let next = entries.find(|&entry| !fs::is_dir(mem, entry));
        drop(entries);
        let Some(file) = next else {
            return;
        };
        fs::remove_entry(mem, file);
    }
}

/// What an inode's file is, and its container.
fn row(mem: &Mem, inode: Ref<Inode>) -> Result<(&'static Cftype, Ref<Container>), Errno> {
    let [code, _] = fs::numbers_of(mem, inode);
    let rows = match (code >> SUBSYSTEM_SHIFT).checked_sub(1) {
        None => &CORE[..],
        Some(number) => {
            let subsystem = subsys::subsystem(number as usize).ok_or(Errno::EIO)?;
            subsystem.files()
        }
    };
    let row = code & ((1 << SUBSYSTEM_SHIFT) - 1);
    let file = rows.get(row as usize).ok_or(Errno::EIO)?;
    let dir = mem[mem[inode].alias].parent;
    let container = tree::alive(mem, container_of(mem, dir))?;
    Ok((file, container))
}

/// Whether somebody has a file of a container open to read: that of a subsystem's row.
pub(super) fn is_open(mem: &Mem, container: Ref<Container>, number: usize, row: u32) -> bool {
    let code = (number as u32 + 1) << SUBSYSTEM_SHIFT | row;
    let dir = mem[container].dentry;
    fs::files(mem).any(|file| {
        let dentry = mem[file].dentry;
        // Which directory it is in tells in which file system.
        !dentry.is_null()
            && mem[file].is_readable()
            && !dir.is_null()
            && mem[dentry].parent == dir
            && fs::numbers_of(mem, mem[dentry].inode)[0] == code
    })
}

/// Whether something has happened that an open file's owner was not told yet, and where to wait for it.
/// From now on he was told.
///
/// # Errors
/// `ENODEV` if the container is gone.
pub(super) fn poll(
    mem: &mut Mem,
    inode: Ref<Inode>,
    seen: Ref<u64>,
) -> Result<(bool, Ref<WaitQueue>), Errno> {
    let (file, container) = row(mem, inode)?;
    let (Some(poll), false) = (file.poll, seen.is_null()) else {
        return Ok((true, Ref::NULL));
    };
    let (queue, count) = poll(mem, container);
    let before = core::mem::replace(&mut mem[seen], u64::from(count));
    Ok((before != u64::from(count), queue))
}

/// Whether it is a `tasks` file.
pub(super) fn is_tasks(mem: &Mem, inode: Ref<Inode>) -> bool {
    fs::numbers_of(mem, inode)[0] == 0
}

/// A part of a text.
struct Window<'a> {
    /// Bytes before it that are still to come.
    skip: u64,
    buffer: &'a mut [u8],
    filled: usize,
}

impl Write for Window<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let skipped = self.skip.min(text.len() as u64);
        self.skip -= skipped;
        let bytes = &text.as_bytes()[skipped as usize..];
        let length = bytes.len().min(self.buffer.len() - self.filled);
        self.buffer[self.filled..self.filled + length].copy_from_slice(&bytes[..length]);
        self.filled += length;
        Ok(())
    }
}

/// Reads a control file from `position` on.
///
/// # Errors
/// `ENODEV` if the container is gone; `EINVAL` for a file that is only written to.
pub(super) fn read(
    mem: &mut Mem,
    inode: Ref<Inode>,
    position: &mut u64,
    buffer: &mut [u8],
) -> Result<usize, Errno> {
    let (file, container) = row(mem, inode)?;
    let read = file.read.ok_or(Errno::EINVAL)?;
    let mut window = Window {
        skip: *position,
        buffer,
        filled: 0,
    };
    // A window takes everything.
    let _ = read(mem, container, &mut window);
    let filled = window.filled;
    *position += filled as u64;
    Ok(filled)
}

/// Gives written bytes to a control file.
///
/// # Errors
/// `ENODEV` if the container is gone; `EINVAL` for a file that is only read; what the file says.
pub(super) fn write(mem: &mut Mem, inode: Ref<Inode>, bytes: &[u8]) -> Result<(), Errno> {
    let (file, container) = row(mem, inode)?;
    let write = file.write.ok_or(Errno::EINVAL)?;
    write(mem, container, bytes)
}

/// A file was opened to be read: of a `tasks` file all numbers are noted now, a bit each, which also
/// sorts them; of one that can be polled, how often what it tells of has happened.
///
/// # Errors
/// `ENODEV` if the container is gone, `ENOMEM`.
pub(super) fn opened(mem: &mut Mem, inode: Ref<Inode>) -> Result<Ref<u64>, Errno> {
    let (file, container) = row(mem, inode)?;
    if let Some(poll) = file.poll {
        let seen: Ref<u64> = slab::kmalloc(mem, 8, Gfp::KERNEL)?;
        mem[seen] = u64::from(poll(mem, container).1);
        return Ok(seen);
    }
    if !is_tasks(mem, inode) {
        return Ok(Ref::NULL);
    }
    let highest = tree::tasks(mem, container).map(|task| mem[task].pid).max();
    // The first word says how many follow.
    let words = highest.map_or(0, |pid| pid / 64 + 1);
    let bytes = (words + 1) * size_of::<u64>() as u32;
    let bits: Ref<u64> = slab::kmalloc(mem, bytes, Gfp::KERNEL)?;
    mem[bits] = u64::from(words);
    for word in 1..=words {
        mem[bits.offset(word)] = 0;
    }
    tree::for_each_task(mem, container, |mem, task| {
        let pid = mem[task].pid;
        mem[bits.offset(1 + pid / 64)] |= 1 << (pid % 64);
    });
    Ok(bits)
}

/// Shows what was noted: `position` is the next number. As many lines as fit.
///
/// # Errors
/// `EINVAL` if not even one fits.
pub(super) fn read_snapshot(
    mem: &Mem,
    bits: Ref<u64>,
    position: &mut u64,
    buffer: &mut [u8],
) -> Result<usize, Errno> {
    let words = mem[bits];
    let mut filled = 0;
    while *position / 64 < words {
        let at = *position as u32;
        let rest = mem[bits.offset(1 + at / 64)] >> (at % 64);
        if rest == 0 {
            *position = u64::from(at / 64 + 1) * 64;
            continue;
        }
        let pid = at + rest.trailing_zeros();
        let Some(length) = put_line(&mut buffer[filled..], pid) else {
            return match filled {
                0 => Err(Errno::EINVAL),
                filled => Ok(filled),
            };
        };
        filled += length;
        *position = u64::from(pid) + 1;
    }
    Ok(filled)
}

/// Writes a number and a newline to the beginning of `buffer` and returns how many bytes they are; `None`
/// if they don't fit.
fn put_line(buffer: &mut [u8], mut number: u32) -> Option<usize> {
    let digits = number.checked_ilog10().map_or(1, |log| log as usize + 1);
    let line = buffer.get_mut(..=digits)?;
    line[digits] = b'\n';
    for digit in line[..digits].iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    Some(digits + 1)
}

/// Moves the task with the written number; 0 is who writes. Further numbers are not looked at.
///
/// # Errors
/// `E2BIG`; `EIO` if it is no number; `ESRCH` if there is no such task, or it is on its way out;
/// `EACCES` if the writer is neither root nor the task's user; those of [`attach_task`].
fn write_tasks(mem: &mut Mem, container: Ref<Container>, bytes: &[u8]) -> Result<(), Errno> {
    if bytes.len() >= fs::PATH_MAX {
        return Err(Errno::E2BIG);
    }
    let pid = scan_int(bytes).ok_or(Errno::EIO)?;
    let current = task::current(mem);
    let task: Ref<Task> = match u32::try_from(pid).map_err(|_| Errno::ESRCH)? {
        0 => current,
        pid => task::find_task_by_pid(mem, pid).ok_or(Errno::ESRCH)?,
    };
    if mem[task].flags & PF_EXITING != 0 {
        return Err(Errno::ESRCH);
    }
    let euid = mem[current].cred.euid;
    let theirs = mem[task].cred;
    if task != current && euid != 0 && euid != theirs.uid && euid != theirs.suid {
        return Err(Errno::EACCES);
    }
    attach_task(mem, container, task)
}

/// What `sscanf("%d")` finds.
fn scan_int(bytes: &[u8]) -> Option<i64> {
    let bytes = bytes.trim_ascii_start();
    let (negative, digits) = match bytes.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, bytes),
    };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit());
    let digits = &digits[..end.unwrap_or(digits.len())];
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().fold(0i64, |number, digit| {
        (number * 10 + i64::from(digit - b'0')).min(i64::from(u32::MAX) * 2)
    });
    Some(if negative { -number } else { number })
}

/// Reads a number as `simple_strtoull` with base 0 does: decimal, hexadecimal behind `0x`, octal behind
/// `0`. A newline may follow.
///
/// # Errors
/// `EINVAL` for nothing or anything else, `E2BIG` for 64 bytes and more.
pub fn parse_u64(bytes: &[u8]) -> Result<u64, Errno> {
    if bytes.len() >= 64 {
        return Err(Errno::E2BIG);
    }
    let text = core::str::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    if digits.starts_with('+') {
        return Err(Errno::EINVAL);
    }
    u64::from_str_radix(digits, radix).map_err(|_| Errno::EINVAL)
}

/// Reads a flag as 2.6.24 does: a decimal number, and whatever follows it; no number is 0.
pub(super) fn parse_flag(bytes: &[u8]) -> bool {
    bytes
        .trim_ascii_start()
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .any(|&digit| digit != b'0')
}

fn write_notify_on_release(
    mem: &mut Mem,
    container: Ref<Container>,
    bytes: &[u8],
) -> Result<(), Errno> {
    // One that is empty already is only told of after it was used again.
    mem[container].flags &= !RELEASABLE;
    match parse_flag(bytes) {
        true => mem[container].flags |= NOTIFY_ON_RELEASE,
        false => mem[container].flags &= !NOTIFY_ON_RELEASE,
    }
    Ok(())
}

fn read_agent(mem: &mut Mem, container: Ref<Container>, out: &mut dyn Write) -> fmt::Result {
    let mut buffer = [0; AGENT_MAX];
    let root = mem[container].root;
    writeln!(out, "{}", hierarchy::agent(mem, root, &mut buffer))
}

fn write_agent(mem: &mut Mem, container: Ref<Container>, bytes: &[u8]) -> Result<(), Errno> {
    let root = mem[container].root;
    let path = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    hierarchy::set_agent(mem, root, path)
}
