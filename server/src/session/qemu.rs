//! QEMU sessions: a kernel that was booted on a machine of its own.
//!
//! The guest speaks the protocol on a port of its own, which QEMU connects to its standard
//! input and output ([`labs::guest`] knows how); [`protocol::frame`] and [`Deframer`] keep the
//! messages apart there. The guest starts with the first request, because only that says how much
//! memory it needs, and is started anew when a later one needs more. Each guest belongs to one
//! task, which waits for its end on every way out, so that no process is left behind.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use labs::guest::{self, Console, Exit, Protocol};
use labs::protocol::{self, Deframer, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{Instrument, debug, error, info, warn};

use super::{Ending, Incoming, Kernel, Machine, Reply, Ticket, decode};
use crate::config::{GuestConfig, find_program};
use crate::limits::MemoryShare;

/// How long a guest that was told to power off may take.
const POWER_OFF: Duration = Duration::from_secs(2);

/// How much of what a guest says last is kept for the log, in bytes.
const LAST_WORDS_BYTES: usize = 4 << 10;

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
            status = bridge.guest_ends() => bridge.gone(&status).await,
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
            Ok(Err(AskError::Gone)) => {
                let status = guest.stop(POWER_OFF).await;
                return self.gone(&status).await;
            }
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
        let machine = Machine::booted_by(request)?;
        let fits = |guest: &Guest| {
            machine
                .as_ref()
                .is_none_or(|m| m.bytes <= guest.machine_bytes)
        };
        if !self.guest.as_ref().is_some_and(fits) {
            let machine = machine.map_or_else(|| Machine::described_by(""), Ok)?;
            self.memory.make_room(machine.bytes)?;
            self.stop_guest().await;
            let Some(config) = &self.ticket.app.config.guest else {
                return Err("this server was started without QEMU sessions".to_owned());
            };
            let guest = Guest::start(config, &machine).map_err(|cause| {
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

    /// The last reply when the guest ended by itself.
    async fn gone(&mut self, status: &io::Result<ExitStatus>) -> Reply {
        let how = how_it_ended(status);
        let said = match self.guest.take() {
            Some(guest) => guest.last_words().await,
            None => String::new(),
        };
        warn!(how, said, "the guest is gone");
        lost(format!("the guest machine is gone: {how}"))
    }

    async fn stop_guest(&mut self) {
        if let Some(mut guest) = self.guest.take() {
            let how = how_it_ended(&guest.stop(Duration::ZERO).await);
            let said = guest.last_words().await;
            debug!(how, said, "stopped the guest");
        }
    }
}

/// How a guest ended, for a person.
fn how_it_ended(status: &io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => match status.code().and_then(Exit::from_status) {
            Some(exit) => exit.reason().to_owned(),
            None => status.to_string(),
        },
        Err(error) => error.to_string(),
    }
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
    /// The guest's protocol port, this way in ...
    input: ChildStdin,
    /// ... and this way out.
    output: ChildStdout,
    deframer: Deframer,
    /// Reads what QEMU complains about, and what the guest's console says, to its end.
    listener: JoinHandle<Vec<u8>>,
    /// The memory that its kernel manages.
    machine_bytes: u64,
}

impl Guest {
    /// Starts QEMU with `machine` in it.
    fn start(config: &GuestConfig, machine: &Machine) -> io::Result<Guest> {
        let memory_mib = u32::try_from(machine.bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX);
        let arguments = guest::arguments(
            &config.boot_image.to_string_lossy(),
            &machine.header,
            guest::memory_mib(memory_mib),
            Console::File("/dev/stderr".to_owned()),
            Protocol::Stdio,
        );
        let mut child = ending_with_us(&config.qemu)
            .args(arguments)
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
        info!(pid = child.id(), machine.header, "started a guest");
        Ok(Guest {
            child,
            input,
            output,
            deframer: Deframer::default(),
            listener: tokio::spawn(listen(errors)),
            machine_bytes: machine.bytes,
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

    /// What the guest said last; for one that has ended.
    async fn last_words(self) -> String {
        // A grandchild, if QEMU had one, could hold the pipe open.
        let words = timeout(POWER_OFF, self.listener).await;
        let words = words.ok().and_then(Result::ok).unwrap_or_default();
        String::from_utf8_lossy(&words).trim().to_owned()
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

/// A command that runs `program`, which the system kills when this process dies.
///
/// A server that is killed cannot end its guests, and QEMU runs on without its standard streams.
/// `setpriv`, which comes with every Linux, asks the system to see to it and becomes `program`.
fn ending_with_us(program: &Path) -> Command {
    let Some(setpriv) = find_program(Path::new("setpriv")) else {
        return Command::new(program);
    };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// Reads `stream` to its end and returns the last [`LAST_WORDS_BYTES`] of it.
async fn listen(mut stream: ChildStderr) -> Vec<u8> {
    let mut words = Vec::new();
    // An error ends the stream as well.
    while stream
        .read_buf(&mut words)
        .await
        .is_ok_and(|count| count > 0)
    {
        let too_many = words.len().saturating_sub(LAST_WORDS_BYTES);
        words.drain(..too_many);
    }
    words
}
