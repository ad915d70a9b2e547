//! Travelling through a session and asking its past, in a real Chromium, by keyboard.
//!
//! Times are printed, not judged; `cargo xtask bench scrub` holds them against each other. What is
//! judged is that the page shows the right step, and that the tab stays within its memory.

use labs::protocol::{Host, Outcome, Request, Response};
use labs::{HostMemory, Session};
use tests::page::Lab;
use tests::travel::{self, Move};

/// What a tab may hold, in bytes.
const TAB_MAX: u64 = 256 << 20;

/// What the same lines do in a process of this test's own.
fn outcome(lines: &[String]) -> (Outcome, String) {
    let mut session = Session::new(Host::Native, Box::new(HostMemory));
    let request = Request::Replay {
        log: (lines.join("\n") + "\n").into_bytes(),
        each_line: true,
    };
    let outcome = match session.handle(request) {
        Response::Replayed(outcome) => outcome,
        other => panic!("{other:?}"),
    };
    match session.handle(Request::Seek { step: 0 }) {
        Response::State(state) => (outcome, format!("{:016x}", state.chain)),
        other => panic!("{other:?}"),
    }
}

/// The page showed the kernel as it was after each of these steps.
#[track_caller]
fn are_right(moves: &[Move], (outcome, boot): &(Outcome, String)) {
    assert!(!moves.is_empty());
    for Move { step, chain, .. } in moves {
        let expected = match step.checked_sub(1) {
            Some(at) => format!("{:016x}", outcome.lines[at as usize].chain),
            None => boot.clone(),
        };
        assert_eq!(*chain, expected, "step {step}");
    }
}

#[track_caller]
fn fits(lab: &mut Lab, name: &str) {
    let (heaps, modules) =
        travel::memory(&mut lab.browser).unwrap_or_else(|error| panic!("{error}"));
    println!(
        "{name}: the tab holds {:.1} MB in JavaScript heaps, {:.1} MB in WebAssembly memories",
        heaps as f64 / 1e6,
        modules as f64 / 1e6
    );
    assert!(heaps + modules <= TAB_MAX, "{heaps} + {modules} bytes");
}

#[test]
fn a_session_of_ten_thousand_lines() {
    let lines = travel::ten_thousand_lines();
    let expected = outcome(&lines);
    let mut lab = Lab::open();
    travel::run(&mut lab.browser, &lines).expect("they run");
    let back = travel::step_back(&mut lab.browser, 100).expect("back");
    are_right(&back, &expected);
    let jumps = travel::jump(&mut lab.browser, 100).expect("jumps");
    are_right(&jumps, &expected);
    println!(
        "10,000 lines, a step back: {}",
        travel::summary(&travel::times(&back))
    );
    println!(
        "10,000 lines, a jump: {}",
        travel::summary(&travel::times(&jumps))
    );
    // The console shows the line of the step.
    let step = jumps.last().expect("jumps").step;
    let shown = lab.text("document.querySelector('.entry.current .words')?.textContent ?? ''");
    assert_eq!(
        Some(shown.as_str()),
        step.checked_sub(1).map(|at| lines[at as usize].as_str())
    );
    fits(&mut lab, "10,000 lines");
    lab.is_clean();
}

#[test]
fn a_session_of_a_million_events() {
    let lines = travel::a_million_events();
    let expected = outcome(&lines);
    assert!(expected.0.events > 1_000_000, "{}", expected.0.events);
    let mut lab = Lab::open();
    travel::run(&mut lab.browser, &lines).expect("they run");
    let jumps = travel::jump(&mut lab.browser, 60).expect("jumps");
    are_right(&jumps, &expected);
    println!(
        "1,000,000 events, a jump: {}",
        travel::summary(&travel::times(&jumps))
    );
    fits(&mut lab, "1,000,000 events");
    lab.is_clean();
}

#[test]
fn a_film_of_ten_thousand_nodes() {
    let lines = travel::ten_thousand_nodes();
    let mut lab = Lab::open();
    travel::run(&mut lab.browser, &lines).expect("they run");
    lab.wait("document.querySelector('#radix-canvas').dataset.drawnNodes > 10000");
    for speed in ["20", "max"] {
        let from = lines.len() as u32 - 60;
        let times = travel::play(&mut lab.browser, from, speed).expect("it plays");
        println!(
            "10,000 nodes at {speed} steps a second, a frame: {}",
            travel::summary(&times)
        );
        lab.step_is(lines.len() as u32);
    }
    lab.is_clean();
}

