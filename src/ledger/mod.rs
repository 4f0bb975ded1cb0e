//! The ledger: one writer, its batches, and the seam to durability.
//!
//! A statement goes through `inbox` → `prepare` (all cores: shape, signatures,
//! look-ups) → `writer` (decides in order, on what is decided before it) →
//! `committer` (signs and syncs, while the next batch is decided) → back to
//! the writer, which folds what stands and answers → the projector.
//!
//! | file | what it is |
//! |---|---|
//! | `create`, `open`, `folder`, `recovery` | creating and opening a ledger |
//! | `ticket`, `inbox`, `prepare`, `writer`, `batch`, `committer` | the way of a statement |
//! | `seam`, `local` | who decides which batch is next; our own journal |
//! | `state_record` | the ledger's own statements |
//! | `clock`, `timekeeper` | the time, and whether it may be believed |
//! | `keys` | public keys, opened once |
//! | `ids` | which statement of the last 30 days became which record |
//! | `dry_run`, `follow`, `batches`, `shared` | reading |
//! | `evidence` | what proves a lot's chain of custody to others |
//! | `refusals` | refusals kept beside the journal |
//! | `rotation` | the ledger's key, and another in its place |
//! | `rates` | how fast a party may go |
//! | `checkpoint` | the tree, signed checkpoints, receipts |
//! | `metrics` | what is counted |
//! | `upkeep`, `disk`, `scrub` | room on the disk; everything read again |
//! | `threads` | who runs what, and how it ends |
//!
//! Architecture invariant: nothing that rests on an uncommitted record leaves
//! here; what leaves has been applied as well.

mod answer;
mod batch;
mod batches;
mod checkpoint;
mod clock;
mod committer;
mod create;
mod disk;
mod dry_run;
mod error;
mod evidence;
mod folder;
mod follow;
mod ids;
mod inbox;
mod keys;
mod local;
mod metrics;
mod open;
mod options;
mod overdue;
mod prepare;
mod rates;
mod recovery;
mod refusals;
mod rotation;
mod scrub;
mod seam;
mod shared;
mod state_record;
#[cfg(test)]
mod tests;
mod threads;
mod ticket;
mod timekeeper;
mod upkeep;
mod writer;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::{oneshot, watch};

pub use answer::{Answer, CloseError, ReadError, Status, SubmitError};
pub use batches::BatchReader;
pub use checkpoint::{
    CheckpointStatus, Confirmed, Hold, Known, MAX_RECEIPT_WAIT, NoReceipt, NotConfirmed, NotServed,
};
pub use clock::{Clock, SystemClock};
pub use disk::DiskShort;
pub use error::OpenError;
pub use evidence::Latest;
pub use folder::{FORMAT_VERSION, genesis_hash};
pub use follow::{Followed, Follower};
pub use metrics::Metrics;
pub use open::Opened;
pub use options::{MIN_BATCH_BYTES, Options};
pub use rates::{Bucket, MAX_RATED_PARTIES, Rate};
pub use refusals::{Keeping, MAX_ADDRESSES, MAX_LISTED_ADDRESSES, MAX_SEEN};
pub use rotation::Rotated;
pub use scrub::{MAX_DAMAGES_TOLD, Scrubbed};
pub use seam::{BatchIterator, Commit, CommitLog, LogError, Records};
pub use timekeeper::{CONFIRM_WITHIN, ClockDoubt, MAX_SLEW_PPM};

use batch::Delivered;
use shared::Shared;
use threads::Threads;

use crate::custody::State;
use crate::event::StatementId;
use crate::event::excerpt::Excerpt;
use crate::event::record::OpenRecord;
use crate::event::weight::{MAX_WEIGHT, weight};
use crate::pb::{self, SignedStatement, Subject};
use crate::projection::Store;
use crate::proof::LedgerKeys;

/// When to send a statement again that there was no room for, milliseconds:
/// about as long as a few batches take.
pub const RETRY_AFTER_MS: u64 = 100;

/// A ledger that is open. Clones share it; when the last is dropped it stops,
/// and [`Ledger::close`] stops it cleanly.
#[derive(Clone)]
pub struct Ledger {
    // First, so that the threads have ended before what they share goes.
    threads: Arc<Threads>,
    shared: Arc<Shared>,
}

/// The answer to a statement that has been admitted, when it comes.
pub struct Pending {
    shared: Arc<Shared>,
    receiver: oneshot::Receiver<Delivered>,
}

impl Future for Pending {
    type Output = Result<Answer, SubmitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let delivered = Pin::new(&mut self.receiver).poll(context);
        delivered.map(|delivered| self.counted(self.answer(delivered.ok())))
    }
}

