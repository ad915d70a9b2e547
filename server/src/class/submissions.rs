//! Handing in, and reading what was handed in.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use labs::grade::{Grade, Refusal};
use serde::{Deserialize, Serialize};
use tracing::info;

use crate::App;
use crate::clock::{now_ms, rfc3339};
use crate::error::{ApiError, Kind};
use crate::extract::{ApiJson, ApiQuery, Bearer, Id, LOG_MAX, LabId, Teacher, student_name};
use crate::grading::{GradingError, Work};
use crate::store::{Kept, Listed, Submission, Which, new_id, to_the_end};

/// A page of a list has at most so many submissions.
const PAGE_MAX: u32 = 1000;

/// A page of a list has so many submissions if nothing else is asked for.
const PAGE: u32 = 100;

/// What a student sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sent {
    /// The student's name.
    student: String,
    /// The log as text ...
    log: Option<String>,
    /// ... or, for one that is no UTF-8, in base64.
    log_base64: Option<String>,
    /// The student's key.
    key: Option<String>,
    /// The score that the page showed.
    score: Option<u32>,
}

impl Sent {
    fn log(&mut self) -> Result<Bytes, ApiError> {
        let wrong = |why: &str| ApiError::BadRequest(why.to_owned());
        let log: Bytes = match (self.log.take(), self.log_base64.take()) {
            (Some(text), None) => text.into(),
            (None, Some(text)) => {
                let bytes = STANDARD.decode(text.trim());
                bytes.map_err(|_| wrong("log_base64 is not base64"))?.into()
            }
            (None, None) => return Err(wrong("a submission needs a log, or a log_base64")),
            (Some(_), Some(_)) => {
                return Err(wrong("a submission has a log or a log_base64, not both"));
            }
        };
        if log.len() > LOG_MAX {
            return Err(ApiError::TooLarge { max: LOG_MAX });
        }
        Ok(log)
    }
}

/// What is told of a submission.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    id: String,
    lab: String,
    student: String,
    /// Whether the student's key came along.
    verified: bool,
    submitted_at: String,
    graded_at: String,
    /// Points reached, as in the grade.
    score: u32,
    /// Points that could be reached, as in the grade.
    max: u32,
    grade: Grade,
}

impl From<Submission> for Told {
    fn from(submission: Submission) -> Told {
        Told {
            id: submission.id,
            lab: submission.lab,
            student: submission.student,
            verified: submission.verified,
            submitted_at: rfc3339(submission.submitted_ms),
            graded_at: rfc3339(submission.graded_ms),
            score: submission.grade.score,
            max: submission.grade.max,
            grade: submission.grade,
        }
    }
}

/// `POST /api/labs/{lab}/submissions`: grades a log and keeps it.
///
/// The same log again gives what it gave before.
pub(super) async fn submit(
    State(app): State<Arc<App>>,
    LabId(lab): LabId,
    ApiJson(mut sent): ApiJson<Sent>,
) -> Result<Response, ApiError> {
    let student = student_name(&sent.student)?;
    let verified = check_key(&app, &student, sent.key.as_deref())?;
    let log = sent.log()?;
    let lab = app.labs.get(&lab).await?;
    if let Some(before) = app.store.submission_of(&lab.id, &student, &log).await? {
        return again(&app, before, verified, sent.score).await;
    }
    let max = app.config.limits.attempts;
    if app.store.attempts(&lab.id, &student).await? >= max {
        return Err(ApiError::TooManyAttempts { max });
    }
    let work = Work {
        lab: Arc::clone(&lab),
        student: student.clone(),
        log: log.clone(),
        claimed: sent.score,
    };
    let grade = app.graders.grade(work).await.inspect_err(|error| {
        if let GradingError::Refused(refusal) = error {
            note_refusal(&app, &lab.id, &student, refusal);
        }
    })?;
    let now = now_ms();
    let submission = Submission {
        id: new_id()?,
        lab: lab.id.clone(),
        student,
        verified,
        submitted_ms: now,
        graded_ms: now,
        grade,
    };
    let max = app.config.limits.submission_bytes;
    let keeper = Arc::clone(&app);
    let keep = async move { keeper.store.keep_submission(submission, &log, max).await };
    match to_the_end(keep)
        .await
        .map_err(|error| ApiError::not_kept(Kind::Submission, error, max))?
    {
        Kept::New(submission) => {
            let Grade { score, max, .. } = submission.grade;
            let (lab, student, id) = (&submission.lab, &submission.student, &submission.id);
            info!(lab, student, id, score, max, "graded");
            let place = format!("/api/submissions/{id}");
            let place = HeaderValue::try_from(place).expect("an id has plain letters only");
            let told = Json(Told::from(submission));
            Ok((StatusCode::CREATED, [(header::LOCATION, place)], told).into_response())
        }
        // The same log came twice at once.
        Kept::Before(before) => again(&app, before, verified, sent.score).await,
    }
}

/// Whether the student showed the right key.
fn check_key(app: &App, student: &str, key: Option<&str>) -> Result<bool, ApiError> {
    match key {
        Some(key) if app.keys.is_students(student, key.trim()) => Ok(true),
        Some(_) => {
            info!(student, "refused: not this student's key");
            Err(ApiError::WrongKey {
                student: student.to_owned(),
            })
        }
        None if app.config.require_keys => Err(ApiError::NoKey),
        None => Ok(false),
    }
}

