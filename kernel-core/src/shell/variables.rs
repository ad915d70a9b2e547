//! Where variables are kept: `NAME=value` strings one behind the other, each ended by a zero byte,
//! as in a Unix environment.

use bytemuck::{Pod, Zeroable};

use super::SHELL;
use super::lexer::is_name;
use crate::btf::{Kind, describe};
use crate::mem::Mem;

/// Bytes that all variables may take.
pub(super) const ROOM: usize = 3072;

/// All variables.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Variables {
    used: u32,
    text: [u8; ROOM],
}

describe!(Variables, "environ", [used, text: Kind::Text]);

impl Variables {
    fn strings(&self) -> impl Iterator<Item = &str> {
        let used = &self.text[..(self.used as usize).min(ROOM)];
        let strings = used.split(|&byte| byte == 0);
        strings.filter_map(|bytes| core::str::from_utf8(bytes).ok())
    }
}

/// The value of a variable, if it was set.
pub(super) fn get<'a>(mem: &'a Mem, name: &str) -> Option<&'a str> {
    let strings = mem[SHELL].variables.strings();
    let mut pairs = strings.filter_map(|string| string.split_once('='));
    pairs
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// The names of all variables.
pub(super) fn names(mem: &Mem) -> impl Iterator<Item = &str> {
    let strings = mem[SHELL].variables.strings();
    strings
        .filter_map(|string| string.split_once('='))
        .map(|(name, _)| name)
}

/// There is no room for a variable.
pub(super) struct Full;

/// Sets a variable.
pub(super) fn set(mem: &mut Mem, name: &str, value: &str) -> Result<(), Full> {
    let old = get(mem, name).map_or(0, |old| name.len() + old.len() + 2);
    let length = name.len() + value.len() + 2;
    let variables = &mut mem[SHELL].variables;
    let used = variables.used as usize;
    if used - old + length > ROOM {
        return Err(Full);
    }
    let mut end = used;
    if old > 0 {
        // The old string goes, the ones behind it close up.
        let start = start_of(variables, name);
        variables.text.copy_within(start + old..used, start);
        end -= old;
        variables.text[end..used].fill(0);
    }
    for part in [name, "=", value] {
        variables.text[end..end + part.len()].copy_from_slice(part.as_bytes());
        end += part.len();
    }
    variables.used = end as u32 + 1;
    Ok(())
}

/// Where a variable's string begins.
fn start_of(variables: &Variables, name: &str) -> usize {
    let mut start = 0;
    for string in variables.strings() {
        if string
            .split_once('=')
            .is_some_and(|(known, _)| known == name)
        {
            break;
        }
        start += string.len() + 1;
    }
    start
}

/// Checks that the strings are names with values, each name once.
pub(super) fn check(mem: &Mem) -> Result<(), &'static str> {
    let Variables { used, text } = &mem[SHELL].variables;
    let used = *used as usize;
    if used > ROOM || text[used..].iter().any(|&byte| byte != 0) {
        return Err("shell: variables beyond their end");
    }
    if used > 0 && text[used - 1] != 0 {
        return Err("shell: the last variable has no end");
    }
    let mut count = 0;
    for string in text[..used].split_inclusive(|&byte| byte == 0) {
        count += 1;
        let string = core::str::from_utf8(string).unwrap_or("");
        if !string
            .split_once('=')
            .is_some_and(|(name, _)| is_name(name))
        {
            return Err("shell: a variable without a name");
        }
    }
    for (index, name) in names(mem).enumerate() {
        if names(mem).skip(index + 1).any(|other| other == name) {
            return Err("shell: a variable stands twice");
        }
    }
    if names(mem).count() != count {
        return Err("shell: a variable was lost");
    }
    Ok(())
}
