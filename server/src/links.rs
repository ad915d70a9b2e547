//! Links to sessions that are too long for a link.
//!
//! A permalink carries its session's log in itself. A log that is too long for that is left here
//! under its SHA-256, so the same log has the same link, nothing that a link points to ever changes,
//! and a browser that has it never asks again.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use labs::protocol::MESSAGE_MAX;
use serde::Serialize;
use tracing::info;

use crate::App;
use crate::class::as_log;
use crate::clock::now_ms;
use crate::error::{ApiError, Kind};
use crate::extract::{Id, Teacher, Upload};
use crate::store::{Kept, to_the_end};

/// The addresses of links, below `/api`.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/links", post(make))
        .route("/links/{id}", get(follow).delete(forget))
}

/// A link that was made.
#[derive(Debug, Serialize)]
struct Made {
    id: String,
}

/// `POST /api/links`: keeps the log that is the body, as it is.
async fn make(
    State(app): State<Arc<App>>,
    upload: Upload<MESSAGE_MAX>,
) -> Result<Response, ApiError> {
    if upload.bytes.is_empty() {
        return Err(ApiError::BadRequest("there is no log".to_owned()));
    }
    let max = app.config.limits.link_bytes;
    let log = upload.bytes.clone();
    let keep = async move { app.store.keep_link(&log, now_ms(), max).await };
    let kept = to_the_end(keep).await;
    let kept = kept.map_err(|error| ApiError::not_kept(Kind::Link, error, max))?;
    let (status, id) = match kept {
        Kept::New(id) => {
            info!(id, bytes = upload.bytes.len(), "made a link");
            (StatusCode::CREATED, id)
        }
        Kept::Before(id) => (StatusCode::OK, id),
    };
    Ok((status, Json(Made { id })).into_response())
}

/// `GET /api/links/{id}`: the log.
async fn follow(State(app): State<Arc<App>>, Id(id): Id) -> Result<Response, ApiError> {
    let log = app.store.link(&id).await?.ok_or(ApiError::NoSuchLink)?;
    let mut response = as_log(log);
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, for_ever);
    Ok(response)
}

/// `DELETE /api/links/{id}`: the teacher takes a log away. A browser that has it may keep it.
async fn forget(
    _: Teacher,
    State(app): State<Arc<App>>,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    let link = id.clone();
    let forget = async move { app.store.forget_link(&link).await };
    if !to_the_end(forget).await? {
        return Err(ApiError::NoSuchLink);
    }
    info!(id, "forgot a link");
    Ok(StatusCode::NO_CONTENT)
}
