//! The playground's examples run as they are meant to.
//!
//! `tests/examples/` has what each of `labs/examples/` prints, with addresses left open (see
//! [`tests::pattern`]). A line that fails is one that is said to.

use std::fs;
use std::path::{Path, PathBuf};

use labs::author::read_examples;
use labs::example::Example;
use labs::protocol::{Host, LineReport, Request, Response};
use tests::host::{Driver, Native};
use tests::pattern::first_difference;

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn examples() -> Vec<Example> {
    read_examples(&folder("../labs/examples")).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What the lines of an example came to, and whether the kernel is sound behind them.
fn run(example: &Example) -> Vec<LineReport> {
    let mut kernel = Native::new();
    assert_eq!(kernel.host(), Host::Native);
    let replayed = kernel.replay(&example.log(), false);
    let replayed = replayed.unwrap_or_else(|error| panic!("{}: {error}", example.name));
    assert_eq!(replayed.broken, None, "{}", example.name);
    let header = example.machine.clone();
    let lines = example.lines.iter().map(|line| line.clone().into_bytes());
    let lines = lines.collect();
    for request in [Request::Open { header }, Request::Run { lines }] {
        match kernel.request(request) {
            Ok(Response::Opened { .. }) => {}
            Ok(Response::Ran { lines, .. }) => return lines,
            other => panic!("{}: {other:?}", example.name),
        }
    }
    Vec::new()
}

#[test]
fn every_example_prints_what_is_stored_and_fails_where_it_says() {
    let examples = examples();
    assert!(examples.len() >= 16, "only {} examples", examples.len());
    for example in &examples {
        let name = &example.name;
        let reports = run(example);
        assert_eq!(
            reports.len(),
            example.lines.len(),
            "{name}: it was cut short"
        );
        for ((number, line), report) in (1..).zip(&example.lines).zip(&reports) {
            let is_meant = example.fails.contains(&number);
            let text = String::from_utf8_lossy(&report.text);
            assert_eq!(report.status != 0, is_meant, "{name}: {line}: {text}");
        }
        let text: Vec<u8> = reports.into_iter().flat_map(|report| report.text).collect();
        let text = String::from_utf8_lossy(&text);
        let file = folder("examples").join(format!("{name}.txt"));
        let expected = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        if let Some(difference) = first_difference(&expected, &text) {
            panic!("{name}: {difference}, in\n{text}");
        }
    }
    let stored = fs::read_dir(folder("examples")).expect("the folder is there");
    assert_eq!(stored.count(), examples.len(), "texts without an example");
}

/// What the sentences say of some of them.
#[test]
fn examples_show_what_they_promise() {
    let says = |name: &str, line: usize| {
        let examples = examples();
        let example = examples.iter().find(|example| example.name == name);
        let reports = run(example.unwrap_or_else(|| panic!("no example {name}")));
        String::from_utf8_lossy(&reports[line - 1].text).into_owned()
    };
    // Split, and joined again.
    let [before, split, joined] = [2, 4, 6].map(|line| says("buddy-split", line));
    assert!(
        before != split && before == joined,
        "{before}{split}{joined}"
    );
    // Pages are given back.
    let freed = says("slab-defrag", 7);
    assert!(
        freed.trim().parse().is_ok_and(|pages: u32| pages >= 5),
        "{freed}"
    );
    // Somebody swapped, and nobody was killed.
    let swapped = says("swap-out", 7);
    assert!(!swapped.contains("pswpout 0\n"), "{swapped}");
    let told = says("oom-notify", 7);
    assert!(
        told.contains("dropped") && !told.contains("Killed"),
        "{told}"
    );
    // Nine of ten parts of ten seconds, within a thousandth.
    let usage = says("containers-shares", 9);
    let guests: u64 = usage
        .lines()
        .next()
        .and_then(|it| it.parse().ok())
        .unwrap_or(0);
    assert!(guests.abs_diff(9_000_000_000) < 10_000_000, "{usage}");
    // A group that is frozen gets nothing.
    let [frozen, thawed] = [8, 11].map(|line| says("containers-freezer", line));
    assert!(frozen.starts_with("FROZEN\n1000") && thawed.starts_with("THAWED\n2000"));
}
