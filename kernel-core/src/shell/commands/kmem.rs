//! `kmem`: slab caches by hand. `slabtop` and `dmesg` show what comes of it.
//!
//! Only objects that `kmem alloc` has handed out can be freed or written to, and only caches that
//! `kmem create` has made can be ended: no command touches the kernel's own objects. A cache that is
//! watched (`debug=`) may be mistreated further, because there the kernel finds it out and mends it.

use core::fmt::Write;

use super::subcommands::{self, Arguments, errno, subcommands, told};
use super::{Outcome, Stop, parse_number, print_result};
use crate::cache_ops;
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Gfp, MEM, Mem, PAGE_OFFSET, Ref, UNIT};
use crate::printk::LOG;
use crate::shell::STATUS_USAGE;
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::words::Words;
use crate::slab::debug::{self, Flags};
use crate::slab::play::{self, Handle};
use crate::slab::{
    self, Allocator, Constructor, KmemCache, Name, Object, Options, alias, defrag, failslab,
    queued, slub,
};
use crate::trace::{TRACE, mix};

/// Bytes that `kmem dump` prints at most.
const DUMP_MAX: u64 = 4096;
/// Objects that one `kmem alloc` makes at most.
const ALLOC_MAX: u64 = 1 << 20;
/// Objects that `kmem show` names of those that come next.
const NEXT_MAX: u32 = 8;
/// Addresses that it prints; of more, only how many there are.
const PRINTED_MAX: u64 = 64;

subcommands! {
    "create", "NAME SIZE [align=N] [ctor] [ops=OPS] [debug=FZPUT] [ratio=N] [KIND]...", 2..=11,
        create, "make a cache; KIND: hwcache_align, cache_dma, reclaim_account, destroy_by_rcu";
    "alloc", "CACHE [N]", 1..=2, alloc, "allocate objects and print their addresses";
    "free", "[from=CACHE] ADDRESS...", 1..=64, free, "give objects back, to another cache if told so";
    "stat", "CACHE", 1..=1, stat, "print a cache's counts";
    "show", "CACHE", 1..=1, show, "draw the slabs of a cache: # in use, . free; and the next free ones";
    "scatter", "CACHE PERCENT", 2..=2, scatter, "free so many percent of a cache's objects, here and there";
    "list", "CACHE", 1..=1, list, "print the addresses of a cache's objects";
    "shrink", "CACHE", 1..=1, shrink, "give empty slabs back and print how many";
    "vacate", "PFN|ADDRESS", 1..=1, vacate, "empty the slab of a page: 1 if it could be done";
    "defrag", "[NODE]", 0..=1, defragment, "empty sparse slabs and print the pages freed";
    "dump", "ADDRESS [LENGTH]", 1..=2, dump, "print bytes of kernel memory";
    "poke", "ADDRESS BYTE...", 2..=32, poke, "write bytes over an object";
    "validate", "CACHE", 1..=1, validate, "check every object and print how many are broken";
    "fail", "CACHE N", 2..=2, fail, "make the N-th allocation from a cache fail";
    "reap", "[shared]", 0..=1, reap, "SLAB: let go of what was not used lately";
    "destroy", "CACHE", 1..=1, destroy, "end a cache without objects";
}

pub(super) fn kmem(context: &mut Context<'_>, words: &Words) -> Outcome {
    subcommands::run(context, words, "kmem", SUBCOMMANDS)
}

/// The cache that the first argument names.
fn cache(mem: &Mem, arguments: &Arguments<'_>) -> Result<Ref<KmemCache>, Errno> {
    slab::find(mem, arguments.get(0)).ok_or(Errno::ENOENT)
}

/// A cache that `kmem create` has made.
fn own_cache(mem: &Mem, arguments: &Arguments<'_>) -> Result<Ref<KmemCache>, Errno> {
    let cache = cache(mem, arguments)?;
    if mem[cache].is_console() {
        Ok(cache)
    } else {
        Err(Errno::EPERM)
    }
}

