//! Handing in, and what the teacher sees of it.

use std::fs;

use labs::lab::variant_of;
use serde_json::{Value, json};
use server::clock::rfc3339;

use crate::client::{Answer, http, post};
use crate::site::{Site, until, write_lab};

fn refusal(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    assert!(!text("error").is_empty(), "{body}");
    (answer.status, text("code"))
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, part: &str) {
    assert_eq!(refusal(answer), (status, code.to_owned()));
    let body = answer.json();
    let error = body["error"].as_str().expect("a sentence");
    assert!(error.contains(part), "{error}");
}

/// The students and scores of a list.
fn scores(list: &Answer) -> Vec<(String, u64)> {
    assert_eq!(list.status, 200, "{}", list.text());
    let list = list.json();
    let list = list["list"].as_array().expect("a list");
    let item = |item: &Value| {
        let student = item["student"].as_str().expect("a name").to_owned();
        (student, item["grade"]["score"].as_u64().expect("a score"))
    };
    list.iter().map(item).collect()
}

fn pairs(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    list.iter()
        .map(|&(name, score)| (name.to_owned(), score))
        .collect()
}

#[tokio::test]
async fn a_submission_is_graded_and_kept() {
    let site = Site::start().await;
    let class = http(site.addr, "GET", "/api/class", &[]).await;
    assert_eq!(class.json()["requires_keys"], false);

    let sent = json!({"student": " Ada ", "log": "points 7\n", "score": 7});
    let answer = site.submit("radix-keys", &sent).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    let told = answer.json();
    assert_eq!(told["student"], "Ada");
    assert_eq!(told["verified"], false);
    assert_eq!((&told["score"], &told["max"]), (&json!(7), &json!(10)));
    assert_eq!(told["grade"]["score"], 7);
    assert_eq!(told["grade"]["max"], 10);
    assert_eq!(
        told["grade"]["lab"]["variant"],
        variant_of("radix-keys", "Ada")
    );
    assert_eq!(told["grade"]["chain"].as_u64(), Some(u64::MAX - 1));
    let time = told["submitted_at"].as_str().expect("a time");
    assert!(
        time.len() == rfc3339(0).len() && time.starts_with("20"),
        "{time}"
    );

    let id = told["id"].as_str().expect("an id");
    assert_eq!(answer.header("location"), format!("/api/submissions/{id}"));
    let kept = http(site.addr, "GET", answer.header("location"), &[]).await;
    assert_eq!(kept.json()["grade"], told["grade"]);
    assert_eq!(kept.json()["log"], "points 7\n");
    let log = http(site.addr, "GET", &format!("/api/submissions/{id}/log"), &[]).await;
    assert_eq!(log.text(), "points 7\n");
    assert_eq!(log.header("content-type"), "text/plain; charset=utf-8");

    // The same again is the same, whatever else happens.
    let again = site.submit("radix-keys", &sent).await;
    assert_eq!((again.status, again.json()), (200, told));
    // Another student's, or another lab's, is another.
    let other = json!({"student": "Bob", "log": "points 7\n"});
    assert_eq!(site.submit("radix-keys", &other).await.status, 201);
    assert_eq!(site.submit("radix-tags", &sent).await.status, 422);
}

#[tokio::test]
async fn logs_may_be_any_bytes() {
    let site = Site::start().await;
    let sent = json!({"student": "ada", "log_base64": "cG9pbnRzIDEK/wA="});
    let answer = site.submit("radix-keys", &sent).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let place = answer.header("location").to_owned();
    let kept = http(site.addr, "GET", &place, &[]).await.json();
    assert_eq!(kept["log_base64"], "cG9pbnRzIDEK/wA=");
    assert_eq!(kept.get("log"), None);
    let log = http(site.addr, "GET", &format!("{place}/log"), &[]).await;
    assert_eq!(log.body, b"points 1\n\xff\0");
}

