//! Grades as other systems read them.
//!
//! A course has its gradebook already. Here a [`Grade`] becomes what Gradescope, Exercism and
//! Classroom 50 read, rows of a table, JSON of our own and plain text. Field names and bounds are
//! those systems' rules, which they enforce; nothing in here decides anything.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::grade::{Grade, Refusal};
use crate::lab::{Check, Lab, Test, Verdict};

/// Characters of a test's output that Exercism shows.
const EXERCISM_OUTPUT_MAX: usize = 500;
/// Characters of a message that Exercism takes.
const EXERCISM_MESSAGE_MAX: usize = 65_535;
/// The name of Classroom 50's format.
const CLASSROOM50: &str = "classroom50/result/v1";

/// What came of a submission.
pub type Graded = Result<Grade, Refusal>;

/// A check beside its verdict, with the student's numbers in its texts.
struct Row {
    check: Check,
    verdict: Verdict,
}

impl Row {
    fn points(&self) -> u32 {
        if self.verdict.passed {
            self.check.points
        } else {
            0
        }
    }

    /// What was expected and what came, with where to look if that is not the same.
    fn output(&self) -> String {
        let Verdict {
            expected,
            actual,
            step,
            why,
            ..
        } = &self.verdict;
        let mut text = format!("expected: {expected}\nactual: {actual}");
        if let Some(step) = step {
            text += &format!("\nstep {step}: {why}");
        }
        text
    }
}

fn rows(lab: &Lab, grade: &Grade) -> Vec<Row> {
    let checks = lab.instance(grade.lab.variant).checks;
    let pairs = checks.into_iter().zip(&grade.verdicts);
    pairs
        .map(|(check, verdict)| Row {
            check,
            verdict: verdict.clone(),
        })
        .collect()
}

/// The first `max` characters of a text.
fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

/// Gradescope's `results.json`. A refusal is worth 0 points, and its reason is shown.
pub fn gradescope(lab: &Lab, graded: &Graded) -> Value {
    let grade = match graded {
        Ok(grade) => grade,
        Err(refusal) => {
            return json!({
                "score": 0,
                "output": format!("Not graded: {refusal}."),
                "output_format": "text",
                "visibility": "visible",
                "tests": [],
                "extra_data": { "refused": refusal.code() },
            });
        }
    };
    let tests = (1..)
        .zip(rows(lab, grade))
        .map(|(number, row): (u32, Row)| {
            json!({
                "name": row.check.title,
                "number": number.to_string(),
                "score": row.points(),
                "max_score": row.check.points,
                "status": if row.verdict.passed { "passed" } else { "failed" },
                "output": row.output(),
                "output_format": "text",
                "visibility": "visible",
                "tags": [row.check.id],
            })
        });
    json!({
        "score": grade.score,
        "output": summary(lab, grade),
        "output_format": "text",
        "visibility": "visible",
        "tests": tests.collect::<Vec<_>>(),
        "extra_data": {
            "lab": grade.lab.to_string(),
            "chain": format!("{:016x}", grade.chain),
        },
    })
}

/// The `results.json` of an Exercism test runner, version 3. A refusal is an error.
pub fn exercism(lab: &Lab, graded: &Graded) -> Value {
    let grade = match graded {
        Ok(grade) => grade,
        Err(refusal) => {
            return json!({
                "version": 3,
                "status": "error",
                "message": cut(&format!("Not graded: {refusal}."), EXERCISM_MESSAGE_MAX),
                "tests": [],
            });
        }
    };
    let rows = rows(lab, grade);
    let status = |passed: bool| if passed { "pass" } else { "fail" };
    let all = rows.iter().all(|row| row.verdict.passed);
    let tests = (1..).zip(&rows).map(|(task, row): (u32, &Row)| {
        let line = match &row.check.test {
            Test::Final { run: line, .. }
            | Test::Printed { line, .. }
            | Test::Ops { run: line, .. } => line,
        };
        let failure = (!row.verdict.passed).then(|| cut(&row.output(), EXERCISM_MESSAGE_MAX));
        json!({
            "name": row.check.title,
            "status": status(row.verdict.passed),
            "message": failure,
            "output": cut(&row.verdict.actual, EXERCISM_OUTPUT_MAX),
            "test_code": line,
            "task_id": task,
        })
    });
    json!({
        "version": 3,
        "status": status(all),
        "message": null,
        "tests": tests.collect::<Vec<_>>(),
    })
}

