//! A submission's grade as other systems read it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use labs::formats::{self, Assignment, Graded, Submitter};
use labs::lab::Lab;
use serde::Deserialize;
use serde_json::Value;

use super::students::own_address;
use super::submissions::find;
use crate::App;
use crate::clock::rfc3339;
use crate::error::ApiError;
use crate::extract::{ApiQuery, Id, Teacher};
use crate::store::Submission;

/// `GET /api/submissions/{id}/gradescope.json`: Gradescope's `results.json`.
pub(super) async fn gradescope(
    _: Teacher,
    State(app): State<Arc<App>>,
    Id(id): Id,
) -> Result<Json<Value>, ApiError> {
    let (lab, submission) = graded(&app, &id).await?;
    let grade: Graded = Ok(submission.grade);
    Ok(Json(formats::gradescope(&lab, &grade)))
}

/// `GET /api/submissions/{id}/exercism.json`: the `results.json` of an Exercism test runner.
pub(super) async fn exercism(
    _: Teacher,
    State(app): State<Arc<App>>,
    Id(id): Id,
) -> Result<Json<Value>, ApiError> {
    let (lab, submission) = graded(&app, &id).await?;
    let grade: Graded = Ok(submission.grade);
    Ok(Json(formats::exercism(&lab, &grade)))
}

/// What Classroom 50 wants to know besides the grade; see [`Assignment`]. What is not given is made
/// of the submission.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    classroom: Option<String>,
    assignment: Option<String>,
    assignment_type: Option<String>,
    owner: Option<String>,
    submission: Option<String>,
    commit: Option<String>,
    release: Option<String>,
    review: Option<String>,
    /// The submitter's name and number, both or none.
    username: Option<String>,
    user_id: Option<u64>,
}

/// `GET /api/submissions/{id}/classroom50.json?classroom=NAME&...`: Classroom 50's result.
pub(super) async fn classroom50(
    _: Teacher,
    State(app): State<Arc<App>>,
    ApiQuery(about): ApiQuery<About>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let (lab, submission) = graded(&app, &id).await?;
    let here = format!("{}api/submissions/{id}", own_address(&headers));
    let or_here = |link: Option<String>| link.unwrap_or_else(|| here.clone());
    let submitted_by = match (about.username, about.user_id) {
        (Some(username), Some(id)) => Some(Submitter { username, id }),
        (None, None) => None,
        _ => {
            let why = "username and user_id go together";
            return Err(ApiError::BadRequest(why.to_owned()));
        }
    };
    let about = Assignment {
        classroom: about.classroom.unwrap_or_else(|| "glass-kernel".to_owned()),
        assignment: about.assignment.unwrap_or_else(|| lab.id.clone()),
        assignment_type: about
            .assignment_type
            .unwrap_or_else(|| "individual".to_owned()),
        owner: about.owner.unwrap_or_else(|| submission.student.clone()),
        submission: about.submission.unwrap_or_else(|| format!("submit/{id}")),
        commit: or_here(about.commit),
        release: or_here(about.release),
        review: or_here(about.review),
        datetime: rfc3339(submission.submitted_ms),
        graded_at: Some(rfc3339(submission.graded_ms)),
        submitted_by,
    };
    let written = formats::classroom50(&lab, &Ok(submission.grade), &about);
    written.map(Json).map_err(ApiError::BadRequest)
}

/// A submission and its lab, in the version in which it was graded.
async fn graded(app: &App, id: &str) -> Result<(Arc<Lab>, Submission), ApiError> {
    let (submission, _) = find(app, id).await?;
    let lab = app.labs.get(&submission.lab).await?;
    let (graded, now) = (submission.grade.lab.version, lab.version);
    if graded != now {
        return Err(ApiError::OldGrade { graded, now });
    }
    Ok((lab, submission))
}
