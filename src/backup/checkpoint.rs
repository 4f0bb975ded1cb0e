//! What the ledger has signed of its tree, as far as a backup needs it: how
//! many records were durable when it was signed, and what the audit holds the
//! records' tree against.

use super::BackupError;
use super::source::Small;
use crate::audit::KeptCheckpoint;
use crate::proof::{Checkpoint, Note};

/// The highest checkpoint that the ledger has signed, and the latest that it
/// has given out, with its witnesses' signatures.
pub(super) const SIGNED: &str = "checkpoints/signed";
pub(super) const SERVED: &str = "checkpoints/served";

/// The size of the tree of the highest checkpoint among the small files of a
/// data directory: so many records were durable before it was signed. `None`
/// if the ledger has signed none. Who signed it is looked at when the backup
/// is verified.
pub(super) fn signed_size(files: &[Small]) -> Result<Option<u64>, BackupError> {
    let Some(file) = files.iter().find(|file| file.name == SIGNED) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&file.bytes).map_err(|error| bad(SIGNED, &error))?;
    size_of(SIGNED, text).map(Some)
}

/// The checkpoints among the small files, to be held against the journal.
pub(super) fn kept(files: &[Small]) -> Result<Vec<KeptCheckpoint>, BackupError> {
    let ours = files
        .iter()
        .filter(|file| [SIGNED, SERVED].contains(&file.name.as_str()));
    let kept = ours.map(|file| {
        let text = String::from_utf8(file.bytes.clone());
        Ok(KeptCheckpoint {
            name: file.name.clone(),
            note: text.map_err(|error| bad(&file.name, &error))?,
            published: false,
        })
    });
    kept.collect()
}

fn size_of(name: &str, text: &str) -> Result<u64, BackupError> {
    let note = Note::parse(text).map_err(|error| bad(name, &error))?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|error| bad(name, &error))?;
    Ok(checkpoint.size)
}

/// The largest size of the tree that some checkpoints are of.
pub(super) fn largest(kept: &[KeptCheckpoint]) -> Result<Option<u64>, BackupError> {
    let mut largest = None;
    for one in kept {
        largest = largest.max(Some(size_of(&one.name, &one.note)?));
    }
    Ok(largest)
}

fn bad(name: &str, what: &dyn std::fmt::Display) -> BackupError {
    BackupError::Checkpoint {
        name: name.to_owned(),
        what: what.to_string(),
    }
}
