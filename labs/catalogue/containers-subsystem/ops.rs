//! My subsystem `tasklimit`.
//!
//!     cargo xtask lab try containers-subsystem --ops ops.rs
//!
//! `glass` is the kernel as a subsystem sees it: `Mem`, `Ref`, `Container`, `Task`, `Css`, `Errno`, ...
//! Nothing else can be used, and no `unsafe`. `mem[css(mem, container)].state[0]` is the first of four
//! numbers that the kernel keeps for you with each container; `printk!("{}", task_pid(mem, task))` writes
//! a line into its log.

use glass::*;

pub struct Ops;

/// What my four numbers mean. All of them are 0 when a container is made.
const CURRENT: usize = 0;

/// The files in each container's directory: `tasklimit.current`, and what else you need.
static FILES: [Cftype; 1] = [Cftype {
    name: "current",
    read_u64: |mem, container| mem[css(mem, container)].state[CURRENT],
    write_u64: None,
}];

impl ContainerSubsystem for Ops {
    fn files(&self) -> &'static [Cftype] {
        &FILES
    }

    /// A container was made. `mem[container].parent` is the one that it is in; NULL for the topmost one,
    /// which is made at boot.
    fn create(&self, mem: &mut Mem, container: Ref<Container>) -> Result<(), Errno> {
        let _ = (mem, container);
        Ok(())
    }

    /// May this task join? It is still where it was: in `task_container(mem, task)`.
    fn can_attach(
        &self,
        mem: &mut Mem,
        container: Ref<Container>,
        task: Ref<Task>,
    ) -> Result<(), Errno> {
        let _ = (mem, container, task);
        Ok(())
    }

    /// It has joined.
    fn attach(&self, mem: &mut Mem, new: Ref<Container>, old: Ref<Container>, task: Ref<Task>) {
        let _ = (mem, new, old, task);
    }

    /// May there be a child? It would be where its parent is: in `task_container(mem, child)`.
    fn can_fork(&self, mem: &mut Mem, child: Ref<Task>) -> Result<(), Errno> {
        let _ = (mem, child);
        Ok(())
    }

    /// There is a child.
    fn fork(&self, mem: &mut Mem, child: Ref<Task>) {
        let _ = (mem, child);
    }

    /// A task ends. It is still where it was.
    fn exit(&self, mem: &mut Mem, task: Ref<Task>) {
        let _ = (mem, task);
    }
}
