//! Carries requests to a kernel and its answers back.
//!
//! A kernel runs in a Web Worker of the page, or behind a WebSocket: in a process of the server or
//! on a QEMU machine that the server runs. All three take one binary message a request and give
//! one a response, in order, so the page sees one [`Carrier`]. Requests wait in a [`Queue`] and go
//! out one at a time: whatever falls, it is known which request fell with it.
//!
//! Code that reads the rarer views comes when the first of them does: it is a file of its own, and an
//! answer that needs it waits for it.
//!
//! A carrier reports [`Event`]s. After [`Event::Failed`] it is of no more use; the page drops it
//! and connects a new one.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::OnceLock;

use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Reflect, Uint8Array};
use labs::protocol::{Request, Response, decode_first, encode};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    BinaryType, CloseEvent, MessageEvent, Url, WebSocket, Worker, WorkerOptions, WorkerType,
};
use words::state as say;
use yew::Callback;

use crate::choices::Place;
use crate::part::SplitLoaderError;

/// What a carrier reports.
#[derive(Debug)]
pub enum Event {
    /// It takes requests.
    Ready,
    /// The kernel answered this request.
    Answered(Request, Response),
    /// It is gone, and why.
    Failed(String),
}

/// Requests that wait for their turn.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: VecDeque<Request>,
    asked: Option<Request>,
}

impl Queue {
    /// Takes a request; returns it if it is to be sent now.
    fn push(&mut self, request: Request) -> Option<&Request> {
        self.waiting.push_back(request);
        self.next()
    }

    /// The request that an arriving response answers.
    fn answered(&mut self) -> Option<Request> {
        self.asked.take()
    }

    /// The request to send now, if none is on its way.
    fn next(&mut self) -> Option<&Request> {
        if self.asked.is_some() {
            return None;
        }
        self.asked = self.waiting.pop_front();
        self.asked.as_ref()
    }
}

/// Reads any response.
type Decode = fn(&[u8]) -> Result<Response, String>;

/// What reads views that are none of a first visit's, once it has come.
static LATER: OnceLock<Decode> = OnceLock::new();

#[wasm_split_helpers::wasm_split(views, fallible)]
fn decode_later() -> Result<Decode, SplitLoaderError> {
    Ok(|bytes| labs::protocol::decode::<Response>(bytes))
}

/// The way to one kernel. Dropping it ends the kernel.
pub struct Carrier {
    link: Rc<Link>,
    /// Stop listening when the carrier is dropped.
    _listeners: Vec<EventListener>,
}

struct Link {
    transport: Transport,
    queue: RefCell<Queue>,
    report: Callback<Event>,
}

enum Transport {
    Worker(Worker),
    Socket(WebSocket),
}

impl Carrier {
    /// Starts a kernel at `place`. Reports [`Event::Ready`] when it takes requests, which may be
    /// before this returns.
    ///
    /// # Errors
    /// The browser refuses to start it; the sentence says why.
    pub fn open(place: Place, report: Callback<Event>) -> Result<Carrier, String> {
        match place {
            Place::Browser => Self::worker(report),
            Place::Server | Place::Qemu => Self::socket(place, report),
        }
    }

    /// Sends `request` when those before it are answered.
    pub fn send(&self, request: Request) {
        let bytes = self.link.queue.borrow_mut().push(request).map(encode);
        self.link.transmit(bytes);
    }

    fn worker(report: Callback<Event>) -> Result<Carrier, String> {
        let (worker, is_ready) = match early_worker() {
            Some(early) => early,
            None => (start_worker()?, false),
        };
        let link = Link::new(Transport::Worker(worker.clone()), report);
        let listeners = vec![
            listen(&worker, "message", &link, |link, event: &MessageEvent| {
                link.message(event.data());
            }),
            listen(&worker, "error", &link, |link, _: &web_sys::Event| {
                link.fail(say::worker_not_loaded());
            }),
            listen(
                &worker,
                "messageerror",
                &link,
                |link, _: &web_sys::Event| {
                    link.fail(say::worker_unreadable());
                },
            ),
        ];
        if is_ready {
            link.report.emit(Event::Ready);
        }
        Ok(Carrier {
            link,
            _listeners: listeners,
        })
    }

