//! What a witness counts, and what it has signed, for Prometheus.
//!
//! | metric | be woken when | meaning |
//! |---|---|---|
//! | `hazledger_witness_log_forked` | it is 1 | a log has signed two trees of one size; the proof is in `HASH.fork` of the folder: tell whoever relies on that log |
//! | `hazledger_witness_log_in_doubt` | it is 1 | a write failed so that nobody knows what is on the disk: see to the disk, then restart |
//! | `hazledger_witness_answers_total` | those of `status` 500 or 422 grow | 500: what is signed cannot be kept; 422: a log does not go on from what was signed, the log says which |
//! | `hazledger_witness_log_cosigned_at_seconds` | it stands still for an hour, or is of the future | a log does not come, or is refused; or this machine's clock was wrong once: times do not go back |
//! | `hazledger_witness_log_size` | | how far a log has come |

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::files::Files;
use super::memory::Witness;
use super::metrics::figure;

/// A log's origin. There are as many as the operator named.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Of {
    log: String,
}

type Gauges = Family<Of, Gauge>;

/// The HTTP status of an answer: one of a few.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Status {
    status: u16,
}

/// Answers to requests, by status. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    answers: Family<Status, Counter>,
}

impl Counts {
    /// A request for a signature was answered with this status.
    pub(super) fn answered(&self, status: u16) {
        self.answers.get_or_create(&Status { status }).inc();
    }

    /// The page as it is now. Never waits for the disk.
    pub fn page<F: Files>(&self, witness: &Witness<F>) -> Result<String, fmt::Error> {
        let (size, at) = (Gauges::default(), Gauges::default());
        let (in_doubt, forked) = (Gauges::default(), Gauges::default());
        for (log, shown) in witness.shown() {
            let of = Of { log };
            size.get_or_create(&of).set(figure(shown.size));
            at.get_or_create(&of).set(figure(shown.at_s));
            in_doubt.get_or_create(&of).set(shown.in_doubt.into());
            forked.get_or_create(&of).set(shown.forked.into());
        }
        let mut registry = Registry::with_prefix("hazledger_witness");
        registry.register(
            "log_size",
            "Leaves of the checkpoint of a log that was cosigned last",
            size,
        );
        registry.register(
            "log_cosigned_at_seconds",
            "When a checkpoint of a log was cosigned last, Unix seconds; 0 if never",
            at,
        );
        registry.register(
            "log_in_doubt",
            "1 if nothing more of a log is signed until the witness is started again",
            in_doubt,
        );
        registry.register(
            "log_forked",
            "1 if a proof is kept that a log has signed two trees of one size",
            forked,
        );
        registry.register(
            "answers",
            "Answers to requests for a cosignature, by HTTP status",
            self.answers.clone(),
        );
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry)?;
        Ok(text)
    }
}
