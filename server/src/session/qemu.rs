//! QEMU sessions: a kernel that was booted on a machine of its own.
//!
//! The guest speaks the protocol on its second serial port, which QEMU connects to its standard
//! input and output; [`protocol::frame`] and [`Deframer`] keep the messages apart there. The guest
//! starts with the first request, because only that says how much memory it needs, and is started
//! anew when a later one needs more. Each guest belongs to one task, which waits for its end on
//! every way out, so that no process is left behind.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use labs::protocol::{self, Deframer, Request, Response};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{Instrument, Span, error, info, warn};

use super::{Ending, Incoming, Kernel, Reply, Ticket, decode, header_of, machine_bytes};
use crate::config::GuestConfig;
use crate::limits::MemoryShare;

/// How long a guest that was told to power off may take.
const POWER_OFF: Duration = Duration::from_secs(2);

/// How much is read from a guest at a time, in bytes.
const READ_BYTES: usize = 64 << 10;

/// Starts the task that owns the guest.
pub(crate) fn start(ticket: Ticket) -> io::Result<Kernel> {
    let (requests, inbox) = mpsc::unbounded_channel();
    let (outbox, replies) = mpsc::channel(1);
    let span = ticket.span.clone();
    tokio::spawn(answer_all(ticket, inbox, outbox).instrument(span));
    Ok(Kernel { requests, replies })
}

/// The task: passes requests to the guest until the client leaves or the guest ends.
async fn answer_all(
    ticket: Ticket,
    mut inbox: mpsc::UnboundedReceiver<Incoming>,
    outbox: mpsc::Sender<Reply>,
) {
    // While it is held, a server that stops waits for this task and its guest.
    let _server_waits = ticket.app.stopping.subscribe();
    let mut bridge = Bridge {
        memory: ticket.app.memory_share(),
        ticket: &ticket,
        guest: None,
    };
    loop {
        let reply = tokio::select! {
            incoming = inbox.recv() => {
                let Some(incoming) = incoming else { break };
                tokio::select! {
                    reply = bridge.answer(&incoming) => reply,
                    () = outbox.closed() => break,
                }
            }
            status = bridge.guest_ends() => gone(&status),
        };
        let is_last = reply.last.is_some();
        if outbox.send(reply).await.is_err() || is_last {
            break;
        }
    }
    bridge.stop_guest().await;
}

/// Stands between the client's messages and the guest's bytes.
struct Bridge<'t> {
    ticket: &'t Ticket,
    memory: MemoryShare,
    guest: Option<Guest>,
}

impl Bridge<'_> {
    /// Has the guest answer one request.
    async fn answer(&mut self, incoming: &Incoming) -> Reply {
        let request = match decode(incoming) {
            Ok(request) => request,
            Err(refusal) => return refusal,
        };
        let closes = request == Request::Close;
        if closes && self.guest.is_none() {
            return Reply::answer(&Response::Closed).and_end(Ending::MachineOff);
        }
        let limit = self.ticket.app.config.limits.answer;
        let guest = match self.guest_for(&request).await {
            Ok(guest) => guest,
            Err(message) => return Reply::refusal(message),
        };
        let answer = match timeout(limit, guest.ask(&protocol::encode(&request))).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(AskError::Gone)) => return gone(&guest.stop(POWER_OFF).await),
            Ok(Err(AskError::OutOfStep(cause))) => {
                error!(cause, "the guest is out of step");
                return lost("the guest machine sent something that is no answer".to_owned());
            }
            Err(_) => {
                warn!("the guest owes an answer");
                let seconds = limit.as_secs_f32();
                return lost(format!(
                    "the guest machine gave no answer within {seconds} s"
                ));
            }
        };
        if closes {
            guest.stop(POWER_OFF).await.ok();
        }
        Reply {
            answer,
            last: closes.then_some(Ending::MachineOff),
        }
    }

    /// The guest that `request` needs, started if there is none or it is too small.
    async fn guest_for(&mut self, request: &Request) -> Result<&mut Guest, String> {
        let header = header_of(request);
        let bytes = machine_bytes(header.as_deref().unwrap_or_default());
        let fits = |guest: &Guest| header.is_none() || guest.machine_bytes >= bytes;
        if !self.guest.as_ref().is_some_and(fits) {
            self.memory.make_room(bytes)?;
            self.stop_guest().await;
            let Some(config) = &self.ticket.app.config.guest else {
                return Err("this server was started without QEMU sessions".to_owned());
            };
            let header = header.as_deref().unwrap_or_default();
            let guest = Guest::start(config, header, bytes).map_err(|cause| {
                error!(%cause, qemu = %config.qemu.display(), "QEMU did not start");
                "QEMU could not be started; the server's log says why".to_owned()
            })?;
            self.guest = Some(guest);
        }
        Ok(self
            .guest
            .as_mut()
            .expect("it was there or has been started"))
    }

    /// Resolves when the guest ends by itself.
    async fn guest_ends(&mut self) -> io::Result<ExitStatus> {
        match &mut self.guest {
            Some(guest) => guest.child.wait().await,
            None => std::future::pending().await,
        }
    }

    async fn stop_guest(&mut self) {
        if let Some(mut guest) = self.guest.take() {
            let status = guest.stop(Duration::ZERO).await;
            info!(?status, "the guest is stopped");
        }
    }
}

