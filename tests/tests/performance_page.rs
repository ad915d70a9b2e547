//! The page that measures: reached by its address and by a link, run, read, copied, left.

use std::time::Duration;

use performance::WORKLOADS;
use performance::recorded::Recorded;
use tests::Settings;
use tests::page::{Lab, Page};
use tests::site::Site;

/// How long one work may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The first row has a figure of this browser.
const MEASURED: &str = "document.querySelector('#performance-table tbody tr[data-ns]')";

#[test]
fn the_address_leads_to_the_page_that_measures() {
    let mut lab = Lab::open();
    let address = format!("{}performance", lab.server.url());
    lab.page.open(&address);
    lab.wait("document.querySelector('#performance')?.open");
    lab.wait("document.querySelector('#performance-table').dataset.rows > 0");
    assert_eq!(
        lab.text("document.querySelector('#performance-table').dataset.rows"),
        WORKLOADS.len().to_string()
    );
    assert_eq!(
        lab.text("location.pathname + location.hash"),
        "/#performance"
    );
    assert!(
        lab.text("document.querySelector('#performance-sentence').textContent")
            .contains("Nothing has been measured")
    );
    // The browser says who it is.
    assert!(
        lab.text("document.querySelector('#performance-here').textContent")
            .starts_with("Chromium")
    );
    lab.is_clean();
}

#[test]
fn work_is_measured_read_and_copied() {
    let settings = Settings::find();
    let mut lab = Lab::open();
    // With keys alone.
    lab.enter("#help");
    lab.enter("#performance-link");
    lab.wait("document.querySelector('#performance')?.open");
    lab.wait("!document.querySelector('dialog.help').open");
    lab.enter("#performance-run");
    lab.wait("document.querySelector('#performance-progress')");
    lab.page
        .browser
        .wait_at_most(PATIENCE, MEASURED)
        .expect("the first work is measured");
    lab.enter("#performance-stop");
    lab.wait("document.querySelector('#performance-note').textContent === 'Stopped.'");
    let sentence = lab.text("document.querySelector('#performance-sentence').textContent");
    assert!(sentence.contains(" measured"), "{sentence}");
    let recorded = lab.text("document.querySelector('#performance-json').value");
    let recorded: Recorded = serde_json::from_str(&recorded).expect("a record");
    assert!(recorded.machine.contains("Chromium"), "{recorded:?}");
    assert_eq!(recorded.date.len(), "2026-11-22".len());
    let first = &recorded.rows[0];
    assert_eq!(first.name, WORKLOADS[0].name);
    assert!(first.wasm_ns > Some(0.0), "{first:?}");

    lab.page.call_the_judge(&settings);
    for (width, height) in [(1280, 800), (390, 844)] {
        let resized = lab.page.browser.resize(width, height, width < 600);
        resized.expect("chromium can");
        for scheme in ["light", "dark"] {
            lab.page
                .browser
                .prefer_scheme(scheme)
                .expect("chromium can");
            assert_eq!(lab.barriers(), [""; 0], "{width}x{height}, {scheme}");
        }
    }
    lab.press("Escape", 0);
    lab.wait("!document.querySelector('#performance')?.open");
    assert_eq!(lab.text("location.hash"), "");
    lab.is_clean();
}

#[test]
fn what_measures_is_not_loaded_before_it_is_asked_for() {
    let mut lab = Lab::open();
    let loaded = "performance.getEntriesByType('resource').map(it => it.name)
        .filter(name => /performance/.test(name)).length";
    assert_eq!(lab.eval(loaded), 0);
    lab.eval("location.hash = '#performance'");
    lab.wait("document.querySelector('#performance-table')?.dataset.rows > 0");
    assert_ne!(lab.eval(loaded), 0);
    lab.is_clean();
}

#[test]
fn a_plain_web_host_will_do() {
    let settings = Settings::find();
    let dist = settings.dist().expect("the page is built");
    // In a folder of it, as many are.
    let (above, folder) = (
        dist.parent(),
        dist.file_name().and_then(|name| name.to_str()),
    );
    let site = Site::serve(above.expect("a folder").into()).expect("a port is free");
    let mut page = Page::launch(&settings);
    let folder = format!("{}{}/", site.url(), folder.expect("a name"));
    page.open(&format!("{folder}performance/"));
    page.wait("document.querySelector('#performance')?.open");
    page.wait("document.querySelector('#performance-table')?.dataset.rows > 0");
    assert_eq!(page.text("location.href"), format!("{folder}#performance"));
}
