//! `devices`: which device nodes a container's tasks may make, read and write (specs 1.14; 2.6.26).
//!
//! A container has a list of what is allowed; the topmost one begins with everything, a new one with its
//! parent's list. What is denied a parent later its children keep, in this era. And an entry that allows all
//! devices does so whatever is left of its letters: `c 1:3 w` denied to the list `a *:* rwm` leaves
//! `a *:* rm`, which still allows everything. Deny `a`, then allow what is wanted.

use core::fmt::{self, Write};
use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::subsys::{DEVICES, free_state, new_state, state};
use super::{Callback, Callbacks, Cftype, Container, ContainerSubsystem, Css, task_css};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{Gfp, ListHead, Mem, Ref};
use crate::slab;
use crate::task::{self, Capability, Task};
use crate::trace::Tracepoint;

/// The subsystem.
pub(super) struct DevicesSubsystem;

/// What it keeps for a container (`struct dev_cgroup`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct DevCgroup {
    /// The container.
    pub css: Css,
    /// What is allowed, as [`Item`]s.
    pub whitelist: ListHead,
}

describe!(DevCgroup, "dev_cgroup", [css, whitelist]);

/// An entry of a list (`struct dev_whitelist_item`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Item {
    list: ListHead,
    major: u32,
    minor: u32,
    /// [`BLOCK`], [`CHAR`] or [`ALL`].
    kind: u32,
    /// [`MKNOD`], [`READ`], [`WRITE`].
    access: u32,
}

describe!(Item, "dev_whitelist_item", [list, major, minor, kind: Kind::Hex, access: Kind::Hex]);

/// Make a node.
pub const MKNOD: u32 = 1;
/// Read it.
pub const READ: u32 = 2;
/// Write to it.
pub const WRITE: u32 = 4;
const LETTERS: [(u32, u8); 3] = [(READ, b'r'), (WRITE, b'w'), (MKNOD, b'm')];

/// Block devices.
pub const BLOCK: u32 = 1;
/// Character devices.
pub const CHAR: u32 = 2;
/// All devices.
pub const ALL: u32 = 4;

/// Any number.
const ANY: u32 = u32::MAX;

fn devices_of(mem: &Mem, container: Ref<Container>) -> Ref<DevCgroup> {
    state(mem, container, DEVICES)
}

fn head(devices: Ref<DevCgroup>) -> Ref<ListHead> {
    devices.byte_add(offset_of!(DevCgroup, whitelist))
}

fn items(mem: &Mem, devices: Ref<DevCgroup>) -> impl Iterator<Item = Ref<Item>> + '_ {
    mem.list_iter(head(devices)).map(|link| link.cast())
}

/// Whether a list allows an access (`may_access_whitelist`).
fn allows(mem: &Mem, devices: Ref<DevCgroup>, asked: &Item) -> bool {
    items(mem, devices).any(|at| {
        let item = &mem[at];
        let fits = |ours: u32, theirs: u32| ours == ANY || ours == theirs;
        item.kind & ALL != 0
            || item.kind & asked.kind != 0
                && fits(item.major, asked.major)
                && fits(item.minor, asked.minor)
                && asked.access & !item.access == 0
    })
}

/// Whether a task may make a node, or open one to read or write it: `kind` is [`BLOCK`] or [`CHAR`],
/// `access` some of [`MKNOD`], [`READ`], [`WRITE`].
///
/// # Errors
/// `EPERM`.
pub fn permission(
    mem: &mut Mem,
    task: Ref<Task>,
    kind: u32,
    [major, minor]: [u32; 2],
    access: u32,
) -> Result<(), Errno> {
    let css = task_css(mem, task, DEVICES);
    let asked = Item {
        list: ListHead::zeroed(),
        major,
        minor,
        kind,
        access,
    };
    if css.is_null() || allows(mem, css.cast(), &asked) {
        return Ok(());
    }
    let container = mem[css].container;
    let device = major << 20 | minor;
    let args = [
        DEVICES as u32,
        mem[container].id,
        mem[task].pid,
        access,
        0,
        device,
    ];
    mem.trace(Tracepoint::CgroupLimit, args.map(u64::from));
    Err(Errno::EPERM)
}

