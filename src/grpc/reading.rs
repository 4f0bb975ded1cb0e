//! The journal out, batch by batch as it is stored: catch-up, then live, for
//! one reader, no faster than it reads.

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;
use tonic::Status;

use super::door::Door;
use super::errors::Fault;
use super::waiting::at;
use crate::pb::ReadJournalResponse;

/// Batches that wait for one reader; a batch is at most 1 MiB.
pub(super) const BATCHES_AHEAD: usize = 1;

/// A reader of the journal.
pub(super) struct Reading {
    pub(super) door: Door,
    pub(super) from: u64,
    /// Only what was committed then.
    pub(super) until: Option<u64>,
    /// When it will have gone.
    pub(super) ends: Option<Instant>,
    /// Its place among the followers.
    pub(super) _place: OwnedSemaphorePermit,
}

type Sender = mpsc::Sender<Result<ReadJournalResponse, Status>>;

impl Reading {
    /// Until it has gone, has everything, or the server stops.
    pub(super) async fn run(self, sender: Sender) {
        let fault = tokio::select! {
            () = sender.closed() => return,
            () = self.door.closing() => Fault::stopping(),
            () = at(self.ends) => Fault::FollowOver,
            _ = self.send_all(&sender) => return,
        };
        // One that has gone, or has left no room, is told nothing.
        let _ = sender.try_send(Err(fault.into()));
    }

    /// `None` once there is nothing more to send, or nobody to send it to.
    async fn send_all(&self, sender: &Sender) -> Option<()> {
        let is_over = |next: u64| self.until.is_some_and(|end| next >= end);
        if is_over(self.from) {
            return None;
        }
        let mut batches = self.door.ledger.read_journal(self.from);
        while let Some(read) = batches.next().await {
            // A place first: at most one batch waits here, however slow it is.
            let place = sender.reserve().await.ok()?;
            let batch = match read {
                Ok(batch) => batch,
                Err(error) => {
                    place.send(Err(Fault::from(error).into()));
                    return None;
                }
            };
            let next = batch.end_position();
            place.send(Ok(ReadJournalResponse {
                first_position: batch.first_position,
                records: batch.records,
                commit: batch.commit,
                as_of: batches.committed(),
            }));
            if is_over(next) {
                return None;
            }
        }
        None
    }
}