/// Answers with what the same log gave before.
async fn again(
    app: &App,
    mut before: Submission,
    verified: bool,
    claimed: Option<u32>,
) -> Result<Response, ApiError> {
    let found = before.grade.score;
    if let Some(claimed) = claimed.filter(|&claimed| claimed != found) {
        let refusal = Refusal::ForgedScore { claimed, found };
        note_refusal(app, &before.lab, &before.student, &refusal);
        return Err(ApiError::Refused(refusal));
    }
    if verified && !before.verified {
        app.store.verify(&before.id).await?;
        before.verified = true;
    }
    Ok(Json(Told::from(before)).into_response())
}

fn note_refusal(app: &App, lab: &str, student: &str, refusal: &Refusal) {
    app.refused.fetch_add(1, Ordering::Relaxed);
    let code = refusal.code();
    info!(lab, student, code, %refusal, "refused a submission");
}

/// What to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// `best` (the default), `newest`, or `all`.
    which: Option<String>,
    /// Of this student only.
    student: Option<String>,
    /// How many.
    limit: Option<u32>,
    /// After how many.
    #[serde(default)]
    offset: u32,
}

/// A page of a list.
#[derive(Debug, Serialize)]
struct List {
    lab: String,
    /// Students who handed something in.
    students: i64,
    /// What they handed in, in all.
    submissions: i64,
    /// This page.
    list: Vec<Item>,
}

/// A submission in a list.
#[derive(Debug, Serialize)]
struct Item {
    #[serde(flatten)]
    submission: Told,
    /// How many this student has for the lab.
    attempts: i64,
}

impl From<Listed> for Item {
    fn from(listed: Listed) -> Item {
        Item {
            submission: Told::from(listed.submission),
            attempts: listed.attempts,
        }
    }
}

/// `GET /api/labs/{lab}/submissions?which=best|newest|all&student=NAME&limit=N&offset=N`.
///
/// Students may list their own, with their key as the teacher does with hers.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    LabId(lab): LabId,
    ApiQuery(wanted): ApiQuery<Wanted>,
    Bearer(key): Bearer,
) -> Result<Response, ApiError> {
    let student = wanted.student.as_deref().map(student_name).transpose()?;
    let key = key.unwrap_or_default();
    let is_own = || {
        let student = student.as_deref();
        student.is_some_and(|student| app.keys.is_students(student, &key))
    };
    let is_teacher = app.keys.is_teachers(&key);
    if !is_teacher && !is_own() {
        return Err(ApiError::TeacherOnly);
    }
    let which = match wanted.which.as_deref() {
        None | Some("best") => Which::Best,
        Some("newest") => Which::Newest,
        Some("all") => Which::All,
        Some(_) => {
            let why = "which is one of best, newest and all";
            return Err(ApiError::BadRequest(why.to_owned()));
        }
    };
    let limit = wanted.limit.unwrap_or(PAGE).min(PAGE_MAX);
    let listed = app
        .store
        .list(&lab, which, student.as_deref(), limit, wanted.offset)
        .await?;
    let list: Vec<Item> = listed.into_iter().map(Item::from).collect();
    let (submissions, students) = if is_teacher {
        app.store.counts(&lab).await?
    } else {
        // How the others are doing is not for a student.
        let own = list.first().map_or(0, |item| item.attempts);
        (own, own.min(1))
    };
    Ok(Json(List {
        lab,
        students,
        submissions,
        list,
    })
    .into_response())
}

/// A submission with its log.
#[derive(Debug, Serialize)]
struct Whole {
    #[serde(flatten)]
    submission: Told,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
    /// In place of `log` when that is no UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_base64: Option<String>,
}

/// `GET /api/submissions/{id}`: a submission with its log.
pub(super) async fn show(State(app): State<Arc<App>>, Id(id): Id) -> Result<Response, ApiError> {
    let (submission, log) = find(&app, &id).await?;
    let (log, log_base64) = match String::from_utf8(log) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
    };
    Ok(Json(Whole {
        submission: Told::from(submission),
        log,
        log_base64,
    })
    .into_response())
}

/// `GET /api/submissions/{id}/log`: the log alone, as it was handed in.
pub(super) async fn log(State(app): State<Arc<App>>, Id(id): Id) -> Result<Response, ApiError> {
    let (_, log) = find(&app, &id).await?;
    Ok(as_log(log))
}

/// `DELETE /api/submissions/{id}`: forgets a submission.
pub(super) async fn forget(
    _: Teacher,
    State(app): State<Arc<App>>,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    let submission = id.clone();
    let forget = async move { app.store.forget_submission(&submission).await };
    if !to_the_end(forget).await? {
        return Err(ApiError::NoSuchSubmission);
    }
    info!(id, "forgot a submission");
    Ok(StatusCode::NO_CONTENT)
}

/// A log as an answer.
pub(crate) fn as_log(log: Vec<u8>) -> Response {
    let mut headers = HeaderMap::new();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    (headers, log).into_response()
}

/// The submission of this name, and its log.
pub(super) async fn find(app: &App, id: &str) -> Result<(Submission, Vec<u8>), ApiError> {
    let found = app.store.submission(id).await?;
    found.ok_or(ApiError::NoSuchSubmission)
}
