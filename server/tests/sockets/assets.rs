//! The page's files.

use std::fs;
use std::time::{Duration, SystemTime};

use server::assets::Embedders;

use crate::client::http;
use crate::site::Site;

#[tokio::test]
async fn the_page_comes_with_its_headers() {
    let site = Site::start().await;
    for path in ["/", "/index.html"] {
        let page = http(site.addr, "GET", path, &[]).await;
        assert_eq!((page.status, page.text()), (200, "<p>the page</p>"));
        assert_eq!(page.header("content-type"), "text/html");
        assert_eq!(page.header("cache-control"), "no-cache");
        assert_eq!(
            page.header("content-security-policy"),
            "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
             style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; \
             object-src 'none'; frame-ancestors 'self'"
        );
        // A second rule about frames that says something else would only confuse.
        assert_eq!(page.header("x-frame-options"), "");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
        assert!(page.header("permissions-policy").contains("camera=()"));
        assert!(page.header("x-request-id").parse::<u64>().is_ok());
    }
    let head = http(site.addr, "HEAD", "/", &[]).await;
    assert_eq!(
        (head.status, head.header("content-length"), head.text()),
        (200, "15", "")
    );
    assert_eq!(http(site.addr, "POST", "/", &[]).await.status, 405);
}

#[tokio::test]
async fn clients_get_the_best_encoding_they_accept() {
    let site = Site::start().await;
    for (accepted, encoding, body) in [
        ("br, gzip", "br", "wasm by brotli"),
        ("gzip", "gzip", "wasm by gzip"),
        ("gzip, br;q=0", "gzip", "wasm by gzip"),
        ("identity", "", "wasm as it is"),
    ] {
        let accept = format!("Accept-Encoding: {accepted}");
        let wasm = http(site.addr, "GET", "/kernel_bg.wasm", &[&accept]).await;
        let heard = (wasm.status, wasm.header("content-encoding"), wasm.text());
        assert_eq!(heard, (200, encoding, body), "{accepted}");
        assert_eq!(wasm.header("content-type"), "application/wasm");
        assert_eq!(wasm.header("vary"), "accept-encoding");
    }
    // No compressed copy: as it is.
    let script = http(site.addr, "GET", "/boot.js", &["Accept-Encoding: br, gzip"]).await;
    assert_eq!(
        (script.header("content-encoding"), script.text()),
        ("", "script")
    );
    assert_eq!(script.header("content-type"), "text/javascript");
}

#[tokio::test]
async fn an_unchanged_file_is_not_sent_twice() {
    let site = Site::start().await;
    let first = http(site.addr, "GET", "/boot.js", &[]).await;
    let condition = format!("If-None-Match: {}", first.header("etag"));
    let again = http(site.addr, "GET", "/boot.js", &[&condition]).await;
    assert_eq!((again.status, again.text()), (304, ""));
    let condition = format!("If-Modified-Since: {}", first.header("last-modified"));
    assert_eq!(
        http(site.addr, "GET", "/boot.js", &[&condition])
            .await
            .status,
        304
    );

    // Rebuilt within the same second: only the tag tells.
    fs::write(site.folder.path().join("dist/boot.js"), "another script").expect("writable");
    let condition = format!("If-None-Match: {}", first.header("etag"));
    let rebuilt = http(site.addr, "GET", "/boot.js", &[&condition]).await;
    assert_eq!((rebuilt.status, rebuilt.text()), (200, "another script"));
}

