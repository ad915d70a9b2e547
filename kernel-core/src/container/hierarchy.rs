//! Hierarchies: which subsystems are mounted together (specs 1.3).
//!
//! A hierarchy is found by its subsystems: mounting the same ones again shows the same tree, and it
//! lives on unmounted while there are containers below its topmost one. A subsystem that is bound
//! elsewhere makes the whole mount fail; nothing has changed then.

use core::fmt::{self, Write};
use core::mem::offset_of;

use super::{
    CONTAINER, ContainerData, FLAVOUR_CGROUP, FLAVOUR_CONTAINER, FLAVOUR_DUMMY, Hierarchy,
    NOPREFIX, SUBSYS_MAX, css_set, nr_subsystems, subsys, subsystem_name, tree, zalloc,
};
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Gfp, ListHead, Mem, PageFlag, Ref};
use crate::slab::kmem_cache_free;
use crate::trace::Tracepoint;

/// What `mount -o` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Options<'a> {
    /// Subsystems, a bit each.
    pub bits: u32,
    /// [`NOPREFIX`].
    pub flags: u32,
    /// Path of the release agent.
    pub agent: Option<&'a str>,
}

/// A bit for every subsystem there is.
fn all_bits(mem: &Mem) -> u32 {
    (1 << nr_subsystems(mem)) - 1
}

impl Options<'_> {
    /// Reads options; none at all ask for every subsystem. The patches of May 2007 know names of
    /// subsystems and `all`, 2.6.24 also `noprefix` and `release_agent=PATH`.
    ///
    /// # Errors
    /// `EINVAL` for an empty word, a second agent, or if no subsystem is named; `ENOENT` for a word that
    /// means nothing.
    pub(super) fn parse<'a>(mem: &Mem, text: &'a str, flavour: u32) -> Result<Options<'a>, Errno> {
        let mut options = Options {
            bits: 0,
            flags: 0,
            agent: None,
        };
        if text.is_empty() {
            options.bits = all_bits(mem);
            return Ok(options);
        }
        for word in text.split(',') {
            if word.is_empty() {
                return Err(Errno::EINVAL);
            }
            let agent = word.strip_prefix("release_agent=");
            match (word, agent) {
                ("all", _) => options.bits = all_bits(mem),
                ("noprefix", _) if flavour == FLAVOUR_CGROUP => options.flags |= NOPREFIX,
                (_, Some(path)) if flavour == FLAVOUR_CGROUP => {
                    if options.agent.replace(path).is_some() {
                        return Err(Errno::EINVAL);
                    }
                }
                _ => {
                    let mut numbers = 0..nr_subsystems(mem);
                    let number = numbers.find(|&number| subsystem_name(number) == word);
                    options.bits |= 1 << number.ok_or(Errno::ENOENT)?;
                }
            }
        }
        if options.bits == 0 {
            return Err(Errno::EINVAL);
        }
        Ok(options)
    }
}

/// Active hierarchies, the newest in front. The dummy is none.
pub fn hierarchies(mem: &Mem) -> impl Iterator<Item = Ref<Hierarchy>> + '_ {
    let head: Ref<ListHead> = CONTAINER.byte_add(offset_of!(ContainerData, hierarchies));
    mem.list_iter(head).map(|link| link.cast())
}

/// The hierarchy of exactly these subsystems, mounted in the same way.
pub(super) fn find(mem: &Mem, options: &Options<'_>, flavour: u32) -> Option<Ref<Hierarchy>> {
    hierarchies(mem).find(|&root| {
        let root = &mem[root];
        root.subsys_bits == options.bits && root.flags == options.flags && root.flavour == flavour
    })
}

/// A hierarchy without subsystems, with its topmost container.
pub(super) fn alloc(mem: &mut Mem, flavour: u32) -> Result<Ref<Hierarchy>, Errno> {
    let cache = mem[CONTAINER].hierarchy_cache;
    let root: Ref<Hierarchy> = zalloc(mem, cache)?;
    mem[root].flavour = flavour;
    match tree::alloc(mem, root, Ref::NULL) {
        Ok(top) => mem[root].top = top,
        Err(errno) => {
            kmem_cache_free(mem, cache, root);
            return Err(errno);
        }
    }
    if flavour != FLAVOUR_DUMMY {
        mem[CONTAINER].last_hierarchy += 1;
        mem[root].id = mem[CONTAINER].last_hierarchy;
    }
    Ok(root)
}

