//! Callbacks as students write them, right and wrong: each file of `ops/`, and of the folder of a lab in
//! it, says at its head what is to become of it.
//!
//! ```text
//! //! passes                  every check holds
//! //! fails: held             this check fails ...
//! //! says: somebody holds    ... and says so;
//! //! also: enomem            these may fail for themselves; others hold, or are not found out
//! //! refused: ops.rs:7: `mod`     it is not run at all, and this is said
//! ```

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use labs::author::{self, Authored};
use labs::lab::{Check, Test, Verdict};
use labs::ops::{self, Compiler};

/// A student whose numbers are tried.
const VARIANT: u32 = 7;

/// The labs that ask for callbacks, each with the folder of files that were handed in.
const LABS: [(&str, &str); 4] = [
    ("slab-defrag", "tests/ops"),
    ("containers-subsystem", "tests/ops/containers-subsystem"),
    ("proc-fortune", "tests/ops/proc-fortune"),
    ("oom-policy", "tests/ops/oom-policy"),
];

fn read_lab(id: &str) -> Authored {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue");
    author::read_lab(&catalogue.join(id)).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A file, and what its head says is to become of it.
struct Case {
    name: String,
    source: String,
}

impl Case {
    fn says(&self, key: &str) -> Option<&str> {
        let lines = self
            .source
            .lines()
            .map_while(|line| line.strip_prefix("//!"));
        let mut found = lines.filter_map(|line| line.trim().strip_prefix(key));
        found.next().map(str::trim)
    }

    /// What is not as the head says.
    fn try_with(&self, lab: &Authored) -> Result<(), String> {
        let lab = lab.lab.instance(VARIANT);
        let code = ops::code_of(&Compiler::find(), self.source.as_bytes());
        let (code, wanted) = match (code, self.says("refused:")) {
            (Ok(code), None) => (code, self.says("fails:").unwrap_or("")),
            (Err(refusal), Some(text)) if refusal.to_string().contains(text) => return Ok(()),
            (Ok(_), Some(_)) => return Err("it is not refused".to_string()),
            (Err(refusal), _) => return Err(refusal.to_string()),
        };
        if wanted.is_empty() && self.says("passes").is_none() {
            return Err("its head does not say what is to become of it".to_string());
        }
        let also = self.says("also:").unwrap_or("");
        let verdicts = ops::judge(&lab, &code);
        let find = |id: &str| verdicts.iter().find(|verdict| verdict.id == id);
        if !wanted.is_empty() {
            let verdict = find(wanted).ok_or("there is no such check")?;
            let text = self.says("says:").unwrap_or("");
            if verdict.passed || !verdict.actual.contains(text) {
                return Err(format!("'{wanted}' should say '{text}': {verdict:?}"));
            }
        }
        let surprise = |verdict: &&Verdict| {
            let known = verdict.id == wanted || also.split(", ").any(|id| id == verdict.id);
            let undecided = !wanted.is_empty() && verdict.actual.starts_with("not found out");
            !verdict.passed && !known && !undecided
        };
        match verdicts.iter().find(surprise) {
            Some(verdict) => Err(format!("nobody expected that: {verdict:?}")),
            None => Ok(()),
        }
    }
}

fn cases(folder: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).expect("the folder is there");
    let read = |entry: fs::DirEntry| Case {
        name: entry.file_name().to_string_lossy().into_owned(),
        source: fs::read_to_string(entry.path()).expect("the file is text"),
    };
    let files = entries.flatten();
    let files = files.filter(|entry| {
        entry
            .path()
            .extension()
            .is_some_and(|ending| ending == "rs")
    });
    files.map(read).collect()
}

#[test]
fn every_mistake_is_told_by_the_check_that_names_it() {
    for (id, folder) in LABS {
        let (lab, cases) = (read_lab(id), cases(folder));
        assert!(cases.len() > 12, "{id}: only {} files", cases.len());
        let begin = Instant::now();
        let wrong = try_all(&lab, &cases);
        println!("{id}: {} files in {:?}", cases.len(), begin.elapsed());
        assert!(wrong.is_empty(), "{id}: {}", wrong.join("\n\n"));
        // Each check is failed by somebody who got it wrong.
        for check in lab.lab.checks.iter().filter(is_of_callbacks) {
            let fails = |case: &Case| case.says("fails:") == Some(&check.id);
            assert!(cases.iter().any(fails), "{id}: nobody fails {}", check.id);
        }
    }
}

