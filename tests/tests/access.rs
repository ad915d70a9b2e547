//! The page for everyone: every view is held against WCAG 2.2, levels A and AA, light and dark, on a desk and on a phone,
//! and what comes of it is published (`docs/accessibility.md`).
//!
//! axe-core judges what can be seen in the page as it stands. What takes keys, another size or other settings is tried
//! here (`tests/src/access.js` looks, this file presses): where Tab leads and whether one sees it, text that
//! is spread, a page of 320 pixels, motion that is not wanted. Each picture is walked by arrow keys, and must say
//! where one is and have a table that tells the same ([`WALKS`]). What no test can find out has a sentence in
//! [`CRITERIA`] that says why it holds.
//!
//! `GLASS_ACCESS=record cargo test -p tests --test access` writes the report anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tests::Settings;
use tests::page::{Lab, Page};
use tests::places::{PLACES, Place, act};
use tests::server::Server;
use tests::shared::in_threads;

/// What looks in the page.
const LOOKER: &str = include_str!("../src/access.js");

/// Sizes of the window: a desk's, a phone's.
const SCREENS: [(u32, u32); 2] = [(1280, 800), (390, 844)];

/// How long a view may take to say something.
const PATIENCE: Duration = Duration::from_secs(10);

/// More presses of Tab than a view has places to stop at.
const TABS_MAX: usize = 600;

/// Rules of every level up to AA, and some that axe-core leaves out by default.
const JUDGE: &str = "axe.run(document, {
        resultTypes: ['violations'],
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
        rules: {'target-size': {enabled: true}, 'label-content-name-mismatch': {enabled: true}},
    }).then(results => ({
        held: results.passes.map(rule => [rule.id, rule.tags]),
        broken: results.violations.flatMap(rule => rule.nodes.map(node =>
            [rule.id, rule.tags, `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary}`])),
    }))";

/// What was found: barriers by criterion, each with the view where it was found first; and the rules that
/// held, by criterion.
#[derive(Default)]
struct Found {
    barriers: BTreeMap<String, BTreeMap<String, String>>,
    rules: BTreeMap<String, BTreeSet<String>>,
    states: usize,
}

impl Found {
    fn add(&mut self, criterion: &str, barrier: String, place: &str) {
        let barriers = self.barriers.entry(criterion.to_string()).or_default();
        barriers.entry(barrier).or_insert_with(|| place.to_string());
    }

    /// Takes texts that begin with their criterion, as `tests/src/access.js` writes them.
    fn add_all(&mut self, barriers: &Value, place: &str) {
        for text in barriers
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            let (criterion, barrier) = text.split_once(": ").unwrap_or(("?", text));
            self.add(criterion, barrier.to_string(), place);
        }
    }

    fn judged(&mut self, results: &Value, place: &str) {
        self.states += 1;
        for rule in results["held"].as_array().into_iter().flatten() {
            for criterion in criteria_of(&rule[1]) {
                let name = rule[0].as_str().unwrap_or_default().to_string();
                self.rules.entry(criterion).or_default().insert(name);
            }
        }
        for rule in results["broken"].as_array().into_iter().flatten() {
            let text = rule[2].as_str().unwrap_or_default().to_string();
            for criterion in criteria_of(&rule[1]) {
                self.add(&criterion, text.clone(), place);
            }
        }
    }
}

/// `wcag143` is 1.4.3.
fn criteria_of(tags: &Value) -> Vec<String> {
    let tags = tags
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let numbers = tags.filter_map(|tag| tag.strip_prefix("wcag"));
    let numbers = numbers.filter(|it| it.len() > 2 && it.bytes().all(|it| it.is_ascii_digit()));
    numbers
        .map(|it| [&it[..1], &it[1..2], &it[2..]].join("."))
        .collect()
}

#[test]
fn every_view_conforms_and_the_report_says_so() {
    let settings = Settings::find();
    let found = in_threads(2, Found::default(), |thread, found| {
        if thread > 1 {
            return false;
        }
        let server = Server::start(&settings, &[]).expect("the server starts");
        let mut page = Page::launch(&settings);
        for place in PLACES.iter().skip(thread as usize).step_by(2) {
            for screen in SCREENS {
                let mut seen = look(&settings, &mut page, &server.url(), place, screen);
                if !seen.barriers.is_empty() {
                    // On a busy machine something may have come while Tab went round. A barrier is there
                    // when the view is opened and looked at once more, too.
                    println!("{}, {screen:?}, again: {:?}", place.name, seen.barriers);
                    seen = look(&settings, &mut page, &server.url(), place, screen);
                }
                let mut found = found.lock();
                found.states += seen.states;
                for (criterion, rules) in seen.rules {
                    found.rules.entry(criterion).or_default().extend(rules);
                }
                for (criterion, barriers) in seen.barriers {
                    for (barrier, place) in barriers {
                        found.add(&criterion, barrier, &place);
                    }
                }
            }
        }
        true
    });
    println!("{} views, {} states judged", PLACES.len(), found.states);
    let mut told = String::new();
    for (criterion, barriers) in &found.barriers {
        for (barrier, place) in barriers {
            let _ = writeln!(told, "{criterion}, {place}: {barrier}");
        }
    }
    let report = report(&found);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/accessibility.md");
    if std::env::var("GLASS_ACCESS").is_ok_and(|value| value == "record") {
        fs::write(&file, &report).expect("the repository can be written");
    }
    assert!(told.is_empty(), "{told}");
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == report,
        "docs/accessibility.md is out of date; GLASS_ACCESS=record writes it anew:\n{report}"
    );
}