#[test]
fn one_plays_pauses_and_keeps_the_speed() {
    let mut lab = Lab::open();
    lab.run(&[
        "radix create t",
        "radix insert t 1 1",
        "radix insert t 70 2",
        "true",
        "true",
    ]);
    lab.press("Home", 1);
    lab.step_is(0);
    lab.eval(
        "(s => { s.value = '100'; s.dispatchEvent(new Event('change', {bubbles: true})); })
            (document.querySelector('#play-speed'))",
    );
    lab.ask('p');
    lab.step_is(5);
    lab.wait("document.querySelector('#play').ariaPressed === 'false'");
    // A hand on the control pauses.
    lab.eval(
        "(s => { s.value = '1'; s.dispatchEvent(new Event('change', {bubbles: true})); })
            (document.querySelector('#play-speed'))",
    );
    lab.ask('p');
    lab.wait("document.querySelector('#play').ariaPressed === 'true'");
    lab.press("ArrowRight", 1);
    lab.wait("document.querySelector('#play').ariaPressed === 'false'");
    lab.eval("location.reload()");
    lab.wait("document.documentElement.dataset.live === '1'");
    lab.wait("document.querySelector('#play-speed').value === '1'");
    lab.is_clean();
}

#[test]
fn changes_lead_to_objects_and_objects_to_those_who_wrote_them() {
    let mut lab = Lab::open();
    lab.run(&[
        "radix create t",
        "radix insert t 1 100",
        "radix insert t 70 200",
        "radix insert t 2 300",
    ]);
    lab.ask('c');
    lab.wait("document.querySelector('#changes-sentence')?.dataset.objects > 0");
    lab.wait("document.querySelector('#radix-canvas').dataset.litNodes === '1'");
    lab.wait("[...document.querySelectorAll('canvas.frames')].some(c => c.dataset.litFrames > 0)");
    // From a marked step on, more has changed.
    let few = lab.text("document.querySelector('#changes-sentence').dataset.objects");
    lab.press("ArrowLeft", 1);
    lab.step_is(3);
    lab.press("ArrowLeft", 1);
    lab.step_is(2);
    lab.ask('m');
    lab.press("End", 1);
    lab.step_is(4);
    lab.wait(&format!(
        "document.querySelector('#changes-sentence')?.dataset.objects > {few}"
    ));
    // The leaf that the last line wrote.
    lab.eval(
        "[...document.querySelectorAll('.change.written')]
            .find(each => each.textContent.includes('radix_tree_node')).id = 'written-node'",
    );
    lab.enter("#written-node");
    lab.wait("document.querySelector('#inspect-name')?.textContent === 'radix_tree_node'");
    lab.wait("document.querySelectorAll('#inspect-fields tbody tr').length > 3");
    lab.settle();
    lab.press("ArrowLeft", 1);
    lab.step_is(3);
    lab.wait("document.querySelectorAll('#inspect-bytes .changed').length > 0");
    lab.wait("document.querySelectorAll('#inspect-fields tr.changed').length > 0");
    // Bytes and fields light each other.
    lab.eval("document.querySelector('#inspect-bytes').focus()");
    lab.press("ArrowDown", 0);
    lab.wait("document.querySelectorAll('#inspect-fields tr.lit').length === 1");
    lab.wait("document.querySelectorAll('#inspect-bytes .hex-bytes .lit').length > 0");
    lab.press("End", 1);
    lab.step_is(4);
    lab.enter("#inspect-who");
    lab.wait("document.querySelector('#search-found')");
    lab.enter("#search-found");
    let found = lab.text("document.querySelector('#search-found').dataset.step");
    lab.wait(&format!(
        "document.querySelector('#state-line').dataset.step === '{found}'"
    ));
    lab.press("Escape", 0);
    lab.wait("!document.querySelector('#past')");
    lab.wait("document.activeElement.id === 'console-input'");
    lab.is_clean();
}

