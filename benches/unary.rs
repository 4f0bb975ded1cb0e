//! One statement a call: alone, against one fdatasync of the same run; and
//! 256 at a time, against what an empty call and the raw loop cost together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::raw::{Syncs, raw_loop};
use crate::support::served::{Served, acknowledged, check, connect};
use crate::support::world::World;
use crate::support::{Form, Row, median, ms, percentile, rate, thousands};
use hazledger::ledger::Options;
use hazledger::pb::ledger_client::LedgerClient;
use hazledger::pb::ledger_server::{Ledger as Service, LedgerServer};
use hazledger::pb::{
    DecideRequest, DecideResponse, FollowRequest, FollowResponse, GetRecordRequest,
    GetRecordResponse, GetStatusRequest, GetStatusResponse, ListRefusalsRequest,
    ListRefusalsResponse, SignedStatement, SubmitRequest, SubmitResponse,
};
use prost::Message as _;
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};

/// Calls at a time.
const CONCURRENCY: usize = 256;

/// Connections that they share, as so many clients would.
const CONNECTIONS: usize = 8;

/// Of what an empty call and the raw loop cost together.
const TARGET: f64 = 0.7;

/// What a call alone may take beyond one fdatasync.
const BEYOND: Duration = Duration::from_micros(400);

pub fn rows(_: &Form) -> Vec<Row> {
    vec![
        Row::new("one fdatasync of a statement's bytes, p50 / p99", ""),
        Row::new("unary submit alone, p50", "≤ one fdatasync + 0.4 ms"),
        Row::new("unary submit alone, p99", ""),
        Row::new("empty call at concurrency 256", ""),
        Row::new(
            "unary submit at concurrency 256",
            "≥ 0.7 of 1/(1/empty call + 1/raw loop)",
        ),
    ]
}

pub fn measure(form: &Form, rows: &mut [Row]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(alone(form, rows));
    runtime.block_on(together(form, rows));
}

/// A call, then a sync, then a call: both see the same disk.
async fn alone(form: &Form, rows: &mut [Row]) {
    let calls = form.pick(50, 500, 5_000);
    let folder = form.folder();
    let world = World::new();
    let (ledger, origin) = world.ledger(&folder.path().join("ledger"), Options::default());
    let statements = world.all_produced(&origin, 2, calls, 1);
    let served = Served::start(&ledger).await;
    let mut client = served.client().await;
    let mut syncs = Syncs::new(folder.path());
    let (mut took, mut synced, mut sample) = (Vec::new(), Vec::new(), Vec::new());
    for statement in statements {
        let bytes = statement.encode_to_vec();
        let request = SubmitRequest {
            statement: Some(statement),
            ..SubmitRequest::default()
        };
        let started = Instant::now();
        let answer = client.submit(request).await.unwrap().into_inner();
        took.push(started.elapsed());
        synced.push(syncs.one(&bytes));
        sample.push(acknowledged(answer));
    }
    check(&ledger, &sample[..sample.len().min(20)]);
    drop(client);
    served.stop().await;
    ledger.close().await.unwrap();
    let (sync, p50) = (percentile(&mut synced, 0.5), percentile(&mut took, 0.5));
    let p99 = percentile(&mut took, 0.99);
    let figure = format!("{} / {}", ms(sync), ms(percentile(&mut synced, 0.99)));
    rows[0].say(figure, None);
    let allowed = sync + BEYOND;
    rows[1].judge(
        format!("{} (allowed {})", ms(p50), ms(allowed)),
        Some(p50.as_secs_f64() / allowed.as_secs_f64()),
        p50 <= allowed,
    );
    rows[2].say(ms(p99), Some(p99.as_secs_f64() / sync.as_secs_f64()));
}

