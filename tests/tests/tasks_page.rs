//! The pictures of tasks in a real Chromium, by keyboard: the list as a tree and in an order, a task
//! with its program, its address space before and after a fork, and ten thousand tasks. `lesson.rs`
//! holds them against axe-core's rules.

use std::time::Instant;

use tests::page::Lab;
use tests::travel;

/// A page that has run these lines and shows the tasks.
#[track_caller]
fn open(lines: &[&str]) -> Lab {
    let mut lab = Lab::open();
    lab.run(lines);
    lab.eval("document.querySelector('#tab-tasks').click()");
    lab.wait("document.querySelector('#task-grid [data-pid=\"1\"]')");
    lab.settle();
    lab
}

/// Walks to a task in the list and opens it.
#[track_caller]
fn open_task(lab: &mut Lab, pid: u32) {
    lab.eval("document.querySelector('#task-grid').focus()");
    lab.press("Home", 0);
    lab.wait("document.querySelector('#task-grid').dataset.cursor === '1'");
    for _ in 0..50 {
        if lab.text("document.querySelector('#task-grid').dataset.cursor") == pid.to_string() {
            break;
        }
        lab.press("ArrowDown", 0);
        lab.settle();
    }
    lab.press("Enter", 0);
    lab.wait(&format!(
        "document.querySelector('#tasks-title').textContent.startsWith('{pid} ')"
    ));
    lab.settle();
}

/// The numbers of the tasks that are listed, from top to bottom.
fn pids(lab: &mut Lab) -> Vec<u64> {
    let pids = lab.eval(
        "[...document.querySelectorAll('.task-room [data-pid]')].map(row => Number(row.dataset.pid))",
    );
    let pids = pids.as_array().cloned().unwrap_or_default();
    pids.iter().filter_map(|pid| pid.as_u64()).collect()
}

#[track_caller]
fn number(lab: &mut Lab, expression: &str) -> u64 {
    let value = lab.eval(&format!("Number({expression})"));
    let number = value.as_f64();
    number.unwrap_or_else(|| panic!("{expression} is {value}")) as u64
}

/// Waits until the line below the address space has these words.
#[track_caller]
fn wait_under(lab: &mut Lab, words: &str) {
    lab.wait(&format!(
        "document.querySelector('#task-under').textContent.includes('{words}')"
    ));
}

#[test]
fn tasks_are_a_tree_or_in_an_order_by_keyboard() {
    let mut lab = open(&[
        "spawn a",
        "spawn b ppid=100 utime=30s age=60s",
        "spawn c ppid=100 nice=5",
        "spawn d uid=7",
    ]);
    assert_eq!(pids(&mut lab), [1, 2, 100, 101, 102, 103]);
    let level = "document.querySelector('[data-pid=\"102\"]').ariaLevel";
    assert_eq!(number(&mut lab, level), 3);
    let lines = "document.querySelector('[data-pid=\"101\"] .rails path').getAttribute('d')";
    assert!(lab.text(lines).contains("V26"), "others follow");
    // The parent is to the left.
    lab.eval("document.querySelector('#task-grid').focus()");
    let cursor = "document.querySelector('#task-grid').dataset.cursor";
    lab.press("End", 0);
    lab.wait(&format!("{cursor} === '103'"));
    lab.press("ArrowUp", 0);
    lab.press("ArrowUp", 0);
    lab.wait(&format!("{cursor} === '101'"));
    lab.press("ArrowLeft", 0);
    lab.wait(&format!("{cursor} === '100'"));
    lab.enter("[data-order=\"% CPU\"]");
    lab.wait("document.querySelector('.task-room [data-pid]').dataset.pid === '101'");
    lab.press("Enter", 0);
    lab.wait("document.querySelector('.task-room [data-pid]').dataset.pid !== '101'");
    assert_eq!(pids(&mut lab).last(), Some(&101));
    lab.enter("[data-order=pid]");
    lab.wait("document.querySelector('[data-order=pid]').closest('span').ariaSort === 'ascending'");
    lab.settle();
    assert!(pids(&mut lab).is_sorted());
    lab.enter("#task-tree");
    lab.wait("document.querySelector('#task-tree').ariaPressed === 'true'");
    // As a table, and back.
    lab.enter("#tasks-table-toggle");
    lab.wait("document.querySelector('#tasks-table')?.dataset.rows === '6'");
    lab.enter("#tasks-table-toggle");
    lab.wait("document.querySelector('#task-grid')");
    lab.is_clean();
}

