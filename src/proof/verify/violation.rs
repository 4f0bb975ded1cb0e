//! What can be wrong with a ledger's records: one variant for each rule.

use std::ops::RangeInclusive;

use crate::custody::{ApplyError, Broken};
use crate::event::codes::Refused;
use crate::event::record::BadRecord;
use crate::event::{Hash, KeyId, StatementId};
use crate::proof::BadCommit;

/// Where the first broken rule was found, and which.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", show(positions))]
pub struct Failure {
    /// The record; or its batch, where the rule is one of the batch.
    pub positions: RangeInclusive<u64>,
    /// The rule.
    pub what: Violation,
}

fn show(positions: &RangeInclusive<u64>) -> String {
    if positions.start() == positions.end() {
        format!("record {}", positions.start())
    } else {
        format!("records {} to {}", positions.start(), positions.end())
    }
}

impl Failure {
    pub(super) fn at(position: u64, what: impl Into<Violation>) -> Failure {
        Failure {
            positions: position..=position,
            what: what.into(),
        }
    }
}

/// A rule that a record or a batch breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A batch that does not take up where the one before ends.
    #[error("the batch starts at {got}, the next position is {want}")]
    BatchPosition {
        /// The batch's first position.
        got: u64,
        /// The next position.
        want: u64,
    },
    /// A batch without records.
    #[error("a batch of no records")]
    EmptyBatch,
    /// The commit is not the ledger's word.
    #[error(transparent)]
    Commit(#[from] BadCommit),
    /// The commit signs other positions than those of its batch.
    #[error("the commit signs records {first} and {count} in all, other than its batch")]
    CommitPositions {
        /// As it says.
        first: u64,
        /// As it says.
        count: u64,
    },
    /// The commit signs another Merkle root than that of the heads.
    #[error("the commit signs the root {got}, the heads have {want}")]
    CommitRoot {
        /// As it says.
        got: Hash,
        /// Of the heads.
        want: Hash,
    },
    /// The commit signs another last head.
    #[error("the commit signs the last head {got}, the batch ends with {want}")]
    CommitLastHead {
        /// As it says.
        got: Hash,
        /// Of the last head.
        want: Hash,
    },
    /// Not canonical, too large, or a part that does not match its digest.
    #[error(transparent)]
    Record(#[from] BadRecord),
    /// More of something than a record may have.
    #[error("{count} {what}; at most {most}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        most: usize,
    },
    /// The statement's header or one of its events has no shape that the
    /// ledger could have accepted.
    #[error("the statement could not have been accepted: {0}")]
    Statement(Refused),
    /// The signatures are not one for each key that the payload names.
    #[error("the signatures are not one for each key that the payload names, in order")]
    SignatureSet,
    /// A signature does not hold.
    #[error("the signature of key {0} does not hold over the payload")]
    Signature(KeyId),
    /// Record 0 is no genesis that the ledger could have started from.
    #[error("record 0 is no genesis: {0}")]
    Genesis(Refused),
    /// Record 0 has other links or outcomes than its genesis gives.
    #[error("record 0 has other links or outcomes than its genesis gives")]
    GenesisOutcome,
    /// Another ledger than expected.
    #[error("the genesis hash is {got}, not the expected {want}")]
    GenesisHash {
        /// Of record 0.
        got: Hash,
        /// As expected.
        want: Hash,
    },
    /// Another ledger key than expected.
    #[error("the ledger's key is {got}, not the expected {want}")]
    LedgerKey {
        /// In force after the last record.
        got: KeyId,
        /// As expected.
        want: KeyId,
    },
    /// The statement was signed for another ledger.
    #[error("the statement is for another ledger: its origin is not this genesis")]
    Origin,
    /// At the time recorded its id, its expiry or its happening ruled it out.
    #[error("recorded at {recorded_at_ms} ms, when {what} ({ms} ms) ruled it out")]
    Time {
        /// Which time.
        what: &'static str,
        /// That time, Unix milliseconds.
        ms: i64,
        /// The record's, Unix milliseconds.
        recorded_at_ms: i64,
    },
    /// A statement recorded twice.
    #[error("statement {id} of {party} is recorded a second time")]
    Repeated {
        /// Who signed it.
        party: String,
        /// Its id.
        id: StatementId,
    },
    /// A key that was not registered before this record.
    #[error("key {0} was not registered when it signed")]
    UnknownKey(KeyId),
    /// A key that had been revoked.
    #[error("key {0} had been revoked when it signed")]
    RevokedKey(KeyId),
    /// A key outside its dates.
    #[error("key {0} was outside its dates when it signed")]
    KeyDates(KeyId),
    /// The acting key is another party's.
    #[error("key {key} is {party}'s, not the acting party's")]
    KeyNotOfParty {
        /// The key.
        key: KeyId,
        /// Whose it is.
        party: String,
    },
    /// The links do not name exactly the keys that signed, the packs that judged
    /// and the party.
    #[error(
        "the links do not name exactly the keys that signed, the packs that judged, \
         and the acting party"
    )]
    Uses,
    /// Outcomes that name a subject twice, or out of order.
    #[error("outcomes are not one for each subject, in order")]
    OutcomeOrder,
    /// A list of package serials that is not sorted and disjoint.
    #[error("an outcome lists package serials that are not ascending and disjoint")]
    Serials,
    /// A registry event, or what may be one, is withheld: nobody can fold on.
    #[error("event {0} is withheld and may be one of the registry")]
    WithheldRegistry(usize),
    /// A registry event by somebody who may not make it.
    #[error("event {index} changes the registry without leave: {why}")]
    Registry {
        /// Which event.
        index: usize,
        /// Whose act it should be.
        why: &'static str,
    },
    /// A change that names no event of this record, nor a fact that was parked.
    #[error("a change of {subject} names no event it could come from")]
    Cause {
        /// Of what.
        subject: String,
    },
    /// An event names an offer that is not the one on record.
    #[error("event {0} names an offer that is not the one on record")]
    EventRef(usize),
    /// What was booked of an offer or a parked fact is not what was signed.
    #[error("what {subject} booked is not what was signed: {why}")]
    NotAsSigned {
        /// Of what.
        subject: String,
        /// What differs.
        why: &'static str,
    },
    /// An event of which the record has not all that it says.
    #[error("event {index} ({kind}) has not had its effect: {subject} lacks {lacks}")]
    WithoutEffect {
        /// Which event.
        index: u32,
        /// Its kind, as `used`.
        kind: String,
        /// Whose change is missing.
        subject: String,
        /// What the record lacks.
        lacks: &'static str,
    },
    /// It does not follow from the state before it.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A law that spans lots or parties (4, 5).
    #[error("{subject}: {broken}")]
    Law {
        /// For people.
        subject: String,
        /// Which and how.
        broken: Broken,
    },
    /// No state record at a multiple of the interval.
    #[error("a state record should stand here, at a multiple of {0}")]
    StateRecordMissing(u64),
    /// A statement recorded while the ledger's clock was in doubt, or a word on
    /// its clock that names another time than its record.
    #[error("recorded while the ledger's clock was in doubt, or a word on it of another time")]
    Clock,
    /// A word on the refusals that are kept which does not follow from the one
    /// before.
    #[error("the word on the refusals that are kept: {field}: {why}")]
    Anchor {
        /// Its field at fault.
        field: &'static str,
        /// Why.
        why: &'static str,
    },
    /// A rotation of the ledger's key that is none; see `ROTATION.md`.
    #[error("the rotation of the ledger's key: {0}")]
    Rotation(&'static str),
    /// A state record, or anything else of the ledger's own, anywhere else.
    #[error("a statement of the ledger's own where none is due")]
    StateRecordMisplaced,
    /// A state record with another digest than the state has.
    #[error("the state record says {got}, the records fold to {want}")]
    StateDigest {
        /// As recorded.
        got: Hash,
        /// As folded.
        want: Hash,
    },
    /// A state record with another map of touched subjects.
    #[error("the state record names other touched subjects than the records since the last one")]
    Touched,
}
