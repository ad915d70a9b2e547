//! Every transition, with a kernel that is played.

use labs::protocol::{Goal, Host};
use labs::view::{
    CallbacksView, ChangesView, ContainersView, EventRow, ObjectState, ObjectView, Touch,
};

use super::*;
mod keeping;

use crate::transcript::{PRINTED_SHOWN, TYPED_SHOWN};

/// Answers as a session would, with an output of `ran LINE` and an event a line; the line `count`
/// prints its step instead.
pub(super) struct FakeKernel {
    pub(super) log: Vec<Vec<u8>>,
    step: usize,
    /// At most this many lines a request, as a step budget would have it.
    pub(super) budget: usize,
    /// Added to the chain, to play a host that computes something else.
    pub(super) skew: u64,
    pub(super) asked: Vec<Request>,
    /// The hierarchies that it shows.
    pub(super) containers: ContainersView,
    /// The callbacks of the one step that called any.
    pub(super) called: Option<CallbacksView>,
    /// Lines fail.
    pub(super) fails: bool,
}

impl FakeKernel {
    pub(super) fn new() -> FakeKernel {
        FakeKernel {
            log: Vec::new(),
            step: 0,
            budget: 1000,
            skew: 0,
            asked: Vec::new(),
            containers: ContainersView::default(),
            called: None,
            fails: false,
        }
    }

    /// Depends on every line so far, as the kernel's does.
    fn chain(&self) -> u64 {
        let lines = self.log[..self.step].iter();
        lines.fold(1000, |chain, line| {
            let line: u64 = line.iter().map(|byte| u64::from(*byte)).sum();
            (chain * 31 + line) % 1_000_003
        })
    }

    fn state(&self) -> StateView {
        StateView {
            chain: self.chain(),
            step: self.step as u32,
            steps: self.log.len() as u32,
            events: self.step as u64,
            ..Default::default()
        }
    }

    pub(super) fn handle(&mut self, request: Request) -> Response {
        self.asked.push(request.clone());
        match request {
            Request::Open { header } => {
                let header = if header.is_empty() {
                    "mem=64M".into()
                } else {
                    header
                };
                (self.log, self.step) = (Vec::new(), 0);
                let state = self.state();
                Response::Opened {
                    version: PROTOCOL_VERSION,
                    host: Host::Native,
                    header,
                    state,
                }
            }
            Request::Run { lines } => {
                self.log.truncate(self.step);
                let mut reports = Vec::new();
                for line in lines.into_iter().take(self.budget) {
                    self.step += 1;
                    let text = match line.as_slice() {
                        b"count" => self.step.to_string().into_bytes(),
                        line => [b"ran ", line, b"\n"].concat(),
                    };
                    self.log.push(line);
                    let (events, chain) = (self.step as u64, self.chain() + self.skew);
                    reports.push(LineReport {
                        text,
                        status: self.fails.into(),
                        events,
                        chain,
                    });
                }
                Response::Ran {
                    lines: reports,
                    state: self.state(),
                }
            }
            Request::Seek { step } => {
                self.step = (step as usize).min(self.log.len());
                Response::State(self.state())
            }
            Request::Complete { .. } => {
                Response::Completions(vec!["radix".into(), "radish".into()])
            }
            Request::View(ViewRequest::Memory) => {
                Response::View(Some(View::Memory(MemoryView::default())))
            }
            Request::View(ViewRequest::Slab) => Response::View(Some(View::Slab(SlabView {
                bugs: self.step as u32,
                ..SlabView::default()
            }))),
            // An object of one byte, the step.
            Request::View(ViewRequest::Object { at }) if at < 100 => {
                Response::View(Some(View::Object(ObjectView {
                    at,
                    size: 1,
                    name: "thing".into(),
                    cache: String::new(),
                    state: ObjectState::Allocated,
                    pfn: 0,
                    fields: Vec::new(),
                    bytes: vec![self.step as u8],
                })))
            }
            Request::View(ViewRequest::Changes { from, to }) => {
                let frames = vec![to];
                Response::View(Some(View::Changes(ChangesView {
                    from,
                    to,
                    frames,
                    ..ChangesView::default()
                })))
            }
            Request::View(ViewRequest::Events { since, .. }) => {
                let next = self.step as u64;
                let event = |number| EventRow {
                    number,
                    step: number as u32 + 1,
                    name: String::from_utf8_lossy(&self.log[number as usize]).into(),
                    touches: vec![Touch { at: 512, bytes: 8 }],
                    ..EventRow::default()
                };
                Response::View(Some(View::Events(EventsView {
                    next,
                    lost: 0,
                    events: (since..next).map(event).collect(),
                })))
            }
            Request::View(ViewRequest::Containers { .. }) => {
                Response::View(Some(View::Containers(self.containers.clone())))
            }
            Request::View(ViewRequest::Callbacks { step }) => {
                let called = self.called.clone().filter(|called| called.step == step);
                Response::View(called.map(View::Callbacks))
            }
            Request::View(ViewRequest::Timeline {
                step,
                from_ns,
                to_ns,
            }) => Response::View(sched::tests::played(
                &self.log[..step as usize],
                from_ns,
                to_ns,
            )),
            Request::View(_) => Response::View(None),
            // Ten steps an answer.
            Request::Search {
                goal: Goal::Became { line, .. },
                before,
            } => {
                let reached = before.saturating_sub(10);
                let looked_at = &self.log[reached as usize..before as usize];
                let found = looked_at.iter().rposition(|known| *known == line);
                let found = found.map(|at| reached + at as u32 + 1);
                Response::Searched { found, reached }
            }
            // Two events a piece.
            Request::Trace { to, resume, .. } => {
                let event = resume.unwrap_or(0);
                Response::Traced {
                    bytes: format!("{event} ").into_bytes(),
                    next: (event + 2 < u64::from(to)).then_some(event + 2),
                }
            }
            other => panic!("not asked by the page: {other:?}"),
        }
    }
}

