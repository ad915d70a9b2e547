//! `/proc/<pid>`: what the kernel knows of a task, in the formats of 2.6.24
//! (specs/containers_async_proc.md 5.3).
//!
//! Each task has a directory: processes in `/proc`, with all threads in `/proc/<pid>/task`; as in Linux,
//! a thread's directory in `/proc` is found but not listed. `/proc/self` is whoever looks. A file of a
//! process tells times of all its threads, one below `task` those of one. Nothing of this exists
//! before somebody looks.
//!
//! A new file is a row of [`FILES`] and the function it names, which gets the task's number.

use core::fmt::{self, Write};

use super::generated::{Entry, Family, Shown, Stop, file, link};
use crate::container;
use crate::errno::Errno;
use crate::fs::{self, Dentry};
use crate::mem::{FRAME_SIZE, MEM, Mem, Ref};
use crate::oom::{self, badness, weights};
use crate::slab::failslab;
use crate::task::account::{self, Usage};
use crate::task::cred::{Capability, Cred};
use crate::task::wait::Why;
use crate::task::{
    self, EXIT_ZOMBIE, NR_OPEN, RUNNING, SignalStruct, TASK, Task, cred, mm, pid, program, time,
};

/// Families of `/proc`: processes, and the threads of each.
pub(super) static FAMILIES: [Family; 3] = [
    Family {
        directory: "",
        is_there: |_| true,
        find: |mem, _, name| find(mem, name),
        list: list_processes,
        files: &FILES,
        inner: &[2, 1],
        owner: Some(owner),
        link: None,
        leaf: None,
    },
    Family {
        directory: "task",
        // It stands in the members of the other.
        is_there: |_| false,
        find: |mem, process, name| {
            let task = parse(name)?;
            let is_thread = at(mem, task).ok()?.tgid == at(mem, process).ok()?.tgid;
            is_thread.then_some(task | THREAD)
        },
        list: list_threads,
        files: &FILES,
        inner: &[2],
        owner: Some(owner),
        link: None,
        leaf: None,
    },
    Family {
        directory: "fd",
        is_there: |_| false,
        find: |mem, task, name| {
            let fd = name
                .parse()
                .ok()
                .filter(|_| name == "0" || parse(name).is_some())?;
            let task = task & !THREAD;
            fs::fd_get(mem, task_of(mem, task).ok()?, fd).ok()?;
            Some(task << FD_BITS | fd)
        },
        list: |mem, task, position, out| {
            let mut open = fs::descriptors(mem, task_of(mem, task).ok()?);
            let (fd, _) = open.find(|&(fd, _)| u64::from(fd) >= position)?;
            write!(out, "{fd}").ok()?;
            Some(u64::from(fd) + 1)
        },
        files: &[],
        inner: &[],
        owner: Some(|mem, number| owner(mem, number >> FD_BITS)),
        link: Some(descriptor),
        leaf: None,
    },
];

/// Bits of a descriptor in the number of its link.
const FD_BITS: u32 = 8;
const _: () = assert!(NR_OPEN <= 1 << FD_BITS && (pid::PID_MAX_LIMIT as u64) << FD_BITS < 1 << 31);

/// Whose a task's files are: its effective user's and group's; root's if it is the kernel's own.
fn owner(mem: &Mem, number: u32) -> [u32; 2] {
    let cred = at(mem, number).map(|task| task.cred);
    cred.map_or([0; 2], |cred| [cred.euid, cred.egid])
}

/// What a descriptor leads to: a path, or the name of what has none.
fn descriptor(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    let task = task_of(mem, number >> FD_BITS)?;
    let file = fs::fd_get(mem, task, number & ((1 << FD_BITS) - 1))?;
    show_path(mem, mem[file].dentry, out)
}

/// Where a task stands.
fn cwd(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    match at(mem, number)?.pwd {
        pwd if pwd.is_null() => Err(Errno::ENOENT.into()),
        pwd => show_path(mem, pwd, out),
    }
}

fn show_path(mem: &Mem, dentry: Ref<Dentry>, out: &mut dyn Write) -> Shown {
    let mut buffer = [0; fs::PATH_MAX];
    match fs::full_path(mem, dentry, &mut buffer) {
        Ok(path) => out.write_str(path)?,
        Err(_) if mem[mem[dentry].inode].kind() == fs::FIFO => out.write_str(mem[dentry].name())?,
        Err(_) => write!(out, "{} (deleted)", mem[dentry].name())?,
    }
    Ok(None)
}

/// In a task's number: only this thread is meant.
const THREAD: u32 = 1 << 31;

