//! Descriptors: the small numbers by which a task names its open files.
//!
//! A task's table ([`Files`]) leads from descriptors to open files. Threads share a table; `fork` copies
//! it, so that parent and child share the open files but not the numbers. The last task that lets go of
//! a table closes what is in it. The console's shell, process 1, has no table: its redirections are its
//! own business.

use core::mem::offset_of;

use super::file::{File, O_RDWR, close, get_file, open_as};
use super::{FS, FsData, walk};
use crate::errno::Errno;
use crate::mem::{ListHead, Mem, Ref};
use crate::task::{self, Files, Task};

/// Head of the list of all tables.
pub(super) fn tables_head() -> Ref<ListHead> {
    FS.byte_add(offset_of!(FsData, tables))
}

/// Lists a new table.
pub(crate) fn table_made(mem: &mut Mem, files: Ref<Files>) {
    mem.list_add_tail(files.cast(), tables_head());
}

/// All tables.
pub(super) fn tables(mem: &Mem) -> impl Iterator<Item = Ref<Files>> + '_ {
    mem.list_iter(tables_head()).map(Ref::cast)
}

/// Gives `file` the lowest free descriptor of `task`, which takes over the caller's reference
/// (`fd_install`).
///
/// # Errors
/// `EMFILE` if all are in use; the reference is still the caller's then. `EBADF` if the task has no
/// table any more.
pub fn fd_install(mem: &mut Mem, task: Ref<Task>, file: Ref<File>) -> Result<u32, Errno> {
    let files = table(mem, task)?;
    let free = mem[files].fd.iter().position(|slot| slot.is_null());
    let fd = free.ok_or(Errno::EMFILE)?;
    mem[files].fd[fd] = file;
    Ok(fd as u32)
}

fn table(mem: &Mem, task: Ref<Task>) -> Result<Ref<Files>, Errno> {
    Some(mem[task].files)
        .filter(|files| !files.is_null())
        .ok_or(Errno::EBADF)
}

/// The open file of a descriptor. No reference is taken.
///
/// # Errors
/// `EBADF`.
pub fn fd_get(mem: &Mem, task: Ref<Task>, fd: u32) -> Result<Ref<File>, Errno> {
    let files = table(mem, task)?;
    let file = mem[files].fd.get(fd as usize).ok_or(Errno::EBADF)?;
    Some(*file)
        .filter(|file| !file.is_null())
        .ok_or(Errno::EBADF)
}

/// Closes a descriptor, and the open file with its last one.
///
/// # Errors
/// `EBADF`.
pub fn fd_close(mem: &mut Mem, task: Ref<Task>, fd: u32) -> Result<(), Errno> {
    let file = fd_get(mem, task, fd)?;
    let files = table(mem, task)?;
    mem[files].fd[fd as usize] = Ref::NULL;
    mem[files].close_on_exec &= !(1 << fd);
    close(mem, file);
    Ok(())
}

/// Another descriptor, the lowest free one, of the same open file.
///
/// # Errors
/// `EBADF`, `EMFILE`.
pub fn dup(mem: &mut Mem, task: Ref<Task>, fd: u32) -> Result<u32, Errno> {
    let file = fd_get(mem, task, fd)?;
    let new = fd_install(mem, task, file)?;
    get_file(mem, file);
    Ok(new)
}

/// Makes `new` a descriptor of what `old` leads to, and closes what it led to before. They may be equal.
///
/// # Errors
/// `EBADF`, also for a `new` that no descriptor can have.
pub fn dup2(mem: &mut Mem, task: Ref<Task>, old: u32, new: u32) -> Result<u32, Errno> {
    let file = fd_get(mem, task, old)?;
    let files = table(mem, task)?;
    let slot = *mem[files].fd.get(new as usize).ok_or(Errno::EBADF)?;
    if new == old {
        return Ok(new);
    }
    get_file(mem, file);
    mem[files].fd[new as usize] = file;
    mem[files].close_on_exec &= !(1 << new);
    if !slot.is_null() {
        close(mem, slot);
    }
    Ok(new)
}

/// The descriptors of a task with their open files, in order.
pub fn descriptors(mem: &Mem, task: Ref<Task>) -> impl Iterator<Item = (u32, Ref<File>)> + '_ {
    let files = table(mem, task).ok();
    let slots = files.into_iter().flat_map(|files| &mem[files].fd);
    (0..)
        .zip(slots.copied())
        .filter(|(_, file)| !file.is_null())
}

/// Shares a table with one more task (`CLONE_FILES`).
pub fn share_files(mem: &mut Mem, files: Ref<Files>) -> Ref<Files> {
    mem[files].count += 1;
    files
}

/// A copy of a table: other descriptors, the same open files (`dup_fd`).
///
/// # Errors
/// `ENOMEM`.
pub fn copy_files(mem: &mut Mem, files: Ref<Files>) -> Result<Ref<Files>, Errno> {
    let copy = task::alloc_files(mem)?;
    let Files {
        close_on_exec, fd, ..
    } = mem[files];
    mem[copy].close_on_exec = close_on_exec;
    mem[copy].fd = fd;
    for file in fd.into_iter().filter(|file| !file.is_null()) {
        get_file(mem, file);
    }
    Ok(copy)
}

/// Takes a task's table away from it (`exit_files`). The last task to go closes what is in it.
pub fn exit_files(mem: &mut Mem, task: Ref<Task>) {
    let files = core::mem::replace(&mut mem[task].files, Ref::NULL);
    if !files.is_null() {
        put_files(mem, files);
    }
}

/// Drops a reference to a table; after the last one its files are closed.
pub fn put_files(mem: &mut Mem, files: Ref<Files>) {
    mem[files].count -= 1;
    if mem[files].count > 0 {
        return;
    }
    let Files { fd, .. } = mem[files];
    for file in fd.into_iter().filter(|file| !file.is_null()) {
        close(mem, file);
    }
    task::free_files(mem, files);
}

/// Closes the descriptors that do not survive `exec`.
pub fn close_on_exec(mem: &mut Mem, task: Ref<Task>) {
    let Ok(files) = table(mem, task) else {
        return;
    };
    let marked = core::mem::take(&mut mem[files].close_on_exec);
    for fd in (0..mem[files].fd.len() as u32).filter(|fd| marked >> fd & 1 != 0) {
        // A mark without a file means nothing.
        let _ = fd_close(mem, task, fd);
    }
}

/// The table of a program that the console starts: 0 reads from `input` and 1 writes to `output`, or
/// both are the console, as 2 is. References to the two are taken.
///
/// # Errors
/// Those of opening `/dev/console`, `ENOMEM`.
pub fn console_files(
    mem: &mut Mem,
    input: Option<Ref<File>>,
    output: Option<Ref<File>>,
) -> Result<Ref<Files>, Errno> {
    let console = walk(mem, "/dev/console")?;
    // Whoever sits at the console may use it, whatever the node's bits say.
    let console = open_as(mem, console, O_RDWR)?;
    let files = match task::alloc_files(mem) {
        Ok(files) => files,
        Err(errno) => {
            close(mem, console);
            return Err(errno);
        }
    };
    for (fd, file) in [input, output, None].into_iter().enumerate() {
        mem[files].fd[fd] = get_file(mem, file.unwrap_or(console));
    }
    close(mem, console);
    Ok(files)
}
