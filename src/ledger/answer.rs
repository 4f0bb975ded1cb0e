//! What the ledger says to whoever asked: answers, and why there is none.

use super::checkpoint::{CheckpointStatus, Hold};
use super::scrub::Scrubbed;
use super::timekeeper::ClockDoubt;
use crate::event::Hash;
use crate::event::record::BadRecord;
use crate::event::signing::PublicKey;
use crate::journal::JournalError;
use crate::pb;
use crate::projection::StoreError;
use crate::proof::LedgerKeys;

/// The ledger's answer to a statement.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It is a record, and durable.
    Acknowledged {
        /// The head, its path, the ledger's signature.
        acknowledgement: pb::Acknowledgement,
        /// What was found, as the record has it.
        findings: Vec<pb::Finding>,
        /// It had been recorded before; this is its first answer.
        repeated: bool,
    },
    /// It is not recorded, and why; signed if its own signature verified.
    Refused(pb::SignedRefusal),
}

/// Why a statement has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Too many statements are unanswered. This one was not looked at.
    #[error("the ledger has too many statements to answer; send it again in {retry_after_ms} ms")]
    Overloaded {
        /// When to come again, milliseconds.
        retry_after_ms: u64,
    },
    /// Its party has sent more than it may; this one was not looked at.
    #[error(
        "party {party} has sent more than its {per_second} statements a second; send it again in {retry_after_ms} ms"
    )]
    RateLimited {
        /// Whose, as the statement says.
        party: String,
        /// What it may send in the long run.
        per_second: u32,
        /// When to come again, milliseconds.
        retry_after_ms: u64,
    },
    /// The ledger has stopped accepting. If this one had been admitted, it is
    /// unknown whether it is recorded: the same bytes sent again after the
    /// restart get its answer.
    #[error("the ledger accepts nothing until it is started again: {why}")]
    Stopped {
        /// What stopped it.
        why: String,
    },
    /// The disk has less room than is to be kept free. Nothing of this one was
    /// written; the ledger accepts again by itself when there is room.
    #[error(
        "the disk is nearly full: {free_bytes} bytes are free, and {reserve_bytes} are kept free \
         for closing and recovery; nothing was recorded: make room, and send it again"
    )]
    DiskNearlyFull {
        /// Bytes free at the last look.
        free_bytes: u64,
        /// Bytes to be kept free.
        reserve_bytes: u64,
    },
    /// Nobody knows what time it is: the machine's clock has jumped.
    #[error("nothing is accepted: {0}; then send it again")]
    ClockInDoubt(ClockDoubt),
    /// It is to be seen first whether all of the ledger is there.
    #[error("nothing is accepted: {0}; then send it again")]
    OnHold(Hold),
    /// What it rests on, or its first answer, could not be read.
    #[error(
        "it could not be judged, because {why}; send it again after the ledger's disk has been seen to"
    )]
    Unreadable {
        /// What could not be read.
        why: String,
    },
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The journal could not.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The projection could not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record's bytes are not a record.
    #[error("record {position} cannot be read: {source}")]
    Record {
        /// Its position.
        position: u64,
        /// What is wrong with it.
        source: BadRecord,
    },
    /// A batch's commit is not the ledger's word on it.
    #[error("the commit of record {position} is not one of this ledger")]
    BadCommit {
        /// The record's position.
        position: u64,
    },
    /// Too many are asking for the same; this one was not tried.
    #[error("too many dry runs at a time; ask again in {retry_after_ms} ms")]
    Busy {
        /// When to come again, milliseconds.
        retry_after_ms: u64,
    },
    /// What was waited for will not come: the ledger has stopped or closed.
    #[error("the ledger has stopped: {why}")]
    Stopped {
        /// What stopped it.
        why: String,
    },
}

/// Why a ledger did not close cleanly. What was acknowledged is durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseError {
    /// It had stopped before.
    #[error("the ledger had stopped: {0}")]
    Stopped(String),
    /// The journal could not be sealed.
    #[error("the journal is not sealed: {0}; the next start rewrites its last segment")]
    Journal(String),
    /// The projection could not be flushed.
    #[error("the projection is not flushed: {0}; the next start catches it up")]
    Projection(String),
    /// Something hangs, most likely the disk.
    #[error("the ledger has not stopped after {0} s: its disk does not answer")]
    Hangs(u64),
}

/// Who the ledger is and how far it has got.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its name and genesis hash.
    pub origin: pb::Origin,
    /// Records committed.
    pub committed: u64,
    /// Hash of the last head.
    pub last_head: Hash,
    /// Recorded time of the last record, Unix milliseconds.
    pub recorded_at_ms: i64,
    /// The key it signs with.
    pub ledger_key: PublicKey,
    /// All keys that it has had, as its records say.
    pub ledger_keys: LedgerKeys,
    /// Records that the projection holds.
    pub projected: u64,
    /// Records whose projection has been flushed.
    pub flushed: u64,
    /// Whether statements are taken.
    pub accepting: bool,
    /// Why not, if it stopped.
    pub stopped: Option<String>,
    /// Why not, if it will accept again: the disk is nearly full, the clock is
    /// in doubt, or it is on hold.
    pub paused: Option<String>,
    /// Bytes free on the journal's disk at the last look; `None` if it is not
    /// looked at.
    pub disk_free_bytes: Option<u64>,
    /// What reading the journal again has come to so far.
    pub scrubbed: Scrubbed,
    /// Why not, if the machine's clock is in doubt.
    pub clock_in_doubt: Option<ClockDoubt>,
    /// Statements admitted and not yet answered.
    pub unanswered: usize,
    /// How its checkpoints stand.
    pub checkpoints: CheckpointStatus,
}
