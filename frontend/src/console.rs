//! The console: what the kernel printed, and the line being typed.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, HtmlElement, HtmlInputElement, KeyboardEvent, MouseEvent};
use words::console as say;
use yew::{
    AttrValue, Callback, Html, NodeRef, hook, html, use_callback, use_effect_with, use_mut_ref,
    use_node_ref,
};

use crate::choices::Pane;
use crate::history::History;
use crate::icons::{CLOSE, icon};
use crate::output::Output;
use crate::part::drawn_by;
use crate::state::front::Ways;
use crate::state::{Action, library};
use crate::table::menu;
use crate::transcript::Entry;

#[derive(PartialEq)]
pub struct Console {
    /// Everything that the console could show.
    pub entries: Rc<Vec<Entry>>,
    /// The first entry since the screen was cleared.
    pub start: usize,
    /// The step that is shown.
    pub step: u32,
    /// How many lines a new one would drop.
    pub later: usize,
    /// The kernel is gone, and why.
    pub down: Option<AttrValue>,
    /// Lines that the fallen kernel did not answer.
    pub unanswered: Vec<AttrValue>,
    /// Lines are running.
    pub running: bool,
    /// The kernel owes an answer.
    pub busy: bool,
    /// How many lines the log has.
    pub steps: usize,
    /// Dropped lines that are offered: which branch, and how many.
    pub dropped: Option<(usize, usize)>,
    /// The page takes no lines.
    pub frozen: bool,
    /// Whether newcomers are offered ways on.
    pub ways: Ways,
    /// Shortcuts work, of which completing a word is one.
    pub keys: bool,
    pub visible: bool,
    pub act: Callback<Action>,
}

drawn_by!(Console, use_console);

/// Draws the console.
#[hook]
fn use_console(props: &Console) -> Html {
    let input = use_node_ref();
    let history = use_mut_ref(History::default);
    {
        let input = input.clone();
        use_effect_with((), move |()| focus(&input));
    }

    let run = {
        let history = history.clone();
        use_callback(props.act.clone(), move |text: String, act| {
            let typed = text
                .split(['\n', '\r'])
                .filter(|line| !line.trim().is_empty());
            let typed: Vec<Vec<u8>> = typed
                .inspect(|line| history.borrow_mut().push(line))
                .map(|line| line.as_bytes().to_vec())
                .collect();
            if !typed.is_empty() {
                act.emit(Action::Submit(typed));
            }
        })
    };
    let onkeydown = {
        let (act, run, history) = (props.act.clone(), run.clone(), history.clone());
        let completes = props.keys;
        Callback::from(move |event: KeyboardEvent| key(&event, &act, &run, &history, completes))
    };
    let onpaste = {
        let run = run.clone();
        Callback::from(move |event: yew::Event| paste(&event, &run))
    };
    // A click anywhere in the console is meant for its input, unless it selects text.
    let onclick = {
        let input = input.clone();
        Callback::from(move |event: MouseEvent| {
            let target = event
                .target()
                .and_then(|target| target.dyn_into::<HtmlElement>().ok());
            let is_plain = target
                .is_none_or(|target| target.closest("button, a, input").ok().flatten().is_none());
            if is_plain && !has_selection() {
                focus(&input);
            }
        })
    };
    html! {
        <section class="pane pane-console" hidden={!props.visible} id="pane-console" {onclick}
            aria-label={say::console()}>
            <Output entries={props.entries.clone()} start={props.start} step={props.step}
                is_past={props.later > 0} is_down={props.down.is_some()} frozen={props.frozen} visible={props.visible}
                ways={props.ways} welcome={run.clone()} act={props.act.clone()} />
            { banner(props) }
            if props.later > 0 && props.down.is_none() {
                <p class="past" role="status" id="past-note">
                    { say::past(props.later as u64) }
                </p>
            }
            if let (Some((index, count)), true) = (props.dropped, props.later == 0) {
                <p class="past dropped-note" role="status" id="dropped-note">
                    { say::dropped(count as u64) }
                    <button class="tool" id="bring-back" disabled={props.running} onclick={props.act.reform(
                        move |_| Action::Library(library::Action::BringBack(index)))}>{ say::bring_back() }</button>
                    <button class="tool" id="dismiss" aria-label={say::dismiss()} onclick={props.act.reform(
                        |_| Action::Library(library::Action::Dismiss))}>{ icon(CLOSE) }</button>
                </p>
            }
            <div class="console-menu">{ menu(Pane::Console, &props.act) }</div>
            <label class="prompt mono">
                <span aria-hidden="true">{ "# " }</span>
                <input ref={input} id="console-input" data-testid="console-input" type="text"
                    autocomplete="off" autocapitalize="off" autocorrect="off" spellcheck="false"
                    enterkeyhint="go" aria-label={say::line_label()} disabled={props.frozen}
                    placeholder={if props.frozen { say::only_shows() } else { say::type_here() }}
                    data-busy={props.busy.to_string()} {onkeydown} {onpaste} />
                if props.running {
                    <button class="tool stop" id="stop" onclick={props.act.reform(|_| Action::Stop)}
                        title={say::stop_title()}>{ say::stop() }</button>
                }
            </label>
        </section>
    }
}

