//! Runs the benchmarks.

use std::fs;

use lexopt::prelude::*;

use crate::progress::Progress;
use crate::setup::VALGRIND;
use crate::stop::Stop;
use crate::{paths, process, setup};

/// What `bench --help` adds.
pub const DETAILS: &str = "
NAME is a file in kernel-core/benches without its extension; without a name, all of them run.";

/// Where the benchmarks are.
const FOLDER: &str = "kernel-core/benches";

/// The command.
pub fn bench(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let mut name = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(value) if name.is_none() => name = Some(value.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let known = names()?;
    let wanted = match name {
        None => known,
        Some(name) if known.contains(&name) => vec![name],
        Some(name) => {
            return Err(Stop::Usage(format!(
                "there is no benchmark `{name}`; there is {}",
                known.join(", ")
            )));
        }
    };
    let progress = Progress::start();
    setup::tools(&progress, &[&VALGRIND])?;
    for name in wanted {
        progress.stage(&format!("bench {name}"));
        let mut cargo = process::cargo_call("bench -p benches --features xarray --bench");
        // One of the peers, the `xarray` crate, needs unstable features.
        cargo.env("RUSTC_BOOTSTRAP", "xarray").arg(&name);
        process::run_in_sight(&mut cargo)?;
    }
    Ok(())
}

/// The benchmarks that there are.
fn names() -> Result<Vec<String>, Stop> {
    let folder = paths::workspace().join(FOLDER);
    let entries = fs::read_dir(&folder).map_err(|error| Stop::io("read", &folder, &error))?;
    let files = entries.flatten().map(|entry| entry.path());
    let is_bench =
        |file: &std::path::PathBuf| file.extension().is_some_and(|extension| extension == "rs");
    let mut names: Vec<String> = files
        .filter(is_bench)
        .filter_map(|file| Some(file.file_stem()?.to_str()?.to_string()))
        .collect();
    names.sort();
    Ok(names)
}