/// Adds an entry, or its letters to one for the same devices.
fn add(mem: &mut Mem, devices: Ref<DevCgroup>, new: &Item) -> Result<(), Errno> {
    let same = items(mem, devices).find(|&at| {
        let item = &mem[at];
        (item.kind, item.major, item.minor) == (new.kind, new.major, new.minor)
    });
    if let Some(same) = same {
        mem[same].access |= new.access;
        return Ok(());
    }
    let item: Ref<Item> = slab::kmalloc(mem, size_of::<Item>() as u32, Gfp::KERNEL)?.cast();
    mem[item] = *new;
    mem.list_add_tail(item.cast(), head(devices));
    Ok(())
}

fn drop_item(mem: &mut Mem, item: Ref<Item>) {
    mem.list_del(item.cast());
    slab::kfree(mem, item.cast());
}

/// Takes letters off all entries that include the devices; one without letters goes.
fn remove(mem: &mut Mem, devices: Ref<DevCgroup>, less: &Item) {
    let mut at = mem[head(devices)].next;
    while at != head(devices) {
        let item: Ref<Item> = at.cast();
        at = mem[at].next;
        let Item {
            kind, major, minor, ..
        } = mem[item];
        let includes = |ours: u32, theirs: u32| ours == ANY || ours == theirs;
        let concerned = kind == ALL
            || kind == less.kind && includes(major, less.major) && includes(minor, less.minor);
        if concerned || less.kind == ALL {
            mem[item].access &= !less.access;
            if mem[item].access == 0 {
                drop_item(mem, item);
            }
        }
    }
}

fn clear(mem: &mut Mem, devices: Ref<DevCgroup>) {
    while !mem.list_is_empty(head(devices)) {
        let first = mem[head(devices)].next.cast();
        drop_item(mem, first);
    }
}

impl ContainerSubsystem for DevicesSubsystem {
    fn name(&self) -> &'static str {
        "devices"
    }

    fn callbacks(&self) -> Callbacks {
        Callbacks::ALWAYS.with(Callback::CanAttach)
    }

    fn files(&self) -> &'static [Cftype] {
        &FILES
    }

    fn create(&self, mem: &mut Mem, container: Ref<Container>) -> Result<Ref<Css>, Errno> {
        let devices: Ref<DevCgroup> = new_state(mem)?;
        mem.list_init(head(devices));
        let result = match mem[container].parent {
            parent if parent.is_null() => {
                let all = Item {
                    list: ListHead::zeroed(),
                    major: ANY,
                    minor: ANY,
                    kind: ALL,
                    access: MKNOD | READ | WRITE,
                };
                add(mem, devices, &all)
            }
            parent => copy(mem, devices_of(mem, parent), devices),
        };
        if let Err(errno) = result {
            clear(mem, devices);
            slab::kfree(mem, devices.cast());
            return Err(errno);
        }
        Ok(devices.cast())
    }

    fn destroy(&self, mem: &mut Mem, container: Ref<Container>) {
        let devices = devices_of(mem, container);
        clear(mem, devices);
        free_state(mem, container, DEVICES);
    }

    /// To move others is for the administrator.
    fn can_attach(&self, mem: &mut Mem, _: Ref<Container>, task: Ref<Task>) -> Result<(), Errno> {
        let current = task::current(mem);
        match task == current || mem[current].cred.has(Capability::SysAdmin) {
            true => Ok(()),
            false => Err(Errno::EPERM),
        }
    }

    fn check(&self, mem: &Mem, container: Ref<Container>) -> Result<(), &'static str> {
        let devices = devices_of(mem, container);
        if !mem.list_is_sound(head(devices), mem.frames() * 64) {
            return Err("devices: a list is broken");
        }
        match items(mem, devices).all(|item| mem[item].access != 0) {
            true => Ok(()),
            false => Err("devices: an entry allows nothing"),
        }
    }
}

