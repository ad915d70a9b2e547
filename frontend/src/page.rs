//! Small things that are done to the page from several places.

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{FocusOptions, HtmlElement, HtmlInputElement};
use yew::{Event, TargetCast};

/// Runs `act` when the page has been drawn anew.
pub fn later(act: impl FnOnce() + 'static) {
    wasm_bindgen_futures::spawn_local(async move {
        drawn().await;
        act();
    });
}

/// Waits until the page has been drawn anew: the scheduler of Yew usually runs before the second
/// turn of the task queue.
async fn drawn() {
    for _ in 0..2 {
        let _ = JsFuture::from(Promise::resolve(&JsValue::NULL)).await;
    }
}

/// Reads the file that was just chosen, byte for byte, and hands it to `take`.
pub fn read_file(event: &Event, take: impl FnOnce(Vec<u8>) + 'static) {
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
            take(Uint8Array::new(&buffer).to_vec());
        }
    });
}

/// How often an element is looked for that is about to appear, once a frame of the screen: what a
/// kernel is asked for first may take some seconds, on a server or in a long log.
const ATTEMPTS: u32 = 600;

/// For how many frames an element that was given the focus is watched: until then the view that it
/// belongs to may turn out to be the one before.
const SETTLED: u32 = 60;

/// Moves the focus to the first element that `selector` names, once the page has been drawn anew.
pub fn focus(selector: &str) {
    focus_with(selector, false);
}

/// The same, but nothing scrolls for it: where the element is larger than its surroundings.
pub fn focus_in_place(selector: &str) {
    focus_with(selector, true);
}

fn focus_with(selector: &str, stays: bool) {
    let selector = selector.to_string();
    let Some(document) = web_sys::window().and_then(|window| window.document()) else {
        return;
    };
    wasm_bindgen_futures::spawn_local(async move {
        let mut start = None;
        let mut given: Option<(HtmlElement, u32)> = None;
        for attempt in 0..ATTEMPTS {
            drawn().await;
            let now = document.active_element();
            if let Some((element, frames)) = &mut given {
                *frames += 1;
                let has_it = now.as_ref() == Some(element.as_ref());
                if element.is_connected() && (!has_it || *frames > SETTLED) {
                    return;
                }
                if has_it {
                    let _ = JsFuture::from(next_frame()).await;
                    continue;
                }
                // It was of the view before, which is gone. Another by its name is about to appear.
                given = None;
                start = now.clone();
            }
            if attempt == 0 {
                start = now;
            } else if now != start && now.is_some_and(|element| element.tag_name() != "BODY") {
                // Somebody has moved it meanwhile. (It falls back to the body by itself.)
                return;
            }
            let element = document.query_selector(&selector).ok().flatten();
            if let Some(element) =
                element.and_then(|element| element.dyn_into::<HtmlElement>().ok())
            {
                // What cannot take the focus leaves it where it is.
                let options = FocusOptions::new();
                options.set_prevent_scroll(stays);
                let _ = element.focus_with_options(&options);
                given = Some((element, 0));
            }
            let _ = JsFuture::from(next_frame()).await;
        }
    });
}

/// Waits for the next frame of the screen.
pub async fn frame() {
    // It resolves, and never fails.
    let _ = JsFuture::from(next_frame()).await;
}

/// Resolves before the next frame of the screen.
fn next_frame() -> Promise {
    Promise::new(&mut |resolve, _| {
        if let Some(window) = web_sys::window() {
            let _ = window.request_animation_frame(&resolve);
        }
    })
}

/// Calls once after some time; dropping it takes that back.
pub struct Timer {
    id: i32,
    _closure: Closure<dyn FnMut()>,
}

impl Timer {
    /// Waits so many milliseconds, then acts; `None` if the browser has no clock.
    pub fn new(after_ms: u32, act: impl FnOnce() + 'static) -> Option<Timer> {
        let closure = Closure::once(act);
        let id = web_sys::window()?
            .set_timeout_with_callback_and_timeout_and_arguments_0(
                closure.as_ref().unchecked_ref(),
                after_ms as i32,
            )
            .ok()?;
        Some(Timer {
            id,
            _closure: closure,
        })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(window) = web_sys::window() {
            window.clear_timeout_with_handle(self.id);
        }
    }
}
