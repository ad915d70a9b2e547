//! Tests that the image runs on itself: `-append "... selftest=NAME"`.
//!
//! `selftest=all` checks what the image stands on and powers off. The other names each provoke one
//! exception, so that a test outside can look at the report: `write-text`, `run-data`, `null`,
//! `stack`, `divide`, `opcode`, `protection`, `panic`.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::arch::asm;
use core::fmt::Write;

use boot::memory_map::PAGE;
use kernel_core::mem::Ram;
use labs::guest::Exit;
use labs::log::Heading;
use labs::protocol::{Host, Outcome, Request, Response};
use labs::{Memory, Session, log};

use super::frames::Frames;
use super::interrupts;
use super::serial::Serial;

/// A session to check the console by: each line, and what it prints.
const LINES: [(&str, &str); 14] = [
    ("radix create t", ""),
    ("radix insert t 0 1", "0\n"),
    ("radix insert t 4096 7", "0\n"),
    ("radix insert t 4096 8", "-EEXIST\n"),
    ("radix lookup t 4096", "7\n"),
    ("radix lookup t 4097", "NULL\n"),
    ("radix tag_set t 4096 1", "7\n"),
    ("radix gang_lookup_tag t 0 9 1", "7\n"),
    ("radix stat t", "height 3 nodes 5 items 2\n"),
    ("radix delete t 4096", "7\n"),
    ("radix stat t", "height 1 nodes 1 items 1\n"),
    ("radix delete t 0", "1\n"),
    ("radix stat t", "height 0 nodes 0 items 0\n"),
    ("echo $?", "0\n"),
];

/// Runs the test called `name` and ends the machine.
pub fn run(name: &str, header: String, frames: Frames, console: &mut Serial) -> ! {
    match name {
        "all" => all(header, frames, console),
        "write-text" => {
            let text = run as *const () as *mut u8;
            // SAFETY: none; this is the fault to be provoked.
            unsafe { text.write_volatile(0) };
        }
        "run-data" => {
            let data = Box::new([0xc3_u8; 16]);
            // SAFETY: none; this is the fault to be provoked.
            unsafe { asm!("call {}", in(reg) data.as_ptr()) };
        }
        // SAFETY: none; this is the fault to be provoked.
        "null" => unsafe { asm!("mov {0}, [{0}]", inout(reg) 16_u64 => _) },
        "stack" => {
            let depth = overflow(&0);
            let _ = writeln!(console, "the stack is {depth} calls deep");
        }
        // SAFETY: none; this is the fault to be provoked.
        "divide" => unsafe {
            asm!("div {0:e}", in(reg) 0, inout("eax") 1 => _, inout("edx") 0 => _);
        },
        // SAFETY: none; this is the fault to be provoked.
        "opcode" => unsafe { asm!("ud2") },
        // SAFETY: none; this is the fault to be provoked.
        "protection" => unsafe { asm!("mov ds, {0:e}", in(reg) 0x50) },
        "panic" => panic!("as asked for"),
        _ => super::refuse(console, format_args!("no self-test is called {name:?}")),
    }
    finish(console, Err("nothing happened".into()))
}

/// Calls itself without end; each call keeps a word on the stack.
#[expect(unconditional_recursion, reason = "that is the point")]
#[inline(never)]
fn overflow(caller: &u64) -> u64 {
    let depth = core::hint::black_box(*caller + 1);
    overflow(&depth) + depth
}

/// Checks what the image stands on, from the bottom up.
fn all(header: String, mut frames: Frames, console: &mut Serial) -> ! {
    let config = match Heading::parse(&header) {
        Ok(heading) => heading.machine,
        Err(message) => super::refuse(console, format_args!("{message}")),
    };
    if let Err(message) = frames.admits(config.ram_frames()) {
        super::refuse(console, format_args!("{message}"));
    }
    let result = traps()
        .and_then(|()| heap())
        .and_then(|()| zeroed(&mut frames, config.ram_frames()))
        .and_then(|()| sessions(&header, frames));
    finish(console, result)
}

