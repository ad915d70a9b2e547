//! The picture of process containers in a real Chromium: tasks dragged by mouse and carried by keyboard
//! from one container to another, a veto, the callbacks of a step, and thousands of containers.
//! `lesson.rs` holds it against axe-core's rules.

use std::time::Instant;

use serde_json::{Value, json};
use tests::page::Lab;
use tests::travel;

/// Two hierarchies, as the article has them, and two tasks besides the console's shell.
const TWO: [&str; 4] = [
    "mkdir /cpu /lim; mount -t container -o cpu cpu /cpu; mount -t cgroup -o pids,freezer lim /lim",
    "mkdir /cpu/guests /cpu/system /lim/a /lim/b",
    "spin 1h &",
    "spin 1h & sleep 0.1",
];

/// A page that has run these lines and shows the containers.
#[track_caller]
fn open(lines: &[&str]) -> Lab {
    let mut lab = Lab::open();
    lab.run(lines);
    lab.press("7", 1);
    lab.wait("document.querySelector('#containers-picture')");
    lab.settle();
    lab
}

/// The container's row at this path in the hierarchy mounted at `mount`.
fn row(mount: &str, path: &str) -> String {
    format!(
        "[...document.querySelectorAll('.hierarchy')].find(it => \
            it.querySelector('.hierarchy-head .link')?.textContent === '{mount}')\
            ?.querySelector('[data-path=\"{path}\"]')?.closest('[data-container]')"
    )
}

/// The dot of a task in a hierarchy.
fn dot(mount: &str, pid: u32) -> String {
    format!(
        "{}?.closest('.hierarchy').querySelector('[data-pid=\"{pid}\"]')",
        row(mount, "/")
    )
}

/// Waits until a task's dot is in a container.
#[track_caller]
fn wait_in(lab: &mut Lab, pid: u32, mount: &str, path: &str) {
    let row = row(mount, path);
    lab.wait(&format!("{row}?.querySelector('[data-pid=\"{pid}\"]')"));
}

/// The middle of an element, in pixels.
#[track_caller]
fn middle(lab: &mut Lab, element: &str) -> (f64, f64) {
    let rect = lab.eval(&format!(
        "(it => {{ it.scrollIntoView({{block: 'nearest'}}); const r = it.getBoundingClientRect();
            return [r.x + r.width / 2, r.y + r.height / 2]; }})({element})"
    ));
    let side = |index: usize| rect[index].as_f64().expect("a number");
    (side(0), side(1))
}

#[track_caller]
fn mouse(lab: &mut Lab, kind: &str, (x, y): (f64, f64), buttons: u32) {
    let event = json!({
        "type": kind, "x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1,
    });
    let done: Result<Value, String> = lab.browser.call("Input.dispatchMouseEvent", event);
    done.expect("chromium can");
}

/// Drags one element onto another and looks at the page before it falls.
#[track_caller]
fn drag(lab: &mut Lab, from: &str, to: &str, before: impl FnOnce(&mut Lab)) {
    let (from, to) = (middle(lab, from), middle(lab, to));
    let half = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
    mouse(lab, "mouseMoved", from, 0);
    mouse(lab, "mousePressed", from, 1);
    mouse(lab, "mouseMoved", half, 1);
    mouse(lab, "mouseMoved", to, 1);
    before(lab);
    mouse(lab, "mouseReleased", to, 0);
}

#[track_caller]
fn deed(lab: &mut Lab, state: &str) -> String {
    lab.wait(&format!(
        "document.querySelector('#containers-deed')?.dataset.state === '{state}'"
    ));
    lab.text("document.querySelector('#containers-deed').textContent")
}

