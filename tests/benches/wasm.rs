//! What the kernel costs as WebAssembly beside what it costs natively: the same work, at the same sizes.
//!
//! The work is that of the crate `performance`. It runs in this process and in a Web Worker of headless
//! Chromium, as on the page `/performance`: round by round in turn, so that a busy machine slows both. That
//! module is compiled for speed. The one in which a visitor's kernel lives has to be small as well, so it
//! comes last: a log of insertions, through the same messages on both hosts.
//!
//! `cargo xtask bench wasm`; `--rounds N` repeats more, `--record` keeps the medians in
//! `performance/recorded.json`, which the page shows beside a visitor's own; `--only radix` leaves out what
//! does not begin so. `GLASS_DIST` names another page.

use std::fmt::Write as _;
use std::time::Instant;

use benches::{
    Goal, Standing, Table, argument, geometric_mean, has_argument, number_argument, update_record,
    write, write_standings,
};
use labs::protocol::Host;
use performance::recorded::Row;
use performance::{Measured, WORKLOADS, Workload, rounds};
use serde_json::json;
use tests::Settings;
use tests::cdp::Browser;
use tests::host;
use tests::site::Site;

/// Milliseconds that a round takes at least: 500 steps of Chromium's clock.
const ROUND_MS: f64 = 50.0;

/// What the purpose is: an operation takes this many times as long as natively, at most.
const GOAL: f64 = 1.6;

/// Starts a worker, in place of the one before, and defines `ask(message)`.
const BRIDGE: &str = "
    globalThis.worker?.terminate();
    globalThis.worker = new Worker('./performance-worker.js', { type: 'module' });
    globalThis.ask = message => new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => 'error' in data ? reject(data.error) : resolve(data.done);
        worker.onerror = event => reject(event.message || 'the worker cannot be loaded');
        worker.postMessage(message);
    });
    ask({ offered: true }).then(offered => offered.length)";

/// The page's worker that does the work, in a browser of its own.
struct Tab {
    browser: Browser,
    _site: Site,
}

impl Tab {
    fn open(settings: &Settings) -> Result<Tab, String> {
        let site = Site::serve(settings.dist()?)?;
        let mut browser = Browser::launch(settings)?;
        browser.goto(&site.url())?;
        Ok(Tab {
            browser,
            _site: site,
        })
    }

    /// In a worker of its own: a module's memory only grows, and ends up in pieces.
    fn make(&mut self, workload: &Workload, size: u32) -> Result<(), String> {
        self.browser.eval(BRIDGE)?;
        let message = json!({ "make": [workload.name, size] });
        self.browser.eval(&format!("ask({message})")).map(drop)
    }

    /// Nanoseconds an operation.
    fn round(&mut self) -> Result<f64, String> {
        let cost = self
            .browser
            .eval(&format!("ask({{ round: {ROUND_MS} }})"))?;
        cost.as_f64().ok_or_else(|| format!("a round of {cost}"))
    }
}

/// One work at one size, here and there.
fn measure(tab: &mut Tab, workload: &Workload, size: u32, count: usize) -> Result<Row, String> {
    let mut work: Box<dyn Measured> = (workload.make)(size);
    rounds::warm_up(&mut *work);
    tab.make(workload, size)?;
    let start = Instant::now();
    let mut now = || start.elapsed().as_secs_f64() * 1e3;
    let (mut native, mut wasm) = (Vec::new(), Vec::new());
    for _ in 0..count {
        native.push(rounds::round(&mut *work, ROUND_MS, &mut now));
        wasm.push(tab.round()?);
    }
    let name = workload.name;
    eprintln!("{name} {size}: {native:.1?} {wasm:.1?}");
    Ok(Row {
        name: name.to_string(),
        size,
        native_ns: rounds::median(&native),
        wasm_ns: rounds::median(&wasm),
        instructions: None,
    })
}

