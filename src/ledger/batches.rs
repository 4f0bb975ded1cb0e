//! The journal's batches as they are stored, in order, to whoever reads them:
//! catch-up, then live. Not here: records one by one (`follow`).

use std::sync::Arc;

use tokio::sync::watch;

use super::answer::ReadError;
use super::seam::BatchIterator;
use super::shared::Shared;
use crate::journal::{JournalError, StoredBatch};

/// Reads committed batches, from the one that holds a position on.
pub struct BatchReader {
    shared: Arc<Shared>,
    committed: watch::Receiver<u64>,
    /// A position of the next batch.
    next: u64,
    batches: Option<BatchIterator>,
    ended: bool,
}

impl BatchReader {
    pub(super) fn new(shared: Arc<Shared>, from: u64) -> BatchReader {
        let committed = shared.committed.clone();
        BatchReader {
            shared,
            committed,
            next: from,
            batches: None,
            ended: false,
        }
    }

    /// Records committed by now.
    pub fn committed(&self) -> u64 {
        *self.committed.borrow()
    }

    /// The next batch, when it is committed; `None` when the ledger has been
    /// closed and everything was given, or after an error.
    pub async fn next(&mut self) -> Option<Result<StoredBatch, ReadError>> {
        if self.ended {
            return None;
        }
        let result = self.advance().await.transpose();
        self.ended = !matches!(result, Some(Ok(_)));
        result
    }

    async fn advance(&mut self) -> Result<Option<StoredBatch>, ReadError> {
        // Only what is applied as well: a reader that hears of a record finds
        // its state there.
        if !self.wait_for(self.next.saturating_add(1)).await {
            return self.end();
        }
        let batch = self.read().await?;
        let end = batch.end_position();
        if !self.wait_for(end).await {
            return self.end();
        }
        self.next = end;
        Ok(Some(batch))
    }

    /// Whether so many records are committed, sooner or later.
    async fn wait_for(&mut self, count: u64) -> bool {
        let waited = self.committed.wait_for(|committed| *committed >= count);
        waited.await.is_ok()
    }

    /// Nothing more will be committed.
    fn end(&self) -> Result<Option<StoredBatch>, ReadError> {
        match self.shared.inbox.accepting() {
            (_, Some(why)) => Err(ReadError::Stopped { why }),
            (_, None) => Ok(None),
        }
    }

    /// Reads the next batch, off the async threads.
    async fn read(&mut self) -> Result<StoredBatch, ReadError> {
        let records = Arc::clone(&self.shared.records);
        let (next, batches) = (self.next, self.batches.take());
        let read = tokio::task::spawn_blocking(move || {
            let mut batches = batches.unwrap_or_else(|| records.batches(next));
            let batch = batches.next();
            (batch, batches)
        });
        let Ok((batch, batches)) = read.await else {
            return Err(ReadError::Stopped {
                why: "reading was cut short".into(),
            });
        };
        self.batches = Some(batches);
        let batch = batch.transpose()?;
        batch.ok_or_else(|| missing(self.next).into())
    }
}

/// It is committed, so it must be there.
fn missing(position: u64) -> JournalError {
    JournalError::Lost {
        have: position,
        floor: position.saturating_add(1),
    }
}
