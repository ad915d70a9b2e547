//! `mount` and `umount`. Messages are those of util-linux.

use super::{Outcome, Stop};
use crate::errno::Errno;
use crate::fs;
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::words::Words;

pub(super) fn mount(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() == 1 {
        return super::text::cat_file(context, "/proc/mounts");
    }
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
    // `mount -o remount,OPTIONS DIRECTORY`: what is mounted there stays and gets other options.
    let remount = match options.split_once(',') {
        Some(("remount", options)) => Some(options),
        None if options == "remount" => Some(""),
        _ => None,
    };
    let (kind, directory, result) = match (remount, kind, operands, count) {
        (Some(options), _, [directory, ""], 1) | (Some(options), _, [_, directory], 2) => {
            let result = fs::remount(context.mem, directory, options);
            ("", directory, result)
        }
        (None, Some(kind), [source, directory], 2) => {
            let result = fs::mount(context.mem, source, directory, kind, options);
            (kind, directory, result)
        }
        _ => return Err(Stop::Usage),
    };
    match result {
        Ok(()) => return Ok(0),
        Err(Errno::ENODEV) => context.error(format_args!(
            "mount: unknown filesystem type '{}'",
            Shortened(kind)
        )),
        // The directory is there, so it is what was asked for that is not.
        Err(Errno::ENOENT) if fs::resolve(context.mem, directory).is_ok() => {
            context.error(format_args!(
                "mount: {directory}: {}: unknown subsystem or option in '{}'",
                Errno::ENOENT.sentence(),
                Shortened(options)
            ));
        }
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
