//! Runs every check and every test, in the order in which they tell a developer most.
//!
//! What fails fast and says where comes first; what needs the built page, the boot image and a
//! browser comes last. The first failure ends the run, because what follows would fail with it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::progress::{Progress, clock};
use crate::setup::{CHROMIUM, POSTGRES, QEMU};
use crate::stop::Stop;
use crate::toolchain::Wasm;
use crate::web::{Kind, Sizes};
use crate::{bench, check, image, kernels, paths, process, setup, web};

/// What `test --help` adds.
pub const DETAILS: &str = "
Does the set-up, then: format, lints, documentation, the crates' own tests, instruction counts, the
page and its size, the kernel by the other way to WebAssembly, the boot image, and the tests across
crates (three-host parity, browser, QEMU, server, command line). Ends at the first stage that fails.
`cargo test -p CRATE` runs the tests of one crate.";

/// What the stages share.
struct Bench {
    progress: Progress,
    wasm: Wasm,
}

/// What a stage that did not fail has to say.
#[derive(Debug, PartialEq, Eq)]
enum Done {
    /// So many tests passed; a check counts as one.
    Passed(u64),
    /// This machine can't do it, for this reason.
    Impossible(String),
}

/// A stage's name and what it does.
type Stage = (&'static str, fn(&Bench) -> Result<Done, Stop>);

/// The stages after the set-up.
const STAGES: [Stage; 11] = [
    ("format", |_| passes(check::format())),
    ("lints", |_| passes(check::lints())),
    ("lints, WebAssembly", |bench| {
        passes(check::lints_wasm(&bench.wasm))
    }),
    ("lints, boot image", |_| passes(check::lints_image())),
    ("documentation", |_| passes(check::documentation())),
    ("tests of the crates", |_| {
        cargo_test(&[
            "--workspace",
            "--exclude",
            "tests",
            "--features",
            "labs/author",
        ])
    }),
    ("instruction counts", instructions),
    ("page and its size", page),
    ("WebAssembly, the other way", other_way),
    ("boot image", |bench| {
        image::build(&bench.progress).map(|_| Done::Passed(1))
    }),
    ("tests across crates", across),
];

/// The command.
pub fn test(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    let progress = Progress::start();
    progress.stage("set-up");
    setup::lints(&progress)?;
    let wasm = setup::wasm(&progress)?;
    setup::tools(&progress, &[&QEMU, &CHROMIUM, &POSTGRES])?;
    if let Err(stop) = setup::axe(&progress) {
        // The test that wants it fails and says so; the others need not wait for a registry.
        progress.stage(&stop.into_reason());
    }
    check::announce(&progress);
    let bench = Bench { progress, wasm };

    let mut table = Table::new(bench.progress.elapsed());
    for (name, stage) in STAGES {
        bench.progress.stage(name);
        let began = Instant::now();
        let result = stage(&bench);
        table.add(name, began.elapsed(), &result);
        if let Err(stop) = result {
            println!("{}", table.text(bench.progress.elapsed()));
            eprintln!("stage `{name}` failed");
            return Err(stop);
        }
    }
    println!("{}", table.text(bench.progress.elapsed()));
    Ok(())
}

fn passes(mut command: Command) -> Result<Done, Stop> {
    process::run(&mut command).map(|()| Done::Passed(1))
}

/// Counts the instructions of what the kernel does most, and holds them against those on record.
fn instructions(bench: &Bench) -> Result<Done, Stop> {
    if cfg!(not(target_arch = "x86_64")) {
        return Ok(Done::Impossible("they were recorded on x86_64".to_string()));
    }
    bench::gates(&bench.progress).map(|()| Done::Passed(1))
}

/// Builds the page and holds it against its limits.
fn page(bench: &Bench) -> Result<Done, Stop> {
    let dist = web::build(&bench.progress, &bench.wasm, Kind::Release)?;
    let sizes = Sizes::of(&dist)?;
    print!("{}", sizes.table());
    println!("{}", sizes.summary());
    sizes.check().map(|()| Done::Passed(1))
}

/// Builds the kernel by the way to WebAssembly that the page was not built by, and holds it against
/// the native one.
fn other_way(bench: &Bench) -> Result<Done, Stop> {
    let wasm = match setup::other_wasm(&bench.progress, &bench.wasm)? {
        Ok(wasm) => wasm,
        Err(reason) => return Ok(Done::Impossible(reason)),
    };
    let dist = web::build_kernel(&bench.progress, &wasm)?;
    let mut drive = process::program(kernels::build_drive()?);
    // The driver of the wasm host takes the kernel from there.
    drive.env("GLASS_DIST", dist);
    process::run(drive.args(["parity", "16", "1", "kernel", "native", "wasm"]))
        .map(|()| Done::Passed(2))
}

/// How many test programs run beside each other. They wait for browsers and guests now and then; more
/// than two gained nothing on two processors.
const ABREAST: usize = 2;

/// The test programs that take longest, which begin first.
const LONGEST: [&str; 4] = ["library", "lesson", "travel", "browser"];

/// The tests that need everything that was built. The server is there already: its own tests have
/// made cargo build it.
fn across(_: &Bench) -> Result<Done, Stop> {
    kernels::build_drive()?;
    process::run(&mut process::cargo_call("test -p tests --no-run"))?;
    let mut targets = vec!["--lib".to_string()];
    targets.extend(
        test_programs()?
            .into_iter()
            .map(|name| format!("--test={name}")),
    );
    let waiting = Mutex::new(targets.into_iter());
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.next());
    let run = || {
        let mut results = Vec::new();
        while let Some(target) = next() {
            results.push(quiet_cargo_test(&["-p", "tests", &target]));
        }
        results
    };
    let results: Vec<Result<u64, Stop>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..ABREAST).map(|_| scope.spawn(run)).collect();
        let ended = threads.into_iter().map(|thread| {
            let stopped = |_| vec![Err(Stop::Failed("a thread of the tests broke".to_string()))];
            thread.join().unwrap_or_else(stopped)
        });
        ended.flatten().collect()
    });
    let passed = results.into_iter().sum::<Result<u64, Stop>>()?;
    judge(Ok(passed)).map_err(|why| Stop::Failed(format!("`cargo test -p tests` {why}")))
}

