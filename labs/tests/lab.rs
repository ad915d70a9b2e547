//! The `lab` program as it is called: its words, its output, its status.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use labs::author;
use serde_json::Value;

/// What a call came to: status, standard output, standard error.
type Called = (Option<i32>, String, String);

fn lab(words: &[&str], input: &[u8]) -> Called {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that has heard enough may close its input.
    let _ = child.stdin.take().expect("it is piped").write_all(input);
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn catalogue() -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue");
    dir.to_str().expect("a plain path").to_string()
}

/// The log of a student who has solved `radix-keys`.
fn solved(variant: u32) -> Vec<u8> {
    let folder = Path::new(&catalogue()).join("radix-keys");
    let authored = author::read_lab(&folder).expect("the lab is good");
    author::log_of(&authored.lab, variant, &authored.solution(variant))
}

/// A folder for one test, gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let dir = std::env::temp_dir().join(format!("lab-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("the system's temporary folder can be written");
        Folder(dir)
    }

    fn path(&self, name: &str) -> String {
        self.0
            .join(name)
            .to_str()
            .expect("a plain path")
            .to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn graded(options: &[&str], log: &[u8]) -> Called {
    let dir = catalogue();
    let words = [&["grade", &dir, "radix-keys", "-"], options].concat();
    lab(&words, log)
}

#[test]
fn a_log_is_graded_in_every_format() {
    let log = solved(7);
    let (status, text, _) = graded(&[], &log);
    assert_eq!(status, Some(0));
    assert!(text.contains("16 of 16 points"), "{text}");
    let json = |options: &[&str]| -> Value {
        let (status, text, error) = graded(options, &log);
        assert_eq!(status, Some(0), "{error}");
        serde_json::from_str(&text).expect("it is JSON")
    };
    assert_eq!(json(&["--format", "json"])["score"], 16);
    assert_eq!(
        json(&["--format", "gradescope", "--claimed", "16"])["score"],
        16
    );
    assert_eq!(
        json(&["--format", "exercism", "--variant", "7"])["status"],
        "pass"
    );
    let folder = Folder::new("about");
    let about = folder.path("about.json");
    let fields = r#"{"classroom": "os", "assignment": "radix", "assignment_type": "individual",
        "owner": "ada", "submission": "submit/1", "commit": "https://example.org/c",
        "release": "https://example.org/r", "review": "https://example.org/v",
        "datetime": "2026-11-21T16:00:00Z"}"#;
    fs::write(&about, fields).expect("the folder is ours");
    let result = json(&["--format", "classroom50", "--about", &about]);
    assert_eq!(
        (&result["score"], &result["owner"]),
        (&16.into(), &"ada".into())
    );
}

#[test]
fn what_is_refused_says_why_and_fails() {
    let log = solved(7);
    for (options, why) in [
        (&["--variant", "8"][..], "other-variant"),
        (&["--student", "ada"][..], "other-variant"),
        (&["--claimed", "15"][..], "forged-score"),
    ] {
        let (status, text, error) = graded(options, &log);
        assert_eq!((status, text.as_str()), (Some(1), ""), "{error}");
        assert!(error.starts_with(&format!("refused ({why}): ")), "{error}");
    }
    let (status, text, error) = graded(&["--format", "gradescope"], b"echo hello\n");
    assert_eq!(status, Some(1));
    assert!(
        text.contains("\"score\": 0") && error.contains("other-lab"),
        "{text}{error}"
    );
    let (status, text, _) = graded(&["--format", "exercism"], b"");
    assert_eq!(status, Some(0), "its runner fails only without a file");
    assert!(text.contains("\"error\""), "{text}");
}