/// Frees a hierarchy that nothing leads to any more.
fn free(mem: &mut Mem, root: Ref<Hierarchy>) {
    let Hierarchy {
        top, release_agent, ..
    } = mem[root];
    tree::free(mem, top);
    if !release_agent.is_null() {
        free_page(mem, release_agent);
    }
    let cache = mem[CONTAINER].hierarchy_cache;
    kmem_cache_free(mem, cache, root);
}

/// Puts a subsystem in front of a hierarchy's list.
pub(super) fn push(mem: &mut Mem, root: Ref<Hierarchy>, number: usize) {
    let root = &mut mem[root];
    let count = usize::from(root.order[0]);
    root.order.copy_within(1..=count, 2);
    root.order[1] = number as u8;
    root.order[0] += 1;
    root.subsys_bits |= 1 << number;
}

/// Takes it off.
fn pull(mem: &mut Mem, root: Ref<Hierarchy>, number: usize) {
    let root = &mut mem[root];
    let count = usize::from(root.order[0]);
    if let Some(place) = (1..=count).find(|&place| usize::from(root.order[place]) == number) {
        root.order.copy_within(place + 1..=count, place);
        root.order[count] = 0;
        root.order[0] -= 1;
        root.subsys_bits &= !(1 << number);
    }
}

/// Moves a subsystem from one hierarchy without containers below its topmost one to another: the state
/// of the topmost container moves along, so no task notices.
fn bind(mem: &mut Mem, number: usize, from: Ref<Hierarchy>, to: Ref<Hierarchy>) {
    let (old, new) = (mem[from].top, mem[to].top);
    let css = core::mem::replace(&mut mem[old].subsys[number], Ref::NULL);
    mem[css].container = new;
    mem[new].subsys[number] = css;
    pull(mem, from, number);
    push(mem, to, number);
    mem[CONTAINER].roots[number] = to;
    subsys::bind(mem, number, new);
}

/// Numbers of the subsystems in a set of bits, ascending.
pub(super) fn numbers(bits: u32) -> impl Iterator<Item = usize> {
    (0..SUBSYS_MAX).filter(move |&number| bits >> number & 1 != 0)
}

/// Whether every subsystem of `bits` is bound to the dummy.
fn are_free(mem: &Mem, bits: u32) -> Result<(), Errno> {
    let dummy = mem[CONTAINER].dummy;
    match numbers(bits).all(|number| mem[CONTAINER].roots[number] == dummy) {
        true => Ok(()),
        false => Err(Errno::EBUSY),
    }
}

/// Makes a hierarchy of free subsystems; all tasks are in its topmost container at once. The caller
/// gives that a directory.
///
/// # Errors
/// `EBUSY` if a subsystem is bound already, `ENOMEM`; nothing has changed then.
pub(super) fn make(
    mem: &mut Mem,
    options: &Options<'_>,
    flavour: u32,
) -> Result<Ref<Hierarchy>, Errno> {
    are_free(mem, options.bits)?;
    let root = alloc(mem, flavour)?;
    mem[root].flags = options.flags;
    let top = mem[root].top;
    let made = match options.agent {
        Some(agent) => set_agent(mem, root, agent.as_bytes()),
        None => Ok(()),
    };
    if let Err(errno) = made.and_then(|()| css_set::link_all(mem, top)) {
        free(mem, root);
        return Err(errno);
    }
    let dummy = mem[CONTAINER].dummy;
    for number in numbers(options.bits) {
        bind(mem, number, dummy, root);
    }
    mem.list_add(root.cast(), CONTAINER.cast());
    mem[CONTAINER].nr_hierarchies += 1;
    let args = [mem[root].id, options.bits, mem[top].id];
    mem.trace(Tracepoint::CgroupSetupRoot, args.map(u64::from));
    Ok(root)
}

/// Ends a hierarchy without containers below its topmost one: its subsystems go back to the dummy.
pub(super) fn end(mem: &mut Mem, root: Ref<Hierarchy>) {
    let Hierarchy {
        top,
        subsys_bits,
        id,
        ..
    } = mem[root];
    let dummy = mem[CONTAINER].dummy;
    for number in numbers(subsys_bits) {
        bind(mem, number, root, dummy);
    }
    css_set::unlink_all(mem, top);
    mem.list_del(root.cast());
    mem[CONTAINER].nr_hierarchies -= 1;
    mem.trace(
        Tracepoint::CgroupDestroyRoot,
        [id, subsys_bits].map(u64::from),
    );
    free(mem, root);
}

