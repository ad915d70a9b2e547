//! A cold load, as a first visitor has it: nothing moves once it is there, and nobody else is asked for anything.

use serde_json::json;
use tests::Settings;
use tests::page::Page;
use tests::server::Server;

/// When the largest thing was painted first, and each shift of what was there already: how much, when, what.
/// The last frames are waited for, so that they have been looked at.
const PAINTED: &str = "(async () => {
    for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
    await new Promise(done => setTimeout(done, 100));
    const entries = type => new Promise(done => {
        new PerformanceObserver((list, observer) => { observer.disconnect(); done(list.getEntries()); })
            .observe({type, buffered: true});
        setTimeout(() => done([]), 500);
    });
    const name = node => node?.nodeType === 1
        ? node.localName + (node.id ? '#' + node.id : '') + [...node.classList].map(it => '.' + it).join('')
        : String(node?.textContent);
    const box = it => [it.x, it.y, it.width, it.height].map(Math.round).join(' ');
    const shifts = await entries('layout-shift');
    const paints = await entries('largest-contentful-paint');
    return {
        lcp: paints.at(-1)?.startTime ?? -1,
        shift: shifts.reduce((sum, it) => sum + it.value, 0),
        moved: shifts.flatMap(it => it.sources.map(source => `${Math.round(it.startTime)} ms: ${name(source.node)} from ${
            box(source.previousRect)} to ${box(source.currentRect)}`)),
    };
})()";

/// What counts as none: a border that is drawn a fraction of a pixel further.
const SHIFT_MAX: f64 = 0.0005;

#[test]
fn a_first_visit_shifts_nothing_and_asks_nobody_else() {
    let settings = Settings::find();
    let server = Server::start(&settings, &[]).expect("the server starts");
    // As it is, and on a slow machine, where each step of drawing has a frame of its own.
    for (slower, width, height) in [(1, 1280, 800), (1, 390, 844), (6, 1280, 800), (6, 390, 844)] {
        let mut page = Page::launch(&settings);
        let resized = page.browser.resize(width, height, width < 600);
        resized.expect("chromium can");
        let rate = json!({"rate": slower});
        let slowed = page.browser.call("Emulation.setCPUThrottlingRate", rate);
        slowed.expect("chromium can");
        page.open(&server.url());
        page.settle();

        let painted = page.eval(PAINTED);
        let lcp = painted["lcp"].as_f64().expect("a number");
        let shift = painted["shift"].as_f64().expect("a number");
        println!(
            "{width}x{height}, {slower} times slower: largest paint after {lcp:.0} ms, shift {shift}"
        );
        assert!(lcp > 0.0, "nothing was painted");
        assert!(
            shift <= SHIFT_MAX,
            "{width}x{height}: {shift}: {:#}",
            painted["moved"]
        );

        let requests = page.browser.requests().expect("the browser lives");
        let elsewhere = |url: &&String| {
            let own = [
                server.url(),
                "data:".into(),
                "about:".into(),
                format!("blob:{}", server.url()),
            ];
            !own.iter().any(|own| url.starts_with(own.as_str()))
        };
        assert!(requests.len() > 5, "{requests:?}");
        let elsewhere: Vec<&String> = requests.iter().filter(elsewhere).collect();
        assert!(elsewhere.is_empty(), "{elsewhere:?}");
        page.is_clean();
    }
}
