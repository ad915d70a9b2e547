//! `conn`: connections by hand, objects whose owners, neighbours and holders all know where they lie.
//!
//! What moves them is somebody else's to write; see [`crate::slab::conn`].

use core::fmt::Write;

use super::subcommands::{self, Arguments, errno, subcommands, told};
use super::{Outcome, Stop, print_result};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};
use crate::shell::context::Context;
use crate::shell::words::Words;
use crate::slab::conn::{self, CONNECTIONS_MAX, Owner, Table};
use crate::slab::{self, Allocator, defrag};

subcommands! {
    "open", "N", 1..=1, open, "open so many connections and print the first number";
    "reserve", "N", 1..=1, reserve, "take objects for connections that are opened later";
    "close", "FIRST [LAST [STEP]]", 1..=3, close, "close connections; reap frees them";
    "hold", "FIRST [LAST [STEP]]", 1..=3, hold, "keep their addresses, with a reference each";
    "put", "FIRST [LAST [STEP]]", 1..=3, put, "let go of what is held or reserved";
    "race", "ID", 1..=1, race, "have another CPU close it as soon as a get has pinned it";
    "reap", "", 0..=0, reap, "free what has no references any more";
    "where", "ID", 1..=1, place, "print a connection's address";
    "vacate", "ID", 1..=1, vacate, "empty the slab of a connection: 1 if it could be done";
    "stat", "", 0..=0, stat, "print how many there are, and their slabs";
}

pub(super) fn conn(context: &mut Context<'_>, words: &Words) -> Outcome {
    subcommands::run(context, words, "conn", SUBCOMMANDS)
}

fn id(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Result<u32, subcommands::Told> {
    let number = arguments.number(context, 0, "ID", u64::from(CONNECTIONS_MAX) - 1)?;
    Ok(number as u32)
}

/// Makes N of something.
fn make(
    context: &mut Context<'_>,
    arguments: &Arguments<'_>,
    one: fn(&mut Mem) -> Result<u32, Errno>,
) -> Outcome {
    let count = told!(arguments.number(context, 0, "N", u64::from(CONNECTIONS_MAX)));
    for number in 0..count {
        if context.mem.charge(1).is_err() {
            return Err(Stop::Interrupted);
        }
        let id = errno!(context, one(context.mem));
        if number == 0 {
            writeln!(context, "{id}")?;
        }
    }
    Ok(0)
}

fn open(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    make(context, arguments, conn::open)
}

fn reserve(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    make(context, arguments, conn::reserve)
}

/// Does something with each connection of a range that it can be done with; there must be one.
fn each(
    context: &mut Context<'_>,
    arguments: &Arguments<'_>,
    one: fn(&mut Mem, u32) -> Option<()>,
) -> Outcome {
    let max = u64::from(CONNECTIONS_MAX) - 1;
    let mut range = [0, 0, 1];
    for (index, what) in ["FIRST", "LAST", "STEP"].into_iter().enumerate() {
        range[index] = match index < arguments.len() {
            true => told!(arguments.number(context, index, what, max)) as u32,
            false => [0, range[0], 1][index],
        };
    }
    let [first, last, step] = range;
    let mut any = false;
    for id in (first..=last).step_by(step.max(1) as usize) {
        if context.mem.charge(1).is_err() {
            return Err(Stop::Interrupted);
        }
        any |= one(context.mem, id).is_some();
    }
    print_result(context, if any { Ok(()) } else { Err(Errno::EBADF) })
}

fn close(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    each(context, arguments, conn::close)
}

fn hold(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    each(context, arguments, conn::hold)
}

fn put(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    each(context, arguments, conn::put)
}

fn race(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    each(context, arguments, conn::race)
}

fn reap(context: &mut Context<'_>, _: &Arguments<'_>) -> Outcome {
    let count = conn::reap(context.mem);
    writeln!(context, "{count}")?;
    Ok(0)
}

/// Where connection `id` lies: for its owner, or else for who holds it.
fn find(mem: &Mem, id: u32) -> Result<Ref<conn::Conn>, Errno> {
    let owner = conn::owner(mem, id).ok_or(Errno::EBADF)?;
    let Owner { conn, held } = mem[owner];
    let found = if conn.is_null() { held } else { conn };
    if found.is_null() {
        return Err(Errno::EBADF);
    }
    Ok(found)
}

fn place(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let id = told!(id(context, arguments));
    let conn = errno!(context, find(context.mem, id));
    writeln!(context, "{conn}")?;
    Ok(0)
}

fn vacate(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let id = told!(id(context, arguments));
    let conn = errno!(context, find(context.mem, id));
    let page = context.mem.head_page(conn);
    let emptied = defrag::kmem_cache_vacate(context.mem, page);
    writeln!(context, "{}", u8::from(emptied))?;
    Ok(u8::from(!emptied))
}

fn stat(context: &mut Context<'_>, _: &Arguments<'_>) -> Outcome {
    let table = conn::table(context.mem);
    let (mut open, mut held, mut closing, mut slabs) = (0, 0, 0, 0);
    if !table.is_null() {
        let Table { cache, next, .. } = context.mem[table];
        for id in 0..next {
            let Some(owner) = conn::owner(context.mem, id) else {
                continue;
            };
            let Owner { conn, held: kept } = context.mem[owner];
            open += u32::from(!conn.is_null());
            held += u32::from(!kept.is_null());
        }
        let counts = slab::counts(context.mem, cache);
        closing = counts.active_objects.saturating_sub(open);
        if slab::allocator(context.mem) != Allocator::Slob {
            slabs = counts.slabs;
        }
    }
    writeln!(
        context,
        "open {open} held {held} others {closing} slabs {slabs}"
    )?;
    Ok(0)
}