/// What Classroom 50 wants to know of a submission and only it knows: the fields of its result that
/// are no grade, by their own names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The classroom's name.
    pub classroom: String,
    /// The assignment's name.
    pub assignment: String,
    /// `individual` or `group`.
    pub assignment_type: String,
    /// Whose submission it is.
    pub owner: String,
    /// Which submission: begins with `submit/`.
    pub submission: String,
    /// A link to the commit.
    pub commit: String,
    /// A link to the release.
    pub release: String,
    /// A link to the review.
    pub review: String,
    /// When it was submitted, the same on every regrade.
    pub datetime: String,
    /// When it was graded.
    #[serde(default)]
    pub graded_at: Option<String>,
    /// Who pressed the button.
    #[serde(default)]
    pub submitted_by: Option<Submitter>,
}

/// A user of the place where the classroom is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submitter {
    /// The name.
    pub username: String,
    /// The number.
    pub id: u64,
}

impl Assignment {
    /// # Errors
    /// The field that is not as Classroom 50 wants it, in a sentence.
    fn check(&self) -> Result<(), String> {
        let needed = [
            ("classroom", &self.classroom),
            ("assignment", &self.assignment),
            ("owner", &self.owner),
        ];
        let links = [
            ("commit", &self.commit),
            ("release", &self.release),
            ("review", &self.review),
        ];
        let times = [
            ("datetime", Some(&self.datetime)),
            ("graded_at", self.graded_at.as_ref()),
        ];
        if let Some((field, _)) = needed.iter().find(|(_, text)| text.is_empty()) {
            return Err(format!("`{field}` is empty"));
        }
        if !["individual", "group"].contains(&self.assignment_type.as_str()) {
            let kind = &self.assignment_type;
            return Err(format!(
                "`assignment_type` is '{kind}', not individual or group"
            ));
        }
        if !self.submission.starts_with("submit/") {
            let submission = &self.submission;
            return Err(format!(
                "`submission` is '{submission}', which does not begin with submit/"
            ));
        }
        let is_link = |text: &str| text.starts_with("https://") || text.starts_with("http://");
        if let Some((field, text)) = links.iter().find(|(_, text)| !is_link(text)) {
            return Err(format!("`{field}` is '{text}', which is no link"));
        }
        for (field, time) in times {
            if let Some(time) = time
                && !is_timestamp(time)
            {
                return Err(format!("`{field}` is '{time}', not YYYY-MM-DDTHH:MM:SSZ"));
            }
        }
        Ok(())
    }
}

/// Whether a text is an instant as `YYYY-MM-DDTHH:MM:SSZ`.
pub fn is_timestamp(text: &str) -> bool {
    let shape = text
        .bytes()
        .map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    if !shape.eq("0000-00-00T00:00:00Z".bytes()) {
        return false;
    }
    let number = |at: usize| text[at..at + 2].parse::<u32>().unwrap_or(u32::MAX);
    let (year, month, day) = (number(0) * 100 + number(2), number(5), number(8));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day) && number(11) < 24 && number(14) < 60 && number(17) < 60
}

/// Classroom 50's result, `classroom50/result/v1`. A refusal is worth 0 points.
///
/// # Errors
/// The field of `about` that is not as the format wants it, in a sentence.
pub fn classroom50(lab: &Lab, graded: &Graded, about: &Assignment) -> Result<Value, String> {
    about.check()?;
    let (score, max, tests) = match graded {
        Ok(grade) => {
            let tests = rows(lab, grade).into_iter().map(|row| {
                json!({
                    "test-name": row.check.title,
                    "passed": row.verdict.passed,
                    "score": row.points(),
                    "max-score": row.check.points,
                    "output": row.output(),
                })
            });
            (grade.score, grade.max, tests.collect())
        }
        Err(refusal) => {
            let max = lab.points();
            let test = json!({
                "test-name": "the submission can be graded",
                "passed": false,
                "score": 0,
                "max-score": max,
                "output": refusal.to_string(),
            });
            (0, max, Vec::from([test]))
        }
    };
    let mut result = json!({
        "schema": CLASSROOM50,
        "classroom": about.classroom,
        "assignment": about.assignment,
        "assignment_type": about.assignment_type,
        "owner": about.owner,
        "submission": about.submission,
        "commit": about.commit,
        "release": about.release,
        "review": about.review,
        "datetime": about.datetime,
        "score": score,
        "max-score": max,
        "tests": tests,
    });
    if let Some(time) = &about.graded_at {
        result["graded_at"] = json!(time);
    }
    if let Some(Submitter { username, id }) = &about.submitted_by {
        result["submitted_by"] = json!({ "username": username, "id": id });
    }
    Ok(result)
}

