//! What goes wrong, in two kinds: at the start, told to whoever typed the command, and later, told
//! to a client over HTTP. Both are sentences; causes that only the operator can use go to the log.

use std::any::Any;
use std::path::PathBuf;
use std::{fmt, io};

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use labs::grade::Refusal;
use labs::protocol::Host;
use serde::Serialize;
use tracing::error;

use crate::grading::GradingError;
use crate::limits::Size;
use crate::store::{KeepError, StoreError};

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
    /// A file or folder of the data folder cannot be read or made.
    Data {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database cannot be opened.
    Store {
        /// Where it is, without passwords.
        place: String,
        /// What the database said.
        source: StoreError,
    },
    /// The system gives no thread for grading.
    NoThread(io::Error),
    /// A demo class was to be put into a data folder where somebody has handed in already.
    NotFresh(PathBuf),
    /// A copy of a database that is not ours to copy was asked for.
    ForeignDatabase,
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
            StartError::Data { path, source } => {
                write!(f, "cannot use {}: {source}", path.display())
            }
            StartError::Store { place, source } => {
                write!(f, "cannot open the database {place}: {source}")
            }
            StartError::NotFresh(data) => write!(
                f,
                "{} holds submissions already: a demo class wants a new folder, named with --data",
                data.display()
            ),
            StartError::ForeignDatabase => f.write_str(
                "PostgreSQL copies its databases itself: use pg_dump, and keep the data folder's \
                 files `secret` and `teacher-key` beside the dump",
            ),
            StartError::NoThread(error) => write!(f, "no thread for grading: {error}"),
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

/// What the server keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A log that a link points to.
    Link,
    /// A submission.
    Submission,
}

/// Why a request over HTTP was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiError {
    /// The API has no such path.
    NoSuchPath,
    /// The API has the path, for another method.
    NoSuchMethod,
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
    /// What was sent makes no sense; a sentence that says what.
    BadRequest(String),
    /// The body is longer than this address takes, in bytes.
    TooLarge {
        /// How long it may be.
        max: usize,
    },
    /// The body did not arrive.
    Unfinished,
    /// Only the teacher may do this.
    TeacherOnly,
    /// The key that came is not this student's.
    WrongKey {
        /// Who was named.
        student: String,
    },
    /// No key came, and this server wants one.
    NoKey,
    /// There is no lab of this name.
    NoSuchLab(String),
    /// There is no such submission.
    NoSuchSubmission,
    /// There is no such link.
    NoSuchLink,
    /// There is no live session of this name, or it is over.
    NoSuchLiveSession,
    /// All places for live sessions are taken.
    LiveSessionsFull {
        /// How many there are.
        places: u64,
    },
    /// All places for those who follow live sessions are taken.
    FollowersFull {
        /// How many there are.
        places: u64,
    },
    /// A submission was graded with an earlier version of its lab.
    OldGrade {
        /// The grade's version.
        graded: u32,
        /// The lab's.
        now: u32,
    },
    /// A submission that is not graded.
    Refused(Refusal),
    /// Too many submissions wait for their grade.
    GradersBusy,
    /// Too many bodies are on their way.
    UploadsBusy,
    /// Grading this submission failed.
    GradingFailed,
    /// The student has handed in as often as one may.
    TooManyAttempts {
        /// How often that is.
        max: u64,
    },
    /// All of a kind together have as many bytes as they may.
    StoreFull {
        /// Which kind.
        kind: Kind,
        /// Bytes in use.
        used: u64,
        /// Bytes that may be in use.
        max: u64,
    },
    /// The database failed, or a file that the server needs; the log says how.
    OutOfOrder,
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            ApiError::NoSuchPath
            | ApiError::NoSuchHost(_)
            | ApiError::NoSuchLab(_)
            | ApiError::NoSuchSubmission
            | ApiError::NoSuchLink
            | ApiError::NoSuchLiveSession => StatusCode::NOT_FOUND,
            ApiError::ForeignOrigin(_) => StatusCode::FORBIDDEN,
            ApiError::Full { .. }
            | ApiError::LiveSessionsFull { .. }
            | ApiError::FollowersFull { .. }
            | ApiError::Stopping
            | ApiError::GradersBusy
            | ApiError::UploadsBusy => StatusCode::SERVICE_UNAVAILABLE,
            ApiError::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            ApiError::NotAWebSocket => StatusCode::UPGRADE_REQUIRED,
            ApiError::Panicked | ApiError::GradingFailed | ApiError::OutOfOrder => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            ApiError::OldGrade { .. } => StatusCode::CONFLICT,
            ApiError::BadRequest(_) => StatusCode::BAD_REQUEST,
            ApiError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::Unfinished => StatusCode::REQUEST_TIMEOUT,
            ApiError::TeacherOnly | ApiError::WrongKey { .. } | ApiError::NoKey => {
                StatusCode::UNAUTHORIZED
            }
            ApiError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ApiError::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            ApiError::StoreFull { .. } => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    /// A short fixed name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            ApiError::NoSuchPath => "no-such-path",
            ApiError::NoSuchMethod => "no-such-method",
            ApiError::NoSuchHost(_) => "no-such-host",
            ApiError::ForeignOrigin(_) => "foreign-origin",
            ApiError::Full { .. } => "sessions-full",
            ApiError::Stopping => "stopping",
            ApiError::NotAWebSocket => "not-a-websocket",
            ApiError::Panicked => "panicked",
            ApiError::BadRequest(_) => "bad-request",
            ApiError::TooLarge { .. } => "too-large",
            ApiError::Unfinished => "unfinished",
            ApiError::TeacherOnly => "teacher-only",
            ApiError::WrongKey { .. } => "wrong-key",
            ApiError::NoKey => "no-key",
            ApiError::NoSuchLab(_) => "no-such-lab",
            ApiError::NoSuchSubmission => "no-such-submission",
            ApiError::NoSuchLink => "no-such-link",
            ApiError::NoSuchLiveSession => "no-such-live-session",
            ApiError::LiveSessionsFull { .. } => "live-sessions-full",
            ApiError::FollowersFull { .. } => "followers-full",
            ApiError::OldGrade { .. } => "old-grade",
            ApiError::Refused(refusal) => refusal.code(),
            ApiError::GradersBusy => "graders-busy",
            ApiError::UploadsBusy => "uploads-busy",
            ApiError::GradingFailed => "grading-failed",
            ApiError::TooManyAttempts { .. } => "too-many-attempts",
            ApiError::StoreFull { kind, .. } => match kind {
                Kind::Link => "links-full",
                Kind::Submission => "submissions-full",
            },
            ApiError::OutOfOrder => "out-of-order",
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(cause: StoreError) -> ApiError {
        error!(%cause, "the database failed");
        ApiError::OutOfOrder
    }
}

