//! The welcome, the tour and the examples, with a kernel that is played.

use std::path::Path;

use labs::example::{Example, System};

use super::*;
use crate::state::Action as PageAction;
use crate::state::Effect as PageEffect;
use crate::state::tests::Bench;

fn front(action: Action) -> PageAction {
    PageAction::Front(action)
}

fn tour(action: tour::Action) -> PageAction {
    front(Action::Tour(action))
}

fn example(name: &str, pane: &str, cache: &str, lines: &[&str]) -> Example {
    Example {
        name: name.into(),
        title: format!("Title of {name}"),
        says: "A sentence.".into(),
        system: System::Slab,
        pane: pane.into(),
        cache: cache.into(),
        fails: Vec::new(),
        machine: "mem=4M".into(),
        lines: lines.iter().map(|line| line.to_string()).collect(),
    }
}

fn examples() -> Vec<Example> {
    vec![
        example("one", "slab", "skb", &["a", "b"]),
        example("two", "tree", "", &["c"]),
    ]
}

fn address(query: &str, fragment: &str) -> Address {
    Address::parse(query, fragment).0
}

#[test]
fn a_first_visit_is_welcomed_and_others_are_not() {
    let ways = |query: &str, fragment: &str| {
        let mut bench = Bench::new();
        bench.state.front.begin(&address(query, fragment));
        bench.state.ways()
    };
    assert_eq!(ways("", ""), Ways::Offered);
    assert_eq!(ways("", "#playground"), Ways::Offered);
    assert_eq!(ways("?embed", ""), Ways::Gone);
    assert_eq!(ways("?noedit", ""), Ways::Gone);
    assert_eq!(ways("", "#lab=radix-keys"), Ways::Gone);
    assert_eq!(ways("", "#log=1.abcd"), Ways::Gone);
    assert_eq!(ways("", "#step=3"), Ways::Gone);

    // Until it is known whether there is a session to come back, its place is kept.
    let mut state = State::new(crate::choices::Theme::Auto);
    state.library.await_start(&Address::default());
    assert_eq!(state.ways(), Ways::Awaited);
    state.apply(PageAction::Library(library::Action::Started(Ok(None))));
    assert_eq!(state.ways(), Ways::Offered);

    let mut state = State::new(crate::choices::Theme::Auto);
    state.library.await_start(&Address::default());
    let kept = library::Kept {
        lines: vec![b"a".to_vec()],
        ..Default::default()
    };
    state.apply(PageAction::Library(library::Action::Started(Ok(Some(
        kept,
    )))));
    assert_eq!(state.ways(), Ways::Gone);
}

#[test]
fn a_welcome_that_was_put_away_stays_away() {
    let mut bench = Bench::new();
    bench.type_lines("a");
    assert_eq!(bench.state.ways(), Ways::Offered, "reading on while typing");
    let effects = bench.state.apply(front(Action::Dismiss));
    assert_eq!(bench.state.ways(), Ways::Gone);
    let remembered = effects.iter().find_map(|effect| match effect {
        PageEffect::Library(library::Effect::Remember(settings)) => Some(settings.clone()),
        _ => None,
    });
    let remembered = remembered.expect("it is remembered");
    let mut next = State::new(crate::choices::Theme::Auto);
    next.set_up(crate::settings::Settings::parse(&remembered.write()));
    assert_eq!(next.ways(), Ways::Gone);

    let mut bench = Bench::new();
    bench.act(PageAction::LoadLog(b"x\n".to_vec()));
    assert_eq!(bench.state.ways(), Ways::Gone, "another session");
}

#[test]
fn the_tour_grows_a_tree_takes_a_step_back_and_asks_for_a_victim() {
    let mut bench = Bench::new();
    bench.type_lines("before");
    bench.act(tour(tour::Action::Start));
    let at = |bench: &Bench| {
        let tour = bench.state.front.tour.as_ref();
        tour.map(|tour| (tour.stop, tour.is_done))
    };
    assert_eq!(at(&bench), Some((0, false)));
    assert_eq!(bench.state.pane, Pane::Tree);
    assert_eq!(bench.state.ways(), Ways::Gone);
    bench.act(tour(tour::Action::Do));
    assert_eq!(at(&bench), Some((0, true)));
    assert_eq!(
        bench.log(),
        "before radix create tour radix insert tour 0 1 radix insert tour 4096 7"
    );
    bench.act(tour(tour::Action::Next));
    assert_eq!(at(&bench), Some((1, false)));
    bench.act(tour(tour::Action::Do));
    assert_eq!((at(&bench), bench.state.kernel.step), (Some((1, true)), 3));
    bench.act(tour(tour::Action::Next));
    assert_eq!((at(&bench), bench.state.kernel.step), (Some((2, false)), 4));
    assert_eq!(
        (bench.state.pane, bench.state.lower),
        (Pane::Oom, Pane::Oom)
    );
    bench.act(tour(tour::Action::Do));
    assert!(bench.log().ends_with("oom trigger"), "{}", bench.log());
    bench.act(tour(tour::Action::Next));
    assert_eq!(at(&bench), None);
    assert!(bench.state.lesson.shows_catalogue);
    // What was there before is still there.
    assert!(bench.log().starts_with("before "));
}

