//! Device nodes: names for what the kernel itself reads and writes.
//!
//! A node holds two numbers. The major one says which driver, the minor one which of its devices; the
//! name means nothing. Whoever may `mknod` could make himself a name for any device, so the devices
//! subsystem of containers has a say here, whatever a node's permission bits are.

use super::file::File;
use super::inode::{self, BLOCK, CHARACTER, Inode};
use super::poll::{POLLIN, Polled};
use super::{FS, dentry, inode_of, sleep};
use crate::container::devices;
use crate::errno::Errno;
use crate::mem::{Mem, Ref};
use crate::oom::listeners;
use crate::task;
use crate::task::wait::Why;
use crate::tty;

/// What a device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Device {
    /// Takes everything and is empty.
    Null,
    /// Takes everything and is full of zeroes.
    Zero,
    /// Has no room, and is full of zeroes.
    Full,
    /// The terminal.
    Tty,
    /// Tells that memory is running low; see [`crate::oom::listeners`].
    MemNotify,
}

/// The drivers: name in `/dev`, major and minor number, mode, device.
const DEVICES: [(&str, u32, u32, u32, Device); 6] = [
    ("console", 5, 1, 0o600, Device::Tty),
    ("full", 1, 7, 0o666, Device::Full),
    ("mem_notify", 1, 13, 0o444, Device::MemNotify),
    ("null", 1, 3, 0o666, Device::Null),
    ("tty", 5, 0, 0o666, Device::Tty),
    ("zero", 1, 5, 0o666, Device::Zero),
];

/// A device's number as an inode keeps it.
pub const fn number(major: u32, minor: u32) -> u32 {
    major << 20 | minor
}

/// Makes `/dev`.
pub(super) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    let root = mem[FS].root;
    let dev = dentry::create(mem, root, "dev", inode::DIRECTORY | 0o755)?;
    for (name, major, minor, mode, _) in DEVICES {
        let node = dentry::create(mem, dev, name, CHARACTER | mode)?;
        let inode = mem[node].inode;
        mem[inode].rdev = number(major, minor);
    }
    Ok(())
}

/// The driver of an inode.
fn driver(mem: &Mem, inode: Ref<Inode>) -> Result<Device, Errno> {
    let device = mem[inode].device();
    let known = DEVICES
        .iter()
        .find(|&&(_, major, minor, ..)| (major, minor) == device);
    match known {
        Some(&(.., device)) if mem[inode].kind() == CHARACTER => Ok(device),
        _ => Err(Errno::ENXIO),
    }
}

/// In what is asked of the devices subsystem: to make a node.
pub const ACC_MKNOD: u32 = 1;
/// To read.
pub const ACC_READ: u32 = 2;
/// To write.
pub const ACC_WRITE: u32 = 4;

/// Whether the running task's container lets it at a device.
///
/// # Errors
/// `EPERM`.
pub(super) fn permission(
    mem: &mut Mem,
    kind: u32,
    (major, minor): (u32, u32),
    access: u32,
) -> Result<(), Errno> {
    let kind = match kind {
        BLOCK => devices::BLOCK,
        _ => devices::CHAR,
    };
    let current = task::current(mem);
    devices::permission(mem, current, kind, [major, minor], access)
}

/// Opens a device.
///
/// # Errors
/// `EPERM` if the container forbids it, `ENXIO` if it has no driver, `ENOMEM`.
pub(super) fn open(mem: &mut Mem, file: Ref<File>, inode: Ref<Inode>) -> Result<(), Errno> {
    let access = (u32::from(mem[file].is_readable()) * ACC_READ)
        | (u32::from(mem[file].is_writable()) * ACC_WRITE);
    let Inode { mode, .. } = mem[inode];
    permission(mem, mode & inode::TYPE_MASK, mem[inode].device(), access)?;
    if driver(mem, inode)? == Device::MemNotify {
        mem[file].private = listeners::open(mem)?;
    }
    Ok(())
}

/// Closes a device.
pub(super) fn release(mem: &mut Mem, file: Ref<File>, inode: Ref<Inode>) {
    if driver(mem, inode) == Ok(Device::MemNotify) {
        let watch = core::mem::replace(&mut mem[file].private, Ref::NULL);
        listeners::release(mem, watch);
    }
}

/// What can be done with a device without waiting.
///
/// # Errors
/// `ENXIO`.
pub(super) fn poll(mem: &mut Mem, file: Ref<File>) -> Result<Polled, Errno> {
    Ok(match driver(mem, inode_of(mem, file))? {
        Device::Tty if tty::room(mem) == 0 => Polled {
            events: POLLIN,
            queue: tty::writers(),
            exclusive: false,
        },
        Device::MemNotify => {
            let watch = mem[file].private;
            Polled {
                events: if listeners::poll(mem, watch) {
                    POLLIN
                } else {
                    0
                },
                queue: listeners::waiters(),
                exclusive: true,
            }
        }
        _ => Polled::READY,
    })
}

/// Reads a device. The terminal has nothing to read: the console's lines are the shell's.
pub(super) fn read(mem: &mut Mem, file: Ref<File>, buffer: &mut [u8]) -> Result<usize, Errno> {
    match driver(mem, inode_of(mem, file))? {
        Device::Null | Device::Tty => Ok(0),
        // It has nothing to read: one polls it.
        Device::MemNotify => Err(Errno::EINVAL),
        Device::Zero | Device::Full => {
            buffer.fill(0);
            Ok(buffer.len())
        }
    }
}

/// Writes to a device.
///
/// # Errors
/// `ENOSPC` if it is full; `EAGAIN` and `ERESTARTSYS` while the terminal is.
pub(super) fn write(mem: &mut Mem, file: Ref<File>, bytes: &[u8]) -> Result<usize, Errno> {
    match driver(mem, inode_of(mem, file))? {
        Device::Null | Device::Zero => Ok(bytes.len()),
        Device::Full if bytes.is_empty() => Ok(0),
        Device::Full => Err(Errno::ENOSPC),
        Device::MemNotify => Err(Errno::EINVAL),
        Device::Tty => tty::write(mem, bytes).map_err(|_| {
            let flags = mem[file].flags;
            sleep::wait_for(mem, tty::writers(), Why::Tty, flags)
        }),
    }
}
