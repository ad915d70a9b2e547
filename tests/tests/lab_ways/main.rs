//! Labs done wrongly and done otherwise.
//!
//! A student who has misunderstood something must fail the check that asks for it and no other one; a
//! student who reaches the same end by another way must pass. Each case is the model solution with some
//! of its lines replaced.

mod containers;
mod oom;

use std::collections::BTreeSet;
use std::path::Path;

use labs::author::{self, Authored};
use labs::grade::{Limits, Submission, grade};
use labs::lab::{Numbers, fill, variant_of};
use labs::protocol::Host;
use labs::{HostMemory, Session};

/// Whose numbers the cases are tried with.
const STUDENTS: [&str; 3] = ["Ada", "Grace", "Edsger"];

fn lab(id: &str) -> Authored {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../labs/catalogue");
    let labs = author::read_catalogue(&dir).unwrap_or_else(|problems| panic!("{problems}"));
    let found = labs.into_iter().find(|authored| authored.lab.id == id);
    found.unwrap_or_else(|| panic!("no lab {id}"))
}

/// The checks that fail when the solution's lines that begin with `old` become `new`, for each pair; what
/// has no old beginning is put at the end. Numbers may stand open in both.
fn failures(lab: &Authored, student: &str, changes: &[(&str, &str)]) -> BTreeSet<String> {
    let variant = variant_of(&lab.lab.id, student);
    let numbers = Numbers::draw(&lab.lab.varies, variant);
    let filled = |text: &str| fill(text, &numbers).expect("numbers of the lab");
    let mut lines = lab.solution(variant);
    for (old, new) in changes {
        let new: Vec<String> = filled(new).lines().map(String::from).collect();
        if old.is_empty() {
            lines.extend(new);
            continue;
        }
        let old = filled(old);
        assert!(
            lines.iter().any(|line| line.starts_with(&old)),
            "{}: no line begins with `{old}`",
            lab.lab.id
        );
        let replaced = lines
            .into_iter()
            .flat_map(|line| match line.starts_with(&old) {
                true => new.clone(),
                false => vec![line],
            });
        lines = replaced.collect();
    }
    let log = author::log_of(&lab.lab, variant, &lines);
    let submission = Submission {
        log: &log,
        variant,
        claimed: None,
    };
    let mut session = Session::new(Host::Native, Box::new(HostMemory));
    let grade = grade(&mut session, &lab.lab, submission, Limits::default())
        .unwrap_or_else(|refusal| panic!("{}: {refusal}", lab.lab.id));
    let failed = grade.verdicts.into_iter().filter(|verdict| !verdict.passed);
    failed.map(|verdict| verdict.id).collect()
}

/// Each case fails the checks that it names, separated by blanks.
#[track_caller]
fn wrong(id: &str, cases: &[(&str, &[(&str, &str)])]) {
    let lab = lab(id);
    for (expected, changes) in cases {
        let expected = expected.split_whitespace().map(String::from).collect();
        for student in STUDENTS {
            let failed = failures(&lab, student, changes);
            assert_eq!(failed, expected, "{id}, {student}: {changes:?}");
        }
    }
}

/// Each case passes.
#[track_caller]
fn otherwise(id: &str, cases: &[&[(&str, &str)]]) {
    let cases: Vec<_> = cases.iter().map(|changes| ("", *changes)).collect();
    wrong(id, &cases);
}
