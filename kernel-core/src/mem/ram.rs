//! The bytes of physical memory: the only place where the kernel trusts an address.

#![allow(
    unsafe_code,
    reason = "a kernel pointer becomes a Rust reference here and nowhere else"
)]

use core::ptr::NonNull;

use bytemuck::Pod;

/// Bytes in a frame of physical memory, and in a page.
pub const FRAME_SIZE: usize = 4096;
/// Handles count in units of this many bytes, which is also the strictest alignment of an object.
pub const UNIT: usize = 8;
/// Units in a frame.
pub const UNITS_PER_FRAME: u32 = (FRAME_SIZE / UNIT) as u32;

/// In a frame's dirty byte: written since [`Ram::clean`].
const DIRTY_SINCE_CLEAN: u8 = 1;
/// In a frame's dirty byte: written since power-on, so perhaps not zero.
const DIRTY_EVER: u8 = 2;

/// Physical memory: zeroed frames, and for each whether it has been written.
///
/// Invariants, kept by the constructors and relied on by every access:
/// `base` is aligned to a frame and leads to `capacity + 1` frames of initialised bytes that nothing
/// else refers to while the `Ram` lives; `dirty` leads to `capacity + 1` bytes likewise; and
/// `units` is at most `capacity * UNITS_PER_FRAME`. The frame past the last one is a guard: a
/// handle below `units` may name an object of up to one frame without a second bounds check.
#[derive(Debug)]
pub struct Ram {
    base: NonNull<u8>,
    dirty: NonNull<u8>,
    units: u32,
    /// Frames that there is room for.
    capacity: u32,
    /// Where the host's allocation begins, of which `base` is the first frame.
    #[cfg(feature = "host-ram")]
    origin: NonNull<u8>,
    release: fn(&mut Ram),
}

// SAFETY: a `Ram` owns its bytes exclusively, as a `Box<[u8]>` would.
unsafe impl Send for Ram {}

impl Ram {
    /// Takes over a region of real memory; `release` is called when it is given up.
    ///
    /// # Safety
    /// `base` must be aligned to 4096 bytes and lead to `frames + 1` frames of zeroed memory, and
    /// `dirty` to `frames + 1` zeroed bytes; both must stay valid, and nobody else may use them,
    /// until the returned value is dropped.
    pub unsafe fn from_raw(
        base: NonNull<u8>,
        dirty: NonNull<u8>,
        frames: u32,
        release: fn(&mut Ram),
    ) -> Ram {
        debug_assert!((base.as_ptr() as usize).is_multiple_of(FRAME_SIZE));
        Ram {
            base,
            dirty,
            units: frames * UNITS_PER_FRAME,
            capacity: frames,
            #[cfg(feature = "host-ram")]
            origin: base,
            release,
        }
    }

    /// Number of frames.
    pub fn frames(&self) -> u32 {
        self.units / UNITS_PER_FRAME
    }

    /// The object at `unit`.
    #[inline(always)]
    pub(super) fn get<T: Pod>(&self, unit: u32) -> &T {
        const { assert!(align_of::<T>() <= UNIT && size_of::<T>() <= FRAME_SIZE) };
        if unit >= self.units {
            outside_ram(unit)
        }
        // SAFETY: by the check and the guard frame the whole object lies in our bytes; `T` is `Pod`
        // and aligned to at most a unit, so any bytes there are a valid `T`. The borrow of `self`
        // keeps writers away.
        unsafe { &*self.base.as_ptr().add(unit as usize * UNIT).cast::<T>() }
    }

    /// The object at `unit`, to be changed. Marks its frames as written.
    #[inline(always)]
    pub(super) fn get_mut<T: Pod>(&mut self, unit: u32) -> &mut T {
        const { assert!(align_of::<T>() <= UNIT && size_of::<T>() <= FRAME_SIZE) };
        if unit >= self.units {
            outside_ram(unit)
        }
        let frame = (unit / UNITS_PER_FRAME) as usize;
        let span = const { (size_of::<T>().saturating_sub(1) / UNIT) as u32 };
        let last_frame = ((unit + span) / UNITS_PER_FRAME) as usize;
        // SAFETY: as in `get`; `last_frame` is at most the guard's, for which `dirty` has a byte. The
        // borrow of `self` is unique.
        unsafe {
            if cfg!(target_family = "wasm") {
                // Everything is written this way, and a module has to be small.
                self.mark(frame);
                self.mark(last_frame);
            } else {
                self.mark_if_clean(frame);
                if last_frame != frame {
                    self.mark_if_clean(last_frame);
                }
            }
            &mut *self.base.as_ptr().add(unit as usize * UNIT).cast::<T>()
        }
    }

