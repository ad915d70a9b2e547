//! Format, lints and documentation: what can be said about the code without running it.

use std::process::Command;

use crate::progress::Progress;
use crate::stop::Stop;
use crate::toolchain::{self, Wasm};
use crate::{process, setup};

/// What `check --help` adds.
pub const DETAILS: &str = "
rustfmt, clippy (for this machine, for WebAssembly and for the boot image) and rustdoc, each with
warnings as errors; they are the first stages of `cargo xtask test`. A compiler newer than 1.95 may
know lints that nobody here has met: its warnings are shown and do not fail.";

/// The compiler whose warnings this code was last cleared of, 1.95.
const CLEARED_FOR: u32 = 95;

/// The command.
pub fn check(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    let progress = Progress::start();
    setup::lints(&progress)?;
    let wasm = setup::wasm(&progress)?;
    announce(&progress);
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

/// How to take warnings. New compilers bring new lints, which say nothing about a change of ours.
fn strictness() -> &'static str {
    strictness_of(toolchain::compiler())
}

/// Says so if warnings will not fail.
pub fn announce(progress: &Progress) {
    if strictness() != "-Dwarnings" {
        progress.stage(&format!(
            "this compiler is newer than 1.{CLEARED_FOR}: its warnings are shown and do not fail"
        ));
    }
}

fn strictness_of(compiler: Option<u32>) -> &'static str {
    if compiler.is_some_and(|minor| minor > CLEARED_FOR) {
        "-Wwarnings"
    } else {
        "-Dwarnings"
    }
}

/// rustfmt's verdict on every crate.
pub fn format() -> Command {
    process::cargo_call("fmt --all --check")
}

/// clippy on what runs on this machine.
pub fn lints() -> Command {
    let mut cargo = process::cargo_call("clippy --workspace --all-targets");
    cargo.args([
        "--features",
        "xtask/pack,xtask/drive,labs/author",
        "--",
        strictness(),
    ]);
    cargo
}

/// clippy on what runs in the browser. Debian's compiler brings none; it shows its own warnings.
pub fn lints_wasm(wasm: &Wasm) -> Command {
    let packages = ["frontend", "kernel-wasm"];
    match wasm {
        Wasm::Rustup => {
            let mut cargo = wasm.cargo("clippy", "dev", &packages);
            cargo.args(["--", strictness()]);
            cargo
        }
        Wasm::Debian { .. } => wasm.cargo("check", "dev", &packages),
    }
}

/// clippy on the boot image's metal parts.
pub fn lints_image() -> Command {
    let mut cargo = process::cargo_call("clippy --profile boot -p boot --features image --");
    cargo.arg(strictness());
    cargo
}

/// rustdoc on every crate, private items too: they are what a student reads.
pub fn documentation() -> Command {
    let mut cargo = process::cargo_call(
        "doc --workspace --features labs/author --no-deps --document-private-items",
    );
    cargo.env("RUSTDOCFLAGS", strictness());
    cargo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_errors_for_every_compiler_that_we_know() {
        for known in [None, Some(88), Some(CLEARED_FOR)] {
            assert_eq!(strictness_of(known), "-Dwarnings");
        }
        assert_eq!(strictness_of(Some(CLEARED_FOR + 1)), "-Wwarnings");
    }
}
