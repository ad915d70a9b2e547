//! The lab in a real Chromium: the whole of lab I with nothing but keys.
//!
//! What a student would have to find out, the test finds out with a kernel of its own: it runs the
//! same lines and asks it the same questions.

use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::Path;

use labs::lab::{Block, Lab, Numbers, fill, from_bytes, variant_of};
use labs::protocol::{Host, Request, Response};
use labs::{HostMemory, Session};
use serde_json::json;
use tests::Settings;
use tests::page::Page;
use tests::server::Server;

/// The lab.
const LAB: &str = "radix-keys";
/// Who works at it.
const STUDENT: &str = "Ada";
/// More presses of Tab than the page has places to stop at.
const TABS_MAX: usize = 400;

/// The page, live, in a browser of its own, from a server of its own.
struct Student {
    page: Page,
    server: Server,
}

impl Deref for Student {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl DerefMut for Student {
    fn deref_mut(&mut self) -> &mut Page {
        &mut self.page
    }
}

impl Student {
    fn open(settings: &Settings) -> Student {
        let server = Server::start(settings, &[]).expect("the server starts");
        let mut page = Student {
            page: Page::launch(settings),
            server,
        };
        page.load("");
        page
    }

    /// Opens the page afresh, with this query and fragment.
    #[track_caller]
    fn load(&mut self, address: &str) {
        let url = format!("{}{address}", self.server.url());
        self.browser.goto("about:blank").expect("the browser lives");
        self.page.open(&url);
        self.settle();
    }

    /// Whether what has the focus matches `selector`.
    #[track_caller]
    fn is_at(&mut self, selector: &str) -> bool {
        let selector = json!(selector);
        self.eval(&format!("document.activeElement.matches({selector})")) == true
    }

    /// Presses Tab until something that matches `selector` has the focus.
    #[track_caller]
    fn tab_to(&mut self, selector: &str) {
        for _ in 0..TABS_MAX {
            if self.is_at(selector) {
                return;
            }
            self.press("Tab", 0);
        }
        panic!("Tab does not lead to {selector}");
    }

    /// The step that is shown.
    #[track_caller]
    fn step(&mut self) -> u32 {
        self.state("step").parse().expect("a number")
    }

    /// Types a line at the console, which has the focus, and waits until it has run.
    #[track_caller]
    fn line(&mut self, line: &str) {
        let step = self.step();
        self.type_text(line);
        self.press("Enter", 0);
        self.step_is(step + 1);
    }

    /// Checks the work from wherever the focus is, and waits for what is found.
    #[track_caller]
    fn check(&mut self, score: &str) {
        self.press("Enter", 1);
        let score = json!(score);
        self.wait(&format!(
            "document.querySelector('#lab-score').textContent.includes({score})"
        ));
    }
}

/// A kernel that is asked what the student should know.
struct Oracle(Session);

impl Oracle {
    /// A kernel at the beginning of `lab`.
    fn new(lab: &Lab) -> Oracle {
        let mut oracle = Oracle(Session::new(Host::Native, Box::new(HostMemory)));
        let header = lab.machine.clone();
        oracle.0.handle(Request::Open { header });
        lab.scenario.iter().for_each(|line| oracle.run(line));
        oracle
    }

    fn run(&mut self, line: &str) {
        let lines = vec![line.as_bytes().to_vec()];
        let response = self.0.handle(Request::Run { lines });
        assert!(matches!(response, Response::Ran { .. }), "{response:?}");
    }

