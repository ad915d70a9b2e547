//! `spawn`: stages a task.
//!
//! A lab needs situations: a mail server with 300 MB that has run for two days, a hog of another user,
//! a zombie. `spawn` makes such a task in one step. If `/bin` has a program of that name, the task runs
//! it; else it is a *staged sleeper* that runs nothing, but is listed, weighed, killed and contained as
//! any other.
//!
//! The keys change what the task has inherited, and ask for nobody's permission: the teacher stages.
//! Only `fork`'s own limits hold. A key that is wrong is told before anything is made.

use core::fmt::Write;

use super::{Outcome, Stop};
use crate::errno::Errno;
use crate::mem::{MEM, Mem, Ref};
use crate::oom::weights;
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::words::Words;
use crate::shell::{STATUS_USAGE, programs, units};
use crate::task::cred::{CAP_FULL, CAPABILITIES, Cred};
use crate::task::signal::Signal;
use crate::task::{self, TASK, Task, UNINTERRUPTIBLE, exit, fork, mm, sched, signal, user};

/// Memory of a staged task for which nothing was said: a small daemon's.
const DEFAULT_VM: u32 = 446;
const DEFAULT_RSS: u32 = 240;

/// What the keys say; `None` is what the task inherits.
#[derive(Default)]
struct Keys {
    uid: Option<u32>,
    gid: Option<u32>,
    nice: Option<i32>,
    vm: Option<u32>,
    rss: Option<u32>,
    utime: Option<u64>,
    stime: Option<u64>,
    age: Option<u64>,
    caps: Option<u64>,
    oom_adj: Option<i32>,
    mems: Option<u32>,
    cpus: Option<u32>,
    ppid: Option<u32>,
    pgrp: Option<u32>,
    nproc: Option<u32>,
    policy: Option<u32>,
    threads: u32,
    count: u32,
    state: Option<char>,
}

/// The keys with what they take, for messages.
pub(in crate::shell) const KEYS: [(&str, &str); 19] = [
    ("uid", "a number"),
    ("gid", "a number"),
    ("nice", "-20 to 19"),
    ("vm", "a size such as 64M"),
    ("rss", "a size such as 64M"),
    ("utime", "a duration such as 1.5s"),
    ("stime", "a duration such as 1.5s"),
    ("age", "a duration such as 2h"),
    (
        "caps",
        "all, none, a number, or names such as sys_admin,kill",
    ),
    ("oom_adj", "-17 to 15"),
    ("mems", "a list of nodes such as 0-1"),
    ("cpus", "a list of CPUs such as 0,2"),
    ("ppid", "the number of a living process"),
    ("pgrp", "a number"),
    ("nproc", "a number"),
    ("policy", "normal or batch"),
    ("threads", "1 to 1000"),
    ("count", "1 to 200000"),
    ("state", "S, D, T or Z"),
];

fn capabilities(word: &str) -> Option<u64> {
    match word {
        "all" => return Some(CAP_FULL),
        "none" => return Some(0),
        _ => {}
    }
    if let Some(number) = super::parse_number(word) {
        return (number <= CAP_FULL).then_some(number);
    }
    let mut caps = 0;
    for name in word.split(',') {
        let has_prefix = name
            .get(..4)
            .is_some_and(|cap| cap.eq_ignore_ascii_case("cap_"));
        let name = if has_prefix { &name[4..] } else { name };
        let found = CAPABILITIES
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name))?;
        caps |= 1 << found;
    }
    Some(caps)
}