#[test]
fn what_cannot_be_carried_out_has_status_2() {
    let dir = catalogue();
    for words in [
        &[][..],
        &["teach"],
        &["pack", &dir],
        &["check"],
        &["check", &dir, "radix-kyes"],
        &["grade", &dir, "radix-keys"],
        &["grade", &dir, "radix-kyes", "-"],
        &["grade", &dir, "radix-keys", "/no/such/log"],
        &["grade", &dir, "radix-keys", "-", "--format", "pdf"],
        &["grade", &dir, "radix-keys", "-", "--format", "classroom50"],
        &[
            "grade",
            &dir,
            "radix-keys",
            "-",
            "--student",
            "a",
            "--variant",
            "1",
        ],
        &["grade", "/no/such/folder", "radix-keys", "-"],
    ] {
        let (status, text, error) = lab(words, b"");
        assert_eq!((status, text.as_str()), (Some(2), ""), "{words:?}");
        assert!(error.starts_with("error: "), "{words:?}: {error}");
    }
    assert!(
        lab(&["check", &dir, "radix-kyes"], b"")
            .2
            .contains("radix-keys")
    );
}

#[test]
fn labs_are_checked() {
    let dir = catalogue();
    let (status, text, error) = lab(&["check", &dir, "radix-keys", "--variants", "2"], b"");
    assert_eq!(status, Some(0), "{text}{error}");
    assert!(
        text.contains("8 checks and 6 questions, for 2 variants"),
        "{text}"
    );

    let folder = Folder::new("broken");
    let copy = folder.0.join("radix-keys");
    fs::create_dir_all(&copy).expect("the folder is ours");
    for file in ["lab.toml", "handout.md", "scenario.sh", "solution.sh"] {
        fs::copy(
            Path::new(&dir).join("radix-keys").join(file),
            copy.join(file),
        )
        .expect("both are there");
    }
    fs::write(copy.join("solution.sh"), "radix create mine\n").expect("the folder is ours");
    let (status, text, _) = lab(&["check", &folder.path("")], b"");
    assert_eq!(status, Some(1));
    assert!(
        text.contains("the solution fails the check 'first-item'"),
        "{text}"
    );
    fs::write(copy.join("handout.md"), "<b>bold</b>\n").expect("the folder is ours");
    let (status, text, _) = lab(&["check", &folder.path("")], b"");
    assert_eq!(status, Some(1));
    assert!(text.contains("radix-keys/handout.md:1: HTML"), "{text}");
}

#[test]
fn a_catalogue_is_packed_over_an_older_one() {
    let folder = Folder::new("packed");
    let out = folder.path("labs");
    fs::create_dir_all(&out).expect("the folder is ours");
    fs::write(folder.0.join("labs/stale.lab"), "old").expect("the folder is ours");
    let (status, _, error) = lab(&["pack", &catalogue(), &out], b"");
    assert_eq!(status, Some(0), "{error}");
    let mut names: Vec<String> = fs::read_dir(&out)
        .expect("it was written")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    // One file for each folder, and nothing that was there before.
    let folders = fs::read_dir(catalogue()).expect("the catalogue is there");
    let folders = folders.flatten().filter(|entry| entry.path().is_dir());
    let files = folders.map(|entry| entry.file_name().to_string_lossy().into_owned() + ".lab");
    let mut wanted: Vec<String> = files.chain(["catalogue.bin".to_string()]).collect();
    wanted.sort();
    assert_eq!(names, wanted);
    assert!(names.iter().any(|name| name == "radix-keys.lab"));
}

#[test]
fn a_new_lab_is_made_and_passes() {
    let folder = Folder::new("new");
    let dir = folder.path("");
    let (status, said, error) = lab(&["new", "--title", "Mine", "--", &dir, "mine"], b"");
    assert_eq!(status, Some(0), "{error}");
    assert!(said.contains("cargo xtask lab check mine"), "{said}");
    let (status, said, error) = lab(&["check", &dir, "mine", "--variants", "3"], b"");
    assert_eq!(status, Some(0), "{said}{error}");
    assert!(
        said.starts_with("mine: the empty start fails and the solution passes"),
        "{said}"
    );
    let (status, _, error) = lab(&["new", &dir, "mine"], b"");
    assert_eq!(status, Some(2));
    assert!(error.contains("is there already"), "{error}");
}
