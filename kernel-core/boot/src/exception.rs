//! Words for the processor's exceptions.

use core::fmt;

/// The processor's exceptions by vector, as the manuals name them.
const NAMES: [&str; 32] = [
    "divide error",
    "debug",
    "non-maskable interrupt",
    "breakpoint",
    "overflow",
    "bound range exceeded",
    "invalid opcode",
    "device not available",
    "double fault",
    "coprocessor segment overrun",
    "invalid TSS",
    "segment not present",
    "stack-segment fault",
    "general protection",
    "page fault",
    "reserved",
    "x87 floating-point error",
    "alignment check",
    "machine check",
    "SIMD floating-point error",
    "virtualization",
    "control protection",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "hypervisor injection",
    "VMM communication",
    "security",
    "reserved",
];

/// The vector of the page fault.
pub const PAGE_FAULT: u64 = 14;

/// What the processor calls an exception.
pub fn name(vector: u64) -> &'static str {
    usize::try_from(vector)
        .ok()
        .and_then(|vector| NAMES.get(vector))
        .copied()
        .unwrap_or("interrupt")
}

/// An exception's error code, in words.
pub struct ErrorCode {
    /// The exception.
    pub vector: u64,
    /// What the processor pushed; 0 where it pushes nothing.
    pub code: u64,
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ErrorCode { vector, code } = *self;
        match vector {
            PAGE_FAULT => {
                let access = match (code & 2 != 0, code & 16 != 0) {
                    (_, true) => "instruction fetch from",
                    (true, _) => "write to",
                    (false, _) => "read of",
                };
                let page = match (code & 8 != 0, code & 1 != 0) {
                    (true, _) => "a page with a malformed entry",
                    (false, true) => "a page without that right",
                    (false, false) => "a page that is not mapped",
                };
                let mode = if code & 4 != 0 { ", in user mode" } else { "" };
                write!(f, "{access} {page}{mode} (error code {code:#x})")
            }
            10..=13 if code != 0 => {
                let table = match code >> 1 & 3 {
                    0 => "GDT",
                    2 => "LDT",
                    _ => "IDT",
                };
                let external = if code & 1 != 0 {
                    ", from outside the program"
                } else {
                    ""
                };
                write!(
                    f,
                    "{table} entry {}{external} (error code {code:#x})",
                    code >> 3 & 0x1fff
                )
            }
            _ => write!(f, "error code {code:#x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[track_caller]
    fn check(vector: u64, code: u64, words: &str) {
        assert_eq!(ErrorCode { vector, code }.to_string(), words);
    }

    #[test]
    fn page_fault_codes_say_what_was_tried() {
        check(14, 0, "read of a page that is not mapped (error code 0x0)");
        check(14, 3, "write to a page without that right (error code 0x3)");
        check(
            14,
            0x11,
            "instruction fetch from a page without that right (error code 0x11)",
        );
        check(
            14,
            0xd,
            "read of a page with a malformed entry, in user mode (error code 0xd)",
        );
    }

    #[test]
    fn selector_codes_name_the_descriptor() {
        check(13, 0, "error code 0x0");
        check(13, 0x10, "GDT entry 2 (error code 0x10)");
        check(
            13,
            0x213,
            "IDT entry 66, from outside the program (error code 0x213)",
        );
        check(10, 0x2c, "LDT entry 5 (error code 0x2c)");
    }

    #[test]
    fn every_vector_has_a_name() {
        assert_eq!(name(0), "divide error");
        assert_eq!(name(14), "page fault");
        assert_eq!(name(31), "reserved");
        assert_eq!(name(32), "interrupt");
        assert_eq!(name(u64::MAX), "interrupt");
    }
}
