//! What runs in the background, and what became of it.
//!
//! A command that ends with `&`, or that a signal has stopped, becomes a *job*: an entry with a number,
//! the process and the text that was typed. When the process ends, it stays as a zombie until the shell
//! asks: at the end of each line, and in `wait` and `jobs`. Children that `spawn` made are no jobs;
//! they are asked for as well, without a word.

use core::fmt::{self, Write};
use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::context::Context;
use super::{SHELL, ShellData};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::machine::Machine;
use crate::mem::{Gfp, ListHead, Mem, Ref};
use crate::slab::{self, kmem_cache_alloc, kmem_cache_free};
use crate::task::exit::{self, Status, WCONTINUED, WUNTRACED};
use crate::task::signal::Signal;
use crate::task::{TASK, Tif};
use crate::text::Text;

/// Bytes of a job's text that are kept.
const TEXT: usize = 96;

/// A command in the background.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Job {
    /// Link in the shell's list, by number.
    list: ListHead,
    /// Number of the process.
    pub pid: u32,
    /// Number of the job.
    pub number: u32,
    /// 0 while nothing was heard of it; 1 if [`Job::status`] is news; 2 if it was told.
    heard: u32,
    /// Status of the last change; see [`Status::of`].
    status: u32,
    text: [u8; TEXT],
}

describe!(
    Job,
    "shell_job",
    [list, pid, number, heard, status, text: Kind::Text]
);

impl Job {
    fn text(&self) -> &str {
        let length = self.text.iter().position(|&byte| byte == 0);
        core::str::from_utf8(&self.text[..length.unwrap_or(TEXT)]).unwrap_or("?")
    }

    /// What became of it; `None` while it runs.
    pub(super) fn status(&self) -> Option<Status> {
        let status = Status::of(self.status);
        (self.heard != 0 && status != Status::Continued).then_some(status)
    }

    /// What its process ended with.
    pub(super) fn ended(&self) -> Option<Status> {
        self.status()
            .filter(|status| !matches!(status, Status::Stopped(_)))
    }
}

/// Makes the cache.
pub(super) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    mem.list_init(head());
    let ctor = slab::Constructor::None;
    let size = size_of::<Job>() as u32;
    mem[SHELL].job_cache = slab::kmem_cache_create(mem, Job::TYPE.name, size, 8, ctor)?;
    Ok(())
}

fn head() -> Ref<ListHead> {
    SHELL.byte_add(offset_of!(ShellData, jobs))
}

/// The jobs by number.
pub(super) fn jobs(mem: &Mem) -> impl Iterator<Item = Ref<Job>> + '_ {
    mem.list_iter(head()).map(Ref::cast)
}

/// A job before its process is there, so that nothing fails when it is.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn alloc(mem: &mut Mem) -> Result<Ref<Job>, Errno> {
    let cache = mem[SHELL].job_cache;
    kmem_cache_alloc(mem, cache, Gfp::KERNEL)
}

/// Gives a job back that was not used.
pub(super) fn free(mem: &mut Mem, job: Ref<Job>) {
    let cache = mem[SHELL].job_cache;
    kmem_cache_free(mem, cache, job);
}

