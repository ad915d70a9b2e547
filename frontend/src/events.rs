//! The trace: what the kernel reported, newest last.

use std::rc::Rc;

use labs::view::{EventRow, EventsView, View, address};
use web_sys::{HtmlElement, HtmlInputElement};
use yew::{
    Callback, Html, InputEvent, TargetCast, classes, hook, html, use_effect_with, use_node_ref,
    use_state,
};

use crate::choices::Pane;
use crate::part::drawn_later_by;
use crate::state::Action;
use crate::state::inquiry::Action as Inquiry;
use crate::table::{Panel, panel};

#[derive(PartialEq)]
pub struct EventsPane {
    pub view: Option<Rc<EventsView>>,
    /// The step that is shown; its events are marked.
    pub step: u32,
    /// The number of the event whose objects are lit.
    pub selected: Option<u64>,
    pub as_table: bool,
    pub visible: bool,
    pub act: Callback<Action>,
}

drawn_later_by!(EventsPane, use_events_pane, events, |_| true);

/// Lists the events, with a filter.
#[hook]
fn use_events_pane(props: &EventsPane) -> Html {
    let filter = use_state(String::new);
    let list = use_node_ref();
    let view = props.view.clone().unwrap_or_default();
    let chosen = Rc::new(EventsView {
        events: view
            .events
            .iter()
            .filter(|event| matches(event, &filter))
            .cloned()
            .collect(),
        ..*view
    });
    {
        let list = list.clone();
        use_effect_with((chosen.next, props.visible), move |_| {
            if let Some(list) = list.cast::<HtmlElement>() {
                list.set_scroll_top(list.scroll_height());
            }
        });
    }
    let oninput = {
        let filter = filter.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                filter.set(input.value());
            }
        })
    };
    let tools = html! {
        <input class="filter" id="events-filter" type="search" placeholder={words::events::filter()}
            {oninput} aria-label={words::events::filter_label()} value={(*filter).clone()} />
    };
    // The selected one, or the newest.
    let is_listed = |number: &u64| chosen.events.iter().any(|event| event.number == *number);
    let stop = props.selected.filter(is_listed);
    let stop = stop.or(chosen.events.last().map(|event| event.number));
    let picture = html! {
        <div class="events scroll" ref={list} id="events-list" tabindex="0" role="region"
            aria-label={words::events::list()}>
            if view.lost > 0 {
                <button class="tool" onclick={props.act.reform(|_| Action::MoreEvents)}>
                    { words::events::older() }
                </button>
            }
            <ol data-walk="li">
                { for chosen.events.iter().map(|event| row(event, props, stop == Some(event.number))) }
            </ol>
            if chosen.events.is_empty() {
                <p class="empty">{ if filter.is_empty() { words::events::none() } else { words::events::none_with_words() } }</p>
            }
        </div>
    };
    let frame = Panel {
        pane: Pane::Events,
        title: words::events::title().into(),
        sentence: chosen.sentence().into(),
        table: props.as_table.then(|| chosen.table()),
        visible: props.visible,
        tools,
        act: &props.act,
    };
    panel(frame, picture)
}

/// An event. Arrow keys go from one to the next; `is_stop`: Tab leads here.
fn row(event: &EventRow, props: &EventsPane, is_stop: bool) -> Html {
    let (step, number) = (event.step, event.number);
    let act = &props.act;
    let onclick = act.reform(move |_| Action::Seek(step));
    let is_current = step == props.step;
    let is_selected = props.selected == Some(number);
    let target = (!is_selected).then_some(number);
    let select = act.reform(move |_| Action::Inquiry(Inquiry::SelectEvent(target)));
    let class = classes!(
        "event",
        is_current.then_some("current"),
        is_selected.then_some("selected")
    );
    html! {
        <li key={number} {class} aria-current={is_current.then_some("step")}>
            <button class="step" data-step={step.to_string()} {onclick} tabindex="-1"
                aria-label={words::output::step(step)} title={words::output::show_step(step)} />
            <button class="event-text" aria-pressed={is_selected.to_string()} onclick={select}
                tabindex={if is_stop { "0" } else { "-1" }} title={words::events::light()}>
                if event.sentence.is_empty() {
                    <span class="event-name">{ &event.name }</span>
                    { " " }
                    <span class="event-fields">{ &event.fields }</span>
                } else {
                    <span class="event-sentence">{ words::told(&event.sentence) }</span>
                    { " " }
                    <span class="event-fields">{ &event.name }</span>
                }
            </button>
            if is_selected { { details(event, act) } }
        </li>
    }
}

/// What the kernel wrote of the event, and the objects that it touched.
fn details(event: &EventRow, act: &Callback<Action>) -> Html {
    let touches = event.touches.iter().map(|touch| {
        let at = touch.at;
        let onclick = act.reform(move |_| Action::Inquiry(Inquiry::Inspect(at)));
        let address = address(at);
        let label = words::events::inspect(&address, touch.bytes);
        html! { <button class="chip mono" {onclick} aria-label={label}>{ address }</button> }
    });
    html! {
        <div class="event-details">
            <span class="event-name">{ &event.name }</span>{ " " }
            <span class="event-fields">{ format!("cpu={} {}", event.cpu, event.fields) }</span>
            <div class="chips">{ for touches }</div>
        </div>
    }
}

/// Every word of the filter occurs in the event.
fn matches(event: &EventRow, filter: &str) -> bool {
    let holds = |text: &str, word: &str| text.to_lowercase().contains(word);
    filter.to_lowercase().split_whitespace().all(|word| {
        let sentence = words::told(&event.sentence);
        let texts = [&*event.name, &event.fields, &sentence];
        texts.into_iter().any(|text| holds(text, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_wants_all_its_words() {
        let event = EventRow {
            name: "kmem:kmem_cache_alloc".into(),
            fields: "name=radix_tree_node ptr=ffff".into(),
            ..Default::default()
        };
        assert!(matches(&event, ""));
        assert!(matches(&event, " Radix ALLOC"));
        assert!(!matches(&event, "radix free"));
    }
}
