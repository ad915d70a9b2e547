//! How an allocation may be made: Linux's `gfp_t`.

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::btf::{Described, Kind};

/// Allocation flags, with the values of 2.6.16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Gfp(pub u32);

impl Gfp {
    /// Only memory that old DMA controllers reach.
    pub const DMA: Gfp = Gfp(0x01);
    /// The caller may sleep while memory is reclaimed.
    pub const WAIT: Gfp = Gfp(0x10);
    /// The caller may use the emergency pools.
    pub const HIGH: Gfp = Gfp(0x20);
    /// Reclaim may start disk I/O.
    pub const IO: Gfp = Gfp(0x40);
    /// Reclaim may call into file systems.
    pub const FS: Gfp = Gfp(0x80);
    /// The page is to be zeroed.
    pub const ZERO: Gfp = Gfp(0x8000);

    /// For callers that may not sleep.
    pub const ATOMIC: Gfp = Gfp::HIGH;
    /// For ordinary kernel memory.
    pub const KERNEL: Gfp = Gfp(Gfp::WAIT.0 | Gfp::IO.0 | Gfp::FS.0);

    /// Whether all bits of `other` are set.
    #[inline(always)]
    pub const fn contains(self, other: Gfp) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of flags.
    pub const fn with(self, other: Gfp) -> Gfp {
        Gfp(self.0 | other.0)
    }
}

impl Described for Gfp {
    const KIND: Kind = Kind::Named(|mask, f| fmt::Display::fmt(&Gfp(mask as u32), f));
}

impl fmt::Display for Gfp {
    /// As trace events print it: `GFP_KERNEL|GFP_ZERO`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Gfp, &str); 7] = [
            (Gfp::KERNEL, "GFP_KERNEL"),
            (Gfp::ATOMIC, "GFP_ATOMIC"),
            (Gfp::WAIT, "GFP_WAIT"),
            (Gfp::IO, "GFP_IO"),
            (Gfp::FS, "GFP_FS"),
            (Gfp::DMA, "GFP_DMA"),
            (Gfp::ZERO, "GFP_ZERO"),
        ];
        let mut rest = self.0;
        let mut bar = "";
        for (flags, name) in NAMES {
            if rest & flags.0 == flags.0 {
                write!(f, "{bar}{name}")?;
                rest &= !flags.0;
                bar = "|";
            }
        }
        if rest != 0 || bar.is_empty() {
            write!(f, "{bar}{rest:#x}")
        } else {
            Ok(())
        }
    }
}
