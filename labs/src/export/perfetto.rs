//! Perfetto's packets: a process, a track under it for each CPU, and track events on these.
//!
//! Names and categories stand once, in the first packet, and events refer to them by number; the
//! tables of tracepoints are known beforehand, so nothing has to be remembered from piece to piece.
//! Numbers of fields are those of `protos/perfetto/trace/` as published.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use kernel_core::machine::MachineConfig;
use kernel_core::mem::Mem;
use kernel_core::trace::{ARGS_MAX, Event, Tracepoint, Value};

use super::proto::Message;
use super::{CLOCK, Slice};

/// `Trace.packet`.
const PACKET: u32 = 1;

/// Fields of `TracePacket`.
mod packet {
    pub const TIMESTAMP: u32 = 8;
    pub const SEQUENCE: u32 = 10;
    pub const TRACK_EVENT: u32 = 11;
    pub const INTERNED_DATA: u32 = 12;
    pub const SEQUENCE_FLAGS: u32 = 13;
    pub const TRACK_DESCRIPTOR: u32 = 60;
    pub const FIRST_ON_SEQUENCE: u32 = 87;
}

/// Values of `TracePacket.sequence_flags`.
mod sequence {
    pub const STATE_CLEARED: u64 = 1;
    pub const NEEDS_STATE: u64 = 2;
}

/// Fields of `InternedData`, and of each of its entries.
mod interned {
    pub const CATEGORIES: u32 = 1;
    pub const EVENT_NAMES: u32 = 2;
    pub const ANNOTATION_NAMES: u32 = 3;
    pub const IID: u32 = 1;
    pub const NAME: u32 = 2;
}

/// Fields of `TrackDescriptor` and of its `ProcessDescriptor`.
mod track {
    pub const UUID: u32 = 1;
    pub const NAME: u32 = 2;
    pub const PROCESS: u32 = 3;
    pub const PARENT: u32 = 5;
    pub const PROCESS_PID: u32 = 1;
    pub const PROCESS_NAME: u32 = 6;
}

/// Fields of `TrackEvent`, and the values of its type.
mod track_event {
    pub const CATEGORY_IIDS: u32 = 3;
    pub const ANNOTATIONS: u32 = 4;
    pub const TYPE: u32 = 9;
    pub const NAME_IID: u32 = 10;
    pub const TRACK: u32 = 11;
    pub const CATEGORIES: u32 = 22;
    pub const NAME: u32 = 23;
    pub const SLICE_BEGIN: u64 = 1;
    pub const SLICE_END: u64 = 2;
    pub const INSTANT: u64 = 3;
}

/// Fields of `DebugAnnotation`.
mod annotation {
    pub const NAME_IID: u32 = 1;
    pub const UINT: u32 = 3;
    pub const INT: u32 = 4;
    pub const STRING: u32 = 6;
    pub const POINTER: u32 = 7;
    pub const NAME: u32 = 10;
}

/// The only packet sequence.
const SEQUENCE: u64 = 1;
/// The process's track; those of the CPUs follow.
const PROCESS_TRACK: u64 = 1;

/// A CPU's track.
fn track_of(cpu: u8) -> u64 {
    PROCESS_TRACK + 1 + u64::from(cpu)
}

/// The number by which events refer to a tracepoint's name and category.
fn iid_of(tracepoint: Tracepoint) -> u64 {
    tracepoint as u64
}

/// The number by which events refer to the name of a tracepoint's field number `index`.
fn iid_of_field(tracepoint: Tracepoint, index: u64) -> u64 {
    iid_of(tracepoint) * ARGS_MAX as u64 + index
}

fn packet(flags: u64) -> Message {
    Message::default()
        .number(packet::SEQUENCE, SEQUENCE)
        .number(packet::SEQUENCE_FLAGS, flags)
}