/// The last reply when the guest ended by itself.
fn gone(status: &io::Result<ExitStatus>) -> Reply {
    let how = match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    warn!(how, "the guest is gone");
    lost(format!("the guest machine stopped by itself ({how})"))
}

/// The last reply when the guest is of no use any more.
fn lost(message: String) -> Reply {
    Reply::refusal(message).and_end(Ending::KernelGone)
}

/// Why a guest gave no answer.
enum AskError {
    /// It is not running, or not listening.
    Gone,
    /// What it sends is not framed.
    OutOfStep(String),
}

impl From<io::Error> for AskError {
    fn from(_: io::Error) -> AskError {
        AskError::Gone
    }
}

/// A running QEMU.
struct Guest {
    child: Child,
    /// The guest's second serial port, this way in ...
    input: ChildStdin,
    /// ... and this way out.
    output: ChildStdout,
    deframer: Deframer,
    /// The memory that its kernel manages.
    machine_bytes: u64,
}

impl Guest {
    /// Starts QEMU with a machine for `header`.
    fn start(config: &GuestConfig, header: &str, machine_bytes: u64) -> io::Result<Guest> {
        let mut child = command(config, header, machine_bytes)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C at the terminal is for the server, which then ends its guests in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = pipes else {
            return Err(io::Error::other("a pipe is missing"));
        };
        tokio::spawn(log_lines(errors).instrument(Span::current()));
        info!(pid = child.id(), header, "started a guest");
        Ok(Guest {
            child,
            input,
            output,
            deframer: Deframer::default(),
            machine_bytes,
        })
    }

    /// Sends one message and returns the next that comes back.
    async fn ask(&mut self, message: &[u8]) -> Result<Vec<u8>, AskError> {
        let Guest {
            input,
            output,
            deframer,
            ..
        } = self;
        let framed = protocol::frame(message);
        let send = async {
            input.write_all(&framed).await?;
            Ok::<_, AskError>(input.flush().await?)
        };
        let receive = async {
            let mut bytes = vec![0; READ_BYTES];
            loop {
                if let Some(answer) = deframer.next().map_err(AskError::OutOfStep)? {
                    return Ok(answer);
                }
                match output.read(&mut bytes).await? {
                    0 => return Err(AskError::Gone),
                    count => deframer.push(&bytes[..count]),
                }
            }
        };
        let ((), answer) = tokio::try_join!(send, receive)?;
        Ok(answer)
    }

    /// Gives QEMU `grace` to end by itself, then kills it; returns when it is gone.
    async fn stop(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        if let Ok(status) = timeout(grace, self.child.wait()).await {
            return status;
        }
        self.child.start_kill()?;
        self.child.wait().await
    }
}

/// Passes what QEMU complains about to the log.
async fn log_lines(errors: ChildStderr) {
    let mut lines = BufReader::new(errors).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        info!("qemu: {line}");
    }
}

/// QEMU's command line for a guest whose protocol port is the standard input and output.
fn command(config: &GuestConfig, header: &str, machine_bytes: u64) -> Command {
    let ram_mib = (machine_bytes >> 20) + 128;
    let mut command = Command::new(&config.qemu);
    command
        .args([
            "-nodefaults",
            "-display",
            "none",
            "-no-reboot",
            "-m",
            &ram_mib.to_string(),
        ])
        .args(["-serial", "null", "-serial", "stdio"])
        .args(["-append", header, "-kernel"])
        .arg(&config.boot_image);
    command
}
