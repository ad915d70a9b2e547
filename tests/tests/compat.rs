//! Logs that were stored long ago still replay to the same text; see `tests/logs/compat/README.md`.

use std::fs;
use std::path::{Path, PathBuf};

use labs::log::{self, Heading};
use labs::protocol::{Host, Request, Response};
use tests::{Settings, host, link};

/// The stored logs of all versions.
fn logs() -> Vec<PathBuf> {
    let compat = Path::new(env!("CARGO_MANIFEST_DIR")).join("logs/compat");
    let list = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let versions = list(&compat).into_iter().filter(|path| path.is_dir());
    let mut logs: Vec<PathBuf> = versions
        .flat_map(|folder| list(&folder))
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    logs
}

/// Links are logs as well: a permalink that was stored still holds the log that it held.
#[test]
fn stored_links_still_hold_their_logs() {
    let v1 = Path::new(env!("CARGO_MANIFEST_DIR")).join("logs/compat/v1");
    let links = fs::read_to_string(v1.join("links.txt")).expect("it is stored");
    assert!(links.lines().count() >= 6);
    for line in links.lines() {
        let (name, link) = line.split_once(' ').expect("a name and a link");
        let log = link::log_of(link).expect("it is a link to a log");
        let expected = fs::read(v1.join(format!("{name}.log"))).expect("it is stored");
        assert!(log == Ok(expected), "{name}");
    }
}

fn check_all(on: Host) {
    let mut driver = host::connect(on, &Settings::find()).expect("the host starts");
    let logs = logs();
    assert!(logs.len() >= 6, "only {} logs", logs.len());
    let mut seals = 0;
    for path in logs {
        let name = path.display();
        let log = fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = fs::read(path.with_extension("txt"))
            .unwrap_or_else(|error| panic!("{name}: its text: {error}"));
        let outcome = driver
            .replay(&log, false)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            String::from_utf8_lossy(&outcome.text),
            String::from_utf8_lossy(&expected),
            "{name}"
        );
        let heading = Heading::parse(log::parse(&log).header).expect("it was replayed");
        let boot = match driver.request(Request::Seek { step: 0 }) {
            Ok(Response::State(state)) => state.chain,
            other => panic!("{name}: {other:?}"),
        };
        if let Some(seal) = heading.seal {
            seals += 1;
            if seal.boot == boot {
                assert_eq!(
                    (outcome.events, outcome.chain),
                    (seal.events, seal.chain),
                    "{name}: the kernel boots as it did, but does other things"
                );
            }
        }
        // What the session writes of it is the same log again.
        let written = match driver.request(Request::Log) {
            Ok(Response::Log(written)) => written,
            other => panic!("{name}: {other:?}"),
        };
        let again = driver
            .replay(&written, false)
            .unwrap_or_else(|error| panic!("{name}, written again: {error}"));
        assert_eq!(again, outcome, "{name}, written again");
        let lab = |log: &[u8]| Heading::parse(log::parse(log).header).map(|heading| heading.lab);
        assert_eq!(lab(&written), lab(&log), "{name}, written again");
    }
    assert!(seals >= 2, "only {seals} logs say how they end");
}

#[test]
fn stored_logs_replay_to_the_same_text_in_a_process() {
    check_all(Host::Native);
}

#[test]
fn stored_logs_replay_to_the_same_text_in_a_browser() {
    check_all(Host::Wasm);
}

#[test]
fn stored_logs_replay_to_the_same_text_in_a_guest() {
    check_all(Host::Qemu);
}