/// Binds other subsystems to a hierarchy. The caller fills its directory anew.
///
/// # Errors
/// `EINVAL` if `noprefix` was and is not given, or the other way round; `EBUSY` if a subsystem that comes
/// is not free, or there is any container below the topmost one, even if nothing would change.
pub(super) fn rebind(
    mem: &mut Mem,
    root: Ref<Hierarchy>,
    options: &Options<'_>,
) -> Result<(), Errno> {
    let Hierarchy {
        subsys_bits,
        flags,
        top,
        id,
        ..
    } = mem[root];
    if options.flags != flags {
        return Err(Errno::EINVAL);
    }
    are_free(mem, options.bits & !subsys_bits)?;
    if !mem.list_is_empty(tree::children_head(top)) {
        return Err(Errno::EBUSY);
    }
    if let Some(agent) = options.agent {
        set_agent(mem, root, agent.as_bytes())?;
    }
    let dummy = mem[CONTAINER].dummy;
    for number in 0..nr_subsystems(mem) {
        let (is, shall) = (subsys_bits >> number & 1, options.bits >> number & 1);
        match (is, shall) {
            (0, 1) => bind(mem, number, dummy, root),
            (1, 0) => bind(mem, number, root, dummy),
            _ => {}
        }
    }
    mem.trace(
        Tracepoint::CgroupRemount,
        [id, subsys_bits, options.bits].map(u64::from),
    );
    Ok(())
}

/// Prints a hierarchy's options, each behind a comma.
pub(super) fn show_options(mem: &Mem, root: Ref<Hierarchy>, out: &mut dyn Write) -> fmt::Result {
    for number in mem[root].subsystems() {
        write!(out, ",{}", subsystem_name(number))?;
    }
    if mem[root].flags & NOPREFIX != 0 {
        out.write_str(",noprefix")?;
    }
    let mut buffer = [0; AGENT_MAX];
    match agent(mem, root, &mut buffer) {
        "" => Ok(()),
        path => write!(out, ",release_agent={path}"),
    }
}

/// The path of a release agent has fewer bytes than this.
pub(super) const AGENT_MAX: usize = FRAME_SIZE;

/// Copies the path of a hierarchy's release agent; empty if there is none.
pub(super) fn agent<'a>(
    mem: &Mem,
    root: Ref<Hierarchy>,
    buffer: &'a mut [u8; AGENT_MAX],
) -> &'a str {
    let page = mem[root].release_agent;
    if page.is_null() {
        return "";
    }
    *buffer = *mem.frame(page.frame());
    let end = buffer.iter().position(|&byte| byte == 0);
    core::str::from_utf8(&buffer[..end.unwrap_or(AGENT_MAX)]).unwrap_or("")
}

/// Sets the path of a hierarchy's release agent; an empty one takes it away.
///
/// # Errors
/// `E2BIG`; `EINVAL` if it is no text; `ENOMEM`.
pub(super) fn set_agent(mem: &mut Mem, root: Ref<Hierarchy>, path: &[u8]) -> Result<(), Errno> {
    if path.len() >= AGENT_MAX {
        return Err(Errno::E2BIG);
    }
    if path.contains(&0) || core::str::from_utf8(path).is_err() {
        return Err(Errno::EINVAL);
    }
    let mut page = mem[root].release_agent;
    if path.is_empty() {
        if !page.is_null() {
            mem[root].release_agent = Ref::NULL;
            free_page(mem, page);
        }
        return Ok(());
    }
    if page.is_null() {
        let frame = mem.alloc_page(Gfp::KERNEL)?;
        mem[frame].set(PageFlag::Reserved);
        page = Ref::of_frame(mem.frame_of(frame));
        mem[root].release_agent = page;
    }
    let bytes = mem.frame_mut(page.frame());
    bytes.fill(0);
    bytes[..path.len()].copy_from_slice(path);
    Ok(())
}

fn free_page(mem: &mut Mem, at: Ref<[u8; 8]>) {
    let page = mem.page(at.frame());
    mem[page].clear(PageFlag::Reserved);
    mem.put_page(page);
}

/// Whether a flavour is one that can be mounted.
pub(super) fn is_mountable(flavour: u32) -> bool {
    matches!(flavour, FLAVOUR_CONTAINER | FLAVOUR_CGROUP)
}
