//! Carrying tasks, the lines that this runs, and looking for callbacks, with a kernel that is played.

use labs::view::{CallView, ContainerView, HierarchyView, TaskDot};

use super::super::tests::Bench;
use super::super::{Action as Top, Request};
use super::*;

fn own(bench: &mut Bench, action: Action) {
    bench.act(Top::Containers(action));
}

/// Two hierarchies, the second mounted nowhere, and the task 5.
fn hierarchies() -> ContainersView {
    let hierarchy = |id: u32, mounts: &[&str]| HierarchyView {
        id,
        mounts: mounts.iter().map(|mount| mount.to_string()).collect(),
        containers: [("/", 10 * id), ("/a b", 10 * id + 1)]
            .map(|(path, id)| ContainerView {
                id,
                path: path.into(),
                ..ContainerView::default()
            })
            .into(),
        ..HierarchyView::default()
    };
    ContainersView {
        hierarchies: vec![hierarchy(1, &["/c"]), hierarchy(2, &[])],
        tasks: vec![TaskDot {
            pid: 5,
            at: 0,
            comm: "t".into(),
            state: 'S',
            containers: vec![10, 20],
        }],
        ..ContainersView::default()
    }
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.kernel.containers = hierarchies();
    bench.act(Top::Show(Pane::Containers));
    bench
}

fn asked(bench: &mut Bench) -> Vec<ViewRequest> {
    let asked = std::mem::take(&mut bench.kernel.asked);
    let view = |request| match request {
        Request::View(view @ (ViewRequest::Containers { .. } | ViewRequest::Callbacks { .. })) => {
            Some(view)
        }
        _ => None,
    };
    asked.into_iter().filter_map(view).collect()
}

fn typed(bench: &Bench) -> Vec<String> {
    let lines = bench.state.log.iter();
    lines
        .map(|line| String::from_utf8_lossy(&line.line).into_owned())
        .collect()
}

#[test]
fn a_task_that_is_dropped_runs_a_line() {
    let mut bench = bench();
    own(&mut bench, Action::PickUp(5));
    assert_eq!(bench.state.containers.drop_line(), None, "over nothing yet");
    own(&mut bench, Action::Over(Some(10)));
    assert_eq!(
        bench.state.containers.drop_line().unwrap(),
        "echo 5 > /c/tasks"
    );
    own(&mut bench, Action::Over(Some(11)));
    own(&mut bench, Action::Drop);
    assert_eq!(typed(&bench), ["echo 5 > '/c/a b/tasks'"]);
    assert_eq!(bench.state.containers.held, None);
    let deed = bench.state.containers.deed.clone().unwrap();
    let answer = deed.answer.clone().unwrap();
    assert_eq!((answer.step, answer.is_refused), (1, false));
    assert!(answer.text.contains("ran echo 5"), "{answer:?}");
    // The same line again, which fails now: the newest deed has its own answer.
    bench.kernel.fails = true;
    own(&mut bench, Action::PickUp(5));
    own(&mut bench, Action::Over(Some(11)));
    own(&mut bench, Action::Drop);
    let answer = bench
        .state
        .containers
        .deed
        .clone()
        .unwrap()
        .answer
        .clone()
        .unwrap();
    assert_eq!((answer.step, answer.is_refused), (2, true));
}

#[test]
fn what_cannot_be_dropped_runs_nothing() {
    let mut bench = bench();
    // Mounted nowhere; nothing there; nobody held; put back.
    for over in [Some(21), Some(99), None] {
        own(&mut bench, Action::PickUp(5));
        own(&mut bench, Action::Over(over));
        assert_eq!(bench.state.containers.drop_line(), None);
        own(&mut bench, Action::Drop);
    }
    own(&mut bench, Action::Drop);
    own(&mut bench, Action::Over(Some(10)));
    own(&mut bench, Action::PickUp(5));
    own(&mut bench, Action::Over(Some(10)));
    own(&mut bench, Action::PutBack);
    own(&mut bench, Action::Drop);
    assert!(typed(&bench).is_empty());
    assert_eq!(bench.state.containers.deed, None);
}

