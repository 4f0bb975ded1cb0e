//! Backups of a ledger's data directory: taken while a server writes to it,
//! only what is new is copied, and what is copied is first held against the
//! ledger's own signatures. Restored only after everything has been verified.
//!
//! | file | what it is |
//! |---|---|
//! | `manifest` | which files a backup is made of |
//! | `folder` | the real folder of a backup, its lock, its files for their owner only |
//! | `view` | a backup read as the data directory that it is of |
//! | `source` | a data directory as it is read while it is being written |
//! | `take` | taking one |
//! | `chain` | its segments held against one another |
//! | `shelf` | putting a file into a backup, durably |
//! | `verify` | every byte of one, and the audit of what it holds |
//! | `checkpoint` | what the ledger has signed of its tree |
//! | `restore` | a data directory made of one |
//! | `archive` | sealed segments moved to cheaper storage |
//! | `links` | a journal's folder in which a segment may be a link there |
//!
//! What this is not: a mirror that follows a server, or a place to serve from.
//! A backup is no data directory: it has no `LEDGER` file.
//!
#![doc = include_str!("FORMAT.md")]

mod archive;
mod chain;
mod checkpoint;
mod error;
mod folder;
mod links;
mod manifest;
mod restore;
mod shelf;
mod source;
mod take;
mod verify;
mod view;

pub use archive::{Archived, Maintenance, Place, Placed, Until, archive, archive_on, places};
pub use error::BackupError;
pub use folder::{BackupFolder, BackupReader, open_read_only};
pub use links::{JournalFolder, Links};
pub use manifest::{BadManifest, Entry, FORMAT_VERSION, MAX_FILES, MAX_MANIFEST_BYTES, Manifest};
pub use restore::{MARK, Restored, restore};
pub use source::Source;
pub use take::{Key, Taken, Wanted, journal_in, manifest_in, take};
pub use verify::{Verified, verify, verify_bytes};
