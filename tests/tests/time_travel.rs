//! Stepping back and forth shows the same kernel as running the log from the start; lines that are
//! taken back leave no trace; and what searches find is what looking at every step finds.

mod truth;

use kernel_core::slab::Allocator;
use labs::protocol::{Goal, Host, LineReport, Request, Response, View, ViewRequest};
use labs::view::{Change, ObjectChange, ObjectState, StateView};
use tests::host::{self, Driver};
use tests::log_gen::Subject;
use tests::{Random, Settings, log_gen};
use truth::Truth;

fn state(response: Response) -> StateView {
    match response {
        Response::State(state) => state,
        other => panic!("{other:?}"),
    }
}

/// The log that belongs to `seed`; from [`SLABS`] on it is about slab caches, each allocator in turn.
fn lines_of(seed: u64) -> log_gen::Lines {
    match seed.checked_sub(SLABS) {
        None => log_gen::generate(seed),
        Some(number) => {
            let allocator = Allocator::ALL[number as usize % Allocator::ALL.len()];
            log_gen::generate_about(Subject::Slab(allocator), number)
        }
    }
}

/// The first seed of a log about slab caches.
const SLABS: u64 = 10_000_000;

/// Runs a log in pieces with excursions into the past, and compares each state on the way with what
/// a straight replay reported.
fn check(driver: &mut dyn Driver, seed: u64) {
    let log = log_gen::join(&lines_of(seed));
    let parsed = labs::log::parse(&log);
    let (header, lines) = (parsed.header.to_string(), parsed.lines);
    let mut ask = |request: Request| {
        driver
            .request(request)
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"))
    };
    let expected = match ask(Request::Replay {
        log: log.clone(),
        each_line: true,
    }) {
        Response::Replayed(outcome) => outcome,
        // An absurd header: there is nothing to travel through.
        Response::Error { .. } => return,
        other => panic!("seed {seed}: {other:?}"),
    };
    let boot = state(ask(Request::Seek { step: 0 }));
    let at = |step: u32| -> (u64, u64) {
        let report = step
            .checked_sub(1)
            .and_then(|index| expected.lines.get(index as usize));
        report.map_or(
            (boot.events, boot.chain),
            |LineReport { events, chain, .. }| (*events, *chain),
        )
    };

    match ask(Request::Open { header }) {
        Response::Opened { state, .. } => {
            assert_eq!((state.events, state.chain), at(0), "seed {seed}")
        }
        other => panic!("seed {seed}: {other:?}"),
    }
    let mut random = Random::new(seed);
    let mut run: u32 = 0;
    let total = expected.lines.len() as u32;
    while run < total {
        let piece = (1 + random.below(20) as u32).min(total - run);
        let next = &lines[run as usize..(run + piece) as usize];
        let next = next.iter().map(|line| line.to_vec()).collect();
        match ask(Request::Run { lines: next }) {
            Response::Ran { lines, state } => {
                assert!(!lines.is_empty(), "seed {seed}");
                for (report, expected) in lines.iter().zip(&expected.lines[run as usize..]) {
                    assert_eq!(report, expected, "seed {seed}");
                }
                run += lines.len() as u32;
                assert_eq!((state.step, state.steps), (run, run), "seed {seed}");
            }
            other => panic!("seed {seed} at step {run}: {other:?}"),
        }
        for _ in 0..random.below(4) {
            let step = random.below(u64::from(run) + 1) as u32;
            let there = state(ask(Request::Seek { step }));
            assert_eq!(there.step, step, "seed {seed}");
            assert_eq!(
                (there.events, there.chain),
                at(step),
                "seed {seed} at step {step}"
            );
        }
        if random.one_in(2) && run > 0 {
            // Another future, which is given up again.
            let step = run - 1 - random.below(u64::from(run.min(5))) as u32;
            ask(Request::Seek { step });
            ask(Request::Run {
                lines: vec![b"radix create elsewhere; pages alloc 3".to_vec()],
            });
            ask(Request::Seek { step });
            run = step;
        } else {
            let back = state(ask(Request::Seek { step: u32::MAX }));
            assert_eq!(
                (back.step, back.events, back.chain),
                (run, at(run).0, at(run).1),
                "seed {seed}"
            );
        }
    }
    // Step by step back to the boot, and to the end again.
    for step in (0..run).rev().chain([run]) {
        let there = state(ask(Request::Seek { step }));
        assert_eq!(
            (there.step, there.events, there.chain),
            (step, at(step).0, at(step).1),
            "seed {seed} at step {step}"
        );
    }
    // The session's own log is the log that was run, and running it gives the same memory.
    let written = match ask(Request::Log) {
        Response::Log(log) => log,
        other => panic!("seed {seed}: {other:?}"),
    };
    match ask(Request::Replay {
        log: written,
        each_line: true,
    }) {
        Response::Replayed(outcome) => assert_eq!(outcome, expected, "seed {seed}"),
        other => panic!("seed {seed}: {other:?}"),
    }
}

