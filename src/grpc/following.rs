//! Records out, those that it wants, to one follower, no faster than it reads.

use super::errors::Fault;
use super::filter::{Filter, party_of};
use super::follower::{Follower, Sender};
use crate::pb::FollowResponse;

/// A follower of records.
pub(super) struct Following {
    pub(super) follower: Follower,
    pub(super) filter: Filter,
}

impl Following {
    /// Until it has gone, has everything, or the server stops.
    pub(super) async fn run(self, sender: Sender<FollowResponse>) {
        self.follower.serve(&sender, self.send_all(&sender)).await;
    }

    /// `None` once there is nothing more to send, or nobody to send it to.
    async fn send_all(&self, sender: &Sender<FollowResponse>) -> Option<()> {
        let follower = &self.follower;
        if follower.is_over(follower.from) {
            return None;
        }
        let ledger = &follower.door.ledger;
        let mut records = ledger.follow(follower.from);
        while let Some(read) = records.next().await {
            let record = match read {
                Ok(record) => record,
                Err(error) => {
                    // There is time for it: the follower has everything else.
                    let place = sender.reserve().await.ok()?;
                    place.send(Err(Fault::from(error).into()));
                    return None;
                }
            };
            let next = record.position.saturating_add(1);
            let party = |id| ledger.read(|state| party_of(state, id));
            if self.filter.wants(&record.opened, party) {
                let response = FollowResponse {
                    record: Some(record.record),
                    position: record.position,
                    as_of: record.as_of,
                };
                sender.send(Ok(response)).await.ok()?;
            }
            if follower.is_over(next) {
                return None;
            }
        }
        None
    }
}
