//! The pictures of slabs in a real Chromium, by keyboard: the sorted list of caches, a cache as its
//! objects, a defragmentation as a film, and the same log on two allocators. `lesson.rs` holds them
//! against axe-core's rules.

use std::time::Instant;

use serde_json::json;
use tests::page::Lab;
use tests::travel;

/// A cache whose objects are scattered over its slabs.
const SCATTERED: [&str; 3] = [
    "kmem create m 64 ops=movable",
    "kmem alloc m 1000",
    "kmem scatter m 80",
];

/// A page that has run these lines and shows the slab caches.
#[track_caller]
fn open(lines: &[&str]) -> Lab {
    let mut lab = Lab::open();
    lab.run(lines);
    lab.press("4", 1);
    lab.wait("document.querySelector('#slabtop tbody tr')");
    lab.settle();
    lab
}

/// Opens the cache `m`; the focus is on its picture then.
#[track_caller]
fn open_cache(lab: &mut Lab) {
    lab.enter("[data-cache=m]");
    lab.wait("document.activeElement.id === 'slab-canvas'");
    lab.settle();
}

#[track_caller]
fn number(lab: &mut Lab, expression: &str) -> u64 {
    let value = lab.eval(&format!("Number({expression})"));
    let number = value.as_f64();
    number.unwrap_or_else(|| panic!("{expression} is {value}")) as u64
}

/// Waits until the line below the picture has these words.
#[track_caller]
fn wait_under(lab: &mut Lab, words: &str) {
    let words = json!(words);
    lab.wait(&format!(
        "document.querySelector('#slab-under').textContent.includes({words})"
    ));
}

/// The words of a column, from the first row to the last.
fn column(lab: &mut Lab, number: usize) -> Vec<String> {
    let cells = lab.eval(&format!(
        "[...document.querySelectorAll('#slabtop tbody tr')].map(row => row.cells[{number}].textContent)"
    ));
    let cells = cells.as_array().into_iter().flatten();
    cells
        .map(|cell| cell.as_str().unwrap_or_default().to_string())
        .collect()
}

#[test]
fn caches_are_sorted_by_keyboard() {
    let mut lab = open(&SCATTERED);
    assert_eq!(
        lab.text("document.querySelector('#slab-allocator').textContent"),
        "SLUB"
    );
    let order = "document.querySelector('[data-column=cache]').closest('th').ariaSort";
    lab.enter("[data-column=cache]");
    lab.wait(&format!("{order} === 'ascending'"));
    let names = column(&mut lab, 0);
    assert!(names.len() > 5 && names.is_sorted(), "{names:?}");
    lab.press("Enter", 0);
    lab.wait(&format!("{order} === 'descending'"));
    let names = column(&mut lab, 0);
    assert!(names.iter().rev().is_sorted(), "{names:?}");
    lab.enter("[data-column=active]");
    lab.wait("document.querySelectorAll('#slabtop [aria-sort]').length === 1");
    lab.wait(
        "document.querySelector('[data-column=active]').closest('th').ariaSort === 'descending'",
    );
    let active = column(&mut lab, 1);
    let active: Vec<u64> = active.iter().filter_map(|cell| cell.parse().ok()).collect();
    assert!(
        active.len() > 5 && active.iter().rev().is_sorted(),
        "{active:?}"
    );
    // The order stays while another pane is in front.
    lab.press("3", 1);
    lab.press("4", 1);
    lab.wait(
        "document.querySelector('[data-column=active]')?.closest('th').ariaSort === 'descending'",
    );
    lab.is_clean();
}

