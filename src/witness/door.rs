//! A witness' HTTP/1.1: `POST /add-checkpoint`, and `GET /HASH/checkpoint` for
//! whoever wants to see what it has signed (C2SP tlog-witness). It opens on
//! loopback only, as every door of this program does for now: what stands
//! before it (a proxy, a bastion) brings TLS and the world.
//!
//! What it is not: it decides nothing (`memory` does), and asks nobody who
//! they are; a checkpoint's signature is all that counts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::counts::Counts;
use super::files::Files;
use super::judge::Refused;
use super::memory::{Answer, Witness};
use super::request::{MAX_REQUEST, SIZE_TYPE, size_line};

/// Connections at a time; who comes beyond that waits in the operating
/// system's queue.
pub const MAX_CONNECTIONS: usize = 64;

/// Requests that may be with the disk at a time; the next is told to come
/// again. Whoever hangs up leaves theirs behind until it is done.
pub const MAX_REQUESTS: usize = 64;

/// How long a request's headers may take to arrive, and how long a connection
/// may say nothing between two requests.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a request's body may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may stay open: a log connects again.
pub const MAX_CONNECTION_AGE: Duration = Duration::from_mins(10);

/// Bytes that are read ahead of a connection, at most.
pub const MAX_BUFFER: usize = 16 * 1024;

/// How long what is going on may take when the witness is told to stop.
pub const STOP_WAIT: Duration = Duration::from_secs(10);

/// Rest after the operating system has refused to accept.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Between two lines of the log that say the same.
const SAY_EVERY: Duration = Duration::from_secs(1);

/// When who was turned away may come again, seconds.
const RETRY_AFTER_S: &str = "1";

const TEXT: &str = "text/plain; charset=utf-8";

/// Why a witness cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
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
pub async fn listen(address: SocketAddr) -> Result<TcpListener, DoorError> {
    if !address.ip().is_loopback() {
        return Err(DoorError::NotLoopback(address));
    }
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| DoorError::Listen { address, source })
}

struct Door<F> {
    witness: Arc<Witness<F>>,
    counts: Counts,
    requests: Arc<Semaphore>,
    /// That something was not cosigned.
    refused: Sayer,
    /// That the witness could not.
    failed: Sayer,
}

/// When something was said last: anybody may send an old checkpoint with a
/// wrong proof, or the newest again while the disk is full, as often as they
/// like.
#[derive(Debug, Default)]
struct Sayer(Mutex<Option<Instant>>);

impl Sayer {
    /// Whether it may be said again.
    fn may(&self) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let may = said.is_none_or(|at| now.duration_since(at) >= SAY_EVERY);
        if may {
            *said = Some(now);
        }
        may
    }
}

/// Serves until it is told to stop; then answers what is going on, if that
/// does not take longer than [`STOP_WAIT`].
pub async fn serve<F: Files + 'static>(
    listener: TcpListener,
    witness: Arc<Witness<F>>,
    counts: Counts,
    stop: impl Future<Output = ()>,
) {
    let door = Arc::new(Door {
        witness,
        counts,
        requests: Arc::new(Semaphore::new(MAX_REQUESTS)),
        refused: Sayer::default(),
        failed: Sayer::default(),
    });
    let pages = Router::new()
        .route("/add-checkpoint", post(add_checkpoint::<F>))
        .route("/{origin_hash}/checkpoint", get(latest::<F>))
        .with_state(door);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let (stopping, stopped) = watch::channel(false);
    tokio::select! {
        () = stop => {}
        () = accept(&listener, &pages, &places, &stopped) => {}
    }
    // A receiver that is gone needs not be told.
    let _ = stopping.send(true);
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    let _ = timeout(STOP_WAIT, places.acquire_many(all)).await;
}