#[test]
fn a_task_is_looked_into_and_driven() {
    let mut lab = open(&["server 9 &", "sleep 1ms"]);
    open_task(&mut lab, 100);
    // Its program, with the line that runs.
    let line = "document.querySelector('#task-program [aria-current]').textContent";
    assert!(lab.text(line).contains("sleep $pause_for"));
    let variables = lab.text("document.querySelector('#task-variables').textContent");
    assert!(variables.contains("$requests9"), "{variables}");
    let signals = lab.text("document.querySelector('#task-signals').textContent");
    assert!(signals.contains("handledTERM"), "{signals}");
    let files = lab.text("document.querySelector('#task-files').textContent");
    assert!(files.contains("/dev/"), "{files}");
    // Buttons type lines, which stand in the log, and what they change is marked.
    lab.enter("#task-stop");
    lab.step_is(3);
    assert!(
        lab.text("document.querySelector('.entry.current').textContent")
            .contains("kill -STOP 100")
    );
    lab.wait(
        "document.querySelector('#task-facts .changed dd').textContent.startsWith('T stopped')",
    );
    lab.enter("#task-cont");
    lab.step_is(4);
    lab.wait("document.querySelector('#task-facts dd').textContent.startsWith('R')");
    lab.enter("#task-nicer");
    lab.step_is(5);
    lab.wait("document.querySelector('#task-nicer').textContent === 'renice 10 100'");
    // The kernel's own object behind it.
    lab.enter("[data-object=task_struct]");
    lab.wait("document.querySelector('#inspect-name')?.textContent === 'task_struct'");
    // The same in a table.
    lab.enter("#tasks-table-toggle");
    lab.wait("document.querySelector('#tasks-table')?.dataset.rows > 30");
    lab.enter("#tasks-table-toggle");
    // When it has ended, the page says so; a step back finds it again.
    lab.enter("#task-kill");
    lab.step_is(6);
    lab.line("sleep 1ms");
    lab.wait("document.querySelector('#task-gone')?.textContent.includes('no task 100')");
    lab.press("ArrowLeft", 1);
    lab.press("ArrowLeft", 1);
    lab.wait("document.querySelector('#task-program')");
    // Escape leads back to the list, and closes the task.
    lab.eval("document.querySelector('#task-space').focus()");
    lab.press("Escape", 0);
    lab.wait("document.activeElement.id === 'task-grid'");
    lab.press("Escape", 0);
    lab.wait("!document.querySelector('#task-one')");
    lab.is_clean();
}

#[test]
fn a_fork_shares_pages_until_one_writes() {
    let mut lab = open(&["cow 64K &", "sleep 300ms"]);
    let (parent, child) = (100, 101);
    open_task(&mut lab, parent);
    lab.wait("document.querySelector('#task-sharers').textContent.includes('101 cow')");
    let shared =
        "(document.querySelector('.page-cow[d]')?.getAttribute('d').split('M').length ?? 1) - 1";
    assert!(number(&mut lab, shared) > 0);
    // The first page of the memory was written by the child: it is the parent's own.
    lab.type_into("#task-address", "40000000");
    lab.press("Enter", 0);
    wait_under(&mut lab, "private");
    let walk = "document.querySelector('#task-walk').textContent";
    assert!(lab.text(walk).contains("0100000000"), "{}", lab.text(walk));
    // A page behind the half that it wrote is shared: the same frame in both.
    lab.type_into("#task-address", "0x4000f000");
    lab.press("Enter", 0);
    wait_under(&mut lab, "copy-on-write, mapped 2×");
    wait_under(&mut lab, &format!("also in {child}"));
    let under = lab.text("document.querySelector('#task-under').textContent");
    let frame = under.split(", ").next().map(String::from).expect("a frame");
    open_task(&mut lab, child);
    lab.type_into("#task-address", "4000f000");
    lab.press("Enter", 0);
    wait_under(&mut lab, &frame);
    wait_under(&mut lab, &format!("also in {parent}"));
    // From page to page with the arrow keys; Enter opens the frame.
    lab.eval("document.querySelector('#task-space').focus()");
    lab.press("Home", 0);
    lab.wait("document.querySelector('#task-space').dataset.address === '08048000'");
    lab.press("ArrowRight", 0);
    lab.wait("document.querySelector('#task-space').dataset.address === '40000000'");
    lab.press("Enter", 0);
    lab.wait("document.querySelector('#inspect-sentence')");
    // When the child has ended, the pages are the parent's alone; what changed is marked.
    open_task(&mut lab, parent);
    lab.line("kill -KILL 101; sleep 1us");
    lab.wait("!document.querySelector('#task-sharers')");
    lab.type_into("#task-address", "4000f000");
    lab.press("Enter", 0);
    wait_under(&mut lab, "private, read-only");
    lab.press("ArrowLeft", 1);
    lab.wait("document.querySelector('#task-sharers')");
    lab.is_clean();
}

