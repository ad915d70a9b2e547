//! Sessions: a WebSocket on one side, a kernel on the other.
//!
//! A connection is admitted before it is upgraded, so a refusal is an ordinary HTTP answer with a
//! reason. Browsers hide that answer from a page's WebSocket; the page can `fetch` the same
//! address and reads it there. Once admitted, `carry` moves messages between the socket and
//! a `Kernel`: two channels to a thread ([`mod@native`]) or a task ([`mod@qemu`]) that owns the
//! real one. Requests are answered in order. A client may send ahead, up to `AHEAD_BYTES`, and the
//! socket is watched meanwhile, so that a client who leaves during a long replay is noticed.

pub mod native;
pub mod qemu;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use labs::log::{self, Heading};
use labs::protocol::{self, Host, MESSAGE_MAX, Request};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{Instrument, Span, error, info, info_span};

use crate::App;
use crate::error::ApiError;
use crate::limits::{Lease, Limits};

/// A client may have requests of so many bytes waiting before the server stops reading.
const AHEAD_BYTES: usize = 1 << 20;

/// What a waiting request costs besides its bytes; or there could be a million empty ones.
const REQUEST_BYTES: usize = 128;

/// How long to wait for the client's half of a WebSocket's closing handshake.
const FAREWELL: Duration = Duration::from_secs(2);

/// What is read of a socket at a time. The buffer is there as long as the connection is, and is filled with
/// zeroes before each look at the socket; the library's own 128 kB would be most of what an idle session takes.
pub(crate) const SOCKET_READ: usize = 4096;

/// The longest reason that fits into a close frame, in bytes.
const REASON_MAX: usize = 123;

/// Bytes in a frame of machine memory.
const FRAME_BYTES: u64 = 4096;

/// `GET /api/session/native`: a kernel in this process.
pub async fn native(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    open(app, Host::Native, &headers, upgrade, native::start)
}

/// `GET /api/session/qemu`: a kernel on a machine of its own.
pub async fn qemu(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    open(app, Host::Qemu, &headers, upgrade, qemu::start)
}

/// What a session holds while it lives.
pub(crate) struct Ticket {
    id: u64,
    app: Arc<App>,
    /// The session's place among those that the server has.
    place: Lease,
    span: Span,
}

/// Admits or refuses a client, and sends an admitted one on its way.
fn open(
    app: Arc<App>,
    host: Host,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    start: fn(Ticket) -> io::Result<Kernel>,
) -> Result<Response, ApiError> {
    let stopping = app.stopping.subscribe();
    let admit = || {
        check_origin(headers, &app.config.allowed_origins)?;
        if *stopping.borrow() {
            return Err(ApiError::Stopping);
        }
        let place = app.take_place(host)?;
        let upgrade = upgrade.map_err(|_| ApiError::NotAWebSocket)?;
        Ok((place, upgrade))
    };
    let (place, upgrade) =
        admit().inspect_err(|reason| info!(host = host.name(), %reason, "refused a session"))?;

    let id = app.next_session_id();
    let span = info_span!("session", id, host = host.name());
    let limits = app.config.limits.clone();
    let ticket = Ticket {
        id,
        app,
        place,
        span: span.clone(),
    };
    // The socket takes twice what the protocol allows, so that a message somewhat too long can be
    // refused in words; of a longer one only the connection's end is heard.
    let upgrade = upgrade
        .max_message_size(2 * MESSAGE_MAX)
        .max_frame_size(2 * MESSAGE_MAX)
        .read_buffer_size(SOCKET_READ);
    let session = async move |socket| {
        info!("opened");
        match start(ticket) {
            Ok(kernel) => carry(socket, kernel, &limits, stopping).await,
            Err(error) => {
                error!(%error, "no kernel");
                close(socket, &Ending::KernelGone).await;
            }
        }
    };
    Ok(upgrade.on_upgrade(move |socket| session(socket).instrument(span)))
}

/// Refuses browsers that act for a page of another site.
///
/// A browser lets any page open a WebSocket to any server and says in `Origin` which page it was.
/// Clients that are not browsers send none.
pub(crate) fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), ApiError> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = String::from_utf8_lossy(origin.as_bytes());
    let own_host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let same_site = origin
        .split_once("://")
        .is_some_and(|(_, authority)| own_host.is_some_and(|h| h.eq_ignore_ascii_case(authority)));
    if same_site
        || allowed
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(&origin))
    {
        Ok(())
    } else {
        Err(ApiError::ForeignOrigin(origin.into_owned()))
    }
}

/// A kernel as a connection sees it.
pub(crate) struct Kernel {
    /// Takes what the client sent.
    requests: mpsc::UnboundedSender<Incoming>,
    /// Gives one reply for each, in order; after the last one, nothing.
    replies: mpsc::Receiver<Reply>,
}

/// An encoded request, or what is wrong with the message that came in its place.
pub(crate) type Incoming = Result<Bytes, &'static str>;

