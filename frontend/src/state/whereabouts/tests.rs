//! What is told, with a kernel that is played.

use labs::view::ContainerView;
use labs::view::HierarchyView;

use super::super::tests::Bench;
use super::super::{Action, containers, inquiry, tasks};
use super::*;

/// What is told under this name.
fn told(bench: &Bench, name: &str) -> Option<String> {
    let state = &bench.state;
    let facts = Whereabouts::of(state, state.pane, false).facts();
    let mut found = facts.into_iter().filter(|fact| fact.id == name);
    found.next().map(|fact| fact.text)
}

#[track_caller]
fn tells(bench: &Bench, name: &str, text: &str) {
    assert_eq!(told(bench, name).as_deref(), Some(text));
}

#[test]
fn a_fresh_machine_is_told_from_the_outside_in() {
    let bench = Bench::new();
    let facts = Whereabouts::of(&bench.state, Pane::Console, false).facts();
    let names: Vec<&str> = facts.iter().map(|fact| fact.id).collect();
    assert_eq!(names, ["session", "step", "line", "front", "kernel"]);
    tells(&bench, "session", "one without a name");
    tells(&bench, "step", "step 0 of 0");
    tells(&bench, "line", "none: the machine has just booted");
    tells(&bench, "front", "console");
    tells(&bench, "kernel", "in this browser: mem=64M");
}

#[test]
fn the_past_says_what_comes_after() {
    let mut bench = Bench::new();
    bench.kernel.fails = true;
    bench.type_lines("a\nb\nc");
    bench.state.library.name = "my tree".into();
    tells(&bench, "session", "my tree");
    tells(&bench, "step", "step 3 of 3");
    tells(&bench, "line", "c (ended with status 1)");
    bench.act(Action::StepBy(-1));
    tells(
        &bench,
        "step",
        "step 2 of 3, in the past: 1 line comes after",
    );
    bench.act(Action::StepBy(-1));
    tells(
        &bench,
        "step",
        "step 1 of 3, in the past: 2 lines come after",
    );
}

#[test]
fn what_is_open_in_the_pane_in_front_is_told() {
    let mut bench = Bench::new();
    bench.act(Action::Show(Pane::Slab));
    let caches = told(&bench, "front").expect("a pane");
    assert!(caches.starts_with("slab: "), "{caches}");
    bench.act(Action::ToggleTable(Pane::Slab));
    let caches = told(&bench, "front").expect("a pane");
    assert!(caches.starts_with("slab, as a table: "), "{caches}");
    bench.act(Action::ToggleTable(Pane::Slab));

    bench.state.slabs.open = Some("m".into());
    tells(&bench, "front", "slab: no cache m at this step");
    bench.state.slabs.is_film = true;
    tells(&bench, "front", "slab: nothing has defragmented m");

    bench.act(Action::Show(Pane::Tasks));
    bench.act(Action::Tasks(tasks::Action::Open(Some(100))));
    bench.act(Action::Tasks(tasks::Action::Address(0x0804_8000)));
    tells(
        &bench,
        "front",
        "tasks: no task 100 at this step; at address 08048000",
    );

    bench.act(Action::Show(Pane::Events));
    bench.type_lines("a\nb");
    bench.act(Action::Inquiry(inquiry::Action::SelectEvent(Some(1))));
    tells(&bench, "front", "events: event 1: b ");
}

#[test]
fn a_container_is_told_by_its_directory() {
    let mut bench = Bench::new();
    let root = ContainerView {
        id: 4,
        ..ContainerView::default()
    };
    bench.kernel.containers.hierarchies = vec![HierarchyView {
        mounts: vec!["/c".into()],
        containers: vec![root],
        ..HierarchyView::default()
    }];
    bench.act(Action::Show(Pane::Containers));
    let dir = bench.state.containers.dir(4).expect("it is mounted");
    bench.act(Action::Containers(containers::Action::Choose(Some(4))));
    bench.act(Action::Containers(containers::Action::PickUp(7)));
    let front = told(&bench, "front").expect("a pane");
    let end = format!("; open is {dir}; task 7 is picked up");
    assert!(front.ends_with(&end), "{front}");
}

#[test]
fn a_wide_page_has_the_tree_besides_and_the_question_to_the_past() {
    let mut bench = Bench::new();
    bench.type_lines("a");
    let told = |bench: &Bench, pane| {
        let facts = Whereabouts::of(&bench.state, pane, true).facts();
        facts
            .into_iter()
            .map(|fact| format!("{}: {}", fact.name, fact.text))
            .collect::<Vec<_>>()
    };
    assert!(told(&bench, Pane::Memory).contains(&"tree: no radix tree yet".to_string()));
    let alone = told(&bench, Pane::Tree);
    assert!(
        alone.contains(&"in front: tree: no radix tree yet".to_string()),
        "{alone:?}"
    );

    bench.act(Action::Inquiry(inquiry::Action::Show(Some(Tab::Search))));
    assert!(told(&bench, Pane::Tree).contains(&"question to the past: search".to_string()));
    bench.act(Action::Inquiry(inquiry::Action::Inspect(3)));
    let object = told(&bench, Pane::Tree);
    assert!(
        object
            .iter()
            .any(|fact| fact.starts_with("question to the past: object: thing")),
        "{object:?}"
    );
}

#[test]
fn a_kernel_that_is_gone_is_no_place() {
    let mut bench = Bench::new();
    bench.act(Action::Failed("signal 9".into()));
    tells(&bench, "kernel", "gone: signal 9");
    tells(&bench, "front", "console");
}

#[test]
fn it_takes_the_place_of_the_help() {
    let mut bench = Bench::new();
    bench.act(Action::Help(true));
    bench.act(Action::Where(true));
    assert!(!bench.state.help && bench.state.shows_where);
    bench.act(Action::Where(false));
    assert!(!bench.state.shows_where);
}
