//! What a subsystem may do.
//!
//! A subsystem is a row of [`SUBSYSTEMS`]; its place there is its number. A module that was loaded before
//! boot brings one more, [`MODULE`]. Which of the callbacks below
//! it has, it says with [`ContainerSubsystem::callbacks`]; the others are never called, as where Linux
//! has NULL. Each call emits an event with what it returned, so whoever watches can follow a move step
//! by step, up to a veto.

use core::fmt;

use bytemuck::Pod;

use super::cpu::CpuSubsystem;
use super::cpuacct::CpuacctSubsystem;
use super::cpuset::CpusetSubsystem;
use super::debug::Debug;
use super::devices::DevicesSubsystem;
use super::freezer::FreezerSubsystem;
use super::memory::MemorySubsystem;
use super::module::ModuleSubsystem;
use super::oom::OomSubsystem;
use super::pids::PidsSubsystem;
use super::{CONTAINER, Cftype, Container, Css, SUBSYS_MAX};
use crate::errno::Errno;
use crate::mem::{Gfp, Mem, Ref};
use crate::slab;
use crate::task::Task;
use crate::trace::Tracepoint;

/// The subsystems of this kernel, by their numbers (`container_subsys.h`). As in Linux they are known
/// when the kernel is compiled; a new one is a row at the end.
pub static SUBSYSTEMS: [&dyn ContainerSubsystem; 9] = [
    &CpusetSubsystem,
    &CpuSubsystem,
    &CpuacctSubsystem,
    &MemorySubsystem,
    &DevicesSubsystem,
    &FreezerSubsystem,
    &Debug,
    &PidsSubsystem,
    &OomSubsystem,
];

/// The number of `cpuset`. What a subsystem keeps is found by its number.
pub const CPUSET: usize = 0;
/// That of `cpu`.
pub const CPU: usize = 1;
/// That of `cpuacct`.
pub const CPUACCT: usize = 2;
/// That of `memory`.
pub const MEMORY: usize = 3;
/// That of `devices`.
pub const DEVICES: usize = 4;
/// That of `freezer`.
pub const FREEZER: usize = 5;
/// That of `debug`.
pub const DEBUG: usize = 6;
/// That of `pids`.
pub const PIDS: usize = 7;
/// That of `oom`.
pub const OOM: usize = 8;
/// That of the subsystem that a module brings.
pub const MODULE: usize = SUBSYSTEMS.len();
const _: () = assert!(MODULE < SUBSYS_MAX);

/// Subsystems of this machine: all of [`SUBSYSTEMS`], and perhaps a module's.
#[inline]
pub fn nr_subsystems(mem: &Mem) -> usize {
    match mem[CONTAINER].roots[MODULE].is_null() {
        true => SUBSYSTEMS.len(),
        false => MODULE + 1,
    }
}

/// Subsystem number `number`.
#[inline]
pub(super) fn subsystem(number: usize) -> Option<&'static dyn ContainerSubsystem> {
    match number {
        MODULE => Some(&ModuleSubsystem),
        _ => SUBSYSTEMS.get(number).copied(),
    }
}

/// The name of subsystem number `number`.
pub fn subsystem_name(number: usize) -> &'static str {
    subsystem(number).map_or("?", |subsystem| subsystem.name())
}

/// A subsystem's callbacks, as events number them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Callback {
    /// [`ContainerSubsystem::create`].
    Create = 0,
    /// [`ContainerSubsystem::pre_destroy`].
    PreDestroy = 1,
    /// [`ContainerSubsystem::destroy`].
    Destroy = 2,
    /// [`ContainerSubsystem::can_attach`].
    CanAttach = 3,
    /// [`ContainerSubsystem::attach`].
    Attach = 4,
    /// [`ContainerSubsystem::can_fork`].
    CanFork = 5,
    /// [`ContainerSubsystem::fork`].
    Fork = 6,
    /// [`ContainerSubsystem::exit`].
    Exit = 7,
    /// [`ContainerSubsystem::populate`].
    Populate = 8,
    /// [`ContainerSubsystem::bind`].
    Bind = 9,
    /// [`ContainerSubsystem::post_clone`].
    PostClone = 10,
}

