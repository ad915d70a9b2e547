//! Another line in the past: change the line of the present step, put one before it, or take it out.

use std::rc::Rc;

use web_sys::{HtmlInputElement, SubmitEvent};
use words::inquiry as say;
use yew::{Callback, Html, hook, html, use_effect_with, use_node_ref};

use crate::part::drawn_by;
use crate::state::Action;
use crate::state::inquiry::Action as Own;
use crate::state::inquiry::rewrite::{Edit, Rewrite};
use crate::transcript::LogLine;

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
            <label class="full">{ say::edit_line(step) }
                <input ref={input} id="edit-line" class="field mono" type="text" autocomplete="off"
                    spellcheck="false" autocapitalize="off" {disabled} />
            </label>
            <button class="primary" id="edit-change" {disabled}>{ say::edit_change() }</button>
            <button type="button" class="tool" id="edit-insert" {disabled}
                onclick={Callback::from(move |_| insert())}>{ say::edit_insert() }</button>
            <button type="button" class="tool" id="edit-delete" {disabled}
                onclick={Callback::from(move |_| delete())}>{ say::edit_delete() }</button>
        </form>
    };
    let undo = props.act.reform(|_| Action::Inquiry(Own::Undo));
    html! {
        <>
            <p class="dock-sentence">{ say::edit_what() }</p>
            { form }
            if props.line.is_none() {
                <p class="empty">{ say::edit_boot() }</p>
            }
            if let Some(rewrite) = &props.rewrite { { outcome(rewrite, &props.act) } }
            if props.can_undo {
                <button class="tool" id="edit-undo" onclick={undo} disabled={!props.can_edit}>
                    { say::edit_undo() }
                </button>
            }
        </>
    }
}

/// What came of the edit.
fn outcome(rewrite: &Rewrite, act: &Callback<Action>) -> Html {
    let text = match (&rewrite.edit, rewrite.differs) {
        _ if !rewrite.is_done() => say::edit_runs(rewrite.lines as u64, rewrite.done),
        (None, _) => say::edit_undone().to_string(),
        (Some(_), None) => say::edit_same().to_string(),
        (Some(_), Some((step, what))) => say::edit_differs(step, what),
    };
    let jump = rewrite.differs.map(|(step, _)| {
        let onclick = act.reform(move |_| Action::Seek(step));
        html! {
            <button class="primary" id="edit-jump" data-step={step.to_string()} {onclick}>
                { say::go_to_step(step) }
            </button>
        }
    });
    html! {
        <div class="dock-answer" role="status" id="edit-outcome"><p>{ text }</p>{ jump }</div>
    }
}
