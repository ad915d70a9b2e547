//! Reads `-append`: the machine header, and a word or two about what to do with it.
//!
//! The command line is a machine header (`mem=64M nodes=2 ...`, see the log format) in which
//! `selftest=NAME` and `hangup=poweroff` may stand as well. Firmware and QEMU add words of their
//! own, with a dot in their key (`virtio_mmio.device=...`); they are left out. Everything else goes
//! to the kernel core, which knows the header's keys and rejects what it does not know.

use alloc::string::String;

/// What `-append` asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The machine header; empty for the default machine.
    pub header: String,
    /// Which test to run instead of a session.
    pub self_test: Option<String>,
    /// Power off when the program at the protocol port goes away.
    pub end_on_hangup: bool,
}

impl CommandLine {
    /// Reads the bytes of `-append`. Bytes that are not UTF-8 read as `U+FFFD`.
    pub fn parse(bytes: &[u8]) -> CommandLine {
        let mut parsed = CommandLine::default();
        for word in String::from_utf8_lossy(bytes).split_ascii_whitespace() {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            if key == "selftest" {
                parsed.self_test = Some(value.into());
            } else if word == "hangup=poweroff" {
                parsed.end_on_hangup = true;
            } else if !key.contains('.') {
                if !parsed.header.is_empty() {
                    parsed.header.push(' ');
                }
                parsed.header.push_str(word);
            }
        }
        parsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &[u8], header: &str, self_test: Option<&str>) {
        let expected = CommandLine {
            header: header.into(),
            self_test: self_test.map(String::from),
            end_on_hangup: false,
        };
        assert_eq!(CommandLine::parse(text), expected);
    }

    #[test]
    fn the_header_keeps_its_words_and_order() {
        check(b"", "", None);
        check(
            b" mem=64M  nodes=2\tcpus=2 ",
            "mem=64M nodes=2 cpus=2",
            None,
        );
        check(b"mem=1M unknown=3 word", "mem=1M unknown=3 word", None);
    }

    #[test]
    fn a_self_test_may_stand_anywhere() {
        check(b"selftest=all", "", Some("all"));
        check(
            b"mem=8M selftest=stack cpus=2",
            "mem=8M cpus=2",
            Some("stack"),
        );
        check(b"selftest", "", Some(""));
    }

    #[test]
    fn a_hangup_may_end_the_machine() {
        let parsed = CommandLine::parse(b"mem=8M hangup=poweroff cpus=2");
        assert!(parsed.end_on_hangup);
        assert_eq!(parsed.header, "mem=8M cpus=2");
        check(b"hangup=stay", "hangup=stay", None);
    }

    #[test]
    fn what_qemu_adds_is_left_out() {
        check(
            b"mem=8M virtio_mmio.device=512@0xfeb00e00:12",
            "mem=8M",
            None,
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_passed_on_as_such() {
        check(b"mem=\xff", "mem=\u{fffd}", None);
    }
}