    fn socket(place: Place, report: Callback<Event>) -> Result<Carrier, String> {
        let url = socket_url(place).map_err(text)?;
        let socket = WebSocket::new(&url).map_err(text)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let link = Link::new(Transport::Socket(socket.clone()), report);
        let opened = Rc::new(std::cell::Cell::new(false));
        let was_opened = opened.clone();
        let listeners = vec![
            listen(&socket, "open", &link, move |link, _: &web_sys::Event| {
                opened.set(true);
                link.report.emit(Event::Ready);
            }),
            listen(&socket, "message", &link, |link, event: &MessageEvent| {
                link.message(event.data());
            }),
            // An `error` is always followed by a `close`, which knows more.
            listen(&socket, "close", &link, move |link, event: &CloseEvent| {
                link.fail(&closing(was_opened.get(), event.code(), &event.reason()));
            }),
        ];
        Ok(Carrier {
            link,
            _listeners: listeners,
        })
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        match &self.link.transport {
            Transport::Worker(worker) => worker.terminate(),
            // Closing a socket twice is harmless, and so is its answer.
            Transport::Socket(socket) => drop(socket.close()),
        }
    }
}

impl Link {
    fn new(transport: Transport, report: Callback<Event>) -> Rc<Link> {
        Rc::new(Link {
            transport,
            queue: RefCell::default(),
            report,
        })
    }

    fn transmit(&self, message: Option<Vec<u8>>) {
        let Some(message) = message else { return };
        let sent = match &self.transport {
            Transport::Worker(worker) => {
                let bytes = Uint8Array::from(message.as_slice());
                let transfer = js_sys::Array::of1(&bytes.buffer());
                worker.post_message_with_transfer(&bytes, &transfer)
            }
            Transport::Socket(socket) => socket.send_with_u8_array(&message),
        };
        if let Err(error) = sent {
            self.fail(&text(error));
        }
    }

    fn message(self: &Rc<Self>, data: JsValue) {
        let bytes = if let Some(bytes) = data.dyn_ref::<Uint8Array>() {
            bytes.to_vec()
        } else if let Some(buffer) = data.dyn_ref::<ArrayBuffer>() {
            Uint8Array::new(buffer).to_vec()
        } else if data.as_string().as_deref() == Some("ready") {
            return self.report.emit(Event::Ready);
        } else if let Some(sentence) = data.as_string() {
            return self.fail(&sentence);
        } else {
            let panic = Reflect::get(&data, &"panic".into())
                .ok()
                .and_then(|text| text.as_string());
            return self.fail(panic.as_deref().unwrap_or(say::no_message()));
        };
        let Some(request) = self.queue.borrow_mut().answered() else {
            // The server says why a guest has ended by itself, and then closes.
            return match decode_first(&bytes) {
                Some(Ok(Response::Error { message })) => self.fail(&message),
                _ => self.fail(say::not_asked()),
            };
        };
        if let Some(response) = decode_first(&bytes) {
            return self.answered(request, response);
        }
        if let Some(decode) = LATER.get() {
            return self.answered(request, decode(&bytes));
        }
        // The next request is not sent before this one is answered, so answers stay in order.
        let link = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let response = match decode_later().await {
                Ok(decode) => LATER.get_or_init(|| decode)(&bytes),
                Err(_) => Ok(Response::Error {
                    message: say::no_code().into(),
                }),
            };
            link.answered(request, response);
        });
    }

    fn answered(&self, request: Request, response: Result<Response, String>) {
        let response = match response {
            Ok(response) => response,
            Err(error) => return self.fail(&error),
        };
        // The kernel works on the next request while the page draws this answer.
        let next = self.queue.borrow_mut().next().map(encode);
        self.transmit(next);
        self.report.emit(Event::Answered(request, response));
    }

    fn fail(&self, reason: &str) {
        self.report.emit(Event::Failed(reason.to_string()));
    }
}

/// Calls `act` for every event `kind` of `target` until the listener is dropped.
fn listen<E: JsCast>(
    target: &web_sys::EventTarget,
    kind: &'static str,
    link: &Rc<Link>,
    act: impl Fn(&Rc<Link>, &E) + 'static,
) -> EventListener {
    let link = Rc::downgrade(link);
    EventListener::new(target, kind, move |event| {
        if let Some(link) = link.upgrade() {
            act(&link, event.unchecked_ref());
        }
    })
}

