//! The connection of a live session, by way of `keeper.js`.

use js_sys::{Array, Function, Promise, Uint8Array};
use labs::follow::Pass;
use labs::protocol::encode;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use yew::Callback;

use crate::carrier::{in_words, text};
use crate::page::Timer;
use crate::state::Action as PageAction;
use crate::state::live::{Action, Effect};

#[wasm_bindgen(raw_module = "./keeper.js")]
extern "C" {
    fn announce() -> Promise;
    #[wasm_bindgen(js_name = livePass)]
    fn live_pass(pass: &JsValue) -> JsValue;
    fn listen(path: &str, key: &str, heard: &Function) -> Socket;

    type Socket;
    #[wasm_bindgen(method)]
    fn tell(this: &Socket, bytes: &[u8]);
    #[wasm_bindgen(method, js_name = hangUp)]
    fn hang_up(this: &Socket);
}

/// What a live session holds of the browser.
#[derive(Default)]
pub struct Outside {
    connection: Option<Connection>,
    wait: Option<Timer>,
}

/// A connection; dropping it closes it, and nothing more is heard of it.
struct Connection {
    socket: Socket,
    _heard: Closure<dyn Fn(JsValue)>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.socket.hang_up();
    }
}

/// Goes on sharing what this tab shared before it was loaded anew.
pub fn begin(act: &Callback<PageAction>) {
    if let Some(pass) = pass_of(&live_pass(&JsValue::UNDEFINED)) {
        act.emit(PageAction::Live(Action::Announced(Ok(pass))));
    }
}

/// The names from a list of two.
fn pass_of(value: &JsValue) -> Option<Pass> {
    let names = value.dyn_ref::<Array>()?;
    Some(Pass {
        id: names.get(0).as_string()?,
        key: names.get(1).as_string()?,
    })
}

impl Outside {
    /// Carries an effect out; what comes of it is reported to `act`.
    pub fn perform(&mut self, effect: Effect, act: &Callback<PageAction>) {
        let act = act.reform(PageAction::Live);
        match effect {
            Effect::Announce => spawn_local(async move {
                let names = JsFuture::from(announce()).await;
                let pass = names.map_err(text).and_then(|names| {
                    pass_of(&names).ok_or_else(|| words::live::no_names().to_string())
                });
                act.emit(Action::Announced(pass));
            }),
            Effect::Publish(Pass { id, key }) => {
                live_pass(&Array::of2(&id.as_str().into(), &key.as_str().into()));
                self.connect(&format!("api/live/{id}/publish"), &key, act);
            }
            Effect::Follow(id) => self.connect(&format!("api/live/{id}"), "", act),
            Effect::Tell(news) => {
                if let Some(connection) = &self.connection {
                    connection.socket.tell(&encode(&news));
                }
            }
            Effect::HangUp => {
                live_pass(&JsValue::NULL);
                (self.connection, self.wait) = (None, None);
            }
            Effect::Wait(after_ms) => {
                self.wait = Timer::new(after_ms, move || act.emit(Action::Due));
            }
        }
    }

    fn connect(&mut self, path: &str, key: &str, act: Callback<Action>) {
        let heard = Closure::<dyn Fn(JsValue)>::new(move |what: JsValue| {
            act.emit(if let Some(bytes) = what.dyn_ref::<Uint8Array>() {
                Action::Heard(bytes.to_vec())
            } else if let Some(end) = what.dyn_ref::<Array>() {
                let why = in_words(end.get(0).as_string().unwrap_or_default());
                Action::Closed(why, end.get(1).is_truthy())
            } else {
                Action::Opened
            });
        });
        self.connection = Some(Connection {
            socket: listen(path, key, heard.as_ref().unchecked_ref()),
            _heard: heard,
        });
    }
}