/// Decodes a request; anything else is to be answered by the refusal.
pub(crate) fn decode(incoming: &Incoming) -> Result<Request, Reply> {
    let bytes = incoming
        .as_ref()
        .map_err(|wrong| Reply::refusal((*wrong).to_owned()))?;
    protocol::decode(bytes).map_err(Reply::refusal)
}

/// A kernel's answer to one request.
pub(crate) struct Reply {
    /// An encoded `Response`.
    answer: Vec<u8>,
    /// Says that nothing can follow, and why.
    last: Option<Ending>,
}

impl Reply {
    /// An answer after which the session goes on.
    fn answer(response: &protocol::Response) -> Reply {
        let mut answer = protocol::encode(response);
        if answer.len() > MESSAGE_MAX {
            let message = format!(
                "the answer has {} bytes; a message holds {MESSAGE_MAX}",
                answer.len()
            );
            let refused: protocol::Response = protocol::Response::Error { message };
            answer = protocol::encode(&refused);
        }
        Reply { answer, last: None }
    }

    /// A refusal, after which the session goes on.
    fn refusal(message: String) -> Reply {
        Reply::answer(&protocol::Response::Error { message })
    }

    /// The same answer, as the last one.
    fn and_end(self, ending: Ending) -> Reply {
        Reply {
            last: Some(ending),
            ..self
        }
    }
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The client closed the connection, or it broke.
    ClientLeft,
    /// The client switched the machine off.
    MachineOff,
    /// The client asked nothing for too long.
    Idle,
    /// A message came that is longer than [`MESSAGE_MAX`].
    MessageTooLong,
    /// The client did not take an answer.
    NotReading,
    /// The kernel panicked, or the guest died.
    KernelGone,
    /// The server stops.
    ServerStops,
    /// The live session that one followed or published is over.
    LiveOver,
    /// Another connection publishes the live session now.
    AnotherPublishes,
    /// What the client sent was refused; a sentence that says why.
    Refused(String),
}

impl Ending {
    /// The close code of RFC 6455 that fits best.
    fn code(&self) -> u16 {
        match self {
            Ending::ClientLeft | Ending::MachineOff | Ending::LiveOver => 1000,
            Ending::ServerStops => 1001,
            Ending::Idle | Ending::NotReading | Ending::AnotherPublishes | Ending::Refused(_) => {
                1008
            }
            Ending::MessageTooLong => 1009,
            Ending::KernelGone => 1011,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::ClientLeft => write!(f, "the client left"),
            Ending::MachineOff => write!(f, "the machine is off"),
            Ending::Idle => write!(f, "the session was idle for too long"),
            Ending::MessageTooLong => write!(f, "a message of more than {MESSAGE_MAX} bytes"),
            Ending::NotReading => write!(f, "the client did not take an answer"),
            Ending::KernelGone => write!(f, "the kernel is gone"),
            Ending::ServerStops => write!(f, "the server stops"),
            Ending::LiveOver => write!(f, "the live session is over"),
            Ending::AnotherPublishes => write!(f, "another tab shares this live session now"),
            Ending::Refused(why) => f.write_str(why),
        }
    }
}

/// Carries messages between a client and its kernel until one of them ends.
async fn carry(
    mut socket: WebSocket,
    mut kernel: Kernel,
    limits: &Limits,
    mut stopping: watch::Receiver<bool>,
) {
    let ending = converse(&mut socket, &mut kernel, limits, &mut stopping).await;
    // The kernel may end while the client is told.
    drop(kernel);
    info!(%ending, "closed");
    if ending != Ending::ClientLeft {
        close(socket, &ending).await;
    }
}

async fn converse(
    socket: &mut WebSocket,
    kernel: &mut Kernel,
    limits: &Limits,
    stopping: &mut watch::Receiver<bool>,
) -> Ending {
    let mut waiting = VecDeque::new();
    let mut waiting_bytes = 0;
    let mut last_sign = Instant::now();
    loop {
        tokio::select! {
            () = stopped(stopping) => return Ending::ServerStops,
            reply = kernel.replies.recv() => {
                let Some(reply) = reply else { return Ending::KernelGone };
                waiting_bytes -= waiting.pop_front().unwrap_or(0);
                last_sign = Instant::now();
                let message = Message::Binary(reply.answer.into());
                match timeout(limits.answer, socket.send(message)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return Ending::ClientLeft,
                    Err(_) => return Ending::NotReading,
                }
                if let Some(ending) = reply.last {
                    return ending;
                }
            }
            message = socket.recv(), if waiting_bytes < AHEAD_BYTES => {
                let incoming = match message {
                    None | Some(Ok(Message::Close(_))) => return Ending::ClientLeft,
                    Some(Err(error)) => return why_unreadable(&error),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Text(_))) => Err("a text message; requests are binary"),
                    Some(Ok(Message::Binary(bytes))) => Ok(bytes),
                };
                let bytes = incoming.as_ref().map_or(0, Bytes::len);
                if bytes > MESSAGE_MAX {
                    return Ending::MessageTooLong;
                }
                last_sign = Instant::now();
                waiting.push_back(bytes + REQUEST_BYTES);
                waiting_bytes += bytes + REQUEST_BYTES;
                // A kernel that takes no more has sent its last reply, which is read next.
                kernel.requests.send(incoming).ok();
            }
            () = sleep_until(last_sign + limits.idle), if waiting.is_empty() => {
                return Ending::Idle;
            }
        }
    }
}

