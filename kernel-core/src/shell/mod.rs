//! The console's command language. (Being written.)
use crate::{errno::Errno, machine::Machine, mem::Mem};
pub(crate) fn boot(_mem: &mut Mem) -> Result<(), Errno> {
    Ok(())
}
pub(crate) fn run_line(_mem: &mut Mem, machine: &mut dyn Machine, line: &[u8]) -> u8 {
    machine.console_write(line);
    machine.console_write(b"\n");
    0
}
pub(crate) fn is_off(_mem: &Mem) -> bool {
    false
}
pub(crate) fn check(_mem: &Mem) -> Result<(), &'static str> {
    Ok(())
}
