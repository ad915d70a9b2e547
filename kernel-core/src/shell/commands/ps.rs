//! `ps` and `top`: the tasks in tables, in the columns of procps 3.2.
//!
//! The clock on the wall is virtual too: the machine boots on 30 May 2007 at midnight, the day of the
//! article about containers. START and STIME are the time of day, or the day for who is older than one.
//! Users have no names but root.

use core::fmt::{self, Write};

use super::{Outcome, Stop};
use crate::mem::{MEM, Mem, Ref};
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::words::Words;
use crate::task::account::{self, Usage};
use crate::task::sched::proc::{self as sched, BTIME};
use crate::task::{self, TASK, Task, pid, program};
use crate::text::Text;

/// Columns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    /// `ps`.
    Short,
    /// `ps -f`.
    Full,
    /// `ps u`.
    User,
}

/// `ps [aux] [-ef] [-L] [-p PID]`.
pub(in crate::shell) fn ps(context: &mut Context<'_>, words: &Words) -> Outcome {
    let mut format = Format::Short;
    let (mut all, mut with_threads, mut only) = (false, false, None);
    let mut rest = words.iter_from(1);
    while let Some(word) = rest.next() {
        for letter in word.strip_prefix('-').unwrap_or(word).chars() {
            match letter {
                'e' | 'A' | 'a' | 'x' => all = true,
                'f' => format = Format::Full,
                'u' => format = Format::User,
                'L' | 'T' | 'H' => with_threads = true,
                'p' => {
                    let word = rest.next().ok_or(Stop::Usage)?;
                    let Ok(pid) = word.parse::<u32>() else {
                        context.error(format_args!(
                            "ps: process ID list syntax error: '{}'",
                            Shortened(word)
                        ));
                        return Ok(1);
                    };
                    only = Some(pid);
                }
                _ => return Err(Stop::Usage),
            }
        }
    }
    context.write_str(match format {
        Format::Short => "  PID TTY          TIME CMD\n",
        Format::Full => "UID        PID  PPID  C STIME TTY          TIME CMD\n",
        Format::User => {
            "USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n"
        }
    })?;
    let mut from = only.unwrap_or(1);
    let mut found = 1;
    loop {
        let next = pid::tasks_from(context.mem, from).next();
        let Some(task) = next else { break };
        let mem = &*context.mem;
        from = mem[task].pid + 1;
        if only.is_some_and(|only| only != mem[task].pid) {
            break;
        }
        let shown = all || only.is_some() || mem[mem[task].signal].session == 1;
        if (mem[task].is_leader() || with_threads || only.is_some()) && shown {
            found = 0;
            let mut row = Row::default();
            write_row(mem, task, format, with_threads, &mut row)?;
            context.write_str(row.text())?;
        }
    }
    Ok(found)
}

/// A row of a table, made before it is printed.
type Row = Text<640>;

/// A user's name: a number, but for root.
struct User(u32);

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.pad("root"),
            uid => write!(f, "{uid:<8}"),
        }
    }
}

/// `part` of `whole` in tenths of a percent.
fn permille(part: u64, whole: u64) -> u64 {
    (u128::from(part) * 1000 / u128::from(whole.max(1))) as u64
}

/// Tenths of a percent, in four columns: `99.9`, and `100` behind that.
struct Percent(u64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..1000 => write!(f, "{:2}.{}", self.0 / 10, self.0 % 10),
            more => write!(f, "{:4}", more / 10),
        }
    }
}

const SECOND: u64 = task::time::NSEC_PER_SEC;

/// When a task began: the time of day, or the day if that was longer ago than one.
struct Start {
    /// Seconds since 1970.
    at: i64,
    /// Seconds since it began.
    age: u64,
}

/// Names of months, three letters each.
const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";