#[tokio::test]
async fn what_is_refused_leaves_nothing_but_a_count() {
    let site = Site::start().await;
    let submit = async |log: &str, score: Option<u32>| {
        let sent = json!({"student": "eve", "log": log, "score": score});
        site.submit("radix-keys", &sent).await
    };
    let forged = submit("points 3", Some(10)).await;
    refused(
        &forged,
        422,
        "forged-score",
        "claims 10 points; the replay gives 3",
    );
    let unfit = submit("refuse it has too many steps", None).await;
    refused(&unfit, 422, "unfit", "it has too many steps");
    let failed = submit("panic on purpose", None).await;
    refused(&failed, 500, "grading-failed", "not stored");
    assert_eq!(site.teacher_counts("radix-keys").await, (0, 0));

    // A panic costs nobody else anything.
    for number in 0..4 {
        let kept = submit(&format!("points {number}"), None).await;
        assert_eq!(kept.status, 201, "{}", kept.text());
    }
    // A score that is forged is forged the second time as well.
    let forged = submit("points 3", Some(4)).await;
    refused(&forged, 422, "forged-score", "the replay gives 3");
    let health = http(site.addr, "GET", "/healthz", &[]).await.json();
    assert_eq!(health["refused_submissions"], 3);
}

#[tokio::test]
async fn nonsense_is_told_so() {
    let site = Site::start().await;
    let long_name = "x".repeat(101);
    for (body, part) in [
        ("", "JSON"),
        ("points 3", "JSON"),
        ("[]", "JSON"),
        ("{\"student\":\"ada\",\"log\":\"\\ud800\"}", "JSON"),
        (r#"{"log":"points 1"}"#, "student"),
        (r#"{"student":"ada"}"#, "needs a log"),
        (
            r#"{"student":"ada","log":"x","log_base64":"eA=="}"#,
            "not both",
        ),
        (r#"{"student":"ada","log_base64":"*"}"#, "not base64"),
        (r#"{"student":"","log":"x"}"#, "name"),
        (r#"{"student":"a\u0000b","log":"x"}"#, "printed"),
        (r#"{"student":"ada","log":"x","score":-1}"#, "-1"),
        (r#"{"student":"ada","log":"x","score":"ten"}"#, "ten"),
        (r#"{"student":"ada","log":"x","grade":100}"#, "grade"),
        (
            &format!(r#"{{"student":"{long_name}","log":"x"}}"#),
            "101 letters",
        ),
        (&"[".repeat(100_000), "JSON"),
    ] {
        let path = "/api/labs/radix-keys/submissions";
        let answer = post(site.addr, path, &[], body.as_bytes()).await;
        refused(&answer, 400, "bad-request", part);
    }
    let invalid = post(
        site.addr,
        "/api/labs/radix-keys/submissions",
        &[],
        b"{\"student\":\"\xff\",\"log\":\"x\"}",
    );
    refused(&invalid.await, 400, "bad-request", "JSON");
    assert_eq!(site.teacher_counts("radix-keys").await, (0, 0));
}

#[tokio::test]
async fn labs_are_found_by_name_and_by_nothing_else() {
    let site = Site::start().await;
    fs::write(site.folder.path().join("dist/labs/broken.lab"), "??").expect("writable");
    fs::write(site.folder.path().join("outside.lab"), "??").expect("writable");
    let sent = json!({"student": "ada", "log": "points 1"});
    for lab in [
        "nothing",
        "RADIX-KEYS",
        "..%2foutside",
        "..%2f..%2foutside",
        "%2e%2e%2foutside",
        "radix-keys.lab",
        "radix-keys%00",
        "%ff",
        "'%20OR%201=1--",
        "-",
        &"x".repeat(65),
    ] {
        let answer = site.submit(lab, &sent).await;
        let (status, code) = refusal(&answer);
        assert!(
            (status, code.as_str()) == (404, "no-such-lab")
                || (status, code.as_str()) == (404, "no-such-path"),
            "{lab}: {status} {code}"
        );
    }
    let broken = site.submit("broken", &sent).await;
    refused(&broken, 500, "out-of-order", "log says why");
    let method = http(site.addr, "DELETE", "/api/labs/radix-keys/submissions", &[]).await;
    refused(&method, 405, "no-such-method", "another method");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_told_so() {
    let site = Site::start().await;
    let max = labs::grade::Limits::default().bytes;
    let class = http(site.addr, "GET", "/api/class", &[]).await;
    assert_eq!(class.json()["log_max"], max);
    let sent = json!({"student": "ada", "log": "\n".repeat(max)});
    assert_eq!(site.submit("radix-keys", &sent).await.status, 201);
    let sent = json!({"student": "ada", "log": "x".repeat(max + 1)});
    let answer = site.submit("radix-keys", &sent).await;
    refused(&answer, 413, "too-large", &max.to_string());
    let huge = vec![b'x'; 3 * max];
    let path = "/api/labs/radix-keys/submissions";
    let answer = post(site.addr, path, &[], &huge).await;
    refused(&answer, 413, "too-large", "at most");
    site.until_used("uploads", 0).await;
}

#[tokio::test]
async fn names_come_back_as_they_were() {
    let site = Site::start().await;
    let names = [
        "Robert'); DROP TABLE submissions;--",
        "李小龍 \u{1F427}",
        "=HYPERLINK(\"http://evil\")",
        "O\"Brien, Conan",
        "%",
        "ada\\",
    ];
    for name in names {
        let sent = json!({"student": name, "log": "points 1"});
        assert_eq!(site.submit("radix-keys", &sent).await.status, 201, "{name}");
        let path = format!("/api/labs/radix-keys/submissions?student={}", in_url(name));
        let list = site.teacher_gets(&path).await;
        assert_eq!(scores(&list), pairs(&[(name, 1)]));
    }
    assert_eq!(
        site.teacher_counts("radix-keys").await,
        (names.len() as u64, names.len() as u64)
    );
    let csv = site.teacher_gets("/api/labs/radix-keys/grades.csv").await;
    assert!(
        csv.text()
            .contains("\"'=HYPERLINK(\"\"http://evil\"\")\",no,1,10,")
    );
    assert!(csv.text().contains("\"O\"\"Brien, Conan\",no,1,10,"));
}

#[tokio::test]
async fn a_teacher_lists_the_best_the_newest_and_all() {
    let site = Site::start().await;
    for (student, log) in [
        ("bob", "points 2"),
        ("ada", "points 9"),
        ("ada", "points 4"),
        ("bob", "points 2\n# again"),
    ] {
        let sent = json!({"student": student, "log": log});
        assert_eq!(site.submit("radix-keys", &sent).await.status, 201);
        // Times are in milliseconds; without this, two submissions could have the same one.
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    }
    let list = async |query: &str| {
        let path = format!("/api/labs/radix-keys/submissions{query}");
        site.teacher_gets(&path).await
    };
    let best = list("").await;
    assert_eq!(scores(&best), pairs(&[("ada", 9), ("bob", 2)]));
    let best = best.json();
    assert_eq!(
        (&best["students"], &best["submissions"]),
        (&json!(2), &json!(4))
    );
    assert_eq!(best["list"][0]["attempts"], 2);
    // Of two that are equally good, the first counts.
    let first = best["list"][1]["id"].as_str().expect("an id");
    let first = http(site.addr, "GET", &format!("/api/submissions/{first}"), &[]).await;
    assert_eq!(first.json()["log"], "points 2");
    assert_eq!(
        scores(&list("?which=newest").await),
        pairs(&[("ada", 4), ("bob", 2)])
    );
    assert_eq!(
        scores(&list("?which=all").await),
        pairs(&[("bob", 2), ("ada", 4), ("ada", 9), ("bob", 2)])
    );
    assert_eq!(
        scores(&list("?which=all&limit=2&offset=1").await),
        pairs(&[("ada", 4), ("ada", 9)])
    );
    assert_eq!(scores(&list("?offset=9").await), pairs(&[]));
    assert_eq!(scores(&list("?student=nobody").await), pairs(&[]));
    for query in ["?which=worst", "?limit=-1", "?limit=x", "?wich=best"] {
        assert_eq!(
            refusal(&list(query).await),
            (400, "bad-request".to_owned()),
            "{query}"
        );
    }

    let csv = site.teacher_gets("/api/labs/radix-keys/grades.csv").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let rows: Vec<&str> = csv.text().lines().collect();
    assert_eq!(rows.len(), 3);
    assert!(
        rows[0].starts_with("student,verified,score,max,"),
        "{}",
        rows[0]
    );
    assert!(rows[1].starts_with("ada,no,9,10,2,20"), "{}", rows[1]);
    assert!(rows[0].ends_with(",submission,all"), "{}", rows[0]);
    assert!(rows[1].ends_with(",0"), "{}", rows[1]);
    assert!(rows[2].starts_with("bob,no,2,10,2,20"), "{}", rows[2]);

    // The same for Canvas, which wants its own columns and nothing else.
    let canvas = "/api/labs/radix-keys/grades.csv?for=canvas";
    let csv = site.teacher_gets(canvas).await;
    let rows: Vec<&str> = csv.text().lines().collect();
    let head = "Student,ID,SIS User ID,SIS Login ID,Section,";
    assert!(rows[0].starts_with(head), "{}", rows[0]);
    assert_eq!(rows[1], "Points Possible,,,,,10");
    assert_eq!(rows[2..], ["ada,,,ada,,9", "bob,,,bob,,2"]);
    let unknown = "/api/labs/radix-keys/grades.csv?for=excel";
    assert_eq!(site.teacher_gets(unknown).await.status, 400);
}

#[tokio::test]
async fn what_is_the_teachers_needs_the_teachers_key() {
    let site = Site::start().await;
    let wrong = [
        String::new(),
        "Authorization: Bearer".to_owned(),
        "Authorization: Bearer x".to_owned(),
        format!("{}0", site.teacher()),
        site.teacher().replace("Bearer", "Basic"),
    ];
    for (method, path) in [
        ("GET", "/api/labs/radix-keys/submissions"),
        ("GET", "/api/labs/radix-keys/submissions?student=ada"),
        ("GET", "/api/labs/radix-keys/grades.csv"),
        ("GET", "/api/submissions/0123/gradescope.json"),
        ("GET", "/api/submissions/0123/exercism.json"),
        ("GET", "/api/submissions/0123/classroom50.json"),
        ("POST", "/api/labs/radix-keys/regrade"),
        ("POST", "/api/submissions/0123/regrade"),
        ("POST", "/api/students"),
    ] {
        for header in &wrong {
            let headers: &[&str] = if header.is_empty() { &[] } else { &[header] };
            let answer = http(site.addr, method, path, headers).await;
            refused(&answer, 401, "teacher-only", "Authorization: Bearer");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    let own = site.teacher().replace("Bearer", "bearer ");
    let list = http(
        site.addr,
        "GET",
        "/api/labs/radix-keys/submissions",
        &[&own],
    )
    .await;
    assert_eq!(list.status, 200);
}

#[tokio::test]
async fn a_student_is_known_by_a_key() {
    let site = Site::start().await;
    let sent = json!({"students": ["ada", "José Ñ&"], "page": "https://lab.example.edu/"});
    let made = site.teacher_posts("/api/students", &sent).await.json();
    assert_eq!(made[0]["student"], "ada");
    let key = made[0]["key"].as_str().expect("a key");
    let link = format!("https://lab.example.edu/?student=ada&key={key}");
    assert_eq!(made[0]["link"], link);
    let link = made[1]["link"].as_str().expect("a link");
    assert!(
        link.contains("?student=Jos%C3%A9%20%C3%91%26&key="),
        "{link}"
    );
    let csv = site.teacher_posts("/api/students?format=csv", &sent).await;
    assert!(
        csv.text().starts_with("student,key,link\r\nada,"),
        "{}",
        csv.text()
    );
    let here = site
        .teacher_posts("/api/students", &json!({"students": ["x"]}))
        .await;
    let link = here.json()[0]["link"].as_str().expect("a link").to_owned();
    assert!(
        link.starts_with(&format!("http://{}/?student=x&key=", site.addr)),
        "{link}"
    );
    for wrong in [
        json!({"students": [""]}),
        json!({"names": ["x"]}),
        json!([]),
    ] {
        let answer = site.teacher_posts("/api/students", &wrong).await;
        assert_eq!(refusal(&answer), (400, "bad-request".to_owned()), "{wrong}");
    }

    // As typed, then with the key: it is noted.
    let typed = json!({"student": "ada", "log": "points 1"});
    let answer = site.submit("radix-keys", &typed).await;
    assert_eq!(answer.json()["verified"], false);
    let shown = json!({"student": "ada", "log": "points 1", "key": key});
    let answer = site.submit("radix-keys", &shown).await;
    assert_eq!(
        (answer.status, &answer.json()["verified"]),
        (200, &json!(true))
    );
    let answer = site.submit("radix-keys", &typed).await;
    assert_eq!(answer.json()["verified"], true);
    let csv = site.teacher_gets("/api/labs/radix-keys/grades.csv").await;
    assert!(csv.text().contains("\r\nada,yes,1,10,"), "{}", csv.text());

    // A wrong key is refused rather than ignored.
    for (student, key) in [("bob", key), ("ada", ""), ("ada", "0123")] {
        let wrong = json!({"student": student, "log": "points 1", "key": key});
        let answer = site.submit("radix-keys", &wrong).await;
        refused(&answer, 401, "wrong-key", student);
    }

    // It opens one's own list, and no other.
    let bearer = format!("Authorization: Bearer {key}");
    let list = async |student: &str| {
        let path = format!("/api/labs/radix-keys/submissions?which=all&student={student}");
        http(site.addr, "GET", &path, &[&bearer]).await
    };
    let bob = json!({"student": "bob", "log": "points 2"});
    assert_eq!(site.submit("radix-keys", &bob).await.status, 201);
    let own = list("ada").await;
    assert_eq!(scores(&own), pairs(&[("ada", 1)]));
    assert_eq!(
        (&own.json()["students"], &own.json()["submissions"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        refusal(&list("bob").await),
        (401, "teacher-only".to_owned())
    );
    assert_eq!(refusal(&list("").await).0, 400);
}

#[tokio::test]
async fn a_server_may_insist_on_keys() {
    let site = Site::with(|config| config.require_keys = true).await;
    let class = http(site.addr, "GET", "/api/class", &[]).await;
    assert_eq!(class.json()["requires_keys"], true);
    let typed = json!({"student": "ada", "log": "points 1"});
    let answer = site.submit("radix-keys", &typed).await;
    refused(
        &answer,
        401,
        "no-key",
        "the link that your teacher gave you",
    );
    let made = site
        .teacher_posts("/api/students", &json!({"students": ["ada"]}))
        .await;
    let shown = json!({"student": "ada", "log": "points 1", "key": made.json()[0]["key"]});
    assert_eq!(site.submit("radix-keys", &shown).await.status, 201);
    assert_eq!(site.teacher_counts("radix-keys").await, (1, 1));
}

#[tokio::test]
async fn grading_is_bounded() {
    let site = Site::with(|config| {
        config.limits.graders = 1;
        config.limits.grading_queue = 2;
    })
    .await;
    let (began, go) = (
        site.folder.path().join("began"),
        site.folder.path().join("go"),
    );
    let (touch, until_go) = (began.display(), go.display());
    let log = |number: u32| format!("touch {touch}\nuntil {until_go}\npoints {number}");
    let submit = |number: u32| {
        let body = json!({"student": "ada", "log": log(number)}).to_string();
        let addr = site.addr;
        tokio::spawn(async move {
            let path = "/api/labs/radix-keys/submissions";
            post(addr, path, &[], body.as_bytes()).await
        })
    };
    let first = submit(1);
    // One at the grader, two in the queue.
    until("the grader has it", async || began.exists()).await;
    let others = [submit(2), submit(3), submit(4)];
    site.until_used("grading_queue", 2).await;
    let mut statuses = Vec::new();
    // Which one finds the queue full depends on who came first.
    until("one is refused", async || {
        others.iter().any(|task| task.is_finished())
    })
    .await;
    fs::write(&go, "").expect("writable");
    for task in std::iter::once(first).chain(others) {
        let answer = task.await.expect("no panic");
        if answer.status == 503 {
            refused(&answer, 503, "graders-busy", "try again");
            assert_eq!(answer.header("retry-after"), "5");
        }
        statuses.push(answer.status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 201, 503]);
    site.until_used("grading_queue", 0).await;
}

#[tokio::test]
async fn attempts_and_bytes_are_bounded_and_the_teacher_makes_room() {
    let site = Site::with(|config| {
        config.limits.attempts = 2;
        config.limits.submission_bytes = 30;
    })
    .await;
    let submit = async |student: &str, log: &str| {
        let sent = json!({"student": student, "log": log});
        site.submit("radix-keys", &sent).await
    };
    let first = submit("ada", "points 1").await;
    assert_eq!(
        (first.status, submit("ada", "points 2").await.status),
        (201, 201)
    );
    refused(
        &submit("ada", "points 3").await,
        429,
        "too-many-attempts",
        "2 times",
    );
    // What was handed in before is no other attempt.
    assert_eq!(submit("ada", "points 2").await.status, 200);
    let long = submit("bob", "points 1\n# 67890").await;
    refused(&long, 507, "submissions-full", "16 of this server's 30");
    assert_eq!(submit("bob", "points 1").await.status, 201);

    let place = first.header("location");
    let nobody = http(site.addr, "DELETE", place, &[]).await;
    refused(&nobody, 401, "teacher-only", "Authorization");
    let gone = http(site.addr, "DELETE", place, &[&site.teacher()]).await;
    assert_eq!((gone.status, gone.text()), (204, ""));
    for method in ["GET", "DELETE"] {
        let answer = http(site.addr, method, place, &[&site.teacher()]).await;
        refused(&answer, 404, "no-such-submission", "no such submission");
    }
    assert_eq!(submit("ada", "points 3").await.status, 201);
}

#[tokio::test]
async fn regrading_tells_what_changes() {
    let site = Site::start().await;
    for (student, log) in [("ada", "points 5"), ("bob", "points 6\nold")] {
        let sent = json!({"student": student, "log": log});
        assert_eq!(site.submit("radix-keys", &sent).await.status, 201);
    }
    let all = "/api/labs/radix-keys/regrade";
    let same = site.teacher_posts(all, &Value::Null).await.json();
    assert_eq!(
        same,
        json!({"regraded": 2, "changed": 0, "refused": 0, "differences": []})
    );

    write_lab(&site.folder.path().join("dist"), "radix-keys", 2);
    let list = "/api/labs/radix-keys/submissions";
    for (query, kept) in [("?dry_run=true", 5), ("", 6)] {
        let report = site
            .teacher_posts(&format!("{all}{query}"), &Value::Null)
            .await
            .json();
        assert_eq!(
            (&report["regraded"], &report["changed"], &report["refused"]),
            (&json!(2), &json!(1), &json!(1))
        );
        let ada = &report["differences"][0];
        assert_eq!(ada["student"], "ada");
        assert_eq!(
            (&ada["before"]["score"], &ada["after"]["score"]),
            (&json!(5), &json!(6))
        );
        let bob = &report["differences"][1];
        assert_eq!(bob["refused"]["code"], "other-version");
        assert_eq!(bob.get("after"), None);
        // What is refused now keeps the grade that it had.
        let list = site.teacher_gets(list).await;
        assert_eq!(scores(&list), pairs(&[("ada", kept), ("bob", 6)]));
    }
    let ada = site.teacher_gets(list).await.json()["list"][0].clone();
    assert_eq!(ada["grade"]["lab"]["version"], 2);
    let one = format!(
        "/api/submissions/{}/regrade",
        ada["id"].as_str().expect("an id")
    );
    let report = site.teacher_posts(&one, &Value::Null).await.json();
    assert_eq!(
        (&report["regraded"], &report["changed"]),
        (&json!(1), &json!(0))
    );
    let nobody = site
        .teacher_posts("/api/submissions/0123/regrade", &Value::Null)
        .await;
    assert_eq!(refusal(&nobody), (404, "no-such-submission".to_owned()));
}

#[tokio::test]
async fn grades_are_written_for_other_systems() {
    let site = Site::start().await;
    let sent = json!({"student": "ada", "log": "points 10"});
    let place = site.submit("radix-keys", &sent).await;
    let place = place.header("location");
    let get = async |rest: &str| site.teacher_gets(&format!("{place}/{rest}")).await;
    let gradescope = get("gradescope.json").await.json();
    assert_eq!(
        (&gradescope["score"], &gradescope["tests"][0]["status"]),
        (&json!(10), &json!("passed"))
    );
    let exercism = get("exercism.json").await.json();
    assert_eq!(
        (&exercism["version"], &exercism["status"]),
        (&json!(3), &json!("pass"))
    );

    let told = http(site.addr, "GET", place, &[]).await.json();
    let plain = get("classroom50.json").await.json();
    let id = told["id"].as_str().expect("an id");
    assert_eq!(plain["schema"], "classroom50/result/v1");
    assert_eq!(plain["submission"], format!("submit/{id}"));
    assert_eq!(plain["review"], format!("http://{}{place}", site.addr));
    assert_eq!(plain["datetime"], told["submitted_at"]);
    assert_eq!(
        (&plain["owner"], &plain["assignment"]),
        (&json!("ada"), &json!("radix-keys"))
    );
    assert_eq!(
        (&plain["score"], &plain["max-score"]),
        (&json!(10), &json!(10))
    );
    let about = "classroom50.json?classroom=os&owner=x&username=u&user_id=7&commit=https://c";
    let about = get(about).await.json();
    assert_eq!(
        (&about["classroom"], &about["commit"]),
        (&json!("os"), &json!("https://c"))
    );
    assert_eq!(about["submitted_by"], json!({"username": "u", "id": 7}));
    for (query, part) in [
        ("assignment_type=pair", "pair"),
        ("commit=x", "no link"),
        ("username=u", "go together"),
        ("colour=blue", "colour"),
    ] {
        let wrong = get(&format!("classroom50.json?{query}")).await;
        refused(&wrong, 400, "bad-request", part);
    }

    let table = async || {
        let table = site.teacher_gets("/api/labs/radix-keys/grades.csv").await;
        table.text().to_owned()
    };
    let ends_with = |table: &str, cell: &str| table.trim_end().ends_with(&format!("{id},{cell}"));
    let csv = table().await;
    assert!(ends_with(&csv, "10"), "{csv}");

    // Points of one version beside the checks of another would be a mix-up.
    write_lab(&site.folder.path().join("dist"), "radix-keys", 2);
    let csv = table().await;
    assert!(
        csv.contains("ada,no,10,10,1,") && ends_with(&csv, ""),
        "{csv}"
    );
    refused(
        &get("gradescope.json").await,
        409,
        "old-grade",
        "asks for other things",
    );
    refused(&get("nothing.json").await, 404, "no-such-path", "");
}

#[tokio::test]
async fn pages_of_other_sites_cannot_hand_in() {
    let site = Site::start().await;
    let foreign = "Origin: https://evil.example";
    let body = json!({"student": "ada", "log": "points 1"}).to_string();
    let path = "/api/labs/radix-keys/submissions";
    let answer = post(site.addr, path, &[foreign], body.as_bytes()).await;
    refused(&answer, 403, "foreign-origin", "https://evil.example");
    let own = format!("Origin: http://{}", site.addr);
    let answer = post(site.addr, path, &[&own], body.as_bytes()).await;
    assert_eq!(answer.status, 201);
}

fn in_url(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

impl Site {
    /// How many submissions a lab has, and from how many students.
    async fn teacher_counts(&self, lab: &str) -> (u64, u64) {
        let path = format!("/api/labs/{lab}/submissions");
        let list = self.teacher_gets(&path).await.json();
        let count = |name: &str| list[name].as_u64().expect("a number");
        (count("submissions"), count("students"))
    }
}