fn create(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let size = told!(arguments.number(context, 1, "SIZE", slab::SIZE_MAX.into())) as u32;
    let mut options = Options {
        merges: true,
        ..Options::default()
    };
    for word in arguments.iter_from(2) {
        let fits = match word.split_once('=') {
            None if word == "ctor" => {
                options.ctor = Constructor::Zero;
                true
            }
            None => Flags::kind(word).is_some_and(|flag| {
                options.flags = options.flags.with(flag);
                true
            }),
            Some(("align", value)) => set(&mut options.align, value, 4096),
            Some(("ratio", value)) => set(&mut options.defrag_ratio, value, 99),
            Some(("ops", value)) => {
                // What moves objects may look at fresh ones, so they have to be constructed.
                options.ctor = Constructor::Zero;
                let is_for_all = ["movable", "pinned", "naughty"].contains(&value);
                is_for_all
                    && cache_ops::by_name(value).is_some_and(|ops| {
                        options.ops = ops;
                        true
                    })
            }
            Some(("debug", letters)) => Flags::from_letters(letters).is_some_and(|flags| {
                options.flags = options.flags.with(flags);
                true
            }),
            _ => false,
        };
        if !fits {
            context.error(format_args!(
                "kmem: create: no option '{}'; there are align=N, ctor, ops=movable, ops=pinned, ops=naughty, \
                 debug=FZPUT, ratio=N, hwcache_align, cache_dma, reclaim_account and destroy_by_rcu",
                Shortened(word)
            ));
            return Ok(STATUS_USAGE);
        }
    }
    let size = if options.ops == 0 {
        size
    } else {
        size.max(UNIT as u32)
    };
    let name = arguments.get(0);
    // It is a directory's name as well, in /sys/slab.
    if name.contains('/') || [".", ".."].contains(&name) {
        return print_result(context, Err(Errno::EINVAL));
    }
    let result = slab::kmem_cache_create_with(context.mem, name, size, options);
    let cache = errno!(context, result);
    if context.mem[cache].name() == name {
        context.mem[cache].set_console();
        return print_result(context, Ok(()));
    }
    let first = Name::of(format_args!("{}", context.mem[cache].name()));
    writeln!(context, "0, as an alias of {}", first.text())?;
    Ok(0)
}

fn set(option: &mut u32, value: &str, max: u64) -> bool {
    match parse_number(value).filter(|&number| number <= max) {
        Some(number) => {
            *option = number as u32;
            true
        }
        None => false,
    }
}

fn alloc(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let count = match arguments.len() {
        2 => told!(arguments.number(context, 1, "N", ALLOC_MAX)),
        _ => 1,
    };
    let cache = errno!(context, own_cache(context.mem, arguments));
    for number in 0..count {
        if context.mem.charge(1).is_err() {
            return Err(Stop::Interrupted);
        }
        let handle = errno!(context, play::alloc(context.mem, cache, Gfp::KERNEL));
        if count <= PRINTED_MAX {
            let object = context.mem[handle].object;
            writeln!(context, "{object}")?;
        } else if number + 1 == count {
            writeln!(context, "{count} objects")?;
        }
    }
    Ok(0)
}

/// An address: as the kernel prints it, in hexadecimal with or without `0x`, or `NAME:N`, the N-th of
/// a cache's objects as `kmem list` counts them, from 0. Behind either may stand `+BYTES`.
fn parse_address(mem: &Mem, word: &str) -> Option<(Ref<Object>, u32)> {
    let (word, behind) = match word.rsplit_once('+') {
        Some((word, bytes)) => (word, parse_number(bytes)?),
        None => (word, 0),
    };
    let address = match word.rsplit_once(':') {
        Some((name, index)) => {
            let (cache, index) = (slab::find(mem, name)?, parse_number(index)?);
            let mut own = play::handles(mem).filter(|&handle| mem[handle].cache == cache);
            mem[own.nth(usize::try_from(index).ok()?)?].object.address()
        }
        None => {
            let digits = word.strip_prefix("0x").unwrap_or(word);
            let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let address = u64::from_str_radix(digits, 16).ok();
            address.filter(|_| hexadecimal)?
        }
    };
    let offset = address.checked_add(behind)?.checked_sub(PAGE_OFFSET)?;
    let is_inside = offset < u64::from(mem.frames()) * FRAME_SIZE as u64;
    let unit = UNIT as u64;
    is_inside.then(|| (Ref::new((offset / unit) as u32), (offset % unit) as u32))
}

