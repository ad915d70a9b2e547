//! Times and memory of a page that travels through a long session, measured in the page itself.
//!
//! A move is timed from the event that asks for it (a key, the slider) to the moment when the page
//! shows that step and the kernel owes it nothing more: the pictures of the step are there as well.
//! The screen shows it with its next frame, which no page can hasten.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cdp::Browser;

/// How long a session may take to run.
const PATIENCE: Duration = Duration::from_secs(300);

/// Moves through time and returns `[milliseconds, step, chain]` of each.
const MOVE: &str = "(async (way, count) => {
    const state = document.querySelector('#state-line').dataset;
    const input = document.querySelector('#console-input').dataset;
    const slider = document.querySelector('#step-slider');
    const turn = () => new Promise(done => {
        const channel = new MessageChannel();
        channel.port1.onmessage = done;
        channel.port2.postMessage(0);
    });
    const frame = () => new Promise(requestAnimationFrame);
    const moves = [];
    let random = 12345;
    for (let i = 0; i < count; i++) {
        random = (random * 1103515245 + 12345) % 2147483648;
        const target = way === 'back' ? state.step - 1 : random % (1 + +state.steps);
        if (+state.step === target) continue;
        // Begin with a page that has nothing left to do.
        await frame(); await frame();
        const start = performance.now();
        if (way === 'back') {
            document.dispatchEvent(new KeyboardEvent('keydown',
                {key: 'ArrowLeft', altKey: true, bubbles: true, cancelable: true}));
        } else {
            slider.value = target;
            slider.dispatchEvent(new Event('input', {bubbles: true}));
        }
        do await turn(); while (+state.step !== target || input.busy === 'true');
        moves.push([performance.now() - start, target, state.chain]);
    }
    return moves;
})";

/// Watches the frames of the screen until the page stops playing; returns the times between them.
const WATCH: &str = "(async () => {
    const times = [];
    let last = await new Promise(requestAnimationFrame);
    while (document.querySelector('#play').ariaPressed === 'true') {
        const now = await new Promise(requestAnimationFrame);
        times.push(now - last);
        last = now;
    }
    return times;
})()";

/// Bytes of a thread's WebAssembly memory: the module's own bindings know it.
const WASM_BYTES: &str = "(async () => {
    const name = globalThis.document ? 'frontend.js' : 'kernel.js';
    const { default: init } = await import(new URL(name, globalThis.document?.baseURI ?? location));
    return (await init()).memory.buffer.byteLength;
})()";

/// One move through time.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    /// From the key or click to the page that shows the step.
    pub milliseconds: f64,
    /// Where it led.
    pub step: u32,
    /// The hash chain that the page then showed.
    pub chain: String,
}

/// Pastes `lines` into the console and waits until they have run.
///
/// # Errors
/// When the page does not get through them in time.
pub fn run(browser: &mut Browser, lines: &[String]) -> Result<(), String> {
    let text = json!(lines.join("\n") + "\n");
    browser.eval(&format!(
        "(input => {{ const data = new DataTransfer();
            data.setData('text', {text});
            input.dispatchEvent(new ClipboardEvent('paste',
                {{clipboardData: data, bubbles: true, cancelable: true}})); }})
        (document.querySelector('#console-input'))"
    ))?;
    let count = lines.len();
    browser.wait_at_most(
        PATIENCE,
        &format!(
            "document.querySelector('#state-line').dataset.steps === '{count}'
                && document.querySelector('#console-input').dataset.busy === 'false'"
        ),
    )
}

/// Goes `count` steps back, one by one.
///
/// # Errors
/// When the page does not answer.
pub fn step_back(browser: &mut Browser, count: u32) -> Result<Vec<Move>, String> {
    moves(browser, "back", count)
}

/// Jumps `count` times to any step, by the slider.
///
/// # Errors
/// When the page does not answer.
pub fn jump(browser: &mut Browser, count: u32) -> Result<Vec<Move>, String> {
    moves(browser, "jump", count)
}

fn moves(browser: &mut Browser, way: &str, count: u32) -> Result<Vec<Move>, String> {
    let moves = browser.eval(&format!("{MOVE}('{way}', {count})"))?;
    let each = |value: &Value| {
        Some(Move {
            milliseconds: value[0].as_f64()?,
            step: value[1].as_u64()? as u32,
            chain: value[2].as_str()?.to_string(),
        })
    };
    let moves = moves
        .as_array()
        .and_then(|moves| moves.iter().map(each).collect());
    moves.ok_or_else(|| "the page told no times".to_string())
}

