//! Every question, put to a kernel that is played.

use super::super::tests::{Bench, FakeKernel};
use super::super::{Action as Top, Effect as World, library};
use super::compare::{Part, Phase};
use super::search::Outcome;
use super::*;
use crate::choices::Pane;

fn ask(bench: &mut Bench, action: Action) {
    bench.act(Top::Inquiry(action));
}

/// The waits that were asked for since the last call.
fn wakes(bench: &mut Bench) -> Vec<u32> {
    let effects = std::mem::take(&mut bench.effects);
    let wake = |effect| match effect {
        World::Inquiry(Effect::Wake(after_ms)) => Some(after_ms),
        _ => None,
    };
    effects.into_iter().filter_map(wake).collect()
}

fn became(line: &str) -> Goal {
    Goal::Became {
        line: line.into(),
        prints: Vec::new(),
    }
}

#[test]
fn a_film_keeps_its_speed_and_stops_at_its_end() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb\nc\nd");
    bench.act(Top::Seek(1));
    ask(&mut bench, Action::SetSpeed(Speed::Steps(2)));
    ask(&mut bench, Action::TogglePlay);
    assert_eq!(wakes(&mut bench), [0]);
    ask(&mut bench, Action::Tick(1000.0));
    assert_eq!((bench.state.kernel.step, wakes(&mut bench)), (1, vec![500]));
    ask(&mut bench, Action::Tick(1499.0));
    assert_eq!((bench.state.kernel.step, wakes(&mut bench)), (1, vec![1]));
    ask(&mut bench, Action::Tick(1600.0));
    assert_eq!((bench.state.kernel.step, wakes(&mut bench)), (2, vec![400]));
    // A page that slept for an hour goes on where it was.
    ask(&mut bench, Action::Tick(4e6));
    assert_eq!(bench.state.kernel.step, 3);
    ask(&mut bench, Action::Tick(4e6 + 500.0));
    assert_eq!(bench.state.kernel.step, 4);
    assert!(!bench.state.inquiry.play.is_on());
    // Played again, it begins at the boot.
    ask(&mut bench, Action::TogglePlay);
    assert_eq!(bench.state.kernel.step, 0);
    ask(&mut bench, Action::TogglePlay);
    assert!(!bench.state.inquiry.play.is_on());
}

#[test]
fn a_slow_kernel_is_never_asked_twice() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb\nc\nd");
    bench.act(Top::Seek(0));
    ask(&mut bench, Action::SetSpeed(Speed::Steps(100)));
    ask(&mut bench, Action::TogglePlay);
    let tick = |bench: &mut Bench, now| bench.state.apply(Top::Inquiry(Action::Tick(now)));
    tick(&mut bench, 0.0);
    let sent = tick(&mut bench, 10.0);
    assert!(
        sent.contains(&World::Send(Request::Seek { step: 1 })),
        "{sent:?}"
    );
    for now in [20.0, 30.0, 40.0] {
        let sent = tick(&mut bench, now);
        assert_eq!(sent, [World::Inquiry(Effect::Wake(0))]);
    }
    for effect in sent {
        if let World::Send(request) = effect {
            let response = bench.kernel.handle(request.clone());
            bench.act(Top::Answered(request, response));
        }
    }
    // The steps that were missed are left out.
    ask(&mut bench, Action::Tick(31.0));
    assert_eq!(bench.state.kernel.step, 3);
}

#[test]
fn the_fastest_speed_shows_every_step() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb\nc\nd\ne");
    bench.act(Top::Seek(1));
    ask(&mut bench, Action::SetSpeed(Speed::Max));
    bench.kernel.asked.clear();
    ask(&mut bench, Action::TogglePlay);
    ask(&mut bench, Action::Tick(1.0));
    let seeks = bench
        .kernel
        .asked
        .iter()
        .filter_map(|request| match request {
            Request::Seek { step } => Some(*step),
            _ => None,
        });
    assert_eq!(seeks.collect::<Vec<_>>(), [2, 3, 4, 5]);
    assert!(!bench.state.inquiry.play.is_on());
}

#[test]
fn the_speed_is_remembered() {
    let mut bench = Bench::new();
    let faster = Top::Inquiry(Action::SetSpeed(Speed::Steps(20)));
    let effects = bench.state.apply(faster);
    let remembers = |effect: &World| match effect {
        World::Library(library::Effect::Remember(settings)) => Some(settings.speed),
        _ => None,
    };
    let speed = effects.iter().find_map(remembers);
    assert_eq!(speed, Some(Speed::Steps(20)));
}

