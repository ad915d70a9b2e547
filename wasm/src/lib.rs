//! The kernel as a WebAssembly module, for a Web Worker.
//!
//! A page that ran the kernel itself would stand still while a script runs. So the kernel is a
//! module of its own, which `worker.js` loads beside the page: bytes in are a
//! [`Request`](labs::protocol::Request), bytes out a [`Response`](labs::protocol::Response), both
//! in the encoding that the server's sockets and QEMU's serial line carry too. All that is decided
//! here is how long one request may keep the worker busy; everything else is
//! [`labs::Session`]'s.

use labs::protocol::Host;
use labs::{HostMemory, Session};
use wasm_bindgen::prelude::*;

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

    /// Answers one encoded request with one encoded response.
    ///
    /// Throws an `Error` with the panic's text if the kernel panics. The kernel is then in pieces
    /// and answers nothing more.
    pub fn handle(&mut self, request: &[u8]) -> Vec<u8> {
        self.session.handle_bytes(request)
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
