//! The page in a real Chromium: typed at with key events, looked at through its data attributes and
//! its tables, and with a browser console that must stay clean.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::Settings;
use tests::cdp::Browser;
use tests::child::{children_of, signal};
use tests::page::{Lab, Page};
use tests::server::Server;
use tests::site::Site;

/// Waits until the drawn tree has these data attributes.
#[track_caller]
fn tree_is(lab: &mut Lab, height: u32, nodes: u32, items: u32) {
    lab.wait(&format!(
        "(d => d.height === '{height}' && d.nodes === '{nodes}' && d.items === '{items}' &&
            d.drawnNodes === '{nodes}')(document.querySelector('#radix-canvas').dataset)"
    ));
}

/// Switches the host by keyboard and waits until the log has run there.
#[track_caller]
fn switch(lab: &mut Lab, host: &str) {
    let (step, chain) = (lab.state("step"), lab.state("chain"));
    lab.wait(&format!(
        "!document.querySelector('#host option[value={host}]').disabled"
    ));
    lab.eval(&format!(
        "(s => {{ s.value = '{host}'; s.dispatchEvent(new Event('change', {{bubbles: true}})); }})
            (document.querySelector('#host'))"
    ));
    lab.wait("!document.querySelector('#step-slider').disabled");
    lab.settle();
    assert_eq!(
        (lab.state("step"), lab.state("chain")),
        (step, chain),
        "on {host}"
    );
}

#[test]
fn the_tree_grows_while_one_types() {
    let mut lab = Lab::open();
    assert_eq!(lab.says("radix create t"), "");
    assert_eq!(lab.says("radix insert t 0 1"), "0");
    tree_is(&mut lab, 1, 1, 1);
    let picture = lab.eval("document.querySelector('#radix-canvas').toDataURL()");
    assert_eq!(lab.says("radix insert t 4096 7"), "0");
    tree_is(&mut lab, 3, 5, 2);
    lab.wait("document.querySelector('#radix-canvas').dataset.pathLength === '3'");
    let other = lab.eval("document.querySelector('#radix-canvas').toDataURL()");
    assert_ne!(picture, other, "the picture stays the same");
    assert_eq!(lab.says("radix insert t 4096 8"), "-EEXIST");
    assert_eq!(lab.state("status"), "1");
    assert_eq!(lab.says("radix tag_set t 4096 0"), "7");
    assert_eq!(lab.says("radix stat t"), "height 3 nodes 5 items 2");
    // The same as a table.
    lab.click("#tree-table-toggle");
    lab.wait("document.querySelectorAll('#tree-table tbody tr').length === 5");
    lab.click("#tree-table-toggle");
    assert_eq!(lab.says("radix delete t 4096"), "7");
    tree_is(&mut lab, 1, 1, 1);
    lab.is_clean();
}

#[test]
fn memory_slab_and_events_have_pictures_and_tables() {
    let mut lab = Lab::open();
    lab.line("radix create t");
    lab.line("radix fill t 0 200 64");
    for pane in ["memory", "slab", "events"] {
        lab.click(&format!("#tab-{pane}"));
        lab.wait(&format!(
            "document.querySelector('#pane-{pane}').checkVisibility()"
        ));
        let pressed = format!("document.querySelector('#{pane}-table-toggle').ariaPressed");
        if lab.eval(&pressed) != "true" {
            lab.click(&format!("#{pane}-table-toggle"));
        }
        lab.wait(&format!(
            "document.querySelector('#{pane}-table')?.dataset.rows > 0"
        ));
        let sentence = lab.eval(&format!(
            "document.querySelector('#{pane}-sentence').textContent"
        ));
        assert!(
            sentence.as_str().is_some_and(|text| text.len() > 10),
            "{pane}: {sentence}"
        );
    }
    // The tables hold what the kernel says.
    lab.click("#tab-slab");
    lab.wait("document.querySelector('#slab-table')?.textContent.includes('radix_tree_node')");
    lab.click("#tab-events");
    lab.wait(
        "document.querySelector('#events-table')?.textContent.includes('kmem:kmem_cache_alloc')",
    );
    lab.is_clean();
}

