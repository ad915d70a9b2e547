//! The publisher's end of a live session.
//!
//! `POST /api/live` makes two names: one to follow by, one to publish by. Nothing is kept of them; the
//! session begins when its publisher connects, and first says the key, then where the session stands.
//! A page that is loaded again, or whose network broke, does the same and takes over from itself.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use labs::follow::{NEWS_MAX, News, Notice, Shown};
use labs::protocol::{decode, encode};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Duration, Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tracing::{Instrument, info, info_span};

use super::Live;
use super::pulse::Pulse;
use crate::App;
use crate::error::ApiError;
use crate::extract::Id;
use crate::keys;
use crate::limits::Limits;
use crate::session::{Ending, SOCKET_READ, check_origin, close, stopped};

/// How often the publisher may be told how many follow.
const COUNT_EVERY: Duration = Duration::from_millis(500);

/// What a publisher hears that does otherwise.
const FIRST: &str = "a publisher begins with the whole session";

/// A publisher has so long to say its key, and again to begin.
const KEY_PATIENCE: Duration = Duration::from_secs(10);

/// The names of a session that may become live.
#[derive(Serialize)]
struct Announced {
    /// Whoever has it may follow.
    id: String,
    /// Whoever has it as well may publish.
    key: String,
}

/// `POST /api/live`: two names, of which nobody guesses either.
pub async fn announce(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check_origin(&headers, &app.config.allowed_origins)?;
    // A look, so that the page can say at once that there is no room.
    drop(app.take_live_place()?);
    let id = keys::random().map_err(|_| ApiError::OutOfOrder)?;
    let key = app.keys.live_key(&id);
    Ok((StatusCode::CREATED, Json(Announced { id, key })).into_response())
}

/// `GET /api/live/{id}/publish`: the way in for news.
pub async fn publish(
    State(app): State<Arc<App>>,
    Id(id): Id,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    check_origin(&headers, &app.config.allowed_origins)?;
    let stopping = app.stopping.subscribe();
    if *stopping.borrow() {
        return Err(ApiError::Stopping);
    }
    let upgrade = upgrade.map_err(|_| ApiError::NotAWebSocket)?;
    let upgrade = upgrade
        .max_message_size(NEWS_MAX)
        .max_frame_size(NEWS_MAX)
        .read_buffer_size(SOCKET_READ);
    let span = info_span!("publisher", live = id);
    let carry = async move |mut socket| {
        let mut stopping = stopping;
        let ending = converse(&app, &id, &mut socket, &mut stopping).await;
        info!(%ending, "closed");
        if ending != Ending::ClientLeft {
            close(socket, &ending).await;
        }
    };
    Ok(upgrade.on_upgrade(move |socket| carry(socket).instrument(span)))
}

async fn converse(
    app: &Arc<App>,
    id: &str,
    socket: &mut WebSocket,
    stopping: &mut watch::Receiver<bool>,
) -> Ending {
    let key = match timeout(KEY_PATIENCE, socket.recv()).await {
        Ok(Some(Ok(Message::Text(key)))) => key,
        Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return Ending::ClientLeft,
        _ => return Ending::Refused("a publisher begins with its key".to_owned()),
    };
    if !app.keys.is_live_key(id, &key) {
        return Ending::Refused("that is not the key of this live session".to_owned());
    }
    let bytes = match timeout(KEY_PATIENCE, socket.recv()).await {
        Ok(Some(Ok(Message::Binary(bytes)))) => bytes,
        Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return Ending::ClientLeft,
        _ => return Ending::Refused(FIRST.to_owned()),
    };
    let mut shown = Shown::default();
    let news = match decode(&bytes) {
        Ok(news @ News::Whole { .. }) => shown.apply(&news).map(|()| news),
        Ok(_) => Err(FIRST.to_owned()),
        Err(why) => Err(why),
    };
    let news = match news {
        Ok(news) => news,
        Err(why) => return Ending::Refused(why),
    };
    let live = match app.lives.find_or_begin(id, shown, || app.take_live_place()) {
        Ok(live) => live,
        Err(reason) => return Ending::Refused(reason.to_string()),
    };
    let number = live.begin_to_publish();
    info!(bytes = bytes.len(), "publishes");
    if let Err(why) = live.tell(&news, bytes) {
        return Ending::Refused(why);
    }
    let ending = take_news(app, &live, number, socket, stopping).await;
    live.publisher_left(number, app);
    ending
}

/// Takes news and hands them on, until one of the two ends.
async fn take_news(
    app: &App,
    live: &Live,
    number: u64,
    socket: &mut WebSocket,
    stopping: &mut watch::Receiver<bool>,
) -> Ending {
    let limits = &app.config.limits;
    let mut publisher = live.publisher.subscribe();
    let mut counting = interval(COUNT_EVERY);
    counting.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told_followers = None;
    let mut pulse = Pulse::every(limits.quiet);
    loop {
        tokio::select! {
            () = stopped(stopping) => return Ending::ServerStops,
            () = replaced(&mut publisher, number) => {
                return if live.is_over() { Ending::LiveOver } else { Ending::AnotherPublishes };
            }
            message = socket.recv() => {
                let bytes = match message {
                    None | Some(Ok(Message::Close(_))) => return Ending::ClientLeft,
                    Some(Err(error)) => return crate::session::why_unreadable(&error),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                        pulse.felt();
                        continue;
                    }
                    Some(Ok(Message::Text(_))) => {
                        return Ending::Refused("news are binary".to_owned());
                    }
                    Some(Ok(Message::Binary(bytes))) => bytes,
                };
                let came = Instant::now();
                pulse.felt();
                let news: News = match decode(&bytes) {
                    Ok(news) => news,
                    Err(why) => return Ending::Refused(why),
                };
                if let Err(why) = live.tell(&news, bytes) {
                    return Ending::Refused(why);
                }
                // Each message goes to everybody; reading no faster keeps one publisher from using up the
                // server, and TCP lets the page feel it.
                sleep_until(came + limits.news_every).await;
            }
            _ = counting.tick() => {
                let followers = live.followers();
                if told_followers == Some(followers) {
                    continue;
                }
                told_followers = Some(followers);
                let notice = Notice::Followers(u32::try_from(followers).unwrap_or(u32::MAX));
                if let Err(ending) = send(socket, Message::Binary(encode(&notice).into()), limits).await {
                    return ending;
                }
            }
            is_alive = pulse.next() => {
                if !is_alive {
                    return Ending::ClientLeft;
                }
                if let Err(ending) = send(socket, Message::Ping(Bytes::new()), limits).await {
                    return ending;
                }
            }
        }
    }
}

/// Resolves when the publisher of this number is the publisher no more.
async fn replaced(publisher: &mut watch::Receiver<u64>, number: u64) {
    // The sender belongs to the session, which the caller holds.
    publisher.wait_for(|now| *now != number).await.ok();
}

/// Cuts off who does not take what is sent.
async fn send(socket: &mut WebSocket, message: Message, limits: &Limits) -> Result<(), Ending> {
    match timeout(limits.answer, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Ending::ClientLeft),
        Err(_) => Err(Ending::NotReading),
    }
}
