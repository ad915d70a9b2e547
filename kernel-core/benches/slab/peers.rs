//! Allocators of objects of one size: ours, and the general ones of user space.
//!
//! The peers are called directly, each through the plainest interface that it has; none of them is
//! this program's own allocator, so nothing else disturbs them.

#![allow(
    unsafe_code,
    reason = "the interface of a general allocator is unsafe; the kernel's is not"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::NonNull;

use kernel_core::Kernel;
use kernel_core::machine::MachineConfig;
use kernel_core::mem::{Gfp, Mem, Ram, Ref};
use kernel_core::slab::{self, Constructor, KmemCache, Object};

/// Bytes of an object.
pub const SIZE: usize = 128;

/// An allocator of objects of [`SIZE`] bytes.
pub trait Objects {
    /// What leads to an object.
    type Handle: Copy;

    /// An object, whose first word is `word` then: whoever allocates an object writes to it.
    fn alloc(&mut self, word: u64) -> Self::Handle;

    /// Frees an object.
    fn free(&mut self, object: Self::Handle);

    /// The first word of an object.
    fn word(&self, object: Self::Handle) -> u64;

    /// Where an object lies, in bytes.
    fn address(&self, object: Self::Handle) -> u64;
}

/// A cache of ours.
pub struct Cache {
    /// The kernel that it is in.
    pub kernel: Kernel,
    cache: Ref<KmemCache>,
}

impl Cache {
    /// A cache in a kernel of its own.
    ///
    /// # Panics
    /// If the machine can't boot: a slip in the benchmark.
    pub fn new(header: &str) -> Cache {
        let config = MachineConfig::parse(header).expect("a machine");
        let ram = Ram::new(config.frames).expect("address space");
        let mut kernel = Kernel::boot(ram, &config).expect("a kernel");
        let size = SIZE as u32;
        let cache = slab::kmem_cache_create(&mut kernel.mem, "bench", size, 8, Constructor::None)
            .expect("a cache");
        Cache { kernel, cache }
    }

    fn mem(&mut self) -> &mut Mem {
        &mut self.kernel.mem
    }
}

impl Objects for Cache {
    type Handle = Ref<Object>;

    #[inline(always)]
    fn alloc(&mut self, word: u64) -> Ref<Object> {
        let cache = self.cache;
        let mem = self.mem();
        let object = slab::kmem_cache_alloc(mem, cache, Gfp::KERNEL).expect("memory");
        mem[object] = word;
        object
    }

    #[inline(always)]
    fn free(&mut self, object: Ref<Object>) {
        let cache = self.cache;
        slab::kmem_cache_free(self.mem(), cache, object);
    }

    fn word(&self, object: Ref<Object>) -> u64 {
        self.kernel.mem[object]
    }

    fn address(&self, object: Ref<Object>) -> u64 {
        object.address()
    }
}

const LAYOUT: Layout = Layout::new::<[u64; SIZE / 8]>();

/// A peer.
pub struct Peer<A>(pub A);

impl<A: GlobalAlloc> Objects for Peer<A> {
    type Handle = NonNull<u64>;

    #[inline(always)]
    fn alloc(&mut self, word: u64) -> NonNull<u64> {
        // SAFETY: the layout is not empty.
        let bytes = unsafe { self.0.alloc(LAYOUT) };
        let object = NonNull::new(bytes.cast::<u64>()).expect("memory");
        // SAFETY: there are `SIZE` bytes for us alone, aligned as a `u64`.
        unsafe { object.write(word) };
        object
    }

    #[inline(always)]
    fn free(&mut self, object: NonNull<u64>) {
        // SAFETY: the benchmark frees each object once, and it was allocated with this layout.
        unsafe { self.0.dealloc(object.as_ptr().cast(), LAYOUT) }
    }

    fn word(&self, object: NonNull<u64>) -> u64 {
        // SAFETY: `alloc` has written it, and the benchmark asks for objects in use only.
        unsafe { object.read() }
    }

    fn address(&self, object: NonNull<u64>) -> u64 {
        object.as_ptr().addr() as u64
    }
}

/// The C library's `malloc`.
pub fn glibc() -> Peer<System> {
    Peer(System)
}

#[cfg(feature = "allocators")]
pub use general::{jemalloc, mimalloc, snmalloc, talc};

#[cfg(feature = "allocators")]
mod general {
    use std::alloc::{GlobalAlloc, Layout};

    use snmalloc_rs::SnMalloc;
    use talc::DefaultBinning;
    use talc::cell::TalcCell;
    use talc::source::Manual;
    use tikv_jemallocator::Jemalloc;

    use super::Peer;

    /// mimalloc by its plain `mi_malloc`, which takes fewer instructions than the call with an
    /// alignment that its own `GlobalAlloc` makes.
    pub struct MiMalloc;

    // SAFETY: `mi_malloc` returns a block of that many bytes, aligned to 16 as C requires; the
    // benchmark asks for no more.
    unsafe impl GlobalAlloc for MiMalloc {
        #[inline(always)]
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: as above.
            unsafe { libmimalloc_sys::mi_malloc(layout.size()).cast() }
        }

        #[inline(always)]
        unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
            // SAFETY: `block` is from `alloc`, by the caller's promise.
            unsafe { libmimalloc_sys::mi_free(block.cast()) }
        }
    }

    /// mimalloc.
    pub fn mimalloc() -> Peer<MiMalloc> {
        Peer(MiMalloc)
    }

    /// jemalloc.
    pub fn jemalloc() -> Peer<Jemalloc> {
        Peer(Jemalloc)
    }

    /// snmalloc.
    pub fn snmalloc() -> Peer<SnMalloc> {
        Peer(SnMalloc)
    }

    /// talc, without a lock, in a heap that it never outgrows.
    pub fn talc() -> Peer<TalcCell<Manual, DefaultBinning>> {
        const HEAP: usize = 512 << 20;
        let heap: &'static mut [u8] = vec![0; HEAP].leak();
        let talc = TalcCell::new(Manual);
        // SAFETY: nobody else uses these bytes, ever.
        let claimed = unsafe { talc.claim(heap.as_mut_ptr(), HEAP) };
        assert!(claimed.is_some(), "talc takes the heap");
        Peer(talc)
    }
}
