//! Making, removing and moving names.
//!
//! Each operation walks to the directory, looks at the name, and then refuses in the order of
//! specs/containers_async_proc.md 6.4: what is wrong with the path, with the file system, with the
//! rights of the task, with the object; last comes what the file system itself says.

use super::attr::{self, MAY_EXEC, MAY_WRITE};
use super::dentry::{self, Dentry, is_dir};
use super::inode::{BLOCK, CHARACTER, DIRECTORY, FIFO, REGULAR, TYPE_MASK};
use super::namei::{self, LINK_MAX, Last};
use super::{device, file_system, is_below};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};
use crate::task::{self, Capability};

/// Permission bits that the running task's new files don't get.
fn umask(mem: &Mem) -> u32 {
    mem[task::current(mem)].umask
}

/// Sets the running task's umask and returns the one before.
pub fn set_umask(mem: &mut Mem, umask: u32) -> u32 {
    let current = task::current(mem);
    core::mem::replace(&mut mem[current].umask, umask & 0o777)
}

/// Whether the running task may change what is in a directory.
fn may_change(mem: &Mem, dir: Ref<Dentry>) -> Result<(), Errno> {
    attr::permission(mem, mem[dir].inode, MAY_WRITE | MAY_EXEC)
}

/// The directory and the name of something new.
///
/// # Errors
/// Those of the walk; `EEXIST`; `EROFS`, `EACCES`.
fn new_name<'a>(
    mem: &mut Mem,
    path: &'a str,
    may_end_in_slash: bool,
) -> Result<(Ref<Dentry>, &'a str), Errno> {
    let (dir, last) = namei::parent(mem, path)?;
    let Last::Name { name, slash } = last else {
        return Err(Errno::EEXIST);
    };
    if namei::lookup(mem, dir, name)?.is_some() {
        return Err(Errno::EEXIST);
    }
    if slash && !may_end_in_slash {
        return Err(Errno::ENOENT);
    }
    may_change(mem, dir)?;
    Ok((dir, name))
}

/// Makes a directory with the permission bits `mode`, without those of the umask.
///
/// # Errors
/// Those of the walk to its parent, then in this order: `EEXIST`; `ENOENT` if the parent was
/// removed; `EROFS`; `EACCES`; what the file system says (`EPERM` where it has no directories to make,
/// `ENOMEM`).
pub fn mkdir(mem: &mut Mem, path: &str, mode: u32) -> Result<(), Errno> {
    let (dir, name) = new_name(mem, path, true)?;
    let mode = DIRECTORY | mode & 0o1777 & !umask(mem);
    let file_system = file_system(mem, mem[dir].inode);
    file_system.mkdir(mem, dir, name, mode).map(|_| ())
}

/// Makes an empty file for `open`, which has found that the name is free.
pub(super) fn create(
    mem: &mut Mem,
    dir: Ref<Dentry>,
    name: &str,
    mode: u32,
) -> Result<Ref<Dentry>, Errno> {
    may_change(mem, dir)?;
    let mode = REGULAR | mode & attr::MODE_BITS & !umask(mem);
    file_system(mem, mem[dir].inode).create(mem, dir, name, mode)
}

