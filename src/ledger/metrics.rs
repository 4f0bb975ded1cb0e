//! What the ledger counts, for whoever watches it. Names are Prometheus': base
//! units, `_total` on what only grows; `web/ALERTS.md` says what each means.
//!
//! Not here: how it is served (`web`), and what the door counts (`grpc`).

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Ledger;
use super::answer::SubmitError;
use super::checkpoint::CheckpointStatus;
use super::refusals::NotKept;
use crate::event::codes;
use crate::pb::{Finding, FindingCode, RefusalCode};

/// Seconds, from a fast disk's sync to one that hangs.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.25, 0.5, 1.0, 4.0, 16.0,
];

/// Records of a batch; 4,096 is the most by default.
const RECORDS: [f64; 9] = [1.0, 4.0, 16.0, 64.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0];

/// Bytes of a batch, which has 1 MiB at most.
const BYTES: [f64; 8] = [
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    131_072.0,
    262_144.0,
    524_288.0,
    1_048_576.0,
];

/// Codes are below this.
const MAX_CODE: i32 = 1000;

fn finding_name(code: FindingCode) -> &'static str {
    let name = code.as_str_name();
    name.strip_prefix("FINDING_CODE_").unwrap_or(name)
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Code {
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// Counters and gauges of one ledger.
#[derive(Debug)]
pub struct Metrics {
    records: Counter,
    batch_records: Histogram,
    batch_bytes: Histogram,
    commit_seconds: Histogram,
    refusals: Family<Code, Counter>,
    findings: Family<Code, Counter>,
    duplicates: Counter,
    kept: Counter,
    not_kept: Family<Reason, Counter>,
    unverified: Counter,
    pushed_back: Family<Reason, Counter>,
    standing: Standing,
}

/// How things stand when they are looked at.
#[derive(Debug, Default)]
struct Standing {
    queue_statements: Gauge,
    queue_bytes: Gauge,
    queue_limit_statements: Gauge,
    queue_limit_bytes: Gauge,
    committed: Gauge,
    projected: Gauge,
    flushed: Gauge,
    view_lag: Gauge,
    live_items: Gauge,
    accepting: Gauge,
    disk_free: Gauge,
    scrub_damages: Gauge,
    scrub_passes: Counter,
    unverified_addresses: Gauge,
    recorded: Gauge<f64, AtomicU64>,
    evictions: Counter,
    checkpoints: Checkpoints,
}

/// How checkpoints stood when they were looked at.
#[derive(Debug, Default)]
struct Checkpoints {
    signed: Gauge,
    served: Gauge,
    lag: Gauge,
    signing: Gauge,
    count: Counter,
    signed_at: Gauge<f64, AtomicU64>,
}

impl Metrics {
    pub(super) fn new() -> Metrics {
        let metrics = Metrics::bare();
        // What is 0 is there and says so: the first of its kind is a rise.
        for number in 1..MAX_CODE {
            if let Ok(code) = RefusalCode::try_from(number) {
                let code = codes::name(code);
                metrics.refusals.get_or_create(&Code { code }).inc_by(0);
            }
            if let Ok(code) = FindingCode::try_from(number) {
                let code = finding_name(code);
                metrics.findings.get_or_create(&Code { code }).inc_by(0);
            }
        }
        for reason in [
            "queue",
            "party_rate",
            "disk",
            "clock",
            "hold",
            "stopped",
            "unreadable",
        ] {
            metrics
                .pushed_back
                .get_or_create(&Reason { reason })
                .inc_by(0);
        }
        for why in NotKept::ALL {
            metrics.refusals_not_kept(why.name(), 0);
        }
        metrics
    }

    fn bare() -> Metrics {
        Metrics {
            records: Counter::default(),
            batch_records: Histogram::new(RECORDS),
            batch_bytes: Histogram::new(BYTES),
            commit_seconds: Histogram::new(SECONDS),
            refusals: Family::default(),
            findings: Family::default(),
            duplicates: Counter::default(),
            kept: Counter::default(),
            not_kept: Family::default(),
            unverified: Counter::default(),
            pushed_back: Family::default(),
            standing: Standing::default(),
        }
    }

    /// A batch of so many records and bytes stands, after so many seconds.
    pub(super) fn committed(&self, records: usize, bytes: usize, seconds: f64) {
        let records = u32::try_from(records).unwrap_or(u32::MAX);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.records.inc_by(records.into());
        self.batch_records.observe(records.into());
        self.batch_bytes.observe(bytes.into());
        self.commit_seconds.observe(seconds);
    }

    /// Somebody is told of a record.
    pub(super) fn recorded(&self, findings: &[Finding], repeated: bool) {
        if repeated {
            self.duplicates.inc();
            return;
        }
        for finding in findings {
            let code = finding_name(finding.code());
            self.findings.get_or_create(&Code { code }).inc();
        }
    }

    /// Somebody is told of a refusal.
    pub(super) fn refused(&self, code: RefusalCode) {
        let code = codes::name(code);
        self.refusals.get_or_create(&Code { code }).inc();
    }

    /// So many refusals are on the disk.
    pub(super) fn refusals_kept(&self, refusals: usize) {
        let refusals = u64::try_from(refusals).unwrap_or(u64::MAX);
        self.kept.inc_by(refusals);
    }

    /// So many are counted and not kept.
    pub(super) fn refusals_not_kept(&self, reason: &'static str, refusals: u64) {
        self.not_kept
            .get_or_create(&Reason { reason })
            .inc_by(refusals);
    }

    /// A statement is refused before a signature of it verified.
    pub(super) fn unverified(&self) {
        self.unverified.inc();
    }

    /// Somebody is told to come again.
    pub(super) fn pushed_back(&self, error: &SubmitError) {
        let reason = match error {
            SubmitError::Overloaded { .. } => "queue",
            SubmitError::RateLimited { .. } => "party_rate",
            SubmitError::DiskNearlyFull { .. } => "disk",
            SubmitError::ClockInDoubt(_) => "clock",
            SubmitError::OnHold(_) => "hold",
            SubmitError::Stopped { .. } => "stopped",
            SubmitError::Unreadable { .. } => "unreadable",
        };
        self.pushed_back.get_or_create(&Reason { reason }).inc();
    }

    /// Puts them into a registry, under names that begin with `hazledger_`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("hazledger");
        registry.register(
            "records_committed",
            "Records committed since the start",
            self.records.clone(),
        );
        registry.register(
            "batch_records",
            "Records of a committed batch",
            self.batch_records.clone(),
        );
        registry.register(
            "batch_bytes",
            "Bytes of the records of a committed batch",
            self.batch_bytes.clone(),
        );
        registry.register(
            "commit_seconds",
            "Seconds to write and sync a batch",
            self.commit_seconds.clone(),
        );
        registry.register(
            "refusals",
            "Statements refused, by code",
            self.refusals.clone(),
        );
        registry.register(
            "findings",
            "Findings of records, by code",
            self.findings.clone(),
        );
        registry.register(
            "duplicates",
            "Statements that had been recorded before",
            self.duplicates.clone(),
        );
        registry.register(
            "refusals_kept",
            "Signed refusals written beside the journal since the start",
            self.kept.clone(),
        );
        registry.register(
            "refusals_not_kept",
            "Signed refusals that were counted and not kept, by reason",
            self.not_kept.clone(),
        );
        registry.register(
            "unverified_statements",
            "Statements refused before a signature of them verified",
            self.unverified.clone(),
        );
        registry.register(
            "pushed_back",
            "Statements that were not admitted, by reason",
            self.pushed_back.clone(),
        );
        self.standing.register(registry);
    }
}

