//! Live sessions: one page publishes what it runs, many follow.
//!
//! The kernel of a live session is the publisher's: in her browser, on this server, or on a guest of it. What
//! she runs is a log, and every follower's page runs it again; so the server knows nothing of kernels here.
//! It takes [`News`] from one socket ([`publish`]) and hands the very bytes that came to all others
//! ([`follow`]): one allocation, shared, however many follow. See [`labs::follow`] for what they say.
//!
//! **Nobody waits for a slow follower.** News go into a ring of [`RING`] messages, from which each follower
//! reads at her own pace; whoever is overtaken gets the session from its beginning instead, as a late
//! comer does, in parts that are encoded once for all ([`Live::join`]). So a follower costs a place in the ring
//! and the one message that is being written to her.
//!
//! **Nothing is stored.** Who holds the key of a session may publish it, and the key is an HMAC of the name:
//! after a restart of the server, the publisher's page comes back and the session goes on.

pub(crate) mod follow;
pub(crate) mod publish;
mod pulse;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{any, post};
use labs::follow::{News, Shown};
use labs::protocol::encode;
use tokio::sync::{broadcast, watch};
use tokio::time::sleep;
use tracing::info;

use crate::App;
use crate::error::ApiError;
use crate::extract::{Id, Teacher};
use crate::limits::Lease;

/// So many messages wait for followers before the oldest is dropped.
const RING: usize = 64;

/// Longer messages do not wait in the ring: followers fetch the session anew.
const RING_MESSAGE_MAX: usize = 64 << 10;

/// The addresses of live sessions, below `/api`.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/live", post(publish::announce))
        .route("/live/{id}", any(follow::follow).delete(end))
        .route("/live/{id}/publish", any(publish::publish))
}

/// `DELETE /api/live/{id}`: the teacher ends a live session, whoever publishes it. Its publisher could begin
/// it again.
async fn end(_: Teacher, State(app): State<Arc<App>>, Id(id): Id) -> Result<StatusCode, ApiError> {
    let live = app.lives.find(&id).ok_or(ApiError::NoSuchLiveSession)?;
    live.end("it was ended by this server's teacher");
    Ok(StatusCode::NO_CONTENT)
}

/// The live sessions of a server.
#[derive(Debug, Default)]
pub struct Lives(Mutex<HashMap<String, Arc<Live>>>);

impl Lives {
    /// The session that is called so, if it is live.
    pub fn find(&self, id: &str) -> Option<Arc<Live>> {
        lock(&self.0).get(id).cloned()
    }

    /// The session that is called so; begins one that stands at `shown`, with the place that `place` gives, if
    /// there is none.
    fn find_or_begin(
        self: &Arc<Lives>,
        id: &str,
        shown: Shown,
        place: impl FnOnce() -> Result<Lease, ApiError>,
    ) -> Result<Arc<Live>, ApiError> {
        let mut lives = lock(&self.0);
        if let Some(live) = lives.get(id) {
            return Ok(Arc::clone(live));
        }
        let live = Arc::new(Live {
            id: id.to_owned(),
            lives: Arc::downgrade(self),
            now: Mutex::new(Now {
                shown,
                is_on_air: true,
                ring: Some(broadcast::Sender::new(RING)),
                ..Now::default()
            }),
            followers: AtomicU64::new(0),
            publisher: watch::Sender::new(0),
            _place: place()?,
        });
        lives.insert(id.to_owned(), Arc::clone(&live));
        Ok(live)
    }
}

/// What travels through the ring.
#[derive(Debug, Clone)]
pub enum Item {
    /// An encoded [`News`].
    News(Bytes),
    /// Something that is too large for the ring: [`Live::join`] again.
    Anew,
}

/// A live session.
#[derive(Debug)]
pub struct Live {
    id: String,
    lives: Weak<Lives>,
    now: Mutex<Now>,
    followers: AtomicU64,
    /// The number of who publishes it. A page that comes back is a new one, and the old one leaves.
    publisher: watch::Sender<u64>,
    /// Its place among the server's live sessions.
    _place: Lease,
}

