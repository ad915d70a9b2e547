//! What is asked of the kernel, and when the question is answered.

use labs::protocol::WhatIf;
use labs::protocol::{Request, Response};
use labs::view::oom::{OomBrief, OomVerdict, OomWhatIfView};

use super::super::Action as Top;
use super::super::tests::Bench;
use super::ask::{Action as Ask, Asked, Thing};
use super::*;

/// What is asked for now.
fn asked(bench: &mut Bench) -> Vec<ViewRequest> {
    let asked = std::mem::take(&mut bench.kernel.asked);
    let view = |request| match request {
        Request::View(view @ ViewRequest::Oom { .. }) => Some(view),
        _ => None,
    };
    asked.into_iter().filter_map(view).collect()
}

fn see(bench: &mut Bench, step: Option<u32>, event: u64) {
    let view = OomView {
        step: step.unwrap_or(0),
        decisions: vec![OomBrief {
            event,
            verdict: OomVerdict::Kill,
            ..OomBrief::default()
        }],
        ..OomView::default()
    };
    let wanted = ViewRequest::Oom {
        step,
        decision: 0,
        from: 0,
        max: SHOWN,
    };
    let response = Response::View(Some(View::Oom(Box::new(view))));
    bench.act(Top::Answered(Request::View(wanted), response));
}

fn act(bench: &mut Bench, action: Action) {
    bench.act(Top::Oom(action));
}

#[test]
fn who_is_next_is_a_question_until_it_is_answered() {
    let mut bench = Bench::new();
    bench.type_lines("spawn hog");
    assert!(asked(&mut bench).is_empty(), "the pane is not in front");
    bench.act(Top::Show(Pane::Oom));
    assert!(bench.state.is_roomy());
    let first = ViewRequest::Oom {
        step: Some(1),
        decision: 0,
        from: 0,
        max: SHOWN,
    };
    assert_eq!(asked(&mut bench), [first]);
    act(&mut bench, Action::Next(true));
    assert!(matches!(
        asked(&mut bench)[..],
        [ViewRequest::Oom { step: None, .. }]
    ));
    see(&mut bench, None, 90);
    assert!(bench.state.oom.is_asking());
    act(&mut bench, Action::Guess(100));
    assert!(!bench.state.oom.is_asking());
    // More of the same answers nothing anew; another kernel asks again.
    see(&mut bench, None, 90);
    assert_eq!(bench.state.oom.guess, Some(100));
    see(&mut bench, None, 95);
    assert!(bench.state.oom.is_asking());
    act(&mut bench, Action::Next(false));
    assert!(!bench.state.oom.is_asking());
    // An answer that comes too late is about something else.
    see(&mut bench, None, 96);
    assert!(bench.state.oom.view.is_none());
}

#[test]
fn candidates_come_in_parts_and_belong_to_their_decision() {
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Oom));
    see(&mut bench, Some(0), 5);
    act(&mut bench, Action::Candidate(3));
    see(&mut bench, Some(0), 5);
    assert_eq!(bench.state.oom.candidate, 3);
    asked(&mut bench);
    act(&mut bench, Action::More);
    assert!(matches!(
        asked(&mut bench)[..],
        [ViewRequest::Oom { max: 200, .. }]
    ));
    for _ in 0..4 {
        act(&mut bench, Action::More);
    }
    assert_eq!(bench.state.oom.max, SHOWN_MAX);
    see(&mut bench, Some(0), 5);
    act(&mut bench, Action::Candidate(3));
    act(&mut bench, Action::Decision(1));
    assert_eq!(bench.state.oom.candidate, 0);
    assert!(matches!(
        asked(&mut bench).last(),
        Some(ViewRequest::Oom { decision: 1, .. })
    ));
}

#[test]
fn a_change_is_a_console_line() {
    let lines = [
        (Thing::Nice, "104", " 10 ", "renice 10 104"),
        (Thing::Adj, " 104", "-17", "echo -17 > /proc/104/oom_adj"),
        (
            Thing::Priority,
            "/o/lambs/",
            "256",
            "echo 256 > /o/lambs/oom.priority",
        ),
        (
            Thing::Priority,
            "/o/a b",
            "0",
            "echo 0 > '/o/a b/oom.priority'",
        ),
        (
            Thing::Policy,
            "",
            "notify",
            "echo notify > /proc/sys/vm/oom_policy",
        ),
    ];
    for (thing, of, value, line) in lines {
        assert_eq!(thing.line(of, value).as_deref(), Ok(line));
    }
    let refused = [
        (
            Thing::Nice,
            "104",
            "20",
            "nice is a number from -20 to 19, not '20'",
        ),
        (
            Thing::Adj,
            "104",
            "",
            "oom_adj is a number from -17 to 15, not ''",
        ),
        (Thing::Adj, "hog", "1", "a task has a number, not 'hog'"),
        (
            Thing::Priority,
            "lambs",
            "1",
            "a group is a directory such as /mnt/lambs, not 'lambs'",
        ),
        (
            Thing::Priority,
            "/o",
            "-1",
            "oom.priority is a number from 0 on, not '-1'",
        ),
    ];
    for (thing, of, value, why) in refused {
        assert_eq!(thing.line(of, value).unwrap_err(), why);
    }
}

