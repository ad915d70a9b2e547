//! What the server keeps: graded submissions and the logs of links.
//!
//! A class must be able to rely on an answer: whatever was acknowledged is there after the power
//! comes back. So both databases write each change to the disk before they say it is done (SQLite by
//! its write-ahead log with `synchronous = FULL`, PostgreSQL by default), and every change is one
//! statement, which happens whole or not at all.
//!
//! SQLite needs nobody to set it up and holds a school's submissions easily; PostgreSQL is for those
//! who have one, back it up and watch it anyway. One schema and one set of statements serve both:
//! `sqlx`'s `Any` driver hides which it is, and nothing outside of this file knows.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use labs::grade::Grade;
use sqlx::any::{AnyPoolOptions, AnyRow, install_default_drivers};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AnyPool, Connection, Row, SqlSafeStr, SqlStr};
use tokio::sync::Mutex;
use tracing::Instrument;

use crate::keys::{random, sha256};

/// The name of the SQLite database, in the data folder.
pub const FILE: &str = "glass.sqlite";

/// Connections to the database. SQLite has one writer at a time, and readers beside it.
const CONNECTIONS: u32 = 4;

/// How long a request waits for a connection, or for another writer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The changes of the schema, oldest first. A text that was released stays as it is.
const MIGRATIONS: [(&str, &str); 1] = [("class", include_str!("store/0001-class.sql"))];

/// Which database.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file; it is made if it is not there yet.
    File(PathBuf),
    /// A PostgreSQL server, as `postgres://USER:PASSWORD@HOST/DATABASE`.
    Postgres(String),
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(file) => f.debug_tuple("File").field(file).finish(),
            // It may hold a password.
            Place::Postgres(_) => f.write_str("Postgres(..)"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(file) => write!(f, "{}", file.display()),
            Place::Postgres(_) => f.write_str("PostgreSQL"),
        }
    }
}

/// What went wrong with the database. Only the operator can use the cause.
pub type StoreError = sqlx::Error;

/// A submission that was graded.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// Its name in addresses. Who knows it may read the submission.
    pub id: String,
    /// The lab.
    pub lab: String,
    /// Who submitted it.
    pub student: String,
    /// Whether the student's key came along.
    pub verified: bool,
    /// When it came, in milliseconds since 1970.
    pub submitted_ms: i64,
    /// When it was last graded, in milliseconds since 1970.
    pub graded_ms: i64,
    /// The grade.
    pub grade: Grade,
}

/// Which of a student's submissions to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one with most points; of several, the first.
    Best,
    /// The last one.
    Newest,
    /// All of them.
    All,
}

/// A submission in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The submission.
    pub submission: Submission,
    /// How many the student has for this lab.
    pub attempts: i64,
}

/// What came of storing something under its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept<T> {
    /// It is new.
    New(T),
    /// It was there already; this is what is there.
    Before(T),
}

/// Why something was not kept.
#[derive(Debug)]
pub enum KeepError {
    /// All of its kind together would have more bytes than they may; so many they have.
    Full {
        /// Bytes in use.
        used: u64,
    },
    /// The database failed.
    Store(StoreError),
}

impl From<StoreError> for KeepError {
    fn from(error: StoreError) -> KeepError {
        KeepError::Store(error)
    }
}

/// The database.
///
/// It counts the bytes that it holds, so a change must not be dropped half-way: [`to_the_end`]
/// carries it out even if whoever asked for it has left.
#[derive(Debug)]
pub struct Store {
    pool: AnyPool,
    /// Bytes that the logs of all submissions have.
    submission_bytes: AtomicU64,
    /// Bytes that all links have. Held while one is made, so that none is counted twice.
    link_bytes: Mutex<u64>,
}

/// The columns that [`submission`] reads.
macro_rules! columns {
    () => {
        "s.id, s.lab, s.student, s.verified, s.submitted_ms, s.graded_ms, s.grade"
    };
}

