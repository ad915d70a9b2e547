//! `freezer`: stops all tasks of a container, and lets them go on (specs 1.14; 2.6.28).
//!
//! To freeze is to ask: each task stops when it is about to run its next instruction, so a container is
//! FREEZING until all have, which is looked at when somebody reads its state. A task that sleeps is woken
//! for it and begins its system call anew when it thaws. The console's shell does not freeze: `EBUSY`, and
//! the container stays FREEZING; kernel threads neither freeze nor count.

use core::fmt::{self, Write};

use bytemuck::{Pod, Zeroable};

use super::files::Place;
use super::subsys::{FREEZER, free_state, new_state, state};
use super::{
    Callback, Callbacks, Cftype, Container, ContainerSubsystem, Css, is_root, task_css, tree,
};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};
use crate::task::wait::{self, Why};
use crate::task::{INTERRUPTIBLE, PF_FROZEN, STOPPED, TASK, Task, Tif, UNINTERRUPTIBLE, sched};

/// The subsystem.
pub(super) struct FreezerSubsystem;

/// What it keeps for a container (`struct freezer`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Freezer {
    /// The container.
    pub css: Css,
    /// [`THAWED`], [`FREEZING`] or [`FROZEN`].
    pub state: u32,
    _pad: u32,
}

describe!(Freezer, "freezer", [css, state, _pad: Kind::Padding]);

/// Its tasks run.
pub const THAWED: u32 = 0;
/// They were asked to stop.
pub const FREEZING: u32 = 1;
/// All of them have.
pub const FROZEN: u32 = 2;

const NAMES: [&str; 3] = ["THAWED", "FREEZING", "FROZEN"];

/// The name of a state, as its file has it.
pub fn state_name(state: u32) -> &'static str {
    NAMES.get(state as usize).unwrap_or(&"?")
}

fn freezer_of(mem: &Mem, container: Ref<Container>) -> Ref<Freezer> {
    state(mem, container, FREEZER)
}

/// Whether a task stands still: it froze, or it was stopped and will freeze instead of going on.
fn is_frozen_enough(mem: &Mem, task: Ref<Task>) -> bool {
    let Task { flags, state, .. } = mem[task];
    flags & PF_FROZEN != 0 || state == STOPPED && mem[task].has(Tif::Freeze)
}

/// Whether a task cannot be frozen at all.
fn never_freezes(mem: &Mem, task: Ref<Task>) -> bool {
    mem[task].is_kernel_thread() || task == mem[TASK].init
}

/// Asks a task to freeze.
fn ask(mem: &mut Mem, task: Ref<Task>) {
    if never_freezes(mem, task) || mem[task].flags & PF_FROZEN != 0 {
        return;
    }
    mem[task].thread_flags |= Tif::Freeze as u32;
    if mem[task].state == INTERRUPTIBLE {
        sched::wake_up_process(mem, task);
    }
}

/// Lets a task go on.
fn thaw(mem: &mut Mem, task: Ref<Task>) {
    mem[task].thread_flags &= !(Tif::Freeze as u32);
    if mem[task].flags & PF_FROZEN != 0 {
        mem[task].flags &= !PF_FROZEN;
        sched::wake_up_process(mem, task);
    }
}

/// Whether a task that is about to run an instruction freezes instead; it sleeps then until it is
/// thawed. Whoever runs tasks asks this before each turn, when the
/// task is the current one.
pub fn try_to_freeze(mem: &mut Mem, task: Ref<Task>) -> bool {
    let is_asked = mem[task].has(Tif::Freeze) && !never_freezes(mem, task);
    // One that is frozen may have been woken by its alarm.
    if !is_asked && mem[task].flags & PF_FROZEN == 0 {
        return false;
    }
    mem[task].thread_flags &= !(Tif::Freeze as u32);
    mem[task].flags |= PF_FROZEN;
    wait::sleep(mem, UNINTERRUPTIBLE, Why::Frozen);
    true
}

