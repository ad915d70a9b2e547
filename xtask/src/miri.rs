//! `miri`: the unit tests of memory and allocators, interpreted.
//!
//! `unsafe` is in `mem` alone, a few lines that turn a frame's bytes into references. Miri runs a
//! test instruction by instruction and finds what the processor lets pass: a reference that another
//! one has ended, a read of what was never written, an address outside its allocation. It comes with
//! nightly toolchains only, so it is no stage of `test`.

use std::process::{Command, Stdio};

use lexopt::prelude::*;

use crate::process;
use crate::progress::Progress;
use crate::stop::Stop;

/// What `miri --help` adds.
pub const DETAILS: &str = "
FILTERs are names, or parts of names, of tests of kernel-core (default: mem:: slab::). Random ones
take fewer steps than otherwise, and large machines are smaller. Miri and the library's sources are
components of the nightly toolchain; where they are missing they are installed by rustup.";

/// The toolchain that has Miri.
const NIGHTLY: &str = "+nightly";
/// What is interpreted unless somebody asks for less.
const DEFAULT: [&str; 2] = ["mem::", "slab::"];

/// The command.
pub fn miri(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let mut filters = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(filter) => filters.push(filter.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    if filters.is_empty() {
        filters = DEFAULT.map(str::to_string).to_vec();
    }
    let progress = Progress::start();
    if !has_miri() {
        progress.stage("installing the nightly toolchain with Miri");
        let mut install = process::program("rustup");
        install.args("toolchain install nightly --profile minimal -c miri -c rust-src".split(' '));
        // Whether that was enough is what counts.
        let _ = process::run(&mut install);
    }
    if !has_miri() {
        return Err(Stop::Failed(
            "there is no Miri: `rustup toolchain install nightly -c miri -c rust-src` could not get \
             it here"
                .to_string(),
        ));
    }
    progress.stage("interpreting the tests");
    process::run(
        cargo_miri("test")
            .args(["-p", "kernel-core", "--lib", "--"])
            .args(filters),
    )
}

/// `cargo +nightly miri`, for which rustup's own cargo has to be asked.
fn cargo_miri(word: &str) -> Command {
    let mut command = process::program("cargo");
    // Ours would be the toolchain that started us.
    command.env_remove("RUSTUP_TOOLCHAIN");
    command.args([NIGHTLY, "miri", word]);
    command
}

fn has_miri() -> bool {
    let mut command = cargo_miri("--version");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
