//! What the store promises, kept by SQLite and by PostgreSQL alike.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use labs::grade::Grade;
use labs::lab::Lab;
use serde_json::json;
use server::store::{KeepError, Kept, Place, Store, Submission, Which, new_id};

use crate::postgres::Cluster;
use crate::site::{Site, test_grade};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_keeps_what_the_store_promises() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A name that would mean something in an address.
    let file = folder.path().join("50% a?b#c é.sqlite");
    keeps_promises(&Place::File(file.clone())).await;
    let mode = std::fs::metadata(&file).expect("it was made").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgresql_keeps_what_the_store_promises() {
    let cluster = Cluster::start();
    keeps_promises(&Place::Postgres(cluster.url().to_owned())).await;

    // And a whole server on it.
    let url = cluster.url().to_owned();
    let site = Site::with(|config| config.database = Some(server::keys::Hidden(url))).await;
    let sent = json!({"student": "Łukasz", "log": "points 4"});
    assert_eq!(site.submit("radix-keys", &sent).await.status, 201);
    assert_eq!(site.submit("radix-keys", &sent).await.status, 200);
    let csv = site.teacher_gets("/api/labs/radix-keys/grades.csv").await;
    assert!(csv.text().contains("\r\nŁukasz,no,4,10,"), "{}", csv.text());
    assert!(!site.folder.path().join("data/glass.sqlite").exists());
}

/// Room enough.
const MAX: u64 = 1 << 30;

async fn keeps_promises(place: &Place) {
    let store = Arc::new(Store::open(place).await.expect("it opens"));
    one_log_is_kept_once(&store).await;
    lists_are_in_order(&store).await;
    grades_change(&store).await;
    links_are_bounded(&store).await;
    let bytes = submissions_are_bounded(&store).await;
    // Opened again, by another server at the same time.
    let other = Store::open(place).await.expect("it opens");
    let sent = submission("full", "eve", b"points 1", 1);
    let full = other.keep_submission(sent, b"points 1", 0).await;
    assert!(matches!(full, Err(KeepError::Full { used }) if used == bytes));
    let full = other.keep_link(b"x", 1, 0).await;
    assert!(matches!(full, Err(KeepError::Full { used: 600 })));
    assert_eq!(other.counts("once").await.expect("counted"), (1, 1));
    store.close().await;
    assert_eq!(other.counts("once").await.expect("counted"), (1, 1));
    assert_eq!(other.counts("'; --").await.expect("counted"), (0, 0));
}

fn submission(lab: &str, student: &str, log: &[u8], time: i64) -> Submission {
    Submission {
        id: new_id().expect("random numbers"),
        lab: lab.to_owned(),
        student: student.to_owned(),
        verified: false,
        submitted_ms: time,
        graded_ms: time,
        grade: grade(log),
    }
}

fn grade(log: &[u8]) -> Grade {
    let lab = Lab {
        version: 1,
        ..Lab::default()
    };
    let submission = labs::grade::Submission {
        log,
        variant: 7,
        claimed: None,
    };
    test_grade(&lab, submission).expect("it grades")
}

async fn one_log_is_kept_once(store: &Arc<Store>) {
    let log = b"points 3\n\0\xff\xfe";
    let senders: Vec<_> = (0..8)
        .map(|time| {
            let store = Arc::clone(store);
            let mine = submission("once", "ada ☃", log, time);
            tokio::spawn(async move { store.keep_submission(mine, log, MAX).await.expect("kept") })
        })
        .collect();
    let mut new = Vec::new();
    let mut before = Vec::new();
    for sender in senders {
        match sender.await.expect("no panic") {
            Kept::New(submission) => new.push(submission),
            Kept::Before(submission) => before.push(submission),
        }
    }
    assert_eq!((new.len(), before.len()), (1, 7));
    assert!(before.iter().all(|submission| *submission == new[0]));
    let found = store
        .submission_of("once", "ada ☃", log)
        .await
        .expect("searched");
    assert_eq!(found.as_ref(), Some(&new[0]));
    let (kept, kept_log) = store
        .submission(&new[0].id)
        .await
        .expect("searched")
        .expect("found");
    assert_eq!((&kept, kept_log.as_slice()), (&new[0], log.as_slice()));
    assert_eq!(store.submission("").await.expect("searched"), None);
    assert_eq!(
        store
            .submission_of("once", "ada", log)
            .await
            .expect("searched"),
        None
    );
}

async fn lists_are_in_order(store: &Store) {
    for (student, points, time) in [
        ("b", 1, 5),
        ("a", 2, 6),
        ("a", 9, 7),
        ("a", 9, 8),
        ("c", 0, 9),
    ] {
        let log = format!("points {points}\n{time}");
        let sent = submission("lists", student, log.as_bytes(), time);
        let kept = store
            .keep_submission(sent, log.as_bytes(), MAX)
            .await
            .expect("kept");
        assert!(matches!(kept, Kept::New(_)));
    }
    let times = async |which, student, count, skip| {
        let list = store.list("lists", which, student, count, skip).await;
        let list = list.expect("listed");
        list.iter()
            .map(|listed| (listed.submission.submitted_ms, listed.attempts))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        times(Which::Best, None, 10, 0).await,
        [(7, 3), (5, 1), (9, 1)]
    );
    assert_eq!(
        times(Which::Newest, None, 10, 0).await,
        [(8, 3), (5, 1), (9, 1)]
    );
    assert_eq!(
        times(Which::All, None, 10, 0).await,
        [(9, 1), (8, 3), (7, 3), (6, 3), (5, 1)]
    );
    assert_eq!(times(Which::All, None, 2, 1).await, [(8, 3), (7, 3)]);
    assert_eq!(times(Which::Best, Some("a"), 10, 0).await, [(7, 3)]);
    assert_eq!(times(Which::All, Some("a"), 10, 1).await, [(7, 3), (6, 3)]);
    assert_eq!(times(Which::All, Some("nobody"), 10, 0).await, []);
    assert_eq!(times(Which::All, None, 0, 0).await, []);
    assert_eq!(store.counts("lists").await.expect("counted"), (5, 3));
    assert_eq!(store.ids("lists").await.expect("listed").len(), 5);
    assert_eq!(
        store.ids("nothing").await.expect("listed"),
        Vec::<String>::new()
    );
}