/// Whether all tasks of a container that can freeze have.
fn all_frozen(mem: &Mem, container: Ref<Container>) -> bool {
    tree::tasks(mem, container)
        .filter(|&task| !mem[task].is_kernel_thread())
        .all(|task| is_frozen_enough(mem, task))
}

/// FREEZING ends when somebody looks.
fn update(mem: &mut Mem, container: Ref<Container>) {
    let freezer = freezer_of(mem, container);
    if mem[freezer].state == FREEZING && all_frozen(mem, container) {
        mem[freezer].state = FROZEN;
    }
}

impl ContainerSubsystem for FreezerSubsystem {
    fn name(&self) -> &'static str {
        "freezer"
    }

    fn callbacks(&self) -> Callbacks {
        Callbacks::ALWAYS
            .with(Callback::CanAttach)
            .with(Callback::Fork)
    }

    fn files(&self) -> &'static [Cftype] {
        &FILES
    }

    fn create(&self, mem: &mut Mem, _: Ref<Container>) -> Result<Ref<Css>, Errno> {
        let freezer: Ref<Freezer> = new_state(mem)?;
        Ok(freezer.cast())
    }

    fn destroy(&self, mem: &mut Mem, container: Ref<Container>) {
        free_state(mem, container, FREEZER);
    }

    /// Nobody moves into or out of what is frozen.
    fn can_attach(
        &self,
        mem: &mut Mem,
        container: Ref<Container>,
        task: Ref<Task>,
    ) -> Result<(), Errno> {
        update(mem, container);
        let is_frozen = mem[task].flags & PF_FROZEN != 0;
        match is_frozen || mem[freezer_of(mem, container)].state == FROZEN {
            true => Err(Errno::EBUSY),
            false => Ok(()),
        }
    }

    fn fork(&self, mem: &mut Mem, child: Ref<Task>) {
        let freezer: Ref<Freezer> = task_css(mem, child, FREEZER).cast();
        let container = mem[freezer].css.container;
        if !is_root(mem, container) && mem[freezer].state == FREEZING {
            ask(mem, child);
        }
    }

    fn check(&self, mem: &Mem, container: Ref<Container>) -> Result<(), &'static str> {
        match mem[freezer_of(mem, container)].state {
            THAWED if tree::tasks(mem, container).any(|task| mem[task].flags & PF_FROZEN != 0) => {
                Err("freezer: a task is frozen where nothing is")
            }
            FROZEN if !all_frozen(mem, container) => {
                Err("freezer: a task runs where everything is frozen")
            }
            THAWED | FREEZING | FROZEN => Ok(()),
            _ => Err("freezer: a container is in no state"),
        }
    }
}

static FILES: [Cftype; 1] =
    [Cftype::new("state", Some(read_state), Some(write_state)).only(Place::BelowTop)];

fn read_state(mem: &mut Mem, container: Ref<Container>, out: &mut dyn Write) -> fmt::Result {
    update(mem, container);
    let state = mem[freezer_of(mem, container)].state;
    writeln!(out, "{}", state_name(state))
}

/// FREEZING cannot be asked for.
///
/// # Errors
/// `EIO` for anything but `FROZEN` and `THAWED`; `EBUSY` if a task cannot freeze: it stays FREEZING.
fn write_state(mem: &mut Mem, container: Ref<Container>, bytes: &[u8]) -> Result<(), Errno> {
    update(mem, container);
    let freezer = freezer_of(mem, container);
    match bytes.trim_ascii() {
        b"FROZEN" => {
            if mem[freezer].state == FROZEN {
                return Ok(());
            }
            mem[freezer].state = FREEZING;
            tree::for_each_task(mem, container, ask);
            let init = mem[TASK].init;
            match tree::tasks(mem, container).any(|task| task == init) {
                true => Err(Errno::EBUSY),
                false => Ok(()),
            }
        }
        b"THAWED" => {
            mem[freezer].state = THAWED;
            tree::for_each_task(mem, container, thaw);
            Ok(())
        }
        _ => Err(Errno::EIO),
    }
}