#[test]
fn a_hand_on_the_time_control_pauses() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb\nc");
    for stop in [
        Top::Seek(1),
        Top::StepBy(-1),
        Top::Submit(vec![b"x".to_vec()]),
    ] {
        bench.act(Top::Seek(0));
        ask(&mut bench, Action::TogglePlay);
        assert!(bench.state.inquiry.play.is_on());
        bench.act(stop);
        assert!(!bench.state.inquiry.play.is_on());
    }
}

#[test]
fn changes_count_from_the_last_step_or_a_marked_one() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb\nc");
    ask(&mut bench, Action::Show(Some(Tab::Changes)));
    let range = |bench: &Bench| match &bench.state.inquiry.changes {
        Changes::Seen(view) => Some((view.from, view.to)),
        _ => None,
    };
    assert_eq!(range(&bench), Some((2, 3)));
    assert_eq!(bench.state.inquiry.lit.frames(), [3]);
    ask(&mut bench, Action::MarkHere);
    bench.act(Top::Seek(1));
    assert_eq!(range(&bench), Some((1, 3)));
    ask(&mut bench, Action::Mark(None));
    assert_eq!(range(&bench), Some((0, 1)));
    bench.act(Top::Seek(0));
    assert_eq!(bench.state.inquiry.range(0), None);
    assert!(bench.state.inquiry.lit.is_empty());
    ask(&mut bench, Action::Show(None));
    assert!(bench.state.inquiry.lit.is_empty());
    bench.kernel.asked.clear();
    bench.act(Top::Seek(2));
    let asked_for_changes =
        |request: &Request| matches!(request, Request::View(ViewRequest::Changes { .. }));
    assert!(!bench.kernel.asked.iter().any(asked_for_changes));
}

#[test]
fn the_inspector_stays_open_while_one_steps() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb");
    ask(&mut bench, Action::Inspect(64));
    let bytes = |bench: &Bench| bench.state.inquiry.inspector.view.as_ref().unwrap().bytes[0];
    assert_eq!(bytes(&bench), 2);
    assert!(bench.state.inquiry.lit.mark_of(64).is_some());
    bench.act(Top::StepBy(-1));
    assert_eq!(bytes(&bench), 1);
    assert_eq!(bench.state.inquiry.inspector.changed_bytes(), [true]);
    ask(&mut bench, Action::Inspect(1000));
    assert!(bench.state.inquiry.inspector.error.is_some());
    ask(&mut bench, Action::InspectBack);
    assert_eq!(bytes(&bench), 1);
    assert!(!bench.state.is_busy());
}

#[test]
fn an_event_lights_what_it_touched() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb");
    bench.act(Top::Show(Pane::Events));
    ask(&mut bench, Action::SelectEvent(Some(1)));
    assert_eq!(bench.state.inquiry.lit.frames(), [1]);
    ask(&mut bench, Action::SelectEvent(None));
    assert!(bench.state.inquiry.lit.is_empty());
}

#[test]
fn a_search_goes_on_until_it_is_through() {
    let mut bench = Bench::new();
    let lines: Vec<String> = (1..=35).map(|n| format!("line{n}")).collect();
    bench.type_lines(&lines.join("\n"));
    let outcome = |bench: &Bench| bench.state.inquiry.search.as_ref().unwrap().outcome.clone();
    ask(&mut bench, Action::Search(became("line7")));
    assert_eq!(outcome(&bench), Some(Outcome::Found(7)));
    ask(&mut bench, Action::Search(became("never")));
    assert_eq!(outcome(&bench), Some(Outcome::Nothing));
    bench.act(Top::Seek(5));
    ask(&mut bench, Action::Search(became("line7")));
    assert_eq!(outcome(&bench), Some(Outcome::Nothing));
}

#[test]
fn a_search_can_be_stopped_and_is_by_a_new_line() {
    let mut bench = Bench::new();
    let lines: Vec<String> = (1..=35).map(|n| format!("line{n}")).collect();
    bench.type_lines(&lines.join("\n"));
    for stop in [
        Top::Inquiry(Action::StopSearch),
        Top::Submit(vec![b"x".to_vec()]),
    ] {
        let sent = bench
            .state
            .apply(Top::Inquiry(Action::Search(became("line7"))));
        bench.act(stop);
        let [World::Send(request)] = sent.as_slice() else {
            panic!("{sent:?}")
        };
        bench.kernel.asked.clear();
        let response = bench.kernel.handle(request.clone());
        bench.act(Top::Answered(request.clone(), response));
        assert_eq!(bench.kernel.asked.len(), 1, "it goes on");
        let search = bench.state.inquiry.search.clone().unwrap();
        assert!(matches!(search.outcome, Some(Outcome::Stopped(_))));
    }
}