/// The worker that `boot.js` started while this module was still on its way, and whether it has
/// said "ready" already. There is one, once.
fn early_worker() -> Option<(Worker, bool)> {
    let global = js_sys::global();
    let worker = Reflect::get(&global, &"glassWorker".into())
        .ok()?
        .dyn_into::<Worker>()
        .ok()?;
    Reflect::delete_property(&global, &"glassWorker".into()).ok()?;
    let is_ready = Reflect::get(&worker, &"isReady".into()).ok()?.is_truthy();
    Some((worker, is_ready))
}

fn start_worker() -> Result<Worker, String> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    Worker::new_with_options("./worker.js", &options).map_err(text)
}

fn socket_url(place: Place) -> Result<String, JsValue> {
    let document = web_sys::window().and_then(|window| window.document());
    let base = document
        .and_then(|document| document.base_uri().ok().flatten())
        .unwrap_or_default();
    let url = Url::new_with_base(&format!("api/session/{}", place.id()), &base)?;
    url.set_protocol(if url.protocol() == "https:" {
        "wss:"
    } else {
        "ws:"
    });
    Ok(url.href())
}

/// Why a socket closed, as a sentence.
fn closing(was_opened: bool, code: u16, reason: &str) -> String {
    match (was_opened, reason) {
        (false, _) => say::not_accepted(),
        (true, "") if code == 1006 => say::connection_broke(),
        (true, "") => return say::closed_code(code),
        (true, reason) => return say::closed(reason),
    }
    .to_string()
}

/// A JavaScript exception as a sentence.
pub fn text(error: JsValue) -> String {
    let message = error
        .dyn_ref::<js_sys::Error>()
        .map(|error| in_words(String::from(error.message())));
    message.unwrap_or_else(|| format!("{error:?}"))
}

/// What `keeper.js` tells, in the language of the page; anything else is a sentence already.
pub fn in_words(message: String) -> String {
    let told = message
        .strip_prefix("told ")
        .and_then(|told| told.split_once(' '));
    match told {
        Some(("blocked", _)) => say::blocked().to_string(),
        Some(("no-database", _)) => say::no_database().to_string(),
        Some(("full", _)) => say::full().to_string(),
        Some(("long", most)) => say::log_long(most),
        Some(("status", status)) => say::server_answers(status),
        Some(("no-log", _)) => say::no_log().to_string(),
        Some(("no-server", _)) => words::app::no_server().to_string(),
        Some(("broke", _)) => say::connection_broke().to_string(),
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_is_on_its_way_at_a_time() {
        let mut queue = Queue::default();
        let seek = |step| Request::Seek { step };
        assert_eq!(queue.push(seek(1)), Some(&seek(1)));
        assert_eq!(queue.push(seek(2)), None);
        assert_eq!(queue.push(seek(3)), None);
        assert_eq!(queue.answered(), Some(seek(1)));
        assert_eq!(queue.next(), Some(&seek(2)));
        assert_eq!(queue.next(), None);
        assert_eq!(queue.answered(), Some(seek(2)));
        assert_eq!(queue.next(), Some(&seek(3)));
        assert_eq!(queue.answered(), Some(seek(3)));
        assert_eq!(queue.next(), None);
        assert_eq!(queue.answered(), None);
    }

    #[test]
    fn a_closed_socket_says_why() {
        assert!(closing(false, 1006, "").contains("did not accept"));
        assert!(closing(true, 1006, "").contains("broke"));
        assert_eq!(
            closing(true, 4000, "idle for 600 s"),
            "the server closed the connection: idle for 600 s"
        );
    }

    #[test]
    fn what_the_keeper_tells_is_said_in_words() {
        let keeper = include_str!("../static/keeper.js");
        let told: Vec<&str> = keeper
            .split("told('")
            .skip(1)
            .filter_map(|rest| rest.split('\'').next())
            .collect();
        assert!(told.len() > 5, "{told:?}");
        for what in told {
            let message = format!("told {what} 7");
            assert_ne!(in_words(message.clone()), message);
        }
        assert_eq!(in_words("told status 503".into()), "the server answers 503");
        assert_eq!(in_words("the site broke".into()), "the site broke");
    }
}
