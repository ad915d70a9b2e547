//! What handlers read from a request, and the refusals when it is not there.

use std::sync::Arc;

use axum::RequestPartsExt;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use futures_util::StreamExt;
use labs::log::is_lab_id;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tracing::info;

use crate::App;
use crate::error::ApiError;
use crate::limits::Lease;
use crate::session::check_origin;

/// A student's name has at most so many letters.
pub const NAME_MAX: usize = 100;

/// A log that is handed in has at most so many bytes: what the grader takes.
pub const LOG_MAX: usize = 1 << 20;

/// A JSON body has at most so many bytes: a log as base64, which is a third longer, or as a string
/// with an escape for each line, and what else belongs to it.
pub const JSON_MAX: usize = 2 * LOG_MAX + (64 << 10);

/// A body that is too long is read on up to so many times what it may be, so that its sender gets to
/// hear the reason instead of a broken connection.
const PATIENCE: usize = 3;

/// A body of at most `MAX` bytes, from this server's own page or from no page at all.
///
/// It holds one of the server's places for uploads until it is dropped, so that many senders cannot
/// use up its memory.
#[derive(Debug)]
pub struct Upload<const MAX: usize> {
    /// The body.
    pub bytes: Bytes,
    _place: Lease,
}

impl<const MAX: usize> FromRequest<Arc<App>> for Upload<MAX> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        check_origin(request.headers(), &app.config.allowed_origins)?;
        let place = app.uploads.take(1).ok_or(ApiError::UploadsBusy)?;
        let quiet = app.config.limits.quiet;
        let mut chunks = Body::into_data_stream(request.into_body());
        let (mut bytes, mut length) = (Vec::new(), 0usize);
        loop {
            // Slow is allowed, silent is not.
            let chunk = timeout(quiet, chunks.next()).await;
            let Some(chunk) = chunk.map_err(|_| ApiError::Unfinished)? else {
                break;
            };
            let chunk = chunk.map_err(|_| ApiError::Unfinished)?;
            length += chunk.len();
            if length <= MAX {
                bytes.extend_from_slice(&chunk);
            } else if length > PATIENCE * MAX {
                break;
            } else {
                bytes = Vec::new();
            }
        }
        if length > MAX {
            return Err(ApiError::TooLarge { max: MAX });
        }
        Ok(Upload {
            bytes: bytes.into(),
            _place: place,
        })
    }
}

/// A JSON body, whatever content type it says it has.
#[derive(Debug)]
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let upload = Upload::<JSON_MAX>::from_request(request, app).await?;
        let read = serde_json::from_slice(&upload.bytes);
        read.map(ApiJson).map_err(|error| {
            ApiError::BadRequest(format!("the body is not the JSON that is meant: {error}"))
        })
    }
}

/// The parameters after the question mark.
#[derive(Debug)]
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        let read = Query::<T>::try_from_uri(&parts.uri);
        read.map(|Query(value)| ApiQuery(value)).map_err(|error| {
            let text = error.body_text();
            let reason = text.split_once(": ").map_or(text.as_str(), |(_, why)| why);
            ApiError::BadRequest(format!("the parameters make no sense: {reason}"))
        })
    }
}

/// The `{lab}` of a path, if it could be the name of a lab; so it can be part of a file's name.
#[derive(Debug)]
pub struct LabId(pub String);

impl FromRequestParts<Arc<App>> for LabId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        struct In {
            lab: String,
        }
        let path = parts.extract::<Path<In>>().await;
        let Path(In { lab }) = path.map_err(|_| ApiError::NoSuchPath)?;
        if is_lab_id(&lab) {
            Ok(LabId(lab))
        } else {
            Err(ApiError::NoSuchLab(lab.chars().take(80).collect()))
        }
    }
}

/// The `{id}` of a path: the name of a submission or a link. One that cannot be any is nobody's.
#[derive(Debug)]
pub struct Id(pub String);

impl FromRequestParts<Arc<App>> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        struct In {
            id: String,
        }
        let path = parts.extract::<Path<In>>().await;
        let id = path.map_or(String::new(), |Path(In { id })| id);
        let allowed = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        Ok(Id(if id.bytes().all(allowed) {
            id
        } else {
            String::new()
        }))
    }
}

/// The key after `Authorization: Bearer`, if there is one.
#[derive(Debug)]
pub struct Bearer(pub Option<String>);

impl FromRequestParts<Arc<App>> for Bearer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        let value = parts.headers.get(header::AUTHORIZATION);
        let words = value.and_then(|value| value.to_str().ok()?.trim().split_once(' '));
        let key = words
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, key)| key.trim().to_owned());
        Ok(Bearer(key))
    }
}

/// Proves that the teacher asks.
#[derive(Debug)]
pub struct Teacher;

impl FromRequestParts<Arc<App>> for Teacher {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Bearer(key) = Bearer::from_request_parts(parts, app).await?;
        if key.is_some_and(|key| app.keys.is_teachers(&key)) {
            return Ok(Teacher);
        }
        info!(path = parts.uri.path(), "refused: not the teacher's key");
        Err(ApiError::TeacherOnly)
    }
}

/// A student's name, as it is stored: without blanks around it.
///
/// # Errors
/// When it is empty or too long, or holds what is no letter.
pub fn student_name(text: &str) -> Result<String, ApiError> {
    let name = text.trim();
    let wrong = |why: String| Err(ApiError::BadRequest(why));
    let letters = name.chars().count();
    if name.is_empty() {
        return wrong("a submission needs the student's name".to_owned());
    }
    if letters > NAME_MAX {
        return wrong(format!(
            "the name has {letters} letters; a name has at most {NAME_MAX}"
        ));
    }
    if name.chars().any(is_unprintable) {
        return wrong("the name holds characters that cannot be printed".to_owned());
    }
    Ok(name.to_owned())
}

/// Control characters, and those that turn the direction of a line's text around, by which a name
/// could look like another one.
fn is_unprintable(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_that_the_grader_takes_are_let_in() {
        assert_eq!(LOG_MAX, labs::grade::Limits::default().bytes);
    }

    #[test]
    fn names_are_what_people_are_called() {
        for (text, name) in [
            (" Ada ", "Ada"),
            ("José Ñandú", "José Ñandú"),
            ("李小龍", "李小龍"),
            (
                "Robert'); DROP TABLE students;--",
                "Robert'); DROP TABLE students;--",
            ),
            ("=1+1", "=1+1"),
        ] {
            assert_eq!(student_name(text), Ok(name.to_owned()));
        }
        let long = "é".repeat(NAME_MAX);
        assert_eq!(student_name(&long), Ok(long.clone()));
        for text in ["", " \t", "a\nb", "a\0b", "\u{202e}ada", &(long + "é")] {
            assert!(
                matches!(student_name(text), Err(ApiError::BadRequest(_))),
                "{text:?}"
            );
        }
    }
}
