//! A subsystem of containers.

use kernel_core::container::module::{self, ModuleCss};
use kernel_core::container::{Callback, Container};
use kernel_core::errno::Errno;
use kernel_core::mem::{Mem, Ref, UNIT};
use kernel_core::module::FILES_MAX;
use kernel_core::slab::Object;
use kernel_core::task::Task;
use wasmi::{Caller, Error, Linker};

use super::window::{self, Call, enter, parts};
use super::{Ask, Loaded};
use crate::Fault;

// The layout that `glass/subsystem.rs` has as well.
const _: () = {
    use std::mem::offset_of;
    assert!(offset_of!(Container, parent) == 32 && offset_of!(Container, id) == 52);
    assert!(offset_of!(ModuleCss, state) == 8 && size_of::<ModuleCss>() == 40);
};

/// Bytes of the place for a file's name.
const NAME_MAX: usize = 32;

/// Numbers of what are no callbacks: what files there are, and what one of them shows and takes.
const FILES: u32 = 100;
const READ_U64: u32 = 101;
const WRITE_U64: u32 = 102;

/// What a callback has been given.
pub(super) struct Rights {
    /// Containers.
    containers: Vec<Ref<Container>>,
    /// The task that it is about.
    task: Option<Ref<Task>>,
}

/// The number of a callback.
fn number(name: &str) -> u32 {
    let known = (0..).take_while(|&number| Callback::name_of(number) != "?");
    known
        .into_iter()
        .find(|&number| Callback::name_of(number) == name)
        .map_or(u32::MAX, |number| number as u32)
}

/// Calls a callback. Returns what it returned, unless it was stopped.
fn call(
    module: &Loaded,
    mem: &mut Mem,
    name: &'static str,
    containers: &[Ref<Container>],
    task: Option<Ref<Task>>,
    ask: Ask,
) -> Option<u64> {
    let rights = window::Rights::Subsystem(Rights {
        containers: containers.to_vec(),
        task,
    });
    Some(module.call(mem, name, rights, ask)?.0)
}

/// Calls a callback that returns nothing.
pub(super) fn tell(
    module: &Loaded,
    mem: &mut Mem,
    name: &'static str,
    containers: &[Ref<Container>],
    task: Option<Ref<Task>>,
) -> Option<u64> {
    let unit = |index: usize| {
        containers
            .get(index)
            .map_or(0, |at: &Ref<Container>| at.unit())
    };
    let ask = Ask {
        what: number(name),
        a: unit(0),
        b: unit(1),
        c: task.map_or(0, Ref::unit).into(),
        ..Ask::default()
    };
    call(module, mem, name, containers, task, ask)
}

/// Calls a callback that may refuse. One that was stopped does not.
pub(super) fn may(
    module: &Loaded,
    mem: &mut Mem,
    name: &'static str,
    containers: &[Ref<Container>],
    task: Option<Ref<Task>>,
) -> Result<(), Errno> {
    result(tell(module, mem, name, containers, task).unwrap_or(0))
}

/// What a number means that a callback returned.
pub(super) fn result(code: u64) -> Result<(), Errno> {
    match code {
        0 => Ok(()),
        code => Err(Errno::from_number(code as u32).unwrap_or(Errno::EINVAL)),
    }
}

/// The name of file number `row`.
pub(super) fn file<'a>(module: &'a mut Loaded, mem: &mut Mem, row: usize) -> Option<&'a str> {
    if module.names.is_none() {
        let ask = Ask {
            what: FILES,
            output: FILES_MAX * NAME_MAX,
            ..Ask::default()
        };
        let rights = window::Rights::Subsystem(Rights {
            containers: Vec::new(),
            task: None,
        });
        let (_, names) = module.call(mem, "files", rights, ask)?;
        let names = names.chunks_exact(NAME_MAX).map(name);
        module.names = Some(names.map_while(|name| name).collect());
    }
    module.names.as_ref()?.get(row).map(String::as_str)
}

