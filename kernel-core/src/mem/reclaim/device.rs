//! `swapon` and `swapoff`.

use super::swap::{SWAP, SwapInfo, slot_of};
use crate::errno::Errno;
use crate::mem::{MEM, Mem};
use crate::oom::weights;
use crate::task::{PF_SWAPOFF, mm};

/// Turns the machine's swap device on; returns how many pages it has room for.
///
/// # Errors
/// `ENODEV` if the machine has none, `EBUSY` if it is on.
pub fn swapon(mem: &mut Mem) -> Result<u32, Errno> {
    let SwapInfo {
        pages,
        is_on,
        map_pages,
        ..
    } = mem[SWAP];
    if pages <= map_pages {
        return Err(Errno::ENODEV);
    }
    if is_on != 0 {
        return Err(Errno::EBUSY);
    }
    let slots = pages - map_pages;
    let swap = &mut mem[SWAP];
    (swap.is_on, swap.is_writable) = (1, 1);
    (swap.free, swap.next) = (slots, map_pages);
    mem.printk(format_args!(
        "Adding {}k swap on {DEVICE}.  Priority:-1 extents:1 across:{}k",
        slots * 4,
        slots * 4
    ));
    Ok(slots)
}

/// The device's name.
pub const DEVICE: &str = "/dev/swap";

/// Turns the swap device off: whatever is on it comes back first. The task that asks is marked with
/// [`PF_SWAPOFF`] meanwhile, and if memory runs out, it is the first to be blamed.
///
/// # Errors
/// `EINVAL` if it is not on; `ENOMEM` if memory has no room for what is on it, or promises would exceed
/// what there is without it; then it stays on. `EINTR` when the line has used up its steps.
pub fn swapoff(mem: &mut Mem) -> Result<(), Errno> {
    let SwapInfo { is_on, .. } = mem[SWAP];
    if is_on == 0 {
        return Err(Errno::EINVAL);
    }
    mem[SWAP].is_writable = 0;
    let task = mem[MEM].current;
    mem[task].flags |= PF_SWAPOFF;
    weights::refresh_traits(mem, task);
    let done = super::commit::without_swap(mem).and_then(|()| bring_back(mem));
    mem[task].flags &= !PF_SWAPOFF;
    weights::refresh_traits(mem, task);
    match done {
        Ok(()) => {
            let swap = &mut mem[SWAP];
            (swap.is_on, swap.free) = (0, 0);
        }
        Err(_) => mem[SWAP].is_writable = 1,
    }
    done
}

/// Brings every page back that is on the device (`try_to_unuse`).
fn bring_back(mem: &mut Mem) -> Result<(), Errno> {
    mm::unuse_all(mem)?;
    // Pages in the cache whose slots nobody refers to any more, and those that have come back.
    let SwapInfo {
        pages, map_pages, ..
    } = mem[SWAP];
    for slot in map_pages..pages {
        mem.charge(1)?;
        let at = slot_of(mem, slot);
        if mem[at].frame != 0 {
            let page = mem.page(mem[at].frame);
            mm::rmap::drop_from_cache(mem, page);
        }
    }
    Ok(())
}
