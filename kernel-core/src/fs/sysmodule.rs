//! `/sys/module/<driver>/parameters`: what can be set of a driver while it runs.
//!
//! There is one, Android's low-memory killer. Its files are found when they are looked for, as those of a
//! cache are ([`super::sysslab`]): a machine where nobody does keeps nothing of them.

use core::fmt::Write;

use super::generated::{Entry, Family, Shown, Stop, file};
use crate::errno::Errno;
use crate::mem::Mem;
use crate::oom::lowmem::{self, Parameter};

/// The drivers.
const DRIVERS: [&str; 1] = ["lowmemorykiller"];
/// Its parameters, by name.
const NAMES: [(&str, Parameter); 4] = [
    ("adj", Parameter::Adj),
    ("cost", Parameter::Cost),
    ("debug_level", Parameter::DebugLevel),
    ("minfree", Parameter::Minfree),
];

/// `/sys/module`. A member's number is its place, from 1.
pub(super) const MODULES: Family = Family {
    directory: "module",
    is_there: |_| true,
    find: |_, _, name| place(DRIVERS.iter().position(|&driver| driver == name)),
    list: |_, _, position, out| write_name(DRIVERS.get(position as usize)?, position, out),
    files: &[],
    inner: &[2],
    owner: None,
    link: None,
    leaf: None,
};

/// `parameters`, which stands in the members of the other.
pub(super) const PARAMETERS: Family = Family {
    directory: "parameters",
    is_there: |_| false,
    find: |_, _, name| place(NAMES.iter().position(|(known, _)| *known == name)),
    list: |_, _, position, out| write_name(NAMES.get(position as usize)?.0, position, out),
    files: &[],
    inner: &[],
    owner: None,
    link: None,
    leaf: Some(&PARAMETER),
};

static PARAMETER: Entry = file("", show, Some(store));

fn place(found: Option<usize>) -> Option<u32> {
    found.map(|place| place as u32 + 1)
}

fn write_name(name: &str, position: u64, out: &mut dyn Write) -> Option<u64> {
    out.write_str(name).ok()?;
    Some(position + 1)
}

fn parameter(number: u32) -> Result<Parameter, Errno> {
    let row = NAMES.get(number.wrapping_sub(1) as usize);
    row.map(|&(_, which)| which).ok_or(Errno::ENODEV)
}

fn show(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    let which = parameter(number).map_err(Stop::Errno)?;
    lowmem::show(mem, which, out)?;
    Ok(None)
}

fn store(mem: &mut Mem, number: u32, bytes: &[u8]) -> Result<(), Errno> {
    lowmem::store(mem, parameter(number)?, bytes)
}
