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
//! | `trace` | a lot's chain, genealogy, balance, disputes |
//! | `registry` | parties, what is theirs, keys |
//! | `filter` | which records a follower wants |
//! | `door` | what the services share: the ledger, reads, deadlines |
//! | `waiting` | deadlines and bounded blocking reads |
//! | `errors` | what could not be tried, as status and details |
//! | `readable` | the same for what tonic could not decode |
//! | `connections` | a bounded number of sockets |

mod connections;
mod door;
pub mod errors;
mod filter;
mod ledger;
mod readable;
mod registry;
mod trace;
mod waiting;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::server::NamedService;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

pub use self::connections::MAX_CONNECTIONS;
use self::door::Door;
pub use self::filter::{Filter, MAX_FILTER};
pub use self::ledger::{FOLLOW_BUFFER, IN_FLIGHT};
use self::readable::Readable;
pub use self::registry::MAX_PAGE;
pub use self::waiting::{MAX_READS, MAX_WAIT, timeout};
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

/// Calls at a time on one connection, at most.
pub const MAX_STREAMS: u32 = 1024;

/// How long calls may go on after the signal to stop; what is open then is cut
/// off. Statements that were admitted are recorded all the same.
pub const GRACE: Duration = Duration::from_secs(5);

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

/// Serves the ledger until `shutdown` is ready; then takes no new calls, ends
/// what follows, and returns when every call has its answer, after [`GRACE`]
/// at the latest. The ledger itself stays open.
pub async fn serve(
    ledger: Ledger,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(|source| ServeError::Listen {
        address: "its own address".to_owned(),
        source,
    })?;
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    let (stop, stopping) = watch::channel(false);
    let door = Door::new(ledger, stopping);
    let (reporter, health) = tonic_health::server::health_reporter();
    report(&reporter, ServingStatus::Serving).await;
    let watching = tokio::spawn(report_stop(door.clone(), reporter));
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|e| ServeError::Reflection(e.to_string()))?;
    let mut told = stop.subscribe();
    let serving = Server::builder()
        .max_concurrent_streams(MAX_STREAMS)
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
            RegistryServer::new(registry::RegistryService(door))
                .max_decoding_message_size(MAX_REQUEST)
                .max_encoding_message_size(MAX_ANSWER),
        ))
        .serve_with_incoming_shutdown(connections::accept(listener), async {
            shutdown.await;
            // Streams without an end of their own are told.
            stop.send_replace(true);
        });
    let overtime = async {
        // The sender is in the future beside this one; it is there.
        let _ = told.wait_for(|stop| *stop).await;
        tokio::time::sleep(GRACE).await;
    };
    let served = tokio::select! {
        served = serving => served,
        () = overtime => Ok(()),
    };
    watching.abort();
    Ok(served?)
}

/// Not serving from when the ledger has stopped: it does not accept again
/// before it is started again.
async fn report_stop(door: Door, reporter: HealthReporter) {
    door.stopped().await;
    report(&reporter, ServingStatus::NotServing).await;
}

/// The same for each service and for the server as a whole.
async fn report(reporter: &HealthReporter, status: ServingStatus) {
    let services = [
        "",
        LedgerServer::<ledger::LedgerService>::NAME,
        TraceServer::<trace::TraceService>::NAME,
        RegistryServer::<registry::RegistryService>::NAME,
    ];
    for service in services {
        reporter.set_service_status(service, status).await;
    }
}
