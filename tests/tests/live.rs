//! A lesson that is followed live: two browsers, the real server, and what lies between them.

use std::fs;

use tests::Settings;
use tests::page::{Lab, Page};
use tests::server::Server;

/// Waits until the page shows this step of so many, and returns the chain there.
#[track_caller]
fn shows(page: &mut Page, step: u32, steps: u32) -> String {
    page.wait(&format!(
        "(it => it.step === '{step}' && it.steps === '{steps}')(document.querySelector('#state-line').dataset)"
    ));
    page.settle();
    page.state("chain")
}

/// Shares what a page shows; returns the link to follow.
#[track_caller]
fn share(page: &mut Page) -> String {
    page.click("#share");
    page.wait("document.querySelector('#share-live:enabled')");
    page.click("#share-live");
    page.wait("document.querySelector('#live-link')?.value");
    page.text("document.querySelector('#live-link').value")
}

/// What the strip below the head says.
#[track_caller]
fn strip(page: &mut Page) -> String {
    page.text("document.querySelector('.live')?.textContent ?? ''")
}

/// A student's page, which follows `link`.
#[track_caller]
fn follow(settings: &Settings, link: &str) -> Page {
    let mut page = Page::launch(settings);
    page.open(link);
    page
}

#[track_caller]
fn has_no_barriers(page: &mut Page, axe: &str) {
    page.eval(axe);
    for (width, height) in [(1280, 800), (390, 844)] {
        let is_phone = width < 600;
        page.browser
            .resize(width, height, is_phone)
            .expect("chromium can");
        for scheme in ["light", "dark"] {
            page.browser.prefer_scheme(scheme).expect("chromium can");
            let found = page.text(
                "axe.run(document, {resultTypes: ['violations']}).then(results => results.violations
                    .filter(it => it.impact === 'serious' || it.impact === 'critical')
                    .flatMap(it => it.nodes.map(node => `${it.id} at ${node.target.join(' ')}`)).join('; '))",
            );
            assert_eq!(found, "", "{width}x{height}, {scheme}");
        }
        let overflow = "document.documentElement.scrollWidth > innerWidth";
        assert_eq!(page.eval(overflow), false, "at {width} wide");
    }
    page.browser.resize(1280, 800, false).expect("chromium can");
}

#[test]
fn what_a_teacher_runs_runs_at_a_students_and_a_fork_is_the_students_own() {
    let settings = Settings::find();
    let axe = settings.axe().and_then(|file| {
        fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
    });
    let axe = axe.unwrap_or_else(|reason| panic!("no judge of accessibility: {reason}"));
    let mut lab = Lab::open();
    let teacher = &mut lab.page;
    teacher.line("radix create t");
    teacher.line("radix insert t 5 6");
    let link = share(teacher);

    // A late comer has what there was, and then each step.
    let mut student = follow(&settings, &link);
    let chain = shows(&mut student, 2, 2);
    assert_eq!(chain, teacher.state("chain"));
    teacher.wait("document.querySelector('.live').textContent.includes('1 follow')");
    teacher.line("radix fill t 0 1000 3");
    let chain = shows(&mut student, 3, 3);
    assert_eq!(chain, teacher.state("chain"));
    let text = strip(&mut student);
    assert!(text.contains("Following live, step 3 of 3"), "{text}");
    has_no_barriers(&mut student, &axe);
    has_no_barriers(teacher, &axe);

    // Back in time, and a line that drops the future.
    teacher.click("#step-back");
    shows(&mut student, 2, 3);
    teacher.line("echo other");
    let chain = shows(&mut student, 3, 3);
    assert_eq!(chain, teacher.state("chain"));
    // The student's console takes nothing.
    assert_eq!(
        student.eval("document.querySelector('#console-input').disabled"),
        true
    );

    // Looking around is the student's, and ends at a press.
    student.enter("#step-back");
    shows(&mut student, 2, 3);
    student
        .wait("document.querySelector('.live').textContent.includes('Looking around at step 2')");
    student.enter("#live-return");
    shows(&mut student, 3, 3);

    // A fork takes lines; the teacher's go on elsewhere.
    student.enter("#live-fork");
    student.wait("!document.querySelector('#console-input').disabled");
    student.line("echo mine");
    teacher.line("echo 4");
    teacher.line("echo 5");
    student.wait("document.querySelector('.live').textContent.includes('live is at step 5 of 5')");
    shows(&mut student, 4, 4);
    student.enter("#live-return");
    let chain = shows(&mut student, 5, 5);
    assert_eq!(chain, teacher.state("chain"));

    // The teacher's page is loaded anew, and goes on sharing by itself.
    teacher.eval("globalThis.isOld = true; location.reload()");
    teacher.wait("!globalThis.isOld && document.querySelector('#live-link')?.value");
    shows(teacher, 5, 5);
    teacher.line("echo 6");
    shows(&mut student, 6, 6);

    // The end leaves what there is.
    teacher.enter("#live-stop");
    student.wait("document.querySelector('.live').textContent.includes('is over')");
    student.wait("!document.querySelector('#console-input').disabled");
    student.line("echo after");
    shows(&mut student, 7, 7);
    student.enter("#live-leave");
    student.wait("!document.querySelector('.live')");
    teacher.is_clean();
    student.is_clean();

    // Whoever comes now is told, and has a page all the same.
    let mut late = follow(&settings, &link);
    late.wait("document.querySelector('.live').textContent.includes('no such live session')");
    late.line("echo alone");
}

#[test]
fn a_session_on_the_server_is_followed_too_and_sharing_outlives_a_restart() {
    let settings = Settings::find();
    let data = std::env::temp_dir().join(format!("glass-live-{}", std::process::id()));
    let data = data.to_str().expect("a path of letters");
    let server = Server::start(&settings, &["--data", data]).expect("the server starts");
    let (url, address) = (server.url(), server.address().to_string());
    let mut teacher = Page::launch(&settings);
    teacher.open(&url);
    teacher.wait("document.querySelector('#host option[value=native]:enabled')");
    let choose = |page: &mut Page, place: &str| {
        page.eval(&format!(
            "(it => {{ it.value = '{place}'; it.dispatchEvent(new Event('change', {{bubbles: true}})); }})
                (document.querySelector('#host'))"
        ));
        page.settle();
    };
    choose(&mut teacher, "native");
    teacher.line("mkdir /x");
    let link = share(&mut teacher);
    let mut student = follow(&settings, &link);
    assert_eq!(shows(&mut student, 1, 1), teacher.state("chain"));

    // Her kernel moves to her browser, and the server goes and comes back.
    choose(&mut teacher, "wasm");
    teacher.line("mkdir /y");
    shows(&mut student, 2, 2);
    server.stop("TERM").expect("it stops");
    student.wait("document.querySelector('.live').textContent.includes('trying again')");
    teacher.line("mkdir /z");
    let options = ["--data", data, "--addr", &address];
    let server = Server::start(&settings, &options).expect("the server starts");
    assert_eq!(shows(&mut student, 3, 3), teacher.state("chain"));
    // The folder is of no importance once the server is gone.
    drop(server);
    let _ = fs::remove_dir_all(data);
}
