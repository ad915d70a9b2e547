//! Starts other programs.

use std::env;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::paths;
use crate::stop::Stop;

/// What `cargo run` sets for the program it runs, this one, and what is wrong for any cargo that
/// we start in turn. `RUSTUP_TOOLCHAIN` is not among them: it holds the user's `cargo +NAME`.
const LEAKED: [&str; 4] = [
    "LD_LIBRARY_PATH",
    "CARGO",
    "RUST_RECURSION_COUNT",
    "RUSTUP_TOOLCHAIN_SOURCE",
];
const LEAKED_PREFIXES: [&str; 4] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
];

/// A program in the workspace's folder and in the environment that the user started us in.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command
        .current_dir(paths::workspace())
        .env("CARGO_TARGET_DIR", paths::target());
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_leaked) {
            command.env_remove(name);
        }
    }
    command
}

fn is_leaked(variable: &str) -> bool {
    LEAKED.contains(&variable)
        || LEAKED_PREFIXES
            .iter()
            .any(|prefix| variable.starts_with(prefix))
}

/// The cargo that started us.
pub fn cargo() -> Command {
    program(env::var_os("CARGO").unwrap_or("cargo".into()))
}

/// [`cargo`] with these words as its arguments.
pub fn cargo_call(words: &str) -> Command {
    let mut cargo = cargo();
    cargo.args(words.split_whitespace());
    cargo
}

/// Runs a program to its end. All it prints goes to stderr: stdout is for what the user asked for.
///
/// # Errors
/// When it can't be started or fails; the message shows its command line.
pub fn run(command: &mut Command) -> Result<(), Stop> {
    run_in_sight(command.stdout(std::io::stderr()))
}

/// [`run`], but what the program prints to stdout is what the user asked for.
pub fn run_in_sight(command: &mut Command) -> Result<(), Stop> {
    command.stdin(Stdio::null());
    let status = command
        .status()
        .map_err(|error| Stop::Failed(format!("can't start `{}`: {error}", line(command))))?;
    if status.success() {
        return Ok(());
    }
    Err(Stop::Failed(format!(
        "`{}` failed: {status}",
        line(command)
    )))
}

/// Becomes another program, which then has the terminal, the signals and the exit status.
pub fn become_program(command: &mut Command) -> Stop {
    let error = command.exec();
    Stop::Failed(format!("can't start `{}`: {error}", line(command)))
}

/// Runs a program for what it prints; `None` when it can't be started or fails.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// The command line as a person would type it.
pub fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy();
    let mut line = name.into_owned();
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        line.push(' ');
        if argument.contains(' ') {
            line += &format!("'{argument}'");
        } else {
            line += &argument;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_added_goes_and_what_the_user_set_stays() {
        for leaked in [
            "LD_LIBRARY_PATH",
            "CARGO",
            "CARGO_PKG_NAME",
            "CARGO_MANIFEST_DIR",
            "CARGO_BIN_NAME",
        ] {
            assert!(is_leaked(leaked), "{leaked}");
        }
        for kept in [
            "PATH",
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_TERM_COLOR",
            "CARGO_NET_OFFLINE",
            "RUSTUP_TOOLCHAIN",
        ] {
            assert!(!is_leaked(kept), "{kept}");
        }
    }

    #[test]
    fn a_failure_shows_the_command_line() {
        let error = run(program("/bin/sh").args(["-c", "exit 3"])).expect_err("it exits with 3");
        assert_eq!(
            error,
            Stop::Failed("`sh -c 'exit 3'` failed: exit status: 3".to_string())
        );
        let error =
            run(program("/nonexistent/tool").arg("x")).expect_err("there is no such program");
        assert!(matches!(error, Stop::Failed(text) if text.starts_with("can't start `tool x`: ")));
    }
}
