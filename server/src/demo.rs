//! A class to look at, for a teacher who tries the server.
//!
//! `cargo xtask serve --demo-class` has logs made as a class of eight might leave them, and this hands them
//! in, by the way that a page does, with each student's key: so what the tables show was really graded, and
//! what is refused is refused for its reason. It is done before anybody is served, and only where nothing
//! was handed in before, so that no class is mixed with one that is none.

use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde::Deserialize;
use tower::ServiceExt;
use tracing::info;

use crate::App;
use crate::error::StartError;

/// A line of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    lab: String,
    student: String,
    log: String,
}

/// What came of handing them in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filled {
    /// Submissions that were kept.
    pub kept: usize,
    /// Those that were refused.
    pub refused: usize,
}

/// Hands in what `file` holds: a JSON object a line, with `lab`, `student` and `log`.
///
/// # Errors
/// When the file cannot be read, when there are submissions already, or when one of these is answered with
/// anything but a grade or a refusal.
pub async fn fill(app: &Arc<App>, file: &Path) -> Result<Filled, StartError> {
    let failed = |source: io::Error| StartError::Data {
        path: file.to_owned(),
        source,
    };
    let text = std::fs::read_to_string(file).map_err(failed)?;
    let samples: Result<Vec<Sample>, _> = text.lines().map(serde_json::from_str).collect();
    let samples = samples.map_err(|error| failed(error.into()))?;
    if !app
        .store
        .is_empty()
        .await
        .map_err(|source| StartError::Store {
            place: app.config.data.display().to_string(),
            source,
        })?
    {
        return Err(StartError::NotFresh(app.config.data.clone()));
    }
    let router = app.router();
    let mut filled = Filled::default();
    for Sample { lab, student, log } in samples {
        let key = app.keys.student_key(&student);
        let sent = serde_json::json!({"student": student, "key": key, "log": log});
        let request = Request::post(format!("/api/labs/{lab}/submissions"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(sent.to_string()))
            .map_err(|error| failed(io::Error::other(error)))?;
        // The router's error is that there is none.
        let Ok(answer) = router.clone().oneshot(request).await;
        match answer.status() {
            StatusCode::CREATED | StatusCode::OK => filled.kept += 1,
            StatusCode::UNPROCESSABLE_ENTITY => filled.refused += 1,
            status => {
                let odd = format!("{student}'s log for {lab} is answered with {status}");
                return Err(failed(io::Error::other(odd)));
            }
        }
    }
    let Filled { kept, refused } = filled;
    info!(kept, refused, "the demo class has handed in");
    Ok(filled)
}
