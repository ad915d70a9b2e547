//! The picture of the scheduler in a real Chromium, by keyboard: run queues as trees, groups, why
//! the next one is next, who ran when, and how the time was shared. `lesson.rs` holds it against
//! axe-core's rules.

use std::time::Instant;

use serde_json::json;
use tests::page::Lab;
use tests::travel;

/// Two containers of the cpu subsystem with 90 and 10 shares, and five tasks that want to run.
const GROUPS: [&str; 6] = [
    "mkdir /c; mount -t container -o cpu cpu /c; mkdir /c/guests /c/system",
    "echo 90 > /c/guests/cpu.shares; echo 10 > /c/system/cpu.shares",
    "spawn spin; spawn spin; spawn spin; spawn spin; spawn spin; spawn spin",
    "echo 100 > /c/guests/tasks; echo 101 > /c/guests/tasks; echo 105 > /c/guests/tasks",
    "echo 102 > /c/system/tasks; echo 103 > /c/system/tasks; echo 104 > /c/system/tasks",
    "sleep 10",
];

/// A page on whose machine of two CPUs these lines have run: a log in a link, packed as deflate
/// packs what it cannot make smaller.
#[track_caller]
fn load(lines: &[&str]) -> Lab {
    let mut lab = Lab::open();
    let log = format!("mem=32M nodes=1 cpus=2\n{}\n", lines.join("\n"));
    let log = json!(log);
    lab.eval(&format!(
        "(log => {{
            const [low, high] = [log.length & 255, log.length >> 8];
            const head = String.fromCharCode(1, low, high, low ^ 255, high ^ 255);
            const packed = btoa(head + log).replaceAll('+', '-').replaceAll('/', '_');
            location.hash = '#log=1.' + packed.replaceAll('=', '');
        }})({log})"
    ));
    lab.step_is(lines.len() as u32);
    let machine = lab.text("document.querySelector('.machine').textContent");
    assert!(machine.contains("cpus=2"), "{machine}");
    lab
}

/// The same with the scheduler in front.
#[track_caller]
fn open(lines: &[&str]) -> Lab {
    let mut lab = load(lines);
    lab.click("#tab-scheduler");
    lab.wait("document.querySelector('#sched-tree-0')?.dataset.drawn");
    lab.settle();
    lab
}

/// Data of the timeline's canvas.
fn lanes(name: &str) -> String {
    format!("document.querySelector('#sched-lanes').dataset.{name}")
}

#[track_caller]
fn number(lab: &mut Lab, expression: &str) -> u64 {
    let value = lab.eval(&format!("Number({expression})"));
    let number = value.as_f64();
    number.unwrap_or_else(|| panic!("{expression} is {value}")) as u64
}

/// Waits until an element's text has these words.
#[track_caller]
fn wait_text(lab: &mut Lab, selector: &str, words: &str) {
    let (selector, words) = (json!(selector), json!(words));
    lab.wait(&format!(
        "document.querySelector({selector})?.textContent.includes({words})"
    ));
}

#[track_caller]
fn focus(lab: &mut Lab, selector: &str) {
    lab.eval(&format!("document.querySelector('{selector}').focus()"));
}