/// The address at `index`; says so if it is none.
fn address(context: &mut Context<'_>, word: &str) -> Result<(Ref<Object>, u32), subcommands::Told> {
    parse_address(context.mem, word).ok_or_else(|| {
        context.error(format_args!(
            "kmem: '{}' is no address of this kernel's memory; they begin at {PAGE_OFFSET:016x}, and \
             NAME:N is that of a cache's N-th object",
            Shortened(word)
        ));
        subcommands::Told
    })
}

fn free(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let mut from = None;
    for word in arguments.iter_from(0) {
        if let Some(name) = word.strip_prefix("from=") {
            from = Some(errno!(context, watched(context.mem, name)));
            continue;
        }
        let (object, odd) = told!(address(context, word));
        let result = if odd == 0 {
            free_object(context.mem, from, object)
        } else {
            Err(Errno::EINVAL)
        };
        errno!(context, result);
    }
    print_result(context, Ok(()))
}

/// A watched cache of the console's, to which anything may be given back: the kernel finds out.
fn watched(mem: &Mem, name: &str) -> Result<Ref<KmemCache>, Errno> {
    let cache = slab::find(mem, name).ok_or(Errno::ENOENT)?;
    if mem[cache].is_console() && mem[cache].flags.any() {
        Ok(cache)
    } else {
        Err(Errno::EPERM)
    }
}

/// Frees what `kmem alloc` has handed out; of a watched cache also what it has not, and into one
/// also what is none of its objects, for the kernel to find out.
fn free_object(
    mem: &mut Mem,
    from: Option<Ref<KmemCache>>,
    object: Ref<Object>,
) -> Result<(), Errno> {
    if let Some(cache) = from.filter(|_| !object.is_null()) {
        let page = mem.head_page(object);
        if slab::cache_of(mem, page) != Some(cache) {
            slab::kmem_cache_free(mem, cache, object);
            return Ok(());
        }
    }
    if play::free(mem, object).is_some() {
        return Ok(());
    }
    if slab::allocator(mem) != Allocator::Slub || object.is_null() {
        return Err(Errno::EINVAL);
    }
    let page = mem.head_page(object);
    let cache = slab::cache_of(mem, page).ok_or(Errno::EINVAL)?;
    let KmemCache { flags, .. } = mem[cache];
    if !mem[cache].is_console() || !flags.any() {
        return Err(Errno::EINVAL);
    }
    slab::kmem_cache_free(mem, cache, object);
    Ok(())
}

fn scatter(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let percent = told!(arguments.number(context, 1, "PERCENT", 100));
    let cache = errno!(context, own_cache(context.mem, arguments));
    // Draws that the step decides: the same log frees the same objects, under any allocator.
    let mut state = mix(context.mem[TRACE].step.into(), percent);
    let mut freed = 0;
    let mut next = play::handles(context.mem).next();
    while let Some(handle) = next {
        next = play::next_handle(context.mem, handle);
        if context.mem[handle].cache != cache {
            continue;
        }
        if context.mem.charge(1).is_err() {
            return Err(Stop::Interrupted);
        }
        state = state
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        if (state >> 33) % 100 < percent {
            play::free_owned(context.mem, handle);
            freed += 1;
        }
    }
    writeln!(context, "{freed} objects")?;
    Ok(0)
}