#[test]
fn a_task_is_dragged_and_the_line_is_in_the_log() {
    let mut lab = open(&TWO);
    let badges = lab.eval(
        "[...document.querySelectorAll('.hierarchy-head')].map(it => \
            [...it.querySelectorAll('.subsystem')].map(it => it.textContent).join())",
    );
    assert_eq!(badges, json!(["cpu", "pids,freezer"]));
    let free = lab.text("document.querySelector('.unbound').textContent");
    assert!(free.contains("memory") && !free.contains("pids"), "{free}");
    wait_in(&mut lab, 100, "/cpu", "/");
    let onto = format!(
        "{}.querySelector('.container-name')",
        row("/cpu", "/guests")
    );
    drag(&mut lab, &dot("/cpu", 100), &onto, |lab| {
        lab.wait("document.querySelector('.container.aim [data-path=\"/guests\"]')");
        lab.wait(
            "document.querySelector('#containers-under').textContent.includes('# echo 100 > /cpu/guests/tasks')",
        );
        lab.wait("!document.querySelector('.ghost').hidden");
    });
    wait_in(&mut lab, 100, "/cpu", "/guests");
    // It is seen moving there, and stays where it was in the other hierarchy.
    lab.wait(&format!("{}.dataset.moved === ''", dot("/cpu", 100)));
    wait_in(&mut lab, 100, "/lim", "/");
    lab.wait("document.querySelector('.ghost').hidden && !document.querySelector('.aim, .held')");
    let said = deed(&mut lab, "done");
    assert!(said.contains("echo 100 > /cpu/guests/tasks"), "{said}");
    lab.step_is(5);
    assert_eq!(lab.says("cat /cpu/guests/tasks"), "100");
    // A step back it is where it was.
    lab.press("ArrowLeft", 1);
    lab.press("ArrowLeft", 1);
    wait_in(&mut lab, 100, "/cpu", "/");
    lab.press("End", 1);
    wait_in(&mut lab, 100, "/cpu", "/guests");
    // Let fall beside everything it stays, and nothing runs.
    let beside = "document.querySelector('#containers-deed code')";
    drag(&mut lab, &dot("/cpu", 101), beside, |lab| {
        lab.wait("document.querySelector('.held')")
    });
    lab.wait("!document.querySelector('.held')");
    lab.step_is(6);
    lab.is_clean();
}

#[test]
fn a_task_is_lit_in_every_hierarchy() {
    let mut lab = open(&TWO);
    let at = middle(&mut lab, &dot("/lim", 101));
    mouse(&mut lab, "mouseMoved", at, 0);
    lab.wait("document.querySelectorAll('.dot.lit[data-pid=\"101\"]').length === 2");
    lab.wait("document.querySelectorAll('.container.lit').length === 2");
    let under = lab.text("document.querySelector('#containers-under').textContent");
    assert!(
        under.contains("task 101 spin") && under.contains("cpu:/") && under.contains("freezer:/"),
        "{under}"
    );
    mouse(&mut lab, "mouseMoved", (5.0, 5.0), 0);
    let title = middle(
        &mut lab,
        "document.querySelector('#containers-picture .unbound')",
    );
    mouse(&mut lab, "mouseMoved", title, 0);
    lab.wait("!document.querySelector('.dot.lit')");
    // Meters are beside their containers.
    let shares = format!(
        "{}.querySelector('[data-file=\"cpu.shares\"]').textContent",
        row("/cpu", "/guests")
    );
    assert!(lab.text(&shares).contains("1024 of 2048"));
    lab.line("echo 3072 > /cpu/guests/cpu.shares");
    lab.wait(&format!("{shares}.includes('3072 of 4096')"));
    lab.is_clean();
}