/// Plays from `step` to the end at the speed of that name; returns the times between the frames of
/// the screen, in milliseconds.
///
/// # Errors
/// When the page does not answer.
pub fn play(browser: &mut Browser, step: u32, speed: &str) -> Result<Vec<f64>, String> {
    browser.eval(&format!(
        "(() => {{
            const select = document.querySelector('#play-speed');
            select.value = '{speed}';
            select.dispatchEvent(new Event('change', {{bubbles: true}}));
            const slider = document.querySelector('#step-slider');
            slider.value = {step};
            slider.dispatchEvent(new Event('input', {{bubbles: true}}));
        }})()"
    ))?;
    browser.wait_for(&format!(
        "document.querySelector('#state-line').dataset.step === '{step}'
            && document.querySelector('#console-input').dataset.busy === 'false'"
    ))?;
    browser.click("#play")?;
    browser.wait_for("document.querySelector('#play').ariaPressed === 'true'")?;
    let times = browser.eval(WATCH)?;
    let times = times.as_array().into_iter().flatten();
    Ok(times.filter_map(Value::as_f64).collect())
}

/// What the tab holds, in bytes: the JavaScript heaps of the page and of its workers, and the
/// WebAssembly memories of both.
///
/// # Errors
/// When the browser does not answer.
pub fn memory(browser: &mut Browser) -> Result<(u64, u64), String> {
    browser.call_everywhere("HeapProfiler.collectGarbage", &json!({}))?;
    let heaps = browser.call_everywhere("Runtime.getHeapUsage", &json!({}))?;
    let heaps = heaps
        .iter()
        .map(|heap| heap["totalSize"].as_f64().unwrap_or(0.0));
    let asked = json!({"expression": WASM_BYTES, "awaitPromise": true, "returnByValue": true});
    let modules = browser.call_everywhere("Runtime.evaluate", &asked)?;
    let mut bytes = 0.0;
    for module in &modules {
        let value = &module["result"]["value"];
        bytes += value
            .as_f64()
            .ok_or_else(|| format!("no memory: {module}"))?;
    }
    Ok((heaps.sum::<f64>() as u64, bytes as u64))
}

/// The value below which a share of `times` lies.
pub fn quantile(times: &[f64], share: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    let place = (times.len() as f64 * share) as usize;
    let last = times.len().saturating_sub(1);
    times.get(place.min(last)).copied().unwrap_or(f64::NAN)
}

/// The times of moves.
pub fn times(moves: &[Move]) -> Vec<f64> {
    moves.iter().map(|each| each.milliseconds).collect()
}

/// `median 3.1 ms, 95 % within 7.5 ms, 12.0 ms at worst`.
pub fn summary(times: &[f64]) -> String {
    format!(
        "median {:.1} ms, 95 % within {:.1} ms, {:.1} ms at worst",
        quantile(times, 0.5),
        quantile(times, 0.95),
        quantile(times, 1.0)
    )
}

/// A session of ten thousand lines that keeps changing a tree.
pub fn ten_thousand_lines() -> Vec<String> {
    let line = |number: u64| match number % 10 {
        9 => format!("radix delete t {}", number * 37 % 100_000),
        7 => "radix stat t".to_string(),
        _ => format!("radix insert t {} {}", number * 37 % 100_000, number + 1),
    };
    let first = ["radix create t".to_string()];
    first.into_iter().chain((1..10_000).map(line)).collect()
}

/// A session of a million events in ten thousand lines.
pub fn a_million_events() -> Vec<String> {
    let line = |number: u64| format!("radix fill t {} 100", number * 100);
    let first = ["radix create t".to_string()];
    first.into_iter().chain((0..9_999).map(line)).collect()
}

/// A tree of more than ten thousand nodes, and three hundred lines that change it.
pub fn ten_thousand_nodes() -> Vec<String> {
    let first = [
        "radix create t".to_string(),
        "radix fill t 0 10000 64".to_string(),
    ];
    let line = |number: u64| format!("radix insert t {} 7", number * 64 + 1);
    first.into_iter().chain((0..300).map(line)).collect()
}
