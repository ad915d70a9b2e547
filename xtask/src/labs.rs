//! The labs: packed for the page.
//!
//! Reading a lab's folder is the work of the `lab` program, which contains a kernel to try labs on;
//! this module makes what it needs and calls it.

use std::path::PathBuf;

use crate::progress::Progress;
use crate::stop::Stop;
use crate::{paths, process};

/// Packs the catalogue for the page and returns the folder whose content goes into the page.
pub fn pack(progress: &Progress) -> Result<PathBuf, Stop> {
    progress.stage("packing the labs");
    let packed = paths::target().join("packed");
    let mut lab = process::program(build_lab()?);
    lab.arg("pack").arg(catalogue()).arg(packed.join("labs"));
    process::run(&mut lab)?;
    Ok(packed)
}

/// The folder of all labs.
fn catalogue() -> PathBuf {
    paths::workspace().join("labs/catalogue")
}

/// Builds the `lab` program and returns its path.
fn build_lab() -> Result<PathBuf, Stop> {
    process::run(&mut process::cargo_call(
        "build -p labs --features author --bin lab",
    ))?;
    Ok(paths::target().join("debug").join("lab"))
}