#[test]
fn time_goes_back_and_forth_and_forks() {
    let mut lab = Lab::open();
    for line in [
        "radix create t",
        "radix insert t 5 1",
        "radix insert t 99 2",
        "radix insert t 5000 3",
    ] {
        lab.line(line);
    }
    tree_is(&mut lab, 3, 6, 3);
    let (events, chain) = (lab.state("events"), lab.state("chain"));
    lab.click("#step-back");
    lab.wait("document.querySelector('#state-line').dataset.step === '3'");
    tree_is(&mut lab, 2, 3, 2);
    lab.press("ArrowLeft", 1);
    lab.wait("document.querySelector('#state-line').dataset.step === '2'");
    tree_is(&mut lab, 1, 1, 1);
    lab.wait("document.querySelector('#past-note')");
    lab.click("#step-first");
    lab.wait("document.querySelector('#state-line').dataset.step === '0'");
    lab.click("#step-last");
    lab.wait("document.querySelector('#state-line').dataset.step === '4'");
    tree_is(&mut lab, 3, 6, 3);
    assert_eq!((lab.state("events"), lab.state("chain")), (events, chain));
    // A line in the past drops what came after.
    lab.click("#step-first");
    lab.wait("document.querySelector('#state-line').dataset.step === '0'");
    lab.click("#step-forward");
    lab.wait("document.querySelector('#state-line').dataset.step === '1'");
    lab.settle();
    assert_eq!(lab.says("radix insert t 7 70"), "0");
    assert_eq!(
        (lab.state("step").as_str(), lab.state("steps").as_str()),
        ("2", "2")
    );
    tree_is(&mut lab, 1, 1, 1);
    lab.is_clean();
}

#[test]
fn the_log_moves_to_the_server_and_to_qemu_and_back() {
    let mut lab = Lab::open();
    lab.line("radix create t");
    lab.line("radix fill t 0 100 7");
    for (host, line, text) in [
        ("native", "radix lookup t 14", "3"),
        ("qemu", "radix delete t 14", "3"),
        ("wasm", "radix lookup t 14", "NULL"),
        (
            "qemu",
            "radix insert t 14 8; cat /proc/buddyinfo > /b; echo $?",
            "0\n0",
        ),
    ] {
        switch(&mut lab, host);
        assert_eq!(lab.says(line), text, "on {host}");
    }
    // Steps back and forth on the guest as well.
    let chain = lab.state("chain");
    lab.click("#step-first");
    lab.wait("document.querySelector('#state-line').dataset.step === '0'");
    lab.click("#step-last");
    lab.wait("document.querySelector('#state-line').dataset.step === '6'");
    assert_eq!(lab.state("chain"), chain);
    switch(&mut lab, "wasm");
    lab.is_clean();
}

#[test]
fn a_killed_guest_and_a_stopped_server_lose_nothing() {
    let mut lab = Lab::open();
    lab.line("radix create t");
    lab.line("radix insert t 1 10");
    switch(&mut lab, "qemu");
    for guest in children_of(lab.server.id()) {
        signal(guest, "KILL").expect("it lives");
    }
    lab.wait("document.querySelector('.banner[role=alert]')");
    let said = lab.eval("document.querySelector('.banner').textContent");
    assert!(
        said.as_str()
            .is_some_and(|text| text.contains("guest") && text.contains("signal")),
        "{said}"
    );
    lab.click("#restart");
    lab.wait("!document.querySelector('.banner[role=alert]')");
    lab.wait("!document.querySelector('#step-slider').disabled");
    assert_eq!(lab.says("radix lookup t 1"), "10");
    assert_eq!(lab.state("steps"), "3");

    switch(&mut lab, "native");
    assert_eq!(lab.says("radix lookup t 1"), "10");
    // The server goes away altogether; the page keeps the log until one is back.
    let Lab {
        page: Page { mut browser },
        server,
    } = lab;
    let address = server.address().to_string();
    server.stop("TERM").expect("the server stops");
    browser
        .wait_for("document.querySelector('.banner[role=alert]')")
        .expect("the page says so");
    let said = browser
        .text("document.querySelector('.banner').textContent")
        .expect("the page lives");
    assert!(
        said.contains("the server stops") && said.contains("replay 4 lines"),
        "{said}"
    );
    browser.click("#restart").expect("there is a button");
    browser
        .wait_for("document.querySelector('.banner[role=alert]')")
        .expect("still no server");
    let settings = Settings::find();
    let _server = Server::start(&settings, &["--addr", &address]).expect("the port is free again");
    browser.click("#restart").expect("there is a button");
    let replayed = "document.querySelector('#state-line').dataset.step === '4' &&
        !document.querySelector('#step-slider').disabled";
    if let Err(error) = browser.wait_for(replayed) {
        let page = browser.text("document.body.innerText");
        panic!("{error}: {page:?}");
    }
    let exceptions = browser.console().expect("the browser lives");
    let exceptions: Vec<_> = exceptions
        .iter()
        .filter(|line| line.level == "exception")
        .collect();
    assert!(exceptions.is_empty(), "{exceptions:#?}");
}