/// A page with a kernel; effects that are no requests are kept.
pub(super) struct Bench {
    pub(super) state: State,
    pub(super) kernel: FakeKernel,
    journal: keeping::FakeJournal,
    pub(super) effects: Vec<Effect>,
}

impl Bench {
    pub(super) fn new() -> Bench {
        let mut bench = Bench {
            state: State::new(Theme::Auto),
            kernel: FakeKernel::new(),
            journal: keeping::FakeJournal::default(),
            effects: vec![],
        };
        bench.act(Action::Ready);
        bench
    }

    /// Applies the action and lets the kernel answer until nobody has anything to say.
    pub(super) fn act(&mut self, action: Action) {
        let mut effects: VecDeque<Effect> = self.state.apply(action).into();
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Send(request) => {
                    let response = self.kernel.handle(request.clone());
                    effects.extend(self.state.apply(Action::Answered(request, response)));
                }
                Effect::Connect(place) => {
                    self.effects.push(Effect::Connect(place));
                    effects.extend(self.state.apply(Action::Ready));
                }
                Effect::Library(effect) => {
                    let answers = self.journal.perform(effect);
                    effects.extend(
                        answers
                            .into_iter()
                            .flat_map(|action| self.state.apply(Action::Library(action))),
                    );
                }
                other => self.effects.push(other),
            }
        }
    }

    pub(super) fn type_lines(&mut self, text: &str) {
        self.act(Action::Submit(
            text.lines().map(|line| line.into()).collect(),
        ));
    }

    /// The log, a space between lines.
    pub(super) fn log(&self) -> String {
        let lines = self.state.log.iter().map(|line| line.typed.as_str());
        lines.collect::<Vec<_>>().join(" ")
    }

    /// The errors on the console.
    pub(super) fn errors(&self) -> Vec<&str> {
        let error = |entry: &'_ Entry| matches!(entry, Entry::Note { is_error: true, .. });
        let errors = self.state.transcript.iter().filter(|entry| error(entry));
        errors
            .map(|entry| {
                if let Entry::Note { text, .. } = entry {
                    &**text
                } else {
                    ""
                }
            })
            .collect()
    }
}

#[test]
fn the_first_views_follow_the_boot() {
    let bench = Bench::new();
    assert_eq!(bench.state.link, Link::Live);
    assert_eq!(bench.state.header, "mem=64M");
    assert!(bench.state.memory.is_some());
    assert!(bench.state.drawn_once);
    assert!(bench.errors().is_empty());
}

