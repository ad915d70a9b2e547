//! How long the page takes to show another step of a long session, how smoothly it plays, and what
//! the tab holds.
//!
//! `cargo xtask bench scrub`; `--rounds N` moves more. A frame of 16.7 ms is as smooth as the screen.

use benches::{Goal, Standing, Table, number_argument, write, write_standings};
use tests::Settings;
use tests::cdp::Browser;
use tests::server::Server;
use tests::travel;

/// A live page.
fn page(settings: &Settings, server: &Server) -> Result<Browser, String> {
    let mut browser = Browser::launch(settings)?;
    browser.goto(&server.url())?;
    browser.wait_for("document.documentElement.dataset.live === '1'")?;
    Ok(browser)
}

fn row(table: &mut Table, name: &str, times: &[f64]) {
    let quantiles = [0.5, 0.95, 1.0].map(|share| Some(travel::quantile(times, share)));
    table.row(name, quantiles.to_vec());
}

fn main() -> Result<(), String> {
    let settings = Settings::find();
    let count = number_argument("--rounds").unwrap_or(200).max(1) as u32;
    let server = Server::start(&settings, &[])?;
    let columns = ["median", "95 %", "worst"];
    let mut moves = Table::new(
        "From a key or the slider to another step: milliseconds",
        &columns,
    );
    let mut frames = Table::new("Frames while playing: milliseconds", &columns);
    let mut memory = Table::new(
        "What the tab holds: MB",
        &["JavaScript heaps", "WebAssembly memories"],
    );
    let mut standings = Vec::new();
    let mut stand = |what: String, unit, figure, most| {
        let standing = Standing::new(format!("scrub: {what}"), unit, Some(figure));
        standings.push(standing.goal(Goal::AtMost(most)));
    };
    for (name, lines) in [
        ("10,000 lines", travel::ten_thousand_lines()),
        ("1,000,000 events", travel::a_million_events()),
        ("10,000 nodes", travel::ten_thousand_nodes()),
    ] {
        let mut browser = page(&settings, &server)?;
        travel::run(&mut browser, &lines)?;
        let back = travel::step_back(&mut browser, count.min(lines.len() as u32 / 2))?;
        row(
            &mut moves,
            &format!("{name}: a step back"),
            &travel::times(&back),
        );
        let p95 = travel::quantile(&travel::times(&back), 0.95);
        stand(format!("a step back, {name}, 95 %"), "ms", p95, 16.0);
        let jumps = travel::jump(&mut browser, count)?;
        let p95 = travel::quantile(&travel::times(&jumps), 0.95);
        // What is still usable where there are a million events.
        let most = if name == "1,000,000 events" {
            100.0
        } else {
            50.0
        };
        stand(format!("a jump, {name}, 95 %"), "ms", p95, most);
        row(
            &mut moves,
            &format!("{name}: a jump"),
            &travel::times(&jumps),
        );
        let from = lines.len() as u32 - 300;
        for speed in ["20", "100", "max"] {
            let from = if speed == "20" { from + 240 } else { from };
            let times = travel::play(&mut browser, from, speed)?;
            row(
                &mut frames,
                &format!("{name}: {speed} steps a second"),
                &times,
            );
        }
        let (heaps, modules) = travel::memory(&mut browser)?;
        let mega = |bytes: u64| Some(bytes as f64 / 1e6);
        memory.row(name, vec![mega(heaps), mega(modules)]);
        let held = (heaps + modules) as f64 / 1e6;
        stand(format!("the tab holds, {name}"), "MB", held, 256.0);
    }
    for table in [&moves, &frames, &memory] {
        println!("{}", table.text());
    }
    write_standings("scrub", &standings);
    write(
        "scrub.json",
        &format!(
            "[{},\n{},\n{}]\n",
            moves.json(),
            frames.json(),
            memory.json()
        ),
    );
    Ok(())
}
