//! The labs that students get, graded over HTTP by the real grader.
//!
//! What the grader finds is tested where it is; here it is about what comes of it on the way: a
//! solution is worth what it should be, and whatever is not a student's own work for this lab is
//! refused in words, and not kept.

use std::path::Path;
use std::time::Instant;

use labs::author::{Authored, log_of, read_catalogue};
use labs::lab::{file_name, to_bytes, variant_of};
use labs::protocol::{Host, Request, Response};
use labs::{HostMemory, Session};
use serde_json::{Value, json};
use server::grading::labs_grader;

use crate::client::Answer;
use crate::site::Site;

/// A server with the catalogue's labs, and the labs.
async fn school() -> (Site, Vec<Authored>) {
    let site = Site::with(|config| config.grader = labs_grader).await;
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("../labs/catalogue");
    let labs = read_catalogue(&catalogue).unwrap_or_else(|problems| panic!("{problems}"));
    for Authored { lab, .. } in &labs {
        let file = site
            .folder
            .path()
            .join("dist/labs")
            .join(file_name(&lab.id));
        std::fs::write(file, to_bytes(lab)).expect("writable");
    }
    (site, labs)
}

/// The log of a student's solution, as the page hands it in: sealed.
fn solved(authored: &Authored, student: &str) -> String {
    let variant = variant_of(&authored.lab.id, student);
    let log = log_of(&authored.lab, variant, &authored.solution(variant));
    sealed(log)
}

fn sealed(log: Vec<u8>) -> String {
    let mut session = Session::new(Host::Native, Box::new(HostMemory));
    let each_line = false;
    session.handle(Request::Replay { log, each_line });
    match session.handle(Request::Log) {
        Response::Log(log) => String::from_utf8(log).expect("a solution is text"),
        other => panic!("{other:?}"),
    }
}

async fn submit(site: &Site, lab: &str, student: &str, log: &str, score: Option<u32>) -> Answer {
    let sent = json!({"student": student, "log": log, "score": score});
    site.submit(lab, &sent).await
}

#[tokio::test]
async fn a_solution_is_worth_all_points_and_an_empty_start_is_not() {
    let (site, labs) = school().await;
    for authored in &labs {
        let (lab, points) = (&authored.lab, authored.lab.points_of_log());
        for student in ["ada", "李小龍"] {
            let log = solved(authored, student);
            let answer = submit(&site, &lab.id, student, &log, Some(points)).await;
            assert_eq!(answer.status, 201, "{}: {}", lab.id, answer.text());
            let told = answer.json();
            assert_eq!(told["score"], points, "{}", lab.id);

            let variant = variant_of(&lab.id, student);
            let empty = log_of(lab, variant, &[]);
            let empty = String::from_utf8(empty).expect("a scenario is text");
            let answer = submit(&site, &lab.id, student, &empty, None).await;
            assert_eq!(answer.status, 201, "{}: {}", lab.id, answer.text());
            let score = answer.json()["score"].as_u64().expect("a score");
            assert!(score < u64::from(points), "{}: {score}", lab.id);
        }
        // Regraded, all is as it was.
        let again = site
            .teacher_posts(&format!("/api/labs/{}/regrade", lab.id), &Value::Null)
            .await
            .json();
        assert_eq!(
            (&again["regraded"], &again["changed"]),
            (&json!(4), &json!(0))
        );
        let csv = site
            .teacher_gets(&format!("/api/labs/{}/grades.csv", lab.id))
            .await;
        assert!(
            csv.text()
                .contains(&format!("\r\nada,no,{points},{},2,", lab.points())),
            "{}",
            csv.text()
        );
        let best = site
            .teacher_gets(&format!("/api/labs/{}/submissions?student=ada", lab.id))
            .await
            .json();
        let id = best["list"][0]["id"].as_str().expect("an id");
        for system in ["gradescope", "exercism", "classroom50"] {
            let written = site
                .teacher_gets(&format!("/api/submissions/{id}/{system}.json"))
                .await;
            assert_eq!(written.status, 200, "{}", written.text());
            let tests = written.json()["tests"].as_array().map(Vec::len);
            assert_eq!(tests, Some(lab.checks.len()), "{system}");
        }
    }
}

