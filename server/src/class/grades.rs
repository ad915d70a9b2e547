//! Grades for a teacher: as a table, and once more.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use labs::formats::csv_line;
use labs::grade::Grade;
use labs::lab::Lab;
use serde::{Deserialize, Serialize};
use tracing::info;

use super::submissions::find;
use crate::App;
use crate::clock::{now_ms, rfc3339};
use crate::error::ApiError;
use crate::extract::{ApiQuery, Id, LabId, Teacher};
use crate::grading::{GradingError, Work};
use crate::store::{Listed, Which};

/// So many submissions are read from the database at a time.
const BATCH: u32 = 1000;

/// Columns of the table, before those of the checks.
const COLUMNS: [&str; 10] = [
    "student",
    "verified",
    "score",
    "max",
    "attempts",
    "submitted_at",
    "lab",
    "version",
    "variant",
    "submission",
];

/// Whose table of grades it is to be.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reader {
    /// A person, or a system that is told which column is what.
    #[default]
    Anybody,
    /// Canvas, whose gradebook takes columns of these names and in this order.
    Canvas,
}

/// For whom a table of grades is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct For {
    #[serde(default, rename = "for")]
    reader: Reader,
}

/// `GET /api/labs/{lab}/grades.csv`: a row for each student, with the best submission and the points
/// for each check. A submission that was graded by another version of the lab has its score, and no
/// points for the checks of this one. With `?for=canvas`, the scores alone, as Canvas imports them.
pub(super) async fn table(
    _: Teacher,
    State(app): State<Arc<App>>,
    LabId(lab): LabId,
    ApiQuery(For { reader }): ApiQuery<For>,
) -> Result<Response, ApiError> {
    let lab = app.labs.get(&lab).await?;
    let checks = lab.checks.iter().map(|check| check.id.as_str());
    let mut table = match reader {
        Reader::Anybody => csv_line(COLUMNS.into_iter().chain(checks)),
        Reader::Canvas => canvas_head(&lab),
    };
    let row = match reader {
        Reader::Anybody => row,
        Reader::Canvas => canvas_row,
    };
    let mut skip = 0;
    loop {
        let batch = app
            .store
            .list(&lab.id, Which::Best, None, BATCH, skip)
            .await?;
        table.extend(batch.iter().map(|listed| row(&lab, listed)));
        if batch.len() < BATCH as usize {
            return Ok(as_csv(table));
        }
        skip += BATCH;
    }
}

fn row(lab: &Lab, listed: &Listed) -> String {
    let Listed {
        submission,
        attempts,
    } = listed;
    let grade = &submission.grade;
    let cells = [
        submission.student.clone(),
        if submission.verified { "yes" } else { "no" }.to_owned(),
        grade.score.to_string(),
        grade.max.to_string(),
        attempts.to_string(),
        rfc3339(submission.submitted_ms),
        grade.lab.id.clone(),
        grade.lab.version.to_string(),
        grade.lab.variant.to_string(),
        submission.id.clone(),
    ];
    // What a check was worth in another version is not known, so then only the sum is told.
    let is_of_this = grade.lab.version == lab.version;
    let checks = lab.checks.iter().map(|check| {
        let mut verdicts = grade.verdicts.iter().filter(|_| is_of_this);
        let verdict = verdicts.find(|verdict| verdict.id == check.id);
        verdict.map_or(String::new(), |verdict| {
            (u32::from(verdict.passed) * check.points).to_string()
        })
    });
    let cells: Vec<String> = cells.into_iter().chain(checks).collect();
    csv_line(cells.iter().map(String::as_str))
}

/// The columns by which Canvas knows a student, then the assignment; and a line with its points.
fn canvas_head(lab: &Lab) -> String {
    let points = lab.points_of_log().to_string();
    let names = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"];
    csv_line(names.into_iter().chain([lab.title.as_str()]))
        + &csv_line(["Points Possible", "", "", "", "", points.as_str()])
}

