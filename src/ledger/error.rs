//! Why a ledger could not be created or opened, in words an operator can act on.

use std::io;
use std::path::PathBuf;

use crate::custody::ApplyError;
use crate::event::record::BadRecord;
use crate::event::{KeyId, Refused};
use crate::journal::JournalError;
use crate::projection::StoreError;

/// Why a ledger could not be created or opened. Nothing of it runs.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is in use for something.
    #[error("{0} is not empty; a ledger is created in an empty or absent folder")]
    NotEmpty(PathBuf),
    /// No ledger was created there, or not to the end.
    #[error("{0} holds no ledger: there is no LEDGER file in it; check the path, or create one")]
    NotALedger(PathBuf),
    /// The marker file is not one.
    #[error("{path} is not what this program writes: {what}; restore it from a backup")]
    Marker {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Made by another version of this program.
    #[error(
        "{path} has format version {found}, this program reads {supported}; use the program that wrote it"
    )]
    Version {
        /// The marker file.
        path: PathBuf,
        /// As it says.
        found: String,
        /// What can be read.
        supported: u32,
    },
    /// Another process has it open.
    #[error("{0} is in use by another process; stop that one first")]
    InUse(PathBuf),
    /// The operating system said no.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was being tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The options make no ledger.
    #[error("options: {0}")]
    Options(String),
    /// Genesis is not acceptable.
    #[error("genesis is refused: {0}")]
    Genesis(#[source] Refused),
    /// The key is not the one that genesis names.
    #[error(
        "the ledger key {got} is not the one that genesis names ({want}); give that one \
         (no record puts another in its place)"
    )]
    WrongKey {
        /// The key given.
        got: KeyId,
        /// The key genesis names.
        want: KeyId,
    },
    /// The key was the ledger's, and another has followed it.
    #[error(
        "the ledger key {got} was in force until record {position}, in which it was rotated; \
         start with the file of the key in force, {want} (--ledger-key FILE)"
    )]
    EarlierKey {
        /// The key given.
        got: KeyId,
        /// The key in force.
        want: KeyId,
        /// The position of the rotation that ended its time.
        position: u64,
    },
    /// The key is none that the ledger has had, and that of genesis is not in
    /// force any more.
    #[error(
        "the ledger key {got} is not the one in force, {want}; start with that one's file \
         (--ledger-key FILE), and if {got} is to follow it, have that recorded first: \
         hazledger key rotate-ledger"
    )]
    NotInForce {
        /// The key given.
        got: KeyId,
        /// The key in force.
        want: KeyId,
    },
    /// The journal could not be created or opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal holds no record 0: creation was cut short.
    #[error("the journal is empty: creation was cut short; remove the folder and create it again")]
    NoGenesis,
    /// A record in the journal is not one.
    #[error(
        "record {position} in the journal is damaged: {source}; \
         heal its segment from a backup or another copy: hazledger repair DIR --from COPY"
    )]
    Record {
        /// Its position.
        position: u64,
        /// What is wrong with it.
        source: BadRecord,
    },
    /// A record does not follow from those before it.
    #[error(
        "record {position} does not follow from those before it: {source}; run verify, and restore from a backup"
    )]
    Fold {
        /// Its position.
        position: u64,
        /// Which rule is broken.
        source: ApplyError,
    },
    /// The projection cannot even be rebuilt.
    #[error("the projection could not be rebuilt: {0}; check the disk")]
    Store(#[from] StoreError),
    /// The tree cannot be built.
    #[error("the tree over the records cannot be written or read: {0}; check the disk")]
    Tree(String),
    /// What is kept of checkpoints cannot be gone on from.
    #[error("{0}")]
    Checkpoint(String),
    /// The journal has fewer records than the ledger has signed.
    #[error(
        "the ledger has signed a checkpoint of {signed} records (checkpoints/signed), and the \
         journal ends before record {have}: the disk lost acknowledged records, {} of them, which \
         others may hold proof of; get them back from a backup or another copy: \
         hazledger repair DIR --from COPY",
        signed.saturating_sub(*have)
    )]
    SignedLost {
        /// Records the journal holds.
        have: u64,
        /// Records under the checkpoint.
        signed: u64,
    },
    /// Too many projections have been set aside.
    #[error("{0}: too many projections have been set aside here; remove them")]
    SetAside(PathBuf),
    /// The machine's clock is not what somebody reads from another one.
    #[error(
        "the machine's clock says {clock}, and {confirmed} was given as the time that another clock \
         shows; set the machine's clock, then give the time again"
    )]
    ClockNotConfirmed {
        /// The machine's.
        clock: String,
        /// As given.
        confirmed: String,
    },
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

impl OpenError {
    /// For `map_err`: what was being tried, and on what.
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> OpenError {
        let path = path.into();
        move |source| OpenError::Io {
            action,
            path,
            source,
        }
    }
}
