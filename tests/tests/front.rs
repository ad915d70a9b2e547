//! The first minute in a real Chromium: the ways on, the tour, the playground, the search, the glossary;
//! all of it by keyboard, and nothing of it in the way.

use tests::Settings;
use tests::page::Lab;

/// Modifiers as the browser counts them.
const CONTROL: u8 = 2;

#[track_caller]
fn shows_ways(lab: &mut Lab) -> bool {
    lab.eval("!!document.querySelector('.ways:not(.awaited) #way-tour')?.checkVisibility()") == true
}

#[track_caller]
fn focus_is(lab: &mut Lab, selector: &str) {
    lab.wait(&format!(
        "document.activeElement?.matches({})",
        serde_json::json!(selector)
    ));
}

#[track_caller]
fn dialog_is(lab: &mut Lab, id: &str, is_open: bool) {
    lab.wait(&format!(
        "(document.querySelector('#{id}')?.open ?? false) === {is_open}"
    ));
}

#[track_caller]
fn has_no_barriers(lab: &mut Lab, what: &str) {
    let barriers = lab.barriers();
    assert!(barriers.is_empty(), "{what}: {barriers:#?}");
}

#[test]
fn a_first_visit_is_offered_four_ways_and_the_next_one_is_not() {
    let mut lab = Lab::open();
    assert!(shows_ways(&mut lab));
    // They are over the console, and the pictures are whole.
    let covers = lab.eval(
        "(() => { const tree = document.querySelector('.pane-tree').getBoundingClientRect();
            const ways = document.querySelector('.ways').getBoundingClientRect();
            return ways.right > tree.left && ways.bottom > tree.top; })()",
    );
    assert_eq!(covers, false);
    // What stood there before the page's module came takes as much room.
    let same = lab.eval(
        "fetch('./').then(it => it.text()).then(text => {
            const still = new DOMParser().parseFromString(text, 'text/html').querySelector('.welcome');
            still.querySelectorAll('[lang=de]').forEach(it => it.remove());
            const live = document.querySelector('.welcome');
            const pieces = it => [it.querySelector('p').textContent.replace(/\\s+/g, ' ').trim(),
                ...[...it.querySelectorAll('.ways button')].map(it => it.textContent.trim())].join('|');
            return pieces(still) === pieces(live) ? '' : pieces(still) + ' / ' + pieces(live); })",
    );
    assert_eq!(same, "");
    lab.enter("#way-type");
    focus_is(&mut lab, "#console-input");
    lab.wait("!document.querySelector('.ways')");
    let url = lab.server.url();
    lab.open(&url);
    lab.settle();
    assert!(!shows_ways(&mut lab), "put away for good");
    lab.is_clean();
}

#[test]
fn frames_labs_links_and_sessions_are_not_interrupted() {
    let mut lab = Lab::open();
    let url = lab.server.url();
    for address in [
        "?embed",
        "?noedit",
        "#log=1.K0pMyaxQSC5KTSxJVSjhKgJzM_OKU4tK",
    ] {
        lab.browser.goto("about:blank").expect("a page");
        lab.open(&format!("{url}{address}"));
        assert!(!shows_ways(&mut lab), "{address}");
    }
    lab.browser.goto("about:blank").expect("a page");
    lab.open(&url);
    lab.settle();
    assert!(shows_ways(&mut lab));
    lab.line("radix create t");
    lab.browser.goto("about:blank").expect("a page");
    lab.open(&url);
    lab.step_is(1);
    assert!(!shows_ways(&mut lab), "a session has come back");
}

#[test]
fn the_tour_is_taken_by_keyboard_and_left_by_escape() {
    let mut lab = Lab::open();
    lab.enter("#way-tour");
    focus_is(&mut lab, "#tour-go[data-stop='1']");
    lab.wait("getComputedStyle(document.querySelector('.pane-tree'), '::after').borderTopWidth === '3px'");
    lab.press("Enter", 0);
    lab.step_is(3);
    lab.wait("document.querySelector('#radix-canvas').dataset.height === '3'");
    lab.wait("document.querySelector('#tour-go').dataset.done === 'true'");
    lab.press("Enter", 0);
    focus_is(&mut lab, "#tour-go[data-stop='2']");
    lab.press("Enter", 0);
    lab.step_is(2);
    lab.wait("document.querySelector('#radix-canvas').dataset.height === '1'");
    lab.press("Enter", 0);
    lab.step_is(3);
    focus_is(&mut lab, "#tour-go[data-stop='3']");
    lab.press("Enter", 0);
    lab.step_is(6);
    lab.wait("document.querySelector('#pane-oom').textContent.includes('hog')");
    let said = lab.text("document.querySelector('#tour [aria-live=polite]').textContent");
    assert!(said.contains("3 of 3"), "{said}");
    // Nothing is locked: a line can be typed in between.
    assert_eq!(lab.says("radix lookup tour 4096"), "7");
    lab.press("Escape", 0);
    lab.wait("!document.querySelector('#tour')");
    focus_is(&mut lab, "#console-input");
    assert_eq!(lab.state("step"), "7", "what the session has stays");
    lab.is_clean();
}

