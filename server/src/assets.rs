//! The page's files.
//!
//! They come from one folder, looked at for each request so that a rebuilt page shows on reload, and are kept in
//! memory as long as they do not change (`shelf`). The
//! build lays a `.br` and a `.gz` beside each file; a client that understands one gets it as it
//! is. Names carry no hash, so a cached copy is kept but always revalidated (`no-cache`): an
//! unchanged file then costs one short 304, by `ETag` or `Last-Modified`.

use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::any_service;
use tower::{Service, ServiceExt, service_fn};
use tower_http::services::ServeDir;

use crate::shelf::Shelf;

/// What the page may do. Scripts, styles and connections are this server's own; WebAssembly may be
/// compiled; nothing is inline. Who may show the page in a frame comes last, see [`Hardening`].
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
    base-uri 'none'; object-src 'none'; frame-ancestors ";

const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// Serves the files of `dist`, and a small page for addresses that it does not have.
pub fn service(
    dist: &Path,
) -> impl Service<Request<Body>, Response = Response, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    let missing = service_fn(|_| async {
        Ok::<_, Infallible>((StatusCode::NOT_FOUND, Html(include_str!("404.html"))).into_response())
    });
    let files = ServeDir::new(dist)
        .precompressed_br()
        .precompressed_gzip()
        .fallback(missing)
        .map_response(|response| {
            let mut response = response.map(Body::new);
            response
                .headers_mut()
                .entry(header::CACHE_CONTROL)
                .or_insert(HeaderValue::from_static("no-cache"));
            response
        });
    let shelf = Arc::new(Shelf::new(dist));
    any_service(service_fn(move |request: Request<Body>| {
        let (files, shelf) = (files.clone(), Arc::clone(&shelf));
        async move {
            let (parts, body) = request.into_parts();
            if let Some(answer) = shelf.answer(&parts) {
                return Ok(answer);
            }
            let wish = shelf.wish(&parts);
            let response = files.oneshot(Request::from_parts(parts, body)).await?;
            Ok::<_, Infallible>(match wish {
                Some(wish) => shelf.keep(wish, response).await,
                None => response,
            })
        }
    }))
}

/// The headers that all answers carry.
#[derive(Debug, Clone)]
pub struct Hardening {
    policy: HeaderValue,
}

impl Hardening {
    /// Headers by which pages of `embedders` may show this one in a frame, besides this server's
    /// own pages.
    pub fn new(embedders: &Embedders) -> Hardening {
        let policy = format!("{CONTENT_SECURITY_POLICY}{embedders}");
        Hardening {
            policy: HeaderValue::try_from(policy).expect("origins hold plain letters only"),
        }
    }

    /// Adds the headers to `response`.
    pub fn harden<B>(&self, mut response: Response<B>) -> Response<B> {
        let headers = response.headers_mut();
        headers.extend(HEADERS);
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        response
    }
}

/// Whose pages may show ours in a frame: a teacher's course page, a learning platform.
///
/// The default is nobody else's, because a page in a frame can be made to look like a part of
/// another (clickjacking).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Embedders {
    /// Everybody.
    All,
    /// These origins, such as `https://moodle.example.edu`.
    Origins(Vec<String>),
}

impl Default for Embedders {
    fn default() -> Embedders {
        Embedders::Origins(Vec::new())
    }
}

impl Embedders {
    /// Reads `*`, or origins with blanks or commas between them; `https://*.example.edu` stands for
    /// all hosts there.
    ///
    /// # Errors
    /// When one is no origin.
    pub fn parse(text: &str) -> Result<Embedders, &'static str> {
        if text.trim() == "*" {
            return Ok(Embedders::All);
        }
        let words = text
            .split([' ', ','])
            .filter(|word| !word.is_empty() && !matches!(*word, "'self'" | "self"));
        let origins: Vec<String> = words.map(str::to_owned).collect();
        if origins.iter().all(|origin| is_origin(origin)) {
            Ok(Embedders::Origins(origins))
        } else {
            Err("expected * or origins like https://moodle.example.edu")
        }
    }
}

/// The sources of a `frame-ancestors` directive.
impl fmt::Display for Embedders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Embedders::All => f.write_str("*"),
            Embedders::Origins(origins) => {
                f.write_str("'self'")?;
                origins.iter().try_for_each(|origin| write!(f, " {origin}"))
            }
        }
    }
}

/// Whether this is a scheme and a host, and nothing that would end the directive.
fn is_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]*".contains(&byte);
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_may_embed() {
        for (text, directive) in [
            ("", "'self'"),
            ("'self'", "'self'"),
            ("*", "*"),
            ("https://a.example", "'self' https://a.example"),
            (
                "http://127.0.0.1:8000, https://*.b.example",
                "'self' http://127.0.0.1:8000 https://*.b.example",
            ),
        ] {
            let embedders = Embedders::parse(text).expect(text);
            assert_eq!(embedders.to_string(), directive);
            Hardening::new(&embedders);
        }
        for text in [
            "a.example",
            "https://",
            "https://a.example;script-src",
            "https://a.example/path",
            "* https://a.example",
            "https://é.example",
            "https://a\r\nb",
        ] {
            assert!(Embedders::parse(text).is_err(), "{text}");
        }
    }
}