#[test]
fn nonsense_is_answered() {
    let mut lab = open(&["memhog 1M &", "sleep 10ms"]);
    open_task(&mut lab, 100);
    for (text, words) in [
        ("nonsense", "hexadecimal"),
        ("", "hexadecimal"),
        ("ffffffff", "below c0000000"),
        ("-1", "hexadecimal"),
    ] {
        lab.type_into("#task-address", "x");
        lab.type_into("#task-address", text);
        if text.is_empty() {
            lab.eval("document.querySelector('#task-address').value = ''");
        }
        lab.press("Enter", 0);
        lab.wait(&format!(
            "document.querySelector('#task-address-error').textContent.includes('{words}')"
        ));
        assert!(lab.eval("document.querySelector('#task-walk')").is_null());
    }
    // Where nothing is mapped: that is an answer.
    lab.type_into("#task-address", "1000");
    lab.press("Enter", 0);
    wait_under(&mut lab, "in no area");
    lab.wait("document.querySelector('#task-walk').textContent.includes('segmentation fault')");
    // A kernel thread has no address space, and does not mind.
    open_task(&mut lab, 2);
    lab.wait("!document.querySelector('#task-space')");
    lab.enter("#task-kill");
    lab.step_is(3);
    lab.wait("document.querySelector('#task-facts')");
    lab.is_clean();
}

#[test]
fn ten_thousand_tasks_are_scrolled_through() {
    let mut lab = open(&[
        "echo 20000 > /proc/sys/kernel/threads-max",
        "spawn many vm=0 count=10000",
    ]);
    lab.wait("document.querySelector('#task-grid').dataset.rows === '10002'");
    let start = Instant::now();
    lab.eval("document.querySelector('#task-grid').focus()");
    lab.press("End", 0);
    lab.wait("document.querySelector('.task-room [data-pid=\"10099\"]')?.classList.contains('task-cursor')");
    println!("the last of them was there after {:?}", start.elapsed());
    let times = lab.eval(
        "(async () => {
            const grid = document.querySelector('#task-grid');
            const times = [];
            for (let i = 0; i < 60; i++) {
                grid.scrollTop = i * 397 % (grid.scrollHeight - grid.clientHeight);
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
    println!("a frame while scrolling: {}", travel::summary(&times));
    // Wherever one stops, the rows come that belong there.
    lab.eval("document.querySelector('#task-grid').scrollTop = 5000 * 26");
    lab.wait("document.querySelector('.task-room [data-pid=\"5110\"]')");
    // Few of them are in the page, and the keyboard goes on from where it was.
    assert!(
        number(
            &mut lab,
            "document.querySelectorAll('.task-room [data-pid]').length"
        ) <= 128
    );
    lab.eval("document.querySelector('#task-grid').focus()");
    lab.press("Home", 0);
    lab.wait("document.querySelector('#task-grid').dataset.cursor === '1'");
    lab.enter("[data-order=name]");
    lab.wait("document.querySelector('.task-room [data-pid]').dataset.pid === '2'");
    lab.is_clean();
}
