//! What an audit can find wrong: where, what, and nothing about repair.

use crate::journal::Damage;
use crate::proof::tree::TreeHash;
use crate::proof::{BadAcknowledgement, BadCheckpoint, BadKept, BadReceipt, Failure, Unsatisfied};

/// One thing that is wrong with a journal, or with what was kept beside it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Bytes that the format does not allow.
    #[error("{0}")]
    Damage(Damage),
    /// A rule that a record or a batch breaks.
    #[error(transparent)]
    Rule(Failure),
    /// No records at all, not even genesis.
    #[error("the journal holds no record, not even genesis")]
    Empty,
    /// The segments say that they belong to another ledger than record 0 makes.
    #[error("record 0: the segments name another genesis hash than it has")]
    Origin,
    /// A segment takes up from another head than the one before it.
    #[error("record {position}: {segment} takes up from another head than the one before it")]
    SegmentHead {
        /// Its file name.
        segment: String,
        /// Its first record.
        position: u64,
    },
    /// The frame around a commit names another last head than its batch has.
    #[error("records {first} to {last}: the commit's frame names another last head than they have")]
    FrameHead {
        /// First of the batch.
        first: u64,
        /// Last of the batch.
        last: u64,
    },
    /// Bytes of the kept refusals that the format does not allow.
    #[error("kept refusals: {0}")]
    KeptDamage(Damage),
    /// A file of kept refusals that does not go on from the one before.
    #[error("kept refusals: {segment} does not go on from the one before, or is another ledger's")]
    KeptSegment {
        /// Its file name.
        segment: String,
        /// Its first.
        number: u64,
    },
    /// A kept refusal that is not what should stand there.
    #[error("kept refusal {number}: {what}")]
    Kept {
        /// Which, from 0.
        number: u64,
        /// What is wrong with it.
        what: BadKept,
    },
    /// Kept refusals that are not those which the ledger counted.
    #[error(
        "kept refusals {from} to {}: one of them was changed, dropped or put elsewhere: the \
         running hash is not the one that record {position} anchored",
        count.saturating_sub(1)
    )]
    KeptDiffers {
        /// The record that says what they come to.
        position: u64,
        /// The first that an earlier one does not vouch for.
        from: u64,
        /// After so many.
        count: u64,
    },
    /// Kept refusals that are no longer there, and were not said to go.
    #[error(
        "kept refusals {from} to {}: they are gone, and record {position} says that they are kept",
        to.saturating_sub(1)
    )]
    KeptGone {
        /// The record that says so.
        position: u64,
        /// The first of them.
        from: u64,
        /// The first after them.
        to: u64,
    },
    /// An acknowledgement that this ledger never gave, or that was changed.
    #[error("acknowledgement {name}: {what}")]
    BadAcknowledgement {
        /// Which.
        name: String,
        /// Why it does not hold.
        what: BadAcknowledgement,
    },
    /// Record 0 could not be read, so nobody knows whose word to ask for.
    #[error("{name}: the ledger's key is unknown, since record 0 is not verified")]
    LedgerUnknown {
        /// Which.
        name: String,
    },
    /// An acknowledged record that the journal has in another form.
    #[error("record {position}: acknowledgement {name} is of another record than stands here")]
    Differs {
        /// Which.
        name: String,
        /// Where.
        position: u64,
    },
    /// A receipt that this ledger never gave, or that was changed.
    #[error("receipt {name}: {what}")]
    BadReceipt {
        /// Which.
        name: String,
        /// Why it does not hold.
        what: BadReceipt,
    },
    /// A receipt of a record that the journal has in another form.
    #[error("record {position}: receipt {name} is of another record than stands here")]
    ReceiptDiffers {
        /// Which.
        name: String,
        /// Where.
        position: u64,
    },
    /// A receipt of a record that the journal has not.
    #[error(
        "record {position}: receipt {name} is of this record, but the journal ends after \
         {records}: records that the ledger gave receipts for are gone"
    )]
    ReceiptLost {
        /// Which.
        name: String,
        /// Where.
        position: u64,
        /// Records that the journal has.
        records: u64,
    },
    /// A checkpoint that this ledger never signed, or that was changed.
    #[error("checkpoint {name}: {what}")]
    BadCheckpoint {
        /// Which.
        name: String,
        /// Why it does not hold.
        what: BadCheckpoint,
    },
    /// A checkpoint of more records than there are: the journal has been cut.
    #[error(
        "checkpoint {name} is of {size} records, but the journal ends after {records}: records \
         that the ledger signed for are gone"
    )]
    CheckpointLost {
        /// Which.
        name: String,
        /// As it says.
        size: u64,
        /// Records that the journal has.
        records: u64,
    },
    /// A checkpoint of another tree: the ledger signed for other records.
    #[error(
        "checkpoint {name} is of another tree: at {size} records it has the root {got}, these \
         records have {want}: the ledger signed for other records than these"
    )]
    CheckpointDiffers {
        /// Which.
        name: String,
        /// As it says.
        size: u64,
        /// As it says.
        got: TreeHash,
        /// As the records have it.
        want: TreeHash,
    },
    /// A checkpoint without the cosignatures that the policy asks for.
    #[error("checkpoint {name}: {what}")]
    NotCosigned {
        /// Which.
        name: String,
        /// What is missing.
        what: Unsatisfied,
    },
    /// Not the journal of this ledger that was verified before: it was cut, or
    /// written anew, or is an older copy.
    #[error(
        "record {position}: {why}; the same ledger had been verified up to there, with other \
         records than it has now"
    )]
    NotAsVerified {
        /// The last that had been verified.
        position: u64,
        /// In what it differs.
        why: String,
    },
    /// An acknowledged record that the journal has not: it has been cut.
    #[error(
        "record {position}: acknowledgement {name} is of this record, but the journal ends \
         after {records}: records that were acknowledged are gone"
    )]
    Lost {
        /// Which.
        name: String,
        /// Where.
        position: u64,
        /// Records that the journal has.
        records: u64,
    },
}

