//! The keeper: the one thread that signs what is to be kept, writes it, lets
//! the oldest go, and sees when the ledger has to speak of it. It works every
//! so often, whatever comes, so that it takes the disk from the journal no
//! more than a few times a second.

use std::sync::PoisonError;
use std::time::Instant;

use bytes::Bytes;
use prost::Message as _;

use super::files::Files;
use super::{NotKept, Refusals};
use crate::journal::Batch;
use crate::ledger::batch::Refusal;
use crate::ledger::shared::Shared;
use crate::pb::{KeptRefusal, SignedRefusal};
use crate::proof::{KeptChain, kept_hash};

/// Refusals that become durable together, at most: a detail and a field have
/// 512 bytes each, so they fit into a batch.
const MAX_TOGETHER: usize = 256;

/// Until the ledger has ended, and what it refused last is written.
pub(in crate::ledger) fn run(shared: &Shared, mut files: Box<dyn Files>) {
    let refusals = &shared.refusals;
    loop {
        let due = Instant::now() + refusals.keeping.write_every;
        let ended = shared.inbox.rest_until_ended(due);
        refusals.turn(shared, files.as_mut());
        if ended {
            break;
        }
    }
    let failed = refusals.lock().failed.is_some();
    if !failed && let Err(error) = files.close() {
        // The next start rewrites the last file; nothing is lost.
        refusals.lock().failed = Some(error.to_string());
    }
}

impl Refusals {
    fn turn(&self, shared: &Shared, files: &mut dyn Files) {
        let waiting = self.lock().waiting.len();
        let mut left = waiting;
        while left > 0 {
            let taken: Vec<Refusal> = {
                let mut inner = self.lock();
                let some = inner.waiting.len().min(MAX_TOGETHER);
                inner.waiting.drain(..some).collect()
            };
            left = left.saturating_sub(taken.len().max(1));
            self.write(shared, files, &taken);
        }
        let now_ms = shared.time.best_ms();
        self.forget(files, now_ms);
        self.look(&self.lock(), now_ms);
    }

    fn write(&self, shared: &Shared, files: &mut dyn Files, taken: &[Refusal]) {
        if taken.is_empty() {
            return;
        }
        let turned_away = if self.lock().failed.is_some() {
            Some(NotKept::Failed)
        } else if files.has_room() {
            None
        } else {
            Some(NotKept::Room)
        };
        if let Some(why) = turned_away {
            return self.count(shared, taken.len(), why);
        }
        let (first_position, records, after) = self.encode(shared, taken);
        let batch = Batch {
            first_position,
            records,
            commit: Bytes::new(),
            last_head: after.hash.0,
        };
        match files.append(&batch) {
            // Only now may it be anchored: it is on the disk.
            Ok(()) => {
                self.lock().chain = after;
                shared.metrics.refusals_kept(taken.len());
                let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
                if kept.is_none() {
                    *kept = files.kept();
                }
            }
            // Some of it may be there; the next start knows.
            Err(error) => {
                self.lock().failed = Some(error.to_string());
                self.count(shared, taken.len(), NotKept::Failed);
            }
        }
    }

    fn encode(&self, shared: &Shared, taken: &[Refusal]) -> (u64, Vec<Bytes>, KeptChain) {
        let (mut chain, not_kept, unverified) = {
            let inner = self.lock();
            (inner.chain, inner.not_kept, inner.unverified)
        };
        let first = chain.count;
        let mut records = Vec::with_capacity(taken.len());
        for refusal in taken {
            let Some(by) = &refusal.by else {
                continue;
            };
            let kept = KeptRefusal {
                previous: chain.hash.to_bytes(),
                number: chain.count,
                party: by.party.clone(),
                key_id: by.key_id.clone(),
                statement_id: by.statement_id.clone(),
                refusal: Some(SignedRefusal {
                    remedy: String::new(),
                    // The same bytes as were answered: Ed25519 is deterministic.
                    ..refusal.signed(shared)
                }),
                not_kept,
                unverified,
            };
            let stored: Bytes = kept.encode_to_vec().into();
            chain = KeptChain {
                count: chain.count.saturating_add(1),
                hash: kept_hash(&stored),
            };
            records.push(stored);
        }
        (first, records, chain)
    }

    fn count(&self, shared: &Shared, refusals: usize, why: NotKept) {
        let more = u64::try_from(refusals).unwrap_or(u64::MAX);
        let mut inner = self.lock();
        inner.not_kept = inner.not_kept.saturating_add(more);
        drop(inner);
        shared.metrics.refusals_not_kept(why.name(), more);
    }

    /// Lets go what a committed word says is no longer kept, and sees what may
    /// go next: what is anchored, and older than it must be.
    fn forget(&self, files: &mut dyn Files, now_ms: i64) {
        let (anchored, kept_from) = {
            let inner = self.lock();
            (inner.anchored.count, inner.anchored.kept_from)
        };
        let mut failed = None;
        while let Some((range, _)) = files.oldest().filter(|(range, _)| range.end <= kept_from) {
            // It may be there again at the next start, and goes then.
            failed = files.forget_oldest().err().map(|error| error.to_string());
            self.lock().first = range.end;
        }
        let is_old = |at_ms: i64| {
            let age = now_ms.saturating_sub(at_ms).max(0).unsigned_abs();
            u128::from(age) >= self.keeping.keep_for.as_millis()
        };
        let next = files.oldest().filter(|(range, at_ms)| {
            range.end <= anchored && range.end > kept_from && is_old(*at_ms)
        });
        let mut inner = self.lock();
        inner.expired_until = next.map_or(kept_from, |(range, _)| range.end);
        if failed.is_some() {
            inner.failed = failed;
        }
    }
}
