//! The trace as a file: which kind, and how far it is.

use std::rc::Rc;
use words::inquiry as say;

use yew::{Callback, Html, hook, html};

use crate::looks::RunForm;
use crate::part::{drawn_by, part};
use crate::state::Action;
use crate::state::inquiry::Action as Own;
use crate::state::inquiry::export::{Export, FORMATS, words};
use crate::state::looks::Run;

#[derive(PartialEq)]
pub struct ExportTab {
    pub export: Option<Rc<Export>>,
    /// How many steps there are.
    pub steps: u32,
    /// A run that is being saved as pictures.
    pub run: Option<Run>,
    pub act: Callback<Action>,
}

drawn_by!(ExportTab, use_export_tab);

/// Draws the tab.
#[hook]
fn use_export_tab(props: &ExportTab) -> Html {
    let is_running = props
        .export
        .as_ref()
        .is_some_and(|export| export.outcome.is_none());
    let formats = FORMATS.iter().map(|(format, file)| {
        let format = *format;
        let (name, what) = words(format);
        let onclick = props
            .act
            .reform(move |_| Action::Inquiry(Own::Export(format)));
        html! {
            <li>
                <button class="tool" data-file={*file} {onclick} disabled={is_running}>{ name }</button>
                <span class="quiet">{ what }</span>
            </li>
        }
    });
    let answer = props.export.as_ref().map(|export| {
        let text = match &export.outcome {
            None => say::export_events(export.done(), export.events),
            Some(Ok(bytes)) => say::export_done(bytes),
            Some(Err(reason)) => say::export_failed(reason),
        };
        let file = FORMATS.iter().find(|(format, ..)| *format == export.format);
        let file = file.map(|(_, file)| *file);
        html! {
            <p class="dock-answer" role="status" id="export-answer" data-of={file}>{ text }</p>
        }
    });
    html! {
        <>
            <p class="dock-sentence">
                { say::export_what() }
            </p>
            <ul class="exports">{ for formats }</ul>
            { answer }
            { part(RunForm { steps: props.steps, run: props.run.clone(), act: props.act.clone() }) }
        </>
    }
}
