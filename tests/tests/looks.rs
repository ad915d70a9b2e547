//! Where panes are, the lecture hall, and pictures as files, in a real Chromium, on a page that the real
//! server sends with its policy of what a page may do.

use tests::page::Lab;

/// From now on, files that the page offers are kept in `saved`, by how their bytes begin.
const KEEP_FILES: &str = "window.saved = {}; const make = URL.createObjectURL;
    URL.createObjectURL = blob => {
        blob.arrayBuffer().then(bytes => {
            const all = new Uint8Array(bytes);
            saved[String.fromCharCode(...all.subarray(0, 4)).replace(/[^A-Za-z<]/g, '')] = { blob, all }; });
        return make.call(URL, blob); }; 0";

fn width_of_console(lab: &mut Lab) -> f64 {
    let width = lab.eval("document.querySelector('.pane-console').getBoundingClientRect().width");
    width.as_f64().expect("a width")
}

#[test]
fn panes_are_widened_moved_and_put_back_by_keyboard_and_that_is_remembered() {
    let mut lab = Lab::open();
    lab.line("radix create t");
    // What the splitters are drawn by comes once somebody could use them.
    lab.wait("document.querySelector('#split-left')");
    let before = width_of_console(&mut lab);
    lab.eval("document.querySelector('#split-left').focus()");
    let value = "Number(document.querySelector('#split-left').getAttribute('aria-valuenow'))";
    let share = lab.eval(value).as_f64();
    for _ in 0..4 {
        lab.press("ArrowRight", 0);
    }
    lab.wait(&format!("{value} > {}", share.expect("a share")));
    lab.settle();
    let wide = width_of_console(&mut lab);
    assert!(wide > before + 20.0, "{before} to {wide} pixels");

    // The tree goes on the left, and the console takes its place.
    lab.ask('a');
    lab.wait("document.querySelector('dialog[open] #layout-reset')");
    lab.press("Escape", 0);
    lab.wait("!document.querySelector('dialog[open]')");
    lab.click("#tree-menu");
    lab.wait("document.querySelector('dialog[open] #move-left')");
    lab.enter("#move-left");
    lab.press("Escape", 0);
    let tree_is_left = "document.querySelector('.pane-tree').getBoundingClientRect().left <
        document.querySelector('.pane-console').getBoundingClientRect().left";
    lab.wait(tree_is_left);

    let url = lab.server.url();
    lab.browser.goto("about:blank").expect("a page");
    lab.open(&url);
    lab.wait(tree_is_left);
    lab.ask('a');
    lab.wait("document.querySelector('dialog[open] #layout-reset:not(:disabled)')");
    lab.enter("#layout-reset");
    lab.press("Escape", 0);
    lab.wait(&format!("!({tree_is_left})"));
    lab.settle();
    assert!((width_of_console(&mut lab) - before).abs() < 1.0);
    lab.is_clean();
}

#[test]
fn a_lecture_hall_is_large_and_leaves_no_trace() {
    let mut lab = Lab::open();
    lab.line("radix create t");
    lab.line("radix fill t 0 100");
    let settings = lab.text("localStorage.getItem('glass-settings') ?? ''");
    lab.ask('h');
    lab.wait("document.documentElement.hasAttribute('data-hall')");
    lab.wait("document.querySelector('#hall-leave')");
    assert_eq!(
        lab.eval("document.documentElement.scrollWidth <= innerWidth"),
        true
    );
    lab.press("Escape", 0);
    lab.wait("!document.documentElement.hasAttribute('data-hall')");
    assert_eq!(
        lab.text("localStorage.getItem('glass-settings') ?? ''"),
        settings
    );
    lab.is_clean();
}

#[test]
fn a_picture_is_taken_along_as_svg_and_as_png() {
    let mut lab = Lab::open();
    lab.line("radix create t");
    lab.line("radix fill t 0 100 64");
    lab.settle();
    lab.eval(KEEP_FILES);
    lab.click("#tree-menu");
    lab.wait("document.querySelector('dialog[open] #save-svg')");
    lab.enter("#save-svg");
    lab.wait("saved['<svg']");
    // It is XML, and there is more in it than the background.
    lab.eval(
        "saved['<svg'].blob.text().then(text => {
            const picture = new DOMParser().parseFromString(text, 'image/svg+xml');
            window.shapes = picture.querySelector('parsererror') ? -1
                : picture.querySelectorAll('rect, path, text').length; })",
    );
    lab.wait("window.shapes !== undefined");
    let shapes = lab.eval("shapes").as_i64();
    assert!(
        shapes.is_some_and(|shapes| shapes > 10),
        "{shapes:?} shapes"
    );
    lab.click("#tree-menu");
    lab.enter("#save-png");
    lab.wait("saved.PNG");
    lab.eval(
        "createImageBitmap(saved.PNG.blob).then(picture => { window.pixels = [picture.width, picture.height]; })",
    );
    lab.wait("window.pixels !== undefined");
    assert_eq!(lab.eval("pixels[0] > 300 && pixels[1] > 200"), true);
    lab.is_clean();
}

#[test]
fn a_run_is_taken_along_as_a_film_and_as_a_handout() {
    let mut lab = Lab::open();
    lab.run(&[
        "radix create t",
        "radix insert t 0 1",
        "radix insert t 70 2",
    ]);
    lab.settle();
    lab.eval(KEEP_FILES);
    lab.eval("window.printed = 0; window.print = () => { printed += 1; }; 0");
    lab.ask('x');
    lab.wait("document.querySelector('#run-gif:not(:disabled)')");
    lab.enter("#run-gif");
    lab.wait("saved.GIF");
    assert_eq!(
        lab.eval("saved.GIF.all.length > 1000 && saved.GIF.all.at(-1) === 0x3b"),
        true
    );
    lab.eval("createImageBitmap(saved.GIF.blob).then(it => { window.wide = it.width; }); 0");
    lab.wait("window.wide > 300");
    lab.wait("document.querySelector('#run-handout:not(:disabled)')");
    lab.enter("#run-handout");
    lab.wait("printed === 1");
    lab.is_clean();
}
