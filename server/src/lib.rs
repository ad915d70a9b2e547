//! The lab server: the page's files, and kernels for those whose browser should not run one.
//!
//! The page needs no server to work; this one adds two hosts. A *native* session is a kernel in
//! this process, a *QEMU* session is a booted machine. Both speak `labs::protocol` over a
//! WebSocket, one binary message a request and one a response, so the page cannot tell them from
//! its own worker. See [`session`] for how a connection and a kernel are tied together, [`limits`]
//! for what a client may use up, [`assets`] for the files, [`listener`] for the socket, and `live` for
//! sessions that others follow.
//!
//! Of a session the server keeps nothing: it is its input log, which the page has. Whatever ends a
//! session, the page can open another one and replay. What it does keep is what a class hands in,
//! and logs that links point to: see [`class`], [`links`], and [`store`] for how.

pub mod assets;
pub mod backup;
pub mod class;
pub mod clock;
pub mod config;
pub mod demo;
pub mod error;
mod extract;
pub mod grading;
pub mod keys;
pub mod limits;
pub mod links;
pub mod listener;
mod live;
pub mod session;
mod shelf;
pub mod store;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
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
use tracing::{Level, debug_span, info, info_span};

use assets::Hardening;
use class::Labs;
pub use config::Config;
use config::find_program;
pub use error::{ApiError, StartError};
use grading::Graders;
use keys::Keys;
use limits::{Lease, Limits, MemoryShare, Pool};
pub use listener::{bind, serve};
use live::Lives;
use store::{Place, Store};

/// The running server's state, shared by all requests.
#[derive(Debug)]
pub struct App {
    config: Config,
    native_places: Arc<Pool>,
    guest_places: Arc<Pool>,
    memory: Arc<Pool>,
    live_places: Arc<Pool>,
    follower_places: Arc<Pool>,
    lives: Arc<Lives>,
    /// True once the server stops. Every connection and session holds a receiver until its end, so
    /// the channel closes when the last one is gone.
    stopping: watch::Sender<bool>,
    last_session: AtomicU64,
    uploads: Arc<Pool>,
    labs: Labs,
    store: Store,
    keys: Keys,
    graders: Graders,
    /// Submissions that were refused since the start.
    refused: AtomicU64,
}

impl App {
    /// The state of a server that is about to start. Makes the data folder if it is not there.
    ///
    /// # Errors
    /// When a file that `config` names is not there, or the data folder or the database cannot be
    /// used.
    pub async fn new(config: Config) -> Result<Arc<App>, StartError> {
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
        let keys = open_data(&config)?;
        let place = match &config.database {
            Some(url) => Place::Postgres(url.0.clone()),
            None => Place::File(config.data.join(store::FILE)),
        };
        let store = Store::open(&place)
            .await
            .map_err(|source| StartError::Store {
                place: place.to_string(),
                source,
            })?;
        info!(database = %place, "submissions and links are kept");
        let Limits {
            graders,
            grading_queue,
            ..
        } = config.limits;
        let graders = Graders::start(graders, grading_queue, config.grader);
        Ok(Arc::new(App {
            uploads: Pool::new(config.limits.uploads),
            labs: Labs::of(&config.dist),
            store,
            keys,
            graders: graders.map_err(StartError::NoThread)?,
            refused: AtomicU64::new(0),
            native_places: Pool::new(config.limits.sessions),
            guest_places: Pool::new(config.limits.guests),
            memory: Pool::new(config.limits.total_bytes),
            live_places: Pool::new(config.limits.live_sessions),
            follower_places: Pool::new(config.limits.followers),
            lives: Arc::default(),
            stopping: watch::Sender::new(false),
            last_session: AtomicU64::new(0),
            config,
        }))
    }

    /// Everything this server answers, as a service that needs no socket.
    pub fn router(self: &Arc<App>) -> Router {
        let hardening = Hardening::new(&self.config.embedders);
        let api = Router::new()
            .merge(class::router())
            .merge(links::router())
            .merge(live::router())
            .route("/hosts", get(hosts))
            .route("/session/native", any(session::native))
            .route("/session/qemu", any(session::qemu))
            .fallback(async || ApiError::NoSuchPath)
            .method_not_allowed_fallback(async || ApiError::NoSuchMethod);
        let around_all = ServiceBuilder::new()
            .set_x_request_id(CountRequests::default())
            .layer(
                TraceLayer::new_for_http()
                    .make_span_with(|request: &Request<_>| {
                        let id = request.extensions().get::<RequestId>();
                        let id = id.and_then(|id| id.header_value().to_str().ok());
                        // Without the parameters: a student's key may be among them.
                        let path = request.uri().path();
                        // Files are asked for most and say least.
                        if path.starts_with("/api/") {
                            info_span!("request", id, method = %request.method(), path)
                        } else {
                            debug_span!("request", id, method = %request.method(), path)
                        }
                    })
                    .on_request(DefaultOnRequest::new().level(Level::TRACE))
                    .on_response(
                        DefaultOnResponse::new()
                            .level(Level::DEBUG)
                            .latency_unit(LatencyUnit::Micros),
                    ),
            )
            .propagate_x_request_id()
            .map_response(move |response| hardening.harden(response))
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

    /// Takes a place for a live session.
    fn take_live_place(&self) -> Result<Lease, ApiError> {
        let places = &self.live_places;
        places.take(1).ok_or(ApiError::LiveSessionsFull {
            places: places.capacity(),
        })
    }

    /// Takes a place for one who follows.
    fn take_follower_place(&self) -> Result<Lease, ApiError> {
        let places = &self.follower_places;
        places.take(1).ok_or(ApiError::FollowersFull {
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

/// Makes the data folder if need be, for its owner only, and reads the keys in it.
fn open_data(config: &Config) -> Result<Keys, StartError> {
    let data = &config.data;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|source| StartError::Data {
        path: data.clone(),
        source,
    })?;
    let keys = Keys::open(data, &config.teacher_key);
    let keys = keys.map_err(|(path, source)| StartError::Data { path, source })?;
    if let Some(file) = keys.teacher_file() {
        info!(file = %file.display(), "the teacher's key is in this file");
    }
    Ok(keys)
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
    live_sessions: Use,
    followers: Use,
    /// Submissions that wait for a grader.
    grading_queue: Use,
    uploads: Use,
    /// Submissions that were refused since the start.
    refused_submissions: u64,
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
        live_sessions: Use::from(&app.live_places),
        followers: Use::from(&app.follower_places),
        grading_queue: Use {
            used: app.graders.waiting() as u64,
            of: app.graders.queue() as u64,
        },
        uploads: Use::from(&app.uploads),
        refused_submissions: app.refused.load(Ordering::Relaxed),
    };
    never_cached(Json(health).into_response()).await
}

/// Forbids to keep an answer, unless it says itself for how long it holds.
async fn never_cached(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let caching = headers.entry(header::CACHE_CONTROL);
    caching.or_insert(HeaderValue::from_static("no-store"));
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
