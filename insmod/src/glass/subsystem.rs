//! A subsystem of containers.

use super::*;

/// A task.
pub enum Task {}

/// A group of tasks, as far as a subsystem has to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Container {
    _lists: [u64; 4],
    /// The container that it is in; NULL for the topmost one.
    pub parent: Ref<Container>,
    _more: [u32; 4],
    /// Its number, unique in its kernel.
    pub id: u32,
}

/// What your subsystem keeps for a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Css {
    /// The container.
    pub container: Ref<Container>,
    _refcnt: u32,
    /// Four numbers, zero when `create` is called. What they mean is up to you, and nothing else of the
    /// kernel's memory is yours to write to.
    pub state: [u64; 4],
}

// The kernel's own layout; `run/subsystem.rs` says the same of the kernel's types.
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Container, parent) == 32 && offset_of!(Container, id) == 52);
    assert!(offset_of!(Css, state) == 8 && size_of::<Css>() == 40);
};

impl Object for Container {}
impl Object for Css {}

/// A control file. It holds a number, and the kernel does the rest: it reads what was typed (`EINVAL` if
/// that is no number), prints, and finds the container.
#[derive(Clone, Copy)]
pub struct Cftype {
    /// Its name without the subsystem's: `max` is the file `tasklimit.max`. Letters, digits, `_`.
    pub name: &'static str,
    /// What reading it shows.
    pub read_u64: fn(&Mem, Ref<Container>) -> u64,
    /// What writing to it does; without it writing is `EINVAL`.
    pub write_u64: Option<fn(&mut Mem, Ref<Container>, u64) -> Result<(), Errno>>,
}

/// A part of the kernel that cares in which containers tasks are. Whatever is left out does nothing.
///
/// The kernel calls with all containers locked: nothing else changes meanwhile.
pub trait ContainerSubsystem {
    /// Its files in every container's directory, four at most.
    fn files(&self) -> &'static [Cftype] {
        &[]
    }

    /// A container was made. At boot there is the topmost one, and no task in it yet.
    ///
    /// # Errors
    /// Whatever `mkdir` is to fail with.
    fn create(&self, mem: &mut Mem, container: Ref<Container>) -> Result<(), Errno> {
        let _ = (mem, container);
        Ok(())
    }

    /// A container is about to go. Neither tasks nor containers are in it any more.
    fn destroy(&self, mem: &mut Mem, container: Ref<Container>) {
        let _ = (mem, container);
    }

    /// Whether a task may join a container. It is still where it was: see `task_container`. Other
    /// subsystems may refuse afterwards, and nobody says so.
    ///
    /// # Errors
    /// Whatever the attempt is to fail with.
    fn can_attach(
        &self,
        mem: &mut Mem,
        container: Ref<Container>,
        task: Ref<Task>,
    ) -> Result<(), Errno> {
        let _ = (mem, container, task);
        Ok(())
    }

    /// A task has joined a container, and left another.
    fn attach(&self, mem: &mut Mem, new: Ref<Container>, old: Ref<Container>, task: Ref<Task>) {
        let _ = (mem, new, old, task);
    }

    /// Whether there may be a new task, which is where its parent is. Other subsystems may refuse
    /// afterwards, and nobody says so.
    ///
    /// # Errors
    /// Whatever `fork` is to fail with.
    fn can_fork(&self, mem: &mut Mem, child: Ref<Task>) -> Result<(), Errno> {
        let _ = (mem, child);
        Ok(())
    }

    /// There is a new task. At boot it is told of the tasks that there are already.
    fn fork(&self, mem: &mut Mem, child: Ref<Task>) {
        let _ = (mem, child);
    }

    /// A task ends; it still is where it was.
    fn exit(&self, mem: &mut Mem, task: Ref<Task>) {
        let _ = (mem, task);
    }
}

/// What your subsystem keeps for a container.
#[track_caller]
pub fn css(mem: &Mem, container: Ref<Container>) -> Ref<Css> {
    let _ = mem;
    assert!(!container.is_null(), "NULL pointer dereference");
    // SAFETY: a call of the kernel, which looks at its arguments.
    Ref(unsafe { outside::css(container.0) }, PhantomData)
}

/// The container that a task is in: of the hierarchy that your subsystem is mounted in.
pub fn task_container(mem: &Mem, task: Ref<Task>) -> Ref<Container> {
    let _ = mem;
    // SAFETY: a call of the kernel, which looks at its arguments.
    Ref(unsafe { outside::task_container(task.0) }, PhantomData)
}

/// A task's number.
pub fn task_pid(mem: &Mem, task: Ref<Task>) -> u32 {
    let _ = mem;
    // SAFETY: a call of the kernel, which looks at its arguments.
    unsafe { outside::task_pid(task.0) }
}

/// What the kernel does for the module.
mod outside {
    #[link(wasm_import_module = "kernel")]
    unsafe extern "C" {
        pub fn css(container: u32) -> u32;
        pub fn task_container(task: u32) -> u32;
        pub fn task_pid(task: u32) -> u32;
    }
}

/// Files at most, and bytes of a name.
const FILES_MAX: usize = 4;
const NAME_MAX: usize = 32;

/// Names of files, each ended by a zero.
static mut NAMES: [u8; FILES_MAX * NAME_MAX] = [0; FILES_MAX * NAME_MAX];

/// Where the kernel finds the names.
pub(super) fn buffer() -> usize {
    (&raw const NAMES) as usize
}

/// Writes down what the files are called.
fn list(files: &[Cftype]) {
    assert!(files.len() <= FILES_MAX, "more than {FILES_MAX} files");
    for (row, file) in files.iter().enumerate() {
        let name = file.name.as_bytes();
        let is_name = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
        assert!(
            !name.is_empty() && name.len() < NAME_MAX && name.iter().all(is_name),
            "{:?} is no name for a file: small letters, digits and _",
            file.name
        );
        // SAFETY: the kernel calls once, in one thread.
        unsafe {
            let names = &raw mut NAMES;
            (&mut *names)[row * NAME_MAX..][..name.len()].copy_from_slice(name);
        }
    }
}

/// Zero, or the number of the error.
fn code(result: Result<(), Errno>) -> u64 {
    result.err().map_or(0, |errno| errno as u64)
}

/// Callbacks have the kernel's numbers. `a` is the container, and `c` the task; else see there.
pub(super) fn dispatch(mem: &mut Mem, what: u32, a: u32, b: u32, c: u64) -> u64 {
    let ops = &crate::ops::Ops;
    let container = Ref(a, PhantomData);
    let task = Ref(c as u32, PhantomData);
    match what {
        0 => return code(ContainerSubsystem::create(ops, mem, container)),
        2 => ContainerSubsystem::destroy(ops, mem, container),
        3 => return code(ContainerSubsystem::can_attach(ops, mem, container, task)),
        4 => ContainerSubsystem::attach(ops, mem, container, Ref(b, PhantomData), task),
        5 => return code(ContainerSubsystem::can_fork(ops, mem, task)),
        6 => ContainerSubsystem::fork(ops, mem, task),
        7 => ContainerSubsystem::exit(ops, mem, task),
        // Those that are no callbacks: what files there are, and `b` is the number of one, `c` what was
        // written to it.
        100 => list(ContainerSubsystem::files(ops)),
        101 => return (ContainerSubsystem::files(ops)[b as usize].read_u64)(mem, container),
        102 => {
            let write = ContainerSubsystem::files(ops)[b as usize].write_u64;
            return code(match write {
                Some(write) => write(mem, container, c),
                None => Err(Errno::EINVAL),
            });
        }
        _ => {}
    }
    0
}
