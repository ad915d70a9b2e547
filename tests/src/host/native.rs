//! A kernel in this process.

use labs::protocol::{Host, Request, Response};
use labs::{HostMemory, Session};

use super::Driver;

/// A session of our own.
pub struct Native(Session);

impl Native {
    /// A session that has not been sent anything yet.
    pub fn new() -> Native {
        Native(Session::new(Host::Native, Box::new(HostMemory)))
    }
}

impl Default for Native {
    fn default() -> Native {
        Native::new()
    }
}

impl Driver for Native {
    fn host(&self) -> Host {
        Host::Native
    }

    fn request(&mut self, request: Request) -> Result<Response, String> {
        Ok(self.0.handle(request))
    }
}