/// Tells a message that the socket finds too long from a connection that broke.
pub(crate) fn why_unreadable(error: &axum::Error) -> Ending {
    // The type behind it belongs to a crate that axum does not re-export.
    if error.to_string().contains("too long") {
        Ending::MessageTooLong
    } else {
        Ending::ClientLeft
    }
}

/// Tells the client why, and waits a little for it to have heard.
pub(crate) async fn close(mut socket: WebSocket, ending: &Ending) {
    let frame = CloseFrame {
        code: ending.code(),
        reason: shortened(&ending.to_string()).into(),
    };
    let farewell = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    // A client that does not answer is cut off.
    timeout(FAREWELL, farewell).await.ok();
}

/// As much of a reason as fits into a close frame.
fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(REASON_MAX)]
}

/// Resolves when the server stops.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the server is gone already.
    stopping.wait_for(|stops| *stops).await.ok();
}

/// A machine that a request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Machine {
    /// Its header in full.
    header: String,
    /// Its memory.
    bytes: u64,
}

impl Machine {
    /// The machine that `header` describes.
    fn described_by(header: &str) -> Result<Machine, String> {
        let config = Heading::parse(header)?.machine;
        Ok(Machine {
            header: config.to_string(),
            bytes: u64::from(config.ram_frames()) * FRAME_BYTES,
        })
    }

    /// The machine that `request` boots; `None` if it is for the one that runs.
    fn booted_by(request: &Request) -> Result<Option<Machine>, String> {
        match request {
            Request::Open { header } => Machine::described_by(header).map(Some),
            Request::Replay { log, .. } => {
                // The header can only be in the first line; the others may be many.
                let first = log.split(|byte| *byte == b'\n').next().unwrap_or_default();
                Machine::described_by(log::parse(first).header).map(Some)
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin_passes(origin: &str, host: &str, allowed: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, origin.parse().expect("a header value"));
        headers.insert(header::HOST, host.parse().expect("a header value"));
        let allowed: Vec<String> = allowed.iter().map(|origin| (*origin).to_owned()).collect();
        check_origin(&headers, &allowed).is_ok()
    }

    #[test]
    fn only_own_and_allowed_origins_pass() {
        assert!(origin_passes(
            "http://127.0.0.1:8080",
            "127.0.0.1:8080",
            &[]
        ));
        assert!(origin_passes("https://Lab.example", "lab.example", &[]));
        assert!(origin_passes(
            "https://lab.example",
            "127.0.0.1:8080",
            &["https://lab.example"]
        ));
        assert!(!origin_passes(
            "http://127.0.0.1:9090",
            "127.0.0.1:8080",
            &[]
        ));
        assert!(!origin_passes("https://evil.example", "lab.example", &[]));
        assert!(!origin_passes(
            "https://lab.example.evil.example",
            "lab.example",
            &[]
        ));
        assert!(!origin_passes(
            "null",
            "lab.example",
            &["https://lab.example"]
        ));
        assert!(check_origin(&HeaderMap::new(), &[]).is_ok());
    }

    #[test]
    fn a_request_boots_the_machine_that_it_describes() {
        let mib_of = |request: Request| {
            let machine = Machine::booted_by(&request)?;
            Ok::<_, String>(machine.map(|machine| machine.bytes >> 20))
        };
        let open = |header: &str| Request::Open {
            header: header.to_owned(),
        };
        let replay = |log: &str| Request::Replay {
            log: log.into(),
            each_line: false,
        };
        assert_eq!(mib_of(open("nodes=2 mem=8M")), Ok(Some(8)));
        assert_eq!(mib_of(replay("mem=8M cpus=2\r\nls\n")), Ok(Some(8)));
        assert_eq!(mib_of(replay("ls\nmem=8M\n")), mib_of(open("")));
        assert_eq!(mib_of(replay("")), mib_of(open("")));
        assert_eq!(mib_of(Request::State), Ok(None));
        assert!(mib_of(open("mem=lots")).is_err());
        assert!(mib_of(replay("mem=lots\nls")).is_err());
    }

    #[test]
    fn reasons_fit_into_a_close_frame() {
        for ending in [
            Ending::ClientLeft,
            Ending::MachineOff,
            Ending::Idle,
            Ending::MessageTooLong,
            Ending::NotReading,
            Ending::KernelGone,
            Ending::ServerStops,
            Ending::LiveOver,
            Ending::AnotherPublishes,
        ] {
            assert!(ending.to_string().len() <= REASON_MAX, "{ending}");
        }
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"é".repeat(100)), "é".repeat(61));
    }
}