async fn accept(
    listener: &TcpListener,
    pages: &Router,
    places: &Arc<Semaphore>,
    stopped: &watch::Receiver<bool>,
) {
    while let Ok(place) = Arc::clone(places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_REST).await;
            continue;
        };
        tokio::spawn(serve_one(stream, pages.clone(), place, stopped.clone()));
    }
}

async fn serve_one(
    stream: TcpStream,
    pages: Router,
    place: OwnedSemaphorePermit,
    mut stopped: watch::Receiver<bool>,
) {
    // An answer is small and waited for.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages));
    let mut connection = std::pin::pin!(connection);
    let whole = async {
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.as_mut().await;
    };
    // However it ends, who asked comes again.
    let _ = timeout(MAX_CONNECTION_AGE, whole).await;
    drop(place);
}

async fn add_checkpoint<F: Files + 'static>(
    State(door): State<Arc<Door<F>>>,
    request: Request,
) -> Response {
    let body = match timeout(BODY_TIMEOUT, to_bytes(request.into_body(), MAX_REQUEST)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let words = format!("the request is cut off, or has more than {MAX_REQUEST} bytes");
            return plain(StatusCode::PAYLOAD_TOO_LARGE, &words);
        }
        Err(_) => {
            return plain(
                StatusCode::REQUEST_TIMEOUT,
                "the request did not arrive in time",
            );
        }
    };
    let Ok(place) = Arc::clone(&door.requests).try_acquire_owned() else {
        let busy = plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many requests at a time; come again",
        );
        return ([(header::RETRY_AFTER, RETRY_AFTER_S)], busy).into_response();
    };
    let answered = tokio::task::spawn_blocking(move || {
        let answer = add(&door, &body);
        door.counts.answered(answer.status().as_u16());
        drop(place);
        answer
    });
    answered.await.unwrap_or_else(|_| {
        plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this is a fault of the witness",
        )
    })
}

/// Answers, and says so in the log.
fn add<F: Files>(door: &Door<F>, body: &Bytes) -> Response {
    match door.witness.add(body) {
        Answer::Cosigned {
            signature,
            origin,
            size,
            again,
        } => {
            if again {
                tracing::debug!(origin, size, "cosigned again");
            } else {
                tracing::info!(origin, size, "cosigned 已联署");
            }
            ([(header::CONTENT_TYPE, TEXT)], signature.to_string()).into_response()
        }
        Answer::Refused(refused) => refuse(door, &refused),
        Answer::Failed(failed) => {
            if door.failed.may() {
                tracing::error!("NOT COSIGNED 未联署: {failed}");
            }
            plain(StatusCode::INTERNAL_SERVER_ERROR, &failed.to_string())
        }
    }
}

fn refuse<F>(door: &Door<F>, refused: &Refused) -> Response {
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
    if let Refused::OtherSize(size) = refused {
        // An everyday answer: how a log learns where to go on from.
        tracing::debug!("told the size: {refused}");
        return (
            status,
            [(header::CONTENT_TYPE, SIZE_TYPE)],
            size_line(*size),
        )
            .into_response();
    }
    // What is signed by the log and does not go on from what it signed before
    // is what a witness is for; anything else anybody can send.
    if status == StatusCode::UNPROCESSABLE_ENTITY && door.refused.may() {
        tracing::warn!("NOT COSIGNED 未联署: {refused}");
    } else {
        tracing::debug!("not cosigned: {refused}");
    }
    plain(status, &refused.to_string())
}

async fn latest<F: Files + 'static>(
    State(door): State<Arc<Door<F>>>,
    Path(origin_hash): Path<String>,
) -> Response {
    match door.witness.latest(&origin_hash) {
        Some(note) => ([(header::CONTENT_TYPE, TEXT)], note).into_response(),
        None => plain(
            StatusCode::NOT_FOUND,
            "this witness has signed nothing of such a log",
        ),
    }
}

fn plain(status: StatusCode, words: &str) -> Response {
    (status, [(header::CONTENT_TYPE, TEXT)], format!("{words}\n")).into_response()
}
