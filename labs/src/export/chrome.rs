//! Chrome's JSON, which chrome://tracing, Perfetto and scripts read: one object, an array of events
//! in it, each on a line of its own.
//!
//! Process 1 is the kernel and its threads are the CPUs, numbered alike.

use alloc::vec::Vec;

use kernel_core::machine::MachineConfig;
use kernel_core::mem::Mem;
use kernel_core::trace::{Event, Value};

use super::ftrace::print;
use super::{CLOCK, Slice};

/// The largest number up to which every reader of JSON is exact.
const EXACT_MAX: u64 = 1 << 53;

pub(super) fn head(out: &mut Vec<u8>, machine: &MachineConfig) {
    print(
        out,
        format_args!(
            "{{\"displayTimeUnit\":\"ns\",\
             \"otherData\":{{\"machine\":\"{machine}\",\"clock\":\"{CLOCK}\"}},\
             \"traceEvents\":[\n\
             {{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"args\":{{\"name\":\"Glass Kernel\"}}}}"
        ),
    );
    for cpu in 0..machine.cpus {
        print(
            out,
            format_args!(
                ",\n{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":{cpu},\
                 \"args\":{{\"name\":\"CPU {cpu}\"}}}}"
            ),
        );
    }
}

pub(super) fn tail(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\n]}\n");
}

/// Begins an event; its last fields and the brace are the caller's.
fn open(out: &mut Vec<u8>, phase: char, at: u64, cpu: u8) {
    print(
        out,
        format_args!(",\n{{\"ph\":\"{phase}\",\"ts\":{at},\"pid\":1,\"tid\":{cpu}"),
    );
}

pub(super) fn begin(out: &mut Vec<u8>, slice: Slice<'_>) {
    open(out, 'B', slice.at, slice.cpu);
    out.extend_from_slice(b",\"cat\":\"console\",\"name\":");
    string(out, slice.name);
    out.push(b'}');
}

pub(super) fn end(out: &mut Vec<u8>, at: u64, cpu: u8) {
    open(out, 'E', at, cpu);
    out.push(b'}');
}

pub(super) fn event(out: &mut Vec<u8>, mem: &Mem, event: &Event) {
    open(out, 'i', event.number, event.cpu);
    let (system, name) = event.tracepoint.system_and_name();
    print(
        out,
        format_args!(",\"s\":\"t\",\"cat\":\"{system}\",\"name\":\"{name}\",\"args\":{{"),
    );
    let mut comma = "";
    for (name, value) in event.values(mem) {
        print(out, format_args!("{comma}\"{name}\":"));
        comma = ",";
        match value {
            Value::Number(number) if number <= EXACT_MAX => print(out, format_args!("{number}")),
            Value::Signed(number) if number.unsigned_abs() <= EXACT_MAX => {
                print(out, format_args!("{number}"));
            }
            Value::Name(name) => string(out, name),
            other => print(out, format_args!("\"{other}\"")),
        }
    }
    out.extend_from_slice(b"}}");
}

pub(super) fn lost(out: &mut Vec<u8>, count: u64, at: u64, cpu: u8) {
    open(out, 'i', at, cpu);
    print(
        out,
        format_args!(
            ",\"s\":\"t\",\"cat\":\"trace\",\"name\":\"lost events\",\"args\":{{\"events\":{count}}}}}"
        ),
    );
}

/// Text without control characters, quoted.
fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}