#[test]
fn nonsense_is_answered_in_words_and_breaks_nothing() {
    let mut lab = Lab::open();
    lab.line("radix create t");
    lab.line("radix insert t 1 11");
    for (nonsense, words) in [
        ("frobnicate", "not found"),
        ("echo 'open", "quot"),
        (
            "radix insert t 18446744073709551616 1",
            "18446744073709551616",
        ),
        ("radix insert t 5 0", ""),
        ("radix tag_set t 1 99", "-EINVAL"),
        ("cat /no/such/file", "No such file"),
        ("; ; &&", ""),
        ("<b>bold</b> & <script>alert(1)</script>", ""),
    ] {
        let said = lab.says(nonsense);
        assert!(said.contains(words), "{nonsense}: {said}");
        assert!(!said.is_empty(), "{nonsense}: not a word");
        assert_ne!(lab.state("status"), "0", "{nonsense}");
    }
    // Ten megabytes in one line.
    lab.eval("document.querySelector('#console-input').value = 'echo ' + 'x'.repeat(10 << 20)");
    lab.eval("document.querySelector('#console-input').focus()");
    lab.press("Enter", 0);
    lab.wait("document.querySelector('#console-output').textContent.includes('too long')");
    lab.settle();
    // Several lines pasted, one of them with characters that are no text.
    lab.eval(
        "(input => { input.value = ''; const data = new DataTransfer();
            data.setData('text', 'echo one\\necho \\u0007\\u{1f600}\\n\\necho three\\n');
            input.dispatchEvent(new ClipboardEvent('paste',
                {clipboardData: data, bubbles: true, cancelable: true})); })
        (document.querySelector('#console-input'))",
    );
    lab.wait("[...document.querySelectorAll('.printed')].at(-1).textContent.trim() === 'three'");
    lab.settle();
    assert_eq!(lab.says("radix lookup t 1"), "11");
    lab.is_clean();
}

#[test]
fn the_log_can_be_read_changed_and_loaded_from_a_file() {
    let mut lab = Lab::open();
    lab.line("radix create t");
    lab.line("radix insert t 1 11");
    lab.click("#log");
    lab.wait("document.querySelector('#log-text').checkVisibility()");
    let text = lab.eval("document.querySelector('#log-text').value");
    let sealed = format!(
        " chain={} mem=64M nodes=1 cpus=1 hz=1000 slab=slub seed=1\nradix create t\nradix insert t 1 11\n",
        lab.state("chain")
    );
    assert!(
        text.as_str().is_some_and(|text| text.ends_with(&sealed)),
        "{text}"
    );
    // A machine that cannot be is refused, and the session is as it was.
    lab.eval("document.querySelector('#log-text').value = 'mem=3Q\\ntrue\\n'");
    lab.click("#log-run");
    lab.wait(
        "document.querySelector('#sessions-dialog [role=alert]')?.textContent.includes('mem=3Q')",
    );
    lab.eval("document.querySelector('#log-text').value = 'mem=8M nodes=2\\nradix create u\\nradix insert u 70 5\\n'");
    lab.click("#log-run");
    lab.wait("document.querySelector('.machine').textContent.startsWith('mem=8M nodes=2')");
    lab.wait("document.querySelector('#state-line').dataset.step === '2'");
    lab.settle();
    tree_is(&mut lab, 2, 2, 1);
    // A file of any bytes.
    let mut log = b"mem=4M\nradix create v\n\xff\xfe\x00\necho ".to_vec();
    log.resize(log.len() + (3 << 20), b'y');
    log.extend(b"\n\nradix insert v 1 1\n");
    let file = std::env::temp_dir().join(format!("glass-log-{}", std::process::id()));
    std::fs::write(&file, log).expect("the temporary folder can be written");
    lab.click("#log");
    lab.wait("document.querySelector('#log-text').checkVisibility()");
    let input = lab
        .browser
        .call(
            "Runtime.evaluate",
            json!({"expression": "document.querySelector('#log-file')"}),
        )
        .expect("chromium can");
    let object = &input["result"]["objectId"];
    let files = json!({"files": [file.to_string_lossy()], "objectId": object});
    lab.browser
        .call("DOM.setFileInputFiles", files)
        .expect("chromium can");
    lab.wait("document.querySelector('.machine').textContent.startsWith('mem=4M')");
    lab.wait("document.querySelector('#state-line').dataset.step === '5'");
    lab.settle();
    let _ = std::fs::remove_file(&file);
    tree_is(&mut lab, 1, 1, 1);
    assert_eq!(lab.says("radix lookup v 1"), "1");
    lab.is_clean();
}