impl From<GradingError> for ApiError {
    fn from(error: GradingError) -> ApiError {
        match error {
            GradingError::Refused(refusal) => ApiError::Refused(refusal),
            GradingError::Busy => ApiError::GradersBusy,
            GradingError::Panicked => ApiError::GradingFailed,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApiError::NoSuchPath => write!(f, "this server has nothing at that address"),
            ApiError::NoSuchMethod => write!(f, "this address is for another method"),
            ApiError::NoSuchHost(host) => {
                write!(
                    f,
                    "this server was started without {} sessions",
                    host.name()
                )
            }
            ApiError::ForeignOrigin(origin) => {
                write!(f, "pages of {origin} may not use this server")
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
            ApiError::BadRequest(what) => f.write_str(what),
            ApiError::TooLarge { max } => {
                write!(f, "this is too long; at most {max} bytes are taken here")
            }
            ApiError::Unfinished => write!(f, "the rest of the request did not come"),
            ApiError::TeacherOnly => write!(
                f,
                "this is for the teacher: it needs the header `Authorization: Bearer` with the \
                 teacher's key"
            ),
            ApiError::WrongKey { student } => {
                write!(f, "the key that came along is not the one of {student}")
            }
            ApiError::NoKey => write!(
                f,
                "this server takes submissions with a key only: open the lab by the link that \
                 your teacher gave you"
            ),
            ApiError::NoSuchLab(lab) => write!(f, "this server has no lab '{lab}'"),
            ApiError::NoSuchSubmission => write!(f, "this server has no such submission"),
            ApiError::NoSuchLink => write!(
                f,
                "this server has no such session: the link is damaged, or was made on another server"
            ),
            ApiError::NoSuchLiveSession => write!(
                f,
                "there is no such live session: it is over, or the link is damaged"
            ),
            ApiError::LiveSessionsFull { places } => write!(
                f,
                "all {places} places for live sessions are taken on this server; try again later"
            ),
            ApiError::FollowersFull { places } => write!(
                f,
                "{places} already follow live sessions on this server, which is as many as may; \
                 try again later"
            ),
            ApiError::OldGrade { graded, now } => write!(
                f,
                "this was graded with version {graded} of the lab, which is now at version {now} and \
                 asks for other things; grades.csv still has its score"
            ),
            ApiError::Refused(refusal) => refusal.fmt(f),
            ApiError::GradersBusy => {
                write!(f, "many hand in right now; try again in a few seconds")
            }
            ApiError::UploadsBusy => {
                write!(f, "many are sending right now; try again in a few seconds")
            }
            ApiError::GradingFailed => write!(
                f,
                "grading this submission failed, and it was not stored; the server's log says why"
            ),
            ApiError::TooManyAttempts { max } => write!(
                f,
                "you have handed this lab in {max} times, which is as often as one may; ask your \
                 teacher"
            ),
            ApiError::StoreFull { kind, used, max } => {
                let (used, max) = (Size(*used), Size(*max));
                match kind {
                    Kind::Link => write!(
                        f,
                        "there is no room for more links: they take {used} of this server's {max}; \
                         export the session as a file instead"
                    ),
                    Kind::Submission => write!(
                        f,
                        "there is no room for more submissions: they take {used} of this server's \
                         {max}; save the log and tell your teacher"
                    ),
                }
            }
            ApiError::OutOfOrder => {
                write!(
                    f,
                    "the server is out of order and stored nothing; its log says why"
                )
            }
        }
    }
}

impl std::error::Error for ApiError {}

/// The body of every refusal: `{"error": "a sentence", "code": "a-name"}`.
#[derive(Serialize)]
struct Body {
    error: String,
    code: &'static str,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (
            self.status(),
            Json(Body {
                error: self.to_string(),
                code: self.code(),
            }),
        )
            .into_response();
        let headers = response.headers_mut();
        match self {
            ApiError::Full { .. }
            | ApiError::LiveSessionsFull { .. }
            | ApiError::FollowersFull { .. }
            | ApiError::Stopping => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
            }
            ApiError::GradersBusy | ApiError::UploadsBusy => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            ApiError::TeacherOnly | ApiError::WrongKey { .. } | ApiError::NoKey => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
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

impl ApiError {
    /// What a client hears when something was not kept; `max` is what all of its kind may have.
    pub(crate) fn not_kept(kind: Kind, error: KeepError, max: u64) -> ApiError {
        match error {
            KeepError::Full { used } => ApiError::StoreFull { kind, used, max },
            KeepError::Store(error) => ApiError::from(error),
        }
    }
}

/// What a panic said.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}
