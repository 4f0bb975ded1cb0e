//! Whoever is sent what is recorded, catch-up first and then live, whatever it
//! is sent: where it begins, what is its end, and how its stream ends. Not
//! here: what is sent (`following`, `reading`).

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;
use tonic::Status;

use super::door::Door;
use super::errors::Fault;
use super::waiting::at;

/// Where what is sent waits for it.
pub(super) type Sender<T> = mpsc::Sender<Result<T, Status>>;

/// One of them, and its place among them.
pub(super) struct Follower {
    pub(super) door: Door,
    pub(super) from: u64,
    /// Only what was committed then.
    until: Option<u64>,
    /// When it will have gone.
    ends: Option<Instant>,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    /// Gives it a place, if there is one.
    pub(super) fn admit(
        door: &Door,
        from: u64,
        catch_up_only: bool,
        ends: Option<Instant>,
    ) -> Result<Follower, Fault> {
        Ok(Follower {
            from,
            until: catch_up_only.then(|| door.ledger.committed()),
            ends,
            _place: door.counted(door.place_for_follower())?,
            door: door.clone(),
        })
    }

    /// Whether it wants nothing at this position or after it.
    pub(super) fn is_over(&self, next: u64) -> bool {
        self.until.is_some_and(|end| next >= end)
    }

    /// Sends it all that there is, until it has gone, its deadline is there, or
    /// the server stops. `sending` is over once there is nothing more to send,
    /// or nobody to send it to.
    pub(super) async fn serve<T>(
        &self,
        sender: &Sender<T>,
        sending: impl Future<Output = Option<()>>,
    ) {
        let fault = tokio::select! {
            () = sender.closed() => return,
            () = self.door.closing() => Fault::stopping(),
            () = at(self.ends) => Fault::FollowOver,
            _ = sending => return,
        };
        // One that has gone, or has left no room, is told nothing.
        let _ = sender.try_send(Err(fault.into()));
    }
}
