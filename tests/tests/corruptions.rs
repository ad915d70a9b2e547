//! Every kind of corruption is found, and named in the kernel's words, on every host.
//!
//! `tests/logs/corruptions.txt` lists the kinds, and what was written from the specification as their
//! names.

use std::fs;
use std::path::Path;

use labs::protocol::Host;
use tests::pattern::{Bound, matches};
use tests::{Settings, host};

/// A way to corrupt a cache.
#[derive(Debug, Default)]
struct Corruption {
    title: String,
    /// What does it.
    lines: Vec<String>,
    /// What the kernel says.
    words: Vec<String>,
}

fn corruptions() -> Vec<Corruption> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("logs/corruptions.txt");
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    let blocks = text.split("\n\n");
    let block = |block: &str| {
        let mut corruption = Corruption::default();
        for line in block.lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix("  ") {
                None => corruption.title = line.to_string(),
                Some(line) => match line.strip_prefix("$ ") {
                    Some(line) => corruption.lines.push(line.to_string()),
                    None => corruption.words.push(line.to_string()),
                },
            }
        }
        corruption
    };
    let all = blocks.map(block);
    all.filter(|corruption| !corruption.title.is_empty())
        .collect()
}

fn check_all(on: Host) {
    let mut driver = host::connect(on, &Settings::find()).expect("the host starts");
    let all = corruptions();
    assert!(all.len() >= 12, "only {} kinds", all.len());
    for Corruption {
        title,
        lines,
        words,
    } in all
    {
        // Whatever else is broken is mended by looking at everything, and then there is nothing left.
        let mend = "kmem validate c\nkmem validate c\nkmem shrink c\n";
        let log = format!("mem=4M slab=slub\n{}\n{mend}", lines.join("\n"));
        let outcome = driver
            .replay(log.as_bytes(), true)
            .unwrap_or_else(|error| panic!("{title}: {error}"));
        let texts: Vec<String> = outcome
            .lines
            .iter()
            .map(|line| String::from_utf8_lossy(&line.text).into_owned())
            .collect();
        let (done, mended) = texts.split_at(lines.len());
        let is_word = |line: &&str| line.starts_with("BUG ") || line.starts_with("FIX ");
        let said: Vec<&str> = done
            .iter()
            .flat_map(|text| text.lines())
            .filter(is_word)
            .collect();
        let agree = said.len() == words.len()
            && words
                .iter()
                .zip(&said)
                .all(|(word, said)| matches(word, said, &mut Bound::new()));
        assert!(agree, "{title}: the kernel says {said:#?}, not {words:#?}");
        // An allocation that found a broken object got another one.
        let last = &done[lines.len() - 1];
        if lines
            .last()
            .is_some_and(|line| line.starts_with("kmem alloc"))
        {
            assert!(!last.contains("-ENOMEM"), "{title}: {last}");
        }
        let is_watched = lines[0].contains("debug=");
        let answer = if is_watched { "0\n" } else { "-EINVAL\n" };
        assert_eq!(mended[1], answer, "{title}: validated again");
        assert_eq!(outcome.broken, None, "{title}");
    }
}

#[test]
fn every_kind_of_corruption_is_named_in_a_process() {
    check_all(Host::Native);
}

#[test]
fn every_kind_of_corruption_is_named_in_a_browser() {
    check_all(Host::Wasm);
}

#[test]
fn every_kind_of_corruption_is_named_in_a_guest() {
    check_all(Host::Qemu);
}