/// A student's name here is the login there: Canvas finds nobody by a name.
fn canvas_row(_: &Lab, listed: &Listed) -> String {
    let submission = &listed.submission;
    let (student, score) = (
        submission.student.as_str(),
        submission.grade.score.to_string(),
    );
    csv_line([student, "", "", student, "", score.as_str()])
}

/// A table as an answer.
pub(super) fn as_csv(table: String) -> Response {
    let csv = HeaderValue::from_static("text/csv; charset=utf-8");
    ([(header::CONTENT_TYPE, csv)], table).into_response()
}

/// Whether to keep what regrading finds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Regrading {
    /// Only report what would change.
    #[serde(default)]
    dry_run: bool,
}

/// What regrading found.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Submissions that were graded again.
    regraded: usize,
    /// Submissions whose grade is another one now, or would be.
    changed: usize,
    /// Submissions that are refused now. They keep their grade.
    refused: usize,
    /// What differs, oldest submission first.
    differences: Vec<Difference>,
}

/// A submission whose grade is not what it was.
#[derive(Debug, Serialize)]
struct Difference {
    id: String,
    student: String,
    before: Grade,
    /// What it is now; absent if the submission is refused now.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Grade>,
    /// Why it is refused now.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Refused>,
}

/// Why a submission is refused.
#[derive(Debug, Serialize)]
struct Refused {
    error: String,
    code: &'static str,
}

/// `POST /api/submissions/{id}/regrade?dry_run=true|false`.
pub(super) async fn regrade(
    _: Teacher,
    State(app): State<Arc<App>>,
    ApiQuery(regrading): ApiQuery<Regrading>,
    Id(id): Id,
) -> Result<Response, ApiError> {
    let mut report = Report::default();
    report.add(grade_again(&app, &id, regrading.dry_run).await?);
    Ok(Json(report).into_response())
}

/// `POST /api/labs/{lab}/regrade?dry_run=true|false`: all submissions of a lab, as many at a time as
/// there are graders. Students who hand in meanwhile wait no longer than usual.
pub(super) async fn regrade_all(
    _: Teacher,
    State(app): State<Arc<App>>,
    LabId(lab): LabId,
    ApiQuery(regrading): ApiQuery<Regrading>,
) -> Result<Response, ApiError> {
    let ids = app.store.ids(&lab).await?;
    let dry_run = regrading.dry_run;
    let mut outcomes = stream::iter(ids)
        .map(|id| {
            let app = &app;
            async move { grade_again(app, &id, dry_run).await }
        })
        .buffered(app.graders.count());
    let mut report = Report::default();
    while let Some(outcome) = outcomes.next().await {
        report.add(outcome?);
    }
    let Report {
        regraded,
        changed,
        refused,
        ..
    } = report;
    info!(lab, dry_run, regraded, changed, refused, "regraded");
    Ok(Json(report).into_response())
}

impl Report {
    fn add(&mut self, outcome: Option<Difference>) {
        self.regraded += 1;
        if let Some(difference) = outcome {
            match difference.after {
                Some(_) => self.changed += 1,
                None => self.refused += 1,
            }
            self.differences.push(difference);
        }
    }
}

/// Grades a submission again and, unless it is a dry run, keeps what comes of it.
async fn grade_again(app: &App, id: &str, dry_run: bool) -> Result<Option<Difference>, ApiError> {
    let (submission, log) = find(app, id).await?;
    let work = Work {
        lab: app.labs.get(&submission.lab).await?,
        student: submission.student.clone(),
        log: log.into(),
        claimed: None,
    };
    let (after, refused) = match app.graders.grade_in_turn(work).await {
        Ok(grade) if grade == submission.grade => return Ok(None),
        Ok(grade) => (Some(grade), None),
        Err(GradingError::Refused(refusal)) => {
            let code = refusal.code();
            let error = refusal.to_string();
            (None, Some(Refused { error, code }))
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(grade) = &after
        && !dry_run
    {
        app.store.regrade(id, grade, now_ms()).await?;
    }
    Ok(Some(Difference {
        id: submission.id,
        student: submission.student,
        before: submission.grade,
        after,
        refused,
    }))
}