#[test]
fn the_tour_can_be_left_and_skipped_and_takes_a_name_that_is_free() {
    let mut bench = Bench::new();
    bench.state.kernel.trees = vec!["tour".into(), "tour2".into()];
    bench.state.apply(tour(tour::Action::Start));
    let tree = bench
        .state
        .front
        .tour
        .as_ref()
        .map(|tour| tour.tree.clone());
    assert_eq!(tree.as_deref(), Some("tour3"));
    bench.act(tour(tour::Action::Next));
    bench.act(tour(tour::Action::Next));
    assert_eq!(
        bench.state.front.tour.as_ref().map(|tour| tour.stop),
        Some(2)
    );
    bench.effects.clear();
    bench.act(tour(tour::Action::Leave));
    assert_eq!(bench.state.front.tour, None);
    assert_eq!(bench.effects, [focus("#console-input")]);
    bench.effects.clear();
    bench.act(tour(tour::Action::Leave));
    assert_eq!(bench.effects, [], "there is nothing to leave");
    assert_eq!(bench.log(), "");
}

#[test]
fn a_page_that_takes_no_lines_has_no_tour_and_no_examples() {
    let mut bench = Bench::new();
    bench.state.library.is_frozen = true;
    bench.act(tour(tour::Action::Start));
    bench.act(front(Action::Open("one".into())));
    assert_eq!(bench.state.front.tour, None);
    assert_eq!(bench.errors().len(), 2, "{:?}", bench.errors());
}

#[test]
fn an_example_opens_as_a_session_of_its_own_with_its_pane() {
    let mut bench = Bench::new();
    bench.type_lines("mine");
    bench.act(front(Action::Show(Some(Sheet::Playground))));
    assert_eq!(bench.effects, [PageEffect::Front(Effect::FetchExamples)]);
    bench.act(front(Action::Shelved(Ok(examples()))));
    bench.act(front(Action::Open("one".into())));
    assert_eq!(bench.log(), "a b");
    assert!(bench.state.header.starts_with("mem=4M "));
    assert_eq!(
        (bench.state.lower, bench.state.front.sheet),
        (Pane::Slab, None)
    );
    assert_eq!(bench.state.slabs.open.as_deref(), Some("skb"));
    assert_eq!(bench.state.library.name, "Title of one");
    assert!(bench.errors().is_empty());
    bench.act(front(Action::Open("two".into())));
    assert_eq!((bench.log().as_str(), bench.state.pane), ("c", Pane::Tree));
    assert_eq!(bench.state.slabs.open, None);
    bench.act(front(Action::Open("three".into())));
    assert_eq!(bench.errors(), ["there is no example 'three'"]);
    assert_eq!(bench.log(), "c", "the session stays");
}

#[test]
fn a_link_to_an_example_waits_for_the_examples() {
    let mut bench = Bench::new();
    let open = |bench: &mut Bench| {
        let address = address("", "#example=two");
        bench.act(PageAction::Library(library::Action::Address(Ok(address))));
    };
    open(&mut bench);
    assert_eq!(bench.state.front.wanted.as_deref(), Some("two"));
    bench.act(front(Action::Shelved(Err("no network".into()))));
    assert_eq!(bench.errors().len(), 1, "{:?}", bench.errors());
    assert_eq!(bench.state.front.wanted, None);
    // Once more, with a network.
    open(&mut bench);
    bench.act(front(Action::Shelved(Ok(examples()))));
    assert_eq!(bench.log(), "c");
}

#[test]
fn addresses_lead_to_the_tour_the_playground_and_the_labs() {
    let mut bench = Bench::new();
    let mut go = |fragment| {
        let address = address("", fragment);
        bench.act(PageAction::Library(library::Action::Address(Ok(address))));
        let state = &bench.state;
        let is_touring = state.front.tour.is_some();
        (state.front.sheet, is_touring, state.lesson.shows_catalogue)
    };
    assert_eq!(go("#playground"), (Some(Sheet::Playground), false, false));
    assert_eq!(go("#tour"), (None, true, false));
    assert!(go("#labs").2);
    assert_eq!(go("#playground"), (Some(Sheet::Playground), true, false));
}

fn term(id: &str, says: &str) -> Term {
    Term {
        id: id.into(),
        name: id.into(),
        system: System::Slab,
        says: says.into(),
        places: Vec::new(),
        see: Vec::new(),
    }
}

fn command(name: &str) -> Command {
    Command {
        name: name.into(),
        words: String::new(),
        says: "does something".into(),
    }
}

/// A page whose search is open, and to which everything but the labs has come.
fn searching() -> Bench {
    let mut bench = Bench::new();
    bench.act(front(Action::Show(Some(Sheet::Search))));
    bench.act(front(Action::Shelved(Ok(examples()))));
    bench.act(front(Action::Glossed(Ok(vec![term(
        "freelist", "A chain.",
    )]))));
    bench.act(front(Action::Commanded(Ok(vec![command("kmem free")]))));
    bench
}

