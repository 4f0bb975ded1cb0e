//! A backup verified: its manifest, every byte of every file, and the audit of
//! the ledger that it holds, as of a data directory. Changes nothing.

use super::BackupError;
use super::checkpoint::{kept, largest};
use super::manifest::{CHECKPOINTS, Entry, JOURNAL, Manifest, REFUSALS};
use super::shelf::{hash_of, read_manifest};
use super::source::Small;
use super::view::view_of;
use crate::audit::{Audit, Proofs, verify_refusals, verify_whole};
use crate::event::Hash;
use crate::proof::Expect;
use crate::storage::{Storage, StorageFile};

/// A backup that holds.
#[derive(Debug)]
pub struct Verified {
    /// What it says it holds.
    pub manifest: Manifest,
    /// What the audit of its journal found: no problem.
    pub audit: Audit,
    /// The size of the tree that the ledger has signed and whose root was
    /// worked out anew; `None` if it has signed none.
    pub signed: Option<u64>,
}

/// Verifies a backup. `progress` is told bytes, then records.
///
/// # Errors
/// [`BackupError::Damaged`] names the first file that is not what the manifest
/// says; [`BackupError::Untrue`] says what in the ledger does not hold.
pub fn verify<S: Storage + Clone>(
    backup: &S,
    progress: &mut dyn FnMut(u64),
) -> Result<Verified, BackupError> {
    let manifest = verify_bytes(backup, progress)?;
    let checkpoints = checkpoints(backup, &manifest)?;
    let journal = view_of(backup.clone(), &manifest, JOURNAL);
    let refusals = view_of(backup.clone(), &manifest, REFUSALS);
    let (audit, signed) = audit(&manifest, &journal, &refusals, &checkpoints, progress)?;
    Ok(Verified {
        manifest,
        audit,
        signed,
    })
}

/// The same of the manifest and the bytes of the files alone.
///
/// # Errors
/// As [`verify`].
pub fn verify_bytes<S: Storage>(
    backup: &S,
    progress: &mut dyn FnMut(u64),
) -> Result<Manifest, BackupError> {
    let manifest = read_manifest(backup)?.ok_or(BackupError::None)?;
    for entry in &manifest.files {
        check_file(backup, entry, progress)?;
    }
    Ok(manifest)
}

/// Whether a file is what the manifest says.
fn check_file<S: Storage>(
    backup: &S,
    entry: &Entry,
    progress: &mut dyn FnMut(u64),
) -> Result<(), BackupError> {
    let damaged = |what: String| BackupError::Damaged {
        name: entry.stored.clone(),
        what,
    };
    let read = backup.open(&entry.stored).and_then(|file| {
        file.forget_cached();
        hash_of(&file, progress)
    });
    let (hash, bytes) = read.map_err(|error| damaged(format!("it cannot be read: {error}")))?;
    is_as_said(entry, bytes, hash).map_err(damaged)
}

/// Whether bytes with this hash are those of an entry.
pub(super) fn is_as_said(entry: &Entry, bytes: u64, hash: Hash) -> Result<(), String> {
    if bytes != entry.bytes {
        return Err(format!("it has {bytes} bytes, and had {}", entry.bytes));
    }
    if hash != entry.hash {
        return Err("its bytes are not those that were backed up (BLAKE3)".to_owned());
    }
    Ok(())
}

fn checkpoints<S: Storage>(backup: &S, manifest: &Manifest) -> Result<Vec<Small>, BackupError> {
    let files = manifest.folder(CHECKPOINTS).map(|entry| {
        let file = backup
            .open(&entry.stored)
            .map_err(BackupError::io("open", &entry.stored))?;
        // Their size has been compared with what one may be.
        let mut bytes = vec![0; usize::try_from(entry.bytes).unwrap_or(0)];
        file.read_exact_at(&mut bytes, 0)
            .map_err(BackupError::io("read", &entry.stored))?;
        Ok(Small {
            name: entry.name.clone(),
            bytes,
        })
    });
    files.collect()
}

/// The audit of a ledger's files: everything that `verify` checks of a data
/// directory, what was signed of its tree, and that it is what the manifest says.
/// The journal is read once. Returns the size that was signed.
pub(super) fn audit<J: Storage, R: Storage>(
    manifest: &Manifest,
    journal: &J,
    refusals: &R,
    checkpoints: &[Small],
    progress: &mut dyn FnMut(u64),
) -> Result<(Audit, Option<u64>), BackupError> {
    let expect = Expect {
        genesis_hash: Some(manifest.genesis_hash),
        ..Expect::default()
    };
    let kept = kept(checkpoints)?;
    let proofs = Proofs {
        checkpoints: &kept,
        ..Proofs::default()
    };
    let mut audit = verify_whole(journal, &expect, &proofs, None, &mut |_| {}, progress);
    if manifest.folder(REFUSALS).next().is_some() {
        verify_refusals(refusals, &mut audit);
    }
    if let Some(problem) = audit.problems.first() {
        return Err(BackupError::Untrue(problem.to_string()));
    }
    let ends = audit.report.as_ref().map(|report| report.last_head);
    if audit.records != manifest.records || ends != Some(manifest.last_head) {
        return Err(BackupError::Untrue(format!(
            "it ends with another record than the manifest says ({} records, not {})",
            audit.records, manifest.records
        )));
    }
    Ok((audit, largest(&kept)?))
}
