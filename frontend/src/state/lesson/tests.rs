//! The lab's transitions, with a kernel that is real: a session as the hosts run it.

use std::collections::VecDeque;

use labs::lab::{Block, Check, Expect, Inline, Test, Variable};
use labs::protocol::Host;
use labs::{HostMemory, Session};

use super::super::{Action as PageAction, Effect as PageEffect, State};
use super::*;
use crate::choices::{Place, Theme};

/// A page, a kernel, and everything else that the page asked for.
struct Bench {
    state: State,
    session: Session,
    effects: Vec<Effect>,
    /// Requests that the carrier holds back.
    held: Option<Vec<Request>>,
}

impl Bench {
    fn new() -> Bench {
        let mut bench = Bench {
            state: State::new(Theme::Auto),
            session: Session::new(Host::Native, Box::new(HostMemory)),
            effects: Vec::new(),
            held: None,
        };
        bench.page(PageAction::Ready);
        bench
    }

    /// With the lab of [`lab`] open for Ada.
    fn with_lab() -> Bench {
        let mut bench = Bench::new();
        bench.act(Action::Student(ada()));
        bench.act(Action::Open("first".into()));
        bench.act(Action::Fetched("first".into(), Ok(Box::new(lab()))));
        bench.effects.clear();
        bench
    }

    fn act(&mut self, action: Action) {
        self.page(PageAction::Lesson(action));
    }

    /// Applies the action and lets the kernel answer until nobody has anything to say.
    fn page(&mut self, action: PageAction) {
        let mut effects: VecDeque<PageEffect> = self.state.apply(action).into();
        while let Some(effect) = effects.pop_front() {
            match effect {
                PageEffect::Send(request) => match &mut self.held {
                    Some(held) => held.push(request),
                    None => effects.extend(self.answer(request)),
                },
                PageEffect::Connect(_) => effects.extend(self.state.apply(PageAction::Ready)),
                PageEffect::Lesson(effect) => self.effects.push(effect),
                _ => {}
            }
        }
    }

    fn answer(&mut self, request: Request) -> Vec<PageEffect> {
        let response = self.session.handle(request.clone());
        self.state.apply(PageAction::Answered(request, response))
    }

    fn line(&mut self, line: &str) {
        self.page(PageAction::Submit(vec![line.into()]));
    }

    fn reveal(&mut self, question: &str, answer: &str) {
        self.reveal_or(question, answer, false);
    }

    fn reveal_or(&mut self, question: &str, answer: &str, anyway: bool) {
        self.act(Action::Reveal {
            question: question.into(),
            answer: answer.into(),
            anyway,
        });
    }

    #[track_caller]
    fn open(&self) -> &OpenLab {
        self.state.lesson.open.as_ref().expect("a lab is open")
    }

    /// The steps at which the commands of the handout ran, 0 for those that did not.
    fn ran(&self) -> Vec<u32> {
        let step = |ran: &Option<Ran>| ran.as_ref().map_or(0, |ran| ran.step);
        self.open().ran.iter().map(step).collect()
    }

    fn outcome(&self, question: &str) -> Option<Outcome> {
        self.open()
            .progress
            .answer(question)
            .map(|answer| answer.outcome)
    }

    fn kept(&self) -> Option<Progress> {
        let mut kept = self.effects.iter().filter_map(|effect| match effect {
            Effect::Keep(_, text) => Some(Progress::parse(text)),
            _ => None,
        });
        kept.next_back()
    }
}

fn text_of(bench: &Bench) -> String {
    String::from_utf8(bench.state.log_bytes()).expect("it is text")
}

fn ada() -> Student {
    Student {
        name: "Ada".into(),
        key: Some("k1".into()),
    }
}

