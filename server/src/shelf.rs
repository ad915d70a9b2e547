//! The page's files in memory.
//!
//! A file of the page is read from the disk in pieces, each on another thread and back: for half a megabyte that is
//! most of what answering takes. A page is a few megabytes, so the answers are kept, headers and all, just as
//! [`ServeDir`](tower_http::services::ServeDir) gave them, one for each `Accept-Encoding` that clients send;
//! there are few.
//!
//! Nothing else changes: a kept answer is given only if its file is still the one that was read, which a look at
//! the file's length and time tells each time (a microsecond, for the system has these at hand). Whatever is not
//! the plain case, a range, an odd path, a list of tags, goes to `ServeDir`.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

/// The longest file that is kept, in bytes.
const FILE_MAX: u64 = 8 << 20;

/// What all kept files may have together, in bytes. A page has some 5 MB, and its copies 2 MB.
const ALL_MAX: usize = 64 << 20;

/// Ways to accept encodings that are known for one file.
const WAYS_MAX: usize = 8;

/// A file that changed so recently may change again without its time telling.
const UNSETTLED: Duration = Duration::from_secs(2);

/// Headers by which a client asks for something other than the whole file.
const SPECIAL: [HeaderName; 4] = [
    header::RANGE,
    header::IF_RANGE,
    header::IF_MATCH,
    header::IF_UNMODIFIED_SINCE,
];

/// Answers that were given, by the path that was asked for.
#[derive(Debug)]
pub(crate) struct Shelf {
    dist: PathBuf,
    books: RwLock<Books>,
}

#[derive(Debug, Default)]
struct Books {
    by_path: HashMap<String, Vec<Book>>,
    /// Of all bodies.
    bytes: usize,
}

/// One answer.
#[derive(Debug)]
struct Book {
    accepts: Option<HeaderValue>,
    file: PathBuf,
    edition: Edition,
    headers: HeaderMap,
    body: Bytes,
}

/// What tells a file from one that was put in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Edition {
    modified: SystemTime,
    bytes: u64,
    inode: u64,
}

impl Edition {
    fn of(file: &Path) -> Option<Edition> {
        let metadata = fs::metadata(file).ok()?;
        Some(Edition {
            modified: metadata.modified().ok()?,
            bytes: metadata.len(),
            inode: metadata.ino(),
        })
    }

    /// Whether a later change would be seen.
    fn is_settled(&self) -> bool {
        let age = SystemTime::now().duration_since(self.modified);
        age.is_ok_and(|age| age > UNSETTLED)
    }
}

