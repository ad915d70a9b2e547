//! From a path to a dentry.

use super::dentry::{Dentry, NAME_MAX, find, is_dir};
use super::{FS, Mem};
use crate::errno::Errno;
use crate::mem::Ref;

/// A path has fewer bytes than this.
pub const PATH_MAX: usize = 4096;

/// What the last component of a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last<'a> {
    /// A name that may or may not exist, and whether slashes follow it.
    Name { name: &'a str, slash: bool },
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// There is none: the path is only slashes.
    Root,
}

/// Walks to the directory in which the last component stands.
///
/// # Errors
/// `ENOENT` for an empty path or a missing component, `ENOTDIR`, `ENAMETOOLONG`.
pub(super) fn parent<'a>(mem: &Mem, path: &'a str) -> Result<(Ref<Dentry>, Last<'a>), Errno> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    if path.len() >= PATH_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    let mut at = if path.starts_with('/') {
        mem[FS].root
    } else {
        mem[FS].pwd
    };
    let trimmed = path.trim_end_matches('/');
    let slash = trimmed.len() < path.len();
    let mut components = trimmed.split('/').filter(|name| !name.is_empty());
    let Some(mut component) = components.next() else {
        return Ok((at, Last::Root));
    };
    for next in components {
        at = step(mem, at, component)?;
        component = next;
    }
    if !is_dir(mem, at) {
        return Err(Errno::ENOTDIR);
    }
    let last = match component {
        "." => Last::Dot,
        ".." => Last::DotDot,
        name => Last::Name { name, slash },
    };
    Ok((at, last))
}

/// The dentry that a path leads to, with mounts followed.
///
/// # Errors
/// `ENOENT`, `ENOTDIR`, `ENAMETOOLONG`.
pub fn resolve(mem: &Mem, path: &str) -> Result<Ref<Dentry>, Errno> {
    let (dir, last) = parent(mem, path)?;
    match last {
        Last::Root => Ok(dir),
        Last::Dot => step(mem, dir, "."),
        Last::DotDot => step(mem, dir, ".."),
        Last::Name { name, slash } => {
            let dentry = step(mem, dir, name)?;
            if slash && !is_dir(mem, dentry) {
                return Err(Errno::ENOTDIR);
            }
            Ok(dentry)
        }
    }
}

/// Goes one component further.
fn step(mem: &Mem, at: Ref<Dentry>, component: &str) -> Result<Ref<Dentry>, Errno> {
    if !is_dir(mem, at) {
        return Err(Errno::ENOTDIR);
    }
    match component {
        "." => Ok(at),
        ".." => Ok(parent_of(mem, at)),
        name => {
            let child = lookup(mem, at, name)?.ok_or(Errno::ENOENT)?;
            Ok(mounted_root(mem, child))
        }
    }
}

/// The root of what is mounted on `dentry`, or `dentry` itself.
pub fn mounted_root(mem: &Mem, dentry: Ref<Dentry>) -> Ref<Dentry> {
    match mem[dentry].mounted {
        mount if mount.is_null() => dentry,
        mount => mem[mount].root,
    }
}

/// The directory above, across mounts; the root's is itself.
pub fn parent_of(mem: &Mem, mut at: Ref<Dentry>) -> Ref<Dentry> {
    while mem[at].parent.is_null() {
        let mount = mem[mem[at].inode].mount;
        let mountpoint = mem[mount].mountpoint;
        if mountpoint.is_null() {
            return at;
        }
        at = mountpoint;
    }
    mem[at].parent
}

/// The child of that name, mounts not followed.
///
/// # Errors
/// `ENAMETOOLONG`; `ENOENT` if the directory itself was removed.
pub(super) fn lookup(
    mem: &Mem,
    dir: Ref<Dentry>,
    name: &str,
) -> Result<Option<Ref<Dentry>>, Errno> {
    if name.len() > NAME_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    if mem[dir].is_dead() {
        return Err(Errno::ENOENT);
    }
    Ok(find(mem, dir, name).ok())
}

/// The absolute path of a directory, written to `buffer` from its end.
///
/// # Errors
/// `ENOENT` if it was removed, `ENAMETOOLONG` if the path has no room.
pub fn full_path<'a>(
    mem: &Mem,
    dentry: Ref<Dentry>,
    buffer: &'a mut [u8; PATH_MAX],
) -> Result<&'a str, Errno> {
    let mut start = PATH_MAX;
    let mut at = dentry;
    loop {
        if mem[at].is_dead() {
            return Err(Errno::ENOENT);
        }
        if mem[at].parent.is_null() {
            let mountpoint = mem[mem[mem[at].inode].mount].mountpoint;
            if mountpoint.is_null() {
                break;
            }
            at = mountpoint;
        }
        let name = mem[at].name();
        let begin = start
            .checked_sub(name.len() + 1)
            .ok_or(Errno::ENAMETOOLONG)?;
        buffer[begin] = b'/';
        buffer[begin + 1..start].copy_from_slice(name.as_bytes());
        start = begin;
        at = mem[at].parent;
    }
    if start == PATH_MAX {
        start -= 1;
        buffer[start] = b'/';
    }
    core::str::from_utf8(&buffer[start..]).map_err(|_| Errno::EIO)
}
