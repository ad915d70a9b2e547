//! The lab server: the page's files, and kernels for those whose browser should not run one.
//!
//! The page needs no server to work; this one adds two hosts. A *native* session is a kernel in
//! this process, a *QEMU* session is a booted machine. Both speak `labs::protocol` over a
//! WebSocket, one binary message a request and one a response, so the page cannot tell them from
//! its own worker. See [`session`] for how a connection and a kernel are tied together, [`limits`]
//! for what a client may use up, [`assets`] for the files, and [`listener`] for the socket.
//!
//! The server keeps nothing: a session is its input log, which the page has. Whatever ends a
//! session, the page can open another one and replay.

pub mod assets;
pub mod config;
pub mod error;
pub mod limits;
pub mod listener;
pub mod session;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::{HeaderValue, Request, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use labs::protocol::Host;
use serde::Serialize;
use tokio::sync::watch;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestId, RequestId};
use tower_http::trace::{DefaultOnRequest, DefaultOnResponse, TraceLayer};
use tower_http::{LatencyUnit, ServiceBuilderExt};
use tracing::{Level, info_span};

pub use config::Config;
use config::find_program;
pub use error::{ApiError, StartError};
use limits::{Lease, MemoryShare, Pool};
pub use listener::{bind, serve};

/// The running server's state, shared by all requests.
#[derive(Debug)]
pub struct App {
    config: Config,
    native_places: Arc<Pool>,
    guest_places: Arc<Pool>,
    memory: Arc<Pool>,
    /// True once the server stops. Every connection and session holds a receiver until its end, so
    /// the channel closes when the last one is gone.
    stopping: watch::Sender<bool>,
    last_session: AtomicU64,
}

impl App {
    /// The state of a server that is about to start.
    ///
    /// # Errors
    /// When a file that `config` names is not there.
    pub fn new(config: Config) -> Result<Arc<App>, StartError> {
        if !config.dist.join("index.html").is_file() {
            return Err(StartError::NoPage { dist: config.dist });
        }
        if let Some(guest) = &config.guest {
            if !guest.boot_image.is_file() {
                return Err(StartError::NoBootImage(guest.boot_image.clone()));
            }
            if find_program(&guest.qemu).is_none() {
                return Err(StartError::NoQemu(guest.qemu.clone()));
            }
        }
        Ok(Arc::new(App {
            native_places: Pool::new(config.limits.sessions),
            guest_places: Pool::new(config.limits.guests),
            memory: Pool::new(config.limits.total_bytes),
            stopping: watch::Sender::new(false),
            last_session: AtomicU64::new(0),
            config,
        }))
    }

    /// Everything this server answers, as a service that needs no socket.
    pub fn router(self: &Arc<App>) -> Router {
        let api = Router::new()
            .route("/hosts", get(hosts))
            .route("/session/native", any(session::native))
            .route("/session/qemu", any(session::qemu))
            .fallback(async || ApiError::NoSuchPath);
        let around_all = ServiceBuilder::new()
            .set_x_request_id(CountRequests::default())
            .layer(
                TraceLayer::new_for_http()
                    .make_span_with(|request: &Request<_>| {
                        let id = request.extensions().get::<RequestId>();
                        let id = id.and_then(|id| id.header_value().to_str().ok());
                        info_span!("request", id, method = %request.method(), uri = %request.uri())
                    })
                    .on_request(DefaultOnRequest::new().level(Level::TRACE))
                    .on_response(
                        DefaultOnResponse::new()
                            .level(Level::DEBUG)
                            .latency_unit(LatencyUnit::Micros),
                    ),
            )
            .propagate_x_request_id()
            .map_response(assets::harden)
            .layer(CatchPanicLayer::custom(|_panic| {
                ApiError::Panicked.into_response()
            }));
        Router::new()
            .route("/healthz", get(health))
            .nest("/api", api.layer(map_response(never_cached)))
            .fallback_service(assets::service(&self.config.dist))
            .layer(around_all)
            .with_state(Arc::clone(self))
    }

    /// The hosts on which this server runs kernels.
    fn hosts(&self) -> Vec<Host> {
        let mut hosts = vec![Host::Native];
        hosts.extend(self.config.guest.as_ref().map(|_| Host::Qemu));
        hosts
    }

    /// Takes a place for one session.
    fn take_place(&self, host: Host) -> Result<Lease, ApiError> {
        let places = match host {
            Host::Native => &self.native_places,
            Host::Qemu if self.config.guest.is_some() => &self.guest_places,
            Host::Qemu | Host::Wasm => return Err(ApiError::NoSuchHost(host)),
        };
        places.take(1).ok_or(ApiError::Full {
            host,
            places: places.capacity(),
        })
    }

    /// A session's empty share of the machines' memory.
    fn memory_share(&self) -> MemoryShare {
        MemoryShare::new(Arc::clone(&self.memory), self.config.limits.machine_bytes)
    }

    fn next_session_id(&self) -> u64 {
        self.last_session.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// `GET /api/hosts`: the names of the hosts that this server offers.
async fn hosts(State(app): State<Arc<App>>) -> Json<Vec<&'static str>> {
    Json(app.hosts().into_iter().map(Host::name).collect())
}

/// What `/healthz` tells.
#[derive(Serialize)]
struct Health {
    status: &'static str,
    native_sessions: Use,
    qemu_sessions: Use,
    machine_bytes: Use,
}

/// How much of something is in use.
#[derive(Serialize)]
struct Use {
    used: u64,
    of: u64,
}

impl From<&Arc<Pool>> for Use {
    fn from(pool: &Arc<Pool>) -> Use {
        Use {
            used: pool.used(),
            of: pool.capacity(),
        }
    }
}

/// `GET /healthz`: the server lives, and how busy it is.
async fn health(State(app): State<Arc<App>>) -> Response {
    let health = Health {
        status: "ok",
        native_sessions: Use::from(&app.native_places),
        qemu_sessions: Use::from(&app.guest_places),
        machine_bytes: Use::from(&app.memory),
    };
    never_cached(Json(health).into_response()).await
}

async fn never_cached(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Numbers the requests, so that log lines about one can be found together.
#[derive(Debug, Clone, Default)]
struct CountRequests(Arc<AtomicU64>);

impl MakeRequestId for CountRequests {
    fn make_request_id<B>(&mut self, _request: &Request<B>) -> Option<RequestId> {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Some(RequestId::new(HeaderValue::from(number)))
    }
}
