//! `cd`, `pwd`, `ls`, `mkdir`, `rmdir`, `rm`, `touch`. Messages are those of coreutils.

use core::fmt::{self, Write};

use super::{Outcome, Stop, options};
use crate::errno::Errno;
use crate::fs::{self, Dentry, PATH_MAX};
use crate::mem::{Mem, Ref};
use crate::shell::context::Context;
use crate::shell::words::Words;

pub(super) fn cd(context: &mut Context<'_>, words: &Words) -> Outcome {
    let path = match words.len() {
        1 => "/",
        2 => words.get(1).unwrap_or(""),
        _ => return Err(Stop::Usage),
    };
    match fs::chdir(context.mem, path) {
        Ok(()) => Ok(0),
        Err(errno) => fail(context, format_args!("cd: {path}"), errno),
    }
}

pub(super) fn pwd(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() > 1 {
        return Err(Stop::Usage);
    }
    let mut buffer = [0; PATH_MAX];
    match fs::full_path(context.mem, fs::pwd(context.mem), &mut buffer) {
        Ok(path) => {
            writeln!(context, "{path}")?;
            Ok(0)
        }
        Err(errno) => fail(context, format_args!("pwd"), errno),
    }
}

/// Prints `what: sentence` and returns status 1.
fn fail(context: &mut Context<'_>, what: fmt::Arguments<'_>, errno: Errno) -> Outcome {
    context.error(format_args!("{what}: {}", errno.sentence()));
    Ok(1)
}

/// Does something to each operand, of which there must be one; the status is 1 if any failed.
fn for_each(
    context: &mut Context<'_>,
    words: &Words,
    first: usize,
    what: &str,
    action: impl Fn(&mut Mem, &str) -> Result<(), Errno>,
) -> Outcome {
    if first >= words.len() {
        return Err(Stop::Usage);
    }
    let mut status = 0;
    for path in words.iter_from(first) {
        if let Err(errno) = action(context.mem, path) {
            status = fail(context, format_args!("{what} '{path}'"), errno)?;
        }
    }
    Ok(status)
}

pub(super) fn mkdir(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (options, first) = options(words, "p")?;
    let what = "mkdir: cannot create directory";
    for_each(context, words, first, what, |mem, path| {
        if options == 0 {
            fs::mkdir(mem, path, 0o777)
        } else {
            mkdir_parents(mem, path)
        }
    })
}

