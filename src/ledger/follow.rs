//! Followers: each committed record once, in order; catch-up from the
//! journal, then live. A follower that is slow costs nobody anything: it
//! reads the journal at its own pace.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;

use super::answer::ReadError;
use super::batches::BatchReader;
use super::shared::Shared;
use crate::event::record::OpenRecord;
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
    batches: BatchReader,
    next: u64,
    /// At most one batch of the journal, 1 MiB.
    read: VecDeque<(u64, Bytes)>,
    ended: bool,
}

impl Follower {
    pub(super) fn new(shared: Arc<Shared>, from: u64) -> Follower {
        Follower {
            batches: BatchReader::new(shared, from),
            next: from,
            read: VecDeque::new(),
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
            match self.read.pop_front() {
                Some((position, bytes)) if position == self.next => {
                    self.next = position.saturating_add(1);
                    let as_of = self.batches.committed();
                    return followed(position, as_of, &bytes).map(Some);
                }
                Some(_) => {}
                None => match self.batches.next().await.transpose()? {
                    Some(batch) => self
                        .read
                        .extend((batch.first_position..).zip(batch.records)),
                    None => return Ok(None),
                },
            }
        }
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