impl Callback {
    const NAMES: [&'static str; 11] = [
        "create",
        "pre_destroy",
        "destroy",
        "can_attach",
        "attach",
        "can_fork",
        "fork",
        "exit",
        "populate",
        "bind",
        "post_clone",
    ];

    /// The name of the callback of that number.
    pub fn name_of(number: u64) -> &'static str {
        Callback::NAMES.get(number as usize).unwrap_or(&"?")
    }
}

/// A set of callbacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Callbacks(u32);

impl Callbacks {
    /// `create`, `destroy` and `populate`, which every subsystem has.
    pub const ALWAYS: Callbacks = Callbacks(0)
        .with(Callback::Create)
        .with(Callback::Destroy)
        .with(Callback::Populate);
    /// All of them.
    pub const ALL: Callbacks = Callbacks(!0);

    /// One more.
    pub const fn with(self, callback: Callback) -> Callbacks {
        Callbacks(self.0 | 1 << callback as u32)
    }

    /// Whether `callback` is one of them.
    #[inline]
    pub const fn has(self, callback: Callback) -> bool {
        self.0 >> callback as u32 & 1 != 0
    }
}

/// A part of the kernel that cares in which containers tasks are (`struct container_subsys`).
///
/// Everything runs under what would be the lock of all containers (`container_mutex`): nothing else
/// changes meanwhile.
pub trait ContainerSubsystem: Sync {
    /// Its name, as mount options have it.
    fn name(&self) -> &'static str;

    /// Which of the callbacks below it has. What it leaves out is not called.
    fn callbacks(&self) -> Callbacks {
        Callbacks::ALL
    }

    /// Whether names of its files begin with its name wherever the core adds no prefix: the patches of
    /// May 2007 leave that to the subsystems, and only cpuset does without.
    fn has_own_prefix(&self) -> bool {
        true
    }

    /// Its files in a container's directory, in the order in which they are made.
    fn files(&self) -> &'static [Cftype] {
        &[]
    }

    /// Makes what it keeps for a new container: an object that begins with a [`Css`], whose fields the
    /// core fills in. At boot the container has no parent. (In the patches of May 2007 this returned a
    /// number and stored the pointer itself.)
    ///
    /// # Errors
    /// Whatever `mkdir` is to fail with, after `destroy` was called for the subsystems before it.
    fn create(&self, mem: &mut Mem, container: Ref<Container>) -> Result<Ref<Css>, Errno>;

    /// Frees that. The container is about to go, or another subsystem has refused it.
    fn destroy(&self, mem: &mut Mem, container: Ref<Container>);

    /// A container without tasks and children shall go: drop references to it (since 2.6.25).
    ///
    /// # Errors
    /// Whatever `rmdir` is to fail with.
    fn pre_destroy(&self, _: &mut Mem, _: Ref<Container>) -> Result<(), Errno> {
        Ok(())
    }

    /// Whether a task may join a container. Whatever [`ContainerSubsystem::attach`] needs is to be had
    /// here, since that cannot fail; but another subsystem may still refuse, and nobody says so.
    ///
    /// # Errors
    /// Whatever the attempt is to fail with; nothing has changed then.
    fn can_attach(
        &self,
        _: &mut Mem,
        _container: Ref<Container>,
        _: Ref<Task>,
    ) -> Result<(), Errno> {
        Ok(())
    }

    /// A task has joined a container.
    fn attach(&self, _: &mut Mem, _new: Ref<Container>, _old: Ref<Container>, _: Ref<Task>) {}

    /// Whether there may be a new task, which is where its parent is (since 4.3; kernels of the era could
    /// not refuse). Nothing but another subsystem can refuse afterwards, and nobody says so.
    ///
    /// # Errors
    /// Whatever `fork` is to fail with.
    fn can_fork(&self, _: &mut Mem, _child: Ref<Task>) -> Result<(), Errno> {
        Ok(())
    }

    /// A new task will be visible at once; it is where its parent is. Called for every subsystem,
    /// mounted or not.
    fn fork(&self, _: &mut Mem, _child: Ref<Task>) {}

    /// A task ends; it still is where it was. Called for every subsystem, mounted or not.
    fn exit(&self, _: &mut Mem, _: Ref<Task>) {}

    /// Makes its files in a new directory.
    ///
    /// # Errors
    /// `ENOMEM`; nobody minds, and the directory stays half filled.
    fn populate(
        &self,
        mem: &mut Mem,
        number: usize,
        container: Ref<Container>,
    ) -> Result<(), Errno> {
        super::files::add_all(mem, container, number, self.files())
    }

    /// It was bound to another hierarchy, whose topmost container is `top`.
    fn bind(&self, _: &mut Mem, _top: Ref<Container>) {}

    /// Checks what it keeps for a container.
    ///
    /// # Errors
    /// A sentence that names the first violation.
    fn check(&self, _: &Mem, _: Ref<Container>) -> Result<(), &'static str> {
        Ok(())
    }

    /// A container was made for a task that asked for one of its own, and will hold it at once.
    fn post_clone(&self, _: &mut Mem, _: Ref<Container>) {}
}

