//! From a path to a dentry.
//!
//! A walk only reads the dentry cache. Where it finds nothing it stops and says where; then the file
//! system is asked, its answer goes into the cache, and the walk begins anew. So a walk needs no
//! references on its way, and whoever may not change memory gets the answer from what is cached.

use super::dentry::{self, Dentry, NAME_MAX, is_dir};
use super::{FS, Mem};
use crate::errno::Errno;
use crate::mem::Ref;
use crate::trace::Tracepoint;

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

/// Why a walk ended early.
enum Stopped<'a> {
    /// It is wrong.
    Errno(Errno),
    /// There is no such file, as this dentry says.
    Negative(Ref<Dentry>),
    /// The cache does not know this name in this directory.
    Miss(Ref<Dentry>, &'a str),
}

impl From<Errno> for Stopped<'_> {
    fn from(errno: Errno) -> Self {
        Stopped::Errno(errno)
    }
}

/// Looks into the cache until that is enough. Says also whether it was at once.
fn until_cached<'a, T>(
    mem: &mut Mem,
    look: impl Fn(&Mem) -> Result<T, Stopped<'a>>,
) -> Result<(T, bool), Errno> {
    let mut is_hit = true;
    loop {
        match look(mem) {
            Ok(found) => return Ok((found, is_hit)),
            Err(Stopped::Errno(errno)) => return Err(errno),
            Err(Stopped::Negative(dentry)) => {
                touch(mem, dentry, is_hit);
                return Err(Errno::ENOENT);
            }
            Err(Stopped::Miss(dir, name)) => real_lookup(mem, dir, name)?,
        }
        is_hit = false;
    }
}

/// Notes that a dentry was used again, if it was in the cache before.
fn touch(mem: &mut Mem, dentry: Ref<Dentry>, is_hit: bool) {
    if is_hit {
        dentry::touch(mem, dentry);
    }
}

/// Asks the file system for a name and puts the answer into the cache.
///
/// # Errors
/// `ENOMEM`; what the file system says (`ENOENT` if it wants missing names not to be remembered).
#[inline(never)]
fn real_lookup(mem: &mut Mem, dir: Ref<Dentry>, name: &str) -> Result<(), Errno> {
    // What is in the cache and still not good enough.
    let stale = dentry::find(mem, dir, name);
    if stale.is_some_and(|stale| !dentry::invalidate(mem, stale)) {
        return Err(Errno::ENOENT);
    }
    // Memory may run out below, and unused dentries go then: not this one.
    dentry::get(mem, dir);
    let inode = mem[dir].inode;
    let file_system = super::file_system(mem, inode);
    let result = file_system.lookup(mem, dir, name).and_then(|found| {
        let args = [
            mem[inode].ino,
            if found.is_null() { 0 } else { mem[found].ino },
        ];
        mem.trace(Tracepoint::FsLookup, args.map(u64::from));
        let is_volatile = file_system.is_volatile();
        let remembered = dentry::remember(mem, dir, name, found, is_volatile);
        if remembered.is_err() && !found.is_null() {
            super::inode::put(mem, found);
        }
        remembered.map(|_| ())
    });
    dentry::put(mem, dir);
    result
}

/// Walks to the directory in which the last component stands.
///
/// # Errors
/// `ENOENT` for an empty path or a missing component, `ENOTDIR`, `ENAMETOOLONG`; those of the file
/// systems on the way, `ENOMEM`.
pub(super) fn parent<'a>(mem: &mut Mem, path: &'a str) -> Result<(Ref<Dentry>, Last<'a>), Errno> {
    until_cached(mem, |mem| cached_parent(mem, path)).map(|(found, _)| found)
}

/// Takes a path's next component off it.
#[inline]
fn next_component<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let mut bytes = rest.bytes();
    let start = bytes.position(|byte| byte != b'/')?;
    let length = bytes.position(|byte| byte == b'/');
    let end = length.map_or(rest.len(), |length| start + 1 + length);
    let component = &rest[start..end];
    *rest = &rest[end..];
    Some(component)
}

