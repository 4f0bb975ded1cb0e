//! The web doors: pages over HTTP/1.1, one file a page, for whoever watches the
//! server, and tiles for whoever watches the ledger. They open on loopback
//! only, each apart from the gRPC door.
//!
//! What they are not: they change nothing, and show nothing that is in a
//! record, but heads where the operator wants it.
//!
//! | file | what it is |
//! |---|---|
//! | `metrics` | `/metrics`, for Prometheus |
//! | `alerts` | what of it to be woken for |
//! | `tiles` | the tree, for monitors and mirrors |

pub mod alerts;
mod metrics;
pub mod tiles;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

pub use self::metrics::{Page, Scrape};

/// Connections at a time; who comes beyond that waits in the operating
/// system's queue.
pub const MAX_CONNECTIONS: usize = 16;

/// How long a request's headers may take to arrive.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection may stay open: a scraper connects again.
pub const MAX_CONNECTION_AGE: Duration = Duration::from_mins(5);

/// Bytes that are read ahead of a connection, at most.
pub const MAX_BUFFER: usize = 16 * 1024;

/// Rest after the operating system has refused to accept.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Why the pages cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// An address that can be reached from elsewhere.
    #[error("{0} is not a loopback address; listen on 127.0.0.1 or [::1], nothing else is let in")]
    NotLoopback(SocketAddr),
    /// The socket.
    #[error("cannot listen on {address}: {source}; is another server there?")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// A socket on a loopback address; port 0 takes any free one.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, WebError> {
    if !address.ip().is_loopback() {
        return Err(WebError::NotLoopback(address));
    }
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| WebError::Listen { address, source })
}

/// Serves the pages for as long as it is run. What goes on when it is dropped
/// ends with its connection's age at the latest.
pub async fn serve(listener: TcpListener, page: impl Page) {
    let pages = Router::new()
        .route("/metrics", get(metrics::page))
        .with_state(Arc::new(page) as Arc<dyn Page>);
    serve_pages(listener, pages).await;
}

/// Serves a log's tiles for as long as it is run, within the same bounds.
pub async fn serve_tiles(listener: TcpListener, log: impl tiles::Log, entries: bool) {
    serve_pages(listener, tiles::pages(log, entries)).await;
}

async fn serve_pages(listener: TcpListener, pages: Router) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_REST).await;
            continue;
        };
        tokio::spawn(serve_one(stream, pages.clone(), place));
    }
}

async fn serve_one(stream: TcpStream, pages: Router, place: OwnedSemaphorePermit) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages));
    // However it ends, its reader comes again.
    let _ = timeout(MAX_CONNECTION_AGE, connection).await;
    drop(place);
}