/// What a subsystem keeps for a container.
#[inline]
pub(super) fn state<T>(mem: &Mem, container: Ref<Container>, number: usize) -> Ref<T> {
    mem[container].subsys[number].cast()
}

/// Room for that, all zeroes.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn new_state<T: Pod>(mem: &mut Mem) -> Result<Ref<T>, Errno> {
    let state: Ref<T> = slab::kmalloc(mem, size_of::<T>() as u32, Gfp::KERNEL)?.cast();
    mem[state] = T::zeroed();
    Ok(state)
}

/// Gives it back.
pub(super) fn free_state(mem: &mut Mem, container: Ref<Container>, number: usize) {
    let css = mem[container].subsys[number];
    slab::kfree(mem, css.cast());
}

/// Whom and what a call concerned.
#[derive(Clone, Copy)]
struct Call {
    callback: Callback,
    subsystem: usize,
    container: Ref<Container>,
    old: Ref<Container>,
    task: Ref<Task>,
}

impl Call {
    fn new(callback: Callback, subsystem: usize, container: Ref<Container>) -> Call {
        Call {
            callback,
            subsystem,
            container,
            old: Ref::NULL,
            task: Ref::NULL,
        }
    }

    /// Tells of the call, if anybody listens.
    #[inline]
    fn done<T>(self, mem: &mut Mem, result: &Result<T, Errno>) {
        if mem.is_traced() {
            self.tell(mem, result.as_ref().err().copied());
        }
    }

    #[inline(never)]
    fn tell(self, mem: &mut Mem, error: Option<Errno>) {
        let id = |mem: &Mem, container: Ref<Container>| match container.is_null() {
            true => 0,
            false => u64::from(mem[container].id),
        };
        let pid = match self.task.is_null() {
            true => 0,
            false => u64::from(mem[self.task].pid),
        };
        let args = [
            self.callback as u64,
            self.subsystem as u64,
            id(mem, self.container),
            id(mem, self.old),
            pid,
            error.map_or(0, |errno| -(errno as i64)) as u64,
        ];
        mem.emit(Tracepoint::CgroupCallback, args);
    }
}

/// Subsystem number `number`, if it has that callback.
#[inline]
fn with(number: usize, callback: Callback) -> Option<&'static dyn ContainerSubsystem> {
    subsystem(number).filter(|subsystem| subsystem.callbacks().has(callback))
}

/// Calls `create`, and links what it has made with the container.
pub(super) fn create(
    mem: &mut Mem,
    number: usize,
    container: Ref<Container>,
) -> Result<Ref<Css>, Errno> {
    let subsystem = subsystem(number).ok_or(Errno::ENOENT)?;
    let result = subsystem.create(mem, container);
    if let Ok(css) = result {
        mem[css] = Css {
            container,
            refcnt: 0,
        };
    }
    Call::new(Callback::Create, number, container).done(mem, &result);
    result
}

/// Calls `destroy`.
pub(super) fn destroy(mem: &mut Mem, number: usize, container: Ref<Container>) {
    if let Some(subsystem) = subsystem(number) {
        subsystem.destroy(mem, container);
        mem[container].subsys[number] = Ref::NULL;
        Call::new(Callback::Destroy, number, container).done(mem, &Ok(()));
    }
}