#[test]
fn forms_write_lines_about_the_chosen_container() {
    let mut bench = bench();
    own(&mut bench, Action::Mkdir("x".into()));
    assert!(typed(&bench).is_empty(), "none is chosen");
    own(&mut bench, Action::Choose(Some(11)));
    own(&mut bench, Action::Mkdir(String::new()));
    own(&mut bench, Action::Mkdir("it's\n".into()));
    assert!(typed(&bench).is_empty(), "no name, or no line");
    own(&mut bench, Action::Mkdir("it's".into()));
    own(&mut bench, Action::Write("cpu.shares".into(), "90".into()));
    own(&mut bench, Action::Write("tasks".into(), String::new()));
    own(&mut bench, Action::Rmdir);
    assert_eq!(
        typed(&bench),
        [
            "mkdir '/c/a b/it'\"'\"'s'",
            "echo 90 > '/c/a b/cpu.shares'",
            "echo '' > '/c/a b/tasks'",
            "rmdir '/c/a b'"
        ]
    );
}

#[test]
fn what_is_gone_is_neither_held_nor_chosen() {
    let mut bench = bench();
    own(&mut bench, Action::Choose(Some(11)));
    own(&mut bench, Action::Point(Some(5)));
    own(&mut bench, Action::PickUp(5));
    bench.kernel.containers = ContainersView::default();
    bench.act(Top::Submit(vec![b"umount /c".to_vec()]));
    let own = &bench.state.containers;
    assert_eq!((own.held, own.chosen, own.pointed), (None, None, None));
}

#[test]
fn the_view_is_asked_for_while_it_is_seen() {
    let mut bench = bench();
    let all = |hierarchy, from| ViewRequest::Containers {
        hierarchy,
        from,
        max: CONTAINERS_SHOWN,
    };
    assert_eq!(asked(&mut bench), [all(0, 0)]);
    own(&mut bench, Action::Window(2, 150));
    assert_eq!(asked(&mut bench), [all(2, 150)]);
    for action in [
        Action::Point(Some(5)),
        Action::PickUp(5),
        Action::Over(Some(10)),
    ] {
        own(&mut bench, action);
        assert_eq!(asked(&mut bench), [], "nothing new to know");
    }
    assert!(bench.state.is_roomy());
    bench.act(Top::Show(Pane::Memory));
    asked(&mut bench);
    bench.act(Top::Submit(vec![b"true".to_vec()]));
    assert_eq!(asked(&mut bench), []);
    assert!(!bench.state.is_roomy());
}

#[test]
fn callbacks_are_looked_for_backwards_and_not_for_ever() {
    let mut bench = bench();
    bench.act(Top::Submit(vec![b"true".to_vec(); 20]));
    asked(&mut bench);
    let at = |step| ViewRequest::Callbacks { step };
    let tried: Vec<ViewRequest> = (13..=20).rev().map(at).collect();
    assert!(!bench.state.has_no_calls(), "nobody has looked");
    own(&mut bench, Action::Film(true));
    assert_eq!(asked(&mut bench), tried);
    assert!(bench.state.has_no_calls());
    // The kernel knows something of step 4.
    bench.kernel.called = Some(CallbacksView {
        step: 4,
        calls: vec![CallView::default()],
        ..CallbacksView::default()
    });
    bench.act(Top::Seek(6));
    assert_eq!(asked(&mut bench), [at(6), at(5), at(4)]);
    assert_eq!(bench.state.calls().map(|calls| calls.step), Some(4));
    assert!(!bench.state.has_no_calls());
    bench.act(Top::Seek(1));
    assert_eq!(asked(&mut bench), [at(1)]);
    assert!(bench.state.has_no_calls());
    bench.act(Top::Seek(0));
    assert_eq!(asked(&mut bench), []);
    own(&mut bench, Action::Film(false));
    assert_eq!(asked(&mut bench).len(), 1);
}
