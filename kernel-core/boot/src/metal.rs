//! Everything that touches the machine, from its first instruction to its last.

#![expect(
    unsafe_code,
    reason = "this is the metal: registers, ports, page tables and raw memory"
)]

mod entry;
mod frames;
mod gdt;
mod heap;
mod interrupts;
mod once;
mod paging;
mod port;
mod runtime;
mod self_test;
mod serial;
mod stacks;
mod start_info;
mod virtio;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt::Write;
use core::panic::PanicInfo;

use boot::command_line::CommandLine;
use boot::host::{Host, PROMPT};
use boot::memory_map;
use labs::Session;
use labs::guest::{EXIT_PORT, Exit};
use x86_64::instructions::port::Port;
use x86_64::instructions::{hlt, interrupts as interrupt_flag};

use frames::Frames;
use port::Port as ProtocolPort;
use serial::Serial;
use start_info::StartInfo;

/// Room for the command line, before there is a heap to put it on.
const COMMAND_LINE_MAX: usize = 2048;

/// How many kernel steps one request to run lines may take, as on the other hosts: whoever asks has
/// an answer soon and sends the rest again.
const STEPS_PER_REQUEST: u64 = 100_000;

/// How many kernel steps the replay of one log may take.
const STEPS_PER_REPLAY: u64 = 100_000_000;

/// How many bytes a buffer of the main loop keeps for the next round; larger ones are rare.
const BUFFER_KEPT: usize = 64 << 10;

/// Takes the machine over; [`entry`] calls it, in long mode and with interrupts off.
extern "C" fn start(start_info: u32) -> ! {
    gdt::load();
    interrupts::load();
    let Some(mut console) = Serial::open(Serial::COM1) else {
        exit(Exit::Refused);
    };

    // SAFETY: the entry code passes on what the loader left, and its page tables are in force.
    let Some(info) = (unsafe { StartInfo::at(start_info) }) else {
        refuse(
            &mut console,
            format_args!("the loader left no PVH start info at {start_info:#x}"),
        );
    };
    let mut command_line = [0; COMMAND_LINE_MAX];
    let given = info.command_line();
    let Some(command_line) = command_line.get_mut(..given.len()) else {
        let length = given.len();
        refuse(
            &mut console,
            format_args!("-append has {length} bytes; the limit is {COMMAND_LINE_MAX}"),
        );
    };
    command_line.copy_from_slice(given);
    let plan = match memory_map::divide(info.usable_memory(), paging::image_end()) {
        Ok(plan) => plan,
        Err(error) => refuse(&mut console, format_args!("{error}")),
    };
    // SAFETY: the plan consists of RAM above the image, none of it used so far. The loader's
    // message is not looked at again.
    unsafe { paging::install(&plan) };
    // SAFETY: these parts of the plan are mapped now, and each is given to one owner.
    let frames = unsafe {
        heap::give(plan.heap);
        Frames::new(&plan)
    };
    interrupts::prepare_controllers();
    interrupts::enable_line(Serial::COM1_LINE);

    let command_line = CommandLine::parse(command_line);
    if let Some(name) = command_line.self_test {
        self_test::run(&name, command_line.header, frames, &mut console);
    }
    let mut session = Session::new(labs::protocol::Host::Qemu, Box::new(frames));
    session.set_budget(STEPS_PER_REQUEST);
    session.set_search_budget(STEPS_PER_REQUEST);
    session.set_replay_limit(STEPS_PER_REPLAY);
    session.set_checkpoint_bytes(plan.heap.size() as usize / 4);
    serve(session, command_line, console)
}

/// Runs a session for the console and the protocol port until one of them ends it.
fn serve(session: Session, command_line: CommandLine, mut console: Serial) -> ! {
    let mut protocol = ProtocolPort::open();
    let (mut host, header) = match Host::boot(session, command_line.header) {
        Ok(booted) => booted,
        Err(message) => refuse(&mut console, format_args!("{message}")),
    };
    let version = env!("CARGO_PKG_VERSION");
    let _ = writeln!(console, "Glass Kernel {version} on x86_64\n{header}");
    console.send(PROMPT);

    let (mut typed, mut received) = (Vec::new(), Vec::new());
    let (mut to_console, mut to_protocol) = (Vec::new(), Vec::new());
    loop {
        console.receive(&mut typed);
        protocol.receive(&mut received);
        if typed.is_empty() && received.is_empty() {
            if command_line.end_on_hangup && protocol.hung_up() {
                let _ = writeln!(console, "\nboot: nobody is at the protocol port any more");
                console.wait_until_empty();
                exit(Exit::Done);
            }
            // An interrupt that came since the ports were asked is held back until the processor
            // sleeps, and wakes it.
            interrupt_flag::enable_and_hlt();
            interrupt_flag::disable();
            continue;
        }
        let mut ending = host.typed(&typed, &mut to_console);
        if ending.is_none() {
            ending = host.received(&received, &mut to_protocol, &mut to_console);
        }
        console.send(&to_console);
        protocol.send(&to_protocol);
        if let Some(exit_as) = ending {
            console.wait_until_empty();
            protocol.wait_until_empty();
            exit(exit_as);
        }
        for buffer in [&mut typed, &mut received, &mut to_console, &mut to_protocol] {
            buffer.clear();
            buffer.shrink_to(BUFFER_KEPT);
        }
    }
}

/// Says why the image can't run as it was asked to, and ends the machine.
fn refuse(console: &mut Serial, reason: core::fmt::Arguments<'_>) -> ! {
    let _ = writeln!(console, "boot: {reason}");
    console.wait_until_empty();
    exit(Exit::Refused)
}

/// Ends the machine.
fn exit(exit: Exit) -> ! {
    // SAFETY: the device ends QEMU and does nothing else.
    unsafe { Port::new(EXIT_PORT).write(exit.code()) };
    // There is no such device. Nothing can happen any more, with interrupts off.
    loop {
        hlt();
    }
}

/// Says on the console what went wrong, and ends the machine.
#[panic_handler]
fn panic(panic: &PanicInfo<'_>) -> ! {
    interrupt_flag::disable();
    let mut console = Serial::last_words(Serial::COM1);
    let _ = write!(console, "\n*** panic");
    if let Some(place) = panic.location() {
        let _ = write!(console, " at {place}");
    }
    let _ = writeln!(
        console,
        "\n    {}\n*** the machine stops here",
        panic.message()
    );
    exit(Exit::Panic)
}