#[test]
fn objects_of_a_cache_are_walked_over_and_looked_into() {
    let mut lab = open(&SCATTERED);
    open_cache(&mut lab);
    let canvas = "document.querySelector('#slab-canvas').dataset";
    lab.wait(&format!("{canvas}.slabs > 10 && {canvas}.drawn > 3"));
    let objects = number(&mut lab, &format!("{canvas}.objects"));
    let held = lab.text("document.querySelector('.facts-row dd').textContent");
    assert!(
        held.ends_with(&format!(" of {objects}")),
        "{held}, {objects}"
    );
    wait_under(&mut lab, "point at an object");
    for object in 0..3 {
        lab.press("ArrowRight", 0);
        wait_under(&mut lab, &format!("object {object} of the slab"));
    }
    // Down and up again, over the freelist, and to the end.
    lab.press("ArrowDown", 0);
    lab.press("ArrowUp", 0);
    wait_under(&mut lab, "object 2 of the slab");
    lab.press("End", 0);
    lab.wait(&format!("{canvas}.at > 0"));
    lab.press("Home", 0);
    wait_under(&mut lab, "object 0 of the slab");
    lab.press("n", 0);
    lab.wait("document.querySelector('#slab-under').textContent.includes('free, ')");
    // The picture scrolls along: what is pointed at is drawn.
    lab.press("End", 0);
    lab.wait("document.querySelector('.slab-scroll').scrollTop > 0");
    // Enter shows the bytes of just that object.
    lab.wait(&format!("{canvas}.at > 0"));
    let at = lab.text(&format!("{canvas}.at"));
    lab.press("Enter", 0);
    lab.wait(&format!(
        "document.querySelector('#inspect-sentence')?.dataset.at === '{at}'"
    ));
    lab.wait("document.querySelectorAll('#inspect-bytes .hex-row').length >= 8");
    // A step later the picture is another one; the table says the same in words.
    lab.enter("#slab-table-toggle");
    lab.wait("document.querySelector('#slab-table')?.dataset.rows > 10");
    lab.enter("#slab-table-toggle");
    lab.eval("document.querySelector('#slab-canvas').focus()");
    lab.press("Escape", 0);
    lab.wait("document.querySelector('#slabtop')");
    lab.is_clean();
}

#[test]
fn damage_is_seen_and_said() {
    let mut lab = open(&[
        "kmem create m 64 debug=FZPU",
        "kmem alloc m 4",
        "kmem poke m:1+64 1",
    ]);
    open_cache(&mut lab);
    lab.press("ArrowRight", 0);
    lab.press("ArrowRight", 0);
    wait_under(&mut lab, "Redzone overwritten");
    // Who allocated it, from the object itself.
    wait_under(&mut lab, "allocated in line 2");
    let layout = lab.text("document.querySelector('.slab-object').textContent");
    for word in ["red zone", "free pointer", "allocated by", "freed by"] {
        assert!(layout.contains(word), "{layout}");
    }
    lab.is_clean();
}