/// Where a session stands, and what its log is.
fn place(driver: &mut dyn Driver) -> (StateView, Vec<u8>) {
    let state = state(ask(driver, Request::State));
    match ask(driver, Request::Log) {
        Response::Log(log) => (state, log),
        other => panic!("{other:?}"),
    }
}

fn ask(driver: &mut dyn Driver, request: Request) -> Response {
    driver.request(request).expect("the host is there")
}

/// Opens a session on the log that belongs to `seed` and runs it; `None` if its header is absurd.
fn session(driver: &mut dyn Driver, seed: u64) -> Option<Truth> {
    let log = log_gen::join(&lines_of(seed));
    let truth = Truth::of(&log)?;
    let header = truth.header.clone();
    ask(driver, Request::Open { header });
    let mut rest = truth.lines.clone();
    while !rest.is_empty() {
        match ask(
            driver,
            Request::Run {
                lines: rest.clone(),
            },
        ) {
            Response::Ran { lines, .. } => drop(rest.drain(..lines.len())),
            // The machine was powered off: the log ends here.
            Response::Error { .. } => break,
            other => panic!("seed {seed}: {other:?}"),
        }
    }
    Some(truth)
}

/// Lines that succeed at some steps of a random log and fail at others.
const QUESTIONS: [(&str, &str); 6] = [
    ("radix stat t", ""),
    ("radix stat t", "height 2"),
    ("radix lookup cache 0 || radix lookup t 0", ""),
    ("cat /f", ""),
    ("ls /", "d"),
    ("cat /proc/self/fail-nth", "0"),
];

/// Probes random lines at random steps. A probe must do what the line would do there, and nothing.
fn check_probes(driver: &mut dyn Driver, seed: u64) {
    let Some(truth) = session(driver, seed) else {
        return;
    };
    let mut random = Random::new(seed);
    let others = lines_of(seed + 999_999);
    for _ in 0..8 {
        let step = random.below(u64::from(truth.end()) + 1) as u32;
        ask(driver, Request::Seek { step });
        let before = place(driver);
        let line = random.pick(&others).clone();
        match ask(driver, Request::Probe { line: line.clone() }) {
            Response::Probed(report) => {
                let mut log = truth.lines[..step as usize].to_vec();
                log.push(line);
                match host::Native::new().replay(&truth.log_of(&log), true) {
                    Ok(outcome) => {
                        assert_eq!(Some(&report), outcome.lines.last(), "seed {seed}");
                    }
                    // Programs of the lines before have filled the answer: another step will do.
                    Err(error) => assert!(error.contains(" bytes so far"), "seed {seed}: {error}"),
                }
            }
            Response::Error { message } => {
                assert!(before.0.powered_off, "seed {seed}: {message}");
            }
            other => panic!("seed {seed}: {other:?}"),
        }
        assert_eq!(place(driver), before, "seed {seed} at step {step}");
    }
    // All of memory, after all of that.
    ask(driver, Request::Seek { step: u32::MAX });
    let log = place(driver).1;
    let straight = host::Native::new().replay(&log, false).expect("a good log");
    assert_eq!(straight.frames, truth.hash(), "seed {seed}");
}

/// Asks until the search has come to its end.
fn search(driver: &mut dyn Driver, goal: &Goal, mut before: u32) -> Option<u32> {
    loop {
        let goal = goal.clone();
        match ask(driver, Request::Search { goal, before }) {
            Response::Searched {
                found: None,
                reached,
            } if reached > 0 => {
                assert!(reached < before, "no headway from {before}");
                before = reached;
            }
            Response::Searched { found, .. } => return found,
            other => panic!("{other:?}"),
        }
    }
}