/// The statement that lists submissions of a lab: `$1` the lab, `$2` the place among the student's
/// (0: any), `$3` the student (empty: any), `$4` how many, `$5` after how many.
macro_rules! list {
    ($order:literal, $sort:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", r.attempts FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY student ORDER BY ",
            $order,
            ") AS place, COUNT(*) OVER (PARTITION BY student) AS attempts FROM submissions \
             WHERE lab = $1 AND ($3 = '' OR student = $3)) AS r \
             JOIN submissions AS s ON s.id = r.id WHERE $2 = 0 OR r.place = $2 ORDER BY ",
            $sort,
            " LIMIT $4 OFFSET $5"
        )
    };
}

impl Store {
    /// Opens the database, and brings its schema up to date.
    ///
    /// # Errors
    /// When it cannot be reached, or was made by a later version.
    pub async fn open(place: &Place) -> Result<Store, StoreError> {
        install_default_drivers();
        let (url, is_file) = match place {
            Place::File(file) => {
                make_private(file)?;
                (file_url(file)?, true)
            }
            Place::Postgres(url) => (url.clone(), false),
        };
        // The pool would hide why it cannot connect behind tries for half a minute.
        let mut first = AnyConnection::connect(&url).await?;
        set_up(&mut first, is_file).await?;
        Migrator::with_migrations(migrations())
            .run(&mut first)
            .await?;
        first.close().await?;
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| Box::pin(set_up(connection, is_file)))
            .connect(&url)
            .await?;
        Ok(Store {
            submission_bytes: AtomicU64::new(sum(&pool, SUBMISSION_BYTES).await?),
            link_bytes: Mutex::new(sum(&pool, LINK_BYTES).await?),
            pool,
        })
    }

    /// Stores a graded submission, once per lab, student and log. The logs of all together have at
    /// most `bytes_max` bytes. (Several servers on one database count what each has added itself.)
    ///
    /// # Errors
    /// When there is no room, or the database fails; nothing is stored then.
    pub async fn keep_submission(
        &self,
        submission: Submission,
        log: &[u8],
        bytes_max: u64,
    ) -> Result<Kept<Submission>, KeepError> {
        let bytes = log.len() as u64;
        let room = |used: u64| used.checked_add(bytes).filter(|&used| used <= bytes_max);
        let counter = &self.submission_bytes;
        if let Err(used) = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room) {
            return Err(KeepError::Full { used });
        }
        let kept = self.insert_submission(submission, log).await;
        if !matches!(kept, Ok(Kept::New(_))) {
            counter.fetch_sub(bytes, Ordering::Relaxed);
        }
        Ok(kept?)
    }

    async fn insert_submission(
        &self,
        submission: Submission,
        log: &[u8],
    ) -> Result<Kept<Submission>, StoreError> {
        let hash = sha256(log);
        let statement = "INSERT INTO submissions (id, lab, student, verified, log_hash, \
                         submitted_ms, graded_ms, score, grade, bytes, log) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
                         ON CONFLICT (lab, student, log_hash) DO NOTHING";
        let inserted = sqlx::query(statement)
            .bind(submission.id.clone())
            .bind(submission.lab.clone())
            .bind(submission.student.clone())
            .bind(i64::from(submission.verified))
            .bind(hash.clone())
            .bind(submission.submitted_ms)
            .bind(submission.graded_ms)
            .bind(i64::from(submission.grade.score))
            .bind(to_json(&submission.grade)?)
            .bind(length(log))
            .bind(log.to_vec())
            .execute(&self.pool)
            .await?;
        if inserted.rows_affected() > 0 {
            return Ok(Kept::New(submission));
        }
        let before = self
            .submission_of_hash(&submission.lab, &submission.student, &hash)
            .await?;
        before.map(Kept::Before).ok_or(StoreError::RowNotFound)
    }

    /// The submission of this log by this student, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn submission_of(
        &self,
        lab: &str,
        student: &str,
        log: &[u8],
    ) -> Result<Option<Submission>, StoreError> {
        self.submission_of_hash(lab, student, &sha256(log)).await
    }

    async fn submission_of_hash(
        &self,
        lab: &str,
        student: &str,
        hash: &str,
    ) -> Result<Option<Submission>, StoreError> {
        let statement = concat!(
            "SELECT ",
            columns!(),
            " FROM submissions AS s WHERE s.lab = $1 AND s.student = $2 AND s.log_hash = $3"
        );
        let row = sqlx::query(statement)
            .bind(lab.to_owned())
            .bind(student.to_owned())
            .bind(hash.to_owned())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| submission(&row)).transpose()
    }

    /// Notes that a submission's student has shown the key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn verify(&self, id: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE submissions SET verified = 1 WHERE id = $1")
            .bind(id.to_owned())
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// A submission and its log, if there is one of this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn submission(&self, id: &str) -> Result<Option<(Submission, Vec<u8>)>, StoreError> {
        let statement = concat!(
            "SELECT ",
            columns!(),
            ", s.log FROM submissions AS s WHERE s.id = $1"
        );
        let row = sqlx::query(statement)
            .bind(id.to_owned())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Ok((submission(&row)?, row.try_get("log")?)))
            .transpose()
    }

    /// Puts another grade in the place of a submission's.
    ///
    /// # Errors
    /// When the database fails; the old grade stays then.
    pub async fn regrade(&self, id: &str, grade: &Grade, now_ms: i64) -> Result<(), StoreError> {
        let statement =
            "UPDATE submissions SET score = $2, grade = $3, graded_ms = $4 WHERE id = $1";
        sqlx::query(statement)
            .bind(id.to_owned())
            .bind(i64::from(grade.score))
            .bind(to_json(grade)?)
            .bind(now_ms)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// Submissions for a lab, at most `count` after the first `skip`: of `student` only, if one is
    /// named. One a student is in the order of names, all of them newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(
        &self,
        lab: &str,
        which: Which,
        student: Option<&str>,
        count: u32,
        skip: u32,
    ) -> Result<Vec<Listed>, StoreError> {
        let (statement, place) = match which {
            Which::Best => (
                list!("score DESC, submitted_ms, id", "s.student, s.id"),
                1i64,
            ),
            Which::Newest => (list!("submitted_ms DESC, id", "s.student, s.id"), 1),
            Which::All => (
                list!("submitted_ms DESC, id", "s.submitted_ms DESC, s.id"),
                0,
            ),
        };
        let rows = sqlx::query(statement)
            .bind(lab.to_owned())
            .bind(place)
            .bind(student.unwrap_or_default().to_owned())
            .bind(i64::from(count))
            .bind(i64::from(skip))
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Listed {
                    submission: submission(row)?,
                    attempts: row.try_get("attempts")?,
                })
            })
            .collect()
    }

    /// Whether nobody has handed anything in yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) AS submissions FROM submissions")
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get::<i64, _>("submissions")? == 0)
    }

    /// How many submissions a lab has, and from how many students.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(&self, lab: &str) -> Result<(i64, i64), StoreError> {
        let statement = "SELECT COUNT(*) AS submissions, COUNT(DISTINCT student) AS students \
                         FROM submissions WHERE lab = $1";
        let row = sqlx::query(statement)
            .bind(lab.to_owned())
            .fetch_one(&self.pool)
            .await?;
        Ok((row.try_get("submissions")?, row.try_get("students")?))
    }

    /// The names of a lab's submissions, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ids(&self, lab: &str) -> Result<Vec<String>, StoreError> {
        let rows =
            sqlx::query("SELECT id FROM submissions WHERE lab = $1 ORDER BY submitted_ms, id")
                .bind(lab.to_owned())
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(|row| row.try_get("id")).collect()
    }

    /// How many submissions a student has for a lab.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempts(&self, lab: &str, student: &str) -> Result<u64, StoreError> {
        let statement =
            "SELECT COUNT(*) AS attempts FROM submissions WHERE lab = $1 AND student = $2";
        let row = sqlx::query(statement)
            .bind(lab.to_owned())
            .bind(student.to_owned())
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get::<i64, _>("attempts")?.unsigned_abs())
    }

    /// Forgets a submission; whether there was one of this name.
    ///
    /// # Errors
    /// When the database fails; the submission stays then.
    pub async fn forget_submission(&self, id: &str) -> Result<bool, StoreError> {
        let gone = sqlx::query("DELETE FROM submissions WHERE id = $1 RETURNING bytes")
            .bind(id.to_owned())
            .fetch_optional(&self.pool)
            .await?;
        let Some(gone) = gone else { return Ok(false) };
        let bytes = gone.try_get::<i64, _>("bytes")?.unsigned_abs();
        self.submission_bytes.fetch_sub(bytes, Ordering::Relaxed);
        Ok(true)
    }

    /// Stores a log under its hash, which is returned. All links together have at most
    /// `bytes_max` bytes. (Several servers on one database count what each has added itself.)
    ///
    /// # Errors
    /// When there is no room, or the database fails; nothing is stored then.
    pub async fn keep_link(
        &self,
        log: &[u8],
        now_ms: i64,
        bytes_max: u64,
    ) -> Result<Kept<String>, KeepError> {
        let id = sha256(log);
        let mut used = self.link_bytes.lock().await;
        let there = sqlx::query("SELECT id FROM links WHERE id = $1")
            .bind(id.clone())
            .fetch_optional(&self.pool)
            .await?;
        if there.is_some() {
            return Ok(Kept::Before(id));
        }
        let more = used.saturating_add(log.len() as u64);
        if more > bytes_max {
            return Err(KeepError::Full { used: *used });
        }
        let statement = "INSERT INTO links (id, made_ms, bytes, log) VALUES ($1, $2, $3, $4) \
                         ON CONFLICT (id) DO NOTHING";
        sqlx::query(statement)
            .bind(id.clone())
            .bind(now_ms)
            .bind(length(log))
            .bind(log.to_vec())
            .execute(&self.pool)
            .await?;
        *used = more;
        Ok(Kept::New(id))
    }

    /// Forgets a link; whether there was one of this name.
    ///
    /// # Errors
    /// When the database fails; the link stays then.
    pub async fn forget_link(&self, id: &str) -> Result<bool, StoreError> {
        let mut used = self.link_bytes.lock().await;
        let gone = sqlx::query("DELETE FROM links WHERE id = $1 RETURNING bytes")
            .bind(id.to_owned())
            .fetch_optional(&self.pool)
            .await?;
        let Some(gone) = gone else { return Ok(false) };
        *used = used.saturating_sub(gone.try_get::<i64, _>("bytes")?.unsigned_abs());
        Ok(true)
    }

    /// The log of a link, if there is one of this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn link(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT log FROM links WHERE id = $1")
            .bind(id.to_owned())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| row.try_get("log")).transpose()
    }

    /// Closes all connections. What was acknowledged needs no closing to stay.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Carries `change` out whatever becomes of the caller. A client that hangs up drops the future that