#[test]
fn a_tree_is_walked_and_a_task_looked_into() {
    let mut lab = open(&["spawn spin; spawn spin; spawn spin; spawn spin", "sleep 1"]);
    // On two CPUs: one of each runs, one waits.
    let sentence = lab.text("document.querySelector('#scheduler-sentence').textContent");
    assert!(
        sentence.contains("CPU 0 runs 10") && sentence.contains("CPU 1 runs 10"),
        "{sentence}"
    );
    for cpu in 0..2 {
        let tree = format!("document.querySelector('#sched-tree-{cpu}').dataset");
        assert_eq!(number(&mut lab, &format!("{tree}.nodes")), 1);
        assert_eq!(number(&mut lab, &format!("{tree}.drawn")), 1);
    }
    let next = lab.text("document.querySelector('#sched-tree-0').dataset.next");
    focus(&mut lab, "#sched-tree-0");
    lab.press("Home", 0);
    wait_text(&mut lab, "#sched-under-0", &next);
    wait_text(&mut lab, "#sched-under-0", "black");
    lab.press("ArrowLeft", 0);
    wait_text(&mut lab, "#sched-under-0", "of its turn are over");
    lab.press("ArrowRight", 0);
    wait_text(&mut lab, "#sched-under-0", "waits, and is the first");
    // Enter shows the task itself.
    let at = lab.text("document.querySelector('#sched-tree-0').dataset.at");
    lab.press("Enter", 0);
    lab.wait(&format!(
        "document.querySelector('#inspect-sentence')?.dataset.at === '{at}'"
    ));
    // More of them: all are there, in one tree.
    lab.line("spawn spin; spawn spin; spawn spin; spawn spin; spawn spin; spawn spin");
    lab.line("sleep 1");
    lab.wait(
        "[...document.querySelectorAll('.sched-tree')]
            .reduce((sum, it) => sum + Number(it.dataset.nodes), 0) === 8",
    );
    focus(&mut lab, "#sched-tree-0");
    let nodes = number(
        &mut lab,
        "document.querySelector('#sched-tree-0').dataset.nodes",
    );
    let mut seen = Vec::new();
    lab.press("Home", 0);
    for _ in 0..nodes {
        let at = lab.text("document.querySelector('#sched-tree-0').dataset.at");
        assert!(!seen.contains(&at), "{at} twice in {seen:?}");
        seen.push(at);
        lab.press("ArrowRight", 0);
        lab.settle();
    }
    // The table says the same.
    lab.enter("#scheduler-table-toggle");
    lab.wait("document.querySelector('#scheduler-table')?.dataset.rows === '10'");
    lab.wait("document.querySelector('#timeline-table')?.dataset.rows > 10");
    lab.enter("#scheduler-table-toggle");
    lab.wait("document.querySelector('#sched-tree-0')");
    lab.is_clean();
}

#[test]
fn groups_open_to_trees_of_their_own_and_share_as_they_should() {
    let mut lab = open(&GROUPS);
    // Measured beside what weights alone would give.
    for (name, ideal) in [("/guests", 900), ("/system", 100)] {
        let row = format!("document.querySelector('#sched-shares [data-name=\"{name}\"]').dataset");
        assert_eq!(number(&mut lab, &format!("{row}.ideal")), ideal, "{name}");
        let measured = number(&mut lab, &format!("{row}.permille"));
        assert!(measured.abs_diff(ideal) <= 10, "{name}: {measured}");
    }
    wait_text(&mut lab, "#sched-time-sentence", "/guests 9");
    // Step by step: the group first, then its task.
    focus(&mut lab, "#sched-tree-0");
    lab.press("w", 0);
    lab.wait("document.querySelectorAll('.reasons li').length >= 2");
    wait_text(&mut lab, ".reason[aria-current]", "the tree of /");
    let reasons = number(&mut lab, "document.querySelectorAll('.reasons li').length");
    for _ in 1..reasons {
        lab.press("w", 0);
        lab.settle();
    }
    wait_text(&mut lab, ".reason[aria-current]", "runs next");
    lab.press("w", 0);
    lab.wait("!document.querySelector('.reasons')");
    // A group's tree, found by walking.
    lab.press("Home", 0);
    for _ in 0..3 {
        let said = lab.text("document.querySelector('#sched-under-0').textContent");
        if said.starts_with("group ") {
            break;
        }
        lab.press("ArrowRight", 0);
        lab.settle();
    }
    wait_text(&mut lab, "#sched-under-0", "group /");
    lab.press("Enter", 0);
    lab.wait("document.querySelector('#sched-group')");
    let group = lab.text("document.querySelector('#sched-group').textContent");
    lab.wait(&format!(
        "document.querySelector('#sched-tree-0').dataset.queue === '{group}'"
    ));
    lab.press("Escape", 0);
    lab.wait("document.querySelector('#sched-tree-0').dataset.queue === '/'");
    lab.wait("!document.querySelector('#sched-group')");
    lab.is_clean();
}