/// What went wrong, and what can be done about it.
fn banner(props: &Console) -> Html {
    let list = props
        .unanswered
        .iter()
        .take(3)
        .map(|line| html! { <><code>{ line }</code>{ " " }</> });
    let more = props.unanswered.len().saturating_sub(3);
    let waiting = html! {
        if !props.unanswered.is_empty() {
            <p>{ say::unanswered(props.unanswered.len() as u64) }{ for list }
                if more > 0 { { say::and_more(more) } }</p>
        }
    };
    match &props.down {
        Some(reason) => html! {
            <div class="banner" role="alert">
                <p><strong>{ say::gone() }</strong>{ reason }{ "." }</p>
                { waiting }
                <button class="primary" id="restart" onclick={props.act.reform(|_| Action::Restart)}>
                    { match props.steps {
                        0 => say::restart().to_string(),
                        steps => say::restart_and_replay(steps as u64),
                    } }
                </button>
            </div>
        },
        None if !props.unanswered.is_empty() && !props.busy => html! {
            <div class="banner" role="status">
                { waiting }
                <button class="primary" id="rerun" onclick={props.act.reform(|_| Action::Rerun)}>
                    { say::rerun() }
                </button>
                <button class="tool" onclick={props.act.reform(|_| Action::ForgetUnanswered)}>
                    { say::forget() }
                </button>
            </div>
        },
        None => Html::default(),
    }
}

/// The keys of the console's input. While shortcuts are switched off, Tab only moves on.
fn key(
    event: &KeyboardEvent,
    act: &Callback<Action>,
    run: &Callback<String>,
    history: &RefCell<History>,
    completes: bool,
) {
    let Some(input) = event
        .target()
        .and_then(|it| it.dyn_into::<HtmlInputElement>().ok())
    else {
        return;
    };
    let is_plain = !event.ctrl_key() && !event.alt_key() && !event.meta_key();
    let is_control = event.ctrl_key() && !event.alt_key() && !event.meta_key();
    let shows = |text: Option<&str>| {
        if let Some(text) = text {
            set_text(&input, text);
        }
    };
    match event.key().as_str() {
        // While an input method composes, Enter is its own.
        "Enter" if is_plain && !event.is_composing() => {
            let text = input.value();
            input.set_value("");
            run.emit(text);
        }
        "ArrowUp" if is_plain => shows(history.borrow_mut().back(&input.value())),
        "ArrowDown" if is_plain => shows(history.borrow_mut().forward()),
        "Tab" if completes && is_plain && !event.shift_key() && !input.value().is_empty() => {
            act.emit(Action::Complete(input.value()));
        }
        "c" if is_control && !has_selection() && !selects(&input) => {
            input.set_value("");
            act.emit(Action::Interrupt);
        }
        "l" if is_control => act.emit(Action::ClearScreen),
        _ => return,
    }
    event.prevent_default();
}

/// Text of several lines runs line by line.
fn paste(event: &yew::Event, run: &Callback<String>) {
    let Some(event) = event.dyn_ref::<ClipboardEvent>() else {
        return;
    };
    let text = event
        .clipboard_data()
        .and_then(|data| data.get_data("text").ok())
        .unwrap_or_default();
    let input = event
        .target()
        .and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
    let Some(input) = input.filter(|_| text.contains('\n')) else {
        return;
    };
    event.prevent_default();
    let text = input.value() + &text;
    input.set_value("");
    run.emit(text);
}

/// Puts `text` into the console's input, its end in sight.
pub fn set_input(text: &str) {
    let document = web_sys::window().and_then(|window| window.document());
    let input = document.and_then(|document| document.get_element_by_id("console-input"));
    if let Some(input) = input.and_then(|input| input.dyn_into::<HtmlInputElement>().ok()) {
        set_text(&input, text);
    }
}

fn set_text(input: &HtmlInputElement, text: &str) {
    input.set_value(text);
    let end = text.encode_utf16().count() as u32;
    // Works on every text input.
    let _ = input.set_selection_range(end, end);
}

/// Some of the input's text is selected.
fn selects(input: &HtmlInputElement) -> bool {
    input.selection_start().ok().flatten() != input.selection_end().ok().flatten()
}

/// Some of the page's text is selected.
fn has_selection() -> bool {
    let selection = web_sys::window().and_then(|window| window.get_selection().ok().flatten());
    selection.is_some_and(|selection| !selection.is_collapsed())
}

fn focus(input: &NodeRef) {
    if let Some(input) = input.cast::<HtmlElement>() {
        // An element that is not shown cannot have the focus, and need not.
        let _ = input.focus();
    }
}