impl Problem {
    /// The first record it is about.
    pub fn position(&self) -> u64 {
        match self {
            Problem::Damage(damage) => damage.position,
            Problem::Rule(failure) => *failure.positions.start(),
            Problem::SegmentHead { position, .. }
            | Problem::Differs { position, .. }
            | Problem::Lost { position, .. }
            | Problem::KeptDiffers { position, .. }
            | Problem::ReceiptDiffers { position, .. }
            | Problem::ReceiptLost { position, .. }
            | Problem::NotAsVerified { position, .. }
            | Problem::KeptGone { position, .. } => *position,
            Problem::CheckpointLost { size, .. } | Problem::CheckpointDiffers { size, .. } => {
                size.saturating_sub(1)
            }
            Problem::FrameHead { first, .. } => *first,
            Problem::Empty | Problem::Origin => 0,
            Problem::BadAcknowledgement { .. }
            | Problem::LedgerUnknown { .. }
            | Problem::BadReceipt { .. }
            | Problem::BadCheckpoint { .. }
            | Problem::NotCosigned { .. }
            | Problem::KeptDamage(_)
            | Problem::KeptSegment { .. }
            | Problem::Kept { .. } => u64::MAX,
        }
    }

    /// Whether the journal itself shows it, without any acknowledgement.
    pub fn is_of_the_journal(&self) -> bool {
        !matches!(
            self,
            Problem::BadAcknowledgement { .. }
                | Problem::LedgerUnknown { .. }
                | Problem::BadReceipt { .. }
                | Problem::ReceiptDiffers { .. }
                | Problem::ReceiptLost { .. }
                | Problem::BadCheckpoint { .. }
                | Problem::CheckpointLost { .. }
                | Problem::CheckpointDiffers { .. }
                | Problem::NotCosigned { .. }
                | Problem::NotAsVerified { .. }
                | Problem::Differs { .. }
                | Problem::Lost { .. }
                | Problem::KeptDamage(_)
                | Problem::KeptSegment { .. }
                | Problem::Kept { .. }
                | Problem::KeptDiffers { .. }
                | Problem::KeptGone { .. }
        )
    }
}
