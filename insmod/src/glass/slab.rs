//! Callbacks for the cache of connections.

use super::*;

/// A slab cache.
pub enum KmemCache {}

/// A link of a list, or its head. In a list, `mem[mem[link].next].prev == link`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct ListHead {
    /// The next link, or the head after the last.
    pub next: Ref<ListHead>,
    /// The previous link, or the head before the first.
    pub prev: Ref<ListHead>,
}

/// Who leads to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Owner {
    /// The connection; NULL once it is closed.
    pub conn: Ref<Conn>,
    /// Its address, as somebody keeps it who has a reference of their own; NULL if nobody does. It
    /// is theirs: to be read, never to be written.
    pub held: Ref<Conn>,
}

/// A connection: an object of the cache `conn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Conn {
    /// Its link in the list of open connections. It comes first, so `conn.cast()` leads to it.
    pub list: ListHead,
    /// Its owner; NULL once that has let go.
    pub owner: Ref<Owner>,
    /// References to it: one of the owner, one of each holder, and those that `get` has taken.
    pub refs: u32,
    /// Its number.
    pub id: u32,
    /// [`NEW`], [`OPEN`] or [`CLOSING`].
    pub state: u32,
    /// What it carries.
    pub data: [u64; 5],
}

/// Allocated, and not yet written to: as the constructor made it.
pub const NEW: u32 = 0;
/// Its owner leads to it.
pub const OPEN: u32 = 1;
/// Its owner has let go.
pub const CLOSING: u32 = 2;

impl Conn {
    /// An object as the constructor of the cache makes it. It is to be so again when it is freed.
    pub const CONSTRUCTED: Conn = Conn {
        list: ListHead {
            next: Ref::NULL,
            prev: Ref::NULL,
        },
        owner: Ref::NULL,
        refs: 0,
        id: 0,
        state: NEW,
        data: [0; 5],
    };
}

// The kernel's own layout; `run.rs` says the same of the kernel's types.
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Conn, owner) == 8 && offset_of!(Conn, refs) == 12);
    assert!(offset_of!(Conn, id) == 16 && offset_of!(Conn, state) == 20);
    assert!(offset_of!(Conn, data) == 24 && size_of::<Conn>() == 64);
    assert!(offset_of!(Owner, held) == 4 && size_of::<Owner>() == 8);
    assert!(offset_of!(ListHead, prev) == 4 && size_of::<ListHead>() == 8);
};

/// Why the kernel refused: it has no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMemory;

/// What the owner of a cache's objects does for defragmentation.
pub trait CacheOps {
    /// Pins each of `objects`, or sets the entry to NULL. What it returns is given to `kick`.
    fn get(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &mut [Ref<Conn>]) -> u32;

    /// Frees or moves what was pinned, as far as it can, and drops every reference that was taken.
    fn kick(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &[Ref<Conn>], private: u32);
}

/// Allocates an object. Its bytes are what the constructor left there.
pub fn kmem_cache_alloc(mem: &mut Mem, cache: Ref<KmemCache>) -> Result<Ref<Conn>, NoMemory> {
    let _ = mem;
    // SAFETY: a call of the kernel, which looks at its arguments.
    match unsafe { outside::kmem_cache_alloc(cache.0) } {
        0 => Err(NoMemory),
        unit => Ok(Ref(unit, PhantomData)),
    }
}

/// Gives an object back, which is as the constructor made it.
#[track_caller]
pub fn kmem_cache_free(mem: &mut Mem, cache: Ref<KmemCache>, object: Ref<Conn>) {
    let _ = mem;
    // SAFETY: a call of the kernel, which looks at its arguments.
    unsafe { outside::kmem_cache_free(cache.0, object.0) }
}

/// Drops a reference to a connection. With the last one it dies, and the kernel frees it later.
#[track_caller]
pub fn conn_put(mem: &mut Mem, conn: Ref<Conn>) {
    assert!(
        mem[conn].refs > 0,
        "conn_put of a connection without references"
    );
    // SAFETY: a call of the kernel, which looks at its arguments.
    unsafe { outside::conn_put(conn.0) }
}

impl Object for Conn {}
impl Object for Owner {}
impl Object for ListHead {}

/// Objects of a slab, at most.
const OBJECTS_MAX: usize = 512;

static mut OBJECTS: [Ref<Conn>; OBJECTS_MAX] = [Ref::NULL; OBJECTS_MAX];

/// What the kernel does for the module.
mod outside {
    #[link(wasm_import_module = "kernel")]
    unsafe extern "C" {
        pub fn kmem_cache_alloc(cache: u32) -> u32;
        pub fn kmem_cache_free(cache: u32, object: u32);
        pub fn conn_put(conn: u32);
    }
}

/// Where the kernel writes the objects.
pub(super) fn buffer() -> usize {
    (&raw const OBJECTS) as usize
}

/// `get` is 0, `kick` is 1. `a` is the cache, `b` counts objects, `c` is what `get` returned.
pub(super) fn dispatch(mem: &mut Mem, what: u32, a: u32, b: u32, c: u64) -> u64 {
    let cache = Ref(a, PhantomData);
    // SAFETY: the kernel calls once, in one thread.
    let objects = unsafe {
        let objects = &raw mut OBJECTS;
        &mut (&mut *objects)[..b as usize]
    };
    let ops = &crate::ops::Ops;
    if what == 0 {
        return CacheOps::get(ops, mem, cache, objects).into();
    }
    CacheOps::kick(ops, mem, cache, objects, c as u32);
    0
}
