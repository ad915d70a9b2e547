//! A session: a kernel, its log and its checkpoints. (Signatures are final; bodies are being written.)
use alloc::{boxed::Box, vec::Vec, string::ToString};
use crate::protocol::{Host, Request, Response, decode, encode};

/// Where a session's frames come from. `Send`, so that a session may move to a thread of its own.
pub trait Memory: Send {
    /// placeholder
    fn limit(&self) -> u64;
}

/// Frames from the host's heap.
#[cfg(feature = "host-ram")]
#[derive(Debug, Default, Clone, Copy)]
pub struct HostMemory;
#[cfg(feature = "host-ram")]
impl Memory for HostMemory { fn limit(&self) -> u64 { 1 << 30 } }

/// A kernel, its log and its checkpoints.
pub struct Session { host: Host, _memory: Box<dyn Memory> }

impl Session {
    /// A session without a machine yet; send it [`Request::Open`] (or any request: the default machine boots).
    pub fn new(host: Host, memory: Box<dyn Memory>) -> Session { Session { host, _memory: memory } }
    /// How many kernel steps one [`Request::Run`] may take before it answers with what it has.
    pub fn set_budget(&mut self, _steps: u64) { }
    /// Does what the request says. Never panics on bad input.
    pub fn handle(&mut self, _request: Request) -> Response { let _ = self.host; Response::Error { message: "not written yet".to_string() } }
    /// [`Session::handle`] on encoded messages; a malformed request is answered by [`Response::Error`].
    pub fn handle_bytes(&mut self, request: &[u8]) -> Vec<u8> {
        match decode(request) { Ok(request) => encode(&self.handle(request)), Err(message) => encode(&Response::Error { message }) }
    }
}
