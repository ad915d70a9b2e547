//! Runs the benchmarks.

mod standings;

use std::fs;
use std::path::PathBuf;

use lexopt::prelude::*;

use crate::progress::Progress;
use crate::setup::{CHROMIUM, QEMU, VALGRIND};
use crate::stop::Stop;
use crate::web::Kind;
use crate::{image, paths, process, serve, setup, web};

/// What `bench --help` adds.
pub const DETAILS: &str = "
NAME is a file in kernel-core/benches or tests/benches without its extension; without a name, all
of them run. Peers and ours take turns in one run. At the end stands a table of our figures, the
peers', and which goals are reached. Everything is also in target/bench, as JSON: a file for each
benchmark, and all of it in all.json.

  --rounds N        how often to measure
  --full            `radix`: larger workloads as well
  --only NAME       `growth`: only workloads whose name begins so
  --record          keep the results in performance/: `gates` in instructions.toml, with which
                    `cargo xtask test` compares later counts; `growth` and `wasm` in recorded.json,
                    which the page shows beside the visitor's own";

/// A folder of benchmarks.
struct Folder {
    path: &'static str,
    /// How cargo builds them; the name follows.
    cargo: &'static str,
    /// Whether they drive what a user gets: the page, the server, the boot image.
    drives: bool,
}

/// Where the benchmarks are: of the kernel's parts, and of the whole.
const FOLDERS: [Folder; 2] = [
    Folder {
        path: "kernel-core/benches",
        cargo: "bench -p benches --bench",
        drives: false,
    },
    Folder {
        path: "tests/benches",
        cargo: "bench -p tests --bench",
        drives: true,
    },
];

/// Those of the whole that need nothing that was built before.
const ALONE: [&str; 1] = ["grade"];
/// The one with peers in C and C++, which no other waits for.
const WITH_ALLOCATORS: &str = "slab";
/// The one with a peer, the `xarray` crate, that needs unstable features. Allowing these makes cargo build
/// everything anew, so this one has a target folder of its own.
const WITH_XARRAY: &str = "radix";

/// The one that puts the kernel beside one without trace points.
const UNTRACED: &str = "trace";

/// Builds that kernel, with the same work, in a folder of its own, and counts its instructions; returns
/// where they are written.
fn untraced(progress: &Progress) -> Result<PathBuf, Stop> {
    progress.stage("bench trace: a kernel without trace points");
    let folder = paths::target().join("untraced");
    let counts = folder.join("counts.txt");
    let mut cargo = process::cargo_call("bench -p benches --features untraced --bench trace");
    cargo.arg("--target-dir").arg(&folder);
    cargo.arg("--").arg("--write").arg(&counts);
    process::run_in_sight(&mut cargo)?;
    Ok(counts)
}

/// The command.
pub fn bench(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let mut name = None;
    let mut passed_on = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(value) if name.is_none() => name = Some(value.string()?),
            Long("rounds") => {
                passed_on.push("--rounds".to_string());
                passed_on.push(arguments.value()?.parse::<u32>()?.to_string());
            }
            Long("only") => {
                passed_on.push("--only".to_string());
                passed_on.push(arguments.value()?.string()?);
            }
            Long(flag @ ("full" | "record")) => passed_on.push(format!("--{flag}")),
            other => return Err(other.unexpected().into()),
        }
    }
    let known = names()?;
    if let Some(name) = &name
        && !known.iter().any(|(_, known)| known == name)
    {
        let known: Vec<&str> = known.iter().map(|(_, name)| name.as_str()).collect();
        return Err(Stop::Usage(format!(
            "there is no benchmark `{name}`; there is {}",
            known.join(", ")
        )));
    }
    let wanted: Vec<(&Folder, String)> = known
        .into_iter()
        .filter(|(_, known)| name.as_ref().is_none_or(|name| name == known))
        .collect();
    let progress = Progress::start();
    setup::tools(&progress, &[&VALGRIND])?;
    if wanted.iter().any(|(_, name)| name == WITH_ALLOCATORS) {
        setup::tools(&progress, &[&setup::CXX, &setup::MAKE])?;
    }
    let drives = |(folder, name): &(&Folder, String)| folder.drives && !ALONE.contains(&&**name);
    if wanted.iter().any(drives) {
        setup::tools(&progress, &[&QEMU, &CHROMIUM])?;
        let wasm = setup::wasm(&progress)?;
        web::build(&progress, &wasm, Kind::Release)?;
        image::build(&progress)?;
        serve::build_server(&progress, "release")?;
    }
    let names: Vec<String> = wanted.iter().map(|(_, name)| name.clone()).collect();
    for (folder, name) in wanted {
        progress.stage(&format!("bench {name}"));
        let mut cargo = process::cargo_call(folder.cargo);
        cargo.arg(&name);
        if name == WITH_XARRAY {
            cargo.env("RUSTC_BOOTSTRAP", "xarray");
            cargo.args(["--features", "xarray", "--target-dir"]);
            cargo.arg(paths::target().join("xarray"));
        }
        if name == WITH_ALLOCATORS {
            cargo.args(["--features", "allocators"]);
            // One of them would check itself at every call without this.
            cargo.env("CXXFLAGS", "-DNDEBUG");
        }
        cargo.arg("--").args(&passed_on);
        if name == UNTRACED {
            let counts = untraced(&progress)?;
            cargo.arg("--beside").arg(counts);
        }
        process::run_in_sight(&mut cargo)?;
    }
    standings::print(&names)
}

/// Counts the instructions of every workload and compares them with those on record; the others need
/// not be installed or built for that.
///
/// # Errors
/// With an operation that takes too many; when there is no valgrind.
pub fn gates(progress: &Progress) -> Result<(), Stop> {
    setup::tools(progress, &[&VALGRIND])?;
    process::run(&mut process::cargo_call("bench -p benches --bench gates"))
}

/// The benchmarks that there are, with their folders.
fn names() -> Result<Vec<(&'static Folder, String)>, Stop> {
    let mut names = Vec::new();
    for folder in &FOLDERS {
        let path = paths::workspace().join(folder.path);
        let entries = fs::read_dir(&path).map_err(|error| Stop::io("read", &path, &error))?;
        let files = entries.flatten().map(|entry| entry.path());
        let is_bench =
            |file: &std::path::PathBuf| file.extension().is_some_and(|extension| extension == "rs");
        let mut here: Vec<String> = files
            .filter(is_bench)
            .filter_map(|file| Some(file.file_stem()?.to_str()?.to_string()))
            .collect();
        here.sort();
        names.extend(here.into_iter().map(|name| (folder, name)));
    }
    Ok(names)
}
