//! A class: students hand in logs, the server grades them by replay, a teacher reads the grades.
//!
//! | address | who | |
//! |---|---|---|
//! | `GET /api/class` | all | what this server wants of submissions |
//! | `POST /api/labs/{lab}/submissions` | all | grades a log |
//! | `GET /api/labs/{lab}/submissions` | teacher; a student, their own | lists them |
//! | `GET /api/submissions/{id}` | who knows the id | one with its log |
//! | `GET /api/submissions/{id}/log` | who knows the id | its log alone |
//! | `DELETE /api/submissions/{id}` | teacher | forgets one |
//! | `GET /api/labs/{lab}/grades.csv` | teacher | a table of grades |
//! | `GET /api/submissions/{id}/gradescope.json`, `.../exercism.json`, `.../classroom50.json` | teacher | one as other systems read it |
//! | `POST /api/submissions/{id}/regrade` | teacher | grades one again |
//! | `POST /api/labs/{lab}/regrade` | teacher | grades all again |
//! | `POST /api/students` | teacher | keys and links for names |
//!
//! A submission's id is random and told to nobody but its sender and the teacher, so knowing it is
//! leave to read it. Who the teacher is, and what a student's key is, says [`crate::keys`]; how
//! grading is bounded says [`crate::grading`]. Refused submissions leave a line in the log and a
//! count, and nothing else.

mod formats;
mod grades;
mod students;
mod submissions;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use labs::lab::{Lab, file_name, from_bytes};
use serde::Serialize;
use tracing::error;

use crate::App;
use crate::error::ApiError;
use crate::extract::LOG_MAX;
pub(crate) use submissions::as_log;

/// The addresses of a class, below `/api`.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/class", get(class))
        .route(
            "/labs/{lab}/submissions",
            post(submissions::submit).get(submissions::list),
        )
        .route("/labs/{lab}/grades.csv", get(grades::table))
        .route("/labs/{lab}/regrade", post(grades::regrade_all))
        .route(
            "/submissions/{id}",
            get(submissions::show).delete(submissions::forget),
        )
        .route("/submissions/{id}/log", get(submissions::log))
        .route(
            "/submissions/{id}/gradescope.json",
            get(formats::gradescope),
        )
        .route("/submissions/{id}/exercism.json", get(formats::exercism))
        .route(
            "/submissions/{id}/classroom50.json",
            get(formats::classroom50),
        )
        .route("/submissions/{id}/regrade", post(grades::regrade))
        .route("/students", post(students::make_keys))
}

/// What `GET /api/class` tells.
#[derive(Serialize)]
struct Class {
    requires_keys: bool,
    log_max: usize,
}

/// `GET /api/class`: this server takes submissions, and what it wants of them.
async fn class(State(app): State<Arc<App>>) -> Json<Class> {
    Json(Class {
        requires_keys: app.config.require_keys,
        log_max: LOG_MAX,
    })
}

/// The labs, as they lie beside the page. They are read at each use, like the page's other files.
#[derive(Debug)]
pub struct Labs {
    folder: PathBuf,
}

impl Labs {
    /// The labs of the page in `dist`.
    pub fn of(dist: &Path) -> Labs {
        Labs {
            folder: dist.join("labs"),
        }
    }

    /// The lab that is called `id`; `id` must have passed [`labs::log::is_lab_id`].
    async fn get(&self, id: &str) -> Result<Arc<Lab>, ApiError> {
        let file = self.folder.join(file_name(id));
        let bytes = tokio::fs::read(&file).await.map_err(|cause| {
            if cause.kind() != io::ErrorKind::NotFound {
                error!(%cause, file = %file.display(), "cannot read a lab");
                return ApiError::OutOfOrder;
            }
            ApiError::NoSuchLab(id.to_owned())
        })?;
        from_bytes(&bytes).map(Arc::new).map_err(|cause| {
            error!(cause, file = %file.display(), "cannot read a lab");
            ApiError::OutOfOrder
        })
    }
}
