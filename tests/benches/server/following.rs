//! One publishes, many follow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use labs::follow::{At, FOLLOW_VERSION, News};
use labs::protocol::encode;
use tests::server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Stands before the time at which a message was sent, in nanoseconds, in as many digits.
const MARK: u8 = b'@';
const DIGITS: usize = 16;

/// Bytes of a line in the measurement of throughput.
const LINE: usize = 1000;

const PATIENCE: Duration = Duration::from_secs(30);

/// A live session on one of the servers, and those who follow it.
pub struct Class {
    socket: WebSocketStream<TcpStream>,
    heard: Arc<Heard>,
    followers: u64,
    sent: u64,
    tasks: JoinSet<Result<(), String>>,
}

/// What the followers have heard, all together.
struct Heard {
    since: Instant,
    messages: AtomicU64,
    /// Who waits for so many messages is told.
    wanted: AtomicU64,
    enough: Notify,
    latencies: mpsc::UnboundedSender<u64>,
}

/// How long each message took to each follower, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Latency {
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
}

impl Latency {
    /// From nanoseconds.
    pub fn of(mut times: Vec<u64>) -> Latency {
        times.sort_unstable();
        let at = |part: f64| {
            let index = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
            times.get(index).copied().unwrap_or(0) as f64 / 1e6
        };
        Latency {
            p50: at(0.5),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

impl Class {
    /// Begins a live session and waits until all follow it.
    pub async fn begin(
        server: &Server,
        is_ours: bool,
        followers: u64,
    ) -> Result<(Class, mpsc::UnboundedReceiver<u64>), String> {
        let (follow, publish, key) = if is_ours {
            let (id, key) = announce(server.address()).await?;
            (
                format!("/api/live/{id}"),
                format!("/api/live/{id}/publish"),
                Some(key),
            )
        } else {
            ("/follow".to_string(), "/publish".to_string(), None)
        };
        let mut socket = connect(server.address(), &publish).await?;
        if let Some(key) = key {
            send(&mut socket, Message::Text(key.into())).await?;
            let whole = News::Whole {
                version: FOLLOW_VERSION,
                header: "mem=64M".to_string(),
                lines: Vec::new(),
                at: At::default(),
            };
            send(&mut socket, Message::Binary(encode(&whole).into())).await?;
        }
        let (latencies, times) = mpsc::unbounded_channel();
        let heard = Arc::new(Heard {
            since: Instant::now(),
            messages: AtomicU64::new(0),
            wanted: AtomicU64::new(u64::MAX),
            enough: Notify::new(),
            latencies,
        });
        let mut tasks = JoinSet::new();
        let (joined, mut joining) = mpsc::unbounded_channel();
        for _ in 0..followers {
            let (heard, joined) = (Arc::clone(&heard), joined.clone());
            let (address, path) = (server.address().to_string(), follow.clone());
            tasks.spawn(async move { listen(&address, &path, &heard, &joined).await });
            // One after the other, as fast as they are let in.
            let next = timeout(PATIENCE, joining.recv()).await;
            next.map_err(|_| "a follower is not let in".to_string())?;
        }
        Ok((
            Class {
                socket,
                heard,
                followers,
                sent: 0,
                tasks,
            },
            times,
        ))
    }

    /// Sends bursts of so many lines for a while, each when all have heard the one before; returns messages
    /// delivered a second.
    pub async fn throughput(&mut self, burst: u64, period: Duration) -> Result<f64, String> {
        let start = Instant::now();
        let before = self.sent;
        while start.elapsed() < period {
            let wanted = (self.sent + burst) * self.followers;
            self.heard.wanted.store(wanted, Ordering::SeqCst);
            for _ in 0..burst {
                let line = self.line(LINE);
                let sent = self.socket.feed(line).await;
                sent.map_err(|error| error.to_string())?;
                self.sent += 1;
            }
            let sent = self.socket.flush().await;
            sent.map_err(|error| error.to_string())?;
            self.until_heard(wanted).await?;
        }
        let delivered = (self.sent - before) * self.followers;
        Ok(delivered as f64 / start.elapsed().as_secs_f64())
    }

    /// Sends so many lines a second for a while.
    pub async fn lines_a_second(&mut self, rate: u32, period: Duration) -> Result<(), String> {
        let mut ticks = interval(Duration::from_secs(1) / rate);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let start = Instant::now();
        while start.elapsed() < period {
            ticks.tick().await;
            let line = self.line(40);
            send(&mut self.socket, line).await?;
            self.sent += 1;
        }
        let wanted = self.sent * self.followers;
        self.heard.wanted.store(wanted, Ordering::SeqCst);
        self.until_heard(wanted).await
    }

    /// Ends the session; an error if a follower met with one.
    pub async fn end(mut self) -> Result<(), String> {
        while let Some(ended) = self.tasks.try_join_next() {
            ended.map_err(|error| error.to_string())??;
        }
        self.tasks.shutdown().await;
        Ok(())
    }

    async fn until_heard(&self, wanted: u64) -> Result<(), String> {
        let heard = async {
            while self.heard.messages.load(Ordering::SeqCst) < wanted {
                self.heard.enough.notified().await;
            }
        };
        timeout(PATIENCE, heard).await.map_err(|_| {
            let messages = self.heard.messages.load(Ordering::SeqCst);
            format!("{messages} of {wanted} messages were heard")
        })
    }

    /// A message with a line of `length` bytes, the same on both servers.
    fn line(&self, length: usize) -> Message {
        let now = self.heard.since.elapsed().as_nanos();
        let mut line = format!("{}{now:0DIGITS$} ", MARK as char).into_bytes();
        line.resize(length, b'x');
        let news = News::Change {
            keep: 0,
            lines: vec![line],
            at: At {
                step: 1,
                chain: None,
            },
        };
        Message::Binary(encode(&news).into())
    }
}

async fn send(socket: &mut WebSocketStream<TcpStream>, message: Message) -> Result<(), String> {
    socket
        .send(message)
        .await
        .map_err(|error| error.to_string())
}

/// A WebSocket with a client of the usual kind.
pub async fn connect(address: &str, path: &str) -> Result<WebSocketStream<TcpStream>, String> {
    let request = format!("ws://{address}{path}").into_client_request();
    let request = request.map_err(|error| error.to_string())?;
    let stream = TcpStream::connect(address).await;
    let stream = stream.map_err(|error| error.to_string())?;
    stream
        .set_nodelay(true)
        .map_err(|error| error.to_string())?;
    let (socket, _) = client_async(request, stream)
        .await
        .map_err(|error| error.to_string())?;
    Ok(socket)
}

/// A name and a key for a live session.
async fn announce(address: &str) -> Result<(String, String), String> {
    let request = format!(
        "POST /api/live HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let mut answer = String::new();
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        stream.read_to_string(&mut answer).await
    };
    exchange.await.map_err(|error| error.to_string())?;
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    let names: serde_json::Value =
        serde_json::from_str(body).map_err(|_| format!("no live session: {answer}"))?;
    let text = |name: &str| names[name].as_str().unwrap_or_default().to_string();
    Ok((text("id"), text("key")))
}

/// A follower that looks at frames and not more, so that it costs this core little.
async fn listen(
    address: &str,
    path: &str,
    heard: &Heard,
    joined: &mpsc::UnboundedSender<()>,
) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("a follower: {error}");
    let mut stream = TcpStream::connect(address).await.map_err(failed)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut buffer = vec![0; 64 << 10];
    let mut filled = 0;
    let mut is_open = false;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.map_err(failed)?;
        if read == 0 {
            return Err("a follower was sent away".to_string());
        }
        filled += read;
        let mut from = 0;
        if !is_open {
            let Some(end) = buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n") else {
                continue;
            };
            if !buffer.starts_with(b"HTTP/1.1 101") {
                return Err(String::from_utf8_lossy(&buffer[..end]).into_owned());
            }
            is_open = true;
            from = end + 4;
        }
        let now = heard.since.elapsed().as_nanos() as u64;
        while let Some((payload, end)) = frame(&buffer[from..filled]) {
            match sent_at(&buffer[from + payload..from + end]) {
                Some(then) => {
                    heard.latencies.send(now.saturating_sub(then)).ok();
                    let messages = heard.messages.fetch_add(1, Ordering::SeqCst) + 1;
                    if messages == heard.wanted.load(Ordering::SeqCst) {
                        heard.enough.notify_one();
                    }
                }
                // The first message, whatever it says.
                None => drop(joined.send(())),
            }
            from += end;
        }
        buffer.copy_within(from..filled, 0);
        filled -= from;
    }
}

/// Where the payload of the frame at the beginning begins and ends, if all of it is here.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (begin, length) = match *bytes.get(1)? {
        126 => (
            4,
            usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        ),
        127 => (
            10,
            u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize,
        ),
        length => (2, usize::from(length)),
    };
    (bytes.len() >= begin + length).then_some((begin, begin + length))
}

/// When a message was sent.
fn sent_at(payload: &[u8]) -> Option<u64> {
    let head = &payload[..payload.len().min(32)];
    let mark = head.iter().position(|byte| *byte == MARK)?;
    let digits = payload.get(mark + 1..mark + 1 + DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