/// A question, with what is asked for because of it.
#[track_caller]
fn ask(bench: &mut Bench, before: &str) -> Vec<ViewRequest> {
    bench.kernel.asked.clear();
    act(
        bench,
        Action::Ask(Ask::WhatIf {
            of: "100".into(),
            value: "-17".into(),
            before: before.into(),
        }),
    );
    let asked = std::mem::take(&mut bench.kernel.asked).into_iter();
    let asked = asked.filter_map(|request| match request {
        Request::View(view @ ViewRequest::OomWhatIf(_)) => Some(view),
        _ => None,
    });
    asked.collect()
}

#[test]
fn a_question_is_asked_once_and_its_answer_ends_with_the_log() {
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Oom));
    bench.type_lines("spawn hog");
    bench.type_lines("oom trigger");
    see(&mut bench, Some(2), 5);
    for wrong in ["0", "3", "", "two"] {
        assert!(ask(&mut bench, wrong).is_empty());
        assert!(
            matches!(&bench.state.oom.asked.what_if, Asked::Refused(why) if why.contains("1 to 2"))
        );
    }
    let wanted = WhatIf {
        before: 2,
        line: b"echo -17 > /proc/100/oom_adj".to_vec(),
        step: 2,
        decision: 0,
    };
    let wanted = ViewRequest::OomWhatIf(wanted);
    assert_eq!(ask(&mut bench, "2"), std::slice::from_ref(&wanted));
    // The played kernel knows no such view; so here is what a session would say.
    bench.state.oom.asked.what_if = Asked::Waiting;
    let view = OomWhatIfView {
        before: 2,
        line: "echo -17 > /proc/100/oom_adj".into(),
        ..OomWhatIfView::default()
    };
    let response = Response::View(Some(View::OomWhatIf(Box::new(view))));
    bench.act(Top::Answered(Request::View(wanted), response));
    assert!(matches!(bench.state.oom.asked.what_if, Asked::Told(_)));
    // Making it the session's own is an edit that can be taken back.
    act(&mut bench, Action::Ask(Ask::Adopt));
    let lines = |bench: &Bench| -> Vec<String> {
        let lines = bench.state.log.iter();
        lines
            .map(|it| String::from_utf8_lossy(&it.line).into_owned())
            .collect()
    };
    assert_eq!(
        lines(&bench),
        ["spawn hog", "echo -17 > /proc/100/oom_adj", "oom trigger"]
    );
    assert_eq!(bench.state.oom.asked.what_if, Asked::Not);
    assert_eq!(bench.state.oom.asked.adopted.map(|it| it.0), Some(2));
    bench.act(Top::Inquiry(super::super::inquiry::Action::Undo));
    assert_eq!(lines(&bench), ["spawn hog", "oom trigger"]);
    assert_eq!(bench.state.oom.asked.adopted, None);
}

#[test]
fn policies_are_asked_for_and_a_fallen_kernel_answers_nothing() {
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Oom));
    bench.type_lines("oom trigger");
    act(&mut bench, Action::Ask(Ask::Compare(Vec::new())));
    assert!(matches!(&bench.state.oom.asked.policies, Asked::Refused(_)));
    bench.kernel.asked.clear();
    act(
        &mut bench,
        Action::Ask(Ask::Compare(vec!["badness".into()])),
    );
    let asked = bench.kernel.asked.iter();
    let asks = |it: &&Request| matches!(it, Request::View(ViewRequest::OomPolicies { .. }));
    assert_eq!(asked.filter(asks).count(), 1);
    bench.state.oom.asked.policies = Asked::Waiting;
    bench.act(Top::Failed("it fell".into()));
    assert!(
        matches!(&bench.state.oom.asked.policies, Asked::Refused(why) if why.contains("went away"))
    );
}
