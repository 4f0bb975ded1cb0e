//! The seam's local implementation: append and sync of our own journal. With
//! one writer no batch is ever lost to another.

use super::seam::{Commit, CommitLog, LogError};
use crate::event::Hash;
use crate::journal::{Batch, Journal, JournalError, StoredBatch};
use crate::storage::Storage;

/// The journal as the order of records.
pub(super) struct LocalLog<S: Storage> {
    journal: Journal<S>,
}

impl<S: Storage> LocalLog<S> {
    pub(super) fn new(journal: Journal<S>) -> LocalLog<S> {
        LocalLog { journal }
    }
}

impl<S: Storage> CommitLog for LocalLog<S> {
    /// The commit point. What a crash means, step by step:
    fn commit(&mut self, batch: &Batch, expected_head: Hash) -> Commit {
        if self.journal.last_head() != expected_head.0 {
            // … nothing: this writer has lost count, and stops.
            let message = "the journal's last head is not the one this batch was decided on";
            return Commit::Unknown(LogError::Other(message.into()));
        }
        // … before: nobody was told anything; the statements are sent again.
        match self.journal.append(batch) {
            // … during: a torn tail, or by luck the whole batch. Nobody was
            // told; opening sets the one aside and takes the other in.
            Err(error) => Commit::Unknown(error.into()),
            // … after: every record of it is there on opening, whether or not
            // the answers went out; statements sent again get the same ones.
            Ok(()) => Commit::Committed,
        }
    }

    /// After a failed sync the page cache is no witness: only opening again
    /// tells what stands.
    fn read_back(&mut self, _: u64) -> Result<Vec<StoredBatch>, LogError> {
        Err(JournalError::Poisoned.into())
    }

    fn close(self: Box<Self>) -> Result<(), LogError> {
        self.journal.close().map_err(LogError::from)
    }
}