impl Keys {
    /// Takes a key; `None` if its value is wrong.
    fn set(&mut self, mem: &Mem, key: &str, value: &str) -> Option<()> {
        fn between<T: core::str::FromStr + PartialOrd>(word: &str, least: T, most: T) -> Option<T> {
            let number = word.parse().ok()?;
            (least <= number && number <= most).then_some(number)
        }
        let id = || between(value, 0, u32::MAX - 1);
        match key {
            "uid" => self.uid = Some(id()?),
            "gid" => self.gid = Some(id()?),
            "nice" => self.nice = Some(between(value, -20, 19)?),
            "vm" => self.vm = Some(units::pages(value)?),
            "rss" => self.rss = Some(units::pages(value)?),
            "utime" => self.utime = Some(units::duration(value)?),
            "stime" => self.stime = Some(units::duration(value)?),
            "age" => self.age = Some(units::duration(value)?),
            "caps" => self.caps = Some(capabilities(value)?),
            "oom_adj" => self.oom_adj = Some(between(value, -17, 15)?),
            "mems" => self.mems = Some(units::mask(value, mem[MEM].nr_nodes)?),
            "cpus" => self.cpus = Some(units::mask(value, mem[MEM].nr_cpus)?),
            "ppid" => {
                let pid = id()?;
                let parent = task::find_task_by_pid(mem, pid)?;
                let lives = mem[parent].exit_state == 0 && !mem[parent].is_kernel_thread();
                self.ppid = (lives && mem[parent].is_leader()).then_some(Some(pid))?;
            }
            "pgrp" => self.pgrp = Some(between(value, 1, i32::MAX as u32)?),
            "nproc" => self.nproc = Some(id()?),
            "policy" => {
                self.policy = Some(match value {
                    "normal" => 0,
                    "batch" => 3,
                    _ => return None,
                });
            }
            "threads" => self.threads = between(value, 1, 1000)?,
            "count" => self.count = between(value, 1, 200_000)?,
            "state" => {
                let mut chars = value.chars();
                let state = chars.next()?;
                let is_one = chars.next().is_none() && "SDTZ".contains(state);
                self.state = is_one.then_some(Some(state))?;
            }
            _ => return None,
        }
        Some(())
    }
}

/// `spawn NAME [KEY=VALUE]... [-- ARGUMENT...]`.
pub(in crate::shell) fn spawn(context: &mut Context<'_>, words: &Words) -> Outcome {
    let name = words.get(1).ok_or(Stop::Usage)?;
    let mut keys = Keys::default();
    let mut end = words.len();
    for (index, word) in (2..).zip(words.iter_from(2)) {
        if word == "--" {
            end = index;
            break;
        }
        let Some((key, value)) = word.split_once('=') else {
            return Err(Stop::Usage);
        };
        if keys.set(context.mem, key, value).is_none() {
            match KEYS.iter().find(|(known, _)| *known == key) {
                Some((_, takes)) => context.error(format_args!(
                    "spawn: {key}: '{}' is not {takes}",
                    Shortened(value)
                )),
                None => {
                    context.error(format_args!("spawn: there is no key '{}'", Shortened(key)));
                }
            }
            return Ok(STATUS_USAGE);
        }
    }
    if keys.vm.unwrap_or(u32::MAX) < keys.rss.unwrap_or(0) {
        context.error(format_args!("spawn: rss is more than vm"));
        return Ok(STATUS_USAGE);
    }
    let mut path = programs::Path::default();
    let is_program = match programs::find(context.mem, name, &mut path) {
        Ok(()) => true,
        Err(Errno::ENOMEM) => {
            context.error(format_args!("spawn: {}", Errno::ENOMEM.sentence()));
            return Ok(1);
        }
        Err(_) => false,
    };
    let staged_only = keys.state.is_some() || keys.threads > 1;
    if is_program && staged_only || !is_program && end < words.len() {
        context.error(match is_program {
            true => format_args!("spawn: state and threads are for staged tasks"),
            false => format_args!("spawn: there is no program to take arguments"),
        });
        return Ok(STATUS_USAGE);
    }
    let mut pids = [0; 2];
    let mut result = Ok(());
    for number in 0..keys.count.max(1) {
        let mut arguments =
            core::iter::once(programs::base_name(name)).chain(words.iter_from(end + 1));
        let made = match is_program {
            true => run(context.mem, path.text(), &mut arguments, &keys),
            false => stage(context.mem, programs::base_name(name), &keys),
        };
        match made {
            Ok(task) => {
                let pid = context.mem[task].pid;
                pids = [if number == 0 { pid } else { pids[0] }, pid];
            }
            Err(errno) => {
                result = Err(errno);
                break;
            }
        }
        if context.mem.charge(1).is_err() {
            break;
        }
    }
    match pids {
        [0, _] => {}
        [pid, last] if pid == last => writeln!(context, "{pid}")?,
        [first, last] => writeln!(context, "{first}-{last}")?,
    }
    match result {
        Ok(()) => Ok(0),
        Err(errno) => {
            context.error(format_args!("spawn: fork: {}", errno.sentence()));
            Ok(1)
        }
    }
}