/// The names of the test programs of the package `tests`, the longest first.
fn test_programs() -> Result<Vec<String>, Stop> {
    let folder = paths::workspace().join("tests/tests");
    let entries = fs::read_dir(&folder).map_err(|error| Stop::io("read", &folder, &error))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| Stop::io("read", &folder, &error))?
            .path();
        let is_program = path.extension().is_some_and(|extension| extension == "rs")
            || path.join("main.rs").is_file();
        if let (true, Some(name)) = (is_program, path.file_stem()) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    let rank = |name: &str| {
        LONGEST
            .iter()
            .position(|long| *long == name)
            .unwrap_or(LONGEST.len())
    };
    names.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    Ok(names)
}

/// Runs `cargo test`, shows what it prints when it has ended, and counts what passed.
fn quiet_cargo_test(arguments: &[&str]) -> Result<u64, Stop> {
    let mut command = process::cargo();
    command.arg("test").args(arguments).stdin(Stdio::null());
    let output = command
        .output()
        .map_err(|error| Stop::Failed(format!("can't run the tests: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    // In one piece, so that the programs' lines do not mix. A test run does not fail for want of a
    // reader.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    if !output.status.success() {
        let _ = std::io::stderr().lock().write_all(&output.stderr);
        let line = process::line(&command);
        return Err(Stop::Failed(format!("`{line}` failed: {}", output.status)));
    }
    Ok(text.lines().filter_map(passed_of).sum())
}

/// Runs `cargo test`, shows what it prints as it comes, and counts what passed.
fn cargo_test(arguments: &[&str]) -> Result<Done, Stop> {
    let mut command = process::cargo();
    command.arg("test").args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let broken = |error: std::io::Error| Stop::Failed(format!("can't run the tests: {error}"));
    let mut child = command.spawn().map_err(broken)?;
    let mut passed = 0;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let mut line = line.map_err(broken)?;
            passed += passed_of(&String::from_utf8_lossy(&line)).unwrap_or(0);
            line.push(b'\n');
            // A test run does not fail for want of a reader.
            let _ = std::io::stdout().write_all(&line);
        }
    }
    let status = child.wait().map_err(broken)?;
    let verdict = if status.success() {
        Ok(passed)
    } else {
        Err(status.to_string())
    };
    judge(verdict).map_err(|why| Stop::Failed(format!("`{}` {why}", process::line(&command))))
}

