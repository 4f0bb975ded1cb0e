//! Why evidence does not hold.

use crate::custody::Broken;
use crate::event::KeyId;
use crate::event::digest::Hash;
use crate::proof::checkpoint::BadCheckpoint;
use crate::proof::policy::Unsatisfied;
use crate::proof::touched::BadTouched;
use crate::proof::{BadSubjectHead, Violation};

/// What does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEvidence {
    /// Not the protobuf message it should be.
    #[error("the file is no evidence: it is not an Evidence message ({0})")]
    NotEvidence(String),
    /// A format that this program does not know.
    #[error("the evidence is of format version {0}; 1 is known here")]
    Version(u32),
    /// Whose it is.
    #[error("the evidence does not name a lot: {0} bytes; a lot's name has 16")]
    Lot(usize),
    /// More than is read.
    #[error("the evidence has {count} {what}; at most {most}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many.
        count: usize,
        /// At most.
        most: usize,
    },
    /// Its checkpoint is none of the ledger's.
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] BadCheckpoint),
    /// Witnesses that the policy asks for have not signed.
    #[error("the checkpoint does not satisfy the policy: {0}")]
    Policy(#[from] Unsatisfied),
    /// A record without a head.
    #[error("record number {0} of the file is empty")]
    Empty(usize),
    /// A record that is not one, or that breaks a rule of its own.
    #[error("record {position}: {what}")]
    Record {
        /// Its position.
        position: u64,
        /// What.
        what: Box<Violation>,
    },
    /// Positions that do not ascend.
    #[error("record {position} stands after record {before}")]
    Order {
        /// The record's.
        position: u64,
        /// The one before it in the file.
        before: u64,
    },
    /// A record that the checkpoint's tree is too small for.
    #[error("record {position} is not under the checkpoint, which has {size} records")]
    Beyond {
        /// The record's.
        position: u64,
        /// The tree's size.
        size: u64,
    },
    /// A head that is not in the tree.
    #[error("the path of record {0} does not lead to the checkpoint's root")]
    Path(u64),
    /// There is no record 0.
    #[error("record 0 is not there, which says whose keys count")]
    NoGenesis,
    /// The checkpoint is another ledger's.
    #[error("the checkpoint is of {checkpoint}, the records are of {records}")]
    Origin {
        /// As the checkpoint says.
        checkpoint: String,
        /// As record 0 says.
        records: String,
    },
    /// Recorded before what stands before it.
    #[error(
        "record {position} says that it was recorded at {at_ms} ms, before record {before}, which \
         stands before it"
    )]
    Clock {
        /// The record's.
        position: u64,
        /// As it says, Unix milliseconds.
        at_ms: i64,
        /// The one before it in the file.
        before: u64,
    },
    /// Not chained to the record before it, which is there.
    #[error("record {0} does not name the head of the record before it")]
    Chain(u64),
    /// The checkpoint is signed by another of the ledger's keys than the one
    /// that signed for its last record.
    #[error(
        "the checkpoint is signed by the ledger's key {got}; by the rotations shown here it was \
         for {want} to sign"
    )]
    LedgerKey {
        /// The key given.
        got: KeyId,
        /// The one of that size.
        want: KeyId,
    },
    /// A lot is shown that the lot was not made of.
    #[error("{0} is shown, and the lot was not made of it; leave it out")]
    LotBeside(String),
    /// A record is shown that nothing here rests on.
    #[error("record {0} is shown, and nothing of the lot rests on it; leave it out")]
    RecordBeside(u64),
    /// A link that leads to what is not shown.
    #[error(
        "record {position} links to record {wanted} of {subject}, which is left out or does not \
         show its own link"
    )]
    LeftOut {
        /// The record with the link.
        position: u64,
        /// Whose chain.
        subject: String,
        /// Where it leads.
        wanted: u64,
    },
    /// A link that denies a record that is there.
    #[error("record {position} links to nothing of {subject}, whose last record here is {last:?}")]
    Link {
        /// The record with the link.
        position: u64,
        /// Whose chain.
        subject: String,
        /// The last of that chain before it, among those shown.
        last: Option<u64>,
    },
    /// The link to a signing key's last change is withheld.
    #[error("record {position} does not show its link to key {key}, which signed it")]
    KeyLink {
        /// The record.
        position: u64,
        /// The key.
        key: KeyId,
    },
    /// The link after which there are no more is withheld.
    #[error("record {0} does not show its last link: to a key, or to the packs that judged it")]
    LastLink(u64),
    /// Something was claimed of a permit or drawn, and the link of the permit's
    /// chain is withheld.
    #[error("record {position} changes {subject} and does not show the link of its chain")]
    PermitLink {
        /// The record.
        position: u64,
        /// The permit.
        subject: String,
    },
    /// Events of a record that may have revoked a key are withheld.
    #[error("record {position} may have revoked key {key}, and withholds events")]
    KeyHidden {
        /// The record.
        position: u64,
        /// The key.
        key: KeyId,
    },
    /// A key's first record does not register it.
    #[error("record {position} begins the chain of key {key} and does not show its registration")]
    KeyNotShown {
        /// The record.
        position: u64,
        /// The key.
        key: KeyId,
    },
    /// A key was registered by fewer authority keys than genesis asks for, or
    /// was known before.
    #[error("record {position} registers key {key}, which was not for its signers to do")]
    KeyRegistration {
        /// The record.
        position: u64,
        /// The key.
        key: KeyId,
    },
    /// A record of a subject's chain does not show what it says of it.
    #[error("record {position} is in the chain of {subject}, and may withhold its outcome")]
    Hidden {
        /// The record.
        position: u64,
        /// The subject.
        subject: String,
    },
    /// A subject whose chain does not begin with its birth.
    #[error("record {position} does not show how {subject} came to be")]
    Unborn {
        /// The record.
        position: u64,
        /// The subject.
        subject: String,
    },
    /// A law is broken.
    #[error("record {position}: {subject}: {broken}")]
    Law {
        /// The record.
        position: u64,
        /// The subject.
        subject: String,
        /// Which and how.
        broken: Broken,
    },
    /// A lot gained matter, and whose it was is not shown as of then.
    #[error("record {position}: {subject} was made of lot {parent}, which is left out there")]
    Giver {
        /// The record.
        position: u64,
        /// The lot that gained.
        subject: String,
        /// The lot that is not shown, in hexadecimal digits.
        parent: String,
    },
    /// A fact that waited for its offer is left out.
    #[error("record {position} books a fact of record {parked}, which is left out")]
    Parked {
        /// The record.
        position: u64,
        /// Where the fact is recorded.
        parked: u64,
    },
    /// An acceptance of another offer than the giver signed, or of what is none.
    #[error("record {0} accepts an offer that its giver did not sign")]
    Offer(u64),
    /// Nothing of the lot is there.
    #[error("no record of the lot's chain is there")]
    NoChain,
    /// A state record that must be there is not, or does not show what it says.
    #[error("state record {0} is left out, or does not show what the ledger says in it")]
    StateRecord(u64),
    /// The proof over a state record's map is left out, or out of order.
    #[error("the map of state record {0} is left out, or out of order")]
    Map(u64),
    /// A map of a state record that is not asked of.
    #[error("there is a map of record {0} beside those that are asked for")]
    MapBeside(u64),
    /// A proof over a map that does not hold.
    #[error("the map of state record {state_record}: {bad}")]
    Touched {
        /// The state record.
        state_record: u64,
        /// Why.
        bad: BadTouched,
    },
    /// A map that says otherwise than the chain.
    #[error(
        "the map of state record {state_record} says that the lot's last record is {got:?}, the \
         chain here ends so that it must be {want:?}"
    )]
    Later {
        /// The state record.
        state_record: u64,
        /// As the map says.
        got: Option<u64>,
        /// As the chain here has it.
        want: Option<u64>,
    },
    /// The ledger's word on the lot's last record is left out.
    #[error("the ledger's word on the lot's last record is left out")]
    HeadMissing,
    /// It is not the ledger's word.
    #[error("the word on the lot's last record: {0}")]
    Head(#[from] BadSubjectHead),
    /// It is of another tree, another subject, or says otherwise than the chain.
    #[error("the word on the lot's last record is of another {0}")]
    HeadOther(&'static str),
    /// A document that no record here names.
    #[error("a document is enclosed that no event here names: {0}")]
    Document(Hash),
}
