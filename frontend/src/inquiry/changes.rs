//! What changed between two steps: objects and frames, each a way to the inspector.

use labs::view::{Change, ChangesView, ObjectChange, View, address};
use web_sys::HtmlInputElement;
use words::inquiry as say;
use yew::{Callback, Event, Html, TargetCast, hook, html, use_state};

use crate::callbacks::report;
use crate::part::drawn_by;
use crate::state::Action;
use crate::state::inquiry::{Action as Own, Changes};

/// How many objects and frames are listed before one asks for more.
const LISTED: usize = 100;

/// The kinds of changes with the signs that stand for them.
pub const KINDS: [(Change, &str); 3] = [
    (Change::Allocated, "+"),
    (Change::Freed, "−"),
    (Change::Written, "~"),
];

#[derive(PartialEq)]
pub struct ChangesTab {
    pub step: u32,
    pub steps: u32,
    pub mark: Option<u32>,
    pub range: Option<(u32, u32)>,
    pub changes: Changes,
    pub act: Callback<Action>,
}

drawn_by!(ChangesTab, use_changes_tab);

/// Draws the tab.
#[hook]
fn use_changes_tab(props: &ChangesTab) -> Html {
    let listed = use_state(|| LISTED);
    let more = {
        let listed = listed.clone();
        Callback::from(move |_| listed.set(*listed * 4))
    };
    let content = match (&props.range, &props.changes) {
        (None, _) => html! {
            <p class="empty">{ say::boot() }</p>
        },
        (_, Changes::Failed(error)) => {
            html! { <p class="note error" role="alert">{ &**error }</p> }
        }
        (_, Changes::Unknown) => html! { <p class="empty">{ say::looking() }</p> },
        (_, Changes::Seen(view)) => list(view, *listed, more, &props.act),
    };
    html! { <>{ range(props) }{ content }</> }
}

/// Between which steps: the last one, or from a marked one on.
fn range(props: &ChangesTab) -> Html {
    let step = props.step;
    let onchange = report(&props.act, |event: Event| {
        let input = event.target_dyn_into::<HtmlInputElement>()?;
        let mark = input.value().parse().ok();
        Some(Action::Inquiry(Own::Mark(mark)))
    });
    let unmark = props.act.reform(|_| Action::Inquiry(Own::Mark(None)));
    let is_marked = props.mark.is_some();
    let from = props.mark.map_or(step.saturating_sub(1), |mark| mark);
    html! {
        <div class="dock-form">
            <label>{ say::between() }
                <input type="number" id="changes-from" min="0" max={props.steps.to_string()}
                    value={from.to_string()} {onchange} />
            </label>
            <span>{ say::and_present(step) }</span>
            <button class="tool" id="changes-mark" onclick={props.act.reform(|_| Action::Inquiry(Own::MarkHere))}
                title={say::mark_title()}>
                { say::mark() }
            </button>
            if is_marked {
                <button class="tool" id="changes-unmark" onclick={unmark}>
                    { say::unmark() }
                </button>
            }
        </div>
    }
}

fn list(
    view: &ChangesView,
    listed: usize,
    more: Callback<web_sys::MouseEvent>,
    act: &Callback<Action>,
) -> Html {
    // What the tracer wrote about the step would hide what the step did.
    let is_trace = |object: &&ObjectChange| object.name.starts_with("trace_");
    let (traces, mut objects): (Vec<_>, Vec<_>) = view.objects.iter().partition(is_trace);
    objects.sort_by_key(|object| KINDS.iter().position(|(kind, _)| *kind == object.change));
    let objects = objects.into_iter().take(listed);
    let objects = objects
        .enumerate()
        .map(|(place, object)| row(object, place == 0, act));
    let records = counted(traces.len());
    let traces = traces.into_iter().take(listed);
    let traces = traces.enumerate();
    let traces = traces.map(|(place, object)| row(object, place == 0, act));
    let frames = view.frames.iter().take(listed).enumerate();
    let frames = frames.map(|(place, frame)| {
        let at = frame * 512;
        let onclick = act.reform(move |_| Action::Inquiry(Own::Inspect(at)));
        html! { <li><button class="chip mono" {onclick} tabindex={tabindex(place == 0)}>
            { say::frame(frame) }
        </button></li> }
    });
    let hidden = view
        .objects
        .len()
        .max(view.frames.len())
        .saturating_sub(listed);
    html! {
        <>
            <p class="dock-sentence" id="changes-sentence" role="status"
                data-objects={view.objects.len().to_string()}
                data-frames={view.frames.len().to_string()}>{ view.sentence() }</p>
            <ul class="changes" data-walk="li">{ for objects }</ul>
            if let Some(records) = records {
                <details>
                    <summary>{ records }</summary>
                    <ul class="changes" data-walk="li">{ for traces }</ul>
                </details>
            }
            if view.omitted > 0 {
                <p class="quiet">{ say::more_objects(view.omitted) }</p>
            }
            if !view.frames.is_empty() {
                <h3>{ say::frames() }</h3>
                <ul class="chips" data-walk="li">{ for frames }</ul>
            }
            if hidden > 0 {
                <button class="tool" onclick={more}>{ say::show_more() }</button>
            }
        </>
    }
}

/// Of a list that is walked by arrow keys, Tab leads to one place.
fn tabindex(is_stop: bool) -> &'static str {
    if is_stop { "0" } else { "-1" }
}

/// The tracer's own records, if there are any.
fn counted(records: usize) -> Option<String> {
    (records > 0).then(|| say::own_records(records as u64))
}

/// An object. Arrow keys go from one to the next; `is_stop`: Tab leads here.
fn row(object: &ObjectChange, is_stop: bool, act: &Callback<Action>) -> Html {
    let at = object.at;
    let onclick = act.reform(move |_| Action::Inquiry(Own::Inspect(at)));
    let word = object.change.word();
    let sign = KINDS
        .iter()
        .find(|(kind, _)| *kind == object.change)
        .map_or("", |(_, sign)| sign);
    let bytes = say::bytes_differ(u64::from(object.bytes));
    let change = match object.change {
        Change::Allocated => say::allocated(),
        Change::Freed => say::freed(),
        Change::Written => say::written(),
    };
    html! {
        <li>
            <button class={format!("change {word}")} {onclick} title={say::inspect()}
                tabindex={tabindex(is_stop)}>
                <span class="sign" aria-hidden="true">{ sign }</span>
                <span class="mono">{ &object.name }</span>
                <span class="quiet">{ say::change_and_bytes(change, bytes) }</span>
                <span class="mono address">{ address(at) }</span>
            </button>
        </li>
    }
}
