//! Exceptions and device interrupts: the way in, the reports, the interrupt controller.
//!
//! No exception is survivable here: the kernel core raises none by design, so each is a bug to be
//! reported as readably as a serial line allows. Device interrupts exist for one purpose, to end
//! a `hlt`; their handler only tells the controller that it has seen them.

use core::arch::global_asm;
use core::fmt::Write;
use core::sync::atomic::{AtomicBool, Ordering};

use boot::exception::{self, ErrorCode, PAGE_FAULT};
use labs::guest::Exit;
use x86_64::VirtAddr;
use x86_64::instructions::port::Port;
use x86_64::instructions::segmentation::{CS, Segment};
use x86_64::instructions::tables::{DescriptorTablePointer, lidt};
use x86_64::registers::control::Cr2;

use super::once::Once;
use super::paging;
use super::serial::Serial;
use super::stacks::Ist;

/// Vectors in use: 32 exceptions, 16 interrupts of the two controllers.
const VECTORS: usize = 48;

/// The vector of the first device interrupt.
const FIRST_INTERRUPT: u64 = 32;

/// The vector of line 7, by which the controller reports interrupts that have gone away. Nothing
/// is connected to it.
pub const SPURIOUS: u8 = 32 + 7;

// One entry every 16 bytes: it pushes a zero where the processor pushes no error code, then the
// vector, so that all traps look alike; the rest is common. The FPU's registers are saved as well,
// because compiled Rust uses them freely.
global_asm!(
    r#"
    .text
    .balign 16
    .global trap_entries
trap_entries:
    .set vector, 0
    .rept {vectors}
    .balign 16
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
    .else
    push 0
    .endif
    push vector
    jmp trap_common
    .set vector, vector + 1
    .endr

    .balign 16
trap_common:
    push rax
    push rbx
    push rcx
    push rdx
    push rsi
    push rdi
    push rbp
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    cld
    mov rdi, rsp
    mov rbx, rsp
    sub rsp, 512
    and rsp, -16
    fxsave64 [rsp]
    call {handler}
    fxrstor64 [rsp]
    mov rsp, rbx
    pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rbp
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rbx
    pop rax
    add rsp, 16
    iretq
    "#,
    vectors = const VECTORS,
    handler = sym handle,
);

/// What a trap leaves on its stack, lowest address first.
#[repr(C)]
struct Trap {
    r15: u64,
    r14: u64,
    r13: u64,
    r12: u64,
    r11: u64,
    r10: u64,
    r9: u64,
    r8: u64,
    rbp: u64,
    rdi: u64,
    rsi: u64,
    rdx: u64,
    rcx: u64,
    rbx: u64,
    rax: u64,
    vector: u64,
    code: u64,
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}

/// Where all traps arrive.
extern "C" fn handle(trap: &Trap) {
    if trap.vector >= FIRST_INTERRUPT {
        acknowledge(trap.vector);
    } else {
        report(trap);
    }
}

/// Says on the console what happened, and ends the machine.
fn report(trap: &Trap) -> ! {
    static REPORTING: AtomicBool = AtomicBool::new(false);
    if REPORTING.swap(true, Ordering::Relaxed) {
        // The report itself fails: what got out must do.
        super::exit(Exit::Exception);
    }
    let _ = write_report(&mut Serial::last_words(Serial::COM1), trap);
    super::exit(Exit::Exception)
}

fn write_report(out: &mut impl Write, trap: &Trap) -> core::fmt::Result {
    writeln!(
        out,
        "\n*** exception {}: {}",
        trap.vector,
        exception::name(trap.vector)
    )?;
    if trap.vector == PAGE_FAULT || trap.code != 0 {
        writeln!(
            out,
            "    {}",
            ErrorCode {
                vector: trap.vector,
                code: trap.code
            }
        )?;
    }
    if trap.vector == PAGE_FAULT {
        let address = Cr2::read_raw();
        writeln!(out, "    cr2 {address:016x}: {}", paging::describe(address))?;
    }
    writeln!(
        out,
        "    rip {:016x}: {}",
        trap.rip,
        paging::describe(trap.rip)
    )?;
    writeln!(
        out,
        "    rsp {:016x}: {}",
        trap.rsp,
        paging::describe(trap.rsp)
    )?;
    let Trap {
        rax,
        rbx,
        rcx,
        rdx,
        rsi,
        rdi,
        rbp,
        r8,
        ..
    } = trap;
    let Trap {
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
        rflags,
        cs,
        ss,
        ..
    } = trap;
    writeln!(
        out,
        "    rax {rax:016x}  rbx {rbx:016x}  rcx {rcx:016x}  rdx {rdx:016x}"
    )?;
    writeln!(
        out,
        "    rsi {rsi:016x}  rdi {rdi:016x}  rbp {rbp:016x}  r8  {r8:016x}"
    )?;
    writeln!(
        out,
        "    r9  {r9:016x}  r10 {r10:016x}  r11 {r11:016x}  r12 {r12:016x}"
    )?;
    writeln!(out, "    r13 {r13:016x}  r14 {r14:016x}  r15 {r15:016x}")?;
    writeln!(out, "    rflags {rflags:08x}  cs {cs:04x}  ss {ss:04x}")?;
    writeln!(out, "*** the machine stops here")
}

