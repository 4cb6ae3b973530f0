//! Connections: accepted as long as there is room, and closed when nothing comes over them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::Service;
use tower_http::timeout::TimeoutBody;

use super::client::client;
use super::slots::{NoSlot, Slot};
use super::{AppState, router};

/// A connection may wait so long for a request, and a request for the end of its head: longer than nginx and load
/// balancers keep theirs open (60 s), or they would send requests over connections that are being closed.
const HEAD_LIMIT: Duration = Duration::from_secs(75);
/// A body may pause for so long.
const BODY_PAUSE_LIMIT: Duration = Duration::from_secs(30);
/// Longest head of a request, in bytes. nginx takes 32 kB, Apache 8 kB a line.
const HEAD_BYTES: usize = 32 * 1024;
/// Files that stay free for what is no connection: the database, clips, child processes.
const OTHER_FILES: u64 = 256;
/// How long it is waited when the system has no room for another connection.
const NO_ROOM_WAIT: Duration = Duration::from_millis(200);

/// Answers requests until `shutdown`, then ends when those that are being answered are.
///
/// HTTP/1.1 alone is spoken: browsers speak HTTP/2 only over TLS, which is a proxy's work, and proxies speak
/// HTTP/1.1 to what stands behind them.
pub async fn serve(listener: TcpListener, state: AppState, shutdown: CancellationToken) {
    let slots = Arc::clone(&state.limits.connections);
    let proxies = state.limits.proxies.clone();
    let routes = router(state);
    let graceful = GracefulShutdown::new();
    let mut is_full = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            // The client has gone before it was heard.
            Err(error) if is_of_client(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(NO_ROOM_WAIT).await;
                continue;
            }
        };
        // A proxy has the connections of all its clients, and this machine may have one that was not named.
        let has_all = peer.ip().to_canonical().is_loopback() || proxies.is_trusted(peer.ip());
        let who = (!has_all).then(|| client(peer.ip()));
        let slot = match slots.take(who) {
            Ok(slot) => slot,
            Err(reason) => {
                // Said once, or a crowd would fill the log.
                if reason == NoSlot::All && !is_full {
                    tracing::warn!(
                        limit = slots.fill().1,
                        "connections are refused: there are too many"
                    );
                }
                is_full |= reason == NoSlot::All;
                continue;
            }
        };
        is_full = false;
        // Small answers must not wait for the acknowledgement of those before.
        let _ = stream.set_nodelay(true);
        tokio::spawn(answer(stream, peer, routes.clone(), graceful.watcher(), slot));
    }
    drop(listener);
    graceful.shutdown().await;
}

/// Connections that there can be: as many as were asked for, and as the system lets the process have.
pub(super) fn room(wanted: usize) -> usize {
    let files = open_files();
    let free = files.saturating_sub(OTHER_FILES).max(files / 2);
    wanted.min(usize::try_from(free).unwrap_or(usize::MAX))
}

/// Files that the process may have open, after asking for as many as it can have. The usual limit of 1,024 is
/// for programs that cannot deal with more.
#[cfg(unix)]
fn open_files() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum.unwrap_or(u64::MAX),
        // macOS promises more than it gives.
        Err(_) => limit.current.unwrap_or(u64::MAX),
    }
}

#[cfg(not(unix))]
fn open_files() -> u64 {
    u64::MAX
}

fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};

    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers the requests of one connection.
async fn answer(stream: TcpStream, peer: SocketAddr, routes: Router, watcher: Watcher, slot: Slot) {
    // Given back when the connection has ended.
    let _share = slot;
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(|body| match body.is_end_stream() {
            true => Body::empty(),
            false => Body::new(TimeoutBody::new(BODY_PAUSE_LIMIT, body)),
        });
        request.extensions_mut().insert(ConnectInfo(peer));
        routes.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::trace!(%error, %peer, "a connection ended early");
    }
}
