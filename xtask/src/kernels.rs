//! The commands that run kernels: `run`, `trace`, `compare`, `parity`, `invariants`, `boot`.
//!
//! They are the `drive` program's, which knows the kernel and its hosts. This module makes what
//! they need and then becomes that program.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use lexopt::prelude::*;

use crate::progress::Progress;
use crate::setup::{CHROMIUM, QEMU};
use crate::stop::Stop;
use crate::web::Kind;
use crate::{image, labs, paths, process, setup, web};

/// What `run --help` adds.
pub const RUN_DETAILS: &str = "
FILE is an input log: an optional header (`mem=64M nodes=2 cpus=2`), then one console line a line;
`-` reads it from standard input, and a link to a session (quoted, for its `#`) holds one as well.
Standard output gets exactly the console's text, standard error
the number of trace events and the hash chain over them. The exit status is the last line's.
  --host HOST  where the kernel runs: native (in a process, the default), wasm (in a browser)
               or qemu (on a booted machine)
  --ops FILE   with what a student has written loaded (see `help lab`): callbacks of a cache, a
               subsystem of containers or a file in /proc; in a process only";

/// What `trace --help` adds.
pub const TRACE_DETAILS: &str = "
FILE is an input log, or - for standard input. Every event of its replay goes into the trace: each
console line is a slice, each event an instant on its CPU. The kernel has no clock, so an event's
time is its number since boot, in microseconds.
  --format FORMAT  perfetto (for ui.perfetto.dev, the default), chrome (JSON) or ftrace (text)
  -o OUT           where the trace goes (default: standard output)
  --from STEP      the first line wanted, counted from 1; 0, the default, is the boot
  --to STEP        the last one (default: the log's last)
  --host HOST      where the kernel runs: native (the default), wasm or qemu; the file is the same";

/// What `compare --help` adds.
pub const COMPARE_DETAILS: &str = "
Both FILEs are input logs; one of them may be `-` for standard input. What differs first is printed
with the step: the line itself, what it printed, its exit status, or the trace events, and then the
first event that is another. The exit status is 0 if nothing differs, 1 if something does.
  --slab A,B,...  run one FILE under each of these allocators (slab, slub, slob) instead, and print
                  what each comes to: pages held, objects in use, events, lines that failed
  --policy A,B,... run one FILE under each of these policies of the OOM killer (badness, oom_victim,
                  priority, priority_cpuset, notify, lowmemorykiller) instead, and print whom each
                  kills and what that costs: pages given back, work of the innocent, time without memory";

/// What `parity --help` adds.
pub const PARITY_DETAILS: &str = "
Every log is run on each host; console text, exit status, events, chain and memory must agree.
A difference is shrunk to the lines that matter, and the first step that differs is named.
  --seed S       the first log's seed (default 1); the others follow
  --slab A       logs about this allocator, slab, slub or slob; `all`: N about each of them
  --tasks        logs about tasks and containers
  --pressure     logs about memory that gets scarce
  --hosts A,B    which hosts, the reference first (default native,wasm,qemu)";

/// What `invariants --help` adds.
pub const INVARIANTS_DETAILS: &str = "
Every log is run in this process, and every invariant of the kernel is checked after each line; a
panic counts as well. What fails is shrunk to the lines that matter.
  --seed S       the first log's seed (default 1); the others follow
  --slab A       logs about this allocator, slab, slub or slob; `all`: N about each of them
  --tasks        logs about tasks and containers
  --pressure     logs about memory that gets scarce";

/// What `boot --help` adds.
pub const BOOT_DETAILS: &str = "
KEY=VALUE are words of the machine header, such as mem=64M nodes=2 cpus=2.
Ctrl-C goes to the kernel; Ctrl-] and then x ends QEMU.";

const HOSTS: [&str; 3] = ["native", "wasm", "qemu"];

/// The command `run`.
pub fn run(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let (mut host, mut file, mut callbacks) = ("native".to_string(), None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("host") => host = known_host(&arguments.value()?.string()?)?,
            Long("ops") => callbacks = Some(arguments.value()?),
            Value(value) if file.is_none() => file = Some(value),
            other => return Err(other.unexpected().into()),
        }
    }
    let file = file.ok_or_else(|| {
        Stop::Usage("run which log? give a FILE, or - for standard input".to_string())
    })?;
    match callbacks {
        Some(callbacks) if host == "native" => return labs::run(callbacks, file),
        Some(_) => {
            return Err(Stop::Usage(
                "callbacks run in a process: --ops goes with --host native".to_string(),
            ));
        }
        None => {}
    }
    prepare(&[&host])?;
    // After `--`, because a log may be called anything.
    Err(process::become_program(
        drive()?.args(["run", &host, "--"]).arg(file),
    ))
}

