//! The callbacks of a step as a film: call by call, with the task on its way from one container to
//! another, until somebody says no or the pointer is stored.

use std::rc::Rc;

use labs::view::{CallView, CallbacksView};
use wasm_bindgen::prelude::*;
use web_sys::{HtmlElement, HtmlInputElement, KeyboardEvent};
use yew::{
    Callback, Html, InputEvent, TargetCast, classes, hook, html, use_effect_with, use_node_ref,
    use_state_eq,
};

use crate::icons::{self, icon};
use crate::page::focus_in_place;
use crate::part::drawn_by;
use crate::state::Action;
use crate::state::containers::Action as Own;

/// How long a call is shown while the film runs, in milliseconds.
const SHOWN_MS: i32 = 1400;

#[derive(PartialEq)]
pub struct Film {
    pub view: Rc<CallbacksView>,
    /// The console line of the step.
    pub line: Option<String>,
    /// The step is not the one that the page shows.
    pub is_earlier: bool,
    pub act: Callback<Action>,
}

drawn_by!(Film, use_film);

/// Calls back after a time, unless it is dropped before.
struct Timer {
    id: Option<i32>,
    _closure: Closure<dyn FnMut()>,
}

impl Timer {
    fn new(after_ms: i32, act: impl FnOnce() + 'static) -> Timer {
        let closure = Closure::once(act);
        let window = web_sys::window();
        let id = window.and_then(|window| {
            let function = closure.as_ref().unchecked_ref();
            window
                .set_timeout_with_callback_and_timeout_and_arguments_0(function, after_ms)
                .ok()
        });
        Timer {
            id,
            _closure: closure,
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let (Some(window), Some(id)) = (web_sys::window(), self.id) {
            window.clear_timeout_with_handle(id);
        }
    }
}

/// Draws the film.
#[hook]
fn use_film(props: &Film) -> Html {
    let scene = use_state_eq(|| 0);
    let is_on = use_state_eq(|| false);
    let list = use_node_ref();
    let calls = &props.view.calls;
    let last = calls.len().saturating_sub(1);
    let now = (*scene).min(last);
    {
        // Another step's film begins at its beginning.
        let (scene, is_on) = (scene.clone(), is_on.clone());
        use_effect_with(props.view.clone(), move |_| {
            scene.set(0);
            is_on.set(false);
        });
    }
    {
        let (scene, is_on) = (scene.clone(), is_on.clone());
        use_effect_with((*is_on, now), move |(runs, now)| {
            let now = *now;
            let timer = runs.then(|| {
                Timer::new(SHOWN_MS, move || {
                    if now < last {
                        scene.set(now + 1);
                    }
                    is_on.set(now + 1 < last);
                })
            });
            move || drop(timer)
        });
    }
    {
        let list = list.clone();
        use_effect_with(now, move |now| {
            if let Some(list) = list.cast::<HtmlElement>() {
                reveal(&list, *now);
            }
        });
    }
    let go = {
        let (scene, is_on) = (scene.clone(), is_on.clone());
        Callback::from(move |to: usize| {
            is_on.set(false);
            scene.set(to.min(last));
        })
    };
    let toggle = {
        let (scene, is_on) = (scene.clone(), is_on.clone());
        Callback::from(move |()| {
            if !*is_on && now == last {
                scene.set(0);
            }
            is_on.set(!*is_on && last > 0);
        })
    };
    let onkeydown = {
        let (go, toggle, act) = (go.clone(), toggle.clone(), props.act.clone());
        Callback::from(move |event: KeyboardEvent| {
            if event.alt_key() || event.ctrl_key() || event.meta_key() {
                return;
            }
            match event.key().as_str() {
                " " => toggle.emit(()),
                "ArrowLeft" | "ArrowUp" => go.emit(now.saturating_sub(1)),
                "ArrowRight" | "ArrowDown" => go.emit(now + 1),
                "Home" => go.emit(0),
                "End" => go.emit(last),
                "Escape" => {
                    focus_in_place("#containers-film");
                    act.emit(Action::Containers(Own::Film(false)));
                }
                _ => return,
            }
            event.prevent_default();
        })
    };
    let rows = calls.iter().enumerate();
    let rows = rows.map(|(number, call)| row(number, call, now, &go));
    html! {
        <>
            <div class="film">
                <p class="film-line">
                    { words::containers::film_step(props.view.step) }
                    <code>{ props.line.as_deref().unwrap_or_default() }</code>
                    if props.is_earlier {
                        <span class="quiet">{ words::containers::film_earlier() }</span>
                    }
                </p>
                { controls(now, last, *is_on, &go, &toggle) }
                <div class="film-caption" id="calls-caption" aria-live="polite">
                    if let Some(call) = calls.get(now) { { caption(call, now, calls.len()) } }
                </div>
                if let Some(call) = calls.get(now) { { stage(calls, now, call) } }
            </div>
            <ol class="scroll calls" id="calls" ref={list} tabindex="0" role="list"
                aria-label={words::containers::film_label()} {onkeydown}
                data-scene={now.to_string()} data-calls={calls.len().to_string()}>
                { for rows }
                if props.view.omitted > 0 {
                    <li class="quiet">{ words::containers::film_omitted(props.view.omitted) }</li>
                }
            </ol>
        </>
    }
}

/// Scrolls a list so far that an entry is seen.
fn reveal(list: &HtmlElement, entry: usize) {
    let Some(entry) = list.children().item(entry as u32) else {
        return;
    };
    let (outside, inside) = (
        list.get_bounding_client_rect(),
        entry.get_bounding_client_rect(),
    );
    let over = inside.top() - outside.top();
    let below = inside.bottom() - outside.bottom();
    if over < 0.0 || below > 0.0 {
        let by = if over < 0.0 { over } else { below };
        list.set_scroll_top(list.scroll_top() + by as i32);
    }
}

fn controls(
    now: usize,
    last: usize,
    is_on: bool,
    go: &Callback<usize>,
    toggle: &Callback<()>,
) -> Html {
    let button = |id: &'static str, label: &'static str, path, to: usize, is_off: bool| {
        let onclick = go.reform(move |_| to);
        html! {
            <button class="tool" {id} aria-label={label} title={label} disabled={is_off} {onclick}>
                { icon(path) }
            </button>
        }
    };
    let (label, path) = match is_on {
        true => (words::containers::film_pause(), icons::PAUSE),
        false => (words::containers::film_play(), icons::PLAY),
    };
    let toggle = toggle.reform(|_| ());
    let oninput = {
        let go = go.clone();
        Callback::from(move |event: InputEvent| {
            let input = event.target_dyn_into::<HtmlInputElement>();
            if let Some(to) = input.and_then(|input| input.value().parse().ok()) {
                go.emit(to);
            }
        })
    };
    html! {
        <div class="film-controls time">
            <div class="time-buttons">
                { button("calls-back", words::containers::film_back(), icons::BACK, now.saturating_sub(1), now == 0) }
                <button class="tool" id="calls-play" aria-label={label} title={label}
                    aria-pressed={is_on.to_string()} disabled={last == 0} onclick={toggle}>{ icon(path) }</button>
                { button("calls-on", words::containers::film_on(), icons::FORWARD, now + 1, now == last) }
            </div>
            <input type="range" min="0" max={last.to_string()} value={now.to_string()} {oninput}
                aria-label={words::containers::film_call()}
                aria-valuetext={words::containers::film_call_of(now + 1, last + 1)} />
        </div>
    }
}

fn caption(call: &CallView, now: usize, count: usize) -> Html {
    html! {
        <>
            <span class="quiet">{ words::containers::film_of(now + 1, count) }</span>
            <strong>{ call.title() }</strong>
            if !call.errno.is_empty() { <span class="veto">{ &call.errno }</span> }
            <br />
            { words::told(&call.because) }
        </>
    }
}

/// The containers that a call is about, and the task between them.
fn stage(calls: &[CallView], now: usize, call: &CallView) -> Html {
    if call.old.is_empty() || call.pid == 0 {
        return Html::default();
    }
    // It is there once the core has stored the pointer.
    let is_it = |other: &&CallView| {
        other.call == "move" && (other.pid, &other.container) == (call.pid, &call.container)
    };
    let begin = calls[..now]
        .iter()
        .rposition(|other| other.old.is_empty())
        .unwrap_or(0);
    let has_moved = calls[begin..=now].iter().any(|other| is_it(&other));
    let task = html! { <span class="dot runs" title={words::containers::film_task(call.pid)} /> };
    let refused = !call.errno.is_empty();
    let place = |name: &str, is_in: bool| {
        html! {
            <div class={classes!("place", is_in.then_some("in"))}>
                <span class="mono">{ name }</span>
                <span class="slot">if is_in { { task.clone() } }</span>
            </div>
        }
    };
    html! {
        <div class={classes!("stage", refused.then_some("refused"))} aria-hidden="true"
            data-moved={has_moved.to_string()}>
            { place(&call.old, !has_moved) }
            <span class="way">{ if refused { "✕" } else { "→" } }</span>
            { place(&call.container, has_moved) }
        </div>
    }
}

fn row(number: usize, call: &CallView, now: usize, go: &Callback<usize>) -> Html {
    let onclick = go.reform(move |_| number);
    let class = classes!(
        "call",
        (number == now).then_some("current"),
        (number > now).then_some("future"),
        (!call.errno.is_empty()).then_some("refused"),
        call.subsystem.is_empty().then_some("core"),
    );
    let is_current = (number == now).then_some("true");
    html! {
        <li key={number} {class} aria-current={is_current}>
            <button class="call-go" tabindex="-1" {onclick}>
                <code class="call-name">{ &call.call }</code>
                if call.subsystem.is_empty() {
                    <span class="quiet">{ words::containers::the_core() }</span>
                } else {
                    <span class="subsystem">{ &call.subsystem }</span>
                }
                <span class="mono call-where">{ &call.container }</span>
                <span class="call-task">
                    if call.pid > 0 { { words::containers::film_task(call.pid) } }
                </span>
                <span class={if call.errno.is_empty() { "quiet" } else { "veto" }}>{ call.result() }</span>
            </button>
        </li>
    }
}
