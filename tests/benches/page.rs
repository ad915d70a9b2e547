//! What loading the page costs: bytes, and the time from the files' arrival to a live kernel.
//!
//! Each load is the first one of a new browser. The worker's own files are not in the page's list
//! of resources, so their loading counts as part of the time.
//!
//! `cargo xtask bench page`; `--rounds N` repeats more.

use std::fs;
use std::path::Path;

use benches::{Table, median, number_argument, write};
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

/// Bytes of the compressed files in `folder` whose name `counts`.
fn bytes(folder: &Path, counts: fn(&str) -> bool) -> Result<f64, String> {
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let sizes = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        (name.ends_with(".br") && counts(&name)).then(|| entry.metadata().ok())?
    });
    Ok(sizes.map(|data| data.len() as f64).sum::<f64>() / 1000.0)
}

fn main() -> Result<(), String> {
    let settings = Settings::find();
    let rounds = number_argument("--rounds").unwrap_or(7).max(1);
    let dist = settings.dist()?;
    let mut sizes = Table::new("The page, kB of brotli", &["kB"]);
    sizes.row("everything", vec![Some(bytes(&dist, |_| true)?)]);
    let kernel = bytes(&dist, |name| name == "kernel_bg.wasm.br")?;
    sizes.row("the kernel's module", vec![Some(kernel)]);
    println!("{}", sizes.text());

    let server = Server::start(&settings, &[])?;
    let (mut arrivals, mut lives, mut waits) = (Vec::new(), Vec::new(), Vec::new());
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
    }
    let title = format!("A first load in headless Chromium: milliseconds, median of {rounds}");
    let mut times = Table::new(title, &["ms"]);
    times.row("navigation to the last file", vec![median(&arrivals)]);
    times.row("navigation to a live kernel", vec![median(&lives)]);
    times.row("last file to a live kernel", vec![median(&waits)]);
    println!("{}", times.text());
    write(
        "page.json",
        &format!("[{},\n{}]\n", sizes.json(), times.json()),
    );
    Ok(())
}
