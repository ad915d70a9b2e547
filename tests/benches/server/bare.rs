//! The peer: axum and tower-http as they come, doing the same and nothing more.

use std::env;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tower_http::services::ServeDir;

type Ring = broadcast::Sender<Bytes>;

/// Serves the folder that the command line names, until it is killed.
pub async fn serve() -> Result<(), String> {
    let dist = env::args()
        .skip_while(|argument| argument != super::BARE)
        .nth(1);
    let dist = dist.ok_or("no folder to serve")?;
    let files = ServeDir::new(dist).precompressed_br().precompressed_gzip();
    let router = Router::new()
        .route("/healthz", get(async || "hello"))
        .route(
            "/follow",
            any(
                async |upgrade: WebSocketUpgrade, State(ring): State<Ring>| {
                    upgrade.on_upgrade(|socket| follow(socket, ring))
                },
            ),
        )
        .route(
            "/publish",
            any(
                async |upgrade: WebSocketUpgrade, State(ring): State<Ring>| {
                    upgrade.on_upgrade(|socket| publish(socket, ring))
                },
            ),
        )
        .fallback_service(files)
        .with_state(Ring::new(64));
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("listening on http://{address}");
    let served = axum::serve(listener, router);
    served.await.map_err(|error| error.to_string())
}

async fn follow(mut socket: WebSocket, ring: Ring) {
    let mut next = ring.subscribe();
    if socket
        .send(Message::Binary("welcome".into()))
        .await
        .is_err()
    {
        return;
    }
    while let Ok(bytes) = next.recv().await {
        if socket.send(Message::Binary(bytes)).await.is_err() {
            return;
        }
    }
}

async fn publish(mut socket: WebSocket, ring: Ring) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Binary(bytes) = message {
            ring.send(bytes).ok();
        }
    }
}