/// Goes round the page with Tab; whether it came round.
fn go_round(page: &mut Page) -> bool {
    page.eval("access.begin()");
    (0..TABS_MAX).any(|_| {
        page.press("Tab", 0);
        page.eval("access.arrive()") == "over"
    })
}

/// Looks at one view in one size.
fn look(
    settings: &Settings,
    page: &mut Page,
    url: &str,
    place: &Place,
    screen: (u32, u32),
) -> Found {
    let mut found = Found::default();
    let (width, height) = screen;
    let name = format!("{}, {width} pixels wide", place.name);
    let size = |page: &mut Page, width: u32, height: u32| {
        let resized = page.browser.resize(width, height, width < 600);
        resized.expect("chromium can");
        page.eval("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
    };
    size(page, width, height);
    let calm = [("prefers-reduced-motion", "reduce")];
    page.browser.prefer(&calm).expect("chromium can");
    place.visit(page, url);
    page.call_the_judge(settings);
    page.eval(LOOKER);
    found.add_all(&page.eval("access.moving()"), &name);
    for scheme in ["light", "dark"] {
        page.browser.prefer_scheme(scheme).expect("chromium can");
        let results = page.eval(JUDGE);
        found.judged(&results, &format!("{name}, {scheme}"));
    }
    found.add_all(&page.eval("access.reflow()"), &name);
    // Text that is spread is not cut off.
    let cut = |page: &mut Page| -> BTreeSet<String> {
        let cut = page.eval("access.cut()");
        let cut = cut.as_array().into_iter().flatten();
        cut.filter_map(|it| it.as_str().map(str::to_string))
            .collect()
    };
    let before = cut(page);
    page.eval("access.spread()");
    for element in cut(page).difference(&before) {
        found.add("1.4.12", format!("its text is cut off: {element}"), &name);
    }
    page.eval("access.gather()");
    // Twice as large, and as narrow as it must be able to be.
    if width > 600 {
        for (criterion, width, height) in [("1.4.4", width / 2, height / 2), ("1.4.10", 320, 640)] {
            size(page, width, height);
            let barriers = page.eval("access.reflow()");
            for text in barriers
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                found.add(
                    criterion,
                    text.to_string(),
                    &format!("{}, {width} pixels wide", place.name),
                );
            }
        }
        size(page, screen.0, screen.1);
    }
    // All round with Tab.
    if !go_round(page) {
        let stops = format!("Tab does not come round in {TABS_MAX} presses");
        found.add("2.1.1", stops, &name);
    }
    found.add_all(&page.eval("access.end()"), &name);
    found
}

/// A page with one barrier of each kind that is looked for here.
const BARRIERS: &str = "
    <style>
        body { margin: 0 } button { min-height: 30px }
        #dark:focus { outline: none } #pale:focus { outline: 2px solid #eee }
        #lid { position: fixed; left: 0; right: 0; top: 200px; height: 100px; background: navy }
        #under { position: fixed; left: 10px; top: 230px }
        #wide { overflow-x: auto; width: 200px } #wide p { width: 400px; margin: 0 }
        #tight { overflow: hidden; height: 16px; width: 100px; font: 12px/14px monospace; white-space: nowrap }
        #restless { animation: turn 9s infinite } @keyframes turn { to { rotate: 1turn } }
    </style>
    <button id=first>first</button><button id=dark>dark</button><button id=pale>pale</button>
    <button id=second tabindex=1>before the others</button>
    <button id=under>under</button><div id=lid></div>
    <div id=wide><p>a line of text</p></div><p id=tight>fits just so</p><p id=restless>turns</p>";