fn list(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let cache = errno!(context, cache(context.mem, arguments));
    let mut next = play::handles(context.mem).next();
    while let Some(handle) = next {
        let Handle {
            object, cache: of, ..
        } = context.mem[handle];
        next = play::next_handle(context.mem, handle);
        if of == cache {
            writeln!(context, "{object}")?;
        }
    }
    Ok(0)
}

/// Counts in words, each before its number, as `radix stat` prints them: what there is, and how an
/// object is laid out.
fn stat(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let cache = errno!(context, cache(context.mem, arguments));
    let counts = slab::counts(context.mem, cache);
    let KmemCache {
        object_size,
        size,
        objects,
        order,
        ..
    } = context.mem[cache];
    writeln!(
        context,
        "active {} total {} slabs {} partial {} pages {}",
        counts.active_objects,
        counts.total_objects,
        counts.slabs,
        counts.partial,
        counts.slabs << order,
    )?;
    write!(
        context,
        "object {object_size} size {size} perslab {objects}"
    )?;
    if slab::allocator(context.mem) == Allocator::Slab {
        // Free ones that CPUs keep in their arrays; the slabs take them for used.
        let kept = queued::given_out(context.mem, cache) - counts.active_objects;
        let colours = context.mem[cache].queues.colour.max(1);
        write!(context, " kept {kept} colours {colours}")?;
    }
    writeln!(context)?;
    Ok(0)
}

/// A slab in two lines: its first page, who owns it and which objects come next; then its objects.
fn show(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let cache = errno!(context, cache(context.mem, arguments));
    let KmemCache {
        size, objects, cpu, ..
    } = context.mem[cache];
    for frame in 0..context.mem.frames() {
        let page = context.mem.page(frame);
        if slab::cache_of(context.mem, page) != Some(cache) {
            continue;
        }
        if context.mem.charge(1).is_err() {
            return Err(Stop::Interrupted);
        }
        let first = slab::first_object(context.mem, page);
        let at = |index: u32| first.byte_add((index * size) as usize);
        let owner = cpu.iter().position(|cpu| cpu.page == page);
        write!(context, "page {frame}")?;
        if let Some(cpu) = owner {
            write!(context, " cpu{cpu}")?;
        }
        // SLAB's descriptor and its colour come before them.
        let from = first.unit() * UNIT as u32 % FRAME_SIZE as u32;
        if from > 0 {
            write!(context, " from byte {from}")?;
        }
        let mut next = slub::first_free(context.mem, cache, page);
        for count in 0..objects {
            let Some(object) = next else {
                break;
            };
            let index = (object.unit() - first.unit()) * UNIT as u32 / size;
            match count {
                0 => write!(context, " next {index}")?,
                NEXT_MAX => {
                    write!(context, " ...")?;
                    break;
                }
                _ => write!(context, " {index}")?,
            }
            next = slub::next_free(context.mem, cache, page, object);
        }
        for index in 0..objects {
            let is_in_use = slab::place_at(context.mem, at(index)).is_some_and(|at| at.in_use);
            let gap = if index.is_multiple_of(64) { "\n  " } else { "" };
            write!(context, "{gap}{}", if is_in_use { '#' } else { '.' })?;
        }
        writeln!(context)?;
    }
    Ok(0)
}

fn shrink(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let cache = errno!(context, cache(context.mem, arguments));
    let before = context.mem[cache].nr_slabs;
    slab::kmem_cache_shrink(context.mem, cache);
    let freed = before.saturating_sub(context.mem[cache].nr_slabs);
    writeln!(context, "{freed}")?;
    Ok(0)
}

fn vacate(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let max = context.mem.frames() - 1;
    let frame = match parse_address(context.mem, arguments.get(0)) {
        Some((object, _)) => object.frame(),
        None => told!(arguments.number(context, 0, "PFN", max.into())) as u32,
    };
    let page = context.mem.head_page(Ref::<Object>::of_frame(frame));
    let emptied = defrag::kmem_cache_vacate(context.mem, page);
    writeln!(context, "{}", u8::from(emptied))?;
    Ok(u8::from(!emptied))
}

