//! The committer: signs a batch, puts it to the log, and says what became of
//! it, while the writer decides the next. Not here: what the log is (`seam`).

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use bytes::Bytes;
use prost::Message as _;

use super::seam::{Commit, CommitLog, LogError};
use super::shared::Shared;
use crate::event::Hash;
use crate::journal::{Batch, StoredBatch};
use crate::pb::SignedCommit;
use crate::proof::{BatchTree, sign_commit};

/// How often a batch that nobody can place is put to the log, at most.
const MAX_ATTEMPTS: usize = 8;

/// Batches that may wait for the committer: the writer hands over the next
/// only after the word on the last.
pub(super) const QUEUE: usize = 1;

/// What the writer hands over.
pub(super) enum Order {
    Commit(Proposal),
    /// End the log cleanly.
    Close,
}

/// A batch as it is put to the log.
pub(super) struct Proposal {
    pub(super) first_position: u64,
    /// Head hash before it.
    pub(super) expected_head: Hash,
    /// Each record's bytes and head hash.
    pub(super) records: Vec<Bytes>,
    pub(super) heads: Vec<Hash>,
}

/// What became of it.
pub(super) enum Settlement {
    /// It stands.
    Ours {
        tree: BatchTree,
        commit: SignedCommit,
    },
    /// Others' batches stand in its place.
    Theirs(Vec<StoredBatch>),
    /// It cannot be known before a restart.
    Failed(String),
}

/// Until the writer is gone. Returns whether the log ended cleanly.
pub(super) fn run(
    shared: &Arc<Shared>,
    mut log: Box<dyn CommitLog>,
    orders: &Receiver<Order>,
) -> Result<(), LogError> {
    while let Ok(order) = orders.recv() {
        match order {
            Order::Commit(proposal) => {
                let bytes = proposal.records.iter().map(|record| record.len() as u64);
                let bytes = bytes.sum();
                let settlement = commit(shared, log.as_mut(), proposal);
                shared.inbox.settle(settlement);
                shared.disk.wrote(bytes);
            }
            Order::Close => return log.close(),
        }
    }
    Ok(())
}

fn commit(shared: &Shared, log: &mut dyn CommitLog, proposal: Proposal) -> Settlement {
    let Proposal {
        first_position,
        expected_head,
        records,
        heads,
    } = proposal;
    let commit = sign_commit(&shared.key, shared.genesis_hash, first_position, &heads);
    let last_head = heads.last().map_or([0; 32], |head| head.0);
    let batch = Batch {
        first_position,
        records,
        commit: commit.encode_to_vec().into(),
        last_head,
    };
    let started = Instant::now();
    let placed = place(log, &batch, expected_head);
    match placed {
        Ok(None) => {
            let bytes = batch.records.iter().map(Bytes::len).sum();
            let seconds = started.elapsed().as_secs_f64();
            shared.metrics.committed(heads.len(), bytes, seconds);
            Settlement::Ours {
                tree: BatchTree::new(&heads),
                commit,
            }
        }
        Ok(Some(theirs)) => Settlement::Theirs(theirs),
        Err(why) => Settlement::Failed(why),
    }
}

/// Puts the batch to the log until it is known what stands in its place:
/// `None` if it does itself.
fn place(
    log: &mut dyn CommitLog,
    batch: &Batch,
    expected_head: Hash,
) -> Result<Option<Vec<StoredBatch>>, String> {
    let mut last = String::from("the log names no batch that stands in its place");
    for _ in 0..MAX_ATTEMPTS {
        let standing = match log.commit(batch, expected_head) {
            Commit::Committed => return Ok(None),
            Commit::Lost(winners) => winners,
            Commit::Unknown(error) => {
                last = error.to_string();
                log.read_back(batch.first_position)
                    .map_err(|after| format!("{last}; then: {after}"))?
            }
        };
        match standing.first() {
            // Nothing stands there: it may be put again, because the log
            // takes it only if the head before it still is the last.
            None => {}
            Some(first) if is_ours(first, batch) => return Ok(None),
            Some(_) => return Ok(Some(standing)),
        }
    }
    Err(format!("after {MAX_ATTEMPTS} attempts: {last}"))
}

/// An answer that was lost on the way back makes one's own batch the winner.
fn is_ours(stored: &StoredBatch, batch: &Batch) -> bool {
    stored.first_position == batch.first_position
        && stored.records == batch.records
        && stored.commit == batch.commit
}
