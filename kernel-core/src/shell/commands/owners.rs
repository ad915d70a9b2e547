//! Who owns files and who one is: `chmod`, `chown`, `umask`, `su`, `id`; and names of other kinds: `mv`,
//! `ln`, `readlink`, `mknod`, `mkfifo`. Messages are those of coreutils.

use core::fmt::{self, Write};

use super::{Outcome, Stop, options};
use crate::errno::Errno;
use crate::fs::{self, LinkText};
use crate::oom::weights;
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::words::Words;
use crate::task::{self, Cred};

/// Prints `what: sentence` and returns status 1.
fn fail(context: &mut Context<'_>, what: fmt::Arguments<'_>, errno: Errno) -> Outcome {
    context.error(format_args!("{what}: {}", errno.sentence()));
    Ok(1)
}

/// Says that a word is not what it should be.
fn invalid(context: &mut Context<'_>, what: &str, word: &str) -> Outcome {
    context.error(format_args!("{what}: '{}'", Shortened(word)));
    Ok(1)
}

/// An octal number of at most four digits.
fn parse_octal(word: &str) -> Option<u32> {
    let is_octal = !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let mode = u32::from_str_radix(word, 8).ok().filter(|_| is_octal)?;
    (mode <= fs::attr::MODE_BITS).then_some(mode)
}

/// A mode as `chmod` takes it: an octal number, or clauses such as `u+rw,go-w`, that start from `mode`.
fn parse_mode(word: &str, mode: u32) -> Option<u32> {
    if let Some(mode) = parse_octal(word) {
        return Some(mode);
    }
    let mut mode = mode & fs::attr::MODE_BITS;
    for clause in word.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let (who, rest) = clause.split_at(at);
        let mut places = 0;
        for letter in who.chars() {
            places |= match letter {
                'u' => 0o4700,
                'g' => 0o2070,
                'o' => 0o1007,
                'a' => 0o7777,
                _ => return None,
            };
        }
        if who.is_empty() {
            places = 0o7777;
        }
        let mut bits = 0;
        for letter in rest[1..].chars() {
            bits |= match letter {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                's' => 0o6000,
                't' => 0o1000,
                _ => return None,
            };
        }
        bits &= places;
        mode = match rest.as_bytes()[0] {
            b'+' => mode | bits,
            b'-' => mode & !bits,
            _ => mode & !places | bits,
        };
    }
    Some(mode)
}

pub(super) fn chmod(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() < 3 {
        return Err(Stop::Usage);
    }
    let word = words.get(1).unwrap_or("");
    if parse_mode(word, 0).is_none() {
        return invalid(context, "chmod: invalid mode", word);
    }
    let mut status = 0;
    for path in words.iter_from(2) {
        let changed = fs::walk(context.mem, path).and_then(|dentry| {
            let inode = context.mem[dentry].inode;
            let mode = parse_mode(word, context.mem[inode].mode).ok_or(Errno::EINVAL)?;
            fs::chmod(context.mem, path, mode)
        });
        if let Err(errno) = changed {
            let what = "chmod: changing permissions of";
            status = fail(context, format_args!("{what} '{path}'"), errno)?;
        }
    }
    Ok(status)
}

/// A user's or group's number; `root` is 0.
fn parse_id(word: &str) -> Option<u32> {
    match word {
        "root" => Some(0),
        _ => super::parse_number(word)
            .and_then(|id| u32::try_from(id).ok())
            .filter(|&id| id < u32::MAX),
    }
}

pub(super) fn chown(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() < 3 {
        return Err(Stop::Usage);
    }
    let word = words.get(1).unwrap_or("");
    let (user, group) = word.split_once(':').unwrap_or((word, ""));
    let [uid, gid] = [user, group].map(|word| match word {
        "" => Some(None),
        word => parse_id(word).map(Some),
    });
    let (Some(uid), Some(gid)) = (uid, gid) else {
        return invalid(context, "chown: invalid user", word);
    };
    let mut status = 0;
    for path in words.iter_from(2) {
        if let Err(errno) = fs::chown(context.mem, path, uid, gid) {
            let what = "chown: changing ownership of";
            status = fail(context, format_args!("{what} '{path}'"), errno)?;
        }
    }
    Ok(status)
}

pub(super) fn umask(context: &mut Context<'_>, words: &Words) -> Outcome {
    match (words.get(1), words.len()) {
        (None, _) => {
            let umask = context.mem[task::current(context.mem)].umask;
            writeln!(context, "{umask:04o}")?;
        }
        (Some(word), 2) => match parse_octal(word).filter(|&mode| mode <= 0o777) {
            Some(mode) => {
                fs::set_umask(context.mem, mode);
            }
            None => return invalid(context, "umask: invalid mode", word),
        },
        _ => return Err(Stop::Usage),
    }
    Ok(0)
}

