//! What the door counts, for whoever watches it; `web/ALERTS.md` says what
//! each means. Clones share their figures.
//!
//! Not here: what the ledger counts (`ledger`), and how it is served (`web`).

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tonic::Code;

use super::limits::Limits;

/// Seconds that a call takes.
const SECONDS: [f64; 10] = [
    0.001, 0.004, 0.016, 0.064, 0.25, 1.0, 4.0, 16.0, 60.0, 600.0,
];

/// Limits at which a stream is held back, and a single call is turned away.
const HOLDING_BACK: [&str; 3] = ["queue", "party_statements_per_second", "wasted_per_second"];

/// Limits at which whoever comes is turned away.
const TURNING_AWAY: [&str; 6] = [
    "max_calls",
    "max_submit_streams",
    "max_followers",
    "max_reads",
    "max_unread_bytes",
    "unread",
];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    method: Arc<str>,
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Method {
    method: Arc<str>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Limit {
    limit: &'static str,
}

/// Counters and gauges of one door.
#[derive(Clone, Debug)]
pub struct Metrics {
    connections: Gauge,
    connection_limit: Gauge,
    connections_opened: Counter,
    connections_cut: Family<Reason, Counter>,
    calls_open: Gauge,
    call_limit: Gauge,
    calls: Family<Ended, Counter>,
    call_seconds: Family<Method, Histogram, fn() -> Histogram>,
    turned_away: Family<Limit, Counter>,
    held_back: Family<Limit, Counter>,
    log_lines_left_out: Counter,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            connections: Gauge::default(),
            connection_limit: Gauge::default(),
            connections_opened: Counter::default(),
            connections_cut: Family::default(),
            calls_open: Gauge::default(),
            call_limit: Gauge::default(),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            turned_away: Family::default(),
            held_back: Family::default(),
            log_lines_left_out: Counter::default(),
        }
    }
}

impl Metrics {
    pub(super) fn limits(&self, limits: &Limits) {
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.connection_limit.set(gauge(limits.max_connections));
        self.call_limit.set(gauge(limits.max_calls));
    }

    /// What is 0 is there and says so: the first of its kind is a rise.
    pub(super) fn begin<'a>(&self, methods: impl Iterator<Item = &'a Arc<str>>) {
        for method in methods {
            let method = Arc::clone(method);
            let of = Method {
                method: Arc::clone(&method),
            };
            drop(self.call_seconds.get_or_create(&of));
            let status = name(Code::Ok);
            self.calls
                .get_or_create(&Ended { method, status })
                .inc_by(0);
        }
        for reason in ["silent", "idle", "unread", "unfinished"] {
            self.connections_cut
                .get_or_create(&Reason { reason })
                .inc_by(0);
        }
        for limit in HOLDING_BACK {
            self.held_back.get_or_create(&Limit { limit }).inc_by(0);
        }
        for limit in HOLDING_BACK.into_iter().chain(TURNING_AWAY) {
            self.turned_away.get_or_create(&Limit { limit }).inc_by(0);
        }
    }

    pub(super) fn connected(&self) {
        self.connections.inc();
        self.connections_opened.inc();
    }

    pub(super) fn disconnected(&self) {
        self.connections.dec();
    }

    pub(super) fn cut(&self, reason: &'static str) {
        self.connections_cut.get_or_create(&Reason { reason }).inc();
    }

    pub(super) fn call_begun(&self) {
        self.calls_open.inc();
    }

    pub(super) fn call_ended(&self, method: &Arc<str>, code: Code, took: Duration) {
        self.calls_open.dec();
        let method = Arc::clone(method);
        let status = name(code);
        self.call_seconds
            .get_or_create(&Method {
                method: Arc::clone(&method),
            })
            .observe(took.as_secs_f64());
        self.calls.get_or_create(&Ended { method, status }).inc();
    }

    /// Somebody was turned away at a limit.
    pub(super) fn turned_away(&self, limit: &'static str) {
        self.turned_away.get_or_create(&Limit { limit }).inc();
    }

    /// A stream was read no further for a while, at a limit.
    pub(super) fn held_back(&self, limit: &'static str) {
        self.held_back.get_or_create(&Limit { limit }).inc();
    }

    pub(super) fn log_line_left_out(&self) {
        self.log_lines_left_out.inc();
    }

    /// Puts them into a registry, under names that begin with
    /// `hazledger_grpc_`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("hazledger_grpc");
        let gauges = [
            ("connections", "Connections open", &self.connections),
            (
                "connection_limit",
                "Connections that may be open",
                &self.connection_limit,
            ),
            ("calls_open", "Calls going on", &self.calls_open),
            ("call_limit", "Calls that may go on", &self.call_limit),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        registry.register(
            "connections_opened",
            "Connections opened",
            self.connections_opened.clone(),
        );
        registry.register(
            "connections_cut",
            "Connections cut, by reason",
            self.connections_cut.clone(),
        );
        registry.register("calls", "Calls ended, by status", self.calls.clone());
        registry.register(
            "call_seconds",
            "Seconds from a call's beginning to its end",
            self.call_seconds.clone(),
        );
        registry.register(
            "turned_away",
            "Calls turned away at a limit",
            self.turned_away.clone(),
        );
        registry.register(
            "held_back",
            "Times a stream of statements was held back at a limit",
            self.held_back.clone(),
        );
        registry.register(
            "log_lines_left_out",
            "Lines about calls that the log had no room for",
            self.log_lines_left_out.clone(),
        );
    }
}

/// A status as gRPC spells it.
pub(super) fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
