//! The kernel as a WebAssembly module, for a Web Worker.
//!
//! A page that ran the kernel itself would stand still while a script runs. So the kernel is a
//! module of its own, which `worker.js` loads beside the page: bytes in are a
//! [`Request`], bytes out a [`Response`], both
//! in the encoding that the server's sockets and QEMU's serial line carry too. All that is decided
//! here is how long one request may keep the worker busy; everything else is
//! [`labs::Session`]'s.
//!
//! What a first visit does not ask is not loaded with it: the packer cuts the module in two where
//! [`labs::Session::handle_rest`] begins (`xtask/src/bin/pack.rs`), and `worker.js` fetches the second
//! part for the first request that needs it.

use std::sync::OnceLock;

use labs::protocol::{Host, Request, Response, decode, encode};
use labs::{HostMemory, Session};
use wasm_bindgen::prelude::*;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

/// How many kernel steps one request may take.
///
/// The page sends what a short answer left undone in its next request, so that a click waits for
/// one budget and no more. A step is a command or a piece of its output and costs up to a hundredth
/// of a millisecond: a full budget takes some 20 ms, and less than 100 ms on a machine that is busy
/// otherwise.
const STEPS_PER_REQUEST: u64 = 2_000;

/// How many kernel steps one search may take before it tells how far it came. Its lines are counted
/// as fifty steps more each, so that a step is cheap here: a full budget takes less than 100 ms.
const STEPS_PER_SEARCH: u64 = 100_000;

/// One kernel with its log, as JavaScript sees it.
#[wasm_bindgen]
pub struct Kernel {
    session: Session,
}

#[wasm_bindgen]
impl Kernel {
    /// A session without a machine; the first request boots one.
    #[wasm_bindgen(constructor)]
    #[expect(
        clippy::new_without_default,
        reason = "JavaScript has constructors only"
    )]
    pub fn new() -> Kernel {
        std::panic::set_hook(Box::new(|panic| throw(&panic.to_string())));
        let mut session = Session::new(Host::Wasm, Box::new(HostMemory));
        session.set_budget(STEPS_PER_REQUEST);
        session.set_search_budget(STEPS_PER_SEARCH);
        Kernel { session }
    }

    /// Answers one encoded request with one encoded response, or `undefined`, when it takes code that
    /// has not come yet: the worker then fetches it and asks [`Kernel::handle_rest`].
    ///
    /// Throws an `Error` with the panic's text if the kernel panics. The kernel is then in pieces
    /// and answers nothing more.
    pub fn handle(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        let response = match decode(request) {
            Ok(request) => match (self.session.handle_common(request), REST.get()) {
                (Ok(response), _) => response,
                (Err(request), Some(handle_rest)) => handle_rest(&mut self.session, request),
                (Err(_), None) => return None,
            },
            Err(message) => Response::Error { message },
        };
        Some(encode(&response))
    }

    /// [`Kernel::handle`] after the rest of the code was fetched. If it has not come, the request is
    /// refused, and may be made again.
    pub fn handle_rest(&mut self, request: &[u8]) -> Vec<u8> {
        self.handle(request).unwrap_or_else(|| {
            let message = "this part of the kernel could not be loaded; is the network there?";
            encode::<Response>(&Response::Error {
                message: message.to_string(),
            })
        })
    }
}

/// Answers what [`Session::handle_common`] does not.
type HandleRest = fn(&mut Session, Request) -> Response;

/// The rest of the code, once it has come.
static REST: OnceLock<HandleRest> = OnceLock::new();

/// All that can be reached from here alone is in the module's second part.
#[wasm_split(rest, fallible)]
fn rest() -> Result<HandleRest, SplitLoaderError> {
    Ok(Session::handle_rest)
}

/// Fetches the rest of the code. If it does not come, the next call tries once more.
#[wasm_bindgen]
pub async fn fetch_rest() {
    if let Ok(handle_rest) = rest().await {
        REST.get_or_init(|| handle_rest);
    }
}

/// Leaves the module by a JavaScript exception that carries `message`.
///
/// A panic would otherwise end in a bare `unreachable` trap, and its text would be lost.
fn throw(message: &str) {
    if cfg!(target_family = "wasm") {
        wasm_bindgen::throw_str(message)
    }
}
