//! `find` and `stat`: they look up every name they tell of, and so fill the dentry cache.

use core::fmt::Write;

use super::{Outcome, Stop};
use crate::errno::Errno;
use crate::fs::{self, Dentry, PATH_MAX};
use crate::mem::Ref;
use crate::shell::context::Context;
use crate::shell::words::Words;

/// Directories below each other that `find` goes down.
const DEPTH_MAX: usize = 64;

/// Where `find` is.
struct Descent {
    /// The path that would be printed next, in its first bytes.
    path: [u8; PATH_MAX],
    /// The directories on the way: each is held, with the position of its next name and the length of
    /// its path.
    stack: [(Ref<Dentry>, u64, usize); DEPTH_MAX],
    depth: usize,
}

/// Whether a name fits a pattern: `*` is any text, `?` any character.
fn fits(name: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut in_pattern) = (0, 0);
    // Where the last `*` stood, and how much of the name it has taken.
    let mut star = None;
    while at < name.len() {
        match pattern.get(in_pattern) {
            Some(b'*') => {
                in_pattern += 1;
                star = Some((in_pattern, at));
            }
            Some(&byte) if byte == b'?' || byte == name[at] => {
                in_pattern += 1;
                at += 1;
            }
            _ => match star {
                Some((behind, taken)) => {
                    star = Some((behind, taken + 1));
                    (in_pattern, at) = (behind, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[in_pattern..].iter().all(|&byte| byte == b'*')
}

pub(super) fn find(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (path, pattern) = match (words.get(1), words.get(2), words.get(3), words.len()) {
        (Some(path), None, ..) => (path, None),
        (Some(path), Some("-name"), Some(pattern), 4) => (path, Some(pattern)),
        _ => return Err(Stop::Usage),
    };
    let start = match fs::walk(context.mem, path) {
        Ok(start) => fs::get(context.mem, start),
        Err(errno) => return Ok(complain(context, path, errno)),
    };
    let mut descent = Descent {
        path: [0; PATH_MAX],
        stack: [(Ref::NULL, 0, 0); DEPTH_MAX],
        depth: 1,
    };
    descent.path[..path.len()].copy_from_slice(path.as_bytes());
    descent.stack[0] = (start, 0, path.len());
    let result = descend(context, &mut descent, pattern);
    for (dentry, ..) in &descent.stack[..descent.depth] {
        fs::put(context.mem, *dentry);
    }
    result
}

fn complain(context: &mut Context<'_>, path: &str, errno: Errno) -> u8 {
    context.error(format_args!("find: '{path}': {}", errno.sentence()));
    1
}

fn descend(context: &mut Context<'_>, descent: &mut Descent, pattern: Option<&str>) -> Outcome {
    let mut status = 0;
    let (start, _, length) = descent.stack[0];
    let whole = core::str::from_utf8(&descent.path[..length]).unwrap_or("?");
    let base = whole.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    if pattern.is_none_or(|pattern| fits(base.as_bytes(), pattern.as_bytes())) {
        writeln!(context, "{whole}")?;
    }
    if !fs::is_dir(context.mem, start) {
        return Ok(0);
    }
    if let Err(errno) = fs::may_list(context.mem, start) {
        return Ok(complain(context, whole, errno));
    }
    while let Some(top) = descent.depth.checked_sub(1) {
        let (dir, position, length) = descent.stack[top];
        context.mem.charge(1).map_err(|_| Stop::Interrupted)?;
        let Some((name, next)) = fs::readdir(context.mem, dir, position) else {
            descent.depth = top;
            fs::put(context.mem, dir);
            continue;
        };
        descent.stack[top].1 = next;
        let name = name.text();
        let slash = usize::from(descent.path[length - 1] != b'/');
        let end = length + slash + name.len();
        if end > PATH_MAX {
            status = complain(context, name, Errno::ENAMETOOLONG);
            continue;
        }
        descent.path[length] = b'/';
        descent.path[length + slash..end].copy_from_slice(name.as_bytes());
        let path = core::str::from_utf8(&descent.path[..end]).unwrap_or("?");
        // As with every `find`, to know whether it is a directory.
        let dentry = match fs::lookup(context.mem, dir, name) {
            Ok(dentry) => dentry,
            Err(errno) => {
                status = complain(context, path, errno);
                continue;
            }
        };
        let goes_down = fs::is_dir(context.mem, dentry);
        if let (true, Err(errno)) = (goes_down, fs::may_list(context.mem, dentry)) {
            status = complain(context, path, errno);
        } else if goes_down && descent.depth == DEPTH_MAX {
            status = complain(context, path, Errno::ENAMETOOLONG);
        } else if goes_down {
            descent.stack[descent.depth] = (fs::get(context.mem, dentry), 0, end);
            descent.depth += 1;
        }
        if pattern.is_none_or(|pattern| fits(name.as_bytes(), pattern.as_bytes())) {
            writeln!(context, "{path}")?;
        }
    }
    Ok(status)
}

pub(super) fn stat(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() < 2 {
        return Err(Stop::Usage);
    }
    let mut status = 0;
    for path in words.iter_from(1) {
        let dentry = match fs::walk_to_link(context.mem, path) {
            Ok(dentry) => dentry,
            Err(errno) => {
                context.error(format_args!(
                    "stat: cannot stat '{path}': {}",
                    errno.sentence()
                ));
                status = 1;
                continue;
            }
        };
        let inode = context.mem[context.mem[dentry].inode];
        let kind = match (inode.kind(), inode.size) {
            (fs::DIRECTORY, _) => "directory",
            (fs::LINK, _) => "symbolic link",
            (fs::CHARACTER, _) => "character special file",
            (fs::BLOCK, _) => "block special file",
            (fs::FIFO, _) => "fifo",
            (_, 0) => "regular empty file",
            _ => "regular file",
        };
        let blocks = inode.size.div_ceil(512);
        writeln!(
            context,
            "  File: {path}\n  Size: {:<10}\tBlocks: {blocks:<10} IO Block: 4096   {kind}",
            inode.size
        )?;
        writeln!(
            context,
            "Inode: {:<11} Links: {:<5} Access: ({:04o})  Uid: ({:5})  Gid: ({:5})",
            inode.ino,
            inode.nlink,
            inode.mode & 0o7777,
            inode.uid,
            inode.gid
        )?;
    }
    Ok(status)
}
