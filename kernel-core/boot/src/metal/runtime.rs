//! What compiled code expects to find: the C memory functions, and names of the unwinder.
//!
//! `core` for the host target is linked against a C library as a rule; there is none here. Copying
//! and filling is done by the processor's string instructions, which QEMU translates well (1 GB/s).
//! A plain loop over bytes would not do: the compiler recognises it and puts a call of the very
//! function being defined in its place.

use core::arch::asm;

/// Copies `count` bytes between areas that do not overlap.
///
/// # Safety
/// As C's `memcpy`: both areas are valid for `count` bytes and don't overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(target: *mut u8, source: *const u8, count: usize) -> *mut u8 {
    // SAFETY: by the caller's promise; the direction flag is clear by the ABI.
    unsafe {
        asm!(
            "rep movsq",
            "mov ecx, {rest:e}",
            "rep movsb",
            rest = in(reg) count & 7,
            inout("rcx") count / 8 => _,
            inout("rdi") target => _,
            inout("rsi") source => _,
            options(nostack, preserves_flags),
        );
    }
    target
}

/// Copies `count` bytes between areas that may overlap.
///
/// # Safety
/// As C's `memmove`: both areas are valid for `count` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(target: *mut u8, source: *const u8, count: usize) -> *mut u8 {
    if target.addr().wrapping_sub(source.addr()) >= count {
        // SAFETY: copying upwards overwrites no byte before it was read.
        return unsafe { memcpy(target, source, count) };
    }
    // SAFETY: by the caller's promise; downwards, from the last byte. The flag is put back.
    unsafe {
        asm!(
            "std",
            "rep movsb",
            "add rsi, -7",
            "add rdi, -7",
            "mov rcx, {words}",
            "rep movsq",
            "cld",
            words = in(reg) count / 8,
            inout("rcx") count & 7 => _,
            inout("rdi") target.wrapping_add(count).wrapping_sub(1) => _,
            inout("rsi") source.wrapping_add(count).wrapping_sub(1) => _,
            options(nostack),
        );
    }
    target
}

/// Fills `count` bytes.
///
/// # Safety
/// As C's `memset`: the area is valid for `count` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memset(target: *mut u8, byte: i32, count: usize) -> *mut u8 {
    // SAFETY: by the caller's promise.
    unsafe {
        asm!(
            "rep stosq",
            "mov ecx, {rest:e}",
            "rep stosb",
            rest = in(reg) count & 7,
            inout("rcx") count / 8 => _,
            inout("rdi") target => _,
            in("rax") u64::from(byte as u8) * 0x0101_0101_0101_0101,
            options(nostack, preserves_flags),
        );
    }
    target
}

/// Compares `count` bytes: negative, zero or positive as `left` is less, equal or greater.
///
/// # Safety
/// As C's `memcmp`: both areas are valid for `count` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    let mut at = 0;
    // SAFETY: both areas are valid for `count` bytes. The reads are volatile so that the loop is
    // not recognised as the function it implements.
    unsafe {
        while count - at >= 8 {
            let a = left.add(at).cast::<u64>();
            let b = right.add(at).cast::<u64>();
            if unaligned(a) != unaligned(b) {
                break;
            }
            at += 8;
        }
        while at < count {
            let a = left.add(at).read_volatile();
            let b = right.add(at).read_volatile();
            if a != b {
                return i32::from(a) - i32::from(b);
            }
            at += 1;
        }
    }
    0
}

/// A word from any address, hidden from the optimiser as a volatile read would be.
///
/// # Safety
/// Eight bytes at `address` are readable.
unsafe fn unaligned(address: *const u64) -> u64 {
    let word;
    // SAFETY: by the caller's promise; the processor reads words at any address.
    unsafe {
        asm!(
            "mov {}, [{}]",
            out(reg) word,
            in(reg) address,
            options(nostack, readonly, preserves_flags),
        );
    }
    word
}

/// [`memcmp`] where only equality counts.
///
/// # Safety
/// As [`memcmp`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    // SAFETY: the same promise.
    unsafe { memcmp(left, right, count) }
}

/// The number of bytes before the first zero.
///
/// # Safety
/// As C's `strlen`: a zero byte follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: every byte up to the zero is readable.
    while unsafe { text.add(length).read_volatile() } != 0 {
        length += 1;
    }
    length
}

/// Named by precompiled `core`; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Named by precompiled `core`; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    unreachable!("a panic ends the machine, so nothing unwinds")
}