/// The kinds of files that `trace` writes.
const TRACE_FORMATS: [&str; 3] = ["perfetto", "chrome", "ftrace"];

/// The command `trace`.
pub fn trace(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let (mut host, mut format) = ("native".to_string(), "perfetto".to_string());
    let (mut from, mut to) = (0, u32::MAX);
    let (mut file, mut out) = (None, "-".into());
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("host") => host = known_host(&arguments.value()?.string()?)?,
            Long("format") => format = arguments.value()?.string()?,
            Long("from") => from = arguments.value()?.parse::<u32>()?,
            Long("to") => to = arguments.value()?.parse::<u32>()?,
            Short('o') => out = arguments.value()?,
            Value(value) if file.is_none() => file = Some(value),
            other => return Err(other.unexpected().into()),
        }
    }
    if !TRACE_FORMATS.contains(&format.as_str()) {
        let formats = TRACE_FORMATS.join(", ");
        return Err(Stop::Usage(format!(
            "there is no format `{format}`; the formats are {formats}"
        )));
    }
    let file = file.ok_or_else(|| {
        Stop::Usage("trace which log? give a FILE, or - for standard input".to_string())
    })?;
    prepare(&[&host])?;
    let words = ["trace", &host, &format, &from.to_string(), &to.to_string()];
    Err(process::become_program(drive()?.args(words).args([
        "--".into(),
        file,
        out,
    ])))
}

/// The command `compare`.
pub fn compare(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let mut files = Vec::new();
    let mut under = None;
    while let Some(argument) = arguments.next()? {
        let what = match argument {
            Long("slab") => "allocators",
            Long("policy") => "policies",
            Value(value) if files.len() < 2 => {
                files.push(value);
                continue;
            }
            other => return Err(other.unexpected().into()),
        };
        let names = arguments.value()?.string()?;
        if under.replace((what, names)).is_some() {
            return Err(Stop::Usage("compare under one thing at a time".to_string()));
        }
    }
    let (wanted, usage) = match &under {
        None => (2, "compare which two logs?".to_string()),
        Some((what, _)) => (1, format!("compare which log under these {what}?")),
    };
    if files.len() != wanted {
        return Err(Stop::Usage(usage));
    }
    let words = match under {
        None => vec!["compare".to_string()],
        Some((what, names)) => vec![what.to_string(), names],
    };
    Err(process::become_program(
        drive()?.args(words).arg("--").args(files),
    ))
}

/// What random logs may be about, besides the whole kernel.
const SUBJECTS: [&str; 4] = ["slab", "slub", "slob", "all"];

fn known_subject(name: String) -> Result<String, Stop> {
    if SUBJECTS.contains(&name.as_str()) {
        return Ok(name);
    }
    let subjects = SUBJECTS.join(", ");
    Err(Stop::Usage(format!(
        "there is no allocator `{name}`; say one of {subjects}"
    )))
}

/// The command `parity`.
pub fn parity(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let (mut logs, mut seed, mut hosts) = (None, 1, HOSTS.map(str::to_string).to_vec());
    let mut subject = "kernel".to_string();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("seed") => seed = arguments.value()?.parse::<u64>()?,
            Long("slab") => subject = known_subject(arguments.value()?.string()?)?,
            Long("tasks") => subject = "tasks".to_string(),
            Long("pressure") => subject = "pressure".to_string(),
            Long("hosts") => hosts = host_list(&arguments.value()?.string()?)?,
            Value(value) if logs.is_none() => logs = Some(value.parse::<u64>()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let logs = logs.ok_or_else(|| Stop::Usage("parity of how many logs?".to_string()))?;
    prepare(&hosts.iter().map(String::as_str).collect::<Vec<_>>())?;
    let mut drive = drive()?;
    drive
        .arg("parity")
        .arg(logs.to_string())
        .arg(seed.to_string())
        .arg(subject)
        .args(hosts);
    Err(process::become_program(&mut drive))
}

/// The command `invariants`.
pub fn invariants(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let (mut logs, mut seed, mut subject) = (None, 1, "kernel".to_string());
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("seed") => seed = arguments.value()?.parse::<u64>()?,
            Long("slab") => subject = known_subject(arguments.value()?.string()?)?,
            Long("tasks") => subject = "tasks".to_string(),
            Long("pressure") => subject = "pressure".to_string(),
            Value(value) if logs.is_none() => logs = Some(value.parse::<u64>()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let logs = logs.ok_or_else(|| Stop::Usage("the invariants in how many logs?".to_string()))?;
    let words = ["invariants", &logs.to_string(), &seed.to_string(), &subject];
    Err(process::become_program(drive()?.args(words)))
}

/// The command `boot`.
pub fn boot(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let mut header = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(word) => header.push(word),
            other => return Err(other.unexpected().into()),
        }
    }
    prepare(&["qemu"])?;
    let mut drive = drive()?;
    drive
        .arg("boot")
        .arg(paths::target().join("boot").join("boot"))
        .args(header);
    Err(process::become_program(&mut drive))
}

