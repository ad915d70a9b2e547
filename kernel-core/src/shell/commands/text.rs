//! `echo`, `cat` and `read`.

use core::fmt::Write;

use super::{Outcome, Stop};
use crate::errno::Errno;
use crate::fs::{self, File};
use crate::mem::{FRAME_SIZE, Ref};
use crate::shell::context::Context;
use crate::shell::lexer::{Shortened, is_name};
use crate::shell::variables;
use crate::shell::words::Words;

pub(super) fn echo(context: &mut Context<'_>, words: &Words) -> Outcome {
    let newline = words.get(1) != Some("-n");
    let first = if newline { 1 } else { 2 };
    for (index, word) in words.iter_from(first).enumerate() {
        if index > 0 {
            context.write_str(" ")?;
        }
        context.write_str(word)?;
    }
    if newline {
        context.write_str("\n")?;
    }
    Ok(0)
}

pub(super) fn cat(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() == 1 {
        // The console is no input: a line's command runs when the line is complete.
        return match context.input {
            Some(file) => copy(context, file, "-"),
            None => Ok(0),
        };
    }
    let mut status = 0;
    for path in words.iter_from(1) {
        status |= cat_file(context, path)?;
    }
    Ok(status)
}

/// Prints a file.
pub(super) fn cat_file(context: &mut Context<'_>, path: &str) -> Outcome {
    match fs::open(context.mem, path, fs::O_RDONLY, 0) {
        Ok(file) => {
            let result = copy(context, file, path);
            fs::close(context.mem, file);
            result
        }
        Err(errno) => Ok(fail(context, path, errno)),
    }
}

fn fail(context: &mut Context<'_>, path: &str, errno: Errno) -> u8 {
    context.error(format_args!(
        "cat: {}: {}",
        Shortened(path),
        errno.sentence()
    ));
    1
}

fn copy(context: &mut Context<'_>, file: Ref<File>, path: &str) -> Result<u8, Stop> {
    let output = context.output;
    if output.is_some_and(|output| fs::is_same(context.mem, file, output)) {
        // It would read what it writes, for ever.
        let path = Shortened(path);
        context.error(format_args!("cat: {path}: input file is output file"));
        return Ok(1);
    }
    let mut buffer = [0; FRAME_SIZE];
    loop {
        context.mem.charge(1).map_err(|_| Stop::Interrupted)?;
        match context.read(file, &mut buffer) {
            Ok(0) => return Ok(0),
            Ok(length) => context.write_bytes(&buffer[..length])?,
            Err(errno) => return Ok(fail(context, path, errno)),
        }
    }
}

/// Bytes of a line that `read` takes.
const READ_MAX: usize = 512;

/// `read NAME...`: the words of the input's first line, each into a variable, the last takes the rest.
pub(super) fn read(context: &mut Context<'_>, words: &Words) -> Outcome {
    let names = words.len() - 1;
    if names == 0 || !words.iter_from(1).all(is_name) {
        return Err(Stop::Usage);
    }
    let Some(file) = context.input else {
        return Ok(1);
    };
    let mut buffer = [0; READ_MAX];
    let length = context.read(file, &mut buffer).unwrap_or(0);
    let line = buffer[..length].split(|&byte| byte == b'\n').next();
    let line = line.and_then(|line| core::str::from_utf8(line).ok());
    let mut rest = line.unwrap_or("").trim();
    for (index, name) in words.iter_from(1).enumerate() {
        let is_last = index + 1 == names;
        let (word, behind) = rest
            .split_once([' ', '\t'])
            .filter(|_| !is_last)
            .unwrap_or((rest, ""));
        rest = behind.trim_start();
        if variables::set(context.mem, name, word).is_err() {
            context.error(format_args!("read: no room for variable {name}"));
            return Ok(1);
        }
    }
    Ok(u8::from(length == 0))
}
