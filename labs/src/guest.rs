//! The boot image as a guest of QEMU: the one place that knows QEMU's command line.
//!
//! The guest is the smallest x86_64 machine that QEMU has, with two ports and a device to leave by.
//! The first port, COM1, is the console, for people. The second carries the
//! [`protocol`](crate::protocol) as a byte stream, for programs; it is a virtio port, since through
//! a UART a view of 16 kB takes 150 ms instead of 2. (The image looks for a COM2 on machines
//! without virtio, such as QEMU's `pc`.) Whoever starts a guest says where these two lead, runs
//! [`PROGRAM`] with [`arguments`], and reads how it ended with [`Exit::from_status`]. The image
//! itself leaves by the same [`Exit`].
//!
//! ```
//! use labs::guest::{self, Console, Protocol};
//!
//! let memory = guest::memory_mib(64);
//! let arguments = guest::arguments("boot", "mem=64M", memory, Console::Null, Protocol::Stdio);
//! assert!(arguments.contains(&"-append".to_string()));
//! ```
//!
//! QEMU translates the guest's code itself (TCG), so no KVM is needed. Times are of QEMU 7.2.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The emulator's name.
pub const PROGRAM: &str = "qemu-system-x86_64";

/// The port of the device through which the guest ends QEMU.
pub const EXIT_PORT: u16 = 0xf4;

/// Where the guest's console leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Console {
    /// To QEMU's own standard input and output. `^C` goes to the guest; `^]` followed by `x` ends
    /// QEMU.
    Stdio,
    /// Nowhere.
    Null,
    /// To a file, without input: what the guest says as it boots and dies. `/dev/stderr` will do.
    File(String),
    /// To a Unix socket of this path, which QEMU makes and listens on.
    Unix(String),
}

/// Where the guest's protocol port leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protocol {
    /// Nowhere: the guest has no such port.
    None,
    /// To QEMU's own standard input and output. The guest powers off when its input ends, so that
    /// it does not outlive the program that started it. (An answer that is still on its way is lost
    /// then.)
    Stdio,
    /// To a Unix socket of this path, which QEMU makes and listens on.
    Unix(String),
}

/// How a guest ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It was powered off, or its self-test passed.
    Done = 0x10,
    /// The kernel or a layer around it panicked; the console has the message.
    Panic = 0x11,
    /// The processor raised an exception; the console has the report.
    Exception = 0x12,
    /// The image can't run as it was asked to: bad header, too little memory, unknown self-test.
    Refused = 0x13,
    /// The self-test failed.
    SelfTest = 0x14,
    /// The stream on the protocol port was no sequence of messages.
    Protocol = 0x15,
}

impl Exit {
    /// All ways to end.
    const ALL: [Exit; 6] = [
        Exit::Done,
        Exit::Panic,
        Exit::Exception,
        Exit::Refused,
        Exit::SelfTest,
        Exit::Protocol,
    ];

    /// What the guest writes to [`EXIT_PORT`].
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The exit status with which QEMU ends then. It is never 0 or 1, which QEMU ends with on its
    /// own account.
    pub fn status(self) -> i32 {
        i32::from(self.code()) << 1 | 1
    }

    /// How a guest ended, by QEMU's exit status; `None` if the guest did not end by itself.
    pub fn from_status(status: i32) -> Option<Exit> {
        Exit::ALL.into_iter().find(|exit| exit.status() == status)
    }

    /// How the guest ended, for a person.
    pub fn reason(self) -> &'static str {
        match self {
            Exit::Done => "the guest powered off",
            Exit::Panic => "the guest panicked",
            Exit::Exception => "the processor raised an exception in the guest",
            Exit::Refused => "the guest could not run as asked",
            Exit::SelfTest => "the guest's self-test failed",
            Exit::Protocol => "the guest lost step with the stream of messages",
        }
    }
}

/// How much memory, in MiB, a guest needs to run a machine of `mem_mib` MiB.
///
/// Half of a guest's memory, but at most 256 MiB, is heap: for checkpoints, views, the log, and
/// messages of up to [`MESSAGE_MAX`](crate::protocol::MESSAGE_MAX). QEMU takes memory from its host
/// only as the guest touches it, so a roomy guest costs nothing.
pub fn memory_mib(mem_mib: u32) -> u32 {
    mem_mib.saturating_add(256 + 8 + mem_mib / 1024).max(512)
}

