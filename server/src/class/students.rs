//! Keys and links for students, from their names.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use labs::formats::csv_line;
use serde::{Deserialize, Serialize};

use super::grades::as_csv;
use crate::App;
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiQuery, Teacher, student_name};

/// A call makes keys for at most so many students.
const STUDENTS_MAX: usize = 10_000;

/// What a teacher sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sent {
    /// The names.
    students: Vec<String>,
    /// The page's address as students see it; by default the one that this request came to.
    page: Option<String>,
}

/// The form of the answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    /// `json` (the default) or `csv`.
    format: Option<String>,
}

/// A student's key.
#[derive(Debug, Serialize)]
struct Made {
    student: String,
    key: String,
    /// The page, opened by this student.
    link: String,
}

/// `POST /api/students?format=json|csv`: keys and links for names. The same name has the same key
/// every time, so nothing is stored.
pub(super) async fn make_keys(
    _: Teacher,
    State(app): State<Arc<App>>,
    ApiQuery(form): ApiQuery<Form>,
    headers: HeaderMap,
    ApiJson(sent): ApiJson<Sent>,
) -> Result<Response, ApiError> {
    if sent.students.len() > STUDENTS_MAX {
        let why = format!("at most {STUDENTS_MAX} students at a time");
        return Err(ApiError::BadRequest(why));
    }
    let page = sent.page.unwrap_or_else(|| own_address(&headers));
    let mut made = Vec::with_capacity(sent.students.len());
    for name in &sent.students {
        let student = student_name(name)?;
        let key = app.keys.student_key(&student);
        let link = format!("{page}?student={}&key={key}", in_url(&student));
        made.push(Made { student, key, link });
    }
    match form.format.as_deref() {
        None | Some("json") => Ok(Json(made).into_response()),
        Some("csv") => {
            let mut table = csv_line(["student", "key", "link"]);
            for Made { student, key, link } in &made {
                table += &csv_line([student.as_str(), key, link]);
            }
            Ok(as_csv(table))
        }
        Some(_) => Err(ApiError::BadRequest("format is json or csv".to_owned())),
    }
}

/// Where this request came to, as far as one can tell from behind a proxy.
pub(super) fn own_address(headers: &HeaderMap) -> String {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = value("x-forwarded-proto").unwrap_or("http");
    let host = value(header::HOST.as_str()).unwrap_or("localhost");
    format!("{scheme}://{host}/")
}

/// A text as part of an address.
fn in_url(text: &str) -> String {
    use std::fmt::Write;

    let mut url = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            write!(url, "%{byte:02X}").expect("a string takes all");
        }
    }
    url
}