/// Where a live session stands.
#[derive(Debug, Default)]
struct Now {
    shown: Shown,
    /// There is a publisher.
    is_on_air: bool,
    /// The way to the followers, until the session is over.
    ring: Option<broadcast::Sender<Item>>,
    /// Why it is over.
    why_over: String,
    /// [`Live::join`]'s parts, until something changes.
    parts: Option<Arc<[Bytes]>>,
}

/// What a follower begins with: the session so far, and what comes next.
pub(crate) struct Joined {
    /// Encoded [`News`].
    pub parts: Arc<[Bytes]>,
    /// `None` if the session is over.
    pub next: Option<broadcast::Receiver<Item>>,
}

impl Live {
    /// The session from its beginning and all that follows, without a gap.
    pub(crate) fn join(&self) -> Joined {
        let mut now = lock(&self.now);
        let next = now.ring.as_ref().map(broadcast::Sender::subscribe);
        let parts = match &now.parts {
            Some(parts) => Arc::clone(parts),
            None => {
                let mut news = now.shown.parts();
                if next.is_none() {
                    let why = now.why_over.clone();
                    news.push(News::Ended { why });
                } else if !now.is_on_air {
                    news.push(News::Away);
                }
                let parts: Arc<[Bytes]> = news.iter().map(|news| encode(news).into()).collect();
                now.parts = Some(Arc::clone(&parts));
                parts
            }
        };
        Joined { parts, next }
    }

    /// Takes in `news`, whose encoding is `bytes`, and tells the followers.
    ///
    /// # Errors
    /// A sentence for the publisher, if the news make no sense; the followers are not told then.
    fn tell(&self, news: &News, bytes: Bytes) -> Result<(), String> {
        if let News::Ended { why } = news {
            self.end(why);
            return Ok(());
        }
        let mut now = lock(&self.now);
        let Some(ring) = now.ring.clone() else {
            return Ok(());
        };
        now.shown.apply(news)?;
        now.is_on_air = *news != News::Away;
        now.parts = None;
        let item = if bytes.len() > RING_MESSAGE_MAX {
            Item::Anew
        } else {
            Item::News(bytes)
        };
        // Nobody may be listening. Sent under the lock, so that who joins misses nothing.
        ring.send(item).ok();
        Ok(())
    }

    /// Ends the session; the followers are told why.
    fn end(&self, why: &str) {
        let mut now = lock(&self.now);
        let Some(ring) = now.ring.take() else {
            return;
        };
        now.why_over = why.to_owned();
        now.parts = None;
        let news = encode(&News::Ended {
            why: why.to_owned(),
        });
        // The last there is: with its sender gone, the ring closes behind it.
        ring.send(Item::News(news.into())).ok();
        drop(now);
        if let Some(lives) = self.lives.upgrade() {
            lock(&lives.0).remove(&self.id);
        }
        // The publisher leaves too.
        self.publisher.send_modify(|number| *number += 1);
        info!(live = self.id, why, "a live session is over");
    }

    fn is_over(&self) -> bool {
        lock(&self.now).ring.is_none()
    }

    /// How many follow.
    pub fn followers(&self) -> u64 {
        self.followers.load(Ordering::Relaxed)
    }

    /// Makes the caller the publisher, and gives it its number.
    fn begin_to_publish(&self) -> u64 {
        let mut mine = 0;
        self.publisher.send_modify(|number| {
            *number += 1;
            mine = *number;
        });
        mine
    }

    /// The publisher of this number is gone. If no other comes within the grace, the session is over.
    fn publisher_left(self: &Arc<Live>, number: u64, app: &Arc<App>) {
        if *self.publisher.borrow() != number || self.is_over() {
            return;
        }
        let away = News::Away;
        if self.tell(&away, encode(&away).into()).is_err() {
            return;
        }
        let (live, grace) = (Arc::clone(self), app.config.limits.live_away);
        let mut stopping = app.stopping.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                () = sleep(grace) => {}
                () = crate::session::stopped(&mut stopping) => return,
            }
            if *live.publisher.borrow() == number {
                live.end("who shared it has left");
            }
        });
    }
}

/// A lock that a panic elsewhere does not take away: what it guards is whole between any two statements that
/// can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