/// Lists a job with the next number.
pub(super) fn add(mem: &mut Mem, job: Ref<Job>, pid: u32, text: &str) {
    let last = jobs(mem).last();
    let number = last.map_or(1, |last| mem[last].number + 1);
    mem[job] = Job {
        pid,
        number,
        ..Job::zeroed()
    };
    let mut end = text.len().min(TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    mem[job].text[..end].copy_from_slice(&text.as_bytes()[..end]);
    mem.list_add_tail(job.cast(), head());
    mem[SHELL].last_job = pid;
}

/// The job of a process.
pub(super) fn find(mem: &Mem, pid: u32) -> Option<Ref<Job>> {
    jobs(mem).find(|&job| mem[job].pid == pid)
}

/// The job that `%1`, `%+` or `%-` means, or `%%` and `%`.
pub(super) fn parse(mem: &Mem, word: &str) -> Option<Ref<Job>> {
    let name = word.strip_prefix('%')?;
    match name {
        "" | "%" | "+" => jobs(mem).last(),
        "-" => jobs(mem).nth(jobs(mem).count().checked_sub(2)?),
        _ => {
            let number: u32 = name.parse().ok()?;
            jobs(mem).find(|&job| mem[job].number == number)
        }
    }
}

/// Takes a job off the list.
pub(super) fn remove(mem: &mut Mem, job: Ref<Job>) {
    mem.list_del(job.cast());
    free(mem, job);
}

/// Notes what became of a child, if it is a job.
pub(super) fn note(mem: &mut Mem, pid: u32, status: u32) {
    if let Some(job) = find(mem, pid) {
        (mem[job].heard, mem[job].status) = (1, status);
    }
}

/// Asks for the shell's children, if any has said that it changed (`SIGCHLD`).
pub(super) fn ask(mem: &mut Mem) {
    let init = mem[TASK].init;
    let signal = mem[init].signal;
    let bit = Signal::Chld.bit();
    if mem[signal].shared_pending & bit == 0 {
        return;
    }
    mem[signal].shared_pending &= !bit;
    mem[init].thread_flags &= !(Tif::SigPending as u32);
    exit::wait_all(mem, init, WUNTRACED | WCONTINUED, &mut |mem, waited| {
        note(mem, waited.pid, waited.status);
    });
}

/// Prints a job as `jobs` does.
fn show(mem: &Mem, job: Ref<Job>, out: &mut dyn Write) -> fmt::Result {
    let last = jobs(mem).last();
    let mark = if last == Some(job) {
        '+'
    } else if last.is_some_and(|last| mem[last.cast::<ListHead>()].prev == job.cast()) {
        '-'
    } else {
        ' '
    };
    let Job { number, .. } = mem[job];
    write!(out, "[{number}]{mark}  ")?;
    let text = mem[job].text();
    match mem[job].status() {
        None => writeln!(out, "{:<24}{text} &", "Running"),
        Some(Status::Exited(0)) => writeln!(out, "{:<24}{text}", "Done"),
        Some(Status::Exited(code)) => writeln!(out, "Exit {code:<19}{text}"),
        Some(Status::Killed(signal) | Status::Stopped(signal)) => {
            let signal = Signal::from_number(signal);
            let says = match signal {
                Some(Signal::Tstp) | None => "Stopped",
                Some(signal) => signal.sentence(),
            };
            writeln!(out, "{says:<24}{text}")
        }
        Some(Status::Continued) => Ok(()),
    }
}

/// Prints all jobs, or with `only_news` those of which there is any. Those that have ended go.
pub(super) fn list(context: &mut Context<'_>, only_news: bool) -> fmt::Result {
    let mut next = jobs(context.mem).next();
    while let Some(job) = next {
        let link: Ref<ListHead> = job.cast();
        let after = context.mem[link].next;
        next = (after != head()).then(|| after.cast());
        let Job { heard, .. } = context.mem[job];
        let is_news = heard == 1 && context.mem[job].status().is_some();
        if !only_news || is_news {
            let mut line = Line::default();
            show(context.mem, job, &mut line)?;
            context.write_str(line.text())?;
        }
        if heard == 1 {
            context.mem[job].heard = 2;
        }
        if context.mem[job].ended().is_some() {
            remove(context.mem, job);
        }
    }
    Ok(())
}

/// Prints a job's command as it goes on; beside the shell, with its number.
pub(super) fn announce(context: &mut Context<'_>, job: Ref<Job>, beside: bool) -> fmt::Result {
    let Job { number, .. } = context.mem[job];
    let mut line = Line::default();
    let text = context.mem[job].text();
    match beside {
        true => writeln!(line, "[{number}]+ {text} &")?,
        false => writeln!(line, "{text}")?,
    }
    context.write_str(line.text())
}

/// A job's line, made before it is printed, since both need the kernel.
type Line = Text<160>;

/// Tells at the end of a line what became of jobs.
pub(super) fn report(mem: &mut Mem, machine: &mut dyn Machine) {
    ask(mem);
    if mem.list_is_empty(head()) {
        return;
    }
    let mut context = Context::new(mem, machine);
    // The console takes everything; running out of steps is told elsewhere.
    let _ = list(&mut context, true);
    let _ = context.finish();
}

/// Checks the list.
pub(super) fn check(mem: &Mem) -> Result<(), &'static str> {
    if !mem.list_is_sound(head(), mem.frames() * 32) {
        return Err("shell: the list of jobs is broken");
    }
    let mut before = 0;
    for job in jobs(mem) {
        if mem[job].number <= before {
            return Err("shell: jobs are not in the order of their numbers");
        }
        before = mem[job].number;
    }
    Ok(())
}
