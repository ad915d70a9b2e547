//! The kernel as a callback sees it.
//!
//! `ops.rs` is compiled as a part of this crate, which is called `glass`, into a WebAssembly module of
//! its own. Names and layouts are the kernel's; `mem[r]` dereferences a kernel pointer, as everywhere
//! in the kernel. What a callback calls is done by the kernel itself, outside of the module, which
//! has nothing else to call.
//!
//! What is here, every kind of module has. What only some have (which callbacks there are, which objects
//! they meet) is one of the files beside, `glass/slab.rs`, `glass/subsystem.rs`, `glass/proc.rs` and
//! `glass/policy.rs`: the one for the trait that `ops.rs` implements is compiled along as `kind.rs`.

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

    /// The same place, seen as another type: a connection begins with its link in the list, say.
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

/// Why the kernel, or a callback, refuses. Names and values are Linux's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Errno {
    /// Operation not permitted.
    EPERM = 1,
    /// No such file or directory.
    ENOENT = 2,
    /// No such process.
    ESRCH = 3,
    /// Input/output error.
    EIO = 5,
    /// Argument list too long.
    E2BIG = 7,
    /// Resource temporarily unavailable.
    EAGAIN = 11,
    /// Cannot allocate memory.
    ENOMEM = 12,
    /// Permission denied.
    EACCES = 13,
    /// Bad address.
    EFAULT = 14,
    /// Device or resource busy.
    EBUSY = 16,
    /// File exists.
    EEXIST = 17,
    /// No such device.
    ENODEV = 19,
    /// Invalid argument.
    EINVAL = 22,
    /// No space left on device.
    ENOSPC = 28,
    /// Numerical result out of range.
    ERANGE = 34,
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
        pub fn printk(text: *const u8, length: usize);
        pub fn panic(text: *const u8, length: usize) -> !;
    }
}

/// What the kernel calls.
mod inside {
    use super::*;

    /// Where the kernel puts what is more than a number, and finds the answer.
    #[unsafe(no_mangle)]
    extern "C" fn buffer() -> usize {
        kind::buffer()
    }

    /// Calls callback number `what`; the kernel's memory is `length` bytes and is seen at `window`.
    #[unsafe(no_mangle)]
    extern "C" fn call(what: u32, window: usize, length: usize, a: u32, b: u32, c: u64) -> u64 {
        // SAFETY: the kernel calls once, in one thread.
        unsafe {
            WINDOW = window;
            LENGTH = length;
        }
        kind::dispatch(&mut Mem { _private: () }, what, a, b, c)
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

#[path = "kind.rs"]
mod kind;
pub use kind::*;

#[forbid(unsafe_code)]
#[path = "ops.rs"]
mod ops;