/// What a test run amounts to. A filter that matches nothing, or a harness that says nothing, must
/// not look like success.
fn judge(run: Result<u64, String>) -> Result<Done, String> {
    match run {
        Ok(0) => Err("ran no test".to_string()),
        Ok(passed) => Ok(Done::Passed(passed)),
        Err(status) => Err(format!("failed: {status}")),
    }
}

/// The 7 of `test result: ok. 7 passed; 0 failed; ...`.
fn passed_of(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("test result: ")?;
    rest.split_once(' ')?
        .1
        .split_once(" passed;")?
        .0
        .parse()
        .ok()
}

/// Stages, their times and what came of them.
struct Table {
    rows: Vec<(String, Duration, String)>,
    passed: u64,
    failed: u64,
}

impl Table {
    fn new(setup: Duration) -> Table {
        Table {
            rows: vec![("set-up".to_string(), setup, "done".to_string())],
            passed: 0,
            failed: 0,
        }
    }

    fn add(&mut self, name: &str, time: Duration, result: &Result<Done, Stop>) {
        let outcome = match result {
            Ok(Done::Passed(count)) => {
                self.passed += count;
                format!("{count} passed")
            }
            Ok(Done::Impossible(reason)) => {
                format!("NOT RUN: {}", reason.lines().next().unwrap_or_default())
            }
            Err(_) => {
                self.failed += 1;
                "FAILED".to_string()
            }
        };
        self.rows.push((name.to_string(), time, outcome));
    }

    /// The table; its last line holds the counts alone.
    fn text(&self, total: Duration) -> String {
        let mut text = String::from("\n");
        for (name, time, outcome) in &self.rows {
            text += &format!("{name:<28}{:>8}  {outcome}\n", clock(*time));
        }
        text += &format!("{:<28}{:>8}\n\n", "in all", clock(total));
        text + &format!("{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_program_is_found_the_longest_first() {
        let names = test_programs().expect("the workspace is there");
        assert_eq!(names[..LONGEST.len()], LONGEST);
        // A folder with a program in it, and a file.
        assert!(
            ["traces", "parity"]
                .iter()
                .all(|name| names.contains(&name.to_string()))
        );
    }

    #[test]
    fn passed_tests_are_counted_from_libtests_closing_lines() {
        let line = "test result: ok. 17 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.02s";
        assert_eq!(passed_of(line), Some(17));
        assert_eq!(
            passed_of("test result: FAILED. 3 passed; 1 failed; 0 ignored"),
            Some(3)
        );
        assert_eq!(passed_of("test frames::split ... ok"), None);
        assert_eq!(passed_of("running 17 tests"), None);
    }

    #[test]
    fn the_last_line_holds_the_counts_alone() {
        let mut table = Table::new(Duration::from_secs(1));
        table.add("format", Duration::from_secs(2), &Ok(Done::Passed(1)));
        table.add(
            "other",
            Duration::from_secs(2),
            &Ok(Done::Impossible("no such package\nat all".to_string())),
        );
        table.add("tests", Duration::from_secs(90), &Ok(Done::Passed(41)));
        let text = table.text(Duration::from_secs(95));
        assert_eq!(text.lines().last(), Some("42 passed, 0 failed"));
        assert!(text.contains("NOT RUN: no such package\n"), "{text}");
        table.add(
            "parity",
            Duration::ZERO,
            &Err(Stop::Failed("differs".to_string())),
        );
        assert_eq!(
            table.text(Duration::ZERO).lines().last(),
            Some("42 passed, 1 failed")
        );
    }

    #[test]
    fn a_test_run_without_tests_is_a_failure() {
        assert_eq!(judge(Ok(3)), Ok(Done::Passed(3)));
        assert_eq!(judge(Ok(0)), Err("ran no test".to_string()));
        assert!(judge(Err("exit status: 101".to_string())).is_err());
    }
}
