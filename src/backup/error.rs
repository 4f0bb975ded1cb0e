//! Why a backup could not be taken, read or restored, in words an operator can
//! act on.

use std::io;

use super::manifest::BadManifest;
use crate::event::Hash;
use crate::journal::JournalError;

/// Why a backup could not be taken, verified or restored. What the backup held
/// before it holds still.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file could not be read or written.
    #[error("cannot {action} {name}: {source}")]
    Io {
        /// What was being tried.
        action: &'static str,
        /// The file.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A segment of the data directory could not be read, or is damaged.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A segment of the data directory is not the ledger's word.
    #[error(
        "{segment} does not hold, and nothing was taken: {what}; \
         heal it first: hazledger repair DIR --from COPY"
    )]
    Segment {
        /// Its file name, with its folder.
        segment: String,
        /// What is wrong with it.
        what: String,
    },
    /// The folder is in use for something else.
    #[error("it holds {0}, which is no part of a backup; give a folder of its own")]
    Foreign(String),
    /// There is no backup.
    #[error("it holds no whole backup: there is no MANIFEST in it")]
    None,
    /// The manifest is not one.
    #[error("its MANIFEST is damaged: {0}")]
    Manifest(#[from] BadManifest),
    /// The backup is of another ledger.
    #[error(
        "it is a backup of the ledger {found}, and the data directory is of {wanted}; give another folder"
    )]
    OtherLedger {
        /// The backup's genesis hash.
        found: Hash,
        /// The data directory's.
        wanted: Hash,
    },
    /// The data directory holds less than its backup.
    #[error(
        "the backup holds {backup} records and the data directory only {here}: it has lost records, \
         or is an older copy; restore from the backup, or give another folder"
    )]
    Smaller {
        /// Records of the backup.
        backup: u64,
        /// Records of the data directory.
        here: u64,
    },
    /// The data directory went another way than its backup.
    #[error(
        "the data directory is not what the backup is of: {0}; the two went different ways, and \
         one of them is not to be believed: verify both, and keep both"
    )]
    Forked(String),
    /// The ledger has signed for more than its journal holds.
    #[error(
        "checkpoints/signed says that {size} records were durable, and the journal holds {here}: \
         the disk lost records; look at it, and heal the journal from another copy"
    )]
    Lost {
        /// As signed.
        size: u64,
        /// What can be read.
        here: u64,
    },
    /// A checkpoint is not one of this ledger's.
    #[error("{name}: {what}")]
    Checkpoint {
        /// Its file.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// Record 0 does not say whose signatures to ask for.
    #[error(
        "record 0 does not hold: {0}; heal the journal first: hazledger repair DIR --from COPY"
    )]
    NoGenesis(String),
    /// The folders of the data directory changed faster than they were read.
    #[error("the kept refusals were being removed as they were read; try again")]
    Moving,
    /// There is more than a backup can hold.
    #[error("{0}")]
    TooMuch(String),
    /// A file of a backup is not what the manifest says.
    #[error(
        "{name} is damaged: {what}; take another backup into this folder with --thorough while \
         the data directory is whole, or use another backup"
    )]
    Damaged {
        /// Its name in the backup.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// What a backup holds does not verify.
    #[error("what it holds does not verify: {0}")]
    Untrue(String),
    /// An archive holds something else under a segment's name.
    #[error(
        "the store's {0} is not the journal's: it is another ledger's, or from before the segment \
         was changed; give another folder, or take that file away"
    )]
    OtherSegment(String),
    /// A store gave back other bytes than it was given.
    #[error(
        "{0} is not what was written to it: the store gave back other bytes; look at its disk, or \
         give another folder"
    )]
    GaveBack(String),
    /// A store in the data directory itself.
    #[error("{0} is in the data directory; give a folder outside the data directory")]
    StoreInside(String),
    /// A segment is neither here nor in the store.
    #[error("{name} is archived as {place}, which cannot be read, and the store has none either")]
    Nowhere {
        /// The segment.
        name: String,
        /// Where it should be.
        place: String,
    },
    /// Somebody else changes the journal's files.
    #[error(
        "its journal's files are being changed by another 'hazledger archive', 'retain' or 'repair'"
    )]
    Busy,
    /// The place for a restored ledger is taken.
    #[error("{0} is not empty; restore into an empty or absent folder")]
    NotEmpty(String),
    /// A file system's own root, which no folder can be renamed to.
    #[error("{0} is where a file system is mounted; restore into a folder in it: {0}/ledger")]
    MountPoint(String),
    /// A restore was cut short.
    #[error("{0} is left over from a restore that was cut short; remove it and try again")]
    LeftOver(String),
}

impl BackupError {
    /// Whether it was tried, and the answer is no: something does not hold.
    pub fn says_no(&self) -> bool {
        matches!(
            self,
            BackupError::Segment { .. }
                | BackupError::Manifest(_)
                | BackupError::OtherLedger { .. }
                | BackupError::Smaller { .. }
                | BackupError::Forked(_)
                | BackupError::Lost { .. }
                | BackupError::Checkpoint { .. }
                | BackupError::Damaged { .. }
                | BackupError::Untrue(_)
                | BackupError::NoGenesis(_)
                | BackupError::OtherSegment(_)
                | BackupError::GaveBack(_)
                | BackupError::Journal(JournalError::Rot { .. } | JournalError::Missing { .. })
        )
    }

    /// For `map_err`.
    pub(super) fn io(
        action: &'static str,
        name: impl Into<String>,
    ) -> impl FnOnce(io::Error) -> BackupError {
        let name = name.into();
        move |source| BackupError::Io {
            action,
            name,
            source,
        }
    }
}