fn known_host(name: &str) -> Result<String, Stop> {
    if HOSTS.contains(&name) {
        return Ok(name.to_string());
    }
    Err(Stop::Usage(format!(
        "there is no host `{name}`; the hosts are {}",
        HOSTS.join(", ")
    )))
}

fn host_list(names: &str) -> Result<Vec<String>, Stop> {
    let hosts: Vec<String> = names.split(',').map(known_host).collect::<Result<_, _>>()?;
    match hosts
        .iter()
        .enumerate()
        .find(|(index, host)| hosts[..*index].contains(host))
    {
        Some((_, twice)) => Err(Stop::Usage(format!("host `{twice}` is named twice"))),
        None => Ok(hosts),
    }
}

/// Makes what these hosts are made of. The native host needs nothing, and so starts at once.
fn prepare(hosts: &[&str]) -> Result<(), Stop> {
    let progress = Progress::start();
    if hosts.contains(&"wasm") {
        let wasm = setup::wasm(&progress)?;
        setup::tools(&progress, &[&CHROMIUM])?;
        web::build(&progress, &wasm, Kind::Release)?;
    }
    if hosts.contains(&"qemu") {
        setup::tools(&progress, &[&QEMU])?;
        image::build(&progress)?;
    }
    Ok(())
}

/// The `drive` program, up to date. It works in the folder that the user is in.
fn drive() -> Result<Command, Stop> {
    let here = env::current_dir();
    let here =
        here.map_err(|error| Stop::Failed(format!("can't tell the current folder: {error}")))?;
    let mut drive = process::program(build_drive()?);
    drive.current_dir(here);
    Ok(drive)
}

/// Builds the `drive` program and returns its path.
pub fn build_drive() -> Result<PathBuf, Stop> {
    let drive = paths::target().join("debug").join("drive");
    let mut build = process::cargo_call("build -p xtask --features drive --bin drive");
    // The first build is worth watching; later ones would only say that there is nothing to do.
    if drive.exists() {
        build.arg("--quiet");
    }
    process::run(&mut build).map(|()| drive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_known_and_named_once() {
        assert_eq!(
            host_list("qemu,native"),
            Ok(vec!["qemu".to_string(), "native".to_string()])
        );
        for wrong in ["", "native,", "Native", "native,wasm,native"] {
            assert!(matches!(host_list(wrong), Err(Stop::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_command_line_is_refused_before_anything_is_built() {
        let refused = |command: fn(lexopt::Parser) -> Result<(), Stop>, line: &str| {
            matches!(
                command(lexopt::Parser::from_args(line.split_whitespace())),
                Err(Stop::Usage(_))
            )
        };
        assert!(refused(run, ""));
        assert!(refused(run, "--host moon log"));
        assert!(refused(run, "one two"));
        assert!(refused(trace, ""));
        assert!(refused(trace, "log --format svg"));
        assert!(refused(trace, "log --from x"));
        assert!(refused(compare, "one"));
        assert!(refused(compare, "one two three"));
        assert!(refused(compare, "--slab slub,slob"));
        assert!(refused(compare, "--slab slub,slob one two"));
        assert!(refused(compare, "--policy badness,priority"));
        assert!(refused(compare, "--policy badness --slab slub one"));
        assert!(refused(parity, ""));
        assert!(refused(parity, "-3"));
        assert!(refused(parity, "10 --seed x"));
        assert!(refused(parity, "10 --slab slop"));
        assert!(refused(invariants, "--slab slab"));
        assert!(refused(boot, "--mem=64M"));
    }
}
