//! A ledger behind its gRPC door on loopback, and clients of it in this same
//! process: section 13 has the cores shared with the client.

use std::time::{Duration, Instant};

use hazledger::ledger::Ledger;
use hazledger::pb::ledger_client::LedgerClient;
use hazledger::pb::{
    Acknowledgement, SignedStatement, SubmitRequest, SubmitResponse, submit_response,
};
use hazledger::proof::check_acknowledgement;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::{Channel, Endpoint};

/// One answer in so many is checked to its signature, after the clock stops.
const CHECK_EVERY: usize = 1_000;

/// A server of a ledger.
pub struct Served {
    url: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), hazledger::grpc::ServeError>>,
}

impl Served {
    /// Serves on a free port.
    pub async fn start(ledger: &Ledger) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(hazledger::grpc::serve(
            ledger.clone(),
            listener,
            async move {
                let _ = stopped.await;
            },
        ));
        Served { url, stop, server }
    }

    /// A connection of its own.
    pub async fn client(&self) -> LedgerClient<Channel> {
        connect(&self.url).await
    }

    /// Stops it; its clients must be gone.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.server.await.unwrap().unwrap();
    }
}

/// A connection of its own, without delay to gather small writes.
pub async fn connect(url: &str) -> LedgerClient<Channel> {
    let endpoint = Endpoint::from_shared(url.to_owned()).unwrap();
    let channel = endpoint.tcp_nodelay(true).connect().await.unwrap();
    LedgerClient::new(channel)
}

/// Streams statements over one call; each must be recorded for the first time.
/// How long it takes from the first sent to the last answered, and how many
/// were.
pub async fn streamed(
    ledger: &Ledger,
    statements: impl Stream<Item = SignedStatement> + Send + 'static,
) -> (Duration, usize) {
    let served = Served::start(ledger).await;
    let mut client = served.client().await;
    let started = Instant::now();
    let requests = statements.map(|s| SubmitRequest {
        statement: Some(s),
        ..SubmitRequest::default()
    });
    let mut answers = client.submit_stream(requests).await.unwrap().into_inner();
    let mut answered = 0;
    let mut sample = Vec::new();
    while let Some(answer) = answers.next().await {
        let acknowledgement = acknowledged(answer.unwrap());
        if answered % CHECK_EVERY == 0 {
            sample.push(acknowledgement);
        }
        answered += 1;
    }
    let elapsed = started.elapsed();
    check(ledger, &sample);
    drop((client, answers));
    served.stop().await;
    (elapsed, answered)
}

/// The acknowledgement in an answer; panics on any other.
pub fn acknowledged(response: SubmitResponse) -> Acknowledgement {
    match response.answer {
        Some(submit_response::Answer::Acknowledgement(one)) if !response.repeated => one,
        other => panic!("not recorded: {other:?}"),
    }
}

/// Panics unless each is the ledger's word on a record of its own.
pub fn check(ledger: &Ledger, sample: &[Acknowledgement]) {
    let status = ledger.status();
    let genesis = hazledger::event::Hash::from_slice(&status.origin.genesis_hash).unwrap();
    for one in sample {
        let sound = check_acknowledgement(&status.ledger_key, genesis, one).unwrap();
        assert!(sound.position < status.committed);
    }
}
