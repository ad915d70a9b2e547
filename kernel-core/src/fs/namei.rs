//! From a path to a dentry.
//!
//! A walk only reads the dentry cache. Where it finds nothing it stops and says where; then the file
//! system is asked, its answer goes into the cache, and the walk begins anew. So a walk needs no
//! references on its way, and whoever may not change memory gets the answer from what is cached.
//!
//! Whoever passes a directory must be allowed to search it. Root may search all, which a walk finds
//! out once; for others it asks in each directory. A symbolic link's text is a path of its own, walked
//! from the directory that the link stands in.

use core::fmt::Write;

use super::attr::{self, MAY_EXEC};
use super::dentry::{self, Dentry, NAME_MAX, is_dir};
use super::inode::{LINK, TYPE_MASK};
use super::{FS, Mem, Name};
use crate::errno::Errno;
use crate::mem::Ref;
use crate::text::Text;
use crate::trace::Tracepoint;

/// A path has fewer bytes than this.
pub const PATH_MAX: usize = 4096;
/// The longest text of a symbolic link, in bytes.
pub const LINK_MAX: usize = 255;
/// Links in the texts of links, and links on the way of one walk.
const LINKS_NESTED: u32 = 8;
const LINKS_TOTAL: u32 = 40;

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
enum Stopped {
    /// It is wrong.
    Errno(Errno),
    /// There is no such file, as this dentry says.
    Negative(Ref<Dentry>),
    /// The cache does not know this name in this directory.
    Miss(Ref<Dentry>, Name),
}

impl From<Errno> for Stopped {
    fn from(errno: Errno) -> Self {
        Stopped::Errno(errno)
    }
}

/// Looks into the cache until that is enough. Says also whether it was at once.
fn until_cached<T>(
    mem: &mut Mem,
    look: impl Fn(&Mem) -> Result<T, Stopped>,
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
            Err(Stopped::Miss(dir, name)) => real_lookup(mem, dir, name.text())?,
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

/// Who walks, and what he has passed.
struct Walk {
    /// Whether every directory may be searched.
    searches_all: bool,
    /// Links passed.
    links: u32,
    /// Links in whose texts the walk is.
    nested: u32,
}

impl Walk {
    fn new(mem: &Mem) -> Walk {
        Walk {
            searches_all: attr::may_search_all(mem),
            links: 0,
            nested: 0,
        }
    }

    /// Whether the walk may look for names in the directory `at`.
    #[inline]
    fn may_pass(&self, mem: &Mem, at: Ref<Dentry>) -> Result<(), Errno> {
        let inode = mem[at].inode;
        if inode.is_null() || !mem[inode].is_dir() {
            return Err(Errno::ENOTDIR);
        }
        match self.searches_all {
            true => Ok(()),
            false => attr::permission(mem, inode, MAY_EXEC),
        }
    }
}

fn cached_parent<'a>(mem: &Mem, path: &'a str) -> Result<(Ref<Dentry>, Last<'a>), Stopped> {
    if path.is_empty() {
        return Err(Errno::ENOENT.into());
    }
    if path.len() >= PATH_MAX {
        return Err(Errno::ENAMETOOLONG.into());
    }
    let from = start(mem, path);
    parent_from(mem, from, path, &mut Walk::new(mem))
}

/// Where a path begins.
fn start(mem: &Mem, path: &str) -> Ref<Dentry> {
    if path.starts_with('/') {
        mem[FS].root
    } else {
        super::pwd(mem)
    }
}

