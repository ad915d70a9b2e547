//! What is asked of the kernel, and when the question is answered.

use labs::protocol::{Request, Response};
use labs::view::oom::{OomBrief, OomVerdict};

use super::super::Action as Top;
use super::super::tests::Bench;
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
