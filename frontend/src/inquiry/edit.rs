//! Another line in the past: change the line of the present step, put one before it, or take it out.

use std::rc::Rc;

use web_sys::{HtmlInputElement, SubmitEvent};
use yew::{Callback, Html, hook, html, use_effect_with, use_node_ref};

use crate::part::drawn_by;
use crate::state::Action;
use crate::state::inquiry::Action as Own;
use crate::state::inquiry::rewrite::{Edit, Rewrite};
use crate::transcript::{LogLine, lines};

#[derive(PartialEq)]
pub struct EditTab {
    /// The step that is shown.
    pub step: u32,
    /// Its line; the boot has none.
    pub line: Option<Rc<LogLine>>,
    pub rewrite: Option<Rc<Rewrite>>,
    pub can_undo: bool,
    /// No line is running.
    pub can_edit: bool,
    pub act: Callback<Action>,
}

drawn_by!(EditTab, use_edit_tab);

/// Draws the tab.
#[hook]
fn use_edit_tab(props: &EditTab) -> Html {
    let input = use_node_ref();
    let text = props
        .line
        .as_ref()
        .map(|line| String::from_utf8_lossy(&line.line).into_owned());
    {
        let input = input.clone();
        use_effect_with((props.step, text.clone()), move |(_, text)| {
            if let Some(input) = input.cast::<HtmlInputElement>() {
                input.set_value(text.as_deref().unwrap_or_default());
            }
        });
    }
    let step = props.step;
    let written = {
        let input = input.clone();
        move || {
            let input = input.cast::<HtmlInputElement>();
            input
                .map(|input| input.value())
                .unwrap_or_default()
                .into_bytes()
        }
    };
    let edit = |make: fn(u32, Vec<u8>) -> Edit| {
        let (act, written) = (props.act.clone(), written.clone());
        move || act.emit(Action::Inquiry(Own::Edit(make(step, written()))))
    };
    let change = edit(Edit::Change);
    let insert = edit(Edit::Insert);
    let delete = edit(|step, _| Edit::Delete(step));
    let onsubmit = Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        change();
    });
    let disabled = !props.can_edit || props.line.is_none();
    let form = html! {
        <form class="dock-form" {onsubmit}>
            <label class="full">{ format!("The line of step {step}") }
                <input ref={input} id="edit-line" class="field mono" type="text" autocomplete="off"
                    spellcheck="false" autocapitalize="off" {disabled} />
            </label>
            <button class="primary" id="edit-change" {disabled}>{ "Change it" }</button>
            <button type="button" class="tool" id="edit-insert" {disabled}
                onclick={Callback::from(move |_| insert())}>{ "Put before it" }</button>
            <button type="button" class="tool" id="edit-delete" {disabled}
                onclick={Callback::from(move |_| delete())}>{ "Take it out" }</button>
        </form>
    };
    let undo = props.act.reform(|_| Action::Inquiry(Own::Undo));
    html! {
        <>
            <p class="dock-sentence">{ "Everything after the line runs again, as if it had always been so." }</p>
            { form }
            if props.line.is_none() {
                <p class="empty">{ "The boot has no line: go to a step." }</p>
            }
            if let Some(rewrite) = &props.rewrite { { outcome(rewrite, &props.act) } }
            if props.can_undo {
                <button class="tool" id="edit-undo" onclick={undo} disabled={!props.can_edit}>
                    { "take the edit back" }
                </button>
            }
        </>
    }
}

/// What came of the edit.
fn outcome(rewrite: &Rewrite, act: &Callback<Action>) -> Html {
    let text = match (&rewrite.edit, rewrite.differs) {
        _ if !rewrite.is_done() => {
            format!("{} of {} run again", rewrite.done, lines(rewrite.lines))
        }
        (None, _) => "The edit was taken back.".to_string(),
        (Some(_), None) => "Nothing after the edit came out otherwise.".to_string(),
        (Some(_), Some((step, what))) => {
            format!("From step {step} on it comes out otherwise: the line {what}.")
        }
    };
    let jump = rewrite.differs.map(|(step, _)| {
        let onclick = act.reform(move |_| Action::Seek(step));
        html! {
            <button class="primary" id="edit-jump" data-step={step.to_string()} {onclick}>
                { format!("go to step {step}") }
            </button>
        }
    });
    html! {
        <div class="dock-answer" role="status" id="edit-outcome"><p>{ text }</p>{ jump }</div>
    }
}