/// Makes a file, a FIFO or a device node, as the type bits of `mode` say (none is a file).
///
/// # Errors
/// Those of the walk, `EEXIST`, `EROFS`, `EACCES`; `EPERM` for a device without `CAP_MKNOD`, or if the
/// task's container forbids it, or where the file system has no such nodes; `EPERM` for a directory,
/// `EINVAL` for what is no type; `ENOMEM`.
pub fn mknod(mem: &mut Mem, path: &str, mode: u32, major: u32, minor: u32) -> Result<(), Errno> {
    let kind = match mode & TYPE_MASK {
        0 => REGULAR,
        DIRECTORY => return Err(Errno::EPERM),
        kind @ (REGULAR | FIFO | CHARACTER | BLOCK) => kind,
        _ => return Err(Errno::EINVAL),
    };
    let (dir, name) = new_name(mem, path, false)?;
    let is_device = matches!(kind, CHARACTER | BLOCK);
    if is_device {
        if !attr::capable(mem, Capability::Mknod) {
            return Err(Errno::EPERM);
        }
        device::permission(mem, kind, (major, minor), device::ACC_MKNOD)?;
    }
    let mode = kind | mode & attr::MODE_BITS & !umask(mem);
    let file_system = file_system(mem, mem[dir].inode);
    let node = match kind {
        REGULAR => file_system.create(mem, dir, name, mode)?,
        _ => file_system.mknod(mem, dir, name, mode)?,
    };
    if is_device {
        let inode = mem[node].inode;
        mem[inode].rdev = device::number(major, minor);
    }
    Ok(())
}

/// Makes a symbolic link.
///
/// # Errors
/// `ENOENT` for an empty text, `ENAMETOOLONG`; those of the walk; `EEXIST`, `EROFS`, `EACCES`; `EPERM`
/// where the file system has no links; `ENOMEM`.
pub fn symlink(mem: &mut Mem, text: &str, path: &str) -> Result<(), Errno> {
    if text.is_empty() {
        return Err(Errno::ENOENT);
    }
    if text.len() > LINK_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    let (dir, name) = new_name(mem, path, false)?;
    let file_system = file_system(mem, mem[dir].inode);
    file_system.symlink(mem, dir, name, text).map(|_| ())
}

/// Whether the running task may take a name out of its directory.
///
/// # Errors
/// `EROFS`, `EACCES`; `EPERM` if the directory is sticky.
fn may_remove(mem: &Mem, dir: Ref<Dentry>, victim: Ref<Dentry>) -> Result<(), Errno> {
    may_change(mem, dir)?;
    match attr::is_stuck(mem, mem[dir].inode, mem[victim].inode) {
        true => Err(Errno::EPERM),
        false => Ok(()),
    }
}

/// Removes an empty directory.
///
/// # Errors
/// `EINVAL` for `.`, `ENOTEMPTY` for `..`, `EBUSY` for `/`; then in this order `ENOENT`; `EROFS`,
/// `EACCES`; `EPERM` if the directory above is sticky; `ENOTDIR`; `EBUSY` if something is mounted there;
/// `EPERM` where the file system removes nothing; `ENOTEMPTY`.
pub fn rmdir(mem: &mut Mem, path: &str) -> Result<(), Errno> {
    let (dir, last) = namei::parent(mem, path)?;
    let name = match last {
        Last::Name { name, .. } => name,
        Last::Dot => return Err(Errno::EINVAL),
        Last::DotDot => return Err(Errno::ENOTEMPTY),
        Last::Root => return Err(Errno::EBUSY),
    };
    let dentry = namei::lookup(mem, dir, name)?.ok_or(Errno::ENOENT)?;
    may_remove(mem, dir, dentry)?;
    if !is_dir(mem, dentry) {
        return Err(Errno::ENOTDIR);
    }
    if !mem[dentry].mounted.is_null() {
        return Err(Errno::EBUSY);
    }
    file_system(mem, mem[dentry].inode).rmdir(mem, dentry)
}

/// Removes a file. Whoever has it open keeps its content until it is closed.
///
/// # Errors
/// `ENOENT`; for a name with a slash behind it `EISDIR` or `ENOTDIR`; `EROFS`, `EACCES`; `EPERM` if the
/// directory is sticky; `EISDIR`; `EPERM` where the file system removes nothing.
pub fn unlink(mem: &mut Mem, path: &str) -> Result<(), Errno> {
    let (dir, last) = namei::parent(mem, path)?;
    let Last::Name { name, slash } = last else {
        return Err(Errno::EISDIR);
    };
    let dentry = namei::lookup(mem, dir, name)?.ok_or(Errno::ENOENT)?;
    let is_dir = is_dir(mem, dentry);
    if slash {
        return Err(if is_dir {
            Errno::EISDIR
        } else {
            Errno::ENOTDIR
        });
    }
    may_remove(mem, dir, dentry)?;
    if is_dir {
        return Err(Errno::EISDIR);
    }
    file_system(mem, mem[dentry].inode).unlink(mem, dentry)
}

