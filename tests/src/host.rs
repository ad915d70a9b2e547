//! The three hosts behind one trait.
//!
//! A driver carries a [`Request`] to a kernel and brings back its [`Response`]: by a call in this
//! process, over the guest's second serial port, or into a worker of a real browser. What a host
//! may do wrong (be absent, hang, die, talk nonsense) comes back as an error in words.

mod native;
mod qemu;
mod wasm;

use labs::protocol::{Host, Outcome, Request, Response, TraceFormat};

use crate::Settings;

pub use native::Native;
pub use qemu::Qemu;
pub use wasm::Wasm;
pub(crate) use wasm::bytes_of_base64;

/// All hosts, the reference first.
pub const ALL: [Host; 3] = [Host::Native, Host::Wasm, Host::Qemu];

/// A way to a kernel.
pub trait Driver {
    /// Which host the kernel runs on.
    fn host(&self) -> Host;

    /// Carries one request to the kernel and its response back.
    ///
    /// # Errors
    /// When the kernel can't be reached any more. A refusal by the kernel's session is not an
    /// error here but a [`Response::Error`].
    fn request(&mut self, request: Request) -> Result<Response, String>;

    /// Runs a whole log on a fresh machine.
    ///
    /// # Errors
    /// When the kernel can't be reached, or refuses the log.
    fn replay(&mut self, log: &[u8], each_line: bool) -> Result<Outcome, String> {
        match self.request(Request::Replay {
            log: log.to_vec(),
            each_line,
        })? {
            Response::Replayed(outcome) => Ok(outcome),
            Response::Error { message } => Err(message),
            other => Err(format!(
                "{} answered a replay with {other:?}",
                self.host().name()
            )),
        }
    }

    /// The trace of the steps `from` to `to` as a file, all its pieces put together.
    ///
    /// # Errors
    /// When the kernel can't be reached, or refuses.
    fn trace(&mut self, format: TraceFormat, from: u32, to: u32) -> Result<Vec<u8>, String> {
        let mut file = Vec::new();
        let mut resume = None;
        loop {
            let request = Request::Trace {
                format,
                from,
                to,
                resume,
            };
            match self.request(request)? {
                Response::Traced { bytes, next } => {
                    file.extend(bytes);
                    if next.is_none() {
                        return Ok(file);
                    }
                    if next <= resume {
                        return Err(format!("the trace goes on from {next:?} to {resume:?}"));
                    }
                    resume = next;
                }
                Response::Error { message } => return Err(message),
                other => {
                    let host = self.host().name();
                    return Err(format!(
                        "{host} answered a request for a trace with {other:?}"
                    ));
                }
            }
        }
    }
}

/// Starts a kernel on `host` and returns the way to it.
pub fn connect(host: Host, settings: &Settings) -> Result<Box<dyn Driver + Send>, String> {
    Ok(match host {
        Host::Native => Box::new(Native::new()),
        Host::Wasm => Box::new(Wasm::start(settings)?),
        Host::Qemu => Box::new(Qemu::start(settings)?),
    })
}

/// The host that the command line calls `name`.
pub fn by_name(name: &str) -> Result<Host, String> {
    ALL.into_iter()
        .find(|host| host.name() == name)
        .ok_or_else(|| format!("there is no host `{name}`; the hosts are native, wasm and qemu"))
}