/// Month, from 0, and day of a day since 1970, by the calendar that begins in March: its months' lengths
/// repeat every five.
fn month_and_day(days: i64) -> (usize, i64) {
    // Days since 1 March of the year 0, in the 400 years after which all repeats.
    let of_era = (days + 719_468).rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    ((month as usize + 2) % 12, day)
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: i64 = 86_400;
        if self.age < DAY as u64 {
            let minutes = self.at.rem_euclid(DAY) / 60;
            write!(f, "{:02}:{:02}", minutes / 60, minutes % 60)
        } else {
            let (month, day) = month_and_day(self.at.div_euclid(DAY));
            write!(f, "{}{day:02}", &MONTHS[month * 3..][..3])
        }
    }
}

/// `pages` in kB.
fn kilobytes(pages: u32) -> u64 {
    u64::from(pages) * 4
}

fn write_row(
    mem: &Mem,
    task: Ref<Task>,
    format: Format,
    with_threads: bool,
    out: &mut Row,
) -> fmt::Result {
    let usage = match with_threads {
        true => Usage::of_task(mem, task),
        false => Usage::of_process(mem, task),
    };
    let own = &mem[task];
    let seconds = usage.time() / SECOND;
    let age = account::age(mem, task);
    let cpu = permille(usage.time(), age).min(9999);
    let start = Start {
        at: BTIME as i64 + account::start_time(mem, task).div_euclid(SECOND as i64),
        age: age / SECOND,
    };
    let tty = match mem[own.signal].session {
        0 => "?",
        _ => "tty1",
    };
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match format {
        Format::Short => {
            write!(
                out,
                "{:5} {tty:<8} {hours:02}:{minutes:02}:{rest:02} ",
                own.pid
            )?;
            out.write_str(own.comm())?;
            if own.exit_state != 0 {
                out.write_str(" <defunct>")?;
            }
        }
        Format::Full => {
            let parent = match task == mem[TASK].init {
                true => 0,
                false => mem[own.parent].pid,
            };
            write!(out, "{:<8} {:5} {parent:5} ", User(own.cred.euid), own.pid)?;
            write!(out, "{:2} {start} {tty:<8} ", (cpu / 10).min(99))?;
            write!(out, "{hours:02}:{minutes:02}:{rest:02} ")?;
            write_command(mem, task, out)?;
        }
        Format::User => {
            let [vm, rss] = account::pages(mem, task);
            let share = permille(rss.into(), mem[MEM].managed.into());
            write!(out, "{:<8} {:5} ", User(own.cred.euid), own.pid)?;
            write!(out, "{} {} ", Percent(cpu), Percent(share))?;
            write!(out, "{:6} {:5} {tty:<8} ", kilobytes(vm), kilobytes(rss))?;
            let before = out.text().len();
            write_state(mem, task, out)?;
            let width = 5 - (out.text().len() - before).min(4);
            write!(out, "{:width$}{start} ", "")?;
            write!(out, "{:3}:{rest:02} ", seconds / 60)?;
            write_command(mem, task, out)?;
        }
    }
    out.write_char('\n')
}

/// `STAT`: the state, and what else there is to know of a process.
fn write_state(mem: &Mem, task: Ref<Task>, out: &mut Row) -> fmt::Result {
    let own = &mem[task];
    let signal = &mem[own.signal];
    out.write_char(account::state_letter(mem, task))?;
    for (holds, letter) in [
        (own.nice() < 0, '<'),
        (own.nice() > 0, 'N'),
        (signal.session == own.pid, 's'),
        (signal.count > 1, 'l'),
        (
            signal.session != 0 && signal.pgrp == mem[TASK].tty_pgrp,
            '+',
        ),
    ] {
        if holds {
            out.write_char(letter)?;
        }
    }
    Ok(())
}