#[test]
fn lines_run_in_order_whatever_the_budget() {
    let mut bench = Bench::new();
    bench.kernel.budget = 2;
    bench.type_lines("a\nb\nc\nd\ne");
    assert_eq!(bench.log(), "a b c d e");
    assert_eq!(bench.state.kernel.step, 5);
    assert_eq!(bench.state.log[4].printed, "ran e");
    assert!(!bench.state.is_running());
}

#[test]
fn a_line_in_the_past_drops_the_future() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb\nc");
    bench.act(Action::StepBy(-2));
    assert_eq!(bench.state.later_lines(), 2);
    assert_eq!(bench.log(), "a b c");
    bench.type_lines("x");
    assert_eq!(bench.log(), "a x");
    assert_eq!(bench.state.later_lines(), 0);
    assert_eq!(bench.kernel.log, [b"a", b"x"]);
    assert_eq!(bench.state.transcript.len(), 2);
}

#[test]
fn seeking_is_clamped_and_coalesced() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb\nc");
    bench.act(Action::Seek(99));
    assert_eq!(bench.state.kernel.step, 3);
    bench.act(Action::StepBy(-99));
    assert_eq!(bench.state.kernel.step, 0);
    // Three clicks before the kernel answers are one or two seeks, not three.
    let first = bench.state.apply(Action::StepBy(1));
    assert_eq!(first, [Effect::Send(Request::Seek { step: 1 })]);
    assert!(bench.state.apply(Action::StepBy(1)).is_empty());
    assert!(bench.state.apply(Action::StepBy(1)).is_empty());
    let response = bench.kernel.handle(Request::Seek { step: 1 });
    bench.act(Action::Answered(Request::Seek { step: 1 }, response));
    assert_eq!(bench.state.kernel.step, 3);
    let seeks = bench
        .kernel
        .asked
        .iter()
        .filter(|r| matches!(r, Request::Seek { step: 2 }));
    assert_eq!(seeks.count(), 0);
}

#[test]
fn a_fallen_kernel_takes_nothing_with_it() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb\nc");
    bench.act(Action::StepBy(-1));
    // `d` is on its way when the kernel falls.
    let _ = bench.state.apply(Action::Submit(vec![b"d".to_vec()]));
    bench.act(Action::Failed("panicked".into()));
    assert_eq!(bench.state.link, Link::Down("panicked".into()));
    assert_eq!(bench.state.unanswered, [b"d"]);
    assert_eq!(bench.log(), "a b c");
    assert_eq!(bench.effects, [Effect::Disconnect]);
    // What is typed meanwhile waits, too.
    bench.type_lines("e");
    bench.kernel = FakeKernel::new();
    bench.act(Action::Restart);
    assert_eq!(bench.state.kernel.step, 2);
    assert_eq!(bench.kernel.log, [b"a", b"b", b"c"]);
    bench.act(Action::Rerun);
    assert_eq!(bench.log(), "a b d e");
    assert_eq!(bench.errors().len(), 1);
}

#[test]
fn another_host_takes_over_the_log_and_is_compared() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb");
    bench.kernel = FakeKernel::new();
    bench.act(Action::SwitchHost(Place::Server));
    assert_eq!(bench.kernel.log, [b"a", b"b"]);
    assert!(bench.errors().is_empty());
    bench.kernel = FakeKernel {
        skew: 7,
        ..FakeKernel::new()
    };
    bench.act(Action::SwitchHost(Place::Qemu));
    assert_eq!(
        bench.errors(),
        ["step 1 emits other events on this host than before"]
    );
    assert_eq!(bench.log(), "a b");
}

#[test]
fn a_refused_line_changes_nothing() {
    let mut bench = Bench::new();
    let run = bench.state.apply(Action::Submit(vec![b"a".to_vec()]));
    let [Effect::Send(request)] = run.as_slice() else {
        panic!("{run:?}")
    };
    let refusal = Response::Error {
        message: "the machine is off".into(),
    };
    bench.act(Action::Answered(request.clone(), refusal));
    assert_eq!(bench.errors(), ["the machine is off"]);
    assert!(bench.log().is_empty());
    bench.type_lines("b");
    assert_eq!(bench.log(), "b");
}

