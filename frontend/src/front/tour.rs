//! The tour's strip, below the head: what there is to see at this stop, and the way on.

use words::front as say;
use yew::{AttrValue, Callback, Html, KeyboardEvent, hook, html};

use crate::choices::Pane;
use crate::part::drawn_later_by;
use crate::state::front::{self, tour};
use crate::state::{Action, State};

/// Where the visitor is.
#[derive(PartialEq)]
pub struct TourStrip {
    stop: usize,
    is_done: bool,
    /// The lines that this stop runs, as one text.
    lines: AttrValue,
    /// Nothing can be done just now.
    is_running: bool,
    act: Callback<Action>,
}

drawn_later_by!(TourStrip, use_tour, front, |_| true);

impl TourStrip {
    /// The strip, while somebody takes the tour.
    pub fn of(state: &State, act: &Callback<Action>) -> Option<TourStrip> {
        let tour = state.front.tour.as_ref()?;
        Some(TourStrip {
            stop: tour.stop,
            is_done: tour.is_done,
            lines: tour.lines().join("; ").into(),
            is_running: state.is_running(),
            act: act.clone(),
        })
    }

    /// The class of the page that has the pane of this stop stand out.
    pub fn class_of(state: &State) -> Option<&'static str> {
        let tour = state.front.tour.as_ref()?;
        Some(match tour.pane() {
            Pane::Tree => "tours-tree",
            _ => "tours-oom",
        })
    }
}

/// What a stop says.
struct Stop {
    title: &'static str,
    /// What will be done.
    before: &'static str,
    /// The button that does it.
    deed: &'static str,
    /// What has come of it.
    after: &'static str,
}

/// What each stop says.
fn stops() -> [Stop; tour::STOPS] {
    [
        Stop {
            title: say::tour_grow(),
            before: say::tour_grow_before(),
            deed: say::tour_run(),
            after: say::tour_grow_after(),
        },
        Stop {
            title: say::tour_undo(),
            before: say::tour_undo_before(),
            deed: say::tour_back(),
            after: say::tour_undo_after(),
        },
        Stop {
            title: say::tour_oom(),
            before: say::tour_oom_before(),
            deed: say::tour_run(),
            after: say::tour_oom_after(),
        },
    ]
}

#[hook]
fn use_tour(props: &TourStrip) -> Html {
    let report = |action| {
        let act = props.act.clone();
        Callback::from(move |_| act.emit(Action::Front(front::Action::Tour(action))))
    };
    let stops = stops();
    let stop = &stops[props.stop.min(tour::STOPS - 1)];
    let is_last = props.stop + 1 == tour::STOPS;
    let (label, action) = match (props.is_done, is_last) {
        (false, _) => (stop.deed, tour::Action::Do),
        (true, false) => (say::tour_next(), tour::Action::Next),
        (true, true) => (say::tour_end(), tour::Action::Next),
    };
    let onkeydown = {
        let leave = report(tour::Action::Leave);
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                event.prevent_default();
                leave.emit(());
            }
        })
    };
    let onclick = {
        let go = report(action);
        Callback::from(move |_| go.emit(()))
    };
    let skip = {
        let skip = report(tour::Action::Next);
        Callback::from(move |_| skip.emit(()))
    };
    let leave = {
        let leave = report(tour::Action::Leave);
        Callback::from(move |_| leave.emit(()))
    };
    html! {
        <section class="tour" id="tour" aria-label={say::tour()} {onkeydown}>
            <div class="tour-text" id="tour-text" aria-live="polite">
                <h2>{ stop.title }<span class="quiet">{ " " }{ say::tour_place(props.stop + 1, tour::STOPS) }</span></h2>
                <p>{ if props.is_done { stop.after } else { stop.before } }</p>
                if !props.is_done && !props.lines.is_empty() {
                    <p class="mono" id="tour-lines">{ &props.lines }</p>
                }
            </div>
            <div class="actions">
                <button class="primary" id="tour-go" aria-describedby="tour-text" data-stop={(props.stop + 1).to_string()}
                    data-done={props.is_done.to_string()} aria-disabled={props.is_running.then_some("true")}
                    {onclick}>{ label }</button>
                if !props.is_done && !is_last {
                    <button class="tool" id="tour-skip" onclick={skip}>{ say::tour_skip() }</button>
                }
                <button class="tool" id="tour-leave" onclick={leave} title="Esc">{ say::tour_leave() }</button>
            </div>
        </section>
    }
}
