//! The gRPC door: the services of `proto/`, one file each, with health and
//! reflection. It opens on loopback only; whoever is let in from further away
//! comes through something that authenticates.
//!
//! What it is not: it decides nothing, and it keeps nothing. A refused
//! statement is an answer; a status is for what could not be tried.
//!
//! | file | what it is |
//! |---|---|
//! | `ledger` | statements in, records out |
//! | `submitting`, `following`, `reading` | the same as streams |
//! | `follower` | how a stream of what is recorded begins and ends |
//! | `receipts` | checkpoints, and receipts that lead to them |
//! | `trace` | a lot's chain, genealogy, balance, disputes, differences |
//! | `registry` | parties, what is theirs, keys |
//! | `filter` | which records a follower wants |
//! | `door` | what the services share: the ledger, reads, deadlines |
//! | `waiting` | deadlines and bounded blocking reads |
//! | `errors` | what could not be tried, as status and details |
//! | `readable` | the same for what tonic could not decode |
//! | `limits` | what the door bears, as settings |
//! | `connections` | a bounded number of sockets |
//! | `calls`, `body`, `request_id` | every call and its answer under watch |
//! | `watch` | cutting what hangs; health |
//! | `metrics` | what is counted |

mod body;
mod calls;
mod connections;
mod door;
mod empties;
mod entries;
pub mod errors;
mod evidence;
mod filter;
mod findings;
mod follower;
mod following;
mod lapsed;
mod ledger;
mod limits;
mod metrics;
mod readable;
mod reading;
mod receipts;
mod registry;
mod request_id;
mod submitting;
mod trace;
mod waiting;
mod watch;

use std::future::Future;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::watch as told;
use tonic::server::NamedService;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use self::calls::{Calls, Watch};
use self::connections::Lines;
use self::door::Door;
pub use self::filter::{Filter, MAX_FILTER};
pub use self::limits::Limits;
pub use self::metrics::Metrics;
use self::readable::Readable;
pub use self::registry::MAX_PAGE;
pub use self::request_id::{MAX_REQUEST_ID, REQUEST_ID};
pub use self::waiting::timeout;
pub use self::watch::HEALTH_EVERY;
use crate::event::statement::MAX_STATEMENT;
use crate::ledger::Ledger;
use crate::pb;
use crate::pb::ledger_server::LedgerServer;
use crate::pb::registry_server::RegistryServer;
use crate::pb::trace_server::TraceServer;

/// Bytes of a request, at most: a statement of the greatest size, what is
/// around it, and enough more that one slightly too large gets its refusal.
pub const MAX_REQUEST: usize = MAX_STATEMENT + 64 * 1024;

/// Bytes of an answer, at most; a client that traces long chains must take as
/// much.
pub const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Why the door does not open, or closes.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address that can be reached from elsewhere.
    #[error("{0} is not a loopback address; listen on 127.0.0.1 or [::1], nothing else is let in")]
    NotLoopback(SocketAddr),
    /// The socket.
    #[error("cannot listen on {address}: {source}; is another server there?")]
    Listen {
        /// Where.
        address: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A limit that cannot be.
    #[error("the limit {0}")]
    Limits(String),
    /// The embedded schema.
    #[error("the embedded schema cannot be served for reflection: {0}")]
    Reflection(String),
    /// The server itself.
    #[error("the server has failed: {0}")]
    Server(#[from] tonic::transport::Error),
}

/// A socket on a loopback address; port 0 takes any free one.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Listen {
            address: address.to_string(),
            source,
        })
}

/// How the door is set up.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// What it bears.
    pub limits: Limits,
    /// What it counts into.
    pub metrics: Metrics,
}

/// [`serve_with`] the default limits.
pub async fn serve(
    ledger: Ledger,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    serve_with(ledger, listener, Setup::default(), shutdown).await
}

/// Serves the ledger until `shutdown` is ready; then takes no new calls, ends
/// what follows, and returns when every call has its answer, after
/// [`Limits::grace`] at the latest. The ledger itself stays open.
pub async fn serve_with(
    ledger: Ledger,
    listener: TcpListener,
    setup: Setup,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(|source| ServeError::Listen {
        address: "its own address".to_owned(),
        source,
    })?;
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    let Setup { limits, metrics } = setup;
    if let Some(fault) = limits.fault() {
        return Err(ServeError::Limits(fault));
    }
    // Before anything is waited for: who scrapes at once sees every metric.
    metrics.limits(&limits);
    let calls = Calls::new(&limits, metrics.clone());
    let (stop, stopping) = told::channel(false);
    let door = Door::new(ledger, limits.clone(), metrics.clone(), stopping);
    let (reporter, health) = tonic_health::server::health_reporter();
    report(&reporter, door.ledger.status().accepting).await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|e| ServeError::Reflection(e.to_string()))?;
    let lines = Lines::new(limits.wasted(), metrics);
    let serving = server(&limits)
        .layer(Watch(std::sync::Arc::clone(&calls)))
        .add_service(health)
        .add_service(reflection)
        .add_service(Readable(
            LedgerServer::new(ledger::LedgerService(door.clone()))
                .max_decoding_message_size(MAX_REQUEST)
                .max_encoding_message_size(MAX_ANSWER),
        ))
        .add_service(Readable(
            TraceServer::new(trace::TraceService(door.clone()))
                .max_decoding_message_size(MAX_REQUEST)
                .max_encoding_message_size(MAX_ANSWER),
        ))
        .add_service(Readable(
            RegistryServer::new(registry::RegistryService(door.clone()))
                .max_decoding_message_size(MAX_REQUEST)
                .max_encoding_message_size(MAX_ANSWER),
        ))
        .serve_with_incoming_shutdown(
            connections::accept(listener, limits.max_connections, lines.clone()),
            async {
                shutdown.await;
                // Streams without an end of their own are told.
                stop.send_replace(true);
            },
        );
    let healthy = watch::follow_health(
        || door.ledger.status().accepting,
        door.closing(),
        |accepting| report(&reporter, accepting),
    );
    let grace = limits.grace;
    let overtime = async {
        healthy.await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        served = serving => served?,
        () = overtime => {
            let open = lines.all();
            tracing::warn!(connections = open.len(), "the time of grace is over; cut off");
            for line in open {
                line.cut();
            }
        }
        () = watch::cut_overdue(calls, lines.clone(), limits) => {}
    }
    Ok(())
}

/// The transport, as far as it can be bounded from here.
fn server(limits: &Limits) -> Server {
    Server::builder()
        .max_concurrent_streams(limits.max_streams)
        .initial_stream_window_size(limits.window_bytes)
        .initial_connection_window_size(limits.window_bytes)
        .http2_max_header_list_size(limits.max_header_bytes)
        .http2_max_pending_accept_reset_streams(Some(limits.max_resets))
        .http2_keepalive_interval(Some(limits.keepalive_every))
        .http2_keepalive_timeout(Some(limits.keepalive_timeout))
}

/// The same for each service and for the server as a whole.
async fn report(reporter: &HealthReporter, accepting: bool) {
    let services = [
        "",
        LedgerServer::<ledger::LedgerService>::NAME,
        TraceServer::<trace::TraceService>::NAME,
        RegistryServer::<registry::RegistryService>::NAME,
    ];
    let status = if accepting {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    for service in services {
        reporter.set_service_status(service, status).await;
    }
}
