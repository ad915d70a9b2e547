//! My callbacks for the cache of connections.
//!
//!     cargo xtask lab try slab-defrag --ops ops.rs
//!
//! `glass` is the kernel as a callback sees it: `Mem`, `Ref`, `Conn`, `kmem_cache_alloc`, ... Nothing
//! else can be used, and no `unsafe`. `mem[conn].refs` reads and writes the kernel's memory;
//! `printk!("{}", mem[conn].id)` writes a line into its log.

use glass::*;

pub struct Ops;

impl CacheOps for Ops {
    /// Runs with the slab locked. All of `objects` are allocated; but not all of them are open
    /// connections.
    ///
    /// Take a reference to each that you want to move, and set the entry to `Ref::NULL` for
    /// the others. No slab function may be called here.
    fn get(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &mut [Ref<Conn>]) -> u32 {
        // To give them all up is always allowed. It frees no page, though.
        let _ = (mem, cache);
        objects.fill(Ref::NULL);
        0
    }

    /// Runs without the lock. What you pinned is still there, but since then its owner may have
    /// closed it.
    ///
    /// Move each connection to a new object, if nobody but its owner knows where it lies:
    /// everyone who leads to it must lead to the new one afterwards. Drop every reference that `get`
    /// has taken, whether you could move the connection or not.
    fn kick(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &[Ref<Conn>], private: u32) {
        let _ = (mem, cache, objects, private);
    }
}