/// A grade, or a refusal, as JSON of our own.
pub fn json(lab: &Lab, graded: &Graded) -> Value {
    let grade = match graded {
        Ok(grade) => grade,
        Err(refusal) => {
            return json!({ "refused": refusal.code(), "reason": refusal.to_string() });
        }
    };
    let checks = rows(lab, grade).into_iter().map(|row| {
        json!({
            "id": row.check.id,
            "title": row.check.title,
            "passed": row.verdict.passed,
            "score": row.points(),
            "max": row.check.points,
            "expected": row.verdict.expected,
            "actual": row.verdict.actual,
            "step": row.verdict.step,
            "why": row.verdict.why,
        })
    });
    json!({
        "lab": grade.lab.id,
        "version": grade.lab.version,
        "variant": grade.lab.variant,
        "score": grade.score,
        "max": grade.max,
        "steps": grade.steps,
        "events": grade.events,
        // JSON's numbers lose the last bits of a 64-bit hash.
        "chain": format!("{:016x}", grade.chain),
        "checks": checks.collect::<Vec<_>>(),
    })
}

/// A grade for people to read.
pub fn text(lab: &Lab, grade: &Grade) -> String {
    let mut text = summary(lab, grade) + "\n";
    for row in rows(lab, grade) {
        let mark = if row.verdict.passed {
            "  ok  "
        } else {
            "FAILED"
        };
        let (points, of) = (row.points(), row.check.points);
        text += &format!("{mark} {points:>2}/{of:<2} {}\n", row.check.title);
        if !row.verdict.passed {
            for line in row.output().lines() {
                text += &format!("             {line}\n");
            }
        }
    }
    text
}

fn summary(lab: &Lab, grade: &Grade) -> String {
    let Grade {
        score, max, steps, ..
    } = grade;
    format!(
        "{}: {score} of {max} points ({}, {steps} lines)",
        lab.title, grade.lab
    )
}

/// The names of [`csv_row`]'s columns.
pub fn csv_head(lab: &Lab) -> String {
    let columns = [
        "student",
        "submitted",
        "lab",
        "version",
        "variant",
        "score",
        "max",
        "refused",
    ];
    let checks = lab.checks.iter().map(|check| check.id.as_str());
    csv_line(columns.into_iter().chain(checks))
}

/// A submission as a row of a table: who, when, what was graded or why it was not, and the points of
/// each check.
pub fn csv_row(lab: &Lab, student: &str, submitted: &str, graded: &Graded) -> String {
    let mut cells = Vec::from([student.to_string(), submitted.to_string(), lab.id.clone()]);
    match graded {
        Ok(grade) => {
            let Grade { score, max, .. } = grade;
            let numbers = [grade.lab.version, grade.lab.variant, *score, *max];
            cells.extend(numbers.map(|number| number.to_string()));
            cells.push(String::new());
            cells.extend(rows(lab, grade).iter().map(|row| row.points().to_string()));
        }
        Err(refusal) => {
            let (version, max) = (lab.version.to_string(), lab.points().to_string());
            cells.extend([version, String::new(), "0".to_string(), max]);
            cells.push(refusal.code().to_string());
            cells.extend(lab.checks.iter().map(|_| String::new()));
        }
    }
    csv_line(cells.iter().map(String::as_str))
}