    fn ask(&mut self, line: &str) -> String {
        let line = line.as_bytes().to_vec();
        match self.0.handle(Request::Probe { line }) {
            Response::Probed(report) => String::from_utf8_lossy(&report.text).into_owned(),
            other => panic!("{other:?}"),
        }
    }
}

/// The lab with Ada's numbers, and its solution's lines.
fn lab_and_solution(settings: &Settings) -> (Lab, Vec<String>) {
    let file = settings
        .dist()
        .expect("the page is built")
        .join(format!("labs/{LAB}.lab"));
    let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let lab: Lab = from_bytes(&bytes).expect("it is a lab");
    let variant = variant_of(LAB, STUDENT);
    let numbers = Numbers::draw(&lab.varies, variant);
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../labs/catalogue/{LAB}/solution.sh"));
    let text = fs::read_to_string(file).expect("the lab has a solution");
    let text = fill(&text, &numbers).expect("the solution's numbers are the lab's");
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    (lab.instance(variant), lines.map(str::to_string).collect())
}

#[test]
fn lab_one_can_be_done_by_keyboard_alone() {
    let settings = Settings::find();
    let (lab, solution) = lab_and_solution(&settings);
    let mut oracle = Oracle::new(&lab);
    let mut page = Student::open(&settings);

    // The catalogue, the name, the lab. The focus is where one goes on.
    page.tab_to("#labs");
    page.press("Enter", 0);
    page.wait(&format!("document.querySelector('[data-lab={LAB}]')"));
    page.tab_to(&format!("[data-lab={LAB}] button"));
    page.press("Enter", 0);
    page.wait("document.activeElement.id === 'student-name'");
    page.type_text(STUDENT);
    page.press("Enter", 0);
    page.wait("document.activeElement.id === 'lab-title'");
    page.step_is(lab.scenario.len() as u32);
    let machine = page.eval("document.querySelector('.machine').textContent");
    assert!(
        machine
            .as_str()
            .is_some_and(|text| text.starts_with(&lab.machine)),
        "{machine}"
    );

    // The handout from top to bottom: what can be run is run, what is asked is answered.
    let mut questions = 0;
    for block in &lab.handout {
        match block {
            Block::Commands(lines) => {
                let step = page.step();
                page.tab_to(match lines.len() {
                    1 => "li:not(.ran) > .command",
                    _ => ".run-all:not([data-left='0'])",
                });
                page.press("Enter", 0);
                page.step_is(step + lines.len() as u32);
                lines.iter().for_each(|line| oracle.run(line));
                assert!(page.is_at(".commands button"), "the focus stays");
            }
            Block::Predict(question) => {
                let said = oracle.ask(&question.run);
                page.tab_to("#pane-lab .predict input:not([readonly])");
                page.type_text(question.answer(&said));
                page.press("Enter", 0);
                let outcome = format!("[data-question='{}'] [data-outcome]", question.id);
                page.wait(&format!("document.querySelector(\"{outcome}\")"));
                let outcome = page.eval(&format!(
                    "document.querySelector(\"{outcome}\").dataset.outcome"
                ));
                assert_eq!(outcome, "right", "{}", question.id);
                questions += 1;
            }
            _ => {}
        }
    }
    assert!(questions > 0);
    let left = page.eval("document.querySelectorAll('.commands li:not(.ran)').length");
    assert_eq!(left, 0, "all that can be run is marked");

    // Nothing of the student's own is there yet. A hint, by way of the first check.
    let (checks, points) = (lab.checks.len(), lab.points());
    page.check(&format!("0 of {checks} checks hold: 0 of {points}"));
    page.tab_to(".check.failed .hint");
    page.press(" ", 0);
    page.wait("document.querySelectorAll('.hints li').length === 1");

    // The student's part, at the console.
    page.press("1", 1);
    page.wait("document.activeElement.id === 'console-input'");
    solution.iter().for_each(|line| page.line(line));
    page.check(&format!(
        "{checks} of {checks} checks hold: {points} of {points}"
    ));
    assert!(
        page.is_at("#console-input"),
        "who checks from the console goes on there"
    );

    // Handing in.
    page.tab_to("#hand-in");
    page.press("Enter", 0);
    page.wait("document.querySelector('#receipt')");
    let said = page.eval("document.querySelector('#hand-in-said').textContent");
    assert!(
        said.as_str()
            .is_some_and(|text| text.contains(&format!("{points} of {points}"))),
        "{said}"
    );

    // A line that breaks something: the check leads to it.
    page.press("1", 1);
    page.wait("document.activeElement.id === 'console-input'");
    page.line("radix insert mine 77 1");
    let broken = page.step();
    page.line("radix stat mine");
    page.check(&format!("{} of {checks} checks hold", checks - 1));
    page.tab_to(".check.failed .go");
    page.press("Enter", 0);
    page.step_is(broken);

    // The catalogue knows; closing it gives the focus back.
    page.tab_to("#labs");
    page.press("Enter", 0);
    let so_far = format!("document.querySelector('[data-lab={LAB}] .so-far')");
    page.wait(&so_far);
    let text = page.eval(&format!("{so_far}.textContent"));
    let expected = format!("{checks} of {checks} checks, {points} of {points}");
    assert!(
        text.as_str().is_some_and(|text| text.contains(&expected)),
        "{text}"
    );
    page.press("Escape", 0);
    page.wait("document.activeElement.id === 'labs'");

    // Nothing of it is lost with the page.
    page.load("");
    page.wait("document.querySelector('#pane-lab')");
    page.settle();
    let revealed = page.eval("document.querySelectorAll('[data-outcome=right]').length");
    assert_eq!(revealed, questions);
    let left = page.eval("document.querySelectorAll('.commands li:not(.ran)').length");
    assert_eq!(left, 0);
    page.is_clean();
}

#[test]
fn a_line_at_the_console_leaves_the_handout_alone() {
    let settings = Settings::find();
    let mut page = Student::open(&settings);
    page.load(&format!("?student={STUDENT}#lab={LAB}"));
    page.wait("document.activeElement.id === 'lab-title'");
    page.settle();
    // How often the handout is touched while lines run that are not its own.
    page.eval(
        "(() => { window.touched = 0; new MutationObserver(list => window.touched += list.length)
            .observe(document.querySelector('#handout'),
                {subtree: true, childList: true, attributes: true, characterData: true}); })()",
    );
    page.press("1", 1);
    page.wait("document.activeElement.id === 'console-input'");
    for line in [
        "echo one",
        "radix create another",
        "radix fill another 0 1000",
    ] {
        page.line(line);
    }
    assert_eq!(page.eval("window.touched"), 0);
    // One that is, redraws its mark.
    page.line("radix show t");
    page.wait("document.querySelector('.commands li.ran')");
    assert_ne!(page.eval("window.touched"), 0);
    page.is_clean();
}

