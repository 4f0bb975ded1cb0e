//! The journal out, batch by batch as it is stored, to one follower, no faster
//! than it reads.

use super::errors::Fault;
use super::follower::{Follower, Sender};
use crate::pb::ReadJournalResponse;

/// Batches that wait for one reader; a batch is at most 1 MiB.
pub(super) const BATCHES_AHEAD: usize = 1;

/// A reader of the journal.
pub(super) struct Reading(pub(super) Follower);

impl Reading {
    /// Until it has gone, has everything, or the server stops.
    pub(super) async fn run(self, sender: Sender<ReadJournalResponse>) {
        self.0.serve(&sender, self.send_all(&sender)).await;
    }

    /// `None` once there is nothing more to send, or nobody to send it to.
    async fn send_all(&self, sender: &Sender<ReadJournalResponse>) -> Option<()> {
        let follower = &self.0;
        if follower.is_over(follower.from) {
            return None;
        }
        let mut batches = follower.door.ledger.read_journal(follower.from);
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
            if follower.is_over(next) {
                return None;
            }
        }
        None
    }
}
