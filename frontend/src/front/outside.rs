//! What this part needs of the browser: files of the site, and the focus.

use labs::{example, glossary};
use wasm_bindgen_futures::spawn_local;
use yew::Callback;

use crate::app::focus_pane;
use crate::lesson::fetch;
use crate::page;
use crate::state::Action;
use crate::state::front::{self, Effect};

/// Fetches a file that lies beside the labs and reports what `read` makes of it.
fn bring(
    act: &Callback<Action>,
    file: &'static str,
    read: fn(Result<Vec<u8>, String>) -> front::Action,
) {
    let act = act.clone();
    spawn_local(async move {
        let bytes = fetch(&format!("labs/{file}")).await;
        act.emit(Action::Front(read(bytes)));
    });
}

/// Carries out an effect; what comes of it is reported.
pub fn perform(effect: Effect, act: &Callback<Action>) {
    match effect {
        Effect::FetchExamples => bring(act, example::FILE, |bytes| {
            front::Action::Shelved(bytes.and_then(|bytes| example::unpack(&bytes)))
        }),
        Effect::FetchTerms => bring(act, glossary::TERMS, |bytes| {
            front::Action::Glossed(bytes.and_then(|bytes| glossary::unpack_terms(&bytes)))
        }),
        Effect::FetchCommands => bring(act, glossary::COMMANDS, |bytes| {
            front::Action::Commanded(bytes.and_then(|bytes| glossary::unpack_commands(&bytes)))
        }),
        Effect::Focus(selector) => page::focus(selector),
        Effect::FocusPane(pane) => focus_pane(pane),
    }
}