/// A lab of one tree: commands, some of them in a list and one twice; questions; checks.
fn lab() -> Lab {
    let question = |id: &str, run: &str, after: &str| {
        Block::Predict(Question {
            id: id.into(),
            ask: Vec::new(),
            run: run.into(),
            after: after.into(),
            explain: vec![Inline::Text("because".into())],
        })
    };
    let commands =
        |lines: &[&str]| Block::Commands(lines.iter().map(|line| line.to_string()).collect());
    let check = |id: &str, points, run: &str, text: &str| Check {
        id: id.into(),
        title: id.into(),
        points,
        test: Test::Final {
            run: run.into(),
            expect: Expect::Text(text.into()),
        },
        hints: vec![
            vec![Inline::Text("one".into())],
            vec![Inline::Text("two".into())],
        ],
    };
    Lab {
        id: "first".into(),
        version: 2,
        title: "First".into(),
        machine: "mem=4M".into(),
        scenario: vec!["radix create t".into(), "radix stat t".into()],
        varies: vec![Variable {
            name: "key".into(),
            from: 100,
            to: 4000,
            step: 1,
        }],
        handout: vec![
            Block::Heading(2, Vec::new()),
            commands(&["radix insert t {{key}} 7", "radix stat t"]),
            question("height", "radix stat t", "height"),
            Block::List(None, vec![vec![commands(&["radix stat t"])]]),
            question("again", "radix insert t {{key}} 8", ""),
            question("silent", "true", "nothing"),
        ],
        checks: vec![
            check("there", 3, "radix lookup t {{key}}", "7"),
            check("alone", 2, "radix stat t", "height 2 nodes 2 items 1"),
        ],
        ..Lab::default()
    }
}

#[test]
fn a_lab_asks_who_one_is_and_begins_a_session_of_its_own() {
    let mut bench = Bench::new();
    bench.line("radix create mine");
    bench.act(Action::Open("first".into()));
    assert!(bench.state.lesson.shows_catalogue && bench.state.lesson.asks_name);
    bench.act(Action::Student(ada()));
    assert!(bench.effects.contains(&Effect::KeepStudent(ada())));
    assert_eq!(
        bench.effects.last(),
        Some(&Effect::FetchLab("first".into()))
    );
    bench.act(Action::Fetched("first".into(), Ok(Box::new(lab()))));

    let tag = bench.state.lab.clone().expect("the session names its lab");
    assert_eq!(tag, lab().tag(variant_of("first", "Ada")));
    assert!(!bench.state.lesson.shows_catalogue);
    assert_eq!(bench.state.pane, Pane::Lab);
    assert!(bench.effects.contains(&Effect::Focus(Spot::Title)));
    assert!(bench.state.header.starts_with("mem=4M"));
    let text = text_of(&bench);
    assert!(
        text.starts_with(&format!("glass=1 lab={tag} boot=")),
        "{text}"
    );
    assert!(text.ends_with("\nradix create t\nradix stat t\n"), "{text}");
    // The numbers are in their places, and the scenario is not the student's doing.
    let line = &bench.open().commands[0];
    assert!(
        line.starts_with("radix insert t ") && !line.contains('{'),
        "{line}"
    );
    assert_eq!(bench.ran(), [0, 0, 0]);
    // A lab that is not wanted any more does not replace the session.
    bench.act(Action::Fetched("other".into(), Ok(Box::new(lab()))));
    assert_eq!(bench.state.lab, Some(tag));
}

#[test]
fn what_has_run_is_marked_however_it_ran() {
    let mut bench = Bench::with_lab();
    let insert = bench.open().commands[0].clone();
    // Of two equal lines the one that was pressed is marked, else the first.
    bench.act(Action::Run(vec![2]));
    assert_eq!(bench.ran(), [0, 0, 3]);
    bench.act(Action::Run(vec![0, 1]));
    assert_eq!(bench.ran(), [4, 5, 3]);
    // Back to before the insertion; another line drops what came after.
    bench.page(PageAction::Seek(3));
    assert_eq!(bench.ran(), [4, 5, 3]);
    bench.line("radix stat t");
    assert_eq!(bench.ran(), [0, 4, 3]);
    bench.line(&insert);
    assert_eq!(bench.ran(), [5, 4, 3]);
    // A line that is nothing of the handout leaves everything as it is.
    let before = bench.open().ran.clone();
    bench.line("echo hello");
    assert!(Rc::ptr_eq(&before, &bench.open().ran));
    // Numbers that no command has are ignored.
    bench.act(Action::Run(vec![17]));
    assert_eq!(bench.state.log.len(), 6);
}

