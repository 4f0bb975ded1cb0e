//! The scrubber: reads the whole journal again and again, as strictly as
//! `verify` reads its files, so that a disk that forgets is found out while
//! another copy still has what it forgot. It repairs nothing and reads no
//! record's meaning: that is for `hazledger repair` and `hazledger verify`.
//!
//! One pass takes half of [`Options::scrub_every`](super::Options), evenly
//! spread over the bytes, so that what is written right after a pass has begun
//! is read within the whole of it. It holds one batch in memory, and stops
//! within one batch when the ledger closes or stops.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::inbox::Inbox;
use super::upkeep::Upkeep;
use crate::journal::Damage;

/// Damages that are told by name, at most; beyond that they are counted.
pub const MAX_DAMAGES_TOLD: usize = 64;

/// What the scrubber has done since the ledger was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Whole passes.
    pub passes: u64,
    /// Damages found, each counted once, up to [`MAX_DAMAGES_TOLD`]. Grows only.
    pub found: u64,
    /// These: one a segment, with its byte offset and position. What follows
    /// it in that segment was not read.
    pub damages: Vec<Damage>,
}

impl Scrubbed {
    /// Whether that is news.
    fn note(&mut self, damage: Damage) -> bool {
        if self.damages.contains(&damage) || self.damages.len() >= MAX_DAMAGES_TOLD {
            return false;
        }
        self.damages.push(damage);
        self.found = self.found.saturating_add(1);
        true
    }
}

/// Until the ledger takes nothing any more.
pub(super) fn run(
    journal: &dyn Upkeep,
    inbox: &Inbox,
    every: Duration,
    told: &watch::Sender<Scrubbed>,
) {
    while pass(journal, inbox, every / 2, told) {
        told.send_modify(|scrubbed| scrubbed.passes = scrubbed.passes.saturating_add(1));
    }
}

/// One pass; `false` if it was cut short.
fn pass(
    journal: &dyn Upkeep,
    inbox: &Inbox,
    time: Duration,
    told: &watch::Sender<Scrubbed>,
) -> bool {
    let begun = Instant::now();
    let total = journal.committed_bytes();
    for (read, damage) in journal.scan() {
        if let Some(damage) = damage {
            told.send_if_modified(|scrubbed| scrubbed.note(damage));
        }
        if inbox.rest_until(begun + share(time, read, total)) {
            return false;
        }
    }
    !inbox.rest_until(begun + time)
}

/// The part of the time that goes with the part of the bytes.
fn share(time: Duration, read: u64, total: u64) -> Duration {
    let nanos = time.as_nanos().saturating_mul(u128::from(read.min(total)));
    let nanos = nanos.checked_div(u128::from(total)).unwrap_or_default();
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
