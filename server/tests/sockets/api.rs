//! The small addresses beside the sessions.

use std::path::PathBuf;

use server::config::GuestConfig;
use server::{App, Config, StartError};

use crate::client::http;
use crate::site::Site;

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
        r#"{"status":"ok","native_sessions":{"used":0,"of":64},"qemu_sessions":{"used":0,"of":4},"machine_bytes":{"used":0,"of":4294967296}}"#
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

#[test]
fn a_server_without_its_files_does_not_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config {
        dist: folder.path().to_owned(),
        ..Config::default()
    };
    let error = App::new(config.clone()).expect_err("no page");
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
    let error = App::new(config.clone()).expect_err("no boot image");
    assert!(matches!(error, StartError::NoBootImage(_)), "{error}");

    std::fs::write(&guest.boot_image, "").expect("writable");
    let error = App::new(config.clone()).expect_err("no QEMU");
    assert!(error.to_string().contains("no-such-qemu"), "{error}");

    let guest = GuestConfig {
        qemu: PathBuf::from("sh"),
        ..guest
    };
    App::new(Config {
        guest: Some(guest),
        ..config
    })
    .expect("all is there");
}
