//! Kernels in the server's process: what one takes that nobody uses, and how long many at once wait.

use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use labs::protocol::{Request, Response, decode, encode};
use tests::server::Server;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::following::{Latency, connect};
use crate::pinned::memory_of;

/// Sessions that were opened.
pub struct Crowd {
    sockets: Vec<WebSocketStream<TcpStream>>,
    /// What the server had before, in bytes.
    before: f64,
}

impl Crowd {
    /// Opens so many sessions with the default machine.
    pub async fn open(server: &Server, count: usize) -> Result<Crowd, String> {
        let mut crowd = Crowd {
            sockets: Vec::new(),
            before: memory_of(server)?,
        };
        for _ in 0..count {
            let mut socket = connect(server.address(), "/api/session/native").await?;
            let header = String::new();
            ask(&mut socket, &Request::Open { header }).await?;
            crowd.sockets.push(socket);
        }
        Ok(crowd)
    }

    /// Bytes that a session takes, and the process as a whole.
    pub fn memory(&self, server: &Server) -> Result<(f64, f64), String> {
        let now = memory_of(server)?;
        Ok(((now - self.before) / self.sockets.len() as f64, now))
    }

    /// All sessions run this line at the same time.
    pub async fn run(&mut self, line: &str) -> Result<Latency, String> {
        let request = Request::Run {
            lines: vec![line.into()],
        };
        let mut tasks = JoinSet::new();
        for mut socket in self.sockets.drain(..) {
            let request = request.clone();
            tasks.spawn(async move {
                let start = Instant::now();
                let answer = ask(&mut socket, &request).await;
                (answer, start.elapsed().as_nanos() as u64, socket)
            });
        }
        let mut times = Vec::new();
        while let Some(joined) = tasks.join_next().await {
            let (answer, time, socket) = joined.map_err(|error| error.to_string())?;
            match answer? {
                Response::Ran { lines, .. } if lines[0].status == 0 => {}
                other => return Err(format!("{line} was answered by {other:?}")),
            }
            times.push(time);
            self.sockets.push(socket);
        }
        Ok(Latency::of(times))
    }
}

async fn ask(
    socket: &mut WebSocketStream<TcpStream>,
    request: &Request,
) -> Result<Response, String> {
    let sent = socket.send(Message::Binary(encode(request).into())).await;
    sent.map_err(|error| error.to_string())?;
    match socket.next().await {
        Some(Ok(Message::Binary(bytes))) => match decode(&bytes)? {
            Response::Error { message } => Err(message),
            response => Ok(response),
        },
        other => Err(format!("no answer to {}: {other:?}", request.name())),
    }
}