/// The files of a task's directory, in the order of their names.
static FILES: [Entry; 17] = [
    file("cgroup", containers, None),
    file("cmdline", cmdline, None),
    file("container", containers, None),
    file("cpuset", cpuset, None),
    link("cwd", cwd),
    file("environ", |_, _, _, _| Ok(None), None),
    file("fail-nth", fail_nth, Some(set_fail_nth)),
    file("limits", limits, None),
    file("maps", maps, None),
    file("oom_adj", oom_adj, Some(set_oom_adj)),
    file("oom_score", oom_score, None),
    file("sched", sched, None),
    file("smaps", smaps, None),
    file("stat", stat, None),
    file("statm", statm, None),
    file("status", status, None),
    file("wchan", wchan, None),
];

/// The names of the files in `/proc/<name>`; none if there is no such task.
pub(crate) fn task_files(mem: &Mem, name: &str) -> impl Iterator<Item = &'static str> + use<> {
    let count = find(mem, name).map_or(0, |_| FILES.len());
    FILES[..count].iter().map(|entry| entry.path)
}

/// The number that a name means: decimal, without leading zeros.
fn parse(name: &str) -> Option<u32> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    let number = name.parse().ok()?;
    (is_number && !name.starts_with('0') && number < pid::PID_MAX_LIMIT).then_some(number)
}

fn find(mem: &Mem, name: &str) -> Option<u32> {
    if name == "self" {
        return Some(mem[task::current(mem)].tgid);
    }
    let number = parse(name)?;
    task::find_task_by_pid(mem, number).map(|_| number)
}

/// `self` first, then processes by number. A position is the number behind the last.
fn list_processes(mem: &Mem, _: u32, position: u64, out: &mut dyn Write) -> Option<u64> {
    if position == 0 {
        out.write_str("self").ok()?;
        return Some(1);
    }
    let mut tasks = pid::tasks_from(mem, position as u32);
    let process = tasks.find(|&task| mem[task].is_leader())?;
    write!(out, "{}", mem[process].pid).ok()?;
    Some(u64::from(mem[process].pid) + 1)
}

fn list_threads(mem: &Mem, process: u32, position: u64, out: &mut dyn Write) -> Option<u64> {
    let task = task::find_task_by_pid(mem, process)?;
    let mut threads = task::threads(mem, mem[task].signal);
    let thread = threads.nth(position as usize)?;
    write!(out, "{}", mem[thread].pid).ok()?;
    Some(position + 1)
}

/// The task of a file's number.
fn task_of(mem: &Mem, number: u32) -> Result<Ref<Task>, Errno> {
    task::find_task_by_pid(mem, number & !THREAD).ok_or(Errno::ESRCH)
}

fn at(mem: &Mem, number: u32) -> Result<&Task, Errno> {
    task_of(mem, number).map(|task| &mem[task])
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Stop {
        Stop::Errno(errno)
    }
}

/// The containers, a line a hierarchy.
fn containers(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    container::proc::show_task(mem, task_of(mem, number)?, out)?;
    Ok(None)
}

/// The container of the cpuset hierarchy.
fn cpuset(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    container::cpuset::show_path(mem, task_of(mem, number)?, out)?;
    Ok(None)
}

/// The arguments, each with a zero behind it.
fn cmdline(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    let mut line = [0; FRAME_SIZE];
    let length = program::command_line(mem, task_of(mem, number)?, &mut line);
    out.write_str(core::str::from_utf8(&line[..length]).unwrap_or("?"))?;
    Ok(None)
}

/// How many allocations are left until the one that will fail; 0 is none.
fn fail_nth(mem: &Mem, _: u32, _: u64, out: &mut dyn Write) -> Shown {
    let count = mem[MEM].fail_nth;
    let count = if count == failslab::ARMED { 0 } else { count };
    writeln!(out, "{count}")?;
    Ok(None)
}

fn set_fail_nth(mem: &mut Mem, _: u32, bytes: &[u8]) -> Result<(), Errno> {
    let count = super::generated::parse_number(bytes, i32::MAX as u32)?;
    let armed = count == 0 && failslab::is_armed(mem);
    mem.set_fail_nth(if armed { failslab::ARMED } else { count });
    Ok(())
}

/// Those limits that hold here.
fn limits(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    let signal = at(mem, number)?.signal;
    let processes = mem[signal].rlim_nproc;
    let title = ["Limit", "Soft Limit", "Hard Limit", "Units"];
    writeln!(
        out,
        "{:<25} {:<20} {:<20} {:<10}",
        title[0], title[1], title[2], title[3]
    )?;
    for (name, limit, unit) in [
        ("Max processes", processes, "processes"),
        ("Max open files", NR_OPEN as u32, "files"),
        ("Max pending signals", mem[TASK].max_threads / 2, "signals"),
    ] {
        writeln!(out, "{name:<25} {limit:<20} {limit:<20} {unit:<10}")?;
    }
    Ok(None)
}

/// A record an area.
fn maps(mem: &Mem, number: u32, position: u64, out: &mut dyn Write) -> Shown {
    let task = task_of(mem, number)?;
    Ok(mm::show_area(mem, mem[task].mm, position, false, out)?)
}

