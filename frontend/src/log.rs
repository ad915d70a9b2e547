//! The log as text: to read, to keep, and to run another in its place.
//!
//! A session is its log (a line for the machine, then the console lines), so this is also how a
//! session is saved, passed on, or started on another machine.

use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, HtmlAnchorElement, HtmlDialogElement, HtmlInputElement, HtmlTextAreaElement, Url,
};
use yew::{
    AttrValue, Callback, Event, Html, NodeRef, Properties, TargetCast, function_component, html,
    use_effect_with, use_node_ref,
};

use crate::state::Action;

#[derive(Properties, PartialEq)]
pub struct LogDialogProps {
    /// The log as text; made only while the dialog is open.
    pub text: Option<AttrValue>,
    /// Why the log that was to be run is none.
    pub error: Option<AttrValue>,
    pub act: Callback<Action>,
}

/// The dialog. It is always in the page; the text comes when it opens.
#[function_component]
pub fn LogDialog(props: &LogDialogProps) -> Html {
    let dialog = use_node_ref();
    let area = use_node_ref();
    {
        let (dialog, area, text) = (dialog.clone(), area.clone(), props.text.clone());
        use_effect_with(props.text.is_some(), move |_| {
            show(&dialog, &area, text.as_deref())
        });
    }
    let run = {
        let (act, area) = (props.act.clone(), area.clone());
        Callback::from(move |_| {
            if let Some(area) = area.cast::<HtmlTextAreaElement>() {
                act.emit(Action::LoadLog(area.value().into_bytes()));
            }
        })
    };
    let onchange = {
        let act = props.act.clone();
        Callback::from(move |event: Event| read_file(&event, act.clone()))
    };
    let save = {
        let area = area.clone();
        Callback::from(move |_| {
            if let Some(area) = area.cast::<HtmlTextAreaElement>() {
                // A browser that refuses leaves the text to be copied by hand.
                let _ = save_text(&area.value());
            }
        })
    };
    let close = props.act.reform(|_| Action::ShowLog(false));
    html! {
        <dialog ref={dialog} class="sheet log" aria-labelledby="log-title"
            onclose={props.act.reform(|_| Action::ShowLog(false))}>
            <h2 id="log-title">{ "The log" }</h2>
            <p>{ "The first line describes the machine; each other line is a step. It says all there
                is to say about this session: run it anywhere and get the same. Change it, or its
                machine, and run it here." }</p>
            <textarea ref={area} id="log-text" class="mono" rows="14" spellcheck="false"
                autocomplete="off" aria-label="the log" />
            if let Some(error) = &props.error { <p class="note error" role="alert">{ error }</p> }
            <div class="actions">
                <button class="primary" id="log-run" onclick={run}>{ "Run it afresh" }</button>
                <button class="tool" id="log-save" onclick={save}>{ "Save" }</button>
                <label class="tool file">{ "Run a file" }
                    <input type="file" id="log-file" class="unseen" {onchange} />
                </label>
                <button class="tool" onclick={close}>{ "Close" }</button>
            </div>
        </dialog>
    }
}

/// Opens the dialog with `text`, or closes it.
fn show(dialog: &NodeRef, area: &NodeRef, text: Option<&str>) {
    let Some(dialog) = dialog.cast::<HtmlDialogElement>() else {
        return;
    };
    match (text, dialog.open()) {
        (Some(text), false) => {
            if let Some(area) = area.cast::<HtmlTextAreaElement>() {
                area.set_value(text);
            }
            // It throws only when the element is not in the page.
            let _ = dialog.show_modal();
        }
        (None, true) => dialog.close(),
        _ => {}
    }
}

/// Runs the file that was chosen, byte for byte.
fn read_file(event: &Event, act: Callback<Action>) {
    let Some(input) = event.target_dyn_into::<HtmlInputElement>() else {
        return;
    };
    let Some(file) = input.files().and_then(|files| files.get(0)) else {
        return;
    };
    // The same file can be chosen again.
    input.set_value("");
    wasm_bindgen_futures::spawn_local(async move {
        if let Ok(buffer) = JsFuture::from(file.array_buffer()).await {
            act.emit(Action::LoadLog(Uint8Array::new(&buffer).to_vec()));
        }
    });
}

/// Offers `text` as a file.
fn save_text(text: &str) -> Option<()> {
    let parts = js_sys::Array::of1(&text.into());
    let blob = Blob::new_with_str_sequence(&parts).ok()?;
    let url = Url::create_object_url_with_blob(&blob).ok()?;
    let document = web_sys::window()?.document()?;
    let link: HtmlAnchorElement = document.create_element("a").ok()?.dyn_into().ok()?;
    link.set_href(&url);
    link.set_download("session.log");
    link.click();
    Url::revoke_object_url(&url).ok()
}
