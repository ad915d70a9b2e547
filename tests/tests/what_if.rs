//! One thing otherwise in the past, and one log under several policies: what a session tells is what
//! another session finds that really ran these lines; it is the same on every host; and nothing stays.

use labs::log;
use labs::protocol::{Host, Request, Response, View, ViewRequest, WhatIf};
use labs::view::View as _;
use labs::view::oom::{OomEnd, OomTollView, OomWhatIfView, PoliciesView};
use tests::host::{self, Driver};
use tests::log_gen::{self, Subject};
use tests::{Random, Settings};

const POLICIES: [&str; 6] = [
    "badness",
    "oom_victim",
    "priority",
    "priority_cpuset",
    "notify",
    "lowmemorykiller",
];

/// Who was killed at which step.
type Kills = Vec<(u32, u32, String)>;

#[track_caller]
fn asked(driver: &mut dyn Driver, request: Request) -> Response {
    driver.request(request).expect("the host answers")
}

/// Opens a log's machine and runs the lines that it takes. Returns how many these are.
#[track_caller]
fn run(driver: &mut dyn Driver, header: &str, lines: &[Vec<u8>]) -> u32 {
    let header = header.to_owned();
    asked(driver, Request::Open { header });
    for (count, line) in (0..).zip(lines) {
        let lines = vec![line.clone()];
        if let Response::Error { message } = asked(driver, Request::Run { lines }) {
            assert!(message.contains("the machine is off"), "{message}");
            return count;
        }
    }
    lines.len() as u32
}

#[track_caller]
fn toll(driver: &mut dyn Driver) -> OomTollView {
    match asked(
        driver,
        Request::View(ViewRequest::OomToll { step: u32::MAX }),
    ) {
        Response::View(Some(View::OomToll(view))) => view,
        other => panic!("{other:?}"),
    }
}

fn what_if(driver: &mut dyn Driver, before: u32, line: &str) -> Result<OomWhatIfView, String> {
    let what_if = WhatIf {
        before,
        line: line.into(),
        step: before,
        decision: 0,
    };
    match asked(driver, Request::View(ViewRequest::OomWhatIf(what_if))) {
        Response::View(Some(View::OomWhatIf(view))) => Ok(*view),
        Response::Error { message } => Err(message),
        other => panic!("{other:?}"),
    }
}

fn policies(driver: &mut dyn Driver, names: &[&str]) -> PoliciesView {
    let request = ViewRequest::OomPolicies {
        policies: names.iter().map(ToString::to_string).collect(),
        step: u32::MAX,
        more: Vec::new(),
    };
    match asked(driver, Request::View(request)) {
        Response::View(Some(View::OomPolicies(view))) => view,
        other => panic!("{other:?}"),
    }
}

/// A change that may or may not be possible.
fn change(random: &mut Random) -> String {
    let pid = 100 + random.bits() % 12;
    let adj = *random.pick(&[-17, -8, 0, 5, 15]);
    match random.bits() % 5 {
        0 => "true".to_owned(),
        1 => format!("renice {} {pid}", random.pick(&[-5, 10, 19])),
        2 => format!("kill -9 {pid}"),
        3 => format!("echo {} > /proc/sys/vm/oom_policy", random.pick(&POLICIES)),
        _ => format!("echo {adj} > /proc/{pid}/oom_adj"),
    }
}

fn log_of(seed: u64) -> (String, Vec<Vec<u8>>) {
    let log = log_gen::join(&log_gen::generate_about(Subject::Pressure, seed));
    let parsed = log::parse(&log);
    let lines = parsed.lines.iter().map(|line| line.to_vec()).collect();
    (parsed.header.to_owned(), lines)
}