#[test]
fn a_task_is_carried_by_keyboard_and_may_be_refused() {
    let mut lab = open(&TWO);
    lab.eval("document.querySelector('#containers-picture').focus()");
    // The mount, the top container's name, its first task.
    lab.press("ArrowDown", 0);
    lab.wait("document.activeElement.matches('.hierarchy-head .opens')");
    lab.press("ArrowDown", 0);
    lab.wait("document.activeElement.matches('[data-path=\"/\"]')");
    for _ in 0..12 {
        lab.press("ArrowRight", 0);
        if lab.eval("document.activeElement.dataset.pid === '100'") == true {
            break;
        }
    }
    lab.wait("document.activeElement.dataset.pid === '100'");
    lab.wait("document.querySelectorAll('.dot.lit').length === 2");
    lab.press("Enter", 0);
    lab.wait("document.querySelector('.dot.held')");
    lab.press("ArrowDown", 0);
    lab.press("ArrowDown", 0);
    lab.wait("document.querySelector('.aim [data-path=\"/system\"]')");
    // Away and back again: Escape leaves it.
    lab.press("Escape", 0);
    lab.wait("!document.querySelector('.dot.held')");
    lab.wait("document.activeElement.dataset.pid === '100'");
    lab.press("m", 0);
    lab.wait("document.querySelector('.dot.held')");
    lab.press("ArrowDown", 0);
    lab.press("ArrowDown", 0);
    lab.wait("document.querySelector('.aim [data-path=\"/system\"]')");
    lab.press("Enter", 0);
    wait_in(&mut lab, 100, "/cpu", "/system");
    lab.wait("document.activeElement.dataset.pid === '100'");
    assert!(deed(&mut lab, "done").contains("echo 100 > /cpu/system/tasks"));
    // Into the other hierarchy, where a frozen container takes nobody.
    lab.line("echo FROZEN > /lim/b/freezer.state; cat /lim/b/freezer.state");
    lab.eval(&format!("{}.focus()", dot("/lim", 101)));
    lab.press("Enter", 0);
    lab.wait("document.querySelector('.dot.held')");
    lab.press("ArrowDown", 0);
    lab.press("ArrowDown", 0);
    lab.wait("document.querySelector('.aim [data-path=\"/b\"]')");
    lab.press("Enter", 0);
    let said = deed(&mut lab, "refused");
    assert!(
        said.contains("echo 101 > /lim/b/tasks") && said.contains("busy"),
        "{said}"
    );
    wait_in(&mut lab, 101, "/lim", "/");
    // The console says the same, and the callbacks say who said no.
    let printed = lab.text("document.querySelector('.entry.current .printed').textContent");
    assert!(said.contains(printed.trim()), "{said}: {printed}");
    lab.enter("#containers-why");
    lab.wait("document.querySelector('#calls')?.dataset.calls > 0");
    lab.wait("document.activeElement.id === 'calls'");
    lab.wait("document.querySelector('.stage.refused').dataset.moved === 'false'");
    let caption = lab.text("document.querySelector('#calls-caption').textContent");
    assert!(
        caption.contains("can_attach of freezer") && caption.contains("nothing has moved"),
        "{caption}"
    );
    lab.is_clean();
}

#[test]
fn callbacks_are_gone_through_one_by_one() {
    let mut lab = open(&[
        "mkdir /c; mount -t cgroup -o cpuset,devices,freezer x /c; mkdir /c/a",
        "echo 0 > /c/a/cpuset.cpus; echo 0 > /c/a/cpuset.mems",
        "echo $$ > /c/a/tasks",
        "true",
    ]);
    lab.enter("#containers-film");
    // The last step called nothing; the one before it is shown, and said to be another.
    lab.wait("document.querySelector('.film-line')?.textContent.includes('step 3')");
    lab.wait("document.activeElement.id === 'calls'");
    let list = "document.querySelector('#calls')";
    let moved = "document.querySelector('.stage')?.dataset.moved";
    let caption = "document.querySelector('#calls-caption').textContent";
    let mut seen = Vec::new();
    for call in 0..6 {
        lab.wait(&format!("{list}.dataset.scene === '{call}'"));
        let name = lab.text(&format!(
            "{list}.querySelector('.current .call-name').textContent"
        ));
        seen.push((name, lab.text(&format!("{moved} ?? ''"))));
        lab.press("ArrowRight", 0);
    }
    let seen: Vec<(&str, &str)> = seen.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("can_attach", "false"),
            ("can_attach", "false"),
            ("can_attach", "false"),
            ("css_set", ""),
            ("move", "true"),
            ("attach", "true"),
        ]
    );
    assert!(lab.text(caption).contains("cannot say no any more"));
    lab.press("Home", 0);
    lab.wait(&format!("{list}.dataset.scene === '0'"));
    lab.press(" ", 0);
    lab.wait("document.querySelector('#calls-play').ariaPressed === 'true'");
    lab.wait(&format!("{list}.dataset.scene === '5'"));
    lab.wait("document.querySelector('#calls-play').ariaPressed === 'false'");
    lab.enter("#containers-table-toggle");
    lab.wait("document.querySelector('#containers-table')?.dataset.rows === '6'");
    lab.enter("#containers-table-toggle");
    lab.wait("document.querySelector('#calls')");
    // The step of the mkdir, and one that called nothing at all.
    lab.press("Home", 1);
    lab.wait("document.querySelector('#calls-none')");
    lab.press("ArrowRight", 1);
    lab.wait("document.querySelector('.film-line')?.textContent.includes('step 1')");
    lab.wait(&format!("{list}?.dataset.scene === '0'"));
    lab.eval(&format!("{list}.focus()"));
    lab.press("Escape", 0);
    lab.wait("document.querySelector('#containers-picture')");
    lab.is_clean();
}

