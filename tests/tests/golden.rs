//! Logs whose console text is known beforehand, on every host.
//!
//! Each folder of `tests/logs/` holds a log, `input.log`, and the text that it must print,
//! `expected.txt`, which was written from the specification and not from the program. In those about
//! slab caches, addresses and lines about other caches are left open; see [`tests::pattern`].

use std::fs;
use std::path::{Path, PathBuf};

use labs::protocol::Host;
use tests::pattern::first_difference;
use tests::{Settings, host};

fn check_all(on: Host) {
    let settings = Settings::find();
    let mut driver = host::connect(on, &settings).expect("the host starts");
    let folders = folders();
    assert!(folders.len() >= 5, "only {} logs", folders.len());
    for folder in folders {
        let read = |name: &str| {
            fs::read(folder.join(name))
                .unwrap_or_else(|error| panic!("{}: {name}: {error}", folder.display()))
        };
        let outcome = driver
            .replay(&read("input.log"), false)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let expected = String::from_utf8_lossy(&read("expected.txt")).into_owned();
        let printed = String::from_utf8_lossy(&outcome.text).into_owned();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("slab-") {
            if let Some(difference) = first_difference(&expected, &printed) {
                panic!("{name}: {difference}, in\n{printed}");
            }
            assert_eq!(outcome.broken, None, "{name}");
            continue;
        }
        let mut lines = (1..).zip(expected.lines().zip(printed.lines()));
        if let Some((line, (expected, printed))) = lines.find(|(_, (one, other))| one != other) {
            panic!(
                "{}: line {line} of the text is {printed:?}, not {expected:?}",
                folder.display()
            );
        }
        assert_eq!(printed, expected, "{}", folder.display());
        assert_eq!(outcome.broken, None, "{}", folder.display());
    }
}

fn folders() -> Vec<PathBuf> {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("logs");
    let entries = fs::read_dir(&logs).unwrap_or_else(|error| panic!("{}: {error}", logs.display()));
    let folders = entries.flatten().map(|entry| entry.path());
    // Those in `compat` are another test's, as are files.
    let mut folders: Vec<PathBuf> = folders
        .filter(|path| path.is_dir() && !path.ends_with("compat"))
        .collect();
    folders.sort();
    folders
}

#[test]
fn every_log_prints_what_the_specification_says_in_a_process() {
    check_all(Host::Native);
}

#[test]
fn every_log_prints_what_the_specification_says_in_a_browser() {
    check_all(Host::Wasm);
}

#[test]
fn every_log_prints_what_the_specification_says_in_a_guest() {
    check_all(Host::Qemu);
}
