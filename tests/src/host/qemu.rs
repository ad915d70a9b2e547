//! to be written when labs::guest has landed
use super::Driver;
use crate::Settings;
use labs::protocol::{Host, Request, Response};

/// A booted guest.
pub struct Qemu;
impl Qemu {
    /// Boots one.
    pub fn start(_: &Settings) -> Result<Qemu, String> {
        Err("not written yet".to_string())
    }
}
impl Driver for Qemu {
    fn host(&self) -> Host {
        Host::Qemu
    }
    fn request(&mut self, _: Request) -> Result<Response, String> {
        Err("not written yet".to_string())
    }
}