/// Reports the result and ends the machine.
fn finish(console: &mut Serial, result: Result<(), String>) -> ! {
    let exit = match result {
        Ok(()) => {
            let _ = writeln!(console, "selftest: ok");
            Exit::Done
        }
        Err(message) => {
            let _ = writeln!(console, "selftest: failed: {message}");
            Exit::SelfTest
        }
    };
    console.wait_until_empty();
    super::exit(exit)
}

/// An interrupt changes no register, nor what lies just below the stack pointer.
fn traps() -> Result<(), String> {
    const VECTOR: u8 = interrupts::SPURIOUS;
    let (general, vector, below): (u64, u64, u64);
    // SAFETY: the trap returns. The word below the stack pointer is in the red zone, which compiled
    // code has not put to use in a block of assembly that pushes.
    unsafe {
        asm!(
            "mov [rsp - 8], {pattern}",
            "movq xmm7, {pattern}",
            "mov {general}, {pattern}",
            "int {interrupt}",
            "movq {vector}, xmm7",
            "mov {below}, [rsp - 8]",
            pattern = in(reg) 0x0123_4567_89ab_cdef_u64,
            general = out(reg) general,
            vector = out(reg) vector,
            below = out(reg) below,
            interrupt = const VECTOR,
            out("xmm7") _,
        );
    }
    match [general, vector, below] {
        [
            0x0123_4567_89ab_cdef,
            0x0123_4567_89ab_cdef,
            0x0123_4567_89ab_cdef,
        ] => Ok(()),
        found => Err(format!(
            "an interrupt left {found:x?} in registers and stack"
        )),
    }
}

/// Pieces of memory of many sizes don't overlap, and what is given back can be had again.
fn heap() -> Result<(), String> {
    for round in 0..3 {
        let mut pieces: Vec<Vec<u8>> = (0..200)
            .map(|number: u8| vec![number; 1 << (number % 15)])
            .collect();
        let whole = |pieces: &[Vec<u8>]| {
            pieces
                .iter()
                .all(|piece| piece.iter().all(|&byte| byte == piece[0]))
        };
        pieces.retain(|piece| piece[0] % 3 != 0);
        pieces.extend((0..50).map(|number| vec![number; 3000]));
        if !whole(&pieces) {
            return Err(format!("pieces of the heap overlap in round {round}"));
        }
        let large: Vec<u8> = Vec::with_capacity(4 << 20);
        drop((large, pieces));
    }
    Ok(())
}

/// Frames start as zeros.
fn zeroed(frames: &mut Frames, count: u32) -> Result<(), String> {
    let ram: Ram = frames.take(count, None)?;
    match (0..count).find(|&frame| ram.frame(frame) != &[0; PAGE as usize]) {
        Some(frame) => Err(format!("frame {frame} is not zero at power-on")),
        None => Ok(()),
    }
}

/// A session prints what it should and leaves a sound kernel; a second one on the same frames
/// does the very same.
fn sessions(header: &str, frames: Frames) -> Result<(), String> {
    let lines = LINES.iter().map(|(line, _)| line.as_bytes());
    let log = log::write(&Heading::parse(header)?, lines);
    let text: String = LINES.iter().map(|(_, text)| *text).collect();
    let mut session = Session::new(Host::Qemu, Box::new(frames));
    let mut replay = || match session.handle(Request::Replay {
        log: log.clone(),
        each_line: false,
    }) {
        Response::Replayed(outcome) => Ok(outcome),
        Response::Error { message } => Err(message),
        other => Err(format!("a replay was answered by {other:?}")),
    };
    let first: Outcome = replay()?;
    if let Some(broken) = first.broken {
        return Err(format!("the kernel is not sound: {broken}"));
    }
    if first.text != text.as_bytes() {
        let printed = String::from_utf8_lossy(&first.text).into_owned();
        return Err(format!(
            "the console printed {printed:?} instead of {text:?}"
        ));
    }
    let second = replay()?;
    if (first.chain, first.frames) != (second.chain, second.frames) {
        return Err("a second session on the same frames took another course".into());
    }
    Ok(())
}
