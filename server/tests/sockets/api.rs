//! The small addresses beside the sessions.

use std::path::PathBuf;
use std::time::Duration;

use server::config::GuestConfig;
use server::{App, Config, StartError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::PATIENCE;
use crate::client::http;
use crate::site::{Site, ran, run};

#[tokio::test]
async fn health_tells_what_is_in_use() {
    let site = Site::start().await;
    let health = http(site.addr, "GET", "/healthz", &[]).await;
    assert_eq!(
        (health.status, health.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(health.header("cache-control"), "no-store");
    assert_eq!(
        health.text(),
        r#"{"status":"ok","native_sessions":{"used":0,"of":64},"qemu_sessions":{"used":0,"of":4},"machine_bytes":{"used":0,"of":4294967296},"live_sessions":{"used":0,"of":16},"followers":{"used":0,"of":2000},"grading_queue":{"used":0,"of":64},"uploads":{"used":0,"of":32},"refused_submissions":0}"#
    );
}

#[tokio::test]
async fn hosts_are_those_that_the_server_was_started_with() {
    let site = Site::start().await;
    let hosts = http(site.addr, "GET", "/api/hosts", &[]).await;
    assert_eq!((hosts.status, hosts.text()), (200, r#"["native"]"#));
    let site = Site::with_guest("echoes", |_| ()).await;
    let hosts = http(site.addr, "GET", "/api/hosts", &[]).await;
    assert_eq!((hosts.status, hosts.text()), (200, r#"["native","qemu"]"#));
}

#[tokio::test]
async fn refusals_give_a_reason_as_json() {
    let site = Site::start().await;
    for (path, status, reason) in [
        ("/api/nothing", 404, "nothing at that address"),
        ("/api/session/wasm", 404, "nothing at that address"),
        ("/api/session/qemu", 404, "without qemu sessions"),
        ("/api/session/native", 426, "WebSocket connections only"),
    ] {
        let answer = http(site.addr, "GET", path, &[]).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
        assert!(
            answer.text().starts_with(r#"{"error":""#),
            "{path}: {}",
            answer.text()
        );
        assert!(answer.text().contains(reason), "{path}: {}", answer.text());
    }
    // The refused upgrade gave its place back.
    site.until_used("native_sessions", 0).await;
}

#[tokio::test]
async fn a_server_without_its_files_does_not_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config {
        dist: folder.path().to_owned(),
        data: folder.path().join("data"),
        ..Config::default()
    };
    let error = App::new(config.clone()).await.expect_err("no page");
    assert!(matches!(error, StartError::NoPage { .. }), "{error}");
    assert!(error.to_string().contains("has no index.html"), "{error}");

    std::fs::write(folder.path().join("index.html"), "").expect("writable");
    let guest = GuestConfig {
        qemu: "no-such-qemu".into(),
        boot_image: folder.path().join("boot"),
    };
    let config = Config {
        guest: Some(guest.clone()),
        ..config
    };
    let error = App::new(config.clone()).await.expect_err("no boot image");
    assert!(matches!(error, StartError::NoBootImage(_)), "{error}");

    std::fs::write(&guest.boot_image, "").expect("writable");
    let error = App::new(config.clone()).await.expect_err("no QEMU");
    assert!(error.to_string().contains("no-such-qemu"), "{error}");

    let guest = GuestConfig {
        qemu: PathBuf::from("sh"),
        ..guest
    };
    let config = Config {
        guest: Some(guest),
        ..config
    };
    // A file where the data folder should be.
    let no_data = Config {
        data: folder.path().join("index.html"),
        ..config.clone()
    };
    let error = App::new(no_data).await.expect_err("no data folder");
    assert!(error.to_string().contains("index.html"), "{error}");
    App::new(config).await.expect("all is there");
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let site = Site::with(|config| config.limits.quiet = Duration::from_millis(100)).await;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", site.addr);
    for said in ["", "GET / HTTP/1.1\r\nHost: sl", &request] {
        let mut stream = TcpStream::connect(site.addr)
            .await
            .expect("the server listens");
        stream
            .write_all(said.as_bytes())
            .await
            .expect("the server reads");
        let mut heard = Vec::new();
        let end = timeout(PATIENCE, stream.read_to_end(&mut heard)).await;
        end.expect("the connection ends in time")
            .expect("and in order");
        let whole = said == request;
        assert_eq!(heard.starts_with(b"HTTP/1.1 200"), whole, "{said:?}");
    }
    // A session is not a connection that waits for a request.
    let mut client = site.session("native").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(client.ask(&run("ls")).await, ran("ls"));
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_harms_nobody() {
    let site = Site::start().await;
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20));
    for said in [
        "\u{1}\u{2}\u{3}\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        &long,
    ] {
        let mut stream = TcpStream::connect(site.addr)
            .await
            .expect("the server listens");
        // The server may hang up before it has heard all.
        stream.write_all(said.as_bytes()).await.ok();
        let mut heard = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut heard))
            .await
            .expect("an end in time")
            .ok();
        assert!(
            heard.is_empty() || heard.starts_with(b"HTTP/1.1 4"),
            "{:?}",
            &said[..3]
        );
    }
    assert_eq!(http(site.addr, "GET", "/", &[]).await.status, 200);
}