/// Makes every directory of a path that is not there yet.
fn mkdir_parents(mem: &mut Mem, path: &str) -> Result<(), Errno> {
    for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
        if end == 0 {
            continue;
        }
        match fs::mkdir(mem, &path[..end], 0o777) {
            Ok(()) => {}
            // If that is a file, the next step says so.
            Err(Errno::EEXIST) if end < path.len() || is_dir(mem, path) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn is_dir(mem: &mut Mem, path: &str) -> bool {
    fs::walk(mem, path).is_ok_and(|dentry| fs::is_dir(mem, dentry))
}

pub(super) fn rmdir(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (_, first) = options(words, "")?;
    for_each(context, words, first, "rmdir: failed to remove", fs::rmdir)
}

pub(super) fn rm(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (_, first) = options(words, "")?;
    for_each(context, words, first, "rm: cannot remove", fs::unlink)
}

pub(super) fn touch(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (_, first) = options(words, "")?;
    for_each(context, words, first, "touch: cannot touch", |mem, path| {
        if is_dir(mem, path) {
            return Ok(());
        }
        let file = fs::open(mem, path, fs::APPEND, 0o666)?;
        fs::close(mem, file);
        Ok(())
    })
}

/// In the bits of `options`: `-a` and `-l`.
const ALL: u32 = 1;
const LONG: u32 = 2;

pub(super) fn ls(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (options, first) = options(words, "al")?;
    if first == words.len() {
        return list(context, options, ".", false);
    }
    let titled = words.len() - first > 1;
    let mut status = 0;
    for path in words.iter_from(first) {
        status |= list(context, options, path, titled)?;
    }
    Ok(status)
}

fn list(context: &mut Context<'_>, options: u32, path: &str, titled: bool) -> Outcome {
    // With -l a link itself is meant.
    let found = match options & LONG {
        0 => fs::walk(context.mem, path),
        _ => fs::walk_to_link(context.mem, path),
    };
    let dentry = match found {
        Ok(dentry) => fs::get(context.mem, dentry),
        Err(errno) => {
            return fail(context, format_args!("ls: cannot access '{path}'"), errno);
        }
    };
    let result = list_dentry(context, options, dentry, path, titled);
    fs::put(context.mem, dentry);
    result
}

fn list_dentry(
    context: &mut Context<'_>,
    options: u32,
    dentry: Ref<Dentry>,
    path: &str,
    titled: bool,
) -> Outcome {
    if !fs::is_dir(context.mem, dentry) {
        print_entry(context, options, dentry, path)?;
        return Ok(0);
    }
    if let Err(errno) = fs::may_list(context.mem, dentry) {
        return fail(
            context,
            format_args!("ls: cannot open directory '{path}'"),
            errno,
        );
    }
    if titled {
        writeln!(context, "{path}:")?;
    }
    if options & ALL != 0 {
        print_entry(context, options, dentry, ".")?;
        let above = fs::parent_of(context.mem, dentry);
        print_entry(context, options, above, "..")?;
    }
    let mut status = 0;
    let mut position = 0;
    while let Some((name, next)) = fs::readdir(context.mem, dentry, position) {
        context.mem.charge(1).map_err(|_| Stop::Interrupted)?;
        position = next;
        let name = name.text();
        if options & LONG == 0 {
            writeln!(context, "{name}")?;
            continue;
        }
        // Only what is asked for more than its name gets an inode.
        match fs::lookup(context.mem, dentry, name) {
            Ok(entry) => print_entry(context, options, entry, name)?,
            Err(errno) => {
                status = fail(context, format_args!("ls: cannot access '{name}'"), errno)?;
            }
        }
    }
    Ok(status)
}

/// Prints a mode as `ls` does: `drwxr-xr-x`.
pub(super) fn write_mode(out: &mut dyn Write, mode: u32) -> fmt::Result {
    out.write_char(match mode & fs::TYPE_MASK {
        fs::DIRECTORY => 'd',
        fs::LINK => 'l',
        fs::CHARACTER => 'c',
        fs::BLOCK => 'b',
        fs::FIFO => 'p',
        _ => '-',
    })?;
    for (place, special, letters) in [(6, 0o4000, "sS"), (3, 0o2000, "sS"), (0, 0o1000, "tT")] {
        let bits = mode >> place;
        out.write_char(if bits & 4 != 0 { 'r' } else { '-' })?;
        out.write_char(if bits & 2 != 0 { 'w' } else { '-' })?;
        let (small, large) = letters.split_at(1);
        out.write_str(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => small,
            (true, false) => large,
            (false, true) => "x",
            (false, false) => "-",
        })?;
    }
    Ok(())
}

/// Prints a user or group: root by name.
pub(super) fn write_id(out: &mut dyn Write, id: u32) -> fmt::Result {
    match id {
        0 => out.write_str("root"),
        id => write!(out, "{id:<4}"),
    }
}

fn print_entry(
    context: &mut Context<'_>,
    options: u32,
    dentry: Ref<Dentry>,
    name: &str,
) -> fmt::Result {
    if options & LONG == 0 {
        return writeln!(context, "{name}");
    }
    let inode = context.mem[context.mem[dentry].inode];
    write_mode(context, inode.mode)?;
    write!(context, " {:>3} ", inode.nlink)?;
    for id in [inode.uid, inode.gid] {
        write_id(context, id)?;
        context.write_char(' ')?;
    }
    match (inode.kind(), inode.device()) {
        (fs::CHARACTER | fs::BLOCK, (major, minor)) => write!(context, "{major:>3}, {minor:>3} ")?,
        _ => write!(context, "{:>8} ", inode.size)?,
    }
    context.write_str(name)?;
    if let Ok(text) = fs::link_text(context.mem, dentry) {
        write!(context, " -> {}", text.text())?;
    }
    context.write_char('\n')
}
