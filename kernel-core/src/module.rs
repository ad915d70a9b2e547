//! What a host may load into a kernel: code from outside, a student's, say.
//!
//! A [`Module`] fills a slot that the kernel has for it; its [`Kind`] says which:
//!
//! | kind | the slot | who asks |
//! |---|---|---|
//! | [`Kind::Slab`] | *get* and *kick* of the cache of connections | [`crate::slab::conn`] |
//! | [`Kind::Subsystem`] | one more subsystem of containers, [`SUBSYSTEM`] | [`crate::container`] |
//! | [`Kind::OomPolicy`] | the policy `module` of the OOM killer | [`crate::oom::module`] |
//! | [`Kind::ProcFile`] | what reading and writing `/proc/fortune` does | [`crate::fs::fortune`] |
//!
//! All kinds share one trait, whose methods do nothing unless they are overridden, so the kernel asks
//! whoever is loaded and need not know what it is. What a module keeps lies in the kernel's frames, where
//! everybody can see it: four words a container, or the pot of `/proc/fortune` and its two numbers. A
//! subsystem must be there when containers are set up, so it comes with [`crate::Kernel::boot_with`]; a
//! kernel that booted without one has no slot, and its bytes are those that it always had.
//!
//! Who keeps the code in is the host's business: the kernel believes a module what it returns.

extern crate alloc;

use alloc::boxed::Box;
use core::any::Any;
use core::fmt;

use crate::container::Container;
use crate::errno::Errno;
use crate::fs::proc_module::Answer;
use crate::mem::{FRAME_SIZE, Mem, Ref};
use crate::oom::module::Candidate;
use crate::slab::{KmemCache, Object};
use crate::task::Task;

/// The name of the subsystem that a module brings, as mount options and files have it.
pub const SUBSYSTEM: &str = "tasklimit";

/// Files that a module's subsystem may have in a container's directory.
pub const FILES_MAX: usize = 4;

/// Which slot a module fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`Module::get`] and [`Module::kick`].
    Slab,
    /// [`Module::create`] to [`Module::write_u64`].
    Subsystem,
    /// [`Module::read_proc`] and [`Module::write_proc`].
    ProcFile,
    /// [`Module::badness`].
    OomPolicy,
}

/// Code that a host brings.
pub trait Module: Any + Send {
    /// Which slot it fills.
    fn kind(&self) -> Kind;

    /// See [`crate::slab::defrag::CacheOps::get`].
    fn get(&mut self, _: &mut Mem, _: Ref<KmemCache>, objects: &mut [Ref<Object>]) -> u32 {
        objects.fill(Ref::NULL);
        0
    }

    /// See [`crate::slab::defrag::CacheOps::kick`].
    fn kick(&mut self, _: &mut Mem, _: Ref<KmemCache>, _: &[Ref<Object>], _private: u32) {}

    /// The name of the subsystem's file number `row`, without [`SUBSYSTEM`] before it; `None` behind the
    /// last. There are [`FILES_MAX`] at most.
    fn file(&mut self, _: &mut Mem, _row: usize) -> Option<&str> {
        None
    }

    /// A container was made, and what is kept for it is zero.
    ///
    /// # Errors
    /// Whatever `mkdir` is to fail with; at boot, nothing.
    fn create(&mut self, _: &mut Mem, _: Ref<Container>) -> Result<(), Errno> {
        Ok(())
    }

    /// A container is about to go.
    fn destroy(&mut self, _: &mut Mem, _: Ref<Container>) {}

    /// See [`crate::container::ContainerSubsystem::can_attach`].
    ///
    /// # Errors
    /// As there.
    fn can_attach(&mut self, _: &mut Mem, _: Ref<Container>, _: Ref<Task>) -> Result<(), Errno> {
        Ok(())
    }

    /// See [`crate::container::ContainerSubsystem::attach`].
    fn attach(&mut self, _: &mut Mem, _new: Ref<Container>, _old: Ref<Container>, _: Ref<Task>) {}

    /// See [`crate::container::ContainerSubsystem::can_fork`].
    ///
    /// # Errors
    /// As there.
    fn can_fork(&mut self, _: &mut Mem, _child: Ref<Task>) -> Result<(), Errno> {
        Ok(())
    }

    /// See [`crate::container::ContainerSubsystem::fork`].
    fn fork(&mut self, _: &mut Mem, _child: Ref<Task>) {}

    /// See [`crate::container::ContainerSubsystem::exit`].
    fn exit(&mut self, _: &mut Mem, _: Ref<Task>) {}

    /// What file number `row` of a container shows.
    fn read_u64(&mut self, _: &mut Mem, _row: usize, _: Ref<Container>) -> u64 {
        0
    }

    /// A number was written to file number `row` of a container.
    ///
    /// # Errors
    /// Whatever `write` is to fail with; `EINVAL` for a file that is only read.
    fn write_u64(
        &mut self,
        _: &mut Mem,
        _row: usize,
        _: Ref<Container>,
        _: u64,
    ) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    /// How much a process deserves to be killed when memory has run out: the highest number dies, and 0
    /// is nobody's.
    fn badness(&mut self, _: &mut Mem, _: &Candidate) -> u64 {
        0
    }

    /// See [`crate::fs::proc_module::ReadProc`].
    ///
    /// # Errors
    /// Whatever `read` is to fail with.
    fn read_proc(
        &mut self,
        _: &mut Mem,
        _page: &mut [u8; FRAME_SIZE],
        _offset: u64,
        _count: usize,
    ) -> Result<Answer, Errno> {
        Ok(Answer::END)
    }

    /// See [`crate::fs::proc_module::WriteProc`].
    ///
    /// # Errors
    /// Whatever `write` is to fail with.
    fn write_proc(&mut self, _: &mut Mem, _: &[u8]) -> Result<usize, Errno> {
        Err(Errno::EIO)
    }
}

/// The place for a module.
#[derive(Default)]
pub(crate) struct ModuleSlot(Option<Box<dyn Module>>);

impl fmt::Debug for ModuleSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "a module"
        } else {
            "no module"
        })
    }
}

impl Mem {
    /// Loads a module, or unloads it, and returns the one that was there.
    pub fn load_module(&mut self, module: Option<Box<dyn Module>>) -> Option<Box<dyn Module>> {
        core::mem::replace(&mut self.module.0, module)
    }

    /// Whether a module of this kind is loaded.
    pub(crate) fn has_module(&self, kind: Kind) -> bool {
        let module = self.module.0.as_ref();
        module.is_some_and(|module| module.kind() == kind)
    }

    /// Asks the module, which is out of its slot meanwhile; `None` if there is none.
    pub(crate) fn ask_module<T>(
        &mut self,
        ask: impl FnOnce(&mut dyn Module, &mut Mem) -> T,
    ) -> Option<T> {
        let mut module = self.load_module(None)?;
        let answer = ask(&mut *module, self);
        self.load_module(Some(module));
        Some(answer)
    }
}