#[test]
fn an_answer_of_the_wrong_kind_ends_the_connection() {
    let mut bench = Bench::new();
    bench.act(Action::Answered(
        Request::Seek { step: 1 },
        Response::Closed,
    ));
    let expected = "it answered a request to seek with something else";
    assert_eq!(bench.state.link, Link::Down(expected.into()));
}

#[test]
fn a_machine_that_does_not_start_loses_nothing() {
    let mut bench = Bench::new();
    bench.type_lines("a");
    let _ = bench.state.apply(Action::SwitchHost(Place::Qemu));
    let open = bench.state.apply(Action::Ready);
    let [Effect::Send(request)] = open.as_slice() else {
        panic!("{open:?}")
    };
    let refusal = Response::Error {
        message: "no room".into(),
    };
    bench.act(Action::Answered(request.clone(), refusal));
    assert_eq!(bench.state.link, Link::Down("no room".into()));
    bench.act(Action::Restart);
    assert_eq!((bench.log().as_str(), bench.state.kernel.step), ("a", 1));
}

#[test]
fn an_older_protocol_is_named() {
    let mut bench = Bench::new();
    let opened = Response::Opened {
        version: 99,
        host: Host::Native,
        header: String::new(),
        state: StateView::default(),
    };
    bench.act(Action::Answered(
        Request::Open {
            header: String::new(),
        },
        opened,
    ));
    assert!(
        bench.errors()[0].contains("version 99"),
        "{:?}",
        bench.errors()
    );
}

#[test]
fn interrupt_spares_the_line_that_runs() {
    let mut bench = Bench::new();
    bench.kernel.budget = 1;
    let lines = (0..300).map(|n| n.to_string().into_bytes()).collect();
    let run = bench.state.apply(Action::Submit(lines));
    assert_eq!(run.len(), 1);
    bench.state.apply(Action::Interrupt);
    for effect in run {
        let Effect::Send(request) = effect else {
            panic!()
        };
        let response = bench.kernel.handle(request.clone());
        bench.act(Action::Answered(request, response));
    }
    assert_eq!(bench.state.log.len(), LINES_PER_REQUEST);
}

#[test]
fn an_overlong_line_is_refused_here() {
    let mut bench = Bench::new();
    bench.act(Action::Submit(vec![vec![b'x'; LINE_MAX + 1]]));
    assert_eq!(bench.errors().len(), 1);
    bench.act(Action::Submit(vec![vec![b'x'; 10 << 20]]));
    assert_eq!(bench.state.log.len(), 1);
    assert!(bench.state.log[0].typed.len() < TYPED_SHOWN + 40);
    assert!(bench.state.log[0].printed.len() < PRINTED_SHOWN + 100);
}

#[test]
fn tab_completes_and_lists() {
    let mut bench = Bench::new();
    bench.act(Action::Complete("r".into()));
    assert_eq!(bench.effects, [Effect::SetInput("radi".into())]);
    bench.act(Action::Complete("radi".into()));
    assert!(bench.state.transcript.is_empty());
    bench.act(Action::Complete("radi".into()));
    assert_eq!(bench.state.transcript.len(), 1);
    // A word begins where the kernel says that it does.
    bench.act(Action::Complete("true;r".into()));
    let last = bench.effects.last();
    assert_eq!(last, Some(&Effect::SetInput("true;radi".into())));
}

#[test]
fn words_share_a_start() {
    let words = |list: &[&str]| list.iter().map(|word| word.to_string()).collect::<Vec<_>>();
    assert_eq!(common_start(&words(&["radix", "radish"])), "radi");
    assert_eq!(common_start(&words(&["né", "nè"])), "n");
    assert_eq!(common_start(&words(&["a", "b"])), "");
}

#[test]
fn only_what_is_seen_is_asked_for() {
    let mut bench = Bench::new();
    bench.act(Action::Show(Pane::Events));
    bench.kernel.asked.clear();
    bench.type_lines("a");
    let views = bench
        .kernel
        .asked
        .iter()
        .filter(|r| matches!(r, Request::View(_)));
    assert_eq!(views.count(), 2);
    assert!(bench.kernel.asked.iter().any(|request| {
        matches!(
            request,
            Request::View(ViewRequest::Events {
                since: 0,
                max: EVENTS_SHOWN
            })
        )
    }));
}

