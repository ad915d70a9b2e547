//! What `/proc` says of containers (specs 1.11).

use core::fmt::{self, Write};

use super::{
    CONTAINER, Hierarchy, hierarchies, nr_subsystems, subsys, subsystem_name, task_container, tree,
};
use crate::mem::{Mem, Ref};
use crate::task::Task;

/// `/proc/cgroups` and `/proc/containers`: a header at 0, a subsystem a record behind it, each with the
/// subsystems of its hierarchy as bits (0 if it is not mounted) and the number of that one's containers.
/// Returns the next position.
pub(crate) fn show_subsystems(
    mem: &Mem,
    position: u64,
    out: &mut dyn Write,
) -> Result<Option<u64>, fmt::Error> {
    let Some(number) = (position as usize).checked_sub(1) else {
        writeln!(out, "#subsys_name\thierarchy\tnum_cgroups")?;
        return Ok(Some(1));
    };
    let root = mem[CONTAINER].roots[number];
    let Hierarchy {
        subsys_bits,
        number_of_containers,
        ..
    } = mem[root];
    let bits = match root == mem[CONTAINER].dummy {
        true => 0,
        false => subsys_bits,
    };
    let name = subsystem_name(number);
    writeln!(out, "{name}\t{bits}\t{number_of_containers}")?;
    Ok(Some(position + 1).filter(|&next| next <= nr_subsystems(mem) as u64))
}

/// `/proc/<pid>/cgroup` and `/proc/<pid>/container`: a line a hierarchy, the newest first.
pub(crate) fn show_task(mem: &Mem, task: Ref<Task>, out: &mut dyn Write) -> fmt::Result {
    for root in hierarchies(mem) {
        subsys::write_names(out, mem[root].subsystems())?;
        out.write_char(':')?;
        tree::path(mem, task_container(mem, task, root), out)?;
        out.write_char('\n')?;
    }
    Ok(())
}