#[test]
fn an_edited_past_runs_again_and_says_where_it_differs() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb\nc\ncount\nd");
    let differs = |bench: &Bench| bench.state.inquiry.rewrite.as_ref().unwrap().differs;
    ask(&mut bench, Action::Edit(Edit::Change(2, b"x".to_vec())));
    assert_eq!(bench.log(), "a x c count d");
    assert_eq!((differs(&bench), bench.state.kernel.step), (None, 2));
    ask(&mut bench, Action::Edit(Edit::Insert(2, b"y".to_vec())));
    assert_eq!(bench.log(), "a y x c count d");
    assert_eq!(differs(&bench), Some((5, "prints another text")));
    ask(&mut bench, Action::Edit(Edit::Delete(1)));
    assert_eq!(bench.log(), "y x c count d");
    assert_eq!(differs(&bench), Some((4, "prints another text")));
    assert_eq!(bench.state.log[3].printed, "4");
    // And back, edit by edit.
    for log in ["a y x c count d", "a x c count d", "a b c count d"] {
        ask(&mut bench, Action::Undo);
        assert_eq!(bench.log(), log);
    }
    assert!(!bench.state.inquiry.can_undo());
    assert!(bench.errors().is_empty());
}

#[test]
fn the_last_line_can_be_taken_out() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb\nc");
    ask(&mut bench, Action::Edit(Edit::Delete(3)));
    assert_eq!((bench.log().as_str(), bench.state.kernel.step), ("a b", 2));
    assert_eq!(bench.kernel.log, [b"a", b"b"]);
    ask(&mut bench, Action::Undo);
    assert_eq!(bench.log(), "a b c");
    ask(&mut bench, Action::Edit(Edit::Delete(9)));
    ask(&mut bench, Action::Edit(Edit::Delete(0)));
    assert_eq!(bench.log(), "a b c");
    assert!(bench.errors().is_empty());
}

/// Lets a second kernel answer until nobody has anything to say.
fn compare_with(bench: &mut Bench, log: &str, skew: u64) -> Rc<Compare> {
    let mut other = FakeKernel::new();
    other.skew = skew;
    bench.effects.clear();
    ask(bench, Action::Compare(log.into()));
    serve(bench, &mut other);
    bench.state.inquiry.compare.clone().unwrap()
}

/// Lets the other kernel answer until nobody has anything to say.
fn serve(bench: &mut Bench, other: &mut FakeKernel) {
    while !bench.effects.is_empty() {
        for effect in std::mem::take(&mut bench.effects) {
            let event = match effect {
                World::Inquiry(Effect::OpenSecond) => Second::Ready,
                World::Inquiry(Effect::SendSecond(request)) => {
                    let response = other.handle(request.clone());
                    Second::Answered(request, response)
                }
                _ => continue,
            };
            ask(bench, Action::Second(event));
        }
    }
}

#[test]
fn a_twin_runs_what_this_session_runs_and_follows_it() {
    let mut bench = Bench::new();
    let mut other = FakeKernel::new();
    bench.type_lines("a\nb\nc");
    ask(&mut bench, Action::CompareTwin("slob".into()));
    serve(&mut bench, &mut other);
    let stands = |bench: &Bench| {
        let compare = bench.state.inquiry.compare.clone().unwrap();
        let twin = compare.twin.clone().unwrap();
        // The played caches have found as many bugs as there are steps.
        let slab = twin.slab.map(|(step, slab)| (step, slab.bugs));
        (compare.lines.len(), compare.phase.clone(), slab)
    };
    assert_eq!(stands(&bench), (3, Phase::Same, Some((3, 3))));
    bench.type_lines("d");
    serve(&mut bench, &mut other);
    assert_eq!(stands(&bench), (4, Phase::Same, Some((4, 4))));
    bench.act(Top::Seek(2));
    serve(&mut bench, &mut other);
    assert_eq!(stands(&bench), (4, Phase::Same, Some((2, 2))));
    // A line in the past drops the later ones, there as well.
    bench.type_lines("x");
    serve(&mut bench, &mut other);
    assert_eq!(stands(&bench), (3, Phase::Same, Some((3, 3))));
    assert_eq!(other.log, bench.kernel.log);
    // The caches here are asked for as long as they are compared.
    assert!(
        bench
            .kernel
            .asked
            .contains(&Request::View(ViewRequest::Slab))
    );
    ask(&mut bench, Action::EndComparison);
    bench.type_lines("y");
    serve(&mut bench, &mut other);
    assert_eq!(
        (bench.state.inquiry.compare.clone(), other.log.len()),
        (None, 3)
    );
}

