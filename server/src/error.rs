//! What goes wrong, in two kinds: at the start, told to whoever typed the command, and later, told
//! to a client over HTTP. Both are sentences; causes that only the operator can use go to the log.

use std::any::Any;
use std::path::PathBuf;
use std::{fmt, io};

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use labs::protocol::Host;
use serde::Serialize;

/// Why the server cannot start.
#[derive(Debug)]
pub enum StartError {
    /// Nobody can listen at `addr`, or this process may not.
    Bind {
        /// The address as it was given.
        addr: String,
        /// What the system said.
        source: io::Error,
    },
    /// The folder `dist` does not hold a built page.
    NoPage {
        /// The folder as it was given.
        dist: PathBuf,
    },
    /// There is no boot image at this path.
    NoBootImage(PathBuf),
    /// There is no such QEMU program.
    NoQemu(PathBuf),
    /// The signals that stop the server cannot be caught.
    Signals(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Bind { addr, source } => match source.kind() {
                io::ErrorKind::AddrInUse => {
                    write!(
                        f,
                        "the address {addr} is taken by another program; choose another with --addr"
                    )
                }
                io::ErrorKind::PermissionDenied => {
                    write!(
                        f,
                        "this user may not listen on {addr}; choose a port from 1024 on"
                    )
                }
                _ => write!(f, "cannot listen on {addr}: {source}"),
            },
            StartError::NoPage { dist } => write!(
                f,
                "{} has no index.html; build the page with `cargo xtask dist`, or name its folder \
                 with --dist",
                dist.display()
            ),
            StartError::NoBootImage(path) => {
                write!(f, "there is no boot image at {}", path.display())
            }
            StartError::Signals(error) => write!(f, "cannot catch signals: {error}"),
            StartError::NoQemu(program) => write!(
                f,
                "there is no program {}; install QEMU (Debian: qemu-system-x86), or name it with \
                 --qemu",
                program.display()
            ),
        }
    }
}

impl std::error::Error for StartError {}

/// Why a request over HTTP was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiError {
    /// The API has no such path.
    NoSuchPath,
    /// This server was started without such kernels.
    NoSuchHost(Host),
    /// A page of another site asked for a session.
    ForeignOrigin(String),
    /// All places of this host are taken.
    Full {
        /// The host.
        host: Host,
        /// How many places it has.
        places: u64,
    },
    /// The server is going down.
    Stopping,
    /// A session's address was asked for as if it were a document.
    NotAWebSocket,
    /// A handler panicked.
    Panicked,
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            ApiError::NoSuchPath | ApiError::NoSuchHost(_) => StatusCode::NOT_FOUND,
            ApiError::ForeignOrigin(_) => StatusCode::FORBIDDEN,
            ApiError::Full { .. } | ApiError::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            ApiError::NotAWebSocket => StatusCode::UPGRADE_REQUIRED,
            ApiError::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApiError::NoSuchPath => write!(f, "this server has nothing at that address"),
            ApiError::NoSuchHost(host) => {
                write!(
                    f,
                    "this server was started without {} sessions",
                    host.name()
                )
            }
            ApiError::ForeignOrigin(origin) => {
                write!(f, "pages of {origin} may not open sessions on this server")
            }
            ApiError::Full { host, places } => {
                let host = host.name();
                write!(
                    f,
                    "all {places} {host} sessions of this server are in use; try again later"
                )
            }
            ApiError::Stopping => write!(f, "this server is stopping"),
            ApiError::NotAWebSocket => write!(f, "this address takes WebSocket connections only"),
            ApiError::Panicked => write!(f, "the server failed at this request; see its log"),
        }
    }
}

impl std::error::Error for ApiError {}

/// The body of every refusal: `{"error": "a sentence"}`.
#[derive(Serialize)]
struct Body {
    error: String,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (
            self.status(),
            Json(Body {
                error: self.to_string(),
            }),
        )
            .into_response();
        let headers = response.headers_mut();
        match self {
            ApiError::Full { .. } | ApiError::Stopping => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
            }
            ApiError::NotAWebSocket => {
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            }
            _ => {}
        }
        response
    }
}

/// What a panic said.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}
