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

// What labs needs; interim until the shell is here, keep these names: trees, current_tree, root_of, complete, NamedTree::{name, last_key}.
use crate::{mem::Ref, radix_tree::RadixTreeRoot};
/// A tree with a name.
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct NamedTree { root: RadixTreeRoot }
impl NamedTree {
    /// Its name.
    pub fn name(&self) -> &str { "" }
    /// The key used last.
    pub fn last_key(&self) -> Option<u64> { None }
}
/// The trees in the order of their creation.
pub fn trees(_mem: &Mem) -> impl Iterator<Item = Ref<NamedTree>> + '_ { core::iter::empty() }
/// The tree used last.
pub fn current_tree(_mem: &Mem) -> Option<Ref<NamedTree>> { None }
/// Its root.
pub fn root_of(tree: Ref<NamedTree>) -> Ref<RadixTreeRoot> { tree.cast() }
/// Words that may end the line.
pub fn complete(_mem: &Mem, _line: &str, _found: &mut dyn FnMut(&str)) {}