#[test]
fn a_twin_goes_on_after_it_parted() {
    let mut bench = Bench::new();
    let mut other = FakeKernel::new();
    other.skew = 1;
    bench.type_lines("a\nb\nc");
    ask(&mut bench, Action::CompareTwin("slob".into()));
    serve(&mut bench, &mut other);
    let compare = bench.state.inquiry.compare.clone().unwrap();
    assert_eq!(compare.phase, Phase::Parted(1, Part::Events));
    assert_eq!((compare.lines.len(), bench.state.kernel.step), (3, 3));
    let slab = compare.twin.as_ref().and_then(|twin| twin.slab.as_ref());
    assert_eq!(slab.map(|(step, _)| *step), Some(3));
    // Events were compared without going to that step; these kernels' are the same.
    assert_eq!((compare.event(), compare.events_left_out()), (None, 0));
    let asked = ViewRequest::Events {
        since: 0,
        max: super::compare::EVENTS_COMPARED,
    };
    assert!(bench.kernel.asked.contains(&Request::View(asked.clone())));
    assert!(other.asked.contains(&Request::View(asked)));
}

#[test]
fn sessions_part_at_their_first_difference() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb\nc\nd");
    for (log, phase) in [
        ("mem=64M\na\nb\nc\nd\n", Phase::Same),
        ("mem=64M\na\nb\nx\nd\n", Phase::Parted(3, Part::Line)),
        ("mem=64M\na\nb\n", Phase::Parted(3, Part::EndsThere)),
        ("mem=64M\na\nb\nc\nd\ne\n", Phase::Parted(5, Part::EndsHere)),
    ] {
        assert_eq!(compare_with(&mut bench, log, 0).phase, phase, "{log}");
    }
    let wrong = compare_with(&mut bench, "mem=3Q\n", 0);
    assert!(matches!(wrong.phase, Phase::Failed(_)));
}

#[test]
fn events_that_differ_are_found_though_the_text_is_the_same() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb\nc\nd");
    // Two machines that boot alike.
    let parted = compare_with(&mut bench, "mem=64M\na\nb\nc\nd\n", 7);
    assert_eq!(parted.phase, Phase::Parted(1, Part::Events));
    assert_eq!(bench.state.kernel.step, 1);
    // The played kernels emit the same events with another chain.
    assert_eq!(parted.event(), None);
    let parted = compare_with(&mut bench, "mem=64M\na\nx\nc\nd\n", 0);
    let [ours, theirs] = parted.event().expect("an event differs");
    assert_eq!(ours.map(|event| event.name.as_str()), Some("b"));
    assert_eq!(theirs.map(|event| event.name.as_str()), Some("x"));
}

#[test]
fn a_trace_is_put_together_from_pieces() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb\nc\nd\ne");
    ask(&mut bench, Action::Export(TraceFormat::Ftrace));
    let saved = bench.effects.iter().find_map(|effect| match effect {
        World::Inquiry(Effect::Save(name, bytes)) => Some((name.as_str(), bytes.as_slice())),
        _ => None,
    });
    assert_eq!(saved, Some(("session.trace.txt", b"0 2 4 ".as_slice())));
}

#[test]
fn a_kernel_that_falls_ends_what_it_was_asked() {
    let mut bench = Bench::new();
    bench.type_lines("a\nb");
    let _ = bench.state.apply(Top::Inquiry(Action::Search(became("a"))));
    let _ = bench
        .state
        .apply(Top::Inquiry(Action::Export(TraceFormat::Chrome)));
    bench.act(Top::Failed("it broke".into()));
    let search = bench.state.inquiry.search.clone().unwrap();
    assert!(matches!(search.outcome, Some(Outcome::Stopped(_))));
    assert!(bench.state.inquiry.export.is_none());
    ask(&mut bench, Action::TogglePlay);
    ask(&mut bench, Action::Edit(Edit::Delete(1)));
    assert_eq!(bench.log(), "a b");
}