fn smaps(mem: &Mem, number: u32, position: u64, out: &mut dyn Write) -> Shown {
    let task = task_of(mem, number)?;
    Ok(mm::show_area(mem, mem[task].mm, position, true, out)?)
}

fn oom_adj(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    writeln!(out, "{}", at(mem, number)?.oom_adj)?;
    Ok(None)
}

/// Its score, as if whoever looks were to get no page now.
fn oom_score(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    let task = task_of(mem, number)?;
    let nodes = oom::allowed_nodes(mem);
    let points = badness::badness(mem, task, badness::uptime(mem), nodes);
    writeln!(out, "{points}")?;
    Ok(None)
}

/// How readily the task is killed when memory runs out. 2.6.24 looks at the number only: what begins
/// with none stores 0 *before* it is refused with `EIO`.
fn set_oom_adj(mem: &mut Mem, number: u32, bytes: &[u8]) -> Result<(), Errno> {
    let task = task_of(mem, number)?;
    let (value, digits) = parse_leading(bytes);
    if value != -17 && !(-16..=15).contains(&value) {
        return Err(Errno::EINVAL);
    }
    let may = mem[task::current(mem)].cred.has(Capability::SysResource);
    if value < mem[task].oom_adj && !may {
        return Err(Errno::EACCES);
    }
    mem[task].oom_adj = value;
    weights::refresh_traits(mem, task);
    match digits {
        false => Err(Errno::EIO),
        true => Ok(()),
    }
}

/// The number at the beginning of a text (`simple_strtol`, of the first 12 bytes), and whether there is
/// any.
fn parse_leading(bytes: &[u8]) -> (i32, bool) {
    let bytes = &bytes[..bytes.len().min(12)];
    let (negative, digits) = match bytes.split_first() {
        Some((b'-', digits)) => (true, digits),
        _ => (false, bytes),
    };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit());
    let digits = &digits[..end.unwrap_or(digits.len())];
    let text = core::str::from_utf8(digits).unwrap_or("");
    // What is too large is as wrong as 99.
    let value: i32 = match digits {
        [] => 0,
        _ => text.parse().unwrap_or(99),
    };
    (if negative { -value } else { value }, !digits.is_empty())
}

fn sched(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    task::sched::proc::task_sched(mem, task_of(mem, number)?, out)?;
    Ok(None)
}

/// Signals that a process ignores or handles, and those that wait for it: as `stat` and `status` tell.
struct Masks {
    ignored: u32,
    caught: u32,
    shared_pending: u32,
}

fn masks(mem: &Mem, task: Ref<Task>) -> Masks {
    let SignalStruct {
        ignored,
        caught,
        shared_pending,
        ..
    } = mem[mem[task].signal];
    Masks {
        ignored,
        caught,
        shared_pending,
    }
}

/// The number of a task's parent; init has none.
fn parent(mem: &Mem, task: Ref<Task>) -> u32 {
    match mem[task].tgid {
        1 => 0,
        _ => mem[mem[task].parent].tgid,
    }
}

/// The terminal of all who have one: `/dev/tty1`.
const TTY1: u32 = 4 << 8 | 1;

/// One line with 44 fields.
fn stat(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    let task = task_of(mem, number)?;
    let own = &mem[task];
    let signal = &mem[own.signal];
    let usage = match number & THREAD {
        0 => Usage::of_process(mem, task),
        _ => Usage::of_task(mem, task),
    };
    let has_tty = signal.session != 0;
    let (tty, foreground) = match has_tty {
        true => (TTY1, i64::from(mem[TASK].tty_pgrp)),
        false => (0, -1),
    };
    let letter = account::state_letter(mem, task);
    write!(
        out,
        "{} ({}) {letter} {}",
        own.pid,
        own.comm(),
        parent(mem, task)
    )?;
    write!(
        out,
        " {} {} {tty} {foreground}",
        signal.pgrp, signal.session
    )?;
    write!(out, " {} {} {}", own.flags, usage.min_flt, signal.cmin_flt)?;
    write!(out, " {} {}", usage.maj_flt, signal.cmaj_flt)?;
    for time in [usage.utime, usage.stime, signal.cutime, signal.cstime] {
        write!(out, " {}", time::to_user_hz(time))?;
    }
    let priority = own.static_prio as i32 - 100;
    let threads = signal.count;
    write!(out, " {priority} {} {threads} 0", own.nice())?;
    // 2.6.24 prints it without a sign; a staged task may have begun before the machine.
    let start = account::start_time(mem, task) / (time::NSEC_PER_SEC / time::USER_HZ) as i64;
    write!(out, " {}", start as u64)?;
    let [vm, rss] = account::pages(mem, task);
    write!(
        out,
        " {} {rss} {}",
        u64::from(vm) * FRAME_SIZE as u64,
        u32::MAX
    )?;
    let [start_code, end_code, start_stack, sp, ip] = mm::places(mem, task);
    write!(out, " {start_code} {end_code} {start_stack} {sp} {ip}")?;
    let masks = masks(mem, task);
    write!(
        out,
        " {} {}",
        own.pending | masks.shared_pending,
        own.blocked
    )?;
    write!(out, " {} {}", masks.ignored, masks.caught)?;
    // Whoever sleeps does it at an address of the kernel; its name is in `wchan`.
    let sleeps = u32::from(own.state != RUNNING && own.exit_state == 0);
    write!(out, " {sleeps} 0 0 {} {}", exit_signal(own), own.cpu)?;
    writeln!(out, " 0 {} 0 0 0", own.policy)?;
    Ok(None)
}