fn copy(mem: &mut Mem, from: Ref<DevCgroup>, to: Ref<DevCgroup>) -> Result<(), Errno> {
    let mut at = mem[head(from)].next;
    while at != head(from) {
        let item = mem[at.cast::<Item>()];
        add(mem, to, &item)?;
        at = mem[at].next;
    }
    Ok(())
}

static FILES: [Cftype; 3] = [
    Cftype::new(
        "allow",
        None,
        Some(|mem, container, bytes| change(mem, container, bytes, true)),
    ),
    Cftype::new(
        "deny",
        None,
        Some(|mem, container, bytes| change(mem, container, bytes, false)),
    ),
    Cftype::new(
        "list",
        Some(|mem, container, out| write_list(mem, container, out)),
        None,
    ),
];

/// Prints what a container's tasks may do, an entry a line: `c 1:3 rwm`.
///
/// # Errors
/// Those of `out`.
pub fn write_list(mem: &Mem, container: Ref<Container>, out: &mut dyn Write) -> fmt::Result {
    for at in items(mem, devices_of(mem, container)) {
        let item = &mem[at];
        let kind = match item.kind {
            BLOCK => 'b',
            CHAR => 'c',
            _ => 'a',
        };
        write!(out, "{kind} ")?;
        write_number(out, item.major)?;
        out.write_char(':')?;
        write_number(out, item.minor)?;
        out.write_char(' ')?;
        for (bit, letter) in LETTERS {
            if item.access & bit != 0 {
                out.write_char(char::from(letter))?;
            }
        }
        out.write_char('\n')?;
    }
    Ok(())
}

fn write_number(out: &mut dyn Write, number: u32) -> fmt::Result {
    match number {
        ANY => out.write_char('*'),
        number => write!(out, "{number}"),
    }
}

/// Reads `c 1:3 rwm`; `a` stands for everything, whatever follows.
fn parse(bytes: &[u8]) -> Option<Item> {
    let mut item = Item {
        list: ListHead::zeroed(),
        major: ANY,
        minor: ANY,
        kind: ALL,
        access: MKNOD | READ | WRITE,
    };
    let text = core::str::from_utf8(bytes.trim_ascii()).ok()?;
    item.kind = match text.as_bytes().first()? {
        b'a' => return Some(item),
        b'b' => BLOCK,
        b'c' => CHAR,
        _ => return None,
    };
    let rest = text[1..].strip_prefix(' ')?;
    let (device, letters) = rest.split_once(' ')?;
    let (major, minor) = device.split_once(':')?;
    item.major = parse_device_number(major)?;
    item.minor = parse_device_number(minor)?;
    item.access = 0;
    for letter in letters.bytes() {
        item.access |= LETTERS.iter().find(|(_, known)| *known == letter)?.0;
    }
    (item.access != 0).then_some(item)
}

fn parse_device_number(word: &str) -> Option<u32> {
    match word {
        "*" => Some(ANY),
        _ if word.bytes().all(|byte| byte.is_ascii_digit()) => {
            word.parse().ok().filter(|&number| number != ANY)
        }
        _ => None,
    }
}

/// # Errors
/// `EPERM` without the administrator's capability, and if the parent does not grant what is to be
/// allowed; `EINVAL` for text that is no entry.
fn change(
    mem: &mut Mem,
    container: Ref<Container>,
    bytes: &[u8],
    allow: bool,
) -> Result<(), Errno> {
    let current = task::current(mem);
    if !mem[current].cred.has(Capability::SysAdmin) {
        return Err(Errno::EPERM);
    }
    let item = parse(bytes).ok_or(Errno::EINVAL)?;
    let devices = devices_of(mem, container);
    if !allow {
        remove(mem, devices, &item);
        return Ok(());
    }
    let parent = mem[container].parent;
    if !parent.is_null() && !allows(mem, devices_of(mem, parent), &item) {
        return Err(Errno::EPERM);
    }
    add(mem, devices, &item)
}
