//! Listing, opening and looking up, with a kernel that is played.

use labs::protocol::{Request, Response};
use labs::view::task::TaskRow;

use super::super::Action as Top;
use super::super::tests::Bench;
use super::*;

fn own(bench: &mut Bench, action: Action) {
    bench.act(Top::Tasks(action));
}

/// What was asked about tasks since the last call.
fn asked(bench: &mut Bench) -> Vec<ViewRequest> {
    let asked = std::mem::take(&mut bench.kernel.asked);
    let view = |request| match request {
        Request::View(view @ (ViewRequest::Tasks { .. } | ViewRequest::Task { .. })) => Some(view),
        _ => None,
    };
    asked.into_iter().filter_map(view).collect()
}

fn list(order: TaskOrder, is_descending: bool, from: u32) -> ViewRequest {
    ViewRequest::Tasks {
        order,
        is_descending,
        from,
        max: TASKS_SHOWN,
    }
}

/// The kernel answers with a window of so many rows.
fn answer(bench: &mut Bench, before: u32, rows: u32, after: u32) {
    let rows = (before..before + rows).map(|pid| TaskRow {
        pid,
        ..TaskRow::default()
    });
    let view = TasksView {
        before,
        rows: rows.collect(),
        after,
        ..TasksView::default()
    };
    let request = Request::View(bench.state.tasks_request());
    let response = Response::View(Some(View::Tasks(Box::new(view))));
    bench.act(Top::Answered(request, response));
}

fn tree(from: u32) -> ViewRequest {
    list(TaskOrder::Tree, false, from)
}

#[test]
fn the_host_puts_the_list_in_order() {
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Tasks));
    assert_eq!(asked(&mut bench), [tree(0)]);
    own(&mut bench, Action::Sort(TaskOrder::Cpu));
    own(&mut bench, Action::Sort(TaskOrder::Cpu));
    own(&mut bench, Action::Sort(TaskOrder::Name));
    own(&mut bench, Action::Sort(TaskOrder::Name));
    own(&mut bench, Action::Sort(TaskOrder::Tree));
    own(&mut bench, Action::Sort(TaskOrder::Tree));
    assert_eq!(
        asked(&mut bench),
        [
            list(TaskOrder::Cpu, true, 0),
            list(TaskOrder::Cpu, false, 0),
            list(TaskOrder::Name, false, 0),
            list(TaskOrder::Name, true, 0),
            tree(0),
            tree(0)
        ]
    );
}

#[test]
fn another_window_is_asked_for_when_it_is_needed() {
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Tasks));
    asked(&mut bench);
    // Nothing is known yet: there is nothing to scroll.
    own(&mut bench, Action::View(500, 20));
    assert_eq!(asked(&mut bench), []);
    answer(&mut bench, 0, 128, 10_000);
    assert_eq!(bench.state.tasks.rows(), 10_128);
    own(&mut bench, Action::View(100, 20));
    assert_eq!(asked(&mut bench), [], "these are here");
    own(&mut bench, Action::View(120, 20));
    assert_eq!(asked(&mut bench), [tree(66)]);
    answer(&mut bench, 66, 128, 9_934);
    own(&mut bench, Action::View(10_120, 20));
    assert_eq!(asked(&mut bench), [tree(10_066)]);
    // A step later there are only ten left: what is shown are the last.
    answer(&mut bench, 10, 0, 0);
    assert_eq!(bench.state.tasks.from, 0);
    assert_eq!(asked(&mut bench), [tree(0)]);
    bench.state.tasks.cursor = 900;
    answer(&mut bench, 0, 10, 0);
    assert_eq!(bench.state.tasks.cursor, 9);
}

fn one(pid: u32, from: u32) -> ViewRequest {
    ViewRequest::Task { pid, from }
}

/// The kernel answers with a task of this user.
fn tell(bench: &mut Bench, pid: u32, uid: u32) {
    let mut view = TaskView::default();
    (view.row.pid, view.row.uid) = (pid, uid);
    let response = Response::View(Some(View::Task(Box::new(view))));
    bench.act(Top::Answered(Request::View(one(pid, 0)), response));
}