#[test]
fn a_prediction_is_held_against_the_kernel() {
    let mut bench = Bench::with_lab();
    bench.act(Action::Run(vec![0, 1, 2]));
    bench.reveal("height", " 2 ");
    assert_eq!(bench.outcome("height"), Some(Outcome::Right));
    let answer = bench.open().progress.answer("height").cloned();
    let answer = answer.expect("it is there");
    assert_eq!(
        (answer.given.as_str(), answer.expected.as_str()),
        ("2", "2")
    );
    assert_eq!(
        bench.state.log.len(),
        5,
        "a question leaves no trace in the log"
    );
    assert_eq!(
        bench.kept().map(|progress| progress.answers),
        Some(vec![answer])
    );
    // An error is the answer when the student has done what comes before.
    bench.reveal("again", "-EBUSY");
    assert_eq!(bench.outcome("again"), Some(Outcome::Wrong));
    // The first answer counts.
    bench.reveal("again", "-eexist");
    assert_eq!(bench.outcome("again"), Some(Outcome::Wrong));
}

#[test]
fn a_question_that_comes_too_early_says_what_comes_first() {
    let mut bench = Bench::with_lab();
    let insert = bench.open().commands[0].clone();
    bench.reveal("again", "-EEXIST");
    assert_eq!(bench.outcome("again"), None);
    let trouble = bench.open().trouble.clone().expect("it says so");
    assert_eq!(
        (trouble.question.as_str(), trouble.said.as_str()),
        ("again", "0")
    );
    let first: Vec<usize> = trouble.first.iter().map(|(command, _)| *command).collect();
    assert_eq!(first, [0, 1, 2]);
    assert_eq!(trouble.first[0].1, insert);
    bench.act(Action::Run(first));
    assert_eq!(bench.open().trouble, None, "it is not too early any more");
    bench.reveal("again", "");
    assert_eq!(bench.outcome("again"), Some(Outcome::Unanswered));
    // What comes before has run, but not at the step that is shown.
    bench.page(PageAction::Seek(2));
    bench.reveal("height", "0");
    let trouble = bench.open().trouble.clone().expect("it says so");
    assert!(trouble.first.is_empty() && trouble.is_past && trouble.has_answer);
    // Who insists gets the kernel's word.
    bench.reveal_or("height", "0", true);
    assert_eq!(bench.outcome("height"), Some(Outcome::Right));
    assert_eq!(bench.open().trouble, None);
    // No answer in what the kernel says, and nothing left to do first.
    bench.page(PageAction::Seek(u32::MAX));
    bench.reveal_or("silent", "x", true);
    assert_eq!(bench.outcome("silent"), None);
    let trouble = bench.open().trouble.clone().expect("it says so");
    assert!(trouble.first.is_empty() && !trouble.is_past && !trouble.has_answer);
    // A question that is not in the lab is not asked.
    bench.reveal("no-such", "x");
    assert_eq!(bench.open().asking(), None);
}

#[test]
fn questions_wait_until_the_lines_before_them_have_run() {
    let mut bench = Bench::with_lab();
    bench.held = Some(Vec::new());
    bench.act(Action::Run(vec![0, 1]));
    bench.reveal("height", "2");
    bench.reveal("height", "3");
    bench.act(Action::Check);
    assert_eq!(bench.open().asking(), Some("height"));
    assert!(bench.open().is_checking());
    let is_question =
        |request: &Request| matches!(request, Request::Probe { .. } | Request::Check { .. });
    let held = bench.held.take().expect("requests were held");
    assert!(!held.iter().any(is_question), "{held:?}");
    for request in held {
        for effect in bench.answer(request) {
            if let PageEffect::Send(request) = effect {
                bench.page_sends(request);
            }
        }
    }
    assert_eq!(bench.outcome("height"), Some(Outcome::Right));
    assert_eq!(
        bench.open().results.as_ref().map(|results| results.score),
        Some(5)
    );
}

impl Bench {
    /// Carries a request and all that follows from its answer.
    fn page_sends(&mut self, request: Request) {
        let mut requests = VecDeque::from([request]);
        while let Some(request) = requests.pop_front() {
            requests.extend(
                self.answer(request)
                    .into_iter()
                    .filter_map(|effect| match effect {
                        PageEffect::Send(request) => Some(request),
                        _ => None,
                    }),
            );
        }
    }
}

