//! Containers by console lines, as a user makes them. Every line is followed by `Kernel::check`.

extern crate std;

use std::string::String;
use std::vec::Vec;

use crate::Kernel;
use crate::machine::{Machine, MachineConfig};
use crate::mem::Ram;

pub(super) struct Console(Vec<u8>);

impl Machine for Console {
    fn console_write(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }
}

/// A kernel and its console.
pub(super) struct Lab {
    pub kernel: Kernel,
    console: Console,
}

impl Lab {
    pub(super) fn new(header: &str) -> Lab {
        let config = MachineConfig::parse(header).expect("a good header");
        let ram = Ram::new(config.frames).expect("memory for the test");
        let kernel = Kernel::boot(ram, &config).expect("the machine boots");
        kernel.check().expect("sound after boot");
        Lab {
            kernel,
            console: Console(Vec::new()),
        }
    }

    /// Runs a line and returns what it printed.
    #[track_caller]
    pub(super) fn run(&mut self, line: &str) -> String {
        self.kernel.run_line(&mut self.console, line.as_bytes());
        if let Err(violation) = self.kernel.check() {
            panic!("after {line:?}: {violation}");
        }
        let text = core::mem::take(&mut self.console.0);
        String::from_utf8(text).expect("text")
    }
}

/// Runs lines and compares what each prints: pairs of a line and its text.
#[track_caller]
fn check(header: &str, pairs: &[(&str, &str)]) -> Lab {
    let mut lab = Lab::new(header);
    for (line, expected) in pairs {
        assert_eq!(lab.run(line), *expected, "{line}");
    }
    lab
}

#[test]
fn a_hierarchy_of_debug() {
    check(
        "mem=4M",
        &[
            ("mkdir /c; mount -t container none /c", ""),
            ("cat /c/tasks", "1\n2\n"),
            ("mkdir /c/a; cat /c/a/tasks", ""),
            ("echo $$ > /c/a/tasks; cat /c/a/tasks /c/tasks", "1\n2\n"),
            (
                "rmdir /c/a",
                "rmdir: failed to remove '/c/a': Device or resource busy\n",
            ),
            (
                "echo 0 > /c/tasks; rmdir /c/a; ls /c/a",
                "ls: cannot access '/c/a': No such file or directory\n",
            ),
            ("umount /c; ls /c", ""),
        ],
    );
}
