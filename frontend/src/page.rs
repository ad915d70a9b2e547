//! Small things that are done to the page from several places.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

/// Runs `act` when the page has been drawn anew.
pub fn later(act: impl FnOnce() + 'static) {
    wasm_bindgen_futures::spawn_local(async move {
        // The scheduler of Yew runs before the second turn of the task queue.
        for _ in 0..2 {
            let _ = JsFuture::from(js_sys::Promise::resolve(&JsValue::NULL)).await;
        }
        act();
    });
}

/// Moves the focus to the first element that `selector` names, once the page has been drawn anew.
pub fn focus(selector: &str) {
    let selector = selector.to_string();
    later(move || {
        let document = web_sys::window().and_then(|window| window.document());
        let element =
            document.and_then(|document| document.query_selector(&selector).ok().flatten());
        if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            // What cannot take the focus leaves it where it is.
            let _ = element.focus();
        }
    });
}
