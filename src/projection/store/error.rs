//! What goes wrong with the store.

use std::io;
use std::path::{Path, PathBuf};

use super::{STORE_VERSION, Table};

/// What went wrong with the store. Nothing in it is lost for good: it is
/// rebuilt from the journal.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// sled said no.
    #[error(
        "projection: cannot {action}: {source}; stop, set the projection folder aside and start again: it is rebuilt"
    )]
    Sled {
        /// What was being tried.
        action: &'static str,
        /// What sled said.
        source: io::Error,
    },
    /// The disk would not.
    #[error(
        "projection: cannot {action} {}: {source}; once the cause is gone, start again", path.display()
    )]
    Io {
        /// What was being tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else has it open.
    #[error("projection: another process has its store open; stop that one first")]
    InUse,
    /// A file is not what it should be.
    #[error("projection: {}: {what}", file.display())]
    Damaged {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// sled panicked on what it found.
    #[error("projection: its files are damaged so that the store gives up on them")]
    GaveUp,
    /// A row that is not what its table holds.
    #[error("projection: a row of {0:?} is damaged")]
    Row(Table),
    /// Written by another version of this program.
    #[error("projection: its layout has version {found}, this program has {STORE_VERSION}")]
    Version {
        /// As stored.
        found: u32,
    },
}

impl StoreError {
    pub(in crate::projection) fn damaged(file: &Path, what: &'static str) -> StoreError {
        StoreError::Damaged {
            file: file.to_owned(),
            what,
        }
    }

    pub(in crate::projection) fn io(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> StoreError + use<> {
        let path = path.to_owned();
        move |source| StoreError::Io {
            action,
            path,
            source,
        }
    }
}