#[test]
fn containers_are_made_and_set_with_forms() {
    let mut lab = Lab::open();
    lab.press("7", 1);
    lab.enter("#containers-first");
    let name = "#containers-picture .container-name[data-path=\"/guests\"]";
    lab.enter(name);
    // Its object, from the frame itself.
    lab.wait("document.querySelector('#inspect-sentence')?.textContent.includes('cgroup')");
    lab.type_into("#container-name", "g 1");
    lab.press("Enter", 0);
    assert!(deed(&mut lab, "done").contains("mkdir '/containers/cpu/guests/g 1'"));
    lab.wait("document.querySelector('[data-path=\"/guests/g 1\"]')");
    lab.type_into("#container-text", "90");
    lab.press("Enter", 0);
    lab.wait("document.querySelector('#containers-deed code').textContent.includes('echo 90 > /containers/cpu/guests/cpu.shares')");
    lab.wait("document.querySelectorAll('.reading[data-file=\"cpu.shares\"]')[1].textContent.includes('90 of 1114')");
    // What the kernel does not take it says, and nothing else happens.
    lab.type_into("#container-text", "many $(x) 'y");
    lab.press("Enter", 0);
    let said = deed(&mut lab, "refused");
    assert!(said.contains("Invalid argument"), "{said}");
    // A container that is not empty stays.
    lab.enter("#container-rmdir");
    lab.wait("document.querySelector('#containers-deed code').textContent.includes('rmdir /containers/cpu/guests')");
    let said = deed(&mut lab, "refused");
    assert!(said.contains("busy"), "{said}");
    lab.is_clean();
}

#[test]
fn thousands_of_containers_come_in_parts() {
    let mut lab = Lab::open();
    let many = |from: u32| {
        let names: String = (from..from + 250)
            .map(|number| format!(" /c/g{number}"))
            .collect();
        format!("mkdir{names}")
    };
    let mut lines = vec!["mkdir /c; mount -t cgroup -o cpu,memory,pids x /c".to_string()];
    lines.extend((0..8).map(|part| many(250 * part)));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lab.run(&lines);
    let start = Instant::now();
    lab.press("7", 1);
    lab.wait("document.querySelectorAll('.container').length === 150");
    lab.settle();
    println!("2,000 containers were there after {:?}", start.elapsed());
    lab.wait("document.querySelector('.windows').textContent.includes('1851 behind')");
    lab.enter("[data-window=after]");
    lab.wait("document.querySelector('.windows').textContent.includes('151 to 300')");
    lab.wait("document.querySelector('.container-name').textContent === 'g149'");
    lab.enter("[data-window=before]");
    lab.wait("document.querySelector('.windows').textContent.includes('1 to 150')");
    // Frames while pointing at tasks.
    let times = lab.eval(
        "(async () => {
            const times = [];
            const dots = document.querySelectorAll('.dot[data-pid]');
            for (let i = 0; i < 40; i++) {
                dots[i % dots.length].dispatchEvent(new MouseEvent('mouseover', {bubbles: true}));
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
    println!("a frame while pointing: {}", travel::summary(&times));
    assert_eq!(lab.says("echo here"), "here");
    lab.is_clean();
}
