//! Kernel operations a second: in the browser's worker, and in this process.
//!
//! One log, run on both hosts through the same messages: lines that each insert many items. An
//! operation is one insertion with its step and its event; nothing is drawn.
//!
//! `cargo xtask bench wasm`; `--rounds N` repeats more.

use std::fmt::Write as _;
use std::time::Instant;

use benches::{Table, median, number_argument, write};
use labs::protocol::Host;
use tests::Settings;
use tests::host;

/// Insertions a line.
const A_LINE: usize = 100_000;
/// Lines that insert.
const LINES: usize = 20;

fn log() -> String {
    let mut log = String::from("mem=64M\nradix create t\n");
    for line in 0..LINES {
        let _ = writeln!(log, "radix fill t {} {A_LINE}", line * A_LINE);
    }
    log
}

fn main() -> Result<(), String> {
    let settings = Settings::find();
    let rounds = number_argument("--rounds").unwrap_or(7).max(1);
    let log = log();
    let mut drivers = Vec::new();
    for host in [Host::Native, Host::Wasm] {
        drivers.push((host::connect(host, &settings)?, Vec::new()));
    }
    let mut outcomes = Vec::new();
    // The first round warms up: a browser compiles the module's hot parts once more.
    for round in 0..=rounds {
        for (driver, speeds) in &mut drivers {
            let start = Instant::now();
            let outcome = driver.replay(log.as_bytes(), false)?;
            let elapsed = start.elapsed().as_secs_f64();
            if round > 0 {
                speeds.push((A_LINE * LINES) as f64 / elapsed / 1e6);
            }
            outcomes.push(outcome);
        }
    }
    if outcomes.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err("the hosts came to different ends".into());
    }
    let title = format!("Million kernel operations a second, median of {rounds} rounds");
    let mut table = Table::new(title, &["insertions"]);
    let rows: Vec<_> = drivers
        .iter()
        .map(|(driver, speeds)| (driver.host().name(), vec![median(speeds)]))
        .collect();
    for (name, row) in &rows {
        table.row(*name, row.clone());
    }
    table.ratio("wasm / native", &rows[1].1, &rows[0].1);
    println!("{}", table.text());
    write("wasm.json", &table.json());
    Ok(())
}
