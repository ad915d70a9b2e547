//! How the page looks: what its colours mean, motion, and the lecture hall.

mod hall;
pub mod legend;
pub mod palette;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

pub use hall::Hall;

use crate::state::looks::Own;

/// Lets the page look otherwise.
pub fn perform(effect: Own) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else {
        return;
    };
    let Some(root) = document.document_element() else {
        return;
    };
    let (name, value) = match effect {
        Own::Still(is_still) => ("data-motion", is_still.then_some("off")),
        Own::Hall(is_in) => ("data-hall", is_in.then_some("1")),
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