fn user(task: &Option<(u32, Rc<TaskView>)>) -> Option<(u32, u32)> {
    task.as_ref().map(|(step, view)| (*step, view.row.uid))
}

#[test]
fn an_open_task_is_asked_for_with_the_list() {
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Tasks));
    asked(&mut bench);
    assert!(!bench.state.is_roomy());
    own(&mut bench, Action::Open(Some(100)));
    assert_eq!(asked(&mut bench), [one(100, 0)]);
    assert!(bench.state.is_roomy());
    own(&mut bench, Action::Open(Some(100)));
    assert_eq!(asked(&mut bench), [], "it is open");
    own(&mut bench, Action::Pages(0x4000_0000));
    assert_eq!(asked(&mut bench), [one(100, 0x4000_0000)]);
    bench.type_lines("a");
    assert_eq!(asked(&mut bench), [tree(0), one(100, 0x4000_0000)]);
    bench.act(Top::Show(Pane::Slab));
    bench.type_lines("b");
    assert_eq!(asked(&mut bench), [], "the pane is not on the screen");
    bench.act(Top::Show(Pane::Tasks));
    assert_eq!(asked(&mut bench), [tree(0), one(100, 0x4000_0000)]);
    own(&mut bench, Action::Open(None));
    bench.type_lines("c");
    assert_eq!(asked(&mut bench), [tree(0)]);
}

#[test]
fn what_a_task_was_is_kept_for_a_step() {
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Tasks));
    own(&mut bench, Action::Open(Some(100)));
    tell(&mut bench, 100, 0);
    assert_eq!(user(&bench.state.tasks.task), Some((0, 0)));
    assert_eq!(user(&bench.state.tasks.before), None);
    bench.state.kernel.step = 1;
    tell(&mut bench, 100, 7);
    assert_eq!(user(&bench.state.tasks.task), Some((1, 7)));
    assert_eq!(user(&bench.state.tasks.before), Some((0, 0)));
    // Other pages of the same step don't count.
    tell(&mut bench, 100, 8);
    assert_eq!(user(&bench.state.tasks.before), Some((0, 0)));
    bench.state.kernel.step = 0;
    tell(&mut bench, 100, 0);
    assert_eq!(
        user(&bench.state.tasks.before),
        Some((1, 8)),
        "backwards, too"
    );
    // An answer about a task that is no longer open changes nothing.
    tell(&mut bench, 55, 3);
    assert_eq!(user(&bench.state.tasks.task), Some((0, 0)));
    // It ends, and is found again.
    let gone = Response::View(None);
    bench.act(Top::Answered(Request::View(one(100, 0)), gone));
    assert_eq!(bench.state.tasks.task, None);
    assert_eq!(bench.state.tasks.open, Some(100));
    tell(&mut bench, 100, 1);
    assert_eq!(user(&bench.state.tasks.before), None);
}

#[test]
fn addresses_are_read_or_refused() {
    assert_eq!(parse(" 0x08048000 "), Ok(0x0804_8000));
    assert_eq!(parse("bfffffff"), Ok(0xbfff_ffff));
    for text in ["", "c0000000", "-1", "+1", "0x", "123456789", "é", "0x0x1"] {
        assert!(parse(text).is_err(), "{text}");
    }
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Tasks));
    own(&mut bench, Action::Open(Some(1)));
    own(&mut bench, Action::Typed("nonsense".into()));
    assert_eq!(bench.state.tasks.address, None);
    assert!(bench.state.tasks.address_error.is_some());
    own(&mut bench, Action::Typed("1000".into()));
    assert_eq!(bench.state.tasks.address, Some(0x1000));
    assert_eq!(bench.state.tasks.address_error, None);
    own(&mut bench, Action::Typed("c0000000".into()));
    own(&mut bench, Action::Address(0x2000));
    assert_eq!(bench.state.tasks.address_error, None);
}
