//! The language that the page speaks: brings its texts, and tells the browser.
//!
//! English is in the page's module. The texts of another language are a file of the page, which is fetched when
//! somebody wants it. If that was chosen on an earlier visit, or is what the browser prefers, `boot.js` fetches
//! the file beside the module, and the page waits for it, so that nobody sees English first.

use js_sys::{Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Response;
use words::{GERMAN_NAME, Language};
use yew::Callback;

use crate::state::Action;

/// Where `boot.js` leaves the text that it fetches.
const EARLY: &str = "glassWords";

/// Draws the page in its language. Without the texts that is English.
pub fn begin(draw: impl FnOnce() + 'static) {
    let early = Reflect::get(&js_sys::global(), &EARLY.into()).unwrap_or_default();
    match early.dyn_into::<Promise>() {
        Ok(early) => spawn_local(async move {
            let text = JsFuture::from(early).await.unwrap_or_default();
            let text = text.as_string().unwrap_or_default();
            // If these are not the texts of this page, English is spoken already.
            let _ = words::speak(Language::German, &text);
            tell();
            draw();
        }),
        Err(_) => {
            tell();
            draw();
        }
    }
}

/// Speaks `language` as soon as its texts are here, then calls `spoken`.
pub fn change(language: Language, act: &Callback<Action>, spoken: Callback<()>) {
    let act = act.clone();
    spawn_local(async move {
        let text = match words::knows(language) {
            true => String::new(),
            false => fetch().await.unwrap_or_default(),
        };
        match words::speak(language, &text) {
            Ok(()) => {
                tell();
                spoken.emit(());
            }
            Err(_) => act.emit(Action::Speechless(language)),
        }
    });
}

/// Tells the browser, and with it screen readers, what language the page is in.
fn tell() {
    let document = web_sys::window().and_then(|window| window.document());
    if let Some(root) = document.and_then(|document| document.document_element()) {
        // It fails only for malformed names.
        let _ = root.set_attribute("lang", words::language().code());
    }
}

/// The file of texts in German.
async fn fetch() -> Result<String, JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let response = JsFuture::from(window.fetch_with_str(GERMAN_NAME)).await?;
    let response: Response = response.dyn_into()?;
    if !response.ok() {
        return Err(JsValue::NULL);
    }
    let text = JsFuture::from(response.text()?).await?;
    text.as_string().ok_or(JsValue::NULL)
}