fn defragment(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let node = match arguments.len() {
        0 => None,
        _ => {
            let max = context.mem[MEM].nr_nodes - 1;
            Some(told!(arguments.number(context, 0, "NODE", max.into())) as u32)
        }
    };
    let freed = defrag::kmem_cache_defrag(context.mem, node);
    writeln!(context, "{freed}")?;
    Ok(0)
}

fn dump(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let (object, odd) = told!(address(context, arguments.get(0)));
    let length = match arguments.len() {
        2 => told!(arguments.number(context, 1, "LENGTH", DUMP_MAX)) as u32,
        _ => 64,
    };
    let end = context.mem.frames() * FRAME_SIZE as u32 / UNIT as u32;
    let mut at = odd;
    let stop = odd + length;
    while at < stop {
        let row_end = (at + 16).min(stop);
        write!(context, "{:016x}:", object.address() + u64::from(at))?;
        let mut text = [b' '; 16];
        for offset in at..at + 16 {
            let unit = object.unit() + offset / UNIT as u32;
            if offset < row_end && unit < end {
                // By frame: what lies at the address 0 may be looked at as well.
                let byte = unit as usize * UNIT + offset as usize % UNIT;
                let frame = context.mem.frame((byte / FRAME_SIZE) as u32);
                let byte = frame[byte % FRAME_SIZE];
                let shown = (b' '..=b'~').contains(&byte);
                text[(offset - at) as usize] = if shown { byte } else { b'.' };
                write!(context, " {byte:02x}")?;
            } else {
                write!(context, "   ")?;
            }
        }
        let text = core::str::from_utf8(&text).unwrap_or("");
        writeln!(context, " {}", text.trim_end())?;
        at = row_end;
    }
    Ok(0)
}

fn poke(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let (object, odd) = told!(address(context, arguments.get(0)));
    let mut bytes = [0; 32];
    let mut count = 0;
    for index in 1..arguments.len() {
        bytes[count as usize] = told!(arguments.number(context, index, "BYTE", 255)) as u8;
        count += 1;
    }
    let result = play::poke(context.mem, object, odd, &bytes[..count as usize]);
    print_result(context, result)
}

fn validate(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let cache = errno!(context, cache(context.mem, arguments));
    if !context.mem[cache].flags.any() {
        return print_result(context, Err(Errno::EINVAL));
    }
    let broken = debug::validate(context.mem, cache);
    writeln!(context, "{broken}")?;
    Ok(u8::from(broken > 0))
}

fn fail(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let count = told!(arguments.number(context, 1, "N", i32::MAX as u64)) as u32;
    let cache = errno!(context, cache(context.mem, arguments));
    failslab::arm(context.mem, cache, count);
    print_result(context, Ok(()))
}

fn reap(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let shared = match arguments.len() {
        0 => false,
        _ if arguments.get(0) == "shared" => true,
        _ => return Err(Stop::Usage),
    };
    if slab::allocator(context.mem) != Allocator::Slab {
        return print_result(context, Err(Errno::ENOSYS));
    }
    queued::reap(context.mem, shared);
    print_result(context, Ok(()))
}

fn destroy(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let cache = errno!(context, own_cache(context.mem, arguments));
    let result = match alias::find(context.mem, arguments.get(0)) {
        Some(alias) => {
            alias::remove(context.mem, alias);
            Ok(())
        }
        // Where links were written over, the owners know better than the chains.
        None if context.mem[cache].is_mistreated() && play::owns(context.mem, cache) => {
            Err(Errno::EBUSY)
        }
        None => slab::kmem_cache_destroy(context.mem, cache),
    };
    print_result(context, result)
}

