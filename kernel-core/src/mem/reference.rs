//! Kernel pointers.

#![allow(
    unsafe_code,
    reason = "tells bytemuck that a kernel pointer is plain data"
)]

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Index, IndexMut};

use bytemuck::{Pod, Zeroable};

use super::Mem;
use super::ram::{UNIT, UNITS_PER_FRAME};
use crate::btf::{Described, Kind};

/// Where the direct map of physical memory begins in the addresses that the kernel prints.
pub const PAGE_OFFSET: u64 = 0xffff_8800_0000_0000;

/// A kernel pointer: the place of a `T` in physical memory, in units of 8 bytes. Zero is NULL.
///
/// It is 32 bits wide on every host and reaches 32 GiB. `mem[r]` dereferences it.
#[repr(transparent)]
pub struct Ref<T>(u32, PhantomData<fn() -> T>);

// SAFETY: a `Ref` is a `u32` for which every value is valid; what it leads to is checked on access.
unsafe impl<T> Zeroable for Ref<T> {}
// SAFETY: as above; it is `Copy`, `'static` (its phantom holds no borrow) and has no padding.
unsafe impl<T: 'static> Pod for Ref<T> {}

impl<T> Ref<T> {
    /// No object.
    pub const NULL: Ref<T> = Ref(0, PhantomData);

    /// The object at `unit`, counted in units of 8 bytes.
    #[inline(always)]
    pub const fn new(unit: u32) -> Ref<T> {
        Ref(unit, PhantomData)
    }

    /// The object at the start of a frame.
    pub const fn of_frame(frame: u32) -> Ref<T> {
        Ref::new(frame * UNITS_PER_FRAME)
    }

    /// Its place in units of 8 bytes.
    #[inline(always)]
    pub const fn unit(self) -> u32 {
        self.0
    }

    /// Whether it is NULL.
    #[inline(always)]
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The frame it lies in.
    #[inline(always)]
    pub const fn frame(self) -> u32 {
        self.0 / UNITS_PER_FRAME
    }

    /// The same place, seen as another type.
    #[inline(always)]
    pub const fn cast<U>(self) -> Ref<U> {
        Ref::new(self.0)
    }

    /// What lies `bytes` bytes further; `bytes` is a multiple of 8.
    #[inline(always)]
    pub const fn byte_add<U>(self, bytes: usize) -> Ref<U> {
        debug_assert!(bytes.is_multiple_of(UNIT));
        Ref::new(self.0 + (bytes / UNIT) as u32)
    }

    /// What lies `bytes` bytes before; `bytes` is a multiple of 8. The way from a member to the
    /// object around it (`container_of`).
    #[inline(always)]
    pub const fn byte_sub<U>(self, bytes: usize) -> Ref<U> {
        debug_assert!(bytes.is_multiple_of(UNIT));
        Ref::new(self.0 - (bytes / UNIT) as u32)
    }

    /// The `index`-th object of an array that begins here.
    #[inline(always)]
    pub const fn offset(self, index: u32) -> Ref<T> {
        const { assert!(size_of::<T>().is_multiple_of(UNIT)) };
        Ref::new(self.0 + index * (size_of::<T>() / UNIT) as u32)
    }

    /// The address that the kernel prints.
    pub const fn address(self) -> u64 {
        PAGE_OFFSET + self.0 as u64 * UNIT as u64
    }
}

impl<T> Described for Ref<T> {
    const KIND: Kind = Kind::Pointer;
}

impl<T> Clone for Ref<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Ref<T> {}
impl<T> PartialEq for Ref<T> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Ref<T> {}

impl<T> fmt::Display for Ref<T> {
    /// `(null)`, or the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_null() {
            f.pad("(null)")
        } else {
            write!(f, "{:016x}", self.address())
        }
    }
}
impl<T> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T: Pod> Index<Ref<T>> for Mem {
    type Output = T;

    #[inline(always)]
    fn index(&self, r: Ref<T>) -> &T {
        debug_assert!(!r.is_null(), "NULL pointer dereference");
        self.ram.get(r.0)
    }
}

impl<T: Pod> IndexMut<Ref<T>> for Mem {
    #[inline(always)]
    fn index_mut(&mut self, r: Ref<T>) -> &mut T {
        debug_assert!(!r.is_null(), "NULL pointer dereference");
        self.ram.get_mut(r.0)
    }
}

impl Mem {
    /// `&mut self[r]` for the few places where the kernel writes all the time; see [`super::Ram`].
    #[inline(always)]
    pub(crate) fn hot<T: Pod>(&mut self, r: Ref<T>) -> &mut T {
        debug_assert!(!r.is_null(), "NULL pointer dereference");
        self.ram.get_hot(r.0)
    }

    /// Whether [`Mem::prefetch`] does anything, so that it is worth finding out what to ask for.
    pub(crate) const PREFETCHES: bool = cfg!(all(target_arch = "x86_64", not(miri)));

    /// Says that `self[r]` will be wanted soon; `r` may lead anywhere. See [`super::Ram`].
    #[inline(always)]
    pub(crate) fn prefetch<T>(&self, r: Ref<T>) {
        self.ram.prefetch(r.0);
    }

    /// Writes pairs of words that lie in one frame; see [`super::Ram`].
    #[inline(always)]
    pub(crate) fn put_pairs<T, const N: usize>(&mut self, r: Ref<T>, pairs: [[u64; 2]; N]) {
        debug_assert!(!r.is_null(), "NULL pointer dereference");
        self.ram.put_pairs(r.0, pairs);
    }
}