#[test]
fn opening_a_node_asks_for_that_node_only() {
    let mut bench = Bench::new();
    bench.kernel.asked.clear();
    bench.act(Action::OpenNode(Some(7)));
    let wanted = Request::View(ViewRequest::RadixNode { node: 7 });
    assert_eq!(bench.kernel.asked, [wanted]);
    assert!(!bench.state.is_busy());
    // Closing it does not make the page forget that a line has changed everything.
    let run = bench.state.apply(Action::Submit(vec![b"a".to_vec()]));
    let [Effect::Send(request)] = run.as_slice() else {
        panic!("{run:?}")
    };
    let response = bench.kernel.handle(request.clone());
    assert!(bench.state.apply(Action::OpenNode(None)).is_empty());
    bench.kernel.asked.clear();
    bench.act(Action::Answered(request.clone(), response));
    assert_eq!(bench.kernel.asked.len(), 2);
}

#[test]
fn another_log_replaces_the_session_if_it_is_one() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb");
    let text = String::from_utf8(bench.state.log_bytes()).unwrap();
    assert!(
        text.starts_with("glass=1 ") && text.ends_with(" seed=1\na\nb\n"),
        "{text}"
    );
    bench.act(Action::ShowLog(true));
    bench.act(Action::LoadLog(b"mem=1Q\nx".to_vec()));
    assert!(bench.state.log_error.is_some());
    let sheet = Some(library::Sheet::Text);
    assert_eq!(
        (bench.log().as_str(), bench.state.library.sheet),
        ("a b", sheet)
    );
    bench.act(Action::LoadLog(b"mem=32M cpus=2\nx\n\ny".to_vec()));
    assert_eq!(bench.state.library.sheet, None);
    assert_eq!(bench.log(), "x  y");
    assert!(
        bench.state.header.contains("mem=32M"),
        "{}",
        bench.state.header
    );
    assert_eq!(bench.kernel.log, [b"x".as_slice(), b"", b"y"]);
    assert_eq!(bench.state.transcript.len(), 3);
    bench.act(Action::LoadLog(b"only\nlines".to_vec()));
    assert_eq!(bench.log(), "only lines");
}

#[test]
fn hosts_come_with_a_reason() {
    let mut bench = Bench::new();
    assert!(bench.state.offers(Place::Server).is_err());
    bench.act(Action::HostsKnown(Ok(vec!["native".into()])));
    assert!(bench.state.offers(Place::Server).is_ok());
    assert!(bench.state.offers(Place::Qemu).is_err());
    bench.act(Action::HostsKnown(Err("no server here".into())));
    assert_eq!(
        bench.state.offers(Place::Server),
        Err("no server here".into())
    );
}

#[test]
fn themes_go_round() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.act(Action::NextTheme);
    }
    let worn = [Theme::Light, Theme::Dark, Theme::Auto].map(Effect::Wear);
    assert_eq!(bench.effects, worn);
    assert_eq!(Theme::from_name("dark"), Theme::Dark);
    assert_eq!(Theme::from_name("?"), Theme::Auto);
}

#[test]
fn a_language_is_spoken_and_remembered() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.state.settings().language,
        None,
        "as the browser prefers"
    );
    let effects = bench.state.apply(Action::Speak(Language::German));
    assert!(effects.contains(&Effect::Speak(Language::German)));
    let settings = bench.state.settings();
    assert_eq!(settings.language, Some(Language::German));
    assert!(effects.contains(&Effect::Library(library::Effect::Remember(settings))));
}

#[test]
fn a_language_that_cannot_be_had_is_told_and_asked_for_again_next_time() {
    let mut bench = Bench::new();
    bench.act(Action::Speak(Language::German));
    bench.act(Action::Speechless(Language::German));
    let Some(Entry::Note { text, is_error }) = bench.state.transcript.last() else {
        panic!("nothing is said");
    };
    assert!(*is_error && text.contains("Deutsch"), "{text}");
    assert_eq!(bench.state.settings().language, Some(Language::German));
}
