//! Sorting, opening and looking for runs, with a kernel that is played.

use labs::view::ObjectState;

use super::super::tests::Bench;
use super::super::{Action as Top, Effect};
use super::*;

fn cache(name: &str, active_objects: u32, slabs: u32) -> CacheView {
    CacheView {
        name: name.into(),
        active_objects,
        total_objects: slabs * 4,
        objects_per_slab: 4,
        pages_per_slab: 1,
        size: 1024,
        slabs,
        ..CacheView::default()
    }
}

fn names(sort: Sort) -> Vec<String> {
    let caches = [cache("b", 9, 9), cache("a", 20, 5), cache("c", 1, 9)];
    let sorted = sort.sorted(&caches);
    sorted.iter().map(|cache| cache.name.clone()).collect()
}

#[test]
fn caches_are_sorted_by_any_column_both_ways() {
    let sort = Sort::default();
    assert_eq!(names(sort), ["b", "c", "a"], "the most pages first");
    let sort = sort.then(Column::Bytes);
    assert_eq!(names(sort), ["a", "b", "c"]);
    let sort = sort.then(Column::Fragmentation);
    assert_eq!(names(sort), ["c", "b", "a"]);
    let sort = sort.then(Column::Name);
    assert_eq!(names(sort), ["a", "b", "c"], "names begin with a");
    assert_eq!(names(sort.then(Column::Name)), ["c", "b", "a"]);
    let sort = sort.then(Column::Active);
    assert_eq!(names(sort), ["a", "b", "c"]);
    assert_eq!(names(sort.then(Column::Active)), ["c", "b", "a"]);
}

fn own(bench: &mut Bench, action: Action) {
    bench.act(Top::Slabs(action));
}

/// What was asked of the pane's views since the last call.
fn asked(bench: &mut Bench) -> Vec<ViewRequest> {
    let asked = std::mem::take(&mut bench.kernel.asked);
    let view = |request| match request {
        Request::View(
            view @ (ViewRequest::Slab
            | ViewRequest::Cache { .. }
            | ViewRequest::Defrag { .. }
            | ViewRequest::Object { .. }),
        ) => Some(view),
        _ => None,
    };
    asked.into_iter().filter_map(view).collect()
}

fn of_cache(from: u32) -> ViewRequest {
    ViewRequest::Cache {
        name: "m".into(),
        from,
        max: SLABS_SHOWN,
    }
}

#[test]
fn an_open_cache_is_asked_for_instead_of_the_list() {
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Slab));
    assert_eq!(asked(&mut bench), [ViewRequest::Slab]);
    own(&mut bench, Action::Open(Some("m".into())));
    assert_eq!(asked(&mut bench), [of_cache(0)]);
    assert!(bench.state.is_roomy());
    own(&mut bench, Action::From(128));
    assert_eq!(asked(&mut bench), [of_cache(128)]);
    // A step shows it anew, where it was.
    bench.type_lines("a");
    assert_eq!(asked(&mut bench), [of_cache(128)]);
    own(&mut bench, Action::Open(None));
    assert_eq!(asked(&mut bench), [ViewRequest::Slab]);
    assert!(!bench.state.is_roomy());
}

#[test]
fn a_cache_that_has_shrunk_shows_its_last_slabs() {
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Slab));
    own(&mut bench, Action::Open(Some("m".into())));
    own(&mut bench, Action::From(512));
    let view = CacheSlabsView {
        before: 200,
        ..CacheSlabsView::default()
    };
    let response = Response::View(Some(View::Cache(Box::new(view))));
    bench.act(Top::Answered(Request::View(of_cache(512)), response));
    assert_eq!(bench.state.slabs.from, 72);
    // An answer about another cache changes nothing.
    let other = ViewRequest::Cache {
        name: "x".into(),
        from: 0,
        max: 1,
    };
    let view = Some(View::Cache(Box::default()));
    let response = Response::View(view);
    bench.act(Top::Answered(Request::View(other), response));
    assert_eq!(bench.state.slabs.view, None);
}

fn run(step: u32) -> ViewRequest {
    ViewRequest::Defrag {
        step,
        cache: "m".into(),
    }
}

#[test]
fn the_latest_run_is_looked_for() {
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Slab));
    bench.type_lines("a\nkmem defrag\nb\nkmem shrink x\nc\nkmem defrag\nd");
    own(&mut bench, Action::Open(Some("m".into())));
    bench.act(Top::Seek(5));
    asked(&mut bench);
    // The played kernel knows of no run: the page looks at each step that might have been one.
    own(&mut bench, Action::Film(true));
    assert_eq!(asked(&mut bench), [run(4), run(2)]);
    assert_eq!(bench.state.film(), None);
    let view = DefragView {
        step: 2,
        ..DefragView::default()
    };
    let response = Response::View(Some(View::Defrag(Box::new(view))));
    let found = Request::View(run(2));
    bench.state.slabs.film_before = Some(4);
    bench.act(Top::Answered(found, response));
    assert_eq!(bench.state.film().map(|film| film.step), Some(2));
    // Before that step there is nothing to show.
    bench.act(Top::Seek(1));
    assert_eq!(bench.state.film(), None);
    assert_eq!(asked(&mut bench), []);
    bench.act(Top::Seek(7));
    assert_eq!(asked(&mut bench), [run(6), run(4), run(2)]);
}

#[test]
fn the_object_that_is_pointed_at_is_asked_about_once() {
    let mut bench = Bench::new();
    bench.act(Top::Show(Pane::Slab));
    own(&mut bench, Action::Open(Some("m".into())));
    asked(&mut bench);
    own(&mut bench, Action::Point(Some(8)));
    own(&mut bench, Action::Point(Some(8)));
    assert_eq!(asked(&mut bench), [ViewRequest::Object { at: 8 }]);
    let object = bench.state.slabs.object.clone().expect("it was answered");
    assert_eq!((object.at, object.state), (8, ObjectState::Allocated));
    // The inspector is not open, and does not become so.
    assert_eq!(bench.state.inquiry.inspector.asked(), None);
    own(&mut bench, Action::Point(None));
    assert_eq!(bench.state.slabs.object, None);
    assert_eq!(asked(&mut bench), []);
    // While an answer is on its way, only the newest question waits.
    let sent = bench.state.apply(Top::Slabs(Action::Point(Some(8))));
    assert!(matches!(sent[..], [Effect::Send(_)]), "{sent:?}");
    for at in [9, 10, 11] {
        let sent = bench.state.apply(Top::Slabs(Action::Point(Some(at))));
        assert_eq!(sent, []);
    }
}
