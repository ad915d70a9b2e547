//! A copy of a class's data is made while the server runs, and is a data folder itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use server::Config;
use server::backup::backup;

use crate::client::{Answer, http};
use crate::program::{output, server};
use crate::site::Site;

/// What `server --data DATA` says that it would copy.
fn config_of(data: &Path) -> Config {
    Config {
        data: data.to_owned(),
        ..Config::default()
    }
}

async fn grades(site: &Site) -> Answer {
    site.teacher_gets("/api/labs/radix-keys/submissions?which=all")
        .await
}

#[tokio::test]
async fn a_copy_that_was_made_meanwhile_is_restored_by_naming_it() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("monday");
    for points in 0..5 {
        let sent = json!({"student": "ada", "log": format!("points {points}")});
        assert_eq!(site.submit("radix-keys", &sent).await.status, 201);
    }
    let (before, key) = (grades(&site).await.json(), site.teacher());

    // While somebody hands in.
    let later = async {
        for points in 0..20 {
            let sent = json!({"student": "bob", "log": format!("points {points}")});
            assert_eq!(site.submit("radix-keys", &sent).await.status, 201);
        }
    };
    let config = config_of(&site.folder.path().join("data"));
    let (files, ()) = tokio::join!(backup(&config, &copy), later);
    let files = files.expect("the folder can be copied");
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files.iter().chain([&copy]) {
        let mode = fs::metadata(file)
            .expect("it was made")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", file.display());
    }
    site.stop().await;

    let restored = Site::with(|config| config.data = copy.clone()).await;
    let listed = |path: &str| {
        let path = format!("/api/labs/radix-keys/submissions?which=all&student={path}");
        let (addr, key) = (restored.addr, key.clone());
        async move { http(addr, "GET", &path, &[&key]).await }
    };
    // The key of then opens it, and what was there then is there.
    let ada = listed("ada").await;
    assert_eq!(ada.status, 200, "{}", ada.text());
    assert_eq!(ada.json()["list"], before["list"]);
    let bob = listed("bob").await.json();
    let bob = bob["list"].as_array().expect("a list");
    assert!(bob.len() <= 20, "nothing but what was sent");
}

#[test]
fn the_program_says_what_it_copied_or_why_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("copy");
    let ask = || {
        let mut command = server(folder.path());
        command.arg("--backup").arg(&copy);
        command
    };
    // Nothing was kept yet, and a copy of nothing would be worth nothing.
    let (status, stdout, stderr) = output(&mut ask());
    assert_eq!((status, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("data/glass.sqlite"), "{stderr}");
    assert!(!copy.exists());

    let started = crate::program::Running::start(&mut server(folder.path()));
    let (status, stdout, stderr) = output(&mut ask());
    assert_eq!(status, Some(0), "{stderr}");
    let names: Vec<&str> = stdout
        .lines()
        .filter_map(|line| line.rsplit('/').next())
        .collect();
    assert_eq!(names, ["secret", "teacher-key", "glass.sqlite"]);

    // An older copy is never written over.
    let (status, _, stderr) = output(&mut ask());
    assert_eq!(status, Some(1));
    assert!(stderr.contains("copy"), "{stderr}");
    let (status, _, stderr) = output(ask().args(["--database", "postgres://x:secret@h/n"]));
    assert_eq!(status, Some(1));
    assert!(
        stderr.contains("pg_dump") && !stderr.contains("x:secret"),
        "{stderr}"
    );
    started.kill();
}
