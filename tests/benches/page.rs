//! What loading the page costs: bytes, and the time from the files' arrival to a live kernel.
//!
//! Each load is the first one of a new browser. The worker's own files are not in the page's list
//! of resources, so their loading counts as part of the time.
//!
//! `cargo xtask bench page`; `--rounds N` repeats more.

use std::fs;
use std::path::Path;

use benches::{Goal, Standing, Table, median, number_argument, write, write_standings};
use serde_json::json;
use tests::Settings;
use tests::cdp::Browser;
use tests::server::Server;

/// When the last file of the page had arrived, and when the kernel was live.
const TIMES: &str = "(() => {
    const files = [...performance.getEntriesByType('navigation'),
        ...performance.getEntriesByType('resource').filter(file => !file.name.includes('/api/'))];
    const live = performance.getEntriesByName('glass-live')[0].startTime;
    const arrived = Math.max(...files.map(file => file.responseEnd).filter(end => end <= live));
    return `${arrived} ${live}`;
})()";

/// When the largest thing of the page was painted.
const LARGEST: &str = "new Promise(done => new PerformanceObserver(list =>
    done(list.getEntries().at(-1).startTime)).observe({type: 'largest-contentful-paint', buffered: true}))";

/// Bytes that a page or a worker has loaded, as they were sent.
const LOADED: &str = "[...performance.getEntriesByType('navigation'),
    ...performance.getEntriesByType('resource').filter(file => !file.name.includes('/api/'))]
    .reduce((sum, file) => sum + file.encodedBodySize, 0)";

/// What others that run a kernel in a page weigh in brotli, in kB, and their milliseconds to a prompt;
/// recorded on a machine of this class.
const PEERS: [(&str, f64, f64); 3] = [
    ("v86 with xv6, recorded", 482.0, 590.0),
    ("riscv-rust with xv6, recorded", 226.0, 6800.0),
    ("nanokrnl, recorded", 812.0, 6500.0),
];

/// kB that the page and its workers have loaded.
fn loaded(browser: &mut Browser) -> Result<f64, String> {
    let asked = json!({"expression": LOADED, "returnByValue": true});
    let answers = browser.call_everywhere("Runtime.evaluate", &asked)?;
    let bytes = answers
        .iter()
        .map(|answer| answer["result"]["value"].as_f64());
    let bytes: Option<f64> = bytes.sum();
    Ok(bytes.ok_or("a worker does not tell what it loaded")? / 1000.0)
}

/// kB of a file as it is sent.
fn sent(file: &Path) -> Option<f64> {
    Some(fs::metadata(file).ok()?.len() as f64 / 1000.0)
}

fn main() -> Result<(), String> {
    let settings = Settings::find();
    let rounds = number_argument("--rounds").unwrap_or(7).max(1);
    let dist = settings.dist()?;
    let kernel = sent(&dist.join("kernel_bg.wasm.br"));
    let server = Server::start(&settings, &[])?;
    let (mut arrivals, mut lives, mut waits) = (Vec::new(), Vec::new(), Vec::new());
    let mut paints = Vec::new();
    let mut weights = Vec::new();
    for _ in 0..rounds {
        let mut browser = Browser::launch(&settings)?;
        browser.goto(&server.url())?;
        browser.wait_for("performance.getEntriesByName('glass-live').length > 0")?;
        let times = browser.text(TIMES)?;
        let (arrived, live) = times.split_once(' ').ok_or("no times")?;
        let number = |text: &str| text.parse::<f64>().map_err(|error| error.to_string());
        let (arrived, live) = (number(arrived)?, number(live)?);
        arrivals.push(arrived);
        lives.push(live);
        waits.push(live - arrived);
        paints.push(number(&browser.text(LARGEST)?)?);
        weights.push(loaded(&mut browser)?);
    }
    let weight = median(&weights);
    let mut sizes = Table::new("The page, kB of brotli", &["kB"]);
    sizes.row("loaded by a first visit", vec![weight]);
    sizes.row("of it the kernel's module", vec![kernel]);
    println!("{}", sizes.text());
    let title = format!("A first load in headless Chromium: milliseconds, median of {rounds}");
    let mut times = Table::new(title, &["ms"]);
    times.row("navigation to the last file", vec![median(&arrivals)]);
    times.row("navigation to a live kernel", vec![median(&lives)]);
    times.row("last file to a live kernel", vec![median(&waits)]);
    times.row("navigation to the largest paint", vec![median(&paints)]);
    println!("{}", times.text());
    write(
        "page.json",
        &format!("[{},\n{}]\n", sizes.json(), times.json()),
    );
    let mut standings = Vec::new();
    for (name, kilobytes, milliseconds) in PEERS {
        let standing = Standing::new("page: a first visit loads", "kB", weight);
        standings.push(standing.beside(name, Some(kilobytes)));
        let standing = Standing::new("page: navigation to a live kernel", "ms", median(&lives));
        standings.push(standing.beside(name, Some(milliseconds)));
    }
    let standing = Standing::new("page: last file to a live kernel", "ms", median(&waits));
    standings.push(standing.goal(Goal::AtMost(150.0)));
    let standing = Standing::new(
        "page: navigation to the largest paint",
        "ms",
        median(&paints),
    );
    standings.push(standing.goal(Goal::AtMost(1000.0)));
    write_standings("page", &standings);
    Ok(())
}