impl Standing {
    fn register(&self, registry: &mut Registry) {
        let gauges = [
            (
                "queue_statements",
                "Statements admitted and not yet answered",
                &self.queue_statements,
            ),
            (
                "queue_bytes",
                "Bytes of statements admitted and not yet answered",
                &self.queue_bytes,
            ),
            (
                "queue_limit_statements",
                "Statements that may be unanswered",
                &self.queue_limit_statements,
            ),
            (
                "queue_limit_bytes",
                "Bytes of statements that may be unanswered",
                &self.queue_limit_bytes,
            ),
            (
                "committed_position",
                "Records in the ledger",
                &self.committed,
            ),
            (
                "projected_position",
                "Records that the views hold",
                &self.projected,
            ),
            (
                "flushed_position",
                "Records whose views are on disk",
                &self.flushed,
            ),
            (
                "view_lag_records",
                "Records that the views are behind",
                &self.view_lag,
            ),
            ("live_items", "Items in memory", &self.live_items),
            (
                "accepting",
                "1 if statements are taken, else 0",
                &self.accepting,
            ),
            (
                "disk_free_bytes",
                "Bytes free on the journal's disk at the last look",
                &self.disk_free,
            ),
            (
                "scrub_damages",
                "Damages that reading the journal again has found",
                &self.scrub_damages,
            ),
            (
                "unverified_addresses",
                "Addresses told apart from which statements came that did not verify",
                &self.unverified_addresses,
            ),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        registry.register(
            "recorded_timestamp_seconds",
            "When the last record was recorded, Unix seconds",
            self.recorded.clone(),
        );
        registry.register(
            "scrub_passes",
            "Times that the whole journal was read again",
            self.scrub_passes.clone(),
        );
        registry.register(
            "evictions",
            "Times that closed items left memory",
            self.evictions.clone(),
        );
        self.checkpoints.register(registry);
    }
}

impl Checkpoints {
    fn register(&self, registry: &mut Registry) {
        let gauges = [
            (
                "checkpoint_signed_position",
                "Records under the checkpoint that was signed last",
                &self.signed,
            ),
            (
                "checkpoint_served_position",
                "Records under the checkpoint that is served",
                &self.served,
            ),
            (
                "checkpoint_lag_records",
                "Records that no served checkpoint covers",
                &self.lag,
            ),
            (
                "checkpoint_signing",
                "1 if checkpoints are signed, else 0",
                &self.signing,
            ),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        registry.register(
            "checkpoints_signed",
            "Checkpoints signed since the start",
            self.count.clone(),
        );
        registry.register(
            "checkpoint_signed_timestamp_seconds",
            "When the last checkpoint was signed, Unix seconds; 0 before the first",
            self.signed_at.clone(),
        );
    }

    fn take(&self, status: &CheckpointStatus, committed: u64) {
        self.signed.set(gauge(status.signed));
        self.served.set(gauge(status.served));
        self.lag.set(gauge(committed.saturating_sub(status.served)));
        self.signing.set(i64::from(status.not_signing.is_empty()));
        self.count.inner().store(status.count, Ordering::Relaxed);
        self.signed_at
            .set(seconds(status.signed_at_ms.unwrap_or_default()));
    }
}

/// Milliseconds as Prometheus has times.
fn seconds(ms: i64) -> f64 {
    let whole = i32::try_from(ms.div_euclid(1000)).unwrap_or(i32::MAX);
    let part = i32::try_from(ms.rem_euclid(1000)).unwrap_or_default();
    f64::from(whole) + f64::from(part) / 1000.0
}

/// A count as Prometheus' signed gauges have it.
fn gauge(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

impl Ledger {
    /// What it has counted. Its gauges stand as [`Ledger::take_stock`] found
    /// them last.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Sets the gauges to how things stand now.
    pub fn take_stock(&self) {
        let status = self.status();
        let room = self.shared.inbox.room();
        let (live_items, evictions) = {
            let live = self.shared.live();
            (live.state.len(), live.evictions)
        };
        let standing = &self.shared.metrics.standing;
        standing
            .unverified_addresses
            .set(gauge(self.shared.refusals.addresses()));
        standing.queue_statements.set(gauge(room.statements));
        standing.queue_bytes.set(gauge(room.bytes));
        standing
            .queue_limit_statements
            .set(gauge(room.max_statements));
        standing.queue_limit_bytes.set(gauge(room.max_bytes));
        standing.committed.set(gauge(status.committed));
        standing.projected.set(gauge(status.projected));
        standing.flushed.set(gauge(status.flushed));
        let lag = status.committed.saturating_sub(status.projected);
        standing.view_lag.set(gauge(lag));
        standing.live_items.set(gauge(live_items));
        standing.accepting.set(i64::from(status.accepting));
        standing
            .disk_free
            .set(gauge(status.disk_free_bytes.unwrap_or_default()));
        standing.scrub_damages.set(gauge(status.scrubbed.found));
        standing
            .scrub_passes
            .inner()
            .store(status.scrubbed.passes, Ordering::Relaxed);
        standing.recorded.set(seconds(status.recorded_at_ms));
        standing
            .checkpoints
            .take(&status.checkpoints, status.committed);
        standing
            .evictions
            .inner()
            .store(evictions, Ordering::Relaxed);
    }
}
