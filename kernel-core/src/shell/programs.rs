//! Programs in the foreground and in the background.
//!
//! A word that is no command of the shell names a program: a path if there is a slash in it, a file of
//! `/bin` otherwise. The shell forks; the child gets the redirections as its descriptors, makes a process
//! group of its own, and executes the program. In the foreground the shell then lets time pass until it
//! ends or stops; its status is `$?`.

use core::fmt::Write;

use super::context::Context;
use super::lexer::Shortened;
use super::nearest::nearest;
use super::words::Words;
use super::{STATUS_NOT_EXECUTABLE, STATUS_NOT_FOUND, commands, jobs};
use crate::errno::Errno;
use crate::fs::{self, File};
use crate::mem::{Mem, Ref};
use crate::task::exit::{self, Status, WUNTRACED, Which};
use crate::task::program::bin::PROGRAMS;
use crate::task::program::{self, Args};
use crate::task::signal::{self, Signal};
use crate::task::{TASK, Task, Tif, fork, sched};
use crate::text::Text;

/// Where programs without a slash are.
const BIN: &str = "/bin";

/// A program that cannot be run; the status says so.
struct Told(u8);

/// Says why a program cannot be run.
fn tell(context: &mut Context<'_>, name: &str, errno: Errno, is_path: bool) -> Told {
    if errno == Errno::ENOENT && !is_path {
        let all = commands::COMMANDS.iter().map(|command| command.name);
        let all = all.chain(PROGRAMS.iter().map(|(name, _)| *name));
        let (meant, name) = (nearest(name, all), Shortened(name));
        match meant {
            Some(meant) => context.error(format_args!(
                "sh: {name}: command not found; did you mean {meant}?"
            )),
            None => context.error(format_args!("sh: {name}: command not found")),
        }
    } else {
        let name = Shortened(name);
        context.error(format_args!("sh: {name}: {}", errno.sentence()));
    }
    Told(match errno {
        Errno::ENOENT => STATUS_NOT_FOUND,
        Errno::EAGAIN | Errno::ENOMEM => 1,
        _ => STATUS_NOT_EXECUTABLE,
    })
}

/// Finds a program: what `exec` is given.
pub(super) fn find(mem: &mut Mem, name: &str, path: &mut Path) -> Result<(), Errno> {
    *path = Path::default();
    let written = match name.contains('/') {
        true => path.write_str(name),
        false => write!(path, "{BIN}/{name}"),
    };
    written.map_err(|_| Errno::ENAMETOOLONG)?;
    let dentry = fs::walk(mem, path.text())?;
    match fs::is_dir(mem, dentry) {
        true => Err(Errno::EISDIR),
        false => Ok(()),
    }
}

/// A program's path: that of `/bin` and a name, or what was typed.
pub(super) type Path = Text<256>;

/// Makes a child of `parent` that is about to run a program, but does not yet. `words` are its
/// arguments, the program's name first; `input` and `output` become its descriptors.
///
/// # Errors
/// Those of `fork` and `exec`; nothing is left then.
pub(super) fn start(
    mem: &mut Mem,
    parent: Ref<Task>,
    path: &str,
    words: &mut dyn Iterator<Item = &str>,
    files: [Option<Ref<File>>; 2],
) -> Result<Ref<Task>, Errno> {
    let child = fork::copy_process(mem, parent, fork::FORK | fork::BARE)?;
    match prepare(mem, child, path, words, files) {
        Ok(()) => Ok(child),
        Err(errno) => {
            abandon(mem, child);
            Err(errno)
        }
    }
}

/// Ends a child that nobody has seen; it leaves no zombie.
pub(super) fn abandon(mem: &mut Mem, child: Ref<Task>) {
    mem[child].thread_flags |= Tif::Adopted as u32;
    exit::do_group_exit(mem, child, exit::exited(STATUS_NOT_FOUND));
}

/// Gives a child what its program begins with.
pub(super) fn prepare(
    mem: &mut Mem,
    child: Ref<Task>,
    path: &str,
    words: &mut dyn Iterator<Item = &str>,
    files: [Option<Ref<File>>; 2],
) -> Result<(), Errno> {
    let signal = mem[child].signal;
    mem[signal].pgrp = mem[child].pid;
    signal::flush_handlers(mem, child);
    // The shell's own descriptors are none of its children's business.
    fs::exit_files(mem, child);
    let [input, output] = files;
    mem[child].files = fs::console_files(mem, input, output)?;
    let args = Args::collect(words)?;
    program::exec(mem, child, path, &args)
}

/// Finds a program and makes a child for it.
fn launch(context: &mut Context<'_>, words: &Words) -> Result<Ref<Task>, Told> {
    let name = words.get(0).unwrap_or("");
    let mut path = Path::default();
    let is_path = name.contains('/');
    let files = [context.input, context.output];
    let init = context.mem[TASK].init;
    let started = find(context.mem, name, &mut path).and_then(|()| {
        let mut words = words.iter_from(0);
        start(context.mem, init, path.text(), &mut words, files)
    });
    started.map_err(|errno| tell(context, name, errno, is_path))
}