async fn grades_change(store: &Store) {
    let sent = submission("grades", "ada", b"points 1", 1);
    let id = sent.id.clone();
    store
        .keep_submission(sent, b"points 1", MAX)
        .await
        .expect("kept");
    store.verify(&id).await.expect("noted");
    store
        .regrade(&id, &grade(b"points 8"), 77)
        .await
        .expect("noted");
    let (now, _) = store
        .submission(&id)
        .await
        .expect("searched")
        .expect("found");
    assert_eq!(
        (now.verified, now.submitted_ms, now.graded_ms),
        (true, 1, 77)
    );
    assert_eq!(now.grade, grade(b"points 8"));
    let best = store
        .list("grades", Which::Best, None, 1, 0)
        .await
        .expect("listed");
    assert_eq!(best[0].submission, now);
}

async fn links_are_bounded(store: &Arc<Store>) {
    // Ten at once, for six of which there is room.
    let senders: Vec<_> = (0..10u8)
        .map(|number| {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.keep_link(&[number; 100], 1, 650).await })
        })
        .collect();
    let mut made = Vec::new();
    for (number, sender) in senders.into_iter().enumerate() {
        match sender.await.expect("no panic") {
            Ok(Kept::New(id)) => made.push((id, [number as u8; 100])),
            Err(KeepError::Full { used }) => assert_eq!(used, 600),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(made.len(), 6);
    for (id, log) in &made {
        let found = store.link(id).await.expect("searched");
        assert_eq!(found.as_deref(), Some(log.as_slice()));
        let again = store.keep_link(log, 2, 0).await.expect("it is there");
        assert_eq!(again, Kept::Before(id.clone()));
    }
    assert_eq!(store.link("0").await.expect("searched"), None);
    // What is forgotten makes room, once.
    let (id, log) = &made[0];
    assert!(store.forget_link(id).await.expect("done"));
    assert!(!store.forget_link(id).await.expect("done"));
    assert_eq!(store.link(id).await.expect("searched"), None);
    let full = store.keep_link(&[99; 151], 3, 650).await;
    assert!(
        matches!(full, Err(KeepError::Full { used: 500 })),
        "{full:?}"
    );
    store.keep_link(log, 3, 600).await.expect("it fits");
}

/// Returns how many bytes there are at last.
async fn submissions_are_bounded(store: &Store) -> u64 {
    let log = b"points 1\n# and no more than that";
    let keep = async |student: &str, max: u64| {
        let sent = submission("full", student, log, 1);
        store.keep_submission(sent, log, max).await
    };
    let Err(KeepError::Full { used }) = keep("ada", 0).await else {
        panic!("there is no room")
    };
    let room = used + log.len() as u64;
    let Ok(Kept::New(kept)) = keep("ada", room).await else {
        panic!("there is room for one")
    };
    let full = keep("bob", room).await;
    assert!(matches!(full, Err(KeepError::Full { used }) if used == room));
    assert_eq!(store.attempts("full", "ada").await.expect("counted"), 1);
    assert_eq!(store.attempts("full", "bob").await.expect("counted"), 0);
    assert!(store.forget_submission(&kept.id).await.expect("done"));
    assert!(!store.forget_submission(&kept.id).await.expect("done"));
    assert_eq!(store.submission(&kept.id).await.expect("searched"), None);
    assert!(matches!(keep("bob", room).await, Ok(Kept::New(_))));
    // What is there already takes no room.
    let again = keep("bob", 2 * room).await;
    assert!(matches!(again, Ok(Kept::Before(_))));
    room
}

#[tokio::test]
async fn a_database_of_a_later_version_is_not_touched() {
    use sqlx::Connection;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("db");
    let place = Place::File(file.clone());
    Store::open(&place).await.expect("it opens").close().await;
    let url = format!("sqlite://{}", file.display());
    let mut later = sqlx::AnyConnection::connect(&url)
        .await
        .expect("it is there");
    sqlx::raw_sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99, 'later', 1, x'00', 0)",
    )
    .execute(&mut later)
    .await
    .expect("a row");
    later.close().await.expect("closed");
    let error = Store::open(&place).await.expect_err("it is too new");
    assert!(error.to_string().contains("99"), "{error}");

    std::fs::write(
        &file,
        "this is no database, but long enough for a header: ".repeat(20),
    )
    .expect("writable");
    let error = Store::open(&place).await.expect_err("it is none");
    assert!(error.to_string().contains("not a database"), "{error}");
}