async fn together(form: &Form, rows: &mut [Row]) {
    let calls = form.pick(1_000, 10_000, 50_000);
    let (mut empties, mut submits, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..form.rounds {
        let folder = form.folder();
        let world = World::new();
        let (ledger, origin) = world.ledger(&folder.path().join("ledger"), Options::default());
        let statements = world.all_produced(&origin, 2, calls, 1);
        let key = world.plant.public();
        let raw = rate(calls, raw_loop(folder.path(), key, &statements));
        let empty = rate(calls, empty_calls(calls).await);
        let served = Served::start(&ledger).await;
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            clients.push(served.client().await);
        }
        let submit = rate(calls, all_at_once(&clients, statements).await);
        assert!(ledger.committed() >= calls as u64 + 2);
        drop(clients);
        served.stop().await;
        ledger.close().await.unwrap();
        ratios.push(submit / (1.0 / (1.0 / empty + 1.0 / raw)));
        empties.push(empty);
        submits.push(submit);
    }
    rows[3].say(format!("{} /s", thousands(median(empties))), None);
    let ratio = median(ratios);
    let figure = format!("{} /s", thousands(median(submits)));
    rows[4].judge(figure, Some(ratio), ratio >= TARGET);
}

/// Calls with these statements, [`CONCURRENCY`] at a time.
async fn all_at_once(
    clients: &[LedgerClient<Channel>],
    statements: Vec<SignedStatement>,
) -> Duration {
    let statements: Arc<Vec<SignedStatement>> = Arc::new(statements);
    run(
        clients,
        statements.len(),
        move |index| SubmitRequest {
            statement: Some(statements[index].clone()),
            ..SubmitRequest::default()
        },
        |answer| {
            acknowledged(answer);
        },
    )
    .await
}

/// The same number of calls that do nothing.
async fn empty_calls(calls: usize) -> Duration {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(LedgerServer::new(Empty))
            .serve_with_incoming(incoming),
    );
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(connect(&url).await);
    }
    let request = |_| SubmitRequest::default();
    let elapsed = run(&clients, calls, request, |answer| {
        assert_eq!(answer, SubmitResponse::default());
    })
    .await;
    server.abort();
    elapsed
}

async fn run(
    clients: &[LedgerClient<Channel>],
    calls: usize,
    request: impl Fn(usize) -> SubmitRequest + Clone + Send + Sync + 'static,
    look: fn(SubmitResponse),
) -> Duration {
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let tasks: Vec<_> = (0..CONCURRENCY)
        .map(|task| {
            let (next, request) = (Arc::clone(&next), request.clone());
            let mut client = clients[task % clients.len()].clone();
            tokio::spawn(async move {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= calls {
                        break;
                    }
                    look(client.submit(request(index)).await.unwrap().into_inner());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    started.elapsed()
}

/// A service whose calls do nothing.
struct Empty;

type None<T> = tokio_stream::Empty<Result<T, Status>>;

fn nothing<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("only submit is called"))
}

#[tonic::async_trait]
impl Service for Empty {
    async fn submit(&self, _: Request<SubmitRequest>) -> Result<Response<SubmitResponse>, Status> {
        Ok(Response::new(SubmitResponse::default()))
    }

    type SubmitStreamStream = None<SubmitResponse>;

    async fn submit_stream(
        &self,
        _: Request<Streaming<SubmitRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        nothing()
    }

    async fn decide(&self, _: Request<DecideRequest>) -> Result<Response<DecideResponse>, Status> {
        nothing()
    }

    async fn get_record(
        &self,
        _: Request<GetRecordRequest>,
    ) -> Result<Response<GetRecordResponse>, Status> {
        nothing()
    }

    type FollowStream = None<FollowResponse>;

    async fn follow(
        &self,
        _: Request<FollowRequest>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        nothing()
    }

    async fn get_status(
        &self,
        _: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        nothing()
    }

    async fn list_refusals(
        &self,
        _: Request<ListRefusalsRequest>,
    ) -> Result<Response<ListRefusalsResponse>, Status> {
        nothing()
    }
}