/// What finds nothing must be able to find something.
#[test]
fn what_looks_for_barriers_finds_them() {
    let mut page = Page::launch(&Settings::find());
    page.browser.resize(800, 600, false).expect("chromium can");
    page.browser.goto("about:blank").expect("the browser lives");
    page.eval(&format!("document.body.innerHTML = {}", json!(BARRIERS)));
    page.eval(LOOKER);
    let mut texts: Vec<String> = Vec::new();
    let mut take = |found: Value| {
        let found = found.as_array().cloned().unwrap_or_default();
        texts.extend(
            found
                .iter()
                .filter_map(|it| it.as_str().map(str::to_string)),
        );
    };
    take(page.eval("access.reflow()"));
    take(page.eval("access.moving()"));
    assert_eq!(page.eval("access.cut()"), json!([]));
    page.eval("access.spread()");
    take(page.eval("access.cut()"));
    page.eval("access.gather()");
    go_round(&mut page);
    take(page.eval("access.end()"));
    // A button that takes the focus away from whoever follows is a trap.
    page.eval("document.querySelector('#pale').onkeydown = event => event.key === 'Tab' && event.preventDefault()");
    go_round(&mut page);
    take(page.eval("access.end()"));
    for barrier in [
        "1.4.10: scrolls sideways: div#wide",
        "2.3.3: moves: p#restless",
        "p#tight",
        "2.4.7: the focus does not show: button#dark",
        "1.4.11: the focus's outline has 1.2:1: button#pale",
        "2.4.11: the focus is covered or outside: button#under",
        "2.4.3: Tab goes back from button#second",
        "2.1.2: Tab does not get away from button#pale",
        "2.1.1: Tab does not reach button#under",
    ] {
        assert!(
            texts.iter().any(|text| text.starts_with(barrier)),
            "{barrier}: {texts:#?}"
        );
    }
}

/// How a criterion is met.
enum How {
    /// axe-core's rules, and the tests of these names.
    Tests(&'static [&'static str]),
    /// That, and for this reason.
    Also(&'static [&'static str], &'static str),
    /// There is nothing in the page that it is about.
    Nothing(&'static str),
}
use How::{Also, Nothing, Tests};

const LOOKED: &str = "every_view_conforms_and_the_report_says_so";
const WALKED: &str = "every_structure_is_walked_by_arrow_keys_and_read_as_a_table";
const OFF: &str = "shortcuts_can_be_switched_off_and_stay_off";
const BY_KEYS: &str = "lab_one_can_be_done_by_keyboard_alone";
const NAMED: &str = "everything_that_can_be_operated_has_a_name";
const DROPPED: &str = "a_task_is_moved_without_dragging";

