//! How the page looks: what its colours mean, motion, and the lecture hall.

mod gif;
mod hall;
pub mod legend;
pub mod palette;
mod picture;
mod run;
mod svg;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

pub use hall::Hall;
pub use run::RunForm;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use yew::Callback;

use crate::state::Action as Page;
use crate::state::looks::{Action, Own, Save};

/// Lets the page look otherwise.
pub fn perform(effect: Own, act: &Callback<Page>) {
    if let Own::Save(save) = effect {
        let act = act.clone();
        wasm_bindgen_futures::spawn_local(async move {
            if load(save, act.clone()).await.is_err() {
                let reason = words::looks::not_loaded().to_string();
                act.emit(Page::Looks(Action::Saved(Err(reason))));
            }
        });
        return;
    }
    let Some(document) = web_sys::window().and_then(|window| window.document()) else {
        return;
    };
    let Some(root) = document.document_element() else {
        return;
    };
    let (name, value) = match effect {
        Own::Still(is_still) => ("data-motion", is_still.then_some("off")),
        Own::Hall(is_in) => ("data-hall", is_in.then_some("1")),
        Own::Save(_) => return,
    };
    // They fail only for malformed names.
    let _ = match value {
        Some(value) => root.set_attribute(name, value),
        None => root.remove_attribute(name),
    };
    match effect {
        Own::Hall(true) => call(&root, "requestFullscreen"),
        Own::Hall(false) if document.fullscreen_element().is_some() => {
            call(&document, "exitFullscreen");
        }
        _ => {}
    }
}

/// Saves a picture, by code that is not here before somebody wants one.
#[wasm_split(pictures, fallible)]
fn load(save: Save, act: Callback<Page>) -> Result<(), SplitLoaderError> {
    wasm_bindgen_futures::spawn_local(run::save(save, act));
    Ok(())
}

/// Calls a method that promises something. A browser that refuses leaves the page in its window, which
/// is as well.
fn call(target: &JsValue, method: &str) {
    let promise = Reflect::get(target, &method.into())
        .and_then(|method| method.dyn_into::<Function>())
        .and_then(|method| method.call0(target))
        .and_then(|promise| promise.dyn_into::<Promise>());
    if let Ok(promise) = promise {
        wasm_bindgen_futures::spawn_local(async move {
            let _ = JsFuture::from(promise).await;
        });
    }
}
