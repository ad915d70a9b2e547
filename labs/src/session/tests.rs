//! The session as a whole, through its messages.

use alloc::vec;

use super::*;
use crate::lab::{Check, Expect, Test, Verdict};
use crate::log::Seal;
use crate::protocol::{Goal, LineReport, View, ViewRequest};
use crate::view::{
    CacheSlabsView, Change, ChangesView, DefragView, Fate, FateCounts, ObjectChange, ObjectFate,
    PlaceState, StateView,
};

fn session() -> Session {
    Session::new(Host::Native, Box::new(HostMemory))
}

fn open(session: &mut Session, header: &str) -> StateView {
    match session.handle(Request::Open {
        header: header.to_string(),
    }) {
        Response::Opened { state, .. } => state,
        other => panic!("{other:?}"),
    }
}

/// Runs lines and returns their text.
fn run(session: &mut Session, lines: &[&str]) -> String {
    let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
    match session.handle(Request::Run { lines }) {
        Response::Ran { lines, .. } => {
            String::from_utf8(lines.into_iter().flat_map(|line| line.text).collect()).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

fn seek(session: &mut Session, step: u32) -> StateView {
    match session.handle(Request::Seek { step }) {
        Response::State(state) => state,
        other => panic!("{other:?}"),
    }
}

/// Where the session stands.
fn state_of(session: &mut Session) -> StateView {
    match session.handle(Request::State) {
        Response::State(state) => state,
        other => panic!("{other:?}"),
    }
}

fn log(session: &mut Session) -> String {
    match session.handle(Request::Log) {
        Response::Log(log) => String::from_utf8(log).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn probe(session: &mut Session, line: &str) -> LineReport {
    match session.handle(Request::Probe { line: line.into() }) {
        Response::Probed(report) => report,
        other => panic!("{other:?}"),
    }
}

fn error(session: &mut Session, request: Request) -> String {
    match session.handle(request) {
        Response::Error { message } => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn stepping_back_and_forth_shows_the_same_kernel() {
    let mut session = session();
    open(&mut session, "mem=2M");
    run(&mut session, &["radix create t"]);
    let lines: Vec<String> = (0..200)
        .map(|key| format!("radix insert t {} {}", key * key, key + 1))
        .collect();
    let mut states = vec![seek(&mut session, 0), seek(&mut session, 1)];
    for line in &lines {
        run(&mut session, &[line]);
        let StateView { step, .. } = states[states.len() - 1];
        states.push(StateView {
            steps: 201,
            ..seek(&mut session, step + 1)
        });
    }
    for step in [201, 0, 100, 99, 17, 16, 200, 3, 201] {
        let seen = seek(&mut session, step);
        let StateView {
            step,
            line,
            events,
            chain,
            ..
        } = &states[step as usize];
        assert_eq!(
            (&seen.step, &seen.line, &seen.events, &seen.chain),
            (step, line, events, chain)
        );
    }
    assert_eq!(
        seek(&mut session, 9999).step,
        201,
        "a step past the end is the end"
    );
    seek(&mut session, 51);
    assert_eq!(
        run(&mut session, &["radix stat t"]),
        "height 2 nodes 35 items 50\n"
    );
}

#[test]
fn a_line_run_in_the_past_replaces_the_future() {
    let mut session = session();
    run(&mut session, &["echo 1", "echo 2", "echo 3"]);
    seek(&mut session, 1);
    assert_eq!(run(&mut session, &["echo other"]), "other\n");
    let written = log(&mut session);
    let (heading, lines) = written.split_once('\n').unwrap();
    assert!(
        heading.starts_with("glass=1 boot=")
            && heading.ends_with(" mem=64M nodes=1 cpus=1 hz=1000 slab=slub seed=1"),
        "{heading}"
    );
    assert_eq!(lines, "echo 1\necho other\n");
}

#[test]
fn a_log_is_sealed_with_its_end_wherever_one_stands() {
    let mut session = session();
    let boot = open(&mut session, "lab=radix-keys@1/42 mem=1M");
    run(&mut session, &["echo 1", "radix create t"]);
    let end = seek(&mut session, 2);
    let sealed = log(&mut session);
    seek(&mut session, 1);
    assert_eq!(log(&mut session), sealed);
    let heading = Heading::parse(sealed.lines().next().unwrap()).unwrap();
    assert_eq!(
        heading.seal,
        Some(Seal {
            boot: boot.chain,
            events: end.events,
            chain: end.chain
        })
    );
    assert_eq!(heading.lab.unwrap().to_string(), "radix-keys@1/42");
    // What it claimed to come to is forgotten, the lab is not.
    open(&mut session, sealed.lines().next().unwrap());
    let fresh = log(&mut session);
    assert!(fresh.starts_with("glass=1 lab=radix-keys@1/42 boot="));
    let seal = Heading::parse(fresh.trim_end()).unwrap().seal.unwrap();
    assert_eq!((seal.events, seal.chain), (boot.events, boot.chain));
}

#[test]
fn a_probe_does_what_the_line_would_do_and_leaves_no_trace() {
    let mut session = session();
    open(&mut session, "mem=2M cpus=2");
    let lines = [
        "radix create t",
        "radix fill t 0 300 3",
        "radix preload",
        "echo 2 > /proc/self/fail-nth",
        "radix insert t 70000 5",
        "nonsense",
        "mkdir -p /a/b",
        "pages alloc 2",
        "cat /sys/kernel/debug/tracing/trace",
        "radix fill t 100000 2000",
        "echo x > /a/f; cat /a/f",
        "radix preload_end",
        "poweroff",
    ];
    for line in lines {
        for probed in lines {
            let before = fingerprint(&mut session);
            let report = probe(&mut session, probed);
            assert_eq!(fingerprint(&mut session), before, "after {probed}");
            if probed == line {
                let chain = report.chain;
                let Response::Ran { lines, state } = session.handle(Request::Run {
                    lines: vec![line.into()],
                }) else {
                    panic!()
                };
                assert_eq!((lines.as_slice(), state.chain), (&[report][..], chain));
                break;
            }
        }
    }
    assert!(error(&mut session, Request::Probe { line: "pwd".into() }).contains("off"));
    seek(&mut session, 5);
    let before = fingerprint(&mut session);
    let newline = Request::Probe {
        line: "a\nb".into(),
    };
    assert!(error(&mut session, newline).contains("newline"));
    let long = "x".repeat(10_000);
    let report = probe(&mut session, &long);
    assert!(String::from_utf8_lossy(&report.text).contains("too long"));
    assert_eq!(fingerprint(&mut session), before);
}

/// All that a probe must leave as it was.
fn fingerprint(session: &mut Session) -> (StateView, u64, Vec<u32>, u32, String) {
    let state = state_of(session);
    let live = session.live.as_mut().unwrap();
    let dirty = live.kernel.mem.ram().dirty_frames().collect();
    let base = live.checkpoints.base();
    let frames = live.kernel.frames_hash();
    (state, frames, dirty, base, log(session))
}

fn check(id: &str, test: Test) -> Check {
    Check {
        id: id.into(),
        title: String::new(),
        points: 1,
        test,
        hints: Vec::new(),
    }
}

fn at_the_end(run: &str, expect: Expect) -> Check {
    check(
        run,
        Test::Final {
            run: run.into(),
            expect,
        },
    )
}

fn printed(line: &str, expect: Expect) -> Check {
    check(
        line,
        Test::Printed {
            line: line.into(),
            expect,
        },
    )
}

fn verdicts(session: &mut Session, checks: Vec<Check>, scenario: u32) -> Vec<Verdict> {
    let before = fingerprint(session);
    let verdicts = match session.handle(Request::Check { checks, scenario }) {
        Response::Checked(verdicts) => verdicts,
        other => panic!("{other:?}"),
    };
    let after = fingerprint(session);
    assert_eq!((before.0, before.1), (after.0, after.1));
    verdicts
}

#[test]
fn checks_tell_what_came_and_where_it_broke() {
    let mut session = session();
    open(&mut session, "mem=2M");
    run(
        &mut session,
        &[
            "radix create t",
            "radix insert t 1 11",
            "radix insert t 5 55",
            "radix lookup t 5",
            "radix delete t 5",
            "radix lookup t 1",
            "nonsense",
        ],
    );
    let text = |text: &str| Expect::Text(text.into());
    let checks = || {
        vec![
            at_the_end("radix lookup t 1", text("11")),
            at_the_end("radix lookup t 5", text("55")),
            at_the_end("radix lookup t 9", text("99")),
            printed("radix lookup", text("55")),
            printed("radix delete", Expect::Contains("66".into())),
            printed("radix tag_set", Expect::Status(0)),
            printed("", text("77")),
        ]
    };
    for step in [7, 0, 3] {
        seek(&mut session, step);
        let found = verdicts(&mut session, checks(), 1);
        let seen: Vec<_> = found
            .iter()
            .map(|verdict| (verdict.passed, verdict.step))
            .collect();
        assert_eq!(
            seen,
            [
                (true, None),
                (false, Some(5)),
                (false, Some(7)),
                (true, None),
                (false, Some(5)),
                (false, Some(7)),
                (false, Some(7)),
            ]
        );
        let Verdict {
            expected,
            actual,
            why,
            ..
        } = &found[1];
        assert_eq!(expected, "from `radix lookup t 5`: 55");
        assert_eq!(actual, "NULL\nstatus 1");
        assert_eq!(why, "it held after step 4, and no more after this one");
        assert_eq!(found[0].actual, "11");
        assert_eq!(found[2].why, "the first line that failed: status 127");
        assert!(found[4].why.contains("last such line"));
        assert_eq!(found[5].actual, "no such line was run");
        assert_eq!(found[6].actual, "no line printed that");
    }
}

/// What is looked at before the budget ends must not depend on the checkpoints of a host.
#[test]
fn verdicts_are_the_same_whatever_checkpoints_there_are() {
    let mut sessions = [session(), session()];
    sessions[1].set_checkpoint_bytes(0);
    // Each look costs some 50,000 steps, so that the budget lasts for some twenty.
    let question = "radix create q && radix fill q 0 50000 > /q; radix lookup t 5";
    let found = sessions.map(|mut session| {
        open(&mut session, "mem=16M");
        run(&mut session, &["radix create t", "radix insert t 5 55"]);
        let mut steps = Vec::new();
        for length in [3, 17, 19, 40] {
            run(&mut session, &["radix delete t 5"]);
            for _ in 0..length {
                run(&mut session, &["pwd > /f; radix stat t > /g"]);
            }
            let check = at_the_end(question, Expect::Text("55".into()));
            steps.push(verdicts(&mut session, vec![check], 1));
            run(&mut session, &["radix insert t 5 55"]);
        }
        steps
    });
    assert_eq!(found[0], found[1]);
    let held = found[0]
        .iter()
        .map(|found| found[0].why.contains("it held"));
    assert_eq!(held.collect::<Vec<_>>(), [true, true, true, false]);
}

#[test]
fn checks_of_a_session_in_which_nothing_was_done() {
    let mut session = session();
    open(&mut session, "mem=2M");
    let stat = || vec![at_the_end("radix stat t", Expect::Status(0))];
    let found = verdicts(&mut session, stat(), 9);
    assert_eq!((found[0].passed, found[0].step), (false, Some(0)));
    assert_eq!(found[0].why, "no line was run yet");
    run(&mut session, &["radix create t", "echo", "poweroff"]);
    let found = verdicts(&mut session, stat(), 1);
    assert_eq!((found[0].passed, found[0].step), (false, Some(3)));
    assert!(found[0].actual.contains("off"), "{}", found[0].actual);
}

#[test]
fn a_session_and_its_log_replayed_agree() {
    let mut session = session();
    open(&mut session, "mem=4M nodes=2 cpus=2 seed=7");
    run(
        &mut session,
        &[
            "radix create t",
            "radix fill t 0 1000 3",
            "",
            "echo $? > /f",
            "cat /f /nosuch",
        ],
    );
    let state = seek(&mut session, 5);
    let Response::Log(log) = session.handle(Request::Log) else {
        panic!()
    };
    let outcome = match Session::new(Host::Native, Box::new(HostMemory)).handle(Request::Replay {
        log,
        each_line: true,
    }) {
        Response::Replayed(outcome) => outcome,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (outcome.events, outcome.chain, outcome.status),
        (state.events, state.chain, 1)
    );
    assert_eq!(outcome.broken, None);
    assert_eq!(outcome.lines.len(), 5);
    assert!(outcome.text.starts_with(b"1000\n0\ncat: "));
}

#[test]
fn the_seed_and_each_byte_change_the_outcome() {
    let outcome = |log: &str| match session().handle(Request::Replay {
        log: log.into(),
        each_line: false,
    }) {
        Response::Replayed(Outcome { chain, frames, .. }) => (chain, frames),
        other => panic!("{other:?}"),
    };
    let base = outcome("mem=1M\necho a > /f\n");
    assert_eq!(base, outcome("mem=1M\r\necho a > /f"));
    for other in ["mem=1M seed=2\necho a > /f\n", "mem=1M\necho b > /f\n"] {
        let (chain, frames) = outcome(other);
        assert!(chain != base.0 && frames != base.1, "{other}");
    }
}

#[test]
fn refusals_change_nothing() {
    let mut session = session();
    run(&mut session, &["echo > /kept"]);
    let before = seek(&mut session, 1);
    for (request, expected) in [
        (
            Request::Open {
                header: "mem=9T".into(),
            },
            "mem=9T",
        ),
        (
            Request::Run {
                lines: vec![b"echo a\necho b".to_vec()],
            },
            "newline",
        ),
        (
            Request::Replay {
                log: b"mem=1M cpus=99\n".to_vec(),
                each_line: false,
            },
            "cpus=99",
        ),
    ] {
        let message = error(&mut session, request);
        assert!(message.contains(expected), "{message}");
        assert_eq!(seek(&mut session, 1), before);
    }
    let response: Response = decode(&session.handle_bytes(b"\xff\xff\xff")).unwrap();
    let Response::Error { message } = response else {
        panic!()
    };
    assert!(message.starts_with("malformed message"), "{message}");
}

/// Found by reading: a full log refused the line that would have replaced most of it.
#[test]
fn lines_that_will_be_dropped_leave_room() {
    let mut session = session();
    let long = vec![b'#'; LOG_MAX / 2];
    let run = |session: &mut Session, lines: Vec<Vec<u8>>| {
        matches!(session.handle(Request::Run { lines }), Response::Ran { .. })
    };
    assert!(run(&mut session, vec![long.clone()]));
    assert!(!run(&mut session, vec![long.clone()]), "two are too long");
    seek(&mut session, 0);
    assert!(run(&mut session, vec![long.clone()]));
    assert!(run(&mut session, vec![b"echo".to_vec()]));
}

#[test]
fn a_machine_that_is_off_runs_nothing_until_one_steps_back() {
    let mut session = session();
    run(&mut session, &["echo a", "poweroff"]);
    assert!(
        error(
            &mut session,
            Request::Run {
                lines: vec![b"echo b".to_vec()]
            }
        )
        .contains("off")
    );
    assert!(seek(&mut session, 2).powered_off);
    assert!(!seek(&mut session, 1).powered_off);
    assert_eq!(run(&mut session, &["echo b"]), "b\n");
}

#[test]
fn a_budget_cuts_between_lines() {
    let mut session = session();
    session.set_budget(1000);
    open(&mut session, "");
    let lines: Vec<Vec<u8>> = [
        "radix create t",
        "radix fill t 0 900",
        "radix fill t 900 900",
        "radix stat t",
    ]
    .map(Into::into)
    .into();
    let Response::Ran { lines: reports, .. } = session.handle(Request::Run {
        lines: lines.clone(),
    }) else {
        panic!()
    };
    assert!(
        (1..4).contains(&reports.len()),
        "{} lines ran",
        reports.len()
    );
    let rest = lines[reports.len()..].to_vec();
    assert!(matches!(
        session.handle(Request::Run { lines: rest }),
        Response::Ran { .. }
    ));
    session.set_replay_limit(1000);
    let log = b"radix create t\nradix fill t 0 900\nradix fill t 900 900\nradix stat t\n".to_vec();
    assert!(
        error(
            &mut session,
            Request::Replay {
                log,
                each_line: false
            }
        )
        .contains("1000 kernel steps")
    );
}

#[test]
fn views_show_what_the_console_shows() {
    let mut session = session();
    open(&mut session, "mem=16M");
    assert_eq!(
        session.handle(Request::View(ViewRequest::Radix {
            name: String::new()
        })),
        Response::View(None)
    );
    run(
        &mut session,
        &[
            "radix create t",
            "radix insert t 4096 7",
            "radix insert t 1 8",
            "radix tag_set t 1 0",
        ],
    );
    let Response::View(Some(View::Radix(tree))) =
        session.handle(Request::View(ViewRequest::Radix { name: "t".into() }))
    else {
        panic!()
    };
    assert_eq!((tree.height, tree.items, tree.nodes.len()), (3, 2, 5));
    assert_eq!(
        (tree.last_key, tree.last_item, tree.path.len()),
        (Some(1), 8, 3)
    );
    let leaf = tree.nodes[tree.path[2] as usize];
    assert_eq!(
        (leaf.level, leaf.first_key, leaf.present, leaf.tags),
        (0, 0, 2, [2, 0])
    );
    let Response::View(Some(View::RadixNode(node))) =
        session.handle(Request::View(ViewRequest::RadixNode { node: leaf.node }))
    else {
        panic!()
    };
    assert_eq!(node.slots[1], 8);
    assert_eq!(
        session.handle(Request::View(ViewRequest::RadixNode { node: 1 })),
        Response::View(None)
    );
    let Response::View(Some(View::Memory(memory))) =
        session.handle(Request::View(ViewRequest::Memory))
    else {
        panic!()
    };
    let free = memory
        .frames
        .iter()
        .filter(|&&code| code >= 16 || code == 1)
        .count();
    assert_eq!(free as u32, memory.frames_free);
    let Response::View(Some(View::Events(events))) =
        session.handle(Request::View(ViewRequest::Events { since: 0, max: 10 }))
    else {
        panic!()
    };
    assert_eq!((events.events.len(), events.next - events.lost), (10, 10));
    assert_eq!(events.events[9].name, "radix_tree:radix_tree_tag_set");
    assert_eq!(events.events[9].step, 4);
}

fn changes(session: &mut Session, from: u32, to: u32) -> ChangesView {
    match session.handle(Request::View(ViewRequest::Changes { from, to })) {
        Response::View(Some(View::Changes(view))) => view,
        other => panic!("{other:?}"),
    }
}

#[test]
fn changes_name_what_came_went_and_was_written() {
    let mut session = session();
    open(&mut session, "mem=2M");
    run(
        &mut session,
        &[
            "radix create t",
            "radix insert t 0 1",
            "radix insert t 1 2",
            "radix delete t 0; radix delete t 1",
            "radix preload",
            "pages alloc 2",
        ],
    );
    let seen = |session: &mut Session, step: u32| -> Vec<(String, Change)> {
        let view = changes(session, step - 1, step);
        assert_eq!((view.from, view.to, view.omitted), (step - 1, step, 0));
        let dynamic = |object: &ObjectChange| object.at >= 40 << 9;
        let objects = view.objects.into_iter().filter(dynamic);
        objects.map(|object| (object.name, object.change)).collect()
    };
    let node = |change| ("radix_tree_node".to_string(), change);
    let root = |change| ("radix_tree_root".to_string(), change);
    assert!(seen(&mut session, 1).contains(&root(Change::Allocated)));
    let second = seen(&mut session, 2);
    assert!(second.contains(&node(Change::Allocated)), "{second:?}");
    assert!(second.contains(&root(Change::Written)), "{second:?}");
    let third = seen(&mut session, 3);
    assert!(third.contains(&node(Change::Written)), "{third:?}");
    let fourth = seen(&mut session, 4);
    assert!(fourth.contains(&node(Change::Freed)), "{fourth:?}");
    // Twelve nodes set aside, though nothing was written to them.
    let fifth = seen(&mut session, 5);
    let nodes = fifth
        .iter()
        .filter(|change| **change == node(Change::Allocated));
    assert_eq!(nodes.count(), 12, "{fifth:?}");
    let sixth = seen(&mut session, 6);
    let pages = |(name, change): &&(String, Change)| {
        name.starts_with("page from `pages alloc`") && *change == Change::Allocated
    };
    assert_eq!(sixth.iter().filter(pages).count(), 4, "{sixth:?}");
    // Either order, any step, and nothing.
    let all = changes(&mut session, 0, u32::MAX);
    assert_eq!(changes(&mut session, 6, 0), all);
    let nothing = changes(&mut session, 3, 3);
    assert!(nothing.frames.is_empty() && nothing.objects.is_empty());
}

/// What goes to the swap device differs there.
#[test]
fn changes_reach_to_the_swap_device() {
    let mut session = session();
    open(&mut session, "mem=4M swap=8M");
    let lines = [
        "echo 'at = mmap 6M' > /fill",
        "echo 'i = 0' >> /fill",
        "echo 'while $i < 1536' >> /fill",
        "echo 'poke $at 7' >> /fill",
        "echo 'at = $at + 4K' >> /fill",
        "echo 'i = $i + 1' >> /fill",
        "echo 'end' >> /fill",
        "chmod 755 /fill; swapon /dev/swap; /fill",
    ];
    run(&mut session, &lines);
    let view = changes(&mut session, 7, 8);
    assert!(view.frames.iter().any(|frame| *frame >= 1024), "{view:?}");
}

#[test]
fn long_lists_of_changes_are_cut() {
    let mut session = session();
    open(&mut session, "mem=16M");
    run(&mut session, &["radix create t", "radix fill t 0 100000"]);
    let view = changes(&mut session, 1, 2);
    assert_eq!(view.objects.len(), 1000);
    assert!(view.omitted > 500, "{}", view.omitted);
    let came = |object: &&ObjectChange| object.change == Change::Allocated;
    assert_eq!(view.objects.iter().filter(came).count(), 1000);
    assert!(view.objects.is_sorted_by_key(|object| object.at));
}

#[test]
fn searches_find_who_wrote_and_when() {
    let mut session = session();
    open(&mut session, "mem=2M");
    let inserts: Vec<String> = (0..100)
        .map(|key| format!("radix insert t {key} 7"))
        .collect();
    run(&mut session, &["radix create t"]);
    for line in &inserts {
        run(&mut session, &[line]);
    }
    let Response::View(Some(View::Radix(tree))) =
        session.handle(Request::View(ViewRequest::Radix { name: "t".into() }))
    else {
        panic!()
    };
    let first_leaf = tree.nodes.iter().find(|node| node.level == 0).unwrap().node;
    let search = |session: &mut Session, goal: Goal, before: u32| match session
        .handle(Request::Search { goal, before })
    {
        Response::Searched { found, reached } => (found, reached),
        other => panic!("{other:?}"),
    };
    let leaf = Goal::Changed {
        object: first_leaf,
        bytes: 280,
    };
    // The first leaf has the keys 0 to 63: line 65 is the last to write to it.
    assert_eq!(search(&mut session, leaf.clone(), 200), (Some(65), 64));
    assert_eq!(search(&mut session, leaf, 40), (Some(40), 39));
    let became = |line: &str, prints: &str| Goal::Became {
        line: line.into(),
        prints: prints.into(),
    };
    let twenty = became("radix stat t", "items 20");
    assert_eq!(search(&mut session, twenty.clone(), 200).0, Some(21));
    assert_eq!(search(&mut session, twenty, 20), (None, 0));
    assert_eq!(search(&mut session, became("true", ""), 200).0, Some(0));
    // The boot wrote the page descriptors; nobody the NULL page.
    let null = Goal::Changed {
        object: 0,
        bytes: 4096,
    };
    assert_eq!(search(&mut session, null, 200), (None, 0));
    for (object, bytes) in [(0, 0), (u32::MAX, 8), (1 << 18, 1), (0, u32::MAX)] {
        let goal = Goal::Changed { object, bytes };
        assert!(error(&mut session, Request::Search { goal, before: 9 }).contains("no object"));
    }
    assert_eq!(state_of(&mut session).step, 101);
}

#[test]
fn the_same_lines_run_on_another_machine() {
    let mut session = session();
    open(&mut session, "mem=2M slab=slab");
    run(&mut session, &["kmem create t 64", "kmem alloc t 70 > /x"]);
    let before = (log(&mut session), state_of(&mut session));
    let frames = session.live().unwrap().kernel.frames_hash();
    let text = |report: LineReport| String::from_utf8(report.text).unwrap();
    assert!(text(probe(&mut session, "kmem stat t")).contains("total 118 slabs 2"));
    let there = text(probe(&mut session, "on slab=slub: kmem stat t"));
    assert!(there.contains("active 70 total 128 slabs 2"), "{there}");
    let there = text(probe(
        &mut session,
        "on slab=slob cpus=2: kmem stat t; taskset -pc 1 $$",
    ));
    assert!(
        there.contains("active 70 total 70 slabs 0") && there.contains("new affinity list: 1"),
        "{there}"
    );
    for (line, why) in [
        ("on slab=slub mem=4M: pwd", "as much memory"),
        ("on moon=full: pwd", "no key 'moon'"),
        ("on slab=slip: pwd", "slab=slip"),
        ("on slab=slub: a\nb", "newline"),
    ] {
        let line = line.into();
        let told = error(&mut session, Request::Probe { line });
        assert!(told.contains(why), "{told}");
    }
    // Lines of the future stay, and do not count.
    seek(&mut session, 1);
    let there = text(probe(&mut session, "on slab=slub: kmem stat t"));
    assert!(there.contains("active 0"), "{there}");
    assert_eq!(state_of(&mut session).step, 1);
    seek(&mut session, 2);
    assert_eq!((log(&mut session), state_of(&mut session)), before);
    assert_eq!(session.live().unwrap().kernel.frames_hash(), frames);

    let check = |run: &str, contains: &str| Check {
        id: "c".into(),
        title: "t".into(),
        points: 1,
        test: Test::Final {
            run: run.into(),
            expect: Expect::Contains(contains.into()),
        },
        hints: vec![],
    };
    let checks = vec![
        check("kmem stat t", "total 118"),
        check("on slab=slub: kmem stat t", "total 128"),
        check("on slab=slob: kmem stat t", "total 128"),
        check("on slab=none: kmem stat t", "total"),
    ];
    seek(&mut session, 0);
    let Response::Checked(verdicts) = session.handle(Request::Check {
        checks,
        scenario: 0,
    }) else {
        panic!("no verdicts");
    };
    let passed: Vec<bool> = verdicts.iter().map(|verdict| verdict.passed).collect();
    assert_eq!(passed, [true, true, false, false], "{verdicts:?}");
    assert!(
        verdicts[2].actual.contains("total 70") && verdicts[2].step == Some(2),
        "{verdicts:?}"
    );
    assert!(verdicts[3].actual.contains("slab=none"), "{verdicts:?}");
    assert_eq!(state_of(&mut session).step, 0);
}

fn defrag(session: &mut Session, step: u32, cache: &str) -> Option<DefragView> {
    let cache = cache.to_string();
    let request = ViewRequest::Defrag { step, cache };
    match session.handle(Request::View(request)) {
        Response::View(Some(View::Defrag(view))) => Some(*view),
        Response::View(None) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_defragmentation_is_told_whatever_step_is_shown() {
    let mut session = session();
    open(&mut session, "mem=16M nodes=1 cpus=1");
    run(
        &mut session,
        &[
            "kmem create m 120 ops=movable",
            "kmem create p 120 ops=pinned",
            "kmem alloc m 2000",
            "kmem alloc p 1000",
            "kmem scatter m 90",
            "kmem scatter p 90",
            "kmem defrag",
            "kmem shrink p",
            "kmem vacate m:0",
            "kmem vacate m:0",
            "kmem shrink m; kmem fail m 3; kmem vacate m:150",
        ],
    );
    let end = state_of(&mut session);
    let view = defrag(&mut session, 7, "").unwrap();
    assert_eq!(state_of(&mut session), end);
    seek(&mut session, 3);
    assert_eq!(defrag(&mut session, 7, "m").unwrap(), view);
    assert_eq!(state_of(&mut session).step, 3);

    assert_eq!((view.step, view.before.cache.name.as_str()), (7, "m"));
    assert!(
        ["kmem_handle", "m", "p"]
            .iter()
            .all(|name| view.caches.iter().any(|it| it == name))
    );
    let [run] = &view.runs[..] else {
        panic!("{:?}", view.runs)
    };
    assert_eq!(run.partial, view.before.cache.partial);
    assert!(run.slabs > 50 && run.slabs_after < 20, "{run:?}");
    assert_eq!(run.slabs_after, view.after.cache.slabs);
    assert_eq!(
        view.before.cache.active_objects,
        view.after.cache.active_objects
    );
    // What is said of each object is seen in the pictures before and after.
    let state = |shown: &CacheSlabsView, at: u32| {
        let mut places = shown.slabs.iter().flat_map(|slab| &slab.places);
        places.find(|place| place.at == at).map(|place| place.state)
    };
    let chosen: Vec<u32> = view
        .choices
        .iter()
        .filter(|it| it.chosen)
        .map(|it| it.frame)
        .collect();
    let mut vacated: Vec<u32> = view.vacated.iter().map(|it| it.frame).collect();
    vacated.reverse();
    assert_eq!(chosen, vacated);
    let mut moved = 0;
    for slab in &view.vacated {
        assert_eq!((slab.left, slab.pinned), (0, slab.objects));
        assert_eq!(slab.fates.len() as u32, slab.objects);
        for object in &slab.fates {
            let Fate::Moved(to) = object.fate else {
                panic!("{object:?}")
            };
            assert_eq!(state(&view.before, object.at), Some(PlaceState::InUse));
            assert_ne!(state(&view.after, object.at), Some(PlaceState::InUse));
            assert_eq!(state(&view.after, to), Some(PlaceState::InUse));
            moved += 1;
        }
    }
    assert_eq!(
        view.fates,
        FateCounts {
            moved,
            ..FateCounts::default()
        }
    );
    assert!(moved > 100);

    // Pinned objects are spared, and nothing gets better by it.
    let view = defrag(&mut session, 8, "").unwrap();
    assert_eq!(
        (view.fates.moved, view.fates.kept, view.fates.freed),
        (0, 0, 0)
    );
    assert!(view.fates.spared > 10 && view.vacated.iter().all(|slab| slab.left > 0));
    assert_eq!(
        view.before.cache.active_objects,
        view.after.cache.active_objects
    );

    // One slab, and then the same again: whether it is tried depends on where the object went.
    let view = defrag(&mut session, 9, "m").unwrap();
    assert_eq!((view.vacated.len(), view.runs.len()), (1, 0));
    assert!(defrag(&mut session, 10, "m").is_some());
    // Where a move finds no memory, the rest stays.
    let view = defrag(&mut session, 11, "m").unwrap();
    let [slab] = &view.vacated[..] else {
        panic!("{view:?}")
    };
    let fates = view.fates;
    assert_eq!((fates.moved, fates.kept), (2, slab.objects - 2));
    assert_eq!((slab.left, slab.pinned), (fates.kept, slab.objects));
    assert_eq!(slab.fates[2].fate, Fate::Kept);
    // Where nothing was tried there is nothing to see.
    for step in [0, 1, 6, 12, u32::MAX] {
        assert_eq!(defrag(&mut session, step, ""), None, "step {step}");
    }
    assert_eq!(defrag(&mut session, 7, "nobody"), None);
}

#[test]
fn a_large_defragmentation_is_cut_where_it_cannot_be_shown() {
    let mut session = session();
    open(&mut session, "mem=64M nodes=1 cpus=1");
    run(
        &mut session,
        &[
            "kmem create m 120 ops=movable",
            "kmem alloc m 100000",
            "kmem scatter m 90",
            "kmem defrag",
        ],
    );
    let view = defrag(&mut session, 4, "").unwrap();
    assert_eq!((view.choices.len(), view.vacated.len()), (1000, 1000));
    let chosen = view.before.cache.slabs - view.after.cache.slabs;
    assert!(view.choices_omitted > 1000 && view.vacated_omitted > 1000);
    assert!(view.vacated_omitted + 1000 >= chosen);
    assert_eq!(view.before.slabs.len(), 256);
    assert_eq!(view.before.after + 256, view.before.cache.slabs);
    let listed = view.vacated.iter().map(|slab| slab.objects).sum::<u32>();
    assert!(view.fates.moved > listed && view.fates.kept == 0);
    let bytes = encode::<Response>(&Response::View(Some(View::Defrag(Box::new(view))))).len();
    assert!(bytes < MESSAGE_MAX / 8, "{bytes} bytes");
}

/// What the dentry cache's `kick` gives up is told as freed, what is in use stays.
#[test]
fn pruned_dentries_are_told_as_freed() {
    let mut session = session();
    open(&mut session, "mem=16M nodes=1 cpus=1");
    run(
        &mut session,
        &[
            "mkdir /m; mount -t srcfs -o dirs=1,files=10000 none /m",
            "dcache lookup /m/dir0 file 3000",
            "dcache lookup /m/dir0 file 3000 10; dcache prune 3000",
            "dcache open /m/dir0 file 3000 500",
            "kmem shrink dentry",
        ],
    );
    let view = defrag(&mut session, 5, "").unwrap();
    let FateCounts {
        spared,
        kept,
        freed,
        moved,
    } = view.fates;
    assert_eq!((view.before.cache.name.as_str(), moved), ("dentry", 0));
    assert!(freed > 100 && spared + kept > 0, "{:?}", view.fates);
    let gone = view.before.cache.active_objects - view.after.cache.active_objects;
    assert_eq!(gone, freed);
    for slab in &view.vacated {
        let stays = |object: &&ObjectFate| matches!(object.fate, Fate::Spared | Fate::Kept);
        let left = slab.fates.iter().filter(stays).count();
        assert_eq!(slab.left as usize, left, "{slab:?}");
    }
}

/// What the page asks until one sees a kernel, and while one types.
fn common() -> Vec<Request> {
    vec![
        Request::Open {
            header: "mem=8M".to_string(),
        },
        Request::Run {
            lines: vec![b"radix create t; radix insert t 5 1".to_vec()],
        },
        Request::State,
        Request::View(ViewRequest::Radix {
            name: String::new(),
        }),
        Request::View(ViewRequest::Memory),
        Request::View(ViewRequest::Events { since: 0, max: 9 }),
        Request::Complete {
            line: "rad".to_string(),
        },
        Request::Seek { step: 0 },
        Request::Log,
    ]
}

#[test]
fn a_first_visit_needs_the_common_part_alone() {
    let mut session = session();
    for request in common() {
        let name = request.name();
        let response = session.handle_common(request);
        assert!(
            response.is_ok_and(|response| !matches!(response, Response::Error { .. })),
            "{name}"
        );
    }
    for rest in [
        Request::View(ViewRequest::Slab),
        Request::Probe {
            line: b"pwd".to_vec(),
        },
    ] {
        assert_eq!(session.handle_common(rest.clone()), Err(rest));
    }
}

#[test]
fn the_rest_answers_whatever_it_is_asked() {
    let (mut whole, mut rest) = (session(), session());
    let others = [ViewRequest::Slab, ViewRequest::Sched].map(Request::View);
    for request in common().into_iter().chain(others) {
        assert_eq!(rest.handle_rest(request.clone()), whole.handle(request));
    }
}

#[test]
fn the_manual_is_shown_behind_what_a_line_prints() {
    let mut session = session();
    open(&mut session, "mem=4M");
    let page = run(&mut session, &["man cat"]);
    assert!(page.starts_with("NAME\n    cat - print files"), "{page}");
    assert!(page.contains("\nSYNOPSIS\n    cat [FILE]...\n"), "{page}");
    let list = run(&mut session, &["apropos buddyinfo"]);
    assert_eq!(list, run(&mut session, &["man -k BuddyInfo"]));
    assert!(list.contains("pages "), "{list}");
    let both = run(&mut session, &["echo before; man cat; apropos buddyinfo"]);
    assert_eq!(both, format!("before\n{page}{list}"));
    // A probe sees it as well, and a replay prints it again.
    assert_eq!(probe(&mut session, "man cat").text, page.as_bytes());
    let log = log(&mut session).into_bytes();
    match session.handle(Request::Replay {
        log,
        each_line: true,
    }) {
        Response::Replayed(outcome) => assert_eq!(outcome.lines[0].text, page.as_bytes()),
        other => panic!("{other:?}"),
    }
    // Who does not say so, or too often, is told.
    let hidden = run(&mut session, &["m=man; $m cat"]);
    assert!(hidden.starts_with("man: nobody shows it here"), "{hidden}");
    let often = run(&mut session, &[&"man cat;".repeat(17)]);
    assert_eq!(often.matches("NAME\n").count(), 16);
    assert_eq!(often.matches("nobody shows it").count(), 1);
}

#[test]
fn what_the_manual_says_is_no_matter_of_the_kernels() {
    let mut shown = session();
    open(&mut shown, "mem=4M");
    run(&mut shown, &["m=man", "man kmem"]);
    // Seeking back and forth repeats lines with nobody reading.
    let end = state_of(&mut shown);
    seek(&mut shown, 0);
    assert_eq!(seek(&mut shown, 2), end);
    let machine = MachineConfig::parse("mem=4M").unwrap();
    let ram = Ram::new(machine.ram_frames()).unwrap();
    let mut kernel = kernel_core::Kernel::boot(ram, &machine).unwrap();
    /// A machine that shows nothing.
    struct Deaf;
    impl kernel_core::machine::Machine for Deaf {
        fn console_write(&mut self, _: &[u8]) {}
    }
    for line in ["m=man", "man kmem"] {
        kernel.run_line(&mut Deaf, line.as_bytes());
    }
    assert_eq!((kernel.events(), kernel.chain()), (end.events, end.chain));
}

#[test]
fn lines_that_may_ask_are_known_by_their_letters() {
    for line in [
        "man ls",
        "true;man ls",
        "apropos x",
        "a && man x",
        "oom compare x",
        "echo man x",
    ] {
        assert!(asks(line.as_bytes()), "{line}");
    }
    for line in ["", "man", "human ls", "manual x", "oom trigger", "help man"] {
        assert!(!asks(line.as_bytes()), "{line}");
    }
    // They are the second part's to run, and others are not.
    let mut session = session();
    for (line, is_common) in [("man ls", false), ("echo human ls", true)] {
        let lines = vec![line.into()];
        let answer = session.handle_common(Request::Run { lines });
        assert_eq!(answer.is_ok(), is_common, "{line}");
    }
}
