//! The page in another language, in a real Chromium: chosen, remembered, preferred by the browser, and
//! not to be had.

use serde_json::json;
use tests::page::Lab;

/// The languages of the page's files, as far as they were loaded.
const LOADED: &str = "performance.getEntriesByType('resource')
    .filter(entry => entry.name.includes('words.')).length";

/// What people read on the page besides the kernel's own words: texts of elements, tips, and what is read
/// out. The kernel's are in fixed width, or in what its log is made of.
const SAID: &str = "(() => {
    const said = new Set();
    const kernels = 'code, pre, kbd, .mono, .entry, .example, #console-output, [data-line], option[value*=\"/\"]';
    for (const element of document.querySelectorAll('body *')) {
        if (!element.checkVisibility() || element.closest(kernels)) continue;
        for (const node of element.childNodes) {
            if (node.nodeType === 3) said.add(node.textContent.trim().replace(/\\s+/g, ' '));
        }
        for (const name of ['title', 'aria-label', 'placeholder', 'aria-roledescription', 'aria-description']) {
            if (element.hasAttribute(name)) said.add(element.getAttribute(name).trim());
        }
    }
    return [...said];
})()";

#[track_caller]
fn said(lab: &mut Lab) -> Vec<String> {
    let said = lab.eval(SAID);
    let said = said.as_array().into_iter().flatten();
    said.map(|text| text.as_str().unwrap_or_default().to_string())
        .collect()
}

#[track_caller]
fn speaks(lab: &mut Lab, code: &str) {
    lab.wait(&format!("document.documentElement.lang === '{code}'"));
    lab.settle();
}

#[track_caller]
fn open_again(lab: &mut Lab) {
    let url = lab.server.url();
    lab.open(&url);
}

/// A text of several words: what is no name (`kmem:mm_page_alloc`, `cpu.shares`) and no number.
fn is_sentence(text: &str) -> bool {
    let is_word = |word: &&str| word.chars().filter(|c| c.is_alphabetic()).count() > 1;
    text.split(' ').filter(is_word).count() > 1
}

#[test]
fn every_pane_speaks_german_when_asked_and_remembers_it() {
    let mut lab = Lab::open();
    speaks(&mut lab, "en");
    lab.run(&[
        "radix create t",
        "radix fill t 0 100 64",
        "kmem create a 64",
        "kmem alloc a 9",
        "mkdir -p /c",
        "mount -t container -o cpu none /c",
        "spawn spin count=3",
        "sleep 1",
    ]);
    assert_eq!(lab.eval(LOADED), 0, "English is in the module");
    // What is the kernel's own, or the same word in both languages.
    let (mut english, mut same) = (Vec::new(), Vec::new());
    let keys = ["3", "4", "5", "7", "8", "9", "0"];
    for key in keys {
        lab.press(key, 1);
        lab.settle();
        english.push(said(&mut lab));
    }
    lab.eval("document.querySelector('#console-input').value = 'half a line'");
    lab.enter("#language");
    speaks(&mut lab, "de");
    assert_eq!(lab.eval("document.activeElement.id"), "language");
    assert_eq!(
        lab.eval("document.querySelector('#console-input').value"),
        "half a line",
        "what was typed is lost"
    );
    for (key, english) in keys.iter().zip(&english) {
        lab.press(key, 1);
        lab.settle();
        let german = said(&mut lab);
        let both = english.iter().filter(|text| german.contains(text));
        same.extend(both.filter(|text| is_sentence(text)).cloned());
    }
    same.sort();
    same.dedup();
    same.retain(|text| !text.contains("Glass Kernel") && !text.contains("English, Deutsch"));
    assert!(same.is_empty(), "these are not German: {same:#?}");
    open_again(&mut lab);
    speaks(&mut lab, "de");
    lab.enter("#language");
    speaks(&mut lab, "en");
    open_again(&mut lab);
    speaks(&mut lab, "en");
    lab.is_clean();
}

#[test]
fn a_german_browser_gets_german_until_one_chooses() {
    let mut lab = Lab::open();
    let agent = lab.text("navigator.userAgent");
    let german = json!({"userAgent": agent, "acceptLanguage": "de-AT,de,en"});
    lab.browser
        .call("Emulation.setUserAgentOverride", german)
        .expect("chromium can");
    open_again(&mut lab);
    speaks(&mut lab, "de");
    assert_eq!(lab.eval(LOADED), 1);
    lab.enter("#language");
    speaks(&mut lab, "en");
    open_again(&mut lab);
    speaks(&mut lab, "en");
    lab.is_clean();
}

#[test]
fn a_language_that_cannot_be_had_is_told() {
    let mut lab = Lab::open();
    let blocked = json!({"urls": ["*words.de.txt*"]});
    for (method, parameters) in [
        ("Network.enable", json!({})),
        ("Network.setBlockedURLs", blocked),
    ] {
        lab.browser.call(method, parameters).expect("chromium can");
    }
    lab.enter("#language");
    lab.wait("document.querySelector('.note.error')?.textContent.includes('Deutsch')");
    assert_eq!(lab.eval("document.documentElement.lang"), "en");
    lab.line("echo on");
}
