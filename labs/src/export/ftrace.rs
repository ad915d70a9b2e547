//! ftrace's text, as `/sys/kernel/debug/tracing/trace` prints it: a line an event.
//!
//! Tasks do not exist yet, so all is done by the shell, `sh-1`, and before the first line by
//! `swapper-0`. A console line is marked as programs mark their own trace, through `trace_marker`: the
//! text `B|1|name` begins a slice of process 1 and `E|1` ends it, which Perfetto and its kin draw.

use alloc::vec::Vec;
use core::fmt::{self, Write};

use kernel_core::machine::MachineConfig;
use kernel_core::mem::Mem;
use kernel_core::trace::Event;

use super::{CLOCK, Slice};

/// Writes formatted text to bytes, which cannot fail.
struct Text<'a>(&'a mut Vec<u8>);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Appends formatted text.
pub(super) fn print(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    let _ = Text(out).write_fmt(text);
}

pub(super) fn head(out: &mut Vec<u8>, machine: &MachineConfig) {
    print(
        out,
        format_args!(
            "# tracer: nop\n#\n\
             # machine: {machine}\n\
             # clock: {CLOCK}\n#\n\
             #           TASK-PID   CPU#  ||||   TIMESTAMP  FUNCTION\n\
             #              | |       |   ||||      |         |\n"
        ),
    );
}

/// Who did it, where and when: everything up to the event's name.
fn place(out: &mut Vec<u8>, at: u64, cpu: u8, is_boot: bool) {
    let (task, pid) = if is_boot { ("swapper", 0) } else { ("sh", 1) };
    let (seconds, micros) = (at / 1_000_000, at % 1_000_000);
    print(
        out,
        format_args!("{task:>16}-{pid:<5} [{cpu:03}] .... {seconds:>5}.{micros:06}: "),
    );
}

pub(super) fn begin(out: &mut Vec<u8>, slice: Slice<'_>) {
    place(out, slice.at, slice.cpu, slice.is_boot);
    print(
        out,
        format_args!("tracing_mark_write: B|1|{}\n", slice.name),
    );
}

pub(super) fn end(out: &mut Vec<u8>, at: u64, cpu: u8, is_boot: bool) {
    place(out, at, cpu, is_boot);
    print(out, format_args!("tracing_mark_write: E|1\n"));
}

pub(super) fn event(out: &mut Vec<u8>, mem: &Mem, event: &Event) {
    place(out, event.number, event.cpu, event.step == 0);
    let (_, name) = event.tracepoint.system_and_name();
    print(out, format_args!("{name}: {}\n", event.fields(mem)));
}

pub(super) fn lost(out: &mut Vec<u8>, count: u64, cpu: u8) {
    print(out, format_args!("CPU:{cpu} [LOST {count} EVENTS]\n"));
}