#[test]
fn checks_give_a_score_and_the_best_one_is_remembered() {
    let mut bench = Bench::with_lab();
    bench.act(Action::Check);
    let results = bench.open().results.clone().expect("they were asked");
    assert_eq!((results.score, results.verdicts.len()), (0, 2));
    assert!(
        results
            .verdicts
            .iter()
            .all(|verdict| verdict.step.is_some())
    );
    assert!(bench.state.results_are_fresh());
    assert_eq!(bench.effects.last(), Some(&Effect::Focus(Spot::Results)));

    bench.act(Action::Run(vec![0]));
    assert!(!bench.state.results_are_fresh());
    bench.act(Action::Check);
    assert_eq!(
        bench.open().results.as_ref().map(|results| results.score),
        Some(5)
    );
    assert_eq!(
        bench
            .kept()
            .map(|progress| (progress.best, progress.passed.len())),
        Some((5, 2))
    );
    // The work gets worse; the best is remembered.
    bench.line("radix insert t 1 1");
    bench.act(Action::Check);
    assert_eq!(
        bench.open().results.as_ref().map(|results| results.score),
        Some(3)
    );
    assert_eq!(bench.open().progress.best, 5);
    // Whatever step is shown, the end is checked.
    bench.page(PageAction::Seek(0));
    bench.act(Action::Check);
    assert_eq!(
        bench.open().results.as_ref().map(|results| results.score),
        Some(3)
    );
    // And a failing check leads to where it went wrong.
    let step = bench
        .open()
        .results
        .as_ref()
        .and_then(|results| results.verdicts[1].step);
    assert_eq!(step, Some(4));
    bench.act(Action::GoTo(4));
    assert_eq!(bench.state.kernel.step, 4);
    assert_eq!(bench.effects.last(), Some(&Effect::Focus(Spot::Console)));
}

#[test]
fn hints_come_one_at_a_time_and_are_counted() {
    let mut bench = Bench::with_lab();
    for shown in [1, 2, 2] {
        bench.act(Action::Hint("alone".into()));
        assert_eq!(bench.open().progress.hints_of("alone"), shown);
    }
    bench.act(Action::Hint("no-such".into()));
    assert_eq!(
        bench.kept().map(|progress| progress.hints),
        Some(vec![("alone".into(), 2)])
    );
}

#[test]
fn work_is_handed_in_with_the_score_that_it_has() {
    let mut bench = Bench::with_lab();
    bench.act(Action::Run(vec![0]));
    assert_eq!(bench.state.has_server(), None);
    bench.page(PageAction::HostsKnown(Ok(vec!["native".into()])));
    assert_eq!(bench.state.has_server(), Some(true));
    // Nothing was checked yet, so that comes first.
    bench.act(Action::HandIn);
    let sent = bench.effects.last().cloned();
    let expected = Effect::HandIn {
        lab: "first".into(),
        student: ada(),
        log: bench.state.log_bytes(),
        score: 5,
    };
    assert_eq!(sent, Some(expected));
    assert!(text_of(&bench).contains(" events="), "it is sealed");
    assert_eq!(bench.open().hand_in, HandIn::Sent);
    bench.act(Action::Graded(Err("the log was edited".into())));
    assert_eq!(
        bench.open().hand_in,
        HandIn::Refused("the log was edited".into())
    );
    bench.act(Action::HandIn);
    let receipt = Receipt {
        id: "17".into(),
        score: 5,
        max: 5,
    };
    bench.act(Action::Graded(Ok(receipt.clone())));
    assert_eq!(bench.open().hand_in, HandIn::Graded(receipt));
    assert_eq!(
        bench.kept().and_then(|progress| progress.handed_in),
        Some(("17".into(), 5))
    );
}

#[test]
fn without_a_server_the_log_is_saved() {
    let mut bench = Bench::with_lab();
    bench.page(PageAction::HostsKnown(Ok(Vec::new())));
    assert_eq!(bench.state.has_server(), Some(false));
    bench.act(Action::Save);
    let expected = Effect::Save("first-Ada.log".into(), bench.state.log_bytes());
    assert_eq!(bench.effects.last(), Some(&expected));
    assert_eq!(file_name("x", None), "x.log");
    let odd = Student {
        name: " ../Zoë K. ".into(),
        key: None,
    };
    assert_eq!(file_name("x", Some(&odd)), "x-Zoë-K.log");
}

#[test]
fn a_fallen_kernel_takes_no_question_along() {
    let mut bench = Bench::with_lab();
    bench.held = Some(Vec::new());
    bench.reveal("height", "2");
    bench.act(Action::HandIn);
    bench.page(PageAction::Failed("gone".into()));
    assert_eq!(bench.open().asking(), None);
    assert!(!bench.open().is_checking());
    assert_eq!(bench.open().hand_in, HandIn::No);
    bench.held = None;
    bench.page(PageAction::Restart);
    bench.reveal_or("height", "0", true);
    assert_eq!(bench.outcome("height"), Some(Outcome::Right));

    // One that is left for another host is asked again there.
    bench.held = Some(Vec::new());
    bench.act(Action::Check);
    bench.held = None;
    bench.page(PageAction::SwitchHost(Place::Server));
    assert!(bench.open().results.is_some());
}

