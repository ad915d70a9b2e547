//! What is asked of the kernel, and where one looks, with a kernel that is played.

use labs::protocol::{Request, Response};
use labs::view::GroupView;

use super::super::Action as Top;
use super::super::tests::Bench;
use super::*;

const SECOND: u64 = 1_000_000_000;

/// Ten seconds that were asked for in part or as a whole.
fn timeline(step: u32, columns: u32, from_ns: u64, to_ns: u64) -> TimelineView {
    TimelineView {
        step,
        begin_ns: 0,
        end_ns: 10 * SECOND,
        from_ns,
        to_ns: to_ns.min(10 * SECOND),
        columns,
        ..TimelineView::default()
    }
}

/// What the kernel that is played says after these lines: `sleep` lets ten seconds pass, and after
/// `sleep busy` windows of more than two seconds come in columns.
pub(in crate::state) fn played(log: &[Vec<u8>], from_ns: u64, to_ns: u64) -> Option<View> {
    let last = log.iter().rposition(|line| line.starts_with(b"sleep"))?;
    let view = timeline(last as u32 + 1, 0, from_ns, to_ns);
    let is_long = view.to_ns - view.from_ns > 2 * SECOND;
    let is_merged = is_long && log[last].ends_with(b"busy");
    Some(View::Timeline(Box::new(TimelineView {
        columns: if is_merged { 400 } else { 0 },
        ..view
    })))
}

/// The windows that were asked for since the last call.
fn asked(bench: &mut Bench) -> Vec<ViewRequest> {
    let asked = std::mem::take(&mut bench.kernel.asked);
    let view = |request| match request {
        Request::View(view @ ViewRequest::Timeline { .. }) => Some(view),
        _ => None,
    };
    asked.into_iter().filter_map(view).collect()
}

fn look(bench: &mut Bench, from: u64, to: u64) {
    bench.act(Top::Sched(Action::Look(Some(Window { from, to }))));
}

fn shows(bench: &Bench) -> (u64, u64) {
    let window = bench.state.sched.shown().expect("something is shown");
    (window.from, window.to)
}

#[test]
fn only_what_is_not_known_is_asked_for() {
    let mut bench = Bench::new();
    bench.type_lines("sleep 10");
    assert!(asked(&mut bench).is_empty(), "the pane is not in front");
    bench.act(Top::Show(Pane::Sched));
    assert!(bench.state.is_roomy());
    assert_eq!(asked(&mut bench).len(), 1);
    assert_eq!(shows(&bench), (0, 10 * SECOND));
    // All turns are known: a closer look costs nothing.
    look(&mut bench, SECOND, 2 * SECOND);
    assert_eq!(shows(&bench), (SECOND, 2 * SECOND));
    bench.act(Top::Sched(Action::Look(None)));
    assert!(asked(&mut bench).is_empty());
    // Only columns are known: the turns are asked for.
    bench.type_lines("sleep busy");
    assert_eq!(asked(&mut bench).len(), 1);
    look(&mut bench, SECOND, 2 * SECOND);
    let wanted = ViewRequest::Timeline {
        step: 2,
        from_ns: SECOND,
        to_ns: 2 * SECOND,
    };
    assert_eq!(asked(&mut bench), [wanted]);
    look(&mut bench, SECOND, SECOND + SECOND / 2);
    assert!(asked(&mut bench).is_empty(), "a part of what is known");
    look(&mut bench, SECOND / 2, SECOND);
    assert_eq!(asked(&mut bench).len(), 1, "that is not covered");
}

#[test]
fn a_window_belongs_to_its_step() {
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Sched));
    assert_eq!(bench.state.sched.shown(), None);
    bench.type_lines("sleep 10");
    look(&mut bench, SECOND, 2 * SECOND);
    bench.type_lines("true");
    assert_eq!(shows(&bench), (SECOND, 2 * SECOND), "no time has passed");
    bench.type_lines("sleep 10");
    assert_eq!(shows(&bench), (0, 10 * SECOND));
    let known = bench
        .state
        .sched
        .timeline
        .as_ref()
        .expect("it was asked for");
    assert_eq!(
        (known.step, known.from_ns, known.to_ns),
        (3, 0, 10 * SECOND)
    );
}

#[test]
fn groups_are_open_while_they_exist() {
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Sched));
    let see = |bench: &mut Bench, paths: &[&str]| {
        let groups = paths.iter().map(|path| GroupView {
            path: path.to_string(),
            ..GroupView::default()
        });
        let view = SchedView {
            groups: groups.collect(),
            ..SchedView::default()
        };
        let response = Response::View(Some(View::Sched(Box::new(view))));
        bench.act(Top::Answered(Request::View(ViewRequest::Sched), response));
    };
    see(&mut bench, &["/", "/guests"]);
    bench.act(Top::Sched(Action::Why(Some((0, 0)))));
    bench.act(Top::Sched(Action::Open(Some("/guests".into()))));
    assert_eq!(bench.state.sched.why, None);
    see(&mut bench, &["/", "/guests", "/system"]);
    assert_eq!(bench.state.sched.open.as_deref(), Some("/guests"));
    see(&mut bench, &["/"]);
    assert_eq!(bench.state.sched.open, None);
}

#[test]
fn windows_stay_within_their_step() {
    let view = timeline(1, 0, 0, 0);
    let all = Window::all(&view);
    let half = all.zoom(&view, 2.0, 0.0);
    assert_eq!((half.from, half.to), (0, 5 * SECOND));
    let middle = all.zoom(&view, 2.0, 0.5);
    assert_eq!((middle.from, middle.to), (5 * SECOND / 2, 15 * SECOND / 2));
    assert_eq!(middle.zoom(&view, 0.1, 0.5), all);
    assert_eq!(half.pan(&view, -0.25), half);
    let end = half.pan(&view, 9.0);
    assert_eq!((end.from, end.to), (5 * SECOND, 10 * SECOND));
    assert_eq!(end.reveal(&view, 7 * SECOND), end);
    let shown = end.reveal(&view, SECOND);
    assert!((shown.from..shown.to).contains(&SECOND));
    assert_eq!(shown.length(), end.length());
    let closest = (0..99).fold(all, |window, _| window.zoom(&view, 3.0, 0.3));
    assert_eq!(closest.length(), WINDOW_MIN);
}