#[test]
fn a_defragmentation_is_played() {
    let mut lab = open(&[&SCATTERED[..], &["kmem defrag", "true"]].concat());
    let calm = json!({"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]});
    lab.browser
        .call("Emulation.setEmulatedMedia", calm)
        .expect("chromium can");
    open_cache(&mut lab);
    lab.enter("#slab-film");
    lab.wait("document.querySelector('#film-caption')?.textContent.includes('Before step 4')");
    lab.wait("document.activeElement.id === 'slab-canvas'");
    let pages = |when: &str| format!("document.querySelector('[data-when={when}]').dataset.pages");
    let (before, after) = (
        number(&mut lab, &pages("before")),
        number(&mut lab, &pages("after")),
    );
    assert!(before > 10 && after < before, "{before}, {after}");
    assert_eq!(number(&mut lab, &pages("now")), before);
    // Scene by scene: why a slab was chosen, what get pins, where kick moves things.
    let caption = "document.querySelector('#film-caption').textContent";
    let mut captions = Vec::new();
    let scene = "document.querySelector('#slab-canvas').dataset.scene";
    for number in 1..30 {
        lab.press("ArrowRight", 0);
        lab.wait(&format!("{scene} === '{number}'"));
        captions.push(lab.text(caption));
    }
    for words in [
        "no more than a quarter",
        "get pins",
        "moved by kick to",
        "empty",
    ] {
        let is_said = captions.iter().any(|caption| caption.contains(words));
        assert!(is_said, "{words}: {captions:#?}");
    }
    // The rest by itself, and back.
    lab.eval(
        "(s => { s.value = '256'; s.dispatchEvent(new Event('change', {bubbles: true})); })
            (document.querySelector('#film-speed'))",
    );
    lab.press(" ", 0);
    lab.wait(&format!("{caption}.includes('After step 4')"));
    lab.wait("document.querySelector('#film-play').ariaPressed === 'false'");
    assert_eq!(number(&mut lab, &pages("now")), after);
    lab.press("Home", 0);
    lab.wait(&format!("{scene} === '0'"));
    lab.enter("#slab-table-toggle");
    lab.wait("document.querySelector('#slab-table')?.dataset.rows > 5");
    lab.enter("#slab-table-toggle");
    // Before that step there was nothing to see.
    for _ in 0..2 {
        lab.press("ArrowLeft", 1);
        lab.settle();
    }
    lab.wait("document.querySelector('#pane-slab .empty')");
    lab.enter("#slab-film");
    lab.wait("document.querySelector('#slab-canvas')");
    lab.is_clean();
}

#[test]
fn one_log_runs_on_two_allocators() {
    let mut lab = open(&["kmem create m 100", "kmem alloc m 600", "kmem scatter m 50"]);
    lab.ask('v');
    lab.enter("#compare-slab");
    lab.wait("document.querySelector('#compare-slabs')?.dataset.step === '3'");
    let row = "document.querySelector('#compare-slabs [data-cache=m]')";
    let pages = |side: usize| format!("{row}.cells[{side}].textContent");
    let (slub, slab) = (number(&mut lab, &pages(1)), number(&mut lab, &pages(2)));
    assert!(slub > 10 && slab > 10, "{slub}, {slab}");
    lab.wait("document.querySelector('#compare-result').dataset.phase === 'parted'");
    // The kernel keeps its newest events only: those of the step where they part are seen there.
    lab.enter("#compare-jump");
    lab.wait("document.querySelectorAll('.sides .event-first').length > 0");
    lab.press("End", 1);
    lab.wait("document.querySelector('#compare-slabs')?.dataset.step === '3'");
    // The twin takes the next line as well, and goes back along.
    travel_on(&mut lab, "kmem alloc m 3000", 4);
    assert!(number(&mut lab, &pages(1)) > slub && number(&mut lab, &pages(2)) > slab);
    lab.press("ArrowLeft", 1);
    lab.wait("document.querySelector('#compare-slabs')?.dataset.step === '3'");
    assert_eq!(
        (number(&mut lab, &pages(1)), number(&mut lab, &pages(2))),
        (slub, slab)
    );
    // Another line in the past is another line for the twin, too.
    travel_on(&mut lab, "true", 4);
    assert_eq!(
        (number(&mut lab, &pages(1)), number(&mut lab, &pages(2))),
        (slub, slab)
    );
    lab.is_clean();
}

/// Types a line, which becomes step `step`, and waits for the twin.
#[track_caller]
fn travel_on(lab: &mut Lab, line: &str, step: u32) {
    lab.line(line);
    lab.wait(&format!(
        "document.querySelector('#compare-slabs')?.dataset.step === '{step}'"
    ));
    lab.settle();
}

#[test]
fn a_large_cache_comes_in_parts() {
    let mut lab = open(&["kmem create m 32", "kmem alloc m 200000"]);
    let start = Instant::now();
    open_cache(&mut lab);
    println!(
        "a cache of 200,000 objects was there after {:?}",
        start.elapsed()
    );
    let canvas = "document.querySelector('#slab-canvas').dataset";
    let objects = number(&mut lab, &format!("{canvas}.objects"));
    assert!(objects >= 10_000, "{objects}");
    // A frame of walking over objects, drawn with all others in view.
    let times = lab.eval(
        "(async () => {
            const canvas = document.querySelector('#slab-canvas');
            const times = [];
            for (let i = 0; i < 60; i++) {
                canvas.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
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
    println!("a frame while walking: {}", travel::summary(&times));
    lab.enter("#slabs-after");
    lab.wait("document.querySelector('.slab-windows').textContent.includes('slabs 129 to 256')");
    lab.enter("#slabs-before");
    lab.wait("document.querySelector('.slab-windows').textContent.includes('slabs 1 to 128')");
    lab.is_clean();
}
