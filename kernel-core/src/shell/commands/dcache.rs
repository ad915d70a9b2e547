//! `dcache`: fills the dentry and inode caches by hand, looks into them, and prunes them.

use core::fmt::Write;

use super::subcommands::{self, Arguments, errno, subcommands, told};
use super::{Outcome, Stop};
use crate::errno::Errno;
use crate::fs::{self, Name};
use crate::mem::{Mem, Ref};
use crate::shell::context::Context;
use crate::shell::words::Words;

/// Names that one command looks up at most.
const NAMES_MAX: u64 = 1 << 22;

subcommands! {
    "lookup", "DIRECTORY PREFIX N [STEP]", 3..=4, lookup,
        "look up PREFIX0, PREFIX1, ... PREFIX(N-1), or each STEP-th of them";
    "open", "DIRECTORY PREFIX N [STEP]", 3..=4, open, "open such files and keep them open";
    "close", "", 0..=0, close, "close what was kept open";
    "prune", "N", 1..=1, prune, "let N unused dentries and inodes go, as memory reclaim would";
    "show", "PATH", 1..=1, show, "print what the cache knows of a name, without looking it up";
}

pub(super) fn dcache(context: &mut Context<'_>, words: &Words) -> Outcome {
    subcommands::run(context, words, "dcache", SUBCOMMANDS)
}

fn lookup(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    for_each_name(context, arguments, |_, _| Ok(()))
}

fn open(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    for_each_name(context, arguments, |mem, dentry| {
        let file = fs::open_dentry(mem, dentry)?;
        fs::keep_open(mem, file);
        Ok(())
    })
}

/// Looks names up, does something with what they lead to, and prints how many there are and are not.
fn for_each_name(
    context: &mut Context<'_>,
    arguments: &Arguments<'_>,
    action: fn(&mut Mem, Ref<fs::Dentry>) -> Result<(), Errno>,
) -> Outcome {
    let count = told!(arguments.number(context, 2, "N", NAMES_MAX));
    let step = match arguments.len() {
        4 => told!(arguments.number(context, 3, "STEP", NAMES_MAX)).max(1),
        _ => 1,
    };
    let found = fs::walk(context.mem, arguments.get(0));
    let dir = errno!(context, found);
    // Here it stays while memory runs out.
    fs::get(context.mem, dir);
    let mut counts = [0_u32; 2];
    let mut result = Ok(());
    for number in (0..count).step_by(step as usize) {
        if context.mem.charge(1).is_err() {
            result = Err(None);
            break;
        }
        let mut name = Name::EMPTY;
        let looked_up = match write!(name, "{}{number}", arguments.get(1)) {
            Ok(()) => fs::lookup(context.mem, dir, name.text()),
            Err(_) => Err(Errno::ENAMETOOLONG),
        };
        match looked_up.and_then(|dentry| action(context.mem, dentry)) {
            Ok(()) => counts[0] += 1,
            Err(Errno::ENOENT) => counts[1] += 1,
            Err(errno) => {
                result = Err(Some(errno));
                break;
            }
        }
    }
    fs::put(context.mem, dir);
    let [found, missing] = counts;
    writeln!(context, "{found} found, {missing} missing")?;
    match result {
        Ok(()) => Ok(0),
        Err(Some(errno)) => super::print_result(context, Err(errno)),
        Err(None) => Err(Stop::Interrupted),
    }
}

fn close(context: &mut Context<'_>, _: &Arguments<'_>) -> Outcome {
    let mut count = 0;
    loop {
        let Some(file) = fs::kept_open(context.mem).next() else {
            break;
        };
        fs::close_kept(context.mem, file);
        count += 1;
    }
    writeln!(context, "{count} closed")?;
    Ok(0)
}

fn prune(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let count = told!(arguments.number(context, 0, "N", u32::MAX.into())) as u32;
    let [dentries, inodes] = fs::prune(context.mem, count);
    writeln!(context, "{dentries} dentries and {inodes} inodes freed")?;
    Ok(0)
}

fn show(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let at = errno!(context, fs::cached(context.mem, arguments.get(0)));
    let dentry = context.mem[at];
    write!(context, "dentry {at} count {} ", dentry.count)?;
    for (holds, word) in [
        (dentry.is_negative(), "negative "),
        (dentry.is_pinned(), "pinned "),
        (dentry.is_unused(), "unused "),
        (dentry.is_referenced(), "referenced "),
        (!dentry.mounted.is_null(), "mountpoint "),
    ] {
        context.write_str(if holds { word } else { "" })?;
    }
    writeln!(context, "parent {}", dentry.parent)?;
    if !dentry.is_negative() {
        let inode = context.mem[dentry.inode];
        writeln!(
            context,
            "inode {} ino {} count {} pages {}",
            dentry.inode, inode.ino, inode.count, inode.nr_pages
        )?;
    }
    Ok(0)
}
