//! The smallest web server that can start a worker: files of one folder, on loopback.
//!
//! A browser runs a module worker only from an origin, so the driver of the wasm host needs one.
//! The real server would do, but a test of the kernel should not fail because of it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Serves a folder until it is dropped. Its root `/` is an empty page.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

impl Site {
    /// Starts to serve `folder` on a free port.
    pub fn serve(folder: PathBuf) -> Result<Site, String> {
        let failed = |error| format!("cannot listen on loopback: {error}");
        let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let folder = folder.clone();
                thread::spawn(move || answer(&stream, &folder));
            }
        });
        Ok(Site { address, is_over })
    }

    /// `http://127.0.0.1:PORT/`
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // A last visitor, so that the listener looks up and closes its socket.
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers one request and closes the connection.
fn answer(stream: &TcpStream, folder: &Path) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // The headers are read, or closing the connection would reset it.
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}

    let name = request
        .split(' ')
        .nth(1)
        .unwrap_or("/")
        .trim_start_matches('/');
    let name = name.split('?').next().unwrap_or_default();
    let index = format!("{name}index.html");
    let name = if name.ends_with('/') { &index } else { name };
    let (status, kind, body) = if name.is_empty() {
        (
            "200 OK",
            "text/html",
            b"<!doctype html><title>a plain web host</title><link rel=icon href=data:,>".to_vec(),
        )
    } else if name.contains("..") {
        ("404 Not Found", "text/plain", Vec::new())
    } else {
        match fs::read(folder.join(name)) {
            Ok(body) => ("200 OK", media_type(name), body),
            Err(_) => ("404 Not Found", "text/plain", Vec::new()),
        }
    };
    let length = body.len();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "text/plain",
    }
}