pub(super) fn head(out: &mut Vec<u8>, machine: &MachineConfig, first: u64) {
    packet(sequence::STATE_CLEARED)
        .number(packet::FIRST_ON_SEQUENCE, 1)
        .message(packet::INTERNED_DATA, names())
        .append_to(out, PACKET);
    let process = Message::default()
        .number(track::PROCESS_PID, 1)
        .text(track::PROCESS_NAME, "Glass Kernel");
    let descriptor = Message::default()
        .number(track::UUID, PROCESS_TRACK)
        .message(track::PROCESS, process);
    packet(0)
        .message(packet::TRACK_DESCRIPTOR, descriptor)
        .append_to(out, PACKET);
    for cpu in 0..machine.cpus as u8 {
        let descriptor = Message::default()
            .number(track::UUID, track_of(cpu))
            .number(track::PARENT, PROCESS_TRACK)
            .text(track::NAME, &format!("CPU {cpu}"));
        packet(0)
            .message(packet::TRACK_DESCRIPTOR, descriptor)
            .append_to(out, PACKET);
    }
    // There is no place for remarks on a trace, so it begins with an event that makes them.
    let remarks = [("clock", CLOCK), ("machine", &machine.to_string())];
    let event = remarks.iter().fold(
        Message::default()
            .number(track_event::TYPE, track_event::INSTANT)
            .number(track_event::TRACK, PROCESS_TRACK)
            .text(track_event::CATEGORIES, "trace")
            .text(track_event::NAME, "about this trace"),
        |event, (name, remark)| {
            let remark = Message::default()
                .text(annotation::NAME, name)
                .text(annotation::STRING, remark);
            event.message(track_event::ANNOTATIONS, remark)
        },
    );
    emit(out, first, event);
}

/// All names that events refer to by number.
fn names() -> Message {
    let entry = |iid, name| {
        Message::default()
            .number(interned::IID, iid)
            .text(interned::NAME, name)
    };
    let mut names = Message::default();
    for &tracepoint in Tracepoint::ALL {
        let (system, name) = tracepoint.system_and_name();
        let iid = iid_of(tracepoint);
        names = names
            .message(interned::CATEGORIES, entry(iid, system))
            .message(interned::EVENT_NAMES, entry(iid, name));
        for (index, name) in (0..).zip(tracepoint.field_names()) {
            let iid = iid_of_field(tracepoint, index);
            names = names.message(interned::ANNOTATION_NAMES, entry(iid, name));
        }
    }
    names
}

/// Writes an event that happens at `at`, in microseconds; Perfetto counts nanoseconds.
fn emit(out: &mut Vec<u8>, at: u64, event: Message) {
    packet(sequence::NEEDS_STATE)
        .number(packet::TIMESTAMP, at * 1000)
        .message(packet::TRACK_EVENT, event)
        .append_to(out, PACKET);
}

fn on_track(kind: u64, cpu: u8) -> Message {
    Message::default()
        .number(track_event::TYPE, kind)
        .number(track_event::TRACK, track_of(cpu))
}

pub(super) fn begin(out: &mut Vec<u8>, slice: Slice<'_>) {
    let event = on_track(track_event::SLICE_BEGIN, slice.cpu)
        .text(track_event::CATEGORIES, "console")
        .text(track_event::NAME, slice.name);
    emit(out, slice.at, event);
}

pub(super) fn end(out: &mut Vec<u8>, at: u64, cpu: u8) {
    emit(out, at, on_track(track_event::SLICE_END, cpu));
}

pub(super) fn event(out: &mut Vec<u8>, mem: &Mem, event: &Event) {
    let iid = iid_of(event.tracepoint);
    let mut message = on_track(track_event::INSTANT, event.cpu)
        .number(track_event::CATEGORY_IIDS, iid)
        .number(track_event::NAME_IID, iid);
    for (index, (_, value)) in (0..).zip(event.values(mem)) {
        let iid = iid_of_field(event.tracepoint, index);
        let field = Message::default().number(annotation::NAME_IID, iid);
        let field = match value {
            Value::Number(number) => field.number(annotation::UINT, number),
            Value::Signed(number) => field.number(annotation::INT, number as u64),
            Value::Pointer(pointer) if pointer.is_null() => field.number(annotation::POINTER, 0),
            Value::Pointer(pointer) => field.number(annotation::POINTER, pointer.address()),
            Value::Name(name) => field.text(annotation::STRING, name),
            other => field.text(annotation::STRING, &other.to_string()),
        };
        message = message.message(track_event::ANNOTATIONS, field);
    }
    emit(out, event.number, message);
}

pub(super) fn lost(out: &mut Vec<u8>, count: u64, at: u64, cpu: u8) {
    let events = Message::default()
        .text(annotation::NAME, "events")
        .number(annotation::UINT, count);
    let event = on_track(track_event::INSTANT, cpu)
        .text(track_event::CATEGORIES, "trace")
        .text(track_event::NAME, "lost events")
        .message(track_event::ANNOTATIONS, events);
    emit(out, at, event);
}
