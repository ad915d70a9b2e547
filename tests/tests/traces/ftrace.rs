//! Reads ftrace's text by its grammar:
//!
//! ```text
//! # a comment
//!               sh-1     [000] ....     0.000123: event_name: field=value ...
//! CPU:0 [LOST 17 EVENTS]
//! ```
//!
//! The task is padded to 16 characters, its number to 5, the CPU has three digits, the flags four
//! characters, the microseconds six digits. Text that a program wrote to `trace_marker` shows as the
//! event `tracing_mark_write`; `B|PID|NAME` and `E|PID` in it begin and end a slice.

use super::Entry;

pub fn read(file: &[u8]) -> Result<Vec<Entry>, String> {
    let text = std::str::from_utf8(file).map_err(|error| error.to_string())?;
    let mut lines = text.split_terminator('\n').zip(1..).peekable();
    if lines.next() != Some(("# tracer: nop", 1)) {
        return Err("no header".into());
    }
    if !text.ends_with('\n') {
        return Err("the last line has no end".into());
    }
    while lines.next_if(|(line, _)| line.starts_with('#')).is_some() {}
    let mut entries = Vec::new();
    let mut last = 0;
    // The task whose slice is open: whoever begins one ends it.
    let mut open = None;
    for (line, number) in lines {
        let entry = read_line(line).ok_or_else(|| format!("line {number}: {line:?}"))?;
        let task = line.get(..22);
        let is_nested = match entry {
            Entry::Begin { .. } => open.replace(task).is_none(),
            Entry::End { .. } => open.take() == Some(task),
            Entry::Event { .. } | Entry::Lost { .. } => true,
        };
        if !is_nested {
            return Err(format!("line {number}: slices of {task:?}: {line:?}"));
        }
        let at = match &entry {
            Entry::Begin { at, .. } | Entry::End { at, .. } | Entry::Event { at, .. } => *at,
            Entry::Lost { .. } => last,
        };
        if at < last {
            return Err(format!("line {number}: time runs backwards: {line:?}"));
        }
        last = at;
        entries.push(entry);
    }
    Ok(entries)
}

/// A number that is written with at least `digits` digits, and only so many if it needs no more.
fn number(text: &str, digits: usize) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_padded = text.len() == digits || text.len() > digits && !text.starts_with('0');
    (is_plain && is_padded).then(|| text.parse().ok())?
}

fn read_line(line: &str) -> Option<Entry> {
    if let Some(rest) = line.strip_prefix("CPU:") {
        let (cpu, rest) = rest.split_once(" [LOST ")?;
        number(cpu, 1)?;
        let count = number(rest.strip_suffix(" EVENTS]")?, 1)?;
        return Some(Entry::Lost { count });
    }
    let (task, rest) = line.split_at_checked(16)?;
    let task = task.trim_start_matches(' ');
    let (pid, rest) = rest.strip_prefix('-')?.split_at_checked(5)?;
    let pid = number(pid.trim_end_matches(' '), 1)?;
    if !matches!((task, pid), ("sh", 1) | ("swapper", 0)) {
        return None;
    }
    let (cpu, rest) = rest.strip_prefix(" [")?.split_once("] ")?;
    let cpu = number(cpu, 3)?;
    let rest = rest.strip_prefix(".... ")?;
    let (time, rest) = rest.split_once(": ")?;
    let (seconds, micros) = time.split_once('.')?;
    if seconds.len() < 5 || micros.len() != 6 {
        return None;
    }
    let at = number(seconds.trim_start_matches(' '), 1)? * 1_000_000 + number(micros, 6)?;
    let (name, fields) = rest.split_once(": ")?;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_name) {
        return None;
    }
    if name == "tracing_mark_write" {
        return match fields.split_once('|')? {
            ("B", rest) => Some(Entry::Begin {
                name: rest.strip_prefix("1|")?.to_string(),
                at,
                cpu,
            }),
            ("E", "1") => Some(Entry::End { at, cpu }),
            _ => None,
        };
    }
    for field in fields.split(' ') {
        let (name, value) = field.split_once('=')?;
        if name.is_empty() || !name.bytes().all(is_name) || value.is_empty() {
            return None;
        }
    }
    Some(Entry::Event {
        at,
        cpu,
        name: name.to_string(),
        fields: fields.to_string(),
    })
}