#[test]
fn questions_answered_too_early_or_wrongly_say_so() {
    let settings = Settings::find();
    let (lab, _) = lab_and_solution(&settings);
    let mut page = Student::open(&settings);
    page.load(&format!("?student={STUDENT}#lab={LAB}"));
    page.wait("document.activeElement.id === 'lab-title'");
    page.settle();
    let question = |id: &str| format!("[data-question='{id}']");
    // Nothing has run: what comes before the second question is offered, and runs.
    let second = lab.questions()[1].id.clone();
    page.click(&format!("{} .reveal", question(&second)));
    page.wait(&format!(
        "document.querySelector(\"{} .run-first\")",
        question(&second)
    ));
    page.click(&format!("{} .run-first", question(&second)));
    page.wait("document.querySelectorAll('.commands li.ran').length > 3");
    page.settle();
    page.click(&format!("{} .reveal", question(&second)));
    page.wait(&format!(
        "document.querySelector(\"{} [data-outcome=unanswered]\")",
        question(&second)
    ));
    let first = lab.questions()[0].id.clone();
    page.click(&format!("{} input", question(&first)));
    page.type_text("17");
    page.click(&format!("{} .reveal", question(&first)));
    page.wait(&format!(
        "document.querySelector(\"{} [data-outcome=wrong]\")",
        question(&first)
    ));
    let text = page.eval(&format!(
        "document.querySelector(\"{} .revealed\").textContent",
        question(&first)
    ));
    assert!(
        text.as_str()
            .is_some_and(|text| text.contains("Not so") && text.contains("17")),
        "{text}"
    );
    page.is_clean();
}