#[test]
fn the_keyboard_alone_is_enough() {
    let mut lab = Lab::open();
    // The console has the focus from the start; Tab completes.
    lab.browser.type_text("radix cre").expect("keys work");
    lab.press("Tab", 0);
    lab.wait("document.querySelector('#console-input').value.startsWith('radix create')");
    lab.browser.type_text("t").expect("keys work");
    lab.press("Enter", 0);
    lab.wait("document.querySelector('#state-line').dataset.step === '1'");
    lab.line("radix fill t 0 100 50");
    // Earlier lines come back.
    lab.press("ArrowUp", 0);
    lab.wait("document.querySelector('#console-input').value === 'radix fill t 0 100 50'");
    lab.press("ArrowDown", 0);
    // Into the tree, down to a leaf, open it, close it.
    lab.press("2", 1);
    lab.wait("document.activeElement.id === 'radix-canvas'");
    for key in ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight"] {
        lab.press(key, 0);
    }
    lab.wait("document.querySelector('#radix-focus').textContent.length > 5");
    lab.press("Enter", 0);
    lab.wait("document.querySelectorAll('table.slots td').length === 64");
    lab.press("Escape", 0);
    lab.wait("!document.querySelector('table.slots')");
    for key in ["+", "+", "-", "0"] {
        lab.press(key, 0);
    }
    // Through time.
    lab.press("Home", 1);
    lab.wait("document.querySelector('#state-line').dataset.step === '0'");
    lab.press("End", 1);
    lab.wait("document.querySelector('#state-line').dataset.step === '2'");
    // Help.
    lab.press("?", 8);
    lab.wait("document.querySelector('dialog.help').open");
    lab.press("Escape", 0);
    lab.wait("!document.querySelector('dialog.help').open");
    // Tab reaches every control, and the focus can always be seen.
    let mut reached = Vec::new();
    for _ in 0..80 {
        lab.press("Tab", 0);
        let id = lab.eval("document.activeElement.id");
        reached.push(id.as_str().unwrap_or_default().to_string());
    }
    for id in [
        "host",
        "theme",
        "help",
        "console-input",
        "radix-canvas",
        "tree-table-toggle",
        "step-back",
        "step-slider",
    ] {
        assert!(
            reached.iter().any(|seen| seen == id),
            "Tab never reaches {id}: {reached:?}"
        );
    }
    lab.is_clean();
}

