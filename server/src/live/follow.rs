//! The followers' end of a live session: the session so far, then the news.
//!
//! A follower only listens. Messages that have gathered go out in one write, so when many lines come at
//! once, or the machine is busy, a follower costs fewer system calls rather than more time.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use futures_util::SinkExt;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};
use tokio::time::{Duration, timeout};
use tracing::debug;

use super::pulse::Pulse;
use super::{Item, Joined, Live};
use crate::App;
use crate::error::ApiError;
use crate::extract::Id;
use crate::limits::{Lease, Limits};
use crate::session::{Ending, check_origin, close, stopped};

/// A follower is sent at most so many messages in one write.
const BATCH: usize = 32;

/// A follower has nothing to say but the answer to a ping.
const FOLLOWER_SAYS_MAX: usize = 1024;

/// What is read of a follower at a time. The buffer is there as long as the connection is.
const FOLLOWER_READ: usize = 256;

/// What gathers before it is written to the connection.
const FOLLOWER_WRITE: usize = 4096;

/// One who follows, counted while alive.
struct Follower {
    live: Arc<Live>,
    _place: Lease,
}

impl Follower {
    fn new(live: Arc<Live>, place: Lease) -> Follower {
        live.followers.fetch_add(1, Ordering::Relaxed);
        Follower {
            live,
            _place: place,
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.live.followers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `GET /api/live/{id}`: the session so far, then what happens to it.
pub async fn follow(
    State(app): State<Arc<App>>,
    Id(id): Id,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    check_origin(&headers, &app.config.allowed_origins)?;
    let mut stopping = app.stopping.subscribe();
    if *stopping.borrow() {
        return Err(ApiError::Stopping);
    }
    let live = app.lives.find(&id).ok_or(ApiError::NoSuchLiveSession)?;
    let follower = Follower::new(live, app.take_follower_place()?);
    let upgrade = upgrade.map_err(|_| ApiError::NotAWebSocket)?;
    let upgrade = upgrade
        .max_message_size(FOLLOWER_SAYS_MAX)
        .max_frame_size(FOLLOWER_SAYS_MAX)
        .read_buffer_size(FOLLOWER_READ)
        .write_buffer_size(FOLLOWER_WRITE);
    Ok(upgrade.on_upgrade(async move |mut socket| {
        let ending = send_news(
            &follower.live,
            &mut socket,
            &app.config.limits,
            &mut stopping,
        )
        .await;
        // The place is free at once; a farewell may take a while.
        drop(follower);
        debug!(%ending, live = id, "a follower has gone");
        if ending != Ending::ClientLeft {
            close(socket, &ending).await;
        }
    }))
}

async fn send_news(
    live: &Live,
    socket: &mut WebSocket,
    limits: &Limits,
    stopping: &mut watch::Receiver<bool>,
) -> Ending {
    let mut next = match within(limits.answer, begin(live, socket)).await {
        Ok(Some(next)) => next,
        Ok(None) => return Ending::LiveOver,
        Err(ending) => return ending,
    };
    let mut pulse = Pulse::every(limits.quiet);
    loop {
        let sent = tokio::select! {
            item = next.recv() => {
                within(limits.answer, write(live, socket, &mut next, item)).await
            }
            message = socket.recv() => match message {
                None | Some(Ok(Message::Close(_)) | Err(_)) => return Ending::ClientLeft,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                    pulse.felt();
                    continue;
                }
                Some(Ok(Message::Text(_) | Message::Binary(_))) => {
                    return Ending::Refused("a follower only listens".to_owned());
                }
            },
            is_alive = pulse.next() => {
                if !is_alive {
                    return Ending::ClientLeft;
                }
                within(limits.answer, ping(socket)).await
            }
            () = stopped(stopping) => return Ending::ServerStops,
        };
        match sent {
            Ok(Some(())) => {}
            Ok(None) => return Ending::LiveOver,
            Err(ending) => return ending,
        }
    }
}

/// What comes next in the ring.
type Next = broadcast::Receiver<Item>;

/// Whether something was sent; `None` means that it was the last.
type Sent<T> = Result<Option<T>, axum::Error>;

/// Sends the session so far.
async fn begin(live: &Live, socket: &mut WebSocket) -> Sent<Next> {
    let Joined { parts, next } = live.join();
    for part in parts.iter() {
        socket.feed(Message::Binary(part.clone())).await?;
    }
    socket.flush().await?;
    Ok(next)
}

/// Sends what was received, and in the same write what else has come by now. Whoever was overtaken gets the
/// session anew.
async fn write(
    live: &Live,
    socket: &mut WebSocket,
    next: &mut Next,
    first: Result<Item, RecvError>,
) -> Sent<()> {
    let mut received = first.map_err(|error| match error {
        RecvError::Closed => TryRecvError::Closed,
        RecvError::Lagged(by) => TryRecvError::Lagged(by),
    });
    for left in (0..BATCH).rev() {
        match received {
            Ok(Item::News(bytes)) => socket.feed(Message::Binary(bytes)).await?,
            Ok(Item::Anew) | Err(TryRecvError::Lagged(_)) => {
                let newer = begin(live, socket).await?;
                return Ok(newer.map(|newer| *next = newer));
            }
            Err(TryRecvError::Empty) => break,
            Err(TryRecvError::Closed) => {
                socket.flush().await?;
                return Ok(None);
            }
        }
        if left == 0 {
            break;
        }
        received = next.try_recv();
    }
    socket.flush().await?;
    Ok(Some(()))
}

async fn ping(socket: &mut WebSocket) -> Sent<()> {
    socket.send(Message::Ping(Bytes::new())).await?;
    Ok(Some(()))
}

/// Cuts off who does not take what is sent.
async fn within<T>(
    patience: Duration,
    sending: impl Future<Output = Sent<T>>,
) -> Result<Option<T>, Ending> {
    match timeout(patience, sending).await {
        Ok(Ok(sent)) => Ok(sent),
        Ok(Err(_)) => Err(Ending::ClientLeft),
        Err(_) => Err(Ending::NotReading),
    }
}