    /// As [`Ram::get_mut`] for an object that lies in one frame, as every object does whose bytes are a
    /// power of two and that is aligned to them; for the few places where the kernel writes all the
    /// time.
    #[inline(always)]
    pub(super) fn get_hot<T: Pod>(&mut self, unit: u32) -> &mut T {
        const { assert!(align_of::<T>() <= UNIT && size_of::<T>() <= FRAME_SIZE) };
        if unit >= self.units {
            outside_ram(unit)
        }
        let last = const { (size_of::<T>().saturating_sub(1) / UNIT) as u32 };
        debug_assert!((unit + last) / UNITS_PER_FRAME == unit / UNITS_PER_FRAME);
        // SAFETY: as in `get_mut`.
        unsafe {
            self.mark_if_clean((unit / UNITS_PER_FRAME) as usize);
            &mut *self.base.as_ptr().add(unit as usize * UNIT).cast::<T>()
        }
    }

    /// Notes that a frame is written.
    ///
    /// # Safety
    /// `frame` is one of the machine's, or the guard.
    #[inline(always)]
    unsafe fn mark(&mut self, frame: usize) {
        debug_assert!(frame <= self.capacity as usize);
        // SAFETY: `dirty` has a byte for each frame and the guard.
        unsafe { *self.dirty.as_ptr().add(frame) = DIRTY_SINCE_CLEAN | DIRTY_EVER };
    }

    /// The same, but looks first: a processor holds some sixty stores at most while one of them waits
    /// for memory, so those that change nothing are better not made.
    ///
    /// # Safety
    /// As for [`Ram::mark`].
    #[inline(always)]
    unsafe fn mark_if_clean(&mut self, frame: usize) {
        // SAFETY: as in `mark`, and as promised by the caller.
        unsafe {
            if *self.dirty.as_ptr().add(frame) != DIRTY_SINCE_CLEAN | DIRTY_EVER {
                self.mark(frame);
            }
        }
    }

    /// Writes pairs of words at `unit` and behind it, which lie in one frame; each with one store where
    /// the processor can.
    #[inline(always)]
    pub(super) fn put_pairs<const N: usize>(&mut self, unit: u32, pairs: [[u64; 2]; N]) {
        let place: &mut [[u64; 2]; N] = self.get_hot(unit);
        #[cfg(target_arch = "x86_64")]
        {
            use core::arch::x86_64::{_mm_set_epi64x, _mm_storeu_si128};

            for (place, pair) in place.iter_mut().zip(pairs) {
                let [first, second] = pair.map(u64::cast_signed);
                // SAFETY: every x86_64 has SSE2; `place` leads to 16 bytes, however aligned.
                unsafe {
                    _mm_storeu_si128((&raw mut *place).cast(), _mm_set_epi64x(second, first));
                }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            *place = pairs;
        }
    }

    /// Tells the processor that what lies at `unit`, which may be anywhere, will be wanted soon. Where it
    /// can't be told, nothing is said.
    #[inline(always)]
    pub(super) fn prefetch(&self, unit: u32) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

            let at = self.base.as_ptr().wrapping_add(unit as usize * UNIT);
            // SAFETY: a prefetch of any address is allowed and does nothing that could be observed.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
        }
        let _ = unit;
    }

    /// The bytes of frame `frame`.
    ///
    /// # Panics
    /// If there is no such frame.
    pub fn frame(&self, frame: u32) -> &[u8; FRAME_SIZE] {
        assert!(frame < self.frames());
        self.get(frame * UNITS_PER_FRAME)
    }

    /// The bytes of frame `frame`, to be changed.
    ///
    /// # Panics
    /// If there is no such frame.
    pub fn frame_mut(&mut self, frame: u32) -> &mut [u8; FRAME_SIZE] {
        assert!(frame < self.frames());
        self.get_mut(frame * UNITS_PER_FRAME)
    }

    fn dirty_bytes(&self) -> &[u8] {
        // SAFETY: by the invariant there are that many initialised bytes.
        unsafe { core::slice::from_raw_parts(self.dirty.as_ptr(), self.frames() as usize) }
    }

    fn dirty_bytes_mut(&mut self) -> &mut [u8] {
        let length = self.frames() as usize;
        // SAFETY: as above, and the borrow of `self` is unique.
        unsafe { core::slice::from_raw_parts_mut(self.dirty.as_ptr(), length) }
    }

    /// The frames written since the last [`Ram::clean`], in order.
    pub fn dirty_frames(&self) -> impl Iterator<Item = u32> + '_ {
        let (runs, rest) = self.dirty_bytes().as_chunks::<RUN>();
        let behind = (runs.len() * RUN) as u32;
        let runs = runs.iter().enumerate();
        runs.filter(|(_, run)| has_dirty(run))
            .flat_map(|(number, run)| ((number * RUN) as u32..).zip(run))
            .chain((behind..).zip(rest))
            .filter(|(_, byte)| **byte & DIRTY_SINCE_CLEAN != 0)
            .map(|(frame, _)| frame)
    }

    /// The frames written since power-on, in order. All others are zero.
    pub fn touched_frames(&self) -> impl Iterator<Item = u32> + '_ {
        (0..)
            .zip(self.dirty_bytes())
            .filter(|(_, byte)| **byte != 0)
            .map(|(frame, _)| frame)
    }

    /// Forgets which frames were written, to learn which will be.
    pub fn clean(&mut self) {
        let (runs, rest) = self.dirty_bytes_mut().as_chunks_mut::<RUN>();
        for run in runs {
            if has_dirty(run) {
                run.iter_mut().for_each(|byte| *byte &= DIRTY_EVER);
            }
        }
        rest.iter_mut().for_each(|byte| *byte &= DIRTY_EVER);
    }

    /// Zeroes the memory as a power cycle would; frames never written cost nothing.
    pub fn power_cycle(&mut self) {
        for frame in 0..self.frames() {
            if self.dirty_bytes()[frame as usize] != 0 {
                self.frame_mut(frame).fill(0);
                self.dirty_bytes_mut()[frame as usize] = 0;
            }
        }
    }
}

