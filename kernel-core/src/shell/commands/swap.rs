//! `swapon` and `swapoff`. Messages are those of util-linux.

use super::{Outcome, Stop};
use crate::errno::Errno;
use crate::mem::reclaim::{self, DEVICE};
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::words::Words;

/// Whether a word names the machine's device, or all there are. Says what is wrong if not.
fn is_device(context: &mut Context<'_>, words: &Words) -> Result<bool, Stop> {
    let mut operands = words.iter_from(1);
    match (operands.next(), operands.next()) {
        (Some(DEVICE | "-a"), None) => Ok(true),
        (Some(other), None) => {
            let command = words.get(0).unwrap_or("");
            let sentence = Errno::ENOENT.sentence();
            context.error(format_args!("{command}: {}: {sentence}", Shortened(other)));
            Ok(false)
        }
        _ => Err(Stop::Usage),
    }
}

pub(super) fn swapon(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() == 1 || (words.len() == 2 && words.get(1) == Some("-s")) {
        return super::text::cat_file(context, "/proc/swaps");
    }
    if !is_device(context, words)? {
        return Ok(1);
    }
    match reclaim::swapon(context.mem) {
        Ok(_) => return Ok(0),
        Err(Errno::ENODEV) => context.error(format_args!(
            "swapon: {DEVICE}: this machine has none; its header says how large one is, such as swap=16M"
        )),
        Err(errno) => context.error(format_args!("swapon: {DEVICE}: {}", errno.sentence())),
    }
    Ok(1)
}

pub(super) fn swapoff(context: &mut Context<'_>, words: &Words) -> Outcome {
    if !is_device(context, words)? {
        return Ok(1);
    }
    match reclaim::swapoff(context.mem) {
        Ok(()) => Ok(0),
        Err(Errno::EINTR) => Err(Stop::Interrupted),
        Err(errno) => {
            context.error(format_args!("swapoff: {DEVICE}: {}", errno.sentence()));
            Ok(1)
        }
    }
}
