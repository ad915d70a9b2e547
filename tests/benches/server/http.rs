//! Requests on connections that stay open.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tests::server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::pinned::busy_seconds;

/// Connections at a time.
const CONNECTIONS: usize = 16;

/// How long a round of one request takes.
const ROUND: Duration = Duration::from_millis(1000);

/// Bytes of the large file, and of its compressed copy. What they hold is of no importance.
const LARGE: usize = 500_000;
const LARGE_PACKED: usize = 200_000;

/// Something that is asked again and again.
pub struct Question {
    pub name: &'static str,
    pub path: &'static str,
    pub header: &'static str,
    /// The client has the file, and asks whether it is still the same.
    pub has_it: bool,
    /// How an answer begins, by which a wrong one is seen.
    pub status: &'static str,
    /// How long its body is, where both servers say the same.
    pub body: Option<usize>,
}

/// The questions.
pub const QUESTIONS: [Question; 5] = [
    Question {
        name: "hello",
        path: "/healthz",
        header: "",
        has_it: false,
        status: "HTTP/1.1 200",
        body: None,
    },
    Question {
        name: "1 kB file",
        path: "/index.html",
        header: "",
        has_it: false,
        status: "HTTP/1.1 200",
        body: Some(1000),
    },
    Question {
        name: "unchanged file",
        path: "/large.wasm",
        header: "",
        has_it: true,
        status: "HTTP/1.1 304",
        body: Some(0),
    },
    Question {
        name: "500 kB file",
        path: "/large.wasm",
        header: "",
        has_it: false,
        status: "HTTP/1.1 200",
        body: Some(LARGE),
    },
    Question {
        name: "500 kB, brotli",
        path: "/large.wasm",
        header: "Accept-Encoding: gzip, deflate, br, zstd\r\n",
        has_it: false,
        status: "HTTP/1.1 200",
        body: Some(LARGE_PACKED),
    },
];

/// Makes the files that are asked for.
pub fn make_files(dist: &Path) -> Result<(), String> {
    let bytes = |count: usize| {
        (0..count)
            .map(|n| ((n * 7919) >> 5) as u8)
            .collect::<Vec<u8>>()
    };
    fs::create_dir_all(dist)
        .and_then(|()| fs::write(dist.join("index.html"), bytes(1000)))
        .and_then(|()| fs::write(dist.join("large.wasm"), bytes(LARGE)))
        .and_then(|()| fs::write(dist.join("large.wasm.br"), bytes(LARGE_PACKED)))
        .map_err(|error| format!("{}: {error}", dist.display()))
}

/// What a round of one question came to.
pub struct Round {
    /// Answers a second.
    pub rate: f64,
    /// What an answer took of the server's processor, in microseconds.
    pub busy_us: f64,
}

/// Asks for a round.
pub async fn ask_for_a_round(
    server: &Server,
    question: &'static Question,
) -> Result<Round, String> {
    let address = server.address();
    let busy = busy_seconds(server)?;
    let mut asking = JoinSet::new();
    let start = Instant::now();
    for _ in 0..CONNECTIONS {
        asking.spawn(ask(address.to_string(), question, start + ROUND));
    }
    let mut answers = 0;
    while let Some(joined) = asking.join_next().await {
        answers += joined.map_err(|error| error.to_string())??;
    }
    let (answers, elapsed) = (answers as f64, start.elapsed().as_secs_f64());
    Ok(Round {
        rate: answers / elapsed,
        busy_us: (busy_seconds(server)? - busy) / answers * 1e6,
    })
}

async fn ask(address: String, question: &Question, until: Instant) -> Result<u64, String> {
    let failed = |error| format!("{}: {error}", question.name);
    let mut stream = TcpStream::connect(&address).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let known = match question.has_it {
        true => format!("If-None-Match: {}\r\n", tag(&address, question.path).await?),
        false => String::new(),
    };
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {address}\r\n{}{known}\r\n",
        question.path, question.header
    );
    let mut buffer = vec![0; 256 << 10];
    let mut answers = 0;
    while Instant::now() < until {
        stream.write_all(request.as_bytes()).await.map_err(failed)?;
        let mut filled = 0;
        let (head, length) = loop {
            let read = stream.read(&mut buffer[filled..]).await.map_err(failed)?;
            if read == 0 {
                return Err(format!("{}: the connection closed", question.name));
            }
            filled += read;
            if let Some(end) = buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n") {
                break (end + 4, content_length(&buffer[..end])?);
            }
        };
        if !buffer.starts_with(question.status.as_bytes())
            || question.body.is_some_and(|body| body != length)
        {
            let head = String::from_utf8_lossy(&buffer[..head]);
            return Err(format!("{}: {head}", question.name));
        }
        let mut left = length - (filled - head);
        while left > 0 {
            let read = stream.read(&mut buffer).await.map_err(failed)?;
            if read == 0 {
                return Err(format!("{}: the body ended", question.name));
            }
            left -= read;
        }
        answers += 1;
    }
    Ok(answers)
}

/// The tag of a file.
async fn tag(address: &str, path: &str) -> Result<String, String> {
    let request = format!("HEAD {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        stream.read_to_string(&mut answer).await
    };
    exchange.await.map_err(|error| error.to_string())?;
    let tag = answer.lines().find_map(|line| line.strip_prefix("etag: "));
    tag.map(str::to_string).ok_or(answer)
}

fn content_length(head: &[u8]) -> Result<usize, String> {
    let head = std::str::from_utf8(head).map_err(|error| error.to_string())?;
    let named = head
        .split("\r\n")
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    match named {
        Some((_, length)) => length.parse().map_err(|_| head.to_string()),
        None => Ok(0),
    }
}