/// A name as the module wrote it down, which has looked at it; but nobody believes a module.
fn name(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    let is_letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
    let is_name = end > 0 && bytes[..end].iter().all(is_letter);
    is_name.then(|| String::from_utf8_lossy(&bytes[..end]).into_owned())
}

/// What file number `row` of a container shows.
pub(super) fn read_u64(
    module: &Loaded,
    mem: &mut Mem,
    row: usize,
    container: Ref<Container>,
) -> u64 {
    let ask = Ask {
        what: READ_U64,
        a: container.unit(),
        b: row as u32,
        ..Ask::default()
    };
    call(module, mem, "read_u64", &[container], None, ask).unwrap_or(0)
}

/// A number was written to file number `row` of a container.
pub(super) fn write_u64(
    module: &Loaded,
    mem: &mut Mem,
    row: usize,
    container: Ref<Container>,
    number: u64,
) -> Result<(), Errno> {
    let ask = Ask {
        what: WRITE_U64,
        a: container.unit(),
        b: row as u32,
        c: number,
        ..Ask::default()
    };
    result(call(module, mem, "write_u64", &[container], None, ask).unwrap_or(0))
}

/// The calls of the kernel that only a subsystem has.
pub(super) fn link<'a>(linker: &mut Linker<Call<'a>>) -> Result<(), Error> {
    linker
        .func_wrap(
            "kernel",
            "css",
            |mut caller: Caller<'_, Call<'a>>, container: u32| -> Result<u32, Error> {
                enter(&mut caller)?;
                let (_, call) = parts(&mut caller)?;
                let container: Ref<Container> = Ref::new(container);
                match module::state_of(call.mem, container) {
                    Some(css) => Ok(css.unit()),
                    None => {
                        let text =
                            format!("{} asked for the css of {container}, which is no container of its hierarchy", call.name);
                        Err(call.stop(Fault::Wild, text))
                    }
                }
            },
        )?
        .func_wrap(
            "kernel",
            "task_container",
            |mut caller: Caller<'_, Call<'a>>, task: u32| -> Result<u32, Error> {
                enter(&mut caller)?;
                let (_, call) = parts(&mut caller)?;
                let task = known_task(call, task)?;
                Ok(module::task_container(call.mem, task).unit())
            },
        )?
        .func_wrap(
            "kernel",
            "task_pid",
            |mut caller: Caller<'_, Call<'a>>, task: u32| -> Result<u32, Error> {
                enter(&mut caller)?;
                let (_, call) = parts(&mut caller)?;
                let task = known_task(call, task)?;
                Ok(call.mem[task].pid)
            },
        )?;
    Ok(())
}

/// The task of that place, if it is the one that the callback is about.
fn known_task(call: &Call<'_>, unit: u32) -> Result<Ref<Task>, Error> {
    let task: Ref<Task> = Ref::new(unit);
    match &call.rights {
        window::Rights::Subsystem(rights) if rights.task == Some(task) => Ok(task),
        _ => {
            let text = format!("{} asked about {task}, which is not its task", call.name);
            Err(call.stop(Fault::Wild, text))
        }
    }
}

/// Whether a subsystem may write to the four bytes at `at`: to the numbers that it keeps for a container.
///
/// # Errors
/// What is there, in words.
pub(super) fn may_write(mem: &Mem, rights: &Rights, at: usize) -> Result<(), String> {
    let given = rights.containers.iter();
    let given = given.filter_map(|&container| module::state_of(mem, container));
    let is_in = |css: Ref<ModuleCss>| {
        let begin = css.unit() as usize * UNIT;
        let numbers = begin + std::mem::offset_of!(ModuleCss, state);
        (numbers..begin + size_of::<ModuleCss>()).contains(&at)
    };
    // One that is being made, or is about to go, may not be in the tree.
    if given.chain(module::states(mem)).any(is_in) {
        return Ok(());
    }
    let place: Ref<Object> = Ref::new((at / UNIT) as u32);
    Err(match kernel_core::slab::place_at(mem, place) {
        Some(found) => format!("an object of the cache {}", mem[found.cache].name()),
        None => "none of its numbers".to_string(),
    })
}