/// works for it, at any `await`.
///
/// # Errors
/// Those of the change, and one if it panicked.
pub async fn to_the_end<T, E>(
    change: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    match tokio::spawn(change.in_current_span()).await {
        Ok(done) => done,
        Err(_) => Err(StoreError::WorkerCrashed.into()),
    }
}

/// A name for a new submission.
///
/// # Errors
/// When the system has no random numbers.
pub fn new_id() -> Result<String, StoreError> {
    random().map_err(StoreError::Io)
}

/// Copies a SQLite database, as it is at one moment, into the new file `to`, while others use it.
///
/// # Errors
/// When one of them cannot be opened, or `to` is there already.
pub async fn copy_file(place: &Place, to: &Path) -> Result<(), StoreError> {
    let (Place::File(file), Some(into)) = (place, to.to_str()) else {
        let odd = format!("{place} cannot be copied to {}", to.display());
        return Err(StoreError::Configuration(odd.into()));
    };
    install_default_drivers();
    // Empty, and for its owner only: so the database takes it as new.
    let mut create = OpenOptions::new();
    create.write(true).create_new(true).mode(0o600).open(to)?;
    let mut connection = AnyConnection::connect(&file_url(file)?).await?;
    set_up(&mut connection, true).await?;
    sqlx::query("VACUUM INTO $1")
        .bind(into.to_owned())
        .execute(&mut connection)
        .await?;
    connection.close().await
}