/// Calls `pre_destroy`.
pub(super) fn pre_destroy(
    mem: &mut Mem,
    number: usize,
    container: Ref<Container>,
) -> Result<(), Errno> {
    let Some(subsystem) = with(number, Callback::PreDestroy) else {
        return Ok(());
    };
    let result = subsystem.pre_destroy(mem, container);
    Call::new(Callback::PreDestroy, number, container).done(mem, &result);
    result
}

/// Calls `can_attach`.
pub(super) fn can_attach(
    mem: &mut Mem,
    number: usize,
    container: Ref<Container>,
    old: Ref<Container>,
    task: Ref<Task>,
) -> Result<(), Errno> {
    let Some(subsystem) = with(number, Callback::CanAttach) else {
        return Ok(());
    };
    let result = subsystem.can_attach(mem, container, task);
    let call = Call::new(Callback::CanAttach, number, container);
    Call { old, task, ..call }.done(mem, &result);
    result
}

/// Calls `attach`.
pub(super) fn attach(
    mem: &mut Mem,
    number: usize,
    container: Ref<Container>,
    old: Ref<Container>,
    task: Ref<Task>,
) {
    if let Some(subsystem) = with(number, Callback::Attach) {
        subsystem.attach(mem, container, old, task);
        let call = Call::new(Callback::Attach, number, container);
        Call { old, task, ..call }.done(mem, &Ok(()));
    }
}

/// Calls `can_fork` of every subsystem. A module's is asked first, as in a hierarchy the one that came
/// last; so it meets forks that others refuse afterwards.
pub(super) fn can_fork(mem: &mut Mem, task: Ref<Task>) -> Result<(), Errno> {
    let module = SUBSYSTEMS.len()..nr_subsystems(mem);
    for number in module.chain(0..SUBSYSTEMS.len()) {
        let Some(subsystem) = with(number, Callback::CanFork) else {
            continue;
        };
        let result = subsystem.can_fork(mem, task);
        let container = mem[super::task_css(mem, task, number)].container;
        let call = Call::new(Callback::CanFork, number, container);
        Call { task, ..call }.done(mem, &result);
        result?;
    }
    Ok(())
}

/// Calls `fork` or `exit` of every subsystem, in the order of their numbers.
pub(super) fn for_task(mem: &mut Mem, callback: Callback, task: Ref<Task>) {
    for number in 0..nr_subsystems(mem) {
        let Some(subsystem) = with(number, callback) else {
            continue;
        };
        match callback {
            Callback::Fork => subsystem.fork(mem, task),
            _ => subsystem.exit(mem, task),
        }
        let container = mem[super::task_css(mem, task, number)].container;
        let call = Call::new(callback, number, container);
        Call { task, ..call }.done(mem, &Ok(()));
    }
}

/// Calls `populate`.
pub(super) fn populate(mem: &mut Mem, number: usize, container: Ref<Container>) {
    if let Some(subsystem) = with(number, Callback::Populate) {
        let result = subsystem.populate(mem, number, container);
        Call::new(Callback::Populate, number, container).done(mem, &result);
    }
}

/// Calls `post_clone`.
pub(super) fn post_clone(mem: &mut Mem, number: usize, container: Ref<Container>) {
    if let Some(subsystem) = with(number, Callback::PostClone) {
        subsystem.post_clone(mem, container);
        Call::new(Callback::PostClone, number, container).done(mem, &Ok(()));
    }
}

/// Calls `bind`.
pub(super) fn bind(mem: &mut Mem, number: usize, top: Ref<Container>) {
    if let Some(subsystem) = with(number, Callback::Bind) {
        subsystem.bind(mem, top);
        Call::new(Callback::Bind, number, top).done(mem, &Ok(()));
    }
}

/// Prints the names of the subsystems of a set of bits, in the order of their numbers.
pub(crate) fn write_subsystems(out: &mut dyn fmt::Write, bits: u32) -> fmt::Result {
    write_names(out, super::hierarchy::numbers(bits))
}

/// Prints the names of subsystems with commas between them.
pub(super) fn write_names(
    out: &mut dyn fmt::Write,
    numbers: impl Iterator<Item = usize>,
) -> fmt::Result {
    let mut comma = "";
    for number in numbers {
        write!(out, "{comma}{}", subsystem_name(number))?;
        comma = ",";
    }
    Ok(())
}