/// Compares searches with looking at every step.
fn check_searches(driver: &mut dyn Driver, seed: u64) {
    let Some(truth) = session(driver, seed) else {
        return;
    };
    let mut random = Random::new(seed);
    let here = random.below(u64::from(truth.end()) + 1) as u32;
    ask(driver, Request::Seek { step: here });
    let place_before = place(driver);
    for _ in 0..12 {
        let before = random.below(u64::from(truth.end()) + 1) as u32;
        let frame = *random.pick(&truth.written());
        let unit = random.below(512) as u32;
        let bytes = 1 + random.below(300) as u32;
        let object = frame * 512 + unit.min(511 - bytes.div_ceil(8));
        let expected = truth.last_change(object, bytes, before);
        let goal = Goal::Changed { object, bytes };
        assert_eq!(
            search(driver, &goal, before),
            expected,
            "seed {seed}: {bytes} bytes at {object:#x} up to step {before}"
        );
    }
    let (line, prints) = *random.pick(&QUESTIONS);
    let held: Vec<bool> = (0..=truth.end())
        .map(|step| {
            ask(driver, Request::Seek { step });
            match ask(driver, Request::Probe { line: line.into() }) {
                Response::Probed(report) => {
                    let text = String::from_utf8_lossy(&report.text);
                    report.status == 0 && text.contains(prints)
                }
                Response::Error { .. } => false,
                other => panic!("seed {seed}: {other:?}"),
            }
        })
        .collect();
    ask(driver, Request::Seek { step: here });
    for before in [truth.end(), here] {
        let expected = (0..=before)
            .rev()
            .find(|&step| held[step as usize] && (step == 0 || !held[step as usize - 1]));
        let goal = Goal::Became {
            line: line.into(),
            prints: prints.into(),
        };
        assert_eq!(
            search(driver, &goal, before),
            expected,
            "seed {seed}: {line} prints {prints:?} up to step {before}"
        );
    }
    assert_eq!(place(driver), place_before, "seed {seed}");
}

/// Compares what a session says of two steps with all that memory held after them.
fn check_changes(driver: &mut dyn Driver, seed: u64) {
    let Some(truth) = session(driver, seed) else {
        return;
    };
    let mut random = Random::new(seed);
    let here = random.below(u64::from(truth.end()) + 1) as u32;
    ask(driver, Request::Seek { step: here });
    let place_before = place(driver);
    for _ in 0..6 {
        let to = random.below(u64::from(truth.end()) + 1) as u32;
        let from = if random.one_in(2) {
            to.saturating_sub(1)
        } else {
            random.below(u64::from(to) + 1) as u32
        };
        let view = match ask(driver, Request::View(ViewRequest::Changes { from, to })) {
            Response::View(Some(View::Changes(view))) => view,
            other => panic!("seed {seed}: {other:?}"),
        };
        let at = format!("seed {seed}, from step {from} to step {to}");
        assert_eq!((view.from, view.to), (from, to), "{at}");
        let differ = |frame: &u32| truth.frame(*frame, from) != truth.frame(*frame, to);
        let frames: Vec<u32> = truth.written().into_iter().filter(differ).collect();
        assert_eq!(view.frames, frames, "{at}");

        // The bytes that differ are those of the objects listed, each byte once or, where a page
        // changed hands, twice.
        let byte = |at: usize, step| truth.frame((at / 4096) as u32, step)[at % 4096];
        let mut told = std::collections::BTreeSet::new();
        for object in &view.objects {
            let first = object.at as usize * 8;
            let bytes: Vec<usize> = (first..first + object.size as usize)
                .filter(|&at| byte(at, from) != byte(at, to))
                .collect();
            assert_eq!(object.bytes as usize, bytes.len(), "{at}: {object:?}");
            told.extend(bytes);
        }
        if view.omitted == 0 {
            let all = frames.iter().map(|&frame| {
                let pairs = truth.frame(frame, from).iter().zip(truth.frame(frame, to));
                pairs.filter(|(old, new)| old != new).count()
            });
            assert_eq!(told.len(), all.sum::<usize>(), "{at}");
        }

        // No object that came or went is missing: the caches count them too.
        let mut in_caches = |step: u32| {
            ask(driver, Request::Seek { step });
            match ask(driver, Request::View(ViewRequest::Slab)) {
                Response::View(Some(View::Slab(view))) => {
                    let small = view.caches.iter().filter(|cache| cache.size < 4096);
                    let active = small.map(|cache| cache.active_objects);
                    i64::from(active.sum::<u32>())
                }
                other => panic!("{at}: {other:?}"),
            }
        };
        let grown = in_caches(to) - in_caches(from);
        let listed = |change| {
            let objects = view.objects.iter();
            // What is as large as a page is one; and no cache has a slab's descriptor, or the part
            // of SLOB's ring that nobody is known to use.
            let counts = |object: &&ObjectChange| {
                object.size < 4096 && object.name != "slab" && !object.name.starts_with("used part")
            };
            objects
                .filter(|object| object.change == change)
                .filter(counts)
                .count() as i64
        };
        // Under SLOB, nobody tells the borders of tasks and containers yet: they are used parts.
        let hidden = |object: &ObjectChange| object.name.starts_with("used part");
        if view.omitted == 0 && !view.objects.iter().any(hidden) {
            let (came, went) = (listed(Change::Allocated), listed(Change::Freed));
            assert_eq!(came - went, grown, "{at}");
        }

        // Whether an object is in use is what the inspector says.
        let mut in_use = |step: u32, object: &ObjectChange| {
            ask(driver, Request::Seek { step });
            let view = ViewRequest::Object { at: object.at };
            match ask(driver, Request::View(view)) {
                Response::View(Some(View::Object(view))) => {
                    view.at == object.at
                        && view.size == object.size
                        && view.name == object.name
                        && view.state != ObjectState::Free
                }
                other => panic!("{at}: {other:?}"),
            }
        };
        let mut some: Vec<&ObjectChange> = view.objects.iter().collect();
        some.retain(|object| object.change != Change::Written || random.one_in(10));
        for object in some.into_iter().take(40) {
            let (old, new) = (in_use(from, object), in_use(to, object));
            match object.change {
                Change::Allocated => assert!(!old && new, "{at}: {object:?}"),
                Change::Freed => assert!(old && !new, "{at}: {object:?}"),
                Change::Written => assert_eq!(old, new, "{at}: {object:?}"),
            }
        }
        ask(driver, Request::Seek { step: here });
    }
    assert_eq!(place(driver), place_before, "seed {seed}");
}