/// All criteria of levels A and AA of WCAG 2.2.
const CRITERIA: &[(&str, &str, &str, How)] = &[
    (
        "1.1.1",
        "Non-text Content",
        "A",
        Also(
            &[WALKED],
            "each picture has a name, and a sentence and a table that tell the same",
        ),
    ),
    (
        "1.2.1",
        "Audio-only and Video-only (Prerecorded)",
        "A",
        Nothing("no audio or video"),
    ),
    (
        "1.2.2",
        "Captions (Prerecorded)",
        "A",
        Nothing("no audio or video"),
    ),
    (
        "1.2.3",
        "Audio Description or Media Alternative (Prerecorded)",
        "A",
        Nothing("no audio or video"),
    ),
    (
        "1.2.4",
        "Captions (Live)",
        "AA",
        Nothing("no audio or video"),
    ),
    (
        "1.2.5",
        "Audio Description (Prerecorded)",
        "AA",
        Nothing("no audio or video"),
    ),
    ("1.3.1", "Info and Relationships", "A", Tests(&[LOOKED])),
    (
        "1.3.2",
        "Meaningful Sequence",
        "A",
        Also(&[LOOKED], "Tab goes in the order of the document"),
    ),
    (
        "1.3.3",
        "Sensory Characteristics",
        "A",
        Also(
            &[],
            "texts name things by their names, not by place or colour",
        ),
    ),
    (
        "1.3.4",
        "Orientation",
        "AA",
        Also(
            &[LOOKED],
            "the page is tried upright and across, and locks neither",
        ),
    ),
    (
        "1.3.5",
        "Identify Input Purpose",
        "AA",
        Also(
            &[],
            "only a student's name is asked for, and a class may use any",
        ),
    ),
    (
        "1.4.1",
        "Use of Color",
        "A",
        Also(
            &[WALKED],
            "what a colour says is also a shape, a word, a stroke, or a row of the table",
        ),
    ),
    ("1.4.2", "Audio Control", "A", Nothing("no sound")),
    ("1.4.3", "Contrast (Minimum)", "AA", Tests(&[LOOKED])),
    ("1.4.4", "Resize Text", "AA", Tests(&[LOOKED])),
    (
        "1.4.5",
        "Images of Text",
        "AA",
        Also(
            &[WALKED],
            "text in pictures is drawn from the data at any size, and stands in the table",
        ),
    ),
    (
        "1.4.10",
        "Reflow",
        "AA",
        Also(
            &[LOOKED],
            "at 320 pixels; pictures, tables and what the console printed scroll in both directions, as what is two-dimensional may",
        ),
    ),
    (
        "1.4.11",
        "Non-text Contrast",
        "AA",
        Also(
            &[LOOKED],
            "the outline of the focus is measured; the colours of pictures were chosen for 3:1 against what they lie on, or have a border",
        ),
    ),
    ("1.4.12", "Text Spacing", "AA", Tests(&[LOOKED])),
    (
        "1.4.13",
        "Content on Hover or Focus",
        "AA",
        Also(
            &[],
            "nothing covers anything when pointed at but the browser's own titles; what is under the pointer is told on a line of its own",
        ),
    ),
    ("2.1.1", "Keyboard", "A", Tests(&[LOOKED, WALKED, BY_KEYS])),
    (
        "2.1.2",
        "No Keyboard Trap",
        "A",
        Also(
            &[LOOKED],
            "in a line that has begun Tab completes words; Shift + Tab, or Tab once shortcuts are switched off, leaves it",
        ),
    ),
    (
        "2.1.4",
        "Character Key Shortcuts",
        "A",
        Also(
            &[OFF],
            "single letters work only in the picture that has the focus",
        ),
    ),
    (
        "2.2.1",
        "Timing Adjustable",
        "A",
        Nothing("nothing expires"),
    ),
    (
        "2.2.2",
        "Pause, Stop, Hide",
        "A",
        Also(
            &[LOOKED],
            "nothing moves by itself; what one plays can be paused",
        ),
    ),
    (
        "2.3.1",
        "Three Flashes or Below Threshold",
        "A",
        Also(
            &[LOOKED],
            "nothing flashes; steps are played as fast as one sets, from one a second on",
        ),
    ),
    (
        "2.4.1",
        "Bypass Blocks",
        "A",
        Also(
            &[LOOKED],
            "landmarks and headings; Alt and a digit go to a pane",
        ),
    ),
    ("2.4.2", "Page Titled", "A", Tests(&[LOOKED])),
    ("2.4.3", "Focus Order", "A", Tests(&[LOOKED])),
    ("2.4.4", "Link Purpose (In Context)", "A", Tests(&[LOOKED])),
    (
        "2.4.5",
        "Multiple Ways",
        "AA",
        Also(
            &[],
            "a view is reached by its tab, its shortcut and, for labs, the catalogue and the address",
        ),
    ),
    (
        "2.4.6",
        "Headings and Labels",
        "AA",
        Also(
            &[LOOKED, NAMED],
            "headings and labels say what they are about",
        ),
    ),
    ("2.4.7", "Focus Visible", "AA", Tests(&[LOOKED])),
    (
        "2.4.11",
        "Focus Not Obscured (Minimum)",
        "AA",
        Tests(&[LOOKED]),
    ),
    (
        "2.5.1",
        "Pointer Gestures",
        "A",
        Also(&[], "what two fingers zoom, buttons and keys zoom as well"),
    ),
    (
        "2.5.2",
        "Pointer Cancellation",
        "A",
        Also(
            &[],
            "everything happens when the pointer goes up; a task that is dragged outside stays where it was",
        ),
    ),
    ("2.5.3", "Label in Name", "A", Tests(&[LOOKED])),
    (
        "2.5.4",
        "Motion Actuation",
        "A",
        Nothing("nothing listens to how a device is moved"),
    ),
    (
        "2.5.7",
        "Dragging Movements",
        "AA",
        Also(
            &[DROPPED],
            "a task is also moved by writing its number into a form; a tree is also gone through by its slots, and shown whole by a button",
        ),
    ),
    ("2.5.8", "Target Size (Minimum)", "AA", Tests(&[LOOKED])),
    ("3.1.1", "Language of Page", "A", Tests(&[LOOKED, NAMED])),
    (
        "3.1.2",
        "Language of Parts",
        "AA",
        Also(
            &[],
            "the console and the handouts are in English; the page says so where its own language is another",
        ),
    ),
    (
        "3.2.1",
        "On Focus",
        "A",
        Also(&[LOOKED], "the walk with Tab changes nothing but the focus"),
    ),
    (
        "3.2.2",
        "On Input",
        "A",
        Also(
            &[],
            "what a field says is used when Enter or a button is pressed; lists of choices change what they name",
        ),
    ),
    (
        "3.2.3",
        "Consistent Navigation",
        "AA",
        Also(
            &[LOOKED],
            "head, tabs and time are at the same places in every view",
        ),
    ),
    (
        "3.2.4",
        "Consistent Identification",
        "AA",
        Also(
            &[LOOKED],
            "table, close and inspect have one name and one icon everywhere",
        ),
    ),
    (
        "3.2.6",
        "Consistent Help",
        "A",
        Also(
            &[LOOKED],
            "help is the last button of the head in every view",
        ),
    ),
    (
        "3.3.1",
        "Error Identification",
        "A",
        Also(
            &["nonsense_is_answered_in_words_and_breaks_nothing"],
            "the kernel's own error, with the line that it is about",
        ),
    ),
    (
        "3.3.2",
        "Labels or Instructions",
        "A",
        Tests(&[LOOKED, NAMED]),
    ),
    (
        "3.3.3",
        "Error Suggestion",
        "AA",
        Also(
            &["nonsense_is_answered"],
            "an error says what would be right",
        ),
    ),
    (
        "3.3.4",
        "Error Prevention (Legal, Financial, Data)",
        "AA",
        Also(
            &[],
            "nothing is lost: lines that are dropped can be brought back, sessions that are deleted too, and work can be handed in again",
        ),
    ),
    (
        "3.3.7",
        "Redundant Entry",
        "A",
        Also(&[], "a name that was given is remembered"),
    ),
    (
        "3.3.8",
        "Accessible Authentication (Minimum)",
        "AA",
        Nothing("nobody logs in; a class's key is part of the student's link"),
    ),
    ("4.1.2", "Name, Role, Value", "A", Tests(&[LOOKED, NAMED])),
    (
        "4.1.3",
        "Status Messages",
        "AA",
        Also(
            &[WALKED],
            "what is pointed at, found or refused is told in a live region",
        ),
    ),
];

