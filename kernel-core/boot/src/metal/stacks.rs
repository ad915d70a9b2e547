//! The stacks, each above a page that stays unmapped, so that an overflow faults at once.
//!
//! The image has one stack to work on. Interrupts and exceptions each switch to a stack of their
//! own through the TSS: precompiled `core` keeps data *below* the stack pointer (the red zone),
//! which a handler on the same stack would overwrite; and an overflow of the main stack can
//! only be reported from another one.

use core::cell::UnsafeCell;
use core::mem::offset_of;
use core::ops::Range;

use boot::memory_map::PAGE;

/// Every stack of the image.
///
/// Never touched through this type: the processor and compiled code own the contents.
#[repr(C)]
pub struct Stacks {
    interrupt: Stack<{ 16 << 10 }>,
    exception: Stack<{ 32 << 10 }>,
    page_fault: Stack<{ 32 << 10 }>,
    double_fault: Stack<{ 32 << 10 }>,
    nmi: Stack<{ 32 << 10 }>,
    main: Stack<{ 512 << 10 }>,
}

#[repr(C, align(4096))]
struct Stack<const SIZE: usize> {
    guard: [u8; PAGE as usize],
    space: [u8; SIZE],
}

/// A static that only addresses are taken of.
#[repr(transparent)]
pub struct Untouched<T>(UnsafeCell<core::mem::MaybeUninit<T>>);

// SAFETY: the type gives no access to its contents.
unsafe impl<T> Sync for Untouched<T> {}

/// The stacks' place; the linker script keeps it out of every segment.
#[unsafe(link_section = ".stacks")]
pub static STACKS: Untouched<Stacks> = Untouched(UnsafeCell::new(core::mem::MaybeUninit::uninit()));

/// Offset of the main stack's upper end from [`STACKS`].
pub const MAIN_STACK_TOP: usize = size_of::<Stacks>();

/// Which of the TSS's stacks a vector runs on, numbered as in an IDT entry.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Ist {
    /// For interrupts of devices.
    Interrupt = 1,
    /// For exceptions without a stack of their own.
    Exception = 2,
    /// For page faults, thus for overflows of the main stack.
    PageFault = 3,
    /// For a fault while another is being delivered.
    DoubleFault = 4,
    /// For what may arrive at any moment: NMI and machine check.
    Nmi = 5,
}

/// One stack: its name, its guard page, and the memory above that.
pub struct Place {
    /// What the stack serves.
    pub name: &'static str,
    /// The unmapped page.
    pub guard: Range<u64>,
    /// The stack proper.
    pub space: Range<u64>,
}

/// Where each stack is. The first five are in the order of [`Ist`].
pub fn places() -> [Place; 6] {
    let base = (&raw const STACKS).addr() as u64;
    let place = |name, offset: usize, next: usize| {
        let start = base + offset as u64;
        Place {
            name,
            guard: start..start + PAGE,
            space: start + PAGE..base + next as u64,
        }
    };
    [
        place(
            "interrupt",
            offset_of!(Stacks, interrupt),
            offset_of!(Stacks, exception),
        ),
        place(
            "exception",
            offset_of!(Stacks, exception),
            offset_of!(Stacks, page_fault),
        ),
        place(
            "page fault",
            offset_of!(Stacks, page_fault),
            offset_of!(Stacks, double_fault),
        ),
        place(
            "double fault",
            offset_of!(Stacks, double_fault),
            offset_of!(Stacks, nmi),
        ),
        place("NMI", offset_of!(Stacks, nmi), offset_of!(Stacks, main)),
        place("main", offset_of!(Stacks, main), size_of::<Stacks>()),
    ]
}
