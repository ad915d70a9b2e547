//! A file of callbacks becomes WebAssembly.
//!
//! One call of `rustc`: the file is a module of the crate in `glass.rs`, which is all that it can
//! name. What its kind of callbacks needs besides lies beside it as `kind.rs`. There is nothing else to build, so it takes a fraction of a second.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use kernel_core::module::Kind;

use crate::Refusal;

/// The kernel as a callback sees it.
const GLASS: &str = include_str!("glass.rs");

/// What a kind of callbacks sees besides.
fn glass_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Slab => include_str!("glass/slab.rs"),
        Kind::Subsystem => include_str!("glass/subsystem.rs"),
        Kind::ProcFile => include_str!("glass/proc.rs"),
        Kind::OomPolicy => include_str!("glass/policy.rs"),
    }
}

/// The target triple.
const TARGET: &str = "wasm32-unknown-unknown";

/// What the compiler reads, in this order.
const FILES: &str = "glass.rs kind.rs ops.rs";

/// Processor seconds that the compiler may take; it takes less than one. A file that needs more is
/// refused, which is no grade.
const SECONDS: u32 = 30;

/// KiB of address space that the compiler may take.
const KIBIBYTES: u32 = 4 << 20;

/// Bytes of messages that are passed on.
const TEXT_MAX: usize = 16 << 10;

/// A compiler for WebAssembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    /// `rustc`: a path, or a name to be found.
    pub rustc: PathBuf,
    /// A folder in which the libraries of WebAssembly are, if it is not the compiler's own.
    pub sysroot: Option<PathBuf>,
    /// Whether messages are coloured.
    pub colour: bool,
}

impl Compiler {
    /// The compiler that `RUSTC` names, or the one on the path; `GLASS_SYSROOT` names its libraries.
    pub fn find() -> Compiler {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Compiler {
            rustc: set("RUSTC").map_or_else(|| "rustc".into(), PathBuf::from),
            sysroot: set("GLASS_SYSROOT").map(PathBuf::from),
            colour: false,
        }
    }
}

/// A folder of its own, which goes when it is dropped.
struct Workshop(PathBuf);

impl Workshop {
    fn new() -> io::Result<Workshop> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("glass-ops-{}-{number}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            match fs::create_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => return other.map(|()| Workshop(folder)),
            }
        }
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // What is left behind in the temporary folder harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Compiles the text of a file, which [`crate::scan()`] has passed.
///
/// # Errors
/// [`Refusal::Errors`] with what the compiler says, which names the file `ops.rs`; or why it could
/// not be asked.
pub fn compile(compiler: &Compiler, source: &str, kind: Kind) -> Result<Vec<u8>, Refusal> {
    let trouble = |what: &str, error: io::Error| {
        Refusal::Unfit(format!("ops.rs cannot be compiled here: {what}: {error}"))
    };
    let workshop = Workshop::new().map_err(|error| trouble("no temporary folder", error))?;
    let folder = &workshop.0;
    fs::write(folder.join("glass.rs"), GLASS)
        .and_then(|()| fs::write(folder.join("kind.rs"), glass_of(kind)))
        .and_then(|()| fs::write(folder.join("ops.rs"), source))
        .map_err(|error| trouble("the temporary folder", error))?;
    let mut rustc = command(compiler, folder);
    let mut child = rustc
        .spawn()
        .map_err(|error| trouble(&format!("`{}`", compiler.rustc.display()), error))?;
    let mut text = Vec::new();
    if let Some(mut stderr) = child.stderr.take() {
        let first = (&mut stderr).take(TEXT_MAX as u64).read_to_end(&mut text);
        // Nobody reads more than that; but a compiler that nobody listens to would not say how it ends.
        first
            .and_then(|_| io::copy(&mut stderr, &mut io::sink()))
            .map_err(|error| trouble("its messages", error))?;
    }
    let status = child.wait().map_err(|error| trouble("rustc", error))?;
    let text = String::from_utf8_lossy(&text);
    if !status.success() {
        return Err(match status.code() {
            Some(1) if text.contains("E0463") && text.contains("`core`") => {
                Refusal::Unfit(format!(
                    "ops.rs cannot be compiled here: `{}` lacks the target {TARGET}: \
                     `rustup target add {TARGET}` installs it",
                    compiler.rustc.display()
                ))
            }
            Some(1) => Refusal::Errors(text.into_owned()),
            Some(127) => Refusal::Unfit(format!(
                "ops.rs cannot be compiled here: there is no `{}`",
                compiler.rustc.display()
            )),
            _ => Refusal::Unfit(format!(
                "compiling ops.rs took more than {SECONDS} seconds of processor time, or more than \
                 {} MiB: {status}",
                KIBIBYTES >> 10
            )),
        });
    }
    check_files(folder)?;
    fs::read(folder.join("glass.wasm")).map_err(|error| trouble("the module", error))
}

/// The call. A shell sets the limits; nothing of the file is in its words.
fn command(compiler: &Compiler, folder: &Path) -> Command {
    let limited = format!("ulimit -t {SECONDS} && ulimit -v {KIBIBYTES} && exec \"$@\"");
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &limited, "sh"])
        .arg(&compiler.rustc)
        .args([
            "--edition=2024",
            "--crate-type=cdylib",
            "--crate-name=glass",
        ])
        .args(["--target", TARGET, "--emit=link,dep-info"])
        .args(["-Copt-level=1", "-Cpanic=abort", "-Cstrip=symbols"])
        .args(["-Cdebug-assertions=yes", "-Cincremental="])
        .arg("-Clink-arg=-zstack-size=65536")
        .arg(format!(
            "--color={}",
            if compiler.colour { "always" } else { "never" }
        ));
    if let Some(sysroot) = &compiler.sysroot {
        let mut word = OsString::from("--sysroot=");
        word.push(sysroot);
        command.arg(word);
    }
    // What rustup and the linker need to find themselves, and nothing else.
    let kept = [
        "PATH",
        "HOME",
        "RUSTUP_HOME",
        "RUSTUP_TOOLCHAIN",
        "CARGO_HOME",
    ];
    let kept: Vec<_> = kept
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
        .collect();
    command
        .arg("glass.rs")
        .current_dir(folder)
        .env_clear()
        .envs(kept)
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// Sees to it that the compiler has read those three files and nothing else, and no environment.
fn check_files(folder: &Path) -> Result<(), Refusal> {
    let list = fs::read_to_string(folder.join("glass.d")).unwrap_or_default();
    let read_others = list.lines().any(|line| {
        let of_wasm = line.strip_prefix("glass.wasm:").map(str::trim);
        of_wasm.is_some_and(|files| files != FILES) || line.starts_with("# env-dep:")
    });
    if read_others || !list.contains(&format!("glass.wasm: {FILES}")) {
        return Err(Refusal::Unfit(
            "ops.rs made the compiler read something else".to_string(),
        ));
    }
    Ok(())
}