/// Walks from `at` to the directory in which the last component stands.
fn parent_from<'a>(
    mem: &Mem,
    mut at: Ref<Dentry>,
    path: &'a str,
    walk: &mut Walk,
) -> Result<(Ref<Dentry>, Last<'a>), Stopped> {
    let slash = path.ends_with('/');
    let mut rest = path;
    let mut components = core::iter::from_fn(|| next_component(&mut rest));
    let Some(mut component) = components.next() else {
        return Ok((at, Last::Root));
    };
    for next in components {
        at = step(mem, at, component, walk)?;
        component = next;
    }
    walk.may_pass(mem, at)?;
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

/// Whether a dentry is a symbolic link.
pub fn is_link(mem: &Mem, dentry: Ref<Dentry>) -> bool {
    let inode = mem[dentry].inode;
    !inode.is_null() && mem[inode].mode & TYPE_MASK == LINK
}

/// The dentry that a path leads to, with mounts followed, but not a link that its last component is
/// (`lstat`).
///
/// # Errors
/// Those of [`walk`].
pub fn walk_to_link(mem: &mut Mem, path: &str) -> Result<Ref<Dentry>, Errno> {
    let (dir, last) = parent(mem, path)?;
    match last {
        Last::Name { name, slash: false } => {
            let found = lookup(mem, dir, name)?.ok_or(Errno::ENOENT)?;
            Ok(mounted_root(mem, found))
        }
        _ => walk(mem, path),
    }
}

fn follow(mem: &Mem, path: &str) -> Result<Ref<Dentry>, Stopped> {
    if path.is_empty() {
        return Err(Errno::ENOENT.into());
    }
    if path.len() >= PATH_MAX {
        return Err(Errno::ENAMETOOLONG.into());
    }
    let from = start(mem, path);
    follow_from(mem, from, path, &mut Walk::new(mem))
}

fn follow_from(
    mem: &Mem,
    from: Ref<Dentry>,
    path: &str,
    walk: &mut Walk,
) -> Result<Ref<Dentry>, Stopped> {
    let (dir, last) = parent_from(mem, from, path, walk)?;
    match last {
        Last::Root => Ok(dir),
        Last::Dot => Ok(dir),
        Last::DotDot => Ok(parent_of(mem, dir)),
        Last::Name { name, slash } => {
            let dentry = child(mem, dir, name, walk)?;
            if slash && !is_dir(mem, dentry) {
                return Err(Errno::ENOTDIR.into());
            }
            Ok(dentry)
        }
    }
}

/// Goes one component further.
#[inline]
fn step(
    mem: &Mem,
    at: Ref<Dentry>,
    component: &str,
    walk: &mut Walk,
) -> Result<Ref<Dentry>, Stopped> {
    walk.may_pass(mem, at)?;
    match component {
        "." => Ok(at),
        ".." => Ok(parent_of(mem, at)),
        name => child(mem, at, name, walk),
    }
}

/// What a name in a directory leads to: mounts and links are followed.
#[inline]
fn child(mem: &Mem, dir: Ref<Dentry>, name: &str, walk: &mut Walk) -> Result<Ref<Dentry>, Stopped> {
    let found = mounted_root(mem, cached_child(mem, dir, name)?);
    match mem[mem[found].inode].mode & TYPE_MASK {
        LINK => follow_link(mem, dir, found, walk),
        _ => Ok(found),
    }
}

/// Walks the text of a link that stands in `dir`.
#[cold]
#[inline(never)]
fn follow_link(
    mem: &Mem,
    dir: Ref<Dentry>,
    link: Ref<Dentry>,
    walk: &mut Walk,
) -> Result<Ref<Dentry>, Stopped> {
    if walk.nested == LINKS_NESTED || walk.links == LINKS_TOTAL {
        return Err(Errno::ELOOP.into());
    }
    walk.links += 1;
    walk.nested += 1;
    let mut text = LinkText::EMPTY;
    let inode = mem[link].inode;
    super::file_system(mem, inode).readlink(mem, inode, &mut text)?;
    let path = text.text();
    if path.is_empty() {
        return Err(Errno::ENOENT.into());
    }
    let from = if path.starts_with('/') {
        mem[FS].root
    } else {
        dir
    };
    let found = follow_from(mem, from, path, walk)?;
    walk.nested -= 1;
    Ok(found)
}

/// The text of a symbolic link.
pub type LinkText = Text<LINK_MAX>;

/// The text of the symbolic link at `path`.
///
/// # Errors
/// Those of the walk; `EINVAL` if it is no link.
pub fn readlink(mem: &mut Mem, path: &str) -> Result<LinkText, Errno> {
    let link = walk_to_link(mem, path)?;
    link_text(mem, link)
}

/// The text of a symbolic link.
///
/// # Errors
/// `EINVAL` if it is none.
pub fn link_text(mem: &Mem, link: Ref<Dentry>) -> Result<LinkText, Errno> {
    if !is_link(mem, link) {
        return Err(Errno::EINVAL);
    }
    let mut text = LinkText::EMPTY;
    let inode = mem[link].inode;
    super::file_system(mem, inode).readlink(mem, inode, &mut text)?;
    Ok(text)
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

fn cached_child(mem: &Mem, dir: Ref<Dentry>, name: &str) -> Result<Ref<Dentry>, Stopped> {
    if name.len() > NAME_MAX {
        return Err(Errno::ENAMETOOLONG.into());
    }
    if mem[dir].is_dead() {
        return Err(Errno::ENOENT.into());
    }
    match dentry::find(mem, dir, name) {
        Some(found) if mem[found].is_volatile() && !super::is_valid(mem, dir, found) => {
            Err(missing(dir, name))
        }
        Some(found) if mem[found].is_negative() => Err(Stopped::Negative(found)),
        Some(found) => Ok(found),
        None => Err(missing(dir, name)),
    }
}

/// A name of at most [`NAME_MAX`] bytes that the cache does not know.
#[cold]
fn missing(dir: Ref<Dentry>, name: &str) -> Stopped {
    let mut copy = Name::EMPTY;
    // It fits: whoever calls has looked.
    let _ = copy.write_str(name);
    Stopped::Miss(dir, copy)
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