/// The report.
fn report(found: &Found) -> String {
    let mut text = String::from(REPORT_HEAD);
    let views: Vec<&str> = PLACES.iter().map(|place| place.name).collect();
    let _ = write!(
        text,
        "\n{} views are looked at, each light and dark, 1280 and 390 pixels wide: {}.\n\n\
         | criterion | level | the page | because |\n|---|---|---|---|\n",
        views.len(),
        views.join(", ")
    );
    for (number, name, level, how) in CRITERIA {
        let verdict = match (how, found.barriers.get(*number)) {
            (_, Some(barriers)) => format!("does not support it: {} barriers", barriers.len()),
            (Nothing(_), None) => "has nothing of it".to_string(),
            (_, None) => "supports it".to_string(),
        };
        let (tests, reason) = match how {
            Tests(tests) => (*tests, ""),
            Also(tests, reason) => (*tests, *reason),
            Nothing(reason) => (&[][..], *reason),
        };
        let rules = found.rules.get(*number).into_iter().flatten();
        let rules: Vec<&str> = rules.map(String::as_str).collect();
        let tests: Vec<String> = tests.iter().map(|test| format!("`{test}`")).collect();
        let mut because: Vec<String> = Vec::new();
        if !rules.is_empty() {
            because.push(format!("axe-core: {}", rules.join(", ")));
        }
        if !tests.is_empty() {
            because.push(tests.join(", "));
        }
        if !reason.is_empty() {
            because.push(reason.to_string());
        }
        let _ = writeln!(
            text,
            "| {number} {name} | {level} | {verdict} | {} |",
            because.join("; ")
        );
    }
    text += "\n## Structures\n\nEach is one stop of Tab, walked by keys, and says where one is.\n\n\
        | structure | keys | says | as a table |\n|---|---|---|---|\n";
    for walk in WALKS {
        let keys: Vec<&str> = walk.keys.iter().map(|(key, _)| *key).collect();
        let table = walk
            .table
            .map_or("it is one".to_string(), |table| format!("`{table}`"));
        let says: Vec<&str> = walk.keys.iter().map(|(_, words)| *words).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {table} |",
            walk.name,
            keys.join(", "),
            says.iter()
                .map(|it| format!("“{it}”"))
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    text
}

const REPORT_HEAD: &str = "# Accessibility

What the page does of the Web Content Accessibility Guidelines 2.2, levels A and AA. This file is written by a test
(`tests/tests/access.rs`), which drives every view and fails when a barrier appears or this is out of date;
`GLASS_ACCESS=record cargo test -p tests --test access` writes it anew. Where tests are named, they try it; what else
is said was looked at by hand, once, by its authors. Nobody who depends on a screen reader has tried the page
yet: please tell of what is in your way.
";

/// The criteria are those of the standard, and the tests that they name are there.
#[test]
fn the_report_is_about_every_criterion_and_names_real_tests() {
    let count = |level: &str| CRITERIA.iter().filter(|it| it.2 == level).count();
    assert_eq!((count("A"), count("AA")), (31, 24));
    let numbers = CRITERIA
        .iter()
        .map(|it| it.0.split('.').map(|it| it.parse::<u32>()).collect());
    let numbers: Vec<Result<Vec<u32>, _>> = numbers.collect();
    let numbers: Vec<Vec<u32>> = numbers.into_iter().map(|it| it.expect("numbers")).collect();
    assert!(
        numbers.windows(2).all(|pair| pair[0] < pair[1]),
        "{numbers:?}"
    );

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = fs::read_dir(folder).expect("the tests are there").flatten();
    let files = files.filter(|file| file.path().extension().is_some_and(|it| it == "rs"));
    let sources: String = files
        .map(|file| fs::read_to_string(file.path()).expect("a source"))
        .collect();
    for (number, _, _, how) in CRITERIA {
        let tests = match how {
            Tests(tests) | Also(tests, _) => *tests,
            Nothing(_) => &[],
        };
        for test in tests {
            assert!(
                sources.contains(&format!("fn {test}()")),
                "{number}: there is no {test}"
            );
        }
        assert!(!matches!(how, Tests([])), "{number} is not tested");
    }
}

/// A structure that is walked.
struct Walk {
    name: &'static str,
    /// How it comes about; see [`act`].
    steps: &'static [&'static str],
    /// The one place where Tab stops in it.
    stop: &'static str,
    /// Where it says what one is at.
    says: &'static str,
    /// Keys, and what it says then: words of it.
    keys: &'static [(&'static str, &'static str)],
    /// What shows it as a table; `None` if it is a list of texts itself.
    table: Option<&'static str>,
}