/// What a task was called with; its name in brackets if nothing is left of that.
fn write_command(mem: &Mem, task: Ref<Task>, out: &mut Row) -> fmt::Result {
    let mut line = [0; 256];
    let length = program::command_line(mem, task, &mut line);
    let mut text = core::str::from_utf8(&line[..length]).unwrap_or("?");
    text = text.trim_end_matches('\0');
    if mem[task].exit_state != 0 {
        write!(out, "[{}] <defunct>", mem[task].comm())
    } else if text.is_empty() {
        write!(out, "[{}]", mem[task].comm())
    } else {
        for (index, word) in text.split('\0').enumerate() {
            write!(out, "{}{word}", if index > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

/// Rows of `top`.
const TOP: usize = 17;

/// `top`: a screen of the processes that have used the CPUs most, for their age.
pub(in crate::shell) fn top(context: &mut Context<'_>, words: &Words) -> Outcome {
    if words.len() > 1 {
        return Err(Stop::Usage);
    }
    // The best so far, the first in front: tasks and their share of a CPU.
    let mut best = [(Ref::NULL, 0); TOP];
    let mut filled = 0;
    let (mut total, mut states) = (0, [0; 4]);
    for process in task::processes(context.mem) {
        let mem = &*context.mem;
        total += 1;
        let state = match account::state_letter(mem, process) {
            'R' => 0,
            'T' => 2,
            'Z' => 3,
            _ => 1,
        };
        states[state] += 1;
        let time = Usage::of_process(mem, process).time();
        let cpu = permille(time, account::age(mem, process)).min(9999);
        let place = best[..filled].iter().position(|&(_, other)| other < cpu);
        let place = place.unwrap_or(filled);
        if place < TOP {
            filled = (filled + 1).min(TOP);
            best[place..filled].rotate_right(1);
            best[place] = (process, cpu);
        }
    }
    let up = context.mem[TASK].now / SECOND;
    let (hours, minutes) = (up / 3600, up / 60 % 60);
    let mut load = Row::default();
    sched::loadavg(context.mem, &mut load)?;
    let mut load = load.text().split(' ');
    let mut average = || load.next().unwrap_or("");
    writeln!(
        context,
        "top - {:02}:{minutes:02}:{:02} up {hours:2}:{minutes:02},  1 user,  load average: {}, {}, {}",
        hours % 24,
        up % 60,
        average(),
        average(),
        average()
    )?;
    let [running, sleeping, stopped, zombies] = states;
    writeln!(
        context,
        "Tasks: {total:3} total, {running:3} running, {sleeping:3} sleeping, {stopped:3} stopped, {zombies:3} zombie"
    )?;
    let all = context.mem[MEM].managed;
    let free = context.mem.free_frames();
    writeln!(
        context,
        "Mem:  {:8}k total, {:8}k used, {:8}k free",
        kilobytes(all),
        kilobytes(all - free),
        kilobytes(free)
    )?;
    writeln!(
        context,
        "\n  PID USER      PR  NI  VIRT  RES S %CPU %MEM    TIME+  COMMAND"
    )?;
    for &(process, cpu) in &best[..filled] {
        let mem = &*context.mem;
        let own = &mem[process];
        let usage = Usage::of_process(mem, process);
        let [vm, rss] = account::pages(mem, process);
        let share = permille(rss.into(), all.into());
        let hundredths = usage.time() / (SECOND / 100);
        let mut row = Row::default();
        write!(
            row,
            "{:5} {:<8}  {:2} {:3} ",
            own.pid,
            User(own.cred.euid),
            own.static_prio - 100,
            own.nice()
        )?;
        write!(row, "{} {} ", Memory(vm), Memory(rss))?;
        write!(
            row,
            "{} {} {} {:3}:{:02}.{:02} {}",
            account::state_letter(mem, process),
            Percent(cpu),
            Percent(share),
            hundredths / 6000,
            hundredths / 100 % 60,
            hundredths % 100,
            own.comm()
        )?;
        writeln!(context, "{}", row.text())?;
    }
    Ok(0)
}

/// Pages in five columns: kB, or `m`, or `g`.
struct Memory(u32);

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match kilobytes(self.0) {
            kb @ 0..100_000 => write!(f, "{kb:5}"),
            kb @ 100_000..10_000_000 => write!(f, "{:4}m", kb >> 10),
            kb => write!(f, "{:4}g", kb >> 20),
        }
    }
}
