//! How smoothly the page moves a radix tree of ten thousand nodes.
//!
//! `cargo xtask bench draw`. A frame of 16.7 ms is as smooth as the screen.

use benches::{Goal, Standing, Table, median, write, write_standings};
use tests::Settings;
use tests::cdp::Browser;
use tests::server::Server;

/// Items that fill ten thousand leaves.
const ITEMS: u32 = 640_000;

/// Turns the wheel over the picture once a frame, and returns the times between frames.
const MOVE: &str = "new Promise(done => {
    const canvas = document.querySelector('#radix-canvas');
    const box = canvas.getBoundingClientRect();
    const times = [];
    let last = 0, turns = 0;
    const frame = now => {
        if (last) times.push(now - last);
        last = now;
        canvas.dispatchEvent(new WheelEvent('wheel', {
            deltaY: turns % 40 < 20 ? -40 : 40, bubbles: true, cancelable: true,
            clientX: box.x + box.width / 2, clientY: box.y + box.height / 2,
        }));
        if (++turns < 200) requestAnimationFrame(frame); else done(times.join(' '));
    };
    requestAnimationFrame(frame);
})";

fn main() -> Result<(), String> {
    let settings = Settings::find();
    let server = Server::start(&settings, &[])?;
    let mut browser = Browser::launch(&settings)?;
    browser.goto(&server.url())?;
    browser.wait_for("document.documentElement.dataset.live === '1'")?;
    browser.eval("document.querySelector('#console-input').focus()")?;
    for line in ["radix create t", &format!("radix fill t 0 {ITEMS}")] {
        browser.type_text(line)?;
        browser.press("Enter")?;
    }
    browser.wait_for("document.querySelector('#radix-canvas').dataset.drawnNodes > 10000")?;
    let nodes = browser.text("document.querySelector('#radix-canvas').dataset.drawnNodes")?;
    let frames = browser.text(MOVE)?;
    let mut times: Vec<f64> = frames
        .split(' ')
        .filter_map(|time| time.parse().ok())
        .collect();
    times.sort_by(f64::total_cmp);
    let title = format!("Zooming a tree of {nodes} nodes: milliseconds a frame");
    let mut table = Table::new(title, &["median", "95 %", "worst"]);
    let late = times.get(times.len() * 95 / 100).copied();
    table.row("frame", vec![median(&times), late, times.last().copied()]);
    println!("{}", table.text());
    write("draw.json", &table.json());
    let standing = Standing::new(
        "draw: a frame with 10,000 nodes, median",
        "ms",
        median(&times),
    );
    write_standings("draw", &[standing.goal(Goal::AtMost(16.7))]);
    Ok(())
}
