//! The input log as text: a header line with the machine, then one console line a step.
//!
//! The log *is* the session: a script, a permalink, a submission. Its first line is a header if
//! [`MachineConfig::is_header`] says so; otherwise the default machine runs it and every line is a
//! console line. A blank line is a step that does nothing. `\r\n` counts as `\n`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::machine::MachineConfig;

/// A log taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log<'a> {
    /// The header, empty if the log has none.
    pub header: &'a str,
    /// The console lines.
    pub lines: Vec<&'a [u8]>,
}

/// Takes a log apart. Any bytes are a log.
pub fn parse(log: &[u8]) -> Log<'_> {
    let mut lines: Vec<&[u8]> = log
        .split(|&byte| byte == b'\n')
        .map(without_returns)
        .collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let header = lines
        .first()
        .and_then(|line| core::str::from_utf8(line).ok())
        .filter(|line| MachineConfig::is_header(line))
        .unwrap_or("");
    if !header.is_empty() {
        lines.remove(0);
    }
    Log { header, lines }
}

/// A line without the carriage returns at its end, which are another system's way to end it.
pub fn without_returns(mut line: &[u8]) -> &[u8] {
    while let Some(rest) = line.strip_suffix(b"\r") {
        line = rest;
    }
    line
}

/// Writes a log.
pub fn write<'a>(config: &MachineConfig, lines: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut log = config.to_string().into_bytes();
    log.push(b'\n');
    for line in lines {
        log.extend_from_slice(line);
        log.push(b'\n');
    }
    log
}

/// Reads a header; the error is a sentence for a person.
pub fn parse_header(header: &str) -> Result<MachineConfig, String> {
    MachineConfig::parse(header).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(log: &str, header: &str, lines: &[&str]) {
        let parsed = parse(log.as_bytes());
        assert_eq!(parsed.header, header);
        assert_eq!(
            parsed.lines,
            lines.iter().map(|line| line.as_bytes()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn logs_with_and_without_header() {
        check("", "", &[]);
        check("mem=1M\n", "mem=1M", &[]);
        check(
            "mem=1M cpus=2\necho a\n\necho b",
            "mem=1M cpus=2",
            &["echo a", "", "echo b"],
        );
        check("echo mem=1M\r\nx=1\r\r\n", "", &["echo mem=1M", "x=1"]);
        check("\n\n", "", &["", ""]);
    }

    #[test]
    fn a_written_log_reads_the_same() {
        let config = MachineConfig::default();
        let log = write(&config, [b"a".as_slice(), b"", b"\xff"].into_iter());
        let parsed = parse(&log);
        assert_eq!(parse_header(parsed.header), Ok(config));
        assert_eq!(parsed.lines, [b"a".as_slice(), b"", b"\xff"]);
    }
}
