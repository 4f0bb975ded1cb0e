//! What the services share: the ledger, its reads with their deadlines, and
//! the word that the server is about to stop.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout_at;
use tonic::metadata::MetadataMap;

use super::errors::Fault;
use super::limits::Limits;
use super::metrics::Metrics;
use super::waiting::{Deadline, Reads};
use crate::custody::{Item, Items};
use crate::event::LotId;
use crate::event::excerpt::Excerpt;
use crate::event::record::OpenRecord;
use crate::ledger::Ledger;
use crate::pb::Subject;
use crate::projection::trace::{ReadError, RecordSource};
use crate::projection::{StoreError, items};

/// When to come again after all places were taken, milliseconds.
const RETRY_AFTER_MS: u64 = 1000;

/// The shared part of every service.
#[derive(Clone)]
pub(super) struct Door {
    pub ledger: Ledger,
    pub limits: Arc<Limits>,
    pub metrics: Metrics,
    reads: Reads,
    streams: Arc<Semaphore>,
    followers: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

impl Door {
    pub fn new(
        ledger: Ledger,
        limits: Limits,
        metrics: Metrics,
        stopping: watch::Receiver<bool>,
    ) -> Door {
        Door {
            ledger,
            metrics,
            reads: Reads::new(limits.max_reads),
            streams: Arc::new(Semaphore::new(limits.max_submit_streams)),
            followers: Arc::new(Semaphore::new(limits.max_followers)),
            limits: Arc::new(limits),
            stopping,
        }
    }

    /// When a read must have been answered.
    pub fn deadline(&self, metadata: &MetadataMap) -> Deadline {
        Deadline::of(metadata, self.limits.max_wait)
    }

    /// A place among the streams of statements.
    pub fn place_for_stream(&self) -> Result<OwnedSemaphorePermit, Fault> {
        place(&self.streams, "max_submit_streams")
    }

    /// A place among the followers.
    pub fn place_for_follower(&self) -> Result<OwnedSemaphorePermit, Fault> {
        place(&self.followers, "max_followers")
    }

    /// The same, counted if somebody is turned away.
    pub fn counted<R>(&self, result: Result<R, Fault>) -> Result<R, Fault> {
        result.inspect_err(|fault| fault.count(&self.metrics))
    }

    /// Ready when the server is about to stop.
    pub async fn closing(&self) {
        let mut stopping = self.stopping.clone();
        // An error means that the server is gone, which is as good.
        let _ = stopping.wait_for(|stop| *stop).await;
    }

    /// Waits until so many records are committed; returns how many are.
    pub async fn committed(&self, min_position: u64, deadline: Deadline) -> Result<u64, Fault> {
        let as_of = self.ledger.committed();
        if as_of >= min_position {
            return Ok(as_of);
        }
        self.projected(min_position, deadline).await?;
        Ok(self.ledger.committed())
    }

    /// Waits until the views hold so many records; returns how many they do.
    pub async fn projected(&self, min_position: u64, deadline: Deadline) -> Result<u64, Fault> {
        match timeout_at(deadline.0, self.ledger.at_least(min_position)).await {
            Ok(as_of) => Ok(as_of?),
            Err(_) => Err(Fault::TooLate {
                min_position,
                as_of: self.ledger.status().projected,
            }),
        }
    }

    /// Runs a blocking read of the ledger.
    pub async fn read<R: Send + 'static>(
        &self,
        deadline: Deadline,
        read: impl FnOnce(&Ledger) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let ledger = self.ledger.clone();
        let read = self.reads.run(deadline, move || read(&ledger)).await;
        self.counted(read)
    }
}

fn place(places: &Arc<Semaphore>, limit: &'static str) -> Result<OwnedSemaphorePermit, Fault> {
    let place = Arc::clone(places).try_acquire_owned();
    place.map_err(|_| Fault::TurnedAway {
        limit,
        retry_after_ms: RETRY_AFTER_MS,
    })
}

/// The journal, as the trace reads it.
pub(super) struct Journal<'a>(pub &'a Ledger);

impl RecordSource for Journal<'_> {
    fn record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError> {
        let record = self.0.open_record(position);
        record.map_err(|error| unread(position, &error))
    }

    fn excerpt(&self, position: u64, subject: &Subject) -> Result<Option<Excerpt>, ReadError> {
        let excerpt = self.0.excerpt(position, subject);
        excerpt.map_err(|error| unread(position, &error))
    }
}

fn unread(position: u64, error: &crate::ledger::ReadError) -> ReadError {
    ReadError {
        position,
        why: error.to_string(),
    }
}

/// Items as they stand: in memory, or closed and in the store. One that the
/// store cannot give is as unknown.
pub(super) struct Known<'a>(pub &'a Ledger);

impl Known<'_> {
    /// The same, with the number of records it stands after, and telling
    /// whether the store could be read.
    pub fn standing(&self, subject: &Subject) -> Result<(u64, Option<Arc<Item>>), StoreError> {
        // In this order: what leaves memory is in the store by then.
        let (as_of, live) = self.0.read(|state| (state.next(), state.get(subject)));
        if live.is_some() {
            return Ok((as_of, live));
        }
        let closed = items::item(self.0.store(), subject)?;
        Ok((as_of, closed.map(Arc::new)))
    }
}

impl Items for Known<'_> {
    fn get(&self, subject: &Subject) -> Option<Arc<Item>> {
        self.standing(subject).ok()?.1
    }
}

/// A lot's name out of a request.
pub(super) fn lot_id(field: &'static str, bytes: &[u8]) -> Result<LotId, Fault> {
    let why = || format!("{} bytes; a lot's name has 16", bytes.len());
    LotId::from_slice(bytes).ok_or_else(|| Fault::invalid(field, why()))
}
