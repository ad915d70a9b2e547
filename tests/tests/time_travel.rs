//! Stepping back and forth shows the same kernel as running the log from the start.

use labs::protocol::{Host, LineReport, Request, Response};
use labs::view::StateView;
use tests::host::{self, Driver};
use tests::{Random, Settings, log_gen};

fn state(response: Response) -> StateView {
    match response {
        Response::State(state) => state,
        other => panic!("{other:?}"),
    }
}

/// Runs a log in pieces with excursions into the past, and compares each state on the way with what
/// a straight replay reported.
fn check(driver: &mut dyn Driver, seed: u64) {
    let log = log_gen::join(&log_gen::generate(seed));
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

#[test]
fn in_a_process() {
    let mut driver = host::Native::new();
    (0..150).for_each(|seed| check(&mut driver, seed));
}

#[test]
fn in_a_browser() {
    let mut driver = host::connect(Host::Wasm, &Settings::find()).expect("the host starts");
    (150..180).for_each(|seed| check(&mut *driver, seed));
}

#[test]
fn in_a_guest() {
    let mut driver = host::connect(Host::Qemu, &Settings::find()).expect("the host starts");
    (180..210).for_each(|seed| check(&mut *driver, seed));
}
