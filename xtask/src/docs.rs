//! Tests of the documents: what they name is there.
//!
//! A guide is followed word by word by people who cannot tell a mistake of ours from one of theirs. So
//! commands, links and folders in them are held against what there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{COMMANDS, paths};

/// Folders that nobody wrote, as `.gitignore` has them.
const NOT_OURS: [&str; 4] = ["target", "dist", "glass-data", ".git"];

/// Every document in Markdown outside of the labs.
fn documents() -> Vec<(PathBuf, String)> {
    let root = paths::workspace();
    let folders = [
        root.to_path_buf(),
        root.join("docs"),
        root.join("labs/catalogue"),
    ];
    let mut documents = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(folder).expect("it is ours") {
            let path = entry.expect("it is ours").path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).expect("a document is text");
                documents.push((path, text));
            }
        }
    }
    assert!(documents.len() >= 6, "{} documents", documents.len());
    documents
}

/// Folders of the workspace down to the second level, as paths from there.
fn folders() -> BTreeSet<String> {
    let root = paths::workspace();
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("it is ours");
        let paths = entries.map(|entry| entry.expect("it is ours").path());
        paths.filter(|path| path.is_dir()).collect()
    };
    let is_ours = |folder: &PathBuf| {
        let name = folder.file_name().unwrap_or_default();
        !NOT_OURS.iter().any(|other| name == *other)
    };
    let first: Vec<PathBuf> = below(root).into_iter().filter(is_ours).collect();
    let second: Vec<PathBuf> = first.iter().flat_map(|folder| below(folder)).collect();
    let all = first.iter().chain(&second);
    all.filter_map(|folder| folder.strip_prefix(root).ok())
        .map(|folder| folder.display().to_string())
        .collect()
}

#[test]
fn each_folder_has_its_purpose_in_a_line() {
    let list = fs::read_to_string(paths::workspace().join("docs/folders.md")).expect("it is there");
    let rows = list.lines().filter_map(|line| line.strip_prefix("| `"));
    let told: BTreeSet<String> = rows
        .filter_map(|row| row.split_once("` | "))
        .map(|(folder, purpose)| {
            assert!(purpose.len() > 5, "{folder} has no purpose");
            folder.to_string()
        })
        .collect();
    let there = folders();
    let missing: Vec<_> = there.difference(&told).collect();
    let gone: Vec<_> = told.difference(&there).collect();
    assert!(
        missing.is_empty(),
        "docs/folders.md does not tell of {missing:?}"
    );
    assert!(
        gone.is_empty(),
        "docs/folders.md tells of {gone:?}, which are not there"
    );
}

#[test]
fn commands_that_documents_name_are_there() {
    let mut named = BTreeSet::new();
    for (path, text) in documents() {
        for (at, _) in text.match_indices("cargo xtask ") {
            let rest = &text[at + "cargo xtask ".len()..];
            let end = rest.find(|c: char| !c.is_ascii_lowercase());
            let command = &rest[..end.unwrap_or(rest.len())];
            let is_there = command.is_empty()
                || command == "help"
                || COMMANDS.iter().any(|known| known.name == command);
            assert!(is_there, "{}: cargo xtask {command}", path.display());
            named.insert(command.to_string());
        }
    }
    // The other way about: what is there is told of somewhere.
    for command in COMMANDS.iter().map(|command| command.name) {
        assert!(
            named.contains(command),
            "no document names cargo xtask {command}"
        );
    }
}

#[test]
fn links_of_documents_lead_somewhere() {
    let mut links = 0;
    for (path, text) in documents() {
        for (at, _) in text.match_indices("](") {
            let rest = &text[at + 2..];
            let target = &rest[..rest.find(')').unwrap_or(0)];
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains(':') {
                continue;
            }
            let folder = path.parent().unwrap_or(Path::new("."));
            assert!(folder.join(file).exists(), "{}: {target}", path.display());
            links += 1;
        }
    }
    assert!(links > 10, "{links} links");
}