#[test]
fn the_timeline_is_walked_and_looked_into() {
    let mut lab = open(&["true"]);
    lab.wait("document.querySelector('#sched-no-time')");
    lab.line("spawn spin; spawn spin nice=5; spawn spin; spawn server -- 9999 2ms");
    lab.line("sleep 2");
    lab.wait(&format!("{} > 50", lanes("spans")));
    assert_eq!(number(&mut lab, &lanes("step")), 3);
    focus(&mut lab, "#sched-lanes");
    let length = format!("{} - {}", lanes("to"), lanes("from"));
    assert_eq!(number(&mut lab, &length), 2_000_000_000);
    lab.press("ArrowRight", 0);
    wait_text(&mut lab, "#sched-span", "CPU 0, ");
    wait_text(&mut lab, "#sched-span", " runs for ");
    // Every turn says why it ended.
    let mut said = Vec::new();
    for _ in 0..12 {
        said.push(lab.text("document.querySelector('#sched-span').textContent"));
        lab.press("ArrowRight", 0);
        lab.settle();
    }
    assert!(said.iter().all(|it| it.contains(", then ")), "{said:#?}");
    assert!(said.windows(2).all(|pair| pair[0] != pair[1]), "{said:#?}");
    lab.press("ArrowDown", 0);
    wait_text(&mut lab, "#sched-span", "CPU 1, ");
    // Closer, aside, and back to all of it.
    for _ in 0..4 {
        lab.press("+", 0);
        lab.settle();
    }
    lab.wait(&format!("{length} < 400000000"));
    let from = number(&mut lab, &lanes("from"));
    lab.press("ArrowRight", 8);
    lab.wait(&format!("{} > {from}", lanes("from")));
    lab.press("0", 0);
    lab.wait(&format!("{length} === 2000000000"));
    lab.eval(
        "document.querySelector('#sched-lanes').dispatchEvent(
            new WheelEvent('wheel', {deltaY: -300, cancelable: true, bubbles: true}))",
    );
    lab.wait(&format!("{length} < 1000000000"));
    // A console line that takes no time leaves the window alone; another step has its own.
    lab.line("true");
    lab.wait(&format!("{length} < 1000000000"));
    lab.line("sleep 0.5");
    lab.wait(&format!("{length} === 500000000"));
    lab.press("ArrowLeft", 1);
    lab.press("ArrowLeft", 1);
    lab.wait(&format!(
        "{length} === 2000000000 && {} === '3'",
        lanes("step")
    ));
    lab.is_clean();
}

#[test]
fn a_hundred_thousand_switches_stay_responsive() {
    let mut lab = load(&[
        "echo 1000000 > /proc/sys/kernel/sched_latency_ns",
        "echo 100000 > /proc/sys/kernel/sched_min_granularity_ns",
        "spawn spin; spawn spin; spawn spin; spawn spin; spawn spin; spawn spin",
        "sleep 52",
    ]);
    let start = Instant::now();
    lab.click("#tab-scheduler");
    lab.wait(&format!("{} > 0", lanes("columns").replace(").", ")?.")));
    lab.settle();
    println!("the timeline was there after {:?}", start.elapsed());
    let switches = number(&mut lab, &lanes("switches"));
    assert!(switches > 100_000, "{switches}");
    focus(&mut lab, "#sched-lanes");
    lab.press("ArrowRight", 0);
    wait_text(&mut lab, "#sched-span", "Look closer");
    // A frame of zooming, and how long until the turns are there.
    let times = lab.eval(
        "(async () => {
            const canvas = document.querySelector('#sched-lanes');
            const times = [];
            for (let i = 0; i < 20; i++) {
                canvas.dispatchEvent(new KeyboardEvent('keydown', {key: '+', bubbles: true}));
                const start = performance.now();
                await new Promise(requestAnimationFrame);
                await new Promise(requestAnimationFrame);
                times.push((performance.now() - start) / 2);
            }
            return times;
        })()",
    );
    let times = times.as_array().into_iter().flatten();
    let times: Vec<f64> = times.filter_map(|time| time.as_f64()).collect();
    println!("a frame while zooming: {}", travel::summary(&times));
    let start = Instant::now();
    lab.wait(&format!(
        "{} === '0' && {} > 0",
        lanes("columns"),
        lanes("spans")
    ));
    println!("single turns were there after {:?}", start.elapsed());
    wait_text(&mut lab, "#sched-span", " runs for ");
    lab.press("0", 0);
    lab.wait(&format!("{} > 0", lanes("columns")));
    lab.is_clean();
}
