//! Format, lints and documentation: what can be said about the code without running it.

use std::process::Command;

use crate::progress::Progress;
use crate::stop::Stop;
use crate::toolchain::Wasm;
use crate::{process, setup};

/// What `check --help` adds.
pub const DETAILS: &str = "
rustfmt, clippy (for this machine, for WebAssembly and for the boot image) and rustdoc, each with
warnings as errors; they are the first stages of `cargo xtask test`.";

/// The command.
pub fn check(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    let progress = Progress::start();
    setup::lints(&progress)?;
    let wasm = setup::wasm(&progress)?;
    for (what, mut command) in [
        ("format", format()),
        ("lints", lints()),
        ("lints, WebAssembly", lints_wasm(&wasm)),
        ("lints, boot image", lints_image()),
        ("documentation", documentation()),
    ] {
        progress.stage(what);
        process::run(&mut command)?;
    }
    progress.stage("all is well");
    Ok(())
}

/// rustfmt's verdict on every crate.
pub fn format() -> Command {
    process::cargo_call("fmt --all --check")
}

/// clippy on what runs on this machine.
pub fn lints() -> Command {
    process::cargo_call(
        "clippy --workspace --all-targets --features xtask/pack,xtask/drive -- -D warnings",
    )
}

/// clippy on what runs in the browser. Debian's compiler brings none, but its own warnings.
pub fn lints_wasm(wasm: &Wasm) -> Command {
    let packages = ["frontend", "kernel-wasm"];
    match wasm {
        Wasm::Rustup => {
            let mut cargo = wasm.cargo("clippy", "dev", &packages);
            cargo.args(["--", "-D", "warnings"]);
            cargo
        }
        Wasm::Debian { .. } => {
            let mut cargo = wasm.cargo("check", "dev", &packages);
            cargo.env("RUSTFLAGS", "-D warnings");
            cargo
        }
    }
}

/// clippy on the boot image's metal parts.
pub fn lints_image() -> Command {
    process::cargo_call("clippy --profile boot -p boot --features image -- -D warnings")
}

/// rustdoc on every crate, private items too: they are what a student reads.
pub fn documentation() -> Command {
    let mut cargo = process::cargo_call("doc --workspace --no-deps --document-private-items");
    cargo.env("RUSTDOCFLAGS", "-D warnings");
    cargo
}