/// Runs a program in the foreground and returns its status.
pub(super) fn run(context: &mut Context<'_>, words: &Words, text: &str) -> u8 {
    // If it stops it becomes a job; there has to be room for that.
    let job = jobs::alloc(context.mem);
    let launched = launch(context, words);
    let (job, child) = match (job, launched) {
        (Ok(job), Ok(child)) => (job, child),
        (Ok(job), Err(Told(status))) => {
            jobs::free(context.mem, job);
            return status;
        }
        (Err(errno), launched) => {
            if let Ok(child) = launched {
                abandon(context.mem, child);
                context.error(format_args!("sh: {}", errno.sentence()));
            }
            return 1;
        }
    };
    sched::wake_up_new_task(context.mem, child);
    let pid = context.mem[child].pid;
    let status = wait_for(context, pid);
    if ended(context, status) {
        jobs::free(context.mem, job);
    } else {
        // Stopped, or it goes on although the line has ended: a job.
        jobs::add(context.mem, job, pid, text);
        note_stop(context.mem, pid, status);
    }
    status.map_or(1, Status::shell)
}

/// Has a job go on in the foreground, and returns its status.
pub(super) fn resume(context: &mut Context<'_>, job: Ref<jobs::Job>) -> u8 {
    let pid = context.mem[job].pid;
    let status = wait_for(context, pid);
    match ended(context, status) {
        true => jobs::remove(context.mem, job),
        false => note_stop(context.mem, pid, status),
    }
    status.map_or(1, Status::shell)
}

/// Whether a program in the foreground has ended; says what ended it, unless it is well known.
fn ended(context: &mut Context<'_>, status: Option<Status>) -> bool {
    if let Some(Status::Killed(signal)) = status
        && let Some(signal) = Signal::from_number(signal)
        && !matches!(signal, Signal::Int | Signal::Pipe)
    {
        context.error(format_args!("{}", signal.sentence()));
    }
    matches!(status, Some(Status::Exited(_) | Status::Killed(_)))
}

/// The foreground's status is the job's, if it has stopped.
fn note_stop(mem: &mut Mem, pid: u32, status: Option<Status>) {
    if let Some(Status::Stopped(signal)) = status {
        jobs::note(mem, pid, signal << 8 | 0x7f);
    }
}

/// Lets time pass until a child of the shell has ended or stopped. If the line's steps are used up
/// before, it gets `SIGINT`, as if somebody had pressed Ctrl-C; `None` if it lives on.
pub(super) fn wait_for(context: &mut Context<'_>, pid: u32) -> Option<Status> {
    let init = context.mem[TASK].init;
    context.mem[TASK].tty_pgrp = pid;
    let mut status = None;
    let mut ask = |mem: &mut Mem| {
        if let Ok(Some(waited)) = exit::do_wait(mem, init, Which::Pid(pid), WUNTRACED) {
            status = Some(Status::of(waited.status));
        }
        status.is_some()
    };
    let passed = match ask(context.mem) {
        true => Ok(()),
        false => context.pass_time_until(&mut ask),
    };
    if passed.is_err() && !ask(context.mem) {
        if passed == Err(Errno::EDEADLK) {
            context.error(format_args!(
                "sh: {pid} would sleep for ever: nothing else runs"
            ));
        }
        let group = -(pid as i32);
        let sent = signal::kill(
            context.mem,
            init,
            group,
            Some(Signal::Int),
            &mut signal::settle,
        );
        debug_assert!(sent.is_ok());
        ask(context.mem);
    }
    context.mem[TASK].tty_pgrp = 1;
    status
}

/// Runs a program in the background, as a job.
pub(super) fn run_in_background(context: &mut Context<'_>, words: &Words, text: &str) -> u8 {
    let Some(name) = words.get(0) else {
        return 0;
    };
    let mut path = Path::default();
    if commands::find(name).is_some() && find(context.mem, name, &mut path).is_err() {
        context.error(format_args!(
            "sh: {name}: only programs can run in the background"
        ));
        return 1;
    }
    let job = match jobs::alloc(context.mem) {
        Ok(job) => job,
        Err(errno) => {
            context.error(format_args!("sh: {}", errno.sentence()));
            return 1;
        }
    };
    let child = match launch(context, words) {
        Ok(child) => child,
        Err(Told(status)) => {
            jobs::free(context.mem, job);
            return status;
        }
    };
    sched::wake_up_new_task(context.mem, child);
    let pid = context.mem[child].pid;
    jobs::add(context.mem, job, pid, text);
    let number = context.mem[job].number;
    context.error(format_args!("[{number}] {pid}"));
    0
}

/// A name that a task can be given, from a program's path.
pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
