//! The switches in `/proc/sys/vm`.

use super::{RECLAIM, watermark};
use crate::errno::Errno;
use crate::mem::{MEM, Mem};

/// Switches that are numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Knob {
    /// `min_free_kbytes`.
    MinFreeKbytes,
    /// `overcommit_memory`.
    OvercommitMemory,
    /// `overcommit_ratio`.
    OvercommitRatio,
    /// `swappiness`.
    Swappiness,
}

/// What a switch says.
pub(crate) fn get(mem: &Mem, knob: Knob) -> u32 {
    let data = &mem[RECLAIM];
    match knob {
        Knob::MinFreeKbytes => data.min_free_kbytes,
        Knob::OvercommitMemory => data.overcommit_memory,
        Knob::OvercommitRatio => data.overcommit_ratio,
        Knob::Swappiness => data.swappiness,
    }
}

/// Sets a switch. Watermarks follow `min_free_kbytes` at once. 2.6.28 takes any number for the two
/// overcommit switches, of which modes above 2 mean 2; here they are refused.
///
/// # Errors
/// `EINVAL` for what is out of range: `min_free_kbytes` that no memory would be left with, a mode above
/// 2, more than 100 for `swappiness`, a ratio whose part does not fit in 32 bits.
pub(crate) fn set(mem: &mut Mem, knob: Knob, value: u32) -> Result<(), Errno> {
    let most = match knob {
        Knob::MinFreeKbytes => mem[MEM].managed * 4 / 2,
        Knob::OvercommitMemory => 2,
        Knob::OvercommitRatio => 10_000,
        Knob::Swappiness => 100,
    };
    if value > most {
        return Err(Errno::EINVAL);
    }
    let data = &mut mem[RECLAIM];
    match knob {
        Knob::MinFreeKbytes => {
            data.min_free_kbytes = value;
            watermark::set_marks(mem);
        }
        Knob::OvercommitMemory => data.overcommit_memory = value,
        Knob::OvercommitRatio => data.overcommit_ratio = value,
        Knob::Swappiness => data.swappiness = value,
    }
    Ok(())
}
