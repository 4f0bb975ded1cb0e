//! Every call, from its first byte to its last: a place among those that may
//! go on, an id, a count, a line in the log, and whether its answer is read.
//!
//! What it is not: it knows no service; what a call is about is told to it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::DescriptorPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::body::Body;
use tonic::codegen::http::{self, HeaderMap, HeaderValue};
use tonic::codegen::{BoxFuture, Service};
use tonic::{Code, Extensions, Status};
use tower_layer::Layer;

use super::body::Answer;
use super::connections::Line;
use super::errors::Fault;
use super::limits::Limits;
use super::metrics::{self, Metrics};
use super::request_id::{Ids, REQUEST_ID};
use crate::catalog::Uscc;
use crate::ledger::{Bucket, Rate};
use crate::pb::{DESCRIPTORS, Payload};

/// When to come again after all places were taken, milliseconds.
const RETRY_AFTER_MS: u64 = 100;

/// The header in which gRPC says how a call came out.
const GRPC_STATUS: &str = "grpc-status";

/// No status has been seen yet.
const OPEN: i32 = -1;

/// The calls of a server.
pub(super) struct Calls {
    places: Arc<Semaphore>,
    /// KiB of long answers that may wait for their readers.
    pub(super) unread: Arc<Semaphore>,
    open: Mutex<HashMap<u64, Weak<Call>>>,
    next: AtomicU64,
    ids: Ids,
    /// The methods there are, and whether each streams.
    methods: HashMap<Arc<str>, bool>,
    other: Arc<str>,
    log: Mutex<Bucket>,
    log_rate: Rate,
    left_out: AtomicU64,
    slow: Duration,
    since: Instant,
    pub(super) metrics: Metrics,
}

/// A call that goes on; it ends when the last who has it lets go.
pub(super) struct Call {
    number: u64,
    id: HeaderValue,
    method: Arc<str>,
    streams: bool,
    pub(super) line: Option<Arc<Line>>,
    started: Instant,
    /// Whether its answer has begun.
    answering: AtomicBool,
    /// When a piece of its answer was handed to the transport that has not
    /// asked for the next; 0 if it has.
    handed_ms: AtomicU64,
    code: AtomicI32,
    party: OnceLock<Bytes>,
    pub(super) calls: Arc<Calls>,
    _place: Option<OwnedSemaphorePermit>,
}

/// What is overdue about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// Its answer is not read.
    Unread,
    /// Its request does not arrive.
    Unfinished,
}