/// The statements that count bytes. (PostgreSQL's sum of BIGINTs is no BIGINT.)
const SUBMISSION_BYTES: &str =
    "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS used FROM submissions";
const LINK_BYTES: &str = "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS used FROM links";

async fn sum(pool: &AnyPool, statement: &'static str) -> Result<u64, StoreError> {
    let row = sqlx::query(statement).fetch_one(pool).await?;
    Ok(row.try_get::<i64, _>("used")?.unsigned_abs())
}

fn length(log: &[u8]) -> i64 {
    i64::try_from(log.len()).expect("a log fits into memory")
}

/// Prepares a connection. PostgreSQL is as it should be by itself.
async fn set_up(connection: &mut AnyConnection, is_file: bool) -> Result<(), StoreError> {
    if is_file {
        // FULL is what makes a commit outlive a power failure in this mode.
        let set = "PRAGMA busy_timeout = 30000; PRAGMA journal_mode = WAL; \
                   PRAGMA synchronous = FULL;";
        sqlx::raw_sql(set).execute(connection).await?;
    }
    Ok(())
}

fn migrations() -> Vec<Migration> {
    let numbered = (1..).zip(MIGRATIONS);
    numbered
        .map(|(version, (name, text))| {
            let text: SqlStr = text.into_sql_str();
            Migration::new(version, name.into(), MigrationType::Simple, text, false)
        })
        .collect()
}