fn cached_parent<'a>(mem: &Mem, path: &'a str) -> Result<(Ref<Dentry>, Last<'a>), Stopped<'a>> {
    if path.is_empty() {
        return Err(Errno::ENOENT.into());
    }
    if path.len() >= PATH_MAX {
        return Err(Errno::ENAMETOOLONG.into());
    }
    let mut at = if path.starts_with('/') {
        mem[FS].root
    } else {
        super::pwd(mem)
    };
    let slash = path.ends_with('/');
    let mut rest = path;
    let mut components = core::iter::from_fn(|| next_component(&mut rest));
    let Some(mut component) = components.next() else {
        return Ok((at, Last::Root));
    };
    for next in components {
        at = step(mem, at, component)?;
        component = next;
    }
    if !is_dir(mem, at) {
        return Err(Errno::ENOTDIR.into());
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
/// `ENOENT`, `ENOTDIR`, `ENAMETOOLONG`; those of the file systems on the way, `ENOMEM`.
pub fn walk(mem: &mut Mem, path: &str) -> Result<Ref<Dentry>, Errno> {
    let (dentry, is_hit) = until_cached(mem, |mem| follow(mem, path))?;
    touch(mem, dentry, is_hit);
    Ok(dentry)
}

/// The dentry of a path's last name, even a negative one, if it is in the cache; a mount on it is not
/// followed.
///
/// # Errors
/// `ENOENT` for what is not in the cache, `EINVAL` if the last component is no name; `ENOTDIR`,
/// `ENAMETOOLONG`.
pub fn cached(mem: &Mem, path: &str) -> Result<Ref<Dentry>, Errno> {
    match cached_parent(mem, path) {
        Ok((dir, Last::Name { name, .. })) => dentry::find(mem, dir, name).ok_or(Errno::ENOENT),
        Ok(_) => Err(Errno::EINVAL),
        Err(Stopped::Errno(errno)) => Err(errno),
        Err(Stopped::Negative(_) | Stopped::Miss(..)) => Err(Errno::ENOENT),
    }
}

/// The dentry that a path leads to as far as the cache knows; no file system is asked.
///
/// # Errors
/// `ENOENT`, also for what is not in the cache; `ENOTDIR`, `ENAMETOOLONG`.
pub fn resolve(mem: &Mem, path: &str) -> Result<Ref<Dentry>, Errno> {
    follow(mem, path).map_err(|stopped| match stopped {
        Stopped::Errno(errno) => errno,
        Stopped::Negative(_) | Stopped::Miss(..) => Errno::ENOENT,
    })
}

fn follow<'a>(mem: &Mem, path: &'a str) -> Result<Ref<Dentry>, Stopped<'a>> {
    let (dir, last) = cached_parent(mem, path)?;
    match last {
        Last::Root => Ok(dir),
        Last::Dot => step(mem, dir, "."),
        Last::DotDot => step(mem, dir, ".."),
        Last::Name { name, slash } => {
            let dentry = step(mem, dir, name)?;
            if slash && !is_dir(mem, dentry) {
                return Err(Errno::ENOTDIR.into());
            }
            Ok(dentry)
        }
    }
}

/// Goes one component further.
fn step<'a>(mem: &Mem, at: Ref<Dentry>, component: &'a str) -> Result<Ref<Dentry>, Stopped<'a>> {
    if !is_dir(mem, at) {
        return Err(Errno::ENOTDIR.into());
    }
    match component {
        "." => Ok(at),
        ".." => Ok(parent_of(mem, at)),
        name => {
            let child = cached_child(mem, at, name)?;
            Ok(mounted_root(mem, child))
        }
    }
}

/// The root of what is mounted on `dentry`, the topmost if several are, or `dentry` itself.
pub fn mounted_root(mem: &Mem, mut dentry: Ref<Dentry>) -> Ref<Dentry> {
    while !mem[dentry].mounted.is_null() {
        dentry = mem[mem[dentry].mounted].root;
    }
    dentry
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

/// The child of that name, mounts not followed; `None` if there is none.
///
/// # Errors
/// `ENAMETOOLONG`; `ENOENT` if the directory itself was removed; those of its file system, but not
/// `ENOENT`; `ENOMEM`.
pub(super) fn lookup(
    mem: &mut Mem,
    dir: Ref<Dentry>,
    name: &str,
) -> Result<Option<Ref<Dentry>>, Errno> {
    match until_cached(mem, |mem| cached_child(mem, dir, name)) {
        Ok((found, is_hit)) => {
            touch(mem, found, is_hit);
            Ok(Some(found))
        }
        Err(Errno::ENOENT) if !mem[dir].is_dead() => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn cached_child<'a>(
    mem: &Mem,
    dir: Ref<Dentry>,
    name: &'a str,
) -> Result<Ref<Dentry>, Stopped<'a>> {
    if name.len() > NAME_MAX {
        return Err(Errno::ENAMETOOLONG.into());
    }
    if mem[dir].is_dead() {
        return Err(Errno::ENOENT.into());
    }
    match dentry::find(mem, dir, name) {
        Some(found) if mem[found].is_volatile() && !super::is_valid(mem, dir, found) => {
            Err(Stopped::Miss(dir, name))
        }
        Some(found) if mem[found].is_negative() => Err(Stopped::Negative(found)),
        Some(found) => Ok(found),
        None => Err(Stopped::Miss(dir, name)),
    }
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
            continue;
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
