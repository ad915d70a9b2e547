//! Counts the instructions of every workload, and compares them with what is on record.
//!
//! Times move from run to run; the instructions of a run that repeats itself do not. So these are what
//! the tests watch: an operation that takes [`gate::TOLERANCE`] more than `performance/instructions.toml`
//! says fails them. All workloads run in one process under callgrind, each at its small `gated` size,
//! once before it is counted: what is counted then is the steady state.
//!
//! `cargo xtask bench gates` runs it; `--record` writes the file, after a change that is meant.

use std::path::Path;
use std::process::ExitCode;

use benches::gate::{self, Counts};
use benches::{apart, count_instructions, has_argument, output_folder, region, write};
use performance::WORKLOADS;

/// What this program does apart.
const WHAT: &str = "gates";

fn main() -> ExitCode {
    if apart().is_some() {
        run_all();
        return ExitCode::SUCCESS;
    }
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Runs each workload, the second time as a region, and prints its name and its operations.
fn run_all() {
    for workload in WORKLOADS {
        let mut work = (workload.make)(workload.gated);
        work.prepare();
        work.run();
        work.prepare();
        let mut operations = 0;
        region(&mut || operations = work.run());
        println!("{} {operations}", workload.name);
    }
}

fn compare() -> Result<(), String> {
    let (totals, printed) = count_instructions(WHAT).ok_or("nothing was counted")?;
    let mut counted = Vec::new();
    for (line, total) in printed.lines().zip(totals) {
        let parsed = line.split_once(' ').and_then(|(name, operations)| {
            Some((name.to_string(), total / operations.parse::<f64>().ok()?))
        });
        counted.push(parsed.ok_or_else(|| format!("no count: '{line}'"))?);
    }
    if counted.len() != WORKLOADS.len() {
        return Err(format!(
            "{} of {} workloads were counted",
            counted.len(),
            WORKLOADS.len()
        ));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../performance/instructions.toml");
    let compiler = gate::compiler();
    if has_argument("--record") {
        let counts = Counts {
            compiler,
            instructions: counted.into_iter().collect(),
        };
        return counts.write(&file);
    }
    let recorded = Counts::read(&file)?;
    let comparison = gate::compare(&recorded.instructions, &counted);
    println!("{}", comparison.table.text());
    write("gates.json", &comparison.table.json());
    for name in &comparison.improved {
        println!("{name}; if that is meant, `cargo xtask bench gates --record` keeps it");
    }
    if comparison.failures.is_empty() {
        return Ok(());
    }
    let mut message = comparison.failures.join("\n       ");
    if recorded.compiler != compiler {
        message += &format!(
            "\n       the record was made by {}, this is {compiler}: if nothing else has changed, it is \
             the compiler's doing",
            recorded.compiler
        );
    }
    let folder = output_folder().join("callgrind").join(WHAT);
    message += &format!(
        "\n       `callgrind_annotate {}/part.N` shows where workload number N spends them; if more is \
         meant, `cargo xtask bench gates --record` keeps the new figures",
        folder.display()
    );
    Err(message)
}