/// Makes the file if it is not there yet, for its owner only. SQLite's other files follow it.
fn make_private(file: &Path) -> io::Result<()> {
    let mut open = OpenOptions::new();
    open.create(true).append(true).mode(0o600);
    open.open(file).map(drop)
}

/// The address of a SQLite file, in which only plain letters stand for themselves.
fn file_url(file: &Path) -> Result<String, StoreError> {
    use fmt::Write;

    let file = std::path::absolute(file)?;
    let Some(path) = file.to_str() else {
        let odd = format!("the path {} is not text", file.display());
        return Err(StoreError::Configuration(odd.into()));
    };
    let mut url = String::from("sqlite://");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            url.push(char::from(byte));
        } else {
            write!(url, "%{byte:02X}").expect("a string takes all");
        }
    }
    Ok(url + "?mode=rw")
}

fn to_json(grade: &Grade) -> Result<String, StoreError> {
    serde_json::to_string(grade).map_err(|error| StoreError::Encode(error.into()))
}

/// Reads the columns of a submission.
fn submission(row: &AnyRow) -> Result<Submission, StoreError> {
    let grade: String = row.try_get("grade")?;
    let grade = serde_json::from_str(&grade).map_err(|error| StoreError::Decode(error.into()))?;
    Ok(Submission {
        id: row.try_get("id")?,
        lab: row.try_get("lab")?,
        student: row.try_get("student")?,
        verified: row.try_get::<i64, _>("verified")? != 0,
        submitted_ms: row.try_get("submitted_ms")?,
        graded_ms: row.try_get("graded_ms")?,
        grade,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kill leaves the operating system alive, which then writes what it was given; only this
    /// tells whether a power failure would be survived as well.
    #[tokio::test]
    async fn sqlite_writes_to_the_disk_before_it_says_so() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = Place::File(folder.path().join(FILE));
        let store = Store::open(&place).await.expect("it opens");
        for _ in 0..2 * CONNECTIONS {
            let mut connection = store.pool.acquire().await.expect("a connection");
            let synchronous = sqlx::query("PRAGMA synchronous")
                .fetch_one(&mut *connection)
                .await;
            let synchronous: i64 = synchronous.expect("a row").get(0);
            let mode = sqlx::query("PRAGMA journal_mode")
                .fetch_one(&mut *connection)
                .await;
            let mode: String = mode.expect("a row").get(0);
            assert_eq!((synchronous, mode.as_str()), (2, "wal"));
            // Another one next time.
            drop(connection.detach());
        }
    }

    #[tokio::test]
    async fn a_change_goes_on_without_whoever_asked_for_it() {
        let (started, has_started) = tokio::sync::oneshot::channel();
        let (go, may_go) = tokio::sync::oneshot::channel::<()>();
        let (done, is_done) = tokio::sync::oneshot::channel();
        let asked = tokio::spawn(to_the_end(async move {
            started.send(()).expect("the test waits");
            may_go.await.expect("the test says so");
            done.send(()).expect("the test waits");
            Ok::<_, StoreError>(())
        }));
        has_started.await.expect("it starts");
        asked.abort();
        assert!(asked.await.expect_err("it was cut off").is_cancelled());
        go.send(()).expect("it goes on");
        is_done.await.expect("it ends");

        let failed = to_the_end::<(), StoreError>(async { panic!("on purpose") }).await;
        assert!(matches!(failed, Err(StoreError::WorkerCrashed)));
    }
}
