//! The picture of memory that runs out in a real Chromium, by keyboard: a ranking, a score's waterfall,
//! the memory in three moments, and the question before the answer. `lesson.rs` holds it against
//! axe-core's rules.

use serde_json::json;
use tests::page::Lab;

/// The specification's family, and somebody else.
const LINES: [&str; 4] = [
    "spawn hog vm=100M utime=400s age=86400s caps=none",
    "spawn kid ppid=100 vm=4000k rss=0 caps=none",
    "spawn kid ppid=100 vm=4004k rss=0 caps=none oom_adj=-17",
    "spawn db vm=8M caps=all nice=5",
];

#[track_caller]
fn open() -> Lab {
    let mut lab = Lab::open();
    for line in LINES {
        lab.line(line);
    }
    lab.click("#tab-oom");
    lab.wait("document.querySelector('#oom-nothing')");
    lab
}

#[track_caller]
fn wait_text(lab: &mut Lab, selector: &str, words: &str) {
    let (selector, words) = (json!(selector), json!(words));
    lab.wait(&format!(
        "document.querySelector({selector})?.textContent.includes({words})"
    ));
}

#[test]
fn a_decision_is_ranked_taken_apart_and_weighed() {
    let mut lab = open();
    lab.line("oom trigger");
    wait_text(
        &mut lab,
        "#oom-sentence",
        "badness chooses 100 (hog) of 3 candidates",
    );
    wait_text(
        &mut lab,
        "#oom-paragraph",
        "Killed: 101 (kid), a child of the chosen one",
    );
    wait_text(&mut lab, "#oom-skipped", "1 (oom_adj -17)");
    // The waterfall of the first one: a row a rule, down to its score.
    let steps = "[...document.querySelectorAll('#oom-waterfall [data-rule]')]
        .map(it => it.dataset.rule + ' ' + it.dataset.after).join()";
    let expected = "pages 25600,children 26602,CPU time 4433,age 1477";
    lab.wait(&format!("{steps} === {}", json!(expected)));
    // Another one's, by keyboard.
    lab.eval("document.querySelector('#oom-rank-0').focus()");
    lab.press("ArrowDown", 0);
    lab.press("ArrowDown", 0);
    let expected = "pages 2048,nice 4096,superuser 1024,hardware 256";
    lab.wait(&format!("{steps} === {}", json!(expected)));
    lab.wait("document.activeElement.id === 'oom-rank-2'");
    let moments = lab.eval("document.querySelectorAll('#oom-memory [data-moment]').length");
    assert_eq!(moments, 3);
    // The same as a table.
    lab.click("#oom-table-toggle");
    lab.wait("document.querySelector('#oom-table')?.dataset.rows === '6'");
}

#[test]
fn who_dies_next_is_asked_first() {
    let mut lab = open();
    lab.click("#oom-next");
    lab.wait("document.querySelectorAll('.oom-guess').length === 3");
    let shown = lab.eval("document.querySelector('#oom-paragraph')");
    assert!(shown.is_null(), "the answer is not there yet");
    lab.click(".oom-guess[data-pid='103']");
    wait_text(
        &mut lab,
        "#oom-verdict",
        "You thought of 103, which stands at place 3.",
    );
    wait_text(
        &mut lab,
        "#oom-sentence",
        "if memory ran out now: badness chooses 100 (hog)",
    );
    // Nobody has died of it; what changes asks anew.
    lab.line("echo -17 > /proc/100/oom_adj");
    lab.wait("document.querySelectorAll('.oom-guess').length === 2");
    lab.click(".oom-guess[data-pid='101']");
    wait_text(&mut lab, "#oom-verdict", "You have said so.");
}