impl Pending {
    fn answer(&self, delivered: Option<Delivered>) -> Result<Answer, SubmitError> {
        let stopped = || SubmitError::Stopped {
            why: self.shared.inbox.why(),
        };
        match delivered.ok_or_else(stopped)? {
            Delivered::Committed {
                batch,
                index,
                repeated,
            } => batch.answer(index, repeated).ok_or_else(stopped),
            Delivered::Refused(refusal) => Ok(Answer::Refused(refusal.signed(&self.shared))),
            Delivered::Answer(answer) => answer.map(|answer| *answer),
        }
    }

    fn counted(&self, answer: Result<Answer, SubmitError>) -> Result<Answer, SubmitError> {
        let metrics = &self.shared.metrics;
        match &answer {
            Ok(Answer::Acknowledged {
                findings, repeated, ..
            }) => metrics.recorded(findings, *repeated),
            Ok(Answer::Refused(refusal)) => metrics.refused(refusal.code()),
            Err(error) => metrics.pushed_back(error),
        }
        answer
    }
}

impl Ledger {
    /// Decides one statement; the answer comes when it is durable.
    pub async fn submit(&self, statement: SignedStatement) -> Result<Answer, SubmitError> {
        self.enqueue(statement)?.await
    }

    /// Admits a statement at once. Statements are judged in the order in
    /// which they were admitted, so a stream calls this in order of arrival
    /// and awaits the answers in that order.
    ///
    /// # Errors
    /// [`SubmitError::Overloaded`] if too many are unanswered,
    /// [`SubmitError::RateLimited`] if its party has been too fast,
    /// [`SubmitError::Stopped`] if nothing is taken any more.
    pub fn enqueue(&self, statement: SignedStatement) -> Result<Pending, SubmitError> {
        self.enqueue_from(statement, None)
    }

    /// The same of a statement that came from an address: if its signatures do
    /// not verify, that is counted against the address.
    pub fn enqueue_from(
        &self,
        statement: SignedStatement,
        from: Option<IpAddr>,
    ) -> Result<Pending, SubmitError> {
        let admitted = self.admit(statement, from);
        if let Err(error) = &admitted {
            self.shared.metrics.pushed_back(error);
        }
        admitted
    }

    fn admit(
        &self,
        statement: SignedStatement,
        from: Option<IpAddr>,
    ) -> Result<Pending, SubmitError> {
        self.shared.rates.check(&statement)?;
        // One that weighs more is refused before anything of it is decoded.
        let bytes = weight(&statement).min(MAX_WEIGHT);
        match self.shared.inbox.admit(statement, bytes, from) {
            Ok(Some(receiver)) => Ok(Pending {
                shared: Arc::clone(&self.shared),
                receiver,
            }),
            Ok(None) => Err(SubmitError::Overloaded {
                retry_after_ms: RETRY_AFTER_MS,
            }),
            Err(why) => Err(SubmitError::Stopped { why }),
        }
    }

    /// What [`Ledger::submit`] would answer now, judged on a committed state
    /// of at least `min_position` records. Nothing is recorded.
    pub async fn dry_run(
        &self,
        statement: SignedStatement,
        min_position: u64,
    ) -> Result<pb::DecideResponse, ReadError> {
        self.at_least(min_position).await?;
        let busy = |_| ReadError::Busy {
            retry_after_ms: dry_run::RETRY_AFTER_MS,
        };
        let _permit = self.shared.dry_runs.try_acquire().map_err(busy)?;
        let shared = Arc::clone(&self.shared);
        let judged = tokio::task::spawn_blocking(move || dry_run::run(&shared, &statement));
        judged.await.unwrap_or_else(|_| {
            Err(ReadError::Stopped {
                why: "the dry run was cut short".into(),
            })
        })
    }

    /// Waits until that many records are committed and projected; returns how
    /// many are. It may never come: callers set a deadline.
    pub async fn at_least(&self, min_position: u64) -> Result<u64, ReadError> {
        let mut progress = self.shared.progress.clone();
        let there = progress.wait_for(|p| p.projected >= min_position || !p.failed.is_empty());
        let reached = there.await.map(|p| p.clone());
        match reached {
            Ok(p) if p.projected >= min_position => Ok(p.projected),
            Ok(p) => Err(ReadError::Stopped { why: p.failed }),
            Err(_) => Err(ReadError::Stopped {
                why: self.shared.inbox.why(),
            }),
        }
    }

    /// How many records are committed.
    pub fn committed(&self) -> u64 {
        self.shared.live().state.next()
    }