/// What Linux shows for a thread, which tells nobody, is -1.
fn exit_signal(task: &Task) -> i64 {
    match task.is_leader() {
        true => task.exit_signal.into(),
        false => -1,
    }
}

/// Pages: size, resident, shared, text, lib, data, dirty.
fn statm(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    let task = task_of(mem, number)?;
    let [vm, rss] = account::pages(mem, task);
    let [shared, text, data] = mm::statm(mem, mem[task].mm);
    writeln!(out, "{vm} {rss} {shared} {text} 0 {data} 0")?;
    Ok(None)
}

/// A name with backslashes and newlines escaped.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

fn status(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    let task = task_of(mem, number)?;
    let own = &mem[task];
    let Cred {
        uid,
        euid,
        suid,
        fsuid,
        gid,
        egid,
        sgid,
        fsgid,
        ..
    } = own.cred;
    let state = match own.exit_state {
        0 => own.state,
        exit_state => exit_state,
    };
    writeln!(out, "Name:\t{}", Escaped(own.comm()))?;
    writeln!(out, "State:\t{}", task::state_name(state))?;
    writeln!(out, "Tgid:\t{}", own.tgid)?;
    writeln!(out, "Pid:\t{}", own.pid)?;
    writeln!(out, "PPid:\t{}", parent(mem, task))?;
    writeln!(out, "TracerPid:\t0")?;
    writeln!(out, "Uid:\t{uid}\t{euid}\t{suid}\t{fsuid}")?;
    writeln!(out, "Gid:\t{gid}\t{egid}\t{sgid}\t{fsgid}")?;
    let slots = if own.files.is_null() { 0 } else { NR_OPEN };
    writeln!(out, "FDSize:\t{slots}")?;
    writeln!(out, "Groups:\t")?;
    if !own.mm.is_null() {
        for (label, kilobytes) in mm::status_memory(mem, own.mm) {
            writeln!(out, "{label}:\t{kilobytes:8} kB")?;
        }
    }
    let live = mem[own.signal].count;
    writeln!(out, "Threads:\t{live}")?;
    writeln!(out, "SigQ:\t0/{}", mem[TASK].max_threads / 2)?;
    let masks = masks(mem, task);
    for (label, mask) in [
        ("SigPnd", own.pending),
        ("ShdPnd", masks.shared_pending),
        ("SigBlk", own.blocked),
        ("SigIgn", masks.ignored),
        ("SigCgt", masks.caught),
    ] {
        writeln!(out, "{label}:\t{mask:016x}")?;
    }
    for (label, caps) in [
        ("CapInh", own.cred.inheritable),
        ("CapPrm", own.cred.permitted),
        ("CapEff", own.cred.effective),
    ] {
        writeln!(out, "{label}:\t{:016x}", caps & cred::CAP_FULL)?;
    }
    // As many bits as the machine has CPUs and nodes.
    let cpus = own.cpus_allowed & bits(mem[MEM].nr_cpus);
    let nodes = own.mems_allowed & bits(mem[MEM].nr_nodes);
    writeln!(out, "Cpus_allowed:\t{cpus:08x}")?;
    writeln!(out, "Mems_allowed:\t{nodes:08x}")?;
    writeln!(out, "voluntary_ctxt_switches:\t{}", own.nvcsw)?;
    writeln!(out, "nonvoluntary_ctxt_switches:\t{}", own.nivcsw)?;
    Ok(None)
}

fn bits(count: u32) -> u32 {
    u32::MAX >> (32 - count.clamp(1, 32))
}

/// What the task sleeps in; 0 if it does not.
fn wchan(mem: &Mem, number: u32, _: u64, out: &mut dyn Write) -> Shown {
    let task = at(mem, number)?;
    let sleeps = task.state != RUNNING && task.exit_state != EXIT_ZOMBIE;
    out.write_str(if sleeps {
        Why::wchan(task.wait.why)
    } else {
        "0"
    })?;
    Ok(None)
}
