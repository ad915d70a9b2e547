//! Who may do what with a file: owner, group, permission bits.
//!
//! A task acts on files as its `fsuid` and `fsgid`. If it is the owner, the owner's three bits count and
//! no others; else if its group is the file's, the group's; else those of all others. Whoever has
//! `CAP_DAC_OVERRIDE`, root mostly, may read and write everything, search every directory, and execute
//! what anybody may execute (specs/containers_async_proc.md 6.4).

use super::inode::{DIRECTORY, Inode, LINK, REGULAR, TYPE_MASK};
use super::namei;
use crate::errno::Errno;
use crate::mem::{MEM, Mem, Ref};
use crate::task::{Capability, Cred};

/// Execute a file, search a directory.
pub const MAY_EXEC: u32 = 1;
/// Write a file, change what is in a directory.
pub const MAY_WRITE: u32 = 2;
/// Read a file, list a directory.
pub const MAY_READ: u32 = 4;

/// Whoever executes it becomes its owner.
pub(super) const S_ISUID: u32 = 0o4000;
/// What is made in this directory gets its group.
pub(super) const S_ISGID: u32 = 0o2000;
/// Only its owner takes a name out of this directory.
pub(super) const S_ISVTX: u32 = 0o1000;
/// The bits that `chmod` sets.
pub const MODE_BITS: u32 = 0o7777;

/// Whose rights count now: those of the running task, or root's while the machine boots.
pub(super) fn credentials(mem: &Mem) -> Cred {
    let current = mem[MEM].current;
    match current.is_null() {
        true => Cred::of_user(0),
        false => mem[current].cred,
    }
}

/// Whether the running task has a capability (`capable`).
pub fn capable(mem: &Mem, capability: Capability) -> bool {
    let current = mem[MEM].current;
    current.is_null() || mem[current].cred.has(capability)
}

/// Whether the running task may search every directory.
#[inline]
pub(super) fn may_search_all(mem: &Mem) -> bool {
    capable(mem, Capability::DacOverride) || capable(mem, Capability::DacReadSearch)
}

/// Whether the running task may do with an inode what `mask`, of `MAY_*` bits, says.
///
/// # Errors
/// `EROFS` for writing on a read-only file system; `EACCES`.
pub fn permission(mem: &Mem, inode: Ref<Inode>, mask: u32) -> Result<(), Errno> {
    let Inode { mode, .. } = mem[inode];
    let file_system = super::file_system(mem, inode);
    let [uid, gid] = file_system.owner(mem, inode);
    let kind = mode & TYPE_MASK;
    // A device or pipe is elsewhere, whatever its name lies on.
    if mask & MAY_WRITE != 0
        && matches!(kind, REGULAR | DIRECTORY | LINK)
        && file_system.is_read_only()
    {
        return Err(Errno::EROFS);
    }
    let cred = credentials(mem);
    let bits = if cred.fsuid == uid {
        mode >> 6
    } else if cred.fsgid == gid {
        mode >> 3
    } else {
        mode
    };
    if bits & mask == mask {
        return Ok(());
    }
    let is_dir = kind == DIRECTORY;
    let can_be_executed = is_dir || mode & 0o111 != 0;
    if cred.has(Capability::DacOverride) && (mask & MAY_EXEC == 0 || can_be_executed) {
        return Ok(());
    }
    let only_looks = mask == MAY_READ || is_dir && mask & MAY_WRITE == 0;
    if cred.has(Capability::DacReadSearch) && only_looks {
        return Ok(());
    }
    Err(Errno::EACCES)
}

/// Whether the running task may act as an inode's owner.
pub(super) fn is_owner(mem: &Mem, inode: Ref<Inode>) -> bool {
    credentials(mem).fsuid == mem[inode].uid || capable(mem, Capability::Fowner)
}

/// Whether a sticky directory keeps the running task from removing what is in it.
pub(super) fn is_stuck(mem: &Mem, dir: Ref<Inode>, inode: Ref<Inode>) -> bool {
    let by = credentials(mem).fsuid;
    mem[dir].mode & S_ISVTX != 0
        && by != mem[inode].uid
        && by != mem[dir].uid
        && !capable(mem, Capability::Fowner)
}

/// Changes permission bits.
///
/// # Errors
/// Those of the walk; `EROFS`; `EPERM` for whoever is not the owner.
pub fn chmod(mem: &mut Mem, path: &str, mode: u32) -> Result<(), Errno> {
    let dentry = namei::walk(mem, path)?;
    let inode = mem[dentry].inode;
    if super::file_system(mem, inode).is_read_only() {
        return Err(Errno::EROFS);
    }
    if !is_owner(mem, inode) {
        return Err(Errno::EPERM);
    }
    let mut bits = mode & MODE_BITS;
    // Nobody gives others the rights of a group that is not his.
    if credentials(mem).fsgid != mem[inode].gid && !capable(mem, Capability::Fsetid) {
        bits &= !S_ISGID;
    }
    mem[inode].mode = mem[inode].mode & TYPE_MASK | bits;
    Ok(())
}

/// Changes owner or group; `None` leaves it.
///
/// # Errors
/// Those of the walk; `EROFS`; `EPERM` without `CAP_CHOWN`, but an owner may keep the file and give it
/// to his own group.
pub fn chown(mem: &mut Mem, path: &str, uid: Option<u32>, gid: Option<u32>) -> Result<(), Errno> {
    let dentry = namei::walk(mem, path)?;
    let inode = mem[dentry].inode;
    if super::file_system(mem, inode).is_read_only() {
        return Err(Errno::EROFS);
    }
    let Inode {
        uid: owner,
        gid: group,
        mode,
        ..
    } = mem[inode];
    let cred = credentials(mem);
    let owns = cred.fsuid == owner;
    let keeps_owner = uid.is_none_or(|uid| owns && uid == owner);
    let keeps_group = gid.is_none_or(|gid| owns && (gid == group || gid == cred.fsgid));
    let may = keeps_owner && keeps_group || cred.has(Capability::Chown);
    if !may {
        return Err(Errno::EPERM);
    }
    mem[inode].uid = uid.unwrap_or(owner);
    mem[inode].gid = gid.unwrap_or(group);
    // A program that made its users its owner must not do so with another owner.
    if mode & TYPE_MASK != DIRECTORY && (uid.is_some() || gid.is_some()) {
        mem[inode].mode &= !(S_ISUID | S_ISGID);
    }
    Ok(())
}