impl Ram {
    /// Makes this the zeroed memory of a machine of `frames` frames, if there is room for them.
    pub fn refit(&mut self, frames: u32) -> bool {
        let fits = frames <= self.capacity;
        if fits {
            // Whatever lies beyond the machine's frames is zero as well, now and later.
            self.power_cycle();
            self.units = frames * UNITS_PER_FRAME;
        }
        fits
    }
}

impl Drop for Ram {
    fn drop(&mut self) {
        (self.release)(self);
    }
}

/// Frames whose dirty bytes are looked at together: few of all frames are dirty at a time.
const RUN: usize = 32;

/// Whether any of these dirty bytes says that its frame was written since it was clean. So many at a time
/// that the compiler knows of are a few instructions; a slice of them was one a frame, a fifth of what a
/// line of a log cost.
#[inline]
fn has_dirty(run: &[u8; RUN]) -> bool {
    let (words, _) = run.as_chunks::<8>();
    let words = words
        .iter()
        .fold(0, |all, word| all | u64::from_ne_bytes(*word));
    words & u64::from_ne_bytes([DIRTY_SINCE_CLEAN; 8]) != 0
}

#[cold]
#[inline(never)]
fn outside_ram(unit: u32) -> ! {
    panic!("kernel pointer {unit:#x} leads outside physical memory")
}

/// Frames from the host's heap, for kernels that run in a process or a browser.
#[cfg(feature = "host-ram")]
mod host {
    extern crate alloc;

    use alloc::alloc::{Layout, alloc_zeroed, dealloc};

    use super::{FRAME_SIZE, NonNull, Ram, UNIT, UNITS_PER_FRAME};

    /// Memory from this size on is mapped in the host's huge pages, as a kernel maps it for itself: an
    /// object is found without walking the page table. Smaller machines, of which a server has many,
    /// touch too little to pay for clearing pages of that size.
    const HUGE_FROM: usize = 256 << 20;
    /// Bytes of a huge page.
    const HUGE_PAGE: usize = 2 << 20;