/// An entry of the interrupt descriptor table.
#[derive(Clone, Copy)]
#[repr(C)]
struct Gate {
    address_low: u16,
    segment: u16,
    ist: u8,
    /// Present, for the kernel only, an interrupt gate: interrupts are off inside.
    kind: u8,
    address_middle: u16,
    address_high: u32,
    reserved: u32,
}

impl Gate {
    fn new(address: u64, stack: Ist) -> Gate {
        Gate {
            address_low: address as u16,
            segment: CS::get_reg().0,
            ist: stack as u8,
            kind: 0x8e,
            address_middle: (address >> 16) as u16,
            address_high: (address >> 32) as u32,
            reserved: 0,
        }
    }
}

/// Tells the processor where traps go. The segments must be loaded already.
pub fn load() {
    static GATES: Once<[Gate; VECTORS]> = Once::new();
    unsafe extern "C" {
        static trap_entries: u8;
    }
    let entries = (&raw const trap_entries).addr() as u64;
    let gates = GATES.set(core::array::from_fn(|vector| {
        let stack = match vector {
            2 | 18 => Ist::Nmi,
            8 => Ist::DoubleFault,
            14 => Ist::PageFault,
            0..32 => Ist::Exception,
            _ => Ist::Interrupt,
        };
        Gate::new(entries + 16 * vector as u64, stack)
    }));
    let pointer = DescriptorTablePointer {
        limit: (size_of_val(gates) - 1) as u16,
        base: VirtAddr::new((&raw const *gates).addr() as u64),
    };
    // SAFETY: the table is never moved or changed; each gate leads to a trap entry.
    unsafe { lidt(&pointer) };
}

/// Where the registers of the local APIC are found. A page table must map them.
pub const LOCAL_APIC: u64 = 0xfee0_0000;

/// Command and data ports of the two interrupt controllers.
const CONTROLLERS: [(u16, u16); 2] = [(0x20, 0x21), (0xa0, 0xa1)];

/// Sets up the interrupt controllers to let nothing through yet. The final page tables must be in
/// force.
pub fn prepare_controllers() {
    // Not every firmware connects the controllers with the processor: that goes through the local
    // APIC, whose first pin is to pass on their interrupts unchanged.
    const LINT0: u64 = LOCAL_APIC + 0x350;
    const EXTERNAL: u32 = 0x700;
    // SAFETY: the page is mapped for this, and the register leads to nothing but the pin.
    unsafe { (LINT0 as *mut u32).write_volatile(EXTERNAL) };

    for (number, (command, data)) in CONTROLLERS.into_iter().enumerate() {
        let first = FIRST_INTERRUPT as u8 + 8 * number as u8;
        let wiring = if number == 0 { 1 << 2 } else { 2 };
        let mask = if number == 0 {
            !(1 << 2 | 1 << 3 | 1 << 4)
        } else {
            0xff
        };
        out(command, 0x11); // four bytes of initialisation follow on the data port
        out(data, first);
        out(data, wiring);
        out(data, 0x01); // as on a PC
        out(data, mask);
    }
}

/// Lets the interrupts of one of the sixteen lines through.
pub fn enable_line(line: u8) {
    let (_, data) = CONTROLLERS[usize::from(line / 8)];
    // SAFETY: an interrupt controller does not touch memory.
    let mask: u8 = unsafe { Port::new(data).read() };
    out(data, mask & !(1 << (line % 8)));
}

/// Lets the interrupt controller send the next interrupt.
fn acknowledge(vector: u64) {
    const END_OF_INTERRUPT: u8 = 0x20;
    if vector >= FIRST_INTERRUPT + 8 {
        out(CONTROLLERS[1].0, END_OF_INTERRUPT);
    }
    out(CONTROLLERS[0].0, END_OF_INTERRUPT);
}

fn out(port: u16, value: u8) {
    // SAFETY: an interrupt controller does not touch memory.
    unsafe { Port::new(port).write(value) }
}
