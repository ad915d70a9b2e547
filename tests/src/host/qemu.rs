//! A kernel on an x86_64 machine under QEMU, reached over the machine's second serial port.
//!
//! The port is QEMU's standard input and output. The console, on the first port, goes to QEMU's
//! standard error: there a dying guest leaves its report, which becomes part of the error here.

use std::process::Command;
use std::time::{Duration, Instant};

use labs::guest::{self, Console, Exit, Protocol};
use labs::protocol::{Deframer, Host, Request, Response, decode, encode, frame};

use super::Driver;
use crate::{Settings, child::Child};

/// How long a guest may take for one answer before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(120);

/// The largest machine, in MiB, that the guest has room for: as large as the other hosts allow.
const MACHINE_MAX_MIB: u32 = 1024;

/// A booted guest. Dropping it switches it off.
#[derive(Debug)]
pub struct Qemu {
    child: Child,
    deframer: Deframer,
    patience: Duration,
}

impl Qemu {
    /// Boots a guest.
    pub fn start(settings: &Settings) -> Result<Qemu, String> {
        let image = settings.boot_image()?;
        let memory = guest::memory_mib(MACHINE_MAX_MIB);
        let console = Console::File("/dev/stderr".to_string());
        let arguments = guest::arguments(
            &image.to_string_lossy(),
            "",
            memory,
            console,
            Protocol::Stdio,
        );
        let mut command = Command::new(settings.qemu()?);
        command.args(arguments);
        Qemu::over(Child::start(&mut command)?, PATIENCE)
    }

    /// Speaks with anything that carries the protocol on its standard streams.
    pub fn over(child: Child, patience: Duration) -> Result<Qemu, String> {
        Ok(Qemu {
            child,
            deframer: Deframer::default(),
            patience,
        })
    }

    /// Ends QEMU at once, as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill();
    }

    /// What the guest has said on its console so far.
    pub fn console(&self) -> String {
        self.child.complaints()
    }

    /// Waits for the guest to end by itself, and says how it did.
    pub fn wait(&mut self) -> Result<Exit, String> {
        let status = self.child.wait(self.patience)?;
        status
            .code()
            .and_then(Exit::from_status)
            .ok_or_else(|| format!("QEMU ended ({status}) without the guest's doing"))
    }

    fn end(&mut self) -> String {
        match self.wait() {
            Ok(exit) => format!("{}; its console: {}", exit.reason(), self.console()),
            Err(error) => format!("{error}; {}", self.child.epitaph()),
        }
    }
}

impl Driver for Qemu {
    fn host(&self) -> Host {
        Host::Qemu
    }

    fn request(&mut self, request: Request) -> Result<Response, String> {
        let deadline = Instant::now() + self.patience;
        self.child.write(frame(&encode(&request)));
        loop {
            if let Some(message) = self.deframer.next()? {
                return decode(&message);
            }
            match self.child.read(deadline)? {
                Some(bytes) => self.deframer.push(&bytes),
                None => return Err(self.end()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest_of_shell(script: &str) -> Qemu {
        let child =
            Child::start(Command::new("sh").args(["-c", script])).expect("there is a shell");
        Qemu::over(child, Duration::from_millis(500)).expect("the shell runs")
    }

    #[test]
    fn an_answer_may_come_in_pieces() {
        // A frame of one byte, Response::Closed.
        let closed = encode::<Response>(&Response::Closed);
        assert_eq!(closed.len(), 1);
        let mut guest = guest_of_shell(&format!(
            "printf '\\001\\000'; sleep 0.1; printf '\\000\\000\\{:03o}'; exec sleep 9",
            closed[0]
        ));
        assert_eq!(guest.request(Request::State), Ok(Response::Closed));
    }

    #[test]
    fn a_hung_guest_is_an_error_in_time() {
        let error = guest_of_shell("exec sleep 9")
            .request(Request::State)
            .unwrap_err();
        assert!(error.contains("silent"), "{error}");
    }

    #[test]
    fn a_guest_that_panics_leaves_its_report() {
        let script = format!(
            "echo frame 7 is free twice >&2; exit {}",
            Exit::Panic.status()
        );
        let error = guest_of_shell(&script).request(Request::State).unwrap_err();
        assert_eq!(
            error,
            "the guest panicked; its console: frame 7 is free twice"
        );
    }

    #[test]
    fn a_stream_of_nonsense_is_an_error() {
        let error = guest_of_shell("echo SeaBIOS; exec sleep 9")
            .request(Request::State)
            .unwrap_err();
        assert!(error.contains("bytes; the limit is"), "{error}");
    }
}