/// What has the focus: for lists of buttons, which say what is on them.
const FOCUS: &str = ":focus";

const WALKS: &[Walk] = &[
    Walk {
        name: "radix tree",
        steps: &[
            "# radix create t",
            "# radix insert t 1 1",
            "# radix insert t 4096 7",
            "pane tree",
        ],
        stop: "#radix-canvas",
        says: "#radix-focus",
        keys: &[
            ("ArrowDown", "level 2"),
            ("ArrowDown", "level 1"),
            ("ArrowRight", "keys 4096 to"),
            ("ArrowUp", "level 2"),
        ],
        table: Some("#tree-table-toggle"),
    },
    Walk {
        name: "memory map",
        steps: &["pane memory"],
        stop: "canvas.frames",
        says: ".zone .under",
        keys: &[
            ("Home", "frame 0 "),
            ("ArrowRight", "frame 1 "),
            ("ArrowLeft", "frame 0 "),
        ],
        table: Some("#memory-table-toggle"),
    },
    Walk {
        name: "slab caches",
        steps: &["pane slab"],
        stop: "[data-cache][tabindex='0']",
        says: FOCUS,
        keys: &[("End", ""), ("Home", "")],
        table: Some("#slab-table-toggle"),
    },
    Walk {
        name: "objects of a cache",
        steps: &[
            "# kmem create m 64",
            "# kmem alloc m 40",
            "pane slab",
            "click [data-cache=m]",
        ],
        stop: "#slab-canvas",
        says: "#slab-under",
        keys: &[
            ("Home", "object 0"),
            ("ArrowRight", "object 1"),
            ("ArrowLeft", "object 0"),
        ],
        table: Some("#slab-table-toggle"),
    },
    Walk {
        name: "containers",
        steps: &[
            "# mkdir /c; mount -t container -o cpu,memory x /c",
            "# mkdir /c/a /c/b",
            "pane containers",
        ],
        stop: "#containers-picture",
        says: FOCUS,
        keys: &[
            ("ArrowDown", "/c"),
            ("ArrowDown", "/c, 2 tasks"),
            ("End", "/c/b, 0 tasks"),
        ],
        table: Some("#containers-table-toggle"),
    },
    Walk {
        name: "callbacks of a step",
        steps: &[
            "# mkdir /c; mount -t cgroup -o cpuset,freezer x /c; mkdir /c/a",
            "# echo $$ > /c/a/tasks",
            "pane containers",
            "click #containers-film",
            "see #calls .call",
        ],
        stop: "#calls",
        says: "#calls-caption",
        keys: &[("ArrowRight", "2 of 2"), ("ArrowLeft", "1 of 2")],
        table: Some("#containers-table-toggle"),
    },
    Walk {
        name: "tasks",
        steps: &["# spawn a; spawn b ppid=100", "pane tasks"],
        stop: "#task-grid",
        says: ".task-cursor",
        keys: &[("Home", "sh"), ("End", "b"), ("ArrowLeft", "a")],
        table: Some("#tasks-table-toggle"),
    },
    Walk {
        name: "address space and page tables",
        steps: &[
            "# cow 64K &",
            "# sleep 300ms",
            "pane tasks",
            "click [data-pid=\"100\"]",
            "see #task-space",
        ],
        stop: "#task-space",
        says: "#task-under",
        keys: &[
            ("Home", "08048000"),
            ("ArrowRight", "40000000"),
            ("ArrowLeft", "08048000"),
        ],
        table: Some("#tasks-table-toggle"),
    },
    Walk {
        name: "run queues",
        steps: &[
            "# spawn spin; spawn spin; spawn spin",
            "# sleep 1",
            "pane scheduler",
        ],
        stop: "canvas.sched-tree",
        says: "#sched-under-0",
        keys: &[
            ("Home", "is the first of them"),
            ("ArrowRight", "waits behind"),
            ("ArrowLeft", "is the first of them"),
        ],
        table: Some("#scheduler-table-toggle"),
    },
    Walk {
        name: "who ran when",
        steps: &["# spawn spin; spawn spin", "# sleep 1", "pane scheduler"],
        stop: "#sched-lanes",
        says: "#sched-span",
        keys: &[
            ("ArrowRight", "100 (spin) runs"),
            ("ArrowRight", "101 (spin) runs"),
            ("ArrowLeft", "100 (spin) runs"),
        ],
        table: Some("#scheduler-table-toggle"),
    },
    Walk {
        name: "why the next one is next",
        steps: &[
            "# spawn spin; spawn spin",
            "# sleep 1",
            "pane scheduler",
            "click .sched-why",
        ],
        stop: ".reason[tabindex='0']",
        says: FOCUS,
        keys: &[("ArrowDown", ""), ("Home", "")],
        table: None,
    },
    Walk {
        name: "candidates of the OOM killer",
        steps: &[
            "# spawn hog vm=100M caps=none; spawn kid ppid=100; spawn db vm=8M",
            "# oom trigger",
            "pane oom",
        ],
        stop: ".oom-rank[tabindex='0']",
        says: FOCUS,
        keys: &[("ArrowDown", "kid"), ("Home", "hog"), ("End", "db")],
        table: Some("#oom-table-toggle"),
    },
    Walk {
        name: "events",
        steps: &["# radix create t", "pane events"],
        stop: ".event-text[tabindex='0']",
        says: FOCUS,
        keys: &[("ArrowUp", ""), ("ArrowLeft", ""), ("Home", "step 0")],
        table: Some("#events-table-toggle"),
    },
    Walk {
        name: "lines of the console",
        steps: &["# echo one", "# echo two"],
        stop: ".step[tabindex='0']",
        says: FOCUS,
        keys: &[("ArrowUp", "step 1"), ("ArrowDown", "step 2")],
        table: None,
    },
    Walk {
        name: "changes of a step",
        steps: &[
            "# radix create t",
            "# radix insert t 1 1",
            "click #ask",
            "click #past-tab-changes",
            "see .change",
        ],
        stop: ".changes > li:first-child .change",
        says: FOCUS,
        keys: &[("ArrowDown", "differ"), ("Home", "differ")],
        table: None,
    },
    Walk {
        name: "bytes of an object",
        steps: &[
            "# radix create t",
            "# radix insert t 1 1",
            "click #ask",
            "click #past-tab-changes",
            "click .change",
            "see .hex",
        ],
        stop: ".hex",
        says: ".hex-note",
        keys: &[
            ("ArrowRight", "byte +0x0"),
            ("ArrowDown", "byte +0x8"),
            ("ArrowLeft", "byte +0x7"),
        ],
        table: None,
    },
];