#[tokio::test]
async fn a_kept_file_is_answered_as_it_was_and_only_until_it_changes() {
    let site = Site::start().await;
    let dist = site.folder.path().join("dist");
    // Only what has been as it is for a while is kept.
    let old = SystemTime::now() - Duration::from_secs(3600);
    for name in [
        "kernel_bg.wasm",
        "kernel_bg.wasm.br",
        "kernel_bg.wasm.gz",
        "boot.js",
        "index.html",
    ] {
        let file = fs::File::options().write(true).open(dist.join(name));
        file.and_then(|file| file.set_modified(old)).expect("there");
    }
    let asked = [
        ("GET", "/kernel_bg.wasm", vec!["Accept-Encoding: br"]),
        ("GET", "/kernel_bg.wasm", vec!["Accept-Encoding: gzip"]),
        ("GET", "/kernel_bg.wasm", vec![]),
        ("HEAD", "/kernel_bg.wasm", vec!["Accept-Encoding: br"]),
        (
            "GET",
            "/kernel_bg.wasm",
            vec!["Accept-Encoding: br", "Range: bytes=5-6"],
        ),
        ("GET", "/boot.js?v=1", vec![]),
        ("GET", "/", vec!["Accept-Encoding: br"]),
        ("POST", "/boot.js", vec![]),
    ];
    let ask = async |(method, path, headers): &(&str, &str, Vec<&str>)| {
        let answer = http(site.addr, method, path, headers).await;
        let told = [
            "content-type",
            "content-encoding",
            "content-length",
            "vary",
            "etag",
            "cache-control",
        ];
        let told = told.map(|name| answer.header(name).to_owned());
        (answer.status, told, answer.text().to_owned())
    };
    let mut first = Vec::new();
    for asked in &asked {
        first.push(ask(asked).await);
    }
    assert_eq!(first[4].2, "by");
    for (asked, first) in asked.iter().zip(&first) {
        assert_eq!(&ask(asked).await, first, "{asked:?}");
    }
    for mark in ["If-None-Match: ", "If-None-Match: \"x\", "] {
        let known = format!("{mark}{}", first[0].1[4]);
        let again = http(
            site.addr,
            "GET",
            "/kernel_bg.wasm",
            &[&known, "Accept-Encoding: br"],
        )
        .await;
        assert_eq!((again.status, again.text()), (304, ""));
        assert_eq!(again.header("etag"), first[0].1[4]);
        assert_eq!(again.header("cache-control"), "no-cache");
    }
    // Another build, of the same length, put in place of the old one; and no copy by gzip any more.
    fs::write(dist.join("new"), "WASM BY BROTLI").expect("writable");
    fs::rename(dist.join("new"), dist.join("kernel_bg.wasm.br")).expect("writable");
    fs::remove_file(dist.join("kernel_bg.wasm.gz")).expect("writable");
    assert_eq!(ask(&asked[0]).await.2, "WASM BY BROTLI");
    assert_eq!(ask(&asked[0]).await.2, "WASM BY BROTLI");
    assert_eq!(ask(&asked[1]).await.2, "wasm as it is");
    fs::remove_file(dist.join("boot.js")).expect("writable");
    assert_eq!(ask(&asked[5]).await.0, 404);
}

#[tokio::test]
async fn what_is_not_in_the_folder_is_not_served() {
    let site = Site::start().await;
    for path in [
        "/nothing",
        "/index.html/",
        "/../secret",
        "/../../../../../../etc/passwd",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/%2e%2e%2fsecret",
        "/..%5csecret",
        "//etc/passwd",
        "/dist/../../secret",
        "/./../secret",
        "/%00",
        "/index.html%00.js",
        "/%ff",
    ] {
        let answer = http(site.addr, "GET", path, &[]).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("Nothing at this address"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn what_makes_the_page_an_app_has_its_types() {
    let site = Site::start().await;
    for (path, kind) in [
        ("/sw.js", "text/javascript"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/labs/radix-keys.lab", "application/octet-stream"),
    ] {
        let file = http(site.addr, "GET", path, &[]).await;
        assert_eq!(file.status, 200, "{path}");
        assert_eq!(file.header("content-type"), kind, "{path}");
        // A service worker from a cache would keep an old page alive.
        assert_eq!(file.header("cache-control"), "no-cache", "{path}");
    }
}

#[tokio::test]
async fn those_who_may_embed_the_page_are_named() {
    for (option, directive) in [
        ("*", "frame-ancestors *"),
        (
            "https://moodle.example.edu",
            "frame-ancestors 'self' https://moodle.example.edu",
        ),
    ] {
        let site = Site::with(|config| {
            config.embedders = Embedders::parse(option).expect(option);
        })
        .await;
        let page = http(site.addr, "GET", "/?embed", &[]).await;
        let policy = page.header("content-security-policy");
        assert!(policy.ends_with(directive), "{policy}");
        assert!(policy.starts_with("default-src 'self'; "), "{policy}");
    }
}
