//! The kernel as a callback sees it.
//!
//! `ops.rs` is compiled as a part of this crate, which is called `glass`, into a WebAssembly module of
//! its own. Names and layouts are the kernel's; `mem[r]` dereferences a kernel pointer, as everywhere
//! in the kernel. What a callback calls is done by the kernel itself, outside of the module, which
//! has nothing else to call.

#![no_std]
#![allow(dead_code, reason = "nobody needs all of it")]

extern crate self as glass;

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Index, IndexMut};

/// A kernel pointer: a place in the kernel's memory, in units of 8 bytes. Zero is NULL.
#[repr(transparent)]
pub struct Ref<T>(u32, PhantomData<fn() -> T>);

impl<T> Ref<T> {
    /// No object.
    pub const NULL: Ref<T> = Ref(0, PhantomData);

    /// Whether it is NULL.
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The same place, seen as another type: a connection begins with its link in the list.
    pub const fn cast<U>(self) -> Ref<U> {
        Ref(self.0, PhantomData)
    }

    /// Its number, in units of 8 bytes.
    pub const fn unit(self) -> u32 {
        self.0
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Ref<T> {}
impl<T> PartialEq for Ref<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Ref<T> {}
impl<T> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("(null)"),
            unit => write!(f, "{:016x}", 0xffff_8800_0000_0000 + unit as u64 * 8),
        }
    }
}
impl<T> fmt::Display for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

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

/// Writes a line into the kernel's log: `printk!("pinned {count}")`. `dmesg` shows it.
#[macro_export]
macro_rules! printk {
    ($($arguments:tt)*) => { $crate::print(core::format_args!($($arguments)*)) };
}

/// Writes a line into the kernel's log.
pub fn print(line: fmt::Arguments<'_>) {
    let text = Text::of(line);
    // SAFETY: a call of the kernel with bytes that are there.
    unsafe { outside::printk(text.bytes.as_ptr(), text.length) }
}

/// What has a fixed layout in the kernel's memory.
pub trait Object: Copy {}
impl Object for Conn {}
impl Object for Owner {}
impl Object for ListHead {}

/// Physical memory.
pub struct Mem {
    _private: (),
}

impl<T: Object> Index<Ref<T>> for Mem {
    type Output = T;

    #[track_caller]
    fn index(&self, r: Ref<T>) -> &T {
        // SAFETY: `place` has checked that the whole object is there; the borrow keeps writers away.
        unsafe { &*place(r).cast_const() }
    }
}

impl<T: Object> IndexMut<Ref<T>> for Mem {
    #[track_caller]
    fn index_mut(&mut self, r: Ref<T>) -> &mut T {
        // SAFETY: as above, and the borrow is unique.
        unsafe { &mut *place(r) }
    }
}

const FRAME: usize = 4096;

/// Where an object lies in the window through which the module sees the kernel's memory. The kernel
/// shows a frame when it is asked to.
#[track_caller]
fn place<T>(r: Ref<T>) -> *mut T {
    assert!(!r.is_null(), "NULL pointer dereference");
    let at = r.0 as usize * 8;
    // SAFETY: only one thread runs here, and these are written before it starts.
    let (window, length) = unsafe { (WINDOW, LENGTH) };
    if r.0 as usize >= length / 8 || at + size_of::<T>() > length {
        panic!("the pointer {r} leads outside of the kernel's memory");
    }
    for frame in at / FRAME..=(at + size_of::<T>() - 1) / FRAME {
        // SAFETY: only one thread runs here. The kernel fills the frame's place in the window, and
        // what it fills there nobody has borrowed: it was not there before.
        unsafe {
            let shown = &raw mut SHOWN[frame / 32 % SHOWN_WORDS];
            if *shown >> (frame % 32) & 1 == 0 {
                *shown |= 1 << (frame % 32);
                outside::show(frame as u32);
            }
        }
    }
    (window + at) as *mut T
}

/// Frames of the largest machine, by 32.
const SHOWN_WORDS: usize = 65536 / 32;

static mut WINDOW: usize = 0;
static mut LENGTH: usize = 0;
static mut SHOWN: [u32; SHOWN_WORDS] = [0; SHOWN_WORDS];

/// Objects of a slab, at most.
const OBJECTS_MAX: usize = 512;

static mut OBJECTS: [Ref<Conn>; OBJECTS_MAX] = [Ref::NULL; OBJECTS_MAX];

/// A line of text, cut to what fits.
struct Text {
    bytes: [u8; 240],
    length: usize,
}

impl Text {
    fn of(line: fmt::Arguments<'_>) -> Text {
        let mut text = Text {
            bytes: [0; 240],
            length: 0,
        };
        let _ = fmt::write(&mut text, line);
        text
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        for &byte in piece.as_bytes() {
            let place = self.bytes.get_mut(self.length).ok_or(fmt::Error)?;
            *place = byte;
            self.length += 1;
        }
        Ok(())
    }
}

/// What the kernel does for the module.
mod outside {
    #[link(wasm_import_module = "kernel")]
    unsafe extern "C" {
        pub fn show(frame: u32);
        pub fn kmem_cache_alloc(cache: u32) -> u32;
        pub fn kmem_cache_free(cache: u32, object: u32);
        pub fn conn_put(conn: u32);
        pub fn printk(text: *const u8, length: usize);
        pub fn panic(text: *const u8, length: usize) -> !;
    }
}

/// What the kernel calls.
mod inside {
    use super::*;

    /// Where the kernel writes the objects.
    #[unsafe(no_mangle)]
    extern "C" fn objects() -> usize {
        (&raw const OBJECTS) as usize
    }

    /// Calls `get` or `kick`; the kernel's memory is `length` bytes and is seen at `window`.
    #[unsafe(no_mangle)]
    extern "C" fn call(
        kicks: u32,
        window: usize,
        length: usize,
        cache: u32,
        count: usize,
        private: u32,
    ) -> u32 {
        let mut mem = Mem { _private: () };
        // SAFETY: the kernel calls once, in one thread.
        let objects = unsafe {
            WINDOW = window;
            LENGTH = length;
            let objects = &raw mut OBJECTS;
            &mut (&mut *objects)[..count]
        };
        let cache = Ref(cache, PhantomData);
        let ops = &crate::ops::Ops;
        if kicks == 0 {
            return CacheOps::get(ops, &mut mem, cache, objects);
        }
        CacheOps::kick(ops, &mut mem, cache, objects, private);
        0
    }

    #[panic_handler]
    fn on_panic(panic: &core::panic::PanicInfo<'_>) -> ! {
        let text = match panic.location() {
            Some(at) => Text::of(format_args!(
                "{}:{}: {}",
                at.file(),
                at.line(),
                panic.message()
            )),
            None => Text::of(format_args!("{}", panic.message())),
        };
        // SAFETY: a call of the kernel with bytes that are there; it does not return.
        unsafe { outside::panic(text.bytes.as_ptr(), text.length) }
    }
}

#[forbid(unsafe_code)]
#[path = "ops.rs"]
mod ops;
