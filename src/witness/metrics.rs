//! What the asking of witnesses counts. What each metric means is in
//! `web/ALERTS.md`.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Who {
    witness: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct WhoAndWhy {
    witness: String,
    reason: &'static str,
}

/// Why a witness did not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Not reached, or not in time.
    Unreachable,
    /// An answer that says nothing that holds.
    Useless,
    /// It refused.
    Refused,
    /// It has signed a larger tree than the ledger has.
    Ahead,
    /// The ledger could not read its own tree.
    Tree,
}

impl Reason {
    /// All there are.
    pub const ALL: [Reason; 5] = [
        Reason::Unreachable,
        Reason::Useless,
        Reason::Refused,
        Reason::Ahead,
        Reason::Tree,
    ];

    fn name(self) -> &'static str {
        match self {
            Reason::Unreachable => "unreachable",
            Reason::Useless => "useless",
            Reason::Refused => "refused",
            Reason::Ahead => "ahead",
            Reason::Tree => "tree",
        }
    }
}

/// Counters and gauges. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    cosigned: Gauge,
    behind: Gauge,
    size: Family<Who, Gauge>,
    ahead: Family<Who, Gauge>,
    failures: Family<WhoAndWhy, Counter>,
}

impl Metrics {
    /// On the page.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("hazledger");
        registry.register(
            "cosigned_size",
            "Records of the largest checkpoint that met the witness policy since the start",
            self.cosigned.clone(),
        );
        registry.register(
            "cosigned_behind_records",
            "Records of signed checkpoints that the witness policy is not met for yet",
            self.behind.clone(),
        );
        registry.register(
            "witness_size",
            "Records of the largest checkpoint that a witness has cosigned since the start",
            self.size.clone(),
        );
        registry.register(
            "witness_ahead_records",
            "Records that a witness has cosigned and this ledger does not have",
            self.ahead.clone(),
        );
        registry.register(
            "witness_failures",
            "Times that a witness was asked and did not cosign, by reason",
            self.failures.clone(),
        );
    }

    /// What is 0 is there and says so.
    pub(super) fn watch(&self, witness: &str) {
        let who = Who {
            witness: witness.to_owned(),
        };
        self.size.get_or_create(&who).set(0);
        self.ahead.get_or_create(&who).set(0);
        for reason in Reason::ALL {
            self.failure(witness, reason).inc_by(0);
        }
    }

    /// How far the policy is met, of what is signed.
    pub(super) fn met(&self, met: u64, newest: u64) {
        self.cosigned.set(figure(met));
        self.behind.set(figure(newest.saturating_sub(met)));
    }

    /// A witness has signed.
    pub(super) fn cosigned(&self, witness: &str, size: u64) {
        let who = Who {
            witness: witness.to_owned(),
        };
        self.size.get_or_create(&who).set(figure(size));
        self.ahead.get_or_create(&who).set(0);
    }

    /// A witness has signed a larger tree.
    pub(super) fn ahead(&self, witness: &str, by: u64) {
        let who = Who {
            witness: witness.to_owned(),
        };
        self.ahead.get_or_create(&who).set(figure(by));
    }

    /// A witness has not signed.
    pub(super) fn failed(&self, witness: &str, reason: Reason) {
        self.failure(witness, reason).inc();
    }

    fn failure(&self, witness: &str, reason: Reason) -> Counter {
        let why = WhoAndWhy {
            witness: witness.to_owned(),
            reason: reason.name(),
        };
        self.failures.get_or_create(&why).clone()
    }
}

/// As Prometheus has numbers.
pub(super) fn figure(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
