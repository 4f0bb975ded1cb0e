//! Retention: event bodies whose lots have been gone for longer than every rule
//! that covers them allows are withheld from the journal, and nothing else is.
//! Heads, links, outcomes, findings and commits stay, so the chain, the tree,
//! every receipt and every acknowledgement hold as before.
//!
//! | file | what it is |
//! |---|---|
//! | `plan` | which records' events may go, from the journal alone |
//! | `months` | calendar months after a moment |
//! | `apply` | segments written again without them, verified, put in place |
//!
//! What goes: the events of a record, all of them, with their salts. It goes if
//! every lot that the record is about, by its links or by the handoffs,
//! consignments and disputes that it links to, was closed so many months before
//! the ledger's last record, and those are closed as well; the months are the
//! most that any line `RETENTION` of a pack in force then, wherever, sets for any
//! form that the lot was of. Where no line covers a form, nothing of it goes.
//!
//! What never goes: registry events, state records and the ledger's other
//! words, packs, keys, permits, what an authority or agency signed, records of
//! the last segment, and anything that is about no lot.
//!
//! A segment in an archive comes back, and its file in the archive is removed. So
//! that a crash leaves none behind, a link `….seg.withheld` beside the segment
//! says what must go until it has gone; the projection, which may hold events
//! too, goes before the first segment is put in place.
//!
//! What this is not: erasure elsewhere. Copies, backups and whoever was shown an
//! event have it still. An event that is withheld can no longer be corrected,
//! and what was found by its outside reference is no longer found by it.

mod apply;
mod months;
mod plan;

pub use apply::{Applied, apply, apply_on, finish, finish_on};
pub use plan::{Plan, plan};

use crate::backup::BackupError;
use crate::journal::JournalError;

/// Why nothing was withheld, or not all.
#[derive(Debug, thiserror::Error)]
pub enum RetainError {
    /// A segment could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal does not verify, so nobody knows what its records say.
    #[error("the journal does not verify, and nothing was changed: {0}")]
    Untrue(String),
    /// What would be put in place does not verify.
    #[error("without these events the journal would not verify, and nothing was changed: {0}")]
    Candidate(String),
    /// The lock, or an archive's file.
    #[error(transparent)]
    Backup(#[from] BackupError),
}