fn is_of_callbacks(check: &&Check) -> bool {
    matches!(check.test, Test::Ops { .. })
}

/// What is not as the heads of the files say, told in two threads.
fn try_all(lab: &Authored, cases: &[Case]) -> Vec<String> {
    thread::scope(|scope| {
        let halves = cases.chunks(cases.len().div_ceil(2));
        let tried = halves.map(|cases| {
            scope.spawn(move || {
                let told = |case: &Case| {
                    let wrong = case.try_with(lab).err()?;
                    Some(format!("{}: {wrong}", case.name))
                };
                cases.iter().filter_map(told).collect::<Vec<_>>()
            })
        });
        let tried: Vec<_> = tried.collect();
        let ended = tried.into_iter().map(|half| half.join().expect("it ended"));
        ended.flatten().collect()
    })
}

/// A compiler that has much to say is heard to its end.
#[test]
fn a_file_full_of_errors_is_one_that_does_not_compile() {
    let source = "const WRONG: u32 = \"text\";\n".repeat(1000);
    let refusal = ops::code_of(&Compiler::find(), source.as_bytes()).err();
    let said = refusal.map(|refusal| refusal.to_string());
    let said = said.expect("it does not compile");
    assert!(said.contains("error[E0"), "{said}");
}

/// What is graded is a function of the file, the numbers and the lab.
#[test]
fn callbacks_are_judged_the_same_again() {
    for (id, _) in LABS {
        let authored = read_lab(id);
        let solution = &authored
            .ops
            .as_ref()
            .expect("it asks for callbacks")
            .solution;
        let code = ops::code_of(&Compiler::find(), solution.as_bytes()).expect("it compiles");
        for variant in 0..10 {
            let lab = authored.lab.instance(variant);
            let verdicts = ops::judge(&lab, &code);
            assert!(
                verdicts.iter().all(|verdict| verdict.passed),
                "{id}: {verdicts:#?}"
            );
            assert_eq!(verdicts, ops::judge(&lab, &code), "{id}");
        }
    }
}

/// What `cargo xtask grade --ops` becomes.
#[test]
fn a_log_is_graded_together_with_its_callbacks() {
    for (id, _) in LABS {
        grade_one(id);
    }
}

fn grade_one(id: &str) {
    let authored = read_lab(id);
    let lab = &authored.lab;
    let folder = std::env::temp_dir().join(format!("glass-grade-{}-{id}", std::process::id()));
    fs::create_dir_all(&folder).expect("the temporary folder can be written");
    let log = author::log_of(lab, VARIANT, &authored.solution(VARIANT));
    fs::write(folder.join("LOG"), log).expect("the folder is ours");
    let solution = &authored
        .ops
        .as_ref()
        .expect("it asks for callbacks")
        .solution;
    fs::write(folder.join("ops.rs"), solution).expect("the folder is ours");
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue");
    let grade = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command.arg("grade").arg(&catalogue);
        command.args([id, "LOG", "--format", "json"]);
        let done = command.args(more).current_dir(&folder).output();
        let done = done.expect("it runs");
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let complaints = String::from_utf8_lossy(&done.stderr).into_owned();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        (done.status.success(), json["score"].clone(), complaints)
    };
    let logged = lab.points_of_log();

    let (graded, score, _) = grade(&["--ops", "ops.rs"]);
    assert!(graded && score == lab.points(), "{score}");
    let (graded, score, complaints) = grade(&[]);
    assert!(graded && score == logged, "{score}");
    assert!(
        complaints.contains("no callbacks came along"),
        "{complaints}"
    );
    fs::write(folder.join("ops.rs"), "use glass::*;\n\nmod x;\n").expect("the folder is ours");
    let (graded, _, complaints) = grade(&["--ops", "ops.rs"]);
    assert!(
        !graded && complaints.contains("ops.rs:3: `mod`"),
        "{complaints}"
    );
    fs::remove_dir_all(&folder).expect("the folder is ours");
}