#[test]
fn every_structure_is_walked_by_arrow_keys_and_read_as_a_table() {
    let settings = Settings::find();
    let server = Server::start(&settings, &[]).expect("the server starts");
    let mut page = Page::launch(&settings);
    let mut wrong = Vec::new();
    for walk in WALKS {
        let place = Place {
            name: walk.name,
            address: "",
            steps: walk.steps,
        };
        place.visit(&mut page, &server.url());
        let stop = json!(walk.stop);
        page.wait(&format!("document.querySelector({stop})"));
        if page.eval(&format!("document.querySelector({stop}).tabIndex")) != 0 {
            wrong.push(format!("{}: Tab does not stop at {stop}", walk.name));
        }
        page.eval(&format!("document.querySelector({stop}).focus()"));
        let says = json!(walk.says);
        let said = format!(
            "(e => e ? [e.ariaLabel, e.textContent].join(' ').trim() : '')(document.querySelector({says}))"
        );
        let mut last = String::new();
        for (key, words) in walk.keys {
            page.press(key, 0);
            let (was, part) = (json!(last), json!(words));
            let tells = format!("(said => said !== {was} && said.includes({part}))({said})");
            let waited = page.browser.wait_at_most(PATIENCE, &tells);
            last = page.text(&said);
            if waited.is_err() {
                wrong.push(format!("{}: {key} says {last:?}, not {words:?}", walk.name));
            }
        }
        if let Some(table) = walk.table {
            page.eval(&format!("document.querySelector('{table}').click()"));
            let tells = "[...document.querySelectorAll('table.data')].some(it => it.dataset.rows > 0 && it.checkVisibility())";
            if page.browser.wait_at_most(PATIENCE, tells).is_err() {
                wrong.push(format!("{}: there is no table", walk.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    page.is_clean();
}

#[test]
fn where_one_is_is_told_from_anywhere() {
    let mut lab = Lab::open();
    lab.line("radix create t");
    lab.line("radix insert t 4096 7");
    lab.press("ArrowLeft", 1);
    lab.step_is(1);
    lab.ask('w');
    lab.wait("document.querySelector('#where')?.open");
    let fact = |lab: &mut Lab, name: &str| {
        lab.text(&format!(
            "document.querySelector('#where [data-fact=\"{name}\"] dd').textContent"
        ))
    };
    assert_eq!(
        fact(&mut lab, "step"),
        "step 1 of 2, in the past: 1 line comes after"
    );
    assert_eq!(fact(&mut lab, "line"), "radix create t");
    assert!(fact(&mut lab, "kernel").starts_with("in this browser: mem=64M"));
    // It is what a screen reader reads when it opens, and the focus comes back.
    let described = "document.querySelector('#where').getAttribute('aria-describedby')";
    assert_eq!(lab.text(described), "where-facts");
    lab.press("Escape", 0);
    lab.wait("!document.querySelector('#where').open");
    lab.wait("document.activeElement.id === 'console-input'");
    // Over another dialog as well.
    lab.click("#sessions");
    lab.wait("document.querySelector('#sessions-dialog').open");
    lab.ask('w');
    lab.wait("document.querySelector('#where').open");
    lab.press("Escape", 0);
    lab.wait("!document.querySelector('#where').open");
    assert_eq!(
        lab.eval("document.querySelector('#sessions-dialog').open"),
        true
    );
    lab.is_clean();
}

#[test]
fn shortcuts_can_be_switched_off_and_stay_off() {
    let mut lab = Lab::open();
    lab.line("radix create t");
    let url = lab.server.url();
    let listed = "[...document.querySelectorAll('.keys kbd')].filter(it => it.textContent.startsWith('Alt')).length";
    lab.click("#help");
    lab.wait("document.querySelector('dialog.help').open");
    assert_ne!(lab.eval(listed), 0);
    lab.eval("document.querySelector('#keys-on').focus()");
    lab.press(" ", 0);
    lab.wait(&format!("{listed} === 0"));
    lab.press("Escape", 0);
    lab.wait("!document.querySelector('dialog.help').open");
    for round in ["switched off", "and after a reload"] {
        lab.eval("document.querySelector('#step-back').focus()");
        lab.press("2", 1);
        lab.press("ArrowLeft", 1);
        lab.ask('w');
        lab.press("?", 8);
        lab.settle();
        assert_eq!(lab.state("step"), "1", "{round}");
        let open = lab.eval("document.querySelectorAll('dialog[open]').length");
        assert_eq!(open, 0, "{round}");
        assert_eq!(
            lab.text("document.activeElement.id"),
            "step-back",
            "{round}"
        );
        // In a line that has begun, Tab moves on as everywhere.
        lab.eval("document.querySelector('#console-input').focus()");
        lab.type_text("rad");
        lab.press("Tab", 0);
        assert_ne!(
            lab.text("document.activeElement.id"),
            "console-input",
            "{round}"
        );
        assert_eq!(
            lab.text("document.querySelector('#console-input').value"),
            "rad",
            "{round}"
        );
        lab.eval("document.querySelector('#console-input').value = ''");
        lab.page.open(&url);
        lab.settle();
    }
    lab.click("#help");
    lab.click("#keys-on");
    lab.press("Escape", 0);
    lab.wait("!document.querySelector('dialog.help').open");
    lab.press("ArrowLeft", 1);
    lab.step_is(0);
    lab.is_clean();
}

#[test]
fn a_task_is_moved_without_dragging() {
    let mut lab = Lab::open();
    for line in [
        "mkdir /c; mount -t container -o cpu x /c; mkdir /c/a",
        "spawn spin",
    ] {
        lab.line(line);
    }
    act(&mut lab, "pane containers");
    act(&mut lab, "click .container-name[data-path='/a']");
    act(&mut lab, "see #container-forms");
    lab.eval(
        "(s => { s.value = 'tasks'; s.dispatchEvent(new Event('change', {bubbles: true})); })
            (document.querySelector('#container-file'))",
    );
    lab.type_into("#container-text", "100");
    lab.press("Enter", 0);
    lab.step_is(3);
    assert_eq!(lab.says("cat /c/a/tasks"), "100");
    lab.is_clean();
}