impl Calls {
    pub(super) fn new(limits: &Limits, metrics: Metrics) -> Arc<Calls> {
        let log_rate = Rate {
            per_second: limits.log_lines_per_second,
            burst: limits.log_lines_per_second,
        };
        let methods = methods();
        metrics.begin(methods.keys());
        Arc::new(Calls {
            places: Arc::new(Semaphore::new(limits.max_calls)),
            unread: Arc::new(Semaphore::new(limits.max_unread_bytes.div_ceil(1024))),
            open: Mutex::default(),
            next: AtomicU64::new(0),
            ids: Ids::new(),
            methods,
            other: "other".into(),
            log: Mutex::new(Bucket::full(log_rate, 0)),
            log_rate,
            left_out: AtomicU64::new(0),
            slow: limits.slow_call,
            since: Instant::now(),
            metrics,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Weak<Call>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that go on.
    pub(super) fn all(&self) -> Vec<Arc<Call>> {
        self.lock().values().filter_map(Weak::upgrade).collect()
    }

    /// Whether a line may go to the log, and how many before it could not.
    pub(super) fn may_log(&self) -> Option<u64> {
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let may = {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.try_draw(self.log_rate, now)
        };
        if may {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        self.metrics.log_line_left_out();
        None
    }

    /// A call begins. It may be turned away; it is counted all the same.
    pub(super) fn begin<B>(
        self: &Arc<Calls>,
        request: &http::Request<B>,
    ) -> (Arc<Call>, Result<(), Fault>) {
        let line = request.extensions().get::<Arc<Line>>().cloned();
        let place = Arc::clone(&self.places).try_acquire_owned().ok();
        let turned_away = if line.as_ref().is_some_and(|line| line.is_blocked()) {
            Err(Fault::Blocked)
        } else if place.is_none() {
            Err(Fault::TurnedAway {
                limit: "max_calls",
                retry_after_ms: RETRY_AFTER_MS,
            })
        } else {
            Ok(())
        };
        let known = self.methods.get_key_value(request.uri().path());
        let (method, streams) = known.map_or((&self.other, false), |(m, streams)| (m, *streams));
        if let Some(line) = &line {
            line.enter();
        }
        self.metrics.call_begun();
        let call = Arc::new(Call {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            id: self.ids.of(request.headers()),
            method: Arc::clone(method),
            streams,
            line,
            started: Instant::now(),
            answering: AtomicBool::new(false),
            handed_ms: AtomicU64::new(0),
            code: AtomicI32::new(OPEN),
            party: OnceLock::new(),
            calls: Arc::clone(self),
            _place: place,
        });
        self.lock().insert(call.number, Arc::downgrade(&call));
        (call, turned_away)
    }
}

/// Every method that is served, as a path, and whether it streams.
fn methods() -> HashMap<Arc<str>, bool> {
    let files = [
        DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    ];
    let mut methods = HashMap::new();
    for pool in files
        .into_iter()
        .filter_map(|file| DescriptorPool::decode(file).ok())
    {
        for method in pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
        {
            let service = method.parent_service().full_name().to_owned();
            let path = format!("/{service}/{}", method.name());
            let streams = method.is_client_streaming() || method.is_server_streaming();
            methods.insert(path.into(), streams);
        }
    }
    methods
}

impl Call {
    /// The call that a request came by, if it came by the door.
    pub(super) fn of(extensions: &Extensions) -> Option<Arc<Call>> {
        extensions.get::<Arc<Call>>().cloned()
    }

    /// Told what it is about: a statement's payload. Its party is read from it
    /// if a line about the call is written.
    pub(super) fn about(&self, payload: &Bytes) {
        // Told twice, the first stands.
        let _ = self.party.set(payload.clone());
    }

    fn party(&self) -> Option<String> {
        let payload = Payload::decode(self.party.get()?.clone()).ok()?;
        // It is anybody's word: only what is a code goes into the log.
        payload.party.parse::<Uscc>().ok()?;
        Some(payload.party)
    }

    /// Its answer, watched on its way out.
    fn answered(self: &Arc<Call>, mut response: http::Response<Body>) -> http::Response<Body> {
        self.answering.store(true, Ordering::Release);
        self.ended_with(response.headers());
        response.headers_mut().insert(REQUEST_ID, self.id.clone());
        response.map(|body| Body::new(Answer::new(body, Arc::clone(self))))
    }

    /// Takes note of the status in headers or trailers, if it is there.
    pub(super) fn ended_with(&self, headers: &HeaderMap) {
        if let Some(status) = headers.get(GRPC_STATUS) {
            let code = Code::from_bytes(status.as_bytes());
            self.code.store(code.into(), Ordering::Release);
        }
    }

    fn now_ms(&self) -> u64 {
        self.line.as_ref().map_or(1, |line| line.now_ms())
    }

    /// A piece of the answer goes to the transport, which asks for the next
    /// when the client takes it.
    pub(super) fn handed(&self) {
        self.handed_ms.store(self.now_ms(), Ordering::Release);
    }

    /// The transport asks for more.
    pub(super) fn asked(&self) {
        self.handed_ms.store(0, Ordering::Release);
    }

    /// What is overdue, if anything.
    pub(super) fn late(&self, unread: Duration, unfinished: Duration) -> Option<Late> {
        let handed = self.handed_ms.load(Ordering::Acquire);
        let unread_ms = self.now_ms().saturating_sub(handed);
        if handed != 0 && u128::from(unread_ms) >= unread.as_millis() {
            return Some(Late::Unread);
        }
        let begun = self.answering.load(Ordering::Acquire);
        let unfinished = !begun && self.started.elapsed() >= unfinished;
        unfinished.then_some(Late::Unfinished)
    }

    /// A line in the log, where there is room for it: what the server is at
    /// fault for, and what took long; the others only for who asks for them.
    fn log(&self, code: Code, took: Duration) {
        let ours = matches!(
            code,
            Code::Unknown | Code::Internal | Code::Unavailable | Code::DataLoss
        );
        let slow = !self.streams && took >= self.calls.slow;
        let id = self.id.to_str().unwrap_or_default();
        let (method, status) = (&*self.method, metrics::name(code));
        let seconds = took.as_secs_f64();
        macro_rules! line {
            ($level:ident, $left_out:expr, $what:literal) => {
                tracing::$level!(
                    request_id = id,
                    method,
                    party = self.party(),
                    status,
                    seconds,
                    left_out = $left_out,
                    $what
                )
            };
        }
        if ours || slow {
            let Some(left_out) = self.calls.may_log() else {
                return;
            };
            let left_out = (left_out > 0).then_some(left_out);
            if ours {
                line!(warn, left_out, "call failed");
            } else {
                line!(info, left_out, "slow call");
            }
        } else {
            line!(debug, None::<u64>, "call");
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Without a status it was given up: by its client, or with its
        // connection.
        let code = match self.code.load(Ordering::Acquire) {
            OPEN => Code::Cancelled,
            code => Code::from(code),
        };
        let took = self.started.elapsed();
        self.calls.lock().remove(&self.number);
        if let Some(line) = &self.line {
            line.leave();
        }
        // In this order: what is counted has had its line.
        self.log(code, took);
        self.calls.metrics.call_ended(&self.method, code, took);
    }
}

/// Puts every call under watch.
#[derive(Clone)]
pub(super) struct Watch(pub Arc<Calls>);

/// A service whose calls are watched.
#[derive(Clone)]
pub(super) struct Watched<S> {
    inner: S,
    calls: Arc<Calls>,
}

impl<S> Layer<S> for Watch {
    type Service = Watched<S>;

    fn layer(&self, inner: S) -> Watched<S> {
        Watched {
            inner,
            calls: Arc::clone(&self.0),
        }
    }
}

impl<S> Service<http::Request<Body>> for Watched<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<http::Response<Body>, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let (call, begun) = self.calls.begin(&request);
        if let Err(fault) = begun {
            fault.count(&self.calls.metrics);
            let response = Status::from(fault).into_http();
            return Box::pin(std::future::ready(Ok(call.answered(response))));
        }
        request.extensions_mut().insert(Arc::clone(&call));
        let answer = self.inner.call(request);
        Box::pin(async move { Ok(call.answered(answer.await?)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_of_every_service_is_known_and_whether_it_streams() {
        let methods = methods();
        let streams = |path: &str| methods.get(path).copied();
        assert_eq!(streams("/hazledger.v1.Ledger/Submit"), Some(false));
        assert_eq!(streams("/hazledger.v1.Ledger/SubmitStream"), Some(true));
        assert_eq!(streams("/hazledger.v1.Ledger/Follow"), Some(true));
        assert_eq!(streams("/hazledger.v1.Trace/TraceLot"), Some(false));
        assert_eq!(streams("/grpc.health.v1.Health/Watch"), Some(true));
        assert_eq!(streams("/hazledger.v1.Ledger/Nothing"), None);
    }
}