fn found(bench: &Bench) -> Vec<&str> {
    let found = bench.state.front.found.iter();
    found.map(|thing| thing.name.as_str()).collect()
}

#[test]
fn the_search_offers_places_and_finds_what_has_come() {
    let mut bench = searching();
    let fetched = |effect: Effect| bench.effects.contains(&PageEffect::Front(effect));
    assert!(fetched(Effect::FetchExamples) && fetched(Effect::FetchTerms));
    assert!(fetched(Effect::FetchCommands));
    let labs = PageEffect::Lesson(lesson::Effect::FetchCatalogue);
    assert!(bench.effects.contains(&labs));
    assert!(found(&bench).contains(&"slab") && found(&bench).contains(&"tour"));
    bench.act(front(Action::Query("frelist".into())));
    assert_eq!(found(&bench)[0], "freelist");
    // The whole word first, then what begins so, then what is only said of a thing.
    bench.act(front(Action::Query("free".into())));
    assert_eq!(found(&bench)[..2], ["kmem free", "freelist"]);
    assert!(found(&bench).contains(&"memory"), "its free blocks");
    // Labs come late, and are found at once.
    bench.act(front(Action::Query("wonders".into())));
    assert!(found(&bench).is_empty());
    let lab = labs::lab::Entry {
        id: "a".into(),
        title: "Wonders".into(),
        ..Default::default()
    };
    bench.act(PageAction::Lesson(lesson::Action::Listed(Ok(vec![lab]))));
    assert_eq!(found(&bench), ["Wonders"]);
}

#[test]
fn the_keys_stay_within_what_was_found() {
    let mut bench = searching();
    bench.act(front(Action::Query("title".into())));
    assert_eq!(found(&bench).len(), 2, "the examples");
    let mut at = |by| {
        bench.act(front(Action::Move(by)));
        bench.state.front.chosen
    };
    assert_eq!([at(-1), at(1), at(1), at(-8)], [0, 1, 1, 0]);
    at(1);
    bench.act(front(Action::Query("freelist".into())));
    assert_eq!(bench.state.front.chosen, 0);
    bench.act(front(Action::Query("nothing of the kind".into())));
    bench.act(front(Action::Choose(0)));
    assert_eq!(
        bench.state.front.sheet,
        Some(Sheet::Search),
        "nowhere to go"
    );
}

#[test]
fn choosing_goes_there() {
    let choose = |query: &str| {
        let mut bench = searching();
        bench.act(front(Action::Query(query.into())));
        bench.act(front(Action::Choose(0)));
        bench
    };
    let bench = choose("scheduler");
    assert_eq!(bench.state.lower, Pane::Sched);
    let focused = PageEffect::Front(Effect::FocusPane(Pane::Sched));
    assert!(bench.effects.contains(&focused));
    let bench = choose("kmem");
    assert_eq!(bench.state.front.sheet, None);
    let typed = PageEffect::SetInput("kmem free ".into());
    assert!(bench.effects.contains(&typed), "{:?}", bench.effects);
    let bench = choose("freelist");
    let front = &bench.state.front;
    assert_eq!(
        (front.sheet, front.term.as_deref()),
        (Some(Sheet::Glossary), Some("freelist"))
    );
    assert_eq!(choose("Title two").log(), "c");
    assert!(choose("tour").state.front.tour.is_some());
}

#[test]
fn a_link_to_a_word_opens_the_glossary_there() {
    let mut bench = Bench::new();
    for (fragment, sheet, term) in [
        ("#term=slab", Sheet::Glossary, Some("slab")),
        ("#glossary", Sheet::Glossary, None),
        ("#search", Sheet::Search, None),
    ] {
        let address = address("", fragment);
        bench.act(PageAction::Library(library::Action::Address(Ok(address))));
        let front = &bench.state.front;
        assert_eq!(front.sheet, Some(sheet), "{fragment}");
        if sheet == Sheet::Glossary {
            assert_eq!(front.term.as_deref(), term, "{fragment}");
        }
    }
}

/// The files of the playground, as they are.
#[test]
fn every_example_names_a_pane_and_every_view_has_an_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../labs/examples");
    let files = std::fs::read_dir(&folder).expect("the folder is there");
    let mut panes = Vec::new();
    let mut systems = Vec::new();
    for file in files.map(|file| file.expect("a file").path()) {
        if file.extension().is_none_or(|end| end != "log") {
            continue;
        }
        let name = file
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        let text = std::fs::read_to_string(&file).expect("text");
        let example = Example::parse(name, &text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let pane = Pane::ALL.into_iter().find(|it| it.label() == example.pane);
        panes.push(pane.unwrap_or_else(|| panic!("{name}: no pane '{}'", example.pane)));
        systems.push(example.system);
        assert!((5..=15).contains(&example.lines.len()), "{name}");
    }
    for pane in Pane::ALL {
        let is_picture = !matches!(pane, Pane::Console | Pane::Lab);
        assert_eq!(panes.contains(&pane), is_picture, "{}", pane.label());
    }
    for system in System::ALL {
        assert!(systems.contains(&system), "{}", system.name());
    }
}