/// `dmesg [-c]`: the kernel's log.
pub(super) fn dmesg(context: &mut Context<'_>, words: &Words) -> Outcome {
    let clears = match (words.get(1), words.len()) {
        (None, _) => false,
        (Some("-c"), 2) => true,
        _ => return Err(Stop::Usage),
    };
    let mut position = context.mem.log_start();
    let mut buffer = [0; 256];
    loop {
        let mut count = context.mem.read_log(position, &mut buffer);
        if count == 0 {
            break;
        }
        // The log is text. A character that this piece ends in begins the next one; what is left of
        // one that was lost with the log's beginning is passed over.
        if let Err(error) = core::str::from_utf8(&buffer[..count])
            && error.error_len().is_none()
            && error.valid_up_to() > 0
        {
            count = error.valid_up_to();
        }
        position += count as u64;
        for piece in buffer[..count].utf8_chunks() {
            context.write_str(piece.valid())?;
        }
    }
    if clears {
        context.mem[LOG].cleared = position;
    }
    Ok(0)
}

/// `slabtop`: the caches, those that hold the most memory first.
pub(super) fn slabtop(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() > 1 {
        return Err(Stop::Usage);
    }
    let (mut objects, mut active, mut slabs, mut bytes, mut caches) =
        (0u64, 0u64, 0u64, 0u64, 0u32);
    for cache in slab::caches(context.mem) {
        let counts = slab::counts(context.mem, cache);
        objects += u64::from(counts.total_objects);
        active += u64::from(counts.active_objects);
        slabs += u64::from(counts.slabs);
        bytes += memory_of(context.mem, cache);
        caches += 1;
    }
    let share = active * 1000 / objects.max(1);
    writeln!(
        context,
        " Active / Total Objects (% used)    : {active} / {objects} ({}.{}%)",
        share / 10,
        share % 10
    )?;
    writeln!(
        context,
        " Slabs / Caches / Size              : {slabs} / {caches} / {}K",
        bytes / 1024
    )?;
    writeln!(context)?;
    writeln!(
        context,
        "  OBJS ACTIVE  USE OBJ SIZE  SLABS OBJ/SLAB CACHE SIZE NAME"
    )?;
    // There is no memory to sort in: each round prints the next by size, ties by place.
    let mut last: Option<(u64, u32)> = None;
    for _ in 0..caches {
        let Some((memory, place, cache)) = next_by_size(context.mem, last) else {
            break;
        };
        last = Some((memory, place));
        let counts = slab::counts(context.mem, cache);
        let KmemCache { size, objects, .. } = context.mem[cache];
        let used = u64::from(counts.active_objects) * 100 / u64::from(counts.total_objects.max(1));
        let name = Name::of(format_args!("{}", context.mem[cache].name()));
        writeln!(
            context,
            "{:6} {:6} {used:3}% {:5}.{:02}K {:6} {objects:8} {:9}K {}",
            counts.total_objects,
            counts.active_objects,
            size / 1024,
            size % 1024 * 100 / 1024,
            counts.slabs,
            memory / 1024,
            name.text()
        )?;
    }
    Ok(0)
}

/// Bytes of the pages that a cache holds; with SLOB, of its objects.
fn memory_of(mem: &Mem, cache: Ref<KmemCache>) -> u64 {
    let KmemCache {
        nr_slabs, order, ..
    } = mem[cache];
    match slab::allocator(mem) {
        Allocator::Slob => {
            let counts = slab::counts(mem, cache);
            u64::from(counts.active_objects) * u64::from(mem[cache].size)
        }
        _ => u64::from(nr_slabs << order) * FRAME_SIZE as u64,
    }
}

/// The cache that follows `last` (its memory and its place among all) in the order of memory.
fn next_by_size(mem: &Mem, last: Option<(u64, u32)>) -> Option<(u64, u32, Ref<KmemCache>)> {
    let follows = |memory: u64, place: u32| {
        last.is_none_or(|(size, at)| memory < size || memory == size && place > at)
    };
    (0..)
        .zip(slab::caches(mem))
        .map(|(place, cache)| (memory_of(mem, cache), place, cache))
        .filter(|&(memory, place, _)| follows(memory, place))
        .max_by_key(|&(memory, place, _)| (memory, core::cmp::Reverse(place)))
}
