//! The harness itself: a test of the page is worth something only if trouble in a page is seen.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tests::Settings;
use tests::cdp::Browser;
use tests::site::Site;

/// A folder that is removed again.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Folder {
        let folder = std::env::temp_dir().join(format!("glass-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the temporary folder can be written");
        for (file, content) in files {
            fs::write(folder.join(file), content).expect("the temporary folder can be written");
        }
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn trouble_in_a_page_and_its_workers_is_seen() {
    let page =
        "<!doctype html><meta http-equiv=Content-Security-Policy content=\"script-src 'self'\">
        <link rel=icon href=data:,><script src=page.js></script><script>never()</script>
        <button id=b>press</button><input id=i>";
    let script = "console.log('all is well', 1, {a: 2}); console.error('an error');
        setTimeout(() => { throw new Error('an exception'); });
        new Worker('worker.js'); fetch('missing');
        addEventListener('DOMContentLoaded', () => b.onclick = () => i.value = 'pressed ');";
    let worker = "console.warn('from the worker'); undefined_function()";
    let folder = Folder::with(
        "harness",
        &[
            ("page.html", page),
            ("page.js", script),
            ("worker.js", worker),
        ],
    );
    let site = Site::serve(folder.0.clone()).expect("loopback can be listened on");
    let mut browser = Browser::launch(&Settings::find()).expect("chromium starts");
    browser
        .goto(&format!("{}page.html", site.url()))
        .expect("the page loads");

    let expected = [
        "error: an error",
        "exception: Error: an exception",
        "warning: from the worker",
        "exception: ReferenceError: undefined_function is not defined",
        "Content Security Policy",
        "404",
    ];
    let deadline = Instant::now() + Duration::from_secs(20);
    let text = loop {
        let trouble = browser.trouble().expect("the browser lives");
        let text: String = trouble
            .iter()
            .map(|line| format!("{}: {}\n", line.level, line.text))
            .collect();
        let Some(missing) = expected.iter().find(|line| !text.contains(**line)) else {
            break text;
        };
        // A worker takes its time to start on a busy machine.
        assert!(Instant::now() < deadline, "no {missing:?} in:\n{text}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(!text.contains("all is well"), "{text}");

    browser.click("#b").expect("the button is there");
    browser.click("#i").expect("the input is there");
    browser.press("End").expect("keys work");
    browser.type_text("and typéd").expect("keys work");
    assert_eq!(browser.text("i.value").as_deref(), Ok("pressed and typéd"));

    let thrown = browser.eval("Promise.reject(new Error('no'))").unwrap_err();
    assert!(thrown.starts_with("Error: no"), "{thrown}");
    assert!(browser.click("#nothing").is_err());
    assert!(browser.goto("http://127.0.0.1:1/").is_err());
}