/// All that looks into the past.
fn look_back(driver: &mut dyn Driver, seed: u64) {
    check_probes(driver, seed);
    check_searches(driver, seed);
    check_changes(driver, seed);
}

/// A session whose checkpoints and budgets are so small that all that depends on them happens.
fn strained() -> impl Driver {
    struct Strained(labs::Session);
    impl Driver for Strained {
        fn host(&self) -> Host {
            Host::Native
        }
        fn request(&mut self, request: Request) -> Result<Response, String> {
            Ok(self.0.handle(request))
        }
    }
    let mut session = labs::Session::new(Host::Native, Box::new(labs::HostMemory));
    session.set_checkpoint_bytes(1 << 20);
    session.set_search_budget(500);
    Strained(session)
}

#[test]
fn in_a_process() {
    let mut driver = host::Native::new();
    (0..150).for_each(|seed| check(&mut driver, seed));
}

#[test]
fn in_a_browser() {
    let mut driver = host::connect(Host::Wasm, &Settings::find()).expect("the host starts");
    (150..180).for_each(|seed| check(&mut *driver, seed));
    (560..563).for_each(|seed| look_back(&mut *driver, seed));
}

#[test]
fn in_a_guest() {
    let mut driver = host::connect(Host::Qemu, &Settings::find()).expect("the host starts");
    (180..210).for_each(|seed| check(&mut *driver, seed));
    (563..566).for_each(|seed| look_back(&mut *driver, seed));
}

#[test]
fn probes_leave_no_trace() {
    let mut driver = host::Native::new();
    (210..230).for_each(|seed| check_probes(&mut driver, seed));
    (290..305).for_each(|seed| check_probes(&mut strained(), seed));
}

#[test]
fn searches_find_what_looking_at_every_step_finds() {
    let mut driver = host::Native::new();
    (330..360).for_each(|seed| check_searches(&mut driver, seed));
    (410..425).for_each(|seed| check_searches(&mut strained(), seed));
}

#[test]
fn changes_are_the_bytes_that_differ() {
    let mut driver = host::Native::new();
    (500..515).for_each(|seed| check_changes(&mut driver, seed));
    (540..548).for_each(|seed| check_changes(&mut strained(), seed));
}

/// The past of slab caches, under each allocator.
#[test]
fn slabs_have_a_past() {
    let mut driver = host::Native::new();
    (SLABS..SLABS + 30).for_each(|seed| check(&mut driver, seed));
    (SLABS..SLABS + 9).for_each(|seed| look_back(&mut driver, seed));
    (SLABS + 30..SLABS + 36).for_each(|seed| look_back(&mut strained(), seed));
}

#[test]
fn travel_survives_small_checkpoints() {
    (450..500).for_each(|seed| check(&mut strained(), seed));
}
