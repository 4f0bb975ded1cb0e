//! The seam to durability: who decides which batch is next. Locally that is
//! the journal (`local`); it may as well be a stream with three replicas that
//! several writers publish to. Not here: what is in a batch.

use bytes::Bytes;

use crate::event::Hash;
use crate::journal::{Batch, JournalError, Reader, StoredBatch};
use crate::storage::Storage;

/// What became of a batch.
#[derive(Debug)]
pub enum Commit {
    /// It stands, and is durable.
    Committed,
    /// Another writer's batches stand where it would have stood, in order,
    /// the first at its first position.
    Lost(Vec<StoredBatch>),
    /// It may stand or not: read back.
    Unknown(LogError),
}

/// Why a log could not say.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The journal could not.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Another kind of log could not.
    #[error("{0}")]
    Other(String),
}

/// The order of records. One writer holds it, and calls it from one thread.
pub trait CommitLog: Send {
    /// Makes `batch` the next, durably, if the head hash before it still is
    /// `expected_head`. The one commit point: what it answers `Committed` is
    /// there after any crash.
    fn commit(&mut self, batch: &Batch, expected_head: Hash) -> Commit;

    /// What stands from a position on, oldest first; empty if nothing does.
    /// An error means that it cannot be known before a restart.
    fn read_back(&mut self, from: u64) -> Result<Vec<StoredBatch>, LogError>;

    /// Ends it cleanly.
    fn close(self: Box<Self>) -> Result<(), LogError>;
}

/// Batches in order, read as they are asked for.
pub type BatchIterator = Box<dyn Iterator<Item = Result<StoredBatch, JournalError>> + Send>;

/// Committed records, readable from any thread while they are written.
pub trait Records: Send + Sync {
    /// The body of the record at a position, if there is one.
    fn record(&self, position: u64) -> Result<Option<Bytes>, JournalError>;

    /// The batch that holds a position, if there is one.
    fn batch(&self, position: u64) -> Result<Option<StoredBatch>, JournalError>;

    /// Batches in order, from the one that holds `from`.
    fn batches(&self, from: u64) -> BatchIterator;
}

impl<S: Storage> Records for Reader<S> {
    fn record(&self, position: u64) -> Result<Option<Bytes>, JournalError> {
        Reader::record(self, position)
    }

    fn batch(&self, position: u64) -> Result<Option<StoredBatch>, JournalError> {
        Reader::batch(self, position)
    }

    fn batches(&self, from: u64) -> BatchIterator {
        Box::new(Reader::batches(self, from))
    }
}
