//! Processes on one core, and what they take.

use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{env, fs, process};

use tests::Settings;
use tests::child::Child;
use tests::server::Server;

/// The core of whatever is measured.
const MEASURED: &str = "0";
/// The core of this process, which makes the load.
const LOAD: &str = "1";

const PATIENCE: Duration = Duration::from_secs(20);

/// Moves this process, and the threads it will have, to its core, and lets it have as many connections as the system
/// allows; what it starts has them too.
pub fn pin_this() -> Result<(), String> {
    let id = process::id().to_string();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    if let Some(hard) = files.and_then(|line| line.split_whitespace().nth(4)) {
        // Where it is refused, the limit may do as it is.
        let nofile = format!("--nofile={hard}:");
        drop(
            Command::new("prlimit")
                .args([&nofile, "--pid", &id])
                .status(),
        );
    }
    let pinned = Command::new("taskset")
        .args(["-a", "-c", "-p", LOAD, &id])
        .output();
    match pinned {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "this needs two cores: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => Err(format!("cannot run taskset: {error}")),
    }
}

/// `program` on the measured core.
fn pinned(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", MEASURED]).arg(program);
    command
}

/// Our server, with these files and more places than anybody takes here.
pub fn ours(dist: &Path, data: &Path) -> Result<Server, String> {
    let mut command = pinned(&Settings::find().server()?);
    command.args(["--addr", "127.0.0.1:0", "--dist"]).arg(dist);
    command.arg("--data").arg(data);
    command.args(["--max-sessions", "10000", "--total-memory", "4000G"]);
    command.args(["--max-followers", "10000", "--news-per-second", "1000000"]);
    command.args(["--quiet-seconds", "600"]);
    Server::of(Child::start(&mut command)?, PATIENCE)
}

/// The peer: this program again, as [`super::bare`] has it.
pub fn bare(dist: &Path) -> Result<Server, String> {
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let mut command = pinned(&this);
    command.arg(super::BARE).arg(dist);
    Server::of(Child::start(&mut command)?, PATIENCE)
}

/// Seconds that a process has been on a processor, all its threads together. On a machine that others use as
/// well this tells more than time does.
pub fn busy_seconds(server: &Server) -> Result<f64, String> {
    let path = format!("/proc/{}/task", server.id());
    let threads = fs::read_dir(&path).map_err(|error| format!("{path}: {error}"))?;
    let nanoseconds = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    };
    // A thread may end meanwhile.
    Ok(threads.flatten().filter_map(nanoseconds).sum::<f64>() / 1e9)
}

/// Bytes of memory that a process has.
pub fn memory_of(server: &Server) -> Result<f64, String> {
    let path = format!("/proc/{}/status", server.id());
    let status = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.map(|kib| kib * 1024.0)
        .ok_or_else(|| format!("{path} has no VmRSS"))
}