/// Whoever sits at the console may become anybody, and root again.
pub(super) fn su(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() > 2 {
        return Err(Stop::Usage);
    }
    let word = words.get(1).unwrap_or("root");
    let Some(uid) = parse_id(word) else {
        return invalid(context, "su: invalid user", word);
    };
    let current = task::current(context.mem);
    // From now on the shell, and what it makes, counts among that user's processes.
    if let Err(errno) = task::user::switch(context.mem, current, uid) {
        context.error(format_args!("su: {}", errno.sentence()));
        return Ok(1);
    }
    context.mem[current].cred = Cred::of_user(uid);
    weights::refresh_traits(context.mem, current);
    Ok(0)
}

pub(super) fn id(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() > 1 {
        return Err(Stop::Usage);
    }
    let Cred { euid, egid, .. } = context.mem[task::current(context.mem)].cred;
    writeln!(context, "uid={} gid={}", Id(euid), Id(egid))?;
    Ok(0)
}

/// A user with its name, if it has one.
struct Id(u32);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, if self.0 == 0 { "(root)" } else { "" })
    }
}

/// Puts the last component of a path behind a directory's path. Returns `None` if that is too long.
fn inside<'a>(directory: &str, path: &str, text: &'a mut LinkText) -> Option<&'a str> {
    let name = path.trim_end_matches('/').rsplit('/').next()?;
    write!(text, "{}/{name}", directory.trim_end_matches('/')).ok()?;
    Some(text.text())
}

/// Whether a path leads to a directory.
fn is_dir(context: &mut Context<'_>, path: &str) -> bool {
    fs::walk(context.mem, path).is_ok_and(|dentry| fs::is_dir(context.mem, dentry))
}

pub(super) fn mv(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (options, first) = options(words, "T")?;
    let count = words.len() - first;
    if count < 2 || options != 0 && count != 2 {
        return Err(Stop::Usage);
    }
    let target = words.get(words.len() - 1).unwrap_or("");
    let into = options == 0 && is_dir(context, target);
    if count > 2 && !into {
        return invalid(context, "mv: target is not a directory", target);
    }
    let mut status = 0;
    for path in words.iter_from(first).take(count - 1) {
        let mut text = LinkText::EMPTY;
        let new = match into {
            true => inside(target, path, &mut text),
            false => Some(target),
        };
        let moved = new.ok_or(Errno::ENAMETOOLONG);
        let moved = moved.and_then(|new| fs::rename(context.mem, path, new));
        if let Err(errno) = moved {
            let what = format_args!("mv: cannot move '{path}' to '{target}'");
            status = fail(context, what, errno)?;
        }
    }
    Ok(status)
}

pub(super) fn ln(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (options, first) = options(words, "s")?;
    let (Some(text), Some(name), 2) = (words.get(first), words.get(first + 1), words.len() - first)
    else {
        return Err(Stop::Usage);
    };
    if options == 0 {
        // An inode here knows one name.
        let what = format_args!("ln: cannot make a hard link '{name}'");
        return fail(context, what, Errno::EPERM);
    }
    let mut buffer = LinkText::EMPTY;
    let path = match is_dir(context, name) {
        true => inside(name, text, &mut buffer),
        false => Some(name),
    };
    let made = path.ok_or(Errno::ENAMETOOLONG);
    match made.and_then(|path| fs::symlink(context.mem, text, path)) {
        Ok(()) => Ok(0),
        Err(errno) => {
            let what = format_args!("ln: failed to create symbolic link '{name}'");
            fail(context, what, errno)
        }
    }
}

pub(super) fn readlink(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (Some(path), 2) = (words.get(1), words.len()) else {
        return Err(Stop::Usage);
    };
    match fs::readlink(context.mem, path) {
        Ok(text) => {
            writeln!(context, "{}", text.text())?;
            Ok(0)
        }
        // As coreutils: it says nothing.
        Err(_) => Ok(1),
    }
}

pub(super) fn mkfifo(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() < 2 {
        return Err(Stop::Usage);
    }
    let mut status = 0;
    for path in words.iter_from(1) {
        if let Err(errno) = fs::mknod(context.mem, path, fs::FIFO | 0o666, 0, 0) {
            status = fail(
                context,
                format_args!("mkfifo: cannot create fifo '{path}'"),
                errno,
            )?;
        }
    }
    Ok(status)
}

pub(super) fn mknod(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (Some(path), Some(kind)) = (words.get(1), words.get(2)) else {
        return Err(Stop::Usage);
    };
    let kind = match (kind, words.len()) {
        ("p", 3) => fs::FIFO,
        ("c" | "u", 5) => fs::CHARACTER,
        ("b", 5) => fs::BLOCK,
        _ => return Err(Stop::Usage),
    };
    let [major, minor] = [(3, 4095), (4, 0xf_ffff)].map(|(index, max)| {
        let word = words.get(index).unwrap_or("0");
        super::parse_number(word).filter(|&number| number <= max)
    });
    let (Some(major), Some(minor)) = (major, minor) else {
        return invalid(context, "mknod: invalid device number of", path);
    };
    match fs::mknod(context.mem, path, kind | 0o666, major as u32, minor as u32) {
        Ok(()) => Ok(0),
        Err(errno) => fail(context, format_args!("mknod: {path}"), errno),
    }
}
