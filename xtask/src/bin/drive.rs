//! Drives kernels for the developer's tool: `drive run HOST -- FILE`,
//! `drive trace HOST FORMAT FROM TO -- FILE OUT`, `drive compare -- FILE FILE`,
//! `drive allocators A,B,... -- FILE`, `drive policies A,B,... -- FILE`,
//! `drive parity N SEED SUBJECT HOST...`, `drive invariants N SEED SUBJECT` and
//! `drive boot IMAGE [KEY=VALUE...]`.
//!
//! The tool has checked the arguments and made what the hosts need; here are the commands
//! themselves. They are a program of their own because they contain a kernel, and the tool should
//! work while the kernel does not compile.

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::process::{Command, ExitCode};
use std::time::Instant;

use labs::compare;
use labs::guest::{self, Console, Exit, Protocol};
use labs::log::Heading;
use labs::protocol::TraceFormat;
use lexopt::prelude::*;
use tests::Settings;
use tests::host::{self, Driver};
use tests::invariants;
use tests::log_gen::Subject;
use tests::parity::{self, Member, Plan};

type Outcome = Result<ExitCode, Box<dyn Error>>;

fn main() -> ExitCode {
    let done = match arguments() {
        Ok((command, words)) if command == "run" => run(&words),
        Ok((command, words)) if command == "trace" => trace(&words),
        Ok((command, words)) if command == "compare" => compare(&words),
        Ok((command, words)) if command == "allocators" => compare_allocators(&words),
        Ok((command, words)) if command == "policies" => compare_policies(&words),
        Ok((command, words)) if command == "parity" => compare_hosts(&words),
        Ok((command, words)) if command == "invariants" => watch(&words),
        Ok((command, words)) if command == "boot" => boot(&words),
        Ok((command, _)) => Err(format!("there is no command `{command}`").into()),
        Err(error) => Err(error),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(2)
    })
}

/// The command and its words.
fn arguments() -> Result<(String, Vec<String>), Box<dyn Error>> {
    let mut parser = lexopt::Parser::from_env();
    let mut words = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    if words.is_empty() {
        return Err("drive which command?".into());
    }
    Ok((words.remove(0), words))
}

/// Runs a log: its console text to stdout, what it did to the trace to stderr, its status as ours.
fn run(words: &[String]) -> Outcome {
    let [host, file] = words else {
        return Err("usage: drive run HOST -- FILE".into());
    };
    let log = read_log(file)?;
    let outcome = host::connect(host::by_name(host)?, &Settings::find())?.replay(&log, false)?;
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(&outcome.text)
        .and_then(|()| stdout.flush())
    {
        // Who stops reading (`| head`) has seen enough; that is no fault of the log.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        other => other.map_err(|error| format!("can't write the console's text: {error}"))?,
    }
    match outcome.events {
        // A machine that traces has told of its boot.
        0 => eprintln!("no events and no chain: the machine has trace=off"),
        events => eprintln!("events {events} chain {:016x}", outcome.chain),
    }
    if let Some(broken) = outcome.broken {
        return Err(format!("the kernel is broken after this log: {broken}").into());
    }
    Ok(ExitCode::from(outcome.status))
}

/// Writes the trace of a log's replay to a file, `-` for standard output.
fn trace(words: &[String]) -> Outcome {
    let [host, format, from, to, file, out] = words else {
        return Err("usage: drive trace HOST FORMAT FROM TO -- FILE OUT".into());
    };
    let format = match format.as_str() {
        "perfetto" => TraceFormat::Perfetto,
        "chrome" => TraceFormat::Chrome,
        "ftrace" => TraceFormat::Ftrace,
        other => return Err(format!("there is no format `{other}`").into()),
    };
    if out == "-" && format == TraceFormat::Perfetto && io::stdout().is_terminal() {
        return Err("Perfetto's packets are no text for a terminal; name a file with -o".into());
    }
    let log = read_log(file)?;
    let mut driver = host::connect(host::by_name(host)?, &Settings::find())?;
    let outcome = driver.replay(&log, false)?;
    let trace = driver.trace(format, from.parse()?, to.parse()?)?;
    let written = match out.as_str() {
        "-" => io::stdout().lock().write_all(&trace),
        out => fs::write(out, &trace),
    };
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        other => other.map_err(|error| format!("can't write {out}: {error}"))?,
    }
    let bytes = trace.len();
    eprintln!(
        "events {} chain {:016x}; {bytes} bytes of trace",
        outcome.events, outcome.chain
    );
    Ok(ExitCode::SUCCESS)
}

fn read_log(file: &str) -> Result<Vec<u8>, String> {
    let mut log = Vec::new();
    if file == "-" {
        io::stdin()
            .read_to_end(&mut log)
            .map_err(|error| format!("can't read standard input: {error}"))?;
        return Ok(log);
    }
    if let Some(log) = tests::link::log_of(file) {
        return log;
    }
    fs::read(file).map_err(|error| format!("can't read {file}: {error}"))
}