#[test]
fn what_would_have_been_is_what_happens_to_who_does_it() {
    let (mut here, mut there) = (host::Native::new(), host::Native::new());
    let (mut answered, mut different) = (0, 0);
    for seed in 0..80 {
        let mut random = Random::new(seed);
        let (header, lines) = log_of(seed);
        let count = run(&mut here, &header, &lines);
        let stands = |driver: &mut host::Native| {
            [Request::Log, Request::State].map(|request| asked(driver, request))
        };
        let before = stands(&mut here);
        let killed = toll(&mut here).kills;
        for _ in 0..3 {
            let mut at = 1 + (random.bits() % u64::from(count)) as u32;
            let mut line = change(&mut random);
            // Somebody who was killed is not to be.
            if random.one_in(2) && !killed.is_empty() {
                let loss = random.pick(&killed);
                at = loss.step;
                line = format!("echo -17 > /proc/{}/oom_adj", loss.task.pid);
            }
            let answer = what_if(&mut here, at, &line);
            assert_eq!(before, stands(&mut here), "seed {seed}: {line}");
            let mut changed = lines[..count as usize].to_vec();
            changed.insert(at as usize - 1, line.clone().into());
            let ran = run(&mut there, &header, &changed);
            let view = match answer {
                Ok(view) => view,
                Err(message) => {
                    assert!(message.contains("` fails: "), "seed {seed}: {message}");
                    continue;
                }
            };
            answered += 1;
            different += u32::from(view.is_different);
            let is_cut = view.ended == OomEnd::Spent;
            assert!(
                is_cut || (view.ended == OomEnd::Off) == (ran < count + 1),
                "seed {seed}"
            );
            // Steps behind the change count one more there.
            let kills = toll(&mut there).kills.into_iter();
            let kills = kills.filter(|loss| loss.step >= at);
            let expected: Kills = kills
                .map(|loss| ((loss.step - 1).max(at), loss.task.pid, loss.task.comm))
                .collect();
            let told = view.would.marks.iter().flat_map(|mark| {
                let killed = mark.brief.killed.iter();
                killed.map(|kill| (mark.step, kill.task.pid, kill.task.comm.clone()))
            });
            let told: Kills = told.collect();
            let compared = match is_cut {
                true => &expected[..told.len()],
                false => &expected[..],
            };
            assert_eq!(told, compared, "seed {seed}: {line}");
            if line == "true" {
                assert!(!view.is_different, "seed {seed}: {}", view.sentence());
            }
        }
    }
    assert!(
        answered > 100 && different > 20,
        "{answered} answered, {different} different"
    );
}

#[test]
fn a_policy_of_its_own_gives_what_selecting_it_gives() {
    let (mut here, mut there) = (host::Native::new(), host::Native::new());
    let mut killed = 0;
    for seed in 40..52 {
        let (header, lines) = log_of(seed);
        let selects = |line: &Vec<u8>| line.windows(4).any(|it| it == b"_pol" || it == b"-o o");
        if lines.iter().any(selects) {
            continue;
        }
        let count = run(&mut here, &header, &lines) as usize;
        let view = policies(&mut here, &["badness", "notify"]);
        for run_under in &view.runs {
            let select = format!("echo {} > /proc/sys/vm/oom_policy", run_under.policy);
            let selected = [vec![select.into()], lines[..count].to_vec()].concat();
            run(&mut there, &header, &selected);
            let real = toll(&mut there);
            let mut told = run_under.toll.clone();
            for step in told.kills.iter_mut().map(|loss| &mut loss.step) {
                *step += 1;
            }
            assert_eq!(told.kills, real.kills, "seed {seed}");
            assert_eq!(told.sum, real.sum, "seed {seed}");
            killed += real.sum.killed;
        }
    }
    assert!(killed > 5, "only {killed} were killed");
}

#[test]
fn answers_are_the_same_on_all_hosts() {
    let settings = Settings::find();
    let mut here = host::Native::new();
    for host in [Host::Wasm, Host::Qemu] {
        let mut there = host::connect(host, &settings).expect("the host starts");
        for seed in 60..66 {
            let (header, lines) = log_of(seed);
            let mut random = Random::new(seed);
            let count = run(&mut here, &header, &lines);
            assert_eq!(run(&mut *there, &header, &lines), count, "seed {seed}");
            for _ in 0..3 {
                let at = (random.bits() % u64::from(count + 2)) as u32;
                let line = change(&mut random);
                let expected = what_if(&mut here, at, &line);
                assert_eq!(
                    what_if(&mut *there, at, &line),
                    expected,
                    "seed {seed}: {line}"
                );
            }
            let names = ["badness", "priority", "lowmemorykiller"];
            let expected = policies(&mut here, &names);
            assert_eq!(
                policies(&mut *there, &names),
                expected,
                "seed {seed} on {host:?}"
            );
            // The console's question is a line of the log; a machine that is off takes none.
            let lines = vec![b"oom compare badness,notify".to_vec()];
            let question = Request::Run { lines };
            let expected = asked(&mut here, question.clone());
            assert_eq!(
                asked(&mut *there, question),
                expected,
                "seed {seed} on {host:?}"
            );
            if let Response::Ran { lines, .. } = expected {
                let text = String::from_utf8_lossy(&lines[0].text);
                assert!(text.contains(" steps under 2 policies: "), "{text}");
            }
        }
    }
}