#[test]
fn one_asks_since_when_a_line_succeeds() {
    let mut lab = Lab::open();
    lab.run(&[
        "radix create t",
        "radix insert t 5 50",
        "radix delete t 5",
        "radix insert t 5 51",
        "true",
    ]);
    let chain = lab.text("document.querySelector('#state-line').dataset.chain");
    lab.ask('s');
    lab.wait("document.activeElement.id === 'search-line'");
    lab.type_into("#search-line", "radix lookup t 5");
    lab.type_into("#search-prints", "51");
    lab.press("Enter", 0);
    lab.wait("document.querySelector('#search-found')?.dataset.step === '4'");
    lab.type_into("#search-prints", "77");
    lab.press("Enter", 0);
    lab.wait("document.querySelector('#search-nothing')");
    // The question has left no trace.
    assert_eq!(
        lab.text("document.querySelector('#state-line').dataset.chain"),
        chain
    );
    lab.is_clean();
}

#[test]
fn the_past_is_edited_and_given_back() {
    let mut lab = Lab::open();
    lab.run(&[
        "radix create t",
        "radix insert t 5 50",
        "radix insert t 6 60",
        "radix stat t",
    ]);
    let chain = lab.text("document.querySelector('#state-line').dataset.chain");
    lab.press("ArrowLeft", 1);
    lab.step_is(3);
    lab.press("ArrowLeft", 1);
    lab.step_is(2);
    lab.ask('l');
    lab.wait("document.activeElement.id === 'edit-line'");
    assert_eq!(
        lab.text("document.querySelector('#edit-line').value"),
        "radix insert t 5 50"
    );
    lab.type_into("#edit-line", "radix insert t 5000 50");
    lab.press("Enter", 0);
    lab.wait("document.querySelector('#edit-jump')");
    lab.step_is(2);
    lab.enter("#edit-jump");
    let step = lab.text("document.querySelector('#edit-jump').dataset.step");
    lab.wait(&format!(
        "document.querySelector('#state-line').dataset.step === '{step}'"
    ));
    lab.settle();
    lab.enter("#edit-undo");
    lab.wait("document.querySelector('#edit-outcome').textContent.includes('taken back')");
    lab.step_is(4);
    assert_eq!(
        lab.text("document.querySelector('#state-line').dataset.chain"),
        chain
    );
    lab.is_clean();
}

#[test]
fn two_sessions_are_compared() {
    let mut lab = Lab::open();
    lab.run(&[
        "radix create t",
        "radix insert t 5 50",
        "radix insert t 6 60",
        "radix stat t",
    ]);
    lab.ask('v');
    lab.wait("document.activeElement.id === 'compare-log'");
    lab.eval(
        "document.querySelector('#compare-log').value =
            'radix create t\\nradix insert t 5 50\\nradix insert t 7000 60\\nradix stat t\\n'",
    );
    lab.enter("#compare-go");
    lab.wait("document.querySelector('#compare-result')?.dataset.phase === 'parted'");
    lab.step_is(3);
    lab.wait("document.querySelectorAll('.sides .event-first').length > 0");
    let sides = lab.text("document.querySelector('.sides').innerText");
    assert!(
        sides.contains("t 6 60") && sides.contains("t 7000 60"),
        "{sides}"
    );
    lab.is_clean();
}

#[test]
fn events_light_what_they_touched_and_become_a_file() {
    let mut lab = Lab::open();
    lab.run(&[
        "radix create t",
        "radix insert t 5 50",
        "radix insert t 70 60",
    ]);
    lab.eval("document.querySelector('#tab-events').click()");
    lab.wait("document.querySelectorAll('.event-text').length > 3");
    lab.settle();
    lab.eval("[...document.querySelectorAll('.event-text')].at(-1).id = 'last-event'");
    lab.enter("#last-event");
    lab.wait("document.querySelector('#radix-canvas').dataset.litNodes === '1'");
    lab.enter(".event-details .chip");
    lab.wait("document.querySelector('#inspect-name')");
    lab.ask('x');
    for file in [
        "session.perfetto-trace",
        "session.json",
        "session.trace.txt",
    ] {
        lab.enter(&format!("[data-file='{file}']"));
        lab.wait(&format!(
            "(answer => answer?.dataset.of === '{file}' && answer.textContent.includes('bytes are in'))
                (document.querySelector('#export-answer'))"
        ));
    }
    lab.is_clean();
}