#[test]
fn an_example_opens_with_its_pane_in_a_session_of_its_own() {
    let mut lab = Lab::open();
    lab.line("radix create mine");
    lab.click("#open-playground");
    dialog_is(&mut lab, "playground", true);
    lab.wait("document.querySelectorAll('#playground [data-example]').length >= 16");
    lab.enter("#playground [data-example='oom-badness'] button");
    dialog_is(&mut lab, "playground", false);
    lab.step_is(8);
    lab.wait("document.querySelector('#pane-oom').checkVisibility()");
    let entries = "document.querySelector('#console-output').textContent";
    assert!(lab.text(entries).contains("Who dies when memory runs out."));
    // The session before is kept.
    lab.click("#sessions");
    lab.wait(
        "[...document.querySelectorAll('dialog[open] input.name')]
            .some(name => name.value.includes('radix create mine'))",
    );
    lab.press("Escape", 0);
    // By a link, too, and what is no example is said.
    let url = lab.server.url();
    lab.browser.goto("about:blank").expect("a page");
    lab.open(&format!("{url}#example=slab-overrun"));
    lab.wait("document.querySelector('#pane-slab').textContent.includes('urb')");
    lab.step_is(7);
    lab.browser.goto("about:blank").expect("a page");
    lab.open(&format!("{url}#example=nonsense"));
    lab.wait(
        "document.querySelector('#console-output').textContent.includes(\"no example 'nonsense'\")",
    );
    lab.is_clean();
}

#[test]
fn labs_are_found_by_topic_and_difficulty() {
    let mut lab = Lab::open();
    lab.click("#way-labs");
    let count = "document.querySelectorAll('#catalogue .lab-entry').length";
    lab.wait(&format!("{count} >= 20"));
    let choose = |lab: &mut Lab, id: &str, value: &str| {
        lab.eval(&format!(
            "(s => {{ s.value = '{value}'; s.dispatchEvent(new Event('change', {{bubbles: true}})); }})
                (document.querySelector('#{id}'))"
        ));
    };
    choose(&mut lab, "labs-difficulty", "easy");
    lab.wait(&format!("{count} >= 3 && {count} < 10"));
    choose(&mut lab, "labs-topic", "Radix trees");
    lab.wait(&format!("{count} === 1"));
    let shown = lab.text("document.querySelector('#catalogue .lab-entry').textContent");
    assert!(
        shown.contains("easy") && shown.contains("minutes"),
        "{shown}"
    );
    let said = lab.text("document.querySelector('#labs-count').textContent");
    assert!(said.starts_with("1 of "), "{said}");
    lab.is_clean();
}

#[test]
fn the_search_forgives_a_typo_and_goes_there() {
    let mut lab = Lab::open();
    lab.settle();
    lab.press("k", CONTROL);
    dialog_is(&mut lab, "search", true);
    focus_is(&mut lab, "#search-field");
    lab.type_text("frelist");
    lab.wait("document.querySelector('#found-0')?.textContent.startsWith('freelist')");
    lab.press("Enter", 0);
    dialog_is(&mut lab, "search", false);
    dialog_is(&mut lab, "glossary", true);
    focus_is(&mut lab, "#term-freelist");
    // From word to word.
    lab.enter("#glossary .term:has(#term-freelist) a[href='#term=use-after-free']");
    focus_is(&mut lab, "#term-use-after-free");
    lab.press("Escape", 0);
    dialog_is(&mut lab, "glossary", false);
    // Commands come from the shell's own table; one that is chosen waits to be typed on.
    lab.press("k", CONTROL);
    focus_is(&mut lab, "#search-field");
    lab.type_text("radix insert");
    lab.wait("document.querySelector('#found-0')?.textContent.startsWith('radix insert')");
    lab.press("ArrowDown", 0);
    lab.press("ArrowUp", 0);
    lab.wait("document.querySelector('#search-field').getAttribute('aria-activedescendant') === 'found-0'");
    lab.press("Enter", 0);
    focus_is(&mut lab, "#console-input");
    lab.wait("document.querySelector('#console-input').value === 'radix insert '");
    lab.is_clean();
}

#[test]
fn the_judge_of_accessibility_has_no_objections() {
    let mut lab = Lab::open();
    lab.settle();
    lab.call_the_judge(&Settings::find());
    has_no_barriers(&mut lab, "the welcome");
    lab.enter("#way-tour");
    lab.wait("document.querySelector('#tour')");
    has_no_barriers(&mut lab, "the tour");
    lab.press("Escape", 0);
    for (route, ready) in [
        ("playground", "#playground [data-example]"),
        ("glossary", "#glossary .term"),
        ("search", "#search .found"),
        ("labs", "#catalogue .lab-entry"),
    ] {
        lab.eval(&format!("location.hash = '{route}'"));
        lab.wait(&format!(
            "document.querySelector('{ready}')?.checkVisibility()"
        ));
        has_no_barriers(&mut lab, route);
        lab.press("Escape", 0);
        lab.wait("!document.querySelector('dialog[open]')");
    }
    lab.is_clean();
}
