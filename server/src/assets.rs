//! The page's files.
//!
//! They come from one folder, read at each request so that a rebuilt page shows on reload. The
//! build lays a `.br` and a `.gz` beside each file; a client that understands one gets it as it
//! is. Names carry no hash, so a cached copy is kept but always revalidated (`no-cache`): an
//! unchanged file then costs one short 304, by `ETag` or `Last-Modified`.

use std::convert::Infallible;
use std::path::Path;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::any_service;
use tower::{Service, ServiceExt, service_fn};
use tower_http::services::ServeDir;

/// What the page may do. Scripts, styles and connections are this server's own; WebAssembly may be
/// compiled; nothing is inline.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
    base-uri 'none'; object-src 'none'";

const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(CONTENT_SECURITY_POLICY),
    ),
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
    any_service(files)
}

/// Adds to `response` the headers that all of them carry.
pub fn harden<B>(mut response: Response<B>) -> Response<B> {
    response.headers_mut().extend(HEADERS);
    response
}