/// A line of comma-separated values (RFC 4180), with its line break.
///
/// A cell that a spreadsheet would take for a formula gets an apostrophe in front, for students
/// choose their names themselves.
pub fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        let apostrophe = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            "'"
        } else {
            ""
        };
        if cell.contains(['"', ',', '\r', '\n']) {
            line += &format!("\"{apostrophe}{}\"", cell.replace('"', "\"\""));
        } else {
            line += apostrophe;
            line += cell;
        }
    }
    line + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Expect, Variable};
    use crate::log::LabTag;

    fn lab() -> Lab {
        let check = |id: &str, points: u32, test| Check {
            id: id.into(),
            title: format!("{id} {{{{key}}}}, \"=quoted\""),
            points,
            test,
            hints: Vec::new(),
        };
        Lab {
            id: "a-lab".into(),
            version: 3,
            title: "A lab".into(),
            varies: Vec::from([Variable {
                name: "key".into(),
                from: 17,
                to: 17,
                step: 1,
            }]),
            checks: Vec::from([
                check(
                    "first",
                    2,
                    Test::Final {
                        run: "radix lookup t {{key}}".into(),
                        expect: Expect::Status(0),
                    },
                ),
                check(
                    "second",
                    3,
                    Test::Printed {
                        line: "radix stat".into(),
                        expect: Expect::Status(0),
                    },
                ),
            ]),
            ..Lab::default()
        }
    }

    fn grade(passed: [bool; 2], actual: &str) -> Graded {
        let verdicts = ["first", "second"].into_iter().zip(passed);
        let verdicts = verdicts.map(|(id, passed)| Verdict {
            id: id.into(),
            passed,
            expected: "status 0".into(),
            actual: actual.into(),
            step: (!passed).then_some(7),
            why: if passed { "" } else { "the last step" }.into(),
        });
        Ok(Grade {
            lab: LabTag {
                id: "a-lab".into(),
                version: 3,
                variant: 42,
            },
            score: 2 * u32::from(passed[0]) + 3 * u32::from(passed[1]),
            max: 5,
            steps: 9,
            events: 100,
            chain: u64::MAX - 1,
            verdicts: verdicts.collect(),
        })
    }

    fn refusal() -> Graded {
        Err(Refusal::OtherVersion {
            named: 2,
            wanted: 3,
        })
    }

    /// Everything that may come of a submission.
    fn all() -> Vec<Graded> {
        Vec::from([
            grade([true, true], "7"),
            grade([true, false], "NULL\nstatus 1"),
            grade([false, false], &"ü".repeat(100_000)),
            refusal(),
            Err(Refusal::Unfit("ü".repeat(100_000))),
        ])
    }

    /// Takes a field out of an object; what nobody took in the end should not have been there.
    fn take(value: &mut Value, field: &str) -> Option<Value> {
        value.as_object_mut().expect("an object").remove(field)
    }

    #[track_caller]
    fn done(value: Value) {
        assert_eq!(value, json!({}), "unknown fields are left");
    }

    #[track_caller]
    fn one_of(value: Option<Value>, allowed: &[&str]) {
        let text = value.expect("the field is there");
        assert!(
            allowed.contains(&text.as_str().expect("a string")),
            "{text}"
        );
    }

    #[track_caller]
    fn string(value: Option<Value>) -> String {
        value
            .expect("the field is there")
            .as_str()
            .expect("a string")
            .to_string()
    }

    #[track_caller]
    fn number(value: Option<Value>) -> u64 {
        value
            .expect("the field is there")
            .as_u64()
            .expect("a whole number")
    }

    #[track_caller]
    fn array(value: Option<Value>) -> Vec<Value> {
        value
            .expect("the field is there")
            .as_array()
            .expect("an array")
            .clone()
    }

    const VISIBLE: [&str; 4] = ["visible", "hidden", "after_due_date", "after_published"];
    const FORMATS: [&str; 5] = ["text", "html", "simple_format", "md", "ansi"];

    #[test]
    fn gradescope_reads_all_of_it() {
        for graded in all() {
            let mut value = gradescope(&lab(), &graded);
            let score = number(take(&mut value, "score"));
            assert!(!string(take(&mut value, "output")).is_empty());
            one_of(take(&mut value, "output_format"), &FORMATS);
            one_of(take(&mut value, "visibility"), &VISIBLE);
            assert!(take(&mut value, "extra_data").is_some_and(|data| data.is_object()));
            let (mut sum, mut count) = (0, 0);
            for mut test in array(take(&mut value, "tests")) {
                count += 1;
                let (score, max) = (
                    number(take(&mut test, "score")),
                    number(take(&mut test, "max_score")),
                );
                assert!(score == 0 || score == max);
                sum += score;
                one_of(
                    take(&mut test, "status"),
                    &[if score > 0 { "passed" } else { "failed" }],
                );
                assert!(string(take(&mut test, "name")).contains("17"));
                assert_eq!(string(take(&mut test, "number")), count.to_string());
                string(take(&mut test, "output"));
                one_of(take(&mut test, "output_format"), &FORMATS);
                one_of(take(&mut test, "visibility"), &VISIBLE);
                assert!(array(take(&mut test, "tags")).iter().all(Value::is_string));
                done(test);
            }
            assert_eq!((sum, count), (score, if graded.is_ok() { 2 } else { 0 }));
            done(value);
        }
    }

    #[test]
    fn exercism_reads_all_of_it() {
        for graded in all() {
            let mut value = exercism(&lab(), &graded);
            assert_eq!(number(take(&mut value, "version")), 3);
            let status = string(take(&mut value, "status"));
            let message = take(&mut value, "message").expect("the field is there");
            let tests = array(take(&mut value, "tests"));
            let failed = tests.iter().filter(|test| test["status"] == "fail").count();
            match &graded {
                Ok(grade) => {
                    assert_eq!(
                        status,
                        if grade.score == grade.max {
                            "pass"
                        } else {
                            "fail"
                        }
                    );
                    assert_eq!((message, tests.len()), (Value::Null, 2));
                    assert_eq!(failed == 0, status == "pass");
                }
                Err(_) => {
                    assert_eq!((status.as_str(), tests.len()), ("error", 0));
                    assert!((1..=65_535).contains(&string(Some(message)).chars().count()));
                }
            }
            for (task, mut test) in (1..).zip(tests) {
                assert!(string(take(&mut test, "name")).contains("17"));
                let status = string(take(&mut test, "status"));
                assert!(["pass", "fail"].contains(&status.as_str()));
                let message = take(&mut test, "message").expect("the field is there");
                assert_eq!(message.is_null(), status == "pass");
                assert!(string(take(&mut test, "output")).chars().count() <= 500);
                assert!(string(take(&mut test, "test_code")).starts_with("radix"));
                assert_eq!(number(take(&mut test, "task_id")), task);
                done(test);
            }
            done(value);
        }
    }

    const ABOUT: &str = r#"{
        "classroom": "os-2026", "assignment": "radix", "assignment_type": "individual",
        "owner": "ada", "submission": "submit/2026-11-21", "commit": "https://example.org/c",
        "release": "https://example.org/r", "review": "https://example.org/v",
        "datetime": "2026-11-21T16:00:00Z"}"#;

    fn about() -> Assignment {
        serde_json::from_str(ABOUT).expect("the fields are right")
    }

    #[test]
    fn classroom50_reads_all_of_it() {
        let full = Assignment {
            graded_at: Some("2026-11-21T16:00:01Z".into()),
            submitted_by: Some(Submitter {
                username: "ada".into(),
                id: 5,
            }),
            ..about()
        };
        for (graded, about) in all().into_iter().zip([&full, &about()].into_iter().cycle()) {
            let mut value = classroom50(&lab(), &graded, about).unwrap();
            assert_eq!(string(take(&mut value, "schema")), "classroom50/result/v1");
            for field in [
                "classroom",
                "assignment",
                "owner",
                "commit",
                "release",
                "review",
            ] {
                assert!(!string(take(&mut value, field)).is_empty(), "{field}");
            }
            one_of(
                take(&mut value, "assignment_type"),
                &["individual", "group"],
            );
            assert!(string(take(&mut value, "submission")).starts_with("submit/"));
            assert_eq!(string(take(&mut value, "datetime")), "2026-11-21T16:00:00Z");
            let (score, max) = (
                number(take(&mut value, "score")),
                number(take(&mut value, "max-score")),
            );
            assert!(score <= max && max == 5);
            let tests = array(take(&mut value, "tests"));
            assert!(!tests.is_empty());
            let (mut sum, mut sum_max) = (0, 0);
            for mut test in tests {
                assert!(!string(take(&mut test, "test-name")).is_empty());
                let passed = take(&mut test, "passed").and_then(|passed| passed.as_bool());
                let (score, max) = (
                    number(take(&mut test, "score")),
                    number(take(&mut test, "max-score")),
                );
                assert_eq!(score, if passed.expect("a boolean") { max } else { 0 });
                (sum, sum_max) = (sum + score, sum_max + max);
                string(take(&mut test, "output"));
                done(test);
            }
            assert_eq!((sum, sum_max), (score, max));
            if about.graded_at.is_some() {
                assert!(is_timestamp(&string(take(&mut value, "graded_at"))));
                let mut by = take(&mut value, "submitted_by").expect("the field is there");
                assert_eq!(string(take(&mut by, "username")), "ada");
                assert_eq!(number(take(&mut by, "id")), 5);
                done(by);
            }
            done(value);
        }
    }

    #[test]
    fn what_classroom50_would_refuse_is_told() {
        let graded = grade([true, true], "7");
        for (replaced, by, field) in [
            ("\"os-2026\"", "\"\"", "classroom"),
            ("\"ada\"", "\"\"", "owner"),
            ("individual", "alone", "assignment_type"),
            ("submit/2026-11-21", "2026-11-21", "submission"),
            ("https://example.org/v", "v", "review"),
            ("2026-11-21T16:00:00Z", "2026-11-21 16:00:00", "datetime"),
        ] {
            assert_eq!(ABOUT.matches(replaced).count(), 1, "{replaced}");
            let about = serde_json::from_str(&ABOUT.replace(replaced, by)).unwrap();
            let error = classroom50(&lab(), &graded, &about).unwrap_err();
            assert!(error.starts_with(&format!("`{field}`")), "{error}");
        }
        let late = Assignment {
            graded_at: Some("soon".into()),
            ..about()
        };
        assert!(classroom50(&lab(), &graded, &late).is_err());
        let unknown = ABOUT.replace("\"owner\"", "\"grade\": 1, \"owner\"");
        assert!(serde_json::from_str::<Assignment>(&unknown).is_err());
    }

    #[test]
    fn a_timestamp_is_a_day_and_a_second_that_exist() {
        for good in [
            "2026-11-21T16:00:00Z",
            "2024-02-29T23:59:59Z",
            "2000-02-29T00:00:00Z",
        ] {
            assert!(is_timestamp(good), "{good}");
        }
        for bad in [
            "",
            "2026-11-21",
            "2026-11-21T16:00:00",
            "2026-11-21T16:00:00.0Z",
            "2026-11-21t16:00:00Z",
            "2026-11-21T16:00:00+00:00",
            "2026-13-21T16:00:00Z",
            "2026-00-21T16:00:00Z",
            "2026-11-31T16:00:00Z",
            "2026-11-00T16:00:00Z",
            "2026-02-29T16:00:00Z",
            "1900-02-29T16:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T16:60:00Z",
            "2026-11-21T16:00:60Z",
            "٢٠٢٦-11-21T16:00:00Z",
        ] {
            assert!(!is_timestamp(bad), "{bad}");
        }
    }

    #[test]
    fn our_own_json_says_everything() {
        let value = json(&lab(), &grade([true, false], "x"));
        assert_eq!(value["chain"], "fffffffffffffffe");
        assert_eq!(
            (&value["score"], &value["checks"][1]["step"]),
            (&json!(2), &json!(7))
        );
        assert_eq!(json(&lab(), &refusal())["refused"], "other-version");
    }

    #[test]
    fn a_text_names_what_failed_and_where_to_look() {
        let Ok(grade) = grade([true, false], "NULL") else {
            unreachable!("it is a grade")
        };
        assert_eq!(
            text(&lab(), &grade),
            "A lab: 2 of 5 points (a-lab@3/42, 9 lines)\n\
             \x20 ok    2/2  first 17, \"=quoted\"\n\
             FAILED  0/3  second 17, \"=quoted\"\n\
             \x20            expected: status 0\n\
             \x20            actual: NULL\n\
             \x20            step 7: the last step\n"
        );
    }

    #[test]
    fn a_row_has_a_cell_for_each_column() {
        let cells = |line: &str| line.trim_end().split(',').count();
        let head = csv_head(&lab());
        assert_eq!(
            head,
            "student,submitted,lab,version,variant,score,max,refused,first,second\r\n"
        );
        let row = csv_row(
            &lab(),
            "ada",
            "2026-11-21T16:00:00Z",
            &grade([true, false], "x"),
        );
        assert_eq!(row, "ada,2026-11-21T16:00:00Z,a-lab,3,42,2,5,,2,0\r\n");
        let row = csv_row(&lab(), "ada", "", &refusal());
        assert_eq!(row, "ada,,a-lab,3,,0,5,other-version,,\r\n");
        assert_eq!(cells(&row), cells(&head));
    }

    #[test]
    fn a_cell_is_never_a_formula_and_never_two_cells() {
        for (cell, written) in [
            ("", ""),
            ("ada", "ada"),
            ("a b", "a b"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\r\nb", "\"a\r\nb\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("=cmd|'/c calc',\"x\"", "\"'=cmd|'/c calc',\"\"x\"\"\""),
        ] {
            assert_eq!(
                csv_line([cell, "x"]),
                format!("{written},x\r\n"),
                "{cell:?}"
            );
        }
    }
}
