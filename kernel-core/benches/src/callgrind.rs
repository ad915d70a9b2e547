//! Instruction counts: the benchmark runs itself under valgrind.
//!
//! Callgrind collects only inside `counted_region` and writes a file each time that function
//! returns, so the n-th file holds the count of the n-th region that the run went through.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::contest::APART;

/// The function whose instructions count. A pattern would do for collecting, but not for dumping.
const REGION: &str = "benches::counted_region";

/// Tells the C library, under the names of several of its versions, not to use what only some processors
/// have.
const PLAIN_PROCESSOR: &str = "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM,-AVX2_Usable,\
                               -AVX_Fast_Unaligned_Load,-Prefer_ERMS,-Prefer_FSRM";

/// Runs this program again under callgrind to do `what`, and returns the instructions of each region
/// in order, and what the program printed; `None`, with a word on stderr, where that doesn't work.
pub fn count(what: &str) -> Option<(Vec<f64>, String)> {
    let counts = try_count(what);
    if let Err(reason) = &counts {
        eprintln!("no instruction counts for {what}: {reason}");
    }
    counts.ok()
}

fn try_count(what: &str) -> Result<(Vec<f64>, String), String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let name = what.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let folder = super::output_folder().join("callgrind").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let valgrind = env::var_os("GLASS_VALGRIND").unwrap_or("valgrind".into());
    let part = folder.join("part");
    let output = Command::new(&valgrind)
        // The C library picks its copying and comparing loops by what the processor can do. Without these
        // it takes the same ones on each.
        .env("GLIBC_TUNABLES", PLAIN_PROCESSOR)
        .args(["--tool=callgrind", "--quiet", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={REGION}"))
        .arg(format!("--dump-after={REGION}"))
        .arg(format!("--callgrind-out-file={}", part.display()))
        .arg(&program)
        .args([APART, what])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{}: {error}", valgrind.display()))?;
    if !output.status.success() {
        return Err(format!("callgrind ended with {}", output.status));
    }
    // The parts are numbered from 1.
    let counts: Vec<f64> = (1..)
        .map_while(|number| totals(&folder.join(format!("part.{number}"))))
        .collect();
    if counts.is_empty() {
        return Err("callgrind wrote no counts".into());
    }
    Ok((counts, String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// The instructions that one of callgrind's files sums up.
fn totals(file: &Path) -> Option<f64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))?;
    line.trim().parse().ok()
}
