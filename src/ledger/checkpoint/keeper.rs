//! The keeper of the tree: the one thread that hashes what has been committed
//! and signs it. It reads the journal as a follower does, so that start,
//! rebuild and live work are one piece of code, there is no queue, and the
//! writer does not know of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Checkpoints;
use crate::journal::StoredBatch;
use crate::ledger::error::OpenError;
use crate::ledger::seam::{BatchIterator, Records};
use crate::ledger::shared::Shared;
use crate::projection::{Tree, TreeWriter};
use crate::proof::head_of;
use crate::proof::tree::{TreeHash, leaf_hash};

/// How long after the last look what has been committed since is hashed and
/// signed, if nobody waits for it: so that every record is under a checkpoint
/// within a second.
const SIGN_EVERY: Duration = Duration::from_millis(750);

/// See the module.
pub(in crate::ledger) struct Keeper {
    writer: TreeWriter,
    batches: Option<BatchIterator>,
    /// Read, and not all of it told to be committed.
    ahead: Option<StoredBatch>,
    synced_at: Instant,
    sync_every: Duration,
}

/// The leaf of a stored record; `None` for bytes that are none.
pub(super) fn leaf_of(record: &[u8]) -> Option<TreeHash> {
    head_of(record).map(leaf_hash)
}

/// Hashes what the tree lacks of the first so many records.
pub(super) fn catch_up_at_start(
    writer: &mut TreeWriter,
    records: &dyn Records,
    committed: u64,
) -> Result<(), OpenError> {
    let from = writer.size();
    let missing = || OpenError::Tree(format!("the journal ends before record {committed}"));
    if from < committed {
        let mut batches = records.batches(from);
        while writer.size() < committed {
            let batch = batches.next().ok_or_else(missing)??;
            add(writer, &batch).map_err(OpenError::Tree)?;
        }
    }
    // A rebuild is not to be done twice.
    writer
        .sync()
        .map_err(|error| OpenError::Tree(error.to_string()))
}

/// Adds a batch's records from the tree's end on.
fn add(writer: &mut TreeWriter, batch: &StoredBatch) -> Result<(), String> {
    for (position, record) in (batch.first_position..).zip(&batch.records) {
        if position == writer.size() {
            let leaf = leaf_of(record);
            let leaf = leaf.ok_or_else(|| format!("record {position} in the journal is none"))?;
            writer.push(leaf);
        }
    }
    writer.write().map_err(|error| error.to_string())
}

/// Until the ledger has ended and what was committed last is signed.
pub(in crate::ledger) fn run(shared: &Shared, mut keeper: Keeper) {
    let checkpoints = &shared.checkpoints;
    let mut due = Instant::now();
    loop {
        let ended = shared.inbox.rest_keeper(due, &checkpoints.wanted);
        // Before the look: whoever wants one after it gets another turn.
        checkpoints.wanted.store(false, Ordering::Release);
        due = Instant::now() + SIGN_EVERY;
        if let Err(why) = keeper.turn(shared, ended) {
            return checkpoints.fail(format!("the tree cannot be written: {why}"));
        }
        if ended {
            break;
        }
    }
    checkpoints.end(shared.inbox.why());
}

impl Keeper {
    pub(super) fn new(writer: TreeWriter, sync_every: Duration) -> Keeper {
        Keeper {
            writer,
            batches: None,
            ahead: None,
            synced_at: Instant::now(),
            sync_every,
        }
    }

    pub(super) fn tree(&self) -> Arc<Tree> {
        self.writer.tree()
    }

    /// Hashes what has been committed and signs it. An error means that the
    /// tree is of no use before the next start.
    fn turn(&mut self, shared: &Shared, last: bool) -> Result<(), String> {
        let committed = *shared.committed.borrow();
        self.catch_up(shared.records.as_ref(), committed)?;
        self.sign(&shared.checkpoints, shared);
        if last || self.synced_at.elapsed() >= self.sync_every {
            self.writer.sync().map_err(|error| error.to_string())?;
            self.synced_at = Instant::now();
        }
        Ok(())
    }

    /// Only what is told to be committed: a checkpoint is of records that
    /// anybody can ask for.
    fn catch_up(&mut self, records: &dyn Records, committed: u64) -> Result<(), String> {
        while self.writer.size() < committed {
            let batch = match self.ahead.take() {
                Some(batch) => batch,
                None => self.read(records)?,
            };
            if batch.end_position() > committed {
                self.ahead = Some(batch);
                break;
            }
            add(&mut self.writer, &batch)?;
        }
        Ok(())
    }

    fn read(&mut self, records: &dyn Records) -> Result<StoredBatch, String> {
        let next = self.writer.size();
        let batches = self.batches.get_or_insert_with(|| records.batches(next));
        match batches.next() {
            Some(Ok(batch)) => Ok(batch),
            Some(Err(error)) => Err(error.to_string()),
            None => Err(format!("record {next} is committed and not in the journal")),
        }
    }

    fn sign(&self, checkpoints: &Checkpoints, shared: &Shared) {
        let size = self.writer.size();
        let signed = checkpoints.standing.borrow().signed;
        if size <= signed || checkpoints.not_signing().is_some() {
            return;
        }
        if !checkpoints.signs(size) {
            // It ends with the rotation to this key: the earlier one signs it,
            // or nobody; the next record's is signed.
            return;
        }
        let now_ms = shared.time.best_ms();
        let done = checkpoints.sign(&shared.key, size, self.writer.root(), now_ms);
        if let Err(why) = done {
            checkpoints.fail(why);
        }
    }
}
