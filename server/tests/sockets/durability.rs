//! Nothing that was acknowledged is lost when the server is killed, and nothing is there by halves.
//!
//! A real server, with the labs' own grader, takes submissions and links from several senders at
//! once and is killed in the middle of it, again and again. What the senders were told is written
//! down outside of it and compared with what the next server finds.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use labs::lab::variant_of;
use serde_json::{Value, json};
use server::keys::sha256;
use tokio::time::sleep;

use crate::client::{exchange, http};
use crate::postgres::Cluster;
use crate::program::{Running, server};
use crate::site::{until, write_lab};

/// How often the server is killed.
const KILLS: u64 = 6;

/// Senders of submissions, and as many of links.
const SENDERS: u64 = 3;

/// What a sender was told: an address, and the log that is to be found there.
type Acknowledged = (String, String);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_a_kill() {
    kill_again_and_again(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_a_kill_with_postgresql() {
    let cluster = Cluster::start();
    kill_again_and_again(Some(cluster.url())).await;
}

async fn kill_again_and_again(database: Option<&str>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = || {
        let mut command = server(folder.path());
        // The log goes to a pipe that nobody reads.
        command.env("RUST_LOG", "warn");
        if let Some(url) = database {
            command.args(["--database", url]);
        }
        command
    };
    write_lab(folder.path(), "radix-keys", 1);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut seed = since.expect("a clock").as_nanos() as u64;
    println!("seed {seed}");

    let (counter, answers) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    let mut unanswered = 0;
    for round in 0..KILLS {
        let running = Running::start(&mut server());
        let addr = running.addr();
        let senders: Vec<_> = (0..2 * SENDERS)
            .map(|sender| {
                let counters = (Arc::clone(&counter), Arc::clone(&answers));
                tokio::spawn(send_until_it_breaks(addr, sender < SENDERS, counters))
            })
            .collect();
        // In the middle of whatever comes after so many answers.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let wanted = answers.load(Ordering::Relaxed) + 1 + (seed >> 33) % 40;
        until("answers come", async || {
            answers.load(Ordering::Relaxed) >= wanted
        })
        .await;
        sleep(Duration::from_micros((seed >> 20) % 10_000)).await;
        running.kill();
        for sender in senders {
            let (mut told, broken) = sender.await.expect("no panic");
            acknowledged.append(&mut told);
            unanswered += usize::from(broken);
        }
        println!("round {round}: {} answers in all", acknowledged.len());
    }
    assert!(
        acknowledged.len() > 20,
        "only {} arrived",
        acknowledged.len()
    );
    println!("{} acknowledged, {unanswered} not", acknowledged.len());

    let running = Running::start(&mut server());
    let addr = running.addr();
    for (place, log) in &acknowledged {
        let found = http(addr, "GET", place, &[]).await;
        assert_eq!((found.status, found.text()), (200, log.as_str()), "{place}");
    }

    // What is there without having been acknowledged is whole: it was graded, and is so again.
    let key = std::fs::read_to_string(folder.path().join("data/teacher-key")).expect("it was made");
    let teacher = format!("Authorization: Bearer {}", key.trim());
    let teacher = [teacher.as_str()];
    let list = "/api/labs/radix-keys/submissions?which=all&limit=1000";
    let list = http(addr, "GET", list, &teacher).await.json();
    let stored = list["submissions"].as_u64().expect("a number");
    let handed_in = |(place, _): &&Acknowledged| place.starts_with("/api/submissions/");
    let handed_in = acknowledged.iter().filter(handed_in).count() as u64;
    let in_flight = KILLS * SENDERS;
    assert!(
        (handed_in..=handed_in + in_flight).contains(&stored),
        "{stored} stored, {handed_in} acknowledged"
    );
    let again = exchange(
        addr,
        "POST",
        "/api/labs/radix-keys/regrade",
        &teacher,
        Some(b""),
    );
    let again = again.await.expect("an answer").json();
    assert_eq!(
        again,
        json!({"regraded": stored, "changed": 0, "refused": 0, "differences": []})
    );
    running.kill();
}

/// Sends one after the other, until the connection breaks; returns what was acknowledged, and
/// whether something was not.
async fn send_until_it_breaks(
    addr: SocketAddr,
    hands_in: bool,
    (counter, answers): (Arc<AtomicU64>, Arc<AtomicU64>),
) -> (Vec<Acknowledged>, bool) {
    let mut told = Vec::new();
    loop {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        let padding = "# ".repeat((number % 50) as usize * 100);
        let student = format!("student {number}");
        let variant = variant_of("radix-keys", &student);
        let log = format!("lab=radix-keys@1/{variant} mem=1M\necho {number}\n{padding}\n");
        let (path, body) = if hands_in {
            let sent = json!({"student": student, "log": log});
            ("/api/labs/radix-keys/submissions", sent.to_string())
        } else {
            ("/api/links", log.clone())
        };
        let Ok(answer) = exchange(addr, "POST", path, &[], Some(body.as_bytes())).await else {
            return (told, true);
        };
        assert_eq!(answer.status, 201, "{}", answer.text());
        answers.fetch_add(1, Ordering::Relaxed);
        let body: Value = answer.json();
        let id = body["id"].as_str().expect("an id");
        if hands_in {
            told.push((format!("/api/submissions/{id}/log"), log));
        } else {
            assert_eq!(id, sha256(log.as_bytes()));
            told.push((format!("/api/links/{id}"), log));
        }
    }
}

#[tokio::test]
async fn a_first_start_that_is_killed_leaves_a_folder_that_works() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for number in 0..10 {
        let mut command = server(folder.path());
        let mut child = command
            .args(["--addr", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        sleep(Duration::from_millis(number * 5)).await;
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");

        let running = Running::start(&mut server(folder.path()));
        let health = http(running.addr(), "GET", "/healthz", &[]).await;
        assert_eq!(health.status, 200);
        let absent = format!("/api/links/{}", sha256(b""));
        assert_eq!(http(running.addr(), "GET", &absent, &[]).await.status, 404);
        running.kill();
        std::fs::remove_dir_all(folder.path().join("data")).expect("removable");
    }
}
