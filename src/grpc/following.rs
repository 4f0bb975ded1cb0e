//! Records out: catch-up, then live, for one follower, no faster than it reads.

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;
use tonic::Status;

use super::door::Door;
use super::errors::Fault;
use super::filter::{Filter, party_of};
use super::waiting::at;
use crate::pb::FollowResponse;

/// A follower.
pub(super) struct Following {
    pub(super) door: Door,
    pub(super) from: u64,
    /// Only what was committed then.
    pub(super) until: Option<u64>,
    pub(super) filter: Filter,
    /// When it will have gone.
    pub(super) ends: Option<Instant>,
    /// Its place among the followers.
    pub(super) _place: OwnedSemaphorePermit,
}

type Sender = mpsc::Sender<Result<FollowResponse, Status>>;

impl Following {
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
        let is_over = |position: u64, until: Option<u64>| until.is_some_and(|end| position >= end);
        if is_over(self.from, self.until) {
            return None;
        }
        let mut records = self.door.ledger.follow(self.from);
        while let Some(read) = records.next().await {
            let followed = match read {
                Ok(followed) => followed,
                Err(error) => {
                    // There is time for it: the follower has everything else.
                    let place = sender.reserve().await.ok()?;
                    place.send(Err(Fault::from(error).into()));
                    return None;
                }
            };
            let next = followed.position.saturating_add(1);
            let party = |id| self.door.ledger.read(|state| party_of(state, id));
            if self.filter.wants(&followed.opened, party) {
                let response = FollowResponse {
                    record: Some(followed.record),
                    position: followed.position,
                    as_of: followed.as_of,
                };
                sender.send(Ok(response)).await.ok()?;
            }
            if is_over(next, self.until) {
                return None;
            }
        }
        None
    }
}