/// QEMU's arguments for a guest that runs `image` with `memory_mib` MiB of memory on the machine
/// that `machine_header` describes (empty: the default machine).
///
/// Words like `selftest=all` may follow the header.
pub fn arguments(
    image: &str,
    machine_header: &str,
    memory_mib: u32,
    console: Console,
    protocol: Protocol,
) -> Vec<String> {
    let memory = format!("{memory_mib}M");
    let hangup = match protocol {
        Protocol::Stdio => " hangup=poweroff",
        Protocol::None | Protocol::Unix(_) => "",
    };
    let append = format!("{machine_header}{hangup}");
    let console = match console {
        Console::Stdio => "stdio,id=console,signal=off,mux=on".to_string(),
        Console::Null => "null,id=console".to_string(),
        Console::File(path) => format!("file,id=console,path={}", escaped(&path)),
        Console::Unix(path) => format!(
            "socket,id=console,path={},server=on,wait=off",
            escaped(&path)
        ),
    };
    let protocol = match protocol {
        Protocol::None => None,
        Protocol::Stdio => Some("stdio,id=protocol,signal=off".to_string()),
        Protocol::Unix(path) => Some(format!(
            "socket,id=protocol,path={},server=on,wait=off",
            escaped(&path)
        )),
    };

    let mut arguments = Vec::new();
    let mut add = |words: &[&str]| arguments.extend(words.iter().map(ToString::to_string));
    // Nothing that QEMU would add on its own, and no display.
    add(&[
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "-display",
        "none",
    ]);
    // The machine without timers, clock and tables for an operating system to find them by; the
    // image counts on the places that devices have without `acpi`.
    let machine = "microvm,acpi=off,pit=off,rtc=off,isa-serial=off,auto-kernel-cmdline=off";
    add(&["-M", machine]);
    add(&["-accel", "tcg", "-m", &memory]);
    add(&["-kernel", image, "-append", &append]);
    let serial = "isa-serial,chardev=console,iobase=0x3f8,irq=4";
    add(&["-chardev", &console, "-device", serial]);
    if let Some(protocol) = protocol {
        add(&[
            "-global",
            "virtio-mmio.force-legacy=false",
            "-chardev",
            &protocol,
        ]);
        add(&["-device", "virtio-serial-device,max_ports=2"]);
        add(&["-device", "virtserialport,chardev=protocol,nr=1"]);
    }
    add(&[
        "-device",
        &format!("isa-debug-exit,iobase={EXIT_PORT:#x},iosize=1"),
        "-echr",
        "29",
    ]);
    arguments
}

/// A path as a value among comma-separated options.
fn escaped(path: &str) -> String {
    path.replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_exits_map_both_ways() {
        for exit in Exit::ALL {
            assert_eq!(Exit::from_status(exit.status()), Some(exit));
        }
        assert_eq!(Exit::Done.status(), 33);
        for status in [0, 1, 2, 32, 34, 139, -1] {
            assert_eq!(Exit::from_status(status), None);
        }
    }

    #[test]
    fn a_guest_is_never_smaller_than_its_machine_and_some_heap() {
        assert_eq!(memory_mib(0), 512);
        assert_eq!(memory_mib(64), 512);
        assert_eq!(memory_mib(512), 776);
        assert_eq!(memory_mib(u32::MAX), u32::MAX);
    }

    #[test]
    fn paths_with_commas_stay_paths() {
        let socket = Protocol::Unix("/tmp/a,b".into());
        let arguments = arguments("boot", "", 256, Console::File("c,d".into()), socket);
        assert!(
            arguments
                .iter()
                .any(|word| word.contains("path=/tmp/a,,b,server=on"))
        );
        assert!(arguments.iter().any(|word| word.ends_with("path=c,,d")));
    }

    #[test]
    fn a_guest_ends_with_its_standard_input() {
        let append = |protocol| {
            let arguments = arguments("boot", "mem=8M", 512, Console::Null, protocol);
            let word = arguments.iter().position(|word| word == "-append");
            arguments[word.expect("there is one") + 1].clone()
        };
        assert_eq!(append(Protocol::Stdio), "mem=8M hangup=poweroff");
        assert_eq!(append(Protocol::None), "mem=8M");
    }

    #[test]
    fn without_a_protocol_there_is_one_port() {
        let ports = |protocol| {
            let arguments = arguments("boot", "mem=8M", 512, Console::Stdio, protocol);
            arguments
                .iter()
                .filter(|word| word.contains("chardev="))
                .count()
        };
        assert_eq!(ports(Protocol::None), 1);
        assert_eq!(ports(Protocol::Unix("p".into())), 2);
    }
}