fn main() -> Result<(), String> {
    let count = number_argument("--rounds").unwrap_or(7).max(1);
    let only = argument("--only").unwrap_or_default();
    let mut tab = Tab::open(&Settings::find())?;
    let mut rows = Vec::new();
    for workload in WORKLOADS.iter().filter(|it| it.name.starts_with(&only)) {
        for &size in workload.sizes {
            rows.push(measure(&mut tab, workload, size, count)?);
        }
    }
    let table = table(&rows, count);
    println!("{}", table.text());
    write("wasm.json", &table.json());
    drop(tab);
    let table = insertions(count)?;
    println!("{}", table.text());
    write("wasm-page.json", &table.json());
    if only.is_empty() {
        let standing = |row: &Row| {
            Standing::new(name(row), "ns", row.wasm_ns)
                .beside("native", row.native_ns)
                .goal(Goal::RatioAtMost(GOAL))
        };
        write_standings("wasm", &rows.iter().map(standing).collect::<Vec<_>>());
    }
    if has_argument("--record") {
        update_record(|row| {
            if let Some(new) = rows
                .iter()
                .find(|new| (&new.name, new.size) == (&row.name, row.size))
            {
                (row.native_ns, row.wasm_ns) = (new.native_ns, new.wasm_ns);
            }
        })?;
    }
    Ok(())
}

fn name(row: &Row) -> String {
    format!("{} {}", row.name, row.size)
}

/// Insertions a line of the log.
const A_LINE: usize = 100_000;
/// Lines that insert.
const LINES: usize = 20;

/// A log on the page's own kernel, and in this process.
fn insertions(count: usize) -> Result<Table, String> {
    let settings = Settings::find();
    let mut log = String::from("mem=64M\nradix create t\n");
    for line in 0..LINES {
        let _ = writeln!(log, "radix fill t {} {A_LINE}", line * A_LINE);
    }
    let mut hosts = Vec::new();
    for host in [Host::Native, Host::Wasm] {
        hosts.push((host::connect(host, &settings)?, Vec::new()));
    }
    let mut outcomes = Vec::new();
    // The first round warms up.
    for round in 0..=count {
        for (driver, costs) in &mut hosts {
            let start = Instant::now();
            outcomes.push(driver.replay(log.as_bytes(), false)?);
            if round > 0 {
                costs.push(start.elapsed().as_secs_f64() * 1e9 / (A_LINE * LINES) as f64);
            }
        }
    }
    if outcomes.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err("the hosts came to different ends".into());
    }
    let title = format!("Nanoseconds an insertion by a console line, median of {count} rounds");
    let mut table = Table::new(title, &["ns"]);
    let rows: Vec<_> = hosts
        .iter()
        .map(|(driver, costs)| (driver.host().name(), vec![rounds::median(costs)]))
        .collect();
    for (name, row) in &rows {
        table.row(*name, row.clone());
    }
    table.ratio("wasm / native", &rows[1].1, &rows[0].1);
    Ok(table)
}

fn table(rows: &[Row], count: usize) -> Table {
    let title = format!("Nanoseconds an operation, median of {count} rounds in turn");
    let mut table = Table::new(title, &["native", "wasm", "ratio"]);
    let ratio = |row: &Row| Some(row.wasm_ns? / row.native_ns?);
    for row in rows {
        table.row(name(row), vec![row.native_ns, row.wasm_ns, ratio(row)]);
    }
    let ratios: Vec<f64> = rows.iter().filter_map(ratio).collect();
    table.row("geometric mean", vec![None, None, geometric_mean(&ratios)]);
    let above = rows.iter().filter(|row| ratio(row) > Some(GOAL));
    let above: Vec<String> = above.map(name).collect();
    match above.is_empty() {
        true => table.note(format!(
            "None takes more than {GOAL} times as long as natively."
        )),
        false => table.note(format!(
            "{} of {} take more than {GOAL} times as long as natively: {}.",
            above.len(),
            rows.len(),
            above.join(", ")
        )),
    }
    table
}
