//! The two clients: one HTTP request a connection, and a WebSocket that speaks the protocol.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use labs::follow::{News, Notice};
use labs::protocol::{self, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::PATIENCE;

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        let found = self
            .headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of text")
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}

/// Sends one request without a body. The path goes out as it is, dots and all.
pub async fn http(addr: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Answer {
    exchange(addr, method, path, headers, None)
        .await
        .expect("the server answers")
}

/// Sends one request with a body.
pub async fn post(addr: SocketAddr, path: &str, headers: &[&str], body: &[u8]) -> Answer {
    exchange(addr, "POST", path, headers, Some(body))
        .await
        .expect("the server answers")
}

/// Sends one request; fails if the connection does.
pub async fn exchange(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: Option<&[u8]>,
) -> std::io::Result<Answer> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n");
    if let Some(body) = body {
        request += &format!("Content-Length: {}\r\n", body.len());
    }
    for header in headers {
        request += header;
        request += "\r\n";
    }
    request += "\r\n";
    let exchange = async {
        let mut stream = TcpStream::connect(addr).await?;
        stream.write_all(request.as_bytes()).await?;
        stream.write_all(body.unwrap_or_default()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = timeout(PATIENCE, exchange).await.expect("in time")?;
    let broken = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let head_end = answer
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .ok_or_else(broken)?;
    let head = std::str::from_utf8(&answer[..head_end]).expect("a head of text");
    let (status_line, rest) = head.split_once("\r\n").expect("headers");
    let headers = rest.split("\r\n").filter_map(|line| line.split_once(": "));
    let answer = Answer {
        status: status_line
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .expect("a status"),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: answer[head_end + 4..].to_vec(),
    };
    // A connection that breaks in the middle ends like one that is closed.
    match answer.header("content-length").parse::<usize>() {
        Ok(length) if method != "HEAD" && answer.body.len() != length => Err(broken()),
        _ => Ok(answer),
    }
}

/// A session's client end.
pub struct Client {
    socket: WebSocketStream<TcpStream>,
}

/// What comes out of a session.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// A response.
    Answer(Response),
    /// The server closed with this code and reason.
    Closed(u16, String),
    /// The connection broke.
    Broken,
}

impl Client {
    /// Opens a session; a refusal comes back as status and body.
    pub async fn connect(
        addr: SocketAddr,
        host: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Client, (u16, String)> {
        Client::connect_to(addr, &format!("/api/session/{host}"), headers).await
    }

    /// Opens a WebSocket at `path`; a refusal comes back as status and body.
    pub async fn connect_to(
        addr: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Client, (u16, String)> {
        let url = format!("ws://{addr}{path}");
        let mut request = url.into_client_request().expect("a request");
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(*name, value.parse().expect("a header value"));
        }
        let stream = TcpStream::connect(addr).await.expect("the server listens");
        match timeout(PATIENCE, client_async(request, stream))
            .await
            .expect("in time")
        {
            Ok((socket, _)) => Ok(Client { socket }),
            Err(Error::Http(response)) => {
                let body = response.body().clone().unwrap_or_default();
                Err((
                    response.status().as_u16(),
                    String::from_utf8_lossy(&body).into_owned(),
                ))
            }
            Err(error) => panic!("no handshake: {error}"),
        }
    }

    /// Sends a message as it is.
    pub async fn send(&mut self, message: Message) {
        let sent = timeout(PATIENCE, self.socket.send(message))
            .await
            .expect("in time");
        sent.expect("the server listens");
    }

    /// Sends a message; `false` when the connection takes no more for a while.
    pub async fn sends_soon(&mut self, message: Message) -> bool {
        let sent = timeout(Duration::from_millis(500), self.socket.send(message)).await;
        sent.is_ok_and(|sent| sent.is_ok())
    }

    /// Sends a message that the server may cut off.
    pub async fn try_send(&mut self, message: Message) {
        timeout(PATIENCE, self.socket.send(message))
            .await
            .expect("in time")
            .ok();
    }

    /// Sends a request and does not wait.
    pub async fn request(&mut self, request: &Request) {
        self.send(Message::Binary(protocol::encode(request).into()))
            .await;
    }

    /// The next thing to come.
    pub async fn hear(&mut self) -> Heard {
        loop {
            match timeout(PATIENCE, self.socket.next())
                .await
                .expect("something in time")
            {
                Some(Ok(Message::Binary(bytes))) => {
                    return Heard::Answer(protocol::decode(&bytes).expect("a response"));
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    // The other half of the handshake.
                    while let Ok(Some(Ok(_))) = timeout(PATIENCE, self.socket.next()).await {}
                    return Heard::Closed(frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("a surprise: {other:?}"),
                Some(Err(_)) | None => return Heard::Broken,
            }
        }
    }

    /// The next message, undecoded.
    pub async fn hear_bytes(&mut self) -> Vec<u8> {
        match timeout(PATIENCE, self.socket.next())
            .await
            .expect("something in time")
        {
            Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
            other => panic!("expected an answer: {other:?}"),
        }
    }

    /// What a follower is told next; `None` when the connection ends.
    pub async fn hear_news(&mut self) -> Option<News> {
        match self.hear_binary().await? {
            Ok(bytes) => Some(protocol::decode(&bytes).expect("news")),
            Err(_) => None,
        }
    }

    /// What a publisher is told next: how many follow.
    pub async fn hear_followers(&mut self) -> u32 {
        let Some(Ok(bytes)) = self.hear_binary().await else {
            panic!("expected a notice");
        };
        let Notice::Followers(count) = protocol::decode(&bytes).expect("a notice");
        count
    }

    /// The next binary message, or the close frame; `None` if the connection breaks.
    async fn hear_binary(&mut self) -> Option<Result<Vec<u8>, (u16, String)>> {
        loop {
            let next = timeout(PATIENCE, self.socket.next()).await;
            match next.expect("something in time") {
                Some(Ok(Message::Binary(bytes))) => return Some(Ok(bytes.to_vec())),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Some(Err((frame.code.into(), frame.reason.to_string())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Passes over all messages until the connection closes; returns code and reason.
    pub async fn until_closed(&mut self) -> (u16, String) {
        loop {
            match self.hear_binary().await.expect("a close frame") {
                Ok(_) => {}
                Err(closed) => return closed,
            }
        }
    }

    /// Sends a request and returns its response.
    pub async fn ask(&mut self, request: &Request) -> Response {
        self.request(request).await;
        match self.hear().await {
            Heard::Answer(response) => response,
            other => panic!("expected an answer to {request:?}: {other:?}"),
        }
    }

    /// Sends a request that is refused, and returns the reason.
    pub async fn ask_in_vain(&mut self, request: &Request) -> String {
        self.request(request).await;
        self.hear_error().await
    }

    /// Expects an error and returns its message.
    pub async fn hear_error(&mut self) -> String {
        match self.hear().await {
            Heard::Answer(Response::Error { message }) => message,
            other => panic!("expected an error: {other:?}"),
        }
    }

    /// Expects the end, with `code` and `part` in the reason.
    pub async fn hear_close(&mut self, code: u16, part: &str) {
        match self.hear().await {
            Heard::Closed(heard, reason) if heard == code && reason.contains(part) => {}
            other => panic!("expected close {code} ({part}): {other:?}"),
        }
    }

    /// Ends the sending half of the connection, without a WebSocket's farewell.
    pub async fn stop_sending(&mut self) {
        self.socket
            .get_mut()
            .shutdown()
            .await
            .expect("an open connection");
    }
}