#[test]
fn light_and_dark_follow_the_system_until_one_chooses() {
    let mut lab = Lab::open();
    let background = "getComputedStyle(document.body).backgroundColor";
    lab.browser.prefer_scheme("light").expect("chromium can");
    let light = lab.eval(background);
    lab.browser.prefer_scheme("dark").expect("chromium can");
    let dark = lab.eval(background);
    assert_ne!(light, dark);
    for (theme, expected) in [("light", &light), ("dark", &dark), ("auto", &dark)] {
        lab.click("#theme");
        lab.wait(&format!(
            "document.documentElement.dataset.theme === '{theme}'"
        ));
        assert_eq!(&lab.eval(background), expected, "{theme}");
    }
    lab.click("#theme");
    lab.wait("document.documentElement.dataset.theme === 'light'");
    let url = lab.server.url();
    lab.browser.goto(&url).expect("the page is there");
    lab.wait("document.documentElement.dataset.live === '1'");
    assert_eq!(lab.eval(background), light, "the choice is forgotten");
    lab.is_clean();
}

#[test]
fn a_phone_shows_one_pane_at_a_time_and_nothing_sticks_out() {
    let mut lab = Lab::open();
    lab.browser.resize(360, 740, true).expect("chromium can");
    let url = lab.server.url();
    lab.browser.goto(&url).expect("the page is there");
    lab.wait("document.documentElement.dataset.live === '1'");
    lab.line("radix create t");
    lab.line("radix fill t 0 300 64");
    lab.line("cat /proc/slabinfo");
    for pane in ["tree", "memory", "slab", "events", "console"] {
        lab.click(&format!("#tab-{pane}"));
        lab.wait(&format!(
            "document.querySelector('#pane-{pane}').checkVisibility()"
        ));
        let panes = lab.eval("[...document.querySelectorAll('section.pane')].filter(p => p.checkVisibility()).length");
        assert_eq!(panes, 1, "{pane}");
        let sticks_out = lab.eval("document.documentElement.scrollWidth - innerWidth");
        assert!(
            sticks_out.as_i64().is_some_and(|pixels| pixels <= 0),
            "{pane}: {sticks_out} pixels"
        );
    }
    lab.click("#tab-tree");
    lab.wait("(b => b.width > 200 && b.height > 200)(document.querySelector('#radix-canvas').getBoundingClientRect())");
    lab.is_clean();
}

#[test]
fn everything_that_can_be_operated_has_a_name() {
    let mut lab = Lab::open();
    lab.line("radix create t");
    lab.line("radix insert t 70 200");
    let tree = lab
        .browser
        .call("Accessibility.getFullAXTree", json!({}))
        .expect("chromium can");
    let nodes = tree["nodes"].as_array().expect("a list");
    let mut operable = 0;
    for node in nodes {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        let roles = [
            "button",
            "textbox",
            "combobox",
            "slider",
            "tab",
            "searchbox",
            "link",
            "checkbox",
        ];
        if node["ignored"] == true || !roles.contains(&role) {
            continue;
        }
        operable += 1;
        let name = node["name"]["value"].as_str().unwrap_or_default();
        assert!(!name.trim().is_empty(), "a {role} without a name: {node}");
    }
    assert!(operable > 10, "only {operable} controls");
    assert_eq!(lab.eval("document.documentElement.lang"), "en");
    lab.is_clean();
}

#[test]
fn a_tree_of_ten_thousand_nodes_is_drawn_frame_after_frame() {
    let mut lab = Lab::open();
    lab.line("radix create t");
    lab.line("radix fill t 0 10000 64");
    lab.wait("document.querySelector('#radix-canvas').dataset.nodes > 10000");
    // Every frame draws the whole picture anew, moved a little.
    let intervals = lab.eval(
        "new Promise(done => {
            const canvas = document.querySelector('#radix-canvas');
            const box = canvas.getBoundingClientRect();
            const times = [];
            let last = performance.now();
            const frame = now => {
                times.push(now - last);
                last = now;
                canvas.dispatchEvent(new WheelEvent('wheel', {deltaY: times.length % 2 ? 40 : -40,
                    clientX: box.x + box.width / 2, clientY: box.y + box.height / 2,
                    bubbles: true, cancelable: true}));
                times.length < 60 ? requestAnimationFrame(frame) : done(times.sort((a, b) => a - b));
            };
            requestAnimationFrame(frame);
        })",
    );
    let median = intervals[30].as_f64().expect("sixty frames were drawn");
    println!(
        "10,000 nodes: a frame takes {median:.1} ms, {:.1} ms at worst",
        intervals[59].as_f64().unwrap_or(0.0)
    );
    lab.is_clean();
}