    /// What time it is by the ledger's reckoning, and never before its last
    /// record. Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        let recorded = self.shared.live().state.recorded_at_ms();
        self.shared.time.best_ms().max(recorded)
    }

    /// Who the ledger is and how far it has got.
    pub fn status(&self) -> Status {
        let shared = &self.shared;
        let progress = shared.progress.borrow().clone();
        let (open, stopped) = shared.inbox.accepting();
        let short = shared.disk.short();
        let clock_in_doubt = shared.time.doubt();
        let hold = shared.checkpoints.hold();
        let live = shared.live();
        Status {
            origin: shared.origin.clone(),
            committed: live.state.next(),
            last_head: live.state.last_head(),
            recorded_at_ms: live.state.recorded_at_ms(),
            ledger_key: shared.key.public().clone(),
            ledger_keys: rotation::keys_of(&live.state)
                .unwrap_or_else(|| LedgerKeys::new(shared.key.public().clone())),
            projected: progress.projected,
            flushed: progress.flushed,
            accepting: open && hold.is_none() && short.is_none() && clock_in_doubt.is_none(),
            stopped,
            paused: hold
                .map(|hold| hold.to_string())
                .or_else(|| short.map(|short| short.to_string()))
                .or_else(|| clock_in_doubt.map(|doubt| doubt.to_string())),
            clock_in_doubt,
            disk_free_bytes: shared.disk.free_bytes(),
            scrubbed: shared.scrubbed.borrow().clone(),
            unanswered: shared.inbox.unanswered(),
            checkpoints: shared.checkpoints.status(),
        }
    }

    /// Tells when the disk becomes nearly full and when there is room again.
    pub fn disk_short(&self) -> watch::Receiver<Option<DiskShort>> {
        self.shared.disk.subscribe()
    }

    /// Tells what reading the journal again comes to: at every finding, and
    /// after every pass.
    pub fn scrubbed(&self) -> watch::Receiver<Scrubbed> {
        self.shared.scrubbed.subscribe()
    }

    /// Tells when the ledger's key has been rotated: it accepts nothing after
    /// that, and is to be started again with the new key.
    pub fn rotated(&self) -> watch::Receiver<Option<Rotated>> {
        self.shared.rotated.subscribe()
    }

    /// Tells when the machine's clock is in doubt, and when no longer.
    pub fn clock_doubt(&self) -> watch::Receiver<Option<ClockDoubt>> {
        self.shared.time.subscribe()
    }

    /// Looks at the committed live state, at one position
    /// ([`State::next`]). The writer cannot apply meanwhile: look, copy, and
    /// let go.
    pub fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.shared.live().state)
    }

    /// The record at a position and its acknowledgement; `None` if it is not
    /// committed. Blocks on the disk.
    pub fn record(
        &self,
        position: u64,
    ) -> Result<Option<(pb::Record, pb::Acknowledgement)>, ReadError> {
        self.shared.record(position)
    }

    /// The same without the acknowledgement, opened: one read of the disk
    /// where [`Ledger::record`] reads the whole batch.
    pub fn open_record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError> {
        // Not `committed`, which is told a moment after the state has moved: a
        // chain is followed from the state's word.
        if position >= self.read(State::next) {
            return Ok(None);
        }
        self.shared.open_record(position)
    }

    /// What the record at a position says that a subject gave, without opening
    /// the rest; `None` if it is not committed, or no link of the subject's
    /// chain. Blocks on the disk.
    pub fn excerpt(&self, position: u64, subject: &Subject) -> Result<Option<Excerpt>, ReadError> {
        if position >= self.read(State::next) {
            return Ok(None);
        }
        self.shared.excerpt(position, subject)
    }

    /// The position at which a party's statement is recorded, if it is.
    /// Blocks on the disk if the id is older than 30 days.
    pub fn find(&self, party: &str, id: StatementId) -> Result<Option<u64>, ReadError> {
        self.shared.position_of(&ids::key(party, id), party, id)
    }

    /// Committed records from a position on, each once, in order.
    pub fn follow(&self, from: u64) -> Follower {
        Follower::new(Arc::clone(&self.shared), from)
    }

    /// Committed batches as they are stored, from the one that holds a
    /// position on.
    pub fn read_journal(&self, from: u64) -> BatchReader {
        BatchReader::new(Arc::clone(&self.shared), from)
    }

    /// The projection's store. Blocks on the disk.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Takes nothing more, answers what was admitted, seals the journal and
    /// flushes the projection. Other handles still read.
    pub async fn close(self) -> Result<(), CloseError> {
        self.shared.inbox.drain();
        let Ledger { threads, shared } = self;
        let waited = tokio::task::spawn_blocking(move || threads.wait());
        waited.await.unwrap_or(Ok(()))?;
        // Stopped by a rotation, all was settled and the journal sealed before.
        if let (_, Some(why)) = shared.inbox.accepting()
            && shared.rotated().is_none()
        {
            return Err(CloseError::Stopped(why));
        }
        let fault = shared
            .close_fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(fault) = fault {
            return Err(CloseError::Journal(fault));
        }
        let failed = shared.progress.borrow().failed.clone();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(CloseError::Projection(failed))
        }
    }
}
