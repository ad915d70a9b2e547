//! Tests that the image runs on itself: `-append "... selftest=NAME"`.
//!
//! `selftest=all` checks that what the image stands on works, and powers off. The other names each
//! provoke one exception, so that a test outside can look at the report.

use alloc::boxed::Box;
use alloc::string::String;
use core::arch::asm;
use core::fmt::Write;

use labs::guest::Exit;

use super::frames::Frames;
use super::serial::Serial;

/// Runs the test called `name` and ends the machine.
pub fn run(name: &str, _header: String, frames: Frames, console: &mut Serial) -> ! {
    match name {
        "all" => {
            let _ = writeln!(console, "selftest: ok");
            console.wait_until_empty();
            super::exit(Exit::Done)
        }
        "write-text" => {
            let text = run as *const () as *mut u8;
            // SAFETY: none; this is the fault being provoked.
            unsafe { text.write_volatile(0) };
        }
        "run-data" => {
            let data = Box::new([0xc3_u8; 16]);
            // SAFETY: none; this is the fault being provoked.
            unsafe { asm!("call {}", in(reg) data.as_ptr()) };
        }
        "null" => {
            // SAFETY: none; this is the fault being provoked.
            unsafe { asm!("mov {0}, [{0}]", inout(reg) 16_u64 => _) };
        }
        "stack" => {
            let depth = overflow(0);
            let _ = writeln!(console, "the stack is {depth} calls deep");
        }
        // SAFETY: none; this is the fault being provoked.
        "divide" => unsafe {
            asm!("div {0:e}", in(reg) 0, inout("eax") 1 => _, inout("edx") 0 => _)
        },
        // SAFETY: none; this is the fault being provoked.
        "opcode" => unsafe { asm!("ud2") },
        // SAFETY: none; this is the fault being provoked.
        "protection" => unsafe { asm!("mov ds, {0:e}", in(reg) 0x50) },
        "panic" => panic!("as asked for"),
        _ => super::refuse(console, format_args!("no self-test is called {name:?}")),
    }
    drop(frames);
    let _ = writeln!(console, "selftest: nothing happened");
    console.wait_until_empty();
    super::exit(Exit::SelfTest)
}

/// Calls itself without end.
#[expect(unconditional_recursion, reason = "that is the point")]
#[inline(never)]
fn overflow(depth: u64) -> u64 {
    core::hint::black_box(overflow(depth + 1)) + 1
}
