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

#[test]
fn what_if_is_asked_by_keyboard_and_can_become_the_session() {
    let mut lab = open();
    lab.line("oom trigger");
    lab.line("echo behind");
    wait_text(&mut lab, "#oom-sentence", "badness chooses 100 (hog)");
    // The first candidate's oom_adj to -17, before the decision's own line: as the form stands.
    lab.eval("document.querySelector('#oom-if-thing').focus()");
    for field in ["of", "value", "before", "ask"] {
        lab.press("Tab", 0);
        lab.wait(&format!("document.activeElement.id === 'oom-if-{field}'"));
    }
    lab.press("Enter", 0);
    let other = "with `echo -17 > /proc/100/oom_adj` before line 5: decision 1 is the first that differs: \
                 line 5: 101 (kid), ";
    wait_text(&mut lab, "#oom-if-sentence", other);
    // As picture and table too: both sides.
    let lit = "document.querySelectorAll('#oom-if-lanes .oom-lit').length === 2";
    lab.wait(lit);
    let chosen = "[...document.querySelectorAll('#oom-if-table tbody tr')]
        .find(it => it.cells[0].textContent === 'chosen')?.innerText.replace(/\\s+/g, ' ')";
    lab.wait(&format!("{chosen} === 'chosen 100 (hog) 101 (kid)'"));
    // The session is what it was.
    lab.step_is(6);
    assert!(!lab.says("cat /proc/100/oom_adj").contains("-17"));
    // Which is another log now, and the answer is gone.
    lab.wait("!document.querySelector('#oom-if-sentence')");
}

#[test]
fn a_change_becomes_the_session_and_is_taken_back() {
    let mut lab = open();
    lab.line("oom trigger");
    wait_text(&mut lab, "#oom-sentence", "badness chooses 100 (hog)");
    // Nonsense is refused in words, by the page and by the kernel.
    let fill = |lab: &mut Lab, id: &str, value: &str| {
        let (id, value) = (json!(id), json!(value));
        lab.eval(&format!("document.getElementById({id}).value = {value}"));
    };
    fill(&mut lab, "oom-if-value", "99");
    lab.eval("document.querySelector('#oom-if').noValidate = true");
    lab.click("#oom-if-ask");
    let refused = "oom_adj is a number from -17 to 15, not '99'";
    wait_text(&mut lab, "#oom-if-answer", refused);
    fill(&mut lab, "oom-if-value", "-17");
    fill(&mut lab, "oom-if-before", "1");
    lab.click("#oom-if-ask");
    wait_text(
        &mut lab,
        "#oom-if-answer",
        "before line 1, `echo -17 > /proc/100/oom_adj` fails: ",
    );
    lab.step_is(5);
    fill(&mut lab, "oom-if-before", "5");
    lab.click("#oom-if-ask");
    wait_text(&mut lab, "#oom-if-sentence", "line 5: 101 (kid)");
    lab.click("#oom-if-adopt");
    wait_text(
        &mut lab,
        "#oom-adopted",
        "This is your session now: line 5 is the change.",
    );
    wait_text(
        &mut lab,
        "#oom-sentence",
        "step 6: badness chooses 101 (kid)",
    );
    lab.step_is(6);
    lab.click("#oom-undo");
    wait_text(
        &mut lab,
        "#oom-sentence",
        "step 5: badness chooses 100 (hog)",
    );
    lab.wait("!document.querySelector('#oom-adopted')");
    lab.is_clean();
}

#[test]
fn a_log_under_other_policies_is_lanes_and_a_table() {
    let mut lab = open();
    lab.line("oom trigger");
    wait_text(&mut lab, "#oom-sentence", "badness chooses 100 (hog)");
    // Of the boxes two are left.
    for policy in ["notify", "lowmemorykiller"] {
        lab.eval(&format!(
            "document.querySelector('#oom-policy-{policy}').focus()"
        ));
        lab.press(" ", 0);
    }
    lab.eval("document.querySelector('#oom-compare-run').focus()");
    lab.press("Enter", 0);
    wait_text(
        &mut lab,
        "#oom-compare-sentence",
        "5 steps under 2 policies: they kill the same tasks",
    );
    lab.wait("document.querySelectorAll('#oom-compare-lanes .oom-mark').length === 2");
    wait_text(&mut lab, "#oom-compare-table", "line 5: 101 (kid)");
    // The console says the same.
    let said = lab.says("oom compare badness,priority");
    assert!(
        said.contains("they kill the same tasks") && said.contains("line 5: 101 (kid)"),
        "{said}"
    );
    lab.is_clean();
}

#[test]
fn the_scale_of_scores_is_named_and_staged_tasks_are_called_so() {
    let mut lab = open();
    lab.line("oom trigger");
    wait_text(&mut lab, "#oom-waterfall thead", "logarithmic scale");
    wait_text(&mut lab, "#oom-waterfall .oom-scale", "10k");
    wait_text(&mut lab, "#oom-staged", "they are staged (spawn)");
    // What is passed over is said in the size of its neighbours.
    let size = |lab: &mut Lab, selector: &str| {
        let selector = json!(selector);
        lab.text(&format!(
            "getComputedStyle(document.querySelector({selector})).fontSize"
        ))
    };
    assert_eq!(size(&mut lab, "#oom-skipped"), size(&mut lab, ".oom-rank"));
}

#[test]
fn warnings_are_drawn_before_the_kill() {
    let mut lab = Lab::open();
    lab.line("echo notify > /proc/sys/vm/oom_policy; echo 1 > /proc/sys/vm/overcommit_memory");
    lab.line("hoard 2M &");
    lab.line("memhog 100M & sleep 3");
    lab.click("#tab-oom");
    lab.wait("document.querySelector('#oom-moments .oom-told')");
    let order = "[...document.querySelectorAll('#oom-moments-table tbody tr')]
        .map(it => it.cells[2].textContent)";
    lab.wait(&format!(
        "{order}.indexOf('warning') < {order}.indexOf('killed')"
    ));
    lab.wait("!document.querySelector('#oom-staged')");
}
