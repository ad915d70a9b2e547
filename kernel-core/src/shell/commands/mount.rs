//! `mount` and `umount`. Messages are those of util-linux.

use super::{Outcome, Stop};
use crate::errno::Errno;
use crate::fs;
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::words::Words;

pub(super) fn mount(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (mut kind, mut options) = (None, "");
    let mut operands = [""; 2];
    let mut count = 0;
    let mut words = words.iter_from(1);
    while let Some(word) = words.next() {
        match word {
            "-t" => kind = Some(words.next().ok_or(Stop::Usage)?),
            "-o" => options = words.next().ok_or(Stop::Usage)?,
            _ => {
                *operands.get_mut(count).ok_or(Stop::Usage)? = word;
                count += 1;
            }
        }
    }
    let (Some(kind), [source, directory], 2) = (kind, operands, count) else {
        return Err(Stop::Usage);
    };
    match fs::mount(context.mem, source, directory, kind, options) {
        Ok(()) => return Ok(0),
        Err(Errno::ENODEV) => context.error(format_args!(
            "mount: unknown filesystem type '{}'",
            Shortened(kind)
        )),
        Err(errno) => context.error(format_args!("mount: {directory}: {}", errno.sentence())),
    }
    Ok(1)
}

pub(super) fn umount(context: &mut Context<'_>, words: &Words) -> Outcome {
    let (Some(directory), 2) = (words.get(1), words.len()) else {
        return Err(Stop::Usage);
    };
    let why = match fs::umount(context.mem, directory) {
        Ok(()) => return Ok(0),
        Err(Errno::EINVAL) => "not mounted",
        Err(Errno::EBUSY) => "device is busy",
        Err(errno) => errno.sentence(),
    };
    context.error(format_args!("umount: {directory}: {why}"));
    Ok(1)
}
