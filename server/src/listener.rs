//! The listening socket, and HTTP on the connections that it accepts.
//!
//! `axum::serve` does the same with less, but a connection that says nothing may then stay for
//! ever. Browsers keep idle connections, and a laptop that goes to sleep never closes them: after
//! some lessons a class would have used up the process's file descriptors.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{debug, error, warn};

use crate::session::stopped;
use crate::{App, StartError};

/// How long connections and sessions may take to end when the server stops.
const STOP_GRACE: Duration = Duration::from_secs(4);

/// How long to wait when the system has no descriptor for the next connection.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// Opens the listening socket.
///
/// # Errors
/// When `addr` does not name an address of this machine, or it is taken.
pub async fn bind(addr: &str) -> Result<TcpListener, StartError> {
    TcpListener::bind(addr)
        .await
        .map_err(|source| StartError::Bind {
            addr: addr.to_owned(),
            source,
        })
}

/// Serves until `stop` resolves, then ends all sessions and returns within a few seconds.
pub async fn serve(listener: TcpListener, app: Arc<App>, stop: impl Future<Output = ()>) {
    tokio::select! {
        () = accept_all(listener, &app) => {}
        () = stop => {}
    }
    // The socket is closed by now.
    app.stopping.send_replace(true);
    if timeout(STOP_GRACE, app.stopping.closed()).await.is_err() {
        warn!("some connections did not end in time and are cut off");
    }
    // Lets SQLite put its write-ahead log away.
    if timeout(STOP_GRACE, app.store.close()).await.is_err() {
        warn!("the database did not close in time");
    }
}

/// Accepts connections, and never returns.
async fn accept_all(listener: TcpListener, app: &Arc<App>) {
    let router = app.router();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (router, stopping) = (router.clone(), app.stopping.subscribe());
                tokio::spawn(answer_requests(
                    stream,
                    router,
                    app.config.limits.quiet,
                    stopping,
                ));
            }
            Err(error) if is_of_one_client(&error) => debug!(%error, "a client left early"),
            Err(error) => {
                error!(%error, "cannot accept connections");
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// Whether only the connection that was to be accepted is affected.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Answers the requests of one connection.
async fn answer_requests(
    stream: TcpStream,
    router: Router,
    quiet: Duration,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers are small and awaited; Nagle's algorithm would hold each back for 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(quiet)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stopping) => {
            // Lets the present request finish.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection broke");
    }
}