/// Compares two logs and prints where they part; status 0 if nowhere, 1 if somewhere.
fn compare(words: &[String]) -> Outcome {
    let [one, other] = words else {
        return Err("usage: drive compare -- FILE FILE".into());
    };
    let (one, other) = (read_log(one)?, read_log(other)?);
    let mut hosts = [host::Native::new(), host::Native::new()];
    let [first, second] = &mut hosts;
    let view = compare::logs(
        (&one, &mut |request| first.request(request)),
        (&other, &mut |request| second.request(request)),
    )?;
    print!("{}", view.text());
    Ok(verdict(view.is_same()))
}

/// Runs a log under several allocators and prints what each comes to.
fn compare_allocators(words: &[String]) -> Outcome {
    let [names, file] = words else {
        return Err("usage: drive allocators A,B,... -- FILE".into());
    };
    let names: Vec<&str> = names.split(',').collect();
    let mut host = host::Native::new();
    let ask = &mut |request| host.request(request);
    let view = compare::allocators(&read_log(file)?, &names, ask)?;
    print!("{}", view.text());
    Ok(ExitCode::SUCCESS)
}

/// Runs a log under several policies of the OOM killer and prints what each comes to.
fn compare_policies(words: &[String]) -> Outcome {
    let [names, file] = words else {
        return Err("usage: drive policies A,B,... -- FILE".into());
    };
    let names: Vec<&str> = names.split(',').collect();
    let mut host = host::Native::new();
    let ask = &mut |request| host.request(request);
    let view = compare::policies(&read_log(file)?, &names, ask)?;
    print!("{}", view.text());
    Ok(ExitCode::SUCCESS)
}

/// The subjects that a word of the command line names.
fn subjects(name: &str) -> Result<Vec<Subject>, String> {
    Subject::by_name(name).ok_or_else(|| format!("there are no logs about `{name}`"))
}

/// Compares hosts and prints a report a subject.
fn compare_hosts(words: &[String]) -> Outcome {
    let [logs, seed, subject, hosts @ ..] = words else {
        return Err("usage: drive parity N SEED SUBJECT HOST...".into());
    };
    let settings = Settings::find();
    let mut members = Vec::new();
    for name in hosts {
        members.push(Member::of(host::by_name(name)?, &settings));
    }
    let mut is_clean = true;
    for subject in subjects(subject)? {
        let plan = Plan {
            logs: logs.parse()?,
            seed: seed.parse()?,
            subject,
            progress: true,
        };
        let report = parity::run(&plan, &mut members)?;
        println!("{report}");
        is_clean &= report.is_clean();
    }
    Ok(verdict(is_clean))
}

/// Checks kernels after every line of random logs and prints a report a subject.
fn watch(words: &[String]) -> Outcome {
    let [logs, seed, subject] = words else {
        return Err("usage: drive invariants N SEED SUBJECT".into());
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut is_clean = true;
    for subject in subjects(subject)? {
        let began = Instant::now();
        let report = invariants::run(invariants::Plan {
            logs: logs.parse()?,
            seed: seed.parse()?,
            subject,
            threads,
        });
        println!("{report}");
        eprintln!("took {:.1} s", began.elapsed().as_secs_f64());
        is_clean &= report.is_clean();
    }
    Ok(verdict(is_clean))
}

fn verdict(is_clean: bool) -> ExitCode {
    if is_clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Boots the image with its console on this terminal.
fn boot(words: &[String]) -> Outcome {
    let [image, words @ ..] = words else {
        return Err("usage: drive boot IMAGE [KEY=VALUE...]".into());
    };
    // All words are the image's; those about the machine also tell how large a guest it takes.
    let (_, machine): (Vec<_>, Vec<_>) = words
        .iter()
        .cloned()
        .partition(|word| word.starts_with("selftest="));
    let frames = Heading::parse(&machine.join(" "))?.machine.ram_frames();
    let memory = guest::memory_mib(frames.div_ceil(256));
    let arguments = guest::arguments(
        image,
        &words.join(" "),
        memory,
        Console::Stdio,
        Protocol::None,
    );
    let qemu = Settings::find().qemu()?;
    let status = Command::new(&qemu)
        .args(arguments)
        .status()
        .map_err(|error| format!("can't start {}: {error}", qemu.display()))?;
    match status.code().and_then(Exit::from_status) {
        Some(Exit::Done) => Ok(ExitCode::SUCCESS),
        Some(exit) => Err(exit.reason().into()),
        None if status.success() => Ok(ExitCode::SUCCESS),
        None => Err(format!("QEMU ended with {status}").into()),
    }
}
