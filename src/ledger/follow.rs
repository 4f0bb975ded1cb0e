//! Followers: each committed record once, in order; catch-up from the
//! journal, then live. A follower that is slow costs nobody anything: it
//! reads the journal at its own pace.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use tokio::sync::watch;

use super::answer::ReadError;
use super::seam::BatchIterator;
use super::shared::Shared;
use crate::event::record::OpenRecord;
use crate::journal::{JournalError, StoredBatch};
use crate::pb;

/// A committed record, as followers get it.
#[derive(Clone, Debug)]
pub struct Followed {
    /// Its position.
    pub position: u64,
    /// Records committed when it was read.
    pub as_of: u64,
    /// As stored.
    pub record: pb::Record,
    /// The same, opened.
    pub opened: OpenRecord,
}

/// Reads committed records from a position on.
pub struct Follower {
    shared: Arc<Shared>,
    committed: watch::Receiver<u64>,
    next: u64,
    /// At most one batch of the journal, 1 MiB.
    read: VecDeque<(u64, Bytes)>,
    batches: Option<BatchIterator>,
    ended: bool,
}

impl Follower {
    pub(super) fn new(shared: Arc<Shared>, from: u64) -> Follower {
        let committed = shared.committed.clone();
        Follower {
            shared,
            committed,
            next: from,
            read: VecDeque::new(),
            batches: None,
            ended: false,
        }
    }

    /// Position of the next record it gives.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// The next record, when it is committed; `None` when the ledger has been
    /// closed and everything was given, or after an error.
    pub async fn next(&mut self) -> Option<Result<Followed, ReadError>> {
        if self.ended {
            return None;
        }
        let result = self.advance().await.transpose();
        self.ended = !matches!(result, Some(Ok(_)));
        result
    }

    async fn advance(&mut self) -> Result<Option<Followed>, ReadError> {
        loop {
            // Only what is applied as well: a reader that hears of a record
            // finds its state there.
            let as_of = *self.committed.borrow_and_update();
            if self.next >= as_of {
                if self.committed.changed().await.is_err() {
                    return self.end();
                }
                continue;
            }
            match self.read.pop_front() {
                Some((position, bytes)) if position == self.next => {
                    self.next = position.saturating_add(1);
                    return followed(position, as_of, &bytes).map(Some);
                }
                Some(_) => {}
                None => self.fill().await?,
            }
        }
    }

    /// Nothing more will be committed.
    fn end(&self) -> Result<Option<Followed>, ReadError> {
        match self.shared.inbox.accepting() {
            (_, Some(why)) => Err(ReadError::Stopped { why }),
            (_, None) => Ok(None),
        }
    }

    /// Reads the next batch, off the async threads.
    async fn fill(&mut self) -> Result<(), ReadError> {
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
        match batch.transpose()? {
            Some(StoredBatch {
                first_position,
                records,
                ..
            }) => {
                self.read.extend((first_position..).zip(records));
                Ok(())
            }
            None => Err(missing(self.next).into()),
        }
    }
}

/// It is committed, so it must be there.
fn missing(position: u64) -> JournalError {
    JournalError::Lost {
        have: position,
        floor: position.saturating_add(1),
    }
}

fn followed(position: u64, as_of: u64, bytes: &Bytes) -> Result<Followed, ReadError> {
    let damaged = |source| ReadError::Record { position, source };
    let opened = OpenRecord::open(bytes).map_err(damaged)?;
    let record =
        pb::Record::decode(bytes.clone()).map_err(|_| ReadError::BadCommit { position })?;
    Ok(Followed {
        position,
        as_of,
        record,
        opened,
    })
}