    /// Zeroed bytes of this layout, or null.
    ///
    /// Fresh pages of the host are zero and cost nothing until they are touched. The standard library
    /// writes zeroes over all of them where the alignment is a frame's, so we align them ourselves;
    /// and a WebAssembly module's allocator does so in any case.
    ///
    /// # Safety
    /// The layout is not empty.
    unsafe fn take_frames(layout: Layout) -> *mut u8 {
        #[cfg(target_family = "wasm")]
        {
            const WASM_PAGE: usize = 65536;
            let grown = core::arch::wasm32::memory_grow::<0>(layout.size().div_ceil(WASM_PAGE));
            if grown == usize::MAX {
                core::ptr::null_mut()
            } else {
                (grown * WASM_PAGE) as *mut u8
            }
        }
        #[cfg(not(target_family = "wasm"))]
        // SAFETY: as promised by the caller.
        unsafe {
            alloc_zeroed(layout)
        }
    }

    /// Gives back what [`take_frames`] gave. Linear memory never shrinks, so there the frames are
    /// lost; a session therefore keeps its memory and refits it ([`Ram::refit`]).
    ///
    /// # Safety
    /// `origin` came from [`take_frames`] with this layout and is not used any more.
    unsafe fn give_frames(origin: *mut u8, layout: Layout) {
        if cfg!(not(target_family = "wasm")) {
            // SAFETY: as promised by the caller.
            unsafe { dealloc(origin, layout) }
        }
    }

    /// Asks the host for huge pages, if there are enough bytes; whether it has them is its business.
    fn prefer_huge_pages(base: NonNull<u8>, bytes: usize) {
        #[cfg(all(target_os = "linux", not(miri)))]
        if bytes >= HUGE_FROM {
            // SAFETY: the bytes are ours and nobody uses them yet; the advice changes none of them.
            unsafe { libc::madvise(base.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE) };
        }
        let _ = (base, bytes);
    }

    /// Bytes of the frames of a machine, the guard included.
    fn bytes_of(frames: u32) -> Option<usize> {
        (frames as usize + 1).checked_mul(FRAME_SIZE)
    }

    /// To what so many bytes are aligned. Linear memory grows by whole pages, larger than a frame.
    fn alignment(bytes: usize) -> usize {
        if cfg!(target_family = "wasm") {
            1
        } else if bytes >= HUGE_FROM {
            HUGE_PAGE
        } else {
            FRAME_SIZE
        }
    }

    /// Layouts of the frames, with room to align them, and of their dirty bytes; `None` where they
    /// exceed the address space.
    fn layouts(frames: u32) -> Option<(Layout, Layout)> {
        let bytes = bytes_of(frames)?;
        let room = bytes.checked_add(alignment(bytes) - 1)?;
        Some((
            Layout::from_size_align(room, UNIT).ok()?,
            Layout::array::<u8>(frames as usize + 1).ok()?,
        ))
    }

    impl Ram {
        /// Memory of `frames` frames, or `None` if the host has not that much.
        pub fn new(frames: u32) -> Option<Ram> {
            let bytes = bytes_of(frames)?;
            let (frame_layout, dirty_layout) = layouts(frames)?;
            // SAFETY: neither layout is empty, since there is always a guard frame.
            let (origin, dirty) =
                unsafe { (take_frames(frame_layout), alloc_zeroed(dirty_layout)) };
            let (origin, dirty) = (NonNull::new(origin), NonNull::new(dirty));
            let (Some(origin), Some(dirty)) = (origin, dirty) else {
                // SAFETY: each pointer came from its allocator with this very layout.
                unsafe {
                    if let Some(origin) = origin {
                        give_frames(origin.as_ptr(), frame_layout);
                    }
                    if let Some(dirty) = dirty {
                        dealloc(dirty.as_ptr(), dirty_layout);
                    }
                }
                return None;
            };
            let at = origin.as_ptr().addr();
            // SAFETY: the layout has room for that, and the frames behind it.
            let base = unsafe { origin.add(at.next_multiple_of(alignment(bytes)) - at) };
            prefer_huge_pages(base, bytes);
            Some(Ram {
                base,
                dirty,
                units: frames * UNITS_PER_FRAME,
                capacity: frames,
                origin,
                release,
            })
        }
    }

    fn release(ram: &mut Ram) {
        let Some((frame_layout, dirty_layout)) = layouts(ram.capacity) else {
            return;
        };
        // SAFETY: `Ram::new` allocated both with these layouts, and `ram` is being dropped.
        unsafe {
            give_frames(ram.origin.as_ptr(), frame_layout);
            dealloc(ram.dirty.as_ptr(), dirty_layout);
        }
    }
}
