//! Links to long sessions.

use std::time::Duration;

use server::keys::sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{http, post};
use crate::site::Site;

#[tokio::test]
async fn a_link_leads_to_its_log_for_ever() {
    let site = Site::start().await;
    let log = b"glass=1 mem=1M\nradix create t\n\xff\0\n";
    let made = post(site.addr, "/api/links", &[], log).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = sha256(log);
    assert_eq!(made.json()["id"], id);
    // The same log is kept once.
    let again = post(site.addr, "/api/links", &[], log).await;
    assert_eq!((again.status, again.json()), (200, made.json()));

    let found = http(site.addr, "GET", &format!("/api/links/{id}"), &[]).await;
    assert_eq!((found.status, found.body.as_slice()), (200, log.as_slice()));
    assert_eq!(found.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(
        found.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    // It is shown, never run.
    assert_eq!(found.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_link_that_leads_nowhere_says_so() {
    let site = Site::start().await;
    let absent = sha256(b"never sent");
    for id in [
        absent.as_str(),
        "0",
        "x",
        "..%2f..%2fsecret",
        "%00",
        "%ff",
        "'%20OR%20'1'='1",
        &"a".repeat(10_000),
    ] {
        let answer = http(site.addr, "GET", &format!("/api/links/{id}"), &[]).await;
        assert_eq!(answer.status, 404, "{id}");
        let body = answer.json();
        assert_eq!(body["code"], "no-such-link", "{id}");
        let error = body["error"].as_str().expect("a sentence");
        assert!(error.contains("no such session"), "{error}");
        assert_eq!(answer.header("cache-control"), "no-store", "{id}");
    }
}

#[tokio::test]
async fn links_are_bounded_each_and_together() {
    let site = Site::with(|config| config.limits.link_bytes = 1000).await;
    let empty = post(site.addr, "/api/links", &[], b"").await;
    assert_eq!(
        (empty.status, &empty.json()["code"]),
        (400, &"bad-request".into())
    );
    let first = vec![b'a'; 600];
    assert_eq!(post(site.addr, "/api/links", &[], &first).await.status, 201);
    let second = vec![b'b'; 401];
    let full = post(site.addr, "/api/links", &[], &second).await;
    assert_eq!(
        (full.status, &full.json()["code"]),
        (507, &"links-full".into())
    );
    let body = full.json();
    let error = body["error"].as_str().expect("a sentence");
    assert!(error.contains("600 of this server's 1000"), "{error}");
    // What is there stays, what fits still goes in.
    assert_eq!(post(site.addr, "/api/links", &[], &first).await.status, 200);
    assert_eq!(
        post(site.addr, "/api/links", &[], &second[1..])
            .await
            .status,
        201
    );

    // The teacher makes room.
    let place = format!("/api/links/{}", sha256(&first));
    let nobody = http(site.addr, "DELETE", &place, &[]).await;
    assert_eq!(nobody.status, 401);
    for status in [204, 404] {
        let gone = http(site.addr, "DELETE", &place, &[&site.teacher()]).await;
        assert_eq!(gone.status, status);
    }
    assert_eq!(
        post(site.addr, "/api/links", &[], &second).await.status,
        201
    );

    let huge = vec![b'x'; labs::protocol::MESSAGE_MAX + 1];
    let answer = post(site.addr, "/api/links", &[], &huge).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (413, &"too-large".into())
    );
    let foreign = post(
        site.addr,
        "/api/links",
        &["Origin: https://evil.example"],
        b"x",
    )
    .await;
    assert_eq!(foreign.status, 403);
    site.until_used("uploads", 0).await;
}

/// Begins to send a link and does not go on.
async fn half_a_link(site: &Site) -> TcpStream {
    let mut stream = TcpStream::connect(site.addr).await.expect("it listens");
    let head = "POST /api/links HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nnot all";
    stream.write_all(head.as_bytes()).await.expect("it reads");
    stream
}

#[tokio::test]
async fn senders_beyond_the_places_are_told_to_come_back() {
    let site = Site::with(|config| config.limits.uploads = 1).await;
    let half = half_a_link(&site).await;
    site.until_used("uploads", 1).await;
    let busy = post(site.addr, "/api/links", &[], b"x").await;
    assert_eq!(
        (busy.status, &busy.json()["code"]),
        (503, &"uploads-busy".into())
    );
    assert_eq!(busy.header("retry-after"), "5");
    // Whoever leaves makes room.
    drop(half);
    site.until_used("uploads", 0).await;
    assert_eq!(post(site.addr, "/api/links", &[], b"x").await.status, 201);
}

#[tokio::test]
async fn a_sender_who_falls_silent_is_sent_away() {
    let site = Site::with(|config| config.limits.quiet = Duration::from_millis(100)).await;
    let mut half = half_a_link(&site).await;
    let mut heard = Vec::new();
    half.read_to_end(&mut heard).await.ok();
    let heard = String::from_utf8_lossy(&heard);
    assert!(heard.starts_with("HTTP/1.1 408"), "{heard}");
    assert!(heard.contains("did not come"), "{heard}");
    site.until_used("uploads", 0).await;
}