/// How soon after its files, it prints; the promise of 150 ms is for a machine that does nothing
/// else, and measured by `cargo xtask bench page`.
#[test]
fn the_first_view_comes_at_every_load() {
    let mut lab = Lab::open();
    let url = lab.server.url();
    lab.browser
        .call("Network.setCacheDisabled", json!({"cacheDisabled": true}))
        .expect("chromium can");
    let mut best = (f64::MAX, f64::MAX);
    for _ in 0..8 {
        lab.browser.goto(&url).expect("the page is there");
        lab.wait("performance.getEntriesByName('glass-live').length > 0");
        let times = lab.eval(
            "(() => { const live = performance.getEntriesByName('glass-live')[0].startTime;
                const files = performance.getEntriesByType('resource')
                    .filter(file => /[.](js|css|wasm)$/.test(file.name))
                    .map(file => file.responseEnd).filter(end => end <= live);
                return [live, live - Math.max(...files)]; })()",
        );
        let (live, after) = (times[0].as_f64(), times[1].as_f64());
        let (live, after) = (live.expect("a view"), after.expect("files"));
        best = (best.0.min(live), best.1.min(after));
    }
    println!(
        "first view: {:.0} ms after the files, {:.0} ms after navigation",
        best.1, best.0
    );
    assert!(best.1.is_finite(), "a load without a first view");
    lab.is_clean();
}

#[test]
fn any_web_host_will_do_in_a_folder_and_in_a_frame() {
    let settings = Settings::find();
    let dist = settings.dist().expect("the page is built");
    let folder = dist.parent().expect("it is in a folder").to_path_buf();
    let name = dist
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a plain name")
        .to_string();
    let site = Site::serve(folder).expect("loopback can be listened on");
    let mut browser = Browser::launch(&settings).expect("chromium starts");
    browser
        .goto(&format!("{}{name}/index.html", site.url()))
        .expect("the page is there");
    browser
        .wait_for("document.documentElement.dataset.live === '1'")
        .expect("it comes to life");
    browser.type_text("echo hello").expect("keys work");
    browser.press("Enter").expect("keys work");
    browser
        .wait_for("document.querySelector('.printed')?.textContent.trim() === 'hello'")
        .expect("the kernel runs");
    // Without a server the other hosts can't be chosen, and the switch says why.
    let disabled =
        "[...document.querySelectorAll('#host option')].filter(o => o.disabled).length === 2";
    browser.wait_for(disabled).expect("the switch knows");
    browser.goto(&site.url()).expect("the site is there");
    let frame = format!(
        "document.body.append(Object.assign(document.createElement('iframe'), {{src: '{name}/index.html'}}))"
    );
    browser.eval(&frame).expect("a frame can be added");
    browser
        .wait_for("frames[0]?.document.documentElement.dataset.live === '1'")
        .expect("it comes to life in a frame");
    let trouble = browser.trouble().expect("the browser lives");
    assert!(trouble.is_empty(), "{trouble:#?}");
}

/// A script that never ends must neither freeze the page nor the kernel.
#[test]
fn a_long_script_leaves_the_page_usable() {
    let mut lab = Lab::open();
    lab.line("radix create t");
    lab.eval(
        "(input => { const data = new DataTransfer();
            data.setData('text', 'radix fill t 0 4000 3; radix gang_lookup t 0 4000 > /f\\n'.repeat(2000));
            input.dispatchEvent(new ClipboardEvent('paste',
                {clipboardData: data, bubbles: true, cancelable: true})); })
        (document.querySelector('#console-input'))",
    );
    let start = Instant::now();
    let mut longest = Duration::ZERO;
    while start.elapsed() < Duration::from_secs(2) {
        let asked = Instant::now();
        lab.click("#theme");
        longest = longest.max(asked.elapsed());
    }
    println!("the page answered within {longest:.0?} while a script ran");
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    if lab.eval("!!document.querySelector('#stop')") == true {
        lab.click("#stop");
        lab.wait("document.querySelector('#restart, #rerun') || document.querySelector('#console-input').dataset.busy === 'false'");
    }
    lab.is_clean();
}