#[test]
fn the_session_decides_which_handout_is_shown() {
    let mut bench = Bench::with_lab();
    let sealed = text_of(&bench);
    bench.act(Action::Close);
    assert!(bench.state.lesson.open.is_none());
    assert_eq!(bench.state.log.len(), 2, "the session stays");
    bench.line("echo on");
    assert!(
        bench.state.lesson.open.is_none(),
        "and the handout stays away"
    );
    // It comes back for the session that is there.
    bench.act(Action::Open("first".into()));
    bench.act(Action::Fetched("first".into(), Ok(Box::new(lab()))));
    assert_eq!((bench.ran(), bench.state.log.len()), (vec![0, 0, 0], 3));
    // Another session has no handout, and one from a file brings its own.
    bench.page(PageAction::LoadLog(b"mem=4M\necho a\n".to_vec()));
    assert!(bench.state.lesson.open.is_none());
    bench.effects.clear();
    bench.page(PageAction::LoadLog(sealed.into_bytes()));
    assert_eq!(bench.effects, [Effect::FetchLab("first".into())]);
    bench.act(Action::Fetched("first".into(), Ok(Box::new(lab()))));
    assert_eq!(bench.state.log.len(), 2);
    assert!(!bench.open().is_outdated());
    // One of an older version says so.
    let old = b"glass=1 lab=first@1/7 mem=4M\nradix create t\n";
    bench.page(PageAction::LoadLog(old.to_vec()));
    bench.act(Action::Fetched("first".into(), Ok(Box::new(lab()))));
    assert!(bench.open().is_outdated());
    assert_eq!(bench.open().tag.variant, 7);
    // Starting over begins with the present version and the student's numbers.
    bench.act(Action::StartOver);
    bench.act(Action::Fetched("first".into(), Ok(Box::new(lab()))));
    assert_eq!(bench.open().tag, lab().tag(variant_of("first", "Ada")));
    assert_eq!(bench.state.log.len(), 2);
}

#[test]
fn what_the_browser_remembers_comes_back() {
    let mut bench = Bench::with_lab();
    let tag = bench.open().tag.clone();
    let text = "best\t3\nblock\t4\npassed\tthere";
    bench.act(Action::Recalled(vec![(tag.clone(), text.into())]));
    assert_eq!((bench.open().progress.best, bench.open().start), (3, 4));
    // What happened since is newer than what is recalled for the catalogue.
    bench.act(Action::At(5));
    bench.act(Action::Recalled(vec![(tag.clone(), text.into())]));
    assert_eq!((bench.open().progress.block, bench.open().start), (5, 4));

    bench.act(Action::Catalogue(true));
    assert_eq!(bench.state.lesson.catalogue, Catalogue::Coming);
    bench.act(Action::Listed(Ok(vec![lab().entry()])));
    assert_eq!(
        bench.effects.last(),
        Some(&Effect::Recall(vec![tag.clone()]))
    );
    assert_eq!(
        bench
            .state
            .lesson
            .progress_of(&tag)
            .map(|progress| progress.best),
        Some(3)
    );
}

#[test]
fn what_cannot_be_had_is_said() {
    let mut bench = Bench::new();
    bench.act(Action::Catalogue(true));
    bench.act(Action::Listed(Err("offline".into())));
    assert_eq!(
        bench.state.lesson.catalogue,
        Catalogue::Missing("offline".into())
    );
    // Opening it again tries again.
    bench.act(Action::Catalogue(false));
    bench.act(Action::Catalogue(true));
    assert_eq!(bench.state.lesson.catalogue, Catalogue::Coming);
    bench.act(Action::Student(ada()));
    bench.act(Action::Open("no-such".into()));
    bench.act(Action::Fetched(
        "no-such".into(),
        Err("this site has none".into()),
    ));
    let error = bench.state.lesson.error.clone().unwrap_or_default();
    assert_eq!(
        error,
        "the lab 'no-such' cannot be opened: this site has none"
    );
    assert!(bench.state.lesson.shows_catalogue);
    assert_eq!(bench.state.log.len(), 0);
}
