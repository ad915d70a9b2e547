//! A subsystem that a module brings ([`crate::module`]): a student's.
//!
//! It has a number of its own behind all others, [`MODULE`], on machines that booted with such a module,
//! and there is nothing of it on others. What it keeps for a container is four words. They lie in the
//! kernel's memory and are the only thing there that the module writes to; so whatever it does, the tree
//! stays a tree, and what it counts wrongly can be read in its files.

use core::fmt::{self, Write};

use bytemuck::{Pod, Zeroable};

use super::subsys::{MODULE, free_state, new_state, state};
use super::{
    CONTAINER, Callback, Callbacks, Cftype, Container, ContainerSubsystem, Css, files, parse_u64,
    tree,
};
use crate::btf::describe;
use crate::errno::Errno;
use crate::fs::Name;
use crate::mem::{FRAME_SIZE, Mem, Ref, UNIT};
use crate::module::{FILES_MAX, SUBSYSTEM};
use crate::task::Task;

/// The subsystem.
pub(super) struct ModuleSubsystem;

/// What it keeps for a container.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct ModuleCss {
    /// The container.
    pub css: Css,
    /// What the module makes of it; zero at first.
    pub state: [u64; 4],
}

describe!(ModuleCss, "module_cgroup", [css, state]);

/// What is kept for `container`, which may be anything; `None` if it is no container of the hierarchy that
/// the subsystem is bound to.
pub fn state_of(mem: &Mem, container: Ref<Container>) -> Option<Ref<ModuleCss>> {
    let fits = |unit: u32, size: usize| {
        unit != 0 && unit as usize * UNIT + size <= mem.frames() as usize * FRAME_SIZE
    };
    if !fits(container.unit(), size_of::<Container>()) {
        return None;
    }
    let css: Ref<ModuleCss> = state(mem, container, MODULE);
    let leads_back =
        fits(css.unit(), size_of::<ModuleCss>()) && mem[css].css.container == container;
    leads_back.then_some(css)
}

/// What is kept for all containers of the hierarchy that the subsystem is bound to.
pub fn states(mem: &Mem) -> impl Iterator<Item = Ref<ModuleCss>> + '_ {
    let root = mem[CONTAINER].roots[MODULE];
    let top = (!root.is_null()).then(|| mem[root].top);
    top.into_iter()
        .flat_map(|top| tree::descendants(mem, top))
        .filter_map(|container| state_of(mem, container))
}

/// The container that a task is in.
pub fn task_container(mem: &Mem, task: Ref<Task>) -> Ref<Container> {
    mem[super::task_css(mem, task, MODULE)].container
}

impl ContainerSubsystem for ModuleSubsystem {
    fn name(&self) -> &'static str {
        SUBSYSTEM
    }

    fn callbacks(&self) -> Callbacks {
        Callbacks::ALWAYS
            .with(Callback::CanAttach)
            .with(Callback::Attach)
            .with(Callback::CanFork)
            .with(Callback::Fork)
            .with(Callback::Exit)
    }

    fn files(&self) -> &'static [Cftype] {
        &ROWS
    }

    fn create(&self, mem: &mut Mem, container: Ref<Container>) -> Result<Ref<Css>, Errno> {
        let css: Ref<ModuleCss> = new_state(mem)?;
        // The core will do so too; but the module looks for it now.
        mem[css].css.container = container;
        mem[container].subsys[MODULE] = css.cast();
        let made = mem.ask_module(|module, mem| module.create(mem, container));
        if let Some(Err(errno)) = made {
            free_state(mem, container, MODULE);
            mem[container].subsys[MODULE] = Ref::NULL;
            return Err(errno);
        }
        Ok(css.cast())
    }

    fn destroy(&self, mem: &mut Mem, container: Ref<Container>) {
        mem.ask_module(|module, mem| module.destroy(mem, container));
        free_state(mem, container, MODULE);
    }

    fn can_attach(
        &self,
        mem: &mut Mem,
        container: Ref<Container>,
        task: Ref<Task>,
    ) -> Result<(), Errno> {
        let may = mem.ask_module(|module, mem| module.can_attach(mem, container, task));
        may.unwrap_or(Ok(()))
    }

    fn attach(&self, mem: &mut Mem, new: Ref<Container>, old: Ref<Container>, task: Ref<Task>) {
        mem.ask_module(|module, mem| module.attach(mem, new, old, task));
    }

    fn can_fork(&self, mem: &mut Mem, child: Ref<Task>) -> Result<(), Errno> {
        let may = mem.ask_module(|module, mem| module.can_fork(mem, child));
        may.unwrap_or(Ok(()))
    }

    fn fork(&self, mem: &mut Mem, child: Ref<Task>) {
        mem.ask_module(|module, mem| module.fork(mem, child));
    }

    fn exit(&self, mem: &mut Mem, task: Ref<Task>) {
        mem.ask_module(|module, mem| module.exit(mem, task));
    }

    /// The names are the module's.
    fn populate(
        &self,
        mem: &mut Mem,
        number: usize,
        container: Ref<Container>,
    ) -> Result<(), Errno> {
        for row in 0..FILES_MAX {
            let mut name = Name::EMPTY;
            let named = mem.ask_module(|module, mem| {
                let found = module.file(mem, row)?;
                name.write_str(found).ok()
            });
            // Made when the module is back in its slot: that needs memory, for which others may have to end.
            if named.flatten().is_some() {
                files::add_named(mem, container, number, row as u32, name.text())?;
            }
        }
        Ok(())
    }
}

/// Its files, whose names only the module knows.
static ROWS: [Cftype; FILES_MAX] = [row::<0>(), row::<1>(), row::<2>(), row::<3>()];

const fn row<const ROW: usize>() -> Cftype {
    Cftype::new(
        "",
        Some(|mem, container, out| read(mem, ROW, container, out)),
        Some(|mem, container, bytes| write(mem, ROW, container, bytes)),
    )
}

fn read(mem: &mut Mem, row: usize, container: Ref<Container>, out: &mut dyn Write) -> fmt::Result {
    let number = mem.ask_module(|module, mem| module.read_u64(mem, row, container));
    match number {
        Some(number) => writeln!(out, "{number}"),
        None => Ok(()),
    }
}

fn write(mem: &mut Mem, row: usize, container: Ref<Container>, bytes: &[u8]) -> Result<(), Errno> {
    let number = parse_u64(bytes)?;
    let taken = mem.ask_module(|module, mem| module.write_u64(mem, row, container, number));
    taken.unwrap_or(Err(Errno::EINVAL))
}