fn parent(mem: &Mem, keys: &Keys) -> Ref<Task> {
    let parent = keys.ppid.and_then(|pid| task::find_task_by_pid(mem, pid));
    parent.unwrap_or(mem[TASK].init)
}

/// A task that runs a program.
fn run(
    mem: &mut Mem,
    path: &str,
    arguments: &mut dyn Iterator<Item = &str>,
    keys: &Keys,
) -> Result<Ref<Task>, Errno> {
    let parent = parent(mem, keys);
    let child = programs::start(mem, parent, path, arguments, [None; 2])?;
    match apply(mem, child, keys) {
        Ok(()) => {
            sched::wake_up_new_task(mem, child);
            Ok(child)
        }
        Err(errno) => {
            programs::abandon(mem, child);
            Err(errno)
        }
    }
}

/// A task that runs nothing.
fn stage(mem: &mut Mem, name: &str, keys: &Keys) -> Result<Ref<Task>, Errno> {
    let parent = parent(mem, keys);
    let child = fork::stage(mem, parent, fork::FORK)?;
    match dress(mem, child, name, keys) {
        Ok(()) => {
            set_state(mem, child, keys.state);
            Ok(child)
        }
        Err(errno) => {
            programs::abandon(mem, child);
            Err(errno)
        }
    }
}

fn dress(mem: &mut Mem, child: Ref<Task>, name: &str, keys: &Keys) -> Result<(), Errno> {
    mem[child].set_comm(name);
    let signal = mem[child].signal;
    mem[signal].pgrp = mem[child].pid;
    apply(mem, child, keys)?;
    for _ in 1..keys.threads {
        fork::stage(mem, child, fork::THREAD)?;
    }
    Ok(())
}

fn set_state(mem: &mut Mem, child: Ref<Task>, state: Option<char>) {
    match state {
        Some('D') => mem[child].state = UNINTERRUPTIBLE,
        Some('T') => {
            signal::group_send_sig(mem, Signal::Stop, child);
        }
        Some('Z') => exit::do_group_exit(mem, child, 0),
        _ => {}
    }
}

/// Gives a child what the keys say.
fn apply(mem: &mut Mem, child: Ref<Task>, keys: &Keys) -> Result<(), Errno> {
    let is_staged = mem[child].program.is_null();
    if is_staged || keys.vm.is_some() || keys.rss.is_some() {
        let rss = keys.rss.unwrap_or(match is_staged {
            true => DEFAULT_RSS.min(keys.vm.unwrap_or(DEFAULT_RSS)),
            false => 0,
        });
        let vm = keys.vm.unwrap_or(match is_staged {
            true => DEFAULT_VM.max(rss),
            false => rss,
        });
        mm::stage_task(mem, child, vm, rss)?;
    }
    if let Some(uid) = keys.uid {
        user::switch(mem, child, uid)?;
        mem[child].cred = Cred::of_user(uid);
    }
    if let Some(gid) = keys.gid {
        let cred = &mut mem[child].cred;
        (cred.gid, cred.egid, cred.sgid, cred.fsgid) = (gid, gid, gid, gid);
    }
    if let Some(caps) = keys.caps {
        let cred = &mut mem[child].cred;
        (cred.effective, cred.permitted) = (caps, caps);
    }
    if let Some(cpus) = keys.cpus {
        sched::set_cpus_allowed(mem, child, cpus)?;
    }
    if let Some(nice) = keys.nice {
        sched::set_user_nice(mem, child, nice);
    }
    let signal = mem[child].signal;
    mem[signal].rlim_nproc = keys.nproc.unwrap_or(mem[signal].rlim_nproc);
    mem[signal].pgrp = keys.pgrp.unwrap_or(mem[signal].pgrp);
    let now = mem[TASK].now;
    let task = &mut mem[child];
    task.oom_adj = keys.oom_adj.unwrap_or(task.oom_adj);
    task.mems_allowed = keys.mems.unwrap_or(task.mems_allowed);
    task.policy = keys.policy.unwrap_or(task.policy);
    task.utime = keys.utime.unwrap_or(0);
    task.stime = keys.stime.unwrap_or(0);
    // A task may be older than the machine: it is staged.
    task.start_time = now.wrapping_sub(keys.age.unwrap_or(0));
    weights::refresh(mem, child);
    Ok(())
}
