//! The worker that does the work. Dropping it ends it.

use gloo_events::EventListener;
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};
use yew::Callback;

use super::course::Ask;
use crate::carrier::text;

/// What the worker tells.
pub enum Told {
    /// What can be measured: an encoded [`performance::offer::Offered`].
    Offered(Vec<u8>),
    /// The work is prepared, or a round has come to so many nanoseconds an operation.
    Done(Option<f64>),
    /// It could not be done, and why.
    Failed(String),
}

/// A worker.
pub struct Bench {
    worker: Worker,
    /// Stop listening when it ends.
    _listeners: [EventListener; 2],
}

impl Bench {
    /// Starts a worker; `hear` is told each of its answers.
    ///
    /// # Errors
    /// The browser refuses; the sentence says why.
    pub fn start(hear: Callback<Told>) -> Result<Bench, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options("./performance-worker.js", &options).map_err(text)?;
        let failed = hear.clone();
        let listeners = [
            EventListener::new(&worker, "message", move |event| {
                let event: &MessageEvent = event.unchecked_ref();
                hear.emit(told(&event.data()));
            }),
            EventListener::new(&worker, "error", move |_| {
                let reason = words::performance::not_loaded();
                failed.emit(Told::Failed(reason.to_string()));
            }),
        ];
        Ok(Bench {
            worker,
            _listeners: listeners,
        })
    }

    /// Asks what can be measured.
    pub fn ask_for_offers(&self) {
        self.send("offered", &JsValue::TRUE);
    }

    /// Asks for work.
    pub fn ask(&self, ask: &Ask) {
        match ask {
            Ask::Make(name, size) => {
                self.send("make", &Array::of2(&name.as_str().into(), &(*size).into()));
            }
            Ask::Round(least_ms) => self.send("round", &(*least_ms).into()),
        }
    }

    fn send(&self, key: &str, value: &JsValue) {
        let message = Object::new();
        // Neither fails: the object is ours, and what is sent are numbers and texts.
        let _ = Reflect::set(&message, &key.into(), value);
        let _ = self.worker.post_message(&message);
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

/// Reads a message of `performance-worker.js`.
fn told(data: &JsValue) -> Told {
    let field = |name: &str| Reflect::get(data, &name.into()).unwrap_or_default();
    if let Some(reason) = field("error").as_string() {
        return Told::Failed(reason);
    }
    let done = field("done");
    match done.dyn_ref::<Uint8Array>() {
        Some(bytes) => Told::Offered(bytes.to_vec()),
        None => Told::Done(done.as_f64()),
    }
}