/// Gives what is at `old` the name `new`, in the place of what had it.
///
/// # Errors
/// In this order: those of the walks; `EXDEV` for another mount; `EBUSY` if either is no name (`.`,
/// `/`); `ENOENT`; `ENOTDIR` for a file's name with a slash behind it; `EINVAL` for a directory that would
/// come to lie in itself; `ENOTEMPTY` if the new name is a directory that the old one is in; `EROFS`,
/// `EACCES`, `EPERM` in a sticky directory; `ENOTDIR` for a directory in the place of a file, `EISDIR`
/// for a file in that of a directory; `EBUSY` if something is mounted on either; what the file system
/// says (`EPERM` where nothing is renamed, `ENOTEMPTY`).
pub fn rename(mem: &mut Mem, old: &str, new: &str) -> Result<(), Errno> {
    let (old_dir, old_last) = namei::parent(mem, old)?;
    // The second walk may need memory, and what is unused goes then.
    dentry::get(mem, old_dir);
    let result = namei::parent(mem, new).and_then(|(new_dir, new_last)| {
        dentry::get(mem, new_dir);
        let result = rename_in(mem, (old_dir, old_last), (new_dir, new_last));
        dentry::put(mem, new_dir);
        result
    });
    dentry::put(mem, old_dir);
    result
}

fn rename_in(
    mem: &mut Mem,
    (old_dir, old_last): (Ref<Dentry>, Last<'_>),
    (new_dir, new_last): (Ref<Dentry>, Last<'_>),
) -> Result<(), Errno> {
    let mount_of = |mem: &Mem, dir: Ref<Dentry>| mem[mem[dir].inode].mount;
    if mount_of(mem, old_dir) != mount_of(mem, new_dir) {
        return Err(Errno::EXDEV);
    }
    let (
        Last::Name {
            name: old,
            slash: old_slash,
        },
        Last::Name {
            name: new,
            slash: new_slash,
        },
    ) = (old_last, new_last)
    else {
        return Err(Errno::EBUSY);
    };
    let victim = namei::lookup(mem, old_dir, old)?.ok_or(Errno::ENOENT)?;
    let moves_dir = is_dir(mem, victim);
    if (old_slash || new_slash) && !moves_dir {
        return Err(Errno::ENOTDIR);
    }
    if is_below(mem, new_dir, victim) {
        return Err(Errno::EINVAL);
    }
    dentry::get(mem, victim);
    let result = namei::lookup(mem, new_dir, new).and_then(|target| {
        if target.is_some_and(|target| is_below(mem, old_dir, target)) {
            return Err(Errno::ENOTEMPTY);
        }
        may_remove(mem, old_dir, victim)?;
        if target == Some(victim) {
            return Ok(());
        }
        match target {
            None => may_change(mem, new_dir)?,
            Some(target) => {
                may_remove(mem, new_dir, target)?;
                match (moves_dir, is_dir(mem, target)) {
                    (true, false) => return Err(Errno::ENOTDIR),
                    (false, true) => return Err(Errno::EISDIR),
                    _ => {}
                }
            }
        }
        // Its entry `..` changes.
        if moves_dir && old_dir != new_dir {
            attr::permission(mem, mem[victim].inode, MAY_WRITE)?;
        }
        let is_mounted = |at: Ref<Dentry>| !mem[at].mounted.is_null();
        if is_mounted(victim) || target.is_some_and(is_mounted) {
            return Err(Errno::EBUSY);
        }
        let file_system = file_system(mem, mem[victim].inode);
        file_system.rename(mem, victim, new_dir, new, target)
    });
    dentry::put(mem, victim);
    result
}