/// A request whose answer may be kept: which file it asks for, in which edition, before it was read.
pub(crate) struct Wish {
    path: String,
    accepts: Option<HeaderValue>,
    editions: [(&'static str, Option<Edition>); 3],
}

impl Shelf {
    /// An empty shelf for the files of `dist`.
    pub fn new(dist: &Path) -> Shelf {
        Shelf {
            dist: dist.to_owned(),
            books: RwLock::default(),
        }
    }

    /// The answer, if it is here and still right.
    pub fn answer(&self, request: &Parts) -> Option<Response> {
        if !is_plain(request) {
            return None;
        }
        let accepts = request.headers.get(header::ACCEPT_ENCODING);
        let books = self.books.read().unwrap_or_else(PoisonError::into_inner);
        let ways = books.by_path.get(request.uri.path())?;
        let book = ways.iter().find(|book| book.accepts.as_ref() == accepts)?;
        if Edition::of(&book.file) != Some(book.edition) {
            return None;
        }
        // A tag counts more than a date, if there are both.
        let conditions = [
            (header::IF_NONE_MATCH, header::ETAG),
            (header::IF_MODIFIED_SINCE, header::LAST_MODIFIED),
        ];
        for (condition, mark) in conditions {
            if let Some(known) = request.headers.get(condition) {
                // Lists, weak tags and other dates are compared elsewhere.
                return (book.headers.get(mark) == Some(known)).then(|| book.unchanged());
            }
        }
        let is_head = request.method == Method::HEAD;
        let body = match is_head {
            true => Body::empty(),
            false => Body::from(book.body.clone()),
        };
        let mut response = Response::new(body);
        *response.headers_mut() = book.headers.clone();
        Some(response)
    }

    /// Notes what is asked for, if the answer may be kept.
    pub fn wish(&self, request: &Parts) -> Option<Wish> {
        let path = request.uri.path();
        let is_whole = is_plain(request)
            && request.method == Method::GET
            && !request.headers.contains_key(header::IF_NONE_MATCH)
            && !request.headers.contains_key(header::IF_MODIFIED_SINCE);
        if !is_whole || !is_simple(path) {
            return None;
        }
        Some(Wish {
            accepts: request.headers.get(header::ACCEPT_ENCODING).cloned(),
            editions: ["", "br", "gzip"]
                .map(|encoding| (encoding, Edition::of(&self.file(path, encoding)))),
            path: path.to_owned(),
        })
    }

    /// Keeps the answer to a wish, and gives it on.
    pub async fn keep(&self, wish: Wish, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let text = |name| {
            parts
                .headers
                .get(name)
                .map_or("", |v| v.to_str().unwrap_or("?"))
        };
        let encoding = text(header::CONTENT_ENCODING);
        let found = wish.editions.iter().find(|(known, _)| *known == encoding);
        let length = text(header::CONTENT_LENGTH).parse::<u64>().ok();
        let edition = found.and_then(|(_, edition)| *edition).filter(|edition| {
            edition.is_settled() && edition.bytes <= FILE_MAX && length == Some(edition.bytes)
        });
        let Some(edition) = edition.filter(|_| parts.status == StatusCode::OK) else {
            return Response::from_parts(parts, body);
        };
        let Ok(body) = to_bytes(body, FILE_MAX as usize).await else {
            // What was read of it is gone; the client asks again.
            return Response::builder()
                .status(StatusCode::INTERNAL_SERVER_ERROR)
                .body(Body::empty())
                .expect("a status makes an answer");
        };
        let book = Book {
            accepts: wish.accepts,
            file: self.file(&wish.path, encoding),
            edition,
            headers: parts.headers.clone(),
            body: body.clone(),
        };
        self.put(wish.path, book);
        Response::from_parts(parts, Body::from(body))
    }

    fn put(&self, path: String, book: Book) {
        let mut books = self.books.write().unwrap_or_else(PoisonError::into_inner);
        if books.bytes + book.body.len() > ALL_MAX {
            *books = Books::default();
        }
        let books = &mut *books;
        let ways = books.by_path.entry(path).or_default();
        let mut is_fresh = |known: &Book| {
            let stays = known.accepts != book.accepts && ways_fit(known, &book);
            books.bytes -= if stays { 0 } else { known.body.len() };
            stays
        };
        ways.retain(&mut is_fresh);
        if ways.len() < WAYS_MAX {
            books.bytes += book.body.len();
            ways.push(book);
        }
    }

    /// The file behind a path in an encoding.
    fn file(&self, path: &str, encoding: &str) -> PathBuf {
        let mut name = path[1..].to_owned();
        if path.ends_with('/') {
            name.push_str("index.html");
        }
        name.push_str(match encoding {
            "br" => ".br",
            "gzip" => ".gz",
            _ => "",
        });
        self.dist.join(name)
    }
}

/// Whether two answers may be of one build: the same file has one edition.
fn ways_fit(known: &Book, new: &Book) -> bool {
    known.file != new.file || known.edition == new.edition
}

impl Book {
    /// What a client hears that has the file already.
    fn unchanged(&self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        for name in [header::ETAG, header::LAST_MODIFIED, header::CACHE_CONTROL] {
            if let Some(value) = self.headers.get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response
    }
}

/// Whether a request is for a file as a whole.
fn is_plain(request: &Parts) -> bool {
    matches!(request.method, Method::GET | Method::HEAD)
        && !SPECIAL
            .iter()
            .any(|name| request.headers.contains_key(name))
}

/// Whether a path is a file's name as it is: nothing to decode, nowhere to climb.
fn is_simple(path: &str) -> bool {
    let simple = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    path.starts_with('/')
        && path.bytes().all(simple)
        && !path.contains("..")
        && !path.contains("//")
}