#[tokio::test]
async fn what_is_not_a_students_own_log_of_this_lab_is_refused() {
    let (site, labs) = school().await;
    let authored = &labs[0];
    let lab = &authored.lab;
    let own = solved(authored, "ada");
    let heading = own.lines().next().expect("a heading");
    let edited = format!("{own}radix insert mine 1 1\n");
    let endless = "radix create endless\n".to_owned() + &"radix fill endless 0 500000\n".repeat(50);
    let endless = own
        .lines()
        .take(1 + lab.scenario.len())
        .fold(String::new(), |log, line| {
            match line.starts_with("glass=") {
                // Without its seal, which would be broken.
                true => log + &unsealed(line) + "\n",
                false => log + line + "\n",
            }
        })
        + &endless;
    let later = own.replacen("glass=1 ", "glass=9 ", 1);
    let other_version = own.replacen(
        &format!("@{}/", lab.version),
        &format!("@{}/", lab.version + 1),
        1,
    );
    let other_machine = own.replacen("seed=1", "seed=2", 1);
    let bare = own.replacen(heading, "", 1);
    for (what, log, score, code, part) in [
        (
            "forged",
            own.as_str(),
            Some(lab.points() + 1),
            "forged-score",
            "the replay gives",
        ),
        (
            "edited",
            &edited,
            None,
            "broken-seal",
            "edited after it ran",
        ),
        (
            "bob's",
            &solved(authored, "bob"),
            None,
            "other-variant",
            "variant",
        ),
        ("a later format", &later, None, "unfit", "version '9'"),
        (
            "of a later lab",
            &other_version,
            None,
            "other-version",
            "open the lab again",
        ),
        ("elsewhere", &other_machine, None, "other-machine", "seed=2"),
        ("no heading", &bare, None, "other-lab", &lab.id),
        ("endless", &endless, None, "unfit", "step"),
    ] {
        let answer = submit(&site, &lab.id, "ada", log, score).await;
        assert_eq!(answer.status, 422, "{what}: {}", answer.text());
        let body = answer.json();
        let error = body["error"].as_str().expect("a sentence");
        assert_eq!(body["code"], code, "{what}: {error}");
        assert!(error.contains(part), "{what}: {error}");
    }
    // A lab's log, handed in for the test's lab of another name.
    let answer = submit(&site, "radix-other", "ada", &own, None).await;
    assert_eq!(answer.status, 404);
    let list = format!("/api/labs/{}/submissions?which=all", lab.id);
    let list = site.teacher_gets(&list).await.json();
    assert_eq!(list["submissions"], 0);
}

/// A heading without its seal.
fn unsealed(heading: &str) -> String {
    let is_seal = |word: &&str| {
        ["boot=", "events=", "chain="]
            .iter()
            .any(|key| word.starts_with(key))
    };
    let words: Vec<&str> = heading.split(' ').filter(|word| !is_seal(word)).collect();
    words.join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_class_hands_in_at_once() {
    const STUDENTS: usize = 60;
    let (site, labs) = school().await;
    let authored = &labs[0];
    let lab = authored.lab.id.clone();
    let logs: Vec<(String, String)> = (0..STUDENTS)
        .map(|number| format!("student {number}"))
        .map(|student| (student.clone(), solved(authored, &student)))
        .collect();
    let began = Instant::now();
    let addr = site.addr;
    let path = format!("/api/labs/{lab}/submissions");
    let senders: Vec<_> = logs
        .into_iter()
        .map(|(student, log)| {
            let path = path.clone();
            let body = json!({"student": student, "log": log}).to_string();
            tokio::spawn(async move {
                crate::client::post(addr, &path, &[], body.as_bytes())
                    .await
                    .status
            })
        })
        .collect();
    let mut kept = 0;
    for sender in senders {
        match sender.await.expect("no panic") {
            201 => kept += 1,
            // More at once than may send at a time.
            503 => {}
            other => panic!("status {other}"),
        }
    }
    let elapsed = began.elapsed();
    let a_minute = f64::from(kept) / elapsed.as_secs_f64() * 60.0;
    println!("{kept} of {STUDENTS} at once in {elapsed:?}: {a_minute:.0} a minute");
    assert!(kept > 0);
    let list = site.teacher_gets(&path).await.json();
    assert_eq!(list["submissions"], kept);
}
