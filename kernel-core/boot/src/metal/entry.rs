//! From the loader's 32-bit world into Rust.
//!
//! QEMU finds the entry point in an ELF note (the PVH boot protocol), and jumps there in 32-bit
//! protected mode, without paging, with the address of a [`StartInfo`] in EBX. The few lines of
//! assembly here build the smallest page tables that long mode accepts (the first GiB, as 2 MiB
//! pages that may do anything; the loader leaves nothing above), turn on what compiled Rust needs
//! (64 bits, SSE), and call [`start`](super::start). [`paging`](super::paging) replaces these
//! tables soon after.
//!
//! [`StartInfo`]: super::start_info::StartInfo

use core::arch::global_asm;

use super::stacks::MAIN_STACK_TOP;

global_asm!(
    r#"
    .section .note.Xen, "a", @note
    .align 4
    .long 4                         // length of the name
    .long 4                         // length of the value
    .long 18                        // XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long pvh_entry

    .section .text.entry, "ax"
    .code32
    .global pvh_entry
pvh_entry:
    cli
    cld
    lea esp, [{stack} + {stack_top}]

    // Three tables, one below the other; the last maps 512 pages of 2 MiB onto themselves.
    mov edi, offset boot_tables
    lea eax, [edi + 4096 + 3]       // present, writable
    mov [edi], eax
    lea eax, [edi + 8192 + 3]
    mov [edi + 4096], eax
    mov eax, 0x83                   // present, writable, 2 MiB
    xor ecx, ecx
2:  mov [edi + 8192 + ecx * 8], eax
    add eax, 0x200000
    inc ecx
    cmp ecx, 512
    jne 2b

    mov cr3, edi
    mov eax, cr4
    or eax, 0x620                   // PAE, OSFXSR, OSXMMEXCPT
    mov cr4, eax
    mov ecx, 0xc0000080             // EFER
    rdmsr
    or eax, 0x900                   // long mode, no-execute
    wrmsr
    mov eax, cr0
    and eax, 0xfffffff3             // no emulation of the FPU, no lazy switch
    or eax, 0x80010003              // paging, write-protect, monitor FPU, protected mode
    mov cr0, eax

    lgdt [boot_gdt_pointer]
    mov eax, 8
    push eax
    mov eax, offset long_mode
    push eax
    retf

    .code64
long_mode:
    mov eax, 16
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    mov edi, ebx                    // StartInfo, the argument of `start`
    xor ebp, ebp                    // ends every back trace
    call {start}
    ud2

    .section .rodata, "a"
    .align 8
boot_gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdt_pointer:
    .word 23
    .long boot_gdt

    .section .bss, "aw", @nobits
    .align 4096
boot_tables:
    .skip 3 * 4096
    .text
    "#,
    start = sym super::start,
    stack = sym super::stacks::STACKS,
    stack_top = const MAIN_STACK_TOP,
);
